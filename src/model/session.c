/* From a text to a run of the pipeline. See session.h. */
#include "model/session.h"

#include <stdatomic.h>
#include <string.h>

#include "base/status.h"

/* ---------------------------------------------------------------- threads */

static void clear_arenas(const wa_env *env, wa_arena *arenas, size_t n)
{
    for (size_t i = 0; arenas && i < n; i++)
        wa_arena_clear(&arenas[i]);
    wa_release(env, arenas);
}

static wa_arena *new_arenas(const wa_env *env, size_t n)
{
    wa_arena *const arenas = wa_alloc_zeroed(env, n, sizeof *arenas);

    for (size_t i = 0; arenas && i < n; i++)
        arenas[i].env = env;
    return arenas;
}

static void clear_threads(wa_session *session)
{
    const size_t n = wa_pool_threads(session->pool);

    clear_arenas(&session->model->env, session->results, n);
    clear_arenas(&session->model->env, session->scratch, n);
    wa_pool_free(session->pool);
}

wa_status wa_session_threads(wa_session *session, size_t n, wa_error *err)
{
    wa_status           st   = WA_OK;
    const wa_env *const env  = &session->model->env;
    wa_session          made = { .model = session->model };

    if (n != 1)
        WA_TRY(wa_pool_new(n, env, &made.pool, err));
    made.results = new_arenas(env, wa_pool_threads(made.pool));
    made.scratch = new_arenas(env, wa_pool_threads(made.pool));
    if (!made.results || !made.scratch)
        WA_TRY(wa_fail_memory(err, "threads"));
    clear_threads(session);
    session->pool    = made.pool;
    session->results = made.results;
    session->scratch = made.scratch;
    made             = (wa_session){ .model = session->model };
done:
    clear_threads(&made);
    return st;
}

wa_status wa_session_new(const wa_model *model, wa_session **out, wa_error *err)
{
    wa_status   st      = WA_OK;
    wa_session *session = wa_alloc_zeroed(&model->env, 1, sizeof *session);

    if (!session)
        WA_TRY(wa_fail_memory(err, "session"));
    session->model         = model;
    session->looked_up.env = &model->env;
    WA_TRY(wa_session_threads(session, 1, err));
    *out    = session;
    session = NULL;
done:
    wa_session_free(session);
    return st;
}

void wa_session_free(wa_session *session)
{
    if (!session)
        return;
    clear_threads(session);
    wa_arena_clear(&session->looked_up);
    wa_release(&session->model->env, session);
}

void wa_session_observe(wa_session *session, wa_observer *observer, void *user)
{
    session->observer      = observer;
    session->observer_user = user;
}

void wa_session_begin(wa_session *session)
{
    for (size_t i = 0; i < wa_pool_threads(session->pool); i++)
        wa_arena_reset(&session->results[i]);
}

/* ---------------------------------------------------------------- words */

static wa_token make_token(const wa_model *model, wa_piece piece, size_t row)
{
    return (wa_token){
        .word     = piece.word,
        .start    = piece.start,
        .end      = piece.end,
        .index    = row == WA_NONE ? model->unknown : row,
        .is_known = row != WA_NONE,
    };
}

/* The start word and the last words that have a row, max_tokens in all, make the context; returns how many words it leaves out. */
static size_t choose_context(const wa_model *model, wa_token *tokens, size_t n)
{
    const bool has_start = model->start != WA_NONE;
    size_t     n_left = model->experiment->tokenizer.max_tokens - has_start, n_dropped = 0;

    for (size_t i = n; i > has_start; i--) {
        wa_token *const token = &tokens[i - 1];

        if (token->index == WA_NONE)
            continue;
        token->in_context = n_left > 0;
        n_left -= token->in_context;
        n_dropped += !token->in_context;
    }
    if (has_start)
        tokens[0].in_context = true;
    return n_dropped;
}

wa_status wa_session_tokens(wa_session *session, size_t worker, wa_text text, wa_tokens *out, wa_error *err)
{
    wa_status                      st   = WA_OK;
    const wa_model *const          m    = session->model;
    const wa_tokenizer_opts *const opts = &m->experiment->tokenizer;
    wa_tokens                      all  = { 0 };
    wa_pieces                      pieces;
    wa_token                      *tokens;
    wa_text                       *words;
    size_t                        *rows;

    WA_TRY(wa_tokenizer_split(opts, text, &session->results[worker], &pieces, err));
    WA_WORKER_ALLOC(session, worker, pieces.n + 1, tokens);
    WA_WORKER_ALLOC(session, worker, pieces.n, words);
    WA_WORKER_ALLOC(session, worker, pieces.n, rows);
    for (size_t i = 0; i < pieces.n; i++)
        words[i] = pieces.items[i].word;
    wa_lexicon_find_all(&m->vectors->lexicon, words, pieces.n, rows);
    if (m->start != WA_NONE)
        tokens[all.n_tokens++] = make_token(m, (wa_piece){ .word = opts->start }, m->start);
    for (size_t i = 0; i < pieces.n; i++) {
        tokens[all.n_tokens++] = make_token(m, pieces.items[i], rows[i]);
        all.n_unknown += rows[i] == WA_NONE;
    }
    all.tokens    = tokens;
    all.n_dropped = choose_context(m, tokens, all.n_tokens);
    all.n_invalid = pieces.n_invalid;
    *out          = all;
done:
    return st;
}

wa_status wa_tokenize(wa_session *session, wa_text text, wa_tokens *out, wa_error *err)
{
    wa_session_begin(session);
    return wa_session_tokens(session, 0, text, out, err);
}

/* ---------------------------------------------------------------- running */

wa_status wa_session_rows(wa_session *session, size_t worker, const wa_tokens *tokens, const size_t **rows, size_t *T,
                          wa_error *err)
{
    wa_status st = WA_OK;
    size_t   *taken, n = 0;

    WA_WORKER_ALLOC(session, worker, tokens->n_tokens, taken);
    for (size_t i = 0; i < tokens->n_tokens; i++)
        if (tokens->tokens[i].in_context)
            taken[n++] = tokens->tokens[i].index;
    if (n == 0)
        WA_FAIL(WA_EMODEL,
                "the text has no word that the model knows, and the model has no start word (tokenizer.start) to begin from");
    *rows = taken;
    *T    = n;
done:
    return st;
}

wa_flow wa_session_flow(wa_session *session, size_t worker, const size_t *rows)
{
    wa_arena_reset(&session->scratch[worker]);
    return (wa_flow){
        .kernels       = session->model->kernels,
        .vectors       = session->model->vectors,
        .arena         = &session->scratch[worker],
        .rows          = rows,
        .observer      = session->observer,
        .observer_user = session->observer_user,
    };
}

void wa_session_add_part(wa_flow *flow, size_t T, size_t n_past)
{
    flow->parts[flow->n_parts++] = (wa_part){ .first = flow->T, .T = T, .n_past = n_past };
    flow->T += T;
}

/* ---------------------------------------------------------------- sharing */

typedef struct each_job {
    wa_session_piece *piece;
    void             *user;
    atomic_size_t     first_failed;
} each_job;

static void each_task(void *user, size_t worker, size_t i)
{
    each_job *const job  = user;
    size_t          seen = job->first_failed;

    if (job->piece(job->user, worker, NULL, i, NULL) != WA_OK)
        while (i < seen && !atomic_compare_exchange_weak(&job->first_failed, &seen, i))
            ;
}

wa_status wa_session_each(wa_session *session, wa_session_piece *piece, void *user, size_t n, size_t *n_done, wa_error *err)
{
    each_job   job       = { piece, user, n };
    const bool is_shared = session->pool && n > 1 && !session->observer;

    if (is_shared)
        wa_pool_run(session->pool, each_task, &job, n);
    *n_done = is_shared ? job.first_failed : 0;
    for (; *n_done < n; (*n_done)++) { /* one that failed is done once more, for its message */
        const wa_status st = piece(user, 0, n == 1 ? session->pool : NULL, *n_done, err);

        if (st != WA_OK)
            return st;
    }
    return WA_OK;
}

/* ---------------------------------------------------------------- several at once */

enum { ROWS_TOGETHER = 128 }; /* of sequences that run at once: few enough to stay in the second cache */

/* How many of n sequences run at once: one, or as many as are short enough. */
static size_t count_together(const wa_run_of_rows *runs, size_t n)
{
    size_t n_rows = runs[0].T, count = 1;

    while (count < n && count < WA_MOST_PARTS && n_rows + runs[count].T <= ROWS_TOGETHER)
        n_rows += runs[count++].T;
    return count;
}

/* Makes one flow of n sequences. *is_last_only: no more is wanted of any. */
static wa_status join_rows(wa_flow *flow, const wa_run_of_rows *runs, size_t n, bool *is_last_only, wa_error *err)
{
    wa_status st = WA_OK;
    size_t   *rows;

    *is_last_only = true;
    for (size_t i = 0; i < n; i++) {
        wa_session_add_part(flow, runs[i].T, 0);
        *is_last_only = *is_last_only && runs[i].first + 1 == runs[i].T;
    }
    if (n == 1)
        goto done;
    if (!(rows = wa_arena_alloc(flow->arena, flow->T, sizeof *rows)))
        WA_TRY(wa_fail_memory(err, "texts"));
    for (size_t i = 0; i < n; i++)
        memcpy(rows + flow->parts[i].first, runs[i].rows, runs[i].T * sizeof *rows);
    flow->rows = rows;
done:
    return st;
}

static wa_status run_together(wa_session *session, size_t worker, wa_pool *pool, const wa_run_of_rows *runs, size_t n,
                              wa_error *err)
{
    wa_status                st       = WA_OK;
    const wa_pipeline *const pipeline = &session->model->pipeline;
    wa_flow                  flow     = wa_session_flow(session, worker, runs[0].rows);
    bool                     is_last_only;

    flow.pool = pool;
    WA_TRY(join_rows(&flow, runs, n, &is_last_only, err));
    WA_TRY(wa_pipeline_run(pipeline, &flow, NULL, is_last_only, err));
    for (size_t i = 0; i < n; i++) {
        const size_t n_wanted = runs[i].T - runs[i].first, end = flow.parts[i].first + flow.parts[i].T;

        memcpy(runs[i].out, flow.x + (end - n_wanted) * pipeline->width, n_wanted * pipeline->width * sizeof *runs->out);
    }
done:
    return st;
}

/* Sequences, or texts that become some, in groups of `size`, each of which is a piece. */
typedef struct group_job {
    wa_session           *session;
    const wa_run_of_rows *runs;  /* [n] what runs */
    const wa_text        *texts; /* [n], or NULL */
    wa_run_of_rows       *made;  /* [n] of texts: what their pieces make of them, the same as `runs` */
    wa_run_of_text       *out;   /* [n] of texts */
    bool                  is_last_only;
    size_t                n, size;
} group_job;

/* Groups as large as they may be with two for each thread: fewer, and one would wait for the other. */
static size_t group_size(const wa_session *session, size_t n)
{
    const size_t size = n / (2 * wa_pool_threads(session->pool));

    return session->observer || size == 0 ? 1 : size < WA_MOST_PARTS ? size : WA_MOST_PARTS;
}

static wa_status split_text(const group_job *job, size_t worker, size_t i, wa_error *err)
{
    wa_status             st  = WA_OK;
    wa_run_of_text *const out = &job->out[i];
    wa_run_of_rows *const run = &job->made[i];
    size_t                n;

    WA_TRY(wa_session_tokens(job->session, worker, job->texts[i], &out->tokens, err));
    WA_TRY(wa_session_rows(job->session, worker, &out->tokens, &run->rows, &run->T, err));
    run->first = job->is_last_only ? run->T - 1 : 0;
    if (!wa_mul_size(run->T - run->first, job->session->model->pipeline.width, &n))
        n = SIZE_MAX;
    WA_WORKER_ALLOC(job->session, worker, n, run->out);
    out->T   = run->T;
    out->out = run->out;
done:
    return st;
}

static wa_status group_piece(void *user, size_t worker, wa_pool *pool, size_t group, wa_error *err)
{
    wa_status              st    = WA_OK;
    const group_job *const job   = user;
    const size_t           first = group * job->size, end = job->n - first < job->size ? job->n : first + job->size;

    for (size_t i = first; job->texts && i < end; i++)
        WA_TRY(split_text(job, worker, i, err));
    for (size_t i = first, n; i < end; i += n) {
        n = count_together(job->runs + i, end - i);
        WA_TRY(run_together(job->session, worker, pool, job->runs + i, n, err));
    }
done:
    return st;
}

/* All groups; those of the one that fails are then done one by one, to find out which it is. */
static wa_status run_groups(group_job *job, size_t *n_done, wa_error *err)
{
    const size_t n_groups = job->n / job->size + (job->n % job->size > 0);
    wa_status    st       = wa_session_each(job->session, group_piece, job, n_groups, n_done, err);

    *n_done = st == WA_OK ? job->n : *n_done * job->size;
    if (st == WA_OK || job->size == 1)
        return st;
    job->size = 1;
    for (; *n_done < job->n; ++*n_done)
        if ((st = group_piece(job, 0, NULL, *n_done, err)) != WA_OK)
            return st;
    return WA_OK;
}

wa_status wa_session_run(wa_session *session, const wa_run_of_rows *runs, size_t n, size_t *n_done, wa_error *err)
{
    group_job job = { .session = session, .runs = runs, .n = n, .size = group_size(session, n) };

    return run_groups(&job, n_done, err);
}

wa_status wa_session_run_texts(wa_session *session, const wa_text *texts, size_t n, bool is_last_only, wa_run_of_text *out,
                               size_t *n_done, wa_error *err)
{
    wa_status st  = WA_OK;
    group_job job = {
        .session = session, .texts = texts, .out = out, .is_last_only = is_last_only, .n = n, .size = group_size(session, n)
    };

    *n_done = 0;
    WA_SESSION_ALLOC(session, n, job.made);
    job.runs = job.made;
    WA_TRY(run_groups(&job, n_done, err));
done:
    return st;
}

wa_scan wa_session_scan(wa_session *session)
{
    wa_arena_reset(&session->scratch[0]);
    return (wa_scan){
        .kernels     = session->model->kernels,
        .pool        = session->pool,
        .arena       = &session->scratch[0],
        .is_backward = session->n_scans++ % 2 == 1,
    };
}

wa_status wa_session_need_words(const wa_session *session, const char *what, wa_error *err)
{
    if (session->model->pipeline.vocabulary)
        return WA_OK;
    return wa_fail(err, WA_EMODEL,
                   "%s: the pipeline has no vocabulary stage, and to %s words needs one; `embed` and `run` do without",
                   wa_config_path(session->model->config), what);
}

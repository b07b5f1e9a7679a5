/* From a text to a run of the pipeline. See session.h. */
#include "model/session.h"

#include <stdatomic.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"

/* ---------------------------------------------------------------- threads */

static void clear_scratch(wa_session *session)
{
    for (size_t i = 0; session->scratch && i < wa_pool_threads(session->pool); i++)
        wa_arena_clear(&session->scratch[i]);
    wa_release(&session->model->env, session->scratch);
    wa_pool_free(session->pool);
}

wa_status wa_session_threads(wa_session *session, size_t n, wa_error *err)
{
    wa_status           st      = WA_OK;
    const wa_env *const env     = &session->model->env;
    wa_pool            *pool    = NULL;
    wa_arena           *scratch = NULL;

    if (n != 1)
        WA_TRY(wa_pool_new(n, env, &pool, err));
    if (!(scratch = wa_alloc_zeroed(env, wa_pool_threads(pool), sizeof *scratch)))
        WA_TRY(wa_fail_memory(err, "threads"));
    for (size_t i = 0; i < wa_pool_threads(pool); i++)
        scratch[i].env = env;
    clear_scratch(session);
    session->pool    = pool;
    session->scratch = scratch;
    pool             = NULL;
done:
    wa_pool_free(pool);
    return st;
}

wa_status wa_session_new(const wa_model *model, wa_session **out, wa_error *err)
{
    wa_status   st      = WA_OK;
    wa_session *session = wa_alloc_zeroed(&model->env, 1, sizeof *session);

    if (!session)
        WA_TRY(wa_fail_memory(err, "session"));
    session->model     = model;
    session->arena.env = session->looked_up.env = &model->env;
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
    clear_scratch(session);
    wa_arena_clear(&session->arena);
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
    wa_arena_reset(&session->arena);
}

/* ---------------------------------------------------------------- words */

static wa_token make_token(const wa_model *model, wa_text word, size_t start, size_t end)
{
    const size_t row = wa_vectors_find(model->vectors, word);

    return (wa_token){
        .word     = word,
        .start    = start,
        .end      = end,
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

wa_status wa_session_tokens(wa_session *session, wa_text text, wa_tokens *out, wa_error *err)
{
    wa_status                      st   = WA_OK;
    const wa_model *const          m    = session->model;
    const wa_tokenizer_opts *const opts = &m->experiment->tokenizer;
    wa_tokens                      all  = { 0 };
    wa_pieces                      pieces;
    wa_token                      *tokens;

    WA_TRY(wa_tokenizer_split(opts, text, &session->arena, &pieces, err));
    WA_SESSION_ALLOC(session, pieces.n + 1, tokens);
    if (m->start != WA_NONE)
        tokens[all.n_tokens++] = make_token(m, opts->start, 0, 0);
    for (size_t i = 0; i < pieces.n; i++) {
        const wa_token token = make_token(m, pieces.items[i].word, pieces.items[i].start, pieces.items[i].end);

        tokens[all.n_tokens++] = token;
        all.n_unknown += !token.is_known;
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
    return wa_session_tokens(session, text, out, err);
}

/* ---------------------------------------------------------------- running */

wa_status wa_session_rows(wa_session *session, const wa_tokens *tokens, const size_t **rows, size_t *T, wa_error *err)
{
    wa_status st = WA_OK;
    size_t   *taken, n = 0;

    WA_SESSION_ALLOC(session, tokens->n_tokens, taken);
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

wa_flow wa_session_flow(wa_session *session, size_t worker, const size_t *rows, size_t T)
{
    wa_arena_reset(&session->scratch[worker]);
    return (wa_flow){
        .kernels       = session->model->kernels,
        .vectors       = session->model->vectors,
        .arena         = &session->scratch[worker],
        .rows          = rows,
        .T             = T,
        .observer      = session->observer,
        .observer_user = session->observer_user,
    };
}

typedef struct run_job {
    wa_session           *session;
    const wa_run_of_rows *runs;
    atomic_size_t         first_failed;
} run_job;

/* pool: NULL, or those who help with a run that is the only one. */
static wa_status run_one(wa_session *session, size_t worker, wa_pool *pool, const wa_run_of_rows *run, wa_error *err)
{
    wa_status                st       = WA_OK;
    const wa_pipeline *const pipeline = &session->model->pipeline;
    wa_flow                  flow     = wa_session_flow(session, worker, run->rows, run->T);
    const size_t             n_wanted = run->T - run->first;

    flow.pool = pool;
    WA_TRY(wa_pipeline_run(pipeline, &flow, NULL, n_wanted == 1, err));
    memcpy(run->out, flow.x + (flow.T - n_wanted) * pipeline->width, n_wanted * pipeline->width * sizeof *run->out);
done:
    return st;
}

static void run_task(void *user, size_t worker, size_t i)
{
    run_job *const job  = user;
    size_t         seen = job->first_failed;

    if (run_one(job->session, worker, NULL, &job->runs[i], NULL) != WA_OK)
        while (i < seen && !atomic_compare_exchange_weak(&job->first_failed, &seen, i))
            ;
}

wa_status wa_session_run(wa_session *session, const wa_run_of_rows *runs, size_t n, size_t *n_done, wa_error *err)
{
    run_job    job = { .session = session, .runs = runs, .first_failed = n };
    const bool is_shared =
        session->pool && n > 1 && !session->observer; /* an observer is called in order, from the caller's thread */

    if (is_shared)
        wa_pool_run(session->pool, run_task, &job, n);
    *n_done = is_shared ? job.first_failed : 0;
    for (; *n_done < n; (*n_done)++) { /* a run that failed is done once more, for its message */
        const wa_status st = run_one(session, 0, n == 1 ? session->pool : NULL, &runs[*n_done], err);

        if (st != WA_OK)
            return st;
    }
    return WA_OK;
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

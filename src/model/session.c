/* From a text to a run of the pipeline. See session.h. */
#include "model/session.h"

#include "base/status.h"
#include "base/str.h"

wa_status wa_session_new(const wa_model *model, wa_session **out, wa_error *err)
{
    wa_session *const session = wa_alloc_zeroed(&model->env, 1, sizeof *session);

    if (!session)
        return wa_fail_memory(err, "session");
    session->model     = model;
    session->arena.env = session->scratch.env = session->looked_up.env = &model->env;
    *out                                                               = session;
    return WA_OK;
}

void wa_session_free(wa_session *session)
{
    if (!session)
        return;
    wa_arena_clear(&session->arena);
    wa_arena_clear(&session->scratch);
    wa_arena_clear(&session->looked_up);
    wa_pool_free(session->pool);
    wa_release(&session->model->env, session);
}

wa_status wa_session_threads(wa_session *session, size_t n, wa_error *err)
{
    wa_status st   = WA_OK;
    wa_pool  *pool = NULL;

    if (n != 1)
        WA_TRY(wa_pool_new(n, &session->model->env, &pool, err));
    wa_pool_free(session->pool);
    session->pool = pool;
done:
    return st;
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

wa_status wa_session_run(wa_session *session, const wa_tokens *tokens, wa_flow *flow, wa_error *err)
{
    wa_status st = WA_OK;
    size_t   *rows, T = 0;

    WA_SESSION_ALLOC(session, tokens->n_tokens, rows);
    for (size_t i = 0; i < tokens->n_tokens; i++)
        if (tokens->tokens[i].in_context)
            rows[T++] = tokens->tokens[i].index;
    if (T == 0)
        WA_FAIL(WA_EMODEL,
                "the text has no word that the model knows, and the model has no start word (tokenizer.start) to begin from");
    WA_TRY(wa_session_run_rows(session, rows, T, flow, err));
done:
    return st;
}

wa_status wa_session_run_rows(wa_session *session, const size_t *rows, size_t T, wa_flow *flow, wa_error *err)
{
    const wa_model *const m = session->model;

    wa_arena_reset(&session->scratch);
    *flow = (wa_flow){
        .kernels       = m->kernels,
        .vectors       = m->vectors,
        .arena         = &session->scratch,
        .rows          = rows,
        .T             = T,
        .observer      = session->observer,
        .observer_user = session->observer_user,
    };
    return wa_pipeline_run(&m->pipeline, flow, err);
}

wa_status wa_session_need_words(const wa_session *session, const char *what, wa_error *err)
{
    if (session->model->pipeline.vocabulary)
        return WA_OK;
    return wa_fail(err, WA_EMODEL,
                   "%s: the pipeline has no vocabulary stage, and to %s words needs one; `embed` and `run` do without",
                   wa_config_path(session->model->config), what);
}

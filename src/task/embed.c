/* Vectors of texts, and runs for the sake of their observer. See wordahead.h. */
#include "base/status.h"
#include "model/session.h"

/* The mean of T rows: sums in double, tokens ascending, rounded once. out may be the first of them. */
static void mean_rows(float *out, const float *x, size_t T, size_t D)
{
    for (size_t d = 0; d < D; d++) {
        double sum = 0;

        for (size_t t = 0; t < T; t++)
            sum += (double)x[t * D + d];
        out[d] = (float)(sum / (double)T);
    }
}

wa_status wa_embed_many(wa_session *session, const wa_text *texts, size_t n, wa_pooling pooling, wa_embedding *out, size_t *n_done,
                        wa_error *err)
{
    wa_status       st    = WA_OK;
    const size_t    width = wa_model_width(session->model);
    wa_run_of_text *runs;

    *n_done = 0;
    wa_session_begin(session);
    WA_SESSION_ALLOC(session, n, runs);
    st = wa_session_run_texts(session, texts, n, pooling == WA_POOL_LAST, runs, n_done, err);
    for (size_t i = 0; i < *n_done; i++) {
        out[i] = (wa_embedding){ runs[i].tokens, runs[i].out, pooling == WA_POOL_NONE ? runs[i].T : 1, width };
        if (pooling == WA_POOL_MEAN)
            mean_rows(runs[i].out, runs[i].out, runs[i].T, width);
    }
done:
    return st;
}

wa_status wa_embed(wa_session *session, wa_text text, wa_pooling pooling, wa_embedding *out, wa_error *err)
{
    wa_status    st = WA_OK;
    wa_embedding embedding;
    size_t       ignored;

    WA_TRY(wa_embed_many(session, &text, 1, pooling, &embedding, &ignored, err));
    *out = embedding;
done:
    return st;
}

wa_status wa_run(wa_session *session, wa_text text, wa_tokens *out, wa_error *err)
{
    wa_status     st = WA_OK;
    wa_tokens     tokens;
    const size_t *rows;
    size_t        T;

    wa_session_begin(session);
    WA_TRY(wa_session_tokens(session, 0, text, &tokens, err));
    WA_TRY(wa_session_rows(session, 0, &tokens, &rows, &T, err));
    wa_flow flow = wa_session_flow(session, 0, rows);
    wa_session_add_part(&flow, T, 0);
    WA_TRY(wa_pipeline_run(&session->model->pipeline, &flow, NULL, false, err));
    if (out)
        *out = tokens;
done:
    return st;
}

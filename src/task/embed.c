/* Vectors of texts, and runs for the sake of their observer. See wordahead.h. */
#include "base/status.h"
#include "model/session.h"

/* The mean of T rows: sums in double, tokens ascending, rounded once. */
static void mean_rows(float *out, const float *x, size_t T, size_t D)
{
    for (size_t d = 0; d < D; d++) {
        double sum = 0;

        for (size_t t = 0; t < T; t++)
            sum += (double)x[t * D + d];
        out[d] = (float)(sum / (double)T);
    }
}

wa_status wa_embed(wa_session *session, wa_text text, wa_pool pool, wa_embedding *out, wa_error *err)
{
    wa_status    st        = WA_OK;
    wa_embedding embedding = { .width = wa_model_width(session->model), .n_rows = 1 };
    wa_flow      flow;
    float       *mean;

    wa_session_begin(session);
    WA_TRY(wa_session_tokens(session, text, &embedding.text, err));
    WA_TRY(wa_session_run(session, &embedding.text, &flow, err));
    embedding.data = flow.x;
    if (pool == WA_POOL_NONE)
        embedding.n_rows = flow.T;
    if (pool == WA_POOL_LAST)
        embedding.data = flow.x + (flow.T - 1) * embedding.width;
    if (pool == WA_POOL_MEAN) {
        WA_TRY(wa_flow_alloc(&flow, 1, embedding.width, &mean, err));
        mean_rows(mean, flow.x, flow.T, embedding.width);
        embedding.data = mean;
    }
    *out = embedding;
done:
    return st;
}

wa_status wa_run(wa_session *session, wa_text text, wa_tokens *out, wa_error *err)
{
    wa_status st = WA_OK;
    wa_tokens tokens;
    wa_flow   flow;

    wa_session_begin(session);
    WA_TRY(wa_session_tokens(session, text, &tokens, err));
    WA_TRY(wa_session_run(session, &tokens, &flow, err));
    if (out)
        *out = tokens;
done:
    return st;
}

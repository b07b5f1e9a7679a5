/* Vectors of texts, and runs for the sake of their observer. See wordahead.h. */
#include <string.h>

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

static wa_status embed_text(wa_session *session, wa_text text, wa_pooling pooling, wa_embedding *out, wa_error *err)
{
    wa_status    st        = WA_OK;
    wa_embedding embedding = { .width = wa_model_width(session->model), .n_rows = 1 };
    wa_flow      flow;
    float       *data;

    WA_TRY(wa_session_tokens(session, text, &embedding.text, err));
    WA_TRY(wa_session_run(session, &embedding.text, &flow, err));
    if (pooling == WA_POOL_NONE)
        embedding.n_rows = flow.T;
    WA_SESSION_ALLOC(session, embedding.n_rows * embedding.width, data);
    if (pooling == WA_POOL_MEAN)
        mean_rows(data, flow.x, flow.T, embedding.width);
    else
        memcpy(data, flow.x + (flow.T - embedding.n_rows) * embedding.width, embedding.n_rows * embedding.width * sizeof *data);
    embedding.data = data;
    *out           = embedding;
done:
    return st;
}

wa_status wa_embed_many(wa_session *session, const wa_text *texts, size_t n, wa_pooling pooling, wa_embedding *out, size_t *n_done,
                        wa_error *err)
{
    wa_status st = WA_OK;

    wa_session_begin(session);
    for (*n_done = 0; *n_done < n; (*n_done)++)
        WA_TRY(embed_text(session, texts[*n_done], pooling, &out[*n_done], err));
done:
    return st;
}

wa_status wa_embed(wa_session *session, wa_text text, wa_pooling pooling, wa_embedding *out, wa_error *err)
{
    size_t ignored;

    return wa_embed_many(session, &text, 1, pooling, out, &ignored, err);
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

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

/* The run of one text, whose output goes where the embedding will lie; with the mean it is averaged there later. */
static wa_status plan_text(wa_session *session, wa_text text, wa_pooling pooling, wa_embedding *embedding, wa_run_of_rows *run,
                           wa_error *err)
{
    wa_status st = WA_OK;
    size_t    n;

    *embedding = (wa_embedding){ .width = wa_model_width(session->model), .n_rows = 1 };
    WA_TRY(wa_session_tokens(session, text, &embedding->text, err));
    WA_TRY(wa_session_rows(session, &embedding->text, &run->rows, &run->T, err));
    run->first = pooling == WA_POOL_LAST ? run->T - 1 : 0;
    if (!wa_mul_size(run->T - run->first, embedding->width, &n))
        n = SIZE_MAX;
    WA_SESSION_ALLOC(session, n, run->out);
    embedding->data = run->out;
    if (pooling == WA_POOL_NONE)
        embedding->n_rows = run->T;
done:
    return st;
}

wa_status wa_embed_many(wa_session *session, const wa_text *texts, size_t n, wa_pooling pooling, wa_embedding *out, size_t *n_done,
                        wa_error *err)
{
    wa_status       st     = WA_OK;
    size_t          n_runs = 0;
    wa_run_of_rows *runs;

    *n_done = 0;
    wa_session_begin(session);
    WA_SESSION_ALLOC(session, n, runs);
    while (n_runs < n && (st = plan_text(session, texts[n_runs], pooling, &out[n_runs], &runs[n_runs], err)) == WA_OK)
        n_runs++;
    const wa_status run = wa_session_run(session, runs, n_runs, n_done, err);
    if (run != WA_OK) /* of a text before the one that could not be planned */
        st = run;
    for (size_t i = 0; pooling == WA_POOL_MEAN && i < *n_done; i++)
        mean_rows(runs[i].out, runs[i].out, runs[i].T, out[i].width);
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
    WA_TRY(wa_session_tokens(session, text, &tokens, err));
    WA_TRY(wa_session_rows(session, &tokens, &rows, &T, err));
    wa_flow flow = wa_session_flow(session, 0, rows, T);
    WA_TRY(wa_pipeline_run(&session->model->pipeline, &flow, NULL, false, err));
    if (out)
        *out = tokens;
done:
    return st;
}

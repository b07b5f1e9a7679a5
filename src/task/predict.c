/* The whole distribution of the words that may follow, at every position of a text. See wordahead.h. */
#include <string.h>

#include "base/status.h"
#include "model/session.h"

typedef struct prediction {
    const wa_kernels *kernels;
    size_t            N, n_chunks;
    float            *logprobs;  /* [T, N] logits at first */
    wa_chunk         *chunks;    /* [T, n_chunks] */
    bool             *is_finite; /* [T] once finished: whether the row's logits are */
} prediction;

static void take_logits(void *user, size_t worker, const wa_piece_of_row *piece)
{
    const prediction *const p = user;

    (void)worker;
    memcpy(p->logprobs + piece->row * p->N + piece->first, piece->logits, piece->n * sizeof *p->logprobs);
    p->chunks[piece->row * p->n_chunks + piece->first / WA_CHUNK] = p->kernels->measure(piece->logits, piece->n);
}

/* From the logits of a row, where they are finite, to its log-probabilities. */
static void finish_row(void *user, size_t worker, size_t t)
{
    const prediction *const p      = user;
    const wa_chunk *const   chunks = p->chunks + t * p->n_chunks;
    float *const            row    = p->logprobs + t * p->N;

    (void)worker;
    if ((p->is_finite[t] = wa_chunks_are_finite(chunks, p->n_chunks)))
        p->kernels->log_probabilities(row, row, wa_normaliser_join(chunks, p->n_chunks), p->N);
}

static wa_status predict(wa_session *session, const wa_run_of_text *run, wa_predictions *out, wa_error *err)
{
    wa_status             st         = WA_OK;
    const wa_stage *const vocabulary = session->model->pipeline.vocabulary;
    prediction            p          = { .kernels  = session->model->kernels,
                                         .N        = wa_model_vocabulary(session->model),
                                         .n_chunks = wa_vocabulary_chunks(vocabulary) };
    size_t                n;

    if (!wa_mul_size(run->T, p.N, &n))
        n = SIZE_MAX;
    WA_SESSION_ALLOC(session, n, p.logprobs);
    WA_SESSION_ALLOC(session, run->T * p.n_chunks, p.chunks);
    WA_SESSION_ALLOC(session, run->T, p.is_finite);
    const wa_scan scan = wa_session_scan(session);
    WA_TRY(wa_vocabulary_scan(vocabulary, &scan, run->out, run->T, take_logits, &p, err));
    wa_pool_run(scan.pool, finish_row, &p, run->T);
    for (size_t t = 0; t < run->T; t++)
        if (!p.is_finite[t])
            WA_TRY(wa_pipeline_fail_logits(t, err));
    *out = (wa_predictions){ run->tokens, p.logprobs, run->T, p.N };
done:
    return st;
}

wa_status wa_predict(wa_session *session, wa_text text, wa_predictions *out, wa_error *err)
{
    wa_status      st = WA_OK;
    wa_run_of_text run;
    size_t         ignored;

    wa_session_begin(session);
    WA_TRY(wa_session_need_words(session, "predict", err));
    WA_TRY(wa_session_run_texts(session, &text, 1, false, &run, &ignored, err));
    WA_TRY(predict(session, &run, out, err));
done:
    return st;
}

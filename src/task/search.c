/* The best words of a vocabulary. See search.h. */
#include "task/search.h"

#include "base/status.h"
#include "task/hunt.h"
#include "task/screening.h"

enum {
    MOST_ROWS  = 512,     /* of one scan: enough for the processor to have work, few enough for what is noted of each */
    MOST_ITEMS = 1 << 20, /* of all heaps of one scan */
};

/* ---------------------------------------------------------------- with every logit */

static void offer(wa_hunt *h, size_t worker, wa_topk *top, const float *scores, const wa_piece_of_row *piece)
{
    uint32_t *const where = h->where + worker * WA_CHUNK;
    const float     least = wa_hunt_least_worth(h, piece->row, top, scores, piece->n);
    const size_t    n     = h->session->model->kernels->find(where, scores, least, piece->n);

    for (size_t i = 0; i < n; i++)
        if (wa_search_allows(h->search, piece->first + where[i]))
            wa_topk_offer(top, scores[where[i]], piece->first + where[i]);
    wa_hunt_share(h, piece->row, top);
}

/* A hunt through all logits. */
typedef struct full_hunt {
    wa_hunt   h;
    size_t    n_chunks;
    wa_chunk *chunks; /* [n_rows, n_chunks] */
} full_hunt;

static void take_logits(void *user, size_t worker, const wa_piece_of_row *piece)
{
    full_hunt *const f = user;
    wa_hunt *const   h = &f->h;

    f->chunks[piece->row * f->n_chunks + piece->first / WA_CHUNK] = h->session->model->kernels->measure(piece->logits, piece->n);
    if (h->search->k > 0)
        offer(h, worker, wa_hunt_top(h, worker, piece->row), piece->logits, piece);
}

/* n_rows <= MOST_ROWS */
static wa_status search_all(wa_session *session, const wa_search *search, const float *x, size_t n_rows, wa_found *out,
                            wa_error *err)
{
    wa_status             st    = WA_OK;
    const wa_stage *const stage = session->model->pipeline.vocabulary;
    const wa_scan         scan  = wa_session_scan(session);
    full_hunt             f = { { session, search, n_rows, wa_pool_threads(session->pool) }, wa_vocabulary_chunks(stage), NULL };
    size_t                n;

    if (!wa_mul_size(n_rows, f.n_chunks, &n) || !(f.chunks = wa_arena_alloc(scan.arena, n, sizeof *f.chunks)))
        WA_TRY(wa_fail_memory(err, "ranking"));
    WA_TRY(wa_hunt_begin(&f.h, scan.arena, err));
    WA_TRY(wa_vocabulary_scan(stage, &scan, x, n_rows, take_logits, &f, err));
    for (size_t row = 0; row < n_rows; row++) {
        const wa_chunk *const chunks = f.chunks + row * f.n_chunks;

        out[row] = (wa_found){ .n_computed = stage->width_out, .is_finite = wa_chunks_are_finite(chunks, f.n_chunks) };
        if (!out[row].is_finite)
            continue;
        if (search->has_probabilities)
            out[row].by = wa_normaliser_join(chunks, f.n_chunks);
        WA_TRY(wa_hunt_finish(&f.h, wa_hunt_join(&f.h, row), &out[row], err));
    }
done:
    return st;
}

/* n_rows <= MOST_ROWS. A row that bounds do not settle is searched with every logit. */
static wa_status search_screened(wa_session *session, const wa_search *search, const float *x, size_t n_rows, wa_found *out,
                                 wa_error *err)
{
    wa_status st = WA_OK;
    bool     *is_settled;

    WA_SESSION_ALLOC(session, n_rows, is_settled);
    WA_TRY(wa_screening_search(session, search, x, n_rows, is_settled, out, err));
    for (size_t row = 0; row < n_rows; row++)
        if (!is_settled[row])
            WA_TRY(search_all(session, search, x + row * session->model->pipeline.width, 1, &out[row], err));
done:
    return st;
}

/* ---------------------------------------------------------------- choosing */

/* Only the logits of the words that are allowed; worth it where they are few. Where another word's logit may not be finite all are
 * computed, so that the error is the one of an exact ranking. */
static wa_status search_listed(wa_session *session, const wa_search *search, const float *x, wa_found *out, wa_error *err)
{
    wa_status             st     = WA_OK;
    const wa_model *const m      = session->model;
    const wa_scan         scan   = wa_session_scan(session);
    wa_hunt               h      = { session, search, 1, 1 };
    uint32_t *const       words  = wa_arena_alloc(scan.arena, search->n_allowed, sizeof *words);
    float *const          logits = wa_arena_alloc(scan.arena, search->n_allowed, sizeof *logits);
    size_t                n      = 0;
    bool                  is_safe;

    if (!words || !logits)
        WA_TRY(wa_fail_memory(err, "ranking"));
    WA_TRY(wa_vocabulary_is_safe(m->pipeline.vocabulary, &scan, x, &is_safe, err));
    if (!is_safe) {
        WA_TRY(search_all(session, search, x, 1, out, err));
        goto done;
    }
    WA_TRY(wa_hunt_begin(&h, scan.arena, err));
    for (size_t i = 0; i < wa_model_vocabulary(m); i++)
        if (wa_search_allows(search, i))
            words[n++] = (uint32_t)i;
    wa_vocabulary_logits_of(m->pipeline.vocabulary, m->kernels, x, words, n, logits);
    for (size_t i = 0; i < n; i++)
        wa_topk_offer(&h.tops[0], logits[i], words[i]);
    *out = (wa_found){ .n_computed = n, .is_finite = true };
    WA_TRY(wa_hunt_finish(&h, &h.tops[0], out, err));
done:
    return st;
}

wa_status wa_search_words(wa_session *session, const wa_search *search, const float *x, size_t n_rows, wa_found *out, wa_error *err)
{
    wa_status    st    = WA_OK;
    const size_t width = session->model->pipeline.width, N = wa_model_vocabulary(session->model);
    const bool   is_listed   = !search->has_probabilities && search->n_allowed <= N / 16;
    const bool   is_screened = !search->has_probabilities && wa_screening_is_worth(search->k, N);
    const size_t n_fitting   = MOST_ITEMS / (search->k + 1) / wa_pool_threads(session->pool);
    const size_t most        = is_listed || n_fitting == 0 ? 1 : n_fitting < MOST_ROWS ? n_fitting : MOST_ROWS;

    for (size_t row = 0, n; row < n_rows; row += n) {
        n = n_rows - row < most ? n_rows - row : most;
        if (is_listed)
            WA_TRY(search_listed(session, search, x + row * width, &out[row], err));
        else
            WA_TRY((is_screened ? search_screened : search_all)(session, search, x + row * width, n, &out[row], err));
    }
done:
    return st;
}

/* The best words of a vocabulary. See search.h.
 *
 * Every thread keeps the best of the pieces it sees; joining them gives the best of all, since the order of words is total: by logit, then
 * by index. */
#include "task/search.h"

#include <math.h>
#include <stdatomic.h>

#include "base/status.h"

enum {
    MOST_ROWS  = 512,     /* of one scan: enough for the processor to have work, few enough for what is noted of each */
    MOST_ITEMS = 1 << 20, /* of all heaps of one scan */
};

/* A scan for several rows. */
typedef struct hunt {
    wa_session      *session;
    const wa_search *search;
    size_t           n_rows, n_workers, n_chunks;
    wa_topk         *tops;   /* [workers, n_rows] */
    uint32_t        *where;  /* [workers, WA_CHUNK] */
    wa_chunk        *chunks; /* [n_rows, n_chunks] */
    _Atomic float   *least;  /* [n_rows] that some worker knows k words of the row to have */
} hunt;

static wa_status alloc_tops(hunt *h, wa_arena *arena, wa_error *err)
{
    const size_t     n = h->n_workers * h->n_rows, k = h->search->k;
    size_t           n_items;
    wa_scored *const items = wa_mul_size(n, k, &n_items) ? wa_arena_alloc(arena, n_items, sizeof *items) : NULL;

    h->n_chunks = wa_vocabulary_chunks(h->session->model->pipeline.vocabulary);
    h->tops     = wa_arena_alloc(arena, n, sizeof *h->tops);
    h->where    = wa_arena_alloc(arena, h->n_workers * WA_CHUNK, sizeof *h->where);
    h->chunks   = wa_arena_alloc(arena, h->n_rows * h->n_chunks, sizeof *h->chunks);
    h->least    = wa_arena_alloc(arena, h->n_rows, sizeof *h->least);
    if (!items || !h->tops || !h->where || !h->chunks || !h->least)
        return wa_fail_memory(err, "ranking");
    for (size_t row = 0; row < h->n_rows; row++)
        atomic_init(&h->least[row], -INFINITY);
    for (size_t i = 0; i < n; i++)
        h->tops[i] = (wa_topk){ .items = items + i * k, .k = k };
    return WA_OK;
}

/* The score that a word needs to be among the best so far. */
static float least_of(const wa_topk *top)
{
    return top->n < top->k ? -INFINITY : top->items[0].score;
}

/* A score that at least k words of a piece have: the k-th of the best of its groups. So a heap that is still empty need not be offered
 * every word of its first piece, which would take longer than computing them. Words of a shorter piece that fill no group, or none at
 * all, are left out of this. */
static float least_of_piece(const float *scores, size_t n, size_t k)
{
    enum { N_GROUPS = 32 };
    const size_t n_each = n / N_GROUPS;
    float        best[N_GROUPS], least = INFINITY;

    if (n_each == 0 || k > N_GROUPS)
        return -INFINITY;
    for (size_t g = 0; g < N_GROUPS; g++) {
        best[g] = -INFINITY;
        for (size_t i = g * n_each; i < (g + 1) * n_each; i++)
            best[g] = scores[i] > best[g] ? scores[i] : best[g];
    }
    for (size_t i = 0; i < k; i++) {
        size_t largest = 0;

        for (size_t g = 1; g < N_GROUPS; g++)
            largest = best[g] > best[largest] ? g : largest;
        least         = best[largest];
        best[largest] = -INFINITY;
    }
    return least;
}

/* What a word needs to be worth offering: `scores` of the words of a piece are those that the heap is ordered by. */
static float least_worth(const hunt *h, size_t row, const wa_topk *top, const float *scores, size_t n)
{
    const float shared = atomic_load_explicit(&h->least[row], memory_order_relaxed), own = least_of(top);
    const float least = shared > own ? shared : own;

    if (least > -INFINITY || h->search->allowed)
        return least;
    return least_of_piece(scores, n, top->k);
}

/* Tells the other workers what a word of this row needs. Two that tell at once may leave the smaller: it holds, too. */
static void share_least(hunt *h, size_t row, const wa_topk *top)
{
    const float least = least_of(top);

    if (least > atomic_load_explicit(&h->least[row], memory_order_relaxed))
        atomic_store_explicit(&h->least[row], least, memory_order_relaxed);
}

static void offer(hunt *h, size_t worker, wa_topk *top, const float *scores, const wa_piece_of_row *piece)
{
    uint32_t *const where = h->where + worker * WA_CHUNK;
    const float     least = least_worth(h, piece->row, top, scores, piece->n);
    const size_t    n     = h->session->model->kernels->find(where, scores, least, piece->n);

    for (size_t i = 0; i < n; i++)
        if (wa_search_allows(h->search, piece->first + where[i]))
            wa_topk_offer(top, scores[where[i]], piece->first + where[i]);
    share_least(h, piece->row, top);
}

/* The best of a row over all workers, in the heap of the first. */
static wa_topk *join_tops(hunt *h, size_t row)
{
    wa_topk *const top = &h->tops[row];

    for (size_t w = 1; w < h->n_workers; w++) {
        const wa_topk *const other = &h->tops[w * h->n_rows + row];

        for (size_t i = 0; i < other->n; i++)
            wa_topk_offer(top, other->items[i].score, other->items[i].index);
    }
    return top;
}

/* Sorts the words of a heap into the session. */
static wa_status finish_row(const hunt *h, wa_topk *top, wa_found *out, wa_error *err)
{
    wa_status  st = WA_OK;
    wa_scored *words;

    wa_topk_sort(top);
    WA_SESSION_ALLOC(h->session, top->n, words);
    for (size_t i = 0; i < top->n; i++)
        words[i] = top->items[i];
    out->words = words;
    out->n     = top->n;
done:
    return st;
}

/* ---------------------------------------------------------------- with every logit */

static void take_logits(void *user, size_t worker, const wa_piece_of_row *piece)
{
    hunt *const h = user;

    h->chunks[piece->row * h->n_chunks + piece->first / WA_CHUNK] = h->session->model->kernels->measure(piece->logits, piece->n);
    if (h->search->k > 0)
        offer(h, worker, &h->tops[worker * h->n_rows + piece->row], piece->logits, piece);
}

/* n_rows <= MOST_ROWS */
static wa_status search_all(wa_session *session, const wa_search *search, const float *x, size_t n_rows, wa_found *out,
                            wa_error *err)
{
    wa_status             st    = WA_OK;
    const wa_stage *const stage = session->model->pipeline.vocabulary;
    const wa_scan         scan  = wa_session_scan(session);
    hunt                  h     = { session, search, n_rows, wa_pool_threads(session->pool) };

    WA_TRY(alloc_tops(&h, scan.arena, err));
    WA_TRY(wa_vocabulary_scan(stage, &scan, x, n_rows, take_logits, &h, err));
    for (size_t row = 0; row < n_rows; row++) {
        const wa_chunk *const chunks = h.chunks + row * h.n_chunks;

        out[row] = (wa_found){ .n_computed = stage->width_out, .is_finite = wa_chunks_are_finite(chunks, h.n_chunks) };
        if (!out[row].is_finite)
            continue;
        if (search->has_probabilities)
            out[row].by = wa_normaliser_join(chunks, h.n_chunks);
        WA_TRY(finish_row(&h, join_tops(&h, row), &out[row], err));
    }
done:
    return st;
}

/* ---------------------------------------------------------------- with few logits */

/* Words that a worker has not ruled out for a row. */
typedef struct survivors {
    uint32_t *words;
    float    *upper;
    size_t    n;
    bool      is_full; /* there were more than there is room for, and the list says nothing */
} survivors;

typedef struct screening {
    hunt       h;        /* its heaps hold lower bounds */
    survivors *lists;    /* [workers, n_rows] */
    size_t     capacity; /* of each */
    bool      *is_safe;  /* [n_rows] */
} screening;

static size_t capacity_for(size_t k)
{
    return 1024 + 8 * k;
}

/* Drops what has fallen below the bound since it was noted. */
static void thin_out(survivors *s, float least, size_t capacity)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        if (s->upper[i] >= least) {
            s->words[n]   = s->words[i];
            s->upper[n++] = s->upper[i];
        }
    s->n       = n;
    s->is_full = n > capacity / 2;
}

/* The allowed words of a piece whose upper bounds reach `least`, as places in the piece. */
static size_t find_allowed(const screening *s, uint32_t *where, float least, const wa_piece_of_row *piece)
{
    const size_t n_found = s->h.session->model->kernels->find(where, piece->logits, least, piece->n);
    size_t       n       = 0;

    for (size_t i = 0; i < n_found; i++)
        if (wa_search_allows(s->h.search, piece->first + where[i]))
            where[n++] = where[i];
    return n;
}

static void take_bounds(void *user, size_t worker, const wa_piece_of_row *piece)
{
    screening *const s     = user;
    survivors *const list  = &s->lists[worker * s->h.n_rows + piece->row];
    wa_topk *const   top   = &s->h.tops[worker * s->h.n_rows + piece->row];
    uint32_t *const  where = s->h.where + worker * WA_CHUNK;

    if (!s->is_safe[piece->row])
        return;
    /* A lower bound that matters belongs to a word whose upper bound does. */
    size_t n = find_allowed(s, where, least_worth(&s->h, piece->row, top, piece->lower, piece->n), piece);
    for (size_t i = 0; i < n; i++)
        wa_topk_offer(top, piece->lower[where[i]], piece->first + where[i]);
    share_least(&s->h, piece->row, top);
    if (list->is_full)
        return;
    const float least = least_worth(&s->h, piece->row, top, piece->lower, piece->n);
    if (list->n + n > s->capacity)
        thin_out(list, least, s->capacity);
    for (size_t i = 0; !list->is_full && i < n; i++)
        if (piece->logits[where[i]] >= least) {
            list->words[list->n]   = (uint32_t)(piece->first + where[i]);
            list->upper[list->n++] = piece->logits[where[i]];
        }
}

static wa_status alloc_lists(screening *s, wa_arena *arena, wa_error *err)
{
    const size_t n = s->h.n_workers * s->h.n_rows;

    s->is_safe            = wa_arena_alloc(arena, s->h.n_rows, sizeof *s->is_safe);
    s->lists              = wa_arena_alloc_zeroed(arena, n, sizeof *s->lists);
    uint32_t *const words = wa_arena_alloc(arena, n * s->capacity, sizeof *words);
    float *const    upper = wa_arena_alloc(arena, n * s->capacity, sizeof *upper);
    if (!s->is_safe || !s->lists || !words || !upper)
        return wa_fail_memory(err, "ranking");
    for (size_t i = 0; i < n; i++) {
        s->lists[i].words = words + i * s->capacity;
        s->lists[i].upper = upper + i * s->capacity;
    }
    return WA_OK;
}

/* The words of a row that nobody ruled out. */
typedef struct remaining {
    uint32_t *words;  /* [n] */
    float    *upper;  /* [n] */
    float    *logits; /* [n] */
    size_t    n;
    float     least; /* the k-th largest lower bound: what an upper bound must reach */
} remaining;

typedef struct computing {
    screening   *s;
    const float *x;    /* [n_rows, width] */
    remaining   *rows; /* [n_rows] */
} computing;

/* What a scan of bounds has said of a row. Neither the order of the scan nor who found what has a say in it, but for CROWDED, after which
 * another scan says the same as one with more room would have. */
typedef struct verdict {
    enum {
        UNSETTLED, /* the bounds do not hold, or rule out too little: every logit must be computed */
        CROWDED,   /* more words were noted than there was room for, before it was known what a word needs */
        SETTLED,
    } state;
    float least; /* what a word needs at least, as far as it is known */
} verdict;

static bool is_crowded(const screening *s, size_t row)
{
    for (size_t w = 0; w < s->h.n_workers; w++)
        if (s->lists[w * s->h.n_rows + row].is_full)
            return true;
    return false;
}

/* The verdict on a row once its bounds are all known, and room for what remains of one that is settled. */
static wa_status judge(screening *s, wa_arena *arena, size_t row, verdict *v, remaining *out, wa_error *err)
{
    const size_t most =
        wa_model_vocabulary(s->h.session->model) / 4; /* computing all is faster than computing this many one by one */
    size_t n = 0;

    v->state = UNSETTLED;
    if (!s->is_safe[row])
        return WA_OK;
    v->least = least_of(join_tops(&s->h, row));
    for (size_t w = 0; w < s->h.n_workers; w++) {
        const survivors *const list = &s->lists[w * s->h.n_rows + row];

        n += s->h.session->model->kernels->count(list->upper, v->least, true, list->n);
    }
    v->state = is_crowded(s, row) ? CROWDED : n > most ? UNSETTLED : SETTLED;
    if (v->state != SETTLED)
        return WA_OK;
    *out = (remaining){
        .words  = wa_arena_alloc(arena, n, sizeof *out->words),
        .upper  = wa_arena_alloc(arena, n, sizeof *out->upper),
        .logits = wa_arena_alloc(arena, n, sizeof *out->logits),
        .n      = n,
        .least  = v->least,
    };
    return out->words && out->upper && out->logits ? WA_OK : wa_fail_memory(err, "ranking");
}

/* Fills in what the workers have noted of a row. */
static void gather_remaining(const screening *s, size_t row, remaining *r)
{
    size_t n = 0;

    for (size_t w = 0; r->n > 0 && w < s->h.n_workers; w++) {
        const survivors *const list = &s->lists[w * s->h.n_rows + row];

        for (size_t i = 0; i < list->n; i++)
            if (list->upper[i] >= r->least) {
                r->words[n]   = list->words[i];
                r->upper[n++] = list->upper[i];
            }
    }
}

static void move_to_front(remaining *r, size_t i, size_t to)
{
    const uint32_t word  = r->words[i];
    const float    upper = r->upper[i];

    r->words[i]  = r->words[to];
    r->upper[i]  = r->upper[to];
    r->words[to] = word;
    r->upper[to] = upper;
}

/* Moves the k words with the largest upper bounds to the front, if there are more; of equal ones the first of the vocabulary, so that it
 * does not matter which thread found them. The heap, for k, is used up. */
static void put_likely_first(remaining *r, wa_topk *heap)
{
    size_t n = 0;

    heap->n = 0;
    for (size_t i = 0; i < r->n; i++)
        wa_topk_offer(heap, r->upper[i], r->words[i]);
    if (r->n <= heap->k)
        return;
    const wa_scored last = heap->items[0];
    for (size_t i = 0; i < r->n; i++)
        if (r->upper[i] > last.score || (r->upper[i] == last.score && r->words[i] <= last.index))
            move_to_front(r, i, n++);
}

/* Drops the words behind the first k whose upper bounds do not reach the least of the logits of those. */
static void drop_unlikely(remaining *r, size_t k)
{
    float  least = INFINITY;
    size_t n     = k;

    for (size_t i = 0; i < k; i++)
        least = r->logits[i] < least ? r->logits[i] : least;
    for (size_t i = k; i < r->n; i++)
        if (r->upper[i] >= least)
            r->words[n++] = r->words[i];
    r->n = n;
}

/* The logits of what remains of a row, and the best of them. k logits are a better measure than k lower bounds, so the likeliest words
 * are computed first, and most of the others need not be. */
static void compute_remaining(void *user, size_t worker, size_t row)
{
    const computing *const c     = user;
    const wa_model *const  m     = c->s->h.session->model;
    const wa_stage *const  stage = m->pipeline.vocabulary;
    const float *const     x     = c->x + row * m->pipeline.width;
    wa_topk *const         top   = &c->s->h.tops[row];
    remaining *const       r     = &c->rows[row];
    const size_t           n     = r->n < top->k ? r->n : top->k;

    (void)worker;
    gather_remaining(c->s, row, r);
    put_likely_first(r, top);
    wa_vocabulary_logits_of(stage, m->kernels, x, r->words, n, r->logits);
    if (r->n > n) {
        drop_unlikely(r, n);
        wa_vocabulary_logits_of(stage, m->kernels, x, r->words + n, r->n - n, r->logits + n);
    }
    top->n = 0;
    for (size_t i = 0; i < r->n; i++)
        wa_topk_offer(top, r->logits[i], r->words[i]);
}

/* Judges every row and ranks those that are settled. */
static wa_status finish_settled(screening *s, const wa_scan *scan, const float *x, verdict *verdicts, wa_found *out, wa_error *err)
{
    wa_status st = WA_OK;
    computing c  = { s, x, wa_arena_alloc_zeroed(scan->arena, s->h.n_rows, sizeof *c.rows) };

    if (!c.rows)
        WA_TRY(wa_fail_memory(err, "ranking"));
    for (size_t row = 0; row < s->h.n_rows; row++)
        WA_TRY(judge(s, scan->arena, row, &verdicts[row], &c.rows[row], err));
    wa_pool_run(scan->pool, compute_remaining, &c, s->h.n_rows);
    for (size_t row = 0; row < s->h.n_rows; row++)
        if (verdicts[row].state == SETTLED) {
            out[row] = (wa_found){ .n_computed = c.rows[row].n, .is_finite = true };
            WA_TRY(finish_row(&s->h, &s->h.tops[row], &out[row], err));
        }
done:
    return st;
}

/* Scans the bounds of n_rows rows, noting at most `capacity` words for each. Forgets the scan before. */
static wa_status screen(wa_session *session, const wa_search *search, const float *x, size_t n_rows, size_t capacity,
                        verdict *verdicts, wa_found *out, wa_error *err)
{
    wa_status             st         = WA_OK;
    const wa_stage *const stage      = session->model->pipeline.vocabulary;
    const wa_scan         scan       = wa_session_scan(session);
    screening             s          = { .h = { session, search, n_rows, wa_pool_threads(session->pool) }, .capacity = capacity };
    bool                  has_bounds = false;

    WA_TRY(alloc_tops(&s.h, scan.arena, err));
    WA_TRY(alloc_lists(&s, scan.arena, err));
    for (size_t row = 0; row < n_rows; row++)
        atomic_init(&s.h.least[row], verdicts[row].least);
    WA_TRY(wa_vocabulary_bound(stage, &scan, x, n_rows, s.is_safe, take_bounds, &s, &has_bounds, err));
    if (has_bounds)
        WA_TRY(finish_settled(&s, &scan, x, verdicts, out, err));
done:
    return st;
}

/* n_rows <= MOST_ROWS */
static wa_status search_screened(wa_session *session, const wa_search *search, const float *x, size_t n_rows, wa_found *out,
                                 wa_error *err)
{
    wa_status    st = WA_OK;
    const size_t D  = session->model->pipeline.width;
    verdict     *verdicts;

    WA_SESSION_ALLOC(session, n_rows, verdicts);
    for (size_t row = 0; row < n_rows; row++)
        verdicts[row] = (verdict){ UNSETTLED, -INFINITY };
    WA_TRY(screen(session, search, x, n_rows, capacity_for(search->k), verdicts, out, err));
    for (size_t row = 0; row < n_rows; row++) {
        const float *const here = x + row * D;

        if (verdicts[row].state == CROWDED) /* with room for all words nothing is */
            WA_TRY(screen(session, search, here, 1, wa_model_vocabulary(session->model), &verdicts[row], &out[row], err));
        if (verdicts[row].state == UNSETTLED)
            WA_TRY(search_all(session, search, here, 1, &out[row], err));
    }
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
    hunt                  h      = { session, search, 1, 1 };
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
    WA_TRY(alloc_tops(&h, scan.arena, err));
    for (size_t i = 0; i < wa_model_vocabulary(m); i++)
        if (wa_search_allows(search, i))
            words[n++] = (uint32_t)i;
    wa_vocabulary_logits_of(m->pipeline.vocabulary, m->kernels, x, words, n, logits);
    for (size_t i = 0; i < n; i++)
        wa_topk_offer(&h.tops[0], logits[i], words[i]);
    *out = (wa_found){ .n_computed = n, .is_finite = true };
    WA_TRY(finish_row(&h, &h.tops[0], out, err));
done:
    return st;
}

wa_status wa_search_words(wa_session *session, const wa_search *search, const float *x, size_t n_rows, wa_found *out, wa_error *err)
{
    wa_status    st    = WA_OK;
    const size_t width = session->model->pipeline.width, N = wa_model_vocabulary(session->model);
    const bool   is_listed   = !search->has_probabilities && search->n_allowed <= N / 16;
    const bool   is_screened = !search->has_probabilities && capacity_for(search->k) <= N / 2;
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

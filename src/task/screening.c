/* Ranking by bounds first. See screening.h.
 *
 * The heaps of the hunt hold lower bounds. A scan notes the words whose upper bounds reach the k-th largest of them so far; what is left
 * when it is over is computed, the likeliest words first. */
#include "task/screening.h"

#include <math.h>
#include <stdatomic.h>

#include "base/status.h"
#include "task/hunt.h"

/* Words that a worker has not ruled out for a row. */
typedef struct survivors {
    uint32_t *words;
    float    *upper;
    size_t    n;
    bool      is_full; /* there were more than there is room for, and the list says nothing */
} survivors;

typedef struct screening {
    wa_hunt    h;        /* its heaps hold lower bounds */
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
    wa_topk *const   top   = wa_hunt_top(&s->h, worker, piece->row);
    uint32_t *const  where = s->h.where + worker * WA_CHUNK;

    if (!s->is_safe[piece->row])
        return;
    /* A lower bound that matters belongs to a word whose upper bound does. */
    size_t n = find_allowed(s, where, wa_hunt_least_worth(&s->h, piece->row, top, piece->lower, piece->n), piece);
    for (size_t i = 0; i < n; i++)
        wa_topk_offer(top, piece->lower[where[i]], piece->first + where[i]);
    wa_hunt_share(&s->h, piece->row, top);
    if (list->is_full)
        return;
    const float least = wa_hunt_least_worth(&s->h, piece->row, top, piece->lower, piece->n);
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
    const size_t most = wa_model_vocabulary(s->h.session->model) / 4; /* more take longer one by one than all together */
    size_t       n    = 0;

    v->state = UNSETTLED;
    if (!s->is_safe[row])
        return WA_OK;
    v->least = wa_hunt_least(wa_hunt_join(&s->h, row));
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
            WA_TRY(wa_hunt_finish(&s->h, &s->h.tops[row], &out[row], err));
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

    WA_TRY(wa_hunt_begin(&s.h, scan.arena, err));
    WA_TRY(alloc_lists(&s, scan.arena, err));
    for (size_t row = 0; row < n_rows; row++)
        atomic_store_explicit(&s.h.least[row], verdicts[row].least, memory_order_relaxed);
    WA_TRY(wa_vocabulary_bound(stage, &scan, x, n_rows, s.is_safe, take_bounds, &s, &has_bounds, err));
    if (has_bounds)
        WA_TRY(finish_settled(&s, &scan, x, verdicts, out, err));
done:
    return st;
}

bool wa_screening_is_worth(size_t k, size_t N)
{
    return capacity_for(k) <= N / 2;
}

wa_status wa_screening_search(wa_session *session, const wa_search *search, const float *x, size_t n_rows, bool *is_settled,
                              wa_found *out, wa_error *err)
{
    wa_status    st = WA_OK;
    const size_t D = session->model->pipeline.width, N = wa_model_vocabulary(session->model);
    verdict     *verdicts;

    WA_SESSION_ALLOC(session, n_rows, verdicts);
    for (size_t row = 0; row < n_rows; row++)
        verdicts[row] = (verdict){ UNSETTLED, -INFINITY };
    WA_TRY(screen(session, search, x, n_rows, capacity_for(search->k), verdicts, out, err));
    for (size_t row = 0; row < n_rows; row++) {
        if (verdicts[row].state == CROWDED) /* notes only what remains; what fills half of this room is too much (judge) */
            WA_TRY(screen(session, search, x + row * D, 1, N / 2, &verdicts[row], &out[row], err));
        is_settled[row] = verdicts[row].state == SETTLED;
    }
done:
    return st;
}

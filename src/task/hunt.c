/* The best words of several outputs, looked for by several threads. See hunt.h. */
#include "task/hunt.h"

#include <math.h>

#include "base/status.h"

wa_status wa_hunt_begin(wa_hunt *h, wa_arena *arena, wa_error *err)
{
    const size_t     n = h->n_workers * h->n_rows, k = h->search->k;
    size_t           n_items;
    wa_scored *const items = wa_mul_size(n, k, &n_items) ? wa_arena_alloc(arena, n_items, sizeof *items) : NULL;

    h->tops  = wa_arena_alloc(arena, n, sizeof *h->tops);
    h->where = wa_arena_alloc(arena, h->n_workers * WA_CHUNK, sizeof *h->where);
    h->least = wa_arena_alloc(arena, h->n_rows, sizeof *h->least);
    if (!items || !h->tops || !h->where || !h->least)
        return wa_fail_memory(err, "ranking");
    for (size_t row = 0; row < h->n_rows; row++)
        atomic_init(&h->least[row], -INFINITY);
    for (size_t i = 0; i < n; i++)
        h->tops[i] = (wa_topk){ .items = items + i * k, .k = k };
    return WA_OK;
}

float wa_hunt_least(const wa_topk *top)
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

float wa_hunt_least_worth(const wa_hunt *h, size_t row, const wa_topk *top, const float *scores, size_t n)
{
    const float shared = atomic_load_explicit(&h->least[row], memory_order_relaxed), own = wa_hunt_least(top);
    const float least = shared > own ? shared : own;

    if (least > -INFINITY || h->search->allowed)
        return least;
    return least_of_piece(scores, n, top->k);
}

void wa_hunt_share(wa_hunt *h, size_t row, const wa_topk *top)
{
    const float least = wa_hunt_least(top);

    if (least > atomic_load_explicit(&h->least[row], memory_order_relaxed))
        atomic_store_explicit(&h->least[row], least, memory_order_relaxed);
}

wa_topk *wa_hunt_join(wa_hunt *h, size_t row)
{
    wa_topk *const top = &h->tops[row];

    for (size_t w = 1; w < h->n_workers; w++) {
        const wa_topk *const other = &h->tops[w * h->n_rows + row];

        for (size_t i = 0; i < other->n; i++)
            wa_topk_offer(top, other->items[i].score, other->items[i].index);
    }
    return top;
}

wa_status wa_hunt_finish(const wa_hunt *h, wa_topk *top, wa_found *out, wa_error *err)
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

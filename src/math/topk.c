/* The k best of many. A binary heap in an array; see topk.h. */
#include "math/topk.h"

#include <stdbool.h>

static bool is_better(wa_scored a, wa_scored b)
{
    return a.score > b.score || (a.score == b.score && a.index < b.index);
}

/* Lets the item at the front of a heap of n sink to where it belongs. */
static void sink(wa_scored *items, size_t n)
{
    const wa_scored item = items[0];
    size_t          at   = 0;

    for (size_t child = 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && is_better(items[child], items[child + 1]))
            child++;
        if (is_better(items[child], item))
            break;
        items[at] = items[child];
        at        = child;
    }
    items[at] = item;
}

static void rise(wa_scored *items, size_t at)
{
    const wa_scored item = items[at];

    for (size_t parent; at > 0 && is_better(items[parent = (at - 1) / 2], item); at = parent)
        items[at] = items[parent];
    items[at] = item;
}

void wa_topk_offer(wa_topk *top, float score, size_t index)
{
    const wa_scored item = { score, index };

    if (top->n < top->k) {
        top->items[top->n] = item;
        rise(top->items, top->n++);
    } else if (top->k > 0 && is_better(item, top->items[0])) {
        top->items[0] = item;
        sink(top->items, top->n);
    }
}

void wa_topk_sort(wa_topk *top)
{
    for (size_t n = top->n; n > 1; n--) {
        const wa_scored worst = top->items[0];

        top->items[0] = top->items[n - 1];
        sink(top->items, n - 1);
        top->items[n - 1] = worst;
    }
}

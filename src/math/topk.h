/* The k best of many scored indices, in memory the caller gives. Larger scores are better; of equal ones the smaller index. */
#ifndef WA_MATH_TOPK_H
#define WA_MATH_TOPK_H

#include <stddef.h>

typedef struct wa_scored {
    float  score;
    size_t index;
} wa_scored;

/* Invariant: items is a heap whose worst item is in front. */
typedef struct wa_topk {
    wa_scored *items; /* [k] of the caller */
    size_t     n, k;
} wa_topk;

/* Offers an item. Scores must not be NaN. Cost: one comparison for most, log k for those that get in. */
void wa_topk_offer(wa_topk *top, float score, size_t index);

/* Sorts the items, best first; nothing can be offered after that. */
void wa_topk_sort(wa_topk *top);

#endif

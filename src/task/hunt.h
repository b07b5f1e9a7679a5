/* The best words of several outputs, looked for by several threads: a heap for each thread and output. Joining the heaps of all threads gives the
 * best of all, since the order of words is total: by score, then by index. */
#ifndef WA_TASK_HUNT_H
#define WA_TASK_HUNT_H

#include <stdatomic.h>

#include "math/topk.h"
#include "model/session.h"
#include "task/search.h"

typedef struct wa_hunt {
    wa_session      *session;
    const wa_search *search;
    size_t           n_rows, n_workers;
    wa_topk         *tops;  /* [workers, n_rows] */
    uint32_t        *where; /* [workers, WA_CHUNK] of a thread, for places in a piece */
    _Atomic float   *least; /* [n_rows] that some thread knows k words of the row to have */
} wa_hunt;

/* Allocates what a hunt with its first fields set needs, in an arena of the scan. Errors: WA_ENOMEM. */
wa_status wa_hunt_begin(wa_hunt *h, wa_arena *arena, wa_error *err);

/* The heap of a thread for a row. */
static inline wa_topk *wa_hunt_top(const wa_hunt *h, size_t worker, size_t row)
{
    return &h->tops[worker * h->n_rows + row];
}

/* The score that a word needs to be among the best of a heap. */
float wa_hunt_least(const wa_topk *top);

/* What a word needs to be worth offering: scores [n] of the words of a piece are those that the heap is ordered by. */
float wa_hunt_least_worth(const wa_hunt *h, size_t row, const wa_topk *top, const float *scores, size_t n);

/* Tells the other threads what a word of this row needs. Two that tell at once may leave the smaller: it holds, too. */
void wa_hunt_share(wa_hunt *h, size_t row, const wa_topk *top);

/* The best of a row over all threads, in the heap of the first. To be called once. */
wa_topk *wa_hunt_join(wa_hunt *h, size_t row);

/* Sorts the words of a heap into the session. Errors: WA_ENOMEM. */
wa_status wa_hunt_finish(const wa_hunt *h, wa_topk *top, wa_found *out, wa_error *err);

#endif

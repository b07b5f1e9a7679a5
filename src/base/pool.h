/* Threads that share work. Nothing else in the library starts a thread.
 *
 * A pool belongs to one caller at a time. Between two jobs its threads wait a moment for the next one, then sleep until it comes. */
#ifndef WA_BASE_POOL_H
#define WA_BASE_POOL_H

#include "wordahead.h"

typedef struct wa_pool wa_pool;

/* One piece of a job.
 *
 * worker  below wa_pool_threads(); no two pieces that run at the same time have the same one, so it can choose scratch memory
 * i       which piece */
typedef void wa_pool_task(void *user, size_t worker, size_t i);

/* A pool of n_threads threads, the caller's among them: n_threads - 1 are started. 0 means as many as wa_processors(), at most
 * WA_MOST_THREADS, and fewer where the system gives fewer. The threads started take no signals but those of their own faults.
 * Errors  WA_EUSAGE beyond WA_MOST_THREADS; WA_ENOMEM; WA_EIO where the system gives fewer threads than were asked for. */
wa_status wa_pool_new(size_t n_threads, const wa_env *env, wa_pool **out, wa_error *err);
void      wa_pool_free(wa_pool *pool);

/* How many threads work, the caller's included; 1 for NULL. */
size_t wa_pool_threads(const wa_pool *pool);

/* Calls task(user, worker, i) once for each i < n, on all threads, the next free one taking the next i; returns when all are
 * done. pool NULL does them one after another. Must not be called from a task. */
void wa_pool_run(wa_pool *pool, wa_pool_task *task, void *user, size_t n);

#endif

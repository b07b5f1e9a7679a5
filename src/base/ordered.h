/* An ordered flow of work: pieces are read one after another, worked on by all threads of a pool at once, and written in the order in
 * which they were read.
 *
 * Whoever is free does what is to be done next: write the oldest piece when it is done, else read another one and work on it. So a
 * thread that waits for input keeps nobody from working and writing, and the pieces in hand bound the memory. */
#ifndef WA_BASE_ORDERED_H
#define WA_BASE_ORDERED_H

#include "base/pool.h"

/* The steps of a flow. They run at the same time, each on another slot: one read, one write, and one work for each worker. What they
 * share beyond the slot needs a lock.
 *
 * n_slots  how many pieces may be in hand, at least 1; each has a slot below that, from read to write
 * read     fills the slot; false: there is no more
 * work     worker < wa_pool_threads()
 * write    in the order of reading; false: no more is wanted; nothing more is written, and no read begins, but one that waits is
 *          waited for */
typedef struct wa_ordered {
    size_t n_slots;
    bool (*read)(void *user, size_t slot);
    void (*work)(void *user, size_t worker, size_t slot);
    bool (*write)(void *user, size_t slot);
    void *user;
} wa_ordered;

/* Runs until everything that was read is written. pool may be NULL. Must not be called from a task of the pool.
 * Errors  WA_ENOMEM, before anything is read. */
wa_status wa_ordered_run(wa_pool *pool, const wa_ordered *steps, const wa_env *env, wa_error *err);

#endif

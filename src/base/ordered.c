/* An ordered flow of work. See ordered.h.
 *
 * Pieces are numbered as they are read; piece i is in slot i % n_slots. Everything below is guarded by the mutex, which nobody holds
 * during a step. */
#include "base/ordered.h"

#include <assert.h>
#include <pthread.h>

#include "base/mem.h"
#include "base/status.h"

typedef struct flow {
    const wa_ordered *steps;
    pthread_mutex_t   mutex;
    pthread_cond_t    changed;
    size_t            n_read, n_written;
    bool             *is_done; /* [n_slots] worked on, not yet written */
    bool              is_reading, is_writing;
    bool              is_over; /* nothing more is read */
    bool              is_cut;  /* nothing more is written */
} flow;

static bool can_write(const flow *f)
{
    return !f->is_writing && f->n_written < f->n_read && f->is_done[f->n_written % f->steps->n_slots];
}

static bool can_read(const flow *f)
{
    return !f->is_reading && !f->is_over && f->n_read - f->n_written < f->steps->n_slots;
}

static void write_oldest(flow *f)
{
    const size_t slot = f->n_written % f->steps->n_slots;

    if (!f->is_cut) {
        f->is_writing = true;
        pthread_mutex_unlock(&f->mutex);
        const bool goes_on = f->steps->write(f->steps->user, slot);
        pthread_mutex_lock(&f->mutex);
        f->is_writing = false;
        f->is_cut     = !goes_on;
        f->is_over    = f->is_over || !goes_on;
    }
    f->is_done[slot] = false;
    f->n_written++;
    pthread_cond_broadcast(&f->changed);
}

static void read_and_work(flow *f, size_t worker)
{
    const size_t slot = f->n_read % f->steps->n_slots;

    f->is_reading = true;
    pthread_mutex_unlock(&f->mutex);
    const bool has_piece = f->steps->read(f->steps->user, slot);
    pthread_mutex_lock(&f->mutex);
    f->is_reading = false;
    f->is_over    = f->is_over || !has_piece;
    f->n_read += has_piece;
    pthread_cond_broadcast(&f->changed);
    if (!has_piece)
        return;
    const bool is_wanted = !f->is_cut;
    pthread_mutex_unlock(&f->mutex);
    if (is_wanted)
        f->steps->work(f->steps->user, worker, slot);
    pthread_mutex_lock(&f->mutex);
    f->is_done[slot] = true;
    pthread_cond_broadcast(&f->changed);
}

/* What each thread does, from the first piece to the last. */
static void take_part(void *user, size_t worker, size_t i)
{
    flow *const f = user;

    (void)i;
    pthread_mutex_lock(&f->mutex);
    while (!f->is_over || f->is_reading || f->n_written < f->n_read) {
        if (can_write(f))
            write_oldest(f);
        else if (can_read(f))
            read_and_work(f, worker);
        else
            pthread_cond_wait(&f->changed, &f->mutex);
    }
    pthread_mutex_unlock(&f->mutex);
}

wa_status wa_ordered_run(wa_pool *pool, const wa_ordered *steps, const wa_env *env, wa_error *err)
{
    assert(steps->n_slots > 0);
    flow f = { .steps = steps, .is_done = wa_alloc_zeroed(env, steps->n_slots, sizeof *f.is_done) };

    if (!f.is_done)
        return wa_fail_memory(err, "lines");
    pthread_mutex_init(&f.mutex, NULL);
    pthread_cond_init(&f.changed, NULL);
    wa_pool_run(pool, take_part, &f, wa_pool_threads(pool));
    pthread_cond_destroy(&f.changed);
    pthread_mutex_destroy(&f.mutex);
    wa_release(env, f.is_done);
    return WA_OK;
}

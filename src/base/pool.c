/* Threads that share work. See pool.h.
 *
 * A job is a number of pieces; whoever is free takes the next one from a counter. A thread joins a job while it is open and leaves
 * when no piece is left; the caller works too, then closes the job and waits for those that joined. A thread that wakes too late
 * finds the job closed, so nobody waits for a sleeper: waking one takes longer than many a job. */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/status.h"

/* Rounds that a thread waits before it sleeps: about a tenth of a millisecond, as long as ranking one text takes. */
enum { SPINS = 2000 };

typedef struct worker {
    wa_pool  *pool;
    size_t    number; /* 1.., the caller being 0 */
    pthread_t thread;
} worker;

struct wa_pool {
    wa_env          env;
    worker         *workers; /* [n_workers] */
    size_t          n_workers;
    pthread_mutex_t mutex;
    pthread_cond_t  opened; /* a job, or the end */
    pthread_cond_t  left;   /* by the last that joined */
    atomic_size_t   n_jobs; /* opened so far; changes under the mutex, waited for without */
    bool            is_open, is_ending;
    wa_pool_task   *task; /* these three stay as they are while the job is open or somebody works */
    void           *user;
    size_t          n;
    atomic_size_t   next;     /* piece to be taken */
    atomic_size_t   n_joined; /* grows under the mutex */
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* ---------------------------------------------------------------- a worker */

static void work(wa_pool *pool, size_t number)
{
    wa_pool_task *const task = pool->task; /* read once: the counter, which every thread writes, is near them */
    void *const         user = pool->user;
    const size_t        n    = pool->n;
    size_t              i;

    while ((i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) < n)
        task(user, number, i);
}

/* Waits for another job than the last one seen and joins it where it is still open; false: the pool ends. */
static bool join(wa_pool *pool, size_t *n_seen, bool *is_joined)
{
    for (size_t i = 0; i < SPINS && atomic_load_explicit(&pool->n_jobs, memory_order_relaxed) == *n_seen; i++)
        relax();
    pthread_mutex_lock(&pool->mutex);
    while (pool->n_jobs == *n_seen && !pool->is_ending)
        pthread_cond_wait(&pool->opened, &pool->mutex);
    const bool goes_on = !pool->is_ending;
    *n_seen            = pool->n_jobs;
    *is_joined         = pool->is_open && goes_on;
    pool->n_joined += *is_joined;
    pthread_mutex_unlock(&pool->mutex);
    return goes_on;
}

static void leave(wa_pool *pool)
{
    if (atomic_fetch_sub(&pool->n_joined, 1) > 1)
        return;
    pthread_mutex_lock(&pool->mutex); /* so that the caller is not between looking and waiting */
    pthread_cond_signal(&pool->left);
    pthread_mutex_unlock(&pool->mutex);
}

static void *live(void *argument)
{
    const worker *const me     = argument;
    size_t              n_seen = 0;
    bool                is_joined;

    while (join(me->pool, &n_seen, &is_joined))
        if (is_joined) {
            work(me->pool, me->number);
            leave(me->pool);
        }
    return NULL;
}

/* ---------------------------------------------------------------- the pool */

/* Signals go to the caller's threads, which expect them. Those of a fault stay: they belong to the thread that made it, and the
 * caller's handler must get them (a mapped file that was shortened is SIGBUS). */
static void block_signals(sigset_t *before)
{
    static const int faults[] = { SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
    sigset_t         blocked;

    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}

/* Starts n_workers; where nobody asked for so many, as many as the system gives. */
static wa_status start(wa_pool *pool, size_t n_workers, bool is_asked, wa_error *err)
{
    wa_status st = WA_OK;
    sigset_t  before;

    block_signals(&before); /* a new thread has the mask of its maker */
    for (; pool->n_workers < n_workers; pool->n_workers++) {
        worker *const w = &pool->workers[pool->n_workers];

        *w                    = (worker){ .pool = pool, .number = pool->n_workers + 1 };
        const bool is_started = pthread_create(&w->thread, NULL, live, w) == 0;
        if (!is_started && !is_asked)
            break;
        if (!is_started)
            WA_FAIL(WA_EIO, "the system gives no more than %zu of %zu threads; use fewer (--threads)", pool->n_workers + 1,
                    n_workers + 1);
    }
done:
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return st;
}

wa_status wa_pool_new(size_t n_threads, const wa_env *env, wa_pool **out, wa_error *err)
{
    wa_status st = WA_OK;
    wa_pool  *pool;

    if (n_threads > WA_MOST_THREADS)
        return wa_fail(err, WA_EUSAGE, "%zu threads were asked for, and %d are the most", n_threads, WA_MOST_THREADS);
    const size_t n_wanted  = n_threads > 0 ? n_threads : wa_processors();
    const size_t n_workers = (n_wanted < WA_MOST_THREADS ? n_wanted : WA_MOST_THREADS) - 1;
    if (!(pool = wa_alloc_zeroed(env, 1, sizeof *pool)))
        return wa_fail_memory(err, "threads");
    if (env)
        pool->env = *env;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->opened, NULL);
    pthread_cond_init(&pool->left, NULL);
    if (!(pool->workers = wa_alloc(&pool->env, n_workers, sizeof *pool->workers)))
        WA_TRY(wa_fail_memory(err, "threads"));
    WA_TRY(start(pool, n_workers, n_threads > 0, err));
    *out = pool;
    pool = NULL;
done:
    wa_pool_free(pool);
    return st;
}

void wa_pool_free(wa_pool *pool)
{
    if (!pool)
        return;
    const wa_env env = pool->env;
    pthread_mutex_lock(&pool->mutex);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->opened);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->n_workers; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->left);
    pthread_cond_destroy(&pool->opened);
    pthread_mutex_destroy(&pool->mutex);
    wa_release(&env, pool->workers);
    wa_release(&env, pool);
}

size_t wa_pool_threads(const wa_pool *pool)
{
    return pool ? pool->n_workers + 1 : 1;
}

/* ---------------------------------------------------------------- a job */

static void open_job(wa_pool *pool, wa_pool_task *task, void *user, size_t n)
{
    pthread_mutex_lock(&pool->mutex);
    pool->task    = task;
    pool->user    = user;
    pool->n       = n;
    pool->next    = 0;
    pool->is_open = true;
    pool->n_jobs++;
    pthread_cond_broadcast(&pool->opened);
    pthread_mutex_unlock(&pool->mutex);
}

static void close_job(wa_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->is_open = false;
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < SPINS && pool->n_joined > 0; i++)
        relax();
    pthread_mutex_lock(&pool->mutex);
    while (pool->n_joined > 0)
        pthread_cond_wait(&pool->left, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

void wa_pool_run(wa_pool *pool, wa_pool_task *task, void *user, size_t n)
{
    if (!pool || pool->n_workers == 0 || n < 2) {
        for (size_t i = 0; i < n; i++)
            task(user, 0, i);
        return;
    }
    open_job(pool, task, user, n);
    work(pool, 0);
    close_job(pool);
}

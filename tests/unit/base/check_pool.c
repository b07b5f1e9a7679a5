/* base/pool: work shared among threads. */
#define _GNU_SOURCE /* pthread_setattr_default_np() */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/pool.h"
#include "suites.h"
#include "support.h"

enum { MOST_PIECES = 1000, MOST_WORKERS = 8 };

/* What the pieces of a job left behind. */
typedef struct record {
    wa_pool      *pool;
    atomic_size_t n_done[MOST_PIECES];
    atomic_bool   is_busy[MOST_WORKERS];
    atomic_size_t n_clashes;
    size_t        plain[MOST_PIECES]; /* not atomic: the job's end must make it visible */
} record;

static record seen;

static void note(void *user, size_t worker, size_t i)
{
    record *const r = user;

    if (worker >= wa_pool_threads(r->pool) || atomic_exchange(&r->is_busy[worker], true))
        r->n_clashes++;
    r->n_done[i]++;
    r->plain[i] += i;
    atomic_store(&r->is_busy[worker % MOST_WORKERS], false);
}

static wa_pool *new_pool(size_t n_threads)
{
    wa_pool *pool = NULL;
    wa_error err;

    ck_assert_msg(wa_pool_new(n_threads, NULL, &pool, &err) == WA_OK, "%s", err.message);
    ck_assert_uint_eq(wa_pool_threads(pool), n_threads);
    return pool;
}

/* Runs a job of n pieces and expects that each was done once. */
static void expect_each_once(wa_pool *pool, size_t n)
{
    memset(&seen, 0, sizeof seen);
    seen.pool = pool;
    wa_pool_run(pool, note, &seen, n);
    for (size_t i = 0; i < MOST_PIECES; i++) {
        if (seen.n_done[i] != (i < n) || seen.plain[i] != (i < n ? i : 0))
            ck_abort_msg("piece %zu of %zu was done %zu times", i, n, (size_t)seen.n_done[i]);
    }
    ck_assert_uint_eq(seen.n_clashes, 0);
}

START_TEST(every_piece_is_done_once_by_workers_that_are_apart)
{
    wa_pool *const pool = new_pool((size_t)_i);

    for (size_t round = 0; round < 100; round++) {
        expect_each_once(pool, 0);
        expect_each_once(pool, 1);
        expect_each_once(pool, 2);
        expect_each_once(pool, MOST_PIECES);
    }
    wa_pool_free(pool);
}
END_TEST

START_TEST(without_a_pool_the_caller_does_all)
{
    ck_assert_uint_eq(wa_pool_threads(NULL), 1);
    expect_each_once(NULL, 0);
    expect_each_once(NULL, MOST_PIECES);
    wa_pool_free(NULL);
}
END_TEST

static void count(void *user, size_t worker, size_t i)
{
    atomic_size_t *const sum = user;

    (void)worker;
    *sum += i + 1;
}

/* 20,000 jobs without pause: a wake-up that is lost, or a thread that works on the job before, ends or falsifies one of them. */
START_TEST(many_small_jobs_follow_each_other)
{
    wa_pool *const pool = new_pool((size_t)_i);

    for (size_t job = 0; job < 20000; job++) {
        atomic_size_t sum = 0;
        const size_t  n   = job % 5;

        wa_pool_run(pool, count, &sum, n);
        if (sum != n * (n + 1) / 2)
            ck_abort_msg("job %zu of %zu pieces gave %zu", job, n, (size_t)sum);
    }
    wa_pool_free(pool);
}
END_TEST

static void sleep_for(long milliseconds)
{
    nanosleep(&(struct timespec){ .tv_nsec = milliseconds * 1000000 }, NULL);
}

/* Sleeps between jobs, so that the threads sleep too and have to be woken. Each piece of the last job waits until the other has begun:
 * two threads are needed. */
static void meet(void *user, size_t worker, size_t i)
{
    atomic_size_t *const n_here = user;

    (void)worker, (void)i;
    ++*n_here;
    while (*n_here < 2)
        sleep_for(1);
}

START_TEST(threads_that_sleep_are_woken)
{
    wa_pool *const pool = new_pool(2);

    for (size_t round = 0; round < 10; round++) {
        atomic_size_t n_here = 0;

        sleep_for(5);
        wa_pool_run(pool, meet, &n_here, 2);
        ck_assert_uint_eq(n_here, 2);
    }
    wa_pool_free(pool);
}
END_TEST

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Processor time, which a busy machine does not add to: three threads that kept turning would take up to 0.9 s of it in 0.3 s; the
 * moment for which they wait for another job takes about 0.3 ms in all. */
START_TEST(idle_threads_take_no_processor_time)
{
    wa_pool *const pool = new_pool(4);

    expect_each_once(pool, MOST_PIECES);
    const double before = cpu_seconds();
    sleep_for(300);
    ck_assert_double_lt(cpu_seconds() - before, 0.1);
    wa_pool_free(pool);
}
END_TEST

START_TEST(too_many_threads_are_refused)
{
    wa_pool *pool = NULL;
    wa_error err;

    ck_assert_int_eq(wa_pool_new(WA_MOST_THREADS + 1, NULL, &pool, &err), WA_EUSAGE);
    ck_assert_str_eq(err.message, "1025 threads were asked for, and 1024 are the most");
    ck_assert_int_eq(wa_pool_new(SIZE_MAX, NULL, &pool, NULL), WA_EUSAGE);
    ck_assert_ptr_null(pool);
}
END_TEST

START_TEST(no_number_means_the_processors)
{
    wa_pool *pool = NULL;

    ck_assert_int_eq(wa_pool_new(0, NULL, &pool, NULL), WA_OK);
    ck_assert_uint_eq(wa_pool_threads(pool), wa_processors() < WA_MOST_THREADS ? wa_processors() : WA_MOST_THREADS);
    wa_pool_free(pool);
}
END_TEST

/* A stack of half the address space: no thread can have it. */
START_TEST(threads_that_the_system_refuses_are_an_error)
{
    pthread_attr_t before, huge;
    wa_pool       *pool = NULL;
    wa_error       err;

    pthread_getattr_default_np(&before);
    pthread_attr_init(&huge);
    if (pthread_attr_setstacksize(&huge, (size_t)1 << 50) != 0 || pthread_setattr_default_np(&huge) != 0)
        return; /* a library that checks threads may take the stack into its own hands */
    const wa_status st = wa_pool_new(3, NULL, &pool, &err);
    pthread_setattr_default_np(&before);
    ck_assert_int_eq(st, WA_EIO);
    ck_assert_ptr_null(pool);
    ck_assert_str_eq(err.message, "the system gives no more than 1 of 3 threads; use fewer (--threads)");
}
END_TEST

static void look_at_signals(void *user, size_t worker, size_t i)
{
    atomic_size_t *const n_wrong = user;
    sigset_t             blocked;
    const bool           is_started = worker > 0;

    (void)i;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    *n_wrong += (sigismember(&blocked, SIGTERM) == 1) != is_started;
    *n_wrong += sigismember(&blocked, SIGBUS) == 1;
    sleep_for(1); /* so that each thread comes to take pieces */
}

START_TEST(signals_go_to_the_thread_that_calls)
{
    wa_pool *const pool    = new_pool(3);
    atomic_size_t  n_wrong = 0;

    wa_pool_run(pool, look_at_signals, &n_wrong, 30);
    ck_assert_uint_eq(n_wrong, 0);
    wa_pool_free(pool);
}
END_TEST

static wa_status make_one(const wa_env *env, void *user)
{
    wa_pool        *pool = NULL;
    const wa_status st   = wa_pool_new(3, env, &pool, NULL);

    (void)user;
    wa_pool_free(pool);
    return st;
}

START_TEST(every_allocation_may_fail)
{
    every_allocation_fails_in_turn(make_one, NULL, 10);
}
END_TEST

Suite *wa_suite_pool(void)
{
    Suite *const suite = suite_create("pool");
    TCase *const tests = new_case("pool");

    tcase_add_loop_test(tests, every_piece_is_done_once_by_workers_that_are_apart, 1, MOST_WORKERS + 1);
    tcase_add_test(tests, without_a_pool_the_caller_does_all);
    tcase_add_loop_test(tests, many_small_jobs_follow_each_other, 2, 4);
    tcase_add_test(tests, threads_that_sleep_are_woken);
    tcase_add_test(tests, idle_threads_take_no_processor_time);
    tcase_add_test(tests, too_many_threads_are_refused);
    tcase_add_test(tests, no_number_means_the_processors);
    tcase_add_test(tests, threads_that_the_system_refuses_are_an_error);
    tcase_add_test(tests, signals_go_to_the_thread_that_calls);
    tcase_add_test(tests, every_allocation_may_fail);
    suite_add_tcase(suite, tests);
    return suite;
}

/* base/ordered: pieces that are worked on in any order and written in that of reading. What has to happen for a step to go on is
 * waited for and never timed: where it cannot happen, the test never ends. */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/ordered.h"
#include "base/status.h"
#include "suites.h"
#include "support.h"

enum { MOST_THREADS = 8, MOST_SLOTS = 7, MOST_PIECES = 10000 };

/* A flow of numbered pieces: what it shall do, and what was seen. */
typedef struct flow {
    wa_pool      *pool;
    size_t        n_slots, n_pieces;
    size_t        n_wanted;      /* write says so after so many */
    size_t        most_rounds;   /* of work on a piece; 0: none */
    bool          reads_in_step; /* a piece is read when those before it are written */
    bool          works_late;    /* work ends when the piece behind is being read */
    bool          writes_late;   /* the first piece is written when as many more as there are slots for are worked on */
    size_t        n_meeting;     /* work waits until so many have begun */
    atomic_size_t n_reads, n_in_hand, most_in_hand, n_begun, n_worked, n_clashes;
    atomic_bool   is_reading, is_writing, has_stopped;
    atomic_bool   is_slot_busy[MOST_SLOTS], is_worker_busy[MOST_THREADS];
    size_t        n_read, n_written; /* not atomic, nor those below: the flow must make each visible to the next step */
    size_t        piece[MOST_SLOTS]; /* WA_NONE: not in hand */
    uint64_t      result[MOST_SLOTS];
} flow;

static uint64_t random_of(size_t piece)
{
    uint64_t x = (piece + 1) * UINT64_C(0x9E3779B97F4A7C15); /* SplitMix64 */

    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static void sleep_a_moment(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

/* Counts what must not be; an assertion would end a thread that others wait for. */
static void expect(flow *f, bool is_so)
{
    f->n_clashes += !is_so;
}

static bool read_piece(void *user, size_t slot)
{
    flow *const f = user;

    expect(f, !atomic_exchange(&f->is_reading, true));
    expect(f, slot < f->n_slots && !f->is_slot_busy[slot] && f->piece[slot] == WA_NONE);
    expect(f, !f->has_stopped);
    const size_t i = f->n_read;
    f->n_reads++;
    while (f->reads_in_step && f->n_in_hand > 0)
        sleep_a_moment();
    const bool has_piece = i < f->n_pieces;
    if (has_piece) {
        const size_t n_in_hand = ++f->n_in_hand;
        if (n_in_hand > f->most_in_hand)
            f->most_in_hand = n_in_hand;
        f->piece[slot] = i;
        f->n_read++;
    } else {
        f->has_stopped = true;
    }
    f->is_reading = false;
    return has_piece;
}

static void work_on_piece(void *user, size_t worker, size_t slot)
{
    flow *const f = user;

    expect(f, worker < wa_pool_threads(f->pool) && !atomic_exchange(&f->is_worker_busy[worker], true));
    expect(f, slot < f->n_slots && !atomic_exchange(&f->is_slot_busy[slot], true));
    f->n_begun++;
    while (f->n_begun < f->n_meeting)
        sleep_a_moment();
    uint64_t     x        = f->piece[slot];
    const size_t n_rounds = f->most_rounds > 0 ? random_of(x) % f->most_rounds : 0;
    for (volatile size_t i = 0; i < n_rounds;)
        i = i + 1;
    if (n_rounds % 16 == 1)
        sleep_a_moment();
    while (f->works_late && f->n_reads < x + 2)
        sleep_a_moment();
    f->result[slot] = random_of(x);
    f->n_worked++;
    f->is_slot_busy[slot]     = false;
    f->is_worker_busy[worker] = false;
}

static bool write_piece(void *user, size_t slot)
{
    flow *const f = user;

    expect(f, !atomic_exchange(&f->is_writing, true));
    expect(f, slot < f->n_slots && !f->is_slot_busy[slot] && f->piece[slot] == f->n_written);
    expect(f, f->result[slot] == random_of(f->n_written) && f->n_written < f->n_wanted);
    while (f->writes_late && f->n_written == 0 && f->n_worked < f->n_slots)
        sleep_a_moment();
    f->n_written++;
    f->piece[slot]     = WA_NONE;
    const bool goes_on = f->n_written < f->n_wanted;
    f->is_writing      = false;
    f->n_in_hand--; /* last: a reader may wait for it */
    return goes_on;
}

/* Runs a flow of which `f` says what it shall do. */
static void run(flow *f)
{
    if (f->n_wanted == 0)
        f->n_wanted = SIZE_MAX;
    for (size_t i = 0; i < MOST_SLOTS; i++)
        f->piece[i] = WA_NONE;
    const wa_ordered steps = { .n_slots = f->n_slots, .read = read_piece, .work = work_on_piece, .write = write_piece, .user = f };
    ck_assert_int_eq(wa_ordered_run(f->pool, &steps, NULL, NULL), WA_OK);
    ck_assert_uint_eq(f->n_clashes, 0);
    ck_assert_uint_le(f->most_in_hand, f->n_slots);
}

static void run_whole(flow *f)
{
    run(f);
    ck_assert_uint_eq(f->n_read, f->n_pieces);
    ck_assert_uint_eq(f->n_worked, f->n_pieces);
    ck_assert_uint_eq(f->n_written, f->n_pieces);
}

static wa_pool *new_pool(size_t n_threads)
{
    wa_pool *pool = NULL;
    wa_error err;

    ck_assert_msg(wa_pool_new(n_threads, NULL, &pool, &err) == WA_OK, "%s", err.message);
    return pool;
}

/* Work of 0 to some 10 us, and now and then of more than 100. */
START_TEST(pieces_are_written_in_the_order_of_reading)
{
    wa_pool *const pool = new_pool((size_t)_i);

    for (size_t n_slots = 1; n_slots <= MOST_SLOTS; n_slots++)
        run_whole(&(flow){ .pool = pool, .n_slots = n_slots, .n_pieces = 300, .most_rounds = 10000 });
    wa_pool_free(pool);
}
END_TEST

START_TEST(without_a_pool_the_caller_does_all)
{
    for (size_t n_slots = 1; n_slots <= MOST_SLOTS; n_slots++)
        run_whole(&(flow){ .n_slots = n_slots, .n_pieces = 100 });
}
END_TEST

START_TEST(a_flow_may_have_no_pieces_or_few)
{
    wa_pool *const pool = new_pool((size_t)_i);

    for (size_t round = 0; round < 500; round++) /* without work, so that threads come too late for it */
        for (size_t n_pieces = 0; n_pieces < 4; n_pieces++)
            run_whole(&(flow){ .pool = pool, .n_slots = 1 + round % MOST_SLOTS, .n_pieces = n_pieces });
    wa_pool_free(pool);
}
END_TEST

/* Each piece waits until all are worked on. */
START_TEST(all_threads_work_at_once)
{
    wa_pool *const pool = new_pool((size_t)_i);

    run_whole(&(flow){ .pool = pool, .n_slots = (size_t)_i, .n_pieces = (size_t)_i, .n_meeting = (size_t)_i });
    wa_pool_free(pool);
}
END_TEST

/* Even a thread alone writes what is done before it reads, so what is typed is answered before more is typed. */
START_TEST(a_reader_that_waits_keeps_nothing_from_being_written)
{
    wa_pool *const pool = new_pool((size_t)_i);

    for (size_t n_slots = 1; n_slots <= MOST_SLOTS; n_slots++)
        run_whole(&(flow){
            .pool = pool, .n_slots = n_slots, .n_pieces = 30, .reads_in_step = true, .works_late = _i > 1 && n_slots > 1 });
    wa_pool_free(pool);
}
END_TEST

START_TEST(a_writer_that_waits_keeps_nobody_from_reading_and_working)
{
    wa_pool *const pool = new_pool((size_t)_i);

    for (size_t n_slots = 1; n_slots <= MOST_SLOTS; n_slots++)
        run_whole(&(flow){ .pool = pool, .n_slots = n_slots, .n_pieces = 30, .writes_late = true });
    wa_pool_free(pool);
}
END_TEST

/* When the last piece that is wanted is written, no more can have been read than it and those in the other slots. */
START_TEST(nothing_is_read_or_written_when_no_more_is_wanted)
{
    wa_pool *const pool = new_pool((size_t)_i);

    for (size_t n_slots = 1; n_slots <= MOST_SLOTS; n_slots++) {
        for (size_t n_wanted = 1; n_wanted < 40; n_wanted += 3) {
            flow f = { .pool = pool, .n_slots = n_slots, .n_pieces = MOST_PIECES, .n_wanted = n_wanted, .most_rounds = 2000 };

            run(&f);
            ck_assert_uint_eq(f.n_written, n_wanted);
            ck_assert_uint_ge(f.n_worked, n_wanted);
            ck_assert_uint_le(f.n_read, n_wanted - 1 + n_slots);
        }
    }
    wa_pool_free(pool);
}
END_TEST

static wa_status run_with(const wa_env *env, void *user)
{
    flow f = { .pool = user, .n_slots = 3, .n_pieces = 10, .n_wanted = SIZE_MAX, .piece = { WA_NONE, WA_NONE, WA_NONE } };
    const wa_ordered steps = { .n_slots = 3, .read = read_piece, .work = work_on_piece, .write = write_piece, .user = &f };
    const wa_status  st    = wa_ordered_run(f.pool, &steps, env, NULL);

    ck_assert_uint_eq(f.n_written, st == WA_OK ? 10 : 0);
    ck_assert_uint_eq(f.n_read, f.n_written);
    return st;
}

START_TEST(nothing_is_read_without_memory)
{
    wa_pool *const pool = new_pool(2);

    every_allocation_fails_in_turn(run_with, pool, 10);
    every_allocation_fails_in_turn(run_with, NULL, 10);
    wa_pool_free(pool);
}
END_TEST

Suite *wa_suite_ordered(void)
{
    Suite *const suite = suite_create("ordered");
    TCase *const tcase = new_case("ordered");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, pieces_are_written_in_the_order_of_reading, 1, MOST_THREADS + 1);
    tcase_add_test(tcase, without_a_pool_the_caller_does_all);
    tcase_add_loop_test(tcase, a_flow_may_have_no_pieces_or_few, 1, 4);
    tcase_add_loop_test(tcase, all_threads_work_at_once, 1, MOST_SLOTS + 1);
    tcase_add_loop_test(tcase, a_reader_that_waits_keeps_nothing_from_being_written, 1, 4);
    tcase_add_loop_test(tcase, a_writer_that_waits_keeps_nobody_from_reading_and_working, 2, 4);
    tcase_add_loop_test(tcase, nothing_is_read_or_written_when_no_more_is_wanted, 1, 5);
    tcase_add_test(tcase, nothing_is_read_without_memory);
    suite_add_tcase(suite, tcase);
    return suite;
}

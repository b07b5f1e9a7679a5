/* data/w2v_index: long binary files, read by several threads.
 *
 * What opening gives is compared with what was written, and with a check of the same file, which reads one record after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/vectors.h"
#include "data/w2v.h"
#include "suites.h"
#include "support.h"

/* 20,000 records of 16 values: four chunks, a rest, and more than the megabyte from which on threads are used. */
enum { N = 20000, D = 16, TRAP = 50 };

static wa_buf        file;
static char          words[N][24];
static float         rows[N][D];
static unsigned long state;

static size_t below(size_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(state >> 33) % n;
}

/* How the vectors of a file look. */
enum { RANDOM_ROWS, ZERO_ROWS, SPACE_ROWS, NEWLINE_ROWS, TRAP_ROWS, MIXED_ROWS, N_KINDS };

/* Bytes of a vector: of spaces or newlines, of which each may be the end of a word, or its start; or a trap, one space so far inside that
 * a walk that ended a word there is in the next vector, before its space, after each step: it never comes to a word. */
static void fill_row(float *row, int kind)
{
    static const char    fillers[N_KINDS] = { 0, 0, ' ', '\n', 'x', 0 };
    unsigned char *const b                = (unsigned char *)row;

    if (kind == MIXED_ROWS)
        kind = (int)below(MIXED_ROWS);
    memset(b, fillers[kind], D * sizeof *row);
    if (kind == TRAP_ROWS)
        b[TRAP] = ' ';
    for (size_t i = 0; kind == RANDOM_ROWS && i < D * sizeof *row; i++)
        b[i] = (unsigned char)below(256);
}

static void add_record(size_t i, bool has_newline)
{
    wa_buf_str(&file, words[i]);
    wa_buf_str(&file, " ");
    wa_buf_add(&file, rows[i], sizeof rows[i]);
    if (has_newline)
        wa_buf_str(&file, "\n");
}

/* Words of different lengths: most are ASCII; some are not UTF-8, some hold white space. newlines 0: after no record, 1: after each,
 * 2: after some in the
 * second chunk. */
static void build(int kind, int newlines)
{
    static const char *const endings[] = { "", "", "", "-long-ending", "\xC3\xA4", "\xFF", "\xC2\xA0" };

    state        = 7 + (unsigned long)kind;
    file.n_bytes = 0;
    wa_buf_format(&file, "%d %d\n", N, D);
    for (size_t i = 0; i < N; i++) {
        snprintf(words[i], sizeof words[i], "%zx%s", i, endings[below(7)]);
        fill_row(rows[i], kind);
        add_record(i, newlines == 1 || (newlines == 2 && i > 5000 && i < 6000 && i % 3 == 0));
    }
    ck_assert(!file.failed);
}

static const char *write_file(void)
{
    return scratch_file("vectors", file.data, file.n_bytes);
}

static const size_t threads[] = { 1, 2, 3, 8 };

static wa_vectors *open_with(const char *path, wa_vectors_opts opts)
{
    wa_vectors *v = NULL;
    wa_error    err;

    ck_assert_msg(wa_vectors_open(path, &opts, NULL, &v, &err) == WA_OK, "%s", err.message);
    return v;
}

static void expect_record(const wa_vectors *v, size_t row, size_t record)
{
    const wa_text word = wa_text_of(words[record]);
    float         out[D];

    wa_vectors_row(v, row, out);
    if (!wa_text_equal(wa_vectors_word(v, row), word) || wa_vectors_find(v, word) != row ||
        memcmp(out, rows[record], sizeof out) != 0) /* an assertion that holds takes longer than the look-up */
        ck_abort_msg("row %zu is not that of record %zu", row, record);
}

static void expect_same_info(wa_vectors_info a, wa_vectors_info b)
{
    ck_assert_int_eq(a.has_newlines, b.has_newlines);
    ck_assert_uint_eq(a.n_claimed, b.n_claimed);
    ck_assert_uint_eq(a.n_records, b.n_records);
    ck_assert_uint_eq(a.n_duplicates, b.n_duplicates);
    ck_assert_uint_eq(a.n_invalid_utf8, b.n_invalid_utf8);
    ck_assert_uint_eq(a.n_cut, b.n_cut);
    ck_assert_uint_eq(a.n_with_space, b.n_with_space);
    ck_assert_uint_eq(a.n_empty, b.n_empty);
    ck_assert_uint_eq(a.n_missing, b.n_missing);
    ck_assert_uint_eq(a.n_trailing, b.n_trailing);
}

/* Opens with each number of threads; where that succeeds, a check says the same of the file, and where not, all say the same. */
static void expect_the_same_with_all_threads(const char *path, wa_vectors_opts opts)
{
    wa_vectors_census census;
    wa_error          first = { .message = "" }, err = { .message = "" };
    wa_vectors       *v;

    ck_assert_int_eq(wa_vectors_check(path, &opts, NULL, NULL, NULL, &census, NULL), WA_OK);
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        v                  = NULL;
        opts.n_threads     = threads[t];
        const wa_status st = wa_vectors_open(path, &opts, NULL, &v, &err);
        ck_assert_int_eq(st == WA_OK, census.n_refused == 0);
        if (t == 0)
            first = err;
        ck_assert_str_eq(err.message, first.message);
        if (!v)
            continue;
        ck_assert_uint_eq(wa_vectors_count(v), census.n_words);
        expect_same_info(wa_vectors_describe(v), census.info);
        for (size_t i = 0; i < wa_vectors_count(v); i++)
            if (wa_vectors_find(v, wa_vectors_word(v, i)) != i)
                ck_abort_msg("word %zu is not found where it is", i);
        wa_vectors_close(v);
    }
}

START_TEST(the_handle_is_the_same_with_any_number_of_threads)
{
    build(_i % N_KINDS, _i / N_KINDS);
    const char *const path = write_file();

    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        wa_vectors *const v = open_with(path, (wa_vectors_opts){ .n_threads = threads[t] });

        ck_assert_uint_eq(wa_vectors_count(v), N);
        ck_assert_uint_eq(wa_vectors_describe(v).n_records, N);
        for (size_t i = 0; i < N; i++)
            expect_record(v, i, i);
        ck_assert_uint_eq(wa_vectors_find(v, wa_text_of("none")), WA_NONE);
        wa_vectors_close(v);
    }
    expect_the_same_with_all_threads(path, (wa_vectors_opts){ 0 });
}
END_TEST

START_TEST(a_limit_takes_as_many_wherever_it_is)
{
    static const size_t limits[] = { 1, 4095, 4096, 4097, 4098, 8192, 8193, 8194, 19999, 20000, 20001 };

    build(RANDOM_ROWS, 1);
    const char *const path = write_file();
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const wa_vectors_opts opts = { .limit = limits[i], .n_threads = 3 };
        wa_vectors *const     v    = open_with(path, opts);
        const size_t          n    = limits[i] < N ? limits[i] : N;

        ck_assert_uint_eq(wa_vectors_count(v), n);
        expect_record(v, n - 1, n - 1);
        wa_vectors_close(v);
        expect_the_same_with_all_threads(path, opts);
    }
}
END_TEST

/* Three words twice: far apart, next to each other, and in the part that is read one by one. */
static void build_with_duplicates(void)
{
    static const size_t pairs[][2] = { { 5, 17000 }, { 9000, 9001 }, { 19997, 19998 } };

    build(RANDOM_ROWS, 1);
    for (size_t p = 0; p < 3; p++)
        strcpy(words[pairs[p][1]], words[pairs[p][0]]);
    file.n_bytes = 0;
    wa_buf_format(&file, "%d %d\n", N, D);
    for (size_t i = 0; i < N; i++)
        add_record(i, true);
}

START_TEST(of_equal_words_the_first_or_the_last_stays)
{
    build_with_duplicates();
    const char *const     path = write_file();
    const wa_vectors_opts opts = { .duplicates = _i == 0 ? WA_DUPLICATES_FIRST : WA_DUPLICATES_LAST, .n_threads = 2 };
    wa_vectors *const     v    = open_with(path, opts);
    size_t                row  = 0;

    ck_assert_uint_eq(wa_vectors_count(v), N - 3);
    ck_assert_uint_eq(wa_vectors_describe(v).n_duplicates, 3);
    for (size_t i = 0; i < N; i++)
        if (_i == 0 ? i != 17000 && i != 9001 && i != 19998 : i != 5 && i != 9000 && i != 19997)
            expect_record(v, row++, i);
    wa_vectors_close(v);
    expect_the_same_with_all_threads(path, opts);
}
END_TEST

START_TEST(duplicates_are_refused_where_the_first_one_is)
{
    build_with_duplicates();
    wa_vectors           *v    = NULL;
    const wa_vectors_opts opts = { .duplicates = WA_DUPLICATES_ERROR, .n_threads = 2 };
    wa_error              err;

    const char *const path = write_file();
    ck_assert_int_eq(wa_vectors_open(path, &opts, NULL, &v, &err), WA_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.message, "(record 9001): the word '2328"));
    ck_assert_ptr_nonnull(strstr(err.message, "is there already, as row 9000;"));
    expect_the_same_with_all_threads(path, opts);
}
END_TEST

/* Cuts the file, leaves bytes out or puts bytes in, somewhere. */
static void damage(void)
{
    const size_t at = 9 + below(file.n_bytes - 200), n = 1 + below(100);

    switch (below(4)) {
    case 0:
        file.n_bytes = at;
        break;
    case 1:
        memmove(file.data + at, file.data + at + n, file.n_bytes - at - n);
        file.n_bytes -= n;
        break;
    case 2:
        file.data[at] = (char)below(256);
        break;
    default:
        memset(file.data + at, ' ', n);
    }
}

START_TEST(of_a_damaged_file_all_threads_say_the_same)
{
    for (size_t round = 0; round < 10; round++) {
        build(_i, 2);
        state += 1000 * round;
        damage();
        const char *const path = write_file();
        expect_the_same_with_all_threads(path, (wa_vectors_opts){ 0 });
        expect_the_same_with_all_threads(path, (wa_vectors_opts){ .salvage = true, .duplicates = WA_DUPLICATES_LAST });
    }
}
END_TEST

/* Counts the bytes that are in use, and the most that ever were. */
typedef struct weighing {
    size_t n_bytes, most;
} weighing;

static void *weigh(void *user, void *old, size_t n_bytes)
{
    weighing *const w     = user;
    size_t *const   block = old ? (size_t *)old - 2 : NULL; /* two, so that blocks stay aligned to 16 bytes */

    w->n_bytes -= block ? *block : 0;
    if (n_bytes == 0) {
        free(block);
        return NULL;
    }
    size_t *const grown = realloc(block, n_bytes + 2 * sizeof *grown);
    ck_assert_ptr_nonnull(grown);
    *grown = n_bytes;
    w->n_bytes += n_bytes;
    w->most = w->n_bytes > w->most ? w->n_bytes : w->most;
    return grown + 2;
}

START_TEST(a_word_takes_less_than_64_bytes_of_memory)
{
    weighing     w   = { 0 };
    const wa_env env = { .reallocate = weigh, .user = &w };
    wa_vectors  *v   = NULL;

    build(RANDOM_ROWS, 1);
    const wa_vectors_opts opts = { .n_threads = 2, .duplicates = WA_DUPLICATES_LAST };
    ck_assert_int_eq(wa_vectors_open(write_file(), &opts, &env, &v, NULL), WA_OK);
    ck_assert_uint_eq(wa_vectors_count(v), N);
    ck_assert_uint_lt(w.most, (size_t)64 * N);
    wa_vectors_close(v);
    ck_assert_uint_eq(w.n_bytes, 0);
}
END_TEST

static wa_status open_once(const wa_env *env, void *user)
{
    const wa_vectors_opts opts = { .n_threads = 2 };
    wa_vectors           *v    = NULL;
    const wa_status       st   = wa_vectors_open(user, &opts, env, &v, NULL);

    wa_vectors_close(v);
    return st;
}

START_TEST(every_allocation_may_fail)
{
    build(RANDOM_ROWS, 1);
    char *const path = strdup(write_file());
    every_allocation_fails_in_turn(open_once, path, 20);
    free(path);
}
END_TEST

Suite *wa_suite_w2v_index(void)
{
    Suite *const suite = suite_create("w2v_index");
    TCase *const tests = new_case("w2v_index");

    tcase_add_loop_test(tests, the_handle_is_the_same_with_any_number_of_threads, 0, 3 * N_KINDS);
    tcase_add_test(tests, a_limit_takes_as_many_wherever_it_is);
    tcase_add_loop_test(tests, of_equal_words_the_first_or_the_last_stays, 0, 2);
    tcase_add_test(tests, duplicates_are_refused_where_the_first_one_is);
    tcase_add_loop_test(tests, of_a_damaged_file_all_threads_say_the_same, 0, N_KINDS);
    tcase_add_test(tests, a_word_takes_less_than_64_bytes_of_memory);
    tcase_add_test(tests, every_allocation_may_fail);
    suite_add_tcase(suite, tests);
    return suite;
}

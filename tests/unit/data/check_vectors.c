/* data/vectors: words and rows in memory, nearest words, analogies. */
#include <math.h>

#include "data/vectors.h"
#include "suites.h"
#include "support.h"

typedef struct row {
    const char *word;
    float       values[2];
} row;

static wa_vectors *make(const row *rows, size_t n)
{
    wa_vectors *v = NULL;

    ck_assert_int_eq(wa_vectors_new(2, NULL, &v, NULL), WA_OK);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(wa_vectors_add(v, wa_text_of(rows[i].word), rows[i].values, NULL), WA_OK);
    return v;
}

START_TEST(words_and_rows_are_copied_in_their_order)
{
    char        word[]   = "east";
    float       values[] = { 3.0f, 4.0f }, out[2];
    wa_vectors *v        = NULL;

    ck_assert_int_eq(wa_vectors_new(2, NULL, &v, NULL), WA_OK);
    ck_assert_int_eq(wa_vectors_add(v, wa_text_of(word), values, NULL), WA_OK);
    word[0]   = 'b';
    values[0] = 0.0f;
    ck_assert_int_eq(wa_vectors_add(v, wa_text_of(word), values, NULL), WA_OK);
    ck_assert_int_eq(wa_vectors_add(v, wa_text_of("east"), values, NULL), WA_OK);
    ck_assert_uint_eq(wa_vectors_count(v), 2);
    ck_assert_uint_eq(wa_vectors_width(v), 2);
    ck_assert_uint_eq(wa_vectors_describe(v).n_records, 3);
    ck_assert_uint_eq(wa_vectors_describe(v).n_duplicates, 1);
    ck_assert_int_eq(wa_vectors_describe(v).format, WA_VECTORS_MEMORY);
    ck_assert_uint_eq(wa_vectors_find(v, wa_text_of("east")), 0);
    ck_assert_uint_eq(wa_vectors_find(v, wa_text_of("bast")), 1);
    ck_assert_uint_eq(wa_vectors_find(v, wa_text_of("west")), WA_NONE);
    wa_vectors_row(v, 0, out);
    ck_assert_float_eq(out[0], 3.0f);
    ck_assert_float_eq(out[1], 4.0f);
    wa_vectors_close(v);
    wa_vectors_close(NULL);
}
END_TEST

/* Directions on the unit circle, of different lengths: cosines to east are 1, 1/sqrt(2), 0, -1 by construction. */
static const row compass[] = {
    { "west", { -2.0f, 0.0f } }, { "north", { 0.0f, 1.0f } },  { "nowhere", { 0.0f, 0.0f } }, { "northeast", { 3.0f, 3.0f } },
    { "east", { 5.0f, 0.0f } },  { "south", { 0.0f, -7.0f } }, { "broken", { NAN, 1.0f } },   { "far", { INFINITY, 1.0f } },
};
enum { WEST, NORTH, NOWHERE, NORTHEAST, EAST, SOUTH, BROKEN, FAR, N_COMPASS };

static void expect_rows(const wa_neighbour *found, size_t n_found, const size_t *rows, size_t n)
{
    ck_assert_uint_eq(n_found, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(found[i].index == rows[i], "place %zu: row %zu, expected %zu", i, found[i].index, rows[i]);
}

START_TEST(nearest_words_come_by_cosine_then_by_row_without_those_that_have_no_direction)
{
    static const size_t expected[] = { EAST, NORTHEAST, NORTH, SOUTH, WEST };
    const float         query[]    = { 0.5f, 0.0f };
    wa_vectors         *v          = make(compass, N_COMPASS);
    wa_neighbour        found[N_COMPASS + 5];
    size_t              n;

    ck_assert_int_eq(wa_vectors_nearest(v, query, NULL, 0, N_COMPASS + 5, found, &n, NULL), WA_OK);
    expect_rows(found, n, expected, 5);
    ck_assert_float_eq(found[0].cosine, 1.0f);
    ck_assert_float_eq(found[1].cosine, 0.70710678f);
    ck_assert_float_eq(found[2].cosine, 0.0f);
    ck_assert_float_eq(found[4].cosine, -1.0f);
    wa_vectors_close(v);
}
END_TEST

START_TEST(nearest_words_leave_out_the_excluded_and_stop_at_k)
{
    static const size_t expected[] = { NORTHEAST, NORTH }, excluded[] = { EAST, WEST };
    const float         query[] = { 1.0f, 0.0f };
    wa_vectors         *v       = make(compass, N_COMPASS);
    wa_neighbour        found[2];
    size_t              n = 77;

    ck_assert_int_eq(wa_vectors_nearest(v, query, excluded, 2, 2, found, &n, NULL), WA_OK);
    expect_rows(found, n, expected, 2);
    ck_assert_int_eq(wa_vectors_nearest(v, query, excluded, 2, 0, NULL, &n, NULL), WA_OK);
    ck_assert_uint_eq(n, 0);
    wa_vectors_close(v);
}
END_TEST

START_TEST(a_query_without_direction_is_refused)
{
    const float  zero[] = { 0.0f, -0.0f }, nan[] = { 1.0f, NAN };
    wa_vectors  *v = make(compass, N_COMPASS);
    wa_neighbour found[1];
    wa_error     err;
    size_t       n = 77;

    ck_assert_int_eq(wa_vectors_nearest(v, zero, NULL, 0, 1, found, &n, &err), WA_EMODEL);
    ck_assert_str_eq(err.message, "the vector to compare with is all zeros, so it has no direction");
    ck_assert_int_eq(wa_vectors_nearest(v, nan, NULL, 0, 1, found, &n, &err), WA_EMODEL);
    ck_assert_str_eq(err.message, "the vector to compare with holds NaN or infinities, so it has no direction");
    ck_assert_uint_eq(n, 77);
    wa_vectors_close(v);
}
END_TEST

/* The squares of the largest and of the smallest floats are beyond float, not beyond double. */
START_TEST(cosines_of_huge_and_tiny_vectors_are_right)
{
    static const row rows[]  = { { "huge", { 3e38f, 3e38f } }, { "tiny", { 1e-45f, 1e-45f } } };
    const float      query[] = { 1e-45f, 0.0f };
    wa_vectors      *v       = make(rows, 2);
    wa_neighbour     found[2];
    size_t           n;

    ck_assert_int_eq(wa_vectors_nearest(v, query, NULL, 0, 2, found, &n, NULL), WA_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert_float_eq(found[0].cosine, 0.70710678f);
    ck_assert_float_eq(found[1].cosine, 0.70710678f);
    ck_assert_uint_eq(found[0].index, 0);
    wa_vectors_close(v);
}
END_TEST

/* north/1 - west/1 + east/1 of unit vectors: (0,1) - (-1,0) + (1,0) = (2,1), whatever the lengths in the file. */
START_TEST(an_analogy_is_the_sum_of_unit_vectors)
{
    wa_vectors *v = make(compass, N_COMPASS);
    float       out[2];
    wa_error    err;

    ck_assert_int_eq(wa_vectors_analogy(v, WEST, NORTH, EAST, out, NULL), WA_OK);
    ck_assert_float_eq(out[0], 2.0f);
    ck_assert_float_eq(out[1], 1.0f);
    ck_assert_int_eq(wa_vectors_analogy(v, WEST, NOWHERE, EAST, out, &err), WA_EMODEL);
    ck_assert_str_eq(err.message, "the vector of 'nowhere' is all zeros, so it has no direction");
    ck_assert_int_eq(wa_vectors_analogy(v, WEST, NORTH, FAR, out, &err), WA_EMODEL);
    ck_assert_str_eq(err.message, "the vector of 'far' holds NaN or infinities, so it has no direction");
    wa_vectors_close(v);
}
END_TEST

static wa_status fill_and_search(const wa_env *env, void *user)
{
    wa_vectors  *v  = NULL;
    wa_status    st = wa_vectors_new(2, env, &v, NULL);
    wa_neighbour found[2];
    size_t       n;

    (void)user;
    for (size_t i = 0; st == WA_OK && i < 100; i++)
        st = wa_vectors_add(v, wa_text_of(compass[i % N_COMPASS].word), compass[i % N_COMPASS].values, NULL);
    if (st == WA_OK)
        st = wa_vectors_nearest(v, compass[EAST].values, NULL, 0, 2, found, &n, NULL);
    wa_vectors_close(v);
    return st;
}

START_TEST(every_allocation_may_fail)
{
    every_allocation_fails_in_turn(fill_and_search, NULL, 100);
}
END_TEST

Suite *wa_suite_vectors(void)
{
    Suite *const suite = suite_create("vectors");
    TCase *const tests = new_case("vectors");

    tcase_add_test(tests, words_and_rows_are_copied_in_their_order);
    tcase_add_test(tests, nearest_words_come_by_cosine_then_by_row_without_those_that_have_no_direction);
    tcase_add_test(tests, nearest_words_leave_out_the_excluded_and_stop_at_k);
    tcase_add_test(tests, a_query_without_direction_is_refused);
    tcase_add_test(tests, cosines_of_huge_and_tiny_vectors_are_right);
    tcase_add_test(tests, an_analogy_is_the_sum_of_unit_vectors);
    tcase_add_test(tests, every_allocation_may_fail);
    suite_add_tcase(suite, tests);
    return suite;
}

/* The k best against sorting everything. */
#include "math/topk.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "suites.h"
#include "support.h"

static int best_first(const void *a, const void *b)
{
    const wa_scored *const x = a, *const y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Offers n scores, of which few differ, so that ties are the rule, in a random order of their indices. */
static void expect_the_best_of(wa_rng *rng, size_t n, size_t k, size_t n_different)
{
    wa_scored *const all   = malloc((n + 1) * sizeof *all);
    wa_scored *const items = malloc((k + 1) * sizeof *items);
    wa_topk          top   = { .items = items, .k = k };

    items[k] = (wa_scored){ -7.0f, 7 }; /* nothing is written behind the k items */
    for (size_t i = 0; i < n; i++)
        all[i] = (wa_scored){ (float)(wa_rng_next(rng) % n_different) - 2.0f, i };
    for (size_t i = n; i > 1; i--) {
        const size_t    j    = (size_t)(wa_rng_next(rng) % i);
        const wa_scored swap = all[j];

        all[j]     = all[i - 1];
        all[i - 1] = swap;
    }
    for (size_t i = 0; i < n; i++)
        wa_topk_offer(&top, all[i].score, all[i].index);
    wa_topk_sort(&top);
    qsort(all, n, sizeof *all, best_first);
    if (top.n != (n < k ? n : k) || items[k].index != 7)
        ck_abort_msg("%zu of %zu gave %zu items", k, n, top.n);
    for (size_t i = 0; i < top.n; i++)
        if (items[i].score != all[i].score || items[i].index != all[i].index)
            ck_abort_msg("%zu of %zu: item %zu is %zu, expected %zu", k, n, i, items[i].index, all[i].index);
    free(items);
    free(all);
}

START_TEST(the_k_best_are_those_of_a_full_sort_ties_by_index)
{
    wa_rng rng = { 1 };

    for (size_t round = 0; round < 20000; round++) {
        const size_t n = (size_t)(wa_rng_next(&rng) % 60), k = (size_t)(wa_rng_next(&rng) % 20);

        expect_the_best_of(&rng, n, k, (size_t)(1 + wa_rng_next(&rng) % 12));
    }
    expect_the_best_of(&rng, 50000, 10, 1u << 20);
    expect_the_best_of(&rng, 5000, 4999, 1u << 20);
    expect_the_best_of(&rng, 300, 1, 2);
}
END_TEST

START_TEST(none_of_none_and_more_than_there_are)
{
    wa_rng rng = { 2 };

    expect_the_best_of(&rng, 0, 0, 1);
    expect_the_best_of(&rng, 10, 0, 3);
    expect_the_best_of(&rng, 0, 5, 1);
    expect_the_best_of(&rng, 5, 5, 3);
    expect_the_best_of(&rng, 5, 100, 3);
}
END_TEST

START_TEST(without_room_for_any_nothing_is_touched)
{
    wa_topk top = { .items = NULL, .k = 0 };

    wa_topk_offer(&top, 1.0f, 1);
    wa_topk_sort(&top);
    ck_assert_uint_eq(top.n, 0);
}
END_TEST

START_TEST(infinite_scores_are_ordered_too)
{
    wa_scored items[3];
    wa_topk   top = { .items = items, .k = 3 };

    wa_topk_offer(&top, -INFINITY, 0);
    wa_topk_offer(&top, 3e38f, 1);
    wa_topk_offer(&top, -INFINITY, 2);
    wa_topk_offer(&top, INFINITY, 3);
    wa_topk_offer(&top, -3e38f, 4);
    wa_topk_sort(&top);
    ck_assert_uint_eq(items[0].index, 3);
    ck_assert_uint_eq(items[1].index, 1);
    ck_assert_uint_eq(items[2].index, 4);
}
END_TEST

Suite *wa_suite_topk(void)
{
    Suite *const suite = suite_create("topk");
    TCase *const tcase = new_case("topk");

    tcase_add_test(tcase, the_k_best_are_those_of_a_full_sort_ties_by_index);
    tcase_add_test(tcase, none_of_none_and_more_than_there_are);
    tcase_add_test(tcase, without_room_for_any_nothing_is_touched);
    tcase_add_test(tcase, infinite_scores_are_ordered_too);
    suite_add_tcase(suite, tcase);
    return suite;
}

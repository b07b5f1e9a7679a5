/* Exact sums: against sums that are known, and against themselves in another order. */
#include "math/sum.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "suites.h"
#include "support.h"

static double sum_of(const double *x, size_t n)
{
    wa_sum sum = { .n_added = 0 };

    for (size_t i = 0; i < n; i++)
        wa_sum_add(&sum, x[i]);
    return wa_sum_value(&sum);
}

#define SUM_OF(...) sum_of((const double[]){ __VA_ARGS__ }, sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double))

START_TEST(what_doubles_lose_is_kept)
{
    ck_assert_double_eq(SUM_OF(1e300, 1.0, -1e300), 1.0);
    ck_assert_double_eq(SUM_OF(DBL_MAX, DBL_MAX, -DBL_MAX, -DBL_MAX, -DBL_TRUE_MIN), -DBL_TRUE_MIN);
    ck_assert_double_eq(SUM_OF(0.1, 0.2, 0.3, -0.6), 0x1p-55); /* of the doubles nearest to these, by hand */
    ck_assert_double_eq(SUM_OF(-3.0, 2.5), -0.5);
    ck_assert_double_eq(SUM_OF(0.0, -0.0), 0.0);
    ck_assert_double_eq(SUM_OF(DBL_TRUE_MIN, DBL_TRUE_MIN, DBL_MIN), DBL_MIN + 2 * DBL_TRUE_MIN);
}
END_TEST

/* Halfway between two doubles the even one, and a bit 1,000 places below decides. */
START_TEST(the_value_is_rounded_once)
{
    ck_assert_double_eq(SUM_OF(1.0, 0x1p-53), 1.0);
    ck_assert_double_eq(SUM_OF(1.0, 0x1p-53, 0x1p-1000), 1.0 + 0x1p-52);
    ck_assert_double_eq(SUM_OF(1.0, 0x1p-53, -0x1p-1000), 1.0);
    ck_assert_double_eq(SUM_OF(1.0 + 0x1p-52, 0x1p-53), 1.0 + 0x1p-51);
    ck_assert_double_eq(SUM_OF(-1.0, -0x1p-53, -0x1p-1000), -1.0 - 0x1p-52);
    ck_assert(isinf(SUM_OF(DBL_MAX, DBL_MAX)));
}
END_TEST

/* Numbers of all sizes and both signs, forward, backward, and in three parts that are merged: the same digits. */
START_TEST(order_and_parts_change_no_digit)
{
    wa_rng rng     = wa_rng_named(3, wa_text_of("sums"));
    wa_sum forward = { .n_added = 0 }, backward = forward, parts[3] = { { .n_added = 0 } };
    double x[3000];

    for (size_t i = 0; i < 3000; i++)
        x[i] = ldexp((double)(int64_t)wa_rng_next(&rng), (int)(wa_rng_next(&rng) % 1900) - 1000);
    for (size_t i = 0; i < 3000; i++) {
        wa_sum_add(&forward, x[i]);
        wa_sum_add(&backward, x[2999 - i]);
        wa_sum_add(&parts[i % 3], x[i]);
    }
    wa_sum_merge(&parts[2], &parts[0]);
    wa_sum_merge(&parts[1], &parts[2]);
    wa_sum_settle(&forward);
    wa_sum_settle(&backward);
    ck_assert_mem_eq(&forward, &backward, sizeof forward);
    ck_assert_mem_eq(&forward, &parts[1], sizeof forward);
    for (size_t i = 0; i < 3000; i++)
        wa_sum_add(&forward, -x[i]);
    ck_assert_double_eq(wa_sum_value(&forward), 0.0);
}
END_TEST

/* All digits of the magnitude lie in 0 .. 2^32 - 1, and with the sign it is the sum again. */
START_TEST(a_sum_is_its_sign_and_magnitude)
{
    static const double x[] = { 0.0, 1.0, -1.0, DBL_MAX, -DBL_MAX, DBL_TRUE_MIN, -DBL_TRUE_MIN, 0.1, -1e300 };

    for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
        wa_sum sum = { .n_added = 0 }, magnitude, negated;

        wa_sum_add(&sum, x[i]);
        wa_sum_add(&sum, x[i]);
        ck_assert_int_eq(wa_sum_split(&sum, &magnitude), x[i] < 0 ? -1 : 1);
        for (size_t d = 0; d < WA_SUM_DIGITS; d++)
            ck_assert(magnitude.digits[d] >= 0 && magnitude.digits[d] <= 0xFFFFFFFF);
        ck_assert_double_eq(wa_sum_value(&magnitude), 2 * fabs(x[i]));
        negated = magnitude;
        wa_sum_add(&negated, -fabs(x[i])); /* taking it away twice leaves nothing */
        wa_sum_add(&negated, -fabs(x[i]));
        wa_sum_settle(&negated);
        ck_assert_mem_eq(&negated, &(wa_sum){ .n_added = 0 }, sizeof negated);
    }
}
END_TEST

Suite *wa_suite_sum(void)
{
    Suite *const suite = suite_create("math/sum");
    TCase *const tests = new_case("sum");

    tcase_add_test(tests, what_doubles_lose_is_kept);
    tcase_add_test(tests, the_value_is_rounded_once);
    tcase_add_test(tests, a_sum_is_its_sign_and_magnitude);
    tcase_add_test(tests, order_and_parts_change_no_digit);
    suite_add_tcase(suite, tests);
    return suite;
}

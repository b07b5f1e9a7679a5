/* Random numbers and hashes: known answers, because random weights and tables depend on every bit.
 *
 * The expected numbers were computed in Python from the published definitions, with integers taken modulo 2^64:
 *     splitmix64   s += 0x9e3779b97f4a7c15; z = (s ^ s>>30) * 0xbf58476d1ce4e5b9; z = (z ^ z>>27) * 0x94d049bb133111eb; z ^ z>>31
 *     FNV-1a       h = 0xcbf29ce484222325; for each byte h = (h ^ byte) * 0x100000001b3
 *     finaliser    h ^= h>>33; h *= 0xff51afd7ed558ccd; h ^= h>>33; h *= 0xc4ceb9fe1a85ec53; h ^= h>>33 */
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "suites.h"
#include "support.h"

START_TEST(the_generator_gives_the_numbers_of_splitmix64)
{
    static const uint64_t expected[] = { UINT64_C(0x599ed017fb08fc85), UINT64_C(0x2c73f08458540fa5), UINT64_C(0x883ebce5a3f27c77),
                                         UINT64_C(0x3fbef740e9177b3f) };
    wa_rng                rng        = { 1234567 };

    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(wa_rng_next(&rng), expected[i]);
    rng.state = 0;
    ck_assert_uint_eq(wa_rng_next(&rng), UINT64_C(0xe220a8397b1dcdaf));
}
END_TEST

START_TEST(hashes_are_fnv_1a_mixed)
{
    static const struct {
        wa_text  text;
        uint64_t expected;
    } cases[] = {
        { { "", 0 }, UINT64_C(0xefd01f60ba992926) },
        { { "a", 1 }, UINT64_C(0x82a2a958a9bece5b) },
        { { "the", 3 }, UINT64_C(0xcb3ff435b889fb31) },
        { { "a\0b\xFF", 4 }, UINT64_C(0xfb9b4582801a4eeb) },
        { { "blocks.0.attention.query.weight", 31 }, UINT64_C(0x99e0b0358d905dbd) },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_uint_eq(wa_hash(cases[i].text), cases[i].expected);
}
END_TEST

/* 0xCBF43926 is the check value that catalogues of checksums give for "123456789"; the other is zlib.crc32() of Python. */
START_TEST(checksums_are_those_of_zip_in_one_piece_or_several)
{
    unsigned char bytes[256];

    ck_assert_uint_eq(wa_crc32(0, "123456789", 9), 0xCBF43926u);
    ck_assert_uint_eq(wa_crc32(wa_crc32(0, "1234", 4), "56789", 5), 0xCBF43926u);
    ck_assert_uint_eq(wa_crc32(7, NULL, 0), 7);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    ck_assert_uint_eq(wa_crc32(0, bytes, sizeof bytes), 0x29058C73u);
}
END_TEST

/* first = splitmix64 of the seed; the state is first ^ hash(name). */
START_TEST(a_named_generator_depends_on_seed_and_name_alone)
{
    wa_rng a = wa_rng_named(7, wa_text_of("attention.query")), b = wa_rng_named(7, wa_text_of("attention.key"));
    wa_rng c = wa_rng_named(8, wa_text_of("attention.query")), d = wa_rng_named(7, wa_text_of("attention.query"));

    const uint64_t first = wa_rng_next(&a);
    ck_assert_uint_eq(first, UINT64_C(0x96c45ccfed0f7da8));
    ck_assert_uint_eq(wa_rng_next(&a), UINT64_C(0xe0fd969274b6c6be));
    ck_assert_uint_ne(wa_rng_next(&b), first);
    ck_assert_uint_ne(wa_rng_next(&c), first);
    ck_assert_uint_eq(wa_rng_next(&d), first);
}
END_TEST

/* low + (high - low) * (next >> 40) / 2^24 with seed 42, computed in Python and rounded to float by struct. */
START_TEST(uniform_numbers_are_the_upper_bits_scaled)
{
    static const float expected[] = { 0x1.5a99fc0000000p+0f, -0x1.9a84880000000p-4f, 0x1.92700c0000000p-3f, 0x1.7120ca0000000p-2f };
    wa_rng             rng        = { 42 };

    for (size_t i = 0; i < 4; i++)
        ck_assert_float_eq(wa_rng_uniform(&rng, -0.5, 2.0), expected[i]);
}
END_TEST

/* A state whose next number has all 24 upper bits set: rounding to float must not reach the upper end. The inverse of splitmix64
 * gave it: the next number of state 0x31628af67b2131ab is 2^64 - 1. */
START_TEST(the_largest_uniform_number_is_below_the_upper_end)
{
    static const struct {
        double low, high;
    } cases[] = { { 0, 1 }, { -1, 1 }, { 1, 1.0000001 }, { 16777215, 16777217 }, { -0.1, 0.1 }, { 1e-45, 3e-45 }, { -3e38, 3e38 } };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wa_rng      rng = { UINT64_C(0x31628af67b2131ab) };
        const float x   = wa_rng_uniform(&rng, cases[i].low, cases[i].high);

        ck_assert_msg(x >= (float)cases[i].low && x < (float)cases[i].high, "case %zu gave %a", i, (double)x);
    }
}
END_TEST

/* Mean and variance of 10^6 numbers in [2, 5): 3.5 and 0.75. The bounds are 5 standard errors, sqrt(0.75 / 10^6) = 0.00087 and, for
 * the variance, 0.75 sqrt(0.8 / 10^6) = 0.00067. */
START_TEST(uniform_numbers_fill_their_interval_evenly)
{
    wa_rng rng = { 5 };
    double sum = 0, squares = 0;

    for (size_t i = 0; i < 1000000; i++) {
        const double x = (double)wa_rng_uniform(&rng, 2, 5);

        if (!(x >= 2 && x < 5))
            ck_abort_msg("number %zu is %a", i, x);
        sum += x;
        squares += (x - 3.5) * (x - 3.5);
    }
    ck_assert_double_le(fabs(sum / 1e6 - 3.5), 5 * 0.00087);
    ck_assert_double_le(fabs(squares / 1e6 - 0.75), 5 * 0.00067);
}
END_TEST

START_TEST(an_interval_without_width_gives_its_only_number)
{
    wa_rng rng = { 5 };

    ck_assert_float_eq(wa_rng_uniform(&rng, 0.25, 0.25), 0.25f);
}
END_TEST

Suite *wa_suite_rng(void)
{
    Suite *const suite = suite_create("rng");
    TCase *const tcase = new_case("rng");

    tcase_add_test(tcase, the_generator_gives_the_numbers_of_splitmix64);
    tcase_add_test(tcase, hashes_are_fnv_1a_mixed);
    tcase_add_test(tcase, checksums_are_those_of_zip_in_one_piece_or_several);
    tcase_add_test(tcase, a_named_generator_depends_on_seed_and_name_alone);
    tcase_add_test(tcase, uniform_numbers_are_the_upper_bits_scaled);
    tcase_add_test(tcase, the_largest_uniform_number_is_below_the_upper_end);
    tcase_add_test(tcase, uniform_numbers_fill_their_interval_evenly);
    tcase_add_test(tcase, an_interval_without_width_gives_its_only_number);
    suite_add_tcase(suite, tcase);
    return suite;
}

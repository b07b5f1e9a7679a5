/* Text: UTF-8 against the tables of the Unicode standard, numbers against the C library, and nothing read beyond the end.
 *
 * Texts are put into memory of exactly their size before they are given away, so that a sanitizer sees a byte too many. Where
 * there are a million cases, ck_abort_msg() behind an `if` takes the place of ck_assert(), which makes a system call each time. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "suites.h"
#include "support.h"

#define TEXT(literal) ((wa_text){ literal, sizeof(literal) - 1 })
#define N_ITEMS(list) (sizeof(list) / sizeof *(list))

/* ---------------------------------------------------------------- comparing */

START_TEST(texts_are_compared_by_length_and_bytes)
{
    const wa_text none = { NULL, 0 };

    ck_assert(wa_text_equal(TEXT("a\0b"), TEXT("a\0b")));
    ck_assert(!wa_text_equal(TEXT("a\0b"), TEXT("a\0c")));
    ck_assert(!wa_text_equal(TEXT("a"), TEXT("ab")));
    ck_assert(wa_text_equal(none, TEXT("")));
    ck_assert(wa_text_is(TEXT("key"), "key"));
    ck_assert(!wa_text_is(TEXT("key\0"), "key"));
    ck_assert(wa_text_is(none, ""));
    ck_assert(wa_text_begins(TEXT("abc"), TEXT("ab")));
    ck_assert(wa_text_begins(TEXT("abc"), none));
    ck_assert(!wa_text_begins(TEXT("ab"), TEXT("abc")));
    ck_assert(!wa_text_begins(TEXT("abc"), TEXT("bc")));
    ck_assert(wa_text_ends(TEXT("x.gz"), ".gz"));
    ck_assert(wa_text_ends(TEXT(".gz"), ".gz"));
    ck_assert(!wa_text_ends(TEXT("gz"), ".gz"));
    ck_assert(!wa_text_ends(TEXT("x.gz "), ".gz"));
    ck_assert(wa_text_ends(none, ""));
    ck_assert_uint_eq(wa_text_of(NULL).n_bytes, 0);
    ck_assert_uint_eq(wa_text_of("four").n_bytes, 4);
}
END_TEST

static const char *name_of(const void *user, size_t i)
{
    return ((const char *const *)user)[i];
}

START_TEST(the_nearest_name_is_within_a_third_of_the_length)
{
    static const char *const keys[] = { "model", "heads", "norm", "position", "tokenizer", "k", "feed_forward", "forma", "format" };
    static const struct {
        const char *typed, *nearest;
    } cases[] = {
        { "model", "model" },         /* 0 */
        { "modle", "model" },         /* a swap of neighbours is one edit */
        { "head", "heads" },          /* an insertion */
        { "headss", "heads" },        /* a deletion */
        { "herds", "heads" },         /* a replacement */
        { "hreds", NULL },            /* 2 edits of 5 bytes are too many */
        { "posetoin", "position" },   /* 2: a replacement and a swap */
        { "tkenyzerr", "tokenizer" }, /* 3 of 9 */
        { "tkenyzarr", NULL },        /* 4 are always too many */
        { "fxxd_fxrwxrd", NULL },     /* though 4 are a third of 12 */
        { "formats", "format" },      /* 1 is nearer than 2 */
        { "form", "norm" },           /* of two at distance 1 the first */
        { "z", "k" },                 /* 1 is always allowed */
        { "", "k" },
        { "absent", NULL },
        { "a_name_that_is_far_longer_than_any_key_of_a_configuration", NULL },
    };

    for (size_t i = 0; i < N_ITEMS(cases); i++) {
        const size_t      found = wa_nearest_name(wa_text_of(cases[i].typed), name_of, keys, N_ITEMS(keys));
        const char *const name  = found == WA_NONE ? "(none)" : keys[found];

        ck_assert_msg(strcmp(name, cases[i].nearest ? cases[i].nearest : "(none)") == 0, "'%s' gave %s", cases[i].typed, name);
    }
    ck_assert_uint_eq(wa_nearest_name(TEXT("model"), name_of, keys, 0), WA_NONE);
}
END_TEST

/* ---------------------------------------------------------------- UTF-8 */

typedef struct decoded {
    uint32_t code_points[16];
    size_t   lengths[16], n;
} decoded;

static decoded decode_all(const char *bytes, size_t n)
{
    decoded     d    = { .n = 0 };
    char *const copy = malloc(n > 0 ? n : 1);

    memcpy(copy, bytes, n);
    for (size_t i = 0; i < n; d.n++) {
        bool is_valid;

        ck_assert_uint_lt(d.n, 16);
        d.lengths[d.n] = wa_utf8_next((wa_text){ copy + i, n - i }, &d.code_points[d.n], &is_valid);
        ck_assert_uint_ge(d.lengths[d.n], 1);
        if (!is_valid)
            ck_assert_uint_eq(d.code_points[d.n], 0xFFFD);
        i += d.lengths[d.n];
        ck_assert_uint_le(i, n);
    }
    free(copy);
    return d;
}

/* Unicode 15, chapter 3.9, tables 3-8 to 3-11: what replaces ill-formed bytes, one U+FFFD a maximal subpart. */
START_TEST(ill_formed_bytes_are_replaced_as_in_the_tables_of_the_standard)
{
    static const struct {
        const char *bytes;
        size_t      n_bytes;
        decoded     expected;
    } cases[] = {
        { "\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41",
          9,
          { { 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0x41 }, { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 9 } },
        { "\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41",
          9,
          { { 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0x41 }, { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 9 } },
        { "\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42",
          9,
          { { 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0x41, 0xFFFD, 0xFFFD, 0x42 }, { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 9 } },
        { "\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", 9, { { 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0x41 }, { 2, 1, 3, 2, 1 }, 5 } }
    };

    for (size_t i = 0; i < N_ITEMS(cases); i++) {
        const decoded d = decode_all(cases[i].bytes, cases[i].n_bytes);

        ck_assert_uint_eq(d.n, cases[i].expected.n);
        ck_assert_mem_eq(d.code_points, cases[i].expected.code_points, d.n * sizeof *d.code_points);
        ck_assert_mem_eq(d.lengths, cases[i].expected.lengths, d.n * sizeof *d.lengths);
    }
}
END_TEST

static size_t encode(uint32_t code_point, char out[4])
{
    const uint32_t c = code_point;

    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t   n      = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    const unsigned lead[] = { 0xC0, 0xE0, 0xF0 };
    for (size_t i = 0; i < n; i++)
        out[i] = (char)((i == 0 ? lead[n - 2] : 0x80) | (c >> 6 * (n - 1 - i) & (i == 0 ? 0xFF : 0x3F)));
    return n;
}

START_TEST(every_code_point_but_the_surrogates_is_decoded)
{
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        char         bytes[4];
        const size_t n            = encode(c, bytes);
        const bool   is_surrogate = c >= 0xD800 && c <= 0xDFFF;
        uint32_t     code_point;
        bool         is_valid;
        const size_t n_taken = wa_utf8_next((wa_text){ bytes, n }, &code_point, &is_valid);

        if (is_valid == is_surrogate || (is_valid && (n_taken != n || code_point != c)))
            ck_abort_msg("U+%04X gave U+%04X", (unsigned)c, (unsigned)code_point);
        for (size_t cut = 1; cut < n && !is_surrogate; cut++)
            if (!wa_utf8_is_cut((wa_text){ bytes, cut }) || wa_utf8_is_valid((wa_text){ bytes, cut }))
                ck_abort_msg("U+%04X cut after %zu bytes", (unsigned)c, cut);
    }
}
END_TEST

START_TEST(a_text_is_cut_where_only_its_last_character_lacks_bytes)
{
    static const struct {
        wa_text text;
        bool    is_valid, is_cut;
    } cases[] = {
        { { "", 0 }, true, false },
        { { "abc\xC3\xA9", 5 }, true, false },
        { { "abc\xC3", 4 }, false, true },
        { { "\xE2\x82", 2 }, false, true },
        { { "a\xF0\x9F\x98", 4 }, false, true },
        { { "\xFF"
            "a\xC3",
            3 },
          false,
          false }, /* two faults */
        { { "\xC3"
            "a",
            2 },
          false,
          false },                        /* the fault is not at the end */
        { { "a\x80", 2 }, false, false }, /* no lead byte */
        { { "a\xC0", 2 }, false, false }, /* one that cannot lead */
        { { "a\xF5", 2 }, false, false },
        { { "\xED\xA0", 2 }, false, false }, /* the second byte is wrong already */
        { { "\xE0\x80", 2 }, false, false },
    };

    for (size_t i = 0; i < N_ITEMS(cases); i++) {
        char *const copy = malloc(cases[i].text.n_bytes + 1);

        memcpy(copy, cases[i].text.data, cases[i].text.n_bytes);
        const wa_text text = { copy, cases[i].text.n_bytes };
        ck_assert_msg(wa_utf8_is_valid(text) == cases[i].is_valid, "case %zu", i);
        ck_assert_msg(wa_utf8_is_cut(text) == cases[i].is_cut, "case %zu", i);
        free(copy);
    }
}
END_TEST

/* Unicode 15, PropList.txt, White_Space. */
START_TEST(white_space_is_what_unicode_says)
{
    static const uint32_t spaces[] = { 0x09,   0x0A,   0x0B,   0x0C,   0x0D,   0x20,   0x85,   0xA0,   0x1680,
                                       0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
                                       0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000 };
    size_t                next     = 0;

    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        const bool is_listed = next < N_ITEMS(spaces) && c == spaces[next];

        if (wa_is_space(c) != is_listed)
            ck_abort_msg("U+%04X", (unsigned)c);
        next += is_listed;
    }
    ck_assert_uint_eq(next, 25);
}
END_TEST

START_TEST(white_space_is_found_inside_a_text_but_not_inside_bad_bytes)
{
    ck_assert(wa_has_space(TEXT("a b")));
    ck_assert(wa_has_space(TEXT("a\xC2\xA0")));
    ck_assert(wa_has_space(TEXT("\xFF\xE3\x80\x80")));
    ck_assert(!wa_has_space(TEXT("")));
    ck_assert(!wa_has_space(TEXT("a\xA0\x85")));
    ck_assert(!wa_has_space(TEXT("\xC3\xA9t\xC3\xA9")));
    ck_assert(wa_is_blank(' ') && wa_is_blank('\t') && !wa_is_blank('\n') && !wa_is_blank('\0'));
}
END_TEST

/* ---------------------------------------------------------------- reading numbers */

START_TEST(a_size_is_digits_below_two_to_the_64)
{
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "1.0", "0x10", "1e3", "1_000", "1,000", "18446744073709551616", "99999999999999999999999"
    };
    size_t value = 5;

    for (size_t i = 0; i < N_ITEMS(bad); i++)
        ck_assert_msg(!wa_parse_size(wa_text_of(bad[i]), &value), "'%s'", bad[i]);
    ck_assert(!wa_parse_size(TEXT("1\0"), &value));
    ck_assert_uint_eq(value, 5);
    ck_assert(wa_parse_size(TEXT("18446744073709551615"), &value));
    ck_assert_uint_eq(value, SIZE_MAX);
    ck_assert(wa_parse_size(TEXT("007"), &value));
    ck_assert_uint_eq(value, 7);
    ck_assert(wa_parse_size(TEXT("0"), &value));
    ck_assert_uint_eq(value, 0);
    ck_assert(wa_parse_size((wa_text){ "1234", 2 }, &value));
    ck_assert_uint_eq(value, 12);
}
END_TEST

static uint32_t bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static double double_of(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Reads a text as float and as double, from memory of exactly its size, and compares with the C library bit for bit. */
static void expect_as_the_library(const char *text)
{
    const size_t n    = strlen(text);
    char *const  copy = malloc(n);
    float        f;
    double       d;

    memcpy(copy, text, n);
    if (!wa_parse_float((wa_text){ copy, n }, &f) || !wa_parse_double((wa_text){ copy, n }, &d))
        ck_abort_msg("'%s' was refused", text);
    const double expected = strtod(text, NULL);
    if (bits_of(f) != bits_of(strtof(text, NULL)))
        ck_abort_msg("'%s' gave %a, expected %a", text, (double)f, (double)strtof(text, NULL));
    if (memcmp(&d, &expected, sizeof d) != 0)
        ck_abort_msg("'%s' gave %a, expected %a", text, d, expected);
    free(copy);
}

/* 16777217 is 2^24 + 1, the first integer that is no float; the two long ones lie just above and on the middle of two floats. */
static const char numbers[] = "0 -0 +0 1 -1 +1 0.1 -0.1 1. .5 -.5 +.5e-3 1e0 1E+5 1e-45 7e-46 7.1e-46 1.17549435e-38 3.4028235e38 "
                              "3.4028236e38 3.4028234663852886e+38 3.4028235677973366e38 3.5e38 1e400 -1e400 1e-400 -1e-400 "
                              "1e99999999999999999999 0e99999999999999999999 0.000001 -0.123456 123456789 12345678.9 16777216 "
                              "16777217 1677721.7 0.16777217 0.016777216 00000000001 0.0000000001 1.0000000596046448 "
                              "1.00000005960464477539062500000000000000000000000000000000000000000000000000000000001 "
                              "1.000000059604644775390625 9007199254740993 2.2250738585072011e-308 4.9e-324 2e-324 "
                              "1.7976931348623159e308";

START_TEST(numbers_are_read_as_the_c_library_reads_them)
{
    wa_text left = wa_text_of(numbers), number;
    char    text[100];

    while ((number = wa_text_take_field(&left)).n_bytes > 0) {
        snprintf(text, sizeof text, "%.*s", (int)number.n_bytes, number.data);
        expect_as_the_library(text);
    }
}
END_TEST

START_TEST(names_of_numbers_that_are_none_are_read_in_any_case)
{
    static const struct {
        const char *text;
        float       expected;
    } cases[] = {
        { "inf", INFINITY }, { "+Inf", INFINITY }, { "-INF", -INFINITY }, { "infinity", INFINITY }, { "-InFiNiTy", -INFINITY }
    };
    float  f = 0;
    double d = 0;

    for (size_t i = 0; i < N_ITEMS(cases); i++) {
        ck_assert(wa_parse_float(wa_text_of(cases[i].text), &f) && wa_parse_double(wa_text_of(cases[i].text), &d));
        ck_assert_uint_eq(bits_of(f), bits_of(cases[i].expected));
        ck_assert(d == (double)cases[i].expected);
    }
    ck_assert(wa_parse_float(TEXT("NaN"), &f) && isnan(f));
    ck_assert(wa_parse_double(TEXT("-nan"), &d) && isnan(d));
}
END_TEST

START_TEST(what_is_no_decimal_number_is_refused)
{
    static const char *const bad[] = {
        "",      "-",      "+",    ".",  "-.",   "+.",      "1e",        "1e+", "1e-",  "e5",      ".e5", "1,5", "1.5.",
        "1..5",  "--1",    "+-1",  "1-", "0x10", "0x1p3",   "0X1",       " 1",  "1 ",   "1\n",     "1f",  "1_0", "1e5.0",
        "1e5e5", "nan(1)", "nano", "in", "infi", "infinit", "infinityy", "n",   "1nan", "\xD9\xA1" /* the last is an Arabic digit */
    };
    float  f = 3;
    double d = 3;

    for (size_t i = 0; i < N_ITEMS(bad); i++) {
        const size_t n    = strlen(bad[i]);
        char *const  copy = malloc(n > 0 ? n : 1);

        memcpy(copy, bad[i], n);
        ck_assert_msg(!wa_parse_float((wa_text){ copy, n }, &f), "'%s'", bad[i]);
        ck_assert_msg(!wa_parse_double((wa_text){ copy, n }, &d), "'%s'", bad[i]);
        free(copy);
    }
    ck_assert(!wa_parse_float(TEXT("1\0"), &f) && !wa_parse_float(TEXT("1.5\0005"), &f) && !wa_parse_double(TEXT("1\0"), &d));
    ck_assert(!wa_parse_float((wa_text){ NULL, 0 }, &f) && !wa_parse_double((wa_text){ NULL, 0 }, &d));
    ck_assert(f == 3 && d == 3);
}
END_TEST

START_TEST(numbers_of_255_bytes_are_read_and_longer_ones_refused)
{
    char   digits[258] = "0.";
    float  f           = 0;
    double d           = 0;

    memset(digits + 2, '3', 254);
    ck_assert(wa_parse_float((wa_text){ digits, 255 }, &f) && wa_parse_double((wa_text){ digits, 255 }, &d));
    ck_assert(f == 1.0f / 3 && d == 1.0 / 3);
    f = 0;
    d = 0;
    ck_assert(!wa_parse_float((wa_text){ digits, 256 }, &f) && !wa_parse_double((wa_text){ digits, 256 }, &d));
    ck_assert(f == 0 && d == 0);
}
END_TEST

/* Numbers of the kinds that are found in files: a few decimals, many digits, exponents; with a fixed seed. */
START_TEST(random_numbers_are_read_as_the_c_library_reads_them)
{
    wa_rng rng = { 1 };

    for (size_t i = 0; i < 200000; i++) {
        const uint64_t r = wa_rng_next(&rng);
        const double   x = (double)float_of((uint32_t)(r >> 32));
        char           text[400];

        switch (r % 5) {
        case 0:
            snprintf(text, sizeof text, "%.*f", (int)(r / 5 % 11), (double)wa_rng_uniform(&rng, -2, 2));
            break;
        case 1:
            snprintf(text, sizeof text, "%.*e", (int)(r / 5 % 20), x);
            break;
        case 2:
            snprintf(text, sizeof text, "%u.%u", (unsigned)(r >> 48), (unsigned)(r / 5 % 10000000));
            break;
        case 3:
            snprintf(text, sizeof text, "-0.%09u", (unsigned)(r / 5 % 1000000000));
            break;
        default:
            snprintf(text, sizeof text, "%lluE%d", (unsigned long long)(r >> 8), (int)(r % 80) - 60);
        }
        if (isfinite(x))
            expect_as_the_library(text);
    }
}
END_TEST

/* ---------------------------------------------------------------- writing numbers */

static void expect_shortest_float(uint32_t bits)
{
    const float x = float_of(bits);
    char        text[WA_NUMBER_SIZE], shorter[40];
    float       back;
    size_t      n_digits = 0;

    if (wa_format_float(text, x) != text || strlen(text) >= WA_NUMBER_SIZE || !wa_parse_float(wa_text_of(text), &back) ||
        bits_of(back) != bits)
        ck_abort_msg("%a gave %s", (double)x, text);
    for (const char *c = text; *c && *c != 'e'; c++)
        n_digits += *c >= '0' && *c <= '9' && (n_digits > 0 || *c != '0');
    for (const char *c = text + strcspn(text, "e"); !strchr(text, '.') && c > text && c[-1] == '0'; c--)
        n_digits -= n_digits > 0; /* zeros at the end of a whole number hold its place only */
    if (n_digits > 1) {
        snprintf(shorter, sizeof shorter, "%.*e", (int)n_digits - 2, (double)x);
        if (strtof(shorter, NULL) == x)
            ck_abort_msg("%s is shorter than %s", shorter, text);
    }
}

START_TEST(a_float_is_written_with_the_fewest_digits_that_read_back)
{
    static const struct {
        float       x;
        const char *text;
    } cases[] = {
        { 0.0f, "0" },
        { -0.0f, "-0" },
        { 1.0f, "1" },
        { -0.1f, "-0.1" },
        { 0.3f, "0.3" },
        { 1.0f / 3, "0.33333334" },
        { 16777216.0f, "16777216" },
        { 1e10f, "1e+10" },
        { FLT_MAX, "3.4028235e+38" },
        { FLT_MIN, "1.1754944e-38" },
        { FLT_TRUE_MIN, "1e-45" },
        { -2 * FLT_TRUE_MIN, "-3e-45" },
        { NAN, "nan" },
        { INFINITY, "inf" },
        { -INFINITY, "-inf" },
    };
    wa_rng rng = { 2 };
    char   text[WA_NUMBER_SIZE];

    for (size_t i = 0; i < N_ITEMS(cases); i++)
        ck_assert_str_eq(wa_format_float(text, cases[i].x), cases[i].text);
    for (uint32_t exponent = 0; exponent < 255; exponent++)
        for (uint32_t low = 0; low < 3; low++)
            expect_shortest_float((exponent << 23) + low - (exponent > 0));
    for (size_t i = 0; i < 1000000; i++) {
        const uint32_t bits = (uint32_t)wa_rng_next(&rng);

        if (isfinite(float_of(bits)))
            expect_shortest_float(bits);
    }
}
END_TEST

START_TEST(a_double_is_written_with_the_fewest_digits_that_read_back)
{
    static const struct {
        double      x;
        const char *text;
    } cases[] = {
        { 0.0, "0" },
        { -0.0, "-0" },
        { 0.1, "0.1" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1.0 / 3, "0.3333333333333333" },
        { DBL_MAX, "1.7976931348623157e+308" },
        { DBL_MIN, "2.2250738585072014e-308" },
        { DBL_TRUE_MIN, "5e-324" },
        { -DBL_MAX, "-1.7976931348623157e+308" },
        { 123456789012345680.0, "1.2345678901234568e+17" },
        { (double)NAN, "nan" },
        { (double)INFINITY, "inf" },
        { -(double)INFINITY, "-inf" },
    };
    wa_rng rng = { 3 };
    char   text[WA_NUMBER_SIZE];

    for (size_t i = 0; i < N_ITEMS(cases); i++)
        ck_assert_str_eq(wa_format_double(text, cases[i].x), cases[i].text);
    for (size_t i = 0; i < 100000; i++) {
        const double x = double_of(wa_rng_next(&rng));
        double       back;

        if (!isfinite(x))
            continue;
        if (!wa_parse_double(wa_text_of(wa_format_double(text, x)), &back) || memcmp(&back, &x, sizeof x) != 0)
            ck_abort_msg("%a gave %s", x, text);
    }
}
END_TEST

/* Runs only where such a locale is installed: the C library offers no way to make one. */
START_TEST(a_decimal_comma_of_the_locale_changes_nothing)
{
    static const char *const names[]  = { "de_DE.UTF-8", "de_DE.utf8",  "de_DE",      "fr_FR.UTF-8",
                                          "fr_FR.utf8",  "nl_NL.UTF-8", "ps_AF.UTF-8" };
    bool                     is_other = false;
    float                    f        = 0;
    double                   d        = 0;
    char                     text[WA_NUMBER_SIZE];

    for (size_t i = 0; i < N_ITEMS(names) && !is_other; i++)
        is_other = setlocale(LC_NUMERIC, names[i]) && strcmp(localeconv()->decimal_point, ".") != 0;
    if (!is_other)
        return;
    const bool is_read    = wa_parse_float(TEXT("1.00000005960464"), &f) && wa_parse_double(TEXT("-2.5e-1"), &d);
    const bool is_refused = !wa_parse_float(TEXT("1,5"), &f) && !wa_parse_double(TEXT("1,5"), &d);
    const bool is_written =
        strcmp(wa_format_double(text, -0.25), "-0.25") == 0 && strcmp(wa_format_float(text, 1.5e-7f), "1.5e-07") == 0;
    setlocale(LC_NUMERIC, "C");
    ck_assert(is_read && is_refused && is_written);
    ck_assert(f == 1.0f && d == -0.25);
}
END_TEST

/* ---------------------------------------------------------------- showing */

START_TEST(bytes_are_shown_so_that_a_terminal_stays_unharmed)
{
    static const struct {
        wa_text     text;
        const char *shown;
    } cases[] = {
        { { "", 0 }, "''" },
        { { "two words", 9 }, "'two words'" },
        { { "a\0b", 3 }, "'a\\x00b'" },
        { { "\x1B[2J\x7F\n\t", 7 }, "'\\x1B[2J\\x7F\\x0A\\x09'" },
        { { "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9 }, "'\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80'" },
        { { "\xFF"
            "a\xC3",
            3 },
          "'\\xFFa\\xC3'" },
        { { "\xC2\x9B"
            "2J",
            4 },
          "'\\xC2\\x9B2J'" }, /* U+009B begins a command for some terminals */
        { { "\xC2\xA0", 2 }, "'\xC2\xA0'" },
        { { "0123456789012345678901234567890123456789", 40 }, "'0123456789012345678901234567890123456789'" },
        { { "0123456789012345678901234567890123456789x", 41 }, "'0123456789012345678901234567890123456789...'" },
        { { "012345678901234567890123456789012345678\xE2\x82\xACx", 43 },
          "'012345678901234567890123456789012345678\xE2\x82\xAC...'" },
    };

    for (size_t i = 0; i < N_ITEMS(cases); i++)
        ck_assert_str_eq(wa_show(cases[i].text).quoted, cases[i].shown);
}
END_TEST

START_TEST(the_longest_shown_text_fits_its_field)
{
    char bytes[200];

    /* 39 bytes of 4 characters each, then the longest thing that can still begin: 3 bytes of a cut character */
    memset(bytes, 1, sizeof bytes);
    memcpy(bytes + 39, "\xF0\x9F\x98", 3);
    const wa_shown shown = wa_show((wa_text){ bytes, sizeof bytes });
    ck_assert_uint_eq(strlen(shown.quoted), 1 + 39 * 4 + 3 * 4 + 3 + 1);
    ck_assert_uint_lt(strlen(shown.quoted), sizeof shown.quoted);
}
END_TEST

/* ---------------------------------------------------------------- cursor */

START_TEST(a_cursor_takes_what_is_there_and_else_does_not_move)
{
    wa_cursor cursor = {
        .bytes = { "\x01\x02\x03\x84\x05\x06\x07\x08rest", 12 },
    };
    wa_text  text = { NULL, 77 };
    uint64_t u64  = 0;

    ck_assert(wa_cursor_take_u64(&cursor, &u64));
    ck_assert_uint_eq(u64, UINT64_C(0x0807060584030201));
    ck_assert_uint_eq(wa_cursor_left(&cursor), 4);
    ck_assert(!wa_cursor_take_u64(&cursor, &u64));
    ck_assert(!wa_cursor_take(&cursor, 5, &text));
    ck_assert(!wa_cursor_take(&cursor, SIZE_MAX, &text));
    ck_assert_uint_eq(cursor.at, 8);
    ck_assert_uint_eq(text.n_bytes, 77);
    ck_assert_uint_eq(u64, UINT64_C(0x0807060584030201));
    ck_assert(wa_cursor_take(&cursor, 1, &text));
    ck_assert(wa_cursor_take(&cursor, 3, &text));
    ck_assert(wa_text_is(text, "est"));
    ck_assert(wa_cursor_take(&cursor, 0, &text));
    ck_assert_uint_eq(text.n_bytes, 0);
    ck_assert_uint_eq(wa_cursor_left(&cursor), 0);
}
END_TEST

START_TEST(a_cursor_looks_for_a_byte_within_a_limit)
{
    wa_cursor cursor = {
        .bytes = { "word 12", 7 },
    };
    wa_text text = { NULL, 77 };

    ck_assert(!wa_cursor_take_until(&cursor, ' ', 4, &text)); /* the space is the fifth byte */
    ck_assert(!wa_cursor_take_until(&cursor, ' ', 0, &text));
    ck_assert_uint_eq(cursor.at, 0);
    ck_assert_uint_eq(text.n_bytes, 77);
    ck_assert(wa_cursor_take_until(&cursor, ' ', 5, &text));
    ck_assert(wa_text_is(text, "word"));
    ck_assert_uint_eq(cursor.at, 5);
    ck_assert(!wa_cursor_take_until(&cursor, ' ', SIZE_MAX, &text));
    ck_assert(wa_cursor_take_until(&cursor, '2', SIZE_MAX, &text));
    ck_assert(!wa_cursor_take_until(&cursor, '2', SIZE_MAX, &text));
    ck_assert_uint_eq(cursor.at, 7);
}
END_TEST

START_TEST(a_cursor_takes_lines_of_both_kinds_and_a_last_one_without_newline)
{
    static const char *const expected[] = { "one", "", "two\rx", "", "last" };
    wa_cursor                cursor     = { .bytes = TEXT("one\n\ntwo\rx\r\n\r\nlast") };
    wa_text                  line;

    for (size_t i = 0; i < N_ITEMS(expected); i++) {
        ck_assert(wa_cursor_take_line(&cursor, &line));
        ck_assert_msg(wa_text_is(line, expected[i]), "line %zu is %s", i, wa_show(line).quoted);
    }
    ck_assert(!wa_cursor_take_line(&cursor, &line));
    cursor = (wa_cursor){ .bytes = TEXT("a\n") };
    ck_assert(wa_cursor_take_line(&cursor, &line));
    ck_assert(!wa_cursor_take_line(&cursor, &line)); /* no empty line behind the last newline */
}
END_TEST

START_TEST(fields_are_taken_off_the_front_of_a_line)
{
    wa_text line = TEXT(" \tone two\t \tthree\xC2\xA0"
                        "four  ");

    ck_assert(wa_text_is(wa_text_take_field(&line), "one"));
    ck_assert(wa_text_is(wa_text_take_field(&line), "two"));
    ck_assert(wa_text_is(wa_text_take_field(&line), "three\xC2\xA0"
                                                    "four"));
    ck_assert_uint_eq(wa_text_take_field(&line).n_bytes, 0);
    ck_assert_uint_eq(wa_text_take_field(&line).n_bytes, 0);
    ck_assert_uint_eq(line.n_bytes, 0);
}
END_TEST

Suite *wa_suite_str(void)
{
    Suite *const suite = suite_create("str");
    TCase *const tcase = new_case("str");

    tcase_set_timeout(tcase, 120); /* a million numbers, under sanitizers too */
    tcase_add_test(tcase, texts_are_compared_by_length_and_bytes);
    tcase_add_test(tcase, the_nearest_name_is_within_a_third_of_the_length);
    tcase_add_test(tcase, ill_formed_bytes_are_replaced_as_in_the_tables_of_the_standard);
    tcase_add_test(tcase, every_code_point_but_the_surrogates_is_decoded);
    tcase_add_test(tcase, a_text_is_cut_where_only_its_last_character_lacks_bytes);
    tcase_add_test(tcase, white_space_is_what_unicode_says);
    tcase_add_test(tcase, white_space_is_found_inside_a_text_but_not_inside_bad_bytes);
    tcase_add_test(tcase, a_size_is_digits_below_two_to_the_64);
    tcase_add_test(tcase, numbers_are_read_as_the_c_library_reads_them);
    tcase_add_test(tcase, names_of_numbers_that_are_none_are_read_in_any_case);
    tcase_add_test(tcase, what_is_no_decimal_number_is_refused);
    tcase_add_test(tcase, numbers_of_255_bytes_are_read_and_longer_ones_refused);
    tcase_add_test(tcase, random_numbers_are_read_as_the_c_library_reads_them);
    tcase_add_test(tcase, a_float_is_written_with_the_fewest_digits_that_read_back);
    tcase_add_test(tcase, a_double_is_written_with_the_fewest_digits_that_read_back);
    tcase_add_test(tcase, a_decimal_comma_of_the_locale_changes_nothing);
    tcase_add_test(tcase, bytes_are_shown_so_that_a_terminal_stays_unharmed);
    tcase_add_test(tcase, the_longest_shown_text_fits_its_field);
    tcase_add_test(tcase, a_cursor_takes_what_is_there_and_else_does_not_move);
    tcase_add_test(tcase, a_cursor_looks_for_a_byte_within_a_limit);
    tcase_add_test(tcase, a_cursor_takes_lines_of_both_kinds_and_a_last_one_without_newline);
    tcase_add_test(tcase, fields_are_taken_off_the_front_of_a_line);
    suite_add_tcase(suite, tcase);
    return suite;
}

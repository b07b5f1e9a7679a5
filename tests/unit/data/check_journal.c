/* The journal of a run: what is written is read back, what is not one is refused, and two are compared. */
#include "data/journal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "base/str.h"
#include "math/sum.h"
#include "suites.h"
#include "support.h"

/* Every field has a number of its own, none of them small enough to be another's by chance. */
static wa_journal_file files[] = {
    { "a.txt", { 123456, 0xFEDCBA9876543210 }, 1001, 0 },
    { "folder/\"b\\\"\n\t\x01\x7F\xC3\xA9.gz", { 7, 1 }, 1002, 5001 },
    { "-", { UINT64_MAX, 0 }, 1003, 5002 },
};

static wa_journal whole_journal(void)
{
    wa_journal journal = {
        .version    = "1.2.3",
        .options    = "rank -k 3 --prefix '\"\\'",
        .model      = 0x0123456789ABCDEF,
        .shard      = 11,
        .n_shards   = 12,
        .merging    = WA_MERGE_LINES | WA_MERGE_ROWS,
        .format     = 13,
        .width      = 14,
        .start      = "<s>",
        .end        = NULL,
        .files      = files,
        .n_files    = 3,
        .is_done    = true,
        .place      = { 2, 15, 0x8000000000000001 },
        .n_written  = (uint64_t)INT64_MAX - 1,
        .mark       = { 16, (uint64_t)INT64_MAX },
        .n_header   = 17,
        .n_footer   = 18,
        .n_done     = 19,
        .n_failed   = 20,
        .first_code = 21,
        .n_rows     = 22,
        .totals     = { .n_texts          = 23,
                        .n_words          = 24,
                        .n_unknown        = 25,
                        .n_unknown_scored = 26,
                        .n_invalid        = 27,
                        .n_top1           = 28,
                        .n_top5           = 29,
                        .n_top10          = 30 },
    };

    wa_sum_add(&journal.totals.logprob, -12.345);
    wa_sum_add(&journal.totals.logprob_known, -0.1);
    wa_sum_add(&journal.totals.reciprocal_ranks, 1.0 / 3);
    return journal;
}

static wa_journal read_journal(const char *path, wa_arena *arena)
{
    wa_journal journal;
    wa_error   err;

    ck_assert_msg(wa_journal_read(&journal, path, arena, NULL, &err) == WA_OK, "%s", err.message);
    return journal;
}

static const char *written(const wa_journal *journal)
{
    const char *const path = scratch_path("out.state");
    wa_error          err;

    ck_assert_msg(wa_journal_write(journal, path, NULL, &err) == WA_OK, "%s", err.message);
    return path;
}

static void expect_totals(wa_score_totals a, wa_score_totals b)
{
    wa_sum *const sums[] = { &a.logprob, &a.logprob_known, &a.reciprocal_ranks, &b.logprob, &b.logprob_known, &b.reciprocal_ranks };

    for (size_t i = 0; i < 6; i++)
        wa_sum_settle(sums[i]);
    ck_assert_mem_eq(&a, &b, sizeof a);
}

/* ---------------------------------------------------------------- there and back */

START_TEST(what_is_written_is_read_back)
{
    const wa_journal a     = whole_journal();
    wa_arena         arena = { 0 };
    wa_journal       b     = read_journal(written(&a), &arena);

    ck_assert_str_eq(b.version, a.version);
    ck_assert_str_eq(b.options, a.options);
    ck_assert_str_eq(b.start, a.start);
    ck_assert_ptr_null(b.end);
    ck_assert_uint_eq(b.n_files, a.n_files);
    for (size_t i = 0; i < a.n_files; i++) {
        ck_assert_str_eq(b.files[i].name, a.files[i].name);
        ck_assert_mem_eq(&b.files[i].looks, &a.files[i].looks, sizeof a.files[i].looks);
        ck_assert_uint_eq(b.files[i].n_lines, a.files[i].n_lines);
        ck_assert_uint_eq(b.files[i].begin, a.files[i].begin);
    }
    expect_totals(a.totals, b.totals);
    b.version = a.version; /* what is left is numbers */
    b.options = a.options;
    b.start   = a.start;
    b.files   = a.files;
    b.totals  = a.totals;
    ck_assert_uint_eq(b.model, a.model);
    ck_assert_uint_eq(b.shard, a.shard);
    ck_assert_uint_eq(b.n_shards, a.n_shards);
    ck_assert_uint_eq(b.merging, a.merging);
    ck_assert_uint_eq(b.format, a.format);
    ck_assert_uint_eq(b.width, a.width);
    ck_assert(b.is_done);
    ck_assert_mem_eq(&b.place, &a.place, sizeof a.place);
    ck_assert_uint_eq(b.n_written, a.n_written);
    ck_assert_mem_eq(&b.mark, &a.mark, sizeof a.mark);
    ck_assert_uint_eq(b.n_header, a.n_header);
    ck_assert_uint_eq(b.n_footer, a.n_footer);
    ck_assert_uint_eq(b.n_done, a.n_done);
    ck_assert_uint_eq(b.n_failed, a.n_failed);
    ck_assert_uint_eq(b.first_code, a.first_code);
    ck_assert_uint_eq(b.n_rows, a.n_rows);
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(a_journal_of_nothing_is_read_back)
{
    const wa_journal a     = { .version = "", .options = "" };
    wa_arena         arena = { 0 };
    const wa_journal b     = read_journal(written(&a), &arena);

    ck_assert(b.n_files == 0 && !b.is_done && !b.start && b.model == 0 && b.shard == 0);
    ck_assert_str_eq(b.options, "");
    expect_totals(a.totals, b.totals);
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(a_journal_takes_the_place_of_the_one_before)
{
    wa_journal journal = whole_journal();
    wa_arena   arena   = { 0 };

    written(&journal);
    journal.n_done = 31;
    ck_assert_uint_eq(read_journal(written(&journal), &arena).n_done, 31);
    wa_arena_clear(&arena);
}
END_TEST

/* ---------------------------------------------------------------- what is no journal */

static void refuse_bytes(const char *bytes, size_t n, const char *part)
{
    const char *const path    = scratch_file("broken.state", bytes, n);
    wa_arena          arena   = { 0 };
    wa_journal        journal = { .version = "untouched" };
    wa_error          err     = { .message = "" };

    ck_assert_msg(wa_journal_read(&journal, path, &arena, NULL, &err) == WA_EFORMAT, "'%s' was to be in: %s", part, err.message);
    ck_assert_msg(strstr(err.message, part) && strstr(err.message, "broken.state"), "'%s' is not in: %s", part, err.message);
    ck_assert_str_eq(journal.version, "untouched");
    wa_arena_clear(&arena);
}

START_TEST(a_file_that_is_missing_or_no_json_is_refused)
{
    wa_journal journal;
    wa_arena   arena = { 0 };

    ck_assert_int_eq(wa_journal_read(&journal, scratch_path("none"), &arena, NULL, NULL), WA_EIO);
    refuse_bytes("", 0, "broken.state:1: found no JSON object (");
    refuse_bytes("{}", 2, "\"wordahead\" is missing");
    refuse_bytes("[1]", 3, "broken.state:1: found no JSON object (something else)");
    refuse_bytes("null", 4, "found no JSON object (");
    refuse_bytes("{\n\n\x1F\x8B garbage", 13, "broken.state:3: found no JSON object (");
    refuse_bytes("{\"wordahead\": \"1\", \"wordahead\": \"2\"}", 36, "duplicate");
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(every_prefix_of_a_journal_is_refused)
{
    const wa_journal journal = whole_journal();
    size_t           n;
    char *const      text = read_file(written(&journal), &n);

    for (size_t i = 0; i + 2 < n; i++) /* the last bytes are }\n */
        refuse_bytes(text, i, "found no JSON object (");
    free(text);
}
END_TEST

/* Replaces the value of a field, up to the end of its line or the next comma. */
static void refuse_value(const char *field, const char *value, const char *part)
{
    const wa_journal journal = whole_journal();
    size_t           n;
    char *const      text = read_file(written(&journal), &n);
    wa_buf           buf  = { 0 };
    char             key[64];

    snprintf(key, sizeof key, "\"%s\": ", field);
    char *const at = strstr(text, key);
    ck_assert_msg(at != NULL, "%s is not in the journal", field);
    char *const begin = at + strlen(key);
    char *const end   = begin + (*begin == '[' ? strcspn(begin, "]") + 1 : strcspn(begin, ",}\n"));
    wa_buf_add(&buf, text, (size_t)(begin - text));
    if (!value)
        buf.n_bytes -= strlen(key) - 1; /* the key becomes another one */
    wa_buf_str(&buf, value ? value : "other\": 0");
    wa_buf_str(&buf, end);
    refuse_bytes(buf.data, buf.n_bytes, part);
    wa_buf_clear(&buf);
    free(text);
}

static const char *const sizes[] = { "merging",    "format", "width",  "shard",  "shards",  "file",           "line",
                                     "written",    "mark",   "stored", "header", "footer",  "lines_done",     "lines_failed",
                                     "first_code", "rows",   "texts",  "words",  "unknown", "unknown_scored", "invalid",
                                     "top1",       "top5",   "top10",  "lines",  "begin" };
static const char *const hexes[] = { "model", "digest", "bytes", "sample" };
static const char *const sums[]  = { "logprob", "logprob_known", "reciprocal_ranks" };
static const char *const texts[] = { "wordahead", "options", "name" };

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static void refuse_values(const char *field, const char *const *values, size_t n)
{
    char part[80];

    snprintf(part, sizeof part, "\"%s\" is not what is expected there; it is not what a run left", field);
    for (size_t i = 0; i < n; i++)
        refuse_value(field, values[i], part);
    snprintf(part, sizeof part, "\"%s\" is missing; it is not what a run left", field);
    refuse_value(field, NULL, part);
}

START_TEST(a_value_of_another_type_is_refused_with_its_name)
{
    static const char *const no_sizes[] = { "-1", "1.5", "\"1\"", "null", "true", "[]", "1e3" };
    static const char *const no_hexes[] = {
        "\"\"", "\"0123\"", "\"0123456789ABCDEF\"", "\"000000000000000g\"", "\"00000000000000000\"", "5", "null"
    };
    static const char *const no_sums[]  = { "\"\"", "0", "null", "\"1\"" };
    static const char *const no_texts[] = { "0", "null", "[]" };
    static const char *const no_bools[] = { "0", "null", "\"true\"" };
    static const char *const no_maybe[] = { "0", "false" };
    static const char *const no_lists[] = { "0", "{}", "null", "\"\"" };

    for (size_t i = 0; i < LENGTH(sizes); i++)
        refuse_values(sizes[i], no_sizes, LENGTH(no_sizes));
    for (size_t i = 0; i < LENGTH(hexes); i++)
        refuse_values(hexes[i], no_hexes, LENGTH(no_hexes));
    for (size_t i = 0; i < LENGTH(sums); i++)
        refuse_values(sums[i], no_sums, LENGTH(no_sums));
    for (size_t i = 0; i < LENGTH(texts); i++)
        refuse_values(texts[i], no_texts, LENGTH(no_texts));
    refuse_values("done", no_bools, LENGTH(no_bools));
    refuse_values("start", no_maybe, LENGTH(no_maybe));
    refuse_values("end", no_maybe, LENGTH(no_maybe));
    refuse_values("files", no_lists, LENGTH(no_lists));
    refuse_value("files", "[1]", "\"name\" is missing");
}
END_TEST

START_TEST(numbers_beyond_64_bits_are_refused)
{
    refuse_value("lines_done", "9223372036854775808", "too big integer");
    refuse_value("written", "18446744073709551616", "too big integer");
    refuse_value("format", "1e400", "real number overflow");
}
END_TEST

START_TEST(numbers_that_do_not_fit_together_are_refused)
{
    refuse_value("shard", "13", "\"shard\" is not what can be beside the others"); /* of 12 */
    refuse_value("shard", "0", "\"shard\" is not what can be");
    refuse_value("shards", "0", "\"shard\" is not what can be");
    refuse_value("file", "4", "\"file\" is not what can be"); /* of 3 */
    refuse_value("mark", "9223372036854775805", "\"mark\" is not what can be");
    refuse_value("header", "9223372036854775807", "\"header\" is not what can be");
    refuse_value("footer", "9223372036854775790", "\"header\" is not what can be");
}
END_TEST

/* ---------------------------------------------------------------- two of them */

static void expect_difference(const wa_journal *a, const wa_journal *b, const char *what)
{
    wa_error        found = { .message = "" };
    const wa_status st    = wa_journal_agrees(a, b, &found);

    ck_assert_str_eq(found.message, what);
    ck_assert_int_eq(st, *what ? WA_EUSAGE : WA_OK);
}

/* From the last to the first, so that each is the first difference when it comes. */
START_TEST(the_first_difference_is_named)
{
    const wa_journal a         = whole_journal();
    wa_journal       b         = a;
    wa_journal_file  others[3] = { files[0], files[1], files[2] };

    b.files = others;
    expect_difference(&a, &b, "");
    others[2].looks.sample = 5;
    expect_difference(&a, &b, "the input '-' has other content");
    others[2].looks.n_bytes = 5;
    expect_difference(&a, &b, "the input '-' has another size");
    others[0].name = "b.txt";
    expect_difference(&a, &b, "the input 'a.txt' is 'b.txt' there");
    b.n_files = 2;
    expect_difference(&a, &b, "there are 3 input files, and 2 there");
    b.n_shards = 5;
    expect_difference(&a, &b, "there are 12 shards, and 5 there");
    b.model = 5;
    expect_difference(&a, &b, "the model is another one");
    b.options = "rank";
    expect_difference(&a, &b, "the options are `rank -k 3 --prefix '\"\\'`, and `rank` there");
    b.version = "1.2.4";
    expect_difference(&a, &b, "the version of wordahead is 1.2.3, and 1.2.4 there");
}
END_TEST

START_TEST(how_far_a_run_has_come_makes_no_difference)
{
    const wa_journal a         = whole_journal();
    wa_journal       b         = a;
    wa_journal_file  others[3] = { files[0], files[1], files[2] };

    b.files           = others;
    others[0].n_lines = others[0].begin = 99;
    b.shard                             = 5;
    b.is_done                           = false;
    b.place                             = (wa_corpus_place){ 0 };
    b.n_written = b.n_done = b.n_rows = 0;
    expect_difference(&a, &b, "");
}
END_TEST

/* The parts of UTF-8 that can be wrong: a byte that leads nowhere, one that follows nothing, a cut, overlong, surrogate and too large
 * sequence. Beyond them, what JSON writes in another way. */
START_TEST(a_name_that_json_cannot_hold_agrees_with_itself)
{
    static const char *const names[] = {
        "\xFF",     "a\x80z",       "end\xC3",          "\xE2\x82",
        "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF0\x9F\x98\x80 \xEF\xBF\xBD \xEF\xBF\xBF \x7F\x1F\n\"\\/",
        ""
    };

    for (size_t i = 0; i < LENGTH(names); i++) {
        wa_journal_file  one   = { .name = names[i] };
        const wa_journal a     = { .version = names[i], .options = names[i], .files = &one, .n_files = 1 };
        wa_arena         arena = { 0 };
        const wa_journal b     = read_journal(written(&a), &arena);

        expect_difference(&a, &b, "");
        expect_difference(&b, &a, "");
        wa_arena_clear(&arena);
    }
}
END_TEST

START_TEST(texts_that_begin_the_same_do_not_agree)
{
    static const char *const names[] = { "", "a", "ab", "a\xFF", "a\xFF\xFF", "b", "\xC3\xA9" };

    for (size_t i = 0; i < LENGTH(names); i++) {
        for (size_t j = 0; j < LENGTH(names); j++) {
            const wa_journal a = { .version = "", .options = names[i] }, b = { .version = "", .options = names[j] };

            ck_assert_int_eq(wa_journal_agrees(&a, &b, NULL), i == j ? WA_OK : WA_EUSAGE);
        }
    }
}
END_TEST

/* ---------------------------------------------------------------- the output */

START_TEST(an_output_of_another_length_is_not_what_the_run_left)
{
    const wa_journal journal = { .mark = { .n_stored = 5, .n_written = 9 } };
    wa_error         err;

    ck_assert_int_eq(wa_journal_check_output(&journal, scratch_file("whole", "12345", 5), NULL), WA_OK);
    ck_assert_int_eq(wa_journal_check_output(&journal, scratch_file("long", "123456", 6), &err), WA_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.message, "long: found 6 bytes, expected 5: it was changed after the run"));
    ck_assert_int_eq(wa_journal_check_output(&journal, scratch_path("none"), &err), WA_EIO);
}
END_TEST

/* ---------------------------------------------------------------- sums */

static void expect_sum_text(const double *x, size_t n, const char *text)
{
    wa_sum sum = { .n_added = 0 }, back;
    wa_buf buf = { 0 };

    for (size_t i = 0; i < n; i++)
        wa_sum_add(&sum, x[i]);
    wa_sum_write(&buf, &sum);
    if (text)
        ck_assert_msg(wa_text_is(wa_buf_view(&buf), text), "%.*s, expected %s", (int)buf.n_bytes, buf.data, text);
    ck_assert(wa_sum_read(wa_buf_view(&buf), &back));
    wa_sum_settle(&sum);
    ck_assert_mem_eq(&back, &sum, sizeof sum);
    wa_buf_clear(&buf);
}

#define EXPECT_SUM_TEXT(text, ...)                                                                                                 \
    expect_sum_text((const double[]){ __VA_ARGS__ }, sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double), text)

/* 2^0 is bit 1074, which is bit 18 of digit 33: 0x40000. DBL_MAX has the 53 bits up to 2^1023, bit 2097: 18 of digit 65, all 32 of digit
 * 64 and 3 of digit 63. */
START_TEST(sums_are_written_digit_by_digit)
{
    EXPECT_SUM_TEXT("00000000@0", 0.0);
    EXPECT_SUM_TEXT("00000000@0", 1e300, -1e300);
    EXPECT_SUM_TEXT("00040000@33", 1.0);
    EXPECT_SUM_TEXT("-00040000@33", -1.0);
    EXPECT_SUM_TEXT("-0000000a80000000@33", -0xA.8p14); /* the example of journal.h: 2^14 is bit 0 of digit 34 */
    EXPECT_SUM_TEXT("00000001@0", DBL_TRUE_MIN);
    EXPECT_SUM_TEXT("-00000001@0", -DBL_TRUE_MIN);
    EXPECT_SUM_TEXT("0003ffffffffffffe0000000@63", DBL_MAX);
    EXPECT_SUM_TEXT("-0003ffffffffffffe0000000@63", -DBL_MAX);
}
END_TEST

/* The ends of what doubles are, many of the largest so that they carry, and random ones of all sizes. */
START_TEST(sums_are_read_back_to_the_same_digits)
{
    wa_rng rng = wa_rng_named(5, wa_text_of("journal"));
    double x[300];

    EXPECT_SUM_TEXT(NULL, DBL_MAX, DBL_TRUE_MIN);
    EXPECT_SUM_TEXT(NULL, -DBL_MAX, DBL_TRUE_MIN);
    EXPECT_SUM_TEXT(NULL, DBL_MIN, -DBL_TRUE_MIN);
    for (size_t i = 0; i < 300; i++)
        x[i] = DBL_MAX;
    expect_sum_text(x, 300, NULL);
    for (size_t i = 0; i < 300; i++) {
        x[i] = ldexp((double)(int64_t)wa_rng_next(&rng), (int)(wa_rng_next(&rng) % 2000) - 1100);
        expect_sum_text(&x[i], 1, NULL);
        expect_sum_text(x, i + 1, NULL);
    }
}
END_TEST

START_TEST(what_is_no_sum_is_refused)
{
    static const char *const broken[] = { "",
                                          "-",
                                          "@",
                                          "@0",
                                          "-@0",
                                          "0",
                                          "00000000",
                                          "00000000@",
                                          "0000000@0",
                                          "000000000@0",
                                          "00000000@-1",
                                          "00000000@+1",
                                          "00000000@0 ",
                                          " 00000000@0",
                                          "+00000000@0",
                                          "--00000000@0",
                                          "00000000@0@0",
                                          "0000000A@0",
                                          "0000000g@0",
                                          "0x000000@0",
                                          "00000001@67", /* the highest digit bears the sign */
                                          "0000000100000000@66",
                                          "00000001@68",
                                          "00000001@18446744073709551615",
                                          "00000001@18446744073709551616" };
    char                     wide[8 * WA_SUM_DIGITS + 8];
    wa_sum                   sum;

    for (size_t i = 0; i < LENGTH(broken); i++)
        ck_assert_msg(!wa_sum_read(wa_text_of(broken[i]), &sum), "'%s' was read", broken[i]);
    memset(wide, '0', sizeof wide);
    memcpy(wide + 8 * WA_SUM_DIGITS, "@0", 3);
    ck_assert(!wa_sum_read(wa_text_of(wide), &sum));
    ck_assert(wa_sum_read(wa_text_of(wide + 8), &sum));
    ck_assert(!wa_sum_read((wa_text){ "00000001@1\0", 11 }, &sum));
    ck_assert(wa_sum_read(wa_text_of("ffffffff@66"), &sum));
}
END_TEST

/* ---------------------------------------------------------------- memory */

static wa_status write_and_read(const wa_env *env, void *path)
{
    const wa_journal journal = whole_journal();
    wa_arena         arena   = { .env = env };
    wa_journal       back;
    wa_status        st = wa_journal_write(&journal, path, env, NULL);

    st = st ? st : wa_journal_read(&back, path, &arena, env, NULL);
    wa_arena_clear(&arena);
    return st;
}

START_TEST(every_failing_allocation_is_reported_and_nothing_is_lost)
{
    every_allocation_fails_in_turn(write_and_read, (void *)(uintptr_t)scratch_path("out.state"), 100);
}
END_TEST

Suite *wa_suite_journal(void)
{
    Suite *const suite = suite_create("data/journal");
    TCase *const there = new_case("there and back"), *const broken = new_case("broken"), *const two = new_case("two"),
                 *const rest = new_case("sums and memory");

    tcase_add_test(there, what_is_written_is_read_back);
    tcase_add_test(there, a_journal_of_nothing_is_read_back);
    tcase_add_test(there, a_journal_takes_the_place_of_the_one_before);
    suite_add_tcase(suite, there);
    tcase_set_timeout(broken, 60);
    tcase_add_test(broken, a_file_that_is_missing_or_no_json_is_refused);
    tcase_add_test(broken, every_prefix_of_a_journal_is_refused);
    tcase_add_test(broken, a_value_of_another_type_is_refused_with_its_name);
    tcase_add_test(broken, numbers_beyond_64_bits_are_refused);
    tcase_add_test(broken, numbers_that_do_not_fit_together_are_refused);
    suite_add_tcase(suite, broken);
    tcase_add_test(two, the_first_difference_is_named);
    tcase_add_test(two, how_far_a_run_has_come_makes_no_difference);
    tcase_add_test(two, a_name_that_json_cannot_hold_agrees_with_itself);
    tcase_add_test(two, an_output_of_another_length_is_not_what_the_run_left);
    tcase_add_test(two, texts_that_begin_the_same_do_not_agree);
    suite_add_tcase(suite, two);
    tcase_add_test(rest, sums_are_written_digit_by_digit);
    tcase_add_test(rest, sums_are_read_back_to_the_same_digits);
    tcase_add_test(rest, what_is_no_sum_is_refused);
    tcase_add_test(rest, every_failing_allocation_is_reported_and_nothing_is_lost);
    suite_add_tcase(suite, rest);
    return suite;
}

/* data/w2v: files of word vectors, good, odd and broken, and writing them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"
#include "base/path.h"
#include "base/str.h"
#include "data/vectors.h"
#include "data/w2v.h"
#include "suites.h"
#include "support.h"

/* Floats as bytes of a binary file. */
#define ONE  "\0\0\200\077"
#define TWO  "\0\0\0\100"
#define HALF "\0\0\0\077"
#define ZERO "\0\0\0\0"
#define QNAN "\0\0\300\177"
#define INF  "\0\0\200\177"

#define BYTES(literal) literal, sizeof literal - 1

/* ---------------------------------------------------------------- building files */

static wa_buf bytes; /* of the file being built */

static void begin(void)
{
    bytes.n_bytes = 0;
}

static const char *write_as(const char *name)
{
    ck_assert(!bytes.failed);
    return scratch_file(name, bytes.data ? bytes.data : "", bytes.n_bytes);
}

static const char *write_bytes(const char *name, const char *data, size_t n)
{
    begin();
    wa_buf_add(&bytes, data, n);
    return write_as(name);
}

static wa_vectors *open_with(const char *path, wa_vectors_opts opts)
{
    wa_vectors *v = NULL;
    wa_error    err;

    ck_assert_msg(wa_vectors_open(path, &opts, NULL, &v, &err) == WA_OK, "%s", err.message);
    return v;
}

static wa_vectors *open_file(const char *path)
{
    return open_with(path, (wa_vectors_opts){ 0 });
}

static wa_vectors *open_bytes(const char *data, size_t n)
{
    return open_file(write_bytes("vectors", data, n));
}

/* The words, quoted by bars: "|a|b|". */
static const char *words_of(const wa_vectors *v)
{
    begin();
    for (size_t i = 0; i < wa_vectors_count(v); i++) {
        wa_buf_str(&bytes, "|");
        wa_buf_text(&bytes, wa_vectors_word(v, i));
    }
    wa_buf_add(&bytes, "|", 2);
    return bytes.data;
}

static void expect_row(const wa_vectors *v, size_t i, float x, float y)
{
    float out[2];

    ck_assert_uint_eq(wa_vectors_width(v), 2);
    wa_vectors_row(v, i, out);
    ck_assert_float_eq(out[0], x);
    ck_assert_float_eq(out[1], y);
}

/* Fails to open and checks the message behind "PATH: "; `told` may be its beginning. */
static void expect_refusal(const char *path, wa_vectors_opts opts, const char *told)
{
    wa_vectors     *v = NULL;
    wa_error        err;
    const size_t    n  = strlen(path);
    const wa_status st = wa_vectors_open(path, &opts, NULL, &v, &err);

    ck_assert_msg(st == WA_EFORMAT, "status %d, expected an error beginning with: %s", (int)st, told);
    ck_assert_ptr_null(v);
    ck_assert_msg(strncmp(err.message, path, n) == 0 && strncmp(err.message + n, ": ", 2) == 0, "%s", err.message);
    ck_assert_msg(strncmp(err.message + n + 2, told, strlen(told)) == 0, "%s\nexpected: %s", err.message + n + 2, told);
}

/* ---------------------------------------------------------------- the same vectors in every form */

enum { N_WORDS = 4, WIDTH = 3 };
static const char *const words[N_WORDS]          = { "</s>", "the", "caf\xC3\xA9", "5" };
static const char *const numbers[N_WORDS][WIDTH] = {
    { "0", "-1.25", "1e-3" }, { "0.1", "+2", ".5" }, { "-0", "3e38", "0.33333334" }, { "16777216", "1E2", "-7." }
};
static const float values[N_WORDS][WIDTH] = {
    { 0.0f, -1.25f, 1e-3f }, { 0.1f, 2.0f, 0.5f }, { -0.0f, 3e38f, 0.33333334f }, { 16777216.0f, 1e2f, -7.0f }
};

static void add_binary(const char *const ends[2])
{
    wa_buf_str(&bytes, "4 3\n");
    for (size_t i = 0; i < N_WORDS; i++) {
        wa_buf_format(&bytes, "%s ", words[i]);
        wa_buf_add(&bytes, values[i], sizeof values[i]);
        wa_buf_str(&bytes, ends[i % 2]);
    }
}

static void add_text(const char *header, char separator, const char *end)
{
    wa_buf_str(&bytes, header);
    for (size_t i = 0; i < N_WORDS; i++) {
        wa_buf_str(&bytes, words[i]);
        for (size_t d = 0; d < WIDTH; d++)
            wa_buf_format(&bytes, "%c%s", separator, numbers[i][d]);
        wa_buf_str(&bytes, end);
    }
}

enum { N_FORMS = 14 };

/* The form's bytes in `bytes`. Returns what the file should be told as. */
static wa_vectors_format add_form(size_t form)
{
    static const char *const ends[4][2] = { { "\n", "\n" }, { "", "" }, { "\n", "" }, { "\r\n", "\r\n" } };

    begin();
    if (form < 4)
        add_binary(ends[form]);
    else if (form == 4)
        add_text("4 3\n", ' ', "\n");
    else if (form == 5)
        add_text("  4\t 3 \r\n", ' ', " \r\n"); /* trailing blanks as word2vec.c and fastText write them */
    else if (form == 6)
        add_text("4 3\n", '\t', "\n");
    else if (form == 7)
        add_text("\xEF\xBB\xBF"
                 "4 3\n",
                 ' ', "\n");
    else if (form == 8)
        add_text("4 3\n\n", ' ', "\n\n"); /* lines of nothing */
    else if (form == 9)
        add_text("", ' ', "\n");
    else if (form == 10)
        add_text("", '\t', "\t\r\n");
    else if (form == 11)
        add_text("\xEF\xBB\xBF", ' ', "\n");
    else { /* without the last newline */
        add_text(form == 12 ? "4 3\n" : "", ' ', "\n");
        bytes.n_bytes--;
    }
    return form < 4 ? WA_VECTORS_BINARY : form < 9 || form == 12 ? WA_VECTORS_TEXT : WA_VECTORS_GLOVE;
}

static void expect_all(const wa_vectors *v)
{
    float row[WIDTH];

    ck_assert_uint_eq(wa_vectors_count(v), N_WORDS);
    ck_assert_uint_eq(wa_vectors_width(v), WIDTH);
    for (size_t i = 0; i < N_WORDS; i++) {
        ck_assert(wa_text_is(wa_vectors_word(v, i), words[i]));
        ck_assert_uint_eq(wa_vectors_find(v, wa_text_of(words[i])), i);
        wa_vectors_row(v, i, row);
        ck_assert_msg(memcmp(row, values[i], sizeof row) == 0, "row %zu differs", i);
    }
    ck_assert_uint_eq(wa_vectors_describe(v).n_claimed, N_WORDS);
    ck_assert_uint_eq(wa_vectors_describe(v).n_records, N_WORDS);
}

START_TEST(the_same_vectors_in_every_form_are_the_same)
{
    const wa_vectors_format format = add_form((size_t)_i);
    wa_vectors *const       v      = open_file(write_as("form"));
    const wa_vectors_info   info   = wa_vectors_describe(v);

    expect_all(v);
    ck_assert_int_eq(info.format, format);
    ck_assert_int_eq(info.has_newlines, format == WA_VECTORS_BINARY && _i != 1);
    ck_assert(!info.is_gzip);
    ck_assert_uint_eq(info.n_invalid_utf8 + info.n_with_space + info.n_empty + info.n_missing + info.n_trailing, 0);
    wa_vectors_close(v);
}
END_TEST

/* Packs bytes[from..to) and appends the packed file to *out. */
static void pack(wa_buf *out, size_t from, size_t to)
{
    const char *const path   = scratch_path("member.gz");
    wa_output        *output = NULL;
    size_t            n;

    ck_assert_int_eq(wa_output_open(path, NULL, &output, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(output, bytes.data + from, to - from, NULL), WA_OK);
    ck_assert_int_eq(wa_output_commit(output, NULL), WA_OK);
    char *const packed = read_file(path, &n);
    wa_buf_add(out, packed, n);
    free(packed);
}

START_TEST(gzip_in_one_member_or_three_changes_nothing)
{
    const wa_vectors_format format = add_form((size_t)_i);

    for (size_t n_members = 1; n_members <= 3; n_members += 2) {
        wa_buf packed = { 0 };

        for (size_t m = 0; m < n_members; m++)
            pack(&packed, bytes.n_bytes * m / n_members, bytes.n_bytes * (m + 1) / n_members);
        wa_vectors *const v = open_file(scratch_file("packed", packed.data, packed.n_bytes));
        expect_all(v);
        ck_assert(wa_vectors_describe(v).is_gzip);
        ck_assert_int_eq(wa_vectors_describe(v).format, format);
        wa_vectors_close(v);
        wa_buf_clear(&packed);
    }
}
END_TEST

/* ---------------------------------------------------------------- binary files */

/* 0x0A ends records and lines, 0x20 words: inside a vector they are only bytes. */
START_TEST(bytes_that_look_like_separators_may_be_anywhere_in_a_vector)
{
    static const char *const patterns[] = { "\n", " ", "\n ", " \n", "\r\n", "\n\n\n\n\n\n\n\n" };

    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        const size_t n = strlen(patterns[p]);

        for (size_t at = 0; at + n <= 8; at++) {
            for (int has_newline = 0; has_newline < 2; has_newline++) {
                char row[8] = { 1, (char)0x82, 3, (char)0xBF, 'x', 'y', 'z', '>' }, out[8];

                memcpy(row + at, patterns[p], n);
                begin();
                wa_buf_str(&bytes, "3 2\n");
                for (size_t i = 0; i < 3; i++) {
                    wa_buf_format(&bytes, "%c ", "abc"[i]);
                    wa_buf_add(&bytes, row, 8);
                    wa_buf_str(&bytes, has_newline ? "\n" : "");
                }
                wa_vectors *const v = open_file(write_as("separators"));
                ck_assert_uint_eq(wa_vectors_count(v), 3);
                for (size_t i = 0; i < 3; i++) {
                    ck_assert_uint_eq(wa_vectors_word(v, i).n_bytes, 1);
                    wa_vectors_row(v, i, (float *)(void *)out);
                    ck_assert_mem_eq(out, row, 8);
                }
                wa_vectors_close(v);
            }
        }
    }
}
END_TEST

START_TEST(odd_words_are_kept_and_counted)
{
    char long_word[4096], cut_word[98];

    memset(long_word, 'x', sizeof long_word);
    memset(cut_word, 'y', sizeof cut_word);
    cut_word[97] = '\xC3'; /* the first byte of a character of two */
    begin();
    wa_buf_add(&bytes, BYTES("7 1\n " ONE "caf\xE9 " ONE "a\tb " ONE "\xC2\xA0 " ONE "\0 " ONE));
    wa_buf_add(&bytes, long_word, sizeof long_word);
    wa_buf_add(&bytes, BYTES(" " TWO "\n"));
    wa_buf_add(&bytes, cut_word, sizeof cut_word);
    wa_buf_add(&bytes, BYTES(" " HALF));
    wa_vectors *const     v    = open_file(write_as("odd"));
    const wa_vectors_info info = wa_vectors_describe(v);
    ck_assert_uint_eq(wa_vectors_count(v), 7);
    ck_assert_uint_eq(wa_vectors_find(v, wa_text_of("")), 0);
    ck_assert_uint_eq(wa_vectors_find(v, wa_text_of("caf\xE9")), 1);
    ck_assert_uint_eq(wa_vectors_find(v, wa_text_of("\xC2\xA0")), 3);
    ck_assert_uint_eq(wa_vectors_find(v, (wa_text){ "\0", 1 }), 4);
    ck_assert_uint_eq(wa_vectors_find(v, (wa_text){ long_word, sizeof long_word }), 5);
    ck_assert_uint_eq(wa_vectors_find(v, (wa_text){ cut_word, sizeof cut_word }), 6);
    ck_assert_uint_eq(info.n_empty, 1);
    ck_assert_uint_eq(info.n_invalid_utf8, 2);
    ck_assert_uint_eq(info.n_cut, 1);
    ck_assert_uint_eq(info.n_with_space, 2);
    wa_vectors_close(v);
}
END_TEST

static const char with_duplicates[]      = "5 2\na " ONE ONE "b " TWO TWO "a " HALF ONE "c " ONE TWO "b " HALF HALF;
static const char text_with_duplicates[] = "a 1 1\nb 2 2\na 0.5 1\nc 1 2\nb 0.5 0.5\n";

START_TEST(of_duplicates_the_first_stays)
{
    for (int i = 0; i < 2; i++) {
        wa_vectors *const v = i ? open_bytes(BYTES(with_duplicates)) : open_bytes(BYTES(text_with_duplicates));

        ck_assert_str_eq(words_of(v), "|a|b|c|");
        expect_row(v, 0, 1.0f, 1.0f);
        expect_row(v, 1, 2.0f, 2.0f);
        expect_row(v, 2, 1.0f, 2.0f);
        ck_assert_uint_eq(wa_vectors_describe(v).n_duplicates, 2);
        ck_assert_uint_eq(wa_vectors_describe(v).n_records, 5);
        wa_vectors_close(v);
    }
}
END_TEST

START_TEST(of_duplicates_the_last_stays_on_demand_in_file_order)
{
    for (int i = 0; i < 2; i++) {
        const char *const path = i ? write_bytes("v", BYTES(with_duplicates)) : write_bytes("v", BYTES(text_with_duplicates));
        wa_vectors *const v    = open_with(path, (wa_vectors_opts){ .duplicates = WA_DUPLICATES_LAST });

        ck_assert_str_eq(words_of(v), "|a|c|b|");
        expect_row(v, 0, 0.5f, 1.0f);
        expect_row(v, 1, 1.0f, 2.0f);
        expect_row(v, 2, 0.5f, 0.5f);
        ck_assert_uint_eq(wa_vectors_find(v, wa_text_of("b")), 2);
        ck_assert_uint_eq(wa_vectors_describe(v).n_duplicates, 2);
        wa_vectors_close(v);
    }
}
END_TEST

START_TEST(duplicates_are_refused_on_demand)
{
    const wa_vectors_opts opts = { .duplicates = WA_DUPLICATES_ERROR };

    expect_refusal(write_bytes("v", BYTES(with_duplicates)), opts,
                   "byte 24 (record 2): the word 'a' is there already, as row 0; --duplicates first or --duplicates last "
                   "(vectors.duplicates) says which stays");
    expect_refusal(write_bytes("v", BYTES(text_with_duplicates)), opts,
                   "line 3, byte 12 (record 2): the word 'a' is there already");
}
END_TEST

START_TEST(a_file_of_no_words_is_a_file)
{
    wa_vectors *v = open_bytes(BYTES("0 300\n"));

    ck_assert_uint_eq(wa_vectors_count(v), 0);
    ck_assert_uint_eq(wa_vectors_width(v), 300);
    ck_assert_uint_eq(wa_vectors_find(v, wa_text_of("a")), WA_NONE);
    wa_vectors_close(v);
}
END_TEST

START_TEST(a_limit_reads_and_checks_nothing_behind_it)
{
    static const char binary[] = "3 1\na " ONE "b " TWO "!", text[] = "9 1\na 1\nb 2\nc x", glove[] = "a 1 2\nb 2 3\nx\n\n";
    const char *const paths[] = { write_bytes("b", BYTES(binary)), write_bytes("t", BYTES(text)), write_bytes("g", BYTES(glove)) };

    for (size_t i = 0; i < 3; i++) {
        wa_vectors *v = open_with(paths[i], (wa_vectors_opts){ .limit = 2 });

        ck_assert_str_eq(words_of(v), "|a|b|");
        ck_assert_uint_eq(wa_vectors_describe(v).n_missing + wa_vectors_describe(v).n_trailing, 0);
        wa_vectors_close(v);
    }
    expect_refusal(paths[0], (wa_vectors_opts){ .limit = 3 }, "byte 16 (record 2): the file ends inside a word");
    expect_refusal(paths[1], (wa_vectors_opts){ .limit = 3 }, "line 4, byte 12 (record 2): found 'x'");
}
END_TEST

START_TEST(a_limit_of_all_records_accepts_what_follows_them)
{
    const char *const path = write_bytes("v", BYTES("2 1\na " ONE "b " TWO "\nrest"));
    wa_vectors       *v    = open_with(path, (wa_vectors_opts){ .limit = 2 });

    ck_assert_str_eq(words_of(v), "|a|b|");
    wa_vectors_close(v);
    expect_refusal(path, (wa_vectors_opts){ .limit = 3 }, "byte 17 (record 2): found 4 bytes after the 2 records");
}
END_TEST

START_TEST(salvage_keeps_the_whole_records)
{
    static const struct {
        const char *data;
        size_t      n;
        const char *words;
        size_t      n_missing, n_trailing;
    } cases[] = {
        { BYTES("3 2\na " ONE TWO "b " ONE), "|a|", 2, 0 },
        { BYTES("3 2\na " ONE TWO "b"), "|a|", 2, 0 },
        { BYTES("3 2\na " ONE TWO), "|a|", 2, 0 },
        { BYTES("1 2\na " ONE TWO "b " TWO ONE "\n"), "|a|", 0, 11 },
        { BYTES("3 2\na 1 2\nb 3\nc 4 5\n"), "|a|c|", 1, 0 },
        { BYTES("3 2\na 1 2\nb 3 4\n"), "|a|b|", 1, 0 },
        { BYTES("1 2\na 1 2\nb 3 4\n\nc\n"), "|a|", 0, 2 },
        { BYTES("a 1 2\nb 3 4\nc 5"), "|a|b|", 1, 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wa_vectors *const     v    = open_with(write_bytes("v", cases[i].data, cases[i].n), (wa_vectors_opts){ .salvage = true });
        const wa_vectors_info info = wa_vectors_describe(v);

        ck_assert_str_eq(words_of(v), cases[i].words);
        ck_assert_msg(info.n_missing == cases[i].n_missing && info.n_trailing == cases[i].n_trailing,
                      "case %zu: %zu missing, %zu left", i, info.n_missing, info.n_trailing);
        expect_row(v, 0, 1.0f, 2.0f);
        wa_vectors_close(v);
    }
}
END_TEST

/* A claim of 10^18 words must cost no more memory than the file could hold. */
START_TEST(a_header_is_not_believed_before_the_records_are_there)
{
    static const char *const headers[] = { "1000000000000000000 2\n", "2 1000000000000000000\n",
                                           "1000000000000000000 1000000000000000000\n" };
    static const char *const rests[]   = { "a \1\2\3\4\5\6\7\10", "a 0.25 0.5\n" };

    for (size_t i = 0; i < 6; i++) {
        wa_vectors *v = NULL;
        wa_error    err;

        begin();
        wa_buf_str(&bytes, headers[i / 2]);
        wa_buf_str(&bytes, rests[i % 2]);
        ck_assert_int_eq(wa_vectors_open(write_as("claim"), NULL, NULL, &v, &err), WA_EFORMAT);
        ck_assert_msg(strstr(err.message, "the header promises") != NULL, "%s", err.message);
        v = open_with(write_as("claim"), (wa_vectors_opts){ .salvage = true });
        ck_assert_uint_le(wa_vectors_count(v), 1);
        wa_vectors_close(v);
    }
}
END_TEST

START_TEST(values_of_2_or_8_bytes_are_named)
{
    static const size_t      sizes[] = { 2, 8 };
    static const char *const told[]  = {
         "byte 5 (record 0): the size of the file fits values of 2 bytes (float16), expected values of 4 "
          "bytes (float32)",
         "byte 5 (record 0): the size of the file fits values of 8 bytes (float64)"
    };

    for (size_t s = 0; s < 2; s++) {
        for (int has_newline = 0; has_newline < 2; has_newline++) {
            begin();
            wa_buf_str(&bytes, "50 6\n");
            for (size_t i = 0; i < 50; i++) {
                wa_buf_format(&bytes, "word%zu ", i);
                for (size_t b = 0; b < 6 * sizes[s]; b++)
                    wa_buf_add(&bytes, &"\1\2\3\4\5\6\7\10"[(i + b) % 8], 1);
                wa_buf_str(&bytes, has_newline ? "\n" : "");
            }
            expect_refusal(write_as("floats"), (wa_vectors_opts){ .salvage = _i != 0 }, told[s]);
        }
    }
}
END_TEST

/* ---------------------------------------------------------------- text files */

START_TEST(words_of_text_may_hold_blanks_and_values_may_be_no_numbers)
{
    wa_vectors *v = open_bytes(BYTES(". 1 2\n. . . 3 4\nat name@domain.com nan inf\n\xC2\xA0 5 6\n 7 8\n"));
    float       out[2];

    ck_assert_str_eq(words_of(v), "|.|. . .|at name@domain.com|\xC2\xA0||");
    expect_row(v, 1, 3.0f, 4.0f);
    expect_row(v, 4, 7.0f, 8.0f);
    wa_vectors_row(v, 2, out);
    ck_assert_float_nan(out[0]);
    ck_assert_float_infinite(out[1]);
    ck_assert_uint_eq(wa_vectors_describe(v).n_with_space, 3);
    ck_assert_uint_eq(wa_vectors_describe(v).n_empty, 1);
    ck_assert_int_eq(wa_vectors_describe(v).format, WA_VECTORS_GLOVE);
    wa_vectors_close(v);
}
END_TEST

START_TEST(two_numbers_in_the_first_line_are_a_header_unless_the_lines_after_it_are_pairs)
{
    wa_vectors *v = open_bytes(BYTES("5 3\n7 1\nfoo -2\n"));

    ck_assert_str_eq(words_of(v), "|5|7|foo|");
    ck_assert_uint_eq(wa_vectors_width(v), 1);
    ck_assert_int_eq(wa_vectors_describe(v).format, WA_VECTORS_GLOVE);
    wa_vectors_close(v);
    v = open_bytes(BYTES("-5 0.5\n7 1\n"));
    ck_assert_str_eq(words_of(v), "|-5|7|");
    wa_vectors_close(v);
    v = open_bytes(BYTES("2 1\n7 1\nfoo -2\n"));
    ck_assert_str_eq(words_of(v), "|7|foo|");
    wa_vectors_close(v);
    expect_refusal(write_bytes("v", BYTES("5 3\nfoo 0.1")), (wa_vectors_opts){ 0 },
                   "line 2, byte 4 (record 0): found 2 fields, expected a word and 3 values, as the header promises");
}
END_TEST

/* More lines than are looked at to find the width, and the first of them are not the most common kind. */
START_TEST(the_width_of_text_without_a_header_is_that_of_most_lines)
{
    begin();
    for (size_t i = 0; i < 300; i++)
        wa_buf_format(&bytes, i < 20 ? "w %zu x 1 2\n" : "w%zu 1 2\n", i);
    wa_vectors *const v = open_file(write_as("lines"));
    ck_assert_uint_eq(wa_vectors_count(v), 300);
    ck_assert(wa_text_is(wa_vectors_word(v, 19), "w 19 x"));
    expect_row(v, 299, 1.0f, 2.0f);
    wa_vectors_close(v);
}
END_TEST

START_TEST(a_carriage_return_is_skipped_only_where_every_record_has_one)
{
    wa_vectors *v = open_bytes(BYTES("3 1\na " ONE "\r\nb " ONE "\r\nc " ONE));

    ck_assert_str_eq(words_of(v), "|a|b|c|");
    wa_vectors_close(v);
    v = open_bytes(BYTES("3 1\na " ONE "\r\nb " ONE "\nc " ONE));
    ck_assert_str_eq(words_of(v), "|a|\r\nb|c|");
    ck_assert_uint_eq(wa_vectors_describe(v).n_with_space, 1);
    wa_vectors_close(v);
}
END_TEST

/* Records of 7 to 16 bytes, so that telling has very little to go by. */
START_TEST(binary_files_of_tiny_width_are_told_from_text)
{
    unsigned long seed = 1;

    for (size_t round = 0; round < 2000; round++) {
        const size_t D = 1 + round % 3, N = 1 + round % 4;

        begin();
        wa_buf_format(&bytes, "%zu %zu\n", N, D);
        for (size_t i = 0; i < N; i++) {
            wa_buf_format(&bytes, "w%zu ", i);
            for (size_t b = 0; b < 4 * D; b++) {
                seed         = seed * 6364136223846793005u + 1442695040888963407u;
                const char c = (char)(seed >> 56);
                wa_buf_add(&bytes, &c, 1);
            }
            wa_buf_str(&bytes, round % 2 ? "\n" : "");
        }
        wa_vectors *const v = open_file(write_as("tiny"));
        ck_assert_int_eq(wa_vectors_describe(v).format, WA_VECTORS_BINARY);
        ck_assert_uint_eq(wa_vectors_count(v), N);
        wa_vectors_close(v);
    }
}
END_TEST

/* ---------------------------------------------------------------- broken files */

#define SALVAGE           "; --salvage (vectors.salvage: true) keeps the records that are whole"
#define ZIP(name, length) "PK\003\004\024\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" length "\0\0\0" name

static const struct {
    const char *data;
    size_t      n;
    const char *told;
} broken[] = {
    /* foreign files */
    { BYTES(""), "the file is empty, expected word vectors; get the file again" },
    { BYTES("\x80\x02}q"),
      "this is a Python pickle, as gensim's save() writes, expected a file of word vectors; load it in Python" },
    { BYTES("\x80\x05\x95"), "this is a Python pickle" },
    { BYTES("\x93NUMPY\1\0v\0"), "this is a NumPy array (.npy)" },
    { BYTES(ZIP("a.npy", "\5")), "this is a NumPy archive (.npz)" },
    { BYTES(ZIP("m/data.pkl", "\12")), "this is a PyTorch file" },
    { BYTES(ZIP("a.txt", "\5")), "this is a zip archive" },
    { BYTES(ZIP("a", "\377")), "this is a zip archive" },
    { BYTES("PK\003\004"), "this is a zip archive" },
    { BYTES("GGUF\003\0\0\0"), "this is a GGUF model" },
    { BYTES("SQLite format 3\0\20"), "this is an SQLite database" },
    { BYTES("\xBA\x16\x4F\x2F\x0C\0\0\0"), "this is a fastText model (.bin), expected a file of word vectors; use the .vec file" },
    { BYTES("\2\0\0\0\0\0\0\0{}"), "this is a safetensors file" },
    { BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n"),
      "this is a Git LFS pointer, which stands for the file, expected a file of word vectors; run `git lfs pull`" },
    { BYTES("\n <!DOCTYPE html>\n<html>"), "this is a web page (HTML)" },
    { BYTES("<HTML><body>404</body>"), "this is a web page (HTML)" },
    { BYTES("<<<<<<< HEAD\n2 1\n"), "this is a file with a git conflict in it" },
    { BYTES("\xFF\xFE"
            "2\0 \0"
            "1\0\n\0"),
      "this is text in UTF-16" },
    { BYTES("2\0 \0"
            "1\0\n\0"),
      "this is text in UTF-16" },
    { BYTES("\x7F"
            "ELF\2\1\1"),
      "this is a program (ELF)" },
    { BYTES("\xFD"
            "7zXZ\0\0\4"),
      "this is packed with xz" },
    { BYTES("BZh91AY&SY"), "this is packed with bzip2" },
    { BYTES("FiFu\0\0\0\0"), "this is a finalfusion file" },
    { BYTES("hello\nworld\n"), "line 1: found 'hello', expected word vectors: a header of two whole numbers" },
    { BYTES("foo,1,2\nbar,3,4\n"),
      "line 1: found 'foo,1,2', expected word vectors: a header of two whole numbers (how many words, how "
      "many values), or a word and its values; separate them by blanks instead of commas" },
    { BYTES("foo 0,5 1,5\nbar 0,1 0,2\n"),
      "line 1: found 'foo 0,5 1,5', expected word vectors: a header of two whole numbers (how many "
      "words, how many values), or a word and its values; the numbers have decimal commas" },
    { BYTES("\1\2\3\4"), "line 1: found '\\x01\\x02\\x03\\x04', expected word vectors" },
    /* headers */
    { BYTES("-3 300\nfoo \1\2\3"), "byte 0: the header gives '-3' as the number of words, expected a whole number" },
    { BYTES("99999999999999999999 3\na 1 2 3\n"), "byte 0: the header gives '99999999999999999999' as the number of words" },
    { BYTES("inf 300\na 1 2\n"), "byte 0: the header gives 'inf' as the number of words" },
    { BYTES("3 1e2\na 1 2\n"), "byte 0: the header gives '1e2' as the number of values of a vector" },
    { BYTES("3 0\n"), "byte 0: the header promises vectors of 0 values, expected at least 1" },
    { BYTES("3"), "line 1: found '3', expected word vectors" },
    { BYTES("3 2"), "line 2, byte 3 (record 0): the file ends after 0 records, expected the 3 that the header promises" },
    /* binary records */
    { BYTES("3 2\na " ONE TWO "b " ONE), "byte 14 (record 1): the file ends at byte 20 inside the vector of 'b', 4 bytes missing "
                                         "of 8, after 1 whole records of the 3 that the "
                                         "header promises; get the whole file" SALVAGE },
    { BYTES("3 2\na " ONE TWO "b"),
      "byte 14 (record 1): the file ends inside a word, 9 bytes missing at least, after 1 whole records of "
      "the 3 that the header promises; get the whole file" SALVAGE },
    { BYTES("3 2\na " ONE TWO "\n"),
      "byte 15 (record 1): the file ends after 1 records, expected the 3 that the header promises; get the whole file" SALVAGE },
    { BYTES("1 2\na " ONE TWO "b " ONE TWO),
      "byte 14 (record 1): found 10 bytes after the 1 records that the header promises, expected "
      "the end of the file; --limit 1 (vectors.limit: 1) takes the records before" SALVAGE },
    { BYTES("2 2\na " ONE TWO "b " ONE TWO "\n\n"), "byte 25 (record 2): found 1 byte after the 2 records" },
    { BYTES("0 2\na " ONE TWO),
      "byte 4 (record 0): found 10 bytes, expected the end of the file, as the header promises 0 records" },
    { BYTES("2 3\na " ONE TWO "b " ONE TWO), "byte 18 (record 1): the file ends inside a word" },
    /* text records */
    { BYTES("3 2\na 1 2\nb 3 4\n"),
      "line 4, byte 16 (record 2): the file ends after 2 records, expected the 3 that the header promises; "
      "get the whole file" SALVAGE },
    { BYTES("1 2\na 1 2\n\nb 3 4\n"),
      "line 4, byte 11 (record 1): found a line after the 1 records that the header promises, expected the "
      "end of the file; --limit 1 (vectors.limit: 1) takes the records before" SALVAGE },
    { BYTES("0 2\na 1 2\n"),
      "line 2, byte 4 (record 0): found a line, expected the end of the file, as the header promises 0 records" },
    { BYTES("2 3\na 1 2 3\nb 4 5\n"),
      "line 3, byte 12 (record 1): found 3 fields, expected a word and 3 values, as the header promises" SALVAGE },
    { BYTES("2 3\nb 4 5\na 1 2 3\n"), "line 2, byte 4 (record 0): found 3 fields, expected a word and 3 values" },
    { BYTES("2 2\na 1 2\nb 3 4 5\n"),
      "line 3, byte 10 (record 1): found 'b 3' before the last 2 fields of 4, expected a word and 2 values, "
      "as the header promises; if the number belongs to the word, write '_' for the blank" SALVAGE },
    { BYTES("2 2\na 1 2\nb 3 x4\n"),
      "line 3, byte 10 (record 1): found 'x4' among the last 2 fields, expected only numbers there" },
    { BYTES("2 2\na 1 2\nb 3 0x4\n"), "line 3, byte 10 (record 1): found '0x4' among the last 2 fields" },
    { BYTES("2 2\na 1,5 2,5\nb 3 4\n"),
      "line 2, byte 4 (record 0): found '2,5', a number with a decimal comma, expected a decimal point; "
      "replace the commas in the file" SALVAGE },
    { BYTES("2 2\na 1 2\n1 2\n"), "line 3, byte 10 (record 1): found 2 fields, expected a word and 2 values" },
    { BYTES("a 1 2\nb 3 4\nc 5\nd 6 7\n"),
      "line 3, byte 12 (record 2): found 2 fields, expected a word and 2 values, as most of the first lines have" },
    { BYTES("a 1 2\n<<<<<<< HEAD\nb 3 4\n=======\nb 3 5\n>>>>>>> theirs\n"),
      "line 2, byte 6 (record 1): found '<<<<<<< HEAD', the mark of a git conflict, expected a word and 2 values; resolve the "
      "conflict" },
    { BYTES("1 2\na 1 2\n=======\nb 3 4\n"), "line 3, byte 10 (record 1): found '=======', the mark of a git conflict" },
};

START_TEST(a_broken_file_is_refused_with_what_was_found_and_expected)
{
    expect_refusal(write_bytes("broken", broken[_i].data, broken[_i].n), (wa_vectors_opts){ 0 }, broken[_i].told);
}
END_TEST

START_TEST(a_word_without_end_is_refused)
{
    begin();
    wa_buf_str(&bytes, "2 1\na \1\2\3\4");
    for (size_t i = 0; i < 4097; i++)
        wa_buf_str(&bytes, "x");
    wa_buf_str(&bytes, " \1\2\3\4");
    expect_refusal(
        write_as("endless"), (wa_vectors_opts){ 0 },
        "byte 10 (record 1): found no space within 4097 bytes, expected a word of at most 4096 bytes and a space; the file is "
        "damaged before this byte, or its vectors are not of the 1 values that the header promises" SALVAGE);
    begin();
    wa_buf_str(&bytes, "a 1\n");
    for (size_t i = 0; i < 4097; i++)
        wa_buf_str(&bytes, "x");
    wa_buf_str(&bytes, " 2\n");
    expect_refusal(write_as("endless"), (wa_vectors_opts){ 0 },
                   "line 2, byte 4 (record 1): found a word of 4097 bytes, expected at most 4096" SALVAGE);
}
END_TEST

START_TEST(a_file_that_is_not_there_and_a_folder_are_input_errors)
{
    wa_vectors *v = NULL;
    wa_error    err;

    ck_assert_int_eq(wa_vectors_open(scratch_path("none"), NULL, NULL, &v, &err), WA_EIO);
    ck_assert_ptr_nonnull(strstr(err.message, "none: cannot open: No such file or directory"));
    ck_assert_int_eq(wa_vectors_open("/tmp", NULL, NULL, &v, &err), WA_EIO);
    ck_assert_str_eq(err.message, "/tmp: cannot read: Is a directory");
}
END_TEST

/* ---------------------------------------------------------------- robustness */

/* Uses everything that opening promised: the sanitizers see what is not there. */
static void use(const wa_vectors *v)
{
    const size_t D = wa_vectors_width(v), N = wa_vectors_count(v);
    float *const row = N > 0 ? malloc(D * sizeof *row) : NULL;
    wa_neighbour found[2];
    size_t       n;

    for (size_t i = 0; i < N; i++) {
        ck_assert_uint_eq(wa_vectors_find(v, wa_vectors_word(v, i)), i);
        wa_vectors_row(v, i, row);
        wa_vectors_nearest(v, row, NULL, 0, 2, found, &n, NULL);
    }
    free(row);
}

static wa_status try_to_open(const char *path, wa_vectors_opts opts)
{
    wa_vectors       *v = NULL;
    wa_vectors_census census;
    wa_error          err = { .message = "" };
    const wa_status   st  = wa_vectors_open(path, &opts, NULL, &v, &err);

    ck_assert_msg(st == WA_OK || st == WA_EFORMAT, "%d: %s", (int)st, err.message);
    ck_assert(st == WA_OK || (v == NULL && err.message[0]));
    if (v)
        use(v);
    wa_vectors_close(v);
    /* a check is refused where opening is, and only there */
    const wa_status checked = wa_vectors_check(path, &opts, NULL, NULL, NULL, &census, &err);
    ck_assert_msg((st == WA_OK) == (checked == WA_OK && census.n_refused == 0), "opened %d, checked %d", (int)st, (int)checked);
    return st;
}

START_TEST(every_truncation_is_refused_or_read)
{
    const wa_vectors_format format = add_form((size_t)_i);
    const size_t            n = bytes.n_bytes, n_end = _i == 3 ? 2 : _i == 0 ? 1 : 0; /* the last newline may be missing */
    char *const             whole = malloc(n);

    memcpy(whole, bytes.data, n);
    for (size_t length = 0; length <= n; length++) {
        const char *const path = write_bytes("truncated", whole, length);
        const wa_status   st   = try_to_open(path, (wa_vectors_opts){ 0 });

        if (format == WA_VECTORS_BINARY)
            ck_assert_msg((st == WA_OK) == (length == n || length == n - n_end), "%zu of %zu bytes: %d", length, n, (int)st);
        if (length == n)
            ck_assert_int_eq(st, WA_OK);
        try_to_open(path, (wa_vectors_opts){ .salvage = true });
        try_to_open(path, (wa_vectors_opts){ .limit = 2, .duplicates = WA_DUPLICATES_LAST });
    }
    free(whole);
}
END_TEST

static unsigned long fuzz_state;

static size_t below(size_t n)
{
    fuzz_state = fuzz_state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(fuzz_state >> 33) % n;
}

/* One change of `bytes`: a byte, a piece left out, or a piece doubled. */
static void mutate(void)
{
    static const char likely[] = "\n\r\t 0195-.,ena\0\377\200<";
    const size_t      n        = bytes.n_bytes;

    if (n < 2)
        return;
    const size_t at = below(n), length = 1 + below(n - at < 9 ? n - at : 9);
    switch (below(4)) {
    case 0:
        bytes.data[at] = (char)below(256);
        break;
    case 1:
        bytes.data[at] = likely[below(sizeof likely - 1)];
        break;
    case 2:
        memmove(bytes.data + at, bytes.data + at + length, n - at - length);
        bytes.n_bytes -= length;
        break;
    default:
        wa_buf_add(&bytes, likely, length); /* makes room for the piece */
        memmove(bytes.data + at + length, bytes.data + at, n - at);
        break;
    }
}

START_TEST(random_changes_never_break_the_reader)
{
    fuzz_state = 7 + (unsigned long)_i;
    for (size_t round = 0; round < 400; round++) {
        add_form((size_t)_i);
        for (size_t i = 0, n = 1 + below(4); i < n; i++)
            mutate();
        const char *const path = write_as("mutated");
        try_to_open(path, (wa_vectors_opts){ .duplicates = (wa_duplicates)below(3) });
        try_to_open(path, (wa_vectors_opts){ .salvage = true, .duplicates = (wa_duplicates)below(3), .limit = below(4) });
    }
}
END_TEST

typedef struct opening {
    const char     *path;
    wa_vectors_opts opts;
} opening;

static wa_status open_once(const wa_env *env, void *user)
{
    const opening *const o  = user;
    wa_vectors          *v  = NULL;
    const wa_status      st = wa_vectors_open(o->path, &o->opts, env, &v, NULL);

    wa_vectors_close(v);
    return st;
}

START_TEST(every_allocation_of_opening_may_fail)
{
    wa_buf packed = { 0 };

    add_form((size_t)_i);
    pack(&packed, 0, bytes.n_bytes);
    opening plain = { write_as("plain"), { .duplicates = WA_DUPLICATES_LAST } };
    opening gzip  = { scratch_file("gzip", packed.data, packed.n_bytes), { 0 } };
    every_allocation_fails_in_turn(open_once, &plain, 100);
    every_allocation_fails_in_turn(open_once, &gzip, 100);
    wa_buf_clear(&packed);
}
END_TEST

/* ---------------------------------------------------------------- checking */

static void note(void *user, const wa_finding *finding)
{
    char place[WA_PLACE_SIZE];

    wa_buf_format(user, "%d%s %s: %.*s\n", (int)finding->kind, finding->is_refused ? "!" : "", wa_finding_place(place, finding), 20,
                  finding->message);
}

static const char *check(const char *path, wa_vectors_opts opts, wa_vectors_census *census)
{
    static wa_buf found;
    wa_error      err;

    found.n_bytes = 0;
    ck_assert_msg(wa_vectors_check(path, &opts, NULL, note, &found, census, &err) == WA_OK, "%s", err.message);
    wa_buf_add(&found, "", 1);
    return found.data;
}

START_TEST(a_check_finds_everything_remarkable_with_its_place)
{
    wa_vectors_census census;
    const char *const path =
        write_bytes("v", BYTES("9 1\na " ONE " " ONE "a " TWO "\n\xFF " ONE "b\tc " ONE "d " QNAN "e " INF "f " ZERO "g "));

    ck_assert_str_eq(check(path, (wa_vectors_opts){ 0 }, &census), "4 byte 10 (record 1): the word is empty; k\n"
                                                                   "0 byte 15 (record 2): the word 'a' is ther\n"
                                                                   "1 byte 22 (record 3): the word '\\xFF' is n\n"
                                                                   "3 byte 28 (record 4): the word 'b\\x09c' ho\n"
                                                                   "5 byte 36 (record 5): value 0 of 'd' is Na\n"
                                                                   "6 byte 42 (record 6): value 0 of 'e' is in\n"
                                                                   "7 byte 48 (record 7): the vector of 'f' is\n"
                                                                   "8! byte 54 (record 8): the file ends at byt\n");
    ck_assert_uint_eq(census.info.n_records, 8);
    ck_assert_uint_eq(census.info.n_duplicates, 1);
    ck_assert_uint_eq(census.info.n_missing, 1);
    ck_assert_uint_eq(census.n_nan, 1);
    ck_assert_uint_eq(census.n_infinite, 1);
    ck_assert_uint_eq(census.n_zero, 1);
    ck_assert_uint_eq(census.n_words, 7);
    ck_assert_uint_eq(census.width, 1);
    ck_assert_uint_eq(census.n_refused, 1);
    check(path, (wa_vectors_opts){ .salvage = true }, &census);
    ck_assert_uint_eq(census.n_refused, 0);
    check(path, (wa_vectors_opts){ .duplicates = WA_DUPLICATES_ERROR }, &census);
    ck_assert_uint_eq(census.n_refused, 2);
}
END_TEST

START_TEST(a_check_of_text_names_lines_and_goes_on_after_a_broken_one)
{
    wa_vectors_census census;
    const char *const path = write_bytes("v", BYTES("4 2\na 1 2\nb 3\nc x 4\n\na 0 0\nd 1 1\n"));

    ck_assert_str_eq(check(path, (wa_vectors_opts){ 0 }, &census), "8! line 3, byte 10 (record 1): found 2 fields, expe\n"
                                                                   "8! line 4, byte 14 (record 1): found 'x' among the \n"
                                                                   "7 line 6, byte 21 (record 1): the vector of 'a' is\n"
                                                                   "0 line 6, byte 21 (record 1): the word 'a' is ther\n"
                                                                   "8! line 7, byte 27 (record 2): found a line after t\n");
    ck_assert_uint_eq(census.info.n_missing, 2);
    ck_assert_uint_eq(census.info.n_trailing, 1);
    ck_assert_uint_eq(census.n_refused, 3);
}
END_TEST

START_TEST(a_check_ends_where_no_option_helps)
{
    wa_vectors_census census;
    wa_error          err;

    ck_assert_int_eq(wa_vectors_check(write_bytes("v", BYTES("\x80\x04")), NULL, NULL, NULL, NULL, &census, &err), WA_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.message, "this is a Python pickle"));
}
END_TEST

/* ---------------------------------------------------------------- saving */

static const char *save(const wa_vectors *v, const char *name, wa_vectors_save_opts opts)
{
    const char *const path = scratch_path(name);
    wa_error          err;

    ck_assert_msg(wa_vectors_save(v, path, &opts, &err) == WA_OK, "%s", err.message);
    return path;
}

static void expect_bytes(const char *path, const char *expected, size_t n_expected)
{
    size_t      n;
    char *const found = read_file(path, &n);

    ck_assert_uint_eq(n, n_expected);
    ck_assert_mem_eq(found, expected, n);
    free(found);
}

START_TEST(saved_files_are_as_word2vec_and_gensim_write_them)
{
    wa_vectors *const v = open_bytes(BYTES("a 1 0.1\nb 2 1e-10\n"));

    expect_bytes(save(v, "a.txt", (wa_vectors_save_opts){ .as_text = true }), BYTES("2 2\na 1 0.1\nb 2 1e-10\n"));
    expect_bytes(
        save(v, "a.bin", (wa_vectors_save_opts){ 0 }),
        BYTES("2 2\na " ONE "\315\314\314\075\nb " TWO "\377\346\333\056\n")); /* 0x3DCCCCCD, 0x2EDBE6FF: NumPy's float32 */
    expect_bytes(save(v, "n.bin", (wa_vectors_save_opts){ .without_newline = true, .limit = 1 }),
                 BYTES("1 2\na " ONE "\315\314\314\075"));
    wa_vectors_close(v);
}
END_TEST

/* Every pattern of bits that a float can have in its upper half, and odd words. */
START_TEST(from_binary_to_text_and_back_every_byte_is_the_same)
{
    size_t n, n_text;

    begin();
    wa_buf_str(&bytes, "256 256\n");
    for (unsigned i = 0; i < 256; i++) {
        wa_buf_format(&bytes, "%s%u ", i % 3 ? "\xC2\xA0" : "\xFF", i);
        for (unsigned d = 0; d < 256; d++) {
            unsigned bits = i << 24 | d << 16 | (d * 977 & 0xFFFF);

            if ((bits & 0x7F800000) == 0x7F800000) /* of NaNs the sign survives, of infinities everything */
                bits &= 0xFF800000 | (bits & 0x00400000);
            wa_buf_add(&bytes, &bits, 4);
        }
        wa_buf_str(&bytes, "\n");
    }
    n                 = bytes.n_bytes;
    char *const whole = malloc(n);
    memcpy(whole, bytes.data, n);
    wa_vectors *v    = open_file(write_as("whole.bin"));
    const char *text = save(v, "whole.txt", (wa_vectors_save_opts){ .as_text = true });
    wa_vectors_close(v);
    v = open_file(text);
    expect_bytes(save(v, "again.bin", (wa_vectors_save_opts){ 0 }), whole, n);
    char *const text_bytes = read_file(text, &n_text);
    const char *packed     = save(v, "packed.gz", (wa_vectors_save_opts){ 0 });
    wa_vectors_close(v);
    v = open_file(packed);
    ck_assert(wa_vectors_describe(v).is_gzip);
    expect_bytes(save(v, "again.txt", (wa_vectors_save_opts){ .as_text = true }), text_bytes, n_text);
    wa_vectors_close(v);
    free(text_bytes);
    free(whole);
}
END_TEST

START_TEST(a_word_that_the_format_cannot_hold_is_refused_or_escaped)
{
    static const char *const files[] = { "a b 1 2\nc 3 4\n", "c 3 4\n 1 2\nd 5 6\n" };
    static const char *const told[]  = {
         "row 0: the word 'a b' holds a space, tab or line break, which the format cannot hold; --escape "
          "writes '_' instead",
         "row 1: the word '' is empty, which the format cannot hold; --escape writes '_' instead"
    };
    static const char *const escaped[] = { "2 2\na_b 1 2\nc 3 4\n", "3 2\nc 3 4\n_ 1 2\nd 5 6\n" };

    for (size_t i = 0; i < 2; i++) {
        const char *const out = scratch_path("refused.txt");
        wa_vectors *const v   = open_bytes(files[i], strlen(files[i]));
        wa_error          err;

        ck_assert_int_eq(wa_vectors_save(v, out, &(wa_vectors_save_opts){ .as_text = i == 0 }, &err), WA_EFORMAT);
        ck_assert_str_eq(err.message + strlen(out) + 2, told[i]);
        ck_assert(!wa_path_exists(out));
        expect_bytes(save(v, "e.txt", (wa_vectors_save_opts){ .as_text = true, .escape_spaces = true }), escaped[i],
                     strlen(escaped[i]));
        wa_vectors_close(v);
    }
}
END_TEST

START_TEST(a_word_longer_than_readers_take_is_refused)
{
    const char *const out = scratch_path("refused.bin");
    wa_vectors       *v   = NULL;
    const float       row = 1.0f;
    char              word[4097];
    wa_error          err;

    memset(word, 'x', sizeof word);
    ck_assert_int_eq(wa_vectors_new(1, NULL, &v, NULL), WA_OK);
    ck_assert_int_eq(wa_vectors_add(v, (wa_text){ word, sizeof word }, &row, NULL), WA_OK);
    ck_assert_int_eq(wa_vectors_save(v, out, NULL, &err), WA_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.message, "has 4097 bytes, expected at most 4096; shorten it"));
    ck_assert(!wa_path_exists(out));
    wa_vectors_close(v);
}
END_TEST

START_TEST(escaping_never_makes_two_words_one)
{
    static const struct {
        const char *data;
        size_t      n;
        const char *told;
    } cases[] = {
        { BYTES("a b 1 2\na_b 3 4\n"),
          "row 0: the word 'a b' would become 'a_b', which is another word already; rename one of the two" },
        { BYTES("2 1\na\tb " ONE "a\nb " ONE), "row 1: the word 'a\\x0Ab' would become 'a_b'" },
    };

    for (size_t i = 0; i < 2; i++) {
        const char *const out = scratch_path("refused.bin");
        wa_vectors *const v   = open_bytes(cases[i].data, cases[i].n);
        wa_error          err;

        ck_assert_int_eq(wa_vectors_save(v, out, &(wa_vectors_save_opts){ .escape_spaces = true }, &err), WA_EFORMAT);
        ck_assert_msg(strncmp(err.message + strlen(out) + 2, cases[i].told, strlen(cases[i].told)) == 0, "%s", err.message);
        ck_assert(!wa_path_exists(out));
        wa_vectors_close(v);
    }
}
END_TEST

static wa_status open_and_save(const wa_env *env, void *user)
{
    const char *const *const paths = user;
    wa_vectors              *v     = NULL;
    wa_status                st    = wa_vectors_open(paths[0], NULL, env, &v, NULL);

    if (st == WA_OK)
        st = wa_vectors_save(v, paths[1], &(wa_vectors_save_opts){ .as_text = true, .escape_spaces = true }, NULL);
    ck_assert_int_eq(st == WA_OK, wa_path_exists(paths[1]));
    wa_vectors_close(v);
    return st;
}

START_TEST(every_allocation_of_saving_may_fail)
{
    const char *paths[] = { write_bytes("v", BYTES("a b 1 2\nc 3 4\n 5 6\nd 0 0\n")), scratch_path("out.txt") };

    every_allocation_fails_in_turn(open_and_save, paths, 100);
}
END_TEST

START_TEST(a_file_can_be_saved_over_itself)
{
    const char *const path = write_bytes("self", BYTES("2 1\na " ONE "b " TWO));
    wa_vectors *const v    = open_file(path);

    ck_assert_int_eq(wa_vectors_save(v, path, NULL, NULL), WA_OK);
    expect_bytes(path, BYTES("2 1\na " ONE "\nb " TWO "\n"));
    wa_vectors_close(v);
}
END_TEST

Suite *wa_suite_w2v(void)
{
    Suite *const suite  = suite_create("w2v");
    TCase *const good   = new_case("good and odd files");
    TCase *const bad    = new_case("broken files");
    TCase *const checks = new_case("checking and saving");

    tcase_set_timeout(good, 60);
    tcase_add_loop_test(good, the_same_vectors_in_every_form_are_the_same, 0, N_FORMS);
    tcase_add_loop_test(good, gzip_in_one_member_or_three_changes_nothing, 0, N_FORMS);
    tcase_add_test(good, bytes_that_look_like_separators_may_be_anywhere_in_a_vector);
    tcase_add_test(good, odd_words_are_kept_and_counted);
    tcase_add_test(good, of_duplicates_the_first_stays);
    tcase_add_test(good, of_duplicates_the_last_stays_on_demand_in_file_order);
    tcase_add_test(good, duplicates_are_refused_on_demand);
    tcase_add_test(good, a_file_of_no_words_is_a_file);
    tcase_add_test(good, a_limit_reads_and_checks_nothing_behind_it);
    tcase_add_test(good, a_limit_of_all_records_accepts_what_follows_them);
    tcase_add_test(good, salvage_keeps_the_whole_records);
    tcase_add_test(good, words_of_text_may_hold_blanks_and_values_may_be_no_numbers);
    tcase_add_test(good, two_numbers_in_the_first_line_are_a_header_unless_the_lines_after_it_are_pairs);
    tcase_add_test(good, the_width_of_text_without_a_header_is_that_of_most_lines);
    tcase_add_test(good, a_carriage_return_is_skipped_only_where_every_record_has_one);
    tcase_add_test(good, binary_files_of_tiny_width_are_told_from_text);
    suite_add_tcase(suite, good);
    tcase_set_timeout(bad, 120);
    tcase_add_test(bad, a_header_is_not_believed_before_the_records_are_there);
    tcase_add_loop_test(bad, values_of_2_or_8_bytes_are_named, 0, 2);
    tcase_add_loop_test(bad, a_broken_file_is_refused_with_what_was_found_and_expected, 0, (int)(sizeof broken / sizeof *broken));
    tcase_add_test(bad, a_word_without_end_is_refused);
    tcase_add_test(bad, a_file_that_is_not_there_and_a_folder_are_input_errors);
    tcase_add_loop_test(bad, every_truncation_is_refused_or_read, 0, N_FORMS);
    tcase_add_loop_test(bad, random_changes_never_break_the_reader, 0, N_FORMS);
    tcase_add_loop_test(bad, every_allocation_of_opening_may_fail, 0, N_FORMS);
    suite_add_tcase(suite, bad);
    tcase_set_timeout(checks, 60);
    tcase_add_test(checks, a_check_finds_everything_remarkable_with_its_place);
    tcase_add_test(checks, a_check_of_text_names_lines_and_goes_on_after_a_broken_one);
    tcase_add_test(checks, a_check_ends_where_no_option_helps);
    tcase_add_test(checks, saved_files_are_as_word2vec_and_gensim_write_them);
    tcase_add_test(checks, from_binary_to_text_and_back_every_byte_is_the_same);
    tcase_add_test(checks, a_word_that_the_format_cannot_hold_is_refused_or_escaped);
    tcase_add_test(checks, a_word_longer_than_readers_take_is_refused);
    tcase_add_test(checks, escaping_never_makes_two_words_one);
    tcase_add_test(checks, every_allocation_of_saving_may_fail);
    tcase_add_test(checks, a_file_can_be_saved_over_itself);
    suite_add_tcase(suite, checks);
    return suite;
}

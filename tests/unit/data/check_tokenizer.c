/* The tokenizer against the tokens of the reference model, against sentences whose words, spans and forms follow from the
 * Unicode standard (named at each test), and on random bytes. */
#include "suites.h"
#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uniconv.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/tokenizer.h"

static const wa_tokenizer_opts defaults = { .normalize = WA_NORMALIZE_NFC, .lowercase = true, .max_tokens = 512 };

/* The pieces as "word@start-end|word@start-end", malloc'ed. */
static char *describe(const wa_pieces *pieces)
{
    wa_buf buf = { 0 };

    for (size_t i = 0; i < pieces->n; i++) {
        const wa_piece *const p = &pieces->items[i];

        wa_buf_str(&buf, i > 0 ? "|" : "");
        wa_buf_text(&buf, p->word);
        wa_buf_format(&buf, "@%zu-%zu", p->start, p->end);
    }
    wa_buf_add(&buf, "", 1);
    return buf.data;
}

static size_t assert_split(const wa_tokenizer_opts *opts, wa_text text, const char *expected)
{
    wa_arena  arena = { 0 };
    wa_pieces pieces;

    ck_assert_int_eq(wa_tokenizer_split(opts, text, &arena, &pieces, NULL), WA_OK);
    char *const found = describe(&pieces);
    ck_assert_str_eq(found, expected);
    free(found);
    wa_arena_clear(&arena);
    return pieces.n_invalid;
}

static void splits(const wa_tokenizer_opts *opts, const char *text, const char *expected)
{
    ck_assert_uint_eq(assert_split(opts, wa_text_of(text), expected), 0);
}

static void folds(const wa_tokenizer_opts *opts, const char *word, const char *expected)
{
    wa_arena arena = { 0 };
    wa_text  folded;

    ck_assert_int_eq(wa_tokenizer_fold(opts, wa_text_of(word), &arena, &folded, NULL), WA_OK);
    ck_assert_msg(wa_text_is(folded, expected), "%s became %.*s", word, (int)folded.n_bytes, folded.data);
    wa_arena_clear(&arena);
}

/* ---------------------------------------------------------------- the reference model */

static void compare_tokens(const json_t *record)
{
    const json_t *const tokens = json_object_get(record, "tokens");
    const wa_text       text   = wa_text_of(json_string_value(json_object_get(record, "text")));
    wa_arena            arena  = { 0 };
    wa_pieces           pieces;

    ck_assert_int_eq(wa_tokenizer_split(&defaults, text, &arena, &pieces, NULL), WA_OK);
    ck_assert_uint_eq(pieces.n, json_array_size(tokens) - 1); /* theirs begin with </s> */
    for (size_t i = 0; i < pieces.n; i++) {
        const char *const expected = json_string_value(json_array_get(tokens, i + 1));

        ck_assert_msg(wa_text_is(pieces.items[i].word, expected), "%s: found %.*s, expected %s", text.data,
                      (int)pieces.items[i].word.n_bytes, pieces.items[i].word.data, expected);
    }
    wa_arena_clear(&arena);
}

/* tests/golden/english/expected.jsonl: written by the program that trained the model, in Python with its own tokenizer. */
START_TEST(the_200_reference_texts_give_the_words_that_the_model_was_trained_on)
{
    size_t      n, n_records = 0;
    char *const bytes  = read_file("tests/golden/english/expected.jsonl", &n);
    wa_cursor   cursor = { .bytes = { bytes, n } };
    wa_text     line;

    while (wa_cursor_take_line(&cursor, &line)) {
        json_t *const record = json_loadb(line.data, line.n_bytes, 0, NULL);

        ck_assert_ptr_nonnull(record);
        compare_tokens(record);
        json_decref(record);
        n_records++;
    }
    ck_assert_uint_eq(n_records, 200);
    free(bytes);
}
END_TEST

/* ---------------------------------------------------------------- boundaries */

START_TEST(words_are_split_at_unicode_word_boundaries)
{
    splits(&defaults, "The cat's 3.5 tea-cups, twice.",
           "the@0-3|cat's@4-9|3.5@10-13|tea@14-17|-@17-18|cups@18-22|,@22-23|twice@24-29|.@29-30");
    splits(&defaults, "a\r\nb\tc", "a@0-1|b@3-4|c@5-6");
}
END_TEST

START_TEST(whitespace_split_keeps_everything_between_spaces)
{
    wa_tokenizer_opts opts = defaults;

    opts.split = WA_SPLIT_WHITESPACE;
    splits(&opts, "  tea-cups,\ttwice.\n", "tea-cups,@2-11|twice.@12-18");
    splits(&opts,
           "a\xC2\xA0"
           "b\xE3\x80\x80" /* NBSP and U+3000 are White_Space */
           "c",
           "a@0-1|b@3-4|c@7-8");
}
END_TEST

START_TEST(a_text_without_words_gives_none)
{
    splits(&defaults, "", "");
    splits(&defaults, " \t\r\n\xC2\xA0\xE3\x80\x80 ", "");
    assert_split(&defaults, (wa_text){ NULL, 0 }, "");
}
END_TEST

START_TEST(a_zero_byte_is_a_character)
{
    wa_arena  arena = { 0 };
    wa_pieces pieces;

    ck_assert_int_eq(wa_tokenizer_split(&defaults, (wa_text){ "a\0b", 3 }, &arena, &pieces, NULL), WA_OK);
    ck_assert_uint_eq(pieces.n, 3);
    ck_assert_uint_eq(pieces.items[1].word.n_bytes, 1);
    ck_assert_int_eq(pieces.items[1].word.data[0], '\0');
    ck_assert_uint_eq(pieces.items[2].start, 2);
    wa_arena_clear(&arena);
}
END_TEST

/* UAX #29: WB3c keeps emoji joined by U+200D together, WB15 pairs regional indicators. */
START_TEST(an_emoji_sequence_is_one_word)
{
    splits(&defaults, "hi \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB!",
           "hi@0-2|\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB@3-14|!@14-15");
    splits(&defaults, "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA\xF0\x9F\x87\xAB\xF0\x9F\x87\xB7",
           "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA@0-8|\xF0\x9F\x87\xAB\xF0\x9F\x87\xB7@8-16");
}
END_TEST

/* UAX #29 has no rule that joins ideographs; 日本 are two words. Katakana are joined (WB13). */
START_TEST(chinese_characters_are_words_of_their_own)
{
    splits(&defaults, "\xE6\x97\xA5\xE6\x9C\xAC\xE3\x82\xA2\xE3\x82\xA4",
           "\xE6\x97\xA5@0-3|\xE6\x9C\xAC@3-6|\xE3\x82\xA2\xE3\x82\xA4@6-12");
}
END_TEST

/* U+202B and U+202C have Word_Break=Format and belong to the character before them (WB4). */
START_TEST(marks_of_direction_stay_with_the_word_before)
{
    splits(&defaults,
           "\xE2\x80\xAB"
           "ab\xE2\x80\xAC cd",
           "\xE2\x80\xAB@0-3|ab\xE2\x80\xAC@3-8|cd@9-11");
}
END_TEST

/* ---------------------------------------------------------------- normal forms */

/* "Café noir" with e + U+0301 (11 bytes before normalising) and with U+00E9. */
START_TEST(composed_and_decomposed_text_give_the_same_words_with_their_own_spans)
{
    wa_tokenizer_opts none = defaults;

    none.normalize = WA_NORMALIZE_NONE;
    splits(&defaults, "Cafe\xCC\x81 noir", "caf\xC3\xA9@0-6|noir@7-11");
    splits(&defaults, "Caf\xC3\xA9 noir", "caf\xC3\xA9@0-5|noir@6-10");
    splits(&none, "Cafe\xCC\x81 noir", "cafe\xCC\x81@0-6|noir@7-11");
}
END_TEST

/* a + dot below + acute in the wrong order (UAX #15, canonical ordering): U+1EA1 U+0301. */
START_TEST(marks_in_any_order_compose_to_the_same_word)
{
    splits(&defaults, "xa\xCC\x81\xCC\xA3y z", "x\xE1\xBA\xA1\xCC\x81y@0-7|z@8-9");
    splits(&defaults, "xa\xCC\xA3\xCC\x81y z", "x\xE1\xBA\xA1\xCC\x81y@0-7|z@8-9");
}
END_TEST

START_TEST(a_mark_without_a_letter_is_kept)
{
    splits(&defaults,
           "\xCC\x81"
           "a b",
           "\xCC\x81@0-2|a@2-3|b@4-5");
}
END_TEST

/* UnicodeData.txt: U+FB01 is "fi", U+00BD is "1" U+2044 "2", U+33C2 is "a.m." under compatibility. */
START_TEST(compatibility_forms_are_taken_apart_and_keep_their_spans)
{
    wa_tokenizer_opts nfkc = defaults;

    nfkc.normalize = WA_NORMALIZE_NFKC;
    splits(&nfkc, "x \xE3\x8F\x82 y", "x@0-1|a.m@2-5|.@2-5|y@6-7"); /* two words of one character */
    splits(&nfkc,
           "of\xEF\xAC\x81"
           "ce",
           "offi"
           "ce@0-7");
    splits(&nfkc, "x \xC2\xBD y",
           "x@0-1|1\xE2\x81\x84"
           "2@2-4|y@5-6");
    splits(&nfkc,
           "a\xC2\xA0"
           "b",
           "a@0-1|b@3-4"); /* NBSP becomes a space */
    splits(&defaults,
           "of\xEF\xAC\x81"
           "ce",
           "of\xEF\xAC\x81"
           "ce@0-7");
}
END_TEST

/* U+1112 U+1161 U+11AB compose to U+D55C (Unicode 3.12); U+3131 U+314F are letters of one column, which NFKC turns into the
 * jamo U+1100 U+1161 and these into U+AC00, although they are two grapheme clusters; U+FFA1 U+FFC2 the same. */
START_TEST(hangul_jamo_compose_to_syllables)
{
    wa_tokenizer_opts nfkc = defaults;

    nfkc.normalize = WA_NORMALIZE_NFKC;
    splits(&defaults, "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB!", "\xED\x95\x9C@0-9|!@9-10");
    splits(&defaults, "\xED\x95\x98\xE1\x86\xAB!", "\xED\x95\x9C@0-6|!@6-7");
    splits(&nfkc, "\xE3\x84\xB1\xE3\x85\x8F!", "\xEA\xB0\x80@0-6|!@6-7");
    splits(&nfkc, "\xEF\xBE\xA1\xEF\xBF\x82!", "\xEA\xB0\x80@0-6|!@6-7");
}
END_TEST

/* ---------------------------------------------------------------- case */

/* SpecialCasing.txt: a capital sigma that ends a word is U+03C2, U+0130 is i with a dot above, and U+00DF stays; the plain
 * capital eszett U+1E9E becomes U+00DF (UnicodeData.txt). */
START_TEST(lower_case_looks_at_the_whole_word)
{
    splits(&defaults, "\xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3 \xCE\xA3\xCE\x9F",
           "\xCE\xBF\xCE\xB4\xCE\xBF\xCF\x82@0-8|\xCF\x83\xCE\xBF@9-13");
    splits(&defaults, "\xC4\xB0stanbul", "i\xCC\x87stanbul@0-9");
    splits(&defaults,
           "Stra\xC3\x9F"
           "e GRO\xE1\xBA\x9E \xC3\x9C"
           "BEL",
           "stra\xC3\x9F"
           "e@0-7|gro\xC3\x9F@8-14|\xC3\xBC"
           "bel@15-20");
}
END_TEST

/* There is no composed capital of J + U+030C, but U+01F0 is the small one (UnicodeData.txt). */
START_TEST(a_lower_case_word_is_in_normal_form_again)
{
    splits(&defaults, "J\xCC\x8C x", "\xC7\xB0@0-3|x@4-5");
}
END_TEST

START_TEST(lower_casing_can_be_switched_off)
{
    wa_tokenizer_opts opts = defaults;

    opts.lowercase = false;
    splits(&opts,
           "The \xC3\x9C"
           "BEL",
           "The@0-3|\xC3\x9C"
           "BEL@4-9");
}
END_TEST

/* ---------------------------------------------------------------- digits */

START_TEST(digits_of_longer_numbers_become_hashes)
{
    static const char *const cases[][2] = {
        { "10", "##" },       { "5", "5" },     { "1,000", "#,###" }, { "3rd", "3rd" },   { "v2.10", "v#.##" },
        { "1990s", "####s" }, { "1.5", "#.#" }, { "a1b2", "a1b2" },   { "1..2", "1..2" }, { ".5", ".5" },
        { "12.", "##." },     { "", "" },       { "1,2.3", "#,#.#" },
    };
    wa_tokenizer_opts opts = defaults;

    opts.digits = WA_DIGITS_HASH;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        folds(&opts, cases[i][0], cases[i][1]);
        folds(&defaults, cases[i][0], cases[i][0]);
    }
    splits(&opts, "in 1,000 ways or 5", "in@0-2|#,###@3-8|ways@9-13|or@14-16|5@17-18");
}
END_TEST

START_TEST(folding_gives_a_word_the_form_it_has_in_a_text)
{
    folds(&defaults, "The", "the");
    folds(&defaults, "Cafe\xCC\x81", "caf\xC3\xA9");
    folds(&defaults, "New York", "new york");
    folds(&defaults, "a\xFF", "a\xEF\xBF\xBD");
}
END_TEST

/* ---------------------------------------------------------------- what is not UTF-8 */

/* Unicode 3.9, table 3-8: each maximal subpart of an ill-formed sequence is replaced at once. */
START_TEST(broken_utf8_becomes_replacement_characters_and_is_counted)
{
#define R "\xEF\xBF\xBD"
    wa_tokenizer_opts opts = defaults;

    opts.split = WA_SPLIT_WHITESPACE;
    ck_assert_uint_eq(assert_split(&opts, wa_text_of("a \xE2\x82 b"), "a@0-1|" R "@2-4|b@5-6"), 1);
    ck_assert_uint_eq(assert_split(&opts, wa_text_of("\xF0\x80\x80"), R R R "@0-3"), 3);
    ck_assert_uint_eq(assert_split(&opts, wa_text_of("\xED\xA0\x80x"), R R R "x@0-4"), 3);
    ck_assert_uint_eq(assert_split(&opts, wa_text_of("caf\xC3"), "caf" R "@0-4"), 1);
    opts.normalize = WA_NORMALIZE_NONE;
    ck_assert_uint_eq(assert_split(&opts, wa_text_of("caf\xC3 \xC3\xA9"), "caf" R "@0-4|\xC3\xA9@5-7"), 1);
    ck_assert_uint_eq(assert_split(&opts, wa_text_of(R), R "@0-3"), 0); /* that character itself is valid */
#undef R
}
END_TEST

/* Pieces of bytes that meet the rules above in every order. */
static size_t random_text(uint64_t *state, char *out)
{
    static const char *const parts[] = {
        "a",    "Z ",       "\xCC\x81",     "\xCE\xA3", "\xEF\xAC\x81", "\xE1\x84\x92", "\xE1\x85\xA1",
        "\xC2", "\xC2\xA0", "\xE3\x84\xB1", "\xFF",     "12.5",         "\xE3\x85\x8F", "\n"
    };
    size_t n = 0;

    for (size_t i = 0; i < 24; i++) {
        *state              = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
        const size_t choice = (size_t)(*state >> 33) % 20;

        if (choice < sizeof parts / sizeof *parts) {
            memcpy(out + n, parts[choice], strlen(parts[choice]));
            n += strlen(parts[choice]);
        } else {
            out[n++] = (char)(*state >> 40);
        }
    }
    return n;
}

static void check_invariants(const wa_tokenizer_opts *opts, wa_text text)
{
    wa_arena  arena = { 0 };
    wa_pieces pieces;
    size_t    start = 0, end = 0;

    ck_assert_int_eq(wa_tokenizer_split(opts, text, &arena, &pieces, NULL), WA_OK);
    for (size_t i = 0; i < pieces.n; i++) {
        const wa_piece *const p = &pieces.items[i];

        ck_assert(p->start < p->end && p->end <= text.n_bytes);
        ck_assert(p->start >= start && p->end >= end);
        ck_assert(p->word.n_bytes > 0 && wa_utf8_is_valid(p->word));
        start = p->start;
        end   = p->end;
    }
    wa_arena_clear(&arena);
}

START_TEST(words_of_random_bytes_have_ascending_spans_inside_the_text)
{
    uint64_t state = 7;
    char     bytes[128];

    for (size_t i = 0; i < 6000; i++) {
        const wa_tokenizer_opts opts = {
            .split = (int)(i % 2), .normalize = (int)(i / 2 % 3), .digits = (int)(i / 6 % 2), .lowercase = i / 12 % 2 == 0
        };
        const size_t n = random_text(&state, bytes);

        check_invariants(&opts, (wa_text){ bytes, n });
    }
}
END_TEST

/* Appends every pair of `first` and another character, a line each. */
static void add_pairs(wa_buf *text, ucs4_t first)
{
    for (ucs4_t second = 0x80; second < 0x1F000; second++) {
        const ucs4_t pair[3] = { first, second, '\n' };
        uint8_t      bytes[16];
        size_t       n = sizeof bytes;

        if ((second >= 0x3400 && second < 0xA000) || (second >= 0xAC00 && second < 0xE000) ||
            (second >= 0x12000 && second < 0x1D000))
            continue; /* ideographs and syllables, which compose with nothing before them, and surrogates */
        ck_assert_ptr_eq(u32_to_u8(pair, 3, bytes, &n), bytes);
        wa_buf_add(text, bytes, n);
    }
}

static void compare_normal_forms(wa_text text, int form)
{
    const wa_tokenizer_opts opts  = { .normalize = form };
    wa_arena                arena = { 0 };
    wa_text                 pieces;
    size_t                  n = 0, same = 0;
    uint8_t *const          whole =
        u8_normalize(form == WA_NORMALIZE_NFC ? UNINORM_NFC : UNINORM_NFKC, (const uint8_t *)text.data, text.n_bytes, NULL, &n);

    ck_assert_int_eq(wa_tokenizer_fold(&opts, text, &arena, &pieces, NULL), WA_OK);
    while (same < n && same < pieces.n_bytes && pieces.data[same] == (char)whole[same])
        same++;
    ck_assert_msg(same == n && n == pieces.n_bytes, "form %d of the pairs that begin %02X %02X %02X differs at byte %zu", form,
                  (unsigned char)text.data[0], (unsigned char)text.data[1], (unsigned char)text.data[2], same);
    free(whole);
    wa_arena_clear(&arena);
}

/* Normalising cluster by cluster is ours; the whole text at once is libunistring's. The first characters of the pairs stand for
 * all kinds: plain, composed, jamo and syllables, vowel signs, marks in them, compatibility forms. */
START_TEST(normalising_in_pieces_equals_normalising_the_whole)
{
    static const ucs4_t firsts[] = { 'a', 0xE9, 0x1100, 0x3131, 0xAC00, 0x9C7, 0x1025, 0xFF76, 0x11131, 0x1D157 };

    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        wa_buf text = { 0 };

        add_pairs(&text, firsts[i]);
        compare_normal_forms(wa_buf_view(&text), WA_NORMALIZE_NFC);
        compare_normal_forms(wa_buf_view(&text), WA_NORMALIZE_NFKC);
        wa_buf_clear(&text);
    }
}
END_TEST

static wa_status split_body(const wa_env *env, void *user)
{
    wa_arena  arena = { .env = env };
    wa_pieces pieces;
    wa_error  err;

    const wa_status st = wa_tokenizer_split(&defaults, wa_text_of(user), &arena, &pieces, &err);
    wa_arena_clear(&arena);
    return st;
}

static wa_status fold_body(const wa_env *env, void *user)
{
    wa_arena arena = { .env = env };
    wa_text  folded;

    const wa_status st = wa_tokenizer_fold(&defaults, wa_text_of(user), &arena, &folded, NULL);
    wa_arena_clear(&arena);
    return st;
}

START_TEST(every_failing_allocation_is_reported_and_nothing_is_lost)
{
    char text[] = "Cafe\xCC\x81 \xCE\xA3 noir \xFF x";

    every_allocation_fails_in_turn(split_body, text, 100);
    every_allocation_fails_in_turn(fold_body, text, 100);
}
END_TEST

/* U+023A has two bytes and its lower case, U+2C65, three: there is no room for it where the word lies. */
START_TEST(a_lower_case_word_may_be_longer_than_the_word)
{
    splits(&defaults, "A \xC8\xBA\xC8\xBA B", "a@0-1|\xE2\xB1\xA5\xE2\xB1\xA5@2-6|b@7-8");
    folds(&defaults, "\xC8\xBA", "\xE2\xB1\xA5");
}
END_TEST

/* What a session relies on that is fed a word at a time. */
START_TEST(splitting_ascii_allocates_nothing_once_the_arena_has_room)
{
    counting_allocator counter = { 0 };
    const wa_env       env     = counting_env(&counter);
    wa_arena           arena   = { .env = &env };
    wa_pieces          pieces;

    for (int split = WA_SPLIT_WORDS; split <= WA_SPLIT_WHITESPACE; split++) {
        const wa_tokenizer_opts opts = { .split = split, .normalize = WA_NORMALIZE_NFC, .lowercase = true };
        size_t                  n_before;

        for (size_t i = 0; i < 2; i++, wa_arena_reset(&arena)) {
            n_before = counter.n_calls;
            ck_assert_int_eq(wa_tokenizer_split(&opts, wa_text_of("The cat sat on 12 MATS."), &arena, &pieces, NULL), WA_OK);
        }
        ck_assert_uint_eq(counter.n_calls, n_before);
    }
    wa_arena_clear(&arena);
}
END_TEST

/* Larger than any buffer on the stack, and one cluster: a letter with 100,000 marks (stream-safe text has 30). */
START_TEST(a_very_long_cluster_is_one_word)
{
    enum { N = 100000 };
    char *const text  = malloc(2 * N + 1);
    wa_arena    arena = { 0 };
    wa_pieces   pieces;

    text[0] = 'E';
    for (size_t i = 0; i < N; i++)
        memcpy(text + 1 + 2 * i, i % 2 ? "\xCC\x81" : "\xCC\xA3", 2);
    ck_assert_int_eq(wa_tokenizer_split(&defaults, (wa_text){ text, 2 * N + 1 }, &arena, &pieces, NULL), WA_OK);
    ck_assert_uint_eq(pieces.n, 1);
    ck_assert_uint_eq(pieces.items[0].end, 2 * N + 1);
    ck_assert_uint_eq(pieces.items[0].word.n_bytes, 3 + 2 * (N - 1)); /* U+1EB9 and the marks but one */
    wa_arena_clear(&arena);
    free(text);
}
END_TEST

START_TEST(the_keys_describe_the_options)
{
    static const char *const names[] = { "split", "normalize", "lowercase", "digits", "unknown", "start", "end", "max_tokens" };
    size_t                   n       = 0;

    for (; wa_tokenizer_keys[n].name; n++)
        ck_assert_str_eq(wa_tokenizer_keys[n].name, names[n]);
    ck_assert_uint_eq(n, sizeof names / sizeof *names);
}
END_TEST

Suite *wa_suite_tokenizer(void)
{
    Suite *const suite = suite_create("tokenizer");
    TCase *const tcase = new_case("tokenizer");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_200_reference_texts_give_the_words_that_the_model_was_trained_on);
    tcase_add_test(tcase, words_are_split_at_unicode_word_boundaries);
    tcase_add_test(tcase, whitespace_split_keeps_everything_between_spaces);
    tcase_add_test(tcase, a_text_without_words_gives_none);
    tcase_add_test(tcase, a_zero_byte_is_a_character);
    tcase_add_test(tcase, an_emoji_sequence_is_one_word);
    tcase_add_test(tcase, chinese_characters_are_words_of_their_own);
    tcase_add_test(tcase, marks_of_direction_stay_with_the_word_before);
    tcase_add_test(tcase, composed_and_decomposed_text_give_the_same_words_with_their_own_spans);
    tcase_add_test(tcase, marks_in_any_order_compose_to_the_same_word);
    tcase_add_test(tcase, a_mark_without_a_letter_is_kept);
    tcase_add_test(tcase, compatibility_forms_are_taken_apart_and_keep_their_spans);
    tcase_add_test(tcase, hangul_jamo_compose_to_syllables);
    tcase_add_test(tcase, lower_case_looks_at_the_whole_word);
    tcase_add_test(tcase, a_lower_case_word_is_in_normal_form_again);
    tcase_add_test(tcase, lower_casing_can_be_switched_off);
    tcase_add_test(tcase, digits_of_longer_numbers_become_hashes);
    tcase_add_test(tcase, folding_gives_a_word_the_form_it_has_in_a_text);
    tcase_add_test(tcase, broken_utf8_becomes_replacement_characters_and_is_counted);
    tcase_add_test(tcase, words_of_random_bytes_have_ascending_spans_inside_the_text);
    tcase_add_test(tcase, every_failing_allocation_is_reported_and_nothing_is_lost);
    tcase_add_test(tcase, a_lower_case_word_may_be_longer_than_the_word);
    tcase_add_test(tcase, splitting_ascii_allocates_nothing_once_the_arena_has_room);
    tcase_add_test(tcase, a_very_long_cluster_is_one_word);
    tcase_add_test(tcase, normalising_in_pieces_equals_normalising_the_whole);
    tcase_add_test(tcase, the_keys_describe_the_options);
    suite_add_tcase(suite, tcase);
    return suite;
}

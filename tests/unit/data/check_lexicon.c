/* data/lexicon: words in order, and finding them. */
#include <stdio.h>

#include "data/lexicon.h"
#include "suites.h"
#include "support.h"

START_TEST(a_word_added_twice_keeps_its_place)
{
    wa_lexicon lexicon = { 0 };
    size_t     index;
    bool       is_new;

    ck_assert(wa_lexicon_add(&lexicon, wa_text_of("a"), &index, &is_new));
    ck_assert(is_new);
    ck_assert(wa_lexicon_add(&lexicon, wa_text_of("b"), &index, NULL));
    ck_assert_uint_eq(index, 1);
    ck_assert(wa_lexicon_add(&lexicon, wa_text_of("a"), &index, &is_new));
    ck_assert(!is_new);
    ck_assert_uint_eq(index, 0);
    ck_assert_uint_eq(lexicon.n_words, 2);
    wa_lexicon_clear(&lexicon);
    ck_assert_uint_eq(lexicon.n_words, 0);
}
END_TEST

START_TEST(the_empty_word_and_words_with_zero_bytes_are_words)
{
    wa_lexicon    lexicon = { 0 };
    size_t        index;
    const wa_text zero = { "\0", 1 }, zeros = { "\0\0", 2 };

    ck_assert_uint_eq(wa_lexicon_find(&lexicon, wa_text_of("")), WA_NONE);
    ck_assert(wa_lexicon_add(&lexicon, zeros, &index, NULL));
    ck_assert_uint_eq(wa_lexicon_find(&lexicon, wa_text_of("")), WA_NONE);
    ck_assert(wa_lexicon_add(&lexicon, (wa_text){ NULL, 0 }, &index, NULL));
    ck_assert(wa_lexicon_add(&lexicon, zero, &index, NULL));
    ck_assert_uint_eq(wa_lexicon_find(&lexicon, zeros), 0);
    ck_assert_uint_eq(wa_lexicon_find(&lexicon, wa_text_of("")), 1);
    ck_assert_uint_eq(wa_lexicon_find(&lexicon, zero), 2);
    ck_assert_uint_eq(wa_lexicon_word(&lexicon, 2).n_bytes, 1);
    wa_lexicon_clear(&lexicon);
}
END_TEST

/* 20000: the table grows eleven times on the way. */
enum { MANY = 20000 };
static char names[MANY][8];

static void add_many(wa_lexicon *lexicon)
{
    size_t index;

    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "w%zu", i);
        ck_assert(wa_lexicon_add(lexicon, wa_text_of(names[i]), &index, NULL));
        ck_assert_uint_eq(index, i);
    }
}

START_TEST(every_one_of_many_words_is_found_and_no_other)
{
    wa_lexicon lexicon = { 0 };

    add_many(&lexicon);
    for (size_t i = 0; i < MANY; i++)
        ck_assert_uint_eq(wa_lexicon_find(&lexicon, wa_text_of(names[i])), i);
    ck_assert_uint_eq(wa_lexicon_find(&lexicon, wa_text_of("w20000")), WA_NONE);
    ck_assert_uint_ge(lexicon.n_slots, 2 * lexicon.n_words);
    wa_lexicon_clear(&lexicon);
}
END_TEST

/* Every third is not there; as many as are looked for together, one more, one less, and several times as many. */
START_TEST(many_words_are_found_at_once_where_they_are_found_one_by_one)
{
    static const size_t numbers[] = { 0, 1, 63, 64, 65, 300 };
    wa_lexicon          lexicon = { 0 }, empty = { 0 };
    wa_text             words[300];
    size_t              found[301];

    add_many(&lexicon);
    for (size_t i = 0; i < 300; i++)
        words[i] = wa_text_of(i % 3 == 2 ? "nowhere" : names[i * 37]);
    for (size_t c = 0; c < sizeof numbers / sizeof *numbers; c++) {
        const size_t n = numbers[c];

        found[n] = 12345;
        wa_lexicon_find_all(&lexicon, words, n, found);
        for (size_t i = 0; i < n; i++)
            ck_assert_uint_eq(found[i], i % 3 == 2 ? WA_NONE : i * 37);
        ck_assert_uint_eq(found[n], 12345);
        wa_lexicon_find_all(&empty, words, n, found);
        for (size_t i = 0; i < n; i++)
            ck_assert_uint_eq(found[i], WA_NONE);
    }
    wa_lexicon_clear(&lexicon);
}
END_TEST

START_TEST(reserving_makes_adding_allocate_nothing)
{
    counting_allocator counter = { 0 };
    const wa_env       env     = counting_env(&counter);
    wa_lexicon         lexicon = { .env = &env };

    ck_assert(wa_lexicon_reserve(&lexicon, MANY));
    const size_t n_calls = counter.n_calls;
    add_many(&lexicon);
    ck_assert_uint_eq(counter.n_calls, n_calls);
    ck_assert(!wa_lexicon_reserve(&lexicon, SIZE_MAX));
    wa_lexicon_clear(&lexicon);
    ck_assert_uint_eq(counter.n_live, 0);
}
END_TEST

START_TEST(of_equal_words_the_last_can_stay_in_the_order_of_the_list)
{
    static const char *const words[] = { "a", "b", "a", "c", "b", "a" };
    wa_lexicon               lexicon = { 0 };
    size_t                   earlier, expected[] = { WA_NONE, WA_NONE, 0, WA_NONE, 1, 2 };

    for (size_t i = 0; i < 6; i++) {
        ck_assert(wa_lexicon_add_last(&lexicon, wa_text_of(words[i]), &earlier));
        ck_assert_uint_eq(earlier, expected[i]);
    }
    wa_lexicon_compact(&lexicon);
    ck_assert_uint_eq(lexicon.n_words, 3);
    ck_assert_uint_eq(wa_lexicon_find(&lexicon, wa_text_of("c")), 0);
    ck_assert_uint_eq(wa_lexicon_find(&lexicon, wa_text_of("b")), 1);
    ck_assert_uint_eq(wa_lexicon_find(&lexicon, wa_text_of("a")), 2);
    wa_lexicon_clear(&lexicon);
}
END_TEST

/* Twice the words that the first table holds, so that growing meets entries without a word. */
START_TEST(lists_in_which_the_last_counts_grow)
{
    wa_lexicon lexicon = { 0 };
    size_t     earlier;

    for (size_t i = 0; i < 4 * 100; i++) {
        snprintf(names[i], sizeof names[i], "w%zu", i % 100);
        ck_assert(wa_lexicon_add_last(&lexicon, wa_text_of(names[i]), &earlier));
        ck_assert_uint_eq(earlier, i < 100 ? WA_NONE : i - 100);
    }
    wa_lexicon_compact(&lexicon);
    ck_assert_uint_eq(lexicon.n_words, 100);
    for (size_t i = 0; i < 100; i++)
        ck_assert_uint_eq(wa_lexicon_find(&lexicon, wa_text_of(names[i])), i);
    wa_lexicon_clear(&lexicon);
}
END_TEST

static wa_status add_some(const wa_env *env, void *user)
{
    wa_lexicon lexicon = { .env = env };
    size_t     index;
    bool       ok = true;

    (void)user;
    for (size_t i = 0; i < 300 && ok; i++) {
        const size_t n = lexicon.n_words;

        snprintf(names[i], sizeof names[i], "w%zu", i);
        ok = wa_lexicon_add(&lexicon, wa_text_of(names[i]), &index, NULL);
        ck_assert_uint_eq(lexicon.n_words, n + ok);
        for (size_t j = 0; j < lexicon.n_words; j++)
            ck_assert_uint_eq(wa_lexicon_find(&lexicon, wa_text_of(names[j])), j);
    }
    wa_lexicon_clear(&lexicon);
    return ok ? WA_OK : WA_ENOMEM;
}

START_TEST(a_failing_allocation_leaves_the_words_as_they_were)
{
    every_allocation_fails_in_turn(add_some, NULL, 100);
}
END_TEST

Suite *wa_suite_lexicon(void)
{
    Suite *const suite = suite_create("lexicon");
    TCase *const tests = new_case("lexicon");

    tcase_add_test(tests, a_word_added_twice_keeps_its_place);
    tcase_add_test(tests, the_empty_word_and_words_with_zero_bytes_are_words);
    tcase_add_test(tests, every_one_of_many_words_is_found_and_no_other);
    tcase_add_test(tests, many_words_are_found_at_once_where_they_are_found_one_by_one);
    tcase_add_test(tests, reserving_makes_adding_allocate_nothing);
    tcase_add_test(tests, of_equal_words_the_last_can_stay_in_the_order_of_the_list);
    tcase_add_test(tests, lists_in_which_the_last_counts_grow);
    tcase_add_test(tests, a_failing_allocation_leaves_the_words_as_they_were);
    suite_add_tcase(suite, tests);
    return suite;
}

/* Scoring, compared with ranking: the score of a word is the logprob that ranking gives it after the words before. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "math/sum.h"
#include "small_model.h"
#include "suites.h"

static wa_model   *model;
static wa_session *session, *ranker;

static void open_small(void)
{
    model   = open_yaml(small_model_yaml, NULL);
    session = new_session(model);
    ranker  = new_session(model);
}

static void close_small(void)
{
    wa_session_free(ranker);
    wa_session_free(session);
    wa_model_close(model);
}

static wa_scores score(const char *text, wa_context *context)
{
    wa_scores scores;
    wa_error  err;

    ck_assert_msg(wa_score(session, wa_text_of(text), context, &scores, &err) == WA_OK, "%s", err.message);
    return scores;
}

/* What ranking says of a word after a text: its logprob and its place. */
static void assert_ranked(const char *before, const char *word, const wa_word_score *found)
{
    const wa_rank_opts all = { .k = WA_NONE };
    wa_ranking         ranking;

    ck_assert_int_eq(wa_rank(ranker, wa_text_of(before), &all, &ranking, NULL), WA_OK);
    ck_assert(found->has_score);
    for (size_t i = 0; i < ranking.n_next; i++) {
        if (!wa_text_is(ranking.next[i].word, word))
            continue;
        ck_assert_msg(memcmp(&ranking.next[i].logprob, &found->logprob, sizeof(float)) == 0, "'%s' after '%s': %.9g, scored %.9g",
                      word, before, (double)ranking.next[i].logprob, (double)found->logprob);
        ck_assert_uint_eq(found->rank, i + 1);
        return;
    }
    ck_abort_msg("%s is not in the ranking", word);
}

START_TEST(words_have_the_logprob_that_ranking_gives_them)
{
    static const char *const before[] = { "", "the", "the cat", "the cat sat" };
    static const char *const words[]  = { "the", "cat", "sat", "</s>" };
    const wa_scores          scores   = score("the cat sat", NULL);
    double                   sum      = 0;

    ck_assert_uint_eq(scores.n_words, 4);
    ck_assert_uint_eq(scores.n_scored, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_ranked(before[i], words[i], &scores.words[i]);
        sum += (double)scores.words[i].logprob;
    }
    ck_assert_double_eq(scores.logprob, sum);
    ck_assert_uint_eq(scores.words[1].token.start, 4);
    ck_assert_uint_eq(scores.words[3].token.start, 11);
}
END_TEST

START_TEST(long_texts_are_scored_in_windows_that_advance_by_half)
{
    /* max_tokens 8, the start word included: places 0..7 are one window; then one of <s> and seven words that ends at place 12,
     * so the word at place 12 (0 is <s>) sees the five words before it that fit: places 5..11 */
    static const char text[] = "the cat sat on a mat cat the on a sat mat the cat";
    const wa_scores   scores = score(text, NULL);

    ck_assert_uint_eq(scores.n_scored, 15);
    assert_ranked("the cat sat on a mat cat", "the", &scores.words[7]); /* the last of the first window */
    assert_ranked("a mat cat the", "on", &scores.words[8]);             /* the second window begins at "a", place 5 */
    assert_ranked("a mat cat the on a sat", "mat", &scores.words[11]);  /* its last */
    assert_ranked("the on a sat mat", "the", &scores.words[12]);        /* the third ends at place 14, the sequence's end */
}
END_TEST

START_TEST(unknown_words_score_as_the_unknown_word)
{
    const wa_scores scores = score("the xyzzy", NULL);

    ck_assert_uint_eq(scores.n_unknown, 1);
    ck_assert(!scores.words[1].token.is_known);
    assert_ranked("the", "<unk>", &scores.words[1]);
    assert_ranked("the xyzzy", "</s>", &scores.words[2]);
}
END_TEST

START_TEST(without_an_unknown_word_unknown_words_have_no_score)
{
    static const char *const none[] = { "tokenizer.unknown=null", "tokenizer.start=null", NULL };
    wa_model *const          m      = open_yaml(small_model_yaml, none);
    wa_session *const        s      = new_session(m);
    wa_scores                scores;

    ck_assert_int_eq(wa_score(s, wa_text_of("xyzzy the cat"), NULL, &scores, NULL), WA_OK);
    ck_assert(!scores.words[0].has_score); /* unknown */
    ck_assert(!scores.words[1].has_score); /* nothing before it to predict from */
    ck_assert(scores.words[2].has_score);
    ck_assert_uint_eq(scores.n_scored, 2); /* "cat" and the end word */
    wa_session_free(s);
    wa_model_close(m);
}
END_TEST

START_TEST(an_empty_text_scores_its_end)
{
    const wa_scores scores = score("", NULL);

    ck_assert_uint_eq(scores.n_words, 1);
    assert_ranked("", "</s>", &scores.words[0]);
}
END_TEST

START_TEST(a_document_lets_earlier_texts_count)
{
    wa_context *context = NULL;

    ck_assert_int_eq(wa_context_new(model, &context, NULL), WA_OK);
    score("the cat", context);
    /* the end word stays between the texts: <s> the cat </s> sat */
    const wa_scores          second          = score("sat on", context);
    static const char *const end_is_a_word[] = { "tokenizer.split=whitespace", NULL };
    wa_model *const          m               = open_yaml(small_model_yaml, end_is_a_word);
    wa_session *const        s               = ranker;
    ranker                                   = new_session(m);
    assert_ranked("the cat </s>", "sat", &second.words[0]);
    assert_ranked("the cat </s> sat", "on", &second.words[1]);
    wa_context_clear(context);
    assert_ranked("", "sat", &score("sat on", context).words[0]);
    wa_session_free(ranker);
    ranker = s;
    wa_model_close(m);
    wa_context_free(context);
}
END_TEST

START_TEST(a_document_forgets_what_max_tokens_has_no_room_for)
{
    wa_context *context = NULL;

    ck_assert_int_eq(wa_context_new(model, &context, NULL), WA_OK);
    for (size_t i = 0; i < 20; i++)
        score("the cat sat on a mat", context);
    /* seven words leave no room beside the start word: as if alone; the end word needs none, as nothing follows it */
    assert_ranked("", "mat", &score("mat a on sat cat the the", context).words[0]);
    /* six leave room for one word of the document, the end word of the text before */
    const wa_word_score      found           = score("mat a on sat cat the", context).words[0];
    static const char *const end_is_a_word[] = { "tokenizer.split=whitespace", NULL };
    wa_model *const          m               = open_yaml(small_model_yaml, end_is_a_word);
    wa_session *const        s               = ranker;
    ranker                                   = new_session(m);
    assert_ranked("</s>", "mat", &found);
    wa_session_free(ranker);
    ranker = s;
    wa_model_close(m);
    wa_context_free(context);
}
END_TEST

START_TEST(totals_are_those_of_the_field)
{
    const wa_word_score words[] = {
        { .token = { .is_known = true }, .has_score = true, .logprob = -1.0f, .rank = 1 },
        { .token = { .is_known = false }, .has_score = true, .logprob = -3.0f, .rank = 4 },
        { .token = { .is_known = true }, .has_score = true, .logprob = -2.0f, .rank = 10 },
        { .token = { .is_known = false }, .has_score = false },
    };
    const wa_scores scores = { .words = words, .n_words = 4 };
    wa_score_totals totals = { 0 };

    wa_score_add(&totals, &scores);
    ck_assert_uint_eq(totals.n_texts, 1);
    ck_assert_uint_eq(totals.n_words, 3);
    ck_assert_uint_eq(totals.n_unknown, 2);
    ck_assert_uint_eq(totals.n_unknown_scored, 1);
    ck_assert_double_eq(wa_sum_value(&totals.logprob), -6.0);
    ck_assert_double_eq(wa_sum_value(&totals.logprob_known), -3.0);
    ck_assert_double_eq_tol(wa_sum_value(&totals.reciprocal_ranks), 1.35, 1e-15);
    ck_assert_uint_eq(totals.n_top1, 1);
    ck_assert_uint_eq(totals.n_top5, 2);
    ck_assert_uint_eq(totals.n_top10, 3);
    ck_assert_double_eq_tol(wa_perplexity(wa_sum_value(&totals.logprob), totals.n_words), exp(2.0), 1e-14);
    ck_assert(isnan(wa_perplexity(0, 0)));
}
END_TEST

START_TEST(totals_of_parts_merge_to_the_totals_of_all)
{
    wa_score_totals all = { 0 }, parts[2] = { 0 };

    for (size_t i = 0; i < 1000; i++) {
        const wa_word_score word = {
            .token = { .is_known = i % 3 != 0 }, .has_score = i % 7 != 0, .logprob = -1.0f / (float)(i + 3), .rank = 1 + i % 13
        };
        const wa_scores scores = { .words = &word, .n_words = 1, .n_invalid = i % 2 };

        wa_score_add(&all, &scores);
        wa_score_add(&parts[i % 5 == 0], &scores);
    }
    wa_score_merge(&parts[1], &parts[0]);
    wa_sum *const sums[] = { &all.logprob, &all.logprob_known, &all.reciprocal_ranks };
    for (size_t i = 0; i < 3; i++)
        wa_sum_settle(sums[i]);
    ck_assert_mem_eq(&parts[1], &all, sizeof all);
}
END_TEST

Suite *wa_suite_score(void)
{
    Suite *const suite = suite_create("task/score");
    TCase *const tests = new_case("score");

    tcase_add_checked_fixture(tests, open_small, close_small);
    tcase_add_test(tests, words_have_the_logprob_that_ranking_gives_them);
    tcase_add_test(tests, long_texts_are_scored_in_windows_that_advance_by_half);
    tcase_add_test(tests, unknown_words_score_as_the_unknown_word);
    tcase_add_test(tests, without_an_unknown_word_unknown_words_have_no_score);
    tcase_add_test(tests, an_empty_text_scores_its_end);
    tcase_add_test(tests, a_document_lets_earlier_texts_count);
    tcase_add_test(tests, a_document_forgets_what_max_tokens_has_no_room_for);
    tcase_add_test(tests, totals_are_those_of_the_field);
    tcase_add_test(tests, totals_of_parts_merge_to_the_totals_of_all);
    suite_add_tcase(suite, tests);
    return suite;
}

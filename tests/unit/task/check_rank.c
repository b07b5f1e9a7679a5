/* Ranking. The numbers of a real model are compared with PyTorch's in tests/golden/english; here are the rules. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "small_model.h"
#include "suites.h"

static wa_model   *model;
static wa_session *session;

static void open_small(void)
{
    model   = open_yaml(small_model_yaml, NULL);
    session = new_session(model);
}

static void close_small(void)
{
    wa_session_free(session);
    wa_model_close(model);
}

static wa_ranking rank(const char *text, const wa_rank_opts *opts)
{
    wa_ranking ranking;
    wa_error   err;

    ck_assert_msg(wa_rank(session, wa_text_of(text), opts, &ranking, &err) == WA_OK, "%s", err.message);
    return ranking;
}

START_TEST(all_words_are_ranked_once_best_first_and_sum_to_one)
{
    const wa_rank_opts all     = { .k = WA_NONE };
    const wa_ranking   ranking = rank("the cat", &all);
    bool               seen[9] = { false };
    double             sum     = 0;

    ck_assert_uint_eq(ranking.n_next, 9);
    for (size_t i = 0; i < 9; i++) {
        ck_assert(!seen[ranking.next[i].index]);
        seen[ranking.next[i].index] = true;
        sum += (double)ranking.next[i].prob;
        if (i > 0)
            ck_assert_float_ge(ranking.next[i - 1].logit, ranking.next[i].logit);
    }
    ck_assert_double_eq_tol(sum, 1.0, 1e-6); /* nine roundings to float */
}
END_TEST

START_TEST(equal_logits_are_ordered_by_vocabulary_index)
{
    static const char *const flat[] = { "weights.random.low=0", "weights.random.high=0", NULL };
    wa_model *const          m      = open_yaml(small_model_yaml, flat);
    wa_session *const        s      = new_session(m);
    wa_ranking               ranking;

    ck_assert_int_eq(wa_rank(s, wa_text_of("cat"), NULL, &ranking, NULL), WA_OK);
    for (size_t i = 0; i < ranking.n_next; i++)
        ck_assert_uint_eq(ranking.next[i].index, i);
    wa_session_free(s);
    wa_model_close(m);
}
END_TEST

START_TEST(candidates_and_prefix_choose_without_changing_probabilities)
{
    const size_t       indices[] = { wa_model_find(model, wa_text_of("mat")), wa_model_find(model, wa_text_of("sat")) };
    const wa_rank_opts all = { .k = WA_NONE }, some = { .candidates = indices, .n_candidates = 2 };
    const wa_rank_opts prefix = { .prefix = wa_text_of("s") };
    float              probs[9];

    const wa_ranking whole = rank("the cat", &all);
    for (size_t i = 0; i < 9; i++)
        probs[whole.next[i].index] = whole.next[i].prob;
    const wa_ranking chosen = rank("the cat", &some);
    ck_assert_uint_eq(chosen.n_next, 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_float_eq(chosen.next[i].prob, probs[chosen.next[i].index]);
    const wa_ranking begun = rank("the cat", &prefix);
    ck_assert_uint_eq(begun.n_next, 1);
    ck_assert(wa_text_is(begun.next[0].word, "sat"));
}
END_TEST

START_TEST(a_candidate_outside_the_vocabulary_is_refused)
{
    const size_t       index = 9;
    const wa_rank_opts opts  = { .candidates = &index, .n_candidates = 1 };
    wa_ranking         ranking;
    wa_error           err;

    ck_assert_int_eq(wa_rank(session, wa_text_of("a"), &opts, &ranking, &err), WA_EUSAGE);
    ck_assert_str_eq(err.message, "candidate 0 is 9, expected an index below the 9 words of the vocabulary");
}
END_TEST

START_TEST(unknown_words_are_listed_with_their_bytes_and_replaced)
{
    const wa_ranking ranking = rank("the xyzzy sat", NULL);

    ck_assert_uint_eq(ranking.text.n_tokens, 4);
    ck_assert_uint_eq(ranking.text.n_unknown, 1);
    const wa_token *const token = &ranking.text.tokens[2];
    ck_assert(!token->is_known && wa_text_is(token->word, "xyzzy"));
    ck_assert_uint_eq(token->start, 4);
    ck_assert_uint_eq(token->end, 9);
    ck_assert_uint_eq(token->index, wa_vectors_find(wa_model_vectors(model), wa_text_of("<unk>")));
}
END_TEST

START_TEST(without_an_unknown_word_unknown_words_are_left_out)
{
    static const char *const none[] = { "tokenizer.unknown=null", NULL };
    wa_model *const          m      = open_yaml(small_model_yaml, none);
    wa_session *const        s      = new_session(m);
    wa_ranking               with, without;

    ck_assert_int_eq(wa_rank(s, wa_text_of("the xyzzy sat"), NULL, &with, NULL), WA_OK);
    ck_assert_uint_eq(with.text.tokens[2].index, WA_NONE);
    const float logit = with.next[0].logit;
    ck_assert_int_eq(wa_rank(s, wa_text_of("the sat"), NULL, &without, NULL), WA_OK);
    ck_assert_float_eq(without.next[0].logit, logit);
    wa_session_free(s);
    wa_model_close(m);
}
END_TEST

START_TEST(an_empty_text_ranks_from_the_start_word)
{
    const wa_ranking ranking = rank("", NULL);

    ck_assert_uint_eq(ranking.text.n_tokens, 1);
    ck_assert(wa_text_is(ranking.text.tokens[0].word, "<s>"));
    ck_assert_uint_eq(ranking.n_next, 9);
}
END_TEST

START_TEST(an_empty_text_without_a_start_word_is_an_error)
{
    static const char *const none[] = { "tokenizer.start=null", NULL };
    wa_model *const          m      = open_yaml(small_model_yaml, none);
    wa_session *const        s      = new_session(m);
    wa_ranking               ranking;
    wa_error                 err;

    ck_assert_int_eq(wa_rank(s, wa_text_of("  "), NULL, &ranking, &err), WA_EMODEL);
    ck_assert_ptr_nonnull(strstr(err.message, "tokenizer.start"));
    ck_assert_int_eq(wa_rank(s, wa_text_of("cat"), NULL, &ranking, &err), WA_OK);
    wa_session_free(s);
    wa_model_close(m);
}
END_TEST

START_TEST(a_long_text_keeps_the_start_word_and_its_last_words)
{
    /* max_tokens is 8: <s> and the last seven of nine words */
    const wa_ranking whole = rank("mat mat the cat sat on a mat the", NULL);
    const float      logit = whole.next[0].logit;

    ck_assert_uint_eq(whole.text.n_dropped, 2);
    ck_assert_float_eq(rank("the cat sat on a mat the", NULL).next[0].logit, logit);
}
END_TEST

static void ignore(void *n, const wa_quantity *quantity)
{
    *(size_t *)n += quantity->rank > 0;
}

START_TEST(an_observer_changes_no_bit)
{
    const wa_rank_opts all   = { .k = WA_NONE };
    size_t             shown = 0;
    wa_prediction      plain[9];

    memcpy(plain, rank("the cat sat", &all).next, sizeof plain);
    wa_session_observe(session, ignore, &shown);
    const wa_ranking observed = rank("the cat sat", &all);
    /* embed 1, positional 2, attention 8, two norms 4, feed_forward 2, vocabulary 2 */
    ck_assert_uint_eq(shown, 19);
    for (size_t i = 0; i < 9; i++) {
        ck_assert_uint_eq(observed.next[i].index, plain[i].index);
        ck_assert_mem_eq(&observed.next[i].logit, &plain[i].logit, 3 * sizeof(float)); /* logit, logprob, prob */
    }
}
END_TEST

START_TEST(a_spelling_is_looked_up_as_it_is_and_then_folded)
{
    size_t  index;
    wa_text folded;

    ck_assert_int_eq(wa_lookup(session, wa_text_of("CAT"), &index, &folded, NULL), WA_OK);
    ck_assert_uint_eq(index, wa_model_find(model, wa_text_of("cat")));
    ck_assert(wa_text_is(folded, "cat"));
    ck_assert_int_eq(wa_lookup(session, wa_text_of("xyzzy"), &index, NULL, NULL), WA_OK);
    ck_assert_uint_eq(index, WA_NONE);
}
END_TEST

START_TEST(what_was_looked_up_can_be_the_prefix_of_a_ranking)
{
    wa_rank_opts opts = { 0 };
    size_t       index;

    ck_assert_int_eq(wa_lookup(session, wa_text_of("SA"), &index, &opts.prefix, NULL), WA_OK);
    const wa_ranking ranking = rank("the cat", &opts);
    ck_assert_uint_eq(ranking.n_next, 1);
    ck_assert(wa_text_is(ranking.next[0].word, "sat"));
}
END_TEST

START_TEST(words_say_whether_they_are_in_the_context)
{
    const wa_ranking ranking = rank("mat mat the cat sat on a mat the", NULL); /* max_tokens 8 */

    ck_assert(ranking.text.tokens[0].in_context);
    ck_assert(!ranking.text.tokens[1].in_context && !ranking.text.tokens[2].in_context);
    for (size_t i = 3; i < ranking.text.n_tokens; i++)
        ck_assert(ranking.text.tokens[i].in_context);
}
END_TEST

START_TEST(ranking_needs_a_vocabulary)
{
    wa_model *const   m = open_yaml("vectors: { values: { a: [1] } }\npipeline: [ embed: {} ]\n", NULL);
    wa_session *const s = new_session(m);
    wa_ranking        ranking;
    wa_error          err;

    ck_assert_int_eq(wa_rank(s, wa_text_of("a"), NULL, &ranking, &err), WA_EMODEL);
    ck_assert_ptr_nonnull(strstr(err.message, "the pipeline has no vocabulary stage"));
    wa_session_free(s);
    wa_model_close(m);
}
END_TEST

Suite *wa_suite_rank(void)
{
    Suite *const suite = suite_create("task/rank");
    TCase *const tests = new_case("rank");

    tcase_add_checked_fixture(tests, open_small, close_small);
    tcase_add_test(tests, all_words_are_ranked_once_best_first_and_sum_to_one);
    tcase_add_test(tests, equal_logits_are_ordered_by_vocabulary_index);
    tcase_add_test(tests, candidates_and_prefix_choose_without_changing_probabilities);
    tcase_add_test(tests, a_candidate_outside_the_vocabulary_is_refused);
    tcase_add_test(tests, unknown_words_are_listed_with_their_bytes_and_replaced);
    tcase_add_test(tests, without_an_unknown_word_unknown_words_are_left_out);
    tcase_add_test(tests, an_empty_text_ranks_from_the_start_word);
    tcase_add_test(tests, an_empty_text_without_a_start_word_is_an_error);
    tcase_add_test(tests, a_long_text_keeps_the_start_word_and_its_last_words);
    tcase_add_test(tests, an_observer_changes_no_bit);
    tcase_add_test(tests, a_spelling_is_looked_up_as_it_is_and_then_folded);
    tcase_add_test(tests, what_was_looked_up_can_be_the_prefix_of_a_ranking);
    tcase_add_test(tests, words_say_whether_they_are_in_the_context);
    tcase_add_test(tests, ranking_needs_a_vocabulary);
    suite_add_tcase(suite, tests);
    return suite;
}

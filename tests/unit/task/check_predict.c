/* Whole distributions, compared with rankings: row t is what ranking gives after the first t words. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "small_model.h"
#include "suites.h"

enum { N_WORDS = 4 }; /* positions of "the cat sat", the start word's included */

static void expect_ranking(wa_session *session, const char *beginning, const float *logprobs)
{
    const wa_rank_opts all = { .k = WA_NONE };
    wa_ranking         ranking;

    ck_assert_int_eq(wa_rank(session, wa_text_of(beginning), &all, &ranking, NULL), WA_OK);
    for (size_t i = 0; i < ranking.n_next; i++)
        ck_assert_mem_eq(&logprobs[ranking.next[i].index], &ranking.next[i].logprob, sizeof *logprobs);
}

START_TEST(every_row_is_the_ranking_after_a_beginning)
{
    static const char *const beginnings[N_WORDS] = { "", "the", "the cat", "the cat sat" };
    wa_model *const          model               = open_yaml(small_model_yaml, NULL);
    wa_session *const session = new_session(model), *const ranker = new_session(model);
    wa_predictions found;

    ck_assert_int_eq(wa_session_threads(session, (size_t)_i, NULL), WA_OK);
    ck_assert_int_eq(wa_predict(session, wa_text_of("the cat sat"), &found, NULL), WA_OK);
    ck_assert_uint_eq(found.T, N_WORDS);
    ck_assert_uint_eq(found.N, wa_model_vocabulary(model));
    ck_assert_uint_eq(found.text.n_tokens, N_WORDS);
    for (size_t t = 0; t < N_WORDS; t++)
        expect_ranking(ranker, beginnings[t], found.logprobs + t * found.N);
    wa_session_free(session);
    wa_session_free(ranker);
    wa_model_close(model);
}
END_TEST

START_TEST(the_probabilities_of_a_row_sum_to_one)
{
    wa_model *const   model   = open_yaml(small_model_yaml, NULL);
    wa_session *const session = new_session(model);
    wa_predictions    found;

    ck_assert_int_eq(wa_predict(session, wa_text_of("the cat"), &found, NULL), WA_OK);
    for (size_t t = 0; t < found.T; t++) {
        double sum = 0;

        for (size_t i = 0; i < found.N; i++)
            sum += exp((double)found.logprobs[t * found.N + i]);
        ck_assert_double_eq_tol(sum, 1, 1e-6); /* nine numbers, each rounded to 24 bits */
    }
    wa_session_free(session);
    wa_model_close(model);
}
END_TEST

START_TEST(without_a_vocabulary_nothing_is_predicted)
{
    wa_model *const   model = open_yaml("vectors: { values: { a: [1, 2], b: [3, 4] } }\npipeline: [ embed: { scale: 2 } ]\n", NULL);
    wa_session *const session = new_session(model);
    wa_predictions    found;
    wa_error          err;

    ck_assert_int_eq(wa_predict(session, wa_text_of("a"), &found, &err), WA_EMODEL);
    ck_assert_ptr_nonnull(strstr(err.message, "has no vocabulary stage, and to predict words needs one"));
    wa_session_free(session);
    wa_model_close(model);
}
END_TEST

START_TEST(logits_that_are_not_finite_are_no_distribution)
{
    static const char *const sets[]  = { "vocabulary.0.temperature=1e-38", "weights.random.high=1e38", NULL };
    wa_model *const          model   = open_yaml(small_model_yaml, sets);
    wa_session *const        session = new_session(model);
    wa_predictions           found;
    wa_error                 err;

    ck_assert_int_eq(wa_predict(session, wa_text_of("the"), &found, &err), WA_EMODEL);
    wa_session_free(session);
    wa_model_close(model);
}
END_TEST

Suite *wa_suite_predict(void)
{
    Suite *const suite = suite_create("task/predict");
    TCase *const tests = new_case("predict");

    tcase_add_loop_test(tests, every_row_is_the_ranking_after_a_beginning, 1, 4);
    tcase_add_test(tests, the_probabilities_of_a_row_sum_to_one);
    tcase_add_test(tests, without_a_vocabulary_nothing_is_predicted);
    tcase_add_test(tests, logits_that_are_not_finite_are_no_distribution);
    suite_add_tcase(suite, tests);
    return suite;
}

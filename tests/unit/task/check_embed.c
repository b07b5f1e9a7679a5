/* Vectors of texts: the three ways of pooling are views of one run. */
#include <stdlib.h>
#include <string.h>

#include "small_model.h"
#include "suites.h"

static wa_embedding embed(wa_session *session, const char *text, wa_pooling pool)
{
    wa_embedding embedding;
    wa_error     err;

    ck_assert_msg(wa_embed(session, wa_text_of(text), pool, &embedding, &err) == WA_OK, "%s", err.message);
    return embedding;
}

START_TEST(last_and_mean_are_those_of_all_positions)
{
    wa_model *const   model   = open_yaml(small_model_yaml, NULL);
    wa_session *const session = new_session(model);
    float             all[4 * 6];

    const wa_embedding none = embed(session, "the cat sat", WA_POOL_NONE);
    ck_assert_uint_eq(none.n_rows, 4);
    ck_assert_uint_eq(none.width, 6);
    memcpy(all, none.data, sizeof all);
    const wa_embedding last = embed(session, "the cat sat", WA_POOL_LAST);
    ck_assert_uint_eq(last.n_rows, 1);
    ck_assert_mem_eq(last.data, all + 3 * 6, 6 * sizeof(float));
    const wa_embedding mean = embed(session, "the cat sat", WA_POOL_MEAN);
    for (size_t d = 0; d < 6; d++) {
        double sum = 0;

        for (size_t t = 0; t < 4; t++)
            sum += (double)all[t * 6 + d];
        ck_assert_float_eq(mean.data[d], (float)(sum / 4));
    }
    wa_session_free(session);
    wa_model_close(model);
}
END_TEST

START_TEST(a_pipeline_without_a_vocabulary_embeds)
{
    wa_model *const   model = open_yaml("vectors: { values: { a: [1, 2], b: [3, 4] } }\npipeline: [ embed: { scale: 2 } ]\n", NULL);
    wa_session *const session    = new_session(model);
    const float       expected[] = { 6, 8 };

    ck_assert_mem_eq(embed(session, "a b", WA_POOL_LAST).data, expected, sizeof expected);
    wa_session_free(session);
    wa_model_close(model);
}
END_TEST

Suite *wa_suite_embed(void)
{
    Suite *const suite = suite_create("task/embed");
    TCase *const tests = new_case("embed");

    tcase_add_test(tests, last_and_mean_are_those_of_all_positions);
    tcase_add_test(tests, a_pipeline_without_a_vocabulary_embeds);
    suite_add_tcase(suite, tests);
    return suite;
}

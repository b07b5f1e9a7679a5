/* What a report says beyond the numbers of a run. */
#include "report/explain.h"
#include "small_model.h"
#include "suites.h"

typedef struct explained {
    wa_model      *model;
    wa_session    *session;
    wa_record      record;
    wa_explanation explanation;
} explained;

static explained explain(const char *yaml, const char *const *sets, const char *text)
{
    explained e = { .model = open_yaml(yaml, sets) };
    wa_error  err;

    e.session = new_session(e.model);
    ck_assert_msg(wa_record_run(&e.record, e.session, wa_text_of("run"), wa_text_of(text), WA_NONE, &err) == WA_OK, "%s",
                  err.message);
    ck_assert_msg(wa_explain(&e.explanation, &e.record, e.session, &err) == WA_OK, "%s", err.message);
    return e;
}

static void clear(explained *e)
{
    wa_explanation_clear(&e->explanation);
    wa_record_clear(&e->record);
    wa_session_free(e->session);
    wa_model_close(e->model);
}

START_TEST(behind_the_last_stage_the_lens_shows_the_ranking)
{
    explained                e        = explain(small_model_yaml, NULL, "the cat sat on");
    const wa_lens_row *const last     = &e.explanation.lens[e.explanation.n_lens - 1];
    size_t                   n_others = 0;

    ck_assert_uint_eq(e.explanation.n_lens, 6);
    ck_assert_uint_eq(last->n_top, WA_LENS_TOP);
    for (size_t i = 0; i < e.record.n_next; i++) {
        ck_assert_uint_eq(last->ranks[i], i + 1);
        n_others += e.explanation.lens[0].ranks[i] != i + 1;
    }
    for (size_t i = 0; i < WA_LENS_TOP; i++)
        ck_assert_uint_eq(last->top[i], e.record.next[i].index);
    ck_assert_uint_gt(n_others, 0);
    clear(&e);
}
END_TEST

START_TEST(the_lens_leaves_out_stages_of_another_width)
{
    static const char yaml[] =
        "vectors: { random: { width: 6, seed: 3 } }\nweights: { random: { seed: 4 } }\ninput: [ 'a b' ]\n"
        "pipeline: [ embed: {}, attention: { heads: 2, head_dim: 2, output_projection: false }, vocabulary: {} ]\n";
    explained e = explain(yaml, NULL, "a b");

    ck_assert_uint_eq(e.explanation.n_lens, 1);
    ck_assert_uint_eq(e.explanation.lens[0].stage->ordinal, 0);
    ck_assert_str_eq(e.explanation.lens[0].stage->name, "attention");
    clear(&e);
}
END_TEST

START_TEST(nearest_words_are_by_direction_and_others)
{
    static const char yaml[] = "vectors: { values: { a: [1, 0], b: [2, 0.5], c: [-1, 0], d: [0, 0], e: [9, 1] } }\ninput: [ a ]\n"
                               "pipeline: [ embed: {} ]\n";
    explained         e      = explain(yaml, NULL, "c a d a");
    const wa_nearest_words *const nearest = e.explanation.nearest;

    ck_assert_uint_eq(nearest[1].n, 3); /* not itself, and not d, which has no direction */
    ck_assert_uint_eq(nearest[1].items[0].index, 4);
    ck_assert_uint_eq(nearest[1].items[1].index, 1);
    ck_assert_uint_eq(nearest[1].items[2].index, 2);
    ck_assert_uint_eq(nearest[2].n, 0);
    ck_assert_uint_eq(nearest[3].items[0].index, 4);
    clear(&e);
}
END_TEST

START_TEST(equal_logits_rank_by_index)
{
    const float logits[] = { 1, 3, 1, 3 };

    ck_assert_uint_eq(wa_rank_of(logits, 4, 1), 1);
    ck_assert_uint_eq(wa_rank_of(logits, 4, 3), 2);
    ck_assert_uint_eq(wa_rank_of(logits, 4, 0), 3);
    ck_assert_uint_eq(wa_rank_of(logits, 4, 2), 4);
}
END_TEST

Suite *wa_suite_explain(void)
{
    Suite *const suite = suite_create("report/explain");
    TCase *const tests = tcase_create("explain");

    tcase_add_test(tests, behind_the_last_stage_the_lens_shows_the_ranking);
    tcase_add_test(tests, the_lens_leaves_out_stages_of_another_width);
    tcase_add_test(tests, nearest_words_are_by_direction_and_others);
    tcase_add_test(tests, equal_logits_rank_by_index);
    suite_add_tcase(suite, tests);
    return suite;
}

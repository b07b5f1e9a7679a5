/* Contributions: for any pipeline they add up to the logits, and that of a head is what the logits lose without it. */
#include <math.h>
#include <string.h>

#include "report/contribution.h"
#include "small_model.h"
#include "suites.h"

#define RANDOM                                                                                                                     \
    "vectors: { random: { width: 6, seed: 3, low: -1, high: 1 } }\n"                                                               \
    "weights: { random: { seed: 4, low: -1, high: 1 } }\n"                                                                         \
    "input: [ 'the cat sat on a mat' ]\n"

typedef struct explained {
    wa_model        *model;
    wa_session      *session;
    wa_record        record;
    wa_arena         arena;
    wa_contributions found;
} explained;

static explained explain(const char *yaml, const char *const *sets)
{
    explained e = { .model = open_yaml(yaml, sets) };
    wa_error  err;

    e.session = new_session(e.model);
    ck_assert_msg(wa_record_run(&e.record, e.session, wa_text_of("run"), wa_text_of("the cat sat on a"), WA_NONE, &err) == WA_OK,
                  "%s", err.message);
    ck_assert_msg(wa_contributions_find(&e.record, &e.arena, &e.found, &err) == WA_OK, "%s", err.message);
    return e;
}

static void clear(explained *e)
{
    wa_arena_clear(&e->arena);
    wa_record_clear(&e->record);
    wa_session_free(e->session);
    wa_model_close(e->model);
}

/* What a component gave to the word of a vocabulary index. */
static double find(const explained *e, const char *name, size_t word)
{
    for (size_t c = 0; c < e->found.n; c++)
        for (size_t i = 0; strcmp(e->found.names[c], name) == 0 && i < e->found.n_words; i++)
            if (e->record.next[i].index == word)
                return e->found.values[c * e->found.n_words + i];
    ck_abort_msg("there is no component %s", name);
    return NAN;
}

/* Of float arithmetic over six columns some 1e-6 remain; a component that is left out, or a mean that is not its own, shows as 1e-2. */
START_TEST(contributions_add_up_to_the_logits)
{
    static const struct {
        const char *yaml, *sets[4];
        size_t      n; /* components */
    } cases[] = {
        /* embedding, positions, two heads, the output's bias, two norms, the feed-forward, the vocabulary's bias */
        { small_model_yaml, { NULL }, 9 },
        { small_model_yaml, { "vocabulary.0.temperature=0.25" }, 9 },
        { small_model_yaml, { "add_norm.0.over=tokens" }, 9 },
        { small_model_yaml, { "add_norm.1.over=tokens", "attention.0.mask=none" }, 9 },
        { small_model_yaml, { "add_norm.0.eps=0.5", "add_norm.1.residual=false" }, 3 },
        { small_model_yaml, { "add_norm.0.residual=false" }, 7 },
        { small_model_yaml, { "positional.0.kind=none" }, 8 },
        { small_model_yaml, { "attention.0.output_projection=false", "attention.0.mask_heads=[0]" }, 8 },
        { small_model_yaml, { "attention.0.source=vectors", "attention.0.softmax_over=matrix", "vocabulary.0.tied=true" }, 9 },
        { small_model_yaml, { "vocabulary.0.bias=false" }, 8 },
        /* the residual of a stage that only adds: the embedding stands in the sum twice */
        { RANDOM "pipeline: [ embed: {}, positional: {}, add_norm: {}, vocabulary: {} ]\n", { NULL }, 4 },
        { RANDOM "pipeline: [ embed: {}, attention: { heads: 3, head_dim: 5 }, attention: { heads: 1, head_dim: 2 }, add_norm: {}, "
                 "add_norm: { residual: false }, vocabulary: {} ]\n",
          { NULL },
          9 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        explained e = explain(cases[i].yaml, cases[i].sets);

        ck_assert_uint_gt(e.found.n_words, 5);
        ck_assert_uint_eq(e.found.n, cases[i].n);
        for (size_t w = 0; w < e.found.n_words; w++)
            ck_assert_msg(fabs(e.found.sums[w] - (double)e.record.next[w].logit) < 1e-5, "case %zu: %g instead of %g", i,
                          e.found.sums[w], (double)e.record.next[w].logit);
        clear(&e);
    }
}
END_TEST

START_TEST(a_head_contributes_what_the_logits_lose_without_it)
{
    static const char yaml[] =
        RANDOM "pipeline: [ embed: {}, attention: { heads: 3, head_dim: 2 }, vocabulary: { temperature: 0.5 } ]\n";
    const char *const sets[] = { "attention.0.mask_heads=[1]", NULL };
    explained         whole = explain(yaml, NULL), masked = explain(yaml, sets);

    for (size_t w = 0; w < whole.record.N; w++) {
        const double lost = (double)whole.record.logits[w] - (double)masked.record.logits[w];

        ck_assert_double_eq_tol(find(&whole, "attention.0 head 1", w), lost, 1e-5);
        ck_assert_double_gt(fabs(lost), 1e-3);
        ck_assert_double_eq(find(&masked, "attention.0 head 1", w), 0);
        ck_assert_double_eq(find(&masked, "attention.0 head 0", w), find(&whole, "attention.0 head 0", w));
    }
    clear(&whole);
    clear(&masked);
}
END_TEST

Suite *wa_suite_contribution(void)
{
    Suite *const suite = suite_create("report/contribution");
    TCase *const tests = new_case("contribution");

    tcase_add_test(tests, contributions_add_up_to_the_logits);
    tcase_add_test(tests, a_head_contributes_what_the_logits_lose_without_it);
    suite_add_tcase(suite, tests);
    return suite;
}

/* The stages: what they refuse, and the properties of their numbers that no golden case shows. The numbers themselves are
 * compared with independent references in tests/golden. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "small_model.h"
#include "suites.h"

#define VECTORS "vectors: { values: { a: [1, 2, 3, 4], b: [0.5, -1, 0.25, 2], c: [-1, 0, 1, 0] } }\n"
#define INPUT   "input: [ 'a b c' ]\n"
#define RANDOM  "weights: { random: { seed: 5, low: -1, high: 1 } }\n"

/* ---------------------------------------------------------------- catching a quantity */

typedef struct catcher {
    const char *name;
    float      *data;
    size_t      rank, shape[3], n;
} catcher;

static void catch (void *user, const wa_quantity *q)
{
    catcher *const c = user;

    if (strcmp(q->name, c->name) != 0)
        return;
    c->rank = q->rank;
    c->n    = 1;
    for (size_t i = 0; i < q->rank; i++)
        c->n *= c->shape[i] = q->shape[i];
    ck_assert_ptr_nonnull(c->data = malloc(c->n * sizeof *c->data));
    memcpy(c->data, q->data, c->n * sizeof *c->data);
}

/* The quantity of a run over a text; its data is malloc'ed. */
static catcher run_and_catch(const char *yaml, const char *const *sets, const char *text, const char *name)
{
    catcher           c       = { .name = name };
    wa_model *const   model   = open_yaml(yaml, sets);
    wa_session *const session = new_session(model);
    wa_error          err;

    wa_session_observe(session, catch, &c);
    ck_assert_msg(wa_run(session, wa_text_of(text), NULL, &err) == WA_OK, "%s", err.message);
    ck_assert_msg(c.data != NULL, "%s was not shown", name);
    wa_session_free(session);
    wa_model_close(model);
    return c;
}

static void assert_same_bits(const catcher *a, const catcher *b)
{
    ck_assert_uint_eq(a->n, b->n);
    ck_assert_mem_eq(a->data, b->data, a->n * sizeof *a->data);
}

/* ---------------------------------------------------------------- attention */

START_TEST(masked_weights_are_exactly_zero_and_rows_sum_to_one)
{
    const catcher w = run_and_catch(small_model_yaml, NULL, "the cat sat", "attention.0.weights");

    ck_assert_uint_eq(w.rank, 3);
    ck_assert_uint_eq(w.shape[1], 4); /* the start word and three */
    for (size_t h = 0; h < 2; h++) {
        for (size_t t = 0; t < 4; t++) {
            double sum = 0;

            for (size_t s = 0; s < 4; s++) {
                const float x = w.data[(h * 4 + t) * 4 + s];

                if (s > t)
                    ck_assert(x == 0.0f && !signbit(x));
                sum += (double)x;
            }
            ck_assert_double_eq_tol(sum, 1.0, 1e-6); /* four floats of at most half an ulp of 1 each */
        }
    }
    free(w.data);
}
END_TEST

START_TEST(later_words_do_not_change_the_output_of_earlier_ones)
{
    const catcher short_run = run_and_catch(small_model_yaml, NULL, "the cat", "norm.1.output");
    const catcher long_run  = run_and_catch(small_model_yaml, NULL, "the cat sat on", "norm.1.output");

    ck_assert_mem_eq(short_run.data, long_run.data, short_run.n * sizeof(float));
    free(short_run.data);
    free(long_run.data);
}
END_TEST

#define PROJECTIONS(q, k, v)                                                                                                       \
    "weights: { values: { attention.0.query.weight: " q ", attention.0.key.weight: " k ", attention.0.value.weight: " v " } }\n"

/* Head 1 of two, each 3 wide, over four words and the start word. Leaving a sum of head 1 in place shows in its rows. */
START_TEST(a_masked_head_gives_exactly_zero_and_others_what_they_gave)
{
    const char *const sets[] = { "attention.0.mask_heads=[1]", NULL };
    const catcher     whole  = run_and_catch(small_model_yaml, NULL, "the cat sat on", "attention.0.heads");
    const catcher     masked = run_and_catch(small_model_yaml, sets, "the cat sat on", "attention.0.heads");
    const size_t      n      = masked.n / 2;
    const float       zero   = 0;

    ck_assert_uint_eq(masked.n, 2 * 5 * 3);
    ck_assert_mem_eq(masked.data, whole.data, n * sizeof *masked.data);
    for (size_t i = n; i < masked.n; i++) {
        ck_assert_mem_eq(&masked.data[i], &zero, sizeof zero);
        ck_assert(whole.data[i] != 0);
    }
    free(whole.data);
    free(masked.data);
}
END_TEST

START_TEST(masked_heads_are_heads_and_named_once)
{
    const char *const        beyond[] = { "attention.0.mask_heads=[2]", NULL },
                      *const twice[]  = { "attention.0.mask_heads=[1, 0, 1]", NULL },
                      *const word[]   = { "attention.0.mask_heads=[one]", NULL },
                      *const all[]    = { "attention.0.mask_heads=[1, 0]", NULL };

    refuse_yaml(small_model_yaml, beyond, WA_ECONFIG,
                "--set 1: attention.mask_heads names head 2, and with 2 heads they are counted from 0 to 1");
    refuse_yaml(small_model_yaml, twice, WA_ECONFIG, "--set 1: attention.mask_heads names head 1 twice");
    refuse_yaml(small_model_yaml, word, WA_ECONFIG, "mask_heads: found 'one', expected a list of whole numbers from 0 to 1023");
    wa_model_close(open_yaml(small_model_yaml, all));
}
END_TEST

/* What changes an answer must change the fingerprint, as --resume and `merge` go by it. */
START_TEST(a_masked_head_makes_another_model)
{
    const char *const sets[] = { "attention.0.mask_heads=[1]", NULL };
    wa_model *const whole = open_yaml(small_model_yaml, NULL), *const masked = open_yaml(small_model_yaml, sets);
    uint64_t a, b;

    ck_assert_int_eq(wa_model_fingerprint(whole, &a, NULL), WA_OK);
    ck_assert_int_eq(wa_model_fingerprint(masked, &b, NULL), WA_OK);
    ck_assert_uint_ne(a, b);
    wa_model_close(whole);
    wa_model_close(masked);
}
END_TEST

START_TEST(weights_per_head_are_the_same_as_stacked_ones)
{
    static const char stage[] = VECTORS INPUT "pipeline: [ embed: {}, attention: { heads: 2, head_dim: 1, mask: none, "
                                              "output_projection: false } ]\n";
    char                                stacked[2048], per_head[2048];

    snprintf(stacked, sizeof stacked, "%s%s", stage,
             PROJECTIONS("[[1, 2, 3, 4], [5, 6, 7, 8]]", "[[1, 0, 1, 0], [0, 1, 0, 1]]", "[[2, 1, 2, 1], [1, 1, 1, 1]]"));
    snprintf(per_head, sizeof per_head, "%s%s", stage,
             PROJECTIONS("[[[1, 2, 3, 4]], [[5, 6, 7, 8]]]", "[[[1, 0, 1, 0]], [[0, 1, 0, 1]]]", "[[2, 1, 2, 1], [1, 1, 1, 1]]"));
    const catcher a = run_and_catch(stacked, NULL, "a b c", "attention.0.output");
    const catcher b = run_and_catch(per_head, NULL, "a b c", "attention.0.output");
    assert_same_bits(&a, &b);
    free(a.data);
    free(b.data);
}
END_TEST

START_TEST(weights_of_a_type_that_is_none_are_named_for_slices_too)
{
    static const char header[]  = "{\"attention.0.query.weight\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}";
    char              file[256] = { (char)(sizeof header - 1) }, yaml[1024];

    memcpy(file + 8, header, sizeof header - 1);
    snprintf(yaml, sizeof yaml,
             "%spipeline: [ embed: {}, attention: { heads: 2, head_dim: 2, input: slice, output_projection: false } ]\n"
             "weights: { file: '%s' }\n",
             VECTORS INPUT, scratch_file("i32.safetensors", file, 8 + sizeof header - 1 + 16));
    refuse_yaml(yaml, NULL, WA_EMODEL, "tensor 'attention.0.query.weight' has the type I32, expected F32, F64, F16 or BF16");
}
END_TEST

START_TEST(a_slice_matrix_shared_by_all_heads_is_the_same_as_one_for_each)
{
    static const char stage[] =
        VECTORS       INPUT "pipeline: [ embed: {}, attention: { heads: 2, head_dim: 2, mask: none, input: slice, "
                            "output_projection: false } ]\n";
    char              shared[2048], repeated[2048];

    snprintf(shared, sizeof shared, "%s%s", stage, PROJECTIONS("[[1, 2], [3, 4]]", "[[0, 1], [1, 0]]", "[[1, 1], [2, 0]]"));
    snprintf(repeated, sizeof repeated, "%s%s", stage,
             PROJECTIONS("[[[1, 2], [3, 4]], [[1, 2], [3, 4]]]", "[[[0, 1], [1, 0]], [[0, 1], [1, 0]]]",
                         "[[[1, 1], [2, 0]], [[1, 1], [2, 0]]]"));
    const catcher a = run_and_catch(shared, NULL, "a b c", "attention.0.output");
    const catcher b = run_and_catch(repeated, NULL, "a b c", "attention.0.output");
    assert_same_bits(&a, &b);
    free(a.data);
    free(b.data);
}
END_TEST

START_TEST(heads_must_divide_the_width_they_slice)
{
    refuse_yaml(VECTORS INPUT RANDOM "pipeline:\n  - embed: {}\n  - attention:\n      heads: 3\n      input: slice\n", NULL,
                WA_ECONFIG, "model.yaml:7:14: attention.heads is 3, and 4 is not a multiple of 3");
}
END_TEST

START_TEST(without_projections_the_head_width_must_be_what_a_head_reads)
{
    refuse_yaml(VECTORS INPUT "pipeline: [ embed: {}, attention: { projections: none, head_dim: 3, output_projection: false } ]\n",
                NULL, WA_ECONFIG, "attention.head_dim is 3, and without projections it must be the width that a head reads, 4");
}
END_TEST

START_TEST(biases_of_queries_keys_and_values_are_there_together_or_not_at_all)
{
    static const char none[] =
        VECTORS       INPUT "pipeline: [ embed: {}, attention: { heads: 1, head_dim: 1, output_projection: false } ]\n" PROJECTIONS(
                  "[[1, 2, 3, 4]]", "[[1, 2, 3, 4]]", "[[1, 2, 3, 4]]");
    static const char *const one[] = { "weights.values.attention.0.query.bias=[1]", NULL };

    wa_model_close(open_yaml(none, NULL));
    refuse_yaml(none, one, WA_EMODEL, "tensor 'attention.0.key.bias' is missing, expected with the shape [1] or [1, 1]");
}
END_TEST

/* ---------------------------------------------------------------- add_norm, feed_forward, vocabulary */

START_TEST(a_residual_needs_equal_widths)
{
    refuse_yaml(VECTORS INPUT RANDOM
                "pipeline:\n  - embed: {}\n  - attention: { heads: 1, head_dim: 2, output_projection: false }\n  - add_norm: {}\n",
                NULL, WA_ECONFIG, "add_norm cannot add the input of attention, 4 wide, to its output, 2 wide");
    refuse_yaml(VECTORS INPUT RANDOM "pipeline: [ embed: {}, add_norm: {} ]\n", NULL, WA_ECONFIG, "add_norm follows embed");
}
END_TEST

START_TEST(one_word_works_where_everything_is_normalised_over_words)
{
    const catcher out =
        run_and_catch(VECTORS INPUT RANDOM "pipeline: [ embed: {}, attention: { heads: 1, head_dim: 4, softmax_over: matrix }, "
                                           "add_norm: { over: tokens, eps: 0 } ]\n",
                      NULL, "a", "norm.0.output");

    for (size_t i = 0; i < out.n; i++) /* one word is its own mean: only the bias is left, drawn from [-1, 1) */
        ck_assert(isfinite(out.data[i]) && fabsf(out.data[i]) <= 1.0f);
    free(out.data);
}
END_TEST

START_TEST(feed_forward_is_two_linear_maps_with_an_activation_between)
{
    static const char yaml[] = VECTORS INPUT
        "pipeline: [ embed: { scale: 1 }, feed_forward: { width: 2, activation: relu } ]\n"
        "weights: { values: { feed_forward.0.up.weight: [[1, 0, 0, 0], [0, 0, 0, -1]], feed_forward.0.up.bias: [0.5, 1],\n"
        "  feed_forward.0.down.weight: [[1, 2], [3, 4], [5, 6], [7, 8]], feed_forward.0.down.bias: [0, 0, 0, 100] } }\n";
    static const char *const gelu[] = { "feed_forward.0.activation=gelu", NULL };
    /* a = [1, 2, 3, 4]: up gives [1.5, -3]; relu [1.5, 0]; down [1.5, 4.5, 7.5, 110.5], by hand */
    static const float expected[] = { 1.5f, 4.5f, 7.5f, 110.5f };
    const catcher      out        = run_and_catch(yaml, NULL, "a", "feed_forward.0.output");
    const catcher      hidden     = run_and_catch(yaml, gelu, "a", "feed_forward.0.hidden");

    ck_assert_mem_eq(out.data, expected, sizeof expected);
    for (size_t i = 0; i < 2; i++) {
        const double x = i ? -3.0 : 1.5;

        ck_assert_double_eq_tol((double)hidden.data[i], 0.5 * x * (1 + erf(x / sqrt(2.0))), 1e-7); /* rounded to float once */
    }
    free(out.data);
    free(hidden.data);
}
END_TEST

START_TEST(temperature_divides_the_logits)
{
    static const char *const half[] = { "vocabulary.0.temperature=0.5", NULL };
    const catcher            plain  = run_and_catch(small_model_yaml, NULL, "cat", "vocabulary.logits");
    const catcher            hot    = run_and_catch(small_model_yaml, half, "cat", "vocabulary.logits");

    for (size_t i = 0; i < plain.n; i++)
        ck_assert_float_eq(hot.data[i], plain.data[i] * 2.0f); /* a power of two: exact */
    free(plain.data);
    free(hot.data);
}
END_TEST

START_TEST(tied_weights_are_the_vectors)
{
    const catcher logits =
        run_and_catch(VECTORS INPUT "pipeline: [ embed: { scale: 1 }, vocabulary: { tied: true, bias: false } ]\n", NULL, "a",
                      "vocabulary.logits");
    static const float expected[] = { 30.0f, 7.25f, 2.0f }; /* a.a, b.a, c.a by hand */

    ck_assert_mem_eq(logits.data, expected, sizeof expected);
    free(logits.data);
}
END_TEST

START_TEST(the_vocabulary_can_be_the_words_of_the_input_or_of_a_file)
{
    static const char yaml[] = VECTORS "input: [ 'c a c', 'a b' ]\npipeline: [ embed: {}, vocabulary: { words: input } ]\n" RANDOM;
    char              set[512];
    const char       *sets[] = { set, NULL };

    wa_model *model = open_yaml(yaml, NULL);
    ck_assert_uint_eq(wa_model_vocabulary(model), 3);
    ck_assert(wa_text_is(wa_model_word(model, 0), "c"));
    ck_assert(wa_text_is(wa_model_word(model, 2), "b"));
    wa_model_close(model);

    snprintf(set, sizeof set, "vocabulary.0.words=%s", scratch_file("words.txt", "zebra\nb\n", 8));
    model = open_yaml(yaml, sets);
    ck_assert_uint_eq(wa_model_find(model, wa_text_of("zebra")), 0);
    ck_assert_uint_eq(wa_model_find(model, wa_text_of("a")), WA_NONE);
    wa_model_close(model);

    snprintf(set, sizeof set, "vocabulary.0.words=%s", scratch_file("twice.txt", "b\nb\n", 4));
    refuse_yaml(yaml, sets, WA_EFORMAT, "twice.txt:2: the word 'b' stands here a second time");
}
END_TEST

START_TEST(positions_keep_to_what_sine_can_do)
{
    static const char *const far_away[] = { "positional.0.start=1e18", NULL }, *const small_base[] = { "positional.0.base=1e-300",
                                                                                                       NULL };

    refuse_yaml(small_model_yaml, far_away, WA_ECONFIG, "positional.start: found '1e18', expected a number from -100000 to 100000");
    refuse_yaml(small_model_yaml, small_base, WA_ECONFIG, "positional.base: found '1e-300', expected a number from 1 on");
}
END_TEST

START_TEST(empty_lines_are_no_words)
{
    char        set[512];
    const char *sets[] = { set, NULL };

    snprintf(set, sizeof set, "vocabulary.0.words=%s", scratch_file("gap.txt", "a\n\nb\n", 5));
    refuse_yaml(VECTORS INPUT RANDOM "pipeline: [ embed: {}, vocabulary: {} ]\n", sets, WA_EFORMAT,
                "gap.txt:2: found an empty line");
}
END_TEST

/* ---------------------------------------------------------------- the list */

START_TEST(the_order_of_stages_is_checked)
{
    refuse_yaml(VECTORS INPUT RANDOM "pipeline: [ positional: {} ]\n", NULL, WA_ECONFIG, "the pipeline begins with positional");
    refuse_yaml(VECTORS INPUT RANDOM "pipeline: [ embed: {}, positional: {}, positional: {} ]\n", NULL, WA_ECONFIG,
                "a second positional; a pipeline has one at most");
    refuse_yaml(VECTORS INPUT RANDOM "pipeline: [ embed: {}, vocabulary: {}, positional: {} ]\n", NULL, WA_ECONFIG,
                "vocabulary is not the last stage");
    refuse_yaml(VECTORS INPUT "pipeline: []\n", NULL, WA_ECONFIG, "the pipeline has no stage");
}
END_TEST

START_TEST(missing_superfluous_and_misshapen_tensors_are_named_at_once)
{
    static const char yaml[] =
        VECTORS       INPUT "pipeline: [ embed: {}, attention: { heads: 1, head_dim: 1, output_projection: false } ]\n"
                            "weights: { values: { attention.0.query.weight: [[1, 2, 3]], attention.0.key.weight: [[1, 2, 3, 4]], "
                            "attention.0.kye.weight: [1] } }\n";

    refuse_yaml(yaml, NULL, WA_EMODEL, "tensor 'attention.0.query.weight' has the shape [1, 3], expected [1, 4] or [1, 1, 4]");
    refuse_yaml(yaml, NULL, WA_EMODEL, "tensor 'attention.0.value.weight' is missing");
    refuse_yaml(yaml, NULL, WA_EMODEL, "tensor 'attention.0.kye.weight' is used by no stage");
}
END_TEST

START_TEST(random_weights_do_not_depend_on_other_stages)
{
    const catcher one = run_and_catch(VECTORS INPUT RANDOM "pipeline: [ embed: {}, attention: { heads: 1, head_dim: 4 } ]\n", NULL,
                                      "a b", "attention.0.output");
    const catcher two =
        run_and_catch(VECTORS INPUT RANDOM "pipeline: [ embed: {}, attention: { heads: 1, head_dim: 4 }, add_norm: {}, "
                                           "feed_forward: {}, vocabulary: {} ]\n",
                      NULL, "a b", "attention.0.output");

    assert_same_bits(&one, &two);
    free(one.data);
    free(two.data);
}
END_TEST

Suite *wa_suite_stages(void)
{
    Suite *const suite = suite_create("model/stages");
    TCase *const tests = new_case("stages");

    tcase_add_test(tests, masked_weights_are_exactly_zero_and_rows_sum_to_one);
    tcase_add_test(tests, later_words_do_not_change_the_output_of_earlier_ones);
    tcase_add_test(tests, a_masked_head_gives_exactly_zero_and_others_what_they_gave);
    tcase_add_test(tests, masked_heads_are_heads_and_named_once);
    tcase_add_test(tests, a_masked_head_makes_another_model);
    tcase_add_test(tests, weights_per_head_are_the_same_as_stacked_ones);
    tcase_add_test(tests, a_slice_matrix_shared_by_all_heads_is_the_same_as_one_for_each);
    tcase_add_test(tests, weights_of_a_type_that_is_none_are_named_for_slices_too);
    tcase_add_test(tests, positions_keep_to_what_sine_can_do);
    tcase_add_test(tests, empty_lines_are_no_words);
    tcase_add_test(tests, heads_must_divide_the_width_they_slice);
    tcase_add_test(tests, without_projections_the_head_width_must_be_what_a_head_reads);
    tcase_add_test(tests, biases_of_queries_keys_and_values_are_there_together_or_not_at_all);
    tcase_add_test(tests, a_residual_needs_equal_widths);
    tcase_add_test(tests, one_word_works_where_everything_is_normalised_over_words);
    tcase_add_test(tests, feed_forward_is_two_linear_maps_with_an_activation_between);
    tcase_add_test(tests, temperature_divides_the_logits);
    tcase_add_test(tests, tied_weights_are_the_vectors);
    tcase_add_test(tests, the_vocabulary_can_be_the_words_of_the_input_or_of_a_file);
    tcase_add_test(tests, the_order_of_stages_is_checked);
    tcase_add_test(tests, missing_superfluous_and_misshapen_tensors_are_named_at_once);
    tcase_add_test(tests, random_weights_do_not_depend_on_other_stages);
    suite_add_tcase(suite, tests);
    return suite;
}

/* Ranking without probabilities (words_only) against ranking with them: the same words, in the same order, with the same logits,
 * bit for bit, or the same failure. docs/MODEL.md, "Certified ranking", says why that holds; the vocabularies here are those on
 * which a bound that is a little too small, a tie that is broken elsewhere or a number out of range would show. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "made_model.h"
#include "math/kernels.h"
#include "model/screen.h"
#include "suites.h"

/* ---------------------------------------------------------------- vocabularies */

static float draw(wa_rng *rng)
{
    return wa_rng_uniform(rng, -1, 1);
}

/* Random rows and biases, which most vocabularies begin with. */
static void random_rows(made_model *m, wa_rng *rng)
{
    for (size_t i = 0; i < m->N * m->D; i++)
        m->weight[i] = draw(rng);
    for (size_t j = 0; j < m->N; j++)
        m->bias[j] = draw(rng);
}

static void all_zero(made_model *m, wa_rng *rng)
{
    (void)m;
    (void)rng;
}

static void copy_row(made_model *m, size_t to, size_t from)
{
    memmove(m->weight + to * m->D, m->weight + from * m->D, m->D * sizeof(float));
    m->bias[to] = m->bias[from];
}

static void all_rows_equal(made_model *m, wa_rng *rng)
{
    random_rows(m, rng);
    for (size_t j = 1; j < m->N; j++)
        copy_row(m, j, 0);
}

/* Three equal rows at a time, some of them on both sides of a panel of 32 words or of a chunk of 512. */
static void groups_of_equal_rows(made_model *m, wa_rng *rng)
{
    random_rows(m, rng);
    for (size_t j = 0; j < m->N; j++)
        copy_row(m, j, (j + 2) / 3 * 3 < m->N ? (j + 2) / 3 * 3 : j);
}

/* The second half repeats the first: equal logits are far apart. */
static void halves_that_repeat(made_model *m, wa_rng *rng)
{
    random_rows(m, rng);
    for (size_t j = 0; j < m->N / 2; j++)
        copy_row(m, m->N - 1 - j, j);
}

static void scale_row(made_model *m, size_t j, float by)
{
    for (size_t d = 0; d < m->D; d++)
        m->weight[j * m->D + d] *= by;
    m->bias[j] *= by;
}

/* Norms of 1e30, 1, 1e-30 and below what a normal float holds. */
static void huge_and_tiny_norms(made_model *m, wa_rng *rng)
{
    static const float scales[] = { 1.0f, 1e-30f, 1e30f, 1e-42f, 0.0f };

    random_rows(m, rng);
    for (size_t j = 0; j < m->N; j++)
        scale_row(m, j, scales[wa_rng_next(rng) % 5]);
}

/* Nothing is a normal number: steps of 2^-149 show everywhere. */
static void subnormal_rows(made_model *m, wa_rng *rng)
{
    random_rows(m, rng);
    for (size_t j = 0; j < m->N; j++)
        scale_row(m, j, j % 2 ? 1e-42f : 3e-45f);
}

/* One element a row leaves the others no digit in 8 bits. */
static void one_huge_element_a_row(made_model *m, wa_rng *rng)
{
    random_rows(m, rng);
    for (size_t j = 0; j < m->N; j++)
        m->weight[j * m->D + wa_rng_next(rng) % m->D] *= 1e6f;
}

/* Few different biases, so large that the rest of the logit is rounded away or nearly so: ties that no product has. */
static void bias_dominates(made_model *m, wa_rng *rng)
{
    random_rows(m, rng);
    for (size_t j = 0; j < m->N; j++)
        m->bias[j] = (float)(wa_rng_next(rng) % 7) * (j % 2 ? 1e8f : 1e6f);
}

static void rising(made_model *m, wa_rng *rng)
{
    for (size_t d = 0; d < m->D; d++)
        m->weight[d] = draw(rng);
    for (size_t j = m->N; j-- > 0;) {
        copy_row(m, j, 0);
        scale_row(m, j, 1.0f + (float)j / (float)m->N);
        m->bias[j] = (float)j * 0x1p-10f;
    }
}

static void falling(made_model *m, wa_rng *rng)
{
    rising(m, rng);
    for (size_t j = 0; j < m->N; j++) {
        scale_row(m, j, -1.0f);
        m->bias[j] += 1.0f;
    }
}

/* Rows that differ in the last bits only: the 8-bit copy cannot tell them apart, and the logits differ by roundings. */
static void differ_in_the_last_bits(made_model *m, wa_rng *rng)
{
    all_rows_equal(m, rng);
    for (size_t i = 0; i < m->N * m->D; i++)
        m->weight[i] *= 1.0f + (float)(wa_rng_next(rng) % 3) * FLT_EPSILON;
}

/* Elements of one size, as many of them up as down: 8 bits hold each row exactly, and over an input whose elements are equal the
 * logit is nothing but the roundings of the chain. */
static void nothing_but_roundings(made_model *m, wa_rng *rng)
{
    for (size_t j = 0; j < m->N; j++) {
        float *const row  = m->weight + j * m->D;
        const float  size = wa_rng_uniform(rng, 0.5, 1);

        for (size_t d = 0; d < m->D; d++)
            row[d] = d % 2 ? size : -size;
        for (size_t d = m->D; d-- > 1;) { /* shuffled (Fisher & Yates) */
            const size_t other = wa_rng_next(rng) % (d + 1);
            const float  kept  = row[d];

            row[d]     = row[other];
            row[other] = kept;
        }
    }
}

/* Row j has D times the float j steps above 1, and the bias keeps every sum between 128 and 256. Over equal inputs a chain adds one
 * number again and again and rounds it the same way each time, so the logits are a staircase, and the first word of its highest
 * step, which wins by its index, has a product far below that of the last. */
static void staircase(made_model *m, wa_rng *rng)
{
    (void)rng;
    for (size_t i = 0; i < m->N * m->D; i++)
        m->weight[i] = 1.0f + (float)(i / m->D) * FLT_EPSILON;
    for (size_t j = 0; j < m->N; j++)
        m->bias[j] = 128.0f;
}

static void negative_zeros(made_model *m, wa_rng *rng)
{
    for (size_t i = 0; i < m->N * m->D; i++)
        m->weight[i] = wa_rng_next(rng) % 2 ? -0.0f : 0.0f;
    for (size_t j = 0; j < m->N; j++)
        m->bias[j] = wa_rng_next(rng) % 2 ? -0.0f : 0.0f;
}

/* Near the largest float: with some inputs and temperatures logits overflow, with others only a bound does. */
static void nearly_too_large(made_model *m, wa_rng *rng)
{
    random_rows(m, rng);
    for (size_t j = 0; j < m->N; j++)
        scale_row(m, j, wa_rng_next(rng) % 2 ? 1e37f : 1e33f);
}

/* One row makes a logit of -infinity with most inputs: the last word of the vocabulary, and still an error. */
static void one_row_overflows(made_model *m, wa_rng *rng)
{
    random_rows(m, rng);
    for (size_t d = 0; d < m->D; d++)
        m->weight[m->N / 2 * m->D + d] = d % 2 ? 3e38f : -3e38f;
    m->bias[m->N / 2] = -3e38f;
}

static void one_weight_is_infinite(made_model *m, wa_rng *rng)
{
    random_rows(m, rng);
    m->weight[m->N / 2 * m->D] = -INFINITY;
}

static void one_weight_is_no_number(made_model *m, wa_rng *rng)
{
    random_rows(m, rng);
    m->weight[m->N * m->D - 1] = NAN;
}

static void one_bias_is_infinite(made_model *m, wa_rng *rng)
{
    random_rows(m, rng);
    m->bias[m->N / 2] = -INFINITY;
}

typedef void filler(made_model *made, wa_rng *rng);

static const struct kind {
    const char *name;
    filler     *fill;
} kinds[] = {
#define KIND(name)                                                                                                                 \
    {                                                                                                                              \
#name, name                                                                                                                \
    }
    KIND(random_rows),
    KIND(all_zero),
    KIND(all_rows_equal),
    KIND(groups_of_equal_rows),
    KIND(halves_that_repeat),
    KIND(huge_and_tiny_norms),
    KIND(subnormal_rows),
    KIND(one_huge_element_a_row),
    KIND(bias_dominates),
    KIND(rising),
    KIND(falling),
    KIND(differ_in_the_last_bits),
    KIND(nothing_but_roundings),
    KIND(staircase),
    KIND(negative_zeros),
    KIND(nearly_too_large),
    KIND(one_row_overflows),
    KIND(one_weight_is_infinite),
    KIND(one_weight_is_no_number),
    KIND(one_bias_is_infinite),
#undef KIND
};

/* Around the sizes of a panel (32) and of a chunk (512), and large enough for a screening to be worth it. */
static const size_t sizes[]  = { 1, 31, 33, 511, 513, 1000, 2600, 5000 };
static const size_t widths[] = { 1, 7, 56, 224, 225 };

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---------------------------------------------------------------- inputs */

enum { N_INPUTS = 6 };

/* Element d of input i. */
static float input_element(size_t i, size_t d, size_t D, wa_rng *rng)
{
    const float x = draw(rng);

    switch (i) {
    case 0:
        return x;
    case 1: /* one huge element */
        return d == D / 2 ? 1e4f : x * 0.01f;
    case 2:
        return 0.0f;
    case 3:
        return x * 1e-30f;
    case 4: /* all equal, and no short binary fraction */
        return 1.0f / 3.0f;
    default:
        return x * 1e3f;
    }
}

static void fill_inputs(made_model *made, wa_rng *rng)
{
    for (size_t i = 0; i < N_INPUTS; i++)
        for (size_t d = 0; d < made->D; d++)
            made->inputs[i * made->D + d] = input_element(i, d, made->D, rng);
}

/* ---------------------------------------------------------------- comparing */

typedef struct pair {
    wa_session *exact, *quick, *shared; /* the last by three threads, which must find as many words worth computing as one */
    const char *what;                   /* for messages */
    size_t      N, D;
} pair;

static void assert_same_prediction(const pair *p, const wa_prediction *a, const wa_prediction *b, size_t place)
{
    const bool is_same = a->index == b->index && memcmp(&a->logit, &b->logit, sizeof a->logit) == 0 && a->word.data == b->word.data;

    if (!is_same || !isnan(b->logprob) || !isnan(b->prob)) /* an assertion that holds takes longer than ranking a word */
        ck_abort_msg("%s, N %zu, D %zu: place %zu is word %zu (%.9g), expected word %zu (%.9g)", p->what, p->N, p->D, place + 1,
                     b->index, (double)b->logit, a->index, (double)a->logit);
}

/* That `quick` is the first words of `exact`, at most k. */
static void assert_first_words(const pair *p, const wa_ranking *exact, const wa_ranking *quick, size_t k)
{
    ck_assert_uint_eq(quick->n_next, exact->n_next < k ? exact->n_next : k);
    for (size_t i = 0; i < quick->n_next; i++)
        assert_same_prediction(p, &exact->next[i], &quick->next[i], i);
    ck_assert_uint_ge(quick->n_computed, quick->n_next < p->N ? quick->n_next : p->N);
    ck_assert_uint_le(quick->n_computed, p->N);
}

static void assert_same_failure(const pair *p, wa_status exact, const wa_error *said, wa_status quick, const wa_error *also)
{
    ck_assert_msg(quick == exact, "%s, N %zu, D %zu: status %d, expected %d", p->what, p->N, p->D, (int)quick, (int)exact);
    if (exact != WA_OK)
        ck_assert_str_eq(also->message, said->message);
}

/* Ranks a text with the options, exactly and with words_only, and compares. Returns whether there was a ranking, left in *exact. */
static bool compare(const pair *p, wa_text text, wa_rank_opts opts, wa_ranking *exact)
{
    wa_ranking quick;
    wa_error   said, also;

    const wa_status st = wa_rank(p->exact, text, &opts, exact, &said);
    opts.words_only    = true;
    assert_same_failure(p, st, &said, wa_rank(p->quick, text, &opts, &quick, &also), &also);
    if (st != WA_OK)
        return false;
    assert_first_words(p, exact, &quick, WA_NONE);
    return true;
}

/* The first k of the exact ranking `exact` of a text, for some k, by wa_rank() and word by word. */
static void compare_beginnings(const pair *p, const wa_model *model, wa_text text, const wa_ranking *exact)
{
    static const size_t some[]  = { 1, 10, 32, WA_NONE };
    wa_context         *context = NULL;
    wa_ranking          quick, shared;

    for (size_t i = 0; i < LENGTH(some); i++) {
        const wa_rank_opts opts = { .k = some[i], .words_only = true };

        ck_assert_int_eq(wa_rank(p->quick, text, &opts, &quick, NULL), WA_OK);
        assert_first_words(p, exact, &quick, some[i]);
        ck_assert_int_eq(wa_rank(p->shared, text, &opts, &shared, NULL), WA_OK);
        ck_assert_msg(shared.n_computed == quick.n_computed, "%s, N %zu, D %zu, k %zu: three threads compute %zu words, one %zu",
                      p->what, p->N, p->D, some[i], shared.n_computed, quick.n_computed);
    }
    ck_assert_int_eq(wa_context_new(model, &context, NULL), WA_OK);
    ck_assert_int_eq(wa_feed(p->quick, context, text, NULL, NULL), WA_OK);
    ck_assert_int_eq(wa_rank_next(p->quick, context, &(wa_rank_opts){ .words_only = true }, &quick, NULL), WA_OK);
    assert_first_words(p, exact, &quick, 10);
    wa_context_free(context);
}

/* Candidates out of order, one of them twice, and a prefix; each of some words and of fewer than are asked for. */
static void compare_choices(const pair *p, wa_text text)
{
    size_t     chosen[100], n = 0;
    wa_ranking ignored;

    for (size_t i = p->N; i-- > 0 && n < LENGTH(chosen) - 1; i -= i < 2 ? i : 2)
        chosen[n++] = i;
    chosen[n] = chosen[n / 2];
    compare(p, text, (wa_rank_opts){ .k = 3, .candidates = chosen, .n_candidates = n + 1 }, &ignored);
    compare(p, text, (wa_rank_opts){ .k = 300, .candidates = chosen, .n_candidates = n + 1 }, &ignored);
    compare(p, text, (wa_rank_opts){ .k = 3, .prefix = wa_text_of("w1") }, &ignored);
    compare(p, text, (wa_rank_opts){ .k = 9, .candidates = chosen, .n_candidates = n, .prefix = wa_text_of("w3") }, &ignored);
    compare(p, text, (wa_rank_opts){ .prefix = wa_text_of("v") }, &ignored);
}

static void compare_many(const pair *p, const wa_text *texts)
{
    const wa_rank_opts exactly = { .k = 10 }, quickly = { .k = 10, .words_only = true };
    wa_ranking         exact[N_INPUTS], quick[N_INPUTS];
    size_t             n_exact, n_quick;
    wa_error           said, also;

    const wa_status st = wa_rank_many(p->exact, texts, N_INPUTS, &exactly, exact, &n_exact, &said);
    assert_same_failure(p, st, &said, wa_rank_many(p->quick, texts, N_INPUTS, &quickly, quick, &n_quick, &also), &also);
    ck_assert_uint_eq(n_quick, n_exact);
    for (size_t i = 0; i < n_exact; i++)
        assert_first_words(p, &exact[i], &quick[i], 10);
}

static void compare_all(const made_model *made, const char *what)
{
    static const wa_text texts[N_INPUTS] = { { "x0", 2 }, { "x1", 2 }, { "x2", 2 }, { "x3", 2 }, { "x4", 2 }, { "x5", 2 } };
    wa_model *const      model           = made_model_open(made);
    const pair           p               = { new_session(model), new_session(model), new_session(model), what, made->N, made->D };
    wa_ranking           exact;

    ck_assert_int_eq(wa_session_threads(p.shared, 3, NULL), WA_OK);
    for (size_t i = 0; i < N_INPUTS; i++) {
        if (i < 2) /* saves time only */
            compare_choices(&p, texts[i]);
        if (compare(&p, texts[i], (wa_rank_opts){ .k = WA_NONE }, &exact))
            compare_beginnings(&p, model, texts[i], &exact);
    }
    compare_many(&p, texts);
    wa_session_free(p.exact);
    wa_session_free(p.quick);
    wa_session_free(p.shared);
    wa_model_close(model);
}

/* ---------------------------------------------------------------- the tests */

/* One kind of vocabulary and one N a test; each width with another type of weights and another temperature, so that all meet. */
START_TEST(words_alone_are_those_of_the_exact_ranking)
{
    static const double      temperatures[] = { 1, 0.01, 100 };
    const struct kind *const kind           = &kinds[(size_t)_i / LENGTH(sizes)];
    wa_rng                   rng            = wa_rng_named(3, wa_text_of(kind->name));

    for (size_t w = 0; w < LENGTH(widths); w++) {
        const size_t N    = sizes[(size_t)_i % LENGTH(sizes)];
        const size_t turn = (size_t)_i + w;

        if (N == 5000 && widths[w] != 7 && widths[w] != 56) /* saves time only: the wide ones have been at N 2600 */
            continue;
        made_model made = made_model_new(N, widths[w], N_INPUTS);
        kind->fill(&made, &rng);
        fill_inputs(&made, &rng);
        made.is_bf16     = turn % 2;
        made.temperature = temperatures[turn % 3];
        compare_all(&made, kind->name);
        made_model_clear(&made);
    }
}
END_TEST

/* What fails is the same without probabilities: here the one logit that is not finite would have been the last of the ranking. */
START_TEST(a_logit_that_overflows_is_an_error_wherever_it_would_stand)
{
    made_model made = made_model_new(513, 7, N_INPUTS);
    wa_rng     rng  = wa_rng_named(4, wa_text_of("overflow"));
    wa_ranking ranking;
    wa_error   err;

    random_rows(&made, &rng);
    fill_inputs(&made, &rng);
    made.weight[500 * made.D]  = -3e38f;
    made.inputs[0]             = 10;
    wa_model *const    model   = made_model_open(&made);
    wa_session *const  session = new_session(model);
    const wa_rank_opts opts    = { .k = 1, .words_only = true };
    ck_assert_int_eq(wa_rank(session, wa_text_of("x0"), &opts, &ranking, &err), WA_EMODEL);
    ck_assert_ptr_nonnull(strstr(err.message, "the logits after word 1 are not finite"));
    ck_assert_int_eq(wa_rank(session, wa_text_of("x2"), &opts, &ranking, &err), WA_OK); /* zeros */
    wa_session_free(session);
    wa_model_close(model);
    made_model_clear(&made);
}
END_TEST

/* ---------------------------------------------------------------- how many are computed */

/* upper [N padded to panels]: the upper bounds of the logits after an input, as the model's own screen makes them. */
static void find_upper_bounds(const made_model *made, const float *input, float *upper)
{
    const wa_rows   rows   = { .data = made->weight, .n_rows = made->N, .n_inner = made->D, .bias = made->bias };
    const size_t    stride = wa_panel_count(made->N) * WA_PANEL;
    float *const    lower  = malloc(stride * sizeof *lower);
    wa_arena        arena  = { 0 };
    wa_screen      *screen = NULL;
    const wa_codes *codes  = NULL;
    wa_probes       probe;

    ck_assert_int_eq(wa_screen_new(&rows, NULL, &screen, NULL), WA_OK);
    ck_assert_ptr_nonnull(codes = wa_screen_prepare(screen, NULL));
    ck_assert_int_eq(wa_screen_probe(screen, NULL, &arena, input, 1, &probe, NULL), WA_OK);
    wa_kernels_ref.bound(upper, lower, stride, &probe, 1, codes, 0, wa_panel_count(made->N));
    wa_arena_clear(&arena);
    wa_screen_free(screen);
    free(lower);
}

static int descending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x < y) - (x > y);
}

/* How many words have an upper bound that reaches the least logit of the k words with the largest upper bounds, given the exact
 * ranking of all. */
static size_t count_expected(const made_model *made, const wa_ranking *exact, const float *upper, size_t k)
{
    float *const sorted = malloc(made->N * sizeof *sorted);
    float        least  = INFINITY;
    size_t       n      = 0;

    memcpy(sorted, upper, made->N * sizeof *sorted);
    qsort(sorted, made->N, sizeof *sorted, descending);
    for (size_t i = 0; i < made->N; i++)
        if (upper[exact->next[i].index] >= sorted[k - 1])
            least = fminf(least, exact->next[i].logit);
    for (size_t i = 0; i < made->N; i++)
        n += upper[i] >= least;
    free(sorted);
    return n;
}

START_TEST(no_more_words_are_computed_than_the_best_of_the_bounds_ask_for)
{
    made_model made = made_model_new(2600, 56, N_INPUTS);
    wa_rng     rng  = wa_rng_named(5, wa_text_of("computed"));
    float      upper[2624];
    wa_ranking exact, quick;

    random_rows(&made, &rng);
    fill_inputs(&made, &rng);
    wa_model *const   model = made_model_open(&made);
    wa_session *const first = new_session(model), *const second = new_session(model);
    const wa_rank_opts all = { .k = WA_NONE }, some = { .k = 10, .words_only = true };
    ck_assert_int_eq(wa_rank(first, wa_text_of("x0"), &all, &exact, NULL), WA_OK);
    ck_assert_int_eq(wa_rank(second, wa_text_of("x0"), &some, &quick, NULL), WA_OK);
    find_upper_bounds(&made, made.inputs, upper);
    ck_assert_uint_eq(quick.n_computed, count_expected(&made, &exact, upper, 10));
    wa_session_free(first);
    wa_session_free(second);
    wa_model_close(model);
    made_model_clear(&made);
}
END_TEST

Suite *wa_suite_certified(void)
{
    Suite *const suite = suite_create("model/certified");
    TCase *const tests = new_case("certified");

    tcase_set_timeout(tests, 600); /* products of numbers that are not normal take a hundred times as long */
    tcase_add_loop_test(tests, words_alone_are_those_of_the_exact_ranking, 0, (int)(LENGTH(kinds) * LENGTH(sizes)));
    tcase_add_test(tests, a_logit_that_overflows_is_an_error_wherever_it_would_stand);
    tcase_add_test(tests, no_more_words_are_computed_than_the_best_of_the_bounds_ask_for);
    suite_add_tcase(suite, tests);
    return suite;
}

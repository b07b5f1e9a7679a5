/* The kernels against the formulas of kernels.h, written out once more: in long double where a bound is meant, as the chain of
 * operations of the numeric contract where every bit is. Each test that takes `_i` runs for the plain kernels and for those of
 * this processor. */
#include "math/kernels.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/safetensors.h"
#include "suites.h"
#include "support.h"

#define N_ITEMS(list) (sizeof(list) / sizeof *(list))
#define UNTOUCHED     77777.0f /* between rows; nothing may write there */

static const wa_kernels *kernels_of(int i)
{
    return i == 0 ? &wa_kernels_ref : wa_kernels_choose();
}

/* n random floats in [-size, size), malloc'ed with no byte more, so that a sanitizer sees a step too far. */
static float *random_floats(wa_rng *rng, size_t n, double size)
{
    float *const x = malloc(n > 0 ? n * sizeof *x : 1);

    for (size_t i = 0; i < n; i++)
        x[i] = wa_rng_uniform(rng, -size, size);
    return x;
}

static float *filled(size_t n, float value)
{
    float *const x = malloc(n > 0 ? n * sizeof *x : 1);

    for (size_t i = 0; i < n; i++)
        x[i] = value;
    return x;
}

static bool is_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* ---------------------------------------------------------------- products */

typedef struct product {
    size_t T, D, O, y_stride, x_stride, w_stride;
    bool   has_bias;
} product;

static size_t span(size_t rows, size_t stride, size_t width)
{
    return rows > 0 ? (rows - 1) * stride + width : 0;
}

/* Every element is one chain of fmaf() over d, ascending, that begins with the bias. */
static void expect_product(const wa_kernels *kernels, product p, wa_rng *rng)
{
    const size_t n_y  = span(p.T, p.y_stride, p.O);
    float *const y    = filled(n_y, UNTOUCHED);
    float *const x    = random_floats(rng, span(p.T, p.x_stride, p.D), 2);
    float *const w    = random_floats(rng, span(p.O, p.w_stride, p.D), 2);
    float *const bias = random_floats(rng, p.O, 2);

    kernels->linear(y, p.y_stride, x, p.x_stride, w, p.w_stride, p.has_bias ? bias : NULL, p.T, p.D, p.O);
    for (size_t i = 0; i < n_y; i++) {
        const size_t t = i / p.y_stride, o = i % p.y_stride;
        float        sum = p.has_bias && o < p.O ? bias[o] : 0.0f;

        for (size_t d = 0; o < p.O && d < p.D; d++)
            sum = fmaf(x[t * p.x_stride + d], w[o * p.w_stride + d], sum);
        if (!is_bits(y[i], o < p.O ? sum : UNTOUCHED))
            ck_abort_msg("T %zu, D %zu, O %zu: y[%zu, %zu] is %a, expected %a", p.T, p.D, p.O, t, o, (double)y[i],
                         o < p.O ? (double)sum : (double)UNTOUCHED);
    }
    free(y);
    free(x);
    free(w);
    free(bias);
}

START_TEST(products_are_chains_of_fused_multiply_adds_in_every_shape)
{
    static const size_t Ts[] = { 1, 3 }, Ds[] = { 0, 1, 7, 56, 224, 225 }, Os[] = { 1, 7, 8, 9, 31 };
    wa_rng              rng = { 1 };

    for (size_t i = 0; i < N_ITEMS(Ts) * N_ITEMS(Ds) * N_ITEMS(Os) * 4; i++) {
        const size_t T = Ts[i / 4 % N_ITEMS(Ts)], D = Ds[i / 8 % N_ITEMS(Ds)], O = Os[i / 8 / N_ITEMS(Ds)];
        const size_t gap = i % 4 < 2 ? 0 : 1; /* rows that follow one another, and rows apart */

        expect_product(kernels_of(_i), (product){ T, D, O, O + 3 * gap, D + gap, D + 5 * gap, i % 2 == 0 }, &rng);
    }
    expect_product(kernels_of(_i), (product){ 0, 7, 9, 9, 7, 7, true }, &rng);
}
END_TEST

START_TEST(mixing_sums_rows_of_values_in_ascending_order)
{
    static const size_t shapes[][3] = { { 1, 1, 1 }, { 3, 7, 56 }, { 2, 0, 5 }, { 5, 5, 3 }, { 1, 300, 57 } }; /* T, S, E */
    wa_rng              rng         = { 2 };

    for (size_t i = 0; i < 2 * N_ITEMS(shapes); i++) {
        const size_t T = shapes[i / 2][0], S = shapes[i / 2][1], E = shapes[i / 2][2], y_stride = E + i % 2;
        float *const y       = filled(span(T, y_stride, E), UNTOUCHED);
        float *const weights = random_floats(&rng, T * S, 1), *const values = random_floats(&rng, S * E, 1);

        kernels_of(_i)->mix(y, y_stride, weights, values, T, S, E);
        for (size_t at = 0; at < span(T, y_stride, E); at++) {
            const size_t t = at / y_stride, e = at % y_stride;
            float        sum = e < E ? 0.0f : UNTOUCHED;

            for (size_t s = 0; e < E && s < S; s++)
                sum = fmaf(weights[t * S + s], values[s * E + e], sum);
            if (!is_bits(y[at], sum))
                ck_abort_msg("shape %zu: y[%zu, %zu] is %a, expected %a", i / 2, t, e, (double)y[at], (double)sum);
        }
        free(y);
        free(weights);
        free(values);
    }
}
END_TEST

/* ---------------------------------------------------------------- softmax */

static long double true_sum(const float *x, float max, size_t n)
{
    long double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += expl((long double)x[i] - (long double)max);
    return sum;
}

static float true_max(const float *x, size_t n)
{
    float max = -INFINITY;

    for (size_t i = 0; i < n; i++)
        max = fmaxf(max, x[i]);
    return max;
}

/* Bounds: the worst measured over these tests are 1.1e-7 for the logarithm of the sum and 1.2e-7, relative, for a probability; the
 * bounds are four times that. The exponent x - max is rounded to float before exp is taken, which costs up to 2^-24 |x - max| more,
 * relative. */
static void expect_softmax(const wa_kernels *kernels, const float *x, size_t n)
{
    const float         max   = true_max(x, n);
    const long double   sum   = true_sum(x, max, n);
    const wa_normaliser by    = kernels->normaliser(x, n);
    float *const        y     = filled(n, UNTOUCHED);
    double              total = 0;

    ck_assert(is_bits(by.max, max));
    ck_assert_double_le(fabs(by.log_sum - (double)logl(sum)), 4e-7);
    ck_assert_double_le(fabs(by.sum / (double)sum - 1), 4e-7);
    kernels->probabilities(y, x, by, n);
    for (size_t i = 0; i < n; i++) {
        const long double exponent = (long double)x[i] - (long double)max, truth = expl(exponent) / sum;
        const long double bound = truth * (4.5e-7L + 0x1p-24L * fabsl(exponent)) + 2 * (long double)FLT_TRUE_MIN;

        total += (double)y[i];
        if (x[i] == -INFINITY ? !is_bits(y[i], 0.0f) : !(fabsl((long double)y[i] - truth) <= bound))
            ck_abort_msg("y[%zu] of %zu is %a, expected %La", i, n, (double)y[i], truth);
        if (!is_bits(y[i], wa_probability(x[i], by)))
            ck_abort_msg("y[%zu] of %zu is not wa_probability()", i, n);
        const long double log_truth = exponent - logl(sum); /* where truth itself may be too small for a number */
        if (isfinite(x[i]) && fabsl((long double)wa_log_probability(x[i], by) - log_truth) > 4e-7L + 0x1p-24L * fabsl(log_truth))
            ck_abort_msg("the logarithm of y[%zu] of %zu is %g", i, n, (double)wa_log_probability(x[i], by));
    }
    ck_assert_double_le(fabs(total - 1), 1e-6);
    free(y);
}

START_TEST(a_softmax_is_the_true_one_whatever_the_length)
{
    static const size_t lengths[] = { 1, 2, 3, 15, 16, 17, 511, 512, 513, 1024, 1025, 30001 };
    static const double sizes[]   = { 0.01, 3, 60, 500 };
    wa_rng              rng       = { 3 };

    for (size_t i = 0; i < N_ITEMS(lengths); i++) {
        for (size_t j = 0; j < N_ITEMS(sizes); j++) {
            float *const x = random_floats(&rng, lengths[i], sizes[j]);

            expect_softmax(kernels_of(_i), x, lengths[i]);
            free(x);
        }
    }
}
END_TEST

START_TEST(masked_elements_and_whole_masked_chunks_are_exactly_zero)
{
    static const size_t masked[][2] = {
        { 0, 1 }, { 0, 512 }, { 512, 1024 }, { 1024, 1400 }, { 100, 1399 }, { 1, 1400 }, { 0, 1399 }
    };
    wa_rng rng = { 4 };

    for (size_t i = 0; i < N_ITEMS(masked); i++) {
        float *const x = random_floats(&rng, 1400, 5);

        for (size_t j = masked[i][0]; j < masked[i][1]; j++)
            x[j] = -INFINITY;
        expect_softmax(kernels_of(_i), x, 1400);
        free(x);
    }
}
END_TEST

START_TEST(a_single_element_has_probability_one)
{
    static const float values[] = { 0, 1e-45f, -3e38f, 3e38f, FLT_MAX, -FLT_MAX, 0.1f };

    for (size_t i = 0; i < N_ITEMS(values); i++) {
        const float         row[] = { -INFINITY, values[i], -INFINITY };
        const wa_normaliser by    = kernels_of(_i)->normaliser(row, 3);
        float               y[3];

        kernels_of(_i)->probabilities(y, row, by, 3);
        ck_assert(is_bits(y[0], 0.0f) && is_bits(y[1], 1.0f) && is_bits(y[2], 0.0f));
        ck_assert_float_eq(wa_log_probability(values[i], by), 0.0f);
    }
}
END_TEST

START_TEST(equal_elements_have_equal_probabilities)
{
    for (size_t n = 1; n <= 4096; n *= 2) { /* 1/n is exact */
        float *const        x  = filled(n, -12.5f);
        const wa_normaliser by = kernels_of(_i)->normaliser(x, n);

        kernels_of(_i)->probabilities(x, x, by, n); /* in place */
        ck_assert_double_eq(by.sum, (double)n);
        for (size_t i = 0; i < n; i++)
            if (!is_bits(x[i], 1.0f / (float)n))
                ck_abort_msg("%a of %zu", (double)x[i], n);
        free(x);
    }
}
END_TEST

START_TEST(the_largest_finite_numbers_are_safe)
{
    static const float rows[][4] = {
        { 3e38f, -3e38f, 0, 3e38f },
        { -3e38f, -3e38f, -3e38f, -3e38f },
        { FLT_MAX, -FLT_MAX, -INFINITY, 1 },
        { -3e38f, -INFINITY, -3e38f, -INFINITY },
    };
    static const float expected[][4] = {
        { 0.5f, 0, 0, 0.5f }, { 0.25f, 0.25f, 0.25f, 0.25f }, { 1, 0, 0, 0 }, { 0.5f, 0, 0.5f, 0 }
    };
    float wide[WA_CHUNK + 1], y[WA_CHUNK + 1];

    for (size_t i = 0; i < N_ITEMS(rows); i++) {
        const wa_normaliser by = kernels_of(_i)->normaliser(rows[i], 4);

        kernels_of(_i)->probabilities(y, rows[i], by, 4);
        ck_assert_mem_eq(y, expected[i], sizeof expected[i]);
    }
    for (size_t i = 0; i < WA_CHUNK; i++) /* two chunks whose maxima are as far apart as can be */
        wide[i] = -FLT_MAX;
    wide[WA_CHUNK]         = FLT_MAX;
    const wa_normaliser by = kernels_of(_i)->normaliser(wide, WA_CHUNK + 1);
    kernels_of(_i)->probabilities(y, wide, by, WA_CHUNK + 1);
    ck_assert(is_bits(y[0], 0.0f) && is_bits(y[WA_CHUNK], 1.0f));
}
END_TEST

/* In which chunk the largest element lies must not matter: it is moved through a row that falls, rises or is flat otherwise. */
START_TEST(a_softmax_does_not_depend_on_where_chunks_end)
{
    static const float slopes[] = { 0.0f, 0.05f, -0.05f };
    enum { N = 3 * WA_CHUNK + 5 };

    for (size_t i = 0; i < N_ITEMS(slopes); i++) {
        for (size_t peak = 0; peak < N; peak += 171) {
            float *const x = malloc(N * sizeof *x);

            for (size_t j = 0; j < N; j++)
                x[j] = slopes[i] * (float)j;
            x[peak] = 90;
            expect_softmax(kernels_of(_i), x, N);
            free(x);
        }
    }
}
END_TEST

/* What a longer, masked row gives is the same to the last bit: so a batch may pad its rows by whole chunks. */
START_TEST(masked_chunks_before_and_behind_change_no_bit)
{
    enum { N = 700 };
    wa_rng       rng = { 6 };
    float *const x   = random_floats(&rng, N, 8);
    float *const y   = filled(WA_CHUNK + N + 300, -INFINITY);

    memcpy(y + WA_CHUNK, x, N * sizeof *x);
    const wa_normaliser a = kernels_of(_i)->normaliser(x, N), b = kernels_of(_i)->normaliser(y, WA_CHUNK + N + 300);
    ck_assert(is_bits(a.max, b.max));
    ck_assert_mem_eq(&a.sum, &b.sum, sizeof a.sum);
    ck_assert_mem_eq(&a.log_sum, &b.log_sum, sizeof a.log_sum);
    free(x);
    free(y);
}
END_TEST

/* ---------------------------------------------------------------- normalisation */

/* Computed in double and rounded once: half an ulp, and 1e-15 of the numbers that cancel. */
static void expect_standardised(const wa_kernels *kernels, const float *x, double eps, size_t n, size_t stride)
{
    const size_t n_all = span(n, stride, 1);
    float *const y     = filled(n_all, UNTOUCHED);
    long double  mean = 0, var = 0, most = 0;

    for (size_t i = 0; i < n; i++) {
        mean += (long double)x[i * stride] / (long double)n;
        most = fmaxl(most, fabsl((long double)x[i * stride]));
    }
    for (size_t i = 0; i < n; i++)
        var += ((long double)x[i * stride] - mean) * ((long double)x[i * stride] - mean) / (long double)n;
    const long double root = sqrtl(var + (long double)eps);
    kernels->standardise(y, x, eps, n, stride);
    for (size_t i = 0; i < n_all; i++) {
        const long double truth = i % stride == 0 ? ((long double)x[i] - mean) / root : (long double)UNTOUCHED;

        if (fabsl((long double)y[i] - truth) > 0x1p-24L * fabsl(truth) * 1.001L + 1e-15L * most / root)
            ck_abort_msg("y[%zu] of %zu is %a, expected %La", i, n, (double)y[i], truth);
    }
    free(y);
}

START_TEST(standardised_rows_are_those_of_the_formula)
{
    static const size_t lengths[] = { 2, 3, 16, 17, 56, 224, 225, 1000 };
    wa_rng              rng       = { 7 };

    for (size_t i = 0; i < 6 * N_ITEMS(lengths); i++) {
        const size_t n = lengths[i / 6], stride = i % 2 == 0 ? 1 : 3;
        float *const x = random_floats(&rng, span(n, stride, 1), i % 3 == 0 ? 1e-4 : 2);

        for (size_t j = 0; i % 3 == 2 && j < span(n, stride, 1); j++)
            x[j] += 1000; /* the mean is large beside the spread */
        expect_standardised(kernels_of(_i), x, i % 3 == 0 ? 0 : 1e-5, n, stride);
        free(x);
    }
}
END_TEST

START_TEST(standardised_rows_have_mean_0_and_variance_1_in_place)
{
    wa_rng       rng = { 8 };
    float *const x   = random_floats(&rng, 1000, 3);
    double       sum = 0, squares = 0;

    kernels_of(_i)->standardise(x, x, 0, 1000, 1);
    for (size_t i = 0; i < 1000; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
    }
    ck_assert_double_le(fabs(sum / 1000), 1e-7);
    ck_assert_double_le(fabs(squares / 1000 - 1), 1e-6);
    free(x);
}
END_TEST

START_TEST(equal_numbers_are_standardised_to_zero)
{
    static const float  values[]  = { 0, 0.1f, -1e-30f, 3e38f, 1e-45f, 16777217.0f };
    static const size_t lengths[] = { 1, 2, 7, 224, 1000 };

    for (size_t i = 0; i < N_ITEMS(values) * N_ITEMS(lengths) * 2; i++) {
        const size_t n = lengths[i / 2 % N_ITEMS(lengths)];
        float *const x = filled(n, values[i / 2 / N_ITEMS(lengths)]);

        kernels_of(_i)->standardise(x, x, i % 2 == 0 ? 0 : 1e-5, n, 1);
        for (size_t j = 0; j < n; j++)
            if (x[j] != 0)
                ck_abort_msg("x[%zu] of %zu is %a", j, n, (double)x[j]);
        free(x);
    }
}
END_TEST

START_TEST(numbers_that_are_not_finite_stay_to_be_seen)
{
    float x[] = { 1, NAN, 2 }, y[] = { 1, INFINITY, 2 }, z[] = { NAN, -INFINITY, INFINITY };

    kernels_of(_i)->standardise(x, x, 1e-5, 3, 1);
    kernels_of(_i)->standardise(y, y, 1e-5, 3, 1);
    kernels_of(_i)->relu(z, z, 3);
    ck_assert(isnan(x[0]) && isnan(x[1]) && isnan(x[2]));
    ck_assert(isnan(y[0]) && isnan(y[1]) && isnan(y[2]));
    ck_assert(isnan(z[0]) && z[1] == 0 && isinf(z[2]));
    const float         row[] = { 1, NAN, 2 };
    const wa_normaliser by    = kernels_of(_i)->normaliser(row, 3);
    ck_assert(isnan(by.log_sum));
}
END_TEST

/* ---------------------------------------------------------------- element by element */

START_TEST(elements_are_computed_with_one_rounding_each)
{
    enum { T = 3, D = 37, N = T * D };
    wa_rng       rng = { 9 };
    float *const a = random_floats(&rng, N, 10), *const b = random_floats(&rng, N, 10), *const y = filled(N, UNTOUCHED);

    kernels_of(_i)->add(y, a, b, N);
    for (size_t i = 0; i < N; i++)
        ck_assert(is_bits(y[i], a[i] + b[i]));
    kernels_of(_i)->add(y, y, y, N);
    for (size_t i = 0; i < N; i++)
        ck_assert(is_bits(y[i], 2 * (a[i] + b[i])));
    kernels_of(_i)->scale(y, a, 0.1f, N);
    for (size_t i = 0; i < N; i++)
        ck_assert(is_bits(y[i], a[i] * 0.1f));
    kernels_of(_i)->relu(y, a, N);
    for (size_t i = 0; i < N; i++)
        ck_assert(is_bits(y[i], a[i] < 0 ? 0.0f : a[i]));
    memcpy(y, a, N * sizeof *y);
    kernels_of(_i)->gain_bias(y, b, b + D, T, D); /* the same gain and bias for each row */
    for (size_t i = 0; i < N; i++)
        ck_assert(is_bits(y[i], fmaf(a[i], b[i % D], b[D + i % D])));
    free(a);
    free(b);
    free(y);
}
END_TEST

/* Half an ulp of rounding, and 3e-15 of x for erf (elementary.h), which shows where 1 + erf cancels. */
START_TEST(gelu_is_the_exact_form)
{
    float y;

    for (float x = -20; x <= 20; x += 0.0007f) {
        const long double truth = (long double)x / 2 * (1 + erfl((long double)x * sqrtl(0.5L)));

        kernels_of(_i)->gelu(&y, &x, 1);
        if (fabsl((long double)y - truth) > 0x1p-24L * fabsl(truth) * 1.001L + 3e-15L * fabsl((long double)x))
            ck_abort_msg("gelu(%a) is %a, expected %La", (double)x, (double)y, truth);
    }
    const float ends[] = { 0, -3e38f, 3e38f, 1e-45f };
    float       out[4];
    kernels_of(_i)->gelu(out, ends, 4);
    ck_assert(out[0] == 0 && out[1] == 0 && out[2] == 3e38f && out[3] >= 0);
}
END_TEST

START_TEST(the_kernels_of_this_processor_give_the_bits_of_the_plain_ones)
{
    enum { N = 2000 };
    const wa_kernels *const chosen = wa_kernels_choose();
    wa_rng                  rng    = { 10 };
    float *const            x      = random_floats(&rng, N, 20);
    float *const a = filled(N, 0), *const b = filled(N, 0);

    ck_assert_ptr_nonnull(chosen->name);
    const wa_normaliser p = wa_kernels_ref.normaliser(x, N), q = chosen->normaliser(x, N);
    ck_assert(is_bits(p.max, q.max) && p.sum == q.sum && p.log_sum == q.log_sum);
    wa_kernels_ref.probabilities(a, x, p, N);
    chosen->probabilities(b, x, p, N);
    ck_assert_mem_eq(a, b, N * sizeof *a);
    wa_kernels_ref.standardise(a, x, 1e-5, N, 1);
    chosen->standardise(b, x, 1e-5, N, 1);
    ck_assert_mem_eq(a, b, N * sizeof *a);
    wa_kernels_ref.gelu(a, x, N);
    chosen->gelu(b, x, N);
    ck_assert_mem_eq(a, b, N * sizeof *a);
    free(x);
    free(a);
    free(b);
}
END_TEST

/* ---------------------------------------------------------------- positions */

/* tests/golden/positional.safetensors: the formula in double, made by NumPy. A float next to the true value is within 2^-24 of it,
 * relative; angles of up to 64 cost 1e-14 more. */
static void expect_positions(const char *name, double first, bool is_halved, bool is_doubled)
{
    wa_safetensors *file = NULL;
    wa_error        err;

    ck_assert_msg(wa_safetensors_open("tests/golden/positional.safetensors", NULL, &file, &err) == WA_OK, "%s", err.message);
    const wa_tensor_entry *const entry = wa_safetensors_find(file, wa_text_of(name));
    ck_assert_ptr_nonnull(entry);
    ck_assert(entry->dtype == WA_DTYPE_F64 && entry->rank == 2);
    float *const y = filled(entry->n_values, UNTOUCHED);
    wa_sinusoidal(y, first, 10000, is_halved, is_doubled, entry->shape[0], entry->shape[1]);
    for (size_t i = 0; i < entry->n_values; i++) {
        double expected;

        memcpy(&expected, entry->bytes.data + i * sizeof expected, sizeof expected);
        if (!(fabs((double)y[i] - expected) <= 0x1p-24 * fabs(expected) + 1e-13))
            ck_abort_msg("%s: element %zu is %a, expected %a", name, i, (double)y[i], expected);
    }
    free(y);
    wa_safetensors_close(file);
}

START_TEST(sinusoidal_positions_match_the_reference)
{
    expect_positions("halves", 0, true, false);
    expect_positions("interleaved", 0, false, false);
    expect_positions("odd_width", 0, false, false);
    expect_positions("start_1_doubled", 1, false, true);
}
END_TEST

/* Width 3 by hand: pairs 0 and 1, frequencies 1 and 100^(-2/3); two sines in front when halved, one cosine in between otherwise. */
START_TEST(an_odd_width_has_one_sine_more)
{
    const double slow = 0.046415888336127795; /* 100^(-2/3) */
    float        y[3];

    wa_sinusoidal(y, 5, 100, true, false, 1, 3);
    ck_assert_double_eq_tol((double)y[0], sin(5), 1e-7);
    ck_assert_double_eq_tol((double)y[1], sin(5 * slow), 1e-7);
    ck_assert_double_eq_tol((double)y[2], cos(5), 1e-7);
    wa_sinusoidal(y, 5, 100, false, false, 1, 3);
    ck_assert_double_eq_tol((double)y[1], cos(5), 1e-7);
    ck_assert_double_eq_tol((double)y[2], sin(5 * slow), 1e-7);
}
END_TEST

Suite *wa_suite_kernels(void)
{
    Suite *const suite = suite_create("kernels");
    TCase *const tcase = tcase_create("kernels");

    tcase_set_timeout(tcase, 120); /* without a fused multiply-add instruction every product is a call */
    tcase_add_loop_test(tcase, products_are_chains_of_fused_multiply_adds_in_every_shape, 0, 2);
    tcase_add_loop_test(tcase, mixing_sums_rows_of_values_in_ascending_order, 0, 2);
    tcase_add_loop_test(tcase, a_softmax_is_the_true_one_whatever_the_length, 0, 2);
    tcase_add_loop_test(tcase, masked_elements_and_whole_masked_chunks_are_exactly_zero, 0, 2);
    tcase_add_loop_test(tcase, a_single_element_has_probability_one, 0, 2);
    tcase_add_loop_test(tcase, equal_elements_have_equal_probabilities, 0, 2);
    tcase_add_loop_test(tcase, the_largest_finite_numbers_are_safe, 0, 2);
    tcase_add_loop_test(tcase, a_softmax_does_not_depend_on_where_chunks_end, 0, 2);
    tcase_add_loop_test(tcase, masked_chunks_before_and_behind_change_no_bit, 0, 2);
    tcase_add_loop_test(tcase, standardised_rows_are_those_of_the_formula, 0, 2);
    tcase_add_loop_test(tcase, standardised_rows_have_mean_0_and_variance_1_in_place, 0, 2);
    tcase_add_loop_test(tcase, equal_numbers_are_standardised_to_zero, 0, 2);
    tcase_add_loop_test(tcase, numbers_that_are_not_finite_stay_to_be_seen, 0, 2);
    tcase_add_loop_test(tcase, elements_are_computed_with_one_rounding_each, 0, 2);
    tcase_add_loop_test(tcase, gelu_is_the_exact_form, 0, 2);
    tcase_add_test(tcase, the_kernels_of_this_processor_give_the_bits_of_the_plain_ones);
    tcase_add_test(tcase, sinusoidal_positions_match_the_reference);
    tcase_add_test(tcase, an_odd_width_has_one_sine_more);
    suite_add_tcase(suite, tcase);
    return suite;
}

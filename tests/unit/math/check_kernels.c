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

/* Every version there is; one that the processor lacks is stood in for by the plain one. */
static const char *const versions[] = { "ref", "avx2", "avx512", "neon" };
enum { N_VERSIONS = N_ITEMS(versions) };

static const wa_kernels *kernels_of(int i)
{
    const wa_kernels *const kernels = i == 0 ? &wa_kernels_ref : wa_kernels_named(versions[i]);

    return kernels ? kernels : &wa_kernels_ref;
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

static size_t span(size_t rows, size_t stride, size_t width)
{
    return rows > 0 ? (rows - 1) * stride + width : 0;
}

/* ---------------------------------------------------------------- products */

typedef struct product {
    size_t         T, D, O, y_stride, x_stride;
    wa_number_type type;
    bool           has_bias;
} product;

/* The numbers of a product, and both sides as the kernels want them. */
typedef struct operands {
    float    *x, *w, *bias, *blocks;
    void     *rows; /* w as the type has it */
    wa_rows   in;
    wa_panels packed;
} operands;

/* Random floats that a BF16 can hold too where that is the type. */
static void *rows_of(float *w, size_t n, wa_number_type type)
{
    uint16_t *const halves = malloc(n > 0 ? n * sizeof *halves : 1);

    if (type == WA_NUMBER_F32) {
        free(halves);
        return w;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;

        memcpy(&bits, &w[i], sizeof bits);
        halves[i] = (uint16_t)(bits >> 16);
        bits &= 0xffff0000u;
        memcpy(&w[i], &bits, sizeof bits);
    }
    return halves;
}

static operands make_operands(product p, wa_rng *rng)
{
    const size_t n_panels = wa_panel_count(p.O);
    operands o = { .x = random_floats(rng, p.T > 0 ? (p.T - 1) * p.x_stride + p.D : 0, 2), .w = random_floats(rng, p.O * p.D, 2) };
    void *const data = malloc(n_panels * WA_PANEL * p.D * 4 + 1);

    o.bias = filled(n_panels * WA_PANEL, 0);
    for (size_t i = 0; i < p.O; i++)
        o.bias[i] = p.has_bias ? wa_rng_uniform(rng, -2, 2) : 0.0f;
    o.rows   = rows_of(o.w, p.O * p.D, p.type);
    o.in     = (wa_rows){ o.rows, p.type, p.O, p.D, p.has_bias ? o.bias : NULL };
    o.packed = (wa_panels){ data, p.type, p.O, p.D, WA_PANEL * p.D, WA_PANEL, p.has_bias ? o.bias : NULL };
    for (size_t i = 0; i < n_panels; i++)
        wa_panel_pack(data, &o.in, i);
    o.blocks = filled(p.T * p.D, 0);
    wa_rows_pack(o.blocks, o.x, p.x_stride, p.T, p.D);
    return o;
}

static void free_operands(operands *o)
{
    if (o->rows != o->w)
        free(o->rows);
    free(o->x);
    free(o->w);
    free(o->bias);
    free(o->blocks);
    free((void *)(uintptr_t)o->packed.data);
}

/* One chain of fmaf() over d, ascending, that begins with the bias. */
static float chain(const operands *o, product p, size_t t, size_t i)
{
    float sum = o->bias[i];

    for (size_t d = 0; d < p.D; d++)
        sum = fmaf(o->x[t * p.x_stride + d], o->w[i * p.D + d], sum);
    return sum;
}

static void expect_product(const wa_kernels *kernels, product p, wa_rng *rng)
{
    operands     o   = make_operands(p, rng);
    const size_t n_y = p.T > 0 ? (p.T - 1) * p.y_stride + p.O : 0;
    float *const y   = filled(n_y, UNTOUCHED);

    kernels->product(y, p.y_stride, o.blocks, p.T, &o.packed, 0, wa_panel_count(p.O));
    for (size_t at = 0; at < n_y; at++) {
        const size_t t = at / p.y_stride, i = at % p.y_stride;
        const float  expected = i < p.O ? chain(&o, p, t, i) : UNTOUCHED;

        if (!is_bits(y[at], expected))
            ck_abort_msg("T %zu, D %zu, O %zu: y[%zu, %zu] is %a, expected %a", p.T, p.D, p.O, t, i, (double)y[at],
                         (double)expected);
    }
    free(y);
    free_operands(&o);
}

START_TEST(products_are_chains_of_fused_multiply_adds_in_every_shape)
{
    static const size_t Ts[] = { 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 26 }, Ds[] = { 1, 7, 56, 225 },
                        Os[] = { 1, 7, 31, 32, 33, 160, 203 };
    wa_rng rng               = { 1 };

    for (size_t i = 0; i < N_ITEMS(Ts) * N_ITEMS(Ds) * N_ITEMS(Os) * 4; i++) {
        const size_t T = Ts[i / 4 % N_ITEMS(Ts)], D = Ds[i / 4 / N_ITEMS(Ts) % N_ITEMS(Ds)];
        const size_t O   = Os[i / 4 / N_ITEMS(Ts) / N_ITEMS(Ds)];
        const size_t gap = i % 4 < 2 ? 0 : 1; /* rows that follow one another, and rows apart */

        expect_product(kernels_of(_i),
                       (product){ T, D, O, O + 3 * gap, D + gap, i % 4 / 2 ? WA_NUMBER_BF16 : WA_NUMBER_F32, i % 2 == 0 }, &rng);
    }
    expect_product(kernels_of(_i), (product){ 0, 7, 9, 9, 7, WA_NUMBER_F32, true }, &rng);
    expect_product(kernels_of(_i), (product){ 3, 0, 9, 9, 1, WA_NUMBER_F32, true }, &rng);
}
END_TEST

/* Panels of a product in several calls, and single rows, as the vocabulary is computed. */
/* Numbers of rows and columns around the 4 that are turned together, and rows at an odd address, as those of a file may be. */
START_TEST(rows_become_columns_whatever_their_number)
{
    enum { MOST = 13, STRIDE = MOST + 2 };
    char  bytes[MOST * STRIDE * sizeof(float) + 1];
    float out[MOST * STRIDE];

    for (size_t i = 0; i < MOST * STRIDE; i++)
        memcpy(bytes + 1 + i * sizeof(float), &(float){ (float)i }, sizeof(float));
    for (size_t n = 0; n <= MOST; n++)
        for (size_t D = 0; D <= MOST; D++) {
            for (size_t i = 0; i < MOST * STRIDE; i++)
                out[i] = -1;
            wa_rows_turn(out, STRIDE, bytes + 1, STRIDE, n, D);
            for (size_t d = 0; d < MOST; d++)
                for (size_t t = 0; t < STRIDE; t++)
                    ck_assert(out[d * STRIDE + t] == (d < D && t < n ? (float)(t * STRIDE + d) : -1));
        }
}
END_TEST

START_TEST(products_of_some_panels_or_rows_are_those_of_all)
{
    const product p   = { 5, 56, 203, 203, 56, WA_NUMBER_BF16, true };
    wa_rng        rng = { 2 };
    operands      o   = make_operands(p, &rng);
    float *const  y   = filled(p.T * p.O, UNTOUCHED);
    uint32_t      which[203];
    float         row[203];

    for (size_t panel = 0; panel < wa_panel_count(p.O); panel += 2)
        kernels_of(_i)->product(y + panel * WA_PANEL, p.O, o.blocks, p.T, &o.packed, panel, panel + 2 > 7 ? 1 : 2);
    for (size_t i = 0; i < p.O; i++)
        which[i] = (uint32_t)(202 - i);
    for (size_t t = 0; t < p.T; t++) {
        kernels_of(_i)->product_of_rows(row, o.x + t * p.x_stride, &o.in, which, p.O);
        for (size_t i = 0; i < p.O; i++)
            ck_assert(is_bits(y[t * p.O + which[i]], row[i]) && is_bits(row[i], chain(&o, p, t, which[i])));
    }
    free(y);
    free_operands(&o);
}
END_TEST

/* ---------------------------------------------------------------- bounds */

typedef struct coded {
    wa_codes  codes;
    wa_probes probes;
    float    *floats[5], *inputs[3];
} coded;

static coded make_coded(const operands *o, product p)
{
    const size_t padded = wa_panel_count(p.O) * WA_PANEL;
    coded        c      = { .codes = { .n_rows = p.O, .n_inner = p.D, .n_groups = wa_codes_groups(p.D) } };

    for (size_t i = 0; i < 5; i++)
        c.floats[i] = filled(padded, 0);
    for (size_t i = 0; i < 3; i++)
        c.inputs[i] = filled(p.T, 0);
    c.codes.codes  = malloc(padded * c.codes.n_groups * 4);
    c.codes.shift  = malloc(padded * sizeof *c.codes.shift);
    c.codes.scale  = c.floats[0];
    c.codes.slope  = c.floats[1];
    c.codes.length = c.floats[2];
    c.codes.bias   = c.floats[3];
    c.codes.floor  = c.floats[4];
    c.probes       = (wa_probes){ malloc(p.T * c.codes.n_groups * 4), c.inputs[0], c.inputs[1], c.inputs[2] };
    for (size_t i = 0; i < wa_panel_count(p.O); i++)
        wa_codes_fill(&c.codes, &o->in, i);
    wa_codes_finish(&c.codes);
    for (size_t t = 0; t < p.T; t++)
        wa_probe_make(&c.probes, t, p.T, o->x + t * p.x_stride, &c.codes);
    return c;
}

/* That no four codes of a row whose products may be added in 16 bits have sizes that add up to more than 128: of every eight the first,
 * second, fifth and sixth, and the others. */
static void assert_quads_fit(const wa_codes *codes)
{
    for (size_t i = 0; i < codes->n_rows; i++)
        for (size_t quad = 0; quad < codes->n_groups; quad++) {
            int sum = 0;

            for (size_t j = 0; j < 4; j++) {
                const size_t d = quad / 2 * 8 + quad % 2 * 2 + j / 2 * 4 + j % 2;

                sum += abs(codes->codes[((i / WA_PANEL * codes->n_groups + d / 4) * WA_PANEL + i % WA_PANEL) * 4 + d % 4]);
            }
            ck_assert_int_le(sum, 128);
        }
}

static void free_coded(coded *c)
{
    for (size_t i = 0; i < 5; i++)
        free(c->floats[i]);
    for (size_t i = 0; i < 3; i++)
        free(c->inputs[i]);
    free(c->codes.codes);
    free(c->codes.shift);
    free(c->probes.codes);
}

/* Rows and inputs of very different sizes, some of them zero, as a vocabulary may have them. */
static void spread_sizes(operands *o, product p)
{
    static const float sizes[] = { 1, 1e-30f, 1e12f, 0, 1e-44f, 1e6f, 3e-20f };

    for (size_t i = 0; i < p.O * p.D; i++)
        o->w[i] *= sizes[i / p.D % N_ITEMS(sizes)];
    for (size_t i = 0; i < p.T * p.D; i++)
        o->x[i] *= i % 37 == 0 ? 1000.0f : sizes[i / p.D % 3];
}

/* Rows and inputs whose codes make the largest sums there are of two and four products: elements of one size, with signs; some are so
 * small that their scale is rounded by as much as it is, beside others so large that it shows. */
static void fill_codes(operands *o, product p)
{
    static const float sizes[]  = { 1, -1, 37 * FLT_TRUE_MIN, -43 * FLT_TRUE_MIN, 0x1p60f };
    static const float inputs[] = { 0x1p40f, -0x1p40f, 190 * FLT_TRUE_MIN };

    for (size_t i = 0; i < p.O * p.D; i++)
        o->w[i] = sizes[i / p.D % N_ITEMS(sizes)] * (i % 11 == 0 ? -1.0f : 1.0f);
    for (size_t i = 0; i < p.T * p.D; i++)
        o->x[i] = inputs[i / p.D % N_ITEMS(inputs)];
}

START_TEST(bounds_hold_the_product_and_are_the_same_bits_everywhere)
{
    static void (*const changes[])(operands * o, product p) = { NULL, spread_sizes, fill_codes };
    static const product shapes[]                           = { { 1, 1, 33, 33, 1, 0, true },
                                                                { 5, 7, 70, 70, 7, 0, false },
                                                                { 13, 56, 32, 32, 56, 0, true },
                                                                { 26, 224, 95, 95, 224, 0, true },
                                                                { 3, 225, 129, 129, 225, 0, true } };
    const product        p                                  = shapes[_i / (int)N_ITEMS(changes)];
    const size_t         stride                             = wa_panel_count(p.O) * WA_PANEL;
    wa_rng               rng                                = { 3 };
    operands             o                                  = make_operands(p, &rng);
    float               *bounds[N_VERSIONS];

    if (changes[_i % (int)N_ITEMS(changes)])
        changes[_i % (int)N_ITEMS(changes)](&o, p);
    coded c = make_coded(&o, p);
    assert_quads_fit(&c.codes);
    for (int v = 0; v < N_VERSIONS; v++) {
        bounds[v] = filled(2 * p.T * stride, UNTOUCHED);
        kernels_of(v)->bound(bounds[v], bounds[v] + p.T * stride, stride, &c.probes, p.T, &c.codes, 0, stride / WA_PANEL);
        ck_assert_mem_eq(bounds[v], bounds[0], 2 * p.T * stride * sizeof **bounds);
    }
    for (size_t t = 0; t < p.T; t++)
        for (size_t i = 0; i < p.O; i++) {
            const float upper = bounds[0][t * stride + i], lower = bounds[0][(p.T + t) * stride + i], exact = chain(&o, p, t, i);

            if (!(lower <= exact && exact <= upper))
                ck_abort_msg("[%zu, %zu] is %a, outside of %a..%a", t, i, (double)exact, (double)lower, (double)upper);
        }
    for (int v = 0; v < N_VERSIONS; v++)
        free(bounds[v]);
    free_coded(&c);
    free_operands(&o);
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
    const wa_normaliser by    = wa_normaliser_of(kernels, x, n);
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
    static const double sizes[]   = { 0.01, 3, 42.9, 44, 60, 500 }; /* twice 42.9: the least that is a normal number, nearly */
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
        const wa_normaliser by    = wa_normaliser_of(kernels_of(_i), row, 3);
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
        const wa_normaliser by = wa_normaliser_of(kernels_of(_i), x, n);

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
        const wa_normaliser by = wa_normaliser_of(kernels_of(_i), rows[i], 4);

        kernels_of(_i)->probabilities(y, rows[i], by, 4);
        ck_assert_mem_eq(y, expected[i], sizeof expected[i]);
    }
    for (size_t i = 0; i < WA_CHUNK; i++) /* two chunks whose maxima are as far apart as can be */
        wide[i] = -FLT_MAX;
    wide[WA_CHUNK]         = FLT_MAX;
    const wa_normaliser by = wa_normaliser_of(kernels_of(_i), wide, WA_CHUNK + 1);
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
    const wa_normaliser a = wa_normaliser_of(kernels_of(_i), x, N), b = wa_normaliser_of(kernels_of(_i), y, WA_CHUNK + N + 300);
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
    const wa_normaliser by    = wa_normaliser_of(kernels_of(_i), row, 3);
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

START_TEST(every_version_gives_the_bits_of_the_plain_one)
{
    enum { N = 2000 };
    const wa_kernels *const k   = kernels_of(_i);
    wa_rng                  rng = { 10 };
    float *const            x   = random_floats(&rng, N, _i % 2 ? 20 : 90);
    float *const a = filled(N, 0), *const b = filled(N, 0);

    for (size_t n = 1; n <= WA_CHUNK; n += n < 40 ? 1 : 59) {
        const wa_chunk p = wa_kernels_ref.measure(x, n), q = k->measure(x, n);

        ck_assert(is_bits(p.max, q.max) && is_bits(p.min, q.min) && p.sum == q.sum);
    }
    const wa_normaliser by = wa_normaliser_of(&wa_kernels_ref, x, N);
    wa_kernels_ref.probabilities(a, x, by, N - 3);
    k->probabilities(b, x, by, N - 3);
    ck_assert_mem_eq(a, b, N * sizeof *a);
    wa_kernels_ref.log_probabilities(a, x, by, N - 3);
    k->log_probabilities(b, x, by, N - 3);
    ck_assert_mem_eq(a, b, N * sizeof *a);
    ck_assert(is_bits(a[7], wa_log_probability(x[7], by)));
    wa_kernels_ref.standardise(a, x, 1e-5, N - 5, 1);
    k->standardise(b, x, 1e-5, N - 5, 1);
    ck_assert_mem_eq(a, b, N * sizeof *a);
    wa_kernels_ref.gelu(a, x, N);
    k->gelu(b, x, N);
    ck_assert_mem_eq(a, b, N * sizeof *a);
    free(x);
    free(a);
    free(b);
}
END_TEST

START_TEST(finding_and_counting_agree_with_looking_at_each)
{
    static const float x[] = { 3, -1, 3, NAN, 2.5f, -INFINITY, 3, 0, -0.0f, 8, 3, 1, 2, 3, 4, 5, 3, -3, 3.0000002f };
    uint32_t           where[N_ITEMS(x)];
    size_t             n_at_least = 0, n_above = 0;

    for (size_t i = 0; i < N_ITEMS(x); i++) {
        n_at_least += x[i] >= 3;
        n_above += x[i] > 3;
    }
    ck_assert_uint_eq(kernels_of(_i)->find(where, x, 3, N_ITEMS(x)), n_at_least);
    for (size_t i = 0; i < n_at_least; i++)
        ck_assert(x[where[i]] >= 3 && (i == 0 || where[i] > where[i - 1]));
    ck_assert_uint_eq(kernels_of(_i)->count(x, 3, true, N_ITEMS(x)), n_at_least);
    ck_assert_uint_eq(kernels_of(_i)->count(x, 3, false, N_ITEMS(x)), n_above);
    ck_assert_uint_eq(kernels_of(_i)->find(where, x, -INFINITY, N_ITEMS(x)), N_ITEMS(x) - 1);
}
END_TEST

START_TEST(versions_are_found_by_name)
{
    ck_assert_str_eq(wa_kernels_named("ref")->name, "ref");
    ck_assert_ptr_null(wa_kernels_named("mmx"));
    ck_assert_ptr_nonnull(strstr(wa_kernels_names(), wa_kernels_choose()->name));
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
    wa_sinusoidal(y, first, 0, 10000, is_halved, is_doubled, entry->shape[0], entry->shape[1]);
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

    wa_sinusoidal(y, 2, 3, 100, true, false, 1, 3);
    ck_assert_double_eq_tol((double)y[0], sin(5), 1e-7);
    ck_assert_double_eq_tol((double)y[1], sin(5 * slow), 1e-7);
    ck_assert_double_eq_tol((double)y[2], cos(5), 1e-7);
    wa_sinusoidal(y, 2, 3, 100, false, false, 1, 3);
    ck_assert_double_eq_tol((double)y[1], cos(5), 1e-7);
    ck_assert_double_eq_tol((double)y[2], sin(5 * slow), 1e-7);
}
END_TEST

Suite *wa_suite_kernels(void)
{
    Suite *const suite = suite_create("kernels");
    TCase *const tcase = new_case("kernels");

    tcase_set_timeout(tcase, 120); /* without a fused multiply-add instruction every product is a call */
    tcase_add_loop_test(tcase, products_are_chains_of_fused_multiply_adds_in_every_shape, 0, N_VERSIONS);
    tcase_add_test(tcase, rows_become_columns_whatever_their_number);
    tcase_add_loop_test(tcase, products_of_some_panels_or_rows_are_those_of_all, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, bounds_hold_the_product_and_are_the_same_bits_everywhere, 0, 15);
    tcase_add_loop_test(tcase, finding_and_counting_agree_with_looking_at_each, 0, N_VERSIONS);
    tcase_add_test(tcase, versions_are_found_by_name);
    tcase_add_loop_test(tcase, a_softmax_is_the_true_one_whatever_the_length, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, masked_elements_and_whole_masked_chunks_are_exactly_zero, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, a_single_element_has_probability_one, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, equal_elements_have_equal_probabilities, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, the_largest_finite_numbers_are_safe, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, a_softmax_does_not_depend_on_where_chunks_end, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, masked_chunks_before_and_behind_change_no_bit, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, standardised_rows_are_those_of_the_formula, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, standardised_rows_have_mean_0_and_variance_1_in_place, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, equal_numbers_are_standardised_to_zero, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, numbers_that_are_not_finite_stay_to_be_seen, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, elements_are_computed_with_one_rounding_each, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, gelu_is_the_exact_form, 0, N_VERSIONS);
    tcase_add_loop_test(tcase, every_version_gives_the_bits_of_the_plain_one, 0, N_VERSIONS);
    tcase_add_test(tcase, sinusoidal_positions_match_the_reference);
    tcase_add_test(tcase, an_odd_width_has_one_sine_more);
    suite_add_tcase(suite, tcase);
    return suite;
}

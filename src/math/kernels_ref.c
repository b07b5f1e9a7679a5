/* The plain kernels: the definition of every result. See kernels.h for formulas and shapes.
 *
 * This file is compiled a second time for processors with a fused multiply-add instruction, under another name; IEEE 754 makes
 * the bits the same, the instruction saves a call a product. */
#include <float.h>

#include "math/elementary.h"
#include "math/exp.h"
#include "math/kernels.h"

_Static_assert(FLT_EVAL_METHOD == 0, "floats are computed with more digits than they have: the bits would differ");

#ifndef WA_KERNELS_NAME
#define WA_KERNELS_NAME wa_kernels_ref
#endif

extern const wa_kernels WA_KERNELS_NAME;

/* ---------------------------------------------------------------- products */

static float dot(const float *x, const float *w, float first, size_t D)
{
    float sum = first;

    for (size_t d = 0; d < D; d++)
        sum = fmaf(x[d], w[d], sum);
    return sum;
}

enum { ROWS = 8 }; /* chains that run side by side: as many as hide the latency of one multiply-add */

/* Eight elements of one row of y. The same chains as dot(), interleaved; this only saves time. */
static void dot_rows(float *y, const float *x, const float *w, size_t w_stride, const float *first, size_t D)
{
    float sums[ROWS];

    for (size_t j = 0; j < ROWS; j++)
        sums[j] = first ? first[j] : 0.0f;
    for (size_t d = 0; d < D; d++)
        for (size_t j = 0; j < ROWS; j++)
            sums[j] = fmaf(x[d], w[j * w_stride + d], sums[j]);
    for (size_t j = 0; j < ROWS; j++)
        y[j] = sums[j];
}

static void linear(float *y, size_t y_stride, const float *x, size_t x_stride, const float *w, size_t w_stride, const float *bias,
                   size_t T, size_t D, size_t O)
{
    size_t o = 0;

    for (; o + ROWS <= O; o += ROWS) /* rows of w outermost: they stay in the cache for all T */
        for (size_t t = 0; t < T; t++)
            dot_rows(y + t * y_stride + o, x + t * x_stride, w + o * w_stride, w_stride, bias ? bias + o : NULL, D);
    for (; o < O; o++)
        for (size_t t = 0; t < T; t++)
            y[t * y_stride + o] = dot(x + t * x_stride, w + o * w_stride, bias ? bias[o] : 0.0f, D);
}

static void mix(float *y, size_t y_stride, const float *weights, const float *values, size_t T, size_t S, size_t E)
{
    for (size_t t = 0; t < T; t++) {
        for (size_t e = 0; e < E; e++)
            y[t * y_stride + e] = 0.0f;
        for (size_t s = 0; s < S; s++)
            for (size_t e = 0; e < E; e++)
                y[t * y_stride + e] = fmaf(weights[t * S + s], values[s * E + e], y[t * y_stride + e]);
    }
}

/* ---------------------------------------------------------------- softmax */

static float largest(const float *x, size_t n)
{
    float max = -INFINITY;

    for (size_t i = 0; i < n; i++)
        max = x[i] > max ? x[i] : max;
    return max;
}

/* The sum of exp(x - max) over at most WA_CHUNK elements. */
static double sum_chunk(const float *x, float max, size_t n)
{
    float  lanes[WA_LANES] = { 0 };
    double sum             = 0;

    for (size_t i = 0; i < n; i++)
        lanes[i % WA_LANES] += wa_exp_float(x[i] - max);
    for (size_t l = 0; l < WA_LANES; l++)
        sum += (double)lanes[l];
    return sum;
}

static wa_normaliser normaliser(const float *x, size_t n)
{
    wa_normaliser by = { .max = -INFINITY };

    for (size_t first = 0; first < n; first += WA_CHUNK) {
        const size_t length = n - first < WA_CHUNK ? n - first : WA_CHUNK;
        const float  max    = largest(x + first, length);

        if (max == -INFINITY) /* all masked: -INFINITY - -INFINITY would be NaN */
            continue;
        const double sum = sum_chunk(x + first, max, length);
        if (max > by.max) {
            by.sum = by.sum * wa_exp((double)by.max - (double)max) + sum;
            by.max = max;
        } else {
            by.sum += sum * wa_exp((double)max - (double)by.max);
        }
    }
    by.log_sum = wa_ln(by.sum);
    return by;
}

static void probabilities(float *y, const float *x, wa_normaliser by, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)wa_exp_float(x[i] - by.max) / by.sum);
}

/* ---------------------------------------------------------------- normalisation */

/* The mean of f(x - shift) over n numbers, f the identity or the square. */
static double mean_of(const float *x, double shift, bool is_squared, size_t n, size_t stride)
{
    double lanes[WA_LANES] = { 0 }, sum = 0;

    for (size_t i = 0; i < n; i++) {
        const double d = (double)x[i * stride] - shift;

        lanes[i % WA_LANES] += is_squared ? d * d : d;
    }
    for (size_t l = 0; l < WA_LANES; l++)
        sum += lanes[l];
    return sum / (double)n;
}

static void standardise(float *y, const float *x, double eps, size_t n, size_t stride)
{
    const double mean = mean_of(x, 0.0, false, n, stride);
    const double root = sqrt(mean_of(x, mean, true, n, stride) + eps);

    for (size_t i = 0; i < n; i++)
        y[i * stride] = root == 0 ? 0.0f : (float)(((double)x[i * stride] - mean) / root); /* a NaN stays one */
}

static void gain_bias(float *y, const float *gain, const float *bias, size_t T, size_t D)
{
    for (size_t t = 0; t < T; t++, y += D)
        for (size_t d = 0; d < D; d++)
            y[d] = fmaf(y[d], gain[d], bias[d]);
}

/* ---------------------------------------------------------------- element by element */

static void relu(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] < 0 ? 0.0f : x[i]; /* a NaN stays one, to be seen */
}

static void gelu(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)x[i] * 0.5 * (1.0 + wa_erf((double)x[i] * 0x1.6a09e667f3bcdp-1)));
}

static void add(float *y, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

static void scale(float *y, const float *x, float factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * factor;
}

const wa_kernels WA_KERNELS_NAME = {
    .name          = "ref",
    .linear        = linear,
    .mix           = mix,
    .normaliser    = normaliser,
    .probabilities = probabilities,
    .standardise   = standardise,
    .gain_bias     = gain_bias,
    .relu          = relu,
    .gelu          = gelu,
    .add           = add,
    .scale         = scale,
};

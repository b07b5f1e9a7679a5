/* The plain kernels: the definition of every result. See kernels.h for formulas and shapes.
 *
 * Included by kernels_ref.c, which is the table of all of them, and by kernels_simd.c, which has faster versions of those that
 * matter, each giving the same bits, and takes the others as they are, to be compiled for its instruction set. */
#ifndef WA_MATH_KERNELS_PLAIN_H
#define WA_MATH_KERNELS_PLAIN_H

#include <float.h>
#include <string.h>

#include "math/elementary.h"
#include "math/exp.h"
#include "math/kernels.h"

_Static_assert(FLT_EVAL_METHOD == 0, "floats are computed with more digits than they have: the bits would differ");

#define PLAIN static inline __attribute__((unused)) /* no includer uses all of them */

/* ---------------------------------------------------------------- products */

/* The numbers d of a panel's rows, as floats. */
PLAIN void read_panel(float out[WA_PANEL], const wa_panels *w, size_t p, size_t d)
{
    const size_t at = p * w->panel_stride + d * w->inner_stride;

    if (w->type == WA_NUMBER_F32) {
        memcpy(out, (const float *)w->data + at, WA_PANEL * sizeof *out);
        return;
    }
    const uint16_t *const halves = (const uint16_t *)w->data + at;
    for (size_t j = 0; j < WA_PANEL; j++) {
        const uint32_t bits = (uint32_t)halves[2 * (j % 16) + j / 16] << 16;

        memcpy(&out[j], &bits, sizeof bits);
    }
}

/* A row of the product, for one panel: WA_PANEL chains side by side. x is `step` apart from one d to the next. */
PLAIN void product_panel(float *y, const float *x, size_t step, const wa_panels *w, size_t p)
{
    const size_t first = p * WA_PANEL, n = w->n_rows - first < WA_PANEL ? w->n_rows - first : WA_PANEL;
    float        sums[WA_PANEL] = { 0 }, numbers[WA_PANEL];

    if (w->bias)
        memcpy(sums, w->bias + first, sizeof sums);
    for (size_t d = 0; d < w->n_inner; d++) {
        read_panel(numbers, w, p, d);
        for (size_t j = 0; j < WA_PANEL; j++)
            sums[j] = fmaf(x[d * step], numbers[j], sums[j]);
    }
    memcpy(y, sums, n * sizeof *y);
}

PLAIN void product(float *y, size_t y_stride, const float *x, size_t T, const wa_panels *w, size_t first, size_t n_panels)
{
    for (size_t t = 0; t < T; t++) {
        const size_t block = t - t % WA_BLOCK, n = T - block < WA_BLOCK ? T - block : WA_BLOCK;

        for (size_t p = 0; p < n_panels; p++)
            product_panel(y + t * y_stride + p * WA_PANEL, x + block * w->n_inner + t % WA_BLOCK, n, w, first + p);
    }
}

enum { ROWS_TOGETHER = 8 }; /* chains side by side: as many as hide the latency of one multiply-add */

/* n chains, n <= ROWS_TOGETHER. Always as many side by side, since a chain takes as long alone: the last row stands in for those that
 * are not there. type is a constant where this is inlined. */
PLAIN void chain_rows(float *y, const float *x, const wa_rows *w, const wa_number_type type, const uint32_t *which, size_t n)
{
    const char *rows[ROWS_TOGETHER];
    float       sums[ROWS_TOGETHER];

    for (size_t j = 0; j < ROWS_TOGETHER; j++) {
        const uint32_t row = which[j < n ? j : n - 1];

        rows[j] = (const char *)w->data + row * w->n_inner * wa_number_size(type);
        sums[j] = w->bias ? w->bias[row] : 0.0f;
    }
    for (size_t d = 0; d < w->n_inner; d++)
        for (size_t j = 0; j < ROWS_TOGETHER; j++)
            sums[j] = fmaf(x[d], wa_number_at(rows[j], type, d), sums[j]);
    memcpy(y, sums, n * sizeof *y);
}

/* Asks for a row that will be needed soon: rows are chosen, so nobody can guess where the next one lies. */
PLAIN void fetch_row(const wa_rows *w, uint32_t which)
{
    const size_t      n_bytes = w->n_inner * wa_number_size(w->type);
    const char *const row     = (const char *)w->data + which * n_bytes;

    for (size_t at = 0; at < n_bytes; at += 64)
        __builtin_prefetch(row + at);
}

PLAIN void product_of_rows(float *y, const float *x, const wa_rows *w, const uint32_t *which, size_t n)
{
    for (size_t i = 0; i < n; i += ROWS_TOGETHER) {
        const size_t n_here = n - i < ROWS_TOGETHER ? n - i : ROWS_TOGETHER;

        for (size_t j = i + ROWS_TOGETHER; j < i + 2 * ROWS_TOGETHER && j < n; j++)
            fetch_row(w, which[j]);
        if (w->type == WA_NUMBER_BF16)
            chain_rows(y + i, x, w, WA_NUMBER_BF16, which + i, n_here);
        else
            chain_rows(y + i, x, w, WA_NUMBER_F32, which + i, n_here);
    }
}

/* ---------------------------------------------------------------- bounds */

/* The sum of products of a row's codes and an input's; exact. */
PLAIN int32_t code_product(const int8_t *codes, const uint32_t *input, size_t step, size_t n_groups)
{
    int32_t sum = 0;

    for (size_t g = 0; g < n_groups; g++)
        for (size_t i = 0; i < 4; i++)
            sum += (int32_t)(input[g * step] >> (8 * i) & 255) * codes[g * WA_PANEL * 4 + i];
    return sum;
}

PLAIN void bound_row(float *upper, float *lower, const wa_probes *probes, size_t t, size_t T, const wa_codes *codes, size_t p)
{
    const size_t          block = t - t % WA_BLOCK, n = T - block < WA_BLOCK ? T - block : WA_BLOCK;
    const uint32_t *const input = probes->codes + block * codes->n_groups + t % WA_BLOCK;
    const int8_t *const   panel = codes->codes + p * codes->n_groups * WA_PANEL * 4;

    for (size_t j = 0; j < WA_PANEL; j++) {
        const size_t i        = p * WA_PANEL + j;
        const float  sum      = (float)(codes->shift[i] + code_product(panel + j * 4, input, n, codes->n_groups));
        const float  estimate = fmaf(sum, codes->scale[i] * probes->scale[t], codes->bias[i]);
        const float  error    = fmaf(codes->slope[i], probes->length[t], fmaf(codes->length[i], probes->error[t], codes->floor[i]));

        upper[j] = estimate + error;
        lower[j] = estimate - error;
    }
}

PLAIN void bound(float *upper, float *lower, size_t stride, const wa_probes *probes, size_t T, const wa_codes *codes, size_t first,
                 size_t n_panels)
{
    for (size_t t = 0; t < T; t++)
        for (size_t p = 0; p < n_panels; p++)
            bound_row(upper + t * stride + p * WA_PANEL, lower + t * stride + p * WA_PANEL, probes, t, T, codes, first + p);
}

/* ---------------------------------------------------------------- softmax and choice */

PLAIN wa_chunk measure(const float *x, size_t n)
{
    wa_chunk out             = { -INFINITY, INFINITY, 0 };
    float    lanes[WA_LANES] = { 0 };

    for (size_t i = 0; i < n; i++) {
        out.max = x[i] > out.max ? x[i] : out.max;
        out.min = x[i] < out.min ? x[i] : out.min;
    }
    for (size_t i = 0; i < n && out.max > -INFINITY; i++) /* all masked: -INFINITY - -INFINITY would be NaN */
        lanes[i % WA_LANES] += wa_exp_float(x[i] - out.max);
    for (size_t l = 0; l < WA_LANES; l++)
        out.sum += (double)lanes[l];
    return out;
}

PLAIN void probabilities(float *y, const float *x, wa_normaliser by, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)wa_exp_float(x[i] - by.max) / by.sum);
}

PLAIN void log_probabilities(float *y, const float *x, wa_normaliser by, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)x[i] - (double)by.max - by.log_sum);
}

PLAIN size_t find(uint32_t *where, const float *x, float least, size_t n)
{
    size_t n_found = 0;

    for (size_t i = 0; i < n; i++)
        if (x[i] >= least)
            where[n_found++] = (uint32_t)i;
    return n_found;
}

PLAIN size_t count(const float *x, float than, bool or_equal, size_t n)
{
    size_t n_found = 0;

    for (size_t i = 0; i < n; i++)
        n_found += or_equal ? x[i] >= than : x[i] > than;
    return n_found;
}

/* ---------------------------------------------------------------- normalisation */

/* The mean of f(x - shift) over n numbers, f the identity or the square. */
PLAIN double mean_of(const float *x, double shift, bool is_squared, size_t n, size_t stride)
{
    double lanes[WA_LANES] = { 0 }, sum = 0;

    for (size_t first = 0; first < n; first += WA_LANES) /* in whole rounds of the lanes, for the compiler to see them */
        for (size_t l = 0; l < WA_LANES && l < n - first; l++) {
            const double d = (double)x[(first + l) * stride] - shift;

            lanes[l] += is_squared ? d * d : d;
        }
    for (size_t l = 0; l < WA_LANES; l++)
        sum += lanes[l];
    return sum / (double)n;
}

PLAIN void standardise(float *y, const float *x, double eps, size_t n, size_t stride)
{
    const double mean = mean_of(x, 0.0, false, n, stride);
    const double root = sqrt(mean_of(x, mean, true, n, stride) + eps);

    for (size_t i = 0; i < n; i++)
        y[i * stride] = root == 0 ? 0.0f : (float)(((double)x[i * stride] - mean) / root); /* a NaN stays one */
}

PLAIN void gain_bias(float *y, const float *gain, const float *bias, size_t T, size_t D)
{
    for (size_t t = 0; t < T; t++, y += D)
        for (size_t d = 0; d < D; d++)
            y[d] = fmaf(y[d], gain[d], bias[d]);
}

/* ---------------------------------------------------------------- element by element */

PLAIN void relu(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] < 0 ? 0.0f : x[i]; /* a NaN stays one, to be seen */
}

PLAIN void gelu(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)x[i] * 0.5 * (1.0 + wa_erf((double)x[i] * 0x1.6a09e667f3bcdp-1)));
}

PLAIN void add(float *y, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

PLAIN void scale(float *y, const float *x, float factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * factor;
}

#endif

/* The arithmetic of the pipeline: numbers in, numbers out; nothing here can fail, allocate, read or write.
 *
 * The numeric contract, which makes results the same bits on every machine, in every batch and on every thread:
 * - an element of a product is one chain of fused multiply-adds over the inner dimension, ascending, that begins with the bias;
 * - a sum over a row is made of WA_LANES partial sums, element i going to lane i mod WA_LANES, ascending; the lanes are then added
 *   in ascending order, in double;
 * - a softmax works in chunks of WA_CHUNK elements with a maximum of their own, combined in ascending order;
 * - exp, log and the rest are those of exp.h and elementary.h.
 * The versions in kernels_ref.c define every result. */
#ifndef WA_MATH_KERNELS_H
#define WA_MATH_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#define WA_LANES 16  /* as wide as the widest vector register in floats, so that a lane is a lane */
#define WA_CHUNK 512 /* divides into lanes evenly; small enough to stay in the first cache */

/* The normaliser of a softmax over a row x: probabilities are exp(x - max) / sum. */
typedef struct wa_normaliser {
    float  max;
    double sum;
    double log_sum;
} wa_normaliser;

typedef struct wa_kernels {
    const char *name;

    /* y = x w^T + bias.
     *
     * y     [T, O], rows y_stride apart; apart from x and w
     * x     [T, D], rows x_stride apart
     * w     [O, D], rows w_stride apart
     * bias  [O], or NULL for zeros */
    void (*linear)(float *y, size_t y_stride, const float *x, size_t x_stride, const float *w, size_t w_stride, const float *bias,
                   size_t T, size_t D, size_t O);

    /* y = weights values: every row a sum of the rows of values.
     *
     * y        [T, E], rows y_stride apart
     * weights  [T, S]
     * values   [S, E] */
    void (*mix)(float *y, size_t y_stride, const float *weights, const float *values, size_t T, size_t S, size_t E);

    /* The normaliser of x[n]. Entries may be -INFINITY (masked), not all of them; otherwise any finite number is safe. */
    wa_normaliser (*normaliser)(const float *x, size_t n);

    /* y[i] = exp(x[i] - max) / sum; exactly 0 where x[i] is -INFINITY. y may be x. */
    void (*probabilities)(float *y, const float *x, wa_normaliser by, size_t n);

    /* y = (x - mean) / sqrt(var + eps) over n numbers `stride` apart; var divides by n. 0 where var + eps is 0: n equal numbers
     * have nothing to scale. y may be x. Source: Ba, Kiros & Hinton 2016, eq. 3-4 (eps is ours). */
    void (*standardise)(float *y, const float *x, double eps, size_t n, size_t stride);

    /* y = y * gain + bias for each of T rows, fused. gain, bias [D]. */
    void (*gain_bias)(float *y, const float *gain, const float *bias, size_t T, size_t D);

    /* y = max(x, 0), and y = x/2 (1 + erf(x / sqrt 2)). Source of the second: Hendrycks & Gimpel 2016, exact form. */
    void (*relu)(float *y, const float *x, size_t n);
    void (*gelu)(float *y, const float *x, size_t n);

    /* y[i] = a[i] + b[i], and y[i] = x[i] * factor, each rounded once. y may be an argument. */
    void (*add)(float *y, const float *a, const float *b, size_t n);
    void (*scale)(float *y, const float *x, float factor, size_t n);
} wa_kernels;

/* The kernels for this processor. */
const wa_kernels *wa_kernels_choose(void);

extern const wa_kernels wa_kernels_ref;

/* log and probability of an element under a normaliser; the probability is the one `probabilities` gives. */
float wa_log_probability(float x, wa_normaliser by);
float wa_probability(float x, wa_normaliser by);

/* Sinusoidal positions: out [T, D] gets, for pair i of position p = first + t, the sine and cosine of p / base^(2i/D).
 *
 * is_halved   all sines first, then all cosines; else sine in even and cosine in odd columns. With an odd D there is one
 *             sine more.
 * is_doubled  4i/D instead of 2i/D: an error of a published notebook, kept so that its numbers can be reproduced
 * Source: Vaswani et al. 2017, section 3.5. */
void wa_sinusoidal(float *out, double first, double base, bool is_halved, bool is_doubled, size_t T, size_t D);

#endif

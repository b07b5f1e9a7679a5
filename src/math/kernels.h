/* The arithmetic of the pipeline: numbers in, numbers out; nothing here can fail, allocate, read or write.
 *
 * The numeric contract, which makes results the same bits on every machine, in every batch and on every thread:
 * - an element of a product is one chain of fused multiply-adds over the inner dimension, ascending, that begins with the bias;
 * - a sum over a row is made of WA_LANES partial sums, element i going to lane i mod WA_LANES, ascending; the lanes are then added
 *   in ascending order, in double;
 * - a softmax works in chunks of WA_CHUNK elements with a maximum of their own, combined in ascending order;
 * - exp, log and the rest are those of exp.h and elementary.h.
 * The versions in kernels_plain.h define every result; those of kernels_simd.c give the same bits. */
#ifndef WA_MATH_KERNELS_H
#define WA_MATH_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "math/codes.h"
#include "math/panels.h"

#define WA_LANES 16  /* as wide as the widest vector register in floats, so that a lane is a lane */
#define WA_CHUNK 512 /* divides into lanes and panels evenly; small enough for WA_BLOCK rows of it to stay in the first cache */

/* What a softmax needs to know of at most WA_CHUNK elements x. */
typedef struct wa_chunk {
    float  max, min; /* where no element is a NaN */
    double sum;      /* of exp(x - max); NaN where an element is a NaN or infinity, 0 where all are -INFINITY */
} wa_chunk;

/* The normaliser of a softmax over a row x: probabilities are exp(x - max) / sum. */
typedef struct wa_normaliser {
    float  max;
    double sum;
    double log_sum;
} wa_normaliser;

typedef struct wa_kernels {
    const char *name; /* for WORDAHEAD_KERNELS */

    /* y = x w^T + bias, for n_panels panels of w from `first` on.
     *
     * y     [T, O], rows y_stride apart, apart from x and w; y itself is where the column of the first panel begins
     * x     [T, D] in blocks (wa_rows_pack)
     * w     [O, D] */
    void (*product)(float *y, size_t y_stride, const float *x, size_t T, const wa_panels *w, size_t first, size_t n_panels);

    /* The same elements for single rows of w: y[i] belongs to row which[i].
     *
     * y, which  [n]
     * x         [D] */
    void (*product_of_rows)(float *y, const float *x, const wa_rows *w, const uint32_t *which, size_t n);

    /* Bounds of products from 8-bit copies of both sides, for n_panels panels of codes from `first` on: lower <= x w^T + bias <= upper, where
     * the middle is what `product` gives. The proof is in docs/MODEL.md.
     *
     * upper, lower  [T, O], rows `stride` apart, beginning at the first panel's column; written in whole panels
     * probes        T inputs as wa_probe_make() makes them */
    void (*bound)(float *upper, float *lower, size_t stride, const wa_probes *probes, size_t T, const wa_codes *codes, size_t first,
                  size_t n_panels);

    /* The measures of x[n], n <= WA_CHUNK. Entries may be -INFINITY (masked). */
    wa_chunk (*measure)(const float *x, size_t n);

    /* y[i] = exp(x[i] - max) / sum; exactly 0 where x[i] is -INFINITY. y may be x. */
    void (*probabilities)(float *y, const float *x, wa_normaliser by, size_t n);

    /* y[i] = x[i] - max - log(sum), as wa_log_probability(). y may be x. */
    void (*log_probabilities)(float *y, const float *x, wa_normaliser by, size_t n);

    /* Writes the places i < n with x[i] >= least to where[], ascending; returns how many. where [n] */
    size_t (*find)(uint32_t *where, const float *x, float least, size_t n);

    /* How many of x[n] are larger than `than`, or where or_equal is set, at least it. */
    size_t (*count)(const float *x, float than, bool or_equal, size_t n);

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

/* The fastest kernels that this processor has. */
const wa_kernels *wa_kernels_choose(void);
/* Those of a name, or NULL where there are none or the processor lacks what they need. */
const wa_kernels *wa_kernels_named(const char *name);
/* The names there are, "ref, avx2 and avx512", whether the processor has them or not. */
const char *wa_kernels_names(void);

extern const wa_kernels wa_kernels_ref;

/* Whether every element of the chunks that were measured is finite. */
bool wa_chunks_are_finite(const wa_chunk *chunks, size_t n_chunks);

/* The normaliser of x[n]: not all entries may be -INFINITY, otherwise any finite number is safe. */
wa_normaliser wa_normaliser_of(const wa_kernels *kernels, const float *x, size_t n);
/* The same from the measures of the chunks of a row, in their order. */
wa_normaliser wa_normaliser_join(const wa_chunk *chunks, size_t n_chunks);

/* log and probability of an element under a normaliser; the probability is the one `probabilities` gives. */
float wa_log_probability(float x, wa_normaliser by);
float wa_probability(float x, wa_normaliser by);

/* Sinusoidal positions: out [T, D] gets, for pair i of position p = start + (first + t), the sine and cosine of p / base^(2i/D).
 *
 * is_halved   all sines first, then all cosines; else sine in even and cosine in odd columns. With an odd D there is one
 *             sine more.
 * is_doubled  4i/D instead of 2i/D: an error of a published notebook, kept so that its numbers can be reproduced
 * Source: Vaswani et al. 2017, section 3.5. */
void wa_sinusoidal(float *out, double start, size_t first, double base, bool is_halved, bool is_doubled, size_t T, size_t D);

#endif

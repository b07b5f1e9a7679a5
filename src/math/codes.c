/* Matrices and inputs in 8 bits. See codes.h, and docs/MODEL.md for why the bounds hold. */
#include "math/codes.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define CODE_MOST 127
#define QUAD_MOST 128  /* 255 times this is below 2^15 */
#define SAFE_MOST 1e37 /* a bound below it is far enough from the largest float for every sum on the way */

/* A little more than 1: covers the rounding of what is computed with a factor of it, here and in the kernels. */
#define UPWARDS (1.0 + 0x1p-20)

/* What numbers too small for 24 bits may lose: D roundings in the chain, and one of scale times scale in the estimate, times codes. More does no
 * harm, and what is no normal number is slow: without biases bounds took five times as long on some processors. */
static double underflow_of(size_t D)
{
    return fmax((double)(D + 1) * 0x1p-134, FLT_MIN);
}

/* Relative rounding of a chain of D fused multiply-adds, and of the estimate beside it: rho of the proof. */
static double rounding_of(size_t D)
{
    return (double)(D + 16) * 0x1p-22;
}

static float rounded_up(double x)
{
    return nextafterf((float)(x * UPWARDS), INFINITY);
}

/* ---------------------------------------------------------------- one row, of a matrix or an input */

/* What coding a row leaves: lengths in double. A row that is not finite has a length that is not. */
typedef struct coding {
    float  scale;
    double length, rest_length, coded_length;
    double sum; /* of the codes */
} coding;

enum { GROUP = 4, UNSIGNED = 0x80 }; /* codes in a group; what turns a code into code + 128 in one byte */

/* A group of numbers, in the compilers' own vectors: every processor has those of 16 bytes, and gets two for one of 32. */
typedef float    four_floats __attribute__((vector_size(16)));
typedef uint32_t four_bits __attribute__((vector_size(16)));
typedef uint16_t four_halves __attribute__((vector_size(8)));
typedef double   four_doubles __attribute__((vector_size(32)));

/* With `type` a constant: called for all of a vocabulary, and every input. */
#define INLINE static inline __attribute__((always_inline))

/* The numbers of group g, zeros beyond the last. */
INLINE four_floats read_group(const void *row, const wa_number_type type, size_t D, size_t g)
{
    const size_t first = g * GROUP;
    four_halves  halves;
    four_floats  x = { 0 };

    if (first + GROUP > D) {
        for (size_t i = 0; first + i < D; i++)
            x[i] = wa_number_at(row, type, first + i);
        return x;
    }
    if (type == WA_NUMBER_F32) {
        memcpy(&x, (const char *)row + first * sizeof(float), sizeof x);
        return x;
    }
    memcpy(&halves, (const char *)row + first * sizeof(uint16_t), sizeof halves);
    return (four_floats)(__builtin_convertvector(halves, four_bits) << 16);
}

INLINE four_floats sizes_of(four_floats x)
{
    return (four_floats)((four_bits)x & 0x7fffffff);
}

/* most / steps, not less: what has no 24 bits is rounded by much, and codes must fit. */
static float scale_for(double most, double steps)
{
    const float scale = (float)(most / steps);

    return (double)scale * steps < most ? nextafterf(scale, INFINITY) : scale;
}

/* The scale at which no code of an input is larger than CODE_MOST. */
static float scale_of_input(const float *x, size_t D)
{
    float most[GROUP] = { 0 }; /* apart, as a comparison waits for the one before */

    for (size_t g = 0; g * GROUP < D; g++) {
        const four_floats sizes = sizes_of(read_group(x, WA_NUMBER_F32, D, g));

        for (size_t i = 0; i < GROUP; i++)
            most[i] = sizes[i] > most[i] ? sizes[i] : most[i];
    }
    return scale_for((double)fmaxf(fmaxf(most[0], most[1]), fmaxf(most[2], most[3])), CODE_MOST);
}

/* The scale at which the codes of no quad of a row add up to more than QUAD_MOST: each may be rounded up by a half. */
INLINE float scale_of_row(const void *row, const wa_number_type type, size_t D)
{
    double most = 0;

    for (size_t g = 0; g * GROUP < D; g += 2) {
        const four_doubles sums = __builtin_convertvector(sizes_of(read_group(row, type, D, g)), four_doubles) +
                                  __builtin_convertvector(sizes_of(read_group(row, type, D, g + 1)), four_doubles);
        const double first = sums[0] + sums[1], second = sums[2] + sums[3]; /* the quads */

        most = first > most ? first : most;
        most = second > most ? second : most;
    }
    return scale_for(most, QUAD_MOST - 4 * 0.5);
}

/* Codes a row; groups of codes, `flip` applied to every byte, go to `out`, step bytes apart. The scale is such that the codes fit.
 * Adding ROUND leaves the nearest whole number in the low bits; those of what is not finite are any. */
INLINE coding code_row(const void *row, const wa_number_type type, size_t D, float scale, void *out, size_t step, uint8_t flip)
{
    const float  divisor = scale > 0 ? scale : 1, ROUND = 0x1.8p+23f;
    four_doubles squares = { 0 }, rests = { 0 }, coded = { 0 }, sums = { 0 };

    for (size_t g = 0; g < wa_codes_groups(D); g++) {
        const four_floats  x = read_group(row, type, D, g), rounded = x / divisor + ROUND;
        const four_doubles code  = __builtin_convertvector(rounded - ROUND, four_doubles);
        const four_doubles exact = __builtin_convertvector(x, four_doubles), rest = exact - code * (double)scale;
        const four_bits    bits = (four_bits)rounded;

        squares += exact * exact;
        rests += rest * rest;
        coded += code * code;
        sums += code;
        for (size_t i = 0; i < GROUP; i++)
            ((uint8_t *)out)[g * step + i] = (uint8_t)bits[i] ^ flip;
    }
    return (coding){
        .scale        = scale,
        .length       = sqrt(squares[0] + squares[1] + squares[2] + squares[3]),
        .rest_length  = sqrt(rests[0] + rests[1] + rests[2] + rests[3]),
        .coded_length = (double)scale * sqrt(coded[0] + coded[1] + coded[2] + coded[3]),
        .sum          = sums[0] + sums[1] + sums[2] + sums[3],
    };
}

/* ---------------------------------------------------------------- a matrix */

INLINE void fill_row(wa_codes *codes, const char *row, const wa_number_type type, float bias, size_t i)
{
    const size_t  D     = codes->n_inner;
    int8_t *const place = codes->codes + (i / WA_PANEL * codes->n_groups * WA_PANEL + i % WA_PANEL) * GROUP;
    const coding  c     = code_row(row, type, D, scale_of_row(row, type, D), place, WA_PANEL * GROUP, 0);

    codes->shift[i]  = isfinite(c.sum) ? -128 * (int32_t)c.sum : 0;
    codes->scale[i]  = c.scale;
    codes->slope[i]  = rounded_up(c.rest_length + rounding_of(D) * c.length);
    codes->length[i] = rounded_up(c.coded_length);
    codes->bias[i]   = bias;
    codes->floor[i]  = rounded_up(rounding_of(D) * fabs((double)bias) + underflow_of(D));
}

static void clear_row(wa_codes *codes, size_t i)
{
    codes->shift[i] = 0;
    codes->scale[i] = codes->slope[i] = codes->length[i] = codes->bias[i] = codes->floor[i] = 0;
}

void wa_codes_fill(wa_codes *codes, const wa_rows *rows, size_t p)
{
    const size_t first = p * WA_PANEL;

    if (rows->n_rows - first < WA_PANEL)
        memset(codes->codes + first * codes->n_groups * GROUP, 0, WA_PANEL * codes->n_groups * GROUP);
    for (size_t i = first; i < first + WA_PANEL; i++) {
        const char *const row  = (const char *)rows->data + i * rows->n_inner * wa_number_size(rows->type);
        const float       bias = rows->bias && i < rows->n_rows ? rows->bias[i] : 0.0f;

        if (i >= rows->n_rows)
            clear_row(codes, i);
        else if (rows->type == WA_NUMBER_BF16)
            fill_row(codes, row, WA_NUMBER_BF16, bias, i);
        else
            fill_row(codes, row, WA_NUMBER_F32, bias, i);
    }
}

void wa_codes_finish(wa_codes *codes)
{
    codes->is_finite      = codes->n_inner <= WA_CODES_WIDTH;
    codes->largest_length = codes->largest_bias = 0;
    for (size_t i = 0; i < codes->n_rows; i++) {
        const float length = codes->length[i] + codes->slope[i], bias = fabsf(codes->bias[i]);

        codes->is_finite      = codes->is_finite && isfinite(length) && isfinite(bias);
        codes->largest_length = length > codes->largest_length ? length : codes->largest_length;
        codes->largest_bias   = bias > codes->largest_bias ? bias : codes->largest_bias;
    }
}

/* ---------------------------------------------------------------- an input */

void wa_probe_make(wa_probes *probes, size_t t, size_t T, const float *x, const wa_codes *codes)
{
    const size_t    first = t - t % WA_BLOCK, n = T - first < WA_BLOCK ? T - first : WA_BLOCK, D = codes->n_inner;
    uint32_t *const place = probes->codes + first * codes->n_groups + t % WA_BLOCK;
    const coding    c     = code_row(x, WA_NUMBER_F32, D, scale_of_input(x, D), place, n * sizeof *place, UNSIGNED);

    probes->scale[t]  = c.scale;
    probes->length[t] = rounded_up(c.length);
    probes->error[t]  = rounded_up(c.rest_length);
}

wa_probes wa_probes_from(const wa_probes *probes, size_t t, const wa_codes *codes)
{
    return (wa_probes){ probes->codes + t * codes->n_groups, probes->scale + t, probes->length + t, probes->error + t };
}

bool wa_probe_is_safe(const wa_probes *probes, size_t t, const wa_codes *codes, float factor)
{
    const double reach = (double)probes->length[t] + (double)probes->error[t];
    const double most  = (double)codes->largest_bias + (double)codes->largest_length * reach;

    return codes->is_finite && most * fmax(1.0, (double)factor) < SAFE_MOST;
}

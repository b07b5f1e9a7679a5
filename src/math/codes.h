/* Matrices and inputs in 8 bits, which bound a product from a quarter of the bytes: which words are worth computing.
 *
 * A row w of D floats becomes codes c in -127..127 with w = scale * c + rest, an input x likewise. Of every eight codes the first,
 * second, fifth and sixth are a quad, and so are the others. The sizes of a row's quad add up to 128 at most: with codes + 128 of an
 * input their products then fit a signed number of 16 bits, so that processors may add them there. For every row
 *
 *     |x w^T + bias - estimate| <= slope * |x| + length * |error of x's codes| + floor
 *
 * by the inequality of Cauchy and Schwarz; docs/MODEL.md, "Certified ranking", has the proof, rounding included. */
#ifndef WA_MATH_CODES_H
#define WA_MATH_CODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "math/panels.h"

#define WA_CODES_WIDTH 65536 /* the widest rows whose sums of products of codes fit 32 bits */

/* The 8-bit copy of a matrix [O, D]. All arrays are padded to whole panels; a panel holds for every four d, a group, the four codes of
 * each of its rows side by side: [panels, n_groups, WA_PANEL, 4]. */
typedef struct wa_codes {
    int8_t  *codes;
    int32_t *shift;                  /* -128 times the sum of a row's codes: inputs are kept as code + 128 */
    float   *scale, *slope, *length; /* of a row; see above, rounded up */
    float   *bias, *floor;           /* of a row; zeros where the matrix has no bias */
    size_t   n_rows, n_inner, n_groups;
    float    largest_length, largest_bias; /* over all rows */
    bool     is_finite;                    /* false: a number is not finite, or too large for the bounds to hold */
} wa_codes;

/* Inputs in blocks of WA_BLOCK, as wa_rows_pack() lays them: four codes + 128 of an input are one number. */
typedef struct wa_probes {
    uint32_t *codes;                  /* [T, n_groups] in blocks */
    float    *scale, *length, *error; /* [T]; lengths of x and of what its codes leave out, rounded up */
} wa_probes;

/* The groups of rows of D: an even number, since two are added in 16 bits. */
static inline size_t wa_codes_groups(size_t D)
{
    return (D + 7) / 8 * 2;
}

/* Fills panel p of the codes of a matrix; the caller has allocated the arrays and set the three counts. Panels are independent of
 * one another. */
void wa_codes_fill(wa_codes *codes, const wa_rows *rows, size_t p);
/* Sets what is known once all panels are filled. */
void wa_codes_finish(wa_codes *codes);

/* Makes input t of T from x [D]. */
void wa_probe_make(wa_probes *probes, size_t t, size_t T, const float *x, const wa_codes *codes);
/* The inputs from t on, t being the first of a block. */
wa_probes wa_probes_from(const wa_probes *probes, size_t t, const wa_codes *codes);
/* Whether the bounds hold for input t: no product of it can come near the largest float, even multiplied by the factor. */
bool wa_probe_is_safe(const wa_probes *probes, size_t t, const wa_codes *codes, float factor);

#endif

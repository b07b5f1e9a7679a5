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
    long   sum; /* of the codes */
} coding;

/* The scale at which no code of an input is larger than CODE_MOST. */
static float scale_of_input(const char *row, wa_number_type type, size_t D)
{
    float most = 0;

    for (size_t d = 0; d < D; d++) {
        const float size = fabsf(wa_number_at(row, type, d));

        most = size > most ? size : most;
    }
    return most / CODE_MOST;
}

/* The scale at which the codes of no quad of a row add up to more than QUAD_MOST: each may be rounded up by a half. */
static float scale_of_row(const char *row, wa_number_type type, size_t D)
{
    double most = 0;

    for (size_t first = 0; first < D; first += 8) {
        const size_t end     = D - first < 8 ? D : first + 8;
        double       sums[2] = { 0, 0 };

        for (size_t d = first; d < end; d++)
            sums[wa_codes_quad(d) % 2] += fabs((double)wa_number_at(row, type, d));
        most = fmax(most, fmax(sums[0], sums[1]));
    }
    const double steps = QUAD_MOST - 4 * 0.5;
    const float  scale = (float)(most / steps);

    return (double)scale * steps < most ? nextafterf(scale, INFINITY) : scale; /* numbers without 24 bits are rounded by much */
}

/* The code of x: the nearest multiple of the scale, as far as 8 bits reach. */
static int code_of(float x, float scale)
{
    const float steps = scale > 0 ? x / scale : 0.0f;

    return steps >= CODE_MOST ? CODE_MOST : steps <= -CODE_MOST ? -CODE_MOST : (int)lrintf(steps);
}

/* Codes a row; put(user, d, code) keeps each code. */
static coding code_row(const char *row, wa_number_type type, size_t D, float scale, void (*put)(void *user, size_t d, int code),
                       void *user)
{
    coding out     = { .scale = scale };
    double squares = 0, rest_squares = 0, code_squares = 0;

    for (size_t d = 0; d < D; d++) {
        const double x    = (double)wa_number_at(row, type, d);
        const int    code = isfinite(x) && isfinite(scale) ? code_of((float)x, scale) : 0;
        const double rest = x - (double)scale * code;

        squares += x * x;
        rest_squares += rest * rest;
        code_squares += (double)(code * code);
        out.sum += code;
        put(user, d, code);
    }
    out.length       = sqrt(squares);
    out.rest_length  = sqrt(rest_squares);
    out.coded_length = (double)scale * sqrt(code_squares);
    return out;
}

/* ---------------------------------------------------------------- a matrix */

/* user: where the row begins in its panel */
static void put_in_panel(void *user, size_t d, int code)
{
    ((int8_t *)user)[d / 4 * WA_PANEL * 4 + d % 4] = (int8_t)code;
}

static void fill_row(wa_codes *codes, const char *row, wa_number_type type, float bias, size_t i)
{
    const size_t  D     = codes->n_inner;
    int8_t *const place = codes->codes + i / WA_PANEL * codes->n_groups * WA_PANEL * 4 + i % WA_PANEL * 4;
    const coding  c     = code_row(row, type, D, scale_of_row(row, type, D), put_in_panel, place);

    codes->shift[i]  = -128 * (int32_t)c.sum;
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

    memset(codes->codes + first * codes->n_groups * 4, 0, WA_PANEL * codes->n_groups * 4);
    for (size_t i = first; i < first + WA_PANEL; i++)
        if (i < rows->n_rows)
            fill_row(codes, (const char *)rows->data + i * rows->n_inner * wa_number_size(rows->type), rows->type,
                     rows->bias ? rows->bias[i] : 0.0f, i);
        else
            clear_row(codes, i);
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

typedef struct input_place {
    uint32_t *codes; /* of the input in its block */
    size_t    n;     /* inputs in the block */
} input_place;

static void put_in_block(void *user, size_t d, int code)
{
    const input_place *const place = user;
    uint32_t *const          group = &place->codes[d / 4 * place->n];

    *group |= (uint32_t)(code + 128) << (8 * (d % 4)); /* little-endian: byte d % 4, as the codes of the rows lie */
}

void wa_probe_make(wa_probes *probes, size_t t, size_t T, const float *x, const wa_codes *codes)
{
    const size_t first = t - t % WA_BLOCK, n = T - first < WA_BLOCK ? T - first : WA_BLOCK;
    input_place  place = { probes->codes + first * codes->n_groups + t % WA_BLOCK, n };

    for (size_t g = 0; g < codes->n_groups; g++)
        place.codes[g * n] = 0;
    const float  scale = scale_of_input((const char *)x, WA_NUMBER_F32, codes->n_inner);
    const coding c     = code_row((const char *)x, WA_NUMBER_F32, codes->n_inner, scale, put_in_block, &place);
    probes->scale[t]   = c.scale;
    probes->length[t]  = rounded_up(c.length);
    probes->error[t]   = rounded_up(c.rest_length);
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

/* exp in float, inline because the kernels call it once a word of the vocabulary. See elementary.h for why it is our own. */
#ifndef WA_MATH_EXP_H
#define WA_MATH_EXP_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ln 2 in two parts, the first with zeros behind so that n times it is exact, and what leaves the nearest whole number when added. */
#define WA_EXP_LOG2_E   0x1.715476p+0f
#define WA_EXP_LN2_HIGH 0x1.62e4p-1f
#define WA_EXP_LN2_LOW  0x1.7f7d1cp-20f
#define WA_EXP_ROUND    0x1.8p+23f

static inline float wa_power_of_two_float(int n) /* -126 <= n <= 127 */
{
    const uint32_t bits = (uint32_t)(n + 127) << 23;
    float          x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* e^x in float: at most 2 ulp for results that are normal numbers; 0 below -103.98, infinity above 88.73; NaN for NaN.
 * Method: x = n ln 2 + r with |r| <= ln 2 / 2 (Cody & Waite 1980, two constants), the Taylor polynomial of degree 7 in r (its
 * rest is below 5e-9), scaled by 2^n in two steps so that subnormal results come out. */
static inline float wa_exp_float(float x)
{
    static const float c[] = { 1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f }; /* 1/7! .. 1/0! */

    if (!(x >= -104.0f))
        return x < 0 ? 0.0f : x; /* the second is a NaN */
    if (x > 89.0f)
        return INFINITY;
    const float n = fmaf(x, WA_EXP_LOG2_E, WA_EXP_ROUND) - WA_EXP_ROUND;
    const float r = fmaf(-n, WA_EXP_LN2_LOW, fmaf(-n, WA_EXP_LN2_HIGH, x));
    float       p = c[0];
    for (int i = 1; i < 8; i++)
        p = fmaf(p, r, c[i]);
    const int whole = (int)n, half = whole / 2;
    return p * wa_power_of_two_float(half) * wa_power_of_two_float(whole - half);
}

#endif

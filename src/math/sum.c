/* Exact sums of doubles. See sum.h. */
#include "math/sum.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { DIGIT_BITS = 32, LOWEST_EXPONENT = -1074, MOST_ADDED = 1 << 28 };

#define DIGIT_MASK ((int64_t)0xFFFFFFFF)

void wa_sum_settle(wa_sum *sum)
{
    for (size_t i = 0; i + 1 < WA_SUM_DIGITS; i++) {
        const int64_t low = sum->digits[i] & DIGIT_MASK;

        sum->digits[i + 1] += (sum->digits[i] - low) / (DIGIT_MASK + 1); /* exact, also below 0 */
        sum->digits[i] = low;
    }
    sum->n_added = 0;
}

void wa_sum_add(wa_sum *sum, double x)
{
    uint64_t bits;

    assert(isfinite(x));
    memcpy(&bits, &x, sizeof bits);
    const uint64_t exponent = bits >> 52 & 0x7FF, fraction = bits & ((UINT64_C(1) << 52) - 1);
    const uint64_t mantissa = exponent ? fraction | UINT64_C(1) << 52 : fraction;
    const size_t   place    = exponent ? (size_t)exponent - 1 : 0; /* of the mantissa's last bit, from 2^-1074 */
    const size_t   i = place / DIGIT_BITS, shift = place % DIGIT_BITS;
    const uint64_t low = (mantissa & (uint64_t)DIGIT_MASK) << shift, high = (mantissa >> DIGIT_BITS) << shift;
    const int64_t  sign = bits >> 63 ? -1 : 1;

    if (sum->n_added == MOST_ADDED)
        wa_sum_settle(sum);
    sum->n_added++;
    sum->digits[i] += sign * (int64_t)(low & (uint64_t)DIGIT_MASK);
    sum->digits[i + 1] += sign * (int64_t)((low >> DIGIT_BITS) + (high & (uint64_t)DIGIT_MASK));
    sum->digits[i + 2] += sign * (int64_t)(high >> DIGIT_BITS);
}

void wa_sum_merge(wa_sum *sum, const wa_sum *other)
{
    wa_sum settled = *other;

    wa_sum_settle(&settled);
    wa_sum_settle(sum);
    for (size_t i = 0; i < WA_SUM_DIGITS; i++)
        sum->digits[i] += settled.digits[i];
    wa_sum_settle(sum);
}

int wa_sum_split(const wa_sum *sum, wa_sum *magnitude)
{
    *magnitude = *sum;
    wa_sum_settle(magnitude);
    if (magnitude->digits[WA_SUM_DIGITS - 1] >= 0)
        return 1;
    for (size_t i = 0; i < WA_SUM_DIGITS; i++)
        magnitude->digits[i] = -magnitude->digits[i];
    wa_sum_settle(magnitude);
    return -1;
}

/* The first 64 bits from the highest one on, the last of them set where a later one is: enough to round once, correctly. */
double wa_sum_value(const wa_sum *sum)
{
    wa_sum    magnitude;
    const int sign = wa_sum_split(sum, &magnitude);
    size_t    n    = WA_SUM_DIGITS;

    while (n > 0 && magnitude.digits[n - 1] == 0)
        n--;
    if (n == 0)
        return 0.0;
    const int64_t *const d       = magnitude.digits;
    const int            top     = 64 - __builtin_clzll((uint64_t)d[n - 1]); /* bits of the highest digit, 1..32 */
    const uint64_t       second  = n > 1 ? (uint64_t)d[n - 2] : 0;
    const uint64_t       third   = n > 2 ? (uint64_t)d[n - 3] : 0;
    uint64_t             leading = (uint64_t)d[n - 1] << (64 - top) | second << (32 - top) | third >> top;
    bool                 is_more = (third & ((UINT64_C(1) << top) - 1)) != 0;

    for (size_t i = 0; !is_more && i + 3 < n; i++)
        is_more = d[i] != 0;
    leading |= is_more;
    const double value = ldexp((double)leading, DIGIT_BITS * (int)(n - 3) + top + LOWEST_EXPONENT);
    return sign * value;
}

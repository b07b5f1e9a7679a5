/* Exact sums of doubles: the same whatever the order, and however the numbers were shared among threads, runs and machines.
 *
 * A wa_sum (wordahead.h) is a number in fixed point, wide enough for every double. Digits are 32 bits wide in 64-bit integers, so that
 * 2^28 numbers are added before carries must be moved; value = sum of digits[i] * 2^(32 i - 1074), digits signed.
 * Source: Neal 2015, "Fast exact summation using small and large superaccumulators", the small one. */
#ifndef WA_MATH_SUM_H
#define WA_MATH_SUM_H

#include "wordahead.h"

/* Moves the carries, so that equal sums are equal bytes: all digits but the last lie in 0 .. 2^32 - 1, the last bears the sign. */
void wa_sum_settle(wa_sum *sum);

/* The sum without its sign, settled, so that all its digits lie in 0 .. 2^32 - 1. Returns the sign, -1 or 1. */
int wa_sum_split(const wa_sum *sum, wa_sum *magnitude);

#endif

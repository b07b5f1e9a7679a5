/* Elementary functions with the same bits everywhere. See elementary.h. */
#include "math/elementary.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ---------------------------------------------------------------- powers of two */

static double power_of_two(int n) /* -1022 <= n <= 1023 */
{
    const uint64_t bits = (uint64_t)(n + 1023) << 52;
    double         x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ---------------------------------------------------------------- exp */

double wa_exp(double x)
{
    const double log2_e = 0x1.71547652b82fep+0, ln2_high = 0x1.62e42fefa39efp-1, ln2_low = 0x1.abc9e3b39803fp-56;

    if (!(x >= -746.0))
        return x < 0 ? 0.0 : x;
    if (x > 710.0)
        return INFINITY;
    const double n = fma(x, log2_e, 0x1.8p+52) - 0x1.8p+52;
    const double r = fma(-n, ln2_low, fma(-n, ln2_high, x));
    double       p = 1.0;
    for (int i = 14; i > 0; i--) /* Horner's form of the Taylor series: 1 + r/1 (1 + r/2 (1 + ...)) */
        p = fma(p, r / i, 1.0);
    const int whole = (int)n, half = whole / 2;
    return p * power_of_two(half) * power_of_two(whole - half);
}

/* ---------------------------------------------------------------- log */

/* log(m 2^e) = e ln 2 + 2 atanh((m - 1) / (m + 1)) with m in [sqrt(1/2), sqrt(2)), where the series of atanh is short. */
double wa_ln(double x)
{
    const double ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45; /* e * ln2_high is exact */
    int          e;
    double       m = frexp(x, &e);

    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        e--;
    }
    const double s = (m - 1) / (m + 1), s2 = s * s;
    double       p = 0;
    for (int k = 25; k > 1; k -= 2) /* s2 < 0.0295: the next term is below 1e-20 */
        p = fma(p, s2, 1.0 / k);
    return fma(e, ln2_high, fma(e, ln2_low, 2 * fma(s * s2, p, s)));
}

/* ---------------------------------------------------------------- sine and cosine */

/* Sine of r for |r| <= pi/4 and, with is_cosine, cosine: the Taylor series, to terms below 1e-18. */
static double series(double r, bool is_cosine)
{
    const double r2 = r * r;
    double       p  = 1.0;

    for (int k = is_cosine ? 18 : 19; k > 1; k -= 2)
        p = fma(p * -r2, 1.0 / (k * (k - 1)), 1.0);
    return is_cosine ? p : p * r;
}

/* sin(x + quarters * pi/2). pi/2 in three parts (Cody & Waite), so that n times the first two is exact for |n| < 2^20. */
static double sine(double x, int quarters)
{
    const double half_pi[] = { 0x1.921fb54400000p+0, 0x1.0b4611a600000p-34, 0x1.3198a2e037073p-69 };
    assert(!(fabs(x) > 0x1p20));
    const double n        = fma(x, 0x1.45f306dc9c883p-1, 0x1.8p+52) - 0x1.8p+52;
    const double r        = fma(-n, half_pi[2], fma(-n, half_pi[1], fma(-n, half_pi[0], x)));
    const int    quadrant = (int)(((int64_t)n + quarters) & 3);
    const double y        = series(r, quadrant & 1);

    return quadrant & 2 ? -y : y;
}

double wa_sin(double x)
{
    return sine(x, 0);
}

double wa_cos(double x)
{
    return sine(x, 1);
}

/* ---------------------------------------------------------------- the error function */

/* erf(x) = 2/sqrt(pi) e^(-x^2) sum over n of 2^n x^(2n+1) / (2n+1)!!: all terms are positive, so nothing cancels.
 * Beyond 6 it is 1 in double. Source: Abramowitz & Stegun 7.1.6. */
double wa_erf(double x)
{
    if (!(fabs(x) < 6.0))
        return isnan(x) ? x : copysign(1.0, x);
    double term = x, sum = x;
    for (int n = 1; fabs(term) > 0x1p-54 * fabs(sum); n++) {
        term *= 2 * x * x / (2 * n + 1);
        sum += term;
    }
    return 0x1.20dd750429b6dp+0 * wa_exp(-x * x) * sum;
}

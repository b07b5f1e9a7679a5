/* exp, log, sine, cosine and the error function in double, made of additions, multiplications and fused multiply-adds only.
 *
 * The C library's versions differ between systems and even between processors of one system; these give the same bits
 * everywhere, which is why math/ calls libm for nothing but fma(), sqrt() and frexp(), which are exact by IEEE 754. exp in
 * float is in exp.h. */
#ifndef WA_MATH_ELEMENTARY_H
#define WA_MATH_ELEMENTARY_H

/* Within 1e-15 of the true value, relative for exp and log, absolute for sine and cosine; the error function within 3e-15. */
double wa_exp(double x);
double wa_ln(double x);  /* x > 0 and finite */
double wa_sin(double x); /* |x| <= 2^20 */
double wa_cos(double x);
double wa_erf(double x);

#endif

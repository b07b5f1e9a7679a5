/* Choosing the kernels, and what is too small to need versions. See kernels.h. */
#include "math/kernels.h"

#include <math.h>

#include "math/elementary.h"
#include "math/exp.h"

#if defined(__x86_64__)
extern const wa_kernels wa_kernels_ref_fma; /* kernels_ref.c, compiled with -mfma */
#endif

const wa_kernels *wa_kernels_choose(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("fma"))
        return &wa_kernels_ref_fma;
#endif
    return &wa_kernels_ref;
}

float wa_log_probability(float x, wa_normaliser by)
{
    return (float)((double)x - (double)by.max - by.log_sum);
}

float wa_probability(float x, wa_normaliser by)
{
    return (float)((double)wa_exp_float(x - by.max) / by.sum);
}

void wa_sinusoidal(float *out, double first, double base, bool is_halved, bool is_doubled, size_t T, size_t D)
{
    const double log_base = wa_ln(base);
    const size_t n_sines  = (D + 1) / 2;

    for (size_t d = 0; d < D; d++) {
        const bool   is_sine   = is_halved ? d < n_sines : d % 2 == 0;
        const size_t pair      = is_halved ? d % n_sines : d / 2;
        const double exponent  = (double)((is_doubled ? 4 : 2) * pair) / (double)D;
        const double frequency = wa_exp(-exponent * log_base);

        for (size_t t = 0; t < T; t++) {
            const double angle = (first + (double)t) * frequency;

            out[t * D + d] = (float)(is_sine ? wa_sin(angle) : wa_cos(angle));
        }
    }
}

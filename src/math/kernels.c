/* Choosing the kernels, and what is too small to need versions. See kernels.h. */
#include "math/kernels.h"

#include <math.h>
#include <string.h>

#include "math/elementary.h"
#include "math/exp.h"

/* ---------------------------------------------------------------- choosing */

#if defined(__x86_64__)
extern const wa_kernels wa_kernels_ref_fma, wa_kernels_avx2, wa_kernels_avx512; /* see the Makefile */
#elif defined(__aarch64__)
extern const wa_kernels wa_kernels_neon;
#endif

typedef struct version {
    const wa_kernels *kernels;
    bool (*is_supported)(void);
} version;

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
static bool has_fma(void)
{
    return __builtin_cpu_supports("fma");
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && has_fma();
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") && has_avx2();
}
#endif

/* Slowest first. The last two that are "ref" differ in speed only. */
static const version versions[] = {
    { &wa_kernels_ref, always },
#if defined(__x86_64__)
    { &wa_kernels_ref_fma, has_fma },
    { &wa_kernels_avx2, has_avx2 },
    { &wa_kernels_avx512, has_avx512 },
#elif defined(__aarch64__)
    { &wa_kernels_neon, always },
#endif
};

enum { N_VERSIONS = sizeof versions / sizeof *versions };

/* The fastest version there is of this name, or of any where it is NULL. */
const wa_kernels *wa_kernels_named(const char *name)
{
    for (size_t i = N_VERSIONS; i > 0; i--) {
        const version *const v = &versions[i - 1];

        if ((!name || strcmp(v->kernels->name, name) == 0) && v->is_supported())
            return v->kernels;
    }
    return NULL;
}

const wa_kernels *wa_kernels_choose(void)
{
    return wa_kernels_named(NULL);
}

const char *wa_kernels_names(void)
{
#if defined(__x86_64__)
    return "ref, avx2 and avx512";
#elif defined(__aarch64__)
    return "ref and neon";
#else
    return "ref";
#endif
}

/* ---------------------------------------------------------------- softmax */

bool wa_chunks_are_finite(const wa_chunk *chunks, size_t n_chunks)
{
    for (size_t c = 0; c < n_chunks; c++)
        if (!isfinite(chunks[c].max) || !isfinite(chunks[c].min) || !isfinite(chunks[c].sum))
            return false;
    return true;
}

static void add_chunk(wa_normaliser *by, wa_chunk chunk)
{
    if (chunk.max > by->max) {
        by->sum = by->sum * wa_exp((double)by->max - (double)chunk.max) + chunk.sum;
        by->max = chunk.max;
    } else if (chunk.max > -INFINITY) { /* otherwise all of it is masked */
        by->sum += chunk.sum * wa_exp((double)chunk.max - (double)by->max);
    }
}

wa_normaliser wa_normaliser_join(const wa_chunk *chunks, size_t n_chunks)
{
    wa_normaliser by = { .max = -INFINITY };

    for (size_t c = 0; c < n_chunks; c++)
        add_chunk(&by, chunks[c]);
    by.log_sum = wa_ln(by.sum);
    return by;
}

wa_normaliser wa_normaliser_of(const wa_kernels *kernels, const float *x, size_t n)
{
    wa_normaliser by = { .max = -INFINITY };

    for (size_t first = 0; first < n; first += WA_CHUNK)
        add_chunk(&by, kernels->measure(x + first, n - first < WA_CHUNK ? n - first : WA_CHUNK));
    by.log_sum = wa_ln(by.sum);
    return by;
}

float wa_log_probability(float x, wa_normaliser by)
{
    return (float)((double)x - (double)by.max - by.log_sum);
}

float wa_probability(float x, wa_normaliser by)
{
    return (float)((double)wa_exp_float(x - by.max) / by.sum);
}

void wa_sinusoidal(float *out, double start, size_t first, double base, bool is_halved, bool is_doubled, size_t T, size_t D)
{
    const double log_base = wa_ln(base);
    const size_t n_sines  = (D + 1) / 2;

    for (size_t d = 0; d < D; d++) {
        const bool   is_sine   = is_halved ? d < n_sines : d % 2 == 0;
        const size_t pair      = is_halved ? d % n_sines : d / 2;
        const double exponent  = (double)((is_doubled ? 4 : 2) * pair) / (double)D;
        const double frequency = wa_exp(-exponent * log_base);

        for (size_t t = 0; t < T; t++) {
            const double angle = (start + (double)(first + t)) * frequency;

            out[t * D + d] = (float)(is_sine ? wa_sin(angle) : wa_cos(angle));
        }
    }
}

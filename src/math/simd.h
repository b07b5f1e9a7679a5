/* One vector of floats, as wide as the instruction set this file is compiled for: what kernels_simd.c needs of AVX-512, of AVX2
 * with FMA, and of NEON. Every function here rounds each lane as the scalar operation does; nothing is approximate.
 *
 *     WA_SIMD_WIDTH   floats in a vector: 16, 8 or 4; divides WA_LANES and WA_PANEL / 2
 *     WA_SIMD_ROWS    rows of a product that fit the registers side by side, two vectors of sums each; divides WA_BLOCK */
#ifndef WA_MATH_SIMD_H
#define WA_MATH_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SIMD static inline __attribute__((always_inline, unused))

/* A loop over i < n, n a small constant, that must be unrolled, so that an array it walks over becomes registers. */
#if defined(__clang__)
#define WA_EACH(i, n) _Pragma("clang loop unroll(full)") for (size_t i = 0; i < (n); i++) /* "unroll" alone comes too late */
#else
#define WA_EACH(i, n) _Pragma("GCC unroll 16") for (size_t i = 0; i < (n); i++)
#endif

#if defined(__AVX512F__)
/* ---------------------------------------------------------------- AVX-512 */
#include <immintrin.h>

#define WA_SIMD_WIDTH 16
#define WA_SIMD_ROWS  12
typedef __m512 wa_simd;

SIMD wa_simd simd_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

SIMD void simd_store(float *p, wa_simd a)
{
    _mm512_storeu_ps(p, a);
}

SIMD wa_simd simd_set(float x)
{
    return _mm512_set1_ps(x);
}

SIMD wa_simd simd_add(wa_simd a, wa_simd b)
{
    return _mm512_add_ps(a, b);
}

SIMD wa_simd simd_sub(wa_simd a, wa_simd b)
{
    return _mm512_sub_ps(a, b);
}

SIMD wa_simd simd_mul(wa_simd a, wa_simd b)
{
    return _mm512_mul_ps(a, b);
}

SIMD wa_simd simd_fma(wa_simd a, wa_simd b, wa_simd c) /* a b + c */
{
    return _mm512_fmadd_ps(a, b, c);
}

SIMD wa_simd simd_max(wa_simd a, wa_simd b) /* a > b ? a : b, so b where one is a NaN */
{
    return _mm512_max_ps(a, b);
}

SIMD wa_simd simd_min(wa_simd a, wa_simd b) /* a < b ? a : b */
{
    return _mm512_min_ps(a, b);
}

SIMD float simd_highest(wa_simd a) /* of the lanes, none of them a NaN */
{
    return _mm512_reduce_max_ps(a);
}

SIMD float simd_lowest(wa_simd a)
{
    return _mm512_reduce_min_ps(a);
}

SIMD wa_simd simd_scale(wa_simd a, wa_simd n) /* a 2^n rounded once, for 0.5 < a < 2 and a whole number n in -152..128 */
{
    return _mm512_scalef_ps(a, n);
}

/* The same where 2^n and the result are normal numbers. n comes a second time with 1.5 * 2^23 added, so that its low bits are those of n. */
SIMD wa_simd simd_scale_normal(wa_simd a, wa_simd n, wa_simd n_and_more)
{
    (void)n_and_more;
    return simd_scale(a, n);
}

SIMD uint32_t simd_mask_ge(wa_simd a, wa_simd b) /* bit i: a[i] >= b[i] */
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
}

SIMD uint32_t simd_mask_gt(wa_simd a, wa_simd b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}

SIMD wa_simd simd_low_halves(const uint32_t *p) /* the lower half of each number, a BF16, as float */
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16));
}

SIMD wa_simd simd_high_halves(const uint32_t *p)
{
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32((int)0xffff0000u)));
}

#elif defined(__AVX2__) && defined(__FMA__)
/* ---------------------------------------------------------------- AVX2 */
#include <immintrin.h>

#define WA_SIMD_WIDTH 8
#define WA_SIMD_ROWS  6
typedef __m256 wa_simd;

SIMD wa_simd simd_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

SIMD void simd_store(float *p, wa_simd a)
{
    _mm256_storeu_ps(p, a);
}

SIMD wa_simd simd_set(float x)
{
    return _mm256_set1_ps(x);
}

SIMD wa_simd simd_add(wa_simd a, wa_simd b)
{
    return _mm256_add_ps(a, b);
}

SIMD wa_simd simd_sub(wa_simd a, wa_simd b)
{
    return _mm256_sub_ps(a, b);
}

SIMD wa_simd simd_mul(wa_simd a, wa_simd b)
{
    return _mm256_mul_ps(a, b);
}

SIMD wa_simd simd_fma(wa_simd a, wa_simd b, wa_simd c)
{
    return _mm256_fmadd_ps(a, b, c);
}

SIMD wa_simd simd_max(wa_simd a, wa_simd b)
{
    return _mm256_max_ps(a, b);
}

SIMD wa_simd simd_min(wa_simd a, wa_simd b)
{
    return _mm256_min_ps(a, b);
}

SIMD float simd_highest(wa_simd a)
{
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));

    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

SIMD float simd_lowest(wa_simd a)
{
    __m128 b = _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));

    b = _mm_min_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_min_ss(b, _mm_movehdup_ps(b)));
}

/* In two steps, of which the first is exact, since 2^n may be no float. */
SIMD wa_simd simd_scale(wa_simd a, wa_simd n)
{
    const __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1), bias = _mm256_set1_epi32(127);
    const __m256i rest = _mm256_sub_epi32(whole, half);

    a = _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23)));
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23)));
}

SIMD wa_simd simd_scale_normal(wa_simd a, wa_simd n, wa_simd n_and_more)
{
    const __m256i bits = _mm256_slli_epi32(_mm256_castps_si256(n_and_more), 23);

    (void)n;
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_add_epi32(bits, _mm256_set1_epi32(127 << 23))));
}

SIMD uint32_t simd_mask_ge(wa_simd a, wa_simd b)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ));
}

SIMD uint32_t simd_mask_gt(wa_simd a, wa_simd b)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ));
}

SIMD __m256i simd_load_bits(const uint32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

SIMD wa_simd simd_low_halves(const uint32_t *p)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(simd_load_bits(p), 16));
}

SIMD wa_simd simd_high_halves(const uint32_t *p)
{
    return _mm256_castsi256_ps(_mm256_and_si256(simd_load_bits(p), _mm256_set1_epi32((int)0xffff0000u)));
}

#elif defined(__aarch64__)
/* ---------------------------------------------------------------- NEON */
#include <arm_neon.h>

#define WA_SIMD_WIDTH 4
#define WA_SIMD_ROWS  12
typedef float32x4_t wa_simd;

SIMD wa_simd simd_load(const float *p)
{
    return vld1q_f32(p);
}

SIMD void simd_store(float *p, wa_simd a)
{
    vst1q_f32(p, a);
}

SIMD wa_simd simd_set(float x)
{
    return vdupq_n_f32(x);
}

SIMD wa_simd simd_add(wa_simd a, wa_simd b)
{
    return vaddq_f32(a, b);
}

SIMD wa_simd simd_sub(wa_simd a, wa_simd b)
{
    return vsubq_f32(a, b);
}

SIMD wa_simd simd_mul(wa_simd a, wa_simd b)
{
    return vmulq_f32(a, b);
}

SIMD wa_simd simd_fma(wa_simd a, wa_simd b, wa_simd c)
{
    return vfmaq_f32(c, a, b);
}

SIMD wa_simd simd_max(wa_simd a, wa_simd b) /* not vmaxq_f32(), which gives a NaN where one is */
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

SIMD wa_simd simd_min(wa_simd a, wa_simd b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

SIMD float simd_highest(wa_simd a)
{
    return vmaxvq_f32(a);
}

SIMD float simd_lowest(wa_simd a)
{
    return vminvq_f32(a);
}

SIMD wa_simd simd_scale(wa_simd a, wa_simd n)
{
    const int32x4_t whole = vcvtq_s32_f32(n), half = vshrq_n_s32(whole, 1), bias = vdupq_n_s32(127);
    const int32x4_t rest = vsubq_s32(whole, half);

    a = vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23)));
    return vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(rest, bias), 23)));
}

SIMD wa_simd simd_scale_normal(wa_simd a, wa_simd n, wa_simd n_and_more)
{
    const int32x4_t bits = vshlq_n_s32(vreinterpretq_s32_f32(n_and_more), 23);

    (void)n;
    return vmulq_f32(a, vreinterpretq_f32_s32(vaddq_s32(bits, vdupq_n_s32(127 << 23))));
}

SIMD uint32_t simd_bits_of(uint32x4_t lanes)
{
    static const uint32_t places[4] = { 1, 2, 4, 8 };

    return vaddvq_u32(vandq_u32(lanes, vld1q_u32(places)));
}

SIMD uint32_t simd_mask_ge(wa_simd a, wa_simd b)
{
    return simd_bits_of(vcgeq_f32(a, b));
}

SIMD uint32_t simd_mask_gt(wa_simd a, wa_simd b)
{
    return simd_bits_of(vcgtq_f32(a, b));
}

SIMD wa_simd simd_low_halves(const uint32_t *p)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(vld1q_u32(p), 16));
}

SIMD wa_simd simd_high_halves(const uint32_t *p)
{
    return vreinterpretq_f32_u32(vandq_u32(vld1q_u32(p), vdupq_n_u32(0xffff0000u)));
}

#else
#error "no vectors for this instruction set"
#endif

/* Asks for the line at p, which will be read soon. */
SIMD void simd_prefetch(const void *p)
{
    __builtin_prefetch(p, 0, 3);
}

#endif

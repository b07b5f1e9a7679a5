/* The kernels in vectors: the same bits as kernels_plain.h, whose order of operations they keep; vectors run across the columns of
 * a product and never along a sum. Compiled once for each instruction set, see simd.h and the Makefile. */
#include "math/simd.h"

#include "math/kernels_plain.h"

extern const wa_kernels WA_KERNELS_NAME;

enum {
    W       = WA_SIMD_WIDTH,
    HALF    = WA_PANEL / 2,
    AHEAD   = 3072,     /* bytes ahead of which weights are asked for: the processor's own guess is shorter, and ends at pages */
    PAIRS   = HALF / W, /* of vectors in a panel */
    WIDE    = 4,        /* the most pairs side by side: for a single row, 8 sums hide the latency of a multiply-add */
    N_LANES = WA_LANES / W,
};

_Static_assert(WA_BLOCK % WA_SIMD_ROWS == 0 && HALF % W == 0 && WA_LANES % W == 0, "widths do not fit");

/* ---------------------------------------------------------------- products */

/* Where a tile is computed: R rows of a block by P pairs of vectors, which are whole panels or a part of one. */
typedef struct tile {
    float       *y; /* [R, columns of the panels] */
    size_t       y_stride;
    const float *x; /* [D, R], rows of it x_step apart */
    size_t       x_step;
    const char  *w; /* the first panel */
    size_t       panel_bytes, inner_bytes;
    const float *bias; /* of the first panel, or NULL */
    size_t       n_inner;
} tile;

/* The column where vector h of a pair begins, counted from the first panel. Floats are taken side by side, so that a pass over a part
 * of a panel touches no line of the cache that it does not use up; BF16 as they lie. */
SIMD size_t column_of(wa_number_type type, size_t pair, size_t h)
{
    const size_t panel = pair / PAIRS, at = pair % PAIRS * W;

    return panel * WA_PANEL + (type == WA_NUMBER_BF16 ? h * HALF + at : 2 * at + h * W);
}

/* A pair of what a panel holds for one d; what lies AHEAD of it is asked for. */
SIMD void read_pair(wa_simd out[2], const char *numbers, wa_number_type type, size_t pair)
{
    const char *const from = numbers + pair % PAIRS * W * 2 * wa_number_size(type);

    if (type == WA_NUMBER_BF16) {
        out[0] = simd_low_halves((const uint32_t *)(const void *)from);
        out[1] = simd_high_halves((const uint32_t *)(const void *)from);
    } else {
        out[0] = simd_load((const float *)(const void *)from);
        out[1] = simd_load((const float *)(const void *)from + W);
    }
    for (size_t line = 0; line < W * 2 * wa_number_size(type); line += 64)
        simd_prefetch(from + AHEAD + line);
}

/* The chains of a tile from pair `first` on, all in registers. R, P and type are constants where this is inlined. */
SIMD void run_tile(const tile t, const size_t R, const size_t P, const wa_number_type type, size_t first)
{
    wa_simd      sums[WA_SIMD_ROWS][WIDE][2], w[WIDE][2];
    const float *x       = t.x;
    const char  *numbers = t.w;

    WA_EACH (r, R)
        WA_EACH (p, P)
            WA_EACH (h, 2)
                sums[r][p][h] = t.bias ? simd_load(t.bias + column_of(type, first + p, h)) : simd_set(0.0f);
    for (size_t d = 0; d < t.n_inner; d++, x += t.x_step, numbers += t.inner_bytes) {
        WA_EACH (p, P)
            read_pair(w[p], numbers + (first + p) / PAIRS * t.panel_bytes, type, first + p);
        WA_EACH (r, R)
            WA_EACH (p, P)
                WA_EACH (h, 2)
                    sums[r][p][h] = simd_fma(simd_set(x[r]), w[p][h], sums[r][p][h]);
    }
    WA_EACH (r, R)
        WA_EACH (p, P)
            WA_EACH (h, 2)
                simd_store(t.y + r * t.y_stride + column_of(type, first + p, h), sums[r][p][h]);
}

/* The panels of a tile of P pairs. */
static size_t panels_of(size_t P)
{
    return P < PAIRS ? 1 : P / PAIRS;
}

/* One function for each number of rows, so that all their sums are registers. */
#define TILE(R, P)                                                                                                                 \
    _Static_assert((P) % PAIRS == 0 || PAIRS % (P) == 0, "pairs that are neither panels nor a part of one");                       \
    static void tile_##R##x##P(const tile *t, wa_number_type type)                                                                 \
    {                                                                                                                              \
        for (size_t first = 0; first < PAIRS; first += (P))                                                                        \
            if (type == WA_NUMBER_BF16)                                                                                            \
                run_tile(*t, R, P, WA_NUMBER_BF16, first);                                                                         \
            else                                                                                                                   \
                run_tile(*t, R, P, WA_NUMBER_F32, first);                                                                          \
    }
TILE(1, 4)
TILE(1, 2)
TILE(1, 1)
TILE(2, 2)
TILE(2, 1)
TILE(3, 2)
TILE(3, 1)
TILE(4, 1)
TILE(5, 1)
TILE(6, 1)
#if WA_SIMD_ROWS == 12
TILE(4, 2)
TILE(7, 1)
TILE(8, 1)
TILE(9, 1)
TILE(10, 1)
TILE(11, 1)
TILE(12, 1)
#endif
#if WA_SIMD_WIDTH == 16
TILE(1, 3)
#endif
#undef TILE

typedef void tile_function(const tile *t, wa_number_type type);

/* By rows and pairs. Few rows have too few sums to hide the latency of a multiply-add, so they take several pairs at a time. */
static tile_function *const tiles[WA_SIMD_ROWS + 1][WIDE + 1] = {
#if WA_SIMD_WIDTH == 16
    [1] = { NULL, tile_1x1, tile_1x2, tile_1x3, tile_1x4 },
#else
    [1] = { NULL, tile_1x1, tile_1x2, NULL, tile_1x4 },
#endif
    [2] = { NULL, tile_2x1, tile_2x2 },
    [3] = { NULL, tile_3x1, tile_3x2 },
    [5] = { NULL, tile_5x1 },
    [6] = { NULL, tile_6x1 },
#if WA_SIMD_ROWS == 12
    [4]  = { NULL, tile_4x1, tile_4x2 },
    [7]  = { NULL, tile_7x1 },
    [8]  = { NULL, tile_8x1 },
    [9]  = { NULL, tile_9x1 },
    [10] = { NULL, tile_10x1 },
    [11] = { NULL, tile_11x1 },
    [12] = { NULL, tile_12x1 },
#else
    [4] = { NULL, tile_4x1 },
#endif
};

/* As many pairs at a time as there is a tile for. */
static size_t pairs_together(size_t n_rows, size_t n_panels)
{
    size_t n = WIDE;

    while (!tiles[n_rows][n] || panels_of(n) > n_panels)
        n--;
    return n;
}

/* The last panel, where it has fewer rows than WA_PANEL: through memory of its own, since only those may be written. */
static void product_rest(const tile *t, size_t n_rows, wa_number_type type, size_t n_columns)
{
    float rows[WA_SIMD_ROWS * WA_PANEL];
    tile  here = *t;

    here.y        = rows;
    here.y_stride = WA_PANEL;
    tiles[n_rows][pairs_together(n_rows, 1)](&here, type);
    for (size_t r = 0; r < n_rows; r++)
        memcpy(t->y + r * t->y_stride, rows + r * WA_PANEL, n_columns * sizeof *rows);
}

/* Up to WA_SIMD_ROWS rows by all panels. */
static void product_rows(tile t, size_t n_rows, const wa_panels *w, size_t first, size_t n_panels)
{
    const size_t n_whole = w->n_rows / WA_PANEL - first, end = n_whole < n_panels ? n_whole : n_panels;

    for (size_t p = 0, n; p < end; p += n) {
        const size_t pairs = pairs_together(n_rows, end - p);

        tiles[n_rows][pairs](&t, w->type);
        n = panels_of(pairs);
        t.y += n * WA_PANEL;
        t.w += n * t.panel_bytes;
        t.bias = t.bias ? t.bias + n * WA_PANEL : NULL;
    }
    if (end < n_panels)
        product_rest(&t, n_rows, w->type, w->n_rows - (first + end) * WA_PANEL);
}

static void simd_product(float *y, size_t y_stride, const float *x, size_t T, const wa_panels *w, size_t first, size_t n_panels)
{
    const size_t size = wa_number_size(w->type);

    for (size_t t = 0; t < T; t += WA_SIMD_ROWS) {
        const size_t block = t - t % WA_BLOCK, n_block = T - block < WA_BLOCK ? T - block : WA_BLOCK;
        const tile   at = {
              .y           = y + t * y_stride,
              .y_stride    = y_stride,
              .x           = x + block * w->n_inner + t % WA_BLOCK,
              .x_step      = n_block,
              .w           = (const char *)w->data + first * w->panel_stride * size,
              .panel_bytes = w->panel_stride * size,
              .inner_bytes = w->inner_stride * size,
              .bias        = w->bias ? w->bias + first * WA_PANEL : NULL,
              .n_inner     = w->n_inner,
        };

        product_rows(at, T - t < WA_SIMD_ROWS ? T - t : WA_SIMD_ROWS, w, first, n_panels);
    }
}

/* ---------------------------------------------------------------- softmax and choice */

#define LEAST_NORMAL (-86.0f) /* its exponential and those between are normal numbers, 2^-124 and more */

/* wa_exp_float() of each lane, for lanes not above 89; exp.h explains the steps. Below -104 the result is 0, as at -104.
 * is_normal, a constant: no lane is below LEAST_NORMAL, which saves half of the steps around the polynomial. */
SIMD wa_simd simd_exp(wa_simd x, const bool is_normal)
{
    static const float c[]   = { 1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f };
    const wa_simd      round = simd_set(WA_EXP_ROUND);

    if (!is_normal)
        x = simd_max(simd_set(-104.0f), x); /* in this order a NaN stays one */
    const wa_simd n_and_more = simd_fma(x, simd_set(WA_EXP_LOG2_E), round);
    const wa_simd n = simd_sub(n_and_more, round), m = simd_sub(simd_set(0.0f), n);
    const wa_simd r = simd_fma(m, simd_set(WA_EXP_LN2_LOW), simd_fma(m, simd_set(WA_EXP_LN2_HIGH), x));
    wa_simd       p = simd_set(c[0]);
    WA_EACH (i, 7)
        p = simd_fma(p, r, simd_set(c[i + 1]));
    return is_normal ? simd_scale_normal(p, n, n_and_more) : simd_scale(p, n);
}

/* The sum of exp(x - max) over x[n], whole rounds of the lanes. is_normal as in simd_exp(). */
SIMD double sum_powers(const float *x, float max, size_t n, const bool is_normal)
{
    wa_simd sums[N_LANES];
    float   lanes[WA_LANES];
    double  sum = 0;

    WA_EACH (l, N_LANES)
        sums[l] = simd_set(0.0f);
    for (size_t i = 0; i < n; i += WA_LANES)
        WA_EACH (l, N_LANES)
            sums[l] = simd_add(sums[l], simd_exp(simd_sub(simd_load(x + i + l * W), simd_set(max)), is_normal));
    WA_EACH (l, N_LANES)
        simd_store(lanes + l * W, sums[l]);
    for (size_t l = 0; l < WA_LANES; l++)
        sum += (double)lanes[l];
    return sum;
}

/* Of x[n], whole rounds of the lanes. Several vectors of largest and smallest so far, as one would wait for itself. */
static wa_chunk measure_whole(const float *x, size_t n)
{
    enum { TOGETHER = 4 };
    wa_chunk out = { .sum = 0 };
    wa_simd  max[TOGETHER], min[TOGETHER];
    size_t   i = 0;

    WA_EACH (a, TOGETHER) {
        max[a] = simd_set(-INFINITY);
        min[a] = simd_set(INFINITY);
    }
    for (; i + TOGETHER * W <= n; i += TOGETHER * W)
        WA_EACH (a, TOGETHER) {
            max[a] = simd_max(simd_load(x + i + a * W), max[a]);
            min[a] = simd_min(simd_load(x + i + a * W), min[a]);
        }
    for (; i < n; i += W) {
        max[0] = simd_max(simd_load(x + i), max[0]);
        min[0] = simd_min(simd_load(x + i), min[0]);
    }
    out.max = simd_highest(simd_max(simd_max(max[0], max[1]), simd_max(max[2], max[3])));
    out.min = simd_lowest(simd_min(simd_min(min[0], min[1]), simd_min(min[2], min[3])));
    if (out.min - out.max >= LEAST_NORMAL)
        out.sum = sum_powers(x, out.max, n, true);
    else if (out.max > -INFINITY)
        out.sum = sum_powers(x, out.max, n, false);
    return out;
}

/* A row that ends inside a round goes on with -INFINITY, which adds 0; the smallest element is then looked for again. */
static wa_chunk simd_measure(const float *x, size_t n)
{
    float        padded[WA_CHUNK];
    const size_t whole = (n + WA_LANES - 1) / WA_LANES * WA_LANES;

    if (whole == n)
        return measure_whole(x, n);
    memcpy(padded, x, n * sizeof *x);
    for (size_t i = n; i < whole; i++)
        padded[i] = -INFINITY;
    wa_chunk out = measure_whole(padded, whole);
    out.min      = INFINITY;
    for (size_t i = 0; i < n; i++)
        out.min = x[i] < out.min ? x[i] : out.min;
    return out;
}

static void simd_probabilities(float *y, const float *x, wa_normaliser by, size_t n)
{
    const wa_simd max = simd_set(by.max);
    float         powers[W];
    size_t        i = 0;

    for (; i + W <= n; i += W) {
        simd_store(powers, simd_exp(simd_sub(simd_load(x + i), max), false));
        for (size_t l = 0; l < W; l++)
            y[i + l] = (float)((double)powers[l] / by.sum);
    }
    probabilities(y + i, x + i, by, n - i);
}

/* Few elements are large enough, so four vectors are looked at together. */
static size_t simd_find(uint32_t *where, const float *x, float least, size_t n)
{
    enum { FEW = 4 };
    const wa_simd bound   = simd_set(least);
    size_t        n_found = 0, i = 0;

    for (; i + FEW * W <= n; i += FEW * W) {
        uint64_t all = 0;

        WA_EACH (v, FEW)
            all |= (uint64_t)simd_mask_ge(simd_load(x + i + v * W), bound) << (v * W);
        for (; all; all &= all - 1)
            where[n_found++] = (uint32_t)(i + (size_t)__builtin_ctzll(all));
    }
    for (; i < n; i++)
        if (x[i] >= least)
            where[n_found++] = (uint32_t)i;
    return n_found;
}

static size_t simd_count(const float *x, float than, bool or_equal, size_t n)
{
    const wa_simd bound   = simd_set(than);
    size_t        n_found = 0, i = 0;

    for (; i + W <= n; i += W) {
        const wa_simd  here = simd_load(x + i);
        const uint32_t bits = or_equal ? simd_mask_ge(here, bound) : simd_mask_gt(here, bound);

        n_found += (size_t)__builtin_popcount(bits);
    }
    return n_found + count(x + i, than, or_equal, n - i);
}

/* ---------------------------------------------------------------- bounds */

#if defined(__AVX2__)

/* From the sums of products of codes of n rows from t on, and one panel, to bounds; the same operations as bound_row(). What belongs to
 * the words is read once for all rows. */
static void finish_bounds(float *upper, float *lower, size_t stride, const int32_t (*sums)[WA_PANEL], size_t n,
                          const wa_probes *probes, size_t t, const wa_codes *codes, size_t panel)
{
    for (size_t j = 0; j < WA_PANEL; j += W) {
        const size_t  i     = panel * WA_PANEL + j;
        const wa_simd scale = simd_load(codes->scale + i), bias = simd_load(codes->bias + i), slope = simd_load(codes->slope + i);
        const wa_simd length = simd_load(codes->length + i), least = simd_load(codes->floor + i);

        for (size_t r = 0; r < n; r++) {
            float exact[W];

            for (size_t l = 0; l < W; l++)
                exact[l] = (float)sums[r][j + l];
            const wa_simd step     = simd_mul(scale, simd_set(probes->scale[t + r]));
            const wa_simd estimate = simd_fma(simd_load(exact), step, bias);
            const wa_simd floor    = simd_fma(length, simd_set(probes->error[t + r]), least);
            const wa_simd slack    = simd_fma(slope, simd_set(probes->length[t + r]), floor);

            simd_store(upper + r * stride + j, simd_add(estimate, slack));
            simd_store(lower + r * stride + j, simd_sub(estimate, slack));
        }
    }
}

#if defined(__AVX512VNNI__)

/* R inputs by P panels. Codes of inputs come as code + 128, since the instruction multiplies unsigned bytes with signed ones;
 * `shift` takes that out. */
SIMD void bound_tile(float *upper, float *lower, size_t stride, const wa_probes *probes, size_t t, const uint32_t *x, size_t x_step,
                     const wa_codes *codes, size_t panel, const size_t R, const size_t P)
{
    const size_t        panel_bytes = codes->n_groups * WA_PANEL * 4;
    const int8_t *const w           = codes->codes + panel * panel_bytes;
    __m512i             sums[WA_SIMD_ROWS][WIDE][2], c[WIDE][2];

    WA_EACH (r, R)
        WA_EACH (p, P)
            WA_EACH (h, 2)
                sums[r][p][h] = _mm512_loadu_si512(codes->shift + (panel + p) * WA_PANEL + h * HALF);
    for (size_t g = 0; g < codes->n_groups; g++) {
        WA_EACH (p, P)
            WA_EACH (h, 2) {
                const int8_t *const at = w + p * panel_bytes + (g * 2 + h) * HALF * 4;

                c[p][h] = _mm512_loadu_si512(at);
                simd_prefetch(at + AHEAD);
            }
        WA_EACH (r, R) {
            const __m512i four = _mm512_set1_epi32((int)x[g * x_step + r]);

            WA_EACH (p, P)
                WA_EACH (h, 2)
                    sums[r][p][h] = _mm512_dpbusd_epi32(sums[r][p][h], four, c[p][h]);
        }
    }
    WA_EACH (p, P) {
        int32_t out[WA_SIMD_ROWS][WA_PANEL];

        WA_EACH (r, R)
            WA_EACH (h, 2)
                _mm512_storeu_si512(out[r] + h * HALF, sums[r][p][h]);
        finish_bounds(upper + p * WA_PANEL, lower + p * WA_PANEL, stride, out, R, probes, t, codes, panel + p);
    }
}

#define BOUND_TILE(R, P)                                                                                                           \
    static void bound_##R##x##P(float *upper, float *lower, size_t stride, const wa_probes *probes, size_t t, const uint32_t *x,   \
                                size_t x_step, const wa_codes *codes, size_t panel)                                                \
    {                                                                                                                              \
        bound_tile(upper, lower, stride, probes, t, x, x_step, codes, panel, R, P);                                                \
    }
BOUND_TILE(1, 4)
BOUND_TILE(1, 1)
BOUND_TILE(2, 1)
BOUND_TILE(4, 1)
BOUND_TILE(12, 1)
#undef BOUND_TILE

static void simd_bound(float *upper, float *lower, size_t stride, const wa_probes *probes, size_t T, const wa_codes *codes,
                       size_t first, size_t n_panels)
{
    for (size_t t = 0, n; t < T; t += n) {
        const size_t          block = t - t % WA_BLOCK, n_block = T - block < WA_BLOCK ? T - block : WA_BLOCK;
        const size_t          n_left = block + n_block - t;
        const uint32_t *const x      = probes->codes + block * codes->n_groups + t % WA_BLOCK;

        n = n_left >= 12 ? 12 : n_left >= 4 ? 4 : n_left >= 2 ? 2 : 1;
        for (size_t p = 0, step; p < n_panels; p += step) {
            float *const u = upper + t * stride + p * WA_PANEL, *const l = lower + t * stride + p * WA_PANEL;

            step = n == 1 && p + WIDE <= n_panels ? WIDE : 1;
            (n == 12     ? bound_12x1
             : n == 4    ? bound_4x1
             : n == 2    ? bound_2x1
             : step == 1 ? bound_1x1
                         : bound_1x4)(u, l, stride, probes, t, x, n_block, codes, first + p);
        }
    }
}

#else

enum { QUARTERS = 4 }; /* a panel is four vectors of eight rows */

SIMD __m256i load_codes(const int8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* Adds the products of two groups of codes with the same of an input, 2 of each row in each of 16 sums of 16 bits, which codes are made
 * to fit (codes.h), to the sums of 8 rows. */
SIMD __m256i add_products(__m256i sums, __m256i x, const int8_t *w, __m256i x_next, const int8_t *w_next)
{
    const __m256i halves =
        _mm256_add_epi16(_mm256_maddubs_epi16(x, load_codes(w)), _mm256_maddubs_epi16(x_next, load_codes(w_next)));

    return _mm256_add_epi32(sums, _mm256_madd_epi16(halves, _mm256_set1_epi16(1)));
}

/* R inputs by one panel; codes of inputs come as code + 128, which `shift` takes out. */
SIMD void bound_tile(float *upper, float *lower, size_t stride, const wa_probes *probes, size_t t, const uint32_t *x, size_t x_step,
                     const wa_codes *codes, size_t panel, const size_t R)
{
    enum { GROUP = WA_PANEL * 4, MOST_ROWS = 2 };
    const int8_t *w = codes->codes + panel * codes->n_groups * GROUP;
    int32_t       out[MOST_ROWS][WA_PANEL];
    __m256i       sums[MOST_ROWS][QUARTERS];

    WA_EACH (r, R)
        WA_EACH (v, QUARTERS)
            sums[r][v] = _mm256_loadu_si256((const __m256i *)(const void *)(codes->shift + panel * WA_PANEL + v * W));
    for (size_t g = 0; g < codes->n_groups; g += 2, w += 2 * GROUP, x += 2 * x_step) {
        WA_EACH (v, QUARTERS)
            simd_prefetch(w + AHEAD + v * 64);
        WA_EACH (v, QUARTERS)
            WA_EACH (r, R)
                sums[r][v] = add_products(sums[r][v], _mm256_set1_epi32((int)x[r]), w + v * 32,
                                          _mm256_set1_epi32((int)x[x_step + r]), w + GROUP + v * 32);
    }
    WA_EACH (r, R)
        WA_EACH (v, QUARTERS)
            _mm256_storeu_si256((__m256i *)(void *)(out[r] + v * W), sums[r][v]);
    finish_bounds(upper, lower, stride, out, R, probes, t, codes, panel);
}

static void simd_bound(float *upper, float *lower, size_t stride, const wa_probes *probes, size_t T, const wa_codes *codes,
                       size_t first, size_t n_panels)
{
    for (size_t p = 0; p < n_panels; p++)
        for (size_t t = 0, n; t < T; t += n) {
            const size_t          block = t - t % WA_BLOCK, n_block = T - block < WA_BLOCK ? T - block : WA_BLOCK;
            const uint32_t *const x = probes->codes + block * codes->n_groups + t % WA_BLOCK;
            float *const u = upper + t * stride + p * WA_PANEL, *const l = lower + t * stride + p * WA_PANEL;

            n = block + n_block - t >= 2 ? 2 : 1;
            if (n == 2)
                bound_tile(u, l, stride, probes, t, x, n_block, codes, first + p, 2);
            else
                bound_tile(u, l, stride, probes, t, x, n_block, codes, first + p, 1);
        }
}

#endif

#else

#define simd_bound bound /* the compiler finds the vectors */

#endif

const wa_kernels WA_KERNELS_NAME = {
    .name              = WA_KERNELS_TEXT,
    .product           = simd_product,
    .product_of_rows   = product_of_rows,
    .bound             = simd_bound,
    .measure           = simd_measure,
    .probabilities     = simd_probabilities,
    .log_probabilities = log_probabilities,
    .find              = simd_find,
    .count             = simd_count,
    .standardise       = standardise,
    .gain_bias         = gain_bias,
    .relu              = relu,
    .gelu              = gelu,
    .add               = add,
    .scale             = scale,
};

/* How matrices lie in memory for the kernels. See panels.h. */
#include "math/panels.h"

#include <string.h>

size_t wa_panel_count(size_t n_rows)
{
    return n_rows / WA_PANEL + (n_rows % WA_PANEL > 0);
}

/* ---------------------------------------------------------------- rows to columns */

/* The compilers' own vectors of 16 bytes, which every processor has that they are for. */
typedef float four __attribute__((vector_size(16)));

#if defined(__clang__)
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int32_t four_places __attribute__((vector_size(16)));
#define PICK(a, b, ...) __builtin_shuffle(a, b, (four_places){ __VA_ARGS__ })
#endif

static inline four load_four(const void *p)
{
    four a;

    memcpy(&a, p, sizeof a);
    return a;
}

/* Writes four rows of four numbers, or of anything else of 32 bits, as columns. Written out, so that all of it is in registers whatever
 * the compiler does with loops. */
static inline __attribute__((always_inline)) void store_turned(void *out, size_t out_stride, four a, four b, four c, four d)
{
    const four ab = PICK(a, b, 0, 4, 1, 5), cd = PICK(c, d, 0, 4, 1, 5), ab_high = PICK(a, b, 2, 6, 3, 7),
               cd_high      = PICK(c, d, 2, 6, 3, 7);
    const four   columns[4] = { PICK(ab, cd, 0, 1, 4, 5), PICK(ab, cd, 2, 3, 6, 7), PICK(ab_high, cd_high, 0, 1, 4, 5),
                                PICK(ab_high, cd_high, 2, 3, 6, 7) };
    float *const to         = out;

    memcpy(to, &columns[0], sizeof columns[0]);
    memcpy(to + out_stride, &columns[1], sizeof columns[1]);
    memcpy(to + 2 * out_stride, &columns[2], sizeof columns[2]);
    memcpy(to + 3 * out_stride, &columns[3], sizeof columns[3]);
}

/* Four numbers of each of four rows. */
static inline void turn_4x4(float *out, size_t out_stride, const char *x, size_t x_bytes)
{
    store_turned(out, out_stride, load_four(x), load_four(x + x_bytes), load_four(x + 2 * x_bytes), load_four(x + 3 * x_bytes));
}

void wa_rows_turn(float *out, size_t out_stride, const void *x, size_t x_stride, size_t n, size_t D)
{
    const char *const rows    = x;
    const size_t      x_bytes = x_stride * sizeof *out, n_whole = n - n % 4, d_whole = D - D % 4;

    for (size_t d = 0; d < d_whole; d += 4)
        for (size_t t = 0; t < n_whole; t += 4)
            turn_4x4(out + d * out_stride + t, out_stride, rows + t * x_bytes + d * sizeof *out, x_bytes);
    for (size_t t = 0; t < n; t++)
        for (size_t d = t < n_whole ? d_whole : 0; d < D; d++)
            memcpy(&out[d * out_stride + t], rows + t * x_bytes + d * sizeof *out, sizeof *out);
}

/* ---------------------------------------------------------------- packing */

typedef uint16_t four_halves __attribute__((vector_size(8)));
typedef uint32_t four_pairs __attribute__((vector_size(16)));

/* Four numbers of a row, each beside that of the row half a panel further. */
static inline __attribute__((always_inline)) four load_pairs(const char *row, size_t half_bytes)
{
    four_halves low, high;

    memcpy(&low, row, sizeof low);
    memcpy(&high, row + half_bytes, sizeof high);
    return (four)(__builtin_convertvector(low, four_pairs) | __builtin_convertvector(high, four_pairs) << 16);
}

/* Numbers d to d + 3 of all rows of a panel. */
static inline void pack_four_bf16(uint16_t *out, const char *rows, size_t row_bytes, size_t d)
{
    const size_t half = WA_PANEL / 2, half_bytes = half * row_bytes;

    for (size_t j = 0; j < half; j += 4) {
        const char *const a = rows + j * row_bytes + d * sizeof *out, *const b = a + row_bytes, *const c = b + row_bytes;

        store_turned(out + d * WA_PANEL + 2 * j, half, load_pairs(a, half_bytes), load_pairs(b, half_bytes),
                     load_pairs(c, half_bytes), load_pairs(c + row_bytes, half_bytes));
    }
}

static void pack_bf16(uint16_t *out, const char *rows, size_t n, size_t D)
{
    const size_t half = WA_PANEL / 2, d_whole = n == WA_PANEL ? D - D % 4 : 0;

    for (size_t d = 0; d < d_whole; d += 4)
        pack_four_bf16(out, rows, D * sizeof *out, d);
    for (size_t j = 0; j < n; j++, rows += D * sizeof *out)
        for (size_t d = d_whole; d < D; d++)
            memcpy(&out[d * WA_PANEL + 2 * (j % half) + j / half], rows + d * sizeof *out, sizeof *out);
}

void wa_panel_pack(void *out, const wa_rows *rows, size_t p)
{
    const size_t D = rows->n_inner, first = p * WA_PANEL, n = rows->n_rows - first < WA_PANEL ? rows->n_rows - first : WA_PANEL;
    const size_t size       = wa_number_size(rows->type);
    char *const  panel      = (char *)out + first * D * size;
    const char *const begin = (const char *)rows->data + first * D * size;

    if (n < WA_PANEL)
        memset(panel, 0, WA_PANEL * D * size);
    if (rows->type == WA_NUMBER_BF16)
        pack_bf16((uint16_t *)(void *)panel, begin, n, D);
    else
        wa_rows_turn((float *)(void *)panel, WA_PANEL, begin, D, n, D);
}

void wa_rows_pack(float *out, const float *x, size_t x_stride, size_t T, size_t D)
{
    for (size_t first = 0; first < T; first += WA_BLOCK, out += WA_BLOCK * D) {
        const size_t n = T - first < WA_BLOCK ? T - first : WA_BLOCK;

        wa_rows_turn(out, n, x + first * x_stride, x_stride, n, D);
    }
}

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

/* Four numbers of each of four rows. Written out, so that all of it is in registers whatever the compiler does with loops. */
static inline void turn_4x4(float *out, size_t out_stride, const char *x, size_t x_bytes)
{
    const four a = load_four(x), b = load_four(x + x_bytes), c = load_four(x + 2 * x_bytes), d = load_four(x + 3 * x_bytes);
    const four ab = PICK(a, b, 0, 4, 1, 5), cd = PICK(c, d, 0, 4, 1, 5), ab_high = PICK(a, b, 2, 6, 3, 7),
               cd_high    = PICK(c, d, 2, 6, 3, 7);
    const four columns[4] = { PICK(ab, cd, 0, 1, 4, 5), PICK(ab, cd, 2, 3, 6, 7), PICK(ab_high, cd_high, 0, 1, 4, 5),
                              PICK(ab_high, cd_high, 2, 3, 6, 7) };

    memcpy(out, &columns[0], sizeof columns[0]);
    memcpy(out + out_stride, &columns[1], sizeof columns[1]);
    memcpy(out + 2 * out_stride, &columns[2], sizeof columns[2]);
    memcpy(out + 3 * out_stride, &columns[3], sizeof columns[3]);
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

static void pack_bf16(uint16_t *out, const char *rows, size_t n, size_t D)
{
    const size_t half = WA_PANEL / 2;

    for (size_t j = 0; j < n; j++, rows += D * sizeof *out)
        for (size_t d = 0; d < D; d++)
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

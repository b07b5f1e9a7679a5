/* How matrices lie in memory for the kernels. See panels.h. */
#include "math/panels.h"

#include <string.h>

size_t wa_panel_count(size_t n_rows)
{
    return n_rows / WA_PANEL + (n_rows % WA_PANEL > 0);
}

static void pack_f32(float *out, const char *rows, size_t n, size_t D)
{
    for (size_t j = 0; j < n; j++, rows += D * sizeof *out)
        for (size_t d = 0; d < D; d++)
            memcpy(&out[d * WA_PANEL + j], rows + d * sizeof *out, sizeof *out);
}

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
        pack_f32((float *)(void *)panel, begin, n, D);
}

void wa_rows_pack(float *out, const float *x, size_t x_stride, size_t T, size_t D)
{
    for (size_t first = 0; first < T; first += WA_BLOCK, out += WA_BLOCK * D) {
        const size_t n = T - first < WA_BLOCK ? T - first : WA_BLOCK;

        for (size_t t = 0; t < n; t++)
            for (size_t d = 0; d < D; d++)
                out[d * n + t] = x[(first + t) * x_stride + d];
    }
}

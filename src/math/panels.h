/* How matrices lie in memory for the kernels, so that one vector instruction works on neighbouring columns of a product and
 * every byte is read once, in order.
 *
 * Weights [O, D], whose rows are the columns of the product x w^T, lie in panels of WA_PANEL rows; a panel holds for each d
 * the d-th number of its rows side by side. Rows beyond O are zeros.
 * Inputs [T, D] lie in blocks of WA_BLOCK rows; a block holds for each d the d-th number of its rows. The last block is as narrow as
 * the rows that are left, so a single row is packed as it stands. */
#ifndef WA_MATH_PANELS_H
#define WA_MATH_PANELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WA_PANEL 32 /* two of the widest vector registers in floats */
#define WA_BLOCK 12 /* 12 rows by 2 registers of sums, 2 of weights and 1 of input: 27 of the 32 registers */

typedef enum wa_number_type {
    WA_NUMBER_F32,
    WA_NUMBER_BF16, /* the upper half of a float; rows i and i + 16 of a panel share 32 bits, i in the lower half */
} wa_number_type;

/* Weights [O, D] as they come from a file: row-major, little-endian, at any address. */
typedef struct wa_rows {
    const void    *data;
    wa_number_type type;
    size_t         n_rows, n_inner; /* O, D */
    const float   *bias;            /* [O], or NULL for zeros */
} wa_rows;

/* Element (o, d) is number (o / WA_PANEL) * panel_stride + d * inner_stride + o % WA_PANEL of data, but for the order of BF16.
 * The strides let the keys and values of attention grow word by word. */
typedef struct wa_panels {
    const void    *data;
    wa_number_type type;
    size_t         n_rows, n_inner; /* O, D */
    size_t         panel_stride, inner_stride;
    const float   *bias; /* [O rounded up to WA_PANEL], or NULL for zeros */
} wa_panels;

/* Panels that hold n_rows rows. */
size_t wa_panel_count(size_t n_rows);

/* The bytes of one number. */
static inline size_t wa_number_size(wa_number_type type)
{
    return type == WA_NUMBER_BF16 ? sizeof(uint16_t) : sizeof(float);
}

/* Number d of a row that begins at any address, widened. */
static inline float wa_number_at(const void *row, wa_number_type type, size_t d)
{
    uint32_t bits;
    uint16_t half;
    float    x;

    if (type == WA_NUMBER_BF16) {
        memcpy(&half, (const char *)row + d * sizeof half, sizeof half);
        bits = (uint32_t)half << 16;
    } else {
        memcpy(&bits, (const char *)row + d * sizeof bits, sizeof bits);
    }
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Writes panel p of a matrix [O, D] to its place in `out`: room for wa_panel_count(O) * WA_PANEL * D numbers of its type, panels one
 * after another. Panels are independent of one another. */
void wa_panel_pack(void *out, const wa_rows *rows, size_t p);

/* Rows become columns: out[d * out_stride + t] = x[t * x_stride + d]. x is at any address and apart from out.
 *
 * out  [D, n], rows out_stride apart
 * x    [n, D], floats, rows x_stride apart */
void wa_rows_turn(float *out, size_t out_stride, const void *x, size_t x_stride, size_t n, size_t D);

/* Writes x [T, D], rows x_stride apart, to out [T*D] in blocks. */
void wa_rows_pack(float *out, const float *x, size_t x_stride, size_t T, size_t D);

#endif

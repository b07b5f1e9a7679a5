/* The table of the plain kernels.
 *
 * This file is compiled a second time for processors with a fused multiply-add instruction, under another name; IEEE 754 makes
 * the bits the same, the instruction saves a call a product. */
#include "math/kernels_plain.h"

#ifndef WA_KERNELS_NAME
#define WA_KERNELS_NAME wa_kernels_ref
#endif

extern const wa_kernels WA_KERNELS_NAME;

const wa_kernels WA_KERNELS_NAME = {
    .name              = "ref",
    .product           = product,
    .product_of_rows   = product_of_rows,
    .bound             = bound,
    .measure           = measure,
    .probabilities     = probabilities,
    .log_probabilities = log_probabilities,
    .find              = find,
    .count             = count,
    .standardise       = standardise,
    .gain_bias         = gain_bias,
    .relu              = relu,
    .gelu              = gelu,
    .add               = add,
    .scale             = scale,
};

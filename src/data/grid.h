/* A grid of settings: keys of a configuration with the values that each takes, and all combinations of them, the last key fastest.
 *
 * An axis is written "attention.0.heads=1,2,4", its values as --set takes them. Commas in brackets, braces and quotes belong to a
 * value: "attention.0.mask_heads=[],[0],[1,2]" has three. */
#ifndef WA_DATA_GRID_H
#define WA_DATA_GRID_H

#include "base/mem.h"

typedef struct wa_axis {
    wa_text  key;
    wa_text *values; /* [n], no two the same */
    size_t   n;
} wa_axis;

typedef struct wa_grid {
    wa_axis *axes; /* [n_axes] */
    size_t   n_axes;
    size_t   n; /* combinations; 1 where there is no axis */
} wa_grid;

/* Reads the axes, [n]; keys and values lie in the arena.
 * Errors  WA_EUSAGE as "--sweep 2: message": no key, a value that is empty, not closed or there twice, a key that two axes have, more
 *         combinations than can be counted; WA_ENOMEM. Whether the keys exist and take the values is for who uses them. */
wa_status wa_grid_read(const char *const *axes, size_t n, wa_arena *arena, wa_grid *out, wa_error *err);

/* The value that an axis has in combination i < n. */
wa_text wa_grid_value(const wa_grid *grid, size_t i, size_t axis);

/* Appends "attention.0.heads=2,positional.0.kind=none": a name for combination i that is the same each time and fit for a file. A key
 * or value with other characters than letters, digits and ._+-[], or a long one, has '_' for them or is cut, and bears a hash. */
void wa_grid_add_name(const wa_grid *grid, size_t i, wa_buf *out);

#endif

/* NumPy's .npy (one array) and .npz (a zip of them), written so that the same arrays give the same bytes: no dates, no
 * compression, members in the order they were added.
 *
 * After a failure of an archive other than WA_EUSAGE, nothing but discarding it is left to do.
 * Source: numpy/lib/format.py (version 1.0 of the format); PKWARE APPNOTE 6.3 with zip64 where a size needs it. */
#ifndef WA_DATA_NPY_H
#define WA_DATA_NPY_H

#include "base/output.h"
#include "base/str.h"

#define WA_NPY_HEADER 128 /* bytes: two dimensions of 20 digits fit */

/* Appends the header of an array of float32, [n_rows, width], always WA_NPY_HEADER bytes, so that one whose rows are counted while they
 * are written can be completed in the end. Rows follow as they lie in memory. `buf` is empty before. */
void wa_npy_add_header(wa_buf *buf, size_t n_rows, size_t width);

typedef struct wa_npz wa_npz;

/* Arrays of float32 under names; data of each begins at a multiple of 64 bytes of the file, so that it can be mapped.
 * Errors of all: WA_EIO, WA_ENOMEM; WA_EUSAGE for a name that is used twice, not UTF-8 or longer than a zip allows; the archive
 * can go on without it. */
wa_status wa_npz_open(const char *path, const wa_env *env, wa_npz **out, wa_error *err);
wa_status wa_npz_add(wa_npz *npz, wa_text name, const float *data, size_t rank, const size_t *shape, wa_error *err);
wa_status wa_npz_commit(wa_npz *npz, wa_error *err); /* frees, whatever it returns */
void      wa_npz_discard(wa_npz *npz);               /* NULL is fine */

/* ---------------------------------------------------------------- reading back */

#define WA_NPZ_RANK 4

/* An array where it lies in the bytes of an archive. */
typedef struct wa_npz_array {
    wa_text name;
    size_t  rank, shape[WA_NPZ_RANK];
    size_t  n_values;
    wa_text bytes; /* of n_values floats; at any address */
} wa_npz_array;

/* Takes the next array off the front of an archive that was written here. false, and nothing moved, behind the last one and at anything
 * that wa_npz_add() would not have written, or of a higher rank; one that NumPy wrote may be that. */
bool wa_npz_next(wa_cursor *archive, wa_npz_array *out);

/* ---------------------------------------------------------------- zip records, apart from the bytes they describe */

/* A stored member. */
typedef struct wa_zip_member {
    wa_text  name;   /* as the archive has it */
    uint64_t offset; /* of its local header */
    uint64_t n_bytes;
    uint32_t crc;
} wa_zip_member;

/* Appends a member's local header, padded so that what follows it in the file begins at a multiple of 64. */
void wa_zip_add_local(wa_buf *buf, const wa_zip_member *member);
/* Appends a member's record of the central directory. */
void wa_zip_add_central(wa_buf *buf, const wa_zip_member *member);
/* Appends what ends an archive: n members, whose central directory lies at `offset` and has n_bytes. */
void wa_zip_add_end(wa_buf *buf, uint64_t n_members, uint64_t offset, uint64_t n_bytes);

#endif

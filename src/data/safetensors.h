/* safetensors: named tensors in one file.
 *
 *     bytes 0..8        N, little-endian u64
 *     bytes 8..8+N      JSON: name -> { "dtype", "shape", "data_offsets": [begin, end] }, maybe "__metadata__"; padded with spaces
 *     bytes 8+N..       the tensors, little-endian, row-major, without holes or overlaps, up to the end of the file
 *
 * Everything is checked when a file is opened; a file that passes can be read without further checks. Duplicate names, which the
 * reference implementation lets pass, are refused. Source: huggingface/safetensors, README.md and tensor.rs. */
#ifndef WA_DATA_SAFETENSORS_H
#define WA_DATA_SAFETENSORS_H

#include "base/file.h"

#define WA_TENSOR_RANK 4 /* the most dimensions that a tensor of ours has */

typedef struct wa_safetensors wa_safetensors;

typedef enum wa_dtype { WA_DTYPE_F32, WA_DTYPE_F64, WA_DTYPE_F16, WA_DTYPE_BF16, WA_DTYPE_OTHER } wa_dtype;

typedef struct wa_tensor_entry {
    wa_text     name;
    wa_dtype    dtype;
    const char *dtype_name;                  /* as the file has it */
    size_t      rank, shape[WA_TENSOR_RANK]; /* a rank beyond WA_TENSOR_RANK is kept, its shape is not */
    size_t      n_values;
    wa_text     bytes; /* in the file; not necessarily aligned */
} wa_tensor_entry;

/* Errors  WA_EIO; WA_EFORMAT, naming the byte or the tensor; WA_ENOMEM. Cost: the header; tensors are not touched. */
wa_status wa_safetensors_open(const char *path, const wa_env *env, wa_safetensors **out, wa_error *err);
void      wa_safetensors_close(wa_safetensors *file);

size_t                 wa_safetensors_count(const wa_safetensors *file);
const wa_tensor_entry *wa_safetensors_entry(const wa_safetensors *file, size_t i);    /* in the order of the data */
const wa_tensor_entry *wa_safetensors_find(const wa_safetensors *file, wa_text name); /* or NULL */

/* The values as floats, [n_values]: F32 as it is, F16 and BF16 widened (exact), F64 rounded. The dtype must not be OTHER. */
void wa_tensor_entry_read(const wa_tensor_entry *entry, float *out);
/* The values where they lie, or NULL where they are not aligned F32. */
const float *wa_tensor_entry_view(const wa_tensor_entry *entry);

#endif

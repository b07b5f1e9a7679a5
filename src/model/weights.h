/* The weights of a model: tensors by name, from a safetensors file, from values in the configuration, or random.
 *
 * Stages ask for what they want; whatever is missing, has another shape or was asked for by nobody is noted, and
 * wa_weights_verdict() reports all of it at once. */
#ifndef WA_MODEL_WEIGHTS_H
#define WA_MODEL_WEIGHTS_H

#include "base/hash.h"
#include "base/mem.h"
#include "data/config.h"
#include "data/safetensors.h"
#include "math/panels.h"
#include "model/experiment.h"

typedef struct wa_shape {
    size_t rank, n[WA_TENSOR_RANK];
} wa_shape;

typedef struct wa_weights wa_weights;

/* config and arena must outlive the weights; tensors that cannot be used where they lie are kept in the arena. */
wa_status wa_weights_open(wa_config *config, wa_arena *arena, const wa_env *env, wa_weights **out, wa_error *err);
void      wa_weights_close(wa_weights *weights);

/* Whether there is a tensor of this name; random weights have every name. */
bool wa_weights_has(const wa_weights *weights, const char *name);

/* The numbers of a tensor, row-major, at any address. */
typedef struct wa_numbers {
    const void    *data;
    wa_number_type type;
} wa_numbers;

/* A tensor in one of the accepted shapes; *which (may be NULL) says in which. F32 and BF16 stay where they lie in the file, other
 * types are widened to F32. Where it is missing or has another shape, that is noted and out->data is NULL. Random weights take
 * the first shape.
 * Errors  WA_ENOMEM. */
wa_status wa_weights_take(wa_weights *weights, const char *name, const wa_shape *accepted, size_t n_accepted, wa_numbers *out,
                          size_t *which, wa_error *err);

/* A tensor that a stage took. */
typedef struct wa_taken_tensor {
    wa_text    name;
    wa_numbers numbers; /* alive as long as the weights and their arena */
    wa_shape   shape;
} wa_taken_tensor;

/* All of them, [n], in the order of the stages. */
const wa_taken_tensor *wa_weights_taken(const wa_weights *weights, size_t *n);
/* The one of this name, or NULL. */
const wa_taken_tensor *wa_weights_find(const wa_weights *weights, const char *name);

/* Adds the names and bytes of the tensors in the file; those that are given or random are values of the configuration. */
void wa_weights_digest(const wa_weights *weights, wa_digest *digest);

/* WA_EMODEL with everything noted, a line each, tensors that nobody took included. */
wa_status wa_weights_verdict(wa_weights *weights, wa_error *err);

#endif

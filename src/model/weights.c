/* The weights of a model. See weights.h. */
#include "model/weights.h"

#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "base/str.h"
#include "data/lexicon.h"

struct wa_weights {
    wa_env               env;
    wa_config           *config;
    const wa_experiment *experiment;
    wa_arena            *arena;
    wa_safetensors      *file;    /* NULL: none */
    wa_lexicon           taken;   /* names that stages asked for */
    wa_taken_tensor     *tensors; /* [n_tensors] what they got */
    size_t               n_tensors, tensors_capacity;
    wa_buf               complaints; /* lines */
};

wa_status wa_weights_open(wa_config *config, wa_arena *arena, const wa_env *env, wa_weights **out, wa_error *err)
{
    wa_status   st      = WA_OK;
    wa_weights *weights = wa_alloc_zeroed(env, 1, sizeof *weights);

    if (!weights)
        WA_TRY(wa_fail_memory(err, "weights"));
    if (env)
        weights->env = *env;
    weights->config         = config;
    weights->experiment     = wa_config_values(config);
    weights->arena          = arena;
    weights->taken.env      = &weights->env;
    weights->complaints.env = &weights->env;
    if (weights->experiment->weights.file)
        WA_TRY(wa_safetensors_open(weights->experiment->weights.file, &weights->env, &weights->file, err));
    *out    = weights;
    weights = NULL;
done:
    wa_weights_close(weights);
    return st;
}

void wa_weights_close(wa_weights *weights)
{
    if (!weights)
        return;
    const wa_env env = weights->env;
    wa_safetensors_close(weights->file);
    wa_lexicon_clear(&weights->taken);
    wa_buf_clear(&weights->complaints);
    wa_release(&env, weights->tensors);
    wa_release(&env, weights);
}

/* ---------------------------------------------------------------- shapes */

static void add_shape(wa_buf *buf, const wa_shape *shape)
{
    wa_buf_str(buf, "[");
    for (size_t i = 0; i < shape->rank && i < WA_TENSOR_RANK; i++)
        wa_buf_format(buf, "%s%zu", i ? ", " : "", shape->n[i]);
    wa_buf_str(buf, shape->rank > WA_TENSOR_RANK ? ", ...]" : "]");
}

static size_t find_shape(const wa_shape *shape, const wa_shape *accepted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (shape->rank == accepted[i].rank && memcmp(shape->n, accepted[i].n, shape->rank * sizeof *shape->n) == 0)
            return i;
    return WA_NONE;
}

static wa_shape shape_of(size_t rank, const size_t *n)
{
    wa_shape shape = { .rank = rank };

    memcpy(shape.n, n, (rank < WA_TENSOR_RANK ? rank : WA_TENSOR_RANK) * sizeof *n);
    return shape;
}

/* ---------------------------------------------------------------- complaints */

static void begin_complaint(wa_weights *weights, const char *place, wa_text name)
{
    if (weights->complaints.n_bytes > 0)
        wa_buf_str(&weights->complaints, "\n");
    wa_buf_format(&weights->complaints, "%s: tensor %s ", place, wa_show(name).quoted);
}

/* Where weights come from, for messages about one that is not there. */
static const char *place_of(const wa_weights *weights)
{
    return weights->file ? weights->experiment->weights.file : wa_config_where(weights->config, "weights");
}

static void complain_shape(wa_weights *weights, const char *place, wa_text name, const wa_shape *found, const wa_shape *accepted,
                           size_t n)
{
    begin_complaint(weights, place, name);
    if (found) {
        wa_buf_str(&weights->complaints, "has the shape ");
        add_shape(&weights->complaints, found);
        wa_buf_str(&weights->complaints, ", expected ");
    } else {
        wa_buf_str(&weights->complaints, "is missing, expected with the shape ");
    }
    for (size_t i = 0; i < n; i++) {
        wa_buf_str(&weights->complaints, i ? " or " : "");
        add_shape(&weights->complaints, &accepted[i]);
    }
}

/* The configuration key of a tensor under `values`, for its position. */
static const char *place_of_value(wa_weights *weights, wa_text name)
{
    wa_buf key = { .env = &weights->env };

    wa_buf_format(&key, "weights.values.%.*s", (int)name.n_bytes, name.data);
    const char *const where = key.failed ? "weights.values" : wa_config_where(weights->config, key.data);
    wa_buf_clear(&key);
    return where;
}

/* ---------------------------------------------------------------- sources */

static const wa_tensor_value *find_value(const wa_weights *weights, wa_text name)
{
    const wa_tensors *const values = &weights->experiment->weights.values;

    for (size_t i = 0; i < values->n; i++)
        if (wa_text_equal(values->items[i].name, name))
            return &values->items[i];
    return NULL;
}

bool wa_weights_has(const wa_weights *weights, const char *name)
{
    const wa_text text = wa_text_of(name);

    return find_value(weights, text) || (weights->file && wa_safetensors_find(weights->file, text)) ||
           weights->experiment->weights.random.is_given;
}

static wa_status draw(wa_weights *weights, wa_text name, const wa_shape *shape, wa_numbers *out, wa_error *err)
{
    const wa_random_opts *const random = &weights->experiment->weights.random;
    wa_rng                      rng    = wa_rng_named(random->seed, name);
    size_t                      n      = 1;
    bool                        fits   = true;

    for (size_t i = 0; i < shape->rank; i++)
        fits = fits && wa_mul_size(n, shape->n[i], &n);
    float *const values = fits ? wa_arena_alloc(weights->arena, n, sizeof *values) : NULL;
    if (!values)
        return wa_fail(err, WA_ENOMEM, "tensor %s: not enough memory", wa_show(name).quoted);
    for (size_t i = 0; i < n; i++)
        values[i] = wa_rng_uniform(&rng, random->low, random->high);
    *out = (wa_numbers){ values, WA_NUMBER_F32 };
    return WA_OK;
}

/* Uses an entry of the file where it lies, or a widened copy. */
static wa_status load(wa_weights *weights, const wa_tensor_entry *entry, wa_numbers *out, wa_error *err)
{
    if (entry->dtype == WA_DTYPE_F32 || entry->dtype == WA_DTYPE_BF16) {
        *out = (wa_numbers){ entry->bytes.data, entry->dtype == WA_DTYPE_BF16 ? WA_NUMBER_BF16 : WA_NUMBER_F32 };
        return WA_OK;
    }
    float *const copy = wa_arena_alloc(weights->arena, entry->n_values, sizeof *copy);
    if (!copy)
        return wa_fail(err, WA_ENOMEM, "%s: not enough memory for %zu numbers", weights->experiment->weights.file, entry->n_values);
    wa_tensor_entry_read(entry, copy);
    *out = (wa_numbers){ copy, WA_NUMBER_F32 };
    return WA_OK;
}

static wa_status take_from_file(wa_weights *weights, const wa_tensor_entry *entry, const wa_shape *accepted, size_t n_accepted,
                                wa_numbers *out, size_t *which, wa_error *err)
{
    const wa_shape found = shape_of(entry->rank, entry->shape);
    const char    *place = weights->experiment->weights.file;

    if (entry->dtype == WA_DTYPE_OTHER) {
        begin_complaint(weights, place, entry->name);
        wa_buf_format(&weights->complaints, "has the type %s, expected F32, F64, F16 or BF16", entry->dtype_name);
        return WA_OK;
    }
    if ((*which = find_shape(&found, accepted, n_accepted)) == WA_NONE) {
        complain_shape(weights, place, entry->name, &found, accepted, n_accepted);
        return WA_OK;
    }
    return load(weights, entry, out, err);
}

/* From whichever source has it; where none has, or it is not as wanted, that is noted and out->data stays NULL. */
static wa_status look_up(wa_weights *weights, wa_text text, const wa_shape *accepted, size_t n_accepted, wa_numbers *out,
                         size_t *which, wa_error *err)
{
    const wa_tensor_value *const value = find_value(weights, text);
    const wa_tensor_entry *const entry = weights->file ? wa_safetensors_find(weights->file, text) : NULL;

    if (value) {
        const wa_shape found = shape_of(value->rank, value->shape);

        if ((*which = find_shape(&found, accepted, n_accepted)) == WA_NONE)
            complain_shape(weights, place_of_value(weights, text), text, &found, accepted, n_accepted);
        else
            *out = (wa_numbers){ value->data, WA_NUMBER_F32 };
        return WA_OK;
    }
    if (entry)
        return take_from_file(weights, entry, accepted, n_accepted, out, which, err);
    *which = 0;
    if (weights->experiment->weights.random.is_given)
        return draw(weights, text, &accepted[0], out, err);
    complain_shape(weights, place_of(weights), text, NULL, accepted, n_accepted);
    return WA_OK;
}

wa_status wa_weights_take(wa_weights *weights, const char *name, const wa_shape *accepted, size_t n_accepted, wa_numbers *out,
                          size_t *which, wa_error *err)
{
    wa_status     st   = WA_OK;
    const wa_text kept = wa_arena_text(weights->arena, wa_text_of(name));
    size_t        index, ignored;
    void         *tensors = weights->tensors;

    *out   = (wa_numbers){ 0 };
    which  = which ? which : &ignored;
    *which = WA_NONE;
    if (!kept.data || !wa_lexicon_add(&weights->taken, kept, &index, NULL) ||
        !wa_grow(&weights->env, &tensors, &weights->tensors_capacity, weights->n_tensors + 1, sizeof *weights->tensors))
        WA_FAIL(WA_ENOMEM, "tensor '%s': not enough memory", name);
    weights->tensors = tensors;
    WA_TRY(look_up(weights, kept, accepted, n_accepted, out, which, err));
    if (out->data)
        weights->tensors[weights->n_tensors++] = (wa_taken_tensor){ kept, *out, accepted[*which] };
done:
    return st;
}

const wa_taken_tensor *wa_weights_taken(const wa_weights *weights, size_t *n)
{
    *n = weights->n_tensors;
    return weights->tensors;
}

const wa_taken_tensor *wa_weights_find(const wa_weights *weights, const char *name)
{
    for (size_t i = 0; i < weights->n_tensors; i++)
        if (wa_text_is(weights->tensors[i].name, name))
            return &weights->tensors[i];
    return NULL;
}

/* ---------------------------------------------------------------- verdict */

static void complain_untaken(wa_weights *weights, const char *place, wa_text name)
{
    if (wa_lexicon_find(&weights->taken, name) != WA_NONE)
        return;
    begin_complaint(weights, place, name);
    wa_buf_str(&weights->complaints, "is used by no stage of the pipeline; remove it or add its stage");
}

wa_status wa_weights_verdict(wa_weights *weights, wa_error *err)
{
    const wa_tensors *const values = &weights->experiment->weights.values;

    for (size_t i = 0; weights->file && i < wa_safetensors_count(weights->file); i++)
        complain_untaken(weights, weights->experiment->weights.file, wa_safetensors_entry(weights->file, i)->name);
    for (size_t i = 0; i < values->n; i++)
        complain_untaken(weights, place_of_value(weights, values->items[i].name), values->items[i].name);
    if (weights->complaints.failed)
        return wa_fail_memory(err, wa_config_path(weights->config));
    if (weights->complaints.n_bytes == 0)
        return WA_OK;
    return wa_fail(err, WA_EMODEL, "%.*s", (int)weights->complaints.n_bytes, weights->complaints.data);
}

/* ---------------------------------------------------------------- a fingerprint */

void wa_weights_digest(const wa_weights *weights, wa_digest *digest)
{
    const size_t n = weights->file ? wa_safetensors_count(weights->file) : 0;

    for (size_t i = 0; i < n; i++) {
        const wa_tensor_entry *const entry = wa_safetensors_entry(weights->file, i);

        wa_digest_add_text(digest, entry->name);
        wa_digest_add_text(digest, wa_text_of(entry->dtype_name));
        wa_digest_add_text(digest, entry->bytes);
    }
}

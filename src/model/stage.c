/* The table of stages, and what they share. See stage.h for the recipe. */
#include "model/stage.h"

#include <stdio.h>

#include "base/status.h"

const wa_variant *const wa_stage_variants[] = {
    &wa_embedding_stage,
    &wa_position_stage,
    &wa_attention_stage,
    &wa_norm_stage,
    &wa_feed_forward_stage,
    &wa_vocabulary_stage,
    NULL,
};

enum { NAME_SIZE = 96 }; /* of a weight or quantity: prefix, number and a short word */

const char *wa_stage_key(const wa_stage *stage, wa_arena *arena, const char *key)
{
    char *const text = wa_arena_alloc(arena, NAME_SIZE, 1);

    if (!text)
        return "";
    snprintf(text, NAME_SIZE, "%s.%zu%s%s", stage->name, stage->ordinal, *key ? "." : "", key);
    return text;
}

/* "attention.0.weights", "embed.output" */
static const char *full_name(const wa_stage *stage, const char *name, char out[NAME_SIZE])
{
    if (stage->ops->is_numbered)
        snprintf(out, NAME_SIZE, "%s.%zu.%s", stage->ops->prefix, stage->ordinal, name);
    else
        snprintf(out, NAME_SIZE, "%s.%s", stage->ops->prefix, name);
    return out;
}

wa_status wa_stage_take(const wa_stage *stage, wa_build *build, const char *name, const wa_shape *accepted, size_t n_accepted,
                        const float **out, size_t *which, wa_error *err)
{
    char full[NAME_SIZE];

    return wa_weights_take(build->weights, full_name(stage, name, full), accepted, n_accepted, out, which, err);
}

wa_status wa_stage_take_vector(const wa_stage *stage, wa_build *build, const char *name, size_t n, const float **out, wa_error *err)
{
    const wa_shape shape = { 1, { n } };

    return wa_stage_take(stage, build, name, &shape, 1, out, NULL, err);
}

bool wa_stage_has(const wa_stage *stage, const wa_build *build, const char *name)
{
    char full[NAME_SIZE];

    return wa_weights_has(build->weights, full_name(stage, name, full));
}

wa_status wa_flow_alloc(wa_flow *flow, size_t n, size_t m, float **out, wa_error *err)
{
    size_t       total;
    float *const memory = wa_mul_size(n, m, &total) ? wa_arena_alloc(flow->arena, total, sizeof *memory) : NULL;

    if (!memory)
        return wa_fail(err, WA_ENOMEM, "not enough memory for %zu x %zu numbers; a smaller tokenizer.max_tokens needs less", n, m);
    *out = memory;
    return WA_OK;
}

void wa_flow_show(const wa_flow *flow, const wa_stage *stage, const char *name, const float *data, size_t d0, size_t d1, size_t d2)
{
    char full[NAME_SIZE];

    if (!flow->observer)
        return;
    const wa_quantity quantity = {
        .name  = full_name(stage, name, full),
        .data  = data,
        .rank  = d0 ? 3 : 2,
        .shape = { d0 ? d0 : d1, d0 ? d1 : d2, d0 ? d2 : 0 },
    };
    flow->observer(flow->observer_user, &quantity);
}

/* The stages of a model in their order. See pipeline.h. */
#include "model/pipeline.h"

#include <math.h>
#include <string.h>

#include "base/status.h"
#include "model/vocabulary.h"

/* ---------------------------------------------------------------- preparing */

/* What holds of the list as a whole. Returns false where preparing makes no sense. */
static bool check_order(const wa_stages *stages, wa_build *build)
{
    const wa_variant *const first = wa_stage_variants[stages->items[0].variant];

    if (first != &wa_embedding_stage) {
        wa_config_complain(build->config, "pipeline", "the pipeline begins with %s; it must begin with embed", first->name);
        return false;
    }
    for (size_t i = 0; i < stages->n; i++) {
        const wa_variant *const   variant = wa_stage_variants[stages->items[i].variant];
        const wa_stage_ops *const ops     = variant->owner;
        const wa_stage            stage   = { .name = variant->name, .ordinal = stages->items[i].ordinal };

        if (!ops->is_numbered && stage.ordinal > 0)
            wa_stage_complain(&stage, build, "", "a second %s; a pipeline has one at most", variant->name);
        if (variant == &wa_vocabulary_stage && i + 1 < stages->n)
            wa_stage_complain(&stage, build, "", "vocabulary is not the last stage; nothing can follow it");
    }
    return true;
}

static wa_status prepare_stage(wa_stage *stage, const wa_stage_config *config, wa_build *build, wa_error *err)
{
    const wa_variant *const variant = wa_stage_variants[config->variant];

    *stage = (wa_stage){
        .ops      = variant->owner,
        .name     = variant->name,
        .ordinal  = config->ordinal,
        .params   = config->params,
        .width_in = build->previous ? build->previous->width_out : 0,
    };
    const wa_status st = stage->ops->prepare(stage, build, err);
    build->previous    = stage;
    return st;
}

static void find_reach(wa_pipeline *pipeline)
{
    pipeline->is_causal = true;
    pipeline->narrow_at = SIZE_MAX;
    for (size_t i = 0; i < pipeline->n_stages; i++) {
        pipeline->is_causal = pipeline->is_causal && pipeline->stages[i].reach != WA_REACH_ALL;
        if (pipeline->stages[i].reach == WA_REACH_PAST)
            pipeline->narrow_at = i;
    }
    if (!pipeline->is_causal)
        pipeline->narrow_at = SIZE_MAX;
}

wa_status wa_pipeline_prepare(wa_pipeline *pipeline, wa_build *build, wa_error *err)
{
    wa_status              st     = WA_OK;
    const wa_stages *const stages = &build->experiment->pipeline;

    *pipeline = (wa_pipeline){ 0 };
    if (stages->n == 0)
        wa_config_complain(build->config, "pipeline", "the pipeline has no stage; it must begin with embed");
    else if (check_order(stages, build)) {
        if (!(pipeline->stages = wa_arena_alloc_zeroed(build->arena, stages->n, sizeof *pipeline->stages)))
            WA_TRY(wa_fail_memory(err, wa_config_path(build->config)));
        while (pipeline->n_stages < stages->n) {
            wa_stage *const stage = &pipeline->stages[pipeline->n_stages];

            pipeline->n_stages++;
            WA_TRY(prepare_stage(stage, &stages->items[pipeline->n_stages - 1], build, err));
        }
    }
    WA_TRY(wa_config_verdict(build->config, err));
    WA_TRY(wa_weights_verdict(build->weights, err));
    const wa_stage *const last = &pipeline->stages[pipeline->n_stages - 1];
    pipeline->vocabulary       = last->ops == wa_vocabulary_stage.owner ? last : NULL;
    pipeline->width            = pipeline->vocabulary ? last->width_in : last->width_out;
    find_reach(pipeline);
done:
    if (st != WA_OK)
        wa_pipeline_clear(pipeline);
    return st;
}

void wa_pipeline_clear(wa_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->n_stages; i++)
        if (pipeline->stages[i].ops->clear && pipeline->stages[i].state)
            pipeline->stages[i].ops->clear(&pipeline->stages[i]);
    *pipeline = (wa_pipeline){ 0 };
}

/* ---------------------------------------------------------------- running */

typedef struct copying {
    float *logits; /* [n_rows, N] */
    size_t N;
} copying;

static void copy_piece(void *user, size_t worker, const wa_piece_of_row *piece)
{
    const copying *const to = user;

    (void)worker;
    memcpy(to->logits + piece->row * to->N + piece->first, piece->logits, piece->n * sizeof *piece->logits);
}

/* Logits and probabilities of all positions, for the observer. */
static wa_status show_words(const wa_pipeline *pipeline, wa_flow *flow, wa_error *err)
{
    wa_status               st    = WA_OK;
    const wa_stage *const   stage = pipeline->vocabulary;
    const wa_kernels *const k     = flow->kernels;
    const wa_scan           scan  = { .kernels = k, .arena = flow->arena };
    const size_t            N     = stage->width_out;
    copying                 to    = { .N = N };
    float                  *probabilities;

    WA_TRY(wa_flow_alloc(flow, flow->T, N, &to.logits, err));
    WA_TRY(wa_flow_alloc(flow, flow->T, N, &probabilities, err));
    WA_TRY(wa_vocabulary_scan(stage, &scan, flow->x, flow->T, copy_piece, &to, err));
    for (size_t i = 0; i < flow->T * N; i++)
        if (!isfinite(to.logits[i]))
            WA_TRY(wa_pipeline_fail_logits(i / N, err));
    for (size_t t = 0; t < flow->T; t++)
        k->probabilities(probabilities + t * N, to.logits + t * N, wa_normaliser_of(k, to.logits + t * N, N), N);
    wa_flow_show(flow, stage, "logits", to.logits, 0, flow->T, N);
    wa_flow_show(flow, stage, "probabilities", probabilities, 0, flow->T, N);
done:
    return st;
}

static const char advice[] =
    "the vectors or weights hold numbers that are not finite or too large (`wordahead vectors check` finds such "
    "vectors), or a scale or temperature makes them so";

wa_status wa_pipeline_fail_logits(size_t position, wa_error *err)
{
    return wa_fail(err, WA_EMODEL, "the logits after word %zu are not finite: %s", position + 1, advice);
}

static bool is_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static wa_status check_finite(const wa_pipeline *pipeline, const wa_flow *flow, wa_error *err)
{
    for (size_t i = 0; i < flow->n_parts; i++) {
        const wa_part *const part = &flow->parts[i];

        for (size_t t = 0; t < part->T; t++)
            if (!is_finite(flow->x + (part->first + t) * pipeline->width, pipeline->width))
                return wa_fail(err, WA_EMODEL, "the output for word %zu is not finite: %s", part->n_past + t + 1, advice);
    }
    return WA_OK;
}

/* Leaves of each part its last word, and of *rows, [T, width], the rows of these. */
static wa_status narrow(wa_flow *flow, const float **rows, size_t width, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(wa_flow_last_rows(flow, *rows, width, rows, err));
    for (size_t i = 0; i < flow->n_parts; i++)
        flow->parts[i] = (wa_part){ .first = i, .T = 1, .n_past = flow->parts[i].n_past + flow->parts[i].T - 1 };
    flow->T         = flow->n_parts;
    flow->is_narrow = false;
done:
    return st;
}

wa_status wa_pipeline_run(const wa_pipeline *pipeline, wa_flow *flow, wa_kept *kept, bool is_last_only, wa_error *err)
{
    wa_status st = WA_OK;

    for (size_t i = 0; i < pipeline->n_stages; i++) {
        const wa_stage *const stage = &pipeline->stages[i];
        const float          *given = flow->x;

        flow->kept      = kept ? &kept[i] : NULL;
        flow->is_narrow = is_last_only && !flow->observer && i == pipeline->narrow_at;
        WA_TRY(stage->ops->forward(stage, flow, err));
        if (flow->is_narrow)
            WA_TRY(narrow(flow, &given, stage->width_in, err));
        flow->before = given;
    }
    if (is_last_only && !flow->observer && pipeline->narrow_at == SIZE_MAX)
        WA_TRY(narrow(flow, &flow->x, pipeline->width, err));
    WA_TRY(check_finite(pipeline, flow, err));
    if (flow->observer && pipeline->vocabulary)
        WA_TRY(show_words(pipeline, flow, err));
done:
    return st;
}

/* The table of stages, and what they share. See stage.h for the recipe. */
#include "model/stage.h"

#include <stdio.h>
#include <string.h>

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
                        wa_numbers *out, size_t *which, wa_error *err)
{
    char full[NAME_SIZE];

    return wa_weights_take(build->weights, full_name(stage, name, full), accepted, n_accepted, out, which, err);
}

wa_status wa_stage_floats(wa_build *build, const wa_numbers *numbers, size_t n, const float **out, wa_error *err)
{
    *out = NULL;
    if (!numbers->data)
        return WA_OK;
    float *const floats = wa_arena_alloc(build->arena, n, sizeof *floats);
    if (!floats)
        return wa_fail_memory(err, "weights");
    for (size_t i = 0; i < n; i++)
        floats[i] = wa_number_at(numbers->data, numbers->type, i);
    *out = floats;
    return WA_OK;
}

wa_status wa_stage_take_vector(const wa_stage *stage, wa_build *build, const char *name, size_t n, const float **out, wa_error *err)
{
    wa_status      st    = WA_OK;
    const wa_shape shape = { 1, { n } };
    wa_numbers     numbers;

    WA_TRY(wa_stage_take(stage, build, name, &shape, 1, &numbers, NULL, err));
    WA_TRY(wa_stage_floats(build, &numbers, n, out, err));
done:
    return st;
}

/* ---------------------------------------------------------------- packing */

typedef struct packing {
    void          *data;
    const wa_rows *rows;
} packing;

static void pack_panel(void *user, size_t worker, size_t p)
{
    const packing *const job = user;

    (void)worker;
    wa_panel_pack(job->data, job->rows, p);
}

/* A copy of [n] padded with zeros to whole panels; NULL stays NULL. */
static wa_status pad_bias(wa_build *build, const float *bias, size_t n, const float **out, wa_error *err)
{
    *out = NULL;
    if (!bias)
        return WA_OK;
    float *const padded = wa_arena_alloc_zeroed(build->arena, wa_panel_count(n) * WA_PANEL, sizeof *padded);
    if (!padded)
        return wa_fail_memory(err, "weights");
    for (size_t i = 0; i < n; i++)
        padded[i] = bias[i];
    *out = padded;
    return WA_OK;
}

wa_status wa_stage_pack(wa_build *build, const wa_rows *rows, wa_panels *out, wa_error *err)
{
    wa_status    st       = WA_OK;
    const size_t n_panels = wa_panel_count(rows->n_rows);
    size_t       n;
    packing      job = { .rows = rows };

    if (!rows->data)
        return WA_OK;
    if (!wa_mul_size(n_panels * WA_PANEL, rows->n_inner, &n) ||
        !(job.data = wa_arena_alloc(build->arena, n, wa_number_size(rows->type))))
        WA_FAIL(WA_ENOMEM, "not enough memory for %zu x %zu weights", rows->n_rows, rows->n_inner);
    *out = (wa_panels){
        .data         = job.data,
        .type         = rows->type,
        .n_rows       = rows->n_rows,
        .n_inner      = rows->n_inner,
        .panel_stride = WA_PANEL * rows->n_inner,
        .inner_stride = WA_PANEL,
    };
    WA_TRY(pad_bias(build, rows->bias, rows->n_rows, &out->bias, err));
    wa_pool_run(build->pool, pack_panel, &job, n_panels);
done:
    return st;
}

wa_status wa_stage_take_matrix(const wa_stage *stage, wa_build *build, const char *name, const char *bias_name, size_t O, size_t D,
                               wa_panels *out, wa_error *err)
{
    wa_status      st    = WA_OK;
    const wa_shape shape = { 2, { O, D } };
    const float   *bias  = NULL;
    wa_numbers     numbers;

    WA_TRY(wa_stage_take(stage, build, name, &shape, 1, &numbers, NULL, err));
    if (bias_name)
        WA_TRY(wa_stage_take_vector(stage, build, bias_name, O, &bias, err));
    WA_TRY(wa_stage_pack(build, &(wa_rows){ numbers.data, numbers.type, O, D, bias }, out, err));
done:
    return st;
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

wa_status wa_flow_last_rows(wa_flow *flow, const float *x, size_t D, const float **out, wa_error *err)
{
    wa_status st = WA_OK;
    float    *rows;

    *out = x + (flow->T - 1) * D;
    if (flow->n_parts == 1)
        goto done;
    WA_TRY(wa_flow_alloc(flow, flow->n_parts, D, &rows, err));
    for (size_t i = 0; i < flow->n_parts; i++)
        memcpy(rows + i * D, x + (flow->parts[i].first + flow->parts[i].T - 1) * D, D * sizeof *rows);
    *out = rows;
done:
    return st;
}

/* Multiply-adds from which sharing a product takes less time than waking its helpers. */
enum { WORTH_SHARING = 32768 };

typedef struct product_job {
    const wa_kernels *kernels;
    float            *y;
    size_t            y_stride;
    const float      *blocks;
    size_t            T;
    const wa_panels  *w;
    size_t            n_panels, n_tasks;
} product_job;

/* Panels i * n / n_tasks up to (i + 1) * n / n_tasks. */
static void product_task(void *user, size_t worker, size_t i)
{
    const product_job *const job   = user;
    const size_t             first = i * job->n_panels / job->n_tasks, end = (i + 1) * job->n_panels / job->n_tasks;

    (void)worker;
    job->kernels->product(job->y + first * WA_PANEL, job->y_stride, job->blocks, job->T, job->w, first, end - first);
}

wa_status wa_flow_pack(wa_flow *flow, const float *x, size_t x_stride, size_t T, size_t D, const float **blocks, wa_error *err)
{
    wa_status st = WA_OK;
    float    *packed;

    *blocks = x;
    if (T == 1)
        goto done;
    WA_TRY(wa_flow_alloc(flow, T, D, &packed, err));
    wa_rows_pack(packed, x, x_stride, T, D);
    *blocks = packed;
done:
    return st;
}

void wa_flow_product_blocks(const wa_flow *flow, float *y, size_t y_stride, const float *blocks, size_t T, const wa_panels *w)
{
    const size_t work = T * w->n_inner * w->n_rows,
                 most = 2 * wa_pool_threads(flow->pool); /* tasks: nobody waits for a large one */
    product_job job   = { flow->kernels, y, y_stride, blocks, T, w, wa_panel_count(w->n_rows), 1 };

    if (flow->pool && work >= WORTH_SHARING)
        job.n_tasks = job.n_panels < most ? job.n_panels : most;
    wa_pool_run(flow->pool, product_task, &job, job.n_tasks);
}

wa_status wa_flow_product(wa_flow *flow, float *y, size_t y_stride, const float *x, size_t x_stride, size_t T, const wa_panels *w,
                          wa_error *err)
{
    wa_status    st = WA_OK;
    const float *blocks;

    WA_TRY(wa_flow_pack(flow, x, x_stride, T, w->n_inner, &blocks, err));
    wa_flow_product_blocks(flow, y, y_stride, blocks, T, w);
done:
    return st;
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

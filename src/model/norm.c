/* add_norm: the residual sum and a layer norm of it (post-layer-norm).
 *
 *     sum [T, D]    = what the stage before was given + what it gave      (residual: true; else only what it gave)
 *     output [T, D] = (sum - mean) / sqrt(var + eps) * weight + bias
 *
 * Mean and variance go over the features of each token, or (over: tokens, as one published notebook does) over the tokens of
 * each feature. Source: Ba, Kiros & Hinton 2016, eq. 3-4; Vaswani et al. 2017, section 3.1, for the sum. */
#include <stddef.h>

#include "base/status.h"
#include "model/stage.h"

enum { OVER_FEATURES, OVER_TOKENS };

typedef struct norm_opts {
    bool   residual;
    int    over;
    double eps;
} norm_opts;

typedef struct norm_state {
    const float *gain, *bias; /* [D] */
} norm_state;

#define AT(field) offsetof(norm_opts, field)

static const wa_key keys[] = {
    { "residual", WA_KEY_BOOL, AT(residual), "true", NULL, "normalise input plus output of the stage before" },
    { "over", WA_KEY_CHOICE, AT(over), "features", "features|tokens", "tokens: as one published notebook does" },
    { "eps", WA_KEY_NUMBER, AT(eps), "1e-5", "0..", "added to the variance" },
    { 0 },
};

static wa_status prepare(wa_stage *stage, wa_build *build, wa_error *err)
{
    wa_status              st   = WA_OK;
    const norm_opts *const opts = stage->params;
    norm_state *const      s    = wa_arena_alloc_zeroed(build->arena, 1, sizeof *s);
    const size_t           D    = stage->width_in;

    if (!s)
        WA_TRY(wa_fail_memory(err, "add_norm"));
    stage->state     = s;
    stage->width_out = D;
    stage->reach     = opts->over == OVER_TOKENS ? WA_REACH_ALL : WA_REACH_ROW;
    if (opts->residual && build->previous && build->previous->width_in == 0)
        wa_stage_complain(stage, build, "residual", "add_norm follows %s, which has no input to add; use residual: false",
                          build->previous->name);
    else if (opts->residual && build->previous && build->previous->width_in != D)
        wa_stage_complain(stage, build, "residual",
                          "add_norm cannot add the input of %s, %zu wide, to its output, %zu wide; use output_projection: true or "
                          "residual: false",
                          build->previous->name, build->previous->width_in, D);
    WA_TRY(wa_stage_take_vector(stage, build, "weight", D, &s->gain, err));
    WA_TRY(wa_stage_take_vector(stage, build, "bias", D, &s->bias, err));
done:
    return st;
}

static wa_status forward(const wa_stage *stage, wa_flow *flow, wa_error *err)
{
    wa_status               st   = WA_OK;
    const norm_opts *const  opts = stage->params;
    const norm_state *const s    = stage->state;
    const wa_kernels *const k    = flow->kernels;
    const size_t            T = flow->T, D = stage->width_in;
    const float            *sum = flow->x;
    float                  *added, *out;

    if (opts->residual) {
        WA_TRY(wa_flow_alloc(flow, T, D, &added, err));
        k->add(added, flow->before, flow->x, T * D);
        sum = added;
    }
    WA_TRY(wa_flow_alloc(flow, T, D, &out, err));
    for (size_t t = 0; opts->over == OVER_FEATURES && t < T; t++)
        k->standardise(out + t * D, sum + t * D, opts->eps, D, 1);
    for (size_t i = 0; opts->over == OVER_TOKENS && i < flow->n_parts; i++)
        for (size_t d = 0, at = flow->parts[i].first * D; d < D; d++)
            k->standardise(out + at + d, sum + at + d, opts->eps, flow->parts[i].T, D);
    k->gain_bias(out, s->gain, s->bias, T, D);
    flow->x = out;
    wa_flow_show(flow, stage, "sum", sum, 0, T, D);
    wa_flow_show(flow, stage, "output", out, 0, T, D);
done:
    return st;
}

static const wa_stage_ops ops = { .prefix = "norm", .is_numbered = true, .prepare = prepare, .forward = forward };

const wa_variant wa_norm_stage = { "add_norm", keys, sizeof(norm_opts), "residual sum and layer norm", false, &ops };

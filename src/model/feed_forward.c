/* feed_forward: two linear maps with an activation between them, for each position.
 *
 *     hidden [T, F] = activation(x up^T + up_bias)
 *     output [T, D] = hidden down^T + down_bias
 *
 * Source: Vaswani et al. 2017, section 3.3; Hendrycks & Gimpel 2016 for gelu. */
#include <stddef.h>

#include "base/status.h"
#include "model/stage.h"

enum { ACTIVATION_RELU, ACTIVATION_GELU };

typedef struct feed_forward_opts {
    size_t width; /* F */
    int    activation;
} feed_forward_opts;

typedef struct feed_forward_state {
    wa_panels up, down;
} feed_forward_state;

#define AT(field) offsetof(feed_forward_opts, field)

static const wa_key keys[] = {
    { "width", WA_KEY_SIZE, AT(width), "896", "1..1048576", "F, of the hidden layer" },
    { "activation", WA_KEY_CHOICE, AT(activation), "gelu", "relu|gelu", "gelu is the exact one" },
    { 0 },
};

static wa_status prepare(wa_stage *stage, wa_build *build, wa_error *err)
{
    wa_status                      st   = WA_OK;
    const feed_forward_opts *const opts = stage->params;
    feed_forward_state *const      s    = wa_arena_alloc_zeroed(build->arena, 1, sizeof *s);
    const size_t                   F = opts->width, D = stage->width_in;

    if (!s)
        WA_TRY(wa_fail_memory(err, "feed_forward"));
    stage->state     = s;
    stage->width_out = D;
    WA_TRY(wa_stage_take_matrix(stage, build, "up.weight", "up.bias", F, D, &s->up, err));
    WA_TRY(wa_stage_take_matrix(stage, build, "down.weight", "down.bias", D, F, &s->down, err));
done:
    return st;
}

static wa_status forward(const wa_stage *stage, wa_flow *flow, wa_error *err)
{
    wa_status                       st   = WA_OK;
    const feed_forward_opts *const  opts = stage->params;
    const feed_forward_state *const s    = stage->state;
    const wa_kernels *const         k    = flow->kernels;
    const size_t                    T = flow->T, D = stage->width_in, F = opts->width;
    float                          *hidden, *out;

    WA_TRY(wa_flow_alloc(flow, T, F, &hidden, err));
    WA_TRY(wa_flow_alloc(flow, T, D, &out, err));
    WA_TRY(wa_flow_product(flow, hidden, F, flow->x, D, T, &s->up, err));
    (opts->activation == ACTIVATION_RELU ? k->relu : k->gelu)(hidden, hidden, T * F);
    WA_TRY(wa_flow_product(flow, out, D, hidden, F, T, &s->down, err));
    flow->x = out;
    wa_flow_show(flow, stage, "hidden", hidden, 0, T, F);
    wa_flow_show(flow, stage, "output", out, 0, T, D);
done:
    return st;
}

static const wa_stage_ops ops = { .prefix = "feed_forward", .is_numbered = true, .prepare = prepare, .forward = forward };

const wa_variant wa_feed_forward_stage = { "feed_forward", keys, sizeof(feed_forward_opts), "optional; follow it with add_norm",
                                           true,           &ops };

/* embed: the vectors of the words, scaled.
 *
 *     output [T, D] = vectors [T, D] * scale
 *
 * It must come first: it is where words become numbers. Source: Vaswani et al. 2017, section 3.4, for sqrt(D). */
#include <math.h>
#include <stddef.h>

#include "base/status.h"
#include "data/vectors.h"
#include "model/stage.h"

enum { ROWS_AHEAD = 4 }; /* asked for while one is copied */

typedef struct embedding_opts {
    wa_scale scale;
} embedding_opts;

static const wa_key keys[] = {
    { "scale", WA_KEY_SCALE, offsetof(embedding_opts, scale), "sqrt_d", "sqrt_d", "times the word's vector; or a number" },
    { 0 },
};

static wa_status prepare(wa_stage *stage, wa_build *build, wa_error *err)
{
    (void)err;
    if (build->previous)
        wa_stage_complain(stage, build, "", "embed is not the first stage; it turns words into vectors and must come first");
    stage->width_out = wa_vectors_width(build->vectors);
    return WA_OK;
}

static wa_status forward(const wa_stage *stage, wa_flow *flow, wa_error *err)
{
    wa_status                   st   = WA_OK;
    const embedding_opts *const opts = stage->params;
    const size_t                D    = stage->width_out;
    float                      *raw, *out;

    WA_TRY(wa_flow_alloc(flow, flow->T, D, &raw, err));
    WA_TRY(wa_flow_alloc(flow, flow->T, D, &out, err));
    for (size_t t = 0; t < flow->T; t++) {
        if (t + ROWS_AHEAD < flow->T)
            wa_vectors_fetch(flow->vectors, flow->rows[t + ROWS_AHEAD]);
        wa_vectors_row(flow->vectors, flow->rows[t], raw + t * D);
    }
    flow->kernels->scale(out, raw, (float)(opts->scale.choice == 0 ? sqrt((double)D) : opts->scale.number), flow->T * D);
    flow->word_vectors = raw;
    flow->x            = out;
    wa_flow_show(flow, stage, "output", out, 0, flow->T, D);
done:
    return st;
}

static const wa_stage_ops ops = { .prefix = "embed", .prepare = prepare, .forward = forward };

const wa_variant wa_embedding_stage = { "embed", keys, sizeof(embedding_opts), "the vectors of the words, scaled", false, &ops };

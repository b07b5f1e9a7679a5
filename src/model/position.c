/* positional: sinusoidal encodings of the positions, added.
 *
 *     output [T, D] = x [T, D] + encoding [T, D]
 *
 * Source: Vaswani et al. 2017, section 3.5; the formula is with wa_sinusoidal(). */
#include <stddef.h>
#include <string.h>

#include "base/status.h"
#include "model/stage.h"

enum { KIND_SINUSOIDAL, KIND_NONE };
enum { LAYOUT_INTERLEAVED, LAYOUT_HALVES };
enum { EXPONENT_PAPER, EXPONENT_DOUBLED };

typedef struct position_opts {
    int    kind, layout, exponent;
    double base, start;
} position_opts;

#define AT(field) offsetof(position_opts, field)

static const wa_key keys[] = {
    { "kind", WA_KEY_CHOICE, AT(kind), "sinusoidal", "sinusoidal|none", "none adds nothing" },
    { "layout", WA_KEY_CHOICE, AT(layout), "interleaved", "interleaved|halves", "sin and cos in turn, or all sines first" },
    { "base", WA_KEY_NUMBER, AT(base), "10000", "1..", "angle of pair i at position p: p / base^(2i/D)" },
    { "start", WA_KEY_NUMBER, AT(start), "0", "-100000..100000", "the first position" },
    { "exponent", WA_KEY_CHOICE, AT(exponent), "paper", "paper|doubled", "doubled: 4i/D, as one published notebook has it" },
    { 0 },
};

static wa_status prepare(wa_stage *stage, wa_build *build, wa_error *err)
{
    (void)build;
    (void)err;
    stage->width_out = stage->width_in;
    return WA_OK;
}

static wa_status forward(const wa_stage *stage, wa_flow *flow, wa_error *err)
{
    wa_status                  st   = WA_OK;
    const position_opts *const opts = stage->params;
    const size_t               T = flow->T, D = stage->width_in;
    float                     *encoding, *out;

    WA_TRY(wa_flow_alloc(flow, T, D, &encoding, err));
    WA_TRY(wa_flow_alloc(flow, T, D, &out, err));
    if (opts->kind == KIND_SINUSOIDAL)
        wa_sinusoidal(encoding, opts->start, opts->base, opts->layout == LAYOUT_HALVES, opts->exponent == EXPONENT_DOUBLED, T, D);
    else
        memset(encoding, 0, T * D * sizeof *encoding);
    flow->kernels->add(out, flow->x, encoding, T * D);
    flow->x = out;
    wa_flow_show(flow, stage, "encoding", encoding, 0, T, D);
    wa_flow_show(flow, stage, "output", out, 0, T, D);
done:
    return st;
}

static const wa_stage_ops ops = { .prefix = "positional", .prepare = prepare, .forward = forward };

const wa_variant wa_position_stage = { "positional", keys, sizeof(position_opts), "positions, added", false, &ops };

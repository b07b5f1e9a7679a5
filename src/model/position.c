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

enum { MOST_IN_TABLE = 256 }; /* positions computed once: a sine takes as long as ten multiply-adds of 16 floats */

typedef struct position_state {
    float *table; /* [n, D] the encodings of the first positions */
    size_t n;
} position_state;

/* The encodings of T positions from `first` on. */
static void encode(const wa_stage *stage, float *out, size_t first, size_t T)
{
    const position_opts *const opts = stage->params;
    const size_t               D    = stage->width_in;

    if (opts->kind == KIND_SINUSOIDAL)
        wa_sinusoidal(out, opts->start, first, opts->base, opts->layout == LAYOUT_HALVES, opts->exponent == EXPONENT_DOUBLED, T, D);
    else
        memset(out, 0, T * D * sizeof *out);
}

static wa_status prepare(wa_stage *stage, wa_build *build, wa_error *err)
{
    wa_status             st   = WA_OK;
    const size_t          most = build->experiment->tokenizer.max_tokens;
    position_state *const s    = wa_arena_alloc_zeroed(build->arena, 1, sizeof *s);

    stage->width_out = stage->width_in;
    if (!s)
        WA_TRY(wa_fail_memory(err, "positional"));
    stage->state = s;
    s->n         = most < MOST_IN_TABLE ? most : MOST_IN_TABLE;
    size_t n;
    if (!wa_mul_size(s->n, stage->width_in, &n) || !(s->table = wa_arena_alloc(build->arena, n, sizeof *s->table)))
        WA_TRY(wa_fail_memory(err, "positional"));
    encode(stage, s->table, 0, s->n);
done:
    return st;
}

/* The encodings of the positions of a part: of the table, or computed. */
static wa_status find_encoding(const wa_stage *stage, wa_flow *flow, const wa_part *part, const float **out, wa_error *err)
{
    wa_status                   st = WA_OK;
    const position_state *const s  = stage->state;
    const size_t                D  = stage->width_in;
    float                      *computed;

    if (part->n_past + part->T <= s->n) {
        *out = s->table + part->n_past * D;
        goto done;
    }
    WA_TRY(wa_flow_alloc(flow, part->T, D, &computed, err));
    encode(stage, computed, part->n_past, part->T);
    *out = computed;
done:
    return st;
}

static wa_status forward(const wa_stage *stage, wa_flow *flow, wa_error *err)
{
    wa_status    st = WA_OK;
    const size_t D  = stage->width_in;
    const float *encoding;
    float       *out;

    WA_TRY(wa_flow_alloc(flow, flow->T, D, &out, err));
    for (size_t i = 0; i < flow->n_parts; i++) {
        const wa_part *const part = &flow->parts[i];
        const size_t         at   = part->first * D;

        WA_TRY(find_encoding(stage, flow, part, &encoding, err));
        flow->kernels->add(out + at, flow->x + at, encoding, part->T * D);
        wa_flow_show(flow, stage, "encoding", encoding, 0, part->T, D);
    }
    flow->x = out;
    wa_flow_show(flow, stage, "output", out, 0, flow->T, D);
done:
    return st;
}

static const wa_stage_ops ops = { .prefix = "positional", .prepare = prepare, .forward = forward };

const wa_variant wa_position_stage = { "positional", keys, sizeof(position_opts), "positions, added", false, &ops };

/* attention: H heads of scaled dot-product attention, concatenated, and a map back to the width D.
 *
 *     q, k, v [H, T, E] = input W^T + bias, for each head
 *     scores  [H, T, T] = q k^T / sqrt(E)                  (scale: none leaves out the root)
 *     weights [H, T, T] = softmax of the scores, masked positions exactly 0
 *     heads   [H, T, E] = weights v
 *     concat  [T, H*E]  = the heads side by side
 *     output  [T, D]    = concat W_output^T + bias          (output_projection: false: concat itself)
 *
 * Source: Vaswani et al. 2017, section 3.2. The options beyond it reproduce published variants; docs/MODEL.md names them. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/status.h"
#include "model/stage.h"

enum { MASK_CAUSAL, MASK_NONE };
enum { SCALE_SQRT_E, SCALE_NONE };
enum { INPUT_FULL, INPUT_SLICE };
enum { PROJECTIONS_LEARNED, PROJECTIONS_NONE };
enum { SOURCE_PREVIOUS, SOURCE_VECTORS };
enum { SOFTMAX_KEYS, SOFTMAX_MATRIX };
enum { QUERY, KEY, VALUE, N_ROLES };

typedef struct attention_opts {
    size_t heads, head_dim; /* H, E */
    int    mask, scale, input, projections, source, softmax_over;
    bool   output_projection, bias;
} attention_opts;

/* The weights of one role. A stride of 0 lets all heads share one matrix. */
typedef struct projection {
    const float *weight; /* of each head [E, width of its input] */
    const float *bias;   /* of each head [E]; NULL: none */
    size_t       weight_stride, bias_stride;
} projection;

typedef struct attention_state {
    projection   roles[N_ROLES];
    const float *output, *output_bias; /* [D, H*E], [D] */
    size_t       input_width;          /* of the source */
} attention_state;

#define AT(field) offsetof(attention_opts, field)

static const wa_key keys[] = {
    { "heads", WA_KEY_SIZE, AT(heads), "4", "1..1024", "H" },
    { "head_dim", WA_KEY_SIZE, AT(head_dim), "56", "1..65536", "E, width of each head's queries, keys and values" },
    { "mask", WA_KEY_CHOICE, AT(mask), "causal", "causal|none", "causal: no word sees a later one" },
    { "scale", WA_KEY_CHOICE, AT(scale), "sqrt_e", "sqrt_e|none", "sqrt_e: divide by the root of head_dim" },
    { "input", WA_KEY_CHOICE, AT(input), "full", "full|slice", "full: every head reads all D columns; slice: its own D / heads" },
    { "projections", WA_KEY_CHOICE, AT(projections), "learned", "learned|none", "none: queries = keys = values = input" },
    { "output_projection", WA_KEY_BOOL, AT(output_projection), "true", NULL, "a linear map of the concatenation back to D" },
    { "bias", WA_KEY_BOOL, AT(bias), "true", NULL, "biases of the projections" },
    { "source", WA_KEY_CHOICE, AT(source), "previous", "previous|vectors", "vectors: heads read the unscaled word vectors" },
    { "softmax_over", WA_KEY_CHOICE, AT(softmax_over), "keys", "keys|matrix", "matrix: one softmax over all T x T scores" },
    { 0 },
};

static const char *const role_names[N_ROLES] = { "query", "key", "value" };

/* ---------------------------------------------------------------- weights */

/* How many columns of the input a head reads. */
static size_t columns_of_head(const attention_opts *opts, size_t input_width)
{
    return opts->input == INPUT_SLICE ? input_width / opts->heads : input_width;
}

static const char *weight_name(char out[32], const char *role, const char *what)
{
    strcpy(out, role);
    strcat(out, what);
    return out;
}

/* Full input: [H*E, D], or the same numbers as [H, E, D]. Slices: [H, E, D/H], or one [E, D/H] that all heads share. */
static wa_status take_weight(wa_stage *stage, wa_build *build, const char *role, projection *p, wa_error *err)
{
    const attention_opts *const  opts = stage->params;
    const attention_state *const s    = stage->state;
    const size_t                 H = opts->heads, E = opts->head_dim, D = columns_of_head(opts, s->input_width);
    const wa_shape               full[]   = { { 2, { H * E, D } }, { 3, { H, E, D } } };
    const wa_shape               slices[] = { { 3, { H, E, D } }, { 2, { E, D } } };
    const bool                   is_slice = opts->input == INPUT_SLICE;
    char                         name[32];
    size_t                       which;
    const wa_status              st =
        wa_stage_take(stage, build, weight_name(name, role, ".weight"), is_slice ? slices : full, 2, &p->weight, &which, err);

    p->weight_stride = is_slice && which == 1 ? 0 : E * D;
    return st;
}

static wa_status take_bias(wa_stage *stage, wa_build *build, const char *role, projection *p, wa_error *err)
{
    const attention_opts *const opts = stage->params;
    const size_t                H = opts->heads, E = opts->head_dim;
    const wa_shape              shapes[] = { { 1, { H * E } }, { 2, { H, E } }, { 1, { E } } };
    char                        name[32];
    size_t                      which;
    const wa_status st = wa_stage_take(stage, build, weight_name(name, role, ".bias"), shapes, opts->input == INPUT_SLICE ? 3 : 2,
                                       &p->bias, &which, err);

    p->bias_stride = which == 2 ? 0 : E;
    return st;
}

/* Weights made elsewhere often have a bias on the output projection only; so those of queries, keys and values are wanted all
 * together or not at all. */
static bool has_role_biases(const wa_stage *stage, const wa_build *build)
{
    char name[32];

    for (size_t r = 0; r < N_ROLES; r++)
        if (wa_stage_has(stage, build, weight_name(name, role_names[r], ".bias")))
            return true;
    return false;
}

static wa_status take_projections(wa_stage *stage, wa_build *build, wa_error *err)
{
    wa_status                   st       = WA_OK;
    const attention_opts *const opts     = stage->params;
    attention_state *const      s        = stage->state;
    const bool                  has_bias = opts->bias && has_role_biases(stage, build);

    for (size_t r = 0; r < N_ROLES; r++) {
        WA_TRY(take_weight(stage, build, role_names[r], &s->roles[r], err));
        if (has_bias)
            WA_TRY(take_bias(stage, build, role_names[r], &s->roles[r], err));
    }
done:
    return st;
}

static wa_status take_output(wa_stage *stage, wa_build *build, wa_error *err)
{
    wa_status                   st    = WA_OK;
    const attention_opts *const opts  = stage->params;
    attention_state *const      s     = stage->state;
    const wa_shape              shape = { 2, { stage->width_in, opts->heads * opts->head_dim } };

    WA_TRY(wa_stage_take(stage, build, "output.weight", &shape, 1, &s->output, NULL, err));
    if (opts->bias)
        WA_TRY(wa_stage_take_vector(stage, build, "output.bias", stage->width_in, &s->output_bias, err));
done:
    return st;
}

/* ---------------------------------------------------------------- prepare */

/* The options against the width that comes in; false where the weights' shapes would make no sense. */
static bool check_options(const wa_stage *stage, wa_build *build)
{
    const attention_opts *const  opts = stage->params;
    const attention_state *const s    = stage->state;
    const size_t                 D = s->input_width, columns = columns_of_head(opts, D);

    if (opts->input == INPUT_SLICE && D % opts->heads != 0) {
        wa_stage_complain(stage, build, "heads", "attention.heads is %zu, and %zu is not a multiple of %zu, as input: slice needs",
                          opts->heads, D, opts->heads);
        return false;
    }
    if (opts->projections == PROJECTIONS_NONE && opts->head_dim != columns) {
        wa_stage_complain(stage, build, "head_dim",
                          "attention.head_dim is %zu, and without projections it must be the width that a head reads, %zu",
                          opts->head_dim, columns);
        return false;
    }
    return true;
}

static wa_status prepare(wa_stage *stage, wa_build *build, wa_error *err)
{
    wa_status                   st   = WA_OK;
    const attention_opts *const opts = stage->params;
    attention_state *const      s    = wa_arena_alloc_zeroed(build->arena, 1, sizeof *s);

    if (!s)
        WA_TRY(wa_fail_memory(err, "attention"));
    stage->state     = s;
    s->input_width   = opts->source == SOURCE_VECTORS ? wa_vectors_width(build->vectors) : stage->width_in;
    stage->width_out = opts->output_projection ? stage->width_in : opts->heads * opts->head_dim;
    if (!check_options(stage, build))
        goto done;
    if (opts->projections == PROJECTIONS_LEARNED)
        WA_TRY(take_projections(stage, build, err));
    if (opts->output_projection)
        WA_TRY(take_output(stage, build, err));
done:
    return st;
}

/* ---------------------------------------------------------------- forward */

/* out [H, T, E]: one role of every head. */
static void project(const wa_stage *stage, const wa_flow *flow, const projection *p, float *out)
{
    const attention_opts *const  opts  = stage->params;
    const attention_state *const s     = stage->state;
    const float *const           input = opts->source == SOURCE_VECTORS ? flow->word_vectors : flow->x;
    const size_t                 T = flow->T, E = opts->head_dim, D = s->input_width, columns = columns_of_head(opts, D);

    for (size_t h = 0; h < opts->heads; h++, out += T * E) {
        const float *const x    = input + (opts->input == INPUT_SLICE ? h * columns : 0);
        const float *const bias = p->bias ? p->bias + h * p->bias_stride : NULL;

        if (opts->projections == PROJECTIONS_LEARNED)
            flow->kernels->linear(out, E, x, D, p->weight + h * p->weight_stride, columns, bias, T, columns, E);
        else
            for (size_t t = 0; t < T; t++)
                memcpy(out + t * E, x + t * D, E * sizeof *out);
    }
}

/* -INFINITY becomes exactly 0 in the softmax. */
static void mask_later(float *scores, size_t T)
{
    for (size_t t = 0; t < T; t++)
        for (size_t s = t + 1; s < T; s++)
            scores[t * T + s] = -INFINITY;
}

/* Of one head: weights [T, T] from scores [T, T]. */
static void weigh(const wa_stage *stage, const wa_flow *flow, const float *scores, float *weights)
{
    const attention_opts *const opts = stage->params;
    const wa_kernels *const     k    = flow->kernels;
    const size_t                T    = flow->T;
    const size_t                n    = opts->softmax_over == SOFTMAX_MATRIX ? T * T : T; /* that share one sum */

    memcpy(weights, scores, T * T * sizeof *weights);
    if (opts->mask == MASK_CAUSAL)
        mask_later(weights, T);
    for (size_t first = 0; first < T * T; first += n)
        k->probabilities(weights + first, weights + first, k->normaliser(weights + first, n), n);
}

/* Everything of one head, from its queries, keys and values to its columns of the concatenation. */
static void attend(const wa_stage *stage, const wa_flow *flow, size_t h, float *const roles[N_ROLES], float *scores, float *weights,
                   float *heads)
{
    const attention_opts *const opts = stage->params;
    const size_t                T = flow->T, E = opts->head_dim;
    const size_t                tokens = h * T * E, pairs = h * T * T;

    flow->kernels->linear(scores + pairs, T, roles[QUERY] + tokens, E, roles[KEY] + tokens, E, NULL, T, E, T);
    if (opts->scale == SCALE_SQRT_E)
        flow->kernels->scale(scores + pairs, scores + pairs, (float)(1.0 / sqrt((double)E)), T * T);
    weigh(stage, flow, scores + pairs, weights + pairs);
    flow->kernels->mix(heads + tokens, E, weights + pairs, roles[VALUE] + tokens, T, T, E);
}

/* [H, T, E] to [T, H*E] */
static void concatenate(float *out, const float *heads, size_t H, size_t T, size_t E)
{
    for (size_t t = 0; t < T; t++)
        for (size_t h = 0; h < H; h++)
            memcpy(out + (t * H + h) * E, heads + (h * T + t) * E, E * sizeof *out);
}

static void show(const wa_stage *stage, const wa_flow *flow, float *const roles[N_ROLES], const float *scores, const float *weights,
                 const float *heads, const float *concat, const float *output)
{
    const attention_opts *const opts = stage->params;
    const size_t                H = opts->heads, T = flow->T, E = opts->head_dim;

    for (size_t r = 0; r < N_ROLES; r++)
        wa_flow_show(flow, stage, role_names[r], roles[r], H, T, E);
    wa_flow_show(flow, stage, "scores", scores, H, T, T);
    wa_flow_show(flow, stage, "weights", weights, H, T, T);
    wa_flow_show(flow, stage, "heads", heads, H, T, E);
    wa_flow_show(flow, stage, "concat", concat, 0, T, H * E);
    wa_flow_show(flow, stage, "output", output, 0, T, stage->width_out);
}

static wa_status forward(const wa_stage *stage, wa_flow *flow, wa_error *err)
{
    wa_status                    st   = WA_OK;
    const attention_opts *const  opts = stage->params;
    const attention_state *const s    = stage->state;
    const size_t                 H = opts->heads, T = flow->T, E = opts->head_dim, D = stage->width_out;
    float                       *roles[N_ROLES], *scores, *weights, *heads, *concat, *output;

    for (size_t r = 0; r < N_ROLES; r++)
        WA_TRY(wa_flow_alloc(flow, H * T, E, &roles[r], err));
    WA_TRY(wa_flow_alloc(flow, H * T, T, &scores, err));
    WA_TRY(wa_flow_alloc(flow, H * T, T, &weights, err));
    WA_TRY(wa_flow_alloc(flow, H * T, E, &heads, err));
    WA_TRY(wa_flow_alloc(flow, T, H * E, &concat, err));
    output = concat;
    if (opts->output_projection)
        WA_TRY(wa_flow_alloc(flow, T, D, &output, err));
    for (size_t r = 0; r < N_ROLES; r++)
        project(stage, flow, &s->roles[r], roles[r]);
    for (size_t h = 0; h < H; h++)
        attend(stage, flow, h, roles, scores, weights, heads);
    concatenate(concat, heads, H, T, E);
    if (opts->output_projection)
        flow->kernels->linear(output, D, concat, H * E, s->output, H * E, s->output_bias, T, H * E, D);
    flow->x = output;
    show(stage, flow, roles, scores, weights, heads, concat, output);
done:
    return st;
}

static const wa_stage_ops ops = { .prefix = "attention", .is_numbered = true, .prepare = prepare, .forward = forward };

const wa_variant wa_attention_stage = {
    "attention", keys, sizeof(attention_opts), "heads that look at the other words", false, &ops
};

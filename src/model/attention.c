/* attention: H heads of scaled dot-product attention, concatenated, and a map back to the width D.
 *
 *     q, k, v [H, T, E] = input W^T + bias, for each head
 *     scores  [H, T, T] = q k^T / sqrt(E)                  (scale: none leaves out the root)
 *     weights [H, T, T] = softmax of the scores, masked positions exactly 0
 *     heads   [H, T, E] = weights v                         (mask_heads: those named are exactly 0)
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
enum { KEYS, VALUES }; /* that it keeps */

typedef struct attention_opts {
    size_t   heads, head_dim; /* H, E */
    int      mask, scale, input, projections, source, softmax_over;
    bool     output_projection, bias;
    wa_sizes mask_heads; /* that give nothing */
} attention_opts;

/* The weights of one role: one matrix for all heads, or with input: slice one for each. */
typedef struct projection {
    wa_panels *matrices; /* [n_matrices] */
    size_t     n_matrices;
} projection;

typedef struct attention_state {
    projection roles[N_ROLES];
    wa_panels  output;      /* [D, H*E] */
    size_t     input_width; /* of the source */
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
    { "mask_heads", WA_KEY_SIZES, AT(mask_heads), "[]", "0..1023", "heads that are switched off, counted from 0" },
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

/* Full input: [H*E, D], or the same numbers as [H, E, D]. Slices: [H, E, D/H], or one [E, D/H] that all heads share, for which
 * *stride is 0; otherwise it counts the numbers from one head to the next. */
static wa_status take_weight(wa_stage *stage, wa_build *build, const char *role, wa_numbers *out, size_t *stride, wa_error *err)
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
        wa_stage_take(stage, build, weight_name(name, role, ".weight"), is_slice ? slices : full, 2, out, &which, err);

    *stride = is_slice && which == 1 ? 0 : E * D;
    return st;
}

static wa_status take_bias(wa_stage *stage, wa_build *build, const char *role, const float **out, size_t *stride, wa_error *err)
{
    wa_status                   st   = WA_OK;
    const attention_opts *const opts = stage->params;
    const size_t                H = opts->heads, E = opts->head_dim;
    const wa_shape              shapes[] = { { 1, { H * E } }, { 2, { H, E } }, { 1, { E } } };
    char                        name[32];
    size_t                      which;
    wa_numbers                  numbers;

    WA_TRY(wa_stage_take(stage, build, weight_name(name, role, ".bias"), shapes, opts->input == INPUT_SLICE ? 3 : 2, &numbers,
                         &which, err));
    *stride = which == 2 ? 0 : E;
    WA_TRY(wa_stage_floats(build, &numbers, which == 2 ? E : H * E, out, err));
done:
    return st;
}

/* The matrices of a role, packed. */
static wa_status take_role(wa_stage *stage, wa_build *build, size_t role, bool has_bias, wa_error *err)
{
    wa_status                   st   = WA_OK;
    const attention_opts *const opts = stage->params;
    attention_state *const      s    = stage->state;
    projection *const           p    = &s->roles[role];
    const float                *bias = NULL;
    wa_numbers                  weight;
    size_t                      weight_stride, bias_stride = 0;

    p->n_matrices = opts->input == INPUT_SLICE ? opts->heads : 1;
    WA_TRY(take_weight(stage, build, role_names[role], &weight, &weight_stride, err));
    if (has_bias)
        WA_TRY(take_bias(stage, build, role_names[role], &bias, &bias_stride, err));
    if (!(p->matrices = wa_arena_alloc_zeroed(build->arena, p->n_matrices, sizeof *p->matrices)))
        WA_TRY(wa_fail_memory(err, "attention"));
    for (size_t m = 0; weight.data && m < p->n_matrices; m++) {
        const wa_rows rows = {
            .data    = (const char *)weight.data + m * weight_stride * wa_number_size(weight.type),
            .type    = weight.type,
            .n_rows  = opts->heads * opts->head_dim / p->n_matrices,
            .n_inner = columns_of_head(opts, s->input_width),
            .bias    = bias ? bias + m * bias_stride : NULL,
        };

        WA_TRY(wa_stage_pack(build, &rows, &p->matrices[m], err));
    }
done:
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
    const bool                  has_bias = opts->bias && has_role_biases(stage, build);

    for (size_t r = 0; r < N_ROLES; r++)
        WA_TRY(take_role(stage, build, r, has_bias, err));
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

static bool is_masked(const attention_opts *opts, size_t h, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (opts->mask_heads.items[i] == h)
            return true;
    return false;
}

/* An index that is no head is most likely one counted from 1; one that is there twice, a slip. */
static void check_masked_heads(const wa_stage *stage, wa_build *build)
{
    const attention_opts *const opts = stage->params;

    for (size_t i = 0; i < opts->mask_heads.n; i++) {
        const size_t h = opts->mask_heads.items[i];

        if (h >= opts->heads)
            wa_stage_complain(stage, build, "mask_heads",
                              "attention.mask_heads names head %zu, and with %zu heads they are counted from 0 to %zu", h,
                              opts->heads, opts->heads - 1);
        else if (is_masked(opts, h, i))
            wa_stage_complain(stage, build, "mask_heads", "attention.mask_heads names head %zu twice; once is enough", h);
    }
}

/* Floats of a head's values, padded to whole panels. */
static size_t value_width(const attention_opts *opts)
{
    return wa_panel_count(opts->head_dim) * WA_PANEL;
}

static wa_status prepare(wa_stage *stage, wa_build *build, wa_error *err)
{
    wa_status                   st   = WA_OK;
    const attention_opts *const opts = stage->params;
    attention_state *const      s    = wa_arena_alloc_zeroed(build->arena, 1, sizeof *s);

    if (!s)
        WA_TRY(wa_fail_memory(err, "attention"));
    stage->state          = s;
    s->input_width        = opts->source == SOURCE_VECTORS ? wa_vectors_width(build->vectors) : stage->width_in;
    stage->width_out      = opts->output_projection ? stage->width_in : opts->heads * opts->head_dim;
    stage->reach          = opts->mask == MASK_CAUSAL && opts->softmax_over == SOFTMAX_KEYS ? WA_REACH_PAST : WA_REACH_ALL;
    stage->n_kept[KEYS]   = opts->heads * opts->head_dim;
    stage->n_kept[VALUES] = opts->heads * value_width(opts);
    check_masked_heads(stage, build);
    if (!check_options(stage, build))
        goto done;
    if (opts->projections == PROJECTIONS_LEARNED)
        WA_TRY(take_projections(stage, build, err));
    if (opts->output_projection)
        WA_TRY(wa_stage_take_matrix(stage, build, "output.weight", opts->bias ? "output.bias" : NULL, stage->width_in,
                                    opts->heads * opts->head_dim, &s->output, err));
done:
    return st;
}

/* ---------------------------------------------------------------- queries, keys and values */

/* What is worked on: one part of a run, or all of it. The queries of a part are those of the last n_queries of its S positions. */
typedef struct attending {
    size_t  H, E, T, S, n_queries;
    float  *roles[N_ROLES];   /* [T, H*E], heads side by side; of the queries [n_queries, H*E] */
    wa_kept kept;             /* keys and values of all S positions, see keep() */
    float  *scores, *weights; /* [H, n_queries, S] */
    float  *concat;           /* [n_queries, H*E] */
} attending;

/* Columns from what a head reads of the input to what the next one reads. */
static size_t input_step(const wa_stage *stage)
{
    const attention_opts *const opts = stage->params;

    return opts->input == INPUT_SLICE ? ((const attention_state *)stage->state)->input_width / opts->heads : 0;
}

/* Roles first to last, out[role] [n_rows, H*E], by learned maps of x [n_rows, D]. The input is packed once for all of them. */
static wa_status map_roles(const wa_stage *stage, wa_flow *flow, size_t first, size_t last, const float *x, size_t n_rows,
                           float *const out[N_ROLES], wa_error *err)
{
    wa_status                    st   = WA_OK;
    const attention_opts *const  opts = stage->params;
    const attention_state *const s    = stage->state;
    const size_t                 E = opts->head_dim, n_matrices = s->roles[first].n_matrices, step = input_step(stage);
    const float                 *blocks;

    for (size_t m = 0; m < n_matrices; m++) {
        WA_TRY(wa_flow_pack(flow, x + m * step, s->input_width, n_rows, s->roles[first].matrices[m].n_inner, &blocks, err));
        for (size_t r = first; r <= last; r++)
            wa_flow_product_blocks(flow, out[r] + m * E, opts->heads * E, blocks, n_rows, &s->roles[r].matrices[m]);
    }
done:
    return st;
}

/* out [n_rows, H*E]: x itself, as often as there are heads. */
static void copy_role(const wa_stage *stage, const float *x, size_t n_rows, float *out)
{
    const attention_opts *const opts = stage->params;
    const size_t                H = opts->heads, E = opts->head_dim, D = ((const attention_state *)stage->state)->input_width;

    for (size_t t = 0; t < n_rows; t++)
        for (size_t h = 0; h < H; h++)
            memcpy(out + (t * H + h) * E, x + t * D + h * input_step(stage), E * sizeof *out);
}

static wa_status project(const wa_stage *stage, wa_flow *flow, const attending *all, wa_error *err)
{
    wa_status                   st     = WA_OK;
    const attention_opts *const opts   = stage->params;
    const float *const          x      = opts->source == SOURCE_VECTORS ? flow->word_vectors : flow->x;
    const float                *asking = x; /* the rows of the queries */

    if (flow->is_narrow)
        WA_TRY(wa_flow_last_rows(flow, x, ((const attention_state *)stage->state)->input_width, &asking, err));
    if (opts->projections == PROJECTIONS_LEARNED) {
        WA_TRY(map_roles(stage, flow, QUERY, QUERY, asking, all->n_queries, all->roles, err));
        WA_TRY(map_roles(stage, flow, KEY, VALUE, x, all->T, all->roles, err));
        goto done;
    }
    for (size_t r = 0; r < N_ROLES; r++)
        copy_role(stage, r == QUERY ? asking : x, r == QUERY ? all->n_queries : all->T, all->roles[r]);
done:
    return st;
}

/* Puts keys and values of the new positions where the products want them as weights: of each panel of positions the keys of every
 * head, [H, E, WA_PANEL]; of each position the values of every head, [H, value_width]. */
static void keep(const attention_opts *opts, const attending *a, size_t n_past)
{
    const size_t H = a->H, E = a->E, width = value_width(opts);

    for (size_t t = 0, n; t < a->T; t += n) {
        const size_t position = n_past + t, at = position % WA_PANEL, n_left = a->T - t;
        float *const panel = a->kept.data[KEYS] + position / WA_PANEL * H * E * WA_PANEL;

        n = n_left < WA_PANEL - at ? n_left : WA_PANEL - at;
        if (at == 0 && n < WA_PANEL) /* what is beyond the last position is computed with, and must be numbers */
            memset(panel, 0, H * E * WA_PANEL * sizeof *panel);
        wa_rows_turn(panel + at, WA_PANEL, a->roles[KEY] + t * H * E, H * E, n, H * E);
    }
    for (size_t t = 0; t < a->T; t++)
        for (size_t h = 0; h < H; h++) {
            float *const values = a->kept.data[VALUES] + ((n_past + t) * H + h) * width;

            memcpy(values, a->roles[VALUE] + (t * H + h) * E, E * sizeof *values);
            memset(values + E, 0, (width - E) * sizeof *values);
        }
}

/* ---------------------------------------------------------------- heads */

/* -INFINITY becomes exactly 0 in the softmax. */
static void mask_later(float *scores, const attending *a)
{
    for (size_t t = 0; t < a->n_queries; t++)
        for (size_t s = a->S - a->n_queries + t + 1; s < a->S; s++)
            scores[t * a->S + s] = -INFINITY;
}

/* Of one head: weights from scores, both [n_queries, S]. */
static void weigh(const attention_opts *opts, const wa_kernels *k, const attending *a, const float *scores, float *weights)
{
    const size_t total = a->n_queries * a->S;
    const size_t n     = opts->softmax_over == SOFTMAX_MATRIX ? total : a->S; /* that share one sum */

    memcpy(weights, scores, total * sizeof *weights);
    if (opts->mask == MASK_CAUSAL)
        mask_later(weights, a);
    for (size_t first = 0; first < total; first += n)
        k->probabilities(weights + first, weights + first, wa_normaliser_of(k, weights + first, n), n);
}

/* Everything of head h, from its queries, keys and values to its columns of the concatenation. */
static wa_status attend(const wa_stage *stage, wa_flow *flow, const attending *a, size_t h, wa_error *err)
{
    wa_status                   st   = WA_OK;
    const attention_opts *const opts = stage->params;
    const size_t                H = a->H, E = a->E, S = a->S, width = value_width(opts), pairs = h * a->n_queries * S;
    const wa_panels             seen = {
                    .data         = a->kept.data[KEYS] + h * E * WA_PANEL,
                    .n_rows       = S,
                    .n_inner      = E,
                    .panel_stride = H * E * WA_PANEL,
                    .inner_stride = WA_PANEL,
    };
    const wa_panels values = {
        .data         = a->kept.data[VALUES] + h * width,
        .n_rows       = E,
        .n_inner      = S,
        .panel_stride = WA_PANEL,
        .inner_stride = H * width,
    };

    WA_TRY(wa_flow_product(flow, a->scores + pairs, S, a->roles[QUERY] + h * E, H * E, a->n_queries, &seen, err));
    if (opts->scale == SCALE_SQRT_E)
        flow->kernels->scale(a->scores + pairs, a->scores + pairs, (float)(1.0 / sqrt((double)E)), a->n_queries * S);
    weigh(opts, flow->kernels, a, a->scores + pairs, a->weights + pairs);
    if (is_masked(opts, h, opts->mask_heads.n)) {
        for (size_t t = 0; t < a->n_queries; t++)
            memset(a->concat + (t * H + h) * E, 0, E * sizeof *a->concat);
        goto done;
    }
    WA_TRY(wa_flow_product(flow, a->concat + h * E, H * E, a->weights + pairs, S, a->n_queries, &values, err));
done:
    return st;
}

/* A sum of products that are all too small may be -0, and one that goes on over masked positions +0: both become +0, so that a row
 * does not depend on how many words follow. */
static void drop_signs_of_zeros(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += 0.0f;
}

/* ---------------------------------------------------------------- forward */

/* [T, H*E] to [H, T, E], as it is shown. */
static wa_status show_by_head(const wa_stage *stage, wa_flow *flow, const char *name, const float *x, const attending *a,
                              wa_error *err)
{
    wa_status st = WA_OK;
    float    *by_head;

    WA_TRY(wa_flow_alloc(flow, a->T, a->H * a->E, &by_head, err));
    for (size_t h = 0; h < a->H; h++)
        for (size_t t = 0; t < a->T; t++)
            memcpy(by_head + (h * a->T + t) * a->E, x + (t * a->H + h) * a->E, a->E * sizeof *x);
    wa_flow_show(flow, stage, name, by_head, a->H, a->T, a->E);
done:
    return st;
}

static wa_status show(const wa_stage *stage, wa_flow *flow, const attending *a, const float *output, wa_error *err)
{
    wa_status st = WA_OK;

    if (!flow->observer)
        goto done;
    for (size_t r = 0; r < N_ROLES; r++)
        WA_TRY(show_by_head(stage, flow, role_names[r], a->roles[r], a, err));
    wa_flow_show(flow, stage, "scores", a->scores, a->H, a->T, a->S);
    wa_flow_show(flow, stage, "weights", a->weights, a->H, a->T, a->S);
    WA_TRY(show_by_head(stage, flow, "heads", a->concat, a, err));
    wa_flow_show(flow, stage, "concat", a->concat, 0, a->T, a->H * a->E);
    wa_flow_show(flow, stage, "output", output, 0, a->T, stage->width_out);
done:
    return st;
}

/* Room for keys and values where nobody keeps them. */
static wa_status make_room(const wa_stage *stage, wa_flow *flow, attending *a, wa_error *err)
{
    wa_status st = WA_OK;

    a->kept.capacity = wa_panel_count(a->S) * WA_PANEL;
    for (size_t i = 0; i < WA_N_KEPT; i++)
        WA_TRY(wa_flow_alloc(flow, a->kept.capacity, stage->n_kept[i], &a->kept.data[i], err));
done:
    return st;
}

static size_t count_queries(const wa_flow *flow, const wa_part *part)
{
    return flow->is_narrow ? 1 : part->T;
}

/* Roles and concatenation of all parts, one after another; room for scores, weights, keys and values of one of them, the largest. */
static wa_status begin(const wa_stage *stage, wa_flow *flow, attending *all, wa_error *err)
{
    wa_status                   st      = WA_OK;
    const attention_opts *const opts    = stage->params;
    size_t                      n_pairs = 0, n;

    *all = (attending){ .H = opts->heads, .E = opts->head_dim, .T = flow->T };
    for (size_t i = 0; i < flow->n_parts; i++) {
        const wa_part *const part = &flow->parts[i];
        const size_t         S    = part->n_past + part->T;

        if (!wa_mul_size(count_queries(flow, part), S, &n))
            n = SIZE_MAX;
        n_pairs = n > n_pairs ? n : n_pairs;
        all->S  = S > all->S ? S : all->S;
        all->n_queries += count_queries(flow, part);
    }
    for (size_t r = 0; r < N_ROLES; r++)
        WA_TRY(wa_flow_alloc(flow, r == QUERY ? all->n_queries : all->T, all->H * all->E, &all->roles[r], err));
    WA_TRY(wa_flow_alloc(flow, all->H, n_pairs, &all->scores, err));
    WA_TRY(wa_flow_alloc(flow, all->H, n_pairs, &all->weights, err));
    WA_TRY(wa_flow_alloc(flow, all->n_queries, all->H * all->E, &all->concat, err));
    if (flow->kept)
        all->kept = *flow->kept;
    else
        WA_TRY(make_room(stage, flow, all, err));
done:
    return st;
}

static attending part_of(const attending *all, const wa_flow *flow, size_t i)
{
    const wa_part *const part        = &flow->parts[i];
    const size_t         first_query = flow->is_narrow ? i : part->first, width = all->H * all->E;
    attending            a = *all;

    a.T         = part->T;
    a.S         = part->n_past + part->T;
    a.n_queries = count_queries(flow, part);
    a.concat += first_query * width;
    for (size_t r = 0; r < N_ROLES; r++)
        a.roles[r] += (r == QUERY ? first_query : part->first) * width;
    return a;
}

static wa_status forward(const wa_stage *stage, wa_flow *flow, wa_error *err)
{
    wa_status                    st   = WA_OK;
    const attention_opts *const  opts = stage->params;
    const attention_state *const s    = stage->state;
    attending                    all, a;
    float                       *output;

    WA_TRY(begin(stage, flow, &all, err));
    WA_TRY(project(stage, flow, &all, err));
    for (size_t i = 0; i < flow->n_parts; i++) {
        a = part_of(&all, flow, i);
        keep(opts, &a, flow->parts[i].n_past);
        for (size_t h = 0; h < a.H; h++)
            WA_TRY(attend(stage, flow, &a, h, err));
    }
    drop_signs_of_zeros(all.concat, all.n_queries * all.H * all.E);
    output = all.concat;
    if (opts->output_projection) {
        WA_TRY(wa_flow_alloc(flow, all.n_queries, stage->width_out, &output, err));
        WA_TRY(wa_flow_product(flow, output, stage->width_out, all.concat, all.H * all.E, all.n_queries, &s->output, err));
    }
    flow->x = output;
    WA_TRY(show(stage, flow, &a, output, err)); /* with an observer there is one part */
done:
    return st;
}

static const wa_stage_ops ops = { .prefix = "attention", .is_numbered = true, .prepare = prepare, .forward = forward };

const wa_variant wa_attention_stage = {
    "attention", keys, sizeof(attention_opts), "heads that look at the other words", false, &ops
};

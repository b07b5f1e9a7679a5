/* The vector before the vocabulary, taken apart. See contribution.h. */
#include "report/contribution.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "model/vocabulary.h"
#include "report/setup.h"

typedef struct component {
    const char *name;
    double     *rows; /* [n_rows, width] */
} component;

/* What a vector is the sum of. */
typedef struct parts {
    component *items;
    size_t     n, width;
} parts;

typedef struct taking_apart {
    const wa_record *record;
    wa_arena        *arena;
    size_t           first, n_rows; /* positions that are followed: the last, or all where a norm mixes them */
    bool             has_failed;    /* no memory */
} taking_apart;

/* ---------------------------------------------------------------- lists */

/* Room for `most` components of a width. */
static parts begin(taking_apart *t, size_t most, size_t width)
{
    parts p = { .items = wa_arena_alloc(t->arena, most, sizeof *p.items), .width = width };

    t->has_failed = t->has_failed || !p.items;
    return p;
}

/* Adds a component of zeros; NULL: no memory. */
static double *add(taking_apart *t, parts *p, const char *name)
{
    size_t        n;
    const char   *kept = wa_arena_text(t->arena, wa_text_of(name)).data;
    double *const rows = wa_mul_size(t->n_rows, p->width, &n) ? wa_arena_alloc_zeroed(t->arena, n, sizeof *rows) : NULL;

    if (t->has_failed || !rows || !kept) {
        t->has_failed = true;
        return NULL;
    }
    p->items[p->n++] = (component){ kept, rows };
    return rows;
}

static double *find(const parts *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->items[i].name, name) == 0)
            return p->items[i].rows;
    return NULL;
}

/* Adds the components of `from`, to those of the same name where there are such. */
static void add_all(taking_apart *t, parts *to, const parts *from)
{
    for (size_t i = 0; i < from->n && !t->has_failed; i++) {
        double *rows = find(to, from->items[i].name);

        if (!rows)
            rows = add(t, to, from->items[i].name);
        for (size_t j = 0; rows && j < t->n_rows * to->width; j++)
            rows[j] += from->items[i].rows[j];
    }
}

/* A component that is a recorded quantity as it stands. */
static void add_recorded(taking_apart *t, parts *p, const wa_stage *stage, const char *quantity, const char *name)
{
    const wa_recorded *const array = wa_record_of(t->record, stage, quantity);
    double *const            rows  = add(t, p, name);

    for (size_t j = 0; rows && j < t->n_rows * p->width; j++)
        rows[j] = (double)array->data[t->first * p->width + j];
}

static const char *label(const wa_stage *stage, const char *what, char out[WA_SETUP_NAME])
{
    const size_t n = strlen(wa_setup_prefix(stage, out));

    snprintf(out + n, WA_SETUP_NAME - n, "%s", what);
    return out;
}

/* A vector of the weights [width], for every row; nothing where the stage has none. */
static void add_bias(taking_apart *t, parts *p, const wa_stage *stage, const char *tensor, const char *what)
{
    char                         name[WA_SETUP_NAME];
    const wa_taken_tensor *const bias = wa_weights_find(t->record->model->weights, wa_setup_name(stage, tensor, name));
    double *const                rows = bias ? add(t, p, label(stage, what, name)) : NULL;

    for (size_t j = 0; rows && j < t->n_rows * p->width; j++)
        rows[j] = (double)wa_number_at(bias->numbers.data, bias->numbers.type, j % p->width);
}

/* ---------------------------------------------------------------- stages */

static parts of_embedding(taking_apart *t, const wa_stage *stage)
{
    parts p = begin(t, 1, stage->width_out);

    add_recorded(t, &p, stage, "output", "embedding");
    return p;
}

static parts of_positions(taking_apart *t, const wa_stage *stage, const parts *x)
{
    enum { SINUSOIDAL };
    parts p = begin(t, x->n + 1, x->width);

    add_all(t, &p, x);
    if (wa_setup_choice(stage, "kind") == SINUSOIDAL)
        add_recorded(t, &p, stage, "encoding", "positions");
    return p;
}

/* Columns h*E to (h+1)*E of the concatenation, through the output projection where there is one. */
static void add_head(taking_apart *t, parts *p, const wa_stage *stage, size_t h, size_t E)
{
    char                         name[WA_SETUP_NAME], what[32];
    const wa_recorded *const     concat = wa_record_of(t->record, stage, "concat");
    const wa_taken_tensor *const w      = wa_weights_find(t->record->model->weights, wa_setup_name(stage, "output.weight", name));
    const size_t                 HE     = concat->shape[1];

    snprintf(what, sizeof what, " head %zu", h);
    double *const rows = add(t, p, label(stage, what, name));
    for (size_t r = 0; rows && r < t->n_rows; r++) {
        const float *const x = concat->data + (t->first + r) * HE + h * E;

        for (size_t o = 0; w && o < p->width; o++)
            for (size_t e = 0; e < E; e++)
                rows[r * p->width + o] += (double)wa_number_at(w->numbers.data, w->numbers.type, o * HE + h * E + e) * (double)x[e];
        for (size_t e = 0; !w && e < E; e++)
            rows[r * p->width + h * E + e] = (double)x[e];
    }
}

static parts of_attention(taking_apart *t, const wa_stage *stage)
{
    const size_t H = wa_setup_size(stage, "heads"), E = wa_setup_size(stage, "head_dim");
    parts        p = begin(t, H + 1, stage->width_out);

    for (size_t h = 0; h < H && !t->has_failed; h++)
        add_head(t, &p, stage, h, E);
    if (wa_setup_bool(stage, "output_projection"))
        add_bias(t, &p, stage, "output.bias", " output bias");
    return p;
}

static parts of_feed_forward(taking_apart *t, const wa_stage *stage)
{
    char  name[WA_SETUP_NAME];
    parts p = begin(t, 1, stage->width_out);

    add_recorded(t, &p, stage, "output", wa_setup_prefix(stage, name));
    return p;
}

/* ---------------------------------------------------------------- the norm */

/* Of n floats `step` apart: 1 / sqrt(var + eps), or 0 where that is no number. */
static double scale_of(const float *x, size_t n, size_t step, double eps)
{
    double mean = 0, var = 0;

    for (size_t i = 0; i < n; i++)
        mean += (double)x[i * step] / (double)n;
    for (size_t i = 0; i < n; i++)
        var += ((double)x[i * step] - mean) * ((double)x[i * step] - mean) / (double)n;
    return var + eps > 0 ? 1 / sqrt(var + eps) : 0;
}

/* n numbers `step` apart, less their mean, times the factor. */
static void centre(double *x, size_t n, size_t step, double factor)
{
    double mean = 0;

    for (size_t i = 0; i < n; i++)
        mean += x[i * step] / (double)n;
    for (size_t i = 0; i < n; i++)
        x[i * step] = (x[i * step] - mean) * factor;
}

static void normalise(const taking_apart *t, const wa_stage *stage, const parts *p)
{
    char                         name[WA_SETUP_NAME];
    const float *const           sum       = wa_record_of(t->record, stage, "sum")->data + t->first * p->width;
    const wa_taken_tensor *const gain      = wa_weights_find(t->record->model->weights, wa_setup_name(stage, "weight", name));
    const double                 eps       = wa_setup_number(stage, "eps");
    const bool                   by_tokens = wa_setup_choice(stage, "over") == 1;
    const size_t                 n = by_tokens ? p->width : t->n_rows, length = by_tokens ? t->n_rows : p->width;
    const size_t                 next = by_tokens ? 1 : p->width, step = by_tokens ? p->width : 1;

    for (size_t i = 0; i < n; i++) {
        const double factor = scale_of(sum + i * next, length, step, eps);

        for (size_t c = 0; c < p->n; c++)
            centre(p->items[c].rows + i * next, length, step, factor);
    }
    for (size_t c = 0; c < p->n; c++)
        for (size_t j = 0; j < t->n_rows * p->width; j++)
            p->items[c].rows[j] *= (double)wa_number_at(gain->numbers.data, gain->numbers.type, j % p->width);
}

/* before  what the stage before was given, NULL without a residual */
static parts of_norm(taking_apart *t, const wa_stage *stage, const parts *x, const parts *before)
{
    parts p = begin(t, x->n + (before ? before->n : 0) + 1, x->width);

    if (before)
        add_all(t, &p, before);
    add_all(t, &p, x);
    if (!t->has_failed)
        normalise(t, stage, &p);
    add_bias(t, &p, stage, "bias", " bias");
    return p;
}

/* ---------------------------------------------------------------- the pipeline */

static parts follow(taking_apart *t, const wa_stage *stage, const parts *x, const parts *before)
{
    const wa_stage_ops *const ops = stage->ops;

    if (ops == wa_embedding_stage.owner)
        return of_embedding(t, stage);
    if (ops == wa_position_stage.owner)
        return of_positions(t, stage, x);
    if (ops == wa_attention_stage.owner)
        return of_attention(t, stage);
    if (ops == wa_feed_forward_stage.owner)
        return of_feed_forward(t, stage);
    return of_norm(t, stage, x, wa_setup_bool(stage, "residual") ? before : NULL);
}

/* Whether a norm over the tokens makes the last row depend on all rows of a component. */
static bool mixes_rows(const wa_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->n_stages; i++)
        if (pipeline->stages[i].ops == wa_norm_stage.owner && wa_setup_choice(&pipeline->stages[i], "over") == 1)
            return true;
    return false;
}

/* c . W[w] over the temperature, for every component and word; the bias is a component of its own. */
static void weigh(const taking_apart *t, const parts *x, wa_contributions *out)
{
    const wa_stage *const stage  = t->record->model->pipeline.vocabulary;
    const wa_rows *const  rows   = wa_vocabulary_rows(stage);
    const double          factor = (double)wa_vocabulary_factor(stage);

    for (size_t c = 0; c < out->n; c++)
        for (size_t i = 0; i < out->n_words; i++) {
            const size_t        w     = t->record->next[i].index;
            const double *const v     = c < x->n ? x->items[c].rows + (t->n_rows - 1) * x->width : NULL;
            double              value = v ? 0 : (double)rows->bias[w];

            for (size_t d = 0; v && d < x->width; d++)
                value += v[d] * (double)wa_number_at(rows->data, rows->type, w * x->width + d);
            out->values[c * out->n_words + i] = value * factor;
            out->sums[i] += value * factor;
        }
}

wa_status wa_contributions_find(const wa_record *record, wa_arena *arena, wa_contributions *out, wa_error *err)
{
    const wa_pipeline *const pipeline = &record->model->pipeline;
    const bool               is_mixed = mixes_rows(pipeline);
    taking_apart             t        = { record, arena, is_mixed ? 0 : record->T - 1, is_mixed ? record->T : 1, false };
    parts                    x = { 0 }, before = { 0 };

    *out = (wa_contributions){ .n_words = record->n_next };
    if (!pipeline->vocabulary)
        return WA_OK;
    for (size_t i = 0; i + 1 < pipeline->n_stages && !t.has_failed; i++) {
        const parts given = x;

        x      = follow(&t, &pipeline->stages[i], &given, &before);
        before = given;
    }
    out->n      = x.n + (wa_vocabulary_rows(pipeline->vocabulary)->bias != NULL);
    out->names  = wa_arena_alloc(arena, out->n, sizeof *out->names);
    out->values = wa_arena_alloc(arena, out->n, out->n_words * sizeof *out->values);
    out->sums   = wa_arena_alloc_zeroed(arena, out->n_words, sizeof *out->sums);
    if (t.has_failed || !out->names || !out->values || !out->sums)
        return wa_fail_memory(err, "report");
    for (size_t c = 0; c < out->n; c++)
        out->names[c] = c < x.n ? x.items[c].name : "vocabulary bias";
    weigh(&t, &x, out);
    return WA_OK;
}

/* Two runs over one text on one page: the ranking, what is set up otherwise, and every array of A, of B and their difference. See
 * page_parts.h. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "report/page_parts.h"
#include "report/setup.h"

typedef struct comparison {
    wa_page               page;
    const wa_report_part *parts; /* [2] */
} comparison;

static const wa_record *record_of(const comparison *c, size_t i)
{
    return c->parts[i].record;
}

/* ---------------------------------------------------------------- how they are set up */

static const wa_stage *find_stage(const wa_record *record, const wa_stage *like)
{
    const wa_pipeline *const pipeline = &record->model->pipeline;

    for (size_t i = 0; i < pipeline->n_stages; i++)
        if (pipeline->stages[i].ops == like->ops && pipeline->stages[i].ordinal == like->ordinal)
            return &pipeline->stages[i];
    return NULL;
}

static void add_setting(wa_buf *out, const char *name, const char *option, wa_text a, wa_text b)
{
    wa_html_format(out, "<tr><th><code>%s%s%s</code></th><td>%t</td><td>%t</td></tr>", name, *option ? "." : "", option, a, b);
}

/* Rows for the options of a stage that differ; returns how many. */
static size_t add_settings(wa_buf *out, const wa_stage *a, const wa_stage *b)
{
    size_t      n = 0;
    const char *option;
    char        name[WA_SETUP_NAME];
    wa_buf      x = { .env = out->env }, y = { .env = out->env };

    for (size_t i = 0; wa_setup_option(a, i, &option, &x) && wa_setup_option(b, i, &option, &y); i++) {
        if (!wa_text_equal(wa_buf_view(&x), wa_buf_view(&y))) {
            add_setting(out, wa_setup_prefix(a, name), option, wa_buf_view(&x), wa_buf_view(&y));
            n++;
        }
        x.n_bytes = y.n_bytes = 0;
    }
    out->failed = out->failed || x.failed || y.failed;
    wa_buf_clear(&x);
    wa_buf_clear(&y);
    return n;
}

/* The stages of run i, against those of the other; of stages that both have, only once. */
static size_t add_stages(comparison *c, size_t i)
{
    const wa_pipeline *const pipeline = &record_of(c, i)->model->pipeline;
    size_t                   n        = 0;
    char                     name[WA_SETUP_NAME];

    for (size_t s = 0; s < pipeline->n_stages; s++) {
        const wa_stage *const stage = &pipeline->stages[s], *const other = find_stage(record_of(c, 1 - i), stage);

        if (!other) {
            add_setting(&c->page.body, wa_setup_prefix(stage, name), "", wa_text_of(i ? "" : "there"),
                        wa_text_of(i ? "there" : ""));
            n++;
        } else if (i == 0) {
            n += add_settings(&c->page.body, stage, other);
        }
    }
    return n;
}

static void add_setup(comparison *c)
{
    wa_buf *const body = &c->page.body;

    wa_page_open(&c->page, "setup", "The two runs");
    wa_html_format(
        body,
        "<p>A is <code>%t</code>, B is <code>%t</code>. Options of their stages that differ:</p><div class=\"scroll\"><table>"
        "<thead><tr><th>option</th><th>A</th><th>B</th></tr></thead><tbody>",
        record_of(c, 0)->name, record_of(c, 1)->name);
    if (add_stages(c, 0) + add_stages(c, 1) == 0)
        wa_buf_str(body, "<tr><th>none</th><td></td><td></td></tr>");
    wa_buf_str(body, "</tbody></table></div>");
    if (record_of(c, 0)->T != record_of(c, 1)->T)
        wa_html_format(body, "<p>A runs over %z words and B over %z, so figures are shown side by side without a difference.</p>",
                       record_of(c, 0)->T, record_of(c, 1)->T);
    wa_page_close(&c->page);
}

/* ---------------------------------------------------------------- the ranking */

/* Rank and probability of a word in a run; the word may not be in its vocabulary. */
static size_t add_place(wa_buf *out, const wa_record *record, wa_text word)
{
    const size_t index = wa_model_find(record->model, word);

    if (index == WA_NONE || !record->logits) {
        wa_buf_str(out, "<td>not there</td><td></td>");
        return 0;
    }
    const size_t rank = wa_rank_of(record->logits, record->N, index);
    wa_html_format(out, "<td>%z</td><td>%p</td>", rank, (double)record->probabilities[index]);
    return rank;
}

static void add_change(wa_buf *out, size_t a, size_t b)
{
    if (a == 0 || b == 0)
        wa_buf_str(out, "<td></td>");
    else if (a == b)
        wa_buf_str(out, "<td>same</td>");
    else
        wa_html_format(out, "<td>%s %z</td>", b < a ? "up" : "down", b < a ? a - b : b - a);
}

static bool is_ranked(const wa_record *record, wa_text word)
{
    for (size_t i = 0; i < record->n_next; i++)
        if (wa_text_equal(record->next[i].word, word))
            return true;
    return false;
}

static void add_ranking(comparison *c)
{
    wa_buf *const body = &c->page.body;

    wa_page_open(&c->page, "ranking", "Next words");
    wa_buf_str(
        body,
        "<p>The words that either run ranks first, with their ranks in both.</p><div class=\"scroll\"><table><thead><tr><th>word"
        "</th><th>rank in A</th><th>probability</th><th>rank in B</th><th>probability</th><th>from A to "
        "B</th></tr></thead><tbody>");
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < record_of(c, i)->n_next; j++) {
            const wa_text word = record_of(c, i)->next[j].word;

            if (i == 1 && is_ranked(record_of(c, 0), word))
                continue;
            wa_html_format(body, "<tr><th>%t</th>", word);
            const size_t a = add_place(body, record_of(c, 0), word), b = add_place(body, record_of(c, 1), word);
            add_change(body, a, b);
            wa_buf_str(body, "</tr>");
        }
    wa_buf_str(body, "</tbody></table></div>");
    wa_page_close(&c->page);
}

/* ---------------------------------------------------------------- arrays */

static bool is_same_shape(const wa_recorded *a, const wa_recorded *b)
{
    return a->rank == b->rank && memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0;
}

static bool is_same(const wa_recorded *a, const wa_recorded *b)
{
    return is_same_shape(a, b) && memcmp(a->data, b->data, wa_recorded_count(a) * sizeof *a->data) == 0;
}

static void add_plate(comparison *c, size_t run, const wa_recorded *array, size_t slice, wa_colours colours)
{
    static const char *const names[] = { "A", "B" };

    wa_buf_str(&c->page.body, "<div class=\"scroll\">");
    wa_plate_add(
        &c->page.body,
        &(wa_plate){
            .record = record_of(c, run), .array = array, .slice = slice, .run = run, .colours = colours, .name = names[run] });
    wa_buf_str(&c->page.body, "</div>");
}

/* B less A of the rows and columns that are drawn, all slices one after another; NULL: no memory. */
static float *subtract(const comparison *c, const wa_recorded *a, const wa_recorded *b, size_t n_rows, size_t n_columns,
                       wa_arena *arena)
{
    const size_t first = wa_record_first(record_of(c, 0)), column = wa_recorded_is_by_word(a) ? first : 0;
    const size_t n_slices = wa_recorded_slices(a);
    float *const data     = wa_arena_alloc(arena, n_slices * n_rows, n_columns * sizeof *data);

    for (size_t s = 0; data && s < n_slices; s++)
        for (size_t r = 0; r < n_rows; r++)
            for (size_t d = 0; d < n_columns; d++)
                data[(s * n_rows + r) * n_columns + d] =
                    wa_recorded_row(b, s, first + r)[column + d] - wa_recorded_row(a, s, first + r)[column + d];
    return data;
}

/* Each slice of A, of B, and their difference, in a row. */
static void add_trios(comparison *c, const wa_recorded *a, const wa_recorded *b)
{
    const wa_record *const record = record_of(c, 0);
    const size_t           first = wa_record_first(record), n_rows = record->T - first, n_columns = wa_plate_columns(record, a);
    const wa_colours       colours = wa_colours_join(wa_plate_colours(record, a), wa_plate_colours(record_of(c, 1), b));
    wa_arena               arena   = { .env = c->page.body.env };
    const float *const     data    = subtract(c, a, b, n_rows, n_columns, &arena);
    char                   title[64];
    wa_heatmap             map = {
                    .figure = { .kind = "still", .title = title, .label = "Heatmap of the difference, B less A", .attributes = "" },
                    .n_rows = n_rows,
                    .n_columns = n_columns,
                    .stride    = n_columns,
                    .rows      = record->labels + first,
                    .columns   = wa_recorded_is_by_word(a) ? record->labels + first : NULL,
    };

    c->page.body.failed = c->page.body.failed || !data;
    if (data)
        map.colours = wa_colours_of(data, wa_recorded_slices(a) * n_rows * n_columns, false);
    for (size_t s = 0; data && s < wa_recorded_slices(a); s++) {
        snprintf(title, sizeof title, a->rank == 3 ? "B less A, head %zu" : "B less A", s);
        map.data = data + s * n_rows * n_columns;
        wa_buf_str(&c->page.body, "<div class=\"plates\">");
        add_plate(c, 0, a, s, colours);
        add_plate(c, 1, b, s, colours);
        wa_buf_str(&c->page.body, "<div class=\"scroll\">");
        wa_heatmap_add(&c->page.body, &map);
        wa_buf_str(&c->page.body, "</div></div>");
    }
    wa_arena_clear(&arena);
}

/* An array that only one run has, or of another shape: its slices alone. */
static void add_alone(comparison *c, size_t run, const wa_recorded *array)
{
    wa_buf_str(&c->page.body, "<div class=\"plates\">");
    for (size_t s = 0; s < wa_recorded_slices(array); s++)
        add_plate(c, run, array, s, wa_plate_colours(record_of(c, run), array));
    wa_buf_str(&c->page.body, "</div>");
}

static void add_shape(wa_buf *out, const wa_recorded *array)
{
    for (size_t i = 0; i < array->rank; i++)
        wa_html_format(out, "%s%z", i ? " &times; " : "", array->shape[i]);
}

static void add_tables(comparison *c, size_t run, const wa_recorded *array)
{
    static const char *const names[] = { "A", "B" };

    if (!array)
        return;
    wa_html_format(&c->page.body, "<p>%s</p><div class=\"tables\">", names[run]);
    for (size_t s = 0; s < wa_recorded_slices(array); s++)
        wa_page_add_table(&c->page.body, record_of(c, run), array, s);
    wa_buf_str(&c->page.body, "</div>");
}

/* a or b may be NULL. */
static void add_array(comparison *c, const wa_recorded *a, const wa_recorded *b)
{
    wa_buf *const                 body = &c->page.body;
    const char *const             name = a ? a->name : b->name;
    const wa_quantity_text *const text = wa_quantity_text_find(name);

    wa_html_format(body, "<figure id=\"%s\"><h3>%t <small><code>%s</code></small></h3>", name,
                   wa_text_of(text ? text->title : name), name);
    if (a && b && is_same(a, b)) {
        add_alone(c, 0, a);
        wa_buf_str(body, "<figcaption>The same numbers in both runs.</figcaption>");
    } else if (a && b && is_same_shape(a, b)) {
        add_trios(c, a, b);
        wa_buf_str(
            body,
            "<figcaption>A and B with the same colours; their difference, orange where B is larger, with its own.</figcaption>");
    } else {
        if (a)
            add_alone(c, 0, a);
        if (b)
            add_alone(c, 1, b);
        wa_buf_str(body, "<figcaption>");
        if (a && b) {
            wa_buf_str(body, "The shapes differ, so there is no difference to show: A has ");
            add_shape(body, a);
            wa_buf_str(body, ", B has ");
            add_shape(body, b);
            wa_buf_str(body, ".</figcaption>");
        } else {
            wa_html_format(body, "Only %s has this step.</figcaption>", a ? "A" : "B");
        }
    }
    wa_buf_str(body, "<details><summary>As tables</summary>");
    add_tables(c, 0, a);
    add_tables(c, 1, b);
    wa_buf_str(body, "</details>");
    for (size_t run = 0; run < 2; run++)
        if (run ? b : a)
            wa_html_format(body, "<div class=\"step\" data-run=\"%z\" data-step=\"%s\"></div>", run, name);
    wa_buf_str(body, "</figure>\n");
}

static void add_arrays(comparison *c)
{
    wa_page_open(&c->page, "steps", "Step by step");
    for (size_t i = 0; i < record_of(c, 0)->n_arrays; i++) {
        const wa_recorded *const a = &record_of(c, 0)->arrays[i];

        add_array(c, a, wa_record_find(record_of(c, 1), a->name));
    }
    for (size_t i = 0; i < record_of(c, 1)->n_arrays; i++) {
        const wa_recorded *const b = &record_of(c, 1)->arrays[i];

        if (!wa_record_find(record_of(c, 0), b->name))
            add_array(c, NULL, b);
    }
    wa_page_close(&c->page);
}

/* ---------------------------------------------------------------- the page */

void wa_page_add_comparison(wa_buf *out, const wa_report_part parts[2])
{
    comparison c = { .page = { .contents.env = out->env, .body.env = out->env, .part = parts }, .parts = parts };

    add_setup(&c);
    add_ranking(&c);
    add_arrays(&c);
    wa_page_finish(out, &c.page, "Two runs side by side", parts, 2);
}

/* The table of a sweep. See run_table.h. */
#include "cli/run_table.h"

#include <string.h>

#include "base/str.h"
#include "cli/cli.h"

/* ---------------------------------------------------------------- cells */

/* The columns behind the name of the run and the swept keys. */
enum { TEXT, WORDS, LOGPROB, PERPLEXITY, NEXT, NEXT_LOGPROB, NEXT_PROB, ERROR, N_RESULTS };

static const char *const headings[] = { "text", "words", "logprob", "perplexity", "next", "next_logprob", "next_prob", "error" };

/* Where the cells of a table go, one after another. */
typedef struct writer {
    void (*cell)(struct writer *w, size_t column, wa_text text);
    void (*line_end)(struct writer *w);
    wa_buf *out;
    bool    is_rounded; /* numbers for a reader */
    size_t *widths;     /* [columns] on paper */
    size_t  n_columns;
} writer;

static void put_string(writer *w, size_t column, const json_t *value)
{
    w->cell(w, column, (wa_text){ json_string_value(value), json_string_length(value) });
}

/* null is nothing. */
static void put_number(writer *w, size_t column, const json_t *value)
{
    wa_buf digits = { .env = w->out->env };

    if (w->is_rounded && json_is_real(value))
        wa_buf_format(&digits, "%.6g", json_real_value(value));
    else if (json_is_number(value))
        wa_json_add_value(&digits, value);
    w->out->failed = w->out->failed || digits.failed;
    w->cell(w, column, wa_buf_view(&digits));
    wa_buf_clear(&digits);
}

static void put_result(writer *w, size_t first, const json_t *text)
{
    const json_t *const score = json_object_get(text, "score");
    const json_t *const next  = json_array_get(json_object_get(text, "next"), 0);

    put_number(w, first + WORDS, json_object_get(score, "words"));
    put_number(w, first + LOGPROB, json_object_get(score, "logprob"));
    put_number(w, first + PERPLEXITY, json_object_get(score, "perplexity"));
    put_string(w, first + NEXT, json_object_get(next, "word"));
    put_number(w, first + NEXT_LOGPROB, json_object_get(next, "logprob"));
    put_number(w, first + NEXT_PROB, json_object_get(next, "prob"));
    put_string(w, first + ERROR, json_object_get(text, "error"));
}

/* The name of the run and the values that it has. */
static void put_run(writer *w, const wa_run_table *table, size_t i)
{
    w->cell(w, 0, wa_text_of(table->rows[i].name));
    for (size_t a = 0; a < table->plan->grid->n_axes; a++)
        w->cell(w, 1 + a, wa_grid_value(table->plan->grid, i, a));
}

static void put_texts(writer *w, const wa_run_table *table, size_t i)
{
    const size_t        first = 1 + table->plan->grid->n_axes;
    const json_t *const texts = json_object_get(table->rows[i].record, "texts");
    char                number[24];

    for (size_t t = 0; t < json_array_size(texts); t++) {
        put_run(w, table, i);
        snprintf(number, sizeof number, "%zu", t + 1);
        w->cell(w, first + TEXT, wa_text_of(number));
        put_result(w, first, json_array_get(texts, t));
        w->line_end(w);
    }
}

static void put_failure(writer *w, const wa_run_table *table, size_t i)
{
    const size_t first = 1 + table->plan->grid->n_axes;

    put_run(w, table, i);
    for (size_t c = TEXT; c < ERROR; c++)
        w->cell(w, first + c, wa_text_of(""));
    w->cell(w, first + ERROR, wa_text_of(table->rows[i].error));
    w->line_end(w);
}

static void put_rows(writer *w, const wa_run_table *table)
{
    for (size_t i = 0; i < table->n; i++)
        if (table->rows[i].record)
            put_texts(w, table, i);
        else
            put_failure(w, table, i);
}

static wa_text heading(const wa_run_table *table, size_t column)
{
    const size_t n_axes = table->plan->grid->n_axes;

    if (column == 0)
        return wa_text_of("run");
    return column <= n_axes ? table->plan->grid->axes[column - 1].key : wa_text_of(headings[column - 1 - n_axes]);
}

/* ---------------------------------------------------------------- by tabs */

static void add_tabbed(writer *w, size_t column, wa_text text)
{
    wa_buf_str(w->out, column ? "\t" : "");
    wa_cli_add_field(w->out, text);
}

static void end_tabbed(writer *w)
{
    wa_buf_str(w->out, "\n");
}

void wa_run_table_add_tsv(wa_buf *out, const wa_run_table *table)
{
    writer w = { .cell = add_tabbed, .line_end = end_tabbed, .out = out, .n_columns = 1 + table->plan->grid->n_axes + N_RESULTS };

    for (size_t c = 0; c < w.n_columns; c++)
        add_tabbed(&w, c, heading(table, c));
    end_tabbed(&w);
    put_rows(&w, table);
}

/* ---------------------------------------------------------------- on paper */

/* An error may have a line for each fault of a configuration. */
static wa_text first_line(wa_text text)
{
    const char *const end = text.n_bytes > 0 ? memchr(text.data, '\n', text.n_bytes) : NULL;

    return end ? (wa_text){ text.data, (size_t)(end - text.data) } : text;
}

static void measure_cell(writer *w, size_t column, wa_text text)
{
    const size_t columns = wa_cli_columns(first_line(text));

    w->widths[column] = columns > w->widths[column] ? columns : w->widths[column];
}

static void measure_nothing(writer *w)
{
    (void)w;
}

static void add_padded(writer *w, size_t column, wa_text text)
{
    if (w->widths[column] == 0)
        return;
    wa_buf_str(w->out, "  ");
    wa_cli_add_padded(w->out, first_line(text), w->widths[column]);
}

static void end_padded(writer *w)
{
    while (w->out->n_bytes > 0 && w->out->data[w->out->n_bytes - 1] == ' ')
        w->out->n_bytes--;
    wa_buf_str(w->out, "\n");
}

/* A column is as wide as its widest cell, and its heading where any cell has something; the name of the run says what the swept values
 * say. */
static void measure(writer *w, const wa_run_table *table)
{
    w->cell     = measure_cell;
    w->line_end = measure_nothing;
    put_rows(w, table);
    if (table->plan->grid->n_axes > 0)
        w->widths[0] = 0;
    for (size_t c = 0; c < w->n_columns; c++)
        if (w->widths[c] > 0)
            measure_cell(w, c, heading(table, c));
}

void wa_run_table_add_paper(wa_buf *out, const wa_run_table *table)
{
    writer w = { .out = out, .is_rounded = true, .n_columns = 1 + table->plan->grid->n_axes + N_RESULTS };

    if (!(w.widths = wa_alloc_zeroed(out->env, w.n_columns, sizeof *w.widths))) {
        out->failed = true;
        return;
    }
    measure(&w, table);
    w.cell     = add_padded;
    w.line_end = end_padded;
    for (size_t c = 0; c < w.n_columns; c++)
        add_padded(&w, c, heading(table, c));
    end_padded(&w);
    put_rows(&w, table);
    wa_release(out->env, w.widths);
}

/* ---------------------------------------------------------------- as JSON */

static void add_axes(wa_buf *out, const wa_grid *grid)
{
    for (size_t a = 0; a < grid->n_axes; a++) {
        wa_buf_str(out, a ? "," : "");
        wa_json_add_text(out, grid->axes[a].key);
        wa_buf_str(out, ":[");
        for (size_t v = 0; v < grid->axes[a].n; v++) {
            wa_buf_str(out, v ? "," : "");
            wa_json_add_text(out, grid->axes[a].values[v]);
        }
        wa_buf_str(out, "]");
    }
}

static void add_run(wa_buf *out, const wa_run_table *table, size_t i)
{
    const wa_run_row *const row = &table->rows[i];

    wa_buf_str(out, "{\"run\":");
    wa_json_add_text(out, wa_text_of(row->name));
    wa_buf_str(out, ",");
    wa_run_record_add_values(out, table->plan->grid, i);
    if (row->record) {
        wa_buf_str(out, ",\"texts\":");
        wa_json_add_value(out, json_object_get(row->record, "texts"));
    } else {
        wa_buf_str(out, ",\"error\":");
        wa_json_add_text(out, wa_text_of(row->error));
    }
    wa_buf_str(out, "}");
}

void wa_run_table_add_json(wa_buf *out, const wa_run_table *table)
{
    const wa_run_plan *const plan = table->plan;

    wa_buf_str(out, "{\"config\":");
    wa_json_add_text(out, wa_text_of(plan->config));
    wa_buf_str(out, ",\"sets\":[");
    for (size_t i = 0; i + plan->grid->n_axes < plan->n_sets; i++) {
        wa_buf_str(out, i ? "," : "");
        wa_json_add_text(out, wa_text_of(plan->sets[i]));
    }
    wa_buf_str(out, "],\"sweep\":{");
    add_axes(out, plan->grid);
    wa_buf_str(out, "},\"runs\":[");
    for (size_t i = 0; i < table->n; i++) {
        wa_buf_str(out, i ? ",\n" : "\n");
        add_run(out, table, i);
    }
    wa_buf_str(out, "]}\n");
}

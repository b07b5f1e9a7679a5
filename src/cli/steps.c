/* Quantities of the pipeline on paper. See steps.h. */
#include "cli/steps.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/words.h"

/* Up to MOST of a dimension are shown whole; of more, the first FIRST and the last LAST. */
enum { MOST = 10, FIRST = 6, LAST = 2 };
enum { LABEL_COLUMNS = 12, CELL_SIZE = 48 };

/* ---------------------------------------------------------------- what is left out */

/* The index to show after i of n; the gap is jumped over. */
static size_t after(size_t i, size_t n)
{
    return n > MOST && i + 1 == FIRST ? n - LAST : i + 1;
}

static bool is_gap(size_t i, size_t n)
{
    return n > MOST && i + 1 == FIRST;
}

static void write_note(const wa_quantity *q)
{
    static const char *const names[][3] = { { "numbers", "", "" }, { "rows", "columns", "" }, { "heads", "rows", "columns" } };
    const char              *separator  = "  (left out: ";

    for (size_t i = 0; i < q->rank; i++) {
        if (q->shape[i] <= MOST)
            continue;
        wa_cli_printf("%s%zu of %zu %s", separator, q->shape[i] - FIRST - LAST, q->shape[i], names[q->rank - 1][i]);
        separator = ", ";
    }
    if (*separator == ',')
        wa_cli_write(wa_text_of(q->rank == 3 ? " each; --trace and --format json have them)\n"
                                             : "; --trace and --format json have them)\n"));
}

/* ---------------------------------------------------------------- numbers */

/* How the numbers of a quantity are printed: so many decimals, or as powers of ten (decimals -1). */
typedef struct style {
    int    decimals;
    size_t columns;
} style;

static size_t count_values(const wa_quantity *q)
{
    size_t n = 1;

    for (size_t i = 0; i < q->rank; i++)
        n *= q->shape[i];
    return n;
}

static void format_cell(char out[CELL_SIZE], float x, const style *s)
{
    if (isnan(x)) /* printf() may write a sign before it */
        snprintf(out, CELL_SIZE, "nan");
    else if (s->decimals < 0)
        snprintf(out, CELL_SIZE, "%.6e", (double)x);
    else
        snprintf(out, CELL_SIZE, "%.*f", s->decimals, (double)x);
}

/* Seven digits for the largest number; beyond a million, or where all are tiny, powers of ten. */
static style choose_style(const wa_quantity *q)
{
    const size_t n       = count_values(q);
    float        largest = 0;
    style        s       = { .decimals = 6 };
    char         cell[CELL_SIZE];

    for (size_t i = 0; i < n; i++)
        largest = fabsf(q->data[i]) > largest ? fabsf(q->data[i]) : largest;
    for (float power = 10; power <= largest && s.decimals >= 0; power *= 10)
        s.decimals--;
    if (largest > 0 && largest < 1e-3f)
        s.decimals = -1;
    for (size_t i = 0; i < n; i++) {
        format_cell(cell, q->data[i], &s);
        s.columns = strlen(cell) > s.columns ? strlen(cell) : s.columns;
    }
    return s;
}

/* ---------------------------------------------------------------- rows and matrices */

static void write_label(wa_text label)
{
    wa_cli_write(wa_text_of("  "));
    wa_cli_write_padded(wa_words_fit(label, LABEL_COLUMNS), LABEL_COLUMNS);
}

static void write_row(const float *x, size_t n, const style *s)
{
    char cell[CELL_SIZE];

    for (size_t i = 0; i < n; i = after(i, n)) {
        format_cell(cell, x[i], s);
        wa_cli_printf("  %*s%s", (int)s->columns, cell, is_gap(i, n) ? "  ..." : "");
    }
    wa_cli_write(wa_text_of("\n"));
}

/* Headings over the columns, right-aligned as the numbers are. */
static void write_headings(const wa_text *headings, size_t n, const style *s)
{
    write_label(wa_text_of(""));
    for (size_t i = 0; i < n; i = after(i, n)) {
        const wa_text shown = wa_words_fit(headings[i], s->columns);

        wa_cli_printf("  %*s", (int)(s->columns - wa_cli_columns(shown)), "");
        wa_cli_write_padded(shown, 0);
        wa_cli_write(wa_text_of(is_gap(i, n) ? "  ..." : ""));
    }
    wa_cli_write(wa_text_of("\n"));
}

/* The headings of the columns, or NULL: words where a matrix is words by words, the vocabulary for the last stage. */
static const wa_text *find_headings(const wa_quantity *q, const wa_step_labels *labels)
{
    const size_t n = q->shape[q->rank - 1];

    if (q->rank == 3 && q->shape[1] == labels->n_words && n == labels->n_words &&
        wa_text_begins(wa_text_of(q->name), wa_text_of("attention.")) &&
        (wa_text_ends(wa_text_of(q->name), ".scores") || wa_text_ends(wa_text_of(q->name), ".weights")))
        return labels->words;
    if (labels->vocabulary && n == labels->n_vocabulary && wa_text_begins(wa_text_of(q->name), wa_text_of("vocabulary.")))
        return labels->vocabulary;
    return NULL;
}

static void write_matrix(const float *x, size_t n_rows, size_t n_columns, const wa_step_labels *labels, const wa_text *headings,
                         const style *s)
{
    if (headings)
        write_headings(headings, n_columns, s);
    for (size_t i = 0; i < n_rows; i = after(i, n_rows)) {
        write_label(n_rows == labels->n_words ? labels->words[i] : wa_text_of(""));
        write_row(x + i * n_columns, n_columns, s);
        if (is_gap(i, n_rows))
            wa_cli_write(wa_text_of("  ...\n"));
    }
}

void wa_step_write(const wa_quantity *q, const wa_step_labels *labels)
{
    const size_t         n_heads = q->rank == 3 ? q->shape[0] : 1;
    const size_t         n_rows = q->rank >= 2 ? q->shape[q->rank - 2] : 1, n_columns = q->shape[q->rank - 1];
    const style          s        = choose_style(q);
    const wa_text *const headings = find_headings(q, labels);

    wa_cli_printf("\n%s  [", q->name);
    for (size_t i = 0; i < q->rank; i++)
        wa_cli_printf("%s%zu", i ? ", " : "", q->shape[i]);
    wa_cli_write(wa_text_of("]\n"));
    for (size_t h = 0; h < n_heads; h = after(h, n_heads)) {
        if (n_heads > 1)
            wa_cli_printf("  head %zu\n", h);
        write_matrix(q->data + h * n_rows * n_columns, n_rows, n_columns, labels, headings, &s);
        if (is_gap(h, n_heads))
            wa_cli_write(wa_text_of("  ...\n"));
    }
    write_note(q);
}

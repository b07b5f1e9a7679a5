/* The figure and the table of a recorded array, and what is to be said of it. See page_parts.h.
 *
 * Captions are for readers who see attention for the first time: each says what a row and a column are, and what the step is for. */
#include <string.h>

#include "base/str.h"
#include "report/page_parts.h"
#include "report/setup.h"

/* ---------------------------------------------------------------- what quantities are */

static const wa_quantity_text quantities[] = {
    { "embed", "output", "The words as vectors",
      "Each row is a word, each column one of the numbers of its vector, times a scale. Words that are used alike have "
      "vectors that point alike; a single column has no meaning of its own." },
    { "positional", "encoding", "The pattern of positions",
      "A fixed pattern of sines and cosines, another one in every row. It is added to the vectors, because everything after "
      "it would take the words in any order: some columns change fast from word to word and tell neighbours apart, others "
      "slowly and tell near from far." },
    { "positional", "output", "Words with their positions",
      "The vector of each word plus the pattern of its place: what the next stage reads." },
    { "attention", "query", "Queries: what each word looks for",
      "Each head multiplies what came in by a matrix of its own. A row is what that word, as the one that looks, asks of the "
      "others." },
    { "attention", "key", "Keys: what each word can be found by",
      "The same with another matrix. A row is what that word shows to those that look; a query and a key that point alike "
      "give a high score." },
    { "attention", "value", "Values: what each word has to give",
      "A third matrix. A row is what that word hands on to those that attend to it." },
    { "attention", "scores", "Scores: how well each query fits each key",
      "Row: the word that looks. Column: the word it looks at. Each cell is the sum of the products of a query and a key. "
      "This is before the mask: where that is causal, cells to the right of the diagonal, words that are still to come, have "
      "scores too." },
    { "attention", "weights", "Weights: where each word looks",
      "The scores of a row through the softmax, after the mask: shares that add up to 1. Row: the word that looks. Column: "
      "the word it looks at. Masked cells are exactly 0." },
    { "attention", "heads", "What each head found",
      "For each word the values of all words, mixed by its weights. A row of a head that looks at one word only is nearly "
      "that word's value." },
    { "attention", "concat", "The heads side by side",
      "The columns of head 0, then those of head 1, and so on: what all heads found, as one row a word." },
    { "attention", "output", "What the attention gives",
      "The heads' columns through the output matrix: what the word learned from the others, in as many numbers as its vector "
      "has." },
    { "norm", "sum", "The sum",
      "What comes into the norm: with the residual, what the stage before was given plus what it gave, so that nothing of "
      "the word is lost." },
    { "norm", "output", "After the norm",
      "The sum less its mean, divided by its deviation, times the gain of each column, plus its bias. Whatever the size of "
      "the sum, the rows now have a like length." },
    { "feed_forward", "hidden", "The hidden layer",
      "Each word by itself, through a wider matrix and the activation, which lets numbers above zero pass and holds others "
      "back." },
    { "feed_forward", "output", "What the hidden layer gives",
      "Back to as many numbers as a vector has, through a second matrix." },
};

const wa_quantity_text *wa_quantity_text_find(const char *array)
{
    const wa_text name = wa_text_of(array);

    for (size_t i = 0; i < sizeof quantities / sizeof *quantities; i++)
        if (wa_text_begins(name, wa_text_of(quantities[i].prefix)) && wa_text_ends(name, quantities[i].name))
            return &quantities[i];
    return NULL;
}

/* ---------------------------------------------------------------- tables of arrays */

enum { FEW_COLUMNS = 12, BEST = 3 };

static void add_cell(wa_buf *out, double x)
{
    wa_html_format(out, "<td>%n</td>", x);
}

static void add_numbers(wa_buf *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_cell(out, (double)x[i]);
}

void wa_page_add_summary(wa_buf *out, const float *x, size_t n)
{
    double mean = 0, least = (double)x[0], most = (double)x[0];

    for (size_t i = 0; i < n; i++) {
        mean += (double)x[i] / (double)n;
        least = (double)x[i] < least ? (double)x[i] : least;
        most  = (double)x[i] > most ? (double)x[i] : most;
    }
    add_cell(out, wa_norm_of(x, n));
    add_cell(out, mean);
    add_cell(out, least);
    add_cell(out, most);
}

/* The words with the largest numbers, best first. */
static void add_best(wa_buf *out, const wa_record *record, const float *x, bool is_share)
{
    size_t best[BEST], n = 0;

    for (size_t s = wa_record_first(record); s < record->T; s++) {
        size_t at = n;

        if (is_share && !(x[s] > 0))
            continue;
        while (at > 0 && x[s] > x[best[at - 1]])
            at--;
        if (at == BEST)
            continue;
        n += n < BEST;
        memmove(best + at + 1, best + at, (n - at - 1) * sizeof *best);
        best[at] = s;
    }
    wa_buf_str(out, "<td class=\"words\">");
    for (size_t i = 0; i < n; i++)
        wa_html_format(out, "%s<b>%t</b>&nbsp;%n", i ? ", " : "", record->labels[best[i]], (double)x[best[i]]);
    wa_buf_str(out, "</td>");
}

/* Whether a table shows every number of a row. */
static bool is_narrow(const wa_recorded *array)
{
    return array->shape[array->rank - 1] <= FEW_COLUMNS;
}

static void add_table_head(wa_buf *out, const wa_record *record, const wa_recorded *array)
{
    const bool by_word = wa_recorded_is_by_word(array);

    wa_buf_str(out, "<thead><tr><th>word</th>");
    for (size_t c = 0; is_narrow(array) && c < array->shape[array->rank - 1]; c++)
        if (by_word)
            wa_html_format(out, "<th>%t</th>", record->labels[c]);
        else
            wa_html_format(out, "<th>%z</th>", c);
    if (!is_narrow(array))
        wa_buf_str(out,
                   by_word ? "<th class=\"words\">largest</th>" : "<th>length</th><th>mean</th><th>least</th><th>largest</th>");
    wa_buf_str(out, "</tr></thead>");
}

void wa_page_add_table(wa_buf *out, const wa_record *record, const wa_recorded *array, size_t slice)
{
    wa_buf_str(out, "<div class=\"scroll\"><table>");
    if (array->rank == 3)
        wa_html_format(out, "<caption>head %z</caption>", slice);
    add_table_head(out, record, array);
    wa_buf_str(out, "<tbody>");
    for (size_t t = wa_record_first(record); t < record->T; t++) {
        const float *const x = wa_recorded_row(array, slice, t);

        wa_html_format(out, "<tr><th>%t</th>", record->labels[t]);
        if (is_narrow(array))
            add_numbers(out, x, array->shape[array->rank - 1]);
        else if (wa_recorded_is_by_word(array))
            add_best(out, record, x, wa_recorded_is_weights(array));
        else
            wa_page_add_summary(out, x, array->shape[array->rank - 1]);
        wa_buf_str(out, "</tr>");
    }
    wa_buf_str(out, "</tbody></table></div>");
}

/* ---------------------------------------------------------------- figures */

void wa_page_open_figure(wa_page *page, const char *id, const char *title, const wa_recorded *array)
{
    wa_buf_str(&page->body, "<figure id=\"");
    wa_page_add_id(&page->body, page, id);
    wa_html_format(&page->body, "\"><h3>%t", wa_text_of(title));
    if (array) {
        wa_html_format(&page->body, " <small><code>%s</code> ", array->name);
        for (size_t i = 0; i < array->rank; i++)
            wa_html_format(&page->body, "%s%z", i ? " &times; " : "", array->shape[i]);
        wa_buf_str(&page->body, "</small>");
    }
    wa_buf_str(&page->body, "</h3>");
}

static void add_plates(wa_page *page, const wa_recorded *array, bool as_arcs)
{
    const wa_record *const record = page->part->record;
    wa_plate               plate  = { .record = record, .array = array, .run = page->run };

    plate.colours = wa_plate_colours(record, array);
    wa_buf_str(&page->body, "<div class=\"plates\">");
    for (; plate.slice < wa_recorded_slices(array); plate.slice++) {
        wa_buf_str(&page->body, "<div class=\"scroll\">");
        (as_arcs ? wa_plate_add_arcs : wa_plate_add)(&page->body, &plate);
        wa_buf_str(&page->body, "</div>");
    }
    wa_buf_str(&page->body, "</div>");
}

static void close_figure(wa_page *page, const wa_recorded *array, const char *caption)
{
    const wa_record *const record = page->part->record;

    wa_html_format(&page->body, "<figcaption>%s", caption);
    if (array->shape[array->rank - 1] > WA_PLATE_MOST_COLUMNS && !wa_recorded_is_by_word(array))
        wa_html_format(&page->body, " Of %z columns the first %z are drawn.", array->shape[array->rank - 1],
                       (size_t)WA_PLATE_MOST_COLUMNS);
    wa_html_format(&page->body, "</figcaption><details%s><summary>As a table</summary><div class=\"tables\">",
                   is_narrow(array) && record->T <= FEW_COLUMNS ? " open" : "");
    for (size_t slice = 0; slice < wa_recorded_slices(array); slice++)
        wa_page_add_table(&page->body, record, array, slice);
    wa_html_format(&page->body, "</div></details><div class=\"step\" data-run=\"%z\" data-step=\"%s\"></div></figure>\n", page->run,
                   array->name);
}

void wa_page_add_quantity(wa_page *page, const wa_stage *stage, const char *name)
{
    const wa_recorded *const array = wa_record_of(page->part->record, stage, name);

    if (!array)
        return;
    const wa_quantity_text *const text        = wa_quantity_text_find(array->name);
    const bool                    over_matrix = wa_recorded_is_weights(array) && wa_setup_choice(stage, "softmax_over") == 1;

    wa_page_open_figure(page, array->name, text ? text->title : name, array);
    add_plates(page, array, false);
    if (wa_recorded_is_weights(array)) {
        wa_buf_str(&page->body,
                   "<p>The same as lines, from each word to those it looks at; the thicker, the more. Weights below 5% have "
                   "none, and a loop is a word that looks at itself.</p>");
        add_plates(page, array, true);
    }
    close_figure(page, array,
                 over_matrix
                     ? "All scores of a head through one softmax, after the mask: shares that add up to 1 over the whole matrix. "
                       "Row: the word that looks. Column: the word it looks at."
                 : text ? text->caption
                        : "");
}

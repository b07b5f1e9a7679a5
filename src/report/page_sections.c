/* What a page says of one run, in the order of the data. See page_parts.h.
 *
 * Captions are for readers who see attention for the first time: each says what a row and a column are, and what the step is for. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "report/page_parts.h"
#include "report/setup.h"

/* ---------------------------------------------------------------- what quantities are */

static const wa_quantity_text quantities[] = {
    { "embed", "output", "The words as vectors",
      "Each row is a word, each column one of the numbers of its vector, times a scale. Words that are used alike have vectors "
      "that point "
      "alike; a single column has no meaning of its own." },
    { "positional", "encoding", "The pattern of positions",
      "A fixed pattern of sines and cosines, another one in every row. It is added to the vectors, because everything after it "
      "would take "
      "the words in any order: some columns change fast from word to word and tell neighbours apart, others slowly and tell near "
      "from "
      "far." },
    { "positional", "output", "Words with their positions",
      "The vector of each word plus the pattern of its place: what the next stage reads." },
    { "attention", "query", "Queries: what each word looks for",
      "Each head multiplies what came in by a matrix of its own. A row is what that word, as the one that looks, asks of the "
      "others." },
    { "attention", "key", "Keys: what each word can be found by",
      "The same with another matrix. A row is what that word shows to those that look; a query and a key that point alike give a "
      "high "
      "score." },
    { "attention", "value", "Values: what each word has to give",
      "A third matrix. A row is what that word hands on to those that attend to it." },
    { "attention", "scores", "Scores: how well each query fits each key",
      "Row: the word that looks. Column: the word it looks at. Each cell is the sum of the products of a query and a key, scaled. "
      "This is before the mask: where that is causal, cells to the right of the diagonal, words that are still to come, have "
      "scores "
      "too." },
    { "attention", "weights", "Weights: where each word looks",
      "The scores of a row through the softmax, after the mask: shares that add up to 1. Row: the word that looks. Column: the "
      "word it "
      "looks at. Masked cells are exactly 0." },
    { "attention", "heads", "What each head found",
      "For each word the values of all words, mixed by its weights. A row of a head that looks at one word only is nearly that "
      "word's "
      "value." },
    { "attention", "concat", "The heads side by side",
      "The columns of head 0, then those of head 1, and so on: what all heads found, as one row a word." },
    { "attention", "output", "What the attention gives",
      "The heads' columns through the output matrix: what the word learned from the others, in as many numbers as its vector "
      "has." },
    { "norm", "sum", "The sum",
      "What comes into the norm: with the residual, what the stage before was given plus what it gave, so that nothing of the word "
      "is lost." },
    { "norm", "output", "After the norm",
      "The sum less its mean, divided by its deviation, times the gain of each column, plus its bias. Whatever the size of the "
      "sum, the "
      "rows now have a like length." },
    { "feed_forward", "hidden", "The hidden layer",
      "Each word by itself, through a wider matrix and the activation, which lets numbers above zero pass and holds others back." },
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

static void add_summary(wa_buf *out, const float *x, size_t n)
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

void wa_page_add_table(wa_buf *out, const wa_record *record, const wa_recorded *array, size_t slice)
{
    const size_t n       = array->shape[array->rank - 1];
    const bool   by_word = wa_recorded_is_by_word(array), is_small = !by_word && n <= FEW_COLUMNS;

    wa_buf_str(out, "<div class=\"scroll\"><table>");
    if (array->rank == 3)
        wa_html_format(out, "<caption>head %z</caption>", slice);
    wa_buf_str(out, "<thead><tr><th>word</th>");
    for (size_t c = 0; is_small && c < n; c++)
        wa_html_format(out, "<th>%z</th>", c);
    if (!is_small)
        wa_buf_str(out,
                   by_word ? "<th class=\"words\">largest</th>" : "<th>length</th><th>mean</th><th>least</th><th>largest</th>");
    wa_buf_str(out, "</tr></thead><tbody>");
    for (size_t t = wa_record_first(record); t < record->T; t++) {
        const float *const x = wa_recorded_row(array, slice, t);

        wa_html_format(out, "<tr><th>%t</th>", record->labels[t]);
        if (by_word)
            add_best(out, record, x, wa_recorded_is_weights(array));
        else
            (is_small ? add_numbers : add_summary)(out, x, n);
        wa_buf_str(out, "</tr>");
    }
    wa_buf_str(out, "</tbody></table></div>");
}

/* ---------------------------------------------------------------- figures */

static void open_figure(wa_page *page, const char *id, const char *title, const wa_recorded *array)
{
    wa_html_format(&page->body, "<figure id=\"");
    if (page->run > 0)
        wa_html_format(&page->body, "run%z.", page->run);
    wa_html_format(&page->body, "%s\"><h3>%t", id, wa_text_of(title));
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
    wa_buf_str(&page->body, "</figcaption><details><summary>As a table</summary><div class=\"tables\">");
    for (size_t slice = 0; slice < wa_recorded_slices(array); slice++)
        wa_page_add_table(&page->body, record, array, slice);
    wa_html_format(&page->body, "</div></details><div class=\"step\" data-run=\"%z\" data-step=\"%s\"></div></figure>\n", page->run,
                   array->name);
}

/* A quantity of a stage. */
static void add_quantity(wa_page *page, const wa_stage *stage, const char *name)
{
    const wa_recorded *const array = wa_record_of(page->part->record, stage, name);

    if (!array)
        return;
    const wa_quantity_text *const text        = wa_quantity_text_find(array->name);
    const bool                    over_matrix = wa_recorded_is_weights(array) && wa_setup_choice(stage, "softmax_over") == 1;

    open_figure(page, array->name, text ? text->title : name, array);
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

/* ---------------------------------------------------------------- words */

static void add_words(wa_page *page)
{
    const wa_record *const record = page->part->record;
    const size_t           first  = wa_record_first(record);

    wa_page_open(page, "words", "Words");
    wa_html_format(&page->body,
                   "<p>The text is split into words, and the model runs over %z of them, the start word included where "
                   "there is one.",
                   record->T);
    if (record->n_dropped > 0)
        wa_html_format(&page->body, " It was longer: <code>tokenizer.max_tokens</code> left out %z words before these.",
                       record->n_dropped);
    if (first > 0)
        wa_html_format(&page->body, " Here are the last %z; <a href=\"#abridged\">this page is abridged</a>.", record->T - first);
    wa_html_format(&page->body, "</p><ol class=\"words\" start=\"%z\">", first);
    for (size_t t = first; t < record->T; t++)
        wa_html_format(&page->body, "<li%s><span class=\"place\">%z</span>%t%s</li>",
                       record->words[t].is_known ? "" : " class=\"unknown\"", t, record->words[t].word,
                       record->words[t].is_known ? "" : " <small>unknown</small>");
    wa_buf_str(&page->body, "</ol>");
    if (record->n_left_out > 0) {
        wa_buf_str(&page->body, "<p>Left out, as they have no vector: ");
        for (size_t i = 0; i < record->n_left_out; i++)
            wa_html_format(&page->body, "%s<b>%t</b>", i ? ", " : "", record->left_out[i]);
        wa_buf_str(&page->body, ".</p>");
    }
    wa_page_close(page);
}

/* ---------------------------------------------------------------- vectors and positions */

static void add_nearest(wa_page *page)
{
    const wa_record *const      record  = page->part->record;
    const wa_explanation *const e       = page->part->explanation;
    const wa_vectors *const     vectors = record->model->vectors;
    const size_t                D       = wa_vectors_width(vectors);

    wa_html_format(
        &page->body,
        "<p>A word's vector is a row of %z numbers from the vectors file. Its length, and the words whose vectors point most "
        "nearly the same way (1 is the same direction, the cosine):</p><div class=\"scroll\"><table><thead><tr><th>word"
        "</th><th>length</th><th class=\"words\">nearest words</th></tr></thead><tbody>",
        D);
    for (size_t t = wa_record_first(record); t < record->T; t++) {
        wa_html_format(&page->body, "<tr><th>%t</th><td>%n</td><td class=\"words\">", record->labels[t],
                       wa_norm_of(record->vectors + t * D, D));
        for (size_t i = 0; i < e->nearest[t].n; i++)
            wa_html_format(&page->body, "%s<b>%t</b>&nbsp;%n", i ? ", " : "",
                           wa_vectors_word(vectors, e->nearest[t].items[i].index), (double)e->nearest[t].items[i].cosine);
        wa_buf_str(&page->body, "</td></tr>");
    }
    wa_buf_str(&page->body, "</tbody></table></div>");
}

/* How much of the sum is the position, by length. */
static void add_share(wa_page *page, const wa_stage *stage, const wa_stage *before)
{
    const wa_record *const   record   = page->part->record;
    const wa_recorded *const encoding = wa_record_of(record, stage, "encoding"), *const given =
                                                                                     wa_record_of(record, before, "output");
    const size_t D = stage->width_out;

    if (!given)
        return;
    wa_buf_str(&page->body,
               "<details><summary>How much of the sum is the position</summary><div class=\"scroll\"><table><thead><tr><th>"
               "word</th><th>length of the vector</th><th>length of the pattern</th><th>share of the pattern</th></tr>"
               "</thead><tbody>");
    for (size_t t = wa_record_first(record); t < record->T; t++) {
        const double a = wa_norm_of(given->data + t * D, D), b = wa_norm_of(encoding->data + t * D, D);

        wa_html_format(&page->body, "<tr><th>%t</th><td>%n</td><td>%n</td><td>%p</td></tr>", record->labels[t], a, b,
                       a + b > 0 ? b / (a + b) : 0);
    }
    wa_buf_str(&page->body,
               "</tbody></table></div><p>The share is the length of the pattern over the sum of both lengths.</p></details>");
}

static void add_embedding(wa_page *page, const wa_stage *stage)
{
    wa_page_open(page, "vectors", "Vectors");
    add_nearest(page);
    wa_html_format(&page->body, "<p>The model reads them times %n.</p>", wa_setup_scale(stage, "scale", stage->width_out));
    add_quantity(page, stage, "output");
    wa_page_close(page);
}

static void add_positions(wa_page *page, const wa_stage *stage, const wa_stage *before)
{
    wa_page_open(page, "positions", "Positions");
    if (wa_setup_choice(stage, "kind") == 1)
        wa_buf_str(&page->body, "<p>This model is set up with <code>kind: none</code>: nothing is added.</p>");
    add_quantity(page, stage, "encoding");
    add_share(page, stage, before);
    add_quantity(page, stage, "output");
    wa_page_close(page);
}

/* ---------------------------------------------------------------- attention */

static void add_masked_heads(wa_page *page, const wa_stage *stage)
{
    wa_buf json = { .env = page->body.env };

    wa_setup_add_json(stage, &json);
    wa_buf_add(&json, "", 1);
    const char *const at = json.failed ? NULL : strstr(json.data, "\"mask_heads\":[");
    if (at && at[14] != ']')
        wa_html_format(&page->body,
                       "<p>Switched off by <code>mask_heads</code>: %t. Such a head still has queries, keys, scores and "
                       "weights, and gives zeros.</p>",
                       (wa_text){ at + 14, strcspn(at + 14, "]") });
    page->body.failed = page->body.failed || json.failed;
    wa_buf_clear(&json);
}

static void add_attention(wa_page *page, const wa_stage *stage)
{
    static const char *const names[] = { "query", "key", "value", "scores", "weights", "heads", "concat", "output" };
    char                     id[WA_SETUP_NAME], title[WA_SETUP_NAME + 16];
    const size_t             E = wa_setup_size(stage, "head_dim");

    wa_setup_prefix(stage, id);
    snprintf(title, sizeof title, stage->ordinal ? "Attention %zu" : "Attention", stage->ordinal + 1);
    wa_page_open(page, id, title);
    wa_html_format(
        &page->body,
        "<p>%z heads look from each word at the others, each in its own way. A head turns every word into a query, a key and a "
        "value, %z numbers each; queries and keys decide how much each word takes of the values of the others.</p>",
        wa_setup_size(stage, "heads"), E);
    if (wa_setup_choice(stage, "mask") == 0)
        wa_buf_str(&page->body, "<p>The mask is causal: no word sees a later one.</p>");
    if (wa_setup_choice(stage, "scale") == 0)
        wa_html_format(&page->body,
                       "<p>Scores are divided by the root of %z, %n, so that they do not grow with the number of products.</p>", E,
                       sqrt((double)E));
    if (wa_setup_choice(stage, "softmax_over") == 1)
        wa_buf_str(&page->body,
                   "<p>One softmax goes over all scores of a head, so the weights add up to 1 over the whole matrix.</p>");
    add_masked_heads(page, stage);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_quantity(page, stage, names[i]);
    wa_page_close(page);
}

/* ---------------------------------------------------------------- norm */

static void add_deviations(wa_page *page, const wa_stage *stage)
{
    const wa_record *const   record = page->part->record;
    const wa_recorded *const sum    = wa_record_of(record, stage, "sum");
    const size_t             D      = stage->width_out;

    wa_buf_str(&page->body,
               "<details open><summary>Mean and deviation of each word</summary><div class=\"scroll\"><table><thead><tr><th>"
               "word</th><th>mean</th><th>deviation</th></tr></thead><tbody>");
    for (size_t t = wa_record_first(record); t < record->T; t++) {
        const float *const x    = sum->data + t * D;
        double             mean = 0, var = 0;

        for (size_t d = 0; d < D; d++)
            mean += (double)x[d] / (double)D;
        for (size_t d = 0; d < D; d++)
            var += ((double)x[d] - mean) * ((double)x[d] - mean) / (double)D;
        wa_html_format(&page->body, "<tr><th>%t</th><td>%n</td><td>%n</td></tr>", record->labels[t], mean,
                       sqrt(var + wa_setup_number(stage, "eps")));
    }
    wa_html_format(&page->body, "</tbody></table></div><p>The deviation is the root of the variance plus %n.</p></details>",
                   wa_setup_number(stage, "eps"));
}

/* The learned gain and bias of a norm as two rows. */
static void add_gain(wa_page *page, const wa_stage *stage)
{
    const wa_weights *const weights = page->part->record->model->weights;
    const wa_text           rows[]  = { wa_text_of("gain"), wa_text_of("bias") };
    char                    name[WA_SETUP_NAME];
    const size_t            D    = stage->width_out;
    float *const            data = wa_alloc(page->body.env, 2 * D, sizeof *data);
    wa_heatmap              map  = {
                      .figure = { .kind = "still", .label = "Heatmap of gain and bias; the table below has their numbers", .attributes = "" },
                      .data      = data,
                      .n_rows    = 2,
                      .n_columns = D < WA_PLATE_MOST_COLUMNS ? D : WA_PLATE_MOST_COLUMNS,
                      .stride    = D,
                      .rows      = rows,
    };

    page->body.failed = page->body.failed || !data;
    for (size_t r = 0; data && r < 2; r++) {
        const wa_taken_tensor *const tensor = wa_weights_find(weights, wa_setup_name(stage, r ? "bias" : "weight", name));

        for (size_t d = 0; d < D; d++)
            data[r * D + d] = wa_number_at(tensor->numbers.data, tensor->numbers.type, d);
    }
    if (data) {
        map.colours = wa_colours_of(data, 2 * D, false);
        open_figure(page, wa_setup_name(stage, "gain", name), "Gain and bias", NULL);
        wa_buf_str(&page->body, "<div class=\"scroll\">");
        wa_heatmap_add(&page->body, &map);
        wa_buf_str(
            &page->body,
            "</div><figcaption>Learned, the same for every word: what each column is multiplied by, and what is added.</figcaption>"
            "<details><summary>As a table</summary><div class=\"scroll\"><table><thead><tr><th></th><th>length</th><th>mean"
            "</th><th>least</th><th>largest</th></tr></thead><tbody><tr><th>gain</th>");
        add_summary(&page->body, data, D);
        wa_buf_str(&page->body, "</tr><tr><th>bias</th>");
        add_summary(&page->body, data + D, D);
        wa_buf_str(&page->body, "</tr></tbody></table></div></details></figure>\n");
    }
    wa_release(page->body.env, data);
}

static void add_norm(wa_page *page, const wa_stage *stage)
{
    char       id[WA_SETUP_NAME], title[WA_SETUP_NAME + 32];
    const bool has_residual = wa_setup_bool(stage, "residual"), by_tokens = wa_setup_choice(stage, "over") == 1;

    wa_setup_prefix(stage, id);
    snprintf(title, sizeof title, stage->ordinal ? "%s %zu" : "%s", has_residual ? "Sum and norm" : "Norm", stage->ordinal + 1);
    wa_page_open(page, id, title);
    wa_buf_str(&page->body,
               has_residual
                   ? "<p>What the stage before was given is added to what it gave, and the sum is brought to a common size.</p>"
                   : "<p>What the stage before gave is brought to a common size.</p>");
    if (by_tokens)
        wa_buf_str(&page->body, "<p>Mean and deviation go over the words, for each column (<code>over: tokens</code>).</p>");
    add_quantity(page, stage, "sum");
    if (!by_tokens)
        add_deviations(page, stage);
    add_gain(page, stage);
    add_quantity(page, stage, "output");
    wa_page_close(page);
}

static void add_feed_forward(wa_page *page, const wa_stage *stage)
{
    char id[WA_SETUP_NAME], title[WA_SETUP_NAME + 32];

    wa_setup_prefix(stage, id);
    snprintf(title, sizeof title, stage->ordinal ? "Feed-forward %zu" : "Feed-forward", stage->ordinal + 1);
    wa_page_open(page, id, title);
    wa_html_format(&page->body, "<p>Two matrices with an activation between them (%s), for each word by itself.</p>",
                   wa_setup_choice(stage, "activation") == 0 ? "relu" : "gelu");
    add_quantity(page, stage, "hidden");
    add_quantity(page, stage, "output");
    wa_page_close(page);
}

/* ---------------------------------------------------------------- next words */

void wa_page_add_bars(wa_buf *out, const wa_report_part *part, const wa_page *page)
{
    const wa_record *const record = part->record;
    const size_t           n      = record->n_next;
    wa_arena               arena  = { .env = out->env };
    double *const          values = wa_arena_alloc(&arena, n, sizeof *values);
    wa_text *const words = wa_arena_alloc(&arena, n, sizeof *words), *const texts = wa_arena_alloc(&arena, n, sizeof *texts);
    char attributes[80] = "";
    bool ok             = values && words && texts;

    if (page)
        snprintf(attributes, sizeof attributes, " data-run=\"%zu\" data-array=\"vocabulary.probabilities\"", page->run);
    for (size_t i = 0; ok && i < n; i++) {
        char text[32];

        snprintf(text, sizeof text, "%.1f%%", 100 * (double)record->next[i].prob);
        values[i] = (double)record->next[i].prob;
        words[i]  = record->next[i].word;
        texts[i]  = wa_arena_text(&arena, wa_text_of(text));
        ok        = texts[i].data != NULL;
    }
    if (ok)
        wa_bars_add(out,
                    &(wa_bars){
                        .figure = { .kind  = "bars",
                                    .label = page ? "Bars of the probabilities of the next words; the table below has their numbers"
                                                  : "Bars of the probabilities of the next words",
                                    .attributes = attributes,
                                    .is_alone   = !page },
                        .values = values,
                        .words  = words,
                        .texts  = texts,
                        .n      = n,
                        .most   = values[0],
                    });
    out->failed = out->failed || !ok;
    wa_arena_clear(&arena);
}

void wa_page_add_ranking(wa_page *page)
{
    const wa_record *const record = page->part->record;

    wa_buf_str(&page->body, "<div class=\"scroll\"><table><thead><tr><th>rank</th><th "
                            "class=\"left\">word</th><th>probability</th><th>its logarithm</th>"
                            "<th>logit</th></tr></thead><tbody>");
    for (size_t i = 0; i < record->n_next; i++) {
        const wa_prediction *const p = &record->next[i];

        wa_html_format(&page->body, "<tr><td>%z</td><th>%t</th><td>%p</td><td>%n</td><td>%n</td></tr>", i + 1, p->word,
                       (double)p->prob, (double)p->logprob, (double)p->logit);
    }
    wa_buf_str(&page->body, "</tbody></table></div>");
}

static void add_next_words(wa_page *page)
{
    const wa_record *const record = page->part->record;

    wa_page_open(page, "next", "Next words");
    wa_html_format(
        &page->body,
        "<p>The row of the last word, <b>%t</b>, goes through the output weights: for each of the %z words of the vocabulary the "
        "sum of the products of its row and the word's weights, plus the word's bias. That is the word's logit. The softmax of all "
        "logits gives the probabilities.</p>",
        record->labels[record->T - 1], record->N);
    open_figure(page, "vocabulary.probabilities", "The words that are most likely to come next", NULL);
    wa_page_add_bars(&page->body, page->part, page);
    wa_html_format(&page->body, "<figcaption>The first %z of %z words.</figcaption><details open><summary>As a table</summary>",
                   record->n_next, record->N);
    wa_page_add_ranking(page);
    wa_html_format(&page->body,
                   "</details><div class=\"step\" data-run=\"%z\" data-step=\"vocabulary.logits\"></div><div class=\"step\" "
                   "data-run=\"%z\" data-step=\"vocabulary.probabilities\"></div></figure>\n",
                   page->run, page->run);
    wa_page_close(page);
}

static void add_lens(wa_page *page)
{
    const wa_record *const      record = page->part->record;
    const wa_explanation *const e      = page->part->explanation;
    char                        prefix[WA_SETUP_NAME];

    wa_page_open(page, "lens", "The ranking after each stage");
    wa_buf_str(
        &page->body,
        "<p>What would the model say if it ended earlier? The last word's row after each stage, put straight through the output "
        "weights (a logit lens): the rank that each of the words above would have, and the words that would come first. The last "
        "row is the model's answer.</p><div class=\"scroll\"><table><thead><tr><th>after</th>");
    for (size_t i = 0; i < record->n_next; i++)
        wa_html_format(&page->body, "<th>%t</th>", record->next[i].word);
    wa_html_format(&page->body, "<th class=\"words\">first %z</th></tr></thead><tbody>", (size_t)WA_LENS_TOP);
    for (size_t r = 0; r < e->n_lens; r++) {
        wa_html_format(&page->body, "<tr><th><code>%s</code></th>", wa_setup_prefix(e->lens[r].stage, prefix));
        for (size_t i = 0; i < record->n_next; i++)
            wa_html_format(&page->body, "<td>%z</td>", e->lens[r].ranks[i]);
        wa_buf_str(&page->body, "<td class=\"words\">");
        for (size_t i = 0; i < e->lens[r].n_top; i++)
            wa_html_format(&page->body, "%s%t", i ? ", " : "", wa_model_word(record->model, e->lens[r].top[i]));
        wa_buf_str(&page->body, "</td></tr>");
    }
    wa_buf_str(&page->body, "</tbody></table></div>");
    wa_page_close(page);
}

/* ---------------------------------------------------------------- contributions */

void wa_page_add_contribution_map(wa_buf *out, const wa_report_part *part, bool is_alone)
{
    const wa_contributions *const c       = &part->explanation->contributions;
    wa_arena                      arena   = { .env = out->env };
    float *const                  data    = wa_arena_alloc(&arena, c->n, c->n_words * sizeof *data);
    wa_text *const                rows    = wa_arena_alloc(&arena, c->n, sizeof *rows);
    wa_text *const                columns = wa_arena_alloc(&arena, c->n_words, sizeof *columns);

    for (size_t i = 0; data && i < c->n * c->n_words; i++)
        data[i] = (float)c->values[i];
    for (size_t i = 0; rows && i < c->n; i++)
        rows[i] = wa_text_of(c->names[i]);
    for (size_t i = 0; columns && i < c->n_words; i++)
        columns[i] = part->record->next[i].word;
    if (data && rows && columns)
        wa_heatmap_add(out, &(wa_heatmap){
                                .figure        = { .kind       = "still",
                                                   .label      = is_alone ? "Heatmap of the contributions"
                                                                          : "Heatmap of the contributions; the table below has their numbers",
                                                   .attributes = "",
                                                   .is_alone   = is_alone },
                                .data          = data,
                                .n_rows        = c->n,
                                .n_columns     = c->n_words,
                                .stride        = c->n_words,
                                .rows          = rows,
                                .columns       = columns,
                                .colours       = wa_colours_of(data, c->n * c->n_words, false),
                                .label_columns = 26,
                            });
    else
        out->failed = true;
    wa_arena_clear(&arena);
}

static void add_contribution_rows(wa_page *page)
{
    const wa_record *const        record = page->part->record;
    const wa_contributions *const c      = &page->part->explanation->contributions;

    for (size_t i = 0; i < c->n; i++) {
        wa_html_format(&page->body, "<tr><th>%t</th>", wa_text_of(c->names[i]));
        for (size_t w = 0; w < c->n_words; w++)
            add_cell(&page->body, c->values[i * c->n_words + w]);
        wa_buf_str(&page->body, "</tr>");
    }
    wa_buf_str(&page->body, "</tbody><tfoot><tr><th>sum</th>");
    for (size_t w = 0; w < c->n_words; w++)
        wa_buf_format(&page->body, "<td>%.6f</td>", c->sums[w]);
    wa_buf_str(&page->body, "</tr><tr><th>logit</th>");
    for (size_t w = 0; w < c->n_words; w++)
        wa_buf_format(&page->body, "<td>%.6f</td>", (double)record->next[w].logit);
    wa_buf_str(&page->body, "</tr><tr><th>difference</th>");
    for (size_t w = 0; w < c->n_words; w++)
        wa_buf_format(&page->body, "<td>%.1e</td>", c->sums[w] - (double)record->next[w].logit);
    wa_buf_str(&page->body, "</tr></tfoot>");
}

static void add_contributions(wa_page *page)
{
    const wa_record *const record = page->part->record;

    wa_page_open(page, "contributions", "What each part contributed");
    wa_buf_str(&page->body,
               "<p>The row that the logits are made of is a sum, so each logit is one too: of what the word itself, its position, "
               "each head "
               "and the biases gave. A norm divides by the deviation that it found; that number is held, and everything else is "
               "exact. What a "
               "head gives is taken as it stands: that it came from the values of certain words is not followed further back.</p>");
    open_figure(page, "contribution", "Contributions to the logits", NULL);
    wa_buf_str(&page->body, "<div class=\"scroll\">");
    wa_page_add_contribution_map(&page->body, page->part, false);
    wa_buf_str(
        &page->body,
        "</div><figcaption>Row: a part of the model. Column: one of the words ranked first. Orange speaks for the word, "
        "blue against it.</figcaption><details open><summary>As a table</summary><div class=\"scroll\"><table class=\"sums\">"
        "<thead><tr><th></th>");
    for (size_t w = 0; w < record->n_next; w++)
        wa_html_format(&page->body, "<th>%t</th>", record->next[w].word);
    wa_buf_str(&page->body, "</tr></thead><tbody>");
    add_contribution_rows(page);
    wa_buf_str(&page->body, "</table></div></details></figure>\n");
    wa_page_close(page);
}

/* ---------------------------------------------------------------- all of them */

static void add_stage(wa_page *page, const wa_stage *stage, const wa_stage *before)
{
    const wa_stage_ops *const ops = stage->ops;

    if (ops == wa_embedding_stage.owner)
        add_embedding(page, stage);
    else if (ops == wa_position_stage.owner)
        add_positions(page, stage, before);
    else if (ops == wa_attention_stage.owner)
        add_attention(page, stage);
    else if (ops == wa_norm_stage.owner)
        add_norm(page, stage);
    else if (ops == wa_feed_forward_stage.owner)
        add_feed_forward(page, stage);
}

void wa_page_add_sections(wa_page *page)
{
    const wa_pipeline *const pipeline = &page->part->record->model->pipeline;

    add_words(page);
    for (size_t i = 0; i < pipeline->n_stages; i++)
        add_stage(page, &pipeline->stages[i], i ? &pipeline->stages[i - 1] : NULL);
    if (page->part->record->n_next == 0)
        return;
    add_next_words(page);
    add_lens(page);
    add_contributions(page);
}

/* What a page says of one run, in the order of the data. See page_parts.h. */
#include <math.h>
#include <stdio.h>

#include "report/page_parts.h"
#include "report/setup.h"

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
    wa_page_add_quantity(page, stage, "output");
    wa_page_close(page);
}

static void add_positions(wa_page *page, const wa_stage *stage, const wa_stage *before)
{
    wa_page_open(page, "positions", "Positions");
    if (wa_setup_choice(stage, "kind") == 1)
        wa_buf_str(&page->body, "<p>This model is set up with <code>kind: none</code>: nothing is added.</p>");
    wa_page_add_quantity(page, stage, "encoding");
    add_share(page, stage, before);
    wa_page_add_quantity(page, stage, "output");
    wa_page_close(page);
}

/* ---------------------------------------------------------------- attention */

static void add_masked_heads(wa_page *page, const wa_stage *stage)
{
    const wa_sizes *const heads = wa_setup_sizes(stage, "mask_heads");

    if (heads->n == 0)
        return;
    wa_buf_str(&page->body, "<p>Switched off by <code>mask_heads</code>: head ");
    for (size_t i = 0; i < heads->n; i++)
        wa_html_format(&page->body, "%s%z", i ? ", " : "", heads->items[i]);
    wa_buf_str(&page->body, ". Such a head still has queries, keys, scores and weights, and gives zeros.</p>");
}

/* How this attention is set up, in sentences. */
static void add_attention_setup(wa_page *page, const wa_stage *stage)
{
    enum { CAUSAL, SQRT_E = 0, SLICE = 1, NO_PROJECTIONS = 1, VECTORS = 1, MATRIX = 1 };
    wa_buf *const body = &page->body;
    const size_t  H = wa_setup_size(stage, "heads"), E = wa_setup_size(stage, "head_dim");

    if (H == 1)
        wa_buf_str(body, "<p>One head looks from each word at the others.");
    else
        wa_html_format(body, "<p>%z heads look from each word at the others, each in its own way.", H);
    wa_html_format(body,
                   " A head turns every word into a query, a key and a value, %z numbers each; queries and keys decide how much "
                   "each word takes of the values of the others.</p>",
                   E);
    if (wa_setup_choice(stage, "source") == VECTORS)
        wa_buf_str(body, "<p>Here they read the vectors as they stand in the file, not what the stage before gave.</p>");
    if (wa_setup_choice(stage, "input") == SLICE)
        wa_buf_str(body, "<p>Here each head reads a slice of the columns, its own.</p>");
    if (wa_setup_choice(stage, "projections") == NO_PROJECTIONS)
        wa_buf_str(body, "<p>Here there are no matrices before the scores: queries, keys and values are what the head reads.</p>");
    if (wa_setup_choice(stage, "mask") == CAUSAL)
        wa_buf_str(body, "<p>The mask is causal: no word sees a later one.</p>");
    if (wa_setup_choice(stage, "scale") == SQRT_E)
        wa_html_format(body,
                       "<p>Scores are divided by the root of %z, %n, so that they do not grow with the number of products.</p>", E,
                       sqrt((double)E));
    if (wa_setup_choice(stage, "softmax_over") == MATRIX)
        wa_buf_str(body, "<p>One softmax goes over all scores of a head, so the weights add up to 1 over the whole matrix.</p>");
    if (!wa_setup_bool(stage, "output_projection"))
        wa_buf_str(body, "<p>There is no output matrix: the heads side by side are what the attention gives.</p>");
    add_masked_heads(page, stage);
}

static void add_attention(wa_page *page, const wa_stage *stage)
{
    static const char *const names[] = { "query", "key", "value", "scores", "weights", "heads", "concat", "output" };
    char                     id[WA_SETUP_NAME], title[WA_SETUP_NAME + 16];

    wa_setup_prefix(stage, id);
    snprintf(title, sizeof title, stage->ordinal ? "Attention %zu" : "Attention", stage->ordinal + 1);
    wa_page_open(page, id, title);
    add_attention_setup(page, stage);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        wa_page_add_quantity(page, stage, names[i]);
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
        wa_page_open_figure(page, wa_setup_name(stage, "gain", name), "Gain and bias", NULL);
        wa_buf_str(&page->body, "<div class=\"scroll\">");
        wa_heatmap_add(&page->body, &map);
        wa_buf_str(
            &page->body,
            "</div><figcaption>Learned, the same for every word: what each column is multiplied by, and what is added.</figcaption>"
            "<details><summary>As a table</summary><div class=\"scroll\"><table><thead><tr><th></th><th>length</th><th>mean"
            "</th><th>least</th><th>largest</th></tr></thead><tbody><tr><th>gain</th>");
        wa_page_add_summary(&page->body, data, D);
        wa_buf_str(&page->body, "</tr><tr><th>bias</th>");
        wa_page_add_summary(&page->body, data + D, D);
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
    wa_page_add_quantity(page, stage, "sum");
    if (!by_tokens)
        add_deviations(page, stage);
    add_gain(page, stage);
    wa_page_add_quantity(page, stage, "output");
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
    wa_page_add_quantity(page, stage, "hidden");
    wa_page_add_quantity(page, stage, "output");
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
    if (page->part->record->n_next > 0)
        wa_page_add_answer(page);
}

/* What a page says of the ranked words: their probabilities, their ranks after each stage, and what contributed to their logits. See
 * page_parts.h. */
#include <stdio.h>

#include "report/page_parts.h"
#include "report/setup.h"

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

static void add_ranking(wa_page *page)
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
    wa_page_open_figure(page, "vocabulary.probabilities", "The words that are most likely to come next", NULL);
    wa_page_add_bars(&page->body, page->part, page);
    wa_html_format(&page->body, "<figcaption>The first %z of %z words.</figcaption><details open><summary>As a table</summary>",
                   record->n_next, record->N);
    add_ranking(page);
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
            wa_html_format(&page->body, "<td>%n</td>", c->values[i * c->n_words + w]);
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
               "<p>The row that the logits are made of is a sum, so each logit is one too: of what the word itself, its "
               "position, each head and the biases gave. A norm divides by the deviation that it found; that number is held, "
               "and everything else is exact. What a head gives is taken as it stands: that it came from the values of "
               "certain words is not followed further back.</p>");
    wa_page_open_figure(page, "contribution", "Contributions to the logits", NULL);
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

void wa_page_add_answer(wa_page *page)
{
    add_next_words(page);
    add_lens(page);
    add_contributions(page);
}

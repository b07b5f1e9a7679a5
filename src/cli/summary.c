/* The totals of many scored texts. See summary.h. */
#include "cli/summary.h"

#include <math.h>

#include "base/json.h"
#include "base/str.h"

/* The figures of the summary that are not counts, in the order of the record. */
typedef struct figure {
    const char *name, *title;
    double      value;
} figure;

enum { N_FIGURES = 7 };

static void list_figures(const wa_score_totals *t, figure out[N_FIGURES])
{
    const double n       = (double)t->n_words;
    const size_t n_known = t->n_words - t->n_unknown_scored;
    const double logprob = wa_sum_value(&t->logprob);

    out[0] = (figure){ "logprob", "log-probability", logprob };
    out[1] = (figure){ "perplexity", "perplexity", wa_perplexity(logprob, t->n_words) };
    out[2] = (figure){ "perplexity_known", "perplexity of known words", wa_perplexity(wa_sum_value(&t->logprob_known), n_known) };
    out[3] = (figure){ "mrr", "mean reciprocal rank", wa_sum_value(&t->reciprocal_ranks) / n };
    out[4] = (figure){ "top1", "right word first", (double)t->n_top1 / n };
    out[5] = (figure){ "top5", "right word among 5", (double)t->n_top5 / n };
    out[6] = (figure){ "top10", "right word among 10", (double)t->n_top10 / n };
}

static void add_special(wa_buf *record, const char *name, wa_text word)
{
    wa_buf_format(record, ",\"%s\":", name);
    wa_json_add_text_or_null(record, word);
}

static void add_jsonl(wa_buf *record, const wa_summary *summary, const figure *figures)
{
    const wa_score_totals *const totals = summary->totals;

    wa_buf_format(record, "{\"summary\":true,\"lines\":%zu,\"words\":%zu,\"unknown\":%zu", totals->n_texts, totals->n_words,
                  totals->n_unknown);
    for (size_t i = 0; i < N_FIGURES; i++) {
        wa_buf_format(record, ",\"%s\":", figures[i].name);
        wa_json_add_double(record, figures[i].value);
    }
    wa_buf_str(record, ",\"log_base\":\"e\"");
    add_special(record, "start", summary->start);
    add_special(record, "end", summary->end);
    if (totals->n_invalid)
        wa_buf_format(record, ",\"invalid\":%zu", totals->n_invalid);
    wa_buf_format(record, ",\"context\":\"%s\"}\n", summary->is_document ? "document" : "line");
}

static void add_tsv(wa_buf *record, const wa_score_totals *totals, const figure *figures)
{
    char number[WA_NUMBER_SIZE];

    wa_buf_format(record, "# lines\t%zu\n# words\t%zu\n# unknown\t%zu\n", totals->n_texts, totals->n_words, totals->n_unknown);
    for (size_t i = 0; i < N_FIGURES; i++)
        wa_buf_format(record, "# %s\t%s\n", figures[i].name,
                      isfinite(figures[i].value) ? wa_format_double(number, figures[i].value) : "");
}

static void add_table(wa_buf *record, const wa_score_totals *totals, const figure *figures)
{
    wa_buf_format(record, "\n%-26s %12zu\n%-26s %12zu\n%-26s %12zu\n", "lines", totals->n_texts, "scored words", totals->n_words,
                  "unknown words", totals->n_unknown);
    if (totals->n_invalid)
        wa_buf_format(record, "%-26s %12zu\n", "not UTF-8 (read as U+FFFD)", totals->n_invalid);
    for (size_t i = 0; i < N_FIGURES; i++) {
        if (isfinite(figures[i].value))
            wa_buf_format(record, "%-26s %12.4f\n", figures[i].title, figures[i].value);
        else
            wa_buf_format(record, "%-26s %12s\n", figures[i].title, "-");
    }
}

/* As KenLM's query prints them. Source: KenLM, lm/ngram_query.hh. */
static void add_kenlm(wa_buf *record, const wa_score_totals *t)
{
    const double all = wa_sum_value(&t->logprob), known = wa_sum_value(&t->logprob_known);
    char         number[WA_NUMBER_SIZE];

    wa_buf_format(record, "Perplexity including OOVs:\t%s\n", wa_format_double(number, wa_perplexity(all, t->n_words)));
    wa_buf_format(record, "Perplexity excluding OOVs:\t%s\n",
                  wa_format_double(number, wa_perplexity(known, t->n_words - t->n_unknown_scored)));
    wa_buf_format(record, "OOVs:\t%zu\nTokens:\t%zu\n", t->n_unknown, t->n_words);
}

void wa_summary_add(wa_buf *record, const wa_summary *summary)
{
    figure figures[N_FIGURES];

    list_figures(summary->totals, figures);
    switch (summary->format) {
    case WA_SCORE_TABLE:
        add_table(record, summary->totals, figures);
        return;
    case WA_SCORE_TSV:
        add_tsv(record, summary->totals, figures);
        return;
    case WA_SCORE_JSONL:
        add_jsonl(record, summary, figures);
        return;
    case WA_SCORE_KENLM:
        add_kenlm(record, summary->totals);
        return;
    }
}

/* What the tasks give, as JSON. See jsonl.h. */
#include "report/jsonl.h"

#include <math.h>

#include "base/json.h"

/* ---------------------------------------------------------------- words and predictions */

static void add_listed(wa_buf *record, wa_text word, bool is_first)
{
    wa_buf_str(record, is_first ? "" : ",");
    wa_json_add_text(record, word);
}

static void begin_record(wa_buf *record, wa_text text)
{
    wa_buf_str(record, "{\"text\":");
    if (!text.data && text.n_bytes > 0) /* longer than what is kept */
        wa_buf_str(record, "null");
    else
        wa_json_add_text(record, text);
}

void wa_words_add_json(wa_buf *record, wa_text text, const wa_tokens *tokens)
{
    size_t n_unknown = 0;

    begin_record(record, text);
    wa_buf_str(record, ",\"tokens\":[");
    for (size_t i = 0; i < tokens->n_tokens; i++)
        add_listed(record, tokens->tokens[i].word, i == 0);
    wa_buf_str(record, "],\"unknown\":[");
    for (size_t i = 0; i < tokens->n_tokens; i++)
        if (!tokens->tokens[i].is_known)
            add_listed(record, tokens->tokens[i].word, n_unknown++ == 0);
    wa_buf_str(record, "]");
}

void wa_notes_add_json(wa_buf *record, const wa_tokens *tokens)
{
    if (tokens->n_invalid)
        wa_buf_format(record, ",\"invalid\":%zu", tokens->n_invalid);
    if (tokens->n_dropped)
        wa_buf_format(record, ",\"dropped\":%zu", tokens->n_dropped);
}

static void add_prediction(wa_buf *record, const wa_prediction *word, bool words_only)
{
    if (words_only) {
        wa_buf_str(record, ",\"logit\":");
        wa_json_add_float(record, word->logit);
        return;
    }
    wa_buf_str(record, ",\"logprob\":");
    wa_json_add_float(record, word->logprob);
    wa_buf_str(record, ",\"prob\":");
    wa_json_add_float(record, word->prob);
}

void wa_ranking_add_json(wa_buf *record, const wa_ranking *ranking, bool words_only)
{
    wa_buf_str(record, "\"next\":[");
    for (size_t i = 0; i < ranking->n_next; i++) {
        wa_buf_format(record, "%s{\"rank\":%zu,\"word\":", i ? "," : "", i + 1);
        wa_json_add_text(record, ranking->next[i].word);
        add_prediction(record, &ranking->next[i], words_only);
        wa_buf_str(record, "}");
    }
    wa_buf_str(record, "]");
}

/* ---------------------------------------------------------------- scores */

static void add_word(wa_buf *record, const wa_word_score *word, bool is_first)
{
    wa_buf_str(record, is_first ? "{\"word\":" : ",{\"word\":");
    wa_json_add_text(record, word->token.word);
    wa_buf_format(record, ",\"known\":%s,\"logprob\":", word->token.is_known ? "true" : "false");
    wa_json_add_float(record, word->has_score ? word->logprob : NAN);
    if (word->has_score)
        wa_buf_format(record, ",\"rank\":%zu", word->rank);
    else
        wa_buf_str(record, ",\"rank\":null");
    wa_buf_format(record, ",\"start\":%zu,\"end\":%zu}", word->token.start, word->token.end);
}

void wa_scores_add_json(wa_buf *record, const wa_scores *scores, bool has_tokens)
{
    wa_buf_str(record, "\"logprob\":");
    wa_json_add_double(record, scores->logprob);
    wa_buf_format(record, ",\"words\":%zu,\"perplexity\":", scores->n_scored);
    wa_json_add_double(record, wa_perplexity(scores->logprob, scores->n_scored));
    if (!has_tokens)
        return;
    wa_buf_str(record, ",\"tokens\":[");
    for (size_t i = 0; i < scores->n_words; i++)
        add_word(record, &scores->words[i], i == 0);
    wa_buf_str(record, "]");
}

/* ---------------------------------------------------------------- vectors */

static void add_row(wa_buf *record, const float *row, size_t width)
{
    for (size_t d = 0; d < width; d++) {
        wa_buf_str(record, d ? "," : "[");
        wa_json_add_float(record, row[d]);
    }
    wa_buf_str(record, "]");
}

void wa_embedding_add_json(wa_buf *record, const wa_embedding *embedding, wa_pooling pooling)
{
    const bool is_list = pooling == WA_POOL_NONE;

    wa_buf_str(record, is_list ? "\"embeddings\":[" : "\"embedding\":");
    for (size_t i = 0; i < embedding->n_rows; i++) {
        wa_buf_str(record, i ? "," : "");
        add_row(record, embedding->data + i * embedding->width, embedding->width);
    }
    wa_buf_str(record, is_list ? "]" : "");
}

/* ---------------------------------------------------------------- steps */

/* Nested lists of the dimensions from `dimension` on; returns the first value not used. */
static const float *add_values(wa_buf *record, const wa_quantity *q, size_t dimension, const float *x)
{
    wa_buf_str(record, "[");
    for (size_t i = 0; i < q->shape[dimension]; i++) {
        wa_buf_str(record, i ? "," : "");
        if (dimension + 1 < q->rank)
            x = add_values(record, q, dimension + 1, x);
        else
            wa_json_add_float(record, *x++);
    }
    wa_buf_str(record, "]");
    return x;
}

void wa_step_add_json(wa_buf *record, const wa_quantity *q)
{
    wa_buf_str(record, "{\"name\":");
    wa_json_add_text(record, wa_text_of(q->name));
    wa_buf_str(record, ",\"shape\":[");
    for (size_t i = 0; i < q->rank; i++)
        wa_buf_format(record, "%s%zu", i ? "," : "", q->shape[i]);
    wa_buf_str(record, "],\"values\":");
    add_values(record, q, 0, q->data);
    wa_buf_str(record, "}");
}

/* ---------------------------------------------------------------- failures */

void wa_error_add_json(wa_buf *record, const wa_error *err)
{
    wa_buf_str(record, ",\"error\":");
    wa_json_add_text(record, wa_text_of(err->message));
}

void wa_failure_add_json(wa_buf *record, wa_text text, const wa_error *err)
{
    begin_record(record, text);
    wa_error_add_json(record, err);
    wa_buf_str(record, "}");
}

/* Numbers as base64 of little-endian floats in JSON. See data.h. */
#include "report/data.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "model/vocabulary.h"
#include "report/setup.h"

/* ---------------------------------------------------------------- pieces */

/* A string in which no '<' can end the script element around it. */
static void add_text(wa_buf *out, wa_text text)
{
    wa_buf json = { .env = out->env };

    wa_json_add_text(&json, text);
    for (size_t i = 0; i < json.n_bytes; i++)
        if (json.data[i] == '<')
            wa_buf_str(out, "\\u003c");
        else
            wa_buf_add(out, &json.data[i], 1);
    out->failed = out->failed || json.failed;
    wa_buf_clear(&json);
}

/* Source: RFC 4648, section 4. */
static void add_base64(wa_buf *out, const void *bytes, size_t n)
{
    static const char          letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *const b         = bytes;

    wa_buf_str(out, "\"");
    for (size_t i = 0; i < n; i += 3) {
        const size_t   left    = n - i;
        const unsigned v       = (unsigned)b[i] << 16 | (left > 1 ? (unsigned)b[i + 1] << 8 : 0) | (left > 2 ? b[i + 2] : 0u);
        const char     four[4] = { letters[v >> 18], letters[v >> 12 & 63], left > 1 ? letters[v >> 6 & 63] : '=',
                               left > 2 ? letters[v & 63] : '=' };

        wa_buf_add(out, four, sizeof four);
    }
    wa_buf_str(out, "\"");
}

/* {"shape":[...],"data":... without the closing brace */
static void open_array(wa_buf *out, const size_t *shape, size_t rank, const void *data, size_t n_bytes)
{
    wa_buf_str(out, "{\"shape\":[");
    for (size_t i = 0; i < rank; i++)
        wa_buf_format(out, "%s%zu", i ? "," : "", shape[i]);
    wa_buf_str(out, "],\"data\":");
    add_base64(out, data, n_bytes);
}

static void add_floats(wa_buf *out, const size_t *shape, size_t rank, const float *data)
{
    size_t n = 1;

    for (size_t i = 0; i < rank; i++)
        n *= shape[i];
    open_array(out, shape, rank, data, n * sizeof *data);
    wa_buf_str(out, "}");
}

/* Names of what is left out, collected on the way. */
typedef struct leaving_out {
    wa_buf names; /* "a","b" */
} leaving_out;

static void leave_out(leaving_out *left, const char *name)
{
    wa_buf_format(&left->names, "%s\"%s\"", left->names.n_bytes ? "," : "", name);
}

/* ---------------------------------------------------------------- words, stages, arrays */

static void add_words(wa_buf *out, const wa_record *record)
{
    wa_buf_str(out, ",\"words\":[");
    for (size_t t = 0; t < record->T; t++) {
        wa_buf_str(out, t ? ",{\"word\":" : "{\"word\":");
        add_text(out, record->words[t].word);
        wa_buf_format(out, ",\"known\":%s}", record->words[t].is_known ? "true" : "false");
    }
    wa_buf_str(out, "]");
}

static void add_stages(wa_buf *out, const wa_record *record)
{
    const wa_pipeline *const pipeline = &record->model->pipeline;
    char                     prefix[WA_SETUP_NAME];

    wa_buf_str(out, ",\"stages\":[");
    for (size_t i = 0; i < pipeline->n_stages; i++) {
        const wa_stage *const stage = &pipeline->stages[i];

        wa_buf_format(out, "%s{\"kind\":\"%s\",\"prefix\":\"%s\",\"options\":", i ? "," : "", stage->name,
                      wa_setup_prefix(stage, prefix));
        wa_setup_add_json(stage, out);
        wa_buf_str(out, "}");
    }
    wa_buf_str(out, "]");
}

static void add_arrays(wa_buf *out, const wa_record *record, leaving_out *left)
{
    const size_t shape[] = { record->T, wa_vectors_width(record->model->vectors) };
    const bool   is_long = wa_record_is_long(record);

    if (!is_long) {
        wa_buf_str(out, ",\"vectors\":");
        add_floats(out, shape, 2, record->vectors);
    } else {
        leave_out(left, "vectors");
    }
    wa_buf_str(out, ",\"arrays\":{");
    for (size_t i = 0; i < record->n_arrays; i++) {
        const wa_recorded *const array = &record->arrays[i];

        if (is_long) {
            leave_out(left, array->name);
            continue;
        }
        wa_buf_format(out, "%s\"%s\":", i ? "," : "", array->name);
        add_floats(out, array->shape, array->rank, array->data);
    }
    wa_buf_str(out, "}");
}

/* ---------------------------------------------------------------- weights */

static const wa_stage *stage_of(const wa_pipeline *pipeline, wa_text tensor)
{
    char prefix[WA_SETUP_NAME];

    for (size_t i = 0; i < pipeline->n_stages; i++)
        if (wa_text_begins(tensor, wa_text_of(wa_setup_name(&pipeline->stages[i], "", prefix))))
            return &pipeline->stages[i];
    return NULL;
}

/* Queries, keys and values have their heads as the first dimension, however they are stored; returns how often the numbers stand
 * there: a matrix that all heads share stands there for each. */
static size_t shape_by_head(const wa_stage *stage, const wa_taken_tensor *tensor, wa_shape *shape)
{
    const size_t H = wa_setup_size(stage, "heads"), E = wa_setup_size(stage, "head_dim");
    const bool   is_bias = wa_text_ends(tensor->name, ".bias");

    *shape = tensor->shape;
    if (wa_text_ends(tensor->name, ".output.weight") || wa_text_ends(tensor->name, ".output.bias") ||
        tensor->shape.rank == (is_bias ? 2u : 3u))
        return 1;
    *shape = (wa_shape){ is_bias ? 2 : 3, { H, E, is_bias ? 0 : tensor->shape.n[1] } };
    return tensor->shape.n[0] == H * E ? 1 : H;
}

static void add_tensor(wa_buf *out, const wa_shape *shape, const wa_numbers *numbers, size_t n, size_t n_copies)
{
    const size_t n_bytes = n * wa_number_size(numbers->type);
    wa_buf       copies  = { .env = out->env };

    for (size_t i = 0; i < n_copies; i++)
        wa_buf_add(&copies, numbers->data, n_bytes);
    if (!copies.failed)
        open_array(out, shape->n, shape->rank, copies.data, copies.n_bytes);
    out->failed = out->failed || copies.failed;
    wa_buf_format(out, ",\"type\":\"%s\"}", numbers->type == WA_NUMBER_BF16 ? "bf16" : "f32");
    wa_buf_clear(&copies);
}

static void add_weights(wa_buf *out, const wa_record *record, leaving_out *left)
{
    size_t                       n_tensors;
    const wa_taken_tensor *const tensors   = wa_weights_taken(record->model->weights, &n_tensors);
    const char                  *separator = "";

    wa_buf_str(out, ",\"weights\":{");
    for (size_t i = 0; i < n_tensors; i++) {
        const wa_stage *const stage    = stage_of(&record->model->pipeline, tensors[i].name);
        wa_shape              shape    = tensors[i].shape;
        size_t                n_copies = 1, n = 1;

        for (size_t d = 0; d < shape.rank; d++)
            n *= shape.n[d];
        if (stage->ops == wa_vocabulary_stage.owner)
            continue;
        if (stage->ops == wa_attention_stage.owner)
            n_copies = shape_by_head(stage, &tensors[i], &shape);
        if (n * n_copies > WA_REPORT_MOST_NUMBERS) {
            leave_out(left, tensors[i].name.data);
            continue;
        }
        wa_buf_format(out, "%s\"%s\":", separator, tensors[i].name.data);
        add_tensor(out, &shape, &tensors[i].numbers, n, n_copies);
        separator = ",";
    }
    wa_buf_str(out, "}");
}

/* ---------------------------------------------------------------- vocabulary */

static void add_predictions(wa_buf *out, const wa_record *record)
{
    wa_buf_format(out, "{\"n\":%zu,\"rows\":[", record->N);
    for (size_t i = 0; i < record->n_next; i++) {
        const wa_prediction *const p = &record->next[i];

        wa_buf_format(out, "%s{\"index\":%zu,\"word\":", i ? "," : "", p->index);
        add_text(out, p->word);
        wa_buf_str(out, ",\"logit\":");
        wa_json_add_float(out, p->logit);
        wa_buf_str(out, ",\"logprob\":");
        wa_json_add_float(out, p->logprob);
        wa_buf_str(out, ",\"prob\":");
        wa_json_add_float(out, p->prob);
        wa_buf_str(out, "}");
    }
    wa_buf_str(out, "]");
}

/* The output weights of the ranked words. */
static void add_output_weights(wa_buf *out, const wa_record *record)
{
    const wa_rows *const rows  = wa_vocabulary_rows(record->model->pipeline.vocabulary);
    const size_t         size  = rows->n_inner * wa_number_size(rows->type);
    const wa_shape       shape = { 2, { record->n_next, rows->n_inner } }, bias_shape = { 1, { record->n_next } };
    wa_buf               weight = { .env = out->env }, bias = { .env = out->env };

    for (size_t i = 0; i < record->n_next; i++) {
        wa_buf_add(&weight, (const char *)rows->data + record->next[i].index * size, size);
        if (rows->bias)
            wa_buf_add(&bias, &rows->bias[record->next[i].index], sizeof *rows->bias);
    }
    out->failed = out->failed || weight.failed || bias.failed;
    if (!out->failed) {
        wa_buf_str(out, ",\"weight\":");
        add_tensor(out, &shape, &(wa_numbers){ weight.data, rows->type }, record->n_next * rows->n_inner, 1);
        if (rows->bias) {
            wa_buf_str(out, ",\"bias\":");
            open_array(out, bias_shape.n, 1, bias.data, bias.n_bytes);
            wa_buf_str(out, "}");
        }
    }
    wa_buf_clear(&weight);
    wa_buf_clear(&bias);
}

static void add_vocabulary(wa_buf *out, const wa_record *record, leaving_out *left)
{
    if (!record->logits || record->n_next == 0)
        return;
    wa_buf_str(out, ",\"vocabulary\":");
    add_predictions(out, record);
    add_output_weights(out, record);
    if (record->N > WA_REPORT_MOST_NUMBERS) {
        leave_out(left, "vocabulary.logits");
    } else {
        wa_buf_str(out, ",\"logits\":");
        add_floats(out, &record->N, 1, record->logits);
    }
    wa_buf_str(out, "}");
}

/* ---------------------------------------------------------------- all of it */

static void add_run(wa_buf *out, const wa_record *record)
{
    leaving_out left = { .names.env = out->env };

    wa_buf_str(out, "{\"name\":");
    add_text(out, record->name);
    wa_buf_str(out, ",\"text\":");
    add_text(out, record->text);
    add_words(out, record);
    add_stages(out, record);
    add_arrays(out, record, &left);
    add_weights(out, record, &left);
    add_vocabulary(out, record, &left);
    wa_buf_str(out, ",\"abridged\":[");
    wa_buf_text(out, wa_buf_view(&left.names));
    wa_buf_str(out, "]}");
    out->failed = out->failed || left.names.failed;
    wa_buf_clear(&left.names);
}

void wa_report_add_data(wa_buf *out, const wa_record *const *records, size_t n)
{
    wa_buf_str(out, "{\"version\":1,\"runs\":[");
    for (size_t i = 0; i < n; i++) {
        wa_buf_str(out, i ? ",\n" : "");
        add_run(out, records[i]);
    }
    wa_buf_str(out, "]}");
}

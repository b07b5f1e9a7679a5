/* Models made number by number. See made_model.h. */
#include "made_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

made_model made_model_new(size_t N, size_t D, size_t n_inputs)
{
    const made_model made = {
        .N           = N,
        .D           = D,
        .n_inputs    = n_inputs,
        .weight      = calloc(N * D, sizeof(float)),
        .bias        = calloc(N, sizeof(float)),
        .inputs      = calloc(n_inputs * D, sizeof(float)),
        .temperature = 1.0,
    };

    ck_assert(made.weight && made.bias && made.inputs);
    return made;
}

void made_model_clear(made_model *made)
{
    free(made->weight);
    free(made->bias);
    free(made->inputs);
}

static void write_buf(const char *name, wa_buf *buf)
{
    ck_assert(!buf->failed);
    scratch_file(name, buf->data, buf->n_bytes);
    wa_buf_clear(buf);
}

/* Little-endian floats; is_bf16 keeps their upper half. */
static void add_floats(wa_buf *buf, const float *x, size_t n, bool is_bf16)
{
    const size_t         size  = is_bf16 ? 2 : 4;
    unsigned char *const bytes = malloc(n * size);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;

        memcpy(&bits, &x[i], sizeof bits);
        bits >>= is_bf16 ? 16 : 0;
        for (size_t b = 0; b < size; b++)
            bytes[i * size + b] = (unsigned char)(bits >> 8 * b);
    }
    wa_buf_add(buf, bytes, n * size);
    free(bytes);
}

static void write_weights(const made_model *made)
{
    const size_t  n_bias = made->N * 4, n_weight = made->N * made->D * (made->is_bf16 ? 2 : 4);
    wa_buf        buf = { 0 };
    char          json[512];
    unsigned long n_json;

    snprintf(json, sizeof json,
             "{\"vocabulary.bias\":{\"dtype\":\"F32\",\"shape\":[%zu],\"data_offsets\":[0,%zu]},"
             "\"vocabulary.weight\":{\"dtype\":\"%s\",\"shape\":[%zu,%zu],\"data_offsets\":[%zu,%zu]}}",
             made->N, n_bias, made->is_bf16 ? "BF16" : "F32", made->N, made->D, n_bias, n_bias + n_weight);
    for (n_json = strlen(json); n_json % 8 != 0; n_json++) /* so that the floats are aligned */
        json[n_json] = ' ';
    for (size_t i = 0; i < 8; i++)
        wa_buf_add(&buf, (const char[]){ (char)(n_json >> 8 * i) }, 1);
    wa_buf_add(&buf, json, n_json);
    add_floats(&buf, made->bias, made->N, false);
    add_floats(&buf, made->weight, made->N * made->D, made->is_bf16);
    write_buf("made.safetensors", &buf);
}

static void write_vectors(const made_model *made)
{
    wa_buf buf = { 0 };

    wa_buf_format(&buf, "%zu %zu\n", made->n_inputs, made->D);
    for (size_t i = 0; i < made->n_inputs; i++) {
        wa_buf_format(&buf, "x%zu ", i);
        add_floats(&buf, made->inputs + i * made->D, made->D, false);
        wa_buf_str(&buf, "\n");
    }
    write_buf("made.bin", &buf);
}

wa_model *made_model_open(const made_model *made)
{
    wa_buf words = { 0 };
    char   yaml[512];

    write_weights(made);
    write_vectors(made);
    for (size_t i = 0; i < made->N; i++)
        wa_buf_format(&words, "w%zu\n", i);
    write_buf("made.words", &words);
    snprintf(yaml, sizeof yaml,
             "vectors: { file: made.bin }\n"
             "pipeline: [ embed: { scale: 1 }, vocabulary: { words: made.words, temperature: %.17g } ]\n"
             "weights: { file: made.safetensors }\n",
             made->temperature);
    return open_yaml(yaml, NULL);
}

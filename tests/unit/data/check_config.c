/* Configurations: the mechanism with a small schema that has every type of key, and the messages of broken documents. */
#include "suites.h"
#include "support.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "base/str.h"
#include "data/config.h"
#include "model/experiment.h"

/* ---------------------------------------------------------------- a schema of every type */

typedef struct embed_opts {
    wa_scale scale;
} embed_opts;

typedef struct attention_opts {
    size_t heads;
    int    mask;
} attention_opts;

typedef struct vocabulary_opts {
    const char *words;
} vocabulary_opts;

typedef struct nothing_opts {
    char unused;
} nothing_opts;

typedef struct needy_opts {
    size_t size;
    double share;
} needy_opts;

typedef struct random_opts {
    bool   is_given;
    size_t width;
    double low;
} random_opts;

typedef struct values {
    const char *base;
    struct {
        const char *file;
        random_opts random;
        wa_tensors  values;
        size_t      limit;
    } vectors;
    struct {
        bool    lowercase;
        wa_text unknown;
        double  ratio, temperature;
        wa_text separator;
    } tokenizer;
    wa_stages  pipeline;
    wa_tensors extra;
    wa_texts   input, trace;
} values;

#define AT(field) offsetof(values, field)

static const wa_key embed_keys[] = {
    { "scale", WA_KEY_SCALE, offsetof(embed_opts, scale), "sqrt_d", "sqrt_d", "times the vector" },
    { 0 },
};
static const wa_key attention_keys[] = {
    { "heads", WA_KEY_SIZE, offsetof(attention_opts, heads), "4", "1..64", "how many heads" },
    { "mask", WA_KEY_CHOICE, offsetof(attention_opts, mask), "causal", "causal|none", "what is hidden" },
    { 0 },
};
static const wa_key vocabulary_keys[] = {
    { "words", WA_KEY_PATH, offsetof(vocabulary_opts, words), "vectors", "vectors|input", "which words" },
    { 0 },
};
static const wa_key needy_keys[] = {
    { "size", WA_KEY_SIZE, offsetof(needy_opts, size), NULL, "1..", "must be there", .group = 2, .is_required = true,
      .example = "3" },
    { "share", WA_KEY_NUMBER, offsetof(needy_opts, share), NULL, "0..1", "instead of size", .group = 2 },
    { 0 },
};
static const wa_key     nothing_keys[]     = { { 0 } };
static const wa_variant embed_variant      = { "embed", embed_keys, sizeof(embed_opts), "vectors", false, NULL };
static const wa_variant attention_variant  = { "attention", attention_keys, sizeof(attention_opts), "attention", false, NULL };
static const wa_variant nothing_variant    = { "nothing", nothing_keys, sizeof(nothing_opts), "changes nothing", true, NULL };
static const wa_variant vocabulary_variant = { "vocabulary", vocabulary_keys, sizeof(vocabulary_opts), "words", true, NULL };
static const wa_variant needy_variant      = { "needy", needy_keys, sizeof(needy_opts), "needs a size", true, NULL };
static const wa_variant *const variants[]  = { &embed_variant,      &attention_variant, &nothing_variant,
                                               &vocabulary_variant, &needy_variant,     NULL };

static const wa_key random_keys[] = {
    { "width", WA_KEY_SIZE, offsetof(random_opts, width), "4", "1..", "floats a word" },
    { "low", WA_KEY_NUMBER, offsetof(random_opts, low), "-1.5", "", "smallest number" },
    { 0 },
};
static const wa_key vectors_keys[] = {
    { "file", WA_KEY_PATH, AT(vectors.file), NULL, NULL, "a file", .group = 1, .example = "vectors.bin" },
    { "random", WA_KEY_MAP, AT(vectors.random), NULL, NULL, "instead of file", random_keys, .group = 1 },
    { "values", WA_KEY_TENSORS, AT(vectors.values), NULL, NULL, "instead of file", .group = 1, .example = "{ a: [1, 2] }" },
    { "limit", WA_KEY_SIZE, AT(vectors.limit), "0", "0..", "first words only" },
    { 0 },
};
static const wa_key tokenizer_keys[] = {
    { "lowercase", WA_KEY_BOOL, AT(tokenizer.lowercase), "true", NULL, "lower-case the words" },
    { "unknown", WA_KEY_TEXT, AT(tokenizer.unknown), "null", NULL, "word for unknown words" },
    { "ratio", WA_KEY_NUMBER, AT(tokenizer.ratio), "0.5", "0..1", "a share" },
    { "temperature", WA_KEY_NUMBER, AT(tokenizer.temperature), "1", ">0", "a divisor" },
    { "separator", WA_KEY_TEXT, AT(tokenizer.separator), NULL, NULL, "a text without a default" },
    { 0 },
};
static const wa_key keys[] = {
    { "model", WA_KEY_BASE, AT(base), NULL, NULL, "start from that file", .example = "../base" },
    { "vectors", WA_KEY_SECTION, 0, NULL, NULL, "word vectors", vectors_keys },
    { "tokenizer", WA_KEY_SECTION, 0, NULL, NULL, "texts to words", tokenizer_keys },
    { "pipeline", WA_KEY_STAGES, AT(pipeline), NULL, NULL, "stages in their order", .variants = variants, .is_required = true },
    { "extra", WA_KEY_TENSORS, AT(extra), NULL, NULL, "single tensors", .example = "{ norm.0.bias: [0, 0] }" },
    { "input", WA_KEY_TEXTS, AT(input), NULL, NULL, "texts", .example = "[ \"Life is short\" ]" },
    { "trace", WA_KEY_TEXTS, AT(trace), "[ \"*\" ]", NULL, "globs" },
    { 0 },
};
static const wa_schema schema = { keys, sizeof(values) };

/* ---------------------------------------------------------------- helpers */

static wa_config *open_file(const char *path, const char *const *sets, size_t n_sets)
{
    wa_config *config = NULL;
    wa_error   err    = { 0 };
    const int  st     = (int)wa_config_open(path, sets, n_sets, &schema, NULL, &config, &err);

    ck_assert_msg(st == WA_OK, "%s", err.message);
    return config;
}

static const char *write_text(const char *name, const char *text)
{
    return scratch_file(name, text, strlen(text));
}

static wa_config *open_text(const char *text)
{
    return open_file(write_text("a.yaml", text), NULL, 0);
}

/* The message with every mention of the scratch folder taken out. */
static char *without_folder(const char *message)
{
    const char *const folder = scratch_path("");
    char *const       out    = calloc(strlen(message) + 1, 1);
    size_t            n      = 0;

    while (*message) {
        if (strncmp(message, folder, strlen(folder)) == 0)
            message += strlen(folder);
        else
            out[n++] = *message++;
    }
    return out;
}

static void expect_status(wa_status expected, const char *path, const char *const *sets, size_t n_sets, const char *message)
{
    wa_config  *config = NULL;
    wa_error    err    = { 0 };
    const int   st     = (int)wa_config_open(path, sets, n_sets, &schema, NULL, &config, &err);
    char *const found  = without_folder(err.message);

    ck_assert_str_eq(found, message);
    ck_assert_int_eq(st, (int)expected);
    ck_assert_ptr_null(config);
    free(found);
}

static void expect_errors(const char *text, const char *const *sets, size_t n_sets, const char *message)
{
    expect_status(WA_ECONFIG, write_text("a.yaml", text), sets, n_sets, message);
}

static const char *const short_pipeline = "pipeline: [embed]\n";

/* ---------------------------------------------------------------- values */

START_TEST(a_document_of_little_gives_defaults)
{
    wa_config *const    config = open_text(short_pipeline);
    const values *const v      = wa_config_values(config);
    const embed_opts   *embed  = v->pipeline.items[0].params;

    ck_assert_ptr_null(v->base);
    ck_assert_ptr_null(v->vectors.file);
    ck_assert(!v->vectors.random.is_given && !v->vectors.values.is_given && !v->extra.is_given && !v->input.is_given);
    ck_assert_uint_eq(v->vectors.random.width, 0); /* a map that is not there has no values */
    ck_assert(v->tokenizer.lowercase);
    ck_assert_ptr_null(v->tokenizer.unknown.data);
    ck_assert_ptr_null(v->tokenizer.separator.data);
    ck_assert_double_eq(v->tokenizer.ratio, 0.5);
    ck_assert_uint_eq(v->trace.n, 1);
    ck_assert(wa_text_is(v->trace.items[0], "*"));
    ck_assert_uint_eq(v->pipeline.n, 1);
    ck_assert_int_eq(embed->scale.choice, 0);
    wa_config_close(config);
}
END_TEST

START_TEST(every_type_of_key_is_read)
{
    wa_config *const config =
        open_text("vectors: { random: { width: 0x10, low: -.5e1 }, limit: 0o17 }\n"
                  "tokenizer: { lowercase: False, unknown: 'true', ratio: 1, temperature: 1e-3, separator: 5 }\n"
                  "pipeline:\n"
                  "  - embed: { scale: 2.5 }\n"
                  "  - attention: { heads: 64, mask: none }\n"
                  "  - nothing\n"
                  "  - attention:\n"
                  "  - vocabulary: { words: input }\n"
                  "extra: { norm.0.bias: [1, 2.5, 0x10], m: [[1, 2], [3, 4], [5, -.inf]] }\n"
                  "input: [ one, 2, \"\" ]\n"
                  "trace: a b\n");
    const values *const         v      = wa_config_values(config);
    const embed_opts *const     embed  = v->pipeline.items[0].params;
    const attention_opts *const first  = v->pipeline.items[1].params;
    const attention_opts *const second = v->pipeline.items[3].params;

    ck_assert(v->vectors.random.is_given);
    ck_assert_uint_eq(v->vectors.random.width, 16);
    ck_assert_double_eq(v->vectors.random.low, -5.0);
    ck_assert_uint_eq(v->vectors.limit, 15);
    ck_assert(!v->tokenizer.lowercase);
    ck_assert(wa_text_is(v->tokenizer.unknown, "true"));
    ck_assert_double_eq(v->tokenizer.ratio, 1.0);
    ck_assert_double_eq(v->tokenizer.temperature, 1e-3);
    ck_assert(wa_text_is(v->tokenizer.separator, "5"));
    ck_assert_uint_eq(v->pipeline.n, 5);
    ck_assert_int_eq(embed->scale.choice, -1);
    ck_assert_double_eq(embed->scale.number, 2.5);
    ck_assert_uint_eq(first->heads, 64);
    ck_assert_int_eq(first->mask, 1);
    ck_assert_uint_eq(second->heads, 4);
    ck_assert_uint_eq(v->pipeline.items[2].variant, 2);
    ck_assert_uint_eq(v->pipeline.items[3].ordinal, 1);
    ck_assert_str_eq(((const vocabulary_opts *)v->pipeline.items[4].params)->words, "input");
    ck_assert_uint_eq(v->extra.n, 2);
    ck_assert(wa_text_is(v->extra.items[0].name, "norm.0.bias"));
    ck_assert_uint_eq(v->extra.items[0].rank, 1);
    ck_assert_uint_eq(v->extra.items[0].shape[0], 3);
    ck_assert_float_eq(v->extra.items[0].data[2], 16.0f);
    ck_assert_uint_eq(v->extra.items[1].rank, 2);
    ck_assert_uint_eq(v->extra.items[1].shape[0], 3);
    ck_assert_uint_eq(v->extra.items[1].shape[1], 2);
    ck_assert_float_eq(v->extra.items[1].data[3], 4.0f);
    ck_assert(v->extra.items[1].data[5] < -3.4e38f);
    ck_assert_uint_eq(v->input.n, 3);
    ck_assert(wa_text_is(v->input.items[1], "2") && wa_text_is(v->input.items[2], ""));
    ck_assert_uint_eq(v->trace.n, 1);
    ck_assert(wa_text_is(v->trace.items[0], "a b"));
    wa_config_close(config);
}
END_TEST

START_TEST(a_tensor_has_up_to_four_dimensions)
{
    wa_config *const    config   = open_text("pipeline: [embed]\nextra: { a: [[[[1, 2]]], [[[3, 4]]], [[[5, 6]]]] }\n");
    const values *const v        = wa_config_values(config);
    static const size_t shape[4] = { 3, 1, 1, 2 };

    ck_assert_uint_eq(v->extra.items[0].rank, 4);
    ck_assert_mem_eq(v->extra.items[0].shape, shape, sizeof shape);
    for (int i = 0; i < 6; i++)
        ck_assert_float_eq(v->extra.items[0].data[i], (float)(i + 1));
    wa_config_close(config);
}
END_TEST

START_TEST(null_takes_a_value_back)
{
    wa_config *const    config = open_text("pipeline: [embed]\nvectors: { file: , random: }\ntokenizer: \n"
                                              "trace: ~\nextra: null\ninput:\nmodel:\n");
    const values *const v      = wa_config_values(config);

    ck_assert_ptr_null(v->vectors.file);
    ck_assert(v->vectors.random.is_given); /* null is an empty map where a map is wanted */
    ck_assert_uint_eq(v->vectors.random.width, 4);
    ck_assert(v->tokenizer.lowercase);
    ck_assert_uint_eq(v->trace.n, 0);
    ck_assert(!v->extra.is_given && !v->input.is_given);
    wa_config_close(config);
}
END_TEST

START_TEST(paths_are_relative_to_the_file_that_names_them)
{
    wa_config *const    config = open_text("vectors: { file: sub/v.bin }\npipeline: [embed, vocabulary: { words: w.txt }]\n"
                                              "input: { file: '-' }\n");
    const values *const v      = wa_config_values(config);

    ck_assert_str_eq(v->vectors.file, scratch_path("sub/v.bin"));
    ck_assert_str_eq(((const vocabulary_opts *)v->pipeline.items[1].params)->words, scratch_path("w.txt"));
    ck_assert_str_eq(v->input.file, "-"); /* standard input */
    wa_config_close(config);

    const char *const sets[] = { "vectors.file=v2.bin", "input.file=/abs/i.txt" };
    wa_config *const  second = open_file(write_text("a.yaml", short_pipeline), sets, 2);
    const values     *w      = wa_config_values(second);

    ck_assert_str_eq(w->vectors.file, "v2.bin"); /* of an override: to the working folder */
    ck_assert_str_eq(w->input.file, "/abs/i.txt");
    ck_assert(w->input.is_given);
    wa_config_close(second);
}
END_TEST

START_TEST(an_alias_serves_several_keys_and_is_not_changed_by_an_override)
{
    const char *const sets[] = { "attention.1.heads=9" };
    wa_config *const  config =
        open_file(write_text("a.yaml", "pipeline:\n  - attention: &a { heads: 2 }\n  - attention: *a\n"), sets, 1);
    const values *const v = wa_config_values(config);

    ck_assert_uint_eq(((const attention_opts *)v->pipeline.items[0].params)->heads, 2);
    ck_assert_uint_eq(((const attention_opts *)v->pipeline.items[1].params)->heads, 9);
    wa_config_close(config);
}
END_TEST

/* ---------------------------------------------------------------- layers */

START_TEST(maps_of_a_base_merge_and_lists_replace)
{
    mkdir(scratch_path("base"), 0777);
    write_text("base/model.yaml", "vectors: { file: b.bin, limit: 5 }\npipeline: [embed, attention: { heads: 2 }]\n"
                                  "extra: { a: [1], b: [2] }\ninput: [ from the base ]\n");
    wa_config *const    config = open_text("model: base\nvectors: { limit: 6 }\npipeline: [embed]\nextra: { b: [3] }\n");
    const values *const v      = wa_config_values(config);

    ck_assert_str_eq(v->base, scratch_path("base"));
    ck_assert_str_eq(v->vectors.file, scratch_path("base/b.bin"));
    ck_assert_uint_eq(v->vectors.limit, 6);
    ck_assert_uint_eq(v->pipeline.n, 1);
    ck_assert_uint_eq(v->extra.n, 2);
    ck_assert_float_eq(v->extra.items[0].data[0], 1.0f);
    ck_assert_float_eq(v->extra.items[1].data[0], 3.0f);
    ck_assert(wa_text_is(v->input.items[0], "from the base"));
    wa_config_close(config);
}
END_TEST

START_TEST(a_folder_stands_for_its_model_file)
{
    mkdir(scratch_path("m"), 0777);
    write_text("m/model.yaml", short_pipeline);
    wa_config *const config = open_file(scratch_path("m"), NULL, 0);

    ck_assert_str_eq(wa_config_path(config), scratch_path("m/model.yaml"));
    wa_config_close(config);
}
END_TEST

START_TEST(of_a_group_the_key_of_the_latest_layer_counts)
{
    write_text("b.yaml", "vectors: { random: { width: 3 } }\npipeline: [embed]\n");
    const char *const path  = write_text("a.yaml", "model: b.yaml\nvectors: { file: v.bin }\n");
    const char *const set[] = { "vectors.random.low=2" };
    wa_config *const file = open_file(path, NULL, 0), *const random = open_file(path, set, 1);
    const values *v = wa_config_values(file), *w = wa_config_values(random);

    ck_assert_str_eq(v->vectors.file, scratch_path("v.bin"));
    ck_assert(!v->vectors.random.is_given);
    ck_assert_uint_eq(v->vectors.random.width, 0);
    ck_assert_ptr_null(w->vectors.file);
    ck_assert(w->vectors.random.is_given);
    ck_assert_uint_eq(w->vectors.random.width, 3); /* the base's map, changed in one key */
    ck_assert_double_eq(w->vectors.random.low, 2.0);
    wa_config_close(file);
    wa_config_close(random);
}
END_TEST

START_TEST(overrides_count_in_their_order)
{
    static const char *const sets[] = { "tokenizer={ratio: 0.25, lowercase: false}",
                                        "tokenizer.ratio = 0.75",
                                        "extra.norm.0.bias=[0, 1]",
                                        "extra.m=[[1], [2]]",
                                        "pipeline=[embed, attention, attention: {heads: 3}]",
                                        "attention.1.mask=none",
                                        "attention.0={heads: 7}",
                                        "tokenizer.unknown=",
                                        "input=a text",
                                        "embed.0.scale=3" };
    wa_config *const         config = open_file(write_text("a.yaml", "pipeline: []\ntokenizer: { unknown: x }\n"), sets, 10);
    const values *const      v      = wa_config_values(config);
    const attention_opts    *first = v->pipeline.items[1].params, *second = v->pipeline.items[2].params;

    ck_assert(!v->tokenizer.lowercase);
    ck_assert_double_eq(v->tokenizer.ratio, 0.75);
    ck_assert(wa_text_is(v->extra.items[0].name, "norm.0.bias"));
    ck_assert_uint_eq(v->extra.items[1].shape[0], 2);
    ck_assert_uint_eq(first->heads, 7);
    ck_assert_int_eq(first->mask, 0);
    ck_assert_uint_eq(second->heads, 3);
    ck_assert_int_eq(second->mask, 1);
    ck_assert_ptr_null(v->tokenizer.unknown.data);
    ck_assert(wa_text_is(v->input.items[0], "a text"));
    ck_assert_double_eq(((const embed_opts *)v->pipeline.items[0].params)->scale.number, 3.0);
    wa_config_close(config);
}
END_TEST

START_TEST(an_override_of_the_base_chooses_the_documents)
{
    write_text("b.yaml", "pipeline: [embed]\nvectors: { limit: 1 }\n");
    write_text("c.yaml", "pipeline: [embed]\nvectors: { limit: 2 }\n");
    char set[256];
    snprintf(set, sizeof set, "model=%s", scratch_path("c.yaml"));
    const char *const   sets[] = { set };
    wa_config *const    config = open_file(write_text("a.yaml", "model: b.yaml\n"), sets, 1);
    const values *const v      = wa_config_values(config);

    ck_assert_uint_eq(v->vectors.limit, 2);
    wa_config_close(config);
}
END_TEST

/* ---------------------------------------------------------------- broken documents */

static const struct {
    const char *text, *message;
} broken[] = {
    { "", "a.yaml:1:1: the key 'pipeline' is missing: stages in their order" },
    { "tokenizer: {}", "a.yaml:1:1: the key 'pipeline' is missing: stages in their order" },
    { "- a", "a.yaml:1:1: found a list, expected a map of keys" },
    { "just a text", "a.yaml:1:1: found 'just a text', expected a map of keys" },
    { "null", "a.yaml:1:1: found null, expected a map of keys" },
    { "pipeline: [embed\n", "a.yaml:2:1: did not find expected ',' or ']' while parsing a flow sequence that begins at 1:11" },
    { "pipeline: [embed]\npipeline: []", "a.yaml:2:1: the key 'pipeline' was given before, at 1:1; keep one" },
    { "pipeline: [embed]\n---\n", "a.yaml:2:1: a second document begins here; expected one document" },
    /* keys */
    { "vectrs: {}\npipeline: [embed]", "a.yaml:1:1: unknown key 'vectrs'; did you mean 'vectors'?" },
    { "pipeline: [embed]\nvetcors: {}", "a.yaml:2:1: unknown key 'vetcors'; did you mean 'vectors'?" },
    { "pipeline: [embed]\nzzzzz: 1",
      "a.yaml:2:1: unknown key 'zzzzz'; expected one of model, vectors, tokenizer, pipeline, extra, input, trace" },
    { "pipeline: [embed]\nvectors: { random: { widht: 1 } }",
      "a.yaml:2:22: unknown key 'widht' in vectors.random; did you mean 'width'?" },
    { "pipeline:\n  - attention:\n      head: 5\n", "a.yaml:3:7: unknown key 'head' in attention; did you mean 'heads'?" },
    { "pipeline:\n  - embed: { zzz: 5 }\n", "a.yaml:2:14: unknown key 'zzz' in embed; expected scale" },
    { "pipeline:\n  - nothing: { zzz: 5 }\n", "a.yaml:2:16: unknown key 'zzz' in nothing" },
    { "<<: { a: b }\npipeline: [embed]",
      "a.yaml:1:1: unknown key '<<'; merging maps by '<<' is not part of YAML 1.2: write the keys out" },
    /* single values */
    { "pipeline: [embed]\ntokenizer: { lowercase: yes }", "a.yaml:2:25: tokenizer.lowercase: found 'yes', expected true or false" },
    { "pipeline: [embed]\ntokenizer: { lowercase: 'true' }",
      "a.yaml:2:25: tokenizer.lowercase: found the text 'true', expected true or false; leave out the quotes" },
    { "pipeline: [embed]\ntokenizer: { lowercase: }", "a.yaml:2:25: tokenizer.lowercase: found nothing, expected true or false" },
    { "pipeline: [attention: { heads: 0 }]", "a.yaml:1:32: attention.heads: found '0', expected a whole number from 1 to 64" },
    { "pipeline: [attention: { heads: 65 }]", "a.yaml:1:32: attention.heads: found '65', expected a whole number from 1 to 64" },
    { "pipeline: [attention: { heads: -1 }]", "a.yaml:1:32: attention.heads: found '-1', expected a whole number from 1 to 64" },
    { "pipeline: [attention: { heads: 4.0 }]", "a.yaml:1:32: attention.heads: found '4.0', expected a whole number from 1 to 64" },
    { "pipeline: [attention: { heads: four }]",
      "a.yaml:1:32: attention.heads: found 'four', expected a whole number from 1 to 64" },
    { "pipeline: [attention: { heads: '4' }]",
      "a.yaml:1:32: attention.heads: found the text '4', expected a whole number from 1 to 64; leave out the quotes" },
    { "pipeline: [attention: { heads: [4] }]", "a.yaml:1:32: attention.heads: found a list, expected a whole number from 1 to 64" },
    { "pipeline: [attention: { heads: 18446744073709551617 }]",
      "a.yaml:1:32: attention.heads: found '18446744073709551617', expected a whole number from 1 to 64" },
    { "pipeline: [embed]\nvectors: { limit: x }", "a.yaml:2:19: vectors.limit: found 'x', expected a whole number from 0 on" },
    { "pipeline: [embed]\ntokenizer: { ratio: 1.5 }", "a.yaml:2:21: tokenizer.ratio: found '1.5', expected a number from 0 to 1" },
    { "pipeline: [embed]\ntokenizer: { ratio: -.1 }", "a.yaml:2:21: tokenizer.ratio: found '-.1', expected a number from 0 to 1" },
    { "pipeline: [embed]\ntokenizer: { ratio: .nan }",
      "a.yaml:2:21: tokenizer.ratio: found '.nan', expected a number from 0 to 1" },
    { "pipeline: [embed]\ntokenizer: { temperature: 0 }",
      "a.yaml:2:27: tokenizer.temperature: found '0', expected a number greater than 0" },
    { "pipeline: [embed]\nvectors: { random: { low: .inf } }", "a.yaml:2:27: vectors.random.low: found '.inf', expected a number" },
    { "pipeline: [attention: { mask: casual }]",
      "a.yaml:1:31: attention.mask: found 'casual', expected causal or none; did you mean 'causal'?" },
    { "pipeline: [attention: { mask: 5 }]", "a.yaml:1:31: attention.mask: found '5', expected causal or none" },
    { "pipeline: [attention: { mask: {} }]", "a.yaml:1:31: attention.mask: found an empty map, expected causal or none" },
    { "pipeline: [embed: { scale: sqrtd }]",
      "a.yaml:1:28: embed.scale: found 'sqrtd', expected sqrt_d or a number; did you mean 'sqrt_d'?" },
    { "pipeline: [embed: { scale: .inf }]", "a.yaml:1:28: embed.scale: found '.inf', expected sqrt_d or a number" },
    /* texts and paths */
    { "pipeline: [embed]\ntokenizer: { unknown: true }",
      "a.yaml:2:23: tokenizer.unknown: found 'true', expected a text; write it in quotes if the word is meant" },
    { "pipeline: [embed]\ntokenizer: { unknown: [a] }", "a.yaml:2:23: tokenizer.unknown: found a list, expected a text" },
    { "pipeline: [embed]\nvectors: { file: '' }", "a.yaml:2:18: vectors.file: found the text '', expected a file name" },
    { "pipeline: [embed]\nvectors: { file: \"a\\0b\" }",
      "a.yaml:2:18: vectors.file: found the text 'a\\x00b', expected a file name" },
    { "pipeline: [vocabulary: { words: [] }]",
      "a.yaml:1:33: vocabulary.words: found an empty list, expected vectors, input or a file name" },
    { "pipeline: [embed]\ninput: true", "a.yaml:2:8: input: found 'true', expected a text, a list of texts, or { file: NAME }; "
                                        "write it in quotes if the word is meant" },
    { "pipeline: [embed]\ninput: [ a, [ b ] ]",
      "a.yaml:2:13: input: found a list, expected a text, a list of texts, or { file: NAME }" },
    { "pipeline: [embed]\ninput: [ a, null ]",
      "a.yaml:2:13: input: found null, expected a text, a list of texts, or { file: NAME }" },
    { "pipeline: [embed]\ninput: {}",
      "a.yaml:2:8: input: found an empty map, expected a text, a list of texts, or { file: NAME }" },
    { "pipeline: [embed]\ninput: { fiel: x }", "a.yaml:2:10: unknown key 'fiel' in input; did you mean 'file'?" },
    { "pipeline: [embed]\nmodel: true", "a.yaml:2:8: model: found 'true', expected a file, or a folder that holds a model.yaml; "
                                        "write it in quotes if the word is meant" },
    /* tensors */
    { "pipeline: [embed]\nextra: [ 1 ]", "a.yaml:2:8: extra: found a list, expected a map from names to lists of numbers" },
    { "pipeline: [embed]\nextra: { a: 5 }",
      "a.yaml:2:13: tensor 'a': found '5', expected a list of numbers, or lists of such lists" },
    { "pipeline: [embed]\nextra: { a: [] }", "a.yaml:2:13: tensor 'a': found an empty list, expected numbers" },
    { "pipeline: [embed]\nextra: { a: [[]] }", "a.yaml:2:14: tensor 'a': found an empty list, expected numbers" },
    { "pipeline: [embed]\nextra: { a: [1, x] }",
      "a.yaml:2:17: tensor 'a': found 'x', expected a number that a 32-bit float can hold" },
    { "pipeline: [embed]\nextra: { a: [1, 1e39] }",
      "a.yaml:2:17: tensor 'a': found '1e39', expected a number that a 32-bit float can hold" },
    { "pipeline: [embed]\nextra: { a: [[1, 2], [3]] }", "a.yaml:2:22: tensor 'a': found a row of 1, expected 2 as in the first" },
    { "pipeline: [embed]\nextra: { a: [[1, 2], 3] }",
      "a.yaml:2:22: tensor 'a': found '3', expected a list of numbers like its neighbours" },
    { "pipeline: [embed]\nextra: { a: [1, [2]] }",
      "a.yaml:2:17: tensor 'a': found a list, expected a number that a 32-bit float can hold" },
    { "pipeline: [embed]\nextra: { a: [[[[[1]]]]] }", "a.yaml:2:17: tensor 'a': found more than 4 dimensions" },
    /* maps, groups and stages */
    { "pipeline: [embed]\ntokenizer: 5", "a.yaml:2:12: tokenizer: found '5', expected a map" },
    { "pipeline: [embed]\nvectors: { file: a, random: {} }",
      "a.yaml:2:21: vectors: 'file' and 'random' exclude each other; keep one of them" },
    { "pipeline: embed", "a.yaml:1:11: pipeline: found 'embed', expected a list of stages" },
    { "pipeline: { embed: }", "a.yaml:1:11: pipeline: found a map, expected a list of stages; begin each stage with '- '" },
    { "pipeline:\n  - attention:\n    heads: 4",
      "a.yaml:3:5: found a second key 'heads' in one stage, expected one; indent it below 'attention' if it is an option of that" },
    { "pipeline: [atention]", "a.yaml:1:12: unknown stage 'atention'; did you mean 'attention'?" },
    { "pipeline: [zzzzzz: {}]",
      "a.yaml:1:12: unknown stage 'zzzzzz'; expected one of embed, attention, nothing, vocabulary, needy" },
    { "pipeline: [[ embed ]]", "a.yaml:1:12: pipeline: found a list, expected the name of a stage" },
    { "pipeline: [ {} ]", "a.yaml:1:13: pipeline: found an empty map, expected the name of a stage" },
    { "pipeline: [ null ]", "a.yaml:1:13: pipeline: found null, expected the name of a stage" },
    { "pipeline: [ embed, needy ]", "a.yaml:1:20: the key 'size' is missing in needy: must be there" },
    { "pipeline: [ embed: 5 ]", "a.yaml:1:20: embed: found '5', expected a map of its options" },
};

START_TEST(a_broken_document_is_refused_with_one_sentence)
{
    expect_errors(broken[_i].text, NULL, 0, broken[_i].message);
}
END_TEST

static const struct {
    const char *set, *message;
} broken_sets[] = {
    { "tokenizer", "--set 2: found 'tokenizer', expected KEY=VALUE" },
    { "=3", "--set 2: found '=3', expected KEY=VALUE" },
    { "tokenizer.lowercas=true", "--set 2: unknown key 'lowercas' in tokenizer; did you mean 'lowercase'?" },
    { "tokeniser.lowercase=true", "--set 2: unknown key 'tokeniser'; did you mean 'tokenizer'?" },
    { "tokenizer.=true",
      "--set 2: unknown key '' in tokenizer; expected one of lowercase, unknown, ratio, temperature, separator" },
    { "tokenizer.lowercase=maybe", "--set 2: tokenizer.lowercase: found 'maybe', expected true or false" },
    { "tokenizer.lowercase.x=1", "--set 2: found 'tokenizer.lowercase.x', but lowercase has no keys" },
    { "tokenizer.unknown=#", "--set 2: found '#', which begins a comment in YAML; write the value in quotes" },
    { "input=[a", "--set 2: did not find expected ',' or ']' while parsing a flow sequence" },
    { "tokenizer={ratio: 1, ratio: 1}", "--set 2: the key 'ratio' is given twice; keep one" },
    { "atention.0.heads=3", "--set 2: unknown key 'atention'; did you mean 'attention'?" },
    { "attention.heads=3", "--set 2: found 'attention.heads' without the index of the stage; did you mean attention.0.heads?" },
    { "attention=3", "--set 2: found 'attention' without the index of the stage; did you mean attention.0?" },
    { "embed.scale=3",
      "--set 2: found 'embed.scale' without the index of the stage, of which there are several; did you mean embed.0.scale?" },
    { "embed.2.scale=3", "--set 2: found 'embed.2.scale', but there are 2 embed stages, counted from 0" },
    { "attention.1.heads=3", "--set 2: found 'attention.1.heads', but there is 1 attention stage, counted from 0" },
    { "vocabulary.0.words=x", "--set 2: found 'vocabulary.0.words', but the pipeline has no stage vocabulary" },
    { "attention.0.head=3", "--set 2: unknown key 'head' in attention; did you mean 'heads'?" },
    { "pipeline.0=embed", "--set 2: found 'pipeline.0'; a stage is addressed by its own name and index, as in embed.0" },
    { "extra.norm.0.bias=[1, [2]]", "--set 2: tensor 'norm.0.bias': found a list, expected a number that a 32-bit float can hold" },
    { "model=true", "--set 2: model: found 'true', expected a file, or a folder that holds a model.yaml; write it in quotes if the "
                    "word is meant" },
};

START_TEST(a_broken_override_is_named_by_its_number)
{
    const char *const sets[] = { "vectors.limit=1", broken_sets[_i].set };

    expect_errors("pipeline: [embed, attention, embed]", sets, 2, broken_sets[_i].message);
}
END_TEST

START_TEST(all_errors_of_all_layers_come_at_once_by_layer_and_place)
{
    static const char *const sets[] = { "tokenizer.ratio=2", "tokenizer.x=1", "input=[a" };

    write_text("b.yaml", "pipeline: [embed]\nvectors: { limit: x }\nfoo: 1\n");
    expect_errors("model: b.yaml\ntokenizer: { unknown: true, lowercase: 1 }\ntrace: [ [] ]\n", sets, 3,
                  "b.yaml:2:19: vectors.limit: found 'x', expected a whole number from 0 on\n"
                  "b.yaml:3:1: unknown key 'foo'; expected one of model, vectors, tokenizer, pipeline, extra, input, trace\n"
                  "a.yaml:2:23: tokenizer.unknown: found 'true', expected a text; write it in quotes if the word is meant\n"
                  "a.yaml:2:40: tokenizer.lowercase: found '1', expected true or false\n"
                  "a.yaml:3:10: trace: found an empty list, expected a text, a list of texts, or { file: NAME }\n"
                  "--set 1: tokenizer.ratio: found '2', expected a number from 0 to 1\n"
                  "--set 2: unknown key 'x' in tokenizer; expected one of lowercase, unknown, ratio, temperature, separator\n"
                  "--set 3: did not find expected ',' or ']' while parsing a flow sequence");
}
END_TEST

START_TEST(errors_that_do_not_fit_are_counted)
{
    enum { N = 3000 };
    wa_buf     text = { 0 };
    wa_config *config;
    wa_error   err;

    wa_buf_str(&text, "pipeline: [embed]\n");
    for (int i = 0; i < N; i++)
        wa_buf_format(&text, "unknown_%d: 1\n", i);
    const char *const path = scratch_file("a.yaml", text.data, text.n_bytes);
    ck_assert_int_eq(wa_config_open(path, NULL, 0, &schema, NULL, &config, &err), WA_ECONFIG);
    size_t n_lines = 1, n_more = 0;
    for (const char *c = err.message; *c; c++)
        n_lines += *c == '\n';
    ck_assert_ptr_nonnull(strstr(err.message, "a.yaml:2:1: unknown key 'unknown_0'"));
    ck_assert_int_eq(sscanf(strrchr(err.message, '\n'), "\n... and %zu more", &n_more), 1);
    ck_assert_uint_eq(n_lines - 1 + n_more, N);
    wa_buf_clear(&text);
}
END_TEST

/* 2001 rows of 2001 numbers would be more than a document can hold, so they cannot all be as long as the first. */
START_TEST(what_is_too_much_is_refused_without_being_made)
{
    wa_buf stages = { 0 }, rows = { 0 };

    wa_buf_str(&stages, "pipeline: [embed");
    for (int i = 0; i < 10000; i++)
        wa_buf_str(&stages, ", embed");
    wa_buf_add(&stages, "]", 2);
    expect_errors(stages.data, NULL, 0, "a.yaml:1:11: pipeline: found 10001 stages, expected at most 10000");
    wa_buf_str(&rows, "pipeline: [embed]\nextra: { a: [[0");
    for (int i = 0; i < 2000; i++)
        wa_buf_str(&rows, ", 0");
    wa_buf_str(&rows, "]");
    for (int i = 0; i < 2000; i++)
        wa_buf_str(&rows, ", [0]");
    wa_buf_add(&rows, "] }", 4);
    expect_errors(rows.data, NULL, 0, "a.yaml:2:13: tensor 'a': its rows are of different lengths");
    wa_buf_clear(&stages);
    wa_buf_clear(&rows);
}
END_TEST

START_TEST(files_that_start_from_one_another_in_a_circle_are_named)
{
    write_text("b.yaml", "# b\nmodel: ./c.yaml\n");
    write_text("c.yaml", "model: ./../x/../b.yaml\npipeline: [embed]\n");
    mkdir(scratch_path("x"), 0777);
    expect_errors("pipeline: [embed]\nmodel: a.yaml\n", NULL, 0,
                  "a.yaml:2:8: these files start from one another in a circle: a.yaml -> a.yaml");
}
END_TEST

START_TEST(a_circle_is_seen_through_other_names_of_a_file)
{
    mkdir(scratch_path("x"), 0777);
    write_text("b.yaml", "model: x/../c.yaml\n");
    write_text("c.yaml", "model: ./b.yaml\npipeline: [embed]\n");
    expect_errors("model: b.yaml\n", NULL, 0,
                  "x/../c.yaml:1:8: these files start from one another in a circle: b.yaml -> x/../c.yaml -> x/.././b.yaml");
}
END_TEST

START_TEST(a_chain_of_more_than_sixteen_files_is_refused)
{
    char name[32], text[64], message[128];

    for (int i = 1; i <= 17; i++) {
        snprintf(name, sizeof name, "n%d.yaml", i);
        snprintf(text, sizeof text, "pipeline: [embed]\nmodel: n%d.yaml\n", i + 1);
        write_text(name, i == 17 ? short_pipeline : text);
    }
    snprintf(message, sizeof message, "n16.yaml:2:8: more than 16 files start from one another");
    expect_status(WA_ECONFIG, scratch_path("n1.yaml"), NULL, 0, message);
    wa_config_close(open_file(scratch_path("n2.yaml"), NULL, 0));
}
END_TEST

START_TEST(a_base_that_cannot_be_read_is_blamed_where_it_is_named)
{
    expect_status(WA_EIO, write_text("a.yaml", "pipeline: [embed]\nmodel: nope.yaml\n"), NULL, 0,
                  "a.yaml:2:8: nope.yaml: cannot open: No such file or directory");
    expect_status(WA_EIO, scratch_path("gone.yaml"), NULL, 0, "gone.yaml: cannot open: No such file or directory");
}
END_TEST

START_TEST(a_base_that_is_not_yaml_is_reported_with_its_own_place)
{
    write_text("b.yaml", "a: [\n");
    expect_errors("model: b.yaml\nfoo: 1\n", NULL, 0, "b.yaml:2:1: did not find expected node content while parsing a flow node");
}
END_TEST

/* ---------------------------------------------------------------- places and complaints */

START_TEST(each_value_knows_where_it_comes_from)
{
    static const char *const sets[] = { "tokenizer.ratio=1", "extra.norm.0.bias=[1]", "attention.0.mask=none" };
    static const struct {
        const char *key, *where;
    } all[] = { { "vectors.limit", "b.yaml:1:19" },
                { "vectors", "b.yaml:1:10" },
                { "vectors.file", "b.yaml:1:10" }, /* nobody gave it: the map around it */
                { "tokenizer.ratio", "--set 1" },
                { "tokenizer.lowercase", "a.yaml:3:12" },
                { "tokenizer.unknown", "a.yaml:3:23" },
                { "attention.0.heads", "a.yaml:7:14" },
                { "attention.0.mask", "--set 3" },
                { "attention.0", "a.yaml:6:5" },
                { "embed.0.scale", "a.yaml:5:5" },
                { "embed.0", "a.yaml:5:5" },
                { "embed.1.scale", "a.yaml:2:1" },
                { "pipeline", "a.yaml:5:3" },
                { "extra.norm.0.bias", "--set 2" },
                { "extra.norm.0.weight", "--set 2" },
                { "input.file", "a.yaml:8:16" },
                { "nonsense.at.all", "a.yaml:2:1" },
                { "", "a.yaml:2:1" } };

    write_text("b.yaml", "vectors: { limit: 3 }\n");
    const char *const path =
        write_text("a.yaml", "\nmodel: b.yaml\ntokenizer: { unknown: x }\npipeline:\n  - embed\n  - attention:\n"
                             "      heads: 3\ninput: { file: i }\n");
    wa_config *const config = open_file(path, sets, 3);

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char *const where = without_folder(wa_config_where(config, all[i].key));

        ck_assert_msg(strcmp(where, all[i].where) == 0, "%s: %s, expected %s", all[i].key, where, all[i].where);
        free(where);
    }
    wa_config_close(config);
}
END_TEST

START_TEST(a_stage_keeps_its_place_when_an_override_gives_it_options)
{
    static const char *const sets[] = { "attention.0.heads=2" };
    wa_config *const         config = open_file(write_text("a.yaml", "pipeline:\n  - attention\n"), sets, 1);
    char *const              stage  = without_folder(wa_config_where(config, "attention.0"));

    ck_assert_str_eq(stage, "a.yaml:2:5");
    ck_assert_str_eq(wa_config_where(config, "attention.0.heads"), "--set 1");
    free(stage);
    wa_config_close(config);
}
END_TEST

START_TEST(complaints_are_reported_in_the_order_they_were_made)
{
    wa_config *const config = open_text("pipeline:\n  - attention: { heads: 5 }\nvectors: { limit: 1 }\n");
    wa_error         err    = { 0 };

    ck_assert_int_eq(wa_config_verdict(config, &err), WA_OK);
    wa_config_complain(config, "vectors.limit", "vectors.limit is %d, which is too few", 1);
    wa_config_complain(config, "attention.0.heads", "attention.heads is %d, and 224 is not a multiple of it", 5);
    ck_assert_int_eq(wa_config_verdict(config, &err), WA_ECONFIG);
    char *const found = without_folder(err.message);
    ck_assert_str_eq(found, "a.yaml:3:19: vectors.limit is 1, which is too few\n"
                            "a.yaml:2:25: attention.heads is 5, and 224 is not a multiple of it");
    free(found);
    wa_config_close(config);
}
END_TEST

START_TEST(files_that_are_not_there_are_found)
{
    write_text("there.bin", "x");
    wa_config *const config = open_text("vectors: { file: there.bin }\npipeline: [vocabulary: { words: gone.txt }, vocabulary]\n"
                                        "input: { file: gone too }\n");
    wa_error         err    = { 0 };

    wa_config_check_files(config);
    ck_assert_int_eq(wa_config_verdict(config, &err), WA_ECONFIG);
    char *const found = without_folder(err.message);
    ck_assert_str_eq(found, "a.yaml:2:33: gone.txt: no such file\na.yaml:3:16: gone too: no such file");
    free(found);
    wa_config_close(config);
}
END_TEST

static void expect_file(const wa_config *config, size_t i, const char *key, const char *name)
{
    const wa_config_file file = wa_config_file_of(config, i);

    ck_assert_str_eq(file.key, key);
    ck_assert_str_eq(strrchr(file.path, '/') + 1, name);
}

/* Neither what it starts from, nor a file of a key that another one excludes. */
START_TEST(the_files_that_a_configuration_names_are_listed_with_their_keys)
{
    write_text("b.yaml", "vectors: { file: v.bin }\n");
    wa_config *config =
        open_text("model: b.yaml\npipeline: [embed, vocabulary: { words: w.txt }, vocabulary]\ninput: { file: '-x' }\n");

    ck_assert_uint_eq(wa_config_n_files(config), 3);
    expect_file(config, 0, "vectors.file", "v.bin");
    expect_file(config, 1, "vocabulary.words", "w.txt");
    expect_file(config, 2, "input", "-x");
    wa_config_close(config);
    config = open_text("model: b.yaml\npipeline: [embed]\nvectors: { random: { width: 2 } }\n");
    ck_assert_uint_eq(wa_config_n_files(config), 0);
    wa_config_close(config);
}
END_TEST

/* ---------------------------------------------------------------- showing */

/* Compares texts line by line, as Check has no room for long ones in its messages. */
static void expect_lines(const char *found, const char *expected)
{
    for (size_t line = 1; *found || *expected; line++) {
        const size_t n = strcspn(found, "\n"), m = strcspn(expected, "\n");

        ck_assert_msg(n == m && memcmp(found, expected, n) == 0, "line %zu: %.*s, expected %.*s", line, (int)n, found, (int)m,
                      expected);
        found += n + (found[n] == '\n');
        expected += m + (expected[m] == '\n');
    }
}

static bool tensors_are_equal(const wa_tensors *a, const wa_tensors *b)
{
    if (a->n != b->n || a->is_given != b->is_given)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        size_t n = 1;

        for (size_t d = 0; d < a->items[i].rank; d++)
            n *= a->items[i].shape[d];
        if (!wa_text_equal(a->items[i].name, b->items[i].name) || a->items[i].rank != b->items[i].rank ||
            memcmp(a->items[i].shape, b->items[i].shape, sizeof a->items[i].shape) != 0 ||
            memcmp(a->items[i].data, b->items[i].data, n * sizeof(float)) != 0)
            return false;
    }
    return true;
}

static bool texts_are_equal(const wa_texts *a, const wa_texts *b)
{
    bool equal = a->n == b->n && a->is_given == b->is_given && !a->file == !b->file && (!a->file || strcmp(a->file, b->file) == 0);

    for (size_t i = 0; equal && i < a->n; i++)
        equal = wa_text_equal(a->items[i], b->items[i]);
    return equal;
}

static bool params_are_equal(const wa_variant *variant, const void *a, const void *b)
{
    if (variant == &embed_variant) {
        const wa_scale x = ((const embed_opts *)a)->scale, y = ((const embed_opts *)b)->scale;

        return x.choice == y.choice && x.number == y.number;
    }
    if (variant == &needy_variant)
        return ((const needy_opts *)a)->size == ((const needy_opts *)b)->size &&
               ((const needy_opts *)a)->share == ((const needy_opts *)b)->share;
    if (variant == &attention_variant)
        return ((const attention_opts *)a)->heads == ((const attention_opts *)b)->heads &&
               ((const attention_opts *)a)->mask == ((const attention_opts *)b)->mask;
    return variant == &nothing_variant || strcmp(((const vocabulary_opts *)a)->words, ((const vocabulary_opts *)b)->words) == 0;
}

static bool stages_are_equal(const wa_stages *a, const wa_stages *b)
{
    bool equal = a->n == b->n;

    for (size_t i = 0; equal && i < a->n; i++)
        equal = a->items[i].variant == b->items[i].variant &&
                params_are_equal(variants[a->items[i].variant], a->items[i].params, b->items[i].params);
    return equal;
}

static void expect_equal(const values *a, const values *b)
{
    ck_assert(!a->vectors.file == !b->vectors.file && (!a->vectors.file || strcmp(a->vectors.file, b->vectors.file) == 0));
    ck_assert_int_eq(a->vectors.random.is_given, b->vectors.random.is_given);
    ck_assert_uint_eq(a->vectors.random.width, b->vectors.random.width);
    ck_assert_double_eq(a->vectors.random.low, b->vectors.random.low);
    ck_assert(tensors_are_equal(&a->vectors.values, &b->vectors.values));
    ck_assert_uint_eq(a->vectors.limit, b->vectors.limit);
    ck_assert_int_eq(a->tokenizer.lowercase, b->tokenizer.lowercase);
    ck_assert(!a->tokenizer.unknown.data == !b->tokenizer.unknown.data);
    ck_assert(wa_text_equal(a->tokenizer.unknown, b->tokenizer.unknown));
    ck_assert(!a->tokenizer.separator.data == !b->tokenizer.separator.data);
    ck_assert(wa_text_equal(a->tokenizer.separator, b->tokenizer.separator));
    ck_assert_double_eq(a->tokenizer.ratio, b->tokenizer.ratio);
    ck_assert_double_eq(a->tokenizer.temperature, b->tokenizer.temperature);
    ck_assert(stages_are_equal(&a->pipeline, &b->pipeline));
    ck_assert(tensors_are_equal(&a->extra, &b->extra));
    ck_assert(texts_are_equal(&a->input, &b->input));
    ck_assert(texts_are_equal(&a->trace, &b->trace));
}

static const char *const shown[] = {
    "pipeline: [embed]",
    "pipeline: []",
    "vectors: { random: { width: 0x10 } }\npipeline: [embed: { scale: 1e-3 }, attention, nothing, nothing: {}]",
    "vectors: { file: ./vectors, limit: 3 }\npipeline: [vocabulary, vocabulary: { words: ./vectors }, vocabulary: { words: input "
    "}]",
    "vectors: { values: { 'true': [1, 2], 'a: b': [[.inf, 0x10], [-0.1, 3]], \"\\n\": [1] } }\npipeline: [attention: { mask: none "
    "}]",
    "vectors: { random: }\nextra: {}\ninput: []\ntrace: ~\npipeline: [embed]",
    "tokenizer: { unknown: 'null', separator: '' }\npipeline: [embed]\ninput: [ '5', 5, 'true', ' x', '#', 'a, b', '-', '[', "
    "\"'\", "
    "\"\\\"\", '', \"\\u2028\\uFEFF\\x01\\x7F\\n\", \"\xC3\xA9 \xF0\x9F\x98\x80\", '~', '- a', '...', '---', '&a', '*', '!', '%', "
    "'@' ]",
    "tokenizer: { unknown: no, separator: \"two\\nlines\\n\" }\npipeline: [embed]",
    "tokenizer:\n  separator: |\n    two\n    lines\npipeline: [embed]\ninput: one text\n",
    "pipeline: [needy: { size: 5 }, needy: { share: .5 }]",
    "input: { file: 'a b' }\npipeline: [embed]\ntrace: { file: '-' }\nvectors: { file: null }\n",
};

START_TEST(what_is_shown_reads_back_to_the_same)
{
    wa_buf           text  = { 0 };
    wa_config *const first = open_text(shown[_i]);
    wa_config_show(first, &text);
    ck_assert(!text.failed);
    wa_config *const second = open_file(scratch_file("shown.yaml", text.data, text.n_bytes), NULL, 0);

    expect_equal(wa_config_values(first), wa_config_values(second));
    wa_buf_clear(&text);
    wa_config_close(first);
    wa_config_close(second);
}
END_TEST

START_TEST(a_configuration_is_shown_with_where_each_value_comes_from)
{
    static const char *const sets[] = { "attention.0.mask=none", "extra.a=[[1, 2], [3, 4]]" };
    wa_buf                   text   = { 0 };

    write_text("b.yaml", "vectors: { random: { width: 3 }, limit: 2 }\n");
    wa_config *const config =
        open_file(write_text("a.yaml", "model: b.yaml\npipeline:\n  - embed\n  - attention: { heads: 8 }\n"), sets, 2);
    wa_config_show(config, &text);
    wa_buf_add(&text, "", 1);
    char *const found = without_folder(text.data);
    ck_assert_msg(strncmp(found, "# model: b.yaml ", 16) == 0, "%s", found); /* its column depends on the scratch folder */
    expect_lines(strchr(found, '\n') + 1, "vectors:                                    # b.yaml:1:10\n"
                                          "  random:                                   # b.yaml:1:20\n"
                                          "    width: 3                                # b.yaml:1:29\n"
                                          "    low: -1.5                               # default\n"
                                          "  limit: 2                                  # b.yaml:1:41\n"
                                          "tokenizer:                                  # default\n"
                                          "  lowercase: true                           # default\n"
                                          "  unknown: null                             # default\n"
                                          "  ratio: 0.5                                # default\n"
                                          "  temperature: 1                            # default\n"
                                          "  # separator:                              # not given\n"
                                          "pipeline:                                   # a.yaml:3:3\n"
                                          "  - embed:                                  # a.yaml:3:5\n"
                                          "      scale: sqrt_d                         # default\n"
                                          "  - attention:                              # a.yaml:4:5\n"
                                          "      heads: 8                              # a.yaml:4:25\n"
                                          "      mask: none                            # --set 1\n"
                                          "extra:                                      # --set 2\n"
                                          "  a: [[1, 2], [3, 4]]                       # --set 2\n"
                                          "# input:                                    # not given\n"
                                          "trace: [ \"*\" ]                              # default\n");
    free(found);
    wa_buf_clear(&text);
    wa_config_close(config);
}
END_TEST

/* Read from the working folder, the file that was given beside it is the same one from a folder elsewhere. */
START_TEST(a_rooted_configuration_names_its_files_from_every_folder)
{
    static const char *const sets[] = { "trace.file=here.txt" };
    wa_buf                   text = { 0 }, here = { 0 };
    char                     folder[4096];
    wa_config *const         config = open_file(
                write_text("a.yaml", "vectors: { file: v.bin }\npipeline: [vocabulary: { words: input }]\ninput: { file: '-' }\n"), sets,
                1);
    wa_config_show_rooted(config, &text);
    ck_assert(!text.failed);
    wa_config *const again = open_file(scratch_file("rooted.yaml", text.data, text.n_bytes), NULL, 0);

    ck_assert_uint_eq(wa_config_n_files(again), 3);
    ck_assert_str_eq(wa_config_file_of(again, 0).path, wa_config_file_of(config, 0).path);
    ck_assert_str_eq(wa_config_file_of(again, 1).path, "-");
    ck_assert_ptr_nonnull(getcwd(folder, sizeof folder));
    wa_buf_format(&here, "%s/here.txt", folder);
    wa_buf_add(&here, "", 1);
    ck_assert_str_eq(wa_config_file_of(again, 2).path, here.data);
    wa_config_close(again);
    wa_config_close(config);
    wa_buf_clear(&here);
    wa_buf_clear(&text);
}
END_TEST

static void expect_bare(wa_config *config, const char *expected)
{
    wa_buf text = { 0 };

    wa_config_show_bare(config, &text);
    wa_buf_add(&text, "", 1);
    ck_assert(!text.failed);
    expect_lines(text.data, expected);
    wa_buf_clear(&text);
    wa_config_close(config);
}

/* Neither where a value is given, nor a file, nor a key that is not given: only words that stand for no file are left of paths. */
START_TEST(a_bare_configuration_is_its_values_alone)
{
    static const char        bare[] = "vectors:\n"
                                      "  limit: 2\n"
                                      "tokenizer:\n"
                                      "  lowercase: true\n"
                                      "  unknown: null\n"
                                      "  ratio: 0.5\n"
                                      "  temperature: 1\n"
                                      "pipeline:\n"
                                      "  - vocabulary:\n"
                                      "  - vocabulary:\n"
                                      "      words: input\n"
                                      "  - attention:\n"
                                      "      heads: 8\n"
                                      "      mask: causal\n"
                                      "extra:\n"
                                      "  a: [[1, 2], [3, 4]]\n"
                                      "trace: [ \"*\" ]\n";
    static const char *const sets[] = { "vectors.limit=2", "attention.0.heads=8", "extra.a=[[1, 2], [3, 4]]", "input.file=y" };

    expect_bare(open_text("vectors: { file: v.bin, limit: 2 }\ninput: { file: x }\nextra: { a: [[1, 2], [3, 4]] }\n"
                          "pipeline: [ vocabulary: { words: w.txt }, vocabulary: { words: input }, attention: { heads: 8 } ]\n"),
                bare);
    write_text("b.yaml", "vectors: { file: other.bin }\n"
                         "pipeline: [ vocabulary: { words: other.txt }, vocabulary: { words: input }, attention ]\n");
    expect_bare(open_file(write_text("a.yaml", "model: b.yaml\n"), sets, 4), bare);
}
END_TEST

START_TEST(the_schema_is_shown_as_a_configuration_of_its_defaults)
{
    wa_buf text = { 0 };

    wa_schema_show(&schema, &text);
    wa_buf_add(&text, "", 1);
    const char *const keys_begin = strstr(text.data, "# model:");
    ck_assert_ptr_nonnull(keys_begin);
    expect_lines(keys_begin, "# model: ../base                            # start from that file\n"
                             "vectors:                                    # word vectors\n"
                             "  file: vectors.bin                         # a file\n"
                             "  # random:                                 # instead of file\n"
                             "  #   width: 4                              # floats a word; 1..\n"
                             "  #   low: -1.5                             # smallest number\n"
                             "  # values: { a: [1, 2] }                   # instead of file\n"
                             "  limit: 0                                  # first words only; 0..\n"
                             "tokenizer:                                  # texts to words\n"
                             "  lowercase: true                           # lower-case the words\n"
                             "  unknown: null                             # word for unknown words\n"
                             "  ratio: 0.5                                # a share; 0..1\n"
                             "  temperature: 1                            # a divisor; >0\n"
                             "  # separator:                              # a text without a default\n"
                             "pipeline:                                   # stages in their order\n"
                             "  - embed:                                  # vectors\n"
                             "      scale: sqrt_d                         # times the vector; sqrt_d | a number\n"
                             "  - attention:                              # attention\n"
                             "      heads: 4                              # how many heads; 1..64\n"
                             "      mask: causal                          # what is hidden; causal | none\n"
                             "  # - nothing:                              # changes nothing\n"
                             "  # - vocabulary:                           # words\n"
                             "  #     words: vectors                      # which words; vectors | input | a file\n"
                             "  # - needy:                                # needs a size\n"
                             "  #     size: 3                             # must be there; 1..\n"
                             "  #     share:                              # instead of size; 0..1\n"
                             "# extra: { norm.0.bias: [0, 0] }            # single tensors\n"
                             "input: [ \"Life is short\" ]                  # texts\n"
                             "trace: [ \"*\" ]                              # globs\n");
    wa_config_close(open_file(scratch_file("d.yaml", text.data, text.n_bytes - 1), NULL, 0));
    wa_buf_clear(&text);
}
END_TEST

START_TEST(the_schema_of_the_program_is_shown_as_a_configuration_that_reads_back)
{
    wa_buf     text = { 0 }, first = { 0 }, second = { 0 };
    wa_config *config;
    wa_error   err = { 0 };

    wa_schema_show(&wa_experiment_schema, &text);
    const char *const path = scratch_file("default.yaml", text.data, text.n_bytes);
    ck_assert_msg(wa_config_open(path, NULL, 0, &wa_experiment_schema, NULL, &config, &err) == WA_OK, "%s", err.message);
    wa_config_show(config, &first);
    wa_config_close(config);
    const char *const again = scratch_file("default.yaml", first.data, first.n_bytes);
    ck_assert_msg(wa_config_open(again, NULL, 0, &wa_experiment_schema, NULL, &config, &err) == WA_OK, "%s", err.message);
    wa_config_show(config, &second);
    wa_config_close(config);
    char *a = first.data, *b = second.data;
    for (size_t line = 1; line < 40; line++) { /* the comments are of other places */
        const size_t n = strcspn(a, "#\n"), m = strcspn(b, "#\n");

        ck_assert_msg(n == m && memcmp(a, b, n) == 0, "line %zu: %.*s, expected %.*s", line, (int)m, b, (int)n, a);
        a += strcspn(a, "\n") + 1;
        b += strcspn(b, "\n") + 1;
    }
    wa_buf_clear(&text);
    wa_buf_clear(&first);
    wa_buf_clear(&second);
}
END_TEST

/* ---------------------------------------------------------------- robustness */

static const char whole[] =
    "vectors: { random: { width: 3 }, limit: 2 }\ntokenizer: { unknown: \"<unk>\", ratio: 0.25 }\npipeline:\n  - embed: "
    "{ scale: 2 }\n  - attention:\n      heads: 3\n      mask: none\n  - vocabulary: { words: w.txt }\nextra: { a: "
    "[[1, 2], [3, 4]], b: [.5] }\ninput: [ a, 'b' ]\ntrace: { file: t }\n";

static void open_mutation(const char *text, size_t n)
{
    static const char *const sets[]     = { "attention.0.heads=2", "vectors.random.low=1", "extra.a=[1]" };
    wa_config               *config     = NULL;
    wa_buf                   shown_text = { 0 };
    const wa_status          st         = wa_config_open(scratch_file("m.yaml", text, n), sets, 3, &schema, NULL, &config, NULL);

    ck_assert(st == WA_OK || st == WA_ECONFIG || st == WA_EIO);
    if (st == WA_OK) {
        wa_config_show(config, &shown_text);
        wa_config_where(config, "attention.0.heads");
    }
    wa_buf_clear(&shown_text);
    wa_config_close(config);
}

START_TEST(every_prefix_of_a_configuration_opens_or_fails_cleanly)
{
    for (size_t n = 0; n < sizeof whole; n++)
        open_mutation(whole, n);
}
END_TEST

START_TEST(mutated_configurations_open_or_fail_cleanly)
{
    static const char pieces[] = "[]{}:,-?!&*#'\"|>%\n 0ax.";
    uint64_t          state    = 11; /* xorshift64 */

    for (int round = 0; round < 3000; round++) {
        char text[sizeof whole];

        memcpy(text, whole, sizeof whole);
        for (int change = 0; change < 2; change++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text[(state >> 8) % (sizeof whole - 1)] = pieces[(state >> 40) % (sizeof pieces - 1)];
        }
        open_mutation(text, sizeof whole - 1);
    }
}
END_TEST

static wa_status use_config(const wa_env *env, void *user)
{
    static const char *const sets[] = { "attention.0.heads=2", "vectors.random.low=1", "extra.norm.0.bias=[1]", "input=[x]" };
    wa_config               *config = NULL;
    wa_buf                   text   = { .env = env };
    wa_status                st     = wa_config_open(user, sets, 4, &schema, env, &config, NULL);

    if (st == WA_OK) {
        wa_config_show(config, &text);
        wa_config_where(config, "attention.0.heads");
        st = text.failed ? WA_ENOMEM : wa_config_verdict(config, NULL);
    }
    wa_buf_clear(&text);
    wa_config_close(config);
    return st;
}

/* An arena takes memory 64 KiB at a time: texts fill it more and more, so that each step is once the one that needs a new block. */
static void fail_with_filling(wa_status (*body)(const wa_env *env, void *user), const char *rest)
{
    for (int n = 0; n < 520; n += 9) {
        wa_buf text = { 0 };

        wa_buf_str(&text, "trace: [ x");
        for (int i = 0; i < n; i++)
            wa_buf_str(&text, ", x");
        wa_buf_format(&text, " ]\n%s", rest);
        const char *const path = scratch_file("a.yaml", text.data, text.n_bytes);
        every_allocation_fails_in_turn(body, (void *)(uintptr_t)path, 500);
        wa_buf_clear(&text);
    }
}

START_TEST(a_failing_allocation_is_reported_and_leaves_nothing)
{
    write_text("b.yaml", whole);
    fail_with_filling(use_config, "model: b.yaml\ntokenizer: { ratio: 1 }\n");
}
END_TEST

static wa_status fail_to_open(const wa_env *env, void *user)
{
    static const char *const sets[] = { "foo", "attention.5.heads=2", "tokenizer.x=#" };
    wa_config               *config = NULL;
    const wa_status          st     = wa_config_open(user, sets, 3, &schema, env, &config, NULL);

    ck_assert_ptr_null(config);
    return st == WA_ECONFIG ? WA_OK : st; /* the errors that are to be found */
}

START_TEST(a_failing_allocation_among_errors_is_reported_and_leaves_nothing)
{
    write_text("b.yaml", "model: a.yaml\nextra: { a: [[1], [x]], b: 5, c: [[1], [2, 3]] }\ninput: { fil: 1 }\n");
    fail_with_filling(fail_to_open, "model: b.yaml\npipeline: [embd, zzzzz, embed: 5, {}]\n"
                                    "tokenizer: { ratio: 2, lowercase: '1' }\nfoo: 1\n");
}
END_TEST

Suite *wa_suite_config(void)
{
    Suite *const suite = suite_create("config");
    TCase *const read = new_case("values"), *const layers = new_case("layers"), *const errors = new_case("errors"),
                 *const places = new_case("places"), *const show = new_case("showing"), *const robust = new_case("robustness");

    tcase_add_test(read, a_document_of_little_gives_defaults);
    tcase_add_test(read, every_type_of_key_is_read);
    tcase_add_test(read, a_tensor_has_up_to_four_dimensions);
    tcase_add_test(read, null_takes_a_value_back);
    tcase_add_test(read, paths_are_relative_to_the_file_that_names_them);
    tcase_add_test(read, an_alias_serves_several_keys_and_is_not_changed_by_an_override);
    suite_add_tcase(suite, read);
    tcase_add_test(layers, maps_of_a_base_merge_and_lists_replace);
    tcase_add_test(layers, a_folder_stands_for_its_model_file);
    tcase_add_test(layers, of_a_group_the_key_of_the_latest_layer_counts);
    tcase_add_test(layers, overrides_count_in_their_order);
    tcase_add_test(layers, an_override_of_the_base_chooses_the_documents);
    suite_add_tcase(suite, layers);
    tcase_add_loop_test(errors, a_broken_document_is_refused_with_one_sentence, 0, (int)(sizeof broken / sizeof *broken));
    tcase_add_loop_test(errors, a_broken_override_is_named_by_its_number, 0, (int)(sizeof broken_sets / sizeof *broken_sets));
    tcase_add_test(errors, all_errors_of_all_layers_come_at_once_by_layer_and_place);
    tcase_add_test(errors, errors_that_do_not_fit_are_counted);
    tcase_add_test(errors, what_is_too_much_is_refused_without_being_made);
    tcase_add_test(errors, files_that_start_from_one_another_in_a_circle_are_named);
    tcase_add_test(errors, a_circle_is_seen_through_other_names_of_a_file);
    tcase_add_test(errors, a_chain_of_more_than_sixteen_files_is_refused);
    tcase_add_test(errors, a_base_that_cannot_be_read_is_blamed_where_it_is_named);
    tcase_add_test(errors, a_base_that_is_not_yaml_is_reported_with_its_own_place);
    suite_add_tcase(suite, errors);
    tcase_add_test(places, each_value_knows_where_it_comes_from);
    tcase_add_test(places, a_stage_keeps_its_place_when_an_override_gives_it_options);
    tcase_add_test(places, complaints_are_reported_in_the_order_they_were_made);
    tcase_add_test(places, files_that_are_not_there_are_found);
    tcase_add_test(places, the_files_that_a_configuration_names_are_listed_with_their_keys);
    suite_add_tcase(suite, places);
    tcase_add_loop_test(show, what_is_shown_reads_back_to_the_same, 0, (int)(sizeof shown / sizeof *shown));
    tcase_add_test(show, a_configuration_is_shown_with_where_each_value_comes_from);
    tcase_add_test(show, a_rooted_configuration_names_its_files_from_every_folder);
    tcase_add_test(show, a_bare_configuration_is_its_values_alone);
    tcase_add_test(show, the_schema_is_shown_as_a_configuration_of_its_defaults);
    tcase_add_test(show, the_schema_of_the_program_is_shown_as_a_configuration_that_reads_back);
    suite_add_tcase(suite, show);
    tcase_set_timeout(robust, 120);
    tcase_add_test(robust, every_prefix_of_a_configuration_opens_or_fails_cleanly);
    tcase_add_test(robust, mutated_configurations_open_or_fail_cleanly);
    tcase_add_test(robust, a_failing_allocation_is_reported_and_leaves_nothing);
    tcase_add_test(robust, a_failing_allocation_among_errors_is_reported_and_leaves_nothing);
    suite_add_tcase(suite, robust);
    return suite;
}

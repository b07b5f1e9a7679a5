/* Opening a model. See model.h. */
#include "model/model.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/lines.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/str.h"
#include "model/vocabulary.h"

/* ---------------------------------------------------------------- input texts */

static wa_status keep_input(wa_model *model, size_t *capacity, wa_text text, wa_error *err)
{
    void         *inputs = model->inputs;
    const wa_text kept   = wa_arena_text(&model->arena, text);

    if (!kept.data || !wa_grow(&model->env, &inputs, capacity, model->n_inputs + 1, sizeof *model->inputs))
        return wa_fail_memory(err, "input");
    model->inputs                    = inputs;
    model->inputs[model->n_inputs++] = kept;
    return WA_OK;
}

static wa_status read_inputs(wa_model *model, wa_error *err)
{
    wa_status             st       = WA_OK;
    const wa_texts *const input    = &model->experiment->input;
    wa_lines             *lines    = NULL;
    size_t                capacity = 0;
    bool                  has_line = true;
    wa_text               line;

    for (size_t i = 0; i < input->n; i++)
        WA_TRY(keep_input(model, &capacity, input->items[i], err));
    if (!input->file)
        goto done;
    WA_TRY(wa_lines_open(input->file, &model->env, &lines, err));
    for (;;) {
        WA_TRY(wa_lines_next(lines, &line, &has_line, err));
        if (!has_line)
            break;
        WA_TRY(keep_input(model, &capacity, line, err));
    }
done:
    wa_lines_close(lines);
    return st;
}

/* ---------------------------------------------------------------- vectors */

static void check_value(wa_model *model, const wa_tensor_value *v, size_t D)
{
    wa_buf key = { .env = &model->env };

    wa_buf_format(&key, "vectors.values.%.*s", (int)v->name.n_bytes, v->name.data);
    const char *const where = key.failed ? "vectors.values" : key.data;
    if (v->rank != 1 || v->shape[0] == 0)
        wa_config_complain(model->config, where, "the vector of %s is no list of numbers", wa_show(v->name).quoted);
    else if (v->shape[0] != D)
        wa_config_complain(model->config, where, "the vector of %s has %zu numbers, expected %zu, as the first has",
                           wa_show(v->name).quoted, v->shape[0], D);
    wa_buf_clear(&key);
}

/* Hand-written vectors: the first one says how wide all are. */
static wa_status take_values(wa_model *model, wa_error *err)
{
    wa_status               st     = WA_OK;
    const wa_tensors *const values = &model->experiment->vectors.values;

    if (values->n == 0)
        WA_FAIL(WA_ECONFIG, "%s: vectors.values holds no word", wa_config_where(model->config, "vectors.values"));
    const size_t D = values->items[0].shape[0];
    for (size_t i = 0; i < values->n; i++)
        check_value(model, &values->items[i], D);
    WA_TRY(wa_config_verdict(model->config, err));
    WA_TRY(wa_vectors_new(D, &model->env, &model->vectors, err));
    for (size_t i = 0; i < values->n; i++)
        WA_TRY(wa_vectors_add(model->vectors, values->items[i].name, values->items[i].data, err));
done:
    return st;
}

static wa_status draw_word(wa_model *model, wa_text word, float *row, wa_error *err)
{
    const wa_random_opts *const random = &model->experiment->vectors.random;
    wa_rng                      rng    = wa_rng_named(random->seed, word);

    if (wa_vectors_find(model->vectors, word) != WA_NONE)
        return WA_OK;
    for (size_t d = 0; d < random->width; d++)
        row[d] = wa_rng_uniform(&rng, random->low, random->high);
    return wa_vectors_add(model->vectors, word, row, err);
}

/* One vector for each word of the input texts, and for the words that the tokenizer puts in. */
static wa_status draw_vectors(wa_model *model, wa_error *err)
{
    wa_status                      st    = WA_OK;
    const wa_tokenizer_opts *const t     = &model->experiment->tokenizer;
    const wa_text                  own[] = { t->unknown, t->start, t->end };
    float *const                   row   = wa_arena_alloc(&model->arena, model->experiment->vectors.random.width, sizeof *row);

    if (!row)
        WA_TRY(wa_fail_memory(err, "vectors.random"));
    WA_TRY(wa_vectors_new(model->experiment->vectors.random.width, &model->env, &model->vectors, err));
    for (size_t i = 0; i < model->n_inputs; i++) {
        wa_pieces pieces;

        WA_TRY(wa_tokenizer_split(t, model->inputs[i], &model->arena, &pieces, err));
        for (size_t p = 0; p < pieces.n; p++)
            WA_TRY(draw_word(model, pieces.items[p].word, row, err));
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i].data)
            WA_TRY(draw_word(model, own[i], row, err));
    if (wa_vectors_count(model->vectors) == 0)
        WA_FAIL(WA_ECONFIG, "%s: vectors.random makes a vector for each word of `input`, and there is none",
                wa_config_where(model->config, "vectors.random"));
done:
    return st;
}

static wa_status open_vectors(wa_model *model, size_t n_threads, wa_error *err)
{
    const wa_experiment *const e    = model->experiment;
    wa_vectors_opts            opts = e->vectors.opts;

    opts.n_threads = n_threads;
    if (e->vectors.values.is_given)
        return take_values(model, err);
    if (e->vectors.random.is_given)
        return draw_vectors(model, err);
    if (e->vectors.file)
        return wa_vectors_open(e->vectors.file, &opts, &model->env, &model->vectors, err);
    return wa_fail(err, WA_ECONFIG, "%s: vectors has none of file, values and random; a model needs one of them",
                   wa_config_where(model->config, "vectors"));
}

/* ---------------------------------------------------------------- what the values mean together */

static void check_random(wa_model *model, const wa_random_opts *random, const char *key)
{
    if (random->is_given && random->low > random->high)
        wa_config_complain(model->config, key, "%s has low %g above high %g; numbers are drawn from low up to high", key,
                           random->low, random->high);
}

static size_t find_special(wa_model *model, wa_text word, const char *key)
{
    if (!word.data)
        return WA_NONE;
    const size_t row = wa_vectors_find(model->vectors, word);
    if (row == WA_NONE)
        wa_config_complain(model->config, key, "%s is %s, and the vectors have no such word", key, wa_show(word).quoted);
    return row;
}

/* The end word is only ever predicted, so it needs a place in the vocabulary and no vector. */
static void check_end(wa_model *model)
{
    const wa_text end = model->experiment->tokenizer.end;

    if (end.data && model->pipeline.vocabulary && wa_model_find(model, end) == WA_NONE)
        wa_config_complain(model->config, "tokenizer.end", "tokenizer.end is %s, and the vocabulary has no such word",
                           wa_show(end).quoted);
}

static void find_specials(wa_model *model)
{
    const wa_tokenizer_opts *const t = &model->experiment->tokenizer;

    model->start   = find_special(model, t->start, "tokenizer.start");
    model->unknown = find_special(model, t->unknown, "tokenizer.unknown");
}

/* ---------------------------------------------------------------- opening */

/* The fastest kernels, or those that WORDAHEAD_KERNELS names: results are the same, so it is for tests and measurements. */
static wa_status choose_kernels(wa_model *model, wa_error *err)
{
    const char *const name = getenv("WORDAHEAD_KERNELS");

    model->kernels = name && *name ? wa_kernels_named(name) : wa_kernels_choose();
    if (model->kernels)
        return WA_OK;
    return wa_fail(err, WA_EUSAGE, "WORDAHEAD_KERNELS is %s; there are %s, as far as the processor has what they need",
                   wa_show(wa_text_of(name)).quoted, wa_kernels_names());
}

static wa_status build(wa_model *model, wa_pool *pool, wa_error *err)
{
    wa_status st = WA_OK;

    check_random(model, &model->experiment->vectors.random, "vectors.random");
    check_random(model, &model->experiment->weights.random, "weights.random");
    if (model->experiment->report.trace.file)
        wa_config_complain(model->config, "report.trace",
                           "report.trace is a file, expected a list of globs such as [ \"attention.*\" ]");
    WA_TRY(wa_config_verdict(model->config, err));
    WA_TRY(read_inputs(model, err));
    WA_TRY(open_vectors(model, wa_pool_threads(pool), err));
    WA_TRY(wa_weights_open(model->config, &model->arena, &model->env, &model->weights, err));
    find_specials(model);
    wa_build parts = {
        .config     = model->config,
        .experiment = model->experiment,
        .env        = &model->env,
        .arena      = &model->arena,
        .pool       = pool,
        .weights    = model->weights,
        .vectors    = model->vectors,
        .inputs     = model->inputs,
        .n_inputs   = model->n_inputs,
    };
    WA_TRY(wa_pipeline_prepare(&model->pipeline, &parts, err));
    check_end(model);
    WA_TRY(wa_config_verdict(model->config, err));
done:
    return st;
}

wa_status wa_model_open(const char *path, const wa_model_opts *opts, wa_model **out, wa_error *err)
{
    static const wa_model_opts defaults = { 0 };
    wa_status                  st       = WA_OK;
    wa_pool                   *pool     = NULL;

    opts            = opts ? opts : &defaults;
    wa_model *model = wa_alloc_zeroed(opts->env, 1, sizeof *model);
    if (!model)
        WA_TRY(wa_fail_memory(err, path));
    if (opts->env)
        model->env = *opts->env;
    model->arena.env = &model->env;
    WA_TRY(choose_kernels(model, err));
    WA_TRY(wa_pool_new(opts->n_threads, &model->env, &pool, err));
    WA_TRY(wa_config_open(path, opts->sets, opts->n_sets, &wa_experiment_schema, &model->env, &model->config, err));
    model->experiment = wa_config_values(model->config);
    WA_TRY(build(model, pool, err));
    *out  = model;
    model = NULL;
done:
    wa_pool_free(pool);
    wa_model_close(model);
    return st;
}

void wa_model_close(wa_model *model)
{
    if (!model)
        return;
    const wa_env env = model->env;
    wa_pipeline_clear(&model->pipeline);
    wa_weights_close(model->weights);
    wa_vectors_close(model->vectors);
    wa_release(&env, model->inputs);
    wa_config_close(model->config);
    wa_arena_clear(&model->arena);
    wa_release(&env, model);
}

/* ---------------------------------------------------------------- looking at it */

const wa_lexicon *wa_model_words(const wa_model *model)
{
    return model->pipeline.vocabulary ? wa_vocabulary_words(model->pipeline.vocabulary) : NULL;
}

const wa_vectors *wa_model_vectors(const wa_model *model)
{
    return model->vectors;
}

size_t wa_model_width(const wa_model *model)
{
    return model->pipeline.width;
}

size_t wa_model_vocabulary(const wa_model *model)
{
    return model->pipeline.vocabulary ? model->pipeline.vocabulary->width_out : 0;
}

wa_text wa_model_word(const wa_model *model, size_t i)
{
    return wa_lexicon_word(wa_model_words(model), i);
}

size_t wa_model_find(const wa_model *model, wa_text word)
{
    const wa_lexicon *const words = wa_model_words(model);

    return words ? wa_lexicon_find(words, word) : WA_NONE;
}

wa_text wa_model_start(const wa_model *model)
{
    return model->experiment->tokenizer.start;
}

wa_text wa_model_end(const wa_model *model)
{
    return model->experiment->tokenizer.end;
}

wa_text wa_model_unknown(const wa_model *model)
{
    return model->experiment->tokenizer.unknown;
}

size_t wa_model_inputs(const wa_model *model)
{
    return model->n_inputs;
}

wa_text wa_model_input(const wa_model *model, size_t i)
{
    return model->inputs[i];
}

/* ---------------------------------------------------------------- its fingerprint */

static void digest_words(const wa_lexicon *words, wa_digest *digest)
{
    for (size_t i = 0; words && i < words->n_words; i++)
        wa_digest_add_text(digest, wa_lexicon_word(words, i));
}

static void digest_vectors(const wa_vectors *vectors, wa_digest *digest)
{
    const size_t n = wa_vectors_count(vectors);

    wa_digest_add_number(digest, wa_vectors_width(vectors));
    for (size_t i = 0; i < n; i++) {
        wa_digest_add_text(digest, wa_vectors_word(vectors, i));
        wa_digest_add(digest, wa_vectors_row_bytes(vectors, i), wa_vectors_width(vectors) * sizeof(float));
    }
}

wa_status wa_model_fingerprint(const wa_model *model, uint64_t *out, wa_error *err)
{
    wa_buf           values = { .env = &model->env };
    wa_digest *const digest = wa_digest_new();

    wa_config_show_bare(model->config, &values);
    const bool ok = digest && !values.failed;
    if (ok) {
        wa_digest_add_text(digest, wa_buf_view(&values));
        digest_vectors(model->vectors, digest);
        digest_words(wa_model_words(model), digest);
        wa_weights_digest(model->weights, digest);
        *out = wa_digest_value(digest);
    }
    wa_digest_free(digest);
    wa_buf_clear(&values);
    return ok ? WA_OK : wa_fail_memory(err, "fingerprint");
}

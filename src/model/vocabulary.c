/* The vocabulary stage. See vocabulary.h. */
#include "model/vocabulary.h"

#include <stddef.h>
#include <string.h>

#include "base/lines.h"
#include "base/status.h"
#include "base/str.h"
#include "data/vectors.h"

typedef struct vocabulary_opts {
    const char *words; /* "vectors", "input", or a file */
    bool        bias, tied;
    double      temperature;
} vocabulary_opts;

typedef struct vocabulary_state {
    const wa_lexicon *words;  /* those of the vectors, or `own` */
    wa_lexicon        own;    /* words in the model's arena */
    const float      *weight; /* [N, D] */
    const float      *bias;   /* [N], or NULL */
} vocabulary_state;

#define AT(field) offsetof(vocabulary_opts, field)

static const wa_key keys[] = {
    { "words", WA_KEY_PATH, AT(words), "vectors", "vectors|input",
      "all words of the vectors; those of the input; or a file of words" },
    { "bias", WA_KEY_BOOL, AT(bias), "true", NULL, "a bias for each word" },
    { "tied", WA_KEY_BOOL, AT(tied), "false", NULL, "the vectors are the output weights" },
    { "temperature", WA_KEY_NUMBER, AT(temperature), "1.0", ">0", "logits are divided by it" },
    { 0 },
};

/* ---------------------------------------------------------------- words */

static wa_status add_word(vocabulary_state *s, wa_build *build, wa_text word, bool *is_new, wa_error *err)
{
    const wa_text kept = wa_arena_text(build->arena, word);
    size_t        index;

    if (!kept.data || !wa_lexicon_add(&s->own, kept, &index, is_new))
        return wa_fail_memory(err, "vocabulary");
    return WA_OK;
}

/* The words of the input texts in order of first appearance. */
static wa_status words_of_input(wa_stage *stage, wa_build *build, wa_error *err)
{
    wa_status               st = WA_OK;
    vocabulary_state *const s  = stage->state;

    for (size_t i = 0; i < build->n_inputs; i++) {
        wa_pieces pieces;

        WA_TRY(wa_tokenizer_split(&build->experiment->tokenizer, build->inputs[i], build->arena, &pieces, err));
        for (size_t p = 0; p < pieces.n; p++)
            WA_TRY(add_word(s, build, pieces.items[p].word, NULL, err));
    }
    if (s->own.n_words == 0)
        wa_stage_complain(stage, build, "words", "vocabulary.words is input, and there is no word in `input`");
done:
    return st;
}

static wa_status words_of_file(wa_stage *stage, wa_build *build, const char *path, wa_error *err)
{
    wa_status               st    = WA_OK;
    vocabulary_state *const s     = stage->state;
    wa_lines               *lines = NULL;
    wa_text                 line;
    bool                    has_line = true, is_new;

    WA_TRY(wa_lines_open(path, build->env, &lines, err));
    for (size_t n = 1;; n++) {
        WA_TRY(wa_lines_next(lines, &line, &has_line, err));
        if (!has_line)
            break;
        if (line.n_bytes == 0)
            WA_FAIL(WA_EFORMAT, "%s:%zu: found an empty line, expected a word; take the line out", path, n);
        WA_TRY(add_word(s, build, line, &is_new, err));
        if (!is_new)
            WA_FAIL(WA_EFORMAT, "%s:%zu: the word %s stands here a second time; every word of a vocabulary is there once", path, n,
                    wa_show(line).quoted);
    }
    if (s->own.n_words == 0)
        WA_FAIL(WA_EFORMAT, "%s: found no word, expected one a line", path);
done:
    wa_lines_close(lines);
    return st;
}

static wa_status find_words(wa_stage *stage, wa_build *build, wa_error *err)
{
    const char *const       words = ((const vocabulary_opts *)stage->params)->words;
    vocabulary_state *const s     = stage->state;

    s->own.env = build->env;
    s->words   = &s->own;
    if (strcmp(words, "vectors") == 0) {
        s->words = &build->vectors->lexicon;
        return WA_OK;
    }
    return strcmp(words, "input") == 0 ? words_of_input(stage, build, err) : words_of_file(stage, build, words, err);
}

/* ---------------------------------------------------------------- weights */

/* The vectors as output weights: a copy in the order of the words. */
static wa_status tie(wa_stage *stage, wa_build *build, wa_error *err)
{
    vocabulary_state *const s = stage->state;
    const size_t            N = s->words->n_words, D = wa_vectors_width(build->vectors);
    size_t                  n;

    if (D != stage->width_in) {
        wa_stage_complain(stage, build, "tied",
                          "vocabulary.tied: the vectors are %zu wide and the stage before gives %zu; use tied: false", D,
                          stage->width_in);
        return WA_OK;
    }
    float *const rows = wa_mul_size(N, D, &n) ? wa_arena_alloc(build->arena, n, sizeof *rows) : NULL;
    if (!rows)
        return wa_fail(err, WA_ENOMEM, "vocabulary: not enough memory for %zu x %zu weights", N, D);
    for (size_t i = 0; i < N; i++) {
        const wa_text word = wa_lexicon_word(s->words, i);
        const size_t  row  = wa_vectors_find(build->vectors, word);

        if (row == WA_NONE)
            return wa_fail(err, WA_EMODEL,
                           "%s: the word %s has no vector, as vocabulary.tied needs; use tied: false or leave it out",
                           wa_config_where(build->config, "vocabulary.0.words"), wa_show(word).quoted);
        wa_vectors_row(build->vectors, row, rows + i * D);
    }
    s->weight = rows;
    return WA_OK;
}

static wa_status prepare(wa_stage *stage, wa_build *build, wa_error *err)
{
    wa_status                    st   = WA_OK;
    const vocabulary_opts *const opts = stage->params;
    vocabulary_state *const      s    = wa_arena_alloc_zeroed(build->arena, 1, sizeof *s);

    if (!s)
        WA_TRY(wa_fail_memory(err, "vocabulary"));
    stage->state = s;
    WA_TRY(find_words(stage, build, err));
    stage->width_out     = s->words->n_words;
    const wa_shape shape = { 2, { stage->width_out, stage->width_in } };
    if (opts->tied)
        WA_TRY(tie(stage, build, err));
    else
        WA_TRY(wa_stage_take(stage, build, "weight", &shape, 1, &s->weight, NULL, err));
    if (opts->bias)
        WA_TRY(wa_stage_take_vector(stage, build, "bias", stage->width_out, &s->bias, err));
done:
    return st;
}

static void clear(wa_stage *stage)
{
    wa_lexicon_clear(&((vocabulary_state *)stage->state)->own);
}

/* ---------------------------------------------------------------- use */

static wa_status forward(const wa_stage *stage, wa_flow *flow, wa_error *err)
{
    (void)stage;
    (void)flow;
    (void)err;
    return WA_OK;
}

const wa_lexicon *wa_vocabulary_words(const wa_stage *stage)
{
    return ((const vocabulary_state *)stage->state)->words;
}

void wa_vocabulary_logits(const wa_stage *stage, const wa_kernels *kernels, const float *x, size_t n_rows, float *out)
{
    const vocabulary_opts *const  opts = stage->params;
    const vocabulary_state *const s    = stage->state;
    const size_t                  N = stage->width_out, D = stage->width_in;

    kernels->linear(out, N, x, D, s->weight, D, s->bias, n_rows, D, N);
    if (opts->temperature != 1.0) /* dividing by 1 changes nothing: this saves a pass */
        kernels->scale(out, out, (float)(1.0 / opts->temperature), n_rows * N);
}

static const wa_stage_ops ops = { .prefix = "vocabulary", .prepare = prepare, .forward = forward, .clear = clear };

const wa_variant wa_vocabulary_stage = { "vocabulary", keys, sizeof(vocabulary_opts), "logits and softmax over the words",
                                         false,        &ops };

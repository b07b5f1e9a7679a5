/* The vocabulary stage. See vocabulary.h. */
#include "model/vocabulary.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/lines.h"
#include "base/status.h"
#include "base/str.h"
#include "data/vectors.h"
#include "model/screen.h"

typedef struct vocabulary_opts {
    const char *words; /* "vectors", "input", or a file */
    bool        bias, tied;
    double      temperature;
} vocabulary_opts;

typedef struct vocabulary_state {
    const wa_lexicon *words; /* those of the vectors, or `own` */
    wa_lexicon        own;   /* words in the model's arena */
    wa_rows           rows;  /* [N, D] as they stand in the file */
    wa_panels         panels;
    wa_screen        *screen;
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
    s->rows.data = rows;
    return WA_OK;
}

static wa_status take_weight(wa_stage *stage, wa_build *build, wa_error *err)
{
    wa_status               st    = WA_OK;
    vocabulary_state *const s     = stage->state;
    const wa_shape          shape = { 2, { stage->width_out, stage->width_in } };
    wa_numbers              numbers;

    WA_TRY(wa_stage_take(stage, build, "weight", &shape, 1, &numbers, NULL, err));
    s->rows.data = numbers.data;
    s->rows.type = numbers.type;
done:
    return st;
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
    stage->width_out = s->words->n_words;
    s->rows          = (wa_rows){ .n_rows = stage->width_out, .n_inner = stage->width_in };
    if (opts->tied)
        WA_TRY(tie(stage, build, err));
    else
        WA_TRY(take_weight(stage, build, err));
    if (opts->bias)
        WA_TRY(wa_stage_take_vector(stage, build, "bias", stage->width_out, &s->rows.bias, err));
    WA_TRY(wa_stage_pack(build, &s->rows, &s->panels, err));
    WA_TRY(wa_screen_new(&s->rows, build->env, &s->screen, err));
done:
    return st;
}

static void clear(wa_stage *stage)
{
    vocabulary_state *const s = stage->state;

    wa_screen_free(s->screen);
    wa_lexicon_clear(&s->own);
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

const wa_rows *wa_vocabulary_rows(const wa_stage *stage)
{
    return &((const vocabulary_state *)stage->state)->rows;
}

float wa_vocabulary_factor(const wa_stage *stage)
{
    return (float)(1.0 / ((const vocabulary_opts *)stage->params)->temperature);
}

size_t wa_vocabulary_chunks(const wa_stage *stage)
{
    return (stage->width_out + WA_CHUNK - 1) / WA_CHUNK;
}

void wa_vocabulary_logits_of(const wa_stage *stage, const wa_kernels *kernels, const float *x, const uint32_t *words, size_t n,
                             float *out)
{
    kernels->product_of_rows(out, x, &((const vocabulary_state *)stage->state)->rows, words, n);
    if (wa_vocabulary_factor(stage) != 1.0f)
        kernels->scale(out, out, wa_vocabulary_factor(stage), n);
}

/* ---------------------------------------------------------------- scanning */

enum {
    GROUP        = 32, /* blocks of rows of a piece: enough to read each weight once, few enough to share out */
    CHUNK_PANELS = WA_CHUNK / WA_PANEL,
    TILE         = WA_BLOCK * WA_CHUNK, /* floats */
};

/* How many pieces of a range were taken; alone in its line of the cache. */
typedef struct taken_pieces {
    atomic_size_t n;
    char          apart[64 - sizeof(atomic_size_t)];
} taken_pieces;

/* A job of the pool: the pieces are the chunks of words by groups of blocks of rows. */
typedef struct scan_job {
    const wa_scan          *scan;
    const vocabulary_state *state;
    float                   factor;
    size_t                  n_rows, n_chunks;
    const float            *x;      /* [n_rows, D] in blocks */
    const wa_probes        *probes; /* the same in 8 bits; NULL where logits are wanted */
    const wa_codes         *codes;  /* the 8-bit copy, with probes */
    float                  *tiles;  /* [workers, 2, TILE] */
    size_t                  n_pieces, n_ranges;
    taken_pieces           *n_taken; /* [n_ranges] */
    wa_vocabulary_visit    *visit;
    void                   *user;
} scan_job;

/* The logits, or bounds of them, of n rows from `row` on, the first of a block, for n_words words of one chunk. */
static void compute_tile(const scan_job *job, float *tile, size_t row, size_t n, size_t chunk, size_t n_words)
{
    const wa_kernels *const k     = job->scan->kernels;
    const wa_panels *const  w     = &job->state->panels;
    const size_t            first = chunk * CHUNK_PANELS, n_panels = wa_panel_count(n_words);

    if (job->probes) {
        const wa_probes probes = wa_probes_from(job->probes, row, job->codes);

        k->bound(tile, tile + TILE, WA_CHUNK, &probes, n, job->codes, first, n_panels);
    } else {
        k->product(tile, WA_CHUNK, job->x + row * w->n_inner, n, w, first, n_panels);
    }
    for (size_t t = 0; job->factor != 1.0f && t < n; t++) { /* multiplying by 1 changes nothing: this saves a pass */
        float *const here = tile + t * WA_CHUNK;

        k->scale(here, here, job->factor, n_words);
        if (job->probes)
            k->scale(here + TILE, here + TILE, job->factor, n_words);
    }
}

/* One chunk of words for one group of rows. */
static void scan_piece(const scan_job *job, size_t worker, size_t i)
{
    const size_t chunk = i % job->n_chunks, first = i / job->n_chunks * GROUP * WA_BLOCK;
    const size_t n_left  = job->state->panels.n_rows - chunk * WA_CHUNK;
    const size_t n_words = n_left < WA_CHUNK ? n_left : WA_CHUNK;
    const size_t end     = job->n_rows - first < GROUP * WA_BLOCK ? job->n_rows : first + GROUP * WA_BLOCK;
    float *const tile    = job->tiles + worker * 2 * TILE;

    for (size_t row = first; row < end; row += WA_BLOCK) {
        const size_t n = end - row < WA_BLOCK ? end - row : WA_BLOCK;

        compute_tile(job, tile, row, n, chunk, n_words);
        for (size_t t = 0; t < n; t++) {
            const float *const    here  = tile + t * WA_CHUNK;
            const wa_piece_of_row piece = { row + t, chunk * WA_CHUNK, n_words, here, job->probes ? here + TILE : NULL };

            job->visit(job->user, worker, &piece);
        }
    }
}

/* Each worker has a range of pieces of its own, the same in every scan, and when that is done helps with the others. So one that
 * scans again finds the end of its last scan in its own cache, if it goes the other way round. */
static void scan_range(void *user, size_t worker, size_t ignored)
{
    const scan_job *const job = user;
    const size_t          n = job->n_pieces, n_ranges = job->n_ranges;

    (void)ignored;
    for (size_t r = 0; r < n_ranges; r++) {
        const size_t range = (worker + r) % n_ranges, first = range * n / n_ranges, end = (range + 1) * n / n_ranges;

        for (size_t taken; (taken = atomic_fetch_add(&job->n_taken[range].n, 1)) < end - first;)
            scan_piece(job, worker, job->scan->is_backward ? end - 1 - taken : first + taken);
    }
}

static wa_status run_scan(const wa_stage *stage, scan_job *job, wa_error *err)
{
    const size_t n_groups = (job->n_rows + GROUP * WA_BLOCK - 1) / (GROUP * WA_BLOCK);

    job->state    = stage->state;
    job->factor   = wa_vocabulary_factor(stage);
    job->n_chunks = wa_vocabulary_chunks(stage);
    job->n_pieces = job->n_chunks * n_groups;
    job->n_ranges = wa_pool_threads(job->scan->pool);
    job->tiles    = wa_arena_alloc(job->scan->arena, job->n_ranges * 2 * TILE, sizeof *job->tiles);
    job->n_taken  = wa_arena_alloc_zeroed(job->scan->arena, job->n_ranges, sizeof *job->n_taken);
    if (!job->tiles || !job->n_taken)
        return wa_fail_memory(err, "vocabulary");
    wa_pool_run(job->scan->pool, scan_range, job, job->n_ranges);
    return WA_OK;
}

wa_status wa_vocabulary_scan(const wa_stage *stage, const wa_scan *scan, const float *x, size_t n_rows, wa_vocabulary_visit *visit,
                             void *user, wa_error *err)
{
    wa_status    st = WA_OK;
    const size_t D  = stage->width_in;
    size_t       n;
    scan_job     job = { .scan = scan, .n_rows = n_rows, .x = x, .visit = visit, .user = user };

    if (n_rows > 1) {
        float *const packed = wa_mul_size(n_rows, D, &n) ? wa_arena_alloc(scan->arena, n, sizeof *packed) : NULL;

        if (!packed)
            WA_TRY(wa_fail_memory(err, "vocabulary"));
        wa_rows_pack(packed, x, D, n_rows, D);
        job.x = packed;
    }
    WA_TRY(run_scan(stage, &job, err));
done:
    return st;
}

wa_status wa_vocabulary_is_safe(const wa_stage *stage, const wa_scan *scan, const float *x, bool *is_safe, wa_error *err)
{
    wa_status                     st    = WA_OK;
    const vocabulary_state *const s     = stage->state;
    const wa_codes *const         codes = wa_screen_prepare(s->screen, scan->pool);
    wa_probes                     probe;

    *is_safe = false;
    if (!codes)
        goto done;
    WA_TRY(wa_screen_probe(s->screen, scan->pool, scan->arena, x, 1, &probe, err));
    *is_safe = wa_probe_is_safe(&probe, 0, codes, wa_vocabulary_factor(stage));
done:
    return st;
}

wa_status wa_vocabulary_bound(const wa_stage *stage, const wa_scan *scan, const float *x, size_t n_rows, bool *is_safe,
                              wa_vocabulary_visit *visit, void *user, bool *has_bounds, wa_error *err)
{
    wa_status                     st    = WA_OK;
    const vocabulary_state *const s     = stage->state;
    const wa_codes *const         codes = wa_screen_prepare(s->screen, scan->pool);
    wa_probes                     probes;
    scan_job job = { .scan = scan, .n_rows = n_rows, .probes = &probes, .codes = codes, .visit = visit, .user = user };

    *has_bounds = codes != NULL;
    if (!codes)
        goto done;
    WA_TRY(wa_screen_probe(s->screen, scan->pool, scan->arena, x, n_rows, &probes, err));
    for (size_t t = 0; t < n_rows; t++)
        is_safe[t] = wa_probe_is_safe(&probes, t, codes, wa_vocabulary_factor(stage));
    WA_TRY(run_scan(stage, &job, err));
done:
    return st;
}

static const wa_stage_ops ops = { .prefix = "vocabulary", .prepare = prepare, .forward = forward, .clear = clear };

const wa_variant wa_vocabulary_stage = { "vocabulary", keys, sizeof(vocabulary_opts), "logits and softmax over the words",
                                         false,        &ops };

/* The workloads. See workload.h. */
#define _DEFAULT_SOURCE /* madvise() */
#include "workload.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/pool.h"
#include "made.h"
#include "wordahead.h"

const bench_workload BENCH_WORKLOADS[] = {
    { "rank/33278/f32", BENCH_RANK, "f32", 33278, 16, 1, false, 0 },
    { "rank/33278/bf16", BENCH_RANK, "bf16", 33278, 16, 1, false, 0 },
    { "rank/33278/f32/words", BENCH_RANK, "f32", 33278, 16, 1, true, 0 },
    { "rank/33278/bf16/words", BENCH_RANK, "bf16", 33278, 16, 1, true, 0 },
    { "rank/200000/f32", BENCH_RANK, "f32", 200000, 16, 1, false, 0 },
    { "rank/200000/bf16", BENCH_RANK, "bf16", 200000, 16, 1, false, 0 },
    { "rank/200000/f32/words", BENCH_RANK, "f32", 200000, 16, 1, true, 0 },
    { "rank/200000/bf16/words", BENCH_RANK, "bf16", 200000, 16, 1, true, 0 },
    { "next/33278/f32", BENCH_NEXT, "f32", 33278, 16, 1, false, 0 },
    { "next/33278/bf16", BENCH_NEXT, "bf16", 33278, 16, 1, false, 0 },
    { "next/33278/f32/words", BENCH_NEXT, "f32", 33278, 16, 1, true, 0 },
    { "next/33278/bf16/words", BENCH_NEXT, "bf16", 33278, 16, 1, true, 0 },
    { "keyboard/33278/bf16/words", BENCH_NEXT, "bf16", 33278, 16, 1, true, 1 },
    { "rank64/33278/f32", BENCH_RANK, "f32", 33278, 32, 64, false, 0 },
    { "rank64/33278/bf16", BENCH_RANK, "bf16", 33278, 32, 64, false, 0 },
    { "rank64/33278/f32/words", BENCH_RANK, "f32", 33278, 32, 64, true, 0 },
    { "rank64/33278/bf16/words", BENCH_RANK, "bf16", 33278, 32, 64, true, 0 },
    { "score64/33278/f32", BENCH_SCORE, "f32", 33278, 32, 64, false, 0 },
    { "score64/33278/bf16", BENCH_SCORE, "bf16", 33278, 32, 64, false, 0 },
    { "product/33278/f32", BENCH_PRODUCT, "f32", 33278, 256, 1, false, 0 },
    { "product/33278/bf16", BENCH_PRODUCT, "bf16", 33278, 256, 1, false, 0 },
    { "product/33278/f32/one-thread", BENCH_PRODUCT, "f32", 33278, 256, 1, false, 1 },
    { "product/33278/bf16/one-thread", BENCH_PRODUCT, "bf16", 33278, 256, 1, false, 1 },
    { "rank/given", BENCH_RANK, "given", 0, 16, 1, false, 0 },
    { "rank/given/words", BENCH_RANK, "given", 0, 16, 1, true, 0 },
    { "next/given/words", BENCH_NEXT, "given", 0, 16, 1, true, 0 },
    { "rank64/given", BENCH_RANK, "given", 0, 32, 64, false, 0 },
    { "rank64/given/words", BENCH_RANK, "given", 0, 32, 64, true, 0 },
    { "score64/given", BENCH_SCORE, "given", 0, 32, 64, false, 0 },
    { "open/200000/binary", BENCH_OPEN, "binary", 200000, 0, 1, false, 0 },
    { "open/200000/gzip", BENCH_OPEN, "gzip", 200000, 0, 1, false, 0 },
    { "open/1000000/binary", BENCH_OPEN, "binary", 1000000, 0, 1, false, 0 },
    { .name = NULL },
};

enum { PATH_SIZE = 1024, K = 10 };

/* Of every allocation of the vectors being opened. */
typedef struct heap {
    atomic_size_t held, most;
} heap;

struct bench_job {
    const bench_workload *w;
    const bench_settings *settings;
    size_t                n_threads;
    wa_session           *session;
    const wa_model       *model;
    wa_context           *context;
    char                 *texts[BENCH_TEXTS];  /* whole */
    char                 *begins[BENCH_TEXTS]; /* without the last word, a blank at the end */
    char                 *lasts[BENCH_TEXTS];
    wa_text               views[BENCH_TEXTS];
    wa_ranking            rankings[BENCH_TEXTS];
    wa_scores             scores[BENCH_TEXTS];
    wa_panels             panels; /* the product: these, x [T, D] in blocks, and a tile for each worker */
    float                *x, *tiles;
    wa_pool              *pool;
    wa_vectors           *vectors;
    heap                  heap;
};

static void must(wa_status status, const wa_error *err)
{
    if (status != WA_OK) {
        fprintf(stderr, "bench: %s\n", err->message);
        exit(3);
    }
}

static void *must_have(void *memory)
{
    if (!memory) {
        fputs("bench: out of memory\n", stderr);
        exit(4);
    }
    return memory;
}

/* As a model chooses them: WORDAHEAD_KERNELS names others than the fastest. */
const wa_kernels *bench_kernels(void)
{
    const char *const name = getenv("WORDAHEAD_KERNELS");

    return name && *name ? wa_kernels_named(name) : wa_kernels_choose();
}

/* ---------------------------------------------------------------- models and texts */

static void set_path(char path[PATH_SIZE], const bench_workload *w, const bench_settings *settings)
{
    if (!strcmp(w->type, "given"))
        snprintf(path, PATH_SIZE, "%s", settings->model);
    else if (w->kind == BENCH_OPEN)
        snprintf(path, PATH_SIZE, "%s/n%zu/vectors.bin%s", settings->data, w->N, strcmp(w->type, "gzip") ? "" : ".gz");
    else
        snprintf(path, PATH_SIZE, "%s/n%zu/%s", settings->data, w->N, w->type);
}

void bench_job_make(const bench_workload *w, const bench_settings *settings)
{
    if (!strcmp(w->type, "gzip"))
        bench_make_gzip(settings->data, w->N);
    else if (!strcmp(w->type, "binary"))
        bench_make_vectors(settings->data, w->N);
    else if (strcmp(w->type, "given") != 0 && w->kind != BENCH_PRODUCT)
        bench_make_model(settings->data, w->N, !strcmp(w->type, "bf16"));
}

/* Opened once and kept: several jobs share a model. */
static const wa_model *open_model(const char *path)
{
    static struct {
        char      path[PATH_SIZE];
        wa_model *model;
    } kept[8];
    wa_error err;
    size_t   i = 0;

    while (kept[i].model && strcmp(kept[i].path, path) != 0)
        if (++i == sizeof kept / sizeof *kept) {
            fputs("bench: too many models\n", stderr);
            exit(3);
        }
    if (!kept[i].model) {
        must(wa_model_open(path, NULL, &kept[i].model, &err), &err);
        snprintf(kept[i].path, PATH_SIZE, "%s", path);
    }
    return kept[i].model;
}

/* Words first..end - 1 of a text, with blanks between them. */
static char *join_words(const wa_model *model, size_t text, size_t first, size_t end)
{
    const size_t N       = wa_model_vocabulary(model);
    size_t       n_bytes = 0, at = 0;
    char        *joined;

    for (size_t j = first; j < end; j++)
        n_bytes += wa_model_word(model, bench_text_word(text, j, N)).n_bytes + 1;
    joined = must_have(malloc(n_bytes + 1));
    for (size_t j = first; j < end; j++) {
        const wa_text word = wa_model_word(model, bench_text_word(text, j, N));

        memcpy(joined + at, word.data, word.n_bytes);
        at += word.n_bytes;
        joined[at++] = ' ';
    }
    joined[at] = '\0';
    return joined;
}

static void open_session(bench_job *job)
{
    const size_t n_words = job->w->T + (job->w->kind == BENCH_SCORE); /* T words are scored, the first has none before it */
    char         path[PATH_SIZE];
    wa_error     err;

    set_path(path, job->w, job->settings);
    job->model = open_model(path);
    must(wa_session_new(job->model, &job->session, &err), &err);
    must(wa_session_threads(job->session, job->n_threads, &err), &err);
    must(wa_context_new(job->model, &job->context, &err), &err);
    for (size_t i = 0; i < BENCH_TEXTS; i++) {
        job->texts[i]  = join_words(job->model, i, 0, n_words);
        job->begins[i] = join_words(job->model, i, 0, n_words - 1);
        job->lasts[i]  = join_words(job->model, i, n_words - 1, n_words);
        job->views[i]  = wa_text_of(job->texts[i]);
    }
}

/* ---------------------------------------------------------------- rank */

static void run_rank(bench_job *job, size_t i)
{
    const wa_rank_opts opts = { .k = K, .words_only = job->w->words_only };
    wa_error           err;
    size_t             n_done;

    if (job->w->batch == 1)
        must(wa_rank(job->session, job->views[i % BENCH_TEXTS], &opts, job->rankings, &err), &err);
    else
        must(wa_rank_many(job->session, job->views, job->w->batch, &opts, job->rankings, &n_done, &err), &err);
}

static void print_ranking(const bench_job *job, size_t text, const wa_ranking *ranking, FILE *out)
{
    for (size_t j = 0; j < ranking->n_next; j++)
        fprintf(out, "%s\t%zu\t%zu\t%zu\t%.9g\t%.9g\n", job->w->name, text, j + 1, ranking->next[j].index,
                (double)ranking->next[j].logprob, (double)ranking->next[j].logit);
}

static void answer_rank(bench_job *job, FILE *out)
{
    for (size_t i = 0; i < BENCH_TEXTS; i++) {
        const size_t at = job->w->batch == 1 ? 0 : i;

        if (i == 0 || job->w->batch == 1) {
            bench_job_prepare(job, i);
            bench_job_run(job, i);
        }
        print_ranking(job, i, &job->rankings[at], out);
    }
}

/* ---------------------------------------------------------------- the next word after one more word */

/* All words but the last have been typed, and what follows them was shown. */
static void prepare_next(bench_job *job, size_t i)
{
    const wa_rank_opts opts = { .k = K, .words_only = job->w->words_only };
    wa_error           err;

    wa_context_clear(job->context);
    must(wa_feed(job->session, job->context, wa_text_of(job->begins[i % BENCH_TEXTS]), NULL, &err), &err);
    must(wa_rank_next(job->session, job->context, &opts, job->rankings, &err), &err);
}

static void run_next(bench_job *job, size_t i)
{
    const wa_rank_opts opts = { .k = K, .words_only = job->w->words_only };
    wa_error           err;

    must(wa_feed(job->session, job->context, wa_text_of(job->lasts[i % BENCH_TEXTS]), NULL, &err), &err);
    must(wa_rank_next(job->session, job->context, &opts, job->rankings, &err), &err);
}

/* ---------------------------------------------------------------- score */

static void run_score(bench_job *job, size_t i)
{
    wa_error err;
    size_t   n_done;

    (void)i;
    must(wa_score_many(job->session, job->views, job->w->batch, job->scores, &n_done, &err), &err);
}

static void answer_score(bench_job *job, FILE *out)
{
    bench_job_run(job, 0);
    for (size_t i = 0; i < job->w->batch; i++)
        for (size_t j = 0; j < job->scores[i].n_words; j++) {
            const wa_word_score *score = &job->scores[i].words[j];

            if (score->has_score)
                fprintf(out, "%s\t%zu\t%zu\t%zu\t%.9g\t%zu\n", job->w->name, i, j, score->token.index, (double)score->logprob,
                        score->rank);
        }
}

/* ---------------------------------------------------------------- the product alone */

enum { CHUNK_PANELS = WA_CHUNK / WA_PANEL, TILE = WA_BLOCK * WA_CHUNK, LARGE_PAGE = 1 << 21 };

/* Weights [N, D] in panels. Which numbers does not matter, as long as none is so small that the processor slows down. */
static void *pack_weights(size_t N, wa_number_type type)
{
    const size_t  n       = N * BENCH_WIDTH;
    const size_t  n_bytes = wa_panel_count(N) * WA_PANEL * BENCH_WIDTH * wa_number_size(type);
    void *const   packed  = must_have(aligned_alloc(LARGE_PAGE, (n_bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE));
    void *const   numbers = must_have(malloc(n * wa_number_size(type)));
    const wa_rows rows    = { .data = numbers, .type = type, .n_rows = N, .n_inner = BENCH_WIDTH };

    for (size_t i = 0; i < n; i++) {
        const uint16_t half = (uint16_t)(0x3e80 + i % 251); /* 1/4 and more, below 1 */

        if (type == WA_NUMBER_BF16)
            ((uint16_t *)numbers)[i] = half;
        else
            ((uint32_t *)numbers)[i] = (uint32_t)half << 16;
    }
    madvise(packed, n_bytes, MADV_HUGEPAGE);
    for (size_t p = 0; p < wa_panel_count(N); p++)
        wa_panel_pack(packed, &rows, p);
    free(numbers);
    return packed;
}

static void open_product(bench_job *job)
{
    const size_t         n_x  = job->w->T * BENCH_WIDTH;
    const wa_number_type type = strcmp(job->w->type, "bf16") ? WA_NUMBER_F32 : WA_NUMBER_BF16;
    wa_error             err;

    job->panels = (wa_panels){ .data         = pack_weights(job->w->N, type),
                               .type         = type,
                               .n_rows       = job->w->N,
                               .n_inner      = BENCH_WIDTH,
                               .panel_stride = WA_PANEL * BENCH_WIDTH,
                               .inner_stride = WA_PANEL };
    job->x      = must_have(malloc(n_x * sizeof(float)));
    job->tiles  = must_have(malloc(job->n_threads * TILE * sizeof(float)));
    for (size_t i = 0; i < n_x; i++)
        job->x[i] = (float)(i % 1013) / 1013.0f - 0.5f;
    must(wa_pool_new(job->n_threads, NULL, &job->pool, &err), &err);
}

/* One chunk of words for all rows of x, a block at a time, into a tile that stays in the cache: as the vocabulary stage does it. */
static void multiply_chunk(void *user, size_t worker, size_t chunk)
{
    const bench_job *const job      = user;
    const wa_panels *const w        = &job->panels;
    const size_t           first    = chunk * CHUNK_PANELS;
    const size_t           n_left   = wa_panel_count(w->n_rows) - first;
    const size_t           n_panels = n_left < CHUNK_PANELS ? n_left : CHUNK_PANELS;

    for (size_t row = 0; row < job->w->T; row += WA_BLOCK) {
        const size_t n = job->w->T - row < WA_BLOCK ? job->w->T - row : WA_BLOCK;

        bench_kernels()->product(job->tiles + worker * TILE, WA_CHUNK, job->x + row * BENCH_WIDTH, n, w, first, n_panels);
    }
}

static void run_product(bench_job *job, size_t i)
{
    (void)i;
    wa_pool_run(job->pool, multiply_chunk, job, (job->w->N + WA_CHUNK - 1) / WA_CHUNK);
}

/* ---------------------------------------------------------------- opening vectors */

static void *count_reallocate(void *user, void *old, size_t n_bytes)
{
    heap        *h        = user;
    const size_t n_before = old ? malloc_usable_size(old) : 0;
    void        *memory   = NULL;
    size_t       held, most;

    if (n_bytes == 0)
        free(old);
    else if (!(memory = realloc(old, n_bytes)))
        return NULL;
    held = atomic_fetch_sub(&h->held, n_before) - n_before;
    if (memory)
        held = atomic_fetch_add(&h->held, malloc_usable_size(memory)) + malloc_usable_size(memory);
    most = atomic_load(&h->most);
    while (held > most && !atomic_compare_exchange_weak(&h->most, &most, held))
        ;
    return memory;
}

static void prepare_open(bench_job *job, size_t i)
{
    (void)i;
    wa_vectors_close(job->vectors);
    job->vectors = NULL;
    atomic_store(&job->heap.most, 0);
}

static void run_open(bench_job *job, size_t i)
{
    const wa_vectors_opts opts = { .n_threads = job->n_threads };
    const wa_env          env  = { .reallocate = count_reallocate, .user = &job->heap };
    char                  path[PATH_SIZE];
    wa_error              err;

    (void)i;
    set_path(path, job->w, job->settings);
    must(wa_vectors_open(path, &opts, &env, &job->vectors, &err), &err);
}

/* ---------------------------------------------------------------- jobs */

typedef struct kind {
    void (*open)(bench_job *job);
    void (*prepare)(bench_job *job, size_t i);
    void (*run)(bench_job *job, size_t i);
    void (*answer)(bench_job *job, FILE *out);
} kind;

static const kind KINDS[BENCH_KINDS] = {
    [BENCH_RANK]    = { open_session, NULL, run_rank, answer_rank },
    [BENCH_NEXT]    = { open_session, prepare_next, run_next, answer_rank },
    [BENCH_SCORE]   = { open_session, NULL, run_score, answer_score },
    [BENCH_PRODUCT] = { open_product, NULL, run_product, NULL },
    [BENCH_OPEN]    = { NULL, prepare_open, run_open, NULL },
};

bench_job *bench_job_new(const bench_workload *w, const bench_settings *settings)
{
    bench_job *job = must_have(calloc(1, sizeof *job));

    bench_job_make(w, settings);
    job->w         = w;
    job->settings  = settings;
    job->n_threads = w->n_threads ? w->n_threads : settings->n_threads;
    if (KINDS[w->kind].open)
        KINDS[w->kind].open(job);
    return job;
}

void bench_job_prepare(bench_job *job, size_t i)
{
    if (KINDS[job->w->kind].prepare)
        KINDS[job->w->kind].prepare(job, i);
}

void bench_job_run(bench_job *job, size_t i)
{
    KINDS[job->w->kind].run(job, i);
}

void bench_job_answers(bench_job *job, FILE *out)
{
    if (KINDS[job->w->kind].answer)
        KINDS[job->w->kind].answer(job, out);
}

/* ---------------------------------------------------------------- facts */

/* 2 operations for each multiply-add: four maps of the attention for each position computed, its scores and its sums, and the words. */
static double count_operations(const bench_workload *w, size_t N, size_t D)
{
    const double d = (double)D, T = (double)w->T, batch = (double)w->batch;
    const double n_computed = w->kind == BENCH_NEXT ? 1 : T;
    const double n_ranked   = w->kind == BENCH_SCORE ? T : 1;

    if (w->kind == BENCH_OPEN)
        return 0;
    if (w->kind == BENCH_PRODUCT)
        return 2 * T * d * (double)N;
    return 2 * batch * (n_computed * d * (4 * d + 2 * T) + n_ranked * d * (double)N);
}

static double file_bytes(const bench_job *job)
{
    char        path[PATH_SIZE];
    struct stat found;

    set_path(path, job->w, job->settings);
    return stat(path, &found) ? 0 : (double)found.st_size;
}

bench_facts bench_job_facts(const bench_job *job)
{
    const bench_workload *w     = job->w;
    const size_t          width = w->words_only ? 1 : strcmp(w->type, "bf16") ? 4 : 2;
    bench_facts           facts = { .N = w->N, .D = BENCH_WIDTH, .n_threads = job->n_threads, .share_computed = 1 };

    if (job->model) {
        facts.N = wa_model_vocabulary(job->model);
        facts.D = wa_model_width(job->model);
    }
    facts.n_bytes      = w->kind == BENCH_OPEN ? file_bytes(job) : (double)(facts.N * facts.D * width);
    facts.n_operations = count_operations(w, facts.N, facts.D);
    if (w->words_only)
        facts.share_computed = (double)job->rankings[0].n_computed / (double)facts.N;
    if (w->kind == BENCH_OPEN) {
        facts.heap_per_word = (double)atomic_load(&job->heap.held) / (double)facts.N;
        facts.heap_at_most  = (double)atomic_load(&job->heap.most) / (double)facts.N;
    }
    return facts;
}

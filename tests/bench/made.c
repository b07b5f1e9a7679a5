/* Models made for measuring. See made.h.
 *
 * What is there is not made again: after a change of this file the folder must be removed (`make clean` does). */
#include "made.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/rng.h"

enum { PATH_SIZE = 1024 };

static void fail(const char *path)
{
    fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
    exit(4);
}

/* ---------------------------------------------------------------- files */

__attribute__((format(printf, 2, 3))) static void set_path(char path[PATH_SIZE], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(path, PATH_SIZE, format, args);
    va_end(args);
}

/* Makes the folders on the way to a file. */
static void make_folders(const char *path)
{
    char folder[PATH_SIZE];

    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        set_path(folder, "%.*s", (int)(slash - path), path);
        if (mkdir(folder, 0777) && errno != EEXIST)
            fail(folder);
    }
}

/* A file is written under another name and renamed when it is whole, so what is there can be trusted. */
static FILE *begin_file(const char *path)
{
    char  part[PATH_SIZE];
    FILE *file;

    make_folders(path);
    set_path(part, "%s.part", path);
    fprintf(stderr, "bench: making %s\n", path);
    if (!(file = fopen(part, "wb")))
        fail(part);
    return file;
}

static void end_file(FILE *file, const char *path)
{
    char       part[PATH_SIZE];
    const bool has_failed = ferror(file);

    set_path(part, "%s.part", path);
    if (fclose(file) || has_failed || rename(part, path))
        fail(part);
}

static bool is_there(const char *path)
{
    return access(path, R_OK) == 0;
}

/* ---------------------------------------------------------------- numbers */

/* About normal, mean 0, standard deviation 1: four uniform numbers of 16 bits added up. One draw a number, and no function of the
 * C library, so it is fast and the same everywhere. */
static float draw(wa_rng *rng)
{
    const uint64_t bits = wa_rng_next(rng);
    const int64_t  sum  = (int64_t)((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)) - 2 * 0xffff;

    return (float)sum * (1.0f / 37837.0f); /* sqrt(4 * (2^16)^2 / 12) */
}

/* The 16 upper bits of the nearest BF16, ties to even. No NaN comes here. */
static uint16_t bf16_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* ---------------------------------------------------------------- vectors and texts */

void bench_make_vectors(const char *folder, size_t N)
{
    char   path[PATH_SIZE];
    FILE  *file;
    wa_rng rng = wa_rng_named(1, wa_text_of("vectors"));

    set_path(path, "%s/n%zu/vectors.bin", folder, N);
    if (is_there(path))
        return;
    file = begin_file(path);
    fprintf(file, "%zu %d\n", N, BENCH_WIDTH);
    for (size_t i = 0; i < N; i++) {
        float row[BENCH_WIDTH];

        for (size_t d = 0; d < BENCH_WIDTH; d++)
            row[d] = draw(&rng) * (1.0f / 15.0f); /* times sqrt(224), the scale of the stage embed, it is 1 */
        fprintf(file, "word%zu ", i);
        fwrite(row, sizeof row, 1, file);
        fputc('\n', file);
    }
    end_file(file, path);
}

void bench_make_gzip(const char *folder, size_t N)
{
    char   path[PATH_SIZE], from[PATH_SIZE], part[PATH_SIZE], buffer[1 << 16];
    gzFile to;
    FILE  *file;

    bench_make_vectors(folder, N);
    set_path(from, "%s/n%zu/vectors.bin", folder, N);
    set_path(path, "%s.gz", from);
    set_path(part, "%s.part", path);
    if (is_there(path))
        return;
    fprintf(stderr, "bench: making %s\n", path);
    if (!(file = fopen(from, "rb")) || !(to = gzopen(part, "wb6")))
        fail(part);
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, file)) > 0;)
        if (gzwrite(to, buffer, (unsigned)n) != (int)n)
            fail(part);
    if (ferror(file) || fclose(file) || gzclose(to) != Z_OK || rename(part, path))
        fail(part);
}

size_t bench_text_word(size_t text, size_t place, size_t N)
{
    wa_rng rng = { .state = text * BENCH_TEXT_LENGTH + place };

    return (size_t)(wa_rng_next(&rng) % N);
}

static void make_texts(const char *folder, size_t N)
{
    char  path[PATH_SIZE];
    FILE *file;

    set_path(path, "%s/n%zu/texts.txt", folder, N);
    if (is_there(path))
        return;
    file = begin_file(path);
    for (size_t i = 0; i < BENCH_TEXTS; i++)
        for (size_t j = 0; j < BENCH_TEXT_LENGTH; j++)
            fprintf(file, "word%zu%c", bench_text_word(i, j, N), j + 1 < BENCH_TEXT_LENGTH ? ' ' : '\n');
    end_file(file, path);
}

/* ---------------------------------------------------------------- weights */

/* A tensor: its values are normal with this mean and standard deviation. n_rows 0 stands for N, n_columns 0 for no second
 * dimension. */
typedef struct tensor {
    const char *name;
    size_t      n_rows, n_columns;
    float       mean, deviation;
} tensor;

/* Weights of 1/15, about 1/sqrt(224), keep what they multiply at the size it has. 0.17 * sqrt(224) is a logit's 2.5. */
static const tensor TENSORS[] = {
    { "attention.0.query.weight", BENCH_WIDTH, BENCH_WIDTH, 0, 1.0f / 15 },
    { "attention.0.query.bias", BENCH_WIDTH, 0, 0, 0.1f },
    { "attention.0.key.weight", BENCH_WIDTH, BENCH_WIDTH, 0, 1.0f / 15 },
    { "attention.0.key.bias", BENCH_WIDTH, 0, 0, 0.1f },
    { "attention.0.value.weight", BENCH_WIDTH, BENCH_WIDTH, 0, 1.0f / 15 },
    { "attention.0.value.bias", BENCH_WIDTH, 0, 0, 0.1f },
    { "attention.0.output.weight", BENCH_WIDTH, BENCH_WIDTH, 0, 1.0f / 15 },
    { "attention.0.output.bias", BENCH_WIDTH, 0, 0, 0.1f },
    { "norm.0.weight", BENCH_WIDTH, 0, 1, 0.1f },
    { "norm.0.bias", BENCH_WIDTH, 0, 0, 0.1f },
    { "vocabulary.weight", 0, BENCH_WIDTH, 0, 0.17f },
    { "vocabulary.bias", 0, 0, 0, 0.5f },
};

enum { N_TENSORS = sizeof TENSORS / sizeof *TENSORS };

static void write_header(FILE *file, size_t N, bool is_bf16)
{
    char     json[4096];
    size_t   n = 0, at = 0;
    uint64_t length;

    for (size_t i = 0; i < N_TENSORS; i++) {
        const tensor *t           = &TENSORS[i];
        const size_t  n_rows      = t->n_rows ? t->n_rows : N;
        const size_t  n_bytes     = n_rows * (t->n_columns ? t->n_columns : 1) * (is_bf16 ? 2 : 4);
        char          columns[32] = "";

        if (t->n_columns)
            snprintf(columns, sizeof columns, ",%zu", t->n_columns);
        n += (size_t)snprintf(json + n, sizeof json - n, "%c\"%s\":{\"dtype\":\"%s\",\"shape\":[%zu%s],\"data_offsets\":[%zu,%zu]}",
                              i ? ',' : '{', t->name, is_bf16 ? "BF16" : "F32", n_rows, columns, at, at + n_bytes);
        at += n_bytes;
    }
    json[n++] = '}';
    while ((n + 8) % 64) /* the first tensor begins a cache line */
        json[n++] = ' ';
    length = n;
    fwrite(&length, sizeof length, 1, file);
    fwrite(json, 1, n, file);
}

static void write_tensor(FILE *file, const tensor *t, size_t N, bool is_bf16)
{
    wa_rng       rng = wa_rng_named(1, wa_text_of(t->name));
    const size_t n   = (t->n_rows ? t->n_rows : N) * (t->n_columns ? t->n_columns : 1);

    for (size_t i = 0; i < n; i++) {
        const uint16_t half = bf16_of(fmaf(draw(&rng), t->deviation, t->mean));
        const uint32_t full = (uint32_t)half << 16;

        if (is_bf16)
            fwrite(&half, sizeof half, 1, file);
        else
            fwrite(&full, sizeof full, 1, file);
    }
}

static const char YAML[] = "# made by tests/bench/made.c\n"
                           "vectors: { file: ../vectors.bin }\n"
                           "tokenizer: { split: whitespace, normalize: none, lowercase: false }\n"
                           "pipeline:\n"
                           "  - embed: { scale: sqrt_d }\n"
                           "  - positional: { kind: sinusoidal }\n"
                           "  - attention: { heads: 4, head_dim: 56, mask: causal }\n"
                           "  - add_norm: { eps: 1e-5 }\n"
                           "  - vocabulary: { words: vectors, bias: true }\n"
                           "weights: { file: weights.safetensors }\n";

void bench_make_model(const char *folder, size_t N, bool is_bf16)
{
    char        path[PATH_SIZE], yaml[PATH_SIZE];
    const char *type = is_bf16 ? "bf16" : "f32";
    FILE       *file;

    bench_make_vectors(folder, N);
    make_texts(folder, N);
    set_path(yaml, "%s/n%zu/%s/model.yaml", folder, N, type);
    if (is_there(yaml)) /* written last */
        return;
    set_path(path, "%s/n%zu/%s/weights.safetensors", folder, N, type);
    file = begin_file(path);
    write_header(file, N, is_bf16);
    for (size_t i = 0; i < N_TENSORS; i++)
        write_tensor(file, &TENSORS[i], N, is_bf16);
    end_file(file, path);
    file = begin_file(yaml);
    fputs(YAML, file);
    end_file(file, yaml);
}

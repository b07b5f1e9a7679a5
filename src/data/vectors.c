/* Word vectors in memory. See vectors.h for how a handle is laid out.
 *
 * Products of floats are summed in double, in ascending order: each product is exact there, so the result does not depend on
 * whether the processor has a fused multiply-add. */
#include "data/vectors.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "math/topk.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rows are used as they stand in the file");

/* ---------------------------------------------------------------- making and closing */

wa_status wa_vectors_new(size_t width, const wa_env *env, wa_vectors **out, wa_error *err)
{
    wa_vectors *const v = wa_alloc_zeroed(env, 1, sizeof *v);

    if (!v)
        return wa_fail_memory(err, "vectors");
    if (env)
        v->env = *env;
    v->lexicon.env = v->file.env = v->arena.env = &v->env;
    v->width                                    = width;
    v->info.format                              = WA_VECTORS_MEMORY;
    *out                                        = v;
    return WA_OK;
}

void wa_vectors_close(wa_vectors *v)
{
    if (!v)
        return;
    const wa_env env = v->env;
    wa_lexicon_clear(&v->lexicon);
    wa_release(&env, v->rows);
    wa_file_clear(&v->file);
    wa_arena_clear(&v->arena);
    wa_release(&env, v);
}

bool wa_vectors_make_room(wa_vectors *v, size_t n)
{
    void  *rows = v->rows;
    size_t n_bytes;

    if (!wa_mul_size(v->width, sizeof *v->rows, &n_bytes) || !wa_grow(&v->env, &rows, &v->n_room, n, n_bytes))
        return false;
    v->rows = rows;
    return true;
}

wa_status wa_vectors_add(wa_vectors *v, wa_text word, const float *row, wa_error *err)
{
    wa_status st = WA_OK;
    size_t    index;

    assert(v->width > 0 && !v->file.bytes.data);
    v->info.n_records++;
    v->info.n_claimed++;
    if (wa_lexicon_find(&v->lexicon, word) != WA_NONE) {
        v->info.n_duplicates++;
        goto done;
    }
    const size_t  i    = v->lexicon.n_words;
    const wa_text copy = wa_arena_text(&v->arena, word);
    if (!copy.data || !wa_vectors_make_room(v, i + 1) || !wa_lexicon_add(&v->lexicon, copy, &index, NULL))
        WA_FAIL(WA_ENOMEM, "vectors: not enough memory for %zu words", i + 1);
    memcpy(v->rows + i * v->width, row, v->width * sizeof *row);
done:
    return st;
}

/* ---------------------------------------------------------------- looking */

size_t wa_vectors_count(const wa_vectors *v)
{
    return v->lexicon.n_words;
}

size_t wa_vectors_width(const wa_vectors *v)
{
    return v->width;
}

wa_vectors_info wa_vectors_describe(const wa_vectors *v)
{
    return v->info;
}

wa_text wa_vectors_word(const wa_vectors *v, size_t i)
{
    return wa_lexicon_word(&v->lexicon, i);
}

size_t wa_vectors_find(const wa_vectors *v, wa_text word)
{
    return wa_lexicon_find(&v->lexicon, word);
}

const char *wa_vectors_row_bytes(const wa_vectors *v, size_t i)
{
    assert(i < v->lexicon.n_words);
    if (v->rows)
        return (const char *)(v->rows + i * v->width);
    const wa_text word = wa_lexicon_word(&v->lexicon, i);
    return word.data + word.n_bytes + 1;
}

void wa_vectors_fetch(const wa_vectors *v, size_t i)
{
    const char *const row = wa_vectors_row_bytes(v, i);

    for (size_t at = 0; at < v->width * sizeof(float); at += 64)
        __builtin_prefetch(row + at);
}

void wa_vectors_row(const wa_vectors *v, size_t i, float *out)
{
    memcpy(out, wa_vectors_row_bytes(v, i), v->width * sizeof *out);
}

/* ---------------------------------------------------------------- nearest */

static double dot(const char *a, const char *b, size_t D)
{
    double sum = 0.0;

    for (size_t d = 0; d < D; d++) {
        float x, y;

        memcpy(&x, a + d * sizeof x, sizeof x);
        memcpy(&y, b + d * sizeof y, sizeof y);
        sum += (double)x * (double)y;
    }
    return sum;
}

/* Whether a squared length is one that can be divided by: squares of finite floats do not overflow in double. */
static bool has_direction(double squared)
{
    return isfinite(squared) && squared > 0.0;
}

static bool is_among(const size_t *rows, size_t n, size_t row)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i] == row)
            return true;
    return false;
}

wa_status wa_vectors_nearest(const wa_vectors *v, const float *query, const size_t *excluded, size_t n_excluded, size_t k,
                             wa_neighbour *out, size_t *n_out, wa_error *err)
{
    wa_status         st = WA_OK;
    const size_t      N = v->lexicon.n_words, D = v->width;
    const char *const q       = (const char *)query;
    const double      squared = dot(q, q, D);
    wa_topk           top     = { .k = k < N ? k : N };

    if (!has_direction(squared))
        WA_FAIL(WA_EMODEL, "the vector to compare with %s, so it has no direction",
                squared == 0.0 ? "is all zeros" : "holds NaN or infinities");
    if (!(top.items = wa_alloc(&v->env, top.k, sizeof *top.items)))
        WA_FAIL(WA_ENOMEM, "not enough memory for the %zu nearest words", top.k);
    for (size_t i = 0; top.k > 0 && i < N; i++) {
        const char *const row    = wa_vectors_row_bytes(v, i);
        const double      length = dot(row, row, D);

        if (has_direction(length) && !is_among(excluded, n_excluded, i))
            wa_topk_offer(&top, (float)(dot(q, row, D) / (sqrt(squared) * sqrt(length))), i);
    }
    wa_topk_sort(&top);
    for (size_t i = 0; i < top.n; i++)
        out[i] = (wa_neighbour){ top.items[i].index, top.items[i].score };
    *n_out = top.n;
done:
    wa_release(&v->env, top.items);
    return st;
}

/* *out = 1 / the length of row i. */
static wa_status inverse_length(const wa_vectors *v, size_t i, double *out, wa_error *err)
{
    const char *const row     = wa_vectors_row_bytes(v, i);
    const double      squared = dot(row, row, v->width);

    if (!has_direction(squared))
        return wa_fail(err, WA_EMODEL, "the vector of %s %s, so it has no direction", wa_show(wa_vectors_word(v, i)).quoted,
                       squared == 0.0 ? "is all zeros" : "holds NaN or infinities");
    *out = 1.0 / sqrt(squared);
    return WA_OK;
}

wa_status wa_vectors_analogy(const wa_vectors *v, size_t a, size_t b, size_t c, float *out, wa_error *err)
{
    wa_status         st      = WA_OK;
    const char *const rows[3] = { wa_vectors_row_bytes(v, a), wa_vectors_row_bytes(v, b), wa_vectors_row_bytes(v, c) };
    double            scale[3];

    WA_TRY(inverse_length(v, a, &scale[0], err));
    WA_TRY(inverse_length(v, b, &scale[1], err));
    WA_TRY(inverse_length(v, c, &scale[2], err));
    for (size_t d = 0; d < v->width; d++) {
        float x[3];

        for (size_t i = 0; i < 3; i++)
            memcpy(&x[i], rows[i] + d * sizeof x[i], sizeof x[i]);
        out[d] = (float)((double)x[1] * scale[1] - (double)x[0] * scale[0] + (double)x[2] * scale[2]);
    }
done:
    return st;
}

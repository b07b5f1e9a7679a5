/* Writing word vectors as word2vec.c does: a header, then binary records or lines of text. See wordahead.h.
 *
 * What is written reads back to the same words and rows, bit for bit; of a NaN only that it is one, and its sign, survive text. */
#include <math.h>
#include <string.h>

#include "base/output.h"
#include "base/status.h"
#include "base/str.h"
#include "data/vectors.h"
#include "data/w2v.h"

#define FLUSH_AT 65536 /* bytes gathered before they are written */

/* escaped   the words that were changed, in `arena`: two of them may become the same */
typedef struct writer {
    const wa_vectors    *vectors;
    const char          *path;
    wa_vectors_save_opts opts;
    wa_output           *output;
    wa_buf               gathered;
    wa_arena             arena;
    wa_lexicon           escaped;
} writer;

static wa_status flush(writer *w, wa_error *err)
{
    wa_status st = WA_OK;

    if (w->gathered.failed)
        WA_TRY(wa_fail_memory(err, w->path));
    if (w->gathered.n_bytes > 0)
        WA_TRY(wa_output_write(w->output, w->gathered.data, w->gathered.n_bytes, err));
    w->gathered.n_bytes = 0;
done:
    return st;
}

/* ---------------------------------------------------------------- words */

static bool is_separator(char c)
{
    return wa_is_blank(c) || c == '\n';
}

static bool has_separator(wa_text word)
{
    for (size_t i = 0; i < word.n_bytes; i++)
        if (is_separator(word.data[i]))
            return true;
    return false;
}

/* The word with '_' for each separator, or for nothing where it is empty; refused where another word is that already. */
static wa_status escape(writer *w, size_t i, wa_text word, wa_text *out, wa_error *err)
{
    wa_status    st   = WA_OK;
    const size_t n    = word.n_bytes > 0 ? word.n_bytes : 1;
    char *const  copy = wa_arena_alloc(&w->arena, n, 1);
    bool         is_new;
    size_t       other;

    if (!copy)
        WA_TRY(wa_fail_memory(err, w->path));
    memset(copy, '_', n);
    for (size_t b = 0; b < word.n_bytes; b++)
        if (!is_separator(word.data[b]))
            copy[b] = word.data[b];
    *out = (wa_text){ copy, n };
    if (!wa_lexicon_add(&w->escaped, *out, &other, &is_new))
        WA_TRY(wa_fail_memory(err, w->path));
    if (!is_new || wa_vectors_find(w->vectors, *out) != WA_NONE)
        WA_FAIL(WA_EFORMAT, "%s: row %zu: the word %s would become %s, which is another word already; rename one of the two",
                w->path, i, wa_show(word).quoted, wa_show(*out).quoted);
done:
    return st;
}

static wa_status add_word(writer *w, size_t i, wa_error *err)
{
    wa_status st   = WA_OK;
    wa_text   word = wa_vectors_word(w->vectors, i);

    if (word.n_bytes == 0 || has_separator(word)) {
        if (!w->opts.escape_spaces)
            WA_FAIL(WA_EFORMAT, "%s: row %zu: the word %s %s, which the format cannot hold; --escape writes '_' instead", w->path,
                    i, wa_show(word).quoted, word.n_bytes == 0 ? "is empty" : "holds a space, tab or line break");
        WA_TRY(escape(w, i, word, &word, err));
    }
    if (word.n_bytes > WA_W2V_WORD_LENGTH)
        WA_FAIL(WA_EFORMAT, "%s: row %zu: the word %s has %zu bytes, expected at most %d; shorten it", w->path, i,
                wa_show(word).quoted, word.n_bytes, WA_W2V_WORD_LENGTH);
    wa_buf_text(&w->gathered, word);
done:
    return st;
}

/* ---------------------------------------------------------------- rows */

static void add_binary_row(writer *w, size_t i)
{
    wa_buf_str(&w->gathered, " ");
    wa_buf_add(&w->gathered, wa_vectors_row_bytes(w->vectors, i), 4 * w->vectors->width);
    if (!w->opts.without_newline)
        wa_buf_str(&w->gathered, "\n");
}

static void add_text_row(writer *w, size_t i)
{
    const char *const row = wa_vectors_row_bytes(w->vectors, i);

    for (size_t d = 0; d < w->vectors->width; d++) {
        char  number[WA_NUMBER_SIZE];
        float x;

        memcpy(&x, row + d * sizeof x, sizeof x);
        wa_buf_str(&w->gathered, isnan(x) && signbit(x) ? " -" : " ");
        wa_buf_str(&w->gathered, wa_format_float(number, x));
    }
    wa_buf_str(&w->gathered, "\n");
}

/* ---------------------------------------------------------------- the file */

static wa_status write_all(writer *w, size_t n, wa_error *err)
{
    wa_status st = WA_OK;

    wa_buf_format(&w->gathered, "%zu %zu\n", n, w->vectors->width);
    for (size_t i = 0; i < n; i++) {
        WA_TRY(add_word(w, i, err));
        if (w->opts.as_text)
            add_text_row(w, i);
        else
            add_binary_row(w, i);
        if (w->gathered.failed || w->gathered.n_bytes >= FLUSH_AT)
            WA_TRY(flush(w, err));
    }
    WA_TRY(flush(w, err));
done:
    return st;
}

wa_status wa_vectors_save(const wa_vectors *vectors, const char *path, const wa_vectors_save_opts *opts, wa_error *err)
{
    wa_status           st  = WA_OK;
    const wa_env *const env = &vectors->env;
    const size_t        N   = wa_vectors_count(vectors);
    writer w = { .vectors = vectors, .path = path, .gathered = { .env = env }, .arena = { .env = env }, .escaped = { .env = env } };

    if (opts)
        w.opts = *opts;
    WA_TRY(wa_output_open(path, env, &w.output, err));
    WA_TRY(write_all(&w, w.opts.limit > 0 && w.opts.limit < N ? w.opts.limit : N, err));
    st       = wa_output_commit(w.output, err);
    w.output = NULL;
done:
    wa_output_discard(w.output);
    wa_buf_clear(&w.gathered);
    wa_lexicon_clear(&w.escaped);
    wa_arena_clear(&w.arena);
    return st;
}

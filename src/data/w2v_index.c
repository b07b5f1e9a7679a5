/* The words of a long Word2Vec binary file, found and hashed by several threads.
 *
 * Where a record begins is known only from the one before it, as words differ in length. But a walk that starts at any byte - skip
 * to the next space, over a vector, to the next space - soon meets a space that is the end of a word, and from there on it is
 * on the same records as a walk from the start of the file: where both stand at one byte, all that follows is the same. So the
 * file is cut into chunks, each thread walks one from a little before its start, and afterwards it is checked that each chunk
 * begins exactly where the one before it ended. By induction all are then what one walk would have found. A chunk that
 * does not is walked again from where it should have begun.
 *
 * A chunk is as many bytes as CHUNK_RECORDS of the smallest records, so no more begin in it, and the entries of all chunks fit into
 * the room that the records left are known to need. */
#include <string.h>

#include "base/status.h"
#include "data/w2v_read.h"

enum {
    CHUNK_RECORDS = 4096, /* 3.7 MB at D = 224 */
    WARM_UP       = 64,   /* smallest records that a walk starts before its chunk; about one in four steps finds the true walk */
    AHEAD         = 8,    /* records */
    FETCHED       = 32,   /* bytes around the place where a record should begin: two lines of the cache */
};

/* at    where the first record of the chunk begins, or the newline before it
 * end   the same of the first record behind the chunk, or of one in it that is not whole
 * info  the counts of its records */
typedef struct chunk {
    size_t          at, end;
    bool            is_whole;
    wa_vectors_info info;
} chunk;

/* entries  [n_chunks * CHUNK_RECORDS], first as each chunk found them, in the end without gaps */
typedef struct survey {
    wa_text           bytes;
    size_t            first, row_bytes, chunk_bytes;
    wa_lexicon_entry *entries;
    chunk            *chunks;
    size_t            n_chunks;
} survey;

/* Takes the next record, with the newline before it; false, and the cursor stays, where it is not whole. */
static bool take_record(wa_cursor *cursor, size_t row_bytes, wa_text *word, bool *has_newline)
{
    wa_cursor next = *cursor;
    wa_text   row;

    *has_newline = wa_cursor_left(&next) > 0 && next.bytes.data[next.at] == '\n';
    next.at += *has_newline;
    if (!wa_cursor_take_until(&next, ' ', WA_W2V_WORD_LENGTH + 1, word) || !wa_cursor_take(&next, row_bytes, &row))
        return false;
    *cursor = next;
    return true;
}

static size_t begin_of(const survey *x, size_t c)
{
    return x->first + c * x->chunk_bytes;
}

/* A step of a walk waits for a byte that is far away, and says only then where the next one is. So it is fetched long before from
 * where it should be, the mean length of the n records since `start` being known: a little less exactly, the further ahead. */
static void fetch_ahead(const wa_cursor *cursor, size_t start, size_t n)
{
    const size_t ahead = AHEAD * (cursor->at - start) / n;

    if (ahead + FETCHED < wa_cursor_left(cursor)) {
        const char *const there = cursor->bytes.data + cursor->at + ahead;

        __builtin_prefetch(there - FETCHED / 2);
        __builtin_prefetch(there + FETCHED / 2);
    }
}

/* Takes the records that begin in chunk c, the first of them at byte `at`. */
static void walk(const survey *x, size_t c, size_t at)
{
    chunk *const      k       = &x->chunks[c];
    wa_lexicon_entry *entries = x->entries + c * CHUNK_RECORDS;
    const size_t      end     = begin_of(x, c + 1);
    wa_cursor         cursor  = { x->bytes, at };
    wa_text           word;
    bool              has_newline;

    *k = (chunk){ .at = at, .is_whole = true };
    while (cursor.at < end && (k->is_whole = take_record(&cursor, x->row_bytes, &word, &has_newline))) {
        fetch_ahead(&cursor, at, k->info.n_records + 1);
        *entries++ = wa_lexicon_entry_of(word);
        k->info.has_newlines |= has_newline;
        wa_w2v_count(&k->info, word);
    }
    k->end = cursor.at;
}

/* One piece of the threads' work: guesses where chunk c begins, and walks. */
static void guess_and_walk(void *user, size_t worker, size_t c)
{
    const survey *const x       = user;
    const size_t        begin   = begin_of(x, c);
    const size_t        warm_up = WARM_UP * (x->chunk_bytes / CHUNK_RECORDS);
    wa_cursor           cursor  = { x->bytes, c == 0 ? begin : begin - warm_up };
    wa_text             word;
    bool                has_newline;

    (void)worker;
    while (cursor.at < begin && take_record(&cursor, x->row_bytes, &word, &has_newline))
        continue;
    if (cursor.at >= begin)
        walk(x, c, cursor.at);
    else
        x->chunks[c] = (chunk){ .at = WA_NONE };
}

static void add_counts(wa_vectors_info *sum, const wa_vectors_info *info)
{
    sum->has_newlines |= info->has_newlines;
    sum->n_records += info->n_records;
    sum->n_invalid_utf8 += info->n_invalid_utf8;
    sum->n_cut += info->n_cut;
    sum->n_with_space += info->n_with_space;
    sum->n_empty += info->n_empty;
}

/* Checks the guesses, moves the entries together, and sums. Returns where the first record begins that was not taken. */
static size_t join_chunks(const survey *x, wa_vectors_info *sum)
{
    size_t at = x->first;

    for (size_t c = 0; c < x->n_chunks; c++) {
        chunk *const k = &x->chunks[c];

        if (k->at != at)
            walk(x, c, at);
        memmove(x->entries + sum->n_records, x->entries + c * CHUNK_RECORDS, k->info.n_records * sizeof *x->entries);
        add_counts(sum, &k->info);
        at = k->end;
        if (!k->is_whole) /* nothing comes behind it; this only saves walks that end at once */
            break;
    }
    return at;
}

/* Keeps what was found, unless there are duplicates and none are wanted: then nothing is taken, and reading one by one comes to the
 * message. */
static void keep(wa_w2v_reader *reader, const wa_vectors_info *found, size_t end)
{
    wa_lexicon *const   lexicon = &reader->vectors->lexicon;
    const wa_duplicates wanted  = reader->opts.duplicates;
    const size_t        n       = lexicon->n_words;
    const size_t        n_lost  = wa_lexicon_insert(lexicon, found->n_records, wanted == WA_DUPLICATES_LAST);

    if (n_lost > 0 && wanted == WA_DUPLICATES_ERROR) {
        wa_lexicon_truncate(lexicon, n);
        reader->is_one_by_one = true;
        return;
    }
    if (n_lost > 0 && wanted == WA_DUPLICATES_FIRST)
        wa_lexicon_compact(lexicon);
    add_counts(&reader->vectors->info, found);
    reader->vectors->info.n_duplicates += n_lost;
    reader->cursor.at = end;
}

wa_status wa_w2v_index(wa_w2v_reader *reader, size_t n_left, wa_error *err)
{
    wa_status       st        = WA_OK;
    const size_t    row_bytes = 4 * reader->vectors->width;
    const size_t    n_fitting = wa_cursor_left(&reader->cursor) / (1 + row_bytes);
    survey          x         = { .bytes       = reader->cursor.bytes,
                                  .first       = reader->cursor.at,
                                  .row_bytes   = row_bytes,
                                  .chunk_bytes = CHUNK_RECORDS * (1 + row_bytes),
                                  .n_chunks    = (n_left < n_fitting ? n_left : n_fitting) / CHUNK_RECORDS };
    wa_vectors_info found     = { .n_records = 0 };

    if (reader->is_one_by_one || x.n_chunks == 0)
        goto done;
    x.chunks  = wa_alloc(&reader->vectors->env, x.n_chunks, sizeof *x.chunks);
    x.entries = wa_lexicon_room(&reader->vectors->lexicon, x.n_chunks * CHUNK_RECORDS);
    if (!x.chunks || !x.entries)
        WA_FAIL(WA_ENOMEM, "%s: not enough memory for %zu words", reader->path, reader->vectors->lexicon.n_words + n_left);
    wa_pool_run(reader->pool, guess_and_walk, &x, x.n_chunks);
    const size_t end = join_chunks(&x, &found);
    keep(reader, &found, end);
done:
    wa_release(&reader->vectors->env, x.chunks);
    return st;
}

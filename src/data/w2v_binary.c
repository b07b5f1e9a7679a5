/* Word2Vec binary files.
 *
 *     header     decimal V, blanks, decimal D, 0x0A
 *     V times    word, 0x20, D floats of 4 bytes, little-endian, and where word2vec.c wrote the file 0x0A
 *
 * The newline may be there or not from record to record: no word of word2vec.c begins with one. Only the words are read here; the
 * values stay where they are. Source: word2vec.c, TrainModel(); gensim keyedvectors.py, _word2vec_read_binary(). */
#include "base/status.h"
#include "data/w2v_read.h"

#define LONGEST (WA_W2V_WORD_LENGTH + 1) /* bytes searched for the space behind a word */

static bool take_newline(wa_cursor *cursor)
{
    if (wa_cursor_left(cursor) == 0 || cursor->bytes.data[cursor->at] != '\n')
        return false;
    cursor->at++;
    return true;
}

static bool take_crlf(wa_cursor *cursor)
{
    const wa_text left = { cursor->bytes.data + cursor->at, wa_cursor_left(cursor) };

    if (!wa_text_begins(left, wa_text_of("\r\n")))
        return false;
    cursor->at += 2;
    return true;
}

/* ---------------------------------------------------------------- walking over the records to find out what they are */

/* No control characters, and UTF-8: what a word is, and a piece of a vector hardly ever. */
static bool looks_like_word(wa_text word)
{
    for (size_t i = 0; i < word.n_bytes; i++)
        if ((unsigned char)word.data[i] < ' ')
            return false;
    return word.n_bytes > 0 && wa_utf8_is_valid(word);
}

bool wa_w2v_records_fit(const wa_w2v_reader *reader, size_t offset, size_t n, size_t n_value_bytes)
{
    wa_cursor    cursor = { reader->cursor.bytes, offset };
    wa_text      word, row;
    const size_t row_bytes = reader->vectors->width * n_value_bytes;

    for (size_t r = 0; r < n; r++) {
        take_newline(&cursor);
        if (!wa_cursor_take_until(&cursor, ' ', LONGEST, &word) || !wa_cursor_take(&cursor, row_bytes, &row))
            return false;
        if (n_value_bytes != sizeof(float) && r < 2 && !looks_like_word(word))
            return false;
    }
    if (!take_crlf(&cursor))
        take_newline(&cursor);
    return wa_cursor_left(&cursor) == 0;
}

/* Whether every record from `offset` on is followed by a carriage return and a newline, as some programs for Windows write. */
static bool records_have_crlf(const wa_w2v_reader *reader, size_t offset, size_t n)
{
    wa_cursor cursor = { reader->cursor.bytes, offset };
    wa_text   word, row;

    for (size_t r = 0; r < n; r++) {
        if (!wa_cursor_take_until(&cursor, ' ', LONGEST, &word) || !wa_cursor_take(&cursor, 4 * reader->vectors->width, &row))
            return r > 0; /* broken there: what came before decides */
        if (!take_crlf(&cursor))
            return r > 0 && r + 1 == n; /* the last one may lack it */
    }
    return n > 0;
}

/* ---------------------------------------------------------------- what is wrong */

/* A file of 2- or 8-byte values has no mark of it: its size tells. With one record anything may be a chance. */
static wa_status fail_if_other_values(const wa_w2v_reader *reader, size_t offset, wa_error *err)
{
    const size_t n = reader->vectors->info.n_claimed;

    for (size_t n_bytes = 2; n >= 2 && n_bytes <= 8; n_bytes *= 4)
        if (wa_w2v_records_fit(reader, offset, n, n_bytes))
            return wa_fail(
                err, WA_EFORMAT,
                "%s: byte %zu (record 0): the size of the file fits values of %zu bytes (float%zu), expected values of 4 bytes "
                "(float32); write the file again as float32, e.g. with numpy's astype('<f4')",
                reader->path, offset, n_bytes, 8 * n_bytes);
    return WA_OK;
}

static wa_status report_cut(wa_w2v_reader *reader, const wa_finding *at, wa_text word, wa_error *err)
{
    const size_t end = reader->cursor.bytes.n_bytes, behind = reader->cursor.at;

    return wa_w2v_broken(
        reader, at, err,
        "the file ends at byte %zu inside the vector of %s, %zu bytes missing of %zu, after %zu whole records of the %zu "
        "that the header promises; get the whole file",
        end, wa_show(word).quoted, 4 * reader->vectors->width - (end - behind), 4 * reader->vectors->width, at->record,
        reader->vectors->info.n_claimed);
}

static wa_status report_wordless(wa_w2v_reader *reader, const wa_finding *at, wa_error *err)
{
    const size_t left = wa_cursor_left(&reader->cursor), claimed = reader->vectors->info.n_claimed;

    if (left == 0)
        return wa_w2v_broken(reader, at, err,
                             "the file ends after %zu records, expected the %zu that the header promises; get the whole file",
                             at->record, claimed);
    if (left < LONGEST)
        return wa_w2v_broken(
            reader, at, err,
            "the file ends inside a word, %zu bytes missing at least, after %zu whole records of the %zu that the header "
            "promises; get the whole file",
            1 + 4 * reader->vectors->width, at->record, claimed);
    return wa_w2v_broken(
        reader, at, err,
        "found no space within %d bytes, expected a word of at most %d bytes and a space; the file is damaged before this "
        "byte, or its vectors are not of the %zu values that the header promises",
        LONGEST, WA_W2V_WORD_LENGTH, reader->vectors->width);
}

static wa_status report_rest(wa_w2v_reader *reader, const wa_finding *at, wa_error *err)
{
    const size_t n = wa_cursor_left(&reader->cursor), claimed = reader->vectors->info.n_claimed;

    if (claimed == 0) /* a limit of 0 would mean all */
        return wa_w2v_broken(reader, at, err, "found %zu byte%s, expected the end of the file, as the header promises 0 records", n,
                             n == 1 ? "" : "s");
    return wa_w2v_broken(
        reader, at, err,
        "found %zu byte%s after the %zu records that the header promises, expected the end of the file; --limit %zu "
        "(vectors.limit: %zu) takes the records before",
        n, n == 1 ? "" : "s", claimed, claimed, claimed);
}

/* ---------------------------------------------------------------- reading */

/* Takes one record in, or reports what is wrong with it; *is_whole says which. */
static wa_status read_record(wa_w2v_reader *reader, size_t first, const wa_finding *at, bool *is_whole, wa_error *err)
{
    wa_status        st     = WA_OK;
    wa_cursor *const cursor = &reader->cursor;
    wa_text          word, row;

    *is_whole = false;
    if (!wa_cursor_take_until(cursor, ' ', LONGEST, &word)) {
        WA_TRY(fail_if_other_values(reader, first, err));
        WA_TRY(report_wordless(reader, at, err));
    } else if (!wa_cursor_take(cursor, 4 * reader->vectors->width, &row)) {
        WA_TRY(fail_if_other_values(reader, first, err));
        WA_TRY(report_cut(reader, at, word, err));
    } else {
        WA_TRY(wa_w2v_take(reader, at, word, row.data, err));
        *is_whole = true;
    }
done:
    return st;
}

/* A header is believed as far as so many of the smallest records, a space and D values, fit into the rest of the file. */
static bool make_room(wa_w2v_reader *reader, size_t n_wanted)
{
    const size_t n_fitting = wa_cursor_left(&reader->cursor) / (1 + 4 * reader->vectors->width);

    return wa_lexicon_reserve(&reader->vectors->lexicon, n_wanted < n_fitting ? n_wanted : n_fitting);
}

/* Behind the last record: a newline may be there, anything else not. */
static wa_status read_end(wa_w2v_reader *reader, size_t first, bool has_crlf, wa_error *err)
{
    wa_status              st     = WA_OK;
    wa_cursor *const       cursor = &reader->cursor;
    wa_vectors_info *const info   = &reader->vectors->info;

    if ((has_crlf && take_crlf(cursor)) || take_newline(cursor))
        info->has_newlines = true;
    if (wa_cursor_left(cursor) == 0)
        goto done;
    WA_TRY(fail_if_other_values(reader, first, err));
    info->n_trailing = wa_cursor_left(cursor);
    WA_TRY(report_rest(reader, &(wa_finding){ .offset = cursor->at, .record = info->n_records }, err));
done:
    return st;
}

wa_status wa_w2v_read_binary(wa_w2v_reader *reader, wa_error *err)
{
    wa_status              st       = WA_OK;
    wa_cursor *const       cursor   = &reader->cursor;
    wa_vectors_info *const info     = &reader->vectors->info;
    const size_t           limit    = reader->opts.limit;
    const size_t           n_wanted = limit > 0 && limit < info->n_claimed ? limit : info->n_claimed;
    const size_t           first    = cursor->at;
    const bool             has_crlf = records_have_crlf(reader, first, n_wanted);
    bool                   is_whole = true;

    if (!make_room(reader, n_wanted))
        WA_FAIL(WA_ENOMEM, "%s: not enough memory for %zu words", reader->path, n_wanted);
    while (is_whole && info->n_records < n_wanted) {
        const bool has_newline = (has_crlf && take_crlf(cursor)) || take_newline(cursor);

        info->has_newlines |= has_newline && info->n_records > 0;
        WA_TRY(read_record(reader, first, &(wa_finding){ .offset = cursor->at, .record = info->n_records }, &is_whole, err));
        if (is_whole && !has_crlf && !reader->census)
            WA_TRY(wa_w2v_index(reader, n_wanted - info->n_records, err));
    }
    if (!is_whole)
        info->n_missing = info->n_claimed - info->n_records;
    else if (limit == 0 || limit > info->n_claimed)
        WA_TRY(read_end(reader, first, has_crlf, err));
done:
    return st;
}

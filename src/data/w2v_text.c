/* Text files of word vectors: Word2Vec and fastText .vec with a header, GloVe without.
 *
 *     header    decimal V, blanks, decimal D
 *     V lines   word, blank, D numbers with blanks between
 *
 * The numbers are the last D fields of a line, so the word may hold blanks, as GloVe's ". . ." does. Blanks are spaces and tabs;
 * those at the ends of a line and a carriage return do not count, nor do lines without anything else. Each row is parsed right to
 * left into the next free row; it stays there if its word is new. */
#include <string.h>

#include "base/status.h"
#include "data/w2v_read.h"

/* ---------------------------------------------------------------- fields */

static wa_text trim(wa_text text)
{
    while (text.n_bytes > 0 && wa_is_blank(text.data[text.n_bytes - 1]))
        text.n_bytes--;
    while (text.n_bytes > 0 && wa_is_blank(text.data[0]))
        text = (wa_text){ text.data + 1, text.n_bytes - 1 };
    return text;
}

size_t wa_w2v_count_fields(wa_text line)
{
    size_t n = 0;

    while (wa_text_take_field(&line).n_bytes > 0)
        n++;
    return n;
}

wa_text wa_w2v_take_last_field(wa_text *line)
{
    size_t end = line->n_bytes;

    while (end > 0 && wa_is_blank(line->data[end - 1]))
        end--;
    size_t first = end;
    while (first > 0 && !wa_is_blank(line->data[first - 1]))
        first--;
    line->n_bytes = first;
    return (wa_text){ line->data + first, end - first };
}

/* Parses the last D fields of a line into row (NULL: only looks). *line keeps what is before them: bytes of the word, or the blank
 * that a row with an empty word begins with; nothing where the word is missing. On failure *bad is the field that is
 * no number, empty where there are too few. */
static bool parse_values(wa_text *line, size_t D, float *row, wa_text *bad)
{
    float x;

    for (size_t d = D; d-- > 0;) {
        *bad = wa_w2v_take_last_field(line);
        if (bad->n_bytes == 0 || !wa_parse_float(*bad, row ? &row[d] : &x))
            return false;
    }
    return true;
}

bool wa_w2v_is_row(wa_text line, size_t width)
{
    wa_text bad;

    return width <= line.n_bytes && parse_values(&line, width, NULL, &bad) && line.n_bytes > 0;
}

/* ---------------------------------------------------------------- what is wrong with a line */

bool wa_w2v_is_decimal_comma(wa_text field)
{
    char              copy[64];
    float             x;
    const char *const comma = memchr(field.data, ',', field.n_bytes);

    if (!comma || field.n_bytes > sizeof copy)
        return false;
    memcpy(copy, field.data, field.n_bytes);
    copy[comma - field.data] = '.';
    return wa_parse_float((wa_text){ copy, field.n_bytes }, &x);
}

static bool is_conflict_marker(wa_text line)
{
    static const char *const markers[] = { "<<<<<<<", "|||||||", "=======", ">>>>>>>" };

    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++)
        if (wa_text_begins(line, wa_text_of(markers[i])) && (line.n_bytes == 7 || wa_is_blank(line.data[7])))
            return true;
    return false;
}

static const char *where_width_is_from(const wa_w2v_reader *reader)
{
    return reader->vectors->info.format == WA_VECTORS_GLOVE ? "as most of the first lines have" : "as the header promises";
}

static wa_status report_row(wa_w2v_reader *reader, const wa_finding *at, wa_text line, wa_text bad, wa_error *err)
{
    const size_t D = reader->vectors->width, n = wa_w2v_count_fields(line);

    if (is_conflict_marker(line)) { /* no option helps: which of the two sides is meant, only its owner knows */
        char place[WA_PLACE_SIZE];

        return wa_fail(
            err, WA_EFORMAT,
            "%s: %s: found %s, the mark of a git conflict, expected a word and %zu values; resolve the conflict, or get the "
            "file again",
            reader->path, wa_finding_place(place, at), wa_show(line).quoted, D);
    }
    if (n <= D)
        return wa_w2v_broken(reader, at, err, "found %zu field%s, expected a word and %zu values, %s", n, n == 1 ? "" : "s", D,
                             where_width_is_from(reader));
    if (wa_w2v_is_decimal_comma(bad))
        return wa_w2v_broken(reader, at, err,
                             "found %s, a number with a decimal comma, expected a decimal point; replace the commas in the file",
                             wa_show(bad).quoted);
    return wa_w2v_broken(reader, at, err, "found %s among the last %zu fields, expected only numbers there, %s",
                         wa_show(bad).quoted, D, where_width_is_from(reader));
}

/* A word of several fields whose last one is a number: hardly a word, but a value too many. */
static bool ends_in_value(wa_text word)
{
    float         x;
    const wa_text last = wa_w2v_take_last_field(&word);

    return word.n_bytes > 0 && wa_parse_float(last, &x);
}

static wa_status report_word(wa_w2v_reader *reader, const wa_finding *at, wa_text line, wa_text word, wa_error *err)
{
    const size_t D = reader->vectors->width;

    if (word.n_bytes > WA_W2V_WORD_LENGTH)
        return wa_w2v_broken(reader, at, err, "found a word of %zu bytes, expected at most %d", word.n_bytes, WA_W2V_WORD_LENGTH);
    return wa_w2v_broken(
        reader, at, err,
        "found %s before the last %zu fields of %zu, expected a word and %zu values, %s; if the number belongs to the word, "
        "write '_' for the blank",
        wa_show(word).quoted, D, wa_w2v_count_fields(line), D, where_width_is_from(reader));
}

/* ---------------------------------------------------------------- reading */

/* The next line that is not blank; false at the end. */
static bool take_row_line(wa_w2v_reader *reader, wa_finding *at, wa_text *line)
{
    do {
        *at = (wa_finding){ .offset = reader->cursor.at, .line = reader->line, .record = reader->vectors->info.n_records };
        if (!wa_cursor_take_line(&reader->cursor, line))
            return false;
        reader->line++;
    } while (trim(*line).n_bytes == 0);
    return true;
}

static wa_status read_row(wa_w2v_reader *reader, const wa_finding *at, wa_text line, wa_error *err)
{
    wa_status         st   = WA_OK;
    wa_vectors *const v    = reader->vectors;
    const size_t      i    = v->lexicon.n_words;
    wa_text           rest = line, bad = { "", 0 };

    if (v->width > line.n_bytes) { /* so a width that is not there is never allocated */
        st = report_row(reader, at, line, bad, err);
        goto done;
    }
    if (!wa_vectors_make_room(v, i + 1))
        WA_FAIL(WA_ENOMEM, "%s: not enough memory for %zu vectors of %zu values", reader->path, i + 1, v->width);
    float *const row = v->rows + i * v->width;
    if (!parse_values(&rest, v->width, row, &bad) || rest.n_bytes == 0) {
        st = report_row(reader, at, line, bad, err);
        goto done;
    }
    const wa_text word = trim(rest);
    if (word.n_bytes > WA_W2V_WORD_LENGTH || ends_in_value(word))
        st = report_word(reader, at, line, word, err);
    else
        st = wa_w2v_take(reader, at, word, (const char *)row, err);
done:
    return st;
}

static wa_status report_rest(wa_w2v_reader *reader, const wa_finding *at, wa_error *err)
{
    const size_t claimed = reader->vectors->info.n_claimed;

    if (claimed == 0) /* a limit of 0 would mean all */
        return wa_w2v_broken(reader, at, err, "found a line, expected the end of the file, as the header promises 0 records");
    return wa_w2v_broken(reader, at, err,
                         "found a line after the %zu records that the header promises, expected the end of the file; --limit %zu "
                         "(vectors.limit: %zu) takes the records before",
                         claimed, claimed, claimed);
}

/* Behind the lines that the header promises. */
static wa_status read_end(wa_w2v_reader *reader, wa_error *err)
{
    wa_status  st = WA_OK;
    wa_finding at, ignored;
    wa_text    line, other;

    if (!take_row_line(reader, &at, &line))
        goto done;
    do
        reader->vectors->info.n_trailing++;
    while (take_row_line(reader, &ignored, &other));
    if (is_conflict_marker(line))
        WA_TRY(report_row(reader, &at, line, line, err));
    else
        WA_TRY(report_rest(reader, &at, err));
done:
    return st;
}

static wa_status report_missing(wa_w2v_reader *reader, size_t n_lines, wa_error *err)
{
    const wa_finding at = { .offset = reader->cursor.at, .line = reader->line, .record = reader->vectors->info.n_records };

    return wa_w2v_broken(reader, &at, err,
                         "the file ends after %zu records, expected the %zu that the header promises; get the whole file", n_lines,
                         reader->vectors->info.n_claimed);
}

/* A header is believed as far as so many of the shortest lines, a blank and D digits apart, fit into the rest of the file. */
static bool make_room(wa_w2v_reader *reader)
{
    const wa_vectors_info *const info  = &reader->vectors->info;
    const size_t                 limit = reader->opts.limit, left = wa_cursor_left(&reader->cursor), D = reader->vectors->width;
    const size_t                 n_fitting = D < left ? left / (2 * D) + 1 : 0;
    const size_t                 n_wanted  = limit > 0 && limit < info->n_claimed ? limit : info->n_claimed;
    const size_t                 n         = n_wanted < n_fitting ? n_wanted : n_fitting;

    return wa_lexicon_reserve(&reader->vectors->lexicon, n) && wa_vectors_make_room(reader->vectors, n);
}

wa_status wa_w2v_read_text(wa_w2v_reader *reader, wa_error *err)
{
    wa_status              st         = WA_OK;
    wa_vectors_info *const info       = &reader->vectors->info;
    const bool             has_header = info->format == WA_VECTORS_TEXT;
    const size_t           limit      = reader->opts.limit > 0 ? reader->opts.limit : WA_NONE;
    size_t                 n_lines    = 0; /* of records, whole or not */
    wa_finding             at;
    wa_text                line;

    if (has_header && !make_room(reader))
        WA_FAIL(WA_ENOMEM, "%s: not enough memory for %zu vectors of %zu values", reader->path, info->n_claimed,
                reader->vectors->width);
    while (info->n_records < limit && n_lines < info->n_claimed && take_row_line(reader, &at, &line)) {
        WA_TRY(read_row(reader, &at, line, err));
        n_lines++;
    }
    if (has_header && n_lines < info->n_claimed && info->n_records < limit)
        WA_TRY(report_missing(reader, n_lines, err));
    else if (has_header && info->n_records < limit)
        WA_TRY(read_end(reader, err));
    if (!has_header)
        info->n_claimed = n_lines;
    if (info->n_records < limit)
        info->n_missing = info->n_claimed - info->n_records;
done:
    return st;
}

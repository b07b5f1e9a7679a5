/* Reading a file of word vectors, from its bytes to a handle. See w2v_read.h for who does what.
 *
 * What always holds: nothing is allocated by what a header claims, only by what was found to be there; a word that is kept points
 * into the file, and in a binary file its row is right behind it. */
#include "data/w2v_read.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/status.h"

#define MESSAGE_SIZE  1024
#define WORTH_THREADS ((size_t)1 << 20) /* bytes: below, starting a thread takes longer than it saves */
#define CUT_LENGTH    98                /* bytes that word2vec.c leaves of a longer word: MAX_STRING - 2 */

/* ---------------------------------------------------------------- findings */

char *wa_finding_place(char out[WA_PLACE_SIZE], const wa_finding *finding)
{
    if (finding->line > 0)
        snprintf(out, WA_PLACE_SIZE, "line %zu, byte %zu (record %zu)", finding->line, finding->offset, finding->record);
    else
        snprintf(out, WA_PLACE_SIZE, "byte %zu (record %zu)", finding->offset, finding->record);
    return out;
}

static void report(wa_w2v_reader *reader, wa_finding_kind kind, const wa_finding *at, bool is_refused, const char *message)
{
    wa_finding finding = *at;

    finding.kind       = kind;
    finding.is_refused = is_refused;
    finding.message    = message;
    reader->census->n_refused += is_refused;
    if (reader->found)
        reader->found(reader->user, &finding);
}

/* For what changes nothing about how the file opens. Only a check hears of it. */
static void remark(wa_w2v_reader *reader, wa_finding_kind kind, const wa_finding *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void remark(wa_w2v_reader *reader, wa_finding_kind kind, const wa_finding *at, const char *format, ...)
{
    char    message[MESSAGE_SIZE];
    va_list args;

    if (!reader->census)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    report(reader, kind, at, false, message);
}

wa_status wa_w2v_broken(wa_w2v_reader *reader, const wa_finding *at, wa_error *err, const char *format, ...)
{
    static const char hint[] = "; --salvage (vectors.salvage: true) keeps the records that are whole";
    char              message[MESSAGE_SIZE], place[WA_PLACE_SIZE];
    va_list           args;

    va_start(args, format);
    vsnprintf(message, sizeof message - sizeof hint, format, args);
    va_end(args);
    if (reader->census) {
        if (!reader->opts.salvage)
            strcat(message, hint);
        report(reader, WA_FINDING_BROKEN, at, !reader->opts.salvage, message);
        return WA_OK;
    }
    wa_finding_place(place, at);
    if (!reader->opts.salvage)
        return wa_fail(err, WA_EFORMAT, "%s: %s: %s%s", reader->path, place, message, hint);
    wa_log(&reader->vectors->env, WA_LOG_WARNING, "%s: %s: %s; left out", reader->path, place, message);
    return WA_OK;
}

/* ---------------------------------------------------------------- words */

static bool is_plain(wa_text word)
{
    for (size_t i = 0; i < word.n_bytes; i++)
        if ((unsigned char)word.data[i] <= ' ' || (unsigned char)word.data[i] >= 0x7F)
            return false;
    return word.n_bytes > 0;
}

static bool is_cut(wa_text word)
{
    return word.n_bytes == CUT_LENGTH && wa_utf8_is_cut(word);
}

void wa_w2v_count(wa_vectors_info *info, wa_text word)
{
    info->n_records++;
    if (is_plain(word)) /* ASCII without blanks, as most are: spares the checks below */
        return;
    info->n_empty += word.n_bytes == 0;
    info->n_with_space += wa_has_space(word);
    if (wa_utf8_is_valid(word))
        return;
    info->n_invalid_utf8++;
    info->n_cut += is_cut(word);
}

static void remark_invalid(wa_w2v_reader *reader, const wa_finding *at, wa_text word)
{
    if (is_cut(word))
        remark(
            reader, WA_FINDING_CUT, at,
            "the word %s ends inside a character after 98 bytes, where word2vec.c cuts words; kept as it is, no text will match it",
            wa_show(word).quoted);
    else
        remark(reader, WA_FINDING_INVALID_UTF8, at,
               "the word %s is not UTF-8; kept as it is, no text will match it: iconv converts a file that is in another encoding",
               wa_show(word).quoted);
}

/* What a check says about a word. */
static void remark_word(wa_w2v_reader *reader, const wa_finding *at, wa_text word)
{
    if (is_plain(word))
        return;
    if (word.n_bytes == 0)
        remark(reader, WA_FINDING_EMPTY, at, "the word is empty; kept as it is: `vectors convert --escape` writes '_' for it");
    if (!wa_utf8_is_valid(word))
        remark_invalid(reader, at, word);
    if (wa_has_space(word))
        remark(reader, WA_FINDING_SPACE, at,
               "the word %s holds white space; kept as it is: `vectors convert --escape` writes '_' for blanks and line breaks",
               wa_show(word).quoted);
}

/* ---------------------------------------------------------------- rows */

/* Only a check looks at the values of a row. */
static void count_row(wa_w2v_reader *reader, const wa_finding *at, wa_text word, const char *row)
{
    const size_t D         = reader->vectors->width;
    size_t       first_nan = WA_NONE, first_infinite = WA_NONE;
    bool         is_zero = true;

    for (size_t d = D; d-- > 0;) {
        float x;

        memcpy(&x, row + d * sizeof x, sizeof x);
        if (isnan(x))
            first_nan = d;
        if (isinf(x))
            first_infinite = d;
        is_zero = is_zero && x == 0.0f;
    }
    if (first_nan != WA_NONE) {
        reader->census->n_nan++;
        remark(reader, WA_FINDING_NAN, at,
               "value %zu of %s is NaN; `vectors nearest` passes such a row over, a model that meets it fails", first_nan,
               wa_show(word).quoted);
    } else if (first_infinite != WA_NONE) {
        reader->census->n_infinite++;
        remark(reader, WA_FINDING_INFINITE, at,
               "value %zu of %s is infinite; `vectors nearest` passes such a row over, a model that meets it fails", first_infinite,
               wa_show(word).quoted);
    } else if (is_zero) {
        reader->census->n_zero++;
        remark(reader, WA_FINDING_ZERO, at, "the vector of %s is all zeros; `vectors nearest` passes such a row over",
               wa_show(word).quoted);
    }
}

/* ---------------------------------------------------------------- taking a record in */

static wa_status refuse_duplicate(wa_w2v_reader *reader, const wa_finding *at, wa_text word, size_t row, wa_error *err)
{
    char place[WA_PLACE_SIZE], message[MESSAGE_SIZE];

    snprintf(
        message, sizeof message,
        "the word %s is there already, as row %zu; --duplicates first or --duplicates last (vectors.duplicates) says which stays",
        wa_show(word).quoted, row);
    if (!reader->census)
        return wa_fail(err, WA_EFORMAT, "%s: %s: %s", reader->path, wa_finding_place(place, at), message);
    report(reader, WA_FINDING_DUPLICATE, at, true, message);
    return WA_OK;
}

/* Adds the word; *row is that of the record with the same word before it, or WA_NONE. */
static bool add_word(wa_w2v_reader *reader, wa_text word, size_t *row)
{
    wa_lexicon *const lexicon = &reader->vectors->lexicon;
    bool              is_new;

    if (reader->opts.duplicates == WA_DUPLICATES_LAST)
        return wa_lexicon_add_last(lexicon, word, row);
    if (!wa_lexicon_add(lexicon, word, row, &is_new))
        return false;
    if (is_new)
        *row = WA_NONE;
    return true;
}

wa_status wa_w2v_take(wa_w2v_reader *reader, const wa_finding *at, wa_text word, const char *row, wa_error *err)
{
    wa_status st = WA_OK;
    size_t    earlier;

    wa_w2v_count(&reader->vectors->info, word);
    if (reader->census) {
        remark_word(reader, at, word);
        count_row(reader, at, word, row);
    }
    if (!add_word(reader, word, &earlier))
        WA_FAIL(WA_ENOMEM, "%s: not enough memory for %zu words", reader->path, reader->vectors->lexicon.n_words + 1);
    if (earlier == WA_NONE)
        goto done;
    reader->vectors->info.n_duplicates++;
    if (reader->opts.duplicates == WA_DUPLICATES_ERROR)
        st = refuse_duplicate(reader, at, word, earlier, err);
    else
        remark(reader, WA_FINDING_DUPLICATE, at,
               "the word %s is there already; --duplicates %s keeps the %s record, drops the other", wa_show(word).quoted,
               reader->opts.duplicates == WA_DUPLICATES_LAST ? "last" : "first",
               reader->opts.duplicates == WA_DUPLICATES_LAST ? "later" : "earlier");
done:
    return st;
}

/* With WA_DUPLICATES_LAST: the rows of records that lost their word go, the others move up. */
static void drop_wordless(wa_vectors *v)
{
    size_t n = 0;

    for (size_t i = 0; i < v->lexicon.n_words; i++) {
        if (!v->lexicon.entries[i].data)
            continue;
        if (v->rows && n < i)
            memcpy(v->rows + n * v->width, v->rows + i * v->width, v->width * sizeof *v->rows);
        n++;
    }
    wa_lexicon_compact(&v->lexicon);
}

/* A system that gives no threads is no error: then one does the work. */
static wa_status start_threads(wa_w2v_reader *reader, wa_error *err)
{
    const size_t asked = reader->opts.n_threads < WA_MOST_THREADS ? reader->opts.n_threads : WA_MOST_THREADS;

    if (asked == 1 || wa_file_size(reader->path) < WORTH_THREADS)
        return WA_OK;
    const wa_status st = wa_pool_new(asked, &reader->vectors->env, &reader->pool, err);
    return st == WA_EIO ? WA_OK : st;
}

wa_status wa_w2v_read(wa_w2v_reader *reader, wa_error *err)
{
    wa_status         st = WA_OK;
    wa_vectors *const v  = reader->vectors;

    WA_TRY(start_threads(reader, err));
    WA_TRY(wa_file_read_with(&v->file, reader->path, SIZE_MAX, reader->pool, &v->env, err));
    v->info.is_gzip = v->file.is_gzip;
    reader->cursor  = (wa_cursor){ .bytes = v->file.bytes };
    WA_TRY(wa_w2v_sniff(reader, err));
    if (v->info.format == WA_VECTORS_BINARY)
        WA_TRY(wa_w2v_read_binary(reader, err));
    else
        WA_TRY(wa_w2v_read_text(reader, err));
    if (reader->opts.duplicates == WA_DUPLICATES_LAST)
        drop_wordless(v);
done:
    wa_pool_free(reader->pool);
    reader->pool = NULL;
    return st;
}

wa_status wa_vectors_open(const char *path, const wa_vectors_opts *opts, const wa_env *env, wa_vectors **out, wa_error *err)
{
    wa_status     st     = WA_OK;
    wa_vectors   *v      = NULL;
    wa_w2v_reader reader = { .path = path };

    WA_TRY(wa_vectors_new(0, env, &v, err));
    if (opts)
        reader.opts = *opts;
    reader.vectors = v;
    WA_TRY(wa_w2v_read(&reader, err));
    *out = v;
    v    = NULL;
done:
    wa_vectors_close(v);
    return st;
}

wa_status wa_vectors_check(const char *path, const wa_vectors_opts *opts, const wa_env *env,
                           void (*found)(void *user, const wa_finding *finding), void *user, wa_vectors_census *out, wa_error *err)
{
    wa_status         st     = WA_OK;
    wa_vectors       *v      = NULL;
    wa_vectors_census census = { 0 };
    wa_w2v_reader     reader = { .path = path, .census = &census, .found = found, .user = user };

    WA_TRY(wa_vectors_new(0, env, &v, err));
    if (opts)
        reader.opts = *opts;
    reader.vectors = v;
    st             = wa_w2v_read(&reader, err);
    census.info    = v->info;
    census.n_words = v->lexicon.n_words;
    census.width   = v->width;
    *out           = census;
done:
    wa_vectors_close(v);
    return st;
}

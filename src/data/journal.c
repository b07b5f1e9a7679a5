/* How far a run has come, as a file. See journal.h. */
#include "data/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/path.h"
#include "base/status.h"
#include "base/str.h"
#include "math/sum.h"

enum { MOST_BYTES = 1 << 30 };

/* ---------------------------------------------------------------- sums */

void wa_sum_write(wa_buf *out, const wa_sum *sum)
{
    wa_sum    magnitude;
    size_t    low  = 0;
    const int sign = wa_sum_split(sum, &magnitude);
    size_t    n    = WA_SUM_DIGITS;

    while (n > 1 && magnitude.digits[n - 1] == 0)
        n--;
    while (low + 1 < n && magnitude.digits[low] == 0)
        low++;
    wa_buf_str(out, sign < 0 ? "-" : "");
    for (size_t i = n; i > low; i--)
        wa_buf_format(out, "%08" PRIx64, (uint64_t)magnitude.digits[i - 1]);
    wa_buf_format(out, "@%zu", low);
}

static bool take_hex(wa_cursor *cursor, size_t n, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    wa_text           text;

    if (!wa_cursor_take(cursor, n, &text))
        return false;
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        const char *const digit = memchr(digits, text.data[i], sizeof digits - 1);

        if (!digit)
            return false;
        *out = *out << 4 | (uint64_t)(digit - digits);
    }
    return true;
}

bool wa_sum_read(wa_text text, wa_sum *out)
{
    const bool is_negative = text.n_bytes > 0 && text.data[0] == '-';
    wa_cursor  cursor      = { text, is_negative };
    wa_text    digits, low_text = { 0 };
    size_t     low;
    uint64_t   digit;
    wa_sum     sum = { .n_added = 0 };

    if (!wa_cursor_take_until(&cursor, '@', SIZE_MAX, &digits) || digits.n_bytes % 8 != 0 || digits.n_bytes == 0)
        return false;
    if (!wa_cursor_take(&cursor, wa_cursor_left(&cursor), &low_text) || !wa_parse_size(low_text, &low))
        return false;
    const size_t n = digits.n_bytes / 8;
    if (n >= WA_SUM_DIGITS || low >= WA_SUM_DIGITS - n) /* the highest digit bears the sign */
        return false;
    cursor = (wa_cursor){ digits, 0 };
    for (size_t i = n; i > 0; i--) {
        if (!take_hex(&cursor, 8, &digit))
            return false;
        sum.digits[low + i - 1] = is_negative ? -(int64_t)digit : (int64_t)digit;
    }
    wa_sum_settle(&sum);
    *out = sum;
    return true;
}

/* ---------------------------------------------------------------- the fields */

typedef enum field_type {
    FIELD_BOOL,
    FIELD_SIZE,
    FIELD_U64,
    FIELD_HEX,
    FIELD_TEXT,
    FIELD_MAYBE,
    FIELD_SUM
} field_type; /* MAYBE: a text or NULL */

/* A row gives the reader and the writer. */
typedef struct field {
    const char *name;
    field_type  type;
    size_t      offset;
} field;

#define RUN(field)   offsetof(wa_journal, field)
#define FILE_(field) offsetof(wa_journal_file, field)

static const field run_fields[] = {
    { "wordahead", FIELD_TEXT, RUN(version) },
    { "options", FIELD_TEXT, RUN(options) },
    { "model", FIELD_HEX, RUN(model) },
    { "merging", FIELD_SIZE, RUN(merging) },
    { "format", FIELD_SIZE, RUN(format) },
    { "width", FIELD_SIZE, RUN(width) },
    { "start", FIELD_MAYBE, RUN(start) },
    { "end", FIELD_MAYBE, RUN(end) },
    { "shard", FIELD_SIZE, RUN(shard) },
    { "shards", FIELD_SIZE, RUN(n_shards) },
    { "done", FIELD_BOOL, RUN(is_done) },
    { "file", FIELD_SIZE, RUN(place.file) },
    { "line", FIELD_SIZE, RUN(place.n_lines) },
    { "digest", FIELD_HEX, RUN(place.digest) },
    { "written", FIELD_U64, RUN(n_written) },
    { "mark", FIELD_U64, RUN(mark.n_written) },
    { "stored", FIELD_U64, RUN(mark.n_stored) },
    { "header", FIELD_U64, RUN(n_header) },
    { "footer", FIELD_U64, RUN(n_footer) },
    { "lines_done", FIELD_SIZE, RUN(n_done) },
    { "lines_failed", FIELD_SIZE, RUN(n_failed) },
    { "first_code", FIELD_SIZE, RUN(first_code) },
    { "rows", FIELD_SIZE, RUN(n_rows) },
    { "texts", FIELD_SIZE, RUN(totals.n_texts) },
    { "words", FIELD_SIZE, RUN(totals.n_words) },
    { "unknown", FIELD_SIZE, RUN(totals.n_unknown) },
    { "unknown_scored", FIELD_SIZE, RUN(totals.n_unknown_scored) },
    { "invalid", FIELD_SIZE, RUN(totals.n_invalid) },
    { "logprob", FIELD_SUM, RUN(totals.logprob) },
    { "logprob_known", FIELD_SUM, RUN(totals.logprob_known) },
    { "reciprocal_ranks", FIELD_SUM, RUN(totals.reciprocal_ranks) },
    { "top1", FIELD_SIZE, RUN(totals.n_top1) },
    { "top5", FIELD_SIZE, RUN(totals.n_top5) },
    { "top10", FIELD_SIZE, RUN(totals.n_top10) },
    { 0 },
};

static const field file_fields[] = {
    { "name", FIELD_TEXT, FILE_(name) },          { "bytes", FIELD_HEX, FILE_(looks.n_bytes) },
    { "sample", FIELD_HEX, FILE_(looks.sample) }, { "lines", FIELD_SIZE, FILE_(n_lines) },
    { "begin", FIELD_U64, FILE_(begin) },         { 0 },
};

/* ---------------------------------------------------------------- writing */

static void add_value(wa_buf *out, const field *f, const void *of)
{
    const void *const at = (const char *)of + f->offset;

    switch (f->type) {
    case FIELD_BOOL:
        wa_buf_str(out, *(const bool *)at ? "true" : "false");
        return;
    case FIELD_SIZE:
        wa_buf_format(out, "%zu", *(const size_t *)at);
        return;
    case FIELD_U64:
        wa_buf_format(out, "%" PRIu64, *(const uint64_t *)at);
        return;
    case FIELD_HEX:
        wa_buf_format(out, "\"%016" PRIx64 "\"", *(const uint64_t *)at);
        return;
    case FIELD_MAYBE:
        if (!*(const char *const *)at) {
            wa_buf_str(out, "null");
            return;
        } /* fall through */
    case FIELD_TEXT:
        wa_json_add_text(out, wa_text_of(*(const char *const *)at));
        return;
    case FIELD_SUM:
        wa_buf_str(out, "\"");
        wa_sum_write(out, at);
        wa_buf_str(out, "\"");
        return;
    }
}

static void add_fields(wa_buf *out, const field *fields, const void *of, const char *between)
{
    for (const field *f = fields; f->name; f++) {
        wa_buf_format(out, "%s\"%s\": ", f == fields ? "" : between, f->name);
        add_value(out, f, of);
    }
}

static void add_journal(wa_buf *out, const wa_journal *journal)
{
    wa_buf_str(out, "{\n");
    add_fields(out, run_fields, journal, ",\n");
    wa_buf_str(out, ",\n\"files\": [");
    for (size_t i = 0; i < journal->n_files; i++) {
        wa_buf_str(out, i ? ",\n{" : "\n{");
        add_fields(out, file_fields, &journal->files[i], ", ");
        wa_buf_str(out, "}");
    }
    wa_buf_str(out, "]\n}\n");
}

wa_status wa_journal_write(const wa_journal *journal, const char *path, const wa_env *env, wa_error *err)
{
    wa_status  st     = WA_OK;
    wa_buf     text   = { .env = env };
    wa_output *output = NULL;

    add_journal(&text, journal);
    if (text.failed)
        WA_TRY(wa_fail_memory(err, path));
    WA_TRY(wa_output_open_part(path, NULL, env, &output, err));
    WA_TRY(wa_output_write(output, text.data, text.n_bytes, err));
    st     = wa_output_commit(output, err);
    output = NULL;
done:
    wa_output_discard(output);
    wa_buf_clear(&text);
    return st;
}

void wa_journal_remove(const char *path, const wa_env *env)
{
    char *const part = wa_path_with(env, path, WA_OUTPUT_PART);

    unlink(path);
    if (part)
        unlink(part);
    wa_release(env, part);
}

/* ---------------------------------------------------------------- reading */

static bool read_hex(const json_t *value, uint64_t *out)
{
    wa_cursor cursor = { { json_string_value(value), json_string_length(value) }, 0 };

    return json_string_length(value) == 16 && take_hex(&cursor, 16, out);
}

/* NULL where there is no memory. */
static const char *keep_text(const json_t *value, wa_arena *arena)
{
    return wa_arena_text(arena, (wa_text){ json_string_value(value), json_string_length(value) }).data;
}

/* Whether it is of the type of the field. A text that is NULL afterwards had no memory. */
static bool read_value(const field *f, const json_t *value, void *of, wa_arena *arena)
{
    void *const at     = (char *)of + f->offset;
    const bool  is_int = json_is_integer(value) && json_integer_value(value) >= 0;

    switch (f->type) {
    case FIELD_BOOL:
        *(bool *)at = json_is_true(value);
        return json_is_boolean(value);
    case FIELD_SIZE:
        *(size_t *)at = (size_t)json_integer_value(value);
        return is_int;
    case FIELD_U64:
        *(uint64_t *)at = (uint64_t)json_integer_value(value);
        return is_int;
    case FIELD_HEX:
        return json_is_string(value) && read_hex(value, at);
    case FIELD_MAYBE:
        if (json_is_null(value))
            return true; /* it is NULL already */
        /* fall through */
    case FIELD_TEXT:
        if (json_is_string(value))
            *(const char **)at = keep_text(value, arena);
        return json_is_string(value);
    case FIELD_SUM:
        return json_is_string(value) && wa_sum_read((wa_text){ json_string_value(value), json_string_length(value) }, at);
    }
    return false;
}

static bool lacks_memory(const field *f, const json_t *value, const void *of)
{
    const bool is_text = f->type == FIELD_TEXT || f->type == FIELD_MAYBE;

    return is_text && json_is_string(value) && !*(const char *const *)((const char *)of + f->offset);
}

static wa_status refuse(const char *path, const char *name, const json_t *value, wa_error *err)
{
    return wa_fail(err, WA_EFORMAT, "%s: \"%s\" is %s; it is not what a run left", path, name,
                   value ? "not what is expected there" : "missing");
}

static wa_status read_fields(const field *fields, const json_t *object, void *of, wa_arena *arena, const char *path, wa_error *err)
{
    for (const field *f = fields; f->name; f++) {
        const json_t *const value = json_object_get(object, f->name);

        if (!value || !read_value(f, value, of, arena))
            return refuse(path, f->name, value, err);
        if (lacks_memory(f, value, of))
            return wa_fail_memory(err, path);
    }
    return WA_OK;
}

/* Whether the numbers fit together as far as those who go on from them count on it; if not, which is wrong. */
static bool can_be(const wa_journal *j, const char **wrong)
{
    if (j->shard > j->n_shards || (j->shard == 0) != (j->n_shards == 0))
        *wrong = "shard";
    else if (j->place.file > j->n_files)
        *wrong = "file";
    else if (j->mark.n_written < j->n_written)
        *wrong = "mark";
    else if (j->n_header > j->n_written || j->n_footer > j->n_written - j->n_header)
        *wrong = "header";
    else
        return true;
    return false;
}

static wa_status read_journal(const json_t *root, wa_journal *out, wa_arena *arena, const char *path, wa_error *err)
{
    wa_status           st    = WA_OK;
    const json_t *const files = json_object_get(root, "files");
    const char         *wrong;

    WA_TRY(read_fields(run_fields, root, out, arena, path, err));
    if (!json_is_array(files))
        WA_TRY(refuse(path, "files", files, err));
    out->n_files = json_array_size(files);
    if (!(out->files = wa_arena_alloc_zeroed(arena, out->n_files, sizeof *out->files)))
        WA_TRY(wa_fail_memory(err, path));
    for (size_t i = 0; i < out->n_files; i++)
        WA_TRY(read_fields(file_fields, json_array_get(files, i), &out->files[i], arena, path, err));
    if (!can_be(out, &wrong))
        WA_FAIL(WA_EFORMAT, "%s: \"%s\" is not what can be beside the others; it is not what a run left", path, wrong);
done:
    return st;
}

wa_status wa_journal_read(wa_journal *out, const char *path, wa_arena *arena, const wa_env *env, wa_error *err)
{
    wa_status    st      = WA_OK;
    wa_file      file    = { 0 };
    wa_journal   journal = { 0 };
    json_t      *root    = NULL;
    json_error_t reason;

    WA_TRY(wa_file_read(&file, path, MOST_BYTES, env, err));
    root = json_loadb(file.bytes.data, file.bytes.n_bytes, JSON_REJECT_DUPLICATES, &reason);
    if (!json_is_object(root))
        WA_FAIL(WA_EFORMAT, "%s:%d: found no JSON object (%s); it is not what a run left", path, root ? 1 : reason.line,
                root ? "something else" : reason.text);
    WA_TRY(read_journal(root, &journal, arena, path, err));
    *out = journal;
done:
    json_decref(root);
    wa_file_clear(&file);
    return st;
}

/* ---------------------------------------------------------------- the output */

wa_status wa_journal_check_output(const wa_journal *journal, const char *path, wa_error *err)
{
    struct stat about;

    if (stat(path, &about) != 0)
        return wa_fail_system(err, path, "cannot open", errno);
    if ((uint64_t)about.st_size != journal->mark.n_stored)
        return wa_fail(err, WA_EFORMAT, "%s: found %llu bytes, expected %llu: it was changed after the run", path,
                       (unsigned long long)about.st_size, (unsigned long long)journal->mark.n_stored);
    return WA_OK;
}

/* ---------------------------------------------------------------- comparing */

/* Whether two texts are the same, or would be as JSON has them, where bytes that are not UTF-8 become U+FFFD: one of them may have
 * been read from there. */
static bool is_same(const char *a, const char *b)
{
    wa_text  rest = wa_text_of(a), other = wa_text_of(b);
    uint32_t c = 0, d = 0;
    bool     ignored;

    while (c == d && rest.n_bytes > 0 && other.n_bytes > 0) {
        const size_t n = wa_utf8_next(rest, &c, &ignored), m = wa_utf8_next(other, &d, &ignored);

        rest  = (wa_text){ rest.data + n, rest.n_bytes - n };
        other = (wa_text){ other.data + m, other.n_bytes - m };
    }
    return c == d && rest.n_bytes == 0 && other.n_bytes == 0;
}

static wa_status file_agrees(const wa_journal_file *a, const wa_journal_file *b, wa_error *err)
{
    if (!is_same(a->name, b->name))
        return wa_fail(err, WA_EUSAGE, "the input %s is %s there", wa_show(wa_text_of(a->name)).quoted,
                       wa_show(wa_text_of(b->name)).quoted);
    if (a->looks.n_bytes != b->looks.n_bytes)
        return wa_fail(err, WA_EUSAGE, "the input %s has another size", wa_show(wa_text_of(a->name)).quoted);
    if (a->looks.sample != b->looks.sample)
        return wa_fail(err, WA_EUSAGE, "the input %s has other content", wa_show(wa_text_of(a->name)).quoted);
    return WA_OK;
}

wa_status wa_journal_agrees(const wa_journal *journal, const wa_journal *other, wa_error *err)
{
    wa_status st = WA_OK;

    if (!is_same(journal->version, other->version))
        WA_FAIL(WA_EUSAGE, "the version of wordahead is %s, and %s there", journal->version, other->version);
    if (!is_same(journal->options, other->options))
        WA_FAIL(WA_EUSAGE, "the options are `%s`, and `%s` there", journal->options, other->options);
    if (journal->model != other->model)
        WA_FAIL(WA_EUSAGE, "the model is another one");
    if (journal->n_shards != other->n_shards)
        WA_FAIL(WA_EUSAGE, "there are %zu shards, and %zu there", journal->n_shards, other->n_shards);
    if (journal->n_files != other->n_files)
        WA_FAIL(WA_EUSAGE, "there are %zu input files, and %zu there", journal->n_files, other->n_files);
    for (size_t i = 0; i < journal->n_files; i++)
        WA_TRY(file_agrees(&journal->files[i], &other->files[i], err));
done:
    return st;
}

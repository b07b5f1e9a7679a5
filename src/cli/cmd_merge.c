/* `wordahead merge`: the outputs of the shards of a run as one, the same bytes as those of a run over everything.
 *
 * Beside each output lies its journal, which tells of what run it is and where its records begin and end. Where a file is shared by
 * several shards, each counts its lines from 1; joined, they are counted on. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "base/path.h"
#include "base/str.h"
#include "base/stream.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/summary.h"
#include "data/journal.h"
#include "data/npy.h"

typedef struct merge_opts {
    const char *output;
} merge_opts;

static const wa_option options[] = {
    { "output", 'o', WA_OPTION_TEXT, offsetof(merge_opts, output), NULL, "OUT",
      "where the whole goes, gzip where it ends in .gz; else standard output" },
    { 0 },
};

static const wa_verb verb = {
    .name     = "merge",
    .operands = "[-o OUT] SHARD ...",
    .summary  = "Joins the outputs of the shards of a run, in any order: checks that all are there, once, complete and of one run, "
                "and gives\n"
                "the same bytes as a run without shards. Beside each SHARD lies SHARD.state, which tells what it is.",
    .examples = "  wordahead merge -o scores.jsonl scores.*-of-8.jsonl\n"
                "  wordahead merge scores.*.jsonl.gz | gzip >scores.jsonl.gz\n",
    .options  = options,
    .n_least  = 1,
    .n_most   = WA_NONE,
};

typedef struct shard {
    const char *path;
    wa_journal  journal;
} shard;

typedef struct merger {
    merge_opts      opts;
    wa_arena        arena;
    shard          *shards; /* [n] by number, once they are sorted */
    size_t          n;
    size_t         *n_lines; /* [files] of the shards before */
    wa_score_totals totals;
    size_t          n_rows;
    wa_output      *output; /* NULL: standard output */
    wa_buf          record;
} merger;

/* ---------------------------------------------------------------- which shards these are */

static wa_status check_complete(const shard *s, wa_error *err)
{
    if (s->journal.n_shards == 0)
        return wa_fail(err, WA_EFORMAT, "%s: found the output of a whole run, expected that of a shard", s->path);
    if (!s->journal.is_done || !wa_path_exists(s->path))
        return wa_fail(err, WA_EFORMAT, "%s: shard %zu of %zu is not complete; run it again with --resume", s->path,
                       s->journal.shard, s->journal.n_shards);
    return wa_journal_check_output(&s->journal, s->path, err);
}

static wa_status read_shard(merger *m, shard *s, wa_error *err)
{
    wa_status   st    = WA_OK;
    char *const state = wa_path_with(NULL, s->path, WA_JOURNAL_ENDING);

    if (!state)
        WA_TRY(wa_fail_memory(err, s->path));
    if (!wa_path_exists(state))
        WA_FAIL(WA_EFORMAT, "%s: found no %s, which a run with --shard and -o leaves beside its output", s->path, state);
    WA_TRY(wa_journal_read(&s->journal, state, &m->arena, wa_cli_env(), err));
    WA_TRY(check_complete(s, err));
done:
    wa_release(NULL, state);
    return st;
}

static int by_number(const void *a, const void *b)
{
    const size_t x = ((const shard *)a)->journal.shard, y = ((const shard *)b)->journal.shard;

    return x < y ? -1 : x > y;
}

/* All of one run. */
static wa_status check_run(const merger *m, wa_error *err)
{
    wa_error what;

    for (size_t i = 1; i < m->n; i++)
        if (wa_journal_agrees(&m->shards[0].journal, &m->shards[i].journal, &what) != WA_OK)
            return wa_fail(err, WA_EFORMAT, "%s and %s are not of one run: %s", m->shards[0].path, m->shards[i].path, what.message);
    return WA_OK;
}

/* Each number once. */
static wa_status check_numbers(const merger *m, wa_error *err)
{
    const size_t n = m->shards[0].journal.n_shards;

    for (size_t i = 1; i < m->n; i++)
        if (m->shards[i].journal.shard == m->shards[i - 1].journal.shard)
            return wa_fail(err, WA_EFORMAT, "%s and %s are both shard %zu of %zu; leave one of them out", m->shards[i - 1].path,
                           m->shards[i].path, m->shards[i].journal.shard, n);
    for (size_t i = 0; i < n; i++)
        if (i >= m->n || m->shards[i].journal.shard != i + 1)
            return wa_fail(err, WA_EFORMAT, "shard %zu of %zu is missing: %zu %s given", i + 1, n, m->n,
                           m->n == 1 ? "was" : "were");
    return WA_OK;
}

static wa_status read_shards(merger *m, const wa_operands *paths, wa_error *err)
{
    wa_status st = WA_OK;

    m->n      = paths->n;
    m->shards = wa_arena_alloc_zeroed(&m->arena, m->n, sizeof *m->shards);
    if (!m->shards)
        WA_TRY(wa_fail_memory(err, "merge"));
    for (size_t i = 0; i < m->n; i++) {
        m->shards[i].path = paths->items[i];
        WA_TRY(read_shard(m, &m->shards[i], err));
    }
    WA_TRY(check_run(m, err));
    qsort(m->shards, m->n, sizeof *m->shards, by_number);
    WA_TRY(check_numbers(m, err));
    m->n_lines = wa_arena_alloc_zeroed(&m->arena, m->shards[0].journal.n_files, sizeof *m->n_lines);
    if (!m->n_lines)
        WA_TRY(wa_fail_memory(err, "merge"));
done:
    return st;
}

/* ---------------------------------------------------------------- writing */

static wa_status put(merger *m, wa_text bytes, wa_error *err)
{
    if (m->output)
        return wa_output_write(m->output, bytes.data, bytes.n_bytes, err);
    wa_cli_write(bytes);
    return WA_OK;
}

/* Whether anybody still takes what is written. */
static bool is_wanted(const merger *m)
{
    return m->output || wa_cli_is_output_open();
}

/* ---------------------------------------------------------------- records as they are */

/* Copies the bytes from..to of an unpacked file. */
static wa_status copy_bytes(merger *m, const char *path, uint64_t from, uint64_t to, wa_error *err)
{
    wa_status  st     = WA_OK;
    wa_stream *stream = NULL;
    char       bytes[WA_STREAM_BUFFER];
    size_t     got;

    WA_TRY(wa_stream_open(path, wa_cli_env(), &stream, err));
    WA_TRY(wa_stream_skip(stream, from, err));
    for (uint64_t left = to - from; left > 0 && is_wanted(m); left -= got) {
        WA_TRY(wa_stream_read(stream, bytes, left < sizeof bytes ? (size_t)left : sizeof bytes, &got, err));
        if (got == 0)
            WA_FAIL(WA_EFORMAT, "%s: the file ends %llu bytes too early: it was changed after the run", path,
                    (unsigned long long)left);
        WA_TRY(put(m, (wa_text){ bytes, got }, err));
    }
done:
    wa_stream_close(stream);
    return st;
}

/* ---------------------------------------------------------------- records with the numbers of lines */

/* The file whose record lies at an offset: the last one that begins there or before. */
static size_t file_at(const wa_journal *journal, uint64_t offset, size_t file)
{
    for (size_t i = file + 1; i < journal->n_files; i++)
        if (journal->files[i].n_lines > 0 && journal->files[i].begin <= offset)
            file = i;
    return file;
}

/* Where the number of a line begins in its record: behind "line": at the beginning of an object or behind the file's name, or in the
 * first or second column. */
static size_t find_number(wa_text record, bool names_file)
{
    static const char first[] = "{\"line\":", later[] = "\",\"line\":";
    size_t            at = 0;

    if (record.data[0] != '{') {
        const char *const tab = names_file ? memchr(record.data, '\t', record.n_bytes) : NULL;

        return tab ? (size_t)(tab - record.data) + 1 : 0;
    }
    if (wa_text_begins(record, wa_text_of(first)))
        return sizeof first - 1;
    while (at + sizeof later < record.n_bytes && memcmp(record.data + at, later, sizeof later - 1) != 0)
        at += record.data[at] == '\\' ? 2 : 1; /* a quoted quote does not end the name */
    return at + sizeof later - 1;
}

static wa_status put_record(merger *m, const char *path, wa_text record, size_t n_before, bool names_file, wa_error *err)
{
    const size_t at  = record.n_bytes > 0 ? find_number(record, names_file) : 0;
    size_t       end = at, number;

    while (end < record.n_bytes && record.data[end] >= '0' && record.data[end] <= '9')
        end++;
    if (at >= record.n_bytes || !wa_parse_size((wa_text){ record.data + at, end - at }, &number))
        return wa_fail(err, WA_EFORMAT,
                       "%s: found the record %s, expected the number of a line in it: it was changed after the run", path,
                       wa_show(record).quoted);
    m->record.n_bytes = 0;
    wa_buf_add(&m->record, record.data, at);
    wa_buf_format(&m->record, "%zu", number + n_before);
    wa_buf_add(&m->record, record.data + end, record.n_bytes - end);
    wa_buf_str(&m->record, "\n");
    return m->record.failed ? wa_fail_memory(err, path) : put(m, wa_buf_view(&m->record), err);
}

/* Copies the records between two offsets of the unpacked output, each with the number that its line has in the whole file. */
static wa_status copy_records(merger *m, const shard *s, uint64_t from, uint64_t to, wa_error *err)
{
    wa_status st       = WA_OK;
    wa_lines *lines    = NULL;
    size_t    file     = 0;
    bool      has_line = true;
    wa_text   record;

    WA_TRY(wa_lines_open(s->path, wa_cli_env(), &lines, err));
    WA_TRY(wa_lines_start_at(lines, from, err));
    while (is_wanted(m) && wa_lines_offset(lines) < to) {
        file = file_at(&s->journal, wa_lines_offset(lines), file);
        WA_TRY(wa_lines_next(lines, &record, &has_line, err));
        if (!has_line)
            WA_FAIL(WA_EFORMAT, "%s: the file ends too early: it was changed after the run", s->path);
        WA_TRY(put_record(m, s->path, record, m->n_lines[file], s->journal.n_files > 1, err));
    }
done:
    wa_lines_close(lines);
    return st;
}

/* ---------------------------------------------------------------- all of it */

static wa_status write_header(merger *m, wa_error *err)
{
    wa_status         st    = WA_OK;
    const wa_journal *first = &m->shards[0].journal;
    size_t            i     = 0;

    if (first->merging & WA_MERGE_ROWS) {
        wa_npy_add_header(&m->record, m->n_rows, first->width);
        return m->record.failed ? wa_fail_memory(err, "merge") : put(m, wa_buf_view(&m->record), err);
    }
    while (i < m->n && m->shards[i].journal.n_header == 0)
        i++;
    if (i < m->n)
        WA_TRY(copy_bytes(m, m->shards[i].path, 0, m->shards[i].journal.n_header, err));
done:
    return st;
}

static wa_status write_records(merger *m, const shard *s, wa_error *err)
{
    wa_status               st   = WA_OK;
    const wa_journal *const j    = &s->journal;
    const uint64_t          from = j->n_header, to = j->n_written - j->n_footer;

    if (j->merging & WA_MERGE_LINES)
        WA_TRY(copy_records(m, s, from, to, err));
    else
        WA_TRY(copy_bytes(m, s->path, from, to, err));
    for (size_t i = 0; i < j->n_files; i++)
        m->n_lines[i] += j->files[i].n_lines;
done:
    return st;
}

static wa_status write_footer(merger *m, wa_error *err)
{
    const wa_journal *const first = &m->shards[0].journal;

    if (!(first->merging & WA_MERGE_SCORES))
        return WA_OK;
    m->record.n_bytes = 0;
    wa_summary_add(&m->record, &(wa_summary){ .format = (wa_score_format)first->format,
                                              .totals = &m->totals,
                                              .start  = wa_text_of(first->start),
                                              .end    = wa_text_of(first->end) });
    return m->record.failed ? wa_fail_memory(err, "merge") : put(m, wa_buf_view(&m->record), err);
}

static wa_status write_all(merger *m, wa_error *err)
{
    wa_status st = WA_OK;

    for (size_t i = 0; i < m->n; i++) {
        wa_score_merge(&m->totals, &m->shards[i].journal.totals);
        m->n_rows += m->shards[i].journal.n_rows;
    }
    WA_TRY(write_header(m, err));
    for (size_t i = 0; i < m->n && is_wanted(m); i++)
        WA_TRY(write_records(m, &m->shards[i], err));
    WA_TRY(write_footer(m, err));
done:
    return st;
}

static wa_status run(merger *m, const wa_operands *paths, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(read_shards(m, paths, err));
    if (m->opts.output && strcmp(m->opts.output, "-") != 0)
        WA_TRY(wa_output_open(m->opts.output, wa_cli_env(), &m->output, err));
    WA_TRY(write_all(m, err));
    if (m->output)
        st = wa_output_commit(m->output, err);
    m->output = NULL;
done:
    return st;
}

int wa_cmd_merge(int argc, char **argv)
{
    merger      m = { 0 };
    wa_operands paths;
    wa_error    err;
    int         code = wa_verb_parse(&verb, argc, argv, &m.opts, &paths);

    if (code < 0 && (code = wa_cli_check_output(m.opts.output, paths.items, paths.n)) == WA_EXIT_OK &&
        run(&m, &paths, &err) != WA_OK)
        code = wa_cli_fail(&err);
    wa_output_discard(m.output);
    wa_buf_clear(&m.record);
    wa_arena_clear(&m.arena);
    return code;
}

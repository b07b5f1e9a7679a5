/* Work on the lines of many files. See batch.h. */
#include "cli/batch.h"

#include <string.h>
#include <unistd.h>

#include "base/ordered.h"
#include "base/status.h"
#include "base/str.h"
#include "cli/batch_parts.h"
#include "cli/cli.h"

/* A thread that waits for its turn to write may read on so far. */
enum { PIECES_PER_WORKER = 3 };

/* ---------------------------------------------------------------- writing */

/* Writes records of a piece; `is_first`: before them comes what stands before the first record, or between two. */
static void write_records(wa_batch_runner *r, wa_text records, bool is_first)
{
    wa_journal *const now = &r->ledger.now;

    if (is_first && now->n_written > 0) {
        wa_ledger_write(&r->ledger, r->batch->separator);
    } else if (is_first) {
        wa_ledger_write(&r->ledger, r->batch->header);
        now->n_header = now->n_written;
    }
    wa_ledger_write(&r->ledger, records);
}

static void write_message(wa_batch_runner *r, wa_text message, bool is_listed)
{
    if (is_listed) {
        wa_cli_write(message);
        return;
    }
    wa_progress_clear(&r->progress);
    wa_cli_message(message);
}

/* Records and messages in the order in which they came; with --strict up to the first failure. */
static void write_answers(wa_batch_runner *r, const wa_answers *answers)
{
    const wa_answers_mark *const marks = (const wa_answers_mark *)(const void *)answers->marks.data;
    const size_t                 n     = answers->marks.n_bytes / sizeof *marks;
    size_t                       at = 0, message = 0;

    for (size_t i = 0; i <= n; i++) {
        const size_t end = i < n ? marks[i].record_end : answers->records.n_bytes;

        if (end > at)
            write_records(r, (wa_text){ answers->records.data + at, end - at }, at == 0);
        at = end;
        if (i == n)
            return;
        write_message(r, (wa_text){ answers->messages.data + message, marks[i].message_end - message }, marks[i].is_listed);
        message = marks[i].message_end;
        if (r->is_stopped && i == answers->first_failure)
            return;
    }
}

static void note_segments(wa_journal *journal, const wa_buf *segments, uint64_t n_before)
{
    const wa_batch_segment *const s = (const wa_batch_segment *)(const void *)segments->data;

    for (size_t i = 0; i < segments->n_bytes / sizeof *s; i++) {
        wa_journal_file *const file = &journal->files[s[i].file];

        file->n_lines = s[i].n_lines;
        if (s[i].is_first)
            file->begin = n_before + s[i].begin;
    }
}

/* Notes how far the run has come with a piece. */
static void reach(wa_batch_runner *r, const wa_batch_piece *p, uint64_t n_before)
{
    wa_journal *const now = &r->ledger.now;

    if (now->n_files > 0)
        note_segments(now, &p->segments, n_before);
    now->place      = p->place;
    now->n_done     = r->outcome.n_done;
    now->n_failed   = r->outcome.n_failed;
    now->first_code = (size_t)r->outcome.first_code;
    now->n_rows += p->answers.n_rows;
    wa_score_merge(&now->totals, &p->answers.totals);
    wa_ledger_reach(&r->ledger);
}

static bool write_piece(void *user, size_t slot)
{
    wa_batch_runner *const      r = user;
    const wa_batch_piece *const p = &r->pieces[slot];

    if (wa_answers_have_failed(&p->answers) || p->segments.failed) {
        wa_fail_memory(&r->ledger.failure, "answers");
        return false;
    }
    wa_cli_add_outcome(&r->outcome, &p->answers.outcome);
    r->is_stopped = r->batch->opts->strict && p->answers.outcome.n_failed > 0;
    write_answers(r, &p->answers);
    if (r->is_stopped)
        return false;
    reach(r, p, r->ledger.now.n_written - p->answers.records.n_bytes);
    if (p->is_urgent)
        wa_ledger_hand_on(&r->ledger);
    const uint64_t n_all = wa_corpus_bytes_in_all(r->corpus);
    wa_progress_show(&r->progress, p->n_bytes_read - r->n_bytes_before, n_all ? n_all - r->n_bytes_before : 0,
                     r->outcome.n_done + r->outcome.n_failed - r->n_lines_before);
    return wa_ledger_is_open(&r->ledger);
}

/* ---------------------------------------------------------------- which run this is */

static wa_status describe_files(wa_batch_runner *r, wa_journal *run, wa_error *err)
{
    const wa_operands *const names = &r->batch->operands;
    wa_journal_file *const   files = wa_arena_alloc_zeroed(&r->arena, names->n, sizeof *files);

    if (!files)
        return wa_fail_memory(err, "input");
    for (size_t i = 0; i < names->n; i++) {
        files[i].name = names->items[i];
        wa_corpus_look_at(names->items[i], &files[i].looks, NULL); /* reading it will tell */
    }
    run->files   = files;
    run->n_files = names->n;
    return WA_OK;
}

/* A word of the model as the journal wants it. */
static const char *keep_word(wa_batch_runner *r, wa_text word)
{
    return word.data ? wa_arena_text(&r->arena, word).data : NULL;
}

static wa_status describe_run(wa_batch_runner *r, wa_journal *run, wa_error *err)
{
    wa_status st      = WA_OK;
    wa_buf    options = { 0 };
    wa_text   kept;

    *run = (wa_journal){
        .version  = wa_version(),
        .shard    = r->shard.number,
        .n_shards = r->shard.n,
        .merging  = r->batch->merging,
        .format   = (size_t)r->batch->format,
        .width    = r->batch->width,
        .start    = keep_word(r, wa_model_start(r->batch->model)),
        .end      = keep_word(r, wa_model_end(r->batch->model)),
        .place    = wa_corpus_reached(r->corpus),
    };
    if (!r->output || r->batch->are_texts)
        return WA_OK;
    wa_buf_text(&options, r->batch->options);
    wa_buf_format(&options, " --max-line %zu", r->batch->opts->max_line);
    kept         = options.failed ? (wa_text){ 0 } : wa_arena_text(&r->arena, wa_buf_view(&options));
    run->options = kept.data;
    wa_buf_clear(&options);
    if (!kept.data)
        return wa_fail_memory(err, "options");
    WA_TRY(wa_model_fingerprint(r->batch->model, &run->model, err));
    WA_TRY(describe_files(r, run, err));
done:
    return st;
}

/* ---------------------------------------------------------------- going on with another run */

static bool is_before(const wa_corpus_place *a, const wa_corpus_place *b)
{
    return a->file < b->file || (a->file == b->file && a->n_lines < b->n_lines);
}

/* Reads what the other run has answered, to see that it is still the same. */
static wa_status read_answered(wa_batch_runner *r, const wa_corpus_place *target, wa_error *err)
{
    wa_status                  st    = WA_OK;
    const wa_batch_verb *const verb  = r->batch->verb;
    wa_corpus_place            here  = wa_corpus_reached(r->corpus);
    wa_corpus_event            event = WA_CORPUS_LINE;
    wa_corpus_line             line;

    while (event != WA_CORPUS_END && is_before(&here, target)) {
        event = wa_corpus_next(r->corpus, &line, NULL);
        if (event == WA_CORPUS_LINE && verb->recall) {
            const wa_cli_line named = wa_batch_name_line(r, &line);

            WA_TRY(verb->recall(r->batch->user, r->workers[0].session, &named, err));
        }
        here = wa_corpus_reached(r->corpus);
    }
    if (memcmp(&here, target, sizeof here) != 0)
        WA_FAIL(WA_EUSAGE,
                "%s: the input has changed since: what was read then is not what is there now; remove the file to begin anew",
                r->ledger.state);
done:
    return st;
}

static int go_on(wa_batch_runner *r)
{
    wa_error                err;
    const wa_journal *const now = &r->ledger.now;

    if (read_answered(r, &now->place, &err) != WA_OK)
        return wa_cli_fail(&err);
    r->outcome        = (wa_cli_outcome){ now->n_done, now->n_failed, (int)now->first_code };
    r->n_bytes_before = wa_corpus_bytes_read(r->corpus);
    r->n_lines_before = now->n_done + now->n_failed;
    if (!r->batch->opts->quiet)
        wa_cli_complain(WA_EXIT_OK, "%s: goes on behind %zu line%s", r->output, r->n_lines_before,
                        r->n_lines_before == 1 ? "" : "s");
    return -1;
}

/* ---------------------------------------------------------------- preparing */

static wa_status open_corpus(wa_batch_runner *r, wa_error *err)
{
    const wa_operands *const operands = &r->batch->operands;
    const wa_corpus_opts     opts     = { r->shard.number, r->shard.n, r->batch->opts->max_line, wa_cli_wake_fd() };

    if (r->batch->are_texts)
        return wa_corpus_open_texts(operands->items, operands->n, wa_cli_env(), &r->corpus, err);
    return wa_corpus_open(operands->items, operands->n, &opts, wa_cli_env(), &r->corpus, err);
}

/* One worker with all threads where lines cannot be computed side by side, otherwise one with each thread. */
static wa_status open_workers(wa_batch_runner *r, wa_error *err)
{
    wa_status    st        = WA_OK;
    const size_t n_threads = r->batch->opts->threads;
    const bool   is_one    = r->batch->is_sequential || r->batch->are_texts || n_threads == 1;

    if (!is_one)
        WA_TRY(wa_pool_new(n_threads, wa_cli_env(), &r->pool, err));
    const size_t n = wa_pool_threads(r->pool);
    if (!(r->workers = wa_arena_alloc_zeroed(&r->arena, n, sizeof *r->workers)))
        WA_TRY(wa_fail_memory(err, "threads"));
    for (; r->n_workers < n; r->n_workers++) {
        wa_batch_worker *const w = &r->workers[r->n_workers];

        if (!(w->results = wa_arena_alloc(&r->arena, r->batch->n_most, r->batch->verb->result_size)))
            WA_TRY(wa_fail_memory(err, "threads"));
        WA_TRY(wa_cli_new_session(r->batch->model, is_one ? n_threads : 1, &w->session, err));
    }
done:
    return st;
}

static wa_status make_pieces(wa_batch_runner *r, wa_error *err)
{
    const size_t n_most = r->batch->n_most;

    r->n_pieces = r->n_workers == 1 ? 1 : PIECES_PER_WORKER * r->n_workers;
    if (!(r->pieces = wa_arena_alloc_zeroed(&r->arena, r->n_pieces, sizeof *r->pieces)))
        return wa_fail_memory(err, "lines");
    for (size_t i = 0; i < r->n_pieces; i++) {
        r->pieces[i].lines = wa_arena_alloc(&r->arena, n_most, sizeof *r->pieces[i].lines);
        r->pieces[i].texts = wa_arena_alloc(&r->arena, n_most, sizeof *r->pieces[i].texts);
        if (!r->pieces[i].lines || !r->pieces[i].texts)
            return wa_fail_memory(err, "lines");
    }
    return WA_OK;
}

static int check_usage(const wa_batch_runner *r)
{
    const wa_batch_opts *const o       = r->batch->opts;
    const bool                 is_file = o->output && strcmp(o->output, "-") != 0;

    if (o->resume && (!is_file || r->batch->are_texts))
        return wa_cli_complain(WA_EXIT_USAGE, "--resume: expected %s as well: it goes on with what is in a file",
                               is_file ? "files to read" : "-o OUT");
    if (r->shard.n > 0 && (r->batch->is_sequential || r->batch->is_table || r->batch->are_texts))
        return wa_cli_complain(WA_EXIT_USAGE, "--shard: expected %s",
                               r->batch->are_texts ? "files to read: it takes a part of their lines"
                               : r->batch->is_sequential
                                   ? "answers that do not depend on the lines before, as with --context document they do"
                                   : "another --format than table: parts of a table cannot be joined");
    if (r->shard.is_found && is_file && !wa_shard_is_named(o->output))
        return wa_cli_complain(WA_EXIT_USAGE,
                               "-o, --output: found %s, expected %%i in it, which stands for the number of the shard: all "
                               "processes of the job are given the same name",
                               wa_show(wa_text_of(o->output)).quoted);
    return -1;
}

static int prepare(wa_batch_runner *r)
{
    wa_status st = WA_OK;
    wa_error err_here, *const err = &err_here;
    int code;

    if ((code = wa_shard_parse(r->batch->opts->shard, &r->shard)) >= 0 || (code = check_usage(r)) >= 0)
        return code;
    if (r->batch->opts->output && !(r->output = wa_shard_name(r->batch->opts->output, &r->shard)))
        WA_TRY(wa_fail_memory(err, r->batch->opts->output));
    WA_TRY(open_corpus(r, err));
    WA_TRY(open_workers(r, err));
    WA_TRY(make_pieces(r, err));
done:
    return st == WA_OK ? -1 : wa_cli_fail(err);
}

static int open_ledger(wa_batch_runner *r)
{
    const bool           to_terminal = !r->output && isatty(STDOUT_FILENO);
    const wa_ledger_opts opts        = {
               .output     = r->output,
               .checkpoint = r->batch->opts->checkpoint,
               .is_long    = !r->batch->are_texts,
               .resumes    = r->batch->opts->resume,
               .at_once    = r->batch->opts->line_buffered || to_terminal,
               .rewrites   = r->batch->has_count,
    };
    wa_journal run;
    wa_error   err;
    int        code;

    if (describe_run(r, &run, &err) != WA_OK)
        return wa_cli_fail(&err);
    if ((code = wa_ledger_open(&r->ledger, &opts, &run)) >= 0)
        return code;
    if (wa_ledger_is_resumed(&r->ledger))
        code = go_on(r);
    wa_progress_begin(&r->progress, r->batch->opts->progress, r->batch->opts->quiet, to_terminal);
    return code;
}

/* ---------------------------------------------------------------- the end */

/* The run ends early: by a signal, where the output cannot be written, or at a line that failed. */
static int end_early(wa_batch_runner *r)
{
    const bool        can_go_on = wa_ledger_interrupt(&r->ledger);
    const wa_error    failure   = r->ledger.failure;
    const char *const how       = can_go_on ? "; the same command with --resume goes on" : "";
    const size_t      n         = r->ledger.reached.n_done + r->ledger.reached.n_failed;

    if (failure.status != WA_OK)
        return wa_cli_complain(wa_exit_code(failure.status), "%s%s", failure.message, how);
    if (n > 0 && (can_go_on || !r->is_stopped)) /* at a line that failed, that line was told */
        wa_cli_complain(WA_EXIT_OK, "stopped after %zu line%s%s", n, n == 1 ? "" : "s", how);
    return r->outcome.first_code;
}

/* What comes behind the records, and what takes the place of the first bytes. */
static wa_status write_end(wa_batch_runner *r, const wa_buf *footer, const wa_buf *first)
{
    if (footer->failed || first->failed)
        return wa_fail_memory(&r->ledger.failure, "answers");
    if (first->n_bytes > 0 && r->ledger.now.n_written == 0)
        write_records(r, (wa_text){ NULL, 0 }, true);
    wa_ledger_write(&r->ledger, wa_buf_view(footer));
    r->ledger.now.n_footer = footer->n_bytes;
    return wa_ledger_finish(&r->ledger, wa_buf_view(first));
}

/* A shard is whole whatever became of its lines: merging wants all of them. */
static int end_whole(wa_batch_runner *r)
{
    wa_buf    footer = { 0 }, first = { 0 };
    wa_status st = WA_OK;

    if (r->outcome.n_done == 0 && r->outcome.n_failed > 0 && r->shard.n == 0) { /* nothing is there that anybody asked for */
        wa_ledger_discard(&r->ledger);
        return wa_cli_exit_code(&r->outcome);
    }
    if (r->batch->verb->end)
        r->batch->verb->end(r->batch->user, &r->ledger.now, &footer, &first);
    st = write_end(r, &footer, &first);
    wa_buf_clear(&footer);
    wa_buf_clear(&first);
    return st != WA_OK ? end_early(r) : r->outcome.n_failed ? WA_EXIT_SOME_FAILED : WA_EXIT_OK;
}

static int run(wa_batch_runner *r)
{
    int      code;
    wa_error err;

    if ((code = prepare(r)) >= 0 || (code = open_ledger(r)) >= 0)
        return code;
    wa_cli_defer_signals();
    const wa_ordered steps = { r->n_pieces, wa_batch_read, wa_batch_work, write_piece, r };
    if (wa_ordered_run(r->pool, &steps, wa_cli_env(), &err) != WA_OK)
        return wa_cli_fail(&err);
    wa_progress_clear(&r->progress);
    if (wa_cli_is_stopping() || r->is_stopped || r->ledger.failure.status != WA_OK)
        return end_early(r);
    return wa_ledger_is_open(&r->ledger) ? end_whole(r) : wa_cli_exit_code(&r->outcome);
}

int wa_batch_run(const wa_batch *batch)
{
    wa_batch_runner r    = { .batch = batch };
    const int       code = run(&r);

    wa_ledger_close(&r.ledger);
    for (size_t i = 0; i < r.n_pieces && r.pieces; i++) {
        wa_buf_clear(&r.pieces[i].bytes);
        wa_buf_clear(&r.pieces[i].segments);
        wa_answers_clear(&r.pieces[i].answers);
    }
    for (size_t i = 0; i < r.n_workers; i++)
        wa_session_free(r.workers[i].session);
    wa_pool_free(r.pool);
    wa_corpus_close(r.corpus);
    wa_release(NULL, r.output);
    wa_arena_clear(&r.arena);
    return code;
}

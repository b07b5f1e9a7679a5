/* The output of a run, and how far it has come. See ledger.h. */
#include "cli/ledger.h"

#include <string.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/status.h"
#include "cli/cli.h"

/* ---------------------------------------------------------------- what was left */

/* Whether the journal that was read describes this run; complains where not. */
static bool is_same_run(const wa_ledger *ledger, const wa_journal *left)
{
    wa_error        what;
    const wa_status st = left->shard == ledger->now.shard ? wa_journal_agrees(&ledger->now, left, &what)
                                                          : wa_fail(&what, WA_EUSAGE, "the shard is another one");

    if (st != WA_OK)
        wa_cli_complain(WA_EXIT_USAGE,
                        "%s: it was left by another run: %s; give the same command as then, or remove the file to begin anew",
                        ledger->state, what.message);
    return st == WA_OK;
}

/* How far the other run came; what this one is stays as it is. */
static void take_over(wa_ledger *ledger, const wa_journal *left)
{
    wa_journal now = *left;

    now.files = ledger->now.files;
    for (size_t i = 0; i < left->n_files; i++) {
        now.files[i].n_lines = i < left->place.file ? left->files[i].n_lines : i == left->place.file ? left->place.n_lines : 0;
        now.files[i].begin   = left->files[i].begin;
    }
    ledger->now     = now;
    ledger->reached = ledger->safe = now;
    ledger->n_skip                 = now.mark.n_written - now.n_written;
    ledger->has_safe = ledger->has_saved = true;
}

/* The other run was killed after its output was whole, before or after it had its name. */
static int finish_for_other(wa_ledger *ledger, bool has_part, const wa_journal *left)
{
    wa_error err;

    if (has_part && (wa_output_open_part(ledger->path, &left->mark, wa_cli_env(), &ledger->output, &err) != WA_OK ||
                     wa_output_commit(ledger->output, &err) != WA_OK)) {
        ledger->output = NULL;
        return wa_cli_fail(&err);
    }
    ledger->output = NULL;
    if (left->n_shards == 0)
        wa_journal_remove(ledger->state, wa_cli_env());
    wa_cli_complain(WA_EXIT_OK, "%s is complete already", ledger->path);
    return left->n_failed ? WA_EXIT_SOME_FAILED : WA_EXIT_OK;
}

/* Goes on with what is left, if anything is. -1: go on. */
static int look_back(wa_ledger *ledger, bool has_part, bool *is_resumed)
{
    wa_journal left;
    wa_error   err;

    *is_resumed = false;
    if (!wa_path_exists(ledger->state))
        return -1;
    if (wa_journal_read(&left, ledger->state, &ledger->arena, wa_cli_env(), &err) != WA_OK)
        return wa_cli_fail(&err);
    if (!is_same_run(ledger, &left))
        return WA_EXIT_USAGE;
    if (left.is_done && (has_part || wa_journal_check_output(&left, ledger->path, NULL) == WA_OK))
        return finish_for_other(ledger, has_part, &left);
    if (!has_part || left.is_done)
        return -1;
    take_over(ledger, &left);
    *is_resumed = true;
    return -1;
}

/* ---------------------------------------------------------------- opening */

static int open_part(wa_ledger *ledger)
{
    wa_error    err;
    bool        is_resumed = false;
    int         code       = -1;
    char *const part       = wa_path_with(NULL, ledger->path, WA_OUTPUT_PART);
    const bool  has_part   = part && wa_path_exists(part);

    ledger->state = wa_path_with(NULL, ledger->path, WA_JOURNAL_ENDING);
    if (!part || !ledger->state)
        code = wa_cli_complain(WA_EXIT_IO, "%s: not enough memory", ledger->path);
    else if (has_part && wa_path_exists(ledger->state) && !ledger->opts.resumes)
        code = wa_cli_complain(WA_EXIT_USAGE,
                               "%s: an interrupted run left it; --resume goes on with it, and without the file a run begins anew",
                               part);
    else if (ledger->opts.resumes)
        code = look_back(ledger, has_part, &is_resumed);
    if (code < 0 &&
        wa_output_open_part(ledger->path, is_resumed ? &ledger->now.mark : NULL, wa_cli_env(), &ledger->output, &err) != WA_OK)
        code = wa_cli_fail(&err);
    wa_release(NULL, part);
    return code;
}

/* What is made in one go, and begins anew. */
static int open_whole(wa_ledger *ledger)
{
    wa_error err;

    return wa_output_open(ledger->path, wa_cli_env(), &ledger->output, &err) == WA_OK ? -1 : wa_cli_fail(&err);
}

bool wa_ledger_is_resumed(const wa_ledger *ledger)
{
    return ledger->has_saved;
}

int wa_ledger_open(wa_ledger *ledger, const wa_ledger_opts *opts, const wa_journal *run)
{
    *ledger =
        (wa_ledger){ .opts = *opts, .now = *run, .reached = *run, .saved_at = wa_clock_seconds(), .failure = { .status = WA_OK } };
    if (!opts->output || strcmp(opts->output, "-") == 0)
        return -1;
    if (!(ledger->path = wa_path_follow(NULL, opts->output)))
        return wa_cli_complain(WA_EXIT_IO, "%s: not enough memory", opts->output);
    const int code = opts->is_long ? open_part(ledger) : open_whole(ledger);
    if (code < 0 && opts->rewrites && !wa_output_can_rewrite(ledger->output))
        return wa_cli_complain(WA_EXIT_USAGE,
                               "%s: its header is completed last, so it can be neither a pipe nor packed; name a file without .gz",
                               ledger->path);
    if (code < 0 && !wa_output_is_part(ledger->output)) { /* also a device or pipe */
        wa_release(NULL, ledger->state);
        ledger->state = NULL;
    } else if (code < 0 && !wa_ledger_is_resumed(ledger)) {
        wa_journal_remove(ledger->state, wa_cli_env()); /* that of another run would tell wrong things of this part */
    }
    return code;
}

/* ---------------------------------------------------------------- writing */

bool wa_ledger_is_open(const wa_ledger *ledger)
{
    return ledger->output ? ledger->failure.status == WA_OK : wa_cli_is_output_open();
}

void wa_ledger_write(wa_ledger *ledger, wa_text bytes)
{
    const size_t n_skip = ledger->n_skip < bytes.n_bytes ? (size_t)ledger->n_skip : bytes.n_bytes;

    ledger->now.n_written += bytes.n_bytes;
    ledger->n_skip -= n_skip;
    bytes = (wa_text){ bytes.data + n_skip, bytes.n_bytes - n_skip };
    if (!ledger->output)
        wa_cli_write(bytes);
    else if (ledger->failure.status == WA_OK)
        wa_output_write(ledger->output, bytes.data, bytes.n_bytes, &ledger->failure);
}

/* Puts the last safe journal on the disk. */
static void save(wa_ledger *ledger)
{
    if (!ledger->state || !ledger->has_safe || ledger->failure.status != WA_OK)
        return;
    if (wa_output_sync(ledger->output, &ledger->failure) == WA_OK &&
        wa_journal_write(&ledger->safe, ledger->state, wa_cli_env(), &ledger->failure) == WA_OK)
        ledger->has_saved = true;
    ledger->saved_at = wa_clock_seconds();
}

/* A mark of gzip may lie in the middle of what was written last: then what was before that can be gone on from. */
static void note_mark(wa_ledger *ledger)
{
    const wa_output_mark    mark  = wa_output_last_mark(ledger->output);
    const wa_journal *const which = mark.n_written >= ledger->now.n_written ? &ledger->now : &ledger->reached;

    if (mark.n_written < which->n_written)
        return;
    ledger->safe      = *which;
    ledger->safe.mark = mark;
    ledger->has_safe  = true;
}

void wa_ledger_hand_on(wa_ledger *ledger)
{
    if (!ledger->output)
        wa_cli_flush();
    else if (ledger->failure.status == WA_OK)
        wa_output_flush(ledger->output, &ledger->failure);
}

void wa_ledger_reach(wa_ledger *ledger)
{
    if (ledger->opts.at_once)
        wa_ledger_hand_on(ledger);
    if (!wa_ledger_is_open(ledger))
        return;
    if (ledger->state)
        note_mark(ledger);
    ledger->reached = ledger->now;
    if (ledger->state && wa_clock_seconds() - ledger->saved_at >= (double)ledger->opts.checkpoint)
        save(ledger);
}

/* ---------------------------------------------------------------- the end */

/* The journal is there before the name is, so that whoever finds the name finds out that it is whole. */
static bool note_end(wa_ledger *ledger)
{
    if (!ledger->state || !(ledger->has_saved || ledger->now.n_shards > 0))
        return true;
    ledger->now.mark    = wa_output_last_mark(ledger->output);
    ledger->now.is_done = true;
    return wa_journal_write(&ledger->now, ledger->state, wa_cli_env(), &ledger->failure) == WA_OK;
}

wa_status wa_ledger_finish(wa_ledger *ledger, wa_text first)
{
    wa_error *const err = &ledger->failure;

    if (!ledger->output)
        return WA_OK;
    if (first.n_bytes > 0 && err->status == WA_OK)
        wa_output_rewrite(ledger->output, 0, first.data, first.n_bytes, err);
    if (err->status == WA_OK && wa_output_finish(ledger->output, err) == WA_OK && note_end(ledger)) {
        wa_output_commit(ledger->output, err);
        ledger->output = NULL;
    }
    if (err->status == WA_OK && ledger->state && ledger->now.n_shards == 0)
        wa_journal_remove(ledger->state, wa_cli_env());
    return err->status;
}

bool wa_ledger_interrupt(wa_ledger *ledger)
{
    if (!ledger->state) { /* a device or pipe: whoever reads it has what there is; standard output is the process's own to end */
        if (ledger->output && ledger->failure.status == WA_OK)
            wa_output_finish(ledger->output, &ledger->failure);
        return false;
    }
    if (ledger->has_safe && ledger->failure.status == WA_OK && ledger->safe.n_done + ledger->safe.n_failed > 0)
        save(ledger);
    if (!ledger->has_saved)
        wa_ledger_discard(ledger);
    return ledger->has_saved;
}

void wa_ledger_discard(wa_ledger *ledger)
{
    wa_output_discard(ledger->output);
    ledger->output = NULL;
    if (ledger->state)
        wa_journal_remove(ledger->state, wa_cli_env());
}

void wa_ledger_close(wa_ledger *ledger)
{
    wa_output_keep(ledger->output);
    ledger->output = NULL;
    wa_release(NULL, ledger->path);
    wa_release(NULL, ledger->state);
    ledger->path = ledger->state = NULL;
    wa_arena_clear(&ledger->arena);
}

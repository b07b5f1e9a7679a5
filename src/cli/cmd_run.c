/* `wordahead run`: an experiment, step by step. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/again.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/reports.h"
#include "cli/runner.h"
#include "cli/steps.h"
#include "cli/sweep.h"
#include "cli/words.h"
#include "data/npy.h"
#include "report/jsonl.h"

enum { FORMAT_TABLE, FORMAT_JSON };

typedef struct run_opts {
    wa_option_list sets, axes;
    const char    *trace, *report, *figures, *folder;
    bool           is_again;
    int            format;
    size_t         threads;
} run_opts;

#define AT(field) offsetof(run_opts, field)

static const wa_option options[] = {
    { "set", 0, WA_OPTION_LIST, AT(sets), NULL, "KEY=VALUE", "override a value, e.g. attention.0.heads=8" },
    { "trace", 0, WA_OPTION_TEXT, AT(trace), NULL, "OUT.npz", "record every quantity for NumPy" },
    { "report", 0, WA_OPTION_TEXT, AT(report), NULL, "OUT.html",
      "write a page that shows and explains every step, as `explain` does" },
    { "figures", 0, WA_OPTION_TEXT, AT(figures), NULL, "DIR", "write each figure as an SVG file in this folder" },
    { "sweep", 0, WA_OPTION_LIST, AT(axes), NULL, "KEY=V1,V2",
      "a run for each of the values, and for all combinations of several" },
    { "output", 'o', WA_OPTION_TEXT, AT(folder), NULL, "FOLDER",
      "keep each run in a folder [CONFIG.sweep where there is a --sweep]" },
    { "again", 0, WA_OPTION_FLAG, AT(is_again), NULL, NULL, "do the run of FOLDER once more, and say what changed" },
    { "format", 0, WA_OPTION_CHOICE, AT(format), "table", "table|json", "how to print" },
    WA_OPTION_THREADS(AT(threads)),
    { 0 },
};

static const wa_verb verb = {
    .name     = "run",
    .operands = "CONFIG | --again FOLDER",
    .summary =
        "Runs the texts of a configuration's `input` through its pipeline and shows every step: names, shapes and numbers, "
        "and the words\n"
        "that may come next. report.trace and report.top of the configuration say what is shown.\n"
        "\n"
        "With -o or --sweep no steps are shown. FOLDER, or a folder in it for each combination, gets the configuration with "
        "all its\n"
        "values, a record (version, hashes, words, scores) and the trace, and of a sweep there are table.tsv and table.json. A "
        "run that\n"
        "is there already is not run again. --again runs what a folder has once more and compares every bit: exit code 1, "
        "and a line\n"
        "for each thing that changed.",
    .examples = "  wordahead run configs/quickstart.yaml\n"
                "  wordahead run configs/quickstart.yaml --set 'input=[\"Short is life\"]' --trace out.npz\n"
                "  wordahead run configs/quickstart.yaml --report out.html\n"
                "  wordahead run configs/quickstart.yaml --sweep positional.0.kind=sinusoidal,none -o positions\n"
                "  wordahead run --again positions/positional.0.kind=none\n",
    .options  = options,
    .n_least  = 1,
    .n_most   = 1,
};

/* What `run` shows and records of a configuration. */
typedef struct showing {
    run_opts       opts;
    wa_runner      runner;
    wa_npz        *npz;
    wa_step_labels labels;
    wa_arena       label_arena;
    wa_text       *vocabulary;
    size_t         text;   /* index of the one that runs */
    wa_buf         record; /* of json */
    size_t         n_steps;
    wa_error       trace_error; /* status WA_OK while recording and drawing work */
    wa_cli_reports reports;
    wa_cli_outcome outcome;
} showing;

/* ---------------------------------------------------------------- steps */

static void record_step(showing *r, const wa_quantity *q)
{
    char name[WA_RUNNER_NAME];

    if (r->npz && r->trace_error.status == WA_OK)
        wa_npz_add(r->npz, wa_text_of(wa_runner_name(&r->runner, r->text, q->name, name)), q->data, q->rank, q->shape,
                   &r->trace_error);
}

static void observe(void *user, const wa_quantity *q)
{
    showing *const r = user;

    record_step(r, q);
    if (r->opts.format == FORMAT_JSON) {
        wa_buf_str(&r->record, r->n_steps ? ",\n  " : "\n  ");
        wa_step_add_json(&r->record, q);
    } else {
        wa_step_write(q, &r->labels);
    }
    r->n_steps++;
}

/* ---------------------------------------------------------------- words */

/* The words in the context label the rows. They are copied, as running begins another call of the session. */
static wa_status label_rows(showing *r, const wa_tokens *tokens, wa_error *err)
{
    size_t n = 0;

    wa_arena_reset(&r->label_arena);
    wa_text *const words = wa_arena_alloc(&r->label_arena, tokens->n_tokens, sizeof *words);
    if (!words)
        return wa_fail_memory(err, "run");
    for (size_t i = 0; i < tokens->n_tokens; i++) {
        if (!tokens->tokens[i].in_context)
            continue;
        words[n] = wa_arena_text(&r->label_arena, tokens->tokens[i].word);
        if (!words[n++].data)
            return wa_fail_memory(err, "run");
    }
    r->labels.words   = words;
    r->labels.n_words = n;
    return WA_OK;
}

static void write_words(const wa_tokens *tokens)
{
    wa_cli_write(wa_text_of("words:"));
    for (size_t i = 0; i < tokens->n_tokens; i++) {
        const wa_token *const token = &tokens->tokens[i];

        wa_cli_write(wa_text_of(" "));
        wa_cli_write_padded(token->word, 0);
        if (!token->is_known)
            wa_cli_write(wa_text_of(token->index == WA_NONE ? " (unknown, left out)" : " (unknown)"));
    }
    wa_cli_write(wa_text_of("\n"));
}

/* ---------------------------------------------------------------- next words */

/* The traced run has the same bits. */
static wa_status show_next(showing *r, wa_text text, wa_error *err)
{
    wa_ranking      ranking;
    bool            is_ranked;
    const wa_status st = wa_runner_rank(&r->runner, text, &ranking, &is_ranked, err);

    if (st != WA_OK || !is_ranked)
        return st;
    if (r->opts.format == FORMAT_JSON) {
        wa_buf_str(&r->record, ",");
        wa_ranking_add_json(&r->record, &ranking, false);
    } else {
        wa_buf_str(&r->record, "\nnext words\n");
        wa_ranking_add_table(&r->record, &ranking, false);
    }
    return WA_OK;
}

/* ---------------------------------------------------------------- running */

static void begin_text(showing *r, wa_text text, const wa_tokens *tokens)
{
    r->n_steps = 0;
    if (r->opts.format == FORMAT_JSON) {
        wa_words_add_json(&r->record, text, tokens);
        wa_buf_str(&r->record, ",\"steps\":[");
        return;
    }
    wa_cli_printf("%stext %zu: ", r->text ? "\n" : "", r->text + 1);
    wa_cli_write_padded(text, 0);
    wa_cli_write(wa_text_of("\n"));
    write_words(tokens);
}

static wa_status run_text(showing *r, wa_text text, wa_error *err)
{
    wa_status  st      = WA_OK;
    const bool is_json = r->opts.format == FORMAT_JSON;
    wa_tokens  tokens;

    WA_TRY(wa_tokenize(r->runner.session, text, &tokens, err));
    WA_TRY(label_rows(r, &tokens, err));
    begin_text(r, text, &tokens);
    WA_TRY(wa_runner_run(&r->runner, text, observe, r, err));
    wa_buf_str(&r->record, is_json ? "]" : "");
    WA_TRY(show_next(r, text, err));
    wa_buf_str(&r->record, is_json ? "}" : "");
    if (r->record.failed)
        WA_TRY(wa_fail_memory(err, "output"));
done:
    return st;
}

static void run_texts(showing *r)
{
    wa_error err;

    if (r->opts.format == FORMAT_JSON)
        wa_cli_write(wa_text_of("{\"texts\":["));
    for (r->text = 0;
         r->text < r->runner.model->n_inputs && (r->npz || r->opts.report || r->opts.figures || wa_cli_is_output_open());
         r->text++) {
        const wa_text text = r->runner.model->inputs[r->text];

        r->record.n_bytes = 0;
        if (run_text(r, text, &err) == WA_OK) {
            r->outcome.n_done++;
            if (r->trace_error.status == WA_OK) /* what fails here is of the output, and later texts would fail likewise */
                wa_cli_reports_add(&r->reports, r->runner.session, text, r->text, r->runner.model->n_inputs,
                                   r->runner.experiment->report.top, &r->trace_error);
        } else {
            wa_cli_count_failure(&r->outcome, wa_cli_complain(wa_exit_code(err.status), "text %zu: %s", r->text + 1, err.message));
            r->record.n_bytes = 0;
            if (r->opts.format == FORMAT_JSON)
                wa_failure_add_json(&r->record, text, &err);
        }
        wa_cli_write(wa_text_of(r->opts.format == FORMAT_JSON && r->text > 0 ? ",\n" : ""));
        wa_cli_write(wa_buf_view(&r->record));
    }
    if (r->opts.format == FORMAT_JSON)
        wa_cli_write(wa_text_of("]}\n"));
}

/* The words of the vocabulary as headings of its columns. */
static bool label_vocabulary(showing *r)
{
    const size_t N = wa_model_vocabulary(r->runner.model);

    if (N == 0 || !(r->vocabulary = calloc(N, sizeof *r->vocabulary)))
        return N == 0;
    for (size_t i = 0; i < N; i++)
        r->vocabulary[i] = wa_model_word(r->runner.model, i);
    r->labels.vocabulary   = r->vocabulary;
    r->labels.n_vocabulary = N;
    return true;
}

static bool is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

static int prepare(showing *r, const char *path)
{
    wa_error err;

    if (is_stdout(r->opts.trace) || is_stdout(r->opts.report))
        return wa_cli_complain(WA_EXIT_USAGE, "--%s: found '-', expected the name of a file, as standard output has the steps",
                               is_stdout(r->opts.trace) ? "trace" : "report");
    r->reports.page    = r->opts.report;
    r->reports.figures = r->opts.figures;
    if (wa_runner_open(&r->runner, path, r->opts.sets.items, r->opts.sets.n, r->opts.threads, &err) != WA_OK)
        return wa_cli_fail(&err);
    if (!label_vocabulary(r))
        return wa_cli_complain(WA_EXIT_IO, "run: not enough memory");
    if (r->opts.trace && wa_npz_open(r->opts.trace, wa_cli_env(), &r->npz, &err) != WA_OK)
        return wa_cli_fail(&err);
    return WA_EXIT_OK;
}

static int run(showing *r, const char *path)
{
    const int code = prepare(r, path);

    if (code != WA_EXIT_OK)
        return code;
    run_texts(r);
    if (r->outcome.n_done > 0)
        wa_runner_warn_unmatched(&r->runner);
    if (r->trace_error.status != WA_OK || wa_cli_reports_write(&r->reports, r->outcome.n_done, &r->trace_error) != WA_OK)
        return wa_cli_fail(&r->trace_error);
    if (r->npz && r->outcome.n_done > 0) {
        const wa_status st = wa_npz_commit(r->npz, &r->trace_error);

        r->npz = NULL;
        if (st != WA_OK)
            return wa_cli_fail(&r->trace_error);
    }
    return wa_cli_exit_code(&r->outcome);
}

/* ---------------------------------------------------------------- folders */

/* The option by which runs have folders, or NULL. */
static const char *folder_option(const run_opts *opts)
{
    return opts->is_again ? "again" : opts->axes.n > 0 ? "sweep" : opts->folder ? "output" : NULL;
}

/* What cannot be meant together. -1: go on. */
static int check_options(const run_opts *opts)
{
    const char *const option = folder_option(opts);

    if (option && (opts->trace || opts->report || opts->figures))
        return wa_cli_complain(WA_EXIT_USAGE, "--%s: found --%s beside it, with which what a run gives is in its folder",
                               opts->trace    ? "trace"
                               : opts->report ? "report"
                                              : "figures",
                               option);
    if (opts->is_again && (opts->sets.n > 0 || opts->axes.n > 0 || opts->folder))
        return wa_cli_complain(WA_EXIT_USAGE, "--again: found --%s beside it, but a run is done again as its folder says",
                               opts->sets.n > 0   ? "set"
                               : opts->axes.n > 0 ? "sweep"
                                                  : "output");
    return -1;
}

static int run_in_folders(const run_opts *opts, const char *operand)
{
    if (opts->is_again)
        return wa_again(operand, opts->format == FORMAT_JSON, opts->threads);
    return wa_sweep(&(wa_sweep_opts){ .config      = operand,
                                      .sets        = &opts->sets,
                                      .axes        = &opts->axes,
                                      .output      = opts->folder,
                                      .prints_json = opts->format == FORMAT_JSON,
                                      .n_threads   = opts->threads });
}

int wa_cmd_run(int argc, char **argv)
{
    showing     r = { .trace_error = { .status = WA_OK } };
    wa_operands operands;
    int         code = wa_verb_parse(&verb, argc, argv, &r.opts, &operands);

    if (code < 0)
        code = check_options(&r.opts);
    if (code < 0 && folder_option(&r.opts))
        code = run_in_folders(&r.opts, operands.items[0]);
    else if (code < 0 && (code = wa_cli_check_output(r.opts.trace, operands.items, 1)) == WA_EXIT_OK &&
             (code = wa_cli_check_output(r.opts.report, operands.items, 1)) == WA_EXIT_OK)
        code = run(&r, operands.items[0]);
    wa_npz_discard(r.npz);
    wa_cli_reports_clear(&r.reports);
    wa_runner_close(&r.runner);
    wa_buf_clear(&r.record);
    wa_arena_clear(&r.label_arena);
    free(r.vocabulary);
    free(r.opts.axes.items);
    free(r.opts.sets.items);
    return code;
}

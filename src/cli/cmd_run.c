/* `wordahead run`: an experiment, step by step. */
#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/steps.h"
#include "cli/words.h"
#include "data/npy.h"
#include "model/model.h"

enum { FORMAT_TABLE, FORMAT_JSON };

typedef struct run_opts {
    wa_option_list sets;
    const char    *trace;
    int            format;
    size_t         threads;
} run_opts;

#define AT(field) offsetof(run_opts, field)

static const wa_option options[] = {
    { "set", 0, WA_OPTION_LIST, AT(sets), NULL, "KEY=VALUE", "override a value, e.g. attention.0.heads=8" },
    { "trace", 0, WA_OPTION_TEXT, AT(trace), NULL, "OUT.npz", "record every quantity for NumPy" },
    { "format", 0, WA_OPTION_CHOICE, AT(format), "table", "table|json", "how to print" },
    WA_OPTION_THREADS(AT(threads)),
    { 0 },
};

static const wa_verb verb = {
    .name     = "run",
    .operands = "CONFIG",
    .summary  = "Runs the texts of a configuration's `input` through its pipeline and shows every step: names, shapes and numbers, "
                "and the words\n"
                "that may come next. report.trace and report.top of the configuration say what is shown.",
    .examples = "  wordahead run configs/quickstart.yaml\n"
                "  wordahead run configs/quickstart.yaml --set 'input=[\"Short is life\"]' --trace out.npz\n",
    .options  = options,
    .n_least  = 1,
    .n_most   = 1,
};

typedef struct runner {
    run_opts             opts;
    const wa_experiment *experiment;
    wa_model            *model;
    wa_session          *session;
    wa_npz              *npz;
    wa_step_labels       labels;
    wa_arena             label_arena;
    wa_text             *vocabulary;
    size_t               text;   /* index of the one that runs */
    wa_buf               record; /* of json */
    size_t               n_steps;
    bool                *has_matched; /* of each glob of report.trace */
    wa_error             trace_error; /* status WA_OK while recording works */
    wa_cli_outcome       outcome;
} runner;

/* ---------------------------------------------------------------- steps */

static bool is_wanted(runner *r, const char *name)
{
    bool is_any = false;

    for (size_t i = 0; i < r->experiment->report.trace.n; i++) {
        if (fnmatch(r->experiment->report.trace.items[i].data, name, 0) == 0)
            is_any = r->has_matched[i] = true;
    }
    return is_any;
}

/* A glob that no quantity matched is most likely a misspelt name. */
static void warn_unmatched(const runner *r)
{
    for (size_t i = 0; i < r->experiment->report.trace.n; i++)
        if (!r->has_matched[i])
            wa_cli_complain(WA_EXIT_OK, "warning: %s: no quantity is called %s", wa_config_where(r->model->config, "report.trace"),
                            wa_show(r->experiment->report.trace.items[i]).quoted);
}

static void record_step(runner *r, const wa_quantity *q)
{
    char name[160];

    if (!r->npz || r->trace_error.status != WA_OK)
        return;
    if (r->model->n_inputs > 1)
        snprintf(name, sizeof name, "%zu/%s", r->text, q->name);
    else
        snprintf(name, sizeof name, "%s", q->name);
    wa_npz_add(r->npz, wa_text_of(name), q->data, q->rank, q->shape, &r->trace_error);
}

static void observe(void *user, const wa_quantity *q)
{
    runner *const r = user;

    if (!is_wanted(r, q->name))
        return;
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
static wa_status label_rows(runner *r, const wa_tokens *tokens, wa_error *err)
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

/* The ranking of the unobserved code; the traced run has the same bits. */
static wa_status show_next(runner *r, wa_text text, wa_error *err)
{
    const wa_rank_opts how = { .k = r->experiment->report.top };
    wa_ranking         ranking;

    if (how.k == 0 || wa_model_vocabulary(r->model) == 0)
        return WA_OK;
    wa_session_observe(r->session, NULL, NULL);
    const wa_status st = wa_rank(r->session, text, &how, &ranking, err);
    if (st != WA_OK)
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

static void begin_text(runner *r, wa_text text, const wa_tokens *tokens)
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

static wa_status run_text(runner *r, wa_text text, wa_error *err)
{
    wa_status  st      = WA_OK;
    const bool is_json = r->opts.format == FORMAT_JSON;
    wa_tokens  tokens;

    WA_TRY(wa_tokenize(r->session, text, &tokens, err));
    WA_TRY(label_rows(r, &tokens, err));
    begin_text(r, text, &tokens);
    wa_session_observe(r->session, observe, r);
    WA_TRY(wa_run(r->session, text, NULL, err));
    wa_buf_str(&r->record, is_json ? "]" : "");
    WA_TRY(show_next(r, text, err));
    wa_buf_str(&r->record, is_json ? "}" : "");
    if (r->record.failed)
        WA_TRY(wa_fail_memory(err, "output"));
done:
    return st;
}

static void run_texts(runner *r)
{
    wa_error err;

    if (r->opts.format == FORMAT_JSON)
        wa_cli_write(wa_text_of("{\"texts\":["));
    for (r->text = 0; r->text < r->model->n_inputs && (r->npz || wa_cli_is_output_open()); r->text++) {
        const wa_text text = r->model->inputs[r->text];

        r->record.n_bytes = 0;
        if (run_text(r, text, &err) == WA_OK) {
            r->outcome.n_done++;
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
static bool label_vocabulary(runner *r)
{
    const size_t N = wa_model_vocabulary(r->model);

    if (N == 0 || !(r->vocabulary = calloc(N, sizeof *r->vocabulary)))
        return N == 0;
    for (size_t i = 0; i < N; i++)
        r->vocabulary[i] = wa_model_word(r->model, i);
    r->labels.vocabulary   = r->vocabulary;
    r->labels.n_vocabulary = N;
    return true;
}

static int prepare(runner *r, const char *path)
{
    const wa_model_opts opts = {
        .sets = r->opts.sets.items, .n_sets = r->opts.sets.n, .n_threads = r->opts.threads, .env = wa_cli_env()
    };
    wa_error err;

    if (r->opts.trace && strcmp(r->opts.trace, "-") == 0)
        return wa_cli_complain(WA_EXIT_USAGE, "--trace: found '-', expected the name of a file, as standard output has the steps");
    if (wa_model_open(path, &opts, &r->model, &err) != WA_OK ||
        wa_cli_new_session(r->model, r->opts.threads, &r->session, &err) != WA_OK)
        return wa_cli_fail(&err);
    r->experiment = r->model->experiment;
    if (r->model->n_inputs == 0)
        return wa_cli_complain(WA_EXIT_USAGE, "%s: there is no text in `input`; add input: [ \"...\" ] or --set 'input=[\"...\"]'",
                               path);
    if (!label_vocabulary(r) || !(r->has_matched = calloc(r->experiment->report.trace.n + 1, sizeof *r->has_matched)))
        return wa_cli_complain(WA_EXIT_IO, "run: not enough memory");
    if (r->opts.trace && wa_npz_open(r->opts.trace, wa_cli_env(), &r->npz, &err) != WA_OK)
        return wa_cli_fail(&err);
    return WA_EXIT_OK;
}

static int run(runner *r, const char *path)
{
    const int code = prepare(r, path);

    if (code != WA_EXIT_OK)
        return code;
    run_texts(r);
    if (r->outcome.n_done > 0)
        warn_unmatched(r);
    if (r->trace_error.status != WA_OK)
        return wa_cli_fail(&r->trace_error);
    if (r->npz && r->outcome.n_done > 0) {
        const wa_status st = wa_npz_commit(r->npz, &r->trace_error);

        r->npz = NULL;
        if (st != WA_OK)
            return wa_cli_fail(&r->trace_error);
    }
    return wa_cli_exit_code(&r->outcome);
}

int wa_cmd_run(int argc, char **argv)
{
    runner      r = { .trace_error = { .status = WA_OK } };
    wa_operands operands;
    int         code = wa_verb_parse(&verb, argc, argv, &r.opts, &operands);

    if (code < 0 && (code = wa_cli_check_output(r.opts.trace, operands.items, 1)) == WA_EXIT_OK)
        code = run(&r, operands.items[0]);
    wa_npz_discard(r.npz);
    wa_session_free(r.session);
    wa_model_close(r.model);
    wa_buf_clear(&r.record);
    wa_arena_clear(&r.label_arena);
    free(r.vocabulary);
    free(r.has_matched);
    free(r.opts.sets.items);
    return code;
}

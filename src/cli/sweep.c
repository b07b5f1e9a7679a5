/* Running a grid of configurations. See sweep.h. */
#include "cli/sweep.h"

#include <string.h>
#include <sys/stat.h>

#include "base/output.h"
#include "base/path.h"
#include "base/status.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/run_folder.h"
#include "cli/run_table.h"

typedef struct sweep {
    const wa_sweep_opts *opts;
    wa_arena             arena;
    wa_grid              grid;
    wa_run_plan          plan;
    const char         **sets;   /* [plan.n_sets] */
    char                *folder; /* of all runs, or of the only one */
    wa_run_row          *rows;   /* [grid.n] */
    size_t               n_made, n_there, n_failed;
    wa_cli_outcome       outcome;
} sweep;

/* ---------------------------------------------------------------- one combination */

/* Errors name a swept value as an override; to the user it stands in a --sweep. */
static void name_sweeps(const sweep *s, wa_error *err)
{
    static const wa_text set   = { "--set ", 6 };
    wa_cursor            lines = { wa_text_of(err->message), 0 };
    wa_buf               text  = { 0 };
    wa_text              line;

    while (wa_cursor_take_line(&lines, &line)) {
        const size_t n_before = wa_text_begins(line, set) ? set.n_bytes : 0;
        const size_t n_digits = n_before ? strspn(line.data + n_before, "0123456789") : 0;
        size_t       number   = 0;

        wa_buf_str(&text, text.n_bytes ? "\n" : "");
        if (wa_parse_size((wa_text){ line.data + n_before, n_digits }, &number) && number > s->opts->sets->n) {
            wa_buf_format(&text, "--sweep %zu", number - s->opts->sets->n);
            line = (wa_text){ line.data + n_before + n_digits, line.n_bytes - n_before - n_digits };
        }
        wa_buf_text(&text, line);
    }
    if (!text.failed)
        wa_fail(err, err->status, "%.*s", (int)text.n_bytes, text.data);
    wa_buf_clear(&text);
}

/* "KEY=VALUE" of each axis, behind those of --set. */
static wa_status choose(sweep *s, size_t i, wa_error *err)
{
    s->plan.combination = i;
    for (size_t a = 0; a < s->grid.n_axes; a++) {
        const wa_text key = s->grid.axes[a].key, value = wa_grid_value(&s->grid, i, a);
        wa_buf        text = { .env = NULL };

        wa_buf_text(&text, key);
        wa_buf_str(&text, "=");
        wa_buf_text(&text, value);
        const char *const kept = text.failed ? NULL : wa_arena_text(&s->arena, wa_buf_view(&text)).data;
        wa_buf_clear(&text);
        if (!kept)
            return wa_fail_memory(err, "--sweep");
        s->sets[s->opts->sets->n + a] = kept;
    }
    return WA_OK;
}

static char *name_run(const sweep *s, size_t i)
{
    wa_buf name = { 0 };

    wa_grid_add_name(&s->grid, i, &name);
    if (s->grid.n_axes == 0)
        wa_buf_str(&name, s->folder);
    char *const copy = name.failed ? NULL : wa_copy_text(NULL, wa_buf_view(&name));
    wa_buf_clear(&name);
    return copy;
}

/* Says what failed of a run, and counts it and what did not. */
static void judge_texts(sweep *s, const wa_run_row *row)
{
    const json_t *const texts = json_object_get(row->record, "texts");

    for (size_t t = 0; t < json_array_size(texts); t++) {
        const json_t *const error = json_object_get(json_array_get(texts, t), "error");

        if (error)
            wa_cli_count_failure(&s->outcome,
                                 wa_cli_complain(WA_EXIT_DATA, "%s: text %zu: %s", row->name, t + 1, json_string_value(error)));
        else
            s->outcome.n_done++;
    }
}

/* An error may have a line for each fault of a configuration, and a grid many runs with the same: the table has them all. */
static void say_failure(const char *run, const char *message)
{
    const size_t first = strcspn(message, "\n");
    size_t       n     = 0;

    for (const char *c = message; *c; c++)
        n += *c == '\n';
    if (n == 0)
        wa_cli_complain(WA_EXIT_OK, "%s: %s", run, message);
    else
        wa_cli_complain(WA_EXIT_OK, "%s: %.*s (and %zu more, which the table has)", run, (int)first, message, n);
}

static void note_failure(sweep *s, wa_run_row *row, wa_error *err)
{
    name_sweeps(s, err);
    row->error = wa_copy_text(NULL, wa_text_of(err->message));
    if (s->grid.n_axes > 0)
        say_failure(row->name, err->message);
    else
        wa_cli_fail(err);
    wa_cli_count_failure(&s->outcome, wa_exit_code(err->status));
    s->n_failed++;
}

static wa_status run_combination(sweep *s, size_t i, wa_error *err)
{
    wa_status         st     = WA_OK;
    wa_run_row *const row    = &s->rows[i];
    char *const       folder = s->grid.n_axes == 0 ? wa_path_with(NULL, s->folder, "") : wa_path_join(NULL, s->folder, row->name);
    bool              was_there;

    if (!folder)
        WA_TRY(wa_fail_memory(err, row->name));
    WA_TRY(choose(s, i, err));
    WA_TRY(wa_run_folder_make(folder, &s->plan, &row->record, &was_there, err));
    s->n_made += !was_there;
    s->n_there += was_there;
    judge_texts(s, row);
done:
    wa_release(NULL, folder);
    return st;
}

/* ---------------------------------------------------------------- all of them */

/* How many were run, or found, before the process was told to stop. */
static wa_status run_all(sweep *s, size_t *n, wa_error *err)
{
    wa_error inner;

    for (*n = 0; *n < s->grid.n && !wa_cli_is_stopping(); ++*n) {
        wa_run_row *const row = &s->rows[*n];

        if (!(row->name = name_run(s, *n)))
            return wa_fail_memory(err, "--sweep");
        if (run_combination(s, *n, &inner) != WA_OK)
            note_failure(s, row, &inner);
        if (!row->record && !row->error)
            return wa_fail_memory(err, row->name);
    }
    return WA_OK;
}

static wa_status write_table(const sweep *s, const char *name, const wa_buf *text, wa_error *err)
{
    char *const     path = wa_path_join(NULL, s->folder, name);
    const wa_status st   = path ? wa_output_save(path, text, wa_cli_env(), err) : wa_fail_memory(err, name);

    wa_release(NULL, path);
    return st;
}

static wa_status write_tables(const sweep *s, wa_error *err)
{
    wa_status          st    = WA_OK;
    const wa_run_table table = { .plan = &s->plan, .rows = s->rows, .n = s->grid.n };
    wa_buf             tsv = { 0 }, json = { 0 }, paper = { 0 };

    wa_run_table_add_tsv(&tsv, &table);
    wa_run_table_add_json(&json, &table);
    wa_run_table_add_paper(&paper, &table);
    if (s->grid.n_axes > 0) {
        WA_TRY(write_table(s, "table.tsv", &tsv, err));
        WA_TRY(write_table(s, "table.json", &json, err));
    }
    if (json.failed || paper.failed)
        WA_TRY(wa_fail_memory(err, "table"));
    if (s->grid.n_axes > 0 || s->n_failed == 0)
        wa_cli_write(wa_buf_view(s->opts->prints_json ? &json : &paper));
done:
    wa_buf_clear(&paper);
    wa_buf_clear(&json);
    wa_buf_clear(&tsv);
    return st;
}

/* ---------------------------------------------------------------- before it */

/* Each run reads the configuration anew. */
static wa_status check_config(const char *config, wa_error *err)
{
    struct stat info;

    if (strcmp(config, "-") != 0 && (stat(config, &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)))
        return WA_OK; /* what is not there is named when it is opened */
    return wa_fail(err, WA_EUSAGE, "%s: a run in a folder reads its configuration more than once; name a regular file", config);
}

/* The name that was given, without slashes behind it; or "quickstart.sweep" for configs/quickstart.yaml. */
static wa_status name_folder(sweep *s, wa_error *err)
{
    const char *const given = s->opts->output ? s->opts->output : s->opts->config;
    size_t            n     = strlen(given);
    wa_buf            name  = { 0 };

    while (n > 1 && given[n - 1] == '/')
        n--;
    wa_text text = { given, n };
    if (!s->opts->output) {
        for (size_t i = n; i > 0 && given[i - 1] != '/'; i--)
            text = (wa_text){ given + i - 1, n - i + 1 };
        text.n_bytes -= wa_text_ends(text, ".yaml") ? 5 : 0;
    }
    wa_buf_text(&name, text);
    wa_buf_str(&name, s->opts->output ? "" : ".sweep");
    s->folder = name.failed ? NULL : wa_copy_text(NULL, wa_buf_view(&name));
    wa_buf_clear(&name);
    return s->folder ? WA_OK : wa_fail_memory(err, "-o");
}

static wa_status make_folder(const sweep *s, wa_error *err)
{
    return s->grid.n_axes == 0 ? WA_OK : wa_path_make_folder(s->folder, err);
}

static wa_status prepare(sweep *s, wa_error *err)
{
    wa_status                   st   = WA_OK;
    const wa_option_list *const sets = s->opts->sets;

    WA_TRY(check_config(s->opts->config, err));
    WA_TRY(wa_grid_read(s->opts->axes->items, s->opts->axes->n, &s->arena, &s->grid, err));
    s->sets = wa_arena_alloc(&s->arena, sets->n + s->grid.n_axes, sizeof *s->sets);
    s->rows = wa_alloc_zeroed(NULL, s->grid.n, sizeof *s->rows);
    if (!s->sets || !s->rows)
        WA_FAIL(WA_ENOMEM, "--sweep: not enough memory for %zu runs", s->grid.n);
    for (size_t i = 0; i < sets->n; i++)
        s->sets[i] = sets->items[i];
    s->plan = (wa_run_plan){ .config    = s->opts->config,
                             .sets      = s->sets,
                             .n_sets    = sets->n + s->grid.n_axes,
                             .grid      = &s->grid,
                             .n_threads = s->opts->n_threads };
    WA_TRY(name_folder(s, err));
    WA_TRY(make_folder(s, err));
done:
    return st;
}

/* ---------------------------------------------------------------- the verb */

static void say_end(const sweep *s)
{
    if (s->grid.n_axes > 0)
        wa_cli_complain(WA_EXIT_OK,
                        "%s: %zu of %zu runs made, %zu were there already, %zu failed; table.tsv and table.json have them all",
                        s->folder, s->n_made, s->grid.n, s->n_there, s->n_failed);
    else if (s->n_there > 0)
        wa_cli_complain(WA_EXIT_OK, "%s: the run is there already", s->folder);
}

static wa_status sweep_all(sweep *s, wa_error *err)
{
    wa_status st = WA_OK;
    size_t    n  = 0;

    WA_TRY(prepare(s, err));
    wa_cli_defer_signals();
    WA_TRY(run_all(s, &n, err));
    if (n == s->grid.n && !wa_cli_is_stopping()) {
        WA_TRY(write_tables(s, err));
        say_end(s);
    }
done:
    return st;
}

static void clear(sweep *s)
{
    for (size_t i = 0; s->rows && i < s->grid.n; i++) {
        json_decref(s->rows[i].record);
        wa_release(NULL, s->rows[i].name);
        wa_release(NULL, s->rows[i].error);
    }
    wa_release(NULL, s->rows);
    wa_release(NULL, s->folder);
    wa_arena_clear(&s->arena);
}

int wa_sweep(const wa_sweep_opts *opts)
{
    sweep           s = { .opts = opts };
    wa_error        err;
    const wa_status st = sweep_all(&s, &err);

    clear(&s);
    return st == WA_OK ? wa_cli_exit_code(&s.outcome) : wa_cli_fail(&err);
}

/* `wordahead explain`: a page that shows how the ranking after a text came about. */
#include <stddef.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/files.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/reports.h"

typedef struct explain_opts {
    const char    *model, *output, *figures;
    wa_option_list sets;
    size_t         k, threads;
    bool           compare;
} explain_opts;

#define AT(field) offsetof(explain_opts, field)

static const wa_option options[] = {
    { "model", 'm', WA_OPTION_TEXT, AT(model), NULL, "MODEL", "a model's YAML file or its folder" },
    { "output", 'o', WA_OPTION_TEXT, AT(output), NULL, "OUT.html", "the page; - is standard output" },
    { "figures", 0, WA_OPTION_TEXT, AT(figures), NULL, "DIR", "also, or only, each figure as an SVG file in this folder" },
    { "compare", 0, WA_OPTION_FLAG, AT(compare), NULL, NULL,
      "two configurations come before the text: show both runs and how they differ" },
    { "top", 'k', WA_OPTION_SIZE, AT(k), "10", "K", "how many next words are explained, 1 to 100", 1, 100 },
    { "set", 0, WA_OPTION_LIST, AT(sets), NULL, "KEY=VALUE", "override a value of the model, e.g. attention.0.mask_heads=[2]" },
    WA_OPTION_THREADS(AT(threads)),
    { 0 },
};

static const wa_verb verb = {
    .name     = "explain",
    .operands = "[--compare CONFIG_A CONFIG_B] TEXT",
    .summary  = "Writes one HTML file that shows every step from the words of a text to the ranked next words: vectors, positions, "
                "where each\n"
                "head looks, sums and norms, probabilities, and what each part contributed. It needs no network, and scripts only "
                "to ask it for\n"
                "the arithmetic of a cell.",
    .examples = "  wordahead explain \"the cat sat on the\" -o report.html\n"
                "  wordahead explain \"the cat sat on the\" --figures figures --set attention.0.mask_heads=[2]\n"
                "  wordahead explain --compare a.yaml b.yaml \"the cat sat on the\" -o report.html\n",
    .options  = options,
    .n_least  = 1,
    .n_most   = 3,
};

/* A run with the model it belongs to. */
typedef struct explained {
    wa_model     *model;
    wa_session   *session;
    wa_cli_report report;
} explained;

static void clear(explained *e)
{
    wa_cli_report_clear(&e->report);
    wa_session_free(e->session);
    wa_model_close(e->model);
}

/* Opens a model and runs the text; returns the exit code, having complained where it is not 0. */
static int explain(explained *e, const char *model, const char *name, const char *text, const explain_opts *opts)
{
    wa_error err;
    int      code = WA_EXIT_OK;

    if (!(e->model = wa_cli_open_model_with(model, &opts->sets, opts->threads, &code)))
        return code;
    if (wa_cli_new_session(e->model, opts->threads, &e->session, &err) != WA_OK ||
        wa_cli_report_run(&e->report, e->session, name, wa_text_of(text), opts->k, &err) != WA_OK)
        return wa_cli_fail(&err);
    return WA_EXIT_OK;
}

/* ---------------------------------------------------------------- what is written */

static int write_figures(const explained *e, const char *begin, const explain_opts *opts)
{
    const wa_report_part part = wa_cli_report_part(&e->report);
    wa_error             err;

    if (!opts->figures || wa_figures_write(&part, opts->figures, begin, wa_cli_env(), &err) == WA_OK)
        return WA_EXIT_OK;
    return wa_cli_fail(&err);
}

static int write_page(const explained *runs, const explain_opts *opts)
{
    wa_report_part parts[2];
    wa_buf         page = { .env = wa_cli_env() };
    wa_error       err;

    if (!opts->output)
        return WA_EXIT_OK;
    parts[0] = wa_cli_report_part(&runs[0].report);
    parts[1] = wa_cli_report_part(&runs[1].report);
    if (opts->compare)
        wa_page_add_comparison(&page, parts);
    else
        wa_page_add(&page, parts, 1);
    const wa_status st = wa_cli_save_page(&page, opts->output, &err);
    wa_buf_clear(&page);
    return st == WA_OK ? WA_EXIT_OK : wa_cli_fail(&err);
}

static int run_one(explained *runs, const wa_operands *operands, const explain_opts *opts)
{
    int code = explain(&runs[0], opts->model, opts->model ? opts->model : "model", operands->items[0], opts);

    if (code == WA_EXIT_OK)
        code = write_figures(&runs[0], "", opts);
    return code == WA_EXIT_OK ? write_page(runs, opts) : code;
}

static int run_two(explained *runs, const wa_operands *operands, const explain_opts *opts)
{
    static const char *const begins[] = { "A.", "B." };

    for (size_t i = 0; i < 2; i++) {
        int code = explain(&runs[i], operands->items[i], operands->items[i], operands->items[2], opts);

        if (code == WA_EXIT_OK)
            code = write_figures(&runs[i], begins[i], opts);
        if (code != WA_EXIT_OK)
            return code;
    }
    return write_page(runs, opts);
}

/* ---------------------------------------------------------------- the verb */

static int check(const explain_opts *opts, const wa_operands *operands)
{
    if (opts->compare && operands->n != 3)
        return wa_cli_complain(WA_EXIT_USAGE,
                               "explain --compare: found %zu operands, expected three: two configurations and a text", operands->n);
    if (!opts->compare && operands->n > 1)
        return wa_cli_complain(WA_EXIT_USAGE, "explain: found %zu operands, expected one text; put it in quotes: \"%s %s ...\"",
                               operands->n, operands->items[0], operands->items[1]);
    if (opts->compare && opts->model)
        return wa_cli_complain(WA_EXIT_USAGE, "explain: --compare names both models, so -m has no meaning; leave one of them out");
    if (!opts->output && !opts->figures)
        return wa_cli_complain(WA_EXIT_USAGE, "explain: there is nothing to write; give -o OUT.html, --figures DIR, or both");
    return wa_cli_check_output(opts->output, operands->items, opts->compare ? 2 : 0);
}

int wa_cmd_explain(int argc, char **argv)
{
    explain_opts opts    = { 0 };
    explained    runs[2] = { 0 };
    wa_operands  operands;
    int          code = wa_verb_parse(&verb, argc, argv, &opts, &operands);

    if (code < 0 && (code = check(&opts, &operands)) == WA_EXIT_OK)
        code = (opts.compare ? run_two : run_one)(runs, &operands, &opts);
    clear(&runs[1]);
    clear(&runs[0]);
    free(opts.sets.items);
    return code;
}

/* `wordahead config`: checks a configuration, shows it with where each value comes from, or prints all there is to configure. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "model/experiment.h"

typedef struct config_opts {
    wa_option_list sets;
} config_opts;

#define SET_HELP "a value in place of the file's, e.g. attention.0.heads=8; may be given several times"

static const wa_option options[] = {
    { "set", 0, WA_OPTION_LIST, offsetof(config_opts, sets), NULL, "KEY=VALUE", SET_HELP },
    { 0 },
};

static const wa_option no_options[] = { { 0 } };

/* ---------------------------------------------------------------- opening */

/* Parses the arguments and opens the configuration they name; -1 or the exit code to end with. */
static int open_config(const wa_verb *verb, int argc, char **argv, wa_config **config)
{
    config_opts opts = { { NULL, 0 } };
    wa_operands operands;
    wa_error    err;
    int         code = wa_verb_parse(verb, argc, argv, &opts, &operands);

    if (code < 0 &&
        wa_config_open(operands.items[0], opts.sets.items, opts.sets.n, &wa_experiment_schema, wa_cli_env(), config, &err) != WA_OK)
        code = wa_cli_fail(&err);
    free(opts.sets.items);
    return code;
}

/* Writes a text made by the library. */
static int write_text(const wa_buf *text)
{
    if (text->failed)
        return wa_cli_complain(WA_EXIT_IO, "not enough memory");
    wa_cli_write(wa_buf_view(text));
    return WA_EXIT_OK;
}

/* ---------------------------------------------------------------- the verbs */

static int check(int argc, char **argv)
{
    static const wa_verb verb = {
        .name     = "config check",
        .operands = "CONFIG",
        .summary  = "Checks the keys and values of a configuration, with all that it starts from, and that the files it names are\n"
                    "there. It opens none of them and is quick; `wordahead run` opens everything.",
        .examples = "  wordahead config check configs/quickstart.yaml\n"
                    "  wordahead config check configs/quickstart.yaml --set attention.0.heads=8\n",
        .options  = options,
        .n_least  = 1,
        .n_most   = 1,
    };
    wa_config *config = NULL;
    wa_error   err;
    int        code = open_config(&verb, argc, argv, &config);

    if (code >= 0)
        return code;
    wa_config_check_files(config);
    if (wa_config_verdict(config, &err) == WA_OK)
        wa_cli_printf("%s: no errors\n", wa_config_path(config));
    else
        code = wa_cli_fail(&err);
    wa_config_close(config);
    return code < 0 ? WA_EXIT_OK : code;
}

static int show(int argc, char **argv)
{
    static const wa_verb verb = {
        .name     = "config show",
        .operands = "CONFIG",
        .summary =
            "Prints the whole configuration as YAML, each value with where it comes from: file:line:column, --set, or default.\n"
            "Paths stand as seen from the working folder.",
        .examples = "  wordahead config show models/english\n"
                    "  wordahead config show configs/quickstart.yaml --set report.top=3\n",
        .options  = options,
        .n_least  = 1,
        .n_most   = 1,
    };
    wa_config *config = NULL;
    wa_buf     text   = { .env = wa_cli_env() };
    int        code   = open_config(&verb, argc, argv, &config);

    if (code >= 0)
        return code;
    wa_config_show(config, &text);
    code = write_text(&text);
    wa_buf_clear(&text);
    wa_config_close(config);
    return code;
}

static int show_default(int argc, char **argv)
{
    static const wa_verb verb = {
        .name     = "config default",
        .operands = "",
        .summary  = "Prints every key with its default, its range and what it does: the text of configs/default.yaml.",
        .examples = "  wordahead config default > configs/mine.yaml\n",
        .options  = no_options,
    };
    wa_operands operands;
    wa_buf      text = { .env = wa_cli_env() };
    int         code = wa_verb_parse(&verb, argc, argv, NULL, &operands);

    if (code >= 0)
        return code;
    wa_schema_show(&wa_experiment_schema, &text);
    code = write_text(&text);
    wa_buf_clear(&text);
    return code;
}

int wa_cmd_config(int argc, char **argv)
{
    static const wa_verb_row verbs[] = {
        { "check", check, "check a configuration" },
        { "show", show, "show every value and where it comes from" },
        { "default", show_default, "print every key with its default" },
        { 0 },
    };

    return wa_verb_dispatch("config", verbs,
                            "  wordahead config check configs/quickstart.yaml\n"
                            "  wordahead config show models/english --set attention.0.mask=none\n"
                            "  wordahead config default\n",
                            argc, argv);
}

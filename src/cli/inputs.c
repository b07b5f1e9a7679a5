/* What the verbs read. See inputs.h. */
#include "cli/inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cli/cli.h"

/* ---------------------------------------------------------------- the model */

/* The folder of the running program with `relative` behind it, where that exists. */
static const char *beside_program(const char *relative, char *out, size_t size)
{
    const ssize_t n = readlink("/proc/self/exe", out, size - 1);

    if (n <= 0)
        return NULL;
    out[n]            = '\0';
    char *const slash = strrchr(out, '/');
    if (!slash || (size_t)(slash - out) + strlen(relative) + 2 > size)
        return NULL;
    strcpy(slash + 1, relative);
    return wa_path_exists(out) ? out : NULL;
}

/* The copy that make unpacked opens five times as fast as the model of the sources, which are there before anything is made. */
static const char *built_in_model(char *out, size_t size)
{
    static const char        installed[] = WA_PREFIX "/share/wordahead/models/english";
    static const char *const places[]    = {
           "../models/english/model.yaml",      /* build/release/wordahead: build/models; the file, as it is made last */
           "../../models/english",              /* the same: the sources */
           "../share/wordahead/models/english", /* PREFIX/bin/wordahead */
    };

    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (beside_program(places[i], out, size))
            return out;
    return wa_path_exists(installed) ? installed : NULL;
}

wa_model *wa_cli_open_model(const char *path, size_t n_threads, int *exit_code)
{
    return wa_cli_open_model_with(path, &(wa_option_list){ 0 }, n_threads, exit_code);
}

wa_model *wa_cli_open_model_with(const char *path, const wa_option_list *sets, size_t n_threads, int *exit_code)
{
    const wa_model_opts opts = { .sets = sets->items, .n_sets = sets->n, .n_threads = n_threads, .env = wa_cli_env() };
    char                built_in[4096];
    wa_model           *model = NULL;
    wa_error            err;

    if (!path)
        path = getenv("WORDAHEAD_MODEL");
    if (!path || !*path)
        path = built_in_model(built_in, sizeof built_in);
    if (!path)
        *exit_code = wa_cli_complain(WA_EXIT_DATA,
                                     "found no model: -m and WORDAHEAD_MODEL are not given, and the built-in one is neither "
                                     "beside the program nor in %s",
                                     WA_PREFIX "/share/wordahead/models/english");
    else if (wa_model_open(path, &opts, &model, &err) != WA_OK)
        *exit_code = wa_cli_fail(&err);
    return model;
}

wa_status wa_cli_new_session(const wa_model *model, size_t n_threads, wa_session **out, wa_error *err)
{
    wa_status   st      = WA_OK;
    wa_session *session = NULL;

    WA_TRY(wa_session_new(model, &session, err));
    WA_TRY(wa_session_threads(session, n_threads, err));
    *out    = session;
    session = NULL;
done:
    wa_session_free(session);
    return st;
}

/* ---------------------------------------------------------------- outcome */

void wa_cli_count_failure(wa_cli_outcome *outcome, int code)
{
    if (outcome->n_failed++ == 0)
        outcome->first_code = code;
}

int wa_cli_exit_code(const wa_cli_outcome *outcome)
{
    if (outcome->n_failed == 0)
        return WA_EXIT_OK;
    return outcome->n_done > 0 ? WA_EXIT_SOME_FAILED : outcome->first_code;
}

void wa_cli_add_outcome(wa_cli_outcome *outcome, const wa_cli_outcome *later)
{
    if (outcome->n_failed == 0)
        outcome->first_code = later->first_code;
    outcome->n_done += later->n_done;
    outcome->n_failed += later->n_failed;
}

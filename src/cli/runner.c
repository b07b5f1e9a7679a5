/* The texts of a configuration. See runner.h. */
#include "cli/runner.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/inputs.h"

/* ---------------------------------------------------------------- quantities */

static bool is_wanted(wa_runner *r, const char *name)
{
    bool is_any = false;

    for (size_t i = 0; i < r->experiment->report.trace.n; i++) {
        if (fnmatch(r->experiment->report.trace.items[i].data, name, 0) == 0)
            is_any = r->has_matched[i] = true;
    }
    return is_any;
}

static void observe(void *user, const wa_quantity *q)
{
    wa_runner *const r = user;

    if (is_wanted(r, q->name))
        r->observer(r->observer_user, q);
}

char *wa_runner_name(const wa_runner *runner, size_t i, const char *name, char out[WA_RUNNER_NAME])
{
    if (runner->model->n_inputs > 1)
        snprintf(out, WA_RUNNER_NAME, "%zu/%s", i, name);
    else
        snprintf(out, WA_RUNNER_NAME, "%s", name);
    return out;
}

void wa_runner_warn_unmatched(const wa_runner *r)
{
    for (size_t i = 0; i < r->experiment->report.trace.n; i++)
        if (!r->has_matched[i])
            wa_cli_complain(WA_EXIT_OK, "warning: %s: no quantity is called %s", wa_config_where(r->model->config, "report.trace"),
                            wa_show(r->experiment->report.trace.items[i]).quoted);
}

/* ---------------------------------------------------------------- running */

wa_status wa_runner_run(wa_runner *runner, wa_text text, wa_observer *observer, void *user, wa_error *err)
{
    runner->observer      = observer;
    runner->observer_user = user;
    wa_session_observe(runner->session, observe, runner);
    const wa_status st = wa_run(runner->session, text, NULL, err);
    wa_session_observe(runner->session, NULL, NULL);
    return st;
}

wa_status wa_runner_rank(wa_runner *runner, wa_text text, wa_ranking *out, bool *is_ranked, wa_error *err)
{
    const wa_rank_opts how = { .k = runner->experiment->report.top };

    *is_ranked = how.k > 0 && wa_model_vocabulary(runner->model) > 0;
    return *is_ranked ? wa_rank(runner->session, text, &how, out, err) : WA_OK;
}

wa_status wa_runner_open(wa_runner *runner, const char *config, const char *const *sets, size_t n_sets, size_t n_threads,
                         wa_error *err)
{
    wa_status           st   = WA_OK;
    const wa_model_opts opts = { .sets = sets, .n_sets = n_sets, .n_threads = n_threads, .env = wa_cli_env() };

    WA_TRY(wa_model_open(config, &opts, &runner->model, err));
    WA_TRY(wa_cli_new_session(runner->model, n_threads, &runner->session, err));
    runner->experiment = runner->model->experiment;
    if (runner->model->n_inputs == 0)
        WA_FAIL(WA_ECONFIG, "%s: there is no text in `input`; add input: [ \"...\" ] or --set 'input=[\"...\"]'", config);
    if (!(runner->has_matched = calloc(runner->experiment->report.trace.n + 1, sizeof *runner->has_matched)))
        WA_TRY(wa_fail_memory(err, config));
done:
    return st;
}

void wa_runner_close(wa_runner *runner)
{
    wa_session_free(runner->session);
    wa_model_close(runner->model);
    free(runner->has_matched);
}

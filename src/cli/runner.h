/* The texts of a configuration, run one after another: the quantities that report.trace names as they are computed, and the words that
 * may come next. What becomes of them, on paper or in a file, is the caller's. */
#ifndef WA_CLI_RUNNER_H
#define WA_CLI_RUNNER_H

#include "model/model.h"

typedef struct wa_runner {
    wa_model            *model;
    wa_session          *session;
    const wa_experiment *experiment;
    bool                *has_matched; /* of each glob of report.trace */
    wa_observer         *observer;    /* of the text that runs */
    void                *observer_user;
} wa_runner;

/* Opens a configuration with the model that it describes.
 *
 * sets    as in wa_model_opts
 * runner  zeroed before; closed by the caller whatever is returned
 * Errors  as wa_model_open(); WA_ECONFIG where there is no text in `input`. */
wa_status wa_runner_open(wa_runner *runner, const char *config, const char *const *sets, size_t n_sets, size_t n_threads,
                         wa_error *err);
void      wa_runner_close(wa_runner *runner);

/* Runs a text for the observer, which sees what report.trace names and nothing else. Errors: as wa_run(). */
wa_status wa_runner_run(wa_runner *runner, wa_text text, wa_observer *observer, void *user, wa_error *err);

/* The report.top words that may follow a text, by the unobserved code; *is_ranked false where none are wanted, or there is no
 * vocabulary. Errors: as wa_rank(). */
wa_status wa_runner_rank(wa_runner *runner, wa_text text, wa_ranking *out, bool *is_ranked, wa_error *err);

/* What an archive calls a quantity of text i: "embed.output", and where there are several texts "0/embed.output". Returns `out`. */
#define WA_RUNNER_NAME 160
char *wa_runner_name(const wa_runner *runner, size_t i, const char *name, char out[WA_RUNNER_NAME]);

/* A warning for each glob of report.trace that no quantity matched so far: most likely it is a misspelt name. */
void wa_runner_warn_unmatched(const wa_runner *runner);

#endif

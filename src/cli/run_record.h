/* The record of a run, as JSON: what it was made of, and what it gave.
 *
 *     "wordahead"      version of the program
 *     "config", "sets" the configuration as it was named, and all that was set over it, swept values last
 *     "sweep"          the swept keys and their values, as they were written
 *     "configuration"  "values": every value, as wa_config_show_bare() gives them; "xxh3": their fingerprint
 *     "files"          of each file that the configuration names "key", "path" from the root, "bytes", "xxh3"
 *     "model"          wa_model_fingerprint()
 *     "trace"          "bytes", "xxh3" of trace.npz
 *     "texts"          for each text "text", "tokens", "unknown", "next" as `run --format json` has them, and "score"; or "error"
 *
 * Fingerprints are XXH3 with 64 bits, in 16 hexadecimal digits. */
#ifndef WA_CLI_RUN_RECORD_H
#define WA_CLI_RUN_RECORD_H

#include "base/json.h"
#include "cli/runner.h"
#include "data/grid.h"

/* What is run. */
typedef struct wa_run_plan {
    const char        *config;
    const char *const *sets; /* [n_sets] --set, then a value for each axis of the grid */
    size_t             n_sets;
    const wa_grid     *grid;
    size_t             combination; /* of the grid */
    size_t             n_threads;
} wa_run_plan;

/* Appends ,"name":"0123456789abcdef" */
void wa_run_record_add_digest(wa_buf *out, const char *name, uint64_t digest);

/* Begins a record: "wordahead", "configuration" and "files", for a configuration before it is run.
 *
 * making  the same as a value, for wa_changes_add_making(); the caller frees it
 * Errors  those of wa_file_digest() for a file that it names; WA_ENOMEM. */
wa_status wa_run_record_begin(wa_buf *out, const wa_config *config, json_t **making, wa_error *err);

/* Appends ,"config":... "sets" and "sweep". */
void wa_run_record_add_plan(wa_buf *out, const wa_run_plan *plan);
/* Appends "sweep":{key:value} for a combination. */
void wa_run_record_add_values(wa_buf *out, const wa_grid *grid, size_t combination);

/* Sees each quantity of text i under the name that it has in the archive. */
typedef void wa_run_record_observer(void *user, const char *name, const wa_quantity *quantity);

/* Runs all texts and appends ,"model":... and "texts". A text that cannot be run has its error there.
 *
 * user    of the observer
 * Errors  WA_ENOMEM, and WA_EIO where a text is not to blame: once wa_cli_is_stopping(), too. */
wa_status wa_run_record_add_results(wa_buf *out, wa_runner *runner, wa_run_record_observer *observer, void *user, wa_error *err);

/* The value of a text that begins and ends a JSON object; the caller frees it. Errors: WA_EFORMAT, WA_ENOMEM. */
wa_status wa_run_record_read(wa_text text, const char *path, json_t **out, wa_error *err);

#endif

/* What the verbs work on: the model, lines; what becomes of them. */
#ifndef WA_CLI_INPUTS_H
#define WA_CLI_INPUTS_H

#include "cli/options.h"

/* Opens the model that -m names; NULL: WORDAHEAD_MODEL, then the built-in one, beside the build or under the install prefix. Where it
 * fails, a sentence has been printed and *exit_code is set. */
wa_model *wa_cli_open_model(const char *path, size_t n_threads, int *exit_code);

/* The same with overrides, as --set gives them. */
wa_model *wa_cli_open_model_with(const char *path, const wa_option_list *sets, size_t n_threads, int *exit_code);

/* A session of an open model, which works with `n_threads`, 0 being one for each processor. */
wa_status wa_cli_new_session(const wa_model *model, size_t n_threads, wa_session **out, wa_error *err);

/* One line of a file, or one text of the command line (file NULL). */
typedef struct wa_cli_line {
    const char *file;
    size_t      file_index;
    size_t      number;      /* from 1, in its file or among the arguments; in a shard among the lines that it takes of the file */
    uint64_t    offset;      /* of its first byte in the unpacked file */
    bool        is_in_shard; /* so that the number is not that of the file */
    wa_text     text;
} wa_cli_line;

/* What became of the inputs of a verb, and with it its exit code: 0; 1 where some failed; the code of the first failure where all
 * did. */
typedef struct wa_cli_outcome {
    size_t n_done, n_failed;
    int    first_code;
} wa_cli_outcome;
int  wa_cli_exit_code(const wa_cli_outcome *outcome);
void wa_cli_count_failure(wa_cli_outcome *outcome, int code);
/* Adds what became of inputs behind these. */
void wa_cli_add_outcome(wa_cli_outcome *outcome, const wa_cli_outcome *later);

#endif

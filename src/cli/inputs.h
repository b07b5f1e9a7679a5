/* What the verbs read: the model, and files; what becomes of them. */
#ifndef WA_CLI_INPUTS_H
#define WA_CLI_INPUTS_H

#include "cli/options.h"

/* Opens the model that -m names; NULL: WORDAHEAD_MODEL, then the built-in one, beside the build or under the install prefix; and a
 * session of it, which works with `n_threads`, 0 being one for each processor. *model must be closed after the session was freed.
 * Where it fails, a sentence has been printed and *exit_code is set. */
wa_session *wa_cli_open_session(const char *path, size_t n_threads, wa_model **model, int *exit_code);

/* A session of an open model. */
wa_status wa_cli_new_session(const wa_model *model, size_t n_threads, wa_session **out, wa_error *err);

/* One line of a file, or one text of the command line (file NULL). */
typedef struct wa_cli_line {
    const char *file;
    size_t      number; /* from 1, in its file or among the arguments */
    wa_text     text;
} wa_cli_line;

/* What became of the inputs of a verb, and with it its exit code: 0; 1 where some failed; the code of the first failure where all
 * did. */
typedef struct wa_cli_outcome {
    size_t n_done, n_failed;
    int    first_code;
} wa_cli_outcome;
int wa_cli_exit_code(const wa_cli_outcome *outcome);

/* The files that a verb reads: its operands, or standard input where it was given none. */
wa_operands wa_cli_files(const wa_operands *operands);

/* How many of the names are "-", standard input; a NULL counts as none. */
size_t wa_cli_count_stdin(const char *const *names, size_t n);
/* Standard input can be read once: complains where `n` uses of it are more, and returns the exit code. */
int wa_cli_check_stdin(size_t n);

/* Complains where `output` (may be NULL) is one of the files that are read, and returns the exit code: it would be replaced. */
int wa_cli_check_output(const char *output, const char *const *inputs, size_t n);

/* Prints why a line failed, with its file and number, and counts it. */
void wa_cli_line_failed(wa_cli_outcome *outcome, const wa_cli_line *line, const wa_error *err);

/* Prints why a file could not be read, or not to its end, and counts it. */
void wa_cli_file_failed(wa_cli_outcome *outcome, const wa_error *err);

#endif

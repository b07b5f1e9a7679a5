/* What the verbs share: the environment given to the library, messages, exit codes, and standard output that is checked.
 *
 * A verb is one file cmd_<verb>.c with a function that takes argc and argv from its own name on and returns the exit code. */
#ifndef WA_CLI_CLI_H
#define WA_CLI_CLI_H

#include "base/mem.h"
#include "base/status.h"

enum { WA_EXIT_OK = 0, WA_EXIT_SOME_FAILED = 1, WA_EXIT_USAGE = 2, WA_EXIT_DATA = 3, WA_EXIT_IO = 4 };

int wa_cmd_rank(int argc, char **argv);
int wa_cmd_score(int argc, char **argv);
int wa_cmd_embed(int argc, char **argv);
int wa_cmd_merge(int argc, char **argv);
int wa_cmd_run(int argc, char **argv);
int wa_cmd_explain(int argc, char **argv);
int wa_cmd_serve(int argc, char **argv);
int wa_cmd_vectors(int argc, char **argv);
int wa_cmd_config(int argc, char **argv);

/* The beginning and the end of the process, for main(): standard descriptors that are closed, and signals; and the last word on
 * standard output, which makes the exit code 4 where something could not be written. */
void wa_cli_begin(void);
int  wa_cli_end(int exit_code);

/* From now on the first signal to end (SIGINT, SIGTERM, SIGHUP) is only noted; a second one ends the process. wa_cli_end() ends it by the
 * signal that was noted, so that whoever started it knows. */
void wa_cli_defer_signals(void);
bool wa_cli_is_stopping(void);
/* A descriptor that has something to read once one was noted; -1 where there is none. */
int wa_cli_wake_fd(void);

/* Logging to standard error, and temporary files that a signal removes. */
const wa_env *wa_cli_env(void);

/* Prints a message to standard error, "wordahead: " and the end of the line included; what was written to standard output before
 * comes first. */
void wa_cli_message(wa_text text);

/* Prints each line of the error's message to standard error, with "wordahead: " before the first; returns the exit code. */
int wa_cli_fail(const wa_error *err);
/* The same for a message of the verb's own. */
int wa_cli_complain(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes to standard output. Failures are remembered and reported once, by main(); after one, `wa_cli_is_output_open` is false
 * and a long-running verb should stop. A closed pipe is no failure. */
void wa_cli_write(wa_text text);
void wa_cli_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool wa_cli_is_output_open(void);
/* Hands on what was written so far. */
void wa_cli_flush(void);

/* How many columns a terminal needs for the text: wide characters count 2, combining ones 0, invalid bytes 1. */
size_t wa_cli_columns(wa_text text);
/* Appends the text padded with blanks to so many columns. Control characters and bytes that are not UTF-8 are shown as U+FFFD. */
void wa_cli_add_padded(wa_buf *record, wa_text text, size_t columns);
void wa_cli_write_padded(wa_text text, size_t columns); /* the same to standard output */

/* Appends a field of a table by tabs: tabs, newlines, carriage returns and backslashes as \t, \n, \r and \\. */
void wa_cli_add_field(wa_buf *record, wa_text text);

#endif

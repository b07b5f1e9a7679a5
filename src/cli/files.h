/* The files that a verb reads: which they are, and that they are not read twice or written over. */
#ifndef WA_CLI_FILES_H
#define WA_CLI_FILES_H

#include "cli/batch.h"

/* Those of -i, those that --files-from names, the operands; standard input where there is none. Complains where the list cannot be read,
 * standard input is asked for twice, or the output is one of the files or of the others; returns -1 or the exit code.
 *
 * other  another file that the verb reads; may be NULL
 * files  their names, in the arena */
int wa_cli_gather_files(const wa_batch_opts *opts, const char *other, const wa_operands *operands, wa_arena *arena,
                        wa_operands *files);

/* How many of the names are "-", standard input; a NULL counts as none. */
size_t wa_cli_count_stdin(const char *const *names, size_t n);
/* Standard input can be read once: complains where `n` uses of it are more, and returns the exit code. */
int wa_cli_check_stdin(size_t n);

/* Complains where `output` (may be NULL), or what lies beside it while it is written, is one of the files that are read (a NULL is none),
 * and returns the exit code: it would be replaced. */
int wa_cli_check_output(const char *output, const char *const *inputs, size_t n);

#endif

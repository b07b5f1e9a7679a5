/* Output that appears under its name only when it is whole; gzip where the name says so. env must live as long as the output. */
#ifndef WA_BASE_OUTPUT_H
#define WA_BASE_OUTPUT_H

#include "base/mem.h"

typedef struct wa_output wa_output;

/* Creates a file under a temporary name beside `path`; wa_output_commit() gives it its name. A path ending in .gz is compressed.
 * Where path is something else than a regular file (/dev/null, a named pipe) or an open one (/dev/stdout), it is written directly.
 * Errors WA_EIO, WA_ENOMEM. */
wa_status wa_output_open(const char *path, const wa_env *env, wa_output **out, wa_error *err);
wa_status wa_output_write(wa_output *output, const void *bytes, size_t n, wa_error *err);
/* Whether wa_output_rewrite() can work: not for .gz, nor for a pipe. */
bool wa_output_can_rewrite(const wa_output *output);
/* Overwrites n bytes at an offset already written; not for .gz. */
wa_status wa_output_rewrite(wa_output *output, size_t offset, const void *bytes, size_t n, wa_error *err);
/* All written, renamed, and freed, whatever it returns. Where it fails, no file is left. */
wa_status wa_output_commit(wa_output *output, wa_error *err);
/* Removes the temporary file and frees. NULL is fine: after a commit there is nothing to do. */
void wa_output_discard(wa_output *output);

#endif

/* Output that appears under its name only when it is whole; gzip where the name says so. env must live as long as the output.
 *
 * There are two ways to write. A file that is made in one go lies under a temporary name and is removed where that fails. The output of
 * a long run lies under its name with .part behind it, which stays when the run ends early, so that another run can go on with it.
 * Where path is something else than a regular file (/dev/null, a named pipe) or an open one (/dev/stdout), it is written directly.
 *
 * gzip is written in members of WA_OUTPUT_MEMBER bytes before packing: equal bytes give equal files, however they were written, and a
 * file that is cut behind a member can be continued. */
#ifndef WA_BASE_OUTPUT_H
#define WA_BASE_OUTPUT_H

#include "base/mem.h"

#define WA_OUTPUT_MEMBER 262144
#define WA_OUTPUT_PART   ".part"

typedef struct wa_output wa_output;

/* A place in an output from which it can be continued. */
typedef struct wa_output_mark {
    uint64_t n_stored;  /* bytes of the file */
    uint64_t n_written; /* bytes before packing */
} wa_output_mark;

/* Creates a file under a temporary name beside `path`; wa_output_commit() gives it its name.
 * Errors WA_EIO, WA_ENOMEM. */
wa_status wa_output_open(const char *path, const wa_env *env, wa_output **out, wa_error *err);

/* Opens path.part, and no other process can until this one ends; wa_output_commit() gives it its name.
 *
 * from    what lies behind this mark is cut off; NULL: everything
 * Errors  WA_EIO, also where another process writes it; WA_EFORMAT where there is less than the mark says; WA_ENOMEM. */
wa_status wa_output_open_part(const char *path, const wa_output_mark *from, const wa_env *env, wa_output **out, wa_error *err);

/* Whether the output has a part that another run could go on with. */
bool wa_output_is_part(const wa_output *output);

wa_status wa_output_write(wa_output *output, const void *bytes, size_t n, wa_error *err);
/* The last mark: of gzip the end of the last member, otherwise of everything written. */
wa_output_mark wa_output_last_mark(const wa_output *output);
/* Everything up to the last mark is on the disk. */
wa_status wa_output_sync(wa_output *output, wa_error *err);
/* Hands on what was written, where it can be read before the end: to a pipe or device. */
wa_status wa_output_flush(wa_output *output, wa_error *err);
/* Whether wa_output_rewrite() can work: not for .gz, nor for a pipe. */
bool wa_output_can_rewrite(const wa_output *output);
/* Overwrites n bytes at an offset already written; not for .gz. */
wa_status wa_output_rewrite(wa_output *output, size_t offset, const void *bytes, size_t n, wa_error *err);
/* Nothing more is written: the last mark is the end, and a part is on the disk as a whole. Committing does it where nobody did. */
wa_status wa_output_finish(wa_output *output, wa_error *err);
/* All written, renamed, and freed, whatever it returns. Where it fails, a part stays, a temporary file does not. */
wa_status wa_output_commit(wa_output *output, wa_error *err);
/* Removes the temporary file or the part, and frees. NULL is fine: after a commit there is nothing to do. */
void wa_output_discard(wa_output *output);
/* The same, but a part stays; what was written to it after the last sync may be missing. */
void wa_output_keep(wa_output *output);

/* A file that is made in one go of what was put together in memory. Errors: WA_ENOMEM where `whole` has failed, or else; WA_EIO. */
wa_status wa_output_save(const char *path, const wa_buf *whole, const wa_env *env, wa_error *err);

#endif

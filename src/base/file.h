/* Files: whole ones in memory, text by lines, and output that appears under its name only when it is whole.
 *
 * gzip is recognised by its first bytes wherever something is read, and every member of it is. zlib is used here only. "-" is
 * standard input. Reading a folder or a file that is not there fails with the system's reason. env must live as long as what
 * was opened with it. */
#ifndef WA_BASE_FILE_H
#define WA_BASE_FILE_H

#include <stdio.h>

#include "base/mem.h"

/* ---------------------------------------------------------------- whole files */

/* The bytes of a file: mapped where it is a plain regular file, else in memory of our own. A mapped file must not be shortened
 * while it is in use: the system then ends the process with SIGBUS. Zeroed is empty. */
typedef struct wa_file {
    const wa_env *env;
    wa_text       bytes;
    bool          is_mapped;
    bool          is_gzip; /* the bytes were unpacked */
} wa_file;

/* most    gives up after so many bytes of what cannot be mapped: a pipe may never end, and a small gzip file unpack to anything
 * Errors  WA_EIO; WA_EFORMAT where gzip data is broken (with the offset in the packed file) or there is too much; WA_ENOMEM. */
wa_status wa_file_read(wa_file *file, const char *path, size_t most, const wa_env *env, wa_error *err);
void      wa_file_clear(wa_file *file);

/* ---------------------------------------------------------------- lines */

typedef struct wa_lines wa_lines;

/* Text by lines, plain or gzip, as it arrives: a line typed at a terminal is given before the next one is there. A byte order
 * mark at the start is dropped. Errors as wa_file_read(). Files packed in other ways,
 * zip archives and UTF-16 are refused by name (WA_EFORMAT). */
wa_status wa_lines_open(const char *path, const wa_env *env, wa_lines **out, wa_error *err);
void      wa_lines_close(wa_lines *lines);

/* The next line without its \n or \r\n, alive until the next call; *has_line is false at the end. A last line without a
 * newline counts, an empty rest does not. */
wa_status wa_lines_next(wa_lines *lines, wa_text *line, bool *has_line, wa_error *err);

/* ---------------------------------------------------------------- output */

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

/* ---------------------------------------------------------------- names */

bool wa_path_is_folder(const char *path);
bool wa_path_exists(const char *path);
/* `name` as seen from the folder of the file `beside`: unchanged where it is absolute or beside is NULL or "-". NULL: no memory. */
char *wa_path_beside(const wa_env *env, const char *beside, wa_text name);
/* "folder/name". NULL: no memory. */
char *wa_path_join(const wa_env *env, const char *folder, const char *name);

#endif

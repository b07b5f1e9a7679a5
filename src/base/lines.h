/* Text by lines, gzip unpacked. "-" is standard input. env must live as long as the lines. */
#ifndef WA_BASE_LINES_H
#define WA_BASE_LINES_H

#include "base/mem.h"

typedef struct wa_lines wa_lines;

/* Text by lines, plain or gzip, as it arrives: a line typed at a terminal is given before the next one is there. A byte order
 * mark at the start is dropped. Files packed in other ways, zip archives and UTF-16 are refused by name.
 * Errors  WA_EIO, WA_EFORMAT, WA_ENOMEM. */
wa_status wa_lines_open(const char *path, const wa_env *env, wa_lines **out, wa_error *err);
void      wa_lines_close(wa_lines *lines);

/* From now on a line of more bytes than that is given with its length and no data, and takes no memory. */
void wa_lines_limit(wa_lines *lines, size_t most);

/* Before any line or poll: goes to the first line that begins at this offset of the unpacked file or behind it, or to the end; in a
 * plain file without reading what lies before. Errors as wa_lines_next(). */
wa_status wa_lines_start_at(wa_lines *lines, uint64_t offset, wa_error *err);

/* Where the next line begins in the unpacked file, or its end; a byte order mark belongs to its line. Where a start behind the end
 * was asked for, that. */
uint64_t wa_lines_offset(const wa_lines *lines);

/* How much of the file the lines so far take; where it is gzip, how much of the packed file was read for them. */
uint64_t wa_lines_position(const wa_lines *lines);

/* The next line without its \n or \r\n, alive until the next call; *has_line is false at the end. A last line without a
 * newline counts, an empty rest does not. */
wa_status wa_lines_next(wa_lines *lines, wa_text *line, bool *has_line, wa_error *err);

/* Whether wa_lines_next() can give a line, or the end, without waiting for input; reads what is there, which ends the life of the
 * last line. Errors as wa_lines_next(). */
wa_status wa_lines_poll(wa_lines *lines, bool *is_ready, wa_error *err);

/* Where it was ready: whether that was the end, and nothing is left. */
bool wa_lines_are_over(const wa_lines *lines);

/* Waits for input, for another descriptor (-1: none), or a signal. For when wa_lines_poll() found nothing ready: lines that were
 * read already are not looked for. */
void wa_lines_wait(const wa_lines *lines, int other_fd);

#endif

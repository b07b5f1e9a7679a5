/* Bytes of a file as they come, gzip unpacked: recognised by its first bytes, every member of it. "-" is standard input.
 *
 * env must live as long as the stream. */
#ifndef WA_BASE_STREAM_H
#define WA_BASE_STREAM_H

#include "base/mem.h"

#define WA_STREAM_BUFFER 65536 /* bytes that are read at once */

typedef struct wa_stream wa_stream;

/* Waits for nothing but, where path is a named pipe, somebody who writes to it. Errors  WA_EIO, WA_ENOMEM. */
wa_status wa_stream_open(const char *path, const wa_env *env, wa_stream **out, wa_error *err);
void      wa_stream_close(wa_stream *stream);

/* Gives at least one byte, waiting only for the first, or *n_read 0 at the end.
 * Errors  WA_EIO; WA_EFORMAT where gzip data is broken (with the offset in the packed file); WA_ENOMEM. */
wa_status wa_stream_read(wa_stream *stream, void *to, size_t n, size_t *n_read, wa_error *err);

/* Whether wa_stream_read() has something to give, be it the end, without waiting for it. Packed bytes that are there and unpack to
 * nothing count as something. */
bool wa_stream_is_ready(const wa_stream *stream);

/* Waits until wa_stream_read() has something to give, or another descriptor has (-1: none), or a signal comes. */
void wa_stream_wait(const wa_stream *stream, int other_fd);

/* Goes n bytes forward, or to the end; in a plain regular file without reading them. Errors as wa_stream_read(). */
wa_status wa_stream_skip(wa_stream *stream, uint64_t n, wa_error *err);

/* How much of the file, packed where it is gzip, was used so far. */
uint64_t wa_stream_position(const wa_stream *stream);

bool        wa_stream_is_gzip(const wa_stream *stream); /* known once something was read or skipped */
const char *wa_stream_path(const wa_stream *stream);

/* WA_EFORMAT where the first bytes are those of a file that is no text: packed otherwise, a zip archive, UTF-16. Before any reading; waits for the
 * first bytes. */
wa_status wa_stream_refuse_foreign(wa_stream *stream, wa_error *err);

/* Whether bytes begin as gzip does. */
bool wa_stream_starts_gzip(const unsigned char *bytes, size_t n);

#endif

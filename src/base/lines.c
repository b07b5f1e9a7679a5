/* Text by lines. See lines.h. */
#include "base/lines.h"

#include <assert.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "base/stream.h"

/* Invariant: buffer[at..n_bytes] is read and not yet given out; buffer[at..n_searched] holds no newline. */
struct wa_lines {
    wa_buf     buffer;
    size_t     at, n_searched;
    size_t     most;      /* bytes of a line that are kept */
    size_t     n_dropped; /* of the line that goes on at `at`, which is longer; never its last byte */
    uint64_t   n_before;  /* unpacked bytes before buffer[0] */
    uint64_t   start;     /* of the next line */
    bool       at_end, has_begun;
    wa_stream *stream;
};

wa_status wa_lines_open(const char *path, const wa_env *env, wa_lines **out, wa_error *err)
{
    wa_status st    = WA_OK;
    wa_lines *lines = wa_alloc_zeroed(env, 1, sizeof *lines);

    if (!lines)
        WA_TRY(wa_fail_memory(err, path));
    lines->buffer.env = env;
    lines->most       = SIZE_MAX;
    WA_TRY(wa_stream_open(path, env, &lines->stream, err));
    *out  = lines;
    lines = NULL;
done:
    wa_lines_close(lines);
    return st;
}

void wa_lines_close(wa_lines *lines)
{
    if (!lines)
        return;
    const wa_env *const env = lines->buffer.env;
    wa_stream_close(lines->stream);
    wa_buf_clear(&lines->buffer);
    wa_release(env, lines);
}

static wa_status read_more(wa_lines *lines, wa_error *err)
{
    wa_status     st     = WA_OK;
    wa_buf *const buf    = &lines->buffer;
    void         *data   = buf->data;
    const size_t  n_here = buf->n_bytes - lines->at;
    size_t        got;

    if (lines->has_begun && n_here > 0 && n_here - 1 > lines->most) { /* the last byte may be the \r of the newline */
        lines->n_dropped += n_here - 1;
        lines->at = buf->n_bytes - 1;
    }
    if (lines->at > 0)
        memmove(buf->data, buf->data + lines->at, buf->n_bytes - lines->at);
    buf->n_bytes -= lines->at;
    lines->n_searched -= lines->at;
    lines->n_before += lines->at;
    lines->at = 0;
    if (!wa_grow(buf->env, &data, &buf->capacity, buf->n_bytes + WA_STREAM_BUFFER, 1))
        WA_FAIL(WA_ENOMEM, "%s: not enough memory for a line of more than %zu bytes", wa_stream_path(lines->stream), buf->n_bytes);
    buf->data = data;
    WA_TRY(wa_stream_read(lines->stream, buf->data + buf->n_bytes, buf->capacity - buf->n_bytes, &got, err));
    buf->n_bytes += got;
    lines->at_end = got == 0;
done:
    return st;
}

/* A byte order mark may arrive in pieces; nothing is given out before its three bytes could be there. */
static wa_status begin(wa_lines *lines, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(wa_stream_refuse_foreign(lines->stream, err));
    while (lines->buffer.n_bytes < 3 && !lines->at_end && !(lines->buffer.n_bytes > 0 && lines->buffer.data[0] != '\xEF'))
        WA_TRY(read_more(lines, err));
    if (wa_text_begins(wa_buf_view(&lines->buffer), wa_text_of("\xEF\xBB\xBF")))
        lines->at = lines->n_searched = 3;
    lines->has_begun = true;
done:
    return st;
}

/* The newline that ends the next line, or NULL where it was not read yet. */
static const char *find_end(wa_lines *lines)
{
    const wa_buf *const buf = &lines->buffer;
    const char         *end = NULL;

    if (lines->n_searched < buf->n_bytes)
        end = memchr(buf->data + lines->n_searched, '\n', buf->n_bytes - lines->n_searched);
    lines->n_searched = end ? (size_t)(end - buf->data) : buf->n_bytes;
    return end;
}

/* The line that ends at n_searched. */
static void take_line(wa_lines *lines, wa_text *line)
{
    *line = (wa_text){ lines->buffer.data + lines->at, lines->n_searched - lines->at };
    if (line->n_bytes > 0 && line->data[line->n_bytes - 1] == '\r')
        line->n_bytes--;
    if (lines->n_dropped > 0 || line->n_bytes > lines->most)
        *line = (wa_text){ NULL, lines->n_dropped + line->n_bytes };
    lines->n_dropped = 0;
}

wa_status wa_lines_next(wa_lines *lines, wa_text *line, bool *has_line, wa_error *err)
{
    wa_status           st  = WA_OK;
    const wa_buf *const buf = &lines->buffer;
    const char         *end;

    if (!lines->has_begun)
        WA_TRY(begin(lines, err));
    while (!(end = find_end(lines)) && !lines->at_end)
        WA_TRY(read_more(lines, err));
    *has_line = end || lines->at < buf->n_bytes || lines->n_dropped > 0;
    if (!*has_line)
        goto done;
    take_line(lines, line);
    lines->at    = lines->n_searched += end != NULL;
    lines->start = lines->n_before + lines->at;
done:
    return st;
}

wa_status wa_lines_poll(wa_lines *lines, bool *is_ready, wa_error *err)
{
    wa_status st = WA_OK;

    *is_ready = false;
    if (!lines->has_begun && !wa_stream_is_ready(lines->stream))
        goto done;
    if (!lines->has_begun)
        WA_TRY(begin(lines, err));
    while (!find_end(lines) && !lines->at_end && wa_stream_is_ready(lines->stream))
        WA_TRY(read_more(lines, err));
    *is_ready = find_end(lines) || lines->at_end;
done:
    return st;
}

bool wa_lines_are_over(const wa_lines *lines)
{
    return lines->at_end && lines->at == lines->buffer.n_bytes && lines->n_dropped == 0;
}

void wa_lines_wait(const wa_lines *lines, int other_fd)
{
    wa_stream_wait(lines->stream, other_fd);
}

void wa_lines_limit(wa_lines *lines, size_t most)
{
    lines->most = most;
}

/* The byte before the offset tells whether a line begins there. */
wa_status wa_lines_start_at(wa_lines *lines, uint64_t offset, wa_error *err)
{
    wa_status    st   = WA_OK;
    const size_t most = lines->most;
    wa_text      ignored;
    bool         has_line;

    assert(!lines->has_begun);
    if (offset == 0)
        goto done;
    WA_TRY(wa_stream_refuse_foreign(lines->stream, err));
    WA_TRY(wa_stream_skip(lines->stream, offset - 1, err));
    lines->n_before  = offset - 1;
    lines->has_begun = true;
    lines->most      = 0;
    WA_TRY(wa_lines_next(lines, &ignored, &has_line, err));
    if (!has_line)
        lines->start = offset; /* behind the end */
done:
    lines->most = most;
    return st;
}

uint64_t wa_lines_offset(const wa_lines *lines)
{
    return lines->start;
}

uint64_t wa_lines_position(const wa_lines *lines)
{
    const uint64_t n_read = wa_stream_position(lines->stream);
    const size_t   n_ahead =
        wa_stream_is_gzip(lines->stream) ? 0 : lines->buffer.n_bytes - lines->at; /* packed, nobody knows where */

    return n_read - n_ahead;
}

/* Files in and out. See file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/status.h"
#include "base/str.h"

/* ---------------------------------------------------------------- stream: bytes as they come, gzip unpacked */

#define STREAM_BUFFER 65536

/* Invariant: packed[at..n] is read but not used. While is_gzip, z is initialised. */
typedef struct stream {
    const wa_env *env;
    char         *path;
    int           fd;
    bool          is_gzip, in_member;
    z_stream      z;
    uint64_t      n_before; /* bytes of the file before packed[0], for messages */
    size_t        at, n;
    unsigned char packed[STREAM_BUFFER];
} stream;

static void *zlib_alloc(void *env, unsigned n, unsigned size)
{
    return wa_alloc(env, n, size);
}

static void zlib_free(void *env, void *memory)
{
    wa_release(env, memory);
}

/* Reads what is there, waiting only for the first byte; *n_read 0 is the end. */
static wa_status read_some(int fd, const char *path, void *to, size_t n, size_t *n_read, wa_error *err)
{
    ssize_t got;

    do
        got = read(fd, to, n);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return wa_fail_system(err, path, "cannot read", errno);
    *n_read = (size_t)got;
    return WA_OK;
}

/* Moves what is left to the front and reads behind it until `want` bytes are there or the file ends. */
static wa_status fill(stream *s, size_t want, wa_error *err)
{
    wa_status st  = WA_OK;
    size_t    got = 0;

    memmove(s->packed, s->packed + s->at, s->n - s->at);
    s->n_before += s->at;
    s->n -= s->at;
    s->at = 0;
    while (s->n < want) {
        WA_TRY(read_some(s->fd, s->path, s->packed + s->n, sizeof s->packed - s->n, &got, err));
        if (got == 0)
            break;
        s->n += got;
    }
done:
    return st;
}

static void stream_close(stream *s)
{
    if (!s)
        return;
    if (s->is_gzip)
        inflateEnd(&s->z);
    if (s->fd > STDIN_FILENO)
        close(s->fd);
    wa_release(s->env, s->path);
    wa_release(s->env, s);
}

static bool starts_gzip(const unsigned char *bytes, size_t n)
{
    return n >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
}

static wa_status stream_open(const char *path, const wa_env *env, stream **out, wa_error *err)
{
    wa_status st = WA_OK;
    stream   *s  = wa_alloc(env, 1, sizeof *s);

    if (!s)
        WA_FAIL(WA_ENOMEM, "%s: not enough memory", path);
    *s = (stream){ .env = env, .fd = STDIN_FILENO };
    if (!(s->path = wa_copy_text(env, wa_text_of(path))))
        WA_FAIL(WA_ENOMEM, "%s: not enough memory", path);
    if (strcmp(path, "-") != 0 && (s->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
        st = wa_fail_system(err, path, "cannot open", errno);
        goto done;
    }
    WA_TRY(fill(s, 2, err));
    if (starts_gzip(s->packed, s->n)) {
        s->z = (z_stream){ .zalloc = zlib_alloc, .zfree = zlib_free, .opaque = (void *)(uintptr_t)env };
        if (inflateInit2(&s->z, 15 + 16) != Z_OK) /* 15: the largest window; 16: gzip, nothing else */
            WA_FAIL(WA_ENOMEM, "%s: not enough memory", path);
        s->is_gzip = s->in_member = true;
    }
    *out = s;
    s    = NULL;
done:
    stream_close(s);
    return st;
}

/* Between two members: tape padding of zero bytes is passed over, as gzip does; then another member or the end. */
static wa_status next_member(stream *s, bool *at_end, wa_error *err)
{
    wa_status st = WA_OK;

    do {
        while (s->at < s->n && s->packed[s->at] == 0)
            s->at++;
        WA_TRY(fill(s, 2, err));
    } while (s->n > 0 && s->packed[0] == 0);
    *at_end = s->n == 0;
    if (*at_end)
        goto done;
    if (!starts_gzip(s->packed, s->n))
        WA_FAIL(WA_EFORMAT,
                "%s: byte %llu of the packed file: found %s after a gzip member, expected another member or the end; cut the "
                "file there to use what is before",
                s->path, (unsigned long long)s->n_before,
                wa_show((wa_text){ (const char *)s->packed, s->n < 8 ? s->n : 8 }).quoted);
    inflateReset(&s->z);
    s->in_member = true;
done:
    return st;
}

static wa_status fail_unpacking(const stream *s, int code, wa_error *err)
{
    const unsigned long long where = (unsigned long long)(s->n_before + s->at);

    if (code == Z_MEM_ERROR)
        return wa_fail_memory(err, s->path);
    return wa_fail(err, WA_EFORMAT, "%s: byte %llu of the packed file: broken gzip data (%s); get the file again", s->path, where,
                   s->z.msg ? s->z.msg : "unexpected code");
}

static wa_status unpack_some(stream *s, void *to, size_t n, size_t *n_read, wa_error *err)
{
    wa_status st     = WA_OK;
    bool      at_end = false;

    *n_read = 0;
    while (*n_read == 0) {
        if (!s->in_member)
            WA_TRY(next_member(s, &at_end, err));
        if (at_end)
            break;
        if (s->at == s->n)
            WA_TRY(fill(s, 1, err));
        if (s->n == 0)
            WA_FAIL(WA_EFORMAT, "%s: byte %llu of the packed file: the file ends inside a gzip member; get the file again", s->path,
                    (unsigned long long)s->n_before);
        s->z.next_in        = s->packed + s->at;
        s->z.avail_in       = (unsigned)(s->n - s->at);
        s->z.next_out       = to;
        s->z.avail_out      = n < 1u << 30 ? (unsigned)n : 1u << 30;
        const unsigned room = s->z.avail_out;
        const int      code = inflate(&s->z, Z_NO_FLUSH);
        s->at               = s->n - s->z.avail_in;
        *n_read             = room - s->z.avail_out;
        if (code == Z_STREAM_END)
            s->in_member = false;
        else if (code != Z_OK && code != Z_BUF_ERROR)
            return fail_unpacking(s, code, err);
    }
done:
    return st;
}

/* Gives at least one byte, or *n_read 0 at the end. */
static wa_status stream_read(stream *s, void *to, size_t n, size_t *n_read, wa_error *err)
{
    if (s->is_gzip)
        return unpack_some(s, to, n, n_read, err);
    if (s->at == s->n)
        return read_some(s->fd, s->path, to, n, n_read, err);
    *n_read = s->n - s->at < n ? s->n - s->at : n;
    memcpy(to, s->packed + s->at, *n_read);
    s->at += *n_read;
    return WA_OK;
}

/* ---------------------------------------------------------------- whole files */

/* Maps the open file if it is a regular one that is not empty; else leaves is_mapped false. */
static void map(wa_file *file, int fd)
{
    struct stat info;

    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0 || (uintmax_t)info.st_size > PTRDIFF_MAX)
        return;
    void *const bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return;
    file->bytes     = (wa_text){ bytes, (size_t)info.st_size };
    file->is_mapped = true;
}

/* Maps a plain regular file; leaves is_mapped false for anything else, which is then read as a stream. A named pipe is not
 * opened here: closing it again would leave its writer without a reader. */
static wa_status try_map(wa_file *file, const char *path, wa_error *err)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return wa_fail_system(err, path, "cannot open", errno);
    if (S_ISDIR(info.st_mode))
        return wa_fail_system(err, path, "cannot read", EISDIR);
    if (!S_ISREG(info.st_mode))
        return WA_OK;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return wa_fail_system(err, path, "cannot open", errno);
    map(file, fd);
    close(fd);
    return WA_OK;
}

static wa_status read_all(wa_file *file, const char *path, size_t most, wa_error *err)
{
    wa_status st  = WA_OK;
    wa_buf    all = { .env = file->env };
    stream   *s   = NULL;
    size_t    got = 0;

    WA_TRY(stream_open(path, file->env, &s, err));
    do {
        void *data = all.data;

        if (!wa_grow(all.env, &data, &all.capacity, all.n_bytes + STREAM_BUFFER, 1))
            WA_FAIL(WA_ENOMEM, "%s: not enough memory after %zu bytes", path, all.n_bytes);
        all.data = data;
        WA_TRY(stream_read(s, all.data + all.n_bytes, all.capacity - all.n_bytes, &got, err));
        all.n_bytes += got;
        if (all.n_bytes > most)
            WA_FAIL(WA_EFORMAT, "%s: found more than %zu bytes, expected at most so many", path, most);
    } while (got > 0);
    file->is_gzip = s->is_gzip;
    file->bytes   = wa_buf_view(&all);
    all           = (wa_buf){ .env = file->env };
done:
    stream_close(s);
    wa_buf_clear(&all);
    return st;
}

wa_status wa_file_read(wa_file *file, const char *path, size_t most, const wa_env *env, wa_error *err)
{
    wa_status st = WA_OK;

    *file = (wa_file){ .env = env };
    if (strcmp(path, "-") != 0)
        WA_TRY(try_map(file, path, err));
    if (file->is_mapped && starts_gzip((const unsigned char *)file->bytes.data, file->bytes.n_bytes))
        wa_file_clear(file);
    if (!file->is_mapped)
        WA_TRY(read_all(file, path, most, err));
done:
    return st;
}

void wa_file_clear(wa_file *file)
{
    if (file->is_mapped)
        munmap((void *)(uintptr_t)file->bytes.data, file->bytes.n_bytes);
    else
        wa_release(file->env, (void *)(uintptr_t)file->bytes.data);
    *file = (wa_file){ .env = file->env };
}

/* ---------------------------------------------------------------- lines */

/* Invariant: buffer[at..n_bytes] is read and not yet given out; buffer[at..n_searched] holds no newline. */
struct wa_lines {
    wa_buf  buffer;
    size_t  at, n_searched;
    bool    at_end, has_begun;
    stream *stream;
};

/* Files that are no text although they have bytes; anything else is taken for text. */
static wa_status refuse_foreign(const stream *s, wa_error *err)
{
    static const struct {
        const char *magic;
        size_t      offset, n_bytes;
        const char *what;
    } foreign[] = {
        { "7zXZ", 1, 4, "packed with xz; unpack it first, or pack it with gzip" },
        { "\x28\xB5\x2F\xFD", 0, 4, "packed with zstd; unpack it first, or pack it with gzip" },
        { "1AY&SY", 4, 6, "packed with bzip2; unpack it first, or pack it with gzip" },
        { "PK\x03\x04", 0, 4, "a zip archive; unpack it first" },
        { "\xFF\xFE", 0, 2, "text in UTF-16; convert it with `iconv -f UTF-16 -t UTF-8`" },
        { "\xFE\xFF", 0, 2, "text in UTF-16; convert it with `iconv -f UTF-16 -t UTF-8`" },
    };

    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (s->n >= foreign[i].offset + foreign[i].n_bytes &&
            memcmp(s->packed + foreign[i].offset, foreign[i].magic, foreign[i].n_bytes) == 0)
            return wa_fail(err, WA_EFORMAT, "%s: expected text in UTF-8, found a file that is %s", s->path, foreign[i].what);
    return WA_OK;
}

wa_status wa_lines_open(const char *path, const wa_env *env, wa_lines **out, wa_error *err)
{
    wa_status st    = WA_OK;
    wa_lines *lines = wa_alloc_zeroed(env, 1, sizeof *lines);

    if (!lines)
        WA_FAIL(WA_ENOMEM, "%s: not enough memory", path);
    lines->buffer.env = env;
    WA_TRY(stream_open(path, env, &lines->stream, err));
    if (!lines->stream->is_gzip)
        WA_TRY(refuse_foreign(lines->stream, err));
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
    stream_close(lines->stream);
    wa_buf_clear(&lines->buffer);
    wa_release(env, lines);
}

static wa_status read_more(wa_lines *lines, wa_error *err)
{
    wa_status     st   = WA_OK;
    wa_buf *const buf  = &lines->buffer;
    void         *data = buf->data;
    size_t        got;

    if (lines->at > 0)
        memmove(buf->data, buf->data + lines->at, buf->n_bytes - lines->at);
    buf->n_bytes -= lines->at;
    lines->n_searched -= lines->at;
    lines->at = 0;
    if (!wa_grow(buf->env, &data, &buf->capacity, buf->n_bytes + STREAM_BUFFER, 1))
        WA_FAIL(WA_ENOMEM, "%s: not enough memory for a line of more than %zu bytes", lines->stream->path, buf->n_bytes);
    buf->data = data;
    WA_TRY(stream_read(lines->stream, buf->data + buf->n_bytes, buf->capacity - buf->n_bytes, &got, err));
    buf->n_bytes += got;
    lines->at_end = got == 0;
done:
    return st;
}

/* A byte order mark may arrive in pieces; nothing is given out before its three bytes could be there. */
static wa_status drop_mark(wa_lines *lines, wa_error *err)
{
    wa_status st = WA_OK;

    while (lines->buffer.n_bytes < 3 && !lines->at_end && !(lines->buffer.n_bytes > 0 && lines->buffer.data[0] != '\xEF'))
        WA_TRY(read_more(lines, err));
    if (wa_text_begins(wa_buf_view(&lines->buffer), wa_text_of("\xEF\xBB\xBF")))
        lines->at = lines->n_searched = 3;
    lines->has_begun = true;
done:
    return st;
}

wa_status wa_lines_next(wa_lines *lines, wa_text *line, bool *has_line, wa_error *err)
{
    wa_status     st  = WA_OK;
    wa_buf *const buf = &lines->buffer;
    const char   *end = NULL;

    if (!lines->has_begun)
        WA_TRY(drop_mark(lines, err));
    for (;;) {
        if (lines->n_searched < buf->n_bytes)
            end = memchr(buf->data + lines->n_searched, '\n', buf->n_bytes - lines->n_searched);
        lines->n_searched = end ? (size_t)(end - buf->data) + 1 : buf->n_bytes;
        if (end || lines->at_end)
            break;
        WA_TRY(read_more(lines, err));
    }
    *has_line = end || lines->at < buf->n_bytes;
    if (!*has_line)
        goto done;
    *line = (wa_text){ buf->data + lines->at, lines->n_searched - lines->at - (end != NULL) };
    if (line->n_bytes > 0 && line->data[line->n_bytes - 1] == '\r')
        line->n_bytes--;
    lines->at = lines->n_searched;
done:
    return st;
}

/* ---------------------------------------------------------------- output */

/* One of `plain` and `packed` is open. `temporary` is NULL where the path is written directly. */
struct wa_output {
    const wa_env *env;
    char         *path, *temporary;
    FILE         *plain;
    gzFile        packed;
};

static void tell_temporary(const wa_env *env, const char *path)
{
    if (env && env->temporary)
        env->temporary(env->user, path);
}

/* Opens path.tmp<process>-<i> for the first i that is free; returns the descriptor or -1 with errno. */
static int open_temporary(wa_output *output)
{
    const size_t n  = strlen(output->path) + 48;
    int          fd = -1;
    struct stat  old;

    if (!(output->temporary = wa_alloc(output->env, n, 1))) {
        errno = ENOMEM;
        return -1;
    }
    for (unsigned i = 0; fd < 0 && i < 100; i++) {
        snprintf(output->temporary, n, "%s.tmp%ld-%u", output->path, (long)getpid(), i);
        tell_temporary(output->env, output->temporary);
        fd = open(output->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0) {
        const int reason = errno;

        tell_temporary(output->env, NULL);
        wa_release(output->env, output->temporary);
        output->temporary = NULL;
        errno             = reason;
    } else if (stat(output->path, &old) == 0) {
        fchmod(fd, old.st_mode & 07777); /* who may read the file that is replaced may read the new one; only an owner can say so */
    }
    return fd;
}

/* The descriptor that a name in /dev stands for, or -1. Such a name is a link: renaming onto it would replace the link, and a
 * regular file that it leads to would, opened anew, be written from its beginning. */
static int named_descriptor(const char *path)
{
    const wa_text folder = wa_text_of("/dev/fd/");
    size_t        fd;

    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    if (wa_text_begins(wa_text_of(path), folder) && wa_parse_size(wa_text_of(path + folder.n_bytes), &fd) && fd <= INT_MAX)
        return (int)fd;
    return -1;
}

/* The file that a link leads to: that is what is replaced, or made, not the link. NULL: no memory. */
static char *follow_link(const wa_env *env, const char *path)
{
    char          target[PATH_MAX];
    char *const   real = realpath(path, NULL);
    const ssize_t n    = real ? -1 : readlink(path, target, sizeof target); /* a link to nothing yet */
    char *const   copy =
        n > 0 ? wa_path_beside(env, path, (wa_text){ target, (size_t)n }) : wa_copy_text(env, wa_text_of(real ? real : path));

    free(real);
    return copy;
}

static int open_target(wa_output *output)
{
    const int   fd = named_descriptor(output->path);
    struct stat info;
    char       *real;

    if (fd >= 0)
        return fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (stat(output->path, &info) == 0 && !S_ISREG(info.st_mode))
        return open(output->path, O_WRONLY | O_CLOEXEC);
    if (lstat(output->path, &info) == 0 && S_ISLNK(info.st_mode)) {
        if (!(real = follow_link(output->env, output->path))) {
            errno = ENOMEM;
            return -1;
        }
        wa_release(output->env, output->path);
        output->path = real;
    }
    return open_temporary(output);
}

wa_status wa_output_open(const char *path, const wa_env *env, wa_output **out, wa_error *err)
{
    wa_status  st     = WA_OK;
    int        fd     = -1;
    wa_output *output = wa_alloc_zeroed(env, 1, sizeof *output);

    if (!output)
        WA_FAIL(WA_ENOMEM, "%s: not enough memory", path);
    output->env = env;
    if (!(output->path = wa_copy_text(env, wa_text_of(path))))
        WA_FAIL(WA_ENOMEM, "%s: not enough memory", path);
    if ((fd = open_target(output)) < 0) {
        st = errno == ENOMEM ? wa_fail_memory(err, path) : wa_fail_system(err, path, "cannot create", errno);
        goto done;
    }
    errno = ENOMEM; /* gzdopen() says nothing else */
    if (wa_text_ends(wa_text_of(path), ".gz"))
        output->packed = gzdopen(fd, "wb");
    else
        output->plain = fdopen(fd, "wb");
    if (!output->packed && !output->plain) {
        st = errno == ENOMEM ? wa_fail_memory(err, path) : wa_fail_system(err, path, "cannot write", errno);
        goto done;
    }
    fd     = -1; /* owned by the stream now */
    *out   = output;
    output = NULL;
done:
    if (fd >= 0)
        close(fd);
    wa_output_discard(output);
    return st;
}

bool wa_output_can_rewrite(const wa_output *output)
{
    return output->plain && lseek(fileno(output->plain), 0, SEEK_CUR) >= 0;
}

wa_status wa_output_write(wa_output *output, const void *bytes, size_t n, wa_error *err)
{
    bool ok = true;

    errno = 0;
    if (output->plain)
        ok = n == 0 || fwrite(bytes, 1, n, output->plain) == n;
    for (size_t done = 0; output->packed && ok && done < n;) {
        const unsigned part = n - done < 1u << 30 ? (unsigned)(n - done) : 1u << 30;

        ok = gzwrite(output->packed, (const char *)bytes + done, part) == (int)part;
        done += part;
    }
    return ok ? WA_OK : wa_fail_system(err, output->path, "cannot write", errno ? errno : EIO);
}

wa_status wa_output_rewrite(wa_output *output, size_t offset, const void *bytes, size_t n, wa_error *err)
{
    FILE *const f = output->plain;

    errno = 0;
    if (!f || offset > LONG_MAX || fseek(f, (long)offset, SEEK_SET) != 0 || fwrite(bytes, 1, n, f) != n ||
        fseek(f, 0, SEEK_END) != 0)
        return wa_fail_system(err, output->path, "cannot write", errno ? errno : ESPIPE);
    return WA_OK;
}

/* Closes whichever stream is open; false, with errno, where something could not be written. */
static bool close_streams(wa_output *output)
{
    bool ok = true;

    errno = 0;
    if (output->plain)
        ok = fclose(output->plain) == 0;
    if (output->packed)
        ok = gzclose(output->packed) == Z_OK && ok;
    output->plain  = NULL;
    output->packed = NULL;
    return ok;
}

wa_status wa_output_commit(wa_output *output, wa_error *err)
{
    wa_status st = WA_OK;

    if (!close_streams(output))
        st = wa_fail_system(err, output->path, "cannot write", errno ? errno : EIO);
    else if (output->temporary && rename(output->temporary, output->path) != 0)
        st = wa_fail_system(err, output->path, "cannot rename to this name", errno);
    if (st == WA_OK && output->temporary) {
        tell_temporary(output->env, NULL);
        wa_release(output->env, output->temporary);
        output->temporary = NULL; /* nothing to remove any more */
    }
    wa_output_discard(output);
    return st;
}

void wa_output_discard(wa_output *output)
{
    if (!output)
        return;
    close_streams(output);
    if (output->temporary) {
        unlink(output->temporary);
        tell_temporary(output->env, NULL);
    }
    wa_release(output->env, output->temporary);
    wa_release(output->env, output->path);
    wa_release(output->env, output);
}

/* ---------------------------------------------------------------- names */

bool wa_path_is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool wa_path_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

char *wa_path_join(const wa_env *env, const char *folder, const char *name)
{
    const size_t n    = strlen(folder);
    wa_buf       path = { .env = env };

    wa_buf_str(&path, folder);
    if (n > 0 && folder[n - 1] != '/')
        wa_buf_str(&path, "/");
    wa_buf_add(&path, name, strlen(name) + 1);
    if (path.failed)
        wa_buf_clear(&path);
    return path.data;
}

char *wa_path_beside(const wa_env *env, const char *beside, wa_text name)
{
    wa_buf            path        = { .env = env };
    const char *const slash       = beside ? strrchr(beside, '/') : NULL;
    const bool        is_absolute = name.n_bytes > 0 && name.data[0] == '/';

    if (slash && !is_absolute)
        wa_buf_add(&path, beside, (size_t)(slash - beside) + 1);
    wa_buf_text(&path, name);
    wa_buf_add(&path, "", 1);
    if (path.failed)
        wa_buf_clear(&path);
    return path.data;
}

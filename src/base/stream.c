/* Bytes of a file as they come. See stream.h. */
#include "base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/status.h"
#include "base/str.h"

/* Invariant: packed[at..n] is read but not used. While is_gzip, z is initialised. */
struct wa_stream {
    const wa_env *env;
    char         *path;
    int           fd;
    bool          has_begun; /* the first bytes were looked at */
    bool          is_gzip, in_member;
    z_stream      z;
    uint64_t      n_before; /* bytes of the file before packed[0], for messages */
    size_t        at, n;
    unsigned char packed[WA_STREAM_BUFFER];
};

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
static wa_status fill(wa_stream *s, size_t want, wa_error *err)
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

void wa_stream_close(wa_stream *s)
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

bool wa_stream_starts_gzip(const unsigned char *bytes, size_t n)
{
    return n >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
}

wa_status wa_stream_open(const char *path, const wa_env *env, wa_stream **out, wa_error *err)
{
    wa_status  st = WA_OK;
    wa_stream *s  = wa_alloc(env, 1, sizeof *s);

    if (!s)
        WA_TRY(wa_fail_memory(err, path));
    *s = (wa_stream){ .env = env, .fd = STDIN_FILENO };
    if (!(s->path = wa_copy_text(env, wa_text_of(path))))
        WA_TRY(wa_fail_memory(err, path));
    if (strcmp(path, "-") != 0 && (s->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
        st = wa_fail_system(err, path, "cannot open", errno);
        goto done;
    }
    *out = s;
    s    = NULL;
done:
    wa_stream_close(s);
    return st;
}

/* Waits for the first bytes, which tell what the file is. */
static wa_status begin(wa_stream *s, wa_error *err)
{
    wa_status st = WA_OK;

    if (s->has_begun)
        return WA_OK;
    WA_TRY(fill(s, 1, err));
    if (s->n > 0 && s->packed[0] != '\n') /* an empty line that is typed is given before the next one is there */
        WA_TRY(fill(s, 2, err));
    if (wa_stream_starts_gzip(s->packed, s->n)) {
        s->z = (z_stream){ .zalloc = zlib_alloc, .zfree = zlib_free, .opaque = (void *)(uintptr_t)s->env };
        if (inflateInit2(&s->z, 15 + 16) != Z_OK) /* 15: the largest window; 16: gzip, nothing else */
            WA_TRY(wa_fail_memory(err, s->path));
        s->is_gzip = s->in_member = true;
    }
    s->has_begun = true;
done:
    return st;
}

/* Between two members: tape padding of zero bytes is passed over, as gzip does; then another member or the end. */
static wa_status next_member(wa_stream *s, bool *at_end, wa_error *err)
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
    if (!wa_stream_starts_gzip(s->packed, s->n))
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

static wa_status fail_unpacking(const wa_stream *s, int code, wa_error *err)
{
    const unsigned long long where = (unsigned long long)(s->n_before + s->at);

    if (code == Z_MEM_ERROR)
        return wa_fail_memory(err, s->path);
    return wa_fail(err, WA_EFORMAT, "%s: byte %llu of the packed file: broken gzip data (%s); get the file again", s->path, where,
                   s->z.msg ? s->z.msg : "unexpected code");
}

static wa_status unpack_some(wa_stream *s, void *to, size_t n, size_t *n_read, wa_error *err)
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
wa_status wa_stream_read(wa_stream *s, void *to, size_t n, size_t *n_read, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(begin(s, err));
    if (s->is_gzip)
        return unpack_some(s, to, n, n_read, err);
    if (s->at == s->n) {
        WA_TRY(read_some(s->fd, s->path, to, n, n_read, err));
        s->n_before += *n_read;
        goto done;
    }
    *n_read = s->n - s->at < n ? s->n - s->at : n;
    memcpy(to, s->packed + s->at, *n_read);
    s->at += *n_read;
done:
    return st;
}

/* How many bytes lie behind the descriptor's place in a plain regular file, as far as the system knows; 0 for anything else. */
static uint64_t n_behind(const wa_stream *s)
{
    struct stat about;
    const off_t place = lseek(s->fd, 0, SEEK_CUR);

    if (s->is_gzip || place < 0 || fstat(s->fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size < place)
        return 0;
    return (uint64_t)(about.st_size - place);
}

wa_status wa_stream_skip(wa_stream *s, uint64_t n, wa_error *err)
{
    wa_status st = WA_OK;
    char      ignored[4096];
    size_t    got;

    WA_TRY(begin(s, err));
    const uint64_t n_here = s->n - s->at; /* lie before the descriptor's place */
    const uint64_t n_far  = n_behind(s);
    if (n > n_here && n_far > 0) {
        const uint64_t step = n - n_here < n_far ? n - n_here : n_far;

        if (lseek(s->fd, (off_t)step, SEEK_CUR) >= 0) {
            s->at = s->n;
            s->n_before += step;
            n -= n_here + step;
        }
    }
    for (; n > 0; n -= got) { /* what is here, what cannot be gone to, and what came since */
        WA_TRY(wa_stream_read(s, ignored, n < sizeof ignored ? (size_t)n : sizeof ignored, &got, err));
        if (got == 0)
            break;
    }
done:
    return st;
}

uint64_t wa_stream_position(const wa_stream *s)
{
    return s->n_before + s->at;
}

void wa_stream_wait(const wa_stream *s, int other_fd)
{
    struct pollfd either[] = { { .fd = s->fd, .events = POLLIN }, { .fd = other_fd, .events = POLLIN } };

    if (s->at == s->n)
        poll(either, 2, -1);
}

bool wa_stream_is_ready(const wa_stream *s)
{
    struct pollfd input = { .fd = s->fd, .events = POLLIN };
    int           n_ready;

    if (s->at < s->n)
        return true;
    do
        n_ready = poll(&input, 1, 0);
    while (n_ready < 0 && errno == EINTR); /* it does not wait, and yet a signal may end it */
    return n_ready != 0;
}

bool wa_stream_is_gzip(const wa_stream *s)
{
    return s->is_gzip;
}

const char *wa_stream_path(const wa_stream *s)
{
    return s->path;
}

/* Files that are no text although they have bytes; anything else is taken for text. */
wa_status wa_stream_refuse_foreign(wa_stream *s, wa_error *err)
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

    wa_status st = WA_OK;

    WA_TRY(begin(s, err));
    for (size_t i = 0; !s->is_gzip && i < sizeof foreign / sizeof *foreign; i++)
        if (s->n >= foreign[i].offset + foreign[i].n_bytes &&
            memcmp(s->packed + foreign[i].offset, foreign[i].magic, foreign[i].n_bytes) == 0)
            return wa_fail(err, WA_EFORMAT, "%s: expected text in UTF-8, found a file that is %s", s->path, foreign[i].what);
done:
    return st;
}

/* Bytes of a file as they come. See stream.h. */
#include "base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "base/str.h"

enum { TRAILER = 8 }; /* bytes of a member's checksum and length */

/* Where a packed file stands: a member is its header, its data with a checksum, and what may be between it and the next one. */
typedef enum part { BETWEEN, HEADER, DATA } part;

typedef struct unpacking {
    part                    part;
    bool                    is_full; /* the last call filled all its room: more may come without more of the file */
    struct isal_gzip_header header;  /* kept because it may come in pieces */
    struct inflate_state    state;
} unpacking;

/* Invariant: packed[at..n] is read but not used. */
struct wa_stream {
    const wa_env *env;
    char         *path;
    int           fd;
    bool          has_begun; /* the first bytes were looked at */
    unpacking    *gzip;      /* NULL where the file is plain */
    uint64_t      n_before;  /* bytes of the file before packed[0], for messages */
    size_t        at, n;
    unsigned char packed[WA_STREAM_BUFFER];
};

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
    if (s->fd > STDIN_FILENO)
        close(s->fd);
    wa_release(s->env, s->gzip);
    wa_release(s->env, s->path);
    wa_release(s->env, s);
}

bool wa_stream_starts_gzip(const unsigned char *bytes, size_t n)
{
    return n >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
}

static void begin_member(unpacking *u)
{
    isal_inflate_reset(&u->state);
    isal_gzip_header_init(&u->header);
    u->part = HEADER;
}

static wa_status begin_gzip(wa_stream *s, wa_error *err)
{
    if (!(s->gzip = wa_alloc(s->env, 1, sizeof *s->gzip)))
        return wa_fail_memory(err, s->path);
    isal_inflate_init(&s->gzip->state);
    s->gzip->state.crc_flag = ISAL_GZIP_NO_HDR_VER; /* the header is read apart, the checksum and the length are compared */
    s->gzip->is_full        = false;
    begin_member(s->gzip);
    return WA_OK;
}

/* A named pipe is open before anybody writes to it, so that one can wait for that and for something else: wa_stream_wait(). Returns the
 * descriptor or -1 with errno. */
static int open_at_once(const char *path)
{
    const int fd    = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

    if (flags >= 0)
        fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    return fd;
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
    if (strcmp(path, "-") != 0 && (s->fd = open_at_once(path)) < 0) {
        st = wa_fail_system(err, path, "cannot open", errno);
        goto done;
    }
    *out = s;
    s    = NULL;
done:
    wa_stream_close(s);
    return st;
}

/* read() takes it for the end of a named pipe that nobody writes to it yet; poll() does not. */
static void wait_for_writer(const wa_stream *s)
{
    struct pollfd input = { .fd = s->fd, .events = POLLIN };

    while (poll(&input, 1, -1) < 0 && errno == EINTR)
        continue;
}

/* Waits for the first bytes, which tell what the file is. */
static wa_status begin(wa_stream *s, wa_error *err)
{
    wa_status st = WA_OK;

    if (s->has_begun)
        return WA_OK;
    wait_for_writer(s);
    WA_TRY(fill(s, 1, err));
    if (s->n > 0 && s->packed[0] != '\n') /* an empty line that is typed is given before the next one is there */
        WA_TRY(fill(s, 2, err));
    if (wa_stream_starts_gzip(s->packed, s->n))
        WA_TRY(begin_gzip(s, err));
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
    begin_member(s->gzip);
done:
    return st;
}

static const char *reason_of(int code)
{
    switch (code) {
    case ISAL_INVALID_BLOCK:
        return "invalid block";
    case ISAL_INVALID_SYMBOL:
        return "invalid code";
    case ISAL_INVALID_LOOKBACK:
        return "a repetition of what is before the beginning";
    case ISAL_INVALID_WRAPPER:
        return "incorrect header";
    case ISAL_UNSUPPORTED_METHOD:
        return "unknown compression method";
    case ISAL_INCORRECT_CHECKSUM:
        return "incorrect data check";
    default:
        return "unexpected code";
    }
}

/* The place is that of the checksum and the length which do not fit, or how far the data made sense. */
static wa_status fail_unpacking(const wa_stream *s, int code, wa_error *err)
{
    const uint64_t n_read  = s->n_before + s->at;
    const bool     is_last = s->gzip->part == DATA && code == ISAL_INCORRECT_CHECKSUM;
    const uint64_t n_back = is_last ? TRAILER : s->gzip->state.read_in_length > 0 ? (uint64_t)s->gzip->state.read_in_length / 8 : 0;

    return wa_fail(err, WA_EFORMAT, "%s: byte %llu of the packed file: broken gzip data (%s); get the file again", s->path,
                   (unsigned long long)(n_read - n_back), reason_of(code));
}

/* Unpacks what has been read as far as it goes, and there is room. */
static wa_status inflate_some(wa_stream *s, void *to, size_t n, size_t *n_read, wa_error *err)
{
    unpacking *const            u    = s->gzip;
    struct inflate_state *const z    = &u->state;
    const uint32_t              room = n < 1u << 30 ? (uint32_t)n : 1u << 30;

    z->next_in     = s->packed + s->at;
    z->avail_in    = (uint32_t)(s->n - s->at);
    z->next_out    = to;
    z->avail_out   = room;
    const int code = u->part == HEADER ? isal_read_gzip_header(z, &u->header) : isal_inflate(z);
    s->at          = s->n - z->avail_in;
    *n_read        = room - z->avail_out;
    u->is_full     = z->avail_out == 0;
    if (code < 0)
        return fail_unpacking(s, code, err);
    if (u->part == HEADER && code == ISAL_DECOMP_OK)
        u->part = DATA;
    else if (z->block_state == ISAL_BLOCK_FINISH)
        u->part = BETWEEN;
    return WA_OK;
}

static wa_status unpack_some(wa_stream *s, void *to, size_t n, size_t *n_read, wa_error *err)
{
    wa_status st     = WA_OK;
    bool      at_end = false;

    *n_read = 0;
    while (*n_read == 0) {
        if (s->gzip->part == BETWEEN)
            WA_TRY(next_member(s, &at_end, err));
        if (at_end)
            break;
        if (s->at == s->n && !s->gzip->is_full)
            WA_TRY(fill(s, 1, err));
        if (s->n == 0)
            WA_FAIL(WA_EFORMAT, "%s: byte %llu of the packed file: the file ends inside a gzip member; get the file again", s->path,
                    (unsigned long long)s->n_before);
        WA_TRY(inflate_some(s, to, n, n_read, err));
    }
done:
    return st;
}

/* Gives at least one byte, or *n_read 0 at the end. */
wa_status wa_stream_read(wa_stream *s, void *to, size_t n, size_t *n_read, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(begin(s, err));
    if (s->gzip)
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

    if (s->gzip || place < 0 || fstat(s->fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size < place)
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

    if (s->at < s->n || (s->gzip && s->gzip->is_full))
        return true;
    do
        n_ready = poll(&input, 1, 0);
    while (n_ready < 0 && errno == EINTR); /* it does not wait, and yet a signal may end it */
    return n_ready != 0;
}

bool wa_stream_is_gzip(const wa_stream *s)
{
    return s->gzip != NULL;
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
    for (size_t i = 0; !s->gzip && i < sizeof foreign / sizeof *foreign; i++)
        if (s->n >= foreign[i].offset + foreign[i].n_bytes &&
            memcmp(s->packed + foreign[i].offset, foreign[i].magic, foreign[i].n_bytes) == 0)
            return wa_fail(err, WA_EFORMAT, "%s: expected text in UTF-8, found a file that is %s", s->path, foreign[i].what);
done:
    return st;
}

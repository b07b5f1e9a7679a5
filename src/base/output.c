/* Output that appears under its name only when it is whole. See output.h. */
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/path.h"
#include "base/status.h"
#include "base/str.h"

enum { BUFFER_SIZE = 65536, PART_RETRIES = 100 };

/* `unfinished` is the name the bytes lie under until they are whole; NULL where the path is written directly. */
struct wa_output {
    const wa_env  *env;
    char          *path, *unfinished;
    bool           is_part, is_gzip, in_member;
    int            fd;
    uint64_t       n_stored;  /* bytes given to the system */
    uint64_t       n_written; /* bytes given to us */
    wa_output_mark last_mark; /* of gzip */
    size_t         n_member;  /* bytes in the open member; z is initialised while there is one */
    z_stream       z;
    size_t         n_buffered;
    unsigned char  buffer[BUFFER_SIZE];
};

static void tell_temporary(const wa_env *env, const char *path)
{
    if (env && env->temporary)
        env->temporary(env->user, path);
}

static void copy_mode(const wa_output *output, int fd)
{
    struct stat old;

    if (stat(output->path, &old) == 0)
        fchmod(fd, old.st_mode & 07777); /* who may read the file that is replaced may read the new one; only an owner can say so */
}

/* Opens path.tmp<process>-<i> for the first i that is free; returns the descriptor or -1 with errno. */
static int open_temporary(wa_output *output)
{
    const size_t n  = strlen(output->path) + 48;
    int          fd = -1;

    if (!(output->unfinished = wa_alloc(output->env, n, 1))) {
        errno = ENOMEM;
        return -1;
    }
    for (unsigned i = 0; fd < 0 && i < 100; i++) {
        snprintf(output->unfinished, n, "%s.tmp%ld-%u", output->path, (long)getpid(), i);
        tell_temporary(output->env, output->unfinished);
        fd = open(output->unfinished, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0) {
        const int reason = errno;

        tell_temporary(output->env, NULL);
        wa_release(output->env, output->unfinished);
        output->unfinished = NULL;
        errno              = reason;
    } else {
        copy_mode(output, fd);
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

/* The lock is of the file, not of its name: whoever had it before may have renamed or removed the file meanwhile. Returns the
 * descriptor or -1 with errno; EWOULDBLOCK where another process has it. */
static int open_locked(const char *path, int if_missing)
{
    for (int i = 0; i < PART_RETRIES; i++) {
        struct stat named, locked;
        const int   fd = open(path, O_RDWR | O_CLOEXEC | if_missing, 0666);

        if (fd < 0)
            return -1;
        const bool is_ours = flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; /* some file systems have no locks */
        if (is_ours && fstat(fd, &locked) == 0 && stat(path, &named) == 0 && named.st_ino == locked.st_ino &&
            named.st_dev == locked.st_dev)
            return fd;
        close(fd);
        if (!is_ours)
            break;
    }
    errno = EWOULDBLOCK;
    return -1;
}

/* Opens the part and cuts it where the mark is. */
static wa_status open_part(wa_output *output, const wa_output_mark *from, wa_error *err)
{
    wa_status            st    = WA_OK;
    const wa_output_mark start = from ? *from : (wa_output_mark){ 0 };
    struct stat          info;

    if (!(output->unfinished = wa_path_with(output->env, output->path, WA_OUTPUT_PART)))
        return wa_fail_memory(err, output->path);
    output->is_part = true;
    if (!from)
        tell_temporary(output->env, output->unfinished);              /* worth nothing until somebody notes a mark */
    output->fd = open_locked(output->unfinished, from ? 0 : O_CREAT); /* one that is gone meanwhile is not gone on with */
    if (output->fd < 0 && errno == EWOULDBLOCK)
        WA_FAIL(WA_EIO, "%s: another process is writing it; wait for it, or end it", output->unfinished);
    if (output->fd < 0 || fstat(output->fd, &info) != 0)
        WA_TRY(wa_fail_system(err, output->path, from ? "cannot go on with its part" : "cannot create", errno));
    if (start.n_stored > (uint64_t)info.st_size)
        WA_FAIL(WA_EFORMAT, "%s: found %llu bytes, expected at least %llu: it is not what the run left; remove it to begin anew",
                output->unfinished, (unsigned long long)info.st_size, (unsigned long long)start.n_stored);
    if (ftruncate(output->fd, (off_t)start.n_stored) != 0 || lseek(output->fd, 0, SEEK_END) < 0)
        WA_TRY(wa_fail_system(err, output->unfinished, "cannot write", errno));
    output->n_stored  = start.n_stored;
    output->n_written = start.n_written;
    output->last_mark = start;
    copy_mode(output, output->fd);
done:
    return st;
}

/* Whether the path is something to be written directly; opens it then. */
static bool open_directly(wa_output *output)
{
    const int   fd = named_descriptor(output->path);
    struct stat info;

    if (fd >= 0)
        output->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    else if (stat(output->path, &info) == 0 && !S_ISREG(info.st_mode))
        output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
    else
        return false;
    return true;
}

/* A link is not replaced, but the file that it leads to. */
static bool resolve(wa_output *output)
{
    char *const real = wa_path_follow(output->env, output->path);

    if (!real)
        return false;
    wa_release(output->env, output->path);
    output->path = real;
    return true;
}

static wa_status open_output(const char *path, bool is_part, const wa_output_mark *from, const wa_env *env, wa_output **out,
                             wa_error *err)
{
    wa_status  st     = WA_OK;
    wa_output *output = wa_alloc(env, 1, sizeof *output);

    if (!output)
        return wa_fail_memory(err, path);
    *output = (wa_output){ .env = env, .fd = -1, .is_gzip = wa_text_ends(wa_text_of(path), ".gz") };
    if (!(output->path = wa_copy_text(env, wa_text_of(path))))
        WA_TRY(wa_fail_memory(err, path));
    if (!open_directly(output)) {
        if (!resolve(output))
            WA_TRY(wa_fail_memory(err, path));
        if (is_part)
            WA_TRY(open_part(output, from, err));
        else
            output->fd = open_temporary(output);
    }
    if (output->fd < 0) {
        st = errno == ENOMEM ? wa_fail_memory(err, path) : wa_fail_system(err, path, "cannot create", errno);
        goto done;
    }
    *out   = output;
    output = NULL;
done:
    wa_output_keep(output); /* a part that is not ours is not to be removed */
    return st;
}

wa_status wa_output_open(const char *path, const wa_env *env, wa_output **out, wa_error *err)
{
    return open_output(path, false, NULL, env, out, err);
}

wa_status wa_output_open_part(const char *path, const wa_output_mark *from, const wa_env *env, wa_output **out, wa_error *err)
{
    return open_output(path, true, from, env, out, err);
}

bool wa_output_is_part(const wa_output *output)
{
    return output->is_part;
}

/* ---------------------------------------------------------------- writing */

static wa_status fail_write(const wa_output *output, int error_number, wa_error *err)
{
    return wa_fail_system(err, output->path, "cannot write", error_number);
}

static wa_status put(wa_output *output, const unsigned char *bytes, size_t n, wa_error *err)
{
    while (n > 0) {
        const ssize_t done = write(output->fd, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail_write(output, done < 0 ? errno : EIO, err);
        bytes += done;
        n -= (size_t)done;
        output->n_stored += (uint64_t)done;
    }
    return WA_OK;
}

wa_status wa_output_flush(wa_output *output, wa_error *err)
{
    const size_t n = output->n_buffered;

    output->n_buffered = 0;
    return put(output, output->buffer, n, err);
}

static wa_status write_plain(wa_output *output, const unsigned char *bytes, size_t n, wa_error *err)
{
    wa_status st = WA_OK;

    if (output->n_buffered + n > BUFFER_SIZE)
        WA_TRY(wa_output_flush(output, err));
    if (n >= BUFFER_SIZE)
        return put(output, bytes, n, err);
    memcpy(output->buffer + output->n_buffered, bytes, n);
    output->n_buffered += n;
done:
    return st;
}

static void *zlib_alloc(void *env, unsigned n, unsigned size)
{
    return wa_alloc(env, n, size);
}

static void zlib_free(void *env, void *memory)
{
    wa_release(env, memory);
}

/* Packs what z has been given. */
static wa_status deflate_all(wa_output *output, int flush, wa_error *err)
{
    wa_status st   = WA_OK;
    int       code = Z_OK;

    do {
        if (output->n_buffered == BUFFER_SIZE)
            WA_TRY(wa_output_flush(output, err));
        output->z.next_out  = output->buffer + output->n_buffered;
        output->z.avail_out = (unsigned)(BUFFER_SIZE - output->n_buffered);
        code                = deflate(&output->z, flush);
        output->n_buffered  = BUFFER_SIZE - output->z.avail_out;
    } while (code != Z_STREAM_END && (output->z.avail_in > 0 || output->z.avail_out == 0 || flush == Z_FINISH));
done:
    return st;
}

static wa_status end_member(wa_output *output, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(deflate_all(output, Z_FINISH, err));
    deflateEnd(&output->z);
    output->in_member = false;
    output->n_member  = 0;
    output->last_mark = (wa_output_mark){ output->n_stored + output->n_buffered, output->n_written };
done:
    return st;
}

static wa_status begin_member(wa_output *output, wa_error *err)
{
    output->z = (z_stream){ .zalloc = zlib_alloc, .zfree = zlib_free, .opaque = (void *)(uintptr_t)output->env };
    if (deflateInit2(&output->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return wa_fail_memory(err, output->path);
    output->in_member = true;
    return WA_OK;
}

static wa_status write_packed(wa_output *output, const unsigned char *bytes, size_t n, wa_error *err)
{
    wa_status st = WA_OK;

    while (n > 0) {
        const size_t room = WA_OUTPUT_MEMBER - output->n_member, part = n < room ? n : room;

        if (!output->in_member)
            WA_TRY(begin_member(output, err));
        output->z.next_in  = (unsigned char *)(uintptr_t)bytes; /* zlib only reads it */
        output->z.avail_in = (unsigned)part;
        output->n_member += part;
        output->n_written += part;
        WA_TRY(deflate_all(output, Z_NO_FLUSH, err));
        if (output->n_member == WA_OUTPUT_MEMBER)
            WA_TRY(end_member(output, err));
        bytes += part;
        n -= part;
    }
done:
    return st;
}

wa_status wa_output_write(wa_output *output, const void *bytes, size_t n, wa_error *err)
{
    if (n == 0)
        return WA_OK; /* bytes may be NULL, which memcpy() does not take */
    if (output->is_gzip)
        return write_packed(output, bytes, n, err);
    output->n_written += n;
    return write_plain(output, bytes, n, err);
}

wa_output_mark wa_output_last_mark(const wa_output *output)
{
    return output->is_gzip ? output->last_mark : (wa_output_mark){ output->n_written, output->n_written };
}

wa_status wa_output_sync(wa_output *output, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(wa_output_flush(output, err));
    if (output->unfinished && fdatasync(output->fd) != 0)
        WA_TRY(fail_write(output, errno, err));
done:
    return st;
}

bool wa_output_can_rewrite(const wa_output *output)
{
    return !output->is_gzip && lseek(output->fd, 0, SEEK_CUR) >= 0;
}

wa_status wa_output_rewrite(wa_output *output, size_t offset, const void *bytes, size_t n, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(wa_output_flush(output, err));
    const ssize_t done = output->is_gzip ? -1 : pwrite(output->fd, bytes, n, (off_t)offset);
    if (done < 0 || (size_t)done != n)
        WA_TRY(fail_write(output, output->is_gzip ? ESPIPE : done < 0 ? errno : EIO, err));
done:
    return st;
}

/* ---------------------------------------------------------------- the end */

/* Nothing that is written ends as an empty file: an empty member says that it is gzip. */
wa_status wa_output_finish(wa_output *output, wa_error *err)
{
    wa_status st = WA_OK;

    if (output->is_gzip && output->n_written == 0)
        WA_TRY(begin_member(output, err));
    if (output->in_member)
        WA_TRY(end_member(output, err));
    st = output->is_part ? wa_output_sync(output, err) : wa_output_flush(output, err);
done:
    return st;
}

/* Some systems tell only now that something could not be written. */
static wa_status close_file(wa_output *output, wa_error *err)
{
    const int fd = output->fd;

    output->fd = -1;
    return close(fd) == 0 ? WA_OK : fail_write(output, errno, err);
}

static void forget_unfinished(wa_output *output)
{
    tell_temporary(output->env, NULL);
    wa_release(output->env, output->unfinished);
    output->unfinished = NULL;
}

/* A part is renamed while it is locked, so that no other process takes it for one to go on with. */
static wa_status rename_file(wa_output *output, wa_error *err)
{
    if (!output->unfinished)
        return WA_OK;
    if (rename(output->unfinished, output->path) != 0)
        return wa_fail_system(err, output->path, "cannot rename to this name", errno);
    forget_unfinished(output);
    return WA_OK;
}

wa_status wa_output_commit(wa_output *output, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(wa_output_finish(output, err));
    if (!output->is_part)
        WA_TRY(close_file(output, err));
    WA_TRY(rename_file(output, err));
done:
    wa_output_keep(output);
    return st;
}

static void end(wa_output *output, bool keeps_part)
{
    if (!output)
        return;
    if (output->in_member)
        deflateEnd(&output->z);
    if (output->unfinished && !(output->is_part && keeps_part))
        unlink(output->unfinished); /* before the lock is gone */
    if (output->unfinished)
        forget_unfinished(output);
    if (output->fd >= 0)
        close(output->fd);
    wa_release(output->env, output->path);
    wa_release(output->env, output);
}

void wa_output_discard(wa_output *output)
{
    end(output, false);
}

void wa_output_keep(wa_output *output)
{
    end(output, true);
}

wa_status wa_output_save(const char *path, const wa_buf *whole, const wa_env *env, wa_error *err)
{
    wa_status  st     = WA_OK;
    wa_output *output = NULL;

    if (whole->failed)
        WA_TRY(wa_fail_memory(err, path));
    WA_TRY(wa_output_open(path, env, &output, err));
    WA_TRY(wa_output_write(output, whole->data, whole->n_bytes, err));
    st     = wa_output_commit(output, err);
    output = NULL;
done:
    wa_output_discard(output);
    return st;
}

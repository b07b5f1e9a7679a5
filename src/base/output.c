/* Output that appears under its name only when it is whole. See output.h. */
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/path.h"
#include "base/status.h"
#include "base/str.h"

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
        WA_TRY(wa_fail_memory(err, path));
    output->env = env;
    if (!(output->path = wa_copy_text(env, wa_text_of(path))))
        WA_TRY(wa_fail_memory(err, path));
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

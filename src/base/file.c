/* Whole files in memory. See file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "base/stream.h"

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
    wa_status  st  = WA_OK;
    wa_buf     all = { .env = file->env };
    wa_stream *s   = NULL;
    size_t     got = 0;

    WA_TRY(wa_stream_open(path, file->env, &s, err));
    do {
        void *data = all.data;

        if (!wa_grow(all.env, &data, &all.capacity, all.n_bytes + WA_STREAM_BUFFER, 1))
            WA_FAIL(WA_ENOMEM, "%s: not enough memory after %zu bytes", path, all.n_bytes);
        all.data = data;
        WA_TRY(wa_stream_read(s, all.data + all.n_bytes, all.capacity - all.n_bytes, &got, err));
        all.n_bytes += got;
        if (all.n_bytes > most)
            WA_FAIL(WA_EFORMAT, "%s: found more than %zu bytes, expected at most so many", path, most);
    } while (got > 0);
    file->is_gzip = wa_stream_is_gzip(s);
    file->bytes   = wa_buf_view(&all);
    all           = (wa_buf){ .env = file->env };
done:
    wa_stream_close(s);
    wa_buf_clear(&all);
    return st;
}

wa_status wa_file_read(wa_file *file, const char *path, size_t most, const wa_env *env, wa_error *err)
{
    wa_status st = WA_OK;

    *file = (wa_file){ .env = env };
    if (strcmp(path, "-") != 0)
        WA_TRY(try_map(file, path, err));
    if (file->is_mapped && wa_stream_starts_gzip((const unsigned char *)file->bytes.data, file->bytes.n_bytes))
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

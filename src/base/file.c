/* Whole files in memory. See file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/status.h"
#include "base/stream.h"

enum {
    STEP = 1 << 20, /* bytes that are read before another thread is waited for */
    PAGE = 4096,    /* of memory; larger ones are written to more often than needed */
};

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

/* Reading a stream to its end, a step after the other. */
typedef struct reading {
    wa_stream *stream;
    char      *to; /* [STEP] for this step, and as much behind it for the next one */
    size_t     n;  /* bytes that this step read; fewer than STEP at the end */
    wa_status  status;
    wa_error   err;
} reading;

static void read_step(reading *r)
{
    size_t got = 1;

    for (r->n = 0; r->n < STEP && got > 0; r->n += got) {
        got = 0;
        if ((r->status = wa_stream_read(r->stream, r->to + r->n, STEP - r->n, &got, &r->err)) != WA_OK)
            return;
    }
}

/* The system gives memory when it is first written to, which takes a tenth of the time that unpacking takes. So while one thread
 * reads, another writes to each page that the next step will fill. */
static void read_or_write_ahead(void *user, size_t worker, size_t i)
{
    reading *const r = user;

    (void)worker;
    if (i == 0)
        read_step(r);
    else
        for (size_t at = STEP; at < 2 * STEP; at += PAGE)
            r->to[at] = 0;
}

static wa_status read_all(wa_file *file, const char *path, size_t most, wa_pool *pool, wa_error *err)
{
    wa_status st  = WA_OK;
    wa_buf    all = { .env = file->env };
    reading   r   = { .n = STEP };

    WA_TRY(wa_stream_open(path, file->env, &r.stream, err));
    while (r.n == STEP) {
        void *data = all.data;

        if (!wa_grow(all.env, &data, &all.capacity, all.n_bytes + 2 * STEP, 1))
            WA_FAIL(WA_ENOMEM, "%s: not enough memory after %zu bytes", path, all.n_bytes);
        all.data = data;
        r.to     = all.data + all.n_bytes;
        wa_pool_run(pool, read_or_write_ahead, &r, pool ? 2 : 1);
        if (r.status != WA_OK)
            WA_FAIL(r.status, "%s", r.err.message);
        all.n_bytes += r.n;
        if (all.n_bytes > most)
            WA_FAIL(WA_EFORMAT, "%s: found more than %zu bytes, expected at most so many", path, most);
    }
    file->is_gzip = wa_stream_is_gzip(r.stream);
    file->bytes   = wa_buf_view(&all);
    all           = (wa_buf){ .env = file->env };
done:
    wa_stream_close(r.stream);
    wa_buf_clear(&all);
    return st;
}

wa_status wa_file_read_with(wa_file *file, const char *path, size_t most, wa_pool *pool, const wa_env *env, wa_error *err)
{
    wa_status st = WA_OK;

    *file = (wa_file){ .env = env };
    if (strcmp(path, "-") != 0)
        WA_TRY(try_map(file, path, err));
    if (file->is_mapped && wa_stream_starts_gzip((const unsigned char *)file->bytes.data, file->bytes.n_bytes))
        wa_file_clear(file);
    if (!file->is_mapped)
        WA_TRY(read_all(file, path, most, pool, err));
done:
    return st;
}

wa_status wa_file_read(wa_file *file, const char *path, size_t most, const wa_env *env, wa_error *err)
{
    return wa_file_read_with(file, path, most, NULL, env, err);
}

size_t wa_file_size(const char *path)
{
    struct stat info;
    const bool  is_plain = strcmp(path, "-") != 0 && stat(path, &info) == 0 && S_ISREG(info.st_mode);

    return is_plain && info.st_size >= 0 ? (size_t)info.st_size : WA_NONE;
}

/* Opens a regular file; another one is not opened, as that may wait. */
static wa_status open_regular(const char *path, int *fd, wa_error *err)
{
    struct stat info;

    if (strcmp(path, "-") == 0)
        return wa_fail(err, WA_EUSAGE, "standard input cannot be read a second time; name a file");
    if (stat(path, &info) != 0)
        return wa_fail_system(err, path, "cannot open", errno);
    if (!S_ISREG(info.st_mode))
        return wa_fail(err, WA_EUSAGE, "%s: found no regular file, and nothing else can be read a second time", path);
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 ? WA_OK : wa_fail_system(err, path, "cannot open", errno);
}

static wa_status digest_all(int fd, const char *path, wa_digest *digest, uint64_t *n_bytes, wa_error *err)
{
    char    bytes[WA_STREAM_BUFFER];
    ssize_t n;

    for (*n_bytes = 0; (n = read(fd, bytes, sizeof bytes)) != 0; *n_bytes += (uint64_t)n) {
        if (n < 0)
            return wa_fail_system(err, path, "cannot read", errno);
        wa_digest_add(digest, bytes, (size_t)n);
    }
    return WA_OK;
}

wa_status wa_file_digest(const char *path, uint64_t *n_bytes, uint64_t *digest, wa_error *err)
{
    wa_status        st    = WA_OK;
    wa_digest *const state = wa_digest_new();
    int              fd    = -1;
    uint64_t         n     = 0;

    if (!state)
        WA_TRY(wa_fail_memory(err, path));
    WA_TRY(open_regular(path, &fd, err));
    WA_TRY(digest_all(fd, path, state, &n, err));
    *n_bytes = n;
    *digest  = wa_digest_value(state);
done:
    if (fd >= 0)
        close(fd);
    wa_digest_free(state);
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

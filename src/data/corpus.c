/* Texts by lines, from many files. See corpus.h. */
#include "data/corpus.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/lines.h"
#include "base/status.h"
#include "base/str.h"
#include "base/stream.h"

enum { SAMPLE = 4096 };

/* Bytes [from, to) of a file that belong to the shard, on the disk; to UINT64_MAX: all from there on. */
typedef struct range {
    uint64_t from, to;
} range;

struct wa_corpus {
    const wa_env      *env;
    const char *const *names; /* [n_files] files, or where are_texts texts */
    size_t             n_names;
    bool               are_texts;
    wa_corpus_opts     opts;
    uint64_t          *sizes;      /* [n_names] on the disk; UINT64_MAX: not known */
    uint64_t          *starts;     /* [n_names] bytes of the files before each, as far as they are known */
    range              own;        /* bytes of all files together */
    uint64_t           n_in_all;   /* bytes to read; 0: not known */
    uint64_t           n_before;   /* bytes that were read of the files before `file` */
    size_t             file;       /* the one in hand, or the next one of which there is anything to read */
    size_t             n_lines;    /* taken of it */
    wa_lines          *lines;      /* NULL: not opened yet */
    bool               has_failed; /* to open, for the reason in `failure` */
    wa_error           failure;
    uint64_t           end; /* lines that begin there or later are not ours */
    wa_digest         *digest;
    wa_corpus_place    reached; /* with what was given out last; `file` may be further */
};

/* ---------------------------------------------------------------- ranges */

/* a * b / c without overflow, for b <= c. */
static uint64_t share_of(uint64_t a, uint64_t b, uint64_t c)
{
    return c ? (uint64_t)((unsigned __int128)a * b / c) : 0;
}

static range range_of(const wa_corpus *corpus, size_t file)
{
    const uint64_t start = corpus->starts[file], size = corpus->sizes[file];
    const range    own = corpus->own;

    if (corpus->opts.n_shards == 0)
        return (range){ 0, UINT64_MAX };
    const uint64_t from = own.from < start ? 0 : own.from - start, to = own.to < start ? 0 : own.to - start;
    return (range){ from < size ? from : size, to < size ? to : UINT64_MAX };
}

static bool is_empty(const range *r, uint64_t size)
{
    return r->from >= (r->to < size ? r->to : size);
}

static wa_status count_unpacked(const char *name, const wa_env *env, bool *is_gzip, uint64_t *n, wa_error *err)
{
    wa_status  st     = WA_OK;
    wa_stream *stream = NULL;
    size_t     got;
    char       ignored[WA_STREAM_BUFFER];

    *n = 0;
    WA_TRY(wa_stream_open(name, env, &stream, err));
    do {
        WA_TRY(wa_stream_read(stream, ignored, sizeof ignored, &got, err));
        *is_gzip = wa_stream_is_gzip(stream);
        *n += got;
    } while (*is_gzip && got > 0);
done:
    wa_stream_close(stream);
    return st;
}

/* From bytes on the disk to bytes of the unpacked file. */
static wa_status unpack_range(const wa_corpus *corpus, range *r, wa_error *err)
{
    wa_status      st   = WA_OK;
    const uint64_t size = corpus->sizes[corpus->file];
    uint64_t       n;
    bool           is_gzip;

    if (r->from == 0 && r->to == UINT64_MAX)
        return WA_OK;
    WA_TRY(count_unpacked(corpus->names[corpus->file], corpus->env, &is_gzip, &n, err));
    if (!is_gzip)
        goto done;
    r->from = share_of(n, r->from, size);
    r->to   = r->to == UINT64_MAX ? r->to : share_of(n, r->to, size);
done:
    return st;
}

/* ---------------------------------------------------------------- opening */

static uint64_t size_on_disk(const char *name)
{
    struct stat about;

    if (strcmp(name, "-") == 0)
        return UINT64_MAX;
    return stat(name, &about) == 0 && S_ISREG(about.st_mode) ? (uint64_t)about.st_size : UINT64_MAX;
}

static wa_status check_shards(const wa_corpus *corpus, wa_error *err)
{
    for (size_t i = 0; i < corpus->n_names; i++) {
        if (corpus->sizes[i] != UINT64_MAX)
            continue;
        if (access(corpus->names[i], F_OK) != 0 && strcmp(corpus->names[i], "-") != 0)
            return wa_fail_system(err, corpus->names[i], "cannot open", errno);
        return wa_fail(err, WA_EUSAGE, "%s: found something else than a regular file; a shard is a range of bytes of files",
                       corpus->names[i]);
    }
    return WA_OK;
}

/* What is to be read of a file, in bytes on the disk; UINT64_MAX: not known. */
static uint64_t n_bytes_of(const wa_corpus *corpus, size_t file)
{
    const range r = range_of(corpus, file);

    return (r.to < corpus->sizes[file] ? r.to : corpus->sizes[file]) - r.from;
}

/* Passes over files of which the shard has nothing. */
static void pass_over(wa_corpus *corpus)
{
    for (; corpus->opts.n_shards > 0 && corpus->file < corpus->n_names; corpus->file++) {
        const range r = range_of(corpus, corpus->file);

        if (!is_empty(&r, corpus->sizes[corpus->file]))
            return;
    }
}

static wa_status measure(wa_corpus *corpus, wa_error *err)
{
    wa_status                   st    = WA_OK;
    const wa_corpus_opts *const o     = &corpus->opts;
    bool                        known = true;
    uint64_t                    total = 0;

    for (size_t i = 0; i < corpus->n_names; i++) {
        corpus->sizes[i]  = size_on_disk(corpus->names[i]);
        corpus->starts[i] = total;
        known             = known && corpus->sizes[i] != UINT64_MAX;
        total += known ? corpus->sizes[i] : 0;
    }
    corpus->own = (range){ 0, total };
    if (o->n_shards > 0) {
        WA_TRY(check_shards(corpus, err));
        corpus->own = (range){ share_of(total, o->shard - 1, o->n_shards), share_of(total, o->shard, o->n_shards) };
    }
    corpus->n_in_all = known ? corpus->own.to - corpus->own.from : 0;
    pass_over(corpus);
done:
    return st;
}

static wa_status new_corpus(const char *const *names, size_t n, const wa_env *env, wa_corpus **out, wa_error *err)
{
    wa_corpus *const corpus = wa_alloc_zeroed(env, 1, sizeof *corpus);

    if (!corpus)
        return wa_fail_memory(err, "input");
    corpus->env     = env;
    corpus->names   = names;
    corpus->n_names = n;
    corpus->sizes   = wa_alloc(env, n, sizeof *corpus->sizes);
    corpus->starts  = wa_alloc(env, n, sizeof *corpus->starts);
    corpus->digest  = wa_digest_new();
    *out            = corpus;
    return corpus->sizes && corpus->starts && corpus->digest ? WA_OK : wa_fail_memory(err, "input");
}

static void note_place(wa_corpus *corpus)
{
    corpus->reached = (wa_corpus_place){ corpus->file, corpus->n_lines, wa_digest_value(corpus->digest) };
}

wa_status wa_corpus_open(const char *const *files, size_t n_files, const wa_corpus_opts *opts, const wa_env *env, wa_corpus **out,
                         wa_error *err)
{
    wa_status  st     = WA_OK;
    wa_corpus *corpus = NULL;

    WA_TRY(new_corpus(files, n_files, env, &corpus, err));
    corpus->opts = *opts;
    WA_TRY(measure(corpus, err));
    note_place(corpus);
    *out   = corpus;
    corpus = NULL;
done:
    wa_corpus_close(corpus);
    return st;
}

wa_status wa_corpus_open_texts(const char *const *texts, size_t n_texts, const wa_env *env, wa_corpus **out, wa_error *err)
{
    wa_status  st     = WA_OK;
    wa_corpus *corpus = NULL;

    WA_TRY(new_corpus(texts, n_texts, env, &corpus, err));
    corpus->are_texts = true;
    *out              = corpus;
    corpus            = NULL;
done:
    wa_corpus_close(corpus);
    return st;
}

void wa_corpus_close(wa_corpus *corpus)
{
    if (!corpus)
        return;
    wa_lines_close(corpus->lines);
    wa_digest_free(corpus->digest);
    wa_release(corpus->env, corpus->starts);
    wa_release(corpus->env, corpus->sizes);
    wa_release(corpus->env, corpus);
}

/* ---------------------------------------------------------------- reading */

/* What was read of the file in hand. More is read than the shard takes, and a file may grow: that does not count. */
static uint64_t n_read(const wa_corpus *corpus)
{
    if (!corpus->lines)
        return 0;
    const uint64_t position = wa_lines_position(corpus->lines), from = range_of(corpus, corpus->file).from;
    const uint64_t n = position > from ? position - from : 0, most = n_bytes_of(corpus, corpus->file);

    return n < most ? n : most;
}

static void leave_file(wa_corpus *corpus)
{
    const uint64_t n = n_bytes_of(corpus, corpus->file);

    corpus->n_before += n == UINT64_MAX ? n_read(corpus) : n;
    wa_lines_close(corpus->lines);
    corpus->lines      = NULL;
    corpus->has_failed = false;
    corpus->n_lines    = 0;
    corpus->file++;
    pass_over(corpus);
}

static wa_status open_file(wa_corpus *corpus, wa_error *err)
{
    wa_status st = WA_OK;
    range     r  = range_of(corpus, corpus->file);

    wa_digest_add_number(corpus->digest, corpus->file);
    WA_TRY(unpack_range(corpus, &r, err));
    WA_TRY(wa_lines_open(corpus->names[corpus->file], corpus->env, &corpus->lines, err));
    wa_lines_limit(corpus->lines, corpus->opts.most_bytes);
    WA_TRY(wa_lines_start_at(corpus->lines, r.from, err));
    corpus->end = r.to;
done:
    return st;
}

static wa_corpus_event take_line(wa_corpus *corpus, wa_corpus_line *line, wa_error *err)
{
    wa_digest_add_number(corpus->digest, line->text.n_bytes);
    line->number = ++corpus->n_lines;
    if (!line->text.data) {
        wa_fail(err, WA_EFORMAT, "a line of %zu bytes, expected at most %zu; --max-line takes longer ones", line->text.n_bytes,
                corpus->opts.most_bytes);
        return WA_CORPUS_BAD_LINE;
    }
    wa_digest_add(corpus->digest, line->text.data, line->text.n_bytes);
    return WA_CORPUS_LINE;
}

/* The next line of the file in hand; WA_CORPUS_END is the end of the file. */
static wa_corpus_event next_of_file(wa_corpus *corpus, wa_corpus_line *line, wa_error *err)
{
    wa_status st       = WA_OK;
    bool      has_line = false;

    line->file = corpus->file;
    if (corpus->has_failed && err)
        *err = corpus->failure;
    if (corpus->has_failed)
        return WA_CORPUS_BAD_FILE;
    if (!corpus->lines)
        WA_TRY(open_file(corpus, err));
    line->offset = wa_lines_offset(corpus->lines);
    if (line->offset < corpus->end)
        WA_TRY(wa_lines_next(corpus->lines, &line->text, &has_line, err));
done:
    return st != WA_OK ? WA_CORPUS_BAD_FILE : has_line ? take_line(corpus, line, err) : WA_CORPUS_END;
}

static wa_corpus_event next_text(wa_corpus *corpus, wa_corpus_line *line)
{
    if (corpus->n_lines == corpus->n_names)
        return WA_CORPUS_END;
    *line = (wa_corpus_line){ .text = wa_text_of(corpus->names[corpus->n_lines]), .number = corpus->n_lines + 1 };
    corpus->n_lines++;
    return WA_CORPUS_LINE;
}

wa_corpus_event wa_corpus_next(wa_corpus *corpus, wa_corpus_line *line, wa_error *err)
{
    wa_corpus_event event = corpus->are_texts ? next_text(corpus, line) : WA_CORPUS_END;

    while (event == WA_CORPUS_END && !corpus->are_texts && corpus->file < corpus->n_names) {
        event = next_of_file(corpus, line, err);
        if (event == WA_CORPUS_END || event == WA_CORPUS_BAD_FILE)
            leave_file(corpus);
    }
    note_place(corpus);
    return event;
}

/* Whether the file in hand, or the next one, can be read without waiting. Where that fails, wa_corpus_next() meets it again and reports it;
 * nobody waits for the end of a regular file. */
static bool is_file_ready(wa_corpus *corpus)
{
    bool is_ready = true;

    if (!corpus->lines && !corpus->has_failed) {
        if (size_on_disk(corpus->names[corpus->file]) == UINT64_MAX)
            return false;
        corpus->has_failed = open_file(corpus, &corpus->failure) != WA_OK;
    }
    if (corpus->has_failed || wa_lines_offset(corpus->lines) >= corpus->end)
        return true;
    return wa_lines_poll(corpus->lines, &is_ready, NULL) != WA_OK || is_ready;
}

static bool is_file_over(const wa_corpus *corpus)
{
    return !corpus->has_failed && (wa_lines_offset(corpus->lines) >= corpus->end || wa_lines_are_over(corpus->lines));
}

/* Behind the end of a file comes the next one, which is not ready because this one is. */
bool wa_corpus_is_ready(wa_corpus *corpus)
{
    if (corpus->are_texts)
        return true;
    while (corpus->file < corpus->n_names) {
        if (!is_file_ready(corpus))
            return false;
        if (!is_file_over(corpus))
            return true;
        leave_file(corpus);
    }
    return true;
}

void wa_corpus_wait(wa_corpus *corpus)
{
    if (!corpus->lines)
        corpus->has_failed = open_file(corpus, &corpus->failure) != WA_OK;
    if (corpus->lines)
        wa_lines_wait(corpus->lines, corpus->opts.wake_fd);
}

wa_corpus_place wa_corpus_reached(const wa_corpus *corpus)
{
    return corpus->reached;
}

uint64_t wa_corpus_bytes_read(const wa_corpus *corpus)
{
    return corpus->n_before + n_read(corpus);
}

uint64_t wa_corpus_bytes_in_all(const wa_corpus *corpus)
{
    return corpus->n_in_all;
}

/* ---------------------------------------------------------------- telling files apart */

static bool add_sample(int fd, uint64_t offset, wa_digest *digest)
{
    char          bytes[SAMPLE];
    const ssize_t n = pread(fd, bytes, sizeof bytes, (off_t)offset);

    if (n > 0)
        wa_digest_add(digest, bytes, (size_t)n);
    return n >= 0;
}

wa_status wa_corpus_look_at(const char *file, wa_corpus_file *out, wa_error *err)
{
    wa_status        st     = WA_OK;
    wa_digest *const digest = wa_digest_new();
    int              fd     = -1;

    *out = (wa_corpus_file){ size_on_disk(file), 0 };
    if (!digest)
        WA_TRY(wa_fail_memory(err, file));
    if (out->n_bytes == UINT64_MAX)
        goto done;
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !add_sample(fd, 0, digest) || !add_sample(fd, out->n_bytes > SAMPLE ? out->n_bytes - SAMPLE : 0, digest)) {
        st = wa_fail_system(err, file, fd < 0 ? "cannot open" : "cannot read", errno);
        goto done;
    }
    out->sample = wa_digest_value(digest);
done:
    if (fd >= 0)
        close(fd);
    wa_digest_free(digest);
    return st;
}

/* base/lines: lines with a limit, from an offset on, and waited for, plain and packed. What a line is, and broken files, are in
 * check_file.c. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lines.h"
#include "base/output.h"
#include "base/status.h"
#include "base/str.h"
#include "base/stream.h"
#include "suites.h"
#include "support.h"

enum { MOST_LINES = 100 };

static wa_lines *open_lines(const char *path)
{
    wa_lines *lines = NULL;
    wa_error  err;

    ck_assert_msg(wa_lines_open(path, NULL, &lines, &err) == WA_OK, "%s", err.message);
    return lines;
}

/* The next line, or data NULL and WA_NONE bytes at the end. */
static wa_text next(wa_lines *lines)
{
    wa_text  line;
    wa_error err;
    bool     has_line;

    ck_assert_msg(wa_lines_next(lines, &line, &has_line, &err) == WA_OK, "%s", err.message);
    return has_line ? line : (wa_text){ NULL, WA_NONE };
}

static void expect_line(wa_lines *lines, const char *expected)
{
    const wa_text line = next(lines);

    if (!line.data || !wa_text_is(line, expected))
        ck_abort_msg("found %zu bytes: %s, expected '%s'", line.n_bytes, line.data ? wa_show(line).quoted : "none", expected);
}

static void expect_too_long(wa_lines *lines, size_t n_bytes)
{
    const wa_text line = next(lines);

    ck_assert_ptr_null(line.data);
    ck_assert_uint_eq(line.n_bytes, n_bytes);
}

static void expect_end(wa_lines *lines)
{
    expect_too_long(lines, WA_NONE);
    expect_too_long(lines, WA_NONE);
}

static bool is_ready(wa_lines *lines)
{
    bool ready = false;

    ck_assert_int_eq(wa_lines_poll(lines, &ready, NULL), WA_OK);
    return ready;
}

/* ---------------------------------------------------------------- a limit */

START_TEST(a_line_beyond_the_limit_is_its_length)
{
    wa_lines *const lines = open_lines(scratch_file("limit", "123\n1234\r\n12345\n123456\r\n\n\r\n1234\r\r\n1234\n12345", 44));

    wa_lines_limit(lines, 4);
    expect_line(lines, "123");
    expect_line(lines, "1234");
    expect_too_long(lines, 5);
    expect_too_long(lines, 6);
    expect_line(lines, "");
    expect_line(lines, "");
    expect_too_long(lines, 5); /* the first \r is of the line */
    expect_line(lines, "1234");
    expect_too_long(lines, 5);
    expect_end(lines);
    wa_lines_close(lines);
}
END_TEST

START_TEST(a_limit_of_nothing_leaves_empty_lines)
{
    wa_lines *const lines = open_lines(scratch_file("nothing", "\n\r\na\n\na", 7));

    wa_lines_limit(lines, 0);
    expect_line(lines, "");
    expect_line(lines, "");
    expect_too_long(lines, 1);
    expect_line(lines, "");
    expect_too_long(lines, 1);
    expect_end(lines);
    wa_lines_close(lines);
}
END_TEST

START_TEST(a_limit_may_change_between_lines)
{
    wa_lines *const lines = open_lines(scratch_file("changed", "one\ntwo\nthree\n", 14));

    wa_lines_limit(lines, 2);
    expect_too_long(lines, 3);
    wa_lines_limit(lines, SIZE_MAX);
    expect_line(lines, "two");
    wa_lines_limit(lines, 4);
    expect_too_long(lines, 5);
    expect_end(lines);
    wa_lines_close(lines);
}
END_TEST

/* Expects a line of n bytes 'x', then a short one and the end, under a limit. */
static void expect_limited(const char *path, size_t n, size_t most)
{
    wa_lines *const lines = open_lines(path);

    wa_lines_limit(lines, most);
    const wa_text line = next(lines);
    ck_assert_uint_eq(line.n_bytes, n);
    ck_assert_msg((line.data != NULL) == (n <= most), "a line of %zu bytes under a limit of %zu", n, most);
    if (line.data)
        ck_assert(line.data[0] == 'x' && memchr(line.data, '\r', n) == NULL);
    expect_line(lines, "ok");
    expect_end(lines);
    wa_lines_close(lines);
}

/* 65536 bytes are read at a time: a newline of either kind is cut there between its bytes, before and behind them, with a limit
 * just below, at and above the line; and with one of a few bytes, so that each buffer that is read is dropped. */
START_TEST(a_limit_does_not_see_the_borders_of_the_buffer)
{
    char *const text = malloc(140000);

    memset(text, 'x', 140000);
    for (size_t n = 65530; n < 131080; n += n == 65541 ? 65525 : 1) {
        for (size_t n_newline = 1; n_newline <= 2; n_newline++) {
            memcpy(text + n, &"\r\nok"[2 - n_newline], n_newline + 2);
            const char *const path   = scratch_file("border", text, n + n_newline + 2);
            const char *const packed = packed_file("border.gz", (wa_text){ text, n + n_newline + 2 }, SIZE_MAX);
            memset(text + n, 'x', 4);
            for (size_t most = n - 2; most <= n + 2; most++) {
                expect_limited(path, n, most);
                expect_limited(packed, n, most);
            }
            expect_limited(path, n, 2);
            expect_limited(packed, n, 2);
        }
    }
    free(text);
}
END_TEST

/* The same where a pipe gives a few bytes at a time. */
START_TEST(a_limit_does_not_see_how_bytes_arrive)
{
    const char *const path = scratch_path("pieces");
    const int         fd   = open_pipe(path);

    write_pipe(fd, wa_text_of("12"));
    wa_lines *const lines = open_lines(path);
    wa_lines_limit(lines, 4);
    ck_assert(!is_ready(lines));
    for (const char *const *piece = (const char *const[]){ "34", "\r", "\n1234", "5", "\r", "\n", "12345", "\r", "6", "", NULL };
         *piece; piece++) {
        write_pipe(fd, wa_text_of(*piece));
        if (!is_ready(lines))
            continue;
        if (strcmp(*piece, "\n1234") == 0)
            expect_line(lines, "1234");
        else
            expect_too_long(lines, 5);
        ck_assert(!is_ready(lines));
    }
    close(fd);
    expect_too_long(lines, 7); /* 12345, \r and 6 */
    expect_end(lines);
    wa_lines_close(lines);
}
END_TEST

START_TEST(a_byte_order_mark_is_dropped_under_any_limit)
{
    for (size_t most = 0; most < 5; most++) {
        for (size_t cut = 1; cut <= 6; cut++) {
            const char *const path = scratch_path("mark");
            const int         fd   = open_pipe(path);

            write_pipe(fd, (wa_text){ "\xEF\xBB\xBF"
                                      "ab\n",
                                      cut < 2 ? 2 : cut }); /* two bytes are waited for */
            wa_lines *const lines = open_lines(path);
            wa_lines_limit(lines, most);
            write_pipe(fd, wa_text_of(&"\xEF\xBB\xBF"
                                       "ab\n"[cut < 2 ? 2 : cut]));
            close(fd);
            if (most >= 2)
                expect_line(lines, "ab");
            else
                expect_too_long(lines, 2);
            ck_assert_uint_eq(wa_lines_offset(lines), 6);
            expect_end(lines);
            wa_lines_close(lines);
            remove(path);
        }
    }
}
END_TEST

static wa_status read_long_line(const wa_env *env, void *path)
{
    wa_status st    = WA_OK;
    wa_lines *lines = NULL;
    wa_text   line;
    bool      has_line;

    WA_TRY(wa_lines_open(path, env, &lines, NULL));
    wa_lines_limit(lines, 1000);
    WA_TRY(wa_lines_next(lines, &line, &has_line, NULL));
    ck_assert(has_line && !line.data && line.n_bytes == 3000000);
done:
    wa_lines_close(lines);
    return st;
}

static size_t most_at_once;

static void *note_size(void *user, void *old, size_t n_bytes)
{
    (void)user;
    most_at_once = n_bytes > most_at_once ? n_bytes : most_at_once;
    if (n_bytes == 0)
        free(old);
    return n_bytes > 0 ? realloc(old, n_bytes) : NULL;
}

/* Three megabytes; the stream itself has 65536 bytes and a little more, the lines one and a half times that. */
START_TEST(a_line_beyond_the_limit_takes_no_memory)
{
    const wa_env env  = { .reallocate = note_size };
    char *const  text = calloc(1, 3000000);
    char *const  path = (char *)(uintptr_t)scratch_file("memory", text, 3000000);

    most_at_once = 0;
    ck_assert_int_eq(read_long_line(&env, path), WA_OK);
    ck_assert_uint_lt(most_at_once, 2 * 65536);
    every_allocation_fails_in_turn(read_long_line, path, 10);
    free(text);
}
END_TEST

/* ---------------------------------------------------------------- offsets */

/* Odd lines: empty, with either newline, \r alone, a mark inside, long, none at the end. */
static const char odd[] = "first\n\n\r\nfour\r\n\xEF\xBB\xBF"
                          "five\n\r\r\n \nseven is a long line, longer than some shards are\r\n\n\n"
                          "a\rb\nz\xC3\xA4\nlast";

/* The lines of a text and where each begins, found byte by byte. */
typedef struct known_lines {
    size_t  n;
    size_t  begins[MOST_LINES];
    wa_text text[MOST_LINES];
} known_lines;

static void find_lines(wa_text text, known_lines *known)
{
    const size_t n_mark = wa_text_begins(text, wa_text_of("\xEF\xBB\xBF")) ? 3 : 0;

    known->n = 0;
    for (size_t at = 0, end; at < text.n_bytes; at = end + 1) {
        const size_t start = at == 0 ? n_mark : at;

        for (end = start; end < text.n_bytes && text.data[end] != '\n';)
            end++;
        if (end == start && end == text.n_bytes) /* nothing but a mark */
            return;
        const size_t n_bytes    = end - start;
        known->begins[known->n] = at;
        known->text[known->n++] = (wa_text){ text.data + start, n_bytes - (n_bytes > 0 && text.data[end - 1] == '\r') };
    }
}

typedef struct odd_file {
    char        bytes[sizeof odd + 3];
    wa_text     text;
    known_lines known;
    const char *path;
} odd_file;

/* Plain and packed in members of 7 bytes, with and without a mark, with and without a newline at the end. */
enum { N_FILES = 8 };

static void make_file(odd_file *file, int i)
{
    const wa_text body = { odd, strlen(odd) - (i & 1 ? 4 : 0) }; /* "last" */

    memcpy(file->bytes, "\xEF\xBB\xBF", 3);
    memcpy(file->bytes + 3, body.data, body.n_bytes);
    file->text = (wa_text){ file->bytes + (i & 2 ? 0 : 3), body.n_bytes + (i & 2 ? 3 : 0) };
    file->path = i & 4 ? packed_file("odd.gz", file->text, 7) : scratch_file("odd", file->text.data, file->text.n_bytes);
    find_lines(file->text, &file->known);
}

static void expect_known(wa_lines *lines, const known_lines *known, size_t i)
{
    ck_assert_uint_eq(wa_lines_offset(lines), known->begins[i]);
    const wa_text line = next(lines);
    if (!line.data || !wa_text_equal(line, known->text[i]))
        ck_abort_msg("line %zu: found %s", i, line.data ? wa_show(line).quoted : "none");
}

START_TEST(the_offset_is_where_the_next_line_begins)
{
    odd_file file;

    make_file(&file, _i);
    ck_assert_uint_eq(file.known.n, _i & 1 ? 12 : 13);
    wa_lines *const lines = open_lines(file.path);
    wa_lines_limit(lines, 60);
    for (size_t i = 0; i < file.known.n; i++)
        expect_known(lines, &file.known, i);
    ck_assert_uint_eq(wa_lines_offset(lines), file.text.n_bytes);
    expect_end(lines);
    ck_assert_uint_eq(wa_lines_offset(lines), file.text.n_bytes);
    wa_lines_close(lines);
}
END_TEST

/* From each offset of the file, the mark's among them, its end and far behind it. */
START_TEST(lines_start_at_the_first_that_begins_there_or_behind)
{
    odd_file file;

    make_file(&file, _i);
    for (uint64_t offset = 0; offset < file.text.n_bytes + 5; offset++) {
        wa_lines *const lines = open_lines(file.path);
        size_t          i     = 0;

        ck_assert_int_eq(wa_lines_start_at(lines, offset, NULL), WA_OK);
        while (i < file.known.n && file.known.begins[i] < offset)
            i++;
        for (; i < file.known.n; i++)
            expect_known(lines, &file.known, i);
        ck_assert_uint_eq(wa_lines_offset(lines), offset > file.text.n_bytes ? offset : file.text.n_bytes);
        expect_end(lines);
        wa_lines_close(lines);
    }
}
END_TEST

/* Lines of 999 bytes and a newline over four buffers, the last cut off; of random letters, so that packed too it is more than one. */
static const char *large_file(bool is_packed)
{
    const size_t n    = 4 * WA_STREAM_BUFFER;
    char *const  text = malloc(n);
    uint32_t     x    = 1;

    for (size_t i = 0; i < n; i++) {
        x       = x * 1664525u + 1013904223u; /* Numerical Recipes */
        text[i] = (char)(i % 1000 == 999 ? '\n' : 'a' + (x >> 24) % 26);
    }
    const char *const path = is_packed ? packed_file("large.gz", (wa_text){ text, n }, SIZE_MAX) : scratch_file("large", text, n);
    free(text);
    ck_assert_uint_gt(wa_file_size(path), 2 * WA_STREAM_BUFFER);
    return path;
}

/* A file that is read at once, and one that is not. */
START_TEST(a_start_far_behind_the_end_is_the_end)
{
    const uint64_t    far[]   = { 1 << 20, (uint64_t)INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX };
    const char *const paths[] = { scratch_file("small", odd, strlen(odd)), packed_file("small.gz", wa_text_of(odd), 7),
                                  large_file(false), large_file(true) };
    const char *const path    = paths[_i];

    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        wa_lines *const lines = open_lines(path);
        wa_error        err   = { 0 };

        ck_assert_msg(wa_lines_start_at(lines, far[i], &err) == WA_OK, "%s", err.message);
        ck_assert_uint_eq(wa_lines_offset(lines), far[i]);
        expect_end(lines);
        ck_assert_uint_eq(wa_lines_position(lines), wa_file_size(path));
        wa_lines_close(lines);
    }
}
END_TEST

/* Each of n readers takes the lines that begin in its part of the file. */
START_TEST(the_parts_of_a_file_are_together_all_its_lines)
{
    odd_file file;

    make_file(&file, _i);
    for (size_t n = 1; n <= 40; n++) {
        size_t n_found = 0;

        for (size_t i = 0; i < n; i++) {
            const size_t    end   = file.text.n_bytes * (i + 1) / n;
            wa_lines *const lines = open_lines(file.path);

            ck_assert_int_eq(wa_lines_start_at(lines, file.text.n_bytes * i / n, NULL), WA_OK);
            while (wa_lines_offset(lines) < end && n_found < file.known.n)
                expect_known(lines, &file.known, n_found++);
            wa_lines_close(lines);
        }
        ck_assert_uint_eq(n_found, file.known.n);
    }
}
END_TEST

/* From places in and behind the buffer that is read first. That what lies before is not read is seen with the huge file below. */
START_TEST(a_start_may_be_in_any_buffer)
{
    const char *const path = large_file(_i);

    for (size_t offset = 500; offset < 4 * WA_STREAM_BUFFER - 1000; offset += 9500) {
        wa_lines *const lines = open_lines(path);
        const size_t    first = (offset + 999) / 1000 * 1000;

        ck_assert_int_eq(wa_lines_start_at(lines, offset, NULL), WA_OK);
        ck_assert_uint_eq(wa_lines_offset(lines), first);
        ck_assert_uint_ge(wa_lines_position(lines), _i ? 1 : first);
        ck_assert_uint_le(wa_lines_position(lines), wa_file_size(path));
        ck_assert_uint_eq(next(lines).n_bytes, 999);
        ck_assert_uint_eq(wa_lines_offset(lines), first + 1000);
        wa_lines_close(lines);
    }
}
END_TEST

/* A hole of a terabyte takes no room on the disk and would take minutes to read. */
START_TEST(a_start_in_a_huge_file_comes_at_once)
{
    const uint64_t    far  = (uint64_t)1 << 40;
    const char *const path = scratch_file("huge", "begin\n", 6);
    const int         fd   = open(path, O_WRONLY);

    if (pwrite(fd, "\nfar\n", 5, (off_t)far) != 5) { /* not every file system has such files */
        close(fd);
        return;
    }
    close(fd);
    wa_lines *const lines = open_lines(path);
    ck_assert_int_eq(wa_lines_start_at(lines, far, NULL), WA_OK);
    ck_assert_uint_eq(wa_lines_offset(lines), far + 1);
    expect_line(lines, "far");
    expect_end(lines);
    ck_assert_uint_eq(wa_lines_position(lines), far + 5);
    wa_lines_close(lines);
}
END_TEST

START_TEST(lines_of_a_pipe_start_at_an_offset_too)
{
    const char *const path = scratch_path("offset");
    const int         fd   = open_pipe(path);

    write_pipe(fd, wa_text_of("one\ntwo\nthree"));
    wa_lines *const lines = open_lines(path);
    close(fd);
    ck_assert_int_eq(wa_lines_start_at(lines, 4, NULL), WA_OK);
    ck_assert_uint_eq(wa_lines_offset(lines), 4);
    expect_line(lines, "two");
    expect_line(lines, "three");
    expect_end(lines);
    ck_assert_uint_eq(wa_lines_position(lines), 13);
    wa_lines_close(lines);
}
END_TEST

START_TEST(a_file_that_breaks_before_the_offset_is_an_error)
{
    size_t            n;
    const char *const whole  = packed_file("whole.gz", wa_text_of("one\ntwo\nthree\n"), 7);
    char *const       bytes  = read_file(whole, &n);
    const char *const path   = scratch_file("cut.gz", bytes, n - 1);
    wa_lines *const   lines  = open_lines(path);
    wa_stream        *stream = NULL;
    wa_error          err    = { 0 };

    ck_assert_int_eq(wa_lines_start_at(lines, 100, &err), WA_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.message, "the file ends inside a gzip member"));
    ck_assert_int_eq(wa_stream_open(path, NULL, &stream, NULL), WA_OK);
    ck_assert_int_eq(wa_stream_skip(stream, 100, NULL), WA_EFORMAT);
    wa_stream_close(stream);
    wa_lines_close(lines);
    free(bytes);
}
END_TEST

START_TEST(the_position_is_that_in_the_packed_file)
{
    odd_file file;
    size_t   n;
    uint64_t before = 0;

    make_file(&file, _i);
    free(read_file(file.path, &n));
    wa_lines *const lines = open_lines(file.path);
    for (size_t i = 0; i < file.known.n; i++) {
        next(lines);
        ck_assert_uint_ge(wa_lines_position(lines), before);
        before = wa_lines_position(lines);
    }
    ck_assert_uint_gt(before, 0);
    expect_end(lines);
    ck_assert_uint_eq(wa_lines_position(lines), n);
    wa_lines_close(lines);
}
END_TEST

/* ---------------------------------------------------------------- a stream by itself */

START_TEST(a_stream_is_skipped_in_any_steps)
{
    odd_file file;

    make_file(&file, _i);
    for (size_t step = 1; step < file.text.n_bytes + 3; step++) {
        wa_stream *stream = NULL;
        char       byte;
        size_t     got = 1;

        ck_assert_int_eq(wa_stream_open(file.path, NULL, &stream, NULL), WA_OK);
        for (size_t at = 0; got > 0; at += step + 1) {
            ck_assert_int_eq(wa_stream_skip(stream, step, NULL), WA_OK);
            ck_assert_int_eq(wa_stream_read(stream, &byte, 1, &got, NULL), WA_OK);
            ck_assert_uint_eq(got, at + step < file.text.n_bytes);
            ck_assert(got == 0 || byte == file.text.data[at + step]);
        }
        wa_stream_close(stream);
    }
}
END_TEST

/* ---------------------------------------------------------------- waiting */

/* Where waiting does not end, the test never does. */
START_TEST(waiting_ends_when_input_comes_or_the_other_is_ready)
{
    const char *const path  = scratch_path("input");
    const int         fd    = open_pipe(path);
    const int         other = open_pipe(scratch_path("other"));

    write_pipe(fd, wa_text_of("one\n"));
    wa_lines *const lines = open_lines(path);
    wa_lines_wait(lines, -1); /* not looked at yet */
    ck_assert(is_ready(lines));
    expect_line(lines, "one");
    ck_assert(!is_ready(lines));
    write_pipe(other, wa_text_of("!"));
    wa_lines_wait(lines, other);
    ck_assert(!is_ready(lines));
    write_pipe(fd, wa_text_of("two\n"));
    wa_lines_wait(lines, -1);
    ck_assert(is_ready(lines));
    expect_line(lines, "two");
    close(fd);
    wa_lines_wait(lines, -1); /* the end is something to give */
    ck_assert(is_ready(lines));
    expect_end(lines);
    wa_lines_close(lines);
    close(other);
}
END_TEST

/* A process that writes later, when the reader waits or is about to: it is waited for either way, and the line is there then. */
START_TEST(waiting_waits)
{
    const char *const path   = scratch_path("later");
    const int         fd     = open_pipe(path);
    pid_t             writer = 0;

    write_pipe(fd, wa_text_of("\n"));
    wa_lines *const lines = open_lines(path);
    expect_line(lines, "");
    ck_assert(!is_ready(lines));
    if ((writer = fork()) == 0) {
        nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
        _exit(write(fd, "later\n", 6) == 6 ? 0 : 1);
    }
    wa_lines_wait(lines, -1);
    ck_assert(is_ready(lines));
    expect_line(lines, "later");
    int status;
    ck_assert_int_eq(waitpid(writer, &status, 0), writer);
    ck_assert_int_eq(status, 0);
    wa_lines_close(lines);
    close(fd);
}
END_TEST

static void do_nothing(int number)
{
    (void)number;
}

/* The signal comes again and again, so that one comes while the reader waits. */
START_TEST(waiting_ends_with_a_signal)
{
    const char *const path = scratch_path("signal");
    const int         fd   = open_pipe(path);
    const pid_t       me   = getpid();
    pid_t             sender;

    write_pipe(fd, wa_text_of("\n"));
    wa_lines *const lines = open_lines(path);
    expect_line(lines, "");
    ck_assert(!is_ready(lines));
    sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = do_nothing, .sa_flags = SA_RESTART }, NULL);
    if ((sender = fork()) == 0)
        for (;;) {
            nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
            if (kill(me, SIGUSR1) != 0)
                _exit(0);
        }
    wa_lines_wait(lines, -1);
    kill(sender, SIGKILL);
    ck_assert_int_eq(waitpid(sender, NULL, 0), sender);
    ck_assert(!is_ready(lines));
    wa_lines_close(lines);
    close(fd);
}
END_TEST

/* A signal each 100 us or so may come while the system looks, which then says neither yes nor no: taken for a yes, the reader would
 * wait for what nobody writes. */
START_TEST(a_signal_does_not_make_a_line_ready)
{
    const char *const      path  = scratch_path("signals");
    const int              fd    = open_pipe(path);
    const struct itimerval often = { .it_interval = { .tv_usec = 100 }, .it_value = { .tv_usec = 100 } };

    write_pipe(fd, wa_text_of("\n"));
    wa_lines *const lines = open_lines(path);
    expect_line(lines, "");
    sigaction(SIGALRM, &(struct sigaction){ .sa_handler = do_nothing, .sa_flags = SA_RESTART }, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (size_t i = 0; i < 100000; i++)
        if (is_ready(lines))
            ck_abort_msg("ready in round %zu", i);
    setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
    wa_lines_close(lines);
    close(fd);
}
END_TEST

Suite *wa_suite_lines(void)
{
    Suite *const suite = suite_create("lines");
    TCase *const tcase = new_case("lines");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_line_beyond_the_limit_is_its_length);
    tcase_add_test(tcase, a_limit_of_nothing_leaves_empty_lines);
    tcase_add_test(tcase, a_limit_may_change_between_lines);
    tcase_add_test(tcase, a_limit_does_not_see_the_borders_of_the_buffer);
    tcase_add_test(tcase, a_limit_does_not_see_how_bytes_arrive);
    tcase_add_test(tcase, a_byte_order_mark_is_dropped_under_any_limit);
    tcase_add_test(tcase, a_line_beyond_the_limit_takes_no_memory);
    tcase_add_loop_test(tcase, the_offset_is_where_the_next_line_begins, 0, N_FILES);
    tcase_add_loop_test(tcase, lines_start_at_the_first_that_begins_there_or_behind, 0, N_FILES);
    tcase_add_loop_test(tcase, a_start_far_behind_the_end_is_the_end, 0, 4);
    tcase_add_loop_test(tcase, the_parts_of_a_file_are_together_all_its_lines, 0, N_FILES);
    tcase_add_loop_test(tcase, a_start_may_be_in_any_buffer, 0, 2);
    tcase_add_test(tcase, a_start_in_a_huge_file_comes_at_once);
    tcase_add_test(tcase, lines_of_a_pipe_start_at_an_offset_too);
    tcase_add_test(tcase, a_file_that_breaks_before_the_offset_is_an_error);
    tcase_add_loop_test(tcase, the_position_is_that_in_the_packed_file, 0, N_FILES);
    tcase_add_loop_test(tcase, a_stream_is_skipped_in_any_steps, 0, N_FILES);
    tcase_add_test(tcase, waiting_ends_when_input_comes_or_the_other_is_ready);
    tcase_add_test(tcase, waiting_waits);
    tcase_add_test(tcase, waiting_ends_with_a_signal);
    tcase_add_test(tcase, a_signal_does_not_make_a_line_ready);
    suite_add_tcase(suite, tcase);
    return suite;
}

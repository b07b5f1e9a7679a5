/* Files read whole and by lines, plain and packed: streams, files and lines share their broken inputs. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/lines.h"
#include "base/output.h"
#include "base/status.h"
#include "base/str.h"
#include "base/stream.h"
#include "suites.h"
#include "support.h"

/* What `printf 'one\ntwo\n' | gzip -9n`, and the same with "three\n", write: no time, no name. */
static const unsigned char packed_12[] = { 0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xCB, 0xCF, 0x4B, 0xE5,
                                           0x2A, 0x29, 0xCF, 0xE7, 0x02, 0x00, 0xE6, 0x0B, 0xBA, 0x12, 0x08, 0x00, 0x00, 0x00 };
static const unsigned char packed_3[]  = { 0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2B, 0xC9, 0x28,
                                           0x4A, 0x4D, 0xE5, 0x02, 0x00, 0xD8, 0xC5, 0x46, 0xFF, 0x06, 0x00, 0x00, 0x00 };

#define PLAIN_12 "one\ntwo\n"
#define PLAIN_3  "three\n"

/* Joins pieces into a new file; {NULL, 0} ends them. */
static const char *joined(const char *name, const wa_text *pieces)
{
    wa_buf buf = { 0 };

    for (; pieces->data; pieces++)
        wa_buf_text(&buf, *pieces);
    const char *const path = scratch_file(name, buf.data, buf.n_bytes);
    wa_buf_clear(&buf);
    return path;
}

#define PACKED_12                                                                                                                  \
    {                                                                                                                              \
        (const char *)packed_12, sizeof packed_12                                                                                  \
    }
#define PACKED_3                                                                                                                   \
    {                                                                                                                              \
        (const char *)packed_3, sizeof packed_3                                                                                    \
    }
#define END                                                                                                                        \
    {                                                                                                                              \
        NULL, 0                                                                                                                    \
    }

static void expect_content(const char *path, const char *expected, bool is_mapped, bool is_gzip)
{
    wa_file  file;
    wa_error err;

    ck_assert_msg(wa_file_read(&file, path, SIZE_MAX, NULL, &err) == WA_OK, "%s", err.message);
    ck_assert_uint_eq(file.bytes.n_bytes, strlen(expected));
    ck_assert(wa_text_is(file.bytes, expected));
    ck_assert_int_eq(file.is_mapped, is_mapped);
    ck_assert_int_eq(file.is_gzip, is_gzip);
    wa_file_clear(&file);
    ck_assert_uint_eq(file.bytes.n_bytes, 0);
    wa_file_clear(&file); /* a second time is nothing */
}

/* The message begins with the path, which differs from run to run, and goes on with `rest`. */
static void expect_failure(const char *path, wa_status status, const char *rest)
{
    wa_file  file;
    wa_error err = { 0 };

    ck_assert_int_eq(wa_file_read(&file, path, SIZE_MAX, NULL, &err), status);
    ck_assert_int_eq(err.status, status);
    ck_assert_msg(strncmp(err.message, path, strlen(path)) == 0, "%s", err.message);
    ck_assert_str_eq(err.message + strlen(path), rest);
    wa_file_clear(&file);
}

/* ---------------------------------------------------------------- whole files */

START_TEST(a_plain_file_is_mapped)
{
    expect_content(scratch_file("plain", "some\0bytes", 4), "some", true, false);
    expect_content(scratch_file("one", "\x1F", 1), "\x1F", true, false); /* half of what begins gzip */
}
END_TEST

START_TEST(an_empty_file_is_empty)
{
    expect_content(scratch_file("empty", "", 0), "", false, false);
    expect_content("/dev/null", "", false, false);
}
END_TEST

START_TEST(a_missing_file_and_a_folder_are_refused_with_the_reason)
{
    const char *const folder = scratch_path("folder");

    ck_assert_int_eq(mkdir(folder, 0777), 0);
    expect_failure(scratch_path("missing"), WA_EIO, ": cannot open: No such file or directory");
    expect_failure(folder, WA_EIO, ": cannot read: Is a directory");
}
END_TEST

START_TEST(gzip_is_unpacked_from_one_member_or_three)
{
    expect_content(joined("one.gz", (wa_text[]){ PACKED_12, END }), PLAIN_12, false, true);
    expect_content(joined("three.gz", (wa_text[]){ PACKED_12, PACKED_3, PACKED_12, END }), PLAIN_12 PLAIN_3 PLAIN_12, false, true);
    expect_content(joined("no-suffix", (wa_text[]){ PACKED_3, END }), PLAIN_3, false, true);
}
END_TEST

/* gzip(1) passes over zero bytes too: tapes are padded with them. */
START_TEST(zero_bytes_after_a_member_are_passed_over)
{
    static const char zeros[70000] = { 0 }; /* more than the reader holds at a time */

    expect_content(joined("padded", (wa_text[]){ PACKED_12, { zeros, 512 }, END }), PLAIN_12, false, true);
    expect_content(joined("padded2", (wa_text[]){ PACKED_12, { zeros, sizeof zeros }, PACKED_3, END }), PLAIN_12 PLAIN_3, false,
                   true);
}
END_TEST

START_TEST(other_bytes_after_a_member_are_refused_with_their_place)
{
    char expected[300];

    snprintf(expected, sizeof expected,
             ": byte %zu of the packed file: found 'rubbish!' after a gzip member, expected another member or the end; "
             "cut the file there to use what is before",
             sizeof packed_12);
    expect_failure(joined("rubbish", (wa_text[]){ PACKED_12, { "rubbish!!", 9 }, END }), WA_EFORMAT, expected);
    snprintf(expected, sizeof expected,
             ": byte %zu of the packed file: found '\\x1F' after a gzip member, expected another member or the end; "
             "cut the file there to use what is before",
             sizeof packed_12 + 3);
    expect_failure(joined("half", (wa_text[]){ PACKED_12, { "\0\0\0\x1F", 4 }, END }), WA_EFORMAT, expected);
}
END_TEST

START_TEST(a_packed_file_cut_anywhere_is_refused)
{
    for (size_t n = 2; n < sizeof packed_12; n++) {
        char expected[100];

        snprintf(expected, sizeof expected, ": byte %zu of the packed file: the file ends inside a gzip member; get the file again",
                 n);
        expect_failure(scratch_file("cut", packed_12, n), WA_EFORMAT, expected);
    }
}
END_TEST

START_TEST(a_changed_byte_of_a_packed_file_is_seen)
{
    unsigned char changed[sizeof packed_12];

    memcpy(changed, packed_12, sizeof changed);
    changed[sizeof changed - 8] ^= 1; /* the first byte of the checksum */
    char expected[120];
    snprintf(expected, sizeof expected,
             ": byte %zu of the packed file: broken gzip data (incorrect data check); get the file again", sizeof changed - 8);
    expect_failure(scratch_file("changed", changed, sizeof changed), WA_EFORMAT, expected);
    changed[2] = 7; /* a method that nobody has defined; a header's first ten bytes are taken at once */
    expect_failure(scratch_file("method", changed, sizeof changed), WA_EFORMAT,
                   ": byte 10 of the packed file: broken gzip data (unknown compression method); get the file again");
}
END_TEST

/* Starts a process that writes the pieces into a new named pipe, `pause_ms` apart, and ends well only if it could. */
static const char *start_writer(const char *name, const wa_text *pieces, long pause_ms, pid_t *writer)
{
    const char *const path = scratch_path(name);

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    if ((*writer = fork()) != 0) {
        ck_assert_int_gt(*writer, 0);
        return path;
    }
    signal(SIGPIPE, SIG_IGN);
    const int fd = open(path, O_WRONLY);
    bool      ok = fd >= 0;
    for (; ok && pieces->data; pieces++) {
        nanosleep(&(struct timespec){ .tv_nsec = pause_ms * 1000000 }, NULL);
        ok = write(fd, pieces->data, pieces->n_bytes) == (ssize_t)pieces->n_bytes;
    }
    _exit(ok ? 0 : 1);
}

static void expect_writer_done(pid_t writer)
{
    int status;

    ck_assert_int_eq(waitpid(writer, &status, 0), writer);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the writer of the pipe was left without a reader");
}

START_TEST(a_named_pipe_is_read_to_its_end)
{
    pid_t             writer;
    const char *const path = start_writer("pipe", (wa_text[]){ { "so", 2 }, { "me", 2 }, END }, 30, &writer);

    expect_content(path, "some", false, false);
    expect_writer_done(writer);
}
END_TEST

START_TEST(gzip_through_a_named_pipe_is_unpacked_however_it_is_cut)
{
    const char *const bytes    = (const char *)packed_12;
    const size_t      last     = sizeof packed_12 - 1;
    const wa_text     pieces[] = { { bytes, 1 }, { bytes + 1, 10 }, { bytes + 11, last - 11 }, { bytes + last, 1 }, PACKED_3, END };
    pid_t             writer;

    expect_content(start_writer("pipe.gz", pieces, 10, &writer), PLAIN_12 PLAIN_3, false, true);
    expect_writer_done(writer);
}
END_TEST

/* The header has all there may be: an extra field, a name, a comment and a checksum of its own. Written by Python: the header by hand,
 * zlib.crc32() of what is before for its checksum, zlib.compressobj(wbits=-15) of PLAIN_12 for the rest. */
START_TEST(a_header_with_everything_may_come_byte_by_byte)
{
    static const unsigned char packed[] = { 0x1F, 0x8B, 0x08, 0x1E, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x05, 0x00,
                                            0x61, 0x62, 0x01, 0x00, 0x78, 0x6E, 0x61, 0x6D, 0x65, 0x00, 0x77, 0x68,
                                            0x79, 0x00, 0xAC, 0xC0, 0xCB, 0xCF, 0x4B, 0xE5, 0x2A, 0x29, 0xCF, 0xE7,
                                            0x02, 0x00, 0xE6, 0x0B, 0xBA, 0x12, 0x08, 0x00, 0x00, 0x00 };
    wa_text                    pieces[sizeof packed + 1];
    pid_t                      writer;

    for (size_t i = 0; i < sizeof packed; i++)
        pieces[i] = (wa_text){ (const char *)packed + i, 1 };
    pieces[sizeof packed] = (wa_text)END;
    expect_content(start_writer("bytes.gz", pieces, 1, &writer), PLAIN_12, false, true);
    expect_writer_done(writer);
    expect_content(scratch_file("header.gz", packed, sizeof packed), PLAIN_12, false, true);

    unsigned char changed[sizeof packed];
    memcpy(changed, packed, sizeof changed);
    changed[12] ^= 1; /* in the extra field */
    expect_failure(scratch_file("header-changed.gz", changed, sizeof changed), WA_EFORMAT,
                   ": byte 28 of the packed file: broken gzip data (incorrect data check); get the file again");
}
END_TEST

/* Lines that repeat what is near and far, and lines that repeat nothing, read in pieces of `room` bytes. */
START_TEST(gzip_is_unpacked_into_any_room)
{
    static const size_t rooms[] = { 1, 7, 4096, 40000, 1 << 20 };
    const char *const   path    = scratch_path("rooms.gz");
    const size_t        n = 300000, room = rooms[_i];
    char *const plain = malloc(n), *const unpacked = malloc(n + room);
    wa_output *output     = NULL;
    wa_stream *stream     = NULL;
    size_t     n_unpacked = 0, got = 1;

    for (size_t i = 0; i < n; i++)
        plain[i] = i < 40000 || i % 5000 < 500 ? (char)(i * 2654435761u >> 13) : plain[i - (i % 2500 < 1000 ? 33 : 32768)];
    ck_assert_int_eq(wa_output_open(path, NULL, &output, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(output, plain, n, NULL), WA_OK);
    ck_assert_int_eq(wa_output_commit(output, NULL), WA_OK);
    ck_assert_int_eq(wa_stream_open(path, NULL, &stream, NULL), WA_OK);
    for (; got > 0 && n_unpacked <= n; n_unpacked += got)
        ck_assert_int_eq(wa_stream_read(stream, unpacked + n_unpacked, room, &got, NULL), WA_OK);
    ck_assert_uint_eq(n_unpacked, n);
    ck_assert(memcmp(unpacked, plain, n) == 0);
    wa_stream_close(stream);
    free(plain);
    free(unpacked);
}
END_TEST

/* All of the member is in the pipe when its first word is read, and nothing else comes while the second one waits. */
START_TEST(what_was_unpacked_and_did_not_fit_is_ready)
{
    const char *const path   = scratch_path("waiting.gz");
    wa_stream        *stream = NULL;
    char              word[4];
    size_t            got;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    const int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, packed_12, sizeof packed_12 - 8), sizeof packed_12 - 8); /* without checksum and length */
    ck_assert_int_eq(wa_stream_open(path, NULL, &stream, NULL), WA_OK);
    ck_assert_int_eq(wa_stream_read(stream, word, sizeof word, &got, NULL), WA_OK);
    ck_assert(wa_text_is((wa_text){ word, got }, "one\n"));
    ck_assert(wa_stream_is_ready(stream));
    ck_assert_int_eq(wa_stream_read(stream, word, sizeof word, &got, NULL), WA_OK);
    ck_assert(wa_text_is((wa_text){ word, got }, "two\n"));
    wa_stream_close(stream);
    close(fd);
}
END_TEST

START_TEST(what_may_have_no_end_is_read_up_to_a_limit)
{
    const char *const packed = joined("limited.gz", (wa_text[]){ PACKED_12, END });
    wa_file           file;
    wa_error          err;

    ck_assert_int_eq(wa_file_read(&file, "/dev/zero", 100000, NULL, &err), WA_EFORMAT);
    ck_assert_str_eq(err.message, "/dev/zero: found more than 100000 bytes, expected at most so many");
    ck_assert_int_eq(wa_file_read(&file, packed, strlen(PLAIN_12) - 1, NULL, &err), WA_EFORMAT);
    ck_assert_str_eq(err.message + strlen(packed), ": found more than 7 bytes, expected at most so many");
    ck_assert_int_eq(wa_file_read(&file, packed, strlen(PLAIN_12), NULL, &err), WA_OK);
    wa_file_clear(&file);
    ck_assert_int_eq(wa_file_read(&file, scratch_file("mapped", "12", 2), 1, NULL, &err), WA_OK); /* its end is known */
    ck_assert(file.is_mapped);
    wa_file_clear(&file);
}
END_TEST

/* Somewhat more than three steps of a megabyte, and exactly three, so that the end is found at the start of a step. */
START_TEST(a_second_thread_changes_nothing_that_is_read)
{
    const size_t      n      = 3 * (1 << 20) + (_i == 0 ? 12345 : 0);
    const char *const path   = scratch_path("long.gz");
    uint32_t *const   plain  = malloc(n + sizeof *plain);
    wa_output        *output = NULL;
    wa_pool          *pool   = NULL;
    wa_file           file;

    for (size_t i = 0; i < n / sizeof *plain + 1; i++)
        plain[i] = (uint32_t)i * 2654435761u;
    ck_assert_int_eq(wa_output_open(path, NULL, &output, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(output, plain, n, NULL), WA_OK);
    ck_assert_int_eq(wa_output_commit(output, NULL), WA_OK);
    ck_assert_int_eq(wa_pool_new(2, NULL, &pool, NULL), WA_OK);
    ck_assert_int_eq(wa_file_read_with(&file, path, SIZE_MAX, pool, NULL, NULL), WA_OK);
    ck_assert_uint_eq(file.bytes.n_bytes, n);
    ck_assert(memcmp(file.bytes.data, plain, n) == 0);
    ck_assert_uint_gt(wa_file_size(path), n); /* random bytes: gzip adds its headers */
    ck_assert_uint_eq(wa_file_size("-"), WA_NONE);
    wa_file_clear(&file);
    wa_pool_free(pool);
    free(plain);
}
END_TEST

static wa_status read_whole(const wa_env *env, void *path)
{
    wa_file         file;
    const wa_status st = wa_file_read(&file, path, SIZE_MAX, env, NULL);

    wa_file_clear(&file);
    return st;
}

static uint64_t digest_of(const void *bytes, size_t n)
{
    wa_digest *const digest = wa_digest_new();

    ck_assert_ptr_nonnull(digest);
    wa_digest_add(digest, bytes, n);
    const uint64_t value = wa_digest_value(digest);
    wa_digest_free(digest);
    return value;
}

/* More than is read at once; packed bytes count as they lie there. */
START_TEST(the_fingerprint_of_a_file_is_that_of_its_bytes)
{
    enum { N = 3 * WA_STREAM_BUFFER + 5 };
    char *const bytes = calloc(N, 1);
    uint64_t    n, value;

    for (size_t i = 0; i < N; i++)
        bytes[i] = (char)(i * i >> 3);
    ck_assert_int_eq(wa_file_digest(scratch_file("long", bytes, N), &n, &value, NULL), WA_OK);
    ck_assert_uint_eq(n, N);
    ck_assert_uint_eq(value, digest_of(bytes, N));
    ck_assert_int_eq(wa_file_digest(scratch_file("packed", packed_12, sizeof packed_12), &n, &value, NULL), WA_OK);
    ck_assert_uint_eq(n, sizeof packed_12);
    ck_assert_uint_eq(value, digest_of(packed_12, sizeof packed_12));
    ck_assert_int_eq(wa_file_digest(scratch_file("empty", "", 0), &n, &value, NULL), WA_OK);
    ck_assert_uint_eq(n, 0);
    free(bytes);
}
END_TEST

START_TEST(what_is_not_there_a_second_time_has_no_fingerprint)
{
    const char *const pipe = scratch_path("pipe");
    uint64_t          n = 7, value = 7;
    wa_error          err;

    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    ck_assert_int_eq(wa_file_digest(pipe, &n, &value, &err), WA_EUSAGE); /* not opened: nobody writes to it */
    ck_assert_ptr_nonnull(strstr(err.message, "found no regular file"));
    ck_assert_int_eq(wa_file_digest("/", &n, &value, &err), WA_EUSAGE);
    ck_assert_int_eq(wa_file_digest("-", &n, &value, &err), WA_EUSAGE);
    ck_assert_int_eq(wa_file_digest(scratch_path("none"), &n, &value, &err), WA_EIO);
    ck_assert_ptr_nonnull(strstr(err.message, "none: cannot open: No such file"));
    ck_assert(n == 7 && value == 7);
}
END_TEST

START_TEST(reading_survives_every_failing_allocation)
{
    every_allocation_fails_in_turn(read_whole, (void *)(uintptr_t)joined("oom.gz", (wa_text[]){ PACKED_12, PACKED_3, END }), 20);
    every_allocation_fails_in_turn(read_whole, (void *)(uintptr_t)scratch_file("oom", "", 0), 20);
}
END_TEST

/* ---------------------------------------------------------------- lines */

static void expect_lines(const char *path, const char *const *expected)
{
    wa_lines *lines = NULL;
    wa_error  err;
    wa_text   line;
    bool      has_line;

    ck_assert_msg(wa_lines_open(path, NULL, &lines, &err) == WA_OK, "%s", err.message);
    for (; *expected; expected++) {
        ck_assert_int_eq(wa_lines_next(lines, &line, &has_line, &err), WA_OK);
        ck_assert_msg(has_line && wa_text_is(line, *expected), "found %s, expected '%s'",
                      has_line ? wa_show(line).quoted : "the end", *expected);
    }
    for (size_t i = 0; i < 2; i++) { /* the end stays the end */
        ck_assert_int_eq(wa_lines_next(lines, &line, &has_line, &err), WA_OK);
        ck_assert(!has_line);
    }
    wa_lines_close(lines);
}

#define LINES(...)                                                                                                                 \
    (const char *const[])                                                                                                          \
    {                                                                                                                              \
        __VA_ARGS__, NULL                                                                                                          \
    }

START_TEST(lines_end_in_either_newline_or_none)
{
    expect_lines(scratch_file("a", "one\ntwo\n", 8), LINES("one", "two"));
    expect_lines(scratch_file("b", "one\r\ntwo", 8), LINES("one", "two"));
    expect_lines(scratch_file("c", "\n\r\n\n", 4), LINES("", "", ""));
    expect_lines(scratch_file("d", "a\rb\n\r\rc\r\r\n", 10), LINES("a\rb", "\r\rc\r")); /* one \r belongs to the newline */
    expect_lines(scratch_file("e", " ", 1), LINES(" "));
    expect_lines(scratch_file("f", "", 0), (const char *const[]){ NULL });
    expect_lines("/dev/null", (const char *const[]){ NULL });
}
END_TEST

START_TEST(a_byte_order_mark_is_dropped_at_the_start_only)
{
    expect_lines(scratch_file("a", "\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo", 13), LINES("one", "\xEF\xBB\xBFtwo"));
    expect_lines(scratch_file("b", "\xEF\xBB\xBF", 3), (const char *const[]){ NULL });
    expect_lines(scratch_file("c", "\xEF\xBB\xBF\n", 4), LINES(""));
    expect_lines(scratch_file("d", "\xEF\xBB", 2), LINES("\xEF\xBB"));
    expect_lines(scratch_file("e", "\xEF\nx\n", 4), LINES("\xEF", "x"));
}
END_TEST

START_TEST(a_byte_order_mark_that_arrives_in_pieces_is_dropped)
{
    pid_t             writer;
    const char *const path = start_writer(
        "mark", (wa_text[]){ { "\xEF", 1 }, { "\xBB", 1 }, { "\xBF", 1 }, { "on", 2 }, { "e\r", 2 }, { "\nx", 2 }, END }, 10,
        &writer);

    expect_lines(path, LINES("one", "x"));
    expect_writer_done(writer);
}
END_TEST

START_TEST(packed_lines_run_over_the_borders_of_members)
{
    expect_lines(joined("lines.gz", (wa_text[]){ PACKED_12, PACKED_3, END }), LINES("one", "two", "three"));
}
END_TEST

/* 65536 bytes are read at a time. Lines of every length around that and its double, with either newline at the border. */
START_TEST(lines_run_over_the_borders_of_the_buffer)
{
    char *const text = malloc(140000);

    for (size_t n = 65530; n < 131080; n += n == 65541 ? 65525 : 1) {
        char     *expected = malloc(n + 1);
        wa_lines *lines    = NULL;
        wa_text   line;
        bool      has_line;

        memset(expected, 'x', n);
        expected[n] = '\0';
        expected[0] = 'a';
        memcpy(text, expected, n);
        memcpy(text + n, "\r\nsecond\n\nlast", 14);
        const char *const path = scratch_file("border", text, n + 14);
        expect_lines(path, LINES(expected, "second", "", "last"));
        ck_assert_int_eq(wa_lines_open(path, NULL, &lines, NULL), WA_OK); /* closing early loses nothing */
        ck_assert_int_eq(wa_lines_next(lines, &line, &has_line, NULL), WA_OK);
        wa_lines_close(lines);
        free(expected);
    }
    free(text);
    wa_lines_close(NULL);
}
END_TEST

/* Numbers that hardly repeat, so that the packed file too is many times the 65536 bytes that are read at a time. */
/* Writes to a pipe whose reader is `lines`, then expects it to be ready or not. */
static void expect_ready(wa_lines *lines, int fd, wa_text written, bool expected)
{
    bool is_ready = !expected;

    ck_assert_int_eq(write(fd, written.data, written.n_bytes), (ssize_t)written.n_bytes);
    ck_assert_int_eq(wa_lines_poll(lines, &is_ready, NULL), WA_OK);
    ck_assert_msg(is_ready == expected, "after %s", wa_show(written).quoted);
}

static void expect_next(wa_lines *lines, const char *expected)
{
    wa_text line;
    bool    has_line;

    ck_assert_int_eq(wa_lines_next(lines, &line, &has_line, NULL), WA_OK);
    ck_assert_msg(has_line ? expected && wa_text_is(line, expected) : !expected, "found %s",
                  has_line ? wa_show(line).quoted : "the end");
}

/* The pipe is written by the reader itself, so nothing here depends on time; where it waits nevertheless, the test never ends. */
START_TEST(lines_of_a_pipe_are_ready_when_all_of_one_is_there)
{
    const char *const path  = scratch_path("ready");
    wa_lines         *lines = NULL;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    const int fd = open(path, O_RDWR);
    ck_assert_int_eq(write(fd, "\n", 1), 1);
    ck_assert_int_eq(wa_lines_open(path, NULL, &lines, NULL), WA_OK);
    expect_ready(lines, fd, wa_text_of(""), true);
    expect_next(lines, "");
    expect_ready(lines, fd, wa_text_of(""), false);
    expect_ready(lines, fd, wa_text_of("on"), false);
    expect_ready(lines, fd, wa_text_of("e\ntwo\nthr"), true);
    expect_ready(lines, fd, wa_text_of(""), true);
    expect_next(lines, "one");
    expect_next(lines, "two");
    expect_ready(lines, fd, wa_text_of("ee"), false);
    close(fd);
    bool is_ready = false;
    ck_assert_int_eq(wa_lines_poll(lines, &is_ready, NULL), WA_OK);
    ck_assert(is_ready);
    expect_next(lines, "three");
    expect_next(lines, NULL);
    wa_lines_close(lines);
}
END_TEST

START_TEST(packed_lines_of_a_pipe_are_ready_when_their_member_is_there)
{
    const char *const path  = scratch_path("ready.gz");
    wa_lines         *lines = NULL;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    const int fd = open(path, O_RDWR);
    ck_assert_int_eq(write(fd, packed_12, sizeof packed_12), (ssize_t)sizeof packed_12);
    ck_assert_int_eq(wa_lines_open(path, NULL, &lines, NULL), WA_OK);
    expect_ready(lines, fd, wa_text_of(""), true);
    expect_next(lines, "one");
    expect_next(lines, "two");
    expect_ready(lines, fd, wa_text_of(""), false);
    expect_ready(lines, fd, (wa_text)PACKED_3, true);
    expect_next(lines, "three");
    close(fd);
    expect_next(lines, NULL);
    wa_lines_close(lines);
}
END_TEST

START_TEST(many_packed_lines_come_out_as_they_went_in)
{
    const char *const path  = scratch_path("many.gz");
    wa_output        *out   = NULL;
    wa_lines         *lines = NULL;
    wa_text           line;
    bool              has_line = true;
    char              text[40];
    size_t            n_packed;

    ck_assert_int_eq(wa_output_open(path, NULL, &out, NULL), WA_OK);
    for (size_t i = 0; i < 100000; i++) {
        snprintf(text, sizeof text, "%zu %zx\n", i * i * 2654435761u, i * 40503u);
        if (wa_output_write(out, text, strlen(text), NULL) != WA_OK)
            ck_abort_msg("line %zu", i);
    }
    ck_assert_int_eq(wa_output_commit(out, NULL), WA_OK);
    free(read_file(path, &n_packed));
    ck_assert_uint_gt(n_packed, 10 * 65536);
    ck_assert_int_eq(wa_lines_open(path, NULL, &lines, NULL), WA_OK);
    for (size_t i = 0; i < 100000; i++) {
        snprintf(text, sizeof text, "%zu %zx", i * i * 2654435761u, i * 40503u);
        if (wa_lines_next(lines, &line, &has_line, NULL) != WA_OK || !has_line || !wa_text_is(line, text))
            ck_abort_msg("line %zu", i);
    }
    ck_assert_int_eq(wa_lines_next(lines, &line, &has_line, NULL), WA_OK);
    ck_assert(!has_line);
    wa_lines_close(lines);
}
END_TEST

START_TEST(lines_of_a_broken_file_come_until_the_break_which_names_the_file)
{
    char              name[200];
    const char *const path  = joined("broken.gz", (wa_text[]){ PACKED_12, { "rubbish", 7 }, END });
    wa_lines         *lines = NULL;
    wa_error          err;
    wa_text           line;
    bool              has_line = false;

    snprintf(name, sizeof name, "%s", path);
    ck_assert_int_eq(wa_lines_open(name, NULL, &lines, &err), WA_OK);
    memset(name, '?', strlen(name)); /* the caller's memory is borrowed for the call only */
    ck_assert_int_eq(wa_lines_next(lines, &line, &has_line, &err), WA_OK);
    ck_assert(has_line && wa_text_is(line, "one"));
    ck_assert_int_eq(wa_lines_next(lines, &line, &has_line, &err), WA_OK);
    ck_assert(has_line && wa_text_is(line, "two"));
    ck_assert_int_eq(wa_lines_next(lines, &line, &has_line, &err), WA_EFORMAT);
    ck_assert_msg(strncmp(err.message, path, strlen(path)) == 0, "%s", err.message);
    ck_assert_ptr_nonnull(strstr(err.message, "found 'rubbish' after a gzip member"));
    wa_lines_close(lines);
}
END_TEST

START_TEST(lines_of_a_missing_file_or_a_folder_are_refused)
{
    wa_lines *lines = NULL;
    wa_text   line;
    bool      has_line;
    wa_error  err;

    ck_assert_int_eq(wa_lines_open(scratch_path("missing"), NULL, &lines, &err), WA_EIO);
    ck_assert_ptr_nonnull(strstr(err.message, "missing: cannot open: No such file or directory"));
    ck_assert_ptr_null(lines);
    ck_assert_int_eq(wa_lines_open("/", NULL, &lines, NULL), WA_OK);
    ck_assert_int_eq(wa_lines_next(lines, &line, &has_line, &err), WA_EIO);
    ck_assert_str_eq(err.message, "/: cannot read: Is a directory");
    wa_lines_close(lines);
}
END_TEST

static wa_status read_lines(const wa_env *env, void *path)
{
    wa_status st       = WA_OK;
    wa_error *err      = NULL;
    wa_lines *lines    = NULL;
    wa_text   line     = { NULL, 0 };
    bool      has_line = true;

    WA_TRY(wa_lines_open(path, env, &lines, err));
    while (has_line)
        WA_TRY(wa_lines_next(lines, &line, &has_line, err));
done:
    wa_lines_close(lines);
    return st;
}

START_TEST(lines_survive_every_failing_allocation)
{
    char *const long_line = calloc(1, 200000);

    every_allocation_fails_in_turn(read_lines, (void *)(uintptr_t)scratch_file("oom", long_line, 200000), 20);
    every_allocation_fails_in_turn(read_lines, (void *)(uintptr_t)joined("oom.gz", (wa_text[]){ PACKED_12, PACKED_3, END }), 20);
    free(long_line);
}
END_TEST

Suite *wa_suite_file(void)
{
    Suite *const suite = suite_create("file");
    TCase *const tcase = new_case("file");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_plain_file_is_mapped);
    tcase_add_test(tcase, an_empty_file_is_empty);
    tcase_add_test(tcase, a_missing_file_and_a_folder_are_refused_with_the_reason);
    tcase_add_test(tcase, gzip_is_unpacked_from_one_member_or_three);
    tcase_add_test(tcase, zero_bytes_after_a_member_are_passed_over);
    tcase_add_test(tcase, other_bytes_after_a_member_are_refused_with_their_place);
    tcase_add_test(tcase, a_packed_file_cut_anywhere_is_refused);
    tcase_add_test(tcase, a_changed_byte_of_a_packed_file_is_seen);
    tcase_add_test(tcase, the_fingerprint_of_a_file_is_that_of_its_bytes);
    tcase_add_test(tcase, what_is_not_there_a_second_time_has_no_fingerprint);
    tcase_add_test(tcase, a_named_pipe_is_read_to_its_end);
    tcase_add_test(tcase, gzip_through_a_named_pipe_is_unpacked_however_it_is_cut);
    tcase_add_test(tcase, a_header_with_everything_may_come_byte_by_byte);
    tcase_add_loop_test(tcase, gzip_is_unpacked_into_any_room, 0, 5);
    tcase_add_test(tcase, what_was_unpacked_and_did_not_fit_is_ready);
    tcase_add_test(tcase, what_may_have_no_end_is_read_up_to_a_limit);
    tcase_add_loop_test(tcase, a_second_thread_changes_nothing_that_is_read, 0, 2);
    tcase_add_test(tcase, reading_survives_every_failing_allocation);
    tcase_add_test(tcase, lines_end_in_either_newline_or_none);
    tcase_add_test(tcase, a_byte_order_mark_is_dropped_at_the_start_only);
    tcase_add_test(tcase, a_byte_order_mark_that_arrives_in_pieces_is_dropped);
    tcase_add_test(tcase, packed_lines_run_over_the_borders_of_members);
    tcase_add_test(tcase, lines_run_over_the_borders_of_the_buffer);
    tcase_add_test(tcase, lines_of_a_pipe_are_ready_when_all_of_one_is_there);
    tcase_add_test(tcase, packed_lines_of_a_pipe_are_ready_when_their_member_is_there);
    tcase_add_test(tcase, many_packed_lines_come_out_as_they_went_in);
    tcase_add_test(tcase, lines_of_a_broken_file_come_until_the_break_which_names_the_file);
    tcase_add_test(tcase, lines_of_a_missing_file_or_a_folder_are_refused);
    tcase_add_test(tcase, lines_survive_every_failing_allocation);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* Lines of many files: the shards are together what all the files are, and a place that was reached is found again. What a line is and
 * where one begins is in check_lines.c. */
#include "data/corpus.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "base/str.h"
#include "suites.h"
#include "support.h"

enum { MOST_SHARDS = 40, MOST_LINES = 100, LIMIT = 60 };

static const wa_corpus_opts everything = { .most_bytes = SIZE_MAX, .wake_fd = -1 };

/* ---------------------------------------------------------------- files */

#define WORDS20 "twenty bytes of text "
#define LONG    WORDS20 WORDS20 WORDS20 WORDS20 WORDS20 WORDS20 WORDS20 WORDS20

/* All together have some 700 bytes on the disk, so of 40 shards one has about 18, and the long lines go through many of them. */
static const struct made {
    const char *text;
    size_t      n_member; /* bytes of a member of gzip; 0: plain */
} made[] = {
    { "the first file\nhas three lines\nof text\n", 0 },
    { "", 0 },
    { "without a newline\n\nat its end", 0 },
    { "packed\nin one\n\n\nmember\n" LONG "\nis what\nthis is", SIZE_MAX },
    { "short\n" LONG "\nshort again\n" LONG LONG, 0 },
    { "a\r\n\r\nb\r\r\nc\r\n", 0 },
    { "packed\nin members\nof seven bytes\n\n", 7 },
    { "", SIZE_MAX },
    { "\xEF\xBB\xBFmarked\n\xEF\xBB\xBFnot marked\n", 0 },
    { "\n\n\n", 0 },
    { "", 0 },
};

enum { N_FILES = sizeof made / sizeof *made };

static const char *names[N_FILES];

/* What reading everything is to give, found byte by byte. */
static wa_corpus_line expected[MOST_LINES];
static size_t         n_expected;

static void expect_lines_of(size_t file, const char *text)
{
    const size_t n_bytes = strlen(text);
    size_t       number  = 0;

    for (size_t at = 0, end; at < n_bytes; at = end + 1) {
        const size_t start = at == 0 && strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : at;

        for (end = start; end < n_bytes && text[end] != '\n';)
            end++;
        const size_t n         = end - start - (end > start && text[end - 1] == '\r');
        expected[n_expected++] = (wa_corpus_line){ file, ++number, at, { text + start, n } };
    }
}

static void make_files(void)
{
    n_expected = 0;
    for (size_t i = 0; i < N_FILES; i++) {
        const wa_text text = wa_text_of(made[i].text);
        char          name[16];

        snprintf(name, sizeof name, "%zu", i);
        names[i] = made[i].n_member ? packed_file(name, text, made[i].n_member) : scratch_file(name, text.data, text.n_bytes);
        expect_lines_of(i, made[i].text);
    }
}

static wa_corpus *open_files(const char *const *files, size_t n, const wa_corpus_opts *opts)
{
    wa_corpus *corpus = NULL;
    wa_error   err;

    ck_assert_msg(wa_corpus_open(files, n, opts, NULL, &corpus, &err) == WA_OK, "%s", err.message);
    return corpus;
}

static wa_corpus *open_shard(size_t shard, size_t n_shards)
{
    wa_corpus_opts opts = everything;

    opts.shard    = shard;
    opts.n_shards = n_shards;
    return open_files(names, N_FILES, &opts);
}

static void expect_event(wa_corpus *corpus, wa_corpus_event event, wa_corpus_line *line)
{
    wa_error              err   = { .message = "" };
    const wa_corpus_event found = wa_corpus_next(corpus, line, &err);

    ck_assert_msg(found == event, "event %d, expected %d: %s", (int)found, (int)event, err.message);
}

static void expect_text(wa_corpus *corpus, const char *text)
{
    wa_corpus_line line;

    expect_event(corpus, WA_CORPUS_LINE, &line);
    ck_assert_msg(wa_text_is(line.text, text), "found %s, expected '%s'", wa_show(line.text).quoted, text);
}

static void expect_bad_file(wa_corpus *corpus, size_t file, wa_status status, const char *part)
{
    wa_corpus_line line;
    wa_error       err = { .message = "" };

    ck_assert_int_eq(wa_corpus_next(corpus, &line, &err), WA_CORPUS_BAD_FILE);
    ck_assert_uint_eq(line.file, file);
    ck_assert_int_eq(err.status, status);
    ck_assert_msg(strstr(err.message, part) != NULL, "'%s' is not in: %s", part, err.message);
}

static void expect_end(wa_corpus *corpus)
{
    wa_corpus_line line;

    expect_event(corpus, WA_CORPUS_END, &line);
    expect_event(corpus, WA_CORPUS_END, &line);
}

/* ---------------------------------------------------------------- shards */

/* Expects the lines of a shard from expected[*next] on; n_before: lines of each file in the shards before. */
static void expect_shard(wa_corpus *corpus, size_t *next, size_t n_before[N_FILES])
{
    size_t         n_here[N_FILES] = { 0 };
    wa_corpus_line line;

    while (wa_corpus_next(corpus, &line, NULL) == WA_CORPUS_LINE) {
        ck_assert_uint_lt(*next, n_expected);
        const wa_corpus_line *const e = &expected[(*next)++];

        ck_assert_uint_eq(line.file, e->file);
        ck_assert_uint_eq(line.number + n_before[line.file], e->number);
        ck_assert_uint_eq(line.offset, e->offset);
        ck_assert_msg(wa_text_equal(line.text, e->text), "found %s", wa_show(line.text).quoted);
        n_here[line.file] = line.number;
    }
    for (size_t i = 0; i < N_FILES; i++)
        n_before[i] += n_here[i];
    expect_end(corpus);
}

START_TEST(the_shards_are_together_all_lines_in_order)
{
    make_files();
    for (size_t n = 0; n <= MOST_SHARDS; n++) {
        size_t next = 0, n_before[N_FILES] = { 0 };

        for (size_t shard = 1; shard <= (n ? n : 1); shard++) {
            wa_corpus *const corpus = open_shard(shard, n);

            expect_shard(corpus, &next, n_before);
            wa_corpus_close(corpus);
        }
        ck_assert_uint_eq(next, n_expected);
    }
}
END_TEST

START_TEST(files_without_bytes_have_shards_without_lines)
{
    const char *const empty[] = { scratch_file("nothing", "", 0), scratch_file("neither", "", 0) };

    for (size_t shard = 1; shard <= 3; shard++) {
        const wa_corpus_opts opts = { shard, 3, SIZE_MAX, -1 };
        wa_corpus *const corpus = open_files(empty, 2, &opts), *const none = open_files(empty, 0, &opts);

        expect_end(corpus);
        expect_end(none);
        wa_corpus_close(corpus);
        wa_corpus_close(none);
    }
}
END_TEST

/* A hole takes no room on the disk. Three files of 2^42 bytes in 2^40 shards: products of 83 bits. */
START_TEST(shares_of_huge_files_do_not_overflow)
{
    const char *const    huge    = scratch_file("huge", "", 0);
    const char *const    files[] = { huge, huge, huge };
    const uint64_t       size    = (uint64_t)1 << 42;
    const int            fd      = open(huge, O_WRONLY);
    const wa_corpus_opts opts    = { (size_t)1 << 40, (size_t)1 << 40, SIZE_MAX, -1 };
    wa_corpus_line       line;

    if (pwrite(fd, "\nend", 4, (off_t)size - 4) != 4) { /* not every file system has such files */
        close(fd);
        return;
    }
    close(fd);
    wa_corpus *const corpus = open_files(files, 3, &opts);
    ck_assert_uint_eq(wa_corpus_bytes_in_all(corpus), 12); /* 3 * 2^42 / 2^40 */
    expect_event(corpus, WA_CORPUS_LINE, &line);
    ck_assert_uint_eq(line.file, 2);
    ck_assert_uint_eq(line.offset, size - 3);
    ck_assert(wa_text_is(line.text, "end"));
    expect_end(corpus);
    wa_corpus_close(corpus);
}
END_TEST

static void expect_refused(const char *file, wa_status status, const char *part)
{
    const char *const    files[] = { names[0], file };
    const wa_corpus_opts opts    = { 1, 2, SIZE_MAX, -1 };
    wa_corpus           *corpus  = NULL;
    wa_error             err     = { .message = "" };

    ck_assert_int_eq(wa_corpus_open(files, 2, &opts, NULL, &corpus, &err), status);
    ck_assert_ptr_null(corpus);
    ck_assert_msg(strstr(err.message, part) != NULL, "'%s' is not in: %s", part, err.message);
}

START_TEST(shards_are_of_regular_files_that_are_there)
{
    const char *const pipe = scratch_path("pipe");

    make_files();
    close(open_pipe(pipe));
    expect_refused(pipe, WA_EUSAGE, "pipe: found something else than a regular file");
    expect_refused("/", WA_EUSAGE, "/: found something else than a regular file");
    expect_refused("-", WA_EUSAGE, "-: found something else than a regular file");
    expect_refused(scratch_path("none"), WA_EIO, "none: cannot open: No such file");
}
END_TEST

/* "-" is standard input, also where a file has that name. */
START_TEST(a_file_named_as_standard_input_is_not_taken_for_it)
{
    char           before[4096], folder[4096];
    wa_corpus_file looks;

    make_files();
    strcpy(folder, scratch_file("-", "12345", 5));
    *strrchr(folder, '/') = '\0';
    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_int_eq(chdir(folder), 0);
    expect_refused("-", WA_EUSAGE, "-: found something else than a regular file");
    ck_assert_int_eq(wa_corpus_look_at("-", &looks, NULL), WA_OK);
    ck_assert_int_eq(chdir(before), 0);
    ck_assert_uint_eq(looks.n_bytes, UINT64_MAX);
}
END_TEST

/* ---------------------------------------------------------------- bad lines and files */

START_TEST(a_line_that_is_too_long_has_its_number_and_the_next_one_is_read)
{
    wa_corpus_opts opts = everything;
    wa_corpus_line line;
    size_t         n_bad = 0;

    make_files();
    opts.most_bytes         = LIMIT;
    wa_corpus *const corpus = open_files(names, N_FILES, &opts);
    for (size_t i = 0; i < n_expected; i++) {
        const bool is_bad = expected[i].text.n_bytes > LIMIT;
        wa_error   err    = { .message = "" };

        ck_assert_int_eq(wa_corpus_next(corpus, &line, &err), is_bad ? WA_CORPUS_BAD_LINE : WA_CORPUS_LINE);
        ck_assert_uint_eq(line.file, expected[i].file);
        ck_assert_uint_eq(line.number, expected[i].number);
        ck_assert_uint_eq(line.offset, expected[i].offset);
        ck_assert_int_eq(is_bad ? err.status : WA_EFORMAT, WA_EFORMAT);
        n_bad += is_bad;
    }
    ck_assert_uint_eq(n_bad, 3);
    expect_end(corpus);
    wa_corpus_close(corpus);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_reported_and_the_next_one_is_read)
{
    size_t            n;
    const char *const whole   = packed_file("whole.gz", wa_text_of("one\ntwo\nthree\n"), 8);
    char *const       bytes   = read_file(whole, &n);
    const char *const files[] = { scratch_path("none"),
                                  scratch_file("good", "first\n", 6),
                                  "/",
                                  scratch_file("cut.gz", bytes, n - 1),
                                  scratch_file("text.xz",
                                               "\xFD"
                                               "7zXZ\0........",
                                               14),
                                  scratch_file("fine", "last", 4),
                                  scratch_path("none") };
    wa_corpus *const  corpus  = open_files(files, 7, &everything);

    expect_bad_file(corpus, 0, WA_EIO, "none: cannot open: No such file");
    expect_text(corpus, "first");
    expect_bad_file(corpus, 2, WA_EIO, "/: cannot read: Is a directory");
    expect_text(corpus, "one");
    expect_text(corpus, "two");
    expect_text(corpus, "three"); /* all is there but the end of the checksum */
    expect_bad_file(corpus, 3, WA_EFORMAT, "cut.gz: byte ");
    expect_bad_file(corpus, 4, WA_EFORMAT, "packed with xz");
    expect_text(corpus, "last");
    expect_bad_file(corpus, 6, WA_EIO, "none: cannot open");
    expect_end(corpus);
    wa_corpus_close(corpus);
    free(bytes);
}
END_TEST

/* Between opening and reading: the first file goes, of the second half is cut off, the third grows. */
START_TEST(files_may_change_before_they_are_read)
{
    const char *const    files[] = { scratch_file("gone", "1\n2\n", 4), scratch_file("cut", "3\n4\n5\n6\n", 8),
                                     scratch_file("grown", "7\n8\n", 4) };
    const wa_corpus_opts opts    = { 2, 2, SIZE_MAX, -1 };
    wa_corpus *const corpus = open_files(files, 3, &everything), *const shard = open_files(files, 3, &opts);

    remove(files[0]);
    scratch_file("cut", "3\n4\n", 4);
    scratch_file("grown", "7\n8\n9\n", 6);
    expect_bad_file(corpus, 0, WA_EIO, "gone: cannot open");
    for (size_t i = 3; i <= 9; i += i == 4 ? 3 : 1)
        expect_text(corpus, (const char[]){ (char)('0' + i), '\0' });
    expect_end(corpus);
    ck_assert_uint_eq(wa_corpus_bytes_read(corpus), 16);
    for (size_t i = 7; i <= 9; i++) /* it was to begin in the middle of the second file */
        expect_text(shard, (const char[]){ (char)('0' + i), '\0' });
    expect_end(shard);
    ck_assert_uint_eq(wa_corpus_bytes_read(shard), 8);
    wa_corpus_close(corpus);
    wa_corpus_close(shard);
}
END_TEST

START_TEST(files_of_which_a_shard_has_nothing_are_not_opened)
{
    const char *const files[] = { scratch_file("first", "1\n2\n", 4), scratch_file("second", "3\n4\n", 4) };

    for (size_t shard = 1; shard <= 2; shard++) {
        const wa_corpus_opts opts   = { shard, 2, SIZE_MAX, -1 };
        wa_corpus *const     corpus = open_files(files, 2, &opts);

        remove(files[2 - shard]);
        expect_text(corpus, shard == 1 ? "1" : "3");
        expect_text(corpus, shard == 1 ? "2" : "4");
        expect_end(corpus);
        wa_corpus_close(corpus);
        scratch_file("second", "3\n4\n", 4);
    }
}
END_TEST

/* ---------------------------------------------------------------- places */

/* Reads n events. */
static wa_corpus_place read_some(wa_corpus *corpus, size_t n)
{
    wa_corpus_line line;

    while (n-- > 0 && wa_corpus_next(corpus, &line, NULL) != WA_CORPUS_END)
        continue;
    return wa_corpus_reached(corpus);
}

/* Reads until a place is reached or passed, as a run does that goes on. */
static wa_corpus_place read_up_to(wa_corpus *corpus, const wa_corpus_place *to)
{
    wa_corpus_place here  = wa_corpus_reached(corpus);
    wa_corpus_event event = WA_CORPUS_LINE;
    wa_corpus_line  line;

    while (event != WA_CORPUS_END && (here.file < to->file || (here.file == to->file && here.n_lines < to->n_lines))) {
        event = wa_corpus_next(corpus, &line, NULL);
        here  = wa_corpus_reached(corpus);
    }
    return here;
}

static void expect_place(const wa_corpus_place *found, const wa_corpus_place *wanted)
{
    ck_assert_uint_eq(found->file, wanted->file);
    ck_assert_uint_eq(found->n_lines, wanted->n_lines);
    ck_assert_uint_eq(found->digest, wanted->digest);
}

/* Wherever somebody stopped, in everything and in each of three shards, whether he asked for what is ready or not. */
START_TEST(a_place_is_found_again_by_reading_up_to_it)
{
    make_files();
    for (size_t shard = 0; shard <= 3; shard++) {
        for (size_t n = 0; n <= n_expected + 1; n++) {
            wa_corpus *const corpus = open_shard(shard, shard ? 3 : 0), *const again = open_shard(shard, shard ? 3 : 0);
            const wa_corpus_place place = read_some(corpus, n);

            ck_assert(wa_corpus_is_ready(corpus));
            const wa_corpus_place asked = wa_corpus_reached(corpus), found = read_up_to(again, &place);
            expect_place(&asked, &place);
            expect_place(&found, &place);
            wa_corpus_close(corpus);
            wa_corpus_close(again);
        }
    }
}
END_TEST

static wa_corpus_place place_after(const char *const *files, size_t n_files, size_t most_bytes, size_t n)
{
    wa_corpus_opts opts = everything;

    opts.most_bytes              = most_bytes;
    wa_corpus *const      corpus = open_files(files, n_files, &opts);
    const wa_corpus_place place  = read_some(corpus, n);
    wa_corpus_close(corpus);
    return place;
}

START_TEST(other_lines_have_another_digest)
{
    const char *const here = scratch_file("here", "one\ntwo\nthree\n", 14), *const other =
                                                                                scratch_file("other", "one\nTwo\nthree\n", 14);
    const char *const cut = scratch_file("cut", "on\netwo\nthree\n", 14), *const later =
                                                                              scratch_file("later", "one\ntwo\nThree\n", 14);
    const char *const packed = packed_file("packed", wa_text_of("one\r\ntwo\r\nthree"), 7), *const empty =
                                                                                                scratch_file("empty", "", 0);
    const uint64_t digest = place_after(&here, 1, SIZE_MAX, 2).digest;

    ck_assert_uint_eq(place_after(&packed, 1, SIZE_MAX, 2).digest, digest);
    ck_assert_uint_eq(place_after(&later, 1, SIZE_MAX, 2).digest, digest);
    ck_assert_uint_ne(place_after(&later, 1, SIZE_MAX, 3).digest, place_after(&here, 1, SIZE_MAX, 3).digest);
    ck_assert_uint_ne(place_after(&other, 1, SIZE_MAX, 2).digest, digest);
    ck_assert_uint_ne(place_after(&cut, 1, SIZE_MAX, 2).digest, digest);
    ck_assert_uint_ne(place_after(&here, 1, 2, 2).digest, digest); /* lines that are too long */
    ck_assert_uint_ne(place_after((const char *[]){ empty, here }, 2, SIZE_MAX, 2).digest, digest);
}
END_TEST

START_TEST(a_file_that_failed_is_found_again_and_one_that_was_mended_is_not)
{
    const char *const     files[] = { scratch_path("none"), scratch_file("good", "good\n", 5) };
    const wa_corpus_place failed  = place_after(files, 2, SIZE_MAX, 1);
    wa_corpus_place       found;

    ck_assert_uint_eq(failed.file, 1);
    for (size_t round = 0; round < 2; round++) {
        wa_corpus *const corpus = open_files(files, 2, &everything);

        if (round > 0)
            scratch_file("none", "mended\n", 7);
        if (round > 0)
            ck_assert(wa_corpus_is_ready(corpus));
        else
            wa_corpus_wait(corpus); /* finds out that it cannot be opened */
        ck_assert(wa_corpus_is_ready(corpus));
        found = read_up_to(corpus, &failed);
        wa_corpus_close(corpus);
        if (round == 0)
            expect_place(&found, &failed);
    }
    ck_assert_uint_ne(found.n_lines, failed.n_lines);
}
END_TEST

/* ---------------------------------------------------------------- how much */

START_TEST(the_bytes_that_are_read_come_to_be_all_of_them)
{
    uint64_t n_bytes = 0;

    make_files();
    for (size_t i = 0; i < N_FILES; i++)
        n_bytes += wa_file_size(names[i]);
    for (size_t n = 0; n <= MOST_SHARDS; n++) {
        uint64_t sum = 0;

        for (size_t shard = 1; shard <= (n ? n : 1); shard++) {
            wa_corpus *const corpus = open_shard(shard, n);
            const uint64_t   in_all = wa_corpus_bytes_in_all(corpus);
            uint64_t         before = 0;
            wa_corpus_line   line;

            sum += in_all;
            ck_assert_uint_eq(wa_corpus_bytes_read(corpus), 0);
            while (wa_corpus_next(corpus, &line, NULL) != WA_CORPUS_END) {
                ck_assert_uint_ge(wa_corpus_bytes_read(corpus), before);
                before = wa_corpus_bytes_read(corpus);
                ck_assert_uint_le(before, in_all);
            }
            ck_assert_uint_eq(wa_corpus_bytes_read(corpus), in_all);
            wa_corpus_close(corpus);
        }
        ck_assert_uint_eq(sum, n_bytes);
    }
}
END_TEST

START_TEST(bytes_of_a_pipe_are_counted_as_they_come)
{
    const char *const pipe    = scratch_path("pipe");
    const int         fd      = open_pipe(pipe);
    const char *const good    = scratch_file("good", "good\n", 5);
    const char *const files[] = { good, scratch_path("none"), pipe, good };
    wa_corpus *const  corpus  = open_files(files, 4, &everything);

    ck_assert_uint_eq(wa_corpus_bytes_in_all(corpus), 0); /* not known */
    expect_text(corpus, "good");
    expect_bad_file(corpus, 1, WA_EIO, "none: cannot open");
    ck_assert_uint_eq(wa_corpus_bytes_read(corpus), 5);
    write_pipe(fd, wa_text_of("one\ntwo\n"));
    expect_text(corpus, "one");
    ck_assert_uint_eq(wa_corpus_bytes_read(corpus), 5 + 4); /* what is read ahead does not count */
    close(fd);
    expect_text(corpus, "two");
    expect_text(corpus, "good");
    expect_end(corpus);
    ck_assert_uint_eq(wa_corpus_bytes_read(corpus), 5 + 8 + 5);
    wa_corpus_close(corpus);
}
END_TEST

/* ---------------------------------------------------------------- waiting */

/* Where waiting does not end, the test never does. */
START_TEST(half_a_line_is_waited_for)
{
    const char *const pipe    = scratch_path("pipe");
    const int         fd      = open_pipe(pipe);
    const char *const files[] = { pipe, scratch_file("good", "good\n", 5) };
    wa_corpus *const  corpus  = open_files(files, 2, &everything);

    ck_assert(!wa_corpus_is_ready(corpus));
    write_pipe(fd, wa_text_of("half"));
    wa_corpus_wait(corpus);
    ck_assert(!wa_corpus_is_ready(corpus));
    write_pipe(fd, wa_text_of(" a line\nand"));
    wa_corpus_wait(corpus);
    ck_assert(wa_corpus_is_ready(corpus));
    expect_text(corpus, "half a line");
    ck_assert(!wa_corpus_is_ready(corpus));
    close(fd);
    wa_corpus_wait(corpus);
    ck_assert(wa_corpus_is_ready(corpus));
    expect_text(corpus, "and");
    ck_assert(wa_corpus_is_ready(corpus));
    expect_text(corpus, "good");
    ck_assert(wa_corpus_is_ready(corpus));
    expect_end(corpus);
    ck_assert(wa_corpus_is_ready(corpus));
    wa_corpus_close(corpus);
}
END_TEST

START_TEST(the_wake_fd_ends_waiting)
{
    const char *const pipe = scratch_path("pipe");
    const int         fd = open_pipe(pipe), wake = open_pipe(scratch_path("wake"));
    wa_corpus_opts    opts = everything;

    opts.wake_fd            = wake;
    wa_corpus *const corpus = open_files(&pipe, 1, &opts);
    write_pipe(wake, wa_text_of("!"));
    wa_corpus_wait(corpus); /* nothing was written */
    ck_assert(!wa_corpus_is_ready(corpus));
    write_pipe(fd, wa_text_of("half"));
    ck_assert(!wa_corpus_is_ready(corpus));
    wa_corpus_wait(corpus);
    ck_assert(!wa_corpus_is_ready(corpus));
    close(fd);
    expect_text(corpus, "half");
    expect_end(corpus);
    wa_corpus_close(corpus);
    close(wake);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_not_waited_for)
{
    const char *const files[] = { scratch_path("none"), "/", scratch_file("good", "good\n", 5) };
    wa_corpus *const  corpus  = open_files(files, 3, &everything);

    for (size_t i = 0; i < 2; i++) {
        ck_assert(!wa_corpus_is_ready(corpus)); /* opening it tells */
        wa_corpus_wait(corpus);
        ck_assert(wa_corpus_is_ready(corpus));
        expect_bad_file(corpus, i, WA_EIO, i ? "/: cannot read" : "none: cannot open");
    }
    ck_assert(wa_corpus_is_ready(corpus));
    expect_text(corpus, "good");
    wa_corpus_close(corpus);
}
END_TEST

/* ---------------------------------------------------------------- texts */

START_TEST(texts_take_the_place_of_lines)
{
    const char *const texts[] = { "one", "", "two\nlines" };
    wa_corpus        *corpus  = NULL;
    wa_corpus_line    line;

    ck_assert_int_eq(wa_corpus_open_texts(texts, 3, NULL, &corpus, NULL), WA_OK);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(wa_corpus_is_ready(corpus));
        expect_event(corpus, WA_CORPUS_LINE, &line);
        ck_assert_uint_eq(line.file, 0);
        ck_assert_uint_eq(line.number, i + 1);
        ck_assert(wa_text_is(line.text, texts[i]));
        ck_assert_uint_eq(wa_corpus_reached(corpus).n_lines, i + 1);
    }
    ck_assert(wa_corpus_is_ready(corpus));
    expect_end(corpus);
    ck_assert_uint_eq(wa_corpus_bytes_in_all(corpus), 0);
    ck_assert_uint_eq(wa_corpus_bytes_read(corpus), 0);
    wa_corpus_close(corpus);
}
END_TEST

/* ---------------------------------------------------------------- telling files apart */

static wa_corpus_file looks_of(const char *bytes, size_t n)
{
    wa_corpus_file looks;

    ck_assert_int_eq(wa_corpus_look_at(scratch_file("looks", bytes, n), &looks, NULL), WA_OK);
    ck_assert_uint_eq(looks.n_bytes, n);
    return looks;
}

/* The first and last 4096 bytes count, of small files all. */
START_TEST(files_are_told_apart_by_their_size_and_ends)
{
    static const size_t sizes[] = { 1, 5, 4096, 4097, 8192, 8193, 20000 };
    char                bytes[20000];

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const size_t n = sizes[i], places[] = { 0, n / 2, n > 4096 ? 4095 : 0, n > 4096 ? n - 4096 : 0, n - 1 };

        memset(bytes, 'x', n);
        const uint64_t sample = looks_of(bytes, n).sample;
        ck_assert_uint_eq(looks_of(bytes, n).sample, sample);
        for (size_t p = 0; p < 5; p++) {
            bytes[places[p]] = 'y';
            ck_assert_uint_eq(looks_of(bytes, n).sample == sample, p == 1 && n > 8192);
            bytes[places[p]] = 'x';
        }
    }
}
END_TEST

START_TEST(what_is_no_regular_file_has_no_looks)
{
    const char *const pipe    = scratch_path("pipe");
    const char *const paths[] = { pipe, "/", "-", scratch_path("none") };
    wa_corpus_file    looks;

    close(open_pipe(pipe));
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(wa_corpus_look_at(paths[i], &looks, NULL), WA_OK);
        ck_assert_uint_eq(looks.n_bytes, UINT64_MAX);
        ck_assert_uint_eq(looks.sample, 0);
    }
}
END_TEST

/* ---------------------------------------------------------------- memory */

/* Reads everything, or the second of three shards, which begins and ends inside of packed files or not. */
static wa_status read_all(const wa_env *env, void *user)
{
    const size_t         n_shards = *(const size_t *)user;
    const wa_corpus_opts opts     = { n_shards ? 2 : 0, n_shards, 1000, -1 };
    wa_corpus           *corpus   = NULL;
    wa_corpus_line       line;
    wa_error             err;
    wa_corpus_event      event;
    wa_status            st = wa_corpus_open(names, N_FILES, &opts, env, &corpus, &err);

    if (st != WA_OK)
        return st;
    do {
        event = wa_corpus_next(corpus, &line, &err);
        st    = event == WA_CORPUS_BAD_FILE && st == WA_OK ? err.status : st;
    } while (event != WA_CORPUS_END);
    wa_corpus_close(corpus);
    return st;
}

START_TEST(every_failing_allocation_is_reported_and_nothing_is_lost)
{
    size_t n_shards = (size_t)_i;

    make_files();
    every_allocation_fails_in_turn(read_all, &n_shards, 300);
}
END_TEST

START_TEST(closing_in_the_middle_of_a_file_leaves_nothing)
{
    counting_allocator counter = { 0 };
    const wa_env       env     = counting_env(&counter);
    wa_corpus         *corpus  = NULL;

    make_files();
    ck_assert_int_eq(wa_corpus_open(names, N_FILES, &everything, &env, &corpus, NULL), WA_OK);
    expect_text(corpus, "the first file");
    wa_corpus_close(corpus);
    ck_assert_uint_eq(counter.n_live, 0);
}
END_TEST

static wa_status read_texts(const wa_env *env, void *texts)
{
    wa_corpus      *corpus = NULL;
    const wa_status st     = wa_corpus_open_texts(texts, 1, env, &corpus, NULL);

    wa_corpus_close(corpus);
    return st;
}

START_TEST(every_failing_allocation_for_texts_is_reported)
{
    const char *text = "one";

    every_allocation_fails_in_turn(read_texts, &text, 10);
}
END_TEST

Suite *wa_suite_corpus(void)
{
    Suite *const suite  = suite_create("data/corpus");
    TCase *const shards = new_case("shards"), *const bad = new_case("bad"), *const places = new_case("places"),
                 *const rest = new_case("the rest");

    tcase_set_timeout(shards, 60);
    tcase_add_test(shards, the_shards_are_together_all_lines_in_order);
    tcase_add_test(shards, files_without_bytes_have_shards_without_lines);
    tcase_add_test(shards, shares_of_huge_files_do_not_overflow);
    tcase_add_test(shards, shards_are_of_regular_files_that_are_there);
    tcase_add_test(shards, a_file_named_as_standard_input_is_not_taken_for_it);
    tcase_add_test(shards, the_bytes_that_are_read_come_to_be_all_of_them);
    suite_add_tcase(suite, shards);
    tcase_add_test(bad, a_line_that_is_too_long_has_its_number_and_the_next_one_is_read);
    tcase_add_test(bad, a_file_that_cannot_be_read_is_reported_and_the_next_one_is_read);
    tcase_add_test(bad, files_may_change_before_they_are_read);
    tcase_add_test(bad, files_of_which_a_shard_has_nothing_are_not_opened);
    suite_add_tcase(suite, bad);
    tcase_set_timeout(places, 60);
    tcase_add_test(places, a_place_is_found_again_by_reading_up_to_it);
    tcase_add_test(places, other_lines_have_another_digest);
    tcase_add_test(places, a_file_that_failed_is_found_again_and_one_that_was_mended_is_not);
    suite_add_tcase(suite, places);
    tcase_add_test(rest, bytes_of_a_pipe_are_counted_as_they_come);
    tcase_add_test(rest, half_a_line_is_waited_for);
    tcase_add_test(rest, the_wake_fd_ends_waiting);
    tcase_add_test(rest, a_file_that_is_not_there_is_not_waited_for);
    tcase_add_test(rest, texts_take_the_place_of_lines);
    tcase_add_test(rest, files_are_told_apart_by_their_size_and_ends);
    tcase_add_test(rest, what_is_no_regular_file_has_no_looks);
    tcase_add_loop_test(rest, every_failing_allocation_is_reported_and_nothing_is_lost, 0, 4);
    tcase_add_test(rest, every_failing_allocation_for_texts_is_reported);
    tcase_add_test(rest, closing_in_the_middle_of_a_file_leaves_nothing);
    suite_add_tcase(suite, rest);
    return suite;
}

/* Output that appears under its name only when it is whole: what is there before, after, and when something fails. */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/output.h"
#include "base/path.h"
#include "base/status.h"
#include "base/str.h"
#include "suites.h"
#include "support.h"

static size_t count_matching(const char *path)
{
    char   pattern[300];
    glob_t found;

    snprintf(pattern, sizeof pattern, "%s*", path);
    const size_t n = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    if (n > 0)
        globfree(&found);
    return n;
}

static void expect_file(const char *path, const char *expected)
{
    size_t      n;
    char *const bytes = read_file(path, &n);

    ck_assert_uint_eq(n, strlen(expected));
    ck_assert_str_eq(bytes, expected);
    free(bytes);
}

START_TEST(output_appears_under_its_name_when_it_is_committed)
{
    const char *const path = scratch_path("new");
    wa_output        *out  = NULL;

    ck_assert_int_eq(wa_output_open(path, NULL, &out, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(out, "some ", 5, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(out, NULL, 0, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(out, "bytes", 5, NULL), WA_OK);
    ck_assert(!wa_path_exists(path));
    ck_assert_uint_eq(count_matching(path), 1);
    ck_assert_int_eq(wa_output_commit(out, NULL), WA_OK);
    expect_file(path, "some bytes");
    ck_assert_uint_eq(count_matching(path), 1);
}
END_TEST

START_TEST(what_is_whole_in_memory_is_saved_in_one_go)
{
    const char *const path  = scratch_file("saved", "old", 3);
    wa_buf            whole = { 0 };
    wa_error          err;

    wa_buf_str(&whole, "new");
    ck_assert_int_eq(wa_output_save(path, &whole, NULL, NULL), WA_OK);
    expect_file(path, "new");
    whole.failed = true;
    ck_assert_int_eq(wa_output_save(path, &whole, NULL, &err), WA_ENOMEM);
    expect_file(path, "new");
    ck_assert_uint_eq(count_matching(path), 1);
    wa_buf_clear(&whole);
}
END_TEST

START_TEST(an_older_file_stays_until_the_new_one_is_whole)
{
    const char *const path = scratch_file("kept", "old", 3);
    wa_output        *out  = NULL;

    ck_assert_int_eq(wa_output_open(path, NULL, &out, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(out, "new", 3, NULL), WA_OK);
    wa_output_discard(out);
    expect_file(path, "old");
    ck_assert_uint_eq(count_matching(path), 1);
    ck_assert_int_eq(wa_output_open(path, NULL, &out, NULL), WA_OK);
    expect_file(path, "old");
    ck_assert_int_eq(wa_output_commit(out, NULL), WA_OK);
    expect_file(path, "");
    wa_output_discard(NULL);
}
END_TEST

START_TEST(two_outputs_of_one_name_do_not_meet)
{
    const char *const path = scratch_path("twice");
    wa_output        *a = NULL, *b = NULL;

    ck_assert_int_eq(wa_output_open(path, NULL, &a, NULL), WA_OK);
    ck_assert_int_eq(wa_output_open(path, NULL, &b, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(a, "a", 1, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(b, "b", 1, NULL), WA_OK);
    ck_assert_int_eq(wa_output_commit(a, NULL), WA_OK);
    expect_file(path, "a");
    ck_assert_int_eq(wa_output_commit(b, NULL), WA_OK);
    expect_file(path, "b");
    ck_assert_uint_eq(count_matching(path), 1);
}
END_TEST

static void expect_packed(const char *path, const char *expected)
{
    wa_file file;

    ck_assert_int_eq(wa_file_read(&file, path, SIZE_MAX, NULL, NULL), WA_OK);
    ck_assert(file.is_gzip);
    ck_assert(wa_text_is(file.bytes, expected));
    wa_file_clear(&file);
}

START_TEST(output_named_gz_is_packed)
{
    const char *const path = scratch_path("out.gz");
    wa_output        *out  = NULL;
    wa_error          err  = { 0 };

    ck_assert_int_eq(wa_output_open(path, NULL, &out, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(out, "packed", 6, NULL), WA_OK);
    ck_assert_int_eq(wa_output_rewrite(out, 0, "P", 1, &err), WA_EIO);
    ck_assert_int_eq(wa_output_commit(out, NULL), WA_OK);
    expect_packed(path, "packed");
    ck_assert_int_eq(wa_output_open(path, NULL, &out, NULL), WA_OK);
    ck_assert_int_eq(wa_output_commit(out, NULL), WA_OK);
    expect_packed(path, ""); /* nothing written is still a packed file */
}
END_TEST

START_TEST(bytes_already_written_can_be_overwritten)
{
    const char *const path = scratch_path("rewritten");
    wa_output        *out  = NULL;

    ck_assert_int_eq(wa_output_open(path, NULL, &out, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(out, "????? body", 10, NULL), WA_OK);
    ck_assert_int_eq(wa_output_rewrite(out, 1, "head", 4, NULL), WA_OK);
    ck_assert_int_eq(wa_output_rewrite(out, 0, "-", 1, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(out, " end", 4, NULL), WA_OK); /* behind what was there, not behind the head */
    ck_assert_int_eq(wa_output_commit(out, NULL), WA_OK);
    expect_file(path, "-head body end");
}
END_TEST

static void note_temporary(void *user, const char *path)
{
    char *const notes = user;

    if (path)
        strcat(strcat(notes, wa_path_exists(path) ? "there " : "announced "), strrchr(path, '/') + 1);
    strcat(notes, path ? "; " : "gone; ");
}

/* A name is announced before its file is made, and taken back when the file has its name or is removed. */
START_TEST(the_caller_is_told_of_a_temporary_file_in_order)
{
    char              notes[300] = "", expected[300];
    const wa_env      env        = { .temporary = note_temporary, .user = notes };
    const char *const path       = scratch_path("told");
    wa_output        *out        = NULL;

    snprintf(expected, sizeof expected, "announced told.tmp%ld-0; ", (long)getpid());
    ck_assert_int_eq(wa_output_open(path, &env, &out, NULL), WA_OK);
    ck_assert_str_eq(notes, expected);
    ck_assert_int_eq(wa_output_commit(out, NULL), WA_OK);
    strcat(expected, "gone; ");
    ck_assert_str_eq(notes, expected);
    ck_assert_int_eq(wa_output_open(path, &env, &out, NULL), WA_OK);
    wa_output_discard(out);
    ck_assert_str_eq(notes + strlen(expected), expected);
}
END_TEST

START_TEST(output_into_a_missing_folder_is_refused)
{
    char              notes[300] = "";
    const wa_env      env        = { .temporary = note_temporary, .user = notes };
    const char *const path       = scratch_path("missing/new");
    wa_output        *out        = NULL;
    wa_error          err;

    ck_assert_int_eq(wa_output_open(path, &env, &out, &err), WA_EIO);
    ck_assert_msg(strncmp(err.message, path, strlen(path)) == 0, "%s", err.message);
    ck_assert_str_eq(err.message + strlen(path), ": cannot create: No such file or directory");
    ck_assert_ptr_null(out);
    ck_assert_str_eq(notes + strlen(notes) - 6, "gone; ");
    ck_assert_int_eq(wa_output_open("/", NULL, &out, &err), WA_EIO);
    ck_assert_str_eq(err.message, "/: cannot create: Is a directory");
}
END_TEST

START_TEST(a_name_that_became_a_folder_leaves_no_file)
{
    const char *const path = scratch_path("overtaken");
    wa_output        *out  = NULL;
    wa_error          err;

    ck_assert_int_eq(wa_output_open(path, NULL, &out, NULL), WA_OK);
    ck_assert_int_eq(mkdir(path, 0777), 0);
    ck_assert_int_eq(wa_output_commit(out, &err), WA_EIO);
    ck_assert_str_eq(err.message + strlen(path), ": cannot rename to this name: Is a directory");
    ck_assert_uint_eq(count_matching(path), 1);
    ck_assert(wa_path_is_folder(path));
}
END_TEST

/* Linux has a device that is always full; elsewhere there is nothing to write to. */
START_TEST(a_full_device_is_reported_however_much_is_written)
{
    char *const bytes = calloc(1, 100000);
    wa_output  *out   = NULL;
    wa_error    err;

    if (!wa_path_exists("/dev/full")) {
        free(bytes);
        return;
    }
    ck_assert_int_eq(wa_output_open("/dev/full", NULL, &out, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(out, bytes, 100, NULL), WA_OK); /* kept in memory */
    ck_assert_int_eq(wa_output_commit(out, &err), WA_EIO);
    ck_assert_str_eq(err.message, "/dev/full: cannot write: No space left on device");
    ck_assert_int_eq(wa_output_open("/dev/full", NULL, &out, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(out, bytes, 100000, &err), WA_EIO);
    ck_assert_str_eq(err.message, "/dev/full: cannot write: No space left on device");
    wa_output_discard(out);
    free(bytes);
}
END_TEST

START_TEST(what_is_no_regular_file_is_written_directly)
{
    char         notes[100] = "";
    const wa_env env        = { .temporary = note_temporary, .user = notes };
    wa_output   *out        = NULL;

    ck_assert_int_eq(wa_output_open("/dev/null", &env, &out, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(out, "x", 1, NULL), WA_OK);
    ck_assert_int_eq(wa_output_commit(out, NULL), WA_OK);
    ck_assert_str_eq(notes, "");
    ck_assert_int_eq(wa_output_open("/dev/null", &env, &out, NULL), WA_OK);
    wa_output_discard(out);
    ck_assert(wa_path_exists("/dev/null"));
}
END_TEST

static wa_status write_part(const wa_env *env, void *user)
{
    wa_status         st   = WA_OK;
    const char *const path = user;
    wa_output        *out  = NULL;
    wa_error *const   err  = NULL;

    WA_TRY(wa_output_open_part(path, NULL, env, &out, err));
    WA_TRY(wa_output_write(out, "text", 4, err));
    st  = wa_output_commit(out, err);
    out = NULL;
done:
    wa_output_keep(out);
    return st;
}

static wa_status write_file(const wa_env *env, void *path)
{
    wa_status  st  = WA_OK;
    wa_error  *err = NULL;
    wa_output *out = NULL;

    WA_TRY(wa_output_open(path, env, &out, err));
    WA_TRY(wa_output_write(out, "text", 4, err));
    st  = wa_output_commit(out, err);
    out = NULL;
done:
    wa_output_discard(out);
    return st;
}

START_TEST(output_survives_every_failing_allocation)
{
    const char *const path = scratch_path("written");

    every_allocation_fails_in_turn(write_file, (void *)(uintptr_t)path, 10);
    ck_assert_uint_eq(count_matching(path), 1);
    every_allocation_fails_in_turn(write_file, (void *)(uintptr_t)scratch_path("also-written.gz"), 10);
    every_allocation_fails_in_turn(write_part, (void *)(uintptr_t)scratch_path("in-parts.gz"), 20);
}
END_TEST

/* Writes `n` letters, those of places from..from + n of one endless text. */
static void write_letters(wa_output *out, size_t from, size_t n)
{
    char *const letters = malloc(n);

    for (size_t i = 0; i < n; i++)
        letters[i] = (char)('a' + (from + i) * (from + i) / 7 % 26);
    ck_assert_int_eq(wa_output_write(out, letters, n, NULL), WA_OK);
    free(letters);
}

enum { N_LETTERS = 700000 }; /* two whole members of gzip and a part of a third */

/* Written at once, and in pieces by runs that end early and leave bytes behind their last mark: the same file, plain and packed. */
static void expect_continued(const char *name)
{
    char           whole[64];
    wa_output     *out  = NULL;
    wa_output_mark mark = { 0 };
    size_t         n, n_expected;

    snprintf(whole, sizeof whole, "whole-%s", name);
    const char *const path = scratch_path(name), *const at_once = scratch_path(whole);
    ck_assert_int_eq(wa_output_open(at_once, NULL, &out, NULL), WA_OK);
    write_letters(out, 0, N_LETTERS);
    ck_assert_int_eq(wa_output_commit(out, NULL), WA_OK);
    for (size_t reached = 1; reached < N_LETTERS; reached += 150001) {
        ck_assert_int_eq(wa_output_open_part(path, reached > 1 ? &mark : NULL, NULL, &out, NULL), WA_OK);
        write_letters(out, (size_t)mark.n_written, reached - (size_t)mark.n_written);
        ck_assert_int_eq(wa_output_sync(out, NULL), WA_OK);
        mark = wa_output_last_mark(out);
        write_letters(out, 0, 1000); /* torn */
        wa_output_keep(out);
        ck_assert(!wa_path_exists(path));
    }
    ck_assert_int_eq(wa_output_open_part(path, &mark, NULL, &out, NULL), WA_OK);
    ck_assert(wa_output_is_part(out));
    write_letters(out, (size_t)mark.n_written, N_LETTERS - (size_t)mark.n_written);
    ck_assert_int_eq(wa_output_commit(out, NULL), WA_OK);
    char *const found = read_file(path, &n), *const expected = read_file(at_once, &n_expected);
    ck_assert_uint_eq(n, n_expected);
    ck_assert(memcmp(found, expected, n) == 0);
    free(found);
    free(expected);
}

START_TEST(a_part_is_continued_to_the_file_written_at_once)
{
    expect_continued("continued");
    expect_continued("continued.gz");
}
END_TEST

START_TEST(a_part_has_one_writer_and_what_the_mark_says)
{
    const char *const    path = scratch_path("one-writer");
    const wa_output_mark far  = { 9, 9 };
    wa_output           *out = NULL, *other = NULL;
    wa_error             err = { 0 };

    ck_assert_int_eq(wa_output_open_part(path, NULL, NULL, &out, NULL), WA_OK);
    ck_assert_int_eq(wa_output_open_part(path, NULL, NULL, &other, &err), WA_EIO);
    ck_assert_ptr_nonnull(strstr(err.message, "another process is writing it"));
    ck_assert_int_eq(wa_output_write(out, "12345678", 8, NULL), WA_OK);
    ck_assert_int_eq(wa_output_sync(out, NULL), WA_OK);
    wa_output_keep(out);
    ck_assert_int_eq(wa_output_open_part(path, &far, NULL, &other, &err), WA_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.message, "found 8 bytes, expected at least 9"));
    ck_assert_ptr_null(other);
    ck_assert_int_eq(wa_output_open_part(path, &(wa_output_mark){ 8, 8 }, NULL, &out, NULL), WA_OK);
    wa_output_discard(out);
    ck_assert_uint_eq(count_matching(path), 0);
}
END_TEST

Suite *wa_suite_output(void)
{
    Suite *const suite = suite_create("output");
    TCase *const tcase = new_case("output");

    tcase_add_test(tcase, output_appears_under_its_name_when_it_is_committed);
    tcase_add_test(tcase, what_is_whole_in_memory_is_saved_in_one_go);
    tcase_add_test(tcase, an_older_file_stays_until_the_new_one_is_whole);
    tcase_add_test(tcase, two_outputs_of_one_name_do_not_meet);
    tcase_add_test(tcase, output_named_gz_is_packed);
    tcase_add_test(tcase, bytes_already_written_can_be_overwritten);
    tcase_add_test(tcase, the_caller_is_told_of_a_temporary_file_in_order);
    tcase_add_test(tcase, output_into_a_missing_folder_is_refused);
    tcase_add_test(tcase, a_name_that_became_a_folder_leaves_no_file);
    tcase_add_test(tcase, a_full_device_is_reported_however_much_is_written);
    tcase_add_test(tcase, what_is_no_regular_file_is_written_directly);
    tcase_add_test(tcase, a_part_is_continued_to_the_file_written_at_once);
    tcase_add_test(tcase, a_part_has_one_writer_and_what_the_mark_says);
    tcase_add_test(tcase, output_survives_every_failing_allocation);
    suite_add_tcase(suite, tcase);
    return suite;
}

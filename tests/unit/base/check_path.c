/* Names of files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "suites.h"
#include "support.h"

static void expect_name(char *found, const char *expected)
{
    ck_assert_str_eq(found, expected);
    free(found);
}

START_TEST(names_are_seen_from_the_folder_of_another_file)
{
    expect_name(wa_path_beside(NULL, "a/b/model.yaml", wa_text_of("v.bin")), "a/b/v.bin");
    expect_name(wa_path_beside(NULL, "a/b/model.yaml", wa_text_of("../v.bin")), "a/b/../v.bin");
    expect_name(wa_path_beside(NULL, "model.yaml", wa_text_of("v.bin")), "v.bin");
    expect_name(wa_path_beside(NULL, "/model.yaml", wa_text_of("v.bin")), "/v.bin");
    expect_name(wa_path_beside(NULL, "a/model.yaml", wa_text_of("/v.bin")), "/v.bin");
    expect_name(wa_path_beside(NULL, "-", wa_text_of("v.bin")), "v.bin");
    expect_name(wa_path_beside(NULL, NULL, (wa_text){ "v.binary", 5 }), "v.bin");
    expect_name(wa_path_join(NULL, "a", "b"), "a/b");
    expect_name(wa_path_join(NULL, "a/", "b"), "a/b");
    expect_name(wa_path_join(NULL, "/", "b"), "/b");
    expect_name(wa_path_join(NULL, "", "b"), "b");
}
END_TEST

START_TEST(names_without_memory_are_null)
{
    counting_allocator counter    = { .fail_at = 1 };
    char               many[4000] = "";
    const wa_env       env        = counting_env(&counter);

    ck_assert_ptr_null(wa_path_join(&env, "a", "b"));
    counter = (counting_allocator){ .fail_at = 1 };
    ck_assert_ptr_null(wa_path_beside(&env, "a/b", wa_text_of("c")));
    counter = (counting_allocator){ .fail_at = 1 };
    ck_assert_ptr_null(wa_path_with(&env, "a", ".b"));
    memset(many, 'x', sizeof many - 1); /* each of them takes an allocation */
    counter = (counting_allocator){ .fail_at = 2 };
    ck_assert_ptr_null(wa_path_with(&env, many, many));
    ck_assert_uint_eq(counter.n_live, 0);
    counter = (counting_allocator){ .fail_at = 1 };
    ck_assert_ptr_null(wa_path_follow(&env, "a"));
    ck_assert_uint_eq(counter.n_live, 0);
}
END_TEST

START_TEST(an_ending_goes_behind_a_name)
{
    expect_name(wa_path_with(NULL, "a/b.txt", ".part"), "a/b.txt.part");
    expect_name(wa_path_with(NULL, "a/b.txt", ""), "a/b.txt");
    expect_name(wa_path_with(NULL, "", ".part"), ".part");
}
END_TEST

/* A link in the scratch folder. */
static const char *link_to(const char *name, const char *target)
{
    const char *const path = scratch_path(name);

    ck_assert_int_eq(symlink(target, path), 0);
    return path;
}

START_TEST(what_is_no_link_is_itself)
{
    const char *const file = scratch_file("file", "", 0);

    expect_name(wa_path_follow(NULL, file), file);
    expect_name(wa_path_follow(NULL, scratch_path("none")), scratch_path("none"));
    expect_name(wa_path_follow(NULL, "none"), "none");
    expect_name(wa_path_follow(NULL, "/.."), "/.."); /* not made shorter */
    expect_name(wa_path_follow(NULL, ""), "");
}
END_TEST

START_TEST(a_link_is_followed_to_the_file)
{
    const char *const file = scratch_file("file", "", 0);

    expect_name(wa_path_follow(NULL, link_to("relative", "file")), file);
    expect_name(wa_path_follow(NULL, link_to("absolute", file)), file);
    expect_name(wa_path_follow(NULL, link_to("twice", "relative")), file);
}
END_TEST

START_TEST(links_to_nothing_yet_are_followed_to_its_name)
{
    const char *const none = scratch_path("none");

    expect_name(wa_path_follow(NULL, link_to("relative", "none")), none);
    expect_name(wa_path_follow(NULL, link_to("absolute", none)), none);
    expect_name(wa_path_follow(NULL, link_to("twice", "relative")), none);
    expect_name(wa_path_follow(NULL, link_to("thrice", "twice")), none);
}
END_TEST

START_TEST(an_open_pipe_keeps_a_name_that_leads_to_it)
{
    int         fds[2];
    char        name[64];
    struct stat about;

    ck_assert_int_eq(pipe(fds), 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fds[1]);
    if (wa_path_exists(name)) { /* only Linux has it */
        char *const end = wa_path_follow(NULL, link_to("stdout", name));

        ck_assert_int_eq(stat(end, &about), 0);
        ck_assert(S_ISFIFO(about.st_mode));
        free(end);
    }
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(links_in_a_circle_come_to_an_end)
{
    const char *const one = link_to("one", "two"), *const two = link_to("two", "one");
    char *const end = wa_path_follow(NULL, one);

    ck_assert(strcmp(end, one) == 0 || strcmp(end, two) == 0);
    free(end);
}
END_TEST

START_TEST(a_path_from_the_root_leads_to_the_same_file)
{
    char              here[4096], expected[5000];
    const char *const file = scratch_file("file", "", 0);

    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    snprintf(expected, sizeof expected, "%s/v.bin", here);
    expect_name(wa_path_absolute(NULL, "v.bin"), expected);
    expect_name(wa_path_absolute(NULL, "./v.bin"), expected);
    expect_name(wa_path_absolute(NULL, "."), here);
    expect_name(wa_path_absolute(NULL, "./"), here);
    expect_name(wa_path_absolute(NULL, "/usr/../usr/./none"), "/usr/none");
    expect_name(wa_path_absolute(NULL, "/none"), "/none");
    expect_name(wa_path_absolute(NULL, "/no/such/../folder"), "/no/such/../folder");
    snprintf(expected, sizeof expected, "%s/no/such", here);
    expect_name(wa_path_absolute(NULL, "no/such"), expected);
    expect_name(wa_path_absolute(NULL, file), file);
    expect_name(wa_path_absolute(NULL, link_to("link", "file")), scratch_path("link")); /* its last name as it is */
}
END_TEST

static wa_status follow(const wa_env *env, void *path)
{
    char *const     end = wa_path_follow(env, path);
    const wa_status st  = end ? WA_OK : WA_ENOMEM;

    wa_release(env, end);
    return st;
}

START_TEST(links_without_memory_leave_nothing)
{
    link_to("one", "none");
    every_allocation_fails_in_turn(follow, (void *)(uintptr_t)link_to("two", "one"), 20);
}
END_TEST

static wa_status make_absolute(const wa_env *env, void *path)
{
    char *const     whole = wa_path_absolute(env, path);
    const wa_status st    = whole ? WA_OK : WA_ENOMEM;

    wa_release(env, whole);
    return st;
}

START_TEST(paths_from_the_root_without_memory_leave_nothing)
{
    static char known[] = "/usr/x", unknown[] = "no/such";

    every_allocation_fails_in_turn(make_absolute, known, 10);
    every_allocation_fails_in_turn(make_absolute, unknown, 10);
}
END_TEST

START_TEST(folders_and_files_are_told_apart)
{
    const char *const file = scratch_file("file", "", 0);

    ck_assert(wa_path_exists(file) && !wa_path_is_folder(file));
    ck_assert(wa_path_exists("/") && wa_path_is_folder("/"));
    ck_assert(!wa_path_exists(scratch_path("none")) && !wa_path_is_folder(scratch_path("none")));
}
END_TEST

Suite *wa_suite_path(void)
{
    Suite *const suite = suite_create("path");
    TCase *const tcase = new_case("path");

    tcase_add_test(tcase, names_are_seen_from_the_folder_of_another_file);
    tcase_add_test(tcase, names_without_memory_are_null);
    tcase_add_test(tcase, an_ending_goes_behind_a_name);
    tcase_add_test(tcase, what_is_no_link_is_itself);
    tcase_add_test(tcase, a_link_is_followed_to_the_file);
    tcase_add_test(tcase, links_to_nothing_yet_are_followed_to_its_name);
    tcase_add_test(tcase, an_open_pipe_keeps_a_name_that_leads_to_it);
    tcase_add_test(tcase, links_in_a_circle_come_to_an_end);
    tcase_add_test(tcase, a_path_from_the_root_leads_to_the_same_file);
    tcase_add_test(tcase, paths_from_the_root_without_memory_leave_nothing);
    tcase_add_test(tcase, links_without_memory_leave_nothing);
    tcase_add_test(tcase, folders_and_files_are_told_apart);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* Names of files. */
#include <stdlib.h>
#include <string.h>
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
    counting_allocator counter = { .fail_at = 1 };
    const wa_env       env     = counting_env(&counter);

    ck_assert_ptr_null(wa_path_join(&env, "a", "b"));
    counter = (counting_allocator){ .fail_at = 1 };
    ck_assert_ptr_null(wa_path_beside(&env, "a/b", wa_text_of("c")));
    ck_assert_uint_eq(counter.n_live, 0);
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
    TCase *const tcase = tcase_create("path");

    tcase_add_test(tcase, names_are_seen_from_the_folder_of_another_file);
    tcase_add_test(tcase, names_without_memory_are_null);
    tcase_add_test(tcase, folders_and_files_are_told_apart);
    suite_add_tcase(suite, tcase);
    return suite;
}

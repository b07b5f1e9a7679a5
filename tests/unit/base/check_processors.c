/* base/processors: what control groups leave of the processors. */
#define _GNU_SOURCE /* sched_setaffinity() */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/processors.h"
#include "suites.h"
#include "support.h"

static size_t quota(const char *a, const char *b)
{
    return wa_quota_processors(wa_text_of(a), wa_text_of(b));
}

START_TEST(a_quota_is_rounded_up_to_processors)
{
    ck_assert_uint_eq(quota("200000", "100000"), 2);
    ck_assert_uint_eq(quota("200001", "100000"), 3);
    ck_assert_uint_eq(quota("50000", "100000"), 1);
    ck_assert_uint_eq(quota("0", "100000"), 1);
    ck_assert_uint_eq(quota("18446744073709551615", "1"), SIZE_MAX);
}
END_TEST

START_TEST(a_quota_that_is_none_limits_nothing)
{
    static const char *const pairs[][2] = {
        { "max", "100000" }, { "-1", "100000" }, { "100000", "0" }, { "", "" }, { "1e5", "2" }
    };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        ck_assert_uint_eq(quota(pairs[i][0], pairs[i][1]), WA_NONE);
}
END_TEST

/* A folder that looks like /sys/fs/cgroup. */
static const char *root;

static void put(const char *folder, const char *name, const char *content)
{
    char path[256];

    root = scratch_path(".");
    for (const char *slash = folder; (slash = strchr(slash, '/')); slash++) {
        snprintf(path, sizeof path, "%s/%.*s", root, (int)(slash - folder), folder);
        mkdir(path, 0700);
    }
    snprintf(path, sizeof path, "%s/%s", root, folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    scratch_file(path, content, strlen(content));
}

static size_t limit(const char *groups)
{
    return wa_group_processors(wa_text_of(groups), root);
}

START_TEST(the_smallest_limit_up_to_the_root_counts)
{
    put("outer", "cpu.max", "300000 100000\n");
    put("outer/middle", "cpu.max", "max 100000\n");
    put("outer/middle/inner", "cpu.max", "800000 100000\n");
    put("wide", "cpu.max", "max 100000\n");
    ck_assert_uint_eq(limit("0::/outer/middle/inner\n"), 3);
    ck_assert_uint_eq(limit("0::/outer/middle/inner/none/there"), 3);
    ck_assert_uint_eq(limit("0::/outermost\n"), WA_NONE);
    ck_assert_uint_eq(limit("0::/wide\n"), WA_NONE);
    ck_assert_uint_eq(limit("0::/\n"), WA_NONE);
    put(".", "cpu.max", "150000 100000\n"); /* a container sees its own group as the root */
    ck_assert_uint_eq(limit("0::/\n"), 2);
    ck_assert_uint_eq(limit("0::/path/outside\n"), 2);
}
END_TEST

START_TEST(version_1_has_two_files_and_a_folder_of_its_controllers)
{
    put("cpu,cpuacct/outer", "cpu.cfs_quota_us", "450000\n");
    put("cpu,cpuacct/outer", "cpu.cfs_period_us", "100000\n");
    put("cpu,cpuacct/outer/inner", "cpu.cfs_quota_us", "-1\n");
    put("cpu,cpuacct/outer/inner", "cpu.cfs_period_us", "100000\n");
    put("cpuset/outer/inner", "cpu.cfs_quota_us", "100000\n");
    put("cpuset/outer/inner", "cpu.cfs_period_us", "100000\n");
    put("cpu/other", "cpu.cfs_quota_us", "200000\n");
    put("cpu/other", "cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(limit("5:cpuset:/outer/inner\n4:cpu,cpuacct:/outer/inner\n0::/\n"), 5);
    ck_assert_uint_eq(limit("4:cpu,cpuacct:/other\n"), 2);
    ck_assert_uint_eq(limit("5:cpuset:/outer/inner\n"), WA_NONE);
    ck_assert_uint_eq(limit("5:cpuacct,cpu:/other\n"), 2);
}
END_TEST

START_TEST(strange_lines_limit_nothing)
{
    char longest[6000];

    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    memcpy(longest, "0::/", 4);
    root = scratch_path("none");
    ck_assert_uint_eq(limit(""), WA_NONE);
    ck_assert_uint_eq(limit("\n\n:\n::\nno colon\n0:\n0::"), WA_NONE);
    ck_assert_uint_eq(limit(longest), WA_NONE);
}
END_TEST

START_TEST(affinity_limits_the_processors)
{
    cpu_set_t before, one;
    size_t    first = 0;

    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ck_assert_uint_ge(wa_processors(), 1);
    ck_assert_uint_le(wa_processors(), (size_t)CPU_COUNT(&before));
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_uint_eq(wa_processors(), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
}
END_TEST

Suite *wa_suite_processors(void)
{
    Suite *const suite = suite_create("processors");
    TCase *const tests = new_case("processors");

    tcase_add_test(tests, a_quota_is_rounded_up_to_processors);
    tcase_add_test(tests, a_quota_that_is_none_limits_nothing);
    tcase_add_test(tests, the_smallest_limit_up_to_the_root_counts);
    tcase_add_test(tests, version_1_has_two_files_and_a_folder_of_its_controllers);
    tcase_add_test(tests, strange_lines_limit_nothing);
    tcase_add_test(tests, affinity_limits_the_processors);
    suite_add_tcase(suite, tests);
    return suite;
}

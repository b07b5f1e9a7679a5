/* Combinations of settings: how values are told apart, in which order they come, what their folders are called. */
#include <stdio.h>

#include "base/status.h"
#include "base/str.h"
#include "data/grid.h"
#include "suites.h"
#include "support.h"

/* The values of one axis between bars. */
static void expect_values(const char *axis, const char *expected)
{
    wa_arena arena = { 0 };
    wa_buf   found = { 0 };
    wa_grid  grid;
    wa_error err = { 0 };

    ck_assert_msg(wa_grid_read(&axis, 1, &arena, &grid, &err) == WA_OK, "%s", err.message);
    ck_assert_uint_eq(grid.n, grid.axes[0].n);
    for (size_t i = 0; i < grid.n; i++) {
        wa_buf_str(&found, "|");
        wa_buf_text(&found, wa_grid_value(&grid, i, 0));
    }
    wa_buf_add(&found, "", 1);
    ck_assert_str_eq(found.data, expected);
    wa_buf_clear(&found);
    wa_arena_clear(&arena);
}

START_TEST(values_are_told_apart_by_commas)
{
    expect_values("a=1", "|1");
    expect_values("a=1,2,4", "|1|2|4");
    expect_values(" a.b = 1 , two words ", "|1|two words");
    expect_values("a=b=c,d=e", "|b=c|d=e");
    expect_values("a=it's,isn't", "|it's|isn't");
    expect_values("a=1],2", "|1]|2"); /* no bracket was opened; what the value is, YAML says */
}
END_TEST

START_TEST(commas_in_brackets_and_quotes_belong_to_a_value)
{
    expect_values("a=[],[0],[1,2]", "|[]|[0]|[1,2]");
    expect_values("a=[[1,2],[3]],[4]", "|[[1,2],[3]]|[4]");
    expect_values("a={ b: 1, c: [2, 3] },null", "|{ b: 1, c: [2, 3] }|null");
    expect_values("a='x,y',\"z,\"", "|'x,y'|\"z,\"");
    expect_values("a='it''s, here',2", "|'it''s, here'|2");
    expect_values("a=\"\\\",\\\\\",2", "|\"\\\",\\\\\"|2");
    expect_values("a=[\"]\",1],2", "|[\"]\",1]|2");
    expect_values("a={b:'}',c: 1},2", "|{b:'}',c: 1}|2");
    expect_values("a=[it's, b],2", "|[it's, b]|2");
}
END_TEST

static void expect_refused(const char *const *axes, size_t n, const char *message)
{
    wa_arena arena = { 0 };
    wa_grid  grid;
    wa_error err;

    ck_assert_int_eq(wa_grid_read(axes, n, &arena, &grid, &err), WA_EUSAGE);
    ck_assert_str_eq(err.message, message);
    wa_arena_clear(&arena);
}

START_TEST(an_axis_that_cannot_be_meant_is_refused)
{
    static const struct {
        const char *axis, *message;
    } cases[] = {
        { "", "--sweep 2: found '', expected KEY=VALUE,VALUE" },
        { "a", "--sweep 2: found 'a', expected KEY=VALUE,VALUE" },
        { " =1", "--sweep 2: found ' =1', expected KEY=VALUE,VALUE" },
        { "a=", "--sweep 2: found an empty value; write null for none" },
        { "a=1,,2", "--sweep 2: found an empty value; write null for none" },
        { "a=1, ", "--sweep 2: found an empty value; write null for none" },
        { "a=1,[2,3", "--sweep 2: found '[2,3', in which a bracket or quote is not closed" },
        { "a={b: [1}", "--sweep 2: found '{b: [1}', in which a bracket or quote is not closed" },
        { "a='1,2", "--sweep 2: found ''1,2', in which a bracket or quote is not closed" },
        { "a=\"1\\\"", "--sweep 2: found '\"1\\\"', in which a bracket or quote is not closed" },
        { "a=1,2, 1", "--sweep 2: found '1' twice, expected each value once" },
        { "first = 3", "--sweep 2: --sweep 1 has 'first' already; give all its values there" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refused((const char *const[]){ "first=1", cases[i].axis }, 2, cases[i].message);
}
END_TEST

START_TEST(a_product_beyond_counting_is_refused)
{
    enum { N = 64 };
    char        axes[N][24];
    const char *pointers[N];

    for (int i = 0; i < N; i++) {
        snprintf(axes[i], sizeof axes[i], "a%d=1,2", i);
        pointers[i] = axes[i];
    }
    expect_refused(pointers, N, "--sweep 64: these are more combinations than can be counted");
}
END_TEST

static void expect_names(const char *const *axes, size_t n_axes, const char *const *names, size_t n)
{
    wa_arena arena = { 0 };
    wa_grid  grid;

    ck_assert_int_eq(wa_grid_read(axes, n_axes, &arena, &grid, NULL), WA_OK);
    ck_assert_uint_eq(grid.n, n);
    for (size_t i = 0; i < n; i++) {
        wa_buf name = { 0 };

        wa_grid_add_name(&grid, i, &name);
        wa_buf_add(&name, "", 1);
        ck_assert_str_eq(name.data, names[i]);
        wa_buf_clear(&name);
    }
    wa_arena_clear(&arena);
}

START_TEST(the_last_axis_is_the_fastest)
{
    expect_names((const char *const[]){ "a=1,2", "b=x", "c=y,z,w" }, 3,
                 (const char *const[]){ "a=1,b=x,c=y", "a=1,b=x,c=z", "a=1,b=x,c=w", "a=2,b=x,c=y", "a=2,b=x,c=z", "a=2,b=x,c=w" },
                 6);
    expect_names(NULL, 0, (const char *const[]){ "" }, 1);
}
END_TEST

/* Folders of earlier runs are found by these, so they may not change with the version. */
START_TEST(names_are_fit_for_files_and_stay_the_same)
{
    expect_names((const char *const[]){ "attention.0.mask_heads=[],[1,2],[1, 2],../x,/etc/passwd,.,-1e-3" }, 1,
                 (const char *const[]){ "attention.0.mask_heads=[]", "attention.0.mask_heads=[1,2]",
                                        "attention.0.mask_heads=[1,_2]~53002fd6", "attention.0.mask_heads=.._x~a32ebb12",
                                        "attention.0.mask_heads=_etc_passwd~693c5d93", "attention.0.mask_heads=.",
                                        "attention.0.mask_heads=-1e-3" },
                 7);
    expect_names((const char *const[]){ "weights.values.a/b=\xC3\xA9" }, 1,
                 (const char *const[]){ "weights.values.a_b~241ae7a4=__~ba86763b" }, 1);
    expect_names(
        (const char *const[]){
            "a=0123456789012345678901234567890123456789012345678,012345678901234567890123456789012345678901234567" },
        1,
        (const char *const[]){ "a=012345678901234567890123456789012345678~50632aac",
                               "a=012345678901234567890123456789012345678901234567" },
        2);
}
END_TEST

START_TEST(a_name_of_many_axes_is_cut)
{
    static const char *const axes[] = { "a=0123456789012345678901234567890123456789", "b=0123456789012345678901234567890123456789",
                                        "c=0123456789012345678901234567890123456789", "d=0123456789012345678901234567890123456789",
                                        "e=0123456789012345678901234567890123456789,9" };
    wa_arena                 arena  = { 0 };
    wa_buf                   first = { 0 }, second = { 0 };
    wa_grid                  grid;

    ck_assert_int_eq(wa_grid_read(axes, 5, &arena, &grid, NULL), WA_OK);
    wa_grid_add_name(&grid, 0, &first);
    wa_grid_add_name(&grid, 1, &second);
    ck_assert_uint_eq(first.n_bytes, 200);
    ck_assert(!wa_text_equal(wa_buf_view(&first), wa_buf_view(&second)));
    wa_buf_clear(&first);
    wa_buf_clear(&second);
    wa_arena_clear(&arena);
}
END_TEST

static wa_status read_and_name(const wa_env *env, void *user)
{
    static const char *const axes[] = { "a=1,2", "b=0123456789012345678901234567890123456789012345678901234567890123456789" };
    wa_arena                 arena  = { .env = env };
    wa_buf                   name   = { .env = env };
    wa_grid                  grid;
    wa_status                st = wa_grid_read(axes, 2, &arena, &grid, NULL);

    (void)user;
    if (st == WA_OK)
        wa_grid_add_name(&grid, 1, &name);
    if (name.failed)
        st = WA_ENOMEM;
    wa_buf_clear(&name);
    wa_arena_clear(&arena);
    return st;
}

START_TEST(every_failing_allocation_is_reported)
{
    every_allocation_fails_in_turn(read_and_name, NULL, 40);
}
END_TEST

Suite *wa_suite_grid(void)
{
    Suite *const suite = suite_create("grid");
    TCase *const tcase = new_case("grid");

    tcase_add_test(tcase, values_are_told_apart_by_commas);
    tcase_add_test(tcase, commas_in_brackets_and_quotes_belong_to_a_value);
    tcase_add_test(tcase, an_axis_that_cannot_be_meant_is_refused);
    tcase_add_test(tcase, a_product_beyond_counting_is_refused);
    tcase_add_test(tcase, the_last_axis_is_the_fastest);
    tcase_add_test(tcase, names_are_fit_for_files_and_stay_the_same);
    tcase_add_test(tcase, a_name_of_many_axes_is_cut);
    tcase_add_test(tcase, every_failing_allocation_is_reported);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* Figures: the strokes of a heatmap cover what they should, labels fit, and text stays text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "report/figure.h"
#include "report/html.h"
#include "suites.h"
#include "support.h"

enum { ROWS = 7, COLUMNS = 23 };

/* Follows the strokes of a path and adds its level to the cells they lie on; counts how often each is covered. */
static void follow(const char *d, int level, int levels[ROWS][COLUMNS], int covered[ROWS][COLUMNS])
{
    size_t row = 0, column = 0;

    while (*d != '"') {
        char *end;

        if (*d == 'M') {
            column = strtoul(d + 1, &end, 10);
            row    = strtoul(end + 1, &end, 10);
            ck_assert_int_eq(strncmp(end, ".5h", 3), 0);
            end += 2;
        } else {
            ck_assert_int_eq(*d, 'm');
            column += strtoul(d + 1, &end, 10);
            ck_assert_int_eq(strncmp(end, " 0h", 3), 0);
            end += 2;
        }
        const size_t n = strtoul(end + 1, &end, 10);
        ck_assert_uint_gt(n, 0);
        ck_assert_uint_le(column + n, COLUMNS);
        ck_assert_uint_lt(row, ROWS);
        for (size_t i = 0; i < n; i++) {
            levels[row][column + i] = level;
            covered[row][column + i]++;
        }
        column += n;
        d = end;
    }
}

/* Few different numbers, so that runs are long, and runs that end a row go on in the next. */
START_TEST(every_cell_that_is_not_zero_is_covered_once_in_its_colour)
{
    static const float values[] = { 0, 1, 1, -1, 0.5f, 0.01f, -0.5f, NAN };
    static float       data[ROWS * (COLUMNS + 2)];
    int                levels[ROWS][COLUMNS] = { { 0 } }, covered[ROWS][COLUMNS] = { { 0 } };
    const wa_heatmap   map = { .data = data, .n_rows = ROWS, .n_columns = COLUMNS, .stride = COLUMNS + 2, .colours = { 1, false } };
    wa_rng             rng = wa_rng_named(1, wa_text_of("cells"));
    wa_buf             out = { 0 };

    for (size_t i = 0; i < ROWS * (COLUMNS + 2); i++)
        data[i] = i > 0 && wa_rng_next(&rng) % 2 ? data[i - 1] : values[wa_rng_next(&rng) % 8];
    wa_heatmap_add_cells(&out, &map);
    wa_buf_add(&out, "", 1);
    ck_assert(!out.failed);
    for (const char *path = out.data; (path = strstr(path, "<path class=\"")); path++) {
        const int sign = path[13] == 'a' ? -1 : 1;

        ck_assert(path[13] == 'a' || path[13] == 'b');
        follow(strstr(path, "d=\"") + 3, sign * atoi(path + 14), levels, covered);
    }
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLUMNS; c++) {
            const int level = wa_colours_level(&map.colours, (double)data[r * (COLUMNS + 2) + c]);

            ck_assert_int_eq(levels[r][c], level);
            ck_assert_int_eq(covered[r][c], level != 0);
        }
    wa_buf_clear(&out);
}
END_TEST

START_TEST(levels_go_up_to_the_largest_number_on_both_sides)
{
    const float      x[]    = { 0.25f, -2, 1, INFINITY };
    const wa_colours c      = wa_colours_of(x, 4, false);
    const wa_colours joined = wa_colours_join(c, wa_colours_of(x, 1, false)), none = wa_colours_of(x, 0, false);

    ck_assert_double_eq(c.most, 2);
    ck_assert_double_eq(joined.most, 2);
    ck_assert_int_eq(wa_colours_level(&c, 2), WA_FIGURE_LEVELS);
    ck_assert_int_eq(wa_colours_level(&c, -2), -WA_FIGURE_LEVELS);
    ck_assert_int_eq(wa_colours_level(&c, 1), WA_FIGURE_LEVELS / 2);
    ck_assert_int_eq(wa_colours_level(&c, 5), WA_FIGURE_LEVELS);
    ck_assert_int_eq(wa_colours_level(&c, 0.01), 0);
    ck_assert_int_eq(wa_colours_level(&c, (double)NAN), 0);
    ck_assert_int_eq(wa_colours_level(&none, 1), 0);
}
END_TEST

static void assert_fit(const char *text, size_t columns, const char *expected)
{
    wa_buf       out  = { 0 };
    const size_t used = wa_html_fit(&out, wa_text_of(text), columns);

    wa_buf_add(&out, "", 1);
    ck_assert_str_eq(out.data, expected);
    ck_assert_uint_le(used, columns);
    wa_buf_clear(&out);
}

START_TEST(labels_are_cut_between_characters_and_mean_themselves)
{
    assert_fit("window", 6, "window");
    assert_fit("windows", 6, "windo\xE2\x80\xA6");
    assert_fit("\xE6\x9D\xB1\xE4\xBA\xAC", 4, "\xE6\x9D\xB1\xE4\xBA\xAC");
    assert_fit("\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD", 4, "\xE6\x9D\xB1\xE2\x80\xA6");
    assert_fit("a\xCC\x81"
               "bc",
               3,
               "a\xCC\x81"
               "bc");
    assert_fit("<b>&\"", 9, "&lt;b&gt;&amp;&quot;");
    assert_fit("a\n\tb", 9, "a  b");
    assert_fit("\x01\xFF", 9, "\xEF\xBF\xBD\xEF\xBF\xBD");
}
END_TEST

static void assert_number(double x, const char *expected)
{
    wa_buf out = { 0 };

    wa_html_number(&out, x);
    wa_buf_add(&out, "", 1);
    ck_assert_str_eq(out.data, expected);
    wa_buf_clear(&out);
}

START_TEST(numbers_have_four_digits)
{
    assert_number(-0.0, "0");
    assert_number(-0.123456, "-0.1235");
    assert_number(12345678, "1.235e+07");
    assert_number((double)NAN, "nan");
}
END_TEST

Suite *wa_suite_figure(void)
{
    Suite *const suite = suite_create("report/figure");
    TCase *const tests = new_case("figure");

    tcase_add_test(tests, every_cell_that_is_not_zero_is_covered_once_in_its_colour);
    tcase_add_test(tests, levels_go_up_to_the_largest_number_on_both_sides);
    tcase_add_test(tests, labels_are_cut_between_characters_and_mean_themselves);
    tcase_add_test(tests, numbers_have_four_digits);
    suite_add_tcase(suite, tests);
    return suite;
}

/* Writing JSON: every byte sequence gives text that jansson reads back, and no number that JSON does not have. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "suites.h"
#include "support.h"

static void expect_text(const char *bytes, size_t n, const char *expected)
{
    wa_buf buf = { 0 };

    wa_json_add_text(&buf, (wa_text){ bytes, n });
    ck_assert(!buf.failed);
    wa_buf_add(&buf, "", 1);
    ck_assert_str_eq(buf.data, expected);
    wa_buf_clear(&buf);
}

/* RFC 8259, section 7. */
START_TEST(characters_that_json_reserves_are_escaped)
{
    expect_text("", 0, "\"\"");
    expect_text("a/b'c", 5, "\"a/b'c\"");
    expect_text("\"\\", 2, "\"\\\"\\\\\"");
    expect_text("\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\"");
    expect_text("\0\x01\x1F\x7F", 4, "\"\\u0000\\u0001\\u001f\x7F\"");
    expect_text("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
}
END_TEST

START_TEST(bytes_that_are_not_utf_8_become_the_replacement_character)
{
    expect_text("a\xFFz", 3, "\"a\xEF\xBF\xBDz\"");
    expect_text("\xE2\x82", 2, "\"\xEF\xBF\xBD\"");                             /* one for a cut character */
    expect_text("\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""); /* a surrogate: one a byte */
    expect_text("\xC3\"", 2, "\"\xEF\xBF\xBD\\\"\"");                           /* the quote is not swallowed */
}
END_TEST

START_TEST(any_bytes_give_a_string_that_jansson_reads)
{
    static const char telling[] = "\"\\\n\x01\xC3\xA9\xE2\x82\xED\xF0\x9F\xC2";
    wa_rng            rng       = { 1 };

    for (size_t round = 0; round < 5000; round++) {
        wa_buf       buf = { 0 };
        char         bytes[40];
        const size_t n = (size_t)(wa_rng_next(&rng) % sizeof bytes);

        for (size_t i = 0; i < n; i++) { /* half of them from where the escapes and lead bytes are */
            const uint64_t r = wa_rng_next(&rng);

            bytes[i] = r >> 63 ? telling[r % (sizeof telling - 1)] : (char)(r % 256);
        }
        wa_json_add_text(&buf, (wa_text){ bytes, n });
        json_t *const value = json_loadb(buf.data, buf.n_bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        if (!json_is_string(value))
            ck_abort_msg("round %zu: %.*s", round, (int)buf.n_bytes, buf.data);
        json_decref(value);
        wa_buf_clear(&buf);
    }
}
END_TEST

START_TEST(numbers_are_the_shortest_and_null_where_they_are_not_finite)
{
    wa_buf buf = { 0 };

    wa_json_add_float(&buf, 0.1f);
    wa_buf_str(&buf, " ");
    wa_json_add_float(&buf, -FLT_MAX);
    wa_buf_str(&buf, " ");
    wa_json_add_float(&buf, NAN);
    wa_buf_str(&buf, " ");
    wa_json_add_float(&buf, INFINITY);
    wa_buf_str(&buf, " ");
    wa_json_add_double(&buf, 0.1);
    wa_buf_str(&buf, " ");
    wa_json_add_double(&buf, 1e300);
    wa_buf_str(&buf, " ");
    wa_json_add_double(&buf, (double)NAN);
    wa_buf_str(&buf, " ");
    wa_json_add_double(&buf, -(double)INFINITY);
    wa_buf_add(&buf, "", 1);
    ck_assert_str_eq(buf.data, "0.1 -3.4028235e+38 null null 0.1 1e+300 null null");
    wa_buf_clear(&buf);
}
END_TEST

START_TEST(a_value_that_was_read_is_written_as_it_was)
{
    static const char text[] = "{\"z\":[1,-2.5,0.1,-3.4028235e+38,9007199254740993],\"a\":{},\"\":[[],\"\\u0000\",true,false,null,"
                               "\"\xC3\xA9\\n\\\"\"]}";
    json_t *const     value  = json_loadb(text, sizeof text - 1, JSON_ALLOW_NUL, NULL);
    wa_buf            buf    = { 0 };

    wa_json_add_value(&buf, value);
    wa_buf_add(&buf, "", 1);
    ck_assert_str_eq(buf.data, text);
    json_decref(value);
    wa_buf_clear(&buf);
}
END_TEST

START_TEST(without_memory_the_buffer_has_failed)
{
    counting_allocator counter = { .fail_at = 1 };
    const wa_env       env     = counting_env(&counter);
    wa_buf             buf     = { .env = &env };

    wa_json_add_text(&buf, wa_text_of("text"));
    wa_json_add_float(&buf, 1.0f);
    ck_assert(buf.failed);
    ck_assert_uint_eq(buf.n_bytes, 0);
    wa_buf_clear(&buf);
    ck_assert_uint_eq(counter.n_live, 0);
}
END_TEST

Suite *wa_suite_json(void)
{
    Suite *const suite = suite_create("json");
    TCase *const tcase = new_case("json");

    tcase_add_test(tcase, characters_that_json_reserves_are_escaped);
    tcase_add_test(tcase, bytes_that_are_not_utf_8_become_the_replacement_character);
    tcase_add_test(tcase, any_bytes_give_a_string_that_jansson_reads);
    tcase_add_test(tcase, numbers_are_the_shortest_and_null_where_they_are_not_finite);
    tcase_add_test(tcase, a_value_that_was_read_is_written_as_it_was);
    tcase_add_test(tcase, without_memory_the_buffer_has_failed);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* What of the server needs no network: reading members, spelling words, counting, addresses. The rest is tested over HTTP, in tests/serve. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "serve/fields.h"
#include "serve/listen.h"
#include "serve/metrics.h"
#include "serve/spelling.h"
#include "suites.h"
#include "support.h"

/* ---------------------------------------------------------------- members */

typedef struct sample {
    bool           flag;
    wa_field_size  size, limited;
    double         number;
    int            choice;
    wa_field_texts text, list;
} sample;

static const wa_field fields[] = {
    { .name = "flag", .type = WA_FIELD_BOOL, .offset = offsetof(sample, flag) },
    { .name = "size", .type = WA_FIELD_SIZE, .offset = offsetof(sample, size), .least = 1, .most = 9007199254740991.0 },
    { .name = "limited", .type = WA_FIELD_SIZE, .offset = offsetof(sample, limited), .limit = WA_FIELD_LIMIT(k) },
    { .name = "number", .type = WA_FIELD_NUMBER, .offset = offsetof(sample, number), .least = -1, .most = 2 },
    { .name = "choice", .type = WA_FIELD_CHOICE, .offset = offsetof(sample, choice), .range = "last|mean|none" },
    { .name = "text", .type = WA_FIELD_TEXTS, .offset = offsetof(sample, text) },
    { .name = "list", .type = WA_FIELD_LIST, .offset = offsetof(sample, list), .limit = WA_FIELD_LIMIT(texts) },
    { .name = "neutral", .type = WA_FIELD_NEUTRAL },
    { .name = "label", .type = WA_FIELD_LABEL },
    { 0 },
};

static const wa_limits limits = { .k = 5, .texts = 2 };

/* The JSON stays with the caller, as the texts point into it. */
static bool read_sample(const char *body, sample *out, wa_arena *arena, json_t **root, wa_refusal *refusal)
{
    *out  = (sample){ 0 };
    *root = wa_fields_parse(wa_text_of(body), refusal);
    return *root && wa_fields_read(fields, *root, &limits, arena, out, refusal);
}

START_TEST(members_are_read_as_their_types_say)
{
    wa_arena   arena = { 0 };
    wa_refusal refusal;
    json_t    *root;
    sample     s;

    ck_assert(read_sample(
        "{\"flag\":true,\"size\":9007199254740991,\"limited\":5.0,\"number\":-1,\"choice\":\"mean\",\"text\":\"a\\u0000b\","
        "\"list\":[\"x\",\"\"],\"neutral\":[],\"label\":\"whatever\"}",
        &s, &arena, &root, &refusal));
    ck_assert(s.flag && s.size.is_given && s.limited.is_given);
    ck_assert_uint_eq(s.size.n, 9007199254740991u);
    ck_assert_uint_eq(s.limited.n, 5);
    ck_assert(s.number == -1);
    ck_assert_int_eq(s.choice, 1);
    ck_assert(s.text.n == 1 && !s.text.is_list && wa_text_equal(s.text.items[0], (wa_text){ "a\0b", 3 }));
    ck_assert(s.list.n == 2 && s.list.is_list && s.list.items[1].n_bytes == 0);
    json_decref(root);
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(a_member_that_is_null_or_missing_leaves_the_default)
{
    wa_arena   arena = { 0 };
    wa_refusal refusal;
    json_t    *root;
    sample     s;

    ck_assert(read_sample("{\"size\":null,\"text\":null,\"neutral\":null}", &s, &arena, &root, &refusal));
    ck_assert(!s.size.is_given && !s.text.is_given && !s.list.is_given);
    json_decref(root);
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(members_that_cannot_be_meant_are_named)
{
    static const struct {
        const char *body, *param, *code, *message;
    } cases[] = {
        { "{\"flag\":1}", "flag", "invalid_type", "flag: found 1, expected true or false" },
        { "{\"size\":0}", "size", "out_of_range", "size: found 0, expected a whole number from 1 to 9007199254740991" },
        { "{\"size\":9007199254740993}", "size", "out_of_range",
          "size: found 9007199254740993, expected a whole number from 1 to 9007199254740991" },
        { "{\"limited\":6}", "limited", "out_of_range", "limited: found 6, expected a whole number from 0 to 5" },
        { "{\"limited\":1.5}", "limited", "out_of_range", "limited: found 1.5, expected a whole number from 0 to 5" },
        { "{\"number\":2.001}", "number", "out_of_range", "number: found 2.001, expected a number from -1 to 2" },
        { "{\"number\":[]}", "number", "out_of_range", "number: found a list, expected a number from -1 to 2" },
        { "{\"choice\":\"mea\"}", "choice", "invalid_type", "choice: found 'mea', expected last|mean|none" },
        { "{\"choice\":\"last|mean\"}", "choice", "invalid_type", "choice: found 'last|mean', expected last|mean|none" },
        { "{\"text\":{}}", "text", "invalid_type", "text: found an object, expected a string or a list of strings" },
        { "{\"list\":\"a\"}", "list", "invalid_type", "list: found 'a', expected a list of strings" },
        { "{\"list\":[\"a\",null]}", "list", "invalid_type", "list: found null at 1, expected a string" },
        { "{\"list\":[\"a\",\"b\",\"c\"]}", "list", "too_many", "list: found 3, expected at most 2" },
        { "{\"neutral\":0.5}", "neutral", "not_supported", "neutral: found 0.5, which this server does not do; leave it out" },
        { "{\"label\":7}", "label", "invalid_type", "label: found 7, expected a string" },
        { "{\"flagg\":true}", "flagg", "unknown_member", "unknown member 'flagg'; did you mean 'flag'?" },
        { "[]", "", "invalid_json", "the body: found JSON that is no object, expected {...}" },
    };
    wa_arena   arena = { 0 };
    wa_refusal refusal;
    json_t    *root;
    sample     s;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert(!read_sample(cases[i].body, &s, &arena, &root, &refusal));
        ck_assert_str_eq(refusal.message, cases[i].message);
        ck_assert_str_eq(refusal.param, cases[i].param);
        ck_assert_str_eq(refusal.code, cases[i].code);
        ck_assert_uint_eq(refusal.status, 400);
        json_decref(root);
    }
    wa_arena_clear(&arena);
}
END_TEST

/* ---------------------------------------------------------------- spelling */

START_TEST(words_are_put_together_as_they_are_written)
{
    static const char *const words[] = { "\"",    "no",     ",",   "\"",           "he",  "said",         "(",
                                         "in",    "french", ")",   "\xE2\x80\x9C", "oui", "\xE2\x80\x9D", ".",
                                         "don't", "\"",     "ask", "\"",           "!" };
    wa_buf                   text    = { 0 };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        wa_buf_str(&text, wa_spelling_has_space(wa_buf_view(&text), wa_text_of(words[i])) ? " " : "");
        wa_buf_str(&text, words[i]);
    }
    ck_assert(wa_text_is(wa_buf_view(&text), "\"no,\" he said (in french) \xE2\x80\x9Coui\xE2\x80\x9D. don't \"ask\"!"));
    wa_buf_clear(&text);
}
END_TEST

START_TEST(no_space_is_added_where_there_is_white_space)
{
    ck_assert(!wa_spelling_has_space(wa_text_of(""), wa_text_of("the")));
    ck_assert(!wa_spelling_has_space(wa_text_of("the "), wa_text_of("cat")));
    ck_assert(!wa_spelling_has_space(wa_text_of("the\n"), wa_text_of("cat")));
    ck_assert(!wa_spelling_has_space(wa_text_of("the\xE2\x80\x83"), wa_text_of("cat"))); /* an em space */
    ck_assert(wa_spelling_has_space(wa_text_of("caf\xC3\xA9"), wa_text_of("cat")));
    ck_assert_uint_eq(wa_spelling_count(wa_text_of("caf\xC3\xA9 \xE2\x80\x9C")), 6);
}
END_TEST

/* ---------------------------------------------------------------- counting */

START_TEST(counts_add_up_in_the_text_of_prometheus)
{
    static const char *const paths[] = { "/a", "other" };
    wa_metrics               metrics = { 0 };
    wa_buf                   text    = { 0 };

    wa_metrics_request(&metrics, 0, 200, 0.0004);
    wa_metrics_request(&metrics, 0, 200, 0.0011);
    wa_metrics_request(&metrics, 0, 400, 100);
    wa_metrics_request(&metrics, 1, 404, 0.0004);
    wa_metrics_batch(&metrics, 3);
    wa_metrics_add_text(&metrics, &(wa_metrics_now){ paths, 2, 7, 8, wa_text_of("a\"b") }, &text);
    wa_buf_add(&text, "", 1);
    ck_assert_ptr_nonnull(strstr(text.data, "wordahead_requests_total{endpoint=\"/a\",status=\"200\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "wordahead_requests_total{endpoint=\"/a\",status=\"400\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "wordahead_requests_total{endpoint=\"other\",status=\"404\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "wordahead_request_seconds_bucket{le=\"0.0005\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "wordahead_request_seconds_bucket{le=\"0.002\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "wordahead_request_seconds_bucket{le=\"30\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "wordahead_request_seconds_bucket{le=\"+Inf\"} 4\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "wordahead_batch_texts_bucket{le=\"2\"} 0\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "wordahead_batch_texts_bucket{le=\"4\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "model=\"a\\\"b\"} 1\n"));
    wa_buf_clear(&text);
}
END_TEST

/* ---------------------------------------------------------------- addresses */

START_TEST(an_address_with_a_port_is_listened_on)
{
    wa_listener listener;
    wa_error    err;

    ck_assert_int_eq(wa_listen("localhost:0", &listener, &err), WA_OK);
    ck_assert_ptr_eq(strstr(listener.url, "http://127.0.0.1:"), listener.url);
    ck_assert_ptr_null(strstr(listener.url, ":0/"));
    close(listener.fd);
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    static const char *const cases[] = {
        "",       ":",       ":80",     "127.0.0.1", "127.0.0.1:",     "127.0.0.1:x", "127.0.0.1:65536", "[127.0.0.1]:80",
        "::1:80", "[::1:80", "::1]:80", "[]:80",     "example.org:80", "1.2.3.4:-1",  "1.2.3.4: 80"
    };
    wa_listener listener = { .fd = -1 };
    wa_error    err;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(wa_listen(cases[i], &listener, &err), WA_EUSAGE);
        ck_assert_ptr_nonnull(strstr(err.message, "expected ADDRESS:PORT"));
    }
    ck_assert_int_eq(listener.fd, -1);
}
END_TEST

Suite *wa_suite_serve(void)
{
    Suite *const suite = suite_create("serve");
    TCase *const tests = tcase_create("serve");

    tcase_add_test(tests, members_are_read_as_their_types_say);
    tcase_add_test(tests, a_member_that_is_null_or_missing_leaves_the_default);
    tcase_add_test(tests, members_that_cannot_be_meant_are_named);
    tcase_add_test(tests, words_are_put_together_as_they_are_written);
    tcase_add_test(tests, no_space_is_added_where_there_is_white_space);
    tcase_add_test(tests, counts_add_up_in_the_text_of_prometheus);
    tcase_add_test(tests, an_address_with_a_port_is_listened_on);
    tcase_add_test(tests, what_is_no_address_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

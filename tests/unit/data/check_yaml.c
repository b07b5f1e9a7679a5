/* YAML: the tree, the core schema, and broken documents with their messages. Messages in libyaml's words are those of libyaml
 * 0.2. */
#include "suites.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "data/yaml.h"

static const wa_source file_source = { .name = "f.yaml", .layer = 3, .has_lines = true };

static wa_status parse_bytes(const char *bytes, size_t n, wa_arena *arena, wa_node **out, wa_error *err)
{
    return wa_yaml_parse((wa_text){ bytes, n }, &file_source, arena, out, err);
}

static wa_node *parse(const char *text, wa_arena *arena)
{
    wa_node  *root;
    wa_error  err;
    const int st = (int)parse_bytes(text, strlen(text), arena, &root, &err);

    ck_assert_msg(st == WA_OK, "%s: %s", text, err.message);
    return root;
}

static void expect_failure(const char *bytes, size_t n, const char *message)
{
    wa_arena  arena = { 0 };
    wa_node  *root  = NULL;
    wa_error  err   = { 0 };
    const int st    = (int)parse_bytes(bytes, n, &arena, &root, &err);

    ck_assert_msg(st == WA_ECONFIG, "%.60s: status %d", bytes, st);
    ck_assert_str_eq(err.message, message);
    ck_assert_msg(!root == !strstr(message, "was given before"), "%.60s: only duplicate keys leave a document", bytes);
    wa_arena_clear(&arena);
}

/* ---------------------------------------------------------------- trees */

START_TEST(nodes_keep_their_order_text_and_place)
{
    wa_arena             arena = { 0 };
    const wa_node *const root  = parse("# a comment\nb: one\na:\n  - 'two'\n  - [3, {c: d}]\n", &arena);
    const wa_node       *list;

    ck_assert_int_eq(root->kind, WA_NODE_MAP);
    ck_assert_uint_eq(root->n_items, 2);
    ck_assert_str_eq(root->items[0].key->text.data, "b");
    ck_assert_str_eq(root->items[1].key->text.data, "a");
    ck_assert_ptr_nonnull(list = wa_node_find(root, wa_text_of("a")));
    ck_assert_uint_eq(list->n_items, 2);
    ck_assert_str_eq(list->items[0].value->text.data, "two");
    ck_assert(!list->items[0].value->is_plain);
    ck_assert(list->items[1].value->items[0].value->is_plain);
    ck_assert_uint_eq(list->items[0].value->line, 4);
    ck_assert_uint_eq(list->items[0].value->column, 5);
    ck_assert_uint_eq(list->layer, 3);
    ck_assert_ptr_null(wa_node_find(root, wa_text_of("c")));
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(documents_without_content_are_empty_maps)
{
    static const char *const empty[] = { "", "\n\n", "# only a comment", "---\n", "--- \n...\n", "\xEF\xBB\xBF" };

    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        wa_arena             arena = { 0 };
        const wa_node *const root  = parse(empty[i], &arena);

        ck_assert_int_eq(root->kind, WA_NODE_MAP);
        ck_assert_uint_eq(root->n_items, 0);
        ck_assert_uint_eq(root->line, 1);
        wa_arena_clear(&arena);
    }
}
END_TEST

START_TEST(a_null_pointer_of_no_bytes_is_an_empty_document)
{
    wa_arena arena = { 0 };
    wa_node *root;

    ck_assert_int_eq(parse_bytes(NULL, 0, &arena, &root, NULL), WA_OK);
    ck_assert_uint_eq(root->n_items, 0);
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(a_byte_order_mark_and_utf_16_are_read)
{
    static const char mark[]   = "\xEF\xBB\xBF"
                                 "a: \xC3\xA9";
    static const char little[] = "\xFF\xFE"
                                 "a\0:\0 \0\xE9\0";
    static const char big[]    = "\xFE\xFF\0a\0:\0 \0\xE9";
    const struct {
        const char *bytes;
        size_t      n;
    } all[] = { { mark, sizeof mark - 1 }, { little, sizeof little - 1 }, { big, sizeof big - 1 } };

    for (size_t i = 0; i < 3; i++) {
        wa_arena arena = { 0 };
        wa_node *root;

        ck_assert_int_eq(parse_bytes(all[i].bytes, all[i].n, &arena, &root, NULL), WA_OK);
        ck_assert_str_eq(wa_node_find(root, wa_text_of("a"))->text.data, "\xC3\xA9");
        wa_arena_clear(&arena);
    }
}
END_TEST

START_TEST(an_alias_is_the_node_of_the_latest_anchor_of_its_name)
{
    wa_arena             arena = { 0 };
    const wa_node *const root  = parse("a: &x [1, 2]\nb: *x\nc: &x k\nd: *x\n*x : 5\n", &arena);

    ck_assert_ptr_eq(wa_node_find(root, wa_text_of("b")), wa_node_find(root, wa_text_of("a")));
    ck_assert_ptr_eq(wa_node_find(root, wa_text_of("d")), wa_node_find(root, wa_text_of("c")));
    ck_assert_str_eq(wa_node_find(root, wa_text_of("k"))->text.data, "5");
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(a_map_of_thousands_of_keys_finds_each)
{
    enum { N = 5000 };
    wa_arena arena = { 0 };
    wa_buf   text  = { 0 };

    for (int i = 0; i < N; i++)
        wa_buf_format(&text, "k%d: v%d\n", i * 7919 % N, i);
    wa_buf_add(&text, "", 1);
    const wa_node *const root = parse(text.data, &arena);
    for (int i = 0; i < N; i++) {
        char key[16], value[16];

        snprintf(key, sizeof key, "k%d", i * 7919 % N);
        snprintf(value, sizeof value, "v%d", i);
        ck_assert_str_eq(wa_node_find(root, wa_text_of(key))->text.data, value);
    }
    ck_assert_ptr_null(wa_node_find(root, wa_text_of("k5000")));
    wa_buf_clear(&text);
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(thousands_of_anchors_are_each_found)
{
    enum { N = 6000 };
    wa_arena arena = { 0 };
    wa_buf   text  = { 0 };

    for (int i = 0; i < N; i++)
        wa_buf_format(&text, "- &a%d v%d\n", i, i);
    for (int i = 0; i < N; i++)
        wa_buf_format(&text, "- *a%d\n", i);
    wa_buf_add(&text, "", 1);
    const wa_node *const root = parse(text.data, &arena);
    for (int i = 0; i < N; i++)
        ck_assert_ptr_eq(root->items[i].value, root->items[N + i].value);
    wa_buf_clear(&text);
    wa_arena_clear(&arena);
}
END_TEST

/* ---------------------------------------------------------------- the core schema */

static wa_node plain(const char *text)
{
    return (wa_node){ .kind = WA_NODE_SCALAR, .is_plain = true, .text = wa_text_of(text) };
}

static bool is_null(const char *text)
{
    const wa_node node = plain(text);

    return wa_node_is_null(&node);
}

/* Source: YAML 1.2.2, chapter 10.3.2, the table of tag resolution. */
START_TEST(scalars_are_what_the_core_schema_says)
{
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
    static const char *const trues[] = { "true", "True", "TRUE" }, *const falses[] = { "false", "False", "FALSE" };
    static const char *const texts[] = { "no",  "yes",      "on", "Off", "nUll",  "tRue", "y",    "n",   "nan",
                                         "inf", "Infinity", "1e", "0b1", "1_000", "0x",   "0o8",  "--1", "1 2",
                                         ".",   "+",        "-",  "e3",  ".e3",   "0xG",  "-0x1", "1:30" };
    bool                     truth;
    double                   number;
    size_t                   size;

    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        ck_assert_msg(is_null(nulls[i]), "%s", nulls[i]);
    for (size_t i = 0; i < 3; i++) {
        const wa_node yes = plain(trues[i]), no = plain(falses[i]);

        ck_assert(wa_node_bool(&yes, &truth) && truth);
        ck_assert(wa_node_bool(&no, &truth) && !truth);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const wa_node node = plain(texts[i]);

        ck_assert_msg(!wa_node_is_null(&node) && !wa_node_bool(&node, &truth) && !wa_node_double(&node, &number) &&
                          !wa_node_size(&node, &size),
                      "%s", texts[i]);
    }
}
END_TEST

START_TEST(numbers_are_read_in_all_their_forms)
{
    static const struct {
        const char *text;
        double      value;
    } all[] = { { "0", 0 },
                { "-0", 0 },
                { "+12", 12 },
                { "010", 10 },
                { "0o17", 15 },
                { "0x1F", 31 },
                { "0xff", 255 },
                { ".5", 0.5 },
                { "5.", 5 },
                { "-1.5", -1.5 },
                { "1e-3", 1e-3 },
                { "1E+3", 1000 },
                { ".inf", HUGE_VAL },
                { "-.Inf", -HUGE_VAL },
                { "+.INF", HUGE_VAL },
                { "1e999", HUGE_VAL } };
    double number;
    size_t size = 7;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const wa_node node = plain(all[i].text);

        ck_assert_msg(wa_node_double(&node, &number) && number == all[i].value, "%s", all[i].text);
    }
    const wa_node nan_node = plain(".NaN"), hex = plain("0x1F"), octal = plain("0o17"), minus = plain("-1"), plus = plain("+5"),
                  half = plain("0.5"), huge = plain("18446744073709551616"), last = plain("18446744073709551615"),
                  wide = plain("0x10000000000000000");
    ck_assert(wa_node_double(&nan_node, &number) && isnan(number));
    ck_assert(!wa_node_size(&minus, &size) && !wa_node_size(&half, &size) && !wa_node_size(&huge, &size) &&
              !wa_node_size(&wide, &size));
    ck_assert_uint_eq(size, 7);
    ck_assert(wa_node_size(&hex, &size) && size == 31);
    ck_assert(wa_node_size(&octal, &size) && size == 15);
    ck_assert(wa_node_size(&plus, &size) && size == 5);
    ck_assert(wa_node_size(&last, &size) && size == SIZE_MAX);
}
END_TEST

START_TEST(quotes_and_tags_decide_what_a_scalar_is)
{
    wa_arena             arena = { 0 };
    const wa_node *const root  = parse("[ '1', !!str 1, ! 1, !!int '1', !!float 1, !!bool 'true', !!null '' ]", &arena);
    double               number;
    bool                 truth;

    for (size_t i = 0; i < 3; i++)
        ck_assert_msg(!wa_node_double(root->items[i].value, &number), "item %zu", i);
    for (size_t i = 3; i < 5; i++)
        ck_assert_msg(wa_node_double(root->items[i].value, &number) && number == 1, "item %zu", i);
    ck_assert(wa_node_bool(root->items[5].value, &truth) && truth);
    ck_assert(wa_node_is_null(root->items[6].value));
    wa_arena_clear(&arena);
}
END_TEST

/* ---------------------------------------------------------------- broken documents */

static const struct {
    const char *text, *message;
} broken[] = {
    { "[", "f.yaml:1:2: did not find expected node content while parsing a flow node" },
    { "a: [b\n", "f.yaml:2:1: did not find expected ',' or ']' while parsing a flow sequence that begins at 1:4" },
    { "a: ]", "f.yaml:1:4: did not find expected node content while parsing a block node" },
    { "a: {b: c", "f.yaml:1:9: did not find expected ',' or '}' while parsing a flow mapping that begins at 1:4" },
    { "a: b: c", "f.yaml:1:5: mapping values are not allowed in this context" },
    { "a: b\r\nc", "f.yaml:2:2: could not find expected ':' while scanning a simple key that begins at 2:1" },
    { "a: 'b", "f.yaml:1:6: found unexpected end of stream while scanning a quoted scalar that begins at 1:4" },
    { "a: \"\\q\"", "f.yaml:1:5: found unknown escape character while parsing a quoted scalar that begins at 1:4" },
    { "a: @b", "f.yaml:1:4: found character that cannot start any token while scanning for the next token" },
    { "\ta: b", "f.yaml:1:1: found character that cannot start any token while scanning for the next token; a tab stands here: "
                "YAML is indented with blanks" },
    { "a:\n\tb: c", "f.yaml:2:1: found character that cannot start any token while scanning for the next token; a tab stands here: "
                    "YAML is indented with blanks" },
    { "a:\n  - b\n c: d", "f.yaml:3:2: did not find expected key while parsing a block mapping that begins at 1:1" },
    { "%FOO\n", "f.yaml:1:5: found unknown directive name while scanning a directive that begins at 1:1" },
    { "a: b\xFF", "f.yaml:1:5: invalid leading UTF-8 octet: found 0xFF, expected printable text in UTF-8" },
    { "\xC3\xA9: \xC3\n", "f.yaml:1:5: invalid trailing UTF-8 octet: found 0x0A, expected printable text in UTF-8" },
    { "a: 1\nb: \x01", "f.yaml:2:4: control characters are not allowed: found 0x01, expected printable text in UTF-8" },
    { "\xFF\xFE"
      "a",
      "f.yaml:1:1: incomplete UTF-16 character; expected text in UTF-8" },
    { "a: 1\n---\nb: 2", "f.yaml:2:1: a second document begins here; expected one document" },
    { "a: 1\n...\n---\n", "f.yaml:3:1: a second document begins here; expected one document" },
    { "a: 1\nb: 2\n'a': 3", "f.yaml:3:1: the key 'a' was given before, at 1:1; keep one" },
    { "x: {a: 1, a: 2}", "f.yaml:1:11: the key 'a' was given before, at 1:5; keep one" },
    { "? [a]\n: b", "f.yaml:1:3: found a list or map as a key, expected a word" },
    { "{a: b}: c", "f.yaml:1:1: found a list or map as a key, expected a word" },
    { "a: *b", "f.yaml:1:4: the alias 'b' has no anchor before it" },
    { "a: &b [*b]", "f.yaml:1:8: the alias 'b' stands inside its own anchor" },
    { "a: !foo 1", "f.yaml:1:4: the tag '!foo' cannot stand here; expected none, or the one of !!str !!int !!float !!bool !!null "
                   "!!seq !!map that "
                   "fits what follows" },
    { "a: !!int 1.5",
      "f.yaml:1:4: the tag 'tag:yaml.org,2002:int' cannot stand here; expected none, or the one of !!str !!int !!float !!bool "
      "!!null !!seq !!map that fits what follows" },
    { "a: !!map []",
      "f.yaml:1:4: the tag 'tag:yaml.org,2002:map' cannot stand here; expected none, or the one of !!str !!int !!float !!bool "
      "!!null !!seq !!map that fits what follows" },
    { "a: !e!x 1", "f.yaml:1:4: found undefined tag handle while parsing a node" },
};

START_TEST(a_broken_document_fails_with_its_place)
{
    expect_failure(broken[_i].text, strlen(broken[_i].text), broken[_i].message);
}
END_TEST

START_TEST(an_override_fails_without_a_place)
{
    static const wa_source source = { .name = "--set 2" };
    wa_arena               arena  = { 0 };
    wa_node               *root;
    wa_error               err;

    ck_assert_int_eq(wa_yaml_parse(wa_text_of("[a"), &source, &arena, &root, &err), WA_ECONFIG);
    ck_assert_str_eq(err.message, "--set 2: did not find expected ',' or ']' while parsing a flow sequence");
    ck_assert_int_eq(wa_yaml_parse(wa_text_of("{a: 1, a: 1}"), &source, &arena, &root, &err), WA_ECONFIG);
    ck_assert_str_eq(err.message, "--set 2: the key 'a' is given twice; keep one");
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(a_zero_byte_is_no_text)
{
    expect_failure("a: b\0c", 6, "f.yaml:1:5: control characters are not allowed: found 0x00, expected printable text in UTF-8");
}
END_TEST

/* ---------------------------------------------------------------- limits */

/* `n` times the open text, what is inside, `n` times the close text. */
static wa_text nested(wa_buf *buf, size_t n, const char *open, const char *inside, const char *close)
{
    for (size_t i = 0; i < n; i++)
        wa_buf_str(buf, open);
    wa_buf_str(buf, inside);
    for (size_t i = 0; i < n; i++)
        wa_buf_str(buf, close);
    return wa_buf_view(buf);
}

START_TEST(sixty_four_levels_are_read_and_one_more_is_not)
{
    wa_arena arena = { 0 };
    wa_buf   deep = { 0 }, deeper = { 0 }, deepest = { 0 };
    wa_node *root;

    ck_assert_int_eq(wa_yaml_parse(nested(&deep, 64, "[", "", "]"), &file_source, &arena, &root, NULL), WA_OK);
    nested(&deeper, 65, "[", "", "]");
    expect_failure(deeper.data, deeper.n_bytes, "f.yaml:1:65: nested deeper than 64 levels");
    nested(&deepest, 100000, "[", "", "");
    expect_failure(deepest.data, deepest.n_bytes, "f.yaml:1:65: nested deeper than 64 levels");
    wa_buf_clear(&deep);
    wa_buf_clear(&deeper);
    wa_buf_clear(&deepest);
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(levels_behind_an_alias_count)
{
    wa_arena arena = { 0 };
    wa_buf   text  = { 0 };
    wa_node *root;

    /* level 1 is the map: 1 + 3 + 60 = 64 */
    wa_buf_str(&text, "a: &a ");
    nested(&text, 60, "[", "", "]");
    wa_buf_str(&text, "\nb: [[[*a]]]\nc: &c [*a]\n");
    ck_assert_int_eq(wa_yaml_parse(wa_buf_view(&text), &file_source, &arena, &root, NULL), WA_OK);
    wa_buf_str(&text, "d: [[[*c]]]");
    expect_failure(text.data, text.n_bytes, "f.yaml:4:7: nested deeper than 64 levels");
    wa_buf_clear(&text);
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(a_document_that_unfolds_into_billions_stops_at_a_million)
{
    wa_buf text = { 0 };

    wa_buf_str(&text, "a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (char c = 'b'; c <= 'k'; c++) {
        wa_buf_format(&text, "%c: &%c [", c, c);
        for (int i = 0; i < 10; i++)
            wa_buf_format(&text, "*%c%s", c - 1, i < 9 ? ", " : "]\n");
    }
    /* a has 11 values, b 111, ..., e 111111; all that and the keys are 123463; the eighth *e is too much */
    expect_failure(text.data, text.n_bytes, "f.yaml:6:36: more than 1000000 values, those behind aliases included");
    wa_buf_clear(&text);
}
END_TEST

START_TEST(sixteen_mebibytes_are_the_most)
{
    enum { MOST = 16 * 1024 * 1024 };
    wa_arena    arena = { 0 };
    char *const text  = malloc(MOST + 1);
    wa_node    *root;

    ck_assert_ptr_nonnull(text);
    memset(text, '\n', MOST + 1);
    ck_assert_int_eq(parse_bytes(text, MOST, &arena, &root, NULL), WA_OK);
    expect_failure(text, MOST + 1, "f.yaml: found 16777217 bytes, expected at most 16777216 (16 MiB)");
    free(text);
    wa_arena_clear(&arena);
}
END_TEST

/* ---------------------------------------------------------------- robustness */

static const char whole[] =
    "a: &x [1, -2.5e3, .nan, 'q''r', \"\\u00e9\\n\"]\nb: *x\nc: !!str 5\n? d\n: |\n  block\n  text\ne: {f: ~, g: [[1, "
    "2], [3]]}\nh: >-\n  folded\n\n  more\n\xC3\xA9: \xF0\x9F\x98\x80\n";

START_TEST(every_prefix_of_a_document_parses_or_fails_cleanly)
{
    for (size_t n = 0; n <= sizeof whole - 1; n++) {
        wa_arena    arena = { 0 };
        char *const exact = malloc(n ? n : 1); /* so that the sanitizer sees a read beyond */
        wa_node    *root;
        wa_error    err;

        memcpy(exact, whole, n);
        const wa_status st = parse_bytes(exact, n, &arena, &root, &err);
        ck_assert(st == WA_OK || (st == WA_ECONFIG && strncmp(err.message, "f.yaml:", 7) == 0));
        free(exact);
        wa_arena_clear(&arena);
    }
}
END_TEST

START_TEST(mutated_documents_parse_or_fail_cleanly)
{
    static const char pieces[] = "[]{}:,-?!&*#'\"|>%@`\n\t \\~0ax\x80\xFF";
    uint64_t          state    = 7; /* xorshift64 */

    for (int round = 0; round < 20000; round++) {
        wa_arena arena = { 0 };
        char     text[sizeof whole];
        wa_node *root;

        memcpy(text, whole, sizeof whole);
        for (int change = 0; change < 3; change++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text[(state >> 8) % (sizeof whole - 1)] = pieces[(state >> 40) % (sizeof pieces - 1)];
        }
        const wa_status st = parse_bytes(text, sizeof whole - 1, &arena, &root, NULL);
        ck_assert(st == WA_OK || st == WA_ECONFIG);
        wa_arena_clear(&arena);
    }
}
END_TEST

static wa_status parse_whole(const wa_env *env, void *user)
{
    wa_arena        arena = { .env = env };
    wa_node        *root;
    const wa_status st = wa_yaml_parse(wa_text_of(user), &file_source, &arena, &root, NULL);

    wa_arena_clear(&arena);
    return st;
}

START_TEST(a_failing_allocation_is_reported_and_leaves_nothing)
{
    wa_buf text = { 0 };

    wa_buf_str(&text, whole);
    for (int i = 0; i < 2000; i++) /* enough for several blocks and a hash table */
        wa_buf_format(&text, "k%d: v\n", i);
    wa_buf_add(&text, "", 1);
    every_allocation_fails_in_turn(parse_whole, text.data, 200);
    wa_buf_clear(&text);
}
END_TEST

Suite *wa_suite_yaml(void)
{
    Suite *const suite = suite_create("yaml");
    TCase *const tree = new_case("tree"), *const schema = new_case("core schema"), *const errors = new_case("errors"),
                 *const limits = new_case("limits"), *const robust = new_case("robustness");

    tcase_add_test(tree, nodes_keep_their_order_text_and_place);
    tcase_add_test(tree, documents_without_content_are_empty_maps);
    tcase_add_test(tree, a_null_pointer_of_no_bytes_is_an_empty_document);
    tcase_add_test(tree, a_byte_order_mark_and_utf_16_are_read);
    tcase_add_test(tree, an_alias_is_the_node_of_the_latest_anchor_of_its_name);
    tcase_add_test(tree, a_map_of_thousands_of_keys_finds_each);
    tcase_add_test(tree, thousands_of_anchors_are_each_found);
    suite_add_tcase(suite, tree);
    tcase_add_test(schema, scalars_are_what_the_core_schema_says);
    tcase_add_test(schema, numbers_are_read_in_all_their_forms);
    tcase_add_test(schema, quotes_and_tags_decide_what_a_scalar_is);
    suite_add_tcase(suite, schema);
    tcase_add_loop_test(errors, a_broken_document_fails_with_its_place, 0, (int)(sizeof broken / sizeof *broken));
    tcase_add_test(errors, an_override_fails_without_a_place);
    tcase_add_test(errors, a_zero_byte_is_no_text);
    suite_add_tcase(suite, errors);
    tcase_add_test(limits, sixty_four_levels_are_read_and_one_more_is_not);
    tcase_add_test(limits, levels_behind_an_alias_count);
    tcase_add_test(limits, a_document_that_unfolds_into_billions_stops_at_a_million);
    tcase_add_test(limits, sixteen_mebibytes_are_the_most);
    suite_add_tcase(suite, limits);
    tcase_set_timeout(robust, 120);
    tcase_add_test(robust, every_prefix_of_a_document_parses_or_fails_cleanly);
    tcase_add_test(robust, mutated_documents_parse_or_fail_cleanly);
    tcase_add_test(robust, a_failing_allocation_is_reported_and_leaves_nothing);
    suite_add_tcase(suite, robust);
    return suite;
}

/* What differs between two records. See changes.h. */
#include "cli/changes.h"

#include "base/str.h"
#include "data/lexicon.h"

static wa_text text_of(const json_t *value)
{
    return (wa_text){ json_string_value(value), json_string_length(value) };
}

/* ---------------------------------------------------------------- the configuration */

/* A line of a configuration that is shown bare. */
typedef struct setting {
    wa_text key;   /* as --set takes it: "attention.0.heads" */
    wa_text value; /* nothing where its own keys follow */
    size_t  indent;
    size_t  around; /* index of the setting whose key this is; WA_NONE */
} setting;

/* A zeroed one is empty. */
typedef struct settings {
    wa_arena   arena;
    wa_lexicon keys; /* in the order of the items, as no key is there twice */
    setting   *items;
    size_t     n, capacity;
} settings;

static void clear_settings(settings *s)
{
    wa_lexicon_clear(&s->keys);
    wa_release(NULL, s->items);
    wa_arena_clear(&s->arena);
}

/* Appends "attention.1" for the second line "- attention:", or the key behind those around it. */
static void name_setting(const settings *s, wa_buf *out, size_t around, wa_text name, bool is_stage)
{
    if (!is_stage && around != WA_NONE) {
        wa_buf_text(out, s->items[around].key);
        wa_buf_str(out, ".");
    }
    wa_buf_text(out, name);
    const size_t n = out->n_bytes;
    for (size_t i = 0; is_stage && (i == 0 || wa_lexicon_find(&s->keys, wa_buf_view(out)) != WA_NONE) && !out->failed; i++) {
        out->n_bytes = n;
        wa_buf_format(out, ".%zu", i);
    }
}

static bool add_setting(settings *s, setting added, wa_text name, bool is_stage)
{
    void  *items = s->items;
    wa_buf key   = { 0 };
    size_t index;

    name_setting(s, &key, added.around, name, is_stage);
    added.key = key.failed ? (wa_text){ 0 } : wa_arena_text(&s->arena, wa_buf_view(&key));
    wa_buf_clear(&key);
    if (!added.key.data || !wa_grow(NULL, &items, &s->capacity, s->n + 1, sizeof *s->items) ||
        !wa_lexicon_add(&s->keys, added.key, &index, NULL))
        return false;
    s->items         = items;
    s->items[s->n++] = added;
    return true;
}

/* How long the key of a line is; one in quotes may hold a colon. */
static size_t measure_key(wa_text line)
{
    size_t n = 0;

    for (bool is_quoted = false; n < line.n_bytes && (is_quoted || line.data[n] != ':'); n++) {
        is_quoted = is_quoted != (line.data[n] == '"');
        n += is_quoted && line.data[n] == '\\';
    }
    return n < line.n_bytes ? n : line.n_bytes;
}

static wa_text behind(wa_text text, size_t n)
{
    n = n < text.n_bytes ? n : text.n_bytes;
    return (wa_text){ text.data + n, text.n_bytes - n };
}

/* Takes a line in; lines around it are less indented. */
static bool take_line(settings *s, wa_text line)
{
    size_t  indent = 0;
    setting added  = { .around = s->n > 0 ? s->n - 1 : WA_NONE };

    while (indent < line.n_bytes && line.data[indent] == ' ')
        indent++;
    const bool is_stage = wa_text_begins(behind(line, indent), wa_text_of("- "));
    added.indent        = indent + (is_stage ? 2 : 0);
    while (added.around != WA_NONE && s->items[added.around].indent >= added.indent)
        added.around = s->items[added.around].around;
    const wa_text inner = behind(line, added.indent);
    const size_t  n_key = measure_key(inner);
    added.value         = behind(inner, n_key + 2); /* ": " */
    return add_setting(s, added, (wa_text){ inner.data, n_key }, is_stage);
}

static bool read_settings(settings *s, wa_text values)
{
    wa_cursor lines = { values, 0 };
    wa_text   line;

    while (wa_cursor_take_line(&lines, &line))
        if (!take_line(s, line))
            return false;
    return true;
}

/* Whether a setting is told of: not where the one around it is alone on its side, which says it all. */
static bool is_told(const settings *of, size_t i, const settings *other)
{
    const size_t around = of->items[i].around;

    return around == WA_NONE || wa_lexicon_find(&other->keys, of->items[around].key) != WA_NONE;
}

static void add_setting_change(wa_buf *out, const setting *was, const setting *is)
{
    const wa_text key = is ? is->key : was->key;

    wa_buf_str(out, "configuration: ");
    wa_buf_text(out, key);
    wa_buf_format(out, " is %s", !is ? "not given" : is->value.n_bytes > 0 ? wa_show(is->value).quoted : "given");
    wa_buf_format(out, ", was %s\n", !was ? "not" : was->value.n_bytes > 0 ? wa_show(was->value).quoted : "given");
}

static void compare_settings(wa_buf *out, const settings *before, const settings *now)
{
    for (size_t i = 0; i < now->n; i++) {
        const size_t was = wa_lexicon_find(&before->keys, now->items[i].key);

        if (was == WA_NONE ? is_told(now, i, before) : !wa_text_equal(before->items[was].value, now->items[i].value))
            add_setting_change(out, was == WA_NONE ? NULL : &before->items[was], &now->items[i]);
    }
    for (size_t i = 0; i < before->n; i++)
        if (wa_lexicon_find(&now->keys, before->items[i].key) == WA_NONE && is_told(before, i, now))
            add_setting_change(out, &before->items[i], NULL);
}

static void compare_configurations(wa_buf *out, wa_text before, wa_text now)
{
    settings     a = { .n = 0 }, b = { .n = 0 };
    const size_t n = out->n_bytes;

    if (read_settings(&a, before) && read_settings(&b, now))
        compare_settings(out, &a, &b);
    else
        out->failed = true;
    if (out->n_bytes == n && !wa_text_equal(before, now))
        wa_buf_str(out, "configuration: its stages, or words with vectors, stand in another order\n");
    clear_settings(&b);
    clear_settings(&a);
}

/* ---------------------------------------------------------------- files */

/* The file in a list that stands for file i of another: of its key the same one in order, as each stage of a kind may name one. */
static const json_t *find_file(const json_t *files, const json_t *other, size_t i)
{
    const json_t *const key     = json_object_get(json_array_get(other, i), "key");
    size_t              ordinal = 0;

    for (size_t k = 0; k < i; k++)
        ordinal += json_equal(json_object_get(json_array_get(other, k), "key"), key) != 0;
    for (size_t k = 0; k < json_array_size(files); k++) {
        const json_t *const file = json_array_get(files, k);

        if (json_equal(json_object_get(file, "key"), key) && ordinal-- == 0)
            return file;
    }
    return NULL;
}

/* A file that one of both has alone. */
static void add_alone(wa_buf *out, const json_t *file, const char *what)
{
    const wa_text key = text_of(json_object_get(file, "key"));

    wa_buf_format(out, "%.*s: %s\n", (int)key.n_bytes, key.data, what);
}

static void compare_file(wa_buf *out, const json_t *before, const json_t *now)
{
    const wa_text       key = text_of(json_object_get(now, "key")), path = text_of(json_object_get(now, "path"));
    const json_t *const was = json_object_get(before, "xxh3"), *const is = json_object_get(now, "xxh3");

    if (json_equal(was, is) && json_equal(json_object_get(before, "bytes"), json_object_get(now, "bytes")))
        return;
    wa_buf_format(out, "%.*s: ", (int)key.n_bytes, key.data);
    wa_buf_text(out, path);
    wa_buf_format(out, " has %" JSON_INTEGER_FORMAT " bytes with XXH3 %s, had %" JSON_INTEGER_FORMAT " with %s\n",
                  json_integer_value(json_object_get(now, "bytes")), json_string_value(is),
                  json_integer_value(json_object_get(before, "bytes")), json_is_string(was) ? json_string_value(was) : "none");
}

static void compare_files(wa_buf *out, const json_t *before, const json_t *now)
{
    for (size_t i = 0; i < json_array_size(now); i++) {
        const json_t *const was = find_file(before, now, i), *const is = json_array_get(now, i);

        if (was)
            compare_file(out, was, is);
        else
            add_alone(out, is, "a file is named, was none");
    }
    for (size_t i = 0; i < json_array_size(before); i++)
        if (!find_file(now, before, i))
            add_alone(out, json_array_get(before, i), "no file is named, was one");
}

/* ---------------------------------------------------------------- what a run is made of */

void wa_changes_add_making(wa_buf *out, const json_t *before, const json_t *now)
{
    const json_t *const was = json_object_get(before, "wordahead"), *const is = json_object_get(now, "wordahead");

    if (!json_equal(was, is))
        wa_buf_format(out, "program: version %s, was %s\n", json_string_value(is), json_string_value(was));
    compare_configurations(out, text_of(json_object_get(json_object_get(before, "configuration"), "values")),
                           text_of(json_object_get(json_object_get(now, "configuration"), "values")));
    compare_files(out, json_object_get(before, "files"), json_object_get(now, "files"));
}

/* ---------------------------------------------------------------- what it gave */

/* Two values on the way to the first difference between them; NULL is none. */
typedef struct pair {
    const json_t *was, *is;
} pair;

static bool find_difference(wa_buf *place, pair *p);

static bool find_in_list(wa_buf *place, pair *p)
{
    const pair   around = *p;
    const size_t n      = place->n_bytes;

    for (size_t i = 0; i < json_array_size(around.is); i++) {
        place->n_bytes = n;
        wa_buf_format(place, "[%zu]", i);
        *p = (pair){ json_array_get(around.was, i), json_array_get(around.is, i) };
        if (find_difference(place, p))
            return true;
    }
    return false;
}

/* Of `keys`, which is one of both. */
static bool find_in_object(wa_buf *place, pair *p, const json_t *keys)
{
    const pair    around = *p;
    const size_t  n      = place->n_bytes;
    json_t *const o      = (json_t *)(uintptr_t)keys; /* an iterator could change it; this one does not */

    for (void *i = json_object_iter(o); i; i = json_object_iter_next(o, i)) {
        const char *const key = json_object_iter_key(i);

        place->n_bytes = n;
        wa_buf_format(place, ".%s", key);
        *p = (pair){ json_object_get(around.was, key), json_object_get(around.is, key) };
        if (find_difference(place, p))
            return true;
    }
    *p             = around;
    place->n_bytes = n;
    return false;
}

/* Goes to the first value that differs; `place` has the way to it then. */
static bool find_difference(wa_buf *place, pair *p)
{
    if (json_is_array(p->was) && json_is_array(p->is) && json_array_size(p->was) == json_array_size(p->is))
        return find_in_list(place, p);
    if (json_is_object(p->was) && json_is_object(p->is))
        return find_in_object(place, p, p->is) || find_in_object(place, p, p->was);
    return !p->was || !p->is || !json_equal(p->was, p->is);
}

static void add_value(wa_buf *out, const json_t *value)
{
    if (!value)
        wa_buf_str(out, "nothing");
    else if (json_is_array(value))
        wa_buf_format(out, "a list of %zu", json_array_size(value));
    else if (json_is_object(value))
        wa_buf_str(out, "an object");
    else
        wa_json_add_value(out, value);
}

void wa_changes_add_results(wa_buf *out, const json_t *before, const json_t *now)
{
    wa_buf place = { .env = out->env };
    pair   p     = { json_object_get(before, "texts"), json_object_get(now, "texts") };

    if (find_difference(&place, &p)) {
        wa_buf_str(out, "results: texts");
        wa_buf_text(out, wa_buf_view(&place));
        wa_buf_str(out, " is ");
        add_value(out, p.is);
        wa_buf_str(out, ", was ");
        add_value(out, p.was);
        wa_buf_str(out, "\n");
    }
    wa_buf_clear(&place);
}

/* What differs between two records. See changes.h. */
#include "cli/changes.h"

#include <string.h>

#include "base/str.h"

static wa_text text_of(const json_t *value)
{
    return (wa_text){ json_string_value(value), json_string_length(value) };
}

/* ---------------------------------------------------------------- the configuration */

/* The keys around a line of a configuration: one for each indentation. */
typedef struct surroundings {
    struct {
        size_t  indent;
        wa_text key;
    } keys[16];
    size_t n;
} surroundings;

/* A line without its indentation and the sign of a list before it. */
static wa_text inner_part(wa_text line)
{
    size_t n = 0;

    while (n < line.n_bytes && line.data[n] == ' ')
        n++;
    n += n + 1 < line.n_bytes && line.data[n] == '-' && line.data[n + 1] == ' ' ? 2 : 0;
    return (wa_text){ line.data + n, line.n_bytes - n };
}

static void leave_to(surroundings *around, size_t indent)
{
    while (around->n > 0 && around->keys[around->n - 1].indent >= indent)
        around->n--;
}

static void enter(surroundings *around, wa_text line)
{
    const wa_text     inner = inner_part(line);
    const char *const colon = inner.n_bytes > 0 ? memchr(inner.data, ':', inner.n_bytes) : NULL;

    if (!colon || around->n == sizeof around->keys / sizeof *around->keys)
        return;
    around->keys[around->n].indent = line.n_bytes - inner.n_bytes;
    around->keys[around->n++].key  = (wa_text){ inner.data, (size_t)(colon - inner.data) };
}

/* "configuration: pipeline: attention: 'heads: 2', was 'heads: 1'"; NULL is no line. */
static void add_line(wa_buf *out, const surroundings *around, const wa_text *was, const wa_text *is)
{
    wa_buf_str(out, "configuration: ");
    for (size_t i = 0; i < around->n; i++)
        wa_buf_format(out, "%.*s: ", (int)around->keys[i].key.n_bytes, around->keys[i].key.data);
    wa_buf_format(out, "%s, was ", is ? wa_show(inner_part(*is)).quoted : "nothing");
    wa_buf_format(out, "%s\n", was ? wa_show(inner_part(*was)).quoted : "nothing");
}

static size_t count_lines(wa_text text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n_bytes; i++)
        n += text.data[i] == '\n';
    return n;
}

/* Every line that differs; where one of the texts has more of them, the first. */
static void compare_lines(wa_buf *out, wa_text before, wa_text now)
{
    const bool   is_same_length = count_lines(before) == count_lines(now);
    wa_cursor    a = { before, 0 }, b = { now, 0 };
    surroundings around = { .n = 0 };
    wa_text      was, is;

    for (;;) {
        const bool has_was = wa_cursor_take_line(&a, &was), has_is = wa_cursor_take_line(&b, &is);

        if (!has_was && !has_is)
            return;
        const wa_text line = has_is ? is : was;
        leave_to(&around, line.n_bytes - inner_part(line).n_bytes);
        if (!has_was || !has_is || !wa_text_equal(was, is)) {
            add_line(out, &around, has_was ? &was : NULL, has_is ? &is : NULL);
            if (!is_same_length)
                return;
        }
        enter(&around, line);
    }
}

/* ---------------------------------------------------------------- files */

static const json_t *find_file(const json_t *files, const json_t *key, size_t ordinal)
{
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *const file = json_array_get(files, i);

        if (json_equal(json_object_get(file, "key"), key) && ordinal-- == 0)
            return file;
    }
    return NULL;
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

/* Files of one key by their order: each stage of a kind may name one. */
static void compare_files(wa_buf *out, const json_t *before, const json_t *now)
{
    for (size_t i = 0; i < json_array_size(now); i++) {
        const json_t *const file = json_array_get(now, i), *const key = json_object_get(file, "key");
        size_t ordinal = 0;

        for (size_t k = 0; k < i; k++)
            ordinal += json_equal(json_object_get(json_array_get(now, k), "key"), key) != 0;
        const json_t *const was = find_file(before, key, ordinal);
        if (was)
            compare_file(out, was, file);
        else
            wa_buf_format(out, "%s: a file is named, was none\n", json_string_value(key));
    }
    if (json_array_size(before) > json_array_size(now))
        wa_buf_format(out, "files: %zu are named, were %zu\n", json_array_size(now), json_array_size(before));
}

/* ---------------------------------------------------------------- what a run is made of */

void wa_changes_add_making(wa_buf *out, const json_t *before, const json_t *now)
{
    const json_t *const was = json_object_get(before, "wordahead"), *const is = json_object_get(now, "wordahead");

    if (!json_equal(was, is))
        wa_buf_format(out, "program: version %s, was %s\n", json_string_value(is), json_string_value(was));
    compare_lines(out, text_of(json_object_get(json_object_get(before, "configuration"), "values")),
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

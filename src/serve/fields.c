/* The members of a request's JSON. See fields.h. */
#include "serve/fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

json_t *wa_fields_parse(wa_text body, wa_refusal *refusal)
{
    json_error_t  error;
    json_t *const root = json_loadb(body.data ? body.data : "", body.n_bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

    if (!root) {
        wa_refuse(refusal, 400, "invalid_json", NULL, "the body, line %d, column %d: %s; expected an object of JSON in UTF-8",
                  error.line, error.column, error.text);
        return NULL;
    }
    if (!json_is_object(root)) {
        wa_refuse(refusal, 400, "invalid_json", NULL, "the body: found JSON that is no object, expected {...}");
        json_decref(root);
        return NULL;
    }
    return root;
}

/* ---------------------------------------------------------------- messages */

typedef struct shown_json {
    char text[200];
} shown_json;

/* A value as a message shows it. */
static shown_json show(const json_t *value)
{
    shown_json shown;

    switch (json_typeof(value)) {
    case JSON_STRING:
        snprintf(shown.text, sizeof shown.text, "%s",
                 wa_show((wa_text){ json_string_value(value), json_string_length(value) }).quoted);
        break;
    case JSON_INTEGER:
        snprintf(shown.text, sizeof shown.text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        snprintf(shown.text, sizeof shown.text, "%.9g", json_real_value(value));
        break;
    case JSON_OBJECT:
        snprintf(shown.text, sizeof shown.text, "an object");
        break;
    case JSON_ARRAY:
        snprintf(shown.text, sizeof shown.text, "a list");
        break;
    default:
        snprintf(shown.text, sizeof shown.text, "%s", json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
    }
    return shown;
}

static bool refuse_type(const wa_field *field, const json_t *value, const char *expected, wa_refusal *refusal)
{
    return wa_refuse(refusal, 400, "invalid_type", field->name, "%s: found %s, expected %s", field->name, show(value).text,
                     expected);
}

static const char *field_name(const void *user, size_t i)
{
    return ((const wa_field *)user)[i].name;
}

static size_t count_fields(const wa_field *fields)
{
    size_t n = 0;

    while (fields[n].name)
        n++;
    return n;
}

static bool refuse_name(const wa_field *fields, const char *name, wa_refusal *refusal)
{
    const size_t nearest = wa_nearest_name(wa_text_of(name), field_name, fields, count_fields(fields));

    if (nearest != WA_NONE)
        return wa_refuse(refusal, 400, "unknown_member", name, "unknown member %s; did you mean '%s'?",
                         wa_show(wa_text_of(name)).quoted, fields[nearest].name);
    return wa_refuse(refusal, 400, "unknown_member", name, "unknown member %s; docs/serve.md lists those there are",
                     wa_show(wa_text_of(name)).quoted);
}

/* ---------------------------------------------------------------- values */

static double most_of(const wa_field *field, const wa_limits *limits)
{
    size_t most;

    if (!field->limit)
        return field->most;
    memcpy(&most, (const char *)limits + field->limit - 1, sizeof most);
    return (double)most;
}

static bool refuse_range(const wa_field *field, const json_t *value, double most, wa_refusal *refusal)
{
    return wa_refuse(refusal, 400, "out_of_range", field->name, "%s: found %s, expected a %snumber from %.16g to %.16g",
                     field->name, show(value).text, field->type == WA_FIELD_SIZE ? "whole " : "", field->least, most);
}

/* 3.0 is the same number as 3. */
static bool read_size(const wa_field *field, const json_t *value, double most, wa_field_size *out, wa_refusal *refusal)
{
    const double number = json_number_value(value);

    if (!json_is_number(value) || number != floor(number) || !(number >= field->least && number <= most))
        return refuse_range(field, value, most, refusal);
    *out = (wa_field_size){ json_is_integer(value) ? (size_t)json_integer_value(value) : (size_t)number, true };
    return true;
}

static bool read_number(const wa_field *field, const json_t *value, double *out, wa_refusal *refusal)
{
    const double number = json_number_value(value);

    if (!json_is_number(value) || !(number >= field->least && number <= field->most))
        return refuse_range(field, value, field->most, refusal);
    *out = number;
    return true;
}

static bool read_choice(const wa_field *field, const json_t *value, int *out, wa_refusal *refusal)
{
    const wa_text text = { json_string_value(value), json_string_length(value) };
    const char   *word = field->range;

    for (int i = 0; json_is_string(value); i++) {
        const size_t n = strcspn(word, "|");

        if (wa_text_equal(text, (wa_text){ word, n })) {
            *out = i;
            return true;
        }
        if (word[n] == '\0')
            break;
        word += n + 1;
    }
    return refuse_type(field, value, field->range, refusal);
}

static bool read_texts(const wa_field *field, const json_t *value, double most, wa_arena *arena, wa_field_texts *out,
                       wa_refusal *refusal)
{
    const bool     is_list = json_is_array(value);
    const size_t   n       = is_list ? json_array_size(value) : 1;
    wa_text *const items   = wa_arena_alloc(arena, n, sizeof *items);

    if ((!is_list && !json_is_string(value)) || (is_list && field->type == WA_FIELD_TEXT) ||
        (!is_list && field->type == WA_FIELD_LIST))
        return refuse_type(field, value,
                           field->type == WA_FIELD_TEXT   ? "a string"
                           : field->type == WA_FIELD_LIST ? "a list of strings"
                                                          : "a string or a list of strings",
                           refusal);
    if (is_list && field->limit && (double)n > most)
        return wa_refuse(refusal, 400, "too_many", field->name, "%s: found %zu, expected at most %.0f", field->name, n, most);
    if (!items)
        return wa_refuse(refusal, 503, "out_of_memory", NULL, "not enough memory");
    for (size_t i = 0; i < n; i++) {
        const json_t *const item = is_list ? json_array_get(value, i) : value;

        if (!json_is_string(item))
            return wa_refuse(refusal, 400, "invalid_type", field->name, "%s: found %s at %zu, expected a string", field->name,
                             show(item).text, i);
        items[i] = (wa_text){ json_string_value(item), json_string_length(item) };
    }
    *out = (wa_field_texts){ items, n, true, is_list };
    return true;
}

static bool is_neutral(const json_t *value)
{
    return json_is_false(value) || (json_is_number(value) && json_number_value(value) == 0) ||
           (json_is_string(value) && json_string_length(value) == 0) || (json_is_object(value) && json_object_size(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

static bool read_field(const wa_field *field, const json_t *value, const wa_limits *limits, wa_arena *arena, void *out,
                       wa_refusal *refusal)
{
    void *const at = (char *)out + field->offset;

    switch (field->type) {
    case WA_FIELD_BOOL:
        if (!json_is_boolean(value))
            return refuse_type(field, value, "true or false", refusal);
        *(bool *)at = json_is_true(value);
        return true;
    case WA_FIELD_SIZE:
        return read_size(field, value, most_of(field, limits), at, refusal);
    case WA_FIELD_NUMBER:
        return read_number(field, value, at, refusal);
    case WA_FIELD_CHOICE:
        return read_choice(field, value, at, refusal);
    case WA_FIELD_TEXT:
    case WA_FIELD_LIST:
    case WA_FIELD_TEXTS:
        return read_texts(field, value, most_of(field, limits), arena, at, refusal);
    case WA_FIELD_NEUTRAL:
        return is_neutral(value) ||
               wa_refuse(refusal, 400, "not_supported", field->name, "%s: found %s, which this server does not do; leave it out",
                         field->name, show(value).text);
    case WA_FIELD_LABEL:
        return json_is_string(value) || refuse_type(field, value, "a string", refusal);
    }
    return false;
}

bool wa_fields_read(const wa_field *fields, const json_t *object, const wa_limits *limits, wa_arena *arena, void *out,
                    wa_refusal *refusal)
{
    const size_t  n      = count_fields(fields);
    size_t        n_seen = 0;
    const char   *name;
    const json_t *value;

    for (size_t i = 0; i < n; i++) {
        if (!(value = json_object_get(object, fields[i].name)))
            continue;
        n_seen++;
        if (!json_is_null(value) && !read_field(&fields[i], value, limits, arena, out, refusal))
            return false;
    }
    if (n_seen == json_object_size(object))
        return true;
    for (void *at = json_object_iter((json_t *)(uintptr_t)object); at;
         at       = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
        size_t i = 0;

        name = json_object_iter_key(at);
        while (i < n && strcmp(fields[i].name, name) != 0)
            i++;
        if (i == n)
            return refuse_name(fields, name, refusal);
    }
    return true;
}

/* Writing JSON. See json.h. */
#include "base/json.h"

#include <math.h>

#include "base/str.h"

static void add_character(wa_buf *buf, wa_text bytes, uint32_t code_point)
{
    static const char short_forms[] = "\bb\tt\nn\ff\rr\"\"\\\\"; /* the character, then its letter */

    for (size_t i = 0; i + 1 < sizeof short_forms; i += 2) {
        if (code_point == (unsigned char)short_forms[i]) {
            wa_buf_format(buf, "\\%c", short_forms[i + 1]);
            return;
        }
    }
    if (code_point < 0x20)
        wa_buf_format(buf, "\\u%04x", (unsigned)code_point);
    else
        wa_buf_text(buf, bytes);
}

void wa_json_add_text(wa_buf *buf, wa_text text)
{
    wa_buf_str(buf, "\"");
    for (size_t i = 0; i < text.n_bytes;) {
        uint32_t     code_point;
        bool         is_valid;
        const size_t n = wa_utf8_next((wa_text){ text.data + i, text.n_bytes - i }, &code_point, &is_valid);

        add_character(buf, is_valid ? (wa_text){ text.data + i, n } : wa_text_of("\xEF\xBF\xBD"), code_point);
        i += n;
    }
    wa_buf_str(buf, "\"");
}

void wa_json_add_text_or_null(wa_buf *buf, wa_text text)
{
    if (text.data)
        wa_json_add_text(buf, text);
    else
        wa_buf_str(buf, "null");
}

void wa_json_add_float(wa_buf *buf, float x)
{
    char number[WA_NUMBER_SIZE];

    wa_buf_str(buf, isfinite(x) ? wa_format_float(number, x) : "null");
}

void wa_json_add_double(wa_buf *buf, double x)
{
    char number[WA_NUMBER_SIZE];

    wa_buf_str(buf, isfinite(x) ? wa_format_double(number, x) : "null");
}

static void add_items(wa_buf *buf, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        wa_buf_str(buf, i ? "," : "");
        wa_json_add_value(buf, json_array_get(array, i));
    }
}

static void add_members(wa_buf *buf, const json_t *object)
{
    json_t *const o     = (json_t *)(uintptr_t)object; /* an iterator could change it; this one does not */
    void         *first = json_object_iter(o);

    for (void *i = first; i; i = json_object_iter_next(o, i)) {
        wa_buf_str(buf, i == first ? "" : ",");
        wa_json_add_text(buf, (wa_text){ json_object_iter_key(i), json_object_iter_key_len(i) });
        wa_buf_str(buf, ":");
        wa_json_add_value(buf, json_object_iter_value(i));
    }
}

void wa_json_add_value(wa_buf *buf, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        wa_buf_str(buf, "{");
        add_members(buf, value);
        wa_buf_str(buf, "}");
        return;
    case JSON_ARRAY:
        wa_buf_str(buf, "[");
        add_items(buf, value);
        wa_buf_str(buf, "]");
        return;
    case JSON_STRING:
        wa_json_add_text(buf, (wa_text){ json_string_value(value), json_string_length(value) });
        return;
    case JSON_INTEGER:
        wa_buf_format(buf, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return;
    case JSON_REAL:
        wa_json_add_double(buf, json_real_value(value));
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        wa_buf_str(buf, json_is_true(value) ? "true" : "false");
        return;
    case JSON_NULL:
        wa_buf_str(buf, "null");
        return;
    }
}

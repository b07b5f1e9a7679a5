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

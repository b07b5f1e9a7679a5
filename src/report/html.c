/* Pieces of HTML and SVG. See html.h. */
#include "report/html.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"

/* ---------------------------------------------------------------- text */

static void add_character(wa_buf *out, wa_text bytes, uint32_t c, bool is_valid)
{
    if (c == '\t' || c == '\n' || c == '\r')
        wa_buf_str(out, " ");
    else if (!is_valid || c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xFFFE || c == 0xFFFF)
        wa_buf_str(out, "\xEF\xBF\xBD");
    else if (c == '<')
        wa_buf_str(out, "&lt;");
    else if (c == '>')
        wa_buf_str(out, "&gt;");
    else if (c == '&')
        wa_buf_str(out, "&amp;");
    else if (c == '"')
        wa_buf_str(out, "&quot;");
    else
        wa_buf_text(out, bytes);
}

/* Columns of a code point in a monospaced font. Source: Unicode 15, EastAsianWidth.txt, classes W and F, in wide strokes. */
static size_t columns_of(uint32_t c)
{
    const bool is_combining = (c >= 0x0300 && c <= 0x036F) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F);
    const bool is_wide      = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
                         (c >= 0xFE30 && c <= 0xFF60) || (c >= 0x1F300 && c <= 0x3FFFD);

    return is_combining ? 0 : is_wide ? 2 : 1;
}

/* Takes a character off the front of a text. */
static wa_text take(wa_text *text, uint32_t *c, bool *is_valid)
{
    const wa_text bytes = { text->data, wa_utf8_next(*text, c, is_valid) };

    *text = (wa_text){ text->data + bytes.n_bytes, text->n_bytes - bytes.n_bytes };
    return bytes;
}

void wa_html_text(wa_buf *out, wa_text text)
{
    uint32_t c;
    bool     is_valid;

    while (text.n_bytes > 0) {
        const wa_text bytes = take(&text, &c, &is_valid);

        add_character(out, bytes, c, is_valid);
    }
}

size_t wa_html_columns(wa_text text)
{
    size_t   n = 0;
    uint32_t c;
    bool     is_valid;

    while (text.n_bytes > 0) {
        take(&text, &c, &is_valid);
        n += columns_of(c);
    }
    return n;
}

size_t wa_html_fit(wa_buf *out, wa_text text, size_t columns)
{
    const size_t total = wa_html_columns(text);
    size_t       used  = 0;
    uint32_t     c;
    bool         is_valid;

    if (total <= columns) {
        wa_html_text(out, text);
        return total;
    }
    while (text.n_bytes > 0) {
        const wa_text bytes = take(&text, &c, &is_valid);

        if (used + columns_of(c) + 1 > columns)
            break;
        add_character(out, bytes, c, is_valid);
        used += columns_of(c);
    }
    wa_buf_str(out, "\xE2\x80\xA6");
    return used + 1;
}

/* ---------------------------------------------------------------- numbers */

void wa_html_number(wa_buf *out, double x)
{
    if (isnan(x)) /* printf() may write a sign before it */
        wa_buf_str(out, "nan");
    else
        wa_buf_format(out, "%.4g", x + 0.0); /* -0 is 0 */
}

void wa_html_percent(wa_buf *out, double share)
{
    wa_buf_format(out, "%.1f%%", 100 * share);
}

/* ---------------------------------------------------------------- templates */

void wa_html_format(wa_buf *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    while (*format) {
        const size_t n = strcspn(format, "%");

        wa_buf_add(out, format, n);
        format += n;
        if (!*format)
            break;
        switch (format[1]) {
        case 't':
            wa_html_text(out, va_arg(args, wa_text));
            break;
        case 'n':
            wa_html_number(out, va_arg(args, double));
            break;
        case 'p':
            wa_html_percent(out, va_arg(args, double));
            break;
        case 'z':
            wa_buf_format(out, "%zu", va_arg(args, size_t));
            break;
        case 's':
            wa_buf_str(out, va_arg(args, const char *));
            break;
        default:
            assert(format[1] == '%');
            wa_buf_str(out, "%");
        }
        format += 2;
    }
    va_end(args);
}

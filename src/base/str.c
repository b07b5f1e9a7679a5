/* Text as pointer and length. See str.h. */
#include "base/str.h"

#include "base/mem.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

wa_text wa_text_of(const char *zero_ended)
{
    return (wa_text){ zero_ended, zero_ended ? strlen(zero_ended) : 0 };
}

/* ---------------------------------------------------------------- comparing */

bool wa_text_equal(wa_text a, wa_text b)
{
    return a.n_bytes == b.n_bytes && (a.n_bytes == 0 || memcmp(a.data, b.data, a.n_bytes) == 0);
}

bool wa_text_is(wa_text text, const char *zero_ended)
{
    return wa_text_equal(text, wa_text_of(zero_ended));
}

bool wa_text_begins(wa_text text, wa_text prefix)
{
    return text.n_bytes >= prefix.n_bytes && (prefix.n_bytes == 0 || memcmp(text.data, prefix.data, prefix.n_bytes) == 0);
}

bool wa_text_ends(wa_text text, const char *zero_ended)
{
    const size_t n = strlen(zero_ended);

    return n == 0 || (text.n_bytes >= n && memcmp(text.data + text.n_bytes - n, zero_ended, n) == 0);
}

#define NAME_LENGTH 48 /* longer names are not compared: no key is that long */

static size_t smallest(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Source: Damerau 1964, as the restricted ("optimal string alignment") distance. */
static size_t edit_distance(wa_text a, wa_text b)
{
    size_t d[NAME_LENGTH + 1][NAME_LENGTH + 1];

    for (size_t i = 0; i <= a.n_bytes; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= b.n_bytes; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= a.n_bytes; i++) {
        for (size_t j = 1; j <= b.n_bytes; j++) {
            const bool same = a.data[i - 1] == b.data[j - 1];
            const bool swap = i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1];

            d[i][j] = smallest(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + !same);
            if (swap && d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    }
    return d[a.n_bytes][b.n_bytes];
}

size_t wa_nearest_name(wa_text text, const char *(*name)(const void *user, size_t i), const void *user, size_t n)
{
    size_t best = WA_NONE, best_distance = text.n_bytes / 3;

    if (text.n_bytes > NAME_LENGTH)
        return WA_NONE;
    best_distance = best_distance > 3 ? 3 : best_distance < 1 ? 1 : best_distance;
    for (size_t i = 0; i < n; i++) {
        const wa_text candidate = wa_text_of(name(user, i));

        if (candidate.n_bytes > NAME_LENGTH)
            continue;
        const size_t distance = edit_distance(text, candidate);
        if (distance < best_distance || (distance == best_distance && best == WA_NONE)) {
            best          = i;
            best_distance = distance;
        }
    }
    return best;
}

/* ---------------------------------------------------------------- UTF-8 and white space */

/* The lead bytes of each length with the range of the second byte, which keeps out overlong forms, surrogates and values
 * beyond U+10FFFF. Source: Unicode 15, table 3-7. */
static const struct {
    unsigned char lead_first, lead_last, second_first, second_last;
    unsigned char n_bytes;
} utf8_forms[] = {
    { 0xC2, 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xE0, 0xA0, 0xBF, 3 }, { 0xE1, 0xEC, 0x80, 0xBF, 3 }, { 0xED, 0xED, 0x80, 0x9F, 3 },
    { 0xEE, 0xEF, 0x80, 0xBF, 3 }, { 0xF0, 0xF0, 0x90, 0xBF, 4 }, { 0xF1, 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0xF4, 0x80, 0x8F, 4 },
};

/* Decodes one character. *n_wanted is the length its lead byte announces; the result is how many bytes were right. */
static size_t decode(wa_text text, uint32_t *code_point, size_t *n_wanted)
{
    const unsigned char *const p = (const unsigned char *)text.data;

    *n_wanted   = 1;
    *code_point = p[0];
    if (p[0] < 0x80)
        return 1;
    for (size_t f = 0; f < sizeof utf8_forms / sizeof *utf8_forms; f++) {
        if (p[0] < utf8_forms[f].lead_first || p[0] > utf8_forms[f].lead_last)
            continue;
        *n_wanted   = utf8_forms[f].n_bytes;
        *code_point = p[0] & (0x7Fu >> *n_wanted);
        for (size_t i = 1; i < *n_wanted; i++) {
            const unsigned first = i == 1 ? utf8_forms[f].second_first : 0x80, last = i == 1 ? utf8_forms[f].second_last : 0xBF;

            if (i >= text.n_bytes || p[i] < first || p[i] > last)
                return i;
            *code_point = *code_point << 6 | (p[i] & 0x3Fu);
        }
        return *n_wanted;
    }
    *n_wanted = 2; /* no lead byte at all: never right */
    return 1;
}

size_t wa_utf8_next(wa_text text, uint32_t *code_point, bool *is_valid)
{
    size_t       n_wanted;
    const size_t n = decode(text, code_point, &n_wanted);

    *is_valid = n == n_wanted;
    if (!*is_valid)
        *code_point = 0xFFFD;
    return n;
}

bool wa_utf8_is_valid(wa_text text)
{
    for (size_t i = 0; i < text.n_bytes;) {
        uint32_t code_point;
        bool     is_valid;

        i += wa_utf8_next((wa_text){ text.data + i, text.n_bytes - i }, &code_point, &is_valid);
        if (!is_valid)
            return false;
    }
    return true;
}

bool wa_utf8_is_cut(wa_text text)
{
    for (size_t i = 0; i < text.n_bytes;) {
        uint32_t     code_point;
        size_t       n_wanted;
        const size_t n = decode((wa_text){ text.data + i, text.n_bytes - i }, &code_point, &n_wanted);

        if (n < n_wanted) {
            const unsigned char lead = (unsigned char)text.data[i];

            return i + n == text.n_bytes && lead >= 0xC2 && lead <= 0xF4;
        }
        i += n;
    }
    return false;
}

bool wa_is_space(uint32_t code_point)
{
    return (code_point >= 0x09 && code_point <= 0x0D) || code_point == 0x20 || code_point == 0x85 || code_point == 0xA0 ||
           code_point == 0x1680 || (code_point >= 0x2000 && code_point <= 0x200A) || code_point == 0x2028 || code_point == 0x2029 ||
           code_point == 0x202F || code_point == 0x205F || code_point == 0x3000;
}

bool wa_has_space(wa_text text)
{
    for (size_t i = 0; i < text.n_bytes;) {
        uint32_t code_point;
        bool     is_valid;

        i += wa_utf8_next((wa_text){ text.data + i, text.n_bytes - i }, &code_point, &is_valid);
        if (is_valid && wa_is_space(code_point))
            return true;
    }
    return false;
}

bool wa_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

wa_text wa_text_trim(wa_text text)
{
    while (text.n_bytes > 0 && wa_is_blank(text.data[0]))
        text = (wa_text){ text.data + 1, text.n_bytes - 1 };
    while (text.n_bytes > 0 && wa_is_blank(text.data[text.n_bytes - 1]))
        text.n_bytes--;
    return text;
}

/* ---------------------------------------------------------------- numbers */

bool wa_parse_size(wa_text text, size_t *out)
{
    size_t value = 0;

    if (text.n_bytes == 0)
        return false;
    for (size_t i = 0; i < text.n_bytes; i++) {
        const char c = text.data[i];

        if (c < '0' || c > '9' || !wa_mul_size(value, 10, &value) || !wa_add_size(value, (size_t)(c - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

static size_t skip_digits(const char *s, size_t i)
{
    while (s[i] >= '0' && s[i] <= '9')
        i++;
    return i;
}

static bool is_word(const char *s, const char *lower)
{
    for (; *lower; s++, lower++)
        if ((*s | 0x20) != *lower)
            return false;
    return *s == '\0';
}

/* Whether s is a decimal number or a name of one that is none; strtod() alone would take hexadecimal and more. */
static bool is_number(const char *s)
{
    const size_t sign = s[0] == '+' || s[0] == '-';
    size_t       i = skip_digits(s, sign), n_digits = i - sign;

    if (s[i] == '.') {
        const size_t end = skip_digits(s, i + 1);

        n_digits += end - i - 1;
        i = end;
    }
    if (n_digits == 0)
        return is_word(s + sign, "nan") || is_word(s + sign, "inf") || is_word(s + sign, "infinity");
    if (s[i] == 'e' || s[i] == 'E') {
        const size_t first = i + 1 + (s[i + 1] == '+' || s[i + 1] == '-');

        if ((i = skip_digits(s, first)) == first)
            return false;
    }
    return s[i] == '\0';
}

#define NUMBER_LENGTH 255

/* Puts the locale's decimal point where the text has '.', so that strtod() reads it in every locale. */
static bool to_local_number(wa_text text, char out[NUMBER_LENGTH + 8])
{
    if (text.n_bytes == 0 || text.n_bytes > NUMBER_LENGTH || memchr(text.data, '\0', text.n_bytes))
        return false;
    memcpy(out, text.data, text.n_bytes);
    out[text.n_bytes] = '\0';
    if (!is_number(out))
        return false;
    char *const       point = strchr(out, '.');
    const char *const local = localeconv()->decimal_point;
    const size_t      n     = strlen(local);
    if (point && n > 0 && n < 8 && strcmp(local, ".") != 0) {
        memmove(point + n, point + 1, strlen(point + 1) + 1);
        memcpy(point, local, n);
    }
    return true;
}

/* Up to 7 digits and a power of ten up to 10: both are exact floats, so one division rounds correctly. A shortcut for the
 * numbers that files of vectors are full of; everything else takes strtof(). Source: Clinger 1990. */
static bool parse_short_float(wa_text text, float *out)
{
    static const float powers[] = { 1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f, 1e6f, 1e7f, 1e8f, 1e9f, 1e10f };
    const bool         is_minus = text.n_bytes > 0 && text.data[0] == '-';
    uint32_t           digits   = 0;
    size_t             n_digits = 0, n_decimals = 0;
    bool               has_point = false;

    for (size_t i = is_minus; i < text.n_bytes; i++) {
        const char c = text.data[i];

        if (c == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (c < '0' || c > '9' || ++n_digits > 9)
            return false;
        digits = digits * 10 + (uint32_t)(c - '0');
        n_decimals += has_point;
    }
    if (n_digits == 0 || digits > 1u << 24)
        return false;
    const float x = (float)digits / powers[n_decimals];
    *out          = is_minus ? -x : x;
    return true;
}

bool wa_parse_float(wa_text text, float *out)
{
    char buffer[NUMBER_LENGTH + 8];

    if (parse_short_float(text, out))
        return true;
    if (!to_local_number(text, buffer))
        return false;
    *out = strtof(buffer, NULL);
    return true;
}

bool wa_parse_double(wa_text text, double *out)
{
    char buffer[NUMBER_LENGTH + 8];

    if (!to_local_number(text, buffer))
        return false;
    *out = strtod(buffer, NULL);
    return true;
}

/* Tries ever more digits until the number reads back. `is_float` rounds it as a float when reading. No normal number reads back
 * from fewer than the digits that every decimal keeps, unless %g drops zeros at their end; subnormal ones have less precision. */
static char *format_shortest(char out[WA_NUMBER_SIZE], double x, int most_digits, bool is_float)
{
    const bool is_subnormal = fabs(x) < (is_float ? (double)FLT_MIN : DBL_MIN);

    if (isnan(x))
        return strcpy(out, "nan");
    if (isinf(x))
        return strcpy(out, x > 0 ? "inf" : "-inf");
    for (int digits = is_subnormal ? 1 : is_float ? FLT_DIG : DBL_DIG; digits <= most_digits; digits++) {
        snprintf(out, WA_NUMBER_SIZE, "%.*g", digits, x);
        if (is_float ? strtof(out, NULL) == (float)x : strtod(out, NULL) == x)
            break;
    }
    /* the locale's decimal point, one or more bytes, becomes '.' */
    const size_t first = strspn(out, "+-0123456789"), n = strcspn(out + first, "+-0123456789e");
    if (n > 0) {
        out[first] = '.';
        memmove(out + first + 1, out + first + n, strlen(out + first + n) + 1);
    }
    return out;
}

char *wa_format_float(char out[WA_NUMBER_SIZE], float x)
{
    return format_shortest(out, (double)x, 9, true);
}

char *wa_format_double(char out[WA_NUMBER_SIZE], double x)
{
    return format_shortest(out, x, 17, false);
}

/* ---------------------------------------------------------------- showing bytes to a user */

wa_shown wa_show(wa_text text)
{
    enum { MOST = 40 };
    wa_shown shown;
    char    *to = shown.quoted;
    size_t   i  = 0;

    *to++ = '\'';
    while (i < text.n_bytes && i < MOST) {
        uint32_t     code_point;
        bool         is_valid;
        const size_t n = wa_utf8_next((wa_text){ text.data + i, text.n_bytes - i }, &code_point, &is_valid);

        for (size_t b = 0; b < n; b++) {
            const unsigned char c = (unsigned char)text.data[i + b];

            if (is_valid && code_point >= 0x20 && code_point != 0x7F && (code_point < 0x80 || code_point >= 0xA0))
                *to++ = (char)c;
            else
                to += snprintf(to, 5, "\\x%02X", c);
        }
        i += n;
    }
    memcpy(to, i < text.n_bytes ? "...'" : "'", i < text.n_bytes ? 5 : 2);
    return shown;
}

/* ---------------------------------------------------------------- cursor */

size_t wa_cursor_left(const wa_cursor *cursor)
{
    return cursor->bytes.n_bytes - cursor->at;
}

bool wa_cursor_take(wa_cursor *cursor, size_t n, wa_text *out)
{
    if (wa_cursor_left(cursor) < n)
        return false;
    *out = (wa_text){ cursor->bytes.data + cursor->at, n };
    cursor->at += n;
    return true;
}

bool wa_cursor_take_until(wa_cursor *cursor, char stop, size_t limit, wa_text *out)
{
    const size_t left = wa_cursor_left(cursor);

    if (left == 0)
        return false;
    const char *const from = cursor->bytes.data + cursor->at;
    const char *const end  = memchr(from, stop, left < limit ? left : limit);
    if (!end)
        return false;
    *out = (wa_text){ from, (size_t)(end - from) };
    cursor->at += out->n_bytes + 1;
    return true;
}

bool wa_cursor_take_u64(wa_cursor *cursor, uint64_t *out)
{
    wa_text bytes;

    if (!wa_cursor_take(cursor, sizeof *out, &bytes))
        return false;
    *out = 0;
    for (size_t i = sizeof *out; i-- > 0;)
        *out = *out << 8 | (unsigned char)bytes.data[i];
    return true;
}

bool wa_cursor_take_line(wa_cursor *cursor, wa_text *out)
{
    if (wa_cursor_left(cursor) == 0)
        return false;
    if (!wa_cursor_take_until(cursor, '\n', SIZE_MAX, out))
        wa_cursor_take(cursor, wa_cursor_left(cursor), out);
    if (out->n_bytes > 0 && out->data[out->n_bytes - 1] == '\r')
        out->n_bytes--;
    return true;
}

wa_text wa_text_take_field(wa_text *line)
{
    size_t first = 0, end;

    while (first < line->n_bytes && wa_is_blank(line->data[first]))
        first++;
    for (end = first; end < line->n_bytes && !wa_is_blank(line->data[end]);)
        end++;
    const wa_text field = { line->data + first, end - first };
    *line               = (wa_text){ line->data + end, line->n_bytes - end };
    return field;
}

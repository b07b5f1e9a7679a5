/* Text as pointer and length: comparing, UTF-8, numbers in and out, showing strange bytes to a user, and the one
 * bounds-checked cursor that every parser of bytes goes through. Nothing here depends on the locale. */
#ifndef WA_BASE_STR_H
#define WA_BASE_STR_H

#include "wordahead.h"

/* ---------------------------------------------------------------- comparing */

bool wa_text_equal(wa_text a, wa_text b);
bool wa_text_is(wa_text text, const char *zero_ended);
bool wa_text_begins(wa_text text, wa_text prefix);
bool wa_text_ends(wa_text text, const char *zero_ended);

/* The index of the name nearest to `text` by edit distance (insert, delete, replace, swap of neighbours), or WA_NONE where none
 * is within a third of its length, at least 1 and at most 3 edits. `name(user, i)` gives the n names. */
size_t wa_nearest_name(wa_text text, const char *(*name)(const void *user, size_t i), const void *user, size_t n);

/* ---------------------------------------------------------------- UTF-8 and white space */

/* Decodes the code point at the start of `text` (not empty) and returns how many bytes it takes. Where they are not UTF-8,
 * *code_point is U+FFFD, *is_valid false, and the bytes are the maximal subpart that Unicode chapter 3.9 replaces at once. */
size_t wa_utf8_next(wa_text text, uint32_t *code_point, bool *is_valid);

bool wa_utf8_is_valid(wa_text text);

/* Whether the only fault of a text that is not UTF-8 is that its last character is cut off. */
bool wa_utf8_is_cut(wa_text text);

/* Whether a code point has the Unicode property White_Space (25 of them; Unicode 15, PropList.txt). */
bool wa_is_space(uint32_t code_point);
bool wa_has_space(wa_text text);
bool wa_is_blank(char c); /* a space or a tab */
/* Without the blanks at both ends. */
wa_text wa_text_trim(wa_text text);

/* ---------------------------------------------------------------- numbers */

/* Each takes the whole text or nothing. false, and *out untouched, for anything else. */
bool wa_parse_size(wa_text text, size_t *out); /* [0-9]+ below 2^64 */
/* Decimal digits with an optional sign, point and exponent, or nan, inf, infinity in any case; rounded once, correctly. A
 * number longer than 255 bytes is not taken; one beyond the range becomes an infinity. */
bool wa_parse_float(wa_text text, float *out);
bool wa_parse_double(wa_text text, double *out);

#define WA_NUMBER_SIZE 32 /* bytes for a formatted number and its zero byte */

/* The fewest significant digits with which %g reads back to the same number; "nan", "inf", "-inf". Returns `out`. */
char *wa_format_float(char out[WA_NUMBER_SIZE], float x);
char *wa_format_double(char out[WA_NUMBER_SIZE], double x);

/* ---------------------------------------------------------------- showing bytes to a user */

/* A text made fit for a message: in single quotes, control and non-UTF-8 bytes as \xHH, cut after about 40 bytes with "...".
 * Use as a temporary: wa_fail(err, st, "found %s", wa_show(text).quoted). */
typedef struct wa_shown {
    char quoted[176]; /* 40 bytes of up to 4 characters each, the quotes, dots and a zero byte */
} wa_shown;
wa_shown wa_show(wa_text text);

/* ---------------------------------------------------------------- cursor */

/* Reads forward through bytes. Every take fails, and moves nothing, where fewer bytes are left than it wants. */
typedef struct wa_cursor {
    wa_text bytes;
    size_t  at; /* <= bytes.n_bytes */
} wa_cursor;

size_t wa_cursor_left(const wa_cursor *cursor);
bool   wa_cursor_take(wa_cursor *cursor, size_t n, wa_text *out);
/* The bytes before the next `stop`, found within `limit` bytes; the cursor moves behind it. */
bool wa_cursor_take_until(wa_cursor *cursor, char stop, size_t limit, wa_text *out);
bool wa_cursor_take_u64(wa_cursor *cursor, uint64_t *out); /* little-endian */
/* The next line without its \n or \r\n; false at the end. A last line without a newline counts. */
bool wa_cursor_take_line(wa_cursor *cursor, wa_text *out);

/* The next field of a line that blanks separate, taken off its front; empty where none is left. */
wa_text wa_text_take_field(wa_text *line);

#endif

/* JSON: the pieces of text that a record is written with, and jansson for reading. */
#ifndef WA_BASE_JSON_H
#define WA_BASE_JSON_H

#include <jansson.h>

#include "base/mem.h"

/* A string in quotes. Bytes that are not UTF-8 become U+FFFD, as JSON has no way to hold them. */
void wa_json_add_text(wa_buf *buf, wa_text text);

/* The same, or null where the text's data is NULL. */
void wa_json_add_text_or_null(wa_buf *buf, wa_text text);

/* The shortest digits that read back to the same float or double; null where it is not finite. */
void wa_json_add_float(wa_buf *buf, float x);
void wa_json_add_double(wa_buf *buf, double x);

/* A value that was read, on one line, numbers in their shortest digits and keys in their order: what was written with the functions
 * above comes back as the same bytes, but for blanks and -0, which jansson reads as 0. */
void wa_json_add_value(wa_buf *buf, const json_t *value);

#endif

/* Pieces of HTML and SVG: text that means itself, numbers, words cut to fit. */
#ifndef WA_REPORT_HTML_H
#define WA_REPORT_HTML_H

#include "base/mem.h"

/* Text between tags or in a quoted attribute. Tabs and ends of lines become blanks; bytes that are not UTF-8 and other control
 * characters become U+FFFD. */
void wa_html_text(wa_buf *out, wa_text text);
/* A number as every page and figure prints it: four significant digits. */
void wa_html_number(wa_buf *out, double x);
/* A share as per cent, with one digit behind the point. */
void wa_html_percent(wa_buf *out, double share);

/* How many columns of a monospaced font a text takes: 2 for wide characters, 0 for combining ones. */
size_t wa_html_columns(wa_text text);
/* The same as wa_html_text(), cut to so many columns with an ellipsis. Returns the columns used. */
size_t wa_html_fit(wa_buf *out, wa_text text, size_t columns);

/* A template: %t becomes the next text, %n the next double, %p a share as per cent, %z the next size_t, %s a string as it stands (HTML),
 * %% a percent sign. */
void wa_html_format(wa_buf *out, const char *format, ...);

#endif

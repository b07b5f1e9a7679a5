/* The numbers of a report for the script in it: one block of JSON, as docs/decisions/0012-pages-that-hold-their-numbers.md describes it. */
#ifndef WA_REPORT_DATA_H
#define WA_REPORT_DATA_H

#include "report/record.h"

/* Tensors of more numbers, and more logits, are left out: they would be most of the page. */
enum { WA_REPORT_MOST_NUMBERS = 1048576 };

/* Appends {"version":1,"runs":[...]}; no '<' is in it. */
void wa_report_add_data(wa_buf *out, const wa_record *const *records, size_t n);

#endif

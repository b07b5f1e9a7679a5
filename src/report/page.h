/* A report: one HTML file with everything in it, which reads without scripts and without a network. */
#ifndef WA_REPORT_PAGE_H
#define WA_REPORT_PAGE_H

#include "report/explain.h"

enum { WA_PAGE_MOST_RUNS = 32 }; /* on one page */

/* A run and what there is to say of it. */
typedef struct wa_report_part {
    const wa_record      *record;
    const wa_explanation *explanation;
} wa_report_part;

/* Appends the page for one run, or for several texts one after another; n <= WA_PAGE_MOST_RUNS. */
void wa_page_add(wa_buf *out, const wa_report_part *parts, size_t n);

/* Appends the page for two runs over one text: the same figures side by side, with the same colours, and their difference. */
void wa_page_add_comparison(wa_buf *out, const wa_report_part parts[2]);

/* Writes each figure of a run to folder/NAME.svg, which is made where it is not there: of an attention one for each head, and its
 * weights as arcs, too. `begin` comes before each name, "" for none.
 * Errors  WA_EIO, WA_ENOMEM. */
wa_status wa_figures_write(const wa_report_part *part, const char *folder, const char *begin, const wa_env *env, wa_error *err);

#endif

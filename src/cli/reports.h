/* Pages and figures that `explain` and `run` write. */
#ifndef WA_CLI_REPORTS_H
#define WA_CLI_REPORTS_H

#include "report/page.h"

/* A run that is explained. */
typedef struct wa_cli_report {
    wa_record      record;
    wa_explanation explanation;
} wa_cli_report;

/* Runs a text and explains it. `report` is zeroed before, and cleared by the caller whatever is returned. */
wa_status wa_cli_report_run(wa_cli_report *report, wa_session *session, const char *name, wa_text text, size_t k, wa_error *err);
void      wa_cli_report_clear(wa_cli_report *report);

wa_report_part wa_cli_report_part(const wa_cli_report *report);

/* Writes a page to a file, or for "-" to standard output. */
wa_status wa_cli_save_page(const wa_buf *page, const char *path, wa_error *err);

#endif

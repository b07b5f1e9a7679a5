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

/* The texts of a configuration that a page and figures are made of: the first WA_PAGE_MOST_RUNS. Empty with the paths alone. */
typedef struct wa_cli_reports {
    const char   *page, *figures; /* the file and the folder; NULL: none */
    wa_cli_report items[WA_PAGE_MOST_RUNS];
    size_t        n;
} wa_cli_reports;

/* Runs text i of n_texts once more, keeps it for the page and writes its figures; nothing where neither is wanted. */
wa_status wa_cli_reports_add(wa_cli_reports *reports, wa_session *session, wa_text text, size_t i, size_t n_texts, size_t k,
                             wa_error *err);
/* Writes the page, if one is wanted and there is something to show, and says where some of n_texts are not on it. */
wa_status wa_cli_reports_write(const wa_cli_reports *reports, size_t n_texts, wa_error *err);
void      wa_cli_reports_clear(wa_cli_reports *reports);

/* Writes a page to a file, or for "-" to standard output. */
wa_status wa_cli_save_page(const wa_buf *page, const char *path, wa_error *err);

#endif

/* Pages and figures. See reports.h. */
#include "cli/reports.h"

#include <stdio.h>
#include <string.h>

#include "base/output.h"
#include "cli/cli.h"

wa_status wa_cli_report_run(wa_cli_report *report, wa_session *session, const char *name, wa_text text, size_t k, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(wa_record_run(&report->record, session, wa_text_of(name), text, k, err));
    WA_TRY(wa_explain(&report->explanation, &report->record, session, err));
done:
    return st;
}

void wa_cli_report_clear(wa_cli_report *report)
{
    wa_explanation_clear(&report->explanation);
    wa_record_clear(&report->record);
}

wa_report_part wa_cli_report_part(const wa_cli_report *report)
{
    return (wa_report_part){ &report->record, &report->explanation };
}

wa_status wa_cli_save_page(const wa_buf *page, const char *path, wa_error *err)
{
    if (page->failed || strcmp(path, "-") != 0)
        return wa_output_save(path, page, wa_cli_env(), err);
    wa_cli_write(wa_buf_view(page));
    return WA_OK;
}

/* ---------------------------------------------------------------- of several texts */

/* Figures of several texts are told apart as the arrays of a trace are. */
static wa_status draw(const wa_cli_reports *reports, size_t i, size_t n_texts, wa_error *err)
{
    const wa_report_part part      = wa_cli_report_part(&reports->items[reports->n - 1]);
    char                 begin[32] = "";

    if (n_texts > 1)
        snprintf(begin, sizeof begin, "%zu.", i);
    return wa_figures_write(&part, reports->figures, begin, wa_cli_env(), err);
}

wa_status wa_cli_reports_add(wa_cli_reports *reports, wa_session *session, wa_text text, size_t i, size_t n_texts, size_t k,
                             wa_error *err)
{
    wa_status st = WA_OK;
    char      name[32];

    if ((!reports->page && !reports->figures) || reports->n == WA_PAGE_MOST_RUNS)
        goto done;
    snprintf(name, sizeof name, "Text %zu", i + 1);
    WA_TRY(wa_cli_report_run(&reports->items[reports->n++], session, name, text, k, err));
    if (reports->figures)
        WA_TRY(draw(reports, i, n_texts, err));
done:
    return st;
}

wa_status wa_cli_reports_write(const wa_cli_reports *reports, size_t n_texts, wa_error *err)
{
    wa_report_part parts[WA_PAGE_MOST_RUNS];
    wa_buf         page = { .env = wa_cli_env() };

    if (!reports->page || reports->n == 0)
        return WA_OK;
    for (size_t i = 0; i < reports->n; i++)
        parts[i] = wa_cli_report_part(&reports->items[i]);
    wa_page_add(&page, parts, reports->n);
    const wa_status st = wa_cli_save_page(&page, reports->page, err);
    wa_buf_clear(&page);
    if (st == WA_OK && reports->n < n_texts)
        wa_cli_complain(WA_EXIT_OK, "note: the page shows the first %zu of %zu texts", reports->n, n_texts);
    return st;
}

void wa_cli_reports_clear(wa_cli_reports *reports)
{
    for (size_t i = 0; i < reports->n; i++)
        wa_cli_report_clear(&reports->items[i]);
}

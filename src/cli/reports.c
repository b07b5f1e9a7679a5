/* Pages and figures. See reports.h. */
#include "cli/reports.h"

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
    wa_status  st     = WA_OK;
    wa_output *output = NULL;

    if (page->failed)
        WA_TRY(wa_fail_memory(err, path));
    if (strcmp(path, "-") == 0) {
        wa_cli_write(wa_buf_view(page));
        goto done;
    }
    WA_TRY(wa_output_open(path, wa_cli_env(), &output, err));
    WA_TRY(wa_output_write(output, page->data, page->n_bytes, err));
    st     = wa_output_commit(output, err);
    output = NULL;
done:
    wa_output_discard(output);
    return st;
}

/* Two runs on one page. See page_parts.h. */
#include "report/page_parts.h"

void wa_page_add_comparison(wa_buf *out, const wa_report_part parts[2])
{
    wa_page_add(out, parts, 2);
}

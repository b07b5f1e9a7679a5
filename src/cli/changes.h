/* What differs between the record of a run and that of another, a line each, for a reader: "program: version 0.2.0, was 0.1.0". */
#ifndef WA_CLI_CHANGES_H
#define WA_CLI_CHANGES_H

#include "base/json.h"

/* Appends a line for each difference in what wa_run_record_begin() writes; files may lie elsewhere. */
void wa_changes_add_making(wa_buf *out, const json_t *before, const json_t *now);

/* Appends a line for the first difference of the results, with its place and both values. */
void wa_changes_add_results(wa_buf *out, const json_t *before, const json_t *now);

#endif

/* One table over the runs of a grid, a line a text: what was swept, and what came of it. */
#ifndef WA_CLI_RUN_TABLE_H
#define WA_CLI_RUN_TABLE_H

#include "cli/run_record.h"

/* What became of one combination. */
typedef struct wa_run_row {
    char   *name;   /* of its folder */
    json_t *record; /* NULL: it failed */
    char   *error;
} wa_run_row;

typedef struct wa_run_table {
    const wa_run_plan *plan; /* whatever its combination */
    wa_run_row        *rows; /* [n] of the first combinations of the grid */
    size_t             n;
} wa_run_table;

/* By tabs, with a heading: run, the swept keys, text (from 1), words, logprob and perplexity of the words that were scored, next, its
 * logprob and prob, error. Numbers have the digits of the record; what there is not is empty. */
void wa_run_table_add_tsv(wa_buf *out, const wa_run_table *table);

/* {"config":...,"sets":[...],"sweep":{key:[values]},"runs":[{"run":...,"sweep":{key:value},"texts":[...]}]}: the texts of the records, or
 * "error". */
void wa_run_table_add_json(wa_buf *out, const wa_run_table *table);

/* In columns for a reader; those that are empty are left out. */
void wa_run_table_add_paper(wa_buf *out, const wa_run_table *table);

#endif

/* What several verbs print beside the records of report/jsonl.h. */
#ifndef WA_CLI_WORDS_H
#define WA_CLI_WORDS_H

#include "base/mem.h"
#include "cli/inputs.h"

/* {"line":7, or {"file":"a.txt","line":7: how the record of a line begins that does not show its text. */
void wa_place_add_json(wa_buf *record, const wa_cli_line *line, bool names_file);

/* The table of a ranking, its heading included. */
void wa_ranking_add_table(wa_buf *record, const wa_ranking *ranking, bool words_only);

/* The longest beginning of a text that fits into so many columns, cut between characters. */
wa_text wa_words_fit(wa_text text, size_t columns);

#endif

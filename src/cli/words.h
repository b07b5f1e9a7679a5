/* Words and predictions in the forms that several verbs print. */
#ifndef WA_CLI_WORDS_H
#define WA_CLI_WORDS_H

#include "base/mem.h"
#include "cli/inputs.h"

/* {"text":...,"tokens":[...],"unknown":[...]: how the record of a text begins; the caller goes on and closes it. */
void wa_words_add_json(wa_buf *record, wa_text text, const wa_tokens *tokens);

/* "next":[{"rank":1,"word":"...","logprob":...,"prob":...},...]; with words_only, as it was ranked, "logit" in place of both */
void wa_ranking_add_json(wa_buf *record, const wa_ranking *ranking, bool words_only);

/* {"line":7, or {"file":"a.txt","line":7: how the record of a line begins that does not show its text. */
void wa_place_add_json(wa_buf *record, const wa_cli_line *line, bool names_file);

/* ,"error":... */
void wa_error_add_json(wa_buf *record, const wa_error *err);

/* {"text":...,"error":...}: the record of a text that failed, so that records and texts stay in step. */
void wa_failure_add_json(wa_buf *record, wa_text text, const wa_error *err);

/* The table of a ranking, its heading included. */
void wa_ranking_add_table(wa_buf *record, const wa_ranking *ranking, bool words_only);

/* The longest beginning of a text that fits into so many columns, cut between characters. */
wa_text wa_words_fit(wa_text text, size_t columns);

#endif

/* What the tasks give, as JSON: the members of a record, which the verbs write to a line and the server to an answer. Each function appends
 * members without the braces around the record, unless it says so. */
#ifndef WA_REPORT_JSONL_H
#define WA_REPORT_JSONL_H

#include "base/mem.h"

/* {"text":...,"tokens":[...],"unknown":[...]: how the record of a text begins, its brace included; the caller goes on and closes it. */
void wa_words_add_json(wa_buf *record, wa_text text, const wa_tokens *tokens);

/* ,"invalid":3,"dropped":12 where there is something to note. */
void wa_notes_add_json(wa_buf *record, const wa_tokens *tokens);

/* "next":[{"rank":1,"word":"...","logprob":...,"prob":...},...]; with words_only, as it was ranked, "logit" in place of both */
void wa_ranking_add_json(wa_buf *record, const wa_ranking *ranking, bool words_only);

/* "logprob":...,"words":...,"perplexity":..., and with has_tokens ,"tokens":[{"word":...},...] */
void wa_scores_add_json(wa_buf *record, const wa_scores *scores, bool has_tokens);

/* "embedding":[...], or of every position "embeddings":[[...],...] */
void wa_embedding_add_json(wa_buf *record, const wa_embedding *embedding, wa_pooling pooling);

/* A whole {"name":...,"shape":[...],"values":[...]}; the lists are nested as the shape says. */
void wa_step_add_json(wa_buf *record, const wa_quantity *quantity);

/* ,"error":... */
void wa_error_add_json(wa_buf *record, const wa_error *err);

/* A whole {"text":...,"error":...}: the record of a text that failed, so that records and texts stay in step. */
void wa_failure_add_json(wa_buf *record, wa_text text, const wa_error *err);

#endif

/* The totals of many scored texts, as `score` prints them in the end, and `merge` for its shards. */
#ifndef WA_CLI_SUMMARY_H
#define WA_CLI_SUMMARY_H

#include "base/mem.h"

typedef enum wa_score_format { WA_SCORE_TABLE, WA_SCORE_TSV, WA_SCORE_JSONL, WA_SCORE_KENLM } wa_score_format;
#define WA_SCORE_FORMATS "table|tsv|jsonl|kenlm"

typedef struct wa_summary {
    wa_score_format        format;
    const wa_score_totals *totals;
    wa_text                start, end; /* the words that stand for the beginning and the end of a text; data NULL: none */
    bool                   is_document;
} wa_summary;

void wa_summary_add(wa_buf *record, const wa_summary *summary);

#endif

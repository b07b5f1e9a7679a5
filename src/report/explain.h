/* What a report says beyond the numbers of a run: where each vector lies among the others, how much the positions add, how the ranking
 * comes about stage by stage, and what each part of the model gave to it. */
#ifndef WA_REPORT_EXPLAIN_H
#define WA_REPORT_EXPLAIN_H

#include "report/contribution.h"

enum { WA_NEAREST = 5, WA_LENS_TOP = 5 };

/* The words whose vectors have the largest cosine to a word's own; none where its vector is all zeros. */
typedef struct wa_nearest_words {
    wa_neighbour items[WA_NEAREST];
    size_t       n;
} wa_nearest_words;

/* What the model would rank if it ended behind a stage: its output at the last position, put through the vocabulary as it stands.
 * Source: nostalgebraist 2020, "interpreting GPT: the logit lens". */
typedef struct wa_lens_row {
    const wa_stage *stage;
    size_t         *ranks;            /* [n_next] of the words of the ranking; 1 is the first */
    size_t          top[WA_LENS_TOP]; /* [n_top] indices of the first words */
    size_t          n_top;
} wa_lens_row;

typedef struct wa_explanation {
    wa_arena          arena;   /* holds all below */
    wa_nearest_words *nearest; /* [T], filled from wa_record_first() on */
    wa_lens_row      *lens;    /* [n_lens] stages whose output is as wide as the vocabulary's input */
    size_t            n_lens;
    wa_contributions  contributions;
} wa_explanation;

/* explanation  a zeroed struct; cleared by the caller whatever is returned. It refers to the record.
 * session      of the record's model; its results are forgotten
 * Errors       WA_ENOMEM
 * Cost         a pass over all vectors for each different word; one over the output weights for each stage. */
wa_status wa_explain(wa_explanation *explanation, const wa_record *record, wa_session *session, wa_error *err);
void      wa_explanation_clear(wa_explanation *explanation);

/* The rank that a word has by its logit among N: 1 is the first; equal logits by index. */
size_t wa_rank_of(const float *logits, size_t N, size_t word);

/* The length of a row of n numbers, in double. */
double wa_norm_of(const float *x, size_t n);

#endif

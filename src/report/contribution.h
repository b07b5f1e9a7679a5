/* What each part of the model gave to the logits of the words that it ranks first.
 *
 * The vector before the vocabulary is taken apart into components that add up to it, and each component is put through the vocabulary
 * by itself. A logit is then the sum of its contributions:
 *
 *     logit[w] = sum over components c of (c . W[w]) / temperature  +  bias[w] / temperature
 *
 * Components travel through the stages from where they arise:
 *     embed, positional   "embedding" and "positions"
 *     attention           one for each head: its columns of the concatenation through the output projection; and the projection's bias.
 *                         They replace what came in, as a head's weights are no linear function of it
 *     feed_forward        one: its output
 *     add_norm            those of its input and, with the residual, those of the input of the stage before, added name by name; each less
 *                         its own mean, divided by the deviation that the sum had, times the gain; and the norm's bias
 *
 * The mean is a linear function, so components less their own means add up to the sum less its mean; only the deviation is held at what
 * it was. Everything is computed in double from the recorded numbers, so the sum differs from the logit by the rounding of the float
 * computation alone.
 *
 * Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits" (direct paths to the logits). */
#ifndef WA_REPORT_CONTRIBUTION_H
#define WA_REPORT_CONTRIBUTION_H

#include "report/record.h"

typedef struct wa_contributions {
    const char **names;  /* [n] e.g. "embedding", "attention.0 head 2", "vocabulary bias" */
    double      *values; /* [n, n_words] */
    double      *sums;   /* [n_words] over the components, in their order */
    size_t       n, n_words;
} wa_contributions;

/* Of the words of record->next, in the arena.
 *
 * Errors  WA_ENOMEM.
 * Cost    components * D a word, and D * H*E for each attention; where a norm goes over the tokens, T times that. */
wa_status wa_contributions_find(const wa_record *record, wa_arena *arena, wa_contributions *out, wa_error *err);

#endif

/* The best words of a vocabulary for outputs of the pipeline, exactly; and when only words and logits are wanted, by ruling out most words from
 * bounds first. The words, their order and their logits are the same either way; docs/MODEL.md, "Certified ranking", says why. */
#ifndef WA_TASK_SEARCH_H
#define WA_TASK_SEARCH_H

#include "math/topk.h"
#include "model/session.h"

typedef struct wa_search {
    size_t          k;
    const uint64_t *allowed;   /* a bit for each word; NULL: all are */
    size_t          n_allowed; /* how many bits are set; N where all are */
    bool            has_probabilities;
} wa_search;

/* What was found for one output. */
typedef struct wa_found {
    const wa_scored *words; /* [n], best first, in the session */
    size_t           n;
    size_t           n_computed; /* words whose logit was computed */
    wa_normaliser    by;         /* only with probabilities */
    bool             is_finite;  /* false: a logit that was computed is not, and the rest says nothing */
} wa_found;

/* Searches for each row of x, [n_rows, width]. out [n_rows]. Errors: WA_ENOMEM. */
wa_status wa_search_words(wa_session *session, const wa_search *search, const float *x, size_t n_rows, wa_found *out,
                          wa_error *err);

/* Whether word i may be chosen. */
static inline bool wa_search_allows(const wa_search *search, size_t i)
{
    return !search->allowed || (search->allowed[i / 64] >> (i % 64) & 1);
}

#endif

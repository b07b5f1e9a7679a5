/* The best words by logit where no probabilities are wanted, from bounds in 8 bits that rule out most words (model/screen.h, math/codes.h). The
 * words, their order and their logits are those of looking at every logit; docs/MODEL.md, "Certified ranking", is the proof. */
#ifndef WA_TASK_SCREENING_H
#define WA_TASK_SCREENING_H

#include "task/search.h"

/* Whether k of N words are so few that bounds save time. */
bool wa_screening_is_worth(size_t k, size_t N);

/* Searches for each row of x, [n_rows, width], where the bounds rule out enough.
 *
 * is_settled, out  [n_rows]; where not settled, every logit must be looked at. Neither that nor how many words were computed depends
 *                  on the threads.
 * Errors: WA_ENOMEM. Cost: one scan of the bounds for all rows, with notes of some kilobytes a row and thread; for each row with thousands
 * of nearly equal logits one more, with notes of 4 N bytes a thread. */
wa_status wa_screening_search(wa_session *session, const wa_search *search, const float *x, size_t n_rows, bool *is_settled,
                              wa_found *out, wa_error *err);

#endif

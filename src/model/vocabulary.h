/* vocabulary: logits over the words that may come next, and their softmax. Always the last stage.
 *
 *     logits [T, N]        = (x W^T + bias) / temperature
 *     probabilities [T, N] = softmax of each row
 *
 * Its forward() does nothing: N is large and most callers want few positions, so they are computed on demand, row by row the same
 * whoever asks. Source: Vaswani et al. 2017, section 3.4; Press & Wolf 2017 for tied weights. */
#ifndef WA_MODEL_VOCABULARY_H
#define WA_MODEL_VOCABULARY_H

#include "data/lexicon.h"
#include "model/stage.h"

/* The words, in the order of the logits. */
const wa_lexicon *wa_vocabulary_words(const wa_stage *stage);

/* The logits of n_rows rows of x, [n_rows, width_in], to out, [n_rows, N]. */
void wa_vocabulary_logits(const wa_stage *stage, const wa_kernels *kernels, const float *x, size_t n_rows, float *out);

#endif

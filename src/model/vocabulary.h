/* vocabulary: logits over the words that may come next, and their softmax. Always the last stage.
 *
 *     logits [T, N]        = (x W^T + bias) / temperature
 *     probabilities [T, N] = softmax of each row
 *
 * Its forward() does nothing: N is large and most callers want few positions and few words, so logits are computed on demand and
 * handed to a visitor piece by piece, the same bits whoever asks; they are nowhere in memory as a whole. Source: Vaswani et al. 2017, section
 * 3.4; Press & Wolf 2017 for tied weights. */
#ifndef WA_MODEL_VOCABULARY_H
#define WA_MODEL_VOCABULARY_H

#include "data/lexicon.h"
#include "model/stage.h"

/* The words, in the order of the logits. */
const wa_lexicon *wa_vocabulary_words(const wa_stage *stage);

/* The output weights and biases, [N, D], row w being those of word w. */
const wa_rows *wa_vocabulary_rows(const wa_stage *stage);

/* What logits are multiplied by: 1 / temperature. */
float wa_vocabulary_factor(const wa_stage *stage);

/* Chunks of WA_CHUNK words that a row of logits is visited in. */
size_t wa_vocabulary_chunks(const wa_stage *stage);

/* Who shares the work of a scan, and in what memory. */
typedef struct wa_scan {
    const wa_kernels *kernels;
    wa_pool          *pool;        /* may be NULL */
    wa_arena         *arena;       /* for the call */
    bool              is_backward; /* begin where a scan forward ends: what was read last is still in the caches */
} wa_scan;

/* A piece of a row of logits: words first..first + n of row `row`, first being a multiple of WA_CHUNK. Pieces come in any order, on any
 * worker, but never two of a worker at once. For bounds, `logits` are the upper and `lower` the lower ones; otherwise lower is NULL. */
typedef struct wa_piece_of_row {
    size_t       row, first, n;
    const float *logits, *lower;
} wa_piece_of_row;
typedef void wa_vocabulary_visit(void *user, size_t worker, const wa_piece_of_row *piece);

/* Computes the logits of n_rows rows of x, [n_rows, width_in], and shows every piece of them.
 * Errors  WA_ENOMEM. */
wa_status wa_vocabulary_scan(const wa_stage *stage, const wa_scan *scan, const float *x, size_t n_rows, wa_vocabulary_visit *visit,
                             void *user, wa_error *err);

/* The same for bounds of the logits, in about a quarter of the time. The 8-bit copy of the weights that this takes is made at the
 * first call of any thread. *is_safe[row] tells for which rows the bounds hold; the pieces of others are not to be used.
 * *has_bounds false, and nothing else, where there is no memory for the copy or the weights have none: then only the logits
 * themselves help.
 * Errors  WA_ENOMEM. */
wa_status wa_vocabulary_bound(const wa_stage *stage, const wa_scan *scan, const float *x, size_t n_rows, bool *is_safe,
                              wa_vocabulary_visit *visit, void *user, bool *has_bounds, wa_error *err);

/* Whether all logits of one row of x, [width_in], are known to be finite without computing them; false says nothing.
 * Cost: that of the 8-bit copy at the first call of any thread. Errors: WA_ENOMEM. */
wa_status wa_vocabulary_is_safe(const wa_stage *stage, const wa_scan *scan, const float *x, bool *is_safe, wa_error *err);

/* The logits of n words of one row of x, [width_in], to out [n]. */
void wa_vocabulary_logits_of(const wa_stage *stage, const wa_kernels *kernels, const float *x, const uint32_t *words, size_t n,
                             float *out);

#endif

/* Words that came before. The public functions are in wordahead.h.
 *
 * What the stages keep of the first n_kept positions, the start word's included, is valid as long as the words fill the window at most
 * once; after that every position shifts with every word, and all is computed anew. */
#ifndef WA_MODEL_CONTEXT_H
#define WA_MODEL_CONTEXT_H

#include "model/session.h"

struct wa_context {
    const wa_model *model;
    size_t         *rows;        /* [n] of the vectors, oldest first, no start word; the last max_tokens of them count */
    size_t          n, capacity; /* n <= 2 * max_tokens */
    wa_kept        *kept;        /* [n_stages] */
    size_t          n_kept;      /* positions */
    float          *output;      /* [width] of position n_kept - 1, where that is > 0 */
};

/* Makes room for n more words, so that adding them cannot fail. Errors: WA_ENOMEM. */
wa_status wa_context_reserve(wa_context *context, size_t n, wa_error *err);
/* Adds the word of a row; WA_NONE adds nothing. Errors: WA_ENOMEM. */
wa_status wa_context_add(wa_context *context, size_t row, wa_error *err);

/* The output of the pipeline for the last word, [width], in the session until its next call or in the context until its next change.
 * Errors  WA_EMODEL where there is no word and no start word; as wa_pipeline_run(). */
wa_status wa_context_output(wa_session *session, wa_context *context, const float **out, wa_error *err);

#endif

/* Words that came before. The public functions are in wordahead.h. */
#ifndef WA_MODEL_CONTEXT_H
#define WA_MODEL_CONTEXT_H

#include "model/model.h"

struct wa_context {
    const wa_model *model;
    size_t         *rows;        /* [n] of the vectors, oldest first, no start word; the last max_tokens of them count */
    size_t          n, capacity; /* n <= 2 * max_tokens */
};

/* Adds the word of a row; WA_NONE adds nothing. Errors: WA_ENOMEM. */
wa_status wa_context_add(wa_context *context, size_t row, wa_error *err);

#endif

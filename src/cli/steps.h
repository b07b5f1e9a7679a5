/* Quantities of the pipeline on paper: name, shape and numbers as a teacher would write them on a board. */
#ifndef WA_CLI_STEPS_H
#define WA_CLI_STEPS_H

#include "base/mem.h"

/* What the rows and columns of quantities stand for. */
typedef struct wa_step_labels {
    const wa_text *words; /* [n_words] of the text that the pipeline saw */
    size_t         n_words;
    const wa_text *vocabulary; /* [n_vocabulary], or NULL: the columns of the last stage have no headings */
    size_t         n_vocabulary;
} wa_step_labels;

/* Prints a quantity to standard output. Small ones whole; of a large one the first and last rows, columns and heads, with a
 * note of what was left out. Every number of a quantity has the same decimals: seven digits for the largest. */
void wa_step_write(const wa_quantity *quantity, const wa_step_labels *labels);

#endif

/* The texts that a verb works on: lines of files or arguments, computed several at a time and answered in order.
 *
 * How many are computed together changes neither an answer nor the order of answers and messages. Nothing that can be answered is
 * kept waiting: before the program waits for input, all that was read is computed, and standard output is flushed. */
#ifndef WA_CLI_TEXTS_H
#define WA_CLI_TEXTS_H

#include "base/mem.h"
#include "cli/inputs.h"

/* The verb fills the first part and calls wa_texts_init(); wa_texts_clear() in any case.
 *
 * n_most   that are computed together
 * compute  computes items[first..n], as wa_rank_many() does; where it ends well it may have done fewer, at least one
 * take     prints the answer to `line`, the i-th of the last compute
 * fail     prints why `line` failed; NULL means wa_cli_line_failed()
 * outlives_output  goes on where standard output is closed: the answers go elsewhere
 * is_over  set by the verb: no text is wanted any more */
typedef struct wa_texts wa_texts;
struct wa_texts {
    size_t n_most;
    wa_status (*compute)(void *user, const wa_texts *texts, size_t first, size_t *n_done, wa_error *err);
    void (*take)(void *user, const wa_cli_line *line, size_t i);
    void (*fail)(void *user, const wa_cli_line *line, const wa_error *err);
    void           *user;
    wa_cli_outcome *outcome;
    bool            outlives_output, is_over;

    wa_cli_line *lines; /* [n] those not computed yet, and their texts once more for compute() */
    wa_text     *items;
    size_t       n;
    wa_buf       bytes; /* of their texts, one after another */
};

/* Errors  WA_ENOMEM. */
wa_status wa_texts_init(wa_texts *texts, wa_error *err);
void      wa_texts_clear(wa_texts *texts);

/* Copies a text; computes when there are n_most of them, or when they are long. */
void wa_texts_add(wa_texts *texts, const wa_cli_line *line);

/* Adds each line of each file, "-" being standard input; a file that cannot be read is reported, and the next one goes on. */
void wa_texts_read(wa_texts *texts, const char *const *files, size_t n_files);

/* Computes what is left. */
void wa_texts_flush(wa_texts *texts);

#endif

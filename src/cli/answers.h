/* What a verb has to say about some lines of its input: records for the output, messages for the user, counts.
 *
 * Verbs fill one of these for each piece of the input, on any thread; whoever writes them in the order of the input keeps records and
 * messages in the order in which they came. */
#ifndef WA_CLI_ANSWERS_H
#define WA_CLI_ANSWERS_H

#include "base/mem.h"
#include "cli/inputs.h"

typedef struct wa_answers {
    wa_buf          records;
    wa_buf          messages;      /* lines for standard error */
    wa_buf          marks;         /* wa_answers_mark: where in the records each message belongs */
    size_t          first_failure; /* index of its mark, where outcome.n_failed > 0 */
    wa_cli_outcome  outcome;
    wa_score_totals totals; /* of verbs that score */
    size_t          n_rows; /* of verbs that write an array */
} wa_answers;

/* A message that ends at `message_end` comes when the records up to `record_end` are written; to standard error, or as part of a list
 * to standard output. */
typedef struct wa_answers_mark {
    size_t record_end, message_end;
    bool   is_listed;
} wa_answers_mark;

void wa_answers_reset(wa_answers *answers); /* empty again, the memory kept */
void wa_answers_clear(wa_answers *answers); /* frees */

/* Whether memory ran out on the way: then the answers are not whole. */
bool wa_answers_have_failed(const wa_answers *answers);

/* A sentence for the user. */
void wa_answers_say(wa_answers *answers, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line of a list for standard output, where records go to a file. */
void wa_answers_list(wa_answers *answers, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says why a line failed, with its file and number, and counts it. */
void wa_answers_line_failed(wa_answers *answers, const wa_cli_line *line, const wa_error *err);
/* Says why a file could not be read, or not to its end, and counts it. */
void wa_answers_file_failed(wa_answers *answers, const wa_error *err);

#endif

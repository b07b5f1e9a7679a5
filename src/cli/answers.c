/* What a verb has to say about some lines. See answers.h. */
#include "cli/answers.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli/cli.h"

void wa_answers_reset(wa_answers *answers)
{
    answers->records.n_bytes = answers->messages.n_bytes = answers->marks.n_bytes = 0;
    answers->outcome                                                              = (wa_cli_outcome){ 0 };
    answers->totals                                                               = (wa_score_totals){ 0 };
    answers->n_rows                                                               = 0;
}

void wa_answers_clear(wa_answers *answers)
{
    wa_buf_clear(&answers->records);
    wa_buf_clear(&answers->messages);
    wa_buf_clear(&answers->marks);
}

bool wa_answers_have_failed(const wa_answers *answers)
{
    return answers->records.failed || answers->messages.failed || answers->marks.failed;
}

__attribute__((format(printf, 4, 0))) static void add_message(wa_answers *answers, const char *before, bool is_listed,
                                                              const char *format, va_list args)
{
    char sentence[WA_MESSAGE_SIZE];

    vsnprintf(sentence, sizeof sentence, format, args);
    wa_buf_format(&answers->messages, "%s%s\n", before, sentence);
    const wa_answers_mark here = { answers->records.n_bytes, answers->messages.n_bytes, is_listed };
    wa_buf_add(&answers->marks, &here, sizeof here);
}

void wa_answers_say(wa_answers *answers, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_message(answers, "wordahead: ", false, format, args);
    va_end(args);
}

void wa_answers_list(wa_answers *answers, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_message(answers, "", true, format, args);
    va_end(args);
}

/* The message that is said next is why. */
static void count_failure(wa_answers *answers, const wa_error *err)
{
    if (answers->outcome.n_failed == 0)
        answers->first_failure = answers->marks.n_bytes / sizeof(wa_answers_mark);
    wa_cli_count_failure(&answers->outcome, wa_exit_code(err->status));
}

void wa_answers_line_failed(wa_answers *answers, const wa_cli_line *line, const wa_error *err)
{
    count_failure(answers, err);
    if (!line->file)
        wa_answers_say(answers, "text %zu: %s", line->number, err->message);
    else if (line->is_in_shard)
        wa_answers_say(answers, "%s: line %zu of the shard, at byte %llu: %s", line->file, line->number,
                       (unsigned long long)line->offset, err->message);
    else
        wa_answers_say(answers, "%s:%zu: %s", line->file, line->number, err->message);
}

void wa_answers_file_failed(wa_answers *answers, const wa_error *err)
{
    count_failure(answers, err);
    wa_answers_say(answers, "%s", err->message);
}

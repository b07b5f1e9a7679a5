/* Words and predictions as they are printed. See words.h. */
#include "cli/words.h"

#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"

void wa_place_add_json(wa_buf *record, const wa_cli_line *line, bool names_file)
{
    wa_buf_str(record, "{");
    if (names_file) {
        wa_buf_str(record, "\"file\":");
        wa_json_add_text(record, wa_text_of(line->file));
        wa_buf_str(record, ",");
    }
    wa_buf_format(record, "\"line\":%zu", line->number);
}

void wa_ranking_add_table(wa_buf *record, const wa_ranking *ranking, bool words_only)
{
    size_t widest = 4; /* of the heading "word" */

    for (size_t i = 0; i < ranking->n_next; i++) {
        const size_t columns = wa_cli_columns(ranking->next[i].word);

        widest = columns > widest ? columns : widest;
    }
    if (ranking->n_next == 0) {
        wa_buf_str(record, "  no word of the vocabulary is left to rank\n");
        return;
    }
    wa_buf_format(record, "  rank  %-*s  %s\n", (int)widest, "word", words_only ? "   logit" : "    prob   logprob");
    for (size_t i = 0; i < ranking->n_next; i++) {
        const wa_prediction *const word = &ranking->next[i];

        wa_buf_format(record, "  %4zu  ", i + 1);
        wa_cli_add_padded(record, word->word, widest);
        if (words_only)
            wa_buf_format(record, "  %8.4f\n", (double)word->logit);
        else
            wa_buf_format(record, "  %8.6f  %8.4f\n", (double)word->prob, (double)word->logprob);
    }
}

wa_text wa_words_fit(wa_text text, size_t columns)
{
    size_t end = 0, used = 0;

    while (end < text.n_bytes) {
        uint32_t     code_point;
        bool         is_valid;
        const size_t n    = wa_utf8_next((wa_text){ text.data + end, text.n_bytes - end }, &code_point, &is_valid);
        const size_t wide = wa_cli_columns((wa_text){ text.data + end, n });

        if (used + wide > columns)
            break;
        used += wide;
        end += n;
    }
    return (wa_text){ text.data, end };
}

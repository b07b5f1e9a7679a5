/* From words back to text: where a space belongs. The tokenizer drops white space, so this is a guess by rule, for English and what is
 * written like it. */
#ifndef WA_SERVE_SPELLING_H
#define WA_SERVE_SPELLING_H

#include "wordahead.h"

/* Whether a space goes between a text and the word that follows it. */
bool wa_spelling_has_space(wa_text before, wa_text word);

/* How many characters (code points) a UTF-8 text has. */
size_t wa_spelling_count(wa_text text);

#endif

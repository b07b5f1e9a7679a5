/* From words back to text. See spelling.h. */
#include "serve/spelling.h"

#include <string.h>

#include "base/str.h"

/* Nothing stands between these and what is before them. */
static const char *const closing[] = {
    ".", ",", ";", ":", "!", "?", ")", "]", "}", "%", "\xE2\x80\x99" /* ’ */, "\xE2\x80\x9D" /* ” */, "\xE2\x80\xA6" /* … */, "'"
};
/* Nor between these and what is behind them. */
static const char *const opening[] = { "(", "[", "{", "\xE2\x80\x9C" /* “ */, "\xE2\x80\x98" /* ‘ */ };

#define COUNT(array) (sizeof(array) / sizeof *(array))

static size_t count_quotes(wa_text text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n_bytes; i++)
        n += text.data[i] == '"';
    return n;
}

static bool ends_in_space(wa_text text)
{
    size_t i = text.n_bytes;

    while (i > 0 && (text.data[i - 1] & 0xC0) == 0x80)
        i--;
    return text.n_bytes == 0 || wa_has_space((wa_text){ text.data + (i ? i - 1 : 0), text.n_bytes - (i ? i - 1 : 0) });
}

/* The quotation mark that is the same on both sides opens and closes in turns. */
bool wa_spelling_has_space(wa_text before, wa_text word)
{
    const bool is_quoted = count_quotes(before) % 2 == 1;

    if (ends_in_space(before) || (is_quoted && (wa_text_is(word, "\"") || wa_text_ends(before, "\""))))
        return false;
    for (size_t i = 0; i < COUNT(closing); i++)
        if (wa_text_begins(word, wa_text_of(closing[i])))
            return false;
    for (size_t i = 0; i < COUNT(opening); i++)
        if (wa_text_ends(before, opening[i]))
            return false;
    return true;
}

size_t wa_spelling_count(wa_text text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n_bytes; i++)
        n += (text.data[i] & 0xC0) != 0x80;
    return n;
}

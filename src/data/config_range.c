/* The `range` of a key: words "a|b|c", or limits "1..64", "0..", ">0". See config_parts.h. */
#include <string.h>

#include "base/str.h"
#include "data/config_parts.h"

/* ---------------------------------------------------------------- words */

/* Takes the first word off a range; false where none is left. */
static bool take_word(const char **range, wa_text *word)
{
    if (!*range || !**range)
        return false;
    *word = (wa_text){ *range, strcspn(*range, "|") };
    *range += word->n_bytes;
    *range += **range == '|';
    return true;
}

size_t wa_range_find(const char *range, wa_text word)
{
    wa_text known;

    for (size_t i = 0; take_word(&range, &known); i++)
        if (wa_text_equal(known, word))
            return i;
    return WA_NONE;
}

/* The words of a range with a zero byte after each. */
typedef struct word_list {
    char bytes[160]; /* longer than any range; a word beyond it would only miss being proposed */
} word_list;

static const char *word_name(const void *user, size_t i)
{
    const char *word = ((const word_list *)user)->bytes;

    while (i-- > 0)
        word += strlen(word) + 1;
    return word;
}

wa_text wa_range_nearest(const char *range, wa_text word)
{
    word_list   list = { { 0 } };
    size_t      n = 0, n_bytes = 0;
    const char *left  = range;
    wa_text     known = { NULL, 0 };

    while (take_word(&left, &known) && n_bytes + known.n_bytes + 1 < sizeof list.bytes) {
        memcpy(list.bytes + n_bytes, known.data, known.n_bytes);
        n_bytes += known.n_bytes + 1;
        n++;
    }
    const size_t nearest = wa_nearest_name(word, word_name, &list, n);
    for (size_t i = 0; nearest != WA_NONE && i <= nearest; i++)
        take_word(&range, &known);
    return nearest == WA_NONE ? (wa_text){ NULL, 0 } : known;
}

/* "a, b or c", with `more` as the last of them where it is not NULL. */
static void add_words(const char *range, const char *more, wa_buf *out)
{
    wa_text word;

    for (bool is_first = true; take_word(&range, &word); is_first = false) {
        if (!is_first)
            wa_buf_str(out, *range || more ? ", " : " or ");
        wa_buf_text(out, word);
        if (!*range && more)
            wa_buf_format(out, " or %s", more);
    }
}

static void add_bars(const char *range, const char *more, wa_buf *out)
{
    wa_text word;

    while (take_word(&range, &word)) {
        wa_buf_text(out, word);
        if (*range || more)
            wa_buf_str(out, " | ");
    }
    if (more)
        wa_buf_str(out, more);
}

/* ---------------------------------------------------------------- limits */

typedef struct limits {
    wa_text low, high; /* empty: none */
    bool    is_above;  /* low itself is outside */
} limits;

static limits limits_of(const char *range)
{
    limits            l     = { .is_above = range && range[0] == '>' };
    const char *const first = range ? range + l.is_above : "";
    const char *const dots  = strstr(first, "..");

    l.low  = (wa_text){ first, dots ? (size_t)(dots - first) : strlen(first) };
    l.high = wa_text_of(dots ? dots + 2 : "");
    return l;
}

bool wa_range_holds(const char *range, double number)
{
    const limits l = limits_of(range);
    double       bound;

    if (wa_parse_double(l.low, &bound) && (number < bound || (l.is_above && number <= bound)))
        return false;
    return !wa_parse_double(l.high, &bound) || number <= bound;
}

static void add_limits(const char *range, wa_buf *out)
{
    const limits l = limits_of(range);

    if (l.low.n_bytes == 0)
        return;
    wa_buf_str(out, l.is_above ? " greater than " : " from ");
    wa_buf_text(out, l.low);
    wa_buf_str(out, l.high.n_bytes > 0 ? " to " : l.is_above ? "" : " on");
    wa_buf_text(out, l.high);
}

/* ---------------------------------------------------------------- rows */

void wa_row_expect(const wa_key *row, wa_buf *out)
{
    static const char *const kinds[] = {
        [WA_KEY_BOOL]    = "true or false",
        [WA_KEY_SIZE]    = "a whole number",
        [WA_KEY_NUMBER]  = "a number",
        [WA_KEY_TEXT]    = "a text",
        [WA_KEY_PATH]    = "a file name",
        [WA_KEY_TEXTS]   = "a text, a list of texts, or { file: NAME }",
        [WA_KEY_SIZES]   = "a list of whole numbers",
        [WA_KEY_TENSORS] = "a map from names to lists of numbers",
        [WA_KEY_MAP]     = "a map",
        [WA_KEY_SECTION] = "a map",
        [WA_KEY_STAGES]  = "a list of stages",
        [WA_KEY_BASE]    = "a file, or a folder that holds a model.yaml",
    };

    if (row->type == WA_KEY_CHOICE)
        add_words(row->range, NULL, out);
    else if (row->type == WA_KEY_SCALE)
        add_words(row->range, "a number", out);
    else if (row->type == WA_KEY_PATH && row->range)
        add_words(row->range, "a file name", out);
    else
        wa_buf_str(out, kinds[row->type]);
    if (row->type == WA_KEY_SIZE || row->type == WA_KEY_SIZES || row->type == WA_KEY_NUMBER)
        add_limits(row->range, out);
}

void wa_row_hint(const wa_key *row, wa_buf *out)
{
    if (row->type == WA_KEY_CHOICE)
        add_bars(row->range, NULL, out);
    else if (row->type == WA_KEY_SCALE)
        add_bars(row->range, "a number", out);
    else if (row->type == WA_KEY_PATH && row->range)
        add_bars(row->range, "a file", out);
    else if (row->type == WA_KEY_SIZE || row->type == WA_KEY_NUMBER)
        wa_buf_str(out, row->range ? row->range : "");
}

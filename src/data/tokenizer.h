/* A text to words: cleaned UTF-8, normal form, word boundaries, lower case, digits, in this order. libunistring is used
 * here only.
 *
 * Every word remembers the bytes of the original text it came from, whatever normalising did to it. */
#ifndef WA_DATA_TOKENIZER_H
#define WA_DATA_TOKENIZER_H

#include "base/mem.h"
#include "data/config.h"

typedef struct wa_tokenizer_opts {
    int     split;     /* wa_split */
    int     normalize; /* wa_normalize */
    int     digits;    /* wa_digits */
    bool    lowercase;
    wa_text unknown; /* data NULL: none */
    wa_text start, end;
    size_t  max_tokens; /* >= 2 */
} wa_tokenizer_opts;

/* In the order of the words in wa_tokenizer_keys. */
enum wa_split { WA_SPLIT_WORDS, WA_SPLIT_WHITESPACE };
enum wa_normalize { WA_NORMALIZE_NONE, WA_NORMALIZE_NFC, WA_NORMALIZE_NFKC };
enum wa_digits { WA_DIGITS_KEEP, WA_DIGITS_HASH };

/* The keys of `tokenizer`, for a wa_tokenizer_opts. */
extern const wa_key wa_tokenizer_keys[];

/* A word of a text: its bytes in the arena, and the bytes start..end of the original that it came from. */
typedef struct wa_piece {
    wa_text word;
    size_t  start, end;
} wa_piece;

typedef struct wa_pieces {
    wa_piece *items;
    size_t    n;
    size_t    n_invalid; /* sequences that were not UTF-8; each became U+FFFD */
} wa_pieces;

/* Splits a text. `unknown`, `start`, `end` and `max_tokens` are not its business.
 *
 * split words: Unicode UAX #29 word boundaries of the normalised text; pieces of white space only are dropped.
 * split whitespace: runs without Unicode White_Space.
 * digits hash: in every number of two or more ASCII digits, inner points and commas included, each digit becomes '#'.
 * arena   gets the words, the array and two copies of the text as scratch. Of an ASCII text nothing is allocated elsewhere; what
 *         normalising needs is freed before the call returns.
 * Errors  WA_ENOMEM.
 * Source  Unicode 14 (libunistring 1.0): UAX #15, UAX #29. */
wa_status wa_tokenizer_split(const wa_tokenizer_opts *opts, wa_text text, wa_arena *arena, wa_pieces *out, wa_error *err);

/* One word in the form the tokenizer would give it, without splitting: for candidates and prefixes. In the arena. */
wa_status wa_tokenizer_fold(const wa_tokenizer_opts *opts, wa_text word, wa_arena *arena, wa_text *out, wa_error *err);

#endif

/* An ordered list of words and the table that finds them: the words of a vectors file, a vocabulary, a set of candidates.
 *
 * The bytes of the words are borrowed: whoever adds them keeps them alive. Words differ byte for byte; the empty word is
 * a word. At most 2^32 - 2 words of at most 2^32 - 1 bytes. About 24 bytes of memory a word. */
#ifndef WA_DATA_LEXICON_H
#define WA_DATA_LEXICON_H

#include "base/mem.h"

typedef struct wa_lexicon_entry {
    const char *data; /* never NULL, but for the entries that wa_lexicon_compact() takes out */
    uint32_t    n_bytes;
    uint32_t    hash; /* spares most comparisons, and hashing again when the table grows */
} wa_lexicon_entry;

/* A zeroed struct with its env set is empty. */
typedef struct wa_lexicon {
    const wa_env     *env;
    wa_lexicon_entry *entries;
    size_t            n_words, capacity;
    uint32_t         *slots;   /* open addressing; index + 1 of an entry, 0 where free */
    size_t            n_slots; /* a power of two, more than half free */
} wa_lexicon;

/* Makes room for n words at once. false: no memory, nothing changed. */
bool wa_lexicon_reserve(wa_lexicon *lexicon, size_t n);

/* Adds a word unless it is there. *index is its place either way; *is_new (may be NULL) tells which. false: no memory. */
bool   wa_lexicon_add(wa_lexicon *lexicon, wa_text word, size_t *index, bool *is_new);
size_t wa_lexicon_find(const wa_lexicon *lexicon, wa_text word); /* or WA_NONE */
/* The same for n words at once, which takes less time than one by one. out [n] */
void    wa_lexicon_find_all(const wa_lexicon *lexicon, const wa_text *words, size_t n, size_t *out);
wa_text wa_lexicon_word(const wa_lexicon *lexicon, size_t i);
void    wa_lexicon_clear(wa_lexicon *lexicon);

/* For many words at once: up to n entries, which any thread makes with wa_lexicon_entry_of(), are written to the room behind the
 * last one; then wa_lexicon_insert() takes in the first n of them. Of equal words the first stays, or the last; the data of the
 * others becomes NULL, and wa_lexicon_compact() must be called, where the last stays not before more is added. Returns how
 * many lost their word. */
wa_lexicon_entry *wa_lexicon_room(wa_lexicon *lexicon, size_t n); /* NULL: no memory, nothing changed */
wa_lexicon_entry  wa_lexicon_entry_of(wa_text word);              /* a word of at most 2^32 - 1 bytes */
size_t            wa_lexicon_insert(wa_lexicon *lexicon, size_t n, bool last_stays);
/* Takes out all entries from n on. All before must have their words. */
void wa_lexicon_truncate(wa_lexicon *lexicon, size_t n);

/* For lists in which the last of equal words counts. Adds a word at the end, whether it is there or not; where it is, the earlier
 * entry loses its word: its data becomes NULL, *earlier (WA_NONE otherwise) says which, and wa_lexicon_compact() must be
 * called before anything but adding. false: no memory. */
bool wa_lexicon_add_last(wa_lexicon *lexicon, wa_text word, size_t *earlier);
/* Takes out the entries without a word; the others move up in their order. */
void wa_lexicon_compact(wa_lexicon *lexicon);

#endif

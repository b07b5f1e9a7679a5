/* Words and the table that finds them. See lexicon.h.
 *
 * What always holds: every entry with a word has exactly one slot, found by probing from its hash; no other slot is taken. */
#include "data/lexicon.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"

#define MOST_WORDS ((size_t)UINT32_MAX - 1) /* index + 1 fits a slot */

/* The slot of a word, or the free one where it would go. There is a free one: more than half are. */
static size_t find_slot(const wa_lexicon *lexicon, wa_text word, uint32_t hash)
{
    const size_t mask = lexicon->n_slots - 1;

    for (size_t s = hash & mask;; s = (s + 1) & mask) {
        if (lexicon->slots[s] == 0)
            return s;
        const wa_lexicon_entry *const entry = &lexicon->entries[lexicon->slots[s] - 1];
        if (entry->hash == hash && wa_text_equal((wa_text){ entry->data, entry->n_bytes }, word))
            return s;
    }
}

/* Puts every entry with a word into the free slots. The words differ, so only hashes are looked at. */
static void fill_slots(wa_lexicon *lexicon)
{
    const size_t mask = lexicon->n_slots - 1;

    memset(lexicon->slots, 0, lexicon->n_slots * sizeof *lexicon->slots);
    for (size_t i = 0; i < lexicon->n_words; i++) {
        size_t s = lexicon->entries[i].hash & mask;

        if (!lexicon->entries[i].data)
            continue;
        while (lexicon->slots[s] != 0)
            s = (s + 1) & mask;
        lexicon->slots[s] = (uint32_t)(i + 1);
    }
}

static bool grow_slots(wa_lexicon *lexicon, size_t n_words)
{
    size_t n_slots = lexicon->n_slots > 0 ? lexicon->n_slots : 16;

    while (n_slots / 2 <= n_words)
        n_slots *= 2;
    if (n_slots == lexicon->n_slots)
        return true;
    uint32_t *const slots = wa_alloc(lexicon->env, n_slots, sizeof *slots);
    if (!slots)
        return false;
    wa_release(lexicon->env, lexicon->slots);
    lexicon->slots   = slots;
    lexicon->n_slots = n_slots;
    fill_slots(lexicon);
    return true;
}

bool wa_lexicon_reserve(wa_lexicon *lexicon, size_t n)
{
    void *entries = lexicon->entries;

    if (n > MOST_WORDS || !wa_grow(lexicon->env, &entries, &lexicon->capacity, n, sizeof *lexicon->entries))
        return false;
    lexicon->entries = entries;
    return grow_slots(lexicon, n);
}

static void append(wa_lexicon *lexicon, wa_text word, uint32_t hash, size_t slot)
{
    lexicon->entries[lexicon->n_words] = (wa_lexicon_entry){
        .data    = word.data ? word.data : "",
        .n_bytes = (uint32_t)word.n_bytes,
        .hash    = hash,
    };
    lexicon->slots[slot] = (uint32_t)++lexicon->n_words;
}

bool wa_lexicon_add(wa_lexicon *lexicon, wa_text word, size_t *index, bool *is_new)
{
    const uint32_t hash = (uint32_t)wa_hash(word);

    if (word.n_bytes > UINT32_MAX || !wa_lexicon_reserve(lexicon, lexicon->n_words + 1))
        return false;
    const size_t slot   = find_slot(lexicon, word, hash);
    const bool   absent = lexicon->slots[slot] == 0;
    if (absent)
        append(lexicon, word, hash, slot);
    *index = lexicon->slots[slot] - 1;
    if (is_new)
        *is_new = absent;
    return true;
}

bool wa_lexicon_add_last(wa_lexicon *lexicon, wa_text word, size_t *earlier)
{
    const uint32_t hash = (uint32_t)wa_hash(word);

    if (word.n_bytes > UINT32_MAX || !wa_lexicon_reserve(lexicon, lexicon->n_words + 1))
        return false;
    const size_t slot = find_slot(lexicon, word, hash);
    *earlier          = WA_NONE;
    if (lexicon->slots[slot] != 0) {
        *earlier                        = lexicon->slots[slot] - 1;
        lexicon->entries[*earlier].data = NULL;
    }
    append(lexicon, word, hash, slot);
    return true;
}

void wa_lexicon_compact(wa_lexicon *lexicon)
{
    size_t n = 0;

    for (size_t i = 0; i < lexicon->n_words; i++)
        if (lexicon->entries[i].data)
            lexicon->entries[n++] = lexicon->entries[i];
    lexicon->n_words = n;
    if (lexicon->slots)
        fill_slots(lexicon);
}

/* ---------------------------------------------------------------- many words at once */

/* Entries looked at ahead of the one that is being inserted: the slot, and then the entry in it, come from far away. */
enum { SLOT_AHEAD = 32, ENTRY_AHEAD = 16 };

wa_lexicon_entry *wa_lexicon_room(wa_lexicon *lexicon, size_t n)
{
    size_t n_words;

    if (!wa_add_size(lexicon->n_words, n, &n_words) || !wa_lexicon_reserve(lexicon, n_words))
        return NULL;
    return lexicon->entries + lexicon->n_words;
}

wa_lexicon_entry wa_lexicon_entry_of(wa_text word)
{
    return (wa_lexicon_entry){
        .data    = word.data ? word.data : "",
        .n_bytes = (uint32_t)word.n_bytes,
        .hash    = (uint32_t)wa_hash(word),
    };
}

static void fetch_ahead(const wa_lexicon *lexicon, size_t i, size_t n)
{
    const size_t mask = lexicon->n_slots - 1;

    if (i + SLOT_AHEAD < n)
        __builtin_prefetch(&lexicon->slots[lexicon->entries[i + SLOT_AHEAD].hash & mask], 1);
    if (i + ENTRY_AHEAD >= n)
        return;
    const uint32_t taken = lexicon->slots[lexicon->entries[i + ENTRY_AHEAD].hash & mask];
    if (taken != 0)
        __builtin_prefetch(&lexicon->entries[taken - 1]);
}

size_t wa_lexicon_insert(wa_lexicon *lexicon, size_t n, bool last_stays)
{
    size_t n_lost = 0;

    n += lexicon->n_words;
    for (size_t i = lexicon->n_words; i < n; i++) {
        wa_lexicon_entry *const entry = &lexicon->entries[i];

        fetch_ahead(lexicon, i, n);
        const size_t slot = find_slot(lexicon, (wa_text){ entry->data, entry->n_bytes }, entry->hash);
        if (lexicon->slots[slot] != 0) {
            wa_lexicon_entry *const earlier = &lexicon->entries[lexicon->slots[slot] - 1];

            n_lost++;
            (last_stays ? earlier : entry)->data = NULL;
            if (!last_stays)
                continue;
        }
        lexicon->slots[slot] = (uint32_t)(i + 1);
    }
    lexicon->n_words = n;
    return n_lost;
}

void wa_lexicon_truncate(wa_lexicon *lexicon, size_t n)
{
    assert(n <= lexicon->n_words);
    lexicon->n_words = n;
    if (lexicon->slots)
        fill_slots(lexicon);
}

/* ---------------------------------------------------------------- looking */

size_t wa_lexicon_find(const wa_lexicon *lexicon, wa_text word)
{
    if (lexicon->n_words == 0)
        return WA_NONE;
    const uint32_t taken = lexicon->slots[find_slot(lexicon, word, (uint32_t)wa_hash(word))];
    return taken == 0 ? WA_NONE : taken - 1;
}

enum { TOGETHER = 64 }; /* words that are looked for at once: more than most sentences have */

/* A word's slot, its entry and its bytes come from far away, one after the other; so those of all words are asked for at each step
 * before the first is looked at. */
static void find_together(const wa_lexicon *lexicon, const wa_text *words, size_t n, size_t *out)
{
    const size_t mask = lexicon->n_slots - 1;
    uint32_t     hashes[TOGETHER], taken;

    for (size_t i = 0; i < n; i++) {
        hashes[i] = (uint32_t)wa_hash(words[i]);
        __builtin_prefetch(&lexicon->slots[hashes[i] & mask]);
    }
    for (size_t i = 0; i < n; i++)
        if ((taken = lexicon->slots[hashes[i] & mask]) != 0)
            __builtin_prefetch(&lexicon->entries[taken - 1]);
    for (size_t i = 0; i < n; i++)
        if ((taken = lexicon->slots[hashes[i] & mask]) != 0)
            __builtin_prefetch(lexicon->entries[taken - 1].data);
    for (size_t i = 0; i < n; i++) {
        taken  = lexicon->slots[find_slot(lexicon, words[i], hashes[i])];
        out[i] = taken == 0 ? WA_NONE : taken - 1;
    }
}

void wa_lexicon_find_all(const wa_lexicon *lexicon, const wa_text *words, size_t n, size_t *out)
{
    for (size_t i = 0; lexicon->n_words == 0 && i < n; i++)
        out[i] = WA_NONE;
    for (size_t i = 0; lexicon->n_words > 0 && i < n; i += TOGETHER)
        find_together(lexicon, words + i, n - i < TOGETHER ? n - i : TOGETHER, out + i);
}

wa_text wa_lexicon_word(const wa_lexicon *lexicon, size_t i)
{
    assert(i < lexicon->n_words);
    return (wa_text){ lexicon->entries[i].data, lexicon->entries[i].n_bytes };
}

void wa_lexicon_clear(wa_lexicon *lexicon)
{
    wa_release(lexicon->env, lexicon->entries);
    wa_release(lexicon->env, lexicon->slots);
    *lexicon = (wa_lexicon){ .env = lexicon->env };
}

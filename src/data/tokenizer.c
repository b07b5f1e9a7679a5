/* A text to words. See tokenizer.h.
 *
 * The original text is turned into the normalised text once, with a list of segments that leads back: a segment either has the
 * same bytes in both, or stands for the whole of its original range. Each word is then cut out of the normalised text, lower-cased
 * by itself and finished.
 *
 * What always holds: the normalised text is valid UTF-8; segments ascend in both texts, none is empty in either, and together they
 * cover both. libunistring gives NULL where malloc fails, and that becomes WA_ENOMEM. */
#include "data/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <unictype.h>
#include <unigbrk.h>
#include <uninorm.h>
#include <uniwbrk.h>

#include "base/status.h"
#include "base/str.h"

#define AT(field) offsetof(wa_tokenizer_opts, field)

const wa_key wa_tokenizer_keys[] = {
    { "split", WA_KEY_CHOICE, AT(split), "words", "words|whitespace",
      .help = "words: Unicode word boundaries (UAX #29), white space dropped; whitespace: at white space only" },
    { "normalize", WA_KEY_CHOICE, AT(normalize), "nfc", "none|nfc|nfkc", .help = "Unicode normal form of the words (UAX #15)" },
    { "lowercase", WA_KEY_BOOL, AT(lowercase), "true", NULL, .help = "lower-case the words" },
    { "digits", WA_KEY_CHOICE, AT(digits), "keep", "keep|hash",
      .help = "hash: each digit of a number with 2 or more becomes '#', as in GoogleNews" },
    { "unknown", WA_KEY_TEXT, AT(unknown), "null", NULL,
      .help = "word that stands for unknown words, e.g. \"<unk>\"; null: leave them out and list them" },
    { "start", WA_KEY_TEXT, AT(start), "null", NULL, .help = "word put before every text, e.g. \"</s>\"; null: none" },
    { "end", WA_KEY_TEXT, AT(end), "null", NULL,
      .help = "word appended when a complete text is scored, e.g. \"</s>\"; null: none" },
    { "max_tokens", WA_KEY_SIZE, AT(max_tokens), "512", "2..65536",
      .help = "longer texts keep `start` and the last words (rank) or slide by half a window (score)" },
    { 0 },
};

#define SMALL 256 /* bytes that libunistring may fill before it allocates: nearly every word and every cluster */

static bool is_ascii(wa_text text)
{
    for (size_t i = 0; i < text.n_bytes; i++)
        if ((unsigned char)text.data[i] >= 0x80)
            return false;
    return true;
}

/* Appends what libunistring made in `result`, which is `own` or malloc'ed; NULL is its lack of memory. */
static void add_result(wa_buf *buf, uint8_t *result, const uint8_t *own, size_t n)
{
    if (!result) {
        buf->failed = true;
        return;
    }
    wa_buf_add(buf, result, n);
    if (result != own)
        free(result);
}

/* ---------------------------------------------------------------- the normalised text and the way back */

/* Bytes from..(from of the next) of the normalised text come from bytes original..(original of the next) of the original. */
typedef struct segment {
    size_t from, original;
    bool   is_same; /* the same bytes in both */
} segment;

typedef struct traits {
    uint32_t code_point;
    bool     is_known; /* the slot of the cache is filled */
    bool     is_boundary, is_stable;
} traits;

#define N_TRAITS 512

typedef struct cleaner {
    const wa_env *env;
    wa_text       text; /* the original */
    uninorm_t     form; /* NULL: none */
    wa_buf        cluster, out;
    segment      *segments;
    size_t        n_segments, capacity;
    size_t        n_invalid;
    traits        cache[N_TRAITS]; /* saves time only: texts use few characters */
} cleaner;

/* Whether normalising may be cut before a character, and whether it stays as it is where cut on both sides.
 *
 * A cut is safe where the first character of its decomposition is a starter that composes with nothing before it. All that do
 * compose backwards are Extend, V or T by Grapheme_Cluster_Break. (Grapheme clusters themselves are no safe cuts for NFKC:
 * U+3131 U+314F are two of them and one syllable.) Source: UAX #15, section 9.1; UAX #29, table 2. */
static bool find_traits(const cleaner *c, uint32_t code_point, traits *out)
{
    uint32_t        parts[32], whole[32]; /* the longest decomposition has 18 characters */
    size_t          n_parts = 32, n_whole = 32;
    const uninorm_t decomposing = uninorm_decomposing_form(c->form);

    if (!u32_normalize(decomposing, &code_point, 1, parts, &n_parts) || !u32_normalize(c->form, &code_point, 1, whole, &n_whole))
        return false;
    const int  kind     = uc_graphemeclusterbreak_property(parts[0]);
    const bool composes = kind == GBP_EXTEND || kind == GBP_V || kind == GBP_T;
    *out                = (traits){ .code_point  = code_point,
                                    .is_known    = true,
                                    .is_boundary = uc_combining_class(parts[0]) == 0 && !composes,
                                    .is_stable   = n_whole == 1 && whole[0] == code_point };
    return true;
}

static traits traits_of(cleaner *c, uint32_t code_point)
{
    traits *const slot = &c->cache[code_point % N_TRAITS];

    if (!c->form || code_point < 0x80)
        return (traits){ .is_boundary = true, .is_stable = true };
    if (!slot->is_known || slot->code_point != code_point)
        c->out.failed |= !find_traits(c, code_point, slot);
    return *slot;
}

/* Notes that out.data[from..] comes from text.data[original..]. Equal bytes behind equal bytes lengthen their segment. */
static void add_segment(cleaner *c, size_t from, size_t original, bool is_same)
{
    void *segments = c->segments;

    if (is_same && c->n_segments > 0 && c->segments[c->n_segments - 1].is_same)
        return;
    if (!wa_grow(c->env, &segments, &c->capacity, c->n_segments + 1, sizeof *c->segments)) {
        c->out.failed = true;
        return;
    }
    c->segments                  = segments;
    c->segments[c->n_segments++] = (segment){ from, original, is_same };
}

/* The length of the run of ASCII at `at` that can be copied as it is: its last character may compose with what follows. */
static size_t plain_run(const cleaner *c, size_t at)
{
    size_t end = at;

    while (end < c->text.n_bytes && (unsigned char)c->text.data[end] < 0x80)
        end++;
    return end < c->text.n_bytes && end > at ? end - 1 - at : end - at;
}

static size_t peek(const cleaner *c, size_t at, uint32_t *code_point, bool *is_valid)
{
    return wa_utf8_next((wa_text){ c->text.data + at, c->text.n_bytes - at }, code_point, is_valid);
}

/* Collects in `cluster` the characters from `at` up to the next safe cut. Returns the bytes taken; *is_done where they already are
 * what normalising would make of them. */
static size_t take_cluster(cleaner *c, size_t at, bool *is_done)
{
    uint32_t code_point;
    bool     is_valid;
    size_t   n_taken = 0;

    c->cluster.n_bytes = 0;
    do {
        const size_t n = peek(c, at + n_taken, &code_point, &is_valid);
        *is_done       = n_taken == 0 && traits_of(c, code_point).is_stable;
        c->n_invalid += !is_valid;
        wa_buf_text(&c->cluster, is_valid ? (wa_text){ c->text.data + at + n_taken, n } : wa_text_of("\xEF\xBF\xBD"));
        n_taken += n;
        if (at + n_taken < c->text.n_bytes)
            peek(c, at + n_taken, &code_point, &is_valid);
    } while (at + n_taken < c->text.n_bytes && !traits_of(c, code_point).is_boundary);
    return n_taken;
}

static size_t clean_cluster(cleaner *c, size_t at)
{
    bool          is_done;
    uint8_t       small[SMALL];
    const size_t  n_taken = take_cluster(c, at, &is_done), from = c->out.n_bytes;
    const wa_text cluster = wa_buf_view(&c->cluster);

    if (c->cluster.failed) {
        c->out.failed = true;
    } else if (is_done || !c->form) {
        wa_buf_text(&c->out, cluster);
    } else {
        size_t         n      = sizeof small;
        uint8_t *const result = u8_normalize(c->form, (const uint8_t *)cluster.data, cluster.n_bytes, small, &n);

        add_result(&c->out, result, small, n);
    }
    if (!c->out.failed)
        add_segment(c, from, at,
                    wa_text_equal((wa_text){ c->out.data + from, c->out.n_bytes - from }, (wa_text){ c->text.data + at, n_taken }));
    return n_taken;
}

/* Makes the whole normalised text; out.failed afterwards means there was no memory. */
static void clean(cleaner *c)
{
    for (size_t at = 0; at < c->text.n_bytes && !c->out.failed;) {
        const size_t n_plain = plain_run(c, at);

        if (n_plain > 0) {
            add_segment(c, c->out.n_bytes, at, true);
            wa_buf_add(&c->out, c->text.data + at, n_plain);
            at += n_plain;
        } else {
            at += clean_cluster(c, at);
        }
    }
}

static uninorm_t normal_form(const wa_tokenizer_opts *opts)
{
    return opts->normalize == WA_NORMALIZE_NFC ? UNINORM_NFC : opts->normalize == WA_NORMALIZE_NFKC ? UNINORM_NFKC : NULL;
}

/* ---------------------------------------------------------------- one word */

/* Lower-cases a word where it lies; a form that is longer goes to the arena. Data NULL where there is no memory. */
static wa_text lower(wa_text word, char *room, uninorm_t form, wa_arena *arena)
{
    uint8_t small[SMALL];
    size_t  n = sizeof small;
    wa_text kept;

    if (is_ascii(word)) { /* saves time only: u8_tolower() would do the same */
        for (size_t i = 0; i < word.n_bytes; i++)
            if (room[i] >= 'A' && room[i] <= 'Z')
                room[i] = (char)(room[i] + ('a' - 'A'));
        return word;
    }
    uint8_t *const result = u8_tolower((const uint8_t *)word.data, word.n_bytes, NULL, form, small, &n);
    if (!result)
        return (wa_text){ NULL, 0 };
    if (n <= word.n_bytes) {
        memcpy(room, result, n);
        kept = (wa_text){ room, n };
    } else {
        kept = wa_arena_text(arena, (wa_text){ (const char *)result, n });
    }
    if (result != small)
        free(result);
    return kept;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The end of the number that begins with the digit s[i]: digits, with single points and commas between them. */
static size_t number_end(const char *s, size_t i, size_t n, size_t *n_digits)
{
    for (*n_digits = 0; i < n; i++) {
        const bool is_inner = (s[i] == '.' || s[i] == ',') && i + 1 < n && is_digit(s[i + 1]) && is_digit(s[i - 1]);

        if (!is_digit(s[i]) && !is_inner)
            break;
        *n_digits += is_digit(s[i]);
    }
    return i;
}

static void hash_digits(char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t n_digits;

        if (!is_digit(s[i]))
            continue;
        const size_t end = number_end(s, i, n, &n_digits);
        for (size_t j = i; n_digits > 1 && j < end; j++)
            if (is_digit(s[j]))
                s[j] = '#';
        i = end - 1;
    }
}

/* A word of the normalised text in its last form. It lies in `room`, which is ours to write to, and stays there where it fits. */
static wa_text finish_word(const wa_tokenizer_opts *opts, char *room, size_t n_bytes, wa_arena *arena)
{
    wa_text word = { room, n_bytes };

    if (opts->lowercase)
        word = lower(word, room, normal_form(opts), arena);
    if (opts->digits == WA_DIGITS_HASH && word.data)
        hash_digits((char *)(uintptr_t)word.data, word.n_bytes); /* in `room` or in the arena: ours either way */
    return word;
}

/* ---------------------------------------------------------------- splitting */

/* The words are marked first and cut out then, so that everything is as large as it must be and lies in the arena: splitting an
 * ASCII text allocates nothing once the arena has room. */
typedef struct splitter {
    const wa_tokenizer_opts *opts;
    wa_arena                *arena;
    wa_text                  text; /* normalised */
    size_t                   n_original;
    const segment           *segments;
    size_t                   n_segments, at; /* `at`: the segment of the last word, as words ascend */
    char                    *marks;          /* [text.n_bytes + 1] of BEGIN and END */
    char                    *words;          /* a copy of the text, in which words get their last form */
    size_t                   n_pieces;
} splitter;

enum { BEGIN = 1, END = 2 }; /* a word begins, and the one before it ends, at this byte; the same byte may be both */

/* Moves to the segment that holds byte `i` of the normalised text. */
static const segment *segment_of(splitter *s, size_t i)
{
    while (s->at + 1 < s->n_segments && s->segments[s->at + 1].from <= i)
        s->at++;
    return &s->segments[s->at];
}

static void mark(splitter *s, size_t from, size_t end)
{
    s->marks[from] |= BEGIN;
    s->marks[end] |= END;
    s->n_pieces++;
}

/* Data NULL where there is no memory. */
static wa_piece cut_piece(splitter *s, size_t from, size_t end)
{
    const segment *const first = segment_of(s, from);
    const size_t         start = first->original + (first->is_same ? from - first->from : 0);
    const segment *const last  = segment_of(s, end - 1);
    const size_t         whole = s->at + 1 < s->n_segments ? s->segments[s->at + 1].original : s->n_original;

    return (wa_piece){ .word  = finish_word(s->opts, s->words + from, end - from, s->arena),
                       .start = start,
                       .end   = last->is_same ? last->original + (end - last->from) : whole };
}

static bool is_space_at(wa_text text, size_t at, size_t *n)
{
    uint32_t code_point;
    bool     is_valid;

    *n = wa_utf8_next((wa_text){ text.data + at, text.n_bytes - at }, &code_point, &is_valid);
    return wa_is_space(code_point);
}

static bool is_all_space(wa_text text)
{
    for (size_t i = 0, n; i < text.n_bytes; i += n)
        if (!is_space_at(text, i, &n))
            return false;
    return true;
}

static void mark_at_spaces(splitter *s)
{
    size_t from = 0, n;

    memset(s->marks, 0, s->text.n_bytes + 1);
    for (size_t i = 0; i < s->text.n_bytes; i += n) {
        if (!is_space_at(s->text, i, &n))
            continue;
        if (i > from)
            mark(s, from, i);
        from = i + n;
    }
    if (from < s->text.n_bytes)
        mark(s, from, s->text.n_bytes);
}

static void mark_at_boundaries(splitter *s)
{
    const size_t n = s->text.n_bytes;

    u8_wordbreaks((const uint8_t *)s->text.data, n, s->marks);
    s->marks[0] = s->marks[n] = 0;
    for (size_t from = 0, end; from < n; from = end) {
        for (end = from + 1; end < n && !s->marks[end];)
            end++;
        if (end < n)
            s->marks[end] = 0; /* libunistring's break makes room for our marks */
        if (!is_all_space((wa_text){ s->text.data + from, end - from }))
            mark(s, from, end);
    }
}

static bool cut_pieces(splitter *s, wa_piece *items)
{
    const char *const marks = s->marks;

    for (size_t i = 0, from = 0, end; i < s->n_pieces; i++, from = end) {
        while (!(marks[from] & BEGIN))
            from++;
        for (end = from + 1; !(marks[end] & END);)
            end++;
        items[i] = cut_piece(s, from, end);
        if (!items[i].word.data)
            return false;
    }
    return true;
}

/* false: no memory. */
static bool split(splitter *s, wa_pieces *out)
{
    s->marks = wa_arena_alloc(s->arena, s->text.n_bytes + 1, 1);
    s->words = (char *)(uintptr_t)wa_arena_text(s->arena, s->text).data; /* our own copy */
    if (!s->marks || !s->words)
        return false;
    if (s->opts->split == WA_SPLIT_WORDS)
        mark_at_boundaries(s);
    else
        mark_at_spaces(s);
    wa_piece *const items = wa_arena_alloc(s->arena, s->n_pieces, sizeof *items);
    if (!items || !cut_pieces(s, items))
        return false;
    out->items = items;
    out->n     = s->n_pieces;
    return true;
}

/* ---------------------------------------------------------------- the two ways in */

/* Allocates the cleaner, as its cache is too much for the stacks of some threads. The caller frees *out even where this fails. */
static wa_status clean_text(const wa_tokenizer_opts *opts, wa_text text, const wa_env *env, cleaner **out, wa_error *err)
{
    wa_status      st = WA_OK;
    cleaner *const c  = wa_alloc_zeroed(env, 1, sizeof *c);

    if (!c)
        return wa_fail_memory(err, "tokenizer");
    *c = (cleaner){ .env = env, .text = text, .form = normal_form(opts), .cluster = { .env = env }, .out = { .env = env } };
    clean(c);
    if (c->out.failed)
        st = wa_fail_memory(err, "tokenizer");
    *out = c;
    return st;
}

static void cleaner_free(cleaner *c)
{
    if (!c)
        return;
    wa_buf_clear(&c->cluster);
    wa_buf_clear(&c->out);
    wa_release(c->env, c->segments);
    wa_release(c->env, c);
}

wa_status wa_tokenizer_split(const wa_tokenizer_opts *opts, wa_text text, wa_arena *arena, wa_pieces *out, wa_error *err)
{
    wa_status     st    = WA_OK;
    cleaner      *c     = NULL;
    const segment whole = { .is_same = true };
    splitter s = { .opts = opts, .arena = arena, .text = text, .n_original = text.n_bytes, .segments = &whole, .n_segments = 1 };

    if (!is_ascii(text)) { /* saves time only: ASCII is its own normal form */
        WA_TRY(clean_text(opts, text, arena->env, &c, err));
        s.text       = wa_buf_view(&c->out);
        s.segments   = c->segments;
        s.n_segments = c->n_segments;
    }
    if (!split(&s, out))
        WA_TRY(wa_fail_memory(err, "tokenizer"));
    out->n_invalid = c ? c->n_invalid : 0;
done:
    cleaner_free(c);
    return st;
}

wa_status wa_tokenizer_fold(const wa_tokenizer_opts *opts, wa_text word, wa_arena *arena, wa_text *out, wa_error *err)
{
    wa_status st = WA_OK;
    cleaner  *c  = NULL;

    if (!is_ascii(word)) {
        WA_TRY(clean_text(opts, word, arena->env, &c, err));
        word = wa_buf_view(&c->out);
    }
    char *const   room   = (char *)(uintptr_t)wa_arena_text(arena, word).data; /* our own copy */
    const wa_text folded = room ? finish_word(opts, room, word.n_bytes, arena) : (wa_text){ NULL, 0 };
    if (!folded.data)
        WA_TRY(wa_fail_memory(err, "tokenizer"));
    *out = folded;
done:
    cleaner_free(c);
    return st;
}

/* Word vectors in memory: words, rows, search. The public functions are in wordahead.h; reading and writing files is in
 * data/w2v.h.
 *
 * A handle keeps the words in a lexicon that points into `file` (a mapping or unpacked bytes) or into `arena`. Rows are either
 * the bytes right behind each word and its one space in `file` (binary: unaligned, so they are copied out), or `rows`. */
#ifndef WA_DATA_VECTORS_H
#define WA_DATA_VECTORS_H

#include "base/file.h"
#include "data/lexicon.h"

struct wa_vectors {
    wa_env          env; /* a copy: the caller's need not live */
    wa_lexicon      lexicon;
    size_t          width;  /* D */
    float          *rows;   /* [N, D], or NULL where the rows are in the file */
    size_t          n_room; /* rows that `rows` has room for */
    wa_file         file;
    wa_arena        arena;
    wa_vectors_info info;
};

/* An empty handle of width D > 0 to be filled by wa_vectors_add(); its rows are in memory. */
wa_status wa_vectors_new(size_t width, const wa_env *env, wa_vectors **out, wa_error *err);

/* Appends a word, copied, with its row [D]. A word that is there already is dropped and counted in info.n_duplicates. */
wa_status wa_vectors_add(wa_vectors *vectors, wa_text word, const float *row, wa_error *err);

/* Makes room in `rows` for n rows. false: no memory, nothing changed. */
bool wa_vectors_make_room(wa_vectors *vectors, size_t n);

/* The 4*D bytes of row i < N, at any address: little-endian floats, read with memcpy(). */
const char *wa_vectors_row_bytes(const wa_vectors *vectors, size_t i);
/* Asks for the bytes of row i, which will be read soon: rows lie far apart. */
void wa_vectors_fetch(const wa_vectors *vectors, size_t i);

#endif

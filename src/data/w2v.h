/* Files of word vectors: telling formats apart, reading, checking and writing them. wa_vectors_open() and wa_vectors_save() in
 * wordahead.h are the way in; here is what only the command line needs. */
#ifndef WA_DATA_W2V_H
#define WA_DATA_W2V_H

#include "wordahead.h"

#define WA_W2V_WORD_LENGTH 4096 /* bytes of the longest word that is read or written; word2vec.c writes at most 98 */

typedef enum wa_finding_kind {
    WA_FINDING_DUPLICATE,
    WA_FINDING_INVALID_UTF8,
    WA_FINDING_CUT,
    WA_FINDING_SPACE,
    WA_FINDING_EMPTY,
    WA_FINDING_NAN,
    WA_FINDING_INFINITE,
    WA_FINDING_ZERO,
    WA_FINDING_BROKEN, /* a record that is not whole, or something after the last one */
    WA_N_FINDING_KINDS,
} wa_finding_kind;

/* A thing that `vectors check` found.
 *
 * offset      byte of the file (after unpacking gzip) at which the record begins
 * line        of a text file, from 1; 0 in binary files
 * record      from 0; duplicates count
 * is_refused  with the options given, the file cannot be opened because of this; the message names one that accepts it
 * message     one sentence, without the position */
typedef struct wa_finding {
    wa_finding_kind kind;
    size_t          offset, line;
    size_t          record;
    bool            is_refused;
    const char     *message;
} wa_finding;

#define WA_PLACE_SIZE 96

/* Where a finding is, as messages say it: "byte 7 (record 0)", in text "line 2, byte 7 (record 0)". Returns `out`. */
char *wa_finding_place(char out[WA_PLACE_SIZE], const wa_finding *finding);

/* Reads a whole file and calls `found` for everything remarkable: duplicates, words that are not UTF-8, cut, empty or with
 * white space, rows with NaN or infinities, rows of zeros, and what keeps the file from being opened with these options; what
 * an option accepts is read over, as if it were given.
 *
 * info        filled as far as reading came
 * n_nan, n_infinite, n_zero   rows of each kind; one with both NaN and infinities counts as NaN
 * n_words, width              what opening the file gives
 * n_refused                   findings that need another option
 * Errors      as wa_vectors_open(), where no option helps; findings before the error have been reported. */
typedef struct wa_vectors_census {
    wa_vectors_info info;
    size_t          n_nan, n_infinite, n_zero;
    size_t          n_words, width;
    size_t          n_refused;
} wa_vectors_census;
wa_status wa_vectors_check(const char *path, const wa_vectors_opts *opts, const wa_env *env,
                           void (*found)(void *user, const wa_finding *finding), void *user, wa_vectors_census *out, wa_error *err);

#endif

/* What the readers of vector files share: w2v_sniff.c tells what a file is, w2v_binary.c and w2v_text.c read it, and each record
 * goes through wa_w2v_take() in w2v_read.c, which counts, remarks and keeps it; but for the many of a long binary file, which
 * w2v_index.c takes all at once. */
#ifndef WA_DATA_W2V_READ_H
#define WA_DATA_W2V_READ_H

#include "base/pool.h"
#include "base/str.h"
#include "data/vectors.h"
#include "data/w2v.h"

/* One reading of a file.
 *
 * vectors  being filled; owned by whoever reads
 * cursor   in the bytes of vectors->file
 * pool     the threads that read, or NULL for the caller alone
 * is_one_by_one  wa_w2v_index() is not to be tried again
 * line     the number of the line at the cursor
 * census   NULL unless the file is checked; then found(user, ...) gets what is remarkable, and what an option would accept is
 *          no error */
typedef struct wa_w2v_reader {
    const char        *path;
    wa_vectors_opts    opts;
    wa_vectors        *vectors;
    wa_pool           *pool;
    bool               is_one_by_one;
    wa_cursor          cursor;
    size_t             line;
    wa_vectors_census *census;
    void (*found)(void *user, const wa_finding *finding);
    void *user;
} wa_w2v_reader;

/* Reads the file at reader->path into reader->vectors, which is new and empty. */
wa_status wa_w2v_read(wa_w2v_reader *reader, wa_error *err);

/* Names a foreign file, or finds the format, the width and the number of claimed records (WA_NONE: no header), and moves the
 * cursor to the first record. */
wa_status wa_w2v_sniff(wa_w2v_reader *reader, wa_error *err);

wa_status wa_w2v_read_binary(wa_w2v_reader *reader, wa_error *err);
wa_status wa_w2v_read_text(wa_w2v_reader *reader, wa_error *err);

/* Takes the next record in: the word lies in the file; the row is 4*D bytes at any address, in text files the next free one of
 * vectors->rows. Only a check looks at its values. */
wa_status wa_w2v_take(wa_w2v_reader *reader, const wa_finding *at, wa_text word, const char *row, wa_error *err);

/* Counts a record and what is odd about its word. */
void wa_w2v_count(wa_vectors_info *info, wa_text word);

/* Takes in, by all threads, as many records of a binary file as a first look can tell to be there, at most n_left; the cursor is
 * behind a record before and after. What is left is read one by one: the last records, everything broken and, with
 * WA_DUPLICATES_ERROR, everything where a word is there twice. This only saves time.
 * Errors  WA_ENOMEM. */
wa_status wa_w2v_index(wa_w2v_reader *reader, size_t n_left, wa_error *err);

/* Something that --salvage accepts by leaving out what is not whole: WA_OK where that is given or the file is checked, and the
 * caller goes on; otherwise the error. `format` says what was found and expected; the option is named here. */
wa_status wa_w2v_broken(wa_w2v_reader *reader, const wa_finding *at, wa_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Whether n records with values of n_value_bytes bytes each, from `offset` on, end where the file ends, but for one newline. */
bool wa_w2v_records_fit(const wa_w2v_reader *reader, size_t offset, size_t n, size_t n_value_bytes);

/* A line that is a row of text: at least `width` fields from the right are numbers, and something, or a blank, is before them. */
bool wa_w2v_is_row(wa_text line, size_t width);

/* A number but for its decimal comma. */
bool wa_w2v_is_decimal_comma(wa_text field);

/* How many fields blanks separate. */
size_t wa_w2v_count_fields(wa_text line);

/* The last field of a line, taken off its end; empty where none is left. */
wa_text wa_w2v_take_last_field(wa_text *line);

#endif

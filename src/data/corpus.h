/* Texts by lines: those of many files one after another, each plain or gzip, or those given as arguments. Whole, or one shard of them;
 * and how far they were read, so that another run can find the place again.
 *
 * Shards are ranges of bytes, cut where lines begin: the files count with their sizes on the disk, and a line belongs to the shard in
 * which its first byte lies. A plain file is read from there on. Where a cut goes through a gzip file, the same share of its unpacked
 * bytes is meant, and it is unpacked once before to learn how many there are. */
#ifndef WA_DATA_CORPUS_H
#define WA_DATA_CORPUS_H

#include "base/mem.h"

typedef struct wa_corpus wa_corpus;

/* shard, n_shards  the shard-th, from 1, of n_shards; n_shards 0: everything
 * most_bytes       of a line; a longer one is not taken
 * wake_fd          a descriptor that ends waiting when it has something to read; -1: none */
typedef struct wa_corpus_opts {
    size_t shard, n_shards;
    size_t most_bytes;
    int    wake_fd;
} wa_corpus_opts;

/* Opens nothing yet; files are opened when their lines are wanted. env and the names must live as long as the corpus.
 *
 * files   [n_files] names, "-" being standard input
 * Errors  WA_ENOMEM; with shards WA_EIO and WA_EUSAGE where a file is not there or no regular one. */
wa_status wa_corpus_open(const char *const *files, size_t n_files, const wa_corpus_opts *opts, const wa_env *env, wa_corpus **out,
                         wa_error *err);
/* Texts that are given take the place of lines of one file. */
wa_status wa_corpus_open_texts(const char *const *texts, size_t n_texts, const wa_env *env, wa_corpus **out, wa_error *err);
void      wa_corpus_close(wa_corpus *corpus);

typedef enum wa_corpus_event {
    WA_CORPUS_END,
    WA_CORPUS_LINE,
    WA_CORPUS_BAD_LINE, /* too long; reading goes on with the next one */
    WA_CORPUS_BAD_FILE, /* it cannot be opened, or not be read to its end; reading goes on with the next file */
} wa_corpus_event;

typedef struct wa_corpus_line {
    size_t   file;   /* index of its name */
    size_t   number; /* from 1, in its file; in a shard among the lines that the shard takes of the file */
    uint64_t offset; /* of its first byte in the unpacked file */
    wa_text  text;   /* until the next call */
} wa_corpus_line;

/* The next line. line->file tells the file in the other events, too; `err` why a line or file is bad: WA_EFORMAT, WA_EIO, WA_ENOMEM. */
wa_corpus_event wa_corpus_next(wa_corpus *corpus, wa_corpus_line *line, wa_error *err);

/* Whether wa_corpus_next() answers without waiting for somebody else; it may read, which ends the life of the last line. */
bool wa_corpus_is_ready(wa_corpus *corpus);
/* Where it is not: waits until it may be so, the wake_fd has something to read, or a signal comes. */
void wa_corpus_wait(wa_corpus *corpus);

/* How far was read: lines of the file in hand, all before it, and a fingerprint of everything that was given out. */
typedef struct wa_corpus_place {
    size_t   file, n_lines;
    uint64_t digest;
} wa_corpus_place;
wa_corpus_place wa_corpus_reached(const wa_corpus *corpus);

/* The bytes on the disk that were read so far, and all that there are to read; 0 where that is not known. */
uint64_t wa_corpus_bytes_read(const wa_corpus *corpus);
uint64_t wa_corpus_bytes_in_all(const wa_corpus *corpus);

/* What tells one input file from another without reading it. */
typedef struct wa_corpus_file {
    uint64_t n_bytes; /* on the disk; UINT64_MAX where it is no regular file */
    uint64_t sample;  /* a fingerprint of its first and last 4 KiB; 0 where it is no regular file */
} wa_corpus_file;

/* Errors  WA_EIO, WA_ENOMEM. */
wa_status wa_corpus_look_at(const char *file, wa_corpus_file *out, wa_error *err);

#endif

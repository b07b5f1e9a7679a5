/* How far a run over files has come, and of what it is: the small file OUT.state beside an output, from which an interrupted run is
 * continued and by which shards are recognised.
 *
 * It is JSON and names what it is for; it is replaced as a whole, so that it is always that of one moment. Numbers that 64-bit
 * readers may spoil, fingerprints and sums, are texts. */
#ifndef WA_DATA_JOURNAL_H
#define WA_DATA_JOURNAL_H

#include "base/output.h"
#include "data/corpus.h"

#define WA_JOURNAL_ENDING ".state"

/* One input file of a run. */
typedef struct wa_journal_file {
    const char    *name; /* as the run was given it */
    wa_corpus_file looks;
    size_t         n_lines; /* that were read of it */
    uint64_t       begin;   /* where the records of these lines begin in the output, before packing; of files that were begun */
} wa_journal_file;

/* What there is to do where shards are joined, besides joining the records; any of these. */
typedef enum wa_merging {
    WA_MERGE_LINES  = 1, /* records bear the numbers of their lines, which are counted on */
    WA_MERGE_SCORES = 2, /* totals are summed up and come in the end */
    WA_MERGE_ROWS   = 4, /* the records are rows of an array, under a header that counts them */
} wa_merging;

/* The first part says what the run is, and never changes; the second how far it has come: the output up to `n_written` bytes before
 * packing holds the records of everything up to `place`, and `mark`, at or behind that, is where the file can be continued. */
typedef struct wa_journal {
    const char      *version;
    const char      *options;         /* verb and options that make a difference to the output, as one would type them */
    uint64_t         model;           /* its fingerprint; 0 for none */
    size_t           shard, n_shards; /* 0: everything */
    size_t           merging;         /* of wa_merging */
    size_t           format, width;   /* what the verb calls its format; numbers of a row */
    const char      *start, *end;     /* the words of the model; NULL: none */
    wa_journal_file *files;           /* [n_files] */
    size_t           n_files;

    bool            is_done;
    wa_corpus_place place;
    uint64_t        n_written;
    wa_output_mark  mark;
    uint64_t        n_header, n_footer; /* bytes of the output before the first record, and behind the last one when it is done */
    size_t          n_done, n_failed, first_code; /* what became of the lines */
    size_t          n_rows;                       /* of an array */
    wa_score_totals totals;
} wa_journal;

/* Writes it as path.part and gives it its name when it is on the disk, so that after a power failure there is this one or the one
 * before. Where the run is killed meanwhile, the part stays, and is written over by the next one.
 * Errors  WA_EIO, WA_ENOMEM. */
wa_status wa_journal_write(const wa_journal *journal, const char *path, const wa_env *env, wa_error *err);

/* Removes it, and what is left of one that was being written. */
void wa_journal_remove(const char *path, const wa_env *env);

/* Reads one; its texts and files lie in the arena.
 * Errors  WA_EIO; WA_EFORMAT where it is no journal, names what is wrong; WA_ENOMEM. */
wa_status wa_journal_read(wa_journal *out, const char *path, wa_arena *arena, const wa_env *env, wa_error *err);

/* Whether both are of one run, apart from their shards. Errors: WA_EUSAGE with the first difference, "the model is another one". */
wa_status wa_journal_agrees(const wa_journal *journal, const wa_journal *other, wa_error *err);

/* Whether what lies under the name of the output is as long as the run left it. Errors: WA_EIO where there is nothing, WA_EFORMAT. */
wa_status wa_journal_check_output(const wa_journal *journal, const char *path, wa_error *err);

/* An exact sum as text: sign, digits of 32 bits in hexadecimal from the highest to the lowest that is not 0, and the place of the
 * lowest: "-0000000a80000000@33". */
void wa_sum_write(wa_buf *out, const wa_sum *sum);
bool wa_sum_read(wa_text text, wa_sum *out);

#endif

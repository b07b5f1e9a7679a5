/* What the files of cli/batch*.c share: pieces of the input on their way through the program, and the run they belong to. */
#ifndef WA_CLI_BATCH_PARTS_H
#define WA_CLI_BATCH_PARTS_H

#include "base/pool.h"
#include "cli/batch.h"
#include "cli/ledger.h"
#include "cli/progress.h"
#include "cli/shard.h"

/* The lines of one file among those of a piece. */
typedef struct wa_batch_segment {
    size_t file, n_lines; /* how many of the file were read with them */
    size_t begin;         /* where their records begin among those of the piece */
    bool   is_first;      /* of the file */
} wa_batch_segment;

/* Some lines on their way through the program, and what ended them. */
typedef struct wa_batch_piece {
    wa_cli_line    *lines; /* [n_most] */
    wa_text        *texts;
    size_t          n;
    wa_buf          bytes; /* of the lines, one after another */
    wa_corpus_event event; /* behind the lines */
    wa_cli_line     bad_line;
    wa_error        reason;
    bool            is_urgent; /* to be handed on at once */
    wa_corpus_place place;     /* behind all this */
    uint64_t        n_bytes_read;
    wa_answers      answers;
    wa_buf          segments;
} wa_batch_piece;

typedef struct wa_batch_worker {
    wa_session *session;
    void       *results; /* [n_most] */
} wa_batch_worker;

typedef struct wa_batch_runner {
    const wa_batch  *batch;
    wa_arena         arena;
    wa_shard         shard;
    char            *output; /* its name, the shard filled in */
    wa_corpus       *corpus;
    wa_pool         *pool; /* NULL: one thread reads, computes and writes */
    wa_batch_worker *workers;
    size_t           n_workers, n_pieces;
    wa_batch_piece  *pieces;
    wa_ledger        ledger;
    wa_progress      progress;
    wa_cli_outcome   outcome;
    bool             is_handed_on; /* all that was read before */
    bool             is_stopped;   /* at a line that failed (--strict) */
    uint64_t         n_bytes_before;
    size_t           n_lines_before;
} wa_batch_runner;

/* The steps of wa_ordered_run(), on a wa_batch_runner; see batch_piece.c. */
bool wa_batch_read(void *user, size_t slot);
void wa_batch_work(void *user, size_t number, size_t slot);

/* A line of the corpus as the verbs know it. */
wa_cli_line wa_batch_name_line(const wa_batch_runner *runner, const wa_corpus_line *line);

#endif

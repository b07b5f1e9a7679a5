/* The output of a run over lines, and how far the run has come: standard output, or a file that another run can go on with.
 *
 * A file is written as NAME.part and renamed when it is whole. Beside it lies NAME.state, the journal; it is replaced every few seconds,
 * after what it describes is on the disk. It goes when the output is whole, unless that is a shard: then it tells what of. */
#ifndef WA_CLI_LEDGER_H
#define WA_CLI_LEDGER_H

#include "data/journal.h"

/* output      a path; NULL or "-" is standard output
 * checkpoint  seconds between two journals
 * is_long     another run can go on with it where this one ends early
 * resumes     goes on with what an interrupted run left
 * at_once     hands on what is written after every piece
 * rewrites    its first bytes are written again in the end */
typedef struct wa_ledger_opts {
    const char *output;
    size_t      checkpoint;
    bool        is_long, resumes, at_once, rewrites;
} wa_ledger_opts;

typedef struct wa_ledger {
    wa_ledger_opts opts;
    char          *path;    /* of the output, links followed; NULL: standard output */
    wa_journal     now;     /* what is written, and what was read for it */
    wa_journal     reached; /* the same at the last wa_ledger_reach() */
    wa_journal     safe;    /* the last of these that a mark of the output allows to go on from */
    bool           has_safe, has_saved;
    wa_arena       arena;  /* of the journal that was read */
    wa_output     *output; /* NULL: standard output */
    char          *state;  /* the journal's path; NULL where there is none */
    uint64_t       n_skip; /* of what is written next, bytes that are there already */
    double         saved_at;
    wa_error       failure; /* of writing; WA_OK while it works */
} wa_ledger;

/* Opens the output of a run, which `run` describes; its files are changed by the ledger.
 *
 * Returns  -1: go on from ledger->now; otherwise the exit code to end with: something was complained of, or all is done already. */
int wa_ledger_open(wa_ledger *ledger, const wa_ledger_opts *opts, const wa_journal *run);

/* Whether another run left something to go on with. */
bool wa_ledger_is_resumed(const wa_ledger *ledger);

/* Writes records, or what comes before and behind them. Where that fails, nothing more is written; wa_ledger_is_open() tells. */
void wa_ledger_write(wa_ledger *ledger, wa_text bytes);
bool wa_ledger_is_open(const wa_ledger *ledger);

/* The caller has changed ledger->now to what the run has come to; everything of it is written. */
void wa_ledger_reach(wa_ledger *ledger);

/* Hands on what is written, to whoever reads it already. */
void wa_ledger_hand_on(wa_ledger *ledger);

/* The output is whole. first, n_first: bytes that take the place of the first ones, e.g. a header that counts; n_first 0: none.
 * Errors  those of writing, in ledger->failure; wa_ledger_interrupt() is left to do then. */
wa_status wa_ledger_finish(wa_ledger *ledger, wa_text first);

/* The run ends before its output is whole. Returns whether --resume can go on with what is left. */
bool wa_ledger_interrupt(wa_ledger *ledger);

/* Leaves no part and no journal: there is nothing to go on with. */
void wa_ledger_discard(wa_ledger *ledger);

void wa_ledger_close(wa_ledger *ledger);

#endif

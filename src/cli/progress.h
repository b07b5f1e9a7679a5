/* How far a long run has come, on standard error: one line that is written over on a terminal, a line every ten seconds elsewhere. */
#ifndef WA_CLI_PROGRESS_H
#define WA_CLI_PROGRESS_H

#include "wordahead.h"

typedef struct wa_progress {
    bool   is_on, is_terminal, is_shown;
    double begun_at, shown_at;
} wa_progress;

/* is_wanted  also where standard error is no terminal
 * is_quiet   never
 * has_rival  the terminal shows the output of the run already */
void wa_progress_begin(wa_progress *progress, bool is_wanted, bool is_quiet, bool has_rival);

/* Shows where the run is, unless it did so a moment ago.
 *
 * n_bytes  read by this run, on the disk; n_all: of all that there are, 0: not known
 * n_lines  done by this run */
void wa_progress_show(wa_progress *progress, uint64_t n_bytes, uint64_t n_all, size_t n_lines);

/* Clears the line, so that something else can be written. */
void wa_progress_clear(wa_progress *progress);

#endif

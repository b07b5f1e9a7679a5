/* `wordahead run --sweep` and `run -o`: a configuration once for each combination of some values, each run in a folder of its own, and one
 * table over all. */
#ifndef WA_CLI_SWEEP_H
#define WA_CLI_SWEEP_H

#include "cli/options.h"

typedef struct wa_sweep_opts {
    const char           *config;
    const wa_option_list *sets;
    const wa_option_list *axes;   /* "KEY=V1,V2"; without one the configuration runs once, in the output folder itself */
    const char           *output; /* NULL: the configuration's name with .sweep, in the working folder */
    bool                  prints_json;
    size_t                n_threads;
} wa_sweep_opts;

/* Runs the grid, writes table.tsv and table.json beside the folders of its runs, prints the table; returns the exit code. What fails is a
 * row of the table, and named on standard error; what is there already is not run again. */
int wa_sweep(const wa_sweep_opts *opts);

#endif

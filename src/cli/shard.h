/* Which shard of the input this process takes, and what its output is called. */
#ifndef WA_CLI_SHARD_H
#define WA_CLI_SHARD_H

#include "wordahead.h"

typedef struct wa_shard {
    size_t number, n; /* the number-th, from 1, of n; n 0: everything */
    bool   is_found;  /* by the environment of a job, so that many processes have one command line */
} wa_shard;

/* Understands --shard: "3/8"; "slurm" and "mpi", which look at the environment of the job. NULL is everything. Complains where it cannot
 * be meant; returns -1 or the exit code.
 *
 * Source  sbatch(1), "Output environment variables" and srun(1) for Slurm 22.05; Open MPI 4.1 FAQ, "environment variables";
 *         PMI-1, which MPICH and Intel MPI set. */
int wa_shard_parse(const char *text, wa_shard *out);

/* The name of the output: %i and %n in it are the numbers of the shard, %% a percent sign. Without a shard it stays as it is. Freed by the
 * caller; NULL: no memory. */
char *wa_shard_name(const char *pattern, const wa_shard *shard);

/* Whether the name differs from shard to shard. */
bool wa_shard_is_named(const char *pattern);

#endif

/* `wordahead run --again`: a run from its folder once more, and whether anything came out otherwise. */
#ifndef WA_CLI_AGAIN_H
#define WA_CLI_AGAIN_H

#include <stdbool.h>
#include <stddef.h>

/* Runs FOLDER/config.yaml and compares with what the folder holds, bit by bit: prints that all is identical, or what changed. Nothing in the
 * folder is written. Returns the exit code: 0 identical, 1 something changed, others where it could not be run. */
int wa_again(const char *folder, bool prints_json, size_t n_threads);

#endif

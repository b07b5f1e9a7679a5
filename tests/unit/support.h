/* What the unit tests share: scratch files, and an allocator that counts and fails on demand. */
#ifndef WA_TESTS_SUPPORT_H
#define WA_TESTS_SUPPORT_H

#include <check.h>

#include "wordahead.h"

/* A test case, each test of which has a folder of its own for the two functions below. */
TCase *new_case(const char *name);

/* Writes the bytes to a new file in the folder of the test, which is removed behind it, and returns its path, which lives
 * until the process ends. */
const char *scratch_file(const char *name, const void *bytes, size_t n);
/* The same, packed with gzip as members of n_member bytes of the text, at least one. */
const char *packed_file(const char *name, wa_text text, size_t n_member);
/* A path in that folder at which nothing lies. */
const char *scratch_path(const char *name);
/* The content of a file, malloc'ed, a zero byte after it. */
char *read_file(const char *path, size_t *n);

/* A named pipe, open for both sides: what is written is there at once, so nothing depends on time. */
int  open_pipe(const char *path);
void write_pipe(int fd, wa_text text);

/* Counts live blocks and fails the allocation number `fail_at` (from 1; 0: none). */
typedef struct counting_allocator {
    size_t n_calls, n_live, fail_at;
} counting_allocator;
wa_env counting_env(counting_allocator *counter);

/* Runs `body(env, user)` with the 1st, 2nd, ... allocation failing until it succeeds; it must return WA_ENOMEM each time
 * before, and leave nothing allocated. At most `most` rounds. */
void every_allocation_fails_in_turn(wa_status (*body)(const wa_env *env, void *user), void *user, size_t most);

#endif

/* What the unit tests share. See support.h. */
#include "support.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/output.h"

static char folder[64]; /* of the test that runs; empty where it has none yet */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_folder(void)
{
    if (*folder && nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        fprintf(stderr, "%s: cannot remove\n", folder);
    *folder = '\0';
}

TCase *new_case(const char *name)
{
    TCase *const tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, NULL, remove_folder);
    return tcase;
}

typedef struct scratch_name {
    struct scratch_name *next;
    char                 name[];
} scratch_name;

const char *scratch_path(const char *name)
{
    static bool          is_registered;
    static scratch_name *paths; /* reachable, so that LeakSanitizer does not count them */
    scratch_name        *path;

    if (!*folder) {
        strcpy(folder, "/tmp/wordahead-unit-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        if (!is_registered) /* a test that fails does not come to the end of its case */
            atexit(remove_folder);
        is_registered = true;
    }
    ck_assert_ptr_nonnull(path = malloc(sizeof *path + strlen(folder) + strlen(name) + 2));
    path->next = paths;
    paths      = path;
    sprintf(path->name, "%s/%s", folder, name);
    return path->name;
}

const char *scratch_file(const char *name, const void *bytes, size_t n)
{
    const char *const path = scratch_path(name);
    FILE *const       file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

char *read_file(const char *path, size_t *n)
{
    FILE *const file = fopen(path, "rb");
    char       *bytes;

    ck_assert_msg(file != NULL, "%s: cannot open", path);
    fseek(file, 0, SEEK_END);
    *n = (size_t)ftell(file);
    rewind(file);
    ck_assert_ptr_nonnull(bytes = calloc(*n + 1, 1));
    ck_assert_uint_eq(fread(bytes, 1, *n, file), *n);
    fclose(file);
    return bytes;
}

static void add_member(wa_buf *all, wa_text text)
{
    const char *const path   = scratch_path("member.gz");
    wa_output        *member = NULL;
    size_t            n;

    ck_assert_int_eq(wa_output_open(path, NULL, &member, NULL), WA_OK);
    ck_assert_int_eq(wa_output_write(member, text.data, text.n_bytes, NULL), WA_OK);
    ck_assert_int_eq(wa_output_commit(member, NULL), WA_OK);
    char *const bytes = read_file(path, &n);
    wa_buf_add(all, bytes, n);
    free(bytes);
}

const char *packed_file(const char *name, wa_text text, size_t n_member)
{
    wa_buf all = { 0 };
    size_t at  = 0;

    do {
        const size_t n = text.n_bytes - at < n_member ? text.n_bytes - at : n_member;

        add_member(&all, (wa_text){ text.data + at, n });
        at += n;
    } while (at < text.n_bytes);
    const char *const path = scratch_file(name, all.data, all.n_bytes);
    wa_buf_clear(&all);
    return path;
}

int open_pipe(const char *path)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    const int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    return fd;
}

void write_pipe(int fd, wa_text text)
{
    ck_assert_int_eq(write(fd, text.data, text.n_bytes), (ssize_t)text.n_bytes);
}

static void *count_and_reallocate(void *user, void *old, size_t n_bytes)
{
    counting_allocator *const counter = user;

    if (n_bytes == 0) {
        counter->n_live -= old != NULL;
        free(old);
        return NULL;
    }
    if (++counter->n_calls == counter->fail_at)
        return NULL;
    counter->n_live += old == NULL;
    return realloc(old, n_bytes);
}

wa_env counting_env(counting_allocator *counter)
{
    return (wa_env){ .reallocate = count_and_reallocate, .user = counter };
}

void every_allocation_fails_in_turn(wa_status (*body)(const wa_env *env, void *user), void *user, size_t most)
{
    for (size_t i = 1; i <= most; i++) {
        counting_allocator counter = { .fail_at = i };
        const wa_env       env     = counting_env(&counter);
        const wa_status    st      = body(&env, user);

        ck_assert_msg(counter.n_live == 0, "allocation %zu failed and %zu blocks were lost", i, counter.n_live);
        if (counter.n_calls < i) {
            ck_assert_int_eq(st, WA_OK);
            return;
        }
        ck_assert_msg(st == WA_ENOMEM, "allocation %zu failed and the status was %d", i, (int)st);
    }
    ck_abort_msg("still failing after %zu allocations", most);
}

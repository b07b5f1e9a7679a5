/* The files that a verb reads. See files.h. */
#include "cli/files.h"

#include <string.h>
#include <sys/stat.h>

#include "base/lines.h"
#include "base/path.h"
#include "base/status.h"
#include "cli/cli.h"
#include "cli/shard.h"

/* ---------------------------------------------------------------- which they are */

typedef struct name_list {
    const char **items;
    size_t       n, capacity;
} name_list;

static bool add_name(name_list *to, const char *name, wa_arena *arena)
{
    const size_t capacity = to->capacity ? 2 * to->capacity : 64;

    if (!name)
        return false;
    if (to->n == to->capacity) {
        const char **const grown = wa_arena_alloc(arena, capacity, sizeof *grown);

        if (!grown)
            return false;
        if (to->n > 0)
            memcpy(grown, to->items, to->n * sizeof *grown);
        to->items    = grown;
        to->capacity = capacity;
    }
    to->items[to->n++] = name;
    return true;
}

static bool add_names(name_list *to, const char *const *items, size_t n, wa_arena *arena)
{
    for (size_t i = 0; i < n; i++)
        if (!add_name(to, items[i], arena))
            return false;
    return true;
}

static wa_status add_listed(name_list *to, const char *list, wa_arena *arena, wa_error *err)
{
    wa_status st    = WA_OK;
    wa_lines *lines = NULL;
    wa_text   line;
    bool      has_line;

    WA_TRY(wa_lines_open(list, wa_cli_env(), &lines, err));
    for (;;) {
        WA_TRY(wa_lines_next(lines, &line, &has_line, err));
        if (!has_line)
            break;
        if (line.n_bytes > 0 && !add_name(to, wa_arena_text(arena, line).data, arena))
            WA_TRY(wa_fail_memory(err, list));
    }
done:
    wa_lines_close(lines);
    return st;
}

/* ---------------------------------------------------------------- standard input */

size_t wa_cli_count_stdin(const char *const *names, size_t n)
{
    size_t n_found = 0;

    for (size_t i = 0; i < n; i++)
        n_found += names[i] && strcmp(names[i], "-") == 0;
    return n_found;
}

int wa_cli_check_stdin(size_t n)
{
    if (n <= 1)
        return WA_EXIT_OK;
    return wa_cli_complain(WA_EXIT_USAGE,
                           "standard input is asked for %zu times, expected once: '-' names it, and without texts or files "
                           "they are read from it; give a file instead",
                           n);
}

/* ---------------------------------------------------------------- an output that is an input */

static int check_name(const char *name, const char *const *inputs, size_t n)
{
    struct stat out, in;

    if (stat(name, &out) != 0 || !S_ISREG(out.st_mode))
        return WA_EXIT_OK;
    for (size_t i = 0; i < n; i++)
        if (inputs[i] && stat(inputs[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return wa_cli_complain(WA_EXIT_USAGE, "%s is read and would be replaced by the output; name another file", name);
    return WA_EXIT_OK;
}

int wa_cli_check_output(const char *output, const char *const *inputs, size_t n)
{
    static const char *const endings[] = { WA_OUTPUT_PART, WA_JOURNAL_ENDING };
    int                      code      = output ? check_name(output, inputs, n) : WA_EXIT_OK;
    char *const              path      = output ? wa_path_follow(NULL, output) : NULL;

    for (size_t i = 0; path && code == WA_EXIT_OK && i < sizeof endings / sizeof *endings; i++) {
        char *const name = wa_path_with(NULL, path, endings[i]);

        code = name ? check_name(name, inputs, n) : wa_cli_complain(WA_EXIT_IO, "%s: not enough memory", output);
        wa_release(NULL, name);
    }
    wa_release(NULL, path);
    return code;
}

/* The same for the name that the output gets in its shard. */
static int check_named_output(const wa_batch_opts *opts, const char *const *inputs, size_t n)
{
    wa_shard  shard;
    const int code = wa_shard_parse(opts->shard, &shard);

    if (code >= 0 || !opts->output)
        return code >= 0 ? code : WA_EXIT_OK;
    char *const output = wa_shard_name(opts->output, &shard);
    const int   found  = wa_cli_check_output(output, inputs, n);
    wa_release(NULL, output);
    return found;
}

/* ---------------------------------------------------------------- all of them */

static wa_status gather(const wa_batch_opts *opts, const wa_operands *operands, wa_arena *arena, name_list *all, wa_error *err)
{
    wa_status st = WA_OK;

    if (!add_names(all, opts->inputs.items, opts->inputs.n, arena))
        WA_TRY(wa_fail_memory(err, "files"));
    if (opts->files_from)
        WA_TRY(add_listed(all, opts->files_from, arena, err));
    if (!add_names(all, operands->items, operands->n, arena) || (!opts->files_from && all->n == 0 && !add_name(all, "-", arena)))
        WA_TRY(wa_fail_memory(err, "files"));
done:
    return st;
}

int wa_cli_gather_files(const wa_batch_opts *opts, const char *other, const wa_operands *operands, wa_arena *arena,
                        wa_operands *files)
{
    const char *const others[] = { opts->model, opts->files_from, other };
    wa_error          err;
    name_list         all = { 0 };

    if (gather(opts, operands, arena, &all, &err) != WA_OK)
        return wa_cli_fail(&err);
    *files = (wa_operands){ all.items, all.n };
    int code =
        wa_cli_check_stdin(wa_cli_count_stdin(others, sizeof others / sizeof *others) + wa_cli_count_stdin(all.items, all.n));
    if (code == WA_EXIT_OK)
        code = check_named_output(opts, others, sizeof others / sizeof *others);
    if (code == WA_EXIT_OK)
        code = check_named_output(opts, all.items, all.n);
    return code == WA_EXIT_OK ? -1 : code;
}

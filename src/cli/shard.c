/* Which shard of the input this process takes. See shard.h. */
#include "cli/shard.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

static const char expected[] = "expected I/N with I from 1 to N, slurm or mpi";

static int complain(const char *text, const char *why)
{
    return wa_cli_complain(WA_EXIT_USAGE, "--shard: found %s, %s", wa_show(wa_text_of(text)).quoted, why);
}

/* ---------------------------------------------------------------- the environment of a job */

static bool find_number(const char *name, size_t *out)
{
    const char *const text = getenv(name);

    return text && wa_parse_size(wa_text_of(text), out);
}

/* The first pair of variables that is there: a number from 0, and how many there are. */
static bool find_pair(const char *const (*names)[2], size_t n_names, size_t *number, size_t *n)
{
    for (size_t i = 0; i < n_names; i++)
        if (find_number(names[i][0], number) && find_number(names[i][1], n) && *number < *n)
            return true;
    return false;
}

/* The tasks of an array, and where each is several processes these. An array that was given with gaps cannot tell how many there are. */
static int look_at_slurm(const char *text, wa_shard *out)
{
    static const char *const process[][2] = { { "SLURM_PROCID", "SLURM_NTASKS" }, { "SLURM_PROCID", "SLURM_NPROCS" } };
    size_t                   id, least, most, count, step = 1, number = 0, n = 1, process_number, n_processes;
    const bool               is_array = find_number("SLURM_ARRAY_TASK_ID", &id);

    if (is_array) {
        find_number("SLURM_ARRAY_TASK_STEP", &step);
        if (!find_number("SLURM_ARRAY_TASK_MIN", &least) || !find_number("SLURM_ARRAY_TASK_MAX", &most) ||
            !find_number("SLURM_ARRAY_TASK_COUNT", &count) || step == 0 || id < least || id > most ||
            (most - least) / step + 1 != count)
            return complain(text, "and the array has gaps; give the tasks as --array=1-N, or the shard as I/N");
        number = (id - least) / step;
        n      = count;
    }
    const bool has_processes = find_pair(process, 2, &process_number, &n_processes);
    if (!is_array && !has_processes)
        return complain(text, "and there is neither SLURM_ARRAY_TASK_ID nor SLURM_PROCID: this is no job of Slurm");
    if (has_processes) {
        number = number * n_processes + process_number;
        n *= n_processes;
    }
    *out = (wa_shard){ number + 1, n, true };
    return -1;
}

static int look_at_mpi(const char *text, wa_shard *out)
{
    static const char *const names[][2] = {
        { "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE" },
        { "PMI_RANK", "PMI_SIZE" },
        { "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE" },
        { "SLURM_PROCID", "SLURM_NTASKS" },
    };
    size_t number, n;

    if (!find_pair(names, sizeof names / sizeof *names, &number, &n))
        return complain(text, "and there is neither OMPI_COMM_WORLD_RANK nor PMI_RANK nor SLURM_PROCID: mpirun did not start this");
    *out = (wa_shard){ number + 1, n, true };
    return -1;
}

/* ---------------------------------------------------------------- the option */

int wa_shard_parse(const char *text, wa_shard *out)
{
    wa_cursor cursor = { wa_text_of(text), 0 };
    wa_text   number, n;

    *out = (wa_shard){ 0 };
    if (!text)
        return -1;
    if (strcmp(text, "slurm") == 0)
        return look_at_slurm(text, out);
    if (strcmp(text, "mpi") == 0)
        return look_at_mpi(text, out);
    if (!wa_cursor_take_until(&cursor, '/', SIZE_MAX, &number) || !wa_parse_size(number, &out->number) ||
        !wa_cursor_take(&cursor, wa_cursor_left(&cursor), &n) || !wa_parse_size(n, &out->n) || out->number < 1 ||
        out->number > out->n)
        return complain(text, expected);
    return -1;
}

/* The place of the next %i, %n or %%. */
static const char *find_mark(const char *text)
{
    const char *mark = strchr(text, '%');

    while (mark && (mark[1] == '\0' || !strchr("in%", mark[1])))
        mark = strchr(mark + 1, '%');
    return mark;
}

bool wa_shard_is_named(const char *pattern)
{
    for (const char *mark = find_mark(pattern); mark; mark = find_mark(mark + 2))
        if (mark[1] == 'i')
            return true;
    return false;
}

char *wa_shard_name(const char *pattern, const wa_shard *shard)
{
    wa_buf name = { 0 };

    for (const char *mark; shard->n > 0 && (mark = find_mark(pattern)); pattern = mark + 2) {
        wa_buf_add(&name, pattern, (size_t)(mark - pattern));
        if (mark[1] == '%')
            wa_buf_str(&name, "%");
        else
            wa_buf_format(&name, "%zu", mark[1] == 'i' ? shard->number : shard->n);
    }
    wa_buf_str(&name, pattern);
    wa_buf_add(&name, "", 1);
    if (!name.failed)
        return name.data;
    wa_buf_clear(&name);
    return NULL;
}

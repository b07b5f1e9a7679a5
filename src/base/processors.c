/* How many processors this process may use. See wordahead.h, and processors.h for the control groups.
 *
 * A group's file may be missing: a container often sees its own group as the root and still reads the path from outside in
 * /proc/self/cgroup. So each folder from that path up to the root is asked, and those that are not there are passed over. */
#define _GNU_SOURCE /* sched_getaffinity() */
#include "base/processors.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

enum {
    MOST_CPUS  = 65536, /* the kernel refuses a set that is smaller than its own, and 8192 is the most that it can have */
    GROUP_SIZE = 8192,  /* of /proc/self/cgroup: 15 controllers of version 1 and their paths */
    PATH_SIZE  = 4096,
    VALUE_SIZE = 64, /* of a file with two numbers */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---------------------------------------------------------------- control groups */

size_t wa_quota_processors(wa_text quota, wa_text period)
{
    size_t q, p;

    if (!wa_parse_size(quota, &q) || !wa_parse_size(period, &p) || p == 0)
        return WA_NONE;
    return q == 0 ? 1 : (q - 1) / p + 1;
}

/* The start of a small file; empty where it cannot be read. */
static wa_text read_start(const char *path, char *out, size_t size)
{
    const int     fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n  = fd >= 0 ? read(fd, out, size) : 0;

    if (fd >= 0)
        close(fd);
    return (wa_text){ out, n > 0 ? (size_t)n : 0 };
}

/* The first line of the file `name` of a group. */
static wa_text read_value(wa_text folder, const char *name, char out[VALUE_SIZE])
{
    char      path[PATH_SIZE + VALUE_SIZE];
    wa_cursor cursor;
    wa_text   line = { "", 0 };

    snprintf(path, sizeof path, "%.*s/%s", (int)folder.n_bytes, folder.data, name);
    cursor = (wa_cursor){ .bytes = read_start(path, out, VALUE_SIZE) };
    wa_cursor_take_line(&cursor, &line);
    return line;
}

/* The limit of one group, given as its folder. */
static size_t limit_of(wa_text folder, bool is_v2)
{
    char values[2][VALUE_SIZE];

    if (!is_v2)
        return wa_quota_processors(read_value(folder, "cpu.cfs_quota_us", values[0]),
                                   read_value(folder, "cpu.cfs_period_us", values[1]));
    wa_text       line  = read_value(folder, "cpu.max", values[0]);
    const wa_text quota = wa_text_take_field(&line);
    return wa_quota_processors(quota, wa_text_take_field(&line));
}

/* The smallest limit from a group up to the root of its mount. */
static size_t limit_up(const char *root, wa_text mount, wa_text group, bool is_v2)
{
    char      folder[PATH_SIZE];
    size_t    least = WA_NONE;
    const int n =
        snprintf(folder, sizeof folder, "%s/%.*s%.*s", root, (int)mount.n_bytes, mount.data, (int)group.n_bytes, group.data);

    if (n < 0 || (size_t)n >= sizeof folder)
        return WA_NONE;
    for (size_t end = (size_t)n, top = (size_t)n - group.n_bytes;;) {
        least = smaller(least, limit_of((wa_text){ folder, end }, is_v2));
        if (end == top)
            break;
        do
            end--;
        while (end > top && folder[end] != '/');
    }
    return least;
}

/* Whether a list "cpu,cpuacct" names the controller cpu. */
static bool has_cpu(wa_text controllers)
{
    wa_cursor cursor = { .bytes = controllers };
    wa_text   name;

    while (wa_cursor_take_until(&cursor, ',', controllers.n_bytes, &name))
        if (wa_text_is(name, "cpu"))
            return true;
    return wa_text_is((wa_text){ controllers.data + cursor.at, wa_cursor_left(&cursor) }, "cpu");
}

size_t wa_group_processors(wa_text groups, const char *root)
{
    wa_cursor lines = { .bytes = groups };
    wa_text   line, number, controllers;
    size_t    least = WA_NONE;

    while (wa_cursor_take_line(&lines, &line)) {
        wa_cursor parts = { .bytes = line };

        if (!wa_cursor_take_until(&parts, ':', line.n_bytes, &number) ||
            !wa_cursor_take_until(&parts, ':', line.n_bytes, &controllers))
            continue;
        const wa_text group = { line.data + parts.at, wa_cursor_left(&parts) };
        if (controllers.n_bytes == 0) { /* version 2, alone or beside version 1 */
            least = smaller(least, limit_up(root, wa_text_of("."), group, true));
            least = smaller(least, limit_up(root, wa_text_of("unified"), group, true));
        } else if (has_cpu(controllers)) {
            least = smaller(least, limit_up(root, controllers, group, false));
            least = smaller(least, limit_up(root, wa_text_of("cpu"), group, false));
        }
    }
    return least;
}

/* ---------------------------------------------------------------- all of it */

static size_t count_affinity(void)
{
    union {
        cpu_set_t     set; /* of 1024; the kernel may have more */
        unsigned char bytes[MOST_CPUS / 8];
    } allowed;

    memset(&allowed, 0, sizeof allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed.set) == 0)
        return (size_t)CPU_COUNT_S(sizeof allowed, &allowed.set);
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (size_t)n : 1;
}

size_t wa_processors(void)
{
    char          content[GROUP_SIZE];
    const wa_text groups = read_start("/proc/self/cgroup", content, sizeof content);
    const size_t  n      = smaller(count_affinity(), wa_group_processors(groups, "/sys/fs/cgroup"));

    return n > 0 ? n : 1;
}

/* How many processors this process may use. See wordahead.h. */
#define _GNU_SOURCE /* sched_getaffinity() */
#include <sched.h>
#include <unistd.h>

#include "wordahead.h"

size_t wa_processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (size_t)CPU_COUNT(&set);
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (size_t)n : 1;
}

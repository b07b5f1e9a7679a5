/* What a control group leaves of the processors. wa_processors() in wordahead.h is the way in; this is what its tests need. */
#ifndef WA_BASE_PROCESSORS_H
#define WA_BASE_PROCESSORS_H

#include "wordahead.h"

/* How many processors a quota of microseconds in each period is, rounded up, at least 1; WA_NONE where it is no limit ("max", "-1")
 * or not two numbers. */
size_t wa_quota_processors(wa_text quota, wa_text period);

/* The smallest limit among the control groups of a process and all groups above them, or WA_NONE.
 *
 * groups  the content of /proc/self/cgroup: lines "0::/path" (version 2) and "N:controllers:/path" (version 1)
 * root    the folder where control groups are mounted, /sys/fs/cgroup
 * Source  Linux Documentation/admin-guide/cgroup-v2.rst, "cpu.max"; scheduler/sched-bwc.rst, "Management" (version 1). */
size_t wa_group_processors(wa_text groups, const char *root);

#endif

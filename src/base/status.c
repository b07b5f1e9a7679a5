/* Names, exit codes and messages of statuses. One row a status; the order is that of wa_status. */
#include "base/status.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int         exit_code;
} statuses[] = {
    [WA_OK]      = { "ok", 0 },
    [WA_EUSAGE]  = { "usage error", 2 },
    [WA_ECONFIG] = { "configuration error", 2 },
    [WA_EFORMAT] = { "format error", 3 },
    [WA_EIO]     = { "input/output error", 4 },
    [WA_ENOMEM]  = { "out of memory", 4 },
    [WA_EMODEL]  = { "model error", 3 },
};

#define N_STATUSES (sizeof statuses / sizeof *statuses)

const char *wa_version(void)
{
    return WA_VERSION;
}

const char *wa_status_name(wa_status status)
{
    return (size_t)status < N_STATUSES ? statuses[status].name : "unknown status";
}

int wa_exit_code(wa_status status)
{
    assert((size_t)status < N_STATUSES);
    return statuses[status].exit_code;
}

wa_status wa_fail(wa_error *err, wa_status status, const char *format, ...)
{
    va_list args;

    if (!err)
        return status;
    err->status = status;
    va_start(args, format);
    const int n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (n >= (int)sizeof err->message)
        memcpy(err->message + sizeof err->message - 4, "...", 4);
    return status;
}

wa_status wa_fail_memory(wa_error *err, const char *what)
{
    return wa_fail(err, WA_ENOMEM, "%s: not enough memory", what);
}

wa_status wa_fail_system(wa_error *err, const char *path, const char *verb, int error_number)
{
    char reason[128];

    /* the POSIX strerror_r: strerror() shares one buffer between threads */
    if (strerror_r(error_number, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", error_number);
    return wa_fail(err, WA_EIO, "%s: %s: %s", *path ? path : "''", verb, reason);
}

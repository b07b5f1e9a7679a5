/* How functions fail: one shape for all of them, and the exit code of each status.
 *
 * A function that can fail returns wa_status, declares `wa_status st = WA_OK;`, takes `wa_error *err` last, and ends in a
 * `done:` label that releases whatever it still owns. WA_TRY and WA_FAIL set st and go there. The message is written once,
 * where the cause is known; callers pass it on as it is. */
#ifndef WA_BASE_STATUS_H
#define WA_BASE_STATUS_H

#include "wordahead.h"

#define WA_TRY(call)                                                                                                               \
    do {                                                                                                                           \
        if ((st = (call)) != WA_OK)                                                                                                \
            goto done;                                                                                                             \
    } while (0)

#define WA_FAIL(status, ...)                                                                                                       \
    do {                                                                                                                           \
        st = wa_fail(err, (status), __VA_ARGS__);                                                                                  \
        goto done;                                                                                                                 \
    } while (0)

/* Writes the message into err (which may be NULL) and returns `status`. A message that does not fit ends in "...". */
wa_status wa_fail(wa_error *err, wa_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* WA_ENOMEM with the one sentence for it; `what` names the file or thing that needed the memory. */
wa_status wa_fail_memory(wa_error *err, const char *what);

/* WA_EIO with the system's reason (errno) for failing to `verb` the file, e.g. "cannot read". */
wa_status wa_fail_system(wa_error *err, const char *path, const char *verb, int error_number);

/* The exit code that docs and scripts rely on: 0 done, 2 usage or configuration, 3 data, 4 input/output. */
int wa_exit_code(wa_status status);

#endif

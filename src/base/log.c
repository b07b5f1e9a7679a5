/* Sentences for the caller's log callback. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void wa_log(const wa_env *env, wa_log_level level, const char *format, ...)
{
    char    message[512];
    va_list args;

    if (!env || !env->log)
        return;
    va_start(args, format);
    const int n = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (n >= 0)
        env->log(env->user, level, message, (size_t)n < sizeof message ? (size_t)n : sizeof message - 1);
}

/* Sentences for the caller's log callback; nothing is written where there is none. */
#ifndef WA_BASE_LOG_H
#define WA_BASE_LOG_H

#include "wordahead.h"

/* A message longer than 511 bytes is cut. */
void wa_log(const wa_env *env, wa_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif

/* Who may ask. See guard.h. */
#include "serve/guard.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

/* The host of "host:port", "[::1]:port" and the like, without the brackets. Ports are not compared: what is forwarded has another. */
static wa_text host_of(const char *value)
{
    if (*value == '[')
        return (wa_text){ value + 1, strcspn(value + 1, "]") };
    return (wa_text){ value, strcspn(value, ":") };
}

static bool is_name(wa_text text, const char *name)
{
    return strlen(name) == text.n_bytes && strncasecmp(text.data, name, text.n_bytes) == 0;
}

static bool is_own_host(const wa_guard *guard, const wa_exchange *x, wa_text host)
{
    char local[64], remote[64];

    wa_exchange_addresses(x, local, remote);
    if (is_name(host, local))
        return true;
    if (is_name(host, "localhost") && (strncmp(local, "127.", 4) == 0 || strcmp(local, "::1") == 0))
        return true;
    for (size_t i = 0; i < guard->n_hosts; i++)
        if (is_name(host, guard->hosts[i]))
            return true;
    return false;
}

/* Whether a page's origin is the server itself, as the browser knows it; a proxy in front may speak TLS. */
static bool is_own_origin(const char *origin, const char *host)
{
    if (strncasecmp(origin, "http://", 7) == 0)
        return strcasecmp(origin + 7, host) == 0;
    return strncasecmp(origin, "https://", 8) == 0 && strcasecmp(origin + 8, host) == 0;
}

bool wa_guard_admits(const wa_guard *guard, const wa_exchange *exchange, const char **origin, wa_refusal *refusal)
{
    const char *const host = wa_exchange_header(exchange, "Host"), *const from = wa_exchange_header(exchange, "Origin");

    *origin = NULL;
    if (!host)
        return wa_refuse(refusal, 400, "host_missing", NULL, "the header Host is missing");
    if (!is_own_host(guard, exchange, host_of(host)))
        return wa_refuse(refusal, 403, "host_not_allowed", NULL,
                         "Host: found %s, which is not the address this server was reached at; start it with --allow-host NAME to "
                         "serve under another name",
                         wa_show(wa_text_of(host)).quoted);
    if (!from || is_own_origin(from, host))
        return true;
    for (size_t i = 0; i < guard->n_origins; i++)
        if (strcasecmp(from, guard->origins[i]) == 0) {
            *origin = guard->origins[i];
            return true;
        }
    return wa_refuse(refusal, 403, "origin_not_allowed", NULL,
                     "Origin: found %s, a page of another site; start the server with --allow-origin ORIGIN to let it ask",
                     wa_show(wa_text_of(from)).quoted);
}

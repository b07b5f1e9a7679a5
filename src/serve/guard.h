/* Who may ask. A page of another site, opened in a browser on this machine, must not reach a server that listens for this machine alone:
 * neither under a name of its own that it had resolved to our address (the Host header tells), nor with a script of its own (the
 * Origin header tells). */
#ifndef WA_SERVE_GUARD_H
#define WA_SERVE_GUARD_H

#include "serve/http.h"
#include "serve/refusal.h"

typedef struct wa_guard {
    const char *const *hosts; /* [n_hosts] names that Host may have beside the address itself, and localhost where that is meant */
    size_t             n_hosts;
    const char *const *origins; /* [n_origins] "https://example.org": pages that may ask from elsewhere */
    size_t             n_origins;
} wa_guard;

/* Whether a request may be answered. *origin is the one of `origins` that it comes from, to be told that it may read the answer, or NULL. */
bool wa_guard_admits(const wa_guard *guard, const wa_exchange *exchange, const char **origin, wa_refusal *refusal);

#endif

/* HTTP: requests in, answers out. The only place that knows libmicrohttpd, which is loaded when serving starts: linked to the program it
 * would cost every other verb a millisecond at each start.
 *
 * Everything happens in wa_http_turn(), on the caller's thread: it waits for the network, reads what is there, and calls the handlers. A
 * request that a handler does not answer at once is held, and answered with wa_exchange_answer() at any later time. So requests
 * that came in while something else was computed are there together when that is done. */
#ifndef WA_SERVE_HTTP_H
#define WA_SERVE_HTTP_H

#include "base/mem.h"
#include "base/status.h"
#include "serve/limits.h"

/* What stands for the status where the client was gone before there was one; proxies write the same. */
#define WA_HTTP_GONE 499

typedef struct wa_http wa_http;

/* One request and its answer. */
typedef struct wa_exchange wa_exchange;

/* began    the header is there; a handler that answers now refuses the body, which is not read
 * arrived  the whole request is there
 * ended    the answer was sent, or the client is gone; the exchange ends with the call */
typedef struct wa_http_handlers {
    void (*began)(void *user, wa_exchange *exchange);
    void (*arrived)(void *user, wa_exchange *exchange);
    void (*ended)(void *user, wa_exchange *exchange);
    void *user;
} wa_http_handlers;

/* Serves connections of a listening socket, which it takes over where it succeeds.
 * Errors  WA_EIO where libmicrohttpd is not there; WA_ENOMEM. */
wa_status wa_http_open(int listener, const wa_limits *limits, const wa_http_handlers *handlers, wa_http **out, wa_error *err);
void      wa_http_close(wa_http *http);

/* Waits for the network or another descriptor (not where may_wait is false), and does what there is to do. */
void wa_http_turn(wa_http *http, bool may_wait, int other_fd);

/* No new connections from now on. */
void wa_http_quiesce(wa_http *http);
/* Requests whose answers are not sent yet. */
size_t wa_http_pending(const wa_http *http);
size_t wa_http_connections(const wa_http *http);

/* ---------------------------------------------------------------- exchanges */

const char *wa_exchange_method(const wa_exchange *exchange);
const char *wa_exchange_path(const wa_exchange *exchange); /* without what follows a '?' */
wa_text     wa_exchange_body(const wa_exchange *exchange);
/* The value of a header, or NULL. */
const char *wa_exchange_header(const wa_exchange *exchange, const char *name);
double      wa_exchange_began(const wa_exchange *exchange);  /* when its first line was there; of wa_clock_seconds() */
unsigned    wa_exchange_status(const wa_exchange *exchange); /* of its answer; 0: none */
/* The address that the client connected to, as digits; and that of the client. Empty where the system does not say. */
void wa_exchange_addresses(const wa_exchange *exchange, char local[64], char remote[64]);

/* The answer, whichever it will be, may be read by pages of this origin; NULL: by those of the server alone. Not copied. */
void wa_exchange_allow_origin(wa_exchange *exchange, const char *origin);

/* Room for the caller's own. */
void **wa_exchange_user(wa_exchange *exchange);

/* Answers, once. The body's memory is taken over, and the buffer is empty then. A body that ran out of memory becomes a 503. */
void wa_exchange_answer(wa_exchange *exchange, unsigned status, const char *type, wa_buf *body);
/* The same with bytes that live as long as the program. */
void wa_exchange_answer_constant(wa_exchange *exchange, unsigned status, const char *type, wa_text body);
/* Adds a header to the answer just given. */
void wa_exchange_add_header(wa_exchange *exchange, const char *name, const char *value);

#endif

/* HTTP over libmicrohttpd. See http.h.
 *
 * The library is driven from outside: it has no thread of its own, and its epoll descriptor tells when there is something to do. It knows
 * how long a connection was silent, but not how long a request takes to come in, so the time of every connection is kept here; one that
 * is late is shut down, and the library then finds it closed. */
#include "serve/http.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "serve/refusal.h"

/* ---------------------------------------------------------------- the library */

#define LIBRARY "libmicrohttpd.so.12"
#define PACKAGE "libmicrohttpd12 (Debian), libmicrohttpd (Fedora, Homebrew)"

#define FUNCTIONS(X)                                                                                                               \
    X(MHD_start_daemon)                                                                                                            \
    X(MHD_stop_daemon)                                                                                                             \
    X(MHD_quiesce_daemon)                                                                                                          \
    X(MHD_run)                                                                                                                     \
    X(MHD_get_timeout)                                                                                                             \
    X(MHD_get_daemon_info)                                                                                                         \
    X(MHD_get_connection_info)                                                                                                     \
    X(MHD_lookup_connection_value)                                                                                                 \
    X(MHD_suspend_connection)                                                                                                      \
    X(MHD_resume_connection)                                                                                                       \
    X(MHD_create_response_from_buffer)                                                                                             \
    X(MHD_add_response_header)                                                                                                     \
    X(MHD_queue_response)                                                                                                          \
    X(MHD_destroy_response)

#define DECLARE(name) __typeof__(name) *name;
typedef struct library {
    void *handle;
    FUNCTIONS(DECLARE)
} library;

/* What dlsym() gives is no function to C, but POSIX says that the bits are the same. */
static bool find_function(void *handle, const char *name, void *function)
{
    void *const found = dlsym(handle, name);

    memcpy(function, &found, sizeof found);
    return found != NULL;
}

static wa_status load_library(library *lib, wa_error *err)
{
    lib->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!lib->handle)
        return wa_fail(err, WA_EIO, "serve: cannot load libmicrohttpd: %s; install " PACKAGE, dlerror());
#define FIND(name)                                                                                                                 \
    if (!find_function(lib->handle, #name, (void *)&lib->name))                                                                    \
        return wa_fail(err, WA_EIO, "serve: " LIBRARY " has no " #name "; expected version 0.9.75 or a later one of " PACKAGE);
    FUNCTIONS(FIND)
#undef FIND
    return WA_OK;
}

/* ---------------------------------------------------------------- connections */

/* What a connection waits for. */
typedef enum stage {
    STAGE_IDLE,    /* for a request, or the rest of its first line */
    STAGE_READING, /* for the rest of the request */
    STAGE_HELD,    /* for our answer */
    STAGE_SENDING, /* for the client to take the answer */
} stage;

typedef struct connection {
    struct connection *next, *previous;
    int                fd;
    stage              stage;    /* now */
    double             since;    /* it is in this stage */
    wa_exchange       *exchange; /* NULL: none */
} connection;

struct wa_http {
    library            lib;
    struct MHD_Daemon *daemon;
    int                epoll_fd;
    int                listener; /* given back by the library when it stops listening; -1: not yet */
    wa_limits          limits;
    wa_http_handlers   handlers;
    connection        *connections;
    size_t             n_connections, n_pending;
    double             looked; /* when late ones were last looked for */
    bool is_due; /* the library has to be run again, which its descriptor does not tell: a request goes on, or a place is free */
};

struct wa_exchange {
    wa_http               *http;
    connection            *connection;
    struct MHD_Connection *mhd;
    struct MHD_Response   *response;
    const char            *method, *path, *origin;
    wa_buf                 body;
    double                 began;
    unsigned               status;
    bool                   has_begun, has_arrived, is_held;
    void                  *user;
};

static void enter(connection *c, stage next)
{
    c->stage = next;
    c->since = wa_clock_seconds();
}

static void note_connection(void *user, struct MHD_Connection *mhd, void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    wa_http *const http = user;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection *const c = wa_alloc_zeroed(NULL, 1, sizeof *c);

        *socket_context = c;
        if (!c)
            return;
        c->fd   = http->lib.MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        c->next = http->connections;
        if (c->next)
            c->next->previous = c;
        http->connections = c;
        http->n_connections++;
        enter(c, STAGE_IDLE);
    } else if (*socket_context) {
        connection *const c = *socket_context;

        if (c->next)
            c->next->previous = c->previous;
        *(c->previous ? &c->previous->next : &http->connections) = c->next;
        http->n_connections--;
        http->is_due = true;
        wa_release(NULL, c);
    }
}

/* Writes a refusal where the library gives no way to answer: in the midst of a request. Nothing of an answer was sent before. */
static void refuse_raw(const connection *c, const char *reason, const wa_refusal *refusal)
{
    wa_buf body = { 0 }, head = { 0 };

    wa_refusal_add_json(&body, refusal);
    wa_buf_format(&head, "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                  refusal->status, reason, body.n_bytes);
    wa_buf_text(&head, wa_buf_view(&body));
    if (!head.failed && !body.failed) {
        const ssize_t n = send(c->fd, head.data, head.n_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);

        (void)n; /* who does not take it is closed without it */
    }
    wa_buf_clear(&head);
    wa_buf_clear(&body);
}

/* Bytes of a request that the library has yet to read: 1 where there are some, 0 at the end of the connection, -1 where there are none. */
static ssize_t look_ahead(const connection *c)
{
    char byte;

    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

static void close_late(wa_http *http, connection *c, double now)
{
    const bool is_coming = c->stage == STAGE_IDLE || c->stage == STAGE_READING;
    wa_refusal refusal;

    if (c->stage == STAGE_HELD || now - c->since < 1)
        return;
    const ssize_t ahead = is_coming ? look_ahead(c) : -1;
    if (ahead > 0) /* then we are late, not the client */
        return;
    if (ahead < 0 && now - c->since < (double)http->limits.seconds)
        return;
    if (ahead < 0 && c->stage == STAGE_READING) {
        wa_refuse(&refusal, 408, "timeout", NULL, "the request did not arrive within %zu seconds", http->limits.seconds);
        c->exchange->status = 408;
        refuse_raw(c, "Request Timeout", &refusal);
    }
    shutdown(c->fd, SHUT_RDWR); /* an end that came with the first bytes of a request is missed by the library otherwise */
    c->since = now;             /* it has yet to see it */
}

static void close_all_late(wa_http *http)
{
    const double now = wa_clock_seconds();

    if (now - http->looked < 0.25)
        return;
    http->looked = now;
    for (connection *c = http->connections; c; c = c->next)
        close_late(http, c, now);
}

/* ---------------------------------------------------------------- requests */

/* The first line of a request is there. What this returns is given to take_request() with it. */
static void *begin_request(void *user, const char *uri, struct MHD_Connection *mhd)
{
    wa_http *const                  http = user;
    wa_exchange *const              x    = wa_alloc_zeroed(NULL, 1, sizeof *x);
    const union MHD_ConnectionInfo *info = http->lib.MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    (void)uri;
    if (!x || !info || !info->socket_context) {
        wa_release(NULL, x);
        return NULL;
    }
    x->http                 = http;
    x->mhd                  = mhd;
    x->connection           = info->socket_context;
    x->connection->exchange = x;
    x->began                = wa_clock_seconds();
    enter(x->connection, STAGE_READING);
    http->n_pending++;
    return x;
}

/* Without memory for the answer the connection ends. */
static enum MHD_Result send_answer(wa_exchange *x)
{
    if (!x->response)
        return MHD_NO;
    enter(x->connection, STAGE_SENDING);
    return x->http->lib.MHD_queue_response(x->mhd, x->status, x->response);
}

static enum MHD_Result take_body(wa_exchange *x, const char *data, size_t *n)
{
    wa_refusal refusal;

    wa_buf_add(&x->body, data, *n);
    *n = 0;
    if (x->body.n_bytes <= x->http->limits.body && !x->body.failed)
        return MHD_YES;
    wa_refuse(&refusal, 413, "too_large", NULL, "the body has more than %zu bytes", x->http->limits.body);
    x->status = 413;
    refuse_raw(x->connection, "Content Too Large", &refusal);
    return MHD_NO;
}

/* Called when the header is there, for each piece of the body, at its end, and again when a request that was held goes on. */
static enum MHD_Result take_request(void *user, struct MHD_Connection *mhd, const char *url, const char *method,
                                    const char *version, const char *data, size_t *n, void **request)
{
    wa_http *const     http = user;
    wa_exchange *const x    = *request;

    (void)version;
    if (!x)
        return MHD_NO;
    if (!x->has_begun) {
        x->has_begun = true;
        x->method    = method;
        x->path      = url;
        http->handlers.began(http->handlers.user, x);
        return x->status ? send_answer(x) : MHD_YES;
    }
    if (*n > 0)
        return take_body(x, data, n);
    if (!x->has_arrived) {
        x->has_arrived = true;
        enter(x->connection, STAGE_HELD);
        http->handlers.arrived(http->handlers.user, x);
    }
    if (x->status)
        return send_answer(x);
    x->is_held = true;
    http->lib.MHD_suspend_connection(mhd);
    return MHD_YES;
}

static void end_request(void *user, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode code)
{
    wa_http *const     http = user;
    wa_exchange *const x    = *request;

    (void)mhd;
    (void)code;
    if (!x)
        return;
    if (!x->status)
        x->status = WA_HTTP_GONE;
    if (x->has_begun)
        http->handlers.ended(http->handlers.user, x);
    if (x->response)
        http->lib.MHD_destroy_response(x->response);
    enter(x->connection, STAGE_IDLE);
    x->connection->exchange = NULL;
    http->n_pending--;
    wa_buf_clear(&x->body);
    wa_release(NULL, x);
    *request = NULL;
}

/* ---------------------------------------------------------------- exchanges */

const char *wa_exchange_method(const wa_exchange *exchange)
{
    return exchange->method;
}

const char *wa_exchange_path(const wa_exchange *exchange)
{
    return exchange->path;
}

wa_text wa_exchange_body(const wa_exchange *exchange)
{
    return wa_buf_view(&exchange->body);
}

const char *wa_exchange_header(const wa_exchange *exchange, const char *name)
{
    return exchange->http->lib.MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, name);
}

double wa_exchange_began(const wa_exchange *exchange)
{
    return exchange->began;
}

unsigned wa_exchange_status(const wa_exchange *exchange)
{
    return exchange->status;
}

void **wa_exchange_user(wa_exchange *exchange)
{
    return &exchange->user;
}

void wa_exchange_allow_origin(wa_exchange *exchange, const char *origin)
{
    exchange->origin = origin;
}

static void show_address(const struct sockaddr_storage *address, char out[64])
{
    const void *const v4 = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    const void *const v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;

    out[0] = '\0';
    if (address->ss_family == AF_INET)
        inet_ntop(AF_INET, v4, out, 64);
    else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)v6))
        inet_ntop(AF_INET, (const char *)v6 + 12, out, 64);
    else if (address->ss_family == AF_INET6)
        inet_ntop(AF_INET6, v6, out, 64);
}

void wa_exchange_addresses(const wa_exchange *exchange, char local[64], char remote[64])
{
    struct sockaddr_storage address = { 0 };
    socklen_t               n       = sizeof address;

    local[0] = remote[0] = '\0';
    if (getsockname(exchange->connection->fd, (struct sockaddr *)(void *)&address, &n) == 0)
        show_address(&address, local);
    n = sizeof address;
    if (getpeername(exchange->connection->fd, (struct sockaddr *)(void *)&address, &n) == 0)
        show_address(&address, remote);
}

static void answer(wa_exchange *x, unsigned status, const char *type, wa_text body, enum MHD_ResponseMemoryMode mode)
{
    const library *const lib = &x->http->lib;

    x->response = lib->MHD_create_response_from_buffer(body.n_bytes, (void *)(uintptr_t)body.data, mode);
    x->status   = status;
    if (x->response && type)
        lib->MHD_add_response_header(x->response, "Content-Type", type);
    if (x->response)
        lib->MHD_add_response_header(x->response, "X-Content-Type-Options", "nosniff");
    if (x->origin) {
        wa_exchange_add_header(x, "Access-Control-Allow-Origin", x->origin);
        wa_exchange_add_header(x, "Vary", "Origin");
    }
    if (!x->is_held)
        return;
    x->is_held      = false;
    x->http->is_due = true;
    lib->MHD_resume_connection(x->mhd);
}

void wa_exchange_answer(wa_exchange *exchange, unsigned status, const char *type, wa_buf *body)
{
    static const char poor[] = "{\"error\":{\"message\":\"not enough memory\",\"type\":\"server_error\",\"param\":null,"
                               "\"code\":\"out_of_memory\"}}\n";

    if (body->failed || !body->data) {
        wa_buf_clear(body);
        answer(exchange, 503, "application/json", wa_text_of(poor), MHD_RESPMEM_PERSISTENT);
        return;
    }
    answer(exchange, status, type, wa_buf_view(body), MHD_RESPMEM_MUST_FREE); /* with free(), as the buffer has no env */
    if (exchange->response)
        *body = (wa_buf){ 0 };
    else
        wa_buf_clear(body);
}

void wa_exchange_answer_constant(wa_exchange *exchange, unsigned status, const char *type, wa_text body)
{
    answer(exchange, status, type, body, MHD_RESPMEM_PERSISTENT);
}

void wa_exchange_add_header(wa_exchange *exchange, const char *name, const char *value)
{
    if (exchange->response)
        exchange->http->lib.MHD_add_response_header(exchange->response, name, value);
}

/* ---------------------------------------------------------------- serving */

void wa_http_turn(wa_http *http, bool may_wait, int other_fd)
{
    struct pollfd          fds[] = { { .fd = http->epoll_fd, .events = POLLIN }, { .fd = other_fd, .events = POLLIN } };
    MHD_UNSIGNED_LONG_LONG ms;
    int                    wait = http->n_connections > 0 ? 500 : -1; /* late ones are looked for */

    if (!may_wait || http->is_due || (http->lib.MHD_get_timeout(http->daemon, &ms) == MHD_YES && ms == 0))
        wait = 0;
    http->is_due = false;
    poll(fds, 2, wait);
    http->lib.MHD_run(http->daemon);
    close_all_late(http);
}

void wa_http_quiesce(wa_http *http)
{
    if (http->listener < 0)
        http->listener = http->lib.MHD_quiesce_daemon(http->daemon);
}

size_t wa_http_pending(const wa_http *http)
{
    return http->n_pending;
}

size_t wa_http_connections(const wa_http *http)
{
    return http->n_connections;
}

static wa_status start(wa_http *http, int listener, wa_error *err)
{
    const union MHD_DaemonInfo *info;

    http->daemon = http->lib.MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, take_request, http, MHD_OPTION_LISTEN_SOCKET, listener,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)http->limits.connections, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
        MHD_OPTION_URI_LOG_CALLBACK, begin_request, http, MHD_OPTION_NOTIFY_COMPLETED, end_request, http,
        MHD_OPTION_NOTIFY_CONNECTION, note_connection, http, MHD_OPTION_END);
    if (!http->daemon)
        return wa_fail(err, WA_EIO, "serve: " LIBRARY " does not start; expected one with epoll");
    info = http->lib.MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return wa_fail(err, WA_EIO, "serve: " LIBRARY " has no epoll");
    http->epoll_fd = info->epoll_fd;
    return WA_OK;
}

wa_status wa_http_open(int listener, const wa_limits *limits, const wa_http_handlers *handlers, wa_http **out, wa_error *err)
{
    wa_status st   = WA_OK;
    wa_http  *http = wa_alloc_zeroed(NULL, 1, sizeof *http);

    if (!http)
        WA_TRY(wa_fail_memory(err, "serve"));
    http->limits   = *limits;
    http->handlers = *handlers;
    http->listener = -1;
    WA_TRY(load_library(&http->lib, err));
    WA_TRY(start(http, listener, err));
    *out = http;
    http = NULL;
done:
    wa_http_close(http);
    return st;
}

void wa_http_close(wa_http *http)
{
    if (!http)
        return;
    if (http->daemon)
        http->lib.MHD_stop_daemon(http->daemon);
    if (http->listener >= 0)
        close(http->listener);
    if (http->lib.handle)
        dlclose(http->lib.handle);
    wa_release(NULL, http);
}

/* The server: its paths, and the loop between the network and the model. */
#ifndef WA_SERVE_SERVER_H
#define WA_SERVE_SERVER_H

#include "serve/guard.h"
#include "serve/limits.h"

typedef struct wa_server wa_server;

typedef struct wa_server_opts {
    const wa_model *model;
    wa_session     *session; /* used by the server alone while it runs */
    wa_text         name;    /* of the model, for clients */
    const char     *listen;  /* "127.0.0.1:8080" */
    wa_limits       limits;
    wa_guard        guard;
    /* Gets a line for each request, without a newline; NULL: nobody wants to know. */
    void (*log)(void *user, wa_text line);
    void *user;
} wa_server_opts;

/* Listens; requests are answered once wa_server_run() runs. The options' pointers must live as long as the server.
 * Errors  WA_EUSAGE, WA_EIO, WA_ENOMEM. */
wa_status wa_server_open(const wa_server_opts *opts, wa_server **out, wa_error *err);
void      wa_server_close(wa_server *server);

/* "http://127.0.0.1:8080/" */
const char *wa_server_url(const wa_server *server);

/* Serves until is_stopping() says so, then answers the requests in hand, for at most as long as a request may take.
 *
 * wake_fd  has something to read once it is stopping */
void wa_server_run(wa_server *server, bool (*is_stopping)(void), int wake_fd);

#endif

/* The socket that a server listens on. */
#ifndef WA_SERVE_LISTEN_H
#define WA_SERVE_LISTEN_H

#include "base/status.h"

typedef struct wa_listener {
    int  fd;
    char url[96]; /* "http://127.0.0.1:8080/", with the port that was given where 0 was asked for */
} wa_listener;

/* Listens on "ADDRESS:PORT": an IPv4 address, an IPv6 address in brackets, or localhost; port 0 is any that is free.
 * Errors  WA_EUSAGE for another form; WA_EIO where the system refuses. */
wa_status wa_listen(const char *where, wa_listener *out, wa_error *err);

#endif

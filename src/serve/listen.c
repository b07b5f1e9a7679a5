/* The socket that a server listens on. See listen.h. */
#include "serve/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

typedef union address {
    struct sockaddr     any;
    struct sockaddr_in  v4;
    struct sockaddr_in6 v6;
} address;

/* The host and the port of "127.0.0.1:80" or "[::1]:80". */
static bool split(const char *where, char host[64], size_t *port)
{
    const char *const colon = strrchr(where, ':');
    const char       *begin = where, *end = colon;

    if (!colon || !wa_parse_size(wa_text_of(colon + 1), port) || *port > 65535)
        return false;
    if (*begin == '[') {
        if (end[-1] != ']')
            return false;
        begin++, end--;
    }
    if (end <= begin || end - begin > 63)
        return false;
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = '\0';
    if (strcmp(host, "localhost") == 0)
        strcpy(host, "127.0.0.1");
    return (strchr(host, ':') != NULL) == (*where == '[');
}

static bool parse(const char *where, address *out, socklen_t *n)
{
    char   host[64];
    size_t port;

    memset(out, 0, sizeof *out);
    if (!split(where, host, &port))
        return false;
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port   = htons((uint16_t)port);
        *n                 = sizeof out->v4;
        return true;
    }
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port   = htons((uint16_t)port);
    *n                  = sizeof out->v6;
    return inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1;
}

static void show(const address *a, char url[96])
{
    char host[64] = "";

    if (a->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof host);
        snprintf(url, 96, "http://%s:%u/", host, (unsigned)ntohs(a->v4.sin_port));
    } else {
        inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof host);
        snprintf(url, 96, "http://[%s]:%u/", host, (unsigned)ntohs(a->v6.sin6_port));
    }
}

/* An address of a server that has just ended may be used again at once. */
static bool open_socket(int fd, const address *a, socklen_t n)
{
    const int yes = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    return bind(fd, &a->any, n) == 0 && listen(fd, SOMAXCONN) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

wa_status wa_listen(const char *where, wa_listener *out, wa_error *err)
{
    wa_status st = WA_OK;
    int       fd = -1;
    address   a;
    socklen_t n;

    if (!parse(where, &a, &n))
        WA_FAIL(WA_EUSAGE, "--listen: found %s, expected ADDRESS:PORT, e.g. 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080",
                wa_show(wa_text_of(where)).quoted);
    if ((fd = socket(a.any.sa_family, SOCK_STREAM, 0)) < 0 || !open_socket(fd, &a, n))
        WA_TRY(wa_fail_system(err, where, "cannot listen", errno));
    if (getsockname(fd, &a.any, &n) != 0)
        WA_TRY(wa_fail_system(err, where, "cannot listen", errno));
    show(&a, out->url);
    out->fd = fd;
    fd      = -1;
done:
    if (fd >= 0)
        close(fd);
    return st;
}

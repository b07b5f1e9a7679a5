/* Clients that ask a server at once, each its next question as soon as the last is answered: clients PORT PATH CLIENTS SECONDS <BODIES
 *
 * Standard input has the bodies, one a line, of POST requests to 127.0.0.1; they are taken in turns. Connections stay open. One thread
 * and few system calls, as the server that is measured runs on the same processors. One line of JSON comes out: how many answers, their times
 * from the first byte sent to the last received, and how many were no 200. The exit code is 1 where there is one of those. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { MOST_REQUESTS = 4096, ANSWER_SIZE = 1 << 20, MOST_SAMPLES = 1 << 22 };

typedef struct request {
    char  *bytes;
    size_t n_bytes;
} request;

typedef struct client {
    int    fd;
    size_t next; /* request */
    double began;
    char  *answer;
    size_t n_bytes;
} client;

typedef struct bench {
    request  requests[MOST_REQUESTS];
    size_t   n_requests;
    double  *samples;
    size_t   n_samples, n_failed;
    unsigned port;
} bench;

static void stop(const char *message)
{
    fprintf(stderr, "clients: %s\n", message);
    exit(2);
}

static void *need(void *memory)
{
    if (!memory)
        stop("out of memory");
    return memory;
}

/* ---------------------------------------------------------------- requests */

static void read_requests(bench *b, const char *path)
{
    char   *line     = NULL;
    size_t  capacity = 0;
    ssize_t n;

    while ((n = getline(&line, &capacity, stdin)) > 0 && b->n_requests < MOST_REQUESTS) {
        request *const r    = &b->requests[b->n_requests++];
        const size_t   size = (size_t)n + strlen(path) + 200;

        n -= line[n - 1] == '\n';
        r->bytes   = need(malloc(size));
        r->n_bytes = (size_t)snprintf(r->bytes, size,
                                      "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\n"
                                      "Content-Length: %zd\r\n\r\n%.*s",
                                      path, b->port, n, (int)n, line);
    }
    free(line);
    if (b->n_requests == 0)
        stop("there is no body on standard input");
}

static void ask(bench *b, client *c)
{
    const request *const r = &b->requests[c->next++ % b->n_requests];

    c->n_bytes = 0;
    c->began   = wa_clock_seconds();
    if (send(c->fd, r->bytes, r->n_bytes, MSG_NOSIGNAL) != (ssize_t)r->n_bytes)
        stop("a request could not be sent");
}

/* ---------------------------------------------------------------- answers */

/* Whether the whole answer is there. */
static bool is_whole(const client *c)
{
    const char *const end    = memmem(c->answer, c->n_bytes, "\r\n\r\n", 4);
    const char *const length = end ? strcasestr(c->answer, "\r\nContent-Length:") : NULL;

    if (end && (!length || length > end))
        stop("an answer without a length");
    return end && c->n_bytes >= (size_t)(end + 4 - c->answer) + strtoul(length + 17, NULL, 10);
}

/* Reads what there is; true where that ends the answer. */
static bool take(bench *b, client *c)
{
    const ssize_t n = recv(c->fd, c->answer + c->n_bytes, ANSWER_SIZE - 1 - c->n_bytes, MSG_DONTWAIT);

    if (n <= 0)
        stop("the server ended a connection");
    c->n_bytes += (size_t)n;
    c->answer[c->n_bytes] = '\0';
    if (!is_whole(c))
        return false;
    if (b->n_samples < MOST_SAMPLES)
        b->samples[b->n_samples++] = wa_clock_seconds() - c->began;
    b->n_failed += strncmp(c->answer, "HTTP/1.1 200 ", 13) != 0;
    return true;
}

static void open_client(const bench *b, client *c, int epoll_fd, size_t first)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)b->port) };
    struct epoll_event event   = { .events = EPOLLIN, .data.ptr = c };
    const int          yes     = 1;

    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    c->fd     = socket(AF_INET, SOCK_STREAM, 0);
    c->next   = first;
    c->answer = need(malloc(ANSWER_SIZE));
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)(const void *)&address, sizeof address) != 0)
        stop("cannot connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event);
}

/* The first tenth of the time is not counted. */
static void run(bench *b, client *clients, size_t n_clients, int epoll_fd, double seconds)
{
    struct epoll_event events[64];
    const double       began   = wa_clock_seconds();
    bool               is_warm = false;

    for (size_t i = 0; i < n_clients; i++)
        ask(b, &clients[i]);
    while (wa_clock_seconds() - began < seconds) {
        const int n = epoll_wait(epoll_fd, events, 64, 1000);

        for (int i = 0; i < n; i++)
            if (take(b, events[i].data.ptr))
                ask(b, events[i].data.ptr);
        if (!is_warm && wa_clock_seconds() - began > 0.1 * seconds) {
            b->n_samples = 0;
            is_warm      = true;
        }
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    bench *const b        = need(calloc(1, sizeof *b));
    const int    epoll_fd = epoll_create1(0);

    if (argc != 5)
        stop("usage: clients PORT PATH CLIENTS SECONDS <BODIES");
    const size_t  n_clients = strtoul(argv[3], NULL, 10);
    client *const clients   = need(calloc(n_clients, sizeof *clients));
    b->port                 = (unsigned)strtoul(argv[1], NULL, 10);
    b->samples              = need(malloc(MOST_SAMPLES * sizeof *b->samples));
    read_requests(b, argv[2]);
    for (size_t i = 0; i < n_clients; i++)
        open_client(b, &clients[i], epoll_fd, i * 7);
    run(b, clients, n_clients, epoll_fd, strtod(argv[4], NULL));
    if (b->n_samples == 0)
        stop("no answer came in time");
    qsort(b->samples, b->n_samples, sizeof *b->samples, by_size);
    printf("{\"answers\":%zu,\"failed\":%zu,\"p10_s\":%.9f,\"median_s\":%.9f,\"p90_s\":%.9f,\"p99_s\":%.9f,\"most_s\":%.9f}\n",
           b->n_samples, b->n_failed, b->samples[b->n_samples / 10], b->samples[b->n_samples / 2],
           b->samples[b->n_samples * 9 / 10], b->samples[b->n_samples * 99 / 100], b->samples[b->n_samples - 1]);
    return b->n_failed > 0;
}

/* The server. See server.h.
 *
 * One thread does it all: it lets the network have its turn, then the model, which shares its work among the threads of the session.
 * Requests that come in meanwhile are read at the next turn of the network, and computed together. */
#include "serve/server.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/asset.h"
#include "base/clock.h"
#include "base/str.h"
#include "serve/engine.h"
#include "serve/listen.h"
#include "serve/metrics.h"

WA_ASSET(live_html, "src/serve/live.html");
WA_ASSET(live_css, "src/serve/live.css");
WA_ASSET(live_js, "src/serve/live.js");

struct wa_server {
    wa_server_opts opts;
    wa_listener    listener;
    wa_http       *http;
    wa_engine      engine;
    wa_metrics     metrics;
};

/* A path and what it gives: work for the model, a constant, or what a function says. */
typedef struct endpoint {
    const char    *path, *method;
    const wa_work *work;
    void (*answer)(wa_server *server, wa_exchange *exchange);
} endpoint;

/* ---------------------------------------------------------------- what needs no model */

static void answer_page(wa_exchange *x, const char *type, wa_text body)
{
    wa_exchange_answer_constant(x, 200, type, body);
    wa_exchange_add_header(x, "Content-Security-Policy",
                           "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
                           "frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    wa_exchange_add_header(x, "Referrer-Policy", "no-referrer");
    wa_exchange_add_header(x, "Cache-Control", "no-cache");
}

static void answer_html(wa_server *server, wa_exchange *x)
{
    (void)server;
    answer_page(x, "text/html; charset=utf-8", wa_asset_text(live_html));
}

static void answer_css(wa_server *server, wa_exchange *x)
{
    (void)server;
    answer_page(x, "text/css; charset=utf-8", wa_asset_text(live_css));
}

static void answer_js(wa_server *server, wa_exchange *x)
{
    (void)server;
    answer_page(x, "text/javascript; charset=utf-8", wa_asset_text(live_js));
}

static void add_special(wa_buf *body, const char *name, wa_text word)
{
    wa_buf_format(body, ",\"%s\":", name);
    wa_json_add_text_or_null(body, word);
}

static void answer_health(wa_server *server, wa_exchange *x)
{
    wa_buf body = { 0 };

    wa_buf_format(&body, "{\"status\":\"ok\",\"version\":\"%s\",\"model\":", wa_version());
    wa_json_add_text(&body, server->opts.name);
    wa_buf_format(&body, ",\"vocabulary\":%zu,\"width\":%zu", wa_model_vocabulary(server->opts.model),
                  wa_model_width(server->opts.model));
    add_special(&body, "start", wa_model_start(server->opts.model));
    add_special(&body, "end", wa_model_end(server->opts.model));
    add_special(&body, "unknown", wa_model_unknown(server->opts.model));
    wa_buf_str(&body, "}\n");
    wa_exchange_answer(x, 200, "application/json", &body);
}

static void answer_models(wa_server *server, wa_exchange *x)
{
    wa_buf body = { 0 };

    wa_buf_str(&body, "{\"object\":\"list\",\"data\":[{\"id\":");
    wa_json_add_text(&body, server->opts.name);
    wa_buf_str(&body, ",\"object\":\"model\",\"created\":0,\"owned_by\":\"wordahead\"}]}\n");
    wa_exchange_answer(x, 200, "application/json", &body);
}

static void answer_metrics(wa_server *server, wa_exchange *x);

static const endpoint endpoints[] = {
    { "/", "GET", NULL, answer_html },
    { "/live.css", "GET", NULL, answer_css },
    { "/live.js", "GET", NULL, answer_js },
    { "/health", "GET", NULL, answer_health },
    { "/metrics", "GET", NULL, answer_metrics },
    { "/v1/models", "GET", NULL, answer_models },
    { "/v1/rank", "POST", &wa_work_rank, NULL },
    { "/v1/score", "POST", &wa_work_score, NULL },
    { "/v1/embed", "POST", &wa_work_embed, NULL },
    { "/v1/trace", "POST", &wa_work_trace, NULL },
    { "/v1/completions", "POST", &wa_work_completions, NULL },
};

enum { N_ENDPOINTS = sizeof endpoints / sizeof *endpoints, OTHER = N_ENDPOINTS }; /* OTHER: whatever was asked for that is none */
_Static_assert(N_ENDPOINTS + 1 <= WA_METRICS_ENDPOINTS, "each is counted");

static void answer_metrics(wa_server *server, wa_exchange *x)
{
    const char    *paths[N_ENDPOINTS + 1];
    wa_metrics_now now  = { .endpoints     = paths,
                            .n_endpoints   = N_ENDPOINTS + 1,
                            .n_connections = wa_http_connections(server->http),
                            .n_waiting     = server->engine.n_waiting,
                            .model         = server->opts.name };
    wa_buf         body = { 0 };

    for (size_t i = 0; i < N_ENDPOINTS; i++)
        paths[i] = endpoints[i].path;
    paths[OTHER] = "other";
    wa_metrics_add_text(&server->metrics, &now, &body);
    wa_exchange_answer(x, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
}

/* ---------------------------------------------------------------- which it is */

static const endpoint *find_endpoint(const wa_exchange *x)
{
    for (size_t i = 0; i < N_ENDPOINTS; i++)
        if (strcmp(endpoints[i].path, wa_exchange_path(x)) == 0)
            return &endpoints[i];
    return NULL;
}

static bool is_method(const wa_exchange *x, const endpoint *e)
{
    const char *const method = wa_exchange_method(x);

    return strcmp(method, e->method) == 0 || (strcmp(e->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static bool is_json(const char *type)
{
    static const char json[] = "application/json";

    return type && strncasecmp(type, json, sizeof json - 1) == 0 && strchr("; \t", type[sizeof json - 1]);
}

/* Answers that depend on the header alone. */
static bool check_header(const wa_server *server, const wa_exchange *x, const endpoint *e, wa_refusal *refusal)
{
    const char *const length = wa_exchange_header(x, "Content-Length"), *const type = wa_exchange_header(x, "Content-Type");
    size_t n_bytes = 0;

    if (!e)
        return wa_refuse(refusal, 404, "not_found", NULL, "%s: there is no such path; docs/serve.md lists them",
                         wa_show(wa_text_of(wa_exchange_path(x))).quoted);
    if (!is_method(x, e))
        return wa_refuse(refusal, 405, "method_not_allowed", NULL, "%s: found %s, expected %s", e->path,
                         wa_show(wa_text_of(wa_exchange_method(x))).quoted, e->method);
    if (e->work && !is_json(type))
        return wa_refuse(refusal, 415, "unsupported_media_type", NULL, "Content-Type: found %s, expected application/json",
                         type ? wa_show(wa_text_of(type)).quoted : "none");
    if (length && (!wa_parse_size(wa_text_of(length), &n_bytes) || n_bytes > server->opts.limits.body))
        return wa_refuse(refusal, 413, "too_large", NULL, "the body has %s bytes, expected at most %zu",
                         wa_show(wa_text_of(length)).quoted, server->opts.limits.body);
    return true;
}

static void answer_refusal(wa_exchange *x, const wa_refusal *refusal, const endpoint *e)
{
    wa_buf body = { 0 };

    wa_refusal_add_json(&body, refusal);
    wa_exchange_answer(x, refusal->status, "application/json", &body);
    if (refusal->status == 405)
        wa_exchange_add_header(x, "Allow", strcmp(e->method, "GET") == 0 ? "GET, HEAD" : e->method);
}

/* ---------------------------------------------------------------- handlers */

/* A browser asks first whether a page of an allowed origin may send JSON. */
static void answer_preflight(wa_exchange *x)
{
    wa_exchange_answer_constant(x, 204, NULL, wa_text_of(""));
    wa_exchange_add_header(x, "Access-Control-Allow-Methods", "GET, POST");
    wa_exchange_add_header(x, "Access-Control-Allow-Headers", "Content-Type, Authorization");
    wa_exchange_add_header(x, "Access-Control-Max-Age", "600");
}

static void began(void *user, wa_exchange *x)
{
    wa_server *const      server = user;
    const endpoint *const e      = find_endpoint(x);
    const char           *origin;
    wa_refusal            refusal;

    *wa_exchange_user(x) = (void *)(uintptr_t)e;
    if (!wa_guard_admits(&server->opts.guard, x, &origin, &refusal)) {
        answer_refusal(x, &refusal, e);
        return;
    }
    wa_exchange_allow_origin(x, origin);
    if (origin && strcmp(wa_exchange_method(x), "OPTIONS") == 0) {
        answer_preflight(x);
        return;
    }
    if (!check_header(server, x, e, &refusal))
        answer_refusal(x, &refusal, e);
}

static void arrived(void *user, wa_exchange *x)
{
    wa_server *const      server = user;
    const endpoint *const e      = *wa_exchange_user(x);

    if (e->work)
        wa_engine_add(&server->engine, e->work, x);
    else
        e->answer(server, x);
}

static void log_request(const wa_server *server, const wa_exchange *x, double seconds)
{
    wa_buf line = { 0 };
    char   local[64], remote[64];

    if (!server->opts.log)
        return;
    wa_exchange_addresses(x, local, remote);
    wa_buf_format(&line, "%s %s %s ", remote[0] ? remote : "-", wa_show(wa_text_of(wa_exchange_method(x))).quoted,
                  wa_show(wa_text_of(wa_exchange_path(x))).quoted);
    wa_buf_format(&line, "%u %.3f ms", wa_exchange_status(x), seconds * 1e3);
    if (!line.failed)
        server->opts.log(server->opts.user, wa_buf_view(&line));
    wa_buf_clear(&line);
}

static void ended(void *user, wa_exchange *x)
{
    wa_server *const      server  = user;
    const endpoint *const e       = *wa_exchange_user(x);
    const double          seconds = wa_clock_seconds() - wa_exchange_began(x);

    wa_metrics_request(&server->metrics, e ? (size_t)(e - endpoints) : OTHER, wa_exchange_status(x), seconds);
    log_request(server, x, seconds);
}

/* ---------------------------------------------------------------- running */

/* The first ranking without probabilities makes a copy of the output weights, for which nobody should wait. */
static void warm_up(wa_server *server)
{
    wa_ranking ignored;

    wa_rank(server->opts.session, wa_text_of(""), &(wa_rank_opts){ .words_only = true }, &ignored, NULL);
}

wa_status wa_server_open(const wa_server_opts *opts, wa_server **out, wa_error *err)
{
    wa_status  st     = WA_OK;
    wa_server *server = wa_alloc_zeroed(NULL, 1, sizeof *server);

    if (!server)
        WA_TRY(wa_fail_memory(err, "serve"));
    server->opts        = *opts;
    server->listener.fd = -1;
    server->engine      = (wa_engine){
             .model = opts->model, .session = opts->session, .name = opts->name, .limits = opts->limits, .metrics = &server->metrics
    };
    warm_up(server);
    WA_TRY(wa_listen(opts->listen, &server->listener, err));
    WA_TRY(
        wa_http_open(server->listener.fd, &opts->limits, &(wa_http_handlers){ began, arrived, ended, server }, &server->http, err));
    server->listener.fd = -1; /* the network's now */
    *out                = server;
    server              = NULL;
done:
    wa_server_close(server);
    return st;
}

void wa_server_close(wa_server *server)
{
    if (!server)
        return;
    if (server->listener.fd >= 0)
        close(server->listener.fd);
    wa_http_close(server->http);
    wa_engine_clear(&server->engine);
    wa_release(NULL, server);
}

const char *wa_server_url(const wa_server *server)
{
    return server->listener.url;
}

/* What has come in by now is answered, and nothing else. */
static void finish(wa_server *server)
{
    const double until    = wa_clock_seconds() + (double)server->opts.limits.seconds;
    bool         has_work = true;

    wa_http_quiesce(server->http);
    do {
        wa_http_turn(server->http, !has_work, -1);
        has_work = wa_engine_turn(&server->engine);
    } while ((has_work || wa_http_pending(server->http) > 0) && wa_clock_seconds() < until);
}

void wa_server_run(wa_server *server, bool (*is_stopping)(void), int wake_fd)
{
    bool has_work = false;

    while (!is_stopping()) {
        wa_http_turn(server->http, !has_work, wake_fd);
        has_work = wa_engine_turn(&server->engine);
    }
    finish(server);
}

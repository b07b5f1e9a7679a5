/* `wordahead serve`: a page and JSON endpoints over HTTP. */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "model/model.h"
#include "serve/server.h"

typedef struct serve_opts {
    const char    *model, *listen;
    wa_option_list hosts, origins;
    bool           log;
    size_t         threads;
    wa_limits      limits;
} serve_opts;

#define AT(field)    offsetof(serve_opts, field)
#define LIMIT(field) offsetof(serve_opts, limits.field)

static const wa_option options[] = {
    { "model", 'm', WA_OPTION_TEXT, AT(model), NULL, "MODEL", "a model's YAML file or its folder" },
    { "listen", 0, WA_OPTION_TEXT, AT(listen), "127.0.0.1:8080", "ADDRESS:PORT", "where to listen; port 0: one that is free" },
    { "allow-host", 0, WA_OPTION_LIST, AT(hosts), NULL, "NAME", "a name that clients may reach it under, beside its address" },
    { "allow-origin", 0, WA_OPTION_LIST, AT(origins), NULL, "ORIGIN",
      "pages of another site that may ask, e.g. https://example.org" },
    { "log", 0, WA_OPTION_FLAG, AT(log), NULL, NULL, "a line for each request, on standard error" },
    WA_OPTION_THREADS(AT(threads)),
    { "max-body", 0, WA_OPTION_SIZE, LIMIT(body), "1048576", "BYTES", "how long a request may be", 1, (size_t)1 << 30 },
    { "timeout", 0, WA_OPTION_SIZE, LIMIT(seconds), "30", "SECONDS", "for a request to arrive, and as long to be done", 1, 86400 },
    { "max-connections", 0, WA_OPTION_SIZE, LIMIT(connections), "256", "N", "open at a time", 1, 65536 },
    { "max-waiting", 0, WA_OPTION_SIZE, LIMIT(waiting), "256", "N", "requests that wait for the model", 1, 65536 },
    { "max-texts", 0, WA_OPTION_SIZE, LIMIT(texts), "64", "N", "of a request", 1, 65536 },
    { "max-words", 0, WA_OPTION_SIZE, LIMIT(words), "4096", "N", "of all texts of a request", 1, (size_t)1 << 24 },
    { "max-k", 0, WA_OPTION_SIZE, LIMIT(k), "1000", "N", "ranked words of a text", 1, (size_t)1 << 24 },
    { "max-tokens", 0, WA_OPTION_SIZE, LIMIT(tokens), "1024", "N", "words that a request may have generated", 1, (size_t)1 << 20 },
    { "max-values", 0, WA_OPTION_SIZE, LIMIT(values), "1000000", "N", "numbers in the answer of trace and embed", 1,
      (size_t)1 << 30 },
    { 0 },
};

static const wa_verb verb = {
    .name     = "serve",
    .operands = "",
    .summary =
        "Answers over HTTP until it is interrupted: a page where one types and sees what may follow, and JSON endpoints,\n"
        "/v1/rank, /v1/score, /v1/embed, /v1/trace, /v1/completions (as OpenAI's), /health, /metrics. docs/serve.md has them.\n"
        "Only this machine can reach it unless --listen says otherwise.",
    .examples = "  wordahead serve\n"
                "  wordahead serve -m models/english --listen 127.0.0.1:0 --log\n"
                "  wordahead serve --listen 0.0.0.0:8080 --allow-host words.example.org\n"
                "  curl -d '{\"text\":\"the cat sat on the\",\"k\":3}' -H 'Content-Type: application/json' "
                "http://127.0.0.1:8080/v1/rank\n",
    .options  = options,
};

static void print_line(void *user, wa_text line)
{
    (void)user;
    wa_cli_complain(WA_EXIT_OK, "%.*s", (int)line.n_bytes, line.data);
}

/* The folder that a model lies in is its name for clients. */
static wa_text name_model(const char *path, char *resolved)
{
    char *slash;

    if (!realpath(path, resolved))
        return wa_text_of("model");
    if (!wa_path_is_folder(resolved) && (slash = strrchr(resolved, '/')))
        *slash = '\0';
    slash = strrchr(resolved, '/');
    return wa_text_of(slash && slash[1] ? slash + 1 : "model");
}

static int serve(const serve_opts *opts, const wa_model *model, wa_session *session, wa_text name)
{
    wa_server *server;
    wa_error   err;

    if (wa_server_open(&(wa_server_opts){ .model   = model,
                                          .session = session,
                                          .name    = name,
                                          .listen  = opts->listen,
                                          .limits  = opts->limits,
                                          .guard   = { opts->hosts.items, opts->hosts.n, opts->origins.items, opts->origins.n },
                                          .log     = opts->log ? print_line : NULL },
                       &server, &err) != WA_OK)
        return wa_cli_fail(&err);
    wa_cli_defer_signals();
    wa_cli_complain(WA_EXIT_OK, "listening on %s", wa_server_url(server));
    wa_server_run(server, wa_cli_is_stopping, wa_cli_wake_fd());
    wa_server_close(server);
    return WA_EXIT_OK;
}

int wa_cmd_serve(int argc, char **argv)
{
    serve_opts  opts = { 0 };
    wa_operands operands;
    wa_model   *model   = NULL;
    wa_session *session = NULL;
    char        resolved[PATH_MAX];
    wa_error    err;
    int         code = wa_verb_parse(&verb, argc, argv, &opts, &operands);

    if (code < 0 && (model = wa_cli_open_model(opts.model, opts.threads, &code))) {
        code = wa_cli_new_session(model, opts.threads, &session, &err) == WA_OK ? -1 : wa_cli_fail(&err);
        if (code < 0)
            code = serve(&opts, model, session, name_model(wa_config_path(model->config), resolved));
    }
    wa_session_free(session);
    wa_model_close(model);
    free(opts.hosts.items);
    free(opts.origins.items);
    return code;
}

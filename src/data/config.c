/* Configurations: the layers of one, and its errors. See config.h.
 *
 * Each document of the chain and each override is a layer with a number of its own; they are merged into one tree, the tree is read
 * into the struct, and only then the errors of all of it are reported, by layer and place. */
#include "data/config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "base/status.h"
#include "base/str.h"
#include "data/config_parts.h"
#include "data/yaml.h"

/* ---------------------------------------------------------------- memory and places */

void *wa_config_alloc(wa_config *config, size_t n, size_t size)
{
    void *const memory = wa_arena_alloc_zeroed(&config->arena, n, size);

    if (!memory)
        config->has_failed = true;
    return memory;
}

void wa_node_add_place(const wa_node *node, wa_buf *out)
{
    wa_buf_str(out, node->source->name);
    if (node->source->has_lines)
        wa_buf_format(out, ":%zu:%zu", node->line, node->column);
}

/* The text of the buffer, which is freed, as a string that lives as long as the configuration; `instead` without memory. */
static const char *keep(wa_config *config, wa_buf *buf, const char *instead)
{
    const wa_text text = buf->failed ? (wa_text){ NULL, 0 } : wa_arena_text(&config->arena, wa_buf_view(buf));

    wa_buf_clear(buf);
    if (!text.data)
        config->has_failed = true;
    return text.data ? text.data : instead;
}

const char *wa_config_place(wa_config *config, const wa_node *node)
{
    wa_buf place = { .env = config->env };

    wa_node_add_place(node, &place);
    return keep(config, &place, node->source->name);
}

char *wa_node_path(const wa_node *node, const wa_env *env)
{
    return wa_text_is(node->text, "-") ? wa_copy_text(env, node->text) : wa_path_beside(env, node->source->path, node->text);
}

/* ---------------------------------------------------------------- complaints */

static bool is_later(const wa_complaint *a, const wa_complaint *b)
{
    if (a->layer != b->layer)
        return a->layer > b->layer;
    return a->line != b->line ? a->line > b->line : a->column > b->column;
}

/* Keeps the complaints that come first; the rest is only counted. `text` is freed. */
static void add_complaint(wa_config *config, wa_complaint added, wa_buf *text)
{
    size_t at = config->n_kept;

    config->n_complaints++;
    while (at > 0 && is_later(&config->complaints[at - 1], &added))
        at--;
    if (at == WA_CONFIG_MOST_COMPLAINTS) {
        wa_buf_clear(text);
        return;
    }
    const char *const kept = keep(config, text, "");
    added.text             = wa_text_of(kept);
    config->n_kept += config->n_kept < WA_CONFIG_MOST_COMPLAINTS;
    memmove(config->complaints + at + 1, config->complaints + at, (config->n_kept - at - 1) * sizeof added);
    config->complaints[at] = added;
}

static void add_message(wa_buf *buf, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

static void add_message(wa_buf *buf, const char *format, va_list args)
{
    char message[WA_MESSAGE_SIZE / 2];

    if (vsnprintf(message, sizeof message, format, args) >= (int)sizeof message)
        memcpy(message + sizeof message - 4, "...", 4);
    wa_buf_str(buf, ": ");
    wa_buf_str(buf, message);
}

static wa_complaint place_of(const wa_node *node)
{
    return (wa_complaint){ .layer = node->source->layer, .line = node->line, .column = node->column };
}

void wa_config_blame(wa_config *config, const wa_node *node, const char *format, ...)
{
    wa_buf  text = { .env = config->env };
    va_list args;

    wa_node_add_place(node, &text);
    va_start(args, format);
    add_message(&text, format, args);
    va_end(args);
    add_complaint(config, place_of(node), &text);
}

void wa_config_blame_text(wa_config *config, const wa_node *node, wa_buf *text)
{
    wa_buf whole = { .env = config->env };

    wa_node_add_place(node, &whole);
    wa_buf_str(&whole, ": ");
    wa_buf_text(&whole, wa_buf_view(text));
    config->has_failed = config->has_failed || text->failed;
    wa_buf_clear(text);
    add_complaint(config, place_of(node), &whole);
}

void wa_config_note(wa_config *config, const wa_source *source, const char *message)
{
    wa_buf text = { .env = config->env };

    wa_buf_str(&text, message);
    add_complaint(config, (wa_complaint){ .layer = source->layer }, &text);
}

/* All complaints, a line each, as many as fit. */
wa_status wa_config_verdict(const wa_config *config, wa_error *err)
{
    enum { ROOM = WA_MESSAGE_SIZE - 64 }; /* for the last line and the zero byte */
    wa_buf all     = { .env = config->env };
    size_t n_shown = 0;

    if (config->n_complaints == 0 && !config->has_failed)
        return WA_OK;
    while (n_shown < config->n_kept && (n_shown == 0 || all.n_bytes + config->complaints[n_shown].text.n_bytes < ROOM)) {
        wa_buf_str(&all, n_shown ? "\n" : "");
        wa_buf_text(&all, config->complaints[n_shown++].text);
    }
    if (n_shown < config->n_complaints)
        wa_buf_format(&all, "\n... and %zu more", config->n_complaints - n_shown);
    const wa_status st = all.failed || config->has_failed ? wa_fail_memory(err, config->path)
                                                          : wa_fail(err, WA_ECONFIG, "%.*s", (int)all.n_bytes, all.data);
    wa_buf_clear(&all);
    return st;
}

/* ---------------------------------------------------------------- overrides */

typedef struct override {
    wa_source source;
    wa_text   path;
    wa_node  *value; /* NULL where the override is not well-formed */
} override;

/* The value of an override; nothing at all is null. */
static wa_status read_value(wa_config *config, override *o, wa_text text, wa_error *err)
{
    wa_error  inner = { .status = WA_OK };
    wa_status st;

    text = wa_text_trim(text);
    if (text.n_bytes > 0 && text.data[0] == '#') {
        const wa_node place = { .source = &o->source };

        wa_config_blame(config, &place, "found %s, which begins a comment in YAML; write the value in quotes",
                        wa_show(text).quoted);
        return WA_OK;
    }
    st = wa_yaml_parse(text.n_bytes > 0 ? text : wa_text_of("null"), &o->source, &config->arena, &o->value, &inner);
    if (st == WA_ECONFIG) {
        wa_config_note(config, &o->source, inner.message);
        return WA_OK;
    }
    return st == WA_OK ? st : wa_fail(err, st, "%s", inner.message);
}

static wa_status read_override(wa_config *config, const char *set, size_t number, override *o, wa_error *err)
{
    const char *const equals = strchr(set, '=');
    wa_buf            name   = { .env = config->env };

    wa_buf_format(&name, "--set %zu", number);
    o->source = (wa_source){ .name = keep(config, &name, "--set"), .layer = WA_CONFIG_MOST_DOCUMENTS + number };
    if (equals)
        o->path = wa_text_trim((wa_text){ set, (size_t)(equals - set) });
    if (o->path.n_bytes > 0)
        return read_value(config, o, wa_text_of(equals + 1), err);
    const wa_node place = { .source = &o->source };
    wa_config_blame(config, &place, "found %s, expected KEY=VALUE", wa_show(wa_text_of(set)).quoted);
    return WA_OK;
}

static wa_status read_overrides(wa_config *config, const char *const *sets, size_t n, override **out, wa_error *err)
{
    wa_status       st        = WA_OK;
    override *const overrides = wa_config_alloc(config, n, sizeof *overrides);

    if (!overrides)
        return wa_fail_memory(err, config->path);
    for (size_t i = 0; i < n; i++)
        WA_TRY(read_override(config, sets[i], i + 1, &overrides[i], err));
    *out = overrides;
done:
    return st;
}

/* ---------------------------------------------------------------- documents */

/* The documents that start from one another, the opened one first. */
typedef struct chain {
    struct document {
        const char *path;
        struct stat identity; /* of the file, whatever it is called */
        wa_node    *root;
    } documents[WA_CONFIG_MOST_DOCUMENTS];
    size_t n;
    bool   is_broken; /* one of them is not YAML, or no map */
} chain;

/* The file itself, or the model.yaml of a folder, in the arena; NULL: no memory. `path` is freed. */
static const char *find_document(wa_config *config, char *path)
{
    char *const inner = path && wa_path_is_folder(path) ? wa_path_join(config->env, path, "model.yaml") : path;
    const char *kept  = inner ? wa_arena_text(&config->arena, wa_text_of(inner)).data : NULL;

    if (inner != path)
        wa_release(config->env, inner);
    wa_release(config->env, path);
    if (!kept)
        config->has_failed = true;
    return kept;
}

static void refuse_document(wa_config *config, const wa_node *root)
{
    wa_buf text = { .env = config->env };

    wa_buf_str(&text, "found ");
    wa_node_describe(root, &text);
    wa_buf_str(&text, ", expected a map of keys");
    wa_config_blame_text(config, root, &text);
}

static wa_status parse_document(wa_config *config, chain *c, const wa_file *file, const wa_source *source, wa_error *err)
{
    struct document *const d     = &c->documents[c->n - 1];
    wa_error               inner = { .status = WA_OK };
    const wa_status        st    = wa_yaml_parse(file->bytes, source, &config->arena, &d->root, &inner);

    if (st != WA_OK && st != WA_ECONFIG)
        return wa_fail(err, st, "%s", inner.message);
    c->is_broken = !d->root || d->root->kind != WA_NODE_MAP;
    if (st == WA_ECONFIG)
        wa_config_note(config, source, inner.message);
    else if (c->is_broken)
        refuse_document(config, d->root);
    return WA_OK;
}

static wa_status read_document(wa_config *config, chain *c, const char *path, wa_error *err)
{
    wa_status              st     = WA_OK;
    wa_file                file   = { .env = config->env };
    struct document *const d      = &c->documents[c->n];
    wa_source *const       source = wa_config_alloc(config, 1, sizeof *source);

    if (!source)
        WA_TRY(wa_fail_memory(err, path));
    *source = (wa_source){ .name = path, .path = path, .layer = WA_CONFIG_MOST_DOCUMENTS - c->n, .has_lines = true };
    WA_TRY(wa_file_read(&file, path, WA_YAML_MOST_BYTES, config->env, err));
    d->path = path;
    d->root = NULL;
    if (stat(path, &d->identity) != 0)
        d->identity = (struct stat){ .st_ino = 0 };
    c->n++;
    WA_TRY(parse_document(config, c, &file, source, err));
done:
    wa_file_clear(&file);
    return st;
}

/* A node that can be the path of a base, or NULL; reading the values blames whatever else it is. */
static const wa_node *as_base(const wa_node *node)
{
    bool ignored;

    if (!node || node->kind != WA_NODE_SCALAR || wa_node_is_null(node) || wa_node_bool(node, &ignored))
        return NULL;
    return node->text.n_bytes > 0 && !memchr(node->text.data, '\0', node->text.n_bytes) ? node : NULL;
}

static const wa_node *base_of(const wa_config *config, const wa_node *root)
{
    const wa_key *const row = wa_keys_of_type(config->schema->keys, WA_KEY_BASE);

    return row ? as_base(wa_node_find(root, wa_text_of(row->name))) : NULL;
}

/* What the first document starts from. An override counts here already, as it decides which documents there are. */
static const wa_node *first_base(const wa_config *config, const chain *c, const override *overrides, size_t n)
{
    const wa_key *const row  = wa_keys_of_type(config->schema->keys, WA_KEY_BASE);
    const wa_node      *base = base_of(config, c->documents[0].root);

    for (size_t i = 0; row && i < n; i++)
        if (overrides[i].value && wa_text_is(overrides[i].path, row->name))
            base = as_base(overrides[i].value);
    return base;
}

/* Whether a file is one of the documents already; the chain is blamed then. */
static bool comes_back(wa_config *config, const chain *c, const char *path, const wa_node *base)
{
    struct stat identity;
    size_t      i    = 0;
    wa_buf      text = { .env = config->env };

    if (stat(path, &identity) != 0)
        return false;
    while (i < c->n && (c->documents[i].identity.st_ino != identity.st_ino || c->documents[i].identity.st_dev != identity.st_dev))
        i++;
    if (i == c->n)
        return false;
    wa_buf_str(&text, "these files start from one another in a circle: ");
    for (size_t d = i; d < c->n; d++)
        wa_buf_format(&text, "%s -> ", c->documents[d].path);
    wa_buf_str(&text, path);
    wa_config_blame_text(config, base, &text);
    return true;
}

/* Reads what the last document starts from; *is_last where it starts from nothing more. */
static wa_status read_base(wa_config *config, chain *c, const wa_node *base, bool *is_last, wa_error *err)
{
    wa_error    inner = { .status = WA_OK };
    const char *path;

    *is_last = true;
    if (c->n == WA_CONFIG_MOST_DOCUMENTS) {
        wa_config_blame(config, base, "more than %d files start from one another", WA_CONFIG_MOST_DOCUMENTS);
        c->is_broken = true;
        return WA_OK;
    }
    if (!(path = find_document(config, wa_node_path(base, config->env))))
        return wa_fail_memory(err, config->path);
    if ((c->is_broken = comes_back(config, c, path, base)))
        return WA_OK;
    *is_last           = false;
    const wa_status st = read_document(config, c, path, &inner);
    return st == WA_OK ? st : wa_fail(err, st, "%s: %s", wa_config_place(config, base), inner.message);
}

static wa_status read_chain(wa_config *config, chain *c, const override *overrides, size_t n, wa_error *err)
{
    wa_status      st = WA_OK;
    const wa_node *base;
    bool           is_last = false;

    WA_TRY(read_document(config, c, config->path, err));
    base = c->is_broken ? NULL : first_base(config, c, overrides, n);
    while (base && !is_last) {
        WA_TRY(read_base(config, c, base, &is_last, err));
        base = c->is_broken ? NULL : base_of(config, c->documents[c->n - 1].root);
    }
done:
    return st;
}

/* ---------------------------------------------------------------- opening */

static void merge_layers(wa_config *config, const chain *c, const override *overrides, size_t n)
{
    config->root = c->documents[c->n - 1].root;
    for (size_t i = c->n - 1; i-- > 0 && !config->has_failed;)
        config->root = wa_config_merge(config, config->root, c->documents[i].root);
    for (size_t i = 0; i < n && !config->has_failed; i++)
        if (overrides[i].value)
            wa_config_override(config, &overrides[i].source, overrides[i].path, overrides[i].value);
}

static wa_status read_all(wa_config *config, const char *const *sets, size_t n_sets, wa_error *err)
{
    wa_status    st        = WA_OK;
    override    *overrides = NULL;
    chain *const c         = wa_config_alloc(config, 1, sizeof *c);

    if (!c)
        WA_TRY(wa_fail_memory(err, config->path));
    WA_TRY(read_overrides(config, sets, n_sets, &overrides, err));
    WA_TRY(read_chain(config, c, overrides, n_sets, err));
    if (!c->is_broken && !config->has_failed)
        merge_layers(config, c, overrides, n_sets);
    if (!c->is_broken && !config->has_failed)
        wa_config_read(config);
    WA_TRY(wa_config_verdict(config, err));
done:
    return st;
}

wa_status wa_config_open(const char *path, const char *const *sets, size_t n_sets, const wa_schema *schema, const wa_env *env,
                         wa_config **out, wa_error *err)
{
    wa_status  st     = WA_OK;
    wa_config *config = wa_alloc_zeroed(env, 1, sizeof *config);

    if (!config)
        WA_TRY(wa_fail_memory(err, path));
    config->env       = env;
    config->schema    = schema;
    config->arena.env = env;
    if (!(config->path = find_document(config, wa_copy_text(env, wa_text_of(path)))))
        WA_TRY(wa_fail_memory(err, path));
    WA_TRY(read_all(config, sets, n_sets, err));
    *out   = config;
    config = NULL;
done:
    wa_config_close(config);
    return st;
}

void wa_config_close(wa_config *config)
{
    if (!config)
        return;
    wa_arena_clear(&config->arena);
    wa_release(config->env, config->files);
    wa_release(config->env, config);
}

/* ---------------------------------------------------------------- an open one */

const void *wa_config_values(const wa_config *config)
{
    return config->values;
}

const char *wa_config_path(const wa_config *config)
{
    return config->path;
}

const char *wa_config_where(wa_config *config, const char *key)
{
    return wa_config_place(config, wa_config_locate(config, wa_text_of(key)));
}

void wa_config_complain(wa_config *config, const char *key, const char *format, ...)
{
    wa_buf  text = { .env = config->env };
    va_list args;

    wa_node_add_place(wa_config_locate(config, wa_text_of(key)), &text);
    va_start(args, format);
    add_message(&text, format, args);
    va_end(args);
    add_complaint(config, (wa_complaint){ .layer = WA_NONE }, &text); /* all of one layer: they stay in their order */
}

size_t wa_config_n_files(const wa_config *config)
{
    return config->n_files;
}

wa_config_file wa_config_file_of(const wa_config *config, size_t i)
{
    assert(i < config->n_files);
    return (wa_config_file){ config->files[i].key, config->files[i].path };
}

void wa_config_check_files(wa_config *config)
{
    for (size_t i = 0; i < config->n_files; i++)
        if (strcmp(config->files[i].path, "-") != 0 && !wa_path_exists(config->files[i].path))
            wa_config_blame(config, config->files[i].node, "%s: no such file", config->files[i].path);
}

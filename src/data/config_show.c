/* Configurations as YAML again: one with where its values come from, and the whole schema with its defaults. See config.h.
 *
 * Each key is a line with a comment. A value is shown as it was written, so it reads back to the same; only paths become those seen
 * from the working folder, and texts get quotes where they need them in a flow list. */
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "data/config_parts.h"

enum { COMMENT_COLUMN = 44, STEP = 2 };

typedef struct printer {
    wa_buf *out;
    size_t  start;  /* of the line in the buffer */
    bool    is_off; /* what is printed is commented out, at the column off_at */
    size_t  off_at;
    bool    is_bare;   /* values alone: no comments, no names of files */
    bool    is_rooted; /* paths are written from the root */
} printer;

/* ---------------------------------------------------------------- lines */

static void pad(wa_buf *out, size_t n)
{
    while (n-- > 0)
        wa_buf_str(out, " ");
}

static void open_line(printer *p, size_t indent)
{
    p->start = p->out->n_bytes;
    if (!p->is_off) {
        pad(p->out, indent);
        return;
    }
    pad(p->out, p->off_at);
    wa_buf_str(p->out, "# ");
    pad(p->out, indent - p->off_at);
}

/* The blanks and the sign before the comment of the line. */
static void open_comment(printer *p)
{
    const size_t n = p->out->n_bytes - p->start;

    pad(p->out, n + STEP < COMMENT_COLUMN ? COMMENT_COLUMN - n : STEP);
    wa_buf_str(p->out, "# ");
}

static void close_line(printer *p, const char *comment)
{
    if (!p->is_bare) {
        open_comment(p);
        wa_buf_str(p->out, comment);
    }
    wa_buf_str(p->out, "\n");
}

static void close_with_place(printer *p, const wa_node *node)
{
    if (!p->is_bare) {
        open_comment(p);
        wa_node_add_place(node, p->out);
    }
    wa_buf_str(p->out, "\n");
}

/* ---------------------------------------------------------------- scalars */

/* Whether YAML takes a word without quotes, in flow lists too; narrower than it must be. */
static bool is_simple(wa_text text)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/.";
    static const char rest[]  = "-+";

    for (size_t i = 0; i < text.n_bytes; i++)
        if (!memchr(first, text.data[i], sizeof first - 1) && (i == 0 || !memchr(rest, text.data[i], sizeof rest - 1)))
            return false;
    return text.n_bytes > 0;
}

static void add_character(wa_buf *out, wa_text bytes, uint32_t c)
{
    if (c == '"' || c == '\\')
        wa_buf_format(out, "\\%c", (char)c);
    else if (c < 0x20 || (c >= 0x7F && c < 0xA0))
        wa_buf_format(out, "\\x%02X", (unsigned)c);
    else if (c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE || c == 0xFFFF) /* line breaks, and no text to YAML */
        wa_buf_format(out, "\\u%04X", (unsigned)c);
    else
        wa_buf_text(out, bytes);
}

static void add_quoted(wa_buf *out, wa_text text)
{
    wa_buf_str(out, "\"");
    while (text.n_bytes > 0) {
        uint32_t     c;
        bool         is_valid;
        const size_t n = wa_utf8_next(text, &c, &is_valid);

        add_character(out, (wa_text){ text.data, n }, c);
        text = (wa_text){ text.data + n, text.n_bytes - n };
    }
    wa_buf_str(out, "\"");
}

/* A scalar so that it means the same without its surroundings: what was plain and a number stays one. */
static void add_scalar(wa_buf *out, const wa_node *node)
{
    wa_node plain = *node;
    double  number;
    bool    truth;

    plain.is_plain        = true;
    const bool is_special = wa_node_is_null(&plain) || wa_node_bool(&plain, &truth) || wa_node_double(&plain, &number);
    if (wa_node_is_null(node))
        wa_buf_str(out, "null");
    else if (is_special ? node->is_plain : is_simple(node->text))
        wa_buf_text(out, node->text);
    else
        add_quoted(out, node->text);
}

static void add_word(wa_buf *out, const char *word)
{
    add_scalar(out, &(wa_node){ .kind = WA_NODE_SCALAR, .text = wa_text_of(word) });
}

/* NULL: no memory. */
static char *shown_path(const printer *p, const wa_node *node)
{
    char *const path = wa_node_path(node, p->out->env);

    if (!path || !p->is_rooted || strcmp(path, "-") == 0)
        return path;
    char *const whole = wa_path_absolute(p->out->env, path);
    wa_release(p->out->env, path);
    return whole;
}

static void add_path(printer *p, const wa_node *node)
{
    char *const path = shown_path(p, node);

    if (path)
        add_word(p->out, path);
    else
        p->out->failed = true;
    wa_release(p->out->env, path);
}

/* ---------------------------------------------------------------- values on one line */

/* Numbers in nested lists. */
static void add_numbers(wa_buf *out, const wa_node *node)
{
    if (node->kind == WA_NODE_SCALAR) {
        add_scalar(out, node);
        return;
    }
    wa_buf_str(out, "[");
    for (size_t i = 0; i < node->n_items; i++) {
        wa_buf_str(out, i ? ", " : "");
        add_numbers(out, node->items[i].value);
    }
    wa_buf_str(out, "]");
}

/* Whether a value names a file, and what it means depends on that file alone. */
static bool is_file(const wa_key *row, const wa_node *node)
{
    if (row->type == WA_KEY_TEXTS)
        return node->kind == WA_NODE_MAP;
    if (row->type != WA_KEY_PATH && row->type != WA_KEY_BASE)
        return false;
    return !wa_node_is_null(node) && !(row->range && wa_range_find(row->range, node->text) != WA_NONE);
}

static void add_texts(printer *p, const wa_node *node)
{
    wa_buf *const out = p->out;

    if (wa_node_is_null(node)) {
        wa_buf_str(out, "null");
        return;
    }
    if (node->kind == WA_NODE_MAP) {
        wa_buf_str(out, "{ file: ");
        add_path(p, wa_node_find(node, wa_text_of("file")));
        wa_buf_str(out, " }");
        return;
    }
    const size_t n = node->kind == WA_NODE_LIST ? node->n_items : 1;
    wa_buf_str(out, n ? "[ " : "[]");
    for (size_t i = 0; i < n; i++) {
        wa_buf_str(out, i ? ", " : "");
        add_scalar(out, node->kind == WA_NODE_LIST ? node->items[i].value : node);
    }
    wa_buf_str(out, n ? " ]" : "");
}

static void add_value(printer *p, const wa_key *row, const wa_node *node)
{
    if (row->type == WA_KEY_TEXTS)
        add_texts(p, node);
    else if (row->type == WA_KEY_SIZES)
        add_numbers(p->out, node);
    else if (is_file(row, node))
        add_path(p, node);
    else
        add_scalar(p->out, node);
}

/* ---------------------------------------------------------------- a configuration */

static void show_rows(printer *p, const wa_key *keys, const wa_node *map, size_t indent);

static void show_line(printer *p, size_t indent, const char *name, const char *value, const char *comment)
{
    open_line(p, indent);
    add_word(p->out, name);
    wa_buf_format(p->out, ":%s%s", value ? " " : "", value ? value : "");
    close_line(p, comment);
}

/* A line that says that a key exists. */
static void show_absent(printer *p, size_t indent, const char *name)
{
    if (p->is_bare)
        return;
    p->is_off = true;
    p->off_at = indent;
    show_line(p, indent, name, NULL, "not given");
    p->is_off = false;
}

static void show_tensors(printer *p, const wa_key *row, const wa_node *map, size_t indent)
{
    open_line(p, indent);
    wa_buf_format(p->out, "%s:%s", row->name, wa_node_is_null(map) ? " null" : map->n_items == 0 ? " {}" : "");
    close_with_place(p, map);
    for (size_t i = 0; i < map->n_items; i++) {
        open_line(p, indent + STEP);
        add_scalar(p->out, map->items[i].key);
        wa_buf_str(p->out, ": ");
        add_numbers(p->out, map->items[i].value);
        close_with_place(p, map->items[i].value);
    }
}

static void show_stages(printer *p, const wa_key *row, const wa_node *list, size_t indent)
{
    open_line(p, indent);
    wa_buf_format(p->out, "%s:%s", row->name, list->n_items == 0 ? " []" : "");
    close_with_place(p, list);
    for (size_t i = 0; i < list->n_items; i++) {
        const wa_node *const item = list->items[i].value, *options;
        wa_text              name;

        wa_node_stage(item, &name, &options);
        const wa_variant *const variant = row->variants[wa_variant_index(row, name)];
        open_line(p, indent + STEP);
        wa_buf_format(p->out, "- %s:", variant->name);
        close_with_place(p, item);
        show_rows(p, variant->keys, options, indent + 3 * STEP);
    }
}

static void show_given(printer *p, const wa_key *row, const wa_node *node, size_t indent)
{
    if (row->type == WA_KEY_STAGES) {
        show_stages(p, row, node, indent);
    } else if (row->type == WA_KEY_TENSORS) {
        show_tensors(p, row, node, indent);
    } else if (row->type == WA_KEY_MAP || row->type == WA_KEY_SECTION) {
        open_line(p, indent);
        wa_buf_format(p->out, "%s:", row->name);
        close_with_place(p, node);
        show_rows(p, row->keys, node->kind == WA_NODE_MAP ? node : NULL, indent + STEP);
    } else {
        p->is_off = row->type == WA_KEY_BASE; /* its keys are all below: to read it again would change nothing */
        p->off_at = indent;
        open_line(p, indent);
        wa_buf_format(p->out, "%s: ", row->name);
        add_value(p, row, node);
        close_with_place(p, node);
        p->is_off = false;
    }
}

static void show_rows(printer *p, const wa_key *keys, const wa_node *map, size_t indent)
{
    for (const wa_key *row = keys; row->name; row++) {
        bool                      is_excluded;
        const wa_node_item *const item = wa_node_choose(map, keys, row, &is_excluded);

        if (item && p->is_bare && is_file(row, item->value)) {
            continue;
        } else if (item) {
            show_given(p, row, item->value, indent);
        } else if (is_excluded) {
            continue;
        } else if (row->default_text) {
            show_line(p, indent, row->name, row->default_text, "default");
        } else if (row->type == WA_KEY_SECTION) {
            show_line(p, indent, row->name, NULL, "default");
            show_rows(p, row->keys, NULL, indent + STEP);
        } else {
            show_absent(p, indent, row->name);
        }
    }
}

void wa_config_show(const wa_config *config, wa_buf *out)
{
    printer p = { .out = out };

    show_rows(&p, config->schema->keys, config->root, 0);
}

void wa_config_show_rooted(const wa_config *config, wa_buf *out)
{
    printer p = { .out = out, .is_rooted = true };

    show_rows(&p, config->schema->keys, config->root, 0);
}

void wa_config_show_bare(const wa_config *config, wa_buf *out)
{
    printer p = { .out = out, .is_bare = true };

    show_rows(&p, config->schema->keys, config->root, 0);
}

/* ---------------------------------------------------------------- a schema */

/* Whether a row stands in configs/default.yaml as it is, or commented out: what there is no default for, and would change what the
 * other keys do. */
static bool is_shown_active(const wa_key *keys, const wa_key *row)
{
    if (row->default_text || row->is_required || row->type == WA_KEY_SECTION)
        return true;
    if (row->group == 0)
        return row->example && row->type != WA_KEY_TENSORS && row->type != WA_KEY_BASE;
    while (keys != row && keys->group != row->group)
        keys++;
    return keys == row && (row->example || row->keys);
}

static void close_with_help(printer *p, const char *help, const wa_key *row)
{
    open_comment(p);
    wa_buf_str(p->out, help);
    const size_t n_before = p->out->n_bytes;
    wa_buf_str(p->out, "; ");
    if (row)
        wa_row_hint(row, p->out);
    if (p->out->n_bytes == n_before + 2) /* nothing to add */
        p->out->n_bytes = n_before;
    wa_buf_str(p->out, "\n");
}

/* From here on everything is commented out, unless it is already; returns what to restore. */
static printer switch_off(printer *p, bool is_off, size_t indent)
{
    const printer before = *p;

    if (is_off && !p->is_off) {
        p->is_off = true;
        p->off_at = indent;
    }
    return before;
}

static void restore(printer *p, printer before)
{
    p->is_off = before.is_off;
    p->off_at = before.off_at;
}

static void show_keys(printer *p, const wa_key *keys, size_t indent);

static void show_variants(printer *p, const wa_variant *const *variants, size_t indent)
{
    for (; *variants; variants++) {
        const printer before = switch_off(p, (*variants)->is_optional, indent);

        open_line(p, indent);
        wa_buf_format(p->out, "- %s:", (*variants)->name);
        close_with_help(p, (*variants)->help, NULL);
        show_keys(p, (*variants)->keys, indent + 2 * STEP);
        restore(p, before);
    }
}

static void show_keys(printer *p, const wa_key *keys, size_t indent)
{
    for (const wa_key *row = keys; row->name; row++) {
        const printer     before = switch_off(p, !is_shown_active(keys, row), indent);
        const char *const value  = row->default_text ? row->default_text : row->example;

        open_line(p, indent);
        wa_buf_format(p->out, "%s:%s%s", row->name, value ? " " : "", value ? value : "");
        close_with_help(p, row->help, row);
        if (row->variants)
            show_variants(p, row->variants, indent + STEP);
        else if (row->keys && !value)
            show_keys(p, row->keys, indent + STEP);
        restore(p, before);
    }
}

void wa_schema_show(const wa_schema *schema, wa_buf *out)
{
    printer p = { .out = out };

    wa_buf_str(out, "# Every key of a model or an experiment, with its default or else an example.\n"
                    "# A key that is left out has its default; an unknown one is an error. Paths are relative to this file.\n"
                    "# Lines that are commented out are choices: other ways to give the same, or parts that may be there.\n"
                    "# Made by `wordahead config default`.\n");
    show_keys(&p, schema->keys, 0);
}

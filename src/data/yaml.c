/* YAML into a tree of nodes. See yaml.h.
 *
 * Nodes are made from libyaml's events by recursion, which is at most MOST_LEVELS deep. Items of open lists and maps wait on one
 * stack until their number is known. Every node that is reached, through an alias too, counts before it is kept, so a document
 * that unfolds into billions stops at MOST_NODES. */
#include "data/yaml.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/hash.h"
#include "base/status.h"
#include "base/str.h"

enum {
    MOST_LEVELS = 64,
    MOST_NODES  = 1000000,
    N_BUCKETS   = 4096, /* of anchors */
};

typedef struct anchor {
    struct anchor *next; /* of the same bucket, the latest first: a name may be used again */
    wa_text        name;
    wa_node       *node;    /* NULL while it is being read */
    size_t         n_nodes; /* with aliases followed */
    size_t         n_levels;
} anchor;

typedef struct reader {
    yaml_parser_t    parser;
    wa_text          bytes;
    const wa_source *source;
    wa_arena        *arena;
    wa_node_item    *waiting; /* items of lists and maps that are still open */
    size_t           n_waiting, waiting_capacity;
    size_t           n_nodes;
    size_t           deepest; /* level reached since the node that is being measured */
    anchor          *anchors[N_BUCKETS];
    wa_buf duplicates; /* a line for each map with a key given twice: reading goes on, so that what else is wrong is told too */
} reader;

/* ---------------------------------------------------------------- errors */

static wa_status fail_at(const reader *r, size_t line, size_t column, wa_error *err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static wa_status fail_at(const reader *r, size_t line, size_t column, wa_error *err, const char *format, ...)
{
    char    message[640];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (!r->source->has_lines)
        return wa_fail(err, WA_ECONFIG, "%s: %s", r->source->name, message);
    return wa_fail(err, WA_ECONFIG, "%s:%zu:%zu: %s", r->source->name, line, column, message);
}

static wa_status fail_node(const reader *r, const wa_node *node, wa_error *err, const char *what)
{
    return fail_at(r, node->line, node->column, err, "%s", what);
}

static wa_status fail_memory(const reader *r, wa_error *err)
{
    return wa_fail_memory(err, r->source->name);
}

/* Whether a character of `step` bytes is followed by a newline. */
static bool is_before_newline(wa_text bytes, size_t at, size_t step)
{
    return bytes.n_bytes - at >= 2 * step && (bytes.data[at + step] == '\n' || bytes.data[at + 2 * step - 1] == '\n');
}

/* Line and column of a byte; libyaml gives only its offset for bytes that are no text. UTF-16 is told by its mark. */
static void find_place(wa_text bytes, size_t offset, size_t *line, size_t *column)
{
    const unsigned char *const p       = (const unsigned char *)bytes.data;
    const bool                 is_le   = bytes.n_bytes > 1 && p[0] == 0xFF && p[1] == 0xFE;
    const bool                 is_wide = is_le || (bytes.n_bytes > 1 && p[0] == 0xFE && p[1] == 0xFF);
    const size_t               step    = is_wide ? 2 : 1;
    size_t                     first   = is_wide ? 2 : wa_text_begins(bytes, wa_text_of("\xEF\xBB\xBF")) ? 3 : 0;

    *line = *column = 1;
    for (; first + step <= bytes.n_bytes && first < offset; first += step) {
        const unsigned c = is_wide ? (unsigned)(is_le ? p[first] | p[first + 1] << 8 : p[first] << 8 | p[first + 1]) : p[first];

        if (c == '\n' || (c == '\r' && !is_before_newline(bytes, first, step))) {
            ++*line;
            *column = 1;
        } else if (is_wide ? (c & 0xFC00) != 0xDC00 : (c & 0xC0) != 0x80) { /* not the rest of a character */
            ++*column;
        }
    }
}

static wa_status fail_reader(const reader *r, wa_error *err)
{
    size_t line, column;

    find_place(r->bytes, r->parser.problem_offset, &line, &column);
    if (r->parser.problem_value < 0)
        return fail_at(r, line, column, err, "%s; expected text in UTF-8", r->parser.problem);
    return fail_at(r, line, column, err, "%s: found 0x%02X, expected printable text in UTF-8", r->parser.problem,
                   (unsigned)r->parser.problem_value);
}

/* Whether a tab stands at the mark, or right before it. Where the text is not ASCII up to there, the hint is left out. */
static bool has_tab(const reader *r, const yaml_mark_t *mark)
{
    for (size_t i = mark->index > 0 ? mark->index - 1 : 0; i <= mark->index && i < r->bytes.n_bytes; i++)
        if (r->bytes.data[i] == '\t')
            return true;
    return false;
}

static wa_status fail_parser(const reader *r, wa_error *err)
{
    const yaml_parser_t *const p    = &r->parser;
    size_t                     line = p->problem_mark.line + 1, column = p->problem_mark.column + 1, last_line, last_column;
    char                       from[64] = "";

    if (p->error == YAML_MEMORY_ERROR)
        return fail_memory(r, err);
    if (p->error == YAML_READER_ERROR)
        return fail_reader(r, err);
    find_place(r->bytes, r->bytes.n_bytes, &last_line, &last_column);
    if (line > last_line) { /* libyaml ends a last line that has no newline */
        line   = last_line;
        column = last_column;
    }
    if (p->context && r->source->has_lines && p->context_mark.index != p->problem_mark.index)
        snprintf(from, sizeof from, " that begins at %zu:%zu", p->context_mark.line + 1, p->context_mark.column + 1);
    return fail_at(r, line, column, err, "%s%s%s%s%s", p->problem ? p->problem : "not YAML", p->context ? " " : "",
                   p->context ? p->context : "", from,
                   has_tab(r, &p->problem_mark) ? "; a tab stands here: YAML is indented with blanks" : "");
}

static wa_status next_event(reader *r, yaml_event_t *event, wa_error *err)
{
    return yaml_parser_parse(&r->parser, event) ? WA_OK : fail_parser(r, err);
}

/* ---------------------------------------------------------------- nodes */

/* A node with room for its text behind it: one allocation for both. */
static wa_node *new_node(reader *r, wa_node_kind kind, const yaml_mark_t *mark, wa_text text)
{
    wa_node *const node = wa_arena_alloc(r->arena, sizeof(wa_node) + text.n_bytes + 1, 1);

    if (!node)
        return NULL;
    char *const copy = (char *)(node + 1);
    if (text.n_bytes > 0)
        memcpy(copy, text.data, text.n_bytes);
    copy[text.n_bytes] = '\0';
    *node              = (wa_node){ .kind   = kind,
                                    .text   = { copy, text.n_bytes },
                                    .source = r->source,
                                    .line   = mark->line + 1,
                                    .column = mark->column + 1,
                                    .layer  = r->source->layer };
    return node;
}

/* Whether a node is what its tag says; a tag may also make text of anything, or of text in quotes a number. */
static bool obey_tag(wa_node *node, wa_text tag)
{
    const wa_text core = wa_text_of("tag:yaml.org,2002:");
    double        number;
    bool          truth;

    if (wa_text_is(tag, "!")) {
        node->is_plain = false;
        return true;
    }
    if (!wa_text_begins(tag, core))
        return false;
    const wa_text name = { tag.data + core.n_bytes, tag.n_bytes - core.n_bytes };
    if (wa_text_is(name, "map") || wa_text_is(name, "seq"))
        return node->kind == (wa_text_is(name, "map") ? WA_NODE_MAP : WA_NODE_LIST);
    if (node->kind != WA_NODE_SCALAR)
        return false;
    node->is_plain = !wa_text_is(name, "str");
    if (wa_text_is(name, "int"))
        return wa_node_double(node, &number) && !memchr(node->text.data, '.', node->text.n_bytes) && number == floor(number);
    return !node->is_plain || (wa_text_is(name, "float") && wa_node_double(node, &number)) ||
           (wa_text_is(name, "bool") && wa_node_bool(node, &truth)) || (wa_text_is(name, "null") && wa_node_is_null(node));
}

static wa_status check_tag(const reader *r, wa_node *node, const yaml_char_t *tag, wa_error *err)
{
    const wa_text text = wa_text_of((const char *)tag);

    if (!tag || obey_tag(node, text))
        return WA_OK;
    return fail_at(r, node->line, node->column, err,
                   "the tag %s cannot stand here; expected none, or the one of !!str !!int !!float !!bool !!null !!seq !!map that "
                   "fits what follows",
                   wa_show(text).quoted);
}

static wa_status read_scalar(reader *r, const yaml_event_t *event, wa_node **out, wa_error *err)
{
    const wa_text  text = { (const char *)event->data.scalar.value, event->data.scalar.length };
    wa_node *const node = new_node(r, WA_NODE_SCALAR, &event->start_mark, text);

    if (!node)
        return fail_memory(r, err);
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    *out           = node;
    return check_tag(r, node, event->data.scalar.tag, err);
}

static wa_status read_node(reader *r, const yaml_event_t *event, size_t level, wa_node **out, wa_error *err);

/* The next node inside a list or map; NULL at its end. */
static wa_status read_child(reader *r, size_t level, wa_node **out, wa_error *err)
{
    wa_status    st    = WA_OK;
    yaml_event_t event = { .type = YAML_NO_EVENT };

    *out = NULL;
    WA_TRY(next_event(r, &event, err));
    if (event.type != YAML_SEQUENCE_END_EVENT && event.type != YAML_MAPPING_END_EVENT)
        WA_TRY(read_node(r, &event, level, out, err));
done:
    yaml_event_delete(&event);
    return st;
}

static wa_status push_item(reader *r, wa_node_item item, wa_error *err)
{
    void *waiting = r->waiting;

    if (!wa_grow(r->arena->env, &waiting, &r->waiting_capacity, r->n_waiting + 1, sizeof item))
        return fail_memory(r, err);
    r->waiting                 = waiting;
    r->waiting[r->n_waiting++] = item;
    return WA_OK;
}

static void note_duplicate(reader *r, const wa_node *earlier, const wa_node *later)
{
    const wa_shown key = wa_show(later->text);

    wa_buf_str(&r->duplicates, r->duplicates.n_bytes ? "\n" : "");
    if (r->source->has_lines)
        wa_buf_format(&r->duplicates, "%s:%zu:%zu: the key %s was given before, at %zu:%zu; keep one", r->source->name, later->line,
                      later->column, key.quoted, earlier->line, earlier->column);
    else
        wa_buf_format(&r->duplicates, "%s: the key %s is given twice; keep one", r->source->name, key.quoted);
}

/* Moves the waiting items from `first` on into their list or map. */
static wa_status take_items(reader *r, wa_node *node, size_t first, wa_error *err)
{
    const wa_node_item *earlier, *duplicate;

    node->n_items = r->n_waiting - first;
    node->items   = wa_arena_alloc(r->arena, node->n_items, sizeof *node->items);
    if (!node->items)
        return fail_memory(r, err);
    if (node->n_items > 0)
        memcpy(node->items, r->waiting + first, node->n_items * sizeof *node->items);
    r->n_waiting = first;
    if (node->kind != WA_NODE_MAP)
        return WA_OK;
    if (!wa_node_index(node, r->arena, &earlier, &duplicate))
        return fail_memory(r, err);
    if (duplicate)
        note_duplicate(r, earlier->key, duplicate->key);
    return WA_OK;
}

static wa_status read_items(reader *r, wa_node *node, size_t level, wa_error *err)
{
    wa_status    st    = WA_OK;
    const size_t first = r->n_waiting;

    for (;;) {
        wa_node_item item = { 0 };

        if (node->kind == WA_NODE_MAP) {
            WA_TRY(read_child(r, level, &item.key, err));
            if (!item.key)
                break;
            if (item.key->kind != WA_NODE_SCALAR) {
                st = fail_node(r, item.key, err, "found a list or map as a key, expected a word");
                goto done;
            }
        }
        WA_TRY(read_child(r, level, &item.value, err));
        if (!item.value)
            break;
        WA_TRY(push_item(r, item, err));
    }
    WA_TRY(take_items(r, node, first, err));
done:
    return st;
}

static wa_status read_collection(reader *r, const yaml_event_t *event, size_t level, wa_node **out, wa_error *err)
{
    wa_status                st     = WA_OK;
    const bool               is_map = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *const tag    = is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    const yaml_mark_t *const mark   = &event->start_mark;

    if (level > MOST_LEVELS) {
        st = fail_at(r, mark->line + 1, mark->column + 1, err, "nested deeper than %d levels", MOST_LEVELS);
        goto done;
    }
    if (!(*out = new_node(r, is_map ? WA_NODE_MAP : WA_NODE_LIST, mark, wa_text_of("")))) {
        st = fail_memory(r, err);
        goto done;
    }
    if (level > r->deepest)
        r->deepest = level;
    WA_TRY(check_tag(r, *out, tag, err));
    WA_TRY(read_items(r, *out, level + 1, err));
done:
    return st;
}

/* ---------------------------------------------------------------- anchors and aliases */

static anchor **anchor_bucket(reader *r, wa_text name)
{
    return &r->anchors[wa_hash(name) % N_BUCKETS];
}

static wa_status add_anchor(reader *r, wa_text name, anchor **out, wa_error *err)
{
    anchor *const added = wa_arena_alloc_zeroed(r->arena, 1, sizeof *added);

    if (!added || !(added->name = wa_arena_text(r->arena, name)).data)
        return fail_memory(r, err);
    added->next             = *anchor_bucket(r, name);
    *anchor_bucket(r, name) = added;
    *out                    = added;
    return WA_OK;
}

static wa_status count_nodes(reader *r, size_t n, const yaml_mark_t *mark, wa_error *err)
{
    if (n > MOST_NODES - r->n_nodes)
        return fail_at(r, mark->line + 1, mark->column + 1, err, "more than %d values, those behind aliases included", MOST_NODES);
    r->n_nodes += n;
    return WA_OK;
}

static wa_status follow_alias(reader *r, const yaml_event_t *event, size_t level, wa_node **out, wa_error *err)
{
    const wa_text            name  = wa_text_of((const char *)event->data.alias.anchor);
    const yaml_mark_t *const mark  = &event->start_mark;
    const anchor            *found = *anchor_bucket(r, name);

    while (found && !wa_text_equal(found->name, name))
        found = found->next;
    if (!found || !found->node)
        return fail_at(r, mark->line + 1, mark->column + 1, err,
                       found ? "the alias %s stands inside its own anchor" : "the alias %s has no anchor before it",
                       wa_show(name).quoted);
    if (found->n_levels > 0 && level - 1 + found->n_levels > MOST_LEVELS)
        return fail_at(r, mark->line + 1, mark->column + 1, err, "nested deeper than %d levels", MOST_LEVELS);
    if (found->n_levels > 0 && level - 1 + found->n_levels > r->deepest)
        r->deepest = level - 1 + found->n_levels;
    *out = found->node;
    return count_nodes(r, found->n_nodes, mark, err);
}

static const yaml_char_t *anchor_of(const yaml_event_t *event)
{
    return event->type == YAML_SCALAR_EVENT           ? event->data.scalar.anchor
           : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor
                                                      : event->data.mapping_start.anchor;
}

/* `level` is the one that a list or map made from this event would have, from 1. */
static wa_status read_node(reader *r, const yaml_event_t *event, size_t level, wa_node **out, wa_error *err)
{
    wa_status    st            = WA_OK;
    const size_t n_before      = r->n_nodes;
    const size_t deepest_above = r->deepest;
    anchor      *named         = NULL;

    if (event->type == YAML_ALIAS_EVENT)
        return follow_alias(r, event, level, out, err);
    WA_TRY(count_nodes(r, 1, &event->start_mark, err));
    if (anchor_of(event))
        WA_TRY(add_anchor(r, wa_text_of((const char *)anchor_of(event)), &named, err));
    r->deepest = level - 1;
    if (event->type == YAML_SCALAR_EVENT)
        WA_TRY(read_scalar(r, event, out, err));
    else
        WA_TRY(read_collection(r, event, level, out, err));
    if (named) {
        named->node     = *out;
        named->n_nodes  = r->n_nodes - n_before;
        named->n_levels = r->deepest - (level - 1);
    }
    if (deepest_above > r->deepest)
        r->deepest = deepest_above;
done:
    return st;
}

/* ---------------------------------------------------------------- documents */

static wa_status read_root(reader *r, wa_node **out, wa_error *err)
{
    wa_status    st    = WA_OK;
    yaml_event_t event = { .type = YAML_NO_EVENT };

    WA_TRY(next_event(r, &event, err)); /* the start of the stream */
    yaml_event_delete(&event);
    WA_TRY(next_event(r, &event, err));
    if (event.type == YAML_DOCUMENT_START_EVENT) {
        WA_TRY(read_child(r, 1, out, err));
        yaml_event_delete(&event);
        WA_TRY(next_event(r, &event, err)); /* the end of the document */
        yaml_event_delete(&event);
        WA_TRY(next_event(r, &event, err));
    }
    if (event.type != YAML_STREAM_END_EVENT)
        st = fail_at(r, event.start_mark.line + 1, event.start_mark.column + 1, err,
                     "a second document begins here; expected one document");
done:
    yaml_event_delete(&event);
    return st;
}

wa_status wa_yaml_parse(wa_text bytes, const wa_source *source, wa_arena *arena, wa_node **out, wa_error *err)
{
    wa_status     st    = WA_OK;
    wa_node      *root  = NULL;
    reader *const r     = wa_alloc_zeroed(arena->env, 1, sizeof *r);
    const size_t  limit = WA_YAML_MOST_BYTES;

    if (!r)
        return wa_fail_memory(err, source->name);
    r->bytes          = bytes;
    r->source         = source;
    r->arena          = arena;
    r->duplicates.env = arena->env;
    if (!yaml_parser_initialize(&r->parser)) {
        wa_release(arena->env, r);
        return wa_fail_memory(err, source->name);
    }
    if (bytes.n_bytes > limit)
        WA_FAIL(WA_ECONFIG, "%s: found %zu bytes, expected at most %zu (16 MiB)", source->name, bytes.n_bytes, limit);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)(bytes.data ? bytes.data : ""), bytes.n_bytes);
    WA_TRY(read_root(r, &root, err));
    if (!root || (root->kind == WA_NODE_SCALAR && root->is_plain && root->text.n_bytes == 0)) {
        const yaml_mark_t start = { 0 };

        if (!(root = new_node(r, WA_NODE_MAP, &start, wa_text_of(""))))
            WA_TRY(wa_fail_memory(err, source->name));
    }
    if (r->duplicates.failed)
        WA_TRY(wa_fail_memory(err, source->name));
    *out = root;
    if (r->duplicates.n_bytes > 0)
        WA_FAIL(WA_ECONFIG, "%.*s", (int)r->duplicates.n_bytes, r->duplicates.data);
done:
    wa_buf_clear(&r->duplicates);
    wa_release(arena->env, r->waiting);
    yaml_parser_delete(&r->parser);
    wa_release(arena->env, r);
    return st;
}

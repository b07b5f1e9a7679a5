/* Keys, merging, and dotted paths. See config_parts.h.
 *
 * Nodes may be shared through aliases, so nothing here changes one: merging makes new maps and keeps what is the same. */
#include <string.h>

#include "base/str.h"
#include "data/config_parts.h"

/* ---------------------------------------------------------------- nodes and keys */

void wa_node_describe(const wa_node *node, wa_buf *out)
{
    if (node->kind != WA_NODE_SCALAR)
        wa_buf_format(out, "a%s %s", node->n_items == 0 ? "n empty" : "", node->kind == WA_NODE_LIST ? "list" : "map");
    else if (wa_node_is_null(node))
        wa_buf_str(out, node->text.n_bytes > 0 ? "null" : "nothing");
    else
        wa_buf_format(out, "%s%s", node->is_plain ? "" : "the text ", wa_show(node->text).quoted);
}

const wa_key *wa_keys_find(const wa_key *keys, wa_text name)
{
    for (const wa_key *row = keys; row->name; row++)
        if (wa_text_is(name, row->name))
            return row;
    return NULL;
}

const wa_key *wa_keys_of_type(const wa_key *keys, wa_key_type type)
{
    for (const wa_key *row = keys; row->name; row++)
        if (row->type == type)
            return row;
    return NULL;
}

/* Whether the value counts in its group: null takes a key back, but is an empty map where a map is wanted. */
static bool counts(const wa_key *row, const wa_node *value)
{
    return value && (!wa_node_is_null(value) || row->type == WA_KEY_MAP || row->type == WA_KEY_SECTION);
}

const wa_node_item *wa_node_choose(const wa_node *map, const wa_key *keys, const wa_key *row, bool *is_excluded)
{
    const wa_node_item *const item     = map ? wa_node_find_item(map, wa_text_of(row->name)) : NULL;
    const bool                is_there = item && counts(row, item->value);

    *is_excluded = false;
    if (row->group == 0 || !map)
        return item;
    for (const wa_key *other = keys; other->name; other++) {
        const wa_node *const rival = other->group == row->group && other != row ? wa_node_find(map, wa_text_of(other->name)) : NULL;

        if (counts(other, rival) &&
            (!is_there || rival->layer > item->value->layer || (rival->layer == item->value->layer && other < row)))
            *is_excluded = true;
    }
    return is_there && !*is_excluded ? item : NULL;
}

void wa_frame_add(const wa_frame *frame, wa_buf *out)
{
    if (!frame)
        return;
    wa_frame_add(frame->around, out);
    if (frame->around)
        wa_buf_str(out, ".");
    wa_buf_str(out, frame->name);
}

/* ---------------------------------------------------------------- unknown keys */

typedef struct known_names {
    const wa_key            *keys;
    size_t                   n_keys;
    const wa_variant *const *variants; /* after the keys */
} known_names;

static const char *known_name(const void *user, size_t i)
{
    const known_names *const known = user;

    return i < known->n_keys ? known->keys[i].name : known->variants[i - known->n_keys]->name;
}

static size_t count_keys(const wa_key *keys)
{
    size_t n = 0;

    while (keys[n].name)
        n++;
    return n;
}

static size_t count_variants(const wa_variant *const *variants)
{
    size_t n = 0;

    while (variants[n])
        n++;
    return n;
}

/* "; did you mean 'a'?", or the names there are, where they are few. */
static void propose(const known_names *known, size_t n, wa_text name, wa_buf *out)
{
    enum { FEW = 12 };
    const size_t nearest = wa_nearest_name(name, known_name, known, n);

    if (nearest != WA_NONE)
        wa_buf_format(out, "; did you mean '%s'?", known_name(known, nearest));
    for (size_t i = 0; nearest == WA_NONE && n <= FEW && i < n; i++)
        wa_buf_format(out, "%s%s", i ? ", " : n == 1 ? "; expected " : "; expected one of ", known_name(known, i));
}

void wa_config_blame_key(wa_config *config, const wa_node *key, wa_text name, const wa_frame *frame, const wa_key *keys,
                         bool with_stages)
{
    const wa_key *const stages = with_stages ? wa_keys_of_type(keys, WA_KEY_STAGES) : NULL;
    const known_names   known  = { keys, count_keys(keys), stages ? stages->variants : NULL };
    wa_buf              text   = { .env = config->env };

    wa_buf_format(&text, "unknown key %s", wa_show(name).quoted);
    if (frame) {
        wa_buf_str(&text, " in ");
        wa_frame_add(frame, &text);
    }
    if (wa_text_is(name, "<<"))
        wa_buf_str(&text, "; merging maps by '<<' is not part of YAML 1.2: write the keys out");
    else
        propose(&known, known.n_keys + (stages ? count_variants(stages->variants) : 0), name, &text);
    wa_config_blame_text(config, key, &text);
}

/* ---------------------------------------------------------------- merging */

static wa_node *new_map(wa_config *config, const wa_node *place, size_t most_items)
{
    wa_node *const map = wa_config_alloc(config, 1, sizeof *map);

    if (!map || !(map->items = wa_config_alloc(config, most_items, sizeof *map->items)))
        return NULL;
    map->kind   = WA_NODE_MAP;
    map->text   = wa_text_of("");
    map->source = place->source;
    map->line   = place->line;
    map->column = place->column;
    map->layer  = place->layer;
    return map;
}

static bool index_map(wa_config *config, wa_node *map)
{
    const wa_node_item *first, *duplicate;

    if (!wa_node_index(map, &config->arena, &first, &duplicate))
        config->has_failed = true;
    return !config->has_failed;
}

wa_node *wa_config_merge(wa_config *config, wa_node *under, wa_node *over)
{
    if (!under || !over || under->kind != WA_NODE_MAP || over->kind != WA_NODE_MAP)
        return over;
    wa_node *const map = new_map(config, over->source->has_lines ? over : under, under->n_items + over->n_items);
    if (!map)
        return NULL;
    map->layer = over->layer > under->layer ? over->layer : under->layer;
    for (size_t i = 0; i < under->n_items; i++) {
        const wa_node_item *const newer = wa_node_find_item(over, under->items[i].key->text);
        wa_node_item              item  = under->items[i];

        if (newer)
            item = (wa_node_item){ newer->key, wa_config_merge(config, item.value, newer->value) };
        map->items[map->n_items++] = item;
        if (!item.value)
            return NULL;
    }
    for (size_t i = 0; i < over->n_items; i++)
        if (!wa_node_find_item(under, over->items[i].key->text))
            map->items[map->n_items++] = over->items[i];
    return index_map(config, map) ? map : NULL;
}

/* ---------------------------------------------------------------- dotted paths */

/* Takes the first segment off a path. */
static wa_text take_segment(wa_text *path)
{
    const char *const dot     = path->n_bytes > 0 ? memchr(path->data, '.', path->n_bytes) : NULL;
    const wa_text     segment = { path->data, dot ? (size_t)(dot - path->data) : path->n_bytes };

    *path = dot ? (wa_text){ dot + 1, path->n_bytes - segment.n_bytes - 1 } : (wa_text){ NULL, 0 };
    return segment;
}

bool wa_node_stage(const wa_node *item, wa_text *name, const wa_node **options)
{
    *options = NULL;
    if (item->kind == WA_NODE_SCALAR && !wa_node_is_null(item)) {
        *name = item->text;
        return true;
    }
    if (item->kind != WA_NODE_MAP || item->n_items != 1)
        return false;
    *name = item->items[0].key->text;
    if (!wa_node_is_null(item->items[0].value))
        *options = item->items[0].value;
    return true;
}

static size_t count_stages(const wa_node *list, const char *name)
{
    size_t         n = 0;
    wa_text        found;
    const wa_node *options;

    for (size_t i = 0; i < list->n_items; i++)
        n += wa_node_stage(list->items[i].value, &found, &options) && wa_text_is(found, name);
    return n;
}

/* The index in the list of stage number `ordinal` of that name; WA_NONE where there are not so many. */
static size_t find_stage(const wa_node *list, const char *name, size_t ordinal)
{
    wa_text        found;
    const wa_node *options;

    for (size_t i = 0; i < list->n_items; i++)
        if (wa_node_stage(list->items[i].value, &found, &options) && wa_text_is(found, name) && ordinal-- == 0)
            return i;
    return WA_NONE;
}

size_t wa_variant_index(const wa_key *stages, wa_text name)
{
    for (size_t i = 0; stages->variants[i]; i++)
        if (wa_text_is(name, stages->variants[i]->name))
            return i;
    return WA_NONE;
}

/* NULL where there are no stages, or none of that name. */
static const wa_variant *find_variant(const wa_key *stages, wa_text name)
{
    const size_t i = stages ? wa_variant_index(stages, name) : WA_NONE;

    return i == WA_NONE ? NULL : stages->variants[i];
}

/* ---------------------------------------------------------------- overriding */

/* One override on its way: the place that is blamed, and the value that goes to the end of the path. */
typedef struct override {
    wa_config *config;
    wa_node    place; /* of all nodes that are made */
    wa_text    path;  /* the whole of it */
    wa_node   *value;
} override;

/* { name: value } */
static wa_node *new_single(const override *o, wa_text name, wa_node *value)
{
    wa_node *const map = value ? new_map(o->config, &o->place, 1) : NULL;
    wa_node *const key = map ? wa_config_alloc(o->config, 1, sizeof *key) : NULL;

    if (!key)
        return NULL;
    *key         = o->place;
    key->kind    = WA_NODE_SCALAR;
    key->text    = wa_arena_text(&o->config->arena, name);
    map->n_items = 1;
    *map->items  = (wa_node_item){ key, value };
    if (!key->text.data)
        o->config->has_failed = true;
    return o->config->has_failed ? NULL : map;
}

/* The tree that gives the value at `path`, which is below `frame`; NULL where there is no such path, and it was blamed. */
static wa_node *build(const override *o, const wa_key *keys, const wa_frame *frame, wa_text path)
{
    const wa_text       segment = take_segment(&path);
    const wa_key *const row     = wa_keys_find(keys, segment);
    const wa_frame      inner   = { frame, row ? row->name : "" };

    if (!row) {
        wa_config_blame_key(o->config, &o->place, segment, frame, keys, !frame);
        return NULL;
    }
    if (!path.data)
        return new_single(o, segment, o->value);
    if (row->type == WA_KEY_MAP || row->type == WA_KEY_SECTION)
        return new_single(o, segment, build(o, row->keys, &inner, path));
    if (row->type == WA_KEY_TENSORS || (row->type == WA_KEY_TEXTS && wa_text_is(path, "file")))
        return new_single(o, segment, new_single(o, path, o->value));
    if (row->type == WA_KEY_STAGES)
        wa_config_blame(o->config, &o->place, "found %s; a stage is addressed by its own name and index, as in %s.0",
                        wa_show(o->path).quoted, row->variants[0]->name);
    else
        wa_config_blame(o->config, &o->place, "found %s, but %s has no keys", wa_show(o->path).quoted, row->name);
    return NULL;
}

/* A copy of the list with one stage changed. */
static wa_node *replace_stage(const override *o, const wa_node *list, size_t at, wa_node *change)
{
    wa_node *const      copy  = wa_config_alloc(o->config, 1, sizeof *copy);
    wa_node_item *const items = wa_config_alloc(o->config, list->n_items, sizeof *items);
    wa_node            *old   = list->items[at].value;

    if (!copy || !items)
        return NULL;
    if (old->kind == WA_NODE_SCALAR) { /* `- embed` stands for { embed: {} } */
        change->source = old->source;
        change->line   = old->line;
        change->column = old->column;
    }
    memcpy(items, list->items, list->n_items * sizeof *items);
    items[at].value = wa_config_merge(o->config, old, change);
    *copy           = *list;
    copy->items     = items;
    copy->layer     = o->place.layer;
    return items[at].value ? copy : NULL;
}

/* The place in the list of the stage that `rest`, which begins with `index`, addresses; false where there is none, and it was
 * blamed. */
static bool find_item(const override *o, const wa_node *list, const char *name, wa_text rest, wa_text index, size_t *at)
{
    const size_t n = list && list->kind == WA_NODE_LIST ? count_stages(list, name) : 0;
    size_t       ordinal;

    if (n == 0) {
        wa_config_blame(o->config, &o->place, "found %s, but the pipeline has no stage %s", wa_show(o->path).quoted, name);
    } else if (!wa_parse_size(index, &ordinal)) {
        wa_config_blame(o->config, &o->place, "found %s without the index of the stage%s; did you mean %s.0%s%.*s?",
                        wa_show(o->path).quoted, n == 1 ? "" : ", of which there are several", name, rest.data ? "." : "",
                        (int)rest.n_bytes, rest.data ? rest.data : "");
    } else if (ordinal >= n) {
        wa_config_blame(o->config, &o->place, "found %s, but there %s %zu %s stage%s, counted from 0", wa_show(o->path).quoted,
                        n == 1 ? "is" : "are", n, name, n == 1 ? "" : "s");
    } else {
        *at = find_stage(list, name, ordinal);
        return true;
    }
    return false;
}

/* "attention.0.heads": the stage is changed in the list that is there. */
static wa_node *build_stage(const override *o, const wa_key *stages, const wa_variant *variant, wa_text rest)
{
    const wa_node *const list  = wa_node_find(o->config->root, wa_text_of(stages->name));
    const wa_frame       frame = { NULL, variant->name };
    wa_text              path  = rest;
    const wa_text        index = take_segment(&path);
    size_t               at    = 0;

    if (!find_item(o, list, variant->name, rest, index, &at))
        return NULL;
    wa_node *const inner  = path.data ? build(o, variant->keys, &frame, path) : o->value;
    wa_node *const change = new_single(o, wa_text_of(variant->name), inner);
    wa_node *const copy   = change ? replace_stage(o, list, at, change) : NULL;
    return copy ? new_single(o, wa_text_of(stages->name), copy) : NULL;
}

void wa_config_override(wa_config *config, const wa_source *source, wa_text path, wa_node *value)
{
    const override      o     = { .config = config,
                                  .place  = { .kind = WA_NODE_SCALAR, .source = source, .layer = source->layer },
                                  .path   = path,
                                  .value  = value };
    wa_text             rest  = path;
    const wa_text       first = take_segment(&rest);
    const wa_key *const keys = config->schema->keys, *const stages = wa_keys_of_type(keys, WA_KEY_STAGES);
    const wa_variant *variant = wa_keys_find(keys, first) ? NULL : find_variant(stages, first);
    wa_node *const    tree    = variant ? build_stage(&o, stages, variant, rest) : build(&o, keys, NULL, path);
    wa_node *const    merged  = tree ? wa_config_merge(config, config->root, tree) : NULL;

    if (merged)
        config->root = merged;
}

/* ---------------------------------------------------------------- finding */

/* Goes from the outermost map into a stage. *item is its place in the list. */
static bool enter_stage(const wa_config *config, wa_text name, wa_text *rest, const wa_node **item, const wa_variant **variant)
{
    const wa_key *const  stages = wa_keys_of_type(config->schema->keys, WA_KEY_STAGES);
    const wa_node *const list   = stages ? wa_node_find(config->root, wa_text_of(stages->name)) : NULL;
    const wa_text        index  = take_segment(rest);
    size_t               ordinal, at;

    *variant = find_variant(stages, name);
    if (!*variant || !list || list->kind != WA_NODE_LIST || !wa_parse_size(index, &ordinal))
        return false;
    if ((at = find_stage(list, (*variant)->name, ordinal)) == WA_NONE)
        return false;
    *item = list->items[at].value;
    return true;
}

const wa_node *wa_config_locate(const wa_config *config, wa_text path)
{
    const wa_key  *keys = config->schema->keys;
    const wa_node *map = config->root, *nearest = config->root;

    while (path.data && keys && map && map->kind == WA_NODE_MAP) {
        const wa_text       segment = take_segment(&path);
        const wa_key *const row     = wa_keys_find(keys, segment);
        const wa_variant   *variant;
        wa_text             name;

        if (!row) {
            if (map != config->root || !enter_stage(config, segment, &path, &nearest, &variant))
                break;
            wa_node_stage(nearest, &name, &map);
            keys = variant->keys;
            continue;
        }
        const wa_node *const value = wa_node_find(map, segment);
        if (!value)
            break;
        nearest = map = value;
        keys          = row->keys;
        if (path.data && !keys && map->kind == WA_NODE_MAP && wa_node_find(map, path)) /* a tensor, or the file of texts */
            nearest = wa_node_find(map, path);
    }
    return nearest;
}

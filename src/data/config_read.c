/* The configuration as a whole into its struct, by the rows of the schema: maps, groups, stages, defaults. See config_parts.h. */
#include <assert.h>

#include "base/str.h"
#include "data/config_parts.h"
#include "data/yaml.h"

/* ---------------------------------------------------------------- maps */

static void read_map(wa_config *config, const wa_key *keys, const wa_frame *frame, const wa_node *map, const wa_node *around,
                     char *values);

/* The node of a map, NULL where it is empty by null. */
static bool take_map(const wa_reading *r, const wa_node **map)
{
    *map = wa_node_is_null(r->node) ? NULL : r->node;
    if (!*map || (*map)->kind == WA_NODE_MAP)
        return true;
    wa_reading_refuse(r, "");
    return false;
}

static void read_inner(const wa_reading *r)
{
    const wa_frame inner = { r->frame, r->row->name };
    const wa_node *map;

    if (!take_map(r, &map))
        return;
    if (r->row->type == WA_KEY_MAP)
        *(bool *)r->field = true;
    read_map(r->config, r->row->keys, &inner, map, r->node, r->field);
}

/* ---------------------------------------------------------------- stages */

enum { MOST_STAGES = 10000 }; /* each costs the memory of all its options */

static const char *variant_name(const void *user, size_t i)
{
    return ((const wa_key *)user)->variants[i]->name;
}

static void blame_stage(const wa_reading *r, const wa_node *item, wa_text name)
{
    size_t n    = 0;
    wa_buf text = { .env = r->config->env };

    while (r->row->variants[n])
        n++;
    const size_t nearest = wa_nearest_name(name, variant_name, r->row, n);
    wa_buf_format(&text, "unknown stage %s; ", wa_show(name).quoted);
    if (nearest != WA_NONE)
        wa_buf_format(&text, "did you mean '%s'?", variant_name(r->row, nearest));
    for (size_t i = 0; nearest == WA_NONE && i < n; i++)
        wa_buf_format(&text, "%s%s", i ? ", " : "expected one of ", variant_name(r->row, i));
    wa_config_blame_text(r->config, item, &text);
}

/* "name: found X, expected ..." */
static void blame_found(const wa_reading *r, const wa_node *node, const char *name, const char *expected)
{
    wa_buf text = { .env = r->config->env };

    wa_buf_format(&text, "%s: found ", name);
    wa_node_describe(node, &text);
    wa_buf_format(&text, ", expected %s", expected);
    wa_config_blame_text(r->config, node, &text);
}

/* Something in the list that is no stage. A map of several keys mostly lacks the indentation of its options. */
static void blame_item(const wa_reading *r, const wa_node *item)
{
    if (item->kind == WA_NODE_MAP && item->n_items > 1)
        wa_config_blame(r->config, item->items[1].key,
                        "found a second key %s in one stage, expected one; indent it below %s if it is an option of that",
                        wa_show(item->items[1].key->text).quoted, wa_show(item->items[0].key->text).quoted);
    else
        blame_found(r, item, r->row->name, "the name of a stage");
}

static void read_stage(const wa_reading *r, wa_node *item, wa_stages *stages)
{
    wa_text        name;
    const wa_node *options;

    if (!wa_node_stage(item, &name, &options)) {
        blame_item(r, item);
        return;
    }
    wa_stage_config *const stage = &stages->items[stages->n];
    const size_t           index = wa_variant_index(r->row, name);
    if (index == WA_NONE) {
        blame_stage(r, item, name);
        return;
    }
    const wa_variant *const variant = r->row->variants[index];
    const wa_frame          frame   = { NULL, variant->name };
    void *const             params  = wa_config_alloc(r->config, 1, variant->size);
    if (!params)
        return;
    *stage = (wa_stage_config){ .variant = index, .params = params };
    for (size_t i = 0; i < stages->n; i++)
        stage->ordinal += stages->items[i].variant == index;
    stages->n++;
    if (options && options->kind != WA_NODE_MAP)
        blame_found(r, options, variant->name, "a map of its options");
    else
        read_map(r->config, variant->keys, &frame, options, item, params);
}

static void read_stages(const wa_reading *r)
{
    wa_stages *const stages = r->field;

    if (r->node->kind != WA_NODE_LIST) {
        wa_reading_refuse(r, r->node->kind == WA_NODE_MAP ? "; begin each stage with '- '" : "");
        return;
    }
    if (r->node->n_items > MOST_STAGES) {
        wa_config_blame(r->config, r->node, "%s: found %zu stages, expected at most %d", r->row->name, r->node->n_items,
                        MOST_STAGES);
        return;
    }
    if (!(stages->items = wa_config_alloc(r->config, r->node->n_items, sizeof *stages->items)))
        return;
    for (size_t i = 0; i < r->node->n_items && !r->config->has_failed; i++)
        read_stage(r, r->node->items[i].value, stages);
}

/* ---------------------------------------------------------------- rows */

static void read_value(const wa_reading *r)
{
    if (r->row->type == WA_KEY_MAP || r->row->type == WA_KEY_SECTION)
        read_inner(r);
    else if (r->row->type == WA_KEY_STAGES)
        read_stages(r);
    else
        wa_reading_value(r);
}

/* A default is our own text: where it does not fit its row, the table is wrong. */
static void read_default(wa_reading *r)
{
    static const wa_source source   = { .name = "default" };
    const size_t           n_before = r->config->n_complaints;

    if (wa_yaml_parse(wa_text_of(r->row->default_text), &source, &r->config->arena, &r->node, NULL) != WA_OK)
        r->config->has_failed = true;
    else
        read_value(r);
    assert(r->config->n_complaints == n_before);
    (void)n_before;
}

static void blame_missing(const wa_reading *r, const wa_node *around)
{
    wa_buf text = { .env = r->config->env };

    wa_buf_format(&text, "the key '%s' is missing", r->row->name);
    if (r->frame) {
        wa_buf_str(&text, " in ");
        wa_frame_add(r->frame, &text);
    }
    wa_buf_format(&text, ": %s", r->row->help);
    wa_config_blame_text(r->config, around, &text);
}

/* `around` is the nearest map that is there, for the place of what is missing. */
static void read_row(wa_reading *r, const wa_key *keys, const wa_node *map, const wa_node *around)
{
    bool                      is_excluded;
    const wa_node_item *const item  = wa_node_choose(map, keys, r->row, &is_excluded);
    const wa_frame            inner = { r->frame, r->row->name };

    if (item) {
        r->node = item->value;
        read_value(r);
    } else if (is_excluded) {
        return;
    } else if (r->row->default_text) {
        read_default(r);
    } else if (r->row->type == WA_KEY_SECTION) {
        read_map(r->config, r->row->keys, &inner, NULL, around, r->field);
    } else if (r->row->is_required) {
        blame_missing(r, around);
    }
}

/* Two keys of a group in the layer that counts. */
static void check_group(wa_config *config, const wa_key *keys, const wa_key *row, const wa_frame *frame, const wa_node *map)
{
    bool                      is_excluded;
    const wa_node_item *const first = wa_node_choose(map, keys, row, &is_excluded);

    for (const wa_key *other = keys; first && row->group && other->name; other++) {
        const wa_node_item *const item    = other->group == row->group ? wa_node_find_item(map, wa_text_of(other->name)) : NULL;
        const bool                is_null = item && wa_node_is_null(item->value) && other->type != WA_KEY_MAP;

        if (!item || is_null || other == row || item->value->layer != first->value->layer)
            continue;
        wa_config_blame(config, item->key, "%s%s'%s' and '%s' exclude each other; keep one of them", frame ? frame->name : "",
                        frame ? ": " : "", row->name, other->name);
    }
}

static void read_map(wa_config *config, const wa_key *keys, const wa_frame *frame, const wa_node *map, const wa_node *around,
                     char *values)
{
    for (const wa_key *row = keys; row->name; row++) {
        wa_reading r = { .config = config, .row = row, .frame = frame, .field = values + row->offset };

        read_row(&r, keys, map, around);
        if (map)
            check_group(config, keys, row, frame, map);
    }
    for (size_t i = 0; map && i < map->n_items; i++)
        if (!wa_keys_find(keys, map->items[i].key->text))
            wa_config_blame_key(config, map->items[i].key, map->items[i].key->text, frame, keys, false);
}

void wa_config_read(wa_config *config)
{
    config->values = wa_config_alloc(config, 1, config->schema->size);
    if (config->values)
        read_map(config, config->schema->keys, NULL, config->root, config->root, config->values);
}

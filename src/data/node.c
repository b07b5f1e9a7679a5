/* Look-ups in a tree, and the core schema. See node.h. */
#include "data/node.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"

enum { FEW_ITEMS = 8 }; /* so many keys are compared one by one */

/* ---------------------------------------------------------------- maps */

/* The slot of a key: that of an equal one, or the free one where it belongs. */
static uint32_t *find_slot(const wa_node *map, wa_text key)
{
    size_t i = (size_t)wa_hash(key) & (map->n_slots - 1);

    while (map->slots[i] && !wa_text_equal(map->items[map->slots[i] - 1].key->text, key))
        i = (i + 1) & (map->n_slots - 1);
    return &map->slots[i];
}

static wa_node_item *find_among(const wa_node *map, size_t n, wa_text key)
{
    for (size_t i = 0; i < n; i++)
        if (wa_text_equal(map->items[i].key->text, key))
            return &map->items[i];
    return NULL;
}

wa_node_item *wa_node_find_item(const wa_node *map, wa_text key)
{
    if (!map->slots)
        return find_among(map, map->n_items, key);
    const uint32_t number = *find_slot(map, key);
    return number ? &map->items[number - 1] : NULL;
}

wa_node *wa_node_find(const wa_node *map, wa_text key)
{
    const wa_node_item *const item = wa_node_find_item(map, key);

    return item ? item->value : NULL;
}

bool wa_node_index(wa_node *map, wa_arena *arena, const wa_node_item **first, const wa_node_item **duplicate)
{
    *first = *duplicate = NULL;
    if (map->n_items > FEW_ITEMS) {
        for (map->n_slots = 2 * FEW_ITEMS; map->n_slots < 2 * map->n_items;)
            map->n_slots *= 2;
        if (!(map->slots = wa_arena_alloc_zeroed(arena, map->n_slots, sizeof *map->slots)))
            return false;
    }
    for (size_t i = 0; i < map->n_items && !*duplicate; i++) {
        const wa_text   key  = map->items[i].key->text;
        uint32_t *const slot = map->slots ? find_slot(map, key) : NULL;

        *first = slot ? (*slot ? &map->items[*slot - 1] : NULL) : find_among(map, i, key);
        if (*first)
            *duplicate = &map->items[i];
        else if (slot)
            *slot = (uint32_t)i + 1;
    }
    return true;
}

/* ---------------------------------------------------------------- scalars */

static bool is_one_of(const wa_node *node, const char *const words[3])
{
    if (node->kind != WA_NODE_SCALAR || !node->is_plain)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (wa_text_is(node->text, words[i]))
            return true;
    return false;
}

bool wa_node_is_null(const wa_node *node)
{
    static const char *const nulls[3] = { "null", "Null", "NULL" }, *const signs[3] = { "~", "", "" };

    return is_one_of(node, nulls) || is_one_of(node, signs);
}

bool wa_node_bool(const wa_node *node, bool *out)
{
    static const char *const yes[3] = { "true", "True", "TRUE" }, *const no[3] = { "false", "False", "FALSE" };
    const bool is_true = is_one_of(node, yes);

    if (!is_true && !is_one_of(node, no))
        return false;
    *out = is_true;
    return true;
}

/* The value of a digit of any base up to 16, or 16. */
static size_t digit_value(char c)
{
    return c >= '0' && c <= '9'   ? (size_t)(c - '0')
           : c >= 'a' && c <= 'f' ? (size_t)(c - 'a') + 10
           : c >= 'A' && c <= 'F' ? (size_t)(c - 'A') + 10
                                  : 16;
}

/* 0o17 and 0x1F. */
static bool parse_based(wa_text text, size_t *out)
{
    const size_t base  = text.n_bytes < 3 || text.data[0] != '0' ? 0 : text.data[1] == 'x' ? 16 : text.data[1] == 'o' ? 8 : 0;
    size_t       value = 0;

    if (base == 0)
        return false;
    for (size_t i = 2; i < text.n_bytes; i++) {
        const size_t digit = digit_value(text.data[i]);

        if (digit >= base || !wa_mul_size(value, base, &value) || !wa_add_size(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}

bool wa_node_size(const wa_node *node, size_t *out)
{
    wa_text text = node->text;

    if (node->kind != WA_NODE_SCALAR || !node->is_plain)
        return false;
    if (parse_based(text, out))
        return true;
    if (text.n_bytes > 1 && text.data[0] == '+')
        text = (wa_text){ text.data + 1, text.n_bytes - 1 };
    return wa_parse_size(text, out);
}

static bool parse_special(const wa_node *node, double *out)
{
    static const char *const infinite[3] = { ".inf", ".Inf", ".INF" }, *const none[3] = { ".nan", ".NaN", ".NAN" };
    const bool is_minus      = node->text.n_bytes > 0 && node->text.data[0] == '-';
    const bool has_sign      = is_minus || (node->text.n_bytes > 0 && node->text.data[0] == '+');
    wa_node    unsigned_node = *node;

    if (is_one_of(node, none)) {
        *out = (double)NAN;
        return true;
    }
    unsigned_node.text = (wa_text){ node->text.data + has_sign, node->text.n_bytes - has_sign };
    if (!is_one_of(&unsigned_node, infinite))
        return false;
    *out = is_minus ? -(double)INFINITY : (double)INFINITY;
    return true;
}

bool wa_node_double(const wa_node *node, double *out)
{
    size_t based;

    if (node->kind != WA_NODE_SCALAR || !node->is_plain)
        return false;
    if (parse_special(node, out))
        return true;
    if (parse_based(node->text, &based)) {
        *out = (double)based;
        return true;
    }
    for (size_t i = 0; i < node->text.n_bytes; i++)
        if (!memchr("0123456789+-.eE", node->text.data[i], 15)) /* the words nan and inf are no numbers in YAML */
            return false;
    return wa_parse_double(node->text, out);
}

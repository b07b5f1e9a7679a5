/* The tree of a document, whose every node knows where it stands, and what its scalars mean in the core schema of YAML 1.2: `no` is
 * a string, 1e-3 a number. */
#ifndef WA_DATA_NODE_H
#define WA_DATA_NODE_H

#include "base/mem.h"

/* Where nodes come from: a file, or an override of the command line. */
typedef struct wa_source {
    const char *name;      /* for messages: "configs/a.yaml" or "--set 2" */
    const char *path;      /* the file that relative paths are relative to; NULL: the working folder */
    size_t      layer;     /* a larger one overrides a smaller one */
    bool        has_lines; /* whether line and column mean anything to a user */
} wa_source;

typedef enum wa_node_kind { WA_NODE_SCALAR, WA_NODE_LIST, WA_NODE_MAP } wa_node_kind;

typedef struct wa_node wa_node;

typedef struct wa_node_item {
    wa_node *key; /* a scalar; NULL in lists */
    wa_node *value;
} wa_node_item;

struct wa_node {
    wa_node_kind     kind;
    bool             is_plain; /* a scalar without quotes: only those can be null, a bool or a number */
    wa_text          text;     /* of a scalar, a zero byte after it */
    wa_node_item    *items;    /* of a list or map, in the order of the document */
    size_t           n_items;
    const wa_source *source;
    size_t           line, column; /* from 1 */
    size_t           layer;        /* of the source, or a later one that was merged into it */
    uint32_t        *slots;        /* of a map with many items: a hash table of item numbers from 1; else NULL */
    size_t           n_slots;      /* a power of two */
};

wa_node *wa_node_find(const wa_node *map, wa_text key); /* the value of a key, or NULL */
/* The item of a key, or NULL. Cost: one look-up, however many items there are. */
wa_node_item *wa_node_find_item(const wa_node *map, wa_text key);

/* Makes the look-up of a map whose items have just been filled in. The first item, if any, whose key an earlier one has already is
 * *duplicate, and the earlier one *first. false: no memory. */
bool wa_node_index(wa_node *map, wa_arena *arena, const wa_node_item **first, const wa_node_item **duplicate);

/* What a plain scalar is in the core schema. Each is false, and *out untouched, where it is something else. */
bool wa_node_is_null(const wa_node *node);
bool wa_node_bool(const wa_node *node, bool *out);
bool wa_node_size(const wa_node *node, size_t *out);   /* a non-negative integer: decimal, 0o or 0x */
bool wa_node_double(const wa_node *node, double *out); /* any number, .inf and .nan included */

#endif

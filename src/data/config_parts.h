/* What the parts of the configuration share: config.c (layers, errors), config_tree.c (keys, merging, dotted paths), config_read.c
 * and config_values.c (nodes to structs), config_range.c (what a key takes), config_show.c (back to YAML). Nobody else includes
 * this. */
#ifndef WA_DATA_CONFIG_PARTS_H
#define WA_DATA_CONFIG_PARTS_H

#include "data/config.h"
#include "data/node.h"

enum {
    WA_CONFIG_MOST_DOCUMENTS  = 16,  /* that start from one another */
    WA_CONFIG_MOST_COMPLAINTS = 256, /* kept; an error message has no room for more */
};

typedef struct wa_complaint {
    size_t  layer, line, column;
    wa_text text; /* with its place */
} wa_complaint;

/* A file that the configuration names. */
typedef struct wa_named_file {
    const char    *key, *path;
    const wa_node *node;
} wa_named_file;

/* Once `has_failed` is set, there was no memory for something: what follows is of no use, and whoever ends a step reports it. */
struct wa_config {
    const wa_env    *env;
    const wa_schema *schema;
    wa_arena         arena; /* holds everything but the arrays below */
    const char      *path;
    wa_node         *root; /* all layers as one */
    void            *values;
    wa_complaint     complaints[WA_CONFIG_MOST_COMPLAINTS]; /* by layer, line and column; the first of n_complaints */
    size_t           n_kept, n_complaints;
    wa_named_file   *files;
    size_t           n_files, files_capacity;
    bool             has_failed;
};

/* The names around a key, for messages: "vectors.random". The outermost map has none. */
typedef struct wa_frame {
    const struct wa_frame *around;
    const char            *name;
} wa_frame;

/* ---------------------------------------------------------------- config.c */

void *wa_config_alloc(wa_config *config, size_t n, size_t size); /* zeroed; NULL sets has_failed */

/* "file:line:column", or "--set 2". */
void        wa_node_add_place(const wa_node *node, wa_buf *out);
const char *wa_config_place(wa_config *config, const wa_node *node);

/* Notes "place: message". */
void wa_config_blame(wa_config *config, const wa_node *node, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same with the message in a buffer, which is freed. */
void wa_config_blame_text(wa_config *config, const wa_node *node, wa_buf *text);
/* Notes a message that says its place itself. */
void wa_config_note(wa_config *config, const wa_source *source, const char *message);

/* A path as seen from the working folder: relative to the file that names it; "-" stays. Allocated in env; NULL: no memory. */
char *wa_node_path(const wa_node *node, const wa_env *env);

/* ---------------------------------------------------------------- config_tree.c */

void wa_node_describe(const wa_node *node, wa_buf *out); /* what was found: "'four'", "the text '4'", "a list", "null" */

const wa_key *wa_keys_find(const wa_key *keys, wa_text name);        /* or NULL */
const wa_key *wa_keys_of_type(const wa_key *keys, wa_key_type type); /* the first such row, or NULL */
size_t        wa_variant_index(const wa_key *stages, wa_text name);  /* of a stage in stages->variants, or WA_NONE */

/* The item of `map` (which may be NULL) that gives the row's value, or NULL. Null takes a key of a group back. *is_excluded:
 * another key of the row's group counts. */
const wa_node_item *wa_node_choose(const wa_node *map, const wa_key *keys, const wa_key *row, bool *is_excluded);

/* What a stage of the list is called, and its options (NULL where it has none); false where it is no stage. */
bool wa_node_stage(const wa_node *item, wa_text *name, const wa_node **options);

wa_node *wa_config_merge(wa_config *config, wa_node *under, wa_node *over);

/* Puts the value at a dotted path over config->root; what is wrong with the path is noted. */
void wa_config_override(wa_config *config, const wa_source *source, wa_text path, wa_node *value);

/* The node that a dotted path leads to, or the nearest one around it. */
const wa_node *wa_config_locate(const wa_config *config, wa_text path);

/* Notes a key that no row has. `with_stages`: names of stages count as known. */
void wa_config_blame_key(wa_config *config, const wa_node *key, wa_text name, const wa_frame *frame, const wa_key *keys,
                         bool with_stages);
void wa_frame_add(const wa_frame *frame, wa_buf *out); /* "vectors.random" */

/* ---------------------------------------------------------------- config_range.c */

/* The index of a word among those of "a|b|c", or WA_NONE. */
size_t wa_range_find(const char *range, wa_text word);
/* The word of "a|b|c" that is nearest to a misspelt one; empty where none is. */
wa_text wa_range_nearest(const char *range, wa_text word);
/* Whether a number lies within "1..64", "0..", ">0", or anywhere ("" or NULL). */
bool wa_range_holds(const char *range, double number);
/* What a row takes, in words: "a whole number from 1 to 64", "causal or none". */
void wa_row_expect(const wa_key *row, wa_buf *out);
/* The same, short, for a comment: "1..64", "causal | none"; nothing where the type says it all. */
void wa_row_hint(const wa_key *row, wa_buf *out);

/* ---------------------------------------------------------------- config_values.c */

/* A value on its way into a field. */
typedef struct wa_reading {
    wa_config      *config;
    const wa_key   *row;
    const wa_frame *frame; /* the names around the row's */
    wa_node        *node;
    void           *field;
} wa_reading;

/* Reads a value of any type but maps and stages. */
void wa_reading_value(const wa_reading *r);
/* Blames a value that is not what the row takes: names both, and adds a hint how to mend it, or "". */
void wa_reading_refuse(const wa_reading *r, const char *hint);

/* ---------------------------------------------------------------- config_read.c */

/* Reads config->root into config->values; what is wrong is noted. */
void wa_config_read(wa_config *config);

#endif

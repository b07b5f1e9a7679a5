/* Configurations: a table of keys turns a YAML document into a C struct, and the same table gives the defaults, the error texts,
 * `config show` and configs/default.yaml. The mechanism is here; the tables belong to the modules whose options they are.
 *
 * To add a key: add a field to the module's option struct and a row to its table, and run
 * `wordahead config default >configs/default.yaml`. Nothing else.
 *
 * A configuration is made of layers, later ones over earlier ones: the document named by a key of type WA_KEY_BASE (which may
 * have a base itself), the file, and each --set. Maps merge, everything else replaces. Paths are relative to the file that
 * names them. */
#ifndef WA_DATA_CONFIG_H
#define WA_DATA_CONFIG_H

#include "base/mem.h"

typedef enum wa_key_type {
    WA_KEY_BOOL,    /* bool */
    WA_KEY_SIZE,    /* size_t; range "1..64", "0.." */
    WA_KEY_NUMBER,  /* double; range "0..1", "0..", ">0", "" for any finite number */
    WA_KEY_CHOICE,  /* int, the index in the range "a|b|c" */
    WA_KEY_SCALE,   /* wa_scale: one word of the range "a|b", or a number */
    WA_KEY_TEXT,    /* wa_text; null is data NULL */
    WA_KEY_PATH,    /* const char *, resolved; NULL where not given; a word of the range "a|b" stays as it is */
    WA_KEY_TEXTS,   /* wa_texts: a list of texts, one text, or { file: PATH } */
    WA_KEY_SIZES,   /* wa_sizes: a list of whole numbers within the range, or one of them */
    WA_KEY_TENSORS, /* wa_tensors: a map from names to numbers in nested lists */
    WA_KEY_MAP,     /* a struct of its own, described by `keys`, in place; its first field is a bool: whether it is given */
    WA_KEY_SECTION, /* the same without that bool: always there, all its keys have defaults */
    WA_KEY_STAGES,  /* wa_stages: a list of one-key maps, each one of `variants` */
    WA_KEY_BASE,    /* const char *: the document to start from, a file or a folder with a model.yaml; NULL where none */
} wa_key_type;

typedef struct wa_key wa_key;

/* One kind of item of a WA_KEY_STAGES list. */
typedef struct wa_variant {
    const char   *name;
    const wa_key *keys;
    size_t        size; /* of the struct that the keys describe */
    const char   *help;
    bool          is_optional; /* shown commented out in configs/default.yaml */
    const void   *owner;       /* whatever the table's module wants to find again; not looked at here */
} wa_variant;

/* A row. A table ends in a zeroed row. */
struct wa_key {
    const char              *name;
    wa_key_type              type;
    size_t                   offset;       /* of the field in the struct */
    const char              *default_text; /* as YAML; NULL: none, the field stays zero */
    const char              *range;        /* see the types */
    const char              *help;         /* one line, no final point */
    const wa_key            *keys;         /* of WA_KEY_MAP and WA_KEY_SECTION */
    const wa_variant *const *variants;     /* of WA_KEY_STAGES; ends in NULL */
    int                      group; /* not 0: keys of one map with the same group exclude each other; that of the latest layer
                                     counts, two in one layer are an error */
    bool                     is_required;
    const char              *example; /* shown in configs/default.yaml where there is no default */
};

typedef struct wa_scale {
    int    choice; /* index of the word in the range, or -1: the number */
    double number;
} wa_scale;

typedef struct wa_sizes {
    size_t *items;
    size_t  n;
} wa_sizes;

typedef struct wa_texts {
    wa_text    *items;
    size_t      n;
    const char *file; /* resolved; NULL where the texts are given */
    bool        is_given;
} wa_texts;

typedef struct wa_tensor_value {
    wa_text name;
    size_t  rank, shape[4]; /* rank 1..4 */
    float  *data;
} wa_tensor_value;

typedef struct wa_tensors {
    wa_tensor_value *items; /* in the order of the document */
    size_t           n;
    bool             is_given;
} wa_tensors;

typedef struct wa_stage_config {
    size_t      variant; /* index in the variants */
    size_t      ordinal; /* among the stages of its kind, from 0 */
    const void *params;  /* the variant's struct */
} wa_stage_config;

typedef struct wa_stages {
    wa_stage_config *items;
    size_t           n;
} wa_stages;

typedef struct wa_schema {
    const wa_key *keys;
    size_t        size; /* of the struct that the keys describe */
} wa_schema;

typedef struct wa_config wa_config;

/* Reads a configuration, with everything it starts from and the overrides, and checks it against the schema.
 *
 * path     a file, or a folder that holds a model.yaml
 * sets     [n_sets] "key.key=value", value in YAML's flow style; a stage is addressed by its name and its index among its kind
 *          ("attention.0.heads=8"), a tensor by its whole name ("weights.values.norm.0.bias=[0, 0]")
 * schema   must live as long as the configuration
 * Errors   WA_ECONFIG with every error of every layer, a line each; WA_EIO; WA_ENOMEM. */
wa_status wa_config_open(const char *path, const char *const *sets, size_t n_sets, const wa_schema *schema, const wa_env *env,
                         wa_config **out, wa_error *err);
void      wa_config_close(wa_config *config);

/* The struct that the schema describes, alive as long as the configuration. */
const void *wa_config_values(const wa_config *config);

/* The file that was opened, for messages: path, or the model.yaml in it. */
const char *wa_config_path(const wa_config *config);

/* Where a value comes from: "configs/a.yaml:7:10", "--set 2", or, for a value nobody gave, the place of the nearest map around it.
 * `key` is as in --set: "attention.0.heads". The text lives as long as the configuration. */
const char *wa_config_where(wa_config *config, const char *key);

/* Notes an error found after reading, in what the values mean together, as "where: message"; wa_config_verdict() then reports
 * all of them, in the order they were noted. */
void      wa_config_complain(wa_config *config, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
wa_status wa_config_verdict(const wa_config *config, wa_error *err); /* WA_OK where there was none */

/* Complains about every file that the configuration names and that is not there; none is opened. */
void wa_config_check_files(wa_config *config);

/* A file that a configuration names, apart from what it starts from. */
typedef struct wa_config_file {
    const char *key; /* "vectors.file", "input"; of a stage without its index, "vocabulary.words" */
    const char *path;
} wa_config_file;
size_t         wa_config_n_files(const wa_config *config);
wa_config_file wa_config_file_of(const wa_config *config, size_t i); /* in the order of the schema */

/* The whole configuration as YAML, a key a line, each with a comment that says where its value comes from. It reads back
 * to the same configuration from the working folder. */
void wa_config_show(const wa_config *config, wa_buf *out);
/* The same with paths from the root: it reads back from every folder. */
void wa_config_show_rooted(const wa_config *config, wa_buf *out);

/* The values alone: no comments, and nothing of keys that name a file. Equal texts mean equal values, wherever they were given. */
void wa_config_show_bare(const wa_config *config, wa_buf *out);

/* configs/default.yaml: every key with its default, its range and its help. */
void wa_schema_show(const wa_schema *schema, wa_buf *out);

#endif

/* A stage of the pipeline: one row in a table.
 *
 * To add a stage:
 * 1. write src/model/<name>.c: a struct of its options, a table of keys for it, a wa_stage_ops with prepare() and forward(), and a
 *    wa_variant that holds them together;
 * 2. declare the variant at the end of this file, with the others;
 * 3. add it to wa_stage_variants in stage.c, and run `wordahead config default >configs/default.yaml`;
 * 4. describe its formula, weights and names in docs/MODEL.md, and give it a case under tests/golden/ from an independent source.
 * Nothing else knows the stages by name but the vocabulary, which must come last. */
#ifndef WA_MODEL_STAGE_H
#define WA_MODEL_STAGE_H

#include "base/pool.h"
#include "data/config.h"
#include "math/kernels.h"
#include "model/weights.h"

#define WA_N_KEPT 2 /* keys and values */

typedef struct wa_stage wa_stage;
typedef struct wa_flow  wa_flow;
typedef struct wa_build wa_build;

/* What a row of a stage's output is computed from. */
typedef enum wa_reach {
    WA_REACH_ROW,  /* the same row of its input */
    WA_REACH_PAST, /* that row and those before, so later words change nothing */
    WA_REACH_ALL,
} wa_reach;

typedef struct wa_stage_ops {
    const char *prefix;      /* of the names of its weights and quantities */
    bool        is_numbered; /* "prefix.0.", "prefix.1."; otherwise there is at most one such stage */

    /* Checks the options against what comes in, sets width_out, state, and reach and n_kept where they are not 0, and takes the
     * weights. Faults of the
     * configuration go to wa_config_complain(), those of the weights to the weights; the caller asks for both verdicts.
     * Errors  WA_ENOMEM, and WA_EIO or WA_EFORMAT of files it reads. */
    wa_status (*prepare)(wa_stage *stage, wa_build *build, wa_error *err);

    /* From flow->x, [T, width_in], to flow->x, [T, width_out], in memory of the flow's arena; what it was given stays as it is.
     * With flow->is_narrow only the last row of each part is wanted: [n_parts, width_out]. That is asked only of stages that reach
     * beyond a row.
     * Errors  WA_ENOMEM. */
    wa_status (*forward)(const wa_stage *stage, wa_flow *flow, wa_error *err);

    /* Frees what prepare() allocated outside the model's arena; NULL where there is nothing. */
    void (*clear)(wa_stage *stage);
} wa_stage_ops;

struct wa_stage {
    const wa_stage_ops *ops;
    const char         *name;    /* in the configuration, e.g. "add_norm" */
    size_t              ordinal; /* among the stages of its kind */
    const void         *params;  /* its options */
    void               *state;   /* its weights and what it computed of them */
    size_t              width_in, width_out;
    wa_reach            reach;
    size_t              n_kept[WA_N_KEPT]; /* floats that it keeps of each position; see wa_kept */
};

/* What a stage keeps of the positions it has seen, in its own layout, so that later words need not compute it again. It grows by
 * whole panels of positions. */
typedef struct wa_kept {
    float *data[WA_N_KEPT]; /* [capacity * n_kept[i]] */
    size_t capacity;        /* positions; a multiple of WA_PANEL */
} wa_kept;

/* What prepare() may look at. */
struct wa_build {
    wa_config           *config;
    const wa_experiment *experiment;
    const wa_env        *env;   /* lives as long as the model */
    wa_arena            *arena; /* likewise */
    wa_pool             *pool;  /* for what takes long; may be NULL */
    wa_weights          *weights;
    const wa_vectors    *vectors;
    const wa_stage      *previous; /* NULL for the first */
    const wa_text       *inputs;   /* [n_inputs] texts of the configuration */
    size_t               n_inputs;
};

#define WA_MOST_PARTS 8

/* A text of a run, or the words that were added to one: rows first to first + T - 1 of the flow, position n_past and those behind it. */
typedef struct wa_part {
    size_t first, T, n_past;
} wa_part;

/* One run over some texts at once, one after another, so that weights are read once for all of them. Rows of different texts have nothing
 * to do with each other. */
struct wa_flow {
    const wa_kernels *kernels;
    const wa_vectors *vectors;
    wa_arena         *arena; /* of the session; freed at its next call */
    wa_pool          *pool;  /* that shares large products; NULL where the run is itself a piece of a job */
    const size_t     *rows;  /* [T] the vectors of the words */
    size_t            T;     /* of all parts together */
    wa_part           parts[WA_MOST_PARTS];
    size_t            n_parts;   /* one where there is an observer, or something is kept */
    wa_kept          *kept;      /* of the stage that runs, for the positions before; NULL: nothing is kept, and there are none */
    bool              is_narrow; /* only the last row of each part is wanted of the stage that runs */
    const float      *x;         /* [T, width] what the last stage gave */
    const float      *before;    /* what it was given: the residual of the next */
    const float      *word_vectors; /* [T, D] as they stand in the file */
    wa_observer      *observer;
    void             *observer_user;
};

/* The kinds of stages, in the order of configs/default.yaml; ends in NULL. The owner of each is its wa_stage_ops. */
extern const wa_variant *const wa_stage_variants[];

/* Notes a fault of one option: `key` of the stage, or "" for the stage itself. */
#define wa_stage_complain(stage, build, key, ...)                                                                                  \
    wa_config_complain((build)->config, wa_stage_key((stage), (build)->arena, (key)), __VA_ARGS__)
/* "attention.0.heads", in the arena; "" where there is no memory. */
const char *wa_stage_key(const wa_stage *stage, wa_arena *arena, const char *key);

/* Takes "prefix.i.name" from the weights in one of the shapes; see wa_weights_take(). */
wa_status wa_stage_take(const wa_stage *stage, wa_build *build, const char *name, const wa_shape *accepted, size_t n_accepted,
                        wa_numbers *out, size_t *which, wa_error *err);
/* The same for one vector of n numbers, as aligned floats. */
wa_status wa_stage_take_vector(const wa_stage *stage, wa_build *build, const char *name, size_t n, const float **out,
                               wa_error *err);
/* The same for a matrix [O, D], packed, with a bias of the second name, unless that is NULL. */
wa_status wa_stage_take_matrix(const wa_stage *stage, wa_build *build, const char *name, const char *bias_name, size_t O, size_t D,
                               wa_panels *out, wa_error *err);
/* n numbers as aligned floats in the model's arena; NULL where numbers->data is. Errors: WA_ENOMEM. */
wa_status wa_stage_floats(wa_build *build, const wa_numbers *numbers, size_t n, const float **out, wa_error *err);
/* Packs rows into the model's arena, with all threads of the build. Nothing is done where rows->data is NULL.
 * Errors  WA_ENOMEM. */
wa_status wa_stage_pack(wa_build *build, const wa_rows *rows, wa_panels *out, wa_error *err);
bool      wa_stage_has(const wa_stage *stage, const wa_build *build, const char *name);

/* Room for n*m floats in the flow's arena; *out NULL never comes back with WA_OK. */
wa_status wa_flow_alloc(wa_flow *flow, size_t n, size_t m, float **out, wa_error *err);

/* x [T, D], rows x_stride apart, in blocks, in the flow's arena. A single row is packed as it stands. Errors: WA_ENOMEM. */
wa_status wa_flow_pack(wa_flow *flow, const float *x, size_t x_stride, size_t T, size_t D, const float **blocks, wa_error *err);
/* y [T, O], rows y_stride apart, = x w^T + bias for x [T, D] in blocks. */
void wa_flow_product_blocks(const wa_flow *flow, float *y, size_t y_stride, const float *blocks, size_t T, const wa_panels *w);
/* Both at once. */
wa_status wa_flow_product(wa_flow *flow, float *y, size_t y_stride, const float *x, size_t x_stride, size_t T, const wa_panels *w,
                          wa_error *err);

/* The last row of each part of x, [T, D]: *out [n_parts, D], in x itself where there is one part. Errors: WA_ENOMEM. */
wa_status wa_flow_last_rows(wa_flow *flow, const float *x, size_t D, const float **out, wa_error *err);

/* Shows a quantity "prefix.i.name" to the observer, if there is one. d0 0 means two dimensions: [d1, d2]. */
void wa_flow_show(const wa_flow *flow, const wa_stage *stage, const char *name, const float *data, size_t d0, size_t d1, size_t d2);

/* ---------------------------------------------------------------- the kinds there are */

extern const wa_variant wa_embedding_stage, wa_position_stage, wa_attention_stage, wa_norm_stage, wa_feed_forward_stage,
    wa_vocabulary_stage;

#endif

/* The whole schema of a configuration: what docs call "one YAML file describes one model or experiment".
 *
 * The tables of tokenizer and stages belong to their modules; here they are put together with what belongs to nobody else. */
#ifndef WA_MODEL_EXPERIMENT_H
#define WA_MODEL_EXPERIMENT_H

#include "data/config.h"
#include "data/tokenizer.h"

/* Random numbers in place of a file: `width` is for vectors only. */
typedef struct wa_random_opts {
    bool   is_given;
    size_t width, seed;
    int    distribution; /* uniform is the only one there is */
    double low, high;
} wa_random_opts;

typedef struct wa_experiment {
    const char *base;
    struct {
        const char     *file;
        wa_tensors      values;
        wa_random_opts  random;
        wa_vectors_opts opts;
    } vectors;
    wa_tokenizer_opts tokenizer;
    wa_stages         pipeline; /* variants are those of wa_stage_variants */
    struct {
        const char    *file;
        wa_random_opts random;
        wa_tensors     values;
    } weights;
    wa_texts input;
    struct {
        size_t   top;
        wa_texts trace;
    } report;
} wa_experiment;

/* Describes a wa_experiment. */
extern const wa_schema wa_experiment_schema;

#endif

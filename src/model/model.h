/* A model: a configuration and everything it names, ready to run. The public functions are in wordahead.h.
 *
 * Nothing in it changes after wa_model_open(), so sessions of several threads share it without locks. */
#ifndef WA_MODEL_MODEL_H
#define WA_MODEL_MODEL_H

#include "data/vectors.h"
#include "model/pipeline.h"

struct wa_model {
    wa_env               env;
    wa_arena             arena;
    wa_config           *config;
    const wa_experiment *experiment;
    wa_vectors          *vectors;
    wa_weights          *weights;
    const wa_kernels    *kernels;
    wa_pipeline          pipeline;
    size_t               start, unknown; /* rows of the vectors, or WA_NONE */
    wa_text             *inputs;         /* [n_inputs] */
    size_t               n_inputs;
};

/* The words of the vocabulary, or NULL where the pipeline has none. */
const wa_lexicon *wa_model_words(const wa_model *model);

#endif

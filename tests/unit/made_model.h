/* Models whose output weights and inputs a test chooses number by number: the pipeline is embed and vocabulary, so the input of
 * the vocabulary is the vector of the last word, bit for bit. */
#ifndef WA_TESTS_MADE_MODEL_H
#define WA_TESTS_MADE_MODEL_H

#include "small_model.h"

/* The vocabulary has the words "w0" to "w<N - 1>"; the words of a text are "x0" to "x<n_inputs - 1>". */
typedef struct made_model {
    size_t N, D, n_inputs;
    float *weight;  /* [N, D] */
    float *bias;    /* [N] */
    float *inputs;  /* [n_inputs, D] */
    bool   is_bf16; /* the weights lose all but 16 bits and are stored so */
    double temperature;
} made_model;

/* All numbers zero, the temperature 1. The caller fills it and gives it to made_model_clear(). */
made_model made_model_new(size_t N, size_t D, size_t n_inputs);
void       made_model_clear(made_model *made);

/* Writes the model's files and opens it. The files of the model before are overwritten, so that must be closed. */
wa_model *made_model_open(const made_model *made);

#endif

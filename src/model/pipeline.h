/* The stages of a model in their order: preparing them, and running them over the words of a text. */
#ifndef WA_MODEL_PIPELINE_H
#define WA_MODEL_PIPELINE_H

#include "model/stage.h"

typedef struct wa_pipeline {
    wa_stage       *stages;
    size_t          n_stages;
    size_t          width;      /* D of the last stage before the vocabulary */
    const wa_stage *vocabulary; /* the last stage, or NULL */
} wa_pipeline;

/* Prepares every stage of the experiment. What is wrong with several of them is reported at once.
 * Errors  WA_ECONFIG, WA_EMODEL, WA_EIO, WA_EFORMAT, WA_ENOMEM. On failure the pipeline is cleared. */
wa_status wa_pipeline_prepare(wa_pipeline *pipeline, wa_build *build, wa_error *err);
void      wa_pipeline_clear(wa_pipeline *pipeline);

/* Runs all stages over flow->T words, flow->rows; flow->x is then the output before the vocabulary, [T, width]. With an
 * observer, every quantity is shown, logits and probabilities of all positions included.
 * Errors  WA_ENOMEM; WA_EMODEL where the output is not finite. */
wa_status wa_pipeline_run(const wa_pipeline *pipeline, wa_flow *flow, wa_error *err);

/* The logits of n positions from `first` on of a flow that ran: [n, N] in the caller's memory, and the normaliser of each.
 * Errors  WA_EMODEL where one is not finite. */
wa_status wa_pipeline_words(const wa_pipeline *pipeline, const wa_flow *flow, size_t first, size_t n, float *logits,
                            wa_normaliser *normalisers, wa_error *err);

#endif

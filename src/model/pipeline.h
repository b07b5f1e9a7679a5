/* The stages of a model in their order: preparing them, and running them over the words of a text. */
#ifndef WA_MODEL_PIPELINE_H
#define WA_MODEL_PIPELINE_H

#include "model/stage.h"

typedef struct wa_pipeline {
    wa_stage       *stages;
    size_t          n_stages;
    size_t          width;      /* D of the last stage before the vocabulary */
    const wa_stage *vocabulary; /* the last stage, or NULL */
    bool            is_causal;  /* later words change nothing before them */
    size_t          narrow_at;  /* the last stage that reaches beyond a row, where that is worth knowing; else SIZE_MAX */
} wa_pipeline;

/* Prepares every stage of the experiment. What is wrong with several of them is reported at once.
 * Errors  WA_ECONFIG, WA_EMODEL, WA_EIO, WA_EFORMAT, WA_ENOMEM. On failure the pipeline is cleared. */
wa_status wa_pipeline_prepare(wa_pipeline *pipeline, wa_build *build, wa_error *err);
void      wa_pipeline_clear(wa_pipeline *pipeline);

/* Runs all stages over flow->T words, flow->rows; flow->x is then the output before the vocabulary, [T, width]. With an
 * observer, every quantity is shown, logits and probabilities of all positions included.
 *
 * kept          [n_stages] what each stage keeps of the positions before the flow's only part, with room for T more; only where the
 *               pipeline is causal. NULL: there are none before, and nothing is kept.
 * is_last_only  without an observer, only the last row of each part is wanted: [n_parts, width], each part being of one row then. What it
 *               costs is less.
 * Errors  WA_ENOMEM; WA_EMODEL where the output is not finite. */
wa_status wa_pipeline_run(const wa_pipeline *pipeline, wa_flow *flow, wa_kept *kept, bool is_last_only, wa_error *err);

/* WA_EMODEL: the logits of a position are not finite. */
wa_status wa_pipeline_fail_logits(size_t position, wa_error *err);

#endif

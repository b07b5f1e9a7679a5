/* What is measured: a table of workloads, and one job for each that is run.
 *
 * A job is prepared and run again and again; only bench_job_run() is timed. Run number i of a job takes text i, so the figure is of
 * many texts and not of one. To add a workload: a row of the table in workload.c; a new kind is a row of KINDS there. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "math/kernels.h"

typedef enum bench_kind { BENCH_RANK, BENCH_NEXT, BENCH_SCORE, BENCH_PRODUCT, BENCH_OPEN, BENCH_KINDS } bench_kind;

typedef struct bench_workload {
    const char *name;
    bench_kind  kind;
    const char *type; /* of the weights, "f32" or "bf16"; "given": the model of --model; of BENCH_OPEN: "binary" or "gzip" */
    size_t      N;    /* words; 0: as many as the model given has */
    size_t      T;    /* words of a text */
    size_t      batch;
    bool        words_only;
    size_t      n_threads; /* 0: as --threads says */
} bench_workload;

/* The kernels that models opened by this process use; NULL where the processor lacks those that WORDAHEAD_KERNELS names. */
const wa_kernels *bench_kernels(void);

/* All of them; name NULL ends the table. */
extern const bench_workload BENCH_WORKLOADS[];

/* Where models lie and how many threads work. */
typedef struct bench_settings {
    const char *data;  /* folder for what is made */
    const char *model; /* what "given" stands for */
    size_t      n_threads;
} bench_settings;

typedef struct bench_job bench_job;

/* Makes the files of a workload where they are missing. */
void bench_job_make(const bench_workload *w, const bench_settings *settings);

/* Opens what the workload needs; whatever fails ends the program with a sentence. Models stay open for the next job. */
bench_job *bench_job_new(const bench_workload *w, const bench_settings *settings);

void bench_job_prepare(bench_job *job, size_t i);
void bench_job_run(bench_job *job, size_t i);

/* The answers to all texts, a line each: workload, text, place, word index, log-probability, logit (of a score: rank). */
void bench_job_answers(bench_job *job, FILE *out);

/* Facts of one run. `n_bytes` are those that must be read at least: the weights of the vocabulary, in the type they are stored in, or
 * one byte a weight where words are screened; or the file. `n_operations`: the products and sums of the formulas, screened or not. */
typedef struct bench_facts {
    size_t N, D, n_threads;
    double n_bytes, n_operations;
    double share_computed;              /* of the words, whose logits the last run computed; 1 where all were */
    double heap_per_word, heap_at_most; /* bytes; BENCH_OPEN: held per word once open, and the most while opening, per word */
} bench_facts;

bench_facts bench_job_facts(const bench_job *job);

#endif

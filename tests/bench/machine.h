/* What this machine can do at most: the marks that a workload's figures are compared with.
 *
 * Both are measured, on the cores that the workloads run on, and are the best of many short runs: another process can only make
 * them smaller. They are marks, not laws; a workload whose data stay in a nearer cache may read faster than the mark. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

/* The name of instruction set i, the widest last; NULL behind the last. */
const char *bench_set(size_t i);

/* Operations a second of set i, on registers alone, in as many chains as hide their latency, on n_threads threads at the same time. A
 * fused multiply-add counts as two. 0 where the processor lacks the set. */
double bench_peak_of_set(size_t i, size_t n_threads);

/* Bytes a second of reading n_bytes of memory once, from one end to the other, each thread its part. */
double bench_peak_bytes(size_t n_threads, size_t n_bytes, bool has_large_pages);

#endif

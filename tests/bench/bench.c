/* Measures the library and prints one JSON line for each workload, and before it the peaks that it is compared with.
 *
 *     bench [--threads N] [--seconds S] [--model DIR] [--data DIR] [--answers FILE] [NAME-GLOB ...]
 *     bench --list | --make [NAME-GLOB ...] | --serve
 *
 * --threads  that the library uses; default: those that the process may use
 * --seconds  how long one workload is measured; default 2
 * --model    what the workloads with "given" in their names measure; default models/english
 * --data     folder for the models, which are made where they are missing; default build/bench
 * --answers  writes what was answered, tab-separated, for a comparison with other programs
 * --serve    reads lines "NAME SECONDS" and answers each with its JSON line, so that tools/bench_peers can let programs take turns
 *
 * Timings are of a warm process: files in the page cache, memory grown to what is needed. A time is that of one call, and a
 * workload of many texts is one call. */
#include <fnmatch.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "machine.h"
#include "wordahead.h"
#include "workload.h"

enum { MOST_SAMPLES = 20000, LEAST_SAMPLES = 5, MOST_WORKLOADS = 64 };

typedef struct bench {
    bench_settings settings;
    double         seconds;
    FILE          *answers;
    char         **globs;
    size_t         n_globs;
    bool           has_peaks;
    bench_job     *jobs[MOST_WORKLOADS]; /* as they are opened */
    double         samples[MOST_SAMPLES];
} bench;

/* ---------------------------------------------------------------- measuring */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double run_once(bench_job *job, size_t i)
{
    double began;

    bench_job_prepare(job, i);
    began = wa_clock_seconds();
    bench_job_run(job, i);
    return wa_clock_seconds() - began;
}

/* Samples until the time is over, sorted. A first part of the time is not counted: caches, clocks and branch predictors settle. */
static size_t measure(bench_job *job, double seconds, double *samples)
{
    const double began = wa_clock_seconds();
    size_t       n     = 0;

    for (size_t i = 0; i < 3 || wa_clock_seconds() - began < 0.1 * seconds; i++) {
        run_once(job, i);
        if (wa_clock_seconds() - began > 0.3 * seconds)
            break;
    }
    while (n < MOST_SAMPLES && (n < LEAST_SAMPLES || wa_clock_seconds() - began < seconds)) {
        samples[n] = run_once(job, n);
        n++;
    }
    qsort(samples, n, sizeof *samples, compare);
    return n;
}

/* The value below which this share of the n sorted samples lies. */
static double quantile(const double *samples, size_t n, double share)
{
    const double at   = share * (double)(n - 1);
    const size_t i    = (size_t)at;
    const double rest = at - (double)i;

    return i + 1 < n ? samples[i] * (1 - rest) + samples[i + 1] * rest : samples[i];
}

/* ---------------------------------------------------------------- peaks */

/* Measured once for each number of threads and size; sizes beyond what any cache holds read alike. The peak is that of large pages;
 * the other figure tells what they are worth. */
static double peak_bytes(size_t n_threads, double n_bytes)
{
    enum { MOST = 32, LEAST_BYTES = 1 << 20, MOST_BYTES = 1 << 28 };
    static struct {
        size_t n_threads, n_bytes;
        double per_second;
    } kept[MOST];
    const size_t size = n_bytes < LEAST_BYTES ? LEAST_BYTES : n_bytes > MOST_BYTES ? MOST_BYTES : (size_t)n_bytes;
    size_t       i    = 0;

    while (i < MOST - 1 && kept[i].n_threads && (kept[i].n_threads != n_threads || kept[i].n_bytes != size))
        i++;
    if (kept[i].n_threads != n_threads || kept[i].n_bytes != size) {
        kept[i].n_threads  = n_threads;
        kept[i].n_bytes    = size;
        kept[i].per_second = bench_peak_bytes(n_threads, size, true);
        printf("{\"name\":\"machine/read\",\"threads\":%zu,\"bytes\":%zu,\"bytes_per_s\":%.4g,\"small_pages_bytes_per_s\":%.4g}\n",
               n_threads, size, kept[i].per_second, bench_peak_bytes(n_threads, size, false));
    }
    return kept[i].per_second;
}

static double peak_operations(size_t n_threads)
{
    static double kept[WA_MOST_THREADS + 1];

    if (kept[n_threads] > 0)
        return kept[n_threads];
    for (size_t i = 0; bench_set(i); i++) {
        const double found = bench_peak_of_set(i, n_threads);

        if (found > 0)
            printf("{\"name\":\"machine/multiply-add/%s\",\"threads\":%zu,\"operations_per_s\":%.4g}\n", bench_set(i), n_threads,
                   found);
        if (found > kept[n_threads])
            kept[n_threads] = found;
    }
    return kept[n_threads];
}

/* ---------------------------------------------------------------- a workload */

static void print_result(const bench *b, const bench_workload *w, const bench_facts *facts, size_t n_samples)
{
    const double median = quantile(b->samples, n_samples, 0.5);
    const double bytes = facts->n_bytes / median, operations = facts->n_operations / median;
    double       most_bytes = 0, most_operations = 0;

    if (b->has_peaks) { /* first: they print lines of their own */
        most_bytes      = peak_bytes(facts->n_threads, facts->n_bytes);
        most_operations = peak_operations(facts->n_threads);
    }
    printf("{\"name\":\"%s\",\"N\":%zu,\"D\":%zu,\"T\":%zu,\"batch\":%zu,\"threads\":%zu,\"weights\":\"%s\",\"kernels\":\"%s\",",
           w->name, facts->N, facts->D, w->T, w->batch, facts->n_threads, w->type, bench_kernels()->name);
    printf("\"samples\":%zu,\"median_s\":%.6g,\"min_s\":%.6g,\"q1_s\":%.6g,\"q3_s\":%.6g,\"max_s\":%.6g,", n_samples, median,
           b->samples[0], quantile(b->samples, n_samples, 0.25), quantile(b->samples, n_samples, 0.75), b->samples[n_samples - 1]);
    printf("\"bytes\":%.0f,\"bytes_per_s\":%.4g,\"operations\":%.0f,\"operations_per_s\":%.4g", facts->n_bytes, bytes,
           facts->n_operations, operations);
    if (b->has_peaks)
        printf(",\"share_of_read_peak\":%.3f,\"share_of_multiply_add_peak\":%.3f", bytes / most_bytes,
               operations / most_operations);
    if (w->words_only)
        printf(",\"share_computed\":%.5f", facts->share_computed);
    if (w->kind == BENCH_OPEN)
        printf(",\"heap_bytes_per_word\":%.1f,\"heap_most_bytes_per_word\":%.1f", facts->heap_per_word, facts->heap_at_most);
    puts("}");
    fflush(stdout);
}

static void run_workload(bench *b, size_t i, double seconds)
{
    const bench_workload *w        = &BENCH_WORKLOADS[i];
    const bool            is_first = !b->jobs[i];
    bench_facts           facts;
    size_t                n;

    if (is_first)
        b->jobs[i] = bench_job_new(w, &b->settings);
    n     = measure(b->jobs[i], seconds, b->samples);
    facts = bench_job_facts(b->jobs[i]);
    print_result(b, w, &facts, n);
    if (is_first && b->answers) {
        bench_job_answers(b->jobs[i], b->answers);
        fflush(b->answers);
    }
}

static bool is_asked(const bench *b, const char *name)
{
    for (size_t i = 0; i < b->n_globs; i++)
        if (fnmatch(b->globs[i], name, 0) == 0)
            return true;
    return b->n_globs == 0;
}

/* ---------------------------------------------------------------- the program */

static int serve(bench *b)
{
    char   line[256], name[128];
    double seconds;

    while (fgets(line, sizeof line, stdin)) {
        size_t i = 0;

        if (sscanf(line, "%127s %lf", name, &seconds) != 2) {
            fprintf(stderr, "bench: expected NAME SECONDS, found %s", line);
            return 2;
        }
        while (BENCH_WORKLOADS[i].name && strcmp(BENCH_WORKLOADS[i].name, name) != 0)
            i++;
        if (!BENCH_WORKLOADS[i].name) {
            fprintf(stderr, "bench: no workload %s\n", name);
            return 2;
        }
        run_workload(b, i, seconds);
    }
    return 0;
}

typedef enum mode { MODE_MEASURE, MODE_LIST, MODE_MAKE, MODE_SERVE } mode;

static int run_mode(bench *b, mode as)
{
    size_t n_found = 0;

    if (as == MODE_SERVE)
        return serve(b);
    for (size_t i = 0; BENCH_WORKLOADS[i].name; i++) {
        if (!is_asked(b, BENCH_WORKLOADS[i].name))
            continue;
        n_found++;
        if (as == MODE_LIST)
            puts(BENCH_WORKLOADS[i].name);
        else if (as == MODE_MAKE)
            bench_job_make(&BENCH_WORKLOADS[i], &b->settings);
        else
            run_workload(b, i, b->seconds);
    }
    if (n_found == 0)
        fputs("bench: no workload has such a name; --list names them\n", stderr);
    return n_found ? 0 : 2;
}

static const struct option OPTIONS[] = {
    { "threads", required_argument, NULL, 't' },
    { "seconds", required_argument, NULL, 's' },
    { "model", required_argument, NULL, 'm' },
    { "data", required_argument, NULL, 'd' },
    { "answers", required_argument, NULL, 'a' },
    { "serve", no_argument, NULL, 'S' },
    { "list", no_argument, NULL, 'L' },
    { "make", no_argument, NULL, 'M' },
    { NULL, 0, NULL, 0 },
};

static bool set_option(bench *b, mode *as, int option)
{
    char *end = NULL;

    switch (option) {
    case 't':
        b->settings.n_threads = (size_t)strtoul(optarg, &end, 10);
        return *end == '\0' && b->settings.n_threads > 0 && b->settings.n_threads <= 256;
    case 's':
        b->seconds = strtod(optarg, &end);
        return *end == '\0' && b->seconds > 0;
    case 'm':
        b->settings.model = optarg;
        return true;
    case 'd':
        b->settings.data = optarg;
        return true;
    case 'a':
        if (!(b->answers = fopen(optarg, "w")))
            perror(optarg);
        return b->answers;
    case 'S':
        b->has_peaks = false;
        *as          = MODE_SERVE;
        return true;
    case 'L':
        *as = MODE_LIST;
        return true;
    case 'M':
        *as = MODE_MAKE;
        return true;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static bench b  = { .settings = { .data = "build/bench", .model = "models/english" }, .seconds = 2, .has_peaks = true };
    mode         as = MODE_MEASURE;
    int          option;

    b.settings.n_threads = wa_processors();
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1)
        if (!set_option(&b, &as, option)) {
            fputs("usage: bench [--threads N] [--seconds S] [--model DIR] [--data DIR] [--answers FILE] [NAME-GLOB ...]\n"
                  "       bench --list | --make [NAME-GLOB ...] | --serve\n",
                  stderr);
            return 2;
        }
    if (!bench_kernels()) {
        fprintf(stderr, "bench: WORDAHEAD_KERNELS: there are %s, as far as the processor has what they need\n", wa_kernels_names());
        return 2;
    }
    b.globs   = argv + optind;
    b.n_globs = (size_t)(argc - optind);
    option    = run_mode(&b, as);
    if (b.answers && fclose(b.answers)) {
        perror("bench: answers");
        return 4;
    }
    return option;
}

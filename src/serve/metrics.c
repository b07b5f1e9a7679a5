/* What the server counts about itself. See metrics.h. */
#include "serve/metrics.h"

#include <stdio.h>
#include <unistd.h>

#include "base/str.h"

static const double second_bounds[] = { 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30 };
static const double batch_bounds[]  = { 1, 2, 4, 8, 16, 32, 64, 128, 256 };

#define COUNT(array) (sizeof(array) / sizeof *(array))
_Static_assert(COUNT(second_bounds) < WA_METRICS_BUCKETS && COUNT(batch_bounds) < WA_METRICS_BUCKETS,
               "one more: for what is beyond");

static void observe(wa_histogram *h, const double *bounds, size_t n_bounds, double x)
{
    size_t i = 0;

    while (i < n_bounds && x > bounds[i])
        i++;
    h->buckets[i]++;
    h->n++;
    h->sum += x;
}

void wa_metrics_request(wa_metrics *metrics, size_t endpoint, unsigned status, double seconds)
{
    for (size_t i = 0; i < WA_METRICS_STATUSES; i++) {
        if (metrics->requests[endpoint][i].status != 0 && metrics->requests[endpoint][i].status != status)
            continue;
        metrics->requests[endpoint][i].status = status;
        metrics->requests[endpoint][i].n++;
        break;
    }
    observe(&metrics->seconds, second_bounds, COUNT(second_bounds), seconds);
}

void wa_metrics_batch(wa_metrics *metrics, size_t n_texts)
{
    observe(&metrics->batches, batch_bounds, COUNT(batch_bounds), (double)n_texts);
}

/* ---------------------------------------------------------------- text */

static void add_heading(wa_buf *out, const char *name, const char *type, const char *help)
{
    wa_buf_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_histogram(wa_buf *out, const char *name, const wa_histogram *h, const double *bounds, size_t n_bounds)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n_bounds; i++) {
        sum += h->buckets[i];
        wa_buf_format(out, "%s_bucket{le=\"%g\"} %llu\n", name, bounds[i], (unsigned long long)sum);
    }
    wa_buf_format(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9g\n%s_count %llu\n", name, (unsigned long long)h->n, name, h->sum,
                  name, (unsigned long long)h->n);
}

static void add_requests(wa_buf *out, const wa_metrics *metrics, const wa_metrics_now *now)
{
    add_heading(out, "wordahead_requests_total", "counter", "Requests that were answered, by endpoint and status.");
    for (size_t e = 0; e < now->n_endpoints; e++)
        for (size_t i = 0; i < WA_METRICS_STATUSES && metrics->requests[e][i].status; i++)
            wa_buf_format(out, "wordahead_requests_total{endpoint=\"%s\",status=\"%u\"} %llu\n", now->endpoints[e],
                          metrics->requests[e][i].status, (unsigned long long)metrics->requests[e][i].n);
}

static void add_gauge(wa_buf *out, const char *name, const char *help, size_t value)
{
    add_heading(out, name, "gauge", help);
    wa_buf_format(out, "%s %zu\n", name, value);
}

/* Source: Linux proc(5), /proc/self/statm: sizes in pages, the second is what is resident. */
static size_t resident_bytes(void)
{
    size_t      n_all = 0, n_resident = 0;
    FILE *const file = fopen("/proc/self/statm", "r");

    if (!file)
        return 0;
    if (fscanf(file, "%zu %zu", &n_all, &n_resident) != 2)
        n_resident = 0;
    fclose(file);
    return n_resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void add_label(wa_buf *out, wa_text value)
{
    for (size_t i = 0; i < value.n_bytes; i++) {
        const char c = value.data[i];

        if (c == '"' || c == '\\')
            wa_buf_format(out, "\\%c", c);
        else
            wa_buf_add(out, c == '\n' ? " " : &c, 1);
    }
}

void wa_metrics_add_text(const wa_metrics *metrics, const wa_metrics_now *now, wa_buf *out)
{
    add_heading(out, "wordahead_info", "gauge", "The version and the model that serves.");
    wa_buf_format(out, "wordahead_info{version=\"%s\",model=\"", wa_version());
    add_label(out, now->model);
    wa_buf_str(out, "\"} 1\n");
    add_requests(out, metrics, now);
    add_heading(out, "wordahead_request_seconds", "histogram", "From the first line of a request to the end of its answer.");
    add_histogram(out, "wordahead_request_seconds", &metrics->seconds, second_bounds, COUNT(second_bounds));
    add_heading(out, "wordahead_batch_texts", "histogram", "Texts that were computed together.");
    add_histogram(out, "wordahead_batch_texts", &metrics->batches, batch_bounds, COUNT(batch_bounds));
    add_heading(out, "wordahead_words_total", "counter", "Words of the texts that were computed, and words that were generated.");
    wa_buf_format(out, "wordahead_words_total %llu\n", (unsigned long long)metrics->n_words);
    add_gauge(out, "wordahead_connections", "Connections that are open.", now->n_connections);
    add_gauge(out, "wordahead_requests_waiting", "Requests that wait for the model.", now->n_waiting);
    add_gauge(out, "process_resident_memory_bytes", "Memory of the process, mapped files included.", resident_bytes());
}

/* What the server counts about itself, and Prometheus reads. */
#ifndef WA_SERVE_METRICS_H
#define WA_SERVE_METRICS_H

#include "base/mem.h"

#define WA_METRICS_ENDPOINTS 16
#define WA_METRICS_STATUSES  16
#define WA_METRICS_BUCKETS   16

typedef struct wa_histogram {
    uint64_t buckets[WA_METRICS_BUCKETS]; /* not cumulated */
    uint64_t n;
    double   sum;
} wa_histogram;

typedef struct wa_metrics {
    struct {
        unsigned status; /* 0: a free place */
        uint64_t n;
    } requests[WA_METRICS_ENDPOINTS][WA_METRICS_STATUSES];
    wa_histogram seconds; /* from the first line of a request to the end of its answer */
    wa_histogram batches; /* texts that were computed together */
    uint64_t     n_words;
} wa_metrics;

void wa_metrics_request(wa_metrics *metrics, size_t endpoint, unsigned status, double seconds);
void wa_metrics_batch(wa_metrics *metrics, size_t n_texts);

/* What is so at the moment. */
typedef struct wa_metrics_now {
    const char *const *endpoints; /* [n_endpoints] their paths */
    size_t             n_endpoints, n_connections, n_waiting;
    wa_text            model;
} wa_metrics_now;

/* The text format of Prometheus, version 0.0.4. */
void wa_metrics_add_text(const wa_metrics *metrics, const wa_metrics_now *now, wa_buf *out);

#endif

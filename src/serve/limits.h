/* What a request may ask for at most. The options of `wordahead serve` fill it; the defaults stand there. */
#ifndef WA_SERVE_LIMITS_H
#define WA_SERVE_LIMITS_H

#include <stddef.h>

typedef struct wa_limits {
    size_t body;        /* bytes */
    size_t seconds;     /* to arrive, to be answered once it is there, and to be taken by the client: for each of these */
    size_t connections; /* open at a time; others wait to be accepted */
    size_t waiting;     /* requests that wait for the model; more are refused */
    size_t texts;       /* of a request */
    size_t words;       /* of all its texts */
    size_t k;           /* ranked words */
    size_t tokens;      /* words that completions generate, all choices together */
    size_t values;      /* numbers of a trace, or of embeddings */
} wa_limits;

#endif

/* Everything one run of a text computed, copied as it was shown to an observer, under the names of the trace. */
#ifndef WA_REPORT_RECORD_H
#define WA_REPORT_RECORD_H

#include "base/status.h"
#include "model/session.h"

/* A quantity of the run. */
typedef struct wa_recorded {
    const char *name; /* e.g. "attention.0.weights" */
    size_t      rank, shape[3];
    float      *data; /* row-major */
} wa_recorded;

/* A word that the pipeline ran over. */
typedef struct wa_record_word {
    wa_text word;
    bool    is_known; /* false: the vector is that of the unknown word */
    size_t  row;      /* of the vectors */
} wa_record_word;

typedef struct wa_record {
    const wa_model *model;
    wa_arena        arena; /* holds all below */
    wa_text         name, text;
    wa_record_word *words;  /* [T] */
    wa_text        *labels; /* [T] the words alone */
    size_t          T;
    wa_text        *left_out; /* [n_left_out] unknown words that have no vector to stand for them */
    size_t          n_left_out;
    size_t          n_dropped; /* words that max_tokens left out */
    float          *vectors;   /* [T, D] as they stand in the file */
    wa_recorded    *arrays;    /* [n_arrays] in the order of the pipeline; of the vocabulary nothing */
    size_t          n_arrays;
    float          *logits, *probabilities; /* [N] of the last position; NULL where there is no vocabulary */
    size_t          N;
    wa_prediction  *next; /* [n_next] the ranking */
    size_t          n_next;
} wa_record;

/* Runs a text. The observer of the session is gone afterwards.
 *
 * name    what the run is called
 * k       how many next words are ranked
 * record  a zeroed struct; cleared by the caller whatever is returned. It refers to the session's model.
 * Errors  as wa_run() and wa_rank().
 * Cost    that of wa_run(), which computes the logits of all positions, and as much memory as the trace but for those. */
wa_status wa_record_run(wa_record *record, wa_session *session, wa_text name, wa_text text, size_t k, wa_error *err);
void      wa_record_clear(wa_record *record);

/* Reports of longer texts are abridged: no arrays for the script, and figures and tables of the last words only. */
enum { WA_RECORD_MOST_WORDS = 128, WA_RECORD_LAST_WORDS = 64 };
bool   wa_record_is_long(const wa_record *record);
size_t wa_record_first(const wa_record *record); /* the first position that is shown */

const wa_recorded *wa_record_find(const wa_record *record, const char *name); /* or NULL */
/* A quantity of a stage, or NULL: wa_record_of(record, stage, "output"). */
const wa_recorded *wa_record_of(const wa_record *record, const wa_stage *stage, const char *name);

size_t wa_recorded_count(const wa_recorded *array); /* of its numbers */

#endif

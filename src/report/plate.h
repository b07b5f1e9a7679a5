/* The heatmaps and arcs of recorded arrays, as they stand in pages and in files: which rows, which labels, which colours. */
#ifndef WA_REPORT_PLATE_H
#define WA_REPORT_PLATE_H

#include "report/figure.h"
#include "report/record.h"

enum { WA_PLATE_TEXT = 320, WA_PLATE_MOST_COLUMNS = 1024 };

/* Which part of which array. */
typedef struct wa_plate {
    const wa_record   *record;
    const wa_recorded *array;
    size_t             slice; /* head, of an array of rank 3 */
    size_t             run;   /* of the page, from 0 */
    wa_colours         colours;
    bool               is_alone; /* a file of its own */
    const char        *name;     /* of the run, before the title, where there are two; else NULL */
} wa_plate;

/* Columns of scores and weights are words; of all others, numbers. */
bool wa_recorded_is_by_word(const wa_recorded *array);
/* Whether it is "attention.i.weights": shares, which are also drawn as arcs. */
bool   wa_recorded_is_weights(const wa_recorded *array);
size_t wa_recorded_slices(const wa_recorded *array);
/* Row t of a slice. */
const float *wa_recorded_row(const wa_recorded *array, size_t slice, size_t t);

/* How many columns are drawn: of scores and weights those from wa_record_first() on, of others the first. */
size_t wa_plate_columns(const wa_record *record, const wa_recorded *array);

/* Colours for the whole array, all heads alike. */
wa_colours wa_plate_colours(const wa_record *record, const wa_recorded *array);

void wa_plate_add(wa_buf *out, const wa_plate *plate);
/* Of weights only. */
void wa_plate_add_arcs(wa_buf *out, const wa_plate *plate);

#define WA_PLATE_LEAST 0.05 /* weights below it have no arc */

#endif

/* Heatmaps and arcs of recorded arrays. See plate.h. */
#include "report/plate.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* ---------------------------------------------------------------- arrays */

bool wa_recorded_is_weights(const wa_recorded *array)
{
    const wa_text name = wa_text_of(array->name);

    return wa_text_begins(name, wa_text_of("attention.")) && wa_text_ends(name, ".weights");
}

bool wa_recorded_is_by_word(const wa_recorded *array)
{
    const wa_text name = wa_text_of(array->name);

    return wa_text_begins(name, wa_text_of("attention.")) && (wa_text_ends(name, ".weights") || wa_text_ends(name, ".scores"));
}

size_t wa_recorded_slices(const wa_recorded *array)
{
    return array->rank == 3 ? array->shape[0] : 1;
}

const float *wa_recorded_row(const wa_recorded *array, size_t slice, size_t t)
{
    const size_t n_rows = array->shape[array->rank - 2], n_columns = array->shape[array->rank - 1];

    return array->data + (slice * n_rows + t) * n_columns;
}

/* ---------------------------------------------------------------- what is shown */

size_t wa_plate_columns(const wa_record *record, const wa_recorded *array)
{
    const size_t n = array->shape[array->rank - 1];

    if (wa_recorded_is_by_word(array))
        return n - wa_record_first(record);
    return n < WA_PLATE_MOST_COLUMNS ? n : WA_PLATE_MOST_COLUMNS;
}

wa_colours wa_plate_colours(const wa_record *record, const wa_recorded *array)
{
    const bool   is_share = wa_recorded_is_weights(array);
    const size_t first = wa_record_first(record), column = wa_recorded_is_by_word(array) ? first : 0;
    wa_colours   colours = { .is_share = is_share };

    for (size_t slice = 0; slice < wa_recorded_slices(array); slice++)
        for (size_t t = first; t < record->T; t++)
            colours = wa_colours_join(
                colours, wa_colours_of(wa_recorded_row(array, slice, t) + column, wa_plate_columns(record, array), is_share));
    return colours;
}

/* ---------------------------------------------------------------- plates */

/* The texts of a figure, which it points to. */
typedef struct texts {
    char title[WA_PLATE_TEXT], label[WA_PLATE_TEXT], attributes[WA_PLATE_TEXT];
} texts;

static wa_figure describe(const wa_plate *p, const char *kind, const char *what, texts *t)
{
    const bool has_slices = p->array->rank == 3;
    char       head[32] = "", slice[32] = "";

    if (has_slices) {
        snprintf(head, sizeof head, "head %zu", p->slice);
        snprintf(slice, sizeof slice, " data-slice=\"%zu\"", p->slice);
    }
    snprintf(t->title, sizeof t->title, "%s%s%s%s%s", p->name ? p->name : "", p->name && (p->is_alone || has_slices) ? ", " : "",
             p->is_alone ? p->array->name : "", p->is_alone && has_slices ? ", " : "", head);
    snprintf(t->label, sizeof t->label, "%s of %s%s%s%s", what, p->array->name, has_slices ? ", " : "", head,
             p->is_alone ? "" : "; the table below has its numbers");
    snprintf(t->attributes, sizeof t->attributes, " data-run=\"%zu\" data-array=\"%s\"%s", p->run, p->array->name, slice);
    return (wa_figure){
        .kind = kind, .title = *t->title ? t->title : NULL, .label = t->label, .attributes = t->attributes, .is_alone = p->is_alone
    };
}

void wa_plate_add(wa_buf *out, const wa_plate *p)
{
    const size_t first = wa_record_first(p->record), n = wa_plate_columns(p->record, p->array);
    const bool   by_word = wa_recorded_is_by_word(p->array);
    texts        t;
    char         columns[64];
    wa_heatmap   map = {
          .figure    = describe(p, "map", "Heatmap", &t),
          .data      = wa_recorded_row(p->array, p->slice, first) + (by_word ? first : 0),
          .n_rows    = p->record->T - first,
          .n_columns = n,
          .stride    = p->array->shape[p->array->rank - 1],
          .rows      = p->record->labels + first,
          .columns   = by_word ? p->record->labels + first : NULL,
          .colours   = p->colours,
    };

    /* A long text's cells are not those of the array from the start, and there is no array beside them. */
    snprintf(columns, sizeof columns, " data-rows=\"%zu\" data-columns=\"%zu\"%s", map.n_rows, n,
             p->is_alone || first ? "" : " tabindex=\"0\"");
    snprintf(t.attributes + strlen(t.attributes), sizeof t.attributes - strlen(t.attributes), "%s", columns);
    wa_heatmap_add(out, &map);
}

void wa_plate_add_arcs(wa_buf *out, const wa_plate *p)
{
    const size_t first = wa_record_first(p->record);
    texts        t;
    wa_arcs      arcs = {
             .figure  = describe(p, "arcs", "Lines between words, by the weights", &t),
             .weights = wa_recorded_row(p->array, p->slice, first) + first,
             .n       = p->record->T - first,
             .stride  = p->array->shape[p->array->rank - 1],
             .words   = p->record->labels + first,
             .least   = WA_PLATE_LEAST,
    };

    wa_arcs_add(out, &arcs);
}

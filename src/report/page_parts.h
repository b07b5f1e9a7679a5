/* What the parts of a page share: page.c (the frame), page_sections.c (words and stages), page_quantity.c (a recorded array),
 * page_answer.c (the ranked words), page_compare.c (two runs), page_figures.c (files). Nobody else includes this. */
#ifndef WA_REPORT_PAGE_PARTS_H
#define WA_REPORT_PAGE_PARTS_H

#include "report/html.h"
#include "report/page.h"
#include "report/plate.h"

/* A page on its way: contents and sections grow side by side. */
typedef struct wa_page {
    wa_buf                contents, body;
    const wa_report_part *part; /* the run that is written about */
    size_t                run;
} wa_page;

/* Begins a section, closing none: its heading, and its line in the contents. `id` is told apart by run. */
void wa_page_open(wa_page *page, const char *id, const char *title);
void wa_page_close(wa_page *page);
/* An id or a part of a link, told apart by run. */
void wa_page_add_id(wa_buf *out, const wa_page *page, const char *id);

/* The sections of one run, in the order of the data. */
void wa_page_add_sections(wa_page *page);
/* Those about the ranked words; there is at least one. */
void wa_page_add_answer(wa_page *page);

/* Opens a figure with its heading; array NULL: it is of none. */
void wa_page_open_figure(wa_page *page, const char *id, const char *title, const wa_recorded *array);
/* The whole figure of a quantity of a stage. */
void wa_page_add_quantity(wa_page *page, const wa_stage *stage, const char *name);
/* Cells of a table: length, mean, least and largest of n numbers. */
void wa_page_add_summary(wa_buf *out, const float *x, size_t n);

/* The figures that are of no array. The bars are of a page, or with NULL a file of their own. */
void wa_page_add_bars(wa_buf *out, const wa_report_part *part, const wa_page *page);
void wa_page_add_contribution_map(wa_buf *out, const wa_report_part *part, bool is_alone);

/* What a quantity is called in words, and what is to be said of it; NULL where nothing is known. */
typedef struct wa_quantity_text {
    const char *prefix, *name; /* "attention", "query" */
    const char *title, *caption;
} wa_quantity_text;
const wa_quantity_text *wa_quantity_text_find(const char *array);

/* Rows of a table for a slice: all numbers where they are few, else length, mean, least and largest; of weights and scores the words with
 * the largest. */
void wa_page_add_table(wa_buf *out, const wa_record *record, const wa_recorded *array, size_t slice);

/* The whole file around the page. */
void wa_page_finish(wa_buf *out, wa_page *page, const char *title, const wa_report_part *parts, size_t n);

#endif

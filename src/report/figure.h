/* Figures as SVG: heatmaps, arcs between words, bars. Text stays text; colours are classes that wa_figure_style() defines for light and
 * dark, so one figure serves both.
 *
 * A heatmap is one <path> for each colour level, made of strokes as wide as a cell is high: a run of equal cells in a row is one stroke.
 * Cells of level 0 are the background. Cell (row, column) covers x in [column, column + 1) and y in [row, row + 1) of <g class="cells">. */
#ifndef WA_REPORT_FIGURE_H
#define WA_REPORT_FIGURE_H

#include "base/mem.h"

enum { WA_FIGURE_LEVELS = 16 }; /* on either side of 0 */
enum { WA_FIGURE_LABEL = 14 };  /* columns of a label; longer ones are cut */

/* The number that the last level stands for; colours go from -most to most, or for shares from 0 to most. */
typedef struct wa_colours {
    double most;
    bool   is_share;
} wa_colours;

/* Colours that the largest of n numbers uses up; not finite ones do not count. */
wa_colours wa_colours_of(const float *x, size_t n, bool is_share);
/* Those of both. */
wa_colours wa_colours_join(wa_colours a, wa_colours b);
/* From -WA_FIGURE_LEVELS to WA_FIGURE_LEVELS; 0 for what is not finite. */
int wa_colours_level(const wa_colours *colours, double x);

/* What a figure is, apart from its numbers. */
typedef struct wa_figure {
    const char *kind;       /* class of the <svg>: "map", "arcs", "bars", "still" */
    const char *title;      /* drawn above it; NULL: none */
    const char *label;      /* read aloud in its place */
    const char *attributes; /* more of the <svg>, e.g. " data-run=\"0\""; "" for none */
    bool        is_alone;   /* a file of its own: with name space and style */
} wa_figure;

typedef struct wa_heatmap {
    wa_figure      figure;
    const float   *data; /* rows `stride` numbers apart */
    size_t         n_rows, n_columns, stride;
    const wa_text *rows;    /* [n_rows] labels */
    const wa_text *columns; /* [n_columns], or NULL: they are numbered from 0 */
    wa_colours     colours;
    size_t         label_columns; /* of a row's label; longer ones are cut. 0: WA_FIGURE_LABEL */
} wa_heatmap;

void wa_heatmap_add(wa_buf *out, const wa_heatmap *map);
/* The paths alone. Each cell that is not of level 0 is covered by exactly one stroke. */
void wa_heatmap_add_cells(wa_buf *out, const wa_heatmap *map);

/* Words below one another, and for every weight of at least `least` an arc from the query's word to the key's, as thick as the weight. */
typedef struct wa_arcs {
    wa_figure      figure;
    const float   *weights; /* [n, n] queries by keys, rows `stride` apart */
    size_t         n, stride;
    const wa_text *words; /* [n] */
    double         least;
} wa_arcs;

void wa_arcs_add(wa_buf *out, const wa_arcs *arcs);

/* A bar for each number, of which the longest is `most`; `texts` stand behind them. */
typedef struct wa_bars {
    wa_figure      figure;
    const double  *values; /* [n] none negative */
    const wa_text *words, *texts;
    size_t         n;
    double         most;
} wa_bars;

void wa_bars_add(wa_buf *out, const wa_bars *bars);

/* The style sheet of all figures. */
void wa_figure_style(wa_buf *out);

#endif

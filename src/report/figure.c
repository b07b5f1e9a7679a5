/* Figures as SVG. See figure.h.
 *
 * Labels are monospaced, so how much room they take is known here: WIDTH_OF_COLUMN is that of DejaVu Sans Mono, the widest of the
 * fonts named, at 11 pixels. */
#include "report/figure.h"

#include <math.h>
#include <string.h>

#include "report/html.h"

#define WIDTH_OF_COLUMN 6.65

enum {
    GAP          = 6, /* between labels and what they belong to */
    LINE         = 16,
    LETTER       = 4,  /* from the middle of a letter down to the line it stands on */
    LEAST_SQUARE = 12, /* a cell of words by words; labels need as much */
    MOST_SQUARE  = 24,
    KEY_STEP     = 4, /* a level of the colour key */
    KEY_HEIGHT   = 8,
};

/* ---------------------------------------------------------------- colours */

wa_colours wa_colours_of(const float *x, size_t n, bool is_share)
{
    wa_colours c = { .is_share = is_share };

    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i]) && fabs((double)x[i]) > c.most)
            c.most = fabs((double)x[i]);
    return c;
}

wa_colours wa_colours_join(wa_colours a, wa_colours b)
{
    return (wa_colours){ a.most > b.most ? a.most : b.most, a.is_share && b.is_share };
}

int wa_colours_level(const wa_colours *c, double x)
{
    if (!isfinite(x) || c->most <= 0)
        return 0;
    const double level = round(x / c->most * WA_FIGURE_LEVELS);
    return level > WA_FIGURE_LEVELS ? WA_FIGURE_LEVELS : level < -WA_FIGURE_LEVELS ? -WA_FIGURE_LEVELS : (int)level;
}

/* "a3" below 0, "b3" above; shares have the side of one colour. */
static void add_level(wa_buf *out, const wa_colours *c, int level)
{
    wa_buf_format(out, "%c%d", level < 0 || c->is_share ? 'a' : 'b', level < 0 ? -level : level);
}

/* ---------------------------------------------------------------- labels */

static double width_of(size_t columns)
{
    return (double)columns * WIDTH_OF_COLUMN;
}

static size_t longest(const wa_text *words, size_t n, size_t limit)
{
    size_t most = 1;

    for (size_t i = 0; i < n; i++) {
        const size_t columns = wa_html_columns(words[i]);

        most = columns > most ? columns : most;
    }
    return most < limit ? most : limit;
}

/* A word between the tags of a <text>, whole in a title where it is cut. */
static void add_label(wa_buf *out, wa_text word, size_t limit)
{
    if (wa_html_columns(word) > limit)
        wa_html_format(out, "<title>%t</title>", word);
    wa_html_fit(out, word, limit);
}

static void open_figure(wa_buf *out, const wa_figure *f, double width, double height)
{
    wa_buf_format(out, "<svg class=\"%s\" role=\"img\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\"%s", f->kind,
                  ceil(width), ceil(height), ceil(width), ceil(height), f->attributes);
    wa_html_format(out, " aria-label=\"%t\"%s>", wa_text_of(f->label), f->is_alone ? " xmlns=\"http://www.w3.org/2000/svg\"" : "");
    if (f->is_alone) {
        wa_buf_str(out, "<style>");
        wa_figure_style(out);
        wa_buf_str(out, "</style>");
    }
    if (f->title)
        wa_html_format(out, "<text class=\"title\" x=\"0\" y=\"12\">%t</text>", wa_text_of(f->title));
}

static double title_height(const wa_figure *f)
{
    return f->title ? LINE + 4 : 0;
}

static double title_width(const wa_figure *f)
{
    return f->title ? width_of(wa_html_columns(wa_text_of(f->title))) + GAP : 0;
}

/* ---------------------------------------------------------------- heatmaps */

/* Where the parts of a heatmap lie. */
typedef struct layout {
    double left, top; /* of the cells */
    double cell_width, cell_height;
    double key; /* where the colour key begins */
    double width, height;
} layout;

static size_t row_label(const wa_heatmap *map)
{
    return map->label_columns ? map->label_columns : WA_FIGURE_LABEL;
}

/* Of numbered columns. As many as a head has are drawn so that four heads stand side by side, as many as a vector has fill the page. */
static double cell_width(size_t n_columns)
{
    const double width = n_columns <= 12 ? MOST_SQUARE : (n_columns <= 80 ? 200.0 : 1080.0) / (double)n_columns;

    return width < 2 ? 2 : width > 10 && n_columns > 12 ? 10 : width;
}

/* In the colour key. */
static size_t count_levels(const wa_heatmap *map)
{
    return map->colours.is_share ? WA_FIGURE_LEVELS + 1 : 2 * WA_FIGURE_LEVELS + 1;
}

static layout lay_out(const wa_heatmap *map)
{
    layout       l      = { .cell_height = map->n_rows > 32 ? 13 : LINE };
    const double square = 205.0 / (double)map->n_columns; /* so that up to 15 words by 15 words stand four in a row, too */

    l.cell_width = cell_width(map->n_columns);
    if (map->columns)
        l.cell_width = l.cell_height = square < LEAST_SQUARE ? LEAST_SQUARE : square > MOST_SQUARE ? MOST_SQUARE : square;
    l.left = width_of(longest(map->rows, map->n_rows, row_label(map))) + GAP;
    l.top  = title_height(&map->figure) + GAP +
            (map->columns ? width_of(longest(map->columns, map->n_columns, WA_FIGURE_LABEL)) : LINE - 4);

    /* A number of ten characters may stand around either end of the key. */
    const double around = width_of(10) / 2, end = l.left + (double)map->n_columns * l.cell_width + GAP + LETTER;
    l.key    = l.left + 2 * GAP > around ? l.left + 2 * GAP : around;
    l.width  = l.key + KEY_STEP * (double)count_levels(map) + around;
    l.width  = end > l.width ? end : l.width;
    l.width  = title_width(&map->figure) > l.width ? title_width(&map->figure) : l.width;
    l.height = l.top + (double)map->n_rows * l.cell_height + KEY_HEIGHT + 2 * LINE;
    return l;
}

/* The strokes of one level. A stroke ends where the next one's gap begins, so only gaps are written. */
static void add_strokes(wa_buf *out, const wa_heatmap *map, int level)
{
    bool is_open = false;

    for (size_t r = 0; r < map->n_rows; r++) {
        const float *const x  = map->data + r * map->stride;
        size_t             at = WA_NONE; /* the column behind the last stroke of the row */

        for (size_t c = 0, n; c < map->n_columns; c += n) {
            for (n = 1; c + n < map->n_columns &&
                        wa_colours_level(&map->colours, (double)x[c + n]) == wa_colours_level(&map->colours, (double)x[c]);)
                n++;
            if (wa_colours_level(&map->colours, (double)x[c]) != level)
                continue;
            if (!is_open) {
                wa_buf_str(out, "<path class=\"");
                add_level(out, &map->colours, level);
                wa_buf_str(out, "\" d=\"");
                is_open = true;
            }
            if (at == WA_NONE)
                wa_buf_format(out, "M%zu %zu.5h%zu", c, r, n);
            else
                wa_buf_format(out, "m%zu 0h%zu", c - at, n);
            at = c + n;
        }
    }
    wa_buf_str(out, is_open ? "\"/>" : "");
}

void wa_heatmap_add_cells(wa_buf *out, const wa_heatmap *map)
{
    for (int level = -WA_FIGURE_LEVELS; level <= WA_FIGURE_LEVELS; level++)
        if (level != 0)
            add_strokes(out, map, level);
}

static void add_row_labels(wa_buf *out, const wa_heatmap *map, const layout *l)
{
    wa_buf_str(out, "<g class=\"rows\">");
    for (size_t r = 0; r < map->n_rows; r++) {
        wa_buf_format(out, "<text x=\"%.1f\" y=\"%.1f\">", l->left - GAP, l->top + ((double)r + 0.5) * l->cell_height + LETTER);
        add_label(out, map->rows[r], row_label(map));
        wa_buf_str(out, "</text>");
    }
    wa_buf_str(out, "</g>");
}

/* Every n-th number, so that they stand apart. */
static size_t step_of_numbers(const wa_heatmap *map, const layout *l)
{
    static const size_t steps[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500 };
    const size_t        n = sizeof steps / sizeof *steps, most = map->n_columns - 1;
    const double        room = width_of(most < 10 ? 1 : most < 100 ? 2 : most < 1000 ? 3 : 4) + 8;
    size_t              i    = 0;

    while (i + 1 < n && (double)steps[i] * l->cell_width < room)
        i++;
    return steps[i];
}

static void add_column_labels(wa_buf *out, const wa_heatmap *map, const layout *l)
{
    const size_t step = map->columns ? 1 : step_of_numbers(map, l);

    wa_buf_format(out, "<g class=\"%s\">", map->columns ? "columns" : "numbers");
    for (size_t c = 0; c < map->n_columns; c += step) {
        const double x = l->left + ((double)c + 0.5) * l->cell_width;

        if (map->columns) {
            wa_buf_format(out, "<text transform=\"translate(%.1f %.1f)rotate(-90)\">", x + LETTER, l->top - GAP);
            add_label(out, map->columns[c], WA_FIGURE_LABEL);
        } else {
            wa_buf_format(out, "<text x=\"%.1f\" y=\"%.1f\">%zu", x, l->top - GAP, c);
        }
        wa_buf_str(out, "</text>");
    }
    wa_buf_str(out, "</g>");
}

/* All levels side by side, and the numbers they stand for. */
static void add_key(wa_buf *out, const wa_heatmap *map, const layout *l)
{
    const int    least = map->colours.is_share ? 0 : -WA_FIGURE_LEVELS;
    const double n = (double)count_levels(map), x = l->key, y = l->top + (double)map->n_rows * l->cell_height + 10;
    const double ends[] = { map->colours.is_share ? 0 : -map->colours.most, 0, map->colours.most };

    wa_buf_format(out, "<g class=\"key\" transform=\"translate(%.1f %.1f)scale(%d %d)\"><path class=\"v0\" d=\"M%d .5h1\"/>", x, y,
                  KEY_STEP, KEY_HEIGHT, -least);
    for (int level = least; level <= WA_FIGURE_LEVELS; level++) {
        if (level == 0)
            continue;
        wa_buf_str(out, "<path class=\"");
        add_level(out, &map->colours, level);
        wa_buf_format(out, "\" d=\"M%d .5h1\"/>", level - least);
    }
    wa_buf_str(out, "</g><g class=\"numbers\">");
    for (int i = 0; i < 3; i++) {
        if (i == 1 && map->colours.is_share)
            continue;
        wa_buf_format(out, "<text x=\"%.1f\" y=\"%.1f\">",
                      x + KEY_STEP * (i == 0   ? 0.5
                                      : i == 1 ? n / 2.0
                                               : n - 0.5),
                      y + KEY_HEIGHT + 12);
        wa_html_number(out, ends[i]);
        wa_buf_str(out, "</text>");
    }
    wa_buf_str(out, "</g>");
}

void wa_heatmap_add(wa_buf *out, const wa_heatmap *map)
{
    const layout l = lay_out(map);

    open_figure(out, &map->figure, l.width, l.height);
    add_row_labels(out, map, &l);
    add_column_labels(out, map, &l);
    wa_buf_format(out,
                  "<g class=\"cells\" transform=\"translate(%.1f %.1f)scale(%.4g %.4g)\"><rect class=\"ground\" width=\"%zu\" "
                  "height=\"%zu\"/>",
                  l.left, l.top, l.cell_width, l.cell_height, map->n_columns, map->n_rows);
    wa_heatmap_add_cells(out, map);
    wa_buf_str(out, "</g>");
    add_key(out, map, &l);
    wa_buf_str(out, "</svg>");
}

/* ---------------------------------------------------------------- arcs */

enum { ARC_ROW = 20, ARC_REACH = 150 };

static void add_arc(wa_buf *out, size_t from, size_t to, double weight, double x, double top)
{
    const double y_from = top + ((double)from + 0.5) * ARC_ROW, y_to = top + ((double)to + 0.5) * ARC_ROW;
    const double reach = 20 + 11 * fabs((double)from - (double)to);

    wa_buf_format(out, "<path%s data-from=\"%zu\" data-to=\"%zu\" stroke-width=\"%.1f\" stroke-opacity=\"%.2f\" d=\"",
                  to > from ? " class=\"later\"" : "", from, to, 0.6 + (from == to ? 2 : 4) * weight, 0.35 + 0.6 * weight);
    if (from == to)
        wa_buf_format(out, "M%.1f %.1fc20 -10 20 16 0 6", x, y_from - 3);
    else
        wa_buf_format(out, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x, y_from, x + (reach < ARC_REACH ? reach : ARC_REACH),
                      y_from, x + (reach < ARC_REACH ? reach : ARC_REACH), y_to, x, y_to);
    wa_buf_str(out, "\"/>");
}

void wa_arcs_add(wa_buf *out, const wa_arcs *arcs)
{
    const double left = width_of(longest(arcs->words, arcs->n, WA_FIGURE_LABEL)) + GAP, top = title_height(&arcs->figure);
    const double reach = 20 + 11 * (double)arcs->n, width = left + GAP + 0.75 * (reach < ARC_REACH ? reach : ARC_REACH) + 10;

    open_figure(out, &arcs->figure, width > title_width(&arcs->figure) ? width : title_width(&arcs->figure),
                top + (double)arcs->n * ARC_ROW + 4);
    wa_buf_str(out, "<g class=\"rows\">");
    for (size_t t = 0; t < arcs->n; t++) {
        wa_buf_format(out, "<text data-word=\"%zu\" x=\"%.1f\" y=\"%.1f\">", t, left - GAP,
                      top + ((double)t + 0.5) * ARC_ROW + LETTER);
        add_label(out, arcs->words[t], WA_FIGURE_LABEL);
        wa_buf_str(out, "</text>");
    }
    wa_buf_str(out, "</g><g class=\"lines\">");
    for (size_t q = 0; q < arcs->n; q++)
        for (size_t k = 0; k < arcs->n; k++)
            if ((double)arcs->weights[q * arcs->stride + k] >= arcs->least)
                add_arc(out, q, k, (double)arcs->weights[q * arcs->stride + k], left, top);
    wa_buf_str(out, "</g></svg>");
}

/* ---------------------------------------------------------------- bars */

enum { BAR_ROW = 20, BAR_LENGTH = 150 };

void wa_bars_add(wa_buf *out, const wa_bars *bars)
{
    const double left = width_of(longest(bars->words, bars->n, WA_FIGURE_LABEL)) + GAP, top = title_height(&bars->figure);
    const double width = left + BAR_LENGTH + GAP + width_of(longest(bars->texts, bars->n, WA_FIGURE_LABEL)) + GAP;

    open_figure(out, &bars->figure, width > title_width(&bars->figure) ? width : title_width(&bars->figure),
                top + (double)bars->n * BAR_ROW);
    for (size_t i = 0; i < bars->n; i++) {
        const double length = bars->most > 0 ? BAR_LENGTH * bars->values[i] / bars->most : 0, y = top + (double)i * BAR_ROW;

        wa_buf_format(out, "<g data-row=\"%zu\"><text class=\"row\" x=\"%.1f\" y=\"%.1f\">", i, left - GAP,
                      y + BAR_ROW / 2 + LETTER);
        add_label(out, bars->words[i], WA_FIGURE_LABEL);
        wa_buf_format(out, "</text><rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>", left, y + 4, length,
                      BAR_ROW - 8);
        wa_buf_format(out, "<text x=\"%.1f\" y=\"%.1f\">", left + length + GAP, y + BAR_ROW / 2 + LETTER);
        wa_html_text(out, bars->texts[i]);
        wa_buf_str(out, "</text></g>");
    }
    wa_buf_str(out, "</svg>");
}

/* ---------------------------------------------------------------- style */

/* A colour in OKLab, in which equal steps look equal. Source: Ottosson 2020, "A perceptual color space for image processing". */
typedef struct lab {
    double l, a, b;
} lab;

static double to_linear(unsigned byte)
{
    const double c = byte / 255.0;

    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static unsigned to_byte(double c)
{
    c = c <= 0.0031308 ? 12.92 * c : 1.055 * pow(c, 1 / 2.4) - 0.055;
    return c <= 0 ? 0 : c >= 1 ? 255 : (unsigned)(255 * c + 0.5);
}

static lab lab_of(unsigned rgb)
{
    const double r = to_linear(rgb >> 16), g = to_linear(rgb >> 8 & 255), b = to_linear(rgb & 255);
    const double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);

    return (lab){ 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s, 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
                  0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s };
}

static unsigned rgb_of(lab c)
{
    const double l = pow(c.l + 0.3963377774 * c.a + 0.2158037573 * c.b, 3);
    const double m = pow(c.l - 0.1055613458 * c.a - 0.0638541728 * c.b, 3);
    const double s = pow(c.l - 0.0894841775 * c.a - 1.2914855480 * c.b, 3);

    return to_byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s) << 16 |
           to_byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s) << 8 |
           to_byte(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

/* Between three anchors at 0, 1/2 and 1. */
static unsigned between(const unsigned anchors[3], double at)
{
    const size_t i    = at < 0.5 ? 0 : 1;
    const double part = 2 * at - (double)i;
    const lab    from = lab_of(anchors[i]), to = lab_of(anchors[i + 1]);

    return rgb_of((lab){ from.l + part * (to.l - from.l), from.a + part * (to.a - from.a), from.b + part * (to.b - from.b) });
}

/* Blue below 0 and orange above it, which the common forms of colour blindness leave apart, and lightness alone tells how far from 0.
 * Source of the middle colours: Okabe & Ito 2008, "Color Universal Design". */
static void add_palette(wa_buf *out, bool is_dark)
{
    static const unsigned sides[2][2][3] = {
        { { 0xF2F2EF, 0x0072B2, 0x003F69 }, { 0xF2F2EF, 0xD55E00, 0x7F3500 } },
        { { 0x22262B, 0x0072B2, 0xA8DCFF }, { 0x22262B, 0xD55E00, 0xFFDCA8 } },
    };

    wa_buf_format(out, ":root{--v0:#%06x;--ink:#%06x;--arc:#%06x", sides[is_dark][0][0], is_dark ? 0xE6E6E3u : 0x22262Bu,
                  is_dark ? 0x6DB9F0u : 0x0066A1u);
    for (int side = 0; side < 2; side++)
        for (int level = 1; level <= WA_FIGURE_LEVELS; level++)
            wa_buf_format(out, ";--%c%d:#%06x", "ab"[side], level, between(sides[is_dark][side], level / (double)WA_FIGURE_LEVELS));
    wa_buf_str(out, "}");
}

void wa_figure_style(wa_buf *out)
{
    add_palette(out, false);
    wa_buf_str(out, "@media screen and (prefers-color-scheme:dark){");
    add_palette(out, true);
    wa_buf_str(out,
               "}\nsvg text{font:11px \"DejaVu Sans Mono\",Menlo,Consolas,monospace;fill:var(--ink)}svg .title{font-weight:bold}"
               "svg .rows text,svg .row{text-anchor:end}svg .numbers text{text-anchor:middle}"
               ".cells path,.key path{fill:none;stroke-width:1;shape-rendering:crispEdges}.ground{fill:var(--v0)}"
               ".lines path{fill:none;stroke:var(--arc);stroke-linecap:round}.lines .later{stroke-dasharray:4 3}"
               ".bar{fill:var(--arc)}.v0{stroke:var(--v0)}");
    for (int side = 0; side < 2; side++)
        for (int level = 1; level <= WA_FIGURE_LEVELS; level++)
            wa_buf_format(out, ".%c%d{stroke:var(--%c%d)}", "ab"[side], level, "ab"[side], level);
}

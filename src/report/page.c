/* The frame of a page, and the order of what stands in it. See page.h. */
#include "report/page.h"

#include <assert.h>

#include "base/asset.h"
#include "base/str.h"
#include "report/data.h"
#include "report/page_parts.h"

WA_ASSET(report_style, "src/report/report.css");
WA_ASSET(report_steps, "src/report/steps.js");
WA_ASSET(report_arithmetic, "src/report/arithmetic.js");
WA_ASSET(report_script, "src/report/report.js");

/* ---------------------------------------------------------------- sections */

void wa_page_add_id(wa_buf *out, const wa_page *page, const char *id)
{
    if (page->run > 0)
        wa_buf_format(out, "run%zu.", page->run);
    wa_buf_str(out, id);
}

void wa_page_open(wa_page *page, const char *id, const char *title)
{
    wa_buf_str(&page->contents, "<li><a href=\"#");
    wa_page_add_id(&page->contents, page, id);
    wa_html_format(&page->contents, "\">%t</a></li>", wa_text_of(title));
    wa_buf_str(&page->body, "<section id=\"");
    wa_page_add_id(&page->body, page, id);
    wa_html_format(&page->body, "\"><h2>%t</h2>", wa_text_of(title));
}

void wa_page_close(wa_page *page)
{
    wa_buf_str(&page->body, "</section>\n");
}

/* ---------------------------------------------------------------- the file */

static void add_head(wa_buf *out, const char *title, wa_text text)
{
    wa_html_format(out,
                   "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
                   "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                   "<meta name=\"color-scheme\" content=\"light dark\"><title>%t: ",
                   wa_text_of(title));
    wa_html_fit(out, text, 60);
    wa_buf_str(out, "</title><style>\n");
    wa_figure_style(out);
    wa_buf_text(out, wa_asset_text(report_style));
    wa_buf_str(out, "</style></head>\n");
}

static void add_notes(wa_buf *out, const wa_report_part *parts, size_t n)
{
    wa_html_format(out, "<footer><p>Made by wordahead %t. The page holds its numbers and asks no network for anything.</p>",
                   wa_text_of(WA_VERSION));
    for (size_t i = 0; i < n; i++)
        if (wa_record_is_long(parts[i].record)) {
            wa_html_format(
                out,
                "<p id=\"abridged\">The text has %z words, more than %z, so this page is abridged: figures and tables show "
                "the last %z words, and the arrays are not in the page; <code>wordahead run --trace</code> records them.</p>",
                parts[i].record->T, (size_t)WA_RECORD_MOST_WORDS, (size_t)WA_RECORD_LAST_WORDS);
            break;
        }
    wa_buf_str(
        out, "<p>Colours: blue is below zero and orange above; of shares, deeper blue is more. They are made between the blue and "
             "the vermilion of Okabe and Ito (2008), even steps in OKLab, so that common forms of colour blindness tell them "
             "apart.</p></footer>");
}

static bool is_one_text(const wa_report_part *parts, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (!wa_text_equal(parts[i].record->text, parts[0].record->text))
            return false;
    return true;
}

void wa_page_finish(wa_buf *out, wa_page *page, const char *title, const wa_report_part *parts, size_t n)
{
    const wa_record *records[WA_PAGE_MOST_RUNS];

    assert(n > 0 && n <= WA_PAGE_MOST_RUNS);
    add_head(out, title, parts[0].record->text);
    wa_html_format(out, "<body><header><h1>%t</h1>", wa_text_of(title));
    if (is_one_text(parts, n))
        wa_html_format(out, "<blockquote>%t</blockquote>", parts[0].record->text);
    wa_buf_str(out, "</header>\n<nav aria-label=\"Contents\"><ol>");
    wa_buf_text(out, wa_buf_view(&page->contents));
    wa_buf_str(out, "</ol></nav>\n<aside id=\"cell\" aria-live=\"polite\" hidden></aside>\n<main>\n");
    wa_buf_text(out, wa_buf_view(&page->body));
    wa_buf_str(out, "</main>\n");
    add_notes(out, parts, n);
    for (size_t i = 0; i < n; i++)
        records[i] = parts[i].record;
    wa_buf_str(out, "\n<script type=\"application/json\" id=\"report-data\">");
    wa_report_add_data(out, records, n);
    wa_buf_str(out, "</script>\n<script>\n");
    wa_buf_text(out, wa_asset_text(report_steps));
    wa_buf_text(out, wa_asset_text(report_arithmetic));
    wa_buf_text(out, wa_asset_text(report_script));
    wa_buf_str(out, "</script>\n</body></html>\n");
    out->failed = out->failed || page->contents.failed || page->body.failed;
    wa_buf_clear(&page->contents);
    wa_buf_clear(&page->body);
}

/* Of several texts: which one the sections behind it are about. */
static void begin_text(wa_page *page)
{
    const wa_record *const record = page->part->record;

    wa_html_format(&page->contents, "<li class=\"text\"><a href=\"#text%z\">%t: ", page->run + 1, record->name);
    wa_html_fit(&page->contents, record->text, 60);
    wa_buf_str(&page->contents, "</a></li>");
    wa_html_format(&page->body, "<header id=\"text%z\"><h2>%t</h2><blockquote>%t</blockquote></header>\n", page->run + 1,
                   record->name, record->text);
}

void wa_page_add(wa_buf *out, const wa_report_part *parts, size_t n)
{
    wa_page page = { .contents.env = out->env, .body.env = out->env };

    for (page.run = 0; page.run < n; page.run++) {
        page.part = &parts[page.run];
        if (n > 1)
            begin_text(&page);
        wa_page_add_sections(&page);
    }
    wa_page_finish(out, &page, parts[0].record->n_next > 0 ? "How the next word came about" : "What a pipeline computed", parts, n);
}

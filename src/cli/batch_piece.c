/* Pieces of the input: lines are read into them and computed. See batch_parts.h. */
#include <assert.h>

#include "base/status.h"
#include "cli/batch_parts.h"
#include "cli/cli.h"

/* Lines of more bytes than that are not kept together: what is computed for them takes some hundred times as much. */
enum { MOST_BYTES = 1 << 18 };

/* ---------------------------------------------------------------- reading */

static void reset_piece(wa_batch_piece *p)
{
    p->n             = 0;
    p->bytes.n_bytes = p->segments.n_bytes = 0;
    p->event                               = WA_CORPUS_LINE;
    p->is_urgent                           = false;
    wa_answers_reset(&p->answers);
}

wa_cli_line wa_batch_name_line(const wa_batch_runner *r, const wa_corpus_line *line)
{
    return (wa_cli_line){
        .file        = r->batch->are_texts ? NULL : r->batch->operands.items[line->file],
        .file_index  = line->file,
        .number      = line->number,
        .offset      = line->offset,
        .is_in_shard = r->shard.n > 0,
        .text        = line->text,
    };
}

/* Takes the next line, or what is in its place. */
static void read_line(wa_batch_runner *r, wa_batch_piece *p)
{
    wa_corpus_line line = { 0 };

    p->event = wa_corpus_next(r->corpus, &line, &p->reason);
    if (p->event == WA_CORPUS_END)
        return; /* of no file, where there are none */
    p->bad_line = wa_batch_name_line(r, &line);
    if (p->event != WA_CORPUS_LINE)
        return;
    wa_buf_text(&p->bytes, line.text);
    if (p->bytes.failed) {
        wa_fail_memory(&p->reason, "line");
        p->bytes.failed = false; /* the lines before are there */
        p->event        = WA_CORPUS_BAD_LINE;
        return;
    }
    p->lines[p->n++] = p->bad_line;
}

/* The bytes move while they grow, so the lines are told where theirs are only now. */
static void place_lines(wa_batch_piece *p)
{
    const char *at = p->bytes.data;

    for (size_t i = 0; i < p->n; i++) {
        p->lines[i].text.data = at;
        p->texts[i]           = p->lines[i].text;
        at += p->texts[i].n_bytes;
    }
}

/* Before the program waits, a piece goes through that hands on everything before it. false: it goes on with reading. */
static bool must_hand_on(wa_batch_runner *r, wa_batch_piece *p)
{
    if (wa_corpus_is_ready(r->corpus))
        return false;
    p->is_urgent = p->n > 0 || !r->is_handed_on;
    r->is_handed_on |= p->is_urgent;
    while (!p->is_urgent && !wa_cli_is_stopping() && !wa_corpus_is_ready(r->corpus))
        wa_corpus_wait(r->corpus);
    return p->is_urgent;
}

bool wa_batch_read(void *user, size_t slot)
{
    wa_batch_runner *const r = user;
    wa_batch_piece *const  p = &r->pieces[slot];

    reset_piece(p);
    while (p->n < r->batch->n_most && p->bytes.n_bytes < MOST_BYTES && p->event == WA_CORPUS_LINE) {
        if (must_hand_on(r, p) || wa_cli_is_stopping())
            break;
        read_line(r, p);
        r->is_handed_on &= p->event == WA_CORPUS_END;
    }
    place_lines(p);
    p->place        = wa_corpus_reached(r->corpus);
    p->n_bytes_read = wa_corpus_bytes_read(r->corpus);
    return p->n > 0 || p->is_urgent || p->event == WA_CORPUS_BAD_LINE || p->event == WA_CORPUS_BAD_FILE;
}

/* ---------------------------------------------------------------- computing */

/* Notes that the records of a line begin here. */
static void begin_line(wa_batch_piece *p, const wa_cli_line *line)
{
    wa_batch_segment *const last =
        p->segments.n_bytes ? (wa_batch_segment *)(void *)(p->segments.data + p->segments.n_bytes) - 1 : NULL;
    const wa_batch_segment own = { line->file_index, line->number, p->answers.records.n_bytes, line->number == 1 };

    if (last && last->file == line->file_index)
        last->n_lines = line->number;
    else
        wa_buf_add(&p->segments, &own, sizeof own);
}

static void take_line(wa_batch_runner *r, wa_batch_piece *p, const wa_cli_line *line, const void *result)
{
    if (p->answers.records.n_bytes > 0)
        wa_buf_text(&p->answers.records, r->batch->separator);
    begin_line(p, line);
    r->batch->verb->take(r->batch->user, &p->answers, line, result);
    p->answers.outcome.n_done++;
}

static void fail_line(wa_batch_runner *r, wa_batch_piece *p, const wa_cli_line *line, const wa_error *err)
{
    begin_line(p, line);
    wa_answers_line_failed(&p->answers, line, err);
    if (r->batch->verb->fail)
        r->batch->verb->fail(r->batch->user, &p->answers, line, err);
}

void wa_batch_work(void *user, size_t number, size_t slot)
{
    wa_batch_runner *const       r     = user;
    wa_batch_piece *const        p     = &r->pieces[slot];
    const wa_batch_worker *const w     = &r->workers[number];
    const size_t                 size  = r->batch->verb->result_size;
    const wa_batch_lines         lines = { p->lines, p->texts, p->n };
    wa_error                     err;

    for (size_t first = 0; first < p->n && !wa_answers_have_failed(&p->answers);) {
        size_t          n_done = 0;
        const wa_status st     = r->batch->verb->compute(r->batch->user, w->session, &lines, first, w->results, &n_done, &err);

        assert(n_done <= p->n - first && (st != WA_OK || n_done > 0));
        for (size_t i = 0; i < n_done; i++)
            take_line(r, p, &p->lines[first + i], (const char *)w->results + i * size);
        first += n_done;
        if (st != WA_OK)
            fail_line(r, p, &p->lines[first++], &err);
    }
    if (p->event == WA_CORPUS_BAD_LINE)
        fail_line(r, p, &p->bad_line, &p->reason);
    else if (p->event == WA_CORPUS_BAD_FILE)
        wa_answers_file_failed(&p->answers, &p->reason);
}

/* The texts that a verb works on. See texts.h. */
#include "cli/texts.h"

#include <assert.h>
#include <sys/stat.h>

#include "base/lines.h"
#include "base/status.h"
#include "cli/cli.h"

/* Texts of more bytes than that are not kept together: what is computed for them takes some hundred times as much. */
enum { MOST_BYTES = 1 << 18 };

wa_status wa_texts_init(wa_texts *texts, wa_error *err)
{
    texts->lines = wa_alloc_zeroed(NULL, texts->n_most, sizeof *texts->lines);
    texts->items = wa_alloc_zeroed(NULL, texts->n_most, sizeof *texts->items);
    return texts->lines && texts->items ? WA_OK : wa_fail_memory(err, "lines");
}

void wa_texts_clear(wa_texts *texts)
{
    wa_release(NULL, texts->lines);
    wa_release(NULL, texts->items);
    wa_buf_clear(&texts->bytes);
}

static bool is_wanted(const wa_texts *texts)
{
    return !texts->is_over && (texts->outlives_output || wa_cli_is_output_open());
}

/* ---------------------------------------------------------------- computing */

static void fail_line(wa_texts *texts, const wa_cli_line *line, const wa_error *err)
{
    if (texts->fail)
        texts->fail(texts->user, line, err);
    else
        wa_cli_line_failed(texts->outcome, line, err);
}

/* The bytes move while they grow, so the texts are told where theirs are only now. */
static void place_items(wa_texts *texts)
{
    const char *at = texts->bytes.data;

    for (size_t i = 0; i < texts->n; i++) {
        texts->lines[i].text.data = at;
        texts->items[i]           = texts->lines[i].text;
        at += texts->items[i].n_bytes;
    }
}

void wa_texts_flush(wa_texts *texts)
{
    wa_error err;

    place_items(texts);
    for (size_t first = 0; first < texts->n && is_wanted(texts);) {
        size_t          n_done = 0;
        const wa_status st     = texts->compute(texts->user, texts, first, &n_done, &err);

        assert(n_done <= texts->n - first && (st != WA_OK || n_done > 0));
        for (size_t i = 0; i < n_done; i++)
            texts->take(texts->user, &texts->lines[first + i], i);
        first += n_done;
        if (st != WA_OK)
            fail_line(texts, &texts->lines[first++], &err);
    }
    texts->n             = 0;
    texts->bytes.n_bytes = 0;
}

void wa_texts_add(wa_texts *texts, const wa_cli_line *line)
{
    wa_error err;

    if (texts->n > 0 && texts->bytes.n_bytes + line->text.n_bytes > MOST_BYTES)
        wa_texts_flush(texts);
    wa_buf_text(&texts->bytes, line->text);
    if (texts->bytes.failed) {
        wa_texts_flush(texts);
        wa_buf_clear(&texts->bytes);
        wa_fail_memory(&err, "line");
        fail_line(texts, line, &err);
        return;
    }
    texts->lines[texts->n++] = *line;
    if (texts->n == texts->n_most)
        wa_texts_flush(texts);
}

/* ---------------------------------------------------------------- reading */

/* Nobody is kept waiting for an answer while the program waits for more. */
static void answer_all(wa_texts *texts)
{
    wa_texts_flush(texts);
    wa_cli_flush();
}

/* Standard input and pipes: opening one may wait, too. */
static bool may_wait(const char *file)
{
    struct stat about;

    return stat(file, &about) != 0 || !S_ISREG(about.st_mode);
}

static wa_status read_lines(wa_texts *texts, const char *file, wa_error *err)
{
    wa_status   st     = WA_OK;
    wa_lines   *reader = NULL;
    wa_cli_line line   = { .file = file };
    bool        is_ready, has_line;

    if (may_wait(file))
        answer_all(texts);
    WA_TRY(wa_lines_open(file, wa_cli_env(), &reader, err));
    while (is_wanted(texts)) {
        WA_TRY(wa_lines_poll(reader, &is_ready, err));
        if (!is_ready)
            answer_all(texts);
        WA_TRY(wa_lines_next(reader, &line.text, &has_line, err));
        if (!has_line)
            break;
        line.number++;
        wa_texts_add(texts, &line);
    }
done:
    wa_lines_close(reader);
    return st;
}

void wa_texts_read(wa_texts *texts, const char *const *files, size_t n_files)
{
    wa_error err;

    for (size_t i = 0; i < n_files && is_wanted(texts); i++) {
        if (read_lines(texts, files[i], &err) == WA_OK)
            continue;
        wa_texts_flush(texts); /* messages come in the order of the input */
        wa_cli_file_failed(texts->outcome, &err);
    }
}

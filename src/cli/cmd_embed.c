/* `wordahead embed`: vectors of texts, as one .npy array. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/texts.h"
#include "data/npy.h"

typedef struct embed_opts {
    const char *model, *output;
    int         pool;
    size_t      threads, batch;
} embed_opts;

#define AT(field) offsetof(embed_opts, field)

static const wa_option options[] = {
    { "model", 'm', WA_OPTION_TEXT, AT(model), NULL, "MODEL",
      "a model's YAML file or folder; else WORDAHEAD_MODEL, else the built-in one" },
    { "output", 'o', WA_OPTION_TEXT, AT(output), NULL, "OUT.npy", "where the array goes" },
    { "pool", 0, WA_OPTION_CHOICE, AT(pool), "last", "last|mean|none", "last position, mean over all, or every position" },
    WA_OPTION_THREADS(AT(threads)),
    WA_OPTION_BATCH(AT(batch)),
    { 0 },
};

static const wa_verb verb = {
    .name     = "embed",
    .operands = "-o OUT.npy [FILE ...]",
    .summary =
        "Writes the output of the last stage before the vocabulary, one row a line of the files or of standard input, as float32\n"
        "[lines, D]. With --pool none it is [positions, D], and standard output lists file, line, first row and number of rows.\n"
        "A line that fails is reported and gives one row of NaN, so that rows and lines stay in step.",
    .examples = "  wordahead embed -o vectors.npy sentences.txt\n"
                "  wordahead embed --pool mean -o vectors.npy a.txt b.txt.gz\n",
    .options  = options,
    .n_most   = WA_NONE,
};

typedef struct embedder {
    embed_opts     opts;
    wa_model      *model;
    wa_session    *session;
    wa_npy        *npy;
    wa_texts       texts;
    wa_embedding  *embeddings; /* [texts.n_most] */
    wa_buf         failed_row; /* NaN, D of them */
    size_t         n_rows;
    wa_error       write_error; /* status WA_OK while writing works */
    wa_cli_outcome outcome;
} embedder;

static wa_status embed(void *user, const wa_texts *texts, size_t first, size_t *n_done, wa_error *err)
{
    embedder *const e = user;

    return wa_embed_many(e->session, texts->items + first, texts->n - first, (wa_pooling)e->opts.pool, e->embeddings, n_done, err);
}

static void write_rows(embedder *e, const wa_cli_line *line, const float *data, size_t n_rows)
{
    if (e->texts.is_over)
        return;
    e->texts.is_over = wa_npy_add(e->npy, data, n_rows, &e->write_error) != WA_OK;
    if (e->opts.pool == WA_POOL_NONE)
        wa_cli_printf("%s\t%zu\t%zu\t%zu\n", line->file, line->number, e->n_rows, n_rows);
    e->n_rows += n_rows;
}

static void write_embedding(void *user, const wa_cli_line *line, size_t i)
{
    embedder *const e = user;

    write_rows(e, line, e->embeddings[i].data, e->embeddings[i].n_rows);
    e->outcome.n_done++;
}

static void write_failure(void *user, const wa_cli_line *line, const wa_error *err)
{
    embedder *const e = user;

    wa_cli_line_failed(&e->outcome, line, err);
    write_rows(e, line, (const float *)(const void *)e->failed_row.data, 1);
}

static wa_status prepare_texts(embedder *e, wa_error *err)
{
    const float nan_value = NAN;

    e->texts = (wa_texts){ .n_most          = e->opts.batch,
                           .compute         = embed,
                           .take            = write_embedding,
                           .fail            = write_failure,
                           .user            = e,
                           .outcome         = &e->outcome,
                           .outlives_output = true };
    for (size_t d = 0; d < wa_model_width(e->model); d++)
        wa_buf_add(&e->failed_row, &nan_value, sizeof nan_value);
    e->embeddings = wa_alloc(NULL, e->texts.n_most, sizeof *e->embeddings);
    if (e->failed_row.failed || !e->embeddings)
        return wa_fail_memory(err, "embed");
    return wa_texts_init(&e->texts, err);
}

static int prepare(embedder *e)
{
    wa_error err;
    int      code = WA_EXIT_OK;

    if (!e->opts.output)
        return wa_cli_complain(WA_EXIT_USAGE, "embed: -o OUT.npy is missing; it says where the array goes");
    if (strcmp(e->opts.output, "-") == 0)
        return wa_cli_complain(WA_EXIT_USAGE, "-o, --output: found '-', expected the name of a file: the header of an .npy file is "
                                              "completed last, so it cannot go to a pipe");
    if (!(e->session = wa_cli_open_session(e->opts.model, e->opts.threads, &e->model, &code)))
        return code;
    if (prepare_texts(e, &err) != WA_OK ||
        wa_npy_open(e->opts.output, wa_model_width(e->model), wa_cli_env(), &e->npy, &err) != WA_OK)
        return wa_cli_fail(&err);
    return WA_EXIT_OK;
}

static int run(embedder *e, const wa_operands *files)
{
    const int code = prepare(e);

    if (code != WA_EXIT_OK)
        return code;
    wa_texts_read(&e->texts, files->items, files->n);
    wa_texts_flush(&e->texts);
    if (e->write_error.status != WA_OK)
        return wa_cli_fail(&e->write_error);
    if (e->outcome.n_done == 0 && e->outcome.n_failed > 0)
        return wa_cli_exit_code(&e->outcome);
    const wa_status st = wa_npy_commit(e->npy, &e->write_error);
    e->npy             = NULL;
    return st == WA_OK ? wa_cli_exit_code(&e->outcome) : wa_cli_fail(&e->write_error);
}

int wa_cmd_embed(int argc, char **argv)
{
    embedder    e = { .write_error = { .status = WA_OK } };
    wa_operands operands;
    int         code = wa_verb_parse(&verb, argc, argv, &e.opts, &operands);

    if (code < 0) {
        operands = wa_cli_files(&operands);
        code     = wa_cli_check_stdin(wa_cli_count_stdin(&e.opts.model, 1) + wa_cli_count_stdin(operands.items, operands.n));
        if (code == WA_EXIT_OK && (code = wa_cli_check_output(e.opts.output, operands.items, operands.n)) == WA_EXIT_OK)
            code = run(&e, &operands);
    }
    wa_npy_discard(e.npy);
    wa_texts_clear(&e.texts);
    wa_release(NULL, e.embeddings);
    wa_session_free(e.session);
    wa_model_close(e.model);
    wa_buf_clear(&e.failed_row);
    return code;
}

/* `wordahead embed`: vectors of texts, as one .npy array or as JSON lines. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/words.h"
#include "data/npy.h"
#include "report/jsonl.h"

enum { FORMAT_NPY, FORMAT_JSONL };
#define FORMATS "npy|jsonl"
#define POOLS   "last|mean|none"

typedef struct embed_opts {
    int           pool, format;
    wa_batch_opts batch;
} embed_opts;

#define AT(field) offsetof(embed_opts, field)

static const wa_option options[] = {
    { "pool", 0, WA_OPTION_CHOICE, AT(pool), "last", POOLS, "last position, mean over all, or every position" },
    { "format", 0, WA_OPTION_CHOICE, AT(format), "npy", FORMATS, "one array, or a record a line" },
    WA_BATCH_OPTIONS(AT(batch)),
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
                "  wordahead embed --pool mean -o vectors.npy a.txt b.txt.gz\n"
                "  wordahead embed --format jsonl sentences.txt\n",
    .options  = options,
    .n_most   = WA_NONE,
};

typedef struct embedder {
    embed_opts  opts;
    wa_arena    arena;
    wa_operands files;
    wa_model   *model;
    bool        has_files;  /* more than one: records name theirs */
    wa_buf      failed_row; /* NaN, D of them */
    size_t      n_rows;     /* with --pool none, for the list */
    wa_buf      options, header;
} embedder;

static wa_status embed(void *user, wa_session *session, const wa_batch_lines *lines, size_t first, void *results, size_t *n_done,
                       wa_error *err)
{
    const embedder *const e = user;

    return wa_embed_many(session, lines->texts + first, lines->n - first, (wa_pooling)e->opts.pool, results, n_done, err);
}

/* ---------------------------------------------------------------- npy */

/* Where every position has a row, lines are taken one after another, so the list can count. */
static void add_rows(embedder *e, wa_answers *answers, const wa_cli_line *line, const float *data, size_t n_rows)
{
    wa_buf_add(&answers->records, data, n_rows * wa_model_width(e->model) * sizeof *data);
    answers->n_rows += n_rows;
    if (e->opts.pool != WA_POOL_NONE)
        return;
    wa_answers_list(answers, "%s\t%zu\t%zu\t%zu", line->file, line->number, e->n_rows, n_rows);
    e->n_rows += n_rows;
}

static void add_embedding(void *user, wa_answers *answers, const wa_cli_line *line, const void *result)
{
    const wa_embedding *const embedding = result;

    add_rows(user, answers, line, embedding->data, embedding->n_rows);
}

static void add_failed_row(void *user, wa_answers *answers, const wa_cli_line *line, const wa_error *err)
{
    embedder *const e = user;

    (void)err;
    add_rows(e, answers, line, (const float *)(const void *)e->failed_row.data, 1);
}

static void complete_header(void *user, const wa_journal *journal, wa_buf *footer, wa_buf *first)
{
    const embedder *const e = user;

    (void)footer;
    wa_npy_add_header(first, journal->n_rows, wa_model_width(e->model));
}

/* ---------------------------------------------------------------- jsonl */

static void add_embedding_json(void *user, wa_answers *answers, const wa_cli_line *line, const void *result)
{
    const embedder *const e = user;

    wa_place_add_json(&answers->records, line, e->has_files);
    wa_buf_str(&answers->records, ",");
    wa_embedding_add_json(&answers->records, result, (wa_pooling)e->opts.pool);
    wa_buf_str(&answers->records, "}\n");
}

static void add_failure_json(void *user, wa_answers *answers, const wa_cli_line *line, const wa_error *err)
{
    const embedder *const e = user;

    wa_place_add_json(&answers->records, line, e->has_files);
    wa_error_add_json(&answers->records, err);
    wa_buf_str(&answers->records, "}\n");
}

/* ---------------------------------------------------------------- running */

static int check_usage(const embedder *e)
{
    const wa_batch_opts *const o = &e->opts.batch;

    if (e->opts.format == FORMAT_JSONL)
        return -1;
    if (!o->output)
        return wa_cli_complain(WA_EXIT_USAGE, "embed: -o OUT.npy is missing; it says where the array goes");
    if (strcmp(o->output, "-") == 0 || wa_text_ends(wa_text_of(o->output), ".gz"))
        return wa_cli_complain(WA_EXIT_USAGE,
                               "-o, --output: found %s, expected the name of a file without .gz: the header of an .npy file "
                               "is completed last, so it cannot go to a pipe or be packed",
                               wa_show(wa_text_of(o->output)).quoted);
    if (e->opts.pool == WA_POOL_NONE && (o->resume || o->shard))
        return wa_cli_complain(WA_EXIT_USAGE,
                               "--pool none: found %s as well, expected none: its list of rows goes to standard output; "
                               "--format jsonl keeps lines and rows together",
                               o->resume ? "--resume" : "--shard");
    return -1;
}

static bool make_texts(embedder *e)
{
    const float nan_value = NAN;

    for (size_t d = 0; d < wa_model_width(e->model); d++)
        wa_buf_add(&e->failed_row, &nan_value, sizeof nan_value);
    if (e->opts.format == FORMAT_NPY)
        wa_npy_add_header(&e->header, 0, wa_model_width(e->model));
    wa_buf_str(&e->options, "embed --format ");
    wa_buf_text(&e->options, wa_choice_word(FORMATS, e->opts.format));
    wa_buf_str(&e->options, " --pool ");
    wa_buf_text(&e->options, wa_choice_word(POOLS, e->opts.pool));
    return !e->failed_row.failed && !e->header.failed && !e->options.failed;
}

static int run(embedder *e)
{
    static const wa_batch_verb array   = { sizeof(wa_embedding), embed, add_embedding, add_failed_row, NULL, complete_header };
    static const wa_batch_verb records = { sizeof(wa_embedding), embed, add_embedding_json, add_failure_json, NULL, NULL };
    const bool                 is_npy  = e->opts.format == FORMAT_NPY;
    int                        code    = check_usage(e);

    if (code >= 0 || !(e->model = wa_cli_open_model(e->opts.batch.model, e->opts.batch.threads, &code)))
        return code;
    if (!make_texts(e))
        return wa_cli_complain(WA_EXIT_IO, "embed: not enough memory");
    e->has_files = e->files.n > 1;
    return wa_batch_run(&(wa_batch){
        .verb          = is_npy ? &array : &records,
        .user          = e,
        .opts          = &e->opts.batch,
        .model         = e->model,
        .operands      = e->files,
        .is_sequential = is_npy && e->opts.pool == WA_POOL_NONE,
        .n_most        = e->opts.batch.batch,
        .has_count     = is_npy,
        .options       = wa_buf_view(&e->options),
        .merging       = is_npy ? WA_MERGE_ROWS : WA_MERGE_LINES,
        .width         = wa_model_width(e->model),
        .header        = wa_buf_view(&e->header),
    });
}

int wa_cmd_embed(int argc, char **argv)
{
    embedder    e = { 0 };
    wa_operands operands;
    int         code = wa_verb_parse(&verb, argc, argv, &e.opts, &operands);

    if (code < 0)
        code = wa_cli_gather_files(&e.opts.batch, NULL, &operands, &e.arena, &e.files);
    if (code < 0)
        code = run(&e);
    wa_model_close(e.model);
    wa_buf_clear(&e.failed_row);
    wa_buf_clear(&e.options);
    wa_buf_clear(&e.header);
    wa_arena_clear(&e.arena);
    free(e.opts.batch.inputs.items);
    return code;
}

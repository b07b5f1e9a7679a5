/* /v1/embed: vectors of texts. The records are those of `wordahead embed --format jsonl`, without the number of a line. */
#include "report/jsonl.h"
#include "serve/engine.h"

typedef struct embed_job {
    wa_job job;
    int    pool;
} embed_job;

static const wa_field fields[] = {
    WA_FIELD_ROWS_OF_TEXTS,
    { .name = "pool", .type = WA_FIELD_CHOICE, .offset = offsetof(embed_job, pool), .range = "last|mean|none" },
    { 0 },
};

/* As many rows as there can be: the words of the texts and their start words. */
static bool check(wa_engine *engine, wa_job *job, wa_refusal *refusal)
{
    const size_t width  = wa_model_width(engine->model);
    size_t       n_rows = job->texts.n;

    for (size_t i = 0; ((embed_job *)job)->pool == WA_POOL_NONE && i < job->texts.n; i++)
        n_rows += job->texts.items[i].n_bytes < engine->limits.words ? job->texts.items[i].n_bytes : engine->limits.words;
    if (n_rows <= engine->limits.values / width)
        return true;
    return wa_refuse(refusal, 400, "too_long", "text",
                     "the answer could have %zu rows of %zu numbers, expected at most %zu numbers; send fewer or shorter texts",
                     n_rows, width, engine->limits.values);
}

static bool joins(const wa_job *job, const wa_job *other)
{
    return ((const embed_job *)job)->pool == ((const embed_job *)other)->pool;
}

static wa_status compute(wa_engine *engine, const wa_job *how, const wa_text *texts, size_t n, void *results, size_t *n_done,
                         wa_error *err)
{
    return wa_embed_many(engine->session, texts, n, (wa_pooling)((const embed_job *)how)->pool, results, n_done, err);
}

static size_t add(wa_job *job, wa_text text, const void *result)
{
    const wa_embedding *const embedding = result;

    (void)text;
    wa_buf_str(&job->reply, "{");
    wa_embedding_add_json(&job->reply, embedding, (wa_pooling)((const embed_job *)job)->pool);
    wa_buf_str(&job->reply, "}");
    return embedding->text.n_tokens;
}

static void run(wa_engine *engine, wa_job *const *jobs, size_t n)
{
    static const wa_many many = { sizeof(wa_embedding), compute, add };

    wa_engine_many(engine, &many, jobs, n);
}

const wa_work wa_work_embed = { sizeof(embed_job), fields, NULL, check, joins, run, NULL };

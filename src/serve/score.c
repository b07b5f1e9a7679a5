/* /v1/score: the log-probability of each text. The records are those of `wordahead score --format jsonl`, without the number of a line. */
#include "report/jsonl.h"
#include "serve/engine.h"

typedef struct score_job {
    wa_job job;
    bool   tokens;
} score_job;

static const wa_field fields[] = {
    WA_FIELD_ROWS_OF_TEXTS,
    { .name = "tokens", .type = WA_FIELD_BOOL, .offset = offsetof(score_job, tokens) },
    { 0 },
};

/* The scores are the same, whether their words are shown or not. */
static bool joins(const wa_job *job, const wa_job *other)
{
    (void)job;
    (void)other;
    return true;
}

static wa_status compute(wa_engine *engine, const wa_job *how, const wa_text *texts, size_t n, void *results, size_t *n_done,
                         wa_error *err)
{
    (void)how;
    return wa_score_many(engine->session, texts, n, results, n_done, err);
}

static size_t add(wa_job *job, wa_text text, const void *result)
{
    const wa_scores *const scores = result;

    (void)text;
    wa_buf_str(&job->reply, "{");
    wa_scores_add_json(&job->reply, scores, ((const score_job *)job)->tokens);
    wa_buf_str(&job->reply, "}");
    return scores->n_words;
}

static void run(wa_engine *engine, wa_job *const *jobs, size_t n)
{
    static const wa_many many = { sizeof(wa_scores), compute, add };

    wa_engine_many(engine, &many, jobs, n);
}

const wa_work wa_work_score = { sizeof(score_job), fields, NULL, NULL, joins, run, NULL };

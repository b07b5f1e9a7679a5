/* The model and the requests that wait for it. See engine.h. */
#include "serve/engine.h"

#include "base/clock.h"
#include "report/jsonl.h"

enum { MOST_TOGETHER = 64 }; /* texts of one call */

#define JSON_TYPE "application/json"

/* ---------------------------------------------------------------- jobs */

static void free_job(wa_job *job)
{
    if (!job)
        return;
    if (job->work->clear)
        job->work->clear(job);
    json_decref(job->root);
    wa_arena_clear(&job->arena);
    wa_buf_clear(&job->reply);
    wa_release(NULL, job);
}

static void answer_refusal(wa_exchange *exchange, const wa_refusal *refusal)
{
    wa_buf body = { 0 };

    wa_refusal_add_json(&body, refusal);
    wa_exchange_answer(exchange, refusal->status, JSON_TYPE, &body);
}

void wa_job_finish(wa_job *job)
{
    job->is_over = true;
    wa_exchange_answer(job->exchange, 200, JSON_TYPE, &job->reply);
}

void wa_job_refuse(wa_job *job, const wa_refusal *refusal)
{
    job->is_over = true;
    answer_refusal(job->exchange, refusal);
}

/* ---------------------------------------------------------------- reading */

/* A text has no more words than bytes, so short ones need not be split twice. */
bool wa_job_check_words(wa_engine *engine, const wa_field_texts *texts, const char *param, wa_refusal *refusal)
{
    size_t    n_bytes = 0, n_words = 0;
    wa_tokens tokens;
    wa_error  err;

    for (size_t i = 0; i < texts->n; i++)
        n_bytes += texts->items[i].n_bytes;
    for (size_t i = 0; i < texts->n && n_bytes > engine->limits.words; i++) {
        if (wa_tokenize(engine->session, texts->items[i], &tokens, &err) != WA_OK)
            return wa_refuse_error(refusal, param, &err);
        n_words += tokens.n_tokens;
        if (n_words > engine->limits.words)
            return wa_refuse(refusal, 400, "too_long", param, "%s: found more than %zu words, which is the most of one request",
                             param, engine->limits.words);
    }
    return true;
}

/* A request has a text, or a list of them. */
static bool choose_texts(wa_engine *engine, wa_job *job, wa_refusal *refusal)
{
    if (job->text.is_given && job->texts.is_given)
        return wa_refuse(refusal, 400, "invalid_type", "texts", "found text and texts, expected one of them");
    if (!job->text.is_given && !job->texts.is_given)
        return wa_refuse(refusal, 400, "missing_member", "text", "text is missing: a string, or texts, a list of strings");
    if (job->text.is_given)
        job->texts = job->text;
    return wa_job_check_words(engine, &job->texts, job->text.is_given ? "text" : "texts", refusal);
}

static bool read_job(wa_engine *engine, wa_job *job, wa_refusal *refusal)
{
    if (job->work->prepare)
        job->work->prepare(job);
    if (!(job->root = wa_fields_parse(wa_exchange_body(job->exchange), refusal)))
        return false;
    if (!wa_fields_read(job->work->fields, job->root, &engine->limits, &job->arena, job, refusal))
        return false;
    if (job->work->fields[0].offset == offsetof(wa_job, text) && !choose_texts(engine, job, refusal))
        return false;
    return !job->work->check || job->work->check(engine, job, refusal);
}

static bool make_job(wa_engine *engine, const wa_work *work, wa_exchange *exchange, wa_job **out, wa_refusal *refusal)
{
    if (engine->n_waiting >= engine->limits.waiting)
        return wa_refuse(refusal, 503, "busy", NULL, "%zu requests wait already; try again in a moment", engine->n_waiting);
    wa_job *const job = wa_alloc_zeroed(NULL, 1, work->size);
    if (!job)
        return wa_refuse(refusal, 503, "out_of_memory", NULL, "not enough memory");
    job->work     = work;
    job->exchange = exchange;
    job->number   = engine->n_jobs++;
    if (read_job(engine, job, refusal)) {
        *out = job;
        return true;
    }
    free_job(job);
    return false;
}

static void append(wa_engine *engine, wa_job *job)
{
    job->next                                              = NULL;
    *(engine->last ? &engine->last->next : &engine->first) = job;
    engine->last                                           = job;
    engine->n_waiting++;
}

void wa_engine_add(wa_engine *engine, const wa_work *work, wa_exchange *exchange)
{
    wa_refusal refusal;
    wa_job    *job = NULL;

    if (make_job(engine, work, exchange, &job, &refusal)) {
        append(engine, job);
        return;
    }
    answer_refusal(exchange, &refusal);
    if (refusal.status == 503)
        wa_exchange_add_header(exchange, "Retry-After", "1");
}

/* ---------------------------------------------------------------- doing */

/* Takes the first job and those that can be done with it out of the line; [MOST_TOGETHER] at most. */
static size_t take_together(wa_engine *engine, wa_job **jobs)
{
    wa_job *const first = engine->first;
    wa_job      **at    = &engine->first;
    size_t        n = 0, n_texts = 0;

    engine->last = NULL;
    while (*at) {
        wa_job *const job = *at;

        if (job == first || (first->work == job->work && first->work->joins && n_texts + job->texts.n <= MOST_TOGETHER &&
                             n < MOST_TOGETHER && first->work->joins(first, job))) {
            *at       = job->next;
            jobs[n++] = job;
            n_texts += job->texts.n;
        } else {
            engine->last = job;
            at           = &job->next;
        }
    }
    engine->n_waiting -= n;
    return n;
}

/* Whoever waited too long is told so: those behind should not wait for an answer that nobody waits for. */
static bool is_late(const wa_engine *engine, wa_job *job)
{
    wa_refusal refusal;

    if (wa_clock_seconds() - wa_exchange_began(job->exchange) < 2.0 * (double)engine->limits.seconds)
        return false;
    wa_refuse(&refusal, 503, "timeout", NULL, "this was not done within %zu seconds", engine->limits.seconds);
    wa_job_refuse(job, &refusal);
    return true;
}

bool wa_engine_turn(wa_engine *engine)
{
    wa_job *jobs[MOST_TOGETHER];
    size_t  n_live = 0;

    if (!engine->first)
        return false;
    size_t n = take_together(engine, jobs);
    for (size_t i = 0; i < n; i++) {
        if (is_late(engine, jobs[i]))
            free_job(jobs[i]);
        else
            jobs[n_live++] = jobs[i];
    }
    if (n_live > 0)
        jobs[0]->work->run(engine, jobs, n_live);
    for (size_t i = 0; i < n_live; i++) {
        if (jobs[i]->is_over)
            free_job(jobs[i]);
        else
            append(engine, jobs[i]);
    }
    wa_arena_reset(&engine->scratch);
    return engine->first != NULL;
}

void wa_engine_clear(wa_engine *engine)
{
    while (engine->first) {
        wa_job *const job = engine->first;

        engine->first = job->next;
        free_job(job);
    }
    engine->last      = NULL;
    engine->n_waiting = 0;
    wa_arena_clear(&engine->scratch);
}

/* ---------------------------------------------------------------- many texts in one call */

/* Where a text of a call came from. */
typedef struct origin {
    wa_job *job;
    size_t  i;
} origin;

/* {"results":[...]} around the records of a list; nothing around that of a single text. */
static void begin_record(const origin *from)
{
    if (from->job->texts.is_list)
        wa_buf_str(&from->job->reply, from->i ? ",\n" : "{\"results\":[\n");
}

static void add_failure(const origin *from, const wa_error *err)
{
    wa_refusal refusal;

    if (from->job->texts.is_list) {
        begin_record(from);
        wa_failure_add_json(&from->job->reply, from->job->texts.items[from->i], err);
        return;
    }
    wa_refuse_error(&refusal, "text", err);
    wa_job_refuse(from->job, &refusal);
}

static void add_record(wa_engine *engine, const wa_many *many, const origin *from, const void *result)
{
    begin_record(from);
    engine->metrics->n_words += many->add(from->job, from->job->texts.items[from->i], result);
}

static void compute_all(wa_engine *engine, const wa_many *many, const wa_text *texts, const origin *from, size_t n, char *results)
{
    size_t   first = 0, n_done;
    wa_error err;

    while (first < n) {
        const wa_status st = many->compute(engine, from[0].job, texts + first, n - first, results, &n_done, &err);

        for (size_t i = 0; i < n_done; i++)
            add_record(engine, many, &from[first + i], results + i * many->size);
        first += n_done;
        if (st != WA_OK && first < n)
            add_failure(&from[first++], &err);
    }
}

static void finish_all(wa_job *const *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (jobs[i]->is_over)
            continue;
        wa_buf_str(&jobs[i]->reply, jobs[i]->texts.is_list ? (jobs[i]->texts.n ? "\n]}\n" : "{\"results\":[]}\n") : "\n");
        wa_job_finish(jobs[i]);
    }
}

void wa_engine_many(wa_engine *engine, const wa_many *many, wa_job *const *jobs, size_t n)
{
    wa_refusal refusal;
    size_t     n_texts = 0, k = 0;

    for (size_t i = 0; i < n; i++)
        n_texts += jobs[i]->texts.n;
    wa_text *const texts   = wa_arena_alloc(&engine->scratch, n_texts, sizeof *texts);
    origin *const  from    = wa_arena_alloc(&engine->scratch, n_texts, sizeof *from);
    char *const    results = wa_arena_alloc(&engine->scratch, n_texts, many->size);
    if (!texts || !from || !results) {
        wa_refuse(&refusal, 503, "out_of_memory", NULL, "not enough memory");
        for (size_t i = 0; i < n; i++)
            wa_job_refuse(jobs[i], &refusal);
        return;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < jobs[i]->texts.n; j++, k++) {
            texts[k] = jobs[i]->texts.items[j];
            from[k]  = (origin){ jobs[i], j };
        }
    wa_metrics_batch(engine->metrics, n_texts);
    compute_all(engine, many, texts, from, n_texts, results);
    finish_all(jobs, n);
}

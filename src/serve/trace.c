/* /v1/trace: the named quantities of a text. The record is that of a text in `wordahead run --format json`. */
#include <fnmatch.h>
#include <string.h>

#include "base/str.h"
#include "report/jsonl.h"
#include "serve/engine.h"

typedef struct trace_job {
    wa_job         job;
    wa_field_texts names;       /* globs */
    bool          *has_matched; /* [names.n] */
    size_t         n_values, most, n_steps;
} trace_job;

static const wa_field fields[] = {
    { .name = "text", .type = WA_FIELD_TEXT, .offset = offsetof(wa_job, text) },
    { .name = "names", .type = WA_FIELD_LIST, .offset = offsetof(trace_job, names), .limit = WA_FIELD_LIMIT(texts) },
    { 0 },
};

/* Quantities of the vocabulary are as wide as it has words, so they come only where they are asked for. */
static bool is_of_vocabulary(const char *name)
{
    return wa_text_begins(wa_text_of(name), wa_text_of("vocabulary."));
}

static bool is_wanted(trace_job *t, const char *name)
{
    bool is_any = t->names.n == 0 && !is_of_vocabulary(name);

    for (size_t i = 0; i < t->names.n; i++)
        if (fnmatch(t->names.items[i].data, name, 0) == 0)
            is_any = t->has_matched[i] = true;
    return is_any;
}

/* Whether the vocabulary must be run for it, at every position. */
static bool wants_vocabulary(const trace_job *t)
{
    for (size_t i = 0; i < t->names.n; i++)
        if (fnmatch(t->names.items[i].data, "vocabulary.logits", 0) == 0 ||
            fnmatch(t->names.items[i].data, "vocabulary.probabilities", 0) == 0)
            return true;
    return false;
}

static void observe(void *user, const wa_quantity *q)
{
    trace_job *const t = user;
    size_t           n = 1;

    if (!is_wanted(t, q->name))
        return;
    for (size_t i = 0; i < q->rank; i++)
        n *= q->shape[i];
    t->n_values += n;
    if (t->n_values > t->most)
        return;
    wa_buf_str(&t->job.reply, t->n_steps++ ? ",\n" : "\n");
    wa_step_add_json(&t->job.reply, q);
}

static bool check(wa_engine *engine, wa_job *job, wa_refusal *refusal)
{
    trace_job *const t = (trace_job *)job;

    for (size_t i = 0; i < t->names.n; i++)
        if (strlen(t->names.items[i].data) != t->names.items[i].n_bytes)
            return wa_refuse(refusal, 400, "invalid_type", "names", "names: found a zero character at %zu", i);
    t->most        = engine->limits.values;
    t->has_matched = wa_arena_alloc_zeroed(&job->arena, t->names.n, sizeof *t->has_matched);
    return t->has_matched || wa_refuse(refusal, 503, "out_of_memory", NULL, "not enough memory");
}

static bool refuse_size(const trace_job *t, size_t n, wa_refusal *refusal)
{
    return wa_refuse(refusal, 400, "too_long", "names",
                     "these quantities have %s%zu numbers, expected at most %zu; ask for fewer names or a shorter text",
                     n > t->n_values ? "at least " : "", n, t->most);
}

/* The numbers of the vocabulary are in memory all at once, so there must not be too many of them before it is run. */
static bool check_vocabulary(wa_engine *engine, const trace_job *t, const wa_tokens *tokens, wa_refusal *refusal)
{
    size_t n_places = 0, n = SIZE_MAX;

    if (!wants_vocabulary(t))
        return true;
    for (size_t i = 0; i < tokens->n_tokens; i++)
        n_places += tokens->tokens[i].in_context;
    if (!wa_mul_size(n_places, wa_model_vocabulary(engine->model), &n) || n > t->most)
        return refuse_size(t, n, refusal);
    return true;
}

static bool trace(wa_engine *engine, trace_job *t, wa_refusal *refusal)
{
    const wa_text text = t->job.texts.items[0];
    wa_status     st;
    wa_tokens     tokens;
    wa_embedding  ignored;
    wa_error      err;

    if (wa_tokenize(engine->session, text, &tokens, &err) != WA_OK)
        return wa_refuse_error(refusal, "text", &err);
    if (!check_vocabulary(engine, t, &tokens, refusal))
        return false;
    wa_words_add_json(&t->job.reply, text, &tokens);
    wa_notes_add_json(&t->job.reply, &tokens);
    engine->metrics->n_words += tokens.n_tokens;
    wa_buf_str(&t->job.reply, ",\"steps\":[");
    wa_session_observe(engine->session, observe, t);
    st = wants_vocabulary(t) ? wa_run(engine->session, text, NULL, &err)
                             : wa_embed(engine->session, text, WA_POOL_NONE, &ignored, &err);
    wa_session_observe(engine->session, NULL, NULL);
    wa_buf_str(&t->job.reply, "]}\n");
    return st == WA_OK || wa_refuse_error(refusal, "text", &err);
}

/* What can only be said when it was run. */
static bool check_result(const trace_job *t, wa_refusal *refusal)
{
    if (t->n_values > t->most)
        return refuse_size(t, t->n_values, refusal);
    for (size_t i = 0; i < t->names.n; i++)
        if (!t->has_matched[i])
            return wa_refuse(refusal, 400, "unknown_name", "names", "names: no quantity is called %s; docs/MODEL.md lists them",
                             wa_show(t->names.items[i]).quoted);
    return true;
}

static void run(wa_engine *engine, wa_job *const *jobs, size_t n)
{
    trace_job *const t = (trace_job *)jobs[0];
    wa_refusal       refusal;

    (void)n;
    wa_metrics_batch(engine->metrics, 1);
    if (trace(engine, t, &refusal) && check_result(t, &refusal))
        wa_job_finish(&t->job);
    else
        wa_job_refuse(&t->job, &refusal);
}

const wa_work wa_work_trace = { sizeof(trace_job), fields, NULL, check, NULL, run, NULL };

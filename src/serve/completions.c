/* /v1/completions in the form of OpenAI's API, so that its clients and evaluation harnesses can score and complete texts.
 * Source: OpenAI, API reference, "Completions" (legacy), for the names and meanings of members. */
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "serve/choice.h"

typedef struct completion_job {
    wa_job         job;
    wa_field_texts prompt, model;
    wa_field_size  max_tokens, n, best_of, logprobs, seed;
    wa_choice_opts how;
    wa_choice     *choices; /* [n_choices] in the arena: all of the first prompt, then those of the next */
    size_t         n_choices, current;
} completion_job;

#define AT(field) offsetof(completion_job, field)

static const wa_field fields[] = {
    { .name = "prompt", .type = WA_FIELD_TEXTS, .offset = AT(prompt), .limit = WA_FIELD_LIMIT(texts) },
    { .name = "model", .type = WA_FIELD_TEXT, .offset = AT(model) },
    { .name = "max_tokens", .type = WA_FIELD_SIZE, .offset = AT(max_tokens), .limit = WA_FIELD_LIMIT(tokens) },
    { .name = "temperature", .type = WA_FIELD_NUMBER, .offset = AT(how.temperature), .most = 2 },
    { .name = "top_p", .type = WA_FIELD_NUMBER, .offset = AT(how.top_p), .most = 1 },
    { .name = "n", .type = WA_FIELD_SIZE, .offset = AT(n), .least = 1, .most = 16 },
    { .name = "best_of", .type = WA_FIELD_SIZE, .offset = AT(best_of), .least = 1, .most = 16 },
    { .name = "seed", .type = WA_FIELD_SIZE, .offset = AT(seed), .most = 9007199254740991.0 }, /* 2^53 - 1 */
    { .name = "stop", .type = WA_FIELD_TEXTS, .offset = AT(how.stop), .limit = WA_FIELD_LIMIT(texts) },
    { .name = "echo", .type = WA_FIELD_BOOL, .offset = AT(how.is_echo) },
    { .name = "logprobs", .type = WA_FIELD_SIZE, .offset = AT(logprobs), .limit = WA_FIELD_LIMIT(k) },
    { .name = "stream", .type = WA_FIELD_NEUTRAL },
    { .name = "stream_options", .type = WA_FIELD_NEUTRAL },
    { .name = "suffix", .type = WA_FIELD_NEUTRAL },
    { .name = "presence_penalty", .type = WA_FIELD_NEUTRAL },
    { .name = "frequency_penalty", .type = WA_FIELD_NEUTRAL },
    { .name = "logit_bias", .type = WA_FIELD_NEUTRAL },
    { .name = "user", .type = WA_FIELD_LABEL },
    { 0 },
};

static void prepare(wa_job *job)
{
    completion_job *const c = (completion_job *)job;

    c->max_tokens.n    = 16;
    c->n.n             = 1;
    c->how.temperature = c->how.top_p = 1;
}

/* ---------------------------------------------------------------- checking */

static bool check_model(const wa_engine *engine, const completion_job *c, wa_refusal *refusal)
{
    if (!c->model.is_given || wa_text_equal(c->model.items[0], engine->name))
        return true;
    return wa_refuse(refusal, 404, "model_not_found", "model", "model: found %s, and this server has '%.*s' alone",
                     wa_show(c->model.items[0]).quoted, (int)engine->name.n_bytes, engine->name.data);
}

static bool check_counts(const wa_engine *engine, const completion_job *c, wa_refusal *refusal)
{
    if (c->best_of.is_given && c->best_of.n != c->n.n)
        return wa_refuse(refusal, 400, "not_supported", "best_of",
                         "best_of: found %zu, expected n, which is %zu: all choices are given", c->best_of.n, c->n.n);
    if (c->prompt.n * c->n.n > engine->limits.texts)
        return wa_refuse(refusal, 400, "too_many", "n", "%zu prompts with %zu choices each are %zu, expected at most %zu",
                         c->prompt.n, c->n.n, c->prompt.n * c->n.n, engine->limits.texts);
    if (c->prompt.n * c->n.n * c->max_tokens.n > engine->limits.tokens)
        return wa_refuse(refusal, 400, "out_of_range", "max_tokens",
                         "max_tokens: %zu for each of %zu choices are %zu words, expected at most %zu", c->max_tokens.n,
                         c->prompt.n * c->n.n, c->prompt.n * c->n.n * c->max_tokens.n, engine->limits.tokens);
    for (size_t i = 0; i < c->how.stop.n; i++)
        if (c->how.stop.items[i].n_bytes == 0)
            return wa_refuse(refusal, 400, "invalid_type", "stop", "stop: found an empty text at %zu", i);
    return true;
}

/* The generator of a choice depends on the seed and its number among the choices alone. */
static wa_rng choice_rng(uint64_t seed, size_t i)
{
    char name[32];

    snprintf(name, sizeof name, "choice %zu", i);
    return wa_rng_named(seed, wa_text_of(name));
}

static bool make_choices(completion_job *c, wa_refusal *refusal)
{
    uint64_t seed = c->seed.n;

    if (!c->seed.is_given && getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = (uint64_t)(wa_clock_seconds() * 1e9);
    c->n_choices = c->prompt.n * c->n.n;
    c->choices   = wa_arena_alloc_zeroed(&c->job.arena, c->n_choices, sizeof *c->choices);
    if (!c->choices)
        return wa_refuse(refusal, 503, "out_of_memory", NULL, "not enough memory");
    for (size_t i = 0; i < c->n_choices; i++) {
        c->choices[i].how    = &c->how;
        c->choices[i].prompt = c->prompt.items[i / c->n.n];
        c->choices[i].rng    = choice_rng(seed, i);
    }
    return true;
}

static bool check(wa_engine *engine, wa_job *job, wa_refusal *refusal)
{
    completion_job *const c = (completion_job *)job;

    if (!c->prompt.is_given)
        return wa_refuse(refusal, 400, "missing_member", "prompt", "prompt is missing: a string or a list of strings");
    if (!check_model(engine, c, refusal) || !check_counts(engine, c, refusal))
        return false;
    if (!wa_job_check_words(engine, &c->prompt, "prompt", refusal))
        return false;
    c->how.n_most       = c->max_tokens.n;
    c->how.has_logprobs = c->logprobs.is_given;
    c->how.n_top        = c->logprobs.n;
    return make_choices(c, refusal);
}

/* ---------------------------------------------------------------- the answer */

static void add_list(wa_buf *reply, const char *name, const wa_buf *items)
{
    wa_buf_format(reply, "%s:[", name);
    wa_buf_text(reply, wa_buf_view(items));
    wa_buf_str(reply, "]");
}

static void add_choice(wa_buf *reply, const wa_choice *choice, size_t i)
{
    wa_buf_str(reply, i ? ",\n{\"text\":" : "{\"text\":");
    wa_json_add_text(reply, wa_choice_text(choice));
    wa_buf_format(reply, ",\"index\":%zu,\"logprobs\":", i);
    if (choice->how->has_logprobs) {
        add_list(reply, "{\"tokens\"", &choice->tokens);
        add_list(reply, ",\"token_logprobs\"", &choice->logprobs);
        add_list(reply, ",\"top_logprobs\"", &choice->tops);
        add_list(reply, ",\"text_offset\"", &choice->offsets);
        wa_buf_str(reply, "}");
    } else {
        wa_buf_str(reply, "null");
    }
    wa_buf_format(reply, ",\"finish_reason\":\"%s\"}", choice->finish);
}

static void finish(wa_engine *engine, completion_job *c)
{
    wa_buf *const reply    = &c->job.reply;
    size_t        n_prompt = 0, n_generated = 0;

    wa_buf_format(reply, "{\"id\":\"cmpl-%zu\",\"object\":\"text_completion\",\"created\":%lld,\"model\":", c->job.number,
                  (long long)time(NULL));
    wa_json_add_text(reply, engine->name);
    wa_buf_str(reply, ",\"choices\":[\n");
    for (size_t i = 0; i < c->n_choices; i++) {
        add_choice(reply, &c->choices[i], i);
        n_prompt += i % c->n.n == 0 ? c->choices[i].n_prompt : 0;
        n_generated += c->choices[i].n_generated;
    }
    wa_buf_format(reply, "\n],\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu}}\n", n_prompt,
                  n_generated, n_prompt + n_generated);
    wa_job_finish(&c->job);
}

/* A step of one choice; those who wait are let in between two. */
static void run(wa_engine *engine, wa_job *const *jobs, size_t n)
{
    completion_job *const c = (completion_job *)jobs[0];
    wa_refusal            refusal;
    wa_error              err;

    (void)n;
    if (c->current < c->n_choices && wa_choice_step(engine, &c->choices[c->current], &c->job.arena, &err) != WA_OK) {
        wa_refuse_error(&refusal, "prompt", &err);
        wa_job_refuse(&c->job, &refusal);
        return;
    }
    while (c->current < c->n_choices && c->choices[c->current].finish)
        c->current++;
    if (c->current == c->n_choices)
        finish(engine, c);
}

static void clear(wa_job *job)
{
    completion_job *const c = (completion_job *)job;

    for (size_t i = 0; c->choices && i < c->n_choices; i++)
        wa_choice_clear(&c->choices[i]);
}

const wa_work wa_work_completions = { sizeof(completion_job), fields, prepare, check, NULL, run, clear };

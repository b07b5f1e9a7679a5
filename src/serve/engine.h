/* The model and the requests that wait for it.
 *
 * A request for the model becomes a job. At each turn the oldest job is done, together with those behind it that ask the same of other
 * texts: their texts go through one product, and each gets the bits that it would get alone. Nobody waits for company: whoever is
 * there when the model becomes free goes together. A job that takes many steps does one and goes behind the others.
 *
 * To add a kind of job: write a wa_work in a file of its own, with a struct that begins with a wa_job and a table of wa_fields; declare it
 * at the end of this file, and give it a row in the table of server.c. */
#ifndef WA_SERVE_ENGINE_H
#define WA_SERVE_ENGINE_H

#include "serve/fields.h"
#include "serve/http.h"
#include "serve/metrics.h"

typedef struct wa_job    wa_job;
typedef struct wa_work   wa_work;
typedef struct wa_engine wa_engine;

struct wa_engine {
    const wa_model *model;
    wa_session     *session;
    wa_text         name; /* of the model, as /v1/models gives it */
    wa_limits       limits;
    wa_metrics     *metrics;
    wa_arena        scratch; /* of one turn */
    wa_job         *first, *last;
    size_t          n_waiting;
    uint64_t        n_jobs; /* so far, for their names */
};

struct wa_work {
    size_t          size; /* of the struct that begins with a wa_job */
    const wa_field *fields;
    /* Before the members are read: defaults that are not zero. NULL: none. */
    void (*prepare)(wa_job *job);
    /* What the table cannot say about the members. NULL: nothing. */
    bool (*check)(wa_engine *engine, wa_job *job, wa_refusal *refusal);
    /* Whether another job can be done in the same call. NULL: never. */
    bool (*joins)(const wa_job *job, const wa_job *other);
    /* Does n jobs: each is then finished or refused, or goes on at a later turn. */
    void (*run)(wa_engine *engine, wa_job *const *jobs, size_t n);
    void (*clear)(wa_job *job); /* NULL: there is nothing but the arena */
};

struct wa_job {
    const wa_work *work;
    wa_exchange   *exchange;
    json_t        *root;        /* of the request */
    wa_field_texts text, texts; /* members "text" and "texts"; after reading `texts` has those that were given */
    wa_arena       arena;       /* as long as the job */
    wa_buf         reply;
    size_t         number;
    bool           is_over;
    wa_job        *next;
};

/* The members that jobs over texts have. `type` is the struct. */
#define WA_FIELD_ROWS_OF_TEXTS                                                                                                     \
    { .name = "text", .type = WA_FIELD_TEXT, .offset = offsetof(wa_job, text) },                                                   \
    {                                                                                                                              \
        .name = "texts", .type = WA_FIELD_LIST, .offset = offsetof(wa_job, texts), .limit = WA_FIELD_LIMIT(texts)                  \
    }

/* Makes a job of a request that has arrived, or refuses it. */
void wa_engine_add(wa_engine *engine, const wa_work *work, wa_exchange *exchange);
/* Does what is next; false where nothing waits. */
bool wa_engine_turn(wa_engine *engine);
/* Jobs that were not done are dropped without an answer. */
void wa_engine_clear(wa_engine *engine);

/* ---------------------------------------------------------------- for kinds of jobs */

/* Answers with what is in job->reply. */
void wa_job_finish(wa_job *job);
void wa_job_refuse(wa_job *job, const wa_refusal *refusal);

/* The texts of a request are not too many, nor too long, together. */
bool wa_job_check_words(wa_engine *engine, const wa_field_texts *texts, const char *param, wa_refusal *refusal);

/* How a task that takes many texts is called, and its results become records. */
typedef struct wa_many {
    size_t size; /* of a result */
    wa_status (*compute)(wa_engine *engine, const wa_job *how, const wa_text *texts, size_t n, void *results, size_t *n_done,
                         wa_error *err);
    /* Appends the record of a text; returns how many words it has. */
    size_t (*add)(wa_job *job, wa_text text, const void *result);
} wa_many;

/* Does the jobs, which ask the same, in as few calls as there can be. A single text that fails refuses its job; one of several has a
 * record that says why. */
void wa_engine_many(wa_engine *engine, const wa_many *many, wa_job *const *jobs, size_t n);

/* ---------------------------------------------------------------- the kinds there are */

extern const wa_work wa_work_rank, wa_work_score, wa_work_embed, wa_work_trace, wa_work_completions;

#endif

/* /v1/rank: the words that may follow each text. The records are those of `wordahead rank --format jsonl`. */
#include "report/jsonl.h"
#include "serve/engine.h"

enum { DEFAULT_K = 10 };

typedef struct rank_job {
    wa_job         job;
    wa_field_size  k;
    bool           words_only;
    wa_field_texts prefix, candidates;
    wa_rank_opts   how;
    wa_buf         unknown; /* candidates that are not in the vocabulary, as a list of JSON without its brackets */
} rank_job;

#define AT(field) offsetof(rank_job, field)

static const wa_field fields[] = {
    WA_FIELD_ROWS_OF_TEXTS,
    { .name = "k", .type = WA_FIELD_SIZE, .offset = AT(k), .least = 1, .limit = WA_FIELD_LIMIT(k) },
    { .name = "words_only", .type = WA_FIELD_BOOL, .offset = AT(words_only) },
    { .name = "prefix", .type = WA_FIELD_TEXT, .offset = AT(prefix) },
    { .name = "candidates", .type = WA_FIELD_LIST, .offset = AT(candidates), .limit = WA_FIELD_LIMIT(words) },
    { 0 },
};

static bool read_prefix(wa_engine *engine, rank_job *r, wa_refusal *refusal)
{
    size_t   ignored;
    wa_text  prefix;
    wa_error err;

    if (r->prefix.n == 0)
        return true;
    if (wa_lookup(engine->session, r->prefix.items[0], &ignored, &prefix, &err) != WA_OK)
        return wa_refuse_error(refusal, "prefix", &err);
    r->how.prefix = wa_arena_text(&r->job.arena, prefix);
    return r->how.prefix.data || wa_refuse(refusal, 503, "out_of_memory", NULL, "not enough memory");
}

static bool read_candidates(wa_engine *engine, rank_job *r, wa_refusal *refusal)
{
    size_t *const chosen = wa_arena_alloc(&r->job.arena, r->candidates.n, sizeof *chosen);
    size_t        index;
    wa_error      err;

    if (!r->candidates.is_given)
        return true;
    if (!chosen)
        return wa_refuse(refusal, 503, "out_of_memory", NULL, "not enough memory");
    for (size_t i = 0; i < r->candidates.n; i++) {
        if (wa_lookup(engine->session, r->candidates.items[i], &index, NULL, &err) != WA_OK)
            return wa_refuse_error(refusal, "candidates", &err);
        if (index != WA_NONE) {
            chosen[r->how.n_candidates++] = index;
            continue;
        }
        wa_buf_str(&r->unknown, r->unknown.n_bytes ? "," : "");
        wa_json_add_text(&r->unknown, r->candidates.items[i]);
    }
    r->how.candidates = chosen;
    return !r->unknown.failed || wa_refuse(refusal, 503, "out_of_memory", NULL, "not enough memory");
}

static bool check(wa_engine *engine, wa_job *job, wa_refusal *refusal)
{
    rank_job *const r = (rank_job *)job;

    r->how.k          = r->k.is_given ? r->k.n : DEFAULT_K;
    r->how.words_only = r->words_only;
    return read_prefix(engine, r, refusal) && read_candidates(engine, r, refusal);
}

/* Requests that choose among words are done alone. */
static bool joins(const wa_job *job, const wa_job *other)
{
    const rank_job *const a = (const rank_job *)job, *const b = (const rank_job *)other;

    return a->how.k == b->how.k && a->words_only == b->words_only && !a->prefix.is_given && !b->prefix.is_given &&
           !a->candidates.is_given && !b->candidates.is_given;
}

static wa_status compute(wa_engine *engine, const wa_job *how, const wa_text *texts, size_t n, void *results, size_t *n_done,
                         wa_error *err)
{
    return wa_rank_many(engine->session, texts, n, &((const rank_job *)how)->how, results, n_done, err);
}

static size_t add(wa_job *job, wa_text text, const void *result)
{
    const rank_job *const   r       = (const rank_job *)job;
    const wa_ranking *const ranking = result;
    wa_buf *const           record  = &job->reply;

    wa_words_add_json(record, text, &ranking->text);
    wa_notes_add_json(record, &ranking->text);
    if (r->candidates.is_given) {
        wa_buf_str(record, ",\"unknown_candidates\":[");
        wa_buf_text(record, wa_buf_view(&r->unknown));
        wa_buf_str(record, "]");
    }
    if (r->words_only)
        wa_buf_format(record, ",\"computed\":%zu", ranking->n_computed);
    wa_buf_str(record, ",");
    wa_ranking_add_json(record, ranking, r->words_only);
    wa_buf_str(record, "}");
    return ranking->text.n_tokens;
}

static void run(wa_engine *engine, wa_job *const *jobs, size_t n)
{
    static const wa_many many = { sizeof(wa_ranking), compute, add };

    wa_engine_many(engine, &many, jobs, n);
}

static void clear(wa_job *job)
{
    wa_buf_clear(&((rank_job *)job)->unknown);
}

const wa_work wa_work_rank = { sizeof(rank_job), fields, NULL, check, joins, run, clear };

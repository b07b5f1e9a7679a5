/* Copies of what a run shows. See record.h. */
#include "report/record.h"

#include <string.h>

#include "base/str.h"
#include "report/setup.h"

enum { MOST_OF_A_STAGE = 8 }; /* quantities that an attention shows, more than any other stage */

size_t wa_recorded_count(const wa_recorded *array)
{
    size_t n = 1;

    for (size_t i = 0; i < array->rank; i++)
        n *= array->shape[i];
    return n;
}

/* ---------------------------------------------------------------- observing */

typedef struct watcher {
    wa_record *record;
    size_t     capacity;
    bool       has_failed;
} watcher;

static float *copy_floats(watcher *w, const float *data, size_t n)
{
    float *const copy = wa_arena_alloc(&w->record->arena, n, sizeof *copy);

    if (copy)
        memcpy(copy, data, n * sizeof *copy);
    else
        w->has_failed = true;
    return copy;
}

/* Of the vocabulary only what follows the last word: everything else would be a hundred times as much as all other numbers. */
static void keep_last_row(watcher *w, const wa_quantity *q)
{
    const float *const row  = q->data + (q->shape[0] - 1) * q->shape[1];
    float *const       kept = copy_floats(w, row, q->shape[1]);

    w->record->N = q->shape[1];
    if (wa_text_ends(wa_text_of(q->name), ".logits"))
        w->record->logits = kept;
    else
        w->record->probabilities = kept;
}

static void watch(void *user, const wa_quantity *q)
{
    watcher *const   w      = user;
    wa_record *const record = w->record;
    wa_recorded      array  = { .rank = q->rank };

    if (wa_text_begins(wa_text_of(q->name), wa_text_of("vocabulary."))) {
        keep_last_row(w, q);
        return;
    }
    memcpy(array.shape, q->shape, sizeof array.shape);
    array.name = wa_arena_text(&record->arena, wa_text_of(q->name)).data;
    array.data = copy_floats(w, q->data, wa_recorded_count(&array));
    if (!array.name || record->n_arrays == w->capacity)
        w->has_failed = true;
    else
        record->arrays[record->n_arrays++] = array;
}

/* ---------------------------------------------------------------- words */

static void *take(wa_record *record, size_t n, size_t size, wa_error *err)
{
    void *const memory = wa_arena_alloc_zeroed(&record->arena, n, size);

    if (!memory)
        wa_fail_memory(err, "report");
    return memory;
}

static wa_status keep_words(wa_record *record, const wa_tokens *tokens, wa_error *err)
{
    const wa_vectors *const vectors = record->model->vectors;
    const size_t            D       = wa_vectors_width(vectors);

    record->n_dropped = tokens->n_dropped;
    if (!(record->words = take(record, tokens->n_tokens, sizeof *record->words, err)) ||
        !(record->labels = take(record, tokens->n_tokens, sizeof *record->labels, err)) ||
        !(record->left_out = take(record, tokens->n_tokens, sizeof *record->left_out, err)))
        return WA_ENOMEM;
    for (size_t i = 0; i < tokens->n_tokens; i++) {
        const wa_token *const token = &tokens->tokens[i];
        const wa_text         word  = wa_arena_text(&record->arena, token->word);

        if (!word.data)
            return wa_fail_memory(err, "report");
        if (token->index == WA_NONE)
            record->left_out[record->n_left_out++] = word;
        if (!token->in_context)
            continue;
        record->labels[record->T]  = word;
        record->words[record->T++] = (wa_record_word){ word, token->is_known, token->index };
    }
    if (!(record->vectors = take(record, record->T, D * sizeof *record->vectors, err)))
        return WA_ENOMEM;
    for (size_t t = 0; t < record->T; t++)
        wa_vectors_row(vectors, record->words[t].row, record->vectors + t * D);
    return WA_OK;
}

/* By the unobserved code; the observed run has the same bits. */
static wa_status rank(wa_record *record, wa_session *session, size_t k, wa_error *err)
{
    wa_status  st = WA_OK;
    wa_ranking ranking;

    if (!record->model->pipeline.vocabulary || k == 0)
        goto done;
    WA_TRY(wa_rank(session, record->text, &(wa_rank_opts){ .k = k }, &ranking, err));
    if (!(record->next = take(record, ranking.n_next, sizeof *record->next, err)))
        WA_FAIL(WA_ENOMEM, "not enough memory for a report");
    memcpy(record->next, ranking.next, ranking.n_next * sizeof *record->next);
    record->n_next = ranking.n_next;
done:
    return st;
}

/* ---------------------------------------------------------------- the run */

wa_status wa_record_run(wa_record *record, wa_session *session, wa_text name, wa_text text, size_t k, wa_error *err)
{
    wa_status st = WA_OK;
    watcher   w  = { .record = record, .capacity = session->model->pipeline.n_stages * MOST_OF_A_STAGE };
    wa_tokens tokens;

    record->arena.env = &session->model->env;
    record->model     = session->model;
    record->name      = wa_arena_text(&record->arena, name);
    record->text      = wa_arena_text(&record->arena, text);
    if (!record->name.data || !record->text.data || !(record->arrays = take(record, w.capacity, sizeof *record->arrays, err)))
        WA_FAIL(WA_ENOMEM, "not enough memory for a report");
    wa_session_observe(session, watch, &w);
    WA_TRY(wa_run(session, record->text, &tokens, err));
    if (w.has_failed)
        WA_FAIL(WA_ENOMEM, "not enough memory to keep what the run computed");
    WA_TRY(keep_words(record, &tokens, err));
    wa_session_observe(session, NULL, NULL);
    WA_TRY(rank(record, session, k, err));
done:
    wa_session_observe(session, NULL, NULL);
    return st;
}

void wa_record_clear(wa_record *record)
{
    wa_arena_clear(&record->arena);
    *record = (wa_record){ 0 };
}

bool wa_record_is_long(const wa_record *record)
{
    return record->T > WA_RECORD_MOST_WORDS;
}

size_t wa_record_first(const wa_record *record)
{
    return wa_record_is_long(record) ? record->T - WA_RECORD_LAST_WORDS : 0;
}

const wa_recorded *wa_record_find(const wa_record *record, const char *name)
{
    for (size_t i = 0; i < record->n_arrays; i++)
        if (strcmp(record->arrays[i].name, name) == 0)
            return &record->arrays[i];
    return NULL;
}

const wa_recorded *wa_record_of(const wa_record *record, const wa_stage *stage, const char *name)
{
    char full[WA_SETUP_NAME];

    return wa_record_find(record, wa_setup_name(stage, name, full));
}

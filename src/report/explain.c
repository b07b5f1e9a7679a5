/* Beyond the numbers of a run. See explain.h. */
#include "report/explain.h"

#include <math.h>
#include <string.h>

#include "math/topk.h"

double wa_norm_of(const float *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

/* ---------------------------------------------------------------- nearest words */

/* The first shown position with the same word: a word is looked up once, however often it stands there. */
static size_t first_place(const wa_record *record, size_t t)
{
    size_t first = wa_record_first(record);

    while (record->words[first].row != record->words[t].row)
        first++;
    return first;
}

static wa_status find_nearest(wa_explanation *e, const wa_record *record, wa_error *err)
{
    wa_status               st      = WA_OK;
    const wa_vectors *const vectors = record->model->vectors;
    const size_t            D       = wa_vectors_width(vectors);

    if (!(e->nearest = wa_arena_alloc_zeroed(&e->arena, record->T, sizeof *e->nearest)))
        WA_FAIL(WA_ENOMEM, "not enough memory for a report");
    for (size_t t = wa_record_first(record); t < record->T; t++) {
        const size_t       first = first_place(record, t), row = record->words[t].row;
        const float *const x    = record->vectors + t * D;
        const double       norm = wa_norm_of(x, D);

        if (first < t)
            e->nearest[t] = e->nearest[first];
        else if (norm > 0 && isfinite(norm))
            WA_TRY(wa_vectors_nearest(vectors, x, &row, 1, WA_NEAREST, e->nearest[t].items, &e->nearest[t].n, err));
    }
done:
    return st;
}

/* ---------------------------------------------------------------- the lens */

static void copy_piece(void *user, size_t worker, const wa_piece_of_row *piece)
{
    float *const logits = user;

    (void)worker;
    memcpy(logits + piece->first, piece->logits, piece->n * sizeof *logits);
}

size_t wa_rank_of(const float *logits, size_t N, size_t word)
{
    size_t rank = 1;

    for (size_t i = 0; i < N; i++)
        rank += logits[i] > logits[word] || (logits[i] == logits[word] && i < word);
    return rank;
}

static void find_top(const float *logits, size_t N, wa_lens_row *row)
{
    wa_scored items[WA_LENS_TOP];
    wa_topk   top = { .items = items, .k = WA_LENS_TOP };

    for (size_t i = 0; i < N; i++)
        if (!isnan(logits[i])) /* of a stage in the middle nobody has checked them */
            wa_topk_offer(&top, logits[i], i);
    wa_topk_sort(&top);
    for (size_t i = 0; i < top.n; i++)
        row->top[i] = items[i].index;
    row->n_top = top.n;
}

static wa_status look_through(const wa_record *record, wa_session *session, const float *x, float *logits, wa_lens_row *row,
                              wa_error *err)
{
    const wa_scan   scan = wa_session_scan(session);
    const wa_status st   = wa_vocabulary_scan(record->model->pipeline.vocabulary, &scan, x, 1, copy_piece, logits, err);

    for (size_t i = 0; st == WA_OK && i < record->n_next; i++)
        row->ranks[i] = wa_rank_of(logits, record->N, record->next[i].index);
    if (st == WA_OK)
        find_top(logits, record->N, row);
    return st;
}

static wa_status find_lens(wa_explanation *e, const wa_record *record, wa_session *session, wa_error *err)
{
    wa_status                st       = WA_OK;
    const wa_pipeline *const pipeline = &record->model->pipeline;
    float                   *logits;

    if (!pipeline->vocabulary)
        goto done;
    if (!(logits = wa_arena_alloc(&e->arena, record->N, sizeof *logits)) ||
        !(e->lens = wa_arena_alloc_zeroed(&e->arena, pipeline->n_stages, sizeof *e->lens)))
        WA_FAIL(WA_ENOMEM, "not enough memory for a report");
    for (size_t i = 0; i + 1 < pipeline->n_stages; i++) {
        const wa_stage *const    stage  = &pipeline->stages[i];
        const wa_recorded *const output = wa_record_of(record, stage, "output");
        wa_lens_row *const       row    = &e->lens[e->n_lens];

        if (stage->width_out != pipeline->width)
            continue;
        row->stage = stage;
        if (!(row->ranks = wa_arena_alloc(&e->arena, record->n_next, sizeof *row->ranks)))
            WA_FAIL(WA_ENOMEM, "not enough memory for a report");
        WA_TRY(look_through(record, session, output->data + (record->T - 1) * pipeline->width, logits, row, err));
        e->n_lens++;
    }
done:
    return st;
}

/* ---------------------------------------------------------------- all of it */

wa_status wa_explain(wa_explanation *e, const wa_record *record, wa_session *session, wa_error *err)
{
    wa_status st = WA_OK;

    e->arena.env = &record->model->env;
    WA_TRY(find_nearest(e, record, err));
    WA_TRY(find_lens(e, record, session, err));
    WA_TRY(wa_contributions_find(record, &e->arena, &e->contributions, err));
done:
    return st;
}

void wa_explanation_clear(wa_explanation *e)
{
    wa_arena_clear(&e->arena);
    *e = (wa_explanation){ 0 };
}

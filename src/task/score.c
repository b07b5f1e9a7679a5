/* Scoring each word of a text given those before it. See wordahead.h.
 *
 * The words that have a vector make the sequence the pipeline runs over, the start word in front. The word at place p + 1 is
 * scored from the output at place p. A sequence longer than max_tokens is cut into windows that advance by half their length. */
#include <math.h>

#include "base/status.h"
#include "math/elementary.h"
#include "model/context.h"
#include "model/session.h"

/* ---------------------------------------------------------------- what there is to score */

/* A word to score: from the output at place `from` of the sequence, as word `target` of the vocabulary. */
typedef struct aim {
    wa_word_score *score;
    size_t         from, target;
} aim;

typedef struct plan {
    size_t *rows; /* [n_rows] the sequence */
    size_t  n_rows;
    size_t  n_fixed; /* 1 with a start word, which stays in front of every window */
    aim    *aims;    /* [n_aims] from ascending */
    size_t  n_aims;
} plan;

/* Adds a word to the aims, where it can be scored, and to the sequence, unless it is the last: nothing is predicted after it. */
static void plan_word(const wa_model *model, plan *p, wa_word_score *score, bool is_last)
{
    const wa_text unknown = model->experiment->tokenizer.unknown;
    size_t        target  = wa_model_find(model, score->token.word);

    score->token.is_known = target != WA_NONE;
    if (target == WA_NONE && unknown.data)
        target = wa_model_find(model, unknown);
    if (target != WA_NONE && p->n_rows > 0) {
        score->has_score     = true;
        p->aims[p->n_aims++] = (aim){ score, p->n_rows - 1, target };
    }
    if (score->token.index != WA_NONE && !is_last)
        p->rows[p->n_rows++] = score->token.index;
}

/* The start word and as much of the document before as leaves room for the n words of the text. */
static void plan_before(const wa_model *model, plan *p, const wa_context *context, size_t n)
{
    const size_t most = model->experiment->tokenizer.max_tokens;

    if (model->start != WA_NONE)
        p->rows[p->n_rows++] = model->start;
    p->n_fixed = p->n_rows;
    if (!context)
        return;
    const size_t n_own = n > 0 ? n - 1 : 0; /* nothing is predicted after the last word, so it is not in the sequence */
    const size_t room  = most > p->n_fixed + n_own ? most - p->n_fixed - n_own : 0;
    for (size_t i = context->n - (context->n < room ? context->n : room); i < context->n; i++)
        p->rows[p->n_rows++] = context->rows[i];
}

/* The words of the text and the end word as scores still to be filled. */
static wa_status list_words(wa_session *session, size_t worker, wa_text text, wa_scores *out, wa_error *err)
{
    wa_status             st  = WA_OK;
    const wa_model *const m   = session->model;
    const wa_text         end = wa_model_end(m);
    wa_tokens             tokens;
    wa_word_score        *words;

    WA_TRY(wa_session_tokens(session, worker, text, &tokens, err));
    WA_WORKER_ALLOC(session, worker, tokens.n_tokens + 1, words);
    for (size_t i = m->start != WA_NONE; i < tokens.n_tokens; i++)
        words[out->n_words++] = (wa_word_score){ .token = tokens.tokens[i] };
    if (end.data)
        words[out->n_words++] = (wa_word_score){ .token = { .word     = end,
                                                            .start    = text.n_bytes,
                                                            .end      = text.n_bytes,
                                                            .index    = wa_vectors_find(m->vectors, end),
                                                            .is_known = true } };
    out->words     = words;
    out->n_invalid = tokens.n_invalid;
done:
    return st;
}

static wa_status make_plan(wa_session *session, size_t worker, const wa_scores *scores, wa_word_score *words,
                           const wa_context *context, plan *p, wa_error *err)
{
    wa_status    st        = WA_OK;
    const size_t n_context = context ? context->n : 0;

    *p = (plan){ 0 };
    WA_WORKER_ALLOC(session, worker, scores->n_words + n_context + 1, p->rows);
    WA_WORKER_ALLOC(session, worker, scores->n_words, p->aims);
    plan_before(session->model, p, context, scores->n_words);
    for (size_t i = 0; i < scores->n_words; i++)
        plan_word(session->model, p, &words[i], i + 1 == scores->n_words);
done:
    return st;
}

/* ---------------------------------------------------------------- windows */

/* The rows of a window that ends before place `end` of the sequence: the start word, and as many before `end` as there is room for.
 * *shift is the place in the window of the first place that no window before has covered. */
static size_t fill_window(const plan *p, size_t covered, size_t end, size_t most, size_t *rows, size_t *shift)
{
    const size_t n     = end < most ? end : most;
    const size_t first = end - (n - p->n_fixed); /* in the sequence, behind the start word of the window */

    if (p->n_fixed)
        rows[0] = p->rows[0];
    for (size_t i = p->n_fixed; i < n; i++)
        rows[i] = p->rows[first + i - p->n_fixed];
    *shift = covered == 0 ? 0 : covered - first + p->n_fixed;
    return n;
}

/* ---------------------------------------------------------------- scoring outputs */

enum { MOST_ROWS = 2048 }; /* outputs that are gathered before the vocabulary is looked through for all of them */

/* A word to score from a row of the outputs that were gathered. */
typedef struct shot {
    const aim *aim;
    size_t     row;
    float      logit; /* of its target */
} shot;

/* Outputs of windows of one or more texts, and what is to be scored from them. */
typedef struct gathering {
    wa_session     *session;
    wa_run_of_rows *runs;  /* [n_runs] windows */
    size_t         *texts; /* [n_runs] which text each belongs to */
    size_t          n_runs;
    float          *x; /* [n_rows, width] */
    size_t          n_rows;
    shot           *shots; /* [n_shots] by row */
    size_t          n_shots;
    size_t          room; /* of runs, rows and, by rows, shots */
} gathering;

typedef struct scoring {
    const gathering *g;
    size_t           n_rows, n_shots, n_chunks;
    size_t          *first;     /* [n_rows + 1] the shots of each row */
    size_t          *counts;    /* [workers, n_shots] words before the target in a ranking, of the pieces a worker saw */
    wa_chunk        *chunks;    /* [n_rows, n_chunks] */
    bool            *is_finite; /* [n_rows] once finished: whether the row's logits are */
} scoring;

/* How many words of a piece come before the target in a ranking: larger logits, and equal ones of a smaller index. */
static size_t count_before(const wa_kernels *k, const wa_piece_of_row *piece, float logit, size_t target)
{
    const size_t n_left = target > piece->first ? target - piece->first : 0, n = n_left < piece->n ? n_left : piece->n;

    return k->count(piece->logits, logit, true, n) + k->count(piece->logits + n, logit, false, piece->n - n);
}

static void take_logits(void *user, size_t worker, const wa_piece_of_row *piece)
{
    scoring *const          s = user;
    const wa_kernels *const k = s->g->session->model->kernels;

    s->chunks[piece->row * s->n_chunks + piece->first / WA_CHUNK] = k->measure(piece->logits, piece->n);
    for (size_t i = s->first[piece->row]; i < s->first[piece->row + 1]; i++)
        s->counts[worker * s->n_shots + i] += count_before(k, piece, s->g->shots[i].logit, s->g->shots[i].aim->target);
}

/* The logit of what shot i is aimed at, which every other word is compared with. */
static void compute_target(void *user, size_t worker, size_t i)
{
    const scoring *const  s      = user;
    const wa_model *const m      = s->g->session->model;
    shot *const           it     = &s->g->shots[i];
    const uint32_t        target = (uint32_t)it->aim->target;

    (void)worker;
    wa_vocabulary_logits_of(m->pipeline.vocabulary, m->kernels, s->g->x + it->row * m->pipeline.width, &target, 1, &it->logit);
}

static wa_status prepare_scoring(scoring *s, const wa_scan *scan, wa_error *err)
{
    const wa_model *const m         = s->g->session->model;
    const size_t          n_workers = wa_pool_threads(scan->pool);
    size_t                next      = 0;

    s->n_chunks  = wa_vocabulary_chunks(m->pipeline.vocabulary);
    s->first     = wa_arena_alloc(scan->arena, s->n_rows + 1, sizeof *s->first);
    s->counts    = wa_arena_alloc_zeroed(scan->arena, n_workers * s->n_shots, sizeof *s->counts);
    s->chunks    = wa_arena_alloc(scan->arena, s->n_rows * s->n_chunks, sizeof *s->chunks);
    s->is_finite = wa_arena_alloc(scan->arena, s->n_rows, sizeof *s->is_finite);
    if (!s->first || !s->counts || !s->chunks || !s->is_finite)
        return wa_fail_memory(err, "score");
    for (size_t row = 0; row <= s->n_rows; row++) {
        while (next < s->n_shots && s->g->shots[next].row < row)
            next++;
        s->first[row] = next;
    }
    wa_pool_run(scan->pool, compute_target, s, s->n_shots);
    return WA_OK;
}

/* Fills in the scores of a row, where its logits are finite. */
static void finish_row(void *user, size_t worker, size_t row)
{
    const scoring *const  s         = user;
    const wa_chunk *const chunks    = s->chunks + row * s->n_chunks;
    const size_t          n_workers = wa_pool_threads(s->g->session->pool);

    (void)worker;
    if (!(s->is_finite[row] = wa_chunks_are_finite(chunks, s->n_chunks)))
        return;
    const wa_normaliser by = wa_normaliser_join(chunks, s->n_chunks);
    for (size_t i = s->first[row]; i < s->first[row + 1]; i++) {
        wa_word_score *const score = s->g->shots[i].aim->score;

        score->logprob = wa_log_probability(s->g->shots[i].logit, by);
        score->rank    = 1;
        for (size_t w = 0; w < n_workers; w++)
            score->rank += s->counts[w * s->n_shots + i];
    }
}

/* The run that a row came from. */
static size_t run_of_row(const gathering *g, size_t row)
{
    size_t i = 0;

    for (size_t end = g->runs[0].T - g->runs[0].first; row >= end; end += g->runs[i].T - g->runs[i].first)
        i++;
    return i;
}

/* Scores everything from the outputs of the first n_runs runs. On failure *n_whole counts the runs before the one at fault. */
static wa_status score_outputs(gathering *g, size_t n_runs, size_t *n_whole, wa_error *err)
{
    wa_status     st   = WA_OK;
    const wa_scan scan = wa_session_scan(g->session);
    scoring       s    = { .g = g };

    *n_whole = 0;
    for (size_t i = 0; i < n_runs; i++)
        s.n_rows += g->runs[i].T - g->runs[i].first;
    while (s.n_shots < g->n_shots && g->shots[s.n_shots].row < s.n_rows)
        s.n_shots++;
    if (s.n_shots == 0)
        goto done;
    WA_TRY(prepare_scoring(&s, &scan, err));
    WA_TRY(wa_vocabulary_scan(g->session->model->pipeline.vocabulary, &scan, g->x, s.n_rows, take_logits, &s, err));
    wa_pool_run(scan.pool, finish_row, &s, s.n_rows);
    for (size_t row = 0; row < s.n_rows; row++)
        if (!s.is_finite[row]) {
            *n_whole = run_of_row(g, row);
            WA_TRY(wa_pipeline_fail_logits(g->runs[*n_whole].T - 1, err));
        }
done:
    if (st == WA_OK)
        *n_whole = n_runs;
    return st;
}

/* Runs what was gathered, scores it, and begins anew. On failure *text is the one at fault. */
static wa_status flush(gathering *g, size_t *text, wa_error *err)
{
    size_t          n_runs, n_whole;
    wa_status       st    = wa_session_run(g->session, g->runs, g->n_runs, &n_runs, err);
    const wa_status later = score_outputs(g, n_runs, &n_whole, err); /* of a run before the one that failed */

    st = later != WA_OK ? later : st;
    if (st != WA_OK)
        *text = n_whole < g->n_runs ? g->texts[n_whole] : *text;
    g->n_runs = g->n_rows = g->n_shots = 0;
    return st;
}

/* ---------------------------------------------------------------- gathering */

/* Room for windows of at least MOST_ROWS outputs, or for all of n texts where they are fewer. */
static wa_status make_room(wa_session *session, const plan *plans, size_t n, gathering *g, wa_error *err)
{
    wa_status    st       = WA_OK;
    const size_t most     = session->model->experiment->tokenizer.max_tokens;
    size_t       n_places = 0, n_aims = 0, n_floats;

    for (size_t i = 0; i < n; i++) {
        n_places += plans[i].n_rows;
        n_aims = plans[i].n_aims > n_aims ? plans[i].n_aims : n_aims;
    }
    *g = (gathering){ .session = session, .room = n_places < MOST_ROWS + most ? n_places : MOST_ROWS + most };
    if (!wa_mul_size(g->room, session->model->pipeline.width, &n_floats))
        n_floats = SIZE_MAX;
    WA_SESSION_ALLOC(session, g->room, g->runs);
    WA_SESSION_ALLOC(session, g->room, g->texts);
    WA_SESSION_ALLOC(session, n_floats, g->x);
    n_aims = 0;
    for (size_t i = 0; i < n; i++)
        n_aims += plans[i].n_aims;
    WA_SESSION_ALLOC(session, n_aims, g->shots);
done:
    return st;
}

/* Adds a window of a plan: the outputs from place `covered` of the sequence on, which is place `shift` of the window. */
static wa_status add_window(gathering *g, const plan *p, size_t text, size_t covered, size_t end, size_t *next_aim, wa_error *err)
{
    wa_status             st   = WA_OK;
    const wa_model *const m    = g->session->model;
    const size_t          most = m->experiment->tokenizer.max_tokens;
    size_t               *rows, shift;

    WA_SESSION_ALLOC(g->session, end < most ? end : most, rows);
    const size_t T      = fill_window(p, covered, end, most, rows, &shift);
    g->runs[g->n_runs]  = (wa_run_of_rows){ rows, T, shift, g->x + g->n_rows * m->pipeline.width };
    g->texts[g->n_runs] = text;
    g->n_runs++;
    for (; *next_aim < p->n_aims && p->aims[*next_aim].from < end; ++*next_aim)
        g->shots[g->n_shots++] = (shot){ .aim = &p->aims[*next_aim], .row = g->n_rows + p->aims[*next_aim].from - covered };
    g->n_rows += T - shift;
done:
    return st;
}

static wa_status gather_plan(gathering *g, const plan *p, size_t text, size_t *failed, wa_error *err)
{
    wa_status    st       = WA_OK;
    const size_t most     = g->session->model->experiment->tokenizer.max_tokens;
    size_t       next_aim = 0;

    for (size_t covered = 0, end = p->n_rows < most ? p->n_rows : most; next_aim < p->n_aims; covered = end, end += most / 2) {
        end = end < p->n_rows ? end : p->n_rows;
        WA_TRY(add_window(g, p, text, covered, end, &next_aim, err));
        if (g->n_rows >= MOST_ROWS)
            WA_TRY(flush(g, failed, err));
    }
done:
    return st;
}

static void sum_up(wa_scores *scores)
{
    for (size_t i = 0; i < scores->n_words; i++) {
        const wa_word_score *const word = &scores->words[i];

        scores->n_scored += word->has_score;
        scores->n_unknown += !word->token.is_known;
        scores->logprob += word->has_score ? (double)word->logprob : 0.0;
    }
}

/* ---------------------------------------------------------------- texts */

static wa_status plan_text(wa_session *session, size_t worker, wa_text text, const wa_context *context, wa_scores *scores, plan *p,
                           wa_error *err)
{
    wa_status st = WA_OK;

    *scores = (wa_scores){ 0 };
    WA_TRY(list_words(session, worker, text, scores, err));
    wa_word_score *const words = (wa_word_score *)(uintptr_t)scores->words; /* ours until we return them */
    WA_TRY(make_plan(session, worker, scores, words, context, p, err));
done:
    return st;
}

/* Scores n texts that are planned. On failure *n_done counts the texts before the one at fault. */
static wa_status score_plans(wa_session *session, const plan *plans, size_t n, size_t *n_done, wa_error *err)
{
    wa_status st = WA_OK;
    gathering g;

    *n_done = 0;
    WA_TRY(make_room(session, plans, n, &g, err));
    for (size_t i = 0; i < n; i++)
        WA_TRY(gather_plan(&g, &plans[i], i, n_done, err));
    WA_TRY(flush(&g, n_done, err));
    *n_done = n;
done:
    return st;
}

typedef struct plan_job {
    wa_session    *session;
    const wa_text *texts;
    wa_scores     *out;
    plan          *plans;
} plan_job;

static wa_status plan_piece(void *user, size_t worker, wa_pool *pool, size_t i, wa_error *err)
{
    const plan_job *const job = user;

    (void)pool;
    return plan_text(job->session, worker, job->texts[i], NULL, &job->out[i], &job->plans[i], err);
}

wa_status wa_score_many(wa_session *session, const wa_text *texts, size_t n, wa_scores *out, size_t *n_done, wa_error *err)
{
    wa_status st = WA_OK;
    size_t    n_planned;
    plan     *plans;

    *n_done = 0;
    wa_session_begin(session);
    WA_TRY(wa_session_need_words(session, "score", err));
    WA_SESSION_ALLOC(session, n, plans);
    WA_TRY(wa_session_each(session, plan_piece, &(plan_job){ session, texts, out, plans }, n, &n_planned, err));
    WA_TRY(score_plans(session, plans, n, n_done, err));
done:
    for (size_t i = 0; i < *n_done; i++)
        sum_up(&out[i]);
    return st;
}

wa_status wa_score(wa_session *session, wa_text text, wa_context *context, wa_scores *out, wa_error *err)
{
    wa_status st = WA_OK;
    wa_scores scores;
    plan      p;
    size_t    ignored;

    wa_session_begin(session);
    WA_TRY(wa_session_need_words(session, "score", err));
    WA_TRY(plan_text(session, 0, text, context, &scores, &p, err));
    WA_TRY(score_plans(session, &p, 1, &ignored, err));
    if (context)
        WA_TRY(wa_context_reserve(context, scores.n_words, err)); /* so that all words are added or none */
    for (size_t i = 0; context && i < scores.n_words; i++)
        WA_TRY(wa_context_add(context, scores.words[i].token.index, err));
    sum_up(&scores);
    *out = scores;
done:
    return st;
}

/* ---------------------------------------------------------------- totals */

static void add_word(wa_score_totals *totals, const wa_word_score *word)
{
    totals->n_unknown += !word->token.is_known;
    if (!word->has_score)
        return;
    totals->n_words++;
    totals->n_unknown_scored += !word->token.is_known;
    wa_sum_add(&totals->logprob, (double)word->logprob);
    if (word->token.is_known)
        wa_sum_add(&totals->logprob_known, (double)word->logprob);
    wa_sum_add(&totals->reciprocal_ranks, 1.0 / (double)word->rank);
    totals->n_top1 += word->rank <= 1;
    totals->n_top5 += word->rank <= 5;
    totals->n_top10 += word->rank <= 10;
}

void wa_score_add(wa_score_totals *totals, const wa_scores *scores)
{
    totals->n_texts++;
    totals->n_invalid += scores->n_invalid;
    for (size_t i = 0; i < scores->n_words; i++)
        add_word(totals, &scores->words[i]);
}

void wa_score_merge(wa_score_totals *totals, const wa_score_totals *other)
{
    totals->n_texts += other->n_texts;
    totals->n_words += other->n_words;
    totals->n_unknown += other->n_unknown;
    totals->n_unknown_scored += other->n_unknown_scored;
    totals->n_invalid += other->n_invalid;
    wa_sum_merge(&totals->logprob, &other->logprob);
    wa_sum_merge(&totals->logprob_known, &other->logprob_known);
    wa_sum_merge(&totals->reciprocal_ranks, &other->reciprocal_ranks);
    totals->n_top1 += other->n_top1;
    totals->n_top5 += other->n_top5;
    totals->n_top10 += other->n_top10;
}

double wa_perplexity(double logprob, size_t n)
{
    return n ? wa_exp(-logprob / (double)n) : NAN;
}

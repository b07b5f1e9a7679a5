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
static wa_status list_words(wa_session *session, wa_text text, wa_scores *out, wa_error *err)
{
    wa_status             st  = WA_OK;
    const wa_model *const m   = session->model;
    const wa_text         end = wa_model_end(m);
    wa_tokens             tokens;
    wa_word_score        *words;

    WA_TRY(wa_session_tokens(session, text, &tokens, err));
    WA_SESSION_ALLOC(session, tokens.n_tokens + 1, words);
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

static wa_status make_plan(wa_session *session, const wa_scores *scores, wa_word_score *words, const wa_context *context, plan *p,
                           wa_error *err)
{
    wa_status    st        = WA_OK;
    const size_t n_context = context ? context->n : 0;

    *p = (plan){ 0 };
    WA_SESSION_ALLOC(session, scores->n_words + n_context + 1, p->rows);
    WA_SESSION_ALLOC(session, scores->n_words, p->aims);
    plan_before(session->model, p, context, scores->n_words);
    for (size_t i = 0; i < scores->n_words; i++)
        plan_word(session->model, p, &words[i], i + 1 == scores->n_words);
done:
    return st;
}

/* ---------------------------------------------------------------- scoring */

enum { BLOCK = 16 }; /* positions whose logits are computed together: enough to reuse each weight while it is in the cache */

/* 1 + the words before this one in a ranking: larger logits, and equal ones of a smaller index. */
static size_t rank_of(const float *logits, size_t N, size_t target)
{
    size_t rank = 1;

    for (size_t i = 0; i < N; i++)
        rank += logits[i] > logits[target] || (logits[i] == logits[target] && i < target);
    return rank;
}

/* Fills the aims from the places first..end of the sequence, which are those shift.. of the flow. */
static wa_status score_window(wa_session *session, const plan *p, const wa_flow *flow, size_t first, size_t end, size_t shift,
                              float *logits, size_t *next_aim, wa_error *err)
{
    wa_status     st = WA_OK;
    const size_t  N  = wa_model_vocabulary(session->model);
    wa_normaliser by[BLOCK];
    size_t        block = first, n_block = 0;

    for (; *next_aim < p->n_aims && p->aims[*next_aim].from < end; (*next_aim)++) {
        const aim *const a = &p->aims[*next_aim];

        if (a->from >= block + n_block) {
            const size_t last = p->aims[p->n_aims - 1].from + 1 < end ? p->aims[p->n_aims - 1].from + 1 : end;

            block   = a->from;
            n_block = last - block < BLOCK ? last - block : BLOCK;
            WA_TRY(wa_pipeline_words(&session->model->pipeline, flow, block - first + shift, n_block, logits, by, err));
        }
        const float *const row = logits + (a->from - block) * N;
        a->score->logprob      = wa_log_probability(row[a->target], by[a->from - block]);
        a->score->rank         = rank_of(row, N, a->target);
    }
done:
    return st;
}

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

static wa_status score_plan(wa_session *session, const plan *p, wa_error *err)
{
    wa_status    st       = WA_OK;
    const size_t most     = session->model->experiment->tokenizer.max_tokens;
    const size_t n        = p->n_rows < most ? p->n_rows : most;
    size_t       next_aim = 0, n_logits, *rows;
    float       *logits;
    wa_flow      flow;

    WA_SESSION_ALLOC(session, n, rows);
    if (!wa_mul_size(wa_model_vocabulary(session->model), BLOCK, &n_logits))
        n_logits = SIZE_MAX;
    WA_SESSION_ALLOC(session, n_logits, logits);
    for (size_t covered = 0, end = n; next_aim < p->n_aims; covered = end, end += most / 2) {
        size_t shift;

        end            = end < p->n_rows ? end : p->n_rows;
        const size_t T = fill_window(p, covered, end, most, rows, &shift);
        WA_TRY(wa_session_run_rows(session, rows, T, &flow, err));
        WA_TRY(score_window(session, p, &flow, covered, end, shift, logits, &next_aim, err));
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

static wa_status score_text(wa_session *session, wa_text text, wa_context *context, wa_scores *out, wa_error *err)
{
    wa_status st     = WA_OK;
    wa_scores scores = { 0 };
    plan      p;

    WA_TRY(wa_session_need_words(session, "score", err));
    WA_TRY(list_words(session, text, &scores, err));
    wa_word_score *const words = (wa_word_score *)(uintptr_t)scores.words; /* ours until we return them */
    WA_TRY(make_plan(session, &scores, words, context, &p, err));
    if (p.n_aims > 0)
        WA_TRY(score_plan(session, &p, err));
    for (size_t i = 0; context && i < scores.n_words; i++)
        WA_TRY(wa_context_add(context, words[i].token.index, err));
    sum_up(&scores);
    *out = scores;
done:
    return st;
}

wa_status wa_score(wa_session *session, wa_text text, wa_context *context, wa_scores *out, wa_error *err)
{
    wa_session_begin(session);
    return score_text(session, text, context, out, err);
}

wa_status wa_score_many(wa_session *session, const wa_text *texts, size_t n, wa_scores *out, size_t *n_done, wa_error *err)
{
    wa_status st = WA_OK;

    wa_session_begin(session);
    for (*n_done = 0; *n_done < n; (*n_done)++)
        WA_TRY(score_text(session, texts[*n_done], NULL, &out[*n_done], err));
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
    totals->logprob += (double)word->logprob;
    totals->logprob_known += word->token.is_known ? (double)word->logprob : 0.0;
    totals->reciprocal_ranks += 1.0 / (double)word->rank;
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

double wa_perplexity(double logprob, size_t n)
{
    return n ? wa_exp(-logprob / (double)n) : NAN;
}

/* Ranking the words that may follow a text. See wordahead.h. */
#include <math.h>

#include "base/status.h"
#include "base/str.h"
#include "math/topk.h"
#include "model/context.h"
#include "model/session.h"

enum { DEFAULT_K = 10 };

static size_t count_wanted(const wa_rank_opts *opts, size_t N)
{
    const size_t available = opts->candidates ? opts->n_candidates : N;
    const size_t k         = opts->k ? opts->k : DEFAULT_K;

    return k < available ? k : available;
}

static wa_status check_candidates(const wa_rank_opts *opts, size_t N, wa_error *err)
{
    for (size_t i = 0; opts->candidates && i < opts->n_candidates; i++)
        if (opts->candidates[i] >= N)
            return wa_fail(err, WA_EUSAGE, "candidate %zu is %zu, expected an index below the %zu words of the vocabulary", i,
                           opts->candidates[i], N);
    return WA_OK;
}

/* Offers every word that the options admit. */
static void offer_words(wa_topk *top, const float *logits, const wa_lexicon *words, const wa_rank_opts *opts)
{
    const size_t n = opts->candidates ? opts->n_candidates : words->n_words;

    for (size_t i = 0; i < n; i++) {
        const size_t word = opts->candidates ? opts->candidates[i] : i;

        if (opts->prefix.n_bytes == 0 || wa_text_begins(wa_lexicon_word(words, word), opts->prefix))
            wa_topk_offer(top, logits[word], word);
    }
}

static wa_status predict(wa_session *session, const float *logits, wa_normaliser by, const wa_rank_opts *opts, wa_ranking *out,
                         wa_error *err)
{
    wa_status               st    = WA_OK;
    const wa_lexicon *const words = wa_model_words(session->model);
    wa_topk                 top   = { .k = count_wanted(opts, words->n_words) };
    wa_prediction          *next;

    WA_SESSION_ALLOC(session, top.k, top.items);
    WA_SESSION_ALLOC(session, top.k, next);
    offer_words(&top, logits, words, opts);
    wa_topk_sort(&top);
    for (size_t i = 0; i < top.n; i++)
        next[i] = (wa_prediction){
            .index   = top.items[i].index,
            .word    = wa_lexicon_word(words, top.items[i].index),
            .logit   = top.items[i].score,
            .logprob = opts->words_only ? NAN : wa_log_probability(top.items[i].score, by),
            .prob    = opts->words_only ? NAN : wa_probability(top.items[i].score, by),
        };
    out->next       = next;
    out->n_next     = top.n;
    out->n_computed = words->n_words;
done:
    return st;
}

static wa_status rank_flow(wa_session *session, wa_flow *flow, const wa_rank_opts *opts, wa_ranking *out, wa_error *err)
{
    wa_status     st = WA_OK;
    wa_normaliser by;
    float        *logits;

    WA_TRY(wa_flow_alloc(flow, 1, wa_model_vocabulary(session->model), &logits, err));
    WA_TRY(wa_pipeline_words(&session->model->pipeline, flow, flow->T - 1, 1, logits, &by, err));
    WA_TRY(predict(session, logits, by, opts, out, err));
done:
    return st;
}

static wa_status rank_text(wa_session *session, wa_text text, const wa_rank_opts *opts, wa_ranking *out, wa_error *err)
{
    wa_status  st      = WA_OK;
    wa_ranking ranking = { 0 };
    wa_flow    flow;

    WA_TRY(wa_session_tokens(session, text, &ranking.text, err));
    WA_TRY(wa_session_run(session, &ranking.text, &flow, err));
    WA_TRY(rank_flow(session, &flow, opts, &ranking, err));
    *out = ranking;
done:
    return st;
}

static const wa_rank_opts defaults = { 0 };

/* What is wrong with any text. */
static wa_status check(const wa_session *session, const wa_rank_opts *opts, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(wa_session_need_words(session, "rank", err));
    WA_TRY(check_candidates(opts, wa_model_vocabulary(session->model), err));
done:
    return st;
}

wa_status wa_rank_many(wa_session *session, const wa_text *texts, size_t n, const wa_rank_opts *opts, wa_ranking *out,
                       size_t *n_done, wa_error *err)
{
    wa_status st = WA_OK;

    opts    = opts ? opts : &defaults;
    *n_done = 0;
    wa_session_begin(session);
    WA_TRY(check(session, opts, err));
    for (; *n_done < n; (*n_done)++)
        WA_TRY(rank_text(session, texts[*n_done], opts, &out[*n_done], err));
done:
    return st;
}

wa_status wa_rank(wa_session *session, wa_text text, const wa_rank_opts *opts, wa_ranking *out, wa_error *err)
{
    size_t ignored;

    return wa_rank_many(session, &text, 1, opts, out, &ignored, err);
}

/* ---------------------------------------------------------------- word by word */

wa_status wa_feed(wa_session *session, wa_context *context, wa_text text, wa_tokens *out, wa_error *err)
{
    wa_status st = WA_OK;
    wa_tokens tokens;

    wa_session_begin(session);
    WA_TRY(wa_session_tokens(session, text, &tokens, err));
    const size_t n_start = session->model->start != WA_NONE;
    for (size_t i = n_start; i < tokens.n_tokens; i++)
        WA_TRY(wa_context_add(context, tokens.tokens[i].index, err));
    tokens.tokens += n_start;
    tokens.n_tokens -= n_start;
    if (out)
        *out = tokens;
done:
    return st;
}

/* The start word and the last words of the context, max_tokens in all. */
static wa_status list_rows(wa_session *session, const wa_context *context, size_t **rows, size_t *T, wa_error *err)
{
    wa_status             st        = WA_OK;
    const wa_model *const m         = session->model;
    const bool            has_start = m->start != WA_NONE;
    const size_t          most      = m->experiment->tokenizer.max_tokens - has_start;
    const size_t          n         = context->n < most ? context->n : most;

    WA_SESSION_ALLOC(session, n + 1, *rows);
    (*rows)[0] = m->start;
    for (size_t i = 0; i < n; i++)
        (*rows)[has_start + i] = context->rows[context->n - n + i];
    *T = has_start + n;
    if (*T == 0)
        WA_FAIL(WA_EMODEL, "no word was fed, and the model has no start word (tokenizer.start) to begin from");
done:
    return st;
}

wa_status wa_rank_next(wa_session *session, wa_context *context, const wa_rank_opts *opts, wa_ranking *out, wa_error *err)
{
    wa_status  st      = WA_OK;
    wa_ranking ranking = { 0 };
    size_t    *rows, T;
    wa_flow    flow;

    opts = opts ? opts : &defaults;
    wa_session_begin(session);
    WA_TRY(check(session, opts, err));
    WA_TRY(list_rows(session, context, &rows, &T, err));
    WA_TRY(wa_session_run_rows(session, rows, T, &flow, err));
    WA_TRY(rank_flow(session, &flow, opts, &ranking, err));
    *out = ranking;
done:
    return st;
}

wa_status wa_lookup(wa_session *session, wa_text word, size_t *index, wa_text *normalised, wa_error *err)
{
    wa_status st = WA_OK;
    wa_text   folded;

    wa_arena_reset(&session->looked_up);
    WA_TRY(wa_tokenizer_fold(&session->model->experiment->tokenizer, word, &session->looked_up, &folded, err));
    *index = wa_model_find(session->model, word);
    if (*index == WA_NONE)
        *index = wa_model_find(session->model, folded);
    if (normalised)
        *normalised = folded;
done:
    return st;
}

/* Ranking the words that may follow a text. See wordahead.h. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "model/context.h"
#include "task/search.h"

enum { DEFAULT_K = 10 };

static const wa_rank_opts defaults = { 0 };

/* ---------------------------------------------------------------- what is searched for */

/* What is wrong with any text. */
static wa_status check(const wa_session *session, const wa_rank_opts *opts, wa_error *err)
{
    wa_status    st = WA_OK;
    const size_t N  = wa_model_vocabulary(session->model);

    WA_TRY(wa_session_need_words(session, "rank", err));
    for (size_t i = 0; opts->candidates && i < opts->n_candidates; i++)
        if (opts->candidates[i] >= N)
            WA_FAIL(WA_EUSAGE, "candidate %zu is %zu, expected an index below the %zu words of the vocabulary", i,
                    opts->candidates[i], N);
done:
    return st;
}

/* Sets the bits of the words that the options admit. */
static void allow_words(const wa_model *model, const wa_rank_opts *opts, uint64_t *allowed, size_t *n_allowed)
{
    const wa_lexicon *const words = wa_model_words(model);
    const size_t            n     = opts->candidates ? opts->n_candidates : words->n_words;

    *n_allowed = 0;
    for (size_t i = 0; i < words->n_words / 64 + 1; i++)
        allowed[i] = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t   word = opts->candidates ? opts->candidates[i] : i;
        const uint64_t bit  = (uint64_t)1 << (word % 64);

        if ((allowed[word / 64] & bit) == 0 && wa_text_begins(wa_lexicon_word(words, word), opts->prefix)) {
            allowed[word / 64] |= bit;
            ++*n_allowed;
        }
    }
}

static wa_status make_search(wa_session *session, const wa_rank_opts *opts, wa_search *out, wa_error *err)
{
    wa_status             st = WA_OK;
    const wa_model *const m  = session->model;
    const size_t          N  = wa_model_vocabulary(m);
    uint64_t             *allowed;

    *out = (wa_search){ .k = opts->k ? opts->k : DEFAULT_K, .n_allowed = N, .has_probabilities = !opts->words_only };
    if (opts->candidates || opts->prefix.n_bytes > 0) {
        WA_SESSION_ALLOC(session, N / 64 + 1, allowed);
        allow_words(m, opts, allowed, &out->n_allowed);
        out->allowed = allowed;
    }
    out->k = out->k < out->n_allowed ? out->k : out->n_allowed;
done:
    return st;
}

/* ---------------------------------------------------------------- ranking */

static wa_status predict(wa_session *session, const wa_search *search, const wa_found *found, wa_ranking *out, wa_error *err)
{
    wa_status      st = WA_OK;
    wa_prediction *next;

    WA_SESSION_ALLOC(session, found->n, next);
    for (size_t i = 0; i < found->n; i++) {
        const wa_scored word = found->words[i];

        next[i] = (wa_prediction){
            .index   = word.index,
            .word    = wa_model_word(session->model, word.index),
            .logit   = word.score,
            .logprob = search->has_probabilities ? wa_log_probability(word.score, found->by) : NAN,
            .prob    = search->has_probabilities ? wa_probability(word.score, found->by) : NAN,
        };
    }
    out->next       = next;
    out->n_next     = found->n;
    out->n_computed = found->n_computed;
done:
    return st;
}

/* Ranks after n outputs x, [n, width], each of the last of n_words[i] words. *n_done as in wa_rank_many(). */
static wa_status rank_outputs(wa_session *session, const wa_rank_opts *opts, const float *x, size_t n, const size_t *n_words,
                              wa_ranking *out, size_t *n_done, wa_error *err)
{
    wa_status st = WA_OK;
    wa_search search;
    wa_found *found;

    *n_done = 0;
    WA_SESSION_ALLOC(session, n, found);
    WA_TRY(make_search(session, opts, &search, err));
    WA_TRY(wa_search_words(session, &search, x, n, found, err));
    for (; *n_done < n; (*n_done)++) {
        if (!found[*n_done].is_finite)
            WA_TRY(wa_pipeline_fail_logits(n_words[*n_done] - 1, err));
        WA_TRY(predict(session, &search, &found[*n_done], &out[*n_done], err));
    }
done:
    return st;
}

static wa_status rank_texts(wa_session *session, const wa_text *texts, size_t n, const wa_rank_opts *opts, wa_ranking *out,
                            size_t *n_done, wa_error *err)
{
    wa_status       st    = WA_OK, ranked;
    const size_t    width = session->model->pipeline.width;
    size_t          n_floats, *n_words;
    wa_run_of_text *runs;
    float          *x;

    if (!wa_mul_size(n, width, &n_floats))
        n_floats = SIZE_MAX;
    WA_SESSION_ALLOC(session, n_floats, x);
    WA_SESSION_ALLOC(session, n, runs);
    WA_SESSION_ALLOC(session, n, n_words);
    st = wa_session_run_texts(session, texts, n, true, runs, &n, err);
    for (size_t i = 0; i < n; i++) {
        memcpy(x + i * width, runs[i].out, width * sizeof *x);
        n_words[i] = runs[i].T;
        out[i]     = (wa_ranking){ .text = runs[i].tokens };
    }
    if ((ranked = rank_outputs(session, opts, x, n, n_words, out, n_done, err)) != WA_OK) /* of a text before the one that failed */
        st = ranked;
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
    WA_TRY(rank_texts(session, texts, n, opts, out, n_done, err));
done:
    return st;
}

wa_status wa_rank(wa_session *session, wa_text text, const wa_rank_opts *opts, wa_ranking *out, wa_error *err)
{
    wa_status  st = WA_OK;
    wa_ranking ranking;
    size_t     ignored;

    WA_TRY(wa_rank_many(session, &text, 1, opts, &ranking, &ignored, err));
    *out = ranking;
done:
    return st;
}

/* ---------------------------------------------------------------- word by word */

wa_status wa_feed(wa_session *session, wa_context *context, wa_text text, wa_tokens *out, wa_error *err)
{
    wa_status st = WA_OK;
    wa_tokens tokens;

    wa_session_begin(session);
    WA_TRY(wa_session_tokens(session, 0, text, &tokens, err));
    const size_t n_start = session->model->start != WA_NONE;
    WA_TRY(wa_context_reserve(context, tokens.n_tokens, err)); /* so that all words are added or none */
    for (size_t i = n_start; i < tokens.n_tokens; i++)
        WA_TRY(wa_context_add(context, tokens.tokens[i].index, err));
    tokens.tokens += n_start;
    tokens.n_tokens -= n_start;
    if (out)
        *out = tokens;
done:
    return st;
}

wa_status wa_feed_end(wa_context *context, wa_error *err)
{
    const wa_text end = wa_model_end(context->model);

    return end.data ? wa_context_add(context, wa_vectors_find(context->model->vectors, end), err) : WA_OK;
}

wa_status wa_rank_next(wa_session *session, wa_context *context, const wa_rank_opts *opts, wa_ranking *out, wa_error *err)
{
    wa_status    st      = WA_OK;
    wa_ranking   ranking = { 0 };
    const float *x;
    size_t       ignored;

    opts = opts ? opts : &defaults;
    wa_session_begin(session);
    WA_TRY(check(session, opts, err));
    WA_TRY(wa_context_output(session, context, &x, err));
    WA_TRY(rank_outputs(session, opts, x, 1, &context->n, &ranking, &ignored, err));
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

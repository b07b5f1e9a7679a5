/* One choice of a completion. See choice.h. */
#include "serve/choice.h"

#include <string.h>

#include "base/str.h"
#include "math/elementary.h"
#include "model/context.h"
#include "serve/spelling.h"

enum { MOST_BEGINNINGS = 32 }; /* of a prompt that are ranked in one step */

/* ---------------------------------------------------------------- entries of the lists */

static wa_text slice(wa_text text, size_t start, size_t end)
{
    return (wa_text){ text.data + start, end - start };
}

static void add_top(wa_buf *tops, wa_text before, wa_text word, float logprob, bool is_first)
{
    wa_buf spelled = { 0 };

    wa_buf_str(&spelled, wa_spelling_has_space(before, word) ? " " : "");
    wa_buf_text(&spelled, word);
    wa_buf_str(tops, is_first ? "" : ",");
    wa_json_add_text(tops, wa_buf_view(&spelled));
    wa_buf_str(tops, ":");
    wa_json_add_float(tops, logprob);
    tops->failed |= spelled.failed;
    wa_buf_clear(&spelled);
}

/* The best words at a place, and the one that stands there, spelled as it stands there. */
static void add_tops(wa_choice *c, const wa_ranking *ranking, wa_text before, wa_text token, size_t target, float logprob)
{
    bool is_there = false;

    wa_buf_str(&c->tops, "{");
    for (size_t i = 0; i < c->how->n_top && i < ranking->n_next; i++) {
        const wa_prediction *const next = &ranking->next[i];

        if (next->index != target) {
            add_top(&c->tops, before, next->word, next->logprob, i == 0);
            continue;
        }
        is_there = true;
        wa_buf_str(&c->tops, i ? "," : "");
        wa_json_add_text(&c->tops, token);
        wa_buf_str(&c->tops, ":");
        wa_json_add_float(&c->tops, next->logprob);
    }
    if (!is_there) {
        wa_buf_str(&c->tops, c->how->n_top && ranking->n_next ? "," : "");
        wa_json_add_text(&c->tops, token);
        wa_buf_str(&c->tops, ":");
        wa_json_add_float(&c->tops, logprob);
    }
    wa_buf_str(&c->tops, "}");
}

/* ranking NULL: the word has no log-probability. */
static void add_entry(wa_choice *c, const wa_ranking *ranking, wa_text before, wa_text token, size_t target, float logprob)
{
    const char *const comma = c->tokens.n_bytes ? "," : "";

    wa_buf_str(&c->tokens, comma);
    wa_json_add_text(&c->tokens, token);
    wa_buf_format(&c->offsets, "%s%zu", comma, c->n_chars);
    c->n_chars += wa_spelling_count(token);
    wa_buf_str(&c->logprobs, comma);
    wa_buf_str(&c->tops, comma);
    if (!ranking) {
        wa_buf_str(&c->logprobs, "null");
        wa_buf_str(&c->tops, "null");
        return;
    }
    wa_json_add_float(&c->logprobs, logprob);
    add_tops(c, ranking, before, token, target, logprob);
}

/* ---------------------------------------------------------------- the prompt */

/* The words that the pipeline ran over when the prompt was scored, by their place in the sequence. */
typedef struct sequence {
    size_t *starts, *ends; /* [n] bytes of the prompt; of the start word 0 */
    size_t  n, n_fixed, n_most;
} sequence;

/* The first place behind the start word of the window that scored from place p: windows advance by half their length (task/score.c). */
static size_t first_of_window(const sequence *s, size_t p)
{
    size_t end = s->n < s->n_most ? s->n : s->n_most;

    while (p >= end) {
        end += s->n_most / 2;
        end = end < s->n ? end : s->n;
    }
    return end <= s->n_most ? s->n_fixed : end - s->n_most + s->n_fixed;
}

/* What each word was scored after, as a piece of the prompt: ranking what follows it gives the same numbers. */
static void find_contexts(const sequence *s, wa_echoed *words, const size_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!words[i].has_score || from[i] < s->n_fixed)
            continue;
        words[i].context_start = s->starts[first_of_window(s, from[i])];
        words[i].context_end   = s->ends[from[i]];
    }
}

static size_t find_target(const wa_model *model, wa_text word)
{
    const size_t index = wa_model_find(model, word);

    return index == WA_NONE && wa_model_unknown(model).data ? wa_model_find(model, wa_model_unknown(model)) : index;
}

/* Copies what scoring found, as another call of the session follows. The end word is not part of the prompt. */
static wa_status keep_scores(const wa_engine *engine, wa_choice *c, const wa_scores *scores, wa_arena *arena, wa_error *err)
{
    const bool    has_end = wa_model_end(engine->model).data != NULL;
    sequence      s       = { .n_fixed = wa_model_start(engine->model).data != NULL,
                              .n_most  = engine->model->experiment->tokenizer.max_tokens };
    size_t *const from    = wa_arena_alloc(arena, scores->n_words, sizeof *from);

    c->n_echoed = scores->n_words - has_end;
    c->echoed   = wa_arena_alloc_zeroed(arena, c->n_echoed, sizeof *c->echoed);
    s.starts    = wa_arena_alloc_zeroed(arena, scores->n_words + 1, sizeof *s.starts);
    s.ends      = wa_arena_alloc_zeroed(arena, scores->n_words + 1, sizeof *s.ends);
    if (!from || !c->echoed || !s.starts || !s.ends)
        return wa_fail_memory(err, "completions");
    s.n = s.n_fixed;
    for (size_t i = 0; i < c->n_echoed; i++) {
        const wa_word_score *const word = &scores->words[i];

        c->echoed[i] = (wa_echoed){ .start     = word->token.start,
                                    .end       = word->token.end,
                                    .has_score = word->has_score,
                                    .logprob   = word->logprob,
                                    .target    = find_target(engine->model, word->token.word) };
        from[i]      = s.n ? s.n - 1 : 0;
        if (word->token.index == WA_NONE || i + 1 == scores->n_words)
            continue;
        s.starts[s.n] = word->token.start;
        s.ends[s.n++] = word->token.end;
    }
    find_contexts(&s, c->echoed, from, c->n_echoed);
    return WA_OK;
}

static wa_status begin(wa_engine *engine, wa_choice *c, wa_arena *arena, wa_error *err)
{
    wa_status st = WA_OK;
    wa_tokens tokens;
    wa_scores scores;

    WA_TRY(wa_tokenize(engine->session, c->prompt, &tokens, err));
    c->n_prompt = tokens.n_tokens - (wa_model_start(engine->model).data != NULL);
    engine->metrics->n_words += c->n_prompt;
    wa_buf_text(&c->text, c->prompt);
    if (c->how->is_echo && c->how->has_logprobs) {
        WA_TRY(wa_score(engine->session, c->prompt, NULL, &scores, err));
        WA_TRY(keep_scores(engine, c, &scores, arena, err));
    } else {
        c->n_chars = wa_spelling_count(c->prompt);
    }
    c->has_begun = true;
done:
    return st;
}

/* Ranks after the beginnings of the prompt that the next words were scored after. */
static wa_status show_echoed(wa_engine *engine, wa_choice *c, wa_error *err)
{
    wa_status          st  = WA_OK;
    const wa_rank_opts how = { .k = c->how->n_top ? c->how->n_top : 1 };
    wa_text            texts[MOST_BEGINNINGS];
    wa_ranking         rankings[MOST_BEGINNINGS];
    const size_t       n_left = c->n_echoed - c->n_shown, n = n_left < MOST_BEGINNINGS ? n_left : MOST_BEGINNINGS;
    size_t             n_texts = 0, n_done = 0;

    for (size_t i = 0; i < n; i++) {
        const wa_echoed *const word = &c->echoed[c->n_shown + i];

        if (word->has_score)
            texts[n_texts++] = slice(c->prompt, word->context_start, word->context_end);
    }
    if (n_texts > 0)
        WA_TRY(wa_rank_many(engine->session, texts, n_texts, &how, rankings, &n_done, err));
    n_done = 0;
    for (size_t end = c->n_shown + n; c->n_shown < end; c->n_shown++) {
        const wa_echoed *const word  = &c->echoed[c->n_shown];
        const size_t           start = c->n_shown ? word[-1].end : 0;

        add_entry(c, word->has_score ? &rankings[n_done++] : NULL, slice(c->prompt, 0, start), slice(c->prompt, start, word->end),
                  word->target, word->logprob);
    }
    if (c->n_shown == c->n_echoed) /* white space behind the last word belongs to no token */
        c->n_chars = wa_spelling_count(c->prompt);
done:
    return st;
}

/* ---------------------------------------------------------------- choosing the next word */

/* The word for unknown ones stands for no word that could be written. */
static bool may_choose(const wa_engine *engine, wa_text word)
{
    const wa_text unknown = wa_model_unknown(engine->model);

    return !unknown.data || !wa_text_equal(word, unknown);
}

/* The weight of a prediction at a temperature, beside the best one's. */
static double weigh(const wa_engine *engine, const wa_choice *c, const wa_ranking *ranking, size_t i)
{
    if (!may_choose(engine, ranking->next[i].word))
        return 0;
    return wa_exp(((double)ranking->next[i].logprob - (double)ranking->next[0].logprob) / c->how->temperature);
}

/* Samples among the best words that have top_p of the probability together. */
static size_t sample(const wa_engine *engine, wa_choice *c, const wa_ranking *ranking)
{
    double total = 0, kept = 0;
    size_t n = 0, last = WA_NONE;

    for (size_t i = 0; i < ranking->n_next; i++)
        total += weigh(engine, c, ranking, i);
    while (n < ranking->n_next && (n == 0 || kept == 0 || kept < c->how->top_p * total))
        kept += weigh(engine, c, ranking, n++);
    double left = (double)(wa_rng_next(&c->rng) >> 11) * 0x1p-53 * kept;
    for (size_t i = 0; i < n; i++) {
        const double weight = weigh(engine, c, ranking, i);

        if (weight > 0)
            last = i;
        if (weight > left)
            return i;
        left -= weight;
    }
    return last; /* rounding used up a little more than there was */
}

/* The index in the ranking; WA_NONE where there is no word to choose. */
static size_t choose(const wa_engine *engine, wa_choice *c, const wa_ranking *ranking)
{
    size_t i = 0;

    if (c->how->temperature > 0)
        return sample(engine, c, ranking);
    while (i < ranking->n_next && !may_choose(engine, ranking->next[i].word))
        i++;
    return i < ranking->n_next ? i : WA_NONE;
}

/* Where the first of the stop texts begins in what was generated, or WA_NONE. */
static size_t find_stop(const wa_choice *c, wa_text generated)
{
    for (size_t at = 0; at < generated.n_bytes; at++)
        for (size_t i = 0; i < c->how->stop.n; i++)
            if (wa_text_begins((wa_text){ generated.data + at, generated.n_bytes - at }, c->how->stop.items[i]))
                return at;
    return WA_NONE;
}

/* Appends the word; false where a stop text cuts it off. */
static bool append(wa_choice *c, wa_text word, size_t *start)
{
    *start = c->text.n_bytes;
    wa_buf_str(&c->text, wa_spelling_has_space(wa_buf_view(&c->text), word) ? " " : "");
    wa_buf_text(&c->text, word);
    if (c->text.failed)
        return true;
    const size_t at = find_stop(c, slice(wa_buf_view(&c->text), c->prompt.n_bytes, c->text.n_bytes));
    if (at == WA_NONE)
        return true;
    c->text.n_bytes = c->prompt.n_bytes + at;
    c->finish       = "stop";
    return false;
}

static wa_status take_word(wa_engine *engine, wa_choice *c, const wa_ranking *ranking, size_t i, wa_error *err)
{
    const wa_prediction *const next = &ranking->next[i];
    const wa_text              end  = wa_model_end(engine->model);
    size_t                     start;

    if (end.data && wa_text_equal(next->word, end)) {
        c->finish = "stop";
        return WA_OK;
    }
    if (!append(c, next->word, &start))
        return WA_OK;
    if (c->text.failed)
        return wa_fail_memory(err, "completions");
    if (c->how->has_logprobs) {
        const wa_text text = wa_buf_view(&c->text);

        add_entry(c, ranking, slice(text, 0, start), slice(text, start, text.n_bytes), next->index, next->logprob);
    }
    engine->metrics->n_words++;
    if (++c->n_generated == c->how->n_most)
        c->finish = "length";
    return wa_context_add(c->context, wa_vectors_find(wa_model_vectors(engine->model), next->word), err);
}

static wa_status feed(wa_engine *engine, wa_choice *c, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(wa_context_new(engine->model, &c->context, err));
    WA_TRY(wa_feed(engine->session, c->context, c->prompt, NULL, err));
    c->is_fed = true;
done:
    return st;
}

static wa_status generate(wa_engine *engine, wa_choice *c, wa_error *err)
{
    wa_status          st  = WA_OK;
    const wa_rank_opts how = { .k = c->how->temperature > 0 ? WA_NONE : c->how->n_top + 2 };
    wa_ranking         ranking;

    WA_TRY(wa_rank_next(engine->session, c->context, &how, &ranking, err));
    const size_t i = choose(engine, c, &ranking);
    if (i == WA_NONE)
        c->finish = "stop";
    else
        WA_TRY(take_word(engine, c, &ranking, i, err));
done:
    return st;
}

/* ---------------------------------------------------------------- steps */

wa_status wa_choice_step(wa_engine *engine, wa_choice *choice, wa_arena *arena, wa_error *err)
{
    wa_status st = WA_OK;

    if (!choice->has_begun)
        WA_TRY(begin(engine, choice, arena, err));
    else if (choice->n_shown < choice->n_echoed)
        WA_TRY(show_echoed(engine, choice, err));
    else if (choice->how->n_most == 0)
        choice->finish = "length";
    else if (!choice->is_fed)
        WA_TRY(feed(engine, choice, err));
    else
        WA_TRY(generate(engine, choice, err));
    if (choice->text.failed || choice->tokens.failed || choice->logprobs.failed || choice->tops.failed || choice->offsets.failed)
        WA_TRY(wa_fail_memory(err, "completions"));
done:
    return st;
}

void wa_choice_clear(wa_choice *choice)
{
    wa_context_free(choice->context);
    wa_buf_clear(&choice->text);
    wa_buf_clear(&choice->tokens);
    wa_buf_clear(&choice->logprobs);
    wa_buf_clear(&choice->tops);
    wa_buf_clear(&choice->offsets);
}

wa_text wa_choice_text(const wa_choice *choice)
{
    const wa_text text = wa_buf_view(&choice->text);

    return choice->how->is_echo ? text : slice(text, choice->prompt.n_bytes, text.n_bytes);
}

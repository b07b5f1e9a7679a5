/* Words fed one by one against the whole text: after every word wa_rank_next() gives what wa_rank() gives for all of them, bit for
 * bit, whatever the pipeline, and forks of a context never feel one another. A session that has seen its longest context allocates
 * nothing any more. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "small_model.h"
#include "suites.h"

#define INPUT "the cat sat on a mat"

/* Two stages of attention with a feed-forward between them. */
static const char deep_yaml[] = "vectors: { random: { width: 6, seed: 1, low: -1, high: 1 } }\n"
                                "tokenizer: { unknown: '<unk>', start: '<s>', end: '</s>', max_tokens: 8 }\n"
                                "pipeline:\n"
                                "  - embed: {}\n"
                                "  - positional: {}\n"
                                "  - attention: { heads: 2, head_dim: 3 }\n"
                                "  - add_norm: {}\n"
                                "  - feed_forward: { width: 5 }\n"
                                "  - add_norm: {}\n"
                                "  - attention: { heads: 3, head_dim: 5 }\n"
                                "  - add_norm: {}\n"
                                "  - vocabulary: {}\n"
                                "weights: { random: { seed: 2, low: -1, high: 1 } }\n"
                                "input: [ '" INPUT "' ]\n";

/* Pipelines in which the past counts in different ways: where it can be kept, and where every word changes it. */
static const struct variant {
    const char *yaml;
    const char *sets[4];
    size_t      n_words; /* to feed; 0 means N_WORDS */
} variants[] = {
    { small_model_yaml, { NULL } },
    { deep_yaml, { NULL } },
    { small_model_yaml, { "attention.0.mask=none" } },
    { deep_yaml, { "attention.1.mask=none" } },
    { deep_yaml, { "attention.0.mask=none" } },
    { small_model_yaml, { "attention.0.softmax_over=matrix" } },
    { small_model_yaml, { "attention.0.mask_heads=[1]" } },
    { deep_yaml, { "attention.1.mask_heads=[0]" } },
    { small_model_yaml, { "attention.0.softmax_over=matrix", "attention.0.mask=none" } },
    { small_model_yaml, { "add_norm.0.over=tokens" } },
    { deep_yaml, { "add_norm.2.over=tokens" } },
    { small_model_yaml, { "attention.0.source=vectors" } },
    { deep_yaml, { "attention.1.source=vectors" } },
    { small_model_yaml, { "positional.0.start=5" } },
    { small_model_yaml, { "positional.0.kind=none" } },
    { small_model_yaml, { "attention.0.input=slice" } },
    { small_model_yaml, { "attention.0.projections=none", "attention.0.input=slice", "attention.0.bias=false" } },
    { deep_yaml, { "tokenizer.start=null" } },
    { deep_yaml, { "tokenizer.unknown=null" } },
    { deep_yaml, { "tokenizer.max_tokens=7" } },
    { deep_yaml, { "tokenizer.max_tokens=2" } },
    { deep_yaml, { "tokenizer.max_tokens=2", "tokenizer.start=null" } },
    { deep_yaml, { "tokenizer.max_tokens=40" }, 60 },
    { deep_yaml, { "vocabulary.0.temperature=0.3" } },
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---------------------------------------------------------------- a document */

enum { N_WORDS = 28, MOST = 12 }; /* max_tokens is 8 in most models here: 20 words more slide through */

/* Word i of a document that repeats nothing soon; some are unknown, one has letters beyond ASCII. */
static const char *word_at(size_t i)
{
    static const char *const words[] = {
        "the", "cat", "sat", "on", "a", "mat", "a", "sat", "xyzzy", "the", "the", "mat", "on", "on", "d\xC3\xA9j\xC3\xA0", "Cat"
    };

    return words[(i * 5 + i / 7) % LENGTH(words)];
}

typedef struct document {
    char   text[1024];
    size_t n_words;
} document;

static void add(document *d, const char *word)
{
    const size_t n = strlen(d->text);

    snprintf(d->text + n, sizeof d->text - n, "%s%s", n ? " " : "", word);
    d->n_words++;
}

static document first_words(size_t n)
{
    document d = { "", 0 };

    while (d.n_words < n)
        add(&d, word_at(d.n_words));
    return d;
}

/* ---------------------------------------------------------------- fed and whole */

static wa_model   *model;
static wa_session *session, *whole;

static void open_variant(const struct variant *v)
{
    model   = open_yaml(v->yaml, v->sets);
    session = new_session(model);
    whole   = new_session(model);
}

static void open_deep(void)
{
    open_variant(&variants[1]);
}

static void close_model(void)
{
    wa_session_free(whole);
    wa_session_free(session);
    wa_model_close(model);
}

static wa_context *new_context(void)
{
    wa_context *context = NULL;

    ck_assert_int_eq(wa_context_new(model, &context, NULL), WA_OK);
    return context;
}

static wa_context *fork_of(const wa_context *context)
{
    wa_context *fork = NULL;

    ck_assert_int_eq(wa_context_fork(context, &fork, NULL), WA_OK);
    return fork;
}

static void feed(wa_context *context, const char *text)
{
    wa_error err;

    ck_assert_msg(wa_feed(session, context, wa_text_of(text), NULL, &err) == WA_OK, "%s", err.message);
}

static void assert_same(const wa_ranking *fed, const wa_ranking *all, const char *text)
{
    ck_assert_uint_eq(fed->n_next, all->n_next);
    for (size_t i = 0; i < fed->n_next; i++) {
        const wa_prediction *const a = &fed->next[i], *const b = &all->next[i];

        ck_assert_msg(a->index == b->index && memcmp(&a->logit, &b->logit, sizeof a->logit) == 0,
                      "after '%s': place %zu is word %zu (%.9g), expected word %zu (%.9g)", text, i + 1, a->index, (double)a->logit,
                      b->index, (double)b->logit);
        ck_assert(isnan(a->logprob) == isnan(b->logprob) && isnan(a->prob) == isnan(b->prob));
        ck_assert(isnan(a->logprob) || memcmp(&a->logprob, &b->logprob, 2 * sizeof(float)) == 0); /* logprob, prob */
    }
    ck_assert_uint_eq(fed->text.n_tokens, 0);
}

/* The context ranks as the text does: with probabilities and without, or with the same failure. */
static void assert_ranks_as(wa_context *context, const char *text)
{
    for (int words_only = 0; words_only < 2; words_only++) {
        const wa_rank_opts opts = { .k = WA_NONE, .words_only = words_only };
        wa_ranking         fed, all;

        const wa_status st = wa_rank(whole, wa_text_of(text), &opts, &all, NULL);
        ck_assert_int_eq(wa_rank_next(session, context, &opts, &fed, NULL), st);
        if (st == WA_OK)
            assert_same(&fed, &all, text);
    }
}

/* ---------------------------------------------------------------- every word */

START_TEST(words_fed_one_by_one_rank_as_the_whole_text)
{
    document d = { "", 0 };

    open_variant(&variants[_i]);
    wa_context *const context = new_context();
    assert_ranks_as(context, "");
    while (d.n_words < (variants[_i].n_words ? variants[_i].n_words : N_WORDS)) {
        feed(context, word_at(d.n_words));
        add(&d, word_at(d.n_words));
        assert_ranks_as(context, d.text);
    }
    wa_context_free(context);
    close_model();
}
END_TEST

/* Several words at a time, none, and ranking only now and then: what was not ranked is caught up with. */
START_TEST(words_fed_in_pieces_rank_as_the_whole_text)
{
    document d = { "", 0 };

    open_variant(&variants[_i]);
    wa_context *const context = new_context();
    for (size_t turn = 0; d.n_words < N_WORDS; turn++) {
        document piece = { "", 0 };

        for (size_t n = turn * 3 % (MOST + 1); n > 0; n--) {
            add(&piece, word_at(d.n_words));
            add(&d, word_at(d.n_words));
        }
        feed(context, piece.text);
        if (turn % 3 != 1)
            assert_ranks_as(context, d.text);
    }
    assert_ranks_as(context, d.text);
    wa_context_free(context);
    close_model();
}
END_TEST

START_TEST(ranking_twice_gives_the_same)
{
    wa_context *const context = new_context();

    feed(context, "the cat");
    assert_ranks_as(context, "the cat");
    assert_ranks_as(context, "the cat");
    wa_context_free(context);
}
END_TEST

START_TEST(fed_words_are_given_back_as_they_were_read)
{
    wa_context *const context = new_context();
    wa_tokens         tokens;

    ck_assert_int_eq(wa_feed(session, context, wa_text_of(" Cat xyzzy"), &tokens, NULL), WA_OK);
    ck_assert_uint_eq(tokens.n_tokens, 2); /* no start word */
    ck_assert(wa_text_is(tokens.tokens[0].word, "cat") && tokens.tokens[0].is_known);
    ck_assert_uint_eq(tokens.tokens[0].start, 1);
    ck_assert_uint_eq(tokens.tokens[0].end, 4);
    ck_assert(!tokens.tokens[1].is_known);
    ck_assert_uint_eq(tokens.n_unknown, 1);
    wa_context_free(context);
}
END_TEST

START_TEST(two_sessions_may_feed_and_rank_one_context)
{
    wa_context *const context = new_context();
    wa_session *const other   = new_session(model);
    wa_ranking        fed, all;

    feed(context, "the cat");
    ck_assert_int_eq(wa_rank_next(other, context, NULL, &fed, NULL), WA_OK);
    ck_assert_int_eq(wa_feed(other, context, wa_text_of("sat"), NULL, NULL), WA_OK);
    ck_assert_int_eq(wa_rank_next(session, context, NULL, &fed, NULL), WA_OK);
    ck_assert_int_eq(wa_rank(whole, wa_text_of("the cat sat"), NULL, &all, NULL), WA_OK);
    assert_same(&fed, &all, "the cat sat");
    wa_session_free(other);
    wa_context_free(context);
}
END_TEST

static void ignore(void *n, const wa_quantity *quantity)
{
    *(size_t *)n += quantity->rank > 0;
}

START_TEST(an_observer_may_come_and_go_between_words)
{
    wa_context *const context = new_context();
    size_t            n       = 0;

    for (size_t i = 0; i < 12; i++) {
        feed(context, word_at(i));
        wa_session_observe(session, i % 3 == 1 ? ignore : NULL, &n);
        assert_ranks_as(context, first_words(i + 1).text);
    }
    ck_assert_uint_gt(n, 0);
    wa_context_free(context);
}
END_TEST

/* ---------------------------------------------------------------- forks */

/* After n words in common a context and its fork take different words, and end with or without the other. */
static void go_two_ways(size_t n, bool is_ranked)
{
    wa_context *const context = new_context();
    document          d = first_words(n), e = d;

    feed(context, d.text);
    if (is_ranked)
        assert_ranks_as(context, d.text);
    wa_context *const fork = fork_of(context);
    for (size_t i = 0; i < 12; i++) {
        feed(context, word_at(n + i));
        feed(fork, word_at(n + i + 3));
        add(&d, word_at(n + i));
        add(&e, word_at(n + i + 3));
        assert_ranks_as(fork, e.text);
        assert_ranks_as(context, d.text);
    }
    wa_context_free(context);
    feed(fork, "mat");
    add(&e, "mat");
    assert_ranks_as(fork, e.text);
    wa_context_free(fork);
}

START_TEST(forks_go_their_own_way)
{
    for (size_t n = 0; n < 20; n++)
        go_two_ways(n, n % 2);
}
END_TEST

START_TEST(a_fork_lives_without_what_it_was_forked_from)
{
    wa_context *context = new_context();

    feed(context, "the cat");
    for (size_t i = 0; i < 3; i++) {
        wa_context *const fork = fork_of(context);

        wa_context_free(context);
        context = fork;
        assert_ranks_as(context, i == 0 ? "the cat" : i == 1 ? "the cat sat" : "the cat sat sat");
        feed(context, "sat");
    }
    assert_ranks_as(context, "the cat sat sat sat");
    wa_context_free(context);
}
END_TEST

START_TEST(clearing_a_context_leaves_its_fork)
{
    wa_context *const context = new_context();

    feed(context, "the cat");
    assert_ranks_as(context, "the cat");
    wa_context *const fork = fork_of(context);
    wa_context_clear(context);
    assert_ranks_as(context, "");
    feed(context, "a mat");
    assert_ranks_as(fork, "the cat");
    assert_ranks_as(context, "a mat");
    wa_context_free(fork);
    wa_context_free(context);
}
END_TEST

/* ---------------------------------------------------------------- empty, unknown, cleared */

START_TEST(an_empty_context_without_a_start_word_is_an_error_until_a_word_is_fed)
{
    static const char *const none[] = { "tokenizer.start=null", "tokenizer.unknown=null", NULL };
    wa_model *const          m      = open_yaml(small_model_yaml, none);
    wa_session *const        s      = new_session(m);
    wa_context              *context;
    wa_ranking               ranking;
    wa_error                 err;

    ck_assert_int_eq(wa_context_new(m, &context, NULL), WA_OK);
    ck_assert_int_eq(wa_rank_next(s, context, NULL, &ranking, &err), WA_EMODEL);
    ck_assert_ptr_nonnull(strstr(err.message, "tokenizer.start"));
    ck_assert_int_eq(wa_feed(s, context, wa_text_of("xyzzy"), NULL, NULL), WA_OK); /* left out */
    ck_assert_int_eq(wa_rank_next(s, context, NULL, &ranking, NULL), WA_EMODEL);
    ck_assert_int_eq(wa_feed(s, context, wa_text_of("cat"), NULL, NULL), WA_OK);
    ck_assert_int_eq(wa_rank_next(s, context, NULL, &ranking, NULL), WA_OK);
    wa_context_free(context);
    wa_session_free(s);
    wa_model_close(m);
}
END_TEST

START_TEST(a_cleared_context_is_a_new_one)
{
    wa_context *const context = new_context();

    for (size_t n = 1; n < 20; n += 6) { /* before and after words were forgotten */
        const document d = first_words(n);

        feed(context, d.text);
        assert_ranks_as(context, d.text);
        wa_context_clear(context);
        assert_ranks_as(context, "");
        feed(context, "mat on");
        assert_ranks_as(context, "mat on");
        wa_context_clear(context);
    }
    wa_context_free(context);
}
END_TEST

/* ---------------------------------------------------------------- scoring in between */

/* White space alone splits words here, so that the end word, which scoring adds, can stand in a text too. */
START_TEST(scored_texts_are_words_of_the_context_too)
{
    static const char *const sets[]  = { "tokenizer.split=whitespace", NULL };
    static const char *const texts[] = { "cat", "sat on", "", "a mat the cat sat", "the" };
    document                 d       = { "", 0 };

    model                     = open_yaml(deep_yaml, sets);
    session                   = new_session(model);
    whole                     = new_session(model);
    wa_context *const context = new_context();
    feed(context, "the");
    add(&d, "the");
    for (size_t i = 0; i < LENGTH(texts); i++) {
        wa_scores scores;

        ck_assert_int_eq(wa_score(session, wa_text_of(texts[i]), context, &scores, NULL), WA_OK);
        if (texts[i][0])
            add(&d, texts[i]);
        add(&d, "</s>");
        assert_ranks_as(context, d.text);
        feed(context, word_at(i));
        add(&d, word_at(i));
        assert_ranks_as(context, d.text);
    }
    wa_context_free(context);
    close_model();
}
END_TEST

START_TEST(a_word_scores_what_its_ranking_said)
{
    const wa_rank_opts all     = { .k = WA_NONE };
    wa_context *const  context = new_context();
    wa_ranking         ranking;
    wa_scores          scores;

    feed(context, "the cat");
    ck_assert_int_eq(wa_rank_next(whole, context, &all, &ranking, NULL), WA_OK);
    ck_assert_int_eq(wa_score(session, wa_text_of("sat"), context, &scores, NULL), WA_OK);
    ck_assert_uint_eq(scores.n_words, 2); /* and the end word */
    const wa_prediction *const said = &ranking.next[scores.words[0].rank - 1];
    ck_assert(wa_text_is(said->word, "sat"));
    ck_assert_mem_eq(&said->logprob, &scores.words[0].logprob, sizeof said->logprob);
    wa_context_free(context);
}
END_TEST

/* A text is scored after others that were fed with their ends, and after the same that were scored: each word to the same bits. Long
 * enough that words are forgotten, in models with an end word that has a vector, that has none, and without one. */
START_TEST(a_line_that_is_fed_with_its_end_leaves_what_scoring_leaves)
{
    static const char made[] =
        "vectors: { values: { a: [1, 2], b: [-1, 3], c: [0.5, -2] } }\n"
        "tokenizer: { end: '</s>', max_tokens: 8 }\n"
        "pipeline: [ embed: {}, positional: {}, attention: { heads: 1, head_dim: 2 }, vocabulary: { words: words } ]\n"
        "weights: { random: { seed: 2, low: -1, high: 1 } }\n";
    static const struct variant ends[]  = { { deep_yaml, { NULL } }, { made, { NULL } }, { deep_yaml, { "tokenizer.end=null" } } };
    static const char *const    texts[] = { "the cat a", "", "c sat xyzzy b", "a b c the on a mat", "mat", "b b", "on the mat" };

    scratch_file("words", "a\nb\nc\n</s>\n", 11);
    open_variant(&ends[_i]);
    wa_context *const fed = new_context(), *const scored = new_context();
    for (size_t round = 0; round < 3 * LENGTH(texts); round++) {
        const wa_text text = wa_text_of(texts[round % LENGTH(texts)]);
        wa_scores     a, b;

        wa_context *const copy = fork_of(fed); /* scoring adds the words, and here they are to be fed */
        ck_assert_int_eq(wa_score(session, text, copy, &a, NULL), WA_OK);
        ck_assert_int_eq(wa_score(whole, text, scored, &b, NULL), WA_OK);
        ck_assert_uint_eq(a.n_words, b.n_words);
        ck_assert_mem_eq(&a.logprob, &b.logprob, sizeof a.logprob);
        for (size_t i = 0; i < a.n_words; i++)
            ck_assert_mem_eq(&a.words[i].logprob, &b.words[i].logprob, sizeof(float));
        wa_context_free(copy);
        feed(fed, texts[round % LENGTH(texts)]);
        ck_assert_int_eq(wa_feed_end(fed, NULL), WA_OK);
    }
    wa_context_free(fed);
    wa_context_free(scored);
    close_model();
}
END_TEST

/* ---------------------------------------------------------------- memory */

static wa_model *open_counted(const char *yaml, const wa_env *env)
{
    wa_model           *m    = NULL;
    const wa_model_opts opts = { .env = env };
    wa_error            err;

    ck_assert_msg(wa_model_open(scratch_file("counted.yaml", yaml, strlen(yaml)), &opts, &m, &err) == WA_OK, "%s", err.message);
    return m;
}

/* Feeds n words and ranks after each; the most allocations of any word. */
static size_t most_allocations(wa_context *context, size_t n, const counting_allocator *counter)
{
    const wa_rank_opts exact = { .k = 3 }, quick = { .k = 3, .words_only = true };
    size_t             most = 0;
    wa_ranking         ranking;

    for (size_t i = 0; i < n; i++) {
        const size_t before = counter->n_calls;

        ck_assert_int_eq(wa_feed(session, context, wa_text_of(i % 2 ? "cat" : "the Mat"), NULL, NULL), WA_OK);
        ck_assert_int_eq(wa_rank_next(session, context, &quick, &ranking, NULL), WA_OK);
        ck_assert_int_eq(wa_rank_next(session, context, &exact, &ranking, NULL), WA_OK);
        most = counter->n_calls - before > most ? counter->n_calls - before : most;
    }
    return most;
}

/* Twice as many words as max_tokens, and once more: the first round makes room, the second finds it. */
START_TEST(a_word_is_fed_and_ranked_without_an_allocation)
{
    counting_allocator counter = { 0 };
    const wa_env       env     = counting_env(&counter);

    model                     = open_counted(_i ? deep_yaml : small_model_yaml, &env);
    session                   = new_session(model);
    wa_context *const context = new_context();
    ck_assert_uint_gt(most_allocations(context, 20, &counter), 0); /* the counter counts */
    most_allocations(context, 20, &counter);
    ck_assert_uint_eq(most_allocations(context, 20, &counter), 0);
    wa_context_clear(context);
    ck_assert_uint_eq(most_allocations(context, 40, &counter), 0);
    wa_context_free(context);
    wa_session_free(session);
    wa_model_close(model);
    ck_assert_uint_eq(counter.n_live, 0);
}
END_TEST

/* Feeds, ranks, forks and scores; opens everything itself, as every allocation of it is to fail. */
static wa_status use_contexts(const wa_env *env, void *user)
{
    const wa_model_opts opts    = { .env = env };
    wa_model           *m       = NULL;
    wa_session         *s       = NULL;
    wa_context         *context = NULL, *fork = NULL;
    wa_ranking          ranking;
    wa_scores           scores;

    wa_status st = wa_model_open(user, &opts, &m, NULL);
    st           = st ? st : wa_session_new(m, &s, NULL);
    st           = st ? st : wa_context_new(m, &context, NULL);
    st           = st ? st : wa_feed(s, context, wa_text_of("the cat sat dÃ©jÃ "), NULL, NULL);
    st           = st ? st : wa_feed_end(context, NULL);
    st           = st ? st : wa_rank_next(s, context, &(wa_rank_opts){ .words_only = true }, &ranking, NULL);
    st           = st ? st : wa_context_fork(context, &fork, NULL);
    st           = st ? st : wa_feed(s, fork, wa_text_of("on a mat the cat sat on a mat"), NULL, NULL);
    st           = st ? st : wa_rank_next(s, fork, NULL, &ranking, NULL);
    st           = st ? st : wa_score(s, wa_text_of("the mat"), fork, &scores, NULL);
    wa_context_free(fork);
    wa_context_free(context);
    wa_session_free(s);
    wa_model_close(m);
    return st;
}

START_TEST(every_failing_allocation_is_reported_and_nothing_is_lost)
{
    char path[256];

    snprintf(path, sizeof path, "%s", scratch_file("deep.yaml", deep_yaml, strlen(deep_yaml)));
    every_allocation_fails_in_turn(use_contexts, path, 1000);
}
END_TEST

/* Three words at a time: a feed that failed has added none of them. */
START_TEST(a_context_outlives_a_failed_allocation)
{
    counting_allocator counter = { 0 };
    const wa_env       env     = counting_env(&counter);
    wa_model *const    plain   = open_yaml(deep_yaml, NULL);
    wa_ranking         fed, all;

    model                     = open_counted(deep_yaml, &env);
    session                   = new_session(model);
    whole                     = new_session(plain);
    wa_context *const context = new_context();
    for (size_t i = 0; i < 30; i += 3) {
        document       piece = { "", 0 };
        wa_status      st    = WA_ENOMEM;
        const document d     = first_words(i + 3);

        for (size_t j = 0; j < 3; j++)
            add(&piece, word_at(i + j));
        for (size_t fail = 1; st == WA_ENOMEM; fail++) { /* the 1st, 2nd, ... allocation, until all succeed */
            counter.fail_at = counter.n_calls + fail;
            st              = wa_feed(session, context, wa_text_of(piece.text), NULL, NULL);
        }
        ck_assert_int_eq(st, WA_OK);
        st = WA_ENOMEM;
        for (size_t fail = 1; st == WA_ENOMEM; fail++) {
            counter.fail_at = counter.n_calls + fail;
            st              = wa_rank_next(session, context, NULL, &fed, NULL);
        }
        ck_assert_int_eq(st, WA_OK);
        counter.fail_at = 0;
        ck_assert_int_eq(wa_rank(whole, wa_text_of(d.text), NULL, &all, NULL), WA_OK);
        assert_same(&fed, &all, d.text);
    }
    wa_context_free(context);
    close_model();
    wa_model_close(plain);
}
END_TEST

Suite *wa_suite_session(void)
{
    Suite *const suite = suite_create("task/session");
    TCase *const every = new_case("every pipeline"), *const tests = new_case("session"), *const rest = new_case("memory");

    tcase_add_loop_test(every, words_fed_one_by_one_rank_as_the_whole_text, 0, (int)LENGTH(variants));
    tcase_add_loop_test(every, words_fed_in_pieces_rank_as_the_whole_text, 0, (int)LENGTH(variants));
    suite_add_tcase(suite, every);
    tcase_add_checked_fixture(tests, open_deep, close_model);
    tcase_add_test(tests, ranking_twice_gives_the_same);
    tcase_add_test(tests, fed_words_are_given_back_as_they_were_read);
    tcase_add_test(tests, two_sessions_may_feed_and_rank_one_context);
    tcase_add_test(tests, an_observer_may_come_and_go_between_words);
    tcase_add_test(tests, forks_go_their_own_way);
    tcase_add_test(tests, a_fork_lives_without_what_it_was_forked_from);
    tcase_add_test(tests, clearing_a_context_leaves_its_fork);
    tcase_add_test(tests, a_cleared_context_is_a_new_one);
    tcase_add_test(tests, a_word_scores_what_its_ranking_said);
    suite_add_tcase(suite, tests);
    tcase_set_timeout(rest, 600);
    tcase_add_test(rest, an_empty_context_without_a_start_word_is_an_error_until_a_word_is_fed);
    tcase_add_test(rest, scored_texts_are_words_of_the_context_too);
    tcase_add_loop_test(rest, a_line_that_is_fed_with_its_end_leaves_what_scoring_leaves, 0, 3);
    tcase_add_loop_test(rest, a_word_is_fed_and_ranked_without_an_allocation, 0, 2);
    tcase_add_test(rest, every_failing_allocation_is_reported_and_nothing_is_lost);
    tcase_add_test(rest, a_context_outlives_a_failed_allocation);
    suite_add_tcase(suite, rest);
    return suite;
}

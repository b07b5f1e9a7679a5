/* Many threads and many texts give what one thread and one text give: sessions that share a model, sessions with threads of their
 * own, and calls for several texts, some of which fail. Run under VARIANT=tsan, the first suite also finds data races. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "small_model.h"
#include "suites.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---------------------------------------------------------------- a model and texts */

enum { N_WORDS = 601 }; /* more than one chunk of 512, and no multiple of anything */

static wa_model *open_wide(void)
{
    wa_buf yaml = { 0 };

    wa_buf_str(&yaml, "vectors: { random: { width: 28, seed: 1, low: -1, high: 1 } }\n"
                      "tokenizer: { unknown: '<unk>', start: '<s>', end: '</s>', max_tokens: 24 }\n"
                      "pipeline: [ embed: {}, positional: {}, attention: { heads: 4, head_dim: 7 }, add_norm: {},\n"
                      "            feed_forward: { width: 37 }, add_norm: {}, attention: { heads: 2, head_dim: 5 }, add_norm: {},\n"
                      "            vocabulary: {} ]\n"
                      "weights: { random: { seed: 2, low: -1, high: 1 } }\n"
                      "input: [ '");
    for (size_t i = 0; i < N_WORDS; i++)
        wa_buf_format(&yaml, "a%zu ", i);
    wa_buf_str(&yaml, "' ]\n");
    wa_buf_add(&yaml, "", 1);
    wa_model *const model = open_yaml(yaml.data, NULL);
    wa_buf_clear(&yaml);
    return model;
}

/* A text of `n` words, a tenth of them unknown; malloc'ed by wa_buf. */
static wa_buf make_text(wa_rng *rng, size_t n)
{
    wa_buf text = { 0 };

    for (size_t i = 0; i < n; i++)
        wa_buf_format(&text, "%sa%zu", i ? " " : "", (size_t)(wa_rng_next(rng) % (N_WORDS * 10 / 9)));
    return text;
}

enum { N_TEXTS = 13 };

typedef struct texts {
    wa_buf  bufs[N_TEXTS];
    wa_text items[N_TEXTS];
} texts;

/* From no words to some more than max_tokens. */
static void make_texts(texts *t)
{
    wa_rng rng = wa_rng_named(5, wa_text_of("texts"));

    for (size_t i = 0; i < N_TEXTS; i++) {
        t->bufs[i]  = make_text(&rng, i * 5 % 31);
        t->items[i] = wa_buf_view(&t->bufs[i]);
    }
}

static void clear_texts(texts *t)
{
    for (size_t i = 0; i < N_TEXTS; i++)
        wa_buf_clear(&t->bufs[i]);
}

/* ---------------------------------------------------------------- digests of results */

/* FNV-1a (Fowler, Noll & Vo) over the bits of results. A call that failed shows as its status. */
static void mix(uint64_t *digest, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *digest = (*digest ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
}

static void mix_size(uint64_t *digest, size_t n)
{
    mix(digest, &n, sizeof n);
}

static void mix_ranking(uint64_t *digest, const wa_ranking *r, bool words_only)
{
    mix_size(digest, r->text.n_tokens);
    for (size_t i = 0; i < r->n_next; i++) {
        mix_size(digest, r->next[i].index);
        mix(digest, &r->next[i].logit, sizeof(float));
        if (!words_only)
            mix(digest, &r->next[i].logprob, 2 * sizeof(float)); /* logprob, prob */
    }
}

static void mix_scores(uint64_t *digest, const wa_scores *s)
{
    for (size_t i = 0; i < s->n_words; i++) {
        mix_size(digest, s->words[i].rank);
        mix(digest, &s->words[i].logprob, sizeof(float));
    }
    mix(digest, &s->logprob, sizeof s->logprob);
}

static void mix_embedding(uint64_t *digest, const wa_embedding *e)
{
    mix_size(digest, e->n_rows);
    mix(digest, e->data, e->n_rows * e->width * sizeof(float));
}

/* ---------------------------------------------------------------- every verb */

static void digest_rank(uint64_t *digest, wa_session *session, const wa_text *items, bool words_only)
{
    const wa_rank_opts opts = { .k = 20, .words_only = words_only };
    wa_ranking         rankings[N_TEXTS];
    size_t             n_done;

    for (size_t i = 0; i < N_TEXTS; i++) {
        mix_size(digest, wa_rank(session, items[i], &opts, rankings, NULL));
        mix_ranking(digest, rankings, words_only);
    }
    mix_size(digest, wa_rank_many(session, items, N_TEXTS, &opts, rankings, &n_done, NULL));
    for (size_t i = 0; i < n_done; i++)
        mix_ranking(digest, &rankings[i], words_only);
}

static void digest_score(uint64_t *digest, wa_session *session, const wa_text *items)
{
    wa_scores scores[N_TEXTS];
    size_t    n_done;

    mix_size(digest, wa_score_many(session, items, N_TEXTS, scores, &n_done, NULL));
    for (size_t i = 0; i < n_done; i++)
        mix_scores(digest, &scores[i]);
    for (size_t i = 0; i < N_TEXTS; i++) {
        mix_size(digest, wa_score(session, items[i], NULL, scores, NULL));
        mix_scores(digest, scores);
    }
}

static void digest_embed(uint64_t *digest, wa_session *session, const wa_text *items)
{
    wa_embedding rows[N_TEXTS];
    size_t       n_done;

    for (int pooling = WA_POOL_LAST; pooling <= WA_POOL_NONE; pooling++) {
        mix_size(digest, wa_embed_many(session, items, N_TEXTS, (wa_pooling)pooling, rows, &n_done, NULL));
        for (size_t i = 0; i < n_done; i++)
            mix_embedding(digest, &rows[i]);
        mix_size(digest, wa_embed(session, items[7], (wa_pooling)pooling, rows, NULL));
        mix_embedding(digest, rows);
    }
}

static void digest_fed(uint64_t *digest, wa_session *session, wa_context *context, const wa_text *items)
{
    wa_context *fork = NULL;
    wa_ranking  ranking;
    wa_scores   scores;

    for (size_t i = 0; i < N_TEXTS; i++) {
        const wa_rank_opts opts = { .words_only = i % 2 };

        mix_size(digest, wa_feed(session, context, items[i], NULL, NULL));
        mix_size(digest, wa_context_fork(context, &fork, NULL));
        mix_size(digest, wa_rank_next(session, i % 3 ? context : fork, &opts, &ranking, NULL));
        mix_ranking(digest, &ranking, opts.words_only);
        mix_size(digest, wa_score(session, items[i], fork, &scores, NULL));
        mix_scores(digest, &scores);
        wa_context_free(fork);
    }
}

static void mix_quantity(void *digest, const wa_quantity *q)
{
    size_t n = 1;

    for (size_t i = 0; i < q->rank; i++)
        n *= q->shape[i];
    mix(digest, q->data, n * sizeof(float));
}

/* Everything a session can be asked; what comes first is what makes the 8-bit copy. */
static uint64_t digest_of(wa_session *session, const wa_model *model, const wa_text *items)
{
    uint64_t    digest  = 0xcbf29ce484222325u;
    wa_context *context = NULL;
    wa_tokens   tokens;

    digest_rank(&digest, session, items, true);
    digest_rank(&digest, session, items, false);
    digest_score(&digest, session, items);
    digest_embed(&digest, session, items);
    mix_size(&digest, wa_context_new(model, &context, NULL));
    digest_fed(&digest, session, context, items);
    wa_context_free(context);
    wa_session_observe(session, mix_quantity, &digest);
    mix_size(&digest, wa_run(session, items[5], &tokens, NULL));
    wa_session_observe(session, NULL, NULL);
    return digest;
}

/* What one thread gives that has a model of its own. */
static uint64_t expected_digest(const wa_text *items)
{
    wa_model *const   model   = open_wide();
    wa_session *const session = new_session(model);
    const uint64_t    digest  = digest_of(session, model, items);

    wa_session_free(session);
    wa_model_close(model);
    return digest;
}

/* ---------------------------------------------------------------- threads */

enum { N_THREADS = 8, N_ROUNDS = 4 };

typedef struct worker {
    const wa_model    *model;
    const wa_text     *items;
    pthread_barrier_t *start;
    size_t             n_threads; /* of the session */
    uint64_t           digests[2];
} worker;

static void *work(void *user)
{
    worker *const w       = user;
    wa_session   *session = NULL;

    const bool is_ready =
        wa_session_new(w->model, &session, NULL) == WA_OK && wa_session_threads(session, w->n_threads, NULL) == WA_OK;
    pthread_barrier_wait(w->start);
    for (size_t i = 0; is_ready && i < LENGTH(w->digests); i++)
        w->digests[i] = digest_of(session, w->model, w->items);
    wa_session_free(session);
    return NULL;
}

/* A new model each round, so that its first call without probabilities comes from all threads at once. */
START_TEST(threads_that_share_a_model_give_what_one_thread_gives)
{
    texts t;

    make_texts(&t);
    const uint64_t expected = expected_digest(t.items);
    for (size_t round = 0; round < N_ROUNDS; round++) {
        wa_model *const   model = open_wide();
        pthread_barrier_t start;
        pthread_t         threads[N_THREADS];
        worker            workers[N_THREADS];

        ck_assert_int_eq(pthread_barrier_init(&start, NULL, N_THREADS), 0);
        for (size_t i = 0; i < N_THREADS; i++) {
            workers[i] = (worker){ model, t.items, &start, 1 + i % 3, { 0 } };
            ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
        }
        for (size_t i = 0; i < N_THREADS; i++)
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        for (size_t i = 0; i < N_THREADS; i++)
            ck_assert_msg(workers[i].digests[0] == expected && workers[i].digests[1] == expected, "thread %zu", i);
        pthread_barrier_destroy(&start);
        wa_model_close(model);
    }
    clear_texts(&t);
}
END_TEST

START_TEST(the_threads_of_a_session_change_no_bit)
{
    static const size_t n_threads[] = { 1, 2, 3, 8, 1, 5 };
    texts               t;

    make_texts(&t);
    const uint64_t    expected = expected_digest(t.items);
    wa_model *const   model    = open_wide();
    wa_session *const session  = new_session(model);
    for (size_t i = 0; i < LENGTH(n_threads); i++) {
        ck_assert_int_eq(wa_session_threads(session, n_threads[i], NULL), WA_OK);
        ck_assert_msg(digest_of(session, model, t.items) == expected, "%zu threads", n_threads[i]);
    }
    wa_session_free(session);
    wa_model_close(model);
    clear_texts(&t);
}
END_TEST

START_TEST(too_many_threads_are_refused_and_the_session_goes_on)
{
    wa_model *const   model   = open_yaml(small_model_yaml, NULL);
    wa_session *const session = new_session(model);
    wa_ranking        ranking;

    ck_assert_int_eq(wa_session_threads(session, 2, NULL), WA_OK);
    ck_assert_int_eq(wa_session_threads(session, WA_MOST_THREADS + 1, NULL), WA_EUSAGE);
    ck_assert_int_eq(wa_rank(session, wa_text_of("cat"), NULL, &ranking, NULL), WA_OK);
    ck_assert_int_eq(wa_session_threads(session, 0, NULL), WA_OK);
    ck_assert_int_eq(wa_rank(session, wa_text_of("cat"), NULL, &ranking, NULL), WA_OK);
    wa_session_free(session);
    wa_model_close(model);
}
END_TEST

/* ---------------------------------------------------------------- many texts */

/* "huge" makes numbers that are not finite, so a text with it fails whatever is asked: as the last word for rank and embed, with
 * a word behind it for score. */
static const char fragile_yaml[] =
    "vectors: { values: { a: [0.3, 0.2, -0.5, 1], b: [-1, 0.4, 0.1, 0], c: [0.7, 0.7, 0.1, 0.9], huge: [3e38, 1, 3e38, 1] } }\n"
    "tokenizer: { max_tokens: 6 }\n"
    "weights: { random: { seed: 2, low: -1, high: 1 } }\n"
    "pipeline: ";

/* Texts run side by side: every option by which a row depends on others of its own text must be met. */
static const char *const fragile_pipelines[] = {
    "[ embed: { scale: 10 }, attention: { heads: 2, head_dim: 3 }, add_norm: {}, vocabulary: {} ]\n",
    "[ embed: { scale: 10 }, positional: {}, attention: { heads: 2, head_dim: 2 }, add_norm: {}, attention: { heads: 1, "
    "head_dim: 5, source: vectors }, feed_forward: { width: 3 }, vocabulary: {} ]\n",
    "[ embed: { scale: 10 }, attention: { heads: 2, head_dim: 3 }, positional: { start: 7 }, add_norm: { residual: false }, "
    "vocabulary: {} ]\n",
    "[ embed: { scale: 10 }, attention: { heads: 2, head_dim: 2, input: slice, projections: none, mask: none }, "
    "add_norm: { over: tokens }, vocabulary: {} ]\n",
    "[ embed: { scale: 10 }, attention: { heads: 2, head_dim: 3, softmax_over: matrix, output_projection: false }, "
    "vocabulary: {} ]\n",
};

static const wa_text fragile[] = {
#define TEXT(s)                                                                                                                    \
    {                                                                                                                              \
        s, sizeof(s) - 1                                                                                                           \
    }
    TEXT("a b"),   TEXT("b"),        TEXT("c a b"), TEXT("a huge b"),          TEXT("c"),   TEXT("a"), TEXT("huge c b"),
    TEXT("a c b"), TEXT("b huge c"), TEXT("b b b"), TEXT("a a a a a b b b c"), TEXT("c a"),
#undef TEXT
};

enum { N_FRAGILE = LENGTH(fragile) };

/* What one verb gives for texts: a digest for each that succeeded, and how many did. */
typedef wa_status many(wa_session *session, const wa_text *items, size_t n, uint64_t *digests, size_t *n_done, wa_error *err);

static wa_status rank_many(wa_session *session, const wa_text *items, size_t n, bool words_only, uint64_t *digests, size_t *n_done,
                           wa_error *err)
{
    const wa_rank_opts opts = { .words_only = words_only };
    wa_ranking         out[N_FRAGILE];

    const wa_status st = wa_rank_many(session, items, n, &opts, out, n_done, err);
    for (size_t i = 0; i < *n_done; i++)
        mix_ranking(&digests[i], &out[i], words_only);
    return st;
}

static wa_status many_exact(wa_session *session, const wa_text *items, size_t n, uint64_t *digests, size_t *n_done, wa_error *err)
{
    return rank_many(session, items, n, false, digests, n_done, err);
}

static wa_status many_words(wa_session *session, const wa_text *items, size_t n, uint64_t *digests, size_t *n_done, wa_error *err)
{
    return rank_many(session, items, n, true, digests, n_done, err);
}

static wa_status many_scores(wa_session *session, const wa_text *items, size_t n, uint64_t *digests, size_t *n_done, wa_error *err)
{
    wa_scores out[N_FRAGILE];

    const wa_status st = wa_score_many(session, items, n, out, n_done, err);
    for (size_t i = 0; i < *n_done; i++)
        mix_scores(&digests[i], &out[i]);
    return st;
}

static wa_status many_rows(wa_session *session, const wa_text *items, size_t n, uint64_t *digests, size_t *n_done, wa_error *err)
{
    wa_embedding out[N_FRAGILE];

    const wa_status st = wa_embed_many(session, items, n, WA_POOL_NONE, out, n_done, err);
    for (size_t i = 0; i < *n_done; i++)
        mix_embedding(&digests[i], &out[i]);
    return st;
}

/* One by one, then in every way that begins at a text and takes n of them: those before the first that fails are done, and the
 * message is the one that the text has alone. */
static void compare_many(many *verb, size_t n_threads, const char *pipeline)
{
    char yaml[1024];

    snprintf(yaml, sizeof yaml, "%s%s", fragile_yaml, pipeline);
    wa_model *const   model            = open_yaml(yaml, NULL);
    wa_session *const session          = new_session(model);
    uint64_t          alone[N_FRAGILE] = { 0 };
    wa_status         status[N_FRAGILE];
    wa_error          said[N_FRAGILE], err;
    size_t            n_done, n_failed = 0;

    for (size_t i = 0; i < N_FRAGILE; i++) {
        status[i] = verb(session, &fragile[i], 1, &alone[i], &n_done, &said[i]);
        ck_assert_uint_eq(n_done, status[i] == WA_OK);
        n_failed += status[i] != WA_OK;
    }
    ck_assert_uint_ge(n_failed, 2);
    ck_assert_int_eq(wa_session_threads(session, n_threads, NULL), WA_OK);
    for (size_t first = 0; first < N_FRAGILE; first++) {
        for (size_t n = 0; first + n <= N_FRAGILE; n++) {
            uint64_t digests[N_FRAGILE] = { 0 };
            size_t   n_good             = 0;

            while (n_good < n && status[first + n_good] == WA_OK)
                n_good++;
            const wa_status st = verb(session, fragile + first, n, digests, &n_done, &err);
            ck_assert_uint_eq(n_done, n_good);
            ck_assert_int_eq(st, n_good < n ? status[first + n_good] : WA_OK);
            if (st != WA_OK)
                ck_assert_str_eq(err.message, said[first + n_good].message);
            ck_assert_mem_eq(digests, alone + first, n_good * sizeof *digests);
        }
    }
    wa_session_free(session);
    wa_model_close(model);
}

START_TEST(many_texts_give_what_each_gives_alone_up_to_the_first_that_fails)
{
    static many *const verbs[] = { many_exact, many_words, many_scores, many_rows };

    for (size_t i = 0; i < LENGTH(fragile_pipelines); i++)
        compare_many(verbs[_i % 4], 1 + (size_t)_i / 4, fragile_pipelines[i]);
}
END_TEST

/* The same texts in calls of other sizes. */
START_TEST(the_size_of_a_batch_changes_no_bit)
{
    static many *const verbs[] = { many_exact, many_words, many_scores, many_rows };
    texts              t;

    make_texts(&t);
    wa_model *const   model            = open_wide();
    wa_session *const session          = new_session(model);
    uint64_t          alone[N_FRAGILE] = { 0 };
    size_t            n_done;
    for (size_t i = 0; i < N_FRAGILE; i++)
        ck_assert_int_eq(verbs[_i](session, &t.items[i], 1, &alone[i], &n_done, NULL), WA_OK);
    for (size_t size = 1; size <= N_FRAGILE; size++) {
        uint64_t digests[N_FRAGILE] = { 0 };

        for (size_t i = 0; i < N_FRAGILE; i += n_done) {
            const size_t n = N_FRAGILE - i < size ? N_FRAGILE - i : size;

            ck_assert_int_eq(verbs[_i](session, t.items + i, n, digests + i, &n_done, NULL), WA_OK);
            ck_assert_uint_eq(n_done, n);
        }
        ck_assert_mem_eq(digests, alone, sizeof alone);
    }
    wa_session_free(session);
    wa_model_close(model);
    clear_texts(&t);
}
END_TEST

Suite *wa_suite_threads(void)
{
    Suite *const suite = suite_create("task/threads");
    TCase *const tests = new_case("threads"), *const batches = new_case("batches");

    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, threads_that_share_a_model_give_what_one_thread_gives);
    tcase_add_test(tests, the_threads_of_a_session_change_no_bit);
    tcase_add_test(tests, too_many_threads_are_refused_and_the_session_goes_on);
    suite_add_tcase(suite, tests);
    tcase_set_timeout(batches, 600);
    tcase_add_loop_test(batches, many_texts_give_what_each_gives_alone_up_to_the_first_that_fails, 0, 4 * 3);
    tcase_add_loop_test(batches, the_size_of_a_batch_changes_no_bit, 0, 4);
    suite_add_tcase(suite, batches);
    return suite;
}

/* Opening models: what goes wrong, who owns what, and what several threads may do. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "made_model.h"
#include "suites.h"

START_TEST(a_folder_stands_for_its_model_yaml)
{
    char      folder[512];
    wa_model *model = NULL;
    wa_error  err;

    strcpy(folder, scratch_file("model.yaml", small_model_yaml, strlen(small_model_yaml)));
    *strrchr(folder, '/') = '\0';
    ck_assert_msg(wa_model_open(folder, NULL, &model, &err) == WA_OK, "%s", err.message);
    ck_assert_uint_eq(wa_model_vocabulary(model), 9); /* six words of the input, and unknown, start and end */
    ck_assert_uint_eq(wa_model_width(model), 6);
    ck_assert(wa_text_is(wa_model_start(model), "<s>"));
    ck_assert(wa_text_is(wa_model_input(model, 0), "the cat sat on a mat"));
    wa_model_close(model);
}
END_TEST

START_TEST(a_special_word_without_a_vector_is_named_with_its_place)
{
    refuse_yaml("vectors: { values: { a: [1] } }\ntokenizer:\n  start: '<s>'\npipeline: [ embed: {} ]\n", NULL, WA_ECONFIG,
                "model.yaml:3:10: tokenizer.start is '<s>', and the vectors have no such word");
}
END_TEST

START_TEST(an_end_word_must_be_in_the_vocabulary)
{
    static const char *const sets[] = { "tokenizer.end=b", NULL };

    refuse_yaml("vectors: { values: { a: [1] } }\npipeline: [ embed: {}, vocabulary: { tied: true, bias: false } ]\n", sets,
                WA_ECONFIG, "--set 1: tokenizer.end is 'b', and the vocabulary has no such word");
}
END_TEST

START_TEST(a_list_of_globs_is_no_file)
{
    static const char *const sets[] = { "report.trace={file: globs.txt}", NULL };

    refuse_yaml(small_model_yaml, sets, WA_ECONFIG, "report.trace is a file, expected a list of globs");
}
END_TEST

/* The last of 513 words has a chunk of the softmax to itself, and a logit that is no number. */
START_TEST(one_logit_that_is_not_finite_is_noticed)
{
    char      *yaml, *at;
    wa_ranking ranking;
    wa_error   err;

    ck_assert_ptr_nonnull(yaml = malloc(32 * 1024));
    at = yaml + sprintf(yaml, "vectors: { values: { ");
    for (size_t i = 0; i < 513; i++)
        at += sprintf(at, "w%zu: [%s], ", i, i < 512 ? "1" : "3e38");
    sprintf(at, "} }\npipeline: [ embed: { scale: 10 }, vocabulary: { tied: true, bias: false } ]\n");
    wa_model *const   model   = open_yaml(yaml, NULL);
    wa_session *const session = new_session(model);
    ck_assert_int_eq(wa_rank(session, wa_text_of("w0"), NULL, &ranking, &err), WA_EMODEL);
    ck_assert_ptr_nonnull(strstr(err.message, "the logits after word 1 are not finite"));
    wa_session_free(session);
    wa_model_close(model);
    free(yaml);
}
END_TEST

START_TEST(a_model_without_vectors_says_so)
{
    refuse_yaml("pipeline: [ embed: {} ]\n", NULL, WA_ECONFIG, "vectors has none of file, values and random");
    refuse_yaml("vectors: { random: { width: 3 } }\npipeline: [ embed: {} ]\n", NULL, WA_ECONFIG,
                "vectors.random makes a vector for each word of `input`");
    refuse_yaml("vectors: { values: { a: [1, 2], b: [1] } }\npipeline: [ embed: {} ]\n", NULL, WA_ECONFIG,
                "the vector of 'b' has 1 numbers, expected 2, as the first has");
}
END_TEST

START_TEST(vectors_that_are_not_finite_are_an_error_when_they_are_used)
{
    static const char yaml[] = "vectors: { file: v.txt }\npipeline: [ embed: {}, vocabulary: { tied: true, bias: false } ]\n";
    wa_error          err;
    wa_ranking        ranking;

    scratch_file("v.txt", "3 1\na 1\nb nan\nc 2\n", 18);
    wa_model *const   model   = open_yaml(yaml, NULL);
    wa_session *const session = new_session(model);
    ck_assert_int_eq(wa_rank(session, wa_text_of("a b"), NULL, &ranking, &err), WA_EMODEL);
    ck_assert_ptr_nonnull(strstr(err.message, "the output for word 2 is not finite"));
    ck_assert_int_eq(wa_rank(session, wa_text_of("a"), NULL, &ranking, &err), WA_EMODEL);
    ck_assert_ptr_nonnull(strstr(err.message, "logits"));
    wa_session_free(session);
    wa_model_close(model);
}
END_TEST

/* ---------------------------------------------------------------- fingerprints */

static const char made_yaml[] = "vectors: { file: made.bin }\n"
                                "pipeline: [ embed: { scale: 1 }, vocabulary: { words: made.words, temperature: 0.5 } ]\n"
                                "weights: { file: made.safetensors }\n";

static uint64_t fingerprint_of(const char *name, const char *yaml, const char *const *sets, size_t n_sets)
{
    const wa_model_opts opts  = { .sets = sets, .n_sets = n_sets };
    wa_model           *model = NULL;
    uint64_t            print = 0;
    wa_error            err;

    ck_assert_msg(wa_model_open(scratch_file(name, yaml, strlen(yaml)), &opts, &model, &err) == WA_OK, "%s", err.message);
    ck_assert_int_eq(wa_model_fingerprint(model, &print, NULL), WA_OK);
    wa_model_close(model);
    return print;
}

/* Three words behind four, all numbers different. */
static made_model make_files(void)
{
    made_model made = made_model_new(3, 2, 4);

    for (size_t i = 0; i < 8; i++) {
        made.inputs[i]     = (float)i + 0.5f;
        made.weight[i % 6] = (float)i - 2.5f;
        made.bias[i % 3]   = (float)i / 16.0f;
    }
    wa_model_close(made_model_open(&made));
    return made;
}

static uint64_t fingerprint_of_made(void)
{
    return fingerprint_of("made.yaml", made_yaml, NULL, 0);
}

/* Copies a file of the scratch folder, with one text of it replaced by another as long. */
static void copy_file(const char *from, const char *to, const char *old, const char *new)
{
    size_t      n;
    char *const bytes = read_file(scratch_path(from), &n);

    for (size_t i = 0; *old && i + strlen(old) <= n; i++)
        if (memcmp(bytes + i, old, strlen(old)) == 0)
            memcpy(bytes + i, new, strlen(old));
    scratch_file(to, bytes, n);
    free(bytes);
}

START_TEST(how_files_are_packed_and_named_does_not_change_a_fingerprint)
{
    made_model        made  = make_files();
    const uint64_t    print = fingerprint_of_made();
    size_t            n;
    char *const       bytes  = read_file(scratch_path("made.bin"), &n);
    const char *const packed = packed_file("v.gz", (wa_text){ bytes, n }, 7);
    char              set[512];

    snprintf(set, sizeof set, "vectors.file=%s", packed);
    ck_assert_uint_eq(fingerprint_of("made.yaml", made_yaml, (const char *[]){ set }, 1), print);
    ck_assert_int_eq(mkdir(scratch_path("sub"), 0700), 0);
    copy_file("made.bin", "sub/made.bin", "", "");
    copy_file("made.words", "sub/made.words", "", "");
    copy_file("made.safetensors", "sub/made.safetensors", "", "");
    ck_assert_uint_eq(fingerprint_of("sub/other.yaml", made_yaml, NULL, 0), print);
    free(bytes);
    made_model_clear(&made);
}
END_TEST

START_TEST(where_a_value_is_given_does_not_change_a_fingerprint)
{
    static const char *const temperature[] = { "vocabulary.0.temperature=0.5" }, *const scale[] = { "embed.0.scale=1" };
    made_model     made  = make_files();
    const uint64_t print = fingerprint_of_made();

    ck_assert_uint_eq(fingerprint_of("made.yaml", made_yaml, temperature, 1), print);
    ck_assert_uint_eq(fingerprint_of("made.yaml", made_yaml, scale, 1), print);
    fingerprint_of("made.yaml", made_yaml, NULL, 0); /* leaves the file */
    ck_assert_uint_eq(fingerprint_of("above.yaml", "model: made.yaml\n", NULL, 0), print);
    ck_assert_uint_eq(fingerprint_of("top.yaml", "# a comment\nmodel: above.yaml\nvectors: { limit: 0 }\n", NULL, 0), print);
    made_model_clear(&made);
}
END_TEST

START_TEST(an_option_changes_a_fingerprint)
{
    static const char *const sets[] = { "vocabulary.0.temperature=2", "embed.0.scale=2",    "tokenizer.lowercase=false",
                                        "tokenizer.max_tokens=9",     "tokenizer.start=x0", "vectors.limit=3" };
    made_model               made   = make_files();
    const uint64_t           print  = fingerprint_of_made();

    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        ck_assert_msg(fingerprint_of("made.yaml", made_yaml, &sets[i], 1) != print, "%s changes nothing", sets[i]);
    fingerprint_of_made();
    ck_assert_uint_ne(fingerprint_of("above.yaml", "model: made.yaml\ntokenizer: { max_tokens: 9 }\n", NULL, 0), print);
    made_model_clear(&made);
}
END_TEST

static uint64_t fingerprint_with(made_model *made, float *number)
{
    const float before = *number;

    *number = before + 1;
    wa_model_close(made_model_open(made));
    *number = before;
    return fingerprint_of_made();
}

START_TEST(each_number_changes_a_fingerprint)
{
    made_model     made  = make_files();
    const uint64_t print = fingerprint_of_made();

    for (size_t i = 0; i < 8; i++)
        ck_assert_uint_ne(fingerprint_with(&made, &made.inputs[i]), print);
    for (size_t i = 0; i < 6; i++)
        ck_assert_uint_ne(fingerprint_with(&made, &made.weight[i]), print);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_ne(fingerprint_with(&made, &made.bias[i]), print);
    wa_model_close(made_model_open(&made));
    ck_assert_uint_eq(fingerprint_of_made(), print);
    made_model_clear(&made);
}
END_TEST

START_TEST(each_word_changes_a_fingerprint)
{
    made_model     made  = make_files();
    const uint64_t print = fingerprint_of_made();

    copy_file("made.bin", "made.bin", "x2 ", "y2 ");
    ck_assert_uint_ne(fingerprint_of_made(), print);
    copy_file("made.bin", "made.bin", "y2 ", "x2 ");
    ck_assert_uint_eq(fingerprint_of_made(), print);
    copy_file("made.words", "made.words", "w2", "v2");
    ck_assert_uint_ne(fingerprint_of_made(), print);
    made_model_clear(&made);
}
END_TEST

START_TEST(values_written_by_hand_change_a_fingerprint)
{
    static const char yaml[] = "vectors: { values: { a: [1], b: [2] } }\npipeline: [ embed: {}, add_norm: { residual: false } ]\n"
                               "weights: { values: { norm.0.weight: [3], norm.0.bias: [4] } }\n";
    static const char *const sets[] = { "vectors.values.a=[5]", "weights.values.norm.0.bias=[5]" };
    const uint64_t           print  = fingerprint_of("hand.yaml", yaml, NULL, 0);

    for (size_t i = 0; i < 2; i++)
        ck_assert_msg(fingerprint_of("hand.yaml", yaml, &sets[i], 1) != print, "%s changes nothing", sets[i]);
}
END_TEST

/* ---------------------------------------------------------------- memory */

static wa_status open_rank_close(const wa_env *env, void *path)
{
    const wa_model_opts opts    = { .env = env };
    wa_model           *model   = NULL;
    wa_session         *session = NULL;
    wa_ranking          ranking;
    wa_error            err;
    wa_status           st = wa_model_open(path, &opts, &model, &err);

    if (st == WA_OK)
        st = wa_session_new(model, &session, &err);
    if (st == WA_OK)
        st = wa_rank(session, wa_text_of("the cat sat"), NULL, &ranking, &err);
    if (st == WA_OK)
        st = wa_model_fingerprint(model, &(uint64_t){ 0 }, &err);
    wa_session_free(session);
    wa_model_close(model);
    return st;
}

START_TEST(every_failing_allocation_is_reported_and_nothing_leaks)
{
    char path[512];

    strcpy(path, scratch_file("model.yaml", small_model_yaml, strlen(small_model_yaml)));
    every_allocation_fails_in_turn(open_rank_close, path, 2000);
}
END_TEST

START_TEST(ranking_again_keeps_no_more_memory)
{
    counting_allocator  counter = { 0 };
    const wa_env        env     = counting_env(&counter);
    const wa_model_opts opts    = { .env = &env };
    wa_model           *model   = NULL;
    wa_session         *session = NULL;
    wa_ranking          ranking;
    wa_error            err;

    ck_assert_int_eq(wa_model_open(scratch_file("model.yaml", small_model_yaml, strlen(small_model_yaml)), &opts, &model, &err),
                     WA_OK);
    ck_assert_int_eq(wa_session_new(model, &session, &err), WA_OK);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(wa_rank(session, wa_text_of("the cat sat on a mat"), NULL, &ranking, &err), WA_OK);
    const size_t n_live = counter.n_live;
    ck_assert_int_eq(wa_rank(session, wa_text_of("mat a on sat cat the"), NULL, &ranking, &err), WA_OK);
    ck_assert_uint_eq(counter.n_live, n_live);
    wa_session_free(session);
    wa_model_close(model);
    ck_assert_uint_eq(counter.n_live, 0);
}
END_TEST

/* ---------------------------------------------------------------- threads */

enum { N_THREADS = 4, N_ROUNDS = 50 };

static void *rank_often(void *shared)
{
    wa_session *const session = new_session(shared);
    float            *sum     = calloc(1, sizeof *sum);
    wa_ranking        ranking;

    for (size_t i = 0; i < N_ROUNDS; i++) {
        ck_assert_int_eq(wa_rank(session, wa_text_of(i % 2 ? "the cat" : "on a mat the cat"), NULL, &ranking, NULL), WA_OK);
        *sum += ranking.next[0].logprob;
    }
    wa_session_free(session);
    return sum;
}

START_TEST(several_threads_share_a_model)
{
    wa_model *const model = open_yaml(small_model_yaml, NULL);
    pthread_t       threads[N_THREADS];
    float *const    alone = rank_often(model);

    for (size_t i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, rank_often, model), 0);
    for (size_t i = 0; i < N_THREADS; i++) {
        void *sum;

        ck_assert_int_eq(pthread_join(threads[i], &sum), 0);
        ck_assert_mem_eq(sum, alone, sizeof *alone);
        free(sum);
    }
    free(alone);
    wa_model_close(model);
}
END_TEST

Suite *wa_suite_model(void)
{
    Suite *const suite = suite_create("model/model");
    TCase *const tests = new_case("model");

    tcase_add_test(tests, a_folder_stands_for_its_model_yaml);
    tcase_add_test(tests, a_special_word_without_a_vector_is_named_with_its_place);
    tcase_add_test(tests, an_end_word_must_be_in_the_vocabulary);
    tcase_add_test(tests, a_list_of_globs_is_no_file);
    tcase_add_test(tests, one_logit_that_is_not_finite_is_noticed);
    tcase_add_test(tests, a_model_without_vectors_says_so);
    tcase_add_test(tests, vectors_that_are_not_finite_are_an_error_when_they_are_used);
    tcase_add_test(tests, how_files_are_packed_and_named_does_not_change_a_fingerprint);
    tcase_add_test(tests, where_a_value_is_given_does_not_change_a_fingerprint);
    tcase_add_test(tests, an_option_changes_a_fingerprint);
    tcase_add_test(tests, each_number_changes_a_fingerprint);
    tcase_add_test(tests, each_word_changes_a_fingerprint);
    tcase_add_test(tests, values_written_by_hand_change_a_fingerprint);
    tcase_add_test(tests, every_failing_allocation_is_reported_and_nothing_leaks);
    tcase_add_test(tests, ranking_again_keeps_no_more_memory);
    tcase_add_test(tests, several_threads_share_a_model);
    suite_add_tcase(suite, tests);
    return suite;
}

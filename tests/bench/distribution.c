/* How many positions a second get the log-probabilities of all N words; what tools/bench_kenlm puts beside KenLM.
 *
 *     distribution words MODEL <TEXTS                     the words of each line; those outside the vocabulary as <other>
 *     distribution score|all MODEL TEXTS THREADS SECONDS
 *
 * score  wa_score_many(): the logits of all words are computed and normalised, the word that followed gets its log-probability and rank
 * all    wa_predict(), a session for each thread: every position hands out the log-probabilities of all words
 *
 * TEXTS is a file of lines that are short enough to be one window. They are gone through again and again until the seconds are over. One line
 * comes out, with tabs: way, threads, N, positions of the texts, passes, seconds, positions a second, the mean sum of the
 * probabilities of a position (nan where they are not handed out), perplexity of the texts. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "wordahead.h"

enum { BATCH = 64, CHECK_EVERY = 16, MOST_THREADS = 64, BROKEN = 2 };

static void stop(const char *message)
{
    fprintf(stderr, "distribution: %s\n", message);
    exit(BROKEN);
}

static void *need(void *memory)
{
    if (!memory)
        stop("out of memory");
    return memory;
}

static wa_model *open_model(const char *path)
{
    wa_model *model = NULL;
    wa_error  err;

    if (wa_model_open(path, NULL, &model, &err) != WA_OK)
        stop(err.message);
    return model;
}

static wa_session *open_session(const wa_model *model, size_t n_threads)
{
    wa_session *session = NULL;
    wa_error    err;

    if (wa_session_new(model, &session, &err) != WA_OK || wa_session_threads(session, n_threads, &err) != WA_OK)
        stop(err.message);
    return session;
}

static wa_tokens split(wa_session *session, wa_text text)
{
    wa_tokens tokens;
    wa_error  err;

    if (wa_tokenize(session, text, &tokens, &err) != WA_OK)
        stop(err.message);
    return tokens;
}

/* ---------------------------------------------------------------- texts */

/* A text and the words that follow its positions, as indices of the vocabulary: its words, then the end word. */
typedef struct line {
    char   *text;
    size_t *next; /* [n] */
    size_t  n;
} line;

typedef struct lines {
    const wa_model *model;
    line           *lines; /* [n] */
    wa_text        *views; /* [n] their texts */
    size_t          n, n_positions;
} lines;

static size_t find(const wa_model *model, wa_text word)
{
    const size_t i = wa_model_find(model, word);

    return i == WA_NONE ? wa_model_find(model, wa_model_unknown(model)) : i;
}

/* The tokens begin with the start word, which follows nothing. */
static void list_next(const wa_model *model, wa_session *session, line *l)
{
    const wa_tokens tokens = split(session, wa_text_of(l->text));

    l->n    = tokens.n_tokens;
    l->next = need(calloc(l->n, sizeof *l->next));
    for (size_t i = 1; i < l->n; i++)
        l->next[i - 1] = find(model, tokens.tokens[i].word);
    l->next[l->n - 1] = find(model, wa_model_end(model));
    if (tokens.n_dropped > 0)
        stop("a line is longer than the window of the model");
}

static char *read_line(FILE *file)
{
    char   *text = NULL;
    size_t  room = 0;
    ssize_t n    = getline(&text, &room, file);

    if (n < 0) {
        free(text);
        return NULL;
    }
    text[strcspn(text, "\n")] = '\0';
    return text;
}

static lines read_lines(const wa_model *model, const char *path)
{
    FILE *const       file    = fopen(path, "r");
    wa_session *const session = open_session(model, 1);
    lines             all     = { .model = model };
    char             *text;

    if (!file)
        stop("the file of texts cannot be opened");
    while ((text = read_line(file))) {
        all.lines = need(realloc(all.lines, (all.n + 1) * sizeof *all.lines));
        all.views = need(realloc(all.views, (all.n + 1) * sizeof *all.views));

        line *const l    = &all.lines[all.n];
        *l               = (line){ .text = text };
        all.views[all.n] = wa_text_of(text);
        list_next(model, session, l);
        all.n++;
        all.n_positions += l->n;
    }
    if (all.n == 0)
        stop("the file of texts has no line");
    wa_session_free(session);
    fclose(file);
    return all;
}

static void free_lines(lines *all)
{
    for (size_t i = 0; i < all->n; i++) {
        free(all->lines[i].next);
        free(all->lines[i].text);
    }
    free(all->lines);
    free(all->views);
}

/* ---------------------------------------------------------------- ways */

/* What one pass over the texts found. */
typedef struct pass {
    double logprob; /* sum over the words that followed */
    double prob;    /* mean sum of the probabilities of a position, of every CHECK_EVERY-th line; NaN where not looked at */
} pass;

static pass score_all(const lines *all, wa_session *session)
{
    pass found = { .prob = NAN };

    for (size_t first = 0; first < all->n; first += BATCH) {
        const size_t n = all->n - first < BATCH ? all->n - first : BATCH;
        wa_scores    scores[BATCH];
        size_t       n_done;
        wa_error     err;

        if (wa_score_many(session, all->views + first, n, scores, &n_done, &err) != WA_OK)
            stop(err.message);
        for (size_t i = 0; i < n; i++)
            found.logprob += scores[i].logprob;
    }
    return found;
}

/* A thread that takes one line after another. */
typedef struct reader {
    const lines   *all;
    size_t         n_readers;
    atomic_size_t *n_taken; /* lines, by all readers */
    wa_session    *session;
    bool           is_checking;
    size_t         n_checked;
    double         logprob, prob;
} reader;

static void look_at_line(reader *r, const line *l, const wa_predictions *found)
{
    for (size_t t = 0; t < l->n; t++)
        r->logprob += (double)found->logprobs[t * found->N + l->next[t]];
    for (size_t i = 0; r->is_checking && i < l->n * found->N; i++)
        r->prob += exp((double)found->logprobs[i]);
    r->n_checked += r->is_checking ? l->n : 0;
}

static void *read_share(void *user)
{
    reader *const  r    = user;
    const size_t   step = r->is_checking ? CHECK_EVERY : 1;
    wa_predictions found;
    wa_error       err;

    for (size_t i; (i = step * atomic_fetch_add(r->n_taken, 1)) < r->all->n;) {
        if (wa_predict(r->session, r->all->views[i], &found, &err) != WA_OK)
            stop(err.message);
        look_at_line(r, &r->all->lines[i], &found);
    }
    return NULL;
}

static pass read_all(reader *readers, bool is_checking)
{
    const size_t n = readers->n_readers;
    pthread_t    threads[MOST_THREADS];
    pass         found     = { 0 };
    size_t       n_checked = 0;

    atomic_store(readers->n_taken, 0);
    for (size_t i = 0; i < n; i++) {
        readers[i].is_checking = is_checking;
        readers[i].n_checked   = 0;
        readers[i].logprob = readers[i].prob = 0;
        if (i > 0 && pthread_create(&threads[i], NULL, read_share, &readers[i]))
            stop("the system gives no thread");
    }
    read_share(readers);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            pthread_join(threads[i], NULL);
        found.logprob += readers[i].logprob;
        found.prob += readers[i].prob;
        n_checked += readers[i].n_checked;
    }
    found.prob = n_checked ? found.prob / (double)n_checked : NAN;
    return found;
}

static reader *open_readers(const lines *all, size_t n)
{
    reader *const        readers = need(calloc(n, sizeof *readers));
    atomic_size_t *const n_taken = need(calloc(1, sizeof *n_taken));

    for (size_t i = 0; i < n; i++)
        readers[i] = (reader){ .all = all, .n_readers = n, .n_taken = n_taken, .session = open_session(all->model, 1) };
    return readers;
}

static void close_readers(reader *readers)
{
    free(readers->n_taken);
    for (size_t i = 0, n = readers->n_readers; i < n; i++)
        wa_session_free(readers[i].session);
    free(readers);
}

/* ---------------------------------------------------------------- the program */

/* A first pass, not measured, brings memory and caches to where they stay. */
static void measure(const char *way, const lines *all, size_t n_threads, double seconds)
{
    const bool        is_score = !strcmp(way, "score");
    wa_session *const session  = open_session(all->model, is_score ? n_threads : 1);
    reader *const     readers  = open_readers(all, is_score ? 1 : n_threads);
    const pass        checked  = is_score ? score_all(all, session) : read_all(readers, true);
    const double      began    = wa_clock_seconds();
    pass              found;
    size_t            n_passes = 0;

    do {
        found = is_score ? score_all(all, session) : read_all(readers, false);
        n_passes++;
    } while (wa_clock_seconds() - began < seconds);

    const double took = wa_clock_seconds() - began, n = (double)all->n_positions;
    printf("%s\t%zu\t%zu\t%zu\t%zu\t%.4f\t%.1f\t%.6f\t%.3f\n", way, n_threads, wa_model_vocabulary(all->model), all->n_positions,
           n_passes, took, n * (double)n_passes / took, checked.prob, exp(-found.logprob / n));
    close_readers(readers);
    wa_session_free(session);
}

/* A token holds no white space, so blanks between them are enough. */
static void print_words(const wa_model *model)
{
    wa_session *const session = open_session(model, 1);
    char             *text;

    while ((text = read_line(stdin))) {
        const wa_tokens tokens = split(session, wa_text_of(text));

        for (size_t i = 1; i < tokens.n_tokens; i++) {
            const wa_text word = tokens.tokens[i].word;

            if (i > 1)
                putchar(' ');
            if (wa_model_find(model, word) == WA_NONE)
                fputs("<other>", stdout);
            else
                fwrite(word.data, 1, word.n_bytes, stdout);
        }
        putchar('\n');
        free(text);
    }
    wa_session_free(session);
}

int main(int argc, char **argv)
{
    const bool is_words  = argc == 3 && !strcmp(argv[1], "words");
    const bool is_timing = argc == 6 && (!strcmp(argv[1], "score") || !strcmp(argv[1], "all"));
    const long n_threads = is_timing ? atol(argv[4]) : 1;

    if ((!is_words && !is_timing) || n_threads < 1 || n_threads > MOST_THREADS)
        stop("usage: distribution words MODEL <TEXTS, or distribution score|all MODEL TEXTS THREADS SECONDS");
    wa_model *const model = open_model(argv[2]);
    if (!wa_model_start(model).data || !wa_model_end(model).data || !wa_model_unknown(model).data)
        stop("the model has no start word, end word or unknown word");
    if (is_words) {
        print_words(model);
    } else {
        lines all = read_lines(model, argv[3]);

        measure(argv[1], &all, (size_t)n_threads, atof(argv[5]));
        free_lines(&all);
    }
    wa_model_close(model);
    return ferror(stdout) || fflush(stdout) ? BROKEN : EXIT_SUCCESS;
}

/* Ranks many contexts with probabilities and without (words_only), compares words, order and logits bit for bit, and says how many
 * words had to be computed: certify MODEL TEXTS N
 *
 * A context is the beginning of a line of TEXTS up to the end of one of its words; N of them are taken, evenly spread over all. One
 * line of JSON comes out. The exit code is 1 where a ranking differs, 2 where there is none to compare. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wordahead.h"

enum { K = 10, BATCH = 64, DIFFERS = 1, BROKEN = 2 };

static void stop(const char *message)
{
    fprintf(stderr, "certify: %s\n", message);
    exit(BROKEN);
}

static void *need(void *memory)
{
    if (!memory)
        stop("out of memory");
    return memory;
}

/* ---------------------------------------------------------------- contexts */

static wa_text read_whole(const char *path)
{
    FILE *const file = fopen(path, "rb");
    char       *data = NULL;
    size_t      n    = 0, n_read;

    if (!file)
        stop("the file of texts cannot be opened");
    do {
        data   = need(realloc(data, n + (1 << 20)));
        n_read = fread(data + n, 1, 1 << 20, file);
        n += n_read;
    } while (n_read > 0);
    fclose(file);
    return (wa_text){ data, n };
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word_end(wa_text all, size_t i)
{
    return !is_blank(all.data[i]) && (i + 1 == all.n_bytes || is_blank(all.data[i + 1]));
}

/* Fills contexts[n] with every (ends / n)-th beginning of a line; returns how many there are, at most n. */
static size_t choose_contexts(wa_text all, wa_text *contexts, size_t n)
{
    size_t n_ends = 0, n_chosen = 0, end = 0, line = 0;

    for (size_t i = 0; i < all.n_bytes; i++)
        n_ends += is_word_end(all, i);
    n = n < n_ends ? n : n_ends;
    for (size_t i = 0; i < all.n_bytes && n_chosen < n; i++) {
        if (all.data[i] == '\n')
            line = i + 1;
        if (is_word_end(all, i) && end++ == (size_t)((double)n_chosen * (double)n_ends / (double)n))
            contexts[n_chosen++] = (wa_text){ all.data + line, i + 1 - line };
    }
    return n_chosen;
}

/* ---------------------------------------------------------------- comparing */

/* The place at which two rankings differ, from 1; 0 where they do not. */
static size_t difference(const wa_ranking *exact, const wa_ranking *quick)
{
    const size_t n = exact->n_next < quick->n_next ? exact->n_next : quick->n_next;

    for (size_t i = 0; i < n; i++)
        if (exact->next[i].index != quick->next[i].index ||
            memcmp(&exact->next[i].logit, &quick->next[i].logit, sizeof exact->next[i].logit) != 0)
            return i + 1;
    return exact->n_next == quick->n_next ? 0 : n + 1;
}

static void rank(wa_session *session, const wa_text *texts, size_t n, bool words_only, wa_ranking *out)
{
    const wa_rank_opts opts = { .k = K, .words_only = words_only };
    size_t             n_done;
    wa_error           err;

    if (wa_rank_many(session, texts, n, &opts, out, &n_done, &err) != WA_OK)
        stop(err.message);
}

/* How many of the n rankings differ; computed[i] is how many words the quick one of context i looked at. */
static size_t compare(wa_session *exactly, wa_session *quickly, const wa_text *contexts, size_t n, size_t *computed)
{
    wa_ranking exact[BATCH], quick[BATCH];
    size_t     n_different = 0;

    for (size_t first = 0; first < n; first += BATCH) {
        const size_t n_batch = n - first < BATCH ? n - first : BATCH;

        rank(exactly, contexts + first, n_batch, false, exact);
        rank(quickly, contexts + first, n_batch, true, quick);
        for (size_t i = 0; i < n_batch; i++) {
            const wa_text text  = contexts[first + i];
            const size_t  place = difference(&exact[i], &quick[i]);

            computed[first + i] = quick[i].n_computed;
            n_different += place > 0;
            if (place > 0)
                fprintf(stderr, "certify: place %zu differs after '%.*s'\n", place, (int)text.n_bytes, text.data);
        }
    }
    return n_different;
}

/* ---------------------------------------------------------------- the figures */

static int compare_sizes(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;

    return (x > y) - (x < y);
}

static void report(size_t *computed, size_t n, size_t n_different, size_t N)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)computed[i];
    qsort(computed, n, sizeof *computed, compare_sizes);
    printf("{\"contexts\": %zu, \"k\": %d, \"different\": %zu, \"words\": %zu, \"computed\": {\"mean\": %.1f, \"median\": %zu, "
           "\"p99\": %zu, \"max\": %zu}, \"share\": {\"mean\": %.5f, \"median\": %.5f, \"max\": %.5f}}\n",
           n, K, n_different, N, sum / (double)n, computed[n / 2], computed[n * 99 / 100], computed[n - 1],
           sum / (double)n / (double)N, (double)computed[n / 2] / (double)N, (double)computed[n - 1] / (double)N);
}

static wa_session *new_session(const wa_model *model)
{
    wa_session *session = NULL;
    wa_error    err;

    if (wa_session_new(model, &session, &err) != WA_OK || wa_session_threads(session, 0, &err) != WA_OK)
        stop(err.message);
    return session;
}

int main(int argc, char **argv)
{
    wa_model *model = NULL;
    wa_error  err;

    if (argc != 4 || atol(argv[3]) < 1)
        stop("usage: certify MODEL TEXTS N");
    if (wa_model_open(argv[1], NULL, &model, &err) != WA_OK)
        stop(err.message);
    const wa_text     all      = read_whole(argv[2]);
    const size_t      n_wanted = (size_t)atol(argv[3]);
    wa_text *const    contexts = need(calloc(n_wanted, sizeof *contexts));
    size_t *const     computed = need(calloc(n_wanted, sizeof *computed));
    const size_t      n        = choose_contexts(all, contexts, n_wanted);
    wa_session *const exactly = new_session(model), *const quickly = new_session(model);
    if (n == 0)
        stop("the file of texts has no word");
    const size_t n_different = compare(exactly, quickly, contexts, n, computed);
    report(computed, n, n_different, wa_model_vocabulary(model));
    wa_session_free(quickly);
    wa_session_free(exactly);
    free(computed);
    free(contexts);
    free((char *)(uintptr_t)all.data);
    wa_model_close(model);
    return n_different ? DIFFERS : EXIT_SUCCESS;
}

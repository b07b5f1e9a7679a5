/* wordahead: ranked next words from Word2Vec vectors and one attention pipeline.
 *
 * The public API. A model is opened once and never changes, so any number of threads may share it; each thread makes
 * its own session, which holds all scratch memory. Vectors can be used without a model.
 *
 *     wa_model *model;  wa_session *session;  wa_ranking ranking;  wa_error err;
 *     wa_model_open("models/english", NULL, &model, &err);
 *     wa_session_new(model, &session, &err);
 *     wa_rank(session, wa_text_of("the cat sat on the"), NULL, &ranking, &err);
 *
 * What always holds here:
 * - A function that can fail returns wa_status and describes the failure in `err`, which may be NULL. On failure the
 *   out-arguments are untouched.
 * - Arguments are borrowed for the call. Results of a session belong to the session and live until its next call begins, so
 *   a result that is to be an argument of that call must be copied.
 * - Every close and free accepts NULL.
 * - Text is UTF-8, pointer and length; it need not end in a zero byte and may hold zero bytes.
 * - The library never prints, never exits, and keeps no global state.
 * - Tensors are row-major; T tokens, D width, H heads, E head width, N words of the vocabulary. */
#ifndef WORDAHEAD_H
#define WORDAHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WA_API __attribute__((visibility("default")))
#else
#define WA_API
#endif

#define WA_VERSION      "0.1.0"
#define WA_NONE         SIZE_MAX /* an index that stands for "no such word" */
#define WA_MESSAGE_SIZE 4096     /* bytes of wa_error.message; a configuration reports many errors at once */
#define WA_MOST_THREADS 1024     /* of one pool */

/* ---------------------------------------------------------------- status, text, environment */

typedef enum wa_status {
    WA_OK = 0,
    WA_EUSAGE,  /* an argument that cannot be meant */
    WA_ECONFIG, /* a configuration file or an override of it */
    WA_EFORMAT, /* vectors, weights or text that are not what they should be */
    WA_EIO,     /* the system refused to read or write */
    WA_ENOMEM,  /* no memory, or a size beyond what memory can be */
    WA_EMODEL,  /* well-formed parts that do not fit together, or a number that is not finite */
} wa_status;

/* What went wrong: the first, deepest cause, worded for the user, without a final newline. A configuration gives one
 * line an error. */
typedef struct wa_error {
    wa_status status;
    char      message[WA_MESSAGE_SIZE];
} wa_error;

/* Borrowed UTF-8 bytes. */
typedef struct wa_text {
    const char *data;
    size_t      n_bytes;
} wa_text;

/* The text of a zero-ended string; NULL gives the empty text. */
WA_API wa_text wa_text_of(const char *zero_ended);

typedef enum wa_log_level { WA_LOG_WARNING } wa_log_level; /* others may come */

/* What the library asks of its caller. A zeroed struct, or NULL where one is wanted, means malloc and silence.
 *
 * reallocate  as realloc(): old NULL allocates, n_bytes 0 frees and returns NULL. It may be called from every thread
 *             that uses a handle made with it. The parsers of YAML, JSON and Unicode and fingerprints use malloc for their own
 *             short-lived memory. NULL means realloc() and free().
 * log         gets one sentence without a newline; message[n_bytes] is 0. NULL means silence.
 * temporary   told the name of a temporary file right before it is made, and NULL once it is renamed or removed, so that a
 *             program ended by a signal can remove it. NULL means nobody wants to know.
 * user        passed to all three, never looked at. */
typedef struct wa_env {
    void *(*reallocate)(void *user, void *old, size_t n_bytes);
    void (*log)(void *user, wa_log_level level, const char *message, size_t n_bytes);
    void (*temporary)(void *user, const char *path);
    void *user;
} wa_env;

/* The version of the library at run time, as WA_VERSION. */
WA_API const char *wa_version(void);

/* A short name of a status, e.g. "configuration error". Never NULL. */
WA_API const char *wa_status_name(wa_status status);

/* How many processors this process may use: its affinity and the limits of its control group count, not what the machine has.
 * At least 1. */
WA_API size_t wa_processors(void);

/* ---------------------------------------------------------------- vectors */

typedef struct wa_vectors wa_vectors;

typedef enum wa_duplicates { WA_DUPLICATES_FIRST, WA_DUPLICATES_LAST, WA_DUPLICATES_ERROR } wa_duplicates;

/* How to open vectors; a zeroed struct is the default.
 *
 * limit       take the first `limit` records only; 0 takes all.
 * duplicates  which of the records with one word stays; the others are dropped and counted.
 * salvage     of a truncated or overlong file keep the records that are whole, instead of failing.
 * n_threads   that read; 0 means wa_processors(). They end with the call, and where the system gives none the caller reads
 *             alone. The handle does not depend on it. */
typedef struct wa_vectors_opts {
    size_t        limit;
    wa_duplicates duplicates;
    bool          salvage;
    size_t        n_threads;
} wa_vectors_opts;

typedef enum wa_vectors_format {
    WA_VECTORS_BINARY, /* Word2Vec binary */
    WA_VECTORS_TEXT,   /* Word2Vec text, fastText .vec */
    WA_VECTORS_GLOVE,  /* text without a header */
    WA_VECTORS_MEMORY, /* made in memory, from no file */
} wa_vectors_format;

/* What opening met: facts of the file that change no value but that a user may want to know. */
typedef struct wa_vectors_info {
    wa_vectors_format format;
    bool              is_gzip;
    bool              has_newlines;   /* binary: at least one record is followed by a newline */
    size_t            n_claimed;      /* records that the header promises; without a header those found */
    size_t            n_records;      /* records read, duplicates included */
    size_t            n_duplicates;   /* records dropped because their word was there already */
    size_t            n_invalid_utf8; /* words that are not UTF-8, cut ones included */
    size_t            n_cut;          /* of those, words of 98 bytes that end inside a character: word2vec.c cut them */
    size_t            n_with_space;   /* words that hold white space (Unicode White_Space) */
    size_t            n_empty;        /* words of no bytes */
    size_t            n_missing;      /* claimed records that were not there (salvage) */
    size_t            n_trailing;     /* bytes, or lines of a text, after the last record (salvage) */
} wa_vectors_info;

/* Opens a file of word vectors: Word2Vec binary (with or without a newline after each record), Word2Vec or fastText
 * text, GloVe text without a header, each plain or gzip with any number of members, told apart by content.
 *
 * path    file name; "-" is standard input.
 * opts    NULL means a zeroed struct.
 * env     NULL means malloc and silence; otherwise copied.
 * out     on WA_OK a new handle, closed with wa_vectors_close().
 * Errors  WA_EIO; WA_EFORMAT, which names the byte or line, what was found, what was expected, and the option that
 *         accepts it; WA_ENOMEM. A pickle, zip, npz, GGUF, SQLite, fastText model, safetensors, LFS pointer, HTML page or
 *         git conflict is named as what it is.
 * Cost    plain binary: mapped, one pass over the words, about 24 bytes of memory a word; the file must not be shortened
 *         while it is open. Everything else: one pass and 4*N*D bytes more.
 * Source  word2vec.c, TrainModel(), "Save the word vectors"; fasttext FORMAT of .vec; GloVe's README. */
WA_API wa_status wa_vectors_open(const char *path, const wa_vectors_opts *opts, const wa_env *env, wa_vectors **out, wa_error *err);
WA_API void      wa_vectors_close(wa_vectors *vectors);

WA_API size_t          wa_vectors_count(const wa_vectors *vectors); /* N, after limit and duplicates */
WA_API size_t          wa_vectors_width(const wa_vectors *vectors); /* D */
WA_API wa_vectors_info wa_vectors_describe(const wa_vectors *vectors);

/* The word of row i < N: bytes as they stand in the file, not necessarily UTF-8. Lives as long as the handle. */
WA_API wa_text wa_vectors_word(const wa_vectors *vectors, size_t i);

/* The row of a word, compared byte for byte, or WA_NONE. Cost: one hash look-up. */
WA_API size_t wa_vectors_find(const wa_vectors *vectors, wa_text word);

/* Copies row i < N to out, [D]. */
WA_API void wa_vectors_row(const wa_vectors *vectors, size_t i, float *out);

typedef struct wa_neighbour {
    size_t index; /* row */
    float  cosine;
} wa_neighbour;

/* The k rows with the largest cosine to `query`, best first; equal cosines by row. Rows of length 0, rows that are not finite
 * and those in `excluded` are passed over.
 *
 * query       [D], finite and not all zero, otherwise WA_EMODEL
 * excluded    [n_excluded] rows; NULL where n_excluded is 0
 * out         [k], owned by the caller
 * n_out       how many were found, at most k
 * Cost        one pass over all vectors.
 * Source      cosine similarity; word2vec distance.c. */
WA_API wa_status wa_vectors_nearest(const wa_vectors *vectors, const float *query, const size_t *excluded, size_t n_excluded,
                                    size_t k, wa_neighbour *out, size_t *n_out, wa_error *err);

/* The query of "a is to b as c is to ...": b/|b| - a/|a| + c/|c|.
 *
 * out     [D], owned by the caller
 * Errors  WA_EMODEL where one of the rows has length 0 or is not finite.
 * Source  Mikolov, Yih & Zweig 2013, eq. 1 (the vector offset method, unit vectors). */
WA_API wa_status wa_vectors_analogy(const wa_vectors *vectors, size_t a, size_t b, size_t c, float *out, wa_error *err);

typedef struct wa_vectors_save_opts {
    bool   as_text;         /* Word2Vec text with the shortest digits that read back to the same float; else binary */
    bool   without_newline; /* binary: no newline after each record, as gensim writes; word2vec.c writes one */
    bool   escape_spaces;   /* write '_' for each space, tab and newline of a word instead of refusing the word */
    size_t limit;           /* the first words only; 0 writes all */
} wa_vectors_save_opts;

/* Writes vectors to a file; a path ending in .gz is compressed. It is written under a temporary name beside the path and renamed
 * when it is whole.
 *
 * opts    NULL means a zeroed struct.
 * Errors  WA_EFORMAT for a word that the format cannot hold (empty, or with a space, tab or newline), WA_EIO, WA_ENOMEM. */
WA_API wa_status wa_vectors_save(const wa_vectors *vectors, const char *path, const wa_vectors_save_opts *opts, wa_error *err);

/* ---------------------------------------------------------------- model */

typedef struct wa_model wa_model;

/* How to open a model; a zeroed struct is the default.
 *
 * sets    [n_sets] overrides as the command line's --set takes them, e.g. "attention.0.heads=8"; paths in them are
 *         relative to the working folder.
 * n_threads   that read and prepare; 0 means wa_processors(). They end with the call.
 * env     NULL means malloc and silence; otherwise copied. */
typedef struct wa_model_opts {
    const char *const *sets;
    size_t             n_sets;
    size_t             n_threads;
    const wa_env      *env;
} wa_model_opts;

/* Opens a model or experiment: its YAML file, or the folder that holds a model.yaml; with it the vectors and weights
 * that it names.
 *
 * opts    NULL means a zeroed struct.
 * out     on WA_OK a new handle, closed with wa_model_close() after all its sessions.
 * Errors  WA_ECONFIG (all errors of the file, a line each), WA_EFORMAT, WA_EMODEL (e.g. a tensor that is missing), WA_EIO,
 *         WA_ENOMEM.
 * Cost    that of the vectors, plus a packed copy of the weights: 2 bytes for every one that is stored as BF16, 4 for others.
 * The environment variable WORDAHEAD_KERNELS names the kernels (ref, avx2, avx512, neon) for tests and measurements; results do not
 * depend on them. A name that this processor has nothing for is WA_EUSAGE. */
WA_API wa_status wa_model_open(const char *path, const wa_model_opts *opts, wa_model **out, wa_error *err);
WA_API void      wa_model_close(wa_model *model);

WA_API const wa_vectors *wa_model_vectors(const wa_model *model);            /* lives as long as the model */
WA_API size_t            wa_model_width(const wa_model *model);              /* D of what wa_embed() gives */
WA_API size_t            wa_model_vocabulary(const wa_model *model);         /* N; 0 where the pipeline has no vocabulary */
WA_API wa_text           wa_model_word(const wa_model *model, size_t i);     /* word i < N of the vocabulary */
WA_API size_t            wa_model_find(const wa_model *model, wa_text word); /* its index, or WA_NONE; byte for byte */
WA_API wa_text           wa_model_start(const wa_model *model);              /* tokenizer.start; data NULL where there is none */
WA_API wa_text           wa_model_end(const wa_model *model);                /* tokenizer.end; data NULL where there is none */
WA_API wa_text           wa_model_unknown(const wa_model *model);            /* tokenizer.unknown; data NULL where there is none */
WA_API size_t            wa_model_inputs(const wa_model *model);             /* texts of the configuration's `input` */
WA_API wa_text           wa_model_input(const wa_model *model, size_t i);    /* text i of them */

/* A number that tells models apart: of the values of the configuration, the words and numbers of the vectors, the words of the
 * vocabulary and the weights as they are stored; not of names of files, nor of how files are packed.
 * Errors  WA_ENOMEM. Cost: one pass over vectors and weights, at about the speed of memory. */
WA_API wa_status wa_model_fingerprint(const wa_model *model, uint64_t *out, wa_error *err);

/* ---------------------------------------------------------------- sessions */

typedef struct wa_session wa_session;
typedef struct wa_context wa_context; /* words that came before */

/* One thread's use of a model: scratch memory and results. The model must outlive it.
 * Cost: grows to what the longest text needs and stays there; after that only splitting text that is not ASCII allocates, for the
 * call. */
WA_API wa_status wa_session_new(const wa_model *model, wa_session **out, wa_error *err);
WA_API void      wa_session_free(wa_session *session);

/* From now on calls of the session share their work among n threads, the caller's included; n - 1 are started and live as long as
 * the session. 0 means wa_processors(), or fewer where the system gives fewer; a new session has 1. Results are the same bits with any number.
 * Errors  WA_EUSAGE beyond WA_MOST_THREADS; WA_ENOMEM; WA_EIO where the system gives fewer. The session stays usable. */
WA_API wa_status wa_session_threads(wa_session *session, size_t n, wa_error *err);

/* A named quantity of the pipeline, as docs/MODEL.md lists them. `data` lives for the call of the observer. */
typedef struct wa_quantity {
    const char  *name; /* e.g. "attention.0.weights" */
    const float *data; /* row-major */
    size_t       rank; /* 1..3 */
    size_t       shape[3];
} wa_quantity;

typedef void wa_observer(void *user, const wa_quantity *quantity);

/* From now on every run of the session shows each named quantity, in the order of the pipeline, right after it was computed.
 * observer NULL ends that. The numbers are those of the unobserved run, bit for bit; only the vocabulary stage does
 * more, as it shows the logits and probabilities of all T positions. */
WA_API void wa_session_observe(wa_session *session, wa_observer *observer, void *user);

/* A word of a text. */
typedef struct wa_token {
    wa_text word;  /* normalised as the model's tokenizer says; lives as long as the result */
    size_t  start; /* bytes start..end of the text; both 0 for the start word, both the length for the end word */
    size_t  end;
    size_t  index;      /* row of the vectors that stands for it; WA_NONE where it was left out */
    bool    is_known;   /* the word itself is among the vectors; in wa_scores, among the words of the vocabulary */
    bool    in_context; /* the pipeline runs over it: it has a row, and max_tokens left room; position t is the t-th of these */
} wa_token;

typedef struct wa_tokens {
    const wa_token *tokens; /* all words of the text, the start word first where there is one */
    size_t          n_tokens;
    size_t          n_unknown;
    size_t          n_invalid; /* sequences that were not UTF-8 and became U+FFFD */
    size_t          n_dropped; /* words after the start word that max_tokens left out of the context */
} wa_tokens;

/* Splits a text into the words that the model would see. Errors: WA_ENOMEM. */
WA_API wa_status wa_tokenize(wa_session *session, wa_text text, wa_tokens *out, wa_error *err);

/* ---------------------------------------------------------------- rank */

typedef struct wa_rank_opts {
    size_t        k;          /* how many words; 0 means 10, WA_NONE means all */
    const size_t *candidates; /* [n_candidates] vocabulary indices to choose from; NULL: the whole vocabulary */
    size_t        n_candidates;
    wa_text       prefix;     /* keep words that begin so, byte for byte (wa_lookup() normalises); empty keeps all */
    bool          words_only; /* no probabilities: words and logits, the same bits as with them, in a fraction of the time */
} wa_rank_opts;

typedef struct wa_prediction {
    size_t  index;   /* in the vocabulary */
    wa_text word;    /* lives as long as the model */
    float   logit;   /* after temperature */
    float   logprob; /* natural logarithm; over the whole vocabulary, whatever the candidates; NaN with words_only */
    float   prob;    /* NaN with words_only */
} wa_prediction;

typedef struct wa_ranking {
    wa_tokens            text;
    const wa_prediction *next; /* best first; equal logits in the order of the vocabulary */
    size_t               n_next;
    size_t               n_computed; /* words whose logit was computed; with words_only the others were shown to be no better. Where
                                      * hundreds are nearly equal it may depend on the number of threads */
} wa_ranking;

/* Ranks the words that may follow a text. An empty text, or one whose words were all left out, ranks from the start word.
 *
 * opts    NULL means a zeroed struct: ten words of the whole vocabulary.
 * out     results in the session, until its next call.
 * Errors  WA_EMODEL: no vocabulary stage, no word and no start word, or logits that are not finite; WA_EUSAGE: a
 *         candidate that is no index of the vocabulary; WA_ENOMEM.
 * Cost    T*D*(4*H*E + T) multiplications for the attention and D*N for the words. With words_only and no candidates a copy of
 *         the output weights in 8 bits, made once a model at the first such call (D*N bytes), rules out nearly all words. */
WA_API wa_status wa_rank(wa_session *session, wa_text text, const wa_rank_opts *opts, wa_ranking *out, wa_error *err);

/* The same for n texts, which share one pass over the output weights: each ranking is the one that wa_rank() gives, bit for bit.
 *
 * out     [n], the caller's; what the rankings point to is the session's, until its next call.
 * n_done  how many texts were ranked, also on failure: then text n_done is the one that failed, and the caller may go on behind
 *         it with another call. */
WA_API wa_status wa_rank_many(wa_session *session, const wa_text *texts, size_t n, const wa_rank_opts *opts, wa_ranking *out,
                              size_t *n_done, wa_error *err);

/* The vocabulary word that a user's spelling means: the bytes themselves, else their form after the tokenizer's
 * normalisation and lower-casing ("The" is "the"). WA_NONE where there is none; never the unknown word.
 * The normalised form comes back in `normalised` (may be NULL), in the session until its next wa_lookup(): it can be the prefix
 * of a wa_rank(). Other results of the session stay as they are. */
WA_API wa_status wa_lookup(wa_session *session, wa_text word, size_t *index, wa_text *normalised, wa_error *err);

/* What may follow every position of a text. */
typedef struct wa_predictions {
    wa_tokens    text;
    const float *logprobs; /* [T, N], in the session, until its next call: row t is what may follow position t, column i word i */
    size_t       T, N;
} wa_predictions;

/* The log-probabilities of all words of the vocabulary after every position of a text, the start word's included: the numbers that
 * wa_rank() gives after each beginning of the text, bit for bit, but for texts beyond max_tokens, of which only the last words count.
 * Errors  as wa_rank(). Cost: T*D*N multiplications and 4*T*N bytes. */
WA_API wa_status wa_predict(wa_session *session, wa_text text, wa_predictions *out, wa_error *err);

/* ---------------------------------------------------------------- score */

typedef struct wa_word_score {
    wa_token token;
    bool     has_score; /* false: left out as unknown, or the first word of a text without a start word */
    float    logprob;   /* natural logarithm; 0 where there is no score */
    size_t   rank;      /* 1 is the most probable word; 0 where there is no score */
} wa_word_score;

typedef struct wa_scores {
    const wa_word_score *words; /* the words of the text, then the end word where there is one */
    size_t               n_words;
    size_t               n_scored;
    size_t               n_unknown;
    size_t               n_invalid; /* sequences that were not UTF-8 and became U+FFFD */
    double               logprob;   /* sum over the scored words, in their order */
} wa_scores;

/* Scores each word of a text given those before it. Texts longer than max_tokens are scored in windows that advance by
 * half their length, each with the start word in front, so that every word but the first sees at least half a window.
 *
 * context  words of earlier texts that count as context, as wa_context_*() collects them; NULL: none.
 * Errors   as wa_rank(). An empty text without an end word gives no words and is no error.
 * Cost     as wa_rank(), with T*D*N for the words. */
WA_API wa_status wa_score(wa_session *session, wa_text text, wa_context *context, wa_scores *out, wa_error *err);

/* The same for n texts, each without a context; see wa_rank_many(). */
WA_API wa_status wa_score_many(wa_session *session, const wa_text *texts, size_t n, wa_scores *out, size_t *n_done, wa_error *err);

/* ---------------------------------------------------------------- words that came before */

/* The memory of a document: for wa_score(), which adds each text scored with it, its end word included; and for typing, where words
 * are fed one by one and wa_rank_next() ranks what follows. The oldest words are forgotten beyond max_tokens.
 *
 * It keeps the keys and values of every attention stage (8*H*E bytes a word and stage), so ranking after one more word computes
 * one position, as long as there are at most max_tokens words and every attention is causal; otherwise all positions. */
WA_API wa_status wa_context_new(const wa_model *model, wa_context **out, wa_error *err);
WA_API void      wa_context_clear(wa_context *context); /* forgets all: a new document begins */
WA_API void      wa_context_free(wa_context *context);

/* Another context with the same words, which goes its own way from here. Cost: one copy of what is kept, nothing is computed. */
WA_API wa_status wa_context_fork(const wa_context *context, wa_context **out, wa_error *err);

/* Adds the words of a text. Pieces that are cut where the tokenizer cuts words (at a blank, say) give the words of the whole text.
 *
 * out     the words added, in the session until its next call, as wa_tokenize() gives them but without a start word; may be NULL.
 * Errors  WA_ENOMEM; then no word was added. */
WA_API wa_status wa_feed(wa_session *session, wa_context *context, wa_text text, wa_tokens *out, wa_error *err);

/* Adds the end word, as wa_score() does behind each text; nothing where the model has none. Errors: WA_ENOMEM. */
WA_API wa_status wa_feed_end(wa_context *context, wa_error *err);

/* Ranks the words that may follow those fed so far: the predictions are those that wa_rank() gives for the whole text, bit for bit.
 * out->text stays empty. Errors: as wa_rank(). Allocates nothing once a context of this length was ranked, unless text is fed. */
WA_API wa_status wa_rank_next(wa_session *session, wa_context *context, const wa_rank_opts *opts, wa_ranking *out, wa_error *err);

/* An exact sum of doubles: the same bits in any order, and however the numbers were shared among threads, runs and machines.
 * Zero it, add, merge, then read the value. What is in it may change with the version of the library. */
#define WA_SUM_DIGITS 68
typedef struct wa_sum {
    int64_t  digits[WA_SUM_DIGITS];
    uint64_t n_added;
} wa_sum;

WA_API void   wa_sum_add(wa_sum *sum, double x); /* finite */
WA_API void   wa_sum_merge(wa_sum *sum, const wa_sum *other);
WA_API double wa_sum_value(const wa_sum *sum); /* rounded once, to the nearest double */

/* Totals over many texts, in the terms of the field. Zero it, add every wa_scores, in any order, then read the means. */
typedef struct wa_score_totals {
    size_t n_texts;
    size_t n_words;   /* scored words; the denominator of everything below */
    size_t n_unknown; /* unknown words, scored or not */
    size_t n_unknown_scored;
    size_t n_invalid;        /* sequences that were not UTF-8 and became U+FFFD */
    wa_sum logprob;          /* over scored words */
    wa_sum logprob_known;    /* over those that are known */
    wa_sum reciprocal_ranks; /* of 1 / rank */
    size_t n_top1, n_top5, n_top10;
} wa_score_totals;

WA_API void wa_score_add(wa_score_totals *totals, const wa_scores *scores);
/* Adds the totals of other texts: the same bits as adding their scores. */
WA_API void wa_score_merge(wa_score_totals *totals, const wa_score_totals *other);

/* exp(-logprob / n): the perplexity of n words; NaN where n is 0. */
WA_API double wa_perplexity(double logprob, size_t n);

/* ---------------------------------------------------------------- embed and run */

typedef enum wa_pooling { WA_POOL_LAST, WA_POOL_MEAN, WA_POOL_NONE } wa_pooling;

typedef struct wa_embedding {
    wa_tokens    text;
    const float *data;   /* [n_rows, D], in the session, until its next call */
    size_t       n_rows; /* 1, or T with WA_POOL_NONE (the start word included) */
    size_t       width;
} wa_embedding;

/* The output of the last stage before the vocabulary: of the last position, the mean over all positions (the start word
 * included), or of every position. Errors as wa_rank(), but needs no vocabulary stage. */
WA_API wa_status wa_embed(wa_session *session, wa_text text, wa_pooling pooling, wa_embedding *out, wa_error *err);

/* The same for n texts; see wa_rank_many(). */
WA_API wa_status wa_embed_many(wa_session *session, const wa_text *texts, size_t n, wa_pooling pooling, wa_embedding *out,
                               size_t *n_done, wa_error *err);

/* Runs the whole pipeline over a text for its observer, all T positions of the vocabulary included. `out` (may be NULL)
 * gets the words. Errors as wa_embed(). */
WA_API wa_status wa_run(wa_session *session, wa_text text, wa_tokens *out, wa_error *err);

#ifdef __cplusplus
}
#endif
#endif

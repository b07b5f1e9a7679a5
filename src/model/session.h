/* One thread's use of a model: the steps that every task takes from a text to a run of the pipeline. The public functions are in
 * wordahead.h.
 *
 * The results of a call lie in `results`, of which every thread has its own, and are forgotten by the next call's wa_session_begin(); what a
 * thread computes on the way lies in its `scratch` and is forgotten by its next run. */
#ifndef WA_MODEL_SESSION_H
#define WA_MODEL_SESSION_H

#include "base/pool.h"
#include "base/status.h"
#include "model/model.h"
#include "model/vocabulary.h"

struct wa_session {
    const wa_model *model;
    wa_arena       *results;   /* [threads] */
    wa_arena        looked_up; /* what wa_lookup() gave, to be an argument of the next call */
    wa_arena       *scratch;   /* [threads] one run of the pipeline each, or one scan of the vocabulary */
    wa_pool        *pool;      /* NULL: the caller's thread does everything */
    size_t          n_scans;   /* of the vocabulary; every other one goes backward */
    wa_observer    *observer;
    void           *observer_user;
};

/* Forgets the results of the call before. */
void wa_session_begin(wa_session *session);

/* pointer = room for n of what it points to among the results of a thread, until the next call; fails as WA_FAIL does. */
#define WA_WORKER_ALLOC(session, worker, n, pointer)                                                                               \
    do {                                                                                                                           \
        if (!((pointer) = wa_arena_alloc(&(session)->results[worker], (n), sizeof *(pointer))))                                    \
            WA_FAIL(WA_ENOMEM, "not enough memory for %zu items of a text", (size_t)(n));                                          \
    } while (0)
/* The same for the caller's thread. */
#define WA_SESSION_ALLOC(session, n, pointer) WA_WORKER_ALLOC(session, 0, n, pointer)

/* The words of a text, the start word first where there is one. Errors: WA_ENOMEM. */
wa_status wa_session_tokens(wa_session *session, size_t worker, wa_text text, wa_tokens *out, wa_error *err);

/* The rows of the vectors that the words in the context have, [T], T > 0. Errors: WA_EMODEL where there is none; WA_ENOMEM. */
wa_status wa_session_rows(wa_session *session, size_t worker, const wa_tokens *tokens, const size_t **rows, size_t *T,
                          wa_error *err);

/* One of n things to be done. `pool` is NULL, or those who may help because it is the only one. */
typedef wa_status wa_session_piece(void *user, size_t worker, wa_pool *pool, size_t i, wa_error *err);

/* Does all of them, each thread taking the next one; with an observer in order, on the caller's thread.
 *
 * n_done  how many of the first were done, also on failure: then that of the next one is the error. Those behind it may have been
 *         done or not. */
wa_status wa_session_each(wa_session *session, wa_session_piece *piece, void *user, size_t n, size_t *n_done, wa_error *err);

/* A run of the pipeline over one sequence. */
typedef struct wa_run_of_rows {
    const size_t *rows; /* [T] of the vectors, T > 0 */
    size_t        T;
    size_t        first; /* the first position that is wanted */
    float        *out;   /* [T - first, width], of the caller; gets the outputs */
} wa_run_of_rows;

/* Runs the pipeline over n sequences, short ones some at once; n_done as in wa_session_each(). Errors: as wa_pipeline_run(). */
wa_status wa_session_run(wa_session *session, const wa_run_of_rows *runs, size_t n, size_t *n_done, wa_error *err);

/* A text that was split and run. */
typedef struct wa_run_of_text {
    wa_tokens tokens;
    size_t    T;
    float    *out; /* [T, width], or of the last word only [1, width]; in the session */
} wa_run_of_text;

/* Splits n texts and runs the pipeline over them, in the same way. */
wa_status wa_session_run_texts(wa_session *session, const wa_text *texts, size_t n, bool is_last_only, wa_run_of_text *out,
                               size_t *n_done, wa_error *err);

/* A flow over rows in the scratch memory of a thread, which forgets what it had there. It has no parts yet. */
wa_flow wa_session_flow(wa_session *session, size_t worker, const size_t *rows);
/* Adds a part of T rows behind n_past positions. */
void wa_session_add_part(wa_flow *flow, size_t T, size_t n_past);

/* The vocabulary is looked through in this memory and by these threads; forgets what the caller's thread had in its scratch. */
wa_scan wa_session_scan(wa_session *session);

/* WA_EMODEL where the model has no vocabulary to do `what`. */
wa_status wa_session_need_words(const wa_session *session, const char *what, wa_error *err);

#endif

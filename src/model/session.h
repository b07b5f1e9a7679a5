/* One thread's use of a model: the steps that every task takes from a text to a run of the pipeline. The public functions are in
 * wordahead.h.
 *
 * The results of a call lie in the session's arena and are forgotten by the next call's wa_session_begin(); what the pipeline
 * computes lies in `scratch` and is forgotten by the next run. */
#ifndef WA_MODEL_SESSION_H
#define WA_MODEL_SESSION_H

#include "base/pool.h"
#include "base/status.h"
#include "model/model.h"

struct wa_session {
    const wa_model *model;
    wa_arena        arena;     /* results */
    wa_arena        looked_up; /* what wa_lookup() gave, to be an argument of the next call */
    wa_arena        scratch;   /* one run of the pipeline; a long text takes several runs in one call */
    wa_pool        *pool;      /* NULL: the caller's thread does everything */
    wa_observer    *observer;
    void           *observer_user;
};

/* Forgets the results of the call before. */
void wa_session_begin(wa_session *session);

/* pointer = room for n of what it points to, until the next call; fails as WA_FAIL does. */
#define WA_SESSION_ALLOC(session, n, pointer)                                                                                      \
    do {                                                                                                                           \
        if (!((pointer) = wa_arena_alloc(&(session)->arena, (n), sizeof *(pointer))))                                              \
            WA_FAIL(WA_ENOMEM, "not enough memory for %zu items of a text", (size_t)(n));                                          \
    } while (0)

/* The words of a text, the start word first where there is one. Errors: WA_ENOMEM. */
wa_status wa_session_tokens(wa_session *session, wa_text text, wa_tokens *out, wa_error *err);

/* Runs the pipeline over the words that are in the context.
 * Errors  WA_EMODEL where there is none, or as wa_pipeline_run(). */
wa_status wa_session_run(wa_session *session, const wa_tokens *tokens, wa_flow *flow, wa_error *err);

/* The same over given rows of the vectors, [T] with T > 0. */
wa_status wa_session_run_rows(wa_session *session, const size_t *rows, size_t T, wa_flow *flow, wa_error *err);

/* WA_EMODEL where the model has no vocabulary to do `what`. */
wa_status wa_session_need_words(const wa_session *session, const char *what, wa_error *err);

#endif

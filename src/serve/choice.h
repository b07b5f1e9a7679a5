/* One choice of a completion: a prompt that is echoed and scored, and the words that are generated behind it, a step at a time.
 *
 * Tokens are words here: the text is cut before each word's white space, so the tokens put together are the text up to its last
 * word. Their log-probabilities are those of `wordahead score --tokens`. */
#ifndef WA_SERVE_CHOICE_H
#define WA_SERVE_CHOICE_H

#include "base/rng.h"
#include "serve/engine.h"

typedef struct wa_choice_opts {
    size_t         n_most; /* words to generate */
    double         temperature, top_p;
    wa_field_texts stop;
    bool           is_echo, has_logprobs;
    size_t         n_top;
} wa_choice_opts;

/* A word of the prompt that was scored. */
typedef struct wa_echoed {
    size_t start, end; /* bytes of the prompt; white space before it is not in */
    bool   has_score;
    float  logprob;
    size_t target;                     /* its index in the vocabulary, or WA_NONE */
    size_t context_start, context_end; /* bytes of the prompt that it was scored after; where has_score */
} wa_echoed;

/* A zeroed struct with `how`, `prompt` and `rng` set begins. */
typedef struct wa_choice {
    const wa_choice_opts *how;
    wa_text               prompt;
    wa_rng                rng;
    bool                  has_begun, is_fed;
    wa_echoed            *echoed; /* [n_echoed], in the arena of the job */
    size_t                n_echoed, n_shown;
    wa_context           *context;
    wa_buf                text;                            /* the prompt and what was generated */
    wa_buf                tokens, logprobs, tops, offsets; /* items of lists of JSON */
    size_t                n_chars;                         /* of the text that tokens cover */
    size_t                n_prompt, n_generated;           /* words */
    const char           *finish;                          /* NULL: it goes on */
} wa_choice;

/* Does a piece of the work; choice->finish tells when it was the last. */
wa_status wa_choice_step(wa_engine *engine, wa_choice *choice, wa_arena *arena, wa_error *err);
void      wa_choice_clear(wa_choice *choice);

/* What the client gets. */
wa_text wa_choice_text(const wa_choice *choice);

#endif

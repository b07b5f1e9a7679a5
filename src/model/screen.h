/* The 8-bit copy of the output weights that rules words out; see math/codes.h. It is made when it is first asked for: whoever never ranks
 * without probabilities pays nothing for it. All threads that share a model may ask at once. */
#ifndef WA_MODEL_SCREEN_H
#define WA_MODEL_SCREEN_H

#include "base/mem.h"
#include "base/pool.h"
#include "math/codes.h"

typedef struct wa_screen wa_screen;

/* rows and env must outlive the screen. Errors: WA_ENOMEM. */
wa_status wa_screen_new(const wa_rows *rows, const wa_env *env, wa_screen **out, wa_error *err);
void      wa_screen_free(wa_screen *screen);

/* The copy, made by the threads of the pool where it is not there yet. NULL where there is no memory for it, or the weights are such
 * that it bounds nothing. Cost of the first call: one pass over the weights, D + 24 bytes a row. */
const wa_codes *wa_screen_prepare(wa_screen *screen, wa_pool *pool);

/* Inputs x [T, D] in 8 bits, in the arena, made by the threads of the pool. Errors: WA_ENOMEM. */
wa_status wa_screen_probe(const wa_screen *screen, wa_pool *pool, wa_arena *arena, const float *x, size_t T, wa_probes *out,
                          wa_error *err);

#endif

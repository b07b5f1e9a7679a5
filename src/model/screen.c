/* The 8-bit copy of the output weights. See screen.h. */
#include "model/screen.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/status.h"

enum { UNTRIED, READY, IMPOSSIBLE };

struct wa_screen {
    const wa_rows  *rows;
    wa_env          env;
    pthread_mutex_t mutex;
    atomic_int      state; /* leaves UNTRIED once, under the mutex */
    wa_arena        arena;
    wa_codes        codes; /* constant once READY */
};

wa_status wa_screen_new(const wa_rows *rows, const wa_env *env, wa_screen **out, wa_error *err)
{
    wa_screen *const screen = wa_alloc_zeroed(env, 1, sizeof *screen);

    if (!screen)
        return wa_fail_memory(err, "vocabulary");
    if (env)
        screen->env = *env;
    screen->rows      = rows;
    screen->arena.env = &screen->env;
    pthread_mutex_init(&screen->mutex, NULL);
    *out = screen;
    return WA_OK;
}

void wa_screen_free(wa_screen *screen)
{
    if (!screen)
        return;
    const wa_env env = screen->env;
    pthread_mutex_destroy(&screen->mutex);
    wa_arena_clear(&screen->arena);
    wa_release(&env, screen);
}

/* ---------------------------------------------------------------- making it */

static bool allocate(wa_screen *screen)
{
    wa_codes *const c        = &screen->codes;
    const size_t    padded   = wa_panel_count(screen->rows->n_rows) * WA_PANEL;
    float **const   floats[] = { &c->scale, &c->slope, &c->length, &c->bias, &c->floor };
    size_t          n_codes;

    c->n_rows   = screen->rows->n_rows;
    c->n_inner  = screen->rows->n_inner;
    c->n_groups = wa_codes_groups(c->n_inner);
    if (!wa_mul_size(padded, c->n_groups * 4, &n_codes) || !(c->codes = wa_arena_alloc(&screen->arena, n_codes, 1)) ||
        !(c->shift = wa_arena_alloc(&screen->arena, padded, sizeof *c->shift)))
        return false;
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        if (!(*floats[i] = wa_arena_alloc(&screen->arena, padded, sizeof **floats[i])))
            return false;
    return true;
}

static void fill_panel(void *user, size_t worker, size_t p)
{
    wa_screen *const screen = user;

    (void)worker;
    wa_codes_fill(&screen->codes, screen->rows, p);
}

static int make(wa_screen *screen, wa_pool *pool)
{
    if (screen->rows->n_inner > WA_CODES_WIDTH || !allocate(screen)) {
        wa_arena_clear(&screen->arena);
        return IMPOSSIBLE;
    }
    wa_pool_run(pool, fill_panel, screen, wa_panel_count(screen->rows->n_rows));
    wa_codes_finish(&screen->codes);
    return screen->codes.is_finite ? READY : IMPOSSIBLE;
}

const wa_codes *wa_screen_prepare(wa_screen *screen, wa_pool *pool)
{
    int state = atomic_load_explicit(&screen->state, memory_order_acquire);

    if (state == UNTRIED) {
        pthread_mutex_lock(&screen->mutex);
        if ((state = screen->state) == UNTRIED)
            atomic_store_explicit(&screen->state, state = make(screen, pool), memory_order_release);
        pthread_mutex_unlock(&screen->mutex);
    }
    return state == READY ? &screen->codes : NULL;
}

/* ---------------------------------------------------------------- using it */

typedef struct probing {
    const wa_codes *codes;
    const float    *x;
    size_t          T;
    wa_probes      *out;
} probing;

/* The inputs of one block: they share memory, the blocks do not. */
static void probe_block(void *user, size_t worker, size_t block)
{
    const probing *const job = user;
    const size_t         end = (block + 1) * WA_BLOCK < job->T ? (block + 1) * WA_BLOCK : job->T;

    (void)worker;
    for (size_t t = block * WA_BLOCK; t < end; t++)
        wa_probe_make(job->out, t, job->T, job->x + t * job->codes->n_inner, job->codes);
}

wa_status wa_screen_probe(const wa_screen *screen, wa_pool *pool, wa_arena *arena, const float *x, size_t T, wa_probes *out,
                          wa_error *err)
{
    const wa_codes *const codes = &screen->codes;
    size_t                n;
    probing               job = { codes, x, T, out };

    *out = (wa_probes){
        .codes  = wa_mul_size(T, codes->n_groups, &n) ? wa_arena_alloc(arena, n, sizeof *out->codes) : NULL,
        .scale  = wa_arena_alloc(arena, T, sizeof *out->scale),
        .length = wa_arena_alloc(arena, T, sizeof *out->length),
        .error  = wa_arena_alloc(arena, T, sizeof *out->error),
    };
    if (!out->codes || !out->scale || !out->length || !out->error)
        return wa_fail_memory(err, "vocabulary");
    wa_pool_run(pool, probe_block, &job, (T + WA_BLOCK - 1) / WA_BLOCK);
    return WA_OK;
}

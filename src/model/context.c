/* Words that came before. See context.h. */
#include "model/context.h"

#include <string.h>

#include "base/status.h"

/* ---------------------------------------------------------------- making and forking */

wa_status wa_context_new(const wa_model *model, wa_context **out, wa_error *err)
{
    wa_status   st      = WA_OK;
    wa_context *context = wa_alloc_zeroed(&model->env, 1, sizeof *context);

    if (!context)
        WA_TRY(wa_fail_memory(err, "context"));
    context->model  = model;
    context->kept   = wa_alloc_zeroed(&model->env, model->pipeline.n_stages, sizeof *context->kept);
    context->output = wa_alloc(&model->env, model->pipeline.width, sizeof *context->output);
    if (!context->kept || !context->output)
        WA_TRY(wa_fail_memory(err, "context"));
    *out    = context;
    context = NULL;
done:
    wa_context_free(context);
    return st;
}

void wa_context_clear(wa_context *context)
{
    context->n = context->n_kept = 0;
}

void wa_context_free(wa_context *context)
{
    if (!context)
        return;
    const wa_env *const env = &context->model->env;

    for (size_t i = 0; context->kept && i < context->model->pipeline.n_stages; i++)
        for (size_t j = 0; j < WA_N_KEPT; j++)
            wa_release(env, context->kept[i].data[j]);
    wa_release(env, context->kept);
    wa_release(env, context->output);
    wa_release(env, context->rows);
    wa_release(env, context);
}

wa_status wa_context_reserve(wa_context *context, size_t n, wa_error *err)
{
    const size_t most = 2 * context->model->experiment->tokenizer.max_tokens + 1; /* that it ever holds */
    void        *rows = context->rows;

    n = n < most - context->n ? context->n + n : most;
    if (!wa_grow(&context->model->env, &rows, &context->capacity, n, sizeof *context->rows))
        return wa_fail_memory(err, "context");
    context->rows = rows;
    return WA_OK;
}

/* Makes room for n positions in what stage i keeps, by doubling; the layout only ever grows at its end. */
static bool make_room(wa_context *context, size_t i, size_t n)
{
    const wa_stage *const stage = &context->model->pipeline.stages[i];
    wa_kept *const        kept  = &context->kept[i];
    const size_t          least = wa_panel_count(n) * WA_PANEL, doubled = 2 * kept->capacity;
    const size_t          capacity = least > doubled ? least : doubled;

    if (n <= kept->capacity)
        return true;
    for (size_t j = 0; j < WA_N_KEPT; j++) {
        void  *data   = kept->data[j];
        size_t floats = kept->capacity, n_bytes;

        if (!wa_mul_size(stage->n_kept[j], sizeof(float), &n_bytes))
            return false;
        if (n_bytes > 0 && !wa_grow(&context->model->env, &data, &floats, capacity, n_bytes))
            return false;
        kept->data[j] = data;
    }
    kept->capacity = capacity;
    return true;
}

static bool copy_kept(wa_context *to, const wa_context *from)
{
    for (size_t i = 0; i < from->model->pipeline.n_stages; i++) {
        const wa_stage *const stage    = &from->model->pipeline.stages[i];
        const size_t          n_panels = wa_panel_count(from->n_kept);

        if (!make_room(to, i, from->n_kept))
            return false;
        for (size_t j = 0; j < WA_N_KEPT; j++)
            if (stage->n_kept[j] > 0 && n_panels > 0)
                memcpy(to->kept[i].data[j], from->kept[i].data[j], n_panels * WA_PANEL * stage->n_kept[j] * sizeof(float));
    }
    to->n_kept = from->n_kept;
    memcpy(to->output, from->output, from->model->pipeline.width * sizeof *to->output);
    return true;
}

wa_status wa_context_fork(const wa_context *context, wa_context **out, wa_error *err)
{
    wa_status   st   = WA_OK;
    wa_context *fork = NULL;

    WA_TRY(wa_context_new(context->model, &fork, err));
    WA_TRY(wa_context_reserve(fork, context->n, err));
    fork->n = context->n;
    if (context->n > 0)
        memcpy(fork->rows, context->rows, context->n * sizeof *fork->rows);
    if (!copy_kept(fork, context))
        WA_TRY(wa_fail_memory(err, "context"));
    *out = fork;
    fork = NULL;
done:
    wa_context_free(fork);
    return st;
}

/* ---------------------------------------------------------------- words */

static size_t most_words(const wa_model *model)
{
    return model->experiment->tokenizer.max_tokens - (model->start != WA_NONE);
}

wa_status wa_context_add(wa_context *context, size_t row, wa_error *err)
{
    wa_status    st   = WA_OK;
    const size_t most = context->model->experiment->tokenizer.max_tokens;

    if (row == WA_NONE)
        goto done;
    WA_TRY(wa_context_reserve(context, 1, err));
    if (context->n / 2 >= most) { /* forgetting by halves costs one move a word, not max_tokens */
        for (size_t i = 0; i < most; i++)
            context->rows[i] = context->rows[most + i];
        context->n = most;
    }
    context->rows[context->n++] = row;
    if (context->n > most_words(context->model))
        context->n_kept = 0;
done:
    return st;
}

/* The window: the start word and the last words, max_tokens in all. */
static wa_status list_rows(wa_session *session, const wa_context *context, const size_t **out, size_t *T, wa_error *err)
{
    wa_status             st        = WA_OK;
    const wa_model *const m         = context->model;
    const bool            has_start = m->start != WA_NONE;
    const size_t          most = most_words(m), n = context->n < most ? context->n : most;
    size_t               *rows;

    WA_SESSION_ALLOC(session, n + 1, rows);
    rows[0] = m->start;
    for (size_t i = 0; i < n; i++)
        rows[has_start + i] = context->rows[context->n - n + i];
    *out = rows;
    *T   = has_start + n;
    if (*T == 0)
        WA_FAIL(WA_EMODEL, "no word was fed, and the model has no start word (tokenizer.start) to begin from");
done:
    return st;
}

/* ---------------------------------------------------------------- running */

/* Goes on behind the positions that are kept. */
static wa_status extend(wa_session *session, wa_context *context, const size_t *rows, size_t T, wa_error *err)
{
    wa_status                st       = WA_OK;
    const wa_pipeline *const pipeline = &context->model->pipeline;
    wa_flow                  flow     = wa_session_flow(session, 0, rows + context->n_kept);

    wa_session_add_part(&flow, T - context->n_kept, context->n_kept);
    flow.pool = session->pool;
    for (size_t i = 0; i < pipeline->n_stages; i++)
        if (!make_room(context, i, T))
            WA_TRY(wa_fail_memory(err, "context"));
    WA_TRY(wa_pipeline_run(pipeline, &flow, context->kept, true, err));
    memcpy(context->output, flow.x, pipeline->width * sizeof *context->output);
    context->n_kept = T;
done:
    return st;
}

wa_status wa_context_output(wa_session *session, wa_context *context, const float **out, wa_error *err)
{
    wa_status     st    = WA_OK;
    const size_t  width = context->model->pipeline.width;
    size_t        T, ignored;
    float        *output;
    const size_t *rows = NULL;

    WA_TRY(list_rows(session, context, &rows, &T, err));
    if (context->n <= most_words(context->model) && context->model->pipeline.is_causal && !session->observer) {
        if (context->n_kept < T)
            WA_TRY(extend(session, context, rows, T, err));
        *out = context->output;
        goto done;
    }
    WA_SESSION_ALLOC(session, width, output);
    WA_TRY(wa_session_run(session, &(wa_run_of_rows){ rows, T, T - 1, output }, 1, &ignored, err));
    *out = output;
done:
    return st;
}

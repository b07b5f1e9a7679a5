/* Words that came before. See context.h. */
#include "model/context.h"

#include <string.h>

#include "base/status.h"

wa_status wa_context_new(const wa_model *model, wa_context **out, wa_error *err)
{
    wa_context *const context = wa_alloc_zeroed(&model->env, 1, sizeof *context);

    if (!context)
        return wa_fail_memory(err, "context");
    context->model = model;
    *out           = context;
    return WA_OK;
}

void wa_context_clear(wa_context *context)
{
    context->n = 0;
}

void wa_context_free(wa_context *context)
{
    if (!context)
        return;
    wa_release(&context->model->env, context->rows);
    wa_release(&context->model->env, context);
}

wa_status wa_context_add(wa_context *context, size_t row, wa_error *err)
{
    const size_t most = context->model->experiment->tokenizer.max_tokens;
    void        *rows = context->rows;

    if (row == WA_NONE)
        return WA_OK;
    if (context->n / 2 >= most) { /* forgetting by halves costs one move a word, not max_tokens */
        for (size_t i = 0; i < most; i++)
            context->rows[i] = context->rows[most + i];
        context->n = most;
    }
    if (!wa_grow(&context->model->env, &rows, &context->capacity, context->n + 1, sizeof *context->rows))
        return wa_fail_memory(err, "context");
    context->rows               = rows;
    context->rows[context->n++] = row;
    return WA_OK;
}

wa_status wa_context_fork(const wa_context *context, wa_context **out, wa_error *err)
{
    wa_status   st   = WA_OK;
    wa_context *fork = NULL;

    WA_TRY(wa_context_new(context->model, &fork, err));
    void *rows = NULL;
    if (!wa_grow(&context->model->env, &rows, &fork->capacity, context->n + 1, sizeof *fork->rows))
        WA_TRY(wa_fail_memory(err, "context"));
    fork->rows = rows;
    fork->n    = context->n;
    if (context->n > 0)
        memcpy(fork->rows, context->rows, context->n * sizeof *fork->rows);
    *out = fork;
    fork = NULL;
done:
    wa_context_free(fork);
    return st;
}

/* Options of a stage by name. See setup.h. */
#include "report/setup.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

static const wa_key *keys_of(const wa_stage *stage)
{
    for (const wa_variant *const *variant = wa_stage_variants; *variant; variant++)
        if ((*variant)->owner == stage->ops)
            return (*variant)->keys;
    assert(!"a stage that is in no table");
    return NULL;
}

static const void *field_of(const wa_stage *stage, const char *key, wa_key_type type)
{
    const wa_key *row = keys_of(stage);

    while (row->name && strcmp(row->name, key) != 0)
        row++;
    assert(row->name && row->type == type);
    (void)type;
    return (const char *)stage->params + row->offset;
}

size_t wa_setup_choice(const wa_stage *stage, const char *key)
{
    return (size_t) * (const int *)field_of(stage, key, WA_KEY_CHOICE);
}

bool wa_setup_bool(const wa_stage *stage, const char *key)
{
    return *(const bool *)field_of(stage, key, WA_KEY_BOOL);
}

size_t wa_setup_size(const wa_stage *stage, const char *key)
{
    return *(const size_t *)field_of(stage, key, WA_KEY_SIZE);
}

double wa_setup_number(const wa_stage *stage, const char *key)
{
    return *(const double *)field_of(stage, key, WA_KEY_NUMBER);
}

const wa_sizes *wa_setup_sizes(const wa_stage *stage, const char *key)
{
    return field_of(stage, key, WA_KEY_SIZES);
}

double wa_setup_scale(const wa_stage *stage, const char *key, size_t width)
{
    const wa_scale *const scale = field_of(stage, key, WA_KEY_SCALE);

    return (double)(float)(scale->choice == 0 ? sqrt((double)width) : scale->number);
}

char *wa_setup_prefix(const wa_stage *stage, char out[WA_SETUP_NAME])
{
    if (stage->ops->is_numbered)
        snprintf(out, WA_SETUP_NAME, "%s.%zu", stage->ops->prefix, stage->ordinal);
    else
        snprintf(out, WA_SETUP_NAME, "%s", stage->ops->prefix);
    return out;
}

char *wa_setup_name(const wa_stage *stage, const char *name, char out[WA_SETUP_NAME])
{
    const size_t n = strlen(wa_setup_prefix(stage, out));

    snprintf(out + n, WA_SETUP_NAME - n, ".%s", name);
    return out;
}

/* ---------------------------------------------------------------- json */

/* The i-th word of "a|b|c". */
static wa_text word_of(const char *range, size_t i)
{
    for (; i > 0; i--)
        range = strchr(range, '|') + 1;
    return (wa_text){ range, strcspn(range, "|") };
}

static void add_value(const wa_stage *stage, const wa_key *row, const void *field, wa_buf *out)
{
    const wa_sizes *const sizes = field;

    switch (row->type) {
    case WA_KEY_BOOL:
        wa_buf_str(out, *(const bool *)field ? "true" : "false");
        break;
    case WA_KEY_SIZE:
        wa_buf_format(out, "%zu", *(const size_t *)field);
        break;
    case WA_KEY_NUMBER:
        wa_json_add_double(out, *(const double *)field);
        break;
    case WA_KEY_CHOICE:
        wa_json_add_text(out, word_of(row->range, (size_t) * (const int *)field));
        break;
    case WA_KEY_SCALE:
        wa_json_add_float(out, (float)wa_setup_scale(stage, row->name, stage->width_out));
        break;
    case WA_KEY_SIZES:
        wa_buf_str(out, "[");
        for (size_t i = 0; i < sizes->n; i++)
            wa_buf_format(out, "%s%zu", i ? "," : "", sizes->items[i]);
        wa_buf_str(out, "]");
        break;
    default:
        wa_buf_str(out, "null"); /* no stage has others */
    }
}

bool wa_setup_option(const wa_stage *stage, size_t i, const char **name, wa_buf *value)
{
    const wa_key *const row = &keys_of(stage)[i];

    if (!row->name)
        return false;
    *name = row->name;
    if (row->type != WA_KEY_PATH)
        add_value(stage, row, (const char *)stage->params + row->offset, value);
    return true;
}

void wa_setup_add_json(const wa_stage *stage, wa_buf *out)
{
    const char *name, *separator = "{";
    wa_buf      value = { .env = out->env };

    for (size_t i = 0; wa_setup_option(stage, i, &name, &value); i++) {
        if (value.n_bytes == 0)
            continue;
        wa_buf_format(out, "%s\"%s\":", separator, name);
        wa_buf_text(out, wa_buf_view(&value));
        value.n_bytes = 0;
        separator     = ",";
    }
    wa_buf_str(out, "}");
    out->failed = out->failed || value.failed;
    wa_buf_clear(&value);
}

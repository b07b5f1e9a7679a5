/* Single values, texts, paths and tensors into fields. See config_parts.h.
 *
 * Every reader leaves a field zero, or in part filled, where it blames the value. Such a field is never looked at: the
 * configuration does not open. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "data/config_parts.h"

/* ---------------------------------------------------------------- blaming */

/* A node that is not what the row takes: names both, and how to mend it where that is likely known. */
static void refuse_node(const wa_reading *r, const wa_node *node, const char *hint)
{
    const wa_frame inner = { r->frame, r->row->name };
    wa_buf         text  = { .env = r->config->env };

    wa_frame_add(&inner, &text);
    wa_buf_str(&text, ": found ");
    wa_node_describe(node, &text);
    wa_buf_str(&text, ", expected ");
    wa_row_expect(r->row, &text);
    wa_buf_str(&text, hint);
    wa_config_blame_text(r->config, node, &text);
}

void wa_reading_refuse(const wa_reading *r, const char *hint)
{
    refuse_node(r, r->node, hint);
}

/* A word that is not of the row's: proposes the nearest. */
static void refuse_word(const wa_reading *r)
{
    const bool    is_word = r->node->kind == WA_NODE_SCALAR;
    const wa_text nearest = is_word ? wa_range_nearest(r->row->range, r->node->text) : (wa_text){ NULL, 0 };
    wa_buf        hint    = { .env = r->config->env };

    if (nearest.n_bytes > 0)
        wa_buf_format(&hint, "; did you mean '%.*s'?", (int)nearest.n_bytes, nearest.data);
    wa_buf_add(&hint, "", 1);
    wa_reading_refuse(r, hint.failed ? "" : hint.data);
    r->config->has_failed = r->config->has_failed || hint.failed;
    wa_buf_clear(&hint);
}

/* For numbers and truth values that are right but for their quotes. */
static const char *quotes_hint(const wa_node *node)
{
    wa_node plain = *node;
    double  number;
    bool    truth;

    plain.is_plain = true;
    return !node->is_plain && (wa_node_double(&plain, &number) || wa_node_bool(&plain, &truth)) ? "; leave out the quotes" : "";
}

/* ---------------------------------------------------------------- scalars */

static void read_bool(const wa_reading *r)
{
    if (!wa_node_bool(r->node, r->field))
        wa_reading_refuse(r, quotes_hint(r->node));
}

static void read_size(const wa_reading *r)
{
    size_t value;

    if (!wa_node_size(r->node, &value) || !wa_range_holds(r->row->range, (double)value))
        wa_reading_refuse(r, quotes_hint(r->node));
    else
        *(size_t *)r->field = value;
}

/* A list, or one number in its place. */
static void read_sizes(const wa_reading *r)
{
    wa_sizes *const sizes   = r->field;
    const bool      is_list = r->node->kind == WA_NODE_LIST;
    const size_t    n       = is_list ? r->node->n_items : 1;

    if (wa_node_is_null(r->node) || !(sizes->items = wa_config_alloc(r->config, n, sizeof *sizes->items)))
        return;
    for (size_t i = 0; i < n; i++) {
        const wa_node *const item = is_list ? r->node->items[i].value : r->node;
        size_t               value;

        if (wa_node_size(item, &value) && wa_range_holds(r->row->range, (double)value))
            sizes->items[sizes->n++] = value;
        else
            refuse_node(r, item, quotes_hint(item));
    }
}

static void read_number(const wa_reading *r)
{
    double value;

    if (!wa_node_double(r->node, &value) || !isfinite(value) || !wa_range_holds(r->row->range, value))
        wa_reading_refuse(r, quotes_hint(r->node));
    else
        *(double *)r->field = value;
}

static void read_choice(const wa_reading *r)
{
    const size_t index = r->node->kind == WA_NODE_SCALAR ? wa_range_find(r->row->range, r->node->text) : WA_NONE;

    if (index == WA_NONE)
        refuse_word(r);
    else
        *(int *)r->field = (int)index;
}

static void read_scale(const wa_reading *r)
{
    const size_t    index = r->node->kind == WA_NODE_SCALAR ? wa_range_find(r->row->range, r->node->text) : WA_NONE;
    wa_scale *const scale = r->field;
    double          number;

    if (index != WA_NONE)
        *scale = (wa_scale){ .choice = (int)index };
    else if (wa_node_double(r->node, &number) && isfinite(number))
        *scale = (wa_scale){ .choice = -1, .number = number };
    else
        refuse_word(r);
}

/* ---------------------------------------------------------------- texts and paths */

/* Whether a node is a text; a plain true is more likely a misunderstanding. */
static bool take_text(const wa_reading *r, const wa_node *node)
{
    bool       truth;
    const bool is_bool = wa_node_bool(node, &truth);

    if (node->kind == WA_NODE_SCALAR && !is_bool && !wa_node_is_null(node))
        return true;
    refuse_node(r, node, is_bool ? "; write it in quotes if the word is meant" : "");
    return false;
}

static void read_text(const wa_reading *r)
{
    if (!wa_node_is_null(r->node) && take_text(r, r->node))
        *(wa_text *)r->field = r->node->text;
}

/* The path as seen from the working folder, in the arena; NULL where it was blamed. */
static const char *resolve(const wa_reading *r, const wa_node *node)
{
    if (!take_text(r, node))
        return NULL;
    if (node->text.n_bytes == 0 || memchr(node->text.data, '\0', node->text.n_bytes)) {
        refuse_node(r, node, "");
        return NULL;
    }
    char *const       path = wa_node_path(node, r->config->env);
    const char *const kept = path ? wa_arena_text(&r->config->arena, wa_text_of(path)).data : NULL;
    wa_release(r->config->env, path);
    if (!kept)
        r->config->has_failed = true;
    return kept;
}

/* The key as it is written with dots, in the arena; NULL: no memory. */
static const char *name_key(const wa_reading *r)
{
    const wa_frame frame = { r->frame, r->row->name };
    wa_buf         name  = { .env = r->config->env };

    wa_frame_add(&frame, &name);
    const char *const kept = name.failed ? NULL : wa_arena_text(&r->config->arena, wa_buf_view(&name)).data;
    wa_buf_clear(&name);
    return kept;
}

static void add_file(const wa_reading *r, const char *path, const wa_node *node)
{
    wa_config *const  config = r->config;
    const char *const key    = path ? name_key(r) : NULL;
    void             *files  = config->files;

    if (!path)
        return;
    if (!key || !wa_grow(config->env, &files, &config->files_capacity, config->n_files + 1, sizeof *config->files)) {
        config->has_failed = true;
        return;
    }
    config->files                    = files;
    config->files[config->n_files++] = (wa_named_file){ key, path, node };
}

static void read_path(const wa_reading *r)
{
    const char **const path = r->field;

    if (wa_node_is_null(r->node))
        return;
    if (r->node->kind == WA_NODE_SCALAR && r->row->range && wa_range_find(r->row->range, r->node->text) != WA_NONE) {
        *path = r->node->text.data;
        return;
    }
    *path = resolve(r, r->node);
    add_file(r, *path, r->node);
}

static void read_base(const wa_reading *r)
{
    if (!wa_node_is_null(r->node))
        *(const char **)r->field = resolve(r, r->node);
}

static void read_file_of_texts(const wa_reading *r, wa_texts *texts)
{
    static const wa_key  keys[] = { { .name = "file" }, { 0 } };
    const wa_frame       inner  = { r->frame, r->row->name };
    const wa_node *const file   = wa_node_find(r->node, wa_text_of("file"));

    for (size_t i = 0; i < r->node->n_items; i++)
        if (!wa_keys_find(keys, r->node->items[i].key->text))
            wa_config_blame_key(r->config, r->node->items[i].key, r->node->items[i].key->text, &inner, keys, false);
    if (r->node->n_items == 0)
        wa_reading_refuse(r, "");
    else if (file && (texts->file = resolve(r, file)))
        add_file(r, texts->file, file);
}

static void read_texts(const wa_reading *r)
{
    wa_texts *const texts   = r->field;
    const bool      is_list = r->node->kind == WA_NODE_LIST;

    if (wa_node_is_null(r->node))
        return;
    texts->is_given = true;
    if (r->node->kind == WA_NODE_MAP) {
        read_file_of_texts(r, texts);
        return;
    }
    const size_t n = is_list ? r->node->n_items : 1;
    if (!(texts->items = wa_config_alloc(r->config, n, sizeof *texts->items)))
        return;
    for (size_t i = 0; i < n; i++) {
        const wa_node *const item = is_list ? r->node->items[i].value : r->node;

        if (take_text(r, item))
            texts->items[texts->n++] = item->text;
    }
}

/* ---------------------------------------------------------------- tensors */

enum { MOST_DIMENSIONS = 4 };

/* Blames a part of a tensor; `name` is the tensor's. */
static void refuse_part(const wa_reading *r, wa_text name, const wa_node *node, const char *expected)
{
    wa_buf text = { .env = r->config->env };

    wa_buf_format(&text, "tensor %s: found ", wa_show(name).quoted);
    wa_node_describe(node, &text);
    wa_buf_format(&text, ", expected %s", expected);
    wa_config_blame_text(r->config, node, &text);
}

/* The shape by the first element of each list; false where there is none, and it was blamed. */
static bool find_shape(const wa_reading *r, wa_tensor_value *tensor, const wa_node *node)
{
    for (tensor->rank = 0; node->kind == WA_NODE_LIST; node = node->items[0].value) {
        if (node->n_items == 0) {
            wa_config_blame(r->config, node, "tensor %s: found an empty list, expected numbers", wa_show(tensor->name).quoted);
            return false;
        }
        if (tensor->rank == MOST_DIMENSIONS) {
            wa_config_blame(r->config, node, "tensor %s: found more than %d dimensions", wa_show(tensor->name).quoted,
                            MOST_DIMENSIONS);
            return false;
        }
        tensor->shape[tensor->rank++] = node->n_items;
    }
    if (tensor->rank == 0)
        refuse_part(r, tensor->name, node, "a list of numbers, or lists of such lists");
    return tensor->rank > 0;
}

/* A number, rounded once; false where it is none. */
static bool read_float(const wa_node *node, float *out)
{
    double value;

    if (!wa_node_double(node, &value))
        return false;
    if (!wa_parse_float(node->text, out))
        *out = (float)value; /* 0x1F, .inf */
    return isfinite(*out) || !isfinite(value);
}

/* Appends the numbers below a node of dimension `d`; false where one was blamed. */
static bool fill(const wa_reading *r, const wa_tensor_value *tensor, const wa_node *node, size_t d, float **to)
{
    if (d == tensor->rank) {
        if (read_float(node, *to)) {
            ++*to;
            return true;
        }
        refuse_part(r, tensor->name, node, "a number that a 32-bit float can hold");
        return false;
    }
    if (node->kind != WA_NODE_LIST) {
        refuse_part(r, tensor->name, node, "a list of numbers like its neighbours");
        return false;
    }
    if (node->n_items != tensor->shape[d]) {
        wa_config_blame(r->config, node, "tensor %s: found a row of %zu, expected %zu as in the first",
                        wa_show(tensor->name).quoted, node->n_items, tensor->shape[d]);
        return false;
    }
    for (size_t i = 0; i < node->n_items; i++)
        if (!fill(r, tensor, node->items[i].value, d + 1, to))
            return false;
    return true;
}

/* The product of the shape is not yet believed: rows may be shorter than the first. Numbers that are there, aliases followed, are
 * at most a million. */
static bool count_numbers(const wa_tensor_value *tensor, size_t *n)
{
    enum { MOST_NUMBERS = 1000000 };

    *n = 1;
    for (size_t d = 0; d < tensor->rank; d++)
        if (!wa_mul_size(*n, tensor->shape[d], n) || *n > MOST_NUMBERS)
            return false;
    return true;
}

static void read_tensor(const wa_reading *r, const wa_node_item *item, wa_tensor_value *tensor)
{
    size_t n;
    float *to;

    tensor->name = item->key->text;
    if (!find_shape(r, tensor, item->value))
        return;
    if (!count_numbers(tensor, &n)) {
        wa_config_blame(r->config, item->value, "tensor %s: its rows are of different lengths", wa_show(tensor->name).quoted);
        return;
    }
    if ((tensor->data = to = wa_config_alloc(r->config, n, sizeof *to)))
        fill(r, tensor, item->value, 0, &to);
}

static void read_tensors(const wa_reading *r)
{
    wa_tensors *const tensors = r->field;

    if (wa_node_is_null(r->node))
        return;
    if (r->node->kind != WA_NODE_MAP) {
        wa_reading_refuse(r, "");
        return;
    }
    tensors->is_given = true;
    if (!(tensors->items = wa_config_alloc(r->config, r->node->n_items, sizeof *tensors->items)))
        return;
    for (; tensors->n < r->node->n_items; tensors->n++)
        read_tensor(r, &r->node->items[tensors->n], &tensors->items[tensors->n]);
}

/* ---------------------------------------------------------------- by type */

void wa_reading_value(const wa_reading *r)
{
    static void (*const readers[])(const wa_reading *) = {
        [WA_KEY_BOOL] = read_bool,   [WA_KEY_SIZE] = read_size,       [WA_KEY_NUMBER] = read_number, [WA_KEY_CHOICE] = read_choice,
        [WA_KEY_SCALE] = read_scale, [WA_KEY_TEXT] = read_text,       [WA_KEY_PATH] = read_path,     [WA_KEY_TEXTS] = read_texts,
        [WA_KEY_SIZES] = read_sizes, [WA_KEY_TENSORS] = read_tensors, [WA_KEY_BASE] = read_base,
    };

    assert((size_t)r->row->type < sizeof readers / sizeof *readers && readers[r->row->type]);
    readers[r->row->type](r);
}

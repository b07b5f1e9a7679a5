/* Records of runs. See run_record.h. */
#include "cli/run_record.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/status.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/words.h"
#include "report/jsonl.h"

/* ---------------------------------------------------------------- what a run is made of */

void wa_record_add_digest(wa_buf *out, const char *name, uint64_t digest)
{
    wa_buf_format(out, ",\"%s\":\"%016" PRIx64 "\"", name, digest);
}

static wa_status add_configuration(wa_buf *out, const wa_config *config, wa_error *err)
{
    wa_buf           values = { .env = out->env };
    wa_digest *const digest = wa_digest_new();

    wa_config_show_bare(config, &values);
    if (!digest || values.failed) {
        wa_digest_free(digest);
        wa_buf_clear(&values);
        return wa_fail_memory(err, wa_config_path(config));
    }
    wa_digest_add(digest, values.data, values.n_bytes);
    wa_buf_str(out, ",\n\"configuration\":{\"values\":");
    wa_json_add_text(out, wa_buf_view(&values));
    wa_record_add_digest(out, "xxh3", wa_digest_value(digest));
    wa_buf_str(out, "}");
    wa_digest_free(digest);
    wa_buf_clear(&values);
    return WA_OK;
}

static wa_status add_file(wa_buf *out, wa_config_file file, wa_error *err)
{
    wa_status   st   = WA_OK;
    char *const path = wa_path_absolute(out->env, file.path);
    uint64_t    n_bytes, digest;

    if (!path)
        WA_TRY(wa_fail_memory(err, file.path));
    WA_TRY(wa_file_digest(file.path, &n_bytes, &digest, err));
    wa_buf_str(out, "\n{\"key\":");
    wa_json_add_text(out, wa_text_of(file.key));
    wa_buf_str(out, ",\"path\":");
    wa_json_add_text(out, wa_text_of(path));
    wa_buf_format(out, ",\"bytes\":%" PRIu64, n_bytes);
    wa_record_add_digest(out, "xxh3", digest);
    wa_buf_str(out, "}");
done:
    wa_release(out->env, path);
    return st;
}

static wa_status add_making(wa_buf *out, const wa_config *config, wa_error *err)
{
    wa_status st = WA_OK;

    wa_buf_str(out, "{\"wordahead\":");
    wa_json_add_text(out, wa_text_of(wa_version()));
    WA_TRY(add_configuration(out, config, err));
    wa_buf_str(out, ",\n\"files\":[");
    for (size_t i = 0; i < wa_config_n_files(config); i++) {
        wa_buf_str(out, i ? "," : "");
        WA_TRY(add_file(out, wa_config_file_of(config, i), err));
    }
    wa_buf_str(out, "]");
done:
    return st;
}

wa_status wa_record_begin(wa_buf *out, const wa_config *config, json_t **making, wa_error *err)
{
    wa_status st    = WA_OK;
    wa_buf    whole = { .env = out->env };

    WA_TRY(add_making(out, config, err));
    wa_buf_text(&whole, wa_buf_view(out));
    wa_buf_str(&whole, ",\"texts\":[]}");
    if (whole.failed || out->failed)
        WA_TRY(wa_fail_memory(err, wa_config_path(config)));
    WA_TRY(wa_record_read(wa_buf_view(&whole), wa_config_path(config), making, err));
done:
    wa_buf_clear(&whole);
    return st;
}

void wa_record_add_values(wa_buf *out, const wa_grid *grid, size_t combination)
{
    wa_buf_str(out, "\"sweep\":{");
    for (size_t a = 0; a < grid->n_axes; a++) {
        wa_buf_str(out, a ? "," : "");
        wa_json_add_text(out, grid->axes[a].key);
        wa_buf_str(out, ":");
        wa_json_add_text(out, wa_grid_value(grid, combination, a));
    }
    wa_buf_str(out, "}");
}

void wa_record_add_plan(wa_buf *out, const wa_run_plan *plan)
{
    wa_buf_str(out, ",\n\"config\":");
    wa_json_add_text(out, wa_text_of(plan->config));
    wa_buf_str(out, ",\"sets\":[");
    for (size_t i = 0; i < plan->n_sets; i++) {
        wa_buf_str(out, i ? "," : "");
        wa_json_add_text(out, wa_text_of(plan->sets[i]));
    }
    wa_buf_str(out, "],");
    wa_record_add_values(out, plan->grid, plan->combination);
}

/* ---------------------------------------------------------------- what it gave */

/* Quantities of one text on their way to the observer of all. */
typedef struct passing {
    const wa_runner    *runner;
    size_t              text;
    wa_record_observer *observer;
    void               *user;
} passing;

static void pass_on(void *user, const wa_quantity *quantity)
{
    const passing *const p = user;
    char                 name[WA_RUNNER_NAME];

    p->observer(p->user, wa_runner_name(p->runner, p->text, quantity->name, name), quantity);
}

static wa_status add_next(wa_buf *out, wa_runner *runner, wa_text text, wa_error *err)
{
    wa_ranking      ranking;
    bool            is_ranked;
    const wa_status st = wa_runner_rank(runner, text, &ranking, &is_ranked, err);

    if (st != WA_OK || !is_ranked)
        return st;
    wa_buf_str(out, ",");
    wa_ranking_add_json(out, &ranking, false);
    return WA_OK;
}

/* Only where no word is seen before it is predicted. */
static wa_status add_score(wa_buf *out, wa_runner *runner, wa_text text, wa_error *err)
{
    wa_scores scores;

    if (wa_model_vocabulary(runner->model) == 0 || !runner->model->pipeline.is_causal)
        return WA_OK;
    const wa_status st = wa_score(runner->session, text, NULL, &scores, err);
    if (st != WA_OK)
        return st;
    wa_buf_format(out, ",\"score\":{\"words\":%zu,\"unknown\":%zu,\"logprob\":", scores.n_scored, scores.n_unknown);
    wa_json_add_double(out, scores.logprob);
    wa_buf_str(out, ",\"perplexity\":");
    wa_json_add_double(out, wa_perplexity(scores.logprob, scores.n_scored));
    wa_buf_str(out, "}");
    return WA_OK;
}

static wa_status add_text(wa_buf *out, wa_runner *runner, wa_text text, passing *p, wa_error *err)
{
    wa_status st = WA_OK;
    wa_tokens tokens;

    WA_TRY(wa_tokenize(runner->session, text, &tokens, err));
    wa_words_add_json(out, text, &tokens);
    WA_TRY(wa_runner_run(runner, text, pass_on, p, err));
    WA_TRY(add_next(out, runner, text, err));
    WA_TRY(add_score(out, runner, text, err));
    wa_buf_str(out, "}");
done:
    return st;
}

/* A record of the text's failure in place of what was written of it. */
static wa_status add_text_or_error(wa_buf *out, wa_runner *runner, wa_text text, passing *p, wa_error *err)
{
    const size_t    start = out->n_bytes;
    wa_error        inner;
    const wa_status st = add_text(out, runner, text, p, &inner);

    if (st == WA_ENOMEM || st == WA_EIO)
        return wa_fail(err, st, "%s", inner.message);
    if (st != WA_OK) {
        out->n_bytes = start;
        wa_failure_add_json(out, text, &inner);
    }
    return WA_OK;
}

wa_status wa_record_add_results(wa_buf *out, wa_runner *runner, wa_record_observer *observer, void *user, wa_error *err)
{
    wa_status st = WA_OK;
    uint64_t  fingerprint;
    passing   p = { .runner = runner, .observer = observer, .user = user };

    WA_TRY(wa_model_fingerprint(runner->model, &fingerprint, err));
    wa_record_add_digest(out, "model", fingerprint);
    wa_buf_str(out, ",\n\"texts\":[");
    for (p.text = 0; p.text < runner->model->n_inputs; p.text++) {
        if (wa_cli_is_stopping())
            WA_FAIL(WA_EIO, "%zu of %zu texts were run before a signal to end", p.text, runner->model->n_inputs);
        wa_buf_str(out, p.text ? ",\n" : "\n");
        WA_TRY(add_text_or_error(out, runner, runner->model->inputs[p.text], &p, err));
    }
    wa_buf_str(out, "]");
    if (out->failed)
        WA_TRY(wa_fail_memory(err, "record"));
done:
    return st;
}

/* ---------------------------------------------------------------- reading */

wa_status wa_record_read(wa_text text, const char *path, json_t **out, wa_error *err)
{
    json_error_t  reason;
    json_t *const root = json_loadb(text.data, text.n_bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &reason);

    if (!root)
        return wa_fail(err, WA_EFORMAT, "%s:%d:%d: %s; it is not the record that a run left", path, reason.line, reason.column,
                       reason.text);
    if (!json_is_string(json_object_get(root, "wordahead")) || !json_is_array(json_object_get(root, "texts")) ||
        !json_is_array(json_object_get(root, "files")) ||
        !json_is_string(json_object_get(json_object_get(root, "configuration"), "values"))) {
        json_decref(root);
        return wa_fail(err, WA_EFORMAT,
                       "%s: \"wordahead\", \"configuration\", \"files\" or \"texts\" is not what a run writes there", path);
    }
    *out = root;
    return WA_OK;
}

/* ---------------------------------------------------------------- what differs */

static wa_text text_of(const json_t *value)
{
    return (wa_text){ json_string_value(value), json_string_length(value) };
}

/* The keys around a line of a configuration: one for each indentation. */
typedef struct surroundings {
    struct {
        size_t  indent;
        wa_text key;
    } keys[16];
    size_t n;
} surroundings;

/* A line without its indentation and the sign of a list before it. */
static wa_text inner_part(wa_text line)
{
    size_t n = 0;

    while (n < line.n_bytes && line.data[n] == ' ')
        n++;
    n += n + 1 < line.n_bytes && line.data[n] == '-' && line.data[n + 1] == ' ' ? 2 : 0;
    return (wa_text){ line.data + n, line.n_bytes - n };
}

static void leave_to(surroundings *around, size_t indent)
{
    while (around->n > 0 && around->keys[around->n - 1].indent >= indent)
        around->n--;
}

static void enter(surroundings *around, wa_text line)
{
    const wa_text     inner = inner_part(line);
    const char *const colon = inner.n_bytes > 0 ? memchr(inner.data, ':', inner.n_bytes) : NULL;

    if (!colon || around->n == sizeof around->keys / sizeof *around->keys)
        return;
    around->keys[around->n].indent = line.n_bytes - inner.n_bytes;
    around->keys[around->n++].key  = (wa_text){ inner.data, (size_t)(colon - inner.data) };
}

/* "configuration: pipeline: attention: 'heads: 2', was 'heads: 1'"; NULL is no line. */
static void add_line(wa_buf *out, const surroundings *around, const wa_text *was, const wa_text *is)
{
    wa_buf_str(out, "configuration: ");
    for (size_t i = 0; i < around->n; i++)
        wa_buf_format(out, "%.*s: ", (int)around->keys[i].key.n_bytes, around->keys[i].key.data);
    wa_buf_format(out, "%s, was ", is ? wa_show(inner_part(*is)).quoted : "nothing");
    wa_buf_format(out, "%s\n", was ? wa_show(inner_part(*was)).quoted : "nothing");
}

static size_t count_lines(wa_text text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n_bytes; i++)
        n += text.data[i] == '\n';
    return n;
}

/* Every line that differs; where one of the texts has more of them, the first. */
static void compare_lines(wa_buf *out, wa_text before, wa_text now)
{
    const bool   is_same_length = count_lines(before) == count_lines(now);
    wa_cursor    a = { before, 0 }, b = { now, 0 };
    surroundings around = { .n = 0 };
    wa_text      was, is;

    for (;;) {
        const bool has_was = wa_cursor_take_line(&a, &was), has_is = wa_cursor_take_line(&b, &is);

        if (!has_was && !has_is)
            return;
        const wa_text line = has_is ? is : was;
        leave_to(&around, line.n_bytes - inner_part(line).n_bytes);
        if (!has_was || !has_is || !wa_text_equal(was, is)) {
            add_line(out, &around, has_was ? &was : NULL, has_is ? &is : NULL);
            if (!is_same_length)
                return;
        }
        enter(&around, line);
    }
}

static const json_t *find_file(const json_t *files, const json_t *key, size_t ordinal)
{
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *const file = json_array_get(files, i);

        if (json_equal(json_object_get(file, "key"), key) && ordinal-- == 0)
            return file;
    }
    return NULL;
}

static void compare_file(wa_buf *out, const json_t *before, const json_t *now)
{
    const wa_text       key = text_of(json_object_get(now, "key")), path = text_of(json_object_get(now, "path"));
    const json_t *const was = json_object_get(before, "xxh3"), *const is = json_object_get(now, "xxh3");

    if (json_equal(was, is) && json_equal(json_object_get(before, "bytes"), json_object_get(now, "bytes")))
        return;
    wa_buf_format(out, "%.*s: ", (int)key.n_bytes, key.data);
    wa_buf_text(out, path);
    wa_buf_format(out, " has %" JSON_INTEGER_FORMAT " bytes with XXH3 %s, had %" JSON_INTEGER_FORMAT " with %s\n",
                  json_integer_value(json_object_get(now, "bytes")), json_string_value(is),
                  json_integer_value(json_object_get(before, "bytes")), json_is_string(was) ? json_string_value(was) : "none");
}

/* Files of one key by their order: each stage of a kind may name one. */
static void compare_files(wa_buf *out, const json_t *before, const json_t *now)
{
    for (size_t i = 0; i < json_array_size(now); i++) {
        const json_t *const file = json_array_get(now, i), *const key = json_object_get(file, "key");
        size_t ordinal = 0;

        for (size_t k = 0; k < i; k++)
            ordinal += json_equal(json_object_get(json_array_get(now, k), "key"), key) != 0;
        const json_t *const was = find_file(before, key, ordinal);
        if (was)
            compare_file(out, was, file);
        else
            wa_buf_format(out, "%s: a file is named, was none\n", json_string_value(key));
    }
    if (json_array_size(before) > json_array_size(now))
        wa_buf_format(out, "files: %zu are named, were %zu\n", json_array_size(now), json_array_size(before));
}

void wa_record_compare_making(wa_buf *out, const json_t *before, const json_t *now)
{
    const json_t *const was = json_object_get(before, "wordahead"), *const is = json_object_get(now, "wordahead");

    if (!json_equal(was, is))
        wa_buf_format(out, "program: version %s, was %s\n", json_string_value(is), json_string_value(was));
    compare_lines(out, text_of(json_object_get(json_object_get(before, "configuration"), "values")),
                  text_of(json_object_get(json_object_get(now, "configuration"), "values")));
    compare_files(out, json_object_get(before, "files"), json_object_get(now, "files"));
}

/* Two values on the way to the first difference between them; NULL is none. */
typedef struct pair {
    const json_t *was, *is;
} pair;

static bool find_difference(wa_buf *place, pair *p);

static bool find_in_list(wa_buf *place, pair *p)
{
    const pair   around = *p;
    const size_t n      = place->n_bytes;

    for (size_t i = 0; i < json_array_size(around.is); i++) {
        place->n_bytes = n;
        wa_buf_format(place, "[%zu]", i);
        *p = (pair){ json_array_get(around.was, i), json_array_get(around.is, i) };
        if (find_difference(place, p))
            return true;
    }
    return false;
}

/* Of `keys`, which is one of both. */
static bool find_in_object(wa_buf *place, pair *p, const json_t *keys)
{
    const pair    around = *p;
    const size_t  n      = place->n_bytes;
    json_t *const o      = (json_t *)(uintptr_t)keys; /* an iterator could change it; this one does not */

    for (void *i = json_object_iter(o); i; i = json_object_iter_next(o, i)) {
        const char *const key = json_object_iter_key(i);

        place->n_bytes = n;
        wa_buf_format(place, ".%s", key);
        *p = (pair){ json_object_get(around.was, key), json_object_get(around.is, key) };
        if (find_difference(place, p))
            return true;
    }
    *p             = around;
    place->n_bytes = n;
    return false;
}

/* Goes to the first value that differs; `place` has the way to it then. */
static bool find_difference(wa_buf *place, pair *p)
{
    if (json_is_array(p->was) && json_is_array(p->is) && json_array_size(p->was) == json_array_size(p->is))
        return find_in_list(place, p);
    if (json_is_object(p->was) && json_is_object(p->is))
        return find_in_object(place, p, p->is) || find_in_object(place, p, p->was);
    return !p->was || !p->is || !json_equal(p->was, p->is);
}

static void add_value(wa_buf *out, const json_t *value)
{
    if (!value)
        wa_buf_str(out, "nothing");
    else if (json_is_array(value))
        wa_buf_format(out, "a list of %zu", json_array_size(value));
    else if (json_is_object(value))
        wa_buf_str(out, "an object");
    else
        wa_json_add_value(out, value);
}

void wa_record_compare_results(wa_buf *out, const json_t *before, const json_t *now)
{
    wa_buf place = { .env = out->env };
    pair   p     = { json_object_get(before, "texts"), json_object_get(now, "texts") };

    if (find_difference(&place, &p)) {
        wa_buf_str(out, "results: texts");
        wa_buf_text(out, wa_buf_view(&place));
        wa_buf_str(out, " is ");
        add_value(out, p.is);
        wa_buf_str(out, ", was ");
        add_value(out, p.was);
        wa_buf_str(out, "\n");
    }
    wa_buf_clear(&place);
}

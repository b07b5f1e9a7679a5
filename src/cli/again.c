/* Reproducing a run. See again.h. */
#include "cli/again.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "base/status.h"
#include "base/str.h"
#include "cli/changes.h"
#include "cli/cli.h"
#include "cli/run_folder.h"
#include "data/npy.h"

typedef struct again {
    const char *folder;
    char       *config, *trace; /* their paths */
    json_t     *before;
    wa_buf      changes; /* a line each */
    wa_buf      text;    /* of the record as it is now */
    wa_file     archive;
    wa_cursor   arrays;    /* what is left of it */
    size_t      n_arrays;  /* that are the same */
    bool        differs;   /* an array did: the rest is not looked at */
    bool        has_trace; /* it is there as the run left it */
} again;

/* ---------------------------------------------------------------- the trace */

static void add_shape(wa_buf *out, size_t rank, const size_t *shape)
{
    wa_buf_str(out, "[");
    for (size_t i = 0; i < rank; i++)
        wa_buf_format(out, "%s%zu", i ? ", " : "", shape[i]);
    wa_buf_str(out, "]");
}

static bool has_shape(const wa_npz_array *array, const wa_quantity *q)
{
    return array->rank == q->rank && memcmp(array->shape, q->shape, q->rank * sizeof *q->shape) == 0;
}

/* The first number whose bits differ; there is one. */
static void note_number(again *a, const char *name, const wa_npz_array *was, const wa_quantity *q)
{
    size_t i = 0, index[3] = { 0 };
    float  x;
    char   is_text[WA_NUMBER_SIZE], was_text[WA_NUMBER_SIZE];

    while (memcmp(was->bytes.data + i * sizeof x, q->data + i, sizeof x) == 0)
        i++;
    memcpy(&x, was->bytes.data + i * sizeof x, sizeof x);
    wa_buf_format(&a->changes, "trace: %s", name);
    for (size_t d = q->rank, rest = i; d > 0; rest /= q->shape[d - 1], d--)
        index[d - 1] = rest % q->shape[d - 1];
    add_shape(&a->changes, q->rank, index);
    wa_buf_format(&a->changes, " is %s, was %s\n", wa_format_float(is_text, q->data[i]), wa_format_float(was_text, x));
}

static void compare_quantity(void *user, const char *name, const wa_quantity *q)
{
    again *const a = user;
    wa_npz_array was;

    if (!a->has_trace || a->differs)
        return;
    a->differs = true;
    if (!wa_npz_next(&a->arrays, &was)) {
        wa_buf_format(&a->changes, "trace: %s is there, was missing\n", name);
    } else if (!wa_text_is(was.name, name)) {
        wa_buf_format(&a->changes, "trace: array %zu is %s, was %.*s\n", a->n_arrays + 1, name, (int)was.name.n_bytes,
                      was.name.data);
    } else if (!has_shape(&was, q)) {
        wa_buf_format(&a->changes, "trace: %s has the shape ", name);
        add_shape(&a->changes, q->rank, q->shape);
        wa_buf_str(&a->changes, ", had ");
        add_shape(&a->changes, was.rank, was.shape);
        wa_buf_str(&a->changes, "\n");
    } else if (was.n_values > 0 && memcmp(was.bytes.data, q->data, was.bytes.n_bytes) != 0) {
        note_number(a, name, &was, q);
    } else {
        a->differs = false;
        a->n_arrays++;
    }
}

static void compare_end(again *a)
{
    wa_npz_array was;

    if (a->has_trace && !a->differs && wa_npz_next(&a->arrays, &was))
        wa_buf_format(&a->changes, "trace: %.*s is missing, was there\n", (int)was.name.n_bytes, was.name.data);
}

/* The archive that the run left, or a line that says that it is another. */
static wa_status open_trace(again *a, wa_error *err)
{
    wa_status           st     = WA_OK;
    const json_t *const before = json_object_get(a->before, "trace");
    const char *const   was    = json_string_value(json_object_get(before, "xxh3"));
    uint64_t            n_bytes, digest;
    char                is[17];

    if (!wa_path_exists(a->trace)) {
        wa_buf_format(&a->changes, "trace: %s is missing, was there\n", WA_RUN_TRACE);
        goto done;
    }
    WA_TRY(wa_file_digest(a->trace, &n_bytes, &digest, err));
    snprintf(is, sizeof is, "%016" PRIx64, digest);
    if (!was || strcmp(is, was) != 0) {
        wa_buf_format(&a->changes, "trace: %s has %" PRIu64 " bytes with XXH3 %s, had %" JSON_INTEGER_FORMAT " with %s\n",
                      WA_RUN_TRACE, n_bytes, is, json_integer_value(json_object_get(before, "bytes")), was ? was : "none");
        goto done;
    }
    WA_TRY(wa_file_read(&a->archive, a->trace, (size_t)n_bytes, NULL, err));
    a->arrays    = (wa_cursor){ a->archive.bytes, 0 };
    a->has_trace = true;
done:
    return st;
}

/* ---------------------------------------------------------------- running */

/* What it would be made of now, so that it is known also where it cannot be run. */
static wa_status compare_making(again *a, wa_error *err)
{
    wa_status  st     = WA_OK;
    wa_config *config = NULL;
    json_t    *now    = NULL;

    WA_TRY(wa_config_open(a->config, NULL, 0, &wa_experiment_schema, wa_cli_env(), &config, err));
    WA_TRY(wa_run_record_begin(&a->text, config, &now, err));
    wa_changes_add_making(&a->changes, a->before, now);
done:
    json_decref(now);
    wa_config_close(config);
    return st;
}

static void compare_record(again *a, const json_t *now)
{
    const json_t *const was = json_object_get(a->before, "model"), *const is = json_object_get(now, "model");

    if (!json_equal(was, is))
        wa_buf_format(&a->changes, "model: fingerprint %s, was %s\n", json_string_value(is),
                      json_is_string(was) ? json_string_value(was) : "none");
    compare_end(a);
    wa_changes_add_results(&a->changes, a->before, now);
}

static wa_status run_again(again *a, size_t n_threads, wa_error *err)
{
    wa_status st     = WA_OK;
    wa_runner runner = { 0 };
    json_t   *now    = NULL;

    WA_TRY(wa_runner_open(&runner, a->config, NULL, 0, n_threads, err));
    WA_TRY(open_trace(a, err));
    WA_TRY(wa_run_record_add_results(&a->text, &runner, compare_quantity, a, err));
    wa_buf_str(&a->text, "}");
    if (a->text.failed)
        WA_TRY(wa_fail_memory(err, a->folder));
    WA_TRY(wa_run_record_read(wa_buf_view(&a->text), a->folder, &now, err));
    compare_record(a, now);
done:
    json_decref(now);
    wa_runner_close(&runner);
    return st;
}

static wa_status open_folder(again *a, wa_error *err)
{
    wa_status st = WA_OK;

    a->config = wa_path_join(NULL, a->folder, WA_RUN_CONFIG);
    a->trace  = wa_path_join(NULL, a->folder, WA_RUN_TRACE);
    if (!a->config || !a->trace)
        WA_TRY(wa_fail_memory(err, a->folder));
    WA_TRY(wa_run_folder_read(a->folder, &a->before, err));
done:
    return st;
}

static wa_status compare(again *a, size_t n_threads, wa_error *err)
{
    wa_status st = WA_OK;

    WA_TRY(open_folder(a, err));
    WA_TRY(compare_making(a, err));
    WA_TRY(run_again(a, n_threads, err));
    if (a->changes.failed)
        WA_TRY(wa_fail_memory(err, a->folder));
done:
    return st;
}

/* ---------------------------------------------------------------- what is said */

static void write_paper(const again *a, bool is_whole)
{
    wa_cursor lines = { wa_buf_view(&a->changes), 0 };
    wa_text   line;

    if (a->changes.n_bytes == 0 && !is_whole)
        return;
    if (a->changes.n_bytes > 0)
        wa_cli_printf("%s: changed\n", a->folder);
    else
        wa_cli_printf("%s: identical (arrays: %zu, texts: %zu)\n", a->folder, a->n_arrays,
                      json_array_size(json_object_get(a->before, "texts")));
    while (wa_cursor_take_line(&lines, &line)) {
        wa_cli_write(wa_text_of("  "));
        wa_cli_write(line);
        wa_cli_write(wa_text_of("\n"));
    }
}

static void write_json(const again *a)
{
    wa_cursor lines = { wa_buf_view(&a->changes), 0 };
    wa_buf    out   = { 0 };
    wa_text   line;

    wa_buf_str(&out, "{\"folder\":");
    wa_json_add_text(&out, wa_text_of(a->folder));
    wa_buf_format(&out, ",\"identical\":%s,\"changes\":[", a->changes.n_bytes == 0 ? "true" : "false");
    for (size_t i = 0; wa_cursor_take_line(&lines, &line); i++) {
        wa_buf_str(&out, i ? "," : "");
        wa_json_add_text(&out, line);
    }
    wa_buf_str(&out, "]}\n");
    wa_cli_write(wa_buf_view(&out));
    wa_buf_clear(&out);
}

int wa_again(const char *folder, bool prints_json, size_t n_threads)
{
    again           a = { .folder = folder };
    wa_error        err;
    const wa_status st   = compare(&a, n_threads, &err);
    int             code = a.changes.n_bytes > 0 ? WA_EXIT_SOME_FAILED : WA_EXIT_OK;

    if (!prints_json)
        write_paper(&a, st == WA_OK);
    else if (st == WA_OK || a.changes.n_bytes > 0)
        write_json(&a);
    if (st != WA_OK)
        code = wa_cli_fail(&err);
    json_decref(a.before);
    wa_file_clear(&a.archive);
    wa_buf_clear(&a.text);
    wa_buf_clear(&a.changes);
    wa_release(NULL, a.config);
    wa_release(NULL, a.trace);
    return code;
}

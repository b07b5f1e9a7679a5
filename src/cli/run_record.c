/* Records of runs. See run_record.h. */
#include "cli/run_record.h"

#include <inttypes.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/status.h"
#include "cli/cli.h"
#include "cli/words.h"
#include "report/jsonl.h"

/* ---------------------------------------------------------------- what a run is made of */

void wa_run_record_add_digest(wa_buf *out, const char *name, uint64_t digest)
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
    wa_run_record_add_digest(out, "xxh3", wa_digest_value(digest));
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
    wa_run_record_add_digest(out, "xxh3", digest);
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

wa_status wa_run_record_begin(wa_buf *out, const wa_config *config, json_t **making, wa_error *err)
{
    wa_status st    = WA_OK;
    wa_buf    whole = { .env = out->env };

    WA_TRY(add_making(out, config, err));
    wa_buf_text(&whole, wa_buf_view(out));
    wa_buf_str(&whole, ",\"texts\":[]}");
    if (whole.failed || out->failed)
        WA_TRY(wa_fail_memory(err, wa_config_path(config)));
    WA_TRY(wa_run_record_read(wa_buf_view(&whole), wa_config_path(config), making, err));
done:
    wa_buf_clear(&whole);
    return st;
}

void wa_run_record_add_values(wa_buf *out, const wa_grid *grid, size_t combination)
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

void wa_run_record_add_plan(wa_buf *out, const wa_run_plan *plan)
{
    wa_buf_str(out, ",\n\"config\":");
    wa_json_add_text(out, wa_text_of(plan->config));
    wa_buf_str(out, ",\"sets\":[");
    for (size_t i = 0; i < plan->n_sets; i++) {
        wa_buf_str(out, i ? "," : "");
        wa_json_add_text(out, wa_text_of(plan->sets[i]));
    }
    wa_buf_str(out, "],");
    wa_run_record_add_values(out, plan->grid, plan->combination);
}

/* ---------------------------------------------------------------- what it gave */

/* Quantities of one text on their way to the observer of all. */
typedef struct passing {
    const wa_runner        *runner;
    size_t                  text;
    wa_run_record_observer *observer;
    void                   *user;
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

wa_status wa_run_record_add_results(wa_buf *out, wa_runner *runner, wa_run_record_observer *observer, void *user, wa_error *err)
{
    wa_status st = WA_OK;
    uint64_t  fingerprint;
    passing   p = { .runner = runner, .observer = observer, .user = user };

    WA_TRY(wa_model_fingerprint(runner->model, &fingerprint, err));
    wa_run_record_add_digest(out, "model", fingerprint);
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

wa_status wa_run_record_read(wa_text text, const char *path, json_t **out, wa_error *err)
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

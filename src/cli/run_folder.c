/* Runs in folders. See run_folder.h. */
#include "cli/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/output.h"
#include "base/path.h"
#include "base/status.h"
#include "base/str.h"
#include "cli/changes.h"
#include "cli/cli.h"
#include "data/npy.h"

enum { MOST_BYTES = 1 << 30 }; /* of a record */

/* ---------------------------------------------------------------- reading */

wa_status wa_run_folder_read(const char *folder, json_t **record, wa_error *err)
{
    wa_status   st   = WA_OK;
    wa_file     file = { 0 };
    char *const path = wa_path_join(NULL, folder, WA_RUN_RECORD);

    if (!path)
        WA_TRY(wa_fail_memory(err, folder));
    if (!wa_path_exists(path))
        WA_FAIL(WA_EUSAGE, "%s: found no %s, which a folder has that `run -o` or `run --sweep` made for a run", folder,
                WA_RUN_RECORD);
    WA_TRY(wa_file_read(&file, path, MOST_BYTES, NULL, err));
    WA_TRY(wa_run_record_read(file.bytes, path, record, err));
done:
    wa_file_clear(&file);
    wa_release(NULL, path);
    return st;
}

/* ---------------------------------------------------------------- a part */

/* The folder while it is made. */
typedef struct part {
    const char *folder;
    char       *path;   /* folder.part */
    wa_output  *record; /* open from the beginning, and locked: no other process works on the part */
    wa_npz     *trace;
    wa_error    trace_error; /* status WA_OK while recording works */
} part;

/* One of ours, or what is left of it while it was written. */
static bool is_ours(const char *name)
{
    static const char *const names[] = { WA_RUN_CONFIG, WA_RUN_RECORD, WA_RUN_TRACE };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (wa_text_begins(wa_text_of(name), wa_text_of(names[i])))
            return true;
    return false;
}

/* Removes our files but `kept` (which may be NULL). */
static void empty_part(const part *p, const char *kept)
{
    DIR *const folder = opendir(p->path);

    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        char *const path = is_ours(entry->d_name) ? wa_path_join(NULL, p->path, entry->d_name) : NULL;

        if (path && !(kept && strcmp(entry->d_name, kept) == 0))
            unlink(path);
        wa_release(NULL, path);
    }
    if (folder)
        closedir(folder);
}

static void discard_part(part *p)
{
    wa_npz_discard(p->trace);
    if (p->record) {
        wa_output_discard(p->record);
        empty_part(p, NULL);
        rmdir(p->path);
    }
    wa_release(NULL, p->path);
}

static wa_status open_inside(const part *p, const char *name, char **path, wa_error *err)
{
    *path = wa_path_join(NULL, p->path, name);
    return *path ? WA_OK : wa_fail_memory(err, p->folder);
}

static wa_status open_part(part *p, const char *folder, wa_error *err)
{
    wa_status st   = WA_OK;
    char     *path = NULL, *trace = NULL;

    *p = (part){ .folder = folder, .path = wa_path_with(NULL, folder, WA_OUTPUT_PART) };
    if (!p->path)
        WA_TRY(wa_fail_memory(err, folder));
    WA_TRY(wa_path_make_folder(p->path, err));
    WA_TRY(open_inside(p, WA_RUN_RECORD, &path, err));
    WA_TRY(open_inside(p, WA_RUN_TRACE, &trace, err));
    WA_TRY(wa_output_open_part(path, NULL, wa_cli_env(), &p->record, err));
    empty_part(p, WA_RUN_RECORD WA_OUTPUT_PART);
    WA_TRY(wa_npz_open(trace, wa_cli_env(), &p->trace, err));
done:
    wa_release(NULL, trace);
    wa_release(NULL, path);
    return st;
}

static void record_quantity(void *user, const char *name, const wa_quantity *q)
{
    part *const p = user;

    if (p->trace_error.status == WA_OK)
        wa_npz_add(p->trace, wa_text_of(name), q->data, q->rank, q->shape, &p->trace_error);
}

/* ---------------------------------------------------------------- what goes in */

static wa_status write_config(const part *p, const wa_config *config, wa_error *err)
{
    wa_status st   = WA_OK;
    wa_buf    text = { 0 };
    char     *path = NULL;

    wa_config_show_rooted(config, &text);
    WA_TRY(open_inside(p, WA_RUN_CONFIG, &path, err));
    WA_TRY(wa_output_save(path, &text, wa_cli_env(), err));
done:
    wa_release(NULL, path);
    wa_buf_clear(&text);
    return st;
}

static wa_status finish_trace(part *p, wa_buf *record, wa_error *err)
{
    wa_status st   = WA_OK;
    char     *path = NULL;
    uint64_t  n_bytes, digest;

    if (p->trace_error.status != WA_OK)
        WA_FAIL(p->trace_error.status, "%s", p->trace_error.message);
    st       = wa_npz_commit(p->trace, err);
    p->trace = NULL;
    if (st != WA_OK)
        goto done;
    WA_TRY(open_inside(p, WA_RUN_TRACE, &path, err));
    WA_TRY(wa_file_digest(path, &n_bytes, &digest, err));
    wa_buf_format(record, ",\n\"trace\":{\"bytes\":%" PRIu64, n_bytes);
    wa_run_record_add_digest(record, "xxh3", digest);
    wa_buf_str(record, "}");
done:
    wa_release(NULL, path);
    return st;
}

/* The record is complete before the folder has its name. */
static wa_status commit_part(part *p, const wa_buf *record, wa_error *err)
{
    wa_status st = WA_OK;

    if (record->failed)
        return wa_fail_memory(err, p->folder);
    WA_TRY(wa_output_write(p->record, record->data, record->n_bytes, err));
    st        = wa_output_commit(p->record, err);
    p->record = NULL;
    if (st == WA_OK && rename(p->path, p->folder) != 0)
        st = wa_fail_system(err, p->folder, "cannot rename to this name", errno);
    if (st != WA_OK) {
        empty_part(p, NULL);
        rmdir(p->path);
    }
done:
    return st;
}

static wa_status run_into(part *p, const wa_run_plan *plan, wa_buf *record, wa_error *err)
{
    wa_status st     = WA_OK;
    wa_runner runner = { 0 };

    WA_TRY(wa_runner_open(&runner, plan->config, plan->sets, plan->n_sets, plan->n_threads, err));
    WA_TRY(open_part(p, p->folder, err));
    WA_TRY(write_config(p, runner.model->config, err));
    WA_TRY(wa_run_record_add_results(record, &runner, record_quantity, p, err));
    if (plan->grid->n == 1) /* in a sweep it may be that a stage has it in some of the runs */
        wa_runner_warn_unmatched(&runner);
    WA_TRY(finish_trace(p, record, err));
    wa_buf_str(record, "}\n");
    WA_TRY(commit_part(p, record, err));
done:
    wa_runner_close(&runner);
    return st;
}

/* ---------------------------------------------------------------- one run */

/* The beginning of the record of a run, and it as a value. */
static wa_status describe(const wa_run_plan *plan, wa_buf *record, json_t **making, wa_error *err)
{
    wa_status  st     = WA_OK;
    wa_config *config = NULL;

    WA_TRY(wa_config_open(plan->config, plan->sets, plan->n_sets, &wa_experiment_schema, wa_cli_env(), &config, err));
    WA_TRY(wa_run_record_begin(record, config, making, err));
    wa_run_record_add_plan(record, plan);
done:
    wa_config_close(config);
    return st;
}

static bool has_record(const char *folder)
{
    char *const path  = wa_path_join(NULL, folder, WA_RUN_RECORD);
    const bool  is_so = path && wa_path_exists(path);

    wa_release(NULL, path);
    return is_so;
}

/* The record of what is under the name, where that is this run. */
static wa_status look(const char *folder, const json_t *making, json_t **record, wa_error *err)
{
    wa_status st      = WA_OK;
    wa_buf    changes = { 0 };
    json_t   *found   = NULL;

    if (!has_record(folder))
        WA_FAIL(WA_EUSAGE, "%s: it is there already, and no run; name another folder with -o", folder);
    WA_TRY(wa_run_folder_read(folder, &found, err));
    wa_changes_add_making(&changes, found, making);
    if (changes.failed)
        WA_TRY(wa_fail_memory(err, folder));
    if (changes.n_bytes > 0)
        WA_FAIL(WA_EUSAGE, "%s: it holds a run that differs; %.*s; remove it, or name another folder with -o", folder,
                (int)strcspn(changes.data, "\n"), changes.data);
    *record = found;
    found   = NULL;
done:
    json_decref(found);
    wa_buf_clear(&changes);
    return st;
}

/* An empty folder is as good as none: it is replaced. */
static bool is_taken(const char *folder)
{
    DIR *const dir     = opendir(folder);
    size_t     n_files = 0;

    if (!dir)
        return wa_path_exists(folder);
    while (n_files <= 2 && readdir(dir)) /* . and .. */
        n_files++;
    closedir(dir);
    return n_files > 2;
}

wa_status wa_run_folder_make(const char *folder, const wa_run_plan *plan, json_t **record, bool *was_there, wa_error *err)
{
    wa_status st     = WA_OK;
    wa_buf    text   = { 0 };
    json_t   *making = NULL;
    part      p      = { .folder = folder };

    WA_TRY(describe(plan, &text, &making, err));
    *was_there = is_taken(folder);
    if (*was_there) {
        WA_TRY(look(folder, making, record, err));
        goto done;
    }
    WA_TRY(run_into(&p, plan, &text, err));
    WA_TRY(wa_run_record_read(wa_buf_view(&text), folder, record, err));
done:
    discard_part(&p);
    json_decref(making);
    wa_buf_clear(&text);
    return st;
}

/* Figures as files. See page.h. */
#include <stdio.h>

#include "base/output.h"
#include "base/path.h"
#include "report/page_parts.h"

/* Where files go, and the one that is made. */
typedef struct writer {
    const wa_report_part *part;
    const char           *folder, *begin;
    const wa_env         *env;
    wa_buf                figure;
} writer;

/* Writes the figure under its name, and empties it. */
static wa_status save(writer *w, const char *name, wa_error *err)
{
    wa_status st   = WA_OK;
    wa_buf    file = { .env = w->env };

    wa_buf_format(&file, "%s%s.svg", w->begin, name);
    wa_buf_add(&file, "", 1);
    wa_buf_str(&w->figure, "\n");
    char *const path = file.failed ? NULL : wa_path_join(w->env, w->folder, file.data);
    if (!path)
        WA_FAIL(WA_ENOMEM, "not enough memory for the figure %s", name);
    WA_TRY(wa_output_save(path, &w->figure, w->env, err));
done:
    wa_release(w->env, path);
    wa_buf_clear(&file);
    w->figure.n_bytes = 0;
    return st;
}

static wa_status save_plate(writer *w, const wa_plate *plate, wa_error *err)
{
    wa_status st = WA_OK;
    char      name[WA_PLATE_TEXT], head[32] = "";

    if (plate->array->rank == 3)
        snprintf(head, sizeof head, ".%zu", plate->slice);
    snprintf(name, sizeof name, "%s%s", plate->array->name, head);
    wa_plate_add(&w->figure, plate);
    WA_TRY(save(w, name, err));
    if (!wa_recorded_is_weights(plate->array))
        goto done;
    snprintf(name, sizeof name, "%s%s.arcs", plate->array->name, head);
    wa_plate_add_arcs(&w->figure, plate);
    WA_TRY(save(w, name, err));
done:
    return st;
}

static wa_status save_array(writer *w, const wa_recorded *array, wa_error *err)
{
    wa_status st    = WA_OK;
    wa_plate  plate = { .record = w->part->record, .array = array, .is_alone = true };

    plate.colours = wa_plate_colours(plate.record, array);
    for (; plate.slice < wa_recorded_slices(array); plate.slice++)
        WA_TRY(save_plate(w, &plate, err));
done:
    return st;
}

wa_status wa_figures_write(const wa_report_part *part, const char *folder, const char *begin, const wa_env *env, wa_error *err)
{
    wa_status st = WA_OK;
    writer    w  = { part, folder, begin, env, { .env = env } };

    WA_TRY(wa_path_make_folder(folder, err));
    for (size_t i = 0; i < part->record->n_arrays; i++)
        WA_TRY(save_array(&w, &part->record->arrays[i], err));
    if (part->record->n_next == 0)
        goto done;
    wa_page_add_bars(&w.figure, part, NULL);
    WA_TRY(save(&w, "vocabulary.probabilities", err));
    wa_page_add_contribution_map(&w.figure, part, true);
    WA_TRY(save(&w, "contributions", err));
done:
    wa_buf_clear(&w.figure);
    return st;
}

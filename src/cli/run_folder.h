/* A run in a folder of its own, from which it can be done again:
 *
 *     config.yaml   the resolved configuration; paths from the root, so that the folder can be moved
 *     record.json   what it was made of and what it gave; see run_record.h
 *     trace.npz     the quantities that report.trace names
 *
 * The folder is made as FOLDER.part and renamed when it is whole, so there is never half of one. A part that a killed run left is taken over
 * by the next. */
#ifndef WA_CLI_RUN_FOLDER_H
#define WA_CLI_RUN_FOLDER_H

#include "cli/run_record.h"

#define WA_RUN_CONFIG "config.yaml"
#define WA_RUN_RECORD "record.json"
#define WA_RUN_TRACE  "trace.npz"

/* Runs the plan in the folder, unless it is there already.
 *
 * folder       without a slash at its end
 * record       the caller frees it
 * was_there    the folder holds this run: the same values, files and program
 * Errors  as wa_runner_open() and wa_file_digest(); WA_EUSAGE where there is something else under the name. */
wa_status wa_run_folder_make(const char *folder, const wa_run_plan *plan, json_t **record, bool *was_there, wa_error *err);

/* The record of a folder; the caller frees it. Errors: WA_EUSAGE where there is none; WA_EFORMAT, WA_EIO, WA_ENOMEM. */
wa_status wa_run_folder_read(const char *folder, json_t **record, wa_error *err);

#endif

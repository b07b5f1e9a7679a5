/* Work on the lines of many files, or on the texts of the command line: read in order, computed by all threads, written in order.
 *
 * How many lines are computed together, and by how many threads, changes neither an answer nor the order of answers and messages.
 * Nothing that can be answered is kept waiting: before the program waits for input, all that was read is computed and handed on. */
#ifndef WA_CLI_BATCH_H
#define WA_CLI_BATCH_H

#include <stddef.h>

#include "cli/answers.h"
#include "cli/options.h"
#include "data/journal.h"

/* The options that all verbs over lines have. */
typedef struct wa_batch_opts {
    const char    *model, *output, *files_from, *shard;
    wa_option_list inputs;
    size_t         threads, batch, max_line, checkpoint;
    bool           resume, strict, line_buffered, progress, quiet;
} wa_batch_opts;

/* Their rows; `at` is the offset of the wa_batch_opts in the verb's struct. */
#define WA_BATCH_OPTIONS(at)                                                                                                       \
    { "model",                                                                                                                     \
      'm',                                                                                                                         \
      WA_OPTION_TEXT,                                                                                                              \
      (at) + offsetof(wa_batch_opts, model),                                                                                       \
      NULL,                                                                                                                        \
      "MODEL",                                                                                                                     \
      "a model's YAML file or folder; else WORDAHEAD_MODEL, else the built-in one" },                                              \
        { "input",                                                                                                                 \
          'i',                                                                                                                     \
          WA_OPTION_LIST,                                                                                                          \
          (at) + offsetof(wa_batch_opts, inputs),                                                                                  \
          NULL,                                                                                                                    \
          "FILE",                                                                                                                  \
          "texts by lines, \"-\" for standard input; all arguments are files then" },                                              \
        { "files-from",                                                                                                            \
          0,                                                                                                                       \
          WA_OPTION_TEXT,                                                                                                          \
          (at) + offsetof(wa_batch_opts, files_from),                                                                              \
          NULL,                                                                                                                    \
          "LIST",                                                                                                                  \
          "more files, named one a line in this file" },                                                                           \
        { "output",                                                                                                                \
          'o',                                                                                                                     \
          WA_OPTION_TEXT,                                                                                                          \
          (at) + offsetof(wa_batch_opts, output),                                                                                  \
          NULL,                                                                                                                    \
          "OUT",                                                                                                                   \
          "where the answers go, gzip where it ends in .gz; else standard output" },                                               \
        { "resume",                                                                                                                \
          0,                                                                                                                       \
          WA_OPTION_FLAG,                                                                                                          \
          (at) + offsetof(wa_batch_opts, resume),                                                                                  \
          NULL,                                                                                                                    \
          NULL,                                                                                                                    \
          "go on where an interrupted run with this output ended" },                                                               \
        { "shard",                                                                                                                 \
          0,                                                                                                                       \
          WA_OPTION_TEXT,                                                                                                          \
          (at) + offsetof(wa_batch_opts, shard),                                                                                   \
          NULL,                                                                                                                    \
          "I/N",                                                                                                                   \
          "the I-th of N parts of the input; or slurm, mpi; %i and %n in OUT are these" },                                         \
        { "strict", 0, WA_OPTION_FLAG, (at) + offsetof(wa_batch_opts, strict), NULL, NULL, "stop at the first line that fails" },  \
        { "max-line", 0, WA_OPTION_SIZE, (at) + offsetof(wa_batch_opts, max_line), "16777216", "BYTES", "longer lines fail" },     \
        { "line-buffered",                                                                                                         \
          0,                                                                                                                       \
          WA_OPTION_FLAG,                                                                                                          \
          (at) + offsetof(wa_batch_opts, line_buffered),                                                                           \
          NULL,                                                                                                                    \
          NULL,                                                                                                                    \
          "hand on answers as soon as they are there" },                                                                           \
        { "checkpoint",                                                                                                            \
          0,                                                                                                                       \
          WA_OPTION_SIZE,                                                                                                          \
          (at) + offsetof(wa_batch_opts, checkpoint),                                                                              \
          "5",                                                                                                                     \
          "SECONDS",                                                                                                               \
          "how often to note how far it is, for --resume",                                                                         \
          0,                                                                                                                       \
          86400 },                                                                                                                 \
        { "progress",                                                                                                              \
          0,                                                                                                                       \
          WA_OPTION_FLAG,                                                                                                          \
          (at) + offsetof(wa_batch_opts, progress),                                                                                \
          NULL,                                                                                                                    \
          NULL,                                                                                                                    \
          "show how far it is, also where standard error is no terminal" },                                                        \
        { "quiet", 'q', WA_OPTION_FLAG, (at) + offsetof(wa_batch_opts, quiet), NULL, NULL, "do not show how far it is" },          \
        WA_OPTION_THREADS((at) + offsetof(wa_batch_opts, threads)), WA_OPTION_BATCH((at) + offsetof(wa_batch_opts, batch))

/* Lines that are computed together. */
typedef struct wa_batch_lines {
    const wa_cli_line *lines; /* [n] */
    const wa_text     *texts; /* [n] the same once more, for the functions of many texts */
    size_t             n;
} wa_batch_lines;

typedef struct wa_batch wa_batch;

/* What a verb does. `user` is its own; compute and take run on several threads at once, each with a session and results of its own.
 *
 * result_size  bytes that compute fills for each line
 * compute      computes the lines from `first` on, as wa_rank_many() does; where it ends well it may have done fewer, at least one
 * take         adds the answer to a line
 * fail         adds what stands for the answer to a line that failed; NULL: nothing. The message is not its business
 * recall       takes note of a line that an earlier run has answered; NULL: nothing to note
 * end          adds what comes behind the records; `first`, empty as it is given, may take the place of as many bytes at the
 *              beginning of the output. NULL: nothing */
typedef struct wa_batch_verb {
    size_t result_size;
    wa_status (*compute)(void *user, wa_session *session, const wa_batch_lines *lines, size_t first, void *results, size_t *n_done,
                         wa_error *err);
    void (*take)(void *user, wa_answers *answers, const wa_cli_line *line, const void *result);
    void (*fail)(void *user, wa_answers *answers, const wa_cli_line *line, const wa_error *err);
    wa_status (*recall)(void *user, wa_session *session, const wa_cli_line *line, wa_error *err);
    void (*end)(void *user, const wa_journal *journal, wa_buf *footer, wa_buf *first);
} wa_batch_verb;

/* The verb fills this and calls wa_batch_run().
 *
 * operands       texts where are_texts, otherwise files
 * n_most         lines computed together
 * is_sequential  an answer depends on the lines before: no two are computed at once
 * is_table       the output is for reading, and parts of it cannot be joined
 * has_count      `end` gives bytes for the beginning of the output
 * options        verb and options that make a difference to the records, as one would type them
 * merging        what there is to do where shards are joined, with the format and the numbers of a row where it needs them
 * header         what comes before the first record
 * separator      what comes between two answers */
struct wa_batch {
    const wa_batch_verb *verb;
    void                *user;
    const wa_batch_opts *opts;
    const wa_model      *model;
    wa_operands          operands;
    bool                 are_texts, is_sequential, is_table, has_count;
    size_t               n_most;
    size_t               merging, width;
    int                  format;
    wa_text              options, header, separator;
};

/* Returns the exit code. */
int wa_batch_run(const wa_batch *batch);

#endif

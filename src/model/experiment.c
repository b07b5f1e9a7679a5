/* The schema of a configuration, row by row. See experiment.h, and data/config.h for what the columns mean. */
#include "model/experiment.h"

#include <stddef.h>

#include "model/stage.h"

#define AT(field) offsetof(wa_experiment, field)
#define IN(field) offsetof(wa_random_opts, field)

enum { VECTORS_FROM = 1, WEIGHTS_FROM }; /* groups of which one key counts */

/* duplicates is read as the int that an enum is stored in */
_Static_assert(sizeof(wa_duplicates) == sizeof(int), "wa_duplicates is not stored as an int");

static const wa_key random_vectors_keys[] = {
    { "width", WA_KEY_SIZE, IN(width), "4", "1..65536", "D, floats a word" },
    { "seed", WA_KEY_SIZE, IN(seed), "7", "0..", "the same seed gives the same numbers everywhere" },
    { "distribution", WA_KEY_CHOICE, IN(distribution), "uniform", "uniform", "how the numbers are drawn" },
    { "low", WA_KEY_NUMBER, IN(low), "0", "", "smallest number" },
    { "high", WA_KEY_NUMBER, IN(high), "1", "", "numbers stay below it" },
    { 0 },
};

static const wa_key vectors_keys[] = {
    { "file", WA_KEY_PATH, AT(vectors.file), NULL, NULL, "Word2Vec binary or text, GloVe or fastText .vec text, each plain or gzip",
      .group = VECTORS_FROM, .example = "../models/english/vectors.bin.gz" },
    { "values", WA_KEY_TENSORS, AT(vectors.values), NULL, NULL, "instead of file: small hand-written vectors",
      .group = VECTORS_FROM, .example = "{ Life: [0.1, 0.2], is: [0.3, 0.4] }" },
    { "random", WA_KEY_MAP, AT(vectors.random), NULL, NULL, "instead of file: one vector per input word", random_vectors_keys,
      .group = VECTORS_FROM },
    { "limit", WA_KEY_SIZE, AT(vectors.opts.limit), "0", "0..", "of a file the first N words only; 0 = all" },
    { "duplicates", WA_KEY_CHOICE, AT(vectors.opts.duplicates), "first", "first|last|error",
      "of a file which record of a word stays" },
    { "salvage", WA_KEY_BOOL, AT(vectors.opts.salvage), "false", NULL, "of a damaged file keep the whole records" },
    { 0 },
};

static const wa_key weights_keys[] = {
    { "file", WA_KEY_PATH, AT(weights.file), NULL, NULL, "safetensors: F32, F64, F16 or BF16", .group = WEIGHTS_FROM,
      .example = "../models/english/weights.safetensors" },
    { "random", WA_KEY_MAP, AT(weights.random), NULL, NULL, "instead of file: seeded random numbers", random_vectors_keys + 1,
      .group = WEIGHTS_FROM },
    { "values", WA_KEY_TENSORS, AT(weights.values), NULL, NULL, "instead of file, or to override single tensors",
      .example = "{ attention.0.query.weight: [[3, 3], [1, 4]] }" },
    { 0 },
};

static const wa_key report_keys[] = {
    { "top", WA_KEY_SIZE, AT(report.top), "10", "0..", "how many next words are printed" },
    { "trace", WA_KEY_TEXTS, AT(report.trace), "[ \"*\" ]", NULL,
      "globs over the names of quantities that are printed and recorded" },
    { 0 },
};

static const wa_key experiment_keys[] = {
    { "model", WA_KEY_BASE, AT(base), NULL, NULL, "start from that model's file, then override below (maps merge, lists replace)",
      .example = "../models/english" },
    { "vectors", WA_KEY_SECTION, 0, NULL, NULL, "word vectors", vectors_keys },
    { "tokenizer", WA_KEY_SECTION, AT(tokenizer), NULL, NULL, "how texts become words", wa_tokenizer_keys },
    { "pipeline", WA_KEY_STAGES, AT(pipeline), NULL, NULL, "stages, run in this order", .variants = wa_stage_variants,
      .is_required = true },
    { "weights", WA_KEY_SECTION, 0, NULL, NULL, "the tensors of the stages", weights_keys },
    { "input", WA_KEY_TEXTS, AT(input), NULL, NULL, "texts of `run`; or { file: texts.txt }", .example = "[ \"Life is short\" ]" },
    { "report", WA_KEY_SECTION, 0, NULL, NULL, "what `run` prints and records", report_keys },
    { 0 },
};

const wa_schema wa_experiment_schema = { experiment_keys, sizeof(wa_experiment) };

/* The options of a verb: one table gives the parser, the defaults, --help and the error texts. getopt_long() is used here only. */
#ifndef WA_CLI_OPTIONS_H
#define WA_CLI_OPTIONS_H

#include "wordahead.h"

typedef enum wa_option_type {
    WA_OPTION_FLAG,   /* bool */
    WA_OPTION_TEXT,   /* const char *; NULL where not given */
    WA_OPTION_SIZE,   /* size_t, from `least` to `most` */
    WA_OPTION_CHOICE, /* int, the index in the range "a|b|c" */
    WA_OPTION_LIST,   /* wa_option_list: may be given several times, in order */
} wa_option_type;

typedef struct wa_option_list {
    const char **items;
    size_t       n;
} wa_option_list;

/* A row. A table ends in a zeroed row. */
typedef struct wa_option {
    const char    *name;   /* without the dashes */
    char           letter; /* 0: none */
    wa_option_type type;
    size_t         offset;       /* of the field in the verb's struct */
    const char    *default_text; /* NULL: the field stays zero */
    const char    *value;        /* what help calls the value, e.g. "FILE"; the range of a choice */
    const char    *help;
    size_t         least, most; /* of a size; most 0: any */
} wa_option;

/* Rows that several verbs have; `at` is the offset of the field in the verb's struct. */
#define WA_OPTION_THREADS(at)                                                                                                      \
    {                                                                                                                              \
        "threads", 0, WA_OPTION_SIZE, at, "0", "N", "how many threads work; 0: one for each processor", 0, WA_MOST_THREADS         \
    }
#define WA_OPTION_BATCH(at)                                                                                                        \
    {                                                                                                                              \
        "batch", 0, WA_OPTION_SIZE, at, "64", "N", "how many lines are computed together, 1 to 4096", 1, 4096                      \
    }

/* The i-th word of the range of a choice, "a|b|c". */
wa_text wa_choice_word(const char *range, int i);

/* A verb of the program. */
typedef struct wa_verb {
    const char      *name;     /* "rank", or "vectors nearest" */
    const char      *operands; /* for the usage line, e.g. "[TEXT ...]" */
    const char      *summary;  /* one line */
    const char      *examples; /* lines that help begins with */
    const wa_option *options;
    size_t           n_least, n_most; /* operands; WA_NONE: any number */
} wa_verb;

typedef struct wa_operands {
    const char **items;
    size_t       n;
} wa_operands;

/* Parses argv[1..], argv[0] being the verb. Prints help to standard output for --help, and one sentence to standard error for
 * wrong usage.
 *
 * opts      the verb's struct, zeroed by the caller; filled with defaults and options
 * Returns   -1: go on; otherwise the exit code to end with. */
int wa_verb_parse(const wa_verb *verb, int argc, char **argv, void *opts, wa_operands *operands);

/* A row of the verbs of the program, or of a verb that has verbs of its own. A table ends in a zeroed row. */
typedef struct wa_verb_row {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit code */
    const char *summary;
} wa_verb_row;

/* Runs the verb that argv[1] names, prints the help that argv[1] asks for, or complains.
 *
 * of         the verb whose verbs these are; NULL for the program itself
 * examples   lines that help begins with */
int wa_verb_dispatch(const char *of, const wa_verb_row *rows, const char *examples, int argc, char **argv);

#endif

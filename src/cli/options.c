/* Options from one table. See options.h.
 *
 * The table is turned into the arrays of getopt_long() for each call; at most MOST_OPTIONS rows. */
#include "cli/options.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"

enum { MOST_OPTIONS = 32, LONG_ONLY = 256, HELP = 255 }; /* LONG_ONLY + i: what getopt_long() returns for row i */

static size_t count_options(const wa_option *options)
{
    size_t n = 0;

    while (options && options[n].name)
        n++;
    return n;
}

/* ---------------------------------------------------------------- help */

static void print_option(const wa_option *option)
{
    char left[64];

    snprintf(left, sizeof left, "%s%c%s--%s%s%s", option->letter ? "-" : "", option->letter ? option->letter : ' ',
             option->letter ? ", " : "   ", option->name, option->value ? " " : "", option->value ? option->value : "");
    wa_cli_printf("  %-34s %s", left, option->help);
    if (option->default_text)
        wa_cli_printf(" [%s]", option->default_text);
    wa_cli_printf("\n");
}

static void print_help(const wa_verb *verb)
{
    if (verb->examples)
        wa_cli_printf("Examples:\n%s\n", verb->examples);
    wa_cli_printf("Usage: wordahead %s [OPTIONS] %s\n\n%s\n\nOptions:\n", verb->name, verb->operands, verb->summary);
    for (size_t i = 0; i < count_options(verb->options); i++)
        print_option(&verb->options[i]);
    wa_cli_printf("  %-34s %s\n", "-h, --help", "this help");
}

/* ---------------------------------------------------------------- values */

/* The index of `text` among the words of "a|b|c", or -1. */
static int find_choice(const char *range, const char *text)
{
    const size_t n = strlen(text);
    int          i = 0;

    for (const char *word = range;; i++) {
        const size_t length = strcspn(word, "|");

        if (length == n && memcmp(word, text, n) == 0)
            return i;
        if (word[length] == '\0')
            return -1;
        word += length + 1;
    }
}

wa_text wa_choice_word(const char *range, int i)
{
    for (; i > 0; i--)
        range += strcspn(range, "|") + 1;
    return (wa_text){ range, strcspn(range, "|") };
}

static size_t most_of(const wa_option *option)
{
    return option->most ? option->most : SIZE_MAX;
}

/* Stores one value; false where it is not one of the option's. */
static bool set_value(const wa_option *option, const char *text, char *opts)
{
    void *const field = opts + option->offset;

    switch (option->type) {
    case WA_OPTION_FLAG:
        *(bool *)field = true;
        return true;
    case WA_OPTION_TEXT:
        *(const char **)field = text;
        return true;
    case WA_OPTION_SIZE:
        return wa_parse_size(wa_text_of(text), field) && *(size_t *)field >= option->least && *(size_t *)field <= most_of(option);
    case WA_OPTION_CHOICE:
        *(int *)field = find_choice(option->value, text);
        return *(int *)field >= 0;
    case WA_OPTION_LIST: {
        wa_option_list *const list = field;

        list->items[list->n++] = text;
        return true;
    }
    }
    return false;
}

/* Every list gets room for all arguments there are: it lives until the program ends. */
static bool set_defaults(const wa_verb *verb, int argc, char *opts)
{
    for (size_t i = 0; i < count_options(verb->options); i++) {
        const wa_option *const option = &verb->options[i];

        if (option->type == WA_OPTION_LIST) {
            wa_option_list *const list = (wa_option_list *)(void *)(opts + option->offset);

            if (!(list->items = calloc((size_t)argc, sizeof *list->items)))
                return false;
        } else if (option->default_text) {
            const bool ok = set_value(option, option->default_text, opts);

            assert(ok);
            (void)ok;
        }
    }
    return true;
}

/* ---------------------------------------------------------------- parsing */

/* The names to choose from; the row that ends the table stands for --help. */
static const char *option_name(const void *user, size_t i)
{
    const char *const name = ((const wa_option *)user)[i].name;

    return name ? name : "help";
}

static int complain_unknown(const wa_verb *verb, const char *argument)
{
    const wa_text name    = { argument + strspn(argument, "-"), strcspn(argument + strspn(argument, "-"), "=") };
    const size_t  nearest = wa_nearest_name(name, option_name, verb->options, count_options(verb->options) + 1);

    if (argument[1] == '-' && nearest != WA_NONE)
        return wa_cli_complain(WA_EXIT_USAGE, "unknown option %s; did you mean --%s?", wa_show(wa_text_of(argument)).quoted,
                               option_name(verb->options, nearest));
    return wa_cli_complain(WA_EXIT_USAGE, "unknown option %s; `wordahead %s --help` lists those there are",
                           wa_show(wa_text_of(argument)).quoted, verb->name);
}

static int complain_value(const wa_option *option, const char *text)
{
    char letter[] = "-?, ", range[80];

    letter[1] = option->letter;
    snprintf(range, sizeof range, "a whole number from %zu to %zu", option->least, most_of(option));
    return wa_cli_complain(WA_EXIT_USAGE, "%s--%s: found %s, expected %s", option->letter ? letter : "", option->name,
                           wa_show(wa_text_of(text)).quoted, option->type == WA_OPTION_SIZE ? range : option->value);
}

static int complain_unwanted(const wa_option *option, const char *argument)
{
    return wa_cli_complain(WA_EXIT_USAGE, "--%s: found %s, expected no value; leave out the '='", option->name,
                           wa_show(wa_text_of(argument)).quoted);
}

/* getopt_long()'s two descriptions of the table. Letters begin with ':' so that a missing value is told apart. */
static void describe(const wa_verb *verb, struct option *names, char *letters)
{
    const size_t n = count_options(verb->options);

    assert(n <= MOST_OPTIONS);
    *letters++ = ':';
    *letters++ = 'h';
    for (size_t i = 0; i < n; i++) {
        const wa_option *const option    = &verb->options[i];
        const bool             has_value = option->type != WA_OPTION_FLAG;

        names[i] = (struct option){ option->name, has_value ? required_argument : no_argument, NULL, LONG_ONLY + (int)i };
        if (option->letter) {
            *letters++ = option->letter;
            if (has_value)
                *letters++ = ':';
        }
    }
    *letters     = '\0';
    names[n]     = (struct option){ "help", no_argument, NULL, HELP };
    names[n + 1] = (struct option){ 0 };
}

static const wa_option *find_option(const wa_verb *verb, int code)
{
    for (size_t i = 0; i < count_options(verb->options); i++)
        if (code == LONG_ONLY + (int)i || (verb->options[i].letter && code == verb->options[i].letter))
            return &verb->options[i];
    return NULL;
}

/* The argument getopt_long() has just refused: a letter inside a cluster, or a whole word. */
static const char *refused_argument(char **argv, char letter[3])
{
    if (optopt > 0 && optopt < HELP && strncmp(argv[optind - 1], "--", 2) != 0) {
        letter[1] = (char)optopt;
        return letter;
    }
    return argv[optind - 1];
}

static int complain_operands(const wa_verb *verb, size_t n)
{
    const size_t expected = n < verb->n_least ? verb->n_least : verb->n_most;

    return wa_cli_complain(WA_EXIT_USAGE, "%s: found %zu argument%s, expected %s%zu: wordahead %s%s%s", verb->name, n,
                           n == 1 ? "" : "s",
                           verb->n_least == verb->n_most ? ""
                           : n < verb->n_least           ? "at least "
                                                         : "at most ",
                           expected, verb->name, *verb->operands ? " " : "", verb->operands);
}

int wa_verb_parse(const wa_verb *verb, int argc, char **argv, void *opts, wa_operands *operands)
{
    struct option names[MOST_OPTIONS + 2];
    char          letters[2 * MOST_OPTIONS + 3], letter[3] = "-?";
    int           code;

    if (!set_defaults(verb, argc, opts))
        return wa_cli_complain(WA_EXIT_IO, "not enough memory");
    describe(verb, names, letters);
    opterr = 0;
    optind = 0; /* makes GNU getopt start anew, whatever ran before */
    while ((code = getopt_long(argc, argv, letters, names, NULL)) != -1) {
        const wa_option *const option = find_option(verb, code);

        if (code == 'h' || code == HELP) {
            print_help(verb);
            return WA_EXIT_OK;
        }
        if (code == ':')
            return wa_cli_complain(WA_EXIT_USAGE, "%s: a value is missing", refused_argument(argv, letter));
        if (code == '?' && optopt >= LONG_ONLY)
            return complain_unwanted(find_option(verb, optopt), refused_argument(argv, letter));
        if (!option)
            return complain_unknown(verb, refused_argument(argv, letter));
        if (!set_value(option, optarg, opts))
            return complain_value(option, optarg);
    }
    *operands = (wa_operands){ .items = (const char **)(void *)(argv + optind), .n = (size_t)(argc - optind) };
    if (operands->n < verb->n_least || operands->n > verb->n_most)
        return complain_operands(verb, operands->n);
    return -1;
}

/* ---------------------------------------------------------------- choosing a verb */

static const char *row_name(const void *user, size_t i)
{
    return ((const wa_verb_row *)user)[i].name;
}

static size_t count_rows(const wa_verb_row *rows)
{
    size_t n = 0;

    while (rows[n].name)
        n++;
    return n;
}

static void print_verbs(const char *of, const wa_verb_row *rows, const char *examples)
{
    const char *const space = of ? " " : "";

    of = of ? of : "";
    wa_cli_printf("Examples:\n%s\nUsage: wordahead%s%s VERB ...\n\nVerbs (`wordahead%s%s VERB --help` tells more):\n", examples,
                  space, of, space, of);
    for (size_t i = 0; rows[i].name; i++)
        wa_cli_printf("  %-10s %s\n", rows[i].name, rows[i].summary);
}

/* `before` is "" or "config: ", `after` "" or "config ". */
static int complain_verb(const char *before, const char *after, const wa_verb_row *rows, const char *found)
{
    const size_t nearest = wa_nearest_name(wa_text_of(found), row_name, rows, count_rows(rows));

    if (nearest != WA_NONE)
        return wa_cli_complain(WA_EXIT_USAGE, "%sunknown verb %s; did you mean %s?", before, wa_show(wa_text_of(found)).quoted,
                               rows[nearest].name);
    return wa_cli_complain(WA_EXIT_USAGE, "%sunknown verb %s; `wordahead %s--help` lists those there are", before,
                           wa_show(wa_text_of(found)).quoted, after);
}

int wa_verb_dispatch(const char *of, const wa_verb_row *rows, const char *examples, int argc, char **argv)
{
    char before[32] = "", after[32] = "";

    if (of) {
        snprintf(before, sizeof before, "%s: ", of);
        snprintf(after, sizeof after, "%s ", of);
    }
    if (argc < 2)
        return wa_cli_complain(WA_EXIT_USAGE, "%sa verb is missing; `wordahead %s--help` lists them", before, after);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_verbs(of, rows, examples);
        return WA_EXIT_OK;
    }
    for (size_t i = 0; rows[i].name; i++)
        if (strcmp(argv[1], rows[i].name) == 0)
            return rows[i].run(argc - 1, argv + 1);
    return complain_verb(before, after, rows, argv[1]);
}

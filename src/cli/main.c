/* The program: one verb a call. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} verbs[] = {
    { "rank", wa_cmd_rank, "rank the words that may follow a text" },
    { "score", wa_cmd_score, "log-probability of every word of text files, perplexity" },
    { "embed", wa_cmd_embed, "vectors of texts as .npy" },
    { "run", wa_cmd_run, "run an experiment and show every step" },
    { "vectors", wa_cmd_vectors, "look into, check and convert files of word vectors" },
    { "config", wa_cmd_config, "check or show a configuration" },
};

enum { N_VERBS = sizeof verbs / sizeof *verbs };

static const char *verb_name(const void *user, size_t i)
{
    (void)user;
    return verbs[i].name;
}

static void print_help(void)
{
    wa_cli_printf("Examples:\n"
                  "  wordahead rank \"the cat sat on the\"\n"
                  "  wordahead score book.txt\n"
                  "  wordahead run configs/quickstart.yaml\n"
                  "  wordahead vectors info vectors.bin.gz\n\n"
                  "Usage: wordahead VERB ...\n\nVerbs (`wordahead VERB --help` tells more):\n");
    for (size_t i = 0; i < N_VERBS; i++)
        wa_cli_printf("  %-10s %s\n", verbs[i].name, verbs[i].summary);
    wa_cli_printf("  %-10s %s\n", "--version", "the version");
}

static int run_verb(int argc, char **argv)
{
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 || strcmp(argv[0], "help") == 0) {
        print_help();
        return WA_EXIT_OK;
    }
    if (strcmp(argv[0], "--version") == 0) {
        wa_cli_printf("wordahead %s\n", wa_version());
        return WA_EXIT_OK;
    }
    for (size_t i = 0; i < N_VERBS; i++)
        if (strcmp(argv[0], verbs[i].name) == 0)
            return verbs[i].run(argc, argv);
    const size_t nearest = wa_nearest_name(wa_text_of(argv[0]), verb_name, NULL, N_VERBS);
    return wa_cli_complain(WA_EXIT_USAGE, "unknown verb %s; %s%s%s", wa_show(wa_text_of(argv[0])).quoted,
                           nearest == WA_NONE ? "`wordahead --help` lists those there are" : "did you mean ",
                           nearest == WA_NONE ? "" : verbs[nearest].name, nearest == WA_NONE ? "" : "?");
}

int main(int argc, char **argv)
{
    wa_cli_begin();
    if (argc < 2)
        return wa_cli_end(wa_cli_complain(WA_EXIT_USAGE, "a verb is missing; `wordahead --help` lists them"));
    return wa_cli_end(run_verb(argc - 1, argv + 1));
}

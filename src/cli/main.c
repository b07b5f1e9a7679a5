/* The program: one verb a call. */
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"

static const wa_verb_row verbs[] = {
    { "rank", wa_cmd_rank, "rank the words that may follow a text" },
    { "score", wa_cmd_score, "log-probability of every word of text files, perplexity" },
    { "embed", wa_cmd_embed, "vectors of texts as .npy or JSON lines" },
    { "merge", wa_cmd_merge, "join the outputs of the shards of a run" },
    { "run", wa_cmd_run, "run an experiment and show every step" },
    { "explain", wa_cmd_explain, "write a page that shows how a ranking came about" },
    { "serve", wa_cmd_serve, "a page and JSON endpoints over HTTP" },
    { "vectors", wa_cmd_vectors, "look into, check and convert files of word vectors" },
    { "config", wa_cmd_config, "check or show a configuration" },
    { 0 },
};

static const char examples[] = "  wordahead rank \"the cat sat on the\"\n"
                               "  wordahead score book.txt\n"
                               "  wordahead run configs/quickstart.yaml\n"
                               "  wordahead explain \"the cat sat on the\" -o report.html\n"
                               "  wordahead vectors info vectors.bin.gz\n"
                               "  wordahead --version\n";

int main(int argc, char **argv)
{
    wa_cli_begin();
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        wa_cli_printf("wordahead %s\n", wa_version());
        return wa_cli_end(WA_EXIT_OK);
    }
    return wa_cli_end(wa_verb_dispatch(NULL, verbs, examples, argc, argv));
}

/* The five words most likely to follow a text, with the C API. `make check` compiles and runs this file.
 *
 *     cc -Isrc docs/examples/rank.c build/release/libwordahead.a $(pkg-config --libs libisal libxxhash zlib jansson yaml-0.1) -lunistring -lm -o rank
 *     ./rank models/english "the cat sat on the" */
#include <stdio.h>
#include <wordahead.h>

int main(int argc, char **argv)
{
    wa_model          *model   = NULL;
    wa_session        *session = NULL;
    wa_ranking         ranking;
    wa_error           err;
    const wa_rank_opts opts = { .k = 5 };
    int                code = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: rank MODEL TEXT\n");
        return 2;
    }
    /* A model never changes: any number of threads may share it, each with a session of its own. */
    if (wa_model_open(argv[1], NULL, &model, &err) != WA_OK || wa_session_new(model, &session, &err) != WA_OK)
        goto failed;
    /* The ranking lies in the session until its next call. */
    if (wa_rank(session, wa_text_of(argv[2]), &opts, &ranking, &err) != WA_OK)
        goto failed;
    for (size_t i = 0; i < ranking.n_next; i++)
        printf("%.4f %.*s\n", (double)ranking.next[i].prob, (int)ranking.next[i].word.n_bytes, ranking.next[i].word.data);
    for (size_t i = 0; i < ranking.text.n_tokens; i++)
        if (!ranking.text.tokens[i].is_known)
            printf("unknown: bytes %zu to %zu\n", ranking.text.tokens[i].start, ranking.text.tokens[i].end);
    code = 0;
failed:
    if (code)
        fprintf(stderr, "%s: %s\n", wa_status_name(err.status), err.message);
    wa_session_free(session);
    wa_model_close(model);
    return code;
}

/* Any bytes as a file of word vectors: it opens or is refused with a message, every word of it is found at its own row, and
 * `vectors check` comes to the same verdict. The first byte chooses the options. */
#include "fuzz.h"

#include <string.h>

#include "data/w2v.h"

static void ignore(void *user, const wa_finding *finding)
{
    size_t *const n_refused = user;

    *n_refused += finding->is_refused;
    FUZZ_CHECK(finding->message[0] != '\0');
}

static void use(const wa_vectors *vectors)
{
    const size_t N = wa_vectors_count(vectors), D = wa_vectors_width(vectors);
    float *const row = malloc((D + 1) * sizeof *row);

    FUZZ_CHECK(row);
    for (size_t i = 0; i < N; i++) {
        FUZZ_CHECK(wa_vectors_find(vectors, wa_vectors_word(vectors, i)) == i);
        wa_vectors_row(vectors, i, row);
    }
    free(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wa_error          err     = { .message = "" };
    wa_vectors       *vectors = NULL;
    wa_vectors_census census;
    size_t            n_refused = 0;

    if (n == 0)
        return 0;
    const wa_vectors_opts opts   = { .limit = bytes[0] >> 4, .duplicates = (wa_duplicates)(bytes[0] % 3), .salvage = bytes[0] & 4 };
    const char *const     path   = fuzz_file(bytes + 1, n - 1);
    const wa_status       opened = wa_vectors_open(path, &opts, NULL, &vectors, &err);

    FUZZ_CHECK((opened == WA_OK) == (vectors != NULL) && (opened == WA_OK || strlen(err.message) > 0));
    if (vectors)
        use(vectors);
    const wa_status checked = wa_vectors_check(path, &opts, NULL, ignore, &n_refused, &census, &err);
    FUZZ_CHECK((opened == WA_OK) == (checked == WA_OK && census.n_refused == 0));
    FUZZ_CHECK(checked != WA_OK || n_refused >= census.n_refused);
    wa_vectors_close(vectors);
    return 0;
}

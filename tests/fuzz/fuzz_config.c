/* Any bytes as a configuration: it is refused with a message, or what `config show` makes of it is a configuration again. */
#include "fuzz.h"

#include <string.h>

#include "model/experiment.h"

static wa_config *open_config(const uint8_t *bytes, size_t n)
{
    wa_error        err    = { .message = "" };
    wa_config      *config = NULL;
    const wa_status st     = wa_config_open(fuzz_file(bytes, n), NULL, 0, &wa_experiment_schema, NULL, &config, &err);

    FUZZ_CHECK((st == WA_OK) == (config != NULL) && (st == WA_OK || strlen(err.message) > 0));
    return config;
}

/* A base document is any file of the system: the fuzzer is not to find them. */
static int names_a_base(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i + 5 <= n; i++)
        if (memcmp(bytes + i, "model", 5) == 0)
            return 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wa_buf     shown = { 0 };
    wa_config *config, *again;

    if (names_a_base(bytes, n) || !(config = open_config(bytes, n)))
        return 0;
    wa_config_show(config, &shown);
    FUZZ_CHECK(!shown.failed);
    again = open_config((const uint8_t *)shown.data, shown.n_bytes);
    FUZZ_CHECK(again);
    wa_config_close(again);
    wa_config_close(config);
    wa_buf_clear(&shown);
    return 0;
}

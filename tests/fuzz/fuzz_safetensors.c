/* Any bytes as a safetensors file: it is refused with a message, or every tensor can be found and read. */
#include "fuzz.h"

#include <string.h>

#include "data/safetensors.h"

static void use(const wa_safetensors *file)
{
    for (size_t i = 0; i < wa_safetensors_count(file); i++) {
        const wa_tensor_entry *const entry = wa_safetensors_entry(file, i);

        FUZZ_CHECK(wa_safetensors_find(file, entry->name) == entry);
        if (entry->dtype == WA_DTYPE_OTHER)
            continue;
        float *const values = malloc((entry->n_values + 1) * sizeof *values);
        FUZZ_CHECK(values);
        wa_tensor_entry_read(entry, values);
        const float *const view = wa_tensor_entry_view(entry);
        FUZZ_CHECK(!view || memcmp(view, values, entry->n_values * sizeof *values) == 0);
        free(values);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wa_error        err  = { .message = "" };
    wa_safetensors *file = NULL;
    const wa_status st   = wa_safetensors_open(fuzz_file(bytes, n), NULL, &file, &err);

    FUZZ_CHECK((st == WA_OK) == (file != NULL) && (st == WA_OK || strlen(err.message) > 0));
    if (file)
        use(file);
    wa_safetensors_close(file);
    return 0;
}

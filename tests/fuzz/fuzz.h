/* What the fuzz targets share. Each target is a program that libFuzzer gives random bytes; a crash, a finding of a sanitizer, or an
 * abort() of its own is a bug. `make fuzz` builds and runs them all. */
#ifndef WA_TESTS_FUZZ_H
#define WA_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The bytes as a file, for what reads by name. The path is the same for every call and is overwritten by the next. */
const char *fuzz_file(const uint8_t *bytes, size_t n);

/* What must hold for any input; unlike assert() it is there in every build. */
#define FUZZ_CHECK(condition)                                                                                                      \
    do {                                                                                                                           \
        if (!(condition))                                                                                                          \
            abort();                                                                                                               \
    } while (0)

#endif

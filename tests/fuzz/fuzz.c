/* What the fuzz targets share. See fuzz.h. */
#include "fuzz.h"

#include <stdio.h>
#include <unistd.h>

static char path[64];

static void remove_file(void)
{
    unlink(path);
}

const char *fuzz_file(const uint8_t *bytes, size_t n)
{
    static int file = -1;

    if (file < 0) {
        snprintf(path, sizeof path, "/tmp/wordahead-fuzz-XXXXXX");
        FUZZ_CHECK((file = mkstemp(path)) >= 0);
        atexit(remove_file);
    }
    FUZZ_CHECK(ftruncate(file, 0) == 0 && pwrite(file, bytes, n, 0) == (ssize_t)n);
    return path;
}

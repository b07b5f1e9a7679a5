/* Runs every suite. `unit NAME` runs one, `unit --list` names them; CK_FORK=no runs without a process a test, as debuggers and valgrind like it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"

int main(int argc, char **argv)
{
#define NAME(name) puts(#name);
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        WA_SUITES(NAME)
        return EXIT_SUCCESS;
    }
#undef NAME
    SRunner *const runner = srunner_create(NULL);

#define ADD(name)                                                                                                                  \
    if (argc < 2 || strcmp(argv[1], #name) == 0)                                                                                   \
        srunner_add_suite(runner, wa_suite_##name());
    WA_SUITES(ADD)
#undef ADD
    srunner_run_all(runner, CK_NORMAL);
    const int n_run = srunner_ntests_run(runner), n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (n_run == 0)
        fprintf(stderr, "no test ran\n");
    return n_failed == 0 && n_run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

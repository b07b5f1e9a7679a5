/* The suites of the unit tests, one a module, each in tests/unit/<folder>/check_<module>.c. */
#ifndef WA_TESTS_SUITES_H
#define WA_TESTS_SUITES_H

#include <check.h>

#define WA_SUITES(each)                                                                                                            \
    each(mem) each(str) each(hash) each(file) each(lines) each(output) each(path) each(pool) each(ordered) each(processors)        \
        each(rng) each(json) each(elementary) each(kernels) each(topk) each(sum) each(lexicon) each(vectors) each(w2v)             \
            each(w2v_index) each(tokenizer) each(yaml) each(config) each(grid) each(corpus) each(journal) each(safetensors)        \
                each(npy) each(stages) each(model) each(certified) each(rank) each(session) each(score) each(predict) each(embed)  \
                    each(threads) each(contribution) each(figure) each(page) each(explain) each(serve)

#define DECLARE(name) Suite *wa_suite_##name(void);
WA_SUITES(DECLARE)
#undef DECLARE

#endif

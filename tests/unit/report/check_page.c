/* Pages: what happens to them where memory ends. What they say is looked at in tests/cli and, in a browser, in tests/browser. */
#include <string.h>

#include "report/page.h"
#include "small_model.h"
#include "suites.h"

/* A model, its run explained, a page and figures of it, and the page of the run beside itself. */
static wa_status make_pages(const wa_env *env, void *user)
{
    const wa_model_opts opts    = { .n_threads = 1, .env = env };
    wa_model           *model   = NULL;
    wa_session         *session = NULL;
    wa_record           record  = { .T = 0 };
    wa_explanation      e       = { .n_lens = 0 };
    wa_buf              page    = { .env = env };
    wa_error            err;

    wa_status st = wa_model_open(user, &opts, &model, &err);
    st           = st ? st : wa_session_new(model, &session, &err);
    st           = st ? st : wa_record_run(&record, session, wa_text_of("run"), wa_text_of("the cat <sat>"), 2, &err);
    st           = st ? st : wa_explain(&e, &record, session, &err);
    if (st == WA_OK) {
        const wa_report_part parts[] = { { &record, &e }, { &record, &e } };

        wa_page_add(&page, parts, 1);
        wa_page_add_comparison(&page, parts);
        st = page.failed ? WA_ENOMEM : WA_OK;
    }
    wa_buf_clear(&page);
    wa_explanation_clear(&e);
    wa_record_clear(&record);
    wa_session_free(session);
    wa_model_close(model);
    return st;
}

START_TEST(a_page_for_which_memory_ends_is_no_page)
{
    const char *const path = scratch_file("model.yaml", small_model_yaml, strlen(small_model_yaml));

    every_allocation_fails_in_turn(make_pages, (void *)(uintptr_t)path, 3000);
}
END_TEST

Suite *wa_suite_page(void)
{
    Suite *const suite = suite_create("report/page");
    TCase *const tests = tcase_create("page");

    tcase_add_test(tests, a_page_for_which_memory_ends_is_no_page);
    suite_add_tcase(suite, tests);
    return suite;
}

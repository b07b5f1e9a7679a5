/* Small models made of YAML in a string. See small_model.h. */
#include "small_model.h"

#include <string.h>

const char small_model_yaml[] = "vectors: { random: { width: 6, seed: 1, low: -1, high: 1 } }\n"
                                "tokenizer: { unknown: '<unk>', start: '<s>', end: '</s>', max_tokens: 8 }\n"
                                "pipeline:\n"
                                "  - embed: { scale: sqrt_d }\n"
                                "  - positional: {}\n"
                                "  - attention: { heads: 2, head_dim: 3 }\n"
                                "  - add_norm: {}\n"
                                "  - feed_forward: { width: 5 }\n"
                                "  - add_norm: {}\n"
                                "  - vocabulary: {}\n"
                                "weights: { random: { seed: 2, low: -1, high: 1 } }\n"
                                "input: [ 'the cat sat on a mat' ]\n";

static wa_status open_with(const char *yaml, const char *const *sets, wa_model **out, wa_error *err)
{
    wa_model_opts opts = { .sets = sets };

    while (sets && sets[opts.n_sets])
        opts.n_sets++;
    return wa_model_open(scratch_file("model.yaml", yaml, strlen(yaml)), &opts, out, err);
}

wa_model *open_yaml(const char *yaml, const char *const *sets)
{
    wa_model *model = NULL;
    wa_error  err;

    ck_assert_msg(open_with(yaml, sets, &model, &err) == WA_OK, "%s", err.message);
    return model;
}

void refuse_yaml(const char *yaml, const char *const *sets, wa_status status, const char *part)
{
    wa_model       *model = NULL;
    wa_error        err   = { .message = "" };
    const wa_status st    = open_with(yaml, sets, &model, &err);

    ck_assert_msg(st == status, "status %d instead of %d: %s", (int)st, (int)status, err.message);
    ck_assert_msg(strstr(err.message, part) != NULL, "'%s' is not in: %s", part, err.message);
    ck_assert_ptr_null(model);
}

wa_session *new_session(const wa_model *model)
{
    wa_session *session = NULL;
    wa_error    err;

    ck_assert_msg(wa_session_new(model, &session, &err) == WA_OK, "%s", err.message);
    return session;
}

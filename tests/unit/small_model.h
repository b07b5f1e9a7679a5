/* Small models made of YAML in a string, for the tests of model/ and task/. */
#ifndef WA_TESTS_SMALL_MODEL_H
#define WA_TESTS_SMALL_MODEL_H

#include "support.h"

/* A whole model with random numbers: D 6, two heads of 3, nine words, start, end and unknown words, max_tokens 8. */
extern const char small_model_yaml[];

/* Opens YAML text; sets is a NULL-ended list of overrides, or NULL. The test fails where it does not open. */
wa_model *open_yaml(const char *yaml, const char *const *sets);
/* Opens YAML text that must be refused with this status, and with `part` in the message. */
void        refuse_yaml(const char *yaml, const char *const *sets, wa_status status, const char *part);
wa_session *new_session(const wa_model *model);

#endif

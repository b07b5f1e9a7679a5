/* How a stage was set up: its options by their names in the configuration, through the table that they were read with. So a report
 * knows what every stage does without knowing its struct, and a key that is added shows by itself. */
#ifndef WA_REPORT_SETUP_H
#define WA_REPORT_SETUP_H

#include "model/stage.h"

/* The key must be one of the stage's, and of that type. */
size_t          wa_setup_choice(const wa_stage *stage, const char *key); /* the index in its range "a|b|c" */
bool            wa_setup_bool(const wa_stage *stage, const char *key);
size_t          wa_setup_size(const wa_stage *stage, const char *key);
double          wa_setup_number(const wa_stage *stage, const char *key);
const wa_sizes *wa_setup_sizes(const wa_stage *stage, const char *key);
/* A scale that is a number or the word sqrt_d, which is the root of `width`: the number that the stage multiplies with. */
double wa_setup_scale(const wa_stage *stage, const char *key, size_t width);

/* "attention.0" or "embed": what the names of its weights and quantities begin with. Returns `out`. */
#define WA_SETUP_NAME 96
char *wa_setup_prefix(const wa_stage *stage, char out[WA_SETUP_NAME]);
/* The same with ".name" behind it. */
char *wa_setup_name(const wa_stage *stage, const char *name, char out[WA_SETUP_NAME]);

/* Appends the value of option i, as JSON, and gives its name; false behind the last. Names of files are passed over with no value. */
bool wa_setup_option(const wa_stage *stage, size_t i, const char **name, wa_buf *value);

/* {"heads":4,"mask":"causal",...}; names of files are left out. */
void wa_setup_add_json(const wa_stage *stage, wa_buf *out);

#endif

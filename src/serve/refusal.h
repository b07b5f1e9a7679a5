/* Why a request is not answered as it wished: an HTTP status and one sentence, in the form that OpenAI's API gives its errors. */
#ifndef WA_SERVE_REFUSAL_H
#define WA_SERVE_REFUSAL_H

#include "base/mem.h"

typedef struct wa_refusal {
    unsigned    status;    /* of HTTP, 400 and more */
    const char *code;      /* a word for programs, e.g. "out_of_range"; lives as long as the program */
    char        param[64]; /* the member of the request at fault; empty: none */
    char        message[512];
} wa_refusal;

/* Fills in a refusal; `param` NULL: no member in particular. Returns false, for `return wa_refuse(...)`. */
bool wa_refuse(wa_refusal *refusal, unsigned status, const char *code, const char *param, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The refusal of a text that the model could not take. Returns false. */
bool wa_refuse_error(wa_refusal *refusal, const char *param, const wa_error *err);

/* A whole {"error":{"message":...,"type":...,"param":...,"code":...}}. */
void wa_refusal_add_json(wa_buf *buf, const wa_refusal *refusal);

#endif

/* Why a request is not answered as it wished. See refusal.h. */
#include "serve/refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"

bool wa_refuse(wa_refusal *refusal, unsigned status, const char *code, const char *param, const char *format, ...)
{
    va_list args;

    refusal->status = status;
    refusal->code   = code;
    snprintf(refusal->param, sizeof refusal->param, "%s", param ? param : "");
    va_start(args, format);
    vsnprintf(refusal->message, sizeof refusal->message, format, args);
    va_end(args);
    return false;
}

bool wa_refuse_error(wa_refusal *refusal, const char *param, const wa_error *err)
{
    if (err->status == WA_EMODEL || err->status == WA_EUSAGE)
        return wa_refuse(refusal, 400, "model_error", param, "%s", err->message);
    return wa_refuse(refusal, 500, "internal_error", NULL, "%s", err->message);
}

/* The words that OpenAI's clients know. */
static const char *type_of(unsigned status)
{
    return status >= 500 ? "server_error" : status == 403 ? "permission_error" : "invalid_request_error";
}

void wa_refusal_add_json(wa_buf *buf, const wa_refusal *refusal)
{
    wa_buf_str(buf, "{\"error\":{\"message\":");
    wa_json_add_text(buf, wa_text_of(refusal->message));
    wa_buf_format(buf, ",\"type\":\"%s\",\"param\":", type_of(refusal->status));
    wa_json_add_text_or_null(buf, wa_text_of(refusal->param[0] ? refusal->param : NULL));
    wa_buf_format(buf, ",\"code\":\"%s\"}}\n", refusal->code);
}

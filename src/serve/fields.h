/* The members of a request's JSON: one table gives the parser, the ranges and the error texts. */
#ifndef WA_SERVE_FIELDS_H
#define WA_SERVE_FIELDS_H

#include "base/json.h"
#include "serve/limits.h"
#include "serve/refusal.h"

typedef enum wa_field_type {
    WA_FIELD_BOOL,   /* bool */
    WA_FIELD_SIZE,   /* wa_field_size: a whole number from `least` to `most` */
    WA_FIELD_NUMBER, /* double, from `least` to `most` */
    WA_FIELD_TEXT,   /* wa_field_texts of one */
    WA_FIELD_LIST,   /* wa_field_texts: a list of strings */
    WA_FIELD_TEXTS,  /* wa_field_texts: a string or a list of strings */
    WA_FIELD_CHOICE, /* int, the index in the range "a|b|c" */
    WA_FIELD_NEUTRAL, /* nothing is stored: what other servers know and this one does not, so only 0, false, "" and empty ones are taken */
    WA_FIELD_LABEL, /* nothing is stored: a string that is the client's own business */
} wa_field_type;

typedef struct wa_field_size {
    size_t n;
    bool   is_given;
} wa_field_size;

typedef struct wa_field_texts {
    const wa_text *items; /* [n]; the bytes belong to the JSON */
    size_t         n;
    bool           is_given, is_list;
} wa_field_texts;

/* A row. A table ends in a zeroed row. A member that is missing or null leaves the struct as it was. */
typedef struct wa_field {
    const char   *name;
    wa_field_type type;
    size_t        offset; /* in the struct to fill */
    double        least, most;
    const char   *range; /* of a choice */
    size_t        limit; /* of a size or list: offset in wa_limits of the most there may be, plus 1; 0: `most` says it */
} wa_field;

#define WA_FIELD_LIMIT(field) (offsetof(wa_limits, field) + 1)

/* Reads the text of a request into JSON, which the caller gives back with json_decref(); NULL: refused. */
json_t *wa_fields_parse(wa_text body, wa_refusal *refusal);

/* Fills `out` from an object. Members that are not in the table are refused, with the nearest name.
 *
 * arena  for the lists */
bool wa_fields_read(const wa_field *fields, const json_t *object, const wa_limits *limits, wa_arena *arena, void *out,
                    wa_refusal *refusal);

#endif

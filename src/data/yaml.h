/* YAML as a tree whose every node knows where it stands. libyaml is used here only, through its events, so that scalars stay
 * text with positions and the limits are ours: 16 MiB a file, 64 levels, a million nodes once aliases are followed, one document,
 * no duplicate keys. */
#ifndef WA_DATA_YAML_H
#define WA_DATA_YAML_H

#include "data/node.h"

#define WA_YAML_MOST_BYTES (16 * 1024 * 1024)

/* Parses one document. An empty one gives an empty map.
 * Errors  WA_ECONFIG as "name:line:column: message", WA_ENOMEM. Where duplicate keys are the only fault, a line for each map
 * that has
 *         them, and *out is the document all the same, the first of them counting, so that what else is wrong can be told. */
wa_status wa_yaml_parse(wa_text bytes, const wa_source *source, wa_arena *arena, wa_node **out, wa_error *err);

#endif

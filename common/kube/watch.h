/* Splits a watch stream into its events. Pure: bytes in, events out, in any chunking. */
#pragma once

#include "common/base/json.h"

enum watch_type { WATCH_ADDED, WATCH_MODIFIED, WATCH_DELETED, WATCH_BOOKMARK, WATCH_ERROR };

struct watch_parser { /* zero-initialised by watch_init */
    struct str line;
    bool failed;
};

/* Of an object: its managedFields, most of its values, are null. */
extern const struct json_unwanted watch_unwanted[];

/* `object` belongs to the parser and is gone after the call. */
typedef void watch_event_fn(void *arg, enum watch_type type, const struct json *object);

void watch_init(struct watch_parser *parser); /* lines of at most 4 MiB */
void watch_done(struct watch_parser *parser);

/* ERR_INVALID for a line that is too long or is not an event; the parser then takes nothing more. */
int watch_feed(struct watch_parser *parser, struct str_view piece, watch_event_fn *event, void *arg,
               struct err *err) __attribute__((warn_unused_result));

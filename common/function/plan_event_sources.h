/* Event source mappings: what AWS shows of them, whose they are, what they read. Pure. */
#pragma once

#include "common/base/json.h"

/* Sets the batch size and window that AWS takes where none is declared: they depend on the source. */
void source_complete(struct json *item);

/* As `read` of struct plan_attached, of ListEventSourceMappings' answer, each mapping with its Tags. Ours are
 * under their names, the others under "mapping UUID", which is nobody's name. */
int source_read(const struct json *answer, const char *qualifier, const char *owner, struct json *have,
                struct err *err) __attribute__((warn_unused_result));

/* The mapping among them; NULL: it is none of them. */
const struct json *source_find(const struct json *have, const char *uuid);

/* Adds one mapping with its tags, unless it is there already. */
void source_add(const struct json *mapping, const struct json *tags, const char *owner, struct json *have);

/* Do both read the same for the same alias? AWS takes one mapping for that. */
bool source_same(const struct json *a, const struct json *b);

bool source_is_busy(const struct json *mapping); /* AWS takes no change meanwhile */
bool source_is_leaving(const struct json *mapping);

/* A name for a mapping that has none: the last part of what it reads from. The caller frees. */
char *source_name(const struct json *mapping);

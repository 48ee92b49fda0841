/* JSON Patch (RFC 6902) as an API server applies it: what the targets hold our own patches against. */
#pragma once

#include "common/base/json.h"

/* A new document; NULL when an operation does not apply. Knows `test`, `add` of
 * members of objects, and `replace`. */
struct json *patch_apply(const struct json *document, const struct json *patch);

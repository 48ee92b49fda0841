/* status.history: what was in force, the newest first, of which a rollback puts one back. Pure. */
#pragma once

#include "common/base/json.h"

enum { HISTORY_MAX = 10 };

struct history_entry {
    const char *time; /* RFC 3339 */
    int64_t generation;
    const struct json *deployed; /* as in status.deployed */
    const char *version;         /* that was published of it; NULL: none */
};

/* The history that follows `old` (may be NULL) once the entry's state is in force; the caller frees. A state
 * that is there already stays as it was, and is completed with its version. */
struct json *history_with(const struct json *old, const struct history_entry *entry);

/* The newest entry, but for the one in force, with the code that `spec` declares; NULL: it never was in force
 * as far as the history goes back, or is. */
const struct json *history_earlier(const struct json *history, const struct json *spec);

/* Is the code of the item, or of status.deployed, what `spec` declares? */
bool history_declares(const struct json *item, const struct json *spec);

/* Do two items, or status.deployed, have the same code, by its hash? Another version, key or object of it is
 * no other code. */
bool history_same_code(const struct json *item, const struct json *other);

/* Lambda's runtimes with their dates, as data: AWS moves the dates now and then. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

#include <stdatomic.h>

struct runtime {
    const char *name;
    const char *deprecated;     /* "2026-04-30"; NULL: no date is published */
    const char *create_blocked; /* from this day on CreateFunction is refused */
    const char *update_blocked; /* from this day on updates of code and configuration are, too */
};

struct runtimes {
    const struct runtime *rows; /* newest first within a family */
    size_t count;
};

extern const struct runtimes runtimes_builtin;

/* The table that is in force, replaced as a whole. An old one stays where it is, so that readers need no
 * reference: take it once for one decision. */
struct runtimes_now {
    _Atomic(const struct runtimes *) table;
};
static inline const struct runtimes *runtimes_get(const struct runtimes_now *now)
{
    return atomic_load(&now->table);
}

/* The built-in table with the rows of a file: YAML or JSON, a list of {name, deprecated, createBlocked,
 * updateBlocked}. A row of a known name replaces it, others come first. Dates are all there or none, as in
 * the built-in rows. ERR_INVALID says which item is wrong and how. The caller frees. */
int runtimes_parse(struct str_view text, struct runtimes **ret_runtimes, struct err *err)
    __attribute__((warn_unused_result));
void runtimes_free(struct runtimes *runtimes); /* of runtimes_parse; accepts NULL */

enum runtime_stage { RUNTIME_SUPPORTED, RUNTIME_DEPRECATED, RUNTIME_CREATE_BLOCKED, RUNTIME_UPDATE_BLOCKED };

const struct runtime *runtime_find(const struct runtimes *runtimes, const char *name); /* NULL: unknown */

/* `today` is "2026-11-24". */
enum runtime_stage runtime_stage_on(const struct runtime *runtime, const char *today);

/* The supported runtime that is most likely meant by a wrong or outdated name; NULL when none is like it. */
const char *runtime_suggestion(const struct runtimes *runtimes, const char *name, const char *today);

/* Adds "the newest are python3.14, …": the first supported one of each family. */
void runtimes_newest(const struct runtimes *runtimes, const char *today, struct str *out);

/* Is a spec right? Each field by its row in the table, then the rules that tie fields together.
 * Pure. Used at admission, by the controller when admission was bypassed, and by the command line. */
#pragma once

#include "common/base/json.h"
#include "common/function/fields.h"
#include "common/function/findings.h"
#include "common/function/runtimes.h"

struct check {
    const struct json *spec;     /* after defaults */
    const struct json *old_spec; /* what is in force; NULL when the resource is new */
    const struct runtimes *runtimes;
    const char *today;         /* "2026-11-24" */
    const struct json *status; /* of what is there; NULL: not known */
};

/* Appends everything that is wrong. What was wrong before and did not change is only a warning, so that
 * a resource can always be mended step by step, also when the rules have become stricter. */
void check_spec(const struct check *check, struct findings *findings);

/* The rows of a table alone: what is wrong with each field by itself. */
void check_table(const struct field_table *table, const struct json *spec, const struct json *old_spec,
                 struct findings *findings);

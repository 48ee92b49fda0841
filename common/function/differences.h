/* What is declared against what AWS has, field by field, for people. Pure. */
#pragma once

#include "common/function/plan.h"

struct plan_difference {
    char *path; /* below spec: "memorySize", "tags[team]", "code" for the content */
    struct json *before,
        *after;  /* NULL: absent. Both NULL: the content of the code, whose values say nothing */
    bool secret; /* of a map, whose keys may be shown, but no values */
};

struct plan_differences {
    struct plan_difference *items; /* in the order of the table of fields */
    size_t count;
};

/* Of a function that does not exist every declared field is one. Takes plan_make's input; whether the
 * function may be changed at all, plan_make says. */
void plan_differences(const struct plan_input *input, struct plan_differences *ret_differences);
void plan_differences_done(struct plan_differences *differences);

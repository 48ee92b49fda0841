/* How a plan is shown, to people and to programs. Main thread. Private to plan. */
#pragma once

#include "cli/session.h"
#include "common/function/differences.h"

struct planned { /* one function */
    const struct declared *declared;
    bool failed; /* AWS could not be asked: err says why. Nothing below is set then */
    struct err err;
    bool creates;
    bool code_unknown; /* S3 keeps no checksum of the artifact: its content could not be compared */
    struct plan plan;
    struct plan_differences differences;
};

struct plan_totals {
    size_t create, change, same, wait, blocked, refused, failed, unreadable;
};

bool planned_is_refused(const struct planned *planned); /* by admission: it would not come so far */
void planned_count(const struct planned *planned, struct plan_totals *totals);

void plan_print_text(const struct session *session, const struct planned *items, size_t count,
                     const struct plan_totals *totals);
void plan_print_json(const struct session *session, const struct planned *items, size_t count,
                     const struct plan_totals *totals);

/* The events of a LambdaFunction: what was done in AWS, and what needs somebody's attention. */
#pragma once

#include "controller/run.h"

/* A step was run. `reason` NULL: by the step's kind. */
void record_step(const struct run *run, const struct plan_step *step, const char *reason);

/* The status says something new after a look with that result. Progress, and that all is well again, are the
 * status' own business. */
void record_status(const struct run *run, const struct status_change *change, enum reconcile_result result);

/* Anything else. */
void record_event(const struct run *run, bool warning, const char *reason, const char *note);

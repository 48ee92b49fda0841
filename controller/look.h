/* What every look at a resource is made of: what AWS has, what is left to do, doing it. Private to the
 * controller. */
#pragma once

#include "controller/run.h"

/* Asks AWS; the answer is in run->observed. Errors by lambda_call. */
int look_observe(struct run *run, struct err *err) __attribute__((warn_unused_result));

struct plan_input look_input(const struct run *run);

/* What is left to do. Asks S3 for the archive where it matters. */
void look_plan(struct run *run, struct plan *ret_plan);

/* Is the step taken because somebody changed AWS, rather than what is declared? Old versions that go are
 * housekeeping: they come last, after all that may be drift. */
bool look_is_drift(const struct run *run, const struct plan_step *step);

/* Runs a step, and logs what is done and why. As step_run. */
int look_step(struct run *run, const struct plan_step *step, struct json **ret_answer, struct err *err)
    __attribute__((warn_unused_result));

/* The account of the credentials; the caller frees. NULL: not known (yet). */
char *look_account(const struct run *run);

/* Nothing is looked at or changed in an account that is not the resource's: true, with what is wrong. */
bool look_wrong_account(const struct run *run, struct str *message);

/* What has calls of its own beside code and configuration: asked for only when it is declared or was, and
 * then remembered, because a look at each of them is a call. */
#pragma once

#include "controller/run.h"

/* What asks for it; LAMBDA_OPERATIONS: GetFunction shows it. */
enum lambda_operation sides_get(enum field_call call);

/* Adds to run->observed what AWS has. Errors by lambda_call. */
int sides_observe(struct run *run, enum limiter_priority priority, struct err *err)
    __attribute__((warn_unused_result));

/* A step was run. True: run->observed shows what it did, so there is no need to look again. */
bool sides_follow(struct run *run, const struct plan_step *step, const struct json *answer);

/* The version stays, although it was to go; run->observed shows that, too. */
void sides_version_stays(struct run *run, const char *number);

/* Answers by their names, what is known of them so far. */
struct json *sides_known(struct run *run);

/* The next look asks for everything. */
void sides_forget(struct memory *memory);

/* What hangs on a function: asked for only when it is declared or was, and remembered as the side calls are.
 */
#pragma once

#include "common/aws/lambda.h"
#include "common/function/plan_attached.h"
#include "controller/run.h"

/* Whose things are looked at. */
struct attached_target {
    const char *region, *name; /* of the function */
    const char *owner;         /* our value of the owner tag; NULL: nothing is ours */
    const struct json *known;  /* mappings seen before, whose tags are not asked for again; may be NULL */
    enum limiter_priority priority;
    const atomic_bool *stop; /* as in struct lambda_call; may be NULL */
};

/* Where ListEventSourceMappings shows no tags, which say whose a mapping is, each is asked for them. Adds to
 * `observed` what there is of one kind, and the policies' revisions. Errors by lambda_call. *ret_operation
 * (may be NULL) is what was called last. */
int attached_ask(struct aws *aws, const struct attached_target *target, const struct plan_attached *kind,
                 const struct json *qualifiers, struct json *observed, enum lambda_operation *ret_operation,
                 struct err *err) __attribute__((warn_unused_result));

/* Adds to run->observed what AWS has; of a resource that is being deleted, only what outlives the function.
 */
int attached_observe(struct run *run, enum limiter_priority priority, struct err *err)
    __attribute__((warn_unused_result));

/* A step was run. True: run->observed shows what it did, so there is no need to look again. */
bool attached_follow(struct run *run, const struct plan_step *step, const struct json *answer);

/* AWS works on event sources: the next look asks for them anew, but not for their tags. */
void attached_suspect(struct memory *memory);

/* Revision of the policy that a statement is removed from; NULL: not known. */
const char *attached_revision(const struct json *observed, const char *qualifier);

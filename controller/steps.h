/* From a step of the plan to the AWS call that carries it out. It is here because the plan's folder knows
 * no network. */
#pragma once

#include "common/aws/lambda.h"
#include "common/function/plan.h"

struct step_target {
    const char *region, *function_name;
    const struct json
        *observed; /* GetFunction's answer, from which ARN and revision are taken; NULL: absent */
    enum limiter_priority priority;
    const atomic_bool *stop; /* as in struct lambda_call */
    const _Atomic int64_t *send_before_ms;
};

enum lambda_operation step_operation(enum plan_step_kind kind);

/* Runs the step; blocks. The call's answer in *ret_answer (NULL when it has none); the caller frees. An
 * update is refused with the code PreconditionFailedException when the function changed since `observed`. */
int step_run(struct aws *aws, const struct step_target *target, const struct plan_step *step,
             struct json **ret_answer, struct err *err) __attribute__((warn_unused_result));

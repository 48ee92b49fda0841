/* What AWS says of a function, for the subcommands that compare. Any thread. */
#pragma once

#include "cli/repeat.h"
#include "common/aws/lambda.h"

struct observe_target {
    const char *region; /* NULL: the default one */
    const char *name;
    const struct json *spec, *managed; /* which side calls to ask for: those declared or managed; `spec` NULL:
                                          all that such a function can have */
};

/* Beside the answers: why the aliases could not be read; only without a `spec`. */
#define OBSERVE_ALIASES_ERROR "AliasesError"

/* GetFunction's answer with those of the side calls, each under its name; the caller frees. NULL: there is no
 * such function. What passes is asked for again. Errors by lambda_call. */
int observe_function(struct aws *aws, struct repeat *repeat, const struct observe_target *target,
                     struct json **ret_observed, struct err *err) __attribute__((warn_unused_result));

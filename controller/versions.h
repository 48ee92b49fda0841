/* Versions and aliases in AWS: asked for where they matter, in the form that common/function/versions.h
 * describes, and what becomes of that with each step. */
#pragma once

#include "common/aws/lambda.h"
#include "common/function/versions.h"

/* Adds to `known` what is missing there, or may have changed by itself. `like` says where, of which function,
 * and how urgently. Blocks; errors by lambda_call, with the operation that failed in *ret_failed. */
int versions_read(struct aws *aws, const struct lambda_call *like, const struct json *spec,
                  const struct json *managed, struct json *known, enum lambda_operation *ret_failed,
                  struct err *err) __attribute__((warn_unused_result));

/* Adds all aliases with what is kept for each. Blocks; errors as above. */
int versions_read_aliases(struct aws *aws, const struct lambda_call *like, struct json *known,
                          enum lambda_operation *ret_failed, struct err *err)
    __attribute__((warn_unused_result));

/* A function that was just created has none. */
void versions_read_none(struct json *known);

/* AWS refused to delete the version: it is there, and not tried again before all is read anew. */
void versions_stays(struct json *known, const char *number);

/* A step was run, with that answer. True: `known` shows what it did. */
bool versions_follow(struct json *known, const struct plan_step *step, const struct json *answer);

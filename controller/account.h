/* Is everything of the same account: the credentials, the role, the function that is there? */
#pragma once

#include "common/base/str.h"

/* Appends what is wrong and what to do when `role` (spec.role) is of another account than `function_arn` (in
 * the status) or `account` (of the credentials); a function's role is always of the function's account.
 * Nothing where something is not known: NULL, or no ARN. Pure. */
void account_judge(const char *role, const char *function_arn, const char *account, struct str *message);

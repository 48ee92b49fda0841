/* Are the credentials those of the account that a resource is for? */
#pragma once

#include "common/base/str.h"

/* Appends what is wrong and what to do when `role` (spec.role) is of another account than `account` (of the
 * credentials); a function's role is always of the function's account. Nothing when either is not known:
 * NULL, or a role that is no ARN. Pure. */
void account_judge(const char *role, const char *account, struct str *message);

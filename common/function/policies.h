/* All LambdaPolicies as they are now, and what they say together of a namespace.
 * Any thread may call; nothing blocks but for a short lock. */
#pragma once

#include "common/function/policy.h"

struct policies;

struct policies *policies_new(void);
void policies_free(struct policies *policies); /* accepts NULL */

/* Follows one policy: its spec as it is now, NULL when it is gone. Did that change anything? */
bool policies_follow(struct policies *policies, const char *name, const struct json *spec);

/* Does any of them have its functions reached with this role? */
bool policies_name_role(struct policies *policies, const char *role_arn);

/* What holds for a namespace with these labels (may be NULL), with a reference for the caller. Remembered
 * until a policy changes, so that the cost does not depend on how many there are. */
struct policy_effective *policies_effective(struct policies *policies, const struct json *labels);

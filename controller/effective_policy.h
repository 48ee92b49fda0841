/* Which policies hold for a resource: those of its namespace, as the informers know them. */
#pragma once

#include "controller/run.h"

/* Sets run->policy, and run->aws by its role. False: the namespace is not known, so that nobody can say. */
bool effective_policy_find(struct run *run);

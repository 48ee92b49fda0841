/* Deletion protection where admission cannot enforce it: with a namespace everything in it goes, and what a
 * LambdaPolicy protects stays in AWS. */
#pragma once

#include "controller/run.h"

/* Sets run->retain where the function is to stay when its resource goes; after effective_policy_find. */
void protection_look(struct run *run);

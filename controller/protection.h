/* Deletion protection where admission cannot enforce it: with a namespace everything in it goes, and what a
 * LambdaPolicy protects stays in AWS. */
#pragma once

#include "controller/run.h"

/* Sets run->retain where the function is to stay when its resource goes. ERR_NOT_FOUND: the namespace is not
 * known, so that nobody can tell. */
int protection_look(struct run *run, struct err *err) __attribute__((warn_unused_result));

/* Is AWS as a resource declares? */
#pragma once

#include "tests/model/cloud.h"

/* Appends what is not. What is not declared has to be AWS's default, unless somebody else set it. */
void declared_compare(const struct json *spec, const struct cloud_function *function, struct str *out);

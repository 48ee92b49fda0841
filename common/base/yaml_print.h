/* JSON trees as readable YAML. */
#pragma once

#include "common/base/json.h"

/* Appends the value as a block-style document; strings are quoted only where YAML needs it. */
void yaml_print(const struct json *json, struct str *out);

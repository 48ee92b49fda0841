/* The CustomResourceDefinitions of LambdaFunction and LambdaPolicy, written from their tables. Pure. */
#pragma once

#include "common/base/json.h"

/* New trees; the caller frees. */
struct json *schema_function_crd(void);
struct json *schema_policy_crd(void);

/* The field references as Markdown tables. */
void schema_function_reference(struct str *out);
void schema_policy_reference(struct str *out);

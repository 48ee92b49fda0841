/* Names in use: which resource holds a function's name in an account and region. The account is the one
 * in spec.role, which AWS demands to be the function's own.
 *
 * Fed by whoever watches the resources, so it lags a little behind: of two resources created at the same
 * moment both may find the name free. The owner tag in AWS then decides: the second one stalls. */
#pragma once

#include "common/base/json.h"

struct registry;

struct registry *registry_new(void);
void registry_free(struct registry *registry); /* accepts NULL */

/* Follows one resource: `key` is "namespace/name", `spec` as it is now, NULL when it is gone. One that is
 * being deleted still holds its name. Any thread. */
void registry_follow(struct registry *registry, const char *key, const struct json *spec);

/* The key of another resource than `key` that holds the name which `spec` declares; NULL when there is
 * none, or when `spec` lacks a part of the name. The caller frees. Any thread. */
char *registry_holder(struct registry *registry, const char *key, const struct json *spec);

/* The statements of a function's policy, between the form of AddPermission's request and that in which
 * GetPolicy shows them. Pure. Source: the Lambda API's model and its recorded answers. */
#pragma once

#include "common/base/json.h"

/* What the ids of statements begin with that follow from other fields. */
#define PERMISSION_OURS "kubelambda-"

/* "s3", or "live/s3" in the policy of an alias or version. The caller frees. */
char *permission_key(const char *qualifier, const char *sid);

/* Brings the principal into the form that is compared: an account's root is the account. */
void permission_complete(struct json *item);

/* Does no condition limit who gets in? Of an item of the spec. To the principal *, a source says something
 * only where it is one account's or one resource. */
bool permission_is_open(const struct json *declared);

/* Adds what a public URL takes and no other statement says. */
void permission_add_public(const struct json *spec, struct json *want);

/* Adds a statement under its key; one that AddPermission could not have made has only its id. One without
 * an id is somebody else's. */
void permission_read_statement(const struct json *statement, const char *qualifier, struct json *have);

/* The same of AddPermission's answer. False: it cannot be read. */
bool permission_read_added(const struct json *answer, const char *qualifier, struct json *have);

/* As `read` of struct plan_attached, of GetPolicy's answer. */
int permission_read(const struct json *answer, const char *qualifier, const char *owner, struct json *have,
                    struct err *err) __attribute__((warn_unused_result));

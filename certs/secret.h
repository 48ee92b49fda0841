/* The Secret kubelambda-ca, in which the replicas share their authority, and its text. Writes are optimistic:
 * who comes second learns so (ERR_CONFLICT) and reads again. Any thread; blocks on the API server. */
#pragma once

#include "certs/rotation.h"
#include "common/kube/client.h"

#define SECRET_NAME "kubelambda-ca"

/* What is in it. ERR_INVALID says which member is missing or wrong. */
int secret_parse(const struct json *secret, struct authorities *ret_authorities, struct err *err)
    __attribute__((warn_unused_result));

/* The object that replaces `secret`, or a new one when that is NULL. The caller frees. */
struct json *secret_document(const struct json *secret, const struct authorities *authorities);

/* ERR_NOT_FOUND: there is none; otherwise the API server's errors. */
int secret_read(struct kube *kube, const char *namespace, struct json **ret_secret, struct err *err)
    __attribute__((warn_unused_result));

/* Creates it, or replaces what `secret` (as it was read) holds of ours. ERR_CONFLICT: somebody else was
 * faster. ERR_NOT_FOUND: there is no such namespace, or the Secret is gone by now. */
int secret_write(struct kube *kube, const char *namespace, const struct json *secret,
                 const struct authorities *authorities, struct err *err) __attribute__((warn_unused_result));

/* The values that environment.valueFrom takes from Secrets and ConfigMaps of the resource's namespace.
 *
 * Read at every look, because rotation shows only by comparing them with what AWS has. They are in the spec
 * that is made here and in the request to AWS, and nowhere else: not cached, logged, in a status or a
 * message. */
#pragma once

#include "common/function/runtimes.h"
#include "common/kube/client.h"

/* The spec with those values among its environment.variables in *ret_spec (NULL where it takes none); the
 * caller frees. On failure *ret_reason is what the status says ("SecretNotFound"), and the message says what
 * to do; or NULL when the API server could not be asked: errors by kube_call. Blocks. */
int references_resolve(struct kube *kube, const char *namespace, const struct json *spec,
                       struct json **ret_spec, const char **ret_reason, struct err *err)
    __attribute__((warn_unused_result));

/* Is the environment one that AWS takes, now that its values are known? Else `wrong` says why not, without a
 * value. Pure. */
bool references_fit(const struct json *resolved, const struct json *spec, const struct runtimes *runtimes,
                    struct str *wrong);

/* Reads the informers' copies. Whoever has the resource's key calls. */
#include "controller/effective_policy.h"

#include "common/base/mem.h"

bool effective_policy_find(struct run *run)
{
    const struct reconciler *with = run->with;

    run->aws = with->aws;
    if (!with->namespaces)
        return true;
    _cleanup_(json_freep) struct json *namespace =
        informer_get_json(with->namespaces, run->resource.namespace);

    if (!namespace)
        return false;
    run->policy = policies_effective(with->policies, json_at(namespace, "metadata.labels"));
    run->role = run->policy->assume_role;
    if (run->role)
        run->aws = aws_for_role(with->aws, run->role);
    return true;
}

/* Reads the informer's copy of the namespace. Whoever has the resource's key calls. */
#include "controller/protection.h"

#include "common/base/log.h"
#include "common/base/mem.h"

int protection_look(struct run *run, struct err *err)
{
    const struct reconciler *with = run->with;

    run->retain = plan_retains(run->resource.spec);
    if (run->retain || !with->namespaces)
        return 0;
    _cleanup_(kube_object_unrefp) struct kube_object *object =
        informer_get(with->namespaces, run->resource.namespace);
    _cleanup_(json_freep) struct json *namespace = NULL;

    if (!object || json_parse(view(object->json), &namespace, err) < 0)
        return err_set(err, ERR_NOT_FOUND,
                       "the namespace %.63s is not there, so that nobody can tell whether a policy protects "
                       "its functions",
                       run->resource.namespace);
    struct policy_effective *effective =
        policies_effective(with->policies, json_at(namespace, "metadata.labels"));

    run->retain = effective->deletion_protection != NULL;
    if (run->retain)
        log_info("a function stays in AWS, since a policy protects it from deletion", "function",
                 run->resource.key, "policy", effective->deletion_protection);
    policy_effective_unref(effective);
    return 0;
}

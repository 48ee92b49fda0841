/* Reads the informers' copies. Whoever has the resource's key calls. */
#include "controller/governing.h"

#include "common/base/mem.h"

struct json *governing_read(struct informer *informer, const char *key)
{
    _cleanup_(kube_object_unrefp) struct kube_object *object = informer_get(informer, key);
    struct json *parsed = NULL;

    return object && json_parse(view(object->json), &parsed, NULL) == 0 ? parsed : NULL;
}

bool governing_look(struct run *run)
{
    const struct reconciler *with = run->with;

    run->aws = with->aws;
    if (!with->namespaces)
        return true;
    _cleanup_(json_freep) struct json *namespace = governing_read(with->namespaces, run->resource.namespace);

    if (!namespace)
        return false;
    run->policy = policies_effective(with->policies, json_at(namespace, "metadata.labels"));
    run->role = run->policy->assume_role;
    if (run->role)
        run->aws = aws_for_role(with->aws, run->role);
    return true;
}

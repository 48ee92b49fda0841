/* Reads the informer's copy of the namespace. Whoever has the resource's key calls. */
#include "controller/protection.h"

#include "common/base/log.h"
#include "common/base/mem.h"

/* An informer's copy, parsed; the caller frees. NULL: there is none. */
static struct json *read_object(struct informer *informer, const char *key)
{
    _cleanup_(kube_object_unrefp) struct kube_object *object = informer_get(informer, key);
    struct json *parsed = NULL;

    return object && json_parse(view(object->json), &parsed, NULL) == 0 ? parsed : NULL;
}

/* At the policy: nothing new can be told in a namespace that is being deleted. */
static void tell_retained(const struct run *run, const char *policy)
{
    _cleanup_(json_freep) struct json *object = read_object(run->with->policy_objects, policy);
    _cleanup_(freep) char *note = xasprintf(
        "%s goes with its namespace; the function %s in %s stays in AWS, since the policy protects it",
        run->resource.key, run->function_name ? run->function_name : "?", run->region ? run->region : "?");

    log_info("a function stays in AWS, since a policy protects it", "function", run->resource.key, "policy",
             policy);
    events_tell(run->with->events, &(struct event){.api_version = KUBE_API_VERSION,
                                                   .kind = "LambdaPolicy",
                                                   .name = policy,
                                                   .uid = json_str_at(object, "metadata.uid"),
                                                   .warning = true,
                                                   .reason = "Retained",
                                                   .note = note});
}

int protection_look(struct run *run, struct err *err)
{
    const struct reconciler *with = run->with;

    run->retain = plan_retains(run->resource.spec);
    if (run->retain || !with->namespaces)
        return 0;
    _cleanup_(json_freep) struct json *namespace = read_object(with->namespaces, run->resource.namespace);

    if (!namespace)
        return err_set(err, ERR_NOT_FOUND,
                       "the namespace %.63s is not there, so that nobody can tell whether a policy protects "
                       "its functions",
                       run->resource.namespace);
    struct policy_effective *effective =
        policies_effective(with->policies, json_at(namespace, "metadata.labels"));

    run->retain = effective->deletion_protection != NULL;
    if (run->retain)
        tell_retained(run, effective->deletion_protection);
    policy_effective_unref(effective);
    return 0;
}

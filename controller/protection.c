/* What the policies that hold for a resource say. Whoever has the resource's key calls. */
#include "controller/protection.h"

#include "common/base/log.h"
#include "common/base/mem.h"

/* At the policy: nothing new can be written into a namespace that is being deleted. */
static void record_retained(const struct run *run, const char *policy)
{
    _cleanup_(json_freep) struct json *object = informer_get_json(run->with->policy_objects, policy);
    _cleanup_(freep) char *note = xasprintf(
        "%s goes with its namespace; the function %s in %s stays in AWS, since the policy protects it",
        run->resource.key, run->function_name ? run->function_name : "?", run->region ? run->region : "?");

    log_info("a function stays in AWS, since a policy protects it", "function", run->resource.key, "policy",
             policy);
    events_record(run->with->events, &(struct event){.api_version = KUBE_API_VERSION,
                                                     .kind = "LambdaPolicy",
                                                     .name = policy,
                                                     .uid = json_str_at(object, "metadata.uid"),
                                                     .warning = true,
                                                     .reason = "Retained",
                                                     .note = note});
}

void protection_look(struct run *run)
{
    const char *policy = run->policy ? run->policy->deletion_protection : NULL;

    run->retain = policy || plan_retains(run->resource.spec);
    if (policy && !plan_retains(run->resource.spec))
        record_retained(run, policy);
}

/* Steps and statuses as events. Any thread, no state. */
#include "controller/tell.h"

#include "common/base/mem.h"

void tell(const struct run *run, bool warning, const char *reason, const char *note)
{
    const struct resource *resource = &run->resource;

    events_tell(run->with->events, &(struct event){.api_version = KUBE_API_VERSION,
                                                   .kind = "LambdaFunction",
                                                   .namespace = resource->namespace,
                                                   .name = resource->name,
                                                   .uid = resource->uid,
                                                   .warning = warning,
                                                   .reason = reason,
                                                   .note = note});
}

static const char *step_reason(enum plan_step_kind kind)
{
    return kind == PLAN_CREATE        ? "Created"
           : kind == PLAN_UPDATE_CODE ? "CodeDeployed"
           : kind == PLAN_DELETE      ? "Deleted"
                                      : "ConfigurationUpdated";
}

void tell_step(const struct run *run, const struct plan_step *step, const char *reason)
{
    const char *key = json_str_at(run->resource.spec, "code.s3Key");
    const char *from = key ? key : json_str_at(run->resource.spec, "code.imageUri");
    bool code = from && (step->kind == PLAN_CREATE || step->kind == PLAN_UPDATE_CODE);
    _cleanup_(freep) char *note = xasprintf("%s in %s: %s%s%s", run->function_name, run->region,
                                            step->summary, code ? ", from " : "", code ? from : "");

    tell(run, false, reason ? reason : step_reason(step->kind), note);
}

void tell_status(const struct run *run, const struct status_change *change, enum reconcile_result result)
{
    bool drifted = change->drift && !str_equal(change->drift, STATUS_NO_DRIFT);

    if (drifted)
        tell(run, true, change->drift, change->drift_message);
    else if (change->phase != STATUS_READY && result != RECONCILE_WAIT)
        tell(run, result == RECONCILE_ERROR, change->reason, change->message);
}

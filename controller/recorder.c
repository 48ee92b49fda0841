/* Steps and statuses as events. Any thread, no state. */
#include "controller/recorder.h"

#include "common/base/mem.h"
#include "controller/history.h"

void record_event(const struct run *run, bool warning, const char *reason, const char *note)
{
    const struct resource *resource = &run->resource;

    events_record(run->with->events, &(struct event){.api_version = KUBE_API_VERSION,
                                                     .kind = "LambdaFunction",
                                                     .namespace = resource->namespace,
                                                     .name = resource->name,
                                                     .uid = resource->uid,
                                                     .warning = warning,
                                                     .reason = reason,
                                                     .note = note});
}

/* Of all others: ConfigurationUpdated. */
static const char *const reasons[PLAN_STEP_KINDS] = {
    [PLAN_CREATE] = "Created",
    [PLAN_UPDATE_CODE] = "CodeDeployed",
    [PLAN_DELETE] = "Deleted",
    [PLAN_PUBLISH] = "VersionPublished",
    [PLAN_DELETE_VERSION] = "VersionDeleted",
    [PLAN_CREATE_ALIAS] = "AliasChanged",
    [PLAN_UPDATE_ALIAS] = "AliasChanged",
    [PLAN_DELETE_ALIAS] = "AliasChanged",
};

void record_step(const struct run *run, const struct plan_step *step, const char *reason)
{
    const struct json *spec = run->resource.spec, *earlier = NULL;
    _cleanup_(str_done) struct str note = STR_INIT(4096);
    const char *key = json_str_at(spec, "code.s3Key");
    const char *from = key ? key : json_str_at(spec, "code.imageUri");

    str_addf(&note, "%s in %s: %s", run->function_name, run->region, step->summary);
    if (from && (step->kind == PLAN_CREATE || step->kind == PLAN_UPDATE_CODE))
        str_addf(&note, ", from %s", from);
    if (step->kind == PLAN_UPDATE_CODE)
        earlier = history_earlier(json_get(run->resource.status, "history"), spec);
    if (earlier) {
        str_addf(&note, ", as of %s", json_str_at(earlier, "time"));
        reason = "RolledBack";
    }
    record_event(run, false,
                 reason                ? reason
                 : reasons[step->kind] ? reasons[step->kind]
                                       : "ConfigurationUpdated",
                 str_text(&note));
}

void record_status(const struct run *run, const struct status_change *change, enum reconcile_result result)
{
    bool drifted = change->drift && !str_equal(change->drift, STATUS_NO_DRIFT);

    if (drifted)
        record_event(run, true, change->drift, change->drift_message);
    else if (change->phase != STATUS_READY && result != RECONCILE_WAIT)
        record_event(run, result == RECONCILE_ERROR, change->reason, change->message);
}

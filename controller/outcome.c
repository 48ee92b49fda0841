/* How a look at a resource can end: what the status says then, and when the next look is due. */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/function/function.h"
#include "controller/archive.h"
#include "controller/recorder.h"

enum {
    RESYNC_JITTER_PERCENT = 10,
    OVER_MS = 1000, /* by then the workers have been stopped */
    BUSY_SHOWN_MS = 15 * 1000,
    BUSY_LONG_MS = 5 * 60 * 1000,
    ROLE_RETRY_MS = 5 * 1000,
    ROLE_PATIENCE_MS = 3 * 60 * 1000, /* a new role is usable after seconds, seldom after minutes */
    HICCUPS = 2, /* failures in a row that do not make a function that is in force look otherwise */
};

#define ARTIFACT_CHANGED "ArtifactChanged"

static const struct queue_backoff aws_backoff = {.first_ms = 1000, .max_ms = 2 * 60 * 1000};
static const struct queue_backoff kube_backoff = {.first_ms = 5, .max_ms = 1000 * 1000};

static struct reconcile_next after(enum reconcile_result result, int64_t ms)
{
    return (struct reconcile_next){.result = result, .after_ms = ms > 0 ? ms : 1};
}

const struct json *run_spec(const struct run *run)
{
    return run->resolved ? run->resolved : run->resource.spec;
}

const struct json *run_deployed(const struct run *run)
{
    return run->memory->deployed ? run->memory->deployed : json_get(run->resource.status, "deployed");
}

bool run_found(const struct run *run)
{
    return run->memory->found && run->observed;
}

struct reconcile_next end_over(void)
{
    return after(RECONCILE_WAIT, OVER_MS);
}

/* What is in force is looked at when a list tells that it changed, and in a slow rotation; what has stalled
 * at each resync. */
static int64_t rest_ms(const struct run *run, bool ready)
{
    struct memory *memory = run->memory;

    if (!ready)
        return queue_jitter(run->with->resync_ms, RESYNC_JITTER_PERCENT);
    if (!memory->rotation_ms || run->now_ms >= memory->rotation_ms)
        memory->rotation_ms = run->now_ms + queue_jitter(run->with->rotation_ms, RESYNC_JITTER_PERCENT);
    return memory->rotation_ms - run->now_ms;
}

/* Whatever keeps a resource that is being deleted, there is a way out. */
static char *with_way_out(const struct run *run, const char *message)
{
    return xasprintf("%s. Until that is over the finalizer stays; to let go and leave the function behind: "
                     "kubectl -n %s patch lambdafunction %s --type merge -p "
                     "'{\"metadata\":{\"finalizers\":null}}'",
                     message, run->resource.namespace, run->resource.name);
}

static int say(struct run *run, const struct status_change *change, enum reconcile_result result,
               struct err *err)
{
    struct status_change told = *change;
    _cleanup_(freep) char *message = run->resource.deleting ? with_way_out(run, change->message) : NULL;
    bool news = status_is_news(run->resource.status, change);

    if (message)
        told.message = message;
    int r = resource_set_status(&run->resource, run->with->kube, &told, err);

    if (r == 0 && news)
        record_status(run, &told, result);
    return r;
}

/* Writes the status; then there is nothing to do before the next look. */
static struct reconcile_next rest(struct run *run, const struct status_change *change,
                                  enum reconcile_result result)
{
    struct err err;

    if (say(run, change, result, &err) < 0)
        return end_kube_failed(run, &err);
    run->memory->resting = true;
    run->memory->busy_ms = 0;
    run->memory->failures = 0;
    run->memory->full = false;
    struct reconcile_next next = after(result, rest_ms(run, change->phase == STATUS_READY));

    next.upkeep = true;
    return next;
}

/* The step's memory is of use only until the status tells of it. */
static struct reconcile_next rest_in_force(struct run *run, const struct status_change *change)
{
    struct memory *memory = run->memory;
    struct reconcile_next next = rest(run, change, RECONCILE_SUCCESS);

    if (memory->resting) {
        memory_forget_steps(memory);
        memory->role_ms = 0;
        json_free(take(memory->deployed));
    }
    return next;
}

/* An archive that was overwritten stays so until it is deployed, or looked at and found as it was. */
static const char *artifact_drift(const struct run *run)
{
    bool told = str_equal(status_drift(run->resource.status), ARTIFACT_CHANGED);

    if (archive_is_overwritten(run))
        return ARTIFACT_CHANGED;
    return told && !run->is_found && !run->artifact_asked && !run->memory->deployed ? NULL : STATUS_NO_DRIFT;
}

struct reconcile_next end_in_force(struct run *run)
{
    const struct json *spec = run->resource.spec;
    _cleanup_(json_freep) struct json *deployed = run_new_deployed(run, run->observed, false);
    _cleanup_(json_freep) struct json *newer =
        plan_managed_by_newer(json_get(run->resource.status, "managed"));
    _cleanup_(json_freep) struct json *managed = plan_managed(run_spec(run), newer);
    const char *drift = artifact_drift(run);
    _cleanup_(freep) char *drift_message =
        str_equal(drift, ARTIFACT_CHANGED)
            ? xasprintf("s3://%s/%s was overwritten after it was deployed; write code.follow: true to deploy "
                        "it, or give the annotation " FUNCTION_REDEPLOY " another value",
                        json_str_at(spec, "code.s3Bucket"), json_str_at(spec, "code.s3Key"))
            : NULL;

    return rest_in_force(run, &(struct status_change){.phase = STATUS_READY,
                                                      .reason = "InForce",
                                                      .message = "the function is as declared",
                                                      .generation = run->resource.generation,
                                                      .observed = run->observed,
                                                      .deployed = deployed,
                                                      .managed = managed,
                                                      .drift = drift,
                                                      .drift_message = drift_message});
}

static bool has_failed(const struct run *run)
{
    return str_equal(json_str_at(run->observed, "Configuration.State"), "Failed");
}

/* One that is gone or failed cannot be called Ready. */
struct reconcile_next end_drifted(struct run *run, const char *names)
{
    bool ready = run->observed && !has_failed(run);
    const char *reason = run->observed ? "Drifted" : "FunctionGone";
    _cleanup_(freep) char *message =
        run->observed ? xasprintf("AWS was changed and driftPolicy: Report leaves it so: %s", names)
                      : xstrdup("the function was deleted in AWS and driftPolicy: Report leaves it so; write "
                                "driftPolicy: Correct, or change the spec, to create it again");
    const struct status_change change = {.phase = ready ? STATUS_READY : STATUS_STALLED,
                                         .reason = reason,
                                         .message = message,
                                         .generation = run->resource.generation,
                                         .observed = run->observed,
                                         .deployed = run->memory->deployed,
                                         .drift = reason,
                                         .drift_message = message};

    return ready ? rest_in_force(run, &change) : rest(run, &change, RECONCILE_ERROR);
}

struct reconcile_next end_stalled(struct run *run, const char *reason, const char *message)
{
    const struct status_change change = {.phase = STATUS_STALLED,
                                         .reason = reason,
                                         .message = message,
                                         .generation = run->resource.generation,
                                         .found = run_found(run),
                                         .observed = run->observed,
                                         .deployed = run->memory->deployed};

    return rest(run, &change, RECONCILE_ERROR);
}

struct reconcile_next end_suspended(struct run *run)
{
    const struct status_change change = {
        .phase = STATUS_RECONCILING,
        .reason = "Suspended",
        .message = "nothing is written to AWS while spec.suspend is true",
        .generation = run->resource.generation,
    };

    return rest(run, &change, RECONCILE_SUCCESS);
}

/* Writes the status, then `next`, unless the API server objects. */
static struct reconcile_next say_reconciling(struct run *run, const char *reason, const char *message,
                                             struct reconcile_next next)
{
    const struct status_change change = {.phase = STATUS_RECONCILING,
                                         .reason = reason,
                                         .message = message,
                                         .generation = run->resource.generation,
                                         .found = run_found(run),
                                         .observed = run->observed,
                                         .deployed = run->memory->deployed};
    struct err err;

    return say(run, &change, next.result, &err) < 0 ? end_kube_failed(run, &err) : next;
}

struct reconcile_next end_busy(struct run *run, const char *reason)
{
    struct memory *memory = run->memory;

    if (!memory->busy_ms)
        memory->busy_ms = run->now_ms;
    int64_t waited = run->now_ms - memory->busy_ms;
    struct reconcile_next next = after(RECONCILE_WAIT, waited < 1000           ? 1000
                                                       : waited < 3000         ? 2000
                                                       : waited < 6000         ? 3000
                                                       : waited < BUSY_LONG_MS ? 5000
                                                                               : 30000);

    if (waited < BUSY_SHOWN_MS)
        return next;
    return say_reconciling(run, reason, "waiting for AWS, which is still working on the function", next);
}

/* What AWS says of a role that is right, too, while it or its policies are new. */
static const struct role_refusal {
    const char *text, *reason, *help;
} role_refusals[] = {
    {"cannot be assumed by Lambda", "RoleNotAssumable",
     "Its trust policy must allow lambda.amazonaws.com to assume it; a role that was just made takes a while "
     "to be usable."},
    {"execution role does not have permissions", "RoleNotPermitted",
     "Its policies must allow that; what was just attached takes a while to be in force."},
};

/* NULL: it is about something else. */
static const struct role_refusal *find_role_refusal(const struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(role_refusals); i++)
        if (strstr(err->msg, role_refusals[i].text))
            return &role_refusals[i];
    return NULL;
}

static struct reconcile_next role_refused(struct run *run, const struct role_refusal *refusal,
                                          const struct err *err)
{
    struct memory *memory = run->memory;
    size_t len = strlen(err->msg);
    bool ends = len > 0 && err->msg[len - 1] == '.';
    _cleanup_(freep) char *message = xasprintf("%s%s %s", err->msg, ends ? "" : ".", refusal->help);

    if (!memory->role_ms)
        memory->role_ms = run->now_ms;
    if (run->now_ms - memory->role_ms >= ROLE_PATIENCE_MS ||
        status_is(run->resource.status, "Stalled", run->resource.generation))
        return end_stalled(run, refusal->reason, message);
    return say_reconciling(run, refusal->reason, message, after(RECONCILE_ERROR, ROLE_RETRY_MS));
}

/* `passing`: it says nothing about the resource itself, and its message may change from try to try. */
static struct reconcile_next retried(struct run *run, const char *reason, const char *message, bool passing,
                                     int64_t at_least_ms)
{
    const struct resource *resource = &run->resource;
    struct memory *memory = run->memory;

    memory->routine =
        run->upkeep && !memory->ran_count; /* else it was begun, and is to be brought to an end */
    struct reconcile_next next = {.result = RECONCILE_ERROR,
                                  .after_ms = at_least_ms,
                                  .backoff = &aws_backoff,
                                  .upkeep = memory->routine};
    bool hiccup = ++memory->failures <= HICCUPS && status_is(resource->status, "Ready", resource->generation);
    bool said = status_is(resource->status, "Reconciling", resource->generation) &&
                str_equal(status_reason(resource->status), reason);

    return passing && (hiccup || said) ? next : say_reconciling(run, reason, message, next);
}

struct reconcile_next end_unresolved(struct run *run, const char *reason, const char *message)
{
    return retried(run, reason, message, false, 0);
}

struct reconcile_next end_kept(struct run *run, const char *reason, const char *message)
{
    return retried(run, reason, message, false, 0);
}

static const char *denied_reason(const struct err *err)
{
    bool by_policy = str_starts_with(err->code, "AccessDenied") || (!err->code[0] && err->status);

    return by_policy ? "AccessDenied" : "CredentialsRejected";
}

static struct reconcile_next denied(struct run *run, const struct err *err)
{
    const char *reason = denied_reason(err);
    _cleanup_(freep) char *message =
        str_equal(reason, "AccessDenied")
            ? xasprintf("%s; allow lambda:%s", err->msg, lambda_operation_name(run->operation))
            : xstrdup(err->msg);

    return retried(run, reason, message, false, err->retry_after_ms);
}

struct reconcile_next end_aws_failed(struct run *run, const struct err *err)
{
    if (reconcile_is_over(run->with)) /* perhaps that is why: nothing that anyone should read */
        return end_over();
    const struct role_refusal *refusal = err->class == ERR_INVALID ? find_role_refusal(err) : NULL;

    if (refusal)
        return role_refused(run, refusal, err);
    switch (err->class) {
    case ERR_INVALID:
    case ERR_NOT_FOUND:
        return end_stalled(run, err->code[0] ? err->code : "Refused", err->msg);
    case ERR_CONFLICT:
        /* One that could not be created takes no updates: waiting would go on for ever. */
        return has_failed(run) ? end_stalled(run, "FunctionFailed", err->msg) : end_busy(run, "Busy");
    case ERR_DENIED:
        return denied(run, err);
    case ERR_THROTTLED:
        return retried(run, "Throttled", err->msg, true, err->retry_after_ms);
    case ERR_RETRY:
    case ERR_FATAL:
        break;
    }
    return retried(run, "AwsUnavailable", err->msg, true, err->retry_after_ms);
}

struct reconcile_next end_kube_failed(struct run *run, const struct err *err)
{
    if (err->class == ERR_NOT_FOUND) /* gone; the informer will say so */
        return (struct reconcile_next){.result = RECONCILE_SUCCESS};
    if (err->class == ERR_CONFLICT) /* a newer one is on its way here */
        return (struct reconcile_next){.result = RECONCILE_WAIT, .backoff = &kube_backoff};
    log_warn("the API server refused", "function", run->resource.key, "error", err->msg);
    return (struct reconcile_next){
        .result = RECONCILE_ERROR, .after_ms = err->retry_after_ms, .backoff = &aws_backoff};
}

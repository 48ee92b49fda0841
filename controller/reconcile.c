/* The controller's straight line: read, check, look, plan, take a step, look again. */
#include "controller/reconcile.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/function/check.h"
#include "common/function/differences.h"
#include "controller/archive.h"
#include "controller/attached.h"
#include "controller/deletion.h"
#include "controller/effective_policy.h"
#include "controller/look.h"
#include "controller/protection.h"
#include "controller/recorder.h"
#include "controller/references.h"
#include "controller/run.h"
#include "controller/sides.h"
#include "controller/steps.h"

enum {
    SURPRISES_MAX = 16, /* looks in one go that found AWS otherwise than a step expected */
    FINDINGS_MAX_BYTES = 16 * 1024,
};

/* Versions of one object count up; what cannot be read as a number is newer when it differs. */
static bool is_newer(const char *version, const char *known)
{
    int64_t a, b;

    if (known && parse_int(version, 0, INT64_MAX, &a) && parse_int(known, 0, INT64_MAX, &b))
        return a > b;
    return !str_equal(version, known);
}

/* Is there nothing to do before the next look is due? Our own writes come back as events, and after a
 * restart everything comes once: neither costs an AWS call. */
static bool may_rest(struct run *run)
{
    const struct resource *resource = &run->resource;
    struct memory *memory = run->memory;
    bool ready = status_is(resource->status, "Ready", resource->generation);
    bool settled = !resource->deleting && resource->finalizer && !archive_redeploys(run) &&
                   (ready || status_is(resource->status, "Stalled", resource->generation));

    if (settled && !memory->due_ms) { /* first seen: spread over the interval */
        memory->due_ms =
            run->now_ms + queue_jitter((ready ? run->with->rotation_ms : run->with->resync_ms) / 2, 100);
        memory->rotation_ms = ready ? memory->due_ms : 0;
        memory->resting = true;
    }
    if (run->now_ms < memory->due_ms && (settled || !is_newer(resource->version, memory->version)))
        return true;
    bool due = run->now_ms >= memory->due_ms, resync = due && memory->resting;

    run->upkeep = resync || (due && memory->routine);
    if (resync)
        memory_forget_steps(memory);
    if (resync && ready && run->now_ms >= memory->rotation_ms) {
        memory->full = true;
        sides_forget(memory);
    }
    memory->resting = memory->routine = false;
    return false;
}

bool reconcile_is_over(const struct reconciler *with)
{
    return atomic_load(with->stopping) ||
           (with->lead_until_ms && clock_boot_ms() >= atomic_load(with->lead_until_ms));
}

/* --- looking -------------------------------------------------------------------------------- */

/* The spec against the rules, as at admission, which may have been bypassed. Of what runs already only
 * what makes it impossible to go on counts. */
static bool spec_is_right(const struct run *run, struct str *summary)
{
    struct findings findings = {0};
    char today[CLOCK_TEXT_SIZE];
    const struct json *spec = run->resource.spec;
    bool runs = json_get(run->resource.status, "deployed") && run->function_name && run->region;

    clock_today(today);
    check_spec(&(struct check){.spec = spec,
                               .old_spec = runs ? spec : NULL,
                               .runtimes = runtimes_get(run->with->runtimes),
                               .today = today,
                               .status = run->resource.status},
               &findings);
    bool right = findings.errors == 0;

    findings_summary(&findings, summary);
    findings_done(&findings);
    return right;
}

/* --- taking a step -------------------------------------------------------------------------- */

static const char *announced_reason(const struct run *run, const struct plan *plan)
{
    return plan->adopts ? "Adopting" : look_is_drift(run, plan->steps) ? "CorrectingDrift" : "Applying";
}

/* Once the function is changed, its version in the status is not what is in force any more. */
static bool tells_of_another_version(const struct run *run)
{
    const struct json *published = json_get(run->observed, "Published");

    return published &&
           !str_equal(json_str_at(published, "version"), json_str_at(run->resource.status, "version"));
}

/* Does the status say whether it is a function to be made anew when it fails? */
static bool tells_of_its_past(const struct run *run, bool anew)
{
    bool marked = json_get(run->resource.status, "appliedGeneration") != NULL;

    return anew ? !marked : marked || !run_found(run);
}

/* Before AWS is changed the status says so, and remembers which fields we are about to manage. A status
 * that says as much already stays as it is, also Stalled: another try at a resync is not news. Somebody's
 * function is taken over only after it has told what will be changed. */
static int announce(struct run *run, const struct plan *plan, struct err *err)
{
    struct resource *resource = &run->resource;
    const struct json *before = json_get(resource->status, "managed");
    _cleanup_(json_freep) struct json *managed = plan_managed(run_spec(run), before);
    bool anew = plan->steps[0].kind == PLAN_CREATE;
    bool again = run->was_in_force && archive_redeploys(run);
    _cleanup_(str_done) struct str summary = STR_INIT(4096);

    if (run->was_in_force && plan->steps[0].kind == PLAN_DELETE_VERSION) /* nothing else is left */
        return 0;
    if (json_equal(managed, before) && !again && !plan->adopts && !tells_of_another_version(run) &&
        tells_of_its_past(run, anew) &&
        (status_is(resource->status, "Reconciling", resource->generation) ||
         status_is(resource->status, "Stalled", resource->generation)))
        return 0;
    plan_summary(plan, &summary);
    if (again) /* what follows from the new code is to be applied, too: no drift, whoever goes on with it */
        run->was_in_force = false;
    return resource_set_status(resource, run->with->kube,
                               &(struct status_change){.phase = STATUS_RECONCILING,
                                                       .reason = announced_reason(run, plan),
                                                       .message = str_text(&summary),
                                                       .generation = resource->generation,
                                                       .found = run_found(run) || plan->adopts || again,
                                                       .observed = run->observed,
                                                       .managed = managed,
                                                       .anew = anew || again},
                               err);
}

static void remember(struct run *run, const struct plan_step *step, const struct json *answer)
{
    struct memory *memory = run->memory;

    memory_note_step(memory, step);
    memory->role_ms = memory->busy_ms = 0;
    memory->failures = 0;
    bool side = sides_follow(run, step, answer);

    run->seen = attached_follow(run, step, answer) || side;
    if (step->kind == PLAN_PUBLISH) {
        free(memory->published);
        memory->published = xstrdup(json_str_at(answer, "Version"));
    }
    if (step->kind == PLAN_UPDATE_CODE || step->kind == PLAN_UPDATE_CONFIGURATION)
        free(take(memory->published)); /* that was of what was before */
    if (step->kind == PLAN_DELETE) {   /* to be made anew: another start, but for this */
        memory_forget_steps(memory);
        memory->recreated_ms = clock_mono_ms();
    }
    if (step->kind == PLAN_CREATE)
        memory->found = false;
    if (step->kind != PLAN_CREATE && step->kind != PLAN_UPDATE_CODE)
        return;
    json_free(take(memory->deployed));
    /* Other content than S3 tells of: the artifact was not deployed, whatever AWS answered. */
    if (run->artifact.sha256[0] && !str_equal(run->artifact.sha256, json_str_at(answer, "CodeSha256")))
        return;
    _cleanup_(json_freep) struct json *shown = json_new_object();

    json_set(shown, "Configuration", json_copy(answer));
    memory->deployed = run_new_deployed(run, shown, true);
}

/* True: that is all for now, with *ret_next. False: look again at once. */
static bool step_failed(struct run *run, const struct plan_step *step, const struct err *err,
                        struct reconcile_next *ret_next)
{
    bool busy = err->class == ERR_CONFLICT && strstr(err->msg, "in progress");

    if (step->kind == PLAN_DELETE_VERSION && !busy &&
        (err->class == ERR_INVALID || err->class == ERR_CONFLICT)) {
        log_warn("an old version stays", "function", run->resource.key, "version", step->item, "error",
                 err->msg);
        sides_version_stays(run, step->item); /* something needs it: tried when all is read anew */
        run->seen = true;
        return false;
    }
    /* The function changed since the look, is there though it was not seen, or is gone though it was. */
    bool changed = str_equal(err->code, "PreconditionFailedException");
    bool exists = err->class == ERR_CONFLICT && step->kind == PLAN_CREATE;

    if (err->class != ERR_THROTTLED) /* what was thought to be there may not be */
        sides_forget(run->memory);
    if (exists && !run->memory->recreated_ms) /* else it may be the one that we deleted */
        run->memory->found = true;
    if (changed || exists)
        return false;
    if (err->class == ERR_NOT_FOUND && step->kind != PLAN_CREATE && !run->vanished) {
        run->vanished = true;
        return false;
    }
    *ret_next = end_aws_failed(run, err);
    return true;
}

/* Everything was asked for once and AWS still shows something else: asking again would go on for ever. */
static struct reconcile_next not_in_force(struct run *run, const struct plan *plan)
{
    const char *why = json_str_at(run->observed, "Configuration.LastUpdateStatusReason");
    bool failed = str_equal(json_str_at(run->observed, "Configuration.LastUpdateStatus"), "Failed");
    _cleanup_(str_done) struct str summary = STR_INIT(4096);
    int64_t now_ms = clock_mono_ms();

    sides_forget(run->memory); /* their answers may lag, too */
    for (size_t i = 0; i < plan->step_count && !failed; i++)
        if (now_ms - memory_ran_ms(run->memory, plan->steps[i].kind, plan->steps[i].item) < READ_LAG_MS)
            return end_busy(run, "NotYetShown");
    plan_summary(plan, &summary);
    _cleanup_(freep) char *message =
        failed ? xasprintf("AWS could not put the change in force: %s", why ? why : "no reason given")
               : xasprintf("AWS accepted the request but does not show its effect: %s", str_text(&summary));

    return end_stalled(run, failed ? "UpdateFailed" : "NotInForce", message);
}

static bool is_busy(const struct json *configuration)
{
    return str_equal(json_str_at(configuration, "State"), "Pending") ||
           str_equal(json_str_at(configuration, "LastUpdateStatus"), "InProgress");
}

/* As step_failed. */
static bool take_step(struct run *run, const struct plan *plan, struct reconcile_next *ret_next)
{
    _cleanup_(json_freep) struct json *answer = NULL;
    const struct plan_step *step = NULL;
    struct err err;

    for (size_t i = 0; i < plan->step_count && !step && !(i > 0 && plan->steps[i].waits); i++)
        if (!memory_ran_ms(run->memory, plan->steps[i].kind, plan->steps[i].item))
            step = &plan->steps[i];
    if (!step) {
        *ret_next = not_in_force(run, plan);
        return true;
    }
    if (announce(run, plan, &err) < 0) {
        *ret_next = end_kube_failed(run, &err);
        return true;
    }
    if (reconcile_is_over(run->with)) {
        *ret_next = end_over();
        return true;
    }
    if (look_step(run, step, &answer, &err) < 0)
        return step_failed(run, step, &err, ret_next);
    record_step(run, step, plan->adopts ? "Adopted" : look_is_drift(run, step) ? "DriftCorrected" : NULL);
    remember(run, step, answer);
    if (!is_busy(answer))
        return false;
    *ret_next = end_busy(run, "Updating");
    return true;
}

/* --- the two directions --------------------------------------------------------------------- */

static struct reconcile_next report_drift(struct run *run, const struct plan *plan)
{
    _cleanup_(plan_differences_done) struct plan_differences differences = {0};
    _cleanup_(str_done) struct str names = STR_INIT(4096);
    const struct plan_input input = look_input(run);

    if (run->observed)
        plan_differences(&input, &differences);
    for (size_t i = 0; i < differences.count; i++)
        str_addf(&names, "%s%s", i > 0 ? ", " : "", differences.items[i].path);
    if (!names.len) { /* of versions, say, which are no fields */
        str_add(&names, "what Correct does: ");
        plan_summary(plan, &names);
    }
    return end_drifted(run, str_text(&names));
}

/* May an answer still show the function that was deleted to be made anew? */
static bool just_deleted(const struct run *run)
{
    return run->memory->recreated_ms && !memory_ran_ms(run->memory, PLAN_CREATE, NULL) &&
           clock_mono_ms() - run->memory->recreated_ms < READ_LAG_MS;
}

/* May an answer still show what was before a write for an earlier generation? It may be what is declared now.
 * An update for this one that AWS took was one of the newest revision. */
static bool just_written(const struct memory *memory)
{
    bool updated = memory_ran_ms(memory, PLAN_UPDATE_CODE, NULL) ||
                   memory_ran_ms(memory, PLAN_UPDATE_CONFIGURATION, NULL);

    return memory->earlier_ms && !updated && clock_mono_ms() - memory->earlier_ms < READ_LAG_MS;
}

/* As step_failed. */
static bool look(struct run *run, struct reconcile_next *ret_next)
{
    _cleanup_(plan_done) struct plan plan = {0};
    struct err err;

    if (!run->seen && look_observe(run, &err) < 0) {
        *ret_next = end_aws_failed(run, &err);
        return true;
    }
    run->seen = false;
    archive_look(run);
    look_plan(run, &plan);
    if (reconcile_is_over(run->with)) { /* all that took a while */
        *ret_next = end_over();
        return true;
    }
    run->memory->found |= plan.foreign;
    switch (plan.outcome) {
    case PLAN_IN_FORCE:
        *ret_next = just_written(run->memory) ? end_busy(run, "NotYetShown") : end_in_force(run);
        break;
    case PLAN_WAIT:
        if (str_equal(plan.reason, ATTACHED_BUSY))
            attached_suspect(run->memory);
        *ret_next = end_busy(run, plan.reason);
        break;
    case PLAN_BLOCKED:
        sides_forget(run->memory); /* what is in the way may be gone by the next look */
        *ret_next =
            just_deleted(run) ? end_busy(run, "NotYetShown") : end_stalled(run, plan.reason, plan.message);
        break;
    case PLAN_STEPS:
        if (!look_is_drift(run, plan.steps) ||
            !str_equal(json_str_at(run->resource.spec, "driftPolicy"), "Report"))
            return take_step(run, &plan, ret_next);
        *ret_next = report_drift(run, &plan);
        break;
    }
    return true;
}

/* As step_failed: the values that the spec takes from Secrets and ConfigMaps. */
static bool resolve(struct run *run, struct reconcile_next *ret_next)
{
    _cleanup_(str_done) struct str wrong = STR_INIT(FINDINGS_MAX_BYTES);
    const char *reason;
    struct err err;
    int r = references_resolve(run->with->kube, run->resource.namespace, run->resource.spec, &run->resolved,
                               &reason, &err);

    if (r < 0) {
        *ret_next = reason ? end_unresolved(run, reason, err.msg) : end_kube_failed(run, &err);
        return true;
    }
    if (run->resolved &&
        !references_fit(run->resolved, run->resource.spec, runtimes_get(run->with->runtimes), &wrong)) {
        *ret_next = end_unresolved(run, "InvalidEnvironment", str_text(&wrong));
        return true;
    }
    return false;
}

static struct reconcile_next bring_in_force(struct run *run)
{
    _cleanup_(str_done) struct str summary = STR_INIT(FINDINGS_MAX_BYTES);
    struct reconcile_next next;
    struct err err;

    if (json_is_true(json_get(run->resource.spec, "suspend")))
        return end_suspended(run);
    if (!run->governed) { /* the namespace is new; the informer will say so */
        err_set(&err, ERR_CONFLICT, "the namespace is not known");
        return end_kube_failed(run, &err);
    }
    if (!run->resource.finalizer && resource_set_finalizer(&run->resource, run->with->kube, true, &err) < 0)
        return end_kube_failed(run, &err);
    if (!spec_is_right(run, &summary))
        return end_stalled(run, "InvalidSpec", str_text(&summary));
    str_clear(&summary);
    if (look_wrong_account(run, &summary))
        return end_stalled(run, "WrongAccount", str_text(&summary));
    if (resolve(run, &next))
        return next;
    for (size_t looks = 0; looks < SURPRISES_MAX + run->memory->ran_count; looks++)
        if (look(run, &next))
            return next;
    return end_busy(run, "Changing"); /* somebody else changes it all the time */
}

struct reconcile_next reconcile(const struct reconciler *with, const struct kube_object *object,
                                struct memory *memory)
{
    struct run run = {.with = with, .memory = memory, .now_ms = clock_mono_ms()};
    struct reconcile_next next;
    struct err err;

    if (reconcile_is_over(with))
        return end_over();
    if (resource_init(&run.resource, object, &err) < 0) {
        log_error("an object that cannot be read", "function", object->key, "error", err.msg);
        return (struct reconcile_next){.result = RECONCILE_ERROR, .phase = STATUS_STALLED};
    }
    run.function_name = json_str_at(run.resource.spec, "functionName");
    run.region = json_str_at(run.resource.spec, "region");
    run.owner = xasprintf("%s/%s/%s", with->cluster_id, run.resource.namespace, run.resource.name);
    run.redeploy = archive_request(&run.resource);
    run.was_in_force = json_int_at(run.resource.status, "appliedGeneration", -1) == run.resource.generation;
    run.governed = effective_policy_find(&run);
    memory_follow(memory, &run);
    if (may_rest(&run)) {
        int64_t after_ms = memory->due_ms < INT64_MAX ? memory->due_ms - run.now_ms : 0;

        next = (struct reconcile_next){.result = RECONCILE_SUCCESS,
                                       .after_ms = after_ms,
                                       .rests = true,
                                       .upkeep = memory->resting || memory->routine};
    } else {
        next = run.resource.deleting ? deletion_go_on(&run) : bring_in_force(&run);
        free(memory->version); /* NOLINT(clang-analyzer-unix.Malloc): memory_clear leaves NULL behind */
        memory->version = xstrdup(run.resource.version);
    }
    json_free(run.observed);
    json_free(run.resolved);
    free(run.owner);
    free(run.redeploy);
    next.phase = status_phase(run.resource.status);
    policy_effective_unref(run.policy);
    resource_done(&run.resource);
    return next;
}

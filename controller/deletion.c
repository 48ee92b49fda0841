/* The controller's straight line for a resource that is being deleted. Whoever has its key calls. */
#include "controller/deletion.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "controller/attached.h"
#include "controller/look.h"
#include "controller/protection.h"
#include "controller/recorder.h"

enum {
    RELEASES_MAX = 3, /* a function that is left behind does not hold up its resource for longer */
    RELEASE_RETRY_MS = 1000,
    WRONG_MAX_BYTES = 4096,
};

static struct reconcile_next finalizer_off(struct run *run)
{
    struct err err;

    if (resource_set_finalizer(&run->resource, run->with->kube, false, &err) < 0)
        return end_kube_failed(run, &err);
    return (struct reconcile_next){.result = RECONCILE_SUCCESS};
}

/* All steps of a plan that nothing follows on. What is gone already is as wanted. */
static int run_all(struct run *run, const struct plan *plan, const char *reason, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < plan->step_count && r == 0; i++) {
        r = look_step(run, &plan->steps[i], NULL, err);
        if (r == ERR_NOT_FOUND)
            r = 0;
        if (r == 0)
            record_step(run, &plan->steps[i], reason);
    }
    return r;
}

/* A function that was created or taken over just before may not be shown so yet. Where Ready was the last
 * word nothing was written since; where there was no word, nothing ever was. */
static bool may_be_ours(struct run *run, const struct plan *plan)
{
    const struct json *status = run->resource.status;

    if (plan->outcome != PLAN_IN_FORCE || !status_reason(status) || status_phase(status) == STATUS_READY) {
        run->memory->missed_ms = 0;
        return false;
    }
    if (!run->memory->missed_ms)
        run->memory->missed_ms = run->now_ms;
    return run->now_ms - run->memory->missed_ms < READ_LAG_MS;
}

static struct reconcile_next leave_behind(struct run *run, const char *why)
{
    log_warn("a function was left behind with its owner's tag", "function", run->resource.key, "error", why);
    record_event(run, true, "LeftBehind", why);
    return finalizer_off(run);
}

/* The tag is taken off as well as that can be done; then the function is left as it is. */
static struct reconcile_next release(struct run *run)
{
    _cleanup_(plan_done) struct plan plan = {0};
    struct err err;
    int r = look_observe(run, &err);

    if (r == 0) {
        look_plan(run, &plan);
        if (may_be_ours(run, &plan))
            return end_busy(run, "NotYetShown");
        if (plan.outcome == PLAN_STEPS && reconcile_is_over(run->with))
            return end_over();
        if (plan.outcome == PLAN_STEPS)
            r = run_all(run, &plan, "Retained", &err);
        if (plan.outcome == PLAN_BLOCKED)
            r = err_set(&err, ERR_DENIED, "%s", plan.message);
    }
    if (r == 0 || r == ERR_NOT_FOUND)
        return finalizer_off(run);
    if (reconcile_is_over(run->with))
        return end_over();
    if (++run->memory->releases < RELEASES_MAX)
        return (struct reconcile_next){.result = RECONCILE_ERROR, .after_ms = RELEASE_RETRY_MS};
    return leave_behind(run, err.msg);
}

/* There was a function, and it is not in this account: which is that? */
static bool is_perhaps_elsewhere(const struct run *run)
{
    _cleanup_(freep) char *account = look_account(run);

    return !run->observed && !account && json_get(run->resource.status, "functionArn");
}

struct reconcile_next deletion_go_on(struct run *run)
{
    _cleanup_(plan_done) struct plan plan = {0};
    _cleanup_(str_done) struct str wrong = STR_INIT(WRONG_MAX_BYTES);
    struct err err;

    if (!run->resource.finalizer)
        return (struct reconcile_next){.result = RECONCILE_SUCCESS};
    if (!run->governed)
        return end_kept(run, "NamespaceUnknown",
                        "the namespace is not known, so that nobody can tell which policies hold in it");
    protection_look(run);
    if (!run->function_name || !run->region) {
        if (run->retain || !json_get(run->resource.status, "functionArn"))
            return finalizer_off(run); /* it never got as far as AWS */
        return end_kept(run, "InvalidSpec",
                        "spec.functionName or spec.region is gone, so the function cannot be "
                        "deleted; write them again as in status.functionArn");
    }
    bool elsewhere = look_wrong_account(run, &wrong);

    if (run->retain)
        return elsewhere ? leave_behind(run, str_text(&wrong)) : release(run);
    if (elsewhere)
        return end_kept(run, "WrongAccount", str_text(&wrong));
    if (look_observe(run, &err) < 0)
        return end_aws_failed(run, &err);
    if (is_perhaps_elsewhere(run))
        return end_kept(run, "AccountUnknown",
                        "there is no such function, but nobody can tell whether this is its account before "
                        "STS answers (GetCallerIdentity)");
    look_plan(run, &plan);
    if (may_be_ours(run, &plan))
        return end_busy(run, "NotYetShown");
    if (plan.outcome == PLAN_BLOCKED)
        return end_kept(run, plan.reason, plan.message);
    if (plan.outcome == PLAN_STEPS && reconcile_is_over(run->with))
        return end_over();
    if (plan.outcome == PLAN_STEPS && run_all(run, &plan, NULL, &err) < 0)
        return end_aws_failed(run, &err);
    /* AWS works on an event source that has to go before the function does. */
    if (plan.outcome == PLAN_WAIT ||
        (plan.outcome == PLAN_STEPS && plan.steps[plan.step_count - 1].kind != PLAN_DELETE)) {
        attached_suspect(run->memory);
        return end_busy(run, ATTACHED_BUSY);
    }
    return finalizer_off(run);
}

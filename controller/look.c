/* Looks at AWS and steps. Whoever has the resource's key calls. */
#include "controller/look.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/function/versions.h"
#include "controller/account.h"
#include "controller/archive.h"
#include "controller/attached.h"
#include "controller/sides.h"
#include "controller/steps.h"

static enum limiter_priority priority_of(const struct run *run)
{
    return run->upkeep ? LIMITER_UPKEEP : LIMITER_PERSON;
}

/* What is in another form than AWS's must not make a function look like nobody's. */
static bool is_readable(const struct json *answer)
{
    const struct json *tags = json_get(answer, "Tags"), *owner = json_get(tags, PLAN_OWNER_TAG);

    return json_type(json_get(answer, "Configuration")) == JSON_OBJECT &&
           (json_type(tags) <= JSON_NULL || json_type(tags) == JSON_OBJECT) && (!owner || json_str(owner));
}

int look_observe(struct run *run, struct err *err)
{
    struct json *answer = NULL;
    const struct lambda_call call = {.operation = LAMBDA_GET_FUNCTION,
                                     .region = run->region,
                                     .resource = run->function_name,
                                     .priority = priority_of(run),
                                     .stop = run->with->stopping};

    json_free(take(run->observed));
    /* The status speaks before the first write: where it never did there is nothing of ours to be seen, and
     * AWS refuses to create what exists. What turns up later is perhaps older than the status, then. */
    if (!run->resource.deleting && !run->memory->sent_ms && !status_reason(run->resource.status) &&
        !plan_adopts(run->resource.spec)) {
        run->memory->found = true;
        return 0;
    }
    run->operation = LAMBDA_GET_FUNCTION;
    int r = lambda_call(run->aws, &call, &answer, err);

    if (r == ERR_NOT_FOUND)
        return 0;
    if (r < 0)
        return r;
    if (!is_readable(answer)) {
        json_free(answer);
        return err_set(err, ERR_RETRY,
                       "GetFunction: an answer that does not say what the function is and whose");
    }
    run->observed = answer;
    r = run->resource.deleting ? 0 : sides_observe(run, priority_of(run), err);
    return r < 0 ? r : attached_observe(run, priority_of(run), err);
}

static bool was_applied(const struct run *run)
{
    return run_found(run) || json_get(run->resource.status, "appliedGeneration");
}

struct plan_input look_input(const struct run *run)
{
    return (struct plan_input){.spec = run_spec(run),
                               .deployed = run_deployed(run),
                               .managed = json_get(run->resource.status, "managed"),
                               .observed = run->observed,
                               .owner = run->owner,
                               .version = run->memory->published
                                              ? run->memory->published
                                              : json_str_at(run->resource.status, "version"),
                               .generation = run->resource.generation,
                               .artifact_sha256 = run->artifact.sha256,
                               .deleting = run->resource.deleting,
                               .retain = run->retain,
                               .was_applied = was_applied(run),
                               .recreated = run->memory->recreated_ms != 0,
                               .redeploy = archive_redeploys(run)};
}

static bool updates_code(const struct plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == PLAN_UPDATE_CODE)
            return true;
    return false;
}

void look_plan(struct run *run, struct plan *ret_plan)
{
    const struct plan_input input = look_input(run);

    plan_make(&input, ret_plan);
    if (updates_code(ret_plan) && archive_ask(run)) {
        plan_done(ret_plan);
        plan_make(&input, ret_plan); /* the hash, when there is one, is in run->artifact now */
    }
    if (run->observed) { /* for the status */
        json_set(run->observed, "Attached", plan_attached_status(&input));
        json_set(run->observed, "Published", versions_status(&input));
    }
}

bool look_is_drift(const struct run *run, const struct plan_step *step)
{
    return run->was_in_force && step->kind != PLAN_DELETE_VERSION && !archive_redeploys(run);
}

static const char *why(const struct run *run, const struct plan_step *step)
{
    return run->resource.deleting              ? "the resource is deleted"
           : look_is_drift(run, step)          ? "AWS differs from what was in force"
           : archive_redeploys(run)            ? "the code is asked for once more"
           : step->kind == PLAN_DELETE_VERSION ? "more versions are there than are to be kept"
                                               : "the spec is not in force";
}

int look_step(struct run *run, const struct plan_step *step, struct json **ret_answer, struct err *err)
{
    const struct step_target target = {.region = run->region,
                                       .function_name = run->function_name,
                                       .observed = run->observed,
                                       .priority = priority_of(run),
                                       .stop = run->with->stopping,
                                       .send_before_ms = run->with->lead_until_ms};

    run->operation = step_operation(step->kind);
    int r = step_run(run->aws, &target, step, ret_answer, err);

    run->memory->sent_ms = clock_mono_ms(); /* it may have waited for its turn, and AWS for itself */

    log_info(r < 0 ? "an AWS call failed" : "AWS was changed", "function", run->resource.key, "name",
             run->function_name, "region", run->region, "operation", lambda_operation_name(run->operation),
             "change", step->summary, "why", why(run, step), "code", r < 0 ? err->code : NULL);
    return r;
}

char *look_account(const struct run *run)
{
    const char *account = aws_role_account(run->aws);

    return account ? xstrdup(account) : aws_account(run->aws);
}

bool look_wrong_account(const struct run *run, struct str *message)
{
    _cleanup_(freep) char *account = look_account(run);

    account_judge(json_str_at(run->resource.spec, "role"), json_str_at(run->resource.status, "functionArn"),
                  account, message);
    return message->len > 0;
}

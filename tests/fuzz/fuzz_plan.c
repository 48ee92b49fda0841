/* What AWS answers, through the plan: {"spec": {…}, "observed": {…}, "deployed": {…}, "managed": […], …}.
 * Whatever AWS says, the plan comes to a decision, and so does everything that is made from it. */
#include "common/base/mem.h"
#include "common/function/differences.h"
#include "common/function/plan_attached.h"
#include "common/function/versions.h"
#include "tests/fuzz/fuzz.h"

#define OWNER "cluster/team/app"

/* As the controller reads them: answers of AWS among what was observed, into the form of the plan. */
static void read_answers(struct json *observed)
{
    const struct json *listed = json_get(observed, "ListVersionsByFunction");
    struct err err;

    for (size_t i = 0; i < plan_attached_count; i++) {
        struct json *have = json_new_object();

        (void)!plan_attached[i].read(observed, "", OWNER, have, &err);
        if (json_get(observed, plan_attached[i].answer))
            json_free(have);
        else
            json_set(observed, plan_attached[i].answer, have);
    }
    if (!listed)
        return;
    _cleanup_(json_freep) struct json *seen = json_new_array();

    for (const struct json *one = json_first(listed); one; one = json_next(one)) {
        struct json *version = version_seen(one);

        if (version)
            json_append(seen, version);
    }
    json_set(observed, VERSIONS, versions_oldest_first(seen));
}

static void tell(const struct plan_input *input, const struct plan *plan)
{
    _cleanup_(str_done) struct str summary = STR_INIT(1 << 20);
    _cleanup_(json_freep) struct json *deployed = plan_deployed(input->spec, input->observed, NULL);
    _cleanup_(json_freep) struct json *managed = plan_managed(input->spec, input->managed);
    _cleanup_(json_freep) struct json *attached = plan_attached_status(input);
    _cleanup_(json_freep) struct json *versions = versions_status(input);
    struct plan_differences differences;

    must_hold(json_type(deployed) == JSON_OBJECT && json_type(managed) == JSON_ARRAY);
    must_hold(json_type(attached) == JSON_OBJECT && (!versions || json_type(versions) == JSON_OBJECT));
    for (size_t i = 0; i < plan->step_count; i++)
        (void)plan_attached_by_step(plan->steps[i].kind);
    for (size_t i = 0; i < plan_side_count; i++)
        json_free(plan_side_created(&plan_sides[i], input->spec));
    json_free(aliases_with(input->spec, input->managed, "asyncInvoke"));
    plan_summary(plan, &summary);
    plan_differences(input, &differences);
    plan_differences_done(&differences);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(json_freep) struct json *root = NULL;
    struct err err;

    if (json_parse(view_of_input(data, size), &root, &err) < 0)
        return 0;
    /* The tree is the test's own. */
    if (json_type(json_get(root, "observed")) == JSON_OBJECT)
        read_answers((struct json *)(uintptr_t)json_get(root, "observed"));
    const struct plan_input input = {
        .spec = json_get(root, "spec"),
        .observed = json_get(root, "observed"),
        .deployed = json_get(root, "deployed"),
        .managed = json_type(json_get(root, "managed")) == JSON_ARRAY ? json_get(root, "managed") : NULL,
        .owner = OWNER,
        .artifact_sha256 = json_str_at(root, "artifactSha256"),
        .version = json_str_at(root, "version"),
        .generation = json_int_at(root, "generation", 0),
        .deleting = json_is_true(json_get(root, "deleting")),
        .was_applied = json_is_true(json_get(root, "wasApplied")),
        .recreated = json_is_true(json_get(root, "recreated")),
        .retain = json_is_true(json_get(root, "retain")),
        .redeploy = json_is_true(json_get(root, "redeploy")),
    };
    _cleanup_(plan_done) struct plan plan = {0};

    plan_make(&input, &plan);
    must_hold((plan.outcome == PLAN_STEPS) == (plan.step_count > 0));
    tell(&input, &plan);
    (void)plan_listed_differs(&input, json_get(input.observed, "Configuration"));
    return 0;
}

/* What AWS answers, through the plan: {"spec": {…}, "observed": {…}, "deployed": {…}, "managed": […], …}.
 * Whatever AWS says, the plan comes to a decision, and so does everything that is made from it. */
#include "common/base/mem.h"
#include "common/function/differences.h"
#include "common/function/plan_attached.h"
#include "tests/fuzz/fuzz.h"

#define OWNER "cluster/team/app"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(json_freep) struct json *root = NULL;
    _cleanup_(str_done) struct str summary = STR_INIT(1 << 20);
    struct err err;

    if (json_parse(view_of_input(data, size), &root, &err) < 0)
        return 0;
    const struct json *spec = json_get(root, "spec"), *observed = json_get(root, "observed");
    struct plan_input input = {
        .spec = spec,
        .observed = observed,
        .deployed = json_get(root, "deployed"),
        .managed = json_type(json_get(root, "managed")) == JSON_ARRAY ? json_get(root, "managed") : NULL,
        .owner = OWNER,
        .artifact_sha256 = json_str_at(root, "artifactSha256"),
        .deleting = json_is_true(json_get(root, "deleting")),
        .was_applied = json_is_true(json_get(root, "wasApplied")),
        .retain = json_is_true(json_get(root, "retain")),
        .redeploy = json_is_true(json_get(root, "redeploy")),
    };
    _cleanup_(plan_done) struct plan plan = {0};
    _cleanup_(json_freep) struct json *have = json_new_object();

    for (size_t i = 0; i < plan_attached_count; i++)
        (void)!plan_attached[i].read(observed, "", OWNER, have, &err);

    plan_make(&input, &plan);
    must_hold((plan.outcome == PLAN_STEPS) == (plan.step_count > 0));
    plan_summary(&plan, &summary);
    (void)plan_listed_differs(&input, json_get(observed, "Configuration"));
    _cleanup_(json_freep) struct json *deployed = plan_deployed(spec, observed, NULL);
    _cleanup_(json_freep) struct json *managed = plan_managed(spec, input.managed);

    must_hold(json_type(deployed) == JSON_OBJECT && json_type(managed) == JSON_ARRAY);
    return 0;
}

/* Looks at a resource: what is drift, and what only looks like it. */
#include "tests/unit/reconcile_scene.h"

static void set_up_versions(struct scene *scene, const char *drift_policy)
{
    set_spec(scene, "driftPolicy", json_new_string(drift_policy));
    set_spec(scene, "versions.publish", json_new_string("OnChange"));
    deploy(scene);
    pass(scene, 10 * 1000);
    scene->sha256 = "bmV3";
    ask_for_the_code_once_more(scene, "1");
}

static void a_redeploy_where_drift_is_reported_is_gone_through_with(void **state)
{
    struct scene *scene = *state;

    set_up_versions(scene, "Report");
    look_now(scene);
    assert_calls(scene, "GetFunction ListVersionsByFunction ListAliases HeadObject status UpdateFunctionCode "
                        "GetFunction PublishVersion status");
    assert_state(scene, "Ready", "InForce");
    assert_string_equal(json_str_at(scene->object, "status.version"), "2");
    assert_string_equal(json_str_at(scene->object, "status.deployed.codeSha256"), "bmV3");
}

static void a_redeploy_that_another_leader_goes_on_with_is_not_drift(void **state)
{
    struct scene *scene = *state;

    set_up_versions(scene, "Report");
    scene->ends_at = "UpdateFunctionCode";
    look_now(scene);
    atomic_store(&scene->stopping, false);
    scene->ends_at = NULL;
    ask_for_the_code_once_more(scene, NULL); /* as where code.follow found another archive */
    memory_free(scene->memory);
    scene->memory = memory_new();
    look_now(scene);
    assert_state(scene, "Ready", "InForce");
    assert_string_equal(json_str_at(scene->object, "status.version"), "2");
}

static void before_a_redeploy_the_status_says_that_no_generation_is_in_force(void **state)
{
    struct scene *scene = *state;

    set_up_versions(scene, "Correct");
    scene->ends_at = "UpdateFunctionCode";
    look_now(scene);
    assert_int_equal(json_int_at(scene->object, "status.appliedGeneration", -1), 0);
    assert_state(scene, "Reconciling", "Applying");
}

static void an_old_version_that_stays_is_tried_at_each_rotation_and_is_not_drift(void **state)
{
    static const char *const policies[] = {"Report", "Correct"};
    struct scene *scene = *state;

    set_spec(scene, "versions", parse("{\"publish\":\"OnChange\",\"keep\":1}"));
    deploy(scene);
    refuse(scene, "DeleteVersion", 400,
           "{\"__type\":\"InvalidParameterValueException\",\"message\":\"a replicated function\"}");
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        scene->sha256 = policies[i];
        set_spec(scene, "driftPolicy", json_new_string(policies[i]));
        set_spec(scene, "code.s3Key", json_new_string(policies[i]));
        pass(scene, 10 * 1000);
        deploy(scene);
        pass(scene, RESYNC_MS * 11 / 10 + 1);
        scene->memory->rotation_ms = 1;
        look_now(scene);
        assert_state(scene, "Ready", "InForce");
        assert_non_null(strstr(str_text(&scene->calls), "ListVersionsByFunction"));
        assert_non_null(strstr(str_text(&scene->calls), "DeleteVersion"));
        assert_null(strstr(str_text(&scene->calls), "status"));
    }
}

static void a_permission_that_is_shown_for_a_moment_after_its_removal_does_not_stall(void **state)
{
    struct scene *scene = *state;

    scene->policy = parse("{\"Policy\":\"{\\\"Statement\\\":[{\\\"Sid\\\":\\\"s3\\\",\\\"Effect\\\":"
                          "\\\"Allow\\\",\\\"Principal\\\":{\\\"Service\\\":\\\"s3.amazonaws.com\\\"},"
                          "\\\"Action\\\":\\\"lambda:InvokeFunction\\\",\\\"Resource\\\":\\\"x\\\"}]}\"}");
    set_spec(scene, "permissions",
             parse("[{\"sid\":\"s3\",\"action\":\"lambda:InvokeFunction\",\"principal\":"
                   "\"s3.amazonaws.com\"}]"));
    deploy(scene);
    pass(scene, 10 * 1000);
    set_spec(scene, "permissions", NULL);
    look_now(scene);
    assert_calls(scene, "GetFunction GetPolicy status RemovePermission GetFunction GetPolicy");
    json_free(take(scene->policy));
    pass(scene, 4000);
    look_now(scene);
    assert_state(scene, "Ready", "InForce");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_redeploy_where_drift_is_reported_is_gone_through_with),
        test(a_redeploy_that_another_leader_goes_on_with_is_not_drift),
        test(before_a_redeploy_the_status_says_that_no_generation_is_in_force),
        test(an_old_version_that_stays_is_tried_at_each_rotation_and_is_not_drift),
        test(a_permission_that_is_shown_for_a_moment_after_its_removal_does_not_stall),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

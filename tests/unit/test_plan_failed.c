/* What the plan does with a function that failed: as it was made, as it ran, as it was changed. */
#include "plan_scene.h"

static void a_function_whose_creation_failed_is_made_anew_once(void **state)
{
    struct scene *scene = *state;

    json_set_at(scene->spec, "timeout", json_new_int(30));
    json_set_str(configuration(scene), "State", "Failed");
    assert_null(only_step(scene, PLAN_DELETE)->body);
    assert_string_equal(scene->plan.steps[0].summary,
                        "deletes the function, whose creation failed, to create it anew");
}

static void what_failed_again_stops_with_the_reason_of_aws(void **state)
{
    struct scene *scene = *state;

    scene->input.recreated = true;
    json_set_str(configuration(scene), "State", "Failed");
    assert_blocked(scene, "FunctionFailed", "no reason given");
    json_set_str(configuration(scene), "StateReason", "the subnet is full");
    assert_blocked(scene, "FunctionFailed", "the subnet is full");
}

static void what_was_in_force_and_failed_is_changed_and_never_deleted(void **state)
{
    struct scene *scene = *state;

    scene->input.was_applied = true;
    json_set_str(configuration(scene), "State", "Failed");
    json_set_str(configuration(scene), "StateReason", "the image is gone");
    assert_blocked(scene, "FunctionFailed", "the image is gone");
    json_set(scene->spec, "versions", parse("{\"publish\":\"OnChange\"}"));
    assert_blocked(scene, "FunctionFailed", "the image is gone"); /* and nothing is published of it */
    json_set_str(json_make_object(scene->spec, "code"), "s3Key", "b.zip");
    only_step(scene, PLAN_UPDATE_CODE);
}

static void a_failed_update_is_repeated_also_where_what_it_was_about_is_as_declared(void **state)
{
    static const struct {
        const char *code;
        enum plan_step_kind kind;
        const char *body;
    } rows[] = {
        {NULL, PLAN_UPDATE_CONFIGURATION, "{\"Role\":\"arn:aws:iam::123456789012:role/fake\"}"},
        {"InvalidSubnet", PLAN_UPDATE_CONFIGURATION, "{\"Role\":\"arn:aws:iam::123456789012:role/fake\"}"},
        {"ImageDeleted", PLAN_UPDATE_CODE, "{\"S3Bucket\":\"artifacts\",\"S3Key\":\"a.zip\"}"},
        {"InvalidZipFileException", PLAN_UPDATE_CODE, "{\"S3Bucket\":\"artifacts\",\"S3Key\":\"a.zip\"}"},
    };
    struct scene *scene = *state;

    json_set_str(configuration(scene), "LastUpdateStatus", "Failed");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_set_str(configuration(scene), "LastUpdateStatusReasonCode", rows[i].code);
        assert_json(only_step(scene, rows[i].kind)->body, rows[i].body);
    }
    json_set_at(scene->spec, "timeout", json_new_int(30));
    assert_json(only_step(scene, PLAN_UPDATE_CONFIGURATION)->body, "{\"Timeout\":30}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_function_whose_creation_failed_is_made_anew_once),
        test(what_failed_again_stops_with_the_reason_of_aws),
        test(what_was_in_force_and_failed_is_changed_and_never_deleted),
        test(a_failed_update_is_repeated_also_where_what_it_was_about_is_as_declared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

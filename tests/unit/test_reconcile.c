/* Looks at a resource: how a function comes to be, stays in force, and what is waited for or refused. */
#include "tests/unit/reconcile_scene.h"

static void a_new_function_gets_the_finalizer_then_the_announcement_then_is_created(void **state)
{
    struct scene *scene = *state;
    struct reconcile_next next = look_now(scene);

    assert_calls(scene, "finalizer status CreateFunction GetFunction status");
    assert_state(scene, "Ready", "InForce");
    assert_int_equal(next.result, RECONCILE_SUCCESS);
    assert_in_range(next.after_ms, RESYNC_MS * 9 / 10, RESYNC_MS * 11 / 10);
    _cleanup_(freep) char *finalizers = json_text(json_at(scene->object, "metadata.finalizers"));

    assert_string_equal(finalizers, "[\"theirs\",\"" FUNCTION_FINALIZER "\"]");
    assert_string_equal(json_str_at(scene->object, "status.deployed.key"), "a.zip");
}

static void what_is_in_force_costs_no_call_before_the_resync_and_one_then(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    look_now(scene); /* our own write comes back */
    assert_calls(scene, "");
    new_version(scene); /* somebody changes a label */
    look_now(scene);
    assert_calls(scene, "");
    memory_free(scene->memory); /* a restart */
    scene->memory = memory_new();
    struct reconcile_next next = look_now(scene);

    assert_calls(scene, "");
    assert_in_range(next.after_ms, 1, RESYNC_MS);
    pass(scene, RESYNC_MS + 1);
    look_now(scene);
    assert_calls(scene, "GetFunction");
}

static void without_the_finalizer_nothing_is_written_to_aws(void **state)
{
    struct scene *scene = *state;

    refuse(scene, "finalizer", 409, "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"code\":409}");
    struct reconcile_next next = look_now(scene);

    assert_calls(scene, "finalizer");
    assert_non_null(next.backoff);
    assert_int_equal(next.backoff->first_ms, 5);
}

static void without_the_announcement_nothing_is_written_to_aws(void **state)
{
    struct scene *scene = *state;

    refuse(scene, "status", 409, "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"code\":409}");
    look_now(scene);
    assert_calls(scene, "finalizer status");
}

static void a_change_that_aws_ignores_is_sent_once_and_once_more_at_each_resync(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    scene->ignores_configuration = true;
    set_spec(scene, "timeout", json_new_int(30));
    look_now(scene);
    assert_calls(scene, "GetFunction status UpdateFunctionConfiguration GetFunction");
    pass(scene, 4000); /* it might have been a read that lags */
    look_now(scene);
    assert_calls(scene, "GetFunction status");
    assert_state(scene, "Stalled", "NotInForce");
    assert_non_null(strstr(message(scene), "timeout"));

    for (int resync = 0; resync < 3; resync++) {
        pass(scene, RESYNC_MS * 11 / 10 + 1);
        look_now(scene);
        assert_calls(scene, "GetFunction UpdateFunctionConfiguration GetFunction");
        for (int poll = 0; poll < 2; poll++) {
            pass(scene, 4000);
            look_now(scene);
            assert_calls(scene, poll == 0 ? "GetFunction" : "");
        }
    }
    scene->ignores_configuration = false;
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    look_now(scene);
    assert_state(scene, "Ready", "InForce");
}

static void a_function_that_somebody_deleted_is_made_again(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    json_free(take(scene->function));
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    look_now(scene);
    assert_calls(scene, "GetFunction status CreateFunction GetFunction status");
    assert_state(scene, "Ready", "InForce");
}

static void a_function_that_is_there_already_is_looked_at_and_left_alone(void **state)
{
    struct scene *scene = *state;

    scene->function = parse("{\"Configuration\":{\"FunctionName\":\"f\"}}");
    look_now(scene);
    assert_calls(scene, "finalizer status CreateFunction GetFunction status");
    assert_state(scene, "Stalled", "AlreadyExists");
}

static void a_function_in_force_that_failed_is_left_there_and_said_to_have_failed(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    json_set_at(scene->function, "Configuration.State", json_new_string("Failed"));
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    look_now(scene);
    assert_calls(scene, "GetFunction status");
    assert_state(scene, "Stalled", "FunctionFailed");
}

static void an_adopted_function_that_fails_before_it_was_in_force_is_not_deleted(void **state)
{
    struct scene *scene = *state;

    scene->function = parse("{\"Configuration\":{\"FunctionName\":\"f\",\"FunctionArn\":"
                            "\"arn:aws:lambda:us-east-1:123456789012:function:f\",\"State\":\"Active\","
                            "\"LastUpdateStatus\":\"Successful\",\"CodeSha256\":\"c2hh\"},\"Tags\":{}}");
    set_spec(scene, "adoptionPolicy", json_new_string("Adopt"));
    refuse(scene, "UpdateFunctionCode", 500, "");
    look_now(scene);
    assert_non_null(strstr(str_text(&scene->calls), "TagResource"));
    json_set_str(json_make_object(scene->function, "Tags"), PLAN_OWNER_TAG, "cluster/n/f");
    json_set_at(scene->function, "Configuration.State", json_new_string("Failed"));
    set_spec(scene, "adoptionPolicy", NULL); /* whether it was adopted is not in the spec */
    look_now(scene);
    assert_null(strstr(str_text(&scene->calls), "DeleteFunction"));
    assert_non_null(scene->function);
}

static struct json *one_that_failed(const char *tags)
{
    struct json *function =
        parse("{\"Configuration\":{\"FunctionName\":\"f\",\"State\":\"Failed\",\"FunctionArn\":"
              "\"arn:aws:lambda:us-east-1:123456789012:function:f\",\"CodeSha256\":\"c2hh\"}}");

    json_set(function, "Tags", parse(tags));
    return function;
}

#define OUR_TAG "{\"" PLAN_OWNER_TAG "\":\"cluster/n/f\"}"

static void look_and_find_it_left_there(struct scene *scene)
{
    look_now(scene);
    assert_null(strstr(str_text(&scene->calls), "DeleteFunction"));
    assert_non_null(scene->function);
    assert_int_equal(json_int_at(scene->object, "status.appliedGeneration", -1), 0);
    memory_free(scene->memory); /* a restart */
    scene->memory = memory_new();
    set_spec(scene, "timeout", json_new_int(5));
    look_now(scene);
    assert_null(strstr(str_text(&scene->calls), "DeleteFunction"));
    assert_non_null(scene->function);
}

static void a_failed_function_that_is_handed_over_by_its_tag_is_not_deleted(void **state)
{
    struct scene *scene = *state;

    scene->function = one_that_failed("{}");
    look_now(scene);
    assert_state(scene, "Stalled", "AlreadyExists");
    json_set(scene->function, "Tags", parse(OUR_TAG));
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    look_and_find_it_left_there(scene);
}

static void a_failed_function_of_a_resource_without_status_is_not_deleted(void **state)
{
    struct scene *scene = *state;

    scene->function = one_that_failed(OUR_TAG); /* the resource was restored, or moved to this cluster */
    look_and_find_it_left_there(scene);
}

static void a_failed_function_of_a_resource_without_status_is_not_deleted_after_a_throttled_call(void **state)
{
    struct scene *scene = *state;

    scene->function = one_that_failed(OUR_TAG);
    refuse(scene, "CreateFunction", 429, "{\"__type\":\"TooManyRequestsException\",\"message\":\"slow\"}");
    look_now(scene);
    assert_state(scene, "Reconciling", "Throttled");
    pass(scene, 60 * 1000);
    look_and_find_it_left_there(scene);
}

static void a_function_in_force_that_was_missed_once_and_failed_is_not_deleted(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    json_set_at(scene->function, "Configuration.State", json_new_string("Failed"));
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    refuse(scene, "GetFunction", 404, "{\"__type\":\"ResourceNotFoundException\",\"Message\":\"none\"}");
    look_now(scene);
    refuse(scene, NULL, 0, NULL);
    set_spec(scene, "timeout", json_new_int(7)); /* a new start */
    look_and_find_it_left_there(scene);
}

static void a_busy_function_is_polled_without_a_word_until_it_takes_long(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    json_set_at(scene->function, "Configuration.LastUpdateStatus", json_new_string("InProgress"));
    set_spec(scene, "timeout", json_new_int(30));
    for (int seconds = 0; seconds < 10; seconds += 5) {
        struct reconcile_next next = look_now(scene);

        assert_calls(scene, "GetFunction");
        assert_int_equal(next.result, RECONCILE_WAIT);
        assert_in_range(next.after_ms, 1000, 5000);
        pass(scene, 5000);
    }
    pass(scene, 10000);
    look_now(scene);
    assert_state(scene, "Reconciling", "Updating");
    json_set_at(scene->function, "Configuration.LastUpdateStatus", json_new_string("Successful"));
    pass(scene, 5000);
    look_now(scene);
    assert_calls(scene, "GetFunction status UpdateFunctionConfiguration GetFunction status");
}

static void a_role_that_cannot_be_assumed_is_given_three_minutes(void **state)
{
    struct scene *scene = *state;

    refuse(scene, "CreateFunction", 400,
           "{\"__type\":\"InvalidParameterValueException\",\"message\":\"The role defined for the function "
           "cannot "
           "be assumed by Lambda.\"}");
    look_now(scene);
    assert_state(scene, "Reconciling", "RoleNotAssumable");
    pass(scene, 100 * 1000);
    look_now(scene);
    assert_calls(scene, "GetFunction CreateFunction");
    pass(scene, 100 * 1000);
    look_now(scene);
    assert_state(scene, "Stalled", "RoleNotAssumable");
    refuse(scene, NULL, 0, NULL);
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    look_now(scene);
    assert_state(scene, "Ready", "InForce");
}

static void a_role_whose_permissions_are_not_in_force_yet_is_waited_for(void **state)
{
    struct scene *scene = *state;

    refuse(
        scene, "CreateFunction", 400,
        "{\"__type\":\"InvalidParameterValueException\",\"message\":\"The provided execution role does not "
        "have permissions to call CreateNetworkInterface on EC2\"}");
    look_now(scene);
    assert_state(scene, "Reconciling", "RoleNotPermitted");
    assert_non_null(strstr(message(scene), "CreateNetworkInterface on EC2. Its policies must allow that"));
    refuse(scene, NULL, 0, NULL);
    pass(scene, 5000);
    look_now(scene);
    assert_state(scene, "Ready", "InForce");
}

static void a_refused_request_stalls_under_the_name_that_aws_gives(void **state)
{
    struct scene *scene = *state;

    refuse(scene, "CreateFunction", 400,
           "{\"__type\":\"InvalidParameterValueException\",\"message\":\"NoSuchKey\"}");
    look_now(scene);
    assert_state(scene, "Stalled", "InvalidParameterValueException");
    look_now(scene);
    assert_calls(scene, "");
}

static void a_function_that_was_never_created_is_tried_again_when_it_is_asked_for(void **state)
{
    struct scene *scene = *state;

    refuse(scene, "CreateFunction", 400,
           "{\"__type\":\"InvalidParameterValueException\",\"message\":\"NoSuchKey\"}");
    look_now(scene);
    assert_state(scene, "Stalled", "InvalidParameterValueException");
    refuse(scene, NULL, 0, NULL);
    pass(scene, 4000);
    ask_for_the_code_once_more(scene, "1");
    look_now(scene);
    assert_state(scene, "Ready", "InForce");
}

static void who_waits_for_the_namespace_is_looked_at_when_it_is_known(void **state)
{
    struct memory *memory = memory_new();
    struct run run = {.now_ms = 1000};

    (void)state;
    run.resource.uid = "u";
    memory_follow(memory, &run);
    memory_set_due(memory, 5000);
    memory_follow(memory, &run);
    assert_int_equal(memory->due_ms, 5000);
    run.governed = true;
    memory_follow(memory, &run);
    assert_int_equal(memory->due_ms, 1000);
    memory_set_due(memory, 5000);
    memory_follow(memory, &run);
    assert_int_equal(memory->due_ms, 5000);
    memory_free(memory);
}

static void wrong_credentials_are_told_and_retried_until_they_are_right(void **state)
{
    struct scene *scene = *state;

    refuse(scene, "CreateFunction", 403, "{\"__type\":\"UnrecognizedClientException\",\"message\":\"no\"}");
    struct reconcile_next next = look_now(scene);

    assert_state(scene, "Reconciling", "CredentialsRejected");
    assert_int_equal(next.result, RECONCILE_ERROR);
    assert_int_equal(next.backoff->first_ms, 1000);
    assert_false(next.rests);
    assert_true(look_now(scene).rests); /* our own write comes back: no reason to forget the retries */
    refuse(scene, NULL, 0, NULL);
    pass(scene, 1001);
    look_now(scene);
    assert_state(scene, "Ready", "InForce");
}

static void a_hiccup_of_aws_does_not_make_a_running_function_look_broken(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    refuse(scene, "GetFunction", 503, "<html>down</html>");
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    for (int i = 0; i < 2; i++) {
        look_now(scene);
        assert_state(scene, "Ready", "InForce");
        pass(scene, 1001);
    }
    look_now(scene);
    assert_state(scene, "Reconciling", "AwsUnavailable");
    pass(scene, 1001);
    look_now(scene);
    assert_calls(scene, "GetFunction"); /* the status says it already */
}

static void a_routine_look_that_fails_stays_routine_until_somebody_changes_something(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    refuse(scene, "GetFunction", 503, "<html>down</html>");
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    for (int i = 0; i < 4; i++) {
        assert_true(look_now(scene).upkeep);
        assert_calls(scene, i == 2 ? "GetFunction status" : "GetFunction");
        assert_true(look_now(scene).upkeep); /* in the pause */
        assert_calls(scene, "");
        pass(scene, 1001);
    }
    set_spec(scene, "timeout", json_new_int(30));
    assert_false(look_now(scene).upkeep);
}

static void a_correction_that_was_begun_is_no_routine(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    json_set_at(scene->function, "Configuration.Handler", json_new_string("theirs"));
    json_set_at(scene->function, "Configuration.CodeSha256", json_new_string("dGhlaXJz"));
    refuse(scene, "UpdateFunctionConfiguration", 503, "<html>down</html>");
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    assert_false(look_now(scene).upkeep);
    assert_non_null(strstr(str_text(&scene->calls), "UpdateFunctionCode GetFunction UpdateFunctionConf"));
}

static void a_404_that_is_not_from_lambda_creates_nothing(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    refuse(scene, "GetFunction", 404, "<html>not found</html>");
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    look_now(scene);
    assert_calls(scene, "GetFunction");
}

static void a_wrong_spec_that_passed_admission_stalls_before_any_call(void **state)
{
    struct scene *scene = *state;

    set_spec(scene, "runtime", json_new_string("python2.7"));
    look_now(scene);
    assert_calls(scene, "finalizer status");
    assert_state(scene, "Stalled", "InvalidSpec");
    assert_non_null(strstr(message(scene), "spec.runtime"));
}

static void what_stands_in_the_way_is_asked_for_anew_at_each_resync(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    set_spec(scene, "eventSources",
             parse("[{\"name\":\"q\",\"eventSourceArn\":\"arn:aws:sqs:us-east-1:123456789012:q\"}]"));
    refuse(
        scene, "ListEventSourceMappings", 200,
        "{\"EventSourceMappings\":[{\"UUID\":\"0\",\"EventSourceArn\":\"arn:aws:sqs:us-east-1:123456789012:"
        "q\"}]}");
    look_now(scene);
    assert_state(scene, "Stalled", "EventSourceExists");
    look_now(scene);
    assert_calls(scene, "");
    refuse(scene, "ListEventSourceMappings", 200, "{\"EventSourceMappings\":[]}");
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    look_now(scene);
    assert_true(str_starts_with(str_text(&scene->calls),
                                "GetFunction ListEventSourceMappings status CreateEventSourceMapping"));
}

static void drift_that_no_field_tells_of_is_told_by_what_would_be_done(void **state)
{
    struct scene *scene = *state;

    set_spec(scene, "driftPolicy", json_new_string("Report"));
    deploy(scene);
    json_set_at(scene->function, "Configuration.LastUpdateStatus", json_new_string("Failed"));
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    look_now(scene);
    assert_calls(scene, "GetFunction status");
    assert_state(scene, "Ready", "Drifted");
    assert_non_null(strstr(message(scene), "what Correct does: repeats the last update"));
}

static void a_change_that_is_taken_back_at_once_is_not_taken_for_undone(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    pass(scene, 10 * 1000);
    _cleanup_(freep) char *before = json_text(scene->function);

    set_spec(scene, "timeout", json_new_int(5));
    look_now(scene);
    set_spec(scene, "timeout", NULL);
    refuse(scene, "GetFunction", 200, before); /* AWS does not show yet what it has */
    look_now(scene);
    assert_calls(scene, "GetFunction");
    refuse(scene, NULL, 0, NULL);
    pass(scene, 3001);
    look_now(scene);
    assert_calls(scene, "GetFunction status UpdateFunctionConfiguration GetFunction status");
    assert_int_equal(json_int_at(scene->function, "Configuration.Timeout", 0), 3);
}

static void a_write_that_took_long_may_not_be_shown_yet_all_the_same(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    pass(scene, 10 * 1000);
    _cleanup_(freep) char *before = json_text(scene->function);

    scene->slow = "UpdateFunctionConfiguration";
    set_spec(scene, "timeout", json_new_int(5));
    look_now(scene);
    set_spec(scene, "timeout", NULL);
    refuse(scene, "GetFunction", 200, before);
    look_now(scene);
    assert_calls(scene, "GetFunction");
}

static void one_that_vanished_and_whose_new_creation_failed_is_made_anew_once(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    struct json *failed = take(scene->function);

    json_set_at(failed, "Configuration.State", json_new_string("Failed"));
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    refuse(scene, "CreateFunction", 503, "");
    look_now(scene);
    assert_calls(scene, "GetFunction status CreateFunction status");
    refuse(scene, NULL, 0, NULL);
    scene->function = failed; /* it was created all the same, in vain */
    pass(scene, 2001);
    look_now(scene);
    assert_calls(scene, "GetFunction DeleteFunction GetFunction CreateFunction GetFunction status");
    assert_state(scene, "Ready", "InForce");
}

static void reported_drift_of_a_function_that_failed_is_not_called_ready(void **state)
{
    struct scene *scene = *state;

    set_spec(scene, "driftPolicy", json_new_string("Report"));
    deploy(scene);
    json_set_at(scene->function, "Configuration.State", json_new_string("Failed"));
    json_set_at(scene->function, "Configuration.Handler", json_new_string("theirs"));
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    look_now(scene);
    assert_state(scene, "Stalled", "Drifted");
}

static void a_failed_function_that_takes_no_updates_is_not_waited_for(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    json_set_at(scene->function, "Configuration.State", json_new_string("Failed"));
    set_spec(scene, "timeout", json_new_int(5));
    refuse(scene, "UpdateFunctionConfiguration", 409,
           "{\"__type\":\"ResourceConflictException\",\"message\":\"currently in the following state: "
           "Failed\"}");
    look_now(scene);
    assert_state(scene, "Stalled", "FunctionFailed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_new_function_gets_the_finalizer_then_the_announcement_then_is_created),
        test(what_is_in_force_costs_no_call_before_the_resync_and_one_then),
        test(without_the_finalizer_nothing_is_written_to_aws),
        test(without_the_announcement_nothing_is_written_to_aws),
        test(a_change_that_aws_ignores_is_sent_once_and_once_more_at_each_resync),
        test(a_function_that_somebody_deleted_is_made_again),
        test(a_function_that_is_there_already_is_looked_at_and_left_alone),
        test(a_function_in_force_that_failed_is_left_there_and_said_to_have_failed),
        test(an_adopted_function_that_fails_before_it_was_in_force_is_not_deleted),
        test(a_failed_function_that_is_handed_over_by_its_tag_is_not_deleted),
        test(a_failed_function_of_a_resource_without_status_is_not_deleted),
        test(a_failed_function_of_a_resource_without_status_is_not_deleted_after_a_throttled_call),
        test(a_function_in_force_that_was_missed_once_and_failed_is_not_deleted),
        test(a_busy_function_is_polled_without_a_word_until_it_takes_long),
        test(a_role_that_cannot_be_assumed_is_given_three_minutes),
        test(a_role_whose_permissions_are_not_in_force_yet_is_waited_for),
        test(a_refused_request_stalls_under_the_name_that_aws_gives),
        test(a_function_that_was_never_created_is_tried_again_when_it_is_asked_for),
        cmocka_unit_test(who_waits_for_the_namespace_is_looked_at_when_it_is_known),
        test(wrong_credentials_are_told_and_retried_until_they_are_right),
        test(a_hiccup_of_aws_does_not_make_a_running_function_look_broken),
        test(a_routine_look_that_fails_stays_routine_until_somebody_changes_something),
        test(a_correction_that_was_begun_is_no_routine),
        test(a_404_that_is_not_from_lambda_creates_nothing),
        test(what_stands_in_the_way_is_asked_for_anew_at_each_resync),
        test(drift_that_no_field_tells_of_is_told_by_what_would_be_done),
        test(a_wrong_spec_that_passed_admission_stalls_before_any_call),
        test(one_that_vanished_and_whose_new_creation_failed_is_made_anew_once),
        test(reported_drift_of_a_function_that_failed_is_not_called_ready),
        test(a_failed_function_that_takes_no_updates_is_not_waited_for),
        test(a_change_that_is_taken_back_at_once_is_not_taken_for_undone),
        test(a_write_that_took_long_may_not_be_shown_yet_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Looks at a resource: what ends them, the controller's stop, the end of its lead, and deletions. */
#include "tests/unit/reconcile_scene.h"

static void nothing_is_written_to_aws_once_the_controller_stops(void **state)
{
    struct scene *scene = *state;

    scene->ends_at = "status";
    look_now(scene);
    assert_calls(scene, "finalizer status");
    look_now(scene);
    assert_calls(scene, "");
    atomic_store(&scene->stopping, false);
    scene->ends_at = NULL;
    pass(scene, 1001);
    deploy(scene);
}

static void nothing_is_written_to_aws_once_the_lead_is_over(void **state)
{
    struct scene *scene = *state;

    scene->with.lead_until_ms = &scene->lead_until_ms;
    atomic_store(&scene->lead_until_ms, INT64_MAX);
    scene->ends_at = "status";
    look_now(scene);
    assert_calls(scene, "finalizer status");
    look_now(scene);
    assert_calls(scene, "");
    atomic_store(&scene->lead_until_ms, INT64_MAX);
    scene->ends_at = NULL;
    pass(scene, 1001);
    deploy(scene);
}

static void a_lead_that_ends_during_a_look_neither_deletes_nor_says_that_aws_failed(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    scene->with.lead_until_ms = &scene->lead_until_ms;
    atomic_store(&scene->lead_until_ms, INT64_MAX);
    scene->ends_at = "GetFunction";
    delete_object(scene);
    look_now(scene);
    assert_calls(scene, "GetFunction");
    atomic_store(&scene->lead_until_ms, INT64_MAX);
    scene->refuse = "GetFunction";
    scene->refuse_status = 503;
    pass(scene, 1001);
    look_now(scene);
    assert_calls(scene, "GetFunction");
    assert_state(scene, "Ready", "InForce");
}

static void a_lead_that_ends_during_a_look_leaves_the_status_to_the_next_leader(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    scene->with.lead_until_ms = &scene->lead_until_ms;
    atomic_store(&scene->lead_until_ms, INT64_MAX);
    scene->ends_at = "GetFunction";
    set_spec(scene, "timeout", json_new_int(30));
    look_now(scene);
    assert_calls(scene, "GetFunction");
}

static void an_object_that_cannot_be_read_is_not_counted_as_ready(void **state)
{
    struct scene *scene = *state;
    char key[] = "n/f", version[] = "1", text[] = "{";
    const struct kube_object object = {.key = key, .resource_version = version, .json = text};
    struct reconcile_next next = reconcile(&scene->with, &object, scene->memory);

    assert_int_equal(next.result, RECONCILE_ERROR);
    assert_int_equal(next.phase, STATUS_STALLED);
}

static void a_deleted_resource_takes_its_function_along(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    delete_object(scene);
    look_now(scene);
    assert_calls(scene, "GetFunction DeleteFunction finalizer");
    assert_null(scene->function);
    _cleanup_(freep) char *finalizers = json_text(json_at(scene->object, "metadata.finalizers"));

    assert_string_equal(finalizers, "[\"theirs\"]");
    /* Until theirs is off, too, the object stays: none of our business, however often it changes. */
    assert_int_equal(look_now(scene).after_ms, 0);
    assert_calls(scene, "");
}

static void a_deletion_that_is_denied_keeps_the_finalizer_and_says_how_to_let_go(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    delete_object(scene);
    refuse(scene, "DeleteFunction", 403, "{\"__type\":\"AccessDeniedException\",\"Message\":\"denied\"}");
    struct reconcile_next next = look_now(scene);

    assert_calls(scene, "GetFunction DeleteFunction status");
    assert_non_null(next.backoff);
    assert_state(scene, "Reconciling", "AccessDenied");
    assert_non_null(strstr(message(scene), "allow lambda:DeleteFunction"));
    assert_non_null(strstr(message(scene), "kubectl -n n patch lambdafunction f"));
    refuse(scene, NULL, 0, NULL);
    pass(scene, 1001);
    look_now(scene);
    assert_calls(scene, "GetFunction DeleteFunction finalizer");
}

static void a_function_that_vanished_lets_the_resource_go(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    json_free(take(scene->function));
    delete_object(scene);
    look_now(scene);
    assert_calls(scene, "GetFunction finalizer");
}

static void a_function_that_was_just_created_is_not_taken_for_gone(void **state)
{
    static const char none[] = "{\"__type\":\"ResourceNotFoundException\",\"Message\":\"none\"}";
    struct scene *scene = *state;

    refuse(scene, "GetFunction", 404, none); /* AWS does not show yet what it has */
    look_now(scene);
    assert_calls(scene, "finalizer status CreateFunction GetFunction");
    delete_object(scene);
    look_now(scene);
    assert_calls(scene, "GetFunction");
    refuse(scene, NULL, 0, NULL);
    pass(scene, 1001);
    look_now(scene);
    assert_calls(scene, "GetFunction DeleteFunction finalizer");
}

static void a_function_that_is_missing_for_longer_lets_the_resource_go(void **state)
{
    struct scene *scene = *state;

    scene->ends_at = "CreateFunction";
    refuse(scene, "CreateFunction", 503, NULL);
    look_now(scene);
    atomic_store(&scene->stopping, false);
    delete_object(scene);
    look_now(scene);
    assert_calls(scene, "GetFunction");
    pass(scene, 3001);
    look_now(scene);
    assert_calls(scene, "GetFunction finalizer");
}

static void a_function_that_is_missed_seen_and_missed_again_is_not_taken_for_gone(void **state)
{
    static const char none[] = "{\"__type\":\"ResourceNotFoundException\",\"Message\":\"none\"}";
    struct scene *scene = *state;

    refuse(scene, "GetFunction", 404, none);
    look_now(scene);
    delete_object(scene);
    look_now(scene); /* missed */
    refuse(scene, "DeleteFunction", 503, "");
    pass(scene, 4000);
    look_now(scene); /* seen, and something else is in the way */
    assert_true(str_starts_with(str_text(&scene->calls), "GetFunction DeleteFunction"));
    refuse(scene, "GetFunction", 404, none);
    pass(scene, 4000);
    look_now(scene);
    assert_calls(scene, "GetFunction");
}

static void an_answer_that_does_not_say_whose_the_function_is_decides_nothing(void **state)
{
    static const char *const odd[] = {
        "[]",
        "{\"Configuration\":\"f\"}",
        "{\"Configuration\":{\"FunctionName\":\"f\"},\"Tags\":[\"" PLAN_OWNER_TAG "\"]}",
        "{\"Configuration\":{\"FunctionName\":\"f\"},\"Tags\":{\"" PLAN_OWNER_TAG "\":{}}}",
    };
    struct scene *scene = *state;

    deploy(scene);
    delete_object(scene);
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        refuse(scene, "GetFunction", 200, odd[i]);
        look_now(scene);
        assert_null(strstr(str_text(&scene->calls), "finalizer"));
        pass(scene, 10 * 1000);
    }
    refuse(scene, NULL, 0, NULL);
    look_now(scene);
    assert_calls(scene, "GetFunction DeleteFunction finalizer");
}

static void a_function_that_is_not_found_may_be_in_an_account_that_is_not_known(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    json_free(take(scene->function));
    delete_object(scene);
    struct reconcile_next next = look_now(scene);

    assert_calls(scene, "GetFunction status");
    assert_state(scene, "Reconciling", "AccountUnknown");
    assert_non_null(next.backoff);
    assert_non_null(strstr(message(scene), "GetCallerIdentity"));
}

static void a_function_of_another_account_is_neither_made_anew_nor_let_go(void **state)
{
    struct scene *scene = *state;

    deploy(scene);
    json_set_at(scene->object, "status.functionArn",
                json_new_string("arn:aws:lambda:us-east-1:210987654321:function:f"));
    json_free(take(scene->function));
    pass(scene, RESYNC_MS * 11 / 10 + 1);
    look_now(scene);
    assert_calls(scene, "status");
    assert_state(scene, "Stalled", "WrongAccount");
    delete_object(scene);
    look_now(scene);
    assert_calls(scene, "status");
    assert_state(scene, "Reconciling", "WrongAccount");
}

static void a_retained_function_of_another_account_is_not_looked_for_in_this_one(void **state)
{
    struct scene *scene = *state;

    set_spec(scene, "deletionPolicy", json_new_string("Retain"));
    deploy(scene);
    json_set_at(scene->object, "status.functionArn",
                json_new_string("arn:aws:lambda:us-east-1:210987654321:function:f"));
    delete_object(scene);
    look_now(scene);
    assert_calls(scene, "finalizer");
}

static void a_retained_function_whose_owner_cannot_be_read_is_left_behind_with_a_word(void **state)
{
    struct scene *scene = *state;

    set_spec(scene, "deletionPolicy", json_new_string("Retain"));
    deploy(scene);
    json_set(scene->function, "Tags", NULL);
    json_set(scene->function, "TagsError", parse("{\"ErrorCode\":\"AccessDeniedException\"}"));
    delete_object(scene);
    for (int tries = 0; tries < 2; tries++) {
        look_now(scene);
        assert_calls(scene, "GetFunction");
        pass(scene, 1001);
    }
    scene->with.events = events_new(scene->kube);
    look_now(scene);
    events_free(scene->with.events); /* waits until it is told */
    assert_non_null(strstr(str_text(&scene->calls), "finalizer"));
    assert_non_null(strstr(str_text(&scene->calls), "Event"));
    assert_non_null(scene->function);
}

static void an_older_version_than_the_one_dealt_with_is_not_looked_at(void **state)
{
    struct scene *scene = *state;
    _cleanup_(json_freep) struct json *old = json_copy(scene->object);

    deploy(scene);
    struct json *current = scene->object;

    scene->object = old; /* the informer lags behind our writes */
    look_now(scene);
    assert_calls(scene, "");
    scene->object = current;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(nothing_is_written_to_aws_once_the_controller_stops),
        test(nothing_is_written_to_aws_once_the_lead_is_over),
        test(a_lead_that_ends_during_a_look_neither_deletes_nor_says_that_aws_failed),
        test(a_lead_that_ends_during_a_look_leaves_the_status_to_the_next_leader),
        test(an_object_that_cannot_be_read_is_not_counted_as_ready),
        test(a_deleted_resource_takes_its_function_along),
        test(a_deletion_that_is_denied_keeps_the_finalizer_and_says_how_to_let_go),
        test(a_function_that_vanished_lets_the_resource_go),
        test(a_function_that_was_just_created_is_not_taken_for_gone),
        test(a_function_that_is_missing_for_longer_lets_the_resource_go),
        test(a_function_that_is_missed_seen_and_missed_again_is_not_taken_for_gone),
        test(an_answer_that_does_not_say_whose_the_function_is_decides_nothing),
        cmocka_unit_test_setup_teardown(a_function_that_is_not_found_may_be_in_an_account_that_is_not_known,
                                        set_up_without_account, tear_down),
        test(a_function_of_another_account_is_neither_made_anew_nor_let_go),
        test(a_retained_function_of_another_account_is_not_looked_for_in_this_one),
        test(a_retained_function_whose_owner_cannot_be_read_is_left_behind_with_a_word),
        test(an_older_version_than_the_one_dealt_with_is_not_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

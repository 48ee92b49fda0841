/* What has calls of its own: set, changed, removed, and left alone where nobody declared it. */
#include "plan_scene.h"

struct example {
    const char *path;      /* in the spec */
    const char *one, *two; /* values */
    const char *one_sent, *two_sent;
    const char *answer;  /* what AWS has when nothing was put */
    const char *cleared; /* the body that clears; NULL: the delete */
};

static const struct example examples[] = {
    {"reservedConcurrency", "0", "7", "{\"ReservedConcurrentExecutions\":0}",
     "{\"ReservedConcurrentExecutions\":7}", NULL, NULL},
    {"asyncInvoke", "{\"maximumRetryAttempts\":0,\"onFailure\":\"arn:q\"}",
     "{\"maximumEventAgeInSeconds\":60,\"onSuccess\":\"arn:s\"}",
     "{\"MaximumRetryAttempts\":0,\"DestinationConfig\":{\"OnFailure\":{\"Destination\":\"arn:q\"}}}",
     "{\"MaximumEventAgeInSeconds\":60,\"DestinationConfig\":{\"OnSuccess\":{\"Destination\":\"arn:s\"}}}",
     NULL, NULL},
    {"recursiveLoop", "\"Allow\"", "\"Allow\"", "{\"RecursiveLoop\":\"Allow\"}",
     "{\"RecursiveLoop\":\"Allow\"}", "{\"RecursiveLoop\":\"Terminate\"}",
     "{\"RecursiveLoop\":\"Terminate\"}"},
    {"runtimeManagement", "{\"updateRuntimeOn\":\"Manual\",\"runtimeVersionArn\":\"arn:r\"}",
     "{\"updateRuntimeOn\":\"FunctionUpdate\"}",
     "{\"UpdateRuntimeOn\":\"Manual\",\"RuntimeVersionArn\":\"arn:r\"}",
     "{\"UpdateRuntimeOn\":\"FunctionUpdate\"}", "{\"UpdateRuntimeOn\":\"Auto\",\"FunctionArn\":\"a\"}",
     "{\"UpdateRuntimeOn\":\"Auto\"}"},
    {"codeSigningConfigArn", "\"arn:1\"", "\"arn:2\"", "{\"CodeSigningConfigArn\":\"arn:1\"}",
     "{\"CodeSigningConfigArn\":\"arn:2\"}", "{\"FunctionName\":\"f\"}", NULL},
};

static void show(struct scene *scene, const struct plan_side *side, const char *answer)
{
    json_set(scene->observed, side->answer, answer ? parse(answer) : NULL);
}

static void each_is_set_changed_and_removed(void **state)
{
    assert_int_equal(ARRAY_LEN(examples), plan_side_count);
    for (size_t i = 0; i < plan_side_count; i++) {
        const struct plan_side *side = &plan_sides[i];
        const struct example *example = &examples[i];

        tear_down(state);
        set_up(state);
        struct scene *scene = *state;

        assert_string_equal(side->path, example->path);
        assert_false(plan_side_ours(side, scene->spec, scene->managed));
        show(scene, side, example->answer);
        json_set(scene->spec, side->path, parse(example->one));
        assert_true(plan_side_ours(side, scene->spec, scene->managed));
        assert_json(only_step(scene, side->put)->body, example->one_sent);
        show(scene, side, example->one_sent);
        assert_in_force(scene, side->path);

        json_free(scene->managed);
        scene->managed = plan_managed(scene->spec, NULL);
        json_set(scene->spec, side->path, parse(example->two));
        if (!str_equal(example->one, example->two))
            assert_json(only_step(scene, side->put)->body, example->two_sent);
        show(scene, side, example->two_sent);
        assert_in_force(scene, side->path);

        json_free(scene->managed);
        scene->managed = plan_managed(scene->spec, NULL);
        json_set(scene->spec, side->path, NULL);
        assert_true(plan_side_ours(side, scene->spec, scene->managed));
        if (example->cleared)
            assert_json(only_step(scene, side->put)->body, example->cleared);
        else
            assert_null(only_step(scene, side->clear)->body);
        show(scene, side, example->answer);
        assert_in_force(scene, side->path);
    }
}

static void what_nobody_declared_is_left_alone(void **state)
{
    for (size_t i = 0; i < plan_side_count; i++)
        show(*state, &plan_sides[i], examples[i].one_sent);
    assert_in_force(*state, "somebody else's");
}

static void a_member_that_is_removed_is_put_back_with_the_rest(void **state)
{
    struct scene *scene = *state;

    json_set(scene->spec, "asyncInvoke", parse("{\"maximumRetryAttempts\":1}"));
    json_set(scene->observed, "EventInvokeConfig",
             parse("{\"MaximumRetryAttempts\":1,\"MaximumEventAgeInSeconds\":60,\"DestinationConfig\":{"
                   "\"OnSuccess\":{},\"OnFailure\":{}}}"));
    assert_json(only_step(scene, PLAN_PUT_EVENT_INVOKE)->body, "{\"MaximumRetryAttempts\":1}");
}

static void they_come_after_the_configuration_and_name_no_value(void **state)
{
    struct scene *scene = *state;
    _cleanup_(str_done) struct str summary = STR_INIT(4096);

    for (size_t i = 0; i < plan_side_count; i++)
        json_set(scene->spec, plan_sides[i].path, parse(examples[i].one));
    json_set(scene->spec, "timeout", json_new_int(30));
    const struct plan *plan = make(scene);

    assert_int_equal(plan->step_count, 1 + plan_side_count);
    assert_int_equal(plan->steps[0].kind, PLAN_UPDATE_CONFIGURATION);
    plan_summary(plan, &summary);
    assert_string_equal(str_text(&summary),
                        "changes timeout; changes reservedConcurrency; changes asyncInvoke; changes "
                        "recursiveLoop; changes runtimeManagement; changes codeSigningConfigArn");
}

static void after_creation_only_what_creation_carried_is_there(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < plan_side_count; i++) {
        json_set(scene->spec, plan_sides[i].path, parse(examples[i].one));
        _cleanup_(json_freep) struct json *answer = plan_side_created(&plan_sides[i], scene->spec);

        assert_json(answer, plan_sides[i].at_creation ? examples[i].one_sent : "{}");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(each_is_set_changed_and_removed),
        test(what_nobody_declared_is_left_alone),
        test(a_member_that_is_removed_is_put_back_with_the_rest),
        test(they_come_after_the_configuration_and_name_no_value),
        test(after_creation_only_what_creation_carried_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

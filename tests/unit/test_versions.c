/* What is published, what aliases point to, what goes, and what the status tells of it. */
#include "common/function/versions.h"

#include "plan_scene.h"

#define OURS(number, generation, sha)                                                                        \
    "{\"Version\":\"" number "\",\"Description\":\"kubelambda: generation " generation                       \
    ", a.zip\",\"CodeSha256\":\"" sha "\"}"
#define IN_STATE(number, generation, state)                                                                  \
    "{\"Version\":\"" number "\",\"Description\":\"kubelambda: generation " generation                       \
    ", a.zip\",\"CodeSha256\":\"" SHA "\",\"State\":\"" state "\"}"
#define FOREIGN(number) "{\"Version\":\"" number "\",\"Description\":\"by hand\",\"CodeSha256\":\"" SHA "\"}"
#define ALIAS(name, version)                                                                                 \
    "{\"Name\":\"" name "\",\"FunctionVersion\":\"" version "\",\"Description\":\"\",\"RevisionId\":\"r1\"}"

static struct scene *with(void **state, const char *versions, const char *aliases, const char *published)
{
    struct scene *scene = *state;

    json_set(scene->spec, "versions", parse("{\"publish\":\"OnChange\"}"));
    json_set(scene->observed, VERSIONS, parse(versions));
    json_set(scene->observed, ALIASES, parse(aliases));
    scene->input.version = published;
    scene->input.generation = 7;
    return scene;
}

static void a_version_is_published_of_what_is_in_force_and_of_nothing_else(void **state)
{
    struct scene *scene = with(state, "[]", "[]", NULL);

    assert_json(only_step(scene, PLAN_PUBLISH)->body,
                "{\"CodeSha256\":\"" SHA "\",\"Description\":\"kubelambda: generation 7, a.zip\"}");
    json_set_at(scene->spec, "timeout", json_new_int(9));
    const struct plan *plan = make(scene);

    assert_int_equal(plan->step_count, 2);
    assert_int_equal(plan->steps[0].kind, PLAN_UPDATE_CONFIGURATION);
    assert_int_equal(plan->steps[1].kind, PLAN_PUBLISH);
    assert_true(plan->steps[1].waits);
}

static void what_was_published_before_a_crash_is_recognized(void **state)
{
    struct scene *scene = with(state, "[" OURS("1", "6", SHA) "," OURS("2", "7", SHA) "]", "[]", NULL);

    assert_in_force(scene, "by its description and its code");
    assert_string_equal(versions_published(&scene->input), "2");
    with(state, "[" OURS("2", "7", OTHER_SHA) "]", "[]", NULL);
    only_step(scene, PLAN_PUBLISH); /* other code */
    with(state, "[" OURS("2", "6", SHA) "]", "[]", NULL);
    only_step(scene, PLAN_PUBLISH); /* another generation */
    with(state, "[" OURS("2", "6", SHA) "]", "[]", "2");
    assert_in_force(scene, "by the status");
    with(state, "[]", "[]", "2");
    only_step(scene, PLAN_PUBLISH); /* somebody deleted it */
    with(state, "[" FOREIGN("2") "]", "[]", NULL);
    only_step(scene, PLAN_PUBLISH); /* somebody else's */
}

static void latest_and_previous_are_numbers_as_soon_as_they_are_known(void **state)
{
    struct scene *scene =
        with(state, "[" OURS("1", "1", OTHER_SHA) "," FOREIGN("2") "," OURS("3", "7", SHA) "]",
             "[" ALIAS("live", "1") "]", "3");

    json_set(scene->spec, "aliases",
             parse("[{\"name\":\"live\",\"version\":\"Latest\"},{\"name\":\"old\","
                   "\"version\":\"Previous\",\"description\":\"d\"}]"));
    const struct plan *plan = make(scene);

    assert_int_equal(plan->step_count, 2);
    assert_int_equal(plan->steps[0].kind, PLAN_UPDATE_ALIAS);
    assert_string_equal(plan->steps[0].item, "live");
    assert_json(plan->steps[0].body,
                "{\"FunctionVersion\":\"3\",\"Description\":\"\",\"RevisionId\":\"r1\",\"RoutingConfig\":{"
                "\"AdditionalVersionWeights\":{}}}");
    assert_json(plan->steps[1].body, "{\"Name\":\"old\",\"FunctionVersion\":\"1\",\"Description\":\"d\"}");
    assert_false(plan->steps[0].waits || plan->steps[1].waits);

    json_set_at(scene->spec, "timeout", json_new_int(9)); /* now there will be another latest */
    plan = make(scene);
    assert_int_equal(plan->step_count, 4);
    assert_true(plan->steps[2].waits);
    assert_string_equal(plan->steps[2].summary, "points the alias live to the new version");
    assert_string_equal(plan->steps[3].summary, "creates the alias old for version 3");
}

static void weights_are_percents(void **state)
{
    struct scene *scene =
        with(state, "[" OURS("1", "1", SHA) "," OURS("2", "7", SHA) "]",
             "[{\"Name\":\"live\",\"FunctionVersion\":\"1\",\"Description\":\"\",\"RoutingConfig\":{"
             "\"AdditionalVersionWeights\":{\"2\":0.29}}}]",
             "2");

    json_set(scene->spec, "aliases",
             parse("[{\"name\":\"live\",\"version\":\"1\",\"additionalVersions\":[{\"version\":\"2\","
                   "\"weight\":29}]}]"));
    assert_in_force(scene, "29 %");
    json_set(scene->spec, "aliases",
             parse("[{\"name\":\"live\",\"version\":\"1\",\"additionalVersions\":[{\"version\":\"2\","
                   "\"weight\":30}]}]"));
    const struct json *body = only_step(scene, PLAN_UPDATE_ALIAS)->body;

    assert_json(json_get(body, "RoutingConfig"), "{\"AdditionalVersionWeights\":{\"2\":0.3}}");
}

static void only_ours_beyond_those_to_keep_go_and_none_that_an_alias_names(void **state)
{
    struct scene *scene = with(state,
                               "[" OURS("1", "1", SHA) "," OURS("2", "2", SHA) "," FOREIGN("3") "," OURS(
                                   "4", "4", SHA) "," OURS("5", "7", SHA) "]",
                               "[" ALIAS("theirs", "2") "]", "5");

    json_set_at(scene->spec, "versions.keep", json_new_int(1));
    const struct plan *plan = make(scene);

    assert_int_equal(plan->step_count, 2);
    assert_string_equal(plan->steps[0].item, "1");
    assert_string_equal(plan->steps[1].item, "4");
    assert_int_equal(plan->steps[1].kind, PLAN_DELETE_VERSION);
}

static void none_goes_that_the_resource_names(void **state)
{
    struct scene *scene =
        with(state,
             "[" OURS("1", "1", SHA) "," OURS("2", "2", SHA) "," OURS("3", "3", SHA) "," OURS(
                 "4", "4", SHA) "," OURS("5", "5", SHA) "," OURS("6", "7", SHA) "]",
             "[" ALIAS("live", "6") "]", "6");

    json_set_at(scene->spec, "versions.keep", json_new_int(1));
    json_set(scene->spec, "aliases",
             parse("[{\"name\":\"live\",\"version\":\"6\",\"additionalVersions\":[{\"version\":\"1\","
                   "\"weight\":0}]}]"));
    json_set(scene->spec, "functionUrl", parse("{\"authType\":\"AWS_IAM\",\"qualifier\":\"2\"}"));
    json_set(scene->spec, "permissions",
             parse("[{\"sid\":\"a\",\"action\":\"lambda:InvokeFunction\",\"principal\":\"*\",\"qualifier\":"
                   "\"3\"}]"));
    json_set(scene->spec, "eventSources",
             parse("[{\"name\":\"a\",\"eventSourceArn\":\"arn:aws:sqs:us-east-1:123456789012:q\","
                   "\"qualifier\":\"4\"}]"));
    const struct plan *plan = make(scene);
    size_t deletions = 0;

    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == PLAN_DELETE_VERSION) {
            deletions++;
            assert_string_equal(plan->steps[i].item, "5");
        }
    assert_int_equal(deletions, 1);
}

static void what_aws_did_not_let_go_of_stays_and_is_told_of(void **state)
{
    struct scene *scene =
        with(state,
             "[{\"Version\":\"1\",\"Description\":\"kubelambda: generation 1\",\"" VERSION_STAYS
             "\":true}," OURS("2", "2", SHA) "," OURS("3", "7", SHA) "]",
             "[]", "3");

    json_set_at(scene->spec, "versions.keep", json_new_int(1));
    assert_string_equal(only_step(scene, PLAN_DELETE_VERSION)->item, "2");
    _cleanup_(json_freep) struct json *status = versions_status(&scene->input);

    assert_string_equal(json_str_at(status, "versions"), "1-3");
}

static void nothing_follows_a_version_before_it_is_there(void **state)
{
    static const struct {
        const char *version;
        enum plan_outcome outcome;
        const char *reason;
    } rows[] = {{IN_STATE("3", "7", "Pending"), PLAN_WAIT, "Publishing"},
                {IN_STATE("3", "7", "Failed"), PLAN_BLOCKED, "VersionFailed"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(freep) char *versions =
            xasprintf("[" OURS("1", "1", SHA) "," OURS("2", "2", SHA) ",%s]", rows[i].version);
        struct scene *scene = with(state, versions, "[" ALIAS("gone", "1") "]", "3");

        json_set_at(scene->spec, "versions.keep", json_new_int(1));
        json_set(scene->spec, "aliases",
                 parse("[{\"name\":\"live\",\"version\":\"Latest\"},{\"name\":\"stable\",\"version\":"
                       "\"2\"}]"));
        json_set(scene->spec, "functionUrl", parse("{\"authType\":\"AWS_IAM\",\"qualifier\":\"live\"}"));
        json_append(scene->managed, json_new_string("aliases.gone"));
        const struct plan *plan = make(scene);

        assert_int_equal(plan->outcome, rows[i].outcome);
        assert_string_equal(plan->reason, rows[i].reason);
        assert_int_equal(plan->step_count, 0);
    }
}

static void provisioned_concurrency_is_waited_for_and_fails_with_a_reason(void **state)
{
    struct scene *scene = with(state, "[" OURS("1", "7", SHA) "]", "[" ALIAS("live", "1") "]", "1");

    json_set(scene->spec, "aliases",
             parse("[{\"name\":\"live\",\"version\":\"Latest\",\"provisionedConcurrency\":3}]"));
    assert_json(only_step(scene, PLAN_PUT_PROVISIONED)->body, "{\"ProvisionedConcurrentExecutions\":3}");
    json_set(scene->observed, PROVISIONED,
             parse("{\"live\":{\"RequestedProvisionedConcurrentExecutions\":3,\"Status\":\"IN_PROGRESS\"}}"));
    assert_int_equal(make(scene)->outcome, PLAN_WAIT);
    json_set_at(scene->observed, PROVISIONED ".live.Status", json_new_string("FAILED"));
    json_set_at(scene->observed, PROVISIONED ".live.StatusReason", json_new_string("none left"));
    assert_blocked(scene, "ProvisionedConcurrencyFailed", "none left");
    json_set_at(scene->observed, PROVISIONED ".live.Status", json_new_string("READY"));
    assert_in_force(scene, "ready");
}

static void ranges_say_what_is_there_and_what_never_comes_back(void **state)
{
    struct scene *scene =
        with(state, "[" OURS("1", "1", SHA) "," FOREIGN("2") "," OURS("5", "7", SHA) "]", "[]", "5");

    make(scene);
    _cleanup_(json_freep) struct json *status = versions_status(&scene->input);

    assert_json(status, "{\"version\":\"5\",\"versions\":\"1-2,5\"}");
    assert_int_equal(version_known("1-2,5", 2), VERSION_THERE);
    assert_int_equal(version_known("1-2,5", 5), VERSION_THERE);
    assert_int_equal(version_known("1-2,5", 4), VERSION_GONE);
    assert_int_equal(version_known("1-2,5", 6), VERSION_LATER);
    assert_int_equal(version_known("x-,5", 3), VERSION_LATER);
}

static void the_oldest_version_is_the_first_however_aws_shows_them(void **state)
{
    _cleanup_(json_freep) struct json *shown =
        parse("[{\"Version\":\"10\"},{\"Version\":\"9\"},{\"Version\":\"2\"},{\"Version\":\"11\"}]");
    _cleanup_(json_freep) struct json *sorted = versions_oldest_first(shown);

    (void)state;
    assert_json(sorted,
                "[{\"Version\":\"2\"},{\"Version\":\"9\"},{\"Version\":\"10\"},{\"Version\":\"11\"}]");
}

static void of_a_versions_configuration_no_value_is_kept(void **state)
{
    _cleanup_(json_freep) struct json *configuration =
        parse("{\"Version\":\"3\",\"Environment\":{\"Variables\":{\"KEY\":\"hunter2\"}},\"CodeSha256\":\"" SHA
              "\"}");
    _cleanup_(json_freep) struct json *seen = version_seen(configuration);

    (void)state;
    assert_json(seen, "{\"Version\":\"3\",\"CodeSha256\":\"" SHA "\"}");
    json_set_str(configuration, "Version", "$LATEST");
    assert_null(version_seen(configuration));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_version_is_published_of_what_is_in_force_and_of_nothing_else),
        test(what_was_published_before_a_crash_is_recognized),
        test(latest_and_previous_are_numbers_as_soon_as_they_are_known),
        test(weights_are_percents),
        test(only_ours_beyond_those_to_keep_go_and_none_that_an_alias_names),
        test(none_goes_that_the_resource_names),
        test(what_aws_did_not_let_go_of_stays_and_is_told_of),
        test(nothing_follows_a_version_before_it_is_there),
        test(provisioned_concurrency_is_waited_for_and_fails_with_a_reason),
        test(ranges_say_what_is_there_and_what_never_comes_back),
        test(the_oldest_version_is_the_first_however_aws_shows_them),
        test(of_a_versions_configuration_no_value_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

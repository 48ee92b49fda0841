/* What hangs on a function: statements as policies show them, and the steps for what differs. */
#include "plan_scene.h"

#include "common/function/plan_attached.h"
#include "common/function/plan_event_sources.h"
#include "common/function/plan_permissions.h"

#define ARN "arn:aws:lambda:us-east-1:123456789012:"
#define QUEUE "arn:aws:sqs:us-east-1:123456789012:q"

/* --- statements ----------------------------------------------------------------------------- */

static struct json *read_policy(const char *statements)
{
    _cleanup_(freep) char *policy = xasprintf("{\"Version\":\"2012-10-17\",\"Statement\":%s}", statements);
    _cleanup_(json_freep) struct json *answer = json_new_object();
    struct json *have = json_new_object();
    struct err err;

    json_set_str(answer, "Policy", policy);
    assert_int_equal(permission_read(answer, "", OWNER, have, &err), 0);
    return have;
}

#define STATEMENT(principal, rest)                                                                           \
    "{\"Sid\":\"a\",\"Effect\":\"Allow\",\"Principal\":" principal                                           \
    ",\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"" ARN "function:f\"" rest "}"
#define ITEM(principal, rest)                                                                                \
    "{\"a\":{\"Principal\":\"" principal "\",\"Action\":\"lambda:InvokeFunction\"" rest                      \
    ",\"StatementId\":\"a\"}}"
#define UNREADABLE "{\"a\":{\"StatementId\":\"a\"}}"

static void a_statement_is_read_as_it_was_asked_for(void **state)
{
    static const struct {
        const char *statement, *item;
    } rows[] = {
        {STATEMENT("\"*\"", ""), ITEM("*", "")},
        {STATEMENT("{\"AWS\":\"*\"}", ""), ITEM("*", "")},
        {STATEMENT("{\"AWS\":\"arn:aws:iam::111122223333:root\"}", ""), ITEM("111122223333", "")},
        {STATEMENT("{\"AWS\":\"arn:aws:iam::111122223333:role/root\"}", ""),
         ITEM("arn:aws:iam::111122223333:role/root", "")},
        {STATEMENT("{\"Service\":[\"s3.amazonaws.com\"]}",
                   ",\"Condition\":{\"ArnLike\":{\"AWS:SourceArn\":\"arn:aws:s3:::b\"},\"StringEquals\":{"
                   "\"AWS:SourceAccount\":\"123456789012\"}}"),
         ITEM("s3.amazonaws.com", ",\"SourceArn\":\"arn:aws:s3:::b\",\"SourceAccount\":\"123456789012\"")},
        {STATEMENT("\"*\"", ",\"Condition\":{\"Bool\":{\"lambda:InvokedViaFunctionUrl\":\"true\"}}"),
         ITEM("*", ",\"InvokedViaFunctionUrl\":true")},
        /* What AddPermission cannot have made is like nothing that can be declared. */
        {STATEMENT("{\"AWS\":[\"1\",\"2\"]}", ""), UNREADABLE},
        {STATEMENT("{\"Federated\":\"x\"}", ""), UNREADABLE},
        {STATEMENT("{\"Service\":\"a\",\"AWS\":\"b\"}", ""), UNREADABLE},
        {STATEMENT("\"*\"", ",\"Condition\":{\"StringNotEquals\":{\"AWS:SourceAccount\":\"1\"}}"),
         UNREADABLE},
        {STATEMENT("\"*\"", ",\"Condition\":{\"StringEquals\":{\"aws:username\":\"x\"}}"), UNREADABLE},
        {STATEMENT("\"*\"", ",\"Condition\":{\"StringEquals\":{\"aws:SourceAccount\":[\"1\",\"2\"]}}"),
         UNREADABLE},
        {STATEMENT("\"*\"", ",\"Condition\":{\"StringEquals\":[\"x\"]}"), UNREADABLE},
        {STATEMENT("\"*\"", ",\"NotAction\":\"x\""), UNREADABLE},
        {"{\"Sid\":\"a\",\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"lambda:*\",\"Resource\":\"*\"}",
         UNREADABLE},
        {"{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"lambda:*\"}", "{}"},
        {"7", "{}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(freep) char *list = xasprintf("[%s]", rows[i].statement);
        _cleanup_(json_freep) struct json *have = read_policy(list), *alone = read_policy(rows[i].statement);

        assert_json(have, rows[i].item);
        assert_json(alone, rows[i].item); /* a policy may have one without a list */
    }
}

static void a_policy_that_is_no_json_is_no_empty_policy(void **state)
{
    _cleanup_(json_freep) struct json *answer = parse("{\"Policy\":\"{\\\"Statement\\\":[}\"}");
    _cleanup_(json_freep) struct json *have = json_new_object();
    struct err err;

    (void)state;
    assert_int_equal(permission_read(answer, "", OWNER, have, &err), ERR_RETRY);
    assert_int_equal(permission_read(NULL, "", OWNER, have, &err), 0);
    assert_int_equal(json_size(have), 0);
}

/* --- steps ---------------------------------------------------------------------------------- */

static void declare(struct scene *scene, const char *path, const char *value)
{
    json_set(scene->spec, path, value ? parse(value) : NULL);
}

static void show(struct scene *scene, const char *answer, const char *have)
{
    json_set(scene->observed, answer, parse(have));
}

static void managed(struct scene *scene)
{
    json_free(scene->managed);
    scene->managed = plan_managed(scene->spec, NULL);
}

static void assert_steps(struct scene *scene, const char *expected)
{
    _cleanup_(str_done) struct str summary = STR_INIT(4096);

    plan_summary(make(scene), &summary);
    assert_string_equal(str_text(&summary), expected);
}

static void what_nobody_declared_is_left_alone(void **state)
{
    struct scene *scene = *state;

    show(scene, "FunctionUrls", "{\"$LATEST\":{\"AuthType\":\"NONE\"}}");
    show(scene, "Permissions", "{\"a\":{\"StatementId\":\"a\"}}");
    show(scene, "EventSources", "{\"0\":{\"UUID\":\"0\",\"EventSourceArn\":\"" QUEUE "\"}}");
    assert_in_force(scene, "somebody else's");
}

static void a_public_url_comes_and_goes_with_its_permissions(void **state)
{
    struct scene *scene = *state;

    declare(scene, "functionUrl", "{\"authType\":\"NONE\"}");
    assert_steps(scene, "adds functionUrl; adds permissions[kubelambda-url-public]; "
                        "adds permissions[kubelambda-url-invoke]");
    managed(scene);
    _cleanup_(json_freep) struct json *observed = plan_observed_from(scene->spec, OWNER, SHA);

    json_set(scene->observed, "FunctionUrls", json_copy(json_get(observed, "FunctionUrls")));
    json_set(scene->observed, "Permissions", json_copy(json_get(observed, "Permissions")));
    assert_in_force(scene, "a public URL");
    declare(scene, "functionUrl", NULL);
    assert_steps(scene, "removes functionUrl; removes permissions[kubelambda-url-public]; "
                        "removes permissions[kubelambda-url-invoke]");
}

static void another_qualifier_is_another_url_and_another_policy(void **state)
{
    struct scene *scene = *state;

    declare(scene, "permissions", "[{\"sid\":\"a\",\"principal\":\"1\",\"action\":\"lambda:*\"}]");
    managed(scene);
    show(scene, "Permissions",
         "{\"a\":{\"StatementId\":\"a\",\"Principal\":\"1\",\"Action\":\"lambda:*\"},\"b\":{\"StatementId\":"
         "\"b\"}}");
    assert_in_force(scene, "a permission");
    declare(scene, "permissions",
            "[{\"sid\":\"a\",\"principal\":\"1\",\"action\":\"lambda:*\",\"qualifier\":\"live\"}]");
    assert_steps(scene, "removes permissions[a]; adds permissions[live/a]");
    assert_null(scene->plan.steps[0].qualifier);
    assert_string_equal(scene->plan.steps[1].qualifier, "live");
    assert_string_equal(scene->plan.steps[1].item, "a");
    _cleanup_(json_freep) struct json *qualifiers =
        plan_attached_qualifiers(plan_attached_of(CALL_PERMISSIONS), scene->spec, scene->managed);

    assert_json(qualifiers, "[\"\",\"live\"]");
}

#define MAPPING(name, uuid, state, batch)                                                                    \
    "\"" name "\":{\"UUID\":\"" uuid "\",\"EventSourceArn\":\"" QUEUE "\",\"State\":\"" state                \
    "\",\"BatchSize\":" batch ",\"Enabled\":true,\"Tags\":{\"" PLAN_OWNER_TAG "\":\"" OWNER                  \
    "\",\"" ATTACHED_NAME_TAG "\":\"" name "\"}}"

static void an_event_source_is_waited_for_and_changed_when_it_has_settled(void **state)
{
    struct scene *scene = *state;

    declare(scene, "eventSources", "[{\"name\":\"q\",\"eventSourceArn\":\"" QUEUE "\"}]");
    show(scene, "EventSources", "{}");
    assert_json(only_step(scene, PLAN_CREATE_EVENT_SOURCE)->body,
                "{\"EventSourceArn\":\"" QUEUE "\",\"BatchSize\":10,\"MaximumBatchingWindowInSeconds\":0,"
                "\"FunctionName\":\"f\",\"Tags\":{\"" PLAN_OWNER_TAG "\":\"" OWNER "\",\"" ATTACHED_NAME_TAG
                "\":\"q\"}}");
    show(scene, "EventSources", "{" MAPPING("q", "0", "Creating", "10") "}");
    assert_int_equal(make(scene)->outcome, PLAN_WAIT);
    show(scene, "EventSources", "{" MAPPING("q", "0", "Enabled", "10") "}");
    assert_in_force(scene, "an event source");
    declare(scene, "eventSources",
            "[{\"name\":\"q\",\"eventSourceArn\":\"" QUEUE "\",\"batchSize\":9,\"qualifier\":\"live\"}]");
    assert_json(only_step(scene, PLAN_UPDATE_EVENT_SOURCE)->body,
                "{\"BatchSize\":9,\"FunctionName\":\"f:live\"}");
    assert_string_equal(scene->plan.steps[0].item, "0");
    show(scene, "EventSources", "{" MAPPING("q", "0", "Updating", "10") "}");
    assert_int_equal(make(scene)->outcome, PLAN_WAIT);
    managed(scene);
    declare(scene, "eventSources", NULL);
    assert_int_equal(make(scene)->outcome, PLAN_WAIT);
    show(scene, "EventSources", "{" MAPPING("q", "0", "Enabled", "10") "}");
    assert_null(only_step(scene, PLAN_DELETE_EVENT_SOURCE)->body);
    show(scene, "EventSources", "{" MAPPING("q", "0", "Deleting", "10") "}");
    assert_int_equal(make(scene)->outcome, PLAN_WAIT);
}

static void a_source_that_got_another_name_goes_before_the_new_one_comes(void **state)
{
    struct scene *scene = *state;

    declare(scene, "eventSources", "[{\"name\":\"new\",\"eventSourceArn\":\"" QUEUE "\"}]");
    show(scene, "EventSources", "{" MAPPING("old", "0", "Enabled", "10") "}");
    only_step(scene, PLAN_DELETE_EVENT_SOURCE);
    show(scene, "EventSources", "{" MAPPING("old", "0", "Deleting", "10") "}");
    assert_int_equal(make(scene)->outcome, PLAN_WAIT);
}

static void a_source_that_reads_something_else_waits_until_its_predecessor_is_gone(void **state)
{
    struct scene *scene = *state;

    declare(scene, "eventSources", "[{\"name\":\"q\",\"eventSourceArn\":\"" QUEUE "2\"}]");
    show(scene, "EventSources", "{" MAPPING("q", "0", "Enabled", "10") "}");
    assert_blocked(scene, "EventSourceFixed", "give the event source another name");
    show(scene, "EventSources", "{" MAPPING("q", "0", "Deleting", "10") "}");
    assert_int_equal(make(scene)->outcome, PLAN_WAIT);
    show(scene, "EventSources", "{}");
    only_step(scene, PLAN_CREATE_EVENT_SOURCE);
}

static void a_state_that_is_not_known_is_not_waited_for(void **state)
{
    struct scene *scene = *state;

    declare(scene, "eventSources", "[{\"name\":\"q\",\"eventSourceArn\":\"" QUEUE "\"}]");
    show(scene, "EventSources", "{" MAPPING("q", "0", "Paused", "10") "}");
    assert_in_force(scene, "a state that a later AWS made up");
    show(scene, "EventSources", "{" MAPPING("q", "0", "Paused", "9") "}");
    only_step(scene, PLAN_UPDATE_EVENT_SOURCE);
}

static void a_source_that_cannot_be_made_holds_up_nothing_else(void **state)
{
    struct scene *scene = *state;

    declare(scene, "eventSources", "[{\"name\":\"q\",\"eventSourceArn\":\"" QUEUE "\"}]");
    show(scene, "EventSources", "{\"0\":{\"UUID\":\"0\",\"EventSourceArn\":\"" QUEUE "\",\"Tags\":{}}}");
    assert_blocked(scene, "EventSourceExists", "write adoptionPolicy: Adopt");
    json_set(scene->spec, "timeout", json_new_int(30));
    only_step(scene, PLAN_UPDATE_CONFIGURATION);
}

static void with_the_function_go_its_sources_and_no_others(void **state)
{
    struct scene *scene = *state;

    scene->input.deleting = true;
    show(scene, "EventSources",
         "{" MAPPING("q", "0", "Enabled", "10") ",\"1\":{\"UUID\":\"1\",\"EventSourceArn\":\"arn:other\"}}");
    assert_steps(scene, "removes eventSources[q]; deletes the function");
    json_set_str(scene->spec, "deletionPolicy", "Retain");
    assert_steps(scene, "leaves eventSources[q] behind; leaves the function behind, without the owner's tag");
}

static void a_mapping_that_is_listed_twice_is_one(void **state)
{
    struct scene *scene = *state;
    struct json *sources = json_make_object(scene->observed, "EventSources");
    _cleanup_(json_freep) struct json *answer = parse("{" MAPPING("q", "0", "Enabled", "10") "}");
    const struct json *mapping = json_first(answer);

    declare(scene, "eventSources", "[{\"name\":\"q\",\"eventSourceArn\":\"" QUEUE "\"}]");
    for (int times = 0; times < 2; times++)
        source_add(mapping, json_get(mapping, "Tags"), OWNER, sources);
    assert_in_force(scene, "a mapping of two lists");
}

static void a_source_that_is_named_as_a_mapping_of_another_is_not_that_one(void **state)
{
    struct scene *scene = *state;
    struct json *sources = json_make_object(scene->observed, "EventSources");
    _cleanup_(json_freep) struct json *theirs = parse("{\"UUID\":\"0\",\"EventSourceArn\":\"arn:other\"}");
    _cleanup_(json_freep) struct json *ours = parse("{" MAPPING("0", "1", "Enabled", "10") "}");
    const struct json *mapping = json_first(ours);

    declare(scene, "eventSources", "[{\"name\":\"0\",\"eventSourceArn\":\"" QUEUE "\"}]");
    source_add(theirs, NULL, OWNER, sources);
    only_step(scene, PLAN_CREATE_EVENT_SOURCE);
    source_add(mapping, json_get(mapping, "Tags"), OWNER, sources);
    assert_in_force(scene, "both of them");
}

static void a_name_is_made_of_what_is_read(void **state)
{
    static const struct {
        const char *mapping, *name;
    } rows[] = {
        {"{\"EventSourceArn\":\"" QUEUE "\"}", "q"},
        {"{\"EventSourceArn\":\"arn:aws:sqs:us-east-1:1:orders.fifo\"}", "orders-fifo"},
        {"{\"EventSourceArn\":\"arn:aws:kinesis:us-east-1:1:stream/clicks\"}", "clicks"},
        {"{\"EventSourceArn\":\"arn:aws:dynamodb:us-east-1:1:table/users/stream/2026\"}", "users"},
        {"{\"EventSourceArn\":\"arn:aws:kafka:us-east-1:1:cluster/c/0\",\"Topics\":[\"t\"]}", "t"},
        {"{}", "source"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(json_freep) struct json *mapping = parse(rows[i].mapping);
        _cleanup_(freep) char *name = source_name(mapping);

        assert_string_equal(name, rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_is_read_as_it_was_asked_for),
        cmocka_unit_test(a_policy_that_is_no_json_is_no_empty_policy),
        test(what_nobody_declared_is_left_alone),
        test(a_public_url_comes_and_goes_with_its_permissions),
        test(another_qualifier_is_another_url_and_another_policy),
        test(an_event_source_is_waited_for_and_changed_when_it_has_settled),
        test(a_source_that_got_another_name_goes_before_the_new_one_comes),
        test(a_source_that_reads_something_else_waits_until_its_predecessor_is_gone),
        test(a_state_that_is_not_known_is_not_waited_for),
        test(a_source_that_cannot_be_made_holds_up_nothing_else),
        test(with_the_function_go_its_sources_and_no_others),
        test(a_mapping_that_is_listed_twice_is_one),
        test(a_source_that_is_named_as_a_mapping_of_another_is_not_that_one),
        cmocka_unit_test(a_name_is_made_of_what_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The walk over the table: each field is set, changed and removed, and the right request follows. */
#include "plan_scene.h"

/* Two values that are not AWS's default; the same one twice where there is no other. */
static struct json *example(const struct field *field, int which)
{
    _cleanup_(json_freep) struct json *unset = field_unset(field, NULL);
    _cleanup_(freep) char *text = NULL;

    if (field->values) {
        const char *found = NULL, *first = json_str(field->type == FIELD_LIST ? json_first(unset) : unset);

        for (size_t i = 0; field->values[i] && which > 0; i++)
            if (!str_equal(field->values[i], first)) {
                found = field->values[i];
                which--;
            }
        text = xasprintf(field->type == FIELD_LIST ? "[\"%s\"]" : "\"%s\"", found);
        return parse(text);
    }
    switch (field->type) {
    case FIELD_INT:
        return json_new_int((field->max > 100 ? field->min + 40 : field->min) + which);
    case FIELD_BOOL:
        return json_new_bool(true);
    case FIELD_LIST:
        text = xasprintf("[\"b%d\",\"a\"]", which);
        break;
    case FIELD_MAP:
        text = xasprintf("{\"KEY\":\"value%d\",\"SAME\":\"x\"}", which);
        break;
    case FIELD_OBJECTS:
        assert_string_equal(field->path, "fileSystemConfigs");
        text = xasprintf("[{\"arn\":\"value%d\",\"localMountPath\":\"/mnt/a\"}]", which);
        break;
    case FIELD_STRING:
    case FIELD_OBJECT:
    case FIELD_PARTIAL:
        text = xasprintf("\"value%d\"", which);
        break;
    }
    return parse(text);
}

/* In the form of the request. */
static struct json *sent(const struct field *field, const struct json *value)
{
    struct json *list;

    if (field->type != FIELD_OBJECTS)
        return json_copy(value);
    list = json_new_array();
    for (const struct json *item = json_first(value); item; item = json_next(item)) {
        struct json *object = json_new_object();

        json_set(object, "Arn", json_copy(json_get(item, "arn")));
        json_set(object, "LocalMountPath", json_copy(json_get(item, "localMountPath")));
        json_append(list, object);
    }
    return list;
}

/* AWS has it: the member in the answer, lists of objects where the answer has those. */
static void show(struct scene *scene, const struct field *field, const struct json *value)
{
    _cleanup_(freep) char *path =
        field->observed ? xstrdup(field->observed) : xasprintf("Configuration.%s", field->member);
    struct json *shown = sent(field, value);

    if (field->observed_item) {
        json_free(shown);
        shown = json_new_array();
        for (const struct json *item = json_first(value); item; item = json_next(item)) {
            struct json *object = json_new_object();

            json_set(object, field->observed_item, json_copy(item));
            json_append(shown, object);
        }
    }
    json_set_at(scene->observed, path, shown);
}

/* Without what the field needs it is not sent at all. */
static void fulfil(struct scene *scene, const struct field *field)
{
    if (!field->only_path)
        return;
    _cleanup_(json_freep) struct json *value = json_new_string(field->only_value);

    json_set_at(scene->spec, field->only_path, json_copy(value));
    show(scene, field_find(field->only_path), value);
}

static bool share_member(const struct field *a, const struct field *b)
{
    size_t len = strcspn(a->member, ".");

    return len == strcspn(b->member, ".") && strncmp(a->member, b->member, len) == 0;
}

static void assert_sent(struct scene *scene, const struct field *field, const struct json *value,
                        const char *when)
{
    bool by_code = field->call == CALL_CODE;
    const struct plan_step *step = only_step(scene, by_code ? PLAN_UPDATE_CODE : PLAN_UPDATE_CONFIGURATION);
    _cleanup_(json_freep) struct json *expected =
        by_code ? parse("{\"S3Bucket\":\"artifacts\",\"S3Key\":\"a.zip\"}") : json_new_object();
    _cleanup_(freep) char *summary = xasprintf("changes %s", field->path), *text = json_text(step->body);
    const char *member = field->member, *dot = strchr(member, '.');

    if (str_starts_with(member, "Code."))
        member = dot + 1;
    if (json_type(value) > JSON_NULL)
        json_set_at(expected, member, sent(field, value));
    else if (dot) /* it is left out, of a member that is there */
        json_make_object(expected, "ImageConfig");
    if (field->only_path && share_member(field, field_find(field->only_path)))
        json_set_at(expected, field_find(field->only_path)->member, json_new_string(field->only_value));
    if (!json_equal(step->body, expected))
        fail_msg("%s %s: the request is %s", field->path, when, text);
    assert_string_equal(step->summary, summary);
}

static bool is_walked(const struct field *field)
{
    return (field->call == CALL_CODE || field->call == CALL_CONFIGURATION) && !field->deployed;
}

static void each_field_follows_when_it_is_set_changed_and_removed(void **state)
{
    size_t walked = 0;

    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];

        if (!is_walked(field))
            continue;
        tear_down(state);
        set_up(state);
        struct scene *scene = *state;
        _cleanup_(json_freep) struct json *one = example(field, 1), *two = example(field, 2);

        walked++;
        fulfil(scene, field);
        json_set_at(scene->spec, field->path, json_copy(one));
        assert_sent(scene, field, one, "set");
        show(scene, field, one);
        assert_in_force(scene, field->path);

        if (!json_equal(one, two)) {
            json_set_at(scene->spec, field->path, json_copy(two));
            assert_sent(scene, field, two, "changed");
            show(scene, field, two);
            assert_in_force(scene, field->path);
        }
        if (!field->unset)
            continue;
        _cleanup_(json_freep) struct json *unset = field_unset(field, scene->spec);

        json_append(scene->managed, json_new_string(field->path));
        json_set_at(scene->spec, field->path, NULL);
        assert_sent(scene, field, unset, "removed");
        show(scene, field, unset);
        assert_in_force(scene, field->path);
    }
    assert_true(walked >= 30);
}

static void a_field_that_was_never_declared_is_left_as_somebody_set_it(void **state)
{
    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];

        if (!is_walked(field) || !field->unset)
            continue;
        tear_down(state);
        set_up(state);
        _cleanup_(json_freep) struct json *one = example(field, 1);

        fulfil(*state, field);
        show(*state, field, one);
        assert_in_force(*state, field->path);
    }
}

static void declaring_the_default_of_aws_sends_nothing(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < field_count; i++)
        if (is_walked(&fields[i]) && fields[i].unset)
            json_set_at(scene->spec, fields[i].path, field_unset(&fields[i], scene->spec));
    assert_in_force(scene, "the defaults");
}

static void a_removed_logging_configuration_is_cleared_as_a_whole(void **state)
{
    struct scene *scene = *state;

    scene->managed = (json_free(scene->managed),
                      parse("[\"loggingConfig.logFormat\",\"loggingConfig.applicationLogLevel\","
                            "\"loggingConfig.systemLogLevel\",\"loggingConfig.logGroup\"]"));
    json_set_at(scene->observed, "Configuration.LoggingConfig",
                parse("{\"LogFormat\":\"JSON\",\"ApplicationLogLevel\":\"WARN\",\"SystemLogLevel\":\"WARN\","
                      "\"LogGroup\":\"shared\"}"));
    assert_json(only_step(scene, PLAN_UPDATE_CONFIGURATION)->body,
                "{\"LoggingConfig\":{\"LogFormat\":\"Text\",\"LogGroup\":\"/aws/lambda/f\"}}");
}

static void a_removed_network_is_left(void **state)
{
    struct scene *scene = *state;

    json_append(scene->managed, json_new_string("vpcConfig.subnetIds"));
    json_append(scene->managed, json_new_string("vpcConfig.securityGroupIds"));
    json_set_at(scene->observed, "Configuration.VpcConfig",
                parse("{\"VpcId\":\"vpc-1\",\"SubnetIds\":[\"subnet-1\"],\"SecurityGroupIds\":[\"sg-1\"]}"));
    assert_json(only_step(scene, PLAN_UPDATE_CONFIGURATION)->body,
                "{\"VpcConfig\":{\"SubnetIds\":[],\"SecurityGroupIds\":[]}}");
}

static void the_order_of_subnets_does_not_count(void **state)
{
    struct scene *scene = *state;

    json_set_at(scene->spec, "vpcConfig.subnetIds", parse("[\"subnet-1\",\"subnet-2\"]"));
    json_set_at(scene->observed, "Configuration.VpcConfig.SubnetIds", parse("[\"subnet-2\",\"subnet-1\"]"));
    assert_in_force(scene, "another order");
    json_set_at(scene->observed, "Configuration.VpcConfig.SubnetIds", parse("[\"subnet-2\"]"));
    only_step(scene, PLAN_UPDATE_CONFIGURATION);
    json_set_at(scene->observed, "Configuration.VpcConfig.SubnetIds",
                parse("[\"subnet-2\",\"subnet-1\",\"subnet-3\"]"));
    only_step(scene, PLAN_UPDATE_CONFIGURATION);
}

static void what_an_answer_adds_to_a_file_system_is_no_difference(void **state)
{
    struct scene *scene = *state;

    json_set_at(scene->spec, "fileSystemConfigs", parse("[{\"arn\":\"a\",\"localMountPath\":\"/mnt/a\"}]"));
    json_set_at(scene->observed, "Configuration.FileSystemConfigs",
                parse("[{\"Arn\":\"a\",\"LocalMountPath\":\"/mnt/a\",\"New\":1,\"S3FilesConfig\":{"
                      "\"DirectS3Read\":\"AUTO\"}}]"));
    assert_in_force(scene, "an unknown member and a default");
    json_set_at(scene->observed, "Configuration.FileSystemConfigs",
                parse("[{\"Arn\":\"a\",\"LocalMountPath\":\"/mnt/a\",\"S3FilesConfig\":{"
                      "\"DirectS3Read\":\"ENABLED\"}}]"));
    assert_json(only_step(scene, PLAN_UPDATE_CONFIGURATION)->body,
                "{\"FileSystemConfigs\":[{\"Arn\":\"a\",\"LocalMountPath\":\"/mnt/a\"}]}");
}

static void creation_sends_every_field_but_the_side_calls(void **state)
{
    struct scene *scene = *state;

    gone(&scene->observed);
    json_set(scene->spec, "packageType", json_new_string("Zip"));
    json_set(scene->spec, "fileSystemConfigs", parse("[{\"arn\":\"a\",\"localMountPath\":\"/mnt/a\"}]"));
    json_set_at(scene->spec, "loggingConfig.logFormat", json_new_string("Text"));
    json_set_at(scene->spec, "loggingConfig.applicationLogLevel", json_new_string("WARN"));
    json_set(scene->spec, "codeSigningConfigArn", json_new_string("arn:csc"));
    json_set(scene->spec, "reservedConcurrency", json_new_int(5));
    json_set_at(scene->spec, "asyncInvoke.maximumRetryAttempts", json_new_int(1));
    assert_json(only_step(scene, PLAN_CREATE)->body,
                "{\"FunctionName\":\"f\",\"Runtime\":\"python3.13\",\"Handler\":\"app.handler\",\"Role\":"
                "\"arn:aws:iam::123456789012:role/fake\",\"Code\":{\"S3Bucket\":\"artifacts\",\"S3Key\":"
                "\"a.zip\"},\"PackageType\":\"Zip\",\"FileSystemConfigs\":[{\"Arn\":\"a\","
                "\"LocalMountPath\":\"/mnt/a\"}],\"LoggingConfig\":{\"LogFormat\":\"Text\"},"
                "\"CodeSigningConfigArn\":\"arn:csc\",\"Tags\":{\"" PLAN_OWNER_TAG "\":\"" OWNER "\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(each_field_follows_when_it_is_set_changed_and_removed),
        test(a_field_that_was_never_declared_is_left_as_somebody_set_it),
        test(declaring_the_default_of_aws_sends_nothing),
        test(a_removed_logging_configuration_is_cleared_as_a_whole),
        test(a_removed_network_is_left),
        test(the_order_of_subnets_does_not_count),
        test(what_an_answer_adds_to_a_file_system_is_no_difference),
        test(creation_sends_every_field_but_the_side_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* From what AWS has back to a spec: the plan of what was imported is empty, whatever the function has. */
#include "common/function/plan_import.h"
#include "common/function/versions.h"

#include "plan_scene.h"

#define BOTH                                                                                                 \
    "\"functionName\":\"f\",\"region\":\"us-east-1\",\"role\":\"arn:aws:iam::123456789012:role/fake\","
#define ZIP                                                                                                  \
    "{" BOTH "\"code\":{\"s3Bucket\":\"artifacts\",\"s3Key\":\"a.zip\"},\"runtime\":\"python3.13\","         \
    "\"handler\":\"app.handler\"}"
#define IMAGE "{" BOTH "\"packageType\":\"Image\",\"code\":{\"imageUri\":\"example.com/app:1\"}}"

/* A value that is not AWS's default. */
static struct json *example(const struct field *field)
{
    _cleanup_(json_freep) struct json *unset = field_unset(field, NULL);
    const char *otherwise = json_str(field->type == FIELD_LIST ? json_first(unset) : unset);
    const char *text = "value";

    for (size_t i = 0; field->values && field->values[i]; i++)
        if (!str_equal(field->values[i], otherwise))
            text = field->values[i];
    struct json *value;

    switch (field->type) {
    case FIELD_INT:
        return json_new_int(field->max - 1);
    case FIELD_BOOL:
        return json_new_bool(true);
    case FIELD_LIST:
        value = json_new_array();
        json_append(value, json_new_string(text));
        return value;
    case FIELD_MAP:
        return parse("{\"team\":\"a\",\"kubelambda\":\"b\"}");
    case FIELD_OBJECTS:
        return parse("[{\"arn\":\"a\",\"localMountPath\":\"/mnt/a\",\"s3FilesConfig\":{\"directS3Read\":"
                     "\"DISABLED\"}}]");
    case FIELD_STRING:
    case FIELD_OBJECT:
    case FIELD_PARTIAL:
        break;
    }
    return json_new_string(text);
}

static struct json *imported(const struct json *spec, const struct json *observed, const struct json *code)
{
    _cleanup_(str_done) struct str comments = STR_INIT(4096);
    struct json *made = plan_import(observed, code, json_str_at(spec, "region"), &comments);

    assert_string_equal(str_text(&comments), "");
    assert_string_equal(json_str_at(made, "adoptionPolicy"), "Adopt");
    return made;
}

static void assert_comes_back(const struct json *spec, const char *what)
{
    _cleanup_(json_freep) struct json *observed = plan_observed_from(spec, OWNER, SHA);
    _cleanup_(json_freep) struct json *code = plan_deployed(spec, observed, NULL);
    _cleanup_(json_freep) struct json *made = imported(spec, observed, code);
    const struct plan_input input = {.spec = made, .deployed = code, .observed = observed, .owner = OWNER};
    struct plan plan;

    plan_make(&input, &plan);
    if (plan.outcome != PLAN_IN_FORCE)
        fail_msg("%s: %s%s", what, plan.step_count ? plan.steps[0].summary : "", plan.message);
    plan_done(&plan);
    json_set(made, "adoptionPolicy", NULL);
    _cleanup_(freep) char *text = json_text(made), *expected = json_text(spec);

    if (!json_equal(made, spec))
        fail_msg("%s: imported %s, not %s", what, text, expected);
}

static bool is_base(const struct field *field)
{
    return str_equal(field->path, "packageType") || field->forbidden & FOR_ZIP;
}

static void every_row_of_the_table_comes_back_as_it_was_declared(void **state)
{
    size_t walked = 0;

    (void)state;
    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];
        _cleanup_(json_freep) struct json *spec = parse(is_base(field) ? IMAGE : ZIP);

        if (!field->member || field->type == FIELD_OBJECT || !field_path_in(field, NULL))
            continue;
        if (field->only_path)
            json_set_at(spec, field->only_path, json_new_string(field->only_value));
        if (str_starts_with(field->path, "functionUrl."))
            json_set_at(spec, "functionUrl.authType", json_new_string("AWS_IAM"));
        json_set_at(spec, field->path, example(field));
        assert_comes_back(spec, field->path);
        walked++;
    }
    assert_true(walked > 40);
}

static void what_is_as_by_default_is_left_out(void **state)
{
    _cleanup_(json_freep) struct json *spec = parse(ZIP), *full = parse(ZIP), *observed = NULL;

    (void)state;
    json_set_at(spec, "functionUrl.authType", json_new_string("AWS_IAM"));
    json_set_at(full, "functionUrl.authType", json_new_string("AWS_IAM"));
    for (size_t i = 0; i < field_count; i++) {
        struct json *unset = fields[i].member && field_path_in(&fields[i], NULL) && !fields[i].only_path
                                 ? field_unset(&fields[i], spec)
                                 : NULL;

        if (json_type(unset) > JSON_NULL)
            json_set_at(full, fields[i].path, unset);
        else
            json_free(unset);
    }
    observed = plan_observed_from(full, OWNER, SHA);
    _cleanup_(json_freep) struct json *code = plan_deployed(spec, observed, NULL);
    _cleanup_(json_freep) struct json *made = imported(spec, observed, code);
    _cleanup_(freep) char *text = NULL;

    json_set(made, "adoptionPolicy", NULL);
    text = json_text(made);
    if (!json_equal(made, spec))
        fail_msg("%s", text);
}

static void aliases_come_back_as_they_were_declared(void **state)
{
    static const char aliases[] =
        "[{\"name\":\"live\",\"version\":\"7\",\"description\":\"d\",\"provisionedConcurrency\":3,"
        "\"asyncInvoke\":{"
        "\"maximumRetryAttempts\":0},\"additionalVersions\":[{\"version\":\"8\",\"weight\":10}]},"
        "{\"name\":\"plain\",\"version\":\"8\"}]";
    _cleanup_(json_freep) struct json *spec = parse(ZIP), *observed = NULL, *code = NULL, *made = NULL;
    _cleanup_(json_freep) struct json *status =
        parse("{\"aliases\":[{\"name\":\"live\",\"version\":\"7\",\"additionalVersion\":\"8\",\"weight\":10},"
              "{\"name\":\"plain\",\"version\":\"8\"}]}");

    (void)state;
    json_set(spec, "aliases", parse(aliases));
    observed = plan_observed_from(spec, OWNER, SHA);
    versions_observed_from(spec, status, observed);
    code = plan_deployed(spec, observed, NULL);
    made = imported(spec, observed, code);
    assert_json(json_get(made, "aliases"), aliases);
}

static void aliases_that_cannot_be_declared_are_named(void **state)
{
    _cleanup_(json_freep) struct json *observed = parse("{}");
    _cleanup_(str_done) struct str comments = STR_INIT(4096);
    struct json *aliases = json_new_array();

    (void)state;
    for (int number = 0; number < 21; number++) {
        struct json *alias = parse("{\"FunctionVersion\":\"1\"}");
        char name[] = {'a', (char)('a' + number), '\0'};

        json_set_str(alias, "Name", name);
        json_append(aliases, alias);
    }
    json_append(aliases, parse("{\"Name\":\"newest\",\"FunctionVersion\":\"$LATEST\"}"));
    json_set(observed, "Aliases", aliases);
    _cleanup_(json_freep) struct json *made = plan_import(observed, NULL, "us-east-1", &comments);

    assert_int_equal(json_size(json_get(made, "aliases")), 20);
    assert_string_equal(str_text(&comments),
                        "# aliases: au is left out, as a manifest has at most 20\n"
                        "# aliases: newest is left out, as it points to no number of a version\n");
}

static void tags_of_aws_and_of_an_owner_stay_out(void **state)
{
    _cleanup_(json_freep) struct json *observed =
        parse("{\"Configuration\":{\"FunctionName\":\"f\"},\"Tags\":{\"aws:cloudformation:stack-name\":\"s\","
              "\"" PLAN_OWNER_TAG "\":\"x\",\"awsome\":\"b\"}}");
    _cleanup_(str_done) struct str comments = STR_INIT(4096);
    _cleanup_(json_freep) struct json *made = plan_import(observed, NULL, "us-east-1", &comments);

    (void)state;
    assert_json(json_get(made, "tags"), "{\"awsome\":\"b\"}");
    assert_null(json_get(made, "code"));
}

static void where_the_code_is_comes_from_the_answer_as_far_as_it_says(void **state)
{
    static const char *const cases[][2] = {
        {"{\"Code\":{\"RepositoryType\":\"S3\",\"Location\":\"https://example.com/x?token=1\"}}", "{}"},
        {"{\"Code\":{\"ImageUri\":\"example.com/app:1\",\"ResolvedImageUri\":\"example.com/app@sha256:0\"}}",
         "{\"imageUri\":\"example.com/app:1\"}"},
        {"{\"Code\":{\"ResolvedS3Object\":{\"S3Bucket\":\"b\",\"S3Key\":\"k\",\"S3ObjectVersion\":\"v\"}}}",
         "{\"bucket\":\"b\",\"key\":\"k\",\"versionId\":\"v\",\"storageMode\":\"REFERENCE\"}"},
        {"{}", "{}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(json_freep) struct json *observed = parse(cases[i][0]);
        _cleanup_(json_freep) struct json *code = plan_import_code(observed);

        assert_json(code, cases[i][1]);
    }
}

static void names_become_names_of_kubernetes(void **state)
{
    static const char *const cases[][3] = {
        {"production-fake-function", "production-", "fake-function"},
        {"preview-fake-function", "production-", "preview-fake-function"},
        {"My_Function_", NULL, "my-function"},
        {"_x", NULL, "x"},
        {"production-", "production-", "function"},
        {"___", "", "function"},
        {"a123456789012345678901234567890123456789012345678901234567890123", NULL,
         "a12345678901234567890123456789012345678901234567890123456789012"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(freep) char *name = plan_import_name(cases[i][0], cases[i][1]);

        assert_string_equal(name, cases[i][2]);
    }
}

static void an_answer_that_is_wrong_in_every_type_does_no_harm(void **state)
{
    static const char *const cases[] = {
        "{}",
        "null",
        "{\"Configuration\":[],\"Tags\":7,\"Code\":\"x\"}",
        "{\"Configuration\":{\"FunctionName\":5,\"Layers\":\"x\",\"FileSystemConfigs\":[5,{}],"
        "\"Environment\":{\"Variables\":[]},\"LoggingConfig\":3},\"Tags\":[\"a\"],\"EventInvokeConfig\":[]}",
        "{\"Aliases\":[3,{},{\"Name\":\"a\",\"FunctionVersion\":7},{\"Name\":\"b\\nc\",\"FunctionVersion\":"
        "\"1\"},"
        "{\"Name\":\"c\",\"FunctionVersion\":\"1\",\"RoutingConfig\":{\"AdditionalVersionWeights\":[\"x\"]}}]"
        ","
        "\"Provisioned\":[],\"AliasInvoke\":{\"c\":\"x\"}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(json_freep) struct json *observed = parse(cases[i]);

        _cleanup_(str_done) struct str comments = STR_INIT(4096);

        json_free(plan_import(observed, NULL, "us-east-1", &comments));
        json_free(plan_import_code(observed));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_comes_back_as_it_was_declared),
        cmocka_unit_test(what_is_as_by_default_is_left_out),
        cmocka_unit_test(aliases_come_back_as_they_were_declared),
        cmocka_unit_test(aliases_that_cannot_be_declared_are_named),
        cmocka_unit_test(tags_of_aws_and_of_an_owner_stay_out),
        cmocka_unit_test(where_the_code_is_comes_from_the_answer_as_far_as_it_says),
        cmocka_unit_test(names_become_names_of_kubernetes),
        cmocka_unit_test(an_answer_that_is_wrong_in_every_type_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

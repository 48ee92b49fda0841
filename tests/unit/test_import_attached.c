/* From a URL, a policy and mappings back to a spec: nothing is dropped without a word, and nothing is let in.
 */
#include "common/function/plan_import.h"

#include "plan_scene.h"

#define ARN "arn:aws:sqs:us-east-1:123456789012:"
#define CALL "\"Action\":\"lambda:InvokeFunctionUrl\",\"Principal\":\"*\",\"FunctionUrlAuthType\":\"NONE\"}"
#define RUN "\"Action\":\"lambda:InvokeFunction\",\"Principal\":\"*\",\"InvokedViaFunctionUrl\":true}"
#define BUCKET "\"Action\":\"lambda:InvokeFunction\",\"Principal\":\"s3.amazonaws.com\"}"
#define PUBLIC "\"FunctionUrls\":{\"$LATEST\":{\"AuthType\":\"NONE\",\"InvokeMode\":\"BUFFERED\"}}"

/* What is made of `observed`, and that the comments are these. The caller frees. */
static struct json *imported(const char *observed, const char *expected_comments)
{
    _cleanup_(json_freep) struct json *answer = parse(observed);
    _cleanup_(str_done) struct str comments = STR_INIT(4096);
    struct json *spec = plan_import(answer, NULL, "us-east-1", &comments);

    assert_string_equal(str_text(&comments), expected_comments);
    return spec;
}

static void what_hangs_on_aliases_is_declared_with_them(void **state)
{
    _cleanup_(json_freep) struct json *spec =
        imported("{\"FunctionUrls\":{\"live\":{\"AuthType\":\"AWS_IAM\",\"InvokeMode\":\"BUFFERED\"}},"
                 "\"Permissions\":{\"live/s3\":{\"StatementId\":\"s3\"," BUCKET "},"
                 "\"EventSources\":{\"mapping 1\":{\"UUID\":\"1\",\"EventSourceArn\":\"" ARN "jobs\","
                 "\"BatchSize\":10,\"Qualifier\":\"live\"}}}",
                 "");

    (void)state;
    assert_json(json_get(spec, "functionUrl"), "{\"qualifier\":\"live\",\"authType\":\"AWS_IAM\"}");
    assert_json(json_get(spec, "permissions"),
                "[{\"sid\":\"s3\",\"principal\":\"s3.amazonaws.com\",\"action\":\"lambda:InvokeFunction\","
                "\"qualifier\":\"live\"}]");
    assert_json(json_get(spec, "eventSources"),
                "[{\"name\":\"jobs\",\"eventSourceArn\":\"" ARN "jobs\",\"qualifier\":\"live\"}]");
}

static void what_a_manifest_cannot_say_is_named(void **state)
{
    _cleanup_(json_freep) struct json *spec = imported(
        "{\"FunctionUrls\":{\"blue\":{\"AuthType\":\"AWS_IAM\"},\"$LATEST\":{\"AuthType\":\"AWS_IAM\"}},"
        "\"Permissions\":{\"s3\":{\"StatementId\":\"s3\"," BUCKET
        ",\"blue/s3\":{\"StatementId\":\"s3\"," BUCKET
        ",\"odd\":{\"StatementId\":\"odd\"},\"x\\ny\":{\"StatementId\":\"x\\ny\"},"
        "\"kubelambda-url-public\":{\"StatementId\":\"kubelambda-url-public\"," CALL "},"
        "\"EventSources\":{\"mapping 1\":{\"EventSourceArn\":\"" ARN "a\",\"State\":\"Deleting\"},"
        "\"mapping 2\":{\"EventSourceArn\":\"" ARN "b\",\"Tags\":{\"" PLAN_OWNER_TAG "\":\"c/d/e\"}}}}",
        "# functionUrl: blue is left out, as a manifest has one URL\n"
        "# permissions: blue/s3 is left out, as a manifest has each sid once\n"
        "# permissions: odd is left out, as it says what no AddPermission can\n"
        "# permissions: one is left out, as it says what no AddPermission can\n"
        "# eventSources: mapping 1 is left out, as AWS is deleting it\n"
        "# eventSources: mapping 2 is left out, as it has another owner\n"
        "# permissions: kubelambda-url-public is left out, as ids that begin with kubelambda- are those of a "
        "public URL\n");

    (void)state;
    assert_json(json_get(spec, "functionUrl"), "{\"authType\":\"AWS_IAM\"}");
    assert_int_equal(json_size(json_get(spec, "permissions")), 1);
    assert_null(json_get(spec, "eventSources"));
}

static void more_statements_than_a_manifest_takes_are_named(void **state)
{
    _cleanup_(json_freep) struct json *answer = parse("{\"Permissions\":{}}");
    struct json *all = json_make_object(answer, "Permissions");
    _cleanup_(str_done) struct str comments = STR_INIT(4096);

    (void)state;
    for (int number = 0; number < 51; number++) {
        struct json *statement = parse("{" BUCKET);
        char sid[8];

        snprintf(sid, sizeof(sid), "s%d", number);
        json_set_str(statement, "StatementId", sid);
        json_set(all, sid, statement);
    }
    _cleanup_(json_freep) struct json *spec = plan_import(answer, NULL, "us-east-1", &comments);

    assert_int_equal(json_size(json_get(spec, "permissions")), 50);
    assert_string_equal(str_text(&comments),
                        "# permissions: s50 is left out, as a manifest takes no more of them\n");
}

static void a_source_that_has_our_tags_keeps_its_name(void **state)
{
    _cleanup_(json_freep) struct json *spec =
        imported("{\"EventSources\":{\"orders\":{\"EventSourceArn\":\"" ARN "jobs\",\"BatchSize\":10,"
                 "\"Tags\":{\"" PLAN_OWNER_TAG "\":\"a/b/c\",\"kubelambda.io/event-source\":\"orders\"}},"
                 "\"mapping 2\":{\"EventSourceArn\":\"" ARN "orders\",\"BatchSize\":10},"
                 "\"mapping 3\":{\"EventSourceArn\":\"" ARN "_\",\"BatchSize\":10}}}",
                 "");

    (void)state;
    assert_json(json_get(spec, "eventSources"),
                "[{\"name\":\"orders\",\"eventSourceArn\":\"" ARN "jobs\"},"
                "{\"name\":\"orders-2\",\"eventSourceArn\":\"" ARN "orders\"},"
                "{\"name\":\"source\",\"eventSourceArn\":\"" ARN "_\"}]");
}

static void a_source_before_it_does_not_take_its_name(void **state)
{
    _cleanup_(json_freep) struct json *spec =
        imported("{\"EventSources\":{\"mapping 1\":{\"EventSourceArn\":\"" ARN "orders\",\"BatchSize\":10},"
                 "\"orders\":{\"EventSourceArn\":\"" ARN "orders-v2\",\"BatchSize\":10,"
                 "\"Tags\":{\"" PLAN_OWNER_TAG "\":\"a/b/c\",\"kubelambda.io/event-source\":\"orders\"}}}}",
                 "");

    (void)state;
    assert_json(json_get(spec, "eventSources"),
                "[{\"name\":\"orders-2\",\"eventSourceArn\":\"" ARN "orders\"},"
                "{\"name\":\"orders\",\"eventSourceArn\":\"" ARN "orders-v2\"}]");
}

static void a_public_url_is_declared_where_its_statements_are_whatever_their_ids(void **state)
{
    static const char *const ids[][2] = {
        {"kubelambda-url-public", "kubelambda-url-invoke"},
        {"FunctionURLAllowPublicAccess", "FunctionURLInvokeAllowPublicAccess"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        _cleanup_(freep) char *observed =
            xasprintf("{" PUBLIC ",\"Permissions\":{\"%s\":{\"StatementId\":\"%s\"," CALL
                      ",\"%s\":{\"StatementId\":\"%s\"," RUN "}}",
                      ids[i][0], ids[i][0], ids[i][1], ids[i][1]);
        _cleanup_(json_freep) struct json *spec = imported(observed, "");

        assert_json(json_get(spec, "functionUrl"), "{\"authType\":\"NONE\"}");
        assert_int_equal(json_size(json_get(spec, "permissions")), i == 0 ? 0 : 2);
    }
}

static void a_public_url_that_is_not_open_to_everybody_stays_so(void **state)
{
    static const char comment[] =
        "# functionUrl: the public URL is left out, as a statement that lets everybody in "
        "is missing; authType: NONE would add it\n";
    _cleanup_(json_freep) struct json *closed = imported("{" PUBLIC "}", comment);
    /* The other statement is that of an alias, which lets nobody in to the function. */
    _cleanup_(json_freep) struct json *elsewhere =
        imported("{" PUBLIC ",\"Permissions\":{\"a\":{\"StatementId\":\"a\"," CALL
                 ",\"live/b\":{\"StatementId\":\"b\"," RUN "}}",
                 comment);

    (void)state;
    assert_null(json_get(closed, "functionUrl"));
    assert_null(json_get(elsewhere, "functionUrl"));
    assert_int_equal(json_size(json_get(elsewhere, "permissions")), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_hangs_on_aliases_is_declared_with_them),
        cmocka_unit_test(what_a_manifest_cannot_say_is_named),
        cmocka_unit_test(more_statements_than_a_manifest_takes_are_named),
        cmocka_unit_test(a_source_that_has_our_tags_keeps_its_name),
        cmocka_unit_test(a_source_before_it_does_not_take_its_name),
        cmocka_unit_test(a_public_url_is_declared_where_its_statements_are_whatever_their_ids),
        cmocka_unit_test(a_public_url_that_is_not_open_to_everybody_stays_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

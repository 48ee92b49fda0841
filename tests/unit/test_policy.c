/* What policies say of a namespace, and whether a function keeps to it. */
#include "tests/unit/policy_scene.h"

#include <stdio.h>
#include <time.h>

/* --- which namespaces ----------------------------------------------------------------------- */

static void a_selector_selects_as_the_api_server_would(void **state)
{
    (void)state;
    static const struct {
        const char *selector, *labels;
        bool selects;
    } cases[] = {
        {"{}", "{}", true},
        {"{\"matchLabels\":{\"a\":\"b\"}}", "{\"a\":\"b\",\"c\":\"d\"}", true},
        {"{\"matchLabels\":{\"a\":\"b\"}}", "{\"a\":\"c\"}", false},
        {"{\"matchLabels\":{\"a\":\"b\"}}", "{}", false},
        {"{\"matchLabels\":{\"a\":\"\"}}", "{\"a\":\"\"}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"b\",\"c\"]}]}",
         "{\"a\":\"c\"}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"b\"]}]}", "{}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"b\"]}]}", "{}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"b\"]}]}",
         "{\"a\":\"b\"}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}", "{\"a\":\"\"}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}", "{}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"DoesNotExist\"}]}", "{}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"DoesNotExist\"}]}", "{\"a\":\"\"}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Like\"}]}", "{\"a\":\"b\"}", false},
        {"{\"matchLabels\":{\"a\":\"b\"},\"matchExpressions\":[{\"key\":\"c\",\"operator\":\"Exists\"}]}",
         "{\"a\":\"b\"}", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(freep) char *text = xasprintf("{\"namespaceSelector\":%s}", cases[i].selector);
        _cleanup_(json_freep) struct json *spec = parse(text);
        _cleanup_(json_freep) struct json *labels = parse(cases[i].labels);
        struct policy *policy = policy_new("p", spec);

        if (policy_selects(policy, labels) != cases[i].selects)
            fail_msg("%s and %s", cases[i].selector, cases[i].labels);
        policy_unref(policy);
    }
}

/* --- what is remembered ----------------------------------------------------------------------- */

static void a_change_is_seen_at_once_and_what_was_handed_out_stays(void **state)
{
    (void)state;
    put("p", "{\"environment\":\"one\"}");
    _cleanup_(policy_effective_unrefp) struct policy_effective *first = effective("{}");

    put("p", "{\"environment\":\"two\"}");
    _cleanup_(policy_effective_unrefp) struct policy_effective *second = effective("{}");

    put("p", NULL);
    _cleanup_(policy_effective_unrefp) struct policy_effective *third = effective("{}");

    assert_string_equal(first->environment, "one");
    assert_string_equal(second->environment, "two");
    assert_null(third->environment);
}

static void the_same_again_changes_nothing(void **state)
{
    (void)state;
    _cleanup_(json_freep) struct json *spec = parse("{\"environment\":\"one\"}");

    assert_true(policies_follow(known, "p", spec));
    assert_false(policies_follow(known, "p", spec));
    assert_false(policies_follow(known, "q", NULL));
    assert_true(policies_follow(known, "p", NULL));
}

static void a_role_is_named_as_long_as_a_policy_names_it(void **state)
{
    static const char role[] = "arn:aws:iam::123456789012:role/r";

    (void)state;
    put("p", "{\"aws\":{\"assumeRoleArn\":\"arn:aws:iam::123456789012:role/r\"}}");
    put("q", "{\"environment\":\"one\"}");
    assert_true(policies_name_role(known, role));
    assert_false(policies_name_role(known, "arn:aws:iam::123456789012:role/s"));
    put("p", "{}");
    assert_false(policies_name_role(known, role));
}

static void the_cost_of_a_question_does_not_grow_with_the_policies(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        _cleanup_(freep) char *name = xasprintf("p%d", i);
        _cleanup_(freep) char *spec =
            xasprintf("{\"namespaceSelector\":{\"matchLabels\":{\"team\":\"t%d\"}}}", i);

        put(name, spec);
    }
    clock_t start = clock();

    for (int i = 0; i < 10000; i++) {
        struct policy_effective *all = effective("{\"team\":\"t7\"}");

        assert_int_equal(all->count, 1);
        policy_effective_unref(all);
    }
    assert_true(clock() - start <
                CLOCKS_PER_SEC); /* 100 µs each, under sanitizers; the first look is 1,000 */
}

/* --- rules: each kept and broken ------------------------------------------------------------- */

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
    const char *rule, *kept, *broken, *says;
} each_rule[] = {
    {"\"allow\":{\"runtimes\":[\"python3.*\"]}", "\"runtime\":\"python3.13\"", "\"runtime\":\"ruby3.4\"",
     "spec.runtime: Forbidden: \"ruby3.4\": policy p allows only python3.*\n"},
    {"\"allow\":{\"regions\":[\"eu-*\"]}", "\"region\":\"eu-west-1\"", "\"region\":\"us-east-1\"",
     "spec.region: Forbidden: \"us-east-1\": policy p allows only eu-*\n"},
    {"\"allow\":{\"buckets\":[{\"name\":\"a*\"},{\"name\":\"b\",\"keyPrefix\":\"t/\"}]}",
     "\"code\":{\"s3Bucket\":\"b\",\"s3Key\":\"t/x\"}", "\"code\":{\"s3Bucket\":\"b\",\"s3Key\":\"x\"}",
     "spec.code.s3Key: Forbidden: \"x\": policy p allows code from the bucket b only under keys that "
     "begin "
     "with t/\n"},
    {"\"allow\":{\"buckets\":[{\"name\":\"a*\"}]}", "\"code\":{\"s3Bucket\":\"ab\"}",
     "\"code\":{\"s3Bucket\":\"b\"}",
     "spec.code.s3Bucket: Forbidden: \"b\": policy p allows code only from the buckets a*\n"},
    {"\"allow\":{\"buckets\":[{\"name\":\"a*\"}]}", "\"code\":{\"s3Bucket\":\"ab\"}",
     "\"code\":{\"imageUri\":\"r/x:1\"}",
     "spec.code.imageUri: Forbidden: \"r/x:1\": policy p allows code only from the buckets a*, and no "
     "policy allows images; deploy from a bucket, or have an administrator add allow.images\n"},
    {"\"allow\":{\"images\":[\"r/*@sha256:*\"],\"buckets\":[{\"name\":\"a*\"}]}",
     "\"code\":{\"imageUri\":\"r/x@sha256:1\"}", "\"code\":{\"imageUri\":\"r/x:1\"}",
     "spec.code.imageUri: Forbidden: \"r/x:1\": policy p allows only r/*@sha256:*\n"},
    {"\"allow\":{\"roles\":[\"*:role/t-*\"]}", "\"role\":\"arn:aws:iam::1:role/t-x\"", "\"role\":\"x\"",
     "spec.role: Forbidden: \"x\": policy p allows only *:role/t-*\n"},
    {"\"allow\":{\"layerAccounts\":[\"1*\"]}", "\"layers\":[\"arn:aws:lambda:r:11:layer:a:1\"]",
     "\"layers\":[\"arn:aws:lambda:r:11:layer:a:1\",\"arn:aws:lambda:r:22:layer:a:1\"]",
     "spec.layers[1]: Forbidden: \"arn:aws:lambda:r:22:layer:a:1\": policy p allows layers only of the "
     "accounts 1*\n"},
    {"\"allow\":{\"memorySize\":{\"max\":512}}", "\"memorySize\":512", "\"memorySize\":513",
     "spec.memorySize: Forbidden: policy p allows at most 512, not 513\n"},
    {"\"allow\":{\"timeout\":{\"max\":2}}", "\"timeout\":2", "\"memorySize\":513",
     "spec.timeout: Required value: policy p allows at most 2, and AWS's default is 3; write "
     "spec.timeout\n"},
    {"\"allow\":{\"adoption\":false}", "\"adoptionPolicy\":\"Never\"", "\"adoptionPolicy\":\"Adopt\"",
     "spec.adoptionPolicy: Forbidden: \"Adopt\": policy p forbids to take over functions that are "
     "already "
     "there; write Never\n"},
    {"\"allow\":{\"publicUrls\":false}", "\"functionUrl\":{\"authType\":\"AWS_IAM\"}",
     "\"functionUrl\":{\"authType\":\"NONE\"}",
     "spec.functionUrl.authType: Forbidden: \"NONE\": policy p forbids public URLs; write AWS_IAM\n"},
    {"\"allow\":{\"publicUrls\":false}",
     "\"permissions\":[{\"principal\":\"*\",\"principalOrgID\":\"o-a1b2c3d4e5\"}]",
     "\"permissions\":[{\"principal\":\"123456789012\"},{\"principal\":\"*\"}]",
     "spec.permissions[1].principal: Forbidden: \"*\": policy p forbids to let everybody in; name a "
     "principal, or add principalOrgID\n"},
    {"\"allow\":{\"principals\":[\"*.amazonaws.com\"]}",
     "\"permissions\":[{\"principal\":\"s3.amazonaws.com\"}]", "\"permissions\":[{\"principal\":\"*\"}]",
     "spec.permissions[0].principal: Forbidden: \"*\": policy p allows only *.amazonaws.com\n"},
    {"\"allow\":{\"principals\":[\"*.amazonaws.com\"]}", "\"functionUrl\":{\"authType\":\"AWS_IAM\"}",
     "\"functionUrl\":{\"authType\":\"NONE\"}",
     "spec.functionUrl.authType: Forbidden: \"NONE\": policy p allows only *.amazonaws.com, and a public URL "
     "is for the principal *; write AWS_IAM\n"},
    {"\"require\":{\"tags\":[\"a\",\"b\"]}", "\"tags\":{\"a\":\"\",\"b\":\"\"}", "\"tags\":{\"c\":\"\"}",
     "spec.tags: Required value: policy p requires the tags a, b; add them\n"},
    {"\"require\":{\"description\":true}", "\"description\":\"x\"", "\"description\":\"\"",
     "spec.description: Required value: policy p requires a description; say what the function does\n"},
    {"\"require\":{\"objectVersion\":true}", "\"code\":{\"s3Key\":\"x\",\"s3ObjectVersion\":\"1\"}",
     "\"code\":{\"s3Key\":\"x\"}",
     "spec.code.s3ObjectVersion: Required value: policy p requires the version of the object; write the "
     "VersionId that S3 answered to the upload\n"},
    {"\"require\":{\"contentAddressedKey\":true}", "\"code\":{\"s3Key\":\"app/" HEX ".zip\"}",
     "\"code\":{\"s3Key\":\"" HEX "/app.zip\"}",
     "spec.code.s3Key: Forbidden: \"" HEX "/app.zip\": policy p requires the archive's SHA-256 (64 "
     "hexadecimal digits) in the last part of the key; upload it under such a key\n"},
    {"\"aws\":{\"assumeRoleArn\":\"arn:aws:iam::210987654321:role/k\"}",
     "\"role\":\"arn:aws:iam::210987654321:role/x\"", "\"role\":\"arn:aws:iam::123456789012:role/x\"",
     "spec.role: Forbidden: \"arn:aws:iam::123456789012:role/x\": policy p keeps functions in the AWS "
     "account 210987654321; write a role of that account\n"},
    {"\"functionName\":{\"prefix\":\"x-\"}", "\"functionName\":\"x-a\"", "\"functionName\":\"a\"",
     "spec.functionName: Forbidden: \"a\": policy p wants names that begin with x-; write x-a\n"},
    {"\"functionName\":{\"whenMissing\":\"Reject\"}", "\"functionName\":\"env-a\"", "\"functionName\":\"a\"",
     "spec.functionName: Forbidden: \"a\": policy p wants names that begin with env-; write env-a\n"},
};

static void each_rule_is_kept_and_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(each_rule); i++) {
        _cleanup_(freep) char *rule = xasprintf("{%s}", each_rule[i].rule);
        _cleanup_(freep) char *kept = xasprintf("{%s}", each_rule[i].kept);
        _cleanup_(freep) char *broken = xasprintf("{%s}", each_rule[i].broken);

        put("p", rule);
        _cleanup_(freep) char *nothing = judged(kept, NULL, "env");
        _cleanup_(freep) char *something = judged(broken, NULL, "env");
        _cleanup_(freep) char *unchanged = judged(broken, broken, "env");

        assert_string_equal(nothing, "");
        assert_string_equal(something, each_rule[i].says);
        assert_true(str_starts_with(unchanged, "warning "));
    }
}

static void a_policy_that_warns_refuses_nothing(void **state)
{
    (void)state;
    put("mild", "{\"enforcement\":\"Warn\",\"allow\":{\"timeout\":{\"max\":2}}}");
    _cleanup_(freep) char *said = judged("{\"timeout\":5}", NULL, NULL);

    assert_string_equal(said, "warning spec.timeout: policy mild allows at most 2, not 5\n");
}

static void a_public_url_that_is_tolerated_stays_where_it_is(void **state)
{
    static const char before[] = "{\"functionUrl\":{\"authType\":\"NONE\"}}";
    static const char elsewhere[] = "{\"functionUrl\":{\"authType\":\"NONE\",\"qualifier\":\"live\"}}";
    static const char *const policies[] = {"{\"allow\":{\"publicUrls\":false}}",
                                           "{\"allow\":{\"principals\":[\"*.amazonaws.com\"]}}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        put("p", policies[i]);
        _cleanup_(freep) char *same = judged(before, before, NULL);
        _cleanup_(freep) char *moved = judged(elsewhere, before, NULL);

        assert_true(str_starts_with(same, "warning spec.functionUrl.authType: "));
        assert_true(str_starts_with(moved, "spec.functionUrl.authType: Forbidden: "));
    }
}

static void a_condition_that_everybody_meets_lets_everybody_in(void **state)
{
    static const struct {
        const char *condition;
        bool open;
    } cases[] = {
        {"\"sourceArn\":\"arn:aws:s3:::*\"", true},
        {"\"sourceArn\":\"arn:aws:sns:us-east-1:*:t\"", true},
        {"\"sourceArn\":\"arn:aws:sns:us-east-1:1234567890??:t\"", true},
        {"\"sourceArn\":\"arn:aws:s3:::uploads\"", false},
        {"\"sourceArn\":\"arn:aws:sns:*:123456789012:*\"", false},
        {"\"eventSourceToken\":\"x\"", true},
        {"\"eventSourceToken\":\"x\",\"sourceAccount\":\"123456789012\"", false},
        {"\"principalOrgID\":\"o-a1b2c3d4e5\"", false},
    };

    (void)state;
    put("p", "{\"allow\":{\"publicUrls\":false}}");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(freep) char *spec =
            xasprintf("{\"permissions\":[{\"principal\":\"*\",%s}]}", cases[i].condition);
        _cleanup_(freep) char *said = judged(spec, NULL, NULL);

        if ((*said != 0) != cases[i].open)
            fail_msg("%s: %s", cases[i].condition, said);
    }
}

static void a_suggested_name_is_one_that_aws_takes(void **state)
{
    static const char name[] = "abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghi"; /* 64 */

    (void)state;
    put("p", "{\"functionName\":{\"prefix\":\"team-\"}}");
    _cleanup_(freep) char *fitting = xasprintf("{\"functionName\":\"%.59s\"}", name);
    _cleanup_(freep) char *longer = xasprintf("{\"functionName\":\"%.60s\"}", name);
    _cleanup_(freep) char *suggested = judged(fitting, NULL, NULL);
    _cleanup_(freep) char *shorten = judged(longer, NULL, NULL);

    assert_non_null(strstr(suggested, "wants names that begin with team-; write team-abcdefghij-"));
    assert_non_null(strstr(shorten, "wants names that begin with team-, with at most 64 characters; write a "
                                    "shorter one\n"));
}

static void policies_that_admission_never_saw_do_no_harm(void **state)
{
    (void)state;
    put("p", "{\"allow\":[],\"require\":7,\"defaults\":\"x\",\"functionName\":{\"prefix\":7},"
             "\"namespaceSelector\":[],\"priority\":\"much\"}");
    put("q", "{\"allow\":{\"runtimes\":\"x\",\"buckets\":[7],\"layerAccounts\":{},\"memorySize\":[],"
             "\"adoption\":\"no\"},\"require\":{\"tags\":{\"a\":7}},\"defaults\":{\"tags\":[],\"code\":7,"
             "\"environment\":{\"variables\":{\"A\":7}}}}");
    _cleanup_(freep) char *said = judged(
        "{\"runtime\":\"x\",\"code\":7,\"layers\":\"x\",\"tags\":[7],\"memorySize\":\"x\"}", NULL, NULL);

    assert_string_equal(said, "");
}

static void lists_that_are_too_long_are_not_gone_through(void **state)
{
    _cleanup_(str_done) struct str spec = STR_INIT(1 << 16);

    (void)state;
    put("p", "{\"allow\":{\"layerAccounts\":[\"1\"],\"principals\":[\"1\"],\"publicUrls\":false}}");
    str_add(&spec, "{\"layers\":[\"x\"");
    for (int i = 0; i < 1000; i++)
        str_add(&spec, ",\"x\"");
    str_add(&spec, "],\"permissions\":[{\"principal\":\"*\"}");
    for (int i = 0; i < 1000; i++)
        str_add(&spec, ",{\"principal\":\"*\"}");
    str_add(&spec, "]}");
    _cleanup_(freep) char *said = judged(str_text(&spec), NULL, NULL);

    assert_string_equal(said, "");
}

/* --- policies themselves ---------------------------------------------------------------------- */

static char *checked(const char *spec, const char *old_spec)
{
    _cleanup_(json_freep) struct json *now = parse(spec);
    _cleanup_(json_freep) struct json *before = old_spec ? parse(old_spec) : NULL;
    struct findings findings = {0};
    struct str out = STR_INIT(1 << 16);

    policy_check(now, before, &runtimes_builtin, "2026-11-24", &findings);
    for (size_t i = 0; i < findings.count; i++)
        str_addf(&out, "%s%s: %s\n", findings.items[i].warning ? "warning " : "", findings.items[i].field,
                 findings.items[i].message);
    findings_done(&findings);
    return str_take(&out);
}

static void a_policy_that_contradicts_itself_is_told_where(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *says;
    } cases[] = {
        {"{\"defaults\":{\"runtime\":\"ruby3.4\"},\"allow\":{\"runtimes\":[\"python*\"]}}",
         "spec.defaults.runtime: Forbidden: \"ruby3.4\": allow.runtimes of the same policy allows only "
         "python*\n"},
        {"{\"defaults\":{\"region\":\"us-east-1\"},\"allow\":{\"regions\":[\"eu-*\"]}}",
         "spec.defaults.region: Forbidden: \"us-east-1\": allow.regions of the same policy allows only "
         "eu-*\n"},
        {"{\"defaults\":{\"code\":{\"s3Bucket\":\"abc\"}},\"allow\":{\"buckets\":[{\"name\":\"x*\"}]}}",
         "spec.defaults.code.s3Bucket: Forbidden: \"abc\": allow.buckets of the same policy allows code only "
         "from the buckets x*\n"},
        {"{\"defaults\":{\"memorySize\":1024},\"allow\":{\"memorySize\":{\"max\":512}}}",
         "spec.defaults.memorySize: Forbidden: allow.memorySize.max of the same policy allows at most 512, "
         "not 1024\n"},
        {"{\"defaults\":{\"role\":\"arn:aws:iam::123456789012:role/x\"},\"aws\":{\"assumeRoleArn\":"
         "\"arn:aws:iam::210987654321:role/k\"}}",
         "spec.defaults.role: Forbidden: \"arn:aws:iam::123456789012:role/x\": aws.assumeRoleArn of the same "
         "policy keeps functions in the AWS account 210987654321; write a role of that account\n"},
        {"{\"aws\":{\"assumeRoleArn\":\"kubelambda\"}}",
         "spec.aws.assumeRoleArn: Invalid value: \"kubelambda\": must be the ARN of an IAM role, such as "
         "arn:aws:iam::123456789012:role/name\n"},
        {"{\"defaults\":{\"tags\":{\"aws:x\":\"y\"}}}",
         "spec.defaults.tags: Forbidden: a key begins with aws:, which is AWS's; choose another\n"},
        {"{\"require\":{\"tags\":[\"größe\",\"team 🚀\"]}}",
         "spec.require.tags[1]: Invalid value: \"team 🚀\": no function can have such a tag: AWS takes "
         "letters, digits, blanks and _.:/=+-@, not U+1F680\n"},
        {"{\"defaults\":{\"functionName\":\"x\"}}",
         "spec.defaults.functionName: Forbidden: there is no default for what is each function's own; remove "
         "it\n"},
        {"{\"allow\":{\"runtimes\":[\"cobol*\"]}}",
         "warning spec.allow.runtimes[0]: \"cobol*\": matches none of AWS Lambda's runtimes\n"},
        {"{\"namespaceSelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":"
         "[\"b\"]}]}}",
         "spec.namespaceSelector.matchExpressions[0].values: Forbidden: Exists takes no values; remove "
         "them\n"},
        /* Not contradictions. */
        {"{\"defaults\":{\"tags\":{\"a\":\"b\"}},\"require\":{\"tags\":[\"team\"]}}", ""},
        {"{\"defaults\":{\"versions\":{\"keep\":9}}}", ""},
        {"{\"allow\":{\"timeout\":{\"max\":2}},\"defaults\":{\"role\":\"arn:aws:iam::123456789012:role/x\"}}",
         ""},
        {"{\"defaults\":{\"code\":{\"s3Bucket\":\"abc\"}},\"allow\":{\"buckets\":[{\"name\":\"abc\","
         "\"keyPrefix\":\"x/\"}]}}",
         ""},
        {"{}", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(freep) char *said = checked(cases[i].spec, NULL);

        assert_string_equal(said, cases[i].says);
    }
}

static void what_was_wrong_with_a_policy_before_is_a_warning(void **state)
{
    (void)state;
    const char *old = "{\"defaults\":{\"memorySize\":1024},\"allow\":{\"memorySize\":{\"max\":512}}}";
    _cleanup_(freep) char *said = checked(
        "{\"priority\":1,\"defaults\":{\"memorySize\":1024},\"allow\":{\"memorySize\":{\"max\":512}}}", old);

    assert_true(str_starts_with(said, "warning spec.defaults.memorySize"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_selector_selects_as_the_api_server_would),
        TEST(a_change_is_seen_at_once_and_what_was_handed_out_stays),
        TEST(the_same_again_changes_nothing),
        TEST(a_role_is_named_as_long_as_a_policy_names_it),
        TEST(the_cost_of_a_question_does_not_grow_with_the_policies),
        TEST(each_rule_is_kept_and_broken),
        TEST(a_policy_that_warns_refuses_nothing),
        TEST(a_public_url_that_is_tolerated_stays_where_it_is),
        TEST(a_condition_that_everybody_meets_lets_everybody_in),
        TEST(a_suggested_name_is_one_that_aws_takes),
        TEST(policies_that_admission_never_saw_do_no_harm),
        TEST(lists_that_are_too_long_are_not_gone_through),
        TEST(a_policy_that_contradicts_itself_is_told_where),
        TEST(what_was_wrong_with_a_policy_before_is_a_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Policies in a review: what is filled in, what is refused and how, called directly. */
#include "tests/unit/review_scene.h"
#include "webhook/mutate.h"

#define GOOD                                                                                                 \
    "\"code\":{\"s3Bucket\":\"artifacts\",\"s3Key\":\"a.zip\"},\"runtime\":\"python3.13\","                  \
    "\"handler\":\"app.handler\",\"role\":\"arn:aws:iam::123456789012:role/fake\",\"region\":\"us-east-1\""
#define NAMED ",\"functionName\":\"preview-hello\""

/* One policy that selects everything. */
static struct policy_effective *effect(const char *spec)
{
    _cleanup_(json_freep) struct json *parsed = parse(spec);
    struct policy *policy = policy_new("p", parsed);
    struct policy_effective *effective = policy_effect(&policy, 1, NULL);

    policy_unref(policy);
    return effective;
}

static struct review_facts facts_under(const struct policy_effective *policy)
{
    struct review_facts known = facts();

    known.default_region = NULL;
    known.policy = policy;
    return known;
}

/* The patch of a mutation, and that mutating its result again changes nothing. */
static char *patch_of(const char *policy, const char *operation, const char *spec, const char *old_spec)
{
    _cleanup_(policy_effective_unrefp) struct policy_effective *effective = effect(policy);
    const struct review_facts known = facts_under(effective);
    struct review_request asked = request(operation, spec, old_spec);
    struct mutate_result once, twice;

    mutate(&asked, &known, &once);
    _cleanup_(freep) char *whole = json_text(once.spec);
    _cleanup_(freep) char *members = xstrndup(whole + 1, strlen(whole) - 2);
    struct review_request again = request(operation, members, old_spec);

    mutate(&again, &known, &twice);
    assert_string_equal(str_text(&twice.patch), "");
    assert_true(json_equal(once.spec, twice.spec));
    json_free(once.filled);
    json_free(twice.filled);
    str_done(&twice.patch);
    review_request_done(&asked);
    review_request_done(&again);
    return str_take(&once.patch);
}

static void defaults_are_added_with_the_objects_above_them(void **state)
{
    (void)state;
    _cleanup_(freep) char *patch =
        patch_of("{\"defaults\":{\"memorySize\":256,\"timeout\":9,\"tags\":{\"a/b~c\":\"d\",\"team\":\"x\"},"
                 "\"environment\":{\"variables\":{\"AA\":\"1\"}}}}",
                 "CREATE", GOOD NAMED ",\"timeout\":3,\"tags\":{\"team\":\"y\"}", NULL);

    assert_string_equal(patch, "[{\"op\":\"add\",\"path\":\"/spec/memorySize\",\"value\":256},"
                               "{\"op\":\"add\",\"path\":\"/spec/environment\",\"value\":{}},"
                               "{\"op\":\"add\",\"path\":\"/spec/environment/variables\",\"value\":{}},"
                               "{\"op\":\"add\",\"path\":\"/spec/environment/variables/AA\",\"value\":\"1\"},"
                               "{\"op\":\"add\",\"path\":\"/spec/tags/a~1b~0c\",\"value\":\"d\"}]");
}

static void a_default_may_depend_on_one_that_was_added_before_it(void **state)
{
    (void)state;
    _cleanup_(freep) char *patch = patch_of(
        "{\"defaults\":{\"loggingConfig\":{\"logFormat\":\"JSON\",\"applicationLogLevel\":\"TRACE\"}}}",
        "CREATE", GOOD NAMED ",\"timeout\":3", NULL);

    assert_says(patch, "/spec/loggingConfig/applicationLogLevel");
}

static void how_many_versions_are_kept_is_said_only_where_some_are_published(void **state)
{
    static const char keeps[] = "{\"defaults\":{\"versions\":{\"keep\":9}}}";
    static const char publishes[] = "{\"defaults\":{\"versions\":{\"keep\":9,\"publish\":\"OnChange\"}}}";

    (void)state;
    _cleanup_(freep) char *without = patch_of(keeps, "CREATE", GOOD NAMED, NULL);
    _cleanup_(freep) char *with =
        patch_of(keeps, "CREATE", GOOD NAMED ",\"versions\":{\"publish\":\"OnChange\"}", NULL);
    _cleanup_(freep) char *both = patch_of(publishes, "CREATE", GOOD NAMED, NULL);

    assert_string_equal(without, "");
    assert_string_equal(with, "[{\"op\":\"add\",\"path\":\"/spec/versions/keep\",\"value\":9}]");
    assert_non_null(strstr(both, "/spec/versions/keep"));
}

static void nothing_is_added_below_a_value_of_a_wrong_type(void **state)
{
    (void)state;
    _cleanup_(freep) char *patch =
        patch_of("{\"defaults\":{\"tags\":{\"a\":\"b\"},\"environment\":{\"variables\":{\"AA\":\"1\"}}}}",
                 "CREATE", GOOD NAMED ",\"environment\":7,\"tags\":[]", NULL);

    assert_string_equal(patch, "");
}

static void nothing_is_added_to_more_variables_than_allowed(void **state)
{
    _cleanup_(str_done) struct str spec = STR_INIT(1 << 16);

    (void)state;
    str_add(&spec, GOOD NAMED ",\"environment\":{\"variables\":{\"V\":\"\"");
    for (int i = 0; i < 512; i++)
        str_addf(&spec, ",\"V%d\":\"\"", i);
    str_add(&spec, "}}");
    _cleanup_(freep) char *patch = patch_of("{\"defaults\":{\"environment\":{\"variables\":{\"AA\":\"1\"}}}}",
                                            "CREATE", str_text(&spec), NULL);

    assert_string_equal(patch, "");
}

static void an_image_gets_no_runtime_and_a_variable_from_a_secret_no_other_value(void **state)
{
    (void)state;
    _cleanup_(freep) char *patch = patch_of(
        "{\"defaults\":{\"runtime\":\"python3.13\",\"code\":{\"s3Bucket\":\"b\"},\"environment\":{"
        "\"variables\":"
        "{\"AA\":\"1\"}}}}",
        "CREATE",
        "\"region\":\"us-east-1\",\"code\":{\"imageUri\":\"x\"},\"environment\":{\"valueFrom\":[{\"name\":"
        "\"AA\"}]}" NAMED,
        NULL);

    assert_string_equal(patch, "");
}

static void the_prefix_is_put_before_a_name_once(void **state)
{
    (void)state;
    static const char prepend[] = "{\"functionName\":{\"prefix\":\"p-\",\"whenMissing\":\"Prepend\"}}";
    static const struct {
        const char *written, *old, *patched; /* "": no patch */
    } cases[] = {
        {"\"functionName\":\"a\"", NULL, "p-a"},
        {"\"functionName\":\"p-a\"", NULL, ""},
        {"\"functionName\":\"a\"", "\"functionName\":\"p-a\"", "p-a"},
        {"\"functionName\":\"a\"", "\"functionName\":\"q-a\"", "q-a"}, /* the prefix was another then */
        {"\"functionName\":\"a\"", "\"functionName\":\"a\"", ""},      /* from before the policy */
        {"\"functionName\":\"b\"", "\"functionName\":\"a\"", "p-b"},   /* refused: it cannot change */
        {"\"functionName\":\"\"", NULL, ""},
        {"\"functionName\":7", NULL, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(freep) char *spec = xasprintf("\"region\":\"us-east-1\",%s", cases[i].written);
        _cleanup_(freep) char *patch =
            patch_of(prepend, cases[i].old ? "UPDATE" : "CREATE", spec, cases[i].old);
        _cleanup_(freep) char *wanted =
            *cases[i].patched
                ? xasprintf("[{\"op\":\"replace\",\"path\":\"/spec/functionName\",\"value\":\"%s\"}]",
                            cases[i].patched)
                : xstrdup("");

        assert_string_equal(patch, wanted);
    }
}

static void the_policys_environment_and_prefix_make_the_name(void **state)
{
    (void)state;
    _cleanup_(freep) char *by_environment = patch_of("{\"environment\":\"qa\"}", "CREATE", GOOD, NULL);
    _cleanup_(freep) char *by_prefix =
        patch_of("{\"functionName\":{\"prefix\":\"blue_\"}}", "CREATE", GOOD, NULL);

    assert_says(by_environment, "\"qa-hello\"");
    assert_says(by_prefix, "\"blue_hello\"");
}

static void a_refusal_by_policy_alone_is_forbidden_and_with_others_invalid(void **state)
{
    (void)state;
    _cleanup_(policy_effective_unrefp) struct policy_effective *effective =
        effect("{\"allow\":{\"timeout\":{\"max\":5}}}");
    const struct review_facts known = facts_under(effective);
    _cleanup_(freep) char *alone =
        answer(REVIEW_MUTATE, request("CREATE", GOOD NAMED ",\"timeout\":6", NULL), &known);
    _cleanup_(freep) char *both = answer(
        REVIEW_VALIDATE, request("CREATE", GOOD NAMED ",\"timeout\":6,\"memorySize\":1", NULL), &known);

    assert_says(alone, "\"code\":403,\"reason\":\"Forbidden\"");
    assert_says(alone, "policy p allows at most 5, not 6");
    assert_says(both, "\"code\":422,\"reason\":\"Invalid\"");
    assert_says(both, "policy p allows at most 5, not 6");
    assert_says(both, "spec.memorySize");
}

static void what_a_policy_says_of_an_unavailable_s3_stands_above_the_option(void **state)
{
    (void)state;
    static const char *const says[] = {"Reject", "Allow"};

    for (int required = 0; required < 2; required++) {
        for (size_t i = 0; i < ARRAY_LEN(says); i++) {
            _cleanup_(freep) char *spec =
                xasprintf("{\"artifactCheck\":{\"onUnavailable\":\"%s\"}}", says[i]);
            _cleanup_(policy_effective_unrefp) struct policy_effective *effective = effect(spec);
            struct review_facts known = facts_under(effective);

            known.artifact = ARTIFACT_UNAVAILABLE;
            known.artifact_detail = "down";
            known.artifact_required = required;
            _cleanup_(freep) char *text =
                answer(REVIEW_VALIDATE, request("CREATE", GOOD NAMED, NULL), &known);

            assert_says(text, i == 0 ? "\"allowed\":false" : "\"allowed\":true");
        }
    }
}

static void a_policy_is_judged_in_both_phases(void **state)
{
    (void)state;
    const struct review_facts known = facts_under(NULL);

    for (enum review_phase phase = REVIEW_MUTATE; phase <= REVIEW_VALIDATE; phase++) {
        _cleanup_(freep) char *bad =
            answer(phase, request_about("LambdaPolicy", "CREATE", "\"enforcement\":\"x\"", NULL), &known);
        _cleanup_(freep) char *good =
            answer(phase, request_about("LambdaPolicy", "CREATE", "\"priority\":1", NULL), &known);

        assert_says(bad, "LambdaPolicy.kubelambda.io \\\"hello\\\" is invalid: spec.enforcement");
        assert_says(bad, "\"kind\":\"LambdaPolicy\"");
        assert_says(good, "\"allowed\":true");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_added_with_the_objects_above_them),
        cmocka_unit_test(a_default_may_depend_on_one_that_was_added_before_it),
        cmocka_unit_test(how_many_versions_are_kept_is_said_only_where_some_are_published),
        cmocka_unit_test(nothing_is_added_below_a_value_of_a_wrong_type),
        cmocka_unit_test(nothing_is_added_to_more_variables_than_allowed),
        cmocka_unit_test(an_image_gets_no_runtime_and_a_variable_from_a_secret_no_other_value),
        cmocka_unit_test(the_prefix_is_put_before_a_name_once),
        cmocka_unit_test(the_policys_environment_and_prefix_make_the_name),
        cmocka_unit_test(a_refusal_by_policy_alone_is_forbidden_and_with_others_invalid),
        cmocka_unit_test(what_a_policy_says_of_an_unavailable_s3_stands_above_the_option),
        cmocka_unit_test(a_policy_is_judged_in_both_phases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

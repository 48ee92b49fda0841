/* Several policies for one namespace: whose word counts. */
#include "tests/unit/policy_scene.h"

static void assert_json(const struct json *json, const char *text)
{
    _cleanup_(freep) char *found = json_text(json);

    assert_string_equal(found, text);
}

static void the_highest_priority_that_says_something_is_heard_and_equals_by_name(void **state)
{
    (void)state;
    put("b", "{\"priority\":1,\"environment\":\"b\",\"defaults\":{\"memorySize\":1,\"tags\":{\"x\":\"b\"}}}");
    put("a", "{\"priority\":1,\"defaults\":{\"memorySize\":2,\"tags\":{\"x\":\"a\",\"y\":\"a\"}}}");
    put("z", "{\"priority\":9,\"defaults\":{\"timeout\":3,\"tags\":{\"z\":\"z\"}}}");
    put("0", "{\"environment\":\"none\",\"deletionProtection\":true,\"defaults\":{\"timeout\":4,"
             "\"environment\":{\"variables\":{\"AA\":\"0\"}}},"
             "\"artifactCheck\":{\"onUnavailable\":\"Reject\"},\"functionName\":{\"prefix\":\"p-\"}}");
    _cleanup_(policy_effective_unrefp) struct policy_effective *all = effective("{}");
    _cleanup_(freep) char *prefix = policy_prefix(all->names, "e");

    assert_int_equal(all->count, 4);
    assert_string_equal(all->policies[0]->name, "z");
    assert_string_equal(all->policies[1]->name, "a");
    assert_string_equal(all->policies[2]->name, "b");
    assert_string_equal(all->environment, "b");
    assert_string_equal(prefix, "p-");
    assert_string_equal(all->deletion_protection, "0");
    assert_int_equal(all->artifact_unavailable, POLICY_UNAVAILABLE_REJECT);
    assert_json(all->defaults, "{\"timeout\":3,\"tags\":{\"z\":\"z\",\"x\":\"a\",\"y\":\"a\"},"
                               "\"memorySize\":2,\"environment\":{\"variables\":{\"AA\":\"0\"}}}");
}

static void what_is_not_selected_says_nothing(void **state)
{
    (void)state;
    put("p", "{\"namespaceSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"environment\":\"e\"}");
    _cleanup_(policy_effective_unrefp) struct policy_effective *in = effective("{\"a\":\"b\"}");
    _cleanup_(policy_effective_unrefp) struct policy_effective *out = effective("{}");

    assert_string_equal(in->environment, "e");
    assert_null(out->environment);
    assert_int_equal(out->count, 0);
}

static void a_policy_that_only_warns_protects_nothing_from_deletion(void **state)
{
    (void)state;
    put("p", "{\"enforcement\":\"Warn\",\"deletionProtection\":true}");
    _cleanup_(policy_effective_unrefp) struct policy_effective *all = effective("{}");

    assert_null(all->deletion_protection);
}

static void the_constraints_of_all_hold(void **state)
{
    (void)state;
    put("a", "{\"allow\":{\"timeout\":{\"max\":5}}}");
    put("b", "{\"priority\":7,\"allow\":{\"timeout\":{\"max\":10}},\"require\":{\"tags\":[\"t\"]}}");
    _cleanup_(freep) char *said = judged("{\"timeout\":7}", NULL, NULL);

    assert_string_equal(said, "spec.tags: Required value: policy b requires the tag t; add it\n"
                              "spec.timeout: Forbidden: policy a allows at most 5, not 7\n");
}

static void images_are_for_the_policies_that_allow_some_of_them(void **state)
{
    static const char image[] = "{\"code\":{\"imageUri\":\"r/x:1\"}}";
    static const char allows[] = "{\"allow\":{\"images\":[\"r/*\"]}}";

    (void)state;
    _cleanup_(freep) char *free_of_policies = judged(image, NULL, NULL);

    put("buckets", "{\"allow\":{\"buckets\":[{\"name\":\"a\"}]}}");
    put("images", allows);
    _cleanup_(freep) char *allowed = judged(image, NULL, NULL);

    put("more", "{\"allow\":{\"images\":[\"s/*\"]}}");
    _cleanup_(freep) char *limited_twice = judged(image, NULL, NULL);

    put("more", NULL);
    put("images", "{\"enforcement\":\"Warn\",\"allow\":{\"images\":[\"r/*\"]}}");
    _cleanup_(freep) char *on_trial = judged(image, NULL, NULL);

    put("buckets", "{\"enforcement\":\"Warn\",\"allow\":{\"buckets\":[{\"name\":\"a\"}]}}");
    _cleanup_(freep) char *both_on_trial = judged(image, NULL, NULL);

    assert_string_equal(free_of_policies, "");
    assert_string_equal(allowed, "");
    assert_string_equal(limited_twice,
                        "spec.code.imageUri: Forbidden: \"r/x:1\": policy more allows only s/*\n");
    assert_true(str_starts_with(on_trial, "spec.code.imageUri: Forbidden: \"r/x:1\": policy buckets allows"));
    assert_string_equal(both_on_trial, "");
}

static void the_first_policy_that_names_a_role_says_the_account(void **state)
{
    static const char spec[] = "{\"role\":\"arn:aws:iam::210987654321:role/x\"}";

    (void)state;
    put("a", "{\"aws\":{\"assumeRoleArn\":\"arn:aws:iam::123456789012:role/k\"}}");
    put("b", "{\"priority\":7,\"aws\":{\"assumeRoleArn\":\"arn:aws:iam::210987654321:role/k\"}}");
    _cleanup_(policy_effective_unrefp) struct policy_effective *all = effective("{}");
    _cleanup_(freep) char *said = judged(spec, NULL, NULL);

    assert_string_equal(all->assume_role, "arn:aws:iam::210987654321:role/k");
    assert_string_equal(said, "");
}

/* --- one that warns beside one that enforces ------------------------------------------------ */

#define REFUSED                                                                                              \
    "spec.functionName: Forbidden: \"z\": policy base wants names that begin with team-; write team-z\n"

static void a_prefix_on_trial_warns_and_the_enforced_one_stays_in_force(void **state)
{
    (void)state;
    put("base", "{\"functionName\":{\"prefix\":\"team-\"}}");
    put("trial", "{\"priority\":10,\"enforcement\":\"Warn\",\"functionName\":{\"prefix\":\"prod-\","
                 "\"whenMissing\":\"Prepend\"}}");
    _cleanup_(policy_effective_unrefp) struct policy_effective *both = effective("{}");
    _cleanup_(freep) char *filled_in = policy_prefix(both->names, NULL);
    _cleanup_(freep) char *neither = judged("{\"functionName\":\"z\"}", NULL, NULL);
    _cleanup_(freep) char *enforced = judged("{\"functionName\":\"team-z\"}", NULL, NULL);
    _cleanup_(freep) char *tried = judged("{\"functionName\":\"prod-z\"}", NULL, NULL);

    assert_string_equal(filled_in, "team-");
    assert_false(both->prepend);
    assert_string_equal(neither, "warning spec.functionName: \"z\": policy trial wants names that begin with "
                                 "prod-; write prod-z\n" REFUSED);
    assert_true(str_starts_with(enforced, "warning spec.functionName: \"team-z\": policy trial wants"));
    assert_null(strstr(enforced, "policy base"));
    assert_true(str_starts_with(tried, "spec.functionName: Forbidden: \"prod-z\": policy base wants"));

    put("base", NULL);
    _cleanup_(policy_effective_unrefp) struct policy_effective *alone = effective("{}");
    _cleanup_(freep) char *of_trial = policy_prefix(alone->names, NULL);

    assert_string_equal(of_trial, "prod-");
    assert_true(alone->prepend);
}

static void the_environment_is_the_prefix_only_where_no_policy_has_one(void **state)
{
    (void)state;
    put("base", "{\"functionName\":{\"prefix\":\"team-\"}}");
    put("more", "{\"priority\":10,\"functionName\":{\"whenMissing\":\"Reject\"}}");
    _cleanup_(freep) char *said = judged("{\"functionName\":\"z\"}", NULL, "env");

    put("base", "{\"enforcement\":\"Warn\",\"functionName\":{\"prefix\":\"team-\"}}");
    _cleanup_(freep) char *on_trial = judged("{\"functionName\":\"z\"}", NULL, "env");

    assert_string_equal(said, REFUSED);
    assert_string_equal(
        on_trial,
        "spec.functionName: Forbidden: \"z\": policy more wants names that begin with env-; write env-z\n"
        "warning spec.functionName: \"z\": policy base wants names that begin with team-; write team-z\n");
}

static void a_policy_that_warns_loosens_nothing_that_another_enforces(void **state)
{
    (void)state;
    put("base", "{\"artifactCheck\":{\"onUnavailable\":\"Reject\"},"
                "\"aws\":{\"assumeRoleArn\":\"arn:aws:iam::123456789012:role/k\"}}");
    put("trial", "{\"priority\":10,\"enforcement\":\"Warn\",\"artifactCheck\":{\"onUnavailable\":\"Allow\"},"
                 "\"aws\":{\"assumeRoleArn\":\"arn:aws:iam::210987654321:role/k\"}}");
    _cleanup_(policy_effective_unrefp) struct policy_effective *both = effective("{}");

    assert_int_equal(both->artifact_unavailable, POLICY_UNAVAILABLE_REJECT);
    assert_string_equal(both->assume_role, "arn:aws:iam::123456789012:role/k");

    put("base", NULL);
    _cleanup_(policy_effective_unrefp) struct policy_effective *alone = effective("{}");

    assert_int_equal(alone->artifact_unavailable, POLICY_UNAVAILABLE_ALLOW);
    assert_string_equal(alone->assume_role, "arn:aws:iam::210987654321:role/k");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_highest_priority_that_says_something_is_heard_and_equals_by_name),
        TEST(what_is_not_selected_says_nothing),
        TEST(a_policy_that_only_warns_protects_nothing_from_deletion),
        TEST(the_constraints_of_all_hold),
        TEST(images_are_for_the_policies_that_allow_some_of_them),
        TEST(the_first_policy_that_names_a_role_says_the_account),
        TEST(a_prefix_on_trial_warns_and_the_enforced_one_stays_in_force),
        TEST(the_environment_is_the_prefix_only_where_no_policy_has_one),
        TEST(a_policy_that_warns_loosens_nothing_that_another_enforces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a dry run tells, what is said of an artifact's class and size, and deletions under protection. */
#include "common/function/policy.h"
#include "tests/unit/review_scene.h"

#define REST                                                                                                 \
    "\"runtime\":\"python3.13\",\"handler\":\"app.handler\",\"role\":\"arn:aws:iam::123456789012:role/"      \
    "fake\","                                                                                                \
    "\"functionName\":\"preview-hello\",\"region\":\"us-east-1\""
#define CODE(key) "\"code\":{\"s3Bucket\":\"artifacts\",\"s3Key\":\"" key "\"},"
#define GOOD CODE("a.zip") REST
#define IN_FORCE                                                                                             \
    "{\"functionArn\":\"arn:aws:lambda:us-east-1:123456789012:function:preview-hello\",\"deployed\":{"       \
    "\"bucket\":\"artifacts\",\"key\":\"a.zip\",\"codeSha256\":\"c2hh\"}}"

static char *dry_run(const char *operation, const char *rest, const struct review_facts *given)
{
    static const struct policy_effective nothing = {.references = 1};
    struct review_facts known = *given;
    _cleanup_(freep) char *members = xasprintf(",\"dryRun\":true%s", rest);

    if (!known.policy)
        known.policy = &nothing;
    return answer(REVIEW_VALIDATE, request_of("LambdaFunction", operation, members), &known);
}

static void assert_told(const char *operation, const char *spec, const char *old_spec, const char *status,
                        const struct review_facts *known, const char *part)
{
    _cleanup_(freep) char *object = with_spec("object", spec);
    _cleanup_(freep) char *old =
        old_spec ? xasprintf(",\"oldObject\":{\"metadata\":{\"name\":\"hello\"},\"spec\":{%s},\"status\":%s}",
                             old_spec, status)
                 : xstrdup("");
    _cleanup_(freep) char *rest = xasprintf("%s%s", object, old);
    _cleanup_(freep) char *text = dry_run(operation, rest, known);

    assert_says(text, part);
}

static void assert_update(const char *spec, const char *old_spec, const char *sha256, const char *part)
{
    struct review_facts known = facts();

    known.artifact_sha256 = sha256;
    assert_told("UPDATE", spec, old_spec, IN_FORCE, &known, part);
}

static void a_creation_says_so(void **state)
{
    struct review_facts known = facts();

    (void)state;
    assert_told("CREATE", GOOD, NULL, NULL, &known,
                "spec: applying this creates the function preview-hello\"");
    /* One that never came into being is still to be created. */
    assert_told("UPDATE", GOOD ",\"timeout\":9", GOOD, "{}", &known, "applying this creates the function");
}

static void a_change_names_its_fields(void **state)
{
    (void)state;
    assert_update(GOOD ",\"timeout\":9,\"memorySize\":256", GOOD, NULL,
                  "spec: applying this changes memorySize, timeout\"");
    assert_update(GOOD, GOOD ",\"timeout\":9", NULL, "applying this changes timeout\"");
    assert_update(GOOD ",\"tags\":{\"a\":\"b\"}", GOOD ",\"tags\":{\"a\":\"c\",\"d\":\"e\"}", NULL,
                  "applying this changes tags; removes tags\"");
    assert_update(CODE("b.zip") REST, GOOD, NULL, "applying this deploys new code\"");
    assert_update(CODE("b.zip") REST ",\"timeout\":9", GOOD,
                  "b3RoZXI=", "applying this deploys new code; changes timeout\"");
}

static void what_was_stored_with_a_wrong_type_is_passed_over(void **state)
{
    (void)state;
    assert_update("\"tags\":[\"a\"],\"memorySize\":256," GOOD, "\"tags\":[\"a\"]," GOOD, "c2hh",
                  "changes memorySize");
}

static void another_key_with_the_same_content_changes_nothing(void **state)
{
    (void)state;
    assert_update(CODE("b.zip") REST, GOOD, "c2hh",
                  "changes nothing in AWS: the code has the same content\"");
}

static void values_stay_out_of_it(void **state)
{
    struct review_facts known = facts();
    _cleanup_(freep) char *text =
        dry_run("UPDATE",
                ",\"object\":{\"spec\":{" GOOD
                ",\"environment\":{\"variables\":{\"AB\":\"hunter2\"}}}},\"oldObject\":{"
                "\"spec\":{" GOOD "},\"status\":" IN_FORCE "}",
                &known);

    (void)state;
    assert_says(text, "applying this changes environment.variables");
    assert_silent(text, "hunter2");
}

static void a_suspended_resource_changes_nothing(void **state)
{
    (void)state;
    assert_update(GOOD ",\"timeout\":9,\"suspend\":true", GOOD, NULL, "while spec.suspend is true\"");
}

static void an_archived_artifact_is_refused_and_an_odd_size_warned_of(void **state)
{
    struct review_facts known = facts();

    (void)state;
    known.artifact = ARTIFACT_ARCHIVED;
    known.artifact_detail = "GLACIER";
    assert_told("CREATE", GOOD, NULL, NULL, &known,
                "spec.code.s3Key: Invalid value: \\\"a.zip\\\": Lambda cannot read it from the storage class "
                "GLACIER; restore it, or upload it again as STANDARD");
    known = facts();
    known.artifact_empty = true;
    assert_told("CREATE", GOOD, NULL, NULL, &known, "the object is empty; AWS takes a zip archive");
    known = facts();
    known.artifact_bytes = 262144001;
    assert_told("CREATE", GOOD, NULL, NULL, &known, "262144001 bytes; AWS takes at most 262144000 unpacked");
}

#define DELETED(metadata) ",\"oldObject\":{\"metadata\":{\"name\":\"hello\"" metadata "},\"spec\":{" GOOD "}}"

static void a_protected_function_is_deleted_only_with_its_namespace(void **state)
{
    struct policy_effective protects = {.references = 1, .deletion_protection = "production"};
    struct review_facts known = facts();
    _cleanup_(freep) char *refused = NULL, *again = NULL, *with_namespace = NULL, *unprotected = NULL;

    (void)state;
    unprotected = dry_run("DELETE", DELETED(""), &known);
    known.policy = &protects;
    refused = dry_run("DELETE", DELETED(""), &known);
    again = dry_run("DELETE", DELETED(",\"deletionTimestamp\":\"2026-11-24T08:00:00Z\""), &known);
    known.namespace_deleting = true;
    with_namespace = dry_run("DELETE", DELETED(""), &known);
    assert_says(unprotected, "\"allowed\":true");
    assert_says(refused, "\"code\":403,\"reason\":\"Forbidden\"");
    assert_says(refused, "the LambdaPolicy production protects the functions of the namespace team");
    assert_says(again, "\"allowed\":true");
    assert_says(with_namespace, "\"allowed\":true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_creation_says_so),
        cmocka_unit_test(a_change_names_its_fields),
        cmocka_unit_test(what_was_stored_with_a_wrong_type_is_passed_over),
        cmocka_unit_test(another_key_with_the_same_content_changes_nothing),
        cmocka_unit_test(values_stay_out_of_it),
        cmocka_unit_test(a_suspended_resource_changes_nothing),
        cmocka_unit_test(an_archived_artifact_is_refused_and_an_odd_size_warned_of),
        cmocka_unit_test(a_protected_function_is_deleted_only_with_its_namespace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The decision about an AdmissionReview, called directly: no server, no cluster, no AWS. */
#include "common/base/encode.h"
#include "common/base/mem.h"
#include "tests/unit/review_scene.h"

#define GOOD                                                                                                 \
    "\"code\":{\"s3Bucket\":\"artifacts\",\"s3Key\":\"a.zip\"},\"runtime\":\"python3.13\","                  \
    "\"handler\":\"app.handler\",\"role\":\"arn:aws:iam::123456789012:role/fake\""
#define FILLED ",\"functionName\":\"preview-hello\",\"region\":\"us-east-1\""

static void name_and_region_are_filled_in(void **state)
{
    (void)state;
    struct review_facts known = facts();
    struct review_request asked = request("CREATE", GOOD, NULL);
    struct review_verdict verdict = {0};

    assert_int_equal(review(REVIEW_MUTATE, &asked, &known, &verdict), REVIEW_NEEDS_NOTHING);
    assert_true(verdict.allowed);
    assert_string_equal(str_text(&verdict.patch),
                        "[{\"op\":\"add\",\"path\":\"/spec/functionName\",\"value\":\"preview-hello\"},"
                        "{\"op\":\"add\",\"path\":\"/spec/region\",\"value\":\"us-east-1\"}]");
    review_verdict_done(&verdict);
    review_request_done(&asked);
}

static void what_is_written_is_never_changed(void **state)
{
    (void)state;
    struct review_facts known = facts();
    _cleanup_(freep) char *text =
        answer(REVIEW_MUTATE,
               request("CREATE", GOOD ",\"functionName\":\"mine\",\"region\":\"eu-west-1\"", NULL), &known);

    assert_says(text, "\"allowed\":true");
    assert_silent(text, "patch");
}

static void an_answer_that_would_be_too_long_is_a_short_refusal(void **state)
{
    (void)state;
    struct review_facts known = facts();
    struct review_request asked = request("CREATE", "\"runtime\":\"cobol\",\"timeout\":\"x\"", NULL);
    struct review_verdict verdict = {0};
    struct str text = STR_INIT(500);

    assert_int_equal(review(REVIEW_VALIDATE, &asked, &known, &verdict), REVIEW_NEEDS_NOTHING);
    review_response(&asked, &verdict, &text);
    assert_false(text.overflow);
    assert_says(str_text(&text), "\"uid\":\"u1\",\"allowed\":false");
    assert_says(str_text(&text), "would be too long");
    str_done(&text);
    review_verdict_done(&verdict);
    review_request_done(&asked);
}

static size_t count(const char *text, const char *part)
{
    size_t times = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        times++;
    return times;
}

static void of_very_many_findings_the_first_hundred_are_told_and_how_many_more_there_are(void **state)
{
    (void)state;
    struct review_facts known = facts();
    _cleanup_(str_done) struct str spec = STR_INIT(1 << 16);

    str_add(&spec, GOOD FILLED ",\"permissions\":[");
    for (int i = 0; i < 50; i++)
        str_add(&spec, i > 0 ? ",{}" : "{}");
    str_add(&spec, "]");
    _cleanup_(freep) char *text = answer(REVIEW_VALIDATE, request("CREATE", str_text(&spec), NULL), &known);

    assert_says(text, "spec.permissions[33].sid: Required");
    assert_silent(text, "spec.permissions[34]");
    assert_says(text, " more findings are not shown]");
    assert_int_equal(count(text, "\"field\":\"spec"), FINDINGS_SHOWN + 1);
}

static void many_warnings_do_not_hide_an_error(void **state)
{
    (void)state;
    struct findings findings = {0};

    for (int i = 0; i < FINDINGS_SHOWN + 50; i++)
        findings_add(&findings, FINDING_INVALID, true, "spec", NULL, "warning %d", i);
    findings_add(&findings, FINDING_INVALID, false, "spec", NULL, "error");
    findings_cap(&findings);
    assert_int_equal(findings.errors, 1);
    assert_int_equal(findings.count, FINDINGS_SHOWN + 1 + 1);
    assert_string_equal(findings.items[FINDINGS_SHOWN].message, "Invalid value: error");
    assert_string_equal(findings.items[FINDINGS_SHOWN + 1].message, "50 more findings are not shown");
    findings_done(&findings);
}

static void very_many_findings_of_policies_are_a_matter_of_policy(void **state)
{
    (void)state;
    for (int others = 0; others <= 1; others++) {
        struct findings findings = {0};

        for (int i = 0; i < FINDINGS_SHOWN + 50; i++) {
            findings_add(&findings, FINDING_FORBIDDEN, false, "spec", NULL, "error %d", i);
            findings.items[i].policy = xstrdup("p");
        }
        if (others)
            findings_add(&findings, FINDING_INVALID, false, "spec", NULL, "error");
        findings_cap(&findings);
        assert_int_equal(findings.count, FINDINGS_SHOWN + 1);
        assert_int_equal(findings_by_policies(&findings), !others);
        findings_done(&findings);
    }
}

static void the_namespace_is_asked_for_first(void **state)
{
    (void)state;
    struct review_facts known = facts();
    struct review_verdict verdict = {0};

    known.namespace_known = false;
    struct review_request asked = request("CREATE", GOOD, NULL);

    assert_int_equal(review(REVIEW_MUTATE, &asked, &known, &verdict), REVIEW_NEEDS_NAMESPACE);
    review_verdict_done(&verdict);
    review_request_done(&asked);

    asked = request("UPDATE", GOOD FILLED ",\"timeout\":9", GOOD FILLED);
    assert_int_equal(review(REVIEW_VALIDATE, &asked, &known, &verdict), REVIEW_NEEDS_NAMESPACE);
    review_verdict_done(&verdict);
    review_request_done(&asked);
}

static void a_namespace_that_cannot_be_read_makes_no_name(void **state)
{
    (void)state;
    struct review_facts known = facts();

    known.environment = NULL;
    known.namespace_error = "connection refused";
    _cleanup_(freep) char *text = answer(REVIEW_MUTATE, request("CREATE", GOOD, NULL), &known);

    assert_says(text, "\"allowed\":false");
    assert_says(text, "\"code\":503");
    assert_says(text, "connection refused");
}

static void replace_keeps_what_cannot_change(void **state)
{
    (void)state;
    struct review_facts known = facts();

    known.environment = "production"; /* relabelled since: the name stays */
    struct review_request asked = request("UPDATE", GOOD ",\"timeout\":9", GOOD FILLED);
    struct review_verdict verdict = {0};

    assert_int_equal(review(REVIEW_MUTATE, &asked, &known, &verdict), REVIEW_NEEDS_NOTHING);
    assert_says(str_text(&verdict.patch), "preview-hello");
    review_verdict_done(&verdict);
    review_request_done(&asked);
}

static void validation_asks_for_the_artifact_when_the_code_changed(void **state)
{
    (void)state;
    struct review_facts known = facts();
    struct review_verdict verdict = {0};
    static const struct {
        const char *operation, *old;
        enum review_need need;
    } cases[] = {
        {"CREATE", NULL, REVIEW_NEEDS_ARTIFACT},
        {"UPDATE", "\"code\":{\"s3Bucket\":\"artifacts\",\"s3Key\":\"b.zip\"}" FILLED, REVIEW_NEEDS_ARTIFACT},
        {"UPDATE", "\"code\":{\"s3Bucket\":\"artifacts\",\"s3Key\":\"a.zip\"}" FILLED, REVIEW_NEEDS_NOTHING},
    };

    known.artifact = ARTIFACT_UNASKED;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct review_request asked = request(cases[i].operation, GOOD FILLED, cases[i].old);

        assert_int_equal(review(REVIEW_VALIDATE, &asked, &known, &verdict), cases[i].need);
        review_verdict_done(&verdict);
        review_request_done(&asked);
    }
}

static void s3_is_not_asked_about_what_is_no_name(void **state)
{
    (void)state;
    struct review_facts known = facts();
    struct review_verdict verdict = {0};
    static const struct {
        const char *bucket, *region;
        enum review_need need;
    } cases[] = {{"artifacts", "us-east-1", REVIEW_NEEDS_ARTIFACT},
                 {"s3://artifacts", "us-east-1", REVIEW_NEEDS_NOTHING},
                 {"artifacts", "US-EAST-1", REVIEW_NEEDS_NOTHING}};

    known.artifact = ARTIFACT_UNASKED;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(freep) char *spec = xasprintf(
            "\"code\":{\"s3Bucket\":\"%s\",\"s3Key\":\"a.zip\"},\"region\":\"%s\",\"runtime\":\"cobol\"",
            cases[i].bucket, cases[i].region);
        struct review_request asked = request("CREATE", spec, NULL);

        for (enum review_phase phase = REVIEW_MUTATE; phase <= REVIEW_VALIDATE; phase++) {
            assert_int_equal(review(phase, &asked, &known, &verdict), cases[i].need);
            review_verdict_done(&verdict);
        }
        review_request_done(&asked);
    }
}

static void what_was_judged_before_a_question_is_not_judged_anew(void **state)
{
    (void)state;
    struct review_facts known = facts();
    struct review_verdict verdict = {0};
    struct review_request asked = request("CREATE", GOOD ",\"timeout\":0", NULL);

    known.namespace_known = known.holder_known = false;
    known.artifact = ARTIFACT_UNASKED;
    assert_int_equal(review(REVIEW_MUTATE, &asked, &known, &verdict), REVIEW_NEEDS_NAMESPACE);
    known.namespace_known = true;
    assert_int_equal(review(REVIEW_MUTATE, &asked, &known, &verdict), REVIEW_NEEDS_HOLDER);
    _cleanup_(freep) char *patch = xstrdup(str_text(&verdict.patch));

    assert_says(patch, "preview-hello");
    known.holder_known = true;
    assert_int_equal(review(REVIEW_MUTATE, &asked, &known, &verdict), REVIEW_NEEDS_ARTIFACT);
    assert_int_equal(verdict.findings.count, 1); /* the timeout */
    known.artifact = ARTIFACT_MISSING;
    assert_int_equal(review(REVIEW_MUTATE, &asked, &known, &verdict), REVIEW_NEEDS_NOTHING);
    assert_int_equal(verdict.findings.count, 2);
    assert_string_equal(str_text(&verdict.patch), patch);
    assert_false(verdict.allowed);
    review_verdict_done(&verdict);
    review_request_done(&asked);
}

static void each_answer_about_the_artifact_is_told_as_it_is(void **state)
{
    (void)state;
    static const struct {
        enum artifact_state artifact;
        bool required;
        const char *allowed, *says;
    } cases[] = {
        {ARTIFACT_FOUND, false, "\"allowed\":true", ""},
        {ARTIFACT_MISSING, false, "\"allowed\":false", "upload it first"},
        {ARTIFACT_UNREADABLE, false, "\"allowed\":false", "missing in the bucket artifacts, or not readable"},
        {ARTIFACT_ELSEWHERE, false, "\"allowed\":false",
         "the bucket is in eu-west-1, the function in us-east-1"},
        {ARTIFACT_BAD_VERSION, false, "\"allowed\":false", "no version id"},
        {ARTIFACT_UNAVAILABLE, false, "\"allowed\":true", "not checked, S3 could not be asked (eu-west-1)"},
        {ARTIFACT_UNAVAILABLE, true, "\"allowed\":false", "S3 could not be asked"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct review_facts known = facts();

        known.artifact = cases[i].artifact;
        known.artifact_required = cases[i].required;
        known.artifact_detail = "eu-west-1";
        _cleanup_(freep) char *text = answer(REVIEW_VALIDATE, request("CREATE", GOOD FILLED, NULL), &known);

        assert_says(text, cases[i].allowed);
        assert_says(text, cases[i].says);
    }
}

static void variables_and_tags_may_be_called_as_what_nobody_looks_at(void **state)
{
    (void)state;
    struct review_facts known = facts();
    static const char maps[] = ",\"environment\":{\"variables\":{\"managedFields\":\"a\",\"options\":\"b\"}},"
                               "\"tags\":{\"managedFields\":\"a\",\"status\":\"b\",\"annotations\":\"c\"}";
    _cleanup_(freep) char *spec = xasprintf("%s%s", GOOD FILLED, maps);
    _cleanup_(freep) char *text = answer(REVIEW_VALIDATE, request("CREATE", spec, NULL), &known);

    assert_says(text, "\"allowed\":true");
}

static void all_findings_come_in_one_answer(void **state)
{
    (void)state;
    struct review_facts known = facts();

    known.artifact = ARTIFACT_MISSING;
    _cleanup_(freep) char *text =
        answer(REVIEW_MUTATE,
               request("CREATE",
                       "\"code\":{\"s3Bucket\":\"artifacts\",\"s3Key\":\"a.zip\"},\"runtime\":\"python3.99\","
                       "\"handler\":\"a\",\"role\":\"admin\",\"memorySize\":64",
                       NULL),
               &known);

    assert_says(text, "\"code\":422,\"reason\":\"Invalid\"");
    assert_says(text, "\"field\":\"spec.runtime\"");
    assert_says(text, "did you mean python3.14?");
    assert_says(text, "\"field\":\"spec.role\"");
    assert_says(text, "\"field\":\"spec.memorySize\"");
    assert_says(text, "\"field\":\"spec.code.s3Key\"");
    assert_silent(text, "patch");
}

static void what_is_only_missing_is_refused_in_the_last_phase(void **state)
{
    (void)state;
    struct review_facts known = facts();
    const char *spec =
        "\"code\":{\"s3Bucket\":\"artifacts\",\"s3Key\":\"a.zip\"},\"runtime\":\"python3.13\"" FILLED;
    _cleanup_(freep) char *first = answer(REVIEW_MUTATE, request("CREATE", spec, NULL), &known);
    _cleanup_(freep) char *last = answer(REVIEW_VALIDATE, request("CREATE", spec, NULL), &known);

    assert_says(first, "\"allowed\":true");
    assert_says(last, "\"field\":\"spec.handler\"");
    assert_says(last, "\"field\":\"spec.role\"");
}

static void an_unchanged_spec_always_passes(void **state)
{
    (void)state;
    struct review_facts known = facts();
    const char *rotten = "\"runtime\":\"cobol\",\"memorySize\":\"much\"";
    _cleanup_(freep) char *text = answer(REVIEW_VALIDATE, request("UPDATE", rotten, rotten), &known);

    assert_says(text, "\"allowed\":true");
}

static void what_was_wrong_before_is_only_a_warning(void **state)
{
    (void)state;
    struct review_facts known = facts();
    _cleanup_(freep) char *kept = answer(
        REVIEW_VALIDATE,
        request("UPDATE", GOOD FILLED ",\"memorySize\":64,\"timeout\":9", GOOD FILLED ",\"memorySize\":64"),
        &known);
    _cleanup_(freep) char *worse =
        answer(REVIEW_VALIDATE,
               request("UPDATE", GOOD FILLED ",\"memorySize\":32", GOOD FILLED ",\"memorySize\":64"), &known);

    assert_says(kept, "\"allowed\":true");
    assert_says(kept, "\"warnings\":[\"spec.memorySize: 64: must be between 128 and 10240\"]");
    assert_says(worse, "\"allowed\":false");
}

static void name_and_region_cannot_be_changed(void **state)
{
    (void)state;
    struct review_facts known = facts();
    _cleanup_(freep) char *text = answer(
        REVIEW_VALIDATE,
        request("UPDATE", GOOD ",\"functionName\":\"other\",\"region\":\"eu-west-1\"", GOOD FILLED), &known);

    assert_says(text, "\"field\":\"spec.functionName\"");
    assert_says(text, "it cannot be changed from \\\"preview-hello\\\"");
    assert_says(text, "\"field\":\"spec.region\"");
}

static void no_secret_value_is_told(void **state)
{
    (void)state;
    struct review_facts known = facts();
    _cleanup_(freep) char *text = answer(
        REVIEW_VALIDATE,
        request("CREATE",
                GOOD FILLED ",\"environment\":{\"variables\":{\"AWS_REGION\":\"hunter2\",\"1\":\"hunter2\"}}",
                NULL),
        &known);

    assert_says(text, "\"allowed\":false");
    assert_silent(text, "hunter2");
}

static void other_resources_pass_with_a_warning(void **state)
{
    (void)state;
    const char *body =
        "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\","
        "\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},\"operation\":\"CREATE\","
        "\"object\":{}}}";
    struct review_request parsed;
    struct review_facts known = facts();
    struct err err;

    assert_int_equal(review_parse(view(body), &parsed, &err), 0);
    _cleanup_(freep) char *text = answer(REVIEW_MUTATE, parsed, &known);

    assert_says(text, "\"allowed\":true");
    assert_says(text, "mend the webhook configuration");
}

static void what_is_no_review_is_an_error(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1beta1\",\"request\":{}}",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\"}",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":1,"
        "\"operation\":\"CREATE\"}}",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"u\","
        "\"operation\":\"CREATE\",\"kind\":{\"group\":\"kubelambda.io\",\"kind\":\"LambdaFunction\"},"
        "\"namespace\":1,\"object\":{\"spec\":{}}}}",
    };

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct review_request parsed;
        struct err err;

        assert_int_equal(review_parse(view(bodies[i]), &parsed, &err), ERR_INVALID);
        assert_true(*err.msg);
    }
}

static void more_values_than_any_review_has_are_refused(void **state)
{
    _cleanup_(str_done) struct str body = STR_INIT(1 << 20);
    struct review_request parsed;
    struct err err;

    (void)state;
    str_add(&body, "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{"
                   "\"uid\":\"u\",\"operation\":\"CREATE\",\"more\":[0");
    for (int i = 1; i < 100000; i++)
        str_add(&body, ",0");
    str_add(&body, "]}}");
    assert_int_equal(review_parse(str_view_of(&body), &parsed, &err), ERR_INVALID);
    assert_says(err.msg, "too many values");
}

static void a_uid_that_none_would_be_is_refused(void **state)
{
    (void)state;
    for (int length = 128; length <= 129; length++) {
        _cleanup_(freep) char *body =
            xasprintf("{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{"
                      "\"uid\":\"%0*d\",\"operation\":\"CREATE\"}}",
                      length, 1);
        struct review_request parsed = {0};
        struct err err;

        assert_int_equal(review_parse(view(body), &parsed, &err), length > 128 ? ERR_INVALID : 0);
        review_request_done(&parsed);
    }
}

static void warnings_are_short(void **state)
{
    (void)state;
    struct review_facts known = facts();
    struct review_request asked = request("CREATE", GOOD FILLED, NULL);
    struct review_verdict verdict = {0};
    struct str text = STR_INIT(1 << 20);

    known.artifact = ARTIFACT_UNAVAILABLE;
    known.artifact_detail =
        "ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ";
    assert_int_equal(review(REVIEW_VALIDATE, &asked, &known, &verdict), REVIEW_NEEDS_NOTHING);
    review_response(&asked, &verdict, &text);

    _cleanup_(json_freep) struct json *parsed = NULL;
    struct err err;

    assert_int_equal(json_parse(str_view_of(&text), &parsed, &err), 0);
    assert_true(strlen(json_str(json_first(json_at(parsed, "response.warnings")))) <= 120);
    str_done(&text);
    review_verdict_done(&verdict);
    review_request_done(&asked);
}

static void a_name_from_outside_neither_breaks_a_message_nor_is_taken_for_ours(void **state)
{
    (void)state;
    struct review_facts known = facts();
    struct review_request asked = request("CREATE", GOOD, NULL);

    asked.name = "a\nb"; /* the API server looks at it only later */
    _cleanup_(freep) char *created = answer(REVIEW_MUTATE, asked, &known);

    assert_says(created, "\\\"preview-a\\\\nb\\\": made from metadata.name");
    _cleanup_(freep) char *updated =
        answer(REVIEW_MUTATE,
               request("UPDATE", GOOD ",\"region\":\"us-east-1\",\"timeout\":9",
                       GOOD ",\"region\":\"us-east-1\",\"functionName\":\"a b\""),
               &known);

    assert_says(updated, "spec.functionName: \\\"a b\\\": must be letters a to z, digits");
    assert_silent(updated, "made from metadata.name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_from_outside_neither_breaks_a_message_nor_is_taken_for_ours),
        cmocka_unit_test(name_and_region_are_filled_in),
        cmocka_unit_test(what_is_written_is_never_changed),
        cmocka_unit_test(an_answer_that_would_be_too_long_is_a_short_refusal),
        cmocka_unit_test(of_very_many_findings_the_first_hundred_are_told_and_how_many_more_there_are),
        cmocka_unit_test(many_warnings_do_not_hide_an_error),
        cmocka_unit_test(very_many_findings_of_policies_are_a_matter_of_policy),
        cmocka_unit_test(the_namespace_is_asked_for_first),
        cmocka_unit_test(a_namespace_that_cannot_be_read_makes_no_name),
        cmocka_unit_test(replace_keeps_what_cannot_change),
        cmocka_unit_test(validation_asks_for_the_artifact_when_the_code_changed),
        cmocka_unit_test(s3_is_not_asked_about_what_is_no_name),
        cmocka_unit_test(what_was_judged_before_a_question_is_not_judged_anew),
        cmocka_unit_test(each_answer_about_the_artifact_is_told_as_it_is),
        cmocka_unit_test(variables_and_tags_may_be_called_as_what_nobody_looks_at),
        cmocka_unit_test(all_findings_come_in_one_answer),
        cmocka_unit_test(what_is_only_missing_is_refused_in_the_last_phase),
        cmocka_unit_test(an_unchanged_spec_always_passes),
        cmocka_unit_test(what_was_wrong_before_is_only_a_warning),
        cmocka_unit_test(name_and_region_cannot_be_changed),
        cmocka_unit_test(no_secret_value_is_told),
        cmocka_unit_test(other_resources_pass_with_a_warning),
        cmocka_unit_test(what_is_no_review_is_an_error),
        cmocka_unit_test(more_values_than_any_review_has_are_refused),
        cmocka_unit_test(a_uid_that_none_would_be_is_refused),
        cmocka_unit_test(warnings_are_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The review's questions about names in use and about Secrets, and the operations that it lets pass. */
#include "tests/unit/review_scene.h"
#include "webhook/access.h"

#include <stdio.h>

#define GOOD                                                                                                 \
    "\"code\":{\"s3Bucket\":\"artifacts\",\"s3Key\":\"a.zip\"},\"runtime\":\"python3.13\","                  \
    "\"handler\":\"app.handler\",\"role\":\"arn:aws:iam::123456789012:role/fake\","                          \
    "\"functionName\":\"preview-hello\",\"region\":\"us-east-1\""
#define SECRET(variable, secret)                                                                             \
    "{\"name\":\"" variable "\",\"secretKeyRef\":{\"name\":\"" secret "\",\"key\":\"k\"}}"
#define FROM(items) ",\"environment\":{\"valueFrom\":[" items "]}"

static void assert_answer(struct review_request asked, const struct review_facts *known, const char *part)
{
    _cleanup_(freep) char *text = answer(REVIEW_VALIDATE, asked, known);

    assert_says(text, part);
}

/* --- names in use --- */

static void the_holder_is_asked_for_in_both_phases(void **state)
{
    (void)state;
    for (enum review_phase phase = REVIEW_MUTATE; phase <= REVIEW_VALIDATE; phase++) {
        struct review_facts known = facts();
        struct review_request asked = request("CREATE", GOOD, NULL);
        struct review_verdict verdict = {0};

        known.holder_known = false;
        assert_int_equal(review(phase, &asked, &known, &verdict), REVIEW_NEEDS_HOLDER);
        assert_string_equal(json_str_at(verdict.spec, "functionName"), "preview-hello");
        review_verdict_done(&verdict);
        review_request_done(&asked);
    }
}

static void a_name_that_another_holds_is_refused_naming_the_holder(void **state)
{
    struct review_facts known = facts();

    (void)state;
    known.holder = "team-b/x";
    assert_answer(request("CREATE", GOOD, NULL), &known,
                  "spec.functionName: Invalid value: \\\"preview-hello\\\": is used by the LambdaFunction "
                  "team-b/x in this account and region; choose another name");
}

static void a_name_that_two_hold_already_is_only_a_warning(void **state)
{
    struct review_facts known = facts();
    struct review_request asked = request("UPDATE", GOOD ",\"timeout\":9", GOOD);
    _cleanup_(freep) char *text = NULL;

    (void)state;
    known.holder = "team-b/x";
    text = answer(REVIEW_VALIDATE, asked, &known);
    assert_says(text, "\"allowed\":true");
    assert_says(text, "is used by the LambdaFunction team-b/x");
}

/* --- Secrets --- */

static const char *wanted(const char *spec, const char *old_spec, const char *access)
{
    static char found[64];
    struct review_facts known = facts();
    struct review_request asked = request(old_spec ? "UPDATE" : "CREATE", spec, old_spec);
    _cleanup_(json_freep) struct json *answers = parse(access);
    struct review_verdict verdict = {0};

    known.access = answers;
    enum review_need need = review(REVIEW_VALIDATE, &asked, &known, &verdict);

    snprintf(found, sizeof(found), "%s", need == REVIEW_NEEDS_ACCESS ? verdict.access_to : "");
    review_verdict_done(&verdict);
    review_request_done(&asked);
    return found;
}

static void each_new_secret_is_asked_about(void **state)
{
    (void)state;
    assert_string_equal(wanted(GOOD, NULL, "{}"), "");
    assert_string_equal(wanted(GOOD FROM(SECRET("AA", "db")), NULL, "{}"), "db");
    assert_string_equal(wanted(GOOD FROM(SECRET("AA", "db")), NULL, "{\"db\":true}"), "");
    assert_string_equal(wanted(GOOD FROM(SECRET("AA", "db")), NULL, "{\"db\":false}"), "");
    assert_string_equal(wanted(GOOD FROM(SECRET("AA", "db") "," SECRET("BB", "db")), NULL, "{}"), "db");
    assert_string_equal(
        wanted(GOOD FROM("{\"name\":\"AA\",\"configMapKeyRef\":{\"name\":\"m\",\"key\":\"k\"}}"), NULL, "{}"),
        "");
}

static void several_secrets_are_first_asked_about_at_once(void **state)
{
    static const char *const two = GOOD FROM(SECRET("AA", "db") "," SECRET("BB", "api"));

    (void)state;
    assert_string_equal(wanted(two, NULL, "{}"), "*");
    assert_string_equal(wanted(two, NULL, "{\"*\":true}"), "");
    assert_string_equal(wanted(two, NULL, "{\"*\":false}"), "db");
    assert_string_equal(wanted(two, NULL, "{\"*\":false,\"db\":true}"), "api");
}

static void a_secret_that_was_named_before_is_not_asked_about(void **state)
{
    (void)state;
    assert_string_equal(
        wanted(GOOD FROM(SECRET("BB", "db")) ",\"timeout\":9", GOOD FROM(SECRET("AA", "db")), "{}"), "");
    assert_string_equal(
        wanted(GOOD FROM(SECRET("AA", "db") "," SECRET("BB", "api")), GOOD FROM(SECRET("AA", "db")), "{}"),
        "api");
}

static void who_may_not_read_a_secret_is_refused(void **state)
{
    struct review_facts known = facts();
    _cleanup_(json_freep) struct json *access = parse("{\"db\":false}");

    (void)state;
    known.access = access;
    assert_answer(
        request("CREATE", GOOD FROM(SECRET("AA", "db")), NULL), &known,
        "spec.environment.valueFrom[0].secretKeyRef.name: Forbidden: \\\"db\\\": alice may not get this "
        "Secret in the namespace team");
}

static void without_an_answer_a_new_secret_is_refused(void **state)
{
    struct review_facts known = facts();

    (void)state;
    known.access_error = "timed out";
    assert_answer(request("CREATE", GOOD FROM(SECRET("AA", "db") "," SECRET("BB", "api")), NULL), &known,
                  "could not be asked whether alice may get this Secret (timed out); try again");
}

static void the_question_names_the_requester_as_the_api_server_did(void **state)
{
    struct review_request asked = request("CREATE", GOOD, NULL);
    _cleanup_(str_done) struct str one = STR_INIT(4096), all = STR_INIT(4096);

    (void)state;
    access_question(&asked, "db", &one);
    assert_string_equal(
        str_text(&one),
        "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SubjectAccessReview\",\"spec\":{"
        "\"user\":\"alice\",\"uid\":\"7\",\"groups\":[\"devs\"],\"extra\":{\"a\":[\"b\"]},"
        "\"resourceAttributes\":{\"verb\":\"get\",\"version\":\"v1\",\"resource\":\"secrets\","
        "\"namespace\":\"team\",\"name\":\"db\"}}}");
    access_question(&asked, ACCESS_TO_ALL, &all);
    assert_silent(str_text(&all), "\"name\"");
    review_request_done(&asked);
}

static void only_a_plain_yes_allows(void **state)
{
    static const char *const no[] = {"{}", "{\"status\":{}}", "{\"status\":{\"allowed\":\"true\"}}",
                                     "{\"status\":{\"allowed\":true,\"denied\":true}}", "[]"};
    _cleanup_(json_freep) struct json *yes = parse("{\"status\":{\"allowed\":true}}");

    (void)state;
    assert_true(access_allowed(yes));
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        _cleanup_(json_freep) struct json *json = parse(no[i]);

        assert_false(access_allowed(json));
    }
    assert_false(access_allowed(NULL));
}

/* --- operations --- */

static void how_to_leave_a_function_alone_is_never_judged(void **state)
{
    struct review_facts known = facts();

    (void)state;
    known.artifact = ARTIFACT_UNASKED;
    known.holder_known = false;
    assert_answer(request("UPDATE", "\"runtime\":7,\"suspend\":true,\"deletionPolicy\":\"Retain\"",
                          "\"runtime\":7,\"suspend\":false"),
                  &known, "{\"uid\":\"u1\",\"allowed\":true}");
}

static void a_deletion_is_let_through(void **state)
{
    struct review_facts known = facts();

    (void)state;
    assert_answer(request("DELETE", NULL, GOOD), &known, "{\"uid\":\"u1\",\"allowed\":true}");
}

static void an_unknown_operation_is_let_through_with_a_warning(void **state)
{
    struct review_facts known = facts();

    (void)state;
    assert_answer(request("CONNECT", NULL, NULL), &known,
                  "\"allowed\":true,\"warnings\":[\"operation: \\\"CONNECT\\\": not judged by kubelambda");
    assert_answer(request("CREATE", NULL, NULL), &known, "\"allowed\":true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_holder_is_asked_for_in_both_phases),
        cmocka_unit_test(a_name_that_another_holds_is_refused_naming_the_holder),
        cmocka_unit_test(a_name_that_two_hold_already_is_only_a_warning),
        cmocka_unit_test(each_new_secret_is_asked_about),
        cmocka_unit_test(several_secrets_are_first_asked_about_at_once),
        cmocka_unit_test(a_secret_that_was_named_before_is_not_asked_about),
        cmocka_unit_test(who_may_not_read_a_secret_is_refused),
        cmocka_unit_test(without_an_answer_a_new_secret_is_refused),
        cmocka_unit_test(the_question_names_the_requester_as_the_api_server_did),
        cmocka_unit_test(only_a_plain_yes_allows),
        cmocka_unit_test(how_to_leave_a_function_alone_is_never_judged),
        cmocka_unit_test(a_deletion_is_let_through),
        cmocka_unit_test(an_unknown_operation_is_let_through_with_a_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

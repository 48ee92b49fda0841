/* What is declared against what AWS has, field by field. */
#include "common/base/mem.h"
#include "common/function/differences.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SPEC                                                                                                 \
    "\"functionName\":\"f\",\"region\":\"us-east-1\",\"code\":{\"s3Bucket\":\"b\",\"s3Key\":\"k\"},"         \
    "\"runtime\":\"python3.13\",\"handler\":\"a.b\",\"role\":\"r\""
#define OBSERVED                                                                                             \
    "\"CodeSha256\":\"sha\",\"Runtime\":\"python3.13\",\"Handler\":\"a.b\",\"Role\":\"r\",\"State\":"        \
    "\"Active\""

static struct json *parse(const char *text)
{
    struct json *json = NULL;
    struct err err;

    if (text && json_parse(view(text), &json, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    return json;
}

/* "path before>after; …", with - for what is absent. */
static void check(const char *spec, const char *managed, const char *observed, const char *sha256,
                  const char *wanted)
{
    _cleanup_(json_freep) struct json *declared = parse(spec), *before = parse(managed);
    _cleanup_(json_freep) struct json *answer = parse(observed);
    _cleanup_(str_done) struct str text = STR_INIT(1 << 16);
    struct plan_differences list;

    plan_differences(&(struct plan_input){.spec = declared,
                                          .managed = before,
                                          .observed = answer,
                                          .owner = "c/n/f",
                                          .artifact_sha256 = sha256},
                     &list);
    for (size_t i = 0; i < list.count; i++) {
        const struct plan_difference *one = &list.items[i];
        _cleanup_(freep) char *old = one->before ? json_text(one->before) : xstrdup("-");
        _cleanup_(freep) char *new = one->after ? json_text(one->after) : xstrdup("-");

        str_addf(&text, "%s%s%s %s>%s", text.len ? "; " : "", one->path, one->secret ? "!" : "", old, new);
    }
    plan_differences_done(&list);
    assert_string_equal(str_text(&text), wanted);
}

static void what_is_in_force_differs_in_nothing(void **state)
{
    (void)state;
    check("{" SPEC ",\"memorySize\":128,\"tags\":{\"a\":\"b\"}}", NULL,
          "{\"Configuration\":{" OBSERVED ",\"MemorySize\":128,\"Timeout\":9},"
          "\"Tags\":{\"a\":\"b\",\"other\":\"x\"}}",
          "sha", "");
}

static void a_changed_field_has_both_values(void **state)
{
    (void)state;
    check("{" SPEC ",\"timeout\":9,\"memorySize\":256}", NULL,
          "{\"Configuration\":{" OBSERVED ",\"MemorySize\":128}}", "sha", "memorySize 128>256; timeout 3>9");
}

static void a_field_that_is_not_declared_any_more_goes_back_to_its_default(void **state)
{
    (void)state;
    check("{" SPEC "}", "[\"memorySize\",\"tags.a\",\"tags.gone\"]",
          "{\"Configuration\":{" OBSERVED ",\"MemorySize\":256},\"Tags\":{\"a\":\"b\",\"other\":\"x\"}}",
          "sha", "memorySize 256>128; tags[a] \"b\">-");
}

static void tags_differ_one_by_one(void **state)
{
    (void)state;
    check("{" SPEC ",\"tags\":{\"a\":\"new\",\"b\":\"x\"}}", NULL,
          "{\"Configuration\":{" OBSERVED "},\"Tags\":{\"a\":\"old\",\"c\":\"y\"}}", "sha",
          "tags[a] \"old\">\"new\"; tags[b] ->\"x\"");
}

static void environment_variables_are_marked_as_secret(void **state)
{
    (void)state;
    check("{" SPEC ",\"environment\":{\"variables\":{\"A\":\"1\"}}}", NULL,
          "{\"Configuration\":{" OBSERVED "}}", "sha", "environment.variables! {}>{\"A\":\"1\"}");
}

static void other_code_has_no_values(void **state)
{
    (void)state;
    check("{" SPEC "}", NULL, "{\"Configuration\":{" OBSERVED "}}", "another", "code ->-");
}

static void of_a_function_that_is_not_there_all_that_is_declared_is_new(void **state)
{
    (void)state;
    check("{\"functionName\":\"f\",\"memorySize\":128,\"tags\":{\"a\":\"b\"},\"timeout\":null}", NULL, NULL,
          NULL, "functionName ->\"f\"; memorySize ->128; tags ->{\"a\":\"b\"}");
}

static void an_event_source_that_is_taken_over_differs_in_what_is_declared_otherwise(void **state)
{
    static const char adopts[] =
        "{" SPEC ",\"adoptionPolicy\":\"Adopt\",\"eventSources\":[{\"name\":\"jobs\",\"eventSourceArn\":"
        "\"arn:aws:sqs:us-east-1:123456789012:jobs\",\"batchSize\":5}]}";
    static const char observed[] =
        "{\"Configuration\":{" OBSERVED "},\"EventSources\":{\"u-1\":{\"UUID\":\"u-1\",\"EventSourceArn\":"
        "\"arn:aws:sqs:us-east-1:123456789012:jobs\",\"BatchSize\":%d,\"State\":\"Enabled\",\"Enabled\":true%"
        "s}}}";
    _cleanup_(freep) char *same = xasprintf(observed, 5, ""), *other = xasprintf(observed, 10, "");
    _cleanup_(freep) char *owned = xasprintf(observed, 5, ",\"Tags\":{\"kubelambda.io/owner\":\"somebody\"}");

    (void)state;
    check(adopts, NULL, same, "sha", "");
    check(adopts, NULL, other, "sha", "eventSources[jobs].batchSize 10>5");
    _cleanup_(json_freep) struct json *declared = parse(adopts), *answer = parse(owned);
    struct plan_differences list;

    plan_differences(
        &(struct plan_input){
            .spec = declared, .observed = answer, .owner = "c/n/f", .artifact_sha256 = "sha"},
        &list);
    assert_int_equal(list.count, 1); /* as one to be made */
    assert_string_equal(list.items[0].path, "eventSources[jobs]");
    assert_null(list.items[0].before);
    plan_differences_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_force_differs_in_nothing),
        cmocka_unit_test(a_changed_field_has_both_values),
        cmocka_unit_test(a_field_that_is_not_declared_any_more_goes_back_to_its_default),
        cmocka_unit_test(tags_differ_one_by_one),
        cmocka_unit_test(environment_variables_are_marked_as_secret),
        cmocka_unit_test(other_code_has_no_values),
        cmocka_unit_test(of_a_function_that_is_not_there_all_that_is_declared_is_new),
        cmocka_unit_test(an_event_source_that_is_taken_over_differs_in_what_is_declared_otherwise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

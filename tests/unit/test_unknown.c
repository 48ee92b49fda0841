/* Fields that do not exist, and the ones that are meant. */
#include "common/base/mem.h"
#include "common/function/unknown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* "spec.x: message; …" */
static void check(const char *resource, const char *wanted)
{
    _cleanup_(json_freep) struct json *json = NULL;
    _cleanup_(str_done) struct str text = STR_INIT(1 << 16);
    struct findings findings = {0};
    struct err err;

    if (json_parse(view(resource), &json, &err) < 0)
        fail_msg("%s: %s", resource, err.msg);
    check_unknown(&function_table, json, &findings);
    for (size_t i = 0; i < findings.count; i++)
        str_addf(&text, "%s%s: %s", i > 0 ? "; " : "", findings.items[i].field, findings.items[i].message);
    assert_int_equal(findings.errors, findings.count);
    findings_done(&findings);
    assert_string_equal(str_text(&text), wanted);
}

#define NO "Invalid value: there is no such field"

static void what_exists_is_no_finding(void **state)
{
    (void)state;
    check("{\"apiVersion\":\"v1\",\"kind\":\"X\",\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"y\"}},"
          "\"spec\":{\"runtime\":1,\"code\":{\"s3Key\":1},\"tags\":{\"any\":1},"
          "\"environment\":{\"variables\":{\"ANY\":1}},\"layers\":[{\"any\":1}]},\"status\":{\"any\":1}}",
          "");
    check("{\"spec\":3}", "");
    check("{\"spec\":{\"code\":[{\"x\":1}],\"environment\":null}}", "");
    check("[]", "");
}

static void a_typing_error_is_named_with_the_nearest_field(void **state)
{
    (void)state;
    check("{\"spec\":{\"memorysize\":1}}", "spec.memorysize: " NO "; did you mean memorySize?");
    check("{\"spec\":{\"time_out\":1}}", "spec.time_out: " NO "; did you mean timeout?");
    check("{\"spec\":{\"code\":{\"s3bucket\":1}}}", "spec.code.s3bucket: " NO "; did you mean s3Bucket?");
    check("{\"metadata\":{\"lables\":{}},\"specs\":{}}",
          "specs: " NO "; did you mean spec?; metadata.lables: " NO "; did you mean labels?");
}

static void a_word_of_a_field_is_named_with_the_field(void **state)
{
    (void)state;
    check("{\"spec\":{\"name\":1}}", "spec.name: " NO "; did you mean functionName?");
    check("{\"spec\":{\"env\":1}}", "spec.env: " NO "; did you mean environment?");
    check("{\"spec\":{\"memory\":1}}", "spec.memory: " NO "; did you mean memorySize?");
    check("{\"spec\":{\"concurrency\":1}}", "spec.concurrency: " NO "; did you mean reservedConcurrency?");
}

static void a_field_in_the_wrong_place_is_shown_its_place(void **state)
{
    (void)state;
    check("{\"spec\":{\"s3_key\":1}}", "spec.s3_key: " NO "; did you mean spec.code.s3Key?");
    check("{\"spec\":{\"variables\":{}}}",
          "spec.variables: " NO "; did you mean spec.environment.variables?");
}

static void what_is_like_nothing_is_shown_what_there_is(void **state)
{
    (void)state;
    check("{\"spec\":{\"ephemeralStorage\":{\"gigabytes\":1}}}",
          "spec.ephemeralStorage.gigabytes: " NO "; those here are: size");
    check("{\"spec\":{\"zzzzzzzz\":1}}", "spec.zzzzzzzz: " NO "; remove it");
}

static void odd_keys_are_escaped_and_cut(void **state)
{
    (void)state;
    check("{\"spec\":{\"a.b\\u001b\":1}}", "spec[a.b\\u001b]: " NO "; remove it");
    _cleanup_(freep) char *long_key = xmalloc(5001);

    memset(long_key, 'x', 5000);
    long_key[5000] = '\0';
    _cleanup_(freep) char *resource = xasprintf("{\"spec\":{\"%s\":1}}", long_key);
    _cleanup_(freep) char *wanted = xasprintf("spec[%.64s]: " NO "; remove it", long_key);

    check(resource, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_exists_is_no_finding),
        cmocka_unit_test(a_typing_error_is_named_with_the_nearest_field),
        cmocka_unit_test(a_word_of_a_field_is_named_with_the_field),
        cmocka_unit_test(a_field_in_the_wrong_place_is_shown_its_place),
        cmocka_unit_test(what_is_like_nothing_is_shown_what_there_is),
        cmocka_unit_test(odd_keys_are_escaped_and_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

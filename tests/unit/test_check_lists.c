/* The checks of lists of objects and of true or false, and the rules about environment.valueFrom. */
#include "common/base/mem.h"
#include "common/function/check.h"
#include "common/function/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct json *spec_of(const char *members)
{
    _cleanup_(freep) char *text =
        xasprintf("{\"functionName\":\"hello\",\"region\":\"us-east-1\",\"code\":{\"s3Bucket\":\"artifacts\","
                  "\"s3Key\":\"a.zip\"},\"runtime\":\"python3.13\",\"handler\":\"app.handler\","
                  "\"role\":\"arn:aws:iam::123456789012:role/fake\",%s}",
                  members);
    struct json *json = NULL;
    struct err err;

    if (json_parse(view(text), &json, &err) < 0)
        fail_msg("%s: %s", err.msg, text);
    return json;
}

/* All findings as text, warnings with a "~" before them. The caller frees. */
static char *found(const char *members, const char *old_members)
{
    _cleanup_(json_freep) struct json *spec = spec_of(members);
    _cleanup_(json_freep) struct json *old = old_members ? spec_of(old_members) : NULL;
    struct findings findings = {0};
    struct str text = STR_INIT(1 << 20);

    check_spec(&(struct check){spec, old, &runtimes_builtin, "2026-11-24", NULL}, &findings);
    for (size_t i = 0; i < findings.count; i++)
        str_addf(&text, "%s%s: %s\n", findings.items[i].warning ? "~" : "", findings.items[i].field,
                 findings.items[i].message);
    findings_done(&findings);
    return str_take(&text);
}

static void assert_found(const char *members, const char *old_members, const char *expected)
{
    _cleanup_(freep) char *text = found(members, old_members);

    if (!*expected)
        assert_string_equal(text, "");
    else if (!strstr(text, expected))
        fail_msg("%s\nfound: %s\nmissing: %s", members, text, expected);
}

#define REFERENCES(items) "\"environment\":{\"valueFrom\":[" items "]}"
#define SECRET(name) "{\"name\":\"" name "\",\"secretKeyRef\":{\"name\":\"db\",\"key\":\"password\"}}"
#define BAD_ITEM "{\"name\":\"1BAD\",\"secretKeyRef\":{\"name\":\"db\",\"key\":\"password\"}}"

static void good_references_pass(void **state)
{
    (void)state;
    assert_found(
        REFERENCES(SECRET("DB_PASSWORD") ",{\"name\":\"LEVEL\",\"configMapKeyRef\":{\"name\":\"a.b\","
                                         "\"key\":\"log.level\"},\"optional\":true}"),
        NULL, "");
    assert_found(REFERENCES(""), NULL, "");
}

static void an_items_members_are_checked_where_they_are(void **state)
{
    (void)state;
    assert_found(REFERENCES(SECRET("GOOD") "," BAD_ITEM), NULL,
                 "spec.environment.valueFrom[1].name: Invalid value: \"1BAD\": must be two or more");
    assert_found(REFERENCES("{\"secretKeyRef\":{\"name\":\"db\",\"key\":\"a\"}}"), NULL,
                 "spec.environment.valueFrom[0].name: Required value");
    assert_found(REFERENCES("{\"name\":\"AB\",\"secretKeyRef\":{\"name\":\"db\"}}"), NULL,
                 "spec.environment.valueFrom[0].secretKeyRef.key: Required value");
    assert_found(REFERENCES("{\"name\":\"AB\",\"secretKeyRef\":{\"name\":\"../x\",\"key\":\"a\"}}"), NULL,
                 "spec.environment.valueFrom[0].secretKeyRef.name: Invalid value: \"../x\"");
    assert_found(REFERENCES("{\"name\":\"AB\",\"secretKeyRef\":[]}"), NULL,
                 "spec.environment.valueFrom[0].secretKeyRef: Invalid value: must be an object with name, "
                 "key, not array");
    assert_found(REFERENCES("7"), NULL,
                 "spec.environment.valueFrom[0]: Invalid value: must be an object with name, secretKeyRef, "
                 "configMapKeyRef, "
                 "optional, not number");
    assert_found("\"environment\":{\"valueFrom\":{}}", NULL,
                 "spec.environment.valueFrom: Invalid value: must be a list, not object");
    assert_found(
        REFERENCES("{\"name\":\"AB\",\"secretKeyRef\":{\"name\":\"d\",\"key\":\"k\"},\"optional\":\"yes\"}"),
        NULL,
        "spec.environment.valueFrom[0].optional: Invalid value: \"yes\": must be true or false, without "
        "quotes");
}

/* `count` times "," and the item, but for the first comma. The caller frees. */
static char *repeated(const char *item, size_t count)
{
    struct str text = STR_INIT(1 << 20);

    for (size_t i = 0; i < count; i++)
        str_addf(&text, "%s%s", i > 0 ? "," : "", item);
    return str_take(&text);
}

static void what_is_too_many_is_told_once(void **state)
{
    (void)state;
    static const struct {
        const char *before, *item, *after, *too_many, *last, *surplus;
    } cases[] = {
        {"\"layers\":[", "7", "]", "spec.layers: Too many: it has 2000 items",
         "spec.layers[4]: ", "spec.layers[5]"},
        {"\"environment\":{\"valueFrom\":[", "7", "]}", "spec.environment.valueFrom: Too many",
         "spec.environment.valueFrom[511]: ", "spec.environment.valueFrom[512]"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(freep) char *items = repeated(cases[i].item, 2000);
        _cleanup_(freep) char *members = xasprintf("%s%s%s", cases[i].before, items, cases[i].after);
        _cleanup_(freep) char *text = found(members, NULL);

        assert_non_null(strstr(text, cases[i].too_many));
        assert_non_null(strstr(text, cases[i].last));
        assert_null(strstr(text, cases[i].surplus));
    }
}

static void an_item_that_was_wrong_before_is_a_warning_wherever_it_moved(void **state)
{
    (void)state;
    assert_found(REFERENCES(SECRET("GOOD") "," BAD_ITEM), REFERENCES(BAD_ITEM),
                 "~spec.environment.valueFrom[1].name: \"1BAD\": must be");
}

static void what_is_fixed_of_an_item_is_not_changed_later(void **state)
{
    (void)state;
    assert_found(
        "\"eventSources\":[{\"name\":\"a\",\"startingPosition\":\"LATEST\"}]",
        "\"eventSources\":[{\"name\":\"a\",\"startingPosition\":\"TRIM_HORIZON\"}]",
        "spec.eventSources[0].startingPosition: Invalid value: \"LATEST\": it cannot be changed from "
        "\"TRIM_HORIZON\"; give the item another name, so that it is made anew");
}

static void a_variable_has_one_source(void **state)
{
    (void)state;
    assert_found(REFERENCES("{\"name\":\"AB\"}"), NULL, "item 0 has no source; write either secretKeyRef or");
    assert_found(REFERENCES("{\"name\":\"AB\",\"secretKeyRef\":{\"name\":\"d\",\"key\":\"k\"},"
                            "\"configMapKeyRef\":{\"name\":\"d\",\"key\":\"k\"}}"),
                 NULL, "item 0 has two sources");
    assert_found(REFERENCES(SECRET("TWICE") "," SECRET("TWICE")), NULL, "TWICE is there twice; keep one");
    assert_found("\"environment\":{\"variables\":{\"BOTH\":\"x\"},\"valueFrom\":[" SECRET("BOTH") "]}", NULL,
                 "spec.environment.valueFrom: Invalid value: BOTH is in environment.variables, too");
    assert_found(REFERENCES(SECRET("AWS_REGION")), NULL, "reserved by AWS Lambda; remove AWS_REGION");
}

static void more_references_than_allowed_are_counted_not_compared(void **state)
{
    _cleanup_(str_done) struct str items = STR_INIT(8 << 20);

    (void)state;
    str_add(&items, "\"environment\":{\"valueFrom\":[");
    for (int i = 0; i < 20000; i++)
        str_addf(&items, "%s{\"name\":\"V%d\"}", i ? "," : "", i);
    str_add(&items, "]}");
    assert_found(str_text(&items), NULL, "it has 20000 items; at most 512 are allowed");
}

static void more_variables_than_allowed_are_counted_not_compared(void **state)
{
    _cleanup_(str_done) struct str variables = STR_INIT(8 << 20);

    (void)state;
    str_add(&variables, "\"environment\":{\"valueFrom\":[" SECRET("BOTH") "],\"variables\":{\"BOTH\":\"x\"");
    for (int i = 0; i < 512; i++)
        str_addf(&variables, ",\"V%d\":\"\"", i);
    str_add(&variables, "}}");
    _cleanup_(freep) char *text = found(str_text(&variables), NULL);

    assert_non_null(strstr(text, "it has 513 entries; at most 512 are allowed"));
    assert_null(strstr(text, "BOTH"));
}

static void our_own_controls_are_checked(void **state)
{
    (void)state;
    assert_found("\"suspend\":true,\"deletionPolicy\":\"Retain\"", NULL, "");
    assert_found("\"suspend\":\"true\"", NULL,
                 "spec.suspend: Invalid value: \"true\": must be true or false, without quotes");
    assert_found("\"deletionPolicy\":\"Orphan\"", NULL,
                 "spec.deletionPolicy: Unsupported value: \"Orphan\": supported values: Delete, Retain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_references_pass),
        cmocka_unit_test(an_items_members_are_checked_where_they_are),
        cmocka_unit_test(what_is_too_many_is_told_once),
        cmocka_unit_test(an_item_that_was_wrong_before_is_a_warning_wherever_it_moved),
        cmocka_unit_test(what_is_fixed_of_an_item_is_not_changed_later),
        cmocka_unit_test(a_variable_has_one_source),
        cmocka_unit_test(more_references_than_allowed_are_counted_not_compared),
        cmocka_unit_test(more_variables_than_allowed_are_counted_not_compared),
        cmocka_unit_test(our_own_controls_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the status of a policy says. */
#include "common/base/mem.h"
#include "controller/policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct json *status_of(const struct json *old, int64_t functions, int64_t violations,
                              const char *names, const char *invalid, const char *now)
{
    struct policy_count count = {functions, violations, STR_INIT(1024)};

    str_add(&count.names, names);
    struct json *status = policy_status(old, 3, &count, invalid, now);

    str_done(&count.names);
    return status;
}

static void it_counts_and_names_those_that_break_the_policy(void **state)
{
    (void)state;
    _cleanup_(json_freep) struct json *status =
        status_of(NULL, 5, 2, "a/x, a/y", NULL, "2026-11-24T00:00:00Z");
    _cleanup_(freep) char *text = json_text(status);

    assert_string_equal(
        text,
        "{\"observedGeneration\":3,\"functions\":5,\"violations\":2,\"conditions\":[{\"type\":\"Ready\","
        "\"status\":\"True\",\"observedGeneration\":3,\"lastTransitionTime\":\"2026-11-24T00:00:00Z\","
        "\"reason\":\"InForce\",\"message\":\"the policy is in force\"},{\"type\":\"Compliant\",\"status\":"
        "\"False\",\"observedGeneration\":3,\"lastTransitionTime\":\"2026-11-24T00:00:00Z\",\"reason\":"
        "\"Violations\",\"message\":\"2 of 5 functions break it: a/x, a/y\"}]}");
}

static void the_same_count_later_is_the_same_status(void **state)
{
    (void)state;
    _cleanup_(json_freep) struct json *first = status_of(NULL, 5, 0, "", NULL, "2026-11-24T00:00:00Z");
    _cleanup_(json_freep) struct json *later = status_of(first, 5, 0, "", NULL, "2026-11-25T00:00:00Z");
    _cleanup_(json_freep) struct json *broken = status_of(later, 5, 1, "a/x", NULL, "2026-11-26T00:00:00Z");

    assert_true(json_equal(first, later));
    assert_false(json_equal(later, broken));
    const struct json *ready = json_first(json_get(broken, "conditions"));

    assert_string_equal(json_str_at(ready, "lastTransitionTime"), "2026-11-24T00:00:00Z");
    assert_string_equal(json_str_at(json_next(ready), "lastTransitionTime"), "2026-11-26T00:00:00Z");
}

static void a_policy_that_is_wrong_itself_is_not_ready(void **state)
{
    (void)state;
    _cleanup_(json_freep) struct json *status =
        status_of(NULL, 0, 0, "", "spec.enforcement: Unsupported value", "2026-11-24T00:00:00Z");
    const struct json *ready = json_first(json_get(status, "conditions"));

    assert_string_equal(json_str_at(ready, "status"), "False");
    assert_string_equal(json_str_at(ready, "reason"), "Invalid");
    assert_string_equal(json_str_at(ready, "message"), "spec.enforcement: Unsupported value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_counts_and_names_those_that_break_the_policy),
        cmocka_unit_test(the_same_count_later_is_the_same_status),
        cmocka_unit_test(a_policy_that_is_wrong_itself_is_not_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

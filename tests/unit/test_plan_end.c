/* What the plan does with a function whose resource goes: delete it, leave it, or not touch it. */
#include "common/base/mem.h"
#include "common/function/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define OURS "\"Tags\":{\"" PLAN_OWNER_TAG "\":\"c/n/f\",\"team\":\"a\"}"

static bool is_protected;

static void assert_end(const char *spec_text, const char *observed_text, const char *expected)
{
    struct json *spec = NULL, *observed = NULL;
    struct plan plan;
    struct err err;

    assert_int_equal(json_parse(view(spec_text), &spec, &err), 0);
    if (observed_text)
        assert_int_equal(json_parse(view(observed_text), &observed, &err), 0);
    plan_make(
        &(struct plan_input){
            .spec = spec, .observed = observed, .owner = "c/n/f", .deleting = true, .retain = is_protected},
        &plan);
    _cleanup_(freep) char *body =
        plan.step_count && plan.steps[0].body ? json_text(plan.steps[0].body) : NULL;
    _cleanup_(freep) char *found = plan.outcome == PLAN_STEPS
                                       ? xasprintf("%s %s", plan.steps[0].summary, body ? body : "")
                                   : plan.outcome == PLAN_BLOCKED ? xstrdup(plan.reason)
                                                                  : xstrdup("in force");

    assert_string_equal(found, expected);
    plan_done(&plan);
    json_free(spec);
    json_free(observed);
}

static void a_function_of_ours_is_deleted_unless_it_is_to_stay(void **state)
{
    static const char *const leave =
        "leaves the function behind, without the owner's tag [\"" PLAN_OWNER_TAG "\"]";

    (void)state;
    assert_end("{}", "{" OURS "}", "deletes the function ");
    assert_end("{\"deletionPolicy\":\"Delete\",\"suspend\":false}", "{" OURS "}", "deletes the function ");
    assert_end("{\"deletionPolicy\":\"Retain\"}", "{" OURS "}", leave);
    assert_end("{\"suspend\":true}", "{" OURS "}", leave);
    is_protected = true;
    assert_end("{\"deletionPolicy\":\"Delete\"}", "{" OURS "}", leave);
    is_protected = false;
}

static void what_is_not_ours_or_gone_is_not_touched(void **state)
{
    static const char *const specs[] = {"{}", "{\"deletionPolicy\":\"Retain\"}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        assert_end(specs[i], NULL, "in force");
        assert_end(specs[i], "{\"Tags\":{}}", "in force");
        assert_end(specs[i], "{\"Tags\":{\"" PLAN_OWNER_TAG "\":\"c/other/f\"}}", "in force");
        assert_end(specs[i], "{\"TagsError\":{\"ErrorCode\":\"AccessDenied\"}}", "TagsUnreadable");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_of_ours_is_deleted_unless_it_is_to_stay),
        cmocka_unit_test(what_is_not_ours_or_gone_is_not_touched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

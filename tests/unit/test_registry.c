/* Names in use: who holds which, and how that follows what happens to the resources. */
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/function/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct json *spec_of(const char *account, const char *region, const char *name)
{
    struct json *spec = json_new_object();
    _cleanup_(freep) char *role = xasprintf("arn:aws:iam::%s:role/fake", account);

    json_set_str(spec, "role", role);
    json_set_str(spec, "region", region);
    json_set_str(spec, "functionName", name);
    return spec;
}

static void follow(struct registry *registry, const char *key, const char *name)
{
    _cleanup_(json_freep) struct json *spec = name ? spec_of("123456789012", "us-east-1", name) : NULL;

    registry_follow(registry, key, spec);
}

static void assert_holder(struct registry *registry, const char *key, const char *name, const char *holder)
{
    _cleanup_(json_freep) struct json *spec = spec_of("123456789012", "us-east-1", name);
    _cleanup_(freep) char *found = registry_holder(registry, key, spec);

    if (holder)
        assert_string_equal(found ? found : "(none)", holder);
    else
        assert_null(found);
}

static void a_name_is_held_until_its_resource_is_gone(void **state)
{
    struct registry *registry = registry_new();

    (void)state;
    assert_holder(registry, "b/x", "name", NULL);
    follow(registry, "a/x", "name");
    assert_holder(registry, "b/x", "name", "a/x");
    assert_holder(registry, "a/x", "name", NULL); /* not against itself */
    follow(registry, "a/x", NULL);
    assert_holder(registry, "b/x", "name", NULL);
    follow(registry, "a/x", NULL);
    registry_free(registry);
}

static void a_name_is_one_of_its_account_and_region(void **state)
{
    struct registry *registry = registry_new();
    _cleanup_(json_freep) struct json *region = spec_of("123456789012", "eu-west-1", "name");
    _cleanup_(json_freep) struct json *account = spec_of("210987654321", "us-east-1", "name");

    (void)state;
    follow(registry, "a/x", "name");
    assert_null(registry_holder(registry, "b/x", region));
    assert_null(registry_holder(registry, "b/x", account));
    registry_free(registry);
}

static void what_names_nothing_holds_nothing(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "7",
        "{\"role\":7,\"region\":\"r\",\"functionName\":\"f\"}",
        "{\"role\":\"arn:aws:iam\",\"region\":\"r\",\"functionName\":\"f\"}",
        "{\"role\":\"arn:aws:iam::1:role/x\",\"region\":\"\",\"functionName\":\"f\"}"};
    struct registry *registry = registry_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        _cleanup_(json_freep) struct json *spec = NULL;
        struct err err;

        assert_int_equal(json_parse(view(texts[i]), &spec, &err), 0);
        registry_follow(registry, "a/x", spec);
        assert_null(registry_holder(registry, "b/x", spec));
    }
    registry_free(registry);
}

static void another_name_lets_the_old_one_go(void **state)
{
    struct registry *registry = registry_new();

    (void)state;
    follow(registry, "a/x", "old");
    follow(registry, "a/x", "new");
    assert_holder(registry, "b/x", "old", NULL);
    assert_holder(registry, "b/x", "new", "a/x");
    registry_free(registry);
}

static void two_that_hold_the_same_name_each_see_the_other(void **state)
{
    struct registry *registry = registry_new();

    (void)state;
    follow(registry, "a/x", "name");
    follow(registry, "b/x", "name");
    follow(registry, "b/x", "name");
    assert_holder(registry, "a/x", "name", "b/x");
    assert_holder(registry, "b/x", "name", "a/x");
    follow(registry, "b/x", NULL);
    assert_holder(registry, "a/x", "name", NULL);
    assert_holder(registry, "c/x", "name", "a/x");
    registry_free(registry);
}

static void a_question_costs_the_same_with_ten_thousand_names(void **state)
{
    struct registry *registry = registry_new();
    int64_t took_ms[2];

    (void)state;
    follow(registry, "a/0", "name-0");
    for (int round = 0; round < 2; round++) {
        int64_t start_ms = clock_mono_ms();

        for (int i = 0; i < 20000; i++)
            assert_holder(registry, "b/x", "name-0", "a/0");
        took_ms[round] = clock_mono_ms() - start_ms;
        for (int i = 1; i < 10000 && round == 0; i++) {
            char key[32], name[32];

            snprintf(key, sizeof(key), "a/%d", i);
            snprintf(name, sizeof(name), "name-%d", i);
            follow(registry, key, name);
        }
    }
    /* A walk over them all would be thousands of times as long; a busy machine is not. */
    assert_true(took_ms[1] < 10 * took_ms[0] + 500);
    registry_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_held_until_its_resource_is_gone),
        cmocka_unit_test(a_name_is_one_of_its_account_and_region),
        cmocka_unit_test(what_names_nothing_holds_nothing),
        cmocka_unit_test(another_name_lets_the_old_one_go),
        cmocka_unit_test(two_that_hold_the_same_name_each_see_the_other),
        cmocka_unit_test(a_question_costs_the_same_with_ten_thousand_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

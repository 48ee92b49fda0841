/* Values from Secrets and ConfigMaps, against an API server that is a table here. */
#include "common/base/mem.h"
#include "controller/references.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define ITEM(variable, kind, object, key)                                                                    \
    "{\"name\":\"" variable "\",\"" kind "\":{\"name\":\"" object "\",\"key\":\"" key "\"}"
#define SECRET(variable, object, key) ITEM(variable, "secretKeyRef", object, key) "}"
#define CONFIG(variable, object, key) ITEM(variable, "configMapKeyRef", object, key) "}"
#define OPTIONAL(variable, object, key) ITEM(variable, "secretKeyRef", object, key) ",\"optional\":true}"

static int calls;

/* Replaces the library's: "db" and "settings" exist, "denied" and "down" answer as they are called. */
int kube_call(struct kube *kube, const struct kube_request *request, struct json **ret_object,
              struct err *err)
{
    static const struct {
        const char *path, *object;
        int status;
    } answers[] = {
        {"/api/v1/namespaces/team/secrets/db",
         "{\"data\":{\"password\":\"aHVudGVyMg==\",\"nul\":\"AGE=\",\"latin\":\"/w==\",\"bad\":\"?\"}}", 200},
        {"/api/v1/namespaces/team/configmaps/settings", "{\"data\":{\"level\":\"info\"}}", 200},
        {"/api/v1/namespaces/team/secrets/denied", NULL, 403},
        {"/api/v1/namespaces/team/secrets/down", NULL, 503},
    };

    (void)kube;
    calls++;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        if (!str_equal(answers[i].path, request->path))
            continue;
        if (answers[i].object)
            return json_parse(view(answers[i].object), ret_object, err);
        err_set(err, answers[i].status == 403 ? ERR_DENIED : ERR_RETRY, "no");
        err->status = answers[i].status;
        return err->class;
    }
    err_set(err, ERR_NOT_FOUND, "none");
    err->status = 404;
    return err->class;
}

static struct json *spec_with(const char *items)
{
    _cleanup_(freep) char *text = xasprintf(
        "{\"functionName\":\"f\",\"environment\":{\"variables\":{\"OWN\":\"x\"},\"valueFrom\":[%s]}}", items);
    struct json *spec = NULL;
    struct err err;

    if (json_parse(view(text), &spec, &err) < 0)
        fail_msg("%s: %s", err.msg, text);
    return spec;
}

/* The environment's variables as text, or "reason: message". The caller frees. */
static char *resolve(const char *items)
{
    _cleanup_(json_freep) struct json *spec = spec_with(items), *resolved = NULL;
    const char *reason = "unset";
    struct err err;

    calls = 0;
    if (references_resolve(NULL, "team", spec, &resolved, &reason, &err) < 0)
        return xasprintf("%s: %s", reason ? reason : "none", err.msg);
    assert_null(json_at(resolved, "environment.valueFrom"));
    return json_text(json_at(resolved, "environment.variables"));
}

static void assert_resolved(const char *items, const char *expected)
{
    _cleanup_(freep) char *text = resolve(items);

    if (!strstr(text, expected))
        fail_msg("%s\ngives %s\nand not %s", items, text, expected);
    if (strstr(text, ": ") && strstr(text, "hunter2"))
        fail_msg("a message shows a value: %s", text);
}

static void a_spec_without_references_needs_no_question(void **state)
{
    _cleanup_(json_freep) struct json *spec = spec_with(""), *resolved = NULL;
    const char *reason;
    struct err err;

    (void)state;
    calls = 0;
    assert_int_equal(references_resolve(NULL, "team", spec, &resolved, &reason, &err), 0);
    assert_null(resolved);
    assert_int_equal(calls, 0);
}

static void values_join_the_declared_variables(void **state)
{
    (void)state;
    assert_resolved(SECRET("PASSWORD", "db", "password") "," CONFIG("LEVEL", "settings", "level"),
                    "{\"OWN\":\"x\",\"PASSWORD\":\"hunter2\",\"LEVEL\":\"info\"}");
}

static void an_object_that_is_named_twice_is_read_once(void **state)
{
    (void)state;
    assert_resolved(SECRET("ONE", "db", "password") "," SECRET("TWO", "db", "password"), "hunter2");
    assert_int_equal(calls, 1);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    assert_resolved(
        SECRET("VALUE", "gone", "k"),
        "SecretNotFound: there is no Secret gone in the namespace team, from which the variable VALUE");
    assert_resolved(CONFIG("VALUE", "gone", "k"), "ConfigMapNotFound: there is no ConfigMap gone");
    assert_resolved(SECRET("VALUE", "db", "gone"), "KeyNotFound: the Secret db has no key gone");
}

static void what_is_optional_may_be_missing(void **state)
{
    (void)state;
    assert_resolved(OPTIONAL("VALUE", "gone", "k") "," OPTIONAL("OTHER", "db", "gone"), "{\"OWN\":\"x\"}");
}

static void a_refusal_says_which_role_is_missing(void **state)
{
    (void)state;
    assert_resolved(
        OPTIONAL("VALUE", "denied", "k"),
        "SecretDenied: kubelambda may not get the Secret denied: create a Role in the namespace team "
        "that allows `get` on secrets \"denied\", and a RoleBinding");
}

static void an_api_server_that_does_not_answer_is_no_reason(void **state)
{
    (void)state;
    assert_resolved(SECRET("VALUE", "down", "k"), "none: no");
}

static void what_is_no_text_is_refused(void **state)
{
    static const char *const keys[] = {"nul", "latin", "bad"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        _cleanup_(freep) char *item =
            xasprintf("{\"name\":\"VALUE\",\"secretKeyRef\":{\"name\":\"db\",\"key\":\"%s\"}}", keys[i]);

        assert_resolved(item, "InvalidEnvironment: the key ");
    }
}

static void the_environment_is_measured_with_its_values(void **state)
{
    _cleanup_(json_freep) struct json *spec = spec_with(""), *resolved = json_copy(spec);
    _cleanup_(str_done) struct str fits = STR_INIT(4096), wrong = STR_INIT(4096);
    _cleanup_(freep) char *value = xmalloc(4080);

    (void)state;
    memset(value, 'v', 4079);
    value[4079] = '\0';
    assert_true(references_fit(resolved, spec, &runtimes_builtin, &fits));
    json_set_at(resolved, "environment.variables.LARGE", json_new_string(value));
    assert_false(references_fit(resolved, spec, &runtimes_builtin, &wrong));
    assert_non_null(strstr(str_text(&wrong), "AWS takes at most 4096"));
    assert_null(strstr(str_text(&wrong), "vvv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spec_without_references_needs_no_question),
        cmocka_unit_test(values_join_the_declared_variables),
        cmocka_unit_test(an_object_that_is_named_twice_is_read_once),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(what_is_optional_may_be_missing),
        cmocka_unit_test(a_refusal_says_which_role_is_missing),
        cmocka_unit_test(an_api_server_that_does_not_answer_is_no_reason),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(the_environment_is_measured_with_its_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

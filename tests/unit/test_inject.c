/* The webhook configurations. The API server is played by this file's kube_call. */
#include "certs/inject.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void the_document_is_the_configuration_to_the_letter(void **state)
{
    _cleanup_(json_freep) struct json *mutating =
        inject_document(INJECT_MUTATING, "https://127.0.0.1:9443", "a CA");
    _cleanup_(json_freep) struct json *validating =
        inject_document(INJECT_VALIDATING, "https://[::1]:9", NULL);
    _cleanup_(freep) char *first = json_text(mutating);
    _cleanup_(freep) char *second = json_text(validating);

    (void)state;
    assert_string_equal(
        first,
        "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"MutatingWebhookConfiguration\","
        "\"metadata\":{\"name\":\"kubelambda\"},\"webhooks\":[{\"name\":\"mutate.kubelambda.io\","
        "\"admissionReviewVersions\":[\"v1\"],\"clientConfig\":{\"url\":\"https://127.0.0.1:9443/mutate\","
        "\"caBundle\":\"YSBDQQ==\"},\"rules\":[{\"apiGroups\":[\"kubelambda.io\"],\"apiVersions\":"
        "[\"v1alpha1\"],\"resources\":[\"lambdafunctions\"],\"operations\":[\"CREATE\",\"UPDATE\"],"
        "\"scope\":\"Namespaced\"},{\"apiGroups\":[\"kubelambda.io\"],\"apiVersions\":[\"v1alpha1\"],"
        "\"resources\":[\"lambdapolicies\"],\"operations\":[\"CREATE\",\"UPDATE\"],\"scope\":\"Cluster\"}],"
        "\"matchConditions\":[{\"name\":\"spec-changed\",\"expression\":"
        "\"request.operation != 'UPDATE' || object.spec != oldObject.spec\"}],\"matchPolicy\":"
        "\"Equivalent\",\"failurePolicy\":\"Fail\",\"sideEffects\":\"None\",\"timeoutSeconds\":5,"
        "\"reinvocationPolicy\":\"Never\"}]}");
    assert_non_null(strstr(second, "\"kind\":\"ValidatingWebhookConfiguration\""));
    assert_non_null(strstr(second, "\"name\":\"validate.kubelambda.io\""));
    assert_non_null(strstr(second, "{\"url\":\"https://[::1]:9/validate\"}"));
    assert_non_null(strstr(second, "\"operations\":[\"CREATE\",\"UPDATE\",\"DELETE\"]"));
    assert_null(strstr(second, "reinvocationPolicy"));
    assert_null(strstr(second, "caBundle"));
}

/* An API server that holds two configurations; applies replace, as ours are the only ones. */
static struct json *stored[2];
static int applies;
static char *patched; /* the last JSON patch */

int kube_call(struct kube *kube, const struct kube_request *request, struct json **ret_object,
              struct err *err)
{
    struct json **at = &stored[strstr(request->path, "/validating") ? 1 : 0];

    (void)kube;
    if (str_equal(request->method, "PATCH") && str_equal(request->content_type, KUBE_JSON_PATCH)) {
        assert_non_null(
            strstr(request->path, "webhookconfigurations/kubelambda?fieldManager=kubelambda-certs"));
        free(patched);
        patched = xstrndup(request->body.ptr, request->body.len);
        applies++;
    } else if (str_equal(request->method, "PATCH")) {
        assert_string_equal(request->content_type, KUBE_APPLY);
        assert_non_null(
            strstr(request->path, "webhookconfigurations/kubelambda?fieldManager=kubelambda&force=true"));
        json_free(*at);
        assert_int_equal(json_parse(request->body, at, err), 0);
        applies++;
    }
    if (!*at)
        return err_set(err, ERR_NOT_FOUND, "not found");
    *ret_object = json_copy(*at);
    return 0;
}

static int forget_stored(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        json_free(take(stored[i]));
    free(take(patched));
    applies = 0;
    return 0;
}

static struct inject *with_url(void)
{
    struct inject *inject;
    struct err err;

    assert_int_equal(inject_url(NULL, "https://127.0.0.1:9443/", &inject, &err), 0);
    return inject;
}

static int keep(struct inject *inject, const char *ca, struct err *err)
{
    unsigned written;
    int r = inject_read(inject, err);

    return r == 0 ? inject_write(inject, ca, &written, err) : r;
}

static void absent_configurations_are_written_once(void **state)
{
    struct inject *inject = with_url();
    struct err err;

    (void)state;
    assert_false(inject_right(inject));
    assert_int_equal(keep(inject, "a CA", &err), 0);
    assert_true(inject_right(inject));
    assert_int_equal(keep(inject, "a CA", &err), 0);
    assert_int_equal(applies, 2);
    assert_string_equal(json_str_at(json_first(json_get(stored[0], "webhooks")), "clientConfig.url"),
                        "https://127.0.0.1:9443/mutate");
    assert_string_equal(inject_bundle(inject, INJECT_VALIDATING), "a CA");
    inject_free(inject);
}

static void a_changed_bundle_or_a_changed_rule_is_written_again(void **state)
{
    struct inject *inject = with_url();
    struct err err;

    (void)state;
    assert_int_equal(keep(inject, "a CA", &err), 0);
    assert_int_equal(keep(inject, "another CA", &err), 0);
    assert_int_equal(applies, 4);

    json_free(stored[1]);
    stored[1] = inject_document(INJECT_VALIDATING, "https://127.0.0.1:1", "another CA");
    assert_int_equal(keep(inject, "another CA", &err), 0);
    assert_int_equal(applies, 5);
    assert_true(inject_right(inject));
    inject_free(inject);
}

static void what_the_api_server_fills_in_is_no_difference(void **state)
{
    struct inject *inject = with_url();
    struct err err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        stored[i] = inject_document(i, "https://127.0.0.1:9443", "a CA");
        struct json *copy = json_copy(json_first(json_get(stored[i], "webhooks")));
        struct json *list = json_new_array();

        json_set(copy, "namespaceSelector", json_new_object());
        json_append(list, copy);
        json_set(stored[i], "webhooks", list);
    }
    assert_int_equal(keep(inject, "a CA", &err), 0);
    assert_int_equal(applies, 0);
    assert_true(inject_right(inject));
    inject_free(inject);
}

static void store(int i, const char *text)
{
    struct err err;

    json_free(stored[i]);
    assert_int_equal(json_parse(view(text), &stored[i], &err), 0);
}

static void a_configuration_that_names_a_service_is_not_touched(void **state)
{
    struct inject *inject = with_url();
    struct err err;

    (void)state;
    store(0, "{\"webhooks\":[{\"name\":\"mutate.kubelambda.io\",\"clientConfig\":"
             "{\"service\":{\"namespace\":\"ns\",\"name\":\"hook\"}}}]}");
    assert_int_equal(keep(inject, "a CA", &err), ERR_FATAL);
    assert_true(str_starts_with(err.msg, "MutatingWebhookConfiguration \"kubelambda\": points to the service "
                                         "ns/hook, not to a URL"));
    assert_int_equal(applies, 0);
    assert_false(inject_right(inject));
    inject_free(inject);
}

#define INSTALLED(name, bundle)                                                                              \
    "{\"webhooks\":[{\"name\":\"other.example.com\"},{\"name\":\"" name ".kubelambda.io\","                  \
    "\"clientConfig\":{" bundle "\"service\":{\"namespace\":\"ns\",\"name\":\"hook\"}}}]}"

static void of_installed_configurations_only_the_bundle_of_our_entry_is_written(void **state)
{
    struct inject *inject = inject_service(NULL, "ns", "hook");
    struct err err;

    (void)state;
    store(0, INSTALLED("mutate", "\"caBundle\":\"YSBDQQ==\","));
    store(1, INSTALLED("validate", ""));
    assert_int_equal(keep(inject, "a CA", &err), 0);
    assert_int_equal(applies, 1);
    assert_string_equal(
        patched, "[{\"op\":\"test\",\"path\":\"/webhooks/1/name\",\"value\":\"validate.kubelambda.io\"},"
                 "{\"op\":\"add\",\"path\":\"/webhooks/1/clientConfig/caBundle\",\"value\":\"YSBDQQ==\"}]");
    assert_false(inject_right(inject)); /* this API server did not take it */
    store(1, INSTALLED("validate", "\"caBundle\":\"YSBDQQ==\","));
    assert_int_equal(keep(inject, "a CA", &err), 0);
    assert_true(inject_right(inject));
    assert_int_equal(keep(inject, NULL, &err), 0); /* somebody else's to write */
    assert_int_equal(applies, 1);
    inject_free(inject);
}

static void configurations_that_are_not_installed_or_point_elsewhere_are_told(void **state)
{
    struct inject *inject = inject_service(NULL, "ns", "kubelambda");
    struct err err;

    (void)state;
    assert_int_equal(keep(inject, "a CA", &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "MutatingWebhookConfiguration \"kubelambda\": is not installed; apply "
                                 "manifests/webhook.yaml");
    store(0, INSTALLED("mutate", ""));
    assert_int_equal(keep(inject, "a CA", &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "points to ns/hook, not to the service ns/kubelambda of --service"));
    json_free(stored[0]);
    stored[0] = inject_document(INJECT_MUTATING, "https://127.0.0.1:1", NULL);
    assert_int_equal(keep(inject, "a CA", &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "points to https://127.0.0.1:1/mutate, not to"));
    assert_int_equal(applies, 0);
    inject_free(inject);
}

static void
where_the_first_configuration_is_not_ours_the_second_is_written_and_the_first_error_told(void **state)
{
    struct inject *inject = inject_service(NULL, "ns", "hook");
    struct err err;

    (void)state;
    store(1, INSTALLED("validate", ""));
    assert_int_equal(keep(inject, "a CA", &err), ERR_NOT_FOUND);
    assert_true(str_starts_with(err.msg, "MutatingWebhookConfiguration \"kubelambda\": is not installed"));
    assert_int_equal(applies, 1);
    assert_non_null(strstr(patched, "validate.kubelambda.io"));
    inject_free(inject);
}

static void a_url_that_the_api_server_would_refuse_is_refused_at_the_start(void **state)
{
    static const char *const bad[] = {"",           "127.0.0.1:9443",  "http://127.0.0.1:9443", "https://",
                                      "https:///x", "https://h:1?x=y", "https://user@h:1"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct inject *inject;
        struct err err;

        if (inject_url(NULL, bad[i], &inject, &err) != ERR_FATAL)
            fail_msg("\"%s\" was accepted", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_is_the_configuration_to_the_letter),
        cmocka_unit_test_teardown(absent_configurations_are_written_once, forget_stored),
        cmocka_unit_test_teardown(a_changed_bundle_or_a_changed_rule_is_written_again, forget_stored),
        cmocka_unit_test_teardown(what_the_api_server_fills_in_is_no_difference, forget_stored),
        cmocka_unit_test_teardown(a_configuration_that_names_a_service_is_not_touched, forget_stored),
        cmocka_unit_test_teardown(of_installed_configurations_only_the_bundle_of_our_entry_is_written,
                                  forget_stored),
        cmocka_unit_test_teardown(configurations_that_are_not_installed_or_point_elsewhere_are_told,
                                  forget_stored),
        cmocka_unit_test_teardown(
            where_the_first_configuration_is_not_ours_the_second_is_written_and_the_first_error_told,
            forget_stored),
        cmocka_unit_test(a_url_that_the_api_server_would_refuse_is_refused_at_the_start),
    };

    if (!log_set_level("error"))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which resources of manifests count, and what is said of those that are nearly ours. */
#include "cli/declared.h"
#include "common/base/mem.h"
#include "tests/unit/texts.h"

static struct http *http;
static struct aws *aws;

static int set_up(void **state)
{
    (void)state;
    if (http_start(&http, NULL) < 0)
        return -1;
    return aws_new(http, &(struct aws_options){.region = "us-east-1"}, &aws, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    aws_free(aws);
    http_stop(http);
    return 0;
}

/* "1 0" and the findings of kind and apiVersion: functions, other policies, what is passed over. */
static char *told(const char *resource)
{
    _cleanup_(json_freep) struct json *object = parse(resource);
    char prefix[] = "";
    struct manifest manifest = {.object = object, .file = "f", .prefix = prefix};
    const struct manifests manifests = {.items = &manifest, .count = 1}, none = {0};
    _cleanup_(declared_done) struct declared_set set = {0};
    _cleanup_(str_done) struct str text = STR_INIT(1 << 12);

    declared_review(&(struct declared_settings){.manifests = &manifests,
                                                .policies = &none,
                                                .against = &none,
                                                .aws = aws,
                                                .namespace = "default",
                                                .offline = true},
                    &set);
    str_addf(&text, "%zu %zu %zu", set.function_count, set.count - set.function_count, set.passed_over_count);
    for (size_t i = 0; i < set.count; i++)
        for (size_t j = 0; j < set.items[i].findings.count; j++) {
            const struct finding *one = &set.items[i].findings.items[j];

            if (str_equal(one->field, "kind") || str_equal(one->field, "apiVersion"))
                str_addf(&text, " %s: %s", one->field, one->message);
        }
    return str_take(&text);
}

static void a_kind_or_group_with_a_typing_error_is_not_passed_over(void **state)
{
    static const struct {
        const char *resource, *told;
    } rows[] = {
        {"{\"apiVersion\":\"kubelambda.io/v1alpha1\",\"kind\":\"LambdaFunction\"}", "1 0 0"},
        {"{\"apiVersion\":\"kubelambda.io/v1alpha1\",\"kind\":\"LambdaPolicy\"}", "0 1 0"},
        {"{\"apiVersion\":\"kubelambda.io/v1alpha1\",\"kind\":\"LambdaFuntion\"}",
         "1 0 0 kind: Unsupported value: \"LambdaFuntion\": supported values: LambdaFunction, LambdaPolicy"},
        {"{\"apiVersion\":\"kubelambda.io/v1alpha1\",\"kind\":\"LambdaPolcy\"}",
         "0 1 0 kind: Unsupported value: \"LambdaPolcy\": supported values: LambdaFunction, LambdaPolicy"},
        {"{\"apiVersion\":\"kubelambda.io/v1alpha1\",\"kind\":\"lambdafunction\"}",
         "1 0 0 kind: Unsupported value: \"lambdafunction\": supported values: LambdaFunction, LambdaPolicy"},
        {"{\"apiVersion\":\"kubelamda.io/v1alpha1\",\"kind\":\"LambdaFunction\"}",
         "1 0 0 apiVersion: Unsupported value: \"kubelamda.io/v1alpha1\": supported values: "
         "kubelambda.io/v1alpha1"},
        {"{\"apiVersion\":\"v1alpha1\",\"kind\":\"LambdaPolicy\"}",
         "0 1 0 apiVersion: Unsupported value: \"v1alpha1\": supported values: kubelambda.io/v1alpha1"},
        {"{\"kind\":\"LambdaFunction\"}",
         "1 0 0 apiVersion: Unsupported value: supported values: kubelambda.io/v1alpha1"},
        {"{\"apiVersion\":\"lambda.services.k8s.aws/v1alpha1\",\"kind\":\"Function\"}", "0 0 1"},
        {"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\"}", "0 0 1"},
        {"{}", "0 0 1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(freep) char *text = told(rows[i].resource);

        assert_string_equal(text, rows[i].told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kind_or_group_with_a_typing_error_is_not_passed_over),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

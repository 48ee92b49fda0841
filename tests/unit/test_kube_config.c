/* Kubeconfigs and service accounts, in a temporary directory. */
#include "common/kube/config.h"

#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/test_kube_config.XXXXXX";
static const char *const files[] = {"config", "other", "ca.crt", "token", "namespace", "cert.pem", "key.pem"};

static char *in_directory(const char *name)
{
    return xasprintf("%s/%s", directory, name);
}

static void write_file(const char *name, const char *text)
{
    _cleanup_(freep) char *path = in_directory(name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int remove_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        _cleanup_(freep) char *path = in_directory(files[i]);

        unlink(path);
    }
    unsetenv("KUBECONFIG");
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("KUBERNETES_SERVICE_PORT");
    return 0;
}

static int set_up(void **state)
{
    if (!mkdtemp(directory))
        return -1;
    return remove_files(state);
}

static int tear_down(void **state)
{
    remove_files(state);
    return rmdir(directory);
}

/* A kubeconfig with these members of its cluster and user, each an inline YAML map. */
static void write_config(const char *cluster, const char *user)
{
    _cleanup_(freep) char *text = xasprintf("apiVersion: v1\nkind: Config\ncurrent-context: b\n"
                                            "clusters:\n- {name: x, cluster: {server: 'https://wrong'}}\n"
                                            "- {name: c, cluster: %s}\n"
                                            "users:\n- {name: u, user: %s}\n"
                                            "contexts:\n- {name: a, context: {cluster: x}}\n"
                                            "- {name: b, context: {cluster: c, user: u, namespace: shop}}\n",
                                            cluster, user);

    write_file("config", text);
}

static void check_loads(struct kube_config *ret_config)
{
    _cleanup_(freep) char *path = in_directory("config");
    struct err err;

    if (kube_config_load(path, ret_config, &err) < 0)
        fail_msg("%s", err.msg);
}

static void check_refused(const char *wanted)
{
    _cleanup_(freep) char *path = in_directory("config");
    struct kube_config config;
    struct err err;

    assert_int_equal(kube_config_load(path, &config, &err), ERR_FATAL);
    assert_int_equal(err.class, ERR_FATAL);
    if (!strstr(err.msg, wanted) || !strstr(err.msg, path))
        fail_msg("\"%s\" or the path is not in \"%s\"", wanted, err.msg);
    assert_null(strstr(err.msg, "s3cret"));
}

static void check_content(const char *path, const char *wanted)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    if (!fgets(text, sizeof(text), file))
        text[0] = '\0';
    fclose(file);
    assert_string_equal(text, wanted);
}

static void the_current_context_is_followed(void **state)
{
    _cleanup_(kube_config_done) struct kube_config config;

    (void)state;
    write_config("{server: 'https://10.0.0.1:6443//'}", "{token: s3cret}");
    check_loads(&config);
    assert_string_equal(config.server, "https://10.0.0.1:6443");
    assert_string_equal(config.token, "s3cret");
    assert_string_equal(config.namespace, "shop");
    assert_null(config.ca_file);
    assert_null(config.cert_file);
}

static void inline_data_becomes_files_that_can_be_read_by_path(void **state)
{
    _cleanup_(kube_config_done) struct kube_config config;

    (void)state;
    write_config("{server: https://h, certificate-authority-data: Q0E=}",
                 "{client-certificate-data: Q0VSVA==, client-key-data: S0VZ}");
    check_loads(&config);
    check_content(config.ca_file, "CA");
    check_content(config.ca_file, "CA"); /* as often as wanted */
    check_content(config.cert_file, "CERT");
    check_content(config.key_file, "KEY");
}

static void paths_are_relative_to_the_kubeconfig(void **state)
{
    _cleanup_(kube_config_done) struct kube_config config;

    (void)state;
    write_file("ca.crt", "CA");
    write_file("token", "t");
    write_config("{server: https://h, certificate-authority: ca.crt}", "{tokenFile: ./token}");
    check_loads(&config);
    check_content(config.ca_file, "CA");
    check_content(config.token_file, "t");
}

static void a_kubeconfig_may_be_json(void **state)
{
    _cleanup_(kube_config_done) struct kube_config config;

    (void)state;
    write_file("config",
               "{\"current-context\": \"a\", \"clusters\": [{\"name\": \"a\", \"cluster\": {\"server\": "
               "\"http://127.0.0.1:8001\"}}], \"contexts\": [{\"name\": \"a\", \"context\": {\"cluster\": "
               "\"a\"}}]}");
    check_loads(&config);
    assert_string_equal(config.server, "http://127.0.0.1:8001");
}

static void what_is_not_supported_is_refused_with_a_way_out(void **state)
{
    (void)state;
    write_config("{server: https://h}", "{exec: {command: aws}}");
    check_refused("exec.apiVersion is missing");
    write_config("{server: https://h, insecure-skip-tls-verify: true}", "{}");
    check_refused("insecure-skip-tls-verify is not supported; give certificate-authority");
    write_config("{server: https://h}", "{username: admin, password: s3cret}");
    check_refused("user.username is not supported");
    write_config("{server: https://h, proxy-url: 'http://p'}", "{}");
    check_refused("proxy-url");
}

static void insecure_skip_tls_verify_false_is_fine(void **state)
{
    _cleanup_(kube_config_done) struct kube_config config;

    (void)state;
    write_config("{server: https://h, insecure-skip-tls-verify: false}", "{}");
    check_loads(&config);
}

static void what_is_missing_or_broken_is_named(void **state)
{
    (void)state;
    check_refused("cannot read"); /* no file at all */
    write_file("config", "current-context: nowhere\n");
    check_refused("current-context \"nowhere\" is not in contexts");
    write_file("config", "contexts: []\n");
    check_refused("no current-context");
    write_file("config", "a: [\n");
    check_refused("line 2");
    write_config("{}", "{}");
    check_refused("cluster.server is missing");
    write_config("{server: 'tcp://h'}", "{}");
    check_refused("cluster.server is tcp://h");
    write_config("{server: https://h, certificate-authority: nosuch.crt}", "{}");
    check_refused("nosuch.crt: No such file");
    write_config("{server: https://h, certificate-authority-data: '!s3cret!'}", "{}");
    check_refused("certificate-authority-data is not base64");
    write_config("{server: https://h}", "{client-certificate-data: Q0VSVA==}");
    check_refused("a client-certificate but no client-key");
    write_config("{server: https://h}", "{token: \"s3cret\\nX-More: 1\"}");
    check_refused("user.token has a line break");
    write_config("{server: https://h}", "{tokenFile: nosuch}");
    check_refused("tokenFile: cannot read");
}

static void the_first_existing_file_of_kubeconfig_is_read(void **state)
{
    _cleanup_(kube_config_done) struct kube_config config;
    _cleanup_(freep) char *list =
        xasprintf("::%s/nosuch:%s/config:%s/other", directory, directory, directory);
    struct err err;

    (void)state;
    write_config("{server: https://first}", "{}");
    write_file("other", "broken: [");
    setenv("KUBECONFIG", list, 1);
    assert_int_equal(kube_config_load(NULL, &config, &err), 0);
    assert_string_equal(config.server, "https://first");

    struct kube_config none;

    setenv("KUBECONFIG", "/nosuch/a:/nosuch/b", 1);
    assert_int_equal(kube_config_load(NULL, &none, &err), ERR_FATAL);
    assert_non_null(strstr(err.msg, "/nosuch/a:/nosuch/b"));
}

static void the_service_account_of_a_pod_is_used(void **state)
{
    _cleanup_(kube_config_done) struct kube_config config;
    struct err err;

    (void)state;
    write_file("ca.crt", "CA");
    write_file("token", "t");
    write_file("namespace", "kubelambda-system\n");
    setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    if (kube_config_load_pod(directory, &config, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(config.server, "https://10.96.0.1:443");
    assert_string_equal(config.namespace, "kubelambda-system");
    check_content(config.token_file, "t");
    check_content(config.ca_file, "CA");
}

static void an_ipv6_service_host_is_put_in_brackets(void **state)
{
    _cleanup_(kube_config_done) struct kube_config config;

    (void)state;
    write_file("ca.crt", "CA");
    write_file("token", "t");
    setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    assert_int_equal(kube_config_load_pod(directory, &config, NULL), 0);
    assert_string_equal(config.server, "https://[fd00::1]:443");
    assert_null(config.namespace);
}

static void a_pod_without_a_token_is_told_why(void **state)
{
    struct kube_config config;
    struct err err;

    (void)state;
    assert_int_equal(kube_config_load_pod(directory, &config, &err), ERR_FATAL);
    assert_non_null(strstr(err.msg, "not in a pod"));
    setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    assert_int_equal(kube_config_load_pod(directory, &config, &err), ERR_FATAL);
    assert_non_null(strstr(err.msg, "automountServiceAccountToken"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, remove_files)
    const struct CMUnitTest tests[] = {
        TEST(the_current_context_is_followed),
        TEST(inline_data_becomes_files_that_can_be_read_by_path),
        TEST(paths_are_relative_to_the_kubeconfig),
        TEST(a_kubeconfig_may_be_json),
        TEST(what_is_not_supported_is_refused_with_a_way_out),
        TEST(insecure_skip_tls_verify_false_is_fine),
        TEST(what_is_missing_or_broken_is_named),
        TEST(the_first_existing_file_of_kubeconfig_is_read),
        TEST(the_service_account_of_a_pod_is_used),
        TEST(an_ipv6_service_host_is_put_in_brackets),
        TEST(a_pod_without_a_token_is_told_why),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

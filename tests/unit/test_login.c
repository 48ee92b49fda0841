/* Exec plugins of kubeconfigs: shell scripts here, and an API server that looks at the token. */
#include "common/kube/login.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/kube/client.h"
#include "http_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#define V1 "client.authentication.k8s.io/v1"
#define V1BETA1 "client.authentication.k8s.io/v1beta1"

static char directory[] = "/tmp/test_login.XXXXXX";

static char *in_directory(const char *name)
{
    return xasprintf("%s/%s", directory, name);
}

static void write_file(const char *name, const char *text)
{
    _cleanup_(freep) char *path = in_directory(name);
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

/* The exec object of a kubeconfig; `more` begins with a comma or is "". */
static int start(const char *command, const char *more, struct login **ret_login, struct err *err)
{
    _cleanup_(freep) char *text =
        xasprintf("{\"apiVersion\":\"" V1 "\",\"command\":\"%s\"%s}", command, more);
    _cleanup_(json_freep) struct json *exec = NULL;

    assert_int_equal(json_parse(view(text), &exec, NULL), 0);
    return login_start(exec, directory, ret_login, err);
}

static void expect_refused(const char *command, const char *more, const char *part)
{
    struct login *login = NULL;
    struct err err;

    assert_int_equal(start(command, more, &login, &err), ERR_FATAL);
    if (!strstr(err.msg, part))
        fail_msg("\"%s\" is not in: %s", part, err.msg);
    assert_null(strstr(err.msg, "secret"));
    assert_null(login);
}

static void its_arguments_environment_and_answer_are_as_the_plugins_of_kubectl_have_them(void **state)
{
    struct login *login = NULL;
    char *token, *cert, *key;
    struct err err;

    (void)state;
    write_file("plugin", "#!/bin/sh\n"
                         "case $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*) ;; *) exit 9;; esac\n"
                         "echo '{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\",\"status\":{'\n"
                         "echo '\"token\":\"'$1-$NAME'\",\"clientCertificateData\":\"cert\","
                         "\"clientKeyData\":\"key\"}}'\n");
    assert_int_equal(start("./plugin", ",\"args\":[\"one\"],\"env\":[{\"name\":\"NAME\",\"value\":\"two\"}]",
                           &login, &err),
                     0);
    login_get(login, &token, &cert, &key);
    assert_string_equal(token, "one-two");
    FILE *file = fopen(cert, "re");
    char text[8] = "";

    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    fclose(file);
    assert_string_equal(text, "cert");
    assert_non_null(key);
    free(token);
    free(cert);
    free(key);
    login_free(login);
}

static void what_cannot_be_run_is_refused_with_the_hint(void **state)
{
    (void)state;
    expect_refused(
        "no-such-plugin", ",\"installHint\":\"brew install it\"",
        "exec plugin no-such-plugin: no-such-plugin cannot be run: No such file or directory. brew");
    expect_refused("", "", "exec.command is missing");
    expect_refused("sh", ",\"args\":[1]", "exec.args must be strings");
    expect_refused("sh", ",\"env\":[{\"name\":\"a=b\",\"value\":\"\"}]", "exec.env must be a list of");
    expect_refused("sh", ",\"provideClusterInfo\":true", "provideClusterInfo is not supported");
    expect_refused("sh", ",\"interactiveMode\":\"Always\"", "nobody is here to answer");
    expect_refused("sh", ",\"args\":[\"-c\",\"echo sorry >&2; exit 1\"]", "sh ended with status 1: sorry");
    expect_refused("head", ",\"args\":[\"-c\",\"300000\",\"/dev/zero\"]", "wrote more than 262144 bytes");
}

static void an_answer_that_is_not_right_is_refused_without_showing_it(void **state)
{
    static const char *const rows[][2] = {
        {"secret", "its output is not JSON"},
        {"{}", "its output is nothing "},
        {"{\"apiVersion\":\"" V1BETA1 "\",\"kind\":\"ExecCredential\"}", "not " V1 " ExecCredential"},
        {"{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\"}",
         "neither token nor clientCertificateData"},
        {"{\"apiVersion\":\"" V1
         "\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"secret\\r\\nX: y\"}}",
         "has a blank or a line end"},
        {"{\"apiVersion\":\"" V1
         "\",\"kind\":\"ExecCredential\",\"status\":{\"clientCertificateData\":\"secret\"}}",
         "clientCertificateData but no clientKeyData"},
        {"{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\","
         "\"expirationTimestamp\":\"soon\"}}",
         "soon: not a time"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct login_credential credential = {0};
        struct err err;

        assert_int_equal(login_read(view(rows[i][0]), V1, &credential, &err), ERR_FATAL);
        if (!strstr(err.msg, rows[i][1]))
            fail_msg("\"%s\" is not in: %s", rows[i][1], err.msg);
        assert_null(strstr(err.msg, "secret"));
    }
}

static void it_is_run_again_ahead_of_the_expiry_and_soon_after_a_failure(void **state)
{
    (void)state;
    assert_int_equal(login_schedule_ms(1000, 0, 0), INT64_MAX);
    assert_int_equal(login_schedule_ms(1000, 1900, 0), 840 * 1000);
    assert_int_equal(login_schedule_ms(1000, 1060, 0), 30 * 1000);
    assert_int_equal(login_schedule_ms(1000, 900, 0), 1000);
    assert_int_equal(login_schedule_ms(1000, 0, 3), 4000);
    assert_int_equal(login_schedule_ms(1000, 0, 99), 60 * 1000);
}

/* The API server: does not take the first token. */
static bool serve(struct peer *peer, int fd, const char *request)
{
    (void)peer;
    return strstr(request, "Authorization: Bearer token-1\r\n")
               ? peer_answer(fd, "401 Unauthorized", "", "{\"message\":\"who are you?\"}")
               : peer_answer(fd, "200 OK", "", "{}");
}

static void a_refused_token_makes_it_run_again_before_the_second_try_within_the_time_of_the_call(void **state)
{
    _cleanup_(kube_config_done) struct kube_config config = {.memory_files = {-1, -1, -1}};
    struct peer peer = {.serve = serve};
    struct http *http = NULL;
    struct err err;

    (void)state;
    write_file("plugin", "#!/bin/sh\ncd $(dirname $0)\necho x >>count\n"
                         "[ $(wc -l <count) = 1 ] || sleep 2\n"
                         "echo '{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\",\"status\":{'\n"
                         "echo '\"token\":\"token-'$(wc -l <count)'\"}}'\n");
    peer_start(&peer);
    _cleanup_(freep) char *kubeconfig =
        xasprintf("current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
                  "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:%d'}}]\n"
                  "users: [{name: u, user: {exec: {apiVersion: " V1 ", command: ./plugin}}}]\n",
                  peer.port);
    _cleanup_(freep) char *path = in_directory("config");

    write_file("config", kubeconfig);
    assert_int_equal(kube_config_load(path, &config, &err), 0);
    assert_int_equal(http_start(&http, &err), 0);
    struct kube *kube = kube_new(http, &config);
    const struct kube_request get = {.method = "GET", .path = "/version"};
    const struct kube_request short_get = {.method = "GET", .path = "/version", .timeout_ms = 1000};

    assert_int_equal(kube_call(kube, &get, NULL, &err), ERR_DENIED); /* it ran a moment ago */
    clock_sleep_ms(5100);
    int64_t before_ms = clock_mono_ms();

    assert_int_equal(kube_call(kube, &short_get, NULL, &err), ERR_DENIED); /* the plugin takes longer */
    assert_in_range(clock_mono_ms() - before_ms, 1000, 1900);
    assert_int_equal(kube_call(kube, &get, NULL, &err), 0);
    assert_int_equal(kube_call(kube, &get, NULL, &err), 0);
    kube_free(kube);
    http_stop(http);
    peer_stop(&peer);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const files[] = {"plugin", "count", "config"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        _cleanup_(freep) char *path = in_directory(files[i]);

        unlink(path);
    }
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_arguments_environment_and_answer_are_as_the_plugins_of_kubectl_have_them),
        cmocka_unit_test(what_cannot_be_run_is_refused_with_the_hint),
        cmocka_unit_test(an_answer_that_is_not_right_is_refused_without_showing_it),
        cmocka_unit_test(it_is_run_again_ahead_of_the_expiry_and_soon_after_a_failure),
        cmocka_unit_test(
            a_refused_token_makes_it_run_again_before_the_second_try_within_the_time_of_the_call),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* What is kept although something else cannot be: certs over a scripted API server. */
#include "certs/certs.h"
#include "common/base/log.h"
#include "tests/unit/http_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Nobody's Secret, no configurations, and one of them cannot be written. */
static bool serve(struct peer *peer, int fd, const char *request)
{
    (void)peer;
    if (strstr(request, "/secrets/"))
        return peer_answer(fd, "403 Forbidden", "", "{\"message\":\"not yours\"}");
    if (str_starts_with(request, "GET "))
        return peer_answer(fd, "404 Not Found", "", "{\"message\":\"not there\"}");
    if (strstr(request, "/mutatingwebhookconfigurations/"))
        return peer_answer(fd, "403 Forbidden", "", "{\"message\":\"not that one\"}");
    return peer_answer(fd, "200 OK", "", strstr(request, "\r\n\r\n") + 4);
}

static void our_leaf_is_renewed_while_a_webhook_configuration_cannot_be_written(void **state)
{
    struct peer peer = {.serve = serve};
    struct kube_config config = {0};
    struct certs *certs;
    struct http *http;
    struct err err;

    (void)state;
    peer_start(&peer);
    config.server = xasprintf("http://127.0.0.1:%d", peer.port);
    assert_int_equal(http_start(&http, &err), 0);
    struct kube *kube = kube_new(http, &config);
    const struct certs_options options = {
        .kube = kube, .namespace = "ns", .url = "https://127.0.0.1:1", .lifetime_ms = 1000 /* always due */};

    assert_int_equal(certs_start(&options, &certs, &err), 0);
    struct http_certificate *before = certs_certificate(certs);

    assert_int_equal(certs_tick(certs, &err), 0);
    struct http_certificate *after = certs_certificate(certs);

    assert_ptr_not_equal(before, after);
    assert_string_equal(certs_missing(certs), "the webhook configurations have not been read yet");
    http_certificate_unref(before);
    http_certificate_unref(after);
    certs_free(certs);
    kube_free(kube);
    http_stop(http);
    peer_stop(&peer);
    free(config.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_leaf_is_renewed_while_a_webhook_configuration_cannot_be_written),
    };

    if (!log_set_level("error"))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The server's TLS: certificates that change, suspension, versions. The client is libcurl. */
#include "certs/authority.h"
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/http/server.h"
#include "common/http/trust.h"

#include <curl/curl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MAX_BODY = 100000, WAIT_MS = 5000 };

static void *answer_from_thread(void *exchange)
{
    http_exchange_answer(exchange, 200, "text/plain", view("from a thread"));
    return NULL;
}

static void handle(void *arg, struct http_exchange *exchange)
{
    pthread_t answerer;

    (void)arg;
    if (str_equal(http_exchange_path(exchange), "/suspend")) {
        http_exchange_suspend(exchange);
        pthread_create(&answerer, NULL, answer_from_thread, exchange);
        pthread_join(answerer, NULL);
    } else {
        http_exchange_answer(exchange, 200, "text/plain", view("at once"));
    }
}

static struct http_certificate *serving;
static pthread_mutex_t serving_lock = PTHREAD_MUTEX_INITIALIZER;

static struct http_certificate *current_certificate(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&serving_lock);
    struct http_certificate *certificate = http_certificate_ref(serving);

    pthread_mutex_unlock(&serving_lock);
    return certificate;
}

/* A new authority and a certificate by it, served from now on. */
static void serve_new_certificate(struct pem_pair *ret_authority)
{
    const char *const ips[] = {"127.0.0.1", NULL};
    const struct authority_names names = {.ips = ips};
    struct pem_pair leaf;
    struct http_certificate *certificate;
    struct err err;

    assert_int_equal(authority_make(clock_wall_s(), ret_authority, &err), 0);
    assert_int_equal(authority_sign(ret_authority, &names, clock_wall_s(), 3600, &leaf, &err), 0);
    assert_int_equal(http_certificate_new(view(leaf.certificate), view(leaf.key), &certificate, &err), 0);
    pem_pair_done(&leaf);
    pthread_mutex_lock(&serving_lock);
    http_certificate_unref(serving);
    serving = certificate;
    pthread_mutex_unlock(&serving_lock);
}

static size_t discard(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)arg;
    return size * count;
}

/* The authority goes into a memory file, which stays open until the end: libcurl's GnuTLS backend
 * takes nothing else. */
static CURL *client_for(const char *path, const struct pem_pair *authority, const struct http_server *server)
{
    CURL *curl = curl_easy_init();
    int fd = memfd_create("ca", MFD_CLOEXEC);
    _cleanup_(freep) char *ca = xasprintf("/proc/self/fd/%d", fd);
    _cleanup_(freep) char *url = xasprintf("https://127.0.0.1:%d%s", http_server_port(server), path);

    curl_easy_setopt(curl, CURLOPT_URL, url);
    assert_int_equal(write(fd, authority->certificate, strlen(authority->certificate)),
                     strlen(authority->certificate));
    curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* the system's authorities are slow to load */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)WAIT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
    return curl;
}

static long connections_made(CURL *curl)
{
    long count = -1;

    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &count);
    return count;
}

static struct http_server *start_tls(struct http_trust *trust)
{
    const struct http_server_options options = {.listen = "127.0.0.1:0",
                                                .workers = 2,
                                                .max_body_bytes = MAX_BODY,
                                                .certificate = current_certificate,
                                                .trust = trust,
                                                .handler = handle};
    struct http_server *server;
    struct err err;

    assert_int_equal(http_server_start(&options, &server, &err), 0);
    return server;
}

static void a_new_certificate_is_served_while_old_connections_go_on(void **state)
{
    struct pem_pair first = {0}, second = {0};

    (void)state;
    serve_new_certificate(&first);
    struct http_server *server = start_tls(NULL);
    CURL *old = client_for("/", &first, server);

    assert_int_equal(curl_easy_perform(old), CURLE_OK);
    assert_int_equal(connections_made(old), 1);

    serve_new_certificate(&second);
    CURL *new = client_for("/", &second, server), *stale = client_for("/", &first, server);

    assert_int_equal(curl_easy_perform(new), CURLE_OK);
    assert_int_equal(curl_easy_perform(stale), CURLE_PEER_FAILED_VERIFICATION);
    assert_int_equal(curl_easy_perform(old), CURLE_OK);
    assert_int_equal(connections_made(old), 0);
    curl_easy_cleanup(old);
    curl_easy_cleanup(new);
    curl_easy_cleanup(stale);
    http_server_stop(server, 1000);
    assert_int_equal(serving->references, 1);
    http_certificate_unref(take(serving));
    pem_pair_done(&first);
    pem_pair_done(&second);
}

static void suspended_requests_over_tls_are_answered_on_one_connection(void **state)
{
    struct pem_pair authority = {0};

    (void)state;
    serve_new_certificate(&authority);
    struct http_server *server = start_tls(NULL);
    CURL *curl = client_for("/suspend", &authority, server);
    _cleanup_(freep) char *body = xcalloc(1, MAX_BODY);

    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)MAX_BODY);
    for (int i = 0; i < 20; i++) {
        long status = 0;

        assert_int_equal(curl_easy_perform(curl), CURLE_OK);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        assert_int_equal(status, 200);
        assert_int_equal(connections_made(curl), i == 0 ? 1 : 0);
    }
    curl_easy_cleanup(curl);
    http_server_stop(server, 1000);
    http_certificate_unref(take(serving));
    pem_pair_done(&authority);
}

static void a_client_that_is_not_trusted_is_refused_and_its_connection_closed(void **state)
{
    struct pem_pair authority = {0};
    struct http_trust *trust;
    char path[] = "/tmp/test_http_server_tls.XXXXXX";
    int fd = mkstemp(path);
    struct err err;

    (void)state;
    serve_new_certificate(&authority);
    assert_int_equal(write(fd, authority.certificate, strlen(authority.certificate)),
                     strlen(authority.certificate));
    assert_int_equal(http_trust_open(path, NULL, &trust, &err), 0);
    struct http_server *server = start_tls(trust);
    CURL *curl = client_for("/", &authority, server);

    for (int i = 0; i < 2; i++) {
        long status = 0;

        assert_int_equal(curl_easy_perform(curl), CURLE_OK);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        assert_int_equal(status, 403);
        assert_int_equal(connections_made(curl), 1);
    }
    curl_easy_cleanup(curl);
    http_server_stop(server, 1000);
    http_trust_free(trust);
    http_certificate_unref(take(serving));
    pem_pair_done(&authority);
    close(fd);
    unlink(path);
}

static void tls_below_1_2_is_refused(void **state)
{
    struct pem_pair authority = {0};

    (void)state;
    serve_new_certificate(&authority);
    struct http_server *server = start_tls(NULL);
    CURL *curl = client_for("/", &authority, server);

    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_1 | CURL_SSLVERSION_MAX_TLSv1_1);
    assert_int_equal(curl_easy_perform(curl), CURLE_SSL_CONNECT_ERROR);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_cleanup(curl);
    http_server_stop(server, 1000);
    http_certificate_unref(take(serving));
    pem_pair_done(&authority);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_certificate_is_served_while_old_connections_go_on),
        cmocka_unit_test(suspended_requests_over_tls_are_answered_on_one_connection),
        cmocka_unit_test(a_client_that_is_not_trusted_is_refused_and_its_connection_closed),
        cmocka_unit_test(tls_below_1_2_is_refused),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    curl_global_cleanup();
    return failed;
}

/* Requests to a scripted API server: headers, errors, tokens. */
#include "common/kube/client.h"

#include "common/base/metrics.h"
#include "tests/unit/http_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct peer peer;
static struct http *http;
static struct kube_config config;
static struct kube *kube;
static char token_path[] = "/tmp/test_kube_client.XXXXXX";
static char last_request[4096];
static size_t last_token_len;
static int refused;

static bool serve(struct peer *self, int fd, const char *request)
{
    (void)self;
    const char *bearer = strstr(request, "\r\nAuthorization: Bearer ");

    last_token_len = bearer ? strcspn(bearer + strlen("\r\nAuthorization: Bearer "), "\r") : 0;
    snprintf(last_request, sizeof(last_request), "%s", request);
    if (!strstr(request, "\r\nAuthorization: Bearer new\r\n")) {
        refused++;
        return peer_answer(fd, "401 Unauthorized", "", "{\"kind\":\"Status\",\"message\":\"Unauthorized\"}");
    }
    if (strstr(request, " /conflict "))
        return peer_answer(fd, "409 Conflict", "",
                           "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"it exists\"}");
    if (strstr(request, " /busy "))
        return peer_answer(
            fd, "429 Too Many Requests", "",
            "{\"kind\":\"Status\",\"message\":\"busy\",\"details\":{\"retryAfterSeconds\":3}}");
    if (strstr(request, " /proxy "))
        return peer_answer(fd, "503 Service Unavailable", "Retry-After: 2\r\n", "<html>no upstream</html>");
    if (strstr(request, " /html "))
        return peer_answer(fd, "200 OK", "", "<html>login</html>");
    return peer_answer(fd, "200 OK", "", "{\"kind\":\"Thing\"}");
}

static void write_token(const char *token)
{
    FILE *file = fopen(token_path, "w");

    assert_non_null(file);
    assert_true(fputs(token, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(token_path);

    if (fd < 0)
        return -1;
    close(fd);
    write_token("new\n");
    peer = (struct peer){.serve = serve};
    peer_start(&peer);
    config.server = xasprintf("http://127.0.0.1:%d", peer.port);
    config.token_file = token_path;
    if (http_start(&http, NULL) < 0)
        return -1;
    kube = kube_new(http, &config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kube_free(kube);
    http_stop(http);
    peer_stop(&peer);
    free(config.server);
    unlink(token_path);
    return 0;
}

static int get(const char *path, struct json **ret_object, struct err *err)
{
    return kube_call(kube, &(struct kube_request){.method = "GET", .path = path}, ret_object, err);
}

static void an_object_comes_back(void **state)
{
    _cleanup_(json_freep) struct json *object = NULL;

    (void)state;
    assert_int_equal(get("/thing", &object, NULL), 0);
    assert_string_equal(json_str_at(object, "kind"), "Thing");
    assert_non_null(strstr(last_request, "\r\nAccept: application/json\r\n"));
    assert_non_null(strstr(last_request, "\r\nUser-Agent: kubelambda\r\n"));
    assert_null(strstr(last_request, "\r\nContent-Type:"));
}

static void a_body_goes_out_with_its_type(void **state)
{
    struct kube_request request = {.method = "PATCH", .path = "/x?force=true", .body = view("{}")};

    (void)state;
    assert_int_equal(kube_call(kube, &request, NULL, NULL), 0);
    assert_true(str_starts_with(last_request, "PATCH /x?force=true HTTP/1.1\r\n"));
    assert_non_null(strstr(last_request, "\r\nContent-Type: application/json\r\n"));
    request.content_type = KUBE_APPLY;
    assert_int_equal(kube_call(kube, &request, NULL, NULL), 0);
    assert_non_null(strstr(last_request, "\r\nContent-Type: application/apply-patch+yaml\r\n"));
}

static void errors_carry_the_reason_and_the_message_of_the_status(void **state)
{
    struct json *object = NULL;
    struct err err;

    (void)state;
    assert_int_equal(get("/conflict", &object, &err), ERR_CONFLICT);
    assert_int_equal(err.status, 409);
    assert_string_equal(err.code, "AlreadyExists");
    assert_string_equal(err.msg, "it exists");
    assert_null(object);
    assert_int_equal(get("/busy", &object, &err), ERR_THROTTLED);
    assert_int_equal(err.retry_after_ms, 3000);
}

static void what_is_no_status_is_shown_and_retried(void **state)
{
    struct json *object = NULL;
    struct err err;

    (void)state;
    assert_int_equal(get("/proxy", &object, &err), ERR_RETRY);
    assert_string_equal(err.msg, "the API server answered 503: <html>no upstream</html>");
    assert_int_equal(err.retry_after_ms, 2000);
    assert_int_equal(get("/html", &object, &err), ERR_RETRY);
    assert_int_equal(err.class, ERR_RETRY);
    assert_null(object);
}

struct answer {
    pthread_mutex_t lock;
    pthread_cond_t come;
    bool done;
    struct json *object;
    struct err err;
};

static void on_answer(void *arg, struct json *object, const struct err *err)
{
    struct answer *answer = arg;

    pthread_mutex_lock(&answer->lock);
    answer->object = object;
    if (err)
        answer->err = *err;
    answer->done = true;
    pthread_cond_signal(&answer->come);
    pthread_mutex_unlock(&answer->lock);
}

static struct answer submit(const char *path)
{
    struct answer answer = {.lock = PTHREAD_MUTEX_INITIALIZER, .come = PTHREAD_COND_INITIALIZER};

    kube_submit(kube, &(struct kube_request){.method = "GET", .path = path}, on_answer, &answer);
    pthread_mutex_lock(&answer.lock);
    while (!answer.done)
        pthread_cond_wait(&answer.come, &answer.lock);
    pthread_mutex_unlock(&answer.lock);
    return answer;
}

static void a_submitted_request_is_called_back(void **state)
{
    struct answer answer = submit("/thing");

    (void)state;
    assert_string_equal(json_str_at(answer.object, "kind"), "Thing");
    json_free(answer.object);
    answer = submit("/conflict");
    assert_null(answer.object);
    assert_int_equal(answer.err.class, ERR_CONFLICT);
    assert_string_equal(answer.err.msg, "it exists");
}

/* A second client, so that it knows the old token. */
static void a_refused_token_is_read_again_and_the_request_repeated(void **state)
{
    struct json *object = NULL;
    struct err err;

    (void)state;
    kube_free(kube);
    kube = kube_new(http, &config);
    write_token("old");
    refused = 0;
    assert_int_equal(get("/thing", &object, &err), ERR_DENIED); /* and it is repeated only once */
    assert_int_equal(err.status, 401);
    assert_int_equal(refused, 2);
    write_token("new");
    assert_int_equal(get("/thing", &object, &err), 0);
    json_free(object);

    write_token("old");
    kube_free(kube);
    kube = kube_new(http, &config);
    assert_int_equal(get("/thing", &object, &err), ERR_DENIED);
    write_token("new");
    struct answer answer = submit("/thing");

    assert_non_null(answer.object);
    json_free(answer.object);
}

static void a_long_token_goes_out_whole_and_one_that_can_be_none_does_not(void **state)
{
    static const size_t lengths[][2] = {{40000, 40000}, {100000, 0}}; /* of the file, and of what is sent */

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        _cleanup_(freep) char *token = xcalloc(1, lengths[i][0] + 1);
        struct json *object = NULL;

        memset(token, 'x', lengths[i][0]);
        write_token(token);
        kube_free(kube);
        kube = kube_new(http, &config);
        assert_int_equal(get("/thing", &object, NULL), ERR_DENIED);
        assert_int_equal(last_token_len, lengths[i][1]);
    }
    write_token("new");
}

static void requests_are_counted(void **state)
{
    _cleanup_(str_done) struct str text = STR_INIT(1 << 20);
    _cleanup_(freep) char *wanted = xasprintf(
        "rest_client_requests_total{code=\"409\",method=\"GET\",host=\"127.0.0.1:%d\"} 2\n", peer.port);

    (void)state;
    metrics_print(&text);
    assert_non_null(strstr(str_text(&text), wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_comes_back),
        cmocka_unit_test(a_body_goes_out_with_its_type),
        cmocka_unit_test(errors_carry_the_reason_and_the_message_of_the_status),
        cmocka_unit_test(what_is_no_status_is_shown_and_retried),
        cmocka_unit_test(a_submitted_request_is_called_back),
        cmocka_unit_test(a_long_token_goes_out_whole_and_one_that_can_be_none_does_not),
        cmocka_unit_test(requests_are_counted),
        cmocka_unit_test(a_refused_token_is_read_again_and_the_request_repeated),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

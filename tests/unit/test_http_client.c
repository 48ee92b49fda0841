/* The HTTP client against a scripted server on loopback. */
#include "common/http/client.h"

#include "common/base/clock.h"
#include "tests/unit/http_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

static struct http *http;
static struct peer peer;
static char last_request[8192]; /* to be looked at when no other request is under way */
static pthread_mutex_t last_request_lock = PTHREAD_MUTEX_INITIALIZER;

/* What the server does is chosen by the path. */
static bool serve(struct peer *self, int fd, const char *request)
{
    pthread_mutex_lock(&last_request_lock);
    snprintf(last_request, sizeof(last_request), "%s", request);
    pthread_mutex_unlock(&last_request_lock);
    if (strstr(request, " /teapot "))
        return peer_answer(fd, "418 I'm a teapot", "X-Kind: first\r\nX-KIND:  Pot \r\n", "short and stout");
    if (strstr(request, " /moved "))
        return peer_answer(fd, "302 Found", "Location: /teapot\r\n", "");
    if (strstr(request, " /interim "))
        return peer_send(fd, "HTTP/1.1 103 Early Hints\r\nX-Kind: interim\r\n\r\n") &&
               peer_answer(fd, "200 OK", "", "ok");
    if (strstr(request, "HEAD "))
        return peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n");
    if (strstr(request, " /headers ")) {
        struct str headers = STR_INIT(1 << 20);

        for (int i = 0; i < 900; i++)
            str_addf(&headers, "X-Filler-%d: %080d\r\n", i, i);
        peer_answer(fd, "200 OK", str_text(&headers), "");
        str_done(&headers);
        return true;
    }
    if (strstr(request, " /mute")) {
        while (!self->stopping)
            clock_sleep_ms(5);
        return false;
    }
    if (strstr(request, " /throttled "))
        return peer_answer(fd, "429 Too Many Requests", "Retry-After: 7\r\n", "{\"message\":\"slow down\"}");
    if (strstr(request, " /stream/end "))
        return peer_send(fd, PEER_CHUNKED) && peer_chunk(fd, "one ") && peer_chunk(fd, "two") &&
               peer_chunk(fd, "");
    if (strstr(request, " /stream/cut ")) {
        peer_send(fd, PEER_CHUNKED);
        peer_chunk(fd, "one");
        return false;
    }
    if (strstr(request, " /stream/flood ")) {
        peer_send(fd, PEER_CHUNKED);
        while (!self->stopping && peer_chunk(fd, "drop"))
            ;
        return false;
    }
    if (strstr(request, " /stream/mute ")) {
        peer_send(fd, PEER_CHUNKED);
        peer_chunk(fd, "one");
        while (!self->stopping)
            clock_sleep_ms(5);
        return false;
    }
    return peer_answer(fd, "200 OK", "", "0123456789");
}

static int set_up(void **state)
{
    struct err err;

    (void)state;
    peer = (struct peer){.serve = serve};
    peer_start(&peer);
    if (http_start(&http, &err) < 0)
        fail_msg("%s", err.msg);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_stop(http);
    peer_stop(&peer);
    return 0;
}

static char *url_of(const char *path)
{
    return xasprintf("http://127.0.0.1:%d%s", peer.port, path);
}

static int call(const char *method, const char *path, struct http_response *ret_response, struct err *err)
{
    _cleanup_(freep) char *url = url_of(path);

    return http_call(
        http, &(struct http_request){.method = method, .url = url, .timeout_ms = 5000, .no_proxy = true},
        ret_response, err);
}

static void an_answer_of_any_status_is_a_success(void **state)
{
    _cleanup_(http_response_done) struct http_response response = {0};
    char value[32];

    (void)state;
    assert_int_equal(call("GET", "/teapot", &response, NULL), 0);
    assert_int_equal(response.status, 418);
    assert_string_equal(str_text(&response.body), "short and stout");
    assert_true(http_header(&response, "x-kind", value, sizeof(value)));
    assert_string_equal(value, "Pot");
    assert_false(http_header(&response, "x-kin", value, sizeof(value)));
    assert_false(http_header(&response, "content-length", value, 2)); /* does not fit */
}

static void headers_of_interim_answers_are_dropped(void **state)
{
    _cleanup_(http_response_done) struct http_response response = {0};
    char value[32];

    (void)state;
    assert_int_equal(call("GET", "/interim", &response, NULL), 0);
    assert_int_equal(response.status, 200);
    assert_false(http_header(&response, "x-kind", value, sizeof(value)));
}

static void redirects_are_not_followed(void **state)
{
    _cleanup_(http_response_done) struct http_response response = {0};

    (void)state;
    assert_int_equal(call("GET", "/moved", &response, NULL), 0);
    assert_int_equal(response.status, 302);
}

static void a_request_is_sent_as_it_was_written(void **state)
{
    _cleanup_(http_response_done) struct http_response response = {0};
    _cleanup_(freep) char *url = url_of("/a/../b//%7e?x=1&x=%2F");
    const char *const headers[] = {"X-One: 1", "X-Empty:", NULL};
    struct http_request request = {.method = "PUT",
                                   .url = url,
                                   .headers = headers,
                                   .body = view("{\"a\":1}"),
                                   .timeout_ms = 5000,
                                   .no_proxy = true};

    (void)state;
    assert_int_equal(http_call(http, &request, &response, NULL), 0);
    assert_true(str_starts_with(last_request, "PUT /a/../b//%7e?x=1&x=%2F HTTP/1.1\r\n"));
    assert_non_null(strstr(last_request, "\r\nX-One: 1\r\n"));
    assert_non_null(strstr(last_request, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(last_request, "\r\nContent-Length: 7\r\n"));
    assert_non_null(strstr(last_request, "\r\n\r\n{\"a\":1}"));
    assert_null(strcasestr(last_request, "content-type"));
    assert_null(strcasestr(last_request, "accept-encoding"));
    assert_null(strcasestr(last_request, "expect"));
}

static void a_large_body_goes_out_without_expect(void **state)
{
    _cleanup_(http_response_done) struct http_response response = {0};
    _cleanup_(freep) char *url = url_of("/");
    size_t len = 3 << 20;
    _cleanup_(freep) char *body = xmalloc(len);

    (void)state;
    memset(body, 'x', len);
    assert_int_equal(
        http_call(
            http,
            &(struct http_request){
                .method = "POST", .url = url, .body = {body, len}, .timeout_ms = 60000, .no_proxy = true},
            &response, NULL),
        0);
    assert_null(strcasestr(last_request, "\r\nexpect"));
}

static void an_empty_post_says_that_it_is_empty(void **state)
{
    _cleanup_(http_response_done) struct http_response response = {0};

    (void)state;
    assert_int_equal(call("POST", "/", &response, NULL), 0);
    assert_non_null(strstr(last_request, "\r\nContent-Length: 0\r\n"));
    assert_null(strcasestr(last_request, "content-type"));
}

static void a_head_answer_has_headers_and_no_body(void **state)
{
    _cleanup_(http_response_done) struct http_response response = {0};
    char value[32];

    (void)state;
    assert_int_equal(call("HEAD", "/zip", &response, NULL), 0);
    assert_true(http_header(&response, "content-length", value, sizeof(value)));
    assert_string_equal(value, "50000000");
    assert_int_equal(response.body.len, 0);
}

static void a_request_whose_time_is_over_is_not_sent(void **state)
{
    _cleanup_(http_response_done) struct http_response response = {0}, again = {0};
    _cleanup_(freep) char *url = url_of("/teapot");
    _Atomic int64_t send_before_ms = clock_boot_ms() + 60 * 1000;
    const struct http_request request = {.method = "PUT",
                                         .url = url,
                                         .body = view("late"),
                                         .timeout_ms = 5000,
                                         .no_proxy = true,
                                         .send_before_ms = &send_before_ms};
    struct err err;
    (void)state;

    assert_int_equal(http_call(http, &request, &response, &err), 0);
    assert_non_null(strstr(last_request, "late"));
    last_request[0] = '\0';
    atomic_store(&send_before_ms, clock_boot_ms()); /* the connection is there, which changes nothing */
    assert_int_equal(http_call(http, &request, &response, &err), ERR_RETRY);
    assert_non_null(strstr(err.msg, "not sent"));
    assert_string_equal(last_request, "");
    assert_int_equal(call("GET", "/teapot", &again, NULL), 0); /* it is no mark of the handle */
}

static void a_connection_is_used_again(void **state)
{
    (void)state;
    int before = peer.connections;

    for (int i = 0; i < 5; i++) {
        _cleanup_(http_response_done) struct http_response response = {0};

        assert_int_equal(call("GET", "/", &response, NULL), 0);
    }
    assert_true(peer.connections - before <= 1);
}

static void an_answer_over_its_limit_is_retryable(void **state)
{
    struct http_response response = {0};
    _cleanup_(freep) char *url = url_of("/");
    struct http_request request = {
        .method = "GET", .url = url, .timeout_ms = 5000, .no_proxy = true, .max_response_bytes = 9};
    struct err err;

    (void)state;
    assert_int_equal(http_call(http, &request, &response, &err), ERR_RETRY);
    assert_non_null(strstr(err.msg, "more than 9 bytes"));
    request.max_response_bytes = 10;
    assert_int_equal(http_call(http, &request, &response, &err), 0);
    http_response_done(&response);
    assert_int_equal(call("GET", "/headers", &response, &err), ERR_RETRY);
    assert_non_null(strstr(err.msg, "headers have more than 65536 bytes"));
}

static void a_timeout_names_the_host_and_not_the_query(void **state)
{
    struct http_response response = {0};
    _cleanup_(freep) char *url = url_of("/mute?secret=1");
    _cleanup_(freep) char *target = xasprintf("127.0.0.1:%d: no answer within 50 ms", peer.port);
    struct err err;

    (void)state;
    assert_int_equal(
        http_call(http,
                  &(struct http_request){.method = "GET", .url = url, .timeout_ms = 50, .no_proxy = true},
                  &response, &err),
        ERR_RETRY);
    assert_string_equal(err.msg, target);
}

static void what_cannot_be_reached_is_retryable_and_named(void **state)
{
    struct http_response response = {0};
    struct err err;

    (void)state;
    assert_int_equal(http_call(http,
                               &(struct http_request){.method = "GET",
                                                      .url = "http://127.0.0.1:1/x?secret",
                                                      .timeout_ms = 5000,
                                                      .no_proxy = true},
                               &response, &err),
                     ERR_RETRY);
    assert_non_null(strstr(err.msg, "127.0.0.1:1: "));
    assert_null(strstr(err.msg, "secret"));
}

static void what_is_no_http_request_is_invalid(void **state)
{
    static const char *const split[] = {"X-One: 1\r\nX-Two: 2", NULL}, *const nameless[] = {": x", NULL};
    const struct http_request bad[] = {
        {.method = "GET", .url = "ftp://127.0.0.1/", .timeout_ms = 1000},
        {.method = "GET", .url = "http://", .timeout_ms = 1000},
        {.method = "GET", .url = "file:///etc/hostname", .timeout_ms = 1000},
        {.method = "GET", .url = "http://127.0.0.1:1/ x", .timeout_ms = 1000},
        {.method = "GET", .url = "http://127.0.0.1:1/"},
        {.method = "GET", .url = "http://127.0.0.1:1/", .timeout_ms = 1000, .headers = split},
        {.method = "GET", .url = "http://127.0.0.1:1/", .timeout_ms = 1000, .headers = nameless},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_response response = {0};
        struct err err;

        assert_int_equal(http_call(http, &bad[i], &response, &err), ERR_INVALID);
        assert_null(strstr(err.msg, "X-Two"));
    }
}

static void the_proxy_of_the_environment_is_used_unless_told_otherwise(void **state)
{
    struct http_response response = {0};
    _cleanup_(freep) char *proxy = url_of("");
    struct http_request request = {.method = "GET", .url = "http://127.0.0.1:1/x", .timeout_ms = 5000};

    (void)state;
    setenv("http_proxy", proxy, 1);
    assert_int_equal(http_call(http, &request, &response, NULL), 0);
    assert_true(str_starts_with(last_request, "GET http://127.0.0.1:1/x HTTP/1.1\r\n"));
    http_response_done(&response);
    request.no_proxy = true;
    assert_int_equal(http_call(http, &request, &response, NULL), ERR_RETRY);
    unsetenv("http_proxy");
}

static void *call_often(void *arg)
{
    for (int i = 0; i < 30; i++) {
        struct http_response response = {0};

        if (call("GET", "/", &response, NULL) == 0 && str_equal(str_text(&response.body), "0123456789"))
            ++*(int *)arg;
        http_response_done(&response);
    }
    return NULL;
}

static void threads_call_at_the_same_time(void **state)
{
    pthread_t threads[8];
    int answers[8] = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, call_often, &answers[i]);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(answers[i], 30);
    }
}

static void *stop_soon(void *arg)
{
    clock_sleep_ms(50);
    http_stop(arg);
    return NULL;
}

static void stopping_ends_the_calls_under_way(void **state)
{
    struct http *own;
    struct http_response response = {0};
    _cleanup_(freep) char *url = url_of("/mute");
    pthread_t stopper;
    struct err err;

    (void)state;
    assert_int_equal(http_start(&own, &err), 0);
    pthread_create(&stopper, NULL, stop_soon, own);
    assert_int_equal(
        http_call(own,
                  &(struct http_request){.method = "GET", .url = url, .timeout_ms = 60000, .no_proxy = true},
                  &response, &err),
        ERR_RETRY);
    assert_non_null(strstr(err.msg, "stopping"));
    pthread_join(stopper, NULL);
}

/* --- streams and timers --- */

struct seen {
    pthread_mutex_t lock;
    struct str data;
    bool ended, failed;
    struct err err;
    struct http_stream **close_in_data;
};

static void on_data(void *arg, struct str_view piece)
{
    struct seen *seen = arg;

    pthread_mutex_lock(&seen->lock);
    if (seen->data.len < 4096)
        str_add_bytes(&seen->data, piece.ptr, piece.len);
    if (seen->close_in_data) {
        http_stream_close(*seen->close_in_data);
        *seen->close_in_data = NULL;
    }
    pthread_mutex_unlock(&seen->lock);
}

static void on_end(void *arg, const struct err *err)
{
    struct seen *seen = arg;

    pthread_mutex_lock(&seen->lock);
    seen->ended = true;
    seen->failed = err;
    if (err)
        seen->err = *err;
    pthread_mutex_unlock(&seen->lock);
}

static struct seen seen_nothing(void)
{
    return (struct seen){.lock = PTHREAD_MUTEX_INITIALIZER, .data = STR_INIT(1 << 20)};
}

static struct http_stream *open_stream(const char *path, int64_t silence_ms, struct seen *seen)
{
    static const struct http_stream_events events = {on_data, on_end};
    _cleanup_(freep) char *url = url_of(path);

    return http_stream_open(
        http, &(struct http_request){.method = "GET", .url = url, .timeout_ms = silence_ms, .no_proxy = true},
        &events, seen);
}

static bool has_ended(struct seen *seen)
{
    pthread_mutex_lock(&seen->lock);
    bool ended = seen->ended;
    pthread_mutex_unlock(&seen->lock);
    return ended;
}

static void wait_end(struct seen *seen)
{
    for (int i = 0; i < 1000 && !has_ended(seen); i++)
        clock_sleep_ms(5);
    assert_true(seen->ended);
}

static void a_stream_hands_over_pieces_and_its_end(void **state)
{
    struct seen seen = seen_nothing();
    struct http_stream *stream = open_stream("/stream/end", 5000, &seen);

    (void)state;
    wait_end(&seen);
    assert_false(seen.failed);
    assert_string_equal(str_text(&seen.data), "one two");
    http_stream_close(stream);
    str_done(&seen.data);
}

static void a_stream_that_is_cut_ends_with_an_error(void **state)
{
    struct seen seen = seen_nothing();
    struct http_stream *stream = open_stream("/stream/cut", 5000, &seen);

    (void)state;
    wait_end(&seen);
    assert_true(seen.failed);
    assert_int_equal(seen.err.class, ERR_RETRY);
    assert_string_equal(str_text(&seen.data), "one");
    http_stream_close(stream);
    str_done(&seen.data);
}

static void a_silent_stream_ends_with_an_error(void **state)
{
    struct seen seen = seen_nothing();
    struct http_stream *stream = open_stream("/stream/mute", 80, &seen);

    (void)state;
    wait_end(&seen);
    assert_int_equal(seen.err.class, ERR_RETRY);
    assert_non_null(strstr(seen.err.msg, "silent for"));
    http_stream_close(stream);
    str_done(&seen.data);
}

static void a_refused_stream_ends_with_the_status_and_its_message(void **state)
{
    struct seen seen = seen_nothing();
    struct http_stream *stream = open_stream("/throttled", 5000, &seen);

    (void)state;
    wait_end(&seen);
    assert_int_equal(seen.err.class, ERR_THROTTLED);
    assert_int_equal(seen.err.status, 429);
    assert_int_equal(seen.err.retry_after_ms, 7000);
    assert_string_equal(seen.err.msg, "slow down");
    assert_int_equal(seen.data.len, 0);
    http_stream_close(stream);
    str_done(&seen.data);
}

static void nothing_is_heard_of_a_stream_after_it_was_closed(void **state)
{
    struct seen seen = seen_nothing();
    struct http_stream *stream = open_stream("/stream/flood", 5000, &seen);
    bool flowing = false;

    (void)state;
    for (int i = 0; i < 1000 && !flowing; i++) {
        clock_sleep_ms(1);
        pthread_mutex_lock(&seen.lock);
        flowing = seen.data.len > 0;
        pthread_mutex_unlock(&seen.lock);
    }
    assert_true(flowing);
    http_stream_close(stream);
    str_done(&seen.data); /* without the lock: nobody else looks */
    clock_sleep_ms(20);
    assert_int_equal(seen.data.len, 0);
    assert_false(seen.ended);
}

static void a_stream_may_be_closed_by_its_own_event(void **state)
{
    struct seen seen = seen_nothing();
    struct http_stream *stream = NULL;
    bool closed = false;

    (void)state;
    seen.close_in_data = &stream;
    pthread_mutex_lock(&seen.lock); /* data waits until `stream` is set */
    stream = open_stream("/stream/flood", 5000, &seen);
    pthread_mutex_unlock(&seen.lock);
    for (int i = 0; i < 1000 && !closed; i++) {
        clock_sleep_ms(5);
        pthread_mutex_lock(&seen.lock);
        closed = !stream;
        pthread_mutex_unlock(&seen.lock);
    }
    assert_true(closed);
    clock_sleep_ms(20);
    assert_false(has_ended(&seen));
    str_done(&seen.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_of_any_status_is_a_success),
        cmocka_unit_test(headers_of_interim_answers_are_dropped),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(a_request_is_sent_as_it_was_written),
        cmocka_unit_test(a_large_body_goes_out_without_expect),
        cmocka_unit_test(an_empty_post_says_that_it_is_empty),
        cmocka_unit_test(a_head_answer_has_headers_and_no_body),
        cmocka_unit_test(a_request_whose_time_is_over_is_not_sent),
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(an_answer_over_its_limit_is_retryable),
        cmocka_unit_test(a_timeout_names_the_host_and_not_the_query),
        cmocka_unit_test(what_cannot_be_reached_is_retryable_and_named),
        cmocka_unit_test(what_is_no_http_request_is_invalid),
        cmocka_unit_test(the_proxy_of_the_environment_is_used_unless_told_otherwise),
        cmocka_unit_test(threads_call_at_the_same_time),
        cmocka_unit_test(stopping_ends_the_calls_under_way),
        cmocka_unit_test(a_stream_hands_over_pieces_and_its_end),
        cmocka_unit_test(a_stream_that_is_cut_ends_with_an_error),
        cmocka_unit_test(a_silent_stream_ends_with_an_error),
        cmocka_unit_test(a_refused_stream_ends_with_the_status_and_its_message),
        cmocka_unit_test(nothing_is_heard_of_a_stream_after_it_was_closed),
        cmocka_unit_test(a_stream_may_be_closed_by_its_own_event),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* The server: answers, suspension, body limits, starting and stopping, over loopback. */
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/http/server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MAX_BODY = 100000, WAIT_MS = 5000, MIB = 1 << 20, LARGE = 32 * MIB };

/* --- a server whose handler does what the path says ----------------------------------------- */

static atomic_int handled, freed;
static _Atomic(struct http_exchange *) kept; /* the suspended one that the test answers */
static pthread_t answerer;

static void count_freed(void *data)
{
    (void)data;
    atomic_fetch_add(&freed, 1);
}

static void *answer_from_thread(void *exchange)
{
    http_exchange_answer(exchange, 200, "text/plain", view("from a thread"));
    return NULL;
}

static void handle(void *arg, struct http_exchange *exchange)
{
    const char *path = http_exchange_path(exchange);

    (void)arg;
    atomic_fetch_add(&handled, 1);
    http_exchange_set_data(exchange, &handled, count_freed);
    if (str_equal(path, "/echo")) {
        http_exchange_answer(exchange, 200, "text/plain", http_exchange_body(exchange));
    } else if (str_equal(path, "/describe")) {
        const char *query = http_exchange_query(exchange, "timeout");
        const char *header = http_exchange_header(exchange, "x-test");
        _cleanup_(freep) char *text = xasprintf("%s %s %s %s", http_exchange_method(exchange), path,
                                                query ? query : "-", header ? header : "-");

        assert_ptr_equal(http_exchange_data(exchange), &handled);
        http_exchange_answer(exchange, 201, "text/plain", view(text));
    } else if (str_equal(path, "/large")) {
        _cleanup_(freep) char *zeros = xcalloc(1, LARGE);

        http_exchange_answer(exchange, 200, "text/plain", (struct str_view){zeros, LARGE});
    } else if (str_equal(path, "/suspend") ||
               (str_equal(path, "/hold") && http_exchange_hold(exchange, 40 * MIB))) {
        http_exchange_suspend(exchange);
        atomic_store(&kept, exchange);
    } else if (str_equal(path, "/at-once")) { /* answered by another thread before we return */
        http_exchange_suspend(exchange);
        pthread_create(&answerer, NULL, answer_from_thread, exchange);
        pthread_join(answerer, NULL);
    }
}

static struct http_server *start(size_t max_body)
{
    const struct http_server_options options = {
        .listen = "127.0.0.1:0", .workers = 2, .max_body_bytes = max_body, .handler = handle};
    struct http_server *server;
    struct err err;

    atomic_store(&handled, 0);
    atomic_store(&freed, 0);
    atomic_store(&kept, NULL);
    assert_int_equal(http_server_start(&options, &server, &err), 0);
    return server;
}

/* --- a plain client ------------------------------------------------------------------------- */

static int try_to_connect(const struct http_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)http_server_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static int connect_to(const struct http_server *server)
{
    int fd = try_to_connect(server);

    assert_true(fd >= 0);
    return fd;
}

/* A server that is being stopped refuses new connections. */
static void wait_until_it_stops(const struct http_server *server)
{
    int fd;

    while ((fd = try_to_connect(server)) >= 0) {
        close(fd);
        clock_sleep_ms(5);
    }
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void send_zeros(int fd, size_t bytes)
{
    static const char zeros[65536];

    while (bytes > 0) {
        ssize_t sent = send(fd, zeros, bytes < sizeof(zeros) ? bytes : sizeof(zeros), MSG_NOSIGNAL);

        assert_true(sent > 0);
        bytes -= (size_t)sent;
    }
}

/* Reads until `end` has come; the text is good until the next call. */
static const char *receive(int fd, const char *end)
{
    static char text[200000];
    size_t len = 0;

    text[0] = '\0';
    while (!strstr(text, end)) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};

        if (poll(&readable, 1, WAIT_MS) != 1)
            fail_msg("no answer with \"%s\", but: %s", end, text);
        ssize_t got = recv(fd, text + len, sizeof(text) - 1 - len, 0);

        if (got <= 0)
            fail_msg("the connection ended without \"%s\": %s", end, text);
        len += (size_t)got;
        text[len] = '\0';
    }
    return text;
}

static bool wait_for(atomic_int *value, int wanted)
{
    for (int i = 0; i < WAIT_MS && atomic_load(value) != wanted; i++)
        clock_sleep_ms(1);
    return atomic_load(value) == wanted;
}

static struct http_exchange *wait_for_kept(void)
{
    for (int i = 0; i < WAIT_MS && !atomic_load(&kept); i++)
        clock_sleep_ms(1);
    assert_non_null(atomic_load(&kept));
    return atomic_load(&kept);
}

static bool is_closed(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    char byte;

    return poll(&readable, 1, WAIT_MS) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: test\r\n\r\n"

/* --- connections ------------------------------------------------------------------------------ */

static void the_oldest_idle_connection_of_a_server_that_is_full_gives_way(void **state)
{
    const struct http_server_options options = {
        .listen = "127.0.0.1:0", .workers = 1, .max_connections = 4, .max_body_bytes = 1, .handler = handle};
    struct http_server *server;
    struct err err;
    int fds[12];

    (void)state;
    assert_int_equal(http_server_start(&options, &server, &err), 0);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = connect_to(server);
        send_text(fds[i], GET("/describe"));
        receive(fds[i], "GET /describe");
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (i < ARRAY_LEN(fds) - options.max_connections)
            assert_true(is_closed(fds[i]));
        close(fds[i]);
    }
    http_server_stop(server, 1000);
}

static void who_does_not_take_the_answer_holds_only_that_and_gives_way(void **state)
{
    const struct http_server_options options = {
        .listen = "127.0.0.1:0", .workers = 1, .max_connections = 1, .max_body_bytes = 1, .handler = handle};
    struct http_server *server;
    struct err err;

    (void)state;
    atomic_store(&freed, 0);
    assert_int_equal(http_server_start(&options, &server, &err), 0);
    int slow = connect_to(server);

    send_text(slow, GET("/large"));
    assert_true(wait_for(&freed, 1));
    int other = connect_to(server);

    send_text(other, GET("/describe"));
    receive(other, "GET /describe");
    close(slow);
    close(other);
    http_server_stop(server, 1000);
}

/* --- answering -------------------------------------------------------------------------------- */

static void a_handler_sees_the_request_and_answers_it(void **state)
{
    struct http_server *server = start(MAX_BODY);
    int fd = connect_to(server);

    (void)state;
    send_text(fd, "GET /describe?timeout=5s HTTP/1.1\r\nHost: test\r\nX-Test: yes\r\n\r\n");
    const char *answer = receive(fd, "GET /describe 5s yes");

    assert_true(str_starts_with(answer, "HTTP/1.1 201"));
    assert_non_null(strstr(answer, "Content-Length: 20"));
    assert_non_null(strstr(answer, "Content-Type: text/plain"));
    send_text(fd, GET("/describe"));
    receive(fd, "GET /describe - -");
    close(fd);
    http_server_stop(server, 1000);
}

static void one_connection_carries_many_requests(void **state)
{
    struct http_server *server = start(MAX_BODY);
    int fd = connect_to(server);

    (void)state;
    for (int i = 0; i < 50; i++) {
        char request[128], body[16];

        snprintf(body, sizeof(body), "body %03d.", i);
        snprintf(request, sizeof(request), "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n%s",
                 body);
        send_text(fd, request);
        receive(fd, body);
    }
    assert_true(wait_for(&freed, 50));
    close(fd);
    http_server_stop(server, 1000);
}

static void a_handler_that_forgets_to_answer_gives_500(void **state)
{
    struct http_server *server = start(MAX_BODY);
    int fd = connect_to(server);

    (void)state;
    send_text(fd, GET("/forgotten"));
    receive(fd, "HTTP/1.1 500");
    close(fd);
    http_server_stop(server, 1000);
}

/* --- suspending --------------------------------------------------------------------------------- */

static void a_suspended_request_is_answered_from_another_thread(void **state)
{
    struct http_server *server = start(MAX_BODY);
    int fd = connect_to(server);

    (void)state;
    for (int i = 0; i < 20; i++) {
        atomic_store(&kept, NULL);
        send_text(fd, "POST /suspend HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nbody");
        struct http_exchange *exchange = wait_for_kept();

        assert_memory_equal(http_exchange_body(exchange).ptr, "body", 4);
        http_exchange_answer(exchange, 200, "text/plain", view("continued"));
        receive(fd, "continued");
    }
    close(fd);
    http_server_stop(server, 1000);
    assert_int_equal(atomic_load(&freed), 20);
}

static void an_answer_may_come_before_the_handler_returns(void **state)
{
    struct http_server *server = start(MAX_BODY);
    int fd = connect_to(server);

    (void)state;
    for (int i = 0; i < 20; i++) {
        send_text(fd, GET("/at-once"));
        receive(fd, "from a thread");
    }
    close(fd);
    http_server_stop(server, 1000);
    assert_int_equal(atomic_load(&freed), 20);
}

static void a_client_that_left_while_suspended_harms_nobody(void **state)
{
    struct http_server *server = start(MAX_BODY);
    int fd = connect_to(server);

    (void)state;
    send_text(fd, GET("/suspend"));
    struct http_exchange *exchange = wait_for_kept();

    close(fd);
    clock_sleep_ms(20);
    assert_int_equal(atomic_load(&freed), 0);
    http_exchange_answer(exchange, 200, "text/plain", view("too late"));
    assert_true(wait_for(&freed, 1));

    fd = connect_to(server);
    send_text(fd, GET("/describe"));
    receive(fd, "GET /describe");
    close(fd);
    http_server_stop(server, 1000);
}

/* --- limits -------------------------------------------------------------------------------------- */

static void a_content_length_over_the_cap_is_refused_at_once(void **state)
{
    struct http_server *server = start(MAX_BODY);
    int fd = connect_to(server);

    (void)state;
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 100001\r\n\r\n");
    receive(fd, "HTTP/1.1 413");
    assert_int_equal(atomic_load(&handled), 0);
    close(fd);
    http_server_stop(server, 1000);
}

static void a_body_as_large_as_the_cap_is_taken(void **state)
{
    struct http_server *server = start(MAX_BODY);
    int fd = connect_to(server);

    (void)state;
    send_text(fd, "POST /describe HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n");
    send_zeros(fd, 100000);
    receive(fd, "HTTP/1.1 201");
    assert_int_equal(atomic_load(&handled), 1);
    close(fd);
    http_server_stop(server, 1000);
}

static void a_chunked_body_over_the_cap_is_read_and_refused(void **state)
{
    struct http_server *server = start(MAX_BODY);
    int fd = connect_to(server);

    (void)state;
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 40; i++) {
        send_text(fd, "10000\r\n");
        send_zeros(fd, 0x10000);
        send_text(fd, "\r\n");
    }
    send_text(fd, "0\r\n\r\n");
    receive(fd, "HTTP/1.1 413");
    assert_int_equal(atomic_load(&handled), 0);

    send_text(fd,
              "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsmall\r\n0\r\n\r\n");
    receive(fd, "small");
    close(fd);
    http_server_stop(server, 1000);
}

static void bodies_beyond_the_shared_budget_get_429_until_there_is_room(void **state)
{
    struct http_server *servers[2] = {start(40 * MIB), start(40 * MIB)};
    int held = connect_to(servers[0]), refused = connect_to(servers[1]);

    (void)state;
    send_text(held, "POST /suspend HTTP/1.1\r\nHost: t\r\nContent-Length: 41943040\r\n\r\n");
    send_zeros(held, 40 * MIB);
    struct http_exchange *exchange = wait_for_kept();

    send_text(refused, "POST /describe HTTP/1.1\r\nHost: t\r\nContent-Length: 31457280\r\n\r\n");
    send_zeros(refused, 30 * MIB);
    assert_non_null(strstr(receive(refused, "HTTP/1.1 429"), "Retry-After: 1\r\n"));

    http_exchange_answer(exchange, 200, NULL, view(""));
    receive(held, "HTTP/1.1 200");
    assert_true(wait_for(&freed, 1));
    send_text(refused, "POST /describe HTTP/1.1\r\nHost: t\r\nContent-Length: 31457280\r\n\r\n");
    send_zeros(refused, 30 * MIB);
    receive(refused, "HTTP/1.1 201");
    close(held);
    close(refused);
    http_server_stop(servers[0], 1000);
    http_server_stop(servers[1], 1000);
}

static void small_bodies_are_taken_even_when_the_shared_budget_is_used_up(void **state)
{
    struct http_server *server = start(64 * MIB);
    int held = connect_to(server), small = connect_to(server);

    (void)state;
    send_text(held, "POST /suspend HTTP/1.1\r\nHost: t\r\nContent-Length: 67108864\r\n\r\n");
    send_zeros(held, 64 * MIB);
    struct http_exchange *exchange = wait_for_kept();

    send_text(small, "POST /describe HTTP/1.1\r\nHost: t\r\nContent-Length: 16384\r\n\r\n");
    send_zeros(small, 16384);
    receive(small, "HTTP/1.1 201");
    http_exchange_answer(exchange, 200, NULL, view(""));
    receive(held, "HTTP/1.1 200");
    close(held);
    close(small);
    http_server_stop(server, 1000);
}

static void what_is_kept_of_a_body_counts_instead_of_it(void **state)
{
    struct http_server *server = start(40 * MIB);
    int first = connect_to(server), second = connect_to(server);

    (void)state;
    send_text(first, "POST /hold HTTP/1.1\r\nHost: t\r\nContent-Length: 41943040\r\n\r\n");
    send_zeros(first, 40 * MIB);
    struct http_exchange *exchange = wait_for_kept();

    assert_int_equal(http_exchange_body(exchange).len, 0);
    send_text(second, GET("/hold"));
    assert_non_null(strstr(receive(second, "HTTP/1.1 429"), "Retry-After: 1\r\n"));
    http_exchange_answer(exchange, 200, NULL, view(""));
    receive(first, "HTTP/1.1 200");
    assert_true(wait_for(&freed, 2));
    atomic_store(&kept, NULL);
    send_text(second, GET("/hold"));
    http_exchange_answer(wait_for_kept(), 200, NULL, view(""));
    receive(second, "HTTP/1.1 200");
    close(first);
    close(second);
    http_server_stop(server, 1000);
}

/* --- starting and stopping ------------------------------------------------------------------------ */

static void a_port_in_use_is_named_with_the_reason(void **state)
{
    struct http_server *server = start(MAX_BODY), *second = NULL;
    _cleanup_(freep) char *address = xasprintf("127.0.0.1:%d", http_server_port(server));
    const struct http_server_options options = {
        .listen = address, .max_body_bytes = MAX_BODY, .handler = handle};
    char expected[128];
    struct err err;

    (void)state;
    snprintf(expected, sizeof(expected), "cannot listen on %s: Address already in use", address);
    assert_int_equal(http_server_start(&options, &second, &err), ERR_FATAL);
    assert_string_equal(err.msg, expected);
    assert_null(second);
    http_server_stop(server, 1000);
}

static void an_address_that_is_none_is_refused(void **state)
{
    static const char *const bad[] = {"",       "9443",         "localhost:9443", "0.0.0.0:", "0.0.0.0:65536",
                                      "::1:80", "[0.0.0.0]:80", "[::1]"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct http_server_options options = {.listen = bad[i], .handler = handle};
        struct http_server *server;
        struct err err;

        if (http_server_start(&options, &server, &err) != ERR_FATAL)
            fail_msg("\"%s\" was accepted", bad[i]);
        assert_non_null(strstr(err.msg, "as in 0.0.0.0:9443"));
    }
}

static void *stop(void *server)
{
    http_server_stop(server, WAIT_MS);
    return NULL;
}

static void stopping_waits_for_the_answer_under_way(void **state)
{
    struct http_server *server = start(MAX_BODY);
    int fd = connect_to(server);
    pthread_t stopper;

    (void)state;
    send_text(fd, GET("/suspend"));
    struct http_exchange *exchange = wait_for_kept();

    pthread_create(&stopper, NULL, stop, server);
    wait_until_it_stops(server);
    http_exchange_answer(exchange, 200, "text/plain", view("in time"));
    assert_non_null(strstr(receive(fd, "in time"), "Connection: close"));
    pthread_join(stopper, NULL);
    assert_int_equal(atomic_load(&freed), 1);
    close(fd);
}

static void a_connection_in_use_ends_with_an_answer_that_says_so(void **state)
{
    struct http_server *server = start(MAX_BODY);
    int fd = connect_to(server);
    pthread_t stopper;

    (void)state;
    send_text(fd, GET("/describe"));
    assert_null(strstr(receive(fd, "/describe"), "Connection: close"));
    pthread_create(&stopper, NULL, stop, server);
    wait_until_it_stops(server);
    send_text(fd, GET("/describe"));
    assert_non_null(strstr(receive(fd, "GET /describe"), "Connection: close"));
    assert_true(is_closed(fd));
    pthread_join(stopper, NULL);
    close(fd);
}

static void what_is_still_suspended_at_the_end_gets_503_and_a_late_answer_is_harmless(void **state)
{
    struct http_server *server = start(MAX_BODY);
    int fd = connect_to(server);

    (void)state;
    send_text(fd, "POST /suspend HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nbody");
    struct http_exchange *exchange = wait_for_kept();

    http_server_stop(server, 20);
    receive(fd, "HTTP/1.1 503");
    assert_true(is_closed(fd));
    assert_int_equal(atomic_load(&freed), 0);
    assert_memory_equal(http_exchange_body(exchange).ptr, "body", 4);
    http_exchange_answer(exchange, 200, "text/plain", view("too late"));
    assert_int_equal(atomic_load(&freed), 1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_idle_connection_of_a_server_that_is_full_gives_way),
        cmocka_unit_test(who_does_not_take_the_answer_holds_only_that_and_gives_way),
        cmocka_unit_test(a_handler_sees_the_request_and_answers_it),
        cmocka_unit_test(one_connection_carries_many_requests),
        cmocka_unit_test(a_handler_that_forgets_to_answer_gives_500),
        cmocka_unit_test(a_suspended_request_is_answered_from_another_thread),
        cmocka_unit_test(an_answer_may_come_before_the_handler_returns),
        cmocka_unit_test(a_client_that_left_while_suspended_harms_nobody),
        cmocka_unit_test(a_content_length_over_the_cap_is_refused_at_once),
        cmocka_unit_test(a_body_as_large_as_the_cap_is_taken),
        cmocka_unit_test(a_chunked_body_over_the_cap_is_read_and_refused),
        cmocka_unit_test(bodies_beyond_the_shared_budget_get_429_until_there_is_room),
        cmocka_unit_test(small_bodies_are_taken_even_when_the_shared_budget_is_used_up),
        cmocka_unit_test(what_is_kept_of_a_body_counts_instead_of_it),
        cmocka_unit_test(a_port_in_use_is_named_with_the_reason),
        cmocka_unit_test(an_address_that_is_none_is_refused),
        cmocka_unit_test(stopping_waits_for_the_answer_under_way),
        cmocka_unit_test(a_connection_in_use_ends_with_an_answer_that_says_so),
        cmocka_unit_test(what_is_still_suspended_at_the_end_gets_503_and_a_late_answer_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

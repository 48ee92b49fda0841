/* The HTTP client's requests over connections that were kept and have died since. */
#include "common/http/client.h"

#include "common/base/clock.h"
#include "tests/unit/http_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { KEPT = 8 }; /* more than libcurl tries for one request */

static struct http *http;
static atomic_int held;
static atomic_bool used[1024]; /* by descriptor */

/* A connection answers once, when there are KEPT; what comes over it later is cut off. */
static bool serve_once(struct peer *self, int fd, const char *request)
{
    if (atomic_exchange(&used[fd], true))
        return false;
    if (strstr(request, " /held ")) {
        atomic_fetch_add(&held, 1);
        while (held < KEPT && !self->stopping)
            clock_sleep_ms(1);
    }
    return peer_answer(fd, "200 OK", "", "fresh");
}

/* cppcheck-suppress constParameter ; it is an http_done_fn */
static void count_answer(void *arg, struct http_response *response, const struct err *err)
{
    (void)err;
    atomic_fetch_add((atomic_int *)arg, response != NULL);
}

/* A request after all connections that were kept have died. */
static int call_over_the_dead(const char *method, struct peer *old)
{
    _cleanup_(freep) char *url = xasprintf("http://127.0.0.1:%d/held", old->port);
    struct http_request request = {.method = "GET", .url = url, .timeout_ms = 5000, .no_proxy = true};
    struct http_response response = {0};
    static atomic_int answered;
    struct err err;

    answered = held = 0;
    memset(used, 0, sizeof(used));
    for (int i = 0; i < KEPT; i++)
        http_submit(http, &request, count_answer, &answered);
    while (answered < KEPT)
        clock_sleep_ms(1);
    request.method = method;
    int r = http_call(http, &request, &response, &err);

    http_response_done(&response);
    return r;
}

static void what_only_reads_is_asked_anew_when_kept_connections_are_dead(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(http_start(&http, &err), 0);
    for (int writes = 0; writes <= 1; writes++) {
        struct peer old = {.serve = serve_once};

        peer_start(&old);
        assert_int_equal(call_over_the_dead(writes ? "DELETE" : "GET", &old), writes ? ERR_RETRY : 0);
        peer_stop(&old);
    }
    http_stop(http);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_only_reads_is_asked_anew_when_kept_connections_are_dead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

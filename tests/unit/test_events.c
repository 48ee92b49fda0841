/* Events on their way to a scripted API server. */
#include "common/kube/events.h"

#include "common/base/clock.h"
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
static struct events *events;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char requests[2][8192]; /* the last two; several connections bring them */
static atomic_int request_count;
static atomic_bool hangs;
static const char *status = "200 OK";

static bool serve(struct peer *self, int fd, const char *request)
{
    while (atomic_load(&hangs) && !self->stopping)
        clock_sleep_ms(5);
    pthread_mutex_lock(&lock);
    snprintf(requests[0], sizeof(requests[0]), "%s", requests[1]);
    snprintf(requests[1], sizeof(requests[1]), "%s", request);
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&request_count, 1);
    return peer_answer(fd, status, "", "{\"kind\":\"Event\"}");
}

static int set_up(void **state)
{
    (void)state;
    peer = (struct peer){.serve = serve};
    peer_start(&peer);
    config.server = xasprintf("http://127.0.0.1:%d", peer.port);
    if (http_start(&http, NULL) < 0)
        return -1;
    kube = kube_new(http, &config);
    events = events_new(kube);
    atomic_store(&request_count, 0);
    status = "200 OK";
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&hangs, false);
    events_free(events);
    kube_free(kube);
    http_stop(http);
    peer_stop(&peer);
    free(config.server);
    return 0;
}

static void tell(const char *note)
{
    events_record(events, &(struct event){.api_version = KUBE_API_VERSION,
                                          .kind = "LambdaFunction",
                                          .namespace = "n",
                                          .name = "f",
                                          .uid = "u",
                                          .warning = true,
                                          .reason = "Stalled",
                                          .note = note});
}

static int64_t count(const char *result)
{
    _cleanup_(str_done) struct str text = STR_INIT(1 << 20);
    _cleanup_(freep) char *line = xasprintf("kubelambda_events_total{result=\"%s\"} ", result);
    int64_t value = 0;

    metrics_print(&text);
    const char *found = strstr(str_text(&text), line);
    char digits[16] = "";

    assert_non_null(found);
    sscanf(found + strlen(line), "%15[0-9]", digits);
    assert_true(parse_int(digits, 0, 1000, &value));
    return value;
}

static void wait_for_requests(int wanted)
{
    for (int i = 0; i < 2000 && atomic_load(&request_count) < wanted; i++)
        clock_sleep_ms(5);
    assert_int_equal(atomic_load(&request_count), wanted);
}

/* The path of a request, without its query. */
static char *path_of(const char *request)
{
    const char *path = strchr(request, ' ') + 1;

    return xstrndup(path, strcspn(path, "?"));
}

static struct json *body_of(const char *request)
{
    struct json *body = NULL;

    assert_int_equal(json_parse(view(strstr(request, "\r\n\r\n") + 4), &body, NULL), 0);
    return body;
}

static void an_event_is_put_where_describe_looks_for_it(void **state)
{
    (void)state;
    tell("it hangs");
    wait_for_requests(1);
    assert_true(str_starts_with(requests[1], "PATCH /api/v1/namespaces/n/events/kubelambda."));
    assert_non_null(strstr(requests[1], "\r\nContent-Type: application/apply-patch+yaml\r\n"));
    _cleanup_(json_freep) struct json *body = body_of(requests[1]);

    assert_string_equal(json_str_at(body, "involvedObject.kind"), "LambdaFunction");
    assert_string_equal(json_str_at(body, "involvedObject.uid"), "u");
    assert_string_equal(json_str_at(body, "type"), "Warning");
    assert_string_equal(json_str_at(body, "reason"), "Stalled");
    assert_string_equal(json_str_at(body, "message"), "it hangs");
    assert_string_equal(json_str_at(body, "lastTimestamp"), json_str_at(body, "firstTimestamp"));
}

static void one_that_is_told_again_is_the_same_object_with_a_higher_count(void **state)
{
    (void)state;
    tell("again");
    wait_for_requests(1);
    tell("again");
    wait_for_requests(2);
    _cleanup_(freep) char *first = path_of(requests[0]);
    _cleanup_(freep) char *second = path_of(requests[1]);
    _cleanup_(json_freep) struct json *body = body_of(requests[1]);

    assert_string_equal(first, second);
    assert_int_equal(json_int_at(body, "count", 0), 2);
}

static void an_event_of_a_cluster_scoped_object_is_in_the_namespace_default(void **state)
{
    (void)state;
    events_record(events, &(struct event){.api_version = "v1",
                                          .kind = "Namespace",
                                          .name = "team",
                                          .reason = "Retained",
                                          .note = "its functions stay"});
    wait_for_requests(1);
    assert_true(str_starts_with(requests[1], "PATCH /api/v1/namespaces/default/events/kubelambda."));
    _cleanup_(json_freep) struct json *body = body_of(requests[1]);

    assert_null(json_at(body, "involvedObject.namespace"));
    assert_string_equal(json_str_at(body, "type"), "Normal");
}

static void a_long_note_is_cut_between_two_characters(void **state)
{
    _cleanup_(str_done) struct str note = STR_INIT(2000);

    (void)state;
    str_add(&note, "x"); /* so that the limit falls into a character */
    while (note.len < 1500)
        str_add(&note, "\xC3\xA9");
    tell(str_text(&note));
    wait_for_requests(1);
    _cleanup_(json_freep) struct json *body = body_of(requests[1]);

    assert_int_equal(strlen(json_str_at(body, "message")), 1023);
}

static void what_the_api_server_does_not_take_is_counted_and_forgotten(void **state)
{
    int64_t failed = count("failed"), sent = count("sent");

    (void)state;
    status = "403 Forbidden";
    tell("refused");
    events_free(take(events)); /* waits for the answer */
    assert_int_equal(count("failed"), failed + 1);
    assert_int_equal(count("sent"), sent);
}

static void telling_never_waits_and_what_is_too_much_is_counted_as_dropped(void **state)
{
    int64_t dropped = count("dropped"), start_ms = clock_mono_ms();

    (void)state;
    atomic_store(&hangs, true);
    for (int i = 0; i < 30; i++) {
        _cleanup_(freep) char *note = xasprintf("note %d", i);

        tell(note);
    }
    assert_in_range(clock_mono_ms() - start_ms, 0, 1000);
    assert_int_equal(count("dropped"), dropped + 5);
}

static void without_a_teller_nothing_is_told(void **state)
{
    (void)state;
    events_record(NULL, &(struct event){.kind = "Namespace", .name = "n", .reason = "r", .note = "n"});
    assert_int_equal(atomic_load(&request_count), 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(an_event_is_put_where_describe_looks_for_it),
        test(one_that_is_told_again_is_the_same_object_with_a_higher_count),
        test(an_event_of_a_cluster_scoped_object_is_in_the_namespace_default),
        test(a_long_note_is_cut_between_two_characters),
        test(what_the_api_server_does_not_take_is_counted_and_forgotten),
        test(telling_never_waits_and_what_is_too_much_is_counted_as_dropped),
        test(without_a_teller_nothing_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

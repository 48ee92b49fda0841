/* The informer against a scripted API server. */
#include "common/kube/informer.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "tests/unit/http_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* What the server does next, and what it saw; all under the lock. */
static struct script {
    pthread_mutex_t lock;
    struct str requests;   /* the query of each, a line each */
    const char *initial;   /* what a streaming list sends first */
    const char *events;    /* to be sent on the open stream, once */
    bool cut, end;         /* to do with the open stream, once */
    const char *refuse;    /* status line for the next request, once */
    bool refuse_streaming; /* 422 for streaming lists, always */
} script = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct peer peer;
static struct http *http;
static struct kube_config config;
static struct kube *kube;
static struct str changes; /* under script.lock: "key=json\n" or "key gone\n" */

#define OBJECT(name, version, more)                                                                          \
    "{\"apiVersion\":\"v1\",\"kind\":\"T\",\"metadata\":{\"name\":\"" name                                   \
    "\",\"namespace\":\"ns\",\"resourceVersion\":\"" version "\"" more "},\"spec\":{\"v\":" version "}}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define BOOKMARK(version, more)                                                                              \
    EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"" version "\"" more "}}")
#define LIST_END(version) BOOKMARK(version, ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}")
#define GONE                                                                                                 \
    EVENT("ERROR", "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old\"}")

/* So that a handler whose stream was given up does not take what is meant for the next one. */
static bool is_open(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

static bool send_events(struct peer *self, int fd)
{
    while (!self->stopping) {
        pthread_mutex_lock(&script.lock);
        if (!is_open(fd)) {
            pthread_mutex_unlock(&script.lock);
            return false;
        }
        const char *events = script.events;
        bool cut = script.cut, end = script.end;

        script.events = NULL;
        script.cut = script.end = false;
        pthread_mutex_unlock(&script.lock);
        if (events && !peer_chunk(fd, events))
            return false;
        if (cut)
            return false;
        if (end)
            return peer_chunk(fd, "");
        clock_sleep_ms(2);
    }
    return false;
}

static bool serve(struct peer *self, int fd, const char *request)
{
    const char *query = strchr(request, '?') + 1;
    bool streaming = strstr(query, "sendInitialEvents=true");

    pthread_mutex_lock(&script.lock);
    str_add_bytes(&script.requests, query, strcspn(query, " "));
    str_add(&script.requests, "\n");
    const char *refuse = script.refuse, *initial = script.initial;

    if (!refuse && streaming && script.refuse_streaming)
        refuse = "422 Unprocessable Entity";
    script.refuse = NULL;
    pthread_mutex_unlock(&script.lock);
    if (refuse)
        return peer_answer(fd, refuse, "", "{\"kind\":\"Status\",\"message\":\"refused\"}");
    if (!strstr(query, "watch=1") && !strstr(query, "continue="))
        return peer_answer(
            fd, "200 OK", "",
            "{\"metadata\":{\"resourceVersion\":\"50\",\"continue\":\"a/b=\"},\"items\":[" OBJECT("a", "1",
                                                                                                  "") "]}");
    if (!strstr(query, "watch=1"))
        return peer_answer(
            fd, "200 OK", "",
            "{\"metadata\":{\"resourceVersion\":\"50\"},\"items\":[" OBJECT("b", "2", "") "]}");
    return peer_send(fd, PEER_CHUNKED) && (!streaming || peer_chunk(fd, initial)) && send_events(self, fd);
}

static void on_change(void *arg, const char *key, const struct kube_object *object)
{
    (void)arg;
    pthread_mutex_lock(&script.lock);
    str_addf(&changes, "%s%s%s\n", key, object ? "=" : " gone", object ? object->json : "");
    pthread_mutex_unlock(&script.lock);
}

static bool seen(struct str *where, const char *text)
{
    pthread_mutex_lock(&script.lock);
    bool found = strstr(str_text(where), text);
    pthread_mutex_unlock(&script.lock);
    return found;
}

static void wait_for(struct str *where, const char *text)
{
    for (int i = 0; i < 1000 && !seen(where, text); i++)
        clock_sleep_ms(2);
    if (!seen(where, text))
        fail_msg("\"%s\" is not in \"%s\"", text, str_text(where));
}

static void forget(struct str *what)
{
    pthread_mutex_lock(&script.lock);
    str_clear(what);
    pthread_mutex_unlock(&script.lock);
}

static void send_now(const char *events)
{
    pthread_mutex_lock(&script.lock);
    script.events = events;
    pthread_mutex_unlock(&script.lock);
}

static void set(bool *what)
{
    pthread_mutex_lock(&script.lock);
    *what = true;
    pthread_mutex_unlock(&script.lock);
}

static struct informer *start(void)
{
    return informer_start(kube, &(struct informer_options){.path = "/api/v1/things",
                                                           .annotation_prefix = "kubelambda.io/",
                                                           .changed = on_change,
                                                           .first_backoff_ms = 10});
}

static void wait_synced(const struct informer *informer)
{
    for (int i = 0; i < 1000 && !informer_synced(informer); i++)
        clock_sleep_ms(2);
    assert_true(informer_synced(informer));
}

static int set_up(void **state)
{
    (void)state;
    script.initial = EVENT("ADDED", OBJECT("a", "1", "")) EVENT("ADDED", OBJECT("b", "2", "")) LIST_END("10");
    script.events = script.refuse = NULL;
    script.cut = script.end = script.refuse_streaming = false;
    script.requests = changes = STR_INIT(1 << 20);
    peer = (struct peer){.serve = serve};
    peer_start(&peer);
    config.server = xasprintf("http://127.0.0.1:%d", peer.port);
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
    str_done(&script.requests);
    str_done(&changes);
    return 0;
}

static void the_list_fills_the_copy(void **state)
{
    struct informer *informer = start();

    (void)state;
    wait_synced(informer);
    _cleanup_(kube_object_unrefp) struct kube_object *object = informer_get(informer, "ns/b");

    assert_non_null(object);
    assert_string_equal(object->key, "ns/b");
    assert_string_equal(object->resource_version, "2");
    assert_null(informer_get(informer, "ns/c"));
    assert_true(seen(&changes, "ns/a="));
    assert_true(seen(&script.requests,
                     "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=\n"));
    informer_stop(informer);
    assert_string_equal(object->key, "ns/b"); /* a reference outlives the informer */
}

static void it_is_synced_only_at_the_end_of_the_list(void **state)
{
    (void)state;
    script.initial = EVENT("ADDED", OBJECT("a", "1", "")) BOOKMARK("5", "");
    struct informer *informer = start();

    wait_for(&changes, "ns/a=");
    clock_sleep_ms(20);
    assert_false(informer_synced(informer));
    send_now(LIST_END("10"));
    wait_synced(informer);
    informer_stop(informer);
}

static void objects_are_trimmed(void **state)
{
    (void)state;
    script.initial =
        EVENT("ADDED", OBJECT("a", "1",
                              ",\"managedFields\":[{\"x\":1}],\"labels\":{\"l\":\"1\"},\"annotations\":{"
                              "\"other\":\"x\",\"kubelambda.io/k\":\"y\"}")) LIST_END("10");
    struct informer *informer = start();

    wait_synced(informer);
    _cleanup_(kube_object_unrefp) struct kube_object *object = informer_get(informer, "ns/a");

    assert_string_equal(
        object->json,
        "{\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\",\"resourceVersion\":\"1\",\"labels\":{"
        "\"l\":\"1\"},\"annotations\":{\"kubelambda.io/k\":\"y\"}},\"spec\":{\"v\":1}}");
    informer_stop(informer);
}

static void count(void *arg, const struct kube_object *object)
{
    assert_non_null(object->json);
    ++*(int *)arg;
}

static void changes_are_followed(void **state)
{
    struct informer *informer = start();
    int objects = 0;

    (void)state;
    wait_synced(informer);
    forget(&changes);
    send_now(EVENT("MODIFIED", OBJECT("a", "11", "")) EVENT("DELETED", OBJECT("b", "12", ""))
                 EVENT("ADDED", OBJECT("c", "13", "")) EVENT("ADDED", "{\"metadata\":{\"name\":\"wide\"}}"));
    wait_for(&changes, "wide=");
    assert_true(seen(&changes, "ns/a={"));
    assert_true(seen(&changes, "\"v\":11"));
    assert_true(seen(&changes, "ns/b gone"));
    informer_each(informer, count, &objects);
    assert_int_equal(objects, 3);
    informer_stop(informer);
}

static void a_cut_stream_goes_on_from_the_last_version_without_a_list(void **state)
{
    struct informer *informer = start();

    (void)state;
    wait_synced(informer);
    send_now(EVENT("MODIFIED", OBJECT("a", "11", "")) BOOKMARK("30", ""));
    wait_for(&changes, "\"v\":11");
    forget(&script.requests);
    set(&script.cut);
    wait_for(&script.requests, "&resourceVersion=30\n");
    send_now(EVENT("MODIFIED", OBJECT("a", "31", "")));
    wait_for(&changes, "\"v\":31");
    forget(&script.requests);
    set(&script.end); /* and so does one that the server ended */
    wait_for(&script.requests, "&resourceVersion=31\n");
    assert_false(seen(&script.requests, "sendInitialEvents"));
    informer_stop(informer);
}

static void a_version_that_is_too_old_leads_to_a_new_list(void **state)
{
    struct informer *informer = start();

    (void)state;
    wait_synced(informer);
    forget(&changes);
    forget(&script.requests);
    pthread_mutex_lock(&script.lock);
    script.initial =
        EVENT("ADDED", OBJECT("a", "1", "")) EVENT("ADDED", OBJECT("c", "40", "")) LIST_END("41");
    script.events = GONE;
    pthread_mutex_unlock(&script.lock);
    wait_for(&changes, "ns/b gone"); /* it vanished meanwhile */
    assert_true(seen(&script.requests, "sendInitialEvents"));
    assert_true(seen(&changes, "ns/a=")); /* told again, although it did not change */
    assert_true(seen(&changes, "ns/c="));
    assert_null(informer_get(informer, "ns/b"));
    assert_true(informer_synced(informer));

    /* The same said by a status. */
    forget(&script.requests);
    pthread_mutex_lock(&script.lock);
    script.initial = EVENT("ADDED", OBJECT("c", "40", "")) LIST_END("60");
    script.refuse = "410 Gone";
    script.end = true;
    pthread_mutex_unlock(&script.lock);
    wait_for(&changes, "ns/a gone");
    assert_true(seen(&script.requests, "&resourceVersion=41\n"));
    informer_stop(informer);
}

static void a_list_that_is_cut_starts_again(void **state)
{
    (void)state;
    script.initial = EVENT("ADDED", OBJECT("a", "1", ""));
    script.cut = true;
    struct informer *informer = start();

    wait_for(&changes, "ns/a=");
    pthread_mutex_lock(&script.lock);
    script.initial = EVENT("ADDED", OBJECT("b", "2", "")) LIST_END("10");
    script.cut = true; /* in case the first is still open */
    pthread_mutex_unlock(&script.lock);
    wait_for(&changes, "ns/a gone");
    wait_synced(informer);
    assert_false(seen(&script.requests, "&resourceVersion=1\n"));
    informer_stop(informer);
}

static void without_streaming_lists_pages_are_read(void **state)
{
    (void)state;
    script.refuse_streaming = true;
    struct informer *informer = start();

    wait_synced(informer);
    wait_for(&script.requests, "&resourceVersion=50\n");
    assert_true(seen(&script.requests, "\nlimit=500\nlimit=500&continue=a%2Fb%3D\nwatch=1"));
    assert_true(seen(&changes, "ns/a="));
    assert_true(seen(&changes, "ns/b="));
    send_now(EVENT("DELETED", OBJECT("a", "51", "")));
    wait_for(&changes, "ns/a gone");
    informer_stop(informer);
}

static void a_kind_that_is_not_installed_yet_is_waited_for(void **state)
{
    (void)state;
    script.refuse = "404 Not Found";
    struct informer *informer = start();

    wait_synced(informer);
    informer_stop(informer);
}

static void a_stream_of_nonsense_leads_to_a_new_list(void **state)
{
    struct informer *informer = start();

    (void)state;
    wait_synced(informer);
    forget(&script.requests);
    send_now("<html>502 Bad Gateway</html>\n");
    wait_for(&script.requests, "sendInitialEvents");
    informer_stop(informer);
}

static void nothing_is_told_after_stopping(void **state)
{
    struct informer *informer = start();

    (void)state;
    wait_synced(informer);
    informer_stop(informer);
    forget(&changes);
    send_now(EVENT("ADDED", OBJECT("c", "13", "")));
    clock_sleep_ms(20);
    assert_int_equal(changes.len, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_list_fills_the_copy),
        TEST(it_is_synced_only_at_the_end_of_the_list),
        TEST(objects_are_trimmed),
        TEST(changes_are_followed),
        TEST(a_cut_stream_goes_on_from_the_last_version_without_a_list),
        TEST(a_version_that_is_too_old_leads_to_a_new_list),
        TEST(a_list_that_is_cut_starts_again),
        TEST(without_streaming_lists_pages_are_read),
        TEST(a_kind_that_is_not_installed_yet_is_waited_for),
        TEST(a_stream_of_nonsense_leads_to_a_new_list),
        TEST(nothing_is_told_after_stopping),
    };

    if (!log_set_level("error"))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Each series is one object, put by a server-side apply: it makes the object anew when it has expired. Any
 * thread; the book and the number under way are locked. */
#include "common/kube/events.h"

#include "common/base/clock.h"
#include "common/base/json_scan.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"
#include "common/kube/event_book.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>

enum {
    NOTE_MAX_BYTES = 1024,
    UNDER_WAY_MAX = 64, /* more than a slow API server should be given */
    TIMEOUT_MS = 5 * 1000,
};

#define COMPONENT "kubelambda"

struct events {
    struct kube *kube;
    uint64_t process; /* makes the names of this process's events its own */
    struct series *sent, *dropped, *failed;
    pthread_mutex_t lock;
    pthread_cond_t idle; /* nothing is under way any more */
    struct event_book *book;
    unsigned under_way;
};

struct events *events_new(struct kube *kube)
{
    struct events *events = xcalloc(1, sizeof(*events));
    struct metric *total = metric(METRIC_COUNTER, "kubelambda_events_total",
                                  "Events by what became of them: sent, dropped (too many), failed (the API "
                                  "server did not take it).",
                                  "result");

    *events = (struct events){.kube = kube,
                              .sent = metric_series(total, "sent", NULL, NULL),
                              .dropped = metric_series(total, "dropped", NULL, NULL),
                              .failed = metric_series(total, "failed", NULL, NULL),
                              .lock = PTHREAD_MUTEX_INITIALIZER,
                              .idle = PTHREAD_COND_INITIALIZER,
                              .book = event_book_new()};
    if (getrandom(&events->process, sizeof(events->process), 0) < 0)
        events->process = (uint64_t)clock_boot_ms(); /* a name that is taken costs an event */
    return events;
}

void events_free(struct events *events)
{
    if (!events)
        return;
    pthread_mutex_lock(&events->lock);
    while (events->under_way > 0)
        pthread_cond_wait(&events->idle, &events->lock);
    pthread_mutex_unlock(&events->lock);
    event_book_free(events->book);
    pthread_cond_destroy(&events->idle);
    pthread_mutex_destroy(&events->lock);
    free(events);
}

static bool enter(struct events *events, const struct event *event, struct event_series *ret_series)
{
    _cleanup_(freep) char *object =
        xasprintf("%s %s/%s %s", event->kind, event->namespace, event->name, event->uid ? event->uid : "");
    _cleanup_(freep) char *text = xasprintf("%s %s", event->reason, event->note);

    pthread_mutex_lock(&events->lock);
    bool entered = events->under_way < UNDER_WAY_MAX &&
                   event_book_enter(events->book, object, text, clock_mono_ms(), clock_wall_s(), ret_series);

    if (entered)
        events->under_way++;
    pthread_mutex_unlock(&events->lock);
    return entered;
}

static void leave(struct events *events)
{
    pthread_mutex_lock(&events->lock);
    if (--events->under_way == 0)
        pthread_cond_broadcast(&events->idle);
    pthread_mutex_unlock(&events->lock);
}

static void set_time(struct json *document, const char *name, int64_t wall_s)
{
    char text[CLOCK_TEXT_SIZE];

    clock_rfc3339(wall_s, text);
    json_set_str(document, name, text);
}

static struct json *make_document(const struct event *event, const struct event_series *series,
                                  const char *name)
{
    struct json *document = json_new_object();
    struct json *metadata = json_make_object(document, "metadata");
    struct json *about = json_make_object(document, "involvedObject");
    _cleanup_(freep) char *note = xstrndup(event->note, utf8_prefix(event->note, NOTE_MAX_BYTES));

    json_set_str(document, "apiVersion", "v1");
    json_set_str(document, "kind", "Event");
    json_set_str(metadata, "name", name);
    json_set_str(metadata, "namespace", event->namespace ? event->namespace : "default");
    json_set_str(about, "apiVersion", event->api_version);
    json_set_str(about, "kind", event->kind);
    json_set_str(about, "namespace", event->namespace);
    json_set_str(about, "name", event->name);
    json_set_str(about, "uid", event->uid);
    json_set_str(document, "type", event->warning ? "Warning" : "Normal");
    json_set_str(document, "reason", event->reason);
    json_set_str(document, "message", note);
    set_time(document, "firstTimestamp", series->first_s);
    set_time(document, "lastTimestamp", clock_wall_s());
    json_set(document, "count", json_new_int(series->count));
    json_set_at(document, "source.component", json_new_string(COMPONENT));
    json_set_str(document, "reportingComponent", COMPONENT);
    return document;
}

static void answered(void *arg, struct json *object, const struct err *err)
{
    struct events *events = arg;

    if (err)
        log_debug("an event was not taken", "error", err->msg);
    series_add(err ? events->failed : events->sent, 1);
    json_free(object);
    leave(events);
}

void events_record(struct events *events, const struct event *event)
{
    struct event_series series;

    if (!events)
        return;
    if (!enter(events, event, &series)) {
        series_add(events->dropped, 1);
        return;
    }
    _cleanup_(freep) char *name = xasprintf(COMPONENT ".%016" PRIx64, events->process + series.number);
    _cleanup_(freep) char *path =
        xasprintf("/api/v1/namespaces/%s/events/%s?fieldManager=" COMPONENT "&force=true",
                  event->namespace ? event->namespace : "default", name);
    struct json *document = make_document(event, &series, name);
    _cleanup_(freep) char *body = json_text(document);

    json_free(document);
    kube_submit(events->kube,
                &(struct kube_request){.method = "PATCH",
                                       .path = path,
                                       .content_type = KUBE_APPLY,
                                       .body = view(body),
                                       .timeout_ms = TIMEOUT_MS},
                answered, events);
}

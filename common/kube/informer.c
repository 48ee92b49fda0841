/* The informer's connection: which request comes next, what its answer means, when to try again.
 * What it keeps is store.c's. Everything here but start and stop runs on the http thread.
 *
 * Without a resourceVersion a list comes first: a streaming list, which turns into the watch, or pages
 * where the server has no streaming list. With one, a watch goes on from there. */
#include "common/kube/informer.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/kube/store.h"
#include "common/kube/watch.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    FIRST_BACKOFF_MS = 800,
    LAST_BACKOFF_MS = 30 * 1000,
    STEADY_MS = 10 * 1000, /* a stream that lived so long was a success */
    STALL_MS = 90 * 1000,  /* the server sends a bookmark about each minute */
    PAGE_SILENCE_MS = 30 * 1000,
    YOUNG_MS = 60 * 1000,    /* in the first minute a kind may be about to be installed… */
    YOUNG_BACKOFF_MS = 2000, /* …so look often */
    PAGE_LIMIT = 500,
    MAX_PAGE_BYTES = 64 << 20,
};

enum request { STREAMING_LIST, PAGED_LIST, WATCH };

struct informer {
    struct kube *kube;
    char *path;
    struct store store;
    atomic_bool synced;

    struct http_stream *stream; /* NULL between two requests */
    struct http_timer again;
    enum request request; /* the current or last one */
    int64_t started_ms, opened_ms;
    int64_t first_backoff_ms, backoff_ms;
    unsigned failures; /* in a row */

    char resource_version[64]; /* to watch from; "" when a list is needed */
    bool listing;              /* a streaming list is not complete yet */
    struct watch_parser parser;
    struct err broken; /* class 0 unless the stream is to be given up */

    bool no_streaming_list; /* the server said so */
    int page_limit;
    char *continue_token; /* of the next page, or NULL */
    struct str page;
};

static void connect(void *arg);

/* --- reconnecting --- */

static void connect_in(struct informer *informer, int64_t delay_ms)
{
    http_timer_set(kube_http(informer->kube), &informer->again, delay_ms);
}

static void forget_position(struct informer *informer)
{
    informer->resource_version[0] = '\0';
    free(informer->continue_token);
    informer->continue_token = NULL;
}

static int64_t next_delay_ms(struct informer *informer, const struct err *err)
{
    int64_t now = clock_mono_ms(), longest = LAST_BACKOFF_MS;

    if (now - informer->opened_ms >= STEADY_MS) {
        informer->backoff_ms = informer->first_backoff_ms;
        if (!err)
            return 0;
    }
    if (err && err->status == 404 && now - informer->started_ms < YOUNG_MS)
        longest = YOUNG_BACKOFF_MS;
    int64_t delay = informer->backoff_ms < longest ? informer->backoff_ms : longest;

    informer->backoff_ms *= 2;
    if (informer->backoff_ms > LAST_BACKOFF_MS)
        informer->backoff_ms = LAST_BACKOFF_MS;
    /* Jitter, so that not every replica comes back at the same moment. */
    delay = delay / 2 + (int64_t)arc4random_uniform((uint32_t)(delay / 2) + 1);
    return err && err->retry_after_ms > delay ? err->retry_after_ms : delay;
}

/* One line for each series of failures, not one for each try. */
static void report(struct informer *informer, const struct err *err)
{
    if (clock_mono_ms() - informer->opened_ms >= STEADY_MS)
        informer->failures = 0;
    if (informer->failures++ == 0)
        log_warn("watch interrupted, trying again", "path", informer->path, "error", err->msg);
    else
        log_debug("watch interrupted, trying again", "path", informer->path, "error", err->msg);
}

/* The stream is over; `err` NULL: the server ended it in good order. */
static void after_stream(struct informer *informer, const struct err *err)
{
    int status = err ? err->status : 0;

    http_stream_close(informer->stream);
    informer->stream = NULL;
    if (informer->request == STREAMING_LIST && (status == 400 || status == 422)) {
        log_info("no streaming list on this server, listing in pages", "path", informer->path, "error",
                 err->msg);
        informer->no_streaming_list = true;
        connect_in(informer, 0);
        return;
    }
    if (informer->listing || status == 410 || status == 400 || status == 422)
        forget_position(informer);
    if (err && status != 410) /* which is how a watch that is too old ends */
        report(informer, err);
    connect_in(informer, next_delay_ms(informer, err));
}

/* --- what arrives --- */

static void list_complete(struct informer *informer, const char *resource_version)
{
    if (!resource_version || strlen(resource_version) >= sizeof(informer->resource_version)) {
        err_set(&informer->broken, ERR_RETRY, "a list without a usable resourceVersion");
        return;
    }
    snprintf(informer->resource_version, sizeof(informer->resource_version), "%s", resource_version);
    informer->listing = false;
    store_end_round(&informer->store);
    atomic_store(&informer->synced, true);
    if (informer->failures)
        log_info("list complete", "path", informer->path);
    informer->failures = 0;
}

static void on_bookmark(struct informer *informer, const struct json *object)
{
    const struct json *metadata = json_get(object, "metadata");
    const char *version = json_str_at(metadata, "resourceVersion");

    if (!informer->listing && version)
        snprintf(informer->resource_version, sizeof(informer->resource_version), "%s", version);
    else if (str_equal(json_str(json_get(json_get(metadata, "annotations"), "k8s.io/initial-events-end")),
                       "true"))
        list_complete(informer, version);
}

static void on_event(void *arg, enum watch_type type, const struct json *object)
{
    struct informer *informer = arg;
    const char *version = json_str_at(object, "metadata.resourceVersion");

    if (informer->broken.class)
        return;
    switch (type) {
    case WATCH_BOOKMARK:
        on_bookmark(informer, object);
        return;
    case WATCH_ERROR: {
        const char *message = json_str_at(object, "message");
        int status = (int)json_int_at(object, "code", 500);

        err_set(&informer->broken, http_class(status), "%s", message ? message : "an ERROR event");
        informer->broken.status = status;
        informer->broken.retry_after_ms =
            (int)json_int_at(object, "details.retryAfterSeconds", 0) % 3600 * 1000;
        forget_position(informer);
        return;
    }
    case WATCH_DELETED:
        store_remove(&informer->store, object);
        break;
    case WATCH_ADDED:
    case WATCH_MODIFIED:
        store_put(&informer->store, object);
        break;
    }
    /* While a list comes in, the versions of its objects are in no order. */
    if (!informer->listing && version)
        snprintf(informer->resource_version, sizeof(informer->resource_version), "%s", version);
}

static void on_data(void *arg, struct str_view piece)
{
    struct informer *informer = arg;
    struct err broken;

    if (informer->request == PAGED_LIST) {
        str_add_bytes(&informer->page, piece.ptr, piece.len);
        return;
    }
    if (watch_feed(&informer->parser, piece, on_event, informer, &broken) < 0) {
        informer->broken = broken;
        forget_position(informer); /* from the same place would fail in the same way */
    }
    if (informer->broken.class) {
        kube_stream_ended(informer->kube, NULL);
        after_stream(informer, &informer->broken);
    }
}

static int read_page(struct informer *informer, struct err *err)
{
    static const struct json_unwanted in_list[] = {{.key = "items", .below = watch_unwanted}, {0}};
    _cleanup_(json_freep) struct json *list = NULL;

    if (informer->page.overflow)
        return err_set(err, ERR_INVALID, "a page of more than %d bytes", MAX_PAGE_BYTES);
    if (json_parse_without(str_view_of(&informer->page), in_list, JSON_MAX_VALUES, &list, err) < 0)
        return err_wrap(err, "a page of the list");
    const char *next = json_str_at(list, "metadata.continue");

    for (const struct json *item = json_first(json_get(list, "items")); item; item = json_next(item))
        store_put(&informer->store, item);
    free(informer->continue_token);
    informer->continue_token = next && *next ? xstrdup(next) : NULL;
    if (!informer->continue_token)
        list_complete(informer, json_str_at(list, "metadata.resourceVersion"));
    return informer->broken.class;
}

static void on_end(void *arg, const struct err *err)
{
    struct informer *informer = arg;
    struct err bad_page;

    kube_stream_ended(informer->kube, err);
    if (informer->request != PAGED_LIST || err) {
        after_stream(informer, err);
        return;
    }
    if (read_page(informer, &bad_page) < 0) {
        informer->page_limit = informer->page_limit > 1 ? informer->page_limit / 2 : 1;
        forget_position(informer);
        after_stream(informer, informer->broken.class ? &informer->broken : &bad_page);
        return;
    }
    str_done(&informer->page);
    http_stream_close(informer->stream);
    informer->stream = NULL;
    connect_in(informer, 0);
}

/* --- requests --- */

static void choose_request(struct informer *informer)
{
    informer->request = *informer->resource_version   ? WATCH
                        : informer->no_streaming_list ? PAGED_LIST
                                                      : STREAMING_LIST;
    informer->listing = informer->request == STREAMING_LIST;
    if (informer->listing || (informer->request == PAGED_LIST && !informer->continue_token))
        store_start_round(&informer->store);
}

static void add_query(const struct informer *informer, struct str *path)
{
    str_add(path, strchr(informer->path, '?') ? "&" : "?");
    if (informer->request == PAGED_LIST) {
        str_addf(path, "limit=%d", informer->page_limit);
        if (informer->continue_token) {
            str_add(path, "&continue=");
            str_add_percent(path, informer->continue_token, strlen(informer->continue_token), "");
        }
        return;
    }
    str_addf(path, "watch=1&allowWatchBookmarks=true&timeoutSeconds=%" PRIu32, 300 + arc4random_uniform(301));
    if (informer->request == STREAMING_LIST)
        str_add(path, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=");
    else
        str_addf(path, "&resourceVersion=%s", informer->resource_version);
}

static void connect(void *arg)
{
    static const struct http_stream_events events = {on_data, on_end};
    struct informer *informer = arg;
    _cleanup_(str_done) struct str path = STR_INIT(16 << 10);

    choose_request(informer);
    watch_done(&informer->parser);
    watch_init(&informer->parser);
    str_clear(&informer->page);
    informer->broken = (struct err){0};
    informer->opened_ms = clock_mono_ms();
    str_add(&path, informer->path);
    add_query(informer, &path);
    informer->stream =
        kube_stream_open(informer->kube, str_text(&path),
                         informer->request == PAGED_LIST ? PAGE_SILENCE_MS : STALL_MS, &events, informer);
}

/* --- for every thread --- */

struct informer *informer_start(struct kube *kube, const struct informer_options *options)
{
    struct informer *informer = xcalloc(1, sizeof(*informer));

    informer->kube = kube;
    informer->path = xstrdup(options->path);
    store_init(&informer->store, options);
    informer->again = (struct http_timer){.fire = connect, .arg = informer};
    informer->started_ms = clock_mono_ms();
    informer->first_backoff_ms = options->first_backoff_ms ? options->first_backoff_ms : FIRST_BACKOFF_MS;
    informer->backoff_ms = informer->first_backoff_ms;
    informer->page_limit = PAGE_LIMIT;
    informer->page = STR_INIT(MAX_PAGE_BYTES);
    watch_init(&informer->parser);
    http_run(kube_http(kube), connect, informer);
    return informer;
}

static void disconnect(void *arg)
{
    struct informer *informer = arg;

    http_timer_clear(kube_http(informer->kube), &informer->again);
    http_stream_close(informer->stream);
}

void informer_stop(struct informer *informer)
{
    if (!informer)
        return;
    http_run(kube_http(informer->kube), disconnect, informer);
    store_done(&informer->store);
    watch_done(&informer->parser);
    str_done(&informer->page);
    free(informer->continue_token);
    free(informer->path);
    free(informer);
}

bool informer_synced(const struct informer *informer)
{
    return atomic_load(&informer->synced);
}

struct kube_object *informer_get(struct informer *informer, const char *key)
{
    return store_get(&informer->store, key);
}

struct json *informer_get_json(struct informer *informer, const char *key)
{
    _cleanup_(kube_object_unrefp) struct kube_object *object = informer_get(informer, key);
    struct json *parsed = NULL;

    return object && json_parse(view(object->json), &parsed, NULL) == 0 ? parsed : NULL;
}

void informer_each(struct informer *informer, void (*visit)(void *arg, const struct kube_object *object),
                   void *arg)
{
    store_each(&informer->store, visit, arg);
}

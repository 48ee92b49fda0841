/* The http thread: it owns libcurl's multi handle, the transfers in it, the timers, and sleeps in
 * curl_multi_poll. Other threads leave transfers and jobs in queues and wake it. */
#include "common/http/loop.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

enum { LONGEST_SLEEP_MS = 60 * 1000 };

void loop_submit(struct transfer *transfer)
{
    struct http *http = transfer->http;

    pthread_mutex_lock(&http->lock);
    TAILQ_INSERT_TAIL(&http->submitted, transfer, link);
    pthread_mutex_unlock(&http->lock);
    curl_multi_wakeup(http->multi);
}

void loop_cut(struct transfer *transfer)
{
    TAILQ_REMOVE(&transfer->http->active, transfer, link);
    curl_multi_remove_handle(transfer->http->multi, transfer->easy);
}

/* The end of a transfer that is in no list any more: tells its owner and frees it. */
static void finish(struct transfer *transfer, const struct err *err)
{
    if (transfer->stream)
        stream_ended(transfer->stream, err);
    else if (err)
        transfer->done(transfer->arg, NULL, err);
    else
        transfer->done(transfer->arg, &transfer->response, NULL);
    transfer_free(transfer);
}

static void run_jobs(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    for (struct job *job; (job = STAILQ_FIRST(&http->jobs));) {
        STAILQ_REMOVE_HEAD(&http->jobs, link);
        pthread_mutex_unlock(&http->lock);
        job->fn(job->arg);
        pthread_mutex_lock(&http->lock);
        job->done = true;
        pthread_cond_broadcast(&http->job_done);
    }
    pthread_mutex_unlock(&http->lock);
}

static void run_timers(struct http *http)
{
    int64_t now = clock_mono_ms();

    while (http->timers && http->timers->due_ms <= now) {
        struct http_timer *timer = http->timers;

        http_timer_clear(http, timer);
        timer->fire(timer->arg);
    }
}

static void start(struct transfer *transfer)
{
    TAILQ_INSERT_TAIL(&transfer->http->active, transfer, link);
    if (curl_multi_add_handle(transfer->http->multi, transfer->easy) != CURLM_OK)
        abort(); /* out of memory, or a handle that is used twice */
}

static void start_submitted(struct http *http)
{
    struct transfers fresh = TAILQ_HEAD_INITIALIZER(fresh);
    struct transfer *transfer;

    pthread_mutex_lock(&http->lock);
    TAILQ_CONCAT(&fresh, &http->submitted, link);
    pthread_mutex_unlock(&http->lock);
    while ((transfer = TAILQ_FIRST(&fresh))) {
        TAILQ_REMOVE(&fresh, transfer, link);
        if (transfer->refused.class) {
            finish(transfer, &transfer->refused);
            continue;
        }
        if (transfer->stream)
            stream_started(transfer->stream);
        start(transfer);
    }
}

static void finish_done(struct http *http)
{
    int left;

    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result; /* the message is gone with the handle */
        struct transfer *transfer = NULL;
        struct err err;

        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        loop_cut(transfer);
        if (transfer_again(transfer, code)) {
            start(transfer);
            continue;
        }
        if (code != CURLE_OK)
            transfer_error(transfer, code, &err);
        finish(transfer, code != CURLE_OK ? &err : NULL);
    }
}

static void finish_all(struct http *http)
{
    for (;;) {
        struct transfer *transfer = TAILQ_FIRST(&http->active);
        struct err err;

        if (!transfer)
            return;
        loop_cut(transfer);
        err_set(&err, ERR_RETRY, "%s: given up, the program is stopping", transfer->target);
        finish(transfer, &err);
    }
}

static bool is_stopping(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    bool stopping = http->stopping;
    pthread_mutex_unlock(&http->lock);
    return stopping;
}

static bool has_submitted(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    bool submitted = !TAILQ_EMPTY(&http->submitted);
    pthread_mutex_unlock(&http->lock);
    return submitted;
}

/* Until the next timer; libcurl shortens it to what its own timers need. */
static int sleep_ms(const struct http *http)
{
    int64_t ms = http->timers ? http->timers->due_ms - clock_mono_ms() : LONGEST_SLEEP_MS;

    return (int)(ms < 0 ? 0 : ms > LONGEST_SLEEP_MS ? LONGEST_SLEEP_MS : ms);
}

void *loop_run(void *arg)
{
    struct http *http = arg;
    int running;

    while (!is_stopping(http)) {
        run_jobs(http);
        run_timers(http);
        /* In this order: a closed stream has been started, so it is active or ended. */
        start_submitted(http);
        streams_free_closed(http);
        curl_multi_perform(http->multi, &running);
        finish_done(http);
        curl_multi_poll(http->multi, NULL, 0, sleep_ms(http), NULL);
    }
    do { /* callbacks may submit once more, to be told the same */
        run_jobs(http);
        start_submitted(http);
        streams_free_closed(http);
        finish_all(http);
    } while (has_submitted(http));
    streams_free_closed(http);
    return NULL;
}

void http_timer_set(struct http *http, struct http_timer *timer, int64_t delay_ms)
{
    struct http_timer **at = &http->timers;

    http_timer_clear(http, timer);
    timer->due_ms = clock_mono_ms() + (delay_ms > 0 ? delay_ms : 0);
    while (*at && (*at)->due_ms <= timer->due_ms)
        at = &(*at)->next;
    timer->next = *at;
    timer->set = true;
    *at = timer;
}

void http_timer_clear(struct http *http, struct http_timer *timer)
{
    struct http_timer **at = &http->timers;

    if (!timer->set)
        return;
    while (*at != timer)
        at = &(*at)->next;
    *at = timer->next;
    timer->set = false;
}

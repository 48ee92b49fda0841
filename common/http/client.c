/* Outgoing HTTP as its users see it: start and stop, submit, wait, read an answer. Any thread; the
 * work is done on the http thread (loop.c). */
#include "common/http/client.h"

#include "common/base/mem.h"
#include "common/base/thread.h"
#include "common/http/loop.h"

enum { KEPT_CONNECTIONS = 64 };

static pthread_once_t curl_ready = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

static void http_free(struct http *http)
{
    while (http->idle_count)
        curl_easy_cleanup(http->idle[--http->idle_count]);
    curl_multi_cleanup(http->multi);
    pthread_mutex_destroy(&http->lock);
    pthread_cond_destroy(&http->job_done);
    free(http);
}

int http_start(struct http **ret_http, struct err *err)
{
    pthread_once(&curl_ready, init_curl);
    struct http *http = xcalloc(1, sizeof(*http));

    http->multi = curl_multi_init();
    if (!http->multi)
        abort();
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    pthread_mutex_init(&http->lock, NULL);
    pthread_cond_init(&http->job_done, NULL);
    TAILQ_INIT(&http->submitted);
    TAILQ_INIT(&http->active);
    STAILQ_INIT(&http->jobs);
    int r = thread_start(&http->thread, "http", loop_run, http, err);

    if (r < 0) {
        http_free(http);
        return r;
    }
    *ret_http = http;
    return 0;
}

void http_stop(struct http *http)
{
    if (!http)
        return;
    pthread_mutex_lock(&http->lock);
    http->stopping = true;
    pthread_mutex_unlock(&http->lock);
    curl_multi_wakeup(http->multi);
    pthread_join(http->thread, NULL);
    http_free(http);
}

void http_run(struct http *http, void (*fn)(void *arg), void *arg)
{
    struct job job = {.fn = fn, .arg = arg};

    if (pthread_equal(pthread_self(), http->thread)) {
        fn(arg);
        return;
    }
    pthread_mutex_lock(&http->lock);
    STAILQ_INSERT_TAIL(&http->jobs, &job, link);
    curl_multi_wakeup(http->multi);
    while (!job.done)
        pthread_cond_wait(&http->job_done, &http->lock);
    pthread_mutex_unlock(&http->lock);
}

void http_submit(struct http *http, const struct http_request *request, http_done_fn *done, void *arg)
{
    struct transfer *transfer = transfer_new(http, request);

    transfer->done = done;
    transfer->arg = arg;
    curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    loop_submit(transfer);
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done;
    int result;
    struct http_response *ret_response;
    struct err *err;
};

static void wake_waiter(void *arg, struct http_response *response, const struct err *err)
{
    struct waiter *waiter = arg;

    if (response) {
        *waiter->ret_response = *response;
        *response = (struct http_response){0};
    } else {
        waiter->result = err->class;
        if (waiter->err)
            *waiter->err = *err;
    }
    pthread_mutex_lock(&waiter->lock);
    waiter->done = true;
    pthread_cond_signal(&waiter->answered);
    pthread_mutex_unlock(&waiter->lock);
}

int http_call(struct http *http, const struct http_request *request, struct http_response *ret_response,
              struct err *err)
{
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER,
                            .answered = PTHREAD_COND_INITIALIZER,
                            .ret_response = ret_response,
                            .err = err};

    if (pthread_equal(pthread_self(), http->thread))
        return err_set(err, ERR_FATAL, "a call that blocks, on the http thread");
    http_submit(http, request, wake_waiter, &waiter);
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.done)
        pthread_cond_wait(&waiter.answered, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    pthread_mutex_destroy(&waiter.lock);
    pthread_cond_destroy(&waiter.answered);
    return waiter.result;
}

void http_response_done(struct http_response *response)
{
    str_done(&response->headers);
    str_done(&response->body);
}

bool http_header(const struct http_response *response, const char *lower_case_name, char *ret_value,
                 size_t size)
{
    size_t name_len = strlen(lower_case_name);
    struct str_view found = {0};

    for (const char *line = str_text(&response->headers); *line;) {
        size_t len = strcspn(line, "\n");

        if (len >= name_len + 2 && memcmp(line, lower_case_name, name_len) == 0 && line[name_len] == ':')
            found = (struct str_view){line + name_len + 2, len - name_len - 2};
        line += len + (line[len] == '\n');
    }
    if (!found.ptr || found.len >= size)
        return false;
    memcpy(ret_value, found.ptr, found.len);
    ret_value[found.len] = '\0';
    return true;
}

int http_retry_after_ms(const struct http_response *response)
{
    char text[16];
    int64_t seconds;

    if (!http_header(response, "retry-after", text, sizeof(text)) || !parse_int(text, 0, INT32_MAX, &seconds))
        return 0;
    return (int)(seconds < 3600 ? seconds : 3600) * 1000;
}

enum err_class http_class(int status)
{
    switch (status) {
    case 401:
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_CONFLICT;
    case 429:
        return ERR_THROTTLED;
    case 408:
    case 410:
        return ERR_RETRY;
    default:
        return status >= 400 && status < 500 ? ERR_INVALID : ERR_RETRY;
    }
}

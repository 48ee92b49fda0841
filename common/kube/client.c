/* Requests to the API server. Any thread; the token is under a lock, everything else does not change. */
#include "common/kube/client.h"

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"
#include "common/kube/watch.h"

#include <pthread.h>
#include <stdio.h>

enum {
    TOKEN_AGE_MS = 60 * 1000,
    TOKEN_MAX_BYTES = 64 << 10, /* a service account's has about 1 KiB */
    DEFAULT_TIMEOUT_MS = 10 * 1000,
};

struct kube {
    struct http *http;
    const struct kube_config *config;
    const char *host; /* "10.0.0.1:443", within config->server */
    struct metric *requests;
    pthread_mutex_t lock;
    char *token; /* what token_file held last, or NULL */
    int64_t token_read_ms;
};

/* One request in libcurl's terms, with the strings that it points to. */
struct prepared {
    struct http_request request;
    char *url, *authorization, *content_type;
    char *cert_file, *key_file; /* of a login */
    const char *headers[5];
};

struct kube *kube_new(struct http *http, const struct kube_config *config)
{
    struct kube *kube = xcalloc(1, sizeof(*kube));
    const char *slashes = strstr(config->server, "//");

    *kube = (struct kube){.http = http, .config = config, .lock = PTHREAD_MUTEX_INITIALIZER};
    kube->host = slashes ? slashes + 2 : config->server;
    kube->requests =
        metric(METRIC_COUNTER, "rest_client_requests_total",
               "Requests to the API server by status code, method and host.", "code,method,host");
    return kube;
}

void kube_free(struct kube *kube)
{
    if (!kube)
        return;
    free(kube->token);
    pthread_mutex_destroy(&kube->lock);
    free(kube);
}

struct http *kube_http(struct kube *kube)
{
    return kube->http;
}

/* The token in the file, or NULL when it cannot be read or could not be a header. */
static char *read_token(const char *path)
{
    _cleanup_(str_done) struct str text = STR_INIT(TOKEN_MAX_BYTES);
    char *token = NULL;

    if (file_read(path, &text, NULL) == 0 && text.len)
        token = xstrndup(text.ptr, strcspn(text.ptr, " \r\n"));
    if (text.ptr)
        explicit_bzero(text.ptr, text.len);
    return token;
}

static char *bearer(const char *token)
{
    return token ? xasprintf("Authorization: Bearer %s", token) : NULL;
}

/* "Authorization: Bearer …", or NULL without a token. A file that cannot be read leaves the old one. */
static char *authorization(struct kube *kube)
{
    const struct kube_config *config = kube->config;

    if (!config->token_file)
        return bearer(config->token);
    pthread_mutex_lock(&kube->lock);
    if (!kube->token || clock_mono_ms() - kube->token_read_ms >= TOKEN_AGE_MS) {
        char *token = read_token(config->token_file);

        if (token) {
            free(kube->token);
            kube->token = token;
            kube->token_read_ms = clock_mono_ms();
        }
    }
    char *header = bearer(kube->token);

    pthread_mutex_unlock(&kube->lock);
    return header;
}

/* The API server refused what we are. True when a second try has something else to say: the file is read
 * again at once, a plugin is waited for up to `wait_ms` (0 on the http thread). */
static bool renew(struct kube *kube, int64_t wait_ms)
{
    if (kube->config->login)
        return login_renew(kube->config->login, wait_ms);
    if (!kube->config->token_file)
        return false;
    pthread_mutex_lock(&kube->lock);
    kube->token_read_ms = clock_mono_ms() - TOKEN_AGE_MS;
    pthread_mutex_unlock(&kube->lock);
    return true;
}

static void authorize(struct kube *kube, struct prepared *prepared)
{
    char *token = NULL;

    if (!kube->config->login) {
        prepared->authorization = authorization(kube);
        return;
    }
    login_get(kube->config->login, &token, &prepared->cert_file, &prepared->key_file);
    prepared->authorization = bearer(token);
    if (token)
        explicit_bzero(token, strlen(token));
    free(token);
}

static int64_t time_limit_ms(const struct kube_request *request)
{
    return request->timeout_ms ? request->timeout_ms : DEFAULT_TIMEOUT_MS;
}

static void prepare(struct kube *kube, const struct kube_request *request, struct prepared *prepared)
{
    const struct kube_config *config = kube->config;
    const char *type = request->content_type ? request->content_type : "application/json";
    size_t n = 0;

    *prepared = (struct prepared){.url = xasprintf("%s%s", config->server, request->path)};
    prepared->headers[n++] = "Accept: application/json";
    prepared->headers[n++] = "User-Agent: kubelambda";
    if (request->body.len)
        prepared->headers[n++] = prepared->content_type = xasprintf("Content-Type: %s", type);
    authorize(kube, prepared);
    if (prepared->authorization)
        prepared->headers[n++] = prepared->authorization;
    prepared->request = (struct http_request){
        .method = request->method,
        .url = prepared->url,
        .headers = prepared->headers,
        .body = request->body,
        .tls = {config->ca_file, prepared->cert_file ? prepared->cert_file : config->cert_file,
                prepared->key_file ? prepared->key_file : config->key_file},
        .timeout_ms = time_limit_ms(request),
    };
}

static void prepared_done(struct prepared *prepared)
{
    if (prepared->authorization)
        explicit_bzero(prepared->authorization, strlen(prepared->authorization));
    free(prepared->url);
    free(prepared->authorization);
    free(prepared->content_type);
    free(prepared->cert_file);
    free(prepared->key_file);
}

/* `status` 0: there was no answer. */
static void count(struct kube *kube, const char *method, int status)
{
    char code[16] = "<error>";

    if (status)
        snprintf(code, sizeof(code), "%d", status);
    series_add(metric_series(kube->requests, code, method, kube->host), 1);
}

/* Fills `err` from a Status object, or from whatever a proxy before the API server said. */
static int refusal(const struct http_response *response, struct err *err)
{
    _cleanup_(json_freep) struct json *status = NULL;
    const char *message = NULL, *reason = NULL;
    int64_t retry_after_s = 0;

    if (json_parse(str_view_of(&response->body), &status, NULL) == 0) {
        message = json_str_at(status, "message");
        reason = json_str_at(status, "reason");
        retry_after_s = json_int_at(status, "details.retryAfterSeconds", 0);
    }
    int class = message && *message
                    ? err_set(err, http_class(response->status), "%s", message)
                    : err_set(err, http_class(response->status), "the API server answered %d: %.200s",
                              response->status, str_text(&response->body));

    if (err) {
        err->status = response->status;
        err->retry_after_ms = http_retry_after_ms(response);
        if (!err->retry_after_ms && retry_after_s > 0 && retry_after_s <= 3600)
            err->retry_after_ms = (int)retry_after_s * 1000;
        snprintf(err->code, sizeof(err->code), "%s", reason ? reason : "");
    }
    return class;
}

static int read_answer(const struct http_response *response, bool wanted, struct json **ret_object,
                       struct err *err)
{
    if (response->status < 200 || response->status > 299)
        return refusal(response, err);
    if (!wanted)
        return 0;
    if (json_parse_without(str_view_of(&response->body), watch_unwanted, JSON_MAX_VALUES, ret_object, err) ==
        0)
        return 0;
    err_wrap(err, "the API server's answer");
    if (err)
        err->class = ERR_RETRY; /* what stands between us and the API server answers like that */
    return ERR_RETRY;
}

int kube_call(struct kube *kube, const struct kube_request *request, struct json **ret_object,
              struct err *err)
{
    struct kube_request limited = *request;

    limited.timeout_ms = time_limit_ms(request);
    int64_t deadline_ms = clock_mono_ms() + limited.timeout_ms;

    for (bool repeated = false;; repeated = true) {
        _cleanup_(http_response_done) struct http_response response = {0};
        struct prepared prepared;

        prepare(kube, &limited, &prepared);
        int r = http_call(kube->http, &prepared.request, &response, err);

        prepared_done(&prepared);
        count(kube, request->method, response.status);
        if (r < 0)
            return r;
        bool renewed = response.status == 401 && renew(kube, repeated ? 0 : deadline_ms - clock_mono_ms());

        limited.timeout_ms = deadline_ms - clock_mono_ms();
        if (renewed && !repeated && limited.timeout_ms > 0)
            continue;
        return read_answer(&response, ret_object != NULL, ret_object, err);
    }
}

/* A request that nobody waits for, with copies of its strings for a second try. */
struct submission {
    struct kube *kube;
    struct kube_request request;
    char *method, *path, *content_type, *body;
    bool repeated;
    kube_done_fn *done;
    void *arg;
};

static void submission_free(struct submission *submission)
{
    free(submission->method);
    free(submission->path);
    free(submission->content_type);
    free(submission->body);
    free(submission);
}

static void on_answer(void *arg, struct http_response *response, const struct err *transport_err);

static void submit(struct submission *submission)
{
    struct prepared prepared;

    prepare(submission->kube, &submission->request, &prepared);
    http_submit(submission->kube->http, &prepared.request, on_answer, submission);
    prepared_done(&prepared);
}

static void on_answer(void *arg, struct http_response *response, const struct err *transport_err)
{
    struct submission *submission = arg;
    struct kube *kube = submission->kube;
    struct json *object = NULL;
    struct err err;

    count(kube, submission->method, response ? response->status : 0);
    if (response && response->status == 401 && renew(kube, 0) && !submission->repeated) {
        submission->repeated = true;
        submit(submission);
        return;
    }
    if (!response)
        submission->done(submission->arg, NULL, transport_err);
    else if (read_answer(response, true, &object, &err) < 0)
        submission->done(submission->arg, NULL, &err);
    else
        submission->done(submission->arg, object, NULL);
    submission_free(submission);
}

void kube_submit(struct kube *kube, const struct kube_request *request, kube_done_fn *done, void *arg)
{
    struct submission *submission = xcalloc(1, sizeof(*submission));

    *submission = (struct submission){.kube = kube,
                                      .method = xstrdup(request->method),
                                      .path = xstrdup(request->path),
                                      .content_type = xstrdup(request->content_type),
                                      .body = xmemdup(request->body.ptr, request->body.len),
                                      .done = done,
                                      .arg = arg};
    submission->request = (struct kube_request){.method = submission->method,
                                                .path = submission->path,
                                                .content_type = submission->content_type,
                                                .body = {submission->body, request->body.len},
                                                .timeout_ms = request->timeout_ms};
    submit(submission);
}

struct http_stream *kube_stream_open(struct kube *kube, const char *path, int64_t silence_ms,
                                     const struct http_stream_events *events, void *arg)
{
    struct prepared prepared;

    prepare(kube, &(struct kube_request){.method = "GET", .path = path, .timeout_ms = silence_ms}, &prepared);
    struct http_stream *stream = http_stream_open(kube->http, &prepared.request, events, arg);

    prepared_done(&prepared);
    return stream;
}

void kube_stream_ended(struct kube *kube, const struct err *err)
{
    count(kube, "GET", err ? err->status : 200);
    if (err && err->status == 401)
        (void)renew(kube, 0);
}

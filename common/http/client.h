/* Outgoing HTTP: one thread owns libcurl's multi handle and every transfer; others submit and
 * wait, or are called back. Connections are kept and reused.
 *
 * A request that got an answer succeeds whatever its status; errors are transport errors
 * (ERR_RETRY: unreachable, timed out, cut, an answer over its limit; ERR_INVALID: a bad URL). */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

struct http;

int http_start(struct http **ret_http, struct err *err) __attribute__((warn_unused_result));

/* Ends what is under way with ERR_RETRY, joins the thread, frees. Streams must be closed before.
 * NULL is accepted. Not from the http thread. */
void http_stop(struct http *http);

struct http_tls {          /* paths; they must stay readable while the request runs */
    const char *ca_file;   /* NULL: the system's authorities */
    const char *cert_file; /* client certificate and key, PEM; NULL: none */
    const char *key_file;
};

struct http_request {           /* everything is copied by http_call, http_submit and http_stream_open */
    const char *method;         /* "GET", … */
    const char *url;            /* sent as it is: no normalisation of the path */
    const char *const *headers; /* "Name: value" lines, NULL-terminated; may be NULL */
    struct str_view body;       /* no body when len is 0 */
    struct http_tls tls;
    int64_t timeout_ms;        /* the whole exchange; required, except for streams: there it is the
                                  longest silence that is accepted, and includes connecting */
    size_t max_response_bytes; /* default 8 MiB */
    /* By clock_boot_ms, looked at once the connection stands and the request is about to be sent: from
       then on it is not sent any more (ERR_RETRY). May change meanwhile, must outlive the request; NULL:
       no such time. */
    const _Atomic int64_t *send_before_ms;
    _Atomic int64_t
        *sent_bytes; /* how much of the body went out so far; must outlive the request; NULL: not told */
    bool no_proxy;   /* ignore the proxy settings of the environment */
};

struct http_response {
    int status;
    struct str headers; /* "name: value\n" lines, names in lower case */
    struct str body;
};

void http_response_done(struct http_response *response);

/* The class of an answer that is not a success: 404 ERR_NOT_FOUND, 409 ERR_CONFLICT, 401/403 ERR_DENIED,
 * 429 ERR_THROTTLED, 408, 410 and 5xx ERR_RETRY, the other 4xx ERR_INVALID. */
enum err_class http_class(int status);

/* What a Retry-After header in seconds asks for, at most an hour; 0 without one. */
int http_retry_after_ms(const struct http_response *response);

/* Copies a header's value (the last one of that name). False when it is absent or does not fit. */
bool http_header(const struct http_response *response, const char *lower_case_name, char *ret_value,
                 size_t size);

/* Blocks the calling thread (never the http thread) until the answer is there. */
int http_call(struct http *http, const struct http_request *request, struct http_response *ret_response,
              struct err *err) __attribute__((warn_unused_result));

/* Called once, on the http thread; must not block. `response` is NULL when `err` is set (never both);
 * it is freed after the call, its strings may be taken. */
typedef void http_done_fn(void *arg, struct http_response *response, const struct err *err);

void http_submit(struct http *http, const struct http_request *request, http_done_fn *done, void *arg);

struct http_stream;

struct http_stream_events {                         /* all on the http thread; must not block */
    void (*data)(void *arg, struct str_view piece); /* of the body of a 200 answer, as it arrives */
    /* Once, at the end, unless http_stream_close came first. NULL `err`: the server ended it in good
     * order. A status other than 200 is an `err` with that status, its class by http_class,
     * retry_after_ms, and as message the member "message" of a JSON body or else its first line. */
    void (*end)(void *arg, const struct err *err);
};

struct http_stream *http_stream_open(struct http *http, const struct http_request *request,
                                     const struct http_stream_events *events, void *arg);

/* Ends and frees it; when this returns no event will run, and none runs unless it is the one that
 * called this: on the http thread a stream may be closed from its own events. NULL is accepted. */
void http_stream_close(struct http_stream *stream);

/* Runs `fn` on the http thread and returns when it is done; on the http thread itself, at once. */
void http_run(struct http *http, void (*fn)(void *arg), void *arg);

/* A timer of the http thread. The caller owns it, zero-initialised with `fire` and `arg`, and clears
 * it before it goes away. Set and clear only on the http thread. */
struct http_timer {
    void (*fire)(void *arg);
    void *arg;
    bool set; /* the rest belongs to the loop */
    int64_t due_ms;
    struct http_timer *next;
};

void http_timer_set(struct http *http, struct http_timer *timer, int64_t delay_ms); /* again: moves it */
void http_timer_clear(struct http *http, struct http_timer *timer);                 /* not set: nothing */

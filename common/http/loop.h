/* Between the files of the HTTP client; nobody else includes it.
 *
 * A transfer is one exchange: made by the thread that submits it, then owned by the http thread. */
#pragma once

#include "common/http/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <sys/queue.h>

enum { MAX_HEADER_BYTES = 64 << 10, MAX_IDLE_HANDLES = 16 };

struct transfer {
    TAILQ_ENTRY(transfer) link; /* in http.submitted, then in http.active */
    struct http *http;
    CURL *easy;
    struct curl_slist *headers;
    char *body;      /* what is sent */
    char *target;    /* "host:port", for messages */
    bool repeatable; /* it only reads, and was not sent anew yet */
    int64_t timeout_ms;
    const _Atomic int64_t *send_before_ms; /* as in the request */
    _Atomic int64_t *sent_bytes;           /* as in the request */
    char detail[CURL_ERROR_SIZE];
    struct err refused; /* class 0 unless the request cannot be sent at all */
    struct http_response response;

    http_done_fn *done; /* of a request */
    void *arg;
    struct http_stream *stream; /* NULL for a request */
};

TAILQ_HEAD(transfers, transfer);

struct job { /* a function to be run on the http thread */
    STAILQ_ENTRY(job) link;
    void (*fn)(void *arg);
    void *arg;
    bool done;
};

struct http {
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows up to `idle_count` */
    pthread_cond_t job_done;
    struct transfers submitted;
    STAILQ_HEAD(, job) jobs;
    bool stopping;
    CURL *idle[MAX_IDLE_HANDLES];
    size_t idle_count;

    struct transfers active;     /* from here on: the http thread's */
    struct http_timer *timers;   /* by due_ms */
    struct http_stream *closing; /* closed streams that are not freed yet */
};

/* transfer.c */
struct transfer *transfer_new(struct http *http, const struct http_request *request);
void transfer_free(struct transfer *transfer); /* gives its handle back; it must not be in the multi handle */
/* Ended with that code: may it be sent anew, on a new connection? It is then ready for that. Once. */
bool transfer_again(struct transfer *transfer, CURLcode code);
void transfer_error(const struct transfer *transfer, CURLcode code, struct err *err);

/* loop.c */
void *loop_run(void *http);
void loop_submit(struct transfer *transfer);
void loop_cut(struct transfer *transfer); /* takes an active one out; http thread */

/* stream.c, all on the http thread */
void stream_data(struct http_stream *stream, struct str_view piece);
void stream_started(struct http_stream *stream);
bool stream_is_closed(const struct http_stream *stream);
void stream_ended(struct http_stream *stream, const struct err *err); /* its transfer is gone afterwards */
void streams_free_closed(struct http *http);

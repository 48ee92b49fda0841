/* Incoming HTTP over libmicrohttpd: epoll workers, TLS by callback, bodies capped and accounted.
 *
 * The handler is called once per request with the whole body, on a worker thread. It answers at
 * once, or suspends the exchange and answers later from any thread. What the exchanges of all servers
 * hold shares one budget (64 MiB; the first 16 KiB of each are free): beyond it 429 with Retry-After. Beyond
 * `max_connections` a new connection takes the place of one that owes something or is idle; while all wait
 * for us, new ones are cut. */
#pragma once

#include "common/http/certificate.h"
#include "common/http/trust.h"

struct http_server;
struct http_exchange; /* one request and its answer */

/* The certificate to serve now, with a reference for the caller; never NULL. Any worker thread.
 * A connection keeps the one that it started with. */
typedef struct http_certificate *http_certificate_fn(void *arg);

typedef void http_handler_fn(void *arg, struct http_exchange *exchange);

struct http_server_options {
    const char *listen;               /* "0.0.0.0:9443", "[::1]:0" */
    unsigned workers;                 /* 0: one per core, at least 2 */
    unsigned max_connections;         /* 0: 1024; fewer where the process may not open as many files */
    size_t max_body_bytes;            /* larger: 413 */
    http_certificate_fn *certificate; /* NULL: plain HTTP */
    void *certificate_arg;
    struct http_trust
        *trust; /* of TLS clients, whoever it does not accept gets 403; NULL: everybody may ask */
    http_handler_fn *handler; /* must answer or suspend before it returns */
    void *handler_arg;
};

/* ERR_FATAL with the address and the reason when it cannot listen. */
int http_server_start(const struct http_server_options *options, struct http_server **ret_server,
                      struct err *err) __attribute__((warn_unused_result));

/* To be called every second: cuts clients that have not got a request together, or have not taken its answer,
 * within 10 s. NULL is accepted. */
void http_server_tick(struct http_server *server);

int http_server_port(const struct http_server *server); /* the real one, also for port 0 */

/* Stops accepting, lets the exchanges under way be answered and goes on answering on the connections there
 * are until their clients have left, for a second, as each answer asks them to (at most `drain_ms` for both);
 * answers those that are still suspended with 503, stops, frees. NULL is accepted. Whoever suspended an
 * exchange must still answer it, also after this returned: the late answer only frees the exchange. */
void http_server_stop(struct http_server *server, int64_t drain_ms);

/* The request, for the handler. Once the exchange is suspended only its body and its data may be
 * read, by whoever is to answer it. */
const char *http_exchange_method(const struct http_exchange *exchange);
const char *http_exchange_path(const struct http_exchange *exchange);              /* without the query */
const char *http_exchange_query(struct http_exchange *exchange, const char *name); /* NULL: absent */
const char *http_exchange_header(struct http_exchange *exchange, const char *name);
struct str_view http_exchange_body(const struct http_exchange *exchange); /* until answered, or given back */

/* From the handler, when it has read the body and keeps `bytes` of its own until the exchange ends: gives the
 * body back, and takes those from the budget instead. False: so many are not left, and it was answered with
 * 429. */
bool http_exchange_hold(struct http_exchange *exchange, size_t bytes) __attribute__((warn_unused_result));

/* Something of the handler's to keep with the exchange; `free_data` (may be NULL) runs after the
 * answer, on any thread: nothing of it may be used then. */
void http_exchange_set_data(struct http_exchange *exchange, void *data, void (*free_data)(void *data));
void *http_exchange_data(const struct http_exchange *exchange);

/* From the handler, before the question is submitted whose answer will continue the exchange. */
void http_exchange_suspend(struct http_exchange *exchange);

/* Answers; `body` is copied. Once per exchange, on any thread. A suspended one is resumed and must
 * not be used afterwards. */
void http_exchange_answer(struct http_exchange *exchange, int status, const char *content_type,
                          struct str_view body);

/* Inside common/http: one request and its answer, as libmicrohttpd's callbacks drive it.
 * server.c starts and stops the daemon, exchange.c is everything between a request and its answer. */
#pragma once

#include "common/http/connections.h"
#include "common/http/server.h"
#include "common/http/trust.h"

#include <microhttpd.h>
#include <stdatomic.h>

/* What the exchanges of one server share; outlives them as far as libmicrohttpd knows them. */
struct exchanges {
    http_handler_fn *handler;
    void *handler_arg;
    size_t max_body_bytes;
    struct http_trust *trust; /* NULL: everybody may ask */
    struct connections connections;
    atomic_int under_way;            /* from the request's headers to the end of its answer */
    atomic_bool draining;            /* answers ask the client to close the connection */
    bool closed;                     /* nothing can be suspended any more; under exchange.c's lock */
    struct http_exchange *suspended; /* doubly linked; under the same lock */
};

/* MHD_AccessHandlerCallback and MHD_RequestCompletedCallback; `exchanges` is a struct exchanges. */
enum MHD_Result exchange_run(void *exchanges, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *data, size_t *data_len,
                             void **state);
void exchange_completed(void *exchanges, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode why);

/* Answers all that are suspended with 503, and from now on whatever a handler wants to suspend.
 * True when there were any. */
bool exchanges_close(struct exchanges *exchanges);

/* Inside common/http: the connections of one server. A client that does not get a request together in time,
 * or does not take its answer, is cut off, and when there are too many connections the one that matters least
 * goes: so strangers that only hold connections can neither keep the API server out nor use up memory.
 *
 * Any thread; a connection is owned by libmicrohttpd's, between connection_started and connection_ended. */
#pragma once

#include "common/http/certificate.h"

#include <pthread.h>
#include <sys/queue.h>

/* For a whole request, from the connection or its headers; and for taking the answer. */
enum { CONNECTIONS_REQUEST_MS = 10 * 1000 };

enum connection_state {
    CONNECTION_OWES, /* was made, has sent the beginning of a request, or has its answer to take: in time */
    CONNECTION_IDLE, /* has its answers; libmicrohttpd ends it after its own time */
    CONNECTION_LISTS,
    CONNECTION_ANSWERING = CONNECTION_LISTS, /* waits for us */
    CONNECTION_CUT,                          /* we shut it down; libmicrohttpd is about to notice */
};

struct connection {
    TAILQ_ENTRY(connection) link; /* in the list of its state, if that has one */
    enum connection_state state;
    int socket;
    int64_t due_ms;                       /* of CONNECTION_OWES */
    struct http_certificate *certificate; /* a reference; NULL: plain HTTP */
    enum {
        CLIENT_UNKNOWN,
        CLIENT_ACCEPTED,
        CLIENT_REFUSED
    } client; /* its own worker's: as http_trust says */
};

TAILQ_HEAD(connection_list, connection);

struct connections {
    pthread_mutex_t lock;
    struct connection_list lists[CONNECTION_LISTS]; /* who came to it first is first */
    unsigned count, max;                            /* those that were cut are not counted */
};

void connections_init(struct connections *connections, unsigned max);
void connections_done(struct connections *connections);

/* A new connection, with the certificate's reference. Beyond `max` another one is cut: the oldest that still
 * owes something, else the one that has been idle for longest, else the new one itself: all wait for us. */
struct connection *connection_started(struct connections *connections, int socket,
                                      struct http_certificate *certificate);

/* Before the socket is closed, so that its number is nobody else's while we may still shut it down. */
void connection_ended(struct connections *connections, struct connection *connection);

/* Nothing happens to one that was cut. */
void connection_now(struct connections *connections, struct connection *connection,
                    enum connection_state state);

unsigned connections_count(struct connections *connections);

/* Cuts those that are overdue. */
void connections_tick(struct connections *connections, int64_t now_ms);

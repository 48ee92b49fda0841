/* A scripted HTTP server on loopback for tests: one thread per connection, and the test's own function
 * answers each request by writing bytes. */
#pragma once

#include "common/base/mem.h"
#include "common/base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEER_CONNECTIONS = 64 };

struct peer {
    /* Answers one request (head and body); false closes the connection. */
    bool (*serve)(struct peer *peer, int fd, const char *request);
    void *arg;
    int port;
    atomic_int connections; /* so far */
    atomic_bool stopping;

    int listener;
    pthread_t acceptor;
    pthread_t workers[PEER_CONNECTIONS];
    int fds[PEER_CONNECTIONS];
};

struct peer_connection {
    struct peer *peer;
    int fd;
};

static inline bool peer_send(int fd, const char *text)
{
    for (size_t left = strlen(text); left;) {
        ssize_t sent = send(fd, text, left, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        text += sent;
        left -= (size_t)sent;
    }
    return true;
}

/* A whole answer that keeps the connection. `headers`: "Name: value\r\n" lines. */
static inline bool peer_answer(int fd, const char *status, const char *headers, const char *body)
{
    _cleanup_(freep) char *text =
        xasprintf("HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers, strlen(body), body);

    return peer_send(fd, text);
}

/* One chunk of an answer whose head announced "Transfer-Encoding: chunked"; "" ends it. */
static inline bool peer_chunk(int fd, const char *body)
{
    _cleanup_(freep) char *text = xasprintf("%zx\r\n%s\r\n", strlen(body), body);

    return peer_send(fd, text);
}

static const char PEER_CHUNKED[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/* Reads a head and as much body as its Content-Length says. */
static inline bool peer_read(int fd, struct str *request)
{
    char bytes[4096];
    const char *end, *length;
    int64_t body = 0;

    str_clear(request);
    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof(bytes), 0);

        if (got <= 0)
            return false;
        str_add_bytes(request, bytes, (size_t)got);
        end = strstr(str_text(request), "\r\n\r\n");
        if (!end)
            continue;
        length = strcasestr(str_text(request), "\r\ncontent-length: ");
        if (length) {
            char digits[16] = "";

            sscanf(length + 18, "%15[0-9]", digits);
            if (!parse_int(digits, 0, 1 << 30, &body))
                return false;
        }
        if (request->len >= (size_t)(end - str_text(request)) + 4 + (size_t)body)
            return true;
    }
}

static inline void *peer_connection(void *arg)
{
    struct peer_connection *connection = arg;
    struct str request = STR_INIT(16 << 20);

    while (peer_read(connection->fd, &request) &&
           connection->peer->serve(connection->peer, connection->fd, str_text(&request)))
        ;
    shutdown(connection->fd, SHUT_RDWR); /* the descriptor itself is closed by peer_stop */
    str_done(&request);
    free(connection);
    return NULL;
}

static inline void *peer_accept(void *arg)
{
    struct peer *peer = arg;

    for (;;) {
        int fd = accept(peer->listener, NULL, NULL), n = peer->connections;

        if (fd < 0)
            return NULL;
        if (n == PEER_CONNECTIONS || peer->stopping) {
            close(fd);
            return NULL;
        }
        struct peer_connection *connection = xmalloc(sizeof(*connection));

        *connection = (struct peer_connection){peer, fd};
        peer->fds[n] = fd;
        pthread_create(&peer->workers[n], NULL, peer_connection, connection);
        peer->connections = n + 1;
    }
}

/* `port` 0: a free one. */
static inline void peer_start_at(struct peer *peer, int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof(address);
    int on = 1;

    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(peer->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(peer->listener, (struct sockaddr *)&address, size) != 0 || listen(peer->listener, 16) != 0)
        abort();
    getsockname(peer->listener, (struct sockaddr *)&address, &size);
    peer->port = ntohs(address.sin_port);
    peer->stopping = false;
    peer->connections = 0;
    pthread_create(&peer->acceptor, NULL, peer_accept, peer);
}

static inline void peer_start(struct peer *peer)
{
    peer_start_at(peer, 0);
}

static inline void peer_stop(struct peer *peer)
{
    peer->stopping = true;
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->acceptor, NULL);
    close(peer->listener);
    for (int i = 0; i < peer->connections; i++)
        shutdown(peer->fds[i], SHUT_RDWR);
    for (int i = 0; i < peer->connections; i++) {
        pthread_join(peer->workers[i], NULL);
        close(peer->fds[i]);
    }
}

/* Bytes on a connection of the HTTP server, and then its end: whatever comes, the server goes on serving. */
#include "common/base/mem.h"
#include "common/http/server.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_MAX_BYTES = 2048, REST_US = 50 * 1000, PATIENCE_S = 10 };

/* A request for /later is suspended first, as one that waits for S3. */
static void answer(void *arg, struct http_exchange *exchange)
{
    (void)arg;
    (void)http_exchange_query(exchange, "timeout");
    (void)http_exchange_header(exchange, "content-type");
    http_exchange_set_data(exchange, xstrdup(http_exchange_method(exchange)), free);
    if (str_equal(http_exchange_path(exchange), "/never"))
        return;
    if (str_equal(http_exchange_path(exchange), "/later"))
        http_exchange_suspend(exchange);
    http_exchange_answer(exchange, http_exchange_data(exchange) ? 200 : 500, "text/plain",
                         http_exchange_body(exchange));
}

static int started_port(void)
{
    static struct http_server *server;
    struct http_server_options options = {
        .listen = "127.0.0.1:0", .workers = 1, .max_body_bytes = BODY_MAX_BYTES, .handler = answer};
    struct err err;

    if (!server)
        must_hold(http_server_start(&options, &server, &err) == 0);
    return http_server_port(server);
}

static int connected(const struct timeval *patience)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)started_port())};
    /* Ended by a reset, or the machine would run out of ports. */
    const struct linger at_once = {.l_onoff = 1};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must_hold(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
    must_hold(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, patience, sizeof(*patience)) == 0);
    while (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 && errno != EISCONN)
        must_hold(errno == EINTR || errno == EALREADY); /* libFuzzer's clock interrupts what waits */
    return fd;
}

static void send_all(int fd, struct str_view bytes)
{
    ssize_t n;

    while (bytes.len > 0 && (n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL)) > 0)
        bytes = (struct str_view){bytes.ptr + n, bytes.len - (size_t)n};
}

static bool answers(int fd)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    char head[512];

    send_all(fd, view(request));
    return TEMP_FAILURE_RETRY(read(fd, head, sizeof(head))) > 12 && memcmp(head, "HTTP/1.1 200", 12) == 0;
}

/* On a connection that rests between the inputs; it may be cut to make room, a new one is served. */
static void serves(void)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    static int resting = -1;

    if (resting >= 0 && answers(resting))
        return;
    if (resting >= 0)
        close(resting);
    resting = connected(&patience);
    must_hold(answers(resting));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = connected(&(struct timeval){.tv_usec = REST_US});
    char rest[4096];

    send_all(fd, view_of_input(data, size));
    /* The one worker has then taken the connection, and has read: an end that comes together with the bytes
     * libmicrohttpd would see only when the connection is cut for its age. */
    serves();
    serves();
    (void)shutdown(fd, SHUT_WR);
    while (TEMP_FAILURE_RETRY(read(fd, rest, sizeof(rest))) > 0)
        ;
    close(fd);
    return 0;
}

/* Bytes on a connection of the HTTP server: whatever comes, it answers or closes, and serves the next. */
#include "common/base/mem.h"
#include "common/http/server.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_MAX_BYTES = 4096, SOON_US = 3000, AT_LAST_S = 10 };

static void answer(void *arg, struct http_exchange *exchange)
{
    (void)arg;
    (void)http_exchange_query(exchange, "timeout");
    (void)http_exchange_header(exchange, "content-type");
    http_exchange_answer(exchange, 200, "text/plain", http_exchange_body(exchange));
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

/* Sends all and reads until the server closes or has nothing more to say. */
static size_t converse(struct str_view bytes, const struct timeval *patience, char *head, size_t room)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)started_port())};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char rest[4096] = "";
    size_t got = 0;
    ssize_t n;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must_hold(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    must_hold(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, patience, sizeof(*patience)) == 0);
    while (bytes.len > 0 && (n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL)) > 0)
        bytes = (struct str_view){bytes.ptr + n, bytes.len - (size_t)n};
    while ((n = read(fd, got < room ? head + got : rest, got < room ? room - got : sizeof(rest))) > 0)
        got += (size_t)n;
    close(fd);
    return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char proper[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    char head[16] = "";

    converse(view_of_input(data, size), &(struct timeval){.tv_usec = SOON_US}, head, sizeof(head));
    must_hold(converse(view(proper), &(struct timeval){.tv_sec = AT_LAST_S}, head, sizeof(head)) >=
              sizeof(head));
    must_hold(memcmp(head, "HTTP/1.1 200", 12) == 0);
    return 0;
}

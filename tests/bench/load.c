/* Sends the same request again and again over TLS to 127.0.0.1 and says how it went, as one line of JSON.
 * Each client sends, waits for the answer, and sends again; nothing is verified, since only what the
 * server does is measured.
 *
 * load PORT REQUEST-FILE CLIENTS REQUESTS keep|new SECONDS */
#include "common/base/mem.h"
#include "common/base/str.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_REQUEST_BYTES = 8 << 20,
    MAX_ANSWER_BYTES = 256 << 10,
    MAX_CLIENTS = 64,
    MAX_REQUESTS = 10000000,
    MAX_SECONDS = 600,
    STUCK_MS = 30000
};

static uint16_t port;
static bool keep;
static int64_t requests, until_us;
static struct str message = STR_INIT(MAX_REQUEST_BYTES);
static int64_t taken, answered, allowed, failed;
static int64_t *latencies_us; /* by answer */
static gnutls_certificate_credentials_t credentials;

/* What Go's client asks for on a machine with AES instructions. */
#define AS_THE_API_SERVER                                                                                    \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:-GROUP-ALL:"           \
    "+GROUP-X25519:+GROUP-SECP256R1"

enum state { CLOSED, SHAKING_HANDS, READY, SENDING, RECEIVING, DONE };

struct client {
    enum state state;
    gnutls_session_t session;
    int socket;
    uint32_t events; /* that are waited for */
    int64_t began_us;
    size_t bytes; /* sent or received so far */
    char answer[MAX_ANSWER_BYTES];
};

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* Is the answer whole? By its Content-Length, or by the end of a chunked body. */
static bool is_whole(const char *answer, size_t len)
{
    const char *body = strstr(answer, "\r\n\r\n"), *length = strcasestr(answer, "\r\ncontent-length:");
    char digits[16];
    int64_t bytes;

    if (!body)
        return false;
    if (!length || length > body)
        return len >= 5 && str_equal(answer + len - 5, "0\r\n\r\n");
    length += strlen("\r\ncontent-length:");
    length += strspn(length, " ");
    snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(length, "\r"), length);
    return parse_int(digits, 0, MAX_ANSWER_BYTES, &bytes) &&
           len >= (size_t)(body + 4 - answer) + (size_t)bytes;
}

static void client_close(struct client *client)
{
    if (client->session) {
        gnutls_bye(client->session, GNUTLS_SHUT_WR);
        gnutls_deinit(take(client->session));
        close(client->socket);
    }
    client->state = CLOSED;
    client->events = 0;
}

static int client_open(struct client *client)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    const int on = 1;

    client->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(client->socket, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        fcntl(client->socket, F_SETFL, O_NONBLOCK) != 0) {
        close(client->socket);
        return -1;
    }
    gnutls_init(&client->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
    gnutls_priority_set_direct(client->session, AS_THE_API_SERVER, NULL);
    gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_server_name_set(client->session, GNUTLS_NAME_DNS, "localhost", strlen("localhost"));
    gnutls_transport_set_int(client->session, client->socket);
    client->state = SHAKING_HANDS;
    return 0;
}

/* Negative: GnuTLS's error; GNUTLS_E_AGAIN: nothing more to do for now. */
static ssize_t client_step(struct client *client)
{
    ssize_t n = 0;

    switch (client->state) {
    case CLOSED:
    case READY:
        if (taken == requests || now_us() > until_us) {
            client_close(client);
            client->state = DONE;
            return GNUTLS_E_AGAIN;
        }
        taken++;
        client->began_us = now_us();
        client->bytes = 0;
        if (client->state == CLOSED)
            return client_open(client);
        client->state = SENDING;
        break;
    case SHAKING_HANDS:
        n = gnutls_handshake(client->session);
        if (n == 0)
            client->state = SENDING;
        else if (!gnutls_error_is_fatal((int)n))
            n = GNUTLS_E_AGAIN;
        break;
    case SENDING:
        n = gnutls_record_send(client->session, str_text(&message) + client->bytes,
                               message.len - client->bytes);
        client->bytes += n > 0 ? (size_t)n : 0;
        if (client->bytes == message.len) {
            client->state = RECEIVING;
            client->bytes = 0;
        }
        break;
    case RECEIVING:
        n = gnutls_record_recv(client->session, client->answer + client->bytes,
                               MAX_ANSWER_BYTES - 1 - client->bytes);
        if (n == 0)
            return GNUTLS_E_PREMATURE_TERMINATION;
        client->bytes += n > 0 ? (size_t)n : 0;
        client->answer[client->bytes] = '\0';
        if (n < 0 || !is_whole(client->answer, client->bytes))
            break;
        if (!str_starts_with(client->answer, "HTTP/1.1 20"))
            return GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER;
        latencies_us[answered++] = now_us() - client->began_us;
        allowed += strstr(client->answer, "\"allowed\":true") != NULL;
        if (keep)
            client->state = READY;
        else
            client_close(client);
        break;
    case DONE:
        return GNUTLS_E_AGAIN;
    }
    return n == GNUTLS_E_INTERRUPTED ? 0 : n;
}

/* As far as it goes without waiting; then says what is waited for. */
static void client_run(struct client *client, int poll)
{
    ssize_t r;

    while ((r = client_step(client)) != GNUTLS_E_AGAIN)
        if (r < 0) {
            failed++;
            client_close(client);
        }
    if (client->state == DONE)
        return;
    uint32_t wanted = gnutls_record_get_direction(client->session) ? EPOLLOUT : EPOLLIN;
    struct epoll_event event = {.events = wanted, .data.ptr = client};

    if (wanted != client->events)
        epoll_ctl(poll, client->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, client->socket, &event);
    client->events = wanted;
}

/* One thread, so that the server does not pay for waking one for each answer. */
static void run(struct client *clients, int64_t count)
{
    struct epoll_event events[MAX_CLIENTS];
    int poll = epoll_create1(EPOLL_CLOEXEC);
    int64_t done = 0;

    for (int64_t i = 0; i < count; i++)
        client_run(&clients[i], poll);
    for (;;) {
        done = 0;
        for (int64_t i = 0; i < count; i++)
            done += clients[i].state == DONE;
        if (done == count)
            break;
        int ready = epoll_wait(poll, events, MAX_CLIENTS, STUCK_MS);

        if (ready == 0) { /* a server that does not answer any more */
            failed += count - done;
            break;
        }
        for (int i = 0; i < ready; i++)
            client_run(events[i].data.ptr, poll);
    }
    close(poll);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static long long quantile(double share)
{
    return answered ? latencies_us[(int64_t)((double)(answered - 1) * share)] : -1;
}

/* The request as it is sent, head and body. */
static bool read_message(const char *file_name)
{
    _cleanup_(freep) char *bytes = xmalloc(MAX_REQUEST_BYTES);
    FILE *file = fopen(file_name, "re");

    if (!file)
        return false;
    str_add_bytes(&message, bytes, fread(bytes, 1, MAX_REQUEST_BYTES, file));
    fclose(file);
    return message.len > 0;
}

int main(int argc, char **argv)
{
    int64_t number, clients = 0, seconds = 0;

    if (argc != 7 || !parse_int(argv[1], 1, UINT16_MAX, &number) ||
        !parse_int(argv[3], 1, MAX_CLIENTS, &clients) || !parse_int(argv[4], 1, MAX_REQUESTS, &requests) ||
        !parse_int(argv[6], 1, MAX_SECONDS, &seconds)) {
        fprintf(stderr, "usage: load PORT REQUEST-FILE CLIENTS REQUESTS keep|new SECONDS\n");
        return 2;
    }
    port = (uint16_t)number;
    keep = str_equal(argv[5], "keep");
    if (!read_message(argv[2])) {
        fprintf(stderr, "load: cannot read %s\n", argv[2]);
        return 1;
    }
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    gnutls_certificate_allocate_credentials(&credentials);
    latencies_us = xcalloc((size_t)requests, sizeof(*latencies_us));
    struct client *all = xcalloc((size_t)clients, sizeof(*all));
    int64_t began_us = now_us();

    until_us = began_us + seconds * 1000000;
    run(all, clients);
    double took_s = (double)(now_us() - began_us) / 1e6;

    qsort(latencies_us, (size_t)answered, sizeof(*latencies_us), compare);
    printf("{\"answered\":%lld,\"allowed\":%lld,\"failed\":%lld,\"seconds\":%.4f,\"p50_us\":%lld,"
           "\"p99_us\":%lld,\"p999_us\":%lld}\n",
           (long long)answered, (long long)allowed, (long long)failed, took_s, quantile(0.5), quantile(0.99),
           quantile(0.999));
    gnutls_certificate_free_credentials(credentials);
    free(all);
    free(latencies_us);
    str_done(&message);
    return 0;
}

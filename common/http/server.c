/* The libmicrohttpd daemon: listening, TLS, start and stop. What happens to a request is in
 * exchange.c. Start and stop are for one thread; the daemon's workers call the handler. */
#include "common/http/server.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/http/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* The Go client keeps an idle connection for 90 s: it must be the one to close it, or it would send
 * a request into a connection that we are closing. */
enum { IDLE_TIMEOUT_S = 120 };

enum { STACK_BYTES = 256 << 10, CONNECTIONS = 1024, POOL_BYTES = 16 << 10 };

/* Descriptors that are left for everything else: what we ask, files, the other servers. */
enum { OTHER_DESCRIPTORS = 160, CONNECTIONS_AT_LEAST = 16 };

/* A connection that is in use is used again within LEAVE_MS: its client then learns from the answer that it
 * ends. Were it closed at once, a request on its way would be lost. */
enum { POLL_MS = 5, LEAVE_MS = 1000, FAREWELL_MS = 1000 };

struct http_server {
    struct MHD_Daemon *daemon;
    struct exchanges exchanges;
    http_certificate_fn *certificate;
    void *certificate_arg;
    int listener;
    int port;
};

/* --- listening ---------------------------------------------------------------------------- */

static int resolve(const char *listen_address, struct sockaddr_storage *ret_address, socklen_t *ret_len,
                   struct err *err)
{
    const char *colon = strrchr(listen_address, ':');
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int64_t port;

    if (colon && parse_int(colon + 1, 0, UINT16_MAX, &port)) {
        size_t host_len = (size_t)(colon - listen_address);
        bool bracketed = host_len > 2 && listen_address[0] == '[' && colon[-1] == ']';
        _cleanup_(freep) char *host =
            bracketed ? xstrndup(listen_address + 1, host_len - 2) : xstrndup(listen_address, host_len);

        if (bracketed == (strchr(host, ':') != NULL) && getaddrinfo(host, colon + 1, &hints, &found) == 0) {
            memcpy(ret_address, found->ai_addr, found->ai_addrlen);
            *ret_len = found->ai_addrlen;
            freeaddrinfo(found);
            return 0;
        }
    }
    return err_set(
        err, ERR_FATAL,
        "cannot listen on \"%.100s\": write an IP address and a port, as in 0.0.0.0:9443 or [::1]:9443",
        listen_address);
}

static int port_of(int listener)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    char port[NI_MAXSERV];
    int64_t value;

    if (getsockname(listener, (struct sockaddr *)&address, &len) != 0 ||
        getnameinfo((struct sockaddr *)&address, len, NULL, 0, port, sizeof(port), NI_NUMERICSERV) != 0 ||
        !parse_int(port, 1, UINT16_MAX, &value))
        return -1;
    return (int)value;
}

/* Our own socket rather than libmicrohttpd's: it would not say why it cannot listen. */
static int open_listener(const char *listen_address, int *ret_listener, int *ret_port, struct err *err)
{
    struct sockaddr_storage address = {0};
    socklen_t len = 0;
    const int on = 1, off = 0;
    int r = resolve(listen_address, &address, &len, err), port = -1;

    if (r != 0)
        return r;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (address.ss_family == AF_INET6) /* [::] takes IPv4 as well */
            (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, SOMAXCONN) != 0 ||
        (port = port_of(fd)) < 0) {
        r = err_set(err, ERR_FATAL, "cannot listen on %s: %s", listen_address, strerror(errno));
        if (fd >= 0)
            close(fd);
        return r;
    }
    *ret_listener = fd;
    *ret_port = port;
    return 0;
}

/* --- connections -------------------------------------------------------------------------- */

/* Without the authorities' names: a client should not have to know them, and they may change. */
static void ask_for_certificate(struct MHD_Connection *connection)
{
    gnutls_session_t session =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;

    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    gnutls_certificate_send_x509_rdn_sequence(session, 1);
}

/* A connection holds the certificate that it started with until its session has ended. */
static void connection_changed(void *arg, struct MHD_Connection *connection, void **socket_context,
                               enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = arg;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        int socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

        if (server->exchanges.trust)
            ask_for_certificate(connection);
        *socket_context =
            connection_started(&server->exchanges.connections, socket,
                               server->certificate ? server->certificate(server->certificate_arg) : NULL);
    } else {
        connection_ended(&server->exchanges.connections, *socket_context);
        *socket_context = NULL;
    }
}

static unsigned connection_limit(unsigned wanted)
{
    struct rlimit descriptors;
    unsigned limit = wanted ? wanted : CONNECTIONS;

    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_cur < limit + OTHER_DESCRIPTORS)
        limit = descriptors.rlim_cur < CONNECTIONS_AT_LEAST + OTHER_DESCRIPTORS
                    ? CONNECTIONS_AT_LEAST
                    : (unsigned)descriptors.rlim_cur - OTHER_DESCRIPTORS;
    return limit;
}

/* --- TLS ---------------------------------------------------------------------------------- */

/* gnutls_certificate_retrieve_function3. libmicrohttpd's session pointer is its connection. */
static int hand_out(gnutls_session_t session, const struct gnutls_cert_retr_st *request,
                    gnutls_pcert_st **ret_chain, unsigned *ret_chain_len, gnutls_ocsp_data_st **ret_ocsp,
                    unsigned *ret_ocsp_len, gnutls_privkey_t *ret_key, unsigned *flags)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(gnutls_session_get_ptr(session), MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const struct connection *connection = info->socket_context;
    const struct http_certificate *certificate = connection->certificate;

    (void)request;
    *ret_chain = certificate->chain;
    *ret_chain_len = certificate->chain_len;
    *ret_key = certificate->key;
    *ret_ocsp = NULL;
    *ret_ocsp_len = 0;
    *flags = 0; /* chain and key stay ours */
    return 0;
}

/* --- start and stop ----------------------------------------------------------------------- */

__attribute__((format(printf, 2, 0))) static void log_text(void *arg, const char *format, va_list args)
{
    char text[512];

    (void)arg;
    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    log_debug("libmicrohttpd", "text", text);
}

static unsigned worker_count(unsigned wanted)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (wanted > 0)
        return wanted;
    return cores < 2 ? 2 : (unsigned)cores;
}

static struct MHD_Daemon *start_daemon(struct http_server *server, unsigned workers)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    /* It is divided among the workers. One more for each: at its limit a worker takes no connection for which
     * connections.c could make room. */
    unsigned connections = workers * (server->exchanges.connections.max + 1);
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)hand_out},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

    if (server->certificate)
        flags |= MHD_USE_TLS;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_run, &server->exchanges, MHD_OPTION_EXTERNAL_LOGGER, log_text, NULL,
        MHD_OPTION_LISTEN_SOCKET, server->listener, MHD_OPTION_THREAD_POOL_SIZE, workers,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_NOTIFY_CONNECTION,
        connection_changed, server, MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, &server->exchanges,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_ARRAY,
        server->certificate ? tls : none, MHD_OPTION_END);
}

int http_server_start(const struct http_server_options *options, struct http_server **ret_server,
                      struct err *err)
{
    int listener = -1, port = 0;
    int r = open_listener(options->listen, &listener, &port, err);

    if (r < 0)
        return r;
    struct http_server *server = xcalloc(1, sizeof(*server));

    server->exchanges.handler = options->handler;
    server->exchanges.handler_arg = options->handler_arg;
    server->exchanges.max_body_bytes = options->max_body_bytes;
    server->exchanges.trust = options->trust;
    connections_init(&server->exchanges.connections, connection_limit(options->max_connections));
    server->certificate = options->certificate;
    server->certificate_arg = options->certificate_arg;
    server->listener = listener;
    server->port = port;
    errno = 0;
    server->daemon = start_daemon(server, worker_count(options->workers));
    if (!server->daemon) {
        r = err_set(err, ERR_FATAL, "cannot serve on %s: libmicrohttpd does not start%s%s", options->listen,
                    errno ? ": " : "", errno ? strerror(errno) : "");
        close(listener);
        connections_done(&server->exchanges.connections);
        free(server);
        return r;
    }
    *ret_server = server;
    return 0;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_tick(struct http_server *server)
{
    if (server)
        connections_tick(&server->exchanges.connections, clock_mono_ms());
}

/* Looked at from time to time instead of signalled: requests pay nothing for it. */
static void wait_until_left(struct http_server *server, int64_t at_most_ms)
{
    int64_t until_ms = clock_mono_ms() + (at_most_ms < LEAVE_MS ? at_most_ms : LEAVE_MS);

    while (connections_count(&server->exchanges.connections) > 0 && clock_mono_ms() < until_ms)
        clock_sleep_ms(POLL_MS);
}

static void wait_until_idle(struct http_server *server, int64_t at_most_ms)
{
    int64_t deadline_ms = clock_mono_ms() + at_most_ms;

    while (atomic_load_explicit(&server->exchanges.under_way, memory_order_acquire) > 0 &&
           clock_mono_ms() < deadline_ms)
        clock_sleep_ms(POLL_MS);
}

/* MHD_quiesce_daemon is meant for this, but races with the daemon's own workers and now and then ends the
 * process ("Failed to remove listen FD from epoll set"). So the listener's number gets something on which
 * nothing ever comes: the kernel closes the old one and takes it out of the workers' epoll sets. */
static void refuse_more(int listener)
{
    int nothing = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (nothing < 0) { /* descriptors are short: the workers wake in vain until the end */
        (void)shutdown(listener, SHUT_RDWR);
        return;
    }
    (void)dup3(nothing, listener, O_CLOEXEC);
    close(nothing);
}

void http_server_stop(struct http_server *server, int64_t drain_ms)
{
    if (!server)
        return;
    atomic_store(&server->exchanges.draining, true);
    refuse_more(server->listener);
    int64_t deadline_ms = clock_mono_ms() + drain_ms;

    wait_until_left(server, drain_ms);
    wait_until_idle(server, deadline_ms - clock_mono_ms());
    if (exchanges_close(&server->exchanges))
        wait_until_idle(server, FAREWELL_MS); /* for the 503s to get out */
    /* The listener's number, too, is closed here. */
    MHD_stop_daemon(server->daemon);
    connections_done(&server->exchanges.connections);
    free(server);
}

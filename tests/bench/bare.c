/* The limit of the stack: libmicrohttpd with TLS and the options of common/http/server, which reads each
 * body and sends the same answer. What a review costs beyond this is our own work.
 *
 * bare PORT CERTIFICATE-FOLDER */
#include "common/base/mem.h"
#include "common/base/str.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_PEM_BYTES = 64 << 10, STACK_BYTES = 256 << 10 };

static const char answer[] =
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{\"uid\":"
    "\"00000000-0000-4000-8000-000000000000\",\"allowed\":true}}";

struct body {
    char *bytes;
    size_t len;
};

static enum MHD_Result take_request(void *arg, struct MHD_Connection *connection, const char *url,
                                    const char *method, const char *version, const char *data,
                                    size_t *data_len, void **state)
{
    struct body *body = *state;

    (void)arg, (void)url, (void)method, (void)version;
    if (!body) {
        *state = xcalloc(1, sizeof(*body));
        return MHD_YES;
    }
    if (*data_len > 0) {
        body->bytes = xrealloc(body->bytes, body->len + *data_len);
        memcpy(body->bytes + body->len, data, *data_len);
        body->len += *data_len;
        *data_len = 0;
        return MHD_YES;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(
        sizeof(answer) - 1, (void *)(uintptr_t)answer, MHD_RESPMEM_PERSISTENT);

    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);

    MHD_destroy_response(response);
    return result;
}

static void end_request(void *arg, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode why)
{
    struct body *body = *state;

    (void)arg, (void)connection, (void)why;
    if (body)
        free(body->bytes);
    free(body);
}

static char *read_pem(const char *folder, const char *name)
{
    _cleanup_(freep) char *path = xasprintf("%s/%s", folder, name);
    char *text = xcalloc(1, MAX_PEM_BYTES);
    FILE *file = fopen(path, "re");

    if (!file || fread(text, 1, MAX_PEM_BYTES - 1, file) == 0) {
        fprintf(stderr, "bare: cannot read %s\n", path);
        exit(1);
    }
    fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    int64_t port;
    sigset_t signals;
    int signal;

    if (argc != 3 || !parse_int(argv[1], 1, UINT16_MAX, &port)) {
        fprintf(stderr, "usage: bare PORT CERTIFICATE-FOLDER\n");
        return 2;
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    _cleanup_(freep) char *key = read_pem(argv[2], "tls.key");
    _cleanup_(freep) char *certificate = read_pem(argv[2], "tls.crt");

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TLS, 0, NULL, NULL, take_request,
        NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)(cores < 2 ? 2 : cores),
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, 120u,
        MHD_OPTION_CONNECTION_LIMIT, 1024u, MHD_OPTION_NOTIFY_COMPLETED, end_request, NULL,
        MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_HTTPS_MEM_CERT, certificate, MHD_OPTION_HTTPS_PRIORITIES,
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", MHD_OPTION_END);

    if (!daemon) {
        fprintf(stderr, "bare: cannot serve on 127.0.0.1:%s\n", argv[1]);
        return 1;
    }
    sigwait(&signals, &signal);
    MHD_stop_daemon(daemon);
    return 0;
}

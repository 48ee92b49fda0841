/* One exchange: its libcurl handle with every option, and what arrives. Made on any thread; once it is
 * submitted only the http thread touches it. */
#include "common/http/loop.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <stdatomic.h>

static CURL *take_handle(struct http *http)
{
    CURL *easy = NULL;

    pthread_mutex_lock(&http->lock);
    if (http->idle_count)
        easy = http->idle[--http->idle_count];
    pthread_mutex_unlock(&http->lock);
    if (!easy)
        easy = curl_easy_init();
    if (!easy)
        abort(); /* only when memory is out */
    return easy;
}

static void give_handle(struct http *http, CURL *easy)
{
    curl_easy_reset(easy); /* drops secrets in headers at once */
    pthread_mutex_lock(&http->lock);
    if (http->idle_count < MAX_IDLE_HANDLES)
        http->idle[http->idle_count++] = take(easy);
    pthread_mutex_unlock(&http->lock);
    curl_easy_cleanup(easy);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    size_t len = size * count;

    if (transfer->stream) {
        if (stream_is_closed(transfer->stream))
            return 0;
        if (transfer->response.status == 200) {
            stream_data(transfer->stream, (struct str_view){bytes, len});
            return stream_is_closed(transfer->stream) ? 0 : len;
        }
    }
    str_add_bytes(&transfer->response.body, bytes, len);
    return transfer->response.body.overflow && !transfer->stream ? 0 : len;
}

/* Adds "Name: value" as "name: value". A status line starts anew: those before were interim answers. */
static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    struct str *headers = &transfer->response.headers;
    size_t len = size * count, whole = len;

    while (len && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
        len--;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        long status = 0;

        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        transfer->response.status = (int)status;
        str_clear(headers);
        return whole;
    }
    const char *colon = memchr(line, ':', len);

    if (!colon)
        return whole;
    size_t name = (size_t)(colon - line), value = name + 1;

    while (value < len && (line[value] == ' ' || line[value] == '\t'))
        value++;
    for (size_t i = 0; i < name; i++)
        if (line[i] >= 'A' && line[i] <= 'Z')
            line[i] = (char)(line[i] - 'A' + 'a');
    str_add_bytes(headers, line, name);
    str_add(headers, ": ");
    str_add_bytes(headers, line + value, len - value);
    str_add(headers, "\n");
    return headers->overflow ? 0 : whole;
}

/* Whatever came before, also a long sleep: this is the last moment at which it can be left. */
static int on_ready(void *arg, char *their_address, char *our_address, int their_port, int our_port)
{
    const struct transfer *transfer = arg;

    (void)their_address, (void)our_address, (void)their_port, (void)our_port;
    return clock_boot_ms() < atomic_load(transfer->send_before_ms) ? CURL_PREREQFUNC_OK
                                                                   : CURL_PREREQFUNC_ABORT;
}

static int on_progress(void *arg, curl_off_t to_come, curl_off_t come, curl_off_t to_send, curl_off_t sent)
{
    const struct transfer *transfer = arg;

    (void)to_come, (void)come, (void)to_send;
    atomic_store(transfer->sent_bytes, sent);
    return 0;
}

/* "host:port" of the URL: what a message may show. A query or user info may hold secrets. */
static char *target_of(const char *url)
{
    CURLU *parts = curl_url();
    char *host = NULL, *port = NULL, *target = NULL;

    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
        target = xasprintf("%s:%s", host, port);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return target ? target : xstrdup("the URL");
}

static void append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (!longer)
        abort();
    *list = longer;
}

static void add_headers(struct transfer *transfer, const char *const *lines)
{
    bool typed = false;

    for (; lines && *lines; lines++) {
        const char *line = *lines, *colon = strchr(line, ':');

        if (!colon || colon == line || strpbrk(line, "\r\n")) {
            err_set(&transfer->refused, ERR_INVALID, "the header %.*s is not one line \"Name: value\"",
                    (int)strcspn(line, ":\r\n"), line);
            return;
        }
        typed |= strncasecmp(line, "content-type:", strlen("content-type:")) == 0;
        if (colon[1 + strspn(colon + 1, " ")]) {
            append(&transfer->headers, line);
        } else { /* libcurl sends a header without a value only when it is written with a semicolon */
            _cleanup_(freep) char *empty = xasprintf("%.*s;", (int)(colon - line), line);

            append(&transfer->headers, empty);
        }
    }
    append(&transfer->headers, "Expect:"); /* no round trip before a body */
    if (!typed)
        append(&transfer->headers, "Content-Type:"); /* libcurl would say that the body is a form */
}

/* libcurl takes certificates and authorities for the same while their files' names are. What is under way is
 * not cut: an old connection is only not used again. */
enum { FILES_AGE_S = 300 };

static void set_options(struct transfer *transfer)
{
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 15L);
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)FILES_AGE_S);
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)FILES_AGE_S);
    /* Without it, giving up a name lookup waits for the resolver's thread, and every other transfer
     * with it. The thread then cleans up after itself. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    if (transfer->send_before_ms) {
        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready);
        curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    }
    if (transfer->sent_bytes) {
        curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer);
    }
}

static void set_request(struct transfer *transfer, const struct http_request *request)
{
    CURL *easy = transfer->easy;
    bool has_body = str_equal(request->method, "POST") || str_equal(request->method, "PUT") ||
                    str_equal(request->method, "PATCH") || request->body.len;

    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    if (str_equal(request->method, "HEAD")) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else {
        if (has_body) {
            transfer->body = xmemdup(request->body.ptr, request->body.len);
            curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
            curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body);
        }
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    add_headers(transfer, request->headers);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    if (request->no_proxy)
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (request->tls.ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, request->tls.ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* these authorities and no others */
    }
    if (request->tls.cert_file) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, request->tls.cert_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, request->tls.key_file);
    }
}

struct transfer *transfer_new(struct http *http, const struct http_request *request)
{
    struct transfer *transfer = xcalloc(1, sizeof(*transfer));
    size_t max = request->max_response_bytes ? request->max_response_bytes : 8 << 20;

    transfer->http = http;
    transfer->easy = take_handle(http);
    transfer->target = target_of(request->url);
    transfer->timeout_ms = request->timeout_ms;
    transfer->repeatable = str_equal(request->method, "GET") || str_equal(request->method, "HEAD");
    transfer->send_before_ms = request->send_before_ms;
    transfer->sent_bytes = request->sent_bytes;
    transfer->response = (struct http_response){.headers = STR_INIT(MAX_HEADER_BYTES), .body = STR_INIT(max)};
    if (request->timeout_ms <= 0)
        err_set(&transfer->refused, ERR_INVALID, "%s: a request without a time limit", transfer->target);
    set_options(transfer);
    set_request(transfer, request);
    return transfer;
}

void transfer_free(struct transfer *transfer)
{
    give_handle(transfer->http, transfer->easy);
    curl_slist_free_all(transfer->headers);
    http_response_done(&transfer->response);
    free(transfer->body);
    free(transfer->target);
    free(transfer);
}

/* Of connections that were kept and are dead libcurl tries five, and gives up although there may be more. */
bool transfer_again(struct transfer *transfer, CURLcode code)
{
    bool broken = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
    long connected = 0;
    curl_off_t took_us = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connected);
    curl_easy_getinfo(transfer->easy, CURLINFO_TOTAL_TIME_T, &took_us);
    int64_t left_ms = transfer->timeout_ms - took_us / 1000;

    if (!broken || connected > 0 || transfer->response.status || transfer->stream || !transfer->repeatable ||
        left_ms <= 0)
        return false;
    transfer->repeatable = false;
    *transfer->detail = '\0';
    curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    return true;
}

void transfer_error(const struct transfer *transfer, CURLcode code, struct err *err)
{
    const char *target = transfer->target;
    const char *detail = *transfer->detail ? transfer->detail : curl_easy_strerror(code);

    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        err_set(err, ERR_RETRY, "%s: no answer within %lld ms", target, (long long)transfer->timeout_ms);
        return;
    case CURLE_ABORTED_BY_CALLBACK:
        err_set(err, ERR_RETRY, "%s: not sent, the time in which it was allowed is over", target);
        return;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        err_set(err, ERR_INVALID, "%s cannot be used: %s", target, detail);
        return;
    case CURLE_WRITE_ERROR:
        if (transfer->response.body.overflow)
            err_set(err, ERR_RETRY, "%s: the answer has more than %zu bytes", target,
                    transfer->response.body.max);
        else
            err_set(err, ERR_RETRY, "%s: the answer's headers have more than %d bytes", target,
                    MAX_HEADER_BYTES);
        return;
    default:
        err_set(err, ERR_RETRY, "%s: %s", target, detail);
    }
}

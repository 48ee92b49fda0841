/* One request: its body within the caps, its handler, its answer, suspended in between or not.
 *
 * A worker thread owns an exchange, except while it is suspended: then whoever is to answer it may
 * read its body and its data, and holds a reference of its own. libmicrohttpd only marks a connection
 * when it is resumed; its worker takes it up again after the handler has returned, so that an answer
 * may come before that. It does not notice that a client went away while its request was suspended:
 * the answer is then written to nobody and the exchange ends as usual. */
#include "common/http/exchange.h"

#include "common/base/mem.h"

#include <pthread.h>

enum {
    BUDGET_BYTES = 64 << 20,      /* of what requests hold, over all servers */
    FREE_BYTES = 16 << 10,        /* of each exchange, which cost no budget: connections are limited */
    FIRST_BYTES = FREE_BYTES,     /* most that is allocated on a Content-Length's word alone */
    MAX_DISCARD_BYTES = 64 << 20, /* of a refused body; then the connection is cut */
};

struct http_exchange {
    struct exchanges *owner;
    struct MHD_Connection *connection;
    const char *method, *path; /* libmicrohttpd's */

    char *body;
    size_t body_len, body_capacity;
    size_t charged_bytes;  /* what was taken from the budget */
    size_t expected_bytes; /* Content-Length, 0 when there is none */
    size_t discarded_bytes;

    int status; /* of the answer; set before the handler ran: the request is refused */
    struct MHD_Response *response;
    bool handled;   /* the handler was called, or the request refused */
    bool suspended; /* by the handler, and not answered yet: whoever is to answer holds a reference */
    bool parked;    /* so for libmicrohttpd, too */
    struct http_exchange *next, **link;

    atomic_int references;
    void *data;
    void (*free_data)(void *data);
};

static atomic_size_t budget_used;

/* One lock for the few instructions that link a suspended exchange; it outlives every server, for
 * the answers that come after a server was stopped. Requests answered at once never take it. */
static pthread_mutex_t suspended_lock = PTHREAD_MUTEX_INITIALIZER;

/* From now on the exchange holds `bytes`; false: so many are not left, and nothing changed. Whoever only
 * holds the beginning of a body takes nothing from the others. */
static bool charge(struct http_exchange *exchange, size_t bytes)
{
    size_t before = exchange->charged_bytes, after = bytes > FREE_BYTES ? bytes - FREE_BYTES : 0;

    if (after > before) {
        size_t more = after - before;

        if (atomic_fetch_add_explicit(&budget_used, more, memory_order_relaxed) + more > BUDGET_BYTES) {
            atomic_fetch_sub_explicit(&budget_used, more, memory_order_relaxed);
            return false;
        }
    } else if (after < before) {
        atomic_fetch_sub_explicit(&budget_used, before - after, memory_order_relaxed);
    }
    exchange->charged_bytes = after;
    return true;
}

static void drop_body(struct http_exchange *exchange)
{
    free(exchange->body);
    exchange->body = NULL;
    exchange->body_len = exchange->body_capacity = 0;
    (void)charge(exchange, 0);
}

/* What the answer was made from. */
static void drop_question(struct http_exchange *exchange)
{
    if (exchange->free_data)
        exchange->free_data(exchange->data);
    exchange->data = NULL;
    exchange->free_data = NULL;
    drop_body(exchange);
}

static void exchange_unref(struct http_exchange *exchange)
{
    if (atomic_fetch_sub_explicit(&exchange->references, 1, memory_order_acq_rel) > 1)
        return;
    drop_question(exchange);
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    free(exchange);
}

static struct MHD_Response *make_response(const char *content_type, struct str_view body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)(body.len ? body.ptr : ""), MHD_RESPMEM_MUST_COPY);

    if (!response)
        abort(); /* only when memory is out */
    if (content_type)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    return response;
}

/* Our own answer, instead of the handler's. */
static void answer_ourselves(struct http_exchange *exchange, int status)
{
    const char *text = status == 403   ? "a client certificate of the API server is needed here\n"
                       : status == 413 ? "the request body is too large\n"
                       : status == 429 ? "too much is under way; try again\n"
                       : status == 503 ? "the server is stopping\n"
                                       : "the request was not answered\n";

    exchange->status = status;
    exchange->response = make_response("text/plain; charset=utf-8", view(text));
    if (status == 429)
        (void)MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
}

static struct connection *connection_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* A client is looked at with its first request: libmicrohttpd does not tell when the handshake is over. */
static bool is_stranger(const struct exchanges *owner, struct MHD_Connection *made)
{
    struct connection *connection = connection_of(made);

    if (!owner->trust)
        return false;
    if (connection->client == CLIENT_UNKNOWN) {
        gnutls_session_t session =
            MHD_get_connection_info(made, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;

        connection->client = http_trust_accepts(owner->trust, session) ? CLIENT_ACCEPTED : CLIENT_REFUSED;
    }
    return connection->client == CLIENT_REFUSED;
}

static struct http_exchange *exchange_new(struct exchanges *owner, struct MHD_Connection *connection,
                                          const char *method, const char *path)
{
    struct http_exchange *exchange = xcalloc(1, sizeof(*exchange));
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t bytes = 0;

    exchange->owner = owner;
    exchange->connection = connection;
    exchange->method = method;
    exchange->path = path;
    exchange->references = 1;
    if (length && !parse_int(length, 0, INT64_MAX, &bytes))
        bytes = INT64_MAX; /* libmicrohttpd refuses what is no number */
    exchange->expected_bytes = (size_t)bytes;
    atomic_fetch_add_explicit(&owner->under_way, 1, memory_order_relaxed);
    return exchange;
}

/* Makes room for `more` bytes of body, or says with which status the request must be refused. */
static int reserve(struct http_exchange *exchange, size_t more)
{
    size_t max = exchange->owner->max_body_bytes, needed = exchange->body_len + more;
    size_t expected = exchange->expected_bytes, capacity = exchange->body_capacity * 2;

    if (needed > max)
        return 413;
    if (needed <= exchange->body_capacity)
        return 0;
    if (capacity == 0)
        capacity = expected < FIRST_BYTES ? expected : FIRST_BYTES;
    if (capacity > expected && needed <= expected)
        capacity = expected;
    if (capacity > max)
        capacity = max;
    if (capacity < needed)
        capacity = needed;
    if (!charge(exchange, capacity))
        return 429;
    exchange->body = xrealloc(exchange->body, capacity);
    exchange->body_capacity = capacity;
    return 0;
}

/* A refused body is read to its end all the same: a client that is still writing does not look for
 * an answer. False: it goes on for too long. */
static bool take_body(struct http_exchange *exchange, const char *data, size_t len)
{
    if (!exchange->status)
        exchange->status = reserve(exchange, len);
    if (exchange->status) {
        drop_body(exchange);
        exchange->discarded_bytes += len;
        return exchange->discarded_bytes <= MAX_DISCARD_BYTES;
    }
    memcpy(exchange->body + exchange->body_len, data, len);
    exchange->body_len += len;
    return true;
}

/* From here on only the client can hold things up: it has little time, and the answer is all that it holds.
 */
static enum MHD_Result send_response(struct http_exchange *exchange)
{
    connection_now(&exchange->owner->connections, connection_of(exchange->connection), CONNECTION_OWES);
    if (!exchange->suspended)
        drop_question(exchange);
    if (atomic_load_explicit(&exchange->owner->draining, memory_order_relaxed))
        (void)MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_CONNECTION, "close");
    return MHD_queue_response(exchange->connection, (unsigned)exchange->status, exchange->response);
}

/* Called with the headers, with each piece of the body, at its end, and after a suspension. */
enum MHD_Result exchange_run(void *exchanges, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *data, size_t *data_len,
                             void **state)
{
    struct exchanges *owner = exchanges;
    struct http_exchange *exchange = *state;

    (void)version;
    if (!exchange) {
        *state = exchange = exchange_new(owner, connection, method, url);
        connection_now(&owner->connections, connection_of(connection), CONNECTION_OWES);
        /* What is answered before its body libmicrohttpd does not keep: a stranger never rests here. */
        if (is_stranger(owner, connection))
            answer_ourselves(exchange, 403);
        else if (exchange->expected_bytes > owner->max_body_bytes)
            answer_ourselves(exchange, 413);
        return exchange->response ? send_response(exchange) : MHD_YES;
    }
    if (*data_len > 0) {
        bool going_on = take_body(exchange, data, *data_len);

        *data_len = 0;
        return going_on ? MHD_YES : MHD_NO;
    }
    if (!exchange->handled) {
        exchange->handled = true;
        connection_now(&owner->connections, connection_of(connection), CONNECTION_ANSWERING);
        if (exchange->status)
            answer_ourselves(exchange, exchange->status);
        else
            owner->handler(owner->handler_arg, exchange);
        if (exchange->parked) /* another thread may be answering it just now */
            return MHD_YES;
        if (!exchange->response)
            answer_ourselves(exchange, 500);
    }
    return send_response(exchange);
}

void exchange_completed(void *exchanges, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode why)
{
    struct exchanges *owner = exchanges;

    (void)why;
    if (!*state)
        return;
    connection_now(&owner->connections, connection_of(connection), CONNECTION_IDLE);
    exchange_unref(*state);
    *state = NULL;
    atomic_fetch_sub_explicit(&owner->under_way, 1, memory_order_release);
}

/* With the lock held. */
static void unpark(struct http_exchange *exchange)
{
    *exchange->link = exchange->next;
    if (exchange->next)
        exchange->next->link = exchange->link;
    MHD_resume_connection(exchange->connection);
}

bool exchanges_close(struct exchanges *exchanges)
{
    pthread_mutex_lock(&suspended_lock);
    bool any = exchanges->suspended;

    exchanges->closed = true;
    while (exchanges->suspended) {
        answer_ourselves(exchanges->suspended, 503);
        unpark(exchanges->suspended);
    }
    pthread_mutex_unlock(&suspended_lock);
    return any;
}

void http_exchange_suspend(struct http_exchange *exchange)
{
    struct exchanges *owner = exchange->owner;

    exchange->suspended = true;
    atomic_fetch_add_explicit(&exchange->references, 1, memory_order_relaxed);
    pthread_mutex_lock(&suspended_lock);
    if (owner->closed) {
        answer_ourselves(exchange, 503);
    } else {
        exchange->parked = true;
        exchange->next = owner->suspended;
        exchange->link = &owner->suspended;
        if (exchange->next)
            exchange->next->link = &exchange->next;
        owner->suspended = exchange;
        MHD_suspend_connection(exchange->connection);
    }
    pthread_mutex_unlock(&suspended_lock);
}

void http_exchange_answer(struct http_exchange *exchange, int status, const char *content_type,
                          struct str_view body)
{
    struct MHD_Response *response = make_response(content_type, body);

    if (!exchange->suspended) {
        exchange->status = status;
        exchange->response = response;
        return;
    }
    pthread_mutex_lock(&suspended_lock);
    bool late = exchange->response; /* the server was stopped and has answered for us */

    if (!late) {
        exchange->status = status;
        exchange->response = response;
        exchange->suspended = false;
        unpark(exchange);
    }
    pthread_mutex_unlock(&suspended_lock);
    if (late)
        MHD_destroy_response(response);
    exchange_unref(exchange);
}

const char *http_exchange_method(const struct http_exchange *exchange)
{
    return exchange->method;
}

const char *http_exchange_path(const struct http_exchange *exchange)
{
    return exchange->path;
}

const char *http_exchange_query(struct http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_exchange_header(struct http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

struct str_view http_exchange_body(const struct http_exchange *exchange)
{
    return (struct str_view){exchange->body ? exchange->body : "", exchange->body_len};
}

bool http_exchange_hold(struct http_exchange *exchange, size_t bytes)
{
    drop_body(exchange);
    if (charge(exchange, bytes))
        return true;
    answer_ourselves(exchange, 429);
    return false;
}

void http_exchange_set_data(struct http_exchange *exchange, void *data, void (*free_data)(void *data))
{
    exchange->data = data;
    exchange->free_data = free_data;
}

void *http_exchange_data(const struct http_exchange *exchange)
{
    return exchange->data;
}

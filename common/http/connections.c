/* Two queues by age. Cutting is a shutdown of the socket: libmicrohttpd's worker sees its end and cleans up.
 */
#include "common/http/connections.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <sys/socket.h>

void connections_init(struct connections *connections, unsigned max)
{
    pthread_mutex_init(&connections->lock, NULL);
    for (size_t i = 0; i < ARRAY_LEN(connections->lists); i++)
        TAILQ_INIT(&connections->lists[i]);
    connections->count = 0;
    connections->max = max;
}

void connections_done(struct connections *connections)
{
    pthread_mutex_destroy(&connections->lock);
}

/* --- with the lock held ------------------------------------------------------------------- */

static void change(struct connections *connections, struct connection *connection,
                   enum connection_state state)
{
    if (connection->state < CONNECTION_LISTS)
        TAILQ_REMOVE(&connections->lists[connection->state], connection, link);
    if (state < CONNECTION_LISTS)
        TAILQ_INSERT_TAIL(&connections->lists[state], connection, link);
    if (state == CONNECTION_OWES)
        connection->due_ms = clock_mono_ms() + CONNECTIONS_REQUEST_MS;
    connection->state = state;
}

static void cut(struct connections *connections, struct connection *connection)
{
    change(connections, connection, CONNECTION_CUT);
    connections->count--;
    (void)shutdown(connection->socket, SHUT_RDWR);
}

static void make_room(struct connections *connections)
{
    for (size_t i = 0; i < ARRAY_LEN(connections->lists) && connections->count >= connections->max; i++) {
        struct connection *oldest = TAILQ_FIRST(&connections->lists[i]);

        if (oldest) {
            cut(connections, oldest);
            return;
        }
    }
}

/* --- for everybody ------------------------------------------------------------------------ */

struct connection *connection_started(struct connections *connections, int socket,
                                      struct http_certificate *certificate)
{
    struct connection *connection = xcalloc(1, sizeof(*connection));

    connection->socket = socket;
    connection->certificate = certificate;
    connection->state = CONNECTION_ANSWERING; /* in no list */
    pthread_mutex_lock(&connections->lock);
    make_room(connections);
    connections->count++;
    change(connections, connection, CONNECTION_OWES);
    if (connections->count > connections->max)
        cut(connections, connection);
    pthread_mutex_unlock(&connections->lock);
    return connection;
}

void connection_ended(struct connections *connections, struct connection *connection)
{
    pthread_mutex_lock(&connections->lock);
    if (connection->state != CONNECTION_CUT)
        connections->count--;
    change(connections, connection, CONNECTION_CUT);
    pthread_mutex_unlock(&connections->lock);
    http_certificate_unref(connection->certificate);
    free(connection);
}

void connection_now(struct connections *connections, struct connection *connection,
                    enum connection_state state)
{
    pthread_mutex_lock(&connections->lock);
    if (connection->state != CONNECTION_CUT)
        change(connections, connection, state);
    pthread_mutex_unlock(&connections->lock);
}

unsigned connections_count(struct connections *connections)
{
    pthread_mutex_lock(&connections->lock);
    unsigned count = connections->count;

    pthread_mutex_unlock(&connections->lock);
    return count;
}

void connections_tick(struct connections *connections, int64_t now_ms)
{
    struct connection *oldest;

    pthread_mutex_lock(&connections->lock);
    while ((oldest = TAILQ_FIRST(&connections->lists[CONNECTION_OWES])) && oldest->due_ms <= now_ms)
        cut(connections, oldest);
    pthread_mutex_unlock(&connections->lock);
}

/* Which connections a server cuts: those that are overdue, and the one that matters least when there are too
 * many. */
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/http/connections.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MAX = 3 };

struct peer { /* a connection, and the client's end of it */
    struct connection *connection;
    int server, client;
};

static struct peer connect_to(struct connections *connections)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    return (struct peer){connection_started(connections, ends[0], NULL), ends[0], ends[1]};
}

static bool is_cut(const struct peer *peer)
{
    char byte;
    ssize_t got = recv(peer->client, &byte, 1, 0);

    assert_true(got == 0 || (got < 0 && errno == EAGAIN));
    return got == 0;
}

static void leave(struct connections *connections, struct peer *peer)
{
    connection_ended(connections, peer->connection);
    close(peer->server);
    close(peer->client);
}

static int setup(void **state)
{
    struct connections *connections = xcalloc(1, sizeof(*connections));

    connections_init(connections, MAX);
    *state = connections;
    return 0;
}

static int teardown(void **state)
{
    struct connections *connections = *state;

    assert_int_equal(connections->count, 0);
    connections_done(connections);
    free(connections);
    return 0;
}

static void a_client_that_owes_its_request_is_cut_after_ten_seconds(void **state)
{
    struct connections *connections = *state;
    int64_t before_ms = clock_mono_ms();
    struct peer slow = connect_to(connections), idle = connect_to(connections),
                asked = connect_to(connections);

    connection_now(connections, idle.connection, CONNECTION_IDLE);
    connection_now(connections, asked.connection, CONNECTION_ANSWERING);
    connections_tick(connections, before_ms + CONNECTIONS_REQUEST_MS - 1);
    assert_false(is_cut(&slow));
    connections_tick(connections, clock_mono_ms() + CONNECTIONS_REQUEST_MS);
    assert_true(is_cut(&slow));
    assert_false(is_cut(&idle) || is_cut(&asked));
    leave(connections, &slow);
    leave(connections, &idle);
    leave(connections, &asked);
}

static void the_second_request_has_ten_seconds_too(void **state)
{
    struct connections *connections = *state;
    struct peer client = connect_to(connections);

    connection_now(connections, client.connection, CONNECTION_ANSWERING);
    connection_now(connections, client.connection, CONNECTION_IDLE);
    connections_tick(connections, clock_mono_ms() + 2 * CONNECTIONS_REQUEST_MS);
    assert_false(is_cut(&client));
    connection_now(connections, client.connection, CONNECTION_OWES);
    connections_tick(connections, clock_mono_ms() + CONNECTIONS_REQUEST_MS);
    assert_true(is_cut(&client));
    leave(connections, &client);
}

static void one_too_many_takes_the_place_of_the_oldest_that_owes_its_request(void **state)
{
    struct connections *connections = *state;
    struct peer served = connect_to(connections), first, second, third, fourth;

    connection_now(connections, served.connection, CONNECTION_IDLE);
    first = connect_to(connections);
    second = connect_to(connections);
    assert_false(is_cut(&first));
    third = connect_to(connections);
    assert_true(is_cut(&first));
    fourth = connect_to(connections); /* the first one has not gone yet: it must not count for two */
    assert_true(is_cut(&second));
    assert_false(is_cut(&third) || is_cut(&fourth) || is_cut(&served));
    leave(connections, &served);
    leave(connections, &first);
    leave(connections, &second);
    leave(connections, &third);
    leave(connections, &fourth);
}

static void where_none_owes_a_request_the_longest_idle_one_goes_and_never_one_that_is_answered(void **state)
{
    struct connections *connections = *state;
    struct peer old = connect_to(connections), asked = connect_to(connections),
                young = connect_to(connections);

    connection_now(connections, asked.connection, CONNECTION_ANSWERING);
    connection_now(connections, young.connection, CONNECTION_IDLE);
    connection_now(connections, old.connection, CONNECTION_IDLE);
    struct peer late = connect_to(connections); /* `young` has been idle for longer */

    assert_true(is_cut(&young));
    assert_false(is_cut(&old) || is_cut(&asked) || is_cut(&late));
    connection_now(connections, young.connection, CONNECTION_ANSWERING); /* too late for it */
    assert_int_equal(young.connection->state, CONNECTION_CUT);
    leave(connections, &old);
    leave(connections, &asked);
    leave(connections, &young);
    leave(connections, &late);
}

static void where_all_are_answered_the_new_one_goes(void **state)
{
    struct connections *connections = *state;
    struct peer asked[MAX];

    for (size_t i = 0; i < MAX; i++) {
        asked[i] = connect_to(connections);
        connection_now(connections, asked[i].connection, CONNECTION_ANSWERING);
    }
    struct peer late = connect_to(connections), later = connect_to(connections);

    assert_true(is_cut(&late) && is_cut(&later));
    leave(connections, &asked[0]);
    struct peer next = connect_to(connections); /* those that were cut have not gone yet */

    assert_false(is_cut(&next) || is_cut(&asked[1]) || is_cut(&asked[2]));
    leave(connections, &asked[1]);
    leave(connections, &asked[2]);
    leave(connections, &late);
    leave(connections, &later);
    leave(connections, &next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_client_that_owes_its_request_is_cut_after_ten_seconds),
        TEST(the_second_request_has_ten_seconds_too),
        TEST(one_too_many_takes_the_place_of_the_oldest_that_owes_its_request),
        TEST(where_none_owes_a_request_the_longest_idle_one_goes_and_never_one_that_is_answered),
        TEST(where_all_are_answered_the_new_one_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

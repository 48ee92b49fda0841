/* Timers on the http thread. */
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/http/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct http *http;

static int set_up(void **state)
{
    struct err err;

    (void)state;
    return http_start(&http, &err);
}

static int tear_down(void **state)
{
    (void)state;
    http_stop(http);
    return 0;
}

static struct str fired;
static struct http_timer timers[3];

static void fire(void *arg)
{
    str_add(&fired, arg);
}

static void set_timers(void *arg)
{
    /* cppcheck-suppress constVariable ; what a timer hands back is not const */
    static char names[3][2] = {"a", "b", "c"};

    (void)arg;
    for (size_t i = 0; i < 3; i++)
        timers[i] = (struct http_timer){.fire = fire, .arg = names[i]};
    http_timer_set(http, &timers[2], 1);  /* "c" */
    http_timer_set(http, &timers[1], 60); /* moved forward below */
    http_timer_set(http, &timers[0], 20); /* cleared below */
    http_timer_set(http, &timers[1], 40);
    http_timer_clear(http, &timers[0]);
    http_timer_clear(http, &timers[0]);
}

static void look(void *arg)
{
    *(char **)arg = xstrdup(str_text(&fired));
}

static void timers_fire_in_their_order_unless_cleared(void **state)
{
    _cleanup_(freep) char *text = NULL;

    (void)state;
    fired = STR_INIT(100);
    http_run(http, set_timers, NULL);
    clock_sleep_ms(20);
    http_run(http, look, &text);
    assert_string_equal(text, "c");
    free(text);
    clock_sleep_ms(60);
    http_run(http, look, &text);
    assert_string_equal(text, "cb");
    str_done(&fired);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(timers_fire_in_their_order_unless_cleared)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

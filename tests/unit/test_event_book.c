/* Which events are counted up, which are dropped, and that what is remembered stays bounded. */
#include "common/kube/event_book.h"

#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct event_book *book;
static int64_t now_ms;
static struct event_series series;

static int set_up(void **state)
{
    (void)state;
    book = event_book_new();
    now_ms = 1000;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    event_book_free(book);
    return 0;
}

/* A second passes with each. */
static bool enter(const char *object, const char *text)
{
    now_ms += 1000;
    return event_book_enter(book, object, text, now_ms, now_ms / 1000, &series);
}

static bool enter_numbered(const char *object, int number)
{
    _cleanup_(freep) char *text = xasprintf("text %d", number);

    return enter(object, text);
}

static void what_is_said_again_of_the_same_object_is_counted_up(void **state)
{
    (void)state;
    assert_true(enter("a", "Stalled"));
    assert_int_equal(series.count, 1);
    uint64_t number = series.number;
    int64_t first_s = series.first_s;

    assert_true(enter("a", "Created"));
    assert_int_equal(series.count, 1);
    assert_int_not_equal(series.number, number);
    assert_true(enter("b", "Stalled"));
    assert_int_equal(series.count, 1);
    assert_int_not_equal(series.number, number);
    assert_true(enter("a", "Stalled"));
    assert_int_equal(series.count, 2);
    assert_int_equal(series.number, number);
    assert_int_equal(series.first_s, first_s);
}

static void an_object_that_says_too_much_is_silent_until_time_has_passed(void **state)
{
    (void)state;
    for (int i = 0; i < EVENT_BURST; i++)
        assert_true(enter_numbered("a", i));
    assert_false(enter("a", "one too many"));
    assert_true(enter("b", "another object"));
    now_ms += EVENT_REFILL_MS;
    assert_true(enter("a", "after a while"));
    assert_false(enter("a", "and again too many"));
}

/* As many refused deletions of different objects would be. */
static void all_objects_together_say_no_more_than_their_share(void **state)
{
    (void)state;
    for (int i = 0; i < EVENT_BURST_ALL + 1; i++) {
        _cleanup_(freep) char *object = xasprintf("object %d", i);
        bool entered = event_book_enter(book, object, "Refused", now_ms, now_ms / 1000, &series);

        assert_int_equal(entered, i < EVENT_BURST_ALL);
    }
    now_ms += EVENT_REFILL_ALL_MS;
    assert_true(event_book_enter(book, "a", "Stalled", now_ms, now_ms / 1000, &series));
    assert_false(event_book_enter(book, "b", "Stalled", now_ms, now_ms / 1000, &series));
}

static void what_was_used_longest_ago_is_forgotten_first(void **state)
{
    (void)state;
    assert_true(enter("a", "Stalled"));
    assert_true(enter("b", "Stalled"));
    assert_true(enter("a", "Stalled"));
    for (int i = 0; i < EVENT_BOOK_SLOTS - 1; i++) {
        _cleanup_(freep) char *object = xasprintf("object %d", i);

        assert_true(enter(object, "Stalled"));
    }
    assert_true(enter("a", "Stalled"));
    assert_int_equal(series.count, 3);
    assert_true(enter("b", "Stalled"));
    assert_int_equal(series.count, 1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_said_again_of_the_same_object_is_counted_up),
        test(an_object_that_says_too_much_is_silent_until_time_has_passed),
        test(all_objects_together_say_no_more_than_their_share),
        test(what_was_used_longest_ago_is_forgotten_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The work queue. */
#include "controller/queue.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"
#include "common/base/str.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <cmocka.h>

static void get(struct queue *queue, const char *expected)
{
    assert_string_equal(queue_get(queue), expected);
}

/* Ends the work on each; the list ends with NULL. */
static void done(struct queue *queue, const char *const *keys)
{
    for (; *keys; keys++)
        queue_done(queue, *keys);
}

/* Adds a last key and sees that it is the next one: nothing else was due. */
static void assert_nothing_due(struct queue *queue)
{
    queue_add(queue, "last");
    get(queue, "last");
    queue_done(queue, "last");
}

static double metric_of(const char *name)
{
    _cleanup_(str_done) struct str text = STR_INIT(1 << 20);
    _cleanup_(freep) char *line = xasprintf("\n%s{name=\"measured\",controller=\"measured\"} ", name);
    char *end;

    metrics_print(&text);
    const char *found = strstr(str_text(&text), line);

    assert_non_null(found);
    double value = strtod(found + strlen(line), &end);

    assert_int_equal(*end, '\n');
    return value;
}

static void what_is_at_work_is_measured_when_somebody_asks(void **state)
{
    struct queue *queue = queue_new("measured");

    (void)state;
    queue_add(queue, "a");
    queue_add(queue, "b");
    queue_add(queue, "waits");
    get(queue, "a");
    get(queue, "b");
    clock_sleep_ms(20);
    queue_measure(queue);
    assert_true(metric_of("workqueue_longest_running_processor_seconds") >= 0.02);
    assert_true(metric_of("workqueue_unfinished_work_seconds") >= 0.04);
    queue_done(queue, "a");
    queue_done(queue, "b");
    queue_measure(queue);
    assert_true(metric_of("workqueue_unfinished_work_seconds") == 0);
    queue_free(queue);
}

static void keys_come_out_in_order_and_once(void **state)
{
    struct queue *queue = queue_new("test");

    (void)state;
    queue_add(queue, "a");
    queue_add(queue, "b");
    queue_add(queue, "a");
    get(queue, "a");
    get(queue, "b");
    queue_done(queue, "a");
    queue_done(queue, "b");
    assert_nothing_due(queue);
    queue_free(queue);
}

static void a_key_that_changes_at_work_comes_again_afterwards_and_only_once(void **state)
{
    struct queue *queue = queue_new("test");

    (void)state;
    queue_add(queue, "a");
    get(queue, "a");
    queue_add(queue, "a");
    queue_add(queue, "a");
    assert_nothing_due(queue); /* not while a worker has it */
    queue_done(queue, "a");
    get(queue, "a");
    queue_done(queue, "a");
    assert_nothing_due(queue);
    queue_free(queue);
}

static void the_earlier_of_two_due_times_counts(void **state)
{
    struct queue *queue = queue_new("test");
    int64_t start_ms = clock_mono_ms();

    (void)state;
    queue_add_after(queue, "a", 60000);
    queue_add_after(queue, "a", 30);
    queue_add_after(queue, "a", 90000);
    get(queue, "a");
    assert_in_range(clock_mono_ms() - start_ms, 30, 1000);
    queue_done(queue, "a");
    assert_nothing_due(queue);
    queue_free(queue);
}

static void a_key_that_is_due_later_can_be_added_now(void **state)
{
    struct queue *queue = queue_new("test");
    int64_t start_ms = clock_mono_ms();

    (void)state;
    queue_add_after(queue, "a", 30);
    queue_add(queue, "a");
    get(queue, "a");
    queue_done(queue, "a");
    get(queue, "a");
    assert_in_range(clock_mono_ms() - start_ms, 30, 1000);
    queue_done(queue, "a");
    queue_free(queue);
}

static void a_key_that_becomes_due_at_work_waits_for_the_worker(void **state)
{
    struct queue *queue = queue_new("test");

    (void)state;
    queue_add(queue, "a");
    get(queue, "a");
    queue_add_after(queue, "a", 1);
    clock_sleep_ms(5);
    assert_nothing_due(queue);
    queue_done(queue, "a");
    get(queue, "a");
    queue_done(queue, "a");
    queue_free(queue);
}

static void retries_double_up_to_the_cap_and_start_anew_after_forget(void **state)
{
    const struct queue_backoff backoff = {.first_ms = 1000, .max_ms = 120000};
    struct queue *queue = queue_new("test");
    int64_t nominal_ms = 1000;

    (void)state;
    for (int i = 0; i < 40; i++) {
        int64_t ms = queue_retry(queue, "a", &backoff, 0, false);

        assert_in_range(ms, nominal_ms * 3 / 4, nominal_ms * 5 / 4);
        assert_true(ms <= 120000);
        nominal_ms = nominal_ms * 2 > 120000 ? 120000 : nominal_ms * 2;
    }
    queue_forget(queue, "a");
    assert_in_range(queue_retry(queue, "a", &backoff, 0, false), 750, 1250);
    assert_int_equal(queue_retry(queue, "b", &backoff, 7000, false), 7000);
    queue_free(queue);
}

static void a_retry_of_what_nobody_waits_for_comes_after_what_changed(void **state)
{
    const struct queue_backoff at_once = {.first_ms = 1, .max_ms = 1};
    struct queue *queue = queue_new("test");

    (void)state;
    queue_retry(queue, "routine", &at_once, 0, true);
    clock_sleep_ms(5);
    queue_add(queue, "changed");
    assert_string_equal(queue_get(queue), "changed");
    assert_string_equal(queue_get(queue), "routine");
    queue_retry(queue, "begun", &at_once, 0, false);
    clock_sleep_ms(5);
    queue_add(queue, "added");
    assert_string_equal(queue_get(queue), "begun");
    queue_free(queue);
}

static void ten_thousand_delayed_keys_come_out_none_early_and_none_late(void **state)
{
    enum { COUNT = 10000, SPREAD = 97 };
    static int64_t due_ms[COUNT];
    struct queue *queue = queue_new("test");
    int64_t start_ms = clock_mono_ms(), number;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        _cleanup_(freep) char *key = xasprintf("%d", i);

        queue_add_after(queue, key, 60000 + i % SPREAD); /* later … */
    }
    for (int i = 0; i < COUNT; i++) {
        _cleanup_(freep) char *key = xasprintf("%d", i);
        int after_ms = 100 + i * 31 % SPREAD;

        due_ms[i] = clock_mono_ms() + after_ms;
        queue_add_after(queue, key, after_ms); /* … and earlier after all */
    }
    assert_true(clock_mono_ms() - start_ms < 1000);
    for (int i = 0; i < COUNT; i++) {
        const char *key = queue_get(queue);

        assert_true(parse_int(key, 0, COUNT - 1, &number));
        assert_in_range(clock_mono_ms(), due_ms[number], due_ms[number] + 1000);
        queue_done(queue, key);
    }
    assert_nothing_due(queue);
    queue_free(queue);
}

struct crowd {
    struct queue *queue;
    atomic_int at_work[8];
    atomic_int handled, collisions;
};

static void *work(void *arg)
{
    struct crowd *crowd = arg;

    for (const char *key; (key = queue_get(crowd->queue));) {
        int i = key[0] - 'a';

        if (atomic_fetch_add(&crowd->at_work[i], 1) != 0)
            atomic_fetch_add(&crowd->collisions, 1);
        clock_sleep_ms(1);
        atomic_fetch_sub(&crowd->at_work[i], 1);
        atomic_fetch_add(&crowd->handled, 1);
        queue_done(crowd->queue, key);
    }
    return NULL;
}

static void no_two_workers_have_the_same_key_and_stop_ends_them_all(void **state)
{
    struct crowd crowd = {.queue = queue_new("test")};
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &crowd), 0);
    for (int i = 0; i < 400; i++) {
        const char key[] = {(char)('a' + i % 8), '\0'};

        if (i % 3)
            queue_add(crowd.queue, key);
        else
            queue_add_after(crowd.queue, key, i % 5);
        if (i % 8 == 0)
            clock_sleep_ms(1);
    }
    clock_sleep_ms(50);
    queue_stop(crowd.queue);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crowd.collisions), 0);
    assert_true(atomic_load(&crowd.handled) >= 8);
    assert_null(queue_get(crowd.queue));
    queue_free(crowd.queue);
}

static void jitter_stays_within_its_percentage(void **state)
{
    bool varied = false;

    (void)state;
    for (int i = 0; i < 200; i++) {
        int64_t ms = queue_jitter(600000, 10);

        assert_in_range(ms, 540000, 660000);
        varied |= ms != 600000;
    }
    assert_true(varied);
    assert_int_equal(queue_jitter(0, 10), 0);
}

static void what_nobody_waits_for_comes_last(void **state)
{
    struct queue *queue = queue_new("test");

    (void)state;
    queue_add_upkeep_after(queue, "upkeep-1", 1);
    queue_add_upkeep_after(queue, "upkeep-2", 2);
    clock_sleep_ms(10);
    get(queue, "upkeep-1"); /* there was nothing else */
    queue_add(queue, "person");
    queue_add_after(queue, "begun", 1);
    clock_sleep_ms(5);
    get(queue, "begun");
    get(queue, "person");
    get(queue, "upkeep-2");
    done(queue, (const char *const[]){"upkeep-1", "begun", "person", "upkeep-2", NULL});
    assert_nothing_due(queue);
    queue_free(queue);
}

static void what_was_begun_goes_on_before_what_is_new(void **state)
{
    struct queue *queue = queue_new("test");

    (void)state;
    for (int i = 0; i < 3; i++)
        queue_add(queue, (const char *const[]){"a", "b", "c"}[i]);
    get(queue, "a");
    queue_add_after(queue, "a", 1);
    queue_add(queue, "a"); /* our own write comes back: that alone would be the end of the line */
    queue_done(queue, "a");
    clock_sleep_ms(5);
    get(queue, "a");
    get(queue, "b");
    get(queue, "c");
    done(queue, (const char *const[]){"a", "b", "c", NULL});
    assert_nothing_due(queue);
    queue_free(queue);
}

static void what_was_begun_stays_so_when_upkeep_is_due_earlier_or_was(void **state)
{
    struct queue *queue = queue_new("test");

    (void)state;
    queue_add_after(queue, "a", 3);
    queue_add_upkeep_after(queue, "a", 1);
    queue_add_upkeep_after(queue, "b", 2);
    queue_add_after(queue, "b", 3);
    queue_add(queue, "new");
    clock_sleep_ms(10);
    get(queue, "a");
    get(queue, "b");
    get(queue, "new");
    done(queue, (const char *const[]){"a", "b", "new", NULL});
    assert_nothing_due(queue);
    queue_free(queue);
}

static void what_is_new_has_a_turn_in_eight_however_much_was_begun(void **state)
{
    enum { BEGUN = 30, NEW = 3 };
    struct queue *queue = queue_new("test");
    int news = 0;

    (void)state;
    for (int i = 0; i < BEGUN + NEW; i++) {
        _cleanup_(freep) char *key = xasprintf("%s-%d", i < NEW ? "new" : "begun", i);

        if (i < NEW)
            queue_add(queue, key);
        else
            queue_add_after(queue, key, 1);
    }
    clock_sleep_ms(5);
    for (int turn = 1; turn <= BEGUN + NEW; turn++) {
        bool is_new = str_starts_with(queue_get(queue), "new-");

        assert_int_equal(is_new, turn % 8 == 0 && turn / 8 <= NEW);
        news += is_new;
    }
    assert_int_equal(news, NEW);
    queue_free(queue);
}

static void a_change_moves_a_key_before_the_upkeep_of_others(void **state)
{
    struct queue *queue = queue_new("test");

    (void)state;
    for (int i = 0; i < 3; i++)
        queue_add_upkeep_after(queue, (const char *const[]){"a", "b", "c"}[i], 1 + i);
    clock_sleep_ms(10);
    get(queue, "a");
    queue_add(queue, "c"); /* is in line already */
    queue_add(queue, "a"); /* is at work, and comes again */
    queue_done(queue, "a");
    get(queue, "c");
    get(queue, "a");
    get(queue, "b");
    queue_done(queue, "a");
    queue_done(queue, "b");
    queue_done(queue, "c");
    assert_nothing_due(queue);
    queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_at_work_is_measured_when_somebody_asks),
        cmocka_unit_test(keys_come_out_in_order_and_once),
        cmocka_unit_test(a_key_that_changes_at_work_comes_again_afterwards_and_only_once),
        cmocka_unit_test(the_earlier_of_two_due_times_counts),
        cmocka_unit_test(a_key_that_is_due_later_can_be_added_now),
        cmocka_unit_test(a_key_that_becomes_due_at_work_waits_for_the_worker),
        cmocka_unit_test(retries_double_up_to_the_cap_and_start_anew_after_forget),
        cmocka_unit_test(a_retry_of_what_nobody_waits_for_comes_after_what_changed),
        cmocka_unit_test(ten_thousand_delayed_keys_come_out_none_early_and_none_late),
        cmocka_unit_test(no_two_workers_have_the_same_key_and_stop_ends_them_all),
        cmocka_unit_test(what_nobody_waits_for_comes_last),
        cmocka_unit_test(what_was_begun_goes_on_before_what_is_new),
        cmocka_unit_test(what_was_begun_stays_so_when_upkeep_is_due_earlier_or_was),
        cmocka_unit_test(what_is_new_has_a_turn_in_eight_however_much_was_begun),
        cmocka_unit_test(a_change_moves_a_key_before_the_upkeep_of_others),
        cmocka_unit_test(jitter_stays_within_its_percentage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The limiter: the bucket with a clock of our own, the line with threads. */
#include "common/aws/limiter.h"
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Sends as fast as the bucket lets it, until the clock says `until_ms`. */
static int64_t calls_until(struct limiter_bucket *bucket, int64_t *now_ms, int64_t until_ms)
{
    int64_t count = 0;

    while (*now_ms < until_ms) {
        int64_t wait_ms = limiter_take(bucket, *now_ms);

        if (wait_ms == 0)
            count++;
        *now_ms += wait_ms;
    }
    return count;
}

static void calls_are_paced(void **state)
{
    struct limiter_bucket bucket = limiter_bucket_make(14, 0);
    int64_t now_ms = 0;
    (void)state;

    assert_in_range(calls_until(&bucket, &now_ms, 10 * 1000), 14 * 10 + 5, 14 * 10 + 7);
    assert_in_range(calls_until(&bucket, &now_ms, 20 * 1000), 14 * 10 - 2, 14 * 10 + 1);
}

static void aws_never_sees_more_than_its_own_bucket_holds(void **state)
{
    struct limiter_bucket bucket = limiter_bucket_make(14, 0);
    double theirs = 15;
    int64_t now_ms = 0, before_ms = 0;
    (void)state;

    for (int i = 0; i < 1000; i++) {
        for (int64_t wait_ms; (wait_ms = limiter_take(&bucket, now_ms)) > 0;)
            now_ms += wait_ms;
        theirs += (double)(now_ms - before_ms) * 15 / 1000;
        theirs = (theirs > 15 ? 15 : theirs) - 1;
        assert_true(theirs >= 0);
        before_ms = now_ms;
        if (i % 100 == 0) /* a pause, and everything at once again */
            now_ms += 5000;
    }
}

static void the_wait_that_is_told_is_enough_and_not_too_long(void **state)
{
    struct limiter_bucket bucket = limiter_bucket_make(14, 0);
    (void)state;

    while (limiter_take(&bucket, 0) == 0)
        ;
    int64_t wait_ms = limiter_take(&bucket, 0);

    assert_in_range(wait_ms, 1, 72);
    assert_int_not_equal(limiter_take(&bucket, wait_ms - 1), 0);
    assert_int_equal(limiter_take(&bucket, wait_ms), 0);
}

static void silence_saves_up_no_more_than_half_a_second(void **state)
{
    struct limiter_bucket bucket = limiter_bucket_make(95, 0);
    int64_t count = 0;
    (void)state;

    while (limiter_take(&bucket, INT64_MAX / 2) == 0)
        count++;
    assert_int_equal(count, 47);
}

static void a_429_halves_the_rate_and_answers_bring_it_back(void **state)
{
    struct limiter_bucket bucket = limiter_bucket_make(14, 0);
    int64_t now_ms = 1000;
    (void)state;

    limiter_throttled(&bucket, now_ms, 0);
    assert_int_equal(bucket.rate, 7000);
    limiter_throttled(&bucket, now_ms + 10, 0); /* was under way together with the first */
    assert_int_equal(bucket.rate, 7000);
    assert_in_range(calls_until(&bucket, &now_ms, 11 * 1000), 69, 70);
    limiter_throttled(&bucket, 12 * 1000, 0);
    assert_int_equal(bucket.rate, 3500);
    for (int i = 0; i < 100; i++)
        limiter_throttled(&bucket, (20 + i) * 1000, 0);
    assert_in_range(bucket.rate, 1, 1000);
    for (int i = 0; i < 40; i++)
        limiter_answered(&bucket);
    assert_int_equal(bucket.rate, 14000);
}

static void nothing_is_sent_before_retry_after(void **state)
{
    struct limiter_bucket bucket = limiter_bucket_make(14, 0);
    (void)state;

    limiter_throttled(&bucket, 1000, 5000);
    assert_int_equal(limiter_take(&bucket, 1000), 5000);
    assert_int_equal(limiter_take(&bucket, 5999), 1);
    assert_int_equal(limiter_take(&bucket, 6000), 0);
}

static void a_clock_that_stands_still_or_goes_back_gives_nothing_away(void **state)
{
    struct limiter_bucket bucket = limiter_bucket_make(14, 1000);
    (void)state;

    while (limiter_take(&bucket, 1000) == 0)
        ;
    for (int64_t now_ms = 1000; now_ms > 0; now_ms -= 100)
        assert_int_not_equal(limiter_take(&bucket, now_ms), 0);
}

/* --- the line ----------------------------------------------------------------------------- */

struct caller {
    struct limiter *limiter;
    enum limiter_priority priority;
    const atomic_bool *stop;
    atomic_int *counter;
    int result, place;
    struct err err;
    pthread_t thread;
};

static void *call(void *arg)
{
    struct caller *caller = arg;

    caller->result = limiter_wait(caller->limiter, NULL, "eu-west-1", LIMITER_OTHER, caller->priority,
                                  caller->stop, &caller->err);
    caller->place = atomic_fetch_add(caller->counter, 1);
    return NULL;
}

/* So that the next one has to wait. */
static void use_up(struct limiter *limiter)
{
    for (int i = 0; i < 7; i++)
        assert_int_equal(limiter_wait(limiter, NULL, "eu-west-1", LIMITER_OTHER, LIMITER_PERSON, NULL, NULL),
                         0);
}

static void a_person_overtakes_upkeep(void **state)
{
    struct limiter *limiter = limiter_new();
    struct caller callers[6];
    atomic_int counter = 0;
    (void)state;

    use_up(limiter);
    for (int i = 0; i < 6; i++) {
        callers[i] = (struct caller){
            .limiter = limiter, .priority = i < 5 ? LIMITER_UPKEEP : LIMITER_PERSON, .counter = &counter};
        pthread_create(&callers[i].thread, NULL, call, &callers[i]);
        clock_sleep_ms(i < 5 ? 1 : 0);
    }
    for (int i = 0; i < 6; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].result, 0);
    }
    assert_in_range(callers[5].place, 0, 1); /* one may have had its turn already */
    limiter_free(limiter);
}

static void regions_accounts_and_kinds_do_not_wait_for_each_other(void **state)
{
    struct limiter *limiter = limiter_new();
    int64_t start_ms = clock_mono_ms();
    (void)state;

    use_up(limiter);
    assert_int_equal(limiter_wait(limiter, NULL, "eu-west-2", LIMITER_OTHER, LIMITER_PERSON, NULL, NULL), 0);
    assert_int_equal(limiter_wait(limiter, "1", "eu-west-1", LIMITER_OTHER, LIMITER_PERSON, NULL, NULL), 0);
    assert_int_equal(
        limiter_wait(limiter, NULL, "eu-west-1", LIMITER_GET_FUNCTION, LIMITER_PERSON, NULL, NULL), 0);
    assert_in_range(clock_mono_ms() - start_ms, 0, 60);
    limiter_free(limiter);
}

static void a_long_silence_is_not_waited_out_by_a_worker(void **state)
{
    struct limiter *limiter = limiter_new();
    struct err err;
    (void)state;

    limiter_note(limiter, NULL, "eu-west-1", LIMITER_OTHER, true, 60 * 1000);
    assert_int_equal(limiter_wait(limiter, NULL, "eu-west-1", LIMITER_OTHER, LIMITER_PERSON, NULL, &err),
                     ERR_THROTTLED);
    assert_in_range(err.retry_after_ms, 59 * 1000, 60 * 1000);
    limiter_free(limiter);
}

static void stopping_ends_the_wait(void **state)
{
    struct limiter *limiter = limiter_new();
    atomic_bool stop = false;
    atomic_int counter = 0;
    struct caller callers[3];
    int64_t start_ms = clock_mono_ms();
    (void)state;

    limiter_note(limiter, NULL, "eu-west-1", LIMITER_OTHER, true, 9 * 1000);
    for (int i = 0; i < 3; i++) {
        callers[i] = (struct caller){.limiter = limiter, .stop = &stop, .counter = &counter};
        pthread_create(&callers[i].thread, NULL, call, &callers[i]);
    }
    clock_sleep_ms(30);
    atomic_store(&stop, true);
    limiter_wake(limiter);
    for (int i = 0; i < 3; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].result, ERR_RETRY);
    }
    assert_in_range(clock_mono_ms() - start_ms, 0, 3000);
    limiter_free(limiter);
}

static void waits_are_measured(void **state)
{
    struct limiter *limiter = limiter_new();
    _cleanup_(str_done) struct str text = STR_INIT(1 << 20);
    (void)state;

    use_up(limiter);
    metrics_print(&text);
    assert_non_null(strstr(str_text(&text), "kubelambda_aws_limiter_wait_seconds_count{bucket=\"other\"}"));
    limiter_free(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_paced),
        cmocka_unit_test(aws_never_sees_more_than_its_own_bucket_holds),
        cmocka_unit_test(the_wait_that_is_told_is_enough_and_not_too_long),
        cmocka_unit_test(silence_saves_up_no_more_than_half_a_second),
        cmocka_unit_test(a_429_halves_the_rate_and_answers_bring_it_back),
        cmocka_unit_test(nothing_is_sent_before_retry_after),
        cmocka_unit_test(a_clock_that_stands_still_or_goes_back_gives_nothing_away),
        cmocka_unit_test(a_person_overtakes_upkeep),
        cmocka_unit_test(regions_accounts_and_kinds_do_not_wait_for_each_other),
        cmocka_unit_test(a_long_silence_is_not_waited_out_by_a_worker),
        cmocka_unit_test(stopping_ends_the_wait),
        cmocka_unit_test(waits_are_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* When a call is made again. */
#include "cli/repeat.h"

#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void what_passes_is_tried_five_times_and_later_each_time(void **state)
{
    static const struct {
        int attempt, r, retry_after_ms;
        int64_t expected_ms;
    } rows[] = {
        {1, ERR_RETRY, 0, 500},         {1, ERR_THROTTLED, 0, 500}, {2, ERR_RETRY, 0, 1000},
        {4, ERR_RETRY, 0, 4000},        {5, ERR_RETRY, 0, -1},      {5, ERR_THROTTLED, 9000, -1},
        {1, ERR_THROTTLED, 3000, 3000}, {4, ERR_RETRY, 3000, 4000}, {1, 0, 0, -1},
        {1, ERR_NOT_FOUND, 0, -1},      {1, ERR_DENIED, 0, -1},     {1, ERR_INVALID, 0, -1},
        {1, ERR_CONFLICT, 0, -1},       {1, ERR_FATAL, 0, -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct err err = {.class = rows[i].r, .retry_after_ms = rows[i].retry_after_ms};

        assert_int_equal(repeat_after_ms(rows[i].attempt, rows[i].r, &err), rows[i].expected_ms);
    }
}

static void once_nothing_answers_no_other_call_waits(void **state)
{
    const struct err busy = {.class = ERR_RETRY, .status = 503}, silent = {.class = ERR_RETRY};
    struct repeat repeat = {0};

    (void)state;
    assert_false(repeat_wait(&repeat, 5, ERR_RETRY, &busy));
    assert_true(repeat_wait(&repeat, 1, ERR_RETRY, &silent));
    assert_false(repeat_wait(&repeat, 5, ERR_RETRY, &silent));
    assert_false(repeat_wait(&repeat, 1, ERR_RETRY, &silent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_passes_is_tried_five_times_and_later_each_time),
        cmocka_unit_test(once_nothing_answers_no_other_call_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

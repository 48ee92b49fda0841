/* The error value: classes, context, and messages that are cut. */
#include "common/base/err.h"

#include "common/base/json_scan.h"
#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_valid_utf8(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len;) {
        size_t step = utf8_sequence(text + i, len - i);

        if (step == 0)
            fail_msg("invalid UTF-8 at byte %zu of \"%s\"", i, text);
        i += step;
    }
}

static void set_gives_class_and_message_and_clears_the_rest(void **state)
{
    struct err err = {.class = ERR_FATAL, .status = 500, .retry_after_ms = 9, .code = "Old", .msg = "old"};

    (void)state;
    assert_int_equal(err_set(&err, ERR_NOT_FOUND, "no function \"%s\"", "f"), ERR_NOT_FOUND);
    assert_int_equal(err.class, ERR_NOT_FOUND);
    assert_string_equal(err.msg, "no function \"f\"");
    assert_string_equal(err.code, "");
    assert_int_equal(err.status, 0);
    assert_int_equal(err.retry_after_ms, 0);
}

static void wrap_puts_context_before_the_message_and_keeps_the_rest(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_THROTTLED, "slow down");
    err.status = 429;
    err.retry_after_ms = 1000;
    assert_int_equal(err_wrap(&err, "function %s", "f"), ERR_THROTTLED);
    assert_int_equal(err_wrap(&err, "region %d", 1), ERR_THROTTLED);
    assert_string_equal(err.msg, "region 1: function f: slow down");
    assert_int_equal(err.status, 429);
    assert_int_equal(err.retry_after_ms, 1000);
}

static void an_error_may_be_told_from_its_own_message(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_INVALID, "one");
    err_set(&err, ERR_DENIED, "(%s)", err.msg);
    assert_string_equal(err.msg, "(one)");
    err_wrap(&err, "again %s", err.msg);
    assert_string_equal(err.msg, "again (one): (one)");
}

static void nobody_needs_to_listen(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_CONFLICT, "%s", "x"), ERR_CONFLICT);
    assert_true(err_wrap(NULL, "%s", "x") < 0); /* which class is not known */
}

/* Every length around the cut, with characters of one to four bytes. */
static void a_cut_message_never_ends_in_half_a_character(void **state)
{
    static const char *const characters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    struct err err;

    (void)state;
    for (size_t kind = 0; kind < ARRAY_LEN(characters); kind++) {
        size_t width = strlen(characters[kind]);

        for (size_t before = sizeof(err.msg) - 12; before < sizeof(err.msg) + 4; before++) {
            char text[2 * sizeof(err.msg)];

            memset(text, 'x', before);
            for (size_t at = before; at < before + 4 * width; at += width)
                memcpy(text + at, characters[kind], width);
            text[before + 4 * width] = '\0';

            err_set(&err, ERR_INVALID, "%s", text);
            assert_valid_utf8(err.msg);
            assert_memory_equal(err.msg, text, strlen(err.msg));
            assert_true(strlen(err.msg) >=
                        (before + 4 * width < sizeof(err.msg) ? before + 4 * width : sizeof(err.msg) - 4));

            err_set(&err, ERR_INVALID, "%s", characters[kind]);
            err_wrap(&err, "%.*s", (int)before, text);
            assert_valid_utf8(err.msg);
            err_set(&err, ERR_INVALID, "cause");
            err_wrap(&err, "%s", text);
            assert_valid_utf8(err.msg);
        }
    }
}

static void a_whole_character_at_the_end_stays(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_INVALID, "x\xC3\xA9");
    assert_string_equal(err.msg, "x\xC3\xA9");
    err_set(&err, ERR_INVALID, "%s", "\xF0\x9F\x98\x80");
    assert_string_equal(err.msg, "\xF0\x9F\x98\x80");
    err_set(&err, ERR_INVALID, "%s", "");
    assert_string_equal(err.msg, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_gives_class_and_message_and_clears_the_rest),
        cmocka_unit_test(wrap_puts_context_before_the_message_and_keeps_the_rest),
        cmocka_unit_test(an_error_may_be_told_from_its_own_message),
        cmocka_unit_test(nobody_needs_to_listen),
        cmocka_unit_test(a_cut_message_never_ends_in_half_a_character),
        cmocka_unit_test(a_whole_character_at_the_end_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

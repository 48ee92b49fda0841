/* Log lines: always one line, always JSON, whatever is in them. */
#include "common/base/log.h"

#include "common/base/clock.h"
#include "common/base/json.h"
#include "common/base/mem.h"
#include "tests/unit/captured_log.h"

#include <limits.h>

/* The one line that was written, read as JSON. The caller frees. */
static struct json *only_line(void)
{
    _cleanup_(freep) char *text = written();
    size_t len = strlen(text);
    struct json *line = NULL;
    struct err err;

    if (len == 0 || text[len - 1] != '\n' || strchr(text, '\n') != text + len - 1)
        fail_msg("not one line: %s", text);
    assert_true(len <= PIPE_BUF); /* else lines of two threads could mix in a pipe */
    if (json_parse((struct str_view){text, len}, &line, &err) != 0)
        fail_msg("%s: %s", err.msg, text);
    return line;
}

static void a_line_has_time_level_message_and_pairs(void **state)
{
    int64_t wall_s = 0;

    (void)state;
    log_warn("it happened", "name", "fake", "none", (char *)NULL, "why", "because");

    _cleanup_(json_freep) struct json *line = only_line();

    assert_true(clock_parse(json_str_at(line, "time"), &wall_s));
    assert_in_range(clock_wall_s() - wall_s, 0, 5);
    assert_string_equal(json_str_at(line, "level"), "warn");
    assert_string_equal(json_str_at(line, "msg"), "it happened");
    assert_string_equal(json_str_at(line, "name"), "fake");
    assert_string_equal(json_str_at(line, "why"), "because");
    assert_int_equal(json_size(line), 5);
}

static void levels_below_the_lowest_are_silent(void **state)
{
    (void)state;
    log_debug("unseen");
    assert_true(log_set_level("error"));
    log_warn("unseen");
    log_error("seen");

    _cleanup_(json_freep) struct json *line = only_line();

    assert_string_equal(json_str_at(line, "msg"), "seen");
    assert_false(log_set_level("loud"));
    assert_false(log_set_level("ERROR"));
    assert_false(log_set_level(""));
    log_info("still unseen");
    assert_true(log_set_level("debug"));

    _cleanup_(freep) char *nothing = written();

    assert_string_equal(nothing, "");
    log_debug("seen too");

    _cleanup_(json_freep) struct json *next = only_line();

    assert_string_equal(json_str_at(next, "level"), "debug");
}

static void control_characters_and_broken_bytes_stay_inside_their_string(void **state)
{
    (void)state;
    log_info("line\nbreak \"quoted\"\\", "k\ney", "\x01\x1b[31m\r\n", "bytes", "\xFF\xE2\x82");

    _cleanup_(json_freep) struct json *line = only_line();

    assert_string_equal(json_str_at(line, "msg"), "line\nbreak \"quoted\"\\");
    assert_string_equal(json_str_at(line, "k\ney"), "\x01\x1b[31m\r\n");
    assert_string_equal(json_str_at(line, "bytes"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void a_value_of_any_length_leaves_a_line_of_json(void **state)
{
    static char value[10000];

    (void)state;
    for (size_t len = 0; len<sizeof(value); len += len> 3800 && len < 4200 ? 1 : 97) {
        memset(value, 'x', len);
        value[len] = '\0';
        log_info("m", "first", "1", "long", value, "last", "2");

        _cleanup_(json_freep) struct json *line = only_line();
        bool cut = json_str_at(line, "long") == NULL;

        assert_string_equal(json_str_at(line, "first"), "1");
        if (cut || len < 3800)
            assert_string_equal(json_str_at(line, "last"), "2"); /* what does fit is told */
        if (cut)
            assert_string_equal(json_str_at(line, "cut"), "true");
        assert_true(cut ? len > 3800 : len < PIPE_BUF);
    }
}

static void a_message_of_any_length_leaves_a_line_of_json(void **state)
{
    static char message[10000];

    (void)state;
    for (size_t len = 0; len<sizeof(message); len += len> 3800 && len < 4200 ? 1 : 97) {
        memset(message, '\x01', len); /* six bytes each when escaped */
        message[len] = '\0';
        log_info(message, "name", "fake");

        _cleanup_(json_freep) struct json *line = only_line();
        const char *msg = json_str_at(line, "msg");

        assert_non_null(msg);
        assert_string_equal(json_str_at(line, "name"), "fake");
        assert_memory_equal(msg, message, strlen(msg));
        assert_true(strlen(msg) == len || (strlen(msg) >= 400 && json_get(line, "cut")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_time_level_message_and_pairs, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(levels_below_the_lowest_are_silent, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(control_characters_and_broken_bytes_stay_inside_their_string,
                                        begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(a_value_of_any_length_leaves_a_line_of_json, begin_capture,
                                        end_capture),
        cmocka_unit_test_setup_teardown(a_message_of_any_length_leaves_a_line_of_json, begin_capture,
                                        end_capture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

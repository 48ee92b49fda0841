/* The string builder, checked numbers and patterns. */
#include "common/base/str.h"

#include "common/base/mem.h"

#include <inttypes.h>
#include <pthread.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void an_empty_builder_is_an_empty_text(void **state)
{
    struct str str = STR_INIT(10);

    (void)state;
    assert_string_equal(str_text(&str), "");
    assert_int_equal(str_view_of(&str).len, 0);
    assert_non_null(str_view_of(&str).ptr);

    _cleanup_(freep) char *text = str_take(&str);

    assert_string_equal(text, "");
    str_done(&str);
}

static void additions_come_one_after_the_other(void **state)
{
    _cleanup_(str_done) struct str str = STR_INIT(1000);

    (void)state;
    str_add(&str, "a");
    str_add_bytes(&str, "bcd", 2);
    str_add_bytes(&str, NULL, 0);
    str_addf(&str, "%d-%s", 42, "x");
    assert_string_equal(str_text(&str), "abc42-x");
    assert_int_equal(str.len, 7);
    str_clear(&str);
    assert_string_equal(str_text(&str), "");
    str_add(&str, "y");

    _cleanup_(freep) char *text = str_take(&str);

    assert_string_equal(text, "y");
    assert_int_equal(str.len, 0);
    str_add(&str, "again"); /* a builder that was taken from is an empty one */
    assert_string_equal(str_text(&str), "again");
}

static void the_cap_holds_to_the_byte(void **state)
{
    (void)state;
    for (size_t max = 0; max < 200; max++) {
        _cleanup_(str_done) struct str str = STR_INIT(max);

        for (size_t i = 0; i < max; i++)
            str_add(&str, "x");
        assert_false(str.overflow);
        assert_int_equal(str.len, max);
        str_addf(&str, "%c", 'y');
        assert_true(str.overflow);
        assert_int_equal(str.len, max);
        assert_int_equal(strlen(str_text(&str)), max);
    }
}

static void nothing_is_added_after_an_overflow(void **state)
{
    _cleanup_(str_done) struct str str = STR_INIT(5);

    (void)state;
    str_add(&str, "abc");
    str_add(&str, "def"); /* dropped whole */
    str_add(&str, "g");   /* would fit */
    str_addf(&str, "%d", 1);
    str_add_json(&str, "");
    assert_string_equal(str_text(&str), "abc");
    assert_true(str.overflow);
    str_clear(&str);
    str_add(&str, "fits");
    assert_false(str.overflow);
    assert_string_equal(str_text(&str), "fits");
}

static void json_strings_are_escaped_and_always_utf8(void **state)
{
    static const char *const pairs[][2] = {
        {"", "\"\""},
        {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
        {"\n\r\t", "\"\\n\\r\\t\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
        {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {"\xFF", "\"\xEF\xBF\xBD\""},
        {"a\xE2\x82", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""}, /* cut at the end of the text */
        {"\xE2\x82z", "\"\xEF\xBF\xBD\xEF\xBF\xBDz\""},
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        _cleanup_(str_done) struct str str = STR_INIT(1000);
        _cleanup_(freep) char *exact = xstrdup(pairs[i][0]); /* a byte read beyond it is found */

        str_add_json(&str, exact);
        assert_string_equal(str_text(&str), pairs[i][1]);
    }
}

static void percent_encoding_keeps_what_it_is_told_to(void **state)
{
    _cleanup_(str_done) struct str str = STR_INIT(1000);

    (void)state;
    str_add_percent(&str, "aZ09-._~ /:?&=+%\0\xC3", 18, "");
    assert_string_equal(str_text(&str), "aZ09-._~%20%2F%3A%3F%26%3D%2B%25%00%C3");
    str_clear(&str);
    str_add_percent(&str, "a/b c", 5, "/");
    assert_string_equal(str_text(&str), "a/b%20c");
}

static void an_integer_is_whole_and_in_range(void **state)
{
    static const struct {
        const char *text;
        int64_t min, max, value;
    } right[] = {
        {"0", 0, 0, 0},
        {"-0", 0, 0, 0},
        {"5", 5, 5, 5},
        {"-7", -7, 7, -7},
        {"0010", 0, 10, 10},
        {"9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN},
    };
    static const struct {
        const char *text;
        int64_t min, max;
    } wrong[] = {
        {"", 0, 9},
        {"-", -9, 9},
        {"--1", -9, 9},
        {"+1", 0, 9},
        {" 1", 0, 9},
        {"1 ", 0, 9},
        {"1x", 0, 9},
        {"0x1", 0, 9},
        {"1.0", 0, 9},
        {"1e1", 0, 99},
        {"4", 5, 9},
        {"10", 5, 9},
        {"-1", 0, 9},
        {"9223372036854775808", INT64_MIN, INT64_MAX},
        {"-9223372036854775809", INT64_MIN, INT64_MAX},
        {"99999999999999999999999", INT64_MIN, INT64_MAX},
        {"18446744073709551617", INT64_MIN, INT64_MAX},
    };
    int64_t value;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        value = 99;
        assert_true(parse_int(right[i].text, right[i].min, right[i].max, &value));
        assert_true(value == right[i].value);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        value = 99;
        if (parse_int(wrong[i].text, wrong[i].min, wrong[i].max, &value))
            fail_msg("\"%s\" read as %" PRId64, wrong[i].text, value);
        assert_int_equal(value, 99);
    }
}

static void a_duration_has_one_number_and_one_unit(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } right[] = {{"500ms", 500},
                 {"30s", 30000},
                 {"10m", 600000},
                 {"1h", 3600000},
                 {"0s", 0},
                 {"596h", 2145600000},
                 {"2147483647ms", INT32_MAX},
                 {"007s", 7000}};
    static const char *const wrong[] = {"",
                                        "10",
                                        "s",
                                        "-1s",
                                        "1.5h",
                                        "1 s",
                                        "1S",
                                        "1h30m",
                                        "1sec",
                                        " 1s",
                                        "1s ",
                                        "1d",
                                        "2147483648ms",
                                        "597h",
                                        "9999999999999999s",
                                        "00000000000000001s",
                                        "+1s",
                                        "1us"};
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        ms = -1;
        assert_true(parse_duration(right[i].text, &ms));
        assert_int_equal(ms, right[i].ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        ms = -1;
        if (parse_duration(wrong[i], &ms))
            fail_msg("\"%s\" read as %" PRId64 " ms", wrong[i], ms);
        assert_int_equal(ms, -1);
    }
}

static void classes_match_as_the_expression_does(void **state)
{
    static const char *const patterns[] = {"[a-z]+",   "[a-z]*",   "[^]!\"[\\^`[:cntrl:]]+",
                                           "[]a]+",    "[^\n\r]+", "[^[:space:]]+",
                                           "[a]b+[c]", "[a-c]{2}", "[ab]+c?",
                                           "[a][bc]+", "[^a][a]*", "[a][b][c]+"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        _cleanup_(freep) char *anchored = xasprintf("^(%s)$", patterns[i]);
        char text[4] = "";
        regex_t regex;

        assert_int_equal(regcomp(&regex, anchored, REG_EXTENDED | REG_NOSUB), 0);
        for (int c = 0; c < 3 * 256; c++) { /* each byte alone, and between others */
            snprintf(text, sizeof(text), c < 256 ? "%c" : c < 512 ? "a%c" : "%cc", (char)c);
            if (matches(patterns[i], text) != (regexec(&regex, text, 0, NULL, 0) == 0))
                fail_msg("%s and byte %d in \"%s\"", patterns[i], c % 256, text);
        }
        regfree(&regex);
    }
}

static void a_pattern_matches_the_text_as_a_whole(void **state)
{
    static const char word[] = "[a-z]+", either[] = "ab|cd", bounded[] = "[0-9]{2,3}", nothing[] = "";

    (void)state;
    assert_true(matches(word, "abc"));
    assert_false(matches(word, "abc1"));
    assert_false(matches(word, "1abc"));
    assert_false(matches(word, ""));
    assert_false(matches(word, "abc\n"));
    assert_false(matches(word, "\nabc"));
    assert_false(matches(word, "ABC"));
    assert_true(matches(either, "ab"));
    assert_true(matches(either, "cd"));
    assert_false(matches(either, "abcd"));
    assert_false(matches(either, "abx")); /* the anchors hold both alternatives */
    assert_false(matches(either, "xcd"));
    assert_true(matches(bounded, "123"));
    assert_false(matches(bounded, "1234"));
    assert_true(matches(nothing, ""));
    assert_false(matches(nothing, "a"));
}

static void *match_much(void *pattern)
{
    for (int i = 0; i < 500; i++)
        if (!matches(pattern, "fake-function") || matches(pattern, "Fake"))
            return pattern;
    return NULL;
}

static void threads_may_share_patterns(void **state)
{
    static char patterns[2][16] = {"[a-z-]+", "[a-z]+-[a-z]+"};
    pthread_t threads[4];
    void *failed;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_much, patterns[i % 2]), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

static void there_is_room_for_the_patterns_of_all_fields(void **state)
{
    static char patterns[200][8];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        memcpy(patterns[i], "a{0}", 4);
        patterns[i][2] = (char)('1' + i % 9);
        assert_true(matches(patterns[i], "aaaaaaaaa" + 9 - (1 + i % 9)));
    }
}

static void views_and_comparisons_take_null(void **state)
{
    (void)state;
    assert_int_equal(view(NULL).len, 0);
    assert_int_equal(view("abc").len, 3);
    assert_true(str_equal(NULL, NULL));
    assert_false(str_equal(NULL, ""));
    assert_false(str_equal("", NULL));
    assert_true(str_equal("a", "a"));
    assert_false(str_equal("a", "b"));
    assert_true(str_starts_with("abc", "ab"));
    assert_true(str_starts_with("abc", ""));
    assert_false(str_starts_with("ab", "abc"));
}

static void memory_helpers_copy(void **state)
{
    _cleanup_(freep) char *cut = xstrndup("abcdef", 3), *formatted = xasprintf("%s-%d", "a", 1),
                          *copy = xmemdup("a\0b", 3), *none = xstrdup(NULL), *taken = NULL;

    (void)state;
    assert_string_equal(cut, "abc");
    assert_string_equal(formatted, "a-1");
    assert_memory_equal(copy, "a\0b", 3);
    assert_null(none);
    taken = take(cut);
    assert_null(cut);
    assert_string_equal(taken, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_builder_is_an_empty_text),
        cmocka_unit_test(additions_come_one_after_the_other),
        cmocka_unit_test(the_cap_holds_to_the_byte),
        cmocka_unit_test(nothing_is_added_after_an_overflow),
        cmocka_unit_test(json_strings_are_escaped_and_always_utf8),
        cmocka_unit_test(percent_encoding_keeps_what_it_is_told_to),
        cmocka_unit_test(an_integer_is_whole_and_in_range),
        cmocka_unit_test(a_duration_has_one_number_and_one_unit),
        cmocka_unit_test(a_pattern_matches_the_text_as_a_whole),
        cmocka_unit_test(classes_match_as_the_expression_does),
        cmocka_unit_test(threads_may_share_patterns),
        cmocka_unit_test(there_is_room_for_the_patterns_of_all_fields),
        cmocka_unit_test(views_and_comparisons_take_null),
        cmocka_unit_test(memory_helpers_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

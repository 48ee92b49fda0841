/* Globs. */
#include "common/function/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void what_a_glob_matches_is_matched(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""},
        {"*", ""},
        {"*", "anything"},
        {"a*", "a"},
        {"*a", "bca"},
        {"a?c", "abc"},
        {"python3.*", "python3."},
        {"python3.1?", "python3.13"},
        {"*a*b*c", "aabbc"},
        {"**", "x"},
        {"?", "ü"},
        {"*ü?", "xüy"},
        {"a*a", "aaa"},
        {"*.zip", "x.zip.zip"},
        {"arn:*:role/t-*", "arn:aws:iam::1:role/t-"},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (!glob_matches(pairs[i][0], pairs[i][1]))
            fail_msg("%s does not match %s", pairs[i][0], pairs[i][1]);
}

static void everything_else_stands_for_itself(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", "a"},     {"a", ""},    {"?", ""},   {"a", "A"},       {"python3.1?", "python3.1"},
        {"a*b", "a"},  {"*a", "ab"}, {"a?", "a"}, {"a*b*c", "acb"}, {"a.c", "abc"},
        {"[ab]", "a"}, {"??", "ü"},  {"a", "aa"}, {"*b*b", "ab"},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (glob_matches(pairs[i][0], pairs[i][1]))
            fail_msg("%s matches %s", pairs[i][0], pairs[i][1]);
}

/* As plain as can be, and as slow. */
static bool reference(const char *glob, const char *text)
{
    if (!*glob)
        return !*text;
    if (*glob == '*')
        return reference(glob + 1, text) || (*text && reference(glob, text + 1));
    return *text && (*glob == '?' || *glob == *text) && reference(glob + 1, text + 1);
}

static void it_agrees_with_a_plain_definition(void **state)
{
    (void)state;
    uint32_t seed = 1;

    for (int round = 0; round < 200000; round++) {
        char glob[8], text[10];
        size_t glob_len, text_len;

        seed = seed * 1664525 + 1013904223;
        glob_len = seed >> 29;
        for (size_t i = 0; i < glob_len; i++) {
            seed = seed * 1664525 + 1013904223;
            glob[i] = "*?ab"[seed >> 30];
        }
        glob[glob_len] = '\0';
        seed = seed * 1664525 + 1013904223;
        text_len = seed >> 29;
        for (size_t i = 0; i < text_len; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = "ab"[seed >> 31];
        }
        text[text_len] = '\0';
        if (glob_matches(glob, text) != reference(glob, text))
            fail_msg("%s and %s", glob, text);
    }
}

static void hostile_globs_take_no_time(void **state)
{
    (void)state;
    static char glob[2049], text[4097];
    clock_t start = clock();

    for (size_t i = 0; i + 1 < sizeof(glob) - 1; i += 2)
        glob[i] = '*', glob[i + 1] = 'a';
    glob[sizeof(glob) - 2] = 'b';
    memset(text, 'a', sizeof(text) - 1);
    assert_false(glob_matches(glob, text));
    memset(glob, 'a', sizeof(glob) - 1);
    glob[0] = '*';
    glob[sizeof(glob) - 2] = 'b';
    assert_false(glob_matches(glob, text));
    assert_true(clock() - start < CLOCKS_PER_SEC);
}

static void broken_utf8_is_read_to_its_end_and_no_further(void **state)
{
    (void)state;
    assert_true(glob_matches("?", "\xC3"));
    assert_true(glob_matches("*?", "\xE2\x82"));
    assert_false(glob_matches("??", "\xFF"));
    assert_true(glob_matches("?*", "\x80\x80"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_glob_matches_is_matched),
        cmocka_unit_test(everything_else_stands_for_itself),
        cmocka_unit_test(it_agrees_with_a_plain_definition),
        cmocka_unit_test(hostile_globs_take_no_time),
        cmocka_unit_test(broken_utf8_is_read_to_its_end_and_no_further),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Options by table. */
#include "cli/options.h"

#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

struct options {
    const char *name, *size;
    struct option_list files;
    bool loud;
};

static const struct option_row rows[] = {
    {"name", 'n', "NAME", OPTION_TEXT, offsetof(struct options, name), NULL, "a name"},
    {"size", 0, "N", OPTION_TEXT, offsetof(struct options, size), "3", "a size"},
    {"file", 'f', "FILE", OPTION_LIST, offsetof(struct options, files), NULL, "a file"},
    {"loud", 'l', NULL, OPTION_SWITCH, offsetof(struct options, loud), NULL, "a switch"},
};

static const struct option_table table = {.usage = "test [OPTION…]",
                                          .before = "Tests.",
                                          .rows = rows,
                                          .count = ARRAY_LEN(rows),
                                          .after = "That is all."};

static int parse(const char *arguments, struct options *options, struct err *err)
{
    static char text[256];
    char *argv[16], *rest = text;
    int argc = 0;

    snprintf(text, sizeof(text), "test %s", arguments);
    for (char *one; (one = strsep(&rest, " "));)
        if (*one)
            argv[argc++] = one;
    argv[argc] = NULL;
    return options_parse(&table, argc, argv, options, err);
}

static void what_is_not_given_has_its_default(void **state)
{
    (void)state;
    struct options options = {0};
    struct err err;

    assert_int_equal(parse("", &options, &err), 0);
    assert_null(options.name);
    assert_string_equal(options.size, "3");
    assert_int_equal(options.files.count, 0);
    assert_false(options.loud);
}

static void long_and_short_forms_are_the_same(void **state)
{
    (void)state;
    static const char *const forms[] = {"--name x --size 4 --loud", "-n x --size=4 -l", "-lnx --size 4",
                                        "--name=x -l --size 4"};

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct options options = {0};
        struct err err;

        assert_int_equal(parse(forms[i], &options, &err), 0);
        assert_string_equal(options.name, "x");
        assert_string_equal(options.size, "4");
        assert_true(options.loud);
    }
}

static void a_list_keeps_all_in_their_order(void **state)
{
    (void)state;
    struct options options = {0};
    struct err err;

    assert_int_equal(parse("-f a --file b -fc -f -", &options, &err), 0);
    assert_int_equal(options.files.count, 4);
    assert_string_equal(options.files.items[0], "a");
    assert_string_equal(options.files.items[2], "c");
    assert_string_equal(options.files.items[3], "-");
    option_list_done(&options.files);
}

static void wrong_arguments_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *message;
    } cases[] = {
        {"--nope", "unknown option --nope; --help lists them"},
        {"--nope=3", "unknown option --nope=3; --help lists them"},
        {"-z", "unknown option -z; --help lists them"},
        {"-lz", "unknown option -z; --help lists them"},
        {"--name", "--name needs a value"},
        {"-n", "-n needs a value"},
        {"--loud=yes", "--loud=yes: --loud takes no value"},
        {"x", "unexpected argument x"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct options options = {0};
        struct err err = {0};

        assert_int_equal(parse(cases[i].arguments, &options, &err), ERR_INVALID);
        assert_string_equal(err.msg, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(long_and_short_forms_are_the_same),
        cmocka_unit_test(a_list_keeps_all_in_their_order),
        cmocka_unit_test(wrong_arguments_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A file of runtimes over the built-in table. */
#include "common/base/mem.h"
#include "common/function/runtimes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void assert_refused(const char *text, const char *says)
{
    struct runtimes *table = NULL;
    struct err err;

    assert_int_equal(runtimes_parse(view(text), &table, &err), ERR_INVALID);
    assert_null(table);
    if (!strstr(err.msg, says))
        fail_msg("%s\ngives %s\nand not %s", text, err.msg, says);
}

static void rows_replace_those_of_their_name_and_join_the_others(void **state)
{
    static const char *const text =
        "- {name: python3.13, deprecated: 2025-01-01, createBlocked: 2025-02-01, updateBlocked: 2025-03-01}\n"
        "- name: python4.0\n"
        "  deprecated: 2035-01-01\n"
        "  createBlocked: 2035-02-01\n"
        "  updateBlocked: 2035-03-01\n"
        "- name: zig1\n";
    struct runtimes *table = NULL;
    struct err err;

    (void)state;
    assert_int_equal(runtimes_parse(view(text), &table, &err), 0);
    assert_int_equal(table->count, runtimes_builtin.count + 2);
    assert_string_equal(runtime_find(table, "python3.13")->update_blocked, "2025-03-01");
    assert_string_equal(runtime_find(table, "python3.12")->deprecated,
                        runtime_find(&runtimes_builtin, "python3.12")->deprecated);
    assert_null(runtime_find(table, "zig1")->deprecated);
    assert_string_equal(runtime_suggestion(table, "python2.7", "2026-11-24"), "python4.0");
    runtimes_free(table);
}

static void an_empty_list_and_json_are_fine(void **state)
{
    static const char *const texts[] = {"[]", "[{\"name\": \"zig1\", \"deprecated\": null}]"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct runtimes *table = NULL;
        struct err err;

        assert_int_equal(runtimes_parse(view(texts[i]), &table, &err), 0);
        assert_int_equal(table->count, runtimes_builtin.count + i);
        runtimes_free(table);
    }
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    assert_refused("", "must be one list");
    assert_refused("name: x", "must be one list");
    assert_refused("[]\n---\n[]", "must be one list");
    assert_refused("- 7", "item 0 must be an object, not number");
    assert_refused("- {name: a1}\n- {deprecated: 2025-01-01}", "item 1: name must be a runtime's identifier");
    assert_refused("- {name: 'A b'}", "item 0: name must be");
    assert_refused("- {name: a1, obsolete: x}", "runtime a1: there is no member obsolete");
    assert_refused("- {name: a1}\n- {name: a1}", "runtime a1 is there twice");
    assert_refused("- {name: a1, deprecated: 7}", "runtime a1: deprecated must be a date");
    assert_refused("- {name: a1, updateBlocked: 2025-13-01}", "runtime a1: updateBlocked must be a date");
    assert_refused("- {name: a1, deprecated: 2025-01-01}", "runtime a1: write all of");
    assert_refused("[", "line");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_replace_those_of_their_name_and_join_the_others),
        cmocka_unit_test(an_empty_list_and_json_are_fine),
        cmocka_unit_test(what_is_wrong_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* On which line of a YAML text a value is. */
#include "common/base/mem.h"
#include "common/base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct yaml_lines *read_lines(const char *yaml)
{
    _cleanup_(json_freep) struct json *documents = NULL;
    struct yaml_lines *lines = NULL;
    struct err err;

    if (yaml_parse_lines(view(yaml), &documents, &lines, &err) < 0)
        fail_msg("%s: %s", yaml, err.msg);
    return lines;
}

static void check(const struct yaml_lines *lines, size_t document, const char *path, size_t wanted)
{
    size_t line = yaml_line(lines, document, path);

    if (line != wanted)
        fail_msg("%s is on line %zu, not %zu", path, line, wanted);
}

static void members_are_at_their_key_and_items_where_they_begin(void **state)
{
    (void)state;
    _cleanup_(yaml_lines_freep) struct yaml_lines *lines = read_lines("# a comment\n"
                                                                      "a: 1\n"
                                                                      "b:\n"
                                                                      "  c:\n"
                                                                      "    - x\n"
                                                                      "    - k: 1\n"
                                                                      "      l:\n"
                                                                      "        2\n"
                                                                      "  \"d.e\": {f: 1,\n"
                                                                      "    g: 2}\n");

    check(lines, 0, "", 2);
    check(lines, 0, "a", 2);
    check(lines, 0, "b", 3);
    check(lines, 0, "b.c", 4);
    check(lines, 0, "b.c[0]", 5);
    check(lines, 0, "b.c[1]", 6);
    check(lines, 0, "b.c[1].l", 7);
    check(lines, 0, "b[d.e]", 9);
    check(lines, 0, "b[d.e].g", 10);
}

static void what_is_not_there_is_at_the_nearest_thing_around_it(void **state)
{
    (void)state;
    _cleanup_(yaml_lines_freep) struct yaml_lines *lines = read_lines("a:\n  b:\n    c: 1\n  d: 2\n");

    check(lines, 0, "a.b.x", 2);
    check(lines, 0, "a.x.c", 1);
    check(lines, 0, "x", 1);
    check(lines, 0, "a.b[3]", 2);
    check(lines, 0, "a.b[", 2);
    check(lines, 0, "..a", 1);
    check(lines, 1, "a", 0);
    check(NULL, 0, "a", 0);
}

static void each_document_is_looked_at_alone_and_empty_ones_do_not_count(void **state)
{
    (void)state;
    _cleanup_(yaml_lines_freep) struct yaml_lines *lines =
        read_lines("---\n# nothing\n---\na: 1\n---\n---\n\nb: 2\na:\n  b: 1\n...\n");

    check(lines, 0, "a", 4);
    check(lines, 0, "b", 4);
    check(lines, 1, "", 8);
    check(lines, 1, "a", 9);
    check(lines, 2, "a", 0);
}

static void what_an_alias_stands_for_is_at_the_alias(void **state)
{
    (void)state;
    _cleanup_(yaml_lines_freep) struct yaml_lines *lines = read_lines("a: &x\n  k: 1\nb: 2\nc: *x\n");

    check(lines, 0, "a.k", 2);
    check(lines, 0, "c", 4);
    check(lines, 0, "c.k", 4);
}

static void a_byte_order_mark_and_windows_line_ends_change_nothing(void **state)
{
    (void)state;
    _cleanup_(yaml_lines_freep) struct yaml_lines *lines =
        read_lines("\xEF\xBB\xBF"
                   "a: 1\r\nb:\r\n- 1\r\n- 2\r\n---\r\nc: 1\r\n");

    check(lines, 0, "a", 1);
    check(lines, 0, "b[1]", 4);
    check(lines, 1, "c", 6);
}

static void json_has_lines_too(void **state)
{
    (void)state;
    _cleanup_(yaml_lines_freep) struct yaml_lines *lines =
        read_lines("{\n\t\"a\": {\n\t\t\"b\": [1,\n\t\t\t2]\n\t}\n}\n");

    check(lines, 0, "a.b", 3);
    check(lines, 0, "a.b[1]", 4);
}

static void more_values_than_json_holds_are_refused_without_harm(void **state)
{
    (void)state;
    _cleanup_(str_done) struct str text = STR_INIT(8 << 20);
    struct json *documents = NULL;
    struct yaml_lines *lines = NULL;
    struct err err;

    for (int i = 0; i < 450000; i++)
        str_add(&text, "- 1\n");
    assert_int_equal(yaml_parse_lines(str_view_of(&text), &documents, &lines, &err), ERR_INVALID);
    assert_null(documents);
    assert_null(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_at_their_key_and_items_where_they_begin),
        cmocka_unit_test(what_is_not_there_is_at_the_nearest_thing_around_it),
        cmocka_unit_test(each_document_is_looked_at_alone_and_empty_ones_do_not_count),
        cmocka_unit_test(what_an_alias_stands_for_is_at_the_alias),
        cmocka_unit_test(a_byte_order_mark_and_windows_line_ends_change_nothing),
        cmocka_unit_test(json_has_lines_too),
        cmocka_unit_test(more_values_than_json_holds_are_refused_without_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

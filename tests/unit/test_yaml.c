/* YAML as Kubernetes reads it. */
#include "common/base/yaml.h"

#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void check(const char *yaml, const char *wanted_json)
{
    _cleanup_(json_freep) struct json *documents = NULL;
    struct err err = {0};

    if (yaml_parse(view(yaml), &documents, &err) < 0)
        fail_msg("%s: %s", yaml, err.msg);
    _cleanup_(freep) char *json = json_text(documents);

    assert_string_equal(json, wanted_json);
}

static void check_refused(const char *yaml, const char *wanted)
{
    struct json *documents = NULL;
    struct err err = {0};

    assert_int_equal(yaml_parse(view(yaml), &documents, &err), ERR_INVALID);
    assert_null(documents);
    if (!strstr(err.msg, wanted))
        fail_msg("\"%s\" is not in \"%s\"", wanted, err.msg);
}

static void plain_scalars_are_typed_and_quoted_ones_are_strings(void **state)
{
    (void)state;
    check("a: 1\nb: \"1\"\nc: '1'\nd: true\ne: \"true\"\nf: ~\ng:\nh: null\ni: text\n",
          "[{\"a\":1,\"b\":\"1\",\"c\":\"1\",\"d\":true,\"e\":\"true\",\"f\":null,\"g\":null,\"h\":null,"
          "\"i\":\"text\"}]");
    check("[yes, No, on, OFF, y, nope, yEs]", "[[true,false,true,false,true,\"nope\",\"yEs\"]]");
    check("a: |\n  1\nb: >-\n  2\n", "[{\"a\":\"1\\n\",\"b\":\"2\"}]");
}

static void numbers_are_read_as_the_kubernetes_tools_read_them(void **state)
{
    (void)state;
    check("[0x1f, 0o17, 017, 0b101, -12, +3, 1_000, 089]", "[[31,15,15,5,-12,3,1000,89]]");
    check("[1.5, .5, 1., 1e3, -2.5e-1, 0.1]", "[[1.5,0.5,1,1000,-0.25,0.1]]");
    check("[1.2.3, 0x, 1e, ., -, 0b2, 1:30, 2026-11-24, 1e999, python3.12]",
          "[[\"1.2.3\",\"0x\",\"1e\",\".\",\"-\",\"0b2\",\"1:30\",\"2026-11-24\",\"1e999\",\"python3.12\"]]");
    check("[9007199254740992, -0]", "[[9007199254740992,0]]");
    check_refused("a: .inf", "line 1: .inf is not a number");
    check_refused("a: .nan", "line 1: .nan is not a number");
}

static void keys_become_strings(void **state)
{
    (void)state;
    check("on: 1\n1: 2\n\"1x\": 3\n", "[{\"true\":1,\"1\":2,\"1x\":3}]");
}

static void several_documents_are_an_array_without_the_empty_ones(void **state)
{
    (void)state;
    check("a: 1\n---\n---\n# nothing\n---\nb: 2\n...\n", "[{\"a\":1},{\"b\":2}]");
    check("", "[]");
    check("# only a comment\n", "[]");
}

static void json_is_yaml(void **state)
{
    (void)state;
    check("{\"a\": [1, \"x\\u00e9\\n\", {}], \"b\": null}", "[{\"a\":[1,\"x\u00e9\\n\",{}],\"b\":null}]");
}

static void aliases_are_copied(void **state)
{
    (void)state;
    check("a: &x {k: [1]}\nb: *x\nc: &y text\nd: *y\n",
          "[{\"a\":{\"k\":[1]},\"b\":{\"k\":[1]},\"c\":\"text\",\"d\":\"text\"}]");
}

static void aliases_that_explode_are_refused(void **state)
{
    (void)state;
    struct str text = STR_INIT(1 << 20);

    str_add(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 8; i++) {
        str_addf(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 8; j++)
            str_addf(&text, "*a%d,", i - 1);
        str_add(&text, "]\n");
    }
    check_refused(str_text(&text), "");
    str_done(&text);
    check_refused("a: &x [*x]", "line 1: *x has no anchor before it");
    check_refused("a: *x", "has no anchor");
    check_refused("---\na: &x 1\n---\nb: *x\n", "line 4: *x has no anchor");
}

static void more_than_64_aliases_are_refused(void **state)
{
    (void)state;
    struct str text = STR_INIT(4096);

    str_add(&text, "a: &x 1\nb:\n");
    for (int i = 0; i < 65; i++)
        str_add(&text, "- *x\n");
    check_refused(str_text(&text), "line 67: more than 64 aliases");
    str_done(&text);
}

static void what_is_wrong_is_named_with_its_line(void **state)
{
    (void)state;
    check_refused("a: 1\nb: 2\na: 3\n", "line 3: the key \"a\" occurs twice");
    check_refused("a: 1\n  b: 2\n", "line 2:");
    check_refused("a: [1,\n", "line 2:");
    check_refused("a: 1\n<<: {b: 1}\n", "line 2: merge keys");
    check_refused("a: !!binary aGk=\n", "line 1: the tag tag:yaml.org,2002:binary");
    check_refused("a: !custom {}\n", "line 1: the tag !custom");
    check_refused("a: \"x\\0y\"\n", "line 1: a NUL character");
    check_refused("{[1]: 2}", "line 1: a key must be");
    check_refused("a: \xff\n", "not UTF-8");
    check_refused("true: 1\nyes: 2\n", "line 2: the key \"true\" occurs twice");
}

static void explicit_core_tags_are_honoured(void **state)
{
    (void)state;
    check("[!!str 1, !!int \"2\", !!bool yes, !!null ~, ! 5, !!float 3]", "[[\"1\",2,true,null,\"5\",3]]");
    check_refused("a: !!int x\n", "line 1: the tag");
}

static void nesting_beyond_64_is_refused(void **state)
{
    (void)state;
    char text[200];

    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    text[128] = '\0';
    struct json *documents = NULL;

    assert_int_equal(yaml_parse(view(text), &documents, NULL), 0);
    json_free(documents);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    text[130] = '\0';
    check_refused(text, "line 1: nested more than 64 deep");
}

static void more_than_8_mib_are_refused(void **state)
{
    (void)state;
    size_t len = YAML_MAX_BYTES + 1;
    _cleanup_(freep) char *text = xmalloc(len);
    struct json *documents = NULL;
    struct err err;

    memset(text, '#', len);
    assert_int_equal(yaml_parse((struct str_view){text, len}, &documents, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "at most 8 MiB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_are_typed_and_quoted_ones_are_strings),
        cmocka_unit_test(numbers_are_read_as_the_kubernetes_tools_read_them),
        cmocka_unit_test(keys_become_strings),
        cmocka_unit_test(several_documents_are_an_array_without_the_empty_ones),
        cmocka_unit_test(json_is_yaml),
        cmocka_unit_test(aliases_are_copied),
        cmocka_unit_test(aliases_that_explode_are_refused),
        cmocka_unit_test(more_than_64_aliases_are_refused),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(explicit_core_tags_are_honoured),
        cmocka_unit_test(nesting_beyond_64_is_refused),
        cmocka_unit_test(more_than_8_mib_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Scalars are replaced in their place, and nothing else changes. */
#include "common/base/mem.h"
#include "common/base/yaml_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const char *const key_path[] = {"spec", "code", "s3Key", NULL};

static int replace(const char *text, size_t document, const char *value, struct str *out, struct err *err)
{
    const struct yaml_edit edit = {document, key_path, value};

    *out = STR_INIT(1 << 16);
    return yaml_replace(view(text), &edit, 1, out, err);
}

static void comments_quotes_line_ends_and_order_stay(void **state)
{
    static const struct {
        const char *before, *value, *after;
    } cases[] = {
        {"# a\nspec:\n  code:   # b\n    s3Key:   old.zip   # c\n  x: 1\n", "p/n.zip",
         "# a\nspec:\n  code:   # b\n    s3Key:   p/n.zip   # c\n  x: 1\n"},
        {"spec: {code: {s3Key: 'old', s3Bucket: b}}", "it's", "spec: {code: {s3Key: 'it''s', s3Bucket: b}}"},
        {"spec:\r\n  code:\r\n    s3Key: \"old\" # ü\r\n  y: ä\r\n", "n\"",
         "spec:\r\n  code:\r\n    s3Key: \"n\\\"\" # ü\r\n  y: ä\r\n"},
        {"\xEF\xBB\xBF# ü€𝄞\nspec: {d: \"𝄞ü\", code: {s3Key: old}} # ü\n", "new",
         "\xEF\xBB\xBF# ü€𝄞\nspec: {d: \"𝄞ü\", code: {s3Key: new}} # ü\n"},
        {"spec:\n  code:\n    s3Key: old", "12", "spec:\n  code:\n    s3Key: \"12\""},
        {"spec:\n  code:\n    s3Key: old\n", "a: b", "spec:\n  code:\n    s3Key: \"a: b\"\n"},
        {"{\"spec\": {\"code\": {\"s3Key\": \"old\"}}}", "new",
         "{\"spec\": {\"code\": {\"s3Key\": \"new\"}}}"},
        {"a: [&x 1, *x]\nspec: {code.s3Key: no, code: {s3Key: old}}\n", "new",
         "a: [&x 1, *x]\nspec: {code.s3Key: no, code: {s3Key: new}}\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(str_done) struct str out;
        struct err err;

        assert_int_equal(replace(cases[i].before, 0, cases[i].value, &out, &err), 0);
        assert_string_equal(str_text(&out), cases[i].after);
    }
}

static void only_the_document_that_is_meant_changes_and_empty_ones_do_not_count(void **state)
{
    _cleanup_(str_done) struct str out;
    struct err err;

    (void)state;
    assert_int_equal(replace("---\n# nothing\n---\nspec: {code: {s3Key: a}}\n---\nspec: {code: {s3Key: b}}\n",
                             1, "c", &out, &err),
                     0);
    assert_string_equal(str_text(&out),
                        "---\n# nothing\n---\nspec: {code: {s3Key: a}}\n---\nspec: {code: {s3Key: c}}\n");
}

static void two_edits_in_any_order_and_an_item_of_a_list(void **state)
{
    static const char *const first[] = {"items", "[0]", "k", NULL}, *const second[] = {"items", "[1]", "k",
                                                                                       NULL};
    const struct yaml_edit edits[] = {{0, second, "2"}, {0, first, "one"}};
    _cleanup_(str_done) struct str out = STR_INIT(1024);
    struct err err;

    (void)state;
    assert_int_equal(yaml_replace(view("items:\n- k: a\n- {k: 'b'}\n"), edits, 2, &out, &err), 0);
    assert_string_equal(str_text(&out), "items:\n- k: one\n- {k: '2'}\n");
}

static void what_is_not_one_scalar_of_its_own_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"spec:\n  code:\n    s3Key: |\n      old\n", "line 3: the value goes over several lines"},
        {"spec:\n  code:\n    s3Key: \"old\n      more\"\n", "line 3: the value goes over several lines"},
        {"spec:\n  code:\n    s3Key: &a old\n  x: *a\n", "line 3: an anchor or a tag"},
        {"spec:\n  code:\n    s3Key: !!str old\n", "line 3: an anchor or a tag"},
        {"x: &a old\nspec:\n  code:\n    s3Key: *a\n", "line 4: the value comes from an alias"},
        {"x: &a {s3Key: old}\nspec:\n  code: *a\n", "line 3: the value comes from an alias"},
        {"spec:\n  code: &a {s3Key: old}\nx: *a\n", "line 2: the value is below an anchor"},
        {"spec:\n  code:\n    s3Key:\n", "line 3: there is no value"},
        {"spec:\n  code: {}\n", "there is no spec"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(str_done) struct str out;
        struct err err;

        assert_true(replace(cases[i].text, 0, "new", &out, &err) < 0);
        assert_non_null(strstr(err.msg, cases[i].says));
        assert_int_equal(out.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comments_quotes_line_ends_and_order_stay),
        cmocka_unit_test(only_the_document_that_is_meant_changes_and_empty_ones_do_not_count),
        cmocka_unit_test(two_edits_in_any_order_and_an_item_of_a_list),
        cmocka_unit_test(what_is_not_one_scalar_of_its_own_is_refused_with_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The strict reader of AWS's XML. */
#include "common/aws/xml.h"

#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char DOCUMENT[] =
    "<?xml version=\"1.0\" encoding='UTF-8'?>\n"
    "<R xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
    "  <Result a=\"1\" b='2'><Key>A&amp;B&#x41;&#233;&#x1F600;</Key ><Empty/><Other>x</Other></Result>\n"
    "  <Key>second</Key>\n"
    "</R>\n";

static void expect(const char *path, const char *text)
{
    _cleanup_(str_done) struct str out = STR_INIT(64);
    struct err err;

    if (text) {
        assert_int_equal(xml_text(view(DOCUMENT), path, &out, &err), 0);
        assert_string_equal(str_text(&out), text);
    } else {
        assert_int_equal(xml_text(view(DOCUMENT), path, &out, &err), ERR_NOT_FOUND);
        assert_int_equal(out.len, 0);
    }
}

static void the_first_element_that_ends_the_path_is_read(void **state)
{
    (void)state;
    expect("R/Result/Key", "A&BA\xC3\xA9\xF0\x9F\x98\x80");
    expect("Key", "A&BA\xC3\xA9\xF0\x9F\x98\x80");
    expect("R/Key", "second");
    expect("Result/Empty", "");
    expect("Other", "x");
    expect("Result", NULL); /* it has children */
    expect("esult/Key", NULL);
    expect("X/R/Key", NULL);
    expect("Missing", NULL);
}

static void what_is_not_well_formed_is_refused_with_its_place(void **state)
{
    static const char *const documents[] = {
        "",
        "text",
        "<a>",
        "<a></b>",
        "<a><b></a></b>",
        "<a></a><b></b>",
        "<a></a>x",
        "<a x></a>",
        "<a x=1></a>",
        "<a x=\"1></a>",
        "<a x=\"1\"y=\"2\"></a>",
        "<a x=\"<\"></a>",
        "<a>&nbsp;</a>",
        "<a>&#0;</a>",
        "<a>&#xD800;</a>",
        "<a>&#x110000;</a>",
        "<a>&#99999999999;</a>",
        "<a>&</a>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<a><!-- c --></a>",
        "<a><![CDATA[x]]></a>",
        "<?xml version=\"1.0\"",
        "<a><1 2></a>",
        "<a",
        "<",
        "</a>",
        "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        _cleanup_(str_done) struct str out = STR_INIT(64);
        /* In a buffer of its very size, so that a sanitizer sees a byte too far. */
        _cleanup_(freep) char *exact = xmemdup(documents[i], strlen(documents[i]));
        struct err err;

        assert_int_equal(xml_text((struct str_view){exact, strlen(documents[i])}, "a", &out, &err),
                         ERR_INVALID);
        assert_non_null(strstr(err.msg, " at byte "));
        assert_int_equal(out.len, 0);
    }
}

static void every_beginning_of_a_document_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < strlen(DOCUMENT) - 2; len++) {
        _cleanup_(str_done) struct str out = STR_INIT(64);
        _cleanup_(freep) char *exact = xmemdup(DOCUMENT, len);

        assert_int_equal(xml_text((struct str_view){exact, len}, "Key", &out, NULL), ERR_INVALID);
    }
}

static void a_text_that_does_not_fit_is_refused(void **state)
{
    _cleanup_(str_done) struct str out = STR_INIT(3);
    struct err err;

    (void)state;
    assert_int_equal(xml_text(view("<a>1234</a>"), "a", &out, &err), ERR_INVALID);
    assert_string_equal(err.msg, "the answer's a is too long");
    assert_int_equal(out.len, 0);
    assert_int_equal(xml_text(view("<a>123</a>"), "a", &out, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_element_that_ends_the_path_is_read),
        cmocka_unit_test(what_is_not_well_formed_is_refused_with_its_place),
        cmocka_unit_test(every_beginning_of_a_document_is_refused),
        cmocka_unit_test(a_text_that_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

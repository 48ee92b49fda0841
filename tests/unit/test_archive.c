/* Archives that are written, read back, and made wrong on purpose. */
#include "cli/archive.h"
#include "cli/zip_write.h"
#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void add(struct zip_writer *zip, const char *name, bool executable, const char *content)
{
    struct err err;

    assert_int_equal(zip_add(zip, name, executable, view(content), &err), 0);
}

static void make(struct zip_writer *zip)
{
    zip_init(zip);
    add(zip, "app.py", false, "def handler(event, context): return event, event, event, event, event\n");
    add(zip, "bin/tool", true, "#!/bin/sh\n");
    add(zip, "empty", false, "");
    add(zip, "\xC3\xBC.txt", false, "u");
    zip_finish(zip);
}

static int read_all(struct str_view bytes, struct err *err)
{
    _cleanup_(archive_done) struct archive archive = {0};
    int r = archive_read(bytes, &archive, err);

    return r < 0 ? r : archive_verify(&archive, err);
}

static void the_same_files_give_the_same_bytes(void **state)
{
    _cleanup_(zip_done) struct zip_writer one, two;

    (void)state;
    make(&one);
    make(&two);
    assert_int_equal(one.out.len, two.out.len);
    assert_memory_equal(one.out.ptr, two.out.ptr, one.out.len);
}

static void what_was_written_is_read_back(void **state)
{
    _cleanup_(zip_done) struct zip_writer zip;
    _cleanup_(archive_done) struct archive archive = {0};
    struct err err;

    (void)state;
    make(&zip);
    assert_int_equal(archive_read(str_view_of(&zip.out), &archive, &err), 0);
    assert_int_equal(archive_verify(&archive, &err), 0);
    assert_int_equal(archive.count, 4);
    assert_int_equal(archive.unzipped_bytes, zip.unzipped_bytes);
    assert_int_equal(archive.entries[0].method, 8);
    assert_int_equal(archive.entries[2].method, 0);
    assert_false(archive.entries[0].executable);
    assert_true(archive.entries[1].executable);
}

static void a_comment_at_the_end_does_no_harm(void **state)
{
    _cleanup_(zip_done) struct zip_writer zip;
    struct err err;

    (void)state;
    make(&zip);
    zip.out.ptr[zip.out.len - 2] = 3;
    str_add(&zip.out, "abc");
    assert_int_equal(read_all(str_view_of(&zip.out), &err), 0);
}

static void no_cut_archive_passes(void **state)
{
    _cleanup_(zip_done) struct zip_writer zip;

    (void)state;
    make(&zip);
    for (size_t len = 0; len < zip.out.len; len++) {
        _cleanup_(freep) char *exact =
            xmemdup(zip.out.ptr, len); /* the sanitizer sees what is read behind it */
        struct err err;

        assert_int_equal(read_all((struct str_view){exact, len}, &err), ERR_INVALID);
    }
}

/* Whatever a byte becomes, nothing is read outside; a changed content never passes. */
static void changed_bytes_are_found_or_do_no_harm(void **state)
{
    static const unsigned char values[] = {0, 1, 0x7F, 0x80, 0xFF};
    _cleanup_(zip_done) struct zip_writer zip;

    (void)state;
    make(&zip);
    for (size_t at = 0; at < zip.out.len; at++)
        for (size_t v = 0; v < ARRAY_LEN(values); v++) {
            _cleanup_(freep) char *bytes = xmemdup(zip.out.ptr, zip.out.len);
            struct err err;

            bytes[at] = (char)values[v];
            int r = read_all((struct str_view){bytes, zip.out.len}, &err);

            if (at >= 36 && at < 60 && bytes[at] != zip.out.ptr[at]) /* inside app.py's content */
                assert_int_equal(r, ERR_INVALID);
        }
}

static void hostile_archives_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *name;
        int field; /* of the last entry in the directory, -1: none */
        unsigned char value;
        const char *says;
    } cases[] = {
        {"../evil", -1, 0, "names must stay inside"},
        {"a/../../evil", -1, 0, "names must stay inside"},
        {"a\\..\\evil", -1, 0, "names must stay inside"},
        {"/etc/passwd", -1, 0, "names must stay inside"},
        {"x", 8, 1, "x is encrypted"},
        {"x", 10, 12, "x is packed by method 12"},
        {"x", 27, 0xFF, "unzipped; Lambda takes at most 262144000"},
        {"x", 45, 0xFF, "the archive is damaged"},
        {"x", 23, 0x7F, "the archive is damaged"},
        {"x", 24, 5, "cannot be unpacked"},
        {"x", 16, 5, "cannot be unpacked"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(zip_done) struct zip_writer zip;
        struct err err;

        zip_init(&zip);
        add(&zip, cases[i].name, false, "x");
        zip_finish(&zip);
        if (cases[i].field >= 0)
            zip.out.ptr[zip.out.len - 22 - 46 - strlen(cases[i].name) + (size_t)cases[i].field] =
                (char)cases[i].value;
        assert_int_equal(read_all(str_view_of(&zip.out), &err), ERR_INVALID);
        assert_non_null(strstr(err.msg, cases[i].says));
    }
}

static void what_is_no_archive_is_told(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(read_all(view(""), &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "empty"));
    assert_int_equal(read_all(view("\x1f\x8b gzip, but a tar"), &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "not a ZIP archive"));
    assert_int_equal(read_all(view("PK\3\4 and no end"), &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "cut off"));
}

static void the_handler_must_be_where_the_runtime_looks_for_it(void **state)
{
    static const struct {
        const char *name;
        bool executable;
        const char *runtime, *handler;
        int result;
    } cases[] = {
        {"app.py", false, "python3.13", "app.handler", 0},
        {"src/app.py", false, "python3.13", "src/app.handler", 0},
        {"src/app.py", false, "python3.13", "src.app.handler", 0},
        {"app/__init__.py", false, "python3.13", "app.handler", 0},
        {"app.cpython-313-x86_64-linux-gnu.so", false, "python3.13", "app.handler", 0},
        {"build/app.py", false, "python3.13", "app.handler", ERR_NOT_FOUND},
        {"app.py", false, "python3.13", "handler", ERR_INVALID},
        {"index.js", false, "nodejs22.x", "index.handler", 0},
        {"index.mjs", false, "nodejs22.x", "./index.handler", 0},
        {"dist/index.cjs", false, "nodejs22.x", "dist/index.api.handler", 0},
        {"index.ts", false, "nodejs22.x", "index.handler", ERR_NOT_FOUND},
        {"index.js", false, "nodejs22.x", "/opt/nodejs/wrap.handler", 0},
        {"bootstrap", true, "provided.al2023", "any", 0},
        {"bootstrap", true, "provided.al2023", NULL, 0},
        {"bootstrap", false, "provided.al2023", NULL, ERR_NOT_FOUND},
        {"bin/bootstrap", true, "provided.al2023", NULL, ERR_NOT_FOUND},
        {"a.class", false, "java21", "example.Handler", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(zip_done) struct zip_writer zip;
        _cleanup_(archive_done) struct archive archive = {0};
        struct err err;

        zip_init(&zip);
        add(&zip, cases[i].name, cases[i].executable, "x");
        zip_finish(&zip);
        assert_int_equal(archive_read(str_view_of(&zip.out), &archive, &err), 0);
        assert_int_equal(archive_has_handler(&archive, cases[i].runtime, cases[i].handler, &err),
                         cases[i].result);
    }
}

static void more_than_lambda_takes_is_refused_before_it_is_packed(void **state)
{
    _cleanup_(zip_done) struct zip_writer zip;
    struct err err;

    (void)state;
    zip_init(&zip);
    assert_int_equal(zip_add(&zip, "big", false, (struct str_view){"", ZIP_MAX_UNZIPPED_BYTES + 1}, &err),
                     ERR_INVALID);
    assert_int_equal(zip.out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_files_give_the_same_bytes),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(a_comment_at_the_end_does_no_harm),
        cmocka_unit_test(no_cut_archive_passes),
        cmocka_unit_test(changed_bytes_are_found_or_do_no_harm),
        cmocka_unit_test(hostile_archives_are_refused_with_the_reason),
        cmocka_unit_test(what_is_no_archive_is_told),
        cmocka_unit_test(the_handler_must_be_where_the_runtime_looks_for_it),
        cmocka_unit_test(more_than_lambda_takes_is_refused_before_it_is_packed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Reading manifests from files, directories and Lists. */
#include "cli/manifests.h"

#include "common/base/mem.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/manifests-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

static int remove_directory(void **state)
{
    (void)state;
    return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const char *text)
{
    _cleanup_(freep) char *path = xasprintf("%s/%s", directory, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make(const char *name)
{
    _cleanup_(freep) char *path = xasprintf("%s/%s", directory, name);

    assert_int_equal(mkdir(path, 0700), 0);
}

static void link_to(const char *name, const char *target)
{
    _cleanup_(freep) char *path = xasprintf("%s/%s", directory, name);

    assert_int_equal(symlink(target, path), 0);
}

/* "a.yaml:1 a; …; b.yaml:2! why; …" with names below the directory. */
static void check(const char *name, const char *wanted)
{
    _cleanup_(manifests_done) struct manifests manifests = {0};
    _cleanup_(str_done) struct str text = STR_INIT(1 << 16);
    _cleanup_(freep) char *path = xasprintf("%s%s%s", directory, *name ? "/" : "", name);
    size_t skip = strlen(directory) + 1;

    manifests_read(&manifests, path);
    for (size_t i = 0; i < manifests.count; i++) {
        const char *resource = json_str_at(manifests.items[i].object, "metadata.name");

        str_addf(&text, "%s%s:%zu %s", text.len ? "; " : "", manifests.items[i].file + skip,
                 manifest_line(&manifests.items[i], "spec.x"), resource ? resource : "-");
    }
    for (size_t i = 0; i < manifests.unreadable_count; i++)
        str_addf(&text, "%s%s:%zu! %s", text.len ? "; " : "", manifests.unreadable[i].file + skip,
                 manifests.unreadable[i].line, manifests.unreadable[i].message);
    assert_string_equal(str_text(&text), wanted);
}

#define RESOURCE(name) "kind: X\nmetadata: {name: " name "}\nspec:\n  x: 1\n"

static void several_documents_and_empty_ones(void **state)
{
    (void)state;
    put("a.yaml", "# first\n" RESOURCE("a") "---\n---\n" RESOURCE("b") "---\n");
    check("a.yaml", "a.yaml:5 a; a.yaml:11 b");
    put("empty.yaml", "");
    check("empty.yaml", "");
}

static void a_list_is_its_items(void **state)
{
    (void)state;
    put("a.yaml", "kind: List\nitems:\n- kind: X\n  metadata: {name: a}\n  spec: {x: 1}\n- kind: X\n"
                  "  metadata: {name: b}\n  spec:\n    x: 2\n- 3\n---\n" RESOURCE("c"));
    check("a.yaml", "a.yaml:5 a; a.yaml:9 b; a.yaml:10 -; a.yaml:15 c");
    put("a.yaml", "kind: LambdaFunctionList\nitems:\n- metadata: {name: a}\n");
    check("a.yaml", "a.yaml:3 a");
    put("a.yaml", "kind: List\nitems: none\n");
    check("a.yaml", "a.yaml:1 -");
}

static void a_byte_order_mark_and_windows_line_ends(void **state)
{
    (void)state;
    put("a.yaml", "\xEF\xBB\xBFkind: X\r\nmetadata: {name: a}\r\nspec:\r\n  x: 1\r\n---\r\nkind: Y\r\n");
    check("a.yaml", "a.yaml:4 a; a.yaml:6 -");
}

static void anchors_and_aliases(void **state)
{
    (void)state;
    put("a.yaml", "metadata: {name: a}\nshared: &s\n  x: 1\nspec: *s\n");
    check("a.yaml", "a.yaml:4 a");
}

static void broken_yaml_is_named_with_its_line_and_the_rest_is_read(void **state)
{
    (void)state;
    make("d");
    put("d/1.yaml", RESOURCE("a"));
    put("d/2.yaml", "kind: X\nmetadata: {name: b\n");
    put("d/3.yaml", "kind: X\nkind: Y\n");
    put("d/4.yaml", "- a\n");
    put("d/5.yaml", "text\n");
    put("d/6.yaml", RESOURCE("f"));
    check("d", "d/1.yaml:4 a; d/6.yaml:4 f; d/2.yaml:3! did not find expected ',' or '}'; "
               "d/3.yaml:2! the key \"kind\" occurs twice; "
               "d/4.yaml:1! a manifest must be an object with apiVersion and kind, not array; "
               "d/5.yaml:1! a manifest must be an object with apiVersion and kind, not string");
}

static void json_that_is_no_yaml_is_read_without_lines(void **state)
{
    (void)state;
    put("a.json", "{\"metadata\": {\"name\": \"\\ud83d\\ude00\"}}");
    check("a.json", "a.json:0 \xF0\x9F\x98\x80");
}

static void directories_are_read_by_name_and_hidden_ones_are_left_out(void **state)
{
    (void)state;
    make("d");
    make("d/b");
    make("d/.git");
    put("d/c.yml", RESOURCE("c"));
    put("d/b/x.json", "{\"metadata\": {\"name\": \"x\"}}");
    put("d/a.yaml", RESOURCE("a"));
    put("d/notes.txt", "{");
    put("d/.hidden.yaml", "{");
    put("d/.git/a.yaml", "{");
    check("d", "d/a.yaml:4 a; d/b/x.json:1 x; d/c.yml:4 c");
    check("d/", "d/a.yaml:4 a; d/b/x.json:1 x; d/c.yml:4 c");
}

static void links_are_followed_but_not_in_circles(void **state)
{
    (void)state;
    make("d");
    make("e");
    put("e/a.yaml", RESOURCE("a"));
    link_to("d/away", "../e");
    link_to("d/round", "../d");
    link_to("e/back", "../d");
    link_to("d/lost.yaml", "nowhere");
    check("d", "d/away/a.yaml:4 a; d/lost.yaml:0! a symbolic link that leads nowhere");
}

static void what_is_not_there_or_too_large_is_named(void **state)
{
    (void)state;
    check("none.yaml", "none.yaml:0! No such file or directory");
    _cleanup_(freep) char *path = xasprintf("%s/large.yaml", directory);

    put("large.yaml", "");
    assert_int_equal(truncate(path, (8 << 20) + 1), 0);
    check("large.yaml", "large.yaml:0! larger than 8 MiB; split it");
}

static void kinds_are_told_apart_by_their_group(void **state)
{
    (void)state;
    put("a.yaml",
        "apiVersion: kubelambda.io/v1\nkind: LambdaFunction\n---\napiVersion: v1\nkind: Namespace\n");
    _cleanup_(manifests_done) struct manifests manifests = {0};
    _cleanup_(freep) char *path = xasprintf("%s/a.yaml", directory);

    manifests_read(&manifests, path);
    assert_int_equal(manifests.count, 2);
    assert_true(manifest_is(&manifests.items[0], "kubelambda.io", "LambdaFunction"));
    assert_false(manifest_is(&manifests.items[0], "kubelambda", "LambdaFunction"));
    assert_false(manifest_is(&manifests.items[0], "", "LambdaFunction"));
    assert_true(manifest_is(&manifests.items[1], "", "Namespace"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(several_documents_and_empty_ones),
        TEST(a_list_is_its_items),
        TEST(a_byte_order_mark_and_windows_line_ends),
        TEST(anchors_and_aliases),
        TEST(broken_yaml_is_named_with_its_line_and_the_rest_is_read),
        TEST(json_that_is_no_yaml_is_read_without_lines),
        TEST(directories_are_read_by_name_and_hidden_ones_are_left_out),
        TEST(links_are_followed_but_not_in_circles),
        TEST(what_is_not_there_or_too_large_is_named),
        TEST(kinds_are_told_apart_by_their_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

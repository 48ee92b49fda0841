/* Watch streams cut into events. */
#include "common/kube/watch.h"

#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char STREAM[] = "{\"type\":\"ADDED\",\"object\":{\"n\":1}}\n"
                             "{\"type\":\"MODIFIED\",\"object\":{\"n\":2,\"s\":\"a\\nb\"}}\r\n"
                             "\n"
                             "{\"type\":\"DELETED\",\"object\":{\"n\":3}}\n"
                             "{\"type\":\"BOOKMARK\",\"object\":{\"n\":4}}\n"
                             "{\"type\":\"ERROR\",\"object\":{\"n\":5}}\n"
                             "{\"type\":\"ADDED\",\"object\":{\"n\":6";

static void note(void *arg, enum watch_type type, const struct json *object)
{
    str_addf(arg, "%d:%lld ", (int)type, (long long)json_int_at(object, "n", -1));
}

static void events_are_the_same_in_any_chunking(void **state)
{
    (void)state;
    for (size_t size = 1; size <= sizeof(STREAM); size++) {
        struct watch_parser parser;
        struct str seen = STR_INIT(1000);

        watch_init(&parser);
        for (size_t at = 0; at < strlen(STREAM); at += size) {
            size_t left = strlen(STREAM) - at;

            assert_int_equal(watch_feed(&parser, (struct str_view){STREAM + at, left < size ? left : size},
                                        note, &seen, NULL),
                             0);
        }
        assert_string_equal(str_text(&seen), "0:1 1:2 2:3 3:4 4:5 ");
        str_done(&seen);
        watch_done(&parser);
    }
}

static void check_refused(const char *line, const char *wanted)
{
    struct watch_parser parser;
    struct str seen = STR_INIT(1000);
    struct err err = {0};

    watch_init(&parser);
    assert_int_equal(watch_feed(&parser, view(line), note, &seen, &err), ERR_INVALID);
    if (!strstr(err.msg, wanted))
        fail_msg("\"%s\" is not in \"%s\"", wanted, err.msg);
    /* What comes afterwards is not taken. */
    assert_int_equal(watch_feed(&parser, view("{\"type\":\"ADDED\",\"object\":{}}\n"), note, &seen, &err),
                     ERR_INVALID);
    assert_int_equal(seen.len, 0);
    str_done(&seen);
    watch_done(&parser);
}

static void a_line_that_is_no_event_fails_the_stream(void **state)
{
    (void)state;
    check_refused("<html>\n", "a watch event");
    check_refused("{\"type\":\"GONE\",\"object\":{}}\n", "type \"GONE\"");
    check_refused("{\"object\":{}}\n", "type \"\"");
    check_refused("{\"type\":\"ADDED\",\"object\":[]}\n", "with array as object");
    check_refused("{\"type\":\"ADDED\"}\n", "with absent as object");
    check_refused("{\"type\":\"ADDED\",\"type\":\"ADDED\",\"object\":{}}\n", "occurs twice");
}

static void a_line_over_4_mib_fails_the_stream(void **state)
{
    struct watch_parser parser;
    struct str seen = STR_INIT(1000);
    size_t size = 1 << 20;
    _cleanup_(freep) char *piece = xmalloc(size);
    struct err err;
    int r = 0, pieces = 0;

    (void)state;
    memset(piece, ' ', size);
    watch_init(&parser);
    for (; r == 0 && pieces < 10; pieces++)
        r = watch_feed(&parser, (struct str_view){piece, size}, note, &seen, &err);
    assert_int_equal(r, ERR_INVALID);
    assert_int_equal(pieces, 5);
    assert_non_null(strstr(err.msg, "more than 4194304 bytes"));
    watch_done(&parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_the_same_in_any_chunking),
        cmocka_unit_test(a_line_that_is_no_event_fails_the_stream),
        cmocka_unit_test(a_line_over_4_mib_fails_the_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

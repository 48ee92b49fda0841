/* JSON that is built, changed and printed. */
#include "common/base/json.h"

#include "common/base/mem.h"
#include "tests/unit/texts.h"

#include <inttypes.h>
#include <time.h>

static void assert_prints(const char *text, const char *expected)
{
    _cleanup_(json_freep) struct json *json = parse(text);
    _cleanup_(freep) char *printed = json_text(json);

    assert_string_equal(printed, expected);
}

static void members_are_set_replaced_and_removed(void **state)
{
    _cleanup_(json_freep) struct json *json = json_new_object();
    struct json *list = json_new_array();

    (void)state;
    json_append(list, json_new_bool(true));
    json_append(list, json_new_bool(false));
    json_set(json, "l", list);
    json_set_str(json, "s", "x");
    json_set_str(json, "none", NULL);
    json_set(json, "n", json_new_int(-5));
    json_set(json, "l", json_new_int(1)); /* keeps its place */
    json_set(json, "absent", NULL);
    assert_int_equal(json_size(json), 3);

    _cleanup_(freep) char *text = json_text(json);

    assert_string_equal(text, "{\"l\":1,\"s\":\"x\",\"n\":-5}");
    json_set(json, "s", NULL);
    assert_null(json_get(json, "s"));
    assert_int_equal(json_size(json), 2);
}

/* Parsed values lie in blocks, built ones do not: each must outlive what goes before it. */
static void parsed_and_built_values_mix(void **state)
{
    _cleanup_(json_freep) struct json *json = parse("{\"a\":{\"x\":[1,2]},\"b\":\"text\"}");

    (void)state;
    json_set(json, "c", parse("{\"y\":\"z\"}"));
    json_set(json, "a", NULL);
    json_set(json, "b", parse("[\"1\"]"));
    json_set(json_make_object(json, "c"), "y", json_new_int(7));
    json_make_object(json, "d");

    _cleanup_(freep) char *text = json_text(json);

    assert_string_equal(text, "{\"b\":[\"1\"],\"c\":{\"y\":7},\"d\":{}}");
}

static void a_member_is_replaced_under_its_own_key(void **state)
{
    _cleanup_(json_freep) struct json *json = parse("{\"a\":1,\"b\":2}");

    (void)state;
    json_set(json, json_key(json_first(json)), json_new_int(3)); /* the key dies with the old member */
    assert_int_equal(json_int_at(json, "a", 0), 3);
    json_set(json, json_key(json_first(json)), NULL);
    assert_null(json_get(json, "a"));
}

static void objects_on_the_way_are_created(void **state)
{
    _cleanup_(json_freep) struct json *json = parse("{\"a\":{\"x\":1},\"s\":\"text\",\"z\":null}");

    (void)state;
    json_set_at(json, "a.b.c", json_new_int(2));
    json_set_at(json, "top", json_new_int(3));
    json_set_at(json, "s.t", json_new_int(4)); /* what is no object gives way to one */
    json_set_at(json, "z.t", json_new_int(5));
    assert_ptr_equal(json_make_object(json, "a"), json_get(json, "a"));

    _cleanup_(freep) char *text = json_text(json);

    assert_string_equal(text, "{\"a\":{\"x\":1,\"b\":{\"c\":2}},\"s\":{\"t\":4},\"z\":{\"t\":5},\"top\":3}");
}

static void a_copy_is_independent(void **state)
{
    _cleanup_(json_freep) struct json *json = parse("{\"a\":[1,{\"b\":null}]}");
    _cleanup_(json_freep) struct json *copy = json_copy(json);

    (void)state;
    assert_true(json_equal(json, copy));
    json_set(copy, "a", NULL);
    assert_int_equal(json_size(json), 1);
}

static void integers_print_without_an_exponent(void **state)
{
    (void)state;
    assert_prints("1000000000000000", "1000000000000000");
    assert_prints("1e15", "1000000000000000");
    assert_prints("123456789012345678", "123456789012345680");
    assert_prints("-1000000000000000000", "-1000000000000000000");
    assert_prints("-0", "0");
    assert_prints("2.0", "2");
    assert_prints("1e300", "1e+300");
}

static void fractions_print_as_short_as_they_were(void **state)
{
    (void)state;
    assert_prints("0.1", "0.1");
    assert_prints("-2.5e-7", "-2.5e-07");
    assert_prints("0.30000000000000004", "0.30000000000000004");
}

static void strings_print_escaped(void **state)
{
    (void)state;
    assert_prints("\"\\u0001\\u001f\\b\\\"\\\\\\/\\n\\r\\t\\u007f\\u00e9\"",
                  "\"\\u0001\\u001f\\u0008\\\"\\\\/\\n\\r\\t\\u007f\xC3\xA9\"");
    assert_prints("{\"a\\nb\":[]}", "{\"a\\nb\":[]}");
}

static void what_is_not_utf8_prints_as_replacement_characters(void **state)
{
    _cleanup_(json_freep) struct json *json = json_new_string("a\xFF"
                                                              "b\xE2\x82");
    _cleanup_(freep) char *text = json_text(json);

    (void)state;
    assert_string_equal(text, "\"a\xEF\xBF\xBD"
                              "b\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void printing_nothing_prints_null(void **state)
{
    _cleanup_(freep) char *text = json_text(NULL);

    (void)state;
    assert_string_equal(text, "null");
}

static uint64_t random_state;

static uint32_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

/* Whatever is accepted, its print is accepted too and means the same. */
static void changed_bytes_are_refused_or_read_the_same_again(void **state)
{
    static const char seed_text[] = "{\"a\":[1,-2.5e3,true,false,null,\"x\\u00e9\\ud83d\\ude00\\n\xC3\xA9\"],"
                                    "\"b\":{\"c\":{},\"d\":[]},\"e\":0}";
    static const char bytes[] = "{}[]\",:\\0123456789eE+-.u \n\t\"dD8\x80\xC3\xFF";
    size_t accepted = 0;

    (void)state;
    random_state = (uint64_t)time(NULL);
    print_message("seed %" PRIu64 "\n", random_state);
    for (int round = 0; round < 20000; round++) {
        char text[sizeof(seed_text)];
        size_t len = sizeof(seed_text) - 1;

        memcpy(text, seed_text, sizeof(text));
        for (uint32_t changes = 1 + next_random() % 3; changes > 0; changes--) {
            size_t at = next_random() % len;

            if (next_random() % 4 == 0) {
                memmove(text + at, text + at + 1, len - at - 1);
                len--;
            } else {
                text[at] = bytes[next_random() % (sizeof(bytes) - 1)];
            }
        }
        _cleanup_(json_freep) struct json *json = NULL, *again = NULL;
        struct err err;

        if (json_parse((struct str_view){text, len}, &json, &err) != 0) {
            if (strstr(err.msg, "not readable")) /* cJSON refused what our scan let pass */
                fail_msg("%.*s: %s", (int)len, text, err.msg);
            continue;
        }
        _cleanup_(freep) char *printed = json_text(json);

        accepted++;
        if (json_parse(view(printed), &again, &err) != 0 || !json_equal(json, again))
            fail_msg("%.*s was printed as %s", (int)len, text, printed);
    }
    assert_in_range(accepted, 100, 19000); /* else the changes are too wild or too tame */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_set_replaced_and_removed),
        cmocka_unit_test(parsed_and_built_values_mix),
        cmocka_unit_test(a_member_is_replaced_under_its_own_key),
        cmocka_unit_test(objects_on_the_way_are_created),
        cmocka_unit_test(a_copy_is_independent),
        cmocka_unit_test(integers_print_without_an_exponent),
        cmocka_unit_test(fractions_print_as_short_as_they_were),
        cmocka_unit_test(strings_print_escaped),
        cmocka_unit_test(what_is_not_utf8_prints_as_replacement_characters),
        cmocka_unit_test(printing_nothing_prints_null),
        cmocka_unit_test(changed_bytes_are_refused_or_read_the_same_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

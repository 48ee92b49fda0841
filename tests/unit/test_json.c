/* Strict JSON: what is refused, what is read, what is printed. */
#include "common/base/json.h"

#include "common/base/json_scan.h"
#include "common/base/mem.h"
#include "tests/unit/texts.h"

#include <inttypes.h>

#define BYTES(literal) ((struct str_view){(literal), sizeof(literal) - 1})

/* The text is in memory of its exact size, so that a byte read beyond it is found. */
static int parse_exactly(struct str_view text, struct json **ret_json, struct err *err)
{
    _cleanup_(freep) char *copy = xmemdup(text.ptr, text.len);

    return json_parse((struct str_view){copy, text.len}, ret_json, err);
}

static void assert_refused(struct str_view text, const char *why)
{
    struct json *untouched = (struct json *)&untouched;
    struct json *json = untouched;
    struct err err;

    if (parse_exactly(text, &json, &err) != ERR_INVALID)
        fail_msg("accepted: %.*s", (int)text.len, text.ptr);
    assert_ptr_equal(json, untouched);
    if (!strstr(err.msg, why))
        fail_msg("%.*s: expected \"%s\", got \"%s\"", (int)text.len, text.ptr, why, err.msg);
}

static char *repeat(const char *before, size_t count, const char *middle, const char *after)
{
    struct str text = STR_INIT(16 << 20);

    for (size_t i = 0; i < count; i++)
        str_add(&text, before);
    str_add(&text, middle);
    for (size_t i = 0; i < count; i++)
        str_add(&text, after);
    assert_false(text.overflow);
    return str_take(&text);
}

static void what_ends_too_early_is_refused(void **state)
{
    static const char *const texts[] = {
        "",       " ",         "[",         "{",           "[1",
        "[1,",    "{\"a\"",    "{\"a\":",   "{\"a\":1",    "{\"a\":1,",
        "\"",     "\"abc",     "\"\\",      "\"\\u",       "\"\\u12",
        "\"\\\"", "\"\\u1234", "t",         "tru",         "nul",
        "fals",   "-",         "\"\\ud83d", "\"\\ud83d\\", "\"\\ud83d\\ude0",
        "1e",     "1e+",       "1.",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_refused(view(texts[i]), "JSON: ");
}

static void what_the_grammar_does_not_know_is_refused(void **state)
{
    static const char *const texts[] = {
        "[1,]",    "{\"a\":1,}",  "[,1]",        "{,}",         "[1 2]",  "{\"a\" 1}",      "{a:1}",
        "{1:2}",   "{\"a\":}",    "'a'",         "NaN",         "nan",    "Infinity",       "-Infinity",
        "True",    "nulL",        "[1}",         "{\"a\":1]",   "//x\n1", "/**/1",          "\v1",
        "1\f",     "]",           "}",           ":",           ",",      "\xEF\xBB\xBF{}", "\"\\x\"",
        "\"\\'\"", "\"\\U0041\"", "\"\\u00g0\"", "\"\\u+041\"", "\"\t\"", "\"\n\"",         "undefined",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_refused(view(texts[i]), "JSON: ");
}

static void numbers_are_written_as_the_grammar_says(void **state)
{
    static const char *const wrong[] = {
        "01",  "-01", "00",  "1.",    ".5",  "+1",  "-",    "--1",  "1e",    "1e+", "1E-", "1.e1",
        "0x1", "1_0", "1,0", "1e1.5", "-.5", "- 1", "1e 1", "0123", "1.2.3", "-e1", "1f",  "1d",
    };
    static const char *const right[] = {"0",   "-0",   "1",    "-1",      "0.5", "-0.5",
                                        "1e5", "1E+5", "1e-5", "10.25e2", "0e0"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_refused(view(wrong[i]), "JSON: ");
    for (size_t i = 0; i < ARRAY_LEN(right); i++)
        json_free(parse(right[i]));
    assert_refused(view("[01]"), "a number with a leading zero at byte 2");
}

static void numbers_that_a_double_cannot_hold_are_refused(void **state)
{
    (void)state;
    assert_refused(view("1e400"), "out of range");
    assert_refused(view("-1e400"), "out of range");
    assert_refused(view("{\"a\":[1,{\"b\":1e309}]}"), "out of range");
    json_free(parse("1e308"));
    json_free(parse("1e-400")); /* rounds to 0 */
}

static void overlong_numbers_are_refused_also_as_the_whole_text(void **state)
{
    _cleanup_(freep) char *longest = repeat("1", 63, "", "");
    _cleanup_(freep) char *longer = repeat("1", 64, "", "");
    _cleanup_(freep) char *in_list = xasprintf("[0.%s]", longer);

    (void)state;
    json_free(parse(longest));
    assert_refused(view(longer), "longer than 63 characters");
    assert_refused(view(in_list), "longer than 63 characters");
}

static void bytes_after_the_value_are_refused(void **state)
{
    (void)state;
    assert_refused(view("{}x"), "something after the value at byte 2");
    assert_refused(view("1 2"), "something after the value at byte 2");
    assert_refused(view("[] []"), "something after the value");
    assert_refused(view("null,"), "something after the value");
    assert_refused(BYTES("{}\0"), "something after the value");
    json_free(parse(" \t\r\n{} \t\r\n"));
}

static void a_nul_character_is_refused_raw_and_escaped(void **state)
{
    (void)state;
    assert_refused(BYTES("\"a\0b\""), "a control character in a string");
    assert_refused(BYTES("{\"a\0b\":1}"), "a control character in a string");
    assert_refused(view("\"a\\u0000b\""), "a NUL character");
    assert_refused(view("{\"a\\u0000\":1}"), "a NUL character");
    assert_refused(BYTES("\0"), "JSON: ");
    json_free(parse("\"\\u0001\\\\u0000\""));
}

static void control_characters_must_be_escaped(void **state)
{
    (void)state;
    for (char c = 1; c < 0x20; c++) {
        char text[] = {'"', c, '"', '\0'};

        assert_refused(view(text), "a control character in a string");
    }
    json_free(parse("\"\x7f\""));
}

static void invalid_utf8_is_refused(void **state)
{
    static const char *const wrong[] = {
        "\x80",             /* a continuation alone */
        "\xBF",             /* the same */
        "\xC3",             /* cut: the quote follows */
        "\xE2\x82",         /* cut */
        "\xF0\x9F\x98",     /* cut */
        "\xC0\xAF",         /* overlong / */
        "\xC1\xBF",         /* overlong */
        "\xE0\x80\xAF",     /* overlong */
        "\xE0\x9F\xBF",     /* overlong */
        "\xF0\x80\x80\xAF", /* overlong */
        "\xF0\x8F\xBF\xBF", /* overlong */
        "\xED\xA0\x80",     /* surrogate U+D800 */
        "\xED\xBF\xBF",     /* surrogate U+DFFF */
        "\xF4\x90\x80\x80", /* U+110000 */
        "\xF5\x80\x80\x80", /* beyond */
        "\xF8\x88\x80\x80\x80",
        "\xFE",
        "\xFF",
        "\xE2\x28\xA1",
        "\xF0\x28\x8C\xBC",
        "\xE2\x82\xC3",
    };
    static const char *const right[] = {
        "\xC2\x80",     "\xDF\xBF",         "\xE0\xA0\x80",     "\xED\x9F\xBF",     "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "\xF0\x9F\x98\x80",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        _cleanup_(freep) char *string = xasprintf("\"a%s\"", wrong[i]);
        _cleanup_(freep) char *key = xasprintf("{\"%s\":1}", wrong[i]);

        assert_refused(view(string), "invalid UTF-8");
        assert_refused(view(key), "invalid UTF-8");
    }
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        _cleanup_(freep) char *string = xasprintf("\"%s\"", right[i]);
        _cleanup_(json_freep) struct json *json = parse(string);

        assert_string_equal(json_str(json), right[i]);
        assert_int_equal(utf8_sequence(right[i], strlen(right[i])), strlen(right[i]));
        assert_int_equal(utf8_sequence(right[i], strlen(right[i]) - 1), 0);
    }
    assert_refused(BYTES("\"\xF0\x9F"), "invalid UTF-8"); /* nothing is read beyond the end */
}

static void half_a_surrogate_pair_is_refused(void **state)
{
    static const char *const wrong[] = {
        "\"\\ud800\"",   "\"\\udc00\"",         "\"\\ud800\\u0041\"", "\"\\ud800\\ue000\"",
        "\"\\ud800x\"",  "\"\\ud800\\n\"",      "\"\\udfff\\ud800\"", "\"\\uD83D\\uD83D\"",
        "[\"\\uDBFF\"]", "\"\\ud800\\\\dc00\"",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_refused(view(wrong[i]), "surrogate");
    assert_refused(view("[\"ab\\ud800\"]"), "at byte 1"); /* it is told where */

    _cleanup_(json_freep) struct json *pair = parse("\"\\ud83d\\uDE00\"");

    assert_string_equal(json_str(pair), "\xF0\x9F\x98\x80");
}

static char *object_with_keys(int count, const char *last)
{
    struct str text = STR_INIT(1 << 20);

    str_add(&text, "{");
    for (int i = 0; i < count; i++)
        str_addf(&text, "\"key%d\":%d,", i, i);
    str_addf(&text, "%s:0}", last);
    return str_take(&text);
}

static void a_key_that_occurs_twice_is_refused(void **state)
{
    static const int counts[] = {1, 3, 15, 16, 17, 1000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        _cleanup_(freep) char *twice = object_with_keys(counts[i], "\"key0\"");
        _cleanup_(freep) char *escaped = object_with_keys(counts[i], "\"k\\u0065y0\"");
        _cleanup_(freep) char *nested = xasprintf("[{\"a\":{\"b\":%s}}]", twice);
        _cleanup_(freep) char *once = object_with_keys(counts[i], "\"Key0\""); /* another case, another key */

        assert_refused(view(twice), "the key \"key0\" occurs twice");
        assert_refused(view(escaped), "the key \"key0\" occurs twice");
        assert_refused(view(nested), "the key \"key0\" occurs twice");
        json_free(parse(once));
    }
    assert_refused(view("{\"\":1,\"\":2}"), "the key \"\" occurs twice");
    json_free(parse("[{\"a\":1},{\"a\":1}]"));
}

static void depth_64_is_read_and_65_is_refused(void **state)
{
    static const struct {
        const char *open, *middle, *close;
    } shapes[] = {{"[", "", "]"}, {"[", "1", "]"}, {"{\"a\":", "1", "}"}, {"{\"a\":", "{}", "}"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        size_t levels = strcmp(shapes[i].middle, "{}") == 0 ? 63 : 64;
        _cleanup_(freep) char *deep = repeat(shapes[i].open, levels, shapes[i].middle, shapes[i].close);
        _cleanup_(freep) char *deeper = repeat(shapes[i].open, levels + 1, shapes[i].middle, shapes[i].close);

        json_free(parse(deep));
        assert_refused(view(deeper), "nested too deeply");
    }
    _cleanup_(freep) char *bottomless = repeat("[", 1000000, "", "");

    assert_refused(view(bottomless), "nested too deeply at byte 64");
}

static void too_many_values_are_refused(void **state)
{
    _cleanup_(freep) char *most = repeat("1,", JSON_MAX_VALUES - 2, "1", "");
    _cleanup_(freep) char *fits = xasprintf("[%s]", most);
    _cleanup_(freep) char *one_more = xasprintf("[1,%s]", most);
    struct str rest = STR_INIT(0);
    struct json_extent extent;
    struct err err;

    (void)state;
    assert_int_equal(json_scan(view(fits), NULL, JSON_MAX_VALUES, &rest, &extent, &err), 0);
    assert_int_equal(extent.values, JSON_MAX_VALUES); /* the list itself is a value as well */
    assert_refused(view(one_more), "too many values");
}

static void the_memory_of_a_tree_is_known(void **state)
{
    static const size_t lengths[] = {1, 1000, 50000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        _cleanup_(freep) char *items = repeat("1,", lengths[i], "1", "");
        _cleanup_(freep) char *list = xasprintf("[%s]", items);
        _cleanup_(json_freep) struct json *json = parse(list), *copy = json_copy(json);
        size_t least = lengths[i] * 64; /* what cJSON takes for each, without the strings */

        assert_in_range(json_bytes(json), least, 2 * least + 256);
        assert_in_range(json_bytes(copy), least, 2 * least + 256);
    }
    assert_int_equal(json_bytes(NULL), 0);
}

static void unwanted_members_are_read_as_null_in_their_place(void **state)
{
    static const struct json_unwanted in_a[] = {{.key = "m"}, {.key = "n"}, {0}};
    static const struct json_unwanted unwanted[] = {
        {.key = "a", .below = in_a}, {.key = "m"}, {.key = "s", .below = in_a, .strict = true}, {0}};
    static const struct {
        const char *text, *read;
    } cases[] = {
        {"{\"m\":{\"m\":[1,{\"a\":2}]},\"b\":1}", "{\"m\":null,\"b\":1}"},
        {"{\"a\":[{\"m\": 1 ,\"c\":3},{\"n\":2,\"a\":{\"m\":4}}]}",
         "{\"a\":[{\"m\":null,\"c\":3},{\"n\":null,\"a\":{\"m\":4}}]}"},
        {"{\"b\":{\"m\":1},\"n\":2,\"a\":{\"a\":{\"m\":3}}}",
         "{\"b\":{\"m\":1},\"n\":2,\"a\":{\"a\":{\"m\":3}}}"},
        {" { \"m\" : 1 } ", "{\"m\":null}"},
        {"{\"\":\"m\",\"mm\":\"\\u006d\"}", "{\"\":\"m\",\"mm\":\"m\"}"},
        {"{\"m\":{\"a\":1,\"a\":2}}", "{\"m\":null}"},
        {"{\"m\":\"\\u0000\",\"s\":{\"m\":[{\"\\u0000\":\"\\u0000]\"}],\"n\":\"\\u0000\"}}",
         "{\"m\":null,\"s\":{\"m\":null,\"n\":null}}"},
        {"{\"b\":[\"\\u0000\",\"a\\\\u0000\\u0000z\"],\"m\":1,\"c\\u0000\":1}",
         "{\"b\":[\"\xEF\xBF\xBD\",\"a\\\\u0000\xEF\xBF\xBDz\"],\"m\":null,\"c\xEF\xBF\xBD\":1}"},
        {"\"m\"", "\"m\""},
    };
    static const char *const wrong[] = {"{\"m\":}",      "{\"m\":01}",    "{\"m\":1,\"m\":2}",
                                        "{\"m\":[1}",    "{\"m\":{\"a}}", "{\"m\":\"\\x\"}",
                                        "{\"m\":[{]}]]", "{\"m\":",       "{\"s\":[\"\\u0000\"]}"};
    _cleanup_(freep) char *deep = repeat("{\"f:a\":[", 100000, "{}", "]}");
    _cleanup_(freep) char *below = xasprintf("{\"a\":{\"m\":%s},\"b\":1}", deep);
    _cleanup_(json_freep) struct json *fine = NULL;
    struct err err;

    (void)state;
    assert_int_equal(json_parse_without(view(below), unwanted, JSON_MAX_VALUES, &fine, &err), 0);
    assert_int_equal(json_int_at(fine, "b", 0), 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(json_freep) struct json *json = NULL;

        if (json_parse_without(view(cases[i].text), unwanted, JSON_MAX_VALUES, &json, &err) < 0)
            fail_msg("%s: %s", cases[i].text, err.msg);
        _cleanup_(freep) char *read = json_text(json);

        assert_string_equal(read, cases[i].read);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct json *json = NULL;

        assert_int_equal(json_parse_without(view(wrong[i]), unwanted, JSON_MAX_VALUES, &json, &err),
                         ERR_INVALID);
        assert_null(json);
    }
}

static void escapes_are_read(void **state)
{
    _cleanup_(json_freep) struct json *json = parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\"");

    (void)state;
    assert_string_equal(json_str(json), "\"\\/\b\f\n\r\t\xC3\xA9\xE2\x82\xAC");
}

static void every_reader_takes_an_absent_value(void **state)
{
    int64_t value = 7;

    (void)state;
    assert_int_equal(json_type(NULL), JSON_ABSENT);
    assert_string_equal(json_type_name(NULL), "absent");
    assert_null(json_get(NULL, "a"));
    assert_null(json_at(NULL, "a.b"));
    assert_null(json_str(NULL));
    assert_null(json_str_at(NULL, "a"));
    assert_false(json_int(NULL, &value));
    assert_int_equal(value, 7);
    assert_int_equal(json_int_at(NULL, "a", 5), 5);
    assert_false(json_is_true(NULL));
    assert_int_equal(json_size(NULL), 0);
    assert_true(json_equal(NULL, NULL));
    assert_null(json_first(NULL));
    assert_null(json_next(NULL));
    assert_null(json_key(NULL));
    assert_null(json_copy(NULL));
    json_free(NULL);
}

static void a_value_of_another_type_reads_as_absent(void **state)
{
    _cleanup_(json_freep) struct json *json =
        parse("{\"s\":\"x\",\"n\":1,\"t\":true,\"f\":false,\"z\":null,\"l\":[1,2],\"o\":{\"k\":\"v\"}}");
    int64_t value = 7;

    (void)state;
    assert_null(json_str_at(json, "n"));
    assert_null(json_str_at(json, "l"));
    assert_null(json_at(json, "s.x"));
    assert_null(json_at(json, "l.0"));
    assert_false(json_int(json_get(json, "s"), &value));
    assert_false(json_int(json_get(json, "t"), &value));
    assert_false(json_is_true(json_get(json, "n")));
    assert_false(json_is_true(json_get(json, "f")));
    assert_true(json_is_true(json_get(json, "t")));
    assert_int_equal(json_size(json_get(json, "s")), 0);
    assert_null(json_get(json, "S"));
    assert_string_equal(json_str_at(json, "o.k"), "v");
    assert_ptr_equal(json_at(json, ""), json);
    assert_int_equal(value, 7);
}

static void types_have_their_names(void **state)
{
    _cleanup_(json_freep) struct json *json = parse("[null,true,false,1,\"\",[],{}]");
    static const char *const names[] = {"null", "boolean", "boolean", "number", "string", "array", "object"};
    size_t i = 0;

    (void)state;
    for (const struct json *item = json_first(json); item; item = json_next(item))
        assert_string_equal(json_type_name(item), names[i++]);
    assert_int_equal(i, ARRAY_LEN(names));
}

static void only_exact_integers_are_integers(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } right[] = {{"0", 0},
                 {"-0", 0},
                 {"1e3", 1000},
                 {"2.0", 2},
                 {"9007199254740991", 9007199254740991},
                 {"-9007199254740991", -9007199254740991}};
    /* 2^53 + 1 reads as the same double as 2^53: neither is known to be exact. */
    static const char *const wrong[] = {"1.5",
                                        "1e-3",
                                        "9007199254740992",
                                        "9007199254740993",
                                        "-9007199254740993",
                                        "1e300",
                                        "18446744073709551616"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        _cleanup_(json_freep) struct json *json = parse(right[i].text);
        int64_t value = -1;

        assert_true(json_int(json, &value));
        assert_int_equal(value, right[i].value);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        _cleanup_(json_freep) struct json *json = parse(wrong[i]);
        int64_t value = -1;

        if (json_int(json, &value))
            fail_msg("%s read as %" PRId64, wrong[i], value);
        assert_int_equal(value, -1);
    }
}

static void equality_ignores_the_order_of_members_only(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } pairs[] = {
        {"{\"a\":1,\"b\":[2,{\"c\":3}]}", "{\"b\":[2,{\"c\":3}],\"a\":1}", true},
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1]", false},
        {"[1]", "[1,2]", false},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":1}", "{\"A\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":null}", false},
        {"1", "1.0", true},
        {"1", "\"1\"", false},
        {"true", "false", false},
        {"null", "false", false},
        {"null", "null", true},
        {"\"a\"", "\"a\"", true},
        {"\"a\"", "\"b\"", false},
        {"{}", "[]", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        _cleanup_(json_freep) struct json *a = parse(pairs[i].a), *b = parse(pairs[i].b);

        if (json_equal(a, b) != pairs[i].equal || json_equal(b, a) != pairs[i].equal)
            fail_msg("%s and %s", pairs[i].a, pairs[i].b);
    }
    _cleanup_(json_freep) struct json *null = parse("null");

    assert_false(json_equal(NULL, null));
}

static void large_objects_are_compared_in_any_order(void **state)
{
    enum { COUNT = 50000 }; /* comparing each with each would take minutes */
    _cleanup_(str_done) struct str text_up = STR_INIT(4 << 20), text_down = STR_INIT(4 << 20);

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        str_addf(&text_up, "%s\"%d\":%d", i ? "," : "{", i, i);
        str_addf(&text_down, "%s\"%d\":%d", i ? "," : "{", COUNT - 1 - i, COUNT - 1 - i);
    }
    str_add(&text_up, "}");
    str_add(&text_down, "}");

    _cleanup_(json_freep) struct json *up = parse(str_text(&text_up)), *down = parse(str_text(&text_down));

    assert_true(json_equal(up, down));
    json_set(down, "7", json_new_int(8));
    assert_false(json_equal(up, down));
    json_set(down, "7", NULL);
    json_set(down, "x", json_new_int(7));
    assert_false(json_equal(up, down));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ends_too_early_is_refused),
        cmocka_unit_test(what_the_grammar_does_not_know_is_refused),
        cmocka_unit_test(numbers_are_written_as_the_grammar_says),
        cmocka_unit_test(numbers_that_a_double_cannot_hold_are_refused),
        cmocka_unit_test(overlong_numbers_are_refused_also_as_the_whole_text),
        cmocka_unit_test(bytes_after_the_value_are_refused),
        cmocka_unit_test(a_nul_character_is_refused_raw_and_escaped),
        cmocka_unit_test(control_characters_must_be_escaped),
        cmocka_unit_test(invalid_utf8_is_refused),
        cmocka_unit_test(half_a_surrogate_pair_is_refused),
        cmocka_unit_test(a_key_that_occurs_twice_is_refused),
        cmocka_unit_test(depth_64_is_read_and_65_is_refused),
        cmocka_unit_test(too_many_values_are_refused),
        cmocka_unit_test(the_memory_of_a_tree_is_known),
        cmocka_unit_test(unwanted_members_are_read_as_null_in_their_place),
        cmocka_unit_test(escapes_are_read),
        cmocka_unit_test(every_reader_takes_an_absent_value),
        cmocka_unit_test(a_value_of_another_type_reads_as_absent),
        cmocka_unit_test(types_have_their_names),
        cmocka_unit_test(only_exact_integers_are_integers),
        cmocka_unit_test(equality_ignores_the_order_of_members_only),
        cmocka_unit_test(large_objects_are_compared_in_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

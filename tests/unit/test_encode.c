/* Hex, base64, SHA-256, and dates. */
#include "common/base/encode.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* FIPS 180-2, appendix B, and the empty text. */
static void sha256_gives_the_published_digests(void **state)
{
    char hex[SHA256_HEX_SIZE];

    (void)state;
    sha256_hex(view("abc"), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hex(view(""), hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_hex((struct str_view){0}, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_hex(view("abd"), hex);
    assert_string_not_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, test case 2; and an empty key, as a session without a token has. */
static void hmac_gives_the_published_digests(void **state)
{
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_HEX_SIZE];

    (void)state;
    hmac_sha256(view("Jefe"), view("what do ya want for nothing?"), digest);
    hex_encode(digest, sizeof(digest), hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hmac_sha256(view(""), view(""), digest);
    hex_encode(digest, sizeof(digest), hex);
    assert_string_equal(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void hex_is_lower_case_and_two_digits_a_byte(void **state)
{
    char hex[9];

    (void)state;
    hex_encode((const unsigned char *)"\x00\x0f\xf0\xff", 4, hex);
    assert_string_equal(hex, "000ff0ff");
    hex_encode(NULL, 0, hex);
    assert_string_equal(hex, "");
}

/* RFC 4648, section 10. */
static const char *const vectors[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"},
                                         {"\xFB\xFF\xFE", "+//+"}};

static void base64_gives_the_published_texts_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        _cleanup_(str_done) struct str text = STR_INIT(100), bytes = STR_INIT(100);
        struct err err;

        base64_encode(view(vectors[i][0]), &text);
        assert_string_equal(str_text(&text), vectors[i][1]);
        if (base64_decode(view(vectors[i][1]), &bytes, &err) != 0)
            fail_msg("%s: %s", vectors[i][1], err.msg);
        assert_string_equal(str_text(&bytes), vectors[i][0]);
    }
}

static void base64_is_read_across_blanks_and_line_ends(void **state)
{
    _cleanup_(str_done) struct str bytes = STR_INIT(100);
    struct err err;

    (void)state;
    assert_int_equal(base64_decode(view(" Zm9v\r\n\tYmFy\n"), &bytes, &err), 0);
    assert_string_equal(str_text(&bytes), "foobar");
    str_clear(&bytes);
    assert_int_equal(base64_decode(view(" \n"), &bytes, &err), 0);
    assert_string_equal(str_text(&bytes), "");
}

static void what_is_not_base64_is_refused_and_adds_nothing(void **state)
{
    static const char *const wrong[] = {
        "Z",         "Zg",    "Zg=", "Zm9v!", "Zm9*",        "====",  "Zm9v=", "Zg==Zg",
        "Zm9v-Zm9v", "Zm9v-", "-",   "_-__",  "Zm\xC3\xA9=", "Zm9vY", "Zg===", "=Zg="};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        _cleanup_(str_done) struct str bytes = STR_INIT(100);
        struct err err;

        str_add(&bytes, "before");
        if (base64_decode(view(wrong[i]), &bytes, &err) != ERR_INVALID)
            fail_msg("%s was read as %s", wrong[i], str_text(&bytes));
        assert_string_equal(str_text(&bytes), "before");
        assert_string_equal(err.msg, "not base64");
    }
    _cleanup_(str_done) struct str bytes = STR_INIT(100);
    struct err err;

    assert_int_equal(base64_decode((struct str_view){"Zg\0==", 5}, &bytes, &err), ERR_INVALID);
}

static void dates_are_written_and_read(void **state)
{
    static const struct {
        int64_t wall_s;
        const char *text;
    } pairs[] = {{0, "1970-01-01T00:00:00Z"},          {1795507200, "2026-11-24T08:00:00Z"},
                 {1709164799, "2024-02-28T23:59:59Z"}, {1709164800, "2024-02-29T00:00:00Z"},
                 {-1, "1969-12-31T23:59:59Z"},         {253402300799, "9999-12-31T23:59:59Z"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        char text[CLOCK_TEXT_SIZE];
        int64_t wall_s = 1;

        clock_rfc3339(pairs[i].wall_s, text);
        assert_string_equal(text, pairs[i].text);
        assert_true(clock_parse(text, &wall_s));
        assert_int_equal(wall_s, pairs[i].wall_s);
    }
}

static void a_date_may_have_a_fraction_or_no_time(void **state)
{
    int64_t wall_s = 1;

    (void)state;
    assert_true(clock_parse("2026-11-24T08:00:00.123456789Z", &wall_s));
    assert_int_equal(wall_s, 1795507200);
    assert_true(clock_parse("2026-11-24", &wall_s));
    assert_int_equal(wall_s, 1795507200 - 8 * 3600);
}

static void what_is_no_date_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "2026",
        "2026-11",
        "2026-13-01",
        "2026-00-01",
        "2026-11-00",
        "2026-11-31",
        "2026-02-29",
        "26-11-24",
        "2026-1-2",
        " 2026-11-24",
        "2026- 1-24",
        "2026-11-24x",
        "2026-11-24 ",
        "2026-11-24T",
        "2026-11-24T08:00Z",
        "2026-11-24T08:00:00",
        "2026-11-24T24:00:00Z",
        "2026-11-24T08:60:00Z",
        "2026-11-24T08:00:61Z",
        "2026-11-24 08:00:00Z",
        "2026-11-24T8:00:00Z",
        "2026-11-24T08:00:00z",
        "2026-11-24T08:00:00+01:00",
        "2026-11-24T08:00:00Zx",
        "2026-11-24T08:00:00.Z",
        "2026-11-24T08:00:00,5Z",
        "20261124",
        "now",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        int64_t wall_s = 42;

        if (clock_parse(wrong[i], &wall_s))
            fail_msg("\"%s\" read as %" PRId64, wrong[i], wall_s);
        assert_int_equal(wall_s, 42);
    }
}

static void waiting_takes_its_time(void **state)
{
    int64_t before = clock_mono_ms();

    (void)state;
    clock_sleep_ms(20);
    assert_true(clock_mono_ms() - before >= 20);
    assert_true(clock_wall_s() > 1700000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(hmac_gives_the_published_digests),
        cmocka_unit_test(hex_is_lower_case_and_two_digits_a_byte),
        cmocka_unit_test(base64_gives_the_published_texts_both_ways),
        cmocka_unit_test(base64_is_read_across_blanks_and_line_ends),
        cmocka_unit_test(what_is_not_base64_is_refused_and_adds_nothing),
        cmocka_unit_test(dates_are_written_and_read),
        cmocka_unit_test(a_date_may_have_a_fraction_or_no_time),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(waiting_takes_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

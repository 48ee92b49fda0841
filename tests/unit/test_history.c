/* Which state of status.history a spec goes back to. */
#include "controller/history.h"

#include "common/base/mem.h"
#include "tests/unit/texts.h"

static void code_that_was_in_force_before_is_found_and_what_is_in_force_is_not(void **state)
{
    static const char history[] = "[{\"time\":\"4\",\"bucket\":\"b\",\"key\":\"new\",\"versionId\":\"v4\"},"
                                  "{\"time\":\"3\",\"bucket\":\"b\",\"key\":\"old\",\"versionId\":\"v3\"},"
                                  "{\"time\":\"2\",\"bucket\":\"b\",\"key\":\"old\",\"versionId\":\"v2\"},"
                                  "{\"time\":\"1\",\"imageUri\":\"r/a:1\"}]";
    static const struct {
        const char *spec, *time;
    } rows[] = {
        {"{\"code\":{\"s3Bucket\":\"b\",\"s3Key\":\"old\"}}", "3"},
        {"{\"code\":{\"s3Bucket\":\"b\",\"s3Key\":\"old\",\"s3ObjectVersion\":\"v2\"}}", "2"},
        {"{\"code\":{\"s3Bucket\":\"b\",\"s3Key\":\"old\",\"s3ObjectVersion\":\"v1\"}}", NULL},
        {"{\"code\":{\"s3Bucket\":\"other\",\"s3Key\":\"old\"}}", NULL},
        {"{\"code\":{\"s3Bucket\":\"b\",\"s3Key\":\"new\"}}", NULL},
        {"{\"code\":{\"s3Bucket\":\"b\",\"s3Key\":\"next\"}}", NULL},
        {"{\"code\":{\"imageUri\":\"r/a:1\"}}", "1"},
        {"{}", NULL},
    };
    _cleanup_(json_freep) struct json *known = parse(history);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(json_freep) struct json *spec = parse(rows[i].spec);

        assert_true(str_equal(json_str_at(history_earlier(known, spec), "time"), rows[i].time));
        assert_null(history_earlier(NULL, spec));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_that_was_in_force_before_is_found_and_what_is_in_force_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

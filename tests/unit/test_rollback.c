/* What a rollback puts back. */
#include "cli/rollback_choose.h"

#include "common/base/mem.h"
#include "tests/unit/texts.h"

#include <stdio.h>

#define FUNCTION(code, aliases)                                                                              \
    "{\"metadata\":{\"resourceVersion\":\"9\"},\"spec\":{\"code\":{" code "},\"aliases\":[" aliases          \
    "]},\"status\":{\"versions\":\"1-3,5\",\"aliases\":[{\"name\":\"live\",\"version\":\"5\"}],\"history\":" \
    "["                                                                                                      \
    "{\"time\":\"t3\",\"bucket\":\"b\",\"key\":\"c.zip\",\"versionId\":\"v3\",\"version\":\"5\"},"           \
    "{\"time\":\"t2\",\"bucket\":\"b\",\"key\":\"c.zip\",\"versionId\":\"v2\",\"version\":\"3\"},"           \
    "{\"time\":\"t1\",\"bucket\":\"b\",\"key\":\"a.zip\",\"versionId\":\"v1\",\"version\":\"2\"}]}}"
#define CODE "\"s3Bucket\":\"b\",\"s3Key\":\"c.zip\""
#define LIVE "{\"name\":\"live\",\"version\":\"Latest\",\"description\":\"d\"}"

/* The value that is put in, "" where nothing is; the refusal where there is one. The caller frees. */
static char *chosen(const char *function, int64_t back, const char *alias)
{
    _cleanup_(json_freep) struct json *object = parse(function);
    _cleanup_(rollback_done) struct rollback rollback = {0};
    struct err err;

    if (rollback_choose(object, back, alias, &rollback, &err) < 0)
        return xstrdup(err.msg);
    if (!rollback.patch)
        return xstrdup("");
    const struct json *guard = json_first(rollback.patch), *change = json_next(guard);
    _cleanup_(freep) char *value = json_text(json_get(change, "value"));

    assert_string_equal(json_str_at(guard, "op"), "test");
    assert_string_equal(json_str_at(guard, "value"), "9");
    return xasprintf("%s %s", json_str_at(change, "path"), value);
}

static void the_state_so_many_back_is_put_back(void **state)
{
    static const struct {
        const char *function;
        int64_t back;
        const char *alias, *expected;
    } rows[] = {
        {FUNCTION(CODE, ""), 2, NULL, "/spec/code {\"s3Bucket\":\"b\",\"s3Key\":\"a.zip\"}"},
        /* The same key had other content: only its version tells. */
        {FUNCTION(CODE, ""), 0, NULL,
         "/spec/code {\"s3Bucket\":\"b\",\"s3Key\":\"c.zip\",\"s3ObjectVersion\":\"v2\"}"},
        /* Where a version is declared, the old one is. */
        {FUNCTION(CODE ",\"s3ObjectVersion\":\"v3\"", ""), 2, NULL,
         "/spec/code {\"s3Bucket\":\"b\",\"s3Key\":\"a.zip\",\"s3ObjectVersion\":\"v1\"}"},
        {FUNCTION(CODE, ""), 3, NULL, "the history goes 2 states back, not 3"},
        {FUNCTION("\"s3Bucket\":\"b\",\"s3Key\":\"a.zip\"", ""), 2, NULL,
         "/spec/code {\"s3Bucket\":\"b\",\"s3Key\":\"a.zip\",\"s3ObjectVersion\":\"v1\"}"},
        {FUNCTION(CODE, LIVE), 0, "live",
         "/spec/aliases/0 {\"name\":\"live\",\"version\":\"3\",\"description\":\"d\"}"},
        {FUNCTION(CODE, "{\"name\":\"a\"}," LIVE), 1, "live",
         "/spec/aliases/1 {\"name\":\"live\",\"version\":\"1\",\"description\":\"d\"}"},
        {FUNCTION(CODE, LIVE), 4, "live", "there is no version 4; there are 1-3,5"},
        {FUNCTION(CODE, LIVE), 0, "next", "spec.aliases has no next"},
        {FUNCTION(CODE, "{\"name\":\"live\",\"version\":\"3\"}"), 3, "live", ""},
        {"{\"metadata\":{\"resourceVersion\":\"9\"},\"spec\":{\"code\":{}}}", 0, NULL,
         "nothing was in force yet, so there is no state to go back to; declare other code"},
        {"{\"metadata\":{\"resourceVersion\":\"9\"},\"spec\":{\"code\":{" CODE "}}}", 0, NULL,
         "nothing was in force yet, so there is no state to go back to; declare other code"},
        {"{\"metadata\":{\"resourceVersion\":\"9\"}}", 0, NULL,
         "the API server's answer is no LambdaFunction"},
        {"{\"spec\":{\"code\":{}}}", 0, NULL, "the API server's answer is no LambdaFunction"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(freep) char *text = chosen(rows[i].function, rows[i].back, rows[i].alias);

        assert_string_equal(text, rows[i].expected);
    }
}

/* "- from + to", or the refusal; the caller frees. */
static char *told(const char *function, int64_t back)
{
    _cleanup_(json_freep) struct json *object = parse(function);
    _cleanup_(rollback_done) struct rollback rollback = {0};
    struct err err;

    if (rollback_choose(object, back, NULL, &rollback, &err) < 0)
        return xstrdup(err.msg);
    return xasprintf("- %s + %s%s", rollback.from, rollback.to, rollback.patch ? "" : " already");
}

#define ENTRY(time, key, sha256, version)                                                                    \
    "{\"time\":\"" time "\",\"bucket\":\"b\",\"key\":\"" key "\",\"codeSha256\":\"" sha256                   \
    "\",\"version\":\"" version "\"}"
#define THEN(time, key, sha256, version) "," ENTRY(time, key, sha256, version)
#define STATES(key, history)                                                                                 \
    "{\"metadata\":{\"resourceVersion\":\"9\"},\"spec\":{\"code\":{\"s3Bucket\":\"b\",\"s3Key\":\"" key      \
    "\"}},\"status\":{\"history\":[" history "]}}"
/* The second archive, of which another version was published when its configuration changed, twice. */
#define PUBLISHED                                                                                            \
    ENTRY("t5", "2.zip", "s2", "5")                                                                          \
    THEN("t4", "2.zip", "s2", "4")                                                                           \
    THEN("t3", "2.zip", "s2", "3") THEN("t2", "1.zip", "s1", "2") THEN("t1", "0.zip", "s0", "1")

static void versions_of_the_same_code_are_one_state(void **state)
{
    static const struct {
        int64_t back;
        const char *expected;
    } rows[] = {
        {0, "- 2.zip, version 5 (in force since t5) + 1.zip, version 2 (in force since t2)"},
        {1, "- 2.zip, version 5 (in force since t5) + 1.zip, version 2 (in force since t2)"},
        {2, "- 2.zip, version 5 (in force since t5) + 0.zip, version 1 (in force since t1)"},
        {3, "the history goes 2 states back, not 3"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(freep) char *text = told(STATES("2.zip", PUBLISHED), rows[i].back);

        assert_string_equal(text, rows[i].expected);
    }
}

static void from_what_never_came_into_force_the_way_back_is_to_what_is_in_force(void **state)
{
    static const struct {
        int64_t back;
        const char *expected;
    } rows[] = {
        {0, "- 3.zip (declared, not in force) + 2.zip, version 5 (in force since t5)"},
        {1, "- 3.zip (declared, not in force) + 1.zip, version 2 (in force since t2)"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(freep) char *text = told(STATES("3.zip", PUBLISHED), rows[i].back);

        assert_string_equal(text, rows[i].expected);
    }
}

/* Two states of one key in a bucket that keeps no versions, and of one image's tag. */
#define OVERWRITTEN                                                                                          \
    ENTRY("t4", "2.zip", "s4", "4")                                                                          \
    THEN("t3", "1.zip", "s3", "3") THEN("t2", "2.zip", "s2", "2") THEN("t1", "2.zip", "s4", "1")
#define MOVED                                                                                                \
    "{\"metadata\":{\"resourceVersion\":\"9\"},\"spec\":{\"code\":{\"imageUri\":\"i:1\"}},\"status\":{"      \
    "\"history\":[{\"time\":\"t2\",\"imageUri\":"                                                            \
    "\"i:1\","                                                                                               \
    "\"codeSha256\":\"s2\"},{\"time\":\"t1\",\"imageUri\":\"i:1\",\"codeSha256\":\"s1\"}]}}"

static void code_that_was_overwritten_is_not_said_to_be_back(void **state)
{
    static const struct {
        const char *function;
        int64_t back;
        const char *expected;
    } rows[] = {
        {STATES("2.zip", OVERWRITTEN), 2,
         "2.zip, version 2 (in force since t2) was overwritten since, where no versions are kept; put that "
         "code under "
         "another name and declare it"},
        {STATES("3.zip", OVERWRITTEN), 2, /* the same from what never came into force */
         "2.zip, version 2 (in force since t2) was overwritten since, where no versions are kept; put that "
         "code under "
         "another name and declare it"},
        {MOVED, 1,
         "i:1 (in force since t1) was overwritten since, where no versions are kept; put that code under "
         "another name and declare it"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(freep) char *text = told(rows[i].function, rows[i].back);

        assert_string_equal(text, rows[i].expected);
    }
}

#define OBJECT(time, key, sha256, version)                                                                   \
    "{\"time\":\"" time "\",\"bucket\":\"b\",\"key\":\"" key "\",\"codeSha256\":\"" sha256                   \
    "\",\"versionId\":\"" version "\"}"

static void of_a_key_that_was_overwritten_the_version_is_declared(void **state)
{
    _cleanup_(freep) char *value =
        chosen(STATES("2.zip", OBJECT("t3", "2.zip", "s3", "v3") "," OBJECT(
                                   "t2", "1.zip", "s2", "v2") "," OBJECT("t1", "1.zip", "s1", "v1")),
               2, NULL);

    (void)state;
    assert_string_equal(value,
                        "/spec/code {\"s3Bucket\":\"b\",\"s3Key\":\"1.zip\",\"s3ObjectVersion\":\"v1\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_so_many_back_is_put_back),
        cmocka_unit_test(versions_of_the_same_code_are_one_state),
        cmocka_unit_test(code_that_was_overwritten_is_not_said_to_be_back),
        cmocka_unit_test(of_a_key_that_was_overwritten_the_version_is_declared),
        cmocka_unit_test(from_what_never_came_into_force_the_way_back_is_to_what_is_in_force),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

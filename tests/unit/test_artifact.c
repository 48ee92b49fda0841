/* Questions to S3: shared, limited in number, and answered by the asker's own deadline. S3 is a function here
 * that answers when the test says so. */
#include "webhook/artifact.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { ASKED_MAX = 256 };

static struct http *http;

static struct {
    s3_head_fn *done;
    void *arg;
    char key[64];
    int64_t timeout_ms;
    struct aws *aws;
} asked[ASKED_MAX];
static size_t asked_count;
static bool nothing_can_be_sent;
static int nested, nested_most; /* questions that are asked within one another's answer */

struct http *aws_http(struct aws *aws)
{
    (void)aws;
    return http;
}

struct aws *aws_for_role(struct aws *aws, const char *role_arn)
{
    (void)aws;
    return (struct aws *)(uintptr_t)role_arn;
}

void s3_head(struct aws *aws, const char *region, const char *bucket, const char *key, const char *version_id,
             int64_t timeout_ms, s3_head_fn *done, void *arg)
{
    (void)region, (void)bucket, (void)version_id;
    assert_true(asked_count < ASKED_MAX);
    asked[asked_count].done = done;
    asked[asked_count].arg = arg;
    asked[asked_count].timeout_ms = timeout_ms;
    asked[asked_count].aws = aws;
    snprintf(asked[asked_count++].key, sizeof(asked[0].key), "%s", key);
    if (!nothing_can_be_sent)
        return;
    struct err err;

    err_set(&err, ERR_INVALID, "the region is none");
    nested_most = ++nested > nested_most ? nested : nested_most;
    done(arg, NULL, &err);
    nested--;
}

/* S3 answers the nth question. */
static void found(size_t index, const struct s3_object *object)
{
    asked[index].done(asked[index].arg, object, NULL);
}

static void failed(size_t index, enum err_class class, int status, const char *code)
{
    struct err err;

    err_set(&err, class, "s3://b/k: %s", "why");
    err.status = status;
    snprintf(err.code, sizeof(err.code), "%s", code);
    asked[index].done(asked[index].arg, NULL, &err);
}

struct heard {
    int times;
    struct artifact_answer answer;
};

static void hear(void *arg, const struct artifact_answer *answer)
{
    struct heard *heard = arg;

    heard->answer = *answer;
    __atomic_add_fetch(&heard->times, 1, __ATOMIC_SEQ_CST);
}

static int times(const struct heard *heard)
{
    return __atomic_load_n(&heard->times, __ATOMIC_SEQ_CST);
}

static struct json *spec_of(const char *key)
{
    struct json *spec = json_new_object();

    json_set_str(spec, "region", "us-east-1");
    json_set_at(spec, "code.s3Bucket", json_new_string("b"));
    json_set_at(spec, "code.s3Key", json_new_string(key));
    return spec;
}

static void ask(struct artifacts *artifacts, const char *key, int64_t timeout_ms, struct heard *heard)
{
    _cleanup_(json_freep) struct json *spec = spec_of(key);

    artifact_ask(artifacts, spec, NULL, timeout_ms, hear, heard);
}

static int set_up(void **state)
{
    asked_count = 0;
    nothing_can_be_sent = false;
    *state = artifacts_new(NULL);
    return 0;
}

static int tear_down(void **state)
{
    artifacts_free(*state);
    return 0;
}

static void those_who_ask_for_the_same_share_a_question(void **state)
{
    struct heard heard[5] = {0};
    struct s3_object object = {.size_bytes = 7, .sha256 = "c2hh"};

    for (size_t i = 0; i < ARRAY_LEN(heard); i++)
        ask(*state, "k", 5000, &heard[i]);
    assert_int_equal(asked_count, 1);
    found(0, &object);
    for (size_t i = 0; i < ARRAY_LEN(heard); i++) {
        assert_int_equal(times(&heard[i]), 1);
        assert_int_equal(heard[i].answer.state, ARTIFACT_FOUND);
        assert_string_equal(heard[i].answer.object.sha256, "c2hh");
    }
}

static void a_role_asks_for_itself_and_is_remembered_for_itself(void **state)
{
    static const char role[] = "arn:aws:iam::210987654321:role/other";
    _cleanup_(json_freep) struct json *spec = spec_of("k");
    struct heard own = {0}, others = {0};
    struct s3_object object = {.size_bytes = 7};
    struct artifact_answer answer;

    ask(*state, "k", 5000, &own);
    artifact_ask(*state, spec, role, 5000, hear, &others);
    assert_int_equal(asked_count, 2);
    assert_null(asked[0].aws);
    assert_ptr_equal(asked[1].aws, role);
    found(1, &object);
    failed(0, ERR_DENIED, 403, "");
    assert_true(artifact_known(*state, spec, role, &answer));
    assert_false(artifact_known(*state, spec, NULL, &answer));
}

static void only_what_is_there_is_remembered_with_its_checksum(void **state)
{
    _cleanup_(json_freep) struct json *there = spec_of("there"), *missing = spec_of("missing");
    struct heard heard = {0};
    struct s3_object object = {.size_bytes = 7, .sha256 = "c2hh"};
    struct artifact_answer answer;

    ask(*state, "there", 5000, &heard);
    ask(*state, "missing", 5000, &heard);
    assert_false(artifact_known(*state, there, NULL, &answer));
    found(0, &object);
    failed(1, ERR_NOT_FOUND, 404, "");
    assert_true(artifact_known(*state, there, NULL, &answer));
    assert_string_equal(answer.object.sha256, "c2hh");
    assert_false(artifact_known(*state, missing, NULL, &answer));
    ask(*state, "missing", 5000, &heard);
    assert_int_equal(asked_count, 3);
    failed(2, ERR_NOT_FOUND, 404, "");
}

static void what_s3_says_becomes_a_state(void **state)
{
    static const struct {
        enum err_class class;
        int status;
        const char *code;
        enum artifact_state state;
        const char *detail;
    } cases[] = {
        {ERR_NOT_FOUND, 404, "", ARTIFACT_MISSING, "why"},
        {ERR_DENIED, 403, "", ARTIFACT_UNREADABLE, "why"},
        {ERR_DENIED, 0, "", ARTIFACT_UNAVAILABLE, "why"},
        {ERR_CONFLICT, 301, "eu-west-1", ARTIFACT_ELSEWHERE, "eu-west-1"},
        {ERR_INVALID, 405, "", ARTIFACT_BAD_VERSION, "why"},
        {ERR_INVALID, 0, "", ARTIFACT_UNAVAILABLE, "why"},
        {ERR_THROTTLED, 503, "SlowDown", ARTIFACT_UNAVAILABLE, "why"},
        {ERR_RETRY, 0, "", ARTIFACT_UNAVAILABLE, "why"},
    };
    struct heard heard = {0};
    struct s3_object archived = {.size_bytes = 7, .storage_class = "GLACIER", .archived = true};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ask(*state, "k", 5000, &heard);
        failed(i, cases[i].class, cases[i].status, cases[i].code);
        assert_int_equal(heard.answer.state, cases[i].state);
        assert_string_equal(heard.answer.detail, cases[i].detail);
    }
    ask(*state, "k", 5000, &heard);
    found(ARRAY_LEN(cases), &archived);
    assert_int_equal(heard.answer.state, ARTIFACT_ARCHIVED);
    assert_string_equal(heard.answer.detail, "GLACIER");
}

static void no_more_than_the_limit_are_under_way_and_the_rest_follows(void **state)
{
    struct heard heard[ARTIFACT_QUESTIONS_MAX + 2] = {0};
    struct s3_object object = {.size_bytes = 7};
    char key[16];

    for (size_t i = 0; i < ARRAY_LEN(heard); i++) {
        snprintf(key, sizeof(key), "k%zu", i);
        ask(*state, key, 5000, &heard[i]);
    }
    assert_int_equal(asked_count, ARTIFACT_QUESTIONS_MAX);
    for (size_t i = 0; i < ARRAY_LEN(heard); i++)
        found(i, &object);
    assert_int_equal(asked_count, ARRAY_LEN(heard));
    assert_string_equal(asked[ARTIFACT_QUESTIONS_MAX].key, "k64"); /* in their order */
    for (size_t i = 0; i < ARRAY_LEN(heard); i++)
        assert_int_equal(times(&heard[i]), 1);
}

static void what_cannot_be_sent_is_answered_one_by_one(void **state)
{
    struct heard heard[ARTIFACT_QUESTIONS_MAX + 100] = {0};
    struct s3_object object = {.size_bytes = 7};
    char key[16];

    for (size_t i = 0; i < ARRAY_LEN(heard); i++) {
        snprintf(key, sizeof(key), "k%zu", i);
        ask(*state, key, 5000, &heard[i]);
    }
    nothing_can_be_sent = true;
    found(0, &object);
    assert_int_equal(asked_count, ARRAY_LEN(heard));
    assert_int_equal(nested_most, 1);
    for (size_t i = ARTIFACT_QUESTIONS_MAX; i < ARRAY_LEN(heard); i++) {
        assert_int_equal(times(&heard[i]), 1);
        assert_int_equal(heard[i].answer.state, ARTIFACT_UNAVAILABLE);
    }
    for (size_t i = 1; i < ARTIFACT_QUESTIONS_MAX; i++)
        found(i, &object);
}

static void who_waits_is_answered_by_the_own_deadline(void **state)
{
    struct heard heard[ARTIFACT_QUESTIONS_MAX] = {0}, joined = {0}, queued = {0};
    struct s3_object object = {.size_bytes = 7};
    char key[16];

    for (size_t i = 0; i < ARRAY_LEN(heard); i++) {
        snprintf(key, sizeof(key), "k%zu", i);
        ask(*state, key, 60000, &heard[i]);
    }
    ask(*state, "k0", 100, &joined);
    ask(*state, "other", 100, &queued);
    for (int i = 0; i < 300 && (!times(&joined) || !times(&queued)); i++)
        clock_sleep_ms(10);
    assert_int_equal(times(&joined), 1);
    assert_int_equal(joined.answer.state, ARTIFACT_UNAVAILABLE);
    assert_string_equal(joined.answer.detail, "no answer in time");
    assert_int_equal(times(&queued), 1);
    assert_int_equal(times(&heard[0]), 0);
    for (size_t i = 0; i < ARRAY_LEN(heard); i++)
        found(i, &object);
    assert_int_equal(asked_count, ARTIFACT_QUESTIONS_MAX); /* nobody waited for the queued one any more */
    assert_int_equal(times(&joined) + times(&queued), 2);
}

static void who_joined_with_more_time_is_asked_for_again(void **state)
{
    struct heard first = {0}, joined = {0};
    struct s3_object object = {.size_bytes = 7};

    ask(*state, "k", 60, &first);
    ask(*state, "k", 30000, &joined);
    assert_int_equal(asked_count, 1);
    clock_sleep_ms(150);
    failed(0, ERR_RETRY, 0, "");
    assert_int_equal(times(&first), 1);
    assert_int_equal(times(&joined), 0);
    assert_int_equal(asked_count, 2);
    found(1, &object);
    assert_int_equal(joined.answer.state, ARTIFACT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(those_who_ask_for_the_same_share_a_question, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_role_asks_for_itself_and_is_remembered_for_itself, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(only_what_is_there_is_remembered_with_its_checksum, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_s3_says_becomes_a_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_more_than_the_limit_are_under_way_and_the_rest_follows, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_sent_is_answered_one_by_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_waits_is_answered_by_the_own_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_joined_with_more_time_is_asked_for_again, set_up, tear_down),
    };
    struct err err;

    if (http_start(&http, &err) < 0)
        return 1;
    int r = cmocka_run_group_tests(tests, NULL, NULL);

    http_stop(http);
    return r;
}

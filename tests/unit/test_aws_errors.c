/* What answers of AWS mean: classes and messages of errors, S3's HEADs. */
#include "common/aws/client.h"
#include "common/aws/s3.h"
#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct http_response answer_of(int status, const char *headers, const char *body)
{
    struct http_response response = {status, STR_INIT(4096), STR_INIT(64 * 1024)};

    str_add(&response.headers, headers);
    str_add(&response.body, body);
    return response;
}

static void errors_have_the_class_that_their_code_and_status_tell(void **state)
{
    static const struct {
        int status;
        const char *headers, *body;
        enum err_class class;
        const char *code, *msg;
    } rows[] = {
        {404, "x-amzn-errortype: ResourceNotFoundException\n", "{\"Message\":\"Function not found: x\"}",
         ERR_NOT_FOUND, "ResourceNotFoundException", "ResourceNotFoundException: Function not found: x"},
        {404, "x-amzn-errortype: ResourceNotFoundException:http://internal.amazon.com/coral#x\n", "",
         ERR_NOT_FOUND, "ResourceNotFoundException", "ResourceNotFoundException"},
        {404, "", "<html>no</html>", ERR_RETRY, "",
         "answered 404 without an AWS error code: is something else at this endpoint?"},
        {404, "", "{\"message\":\"no route\"}", ERR_RETRY, "",
         "answered 404 without an AWS error code: is something else at this endpoint?: no route"},
        {409, "", "{\"__type\":\"com.amazonaws.lambda#ResourceConflictException\",\"message\":\"busy\"}",
         ERR_CONFLICT, "ResourceConflictException", "ResourceConflictException: busy"},
        {412, "", "{\"code\":\"PreconditionFailedException\"}", ERR_CONFLICT, "PreconditionFailedException",
         "PreconditionFailedException"},
        {429, "", "{\"Reason\":\"x\"}", ERR_THROTTLED, "", "answered 429 without an AWS error code"},
        {400, "", "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}", ERR_THROTTLED,
         "ThrottlingException", "ThrottlingException: Rate exceeded"},
        {400, "", "{\"__type\":\"InvalidParameterValueException\",\"message\":\"a\\nb\"}", ERR_INVALID,
         "InvalidParameterValueException", "InvalidParameterValueException: a b"},
        {400, "", "{\"__type\":\"ExpiredTokenException\"}", ERR_DENIED, "ExpiredTokenException",
         "ExpiredTokenException"},
        {403, "",
         "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>a &amp; "
         "b</Message></Error></ErrorResponse>",
         ERR_DENIED, "SignatureDoesNotMatch", "SignatureDoesNotMatch: a & b"},
        {403, "", "denied by a proxy", ERR_DENIED, "", "answered 403 without an AWS error code"},
        {413, "", "", ERR_INVALID, "", "answered 413 without an AWS error code"},
        {500, "", "{\"__type\":\"ServiceException\"}", ERR_RETRY, "ServiceException", "ServiceException"},
        {503, "", "", ERR_RETRY, "", "answered 503 without an AWS error code"},
        {302, "", "", ERR_RETRY, "", "answered 302 without an AWS error code"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(http_response_done) struct http_response response =
            answer_of(rows[i].status, rows[i].headers, rows[i].body);
        struct err err;

        assert_int_equal(aws_error(&response, &err), rows[i].class);
        assert_int_equal(err.class, rows[i].class);
        assert_int_equal(err.status, rows[i].status);
        assert_string_equal(err.code, rows[i].code);
        assert_string_equal(err.msg, rows[i].msg);
    }
}

static void the_wait_that_aws_asks_for_is_kept_and_capped(void **state)
{
    static const struct {
        const char *headers;
        int wait_ms;
    } rows[] = {{"", 0},
                {"retry-after: 2\n", 2000},
                {"retry-after: 2\nx-amz-retry-after: 150\n", 150},
                {"retry-after: 86400\n", 60000},
                {"retry-after: Tue, 24 Nov 2026 08:00:00 GMT\n", 0},
                {"retry-after: -1\n", 0}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(http_response_done) struct http_response response = answer_of(429, rows[i].headers, "");
        struct err err;

        assert_int_equal(aws_error(&response, &err), ERR_THROTTLED);
        assert_int_equal(err.retry_after_ms, rows[i].wait_ms);
    }
}

static void what_aws_repeats_of_our_values_is_not_shown(void **state)
{
    static const char *const messages[] = {
        "exceeded the 4KB limit. String measured: {\\\"A\\\":\\\"hidden\\\"}",
        "1 validation error detected: Value '{A=hidden}' at 'environment.variables' failed to satisfy it",
        "2 validation errors detected: Value '' at 'role' failed; Value '{A=hidden' at 'x, B=hidden}' at "
        "'environment.variables' failed to satisfy it",
        "does not match.\\n\\nThe Canonical String for this request should have "
        "been\\n'x-amz-security-token:hidden'",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        _cleanup_(freep) char *body = xasprintf("{\"__type\":\"X\",\"message\":\"%s\"}", messages[i]);
        _cleanup_(http_response_done) struct http_response response = answer_of(400, "", body);
        struct err err;

        assert_int_equal(aws_error(&response, &err), ERR_INVALID);
        assert_null(strstr(err.msg, "hidden"));
        assert_non_null(strstr(err.msg, "not shown"));
    }
}

#define S3 "x-amz-request-id: 1\n"

static void heads_say_what_they_can_tell(void **state)
{
    static const struct {
        int status;
        const char *headers, *version_id;
        enum err_class class;
        const char *code, *part;
    } rows[] = {
        {200, "", NULL, ERR_RETRY, "", "something other than S3 answered 200"},
        {404, "content-type: text/html\n", NULL, ERR_RETRY, "", "something other than S3 answered 404"},
        {403, "", NULL, ERR_RETRY, "", "something other than S3 answered 403"},
        {302, "location: https://login\n", NULL, ERR_RETRY, "", "something other than S3 answered 302"},
        {404, S3, NULL, ERR_NOT_FOUND, "", "s3://b/k does not exist"},
        {404, S3 "x-amz-delete-marker: true\n", NULL, ERR_NOT_FOUND, "", "was deleted"},
        {403, S3, NULL, ERR_DENIED, "", "missing or not readable with our credentials"},
        {403, S3, "v", ERR_DENIED, "", "s3:GetObjectVersion"},
        {301, "x-amz-bucket-region: eu-west-1\n", NULL, ERR_CONFLICT, "eu-west-1", "is in eu-west-1"},
        {301, S3, NULL, ERR_CONFLICT, "", "is not in us-east-1"},
        {400, "x-amz-bucket-region: eu-west-1\n", NULL, ERR_CONFLICT, "eu-west-1", "is in eu-west-1"},
        {400, "x-amz-bucket-region: us-east-1\n", "v", ERR_INVALID, "", "version id"},
        {400, S3, NULL, ERR_DENIED, "", "expired"},
        {405, S3, "v", ERR_INVALID, "", "delete marker"},
        {307, S3, NULL, ERR_RETRY, "", "answered 307"},
        {412, S3, NULL, ERR_RETRY, "", "answered 412"},
        {429, "", NULL, ERR_THROTTLED, "", "answered 429"},
        {500, "", NULL, ERR_RETRY, "", "answered 500"},
        {503, "retry-after: 1\n", NULL, ERR_THROTTLED, "", "slow down"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(http_response_done) struct http_response response =
            answer_of(rows[i].status, rows[i].headers, "");
        const struct s3_target target = {"us-east-1", "b", "k", rows[i].version_id};
        struct s3_object object;
        struct err err;

        assert_int_equal(s3_read_answer(&target, &response, &object, &err), rows[i].class);
        assert_int_equal(err.status, rows[i].status);
        assert_string_equal(err.code, rows[i].code);
        assert_non_null(strstr(err.msg, rows[i].part));
    }
}

#define HASH "GyF/pAyvdb1+sJ6B1hNWm1JhI/qE2Bhn1Ha8YaV/AkI="

static void only_the_hash_of_a_whole_object_is_its_sha256(void **state)
{
    static const struct {
        const char *headers, *sha256;
    } rows[] = {{S3 "x-amz-checksum-sha256: " HASH "\n", HASH},
                {S3 "x-amz-checksum-sha256: " HASH "\nx-amz-checksum-type: FULL_OBJECT\n", HASH},
                {S3 "x-amz-checksum-sha256: " HASH "\nx-amz-checksum-type: COMPOSITE\n", ""},
                {S3 "x-amz-checksum-sha256: " HASH "-2\n", ""},
                {S3 "x-amz-checksum-sha256: " HASH "-2\nx-amz-checksum-type: COMPOSITE\n", ""},
                {S3, ""}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(http_response_done) struct http_response response = answer_of(200, rows[i].headers, "");
        const struct s3_target target = {"us-east-1", "b", "k", NULL};
        struct s3_object object;
        struct err err;

        assert_int_equal(s3_read_answer(&target, &response, &object, &err), 0);
        assert_string_equal(object.sha256, rows[i].sha256);
        assert_int_equal(object.size_bytes, -1);
    }
}

static void an_object_has_size_version_etag_and_class(void **state)
{
    _cleanup_(http_response_done) struct http_response response =
        answer_of(200,
                  S3 "content-length: 10485760\nx-amz-version-id: 3/L4+V=\n"
                     "etag: \"9b2c\"\nx-amz-storage-class: GLACIER\n",
                  "");
    const struct s3_target target = {"us-east-1", "b", "k", NULL};
    struct s3_object object;
    struct err err;

    (void)state;
    assert_int_equal(s3_read_answer(&target, &response, &object, &err), 0);
    assert_int_equal(object.size_bytes, 10485760);
    assert_string_equal(object.version_id, "3/L4+V=");
    assert_string_equal(object.etag, "9b2c");
    assert_string_equal(object.storage_class, "GLACIER");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_the_class_that_their_code_and_status_tell),
        cmocka_unit_test(the_wait_that_aws_asks_for_is_kept_and_capped),
        cmocka_unit_test(what_aws_repeats_of_our_values_is_not_shown),
        cmocka_unit_test(heads_say_what_they_can_tell),
        cmocka_unit_test(only_the_hash_of_a_whole_object_is_its_sha256),
        cmocka_unit_test(an_object_has_size_version_etag_and_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

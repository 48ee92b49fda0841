/* Calls to AWS against a scripted server on loopback. */
#include "common/aws/lambda.h"
#include "common/aws/s3.h"
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "environment.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_ANSWERS = 4, REQUEST_SIZE = 8192, TIMEOUT_MS = 5000 };

/* Gives the answers in turn, one per connection, and keeps the requests. */
struct script {
    const char *answers[MAX_ANSWERS];
    size_t count;
    const char *rotate_path; /* of a credentials file that changes before an answer is given */
    int listener;
    pthread_t thread;
    char requests[MAX_ANSWERS][REQUEST_SIZE];
};

static struct http *http;

/* A credentials file. */
static void write_keys(const char *path, const char *id)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fprintf(file, "[default]\naws_access_key_id = %s\naws_secret_access_key = s\n", id);
    fclose(file);
}

static void serve_one(struct script *script, size_t i)
{
    int connection = accept(script->listener, NULL, NULL);
    char *request = script->requests[i];
    size_t len = 0;
    const char *answer = script->answers[i];

    while (len < REQUEST_SIZE - 1 && !strstr(request, "\r\n\r\n")) {
        ssize_t got = read(connection, request + len, REQUEST_SIZE - 1 - len);

        if (got <= 0)
            break;
        len += (size_t)got;
    }
    if (script->rotate_path)
        write_keys(script->rotate_path, "SECOND");
    if (write(connection, answer, strlen(answer)) < 0)
        print_error("the scripted server could not answer\n");
    close(connection);
}

static void *serve(void *arg)
{
    struct script *script = arg;

    for (size_t i = 0; i < script->count; i++)
        serve_one(script, i);
    return NULL;
}

/* Starts the server and makes a client of which it is the endpoint. */
static struct aws *script_begin(struct script *script)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    struct aws *aws = NULL;
    struct err err;

    while (script->count < MAX_ANSWERS && script->answers[script->count])
        script->count++;
    script->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(script->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(script->listener, MAX_ANSWERS), 0);
    assert_int_equal(getsockname(script->listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(pthread_create(&script->thread, NULL, serve, script), 0);
    _cleanup_(freep) char *url = xasprintf("http://127.0.0.1:%d", ntohs(address.sin_port));

    setenv("AWS_ENDPOINT_URL", url, 1);
    assert_int_equal(aws_new(http, &(struct aws_options){.region = "us-east-1"}, &aws, &err), 0);
    return aws;
}

static void script_end(struct script *script, struct aws *aws)
{
    pthread_join(script->thread, NULL);
    close(script->listener);
    aws_free(aws);
}

#define ANSWER(status, headers, body) "HTTP/1.1 " status "\r\nConnection: close\r\n" headers "\r\n" body

static void an_operation_is_sent_signed_with_its_path_query_and_type(void **state)
{
    struct script script = {.answers = {ANSWER("204 No Content", "", ""), ANSWER("200 OK", "", "{\"a\":1}")}};
    struct aws *aws = script_begin(&script);
    const struct sign_query keys[] = {{"tagKeys", "b c"}, {"tagKeys", "a"}};
    struct json *answer = NULL, *body = json_new_object();
    struct err err;

    (void)state;
    json_set(body, "Timeout", json_new_int(3));
    const struct lambda_call untag = {
        .operation = LAMBDA_UNTAG_RESOURCE, .resource = "arn:aws:x", .query = keys, .query_count = 2};
    const struct lambda_call update = {
        .operation = LAMBDA_UPDATE_FUNCTION_CONFIGURATION, .resource = "fake", .body = body};

    assert_int_equal(lambda_call(aws, &untag, &answer, &err), 0);
    assert_null(answer);
    assert_int_equal(lambda_call(aws, &update, &answer, &err), 0);
    assert_int_equal(json_int_at(answer, "a", 0), 1);
    script_end(&script, aws);
    assert_true(str_starts_with(
        script.requests[0], "DELETE /2017-03-31/tags/arn%3Aaws%3Ax?tagKeys=b%20c&tagKeys=a HTTP/1.1\r\n"));
    assert_null(strcasestr(script.requests[0], "content-type"));
    assert_true(
        str_starts_with(script.requests[1], "PUT /2015-03-31/functions/fake/configuration HTTP/1.1\r\n"));
    assert_non_null(strstr(script.requests[1], "Content-Type: application/json\r\n"));
    assert_non_null(strstr(script.requests[1],
                           "/us-east-1/lambda/aws4_request, SignedHeaders=content-type;host;"
                           "x-amz-content-sha256;x-amz-date, Signature="));
    json_free(answer);
    json_free(body);
}

/* The time of X-Amz-Date in a request. */
static int64_t signed_time(const char *request)
{
    struct tm utc = {0};
    const char *date = strstr(request, "X-Amz-Date: ");

    assert_non_null(date);
    assert_non_null(strptime(date, "X-Amz-Date: %Y%m%dT%H%M%SZ", &utc));
    return (int64_t)timegm(&utc);
}

static void a_clock_that_is_off_is_corrected_once_and_for_all(void **state)
{
    char refusal[512], date[64];
    time_t theirs = (time_t)clock_wall_s() + 3600;
    struct tm utc;

    (void)state;
    gmtime_r(&theirs, &utc);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    snprintf(refusal, sizeof(refusal),
             ANSWER("403 Forbidden", "Date: %s\r\nx-amzn-errortype: InvalidSignatureException\r\n", "{}"),
             date);
    struct script script = {.answers = {refusal, ANSWER("200 OK", "", "{}"), ANSWER("200 OK", "", "{}")}};
    struct aws *aws = script_begin(&script);
    const struct lambda_call list = {.operation = LAMBDA_LIST_FUNCTIONS};
    struct err err;

    assert_int_equal(lambda_call(aws, &list, NULL, &err), 0);
    assert_int_equal(lambda_call(aws, &list, NULL, &err), 0);
    script_end(&script, aws);
    for (size_t i = 1; i < 3; i++) {
        int64_t off = signed_time(script.requests[i]) - (int64_t)theirs;

        assert_true(off >= -5 && off <= 5);
    }
}

static void a_refusal_with_the_right_time_is_not_repeated(void **state)
{
    struct script script = {.answers = {ANSWER("403 Forbidden", "x-amzn-errortype: SignatureDoesNotMatch\r\n",
                                               "{\"message\":\"no\"}")}};
    struct aws *aws = script_begin(&script);
    struct err err;

    (void)state;
    assert_int_equal(lambda_call(aws, &(struct lambda_call){.operation = LAMBDA_LIST_FUNCTIONS}, NULL, &err),
                     ERR_DENIED);
    assert_string_equal(err.msg, "ListFunctions: SignatureDoesNotMatch: no");
    script_end(&script, aws);
}

static void an_expired_token_is_repeated_with_renewed_credentials(void **state)
{
    static const char expired[] =
        ANSWER("403 Forbidden", "x-amzn-errortype: ExpiredTokenException\r\n", "{\"message\":\"old\"}");
    struct script script = {.answers = {expired, ANSWER("200 OK", "", "{}"), expired}};
    char path[] = "/tmp/kubelambda-test-XXXXXX";
    int file = mkstemp(path);
    const struct lambda_call list = {.operation = LAMBDA_LIST_FUNCTIONS};
    struct err err;

    (void)state;
    assert_true(file >= 0);
    close(file);
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    write_keys(path, "FIRST");
    script.rotate_path = path; /* the keys are rotated while the first request is under way */
    struct aws *aws = script_begin(&script);

    assert_int_equal(lambda_call(aws, &list, NULL, &err), 0);
    /* Nothing newer is there: not repeated. */
    assert_int_equal(lambda_call(aws, &list, NULL, &err), ERR_DENIED);
    script_end(&script, aws);
    unlink(path);
    assert_non_null(strstr(script.requests[0], "Credential=FIRST/"));
    assert_non_null(strstr(script.requests[1], "Credential=SECOND/"));
}

static void without_credentials_or_region_nothing_is_sent(void **state)
{
    struct aws *aws = NULL;
    struct err err;

    (void)state;
    unsetenv("AWS_SECRET_ACCESS_KEY");
    unsetenv("AWS_ACCESS_KEY_ID");
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    assert_int_equal(aws_new(http, NULL, &aws, &err), 0);
    assert_null(aws_default_region(aws));
    struct lambda_call list = {.operation = LAMBDA_LIST_FUNCTIONS};

    assert_int_equal(lambda_call(aws, &list, NULL, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "set AWS_REGION"));
    list.region = "us-east-1";
    assert_int_equal(lambda_call(aws, &list, NULL, &err), ERR_DENIED);
    aws_free(aws);
}

static void a_name_that_would_change_the_path_is_refused(void **state)
{
    static const char *const names[] = {"", ".", "..", NULL};
    struct aws *aws = NULL;
    struct err err;

    (void)state;
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    assert_int_equal(aws_new(http, &(struct aws_options){.region = "us-east-1"}, &aws, &err), 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct lambda_call call = {.operation = LAMBDA_DELETE_FUNCTION, .resource = names[i]};

        assert_int_equal(lambda_call(aws, &call, NULL, &err), ERR_INVALID);
        assert_true(str_starts_with(err.msg, "DeleteFunction: "));
    }
    aws_free(aws);
}

static void settings_that_cannot_be_used_are_refused_at_start(void **state)
{
    struct aws *aws = NULL;
    struct err err;

    (void)state;
    setenv("AWS_CA_BUNDLE", "/nowhere/ca.pem", 1);
    assert_int_equal(aws_new(http, NULL, &aws, &err), ERR_FATAL);
    assert_true(str_starts_with(err.msg, "AWS settings: AWS_CA_BUNDLE=/nowhere/ca.pem cannot be read"));
    assert_null(aws);
}

static void an_object_is_asked_for_with_its_key_as_it_is(void **state)
{
    struct script script = {
        .answers = {
            ANSWER("200 OK", "Content-Length: 7\r\nx-amz-version-id: v1\r\nx-amz-request-id: 1\r\n", "")}};
    struct aws *aws = script_begin(&script);
    struct s3_object object;
    struct err err;

    (void)state;
    assert_int_equal(
        s3_head_wait(aws, "us-east-1", "bucket", "a b/../c+d//\xC3\xA9", "v=1", TIMEOUT_MS, &object, &err),
        0);
    assert_int_equal(object.size_bytes, 7);
    script_end(&script, aws);
    assert_true(str_starts_with(script.requests[0],
                                "HEAD /bucket/a%20b/../c%2Bd//%C3%A9?versionId=v%3D1 HTTP/1.1\r\n"));
    assert_non_null(strstr(script.requests[0], "x-amz-checksum-mode: ENABLED\r\n"));
    assert_non_null(strstr(script.requests[0], ";x-amz-checksum-mode;"));
}

static void a_bucket_elsewhere_is_a_conflict_that_names_the_region(void **state)
{
    struct script script = {.answers = {ANSWER("400 Bad Request", "", ""),
                                        ANSWER("403 Forbidden", "x-amz-bucket-region: eu-west-1\r\n", "")}};
    struct aws *aws = script_begin(&script);
    struct s3_object object;
    struct err err;

    (void)state;
    assert_int_equal(s3_head_wait(aws, "us-east-1", "bucket", "k", NULL, TIMEOUT_MS, &object, &err),
                     ERR_CONFLICT);
    assert_string_equal(err.code, "eu-west-1");
    script_end(&script, aws);
    assert_true(str_starts_with(script.requests[1], "HEAD /bucket/ HTTP/1.1\r\n"));
}

static int start_http(void **state)
{
    struct err err;

    (void)state;
    return http_start(&http, &err);
}

static int stop_http(void **state)
{
    (void)state;
    http_stop(http);
    return 0;
}

/* The caller's own settings and proxies must not change what a test does. */
static int clear(void **state)
{
    (void)state;
    clear_environment();
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_operation_is_sent_signed_with_its_path_query_and_type),
        TEST(a_clock_that_is_off_is_corrected_once_and_for_all),
        TEST(a_refusal_with_the_right_time_is_not_repeated),
        TEST(an_expired_token_is_repeated_with_renewed_credentials),
        TEST(without_credentials_or_region_nothing_is_sent),
        TEST(a_name_that_would_change_the_path_is_refused),
        TEST(settings_that_cannot_be_used_are_refused_at_start),
        TEST(an_object_is_asked_for_with_its_key_as_it_is),
        TEST(a_bucket_elsewhere_is_a_conflict_that_names_the_region),
    };

    return cmocka_run_group_tests(tests, start_http, stop_http);
}

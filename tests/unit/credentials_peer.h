/* A scripted server that is everything of AWS that gives credentials, and a call that shows which are used.
 */
#pragma once

#include "common/aws/client.h"
#include "common/aws/credentials.h"
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "environment.h"
#include "http_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

enum { WAIT_MS = 10 * 1000, REQUESTS_MAX = 32 };

/* What the server answers; the tests change it under the lock. */
struct answers {
    pthread_mutex_t lock;
    const char *status; /* of everything but the instance's token; NULL: "200 OK" */
    const char *body;   /* NULL: by the kind of request */
    int64_t lifetime_s; /* of what is given out */
    int64_t ahead_s;    /* its clock, of ours; a signature of another time is refused */
    int given;          /* key ids are KEY1, KEY2, … */
    char *requests[REQUESTS_MAX];
    int count;
};

static struct answers answers = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct peer peer;
static struct http *http;
static char directory[] = "/tmp/test_credentials.XXXXXX";
static char *config_path, *credentials_path, *token_path;

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* --- the server --------------------------------------------------------------------------- */

static inline char *sts_answer(const char *operation, const char *key, const char *expiration)
{
    return xasprintf("<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult>"
                     "<AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId>"
                     "<Arn>arn:aws:sts::210987654321:assumed-role/r/s</Arn></AssumedRoleUser>"
                     "<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>s&amp;k</SecretAccessKey>"
                     "<SessionToken>t+/=</SessionToken><Expiration>%s</Expiration></Credentials>"
                     "</%sResult></%sResponse>",
                     operation, operation, key, expiration, operation, operation);
}

static inline char *make_body(const char *request, const char *key, const char *expiration)
{
    if (strstr(request, "Action=GetCallerIdentity"))
        return xasprintf("<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
                         "</GetCallerIdentityResult></GetCallerIdentityResponse>");
    if (strstr(request, "Action=AssumeRoleWithWebIdentity&"))
        return sts_answer("AssumeRoleWithWebIdentity", key, expiration);
    if (strstr(request, "Action=AssumeRole&"))
        return sts_answer("AssumeRole", key, expiration);
    if (str_starts_with(request, "GET /latest/meta-data/iam/security-credentials/ "))
        return xstrdup("the-role\n");
    if (str_starts_with(request, "GET /latest/meta-data/placement/region "))
        return xstrdup("eu-west-1");
    return xasprintf("{\"Code\":\"Success\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
                     "\"Expiration\":\"%s\"}",
                     key, expiration);
}

/* Is it signed for another time than the server's? `date`: the header that then says which that is. */
static inline bool is_out_of_time(const char *request, char *date, size_t size)
{
    const char *signed_at = strstr(request, "\r\nX-Amz-Date: ");
    time_t now = (time_t)(clock_wall_s() + answers.ahead_s);
    struct tm utc = {0};

    if (!signed_at || !strptime(signed_at + 14, "%Y%m%dT%H%M%SZ", &utc) || llabs(timegm(&utc) - now) <= 300)
        return false;
    gmtime_r(&now, &utc);
    strftime(date, size, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    return true;
}

static inline bool serve(struct peer *self, int fd, const char *request)
{
    char expiration[CLOCK_TEXT_SIZE], date[64];

    (void)self;
    if (str_starts_with(request, "PUT /latest/api/token "))
        return peer_answer(fd, strstr(request, "token-ttl-seconds: 21600") ? "200 OK" : "400 Bad Request", "",
                           "instance-token");
    pthread_mutex_lock(&answers.lock);
    bool late = is_out_of_time(request, date, sizeof(date));
    bool gives = !late && !strstr(request, "GetCallerIdentity") && !answers.status && !answers.body &&
                 !strstr(request, "/security-credentials/ ") && !strstr(request, "/placement/region") &&
                 !strstr(request, "GET /probe");
    _cleanup_(freep) char *key = xasprintf("KEY%d", answers.given += gives);

    if (answers.count < REQUESTS_MAX)
        answers.requests[answers.count++] = xstrdup(request);
    clock_rfc3339(clock_wall_s() + answers.ahead_s + answers.lifetime_s, expiration);
    _cleanup_(freep) char *body = answers.body ? xstrdup(answers.body) : make_body(request, key, expiration);
    bool sent = late ? peer_answer(fd, "403 Forbidden", date,
                                   "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code>"
                                   "<Message>Signature expired</Message></Error></ErrorResponse>")
                     : peer_answer(fd, answers.status ? answers.status : "200 OK", "", body);

    pthread_mutex_unlock(&answers.lock);
    return sent;
}

static inline void answer_with(const char *status, const char *body)
{
    pthread_mutex_lock(&answers.lock);
    answers.status = status;
    answers.body = body;
    pthread_mutex_unlock(&answers.lock);
}

/* How many requests had this in them. */
static inline int asked(const char *text)
{
    int found = 0;

    pthread_mutex_lock(&answers.lock);
    for (int i = 0; i < answers.count; i++)
        found += strstr(answers.requests[i], text) != NULL;
    pthread_mutex_unlock(&answers.lock);
    return found;
}

static inline void forget_requests(void)
{
    pthread_mutex_lock(&answers.lock);
    while (answers.count > 0)
        free(answers.requests[--answers.count]);
    pthread_mutex_unlock(&answers.lock);
}

/* --- what tests share --------------------------------------------------------------------- */

static inline struct aws *begin(void)
{
    struct aws *aws = NULL;
    struct err err;

    assert_int_equal(aws_new(http, NULL, &aws, &err), 0);
    return aws;
}

/* One signed call, which waits for credentials; the Authorization that the server saw is looked for. */
static inline int call(struct aws *aws, struct err *err)
{
    _cleanup_(http_response_done) struct http_response response = {0};
    const struct aws_request request = {.service = "lambda",
                                        .operation = "ListFunctions",
                                        .method = "GET",
                                        .path = "/probe",
                                        .timeout_ms = WAIT_MS};

    return aws_call(aws, &request, &response, err);
}

static inline void expect_key(struct aws *aws, const char *key)
{
    _cleanup_(freep) char *wanted = xasprintf("Credential=%s/", key);
    struct err err;
    int before = asked(wanted);

    if (call(aws, &err) != 0)
        fail_msg("%s", err.msg);
    assert_int_equal(asked(wanted), before + 1);
}

static inline void expect_denied(const char *part)
{
    struct aws *aws = begin();
    struct err err;

    assert_int_equal(call(aws, &err), ERR_DENIED);
    if (!strstr(err.msg, part))
        fail_msg("\"%s\" is not in: %s", part, err.msg);
    assert_int_equal(asked("GET /probe"), 0);
    aws_free(aws);
}

static inline char *peer_url(const char *path)
{
    return xasprintf("http://127.0.0.1:%d%s", peer.port, path);
}

static inline void set_url(const char *variable, const char *path)
{
    _cleanup_(freep) char *url = peer_url(path);

    setenv(variable, url, 1);
}

static inline void use_web_identity(void)
{
    write_file(token_path, "to.ken-1\n");
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token_path, 1);
    setenv("AWS_ROLE_ARN", "arn:aws:iam::210987654321:role/r", 1);
}

static inline void use_container(void)
{
    set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "/v1/credentials");
    write_file(token_path, "pod-token");
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token_path, 1);
}

static inline void use_instance(void)
{
    unsetenv("AWS_EC2_METADATA_DISABLED");
    set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", "/");
}

/* --- around each test --------------------------------------------------------------------- */

static inline int set_up(void **state)
{
    struct err err;

    (void)state;
    if (!mkdtemp(directory))
        return -1;
    config_path = xasprintf("%s/config", directory);
    credentials_path = xasprintf("%s/credentials", directory);
    token_path = xasprintf("%s/token", directory);
    peer.serve = serve;
    peer_start(&peer);
    return http_start(&http, &err);
}

static inline int tear_down(void **state)
{
    (void)state;
    http_stop(http);
    peer_stop(&peer);
    forget_requests();
    unlink(config_path);
    unlink(credentials_path);
    unlink(token_path);
    free(config_path);
    free(credentials_path);
    free(token_path);
    return rmdir(directory);
}

/* Every test starts without settings, with empty files, and with everything of AWS at the server. */
static inline int clear(void **state)
{
    const char *path = getenv("PATH");
    _cleanup_(freep) char *kept_path = xstrdup(path ? path : "/usr/bin:/bin");

    (void)state;
    clear_environment();
    setenv("PATH", kept_path, 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", credentials_path, 1);
    setenv("AWS_CONFIG_FILE", config_path, 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    setenv("AWS_REGION", "us-east-1", 1);
    set_url("AWS_ENDPOINT_URL", "");
    write_file(credentials_path, "");
    write_file(config_path, "");
    forget_requests();
    answers.given = 0;
    answers.lifetime_s = 3600;
    answers.ahead_s = 0;
    answer_with(NULL, NULL);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, clear)

/* The providers of credentials that ask somebody, against a scripted server on loopback. */
#include "common/aws/metadata.h"
#include "credentials_peer.h"

static void a_web_identity_is_exchanged_without_a_signature(void **state)
{
    (void)state;
    use_web_identity();
    struct aws *aws = begin();

    expect_key(aws, "KEY1");
    assert_int_equal(asked("POST / HTTP/1.1"), 1);
    assert_int_equal(asked("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A"
                           "210987654321%3Arole%2Fr&RoleSessionName=kubelambda&WebIdentityToken=to.ken-1"),
                     1);
    assert_int_equal(asked("Content-Type: application/x-www-form-urlencoded"), 1);
    assert_int_equal(asked("Authorization: AWS4"), 1); /* the probe's */
    assert_int_equal(asked("X-Amz-Security-Token: t+/="), 1);
    _cleanup_(freep) char *account = aws_account(aws);

    assert_string_equal(account, "210987654321");
    assert_int_equal(asked("GetCallerIdentity"), 0);
    aws_free(aws);
}

static void a_token_file_is_read_again_at_each_fetch(void **state)
{
    (void)state;
    use_web_identity();
    answers.lifetime_s = 2;
    struct aws *aws = begin();

    expect_key(aws, "KEY1");
    write_file(token_path, "to.ken-2");
    for (int i = 0; i < 50 && !asked("WebIdentityToken=to.ken-2"); i++)
        clock_sleep_ms(100);
    assert_true(asked("WebIdentityToken=to.ken-2") > 0);
    aws_free(aws);
}

static void wrong_web_identities_are_explained(void **state)
{
    (void)state;
    use_web_identity();
    answer_with("400 Bad Request",
                "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
                "<Message>Token expired: current date/time past</Message></Error></ErrorResponse>");
    expect_denied("web identity: AssumeRoleWithWebIdentity: ExpiredTokenException: Token expired");
    answer_with("400 Bad Request",
                "<ErrorResponse><Error><Code>ValidationError</Code><Message>1 error: Value "
                "'to.ken-1' at 'webIdentityToken'</Message></Error></ErrorResponse>");
    expect_denied("ValidationError: 1 error: (its text repeats what was sent)");
    answer_with("200 OK", "<html>");
    expect_denied("answered 200, but without credentials");
    answer_with("200 OK", "<AssumeRoleWithWebIdentityResponse/>");
    expect_denied("the answer has no AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult");
    answer_with("500 Internal Server Error", "oops");
    expect_denied("answered 500");
    write_file(token_path, "to.ken\r\nX: y");
    expect_denied("does not hold a token");
    write_file(token_path, "");
    expect_denied("does not hold a token");
    unlink(token_path);
    expect_denied("cannot read /");
    expect_denied(": No such file");
    unsetenv("AWS_ROLE_ARN");
    expect_denied("AWS_ROLE_ARN is not");
}

static void a_profile_assumes_its_role_with_the_keys_of_another(void **state)
{
    (void)state;
    unsetenv("AWS_REGION");
    setenv("AWS_PROFILE", "work", 1);
    write_file(config_path, "[profile work]\nrole_arn = arn:aws:iam::210987654321:role/r\n"
                            "source_profile = middle\nexternal_id = e&1\nrole_session_name = me\n"
                            "duration_seconds = 900\nregion = eu-central-1\n"
                            "[profile middle]\nrole_arn = arn:aws:iam::210987654321:role/m\n"
                            "source_profile = keys\n");
    write_file(credentials_path, "[keys]\naws_access_key_id = BASE\naws_secret_access_key = s\n");
    struct aws *aws = begin();

    expect_key(aws, "KEY2");
    assert_int_equal(asked("Credential=BASE/"), 1);
    assert_int_equal(asked("role%2Fm&RoleSessionName=kubelambda"), 1);
    assert_int_equal(asked("Credential=KEY1/"), 1);
    assert_int_equal(asked("RoleSessionName=me&ExternalId=e%261&DurationSeconds=900"), 1);
    assert_int_equal(asked("/eu-central-1/sts/aws4_request"), 2);
    aws_free(aws);
}

static void a_clock_that_is_off_is_learned_when_a_role_is_assumed(void **state)
{
    static const int64_t off_s[] = {3600, -7200};

    (void)state;
    write_file(config_path,
               "[default]\nrole_arn = arn:aws:iam::210987654321:role/r\nsource_profile = keys\n");
    write_file(credentials_path, "[keys]\naws_access_key_id = BASE\naws_secret_access_key = s\n");
    for (size_t i = 0; i < ARRAY_LEN(off_s); i++) {
        forget_requests();
        answers.given = 0;
        answers.ahead_s = off_s[i];
        struct aws *aws = begin();

        expect_key(aws, "KEY1");
        assert_int_equal(asked("Action=AssumeRole&"), 2); /* refused once */
        assert_int_equal(asked("GET /probe"), 1);         /* what was learned there holds here */
        aws_free(aws);
    }
}

static void a_refusal_for_another_reason_than_the_clock_is_not_repeated(void **state)
{
    (void)state;
    write_file(config_path,
               "[default]\nrole_arn = arn:aws:iam::210987654321:role/r\nsource_profile = keys\n");
    write_file(credentials_path, "[keys]\naws_access_key_id = BASE\naws_secret_access_key = wrong\n");
    answer_with("403 Forbidden",
                "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>");
    expect_denied("AssumeRole: SignatureDoesNotMatch");
    assert_int_equal(asked("Action=AssumeRole&"), 1);
}

static void a_profile_role_takes_its_source_from_where_it_runs(void **state)
{
    (void)state;
    use_container();
    write_file(config_path, "[default]\nrole_arn = arn:aws:iam::210987654321:role/r\n"
                            "credential_source = EcsContainer\n");
    struct aws *aws = begin();

    expect_key(aws, "KEY2");
    assert_int_equal(asked("Credential=KEY1/"), 1);
    aws_free(aws);
    write_file(config_path, "[default]\nrole_arn = arn:aws:iam::210987654321:role/r\n"
                            "credential_source = Environment\n");
    forget_requests();
    expect_denied("nothing to assume arn:aws:iam::210987654321:role/r with: AWS_ACCESS_KEY_ID is not set");
}

static void profile_roles_that_cannot_be_assumed_are_explained(void **state)
{
    static const char *const profiles[][2] = {
        {"role_arn = r\n", "it also needs source_profile, or credential_source"},
        {"role_arn = r\ncredential_source = Moon\n", "it also needs source_profile, or credential_source"},
        {"role_arn = r\nsource_profile = none\n", "source_profile = none: there is no such profile"},
        {"role_arn = r\nsource_profile = default\n", "nothing to assume r with: not in the profile"},
        {"role_arn = r\nmfa_serial = m\nsource_profile = default\n", "nobody is here to type a code"},
        {"role_arn = r\nsource_profile = a\n[profile a]\nrole_arn = a\nsource_profile = b\n"
         "[profile b]\nrole_arn = b\nsource_profile = a\n",
         "more than 5 profiles that name each other"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
        _cleanup_(freep) char *text = xasprintf("[default]\n%s", profiles[i][0]);

        write_file(config_path, text);
        expect_denied(profiles[i][1]);
    }
}

static void a_containers_endpoint_is_asked_with_its_token(void **state)
{
    (void)state;
    use_container();
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* never for this */
    set_url("AWS_ENDPOINT_URL", "");
    setenv("no_proxy", "127.0.0.1", 1);
    struct aws *aws = begin();

    expect_key(aws, "KEY1");
    assert_int_equal(asked("GET /v1/credentials HTTP/1.1"), 1);
    assert_int_equal(asked("Authorization: pod-token\r\n"), 1);
    aws_free(aws);
}

static void wrong_container_endpoints_are_explained(void **state)
{
    static const char *const bodies[][2] = {
        {"not json: secret", "is not JSON"},
        {"[]", "has no AccessKeyId"},
        {"{\"AccessKeyId\":\"A\"}",
         "AccessKeyId in the container's endpoint is set but SecretAccessKey is not"},
        {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\\r\\nX: y\"}", "no key has: remove it"},
        {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Expiration\":\"soon\"}", "soon: not a time"},
        {"{\"Code\":\"AssumeRoleUnauthorizedAccess\"}", "answered AssumeRoleUnauthorizedAccess"},
    };
    _cleanup_(freep) char *huge = xmalloc(200001);

    (void)state;
    use_container();
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        answer_with(NULL, bodies[i][0]);
        expect_denied(bodies[i][1]);
    }
    memset(huge, ' ', 200000);
    huge[200000] = '\0';
    answer_with(NULL, huge);
    expect_denied("the answer has more than 65536 bytes");
    answer_with("403 Forbidden", "");
    expect_denied("/v1/credentials answered 403");
    write_file(token_path, "pod\ntoken");
    expect_denied("does not hold a token");
}

static void the_token_goes_only_where_it_may(void **state)
{
    static const struct {
        const char *url;
        bool trusted;
    } rows[] = {
        {"http://169.254.170.23/v1/credentials", true},
        {"http://[fd00:ec2::23]/v1/credentials", true},
        {"http://169.254.170.2/v2", true},
        {"http://localhost:8080/", true},
        {"http://127.0.0.1/", true},
        {"http://127.1.2.3:80/x", true},
        {"http://[::1]/x", true},
        {"https://example.com/x", true},
        {"http://example.com/x", false},
        {"http://169.254.169.254/x", false},
        {"http://127.0.0.1.example.com/x", false},
        {"http://localhost@example.com/", false},
        {"http://localhost:80@example.com/", false},
        {"http://example.com\\@localhost/", false},
        {"http:///x", false},
        {"ftp://localhost/", false},
        {"localhost", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (container_url_is_trusted(rows[i].url) != rows[i].trusted)
            fail_msg("%s", rows[i].url);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/x", 1);
    expect_denied("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://example.com/x: must be https");
}

static void an_instances_role_is_found_with_a_token(void **state)
{
    (void)state;
    use_instance();
    struct aws *aws = begin();

    expect_key(aws, "KEY1");
    assert_int_equal(asked("GET /latest/meta-data/iam/security-credentials/the-role HTTP/1.1"), 1);
    assert_int_equal(asked("x-aws-ec2-metadata-token: instance-token"), 2);
    aws_free(aws);
}

static void nothing_anywhere_names_each_provider_and_what_it_lacks(void **state)
{
    static const char *const parts[] = {"environment: AWS_ACCESS_KEY_ID is not set",
                                        "role: no role_arn in the profile 'default'",
                                        "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set",
                                        "files: no aws_access_key_id in the profile",
                                        "credential_process: not in the profile",
                                        "container: AWS_CONTAINER_CREDENTIALS_FULL_URI is not set",
                                        "instance metadata: the instance has no role"};

    (void)state;
    use_instance();
    answer_with("404 Not Found", "");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        expect_denied(parts[i]);
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1", 1);
    expect_denied("instance metadata: 127.0.0.1:1: ");
    setenv("AWS_EC2_METADATA_DISABLED", "TRUE", 1);
    expect_denied("instance metadata: AWS_EC2_METADATA_DISABLED=true");
}

static void the_region_of_the_instance_is_used_when_no_other_is_set(void **state)
{
    (void)state;
    use_instance();
    unsetenv("AWS_REGION");
    struct aws *aws = begin();

    for (int i = 0; i < 50 && !aws_default_region(aws); i++)
        clock_sleep_ms(100);
    assert_string_equal(aws_default_region(aws), "eu-west-1");
    expect_key(aws, "KEY1");
    assert_int_equal(asked("/eu-west-1/lambda/aws4_request"), 1);
    aws_free(aws);
}

static void a_program_gives_credentials(void **state)
{
    (void)state;
    write_file(config_path, "[default]\ncredential_process = /bin/echo "
                            "\"{ \\Version\\: 1 }\"\n");
    expect_denied("the answer of /bin/echo is not JSON");
    write_file(token_path, "{\"Version\":1,\"AccessKeyId\":\"PROGRAM\",\"SecretAccessKey\":\"s\"}");
    _cleanup_(freep) char *config = xasprintf("[default]\ncredential_process = cat \"%s\"\n", token_path);

    write_file(config_path, config);
    struct aws *aws = begin();

    expect_key(aws, "PROGRAM");
    aws_free(aws);
    forget_requests();
    write_file(config_path, "[default]\ncredential_process = /nowhere/program\n");
    expect_denied("credential_process: /nowhere/program cannot be run: No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_web_identity_is_exchanged_without_a_signature),
        TEST(a_token_file_is_read_again_at_each_fetch),
        TEST(wrong_web_identities_are_explained),
        TEST(a_profile_assumes_its_role_with_the_keys_of_another),
        TEST(a_clock_that_is_off_is_learned_when_a_role_is_assumed),
        TEST(a_refusal_for_another_reason_than_the_clock_is_not_repeated),
        TEST(a_profile_role_takes_its_source_from_where_it_runs),
        TEST(profile_roles_that_cannot_be_assumed_are_explained),
        TEST(a_containers_endpoint_is_asked_with_its_token),
        TEST(wrong_container_endpoints_are_explained),
        TEST(the_token_goes_only_where_it_may),
        TEST(an_instances_role_is_found_with_a_token),
        TEST(nothing_anywhere_names_each_provider_and_what_it_lacks),
        TEST(the_region_of_the_instance_is_used_when_no_other_is_set),
        TEST(a_program_gives_credentials),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Where AWS is and who we are to it: environment, shared files, host names. */
#include "common/aws/credentials.h"
#include "common/aws/endpoints.h"
#include "common/base/mem.h"
#include "environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static char home[] = "/tmp/kubelambda-test-XXXXXX";
static char *credentials_path, *config_path;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_home(void **state)
{
    (void)state;
    if (!mkdtemp(home))
        return -1;
    credentials_path = xasprintf("%s/credentials", home);
    config_path = xasprintf("%s/config", home);
    return 0;
}

static int remove_home(void **state)
{
    (void)state;
    unlink(credentials_path);
    unlink(config_path);
    free(credentials_path);
    free(config_path);
    return rmdir(home);
}

/* Every test starts without settings, and with two empty files. */
static int clear(void **state)
{
    (void)state;
    clear_environment();
    setenv("AWS_SHARED_CREDENTIALS_FILE", credentials_path, 1);
    setenv("AWS_CONFIG_FILE", config_path, 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    write_file(credentials_path, "");
    write_file(config_path, "");
    return 0;
}

static void ini_reads_sections_comments_and_blocks(void **state)
{
    static const char text[] = "# comment\n"
                               "[default]\r\n"
                               "Region = eu-west-1 # where\n"
                               "\n"
                               "s3 =\n"
                               "  addressing_style = path\n"
                               "  region = nested\n"
                               "aws_secret_access_key=a=b#c;d/+\n"
                               "note = first line\n"
                               "  second = line\n"
                               "; comment\n"
                               "[ profile   dev ] # comment\n"
                               "  region=us-east-1\n"
                               "  region=us-east-2\n"
                               "  endpoint_url =";
    struct ini ini;
    struct err err;

    (void)state;
    assert_int_equal(ini_parse(view(text), &ini, &err), 0);
    assert_string_equal(ini_get(&ini, "default", "region"), "eu-west-1");
    assert_string_equal(ini_get(&ini, "default", "s3.addressing_style"), "path");
    assert_null(ini_get(&ini, "default", "addressing_style"));
    assert_string_equal(ini_get(&ini, "default", "note"), "first line");
    assert_null(ini_get(&ini, "default", "note.second"));
    assert_string_equal(ini_get(&ini, "default", "aws_secret_access_key"), "a=b#c;d/+");
    assert_string_equal(ini_get(&ini, "profile dev", "region"), "us-east-2");
    assert_string_equal(ini_get(&ini, "profile dev", "endpoint_url"), "");
    assert_false(ini_has(&ini, "dev"));
    ini_done(&ini);
}

static void ini_names_the_wrong_line_without_showing_it(void **state)
{
    static const char *const texts[] = {"[a]\nx = 1\nsecret", "[a]\n\n[secret", "\n\nsecret = 1"};
    struct ini ini;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(ini_parse(view(texts[i]), &ini, &err), ERR_INVALID);
        assert_true(str_starts_with(err.msg, "line 3: "));
        assert_null(strstr(err.msg, "secret"));
    }
}

/* The URL that the settings of the environment and the files lead to. */
static char *url_of(const char *service, const char *region, const char *bucket)
{
    _cleanup_(profile_done) struct profile profile = {0};
    _cleanup_(endpoints_done) struct endpoints endpoints = {0};
    _cleanup_(endpoint_done) struct endpoint endpoint = {0};
    struct err err;

    assert_int_equal(profile_load(&profile, &err), 0);
    assert_int_equal(endpoints_load(&profile, &endpoints, &err), 0);
    assert_int_equal(endpoint_find(&endpoints, service, region, bucket, &endpoint, &err), 0);
    return xasprintf("%s%s", endpoint.origin, endpoint.path);
}

static void expect_url(const char *service, const char *region, const char *bucket, const char *expected)
{
    _cleanup_(freep) char *url = url_of(service, region, bucket);

    assert_string_equal(url, expected);
}

static void hosts_follow_the_partition(void **state)
{
    (void)state;
    expect_url("lambda", "us-east-1", NULL, "https://lambda.us-east-1.amazonaws.com");
    expect_url("lambda", "cn-north-1", NULL, "https://lambda.cn-north-1.amazonaws.com.cn");
    expect_url("sts", "cn-north-1", NULL, "https://sts.cn-north-1.amazonaws.com.cn");
    expect_url("lambda", "eusc-de-east-1", NULL, "https://lambda.eusc-de-east-1.amazonaws.eu");
    expect_url("lambda", "us-isob-east-1", NULL, "https://lambda.us-isob-east-1.sc2s.sgov.gov");
    expect_url("s3", "us-iso-east-1", "abc", "https://abc.s3.us-iso-east-1.c2s.ic.gov");
    expect_url("s3", "us-east-1", "abc", "https://abc.s3.us-east-1.amazonaws.com");
}

static void fips_and_dual_stack_change_the_host(void **state)
{
    (void)state;
    setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
    expect_url("lambda", "us-gov-west-1", NULL, "https://lambda-fips.us-gov-west-1.amazonaws.com");
    setenv("AWS_USE_DUALSTACK_ENDPOINT", "True", 1);
    expect_url("lambda", "us-east-1", NULL, "https://lambda-fips.us-east-1.api.aws");
    expect_url("s3", "us-east-1", "abc", "https://abc.s3-fips.dualstack.us-east-1.amazonaws.com");
    setenv("AWS_USE_FIPS_ENDPOINT", "false", 1);
    expect_url("s3", "us-east-1", "abc", "https://abc.s3.dualstack.us-east-1.amazonaws.com");
    expect_url("lambda", "cn-north-1", NULL, "https://lambda.cn-north-1.api.amazonwebservices.com.cn");
    unsetenv("AWS_USE_DUALSTACK_ENDPOINT");
    setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
    expect_url("sts", "us-east-1", NULL, "https://sts-fips.us-east-1.amazonaws.com");
    expect_url("sts", "us-gov-west-1", NULL, "https://sts.us-gov-west-1.amazonaws.com");
}

static void a_bucket_that_is_no_host_label_goes_into_the_path(void **state)
{
    static const char *const names[] = {"a.b.c", "Upper", "under_score", "-abc", "abc-", "ab"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        _cleanup_(freep) char *expected = xasprintf("https://s3.us-east-1.amazonaws.com/%s", names[i]);

        expect_url("s3", "us-east-1", names[i], expected);
    }
    expect_url("s3", "us-east-1", "a/../b", "https://s3.us-east-1.amazonaws.com/a%2F..%2Fb");
}

static void the_most_particular_endpoint_wins(void **state)
{
    (void)state;
    setenv("AWS_PROFILE", "dev", 1);
    write_file(config_path, "[profile dev]\nendpoint_url = http://profile:1\nservices = own\n"
                            "[services own]\nlambda =\n  endpoint_url = http://service:2\n");
    expect_url("s3", "us-east-1", "abc", "http://profile:1/abc");
    expect_url("lambda", "us-east-1", NULL, "http://service:2");
    setenv("AWS_ENDPOINT_URL", "https://all.example:443/base/", 1);
    expect_url("lambda", "us-east-1", NULL, "https://all.example/base");
    expect_url("s3", "us-east-1", "abc", "https://all.example/base/abc");
    setenv("AWS_ENDPOINT_URL_LAMBDA", "http://[::1]:5000", 1);
    expect_url("lambda", "us-east-1", NULL, "http://[::1]:5000");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    expect_url("lambda", "us-east-1", NULL, "https://lambda.us-east-1.amazonaws.com");
}

static void a_profile_takes_nothing_from_the_default_one(void **state)
{
    (void)state;
    write_file(config_path, "[default]\nendpoint_url = http://default:1\n");
    write_file(credentials_path, "[dev]\naws_access_key_id = ONE\naws_secret_access_key = s\n");
    expect_url("lambda", "us-east-1", NULL, "http://default:1");
    setenv("AWS_PROFILE", "dev", 1);
    expect_url("lambda", "us-east-1", NULL, "https://lambda.us-east-1.amazonaws.com");
    unsetenv("AWS_PROFILE");
    write_file(config_path, "[default]\nendpoint_url = http://default:1\n"
                            "[profile default]\nendpoint_url = http://default:2\n");
    expect_url("lambda", "us-east-1", NULL, "http://default:2");
}

static void an_endpoint_that_is_not_a_url_is_refused(void **state)
{
    static const char *const urls[] = {"localhost:5000", "ftp://a",     "http://",      "http://a:0",
                                       "http://a:65536", "http://a?b",  "http://a b",   "http://a:5000x",
                                       "http://u:p@a",   "http://[::1", "http://a\r\nb"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        _cleanup_(profile_done) struct profile profile = {0};
        struct endpoints endpoints;
        struct err err;

        setenv("AWS_ENDPOINT_URL_S3", urls[i], 1);
        assert_int_equal(profile_load(&profile, &err), 0);
        assert_int_equal(endpoints_load(&profile, &endpoints, &err), ERR_FATAL);
        assert_true(str_starts_with(err.msg, "AWS_ENDPOINT_URL_S3="));
        assert_null(strstr(err.msg, "u:p"));
    }
}

static void a_region_that_could_redirect_the_request_is_refused(void **state)
{
    static const char *const regions[] = {"", "evil.com/", "us-east-1.evil.com", "US-EAST-1", "a@b", "a:1"};
    const struct endpoints endpoints = {0};
    struct endpoint endpoint;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(regions); i++)
        assert_int_equal(endpoint_find(&endpoints, "lambda", regions[i], NULL, &endpoint, &err), ERR_INVALID);
}

static void a_profile_that_does_not_exist_is_refused(void **state)
{
    struct profile profile;
    struct err err;

    (void)state;
    setenv("AWS_PROFILE", "nowhere", 1);
    assert_int_equal(profile_load(&profile, &err), ERR_FATAL);
    assert_non_null(strstr(err.msg, "nowhere"));
}

/* Nothing in this file needs the network: keys are at hand, or there are none. */
static struct credentials_store *new_store(void)
{
    static const struct credentials_settings settings = {.region = "us-east-1"};

    return credentials_store_new(&settings);
}

static void expect_key(struct credentials_store *store, const char *id, const char *token)
{
    _cleanup_(credentials_unrefp) struct credentials *credentials = NULL;
    struct err err;

    assert_int_equal(credentials_get(store, 0, &credentials, &err), 0);
    assert_string_equal(credentials->access_key_id, id);
    assert_true(str_equal(credentials->session_token, token));
}

static void the_environment_comes_before_the_files(void **state)
{
    struct credentials_store *store = new_store();

    (void)state;
    write_file(credentials_path, "[default]\naws_access_key_id = FILE\naws_secret_access_key = s\n");
    setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    setenv("AWS_SESSION_TOKEN", "token", 1);
    expect_key(store, "ENV", "token");
    credentials_store_free(store);
}

static void rotated_files_are_taken_and_old_snapshots_stay_valid(void **state)
{
    struct credentials_store *store = new_store();
    struct credentials *old = NULL;
    struct err err;

    (void)state;
    setenv("AWS_PROFILE", "dev", 1);
    write_file(credentials_path, "[dev]\naws_access_key_id = ONE\naws_secret_access_key = s\n");
    assert_int_equal(credentials_get(store, 0, &old, &err), 0);
    write_file(credentials_path, "[dev]\naws_access_key_id = TWO!\naws_secret_access_key = s\n"
                                 "aws_session_token = t\n");
    expect_key(store, "TWO!", "t");
    assert_string_equal(old->access_key_id, "ONE");
    /* Half a file does not take the keys away, an empty one does; the config file is the next place. */
    write_file(credentials_path, "[dev]\naws_access_key_id = TWO!\naws_sec");
    expect_key(store, "TWO!", "t");
    write_file(config_path, "[profile dev]\naws_access_key_id = THREE\naws_secret_access_key = s\n");
    write_file(credentials_path, "");
    expect_key(store, "THREE", NULL);
    credentials_unref(old);
    credentials_store_free(store);
}

static void renewing_tells_whether_there_are_others(void **state)
{
    struct credentials_store *store = new_store();
    _cleanup_(credentials_unrefp) struct credentials *refused = NULL;
    struct err err;

    (void)state;
    write_file(credentials_path, "[default]\naws_access_key_id = ONE\naws_secret_access_key = s\n");
    assert_int_equal(credentials_get(store, 0, &refused, &err), 0);
    assert_false(credentials_renew(store, refused, 0));
    write_file(credentials_path, "[default]\naws_access_key_id = ONE\naws_secret_access_key = new\n");
    assert_true(credentials_renew(store, refused, 0));
    credentials_store_free(store);
}

static void missing_or_broken_credentials_say_what_to_set(void **state)
{
    struct credentials_store *store = new_store();
    struct credentials *credentials = NULL;
    struct err err;

    (void)state;
    assert_int_equal(credentials_get(store, 0, &credentials, &err), ERR_DENIED);
    assert_non_null(strstr(err.msg, "environment: AWS_ACCESS_KEY_ID is not set"));
    setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
    assert_int_equal(credentials_get(store, 0, &credentials, &err), ERR_DENIED);
    assert_non_null(strstr(err.msg, "AWS_SECRET_ACCESS_KEY is not"));
    setenv("AWS_SECRET_ACCESS_KEY", "hidden\n", 1);
    assert_int_equal(credentials_get(store, 0, &credentials, &err), ERR_DENIED);
    assert_non_null(strstr(err.msg, "AWS_SECRET_ACCESS_KEY in the environment has a blank"));
    assert_null(strstr(err.msg, "hidden"));
    assert_null(credentials);
    credentials_store_free(store);
}

#define TEST(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ini_reads_sections_comments_and_blocks),
        TEST(ini_names_the_wrong_line_without_showing_it),
        TEST(hosts_follow_the_partition),
        TEST(fips_and_dual_stack_change_the_host),
        TEST(a_bucket_that_is_no_host_label_goes_into_the_path),
        TEST(the_most_particular_endpoint_wins),
        TEST(a_profile_takes_nothing_from_the_default_one),
        TEST(an_endpoint_that_is_not_a_url_is_refused),
        TEST(a_region_that_could_redirect_the_request_is_refused),
        TEST(a_profile_that_does_not_exist_is_refused),
        TEST(the_environment_comes_before_the_files),
        TEST(rotated_files_are_taken_and_old_snapshots_stay_valid),
        TEST(renewing_tells_whether_there_are_others),
        TEST(missing_or_broken_credentials_say_what_to_set),
    };

    return cmocka_run_group_tests(tests, make_home, remove_home);
}

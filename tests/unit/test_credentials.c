/* Credentials that are fetched: waited for, kept, renewed ahead of time, of roles. */
#include "common/aws/lambda.h"
#include "credentials_peer.h"

static void a_call_that_must_not_wait_fails_until_there_are_credentials(void **state)
{
    struct err err;
    struct credentials *credentials = NULL;
    atomic_llong offset = 0;
    const struct endpoints endpoints = {0};

    (void)state;
    use_container();
    struct credentials_store *store =
        credentials_store_new(&(struct credentials_settings){http, &endpoints, NULL, "us-east-1", &offset});

    assert_int_equal(credentials_get(store, 0, &credentials, &err), ERR_DENIED);
    assert_string_equal(err.msg, "no AWS credentials: they are just being fetched");
    assert_int_equal(credentials_get(store, WAIT_MS, &credentials, &err), 0);
    credentials_unref(credentials);
    credentials_store_free(store);
}

static void credentials_are_kept_while_new_ones_cannot_be_had_until_they_expire(void **state)
{
    struct err err;

    (void)state;
    use_container();
    answers.lifetime_s = 4;
    struct aws *aws = begin();

    expect_key(aws, "KEY1");
    answer_with("403 Forbidden", "");
    while (asked("GET /v1/credentials") < 2)
        clock_sleep_ms(100);
    assert_int_equal(call(aws, &err), 0); /* still KEY1 */
    while (call(aws, &err) == 0)
        clock_sleep_ms(200);
    assert_int_equal(err.class, ERR_DENIED);
    assert_true(str_starts_with(err.msg, "the AWS credentials expired at "));
    assert_non_null(strstr(err.msg, "answered 403"));
    answer_with(NULL, NULL);
    while (call(aws, &err) != 0)
        clock_sleep_ms(200);
    assert_int_equal(asked("Credential=KEY2/"), 1);
    aws_free(aws);
}

static void lives_are_counted_by_awss_clock(void **state)
{
    static const int64_t off_s[] = {7200, -7200};

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "BASE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    answers.lifetime_s = 6;
    for (size_t i = 0; i < ARRAY_LEN(off_s); i++) {
        struct err err = {0};

        forget_requests();
        answers.given = 0;
        answers.ahead_s = off_s[i];
        answer_with(NULL, NULL);
        struct aws *aws = begin(), *role = aws_for_role(aws, "arn:aws:iam::210987654321:role/r");

        expect_key(role, "KEY1");
        assert_int_equal(asked("Action=AssumeRole&"), 2); /* refused once, for our time */
        answer_with("403 Forbidden", "");
        for (int tries = 0; tries < 50 && asked("Action=AssumeRole&") < 3; tries++)
            clock_sleep_ms(100);
        assert_int_equal(asked("Action=AssumeRole&"), 3); /* ahead of the expiry */
        assert_int_equal(call(role, &err), 0);            /* still KEY1 */
        for (int tries = 0; tries < 50 && call(role, &err) == 0; tries++)
            clock_sleep_ms(100);
        assert_true(str_starts_with(err.msg, "the AWS credentials expired at "));
        aws_free(aws);
    }
}

static void refused_credentials_are_fetched_anew_once(void **state)
{
    struct credentials *first = NULL, *second = NULL;
    atomic_llong offset = 0;
    const struct endpoints endpoints = {0};
    struct err err;

    (void)state;
    use_container();
    struct credentials_store *store =
        credentials_store_new(&(struct credentials_settings){http, &endpoints, NULL, "us-east-1", &offset});

    assert_int_equal(credentials_get(store, WAIT_MS, &first, &err), 0);
    assert_false(credentials_renew(store, first, WAIT_MS)); /* they are brand new */
    assert_int_equal(asked("GET /v1/credentials"), 1);
    clock_sleep_ms(5100);
    assert_true(credentials_renew(store, first, WAIT_MS));
    assert_int_equal(credentials_get(store, 0, &second, &err), 0);
    assert_string_equal(second->access_key_id, "KEY2");
    assert_true(credentials_renew(store, first, 0)); /* there are others already */
    assert_int_equal(asked("GET /v1/credentials"), 2);
    credentials_unref(first);
    credentials_unref(second);
    credentials_store_free(store);
}

static void fetches_are_due_ahead_of_the_expiry_and_soon_after_a_failure(void **state)
{
    (void)state;
    assert_int_equal(credentials_schedule_ms(INT64_MAX, 0), INT64_MAX);
    assert_int_equal(credentials_schedule_ms(3600, 0), 2700 * 1000);
    assert_int_equal(credentials_schedule_ms(1200, 0), 600 * 1000);
    assert_int_equal(credentials_schedule_ms(1, 0), 1000);
    assert_int_equal(credentials_schedule_ms(-5000, 0), 60 * 1000); /* brand new: our clock is wrong */
    assert_int_equal(credentials_schedule_ms(850, 1), 1000);
    assert_int_equal(credentials_schedule_ms(850, 3), 4000);
    assert_int_equal(credentials_schedule_ms(850, 40), 60 * 1000);
    assert_int_equal(credentials_schedule_ms(599, 40), 10 * 1000); /* from ten minutes before it presses */
    assert_int_equal(credentials_schedule_ms(0, 40), 60 * 1000);
    assert_int_equal(credentials_schedule_ms(INT64_MAX, 2), 2000);
}

static void the_account_of_keys_is_asked_for_once(void **state)
{
    char *account = NULL;

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "BASE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    struct aws *aws = begin();

    expect_key(aws, "BASE");
    assert_int_equal(asked("GetCallerIdentity"), 0);
    for (int i = 0; i < 50 && !(account = aws_account(aws)); i++)
        clock_sleep_ms(100);
    assert_string_equal(account, "123456789012");
    free(account);
    account = aws_account(aws);
    assert_non_null(account);
    free(account);
    assert_int_equal(asked("Action=GetCallerIdentity&Version=2011-06-15"), 1);
    aws_free(aws);
}

static void each_role_has_one_client_with_credentials_of_its_own(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "BASE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    struct aws *aws = begin(), *other = aws_for_role(aws, "arn:aws:iam::210987654321:role/other");

    assert_ptr_equal(other, aws_for_role(aws, "arn:aws:iam::210987654321:role/other"));
    assert_ptr_not_equal(other, aws_for_role(aws, "arn:aws:iam::210987654321:role/third"));
    expect_key(other, "KEY1");
    expect_key(aws, "BASE");
    expect_key(other, "KEY1");
    assert_int_equal(asked("RoleArn=arn%3Aaws%3Aiam%3A%3A210987654321%3Arole%2Fother"), 1);
    _cleanup_(freep) char *account = aws_account(other);

    assert_string_equal(account, "210987654321");
    aws_free(aws);
}

static bool is_kept(void *kept, const char *role_arn)
{
    return str_equal(role_arn, kept);
}

static void a_role_that_nobody_names_is_not_assumed_before_it_is_used_again(void **state)
{
    static char kept_arn[] = "arn:aws:iam::210987654321:role/kept";
    struct err err;

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "BASE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    answers.lifetime_s = 4; /* each is renewed after two seconds */
    struct aws *aws = begin(), *gone = aws_for_role(aws, "arn:aws:iam::210987654321:role/gone"),
               *kept = aws_for_role(aws, kept_arn);

    assert_int_equal(call(gone, &err), 0);
    assert_int_equal(call(kept, &err), 0);
    aws_rest_roles(aws, is_kept, kept_arn);
    for (int tries = 0; tries < 100 && asked("role%2Fkept") < 3; tries++)
        clock_sleep_ms(100);
    assert_true(asked("role%2Fkept") >= 3);
    assert_int_equal(asked("role%2Fgone"), 1);
    assert_int_equal(call(gone, &err), 0);
    assert_int_equal(asked("role%2Fgone"), 2);
    aws_free(aws);
}

static void a_role_of_our_own_account_shares_its_limits(void **state)
{
    const struct lambda_call list = {.operation = LAMBDA_LIST_FUNCTIONS};
    char *account = NULL;
    struct err err;

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "BASE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    struct aws *aws = begin(), *ours = aws_for_role(aws, "arn:aws:iam::123456789012:role/r"),
               *other = aws_for_role(aws, "arn:aws:iam::210987654321:role/r");

    for (int i = 0; i < 50 && !(account = aws_account(aws)); i++)
        clock_sleep_ms(100);
    assert_string_equal(account, "123456789012");
    free(account);
    answer_with("429 Too Many Requests\r\nRetry-After: 60", "{}");
    assert_int_equal(lambda_call(aws, &list, NULL, &err), ERR_THROTTLED);
    answer_with(NULL, NULL);
    assert_int_equal(lambda_call(ours, &list, NULL, &err), ERR_THROTTLED);
    assert_int_equal(asked("GET /2015-03-31/functions"), 1);
    assert_int_equal(lambda_call(other, &list, NULL, &err), 0);
    aws_free(aws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_that_must_not_wait_fails_until_there_are_credentials),
        TEST(credentials_are_kept_while_new_ones_cannot_be_had_until_they_expire),
        TEST(lives_are_counted_by_awss_clock),
        TEST(refused_credentials_are_fetched_anew_once),
        TEST(fetches_are_due_ahead_of_the_expiry_and_soon_after_a_failure),
        TEST(the_account_of_keys_is_asked_for_once),
        TEST(each_role_has_one_client_with_credentials_of_its_own),
        TEST(a_role_that_nobody_names_is_not_assumed_before_it_is_used_again),
        TEST(a_role_of_our_own_account_shares_its_limits),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Whose account a resource is for. */
#include "controller/account.h"

#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROLE "arn:aws:iam::123456789012:role/fake"
#define FUNCTION "arn:aws:lambda:us-east-1:123456789012:function:f"
#define FOREIGN_FUNCTION "arn:aws:lambda:us-east-1:210987654321:function:f"

static void a_role_of_another_account_is_wrong_and_what_is_not_known_is_not(void **state)
{
    static const char credentials[] =
        "spec.role is of the AWS account 123456789012, but kubelambda's credentials here are of the account "
        "210987654321: write a role of 210987654321, or let a LambdaPolicy's aws.assumeRoleArn, or "
        "kubelambda's own credentials, lead to 123456789012";
    static const char function[] =
        "the function is in the AWS account 210987654321, but spec.role is of the account 123456789012: "
        "write a role of 210987654321; to move the function, create another resource";
    static const struct {
        const char *role, *function_arn, *account, *wrong;
    } rows[] = {
        {ROLE, NULL, "123456789012", ""},
        {ROLE, NULL, "210987654321", credentials},
        {"arn:aws-cn:iam::123456789012:role/fake", NULL, "210987654321", credentials},
        {ROLE, NULL, NULL, ""},
        {"arn:aws:iam::12345:role/fake", NULL, "210987654321", ""},
        {"role", NULL, "210987654321", ""},
        {"", NULL, "210987654321", ""},
        {NULL, NULL, "210987654321", ""},
        {ROLE, FUNCTION, "123456789012", ""},
        {ROLE, FUNCTION, "210987654321", credentials},
        {ROLE, FOREIGN_FUNCTION, "123456789012", function},
        {ROLE, FOREIGN_FUNCTION, "210987654321", function},
        {ROLE, FOREIGN_FUNCTION, NULL, function},
        {NULL, FOREIGN_FUNCTION, "123456789012", ""},
        {ROLE, "f", "123456789012", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(str_done) struct str message = STR_INIT(512);

        account_judge(rows[i].role, rows[i].function_arn, rows[i].account, &message);
        assert_string_equal(str_text(&message), rows[i].wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_role_of_another_account_is_wrong_and_what_is_not_known_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

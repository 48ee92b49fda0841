/* Whose account a resource is for. */
#include "controller/account.h"

#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_role_of_another_account_is_wrong_and_what_is_not_known_is_not(void **state)
{
    static const struct {
        const char *role, *account;
        bool wrong;
    } rows[] = {
        {"arn:aws:iam::123456789012:role/fake", "123456789012", false},
        {"arn:aws:iam::123456789012:role/fake", "210987654321", true},
        {"arn:aws-cn:iam::123456789012:role/fake", "210987654321", true},
        {"arn:aws:iam::123456789012:role/fake", NULL, false},
        {"arn:aws:iam::12345:role/fake", "210987654321", false},
        {"role", "210987654321", false},
        {"", "210987654321", false},
        {NULL, "210987654321", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(str_done) struct str message = STR_INIT(512);

        account_judge(rows[i].role, rows[i].account, &message);
        assert_int_equal(message.len > 0, rows[i].wrong);
        if (rows[i].wrong)
            assert_string_equal(
                str_text(&message),
                "spec.role is of the AWS account 123456789012, but kubelambda's credentials are "
                "of the account 210987654321: give it credentials of 123456789012, or write a "
                "role of 210987654321");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_role_of_another_account_is_wrong_and_what_is_not_known_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

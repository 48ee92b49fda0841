/* The account of the credentials and of the function against that of the role. Any thread, no state. */
#include "controller/account.h"

#include "common/function/arn.h"

static struct str_view account_of(const char *arn)
{
    struct str_view part = arn_part(arn ? arn : "", ARN_PART_ACCOUNT);

    return part.len == strlen("123456789012") ? part : (struct str_view){"", 0};
}

void account_judge(const char *role, const char *function_arn, const char *account, struct str *message)
{
    struct str_view wanted = account_of(role), home = account_of(function_arn);

    if (home.len && wanted.len && !view_equal(home, wanted))
        str_addf(
            message,
            "the function is in the AWS account %.*s, but spec.role is of the account %.*s: write a role "
            "of %.*s; to move the function, create another resource",
            (int)home.len, home.ptr, (int)wanted.len, wanted.ptr, (int)home.len, home.ptr);
    else if (account && wanted.len && !view_equal(wanted, view(account)))
        str_addf(message,
                 "spec.role is of the AWS account %.*s, but kubelambda's credentials here are of the account "
                 "%s: write a role of %s, or let a LambdaPolicy's aws.assumeRoleArn, or kubelambda's own "
                 "credentials, lead to %.*s",
                 (int)wanted.len, wanted.ptr, account, account, (int)wanted.len, wanted.ptr);
}

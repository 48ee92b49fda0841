/* The account of the credentials against that of a resource. Any thread, no state. */
#include "controller/account.h"

#include "common/function/arn.h"

void account_judge(const char *role, const char *account, struct str *message)
{
    struct str_view wanted = arn_part(role ? role : "", ARN_PART_ACCOUNT);

    if (!account || wanted.len != strlen("123456789012") || view_equal(wanted, view(account)))
        return;
    str_addf(
        message,
        "spec.role is of the AWS account %.*s, but kubelambda's credentials are of the account %s: give it "
        "credentials of %.*s, or write a role of %s",
        (int)wanted.len, wanted.ptr, account, (int)wanted.len, wanted.ptr, account);
}

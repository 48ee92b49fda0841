/* The Security Token Service (2011-06-15): temporary credentials, and whose they are. Blocks; never on the
 * http thread. No state. */
#pragma once

#include "common/aws/credentials.h"

struct sts {
    struct http *http;
    const struct endpoints *endpoints;
    const char *ca_file;          /* or NULL */
    const char *region;           /* or NULL: nothing can be asked */
    atomic_llong *clock_offset_s; /* AWS's clock less ours; learned here, too */
};

struct sts_role {
    const char *arn;
    const char *session_name; /* NULL: "kubelambda" */
    const char *external_id;  /* or NULL */
    const char *duration_s;   /* digits, or NULL: AWS's default, an hour */
};

/* Signed by `signer`. ERR_DENIED and others by aws_error. */
int sts_assume_role(const struct sts *sts, const struct credentials *signer, const struct sts_role *role,
                    struct credentials **ret_credentials, struct err *err)
    __attribute__((warn_unused_result));

/* Unsigned: the token says who we are. No message shows it. */
int sts_assume_role_with_web_identity(const struct sts *sts, const struct sts_role *role, const char *token,
                                      struct credentials **ret_credentials, struct err *err)
    __attribute__((warn_unused_result));

/* GetCallerIdentity; the caller frees. */
int sts_account(const struct sts *sts, const struct credentials *signer, char **ret_account, struct err *err)
    __attribute__((warn_unused_result));

/* Pure: the answer to an operation that gives credentials ("AssumeRole"). */
int sts_read_credentials(struct str_view xml, const char *operation, struct credentials **ret_credentials,
                         struct err *err) __attribute__((warn_unused_result));

/* Pure: "arn:aws:iam::123456789012:role/NAME" -> its account, which the caller frees; NULL when it has none.
 */
char *arn_account(const char *arn);

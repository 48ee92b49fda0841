/* Where credentials come from: the ordered table of providers, and what each reads. Blocks on the network,
 * and on programs; never on the http thread. No state.
 * Source: AWS SDKs and Tools Reference Guide, "Standardized credential providers". */
#pragma once

#include "common/aws/credentials.h"
#include "common/aws/profile.h"
#include "common/aws/sts.h"

struct provider_input {
    const struct profile *profile;
    const struct sts *sts; /* NULL: only what is at hand */
};

/* The first that has any. Without `sts` it may succeed with none in *ret_credentials: those of the first
 * provider that is set up have to be fetched. ERR_NOT_FOUND when no provider is set up, with what each lacks;
 * other errors are those of a provider that is set up and cannot give any. */
int providers_ask(const struct provider_input *input, struct credentials **ret_credentials, struct err *err)
    __attribute__((warn_unused_result));

/* What providers read. */
struct credentials_text {
    const char *source;   /* for messages */
    const char *names[3]; /* of access key id, secret access key, session token */
    const char *values[3];
    const char *account;    /* or NULL */
    const char *expiration; /* RFC 3339, or NULL: they do not expire */
};

/* ERR_NOT_FOUND when there is neither key id nor secret; ERR_DENIED when they are not whole, or could not
 * be in a header line. No message shows a value. */
int credentials_read(const struct credentials_text *text, struct credentials **ret_credentials,
                     struct err *err) __attribute__((warn_unused_result));

/* From the JSON of a metadata service or a program, where the session token is the member `token`. */
int credentials_read_json(struct str_view json, const char *source, const char *token,
                          struct credentials **ret_credentials, struct err *err)
    __attribute__((warn_unused_result));

/* Reads a file with a token in it: without the line end behind it, and nothing that cannot be in a header. */
int token_read(const char *path, struct str *out, struct err *err) __attribute__((warn_unused_result));

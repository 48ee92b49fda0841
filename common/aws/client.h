/* Calls to AWS: credentials, endpoint, signature, errors. Settings come from the standard
 * environment variables and files (AWS SDKs and Tools Reference Guide). */
#pragma once

#include "common/aws/sign.h"
#include "common/base/json.h"
#include "common/http/client.h"

#include <stdatomic.h>

struct aws;

struct aws_options {
    const char *region; /* default: AWS_REGION, AWS_DEFAULT_REGION, the profile's; may be NULL */
};

/* ERR_FATAL for settings that cannot be used (an endpoint that is not a URL, a file that cannot be
 * parsed). Credentials are not needed yet: a call without any fails with ERR_DENIED.
 * `http` must outlive it; free it once nothing is under way. */
int aws_new(struct http *http, const struct aws_options *options, struct aws **ret_aws, struct err *err)
    __attribute__((warn_unused_result));
void aws_free(struct aws *aws);

struct http *aws_http(struct aws *aws); /* the client that it was made with */

/* By the settings, else of the machine that we run on (an EC2 instance's metadata, asked in the background).
 * NULL when there is none (yet). */
const char *aws_default_region(struct aws *aws);

/* The account that the credentials belong to; the caller frees. NULL when it is not known (yet): the first
 * call starts finding out, by GetCallerIdentity. */
char *aws_account(struct aws *aws);
/* A role's by its ARN, else the same; but nothing is found out, nor sent. */
char *aws_known_account(struct aws *aws);

/* A client that acts as a role, assumed with the credentials of `aws`: another account's functions. One for
 * each role, kept and freed with `aws`, which must have been made by aws_new. Settings are the same. */
struct aws *aws_for_role(struct aws *aws, const char *role_arn);

/* Roles that are not `named` any more are let go: their credentials are not renewed before somebody uses such
 * a client again. `named` must not call into `aws`. */
void aws_rest_roles(struct aws *aws, bool (*named)(void *arg, const char *role_arn), void *arg);

/* The Lambda API's, shared with the clients of roles; lives as long as the client of aws_new. */
struct limiter *aws_limiter(const struct aws *aws);
/* A role's, by its ARN; NULL for the client of aws_new. */
const char *aws_role_account(const struct aws *aws);

/* Are there credentials to sign with? Waits for a first fetch. Whether AWS accepts them only a call tells.
 * ERR_DENIED says what to set. */
int aws_check_credentials(struct aws *aws, struct err *err) __attribute__((warn_unused_result));

struct aws_request {
    const char *service;   /* "lambda", "s3" */
    const char *operation; /* "CreateFunction", for the metrics */
    const char *region;    /* NULL: the default one */
    const char *method;
    const char *bucket; /* s3: becomes the host or the path's first segment; else NULL */
    const char *path;   /* percent-encoded, "/…"; for s3 without the bucket */
    const struct sign_query *query;
    size_t query_count;
    const char *const *headers; /* further ones, signed: "x-amz-…: …"; NULL-terminated or NULL */
    struct str_view body;       /* JSON for Lambda */
    int64_t timeout_ms;         /* in all, with what is sent again */
    const _Atomic int64_t *send_before_ms; /* as in struct http_request */
    _Atomic int64_t *sent_bytes;           /* the same; of aws_call alone */
};

/* One signed request; an answer of any status is a success. ERR_DENIED without credentials,
 * ERR_INVALID without a region. It is sent once more when AWS found our clock wrong (the offset is
 * kept) or the token expired and the providers have new credentials; nothing else is repeated.
 * aws_call blocks; aws_submit copies the request and calls `done` on the http thread, or at once when
 * it cannot be sent. */
int aws_call(struct aws *aws, const struct aws_request *request, struct http_response *ret_response,
             struct err *err) __attribute__((warn_unused_result));
void aws_submit(struct aws *aws, const struct aws_request *request, http_done_fn *done, void *arg);

/* True when the answer refuses a signature for its time, and AWS's clock is not ours by `*offset_s`, which
 * then becomes what it is: the request is worth signing and sending again. */
bool aws_clock_learn(atomic_llong *offset_s, const struct http_response *response);

/* Counts a request to AWS for the metrics; `response` NULL: it got no answer. */
void aws_count(const char *service, const char *operation, const struct http_response *response);

/* Fills `err` from an answer that is not 2xx: `code` from x-amzn-errortype or the body (JSON or XML),
 * class by code and status, message "Code: AWS's own text". Of that text what repeats our request
 * (environment values, tokens) is cut. 404 is ERR_NOT_FOUND only with the code
 * ResourceNotFoundException: a proxy's 404 is ERR_RETRY. Returns the class. */
int aws_error(const struct http_response *response, struct err *err);

/* Does the error say that AWS does not accept the credentials themselves, so that every call will fail? */
bool aws_refused_credentials(const struct err *err);

#define AWS_NEW_CREDENTIALS "the AWS credentials are not accepted, get new ones and run this again"

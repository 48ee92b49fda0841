/* S3: is the artifact there, in this region, and what is it (HeadObject)? And putting it there (PutObject).
 */
#pragma once

#include "common/aws/client.h"

struct s3_object {
    int64_t size_bytes;   /* -1 when S3 did not say */
    char sha256[48];      /* base64 of the whole object's SHA-256, "" when S3 does not know it */
    char version_id[128]; /* "" in a bucket without versions */
    char etag[80];
    char storage_class[32]; /* "" for STANDARD */
    bool archived;          /* kept where it cannot be read before it is restored */
};

/* Called once, on the http thread, or at once when nothing can be sent. `object` is NULL when `err` is
 * set:
 *   ERR_NOT_FOUND  404: no such object (or bucket)
 *   ERR_DENIED     403: missing, or not readable with our credentials - HEAD cannot tell which;
 *                  400 without a version id: credentials that expired
 *   ERR_CONFLICT   the bucket is in another region, whose name is in err->code ("" when unknown)
 *   ERR_INVALID    400/405: a malformed version id, or one that is a delete marker
 *   ERR_THROTTLED, ERR_RETRY: not known */
typedef void s3_head_fn(void *arg, const struct s3_object *object, const struct err *err);

/* `version_id` NULL: the newest. Does not block. On a 301 or 400 the bucket's region is asked for once. */
void s3_head(struct aws *aws, const char *region, const char *bucket, const char *key, const char *version_id,
             int64_t timeout_ms, s3_head_fn *done, void *arg);

/* The same, blocking. */
int s3_head_wait(struct aws *aws, const char *region, const char *bucket, const char *key,
                 const char *version_id, int64_t timeout_ms, struct s3_object *ret_object, struct err *err)
    __attribute__((warn_unused_result));

struct s3_put {
    const char *region, *bucket, *key;
    struct str_view body;
    const char *sha256_base64; /* of the body */
    int64_t timeout_ms;
    _Atomic int64_t *sent_bytes; /* as in struct http_request */
};

/* PutObject with the SHA-256 of the whole object, which S3 checks and keeps. One request, so that nothing is
 * there until all of it is; blocks. The body is copied while it is under way.
 *   ERR_NOT_FOUND  no such bucket
 *   ERR_CONFLICT   the bucket is in another region, whose name is in err->code ("" when unknown)
 *   ERR_DENIED, ERR_THROTTLED, ERR_RETRY, ERR_INVALID: as aws_error says */
int s3_put(struct aws *aws, const struct s3_put *put, struct err *err) __attribute__((warn_unused_result));

/* What is asked for, and in which region it must be. */
struct s3_target {
    const char *region, *bucket, *key;
    const char *version_id; /* NULL: the newest */
};

/* For tests: what the answer to HeadObject means. Pure; `err` is not NULL. */
int s3_read_answer(const struct s3_target *target, const struct http_response *response,
                   struct s3_object *ret_object, struct err *err) __attribute__((warn_unused_result));

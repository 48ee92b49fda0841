/* S3 PutObject. Any thread but the http thread, no state.
 * Source: S3's API reference, PutObject and its error codes. */
#include "common/aws/s3.h"
#include "common/base/mem.h"

#include <stdio.h>

enum { PATH_MAX_BYTES = 8 * 1024 };

static int wrong_region(const struct http_response *response, const char *bucket, struct err *err)
{
    char region[sizeof(err->code)];

    if (!http_header(response, "x-amz-bucket-region", region, sizeof(region)))
        region[0] = '\0';
    err_set(err, ERR_CONFLICT, "the bucket '%s' is in another region%s%s: give it with --region", bucket,
            *region ? ", " : "", region);
    err->status = response->status;
    snprintf(err->code, sizeof(err->code), "%s", region);
    return ERR_CONFLICT;
}

static int refuse(const struct http_response *response, const char *bucket, struct err *err)
{
    struct err found;

    aws_error(response, &found);
    if (str_equal(found.code, "NoSuchBucket"))
        return err_set(err, ERR_NOT_FOUND, "there is no bucket '%s': correct --bucket, or create it", bucket);
    if (response->status == 301 || str_equal(found.code, "AuthorizationHeaderMalformed"))
        return wrong_region(response, bucket, err);
    if (aws_refused_credentials(&found))
        err_wrap(&found, AWS_NEW_CREDENTIALS);
    if (str_starts_with(found.code, "AccessDenied"))
        err_wrap(&found, "our credentials need s3:PutObject there (and what the bucket's key needs)");
    if (str_equal(found.code, "BadDigest") || str_equal(found.code, "XAmzContentSHA256Mismatch"))
        found.class = ERR_RETRY; /* changed on its way */
    if (err)
        *err = found;
    return found.class;
}

int s3_put(struct aws *aws, const struct s3_put *put, struct err *err)
{
    _cleanup_(str_done) struct str path = STR_INIT(PATH_MAX_BYTES);
    _cleanup_(freep) char *checksum = xasprintf("x-amz-checksum-sha256: %s", put->sha256_base64);
    const char *const headers[] = {checksum, "x-amz-sdk-checksum-algorithm: SHA256",
                                   "content-type: application/zip", NULL};
    struct http_response response;

    str_add(&path, "/");
    str_add_percent(&path, put->key, strlen(put->key), "/");
    if (!*put->bucket || !*put->key || path.overflow)
        return err_set(err, ERR_INVALID, "bucket '%s' and key '%.200s' do not name an object", put->bucket,
                       put->key);
    const struct aws_request request = {
        .service = "s3",
        .operation = "PutObject",
        .region = put->region,
        .method = "PUT",
        .bucket = put->bucket,
        .path = str_text(&path),
        .headers = headers,
        .body = put->body,
        .timeout_ms = put->timeout_ms,
        .sent_bytes = put->sent_bytes,
    };
    int r = aws_call(aws, &request, &response, err);

    if (r < 0)
        return r;
    if (response.status != 200)
        r = refuse(&response, put->bucket, err);
    http_response_done(&response);
    return r;
}

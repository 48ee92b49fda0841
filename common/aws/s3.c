/* S3 HeadObject. Any thread; the callbacks run on the http thread.
 * Source: S3's API reference, HeadObject and HeadBucket. */
#include "common/aws/s3.h"

#include "common/base/clock.h"
#include "common/base/encode.h"
#include "common/base/mem.h"

#include <pthread.h>
#include <stdio.h>

enum { PATH_MAX_BYTES = 8 * 1024, WHAT_SIZE = 256 };

/* "s3://bucket/key", and the version when one was asked for; cut to fit into a message. */
static void describe(const struct s3_target *target, char ret_what[WHAT_SIZE])
{
    snprintf(ret_what, WHAT_SIZE, "s3://%s/%s%s%s", target->bucket, target->key,
             target->version_id ? ", version " : "", target->version_id ? target->version_id : "");
}

static void copy_header(const struct http_response *response, const char *name, char *ret_value, size_t size)
{
    if (!http_header(response, name, ret_value, size))
        ret_value[0] = '\0';
}

/* Only the hash of the whole object is its SHA-256: an upload in parts has a hash of hashes, "…-N". */
static void read_sha256(const struct http_response *response, struct s3_object *object)
{
    char type[32];

    copy_header(response, "x-amz-checksum-sha256", object->sha256, sizeof(object->sha256));
    copy_header(response, "x-amz-checksum-type", type, sizeof(type));
    if (strlen(object->sha256) != SHA256_BASE64_SIZE - 1 || (type[0] && !str_equal(type, "FULL_OBJECT")))
        object->sha256[0] = '\0';
}

/* In an archive, and no restored copy is there. INTELLIGENT_TIERING tells by another header. */
static bool is_archived(const struct http_response *response, const char *storage_class)
{
    char restore[128], status[32];

    copy_header(response, "x-amz-restore", restore, sizeof(restore));
    copy_header(response, "x-amz-archive-status", status, sizeof(status));
    bool archive = str_equal(storage_class, "GLACIER") || str_equal(storage_class, "DEEP_ARCHIVE") || *status;

    return archive && !strstr(restore, "ongoing-request=\"false\"");
}

static void read_object(const struct http_response *response, struct s3_object *ret_object)
{
    struct s3_object object = {.size_bytes = -1};
    char text[128];

    if (http_header(response, "content-length", text, sizeof(text)) &&
        !parse_int(text, 0, INT64_MAX, &object.size_bytes))
        object.size_bytes = -1;
    read_sha256(response, &object);
    copy_header(response, "x-amz-version-id", object.version_id, sizeof(object.version_id));
    copy_header(response, "x-amz-storage-class", object.storage_class, sizeof(object.storage_class));
    object.archived = is_archived(response, object.storage_class);
    if (str_equal(object.storage_class, "STANDARD"))
        object.storage_class[0] = '\0';
    copy_header(response, "etag", text, sizeof(text));
    size_t quote = text[0] == '"', len = strcspn(text + quote, "\"");

    if (len < sizeof(object.etag))
        memcpy(object.etag, text + quote, len);
    *ret_object = object;
}

static int wrong_region(const struct s3_target *target, const char *region, int status, struct err *err)
{
    if (*region)
        err_set(err, ERR_CONFLICT,
                "the bucket '%s' is in %s, the function in %s: Lambda needs both in one region; use a bucket "
                "in %s",
                target->bucket, region, target->region, target->region);
    else
        err_set(err, ERR_CONFLICT, "the bucket '%s' is not in %s, where the function is: use one that is",
                target->bucket, target->region);
    err->status = status;
    snprintf(err->code, sizeof(err->code), "%s", region);
    return ERR_CONFLICT;
}

static int refuse(const struct s3_target *target, const struct http_response *response, struct err *err)
{
    struct err found;
    char what[WHAT_SIZE], marker[16];

    describe(target, what);
    copy_header(response, "x-amz-delete-marker", marker, sizeof(marker));
    bool deleted = str_equal(marker, "true");

    aws_error(response, &found);
    switch (response->status) {
    case 404:
        err_set(err, ERR_NOT_FOUND,
                deleted ? "%s was deleted (its newest version is a delete marker): upload it again, or name "
                          "a version"
                        : "%s does not exist: upload it first, or correct bucket and key",
                what);
        break;
    case 401:
    case 403:
        err_set(err, ERR_DENIED,
                "%s is missing or not readable with our credentials: check bucket and key, or grant "
                "s3:GetObject%s (and s3:ListBucket, to be told which)",
                what, target->version_id ? "Version" : "");
        break;
    case 400: /* with the right region it is the version id or an expired token */
        if (target->version_id)
            err_set(err, ERR_INVALID, "%s: S3 refuses the version id as malformed: correct it", what);
        else
            err_set(err, ERR_DENIED, "%s: S3 refuses the request: have our credentials expired?", what);
        break;
    case 405:
        err_set(err, ERR_INVALID, "%s is a delete marker: name a version that has content", what);
        break;
    case 503: /* how S3 says SlowDown where there is no body */
        err_set(err, ERR_THROTTLED, "%s: S3 asks to slow down", what);
        break;
    default:
        err_set(err, found.class == ERR_THROTTLED ? ERR_THROTTLED : ERR_RETRY, "%s: S3 answered %d", what,
                response->status);
    }
    err->status = response->status;
    err->retry_after_ms = found.retry_after_ms;
    return err->class;
}

/* S3 answers 301, or 400 to a HEAD that was signed for the wrong region. */
static bool may_be_region(const struct http_response *response)
{
    return response->status == 301 || response->status == 400;
}

/* S3 numbers its answers; a proxy's page does not, and says nothing about objects. */
static bool is_from_s3(const struct http_response *response)
{
    static const char *const marks[] = {"x-amz-request-id", "x-amzn-requestid", "x-amz-bucket-region"};
    char text[128];

    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (http_header(response, marks[i], text, sizeof(text)))
            return true;
    return false;
}

static int not_from_s3(const struct s3_target *target, int status, struct err *err)
{
    char what[WHAT_SIZE];

    describe(target, what);
    err_set(err, ERR_RETRY, "%s: something other than S3 answered %d; is there a proxy?", what, status);
    err->status = status;
    return ERR_RETRY;
}

int s3_read_answer(const struct s3_target *target, const struct http_response *response,
                   struct s3_object *ret_object, struct err *err)
{
    char region[sizeof(err->code)];

    if (response->status < 429 && !is_from_s3(response))
        return not_from_s3(target, response->status, err);
    if (response->status == 200) {
        read_object(response, ret_object);
        return 0;
    }
    copy_header(response, "x-amz-bucket-region", region, sizeof(region));
    if (may_be_region(response) && *region && !str_equal(region, target->region))
        return wrong_region(target, region, response->status, err);
    if (response->status == 301)
        return wrong_region(target, "", response->status, err);
    return refuse(target, response, err);
}

/* One s3_head on its way. */
struct head {
    struct aws *aws;
    char *region, *bucket, *key, *version_id;
    int64_t deadline_ms; /* of clock_mono_ms */
    struct err refusal;  /* what HeadObject said, while the bucket's region is asked for */
    s3_head_fn *done;
    void *arg;
};

static struct s3_target target_of(const struct head *head)
{
    return (struct s3_target){head->region, head->bucket, head->key, head->version_id};
}

static void finish(struct head *head, const struct s3_object *object, const struct err *err)
{
    head->done(head->arg, object, err);
    free(head->region);
    free(head->bucket);
    free(head->key);
    free(head->version_id);
    free(head);
}

/* Whatever HeadBucket's status is: all that counts is the region, which it tells even with 403. */
static void bucket_answered(void *arg, struct http_response *response, const struct err *err)
{
    struct head *head = arg;
    const struct s3_target target = target_of(head);
    char region[sizeof(err->code)] = "";

    if (response)
        copy_header(response, "x-amz-bucket-region", region, sizeof(region));
    if (*region && !str_equal(region, head->region))
        wrong_region(&target, region, head->refusal.status, &head->refusal);
    finish(head, NULL, &head->refusal);
}

static void ask_for_region(struct head *head)
{
    const struct aws_request request = {
        .service = "s3",
        .operation = "HeadBucket",
        .region = head->region,
        .method = "HEAD",
        .bucket = head->bucket,
        .path = "/",
        .timeout_ms = head->deadline_ms - clock_mono_ms(),
    };

    aws_submit(head->aws, &request, bucket_answered, head);
}

static void object_answered(void *arg, struct http_response *response, const struct err *err)
{
    struct head *head = arg;
    const struct s3_target target = target_of(head);
    struct s3_object object;
    char region[sizeof(err->code)];

    if (!response) {
        struct err wrapped = *err;
        char what[WHAT_SIZE];

        describe(&target, what);
        err_wrap(&wrapped, "%s", what);
        finish(head, NULL, &wrapped);
    } else if (s3_read_answer(&target, response, &object, &head->refusal) == 0) {
        finish(head, &object, NULL);
    } else if (may_be_region(response) &&
               !http_header(response, "x-amz-bucket-region", region, sizeof(region))) {
        ask_for_region(head);
    } else {
        finish(head, NULL, &head->refusal);
    }
}

void s3_head(struct aws *aws, const char *region, const char *bucket, const char *key, const char *version_id,
             int64_t timeout_ms, s3_head_fn *done, void *arg)
{
    static const char *const headers[] = {"x-amz-checksum-mode: ENABLED", NULL};
    _cleanup_(str_done) struct str path = STR_INIT(PATH_MAX_BYTES);
    struct err err;

    str_add(&path, "/");
    str_add_percent(&path, key, strlen(key), "/");
    if (!*bucket || !*key || path.overflow) {
        err_set(&err, ERR_INVALID, "bucket '%s' and key '%.200s' do not name an object", bucket, key);
        done(arg, NULL, &err);
        return;
    }
    struct head *head = xcalloc(1, sizeof(*head));
    const struct sign_query version = {"versionId", version_id};

    *head = (struct head){
        .aws = aws,
        .region = xstrdup(region),
        .bucket = xstrdup(bucket),
        .key = xstrdup(key),
        .version_id = xstrdup(version_id),
        .deadline_ms = clock_mono_ms() + timeout_ms,
        .done = done,
        .arg = arg,
    };
    const struct aws_request request = {
        .service = "s3",
        .operation = "HeadObject",
        .region = region,
        .method = "HEAD",
        .bucket = bucket,
        .path = str_text(&path),
        .query = &version,
        .query_count = version_id ? 1 : 0,
        .headers = headers,
        .timeout_ms = timeout_ms,
    };

    aws_submit(aws, &request, object_answered, head);
}

/* Where s3_head_wait waits. */
struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool over;
    int result;
    struct s3_object object;
    struct err err;
};

static void wake(void *arg, const struct s3_object *object, const struct err *err)
{
    struct waiter *waiter = arg;

    pthread_mutex_lock(&waiter->lock);
    if (object)
        waiter->object = *object;
    else
        waiter->err = *err;
    waiter->result = object ? 0 : (int)err->class;
    waiter->over = true;
    pthread_cond_signal(&waiter->answered);
    pthread_mutex_unlock(&waiter->lock);
}

int s3_head_wait(struct aws *aws, const char *region, const char *bucket, const char *key,
                 const char *version_id, int64_t timeout_ms, struct s3_object *ret_object, struct err *err)
{
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};

    s3_head(aws, region, bucket, key, version_id, timeout_ms, wake, &waiter);
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.over)
        pthread_cond_wait(&waiter.answered, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    pthread_cond_destroy(&waiter.answered);
    pthread_mutex_destroy(&waiter.lock);
    if (waiter.result == 0)
        *ret_object = waiter.object;
    else if (err)
        *err = waiter.err;
    return waiter.result;
}

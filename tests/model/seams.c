/* What the controller calls to reach the world, in place of the library's own: the linker takes these. The
 * headers of those that are replaced hold them to the same types. */
#include "common/aws/lambda.h"
#include "common/aws/s3.h"
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "tests/model/rules.h"
#include "tests/model/world.h"

#include <stdio.h>

enum { ANSWER_MAX_BYTES = 1 << 20, WALL_S = 1795500000 };

static struct replica *replica_of(const void *handle)
{
    return (struct replica *)(uintptr_t)handle;
}

/* --- time and chance ------------------------------------------------------------------------ */

int64_t clock_mono_ms(void)
{
    return world_now()->now_ms;
}

int64_t clock_boot_ms(void)
{
    return world_now()->now_ms;
}

int64_t clock_wall_s(void)
{
    return WALL_S + world_now()->now_ms / 1000;
}

int64_t queue_jitter(int64_t ms, int percent)
{
    int64_t width = ms * percent / 100;

    return width > 0 ? ms - width + (int64_t)dice_below(&world_now()->dice, (size_t)(2 * width + 1)) : ms;
}

/* --- AWS ------------------------------------------------------------------------------------ */

int limiter_wait(struct limiter *limiter, const char *account, const char *region, enum limiter_kind kind,
                 enum limiter_priority priority, const atomic_bool *stop, struct err *err)
{
    (void)limiter, (void)account, (void)region, (void)kind, (void)priority, (void)stop, (void)err;
    return 0;
}

void limiter_note(struct limiter *limiter, const char *account, const char *region, enum limiter_kind kind,
                  bool throttled, int64_t retry_after_ms)
{
    (void)limiter, (void)account, (void)region, (void)kind, (void)throttled, (void)retry_after_ms;
}

struct limiter *aws_limiter(const struct aws *aws)
{
    (void)aws;
    return NULL;
}

char *aws_account(struct aws *aws)
{
    (void)aws;
    return xstrdup("123456789012");
}

char *aws_known_account(struct aws *aws)
{
    return aws_account(aws);
}

const char *aws_role_account(const struct aws *aws)
{
    (void)aws;
    return NULL;
}

static void answer(struct http_response *response, int status, const char *text)
{
    *response = (struct http_response){
        .status = status, .headers = STR_INIT(ANSWER_MAX_BYTES), .body = STR_INIT(ANSWER_MAX_BYTES)};
    str_add(&response->body, text);
}

/* The call fails before anybody took it: false, with the answer of whoever refused it, or `status` 0. */
static bool arrives(enum action_kind fault, int *ret_status, const char **ret_text)
{
    static const struct {
        enum action_kind fault;
        int status;
        const char *text;
    } refusals[] = {
        {FAULT_UNSENT, 0, ""},
        {FAULT_5XX, 503, "{\"message\":\"busy\"}"},
        {FAULT_THROTTLED, 429, "{\"__type\":\"TooManyRequestsException\",\"message\":\"Rate exceeded\"}"},
        {FAULT_CONFLICT, 409,
         "{\"__type\":\"ResourceConflictException\",\"message\":\"An update is in progress\"}"},
        {FAULT_DENIED, 403, "{\"__type\":\"AccessDeniedException\",\"message\":\"not allowed\"}"},
        {FAULT_PROXY, 404, "<html>not here</html>"},
    };

    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (fault != refusals[i].fault)
            continue;
        *ret_status = refusals[i].status;
        *ret_text = refusals[i].text;
        return false;
    }
    return true;
}

/* "/2015-03-31/functions/f/aliases/live", "/2017-03-31/tags/arn%3A…%3Af" */
static void read_path(const char *path, char ret_name[2], const char **ret_item)
{
    const char *name = strstr(path, "/functions/"), *last = strrchr(path, '/');

    name = name ? name + strlen("/functions/") : last + strlen(last) - 1;
    ret_name[0] = *name;
    ret_name[1] = '\0';
    *ret_item = strstr(path, "/aliases/") ? last + 1 : NULL;
}

static int serve(struct replica *replica, const struct aws_request *request, struct http_response *response)
{
    struct world *world = replica->world;
    _cleanup_(json_freep) struct json *body = NULL, *shown = NULL;
    char name[2];
    struct cloud_request asked = {.operation = request->operation, .name = name};

    read_path(request->path, name, &asked.item);
    if (request->query_count == 1 && str_equal(request->query[0].name, "Qualifier"))
        asked.item = request->query[0].value;
    else
        asked.query = request->query, asked.query_count = request->query_count;
    if (request->body.len && json_parse(request->body, &body, NULL) < 0)
        world_complain(world, "%s: a body that is no JSON", request->operation);
    asked.body = body;
    if (cloud_writes(request->operation))
        rules_at_write(world, replica, &asked);
    int status = cloud_serve(&world->cloud, &asked, &shown);

    rules_after_call(world, replica, &asked);
    _cleanup_(freep) char *text = shown ? json_text(shown) : xstrdup("");

    answer(response, status, text);
    return status;
}

static int cut_off(struct err *err)
{
    return err_set(err, ERR_RETRY, "the connection was cut");
}

int aws_call(struct aws *aws, const struct aws_request *request, struct http_response *ret_response,
             struct err *err)
{
    struct replica *replica = replica_of(aws);
    struct world *world = replica->world;
    struct http_response response = {0};
    const char *text;
    int status;

    if (replica->crashed)
        return cut_off(err);
    world_in_call(world, replica, false);
    if (replica->crashed)
        return cut_off(err);
    if (request->send_before_ms && clock_boot_ms() >= atomic_load(request->send_before_ms))
        return err_set(err, ERR_RETRY, "not sent: too late");
    if (!arrives(replica->fault, &status, &text)) {
        world_tell(world, "%s: %d", request->operation, status);
        if (!status)
            return cut_off(err);
        answer(ret_response, status, text);
        return 0;
    }
    status = serve(replica, request, &response);
    world_tell(world, "%s: %d", request->operation, status);
    world_in_call(world, replica, true);
    if (replica->crashed || replica->fault != ACTION_KINDS) {
        http_response_done(&response);
        return cut_off(err);
    }
    *ret_response = response;
    return 0;
}

int s3_head_wait(struct aws *aws, const char *region, const char *bucket, const char *key,
                 const char *version_id, int64_t timeout_ms, struct s3_object *ret_object, struct err *err)
{
    struct replica *replica = replica_of(aws);
    const struct cloud *cloud = &replica->world->cloud;
    _cleanup_(freep) char *content = cloud_content(cloud, key);

    (void)region, (void)bucket, (void)version_id, (void)timeout_ms;
    if (!replica->crashed)
        world_in_call(replica->world, replica, false);
    if (replica->crashed || replica->fault != ACTION_KINDS)
        return cut_off(err);
    *ret_object = (struct s3_object){.size_bytes = 1};
    snprintf(ret_object->etag, sizeof(ret_object->etag), "%s", content);
    if (cloud->tells_sha256)
        snprintf(ret_object->sha256, sizeof(ret_object->sha256), "%s", content);
    return 0;
}

/* --- the API server ------------------------------------------------------------------------- */

/* Its own answers, by the status. */
static int refused(int status, struct err *err)
{
    if (!status)
        return cut_off(err);
    err_set(err, http_class(status), "the API server answered %d", status);
    err->status = status;
    return err->class;
}

int kube_call(struct kube *kube, const struct kube_request *request, struct json **ret_object,
              struct err *err)
{
    struct replica *replica = replica_of(kube);
    struct world *world = replica->world;
    _cleanup_(json_freep) struct json *body = NULL, *object = NULL;
    const char *text;
    int status;

    if (replica->crashed)
        return cut_off(err);
    world_in_call(world, replica, false);
    if (replica->crashed || world->now_ms < replica->cut_until_ms)
        return cut_off(err);
    if (!str_equal(request->method, "PATCH") || json_parse(request->body, &body, err) < 0) {
        world_complain(world, "the API server gets %s %s", request->method, request->path);
        return cut_off(err);
    }
    if (!arrives(replica->fault, &status, &text))
        return refused(status == 404 ? 503 : status, err);
    status = api_patch(&world->api, request->path, body, &object);
    world_tell(world, "%s: %d %s", strstr(request->path, "/status") ? "status" : "finalizers", status,
               strstr(request->path, "/status") ? rules_reason(object) : "");
    if (status == 200)
        rules_after_patch(world, replica, api_which(request->path));
    world_in_call(world, replica, true);
    if (replica->crashed || replica->fault != ACTION_KINDS)
        return cut_off(err);
    if (status != 200)
        return refused(status, err);
    if (ret_object)
        *ret_object = take(object);
    return 0;
}

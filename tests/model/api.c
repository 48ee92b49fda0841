/* The model of the API server. */
#include "tests/model/api.h"

#include "common/base/mem.h"
#include "common/kube/client.h"

void api_done(struct api *api)
{
    for (size_t i = 0; i < RESOURCES; i++) {
        json_free(api->objects[i]);
        json_free(api->gone[i]);
    }
}

static void new_version(struct api *api, struct json *object)
{
    _cleanup_(freep) char *version = xasprintf("%lld", (long long)++api->version);

    json_set_str(json_make_object(object, "metadata"), "resourceVersion", version);
}

static void new_generation(struct json *object)
{
    json_set_at(object, "metadata.generation",
                json_new_int(json_int_at(object, "metadata.generation", 0) + 1));
}

/* What is being deleted goes with its last finalizer. */
static void let_go(struct api *api, size_t which)
{
    const struct json *metadata = json_get(api->objects[which], "metadata");

    if (!json_get(metadata, "deletionTimestamp") || json_size(json_get(metadata, "finalizers")) > 0)
        return;
    json_free(api->gone[which]);
    api->gone[which] = take(api->objects[which]);
}

/* RFC 7386. */
static void merge(struct json *into, const struct json *patch)
{
    for (const struct json *member = json_first(patch); member; member = json_next(member)) {
        if (json_type(member) == JSON_NULL)
            json_set(into, json_key(member), NULL);
        else if (json_type(member) == JSON_OBJECT)
            merge(json_make_object(into, json_key(member)), member);
        else
            json_set(into, json_key(member), json_copy(member));
    }
}

/* --- users ---------------------------------------------------------------------------------- */

static struct json *parsed(const char *text)
{
    struct json *json = NULL;

    if (json_parse(view(text), &json, NULL) < 0)
        abort(); /* a text of the model's own */
    return json;
}

void api_create(struct api *api, size_t which, const char *function_name)
{
    if (api->objects[which])
        return;
    const char name[] = {(char)('a' + (char)which), '\0'};
    _cleanup_(freep) char *uid = xasprintf("uid-%lld", (long long)++api->uids);
    struct json *object = parsed(
        "{\"metadata\":{\"namespace\":\"n\",\"generation\":1},\"spec\":{\"region\":\"us-east-1\",\"code\":"
        "{\"s3Bucket\":\"artifacts\",\"s3Key\":\"a.zip\"},\"runtime\":\"python3.13\",\"handler\":"
        "\"app.one\",\"role\":\"arn:aws:iam::123456789012:role/fake\"}}");

    json_set_str(json_make_object(object, "metadata"), "name", name);
    json_set_str(json_make_object(object, "metadata"), "uid", uid);
    json_set_str(json_make_object(object, "spec"), "functionName", function_name);
    new_version(api, object);
    api->objects[which] = object;
}

void api_edit(struct api *api, size_t which, const char *merge_patch)
{
    struct json *object = api->objects[which];

    if (!object)
        return;
    _cleanup_(json_freep) struct json *patch = parsed(merge_patch),
                                      *before = json_copy(json_get(object, "spec"));

    merge(json_make_object(object, "spec"), patch);
    if (json_equal(before, json_get(object, "spec")))
        return;
    new_generation(object);
    new_version(api, object);
}

void api_delete(struct api *api, size_t which)
{
    struct json *object = api->objects[which];

    if (!object || json_at(object, "metadata.deletionTimestamp"))
        return;
    json_set_at(object, "metadata.deletionTimestamp", json_new_string("2026-11-24T08:00:00Z"));
    new_generation(object); /* as the API server does */
    new_version(api, object);
    let_go(api, which);
}

/* --- the controller ------------------------------------------------------------------------- */

size_t api_which(const char *path)
{
    const char *name = strstr(path, "/lambdafunctions/") + strlen("/lambdafunctions/");

    return (size_t)(*name - 'a');
}

static int refuse(int status, const char *reason, struct json **ret_answer)
{
    *ret_answer = json_new_object();
    json_set_str(*ret_answer, "reason", reason);
    json_set_str(*ret_answer, "message", reason);
    return status;
}

int api_patch(struct api *api, const char *path, const struct json *body, struct json **ret_answer)
{
    size_t which = api_which(path);
    struct json *object = api->objects[which];
    const char *version = json_str_at(body, "metadata.resourceVersion"),
               *uid = json_str_at(body, "metadata.uid");
    bool status = strstr(path, "/status") != NULL;
    const char *part = status ? "status" : "metadata.finalizers";

    if (!object)
        return refuse(404, "NotFound", ret_answer);
    if ((version && !str_equal(version, json_str_at(object, "metadata.resourceVersion"))) ||
        (uid && !str_equal(uid, json_str_at(object, "metadata.uid"))))
        return refuse(409, "Conflict", ret_answer);
    api->status_writes += status;
    if (!json_at(object, part) || !json_equal(json_at(object, part), json_at(body, part))) {
        json_set_at(object, part, json_copy(json_at(body, part)));
        new_version(api, object);
    }
    *ret_answer = json_copy(object);
    let_go(api, which);
    return 200;
}

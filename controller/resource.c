/* A LambdaFunction at work. One thread at a time. */
#include "controller/resource.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/function/function.h"

enum { PATCH_MAX_BYTES = 1 << 20 };

#define FIELD_MANAGER "fieldManager=kubelambda"

static bool has_finalizer(const struct json *metadata)
{
    for (const struct json *item = json_first(json_get(metadata, "finalizers")); item; item = json_next(item))
        if (str_equal(json_str(item), FUNCTION_FINALIZER))
            return true;
    return false;
}

int resource_init(struct resource *resource, const struct kube_object *object, struct err *err)
{
    struct resource made = {.key = object->key};
    int r = json_parse(view(object->json), &made.object, err);

    if (r < 0)
        return err_wrap(err, "%s", object->key);
    made.metadata = json_get(made.object, "metadata");
    made.spec = json_get(made.object, "spec");
    made.name = json_str_at(made.metadata, "name");
    made.namespace = json_str_at(made.metadata, "namespace");
    made.uid = json_str_at(made.metadata, "uid");
    made.generation = json_int_at(made.metadata, "generation", 0);
    made.deleting = json_get(made.metadata, "deletionTimestamp") != NULL;
    made.finalizer = has_finalizer(made.metadata);
    if (!made.name || !made.namespace || !made.uid) {
        json_free(made.object);
        return err_set(err, ERR_INVALID, "%s: an object without a name, a namespace or a uid", object->key);
    }
    made.status = json_copy(json_get(made.object, "status"));
    made.version = xstrdup(object->resource_version);
    *resource = made;
    return 0;
}

void resource_done(struct resource *resource)
{
    json_free(resource->object);
    json_free(resource->status);
    free(resource->version);
    *resource = (struct resource){0};
}

/* PATCH …/NAME<suffix>. The version of what is there afterwards is kept for the next write. */
static int patch(struct resource *resource, struct kube *kube, const char *suffix, const char *content_type,
                 const struct json *body, struct err *err)
{
    _cleanup_(str_done) struct str text = STR_INIT(PATCH_MAX_BYTES);
    _cleanup_(json_freep) struct json *answer = NULL;
    _cleanup_(freep) char *path = xasprintf("/apis/" KUBE_API_VERSION "/namespaces/%s/lambdafunctions/%s%s",
                                            resource->namespace, resource->name, suffix);

    json_print(body, &text);
    if (text.overflow)
        return err_set(err, ERR_INVALID, "the patch of %s%s is over 1 MiB", resource->key, suffix);
    int r = kube_call(
        kube,
        &(struct kube_request){
            .method = "PATCH", .path = path, .content_type = content_type, .body = str_view_of(&text)},
        &answer, err);

    if (r < 0)
        return r;
    const char *version = json_str_at(answer, "metadata.resourceVersion");

    if (version) {
        free(resource->version);
        resource->version = xstrdup(version);
    }
    return 0;
}

int resource_set_finalizer(struct resource *resource, struct kube *kube, bool on, struct err *err)
{
    _cleanup_(json_freep) struct json *body = json_new_object();
    struct json *metadata = json_make_object(body, "metadata"), *list = json_new_array();

    /* A merge patch replaces the list as a whole: the version makes sure that it is the one we know. */
    json_set_str(metadata, "resourceVersion", resource->version);
    json_set_str(metadata, "uid", resource->uid);
    json_set(metadata, "finalizers", list);
    for (const struct json *item = json_first(json_get(resource->metadata, "finalizers")); item;
         item = json_next(item))
        if (!str_equal(json_str(item), FUNCTION_FINALIZER))
            json_append(list, json_copy(item));
    if (on)
        json_append(list, json_new_string(FUNCTION_FINALIZER));
    int r = patch(resource, kube, "?" FIELD_MANAGER, KUBE_MERGE_PATCH, body, err);

    if (r < 0)
        return err_wrap(err, "%s the finalizer", on ? "adding" : "removing");
    resource->finalizer = on;
    return 0;
}

static void log_change(const struct resource *resource, const struct status_change *change)
{
    static const char *const phases[] = {"Ready", "Reconciling", "Stalled"};

    if (!status_is_news(resource->status, change))
        return;
    /* What stalls is often a refused value, repeated in the message: it stays out of the log. */
    log_info("the state changed", "function", resource->key, "state", phases[change->phase], "reason",
             change->reason, "message", change->phase == STATUS_RECONCILING ? change->message : NULL);
}

int resource_set_status(struct resource *resource, struct kube *kube, const struct status_change *change,
                        struct err *err)
{
    char now[CLOCK_TEXT_SIZE];

    clock_rfc3339(clock_wall_s(), now);
    _cleanup_(json_freep) struct json *status = status_make(resource->status, change, now);

    if (!status_differs(resource->status, status))
        return 0;
    _cleanup_(json_freep) struct json *body = status_patch(resource->metadata, resource->version, status);
    int r = patch(resource, kube, "/status?" FIELD_MANAGER "&force=true", KUBE_APPLY, body, err);

    if (r < 0)
        return err_wrap(err, "writing the status");
    log_change(resource, change);
    json_free(resource->status);
    resource->status = take(status);
    return 0;
}

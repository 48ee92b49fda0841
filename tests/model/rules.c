/* The rules. Each complains to the world. */
#include "tests/model/rules.h"

#include "common/base/mem.h"
#include "controller/status.h"
#include "tests/model/declared.h"

#include <stdio.h>

/* Many times what is usual; a loop would exceed it. */
enum { WRITES_MAX = 100, WRITES_PER_ACTION = 5 };

static bool is_retained(const struct json *spec)
{
    return str_equal(json_str_at(spec, "deletionPolicy"), "Retain") ||
           json_is_true(json_get(spec, "suspend"));
}

static bool adopts(const struct json *spec)
{
    return str_equal(json_str_at(spec, "adoptionPolicy"), "Adopt");
}

static bool reports(const struct json *spec)
{
    return str_equal(json_str_at(spec, "driftPolicy"), "Report");
}

/* "cluster/n/a"; the caller frees. */
static char *owner_of(const struct json *object)
{
    return xasprintf(CLUSTER_ID "/n/%s", json_str_at(object, "metadata.name"));
}

static bool is_deleting(const struct json *object)
{
    return json_at(object, "metadata.deletionTimestamp") != NULL;
}

const char *rules_reason(const struct json *object)
{
    const char *reason = status_reason(json_get(object, "status"));

    return reason ? reason : "";
}

/* --- at any time ---------------------------------------------------------------------------- */

static const char *name_in(const struct cloud_request *request)
{
    bool creates = str_equal(request->operation, "CreateFunction");

    return creates ? json_str_at(request->body, "FunctionName") : request->name;
}

/* Nobody's function is touched before it is taken over, and somebody else's never. What happened since we
 * looked we cannot know. */
static void judge_owner(struct world *world, const struct replica *replica,
                        const struct cloud_request *request, const struct cloud_function *function)
{
    const struct work *work = replica->current;
    _cleanup_(freep) char *ours = owner_of(work->given);
    const char *owner = cloud_owner(function);
    bool takes_over =
        !owner && adopts(json_get(work->given, "spec")) && str_equal(request->operation, "TagResource");

    if (!str_equal(owner, ours) && !takes_over && !work->blurred && work->meddled == function->meddled)
        world_complain(world, "%s of a function that is %s's", request->operation, owner ? owner : "nobody");
}

/* What somebody changed since we looked must not be built on. */
static void judge_revision(struct world *world, const struct work *work, const struct cloud_request *request,
                           const struct cloud_function *function)
{
    static const char *const guarded[] = {"UpdateFunctionCode", "UpdateFunctionConfiguration",
                                          "PublishVersion"};
    bool changed = !str_equal(work->revision, json_str_at(function->shown, "Configuration.RevisionId"));

    for (size_t i = 0; i < ARRAY_LEN(guarded) && changed; i++)
        if (str_equal(request->operation, guarded[i]) && !json_get(request->body, "RevisionId"))
            world_complain(world, "%s of a function that was changed since the look", request->operation);
}

static void judge_deletion(struct world *world, const struct replica *replica,
                           const struct cloud_function *function)
{
    const struct work *work = replica->current;
    const struct json *object = world->api.objects[work - replica->works];
    const struct json *spec = json_get(work->given, "spec");
    bool failed = str_equal(json_str_at(function->shown, "Configuration.State"), "Failed");

    if (is_deleting(work->given) && is_retained(spec))
        world_complain(world, "a function that is to be retained is deleted");
    /* A read that lags may show the failed one that was there before under the name. */
    if (!is_deleting(work->given) &&
        ((!failed && !work->blurred) || json_at(object, "status.appliedGeneration")))
        world_complain(world, "a function is deleted although it is declared and was in force");
}

void rules_at_write(struct world *world, const struct replica *replica, const struct cloud_request *request)
{
    const struct work *work = replica->current;
    const struct cloud_function *function = cloud_find(&world->cloud, name_in(request));

    world->writes++;
    if (world->now_ms >= replica->until_ms)
        world_complain(world, "%s after the lead was over", request->operation);
    if (!is_deleting(work->given) && json_is_true(json_at(work->given, "spec.suspend")))
        world_complain(world, "%s although the resource is suspended", request->operation);
    if (is_deleting(work->given) && str_equal(request->operation, "CreateFunction"))
        world_complain(world, "a function is created for a resource that is being deleted");
    if (!function || str_equal(request->operation, "CreateFunction"))
        return;
    judge_owner(world, replica, request, function);
    judge_revision(world, work, request, function);
    if (str_equal(request->operation, "DeleteFunction") && !request->item)
        judge_deletion(world, replica, function);
}

void rules_after_call(struct world *world, struct replica *replica, const struct cloud_request *request)
{
    const char *name = name_in(request);
    struct cloud_function *function = &world->cloud.functions[*name - 'f'];
    struct work *work = replica->current;

    if (str_equal(request->operation, "GetFunction")) {
        work->meddled = function->meddled;
        free(work->revision);
        work->revision = xstrdup(json_str_at(function->shown, "Configuration.RevisionId"));
    }
    if (str_equal(request->operation, "ListAliases"))
        work->listed = function->meddled;
    work->blurred |= function->served_stale;
    function->served_stale = false;
}

/* One that is left behind with our tag, because AWS refused to take it off, is a warning of ours. */
static void note_retained(struct world *world, size_t which)
{
    const struct json *spec = json_get(world->api.gone[which], "spec");
    struct cloud_function *function = cloud_find(&world->cloud, json_str_at(spec, "functionName"));

    _cleanup_(freep) char *owner = owner_of(world->api.gone[which]);

    if (function && is_retained(spec) && str_equal(cloud_owner(function), owner))
        function->retained = true;
}

/* Ready is said only of what is so, as far as it was looked at. */
void rules_after_patch(struct world *world, const struct replica *replica, size_t which)
{
    const struct json *object = world->api.objects[which], *status = json_get(object, "status");
    const char *function_name = json_str_at(object, "spec.functionName");
    const struct work *work = replica->current;
    _cleanup_(str_done) struct str wrong = STR_INIT(4096);

    if (!object)
        note_retained(world, which);
    if (!object || !status_is(status, "Ready", json_int_at(object, "metadata.generation", 0)) ||
        status_drift(status))
        return;
    const struct cloud_function *place = &world->cloud.functions[*function_name - 'f'],
                                *function = cloud_find(&world->cloud, function_name);

    if (work->blurred || work->meddled != place->meddled || work->listed < place->moved)
        return;
    if (function)
        declared_compare(json_get(object, "spec"), function, &wrong);
    else
        str_add(&wrong, "there is no function");
    if (wrong.len)
        world_complain(world, "Ready is said, but %s", str_text(&wrong));
}

/* --- in the end ----------------------------------------------------------------------------- */

static bool is_stalled(const struct json *object, const char *reason)
{
    return status_is(json_get(object, "status"), "Stalled", json_int_at(object, "metadata.generation", 0)) &&
           (!reason || str_equal(rules_reason(object), reason));
}

static void expect_stalled(struct world *world, const struct json *object, const char *reason)
{
    if (!is_stalled(object, reason))
        world_complain(world, "%s is %s in the end and not Stalled: %s", json_str_at(object, "metadata.name"),
                       rules_reason(object), reason ? reason : "for whatever reason");
}

static void expect_ready(struct world *world, const struct json *object,
                         const struct cloud_function *function)
{
    const char *name = json_str_at(object, "metadata.name");
    const struct json *spec = json_get(object, "spec"), *status = json_get(object, "status");
    _cleanup_(str_done) struct str wrong = STR_INIT(4096);

    if (!status_is(status, "Ready", json_int_at(object, "metadata.generation", 0)))
        world_complain(world, "%s is %s in the end and not Ready", name, rules_reason(object));
    if (reports(spec) && function->meddled > 0)
        return;
    declared_compare(spec, function, &wrong);
    _cleanup_(freep) char *content = cloud_content(&world->cloud, json_str_at(spec, "code.s3Key"));

    if (world->cloud.tells_sha256 && json_is_true(json_at(spec, "code.follow")) &&
        !str_equal(json_str_at(function->shown, "Configuration.CodeSha256"), content))
        str_addf(&wrong, "%s was overwritten and is not deployed", json_str_at(spec, "code.s3Key"));
    if (wrong.len)
        world_complain(world, "%s in the end: %s", name, str_text(&wrong));
}

static void judge_resource(struct world *world, const struct json *object)
{
    const struct json *spec = json_get(object, "spec");
    const char *function_name = json_str_at(spec, "functionName");
    const struct cloud_function *function = cloud_find(&world->cloud, function_name),
                                *place = &world->cloud.functions[*function_name - 'f'];
    _cleanup_(freep) char *ours = owner_of(object);
    const char *owner = function ? cloud_owner(function) : NULL;

    if (is_deleting(object))
        world_complain(world, "%s is still there in the end", json_str_at(object, "metadata.name"));
    else if (json_is_true(json_get(spec, "suspend")))
        return;
    else if (!function && reports(spec) && place->meddled > 0)
        expect_stalled(world, object, "FunctionGone");
    else if (!function)
        world_complain(world, "the function %s is missing in the end", function_name);
    else if (owner && !str_equal(owner, ours))
        expect_stalled(world, object, "OwnedByAnother");
    else if (!owner && !adopts(spec))
        expect_stalled(world, object, "AlreadyExists");
    else if (str_equal(json_str_at(function->shown, "Configuration.State"), "Failed"))
        expect_stalled(world, object, reports(spec) ? NULL : "FunctionFailed");
    else
        expect_ready(world, object, function);
}

static void judge_orphan(struct world *world, const char *function_name,
                         const struct cloud_function *function)
{
    const char *owner = cloud_owner(function);

    if (!owner || !str_starts_with(owner, CLUSTER_ID "/n/"))
        return;
    size_t which = (size_t)(owner[strlen(CLUSTER_ID "/n/")] - 'a');
    const struct json *object = world->api.objects[which];

    if (!str_equal(json_str_at(object, "spec.functionName"), function_name) && !function->retained)
        world_complain(world, "the function %s is left behind, and its owner %s is gone", function_name,
                       owner);
}

static void judge_versions(struct world *world, const struct cloud_function *function)
{
    for (const struct json *a = json_first(function->versions); a; a = json_next(a))
        for (const struct json *b = json_next(a); b; b = json_next(b))
            if (json_equal(json_get(a, "Description"), json_get(b, "Description")) &&
                json_equal(json_get(a, "CodeSha256"), json_get(b, "CodeSha256")) &&
                json_equal(json_get(a, "ConfigSha256"), json_get(b, "ConfigSha256")))
                world_complain(world, "the versions %s and %s are the same", json_str_at(a, "Version"),
                               json_str_at(b, "Version"));
}

void rules_at_end(struct world *world)
{
    size_t most = WRITES_MAX + WRITES_PER_ACTION * world->schedule->count;

    if (world->writes > most || world->api.status_writes > most)
        world_complain(world, "AWS was written to %u times, the status %u times", world->writes,
                       world->api.status_writes);
    for (size_t i = 0; i < RESOURCES; i++)
        if (world->api.objects[i])
            judge_resource(world, world->api.objects[i]);
    for (size_t i = 0; i < FUNCTIONS; i++) {
        const char name[] = {(char)('f' + (char)i), '\0'};
        const struct cloud_function *function = cloud_find(&world->cloud, name);

        if (!function)
            continue;
        judge_orphan(world, name, function);
        judge_versions(world, function);
    }
}

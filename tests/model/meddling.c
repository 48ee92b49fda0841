/* What somebody else does in AWS, past the controller. */
#include "common/base/mem.h"
#include "common/function/plan.h"
#include "tests/model/cloud.h"

static void touch(struct cloud_function *function, const char *path)
{
    json_append(function->touched, json_new_string(path));
}

static void set(struct cloud *cloud, struct cloud_function *function, const char *path, struct json *value)
{
    json_set_at(function->shown, path, value);
    touch(function, path);
    cloud_note_change(cloud, function, false);
}

static void create(struct cloud *cloud, const char *name)
{
    _cleanup_(json_freep) struct json *body = json_new_object(), *answer = NULL;
    const struct cloud_request request = {.operation = "CreateFunction", .body = body};

    json_set_str(body, "FunctionName", name);
    json_set_str(body, "Handler", "theirs.handler");
    json_set(body, "MemorySize", json_new_int(1024));
    json_set_str(body, "Description", "somebody's");
    json_set_at(body, "Code.S3Key", json_new_string("a.zip"));
    if (cloud_serve(cloud, &request, &answer) != 201)
        return;
    touch(cloud_find(cloud, name), "Configuration.MemorySize");
    touch(cloud_find(cloud, name), "Configuration.Description");
}

static void remove_function(struct cloud *cloud, const char *name)
{
    _cleanup_(json_freep) struct json *answer = NULL;
    const struct cloud_request request = {.operation = "DeleteFunction", .name = name};

    (void)cloud_serve(cloud, &request, &answer);
}

/* All aliases to the oldest version there is. */
static void move_aliases(struct cloud *cloud, struct cloud_function *function)
{
    const char *oldest = json_str_at(json_first(function->versions), "Version");
    struct json *moved = json_new_array();

    for (const struct json *alias = json_first(function->aliases); alias; alias = json_next(alias)) {
        struct json *copy = json_copy(alias);
        _cleanup_(freep) char *revision = xasprintf("revision-%u", ++cloud->revisions);

        json_set_str(copy, "FunctionVersion", oldest);
        json_set_str(copy, "RevisionId", revision);
        json_append(moved, copy);
    }
    json_free(function->aliases);
    function->aliases = moved;
    function->moved = function->meddled;
    cloud->changes++;
}

static void change(struct cloud *cloud, struct cloud_function *function, const struct action *action)
{
    struct json *tags = json_make_object(function->shown, "Tags");
    _cleanup_(freep) char *content = xasprintf("somebody's/%u", cloud->changes);

    switch ((int)action->kind) {
    case SOMEBODY_CONFIGURES:
        set(cloud, function, "Configuration.MemorySize", json_new_int(1024));
        set(cloud, function, "Configuration.Description", json_new_string("somebody's"));
        break;
    case SOMEBODY_DEPLOYS:
        set(cloud, function, "Configuration.CodeSha256", json_new_string(content));
        break;
    case SOMEBODY_TAKES_TAG:
        json_set(tags, PLAN_OWNER_TAG, NULL);
        cloud->changes++;
        break;
    case SOMEBODY_TAKES_OVER:
        json_set_str(tags, PLAN_OWNER_TAG, "another/n/a");
        cloud->changes++;
        break;
    case SOMEBODY_SETS_TAG:
        json_set_str(tags, action->value ? "team" : "theirs", "somebody's");
        touch(function, action->value ? "Tags.team" : "Tags.theirs");
        cloud->changes++;
        break;
    case SOMEBODY_RESERVES:
        set(cloud, function, "Concurrency.ReservedConcurrentExecutions", json_new_int(99));
        break;
    case SOMEBODY_BREAKS:
        function->broken = true;
        set(cloud, function, "Configuration.State", json_new_string("Failed"));
        break;
    case SOMEBODY_MOVES_ALIAS:
        move_aliases(cloud, function);
        break;
    default:
        break;
    }
}

void cloud_meddle(struct cloud *cloud, const struct action *action)
{
    const char name[] = {(char)('f' + (char)action->which), '\0'};

    if (action->kind == SOMEBODY_OVERWRITES) {
        cloud->contents[action->which]++;
        return;
    }
    struct cloud_function *place = &cloud->functions[action->which], *function = cloud_find(cloud, name);

    if (function && function->settles_ms)
        return; /* AWS would refuse */
    place->meddled++;
    if (action->kind == SOMEBODY_CREATES && !function)
        create(cloud, name);
    else if (action->kind == SOMEBODY_DELETES && function)
        remove_function(cloud, name);
    else if (function)
        change(cloud, function, action);
}

/* The model of AWS: functions, their states and tags. */
#include "tests/model/cloud.h"

#include "common/base/mem.h"
#include "common/function/plan.h"

#include <stdio.h>

static void function_clear(struct cloud_function *function)
{
    json_free(take(function->shown));
    json_free(take(function->invoke));
    json_free(take(function->versions));
    json_free(take(function->aliases));
    json_free(take(function->revert));
    json_free(take(function->touched));
}

void cloud_done(struct cloud *cloud)
{
    for (size_t i = 0; i < FUNCTIONS; i++) {
        function_clear(&cloud->functions[i]);
        json_free(cloud->functions[i].before);
    }
}

/* --- looking -------------------------------------------------------------------------------- */

static struct cloud_function *slot(struct cloud *cloud, const char *name)
{
    return name && *name >= 'f' && *name < 'f' + FUNCTIONS && !name[1] ? &cloud->functions[*name - 'f']
                                                                       : NULL;
}

static const struct json *configuration(const struct cloud_function *function)
{
    return json_get(function->shown, "Configuration");
}

static void new_revision(struct cloud *cloud, struct cloud_function *function)
{
    _cleanup_(freep) char *revision = xasprintf("revision-%u", ++cloud->revisions);

    json_set_str(json_make_object(function->shown, "Configuration"), "RevisionId", revision);
}

/* What is under way ends, well or not. */
static void settle(struct cloud *cloud, struct cloud_function *function)
{
    if (!function->shown || !function->settles_ms || cloud->now_ms < function->settles_ms)
        return;
    bool pending = str_equal(json_str_at(configuration(function), "State"), "Pending");
    bool fails =
        str_equal(json_str_at(configuration(function), "State"), "Failed") || /* which no update revives */
        (pending && function->settles_ms <= cloud->fails_creations_until_ms);

    function->settles_ms = 0;
    if (function->revert) {
        json_set(function->shown, "Configuration", take(function->revert));
        json_set_str(json_make_object(function->shown, "Configuration"), "LastUpdateStatus", "Failed");
    } else {
        struct json *made = json_make_object(function->shown, "Configuration");

        json_set_str(made, "State", fails ? "Failed" : "Active");
        json_set_str(made, "LastUpdateStatus", fails ? "Failed" : "Successful");
    }
    new_revision(cloud, function);
}

struct cloud_function *cloud_find(struct cloud *cloud, const char *name)
{
    struct cloud_function *function = slot(cloud, name);

    if (!function || !function->shown)
        return NULL;
    settle(cloud, function);
    return function;
}

const char *cloud_owner(const struct cloud_function *function)
{
    return json_str(json_get(json_get(function->shown, "Tags"), PLAN_OWNER_TAG));
}

char *cloud_content(const struct cloud *cloud, const char *key)
{
    return xasprintf("%s/%u", key, cloud->contents[*key - 'a']);
}

static bool busy(const struct cloud_function *function)
{
    return function->settles_ms != 0;
}

/* --- answering ------------------------------------------------------------------------------ */

int cloud_refuse(struct json **ret_answer, int status, const char *code, const char *message)
{
    struct json *answer = json_new_object();

    json_set_str(answer, "__type", code);
    json_set_str(answer, "message", message);
    json_free(*ret_answer);
    *ret_answer = answer;
    return status;
}

static int not_found(struct json **ret_answer)
{
    return cloud_refuse(ret_answer, 404, "ResourceNotFoundException", "Function not found");
}

static int in_progress(struct json **ret_answer)
{
    return cloud_refuse(
        ret_answer, 409, "ResourceConflictException",
        "The operation cannot be performed at this time. An update is in progress for resource");
}

static int role_refused(struct json **ret_answer)
{
    return cloud_refuse(ret_answer, 400, "InvalidParameterValueException",
                        "The role defined for the function cannot be assumed by Lambda.");
}

void cloud_merge(struct json *into, const struct json *from)
{
    for (const struct json *item = json_first(from); item; item = json_next(item))
        json_set(into, json_key(item), json_copy(item));
}

/* --- changing ------------------------------------------------------------------------------- */

/* Reads go on to show what was, for as long as AWS lags. */
static void remember(const struct cloud *cloud, struct cloud_function *function)
{
    if (cloud->now_ms >= cloud->lags_until_ms || cloud->now_ms < function->before_until_ms)
        return;
    json_free(function->before);
    function->before = function->shown ? json_copy(function->shown) : NULL;
    function->before_until_ms = cloud->now_ms + cloud->lag_ms;
}

/* What of the configuration a version is made of, as one text that stands for its hash. */
static void sum_up(struct cloud_function *function)
{
    static const char *const members[] = {"Handler", "MemorySize", "Timeout", "Description", "Environment"};
    _cleanup_(json_freep) struct json *parts = json_new_array();

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const struct json *member = json_get(configuration(function), members[i]);

        json_append(parts, member ? json_copy(member) : json_new_object());
    }
    _cleanup_(freep) char *text = json_text(parts);

    json_set_str(json_make_object(function->shown, "Configuration"), "ConfigSha256", text);
}

void cloud_note_change(struct cloud *cloud, struct cloud_function *function, bool settles)
{
    cloud->changes++;
    if (!function->shown)
        return;
    sum_up(function);
    if (settles) {
        function->settles_ms = cloud->update_ms > 0 ? cloud->now_ms + cloud->update_ms : 0;
        json_set_str(json_make_object(function->shown, "Configuration"), "LastUpdateStatus",
                     cloud->update_ms > 0 ? "InProgress" : "Successful");
    }
    new_revision(cloud, function);
}

static void set_code(const struct cloud *cloud, struct json *configuration_of, const char *key)
{
    _cleanup_(freep) char *content = cloud_content(cloud, key);

    json_set_str(configuration_of, "CodeSha256", content);
}

static int create(struct cloud *cloud, const struct cloud_request *request, struct json **ret_answer)
{
    static const char *const kept[] = {"FunctionName", "Handler",     "MemorySize", "Timeout",
                                       "Description",  "Environment", "Role",       "Runtime"};
    const char *name = json_str_at(request->body, "FunctionName");
    struct cloud_function *function = slot(cloud, name);

    if (function->shown)
        return cloud_refuse(ret_answer, 409, "ResourceConflictException", "Function already exist");
    if (cloud->now_ms < cloud->refuses_role_until_ms)
        return role_refused(ret_answer);
    remember(cloud, function);
    unsigned meddled = function->meddled;
    struct json *before = function->before;

    *function = (struct cloud_function){.shown = json_new_object(),
                                        .before = before,
                                        .before_until_ms = function->before_until_ms,
                                        .versions = json_new_array(),
                                        .aliases = json_new_array(),
                                        .touched = json_new_array(),
                                        .next_version = 1,
                                        .meddled = meddled};
    struct json *made = json_make_object(function->shown, "Configuration");
    _cleanup_(freep) char *arn = xasprintf("arn:aws:lambda:us-east-1:123456789012:function:%s", name);

    json_set(made, "MemorySize", json_new_int(128));
    json_set(made, "Timeout", json_new_int(3));
    json_set_str(made, "Description", "");
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_get(request->body, kept[i]))
            json_set(made, kept[i], json_copy(json_get(request->body, kept[i])));
    json_set_str(made, "FunctionArn", arn);
    json_set_str(made, "Version", "$LATEST");
    set_code(cloud, made, json_str_at(request->body, "Code.S3Key"));
    json_set_str(made, "State", cloud->create_ms > 0 ? "Pending" : "Active");
    if (cloud->create_ms > 0)
        function->settles_ms = cloud->now_ms + cloud->create_ms;
    else
        json_set_str(made, "LastUpdateStatus", "Successful");
    if (json_get(request->body, "Tags"))
        json_set(function->shown, "Tags", json_copy(json_get(request->body, "Tags")));
    cloud_note_change(cloud, function, false);
    *ret_answer = json_copy(made);
    return 201;
}

static int get(struct cloud *cloud, struct cloud_function *function, struct json **ret_answer)
{
    const struct json *shown = function->shown;

    if (cloud->now_ms < function->before_until_ms) {
        shown = function->before;
        function->served_stale = true;
    }
    if (!shown)
        return not_found(ret_answer);
    *ret_answer = json_copy(shown);
    return 200;
}

/* Of both updates. */
static int update(struct cloud *cloud, struct cloud_function *function, const struct cloud_request *request,
                  struct json **ret_answer)
{
    const char *revision = json_str_at(request->body, "RevisionId"),
               *key = json_str_at(request->body, "S3Key");
    struct json *made = json_make_object(function->shown, "Configuration");

    if (busy(function))
        return in_progress(ret_answer);
    if (str_equal(json_str_at(made, "State"), "Failed") && !function->broken)
        return cloud_refuse(ret_answer, 409, "ResourceConflictException",
                            "The function is currently in the following state: Failed");
    if (revision && !str_equal(revision, json_str_at(made, "RevisionId")))
        return cloud_refuse(ret_answer, 412, "PreconditionFailedException",
                            "The RevisionId is not the latest");
    if (!key && cloud->now_ms < cloud->refuses_role_until_ms)
        return role_refused(ret_answer);
    remember(cloud, function);
    if (function->broken)
        json_set_str(made, "State", "Active");
    function->broken = false;
    if (!key && cloud->now_ms < cloud->ignores_updates_until_ms) {
        *ret_answer = json_copy(made);
        return 200;
    }
    if (cloud->now_ms < cloud->fails_updates_until_ms && cloud->update_ms > 0)
        function->revert = json_copy(made);
    if (key) {
        set_code(cloud, made, key);
    } else {
        cloud_merge(made, request->body);
        if (json_size(json_at(made, "Environment.Variables")) == 0)
            json_set(made, "Environment", NULL);
    }
    cloud_note_change(cloud, function, true);
    *ret_answer = json_copy(made);
    return 200;
}

static int remove_function(struct cloud *cloud, struct cloud_function *function, struct json **ret_answer)
{
    if (busy(function) && !str_equal(json_str_at(configuration(function), "State"), "Pending"))
        return in_progress(ret_answer);
    remember(cloud, function);
    function_clear(function);
    function->settles_ms = 0;
    cloud_note_change(cloud, function, false);
    return 204;
}

static int tag(struct cloud *cloud, struct cloud_function *function, const struct cloud_request *request)
{
    struct json *tags = json_make_object(function->shown, "Tags");

    remember(cloud, function);
    function->inherited |=
        json_at(request->body, "Tags") && json_get(json_get(request->body, "Tags"), PLAN_OWNER_TAG);
    cloud_merge(tags, json_get(request->body, "Tags"));
    for (size_t i = 0; i < request->query_count; i++)
        json_set(tags, request->query[i].value, NULL);
    cloud->changes++;
    return 204;
}

static int serve_invoke(struct cloud *cloud, struct cloud_function *function,
                        const struct cloud_request *request, struct json **ret_answer)
{
    bool puts = request->body != NULL;

    if (cloud_writes(request->operation)) {
        json_free(take(function->invoke));
        function->invoke = puts ? json_copy(request->body) : NULL;
        cloud->changes++;
    }
    if (!puts && cloud_writes(request->operation))
        return 204;
    if (!function->invoke)
        return not_found(ret_answer);
    *ret_answer = json_copy(function->invoke);
    return 200;
}

static int reserve(struct cloud *cloud, struct cloud_function *function, const struct cloud_request *request,
                   struct json **ret_answer)
{
    remember(cloud, function);
    json_set(function->shown, "Concurrency", request->body ? json_copy(request->body) : NULL);
    cloud->changes++;
    if (!request->body)
        return 204;
    *ret_answer = json_copy(request->body);
    return 200;
}

bool cloud_writes(const char *operation)
{
    return !str_starts_with(operation, "Get") && !str_starts_with(operation, "List");
}

int cloud_serve(struct cloud *cloud, const struct cloud_request *request, struct json **ret_answer)
{
    const char *operation = request->operation;

    *ret_answer = NULL;
    if (str_equal(operation, "CreateFunction"))
        return create(cloud, request, ret_answer);
    struct cloud_function *function = cloud_find(cloud, request->name), *place = slot(cloud, request->name);

    if (str_equal(operation, "GetFunction") && !request->item && place)
        return get(cloud, place, ret_answer);
    if (!function)
        return not_found(ret_answer);
    if (str_equal(operation, "UpdateFunctionCode") || str_equal(operation, "UpdateFunctionConfiguration"))
        return update(cloud, function, request, ret_answer);
    if (str_equal(operation, "DeleteFunction") && !request->item)
        return remove_function(cloud, function, ret_answer);
    if (str_equal(operation, "TagResource") || str_equal(operation, "UntagResource"))
        return tag(cloud, function, request);
    if (strstr(operation, "EventInvokeConfig"))
        return serve_invoke(cloud, function, request, ret_answer);
    if (strstr(operation, "FunctionConcurrency"))
        return reserve(cloud, function, request, ret_answer);
    return cloud_serve_versions(cloud, function, request, ret_answer);
}

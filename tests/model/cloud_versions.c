/* The model of AWS: versions and aliases. */
#include "common/base/mem.h"
#include "tests/model/cloud.h"

static const struct json *find(const struct json *list, const char *member, const char *name)
{
    const struct json *item = json_first(list);

    while (item && !str_equal(json_str_at(item, member), name))
        item = json_next(item);
    return item;
}

/* The list without that item; the caller frees. */
static struct json *without(const struct json *list, const char *member, const char *name)
{
    struct json *rest = json_new_array();

    for (const struct json *item = json_first(list); item; item = json_next(item))
        if (!str_equal(json_str_at(item, member), name))
            json_append(rest, json_copy(item));
    return rest;
}

static void replace(struct json **list, struct json *with)
{
    json_free(*list);
    *list = with;
}

static const struct json *last(const struct json *list)
{
    const struct json *item = json_first(list);

    while (json_next(item))
        item = json_next(item);
    return item;
}

/* A version is made only of what changed since the last one. */
static int publish(struct cloud *cloud, struct cloud_function *function, const struct cloud_request *request,
                   struct json **ret_answer)
{
    const struct json *from = json_get(function->shown, "Configuration"), *newest = last(function->versions);
    const char *revision = json_str_at(request->body, "RevisionId"),
               *sha256 = json_str_at(request->body, "CodeSha256");

    if (function->settles_ms)
        return cloud_refuse(ret_answer, 409, "ResourceConflictException", "An update is in progress");
    if (revision && !str_equal(revision, json_str_at(from, "RevisionId")))
        return cloud_refuse(ret_answer, 412, "PreconditionFailedException",
                            "The RevisionId is not the latest");
    if (sha256 && !str_equal(sha256, json_str_at(from, "CodeSha256")))
        return cloud_refuse(ret_answer, 400, "InvalidParameterValueException", "CodeSHA256 is different");
    if (!newest || !str_equal(json_str_at(newest, "CodeSha256"), json_str_at(from, "CodeSha256")) ||
        !str_equal(json_str_at(newest, "ConfigSha256"), json_str_at(from, "ConfigSha256"))) {
        struct json *version = json_copy(from);
        _cleanup_(freep) char *number = xasprintf("%lld", (long long)function->next_version++);

        json_set_str(version, "Version", number);
        if (json_get(request->body, "Description"))
            json_set(version, "Description", json_copy(json_get(request->body, "Description")));
        json_append(function->versions, version);
        cloud->changes++;
        newest = version;
    }
    *ret_answer = json_copy(newest);
    return 201;
}

static int remove_version(struct cloud *cloud, struct cloud_function *function, const char *number,
                          struct json **ret_answer)
{
    if (find(function->aliases, "FunctionVersion", number))
        return cloud_refuse(ret_answer, 409, "ResourceConflictException", "aliases reference it");
    replace(&function->versions, without(function->versions, "Version", number));
    cloud->changes++;
    return 204;
}

/* CreateAlias or UpdateAlias. */
static int put_alias(struct cloud *cloud, struct cloud_function *function,
                     const struct cloud_request *request, struct json **ret_answer)
{
    const char *name = request->item ? request->item : json_str_at(request->body, "Name");
    const struct json *have = find(function->aliases, "Name", name);
    const char *version = json_str_at(request->body, "FunctionVersion"),
               *revision = json_str_at(request->body, "RevisionId");

    if (request->item && !have)
        return cloud_refuse(ret_answer, 404, "ResourceNotFoundException", "Alias not found");
    if (!request->item && have)
        return cloud_refuse(ret_answer, 409, "ResourceConflictException", "Alias already exists");
    if (version && !find(function->versions, "Version", version))
        return cloud_refuse(ret_answer, 404, "ResourceNotFoundException", "Version not found");
    if (revision && !str_equal(revision, json_str_at(have, "RevisionId")))
        return cloud_refuse(ret_answer, 412, "PreconditionFailedException",
                            "The RevisionId is not the latest");
    struct json *alias = have ? json_copy(have) : json_new_object();
    _cleanup_(freep) char *next = xasprintf("revision-%u", ++cloud->revisions);

    cloud_merge(alias, request->body);
    json_set_str(alias, "Name", name);
    json_set_str(alias, "RevisionId", next);
    replace(&function->aliases, without(function->aliases, "Name", name));
    json_append(function->aliases, alias);
    cloud->changes++;
    *ret_answer = json_copy(alias);
    return request->item ? 200 : 201;
}

static int list(const char *member, const struct json *items, struct json **ret_answer)
{
    *ret_answer = json_new_object();
    json_set(*ret_answer, member, json_copy(items));
    return 200;
}

int cloud_serve_versions(struct cloud *cloud, struct cloud_function *function,
                         const struct cloud_request *request, struct json **ret_answer)
{
    const char *operation = request->operation;

    if (str_equal(operation, "PublishVersion"))
        return publish(cloud, function, request, ret_answer);
    if (str_equal(operation, "DeleteFunction"))
        return remove_version(cloud, function, request->item, ret_answer);
    if (str_equal(operation, "ListVersionsByFunction"))
        return list("Versions", function->versions, ret_answer);
    if (str_equal(operation, "ListAliases"))
        return list("Aliases", function->aliases, ret_answer);
    if (str_equal(operation, "CreateAlias") || str_equal(operation, "UpdateAlias"))
        return put_alias(cloud, function, request, ret_answer);
    if (str_equal(operation, "DeleteAlias")) {
        replace(&function->aliases, without(function->aliases, "Name", request->item));
        cloud->changes++;
        return 204;
    }
    return cloud_refuse(ret_answer, 400, "ValidationException", "the model does not know the operation");
}

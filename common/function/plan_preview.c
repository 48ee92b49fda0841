/* From a spec to what AWS would show of it: the way back of plan_values.c. Pure. */
#include "common/base/mem.h"
#include "common/function/plan_attached.h"
#include "common/function/plan_parts.h"
#include "common/function/versions.h"

/* A list of texts as the objects in which the answer shows them. Takes the list over. */
static struct json *as_objects(const struct field *field, struct json *list)
{
    struct json *objects = json_new_array();

    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        struct json *object = json_new_object();

        json_set(object, field->observed_item, json_copy(item));
        json_append(objects, object);
    }
    json_free(list);
    return objects;
}

struct json *plan_observed_from(const struct json *spec, const char *owner, const char *code_sha256)
{
    struct json *observed = json_new_object();
    struct json *configuration = json_make_object(observed, "Configuration");

    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];
        struct json *value = field->member && field->type != FIELD_OBJECT && !field->deployed &&
                                     !plan_attached_of(field->call) && field_path_in(field, NULL)
                                 ? value_declared(field, spec)
                                 : NULL;

        if (!value)
            continue;
        _cleanup_(freep) char *path = value_observed_path(field);

        json_set_at(observed, path, field->observed_item ? as_objects(field, value) : value);
    }
    for (size_t i = 0; i < plan_attached_count; i++)
        json_set(observed, plan_attached[i].answer, plan_attached_wanted(&plan_attached[i], spec, owner));
    json_set_str(configuration, "CodeSha256", code_sha256);
    json_set_str(json_make_object(observed, "Tags"), PLAN_OWNER_TAG, owner);
    return observed;
}

/* An alias of the status as ListAliases shows it. */
static struct json *listed_alias(const struct json *alias, const struct json *declared)
{
    struct json *listed = json_new_object();
    const char *additional = json_str_at(alias, "additionalVersion");

    json_set_str(listed, "Name", json_str_at(alias, "name"));
    json_set_str(listed, "FunctionVersion", json_str_at(alias, "version"));
    json_set_str(listed, "Description", json_str_at(declared, "description"));
    if (additional)
        json_set(json_make_object(json_make_object(listed, "RoutingConfig"), "AdditionalVersionWeights"),
                 additional, json_new_number((double)json_int_at(alias, "weight", 0) / 100));
    return listed;
}

/* Those that the history tells of, the oldest first: all of them ours. */
static struct json *listed_versions(const struct json *history)
{
    struct json *versions = json_new_array();

    for (size_t left = json_size(history); left-- > 0;) {
        const struct json *entry = json_first(history);
        struct json *version = json_new_object();

        for (size_t i = 0; i < left; i++)
            entry = json_next(entry);
        json_set_str(version, "Version", json_str_at(entry, "version"));
        json_set_str(version, "Description", VERSION_MARK);
        if (json_get(version, "Version"))
            json_append(versions, version);
        else
            json_free(version);
    }
    return versions;
}

static const struct json *alias_named(const struct json *list, const char *name)
{
    const struct json *alias = json_first(list);

    while (alias && !str_equal(json_str_at(alias, "name"), name))
        alias = json_next(alias);
    return alias;
}

void versions_observed_from(const struct json *spec, const struct json *status, struct json *observed)
{
    const struct json *declared = json_get(spec, "aliases");
    struct json *aliases = json_new_array(), *provisioned = json_make_object(observed, PROVISIONED),
                *invoke = json_make_object(observed, ALIAS_INVOKE);

    json_set(observed, VERSIONS, listed_versions(json_get(status, "history")));
    for (const struct json *alias = json_first(json_get(status, "aliases")); alias; alias = json_next(alias))
        json_append(aliases, listed_alias(alias, alias_named(declared, json_str_at(alias, "name"))));
    json_set(observed, ALIASES, aliases);
    for (const struct json *alias = json_first(declared); alias; alias = json_next(alias)) {
        const char *name = json_str_at(alias, "name");
        const struct json *count = json_get(alias, "provisionedConcurrency");

        if (!name)
            continue;
        if (count)
            json_set(json_make_object(provisioned, name), "RequestedProvisionedConcurrentExecutions",
                     json_copy(count));
        json_set(invoke, name, alias_invoke_body(alias));
    }
}

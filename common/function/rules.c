/* The rules that tie fields together. Each reads only the check it is given; wrong types are reported by
 * the field checks and pass here. Limits and messages: the Lambda API's recorded answers. */
#include "common/function/rules.h"

#include "common/base/mem.h"
#include "common/function/arn.h"
#include "common/function/fields.h"
#include "common/function/rules_attached.h"
#include "common/function/rules_config.h"
#include "common/function/rules_versions.h"
#include "common/function/tag_characters.h"

enum { ENVIRONMENT_MAX_BYTES = 4096 };

/* Has something changed that AWS receives by the calls which a blocked runtime makes fail? */
static bool deploys_something(const struct check *check)
{
    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];

        if ((field->call == CALL_CODE || field->call == CALL_CONFIGURATION) &&
            !json_equal(field_value(field, check->spec), field_value(field, check->old_spec)))
            return true;
    }
    return false;
}

static enum rule_result look_runtime(const struct check *check, struct str *message)
{
    const char *name = json_str_at(check->spec, "runtime");

    if (!name || !*name)
        return RULE_KEPT;
    const struct runtime *runtime = runtime_find(check->runtimes, name);
    bool changed = !str_equal(name, json_str_at(check->old_spec, "runtime"));

    if (runtime && runtime_stage_on(runtime, check->today) == RUNTIME_SUPPORTED)
        return RULE_KEPT;
    const char *instead = runtime_suggestion(check->runtimes, name, check->today);

    if (!runtime) {
        str_add(message, "AWS Lambda has no such runtime; ");
        if (instead)
            str_addf(message, "did you mean %s?", instead);
        else
            runtimes_newest(check->runtimes, check->today, message);
        return changed ? RULE_BROKEN : RULE_WARNING;
    }
    enum rule_result result = RULE_KEPT;

    switch (runtime_stage_on(runtime, check->today)) {
    case RUNTIME_UPDATE_BLOCKED:
        if (changed || deploys_something(check)) {
            str_addf(message, "AWS refuses to create functions with it since %s and to update them since %s",
                     runtime->create_blocked, runtime->update_blocked);
            result = RULE_BROKEN;
        }
        break;
    case RUNTIME_CREATE_BLOCKED:
        if (changed) {
            str_addf(message, "AWS refuses to create functions with it since %s", runtime->create_blocked);
            result = RULE_BROKEN;
            break;
        }
        __attribute__((fallthrough));
    case RUNTIME_DEPRECATED:
        str_addf(message, "deprecated since %s; AWS refuses updates from %s on", runtime->deprecated,
                 runtime->update_blocked);
        result = RULE_WARNING;
        break;
    case RUNTIME_SUPPORTED:
        break;
    }
    if (result != RULE_KEPT && instead)
        str_addf(message, "; use %s", instead);
    return result;
}

static enum rule_result look_environment_size(const struct check *check, struct str *message)
{
    const struct json *variables = json_at(check->spec, "environment.variables");
    _cleanup_(freep) char *text = json_text(variables);
    size_t size = strlen(text);

    if (json_type(variables) != JSON_OBJECT || size <= ENVIRONMENT_MAX_BYTES)
        return RULE_KEPT;
    str_addf(message, "all variables together are %zu bytes as compact JSON; AWS takes at most %d", size,
             ENVIRONMENT_MAX_BYTES);
    return RULE_BROKEN;
}

/* Does environment.valueFrom fill a variable of that name? */
static const struct json *references_name(const struct json *references, const char *name)
{
    for (const struct json *item = json_first(references); item; item = json_next(item))
        if (str_equal(json_str_at(item, "name"), name))
            return item;
    return NULL;
}

static enum rule_result look_environment_references(const struct check *check, struct str *message)
{
    const struct json *variables = field_map("environment.variables", check->spec);
    const struct json *references = field_list("environment.valueFrom", check->spec);
    size_t index = 0;

    for (const struct json *item = json_first(references); item; item = json_next(item), index++) {
        const char *name = json_str_at(item, "name");
        bool secret = json_type(json_get(item, "secretKeyRef")) > JSON_NULL;
        bool config = json_type(json_get(item, "configMapKeyRef")) > JSON_NULL;

        if (secret == config) {
            str_addf(message, "item %zu has %s; write either secretKeyRef or configMapKeyRef", index,
                     secret ? "two sources" : "no source");
            return RULE_BROKEN;
        }
        if (name && references_name(references, name) != item) {
            str_addf(message, "%.256s is there twice; keep one", name);
            return RULE_BROKEN;
        }
        if (name && json_get(variables, name)) {
            str_addf(message, "%.256s is in environment.variables, too; keep one", name);
            return RULE_BROKEN;
        }
    }
    return RULE_KEPT;
}

static enum rule_result look_environment_reserved(const struct check *check, struct str *message)
{
    static const char *const reserved[] = {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_ACCESS_KEY",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_ACCESS_KEY_ID",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_SECRET_ACCESS_KEY",
        "LAMBDA_TASK_ROOT",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_RUNTIME_DIR",
    };
    const struct json *variables = json_at(check->spec, "environment.variables");
    const struct json *references = json_at(check->spec, "environment.valueFrom");

    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (json_get(variables, reserved[i]) || references_name(references, reserved[i]))
            str_addf(message, "%s%s", message->len ? ", " : "these names are reserved by AWS Lambda; remove ",
                     reserved[i]);
    return message->len ? RULE_BROKEN : RULE_KEPT;
}

static enum rule_result look_layers_distinct(const struct check *check, struct str *message)
{
    for (const struct json *a = json_first(field_list("layers", check->spec)); a; a = json_next(a)) {
        const char *first = json_str(a);
        const char *version = first ? strrchr(first, ':') : NULL;

        for (const struct json *b = json_next(a); b && version; b = json_next(b)) {
            const char *second = json_str(b);

            /* The same up to the version: the same layer. */
            if (second && strncmp(first, second, (size_t)(version - first) + 1) == 0 &&
                !strchr(second + (version - first) + 1, ':')) {
                str_addf(message, "%.*s is listed more than once; keep one version of it",
                         (int)(version - first), first);
                return RULE_BROKEN;
            }
        }
    }
    return RULE_KEPT;
}

const char *tag_owner(const char *key)
{
    return strncasecmp(key, "aws:", 4) == 0         ? "aws:, which is AWS's"
           : str_starts_with(key, "kubelambda.io/") ? "kubelambda.io/, which is kubelambda's"
                                                    : NULL;
}

static enum rule_result look_tags_reserved(const struct check *check, struct str *message)
{
    for (const struct json *tag = json_first(json_at(check->spec, "tags")); tag; tag = json_next(tag)) {
        const char *owner = json_key(tag) ? tag_owner(json_key(tag)) : NULL;

        if (owner) {
            str_addf(message, "a key begins with %s; choose another", owner);
            return RULE_BROKEN;
        }
    }
    return RULE_KEPT;
}

static enum rule_result look_tags_characters(const struct check *check, struct str *message)
{
    for (const struct json *tag = json_first(json_at(check->spec, "tags")); tag; tag = json_next(tag)) {
        const char *key = json_key(tag), *value = json_str(tag);
        uint32_t in_key = key ? tag_character_refused(key) : 0;
        uint32_t refused = in_key ? in_key : value ? tag_character_refused(value) : 0;

        if (refused) {
            str_addf(message, "a %s has the character U+%04X; AWS takes " TAG_HINT, in_key ? "key" : "value",
                     refused);
            return RULE_BROKEN;
        }
    }
    return RULE_KEPT;
}

static enum rule_result look_role_account(const struct check *check, struct str *message)
{
    const char *role = json_str_at(check->spec, "role"), *old = json_str_at(check->old_spec, "role");

    if (!role || !old || view_equal(arn_part(role, ARN_PART_ACCOUNT), arn_part(old, ARN_PART_ACCOUNT)))
        return RULE_KEPT;
    struct str_view account = arn_part(old, ARN_PART_ACCOUNT);

    str_addf(message,
             "the function lives in account %.*s, and AWS demands a role of the same; to move it, create "
             "a new LambdaFunction",
             (int)account.len, account.ptr);
    return RULE_BROKEN;
}

const struct rule rules[] = {
    {"runtime-in-service", {"runtime"}, FINDING_UNSUPPORTED, true, look_runtime},
    {"environment-size", {"environment.variables"}, FINDING_TOO_LONG, false, look_environment_size},
    {"environment-references",
     {"environment.valueFrom", "environment.variables"},
     FINDING_INVALID,
     false,
     look_environment_references},
    {"environment-reserved-names",
     {"environment.variables", "environment.valueFrom"},
     FINDING_FORBIDDEN,
     false,
     look_environment_reserved},
    {"layers-one-version-each", {"layers"}, FINDING_INVALID, false, look_layers_distinct},
    {"tags-reserved", {"tags"}, FINDING_FORBIDDEN, false, look_tags_reserved},
    {"tags-characters", {"tags"}, FINDING_INVALID, false, look_tags_characters},
    {"role-account-is-fixed", {"role"}, FINDING_INVALID, true, look_role_account},
    {"image-says-so", {"packageType", "code.imageUri"}, FINDING_REQUIRED, false, look_image_package},
    {"image-in-region", {"code.imageUri", "region"}, FINDING_INVALID, false, look_image_region},
    {"reference-needs-version",
     {"code.s3ObjectVersion", "code.s3ObjectStorageMode"},
     FINDING_REQUIRED,
     false,
     look_reference_version},
    {"custom-runtime-needs-config",
     {"runtimeConfig", "runtime"},
     FINDING_REQUIRED,
     false,
     look_custom_runtime},
    {"subnets-need-security-groups",
     {"vpcConfig.securityGroupIds", "vpcConfig.subnetIds"},
     FINDING_REQUIRED,
     false,
     look_security_groups},
    {"security-groups-need-subnets",
     {"vpcConfig.subnetIds", "vpcConfig.securityGroupIds"},
     FINDING_REQUIRED,
     false,
     look_subnets},
    {"efs-needs-vpc", {"fileSystemConfigs", "vpcConfig.subnetIds"}, FINDING_INVALID, false, look_efs_vpc},
    {"snapstart-runtime",
     {"snapStart.applyOn", "runtime", "packageType"},
     FINDING_INVALID,
     false,
     look_snapstart_runtime},
    {"snapstart-storage",
     {"snapStart.applyOn", "fileSystemConfigs", "ephemeralStorage.size"},
     FINDING_INVALID,
     false,
     look_snapstart_storage},
    {"manual-needs-runtime-version",
     {"runtimeManagement.runtimeVersionArn", "runtimeManagement.updateRuntimeOn"},
     FINDING_REQUIRED,
     false,
     look_runtime_version},
    {"async-invoke-says-something", {"asyncInvoke"}, FINDING_INVALID, false, look_async_invoke},
    {"aliases-distinct", {"aliases"}, FINDING_INVALID, false, look_aliases_distinct},
    {"aliases-need-publishing",
     {"aliases", "versions.publish"},
     FINDING_INVALID,
     false,
     look_alias_publishing},
    {"alias-versions-exist", {"aliases"}, FINDING_NOT_FOUND, false, look_alias_versions},
    {"alias-canary", {"aliases"}, FINDING_INVALID, false, look_alias_canary},
    {"alias-async-invoke-says-something", {"aliases"}, FINDING_INVALID, false, look_alias_invoke},
    {"provisioned-within-reserved",
     {"aliases", "reservedConcurrency"},
     FINDING_INVALID,
     false,
     look_provisioned},
    {"provisioned-without-snapstart",
     {"aliases", "snapStart.applyOn"},
     FINDING_INVALID,
     false,
     look_provisioned_snapstart},
    {"permission-ids", {"permissions"}, FINDING_INVALID, false, look_permission_ids},
    {"permission-conditions", {"permissions"}, FINDING_INVALID, false, look_permission_conditions},
    {"permission-sources", {"permissions"}, FINDING_INVALID, false, look_permission_sources},
    {"event-source-members", {"eventSources"}, FINDING_INVALID, false, look_source_members},
    {"event-source-batches", {"eventSources"}, FINDING_INVALID, false, look_source_batches},
    {"event-sources-distinct", {"eventSources"}, FINDING_INVALID, false, look_sources_distinct},
    {"qualifiers-are-aliases",
     {"aliases", "permissions", "eventSources"},
     FINDING_INVALID,
     false,
     look_qualifiers},
};

const size_t rule_count = ARRAY_LEN(rules);

static bool nothing_changed(const struct rule *rule, const struct check *check)
{
    if (!check->old_spec || rule->judges_change)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(rule->paths) && rule->paths[i]; i++)
        if (!json_equal(json_at(check->spec, rule->paths[i]), json_at(check->old_spec, rule->paths[i])))
            return false;
    return true;
}

void rule_apply(const struct rule *rule, const struct check *check, const char *in, bool unchanged,
                struct findings *findings)
{
    _cleanup_(str_done) struct str message = STR_INIT(900);
    enum rule_result result = rule->look(check, &message);

    if (result == RULE_KEPT)
        return;
    _cleanup_(freep) char *where = xasprintf("%s.%s", in, rule->paths[0]);
    const struct field *field = field_find(rule->paths[0]);
    const char *value = field && !field->secret ? json_str_at(check->spec, rule->paths[0]) : NULL;
    bool warning = result == RULE_WARNING || unchanged || nothing_changed(rule, check);

    findings_add(findings, rule->reason, warning, where, value, "%s", str_text(&message));
}

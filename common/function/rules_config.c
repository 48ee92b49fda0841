/* Predicates for the table of rules: packages, networks, members with a call of their own. Each reads
 * only the check it is given; wrong types are reported by the field checks and pass here. Pure. */
#include "common/function/rules_config.h"

#include "common/base/mem.h"
#include "common/function/fields.h"

enum { SNAPSTART_MB = 512 };

static bool declared(const struct check *check, const char *path)
{
    const struct json *value = json_at(check->spec, path);

    return json_type(value) > JSON_NULL && !str_equal(json_str(value), "");
}

static bool has_items(const struct check *check, const char *path)
{
    const struct json *value = json_at(check->spec, path);

    return json_type(value) == JSON_ARRAY && json_size(value) > 0;
}

/* --- packages ------------------------------------------------------------------------------- */

enum rule_result look_image_package(const struct check *check, struct str *message)
{
    if (!declared(check, "code.imageUri") || declared(check, "packageType"))
        return RULE_KEPT;
    if (check->old_spec && field_packages(check->old_spec) == FOR_ZIP)
        str_add(message, "code.imageUri is declared, but a Zip function cannot become an image; create a new "
                         "LambdaFunction with another functionName");
    else
        str_add(message, "code.imageUri is declared; write packageType: Image");
    return RULE_BROKEN;
}

/* "us-east-1" of "123456789012.dkr.ecr.us-east-1.amazonaws.com/name". Other registries pass. */
enum rule_result look_image_region(const struct check *check, struct str *message)
{
    static const char before[] = ".dkr.ecr.";
    const char *image = json_str_at(check->spec, "code.imageUri"),
               *region = json_str_at(check->spec, "region");
    const char *in = image ? strstr(image, before) : NULL;

    if (!in || !region)
        return RULE_KEPT;
    in += strlen(before);
    size_t len = strcspn(in, "./");

    if (len == strlen(region) && strncmp(in, region, len) == 0)
        return RULE_KEPT;
    str_addf(message, "the image is in %.*s, the function in %s; push it to a repository of that region",
             len > 32 ? 32 : (int)len, in, region);
    return RULE_BROKEN;
}

enum rule_result look_reference_version(const struct check *check, struct str *message)
{
    if (!str_equal(json_str_at(check->spec, "code.s3ObjectStorageMode"), "REFERENCE") ||
        declared(check, "code.s3ObjectVersion"))
        return RULE_KEPT;
    str_add(message, "s3ObjectStorageMode REFERENCE needs the version of the object that runs");
    return RULE_BROKEN;
}

enum rule_result look_custom_runtime(const struct check *check, struct str *message)
{
    if (!str_equal(json_str_at(check->spec, "runtime"), "custom") || declared(check, "runtimeConfig"))
        return RULE_KEPT;
    str_add(message, "the runtime custom needs runtimeArn and runtimeAlias here; or write another runtime");
    return RULE_BROKEN;
}

/* --- networks and file systems --------------------------------------------------------------- */

enum rule_result look_security_groups(const struct check *check, struct str *message)
{
    if (!has_items(check, "vpcConfig.subnetIds") || has_items(check, "vpcConfig.securityGroupIds"))
        return RULE_KEPT;
    str_add(message, "subnets need at least one security group; add it, or write [] for both");
    return RULE_BROKEN;
}

enum rule_result look_subnets(const struct check *check, struct str *message)
{
    if (!has_items(check, "vpcConfig.securityGroupIds") || has_items(check, "vpcConfig.subnetIds"))
        return RULE_KEPT;
    str_add(message, "security groups need at least one subnet; add it, or write [] for both");
    return RULE_BROKEN;
}

static bool mounts_efs(const struct check *check)
{
    for (const struct json *item = json_first(json_at(check->spec, "fileSystemConfigs")); item;
         item = json_next(item)) {
        const char *arn = json_str_at(item, "arn");

        if (arn && strstr(arn, ":elasticfilesystem:"))
            return true;
    }
    return false;
}

enum rule_result look_efs_vpc(const struct check *check, struct str *message)
{
    if (!mounts_efs(check) || has_items(check, "vpcConfig.subnetIds"))
        return RULE_KEPT;
    str_add(message, "an EFS file system is reached through a VPC; declare vpcConfig");
    return RULE_BROKEN;
}

/* --- SnapStart ------------------------------------------------------------------------------- */

static bool snapstart(const struct check *check)
{
    return str_equal(json_str_at(check->spec, "snapStart.applyOn"), "PublishedVersions");
}

/* "python3.12" is at least {"python", 3, 12}; "java11.al2023" at least {"java", 11, 0}. */
static bool has_snapstart(const char *runtime)
{
    static const struct {
        const char *family;
        int64_t major, minor;
    } first[] = {{"java", 11, 0}, {"python", 3, 12}, {"dotnet", 8, 0}};

    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        const char *number = runtime + strlen(first[i].family);
        int64_t major, minor = 0;

        if (!str_starts_with(runtime, first[i].family))
            continue;
        size_t len = strcspn(number, ".");
        _cleanup_(freep) char *left = xstrndup(number, len);

        if (!parse_int(left, 0, 999, &major))
            continue;
        if (number[len] && !parse_int(number + len + 1, 0, 999, &minor))
            minor = 0; /* the operating system: "al2023" */
        return major > first[i].major || (major == first[i].major && minor >= first[i].minor);
    }
    return false;
}

enum rule_result look_snapstart_runtime(const struct check *check, struct str *message)
{
    const char *runtime = json_str_at(check->spec, "runtime");

    if (!snapstart(check))
        return RULE_KEPT;
    if (field_packages(check->spec) == FOR_IMAGE)
        str_add(message, "SnapStart is not for container images; write None");
    else if (runtime && !has_snapstart(runtime))
        str_addf(message,
                 "SnapStart is not for the runtime %.64s, only for Java 11, Python 3.12, .NET 8 and later; "
                 "write None",
                 runtime);
    return message->len ? RULE_BROKEN : RULE_KEPT;
}

enum rule_result look_snapstart_storage(const struct check *check, struct str *message)
{
    if (!snapstart(check))
        return RULE_KEPT;
    if (mounts_efs(check))
        str_add(message, "SnapStart does not go with an EFS file system; write None, or remove it");
    else if (json_int_at(check->spec, "ephemeralStorage.size", 0) > SNAPSTART_MB)
        str_addf(message, "SnapStart goes with at most %d MB of ephemeral storage; write None, or less",
                 SNAPSTART_MB);
    return message->len ? RULE_BROKEN : RULE_KEPT;
}

/* --- members with a call of their own -------------------------------------------------------- */

enum rule_result look_runtime_version(const struct check *check, struct str *message)
{
    if (!str_equal(json_str_at(check->spec, "runtimeManagement.updateRuntimeOn"), "Manual") ||
        declared(check, "runtimeManagement.runtimeVersionArn"))
        return RULE_KEPT;
    str_add(message, "updateRuntimeOn Manual needs the ARN of the runtime's version to stay with");
    return RULE_BROKEN;
}

enum rule_result look_async_invoke(const struct check *check, struct str *message)
{
    const struct json *value = json_at(check->spec, "asyncInvoke");

    if (json_type(value) != JSON_OBJECT || json_size(value) > 0)
        return RULE_KEPT;
    str_add(message, "it is empty; declare maximumRetryAttempts, maximumEventAgeInSeconds, onSuccess or "
                     "onFailure, or remove it");
    return RULE_BROKEN;
}

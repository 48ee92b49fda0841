/* The rules on versions and aliases. Each reads only the check it is given; wrong types are reported by the
 * field checks and pass here. Pure. Source: the Lambda API's model and recorded answers. */
#include "common/function/rules_versions.h"

#include "common/base/mem.h"
#include "common/function/fields.h"
#include "common/function/versions.h"

static const struct json *aliases_of(const struct check *check)
{
    return json_first(field_list("aliases", check->spec));
}

static const char *name_of(const struct json *alias)
{
    const char *name = json_str_at(alias, "name");

    return name ? name : "?";
}

enum rule_result look_aliases_distinct(const struct check *check, struct str *message)
{
    for (const struct json *a = aliases_of(check); a; a = json_next(a))
        for (const struct json *b = json_next(a); b; b = json_next(b))
            if (json_str_at(a, "name") && str_equal(json_str_at(a, "name"), json_str_at(b, "name"))) {
                str_addf(message, "two are named %.128s; keep one", name_of(a));
                return RULE_BROKEN;
            }
    return RULE_KEPT;
}

/* --- what they point to --------------------------------------------------------------------- */

static const char *canary_of(const struct json *alias)
{
    return json_str_at(json_first(json_get(alias, "additionalVersions")), "version");
}

static bool is_word(const char *version)
{
    return str_equal(version, "Latest") || str_equal(version, "Previous");
}

enum rule_result look_alias_publishing(const struct check *check, struct str *message)
{
    for (const struct json *alias = aliases_of(check); alias && !versions_publishes(check->spec);
         alias = json_next(alias)) {
        const char *version = json_str_at(alias, "version"), *canary = canary_of(alias);

        if (!is_word(version) && !is_word(canary))
            continue;
        str_addf(
            message,
            "%.128s points to %s, but no versions are published; write versions.publish: OnChange, or the "
            "number of a version",
            name_of(alias), is_word(version) ? version : canary);
        return RULE_BROKEN;
    }
    return RULE_KEPT;
}

/* What was deleted never comes back under its number; what is later than all that were seen may be somebody
 * else's, unless it is us who publish. */
static enum rule_result judge_number(const struct check *check, const struct json *alias, const char *version,
                                     struct str *message)
{
    const char *ranges = json_str_at(check->status, "versions");
    int64_t number;

    if (!ranges || is_word(version) || !version || !parse_int(version, 1, INT64_MAX, &number))
        return RULE_KEPT;
    enum version_known known = version_known(ranges, number);

    if (known == VERSION_THERE)
        return RULE_KEPT;
    str_addf(message, "%.128s points to version %s, which %s; there are %.200s", name_of(alias), version,
             known == VERSION_GONE ? "was deleted" : "was not published yet", ranges);
    return known == VERSION_GONE || versions_publishes(check->spec) ? RULE_BROKEN : RULE_WARNING;
}

enum rule_result look_alias_versions(const struct check *check, struct str *message)
{
    enum rule_result result = RULE_KEPT;

    for (const struct json *alias = aliases_of(check); alias && result == RULE_KEPT;
         alias = json_next(alias)) {
        result = judge_number(check, alias, json_str_at(alias, "version"), message);
        if (result == RULE_KEPT)
            result = judge_number(check, alias, canary_of(alias), message);
    }
    return result;
}

enum rule_result look_alias_canary(const struct check *check, struct str *message)
{
    for (const struct json *alias = aliases_of(check); alias; alias = json_next(alias)) {
        const char *canary = canary_of(alias);

        if (!canary || !str_equal(canary, json_str_at(alias, "version")))
            continue;
        str_addf(message,
                 "%.128s has %.20s as its own and as its additional version; name another one, or remove "
                 "additionalVersions",
                 name_of(alias), canary);
        return RULE_BROKEN;
    }
    return RULE_KEPT;
}

/* --- what AWS keeps for them ---------------------------------------------------------------- */

enum rule_result look_alias_invoke(const struct check *check, struct str *message)
{
    for (const struct json *alias = aliases_of(check); alias; alias = json_next(alias)) {
        const struct json *invoke = json_get(alias, "asyncInvoke");

        if (json_type(invoke) != JSON_OBJECT || json_size(invoke) > 0)
            continue;
        str_addf(message,
                 "asyncInvoke of %.128s is empty; declare maximumRetryAttempts, maximumEventAgeInSeconds, "
                 "onSuccess or onFailure, or remove it",
                 name_of(alias));
        return RULE_BROKEN;
    }
    return RULE_KEPT;
}

static int64_t provisioned(const struct check *check)
{
    int64_t sum = 0;

    for (const struct json *alias = aliases_of(check); alias; alias = json_next(alias))
        sum += json_int_at(alias, "provisionedConcurrency", 0);
    return sum;
}

enum rule_result look_provisioned(const struct check *check, struct str *message)
{
    int64_t reserved = json_int_at(check->spec, "reservedConcurrency", -1), sum = provisioned(check);

    if (reserved < 0 || sum <= reserved)
        return RULE_KEPT;
    str_addf(
        message,
        "together they provision %lld, more than the %lld of reservedConcurrency; provision less, or reserve "
        "more",
        (long long)sum, (long long)reserved);
    return RULE_BROKEN;
}

enum rule_result look_provisioned_snapstart(const struct check *check, struct str *message)
{
    if (provisioned(check) == 0 ||
        !str_equal(json_str_at(check->spec, "snapStart.applyOn"), "PublishedVersions"))
        return RULE_KEPT;
    str_add(message, "SnapStart does not go with provisionedConcurrency; remove one of the two");
    return RULE_BROKEN;
}

/* The rules of policies, as a table: what each looks at, and what it says. One table judges functions and
 * finds policies whose defaults their own rules refuse. Pure. */
#include "common/base/mem.h"
#include "common/function/arn.h"
#include "common/function/check.h"
#include "common/function/fields.h"
#include "common/function/glob.h"
#include "common/function/plan_permissions.h"
#include "common/function/policy.h"
#include "common/function/rules.h"
#include "common/function/tag_characters.h"

#include <stdarg.h>
#include <stdio.h>

enum { SHA256_DIGITS = 64, MESSAGE_BYTES = 900, LIST_SHOWN_BYTES = 400 };

/* One look of one rule. What breaks it is told by `break_at`, which both users of the table bring. */
struct look {
    const struct json *limit; /* the policy's member */
    const struct json *spec;  /* a function's, or a policy's defaults */
    bool partial;             /* the latter: what is absent is not judged */
    const char *prefix;       /* of names */
    bool assumes;             /* this is the policy whose role reaches the functions */
    bool images;              /* a policy says which images there may be */
    void (*break_at)(struct look *look, enum finding_reason reason, const char *where, const char *value,
                     const char *message);
    void *arg;
};

struct policy_rule {
    const char *path;      /* in the policy */
    const char *fields[3]; /* in the function, which the rule reads */
    void (*look)(struct look *look, const struct policy_rule *rule);
};

static void breaks(struct look *look, enum finding_reason reason, const char *where, const char *value,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

static void breaks(struct look *look, enum finding_reason reason, const char *where, const char *value,
                   const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    look->break_at(look, reason, where, value, message);
}

/* "a, b, c", and how many more where that would be long. `member` NULL: the items are texts. */
static char *listed(const struct json *list, const char *member)
{
    struct str out = STR_INIT(LIST_SHOWN_BYTES * 8);
    size_t left = json_size(list);

    for (const struct json *item = json_first(list); item; item = json_next(item), left--) {
        const char *text = json_str(member ? json_get(item, member) : item);

        if (out.len > LIST_SHOWN_BYTES) {
            str_addf(&out, " and %zu more", left);
            break;
        }
        str_addf(&out, "%s%s", out.len ? ", " : "", text ? text : "?");
    }
    return str_take(&out);
}

static bool any_glob_matches(const struct json *globs, const char *text)
{
    for (const struct json *glob = json_first(globs); glob; glob = json_next(glob))
        if (json_str(glob) && glob_matches(json_str(glob), text))
            return true;
    return false;
}

/* --- what functions may have --------------------------------------------------------------- */

static void look_globs(struct look *look, const struct policy_rule *rule)
{
    const char *value = json_str_at(look->spec, rule->fields[0]);

    if (!value || !*value || json_type(look->limit) != JSON_ARRAY || any_glob_matches(look->limit, value))
        return;
    _cleanup_(freep) char *allowed = listed(look->limit, NULL);

    breaks(look, FINDING_FORBIDDEN, rule->fields[0], value, "allows only %s", allowed);
}

static void look_layer_accounts(struct look *look, const struct policy_rule *rule)
{
    size_t index = 0;

    if (json_type(look->limit) != JSON_ARRAY)
        return;
    for (const struct json *layer = json_first(field_list(rule->fields[0], look->spec)); layer;
         layer = json_next(layer), index++) {
        struct str_view part = arn_part(json_str(layer) ? json_str(layer) : "", ARN_PART_ACCOUNT);
        _cleanup_(freep) char *account = xstrndup(part.ptr, part.len);

        if (!json_str(layer) || any_glob_matches(look->limit, account))
            continue;
        _cleanup_(freep) char *allowed = listed(look->limit, NULL);
        _cleanup_(freep) char *where = xasprintf("%s[%zu]", rule->fields[0], index);

        breaks(look, FINDING_FORBIDDEN, where, json_str(layer), "allows layers only of the accounts %s",
               allowed);
    }
}

/* Who says where code comes from has not thought of images by that. */
static void look_image_apart(struct look *look, const struct policy_rule *rule)
{
    const char *image = json_str_at(look->spec, rule->fields[2]);

    if (!image || !*image || look->images)
        return;
    _cleanup_(freep) char *allowed = listed(look->limit, "name");

    breaks(look, FINDING_FORBIDDEN, rule->fields[2], image,
           "allows code only from the buckets %s, and no policy allows images; deploy from a bucket, or have "
           "an administrator add allow.images",
           allowed);
}

static void look_buckets(struct look *look, const struct policy_rule *rule)
{
    const char *bucket = json_str_at(look->spec, rule->fields[0]);
    const char *key = json_str_at(look->spec, rule->fields[1]);
    _cleanup_(str_done) struct str prefixes = STR_INIT(1 << 16);
    bool known = false;

    if (json_type(look->limit) != JSON_ARRAY)
        return;
    look_image_apart(look, rule);
    if (!bucket || !*bucket)
        return;
    for (const struct json *one = json_first(look->limit); one; one = json_next(one)) {
        const char *name = json_str_at(one, "name"), *prefix = json_str_at(one, "keyPrefix");

        if (!name || !glob_matches(name, bucket))
            continue;
        if (!prefix || !*prefix || !key || str_starts_with(key, prefix))
            return;
        str_addf(&prefixes, "%s%s", known ? ", " : "", prefix);
        known = true;
    }
    if (known) {
        breaks(look, FINDING_FORBIDDEN, rule->fields[1], key,
               "allows code from the bucket %s only under keys that begin with %.400s", bucket,
               str_text(&prefixes));
        return;
    }
    _cleanup_(freep) char *allowed = listed(look->limit, "name");

    breaks(look, FINDING_FORBIDDEN, rule->fields[0], bucket, "allows code only from the buckets %s", allowed);
}

static void look_max(struct look *look, const struct policy_rule *rule)
{
    const struct json *value = json_at(look->spec, rule->fields[0]);
    const struct field *field = field_find(rule->fields[0]);
    bool absent = json_type(value) <= JSON_NULL;
    int64_t max, number;

    if (!json_int(look->limit, &max) || (absent && look->partial))
        return;
    if (absent ? !parse_int(field->unset, 0, INT64_MAX, &number) : !json_int(value, &number))
        return;
    if (number <= max)
        return;
    if (absent)
        breaks(look, FINDING_REQUIRED, rule->fields[0], NULL,
               "allows at most %lld, and AWS's default is %lld; write spec.%s", (long long)max,
               (long long)number, rule->fields[0]);
    else
        breaks(look, FINDING_FORBIDDEN, rule->fields[0], NULL, "allows at most %lld, not %lld",
               (long long)max, (long long)number);
}

static void look_adoption(struct look *look, const struct policy_rule *rule)
{
    const char *value = json_str_at(look->spec, rule->fields[0]);

    if (json_type(look->limit) == JSON_BOOL && !json_is_true(look->limit) && str_equal(value, "Adopt"))
        breaks(look, FINDING_FORBIDDEN, rule->fields[0], value,
               "forbids to take over functions that are already there; write Never");
}

static void look_public(struct look *look, const struct policy_rule *rule)
{
    const char *url = json_str_at(look->spec, rule->fields[0]);
    const struct json *permissions = field_list(rule->fields[2], look->spec);
    size_t index = 0;

    if (json_type(look->limit) != JSON_BOOL || json_is_true(look->limit))
        return;
    if (str_equal(url, "NONE"))
        breaks(look, FINDING_FORBIDDEN, rule->fields[0], url, "forbids public URLs; write AWS_IAM");
    for (const struct json *one = json_first(permissions); one; one = json_next(one), index++) {
        _cleanup_(freep) char *where = xasprintf("%s[%zu].principal", rule->fields[2], index);
        const char *principal = json_str_at(one, "principal");

        if (str_equal(principal, "*") && permission_is_open(one))
            breaks(look, FINDING_FORBIDDEN, where, principal,
                   "forbids to let everybody in; name a principal, or add principalOrgID");
    }
}

static void look_principals(struct look *look, const struct policy_rule *rule)
{
    const char *url = json_str_at(look->spec, rule->fields[1]);
    size_t index = 0;

    if (json_type(look->limit) != JSON_ARRAY)
        return;
    if (str_equal(url, "NONE") && !any_glob_matches(look->limit, "*")) {
        _cleanup_(freep) char *allowed = listed(look->limit, NULL);

        breaks(look, FINDING_FORBIDDEN, rule->fields[1], url,
               "allows only %s, and a public URL is for the principal *; write AWS_IAM", allowed);
    }
    for (const struct json *one = json_first(field_list(rule->fields[0], look->spec)); one;
         one = json_next(one), index++) {
        const char *principal = json_str_at(one, "principal");

        if (!principal || any_glob_matches(look->limit, principal))
            continue;
        _cleanup_(freep) char *allowed = listed(look->limit, NULL);
        _cleanup_(freep) char *where = xasprintf("%s[%zu].principal", rule->fields[0], index);

        breaks(look, FINDING_FORBIDDEN, where, principal, "allows only %s", allowed);
    }
}

/* --- what functions must have -------------------------------------------------------------- */

static void look_tags(struct look *look, const struct policy_rule *rule)
{
    _cleanup_(str_done) struct str missing = STR_INIT(1 << 16);
    size_t count = 0;

    if (json_type(look->limit) != JSON_ARRAY)
        return;
    for (const struct json *key = json_first(look->limit); key; key = json_next(key)) {
        if (!json_str(key) || json_str(json_get(json_at(look->spec, rule->fields[0]), json_str(key))))
            continue;
        str_addf(&missing, "%s%s", count++ ? ", " : "", json_str(key));
    }
    if (count)
        breaks(look, FINDING_REQUIRED, rule->fields[0], NULL, "requires the tag%s %.800s; add %s",
               count > 1 ? "s" : "", str_text(&missing), count > 1 ? "them" : "it");
}

static bool is_absent(const struct look *look, const char *path)
{
    const char *value = json_str_at(look->spec, path);

    return !value || !*value;
}

static void look_description(struct look *look, const struct policy_rule *rule)
{
    if (json_is_true(look->limit) && is_absent(look, rule->fields[0]))
        breaks(look, FINDING_REQUIRED, rule->fields[0], NULL,
               "requires a description; say what the function does");
}

static void look_object_version(struct look *look, const struct policy_rule *rule)
{
    if (json_is_true(look->limit) && is_absent(look, rule->fields[0]) && !is_absent(look, rule->fields[1]))
        breaks(look, FINDING_REQUIRED, rule->fields[0], NULL,
               "requires the version of the object; write the VersionId that S3 answered to the upload");
}

/* 64 hexadecimal digits, no more, somewhere in the text. */
static bool holds_sha256(const char *text)
{
    while (*text) {
        size_t digits = strspn(text, "0123456789abcdefABCDEF");

        if (digits == SHA256_DIGITS)
            return true;
        text += digits ? digits : 1;
    }
    return false;
}

static void look_content_key(struct look *look, const struct policy_rule *rule)
{
    const char *key = json_str_at(look->spec, rule->fields[0]);
    const char *slash = key ? strrchr(key, '/') : NULL;

    if (json_is_true(look->limit) && key && *key && !holds_sha256(slash ? slash + 1 : key))
        breaks(look, FINDING_FORBIDDEN, rule->fields[0], key,
               "requires the archive's SHA-256 (64 hexadecimal digits) in the last part of the key; upload "
               "it under such a key");
}

static void look_name(struct look *look, const struct policy_rule *rule)
{
    const char *name = json_str_at(look->spec, rule->fields[0]);

    if (!name || !*name || !look->prefix || str_starts_with(name, look->prefix))
        return;
    const struct field *field = field_find(rule->fields[0]);

    if (strlen(look->prefix) + strlen(name) <= (size_t)field->max)
        breaks(look, FINDING_FORBIDDEN, rule->fields[0], name, "wants names that begin with %s; write %s%s",
               look->prefix, look->prefix, name);
    else
        breaks(look, FINDING_FORBIDDEN, rule->fields[0], name,
               "wants names that begin with %s, with at most %lld characters; write a shorter one",
               look->prefix, (long long)field->max);
}

/* AWS demands that a function's role is of the function's account. */
static void look_account(struct look *look, const struct policy_rule *rule)
{
    const char *role = json_str_at(look->spec, rule->fields[0]), *assumed = json_str(look->limit);
    struct str_view has = arn_part(role ? role : "", ARN_PART_ACCOUNT);
    struct str_view wanted = arn_part(assumed ? assumed : "", ARN_PART_ACCOUNT);

    if (look->assumes && has.len && wanted.len && !view_equal(has, wanted))
        breaks(look, FINDING_FORBIDDEN, rule->fields[0], role,
               "keeps functions in the AWS account %.*s; write a role of that account", (int)wanted.len,
               wanted.ptr);
}

/* `functionName` and `aws` say something only of the policies that decide it: see policy_judge. */
static const struct policy_rule rows[] = {
    {"functionName", {"functionName"}, look_name},
    {"require.tags", {"tags"}, look_tags},
    {"require.description", {"description"}, look_description},
    {"require.objectVersion", {"code.s3ObjectVersion", "code.s3Key"}, look_object_version},
    {"require.contentAddressedKey", {"code.s3Key"}, look_content_key},
    {"allow.runtimes", {"runtime"}, look_globs},
    {"allow.regions", {"region"}, look_globs},
    {"allow.buckets", {"code.s3Bucket", "code.s3Key", "code.imageUri"}, look_buckets},
    {"allow.images", {"code.imageUri"}, look_globs},
    {"allow.roles", {"role"}, look_globs},
    {"allow.layerAccounts", {"layers"}, look_layer_accounts},
    {"allow.memorySize.max", {"memorySize"}, look_max},
    {"allow.timeout.max", {"timeout"}, look_max},
    {"allow.adoption", {"adoptionPolicy"}, look_adoption},
    {"allow.publicUrls", {"functionUrl.authType", "functionUrl.qualifier", "permissions"}, look_public},
    {"allow.principals", {"permissions", "functionUrl.authType", "functionUrl.qualifier"}, look_principals},
    {"aws.assumeRoleArn", {"role"}, look_account},
};

const char *policy_rule_at(size_t index, const char *const **ret_fields)
{
    if (index >= ARRAY_LEN(rows))
        return NULL;
    *ret_fields = rows[index].fields;
    return rows[index].path;
}

/* --- functions ----------------------------------------------------------------------------- */

struct judgement {
    const struct policy *policy;
    bool warning;
    struct findings *findings;
};

static void break_function(struct look *look, enum finding_reason reason, const char *where,
                           const char *value, const char *message)
{
    struct judgement *judgement = look->arg;
    struct findings *findings = judgement->findings;
    _cleanup_(freep) char *path = xasprintf("spec.%s", where);

    findings_add(findings, reason, judgement->warning, path, value, "policy %s %s", judgement->policy->name,
                 message);
    findings->items[findings->count - 1].policy = xstrdup(judgement->policy->name);
}

static bool rule_unchanged(const struct policy_rule *rule, const struct policy_subject *subject)
{
    if (!subject->old_spec)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(rule->fields) && rule->fields[i]; i++)
        if (!json_equal(json_at(subject->spec, rule->fields[i]), json_at(subject->old_spec, rule->fields[i])))
            return false;
    return true;
}

void policy_judge(const struct policy_effective *effective, const struct policy_subject *subject,
                  struct findings *findings)
{
    for (size_t i = 0; effective && i < effective->count; i++) {
        struct judgement judgement = {effective->policies[i], false, findings};
        bool names = judgement.policy == effective->names || judgement.policy == effective->names_on_trial;
        _cleanup_(freep) char *prefix = names ? policy_prefix(judgement.policy, subject->environment) : NULL;

        for (size_t j = 0; j < ARRAY_LEN(rows); j++) {
            struct look look = {
                .limit = json_at(judgement.policy->spec, rows[j].path),
                .spec = subject->spec,
                .prefix = prefix && *prefix ? prefix : NULL,
                .assumes = judgement.policy == effective->assumer,
                .images = effective->images && (!effective->images->warns || judgement.policy->warns),
                .break_at = break_function,
                .arg = &judgement,
            };

            if (!look.limit)
                continue;
            judgement.warning = judgement.policy->warns || rule_unchanged(&rows[j], subject);
            rows[j].look(&look, &rows[j]);
        }
    }
}

/* --- policies themselves ------------------------------------------------------------------- */

struct contradiction {
    const struct policy_rule *rule;
    bool warning;
    struct findings *findings;
};

static void break_defaults(struct look *look, enum finding_reason reason, const char *where,
                           const char *value, const char *message)
{
    struct contradiction *contradiction = look->arg;
    _cleanup_(freep) char *path = xasprintf("spec.defaults.%s", where);

    findings_add(contradiction->findings, reason, contradiction->warning, path, value,
                 "%s of the same policy %s", contradiction->rule->path, message);
}

static void check_contradictions(const struct json *spec, const struct json *old_spec,
                                 struct findings *findings)
{
    const struct json *defaults = json_get(spec, "defaults");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct json *limit = json_at(spec, rows[i].path);
        struct contradiction contradiction = {&rows[i], false, findings};
        struct look look = {.limit = limit,
                            .spec = defaults,
                            .partial = true,
                            .assumes = true,
                            .break_at = break_defaults,
                            .arg = &contradiction};

        if (!limit || !(str_starts_with(rows[i].path, "allow.") || rows[i].look == look_account))
            continue;
        contradiction.warning = old_spec && json_equal(limit, json_at(old_spec, rows[i].path)) &&
                                json_equal(defaults, json_get(old_spec, "defaults"));
        rows[i].look(&look, &rows[i]);
    }
}

/* Defaults that no function could be deployed with: the rules whose fields are all among them. */
static void check_defaults(const struct check *check, bool unchanged, struct findings *findings)
{
    for (size_t i = 0; i < rule_count; i++) {
        const struct rule *rule = &rules[i];
        bool present = true;

        for (size_t j = 0; j < ARRAY_LEN(rule->paths) && rule->paths[j]; j++)
            present = present && json_type(json_at(check->spec, rule->paths[j])) > JSON_NULL;
        if (present)
            rule_apply(rule, check, "spec.defaults", unchanged, findings);
    }
}

static void check_selector(const struct json *spec, bool unchanged, struct findings *findings)
{
    size_t index = 0;

    for (const struct json *one = json_first(json_at(spec, "namespaceSelector.matchExpressions")); one;
         one = json_next(one), index++) {
        const char *relation = json_str_at(one, "operator");
        _cleanup_(freep) char *where =
            xasprintf("spec.namespaceSelector.matchExpressions[%zu].values", index);
        size_t values = json_size(json_get(one, "values"));
        bool compares = relation && (str_equal(relation, "In") || str_equal(relation, "NotIn"));
        bool asks = relation && (str_equal(relation, "Exists") || str_equal(relation, "DoesNotExist"));

        if (compares && values == 0)
            findings_add(findings, FINDING_REQUIRED, unchanged, where, NULL, "%s needs at least one value",
                         relation);
        else if (asks && values > 0)
            findings_add(findings, FINDING_FORBIDDEN, unchanged, where, NULL,
                         "%s takes no values; remove them", relation);
    }
}

static void check_required_tags(const struct json *spec, bool unchanged, struct findings *findings)
{
    size_t index = 0;

    for (const struct json *key = json_first(json_at(spec, "require.tags")); key;
         key = json_next(key), index++) {
        const char *text = json_str(key);
        _cleanup_(freep) char *where = xasprintf("spec.require.tags[%zu]", index);

        if (text && tag_owner(text))
            findings_add(findings, FINDING_FORBIDDEN, unchanged, where, text,
                         "no function can have such a tag: the prefix is reserved; choose another");
        else if (text && tag_character_refused(text))
            findings_add(findings, FINDING_INVALID, unchanged, where, text,
                         "no function can have such a tag: AWS takes " TAG_HINT ", not U+%04X",
                         tag_character_refused(text));
    }
}

static void check_runtime_globs(const struct json *spec, const struct runtimes *runtimes,
                                struct findings *findings)
{
    size_t index = 0;

    for (const struct json *glob = json_first(json_at(spec, "allow.runtimes")); glob;
         glob = json_next(glob), index++) {
        bool matches_one = !json_str(glob);

        for (size_t i = 0; i < runtimes->count && !matches_one; i++)
            matches_one = glob_matches(json_str(glob), runtimes->rows[i].name);
        if (matches_one)
            continue;
        _cleanup_(freep) char *where = xasprintf("spec.allow.runtimes[%zu]", index);

        findings_add(findings, FINDING_UNSUPPORTED, true, where, json_str(glob),
                     "matches none of AWS Lambda's runtimes");
    }
}

static bool same(const struct json *spec, const struct json *old_spec, const char *path)
{
    return old_spec && json_equal(json_at(spec, path), json_at(old_spec, path));
}

void policy_check(const struct json *spec, const struct json *old_spec, const struct runtimes *runtimes,
                  const char *today, struct findings *findings)
{
    const struct check defaults = {json_get(spec, "defaults"), NULL, runtimes, today, NULL};

    check_table(&policy_table, spec, old_spec, findings);
    check_selector(spec, same(spec, old_spec, "namespaceSelector"), findings);
    check_required_tags(spec, same(spec, old_spec, "require.tags"), findings);
    if (!findings->errors)
        check_runtime_globs(spec, runtimes, findings);
    check_defaults(&defaults, same(spec, old_spec, "defaults"), findings);
    check_contradictions(spec, old_spec, findings);
}

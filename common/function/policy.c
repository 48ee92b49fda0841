/* Policies, which namespaces they select, and what several say together. Pure. */
#include "common/function/policy.h"

#include "common/base/mem.h"
#include "common/function/fields.h"

/* --- one policy ---------------------------------------------------------------------------- */

struct policy *policy_new(const char *name, const struct json *spec)
{
    struct policy *policy = xcalloc(1, sizeof(*policy));

    *policy = (struct policy){
        .name = xstrdup(name),
        .spec = json_copy(spec),
        .priority = json_int_at(spec, "priority", 0),
        .warns = str_equal(json_str_at(spec, "enforcement"), "Warn"),
        .references = 1,
    };
    return policy;
}

struct policy *policy_ref(struct policy *policy)
{
    __atomic_add_fetch(&policy->references, 1, __ATOMIC_RELAXED);
    return policy;
}

void policy_unref(struct policy *policy)
{
    if (!policy || __atomic_sub_fetch(&policy->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    free(policy->name);
    json_free(policy->spec);
    free(policy);
}

int policy_compare(const struct policy *a, const struct policy *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority ? -1 : 1;
    return strcmp(a->name, b->name);
}

static bool is_listed(const struct json *list, const char *text)
{
    for (const struct json *item = json_first(list); item; item = json_next(item))
        if (str_equal(json_str(item), text))
            return true;
    return false;
}

/* One of matchExpressions, as the API server reads it. One that cannot be read selects nothing. */
static bool meets(const struct json *expression, const struct json *labels)
{
    const char *key = json_str_at(expression, "key"), *relation = json_str_at(expression, "operator");
    const struct json *values = json_get(expression, "values");
    const char *label = key ? json_str(json_get(labels, key)) : NULL;

    if (!key || !relation)
        return false;
    if (str_equal(relation, "In"))
        return label && is_listed(values, label);
    if (str_equal(relation, "NotIn"))
        return !label || !is_listed(values, label);
    if (str_equal(relation, "Exists"))
        return label != NULL;
    return str_equal(relation, "DoesNotExist") && !label;
}

bool policy_selects(const struct policy *policy, const struct json *labels)
{
    const struct json *selector = json_get(policy->spec, "namespaceSelector");
    const struct json *wanted = json_get(selector, "matchLabels");

    for (const struct json *one = json_first(wanted); one; one = json_next(one)) {
        const char *label = json_str(json_get(labels, json_key(one)));

        if (!label || !str_equal(label, json_str(one)))
            return false;
    }
    for (const struct json *one = json_first(json_get(selector, "matchExpressions")); one;
         one = json_next(one))
        if (!meets(one, labels))
            return false;
    return true;
}

/* --- defaults ------------------------------------------------------------------------------ */

/* A variable may get its value from elsewhere. */
static bool has_entry(const struct json *spec, const struct field *field, const char *key)
{
    if (json_get(json_at(spec, field->path), key))
        return true;
    if (!str_equal(field->path, "environment.variables"))
        return false;
    for (const struct json *one = json_first(field_list("environment.valueFrom", spec)); one;
         one = json_next(one))
        if (str_equal(json_str_at(one, "name"), key))
            return true;
    return false;
}

static void each_entry(const struct field *field, const struct json *wanted, const struct json *spec,
                       policy_default_fn *add, void *arg)
{
    if (json_type(json_at(spec, field->path)) > JSON_NULL && !field_map(field->path, spec))
        return;
    for (const struct json *entry = json_first(wanted); entry; entry = json_next(entry))
        if (json_str(entry) && !has_entry(spec, field, json_key(entry)))
            add(arg, field->path, json_key(entry), entry);
}

/* Would the value be refused where it is put? */
static bool is_out_of_place(const struct field *field, const struct json *spec)
{
    return (field->forbidden & field_packages(spec)) ||
           (field->only_path && !str_equal(json_str_at(spec, field->only_path), field->only_value));
}

static void each_default(const struct json *defaults, const struct json *const *spec, bool whole,
                         policy_default_fn *add, void *arg)
{
    if (!json_first(defaults)) /* as where there are no policies */
        return;
    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];
        const struct json *wanted = field_value(field, defaults);

        if (json_type(wanted) <= JSON_NULL || field->type == FIELD_OBJECT || !field_can_default(field) ||
            !field_has_room(*spec, field->path) || (whole && is_out_of_place(field, *spec)))
            continue;
        if (field->type == FIELD_MAP)
            each_entry(field, wanted, *spec, add, arg);
        else if (json_type(field_value(field, *spec)) <= JSON_NULL)
            add(arg, field->path, NULL, wanted);
    }
}

void policy_each_default(const struct json *defaults, const struct json *const *spec, policy_default_fn *add,
                         void *arg)
{
    each_default(defaults, spec, true, add, arg);
}

static void add_default(void *arg, const char *path, const char *key, const struct json *value)
{
    struct json *defaults = arg;

    if (!key) {
        json_set_at(defaults, path, json_copy(value));
        return;
    }
    struct json *map = json_copy(json_at(defaults, path));

    if (!map)
        map = json_new_object();
    json_set(map, key, json_copy(value));
    json_set_at(defaults, path, map);
}

/* --- several together ---------------------------------------------------------------------- */

/* Has it a say after one of higher priority? One that only warns is no obstacle to one that enforces. */
static bool is_heard(const struct policy *policy, const struct policy *so_far)
{
    return !so_far || (so_far->warns && !policy->warns);
}

static const char *own_prefix(const struct policy *policy)
{
    const char *prefix = json_str_at(policy->spec, "functionName.prefix");

    return prefix && *prefix ? prefix : NULL;
}

/* The first that has a prefix; else the first that says what happens without the environment's. */
static void take_names(const struct policy *policy, const struct policy **names)
{
    bool says = own_prefix(policy) || json_str_at(policy->spec, "functionName.whenMissing");

    if (*names ? !own_prefix(*names) && own_prefix(policy) : says)
        *names = policy;
}

/* From one policy, after all that come before it. */
static void take_in(struct policy_effective *effective, const struct policy *policy)
{
    const struct json *spec = policy->spec;
    const char *environment = json_str_at(spec, "environment");
    const char *unavailable = json_str_at(spec, "artifactCheck.onUnavailable");
    const char *role = json_str_at(spec, "aws.assumeRoleArn");
    const struct json *so_far = effective->defaults;

    each_default(json_get(spec, "defaults"), &so_far, false, add_default, effective->defaults);
    if (!effective->environment && environment && *environment)
        effective->environment = environment;
    take_names(policy, &effective->names_on_trial); /* of all, until it is decided */
    if (!policy->warns)
        take_names(policy, &effective->names);
    if (!effective->deletion_protection && !policy->warns &&
        json_is_true(json_get(spec, "deletionProtection")))
        effective->deletion_protection = policy->name;
    if (json_type(json_at(spec, "allow.images")) == JSON_ARRAY && is_heard(policy, effective->images))
        effective->images = policy;
    if (role && is_heard(policy, effective->assumer)) {
        effective->assumer = policy;
        effective->assume_role = role;
    }
    if (unavailable && is_heard(policy, effective->artifact)) {
        effective->artifact = policy;
        effective->artifact_unavailable =
            str_equal(unavailable, "Reject") ? POLICY_UNAVAILABLE_REJECT : POLICY_UNAVAILABLE_ALLOW;
    }
}

/* After all have been taken in. Without an enforced one, the one on trial gives the names. */
static void decide_names(struct policy_effective *effective)
{
    if (!effective->names)
        effective->names = effective->names_on_trial;
    if (effective->names == effective->names_on_trial)
        effective->names_on_trial = NULL;
    if (effective->names)
        effective->prepend =
            str_equal(json_str_at(effective->names->spec, "functionName.whenMissing"), "Prepend");
}

struct policy_effective *policy_effect(struct policy *const *policies, size_t count,
                                       const struct json *labels)
{
    struct policy_effective *effective = xcalloc(1, sizeof(*effective));

    effective->references = 1;
    effective->defaults = json_new_object();
    for (size_t i = 0; i < count; i++) {
        if (!policy_selects(policies[i], labels))
            continue;
        effective->policies = xrealloc(effective->policies, (effective->count + 1) * sizeof(struct policy *));
        effective->policies[effective->count++] = policy_ref(policies[i]);
        take_in(effective, policies[i]);
    }
    decide_names(effective);
    return effective;
}

struct policy_effective *policy_effective_ref(struct policy_effective *effective)
{
    __atomic_add_fetch(&effective->references, 1, __ATOMIC_RELAXED);
    return effective;
}

void policy_effective_unref(struct policy_effective *effective)
{
    if (!effective || __atomic_sub_fetch(&effective->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < effective->count; i++)
        policy_unref(effective->policies[i]);
    free(effective->policies);
    json_free(effective->defaults);
    free(effective);
}

char *policy_prefix(const struct policy *names, const char *environment)
{
    if (names && own_prefix(names))
        return xstrdup(own_prefix(names));
    return environment && *environment ? xasprintf("%s-", environment) : xstrdup("");
}

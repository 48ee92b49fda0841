/* Which resources of the manifests are ours, what the API server itself finds wrong with them, and what
 * their namespaces are labelled. */
#include "cli/declared.h"

#include "cli/judge.h"
#include "common/base/mem.h"
#include "common/function/function.h"
#include "common/function/unknown.h"

enum { NAME_MAX_CHARS = 253 };

static const char GROUP[] = "kubelambda.io/", API_VERSION[] = "kubelambda.io/v1alpha1";
static const char FUNCTION[] = "LambdaFunction", POLICY[] = "LambdaPolicy";

static void check_metadata(const struct declared *declared, struct findings *findings)
{
    static const char NAME[] = "[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*";
    const struct json *object = declared->manifest->object;
    const char *version = json_str_at(object, "apiVersion"), *kind = json_str_at(object, "kind");

    if (!str_equal(kind, declared->policy ? POLICY : FUNCTION))
        findings_add(findings, FINDING_UNSUPPORTED, false, "kind", kind, "supported values: %s, %s", FUNCTION,
                     POLICY);
    if (!str_equal(version, API_VERSION))
        findings_add(findings, FINDING_UNSUPPORTED, false, "apiVersion", version, "supported values: %s",
                     API_VERSION);
    if (!*declared->name && !json_str_at(object, "metadata.generateName"))
        findings_add(findings, FINDING_REQUIRED, false, "metadata.name", NULL,
                     "name or generateName is required");
    else if (*declared->name && (strlen(declared->name) > NAME_MAX_CHARS || !matches(NAME, declared->name)))
        findings_add(findings, FINDING_INVALID, false, "metadata.name", declared->name,
                     "must be at most %d lower-case letters, digits, hyphens and dots, and begin and end "
                     "with a letter or digit",
                     NAME_MAX_CHARS);
}

/* --- collecting --------------------------------------------------------------------------- */

enum meant { MEANT_OTHER, MEANT_FUNCTION, MEANT_POLICY };

/* Of whoever mistypes the kind or the group nothing would be checked, and they would hear that all is well.
 */
static enum meant meant_by(const struct manifest *manifest)
{
    const char *version = json_str_at(manifest->object, "apiVersion");
    const char *kind = json_str_at(manifest->object, "kind");

    if (kind && strcasecmp(kind, FUNCTION) == 0)
        return MEANT_FUNCTION;
    if (kind && strcasecmp(kind, POLICY) == 0)
        return MEANT_POLICY;
    if (!version || !str_starts_with(version, GROUP))
        return MEANT_OTHER;
    return kind && strpbrk(kind, "Pp") ? MEANT_POLICY : MEANT_FUNCTION; /* only the one has this letter */
}

bool declared_is_policy(const struct manifest *manifest)
{
    return meant_by(manifest) == MEANT_POLICY;
}

static void add(struct declared_set *set, const struct manifest *manifest, bool policy,
                const struct declared_settings *settings)
{
    const char *namespace = json_str_at(manifest->object, "metadata.namespace");
    const char *name = json_str_at(manifest->object, "metadata.name");

    set->items[set->count++] = (struct declared){.manifest = manifest,
                                                 .policy = policy,
                                                 .namespace = policy                    ? ""
                                                              : namespace && *namespace ? namespace
                                                                                        : settings->namespace,
                                                 .name = name ? name : ""};
    set->function_count += !policy;
}

static void add_policies(const struct manifests *manifests, const struct declared_settings *settings,
                         struct declared_set *set)
{
    for (size_t i = 0; i < manifests->count; i++)
        if (declared_is_policy(&manifests->items[i]))
            add(set, &manifests->items[i], true, settings);
}

static void collect(const struct declared_settings *settings, struct declared_set *set)
{
    const struct manifests *manifests = settings->manifests, *policies = settings->policies;

    set->items = xcalloc(manifests->count + policies->count + 1, sizeof(*set->items));
    set->passed_over = xcalloc(manifests->count + 1, sizeof(*set->passed_over));
    add_policies(policies, settings, set);
    add_policies(manifests, settings, set);
    for (size_t i = 0; i < manifests->count; i++) {
        const struct manifest *manifest = &manifests->items[i];
        enum meant meant = meant_by(manifest);

        if (meant == MEANT_FUNCTION)
            add(set, manifest, false, settings);
        else if (meant == MEANT_OTHER)
            set->passed_over[set->passed_over_count++] = manifest;
    }
}

static void note_missing_region(const struct declared_settings *settings, struct declared_set *set)
{
    if (aws_default_region(settings->aws))
        return;
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].policy || json_str_at(set->items[i].spec, "region"))
            continue;
        str_add(&set->notices, "no region is known for functions that name none; give --region as the "
                               "cluster's kubelambda has it\n");
        return;
    }
}

/* In the order of the text; equals stay as they are. There are few. */
static void sort_by_line(struct declared *declared)
{
    struct finding *items = declared->findings.items;

    for (size_t i = 1; i < declared->findings.count; i++) {
        struct finding one = items[i];
        size_t line = manifest_line(declared->manifest, one.field), j = i;

        for (; j > 0 && manifest_line(declared->manifest, items[j - 1].field) > line; j--)
            items[j] = items[j - 1];
        items[j] = one;
    }
}

void declared_review(const struct declared_settings *settings, struct declared_set *ret_set)
{
    struct declared_set set = {.notices = STR_INIT(16 << 10)};
    struct declared_settings chosen = *settings, before = *settings;
    struct declared_set old = {0};
    const struct manifests none = {0};
    struct err err;

    before.manifests = settings->against;
    before.policies = &none;
    collect(&before, &old);
    collect(settings, &set);
    for (size_t i = 0; i < set.count; i++) {
        struct declared *declared = &set.items[i];

        check_metadata(declared, &declared->findings);
        check_unknown(declared->policy ? &policy_table : &function_table, declared->manifest->object,
                      &declared->findings);
    }
    if (!settings->offline && set.function_count > 0 && aws_check_credentials(settings->aws, &err) < 0) {
        chosen.offline = true;
        str_addf(&set.notices,
                 "whether the code objects exist was not checked: %s (--offline leaves the question out)\n",
                 err.msg);
    }
    judge(&chosen, &old, &set);
    declared_done(&old);
    for (size_t i = 0; i < set.count; i++)
        sort_by_line(&set.items[i]);
    note_missing_region(settings, &set);
    *ret_set = set;
}

void declared_done(struct declared_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        json_free(set->items[i].spec);
        findings_done(&set->items[i].findings);
    }
    free(set->items);
    free(set->passed_over);
    str_done(&set->notices);
    *set = (struct declared_set){0};
}

void declared_title(const struct declared *declared, struct str *out)
{
    const char *generated = json_str_at(declared->manifest->object, "metadata.generateName");

    str_addf(out, "%s %.63s%s%.253s%s", declared->policy ? POLICY : FUNCTION, declared->namespace,
             declared->policy ? "" : "/",
             *declared->name ? declared->name
             : generated     ? generated
                             : "?",
             !*declared->name && generated ? "…" : "");
}

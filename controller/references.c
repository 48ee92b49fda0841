/* Resolves environment.valueFrom: one GET for each object that is named. Any thread, no state. */
#include "controller/references.h"

#include "common/base/encode.h"
#include "common/base/json_scan.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/function/check.h"

enum { VALUE_MAX_BYTES = 64 * 1024 }; /* AWS takes 4 KiB of all; a Secret may hold a MiB */

static const struct source {
    const char *member, *kind, *resource, *missing, *denied;
    bool encoded; /* values are base64 */
} sources[] = {
    {"secretKeyRef", "Secret", "secrets", "SecretNotFound", "SecretDenied", true},
    {"configMapKeyRef", "ConfigMap", "configmaps", "ConfigMapNotFound", "ConfigMapDenied", false},
};

struct lookup {
    struct kube *kube;
    const char *namespace;
    struct map objects; /* "secrets/name" -> struct json, NULL where there is none; freed at the end */
    const char *reason;
};

static void lookup_done(struct lookup *lookup)
{
    const struct map_slot *slot;

    for (size_t cursor = 0; (slot = map_next(&lookup->objects, &cursor));)
        json_free(slot->value);
    map_done(&lookup->objects);
}

/* The object that an item names; NULL when it does not exist. It stays the lookup's. */
static int get_object(struct lookup *lookup, const struct source *source, const char *name,
                      const struct json **ret_object, struct err *err)
{
    _cleanup_(freep) char *key = xasprintf("%s/%s", source->resource, name);
    _cleanup_(str_done) struct str path = STR_INIT(4096);
    struct json *object = map_get(&lookup->objects, key);

    if (!object) {
        str_addf(&path, "/api/v1/namespaces/%s/%s/", lookup->namespace, source->resource);
        str_add_percent(&path, name, strlen(name), "");
        int r = kube_call(lookup->kube, &(struct kube_request){.method = "GET", .path = str_text(&path)},
                          &object, err);

        if (r == ERR_DENIED && err->status == 403) {
            lookup->reason = source->denied;
            return err_set(err, ERR_DENIED,
                           "kubelambda may not get the %s %s: create a Role in the namespace %s that allows "
                           "`get` on %s \"%s\", and a RoleBinding of it to kubelambda's service account",
                           source->kind, name, lookup->namespace, source->resource, name);
        }
        if (r < 0 && r != ERR_NOT_FOUND)
            return r;
        if (object)
            map_put(&lookup->objects, key, object);
    }
    *ret_object = object;
    return 0;
}

/* Text that an environment variable can hold. Its memory is cleared before it is freed. */
static bool decode(const struct source *source, const char *text, struct str *out)
{
    struct err err;

    if (!source->encoded)
        str_add(out, text);
    else if (base64_decode(view(text), out, &err) < 0)
        return false;
    if (out->overflow || (out->len && memchr(out->ptr, '\0', out->len)))
        return false;
    for (size_t i = 0, step; i < out->len; i += step) {
        step = utf8_sequence(out->ptr + i, out->len - i);
        if (step == 0)
            return false;
    }
    return true;
}

/* Puts one variable into the environment, unless it is optional and not there. */
static int resolve_item(struct lookup *lookup, const struct json *item, struct json *variables,
                        struct err *err)
{
    const struct source *source =
        json_type(json_get(item, sources[0].member)) > JSON_NULL ? &sources[0] : &sources[1];
    const struct json *reference = json_get(item, source->member), *object = NULL;
    const char *name = json_str_at(reference, "name"), *key = json_str_at(reference, "key");
    const char *variable = json_str_at(item, "name");
    bool optional = json_is_true(json_get(item, "optional"));

    if (!variable || !name || !key)
        return 0; /* wrong, as the checks of the spec say */
    int r = get_object(lookup, source, name, &object, err);

    if (r < 0)
        return r;
    const char *text = json_str(json_get(json_get(object, "data"), key));

    if (!text && optional)
        return 0;
    if (!object) {
        lookup->reason = source->missing;
        return err_set(
            err, ERR_NOT_FOUND,
            "there is no %s %s in the namespace %s, from which the variable %s is taken; create it, or "
            "mark the variable optional",
            source->kind, name, lookup->namespace, variable);
    }
    if (!text) {
        lookup->reason = "KeyNotFound";
        return err_set(err, ERR_NOT_FOUND,
                       "the %s %s has no key %s, from which the variable %s is taken; add it, or mark the "
                       "variable optional",
                       source->kind, name, key, variable);
    }
    struct str value = STR_INIT(VALUE_MAX_BYTES);
    bool usable = decode(source, text, &value);

    if (usable)
        json_set_str(variables, variable, str_text(&value));
    if (value.ptr)
        explicit_bzero(value.ptr, value.len);
    str_done(&value);
    if (usable)
        return 0;
    lookup->reason = "InvalidEnvironment";
    return err_set(err, ERR_INVALID,
                   "the key %s of the %s %s is no text that the variable %s could hold: it must be UTF-8 "
                   "without NUL, and below %d bytes",
                   key, source->kind, name, variable, VALUE_MAX_BYTES);
}

int references_resolve(struct kube *kube, const char *namespace, const struct json *spec,
                       struct json **ret_spec, const char **ret_reason, struct err *err)
{
    const struct json *list = json_at(spec, "environment.valueFrom");
    _cleanup_(lookup_done) struct lookup lookup = {.kube = kube, .namespace = namespace};
    _cleanup_(json_freep) struct json *resolved = NULL;

    *ret_reason = NULL;
    if (!json_first(list)) {
        *ret_spec = NULL;
        return 0;
    }
    resolved = json_copy(spec);
    struct json *environment = json_make_object(resolved, "environment");
    struct json *variables = json_make_object(environment, "variables");

    json_set(environment, "valueFrom", NULL); /* `spec` has it still */
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        int r = resolve_item(&lookup, item, variables, err);

        if (r < 0) {
            *ret_reason = lookup.reason;
            return r;
        }
    }
    *ret_spec = take(resolved);
    return 0;
}

bool references_fit(const struct json *resolved, const struct json *spec, const struct runtimes *runtimes,
                    struct str *wrong)
{
    struct findings findings = {0};

    /* Against the declared spec, of which everything else was judged: only the environment differs. */
    check_spec(&(struct check){.spec = resolved, .old_spec = spec, .runtimes = runtimes, .today = ""},
               &findings);
    for (size_t i = 0; i < findings.count && !wrong->len; i++)
        if (!findings.items[i].warning && str_starts_with(findings.items[i].field, "spec.environment"))
            str_addf(wrong, "%s: %s", findings.items[i].field, findings.items[i].message);
    findings_done(&findings);
    return !wrong->len;
}

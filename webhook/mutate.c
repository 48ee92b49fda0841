/* Fills in functionName, region and the policies' defaults. mutate(mutate(x)) = mutate(x); every patch
 * applies. Pure. */
#include "webhook/mutate.h"

#include "common/base/mem.h"
#include "common/function/fields.h"

enum { PATCH_MAX_BYTES = 1 << 20 };

/* --- the copy and the patch, always together ------------------------------------------------ */

/* Nothing is copied for a spec that is complete. */
static struct json *writable(struct mutate_result *result)
{
    if (!result->filled)
        result->spec = result->filled = json_copy(result->spec);
    return result->filled;
}

/* The key as a part of a JSON Pointer. */
static void add_pointer(struct str *out, const char *key)
{
    _cleanup_(str_done) struct str escaped = STR_INIT(PATCH_MAX_BYTES);

    for (; *key; key++)
        if (*key == '~' || *key == '/')
            str_add(&escaped, *key == '~' ? "~0" : "~1");
        else
            str_add_bytes(&escaped, key, 1);
    str_addf(out, "/%s", str_text(&escaped));
}

/* `path` is dotted; `key` may hold any character, NULL: none. */
static void add_operation(struct mutate_result *result, const char *operation, const char *path, size_t len,
                          const char *key, const struct json *value)
{
    _cleanup_(str_done) struct str pointer = STR_INIT(PATCH_MAX_BYTES);

    str_add(&pointer, "/spec/");
    for (size_t i = 0; i < len; i++)
        str_add_bytes(&pointer, path[i] == '.' ? "/" : &path[i], 1);
    if (key)
        add_pointer(&pointer, key);
    str_add(&result->patch, result->patch.len ? "," : "[");
    str_addf(&result->patch, "{\"op\":\"%s\",\"path\":", operation);
    str_add_json(&result->patch, str_text(&pointer));
    str_add(&result->patch, ",\"value\":");
    json_print(value, &result->patch);
    str_add(&result->patch, "}");
}

/* The object at the first `len` characters of the path, made where there is none. */
static struct json *open_object(struct mutate_result *result, const char *path, size_t len)
{
    struct json *at = writable(result);

    for (size_t start = 0; start < len;) {
        size_t end = start + strcspn(path + start, ".");
        _cleanup_(freep) char *key = xstrndup(path + start, end - start);
        bool there = json_type(json_get(at, key)) == JSON_OBJECT;

        at = json_make_object(at, key);
        if (!there)
            add_operation(result, "add", path, end, NULL, at);
        start = end + 1;
    }
    return at;
}

/* Adds a value where there is none, with the objects above it: at the path, or at the key in its map. */
static void fill(void *arg, const char *path, const char *key, const struct json *value)
{
    struct mutate_result *result = arg;
    const char *dot = strrchr(path, '.');
    size_t len = strlen(path);
    struct json *parent = open_object(result, path, key ? len : dot ? (size_t)(dot - path) : 0);

    json_set(parent, key ? key : dot ? dot + 1 : path, json_copy(value));
    add_operation(result, "add", path, len, key, value);
}

static void fill_text(struct mutate_result *result, const char *path, const char *text)
{
    _cleanup_(json_freep) struct json *value = json_new_string(text);

    fill(result, path, NULL, value);
}

static bool absent(const struct mutate_result *result, const char *path)
{
    return json_type(json_at(result->spec, path)) <= JSON_NULL;
}

/* --- what is filled in ---------------------------------------------------------------------- */

/* `kubectl replace` drops what was filled in: what cannot change comes back from the old object. */
static void keep_immutable(const struct json *old_spec, struct mutate_result *result)
{
    for (size_t i = 0; i < field_count; i++) {
        const char *old = fields[i].immutable ? json_str(field_value(&fields[i], old_spec)) : NULL;

        if (old && absent(result, fields[i].path) && field_has_room(result->spec, fields[i].path))
            fill_text(result, fields[i].path, old);
    }
}

const char *mutate_environment(const struct review_facts *facts)
{
    if (facts->policy && facts->policy->environment)
        return facts->policy->environment;
    return facts->environment ? facts->environment : facts->default_environment;
}

static void fill_name(const struct review_request *request, const char *prefix, struct mutate_result *result)
{
    if (!request->name)
        return; /* generateName: there is no name yet, and validation says so */
    _cleanup_(freep) char *name = xasprintf("%s%s", prefix, request->name);

    fill_text(result, "functionName", name);
}

/* Is `name` what was written once, before a prefix was put before it? */
static bool ends_with(const char *name, const char *written)
{
    size_t len = strlen(name), end = strlen(written);

    return len > end && end > 0 && str_equal(name + len - end, written);
}

/* The manifest that a person keeps has the short name for ever: each time it is applied it means the name
 * that the function has by now, also when the policy's prefix has changed since. */
static void prepend(const char *old, const char *prefix, struct mutate_result *result)
{
    const char *written = json_str_at(result->spec, "functionName");

    if (!written || !*written || str_starts_with(written, prefix) || str_equal(written, old))
        return;
    _cleanup_(freep) char *name =
        old && ends_with(old, written) ? xstrdup(old) : xasprintf("%s%s", prefix, written);
    _cleanup_(json_freep) struct json *value = json_new_string(name);

    add_operation(result, "replace", "functionName", strlen("functionName"), NULL, value);
    json_set(writable(result), "functionName", json_copy(value));
}

void mutate(const struct review_request *request, const struct review_facts *facts,
            struct mutate_result *ret_result)
{
    const struct json *spec = json_get(request->object, "spec");
    const struct json *old_spec = json_get(request->old_object, "spec");
    struct mutate_result result = {.spec = spec, .patch = STR_INIT(PATCH_MAX_BYTES)};
    _cleanup_(freep) char *prefix =
        policy_prefix(facts->policy ? facts->policy->names : NULL, mutate_environment(facts));

    /* No patch on a wrong type, which the checks report, nor on an object that is going away. */
    if (json_type(spec) == JSON_OBJECT && !json_at(request->object, "metadata.deletionTimestamp")) {
        keep_immutable(old_spec, &result);
        if (absent(&result, "functionName"))
            fill_name(request, prefix, &result);
        else if (facts->policy && facts->policy->prepend)
            prepend(json_str_at(old_spec, "functionName"), prefix, &result);
        if (facts->policy)
            policy_each_default(facts->policy->defaults, &result.spec, fill, &result);
        if (absent(&result, "region") && facts->default_region)
            fill_text(&result, "region", facts->default_region);
        if (result.patch.len)
            str_add(&result.patch, "]");
        if (result.patch.overflow) /* half a patch is none; what is missing is then refused */
            str_clear(&result.patch);
    }
    *ret_result = result;
}

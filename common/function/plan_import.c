/* From what AWS has to the spec that declares just that. Pure. */
#include "common/function/plan_import.h"

#include "common/base/mem.h"
#include "common/function/plan_attached.h"
#include "common/function/plan_event_sources.h"
#include "common/function/plan_parts.h"
#include "common/function/plan_permissions.h"

#include <ctype.h>

enum { NAME_MAX_BYTES = 63 }; /* of a label, as the owner tag and status take it */

struct json *plan_import_code(const struct json *observed)
{
    static const char *const names[][2] = {
        {"S3Bucket", "bucket"}, {"S3Key", "key"}, {"S3ObjectVersion", "versionId"}};
    const struct json *object = json_at(observed, "Code.ResolvedS3Object");
    struct json *code = json_new_object();

    json_set_str(code, "imageUri", json_str_at(observed, "Code.ImageUri"));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_set_str(code, names[i][1], json_str(json_get(object, names[i][0])));
    if (json_get(code, "key"))
        json_set_str(code, "storageMode", "REFERENCE");
    return code;
}

/* The items of a list of objects: from the request's members to the spec's. Takes the list over. */
static struct json *declared_items(const struct field *list, struct json *value)
{
    struct json *items = json_new_array();

    for (const struct json *item = json_first(value); item; item = json_next(item)) {
        struct json *made = json_new_object();

        for (size_t i = 0; i < field_count; i++) {
            const char *path = field_path_in(&fields[i], list);
            const struct json *member = path && fields[i].member && fields[i].type != FIELD_OBJECT
                                            ? json_at(item, fields[i].member)
                                            : NULL;
            if (member && fields[i].type == FIELD_OBJECTS)
                json_set_at(made, path, declared_items(&fields[i], json_copy(member)));
            else if (member)
                json_set_at(made, path, json_copy(member));
        }
        json_append(items, made);
    }
    json_free(value);
    return items;
}

/* Takes the map over. */
static struct json *own_tags(struct json *tags)
{
    struct json *own = json_new_object();

    for (const struct json *tag = json_first(tags); tag && json_key(tag); tag = json_next(tag))
        if (!str_starts_with(json_key(tag), "aws:") && !str_starts_with(json_key(tag), "kubelambda.io/"))
            json_set(own, json_key(tag), json_copy(tag));
    json_free(tags);
    return own;
}

/* NULL: it is not there, is AWS's default, or cannot be declared for such a function. */
static struct json *import_value(const struct field *field, const struct plan_input *input)
{
    _cleanup_(json_freep) struct json *unset = field_unset(field, input->spec);
    _cleanup_(json_freep) struct json *value = NULL;

    if (!field->member || field->type == FIELD_OBJECT || !field_path_in(field, NULL) ||
        plan_attached_of(field->call) || field->forbidden & field_packages(input->spec))
        return NULL;
    if (field->only_path) {
        _cleanup_(json_freep) struct json *other = value_observed(field_find(field->only_path), input);

        if (!str_equal(json_str(other), field->only_value))
            return NULL;
    }
    value = value_observed(field, input);
    if (field->call == CALL_TAGS)
        value = own_tags(take(value));
    if (json_type(value) <= JSON_NULL || json_equal(value, unset))
        return NULL;
    return field->type == FIELD_OBJECTS ? declared_items(field, take(value)) : take(value);
}

/* --- what hangs on the function -------------------------------------------------------------- */

/* NULL: it is not there, or is what AWS has anyway. `plain` has AWS's defaults. */
static struct json *attached_value(const struct field *field, const struct json *have,
                                   const struct json *plain)
{
    const struct json *value = json_at(have, field->member);
    _cleanup_(json_freep) struct json *unset = field_unset(field, NULL);
    bool same = !field->immutable && json_equal(value, json_at(plain, field->member));

    if (json_type(value) <= JSON_NULL || same || json_equal(value, unset))
        return NULL;
    if (field->type == FIELD_MAP) {
        struct json *tags = own_tags(json_copy(value));

        if (json_size(tags) > 0)
            return tags;
        json_free(tags);
        return NULL;
    }
    return field->type == FIELD_OBJECTS ? declared_items(field, json_copy(value)) : json_copy(value);
}

static struct json *attached_item(const struct plan_attached *kind, const struct json *have)
{
    _cleanup_(json_freep) struct json *plain = json_new_object();
    struct json *item = json_new_object();

    json_set_str(plain, "EventSourceArn", json_str(json_get(have, "EventSourceArn")));
    kind->complete(plain);
    for (size_t i = 0; i < field_count; i++) {
        struct json *value =
            fields[i].call == kind->call && fields[i].member ? attached_value(&fields[i], have, plain) : NULL;

        if (value)
            json_set_at(item, plan_attached_path(kind, &fields[i]), value);
    }
    return item;
}

/* Two sources may have names that end alike. Takes the name over. */
static char *free_name(const struct json *items, char *name)
{
    _cleanup_(freep) char *plain = xstrdup(name);
    int number = 2;

    for (const struct json *item = json_first(items); item; item = json_next(item)) {
        if (!str_equal(json_str(json_get(item, "name")), name))
            continue;
        free(name);
        name = xasprintf("%.59s-%d", plain, number++);
    }
    return name;
}

static void import_attached(const struct plan_attached *kind, const struct json *observed, struct json *spec)
{
    _cleanup_(json_freep) struct json *items = json_new_array();

    for (const struct json *have = json_first(json_get(observed, kind->answer)); have;
         have = json_next(have)) {
        const char *sid = json_str(json_get(have, "StatementId"));

        /* A statement without a principal is none that can be declared. */
        if (sid && (!json_get(have, "Principal") || str_starts_with(sid, PERMISSION_OURS)))
            continue;
        struct json *item = attached_item(kind, have);
        _cleanup_(freep) char *name = kind->by_tag ? free_name(items, source_name(have)) : NULL;

        if (!kind->key) {
            if (!str_equal(json_key(have), ATTACHED_LATEST))
                json_set_str(item, "qualifier", json_key(have));
            json_set(spec, kind->path, item);
            continue;
        }
        json_set_str(item, "name", name);
        json_append(items, item);
    }
    if (json_size(items) > 0)
        json_set(spec, kind->path, take(items));
}

struct json *plan_import(const struct json *observed, const struct json *code, const char *region,
                         struct str *comments)
{
    struct json *spec = json_new_object();
    const struct plan_input input = {.spec = spec, .deployed = code, .observed = observed};

    json_set_str(spec, "functionName", json_str_at(observed, "Configuration.FunctionName"));
    json_set_str(spec, "region", region);
    for (size_t i = 0; i < field_count; i++) { /* packageType is among the first: what follows asks for it */
        struct json *value = import_value(&fields[i], &input);

        if (value)
            json_set_at(spec, fields[i].path, value);
    }
    json_set(spec, "aliases", aliases_import(observed, comments));
    for (size_t i = 0; i < plan_attached_count; i++)
        import_attached(&plan_attached[i], observed, spec);
    json_set_str(spec, "adoptionPolicy", "Adopt");
    return spec;
}

char *plan_import_name(const char *function_name, const char *strip)
{
    const char *from = function_name;
    size_t len = 0;

    if (strip && str_starts_with(from, strip))
        from += strlen(strip);
    char *name = xstrdup(from);

    for (const char *c = from; *c && len < NAME_MAX_BYTES; c++) {
        char lower = (char)tolower((unsigned char)*c);
        bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');

        if (plain || len > 0) /* it begins with a letter or a digit, and ends with one */
            name[len++] = (char)(plain ? lower : '-');
    }
    while (len > 0 && name[len - 1] == '-')
        len--;
    name[len] = '\0';
    if (len > 0)
        return name;
    free(name);
    return xstrdup("function");
}

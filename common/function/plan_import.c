/* From what AWS has to the spec that declares just that. Pure. */
#include "common/function/plan_import.h"

#include "common/base/mem.h"
#include "common/function/plan_attached.h"
#include "common/function/plan_parts.h"

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

struct json *import_items(const struct field *list, struct json *value)
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
                json_set_at(made, path, import_items(&fields[i], json_copy(member)));
            else if (member)
                json_set_at(made, path, json_copy(member));
        }
        json_append(items, made);
    }
    json_free(value);
    return items;
}

struct json *import_tags(struct json *tags)
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
        value = import_tags(take(value));
    if (json_type(value) <= JSON_NULL || json_equal(value, unset))
        return NULL;
    return field->type == FIELD_OBJECTS ? import_items(field, take(value)) : take(value);
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
    import_attached(observed, spec, comments);
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

/* From a spec to what AWS would show of it: the way back of plan_values.c. Pure. */
#include "common/base/mem.h"
#include "common/function/plan_attached.h"
#include "common/function/plan_parts.h"

/* A list of texts as the objects in which the answer shows them. Takes the list over. */
static struct json *as_objects(const struct field *field, struct json *list)
{
    struct json *objects = json_new_array();

    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        struct json *object = json_new_object();

        json_set(object, field->observed_item, json_copy(item));
        json_append(objects, object);
    }
    json_free(list);
    return objects;
}

struct json *plan_observed_from(const struct json *spec, const char *owner, const char *code_sha256)
{
    struct json *observed = json_new_object();
    struct json *configuration = json_make_object(observed, "Configuration");

    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];
        struct json *value = field->member && field->type != FIELD_OBJECT && !field->deployed &&
                                     !plan_attached_of(field->call) && field_path_in(field, NULL)
                                 ? value_declared(field, spec)
                                 : NULL;

        if (!value)
            continue;
        _cleanup_(freep) char *path = value_observed_path(field);

        json_set_at(observed, path, field->observed_item ? as_objects(field, value) : value);
    }
    for (size_t i = 0; i < plan_attached_count; i++)
        json_set(observed, plan_attached[i].answer, plan_attached_wanted(&plan_attached[i], spec, owner));
    json_set_str(configuration, "CodeSha256", code_sha256);
    json_set_str(json_make_object(observed, "Tags"), PLAN_OWNER_TAG, owner);
    return observed;
}

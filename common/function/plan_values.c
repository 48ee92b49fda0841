/* Values as they are declared and as AWS shows them, brought into one form to be compared. Pure. */
#include "common/base/mem.h"
#include "common/function/plan_parts.h"

bool plan_lists(const struct json *list, const char *text)
{
    for (const struct json *item = json_first(list); item; item = json_next(item))
        if (str_equal(json_str(item), text))
            return true;
    return false;
}

bool value_shares_member(const struct field *a, const struct field *b)
{
    size_t len = strcspn(a->member, ".");

    return a->call == b->call && b->member && strcspn(b->member, ".") == len &&
           strncmp(a->member, b->member, len) == 0;
}

void value_put(struct json *body, const char *member, struct json *value)
{
    const char *dot = strrchr(member, '.');

    if (json_type(value) != JSON_NULL) {
        json_set_at(body, member, value);
        return;
    }
    json_free(value);
    if (!dot)
        return;
    _cleanup_(freep) char *parent = xstrndup(member, (size_t)(dot - member));

    if (!json_at(body, parent))
        json_set_at(body, parent, json_new_object());
}

static struct json *items_of(const struct field *list, const struct json *value, bool declared);

struct json *value_in_item(const struct field *field, const struct json *value, bool declared)
{
    return field->type == FIELD_OBJECTS ? items_of(field, value, declared) : json_copy(value);
}

/* The items of a list of objects with the members that the table knows, each under the request's name; found
 * under the spec's name or the request's. AWS's defaults are left out: an answer may spell them out. */
static struct json *items_of(const struct field *list, const struct json *value, bool declared)
{
    struct json *items = json_new_array();

    for (const struct json *item = json_first(value); item; item = json_next(item)) {
        struct json *made = json_new_object();

        for (size_t i = 0; i < field_count; i++) {
            const char *path = field_path_in(&fields[i], list);

            if (!path || !fields[i].member || fields[i].type == FIELD_OBJECT)
                continue;
            const struct json *member = json_at(item, declared ? path : fields[i].member);
            _cleanup_(json_freep) struct json *unset = field_unset(&fields[i], NULL);

            if (json_type(member) > JSON_NULL && !json_equal(member, unset))
                json_set_at(made, fields[i].member, value_in_item(&fields[i], member, declared));
        }
        json_append(items, made);
    }
    return items;
}

struct json *value_declared(const struct field *field, const struct json *spec)
{
    const struct json *value = field_value(field, spec);

    return json_type(value) <= JSON_NULL ? NULL : value_in_item(field, value, true);
}

bool value_ours(const struct field *field, const struct plan_input *input)
{
    return plan_lists(input->managed, field->path);
}

struct json *value_wanted(const struct field *field, const struct plan_input *input, bool ours)
{
    if (field->only_path) {
        const struct field *other = field_find(field->only_path);
        _cleanup_(json_freep) struct json *value = value_wanted(other, input, value_ours(other, input));

        if (!str_equal(json_str(value), field->only_value))
            return NULL;
    }
    struct json *declared = value_declared(field, input->spec);

    return declared || !ours ? declared : field_unset(field, input->spec);
}

char *value_observed_path(const struct field *field)
{
    const struct plan_side *side = plan_side_of(field->call);

    return field->observed ? xstrdup(field->observed)
                           : xasprintf("%s.%s", side ? side->answer : "Configuration", field->member);
}

struct json *value_observed(const struct field *field, const struct plan_input *input)
{
    _cleanup_(freep) char *path = value_observed_path(field);
    const struct json *value =
        field->deployed ? json_get(input->deployed, field->deployed) : json_at(input->observed, path);
    struct json *list;

    if (json_type(value) <= JSON_NULL)
        return field_unset(field, input->spec);
    if (!field->observed_item)
        return value_in_item(field, value, false);
    list = json_new_array();
    for (const struct json *item = json_first(value); item; item = json_next(item))
        if (json_get(item, field->observed_item))
            json_append(list, json_copy(json_get(item, field->observed_item)));
    return list;
}

static bool holds_all(const struct json *list, const struct json *items)
{
    for (const struct json *item = json_first(items); item; item = json_next(item))
        if (!plan_lists(list, json_str(item)))
            return false;
    return true;
}

bool value_same(const struct field *field, const struct json *want, const struct json *have)
{
    return json_equal(want, have) || (field->any_order && holds_all(want, have) && holds_all(have, want));
}

bool value_differs(const struct field *field, const struct plan_input *input, bool ours)
{
    _cleanup_(json_freep) struct json *want = value_wanted(field, input, ours);
    _cleanup_(json_freep) struct json *have = value_observed(field, input);

    return want && !(json_type(want) == JSON_NULL && !have) && !value_same(field, want, have);
}

/* Differences by the same comparison that makes the steps of a plan. Pure. */
#include "common/function/differences.h"

#include "common/base/mem.h"
#include "common/function/plan_parts.h"

/* Takes both values over. */
static void add(struct plan_differences *list, char *path, struct json *before, struct json *after,
                bool secret)
{
    list->items = xrealloc(list->items, (list->count + 1) * sizeof(*list->items));
    list->items[list->count++] = (struct plan_difference){path, before, after, secret};
}

/* JSON's null stands for "no such member". */
static struct json *absent_as_null(struct json *value)
{
    if (json_type(value) > JSON_NULL)
        return value;
    json_free(value);
    return NULL;
}

/* Tags are managed one by one. */
static void add_tags(const struct plan_input *input, struct plan_differences *list)
{
    const struct json *declared = json_get(input->spec, "tags"), *have = json_get(input->observed, "Tags");

    for (const struct json *tag = json_first(declared); tag && json_key(tag); tag = json_next(tag)) {
        const struct json *now = json_get(have, json_key(tag));

        if (!json_equal(tag, now))
            add(list, xasprintf("tags[%s]", json_key(tag)), now ? json_copy(now) : NULL, json_copy(tag),
                false);
    }
    for (const struct json *path = json_first(input->managed); path; path = json_next(path)) {
        const char *text = json_str(path);
        const char *key = text && str_starts_with(text, "tags.") ? text + strlen("tags.") : NULL;
        const struct json *now = key ? json_get(have, key) : NULL;

        if (now && !json_get(declared, key))
            add(list, xasprintf("tags[%s]", key), json_copy(now), NULL, false);
    }
}

static bool is_side_ours(const struct field *field, const struct plan_input *input, bool *ret_side)
{
    const struct plan_side *side = plan_side_of(field->call);

    *ret_side = side != NULL;
    return side && plan_side_ours(side, input->spec, input->managed);
}

static void add_field(const struct field *field, const struct plan_input *input,
                      struct plan_differences *list)
{
    bool side, ours = is_side_ours(field, input, &side);

    /* What is below a list's items is compared with the list. */
    if (!field->member || field->type == FIELD_OBJECT || strstr(field->path, "[]"))
        return;
    if (!input->observed) {
        struct json *value = absent_as_null(json_copy(field_value(field, input->spec)));

        if (value)
            add(list, xstrdup(field->path), NULL, value, field->secret);
        return;
    }
    if (field->call == CALL_NONE || field->call == CALL_TAGS || field->deployed || (side && !ours) ||
        !value_differs(field, input, side || value_ours(field, input)))
        return;
    add(list, xstrdup(field->path), absent_as_null(value_observed(field, input)),
        absent_as_null(value_wanted(field, input, side || value_ours(field, input))), field->secret);
}

void plan_differences(const struct plan_input *input, struct plan_differences *ret_differences)
{
    struct plan_differences list = {0};

    if (input->observed && plan_code_differs(input))
        add(&list, xstrdup("code"), NULL, NULL, false);
    for (size_t i = 0; i < field_count; i++)
        add_field(&fields[i], input, &list);
    if (input->observed)
        add_tags(input, &list);
    *ret_differences = list;
}

void plan_differences_done(struct plan_differences *differences)
{
    for (size_t i = 0; i < differences->count; i++) {
        free(differences->items[i].path);
        json_free(differences->items[i].before);
        json_free(differences->items[i].after);
    }
    free(differences->items);
    *differences = (struct plan_differences){0};
}

/* Differences by the same comparison that makes the steps of a plan. Pure. */
#include "common/function/differences.h"

#include "common/base/mem.h"
#include "common/function/plan_attached.h"
#include "common/function/plan_event_sources.h"
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

static void add_alias(void *arg, const char *name, struct json *before, struct json *after)
{
    if (before && after && json_equal(before, after)) {
        json_free(before);
        json_free(after);
        return;
    }
    add(arg, xasprintf("aliases[%s]", name), before, after, false);
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
    if (!field->member || field->type == FIELD_OBJECT || strstr(field->path, "[]") ||
        plan_attached_of(field->call))
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

/* --- what hangs on the function -------------------------------------------------------------- */

static char *attached_path(const struct plan_attached *kind, const char *key)
{
    return kind->key ? xasprintf("%s[%s]", kind->path, key) : xstrdup(kind->path);
}

/* The members that the table knows; NULL of nothing. */
static struct json *known_members(const struct plan_attached *kind, const struct json *item)
{
    struct json *known = item ? json_new_object() : NULL;

    for (size_t i = 0; i < field_count && known; i++) {
        const struct json *value =
            fields[i].call == kind->call && fields[i].member && !str_equal(fields[i].member, "Tags")
                ? json_at(item, fields[i].member)
                : NULL;

        if (json_type(value) > JSON_NULL)
            json_set_at(known, fields[i].member, json_copy(value));
    }
    return known;
}

static void add_members(const struct plan_attached *kind, const struct json *want, const struct json *have,
                        struct plan_differences *list)
{
    _cleanup_(freep) char *path = attached_path(kind, json_key(want));

    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];

        if (field->call == kind->call && field->member && !str_equal(field->member, "Tags") &&
            plan_attached_value_differs(field, want, have))
            add(list, xasprintf("%s.%s", path, plan_attached_path(kind, field)),
                absent_as_null(plan_attached_value(field, have)),
                absent_as_null(plan_attached_value(field, want)), false);
    }
}

/* A mapping of nobody that the plan takes over, instead of making another. */
static const struct json *adopted(const struct plan_attached *kind, const struct plan_input *input,
                                  const struct json *want)
{
    const struct json *all = json_get(input->observed, kind->answer);

    for (const struct json *one = json_first(all); one && kind->by_tag && plan_adopts(input->spec);
         one = json_next(one))
        if (!json_get(json_get(one, "Tags"), PLAN_OWNER_TAG) && source_same(want, one))
            return one;
    return NULL;
}

static void add_attached(const struct plan_attached *kind, const struct plan_input *input,
                         struct plan_differences *list)
{
    _cleanup_(json_freep) struct json *wanted = plan_attached_wanted(kind, input->spec, input->owner);
    const struct json *all = json_get(input->observed, kind->answer);

    for (const struct json *have = json_first(all); have; have = json_next(have))
        if (!json_get(wanted, json_key(have)) && plan_attached_is_ours(kind, json_key(have), have, input))
            add(list, attached_path(kind, json_key(have)), known_members(kind, have), NULL, false);
    for (const struct json *want = json_first(wanted); want; want = json_next(want)) {
        const struct json *have = json_get(all, json_key(want));

        if (!have)
            have = adopted(kind, input, want);
        if (have && kind->update != PLAN_STEP_KINDS)
            add_members(kind, want, have, list);
        else if (!json_equal(want, have))
            add(list, attached_path(kind, json_key(want)), known_members(kind, have),
                known_members(kind, want), false);
    }
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
    for (size_t i = 0; i < plan_attached_count; i++)
        add_attached(&plan_attached[i], input, &list);
    aliases_compare(input, add_alias, &list);
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

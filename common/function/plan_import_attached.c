/* The way back of what hangs on a function: from its URL, its policy and its mappings to what declares just
 * them. Pure. */
#include "common/base/mem.h"
#include "common/function/plan_attached.h"
#include "common/function/plan_event_sources.h"
#include "common/function/plan_parts.h"
#include "common/function/plan_permissions.h"

struct importing {
    const struct json *observed;
    struct json *spec;
    struct str *comments;
};

/* What AWS says is only shown where it cannot be more than a name. */
static void leave_out(const struct importing *to, const char *path, const char *key, const char *why)
{
    bool plain = key && matches("[a-zA-Z0-9 $/_-]{1,256}", key);

    str_addf(to->comments, "# %s: %s is left out, as %s\n", path, plain ? key : "one", why);
}

/* --- one item ---------------------------------------------------------------------------------- */

/* Is it a statement that comes with a public URL? */
static bool is_ours(const struct json *statement)
{
    const char *sid = json_str(json_get(statement, "StatementId"));

    return sid && str_starts_with(sid, PERMISSION_OURS);
}

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
        struct json *tags = import_tags(json_copy(value));

        if (json_size(tags) > 0)
            return tags;
        json_free(tags);
        return NULL;
    }
    return field->type == FIELD_OBJECTS ? import_items(field, json_copy(value)) : json_copy(value);
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

static bool is_in(const struct json *items, const char *key, const char *value)
{
    for (const struct json *item = json_first(items); item; item = json_next(item))
        if (str_equal(json_str(json_get(item, key)), value))
            return true;
    return false;
}

/* --- each kind --------------------------------------------------------------------------------- */

/* The function's own, else that of an alias. */
static void import_url(const struct importing *to, const struct plan_attached *kind)
{
    const struct json *all = json_get(to->observed, kind->answer), *own = json_get(all, ATTACHED_LATEST);
    const struct json *chosen = own ? own : json_first(all);

    for (const struct json *have = json_first(all); have; have = json_next(have))
        if (have != chosen)
            leave_out(to, kind->path, json_key(have), "a manifest has one URL");
    if (!chosen)
        return;
    struct json *url = attached_item(kind, chosen);

    if (chosen != own)
        json_set_str(url, "qualifier", json_key(chosen));
    json_set(to->spec, kind->path, url);
}

static void import_permission(const struct importing *to, const struct plan_attached *kind,
                              const struct json *have, struct json *items)
{
    const char *key = json_key(have), *slash = strchr(key, '/');
    const char *sid = json_str(json_get(have, "StatementId"));

    if (!json_get(have, "Principal")) {
        leave_out(to, kind->path, key, "it says what no AddPermission can");
    } else if (is_in(items, kind->key, sid)) {
        leave_out(to, kind->path, key, "a manifest has each sid once");
    } else {
        struct json *item = attached_item(kind, have);
        _cleanup_(freep) char *qualifier = slash ? xstrndup(key, (size_t)(slash - key)) : NULL;

        json_set_str(item, "qualifier", qualifier);
        json_append(items, item);
    }
}

/* A name that no source has: of those before it, and of those that keep theirs. */
static char *free_name(const struct json *items, const struct json *all, const struct json *have)
{
    _cleanup_(freep) char *plain = source_name(have);
    char *name = xstrdup(plain);

    for (int number = 2; is_in(items, "name", name) || json_get(all, name); number++) {
        free(name);
        name = xasprintf("%.59s-%d", plain, number);
    }
    return name;
}

/* One that is somebody's already keeps its name: another would be another source. */
static void import_source(const struct importing *to, const struct plan_attached *kind,
                          const struct json *have, struct json *items)
{
    const struct json *all = json_get(to->observed, kind->answer), *tags = json_get(have, "Tags");
    const char *owner = json_str(json_get(tags, PLAN_OWNER_TAG));
    bool named = str_equal(json_str(json_get(tags, ATTACHED_NAME_TAG)), json_key(have));

    if (source_is_leaving(have)) {
        leave_out(to, kind->path, json_key(have), "AWS is deleting it");
    } else if (owner && !named) {
        leave_out(to, kind->path, json_key(have), "it has another owner");
    } else {
        struct json *item = attached_item(kind, have);
        _cleanup_(freep) char *name = named ? xstrdup(json_key(have)) : free_name(items, all, have);

        json_set_str(item, "name", name);
        json_append(items, item);
    }
}

static void import_list(const struct importing *to, const struct plan_attached *kind)
{
    const size_t most = (size_t)field_find(kind->path)->max;
    struct json *items = json_new_array();

    for (const struct json *have = json_first(json_get(to->observed, kind->answer)); have;
         have = json_next(have)) {
        if (is_ours(have))
            continue; /* it comes with the URL */
        if (json_size(items) == most)
            leave_out(to, kind->path, json_key(have), "a manifest takes no more of them");
        else if (kind->by_tag)
            import_source(to, kind, have, items);
        else
            import_permission(to, kind, have, items);
    }
    if (json_size(items) > 0)
        json_set(to->spec, kind->path, items);
    else
        json_free(items);
}

/* --- statements of our own --------------------------------------------------------------------- */

/* A public URL brings statements along. Where one is not there, not everybody may call it, and that must stay
 * so. */
static void keep_closed(const struct importing *to, const struct plan_attached *kind)
{
    _cleanup_(json_freep) struct json *want = plan_attached_wanted(kind, to->spec, NULL);

    for (const struct json *one = json_first(want); one; one = json_next(one)) {
        if (!is_ours(one) || json_equal(one, json_get(json_get(to->observed, kind->answer), json_key(one))))
            continue;
        leave_out(to, "functionUrl", "the public URL",
                  "a statement that lets everybody in is missing; authType: NONE would add it");
        json_set(to->spec, "functionUrl", NULL);
        return;
    }
}

static void tell_stale(const struct importing *to, const struct plan_attached *kind)
{
    _cleanup_(json_freep) struct json *want = plan_attached_wanted(kind, to->spec, NULL);

    for (const struct json *have = json_first(json_get(to->observed, kind->answer)); have;
         have = json_next(have))
        if (is_ours(have) && !json_get(want, json_key(have)))
            leave_out(to, kind->path, json_key(have),
                      "ids that begin with " PERMISSION_OURS " are those of a public URL");
}

void import_attached(const struct json *observed, struct json *spec, struct str *comments)
{
    const struct importing to = {.observed = observed, .spec = spec, .comments = comments};
    const struct plan_attached *permissions = plan_attached_of(CALL_PERMISSIONS);

    import_url(&to, plan_attached_of(CALL_FUNCTION_URL));
    import_list(&to, permissions);
    import_list(&to, plan_attached_of(CALL_EVENT_SOURCES));
    keep_closed(&to, permissions);
    tell_stale(&to, permissions);
}

/* Things of their own that hang on a function: the table, and what is declared of them. Pure. */
#include "common/function/plan_attached.h"

#include "common/base/mem.h"
#include "common/function/plan_event_sources.h"
#include "common/function/plan_parts.h"
#include "common/function/plan_permissions.h"

#define URL "functionUrl"

enum { SHOWN_MAX_BYTES = 256 };

static void complete_url(struct json *item)
{
    if (!json_get(item, "InvokeMode"))
        json_set_str(item, "InvokeMode", "BUFFERED");
}

static int read_url(const struct json *answer, const char *qualifier, const char *owner, struct json *have,
                    struct err *err)
{
    (void)owner;
    (void)err;
    if (json_get(answer, "AuthType"))
        json_set(have, *qualifier ? qualifier : ATTACHED_LATEST, json_copy(answer));
    return 0;
}

const struct plan_attached plan_attached[] = {
    [ATTACHED_URL] = {.call = CALL_FUNCTION_URL,
                      .path = URL,
                      .answer = "FunctionUrls",
                      .create = PLAN_CREATE_URL,
                      .update = PLAN_UPDATE_URL,
                      .remove = PLAN_DELETE_URL,
                      .complete = complete_url,
                      .read = read_url},
    [ATTACHED_PERMISSIONS] = {.call = CALL_PERMISSIONS,
                              .path = "permissions",
                              .key = "sid",
                              .answer = "Permissions",
                              .create = PLAN_ADD_PERMISSION,
                              .update = PLAN_STEP_KINDS,
                              .remove = PLAN_REMOVE_PERMISSION,
                              .qualified_key = true,
                              .add = permission_add_public,
                              .complete = permission_complete,
                              .read = permission_read},
    [ATTACHED_EVENT_SOURCES] = {.call = CALL_EVENT_SOURCES,
                                .path = "eventSources",
                                .key = "name",
                                .answer = "EventSources",
                                .create = PLAN_CREATE_EVENT_SOURCE,
                                .update = PLAN_UPDATE_EVENT_SOURCE,
                                .remove = PLAN_DELETE_EVENT_SOURCE,
                                .by_tag = true,
                                .complete = source_complete,
                                .read = source_read},
};

const size_t plan_attached_count = ARRAY_LEN(plan_attached);

const struct plan_attached *plan_attached_of(enum field_call call)
{
    for (size_t i = 0; i < plan_attached_count; i++)
        if (plan_attached[i].call == call)
            return &plan_attached[i];
    return NULL;
}

const struct plan_attached *plan_attached_by_step(enum plan_step_kind kind)
{
    for (size_t i = 0; i < plan_attached_count; i++)
        if (plan_attached[i].create == kind || plan_attached[i].update == kind ||
            plan_attached[i].remove == kind)
            return &plan_attached[i];
    return NULL;
}

/* --- what is declared --------------------------------------------------------------------- */

const char *plan_attached_path(const struct plan_attached *kind, const struct field *field)
{
    return field->path + strlen(kind->path) + strlen(kind->key ? "[]." : ".");
}

static const char *qualifier_of(const struct json *declared)
{
    const char *qualifier = json_str(json_get(declared, "qualifier"));

    return qualifier ? qualifier : "";
}

/* An item of the spec in the form of the requests. */
static struct json *make_item(const struct plan_attached *kind, const struct json *declared)
{
    struct json *item = json_new_object();

    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];

        if (field->call != kind->call || !field->member)
            continue;
        const struct json *value = json_at(declared, plan_attached_path(kind, field));
        bool is_key = !kind->by_tag && str_equal(field->member, "Qualifier");

        if (json_type(value) > JSON_NULL && !is_key)
            json_set_at(item, field->member, value_in_item(field, value, true));
    }
    if (kind->complete)
        kind->complete(item);
    return item;
}

static char *key_of(const struct plan_attached *kind, const struct json *declared)
{
    const char *qualifier = qualifier_of(declared);
    const char *key = kind->key ? json_str(json_get(declared, kind->key)) : NULL;

    if (!kind->key)
        return xstrdup(*qualifier ? qualifier : ATTACHED_LATEST);
    return kind->qualified_key && key ? permission_key(qualifier, key) : xstrdup(key);
}

static void own(struct json *item, const char *name, const char *owner)
{
    struct json *tags = json_make_object(item, "Tags");

    json_set_str(tags, PLAN_OWNER_TAG, owner);
    json_set_str(tags, ATTACHED_NAME_TAG, name);
}

static void add_wanted(const struct plan_attached *kind, const struct json *declared, const char *owner,
                       struct json *want)
{
    _cleanup_(freep) char *key = key_of(kind, declared);

    if (json_type(declared) != JSON_OBJECT || !key)
        return;
    struct json *item = make_item(kind, declared);

    if (kind->by_tag)
        own(item, key, owner);
    json_set(want, key, item);
}

struct json *plan_attached_wanted(const struct plan_attached *kind, const struct json *spec,
                                  const char *owner)
{
    const struct json *declared = json_get(spec, kind->path);
    struct json *want = json_new_object();

    if (json_type(declared) == JSON_OBJECT)
        add_wanted(kind, declared, owner, want);
    for (const struct json *one = json_type(declared) == JSON_ARRAY ? json_first(declared) : NULL; one;
         one = json_next(one))
        add_wanted(kind, one, owner, want);
    if (kind->add)
        kind->add(spec, want);
    return want;
}

/* --- what status.managed remembers -------------------------------------------------------- */

/* "live/s3" of "permissions.live/s3"; NULL: the entry is of another kind. */
static const char *managed_key(const struct plan_attached *kind, const struct json *entry)
{
    const char *text = json_str(entry);
    size_t len = strlen(kind->path);

    return text && str_starts_with(text, kind->path) && text[len] == '.' ? text + len + 1 : NULL;
}

/* Takes the entry over. */
static void manage(char *text, struct json *list)
{
    _cleanup_(freep) char *entry = text;

    if (!plan_lists(list, entry))
        json_append(list, json_new_string(entry));
}

void plan_attached_manage(const struct json *spec, struct json *list)
{
    for (size_t i = 0; i < plan_attached_count; i++) {
        const struct plan_attached *kind = &plan_attached[i];
        _cleanup_(json_freep) struct json *want = plan_attached_wanted(kind, spec, NULL);

        for (const struct json *item = json_first(want); item; item = json_next(item)) {
            const char *qualifier = kind->by_tag ? json_str(json_get(item, "Qualifier")) : NULL;
            _cleanup_(freep) char *key =
                qualifier && *qualifier ? permission_key(qualifier, json_key(item)) : xstrdup(json_key(item));

            manage(xasprintf("%s.%s", kind->path, key), list);
            for (const struct json *tag = json_first(json_get(item, "Tags")); tag; tag = json_next(tag))
                if (!str_starts_with(json_key(tag), "kubelambda.io/"))
                    manage(xasprintf(ATTACHED_TAGS "%s.%s", json_key(item), json_key(tag)), list);
        }
    }
}

bool plan_attached_ours(const struct plan_attached *kind, const struct json *spec, const struct json *managed)
{
    _cleanup_(json_freep) struct json *want = plan_attached_wanted(kind, spec, NULL);
    bool ours = json_size(want) > 0;

    for (const struct json *entry = json_first(managed); entry && !ours; entry = json_next(entry))
        ours = managed_key(kind, entry) != NULL;
    return ours;
}

static void add_qualifier(struct json *list, const char *key, bool is_url)
{
    const char *slash = strchr(key, '/');
    _cleanup_(freep) char *qualifier = is_url ? xstrdup(str_equal(key, ATTACHED_LATEST) ? "" : key)
                                              : xstrndup(key, slash ? (size_t)(slash - key) : 0);

    if (!plan_lists(list, qualifier))
        json_append(list, json_new_string(qualifier));
}

struct json *plan_attached_qualifiers(const struct plan_attached *kind, const struct json *spec,
                                      const struct json *managed)
{
    _cleanup_(json_freep) struct json *all = managed ? json_copy(managed) : json_new_array();
    struct json *list = json_new_array();

    plan_attached_manage(spec, all);
    for (const struct json *entry = json_first(all); entry; entry = json_next(entry)) {
        const char *key = managed_key(kind, entry);

        if (key)
            add_qualifier(list, key, !kind->key);
    }
    return list;
}

bool plan_attached_is_ours(const struct plan_attached *kind, const char *key, const struct json *have,
                           const struct plan_input *input)
{
    _cleanup_(freep) char *entry = xasprintf("%s.%s", kind->path, key);

    return kind->by_tag ? str_equal(json_str(json_get(json_get(have, "Tags"), PLAN_OWNER_TAG)), input->owner)
                        : plan_lists(input->managed, entry);
}

/* --- what AWS has --------------------------------------------------------------------------- */

struct json *plan_attached_value(const struct field *field, const struct json *item)
{
    const struct json *value = json_at(item, field->member);

    return json_type(value) > JSON_NULL ? value_in_item(field, value, false) : field_unset(field, NULL);
}

/* An answer may spell out that there is nothing, or leave it out. */
static bool is_nothing(const struct json *value)
{
    int64_t number;

    switch (json_type(value)) {
    case JSON_BOOL:
        return !json_is_true(value);
    case JSON_NUMBER:
        return json_int(value, &number) && number == 0;
    case JSON_STRING:
        return !*json_str(value);
    case JSON_ARRAY:
    case JSON_OBJECT:
        return json_size(value) == 0;
    case JSON_ABSENT:
    case JSON_NULL:
        break;
    }
    return true;
}

bool plan_attached_value_differs(const struct field *field, const struct json *want, const struct json *have)
{
    _cleanup_(json_freep) struct json *wanted = plan_attached_value(field, want);
    _cleanup_(json_freep) struct json *had = plan_attached_value(field, have);

    return wanted && !value_same(field, wanted, had) && !(is_nothing(wanted) && is_nothing(had));
}

/* What is longer is none of AWS's, and would be in the way. */
static void set_short(struct json *object, const char *name, const struct json *value)
{
    const char *text = json_str(value);

    if (text && strlen(text) <= SHOWN_MAX_BYTES)
        json_set_str(object, name, text);
}

struct json *plan_attached_status(const struct plan_input *input)
{
    const struct json *sources = json_get(input->observed, "EventSources");
    struct json *status = json_new_object(), *list = json_new_array();

    for (const struct json *url = json_first(json_get(input->observed, "FunctionUrls")); url;
         url = json_next(url))
        set_short(status, URL, json_get(url, "FunctionUrl"));
    for (const struct json *one = json_first(sources); one; one = json_next(one)) {
        if (!plan_attached_is_ours(&plan_attached[ATTACHED_EVENT_SOURCES], json_key(one), one, input))
            continue;
        struct json *shown = json_new_object();

        json_set_str(shown, "name", json_key(one));
        set_short(shown, "uuid", json_get(one, "UUID"));
        set_short(shown, "state", json_get(one, "State"));
        json_append(list, shown);
    }
    if (json_size(list) > 0)
        json_set(status, "eventSources", list);
    else
        json_free(list);
    return status;
}

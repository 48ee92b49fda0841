/* The status: conditions from one phase, and the few members that AWS's answer fills. Pure. */
#include "controller/status.h"

#include "common/base/json_scan.h"
#include "common/base/mem.h"
#include "common/kube/client.h"
#include "controller/history.h"

static const struct {
    const char *type;
    enum status_phase phase; /* in which it is True */
} conditions[] = {
    {"Ready", STATUS_READY},
    {"Reconciling", STATUS_RECONCILING},
    {"Stalled", STATUS_STALLED},
};

/* Members besides the conditions. `observed` is where GetFunction's answer shows them, as texts; or what was
 * `made` of other answers, an object there that has the member in its own form. */
static const struct {
    const char *name, *observed, *made;
} members[] = {
    {"observedGeneration", NULL, NULL},
    {"functionArn", "Configuration.FunctionArn", NULL},
    {"state", "Configuration.State", NULL},
    {"lastUpdateStatus", "Configuration.LastUpdateStatus", NULL},
    {"functionUrl", NULL, "Attached"},
    {"eventSources", NULL, "Attached"},
    {"version", NULL, "Published"},
    {"versions", NULL, "Published"},
    {"aliases", NULL, "Published"},
    {"history", NULL, NULL},
    {"deployed", NULL, NULL},
    {"managed", NULL, NULL},
    {"appliedGeneration", NULL, NULL},
};

static const struct json *find_condition(const struct json *status, const char *type)
{
    for (const struct json *item = json_first(json_get(status, "conditions")); item; item = json_next(item))
        if (str_equal(json_str_at(item, "type"), type))
            return item;
    return NULL;
}

/* Text from elsewhere, at a sensible length; nothing where there is none. */
static void set_text(struct json *object, const char *name, const char *text)
{
    _cleanup_(freep) char *cut = text ? xstrndup(text, utf8_prefix(text, STATUS_MESSAGE_MAX_BYTES)) : NULL;

    json_set_str(object, name, cut);
}

static struct json *make_condition(const struct json *old, const char *type, bool is_true,
                                   const struct status_change *change, const char *now)
{
    struct json *condition = json_new_object();
    const char *status = is_true ? "True" : "False";
    const char *before = json_str_at(old, "status"), *since = json_str_at(old, "lastTransitionTime");
    /* Ready says it all, so that one column suffices; the others speak only when they are True. */
    bool speaks = is_true || str_equal(type, "Ready");

    json_set_str(condition, "type", type);
    json_set_str(condition, "status", status);
    json_set(condition, "observedGeneration", json_new_int(change->generation));
    json_set_str(condition, "lastTransitionTime", since && str_equal(before, status) ? since : now);
    json_set_str(condition, "reason", change->reason);
    set_text(condition, "message", speaks && change->message ? change->message : "");
    return condition;
}

/* None before the first drift: most functions never have one. */
static void add_drift(struct json *list, const struct json *old, const struct status_change *change,
                      const char *now)
{
    const struct json *before = find_condition(old, STATUS_DRIFTED);
    bool is_true = change->drift && !str_equal(change->drift, STATUS_NO_DRIFT);
    struct status_change drift = *change;

    drift.reason = change->drift;
    drift.message = change->drift_message;
    if (change->drift && (is_true || before))
        json_append(list, make_condition(before, STATUS_DRIFTED, is_true, &drift, now));
    else if (before)
        json_append(list, json_copy(before));
}

/* What a newer version remembers there, it needs once it is back. Its conditions do not stay: nobody would
 * keep them true. */
static void keep_unknown(const struct json *old, struct json *status)
{
    for (const struct json *one = json_first(old); one; one = json_next(one)) {
        bool known = str_equal(json_key(one), "conditions");

        for (size_t i = 0; i < ARRAY_LEN(members); i++)
            known = known || str_equal(json_key(one), members[i].name);
        if (!known)
            json_set(status, json_key(one), json_copy(one));
    }
}

struct json *status_make(const struct json *old, const struct status_change *change, const char *now)
{
    struct json *status = json_new_object(), *list = json_new_array();

    keep_unknown(old, status);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *name = members[i].name, *path = members[i].observed;
        const struct json *made = members[i].made ? json_get(change->observed, members[i].made) : NULL;
        bool stays = !change->observed || (!path && !made);
        const struct json *source = stays ? json_get(old, name) : json_get(made, name);

        if (path && !stays)
            set_text(status, name, json_str_at(change->observed, path));
        else if (source)
            json_set(status, name, json_copy(source));
    }
    json_set(status, "observedGeneration", json_new_int(change->generation));
    if (change->deployed)
        json_set(status, "deployed", json_copy(change->deployed));
    if (change->managed)
        json_set(status, "managed", json_copy(change->managed));
    if (change->phase == STATUS_READY && change->deployed)
        json_set(status, "history",
                 history_with(json_get(old, "history"),
                              &(struct history_entry){.time = now,
                                                      .generation = change->generation,
                                                      .deployed = change->deployed,
                                                      .version = json_str_at(status, "version")}));
    if (change->anew)
        json_set(status, "appliedGeneration", NULL);
    if (change->phase == STATUS_READY)
        json_set(status, "appliedGeneration", json_new_int(change->generation));
    else if (change->found && !json_get(status, "appliedGeneration"))
        json_set(status, "appliedGeneration", json_new_int(0));
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
        json_append(list, make_condition(find_condition(old, conditions[i].type), conditions[i].type,
                                         change->phase == conditions[i].phase, change, now));
    add_drift(list, old, change, now);
    json_set(status, "conditions", list);
    return status;
}

static bool member_differs(const struct json *a, const struct json *b, const char *name)
{
    const struct json *x = json_get(a, name), *y = json_get(b, name);

    return json_type(x) != json_type(y) || (x && !json_equal(x, y));
}

static bool condition_differs(const struct json *old, const struct json *status, const char *type)
{
    static const char *const said[] = {"status", "observedGeneration", "reason", "message"};

    for (size_t i = 0; i < ARRAY_LEN(said); i++)
        if (member_differs(find_condition(old, type), find_condition(status, type), said[i]))
            return true;
    return false;
}

bool status_differs(const struct json *old, const struct json *status)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (member_differs(old, status, members[i].name))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
        if (condition_differs(old, status, conditions[i].type))
            return true;
    return condition_differs(old, status, STATUS_DRIFTED);
}

bool status_is_news(const struct json *old, const struct status_change *change)
{
    const char *drift = str_equal(change->drift, STATUS_NO_DRIFT) ? NULL : change->drift;

    return !str_equal(status_reason(old), change->reason) ||
           !status_is(old, conditions[change->phase].type, change->generation) ||
           (change->drift && !str_equal(status_drift(old), drift));
}

bool status_is(const struct json *status, const char *type, int64_t generation)
{
    const struct json *condition = find_condition(status, type);

    return str_equal(json_str_at(condition, "status"), "True") &&
           json_int_at(condition, "observedGeneration", -1) == generation &&
           json_int_at(status, "observedGeneration", -1) == generation;
}

enum status_phase status_phase(const struct json *status)
{
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
        if (str_equal(json_str_at(find_condition(status, conditions[i].type), "status"), "True"))
            return conditions[i].phase;
    return STATUS_RECONCILING;
}

const char *status_reason(const struct json *status)
{
    return json_str_at(find_condition(status, "Ready"), "reason");
}

const char *status_drift(const struct json *status)
{
    const struct json *condition = find_condition(status, STATUS_DRIFTED);

    return str_equal(json_str_at(condition, "status"), "True") ? json_str_at(condition, "reason") : NULL;
}

struct json *status_patch(const struct json *metadata, const char *resource_version,
                          const struct json *status)
{
    static const char *const identity[] = {"name", "namespace", "uid"};
    struct json *patch = json_new_object();
    struct json *into = json_make_object(patch, "metadata");

    json_set_str(patch, "apiVersion", KUBE_API_VERSION);
    json_set_str(patch, "kind", "LambdaFunction");
    for (size_t i = 0; i < ARRAY_LEN(identity); i++)
        json_set_str(into, identity[i], json_str_at(metadata, identity[i]));
    json_set_str(into, "resourceVersion", resource_version);
    json_set(patch, "status", json_copy(status));
    return patch;
}

/* Lists page by page, and what is kept for each alias by a call for each. No state; `known` is the caller's.
 */
#include "controller/versions.h"

#include "common/base/mem.h"

enum { PAGES_MAX = 200 }; /* of 50; a function with more than 10,000 versions is not understood */

/* --- reading -------------------------------------------------------------------------------- */

/* One page into the list; *ret_marker NULL after the last. */
static int read_page(struct aws *aws, const struct lambda_call *call, const char *member, struct json *list,
                     char **ret_marker, struct err *err)
{
    _cleanup_(json_freep) struct json *answer = NULL;
    int r = lambda_call(aws, call, &answer, err);

    if (r < 0)
        return r;
    for (const struct json *item = json_first(json_get(answer, member)); item; item = json_next(item)) {
        bool version = call->operation == LAMBDA_LIST_VERSIONS_BY_FUNCTION;
        struct json *seen = version ? version_seen(item) : json_copy(item);

        if (seen)
            json_append(list, seen);
    }
    *ret_marker = xstrdup(json_str_at(answer, "NextMarker"));
    return 0;
}

static int read_list(struct aws *aws, const struct lambda_call *like, enum lambda_operation operation,
                     const char *member, struct json **ret_list, struct err *err)
{
    _cleanup_(json_freep) struct json *list = json_new_array();
    _cleanup_(freep) char *marker = NULL;

    for (int pages = 0; pages < PAGES_MAX; pages++) {
        const struct sign_query query = {"Marker", marker};
        struct lambda_call call = *like;
        char *next = NULL;

        call.operation = operation;
        call.query = &query;
        call.query_count = marker != NULL;
        int r = read_page(aws, &call, member, list, &next, err);

        if (r < 0)
            return r;
        free(marker);
        marker = next;
        if (!marker || !*marker)
            break;
    }
    *ret_list = take(list);
    return 0;
}

static int ensure_list(struct aws *aws, const struct lambda_call *like, enum lambda_operation operation,
                       const char *member, struct json *known, enum lambda_operation *ret_failed,
                       struct err *err)
{
    struct json *list = NULL;

    if (json_get(known, member))
        return 0;
    *ret_failed = operation;
    int r = read_list(aws, like, operation, member, &list, err);

    if (r == 0)
        json_set(known, member, list);
    if (r == 0 && operation == LAMBDA_LIST_VERSIONS_BY_FUNCTION)
        json_set(known, member, versions_oldest_first(json_get(known, member)));
    return r;
}

static bool is_known(const struct json *aliases, const char *name)
{
    for (const struct json *alias = json_first(aliases); alias; alias = json_next(alias))
        if (str_equal(json_str_at(alias, "Name"), name))
            return true;
    return false;
}

/* What AWS keeps for each alias that has it; there being none is an answer, too. */
static int ensure_parts(struct aws *aws, const struct lambda_call *like, enum lambda_operation operation,
                        const char *member, const struct json *names, struct json *known,
                        enum lambda_operation *ret_failed, struct err *err)
{
    struct json *parts = json_make_object(known, member);

    for (const struct json *name = json_first(names); name; name = json_next(name)) {
        const struct json *have = json_get(parts, json_str(name));
        struct lambda_call call = *like;
        struct json *answer = NULL;

        if (have && !str_equal(json_str_at(have, "Status"), "IN_PROGRESS"))
            continue;
        if (!is_known(json_get(known, ALIASES), json_str(name))) {
            json_set(parts, json_str(name), json_new_object());
            continue;
        }
        call.operation = *ret_failed = operation;
        call.item = json_str(name);
        int r = lambda_call(aws, &call, &answer, err);

        if (r < 0 && r != ERR_NOT_FOUND)
            return r;
        json_set(parts, json_str(name), answer ? answer : json_new_object());
    }
    return 0;
}

static int ensure_kept(struct aws *aws, const struct lambda_call *like, const struct json *provisioned,
                       const struct json *invoke, struct json *known, enum lambda_operation *ret_failed,
                       struct err *err)
{
    int r = ensure_parts(aws, like, LAMBDA_GET_PROVISIONED_CONCURRENCY_CONFIG, PROVISIONED, provisioned,
                         known, ret_failed, err);

    return r < 0 ? r
                 : ensure_parts(aws, like, LAMBDA_GET_FUNCTION_EVENT_INVOKE_CONFIG, ALIAS_INVOKE, invoke,
                                known, ret_failed, err);
}

/* The snapshot of a version is made after it was published. */
static int refresh_pending(struct aws *aws, const struct lambda_call *like, struct json *known,
                           enum lambda_operation *ret_failed, struct err *err)
{
    struct json *list = json_new_array();
    int r = 0;

    for (const struct json *version = json_first(json_get(known, VERSIONS)); version && r == 0;
         version = json_next(version)) {
        _cleanup_(json_freep) struct json *answer = NULL;
        struct lambda_call call = *like;

        if (str_equal(json_str_at(version, "State"), "Pending")) {
            call.operation = *ret_failed = LAMBDA_GET_FUNCTION;
            call.item = json_str_at(version, "Version");
            r = lambda_call(aws, &call, &answer, err);
        }
        struct json *seen = version_seen(json_get(answer, "Configuration"));

        json_append(list, seen ? seen : json_copy(version));
    }
    if (r == 0)
        json_set(known, VERSIONS, take(list));
    json_free(list);
    return r;
}

int versions_read(struct aws *aws, const struct lambda_call *like, const struct json *spec,
                  const struct json *managed, struct json *known, enum lambda_operation *ret_failed,
                  struct err *err)
{
    _cleanup_(json_freep) struct json *provisioned = aliases_with(spec, managed, "provisionedConcurrency");
    _cleanup_(json_freep) struct json *invoke = aliases_with(spec, managed, "asyncInvoke");
    int r;

    if (!versions_matter(spec, managed))
        return 0;
    r = ensure_list(aws, like, LAMBDA_LIST_VERSIONS_BY_FUNCTION, VERSIONS, known, ret_failed, err);
    if (r == 0)
        r = refresh_pending(aws, like, known, ret_failed, err);
    if (r == 0)
        r = ensure_list(aws, like, LAMBDA_LIST_ALIASES, ALIASES, known, ret_failed, err);
    return r < 0 ? r : ensure_kept(aws, like, provisioned, invoke, known, ret_failed, err);
}

int versions_read_aliases(struct aws *aws, const struct lambda_call *like, struct json *known,
                          enum lambda_operation *ret_failed, struct err *err)
{
    _cleanup_(json_freep) struct json *names = json_new_array();
    int r = ensure_list(aws, like, LAMBDA_LIST_ALIASES, ALIASES, known, ret_failed, err);

    for (const struct json *alias = json_first(json_get(known, ALIASES)); alias; alias = json_next(alias))
        if (json_str_at(alias, "Name"))
            json_append(names, json_new_string(json_str_at(alias, "Name")));
    return r < 0 ? r : ensure_kept(aws, like, names, names, known, ret_failed, err);
}

void versions_read_none(struct json *known)
{
    json_set(known, VERSIONS, json_new_array());
    json_set(known, ALIASES, json_new_array());
}

/* --- following ------------------------------------------------------------------------------ */

/* The list without the item of that name, and with another in its place at the end. */
static void replace(struct json *known, const char *list, const char *member, const char *name,
                    struct json *with)
{
    struct json *made = json_new_array();

    for (const struct json *item = json_first(json_get(known, list)); item; item = json_next(item))
        if (!str_equal(json_str_at(item, member), name))
            json_append(made, json_copy(item));
    if (with)
        json_append(made, with);
    json_set(known, list, made);
}

void versions_stays(struct json *known, const char *number)
{
    struct json *made = json_new_array();

    for (const struct json *item = json_first(json_get(known, VERSIONS)); item; item = json_next(item)) {
        struct json *copy = json_copy(item);

        if (str_equal(json_str_at(item, "Version"), number))
            json_set(copy, VERSION_STAYS, json_new_bool(true));
        json_append(made, copy);
    }
    json_set(known, VERSIONS, made);
}

bool versions_follow(struct json *known, const struct plan_step *step, const struct json *answer)
{
    const char *name = step->item;

    switch ((int)step->kind) {
    case PLAN_PUBLISH:
        replace(known, VERSIONS, "Version", json_str_at(answer, "Version"), version_seen(answer));
        return true;
    case PLAN_CREATE_ALIAS:
    case PLAN_UPDATE_ALIAS:
        replace(known, ALIASES, "Name", name, json_copy(answer));
        if (json_size(json_get(json_get(known, PROVISIONED), name)) == 0)
            return true;
        json_set(json_make_object(known, PROVISIONED), name,
                 NULL); /* AWS provides it anew, for the version */
        return false;
    case PLAN_DELETE_ALIAS:
        replace(known, ALIASES, "Name", name, NULL);
        return true;
    case PLAN_DELETE_VERSION:
        replace(known, VERSIONS, "Version", name, NULL);
        return true;
    case PLAN_PUT_PROVISIONED:
    case PLAN_CLEAR_PROVISIONED:
        json_set(json_make_object(known, PROVISIONED), name, answer ? json_copy(answer) : json_new_object());
        return true;
    case PLAN_PUT_ALIAS_INVOKE:
    case PLAN_CLEAR_ALIAS_INVOKE:
        json_set(json_make_object(known, ALIAS_INVOKE), name, answer ? json_copy(answer) : json_new_object());
        return true;
    default:
        return false;
    }
}

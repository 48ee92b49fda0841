/* Aliases, and what AWS keeps for each: compared in one form, that of the status. Pure. */
#include "common/base/mem.h"
#include "common/function/plan_parts.h"
#include "common/function/versions.h"

#include <ctype.h>
#include <math.h>

#define LIST "aliases"
#define INVOKE "asyncInvoke"

/* --- finding -------------------------------------------------------------------------------- */

static const struct json *find(const struct json *list, const char *member, const char *name)
{
    const struct json *item = json_first(list);

    while (item && !str_equal(json_str(json_get(item, member)), name))
        item = json_next(item);
    return item;
}

static const struct json *declared_alias(const struct json *spec, const char *name)
{
    return find(json_get(spec, LIST), "name", name);
}

static const struct json *observed_alias(const struct plan_input *input, const char *name)
{
    return find(json_get(input->observed, ALIASES), "Name", name);
}

/* The name in "aliases.live" or "aliases.live.asyncInvoke"; the caller frees. */
static char *managed_name(const struct json *path)
{
    const char *text = json_str(path);

    if (!text || !str_starts_with(text, LIST "."))
        return NULL;
    text += strlen(LIST ".");
    return xstrndup(text, strcspn(text, "."));
}

/* Was the alias's member declared before? */
static bool was_declared(const struct json *managed, const char *name, const char *member)
{
    _cleanup_(freep) char *prefix = xasprintf(LIST ".%s.%s", name, member);

    for (const struct json *path = json_first(managed); path; path = json_next(path))
        if (json_str(path) && str_starts_with(json_str(path), prefix))
            return true;
    return false;
}

struct json *aliases_with(const struct json *spec, const struct json *managed, const char *member)
{
    struct json *names = json_new_array();

    for (const struct json *alias = json_first(json_get(spec, LIST)); alias; alias = json_next(alias))
        if (json_type(json_get(alias, member)) > JSON_NULL && json_str_at(alias, "name"))
            json_append(names, json_new_string(json_str_at(alias, "name")));
    for (const struct json *path = json_first(managed); path; path = json_next(path)) {
        _cleanup_(freep) char *name = managed_name(path);

        if (name && was_declared(managed, name, member) && !plan_lists(names, name))
            json_append(names, json_new_string(name));
    }
    return names;
}

/* --- one form ------------------------------------------------------------------------------- */

/* What Latest and Previous mean. */
struct moment {
    const struct plan_input *input;
    const char *current; /* the version of what is declared; NULL: there is none yet */
    bool publishes;      /* it is about to be published */
};

static struct moment moment_of(const struct plan_input *input)
{
    const char *current = versions_current(input);

    return (struct moment){input, current, !current && versions_publishes(input->spec)};
}

/* A number as it is, Latest and Previous as numbers where they are known; the newest stands for a previous
 * one that there is not (yet). */
static const char *resolve(const struct moment *at, const char *version)
{
    bool previous = str_equal(version, "Previous");
    const char *newest = versions_newest(at->input, NULL);

    if (!previous && !str_equal(version, "Latest"))
        return version;
    if (at->publishes) /* what is the latest now will be the previous one */
        return previous ? newest : NULL;
    const char *latest = at->current ? at->current : newest;
    const char *before = previous && latest ? versions_newest(at->input, latest) : NULL;

    return before ? before : latest;
}

static struct json *form(const char *name, const char *version, const char *description,
                         const char *additional, int64_t weight)
{
    struct json *alias = json_new_object();

    json_set_str(alias, "name", name);
    json_set_str(alias, "version", version);
    json_set_str(alias, "description", description && *description ? description : NULL);
    if (additional && weight > 0 && !str_equal(additional, version)) {
        json_set_str(alias, "additionalVersion", additional);
        json_set(alias, "weight", json_new_int(weight));
    }
    return alias;
}

/* As declared: a version that is still to be published has no number yet. */
static struct json *wanted(const struct moment *at, const struct json *declared)
{
    const char *version = json_str_at(declared, "version");
    const struct json *canary = json_first(json_get(declared, "additionalVersions"));
    const char *additional = json_str_at(canary, "version");
    const char *number = resolve(at, version);
    struct json *alias =
        form(json_str_at(declared, "name"), number ? number : version, json_str_at(declared, "description"),
             additional ? resolve(at, additional) : NULL, json_int_at(canary, "weight", 0));

    if (additional && at->publishes && str_equal(additional, "Latest")) {
        json_set_str(alias, "additionalVersion", additional);
        json_set(alias, "weight", json_copy(json_get(canary, "weight")));
    }
    for (size_t i = 0; i < 2; i++) {
        static const char *const members[] = {"provisionedConcurrency", INVOKE};
        const struct json *value = json_get(declared, members[i]);

        if (json_type(value) > JSON_NULL)
            json_set(alias, members[i], json_copy(value));
    }
    return alias;
}

/* The row's path in an alias, where it is part of asyncInvoke; else NULL. */
static const char *invoke_path(const struct field *field)
{
    return str_starts_with(field->path, LIST "[]." INVOKE ".") ? field->path + strlen(LIST "[].") : NULL;
}

/* The answer about asynchronous invocations with the spec's members; NULL: there is nothing. */
static struct json *invoke_shown(const struct json *answer)
{
    struct json *alias = json_new_object();

    for (size_t i = 0; i < field_count; i++) {
        const char *path = invoke_path(&fields[i]);
        const struct json *value = path ? json_at(answer, fields[i].member) : NULL;

        if (json_type(value) > JSON_NULL)
            json_set_at(alias, path, json_copy(value));
    }
    struct json *invoke = json_get(alias, INVOKE) ? json_copy(json_get(alias, INVOKE)) : NULL;

    json_free(alias);
    return invoke;
}

/* As AWS has it; NULL: it has none. */
static struct json *shown(const struct plan_input *input, const char *name)
{
    const struct json *alias = observed_alias(input, name);
    const struct json *canary = json_first(json_at(alias, "RoutingConfig.AdditionalVersionWeights"));
    const struct json *provisioned = json_get(json_get(input->observed, PROVISIONED), name);
    const struct json *requested = json_get(provisioned, "RequestedProvisionedConcurrentExecutions");

    if (!alias)
        return NULL;
    struct json *form_of =
        form(name, json_str_at(alias, "FunctionVersion"), json_str_at(alias, "Description"),
             canary ? json_key(canary) : NULL, lround(json_number(canary, 0) * 100));

    json_set(form_of, "provisionedConcurrency", requested ? json_copy(requested) : NULL);
    json_set(form_of, INVOKE, invoke_shown(json_get(json_get(input->observed, ALIAS_INVOKE), name)));
    return form_of;
}

static bool differs(const struct json *a, const struct json *b, const char *member)
{
    const struct json *x = json_get(a, member), *y = json_get(b, member);

    return (x || y) && !(x && y && json_equal(x, y));
}

static bool points_elsewhere(const struct json *before, const struct json *after)
{
    return differs(before, after, "version") || differs(before, after, "additionalVersion") ||
           differs(before, after, "weight");
}

/* --- back from AWS --------------------------------------------------------------------------- */

/* One that points to $LATEST is none that can be declared. */
static bool is_declarable(const struct json *alias, struct str *comments)
{
    const char *name = json_str_at(alias, "Name"), *version = json_str_at(alias, "FunctionVersion");

    if (!name || !matches(field_find(LIST "[].name")->pattern, name))
        return false;
    if (version && matches("[1-9][0-9]*", version))
        return true;
    str_addf(comments, "# aliases: %s is left out, as it points to no number of a version\n", name);
    return false;
}

/* The canary as the spec has it, in whole percent. */
static void declare_canary(const struct json *alias, struct json *item, struct str *comments)
{
    const struct json *have = json_first(json_at(alias, "RoutingConfig.AdditionalVersionWeights"));
    const char *additional = json_str_at(item, "additionalVersion");
    double percent = json_number(have, 0) * 100;

    if (fabs(percent - (double)lround(percent)) > 1e-6)
        str_addf(comments, "# aliases: %s has a weight of %g %%, which is written as %ld %%\n",
                 json_str_at(item, "name"), percent, lround(percent));
    if (!additional)
        return;
    struct json *list = json_new_array(), *canary = json_new_object();

    json_set_str(canary, "version", additional);
    json_set(canary, "weight", json_copy(json_get(item, "weight")));
    json_append(list, canary);
    json_set(item, "additionalVersions", list);
    json_set(item, "additionalVersion", NULL);
    json_set(item, "weight", NULL);
}

struct json *aliases_import(const struct json *observed, struct str *comments)
{
    const struct plan_input input = {.observed = observed};
    struct json *list = json_new_array();
    int64_t most = field_find(LIST)->max;

    for (const struct json *alias = json_first(json_get(observed, ALIASES)); alias;
         alias = json_next(alias)) {
        if (!is_declarable(alias, comments))
            continue;
        struct json *item = json_size(list) < (size_t)most ? shown(&input, json_str_at(alias, "Name")) : NULL;

        if (item) {
            declare_canary(alias, item, comments);
            json_append(list, item);
        } else {
            str_addf(comments, "# aliases: %s is left out, as a manifest has at most %lld\n",
                     json_str_at(alias, "Name"), (long long)most);
        }
    }
    if (json_size(list) > 0)
        return list;
    json_free(list);
    return NULL;
}

/* --- steps ---------------------------------------------------------------------------------- */

static bool is_number(const char *version)
{
    return version && isdigit((unsigned char)*version);
}

/* "version 7, with 10 % to version 8" */
static char *target_of(const struct json *alias)
{
    const char *version = json_str_at(alias, "version"),
               *additional = json_str_at(alias, "additionalVersion");
    _cleanup_(freep) char *to =
        is_number(version) ? xasprintf("version %s", version) : xstrdup("the new version");

    if (!additional)
        return take(to);
    return xasprintf("%s, with %lld %% to %s%s", to, (long long)json_int_at(alias, "weight", 0),
                     is_number(additional) ? "version " : "",
                     is_number(additional) ? additional : "the new one");
}

static struct json *body_of(const struct json *alias, const struct json *before)
{
    struct json *body = json_new_object();
    const char *description = json_str_at(alias, "description"),
               *additional = json_str_at(alias, "additionalVersion");
    struct json *weights =
        json_make_object(json_make_object(body, "RoutingConfig"), "AdditionalVersionWeights");

    json_set_str(body, "FunctionVersion", json_str_at(alias, "version"));
    json_set_str(body, "Description", description ? description : "");
    if (additional)
        json_set(weights, additional, json_new_number((double)json_int_at(alias, "weight", 0) / 100));
    if (before)
        json_set_str(body, "RevisionId", json_str_at(before, "RevisionId"));
    else
        json_set_str(body, "Name", json_str_at(alias, "name"));
    if (!before && !additional)
        json_set(body, "RoutingConfig", NULL);
    return body;
}

static void add_alias(const struct plan_input *input, const struct json *before, const struct json *after,
                      struct plan *plan)
{
    const char *name = json_str_at(after, "name"), *additional = json_str_at(after, "additionalVersion");
    bool known = is_number(json_str_at(after, "version")) && (!additional || is_number(additional));
    _cleanup_(freep) char *target = target_of(after);
    char *summary = !before                           ? xasprintf("creates the alias %s for %s", name, target)
                    : points_elsewhere(before, after) ? xasprintf("points the alias %s to %s", name, target)
                                                      : xasprintf("changes the alias %s", name);

    (known ? plan_add_item_step
           : plan_add_waiting_step)(plan, before ? PLAN_UPDATE_ALIAS : PLAN_CREATE_ALIAS, name,
                                    body_of(after, before ? observed_alias(input, name) : NULL), summary);
}

struct json *alias_invoke_body(const struct json *alias)
{
    struct json *body = json_new_object();

    for (size_t i = 0; i < field_count; i++) {
        const char *path = invoke_path(&fields[i]);
        const struct json *value = path ? json_at(alias, path) : NULL;

        if (json_type(value) > JSON_NULL)
            json_set_at(body, fields[i].member, json_copy(value));
    }
    return body;
}

static void add_provisioned(const struct plan_input *input, const char *name, const struct json *before,
                            const struct json *after, struct plan *plan)
{
    static const char member[] = "provisionedConcurrency";
    const struct json *count = json_get(after, member);

    if (count && differs(before, after, member)) {
        struct json *body = json_new_object();

        json_set(body, "ProvisionedConcurrentExecutions", json_copy(count));
        plan_add_item_step(plan, PLAN_PUT_PROVISIONED, name, body,
                           xasprintf("changes the provisioned concurrency of the alias %s", name));
    } else if (!count && json_get(before, member) && was_declared(input->managed, name, member)) {
        plan_add_item_step(plan, PLAN_CLEAR_PROVISIONED, name, NULL,
                           xasprintf("removes the provisioned concurrency of the alias %s", name));
    }
}

static void add_invoke(const struct plan_input *input, const char *name, const struct json *before,
                       const struct json *after, struct plan *plan)
{
    if (json_get(after, INVOKE) && differs(before, after, INVOKE))
        plan_add_item_step(plan, PLAN_PUT_ALIAS_INVOKE, name, alias_invoke_body(after),
                           xasprintf("changes asyncInvoke of the alias %s", name));
    else if (!json_get(after, INVOKE) && json_get(before, INVOKE) &&
             was_declared(input->managed, name, INVOKE))
        plan_add_item_step(plan, PLAN_CLEAR_ALIAS_INVOKE, name, NULL,
                           xasprintf("removes asyncInvoke of the alias %s", name));
}

/* Names of ours that are not declared any more; a new list. */
static struct json *left_over(const struct plan_input *input)
{
    struct json *names = json_new_array();

    for (const struct json *path = json_first(input->managed); path; path = json_next(path)) {
        _cleanup_(freep) char *name = managed_name(path);

        if (name && !declared_alias(input->spec, name) && !plan_lists(names, name) &&
            observed_alias(input, name))
            json_append(names, json_new_string(name));
    }
    return names;
}

void plan_add_aliases(const struct plan_input *input, struct plan *plan)
{
    const struct moment now = moment_of(input);

    for (const struct json *alias = json_first(json_get(input->spec, LIST)); alias;
         alias = json_next(alias)) {
        const char *name = json_str_at(alias, "name");
        _cleanup_(json_freep) struct json *after = wanted(&now, alias), *before = shown(input, name);

        if (!now.publishes && !is_number(json_str_at(after, "version"))) {
            if (plan->step_count == 0)
                plan_block(plan, "NoVersion",
                           "the alias %s has nothing to point to: no version has been published; write "
                           "versions.publish: OnChange",
                           name);
            continue;
        }
        if (!before || points_elsewhere(before, after) || differs(before, after, "description"))
            add_alias(input, before, after, plan);
        add_provisioned(input, name, before, after, plan);
        add_invoke(input, name, before, after, plan);
    }
}

void plan_drop_aliases(const struct plan_input *input, struct plan *plan)
{
    _cleanup_(json_freep) struct json *gone = left_over(input);

    for (const struct json *item = json_first(gone); item; item = json_next(item)) {
        const char *name = json_str(item);
        _cleanup_(json_freep) struct json *before = shown(input, name);

        add_provisioned(input, name, before, NULL, plan);
        add_invoke(input, name, before, NULL, plan);
        plan_add_item_step(plan, PLAN_DELETE_ALIAS, name, NULL, xasprintf("deletes the alias %s", name));
    }
}

/* Provisioned concurrency takes minutes, and its own ways to fail. */
void plan_await_aliases(const struct plan_input *input, struct plan *plan)
{
    for (const struct json *alias = json_first(json_get(input->spec, LIST)); alias;
         alias = json_next(alias)) {
        const char *name = json_str_at(alias, "name");
        const struct json *have = json_get(json_get(input->observed, PROVISIONED), name);
        const char *status = json_str_at(have, "Status"), *why = json_str_at(have, "StatusReason");

        if (!json_get(alias, "provisionedConcurrency"))
            continue;
        if (str_equal(status, "FAILED"))
            plan_block(plan, "ProvisionedConcurrencyFailed",
                       "AWS could not provision concurrency for the alias %s: %.300s", name,
                       why ? why : "no reason given");
        else if (str_equal(status, "IN_PROGRESS") && plan->outcome == PLAN_IN_FORCE)
            *plan = (struct plan){.outcome = PLAN_WAIT, .reason = "ProvisioningConcurrency"};
    }
}

/* --- what others are told ------------------------------------------------------------------- */

void aliases_compare(const struct plan_input *input,
                     void (*each)(void *arg, const char *name, struct json *before, struct json *after),
                     void *arg)
{
    const struct moment now = moment_of(input);
    _cleanup_(json_freep) struct json *gone = left_over(input);

    for (const struct json *alias = json_first(json_get(input->spec, LIST)); alias;
         alias = json_next(alias)) {
        const char *name = json_str_at(alias, "name");

        each(arg, name, shown(input, name), wanted(&now, alias));
    }
    for (const struct json *item = json_first(gone); item; item = json_next(item))
        each(arg, json_str(item), shown(input, json_str(item)), NULL);
}

static struct json *provisioned_status(const struct json *answer)
{
    static const char *const members[][2] = {{"requested", "RequestedProvisionedConcurrentExecutions"},
                                             {"available", "AvailableProvisionedConcurrentExecutions"},
                                             {"status", "Status"}};
    struct json *status = json_new_object();

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const struct json *value = json_get(answer, members[i][1]);

        if (json_type(value) > JSON_NULL)
            json_set(status, members[i][0], json_copy(value));
    }
    return status;
}

struct json *aliases_status(const struct plan_input *input)
{
    struct json *list = json_new_array();

    for (const struct json *alias = json_first(json_get(input->spec, LIST)); alias;
         alias = json_next(alias)) {
        const char *name = json_str_at(alias, "name");
        struct json *item = shown(input, name);
        const struct json *provisioned = json_get(json_get(input->observed, PROVISIONED), name);

        if (!item)
            continue;
        json_set(item, "description", NULL);
        json_set(item, INVOKE, NULL);
        json_set(item, "provisionedConcurrency",
                 json_size(provisioned) > 0 ? provisioned_status(provisioned) : NULL);
        json_append(list, item);
    }
    if (json_size(list) > 0)
        return list;
    json_free(list);
    return NULL;
}

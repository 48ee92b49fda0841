/* The steps by which a URL, permissions and event sources follow what is declared. Pure. */
#include "common/base/mem.h"
#include "common/function/plan_attached.h"
#include "common/function/plan_event_sources.h"
#include "common/function/plan_parts.h"

/* One kind of them, as it is wanted and as AWS has it. */
struct attach {
    const struct plan_attached *kind;
    const struct plan_input *input;
    struct plan *plan;
    const struct json *want, *have; /* key → item */
    bool busy;                      /* AWS works on one that has to change */
};

/* "permissions[s3]"; the URL is one only. */
static char *name_of(const struct attach *at, const char *key)
{
    return at->kind->key ? xasprintf("%s[%s]", at->kind->path, key) : xstrdup(at->kind->path);
}

/* Takes over body and summary. `have` NULL: it is made. */
static void add_step(const struct attach *at, enum plan_step_kind step, const char *key,
                     const struct json *have, struct json *body, char *summary)
{
    const char *slash = at->kind->qualified_key ? strchr(key, '/') : NULL;
    const char *uuid = json_str(json_get(have, "UUID"));
    const char *item = !at->kind->key ? NULL : uuid ? uuid : slash ? slash + 1 : key;
    bool is_latest = !at->kind->key && str_equal(key, ATTACHED_LATEST);

    plan_add_item_step(at->plan, step, item, body, summary);
    struct plan_step *added = &at->plan->steps[at->plan->step_count - 1];

    if (slash)
        added->qualifier = xstrndup(key, (size_t)(slash - key));
    else if (!at->kind->key && !is_latest)
        added->qualifier = xstrdup(key);
}

/* --- event sources: those that are somebody else's, and tags -------------------------------- */

/* An alias is part of the function's name there. */
static void name_function(const struct attach *at, struct json *body)
{
    const char *qualifier = json_str(json_get(body, "Qualifier"));
    const char *name = json_str_at(at->input->spec, "functionName");
    _cleanup_(freep) char *full =
        qualifier && *qualifier ? xasprintf("%s:%s", name, qualifier) : xstrdup(name);

    json_set(body, "Qualifier", NULL);
    json_set_str(body, "FunctionName", full);
}

/* Tags that are wanted and not there. */
static struct json *missing_tags(const struct json *want, const struct json *have)
{
    struct json *tags = json_new_object();

    for (const struct json *tag = json_first(json_get(want, "Tags")); tag; tag = json_next(tag))
        if (!json_equal(tag, json_get(json_get(have, "Tags"), json_key(tag))))
            json_set(tags, json_key(tag), json_copy(tag));
    return tags;
}

/* Tags that were declared once and are no more. */
static struct json *stale_tags(const struct attach *at, const struct json *want, const struct json *have)
{
    _cleanup_(freep) char *prefix = xasprintf(ATTACHED_TAGS "%s.", json_key(want));
    struct json *keys = json_new_array();

    for (const struct json *entry = json_first(at->input->managed); entry; entry = json_next(entry)) {
        const char *text = json_str(entry);
        const char *key = text && str_starts_with(text, prefix) ? text + strlen(prefix) : NULL;

        if (key && json_get(json_get(have, "Tags"), key) && !json_get(json_get(want, "Tags"), key))
            json_append(keys, json_new_string(key));
    }
    return keys;
}

static void tag(struct attach *at, const struct json *want, const struct json *have, bool adopts)
{
    _cleanup_(json_freep) struct json *tags = missing_tags(want, have), *stale = stale_tags(at, want, have);
    const char *arn = json_str(json_get(have, "EventSourceMappingArn"));
    _cleanup_(freep) char *name = name_of(at, json_key(want));

    if (json_size(tags) > 0) {
        struct json *body = json_new_object();

        json_set(body, "Tags", take(tags));
        plan_add_item_step(at->plan, PLAN_TAG_EVENT_SOURCE, arn, body,
                           adopts ? xasprintf("takes %s over", name)
                                  : xasprintf("changes the tags of %s", name));
    }
    if (json_size(stale) > 0)
        plan_add_item_step(at->plan, PLAN_UNTAG_EVENT_SOURCE, arn, take(stale),
                           xasprintf("removes tags of %s", name));
}

/* Reads another mapping of the function the same? Then AWS takes no second one. True: nothing can be made
 * for now. */
static bool source_is_taken(struct attach *at, const struct json *want)
{
    for (const struct json *other = json_first(at->have); other; other = json_next(other)) {
        const char *owner = json_str(json_get(json_get(other, "Tags"), PLAN_OWNER_TAG));

        if (!source_same(want, other))
            continue;
        if (source_is_leaving(other) || str_equal(owner, at->input->owner)) {
            at->busy = true; /* it has to go first */
        } else if (!owner && plan_adopts(at->input->spec)) {
            tag(at, want, other, true);
        } else {
            plan_block(at->plan, "EventSourceExists",
                       "the event source mapping %s reads the same as eventSources[%s] for this function and "
                       "was not made by it; %s",
                       json_str(json_get(other, "UUID")), json_key(want),
                       owner ? "remove one of them"
                             : "write adoptionPolicy: Adopt to take it over, or delete it");
        }
        return true;
    }
    return false;
}

/* --- steps ---------------------------------------------------------------------------------- */

static void remove_item(struct attach *at, const struct json *have)
{
    _cleanup_(freep) char *name = name_of(at, json_key(have));

    if (source_is_leaving(have) || source_is_busy(have))
        at->busy = true;
    else
        add_step(at, at->kind->remove, json_key(have), have, NULL, xasprintf("removes %s", name));
}

static void make_item(struct attach *at, const struct json *want)
{
    _cleanup_(freep) char *name = name_of(at, json_key(want));

    if (at->kind->by_tag && source_is_taken(at, want))
        return;
    struct json *body = json_copy(want);

    if (at->kind->by_tag)
        name_function(at, body);
    add_step(at, at->kind->create, json_key(want), NULL, body, xasprintf("adds %s", name));
}

static void replace_item(struct attach *at, const struct json *want, const struct json *have)
{
    if (json_equal(want, have))
        return;
    remove_item(at, have);
    make_item(at, want);
}

/* What differs, with all that shares its member: AWS replaces that as a whole, and what cannot be changed has
 * to be there as it is. */
static void add_members(const struct field *field, const struct json *want, const struct json *have,
                        struct json *body)
{
    for (size_t i = 0; i < field_count; i++) {
        struct json *value = value_shares_member(field, &fields[i])
                                 ? plan_attached_value(&fields[i], fields[i].immutable ? have : want)
                                 : NULL;

        if (value)
            value_put(body, fields[i].member, value);
    }
}

static void change_item(struct attach *at, const struct json *want, const struct json *have)
{
    _cleanup_(json_freep) struct json *body = json_new_object();
    _cleanup_(str_done) struct str names = STR_INIT(4096);
    _cleanup_(freep) char *name = name_of(at, json_key(want));

    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];

        if (field->call != at->kind->call || !field->member || str_equal(field->member, "Tags") ||
            !plan_attached_value_differs(field, want, have))
            continue;
        if (field->immutable) {
            plan_block(at->plan, "EventSourceFixed",
                       "%s of %s cannot be changed in AWS; give the event source another name, so that it is "
                       "made anew",
                       plan_attached_path(at->kind, field), name);
            return;
        }
        str_addf(&names, "%s%s", names.len ? ", " : "", plan_attached_path(at->kind, field));
        add_members(field, want, have, body);
    }
    if (!names.len)
        return;
    if (source_is_busy(have)) {
        at->busy = true;
        return;
    }
    if (json_get(body, "Qualifier"))
        name_function(at, body);
    add_step(at, at->kind->update, json_key(want), have, take(body),
             xasprintf("changes %s of %s", str_text(&names), name));
}

/* What goes, goes first: what comes may need its place. */
static void attach(struct attach *at)
{
    for (const struct json *have = json_first(at->have); have; have = json_next(have))
        if (!json_get(at->want, json_key(have)) &&
            plan_attached_is_ours(at->kind, json_key(have), have, at->input))
            remove_item(at, have);
    for (const struct json *want = json_first(at->want); want; want = json_next(want)) {
        const struct json *have = json_get(at->have, json_key(want));

        if (!have) {
            make_item(at, want);
        } else if (at->kind->update == PLAN_STEP_KINDS) {
            replace_item(at, want, have);
        } else if (source_is_leaving(have)) {
            at->busy = true; /* it has to go first; what comes then need not be like it */
        } else {
            change_item(at, want, have);
            if (at->kind->by_tag)
                tag(at, want, have, false);
            at->busy |= source_is_busy(have);
        }
    }
}

bool plan_add_attached(const struct plan_input *input, struct plan *plan)
{
    bool busy = false;

    for (size_t i = 0; i < plan_attached_count && plan->outcome != PLAN_BLOCKED; i++) {
        const struct plan_attached *kind = &plan_attached[i];

        if (!plan_attached_ours(kind, input->spec, input->managed))
            continue;
        _cleanup_(json_freep) struct json *want = plan_attached_wanted(kind, input->spec, input->owner);
        struct attach at = {.kind = kind,
                            .input = input,
                            .plan = plan,
                            .want = want,
                            .have = json_get(input->observed, kind->answer)};

        attach(&at);
        busy |= at.busy;
    }
    if (plan->step_count > 0) /* what is blocked holds up nothing else */
        plan->outcome = PLAN_STEPS;
    return busy;
}

static void release_item(struct attach *at, const struct json *have)
{
    struct json *keys = json_new_array();
    _cleanup_(freep) char *name = name_of(at, json_key(have));

    json_append(keys, json_new_string(PLAN_OWNER_TAG));
    json_append(keys, json_new_string(ATTACHED_NAME_TAG));
    plan_add_item_step(at->plan, PLAN_UNTAG_EVENT_SOURCE, json_str(json_get(have, "EventSourceMappingArn")),
                       keys, xasprintf("leaves %s behind", name));
}

bool plan_detach(const struct plan_input *input, bool retains, struct plan *plan)
{
    const struct plan_attached *kind = &plan_attached[ATTACHED_EVENT_SOURCES];
    struct attach at = {
        .kind = kind, .input = input, .plan = plan, .have = json_get(input->observed, kind->answer)};

    for (const struct json *have = json_first(at.have); have; have = json_next(have)) {
        if (!plan_attached_is_ours(kind, json_key(have), have, input))
            continue;
        if (retains)
            release_item(&at, have);
        else if (!source_is_leaving(have)) /* which needs nothing more, also not the function */
            remove_item(&at, have);
    }
    return at.busy;
}

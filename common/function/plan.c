/* Desired against observed, driven by the table of fields. Pure. */
#include "common/function/plan.h"

#include "common/base/mem.h"
#include "common/function/plan_attached.h"
#include "common/function/plan_parts.h"

#include <stdarg.h>
#include <stdio.h>

/* --- looking ------------------------------------------------------------------------------ */

static bool is_code(const struct field *field)
{
    return field->member && str_starts_with(field->member, "Code.");
}

/* An image tells by itself where nothing is known to have been deployed: by its tag, or the digest behind it.
 */
static bool runs_image(const struct plan_input *input)
{
    const char *declared = json_str_at(input->spec, "code.imageUri");

    return declared && (str_equal(declared, json_str_at(input->observed, "Code.ImageUri")) ||
                        str_equal(declared, json_str_at(input->observed, "Code.ResolvedImageUri")));
}

bool plan_code_differs(const struct plan_input *input)
{
    const char *running = json_str_at(input->observed, "Configuration.CodeSha256");
    /* The content decides where it is known: another key with the same bytes deploys nothing. Unless the
     * object itself is what runs. */
    bool known = input->artifact_sha256 && *input->artifact_sha256 &&
                 !str_equal(json_str_at(input->spec, "code.s3ObjectStorageMode"), "REFERENCE");

    if (input->redeploy || (known && !str_equal(input->artifact_sha256, running)))
        return true;
    if (!known && !input->deployed)
        return !runs_image(input);
    for (size_t i = 0; i < field_count; i++) {
        bool place = !fields[i].unset;

        /* No declared version means the newest; which one that was is not a difference. */
        if (fields[i].deployed && !(known && place) &&
            value_differs(&fields[i], input, value_ours(&fields[i], input)))
            return true;
    }
    return !known && !str_equal(json_str_at(input->deployed, "codeSha256"), running);
}

/* --- bodies ------------------------------------------------------------------------------- */

/* Adds the fields of one call to a request; those that differ with all that shares their member. */
static void add_changes(const struct plan_input *input, enum field_call call, struct json *body,
                        struct str *names)
{
    for (size_t i = 0; i < field_count; i++) {
        if (fields[i].call != call || fields[i].deployed ||
            !value_differs(&fields[i], input, value_ours(&fields[i], input)))
            continue;
        str_addf(names, "%s%s", names->len ? ", " : "", fields[i].path);
        for (size_t j = 0; j < field_count && !is_code(&fields[i]); j++) {
            struct json *value = value_shares_member(&fields[i], &fields[j])
                                     ? value_wanted(&fields[j], input, value_ours(&fields[j], input))
                                     : NULL;
            if (value)
                value_put(body, fields[j].member, value);
        }
    }
}

void plan_add_item_step(struct plan *plan, enum plan_step_kind kind, const char *item, struct json *body,
                        char *summary)
{
    plan->outcome = PLAN_STEPS;
    plan->steps = xrealloc(plan->steps, (plan->step_count + 1) * sizeof(*plan->steps));
    plan->steps[plan->step_count++] =
        (struct plan_step){.kind = kind, .body = body, .item = xstrdup(item), .summary = summary};
}

void plan_add_waiting_step(struct plan *plan, enum plan_step_kind kind, const char *item, struct json *body,
                           char *summary)
{
    plan_add_item_step(plan, kind, item, body, summary);
    plan->steps[plan->step_count - 1].waits = true;
}

void plan_add_step(struct plan *plan, enum plan_step_kind kind, struct json *body, char *summary)
{
    plan_add_item_step(plan, kind, NULL, body, summary);
}

/* Does CreateFunction carry the field? */
static bool at_creation(const struct field *field)
{
    const struct plan_side *side = plan_side_of(field->call);

    return field->member && field->type != FIELD_OBJECT && !plan_attached_of(field->call) &&
           (!side || side->at_creation);
}

static void plan_create(const struct plan_input *input, struct plan *plan)
{
    const struct plan_input fresh = {.spec = input->spec};
    struct json *body = json_new_object();

    for (size_t i = 0; i < field_count; i++) {
        struct json *value = at_creation(&fields[i]) ? value_wanted(&fields[i], &fresh, false) : NULL;

        if (value)
            json_set_at(body, fields[i].member, value);
    }
    json_set_str(json_make_object(body, "Tags"), PLAN_OWNER_TAG, input->owner);
    plan_add_step(plan, PLAN_CREATE, body, xstrdup("creates the function"));
}

/* The call always names the code, also when only the architecture changes. */
static void add_code(const struct plan_input *input, struct json *body)
{
    for (size_t i = 0; i < field_count; i++) {
        struct json *value =
            is_code(&fields[i]) ? value_wanted(&fields[i], input, value_ours(&fields[i], input)) : NULL;

        if (value)
            json_set(body, fields[i].member + strlen("Code."), value);
    }
}

static void plan_code(const struct plan_input *input, struct plan *plan)
{
    _cleanup_(json_freep) struct json *body = json_new_object();
    _cleanup_(str_done) struct str names = STR_INIT(1024);
    bool deploys = plan_code_differs(input);

    add_changes(input, CALL_CODE, body, &names);
    if (!deploys && !names.len)
        return;
    add_code(input, body);
    plan_add_step(plan, PLAN_UPDATE_CODE, take(body),
                  deploys && names.len ? xasprintf("deploys new code and changes %s", str_text(&names))
                  : deploys            ? xstrdup("deploys new code")
                                       : xasprintf("changes %s", str_text(&names)));
}

bool plan_changes_function(const struct plan_input *input)
{
    bool differs = plan_code_differs(input);

    for (size_t i = 0; i < field_count && !differs; i++)
        differs = (fields[i].call == CALL_CODE || fields[i].call == CALL_CONFIGURATION) &&
                  !fields[i].deployed && value_differs(&fields[i], input, value_ours(&fields[i], input));
    return differs;
}

static void plan_configuration(const struct plan_input *input, struct plan *plan)
{
    _cleanup_(json_freep) struct json *body = json_new_object();
    _cleanup_(str_done) struct str names = STR_INIT(4096);

    add_changes(input, CALL_CONFIGURATION, body, &names);
    if (names.len)
        plan_add_step(plan, PLAN_UPDATE_CONFIGURATION, take(body), xasprintf("changes %s", str_text(&names)));
}

static void plan_tags(const struct plan_input *input, struct plan *plan)
{
    const struct json *declared = json_get(input->spec, "tags"), *have = json_get(input->observed, "Tags");
    _cleanup_(json_freep) struct json *set = json_new_object(), *gone = json_new_array();

    for (const struct json *tag = json_first(declared); tag && json_key(tag); tag = json_next(tag))
        if (!json_equal(tag, json_get(have, json_key(tag))))
            json_set(set, json_key(tag), json_copy(tag));
    for (const struct json *path = json_first(input->managed); path; path = json_next(path)) {
        const char *text = json_str(path);
        const char *key = text && str_starts_with(text, "tags.") ? text + strlen("tags.") : NULL;

        if (key && json_get(have, key) && !json_get(declared, key))
            json_append(gone, json_new_string(key));
    }
    if (plan->adopts)
        json_set_str(set, PLAN_OWNER_TAG, input->owner);
    if (json_first(set)) {
        struct json *body = json_new_object();

        json_set(body, "Tags", take(set));
        plan_add_step(plan, PLAN_TAG, body,
                      xstrdup(plan->adopts ? "takes the function over" : "changes tags"));
    }
    if (json_first(gone))
        plan_add_step(plan, PLAN_UNTAG, take(gone), xstrdup("removes tags"));
}

/* --- the decision ------------------------------------------------------------------------- */

void plan_block(struct plan *plan, const char *reason, const char *format, ...)
{
    va_list args;

    plan->outcome = PLAN_BLOCKED;
    plan->reason = reason;
    va_start(args, format);
    vsnprintf(plan->message, sizeof(plan->message), format, args);
    va_end(args);
}

static bool tags_unreadable(const struct json *answer)
{
    return json_type(json_get(answer, "TagsError")) > JSON_NULL;
}

bool plan_adopts(const struct json *spec)
{
    return str_equal(json_str_at(spec, "adoptionPolicy"), "Adopt");
}

/* Is the function there ours to change? Says why not. */
static bool is_ours(const struct plan_input *input, struct plan *plan)
{
    const char *name = json_str_at(input->spec, "functionName");
    const char *owner = json_str(json_get(json_get(input->observed, "Tags"), PLAN_OWNER_TAG));

    if (str_equal(owner, input->owner))
        return true;
    plan->adopts =
        !owner && !input->deleting && plan_adopts(input->spec) && !tags_unreadable(input->observed);
    if (plan->adopts)
        return true;
    plan->foreign = true;
    if (tags_unreadable(input->observed))
        plan_block(plan, "TagsUnreadable",
                   "the tags of %s, which say who owns it, cannot be read; allow lambda:ListTags", name);
    else if (owner)
        plan_block(plan, "OwnedByAnother",
                   "the function %s belongs to %.200s; choose another spec.functionName", name, owner);
    else
        plan_block(
            plan, "AlreadyExists",
            "a function named %s exists and was not made by kubelambda; write adoptionPolicy: Adopt to "
            "take it "
            "over, or choose another spec.functionName, or delete it, or tag it %s=%s to hand it over",
            name, PLAN_OWNER_TAG, input->owner);
    return false;
}

static void wait_for_sources(struct plan *plan)
{
    plan->outcome = PLAN_WAIT;
    plan->reason = ATTACHED_BUSY;
}

/* AWS shows what is declared, but its last update failed: whether that is in force, an update that says the
 * same tells. The reason's code names what failed. */
static void plan_repeat(const struct plan_input *input, struct plan *plan)
{
    const char *code = json_str_at(input->observed, "Configuration.LastUpdateStatusReasonCode");
    bool of_code = code && (strstr(code, "Image") || strstr(code, "Zip"));
    struct json *body = json_new_object();

    if (of_code)
        add_code(input, body);
    else
        json_set(body, "Role", json_copy(json_get(input->spec, "role")));
    plan_add_step(plan, of_code ? PLAN_UPDATE_CODE : PLAN_UPDATE_CONFIGURATION, body,
                  xstrdup("repeats the last update, which failed"));
}

static void block_failed(const struct plan_input *input, const char *what, struct plan *plan)
{
    const char *why = json_str_at(input->observed, "Configuration.StateReason");

    plan_block(plan, "FunctionFailed", "%s: %.300s", what, why ? why : "no reason given");
}

static void plan_changes(const struct plan_input *input, struct plan *plan)
{
    const char *state = json_str_at(input->observed, "Configuration.State");
    const char *update = json_str_at(input->observed, "Configuration.LastUpdateStatus");
    bool failed = str_equal(state, "Failed");

    if (str_equal(state, "Pending") || str_equal(state, "Deleting") || str_equal(update, "InProgress")) {
        plan->outcome = PLAN_WAIT;
        plan->reason = str_equal(update, "InProgress") ? "Updating" : state;
        return;
    }
    if (failed && !input->was_applied && !input->recreated && !plan->adopts) {
        /* No update revives it. Once more: what it failed for may have passed. */
        plan_add_step(plan, PLAN_DELETE, NULL,
                      xstrdup("deletes the function, whose creation failed, to create it anew"));
        return;
    }
    if (failed && !input->was_applied) {
        block_failed(input, "AWS could not create the function", plan);
        return;
    }
    if (plan->adopts) /* first of all: what follows is done to a function of ours */
        plan_tags(input, plan);
    plan_code(input, plan);
    plan_configuration(input, plan);
    if (!plan->adopts)
        plan_tags(input, plan);
    plan_add_sides(input, plan);
    if (plan->step_count == 0 && str_equal(update, "Failed"))
        plan_repeat(input, plan);
    if (failed) { /* in force once, with what would go with it: other code or configuration may revive it */
        if (plan->step_count == 0)
            block_failed(input, "the function failed and waits for other code or configuration", plan);
        return;
    }
    plan_add_versions(input, plan);
    if (plan->step_count == 0 && plan->outcome != PLAN_IN_FORCE)
        return; /* what comes now needs the version, or would go before there is another one */
    bool busy = plan_add_attached(input, plan);

    plan_drop_versions(input, plan);
    if (busy && plan->outcome == PLAN_IN_FORCE)
        wait_for_sources(plan);
}

bool plan_retains(const struct json *spec)
{
    return str_equal(json_str_at(spec, "deletionPolicy"), "Retain") ||
           json_is_true(json_get(spec, "suspend"));
}

/* A function that is left behind is nobody's: whoever wants it may take it over. */
static void plan_release(struct plan *plan)
{
    struct json *keys = json_new_array();

    json_append(keys, json_new_string(PLAN_OWNER_TAG));
    plan_add_step(plan, PLAN_UNTAG, keys, xstrdup("leaves the function behind, without the owner's tag"));
}

/* Somebody else's function is not deleted with our resource; one whose owner is unknown keeps it. */
static void plan_deletion(const struct plan_input *input, struct plan *plan)
{
    if (!input->observed)
        return;
    if (!is_ours(input, plan)) {
        if (!tags_unreadable(input->observed))
            plan->outcome = PLAN_IN_FORCE;
    } else if (input->retain || plan_retains(input->spec)) {
        plan_detach(input, true, plan);
        plan_release(plan);
    } else {
        bool busy = plan_detach(input, false, plan);

        if (!busy)
            plan_add_step(plan, PLAN_DELETE, NULL, xstrdup("deletes the function"));
        else if (plan->step_count == 0)
            wait_for_sources(plan);
    }
}

void plan_make(const struct plan_input *input, struct plan *ret_plan)
{
    struct plan plan = {.outcome = PLAN_IN_FORCE};

    if (input->deleting)
        plan_deletion(input, &plan);
    else if (!input->observed)
        plan_create(input, &plan);
    else if (is_ours(input, &plan))
        plan_changes(input, &plan);
    *ret_plan = plan;
}

void plan_done(struct plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        json_free(plan->steps[i].body);
        free(plan->steps[i].item);
        free(plan->steps[i].qualifier);
        free(plan->steps[i].summary);
    }
    free(plan->steps);
    *plan = (struct plan){0};
}

void plan_summary(const struct plan *plan, struct str *out)
{
    for (size_t i = 0; i < plan->step_count; i++)
        str_addf(out, "%s%s", i > 0 ? "; " : "", plan->steps[i].summary);
}

/* --- what status remembers ---------------------------------------------------------------- */

static void append_once(struct json *list, const char *text)
{
    if (!plan_lists(list, text))
        json_append(list, json_new_string(text));
}

/* Of a list of objects with calls of their own: those members of an item that are cleared by themselves. */
static void append_members(struct json *list, const struct field *field, const struct json *entry,
                           const char *path)
{
    for (size_t i = 0; i < field_count; i++) {
        const char *member = fields[i].unset ? field_path_in(&fields[i], field) : NULL;

        if (member && json_type(json_at(entry, member)) > JSON_NULL) {
            _cleanup_(freep) char *member_path = xasprintf("%s.%s", path, member);

            append_once(list, member_path);
        }
    }
}

static void append_entries(struct json *list, const struct field *field, const struct json *entries)
{
    for (const struct json *entry = json_first(entries); entry; entry = json_next(entry)) {
        const char *key = field->list_key ? json_str(json_get(entry, field->list_key)) : json_key(entry);
        _cleanup_(freep) char *path = key ? xasprintf("%s.%s", field->path, key) : NULL;

        if (!path)
            continue;
        append_once(list, path);
        if (field->list_key)
            append_members(list, field, entry, path);
    }
}

struct json *plan_managed(const struct json *spec, const struct json *before)
{
    struct json *list = before ? json_copy(before) : json_new_array();

    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];
        const struct json *value = field_value(field, spec);

        if (!field->unset || json_type(value) <= JSON_NULL || plan_attached_of(field->call))
            continue;
        if (field->call == CALL_TAGS || (field->type == FIELD_OBJECTS && !field->member))
            append_entries(list, field, value);
        else
            append_once(list, field->path);
    }
    plan_attached_manage(spec, list);
    return list;
}

/* Could plan_managed have named it so? */
static bool is_managed_name(const char *entry)
{
    const char *dot = strchr(entry, '.');
    _cleanup_(freep) char *first = dot ? xstrndup(entry, (size_t)(dot - entry)) : xstrdup(entry);
    const struct field *field = field_find(first);

    if (!field || !dot)
        return field || str_starts_with(entry, ATTACHED_TAGS);
    for (size_t i = 0; i < plan_attached_count; i++)
        if (str_equal(plan_attached[i].path, first))
            return true;
    if (field->call == CALL_TAGS)
        return true;
    if (field->type != FIELD_OBJECTS)
        return field_find(entry);
    const char *member = strchr(dot + 1, '.');
    _cleanup_(freep) char *path = member ? xasprintf("%s[]%s", first, member) : NULL;

    return !path || field_find(path);
}

struct json *plan_managed_by_newer(const struct json *managed)
{
    struct json *list = json_new_array();

    for (const struct json *entry = json_first(managed); entry; entry = json_next(entry))
        if (json_str(entry) && !is_managed_name(json_str(entry)))
            json_append(list, json_copy(entry));
    return list;
}

struct json *plan_deployed(const struct json *spec, const struct json *observed, const char *version_id)
{
    struct json *deployed = json_new_object();

    for (size_t i = 0; i < field_count; i++)
        if (fields[i].deployed)
            json_set_str(deployed, fields[i].deployed, json_str(field_value(&fields[i], spec)));
    if (!json_get(deployed, "versionId") && version_id && *version_id)
        json_set_str(deployed, "versionId", version_id);
    json_set_str(deployed, "codeSha256", json_str_at(observed, "Configuration.CodeSha256"));
    return deployed;
}

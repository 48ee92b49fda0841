/* What hangs on a function: its GETs, and what is known of their answers. One thread at a time. */
#include "controller/attached.h"

#include "common/base/mem.h"
#include "common/function/plan_event_sources.h"
#include "common/function/plan_permissions.h"
#include "controller/sides.h"

#define REVISIONS "PolicyRevisions" /* in `observed`: qualifier → RevisionId */
#define KNOWN "KnownSources"        /* in what is remembered: mappings whose states may have changed */

enum { PAGES_MAX = 20 }; /* of 100 mappings */

static const char *revision_key(const char *qualifier)
{
    return qualifier && *qualifier ? qualifier : ATTACHED_LATEST;
}

const char *attached_revision(const struct json *observed, const char *qualifier)
{
    return json_str(json_get(json_get(observed, REVISIONS), revision_key(qualifier)));
}

/* --- asking ----------------------------------------------------------------------------------- */

struct asking {
    struct aws *aws;
    const struct attached_target *target;
    enum lambda_operation operation;
};

/* There being none is an answer, too: *ret_answer is NULL then. */
static int ask(struct asking *asking, struct lambda_call call, struct json **ret_answer, struct err *err)
{
    call.region = asking->target->region;
    call.priority = asking->target->priority;
    call.stop = asking->target->stop;
    asking->operation = call.operation;
    int r = lambda_call(asking->aws, &call, ret_answer, err);

    if (r == ERR_NOT_FOUND) {
        *ret_answer = NULL;
        return 0;
    }
    return r;
}

static int ask_one(struct asking *asking, enum lambda_operation operation, const char *qualifier,
                   struct json **ret_answer, struct err *err)
{
    return ask(asking,
               (struct lambda_call){.operation = operation,
                                    .resource = asking->target->name,
                                    .item = *qualifier ? qualifier : NULL},
               ret_answer, err);
}

/* Appends copies of the mappings, each with its tags. */
static int add_mappings(struct asking *asking, const struct json *page, struct json *list, struct err *err)
{
    for (const struct json *one = json_first(json_get(page, "EventSourceMappings")); one;
         one = json_next(one)) {
        const char *arn = json_str(json_get(one, "EventSourceMappingArn"));
        _cleanup_(json_freep) struct json *answer = NULL;
        /* As they were when the mapping was seen before. */
        const struct json *tags =
            json_get(source_find(asking->target->known, json_str(json_get(one, "UUID"))), "Tags");
        struct json *mapping = json_copy(one);
        int r = arn && !tags
                    ? ask(asking, (struct lambda_call){.operation = LAMBDA_LIST_TAGS, .resource = arn},
                          &answer, err)
                    : 0;

        if (answer)
            tags = json_get(answer, "Tags");
        json_set(mapping, "Tags", tags ? json_copy(tags) : NULL);
        json_append(list, mapping);
        if (r < 0)
            return r;
    }
    return 0;
}

static int ask_mappings(struct asking *asking, const char *qualifier, struct json **ret_answer,
                        struct err *err)
{
    _cleanup_(freep) char *name = xasprintf("%s%s%s", asking->target->name, *qualifier ? ":" : "", qualifier);
    _cleanup_(json_freep) struct json *all = json_new_object(), *page = NULL;
    struct json *list = json_new_array();

    json_set(all, "EventSourceMappings", list);
    for (int pages = 0; pages < PAGES_MAX; pages++) {
        _cleanup_(freep) char *marker = xstrdup(json_str(json_get(page, "NextMarker")));
        const struct sign_query query[] = {{"FunctionName", name}, {"Marker", marker}};

        if (pages > 0 && (!marker || !*marker))
            break;
        json_free(take(page));
        int r = ask(asking,
                    (struct lambda_call){.operation = LAMBDA_LIST_EVENT_SOURCE_MAPPINGS,
                                         .query = query,
                                         .query_count = marker ? 2 : 1},
                    &page, err);

        if (r == 0)
            r = add_mappings(asking, page, list, err);
        if (r < 0)
            return r;
    }
    *ret_answer = take(all);
    return 0;
}

static int ask_kind(struct asking *asking, const struct plan_attached *kind, const char *qualifier,
                    struct json **ret_answer, struct err *err)
{
    if (kind->call == CALL_EVENT_SOURCES)
        return ask_mappings(asking, qualifier, ret_answer, err);
    return ask_one(asking,
                   kind->call == CALL_PERMISSIONS ? LAMBDA_GET_POLICY : LAMBDA_GET_FUNCTION_URL_CONFIG,
                   qualifier, ret_answer, err);
}

int attached_ask(struct aws *aws, const struct attached_target *target, const struct plan_attached *kind,
                 const struct json *qualifiers, struct json *observed, enum lambda_operation *ret_operation,
                 struct err *err)
{
    _cleanup_(json_freep) struct json *have = json_new_object();
    struct asking asking = {.aws = aws, .target = target};
    int r = 0;

    for (const struct json *one = json_first(qualifiers); one && r == 0; one = json_next(one)) {
        _cleanup_(json_freep) struct json *answer = NULL;

        r = ask_kind(&asking, kind, json_str(one), &answer, err);
        if (r == 0)
            r = kind->read(answer, json_str(one), target->owner, have, err);
        if (r == 0 && kind->call == CALL_PERMISSIONS)
            json_set_str(json_make_object(observed, REVISIONS), revision_key(json_str(one)),
                         json_str(json_get(answer, "RevisionId")));
    }
    if (ret_operation)
        *ret_operation = asking.operation;
    if (r == 0)
        json_set(observed, kind->answer, take(have));
    return r;
}

/* --- what is remembered ------------------------------------------------------------------------ */

static int ask_anew(struct run *run, const struct plan_attached *kind, enum limiter_priority priority,
                    struct err *err)
{
    const struct attached_target target = {.region = run->region,
                                           .name = run->function_name,
                                           .owner = run->owner,
                                           .known = json_get(sides_known(run), KNOWN),
                                           .priority = priority,
                                           .stop = run->with->stopping};
    _cleanup_(json_freep) struct json *qualifiers =
        plan_attached_qualifiers(kind, run->resource.spec, json_get(run->resource.status, "managed"));

    return attached_ask(run->aws, &target, kind, qualifiers, sides_known(run), &run->operation, err);
}

int attached_observe(struct run *run, enum limiter_priority priority, struct err *err)
{
    for (size_t i = 0; i < plan_attached_count; i++) {
        const struct plan_attached *kind = &plan_attached[i];

        if ((run->resource.deleting && !kind->by_tag) ||
            !plan_attached_ours(kind, run->resource.spec, json_get(run->resource.status, "managed")))
            continue;
        int r = json_get(sides_known(run), kind->answer) ? 0 : ask_anew(run, kind, priority, err);

        if (r < 0)
            return r;
        json_set(run->observed, kind->answer, json_copy(json_get(run->memory->sides, kind->answer)));
    }
    json_set(run->observed, REVISIONS,
             run->memory->sides ? json_copy(json_get(run->memory->sides, REVISIONS)) : NULL);
    return 0;
}

void attached_suspect(struct memory *memory)
{
    const char *answer = plan_attached[ATTACHED_EVENT_SOURCES].answer;
    const struct json *have = json_get(memory->sides, answer);

    if (!have)
        return;
    json_set(memory->sides, KNOWN, json_copy(have));
    json_set(memory->sides, answer, NULL);
}

/* The key under which the step's item is known. */
static char *key_of(const struct plan_attached *kind, const struct plan_step *step)
{
    const char *qualifier = step->qualifier ? step->qualifier : "";

    if (!kind->key)
        return xstrdup(*qualifier ? qualifier : ATTACHED_LATEST);
    return permission_key(qualifier, step->item);
}

/* A mapping's answer lacks its tags: they are in the request, or as they were. */
static void follow_source(const struct run *run, const struct plan_step *step, const struct json *answer,
                          struct json *have)
{
    const struct json *before = source_find(have, json_str(json_get(answer, "UUID")));
    const struct json *told =
        step->kind == PLAN_CREATE_EVENT_SOURCE ? json_get(step->body, "Tags") : json_get(before, "Tags");
    _cleanup_(json_freep) struct json *tags = told ? json_copy(told) : NULL;
    _cleanup_(freep) char *key = before ? xstrdup(json_key(before)) : NULL;

    if (key)
        json_set(have, key, NULL);
    source_add(answer, tags, run->owner, have);
}

/* False: the answer does not tell enough. */
static bool follow_change(const struct run *run, const struct plan_attached *kind,
                          const struct plan_step *step, const struct json *answer, struct json *have)
{
    const char *qualifier = step->qualifier ? step->qualifier : "";
    _cleanup_(freep) char *key = key_of(kind, step);
    struct err err;

    if (kind->call == CALL_EVENT_SOURCES)
        follow_source(run, step, answer, have);
    else if (step->kind == kind->remove)
        json_set(have, key, NULL);
    else if (kind->call == CALL_PERMISSIONS)
        return permission_read_added(answer, qualifier, have);
    else
        return kind->read(answer, qualifier, run->owner, have, &err) == 0;
    return true;
}

static void know_nothing(struct run *run)
{
    for (size_t i = 0; i < plan_attached_count; i++)
        if (!plan_attached[i].by_tag) /* which may be there already */
            json_set(sides_known(run), plan_attached[i].answer, json_new_object());
}

bool attached_follow(struct run *run, const struct plan_step *step, const struct json *answer)
{
    const struct plan_attached *kind = plan_attached_by_step(step->kind);

    if (step->kind == PLAN_CREATE)
        know_nothing(run);
    if (step->kind == PLAN_TAG_EVENT_SOURCE || step->kind == PLAN_UNTAG_EVENT_SOURCE) {
        json_set(sides_known(run), plan_attached[ATTACHED_EVENT_SOURCES].answer, NULL);
        json_set(sides_known(run), KNOWN, NULL);
    }
    if (!kind)
        return false;
    struct json *known = sides_known(run), *have = json_make_object(known, kind->answer);
    /* What else is in the policy may have changed: a removal is guarded by its newest revision. */
    bool told = step->kind != PLAN_REMOVE_PERMISSION && follow_change(run, kind, step, answer, have);

    if (kind->call == CALL_PERMISSIONS)
        json_set(json_make_object(known, REVISIONS), revision_key(step->qualifier), NULL);
    if (told)
        json_set(run->observed, kind->answer, json_copy(have));
    else
        json_set(known, kind->answer, NULL);
    return told;
}

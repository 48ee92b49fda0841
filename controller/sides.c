/* Side calls: their GETs, and what is known of their answers. One thread at a time. */
#include "controller/sides.h"

#include "common/base/mem.h"
#include "controller/versions.h"

enum { FRESH_MS = 6 * 60 * 60 * 1000 };

enum lambda_operation sides_get(enum field_call call)
{
    switch (call) {
    case CALL_EVENT_INVOKE:
        return LAMBDA_GET_FUNCTION_EVENT_INVOKE_CONFIG;
    case CALL_RECURSION:
        return LAMBDA_GET_FUNCTION_RECURSION_CONFIG;
    case CALL_RUNTIME_MANAGEMENT:
        return LAMBDA_GET_RUNTIME_MANAGEMENT_CONFIG;
    case CALL_CODE_SIGNING:
        return LAMBDA_GET_FUNCTION_CODE_SIGNING_CONFIG;
    case CALL_ALIAS:
    case CALL_FUNCTION_URL:
    case CALL_PERMISSIONS:
    case CALL_EVENT_SOURCES:
    case CALL_CONCURRENCY:
    case CALL_NONE:
    case CALL_CODE:
    case CALL_CONFIGURATION:
    case CALL_TAGS:
        break;
    }
    return LAMBDA_OPERATIONS;
}

void sides_forget(struct memory *memory)
{
    json_free(take(memory->sides));
}

struct json *sides_known(struct run *run)
{
    struct memory *memory = run->memory;

    if (!memory->sides) {
        memory->sides = json_new_object();
        memory->sides_due_ms = run->now_ms + queue_jitter(FRESH_MS, 20);
    }
    return memory->sides;
}

/* Takes the answer over. */
static void know(struct run *run, const struct plan_side *side, struct json *answer)
{
    json_set(sides_known(run), side->answer, answer);
}

/* There being none is an answer, too. */
static int ask(struct run *run, const struct plan_side *side, enum limiter_priority priority, struct err *err)
{
    struct json *answer = NULL;
    const struct lambda_call call = {.operation = sides_get(side->call),
                                     .region = run->region,
                                     .resource = run->function_name,
                                     .priority = priority,
                                     .stop = run->with->stopping};

    run->operation = call.operation;
    int r = lambda_call(run->aws, &call, &answer, err);

    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    know(run, side, answer ? answer : json_new_object());
    return 0;
}

static void show_versions(struct run *run)
{
    static const char *const members[] = {VERSIONS, ALIASES, PROVISIONED, ALIAS_INVOKE};

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const struct json *value = json_get(run->memory->sides, members[i]);

        json_set(run->observed, members[i], value ? json_copy(value) : NULL);
    }
}

static int observe_versions(struct run *run, enum limiter_priority priority, struct err *err)
{
    const struct lambda_call like = {.region = run->region,
                                     .resource = run->function_name,
                                     .priority = priority,
                                     .stop = run->with->stopping};
    int r = versions_read(run->aws, &like, run->resource.spec, json_get(run->resource.status, "managed"),
                          sides_known(run), &run->operation, err);

    if (r == 0)
        show_versions(run);
    return r;
}

int sides_observe(struct run *run, enum limiter_priority priority, struct err *err)
{
    struct memory *memory = run->memory;

    if (memory->sides && run->now_ms >= memory->sides_due_ms)
        sides_forget(memory);
    for (size_t i = 0; i < plan_side_count; i++) {
        const struct plan_side *side = &plan_sides[i];

        if (sides_get(side->call) == LAMBDA_OPERATIONS ||
            !plan_side_ours(side, run->resource.spec, json_get(run->resource.status, "managed")))
            continue;
        int r = json_get(memory->sides, side->answer) ? 0 : ask(run, side, priority, err);

        if (r < 0)
            return r;
        json_set(run->observed, side->answer, json_copy(json_get(memory->sides, side->answer)));
    }
    return observe_versions(run, priority, err);
}

void sides_version_stays(struct run *run, const char *number)
{
    versions_stays(sides_known(run), number);
    show_versions(run);
}

bool sides_follow(struct run *run, const struct plan_step *step, const struct json *answer)
{
    if (step->kind == PLAN_CREATE || step->kind == PLAN_DELETE)
        sides_forget(run->memory);
    if (step->kind == PLAN_CREATE)
        versions_read_none(sides_known(run));
    if (versions_follow(sides_known(run), step, answer)) {
        show_versions(run);
        return true;
    }
    for (size_t i = 0; i < plan_side_count; i++) {
        const struct plan_side *side = &plan_sides[i];

        if (step->kind == PLAN_CREATE && sides_get(side->call) != LAMBDA_OPERATIONS)
            know(run, side, plan_side_created(side, run->resource.spec));
        if (step->kind != side->put && step->kind != side->clear)
            continue;
        struct json *shown = step->kind == side->put && answer ? json_copy(answer) : json_new_object();

        json_set(run->observed, side->answer, json_copy(shown));
        know(run, side, shown);
        return true;
    }
    return false;
}

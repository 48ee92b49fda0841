/* What has calls of its own beside the function's code and configuration: a table, and the steps. Pure. */
#include "common/base/mem.h"
#include "common/function/plan_parts.h"

const struct plan_side plan_sides[] = {
    {CALL_CONCURRENCY, "reservedConcurrency", "Concurrency", PLAN_PUT_CONCURRENCY, PLAN_CLEAR_CONCURRENCY,
     false},
    {CALL_EVENT_INVOKE, "asyncInvoke", "EventInvokeConfig", PLAN_PUT_EVENT_INVOKE, PLAN_CLEAR_EVENT_INVOKE,
     false},
    {CALL_RECURSION, "recursiveLoop", "RecursionConfig", PLAN_PUT_RECURSION, PLAN_STEP_KINDS, false},
    {CALL_RUNTIME_MANAGEMENT, "runtimeManagement", "RuntimeManagementConfig", PLAN_PUT_RUNTIME_MANAGEMENT,
     PLAN_STEP_KINDS, false},
    {CALL_CODE_SIGNING, "codeSigningConfigArn", "CodeSigningConfig", PLAN_PUT_CODE_SIGNING,
     PLAN_CLEAR_CODE_SIGNING, true},
};

const size_t plan_side_count = ARRAY_LEN(plan_sides);

const struct plan_side *plan_side_of(enum field_call call)
{
    for (size_t i = 0; i < plan_side_count; i++)
        if (plan_sides[i].call == call)
            return &plan_sides[i];
    return NULL;
}

static bool is_declared(const struct plan_side *side, const struct json *spec)
{
    return json_type(json_get(spec, side->path)) > JSON_NULL;
}

bool plan_side_ours(const struct plan_side *side, const struct json *spec, const struct json *managed)
{
    if (is_declared(side, spec))
        return true;
    for (size_t i = 0; i < field_count; i++)
        if (fields[i].call == side->call && plan_lists(managed, fields[i].path))
            return true;
    return false;
}

struct json *plan_side_created(const struct plan_side *side, const struct json *spec)
{
    struct json *answer = json_new_object();

    for (size_t i = 0; i < field_count && side->at_creation; i++) {
        struct json *value = fields[i].call == side->call ? value_declared(&fields[i], spec) : NULL;

        if (value)
            json_set_at(answer, fields[i].member, value);
    }
    return answer;
}

/* A put replaces all that the side has, so all of it is ours as soon as one field is. */
static void add_side(const struct plan_side *side, const struct plan_input *input, struct plan *plan)
{
    _cleanup_(json_freep) struct json *body = json_new_object();
    bool differs = false, clears = !is_declared(side, input->spec) && side->clear != PLAN_STEP_KINDS;

    for (size_t i = 0; i < field_count; i++) {
        struct json *value = fields[i].call == side->call ? value_wanted(&fields[i], input, true) : NULL;

        if (!value)
            continue;
        differs |= value_differs(&fields[i], input, true);
        if (json_type(value) == JSON_NULL)
            json_free(value);
        else
            json_set_at(body, fields[i].member, value);
    }
    if (!differs)
        return;
    if (clears)
        plan_add_step(plan, side->clear, NULL, xasprintf("removes %s", side->path));
    else
        plan_add_step(plan, side->put, take(body), xasprintf("changes %s", side->path));
}

void plan_add_sides(const struct plan_input *input, struct plan *plan)
{
    for (size_t i = 0; i < plan_side_count; i++)
        if (plan_side_ours(&plan_sides[i], input->spec, input->managed))
            add_side(&plan_sides[i], input, plan);
}

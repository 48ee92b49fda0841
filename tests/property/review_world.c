/* Answers the questions of review_world.h. Pure; one question at a time. */
#include "tests/property/review_world.h"

#include "common/aws/lambda.h"
#include "common/base/mem.h"
#include "common/function/plan.h"
#include "controller/steps.h"
#include "webhook/access.h"
#include "webhook/review.h"

#include <stdio.h>

enum { QUESTIONS_MAX = 2000, POLICIES_MAX = 16 };

#define OWNER "cluster/namespace/name"

/* --- facts -------------------------------------------------------------------------------- */

static const char *const artifact_states[] = {
    [ARTIFACT_UNASKED] = "unasked",     [ARTIFACT_FOUND] = "found",
    [ARTIFACT_MISSING] = "missing",     [ARTIFACT_UNREADABLE] = "unreadable",
    [ARTIFACT_ELSEWHERE] = "elsewhere", [ARTIFACT_BAD_VERSION] = "bad version",
    [ARTIFACT_ARCHIVED] = "archived",   [ARTIFACT_UNAVAILABLE] = "unavailable",
};

static enum artifact_state artifact_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(artifact_states); i++)
        if (str_equal(artifact_states[i], name))
            return (enum artifact_state)i;
    return ARTIFACT_FOUND;
}

static struct policy_effective *policies_of(const struct json *facts)
{
    struct policy *policies[POLICIES_MAX];
    struct policy_effective *effective = NULL;
    size_t count = 0;

    for (const struct json *one = json_first(json_get(facts, "policies")); one && count < POLICIES_MAX;
         one = json_next(one))
        policies[count++] = policy_new(json_str_at(one, "name"), json_get(one, "spec"));
    if (count)
        effective = policy_effect(policies, count, json_get(facts, "labels"));
    while (count > 0)
        policy_unref(policies[--count]);
    return effective;
}

struct world { /* what there is to know */
    const struct json *facts;
    struct policy_effective *policy;
    struct json *access;
};

/* Tells what the review asks about, as the server would; false when that cannot go on. */
static bool tell(struct world *world, enum review_need need, const struct review_verdict *verdict,
                 struct review_facts *facts)
{
    const char *error = json_str_at(world->facts, "unreachable");

    switch (need) {
    case REVIEW_NEEDS_NAMESPACE:
        if (facts->namespace_known)
            return false;
        facts->namespace_known = true;
        facts->namespace_error = error;
        facts->namespace_deleting = json_is_true(json_get(world->facts, "namespaceDeleting"));
        facts->environment = json_str_at(world->facts, "environment");
        facts->policy = world->policy;
        return true;
    case REVIEW_NEEDS_HOLDER:
        if (facts->holder_known)
            return false;
        facts->holder_known = true;
        facts->holder = json_str_at(world->facts, "holder");
        return true;
    case REVIEW_NEEDS_ACCESS:
        if (!verdict->access_to || json_get(world->access, verdict->access_to))
            return false;
        json_set(world->access, verdict->access_to,
                 json_new_bool(json_is_true(json_get(world->facts, "access")) &&
                               !str_equal(verdict->access_to, ACCESS_TO_ALL)));
        facts->access = world->access;
        return true;
    case REVIEW_NEEDS_ARTIFACT:
        if (facts->artifact != ARTIFACT_UNASKED)
            return false;
        facts->artifact = artifact_named(json_str_at(world->facts, "artifact"));
        facts->artifact_detail = error ? error : "no answer";
        facts->artifact_bytes = json_int_at(world->facts, "artifactBytes", 0);
        facts->artifact_empty = json_is_true(json_get(world->facts, "artifactEmpty"));
        return facts->artifact != ARTIFACT_UNASKED;
    case REVIEW_NEEDS_NOTHING:
        break;
    }
    return false;
}

/* --- calls to AWS ------------------------------------------------------------------------- */

/* What a function cannot be without. */
static struct json *least_of(const struct json *spec)
{
    static const char *const kept[] = {"functionName", "region",  "packageType",   "code",
                                       "runtime",      "handler", "runtimeConfig", "role"};
    struct json *least = json_new_object();

    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_get(spec, kept[i]))
            json_set(least, kept[i], json_copy(json_get(spec, kept[i])));
    return least;
}

static void add_plan(const struct plan_input *input, const char *name, struct json *plans)
{
    _cleanup_(plan_done) struct plan plan = {0};
    struct json *calls = json_new_array();

    plan_make(input, &plan);
    for (size_t i = 0; i < plan.step_count; i++) {
        struct json *call = json_new_object();

        json_set_str(call, "operation", lambda_operation_name(step_operation(plan.steps[i].kind)));
        if (plan.steps[i].body)
            json_set(call, "body", json_copy(plan.steps[i].body));
        json_append(calls, call);
    }
    json_set(plans, name, calls);
}

static struct json *plans_for(const struct json *spec)
{
    struct json *plans = json_new_object();
    _cleanup_(json_freep) struct json *least = least_of(spec), *managed = plan_managed(spec, NULL);
    _cleanup_(json_freep) struct json *bare = plan_observed_from(least, OWNER, NULL);
    _cleanup_(json_freep) struct json *full = plan_observed_from(spec, OWNER, NULL);

    add_plan(&(struct plan_input){.spec = spec, .owner = OWNER}, "create", plans);
    add_plan(&(struct plan_input){.spec = spec, .observed = bare, .owner = OWNER}, "change", plans);
    add_plan(&(struct plan_input){.spec = least, .observed = full, .managed = managed, .owner = OWNER},
             "back", plans);
    return plans;
}

/* --- one question ------------------------------------------------------------------------- */

void review_world_answer(const struct json *question, struct str_view body, struct str *out)
{
    static const char *const needs[] = {"nothing", "namespace", "holder", "access", "artifact"};
    const struct json *given = json_get(question, "facts");
    enum review_phase phase =
        str_equal(json_str_at(question, "phase"), "mutate") ? REVIEW_MUTATE : REVIEW_VALIDATE;
    struct review_request request;
    struct err err;

    if (review_parse(body, &request, &err) < 0) {
        str_add(out, "{\"status\":400,\"error\":");
        str_add_json(out, err.msg);
        str_add(out, "}");
        return;
    }
    struct world world = {given, policies_of(given), json_new_object()};
    struct review_facts facts = {
        .today = "2026-11-24",
        .runtimes = &runtimes_builtin,
        .default_environment = json_str_at(given, "defaultEnvironment"),
        .default_region = json_str_at(given, "defaultRegion"),
        .access_error = json_str_at(given, "accessError"),
        .artifact_required = json_is_true(json_get(given, "artifactRequired")),
    };
    struct review_verdict verdict = {0};
    enum review_need need;
    int asked = 0;

    str_add(out, "{\"status\":200,\"asked\":[");
    while ((need = review(phase, &request, &facts, &verdict)) != REVIEW_NEEDS_NOTHING) {
        str_addf(out, "%s\"%s\"", asked++ ? "," : "", needs[need]);
        if (asked > QUESTIONS_MAX || !tell(&world, need, &verdict, &facts)) {
            fprintf(stderr, "the review asks about the %s although it was told\n", needs[need]);
            abort();
        }
    }
    str_add(out, "],\"response\":");
    review_response(&request, &verdict, out);
    if (verdict.allowed && verdict.spec && json_is_true(json_get(question, "plans"))) {
        _cleanup_(json_freep) struct json *plans = plans_for(verdict.spec);

        str_add(out, ",\"plans\":");
        json_print(plans, out);
    }
    str_add(out, "}");
    review_verdict_done(&verdict);
    json_free(world.access);
    policy_effective_unref(world.policy);
    review_request_done(&request);
}

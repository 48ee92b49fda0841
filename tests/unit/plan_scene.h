/* A function that is in force, to be changed by each test of the plan. */
#pragma once

#include "common/base/mem.h"
#include "common/function/fields.h"
#include "common/function/plan.h"
#include "tests/unit/texts.h"

#include <inttypes.h>
#include <stdio.h>

#define OWNER "cluster/production/fake-function"
#define SHA "c2hhMQ=="
#define OTHER_SHA "c2hhMg=="

static inline void assert_json(const struct json *json, const char *expected_text)
{
    _cleanup_(json_freep) struct json *expected = parse(expected_text);
    _cleanup_(freep) char *text = json_text(json);

    if (!json_equal(json, expected))
        fail_msg("%s is not %s", text, expected_text);
}

struct scene {
    struct json *spec, *deployed, *managed, *observed;
    struct plan_input input;
    struct plan plan;
};

static inline int set_up(void **state)
{
    struct scene *scene = xcalloc(1, sizeof(*scene));

    scene->spec =
        parse("{\"functionName\":\"f\",\"region\":\"us-east-1\",\"code\":{\"s3Bucket\":\"artifacts\","
              "\"s3Key\":\"a.zip\"},\"runtime\":\"python3.13\",\"handler\":\"app.handler\",\"role\":"
              "\"arn:aws:iam::123456789012:role/fake\"}");
    scene->deployed = parse("{\"bucket\":\"artifacts\",\"key\":\"a.zip\",\"codeSha256\":\"" SHA "\"}");
    scene->managed = json_new_array();
    scene->observed =
        parse("{\"Configuration\":{\"FunctionName\":\"f\",\"Runtime\":\"python3.13\",\"Handler\":"
              "\"app.handler\",\"Role\":\"arn:aws:iam::123456789012:role/fake\",\"CodeSha256\":\"" SHA
              "\",\"State\":\"Active\",\"LastUpdateStatus\":\"Successful\"},\"Tags\":{"
              "\"" PLAN_OWNER_TAG "\":\"" OWNER "\"}}");
    *state = scene;
    return 0;
}

static inline int tear_down(void **state)
{
    struct scene *scene = *state;

    plan_done(&scene->plan);
    json_free(scene->spec);
    json_free(scene->deployed);
    json_free(scene->managed);
    json_free(scene->observed);
    free(scene);
    return 0;
}

static inline const struct plan *make(struct scene *scene)
{
    plan_done(&scene->plan);
    scene->input.spec = scene->spec;
    scene->input.deployed = scene->deployed;
    scene->input.managed = scene->managed;
    scene->input.observed = scene->observed;
    scene->input.owner = OWNER;
    plan_make(&scene->input, &scene->plan);
    return &scene->plan;
}

static inline void assert_in_force(struct scene *scene, const char *what)
{
    const struct plan *plan = make(scene);

    if (plan->outcome != PLAN_IN_FORCE)
        fail_msg("%s: not in force: %s%s", what, plan->step_count ? plan->steps[0].summary : "",
                 plan->message);
}

/* The only step, which must be of that kind. */
static inline const struct plan_step *only_step(struct scene *scene, enum plan_step_kind kind)
{
    const struct plan *plan = make(scene);

    assert_int_equal(plan->outcome, PLAN_STEPS);
    assert_int_equal(plan->step_count, 1);
    assert_int_equal(plan->steps[0].kind, kind);
    return &plan->steps[0];
}

static inline void assert_blocked(struct scene *scene, const char *reason, const char *word)
{
    const struct plan *plan = make(scene);

    assert_int_equal(plan->outcome, PLAN_BLOCKED);
    assert_string_equal(plan->reason, reason);
    if (!strstr(plan->message, word))
        fail_msg("\"%s\" does not say \"%s\"", plan->message, word);
}

static inline void gone(struct json **json)
{
    json_free(*json);
    *json = NULL;
}

static inline struct json *tags(struct scene *scene)
{
    return json_make_object(scene->observed, "Tags");
}

static inline struct json *configuration(struct scene *scene)
{
    return json_make_object(scene->observed, "Configuration");
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

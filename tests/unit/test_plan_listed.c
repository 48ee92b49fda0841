/* A function in the list of all against what is declared. */
#include "plan_scene.h"

static bool differs(struct scene *scene)
{
    make(scene); /* fills the input */
    scene->input.observed = NULL;
    return plan_listed_differs(&scene->input, json_get(scene->observed, "Configuration"));
}

static void what_is_as_declared_does_not_differ_although_a_list_shows_no_tags_or_states(void **state)
{
    struct scene *scene = *state;

    json_set_at(scene->spec, "tags", parse("{\"team\":\"a\"}"));
    json_set_at(scene->spec, "reservedConcurrency", json_new_int(5));
    json_set_at(scene->spec, "recursiveLoop", json_new_string("Allow"));
    json_set(configuration(scene), "State", NULL);
    json_set(configuration(scene), "LastUpdateStatus", NULL);
    assert_false(differs(scene));
}

static void each_member_that_a_list_shows_counts(void **state)
{
    static const char *const declared[][2] = {
        {"memorySize", "512"},
        {"description", "\"new\""},
        {"environment.variables", "{\"AA\":\"1\"}"},
        {"layers", "[\"arn:1\"]"},
        {"architectures", "[\"arm64\"]"},
        {"vpcConfig.subnetIds", "[\"subnet-1\"]"},
        {"handler", "\"other.handler\""},
        {"code.s3Key", "\"b.zip\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(declared); i++) {
        void *made;

        set_up(&made);
        struct scene *scene = made;

        json_set_at(scene->spec, declared[i][0], parse(declared[i][1]));
        if (!differs(scene))
            fail_msg("%s is not seen", declared[i][0]);
        tear_down(&made);
    }
}

static void other_code_than_was_deployed_differs(void **state)
{
    struct scene *scene = *state;

    json_set_str(configuration(scene), "CodeSha256", OTHER_SHA);
    assert_true(differs(scene));
}

static void a_field_that_was_declared_once_and_is_there_still_differs(void **state)
{
    struct scene *scene = *state;

    json_set_at(scene->observed, "Configuration.MemorySize", json_new_int(512));
    assert_false(differs(scene));
    json_append(scene->managed, json_new_string("memorySize"));
    assert_true(differs(scene));
}

static void an_item_that_makes_no_sense_differs(void **state)
{
    static const char *const items[] = {"null", "[]", "{}", "\"text\"", "{\"Runtime\":{}}"};
    struct scene *scene = *state;

    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        _cleanup_(json_freep) struct json *item = parse(items[i]);

        make(scene);
        assert_true(plan_listed_differs(&scene->input, item));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_as_declared_does_not_differ_although_a_list_shows_no_tags_or_states),
        test(each_member_that_a_list_shows_counts),
        test(other_code_than_was_deployed_differs),
        test(a_field_that_was_declared_once_and_is_there_still_differs),
        test(an_item_that_makes_no_sense_differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

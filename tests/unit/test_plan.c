/* Desired against observed: what has to be done, request by request. */
#include "plan_scene.h"

/* --- in force, and creation ----------------------------------------------------------------- */

static void what_is_as_declared_needs_nothing(void **state)
{
    assert_in_force(*state, "the scene");
}

static void a_function_that_is_not_there_is_created_with_all_that_is_declared(void **state)
{
    struct scene *scene = *state;

    gone(&scene->observed);
    gone(&scene->deployed);
    json_set_at(scene->spec, "code.s3ObjectVersion", json_new_string("v1"));
    json_set_at(scene->spec, "environment.variables", parse("{\"LEVEL\":\"info\"}"));
    json_set_at(scene->spec, "ephemeralStorage.size", json_new_int(1024));
    json_set_at(scene->spec, "layers", parse("[\"arn:l:2\",\"arn:l:1\"]"));
    json_set_at(scene->spec, "architectures", parse("[\"arm64\"]"));
    json_set_at(scene->spec, "tags", parse("{\"team\":\"a\"}"));
    json_set_at(scene->spec, "timeout", json_new_int(9));
    const struct plan_step *step = only_step(scene, PLAN_CREATE);

    assert_string_equal(step->summary, "creates the function");
    assert_json(
        step->body,
        "{\"FunctionName\":\"f\",\"Runtime\":\"python3.13\",\"Handler\":\"app.handler\",\"Role\":"
        "\"arn:aws:iam::123456789012:role/fake\",\"Code\":{\"S3Bucket\":\"artifacts\",\"S3Key\":\"a.zip\","
        "\"S3ObjectVersion\":\"v1\"},\"Environment\":{\"Variables\":{\"LEVEL\":\"info\"}},"
        "\"EphemeralStorage\":{\"Size\":1024},\"Layers\":[\"arn:l:2\",\"arn:l:1\"],\"Architectures\":["
        "\"arm64\"],\"Timeout\":9,\"Tags\":{\"team\":\"a\",\"" PLAN_OWNER_TAG "\":\"" OWNER "\"}}");
}

static void what_nobody_declared_is_not_sent_at_creation(void **state)
{
    struct scene *scene = *state;

    gone(&scene->observed);
    assert_json(only_step(scene, PLAN_CREATE)->body,
                "{\"FunctionName\":\"f\",\"Runtime\":\"python3.13\",\"Handler\":\"app.handler\",\"Role\":"
                "\"arn:aws:iam::123456789012:role/fake\",\"Code\":{\"S3Bucket\":\"artifacts\",\"S3Key\":"
                "\"a.zip\"},\"Tags\":{\"" PLAN_OWNER_TAG "\":\"" OWNER "\"}}");
}

static void the_order_of_a_list_counts_and_that_of_a_map_does_not(void **state)
{
    struct scene *scene = *state;

    json_set_at(scene->spec, "environment.variables", parse("{\"AA\":\"1\",\"BB\":\"2\"}"));
    json_set_at(scene->observed, "Configuration.Environment.Variables", parse("{\"BB\":\"2\",\"AA\":\"1\"}"));
    assert_in_force(scene, "a map");
    json_set_at(scene->spec, "layers", parse("[\"arn:1\",\"arn:2\"]"));
    json_set_at(scene->observed, "Configuration.Layers", parse("[{\"Arn\":\"arn:2\"},{\"Arn\":\"arn:1\"}]"));
    assert_json(only_step(scene, PLAN_UPDATE_CONFIGURATION)->body, "{\"Layers\":[\"arn:1\",\"arn:2\"]}");
}

static void several_changes_of_the_configuration_are_one_request(void **state)
{
    struct scene *scene = *state;

    json_set_at(scene->spec, "timeout", json_new_int(30));
    json_set_at(scene->spec, "memorySize", json_new_int(512));
    const struct plan_step *step = only_step(scene, PLAN_UPDATE_CONFIGURATION);

    assert_json(step->body, "{\"Timeout\":30,\"MemorySize\":512}");
    assert_string_equal(step->summary, "changes memorySize, timeout");
}

static void a_summary_names_no_value(void **state)
{
    struct scene *scene = *state;
    _cleanup_(str_done) struct str summary = STR_INIT(4096);

    json_set_at(scene->spec, "environment.variables", parse("{\"PASSWORD\":\"hunter2\"}"));
    json_set_at(scene->spec, "tags", parse("{\"hunter2\":\"hunter2\"}"));
    plan_summary(make(scene), &summary);
    assert_string_equal(str_text(&summary), "changes environment.variables; changes tags");
}

/* --- code ------------------------------------------------------------------------------------ */

static void code_is_deployed_exactly_when_it_is_other_code(void **state)
{
    static const struct {
        const char *what, *key, *version; /* declared; NULL: as in the scene, none */
        const char *deployed;             /* status.deployed; NULL: nothing is known */
        const char *artifact;             /* the declared object's hash, as S3 has it */
        const char *running;              /* what AWS shows */
        bool deploys;
    } rows[] = {
#define KNOWN "{\"bucket\":\"artifacts\",\"key\":\"a.zip\",\"codeSha256\":\"" SHA "\"}"
#define KNOWN_V1                                                                                             \
    "{\"bucket\":\"artifacts\",\"key\":\"a.zip\",\"versionId\":\"v1\",\"codeSha256\":\"" SHA "\"}"
        {"the same", NULL, NULL, KNOWN, NULL, SHA, false},
        {"another key", "b.zip", NULL, KNOWN, NULL, SHA, true},
        {"another key with the same content", "b.zip", NULL, KNOWN, SHA, SHA, false},
        {"another key with other content", "b.zip", NULL, KNOWN, OTHER_SHA, SHA, true},
        {"a version now declared, none known", NULL, "v1", KNOWN, NULL, SHA, true},
        {"the same version", NULL, "v1", KNOWN_V1, NULL, SHA, false},
        {"another version", NULL, "v2", KNOWN_V1, NULL, SHA, true},
        {"another version with the same content", NULL, "v2", KNOWN_V1, SHA, SHA, false},
        {"a version no longer declared", NULL, NULL, KNOWN_V1, NULL, SHA, false},
        {"somebody deployed other code", NULL, NULL, KNOWN, NULL, OTHER_SHA, true},
        {"nothing known of what runs", NULL, NULL, NULL, NULL, SHA, true},
        {"nothing known but its content", NULL, NULL, NULL, SHA, SHA, false},
        {"an empty hash is no hash", "b.zip", NULL, KNOWN, "", SHA, true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tear_down(state);
        set_up(state);
        struct scene *scene = *state;

        if (rows[i].key)
            json_set_at(scene->spec, "code.s3Key", json_new_string(rows[i].key));
        if (rows[i].version)
            json_set_at(scene->spec, "code.s3ObjectVersion", json_new_string(rows[i].version));
        gone(&scene->deployed);
        if (rows[i].deployed)
            scene->deployed = parse(rows[i].deployed);
        json_set_str(configuration(scene), "CodeSha256", rows[i].running);
        scene->input.artifact_sha256 = rows[i].artifact;

        const struct plan *plan = make(scene);

        if ((plan->step_count == 1 && plan->steps[0].kind == PLAN_UPDATE_CODE) != rows[i].deploys)
            fail_msg("%s: expected %s", rows[i].what, rows[i].deploys ? "a deployment" : "none");
        if (!rows[i].deploys)
            assert_in_force(scene, rows[i].what);
    }
}

static void a_deployment_names_the_code_and_nothing_else(void **state)
{
    struct scene *scene = *state;

    json_set_at(scene->spec, "code.s3Key", json_new_string("b.zip"));
    json_set_at(scene->spec, "code.s3ObjectVersion", json_new_string("v7"));
    const struct plan_step *step = only_step(scene, PLAN_UPDATE_CODE);

    assert_json(step->body, "{\"S3Bucket\":\"artifacts\",\"S3Key\":\"b.zip\",\"S3ObjectVersion\":\"v7\"}");
    assert_string_equal(step->summary, "deploys new code");
}

static void code_and_architecture_are_one_request_and_configuration_comes_after(void **state)
{
    struct scene *scene = *state;

    json_set_at(scene->spec, "code.s3Key", json_new_string("b.zip"));
    json_set_at(scene->spec, "architectures", parse("[\"arm64\"]"));
    json_set_at(scene->spec, "timeout", json_new_int(30));
    json_set_at(scene->spec, "tags", parse("{\"team\":\"a\"}"));
    const struct plan *plan = make(scene);
    _cleanup_(str_done) struct str summary = STR_INIT(4096);

    assert_int_equal(plan->step_count, 3);
    assert_int_equal(plan->steps[0].kind, PLAN_UPDATE_CODE);
    assert_json(plan->steps[0].body,
                "{\"S3Bucket\":\"artifacts\",\"S3Key\":\"b.zip\",\"Architectures\":[\"arm64\"]}");
    assert_int_equal(plan->steps[1].kind, PLAN_UPDATE_CONFIGURATION);
    assert_int_equal(plan->steps[2].kind, PLAN_TAG);
    plan_summary(plan, &summary);
    assert_string_equal(str_text(&summary),
                        "deploys new code and changes architectures; changes timeout; changes tags");
}

static void an_image_that_runs_already_is_not_deployed_for_want_of_a_memory(void **state)
{
    static const char digest[] = "r/a@sha256:3f9c";
    struct scene *scene = *state;

    gone(&scene->deployed);
    json_set(scene->observed, "Code",
             parse("{\"ImageUri\":\"r/a:1\",\"ResolvedImageUri\":\"r/a@sha256:3f9c\"}"));
    json_set(scene->spec, "code", parse("{\"imageUri\":\"r/a:1\"}"));
    assert_in_force(scene, "the same tag");
    json_set_at(scene->spec, "code.imageUri", json_new_string(digest));
    assert_in_force(scene, "the tag's digest");
    json_set_at(scene->spec, "code.imageUri", json_new_string("r/a:2"));
    only_step(scene, PLAN_UPDATE_CODE);
    json_set(scene->observed, "Code", parse("{\"ImageUri\":null}"));
    only_step(scene, PLAN_UPDATE_CODE);
}

static void an_image_is_deployed_when_another_one_is_declared(void **state)
{
    struct scene *scene = *state;

    json_set(scene->spec, "code", parse("{\"imageUri\":\"r/a:1\"}"));
    json_set(scene->deployed, "imageUri", json_new_string("r/a:1"));
    assert_in_force(scene, "the same image");
    json_set(scene->spec, "code", parse("{\"imageUri\":\"r/a:2\"}"));
    assert_json(only_step(scene, PLAN_UPDATE_CODE)->body, "{\"ImageUri\":\"r/a:2\"}");
    _cleanup_(json_freep) struct json *deployed = plan_deployed(scene->spec, scene->observed, NULL);

    assert_json(deployed, "{\"imageUri\":\"r/a:2\",\"codeSha256\":\"" SHA "\"}");
}

static void the_storage_mode_is_changed_and_removed_also_when_the_content_stays(void **state)
{
    struct scene *scene = *state;

    scene->input.artifact_sha256 = SHA;
    json_set_at(scene->spec, "code.s3ObjectStorageMode", json_new_string("COPY"));
    assert_in_force(scene, "the default");
    json_set_at(scene->spec, "code.s3ObjectStorageMode", json_new_string("REFERENCE"));
    assert_json(only_step(scene, PLAN_UPDATE_CODE)->body,
                "{\"S3Bucket\":\"artifacts\",\"S3Key\":\"a.zip\",\"S3ObjectStorageMode\":\"REFERENCE\"}");
    json_set(scene->deployed, "storageMode", json_new_string("REFERENCE"));
    assert_in_force(scene, "by reference");
    /* The object itself runs: the same bytes elsewhere are another thing. */
    json_set_at(scene->spec, "code.s3Key", json_new_string("b.zip"));
    only_step(scene, PLAN_UPDATE_CODE);
    json_set(scene->spec, "code", parse("{\"s3Bucket\":\"artifacts\",\"s3Key\":\"a.zip\"}"));
    json_append(scene->managed, json_new_string("code.s3ObjectStorageMode"));
    assert_json(only_step(scene, PLAN_UPDATE_CODE)->body,
                "{\"S3Bucket\":\"artifacts\",\"S3Key\":\"a.zip\",\"S3ObjectStorageMode\":\"COPY\"}");
}

static void a_deployment_names_the_key_of_the_archive_again(void **state)
{
    struct scene *scene = *state;

    json_set_at(scene->spec, "code.sourceKMSKeyArn", json_new_string("arn:k"));
    json_set_at(scene->observed, "Code.SourceKMSKeyArn", json_new_string("arn:k"));
    assert_in_force(scene, "the same key");
    json_set_at(scene->spec, "code.s3Key", json_new_string("b.zip"));
    assert_json(only_step(scene, PLAN_UPDATE_CODE)->body,
                "{\"S3Bucket\":\"artifacts\",\"S3Key\":\"b.zip\",\"SourceKMSKeyArn\":\"arn:k\"}");
}

/* --- tags ------------------------------------------------------------------------------------ */

static void tags_are_added_and_changed_without_touching_others(void **state)
{
    struct scene *scene = *state;

    json_set(scene->spec, "tags", parse("{\"same\":\"1\",\"changed\":\"2\",\"new\":\"3\"}"));
    json_set_str(tags(scene), "same", "1");
    json_set_str(tags(scene), "changed", "1");
    json_set_str(tags(scene), "theirs", "x");
    assert_json(only_step(scene, PLAN_TAG)->body, "{\"Tags\":{\"changed\":\"2\",\"new\":\"3\"}}");
}

static void a_tag_that_was_declared_and_is_not_any_more_is_removed(void **state)
{
    struct scene *scene = *state;

    json_set(scene->spec, "tags", parse("{\"kept\":\"1\"}"));
    json_append(scene->managed, json_new_string("tags.kept"));
    json_append(scene->managed, json_new_string("tags.a.b"));
    json_append(scene->managed, json_new_string("tags.gone already"));
    json_set_str(tags(scene), "kept", "1");
    json_set_str(tags(scene), "a.b", "1");
    json_set_str(tags(scene), "theirs", "1");
    assert_json(only_step(scene, PLAN_UNTAG)->body, "[\"a.b\"]");
}

/* --- whose it is ----------------------------------------------------------------------------- */

static void a_function_without_our_tag_is_not_touched(void **state)
{
    struct scene *scene = *state;

    json_set(scene->observed, "Tags", NULL);
    assert_blocked(scene, "AlreadyExists", "tag it " PLAN_OWNER_TAG "=" OWNER);
    json_set_at(scene->spec, "timeout", json_new_int(30));
    assert_blocked(scene, "AlreadyExists", "named f exists");
}

static void a_function_of_another_owner_is_not_touched(void **state)
{
    struct scene *scene = *state;

    json_set_str(tags(scene), PLAN_OWNER_TAG, "cluster/other/x");
    assert_blocked(scene, "OwnedByAnother", "cluster/other/x");
}

static void unreadable_tags_leave_the_owner_unknown(void **state)
{
    struct scene *scene = *state;

    json_set(scene->observed, "Tags", NULL);
    json_set_at(scene->observed, "TagsError.ErrorCode", json_new_string("AccessDeniedException"));
    assert_blocked(scene, "TagsUnreadable", "lambda:ListTags");
}

static void a_tags_error_of_null_is_no_error(void **state)
{
    struct scene *scene = *state;

    json_set(scene->observed, "Tags", NULL);
    json_set(scene->observed, "TagsError", parse("null"));
    assert_blocked(scene, "AlreadyExists", "named f exists");
}

static void an_answer_without_a_name_is_still_told_apart(void **state)
{
    struct scene *scene = *state;

    json_free(scene->observed);
    scene->observed = parse("{\"Configuration\":{}}");
    assert_blocked(scene, "AlreadyExists", "named f exists");
}

static void assert_kinds(struct scene *scene, size_t count, const enum plan_step_kind *kinds)
{
    const struct plan *plan = make(scene);

    assert_int_equal(plan->outcome, PLAN_STEPS);
    assert_int_equal(plan->step_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(plan->steps[i].kind, kinds[i]);
}

static void who_may_adopt_a_function_takes_it_over_before_all_else(void **state)
{
    struct scene *scene = *state;
    static const enum plan_step_kind kinds[] = {PLAN_TAG, PLAN_UPDATE_CODE, PLAN_UPDATE_CONFIGURATION};

    gone(&scene->deployed);
    json_set(scene->observed, "Tags", NULL);
    json_set_at(scene->spec, "timeout", json_new_int(30));
    json_set_at(scene->spec, "tags", parse("{\"team\":\"a\"}"));
    assert_blocked(scene, "AlreadyExists", "adoptionPolicy: Adopt");
    json_set_str(scene->spec, "adoptionPolicy", "Never");
    assert_blocked(scene, "AlreadyExists", "adoptionPolicy: Adopt");
    json_set_str(scene->spec, "adoptionPolicy", "Adopt");
    assert_kinds(scene, ARRAY_LEN(kinds), kinds);
    assert_true(scene->plan.adopts);
    assert_json(scene->plan.steps[0].body,
                "{\"Tags\":{\"team\":\"a\",\"" PLAN_OWNER_TAG "\":\"" OWNER "\"}}");
    scene->input.artifact_sha256 = SHA; /* it has the code that is declared */
    make(scene);
    assert_int_equal(scene->plan.step_count, 2);
    assert_int_equal(scene->plan.steps[1].kind, PLAN_UPDATE_CONFIGURATION);
}

static void what_is_not_declared_of_an_adopted_function_stays(void **state)
{
    struct scene *scene = *state;

    json_set(scene->observed, "Tags", parse("{\"theirs\":\"stays\"}"));
    json_set_str(scene->spec, "adoptionPolicy", "Adopt");
    json_set_at(scene->observed, "Configuration.MemorySize", json_new_int(512));
    json_set_at(scene->observed, "Configuration.Layers", parse("[{\"Arn\":\"arn:1\"}]"));
    assert_json(only_step(scene, PLAN_TAG)->body, "{\"Tags\":{\"" PLAN_OWNER_TAG "\":\"" OWNER "\"}}");
}

static void adoption_takes_nothing_from_others_and_revives_nothing(void **state)
{
    struct scene *scene = *state;

    json_set_str(scene->spec, "adoptionPolicy", "Adopt");
    json_set_str(tags(scene), PLAN_OWNER_TAG, "cluster/other/x");
    assert_blocked(scene, "OwnedByAnother", "cluster/other/x");
    json_set(scene->observed, "Tags", NULL);
    json_set_at(scene->observed, "Configuration.State", json_new_string("Failed"));
    assert_blocked(scene, "FunctionFailed", "could not create"); /* and it is not deleted */
    json_set_at(scene->observed, "Configuration.State", json_new_string("Active"));
    json_set_at(scene->observed, "TagsError.ErrorCode", json_new_string("AccessDeniedException"));
    assert_blocked(scene, "TagsUnreadable", "lambda:ListTags");
    json_set(scene->observed, "TagsError", NULL);
    scene->input.deleting = true;
    assert_int_equal(make(scene)->outcome, PLAN_IN_FORCE);
}

static void on_request_the_same_code_is_deployed_once_more(void **state)
{
    struct scene *scene = *state;

    scene->input.redeploy = true;
    only_step(scene, PLAN_UPDATE_CODE);
    scene->input.artifact_sha256 = SHA;
    only_step(scene, PLAN_UPDATE_CODE);
}

/* --- states ---------------------------------------------------------------------------------- */

static void aws_is_left_alone_while_it_is_busy(void **state)
{
    static const struct {
        const char *member, *value, *reason;
    } rows[] = {{"State", "Pending", "Pending"},
                {"State", "Deleting", "Deleting"},
                {"LastUpdateStatus", "InProgress", "Updating"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tear_down(state);
        set_up(state);
        struct scene *scene = *state;

        json_set_at(scene->spec, "timeout", json_new_int(30));
        json_set_str(configuration(scene), rows[i].member, rows[i].value);
        const struct plan *plan = make(scene);

        assert_int_equal(plan->outcome, PLAN_WAIT);
        assert_int_equal(plan->step_count, 0);
        assert_string_equal(plan->reason, rows[i].reason);
    }
}

static void an_inactive_function_is_healthy_and_can_be_changed(void **state)
{
    struct scene *scene = *state;

    json_set_str(configuration(scene), "State", "Inactive");
    assert_in_force(scene, "inactive");
    json_set_at(scene->spec, "timeout", json_new_int(30));
    only_step(scene, PLAN_UPDATE_CONFIGURATION);
}

/* --- deletion -------------------------------------------------------------------------------- */

static void our_function_is_deleted_whatever_its_state(void **state)
{
    static const char *const states[] = {"Active", "Pending", "Failed", "Inactive"};
    struct scene *scene = *state;

    scene->input.deleting = true;
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        json_set_str(configuration(scene), "State", states[i]);
        assert_null(only_step(scene, PLAN_DELETE)->body);
    }
}

static void a_function_that_is_gone_needs_no_deletion(void **state)
{
    struct scene *scene = *state;

    scene->input.deleting = true;
    gone(&scene->observed);
    assert_in_force(scene, "gone");
}

static void somebody_elses_function_is_not_deleted_with_our_resource(void **state)
{
    struct scene *scene = *state;

    scene->input.deleting = true;
    json_set_str(tags(scene), PLAN_OWNER_TAG, "cluster/other/x");
    assert_in_force(scene, "another owner");
    json_set(scene->observed, "Tags", NULL);
    assert_in_force(scene, "no owner");
}

static void a_function_whose_owner_is_unknown_keeps_the_resource(void **state)
{
    struct scene *scene = *state;

    scene->input.deleting = true;
    json_set(scene->observed, "Tags", NULL);
    json_set_at(scene->observed, "TagsError.ErrorCode", json_new_string("AccessDeniedException"));
    assert_blocked(scene, "TagsUnreadable", "lambda:ListTags");
}

/* --- what status remembers ------------------------------------------------------------------- */

static void managed_lists_what_can_be_cleared_and_tags_one_by_one(void **state)
{
    struct scene *scene = *state;
    _cleanup_(json_freep) struct json *before = parse("[\"memorySize\",\"timeout\"]");

    json_set_at(scene->spec, "timeout", json_new_int(9));
    json_set_at(scene->spec, "environment.variables", parse("{\"AA\":\"1\"}"));
    json_set_at(scene->spec, "tags", parse("{\"team\":\"a\",\"a.b\":\"c\"}"));
    _cleanup_(json_freep) struct json *alone = plan_managed(scene->spec, NULL);
    _cleanup_(json_freep) struct json *joined = plan_managed(scene->spec, before);

    assert_json(alone, "[\"timeout\",\"environment.variables\",\"tags.team\",\"tags.a.b\"]");
    assert_json(joined, "[\"memorySize\",\"timeout\",\"environment.variables\",\"tags.team\",\"tags.a.b\"]");
}

static void managed_lists_aliases_one_by_one_with_what_is_cleared_by_itself(void **state)
{
    struct scene *scene = *state;

    json_set(
        scene->spec, "aliases",
        parse("[{\"name\":\"live\",\"version\":\"Latest\",\"description\":\"d\",\"provisionedConcurrency\":1,"
              "\"asyncInvoke\":{\"onFailure\":\"arn:q\"}},{\"name\":\"next\",\"version\":\"7\"},{}]"));
    _cleanup_(json_freep) struct json *managed = plan_managed(scene->spec, NULL);

    assert_json(managed, "[\"aliases.live\",\"aliases.live.provisionedConcurrency\","
                         "\"aliases.live.asyncInvoke.onFailure\",\"aliases.next\"]");
}

static void names_of_fields_that_a_newer_version_has_are_told_from_ours(void **state)
{
    _cleanup_(json_freep) struct json *managed = parse(
        "[\"memorySize\",\"newField\",\"environment.variables\",\"tags.a.b\",\"loggingConfig.newMember\","
        "\"aliases.live\",\"aliases.live.asyncInvoke.onFailure\",\"aliases.live.newMember\",\"newThings."
        "one\","
        "\"permissions.live/"
        "s3\",\"functionUrl.$LATEST\",\"eventSources.orders\",\"eventSourceTags.orders.team\",7]");
    _cleanup_(json_freep) struct json *newer = plan_managed_by_newer(managed);
    _cleanup_(json_freep) struct json *none = plan_managed_by_newer(NULL);

    (void)state;
    assert_json(newer,
                "[\"newField\",\"loggingConfig.newMember\",\"aliases.live.newMember\",\"newThings.one\"]");
    assert_json(none, "[]");
}

static void deployed_is_the_artifact_as_declared_and_as_aws_shows_it(void **state)
{
    struct scene *scene = *state;
    _cleanup_(json_freep) struct json *plain = plan_deployed(scene->spec, scene->observed, NULL);
    _cleanup_(json_freep) struct json *found = plan_deployed(scene->spec, scene->observed, "v1");

    assert_json(plain, "{\"bucket\":\"artifacts\",\"key\":\"a.zip\",\"codeSha256\":\"" SHA "\"}");
    assert_string_equal(json_str_at(found, "versionId"), "v1");
    json_set_at(scene->spec, "code.s3ObjectVersion", json_new_string("v0"));
    _cleanup_(json_freep) struct json *declared = plan_deployed(scene->spec, scene->observed, "v1");

    assert_string_equal(json_str_at(declared, "versionId"), "v0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_as_declared_needs_nothing),
        test(a_function_that_is_not_there_is_created_with_all_that_is_declared),
        test(what_nobody_declared_is_not_sent_at_creation),
        test(the_order_of_a_list_counts_and_that_of_a_map_does_not),
        test(several_changes_of_the_configuration_are_one_request),
        test(a_summary_names_no_value),
        test(code_is_deployed_exactly_when_it_is_other_code),
        test(a_deployment_names_the_code_and_nothing_else),
        test(code_and_architecture_are_one_request_and_configuration_comes_after),
        test(an_image_that_runs_already_is_not_deployed_for_want_of_a_memory),
        test(an_image_is_deployed_when_another_one_is_declared),
        test(the_storage_mode_is_changed_and_removed_also_when_the_content_stays),
        test(a_deployment_names_the_key_of_the_archive_again),
        test(tags_are_added_and_changed_without_touching_others),
        test(a_tag_that_was_declared_and_is_not_any_more_is_removed),
        test(a_function_without_our_tag_is_not_touched),
        test(a_function_of_another_owner_is_not_touched),
        test(unreadable_tags_leave_the_owner_unknown),
        test(a_tags_error_of_null_is_no_error),
        test(an_answer_without_a_name_is_still_told_apart),
        test(who_may_adopt_a_function_takes_it_over_before_all_else),
        test(what_is_not_declared_of_an_adopted_function_stays),
        test(adoption_takes_nothing_from_others_and_revives_nothing),
        test(on_request_the_same_code_is_deployed_once_more),
        test(aws_is_left_alone_while_it_is_busy),
        test(an_inactive_function_is_healthy_and_can_be_changed),
        test(our_function_is_deleted_whatever_its_state),
        test(a_function_that_is_gone_needs_no_deletion),
        test(somebody_elses_function_is_not_deleted_with_our_resource),
        test(a_function_whose_owner_is_unknown_keeps_the_resource),
        test(managed_lists_what_can_be_cleared_and_tags_one_by_one),
        test(managed_lists_aliases_one_by_one_with_what_is_cleared_by_itself),
        test(names_of_fields_that_a_newer_version_has_are_told_from_ours),
        test(deployed_is_the_artifact_as_declared_and_as_aws_shows_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

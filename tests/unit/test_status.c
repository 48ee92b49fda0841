/* The status that a change of state leads to. */
#include "controller/status.h"

#include "common/base/mem.h"
#include "tests/unit/texts.h"

#include <inttypes.h>
#include <stdio.h>

#define T1 "2026-11-24T08:00:00Z"
#define T2 "2026-11-24T09:00:00Z"

static struct json *make(const struct json *old, enum status_phase phase, const char *reason,
                         const char *message, int64_t generation, const char *now)
{
    const struct status_change change = {
        .phase = phase, .reason = reason, .message = message, .generation = generation};

    return status_make(old, &change, now);
}

static const struct json *condition(const struct json *status, const char *type)
{
    for (const struct json *item = json_first(json_get(status, "conditions")); item; item = json_next(item))
        if (str_equal(json_str_at(item, "type"), type))
            return item;
    fail_msg("there is no condition %s", type);
    return NULL;
}

static const char *said(const struct json *status, const char *type, const char *member)
{
    return json_str_at(condition(status, type), member);
}

static void drift_is_beside_the_phase_from_the_first_time_on(void **state)
{
    struct status_change change = {.phase = STATUS_READY, .reason = "InForce", .generation = 3};

    (void)state;
    change.drift = STATUS_NO_DRIFT;
    _cleanup_(json_freep) struct json *fine = status_make(NULL, &change, T1);

    assert_int_equal(json_size(json_get(fine, "conditions")), 3);
    assert_int_equal(json_int_at(fine, "appliedGeneration", 0), 3);
    assert_null(status_drift(fine));
    change.drift = "Drifted";
    change.drift_message = "memorySize";
    _cleanup_(json_freep) struct json *drifted = status_make(fine, &change, T1);

    assert_true(status_differs(fine, drifted));
    assert_string_equal(status_drift(drifted), "Drifted");
    assert_string_equal(said(drifted, STATUS_DRIFTED, "message"), "memorySize");
    assert_true(status_is(drifted, "Ready", 3));
    _cleanup_(json_freep) struct json *busy = make(drifted, STATUS_RECONCILING, "Applying", "", 4, T2);

    assert_string_equal(status_drift(busy), "Drifted"); /* nobody said otherwise */
    assert_int_equal(json_int_at(busy, "appliedGeneration", 0), 3);
    change.drift = STATUS_NO_DRIFT;
    _cleanup_(json_freep) struct json *again = status_make(drifted, &change, T2);

    assert_null(status_drift(again));
    assert_string_equal(said(again, STATUS_DRIFTED, "status"), "False");
    assert_string_equal(said(again, STATUS_DRIFTED, "message"), "");
    assert_string_equal(said(again, STATUS_DRIFTED, "lastTransitionTime"), T2);
}

static void exactly_the_condition_of_the_phase_is_true(void **state)
{
    static const char *const types[] = {"Ready", "Reconciling", "Stalled"};

    (void)state;
    for (size_t phase = 0; phase < ARRAY_LEN(types); phase++) {
        _cleanup_(json_freep) struct json *status =
            make(NULL, (enum status_phase)phase, "Why", "because", 3, T1);

        assert_int_equal(json_size(json_get(status, "conditions")), 3);
        assert_int_equal(json_int_at(status, "observedGeneration", 0), 3);
        for (size_t i = 0; i < ARRAY_LEN(types); i++) {
            assert_string_equal(said(status, types[i], "status"), i == phase ? "True" : "False");
            assert_string_equal(said(status, types[i], "reason"), "Why");
            assert_string_equal(said(status, types[i], "lastTransitionTime"), T1);
            assert_int_equal(json_int_at(condition(status, types[i]), "observedGeneration", 0), 3);
            assert_int_equal(status_is(status, types[i], 3), i == phase);
            assert_false(status_is(status, types[i], 4));
        }
        assert_string_equal(said(status, "Ready", "message"), "because");
    }
}

static void a_condition_keeps_its_time_until_it_turns(void **state)
{
    _cleanup_(json_freep) struct json *one = make(NULL, STATUS_RECONCILING, "Applying", "x", 1, T1);
    _cleanup_(json_freep) struct json *two = make(one, STATUS_STALLED, "InvalidSpec", "y", 2, T2);

    (void)state;
    assert_string_equal(said(two, "Ready", "lastTransitionTime"), T1); /* False before and after */
    assert_string_equal(said(two, "Reconciling", "lastTransitionTime"), T2);
    assert_string_equal(said(two, "Stalled", "lastTransitionTime"), T2);
}

static void the_same_again_does_not_differ_whatever_the_time(void **state)
{
    _cleanup_(json_freep) struct json *one = make(NULL, STATUS_READY, "InForce", "x", 1, T1);
    _cleanup_(json_freep) struct json *again = make(one, STATUS_READY, "InForce", "x", 1, T2);
    _cleanup_(json_freep) struct json *fresh = make(NULL, STATUS_READY, "InForce", "x", 1, T2);

    (void)state;
    assert_false(status_differs(one, again));
    assert_false(status_differs(one, fresh));
    assert_true(json_equal(one, again));
}

static void other_peoples_conditions_are_no_difference_and_are_not_taken_over(void **state)
{
    _cleanup_(json_freep) struct json *one = make(NULL, STATUS_READY, "InForce", "x", 1, T1);
    _cleanup_(json_freep) struct json *old = json_copy(one);
    struct json *conditions = json_copy(json_get(old, "conditions"));

    (void)state;
    json_append(conditions, parse("{\"type\":\"Theirs\",\"status\":\"True\"}"));
    json_set(old, "conditions", conditions);
    _cleanup_(json_freep) struct json *next = make(old, STATUS_READY, "InForce", "x", 1, T2);

    assert_false(status_differs(old, next));
    assert_int_equal(json_size(json_get(next, "conditions")), 3);
}

static void each_part_that_changes_makes_a_difference(void **state)
{
    _cleanup_(json_freep) struct json *old = make(NULL, STATUS_STALLED, "A", "x", 1, T1);
    _cleanup_(json_freep) struct json *observed =
        parse("{\"Configuration\":{\"FunctionArn\":\"arn:1\",\"State\":\"Active\"}}");
    _cleanup_(json_freep) struct json *list = parse("[\"timeout\"]"), *deployed = parse("{\"key\":\"k\"}");
    const struct status_change same = {
        .phase = STATUS_STALLED, .reason = "A", .message = "x", .generation = 1};
    struct status_change changes[] = {same, same, same, same, same, same, same};

    (void)state;
    changes[0].phase = STATUS_RECONCILING;
    changes[1].reason = "B";
    changes[2].message = "y";
    changes[3].generation = 2;
    changes[4].observed = observed;
    changes[5].managed = list;
    changes[6].deployed = deployed;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        _cleanup_(json_freep) struct json *status = status_make(old, &changes[i], T1);

        if (!status_differs(old, status))
            fail_msg("change %zu is not seen", i);
    }
    assert_true(status_differs(NULL, old));
}

static void what_is_not_known_now_stays_as_it_was(void **state)
{
    _cleanup_(json_freep) struct json *observed =
        parse("{\"Configuration\":{\"FunctionArn\":\"arn:1\",\"State\":\"Active\",\"LastUpdateStatus\":"
              "\"Failed\"}}");
    _cleanup_(json_freep) struct json *list = parse("[\"timeout\"]"), *deployed = parse("{\"key\":\"k\"}");
    const struct status_change full = {.phase = STATUS_READY,
                                       .reason = "InForce",
                                       .generation = 1,
                                       .observed = observed,
                                       .managed = list,
                                       .deployed = deployed};
    _cleanup_(json_freep) struct json *old = status_make(NULL, &full, T1);
    _cleanup_(json_freep) struct json *next = make(old, STATUS_RECONCILING, "Throttled", "x", 1, T2);

    (void)state;
    assert_string_equal(json_str_at(next, "functionArn"), "arn:1");
    assert_string_equal(json_str_at(next, "state"), "Active");
    assert_string_equal(json_str_at(next, "lastUpdateStatus"), "Failed");
    assert_true(json_equal(json_get(next, "managed"), list));
    assert_true(json_equal(json_get(next, "deployed"), deployed));
}

static void a_member_that_aws_does_not_show_any_more_goes(void **state)
{
    _cleanup_(json_freep) struct json *first =
        parse("{\"Configuration\":{\"State\":\"Active\",\"LastUpdateStatus\":\"Failed\"}}");
    _cleanup_(json_freep) struct json *second = parse("{\"Configuration\":{\"State\":\"Active\"}}");
    struct status_change change = {
        .phase = STATUS_READY, .reason = "InForce", .generation = 1, .observed = first};
    _cleanup_(json_freep) struct json *old = status_make(NULL, &change, T1);

    (void)state;
    change.observed = second;
    _cleanup_(json_freep) struct json *next = status_make(old, &change, T1);

    assert_null(json_get(next, "lastUpdateStatus"));
    assert_true(status_differs(old, next));
}

static void what_aws_says_in_another_type_is_not_repeated(void **state)
{
    _cleanup_(json_freep) struct json *odd =
        parse("{\"Configuration\":{\"FunctionArn\":[1],\"State\":7,\"LastUpdateStatus\":{\"a\":\"b\"}}}");
    _cleanup_(json_freep) struct json *status =
        status_make(NULL, &(struct status_change){.reason = "InForce", .observed = odd}, T1);

    (void)state;
    assert_null(json_get(status, "functionArn"));
    assert_null(json_get(status, "state"));
    assert_null(json_get(status, "lastUpdateStatus"));
}

static void a_long_message_is_cut_between_characters(void **state)
{
    char message[2 * STATUS_MESSAGE_MAX_BYTES];

    (void)state;
    for (size_t i = 0; i + 2 < sizeof(message); i += 2)
        memcpy(message + i, "ä", 3);
    message[0] = message[1] = 'x';
    memmove(message + 1, message + 2, strlen(message + 2) + 1); /* an odd start */
    _cleanup_(json_freep) struct json *status = make(NULL, STATUS_STALLED, "A", message, 1, T1);
    const char *cut = said(status, "Ready", "message");

    assert_int_equal(strlen(cut), STATUS_MESSAGE_MAX_BYTES - 1);
    assert_string_equal(cut + strlen(cut) - 2, "ä");
}

static void the_default_status_has_said_nothing_yet(void **state)
{
    _cleanup_(json_freep) struct json *status = parse("{\"observedGeneration\":-1}");

    (void)state;
    assert_null(status_reason(status));
    assert_null(status_reason(NULL));
    assert_false(status_is(status, "Ready", -1));
}

static void the_patch_can_only_meet_the_object_that_was_read(void **state)
{
    _cleanup_(json_freep) struct json *metadata =
        parse("{\"name\":\"f\",\"namespace\":\"n\",\"uid\":\"u\",\"resourceVersion\":\"1\",\"labels\":{}}");
    _cleanup_(json_freep) struct json *status = parse("{\"observedGeneration\":1}");
    _cleanup_(json_freep) struct json *patch = status_patch(metadata, "2", status);
    _cleanup_(json_freep) struct json *expected =
        parse("{\"apiVersion\":\"kubelambda.io/v1alpha1\",\"kind\":\"LambdaFunction\",\"metadata\":{\"name\":"
              "\"f\",\"namespace\":\"n\",\"uid\":\"u\",\"resourceVersion\":\"2\"},\"status\":{"
              "\"observedGeneration\":1}}");

    (void)state;
    assert_true(json_equal(patch, expected));
}

static void what_a_newer_version_remembers_stays_but_not_its_conditions(void **state)
{
    _cleanup_(json_freep) struct json *old =
        parse("{\"newMember\":{\"a\":[1]},\"state\":\"Active\",\"conditions\":[{\"type\":\"New\",\"status\":"
              "\"True\"}]}");
    _cleanup_(json_freep) struct json *status = make(old, STATUS_READY, "InForce", "", 3, T1);

    (void)state;
    assert_true(json_equal(json_get(status, "newMember"), json_get(old, "newMember")));
    assert_int_equal(json_size(json_get(status, "conditions")), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_condition_of_the_phase_is_true),
        cmocka_unit_test(drift_is_beside_the_phase_from_the_first_time_on),
        cmocka_unit_test(a_condition_keeps_its_time_until_it_turns),
        cmocka_unit_test(the_same_again_does_not_differ_whatever_the_time),
        cmocka_unit_test(other_peoples_conditions_are_no_difference_and_are_not_taken_over),
        cmocka_unit_test(each_part_that_changes_makes_a_difference),
        cmocka_unit_test(what_a_newer_version_remembers_stays_but_not_its_conditions),
        cmocka_unit_test(what_is_not_known_now_stays_as_it_was),
        cmocka_unit_test(a_member_that_aws_does_not_show_any_more_goes),
        cmocka_unit_test(what_aws_says_in_another_type_is_not_repeated),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(the_default_status_has_said_nothing_yet),
        cmocka_unit_test(the_patch_can_only_meet_the_object_that_was_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

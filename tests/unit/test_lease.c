/* The leader's lease: every transition, with a clock of our own. */
#include "common/kube/lease.h"

#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char NOW[] = "2026-11-24T08:00:00.000000Z";

/* A lease as the API server has it; `renewed` makes the record another one. */
static struct json *object(const char *holder, const char *version, const char *renewed)
{
    struct json *lease = json_new_object(), *spec = json_make_object(lease, "spec");

    json_set_str(json_make_object(lease, "metadata"), "resourceVersion", version);
    json_set_str(spec, "holderIdentity", holder);
    json_set(spec, "leaseDurationSeconds", json_new_int(15));
    json_set(spec, "leaseTransitions", json_new_int(3));
    json_set_str(spec, "renewTime", renewed);
    return lease;
}

static void follow(struct lease *lease, const char *holder, const char *version, const char *renewed,
                   int64_t now_ms)
{
    _cleanup_(json_freep) struct json *found = object(holder, version, renewed);

    lease_follow(lease, found, now_ms);
}

static void wrote(struct lease *lease, const char *version, int64_t sent_ms, int64_t now_ms)
{
    _cleanup_(json_freep) struct json *answer = object("me", version, version);

    lease_wrote(lease, answer, sent_ms, now_ms);
}

/* We lead since 1000. */
static void lead(struct lease *lease)
{
    lease_init(lease, "me");
    lease_follow(lease, NULL, 1000);
    assert_int_equal(lease_next(lease, 1000), LEASE_CREATE);
    wrote(lease, "1", 1000, 1010);
    assert_true(lease->leads);
}

static void a_single_replica_leads_at_once(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lease_init(&lease, "me");
    assert_int_equal(lease_next(&lease, 5), LEASE_READ);
    lease_follow(&lease, NULL, 6);
    assert_int_equal(lease_next(&lease, 6), LEASE_CREATE);
    assert_int_equal(lease_deadline_ms(&lease), 0);
    wrote(&lease, "1", 6, 20);
    assert_int_equal(lease_deadline_ms(&lease), 6 + LEASE_DEADLINE_MS);
    assert_int_equal(lease_next(&lease, 20), LEASE_WAIT);
    assert_int_equal(lease_wake_ms(&lease), 6 + LEASE_RETRY_MS);
}

static void the_leader_renews_without_reading(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lead(&lease);
    assert_int_equal(lease_next(&lease, 3000), LEASE_UPDATE);
    wrote(&lease, "2", 3000, 3500);
    assert_int_equal(lease_deadline_ms(&lease), 3000 + LEASE_DEADLINE_MS); /* from when it was sent */
    assert_int_equal(lease_wake_ms(&lease), 5000);
}

static void a_lease_of_somebody_else_is_watched_until_it_stood_still_for_its_duration(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lease_init(&lease, "me");
    for (int64_t now_ms = 1000; now_ms < 1000 + LEASE_DURATION_MS; now_ms = lease_wake_ms(&lease)) {
        assert_int_equal(lease_next(&lease, now_ms), LEASE_READ);
        follow(&lease, "other", "7", "long ago", now_ms);
        assert_int_equal(lease_next(&lease, now_ms), LEASE_WAIT);
        assert_in_range(lease_wake_ms(&lease), now_ms + 1000, now_ms + LEASE_RETRY_MS);
    }
    assert_int_equal(lease_wake_ms(&lease), 16000);
    assert_int_equal(lease_next(&lease, 16000), LEASE_READ);
    follow(&lease, "other", "7", "long ago", 16000);
    assert_int_equal(lease_next(&lease, 16000), LEASE_UPDATE);
}

static void a_renewal_starts_the_observation_anew(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lease_init(&lease, "me");
    follow(&lease, "other", "7", "a", 1000);
    follow(&lease, "other", "8", "b", 15999); /* at the last moment */
    assert_int_equal(lease_next(&lease, 16000), LEASE_WAIT);
    follow(&lease, "other", "8", "b", 30998);
    assert_int_equal(lease_next(&lease, 30998), LEASE_WAIT);
    follow(&lease, "other", "8", "b", 30999);
    assert_int_equal(lease_next(&lease, 30999), LEASE_UPDATE);
}

static void a_label_that_somebody_changes_is_no_sign_of_life(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lease_init(&lease, "me");
    follow(&lease, "other", "7", "a", 1000);
    follow(&lease, "other", "8", "a", 9000);
    follow(&lease, "other", "9", "a", 16000);
    assert_int_equal(lease_next(&lease, 16000), LEASE_UPDATE);
    _cleanup_(json_freep) struct json *body = lease_body(&lease, LEASE_UPDATE, "kubelambda", NOW);

    assert_string_equal(json_str_at(body, "metadata.resourceVersion"), "9");
}

static void the_clocks_of_others_do_not_matter(void **state)
{
    static const char *const renewed[] = {"1999-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z",
                                          "yesterday"};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(renewed); i++) {
        _cleanup_(lease_done) struct lease lease;

        lease_init(&lease, "me");
        follow(&lease, "other", "7", renewed[i], 1000);
        assert_int_equal(lease_next(&lease, 1000), LEASE_WAIT);
        follow(&lease, "other", "7", renewed[i], 16000);
        assert_int_equal(lease_next(&lease, 16000), LEASE_UPDATE);
    }
}

static void a_released_lease_is_taken_at_once(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lease_init(&lease, "me");
    follow(&lease, "other", "7", "a", 1000);
    assert_int_equal(lease_next(&lease, 1000), LEASE_WAIT);
    assert_int_equal(lease_next(&lease, 3000), LEASE_READ);
    follow(&lease, "", "8", "b", 3010);
    assert_int_equal(lease_next(&lease, 3010), LEASE_UPDATE);
    wrote(&lease, "9", 3010, 3020);
    assert_true(lease.leads);
}

static void a_duration_that_makes_no_sense_is_the_usual_one(void **state)
{
    static const char *const specs[] = {
        "{\"spec\":{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":2147483647}}",
        "{\"spec\":{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":-1}}",
        "{\"spec\":{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":\"x\"}}",
        "{\"spec\":{\"holderIdentity\":\"other\"}}",
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        _cleanup_(lease_done) struct lease lease;
        _cleanup_(json_freep) struct json *found = NULL;

        assert_int_equal(json_parse(view(specs[i]), &found, NULL), 0);
        lease_init(&lease, "me");
        lease_follow(&lease, found, 0);
        assert_int_equal(lease.duration_ms, LEASE_DURATION_MS);
        assert_int_equal(lease_next(&lease, 0), LEASE_WAIT);
    }
}

static void an_object_that_is_no_lease_is_free(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    _cleanup_(json_freep) struct json *found = json_new_array();
    (void)state;

    lease_init(&lease, "me");
    lease_follow(&lease, found, 0);
    assert_int_equal(lease_next(&lease, 0), LEASE_UPDATE);
}

static void who_was_too_late_to_take_it_waits_and_looks_again(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lease_init(&lease, "me");
    follow(&lease, "", "8", "b", 1000);
    assert_int_equal(lease_next(&lease, 1000), LEASE_UPDATE);
    lease_failed(&lease, ERR_CONFLICT, 1000, 1010);
    assert_int_equal(lease_next(&lease, 1010), LEASE_WAIT);
    assert_int_equal(lease_next(&lease, 3000), LEASE_READ);
    follow(&lease, "other", "9", "c", 3010);
    assert_int_equal(lease_next(&lease, 3010), LEASE_WAIT);
    assert_false(lease.leads);
}

static void a_stolen_lease_is_noticed_at_the_next_renewal(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lead(&lease);
    assert_int_equal(lease_next(&lease, 3000), LEASE_UPDATE);
    lease_failed(&lease, ERR_CONFLICT, 3000, 3010);
    assert_int_equal(lease_next(&lease, 3010), LEASE_READ); /* at once */
    follow(&lease, "other", "5", "x", 3020);
    assert_int_equal(lease_next(&lease, 3020), LEASE_STEP_DOWN);
    assert_int_equal(lease_deadline_ms(&lease), 0);
    assert_int_equal(lease_next(&lease, 3020), LEASE_WAIT);
    assert_int_equal(lease_next(&lease, 3020 + LEASE_RETRY_MS), LEASE_READ);
}

static void a_lease_that_somebody_emptied_is_lost_too(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lead(&lease);
    lease_failed(&lease, ERR_CONFLICT, 3000, 3010);
    follow(&lease, "", "5", "x", 3020);
    assert_int_equal(lease_next(&lease, 3020), LEASE_STEP_DOWN);
}

static void a_renewal_whose_answer_was_lost_costs_a_look(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lead(&lease);
    assert_int_equal(lease_next(&lease, 3000), LEASE_UPDATE);
    lease_failed(&lease, ERR_RETRY, 3000, 7000); /* it had its effect */
    assert_int_equal(lease_next(&lease, 7000), LEASE_READ);
    follow(&lease, "me", "2", "x", 7010);
    assert_int_equal(lease_next(&lease, 7010), LEASE_UPDATE);
    assert_int_equal(lease_deadline_ms(&lease), 1000 + LEASE_DEADLINE_MS); /* what was not confirmed */
    wrote(&lease, "3", 7010, 7020);
    assert_int_equal(lease_deadline_ms(&lease), 7010 + LEASE_DEADLINE_MS);
}

static void conflicts_without_end_do_not_become_a_loop(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    int requests = 0;
    (void)state;

    lead(&lease);
    for (int64_t now_ms = 3000; now_ms < 3000 + 7000;) {
        switch (lease_next(&lease, now_ms)) {
        case LEASE_READ:
            follow(&lease, "me", "9", "x", now_ms);
            requests++;
            break;
        case LEASE_UPDATE:
            lease_failed(&lease, ERR_CONFLICT, now_ms, now_ms);
            requests++;
            break;
        default:
            now_ms = lease_wake_ms(&lease);
        }
    }
    assert_in_range(requests, 2, 10);
}

static void a_deleted_lease_is_made_anew(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lead(&lease);
    assert_int_equal(lease_next(&lease, 3000), LEASE_UPDATE);
    lease_failed(&lease, ERR_NOT_FOUND, 3000, 3010);
    assert_int_equal(lease_next(&lease, 3010), LEASE_READ);
    lease_follow(&lease, NULL, 3020);
    assert_int_equal(lease_next(&lease, 3020), LEASE_CREATE);
    assert_true(lease.leads);
    lease_failed(&lease, ERR_CONFLICT, 3020, 3030); /* somebody else was faster */
    assert_int_equal(lease_next(&lease, 5020), LEASE_READ);
    follow(&lease, "other", "1", "x", 5030);
    assert_int_equal(lease_next(&lease, 5030), LEASE_STEP_DOWN);
}

static void without_the_api_server_the_lead_ends_at_its_deadline(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    int64_t now_ms = 3000;
    enum lease_action action;
    (void)state;

    lead(&lease);
    while ((action = lease_next(&lease, now_ms)) != LEASE_STEP_DOWN) {
        if (action == LEASE_WAIT) {
            assert_true(lease_wake_ms(&lease) > now_ms);
            now_ms = lease_wake_ms(&lease);
        } else {
            lease_failed(&lease, ERR_RETRY, now_ms, now_ms);
        }
    }
    assert_int_equal(now_ms, 1000 + LEASE_DEADLINE_MS);
    assert_false(lease.leads);
}

static void after_an_outage_our_own_lease_is_taken_again_at_once(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lead(&lease);
    assert_int_equal(lease_next(&lease, 11000), LEASE_STEP_DOWN);
    assert_int_equal(lease_next(&lease, 13000), LEASE_READ);
    follow(&lease, "me", "1", "1", 13010);
    assert_int_equal(lease_next(&lease, 13010), LEASE_UPDATE);
    wrote(&lease, "2", 13010, 13020);
    assert_true(lease.leads);
}

static void a_process_that_was_suspended_steps_down_before_it_asks(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lead(&lease);
    assert_int_equal(lease_next(&lease, 3600 * 1000), LEASE_STEP_DOWN);
}

static void an_answer_from_before_a_long_sleep_wins_nothing(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lease_init(&lease, "me");
    lease_follow(&lease, NULL, 1000);
    assert_int_equal(lease_next(&lease, 1000), LEASE_CREATE);
    wrote(&lease, "1", 1000, 1000 + LEASE_DEADLINE_MS);
    assert_false(lease.leads);
    assert_int_equal(lease_next(&lease, 1000 + LEASE_DEADLINE_MS), LEASE_READ);
}

static void an_answer_that_came_late_counts_from_when_it_was_asked_for(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lead(&lease);
    wrote(&lease, "2", 3000, 3000 + LEASE_DEADLINE_MS - 1);
    assert_int_equal(lease_next(&lease, 3000 + LEASE_DEADLINE_MS), LEASE_STEP_DOWN);
}

static void an_answer_with_another_name_in_it_wins_nothing_and_is_no_loop(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    _cleanup_(json_freep) struct json *answer = object("", "2", "x");
    (void)state;

    lease_init(&lease, "me");
    lease_follow(&lease, NULL, 1000);
    lease_wrote(&lease, answer, 1000, 1010);
    assert_false(lease.leads);
    assert_int_equal(lease_next(&lease, 1010), LEASE_WAIT);
}

static void what_is_written_says_who_and_for_how_long(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lease_init(&lease, "me");
    lease_follow(&lease, NULL, 1000);
    _cleanup_(json_freep) struct json *created = lease_body(&lease, LEASE_CREATE, "kubelambda", NOW);
    _cleanup_(freep) char *text = json_text(created);

    assert_string_equal(text,
                        "{\"metadata\":{\"name\":\"kubelambda\"},\"apiVersion\":\"coordination.k8s.io/v1\","
                        "\"kind\":\"Lease\",\"spec\":{\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15,"
                        "\"leaseTransitions\":0,\"acquireTime\":\"2026-11-24T08:00:00.000000Z\","
                        "\"renewTime\":\"2026-11-24T08:00:00.000000Z\"}}");
}

static void a_lease_that_changes_hands_counts_it_and_a_renewal_does_not(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lease_init(&lease, "me");
    follow(&lease, "", "8", "b", 1000);
    _cleanup_(json_freep) struct json *taken = lease_body(&lease, LEASE_UPDATE, "kubelambda", NOW);

    assert_int_equal(json_int_at(taken, "spec.leaseTransitions", -1), 4);
    assert_non_null(json_str_at(taken, "spec.acquireTime"));
    wrote(&lease, "9", 1000, 1010);
    _cleanup_(json_freep) struct json *renewed = lease_body(&lease, LEASE_UPDATE, "kubelambda", NOW);

    assert_int_equal(json_int_at(renewed, "spec.leaseTransitions", -1), 3); /* as it was answered */
    assert_null(json_str_at(renewed, "spec.acquireTime"));
    assert_string_equal(json_str_at(renewed, "metadata.resourceVersion"), "9");
}

static void a_release_empties_the_version_that_was_written_last(void **state)
{
    _cleanup_(lease_done) struct lease lease;
    (void)state;

    lead(&lease);
    _cleanup_(json_freep) struct json *body = lease_release(&lease, NOW);

    assert_string_equal(json_str_at(body, "spec.holderIdentity"), "");
    assert_string_equal(json_str_at(body, "metadata.resourceVersion"), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_replica_leads_at_once),
        cmocka_unit_test(the_leader_renews_without_reading),
        cmocka_unit_test(a_lease_of_somebody_else_is_watched_until_it_stood_still_for_its_duration),
        cmocka_unit_test(a_renewal_starts_the_observation_anew),
        cmocka_unit_test(a_label_that_somebody_changes_is_no_sign_of_life),
        cmocka_unit_test(the_clocks_of_others_do_not_matter),
        cmocka_unit_test(a_released_lease_is_taken_at_once),
        cmocka_unit_test(a_duration_that_makes_no_sense_is_the_usual_one),
        cmocka_unit_test(an_object_that_is_no_lease_is_free),
        cmocka_unit_test(who_was_too_late_to_take_it_waits_and_looks_again),
        cmocka_unit_test(a_stolen_lease_is_noticed_at_the_next_renewal),
        cmocka_unit_test(a_lease_that_somebody_emptied_is_lost_too),
        cmocka_unit_test(a_renewal_whose_answer_was_lost_costs_a_look),
        cmocka_unit_test(conflicts_without_end_do_not_become_a_loop),
        cmocka_unit_test(a_deleted_lease_is_made_anew),
        cmocka_unit_test(without_the_api_server_the_lead_ends_at_its_deadline),
        cmocka_unit_test(after_an_outage_our_own_lease_is_taken_again_at_once),
        cmocka_unit_test(a_process_that_was_suspended_steps_down_before_it_asks),
        cmocka_unit_test(an_answer_from_before_a_long_sleep_wins_nothing),
        cmocka_unit_test(an_answer_that_came_late_counts_from_when_it_was_asked_for),
        cmocka_unit_test(an_answer_with_another_name_in_it_wins_nothing_and_is_no_loop),
        cmocka_unit_test(what_is_written_says_who_and_for_how_long),
        cmocka_unit_test(a_lease_that_changes_hands_counts_it_and_a_renewal_does_not),
        cmocka_unit_test(a_release_empties_the_version_that_was_written_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

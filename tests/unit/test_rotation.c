/* What becomes of authorities and leaves: each transition, over certificates that are really made. */
#include "certs/rotation.h"
#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int64_t NOW = 1764000000, DAY = 24 * 3600, SETTLE = 60;

static const char *const dns[] = {"localhost", NULL};
static const struct authority_names names = {.dns = dns};

static struct authorities make(const char *trusted, int64_t wall_s)
{
    struct authorities made;
    struct err err;

    assert_int_equal(rotation_succeed(&trusted, 1, wall_s, &made, &err), 0);
    return made;
}

static struct pem_pair sign(const struct authorities *authorities, int64_t wall_s)
{
    struct pem_pair leaf;
    struct err err;

    assert_int_equal(
        authority_sign(&authorities->current, &names, wall_s, ROTATION_LEAF_LIFETIME_S, &leaf, &err), 0);
    return leaf;
}

/* One authority after the other, a leaf of the first, and the configurations as they were before. */
struct scene {
    struct authorities old, new;
    struct pem_pair leaf;
    char *old_bundle, *new_bundle;
    struct rotation_view view;
};

static int set_up(void **state)
{
    static struct scene scene;

    scene = (struct scene){.old = make(NULL, NOW)};
    scene.leaf = sign(&scene.old, NOW);
    scene.old_bundle = authorities_bundle(&scene.old, NOW);
    scene.new = make(scene.old_bundle, NOW);
    scene.new_bundle = authorities_bundle(&scene.new, NOW);
    scene.view = (struct rotation_view){.wall_s = NOW,
                                        .settle_s = SETTLE,
                                        .authorities = &scene.new,
                                        .leaf = scene.leaf.certificate,
                                        .leaf_renew_s = rotation_renew_s(&scene.leaf),
                                        .bundles = {scene.old_bundle, scene.old_bundle}};
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    authorities_done(&scene->old);
    authorities_done(&scene->new);
    pem_pair_done(&scene->leaf);
    free(scene->old_bundle);
    free(scene->new_bundle);
    return 0;
}

static void a_young_authority_stays_and_one_in_its_last_third_or_expired_goes(void **state)
{
    struct scene *scene = *state;

    assert_null(rotation_reason(&scene->old, NOW + 243 * DAY));
    assert_string_equal(rotation_reason(&scene->old, NOW + 244 * DAY), "is in the last third of its life");
    assert_string_equal(rotation_reason(&scene->old, NOW + 365 * DAY), "has expired");
}

static void an_authority_that_a_clock_ahead_of_ours_made_goes_when_it_is_not_valid_yet(void **state)
{
    struct scene *scene = *state;
    int64_t since_s = NOW - AUTHORITY_EARLIER_S;

    assert_string_equal(rotation_reason(&scene->old, since_s - 1), "is not valid yet");
    assert_null(rotation_reason(&scene->old, since_s)); /* a clock that is a little behind changes nothing */

    struct authorities made = make(scene->old_bundle, since_s - 1);

    assert_null(rotation_reason(&made, since_s - 1));
    assert_null(rotation_reason(&made, NOW));
    assert_null(made.previous);
    authorities_done(&made);
}

static void a_new_authority_stands_beside_all_that_are_valid_and_trusted(void **state)
{
    struct scene *scene = *state;
    const char *const trusted[] = {scene->new_bundle, NULL, "no certificate", scene->new_bundle};
    struct authorities third;
    struct err err;

    assert_int_equal(rotation_succeed(trusted, ARRAY_LEN(trusted), NOW, &third, &err), 0);
    assert_string_equal(third.previous, scene->new_bundle);
    authorities_done(&third);

    assert_int_equal(rotation_succeed(trusted, ARRAY_LEN(trusted), NOW + 365 * DAY, &third, &err), 0);
    assert_null(third.previous);
    authorities_done(&third);
}

static void a_foreign_certificate_in_a_bundle_is_not_taken_over(void **state)
{
    struct scene *scene = *state;
    struct authorities made = make(scene->leaf.certificate, NOW);

    assert_null(made.previous);
    authorities_done(&made);
}

static void a_bundle_has_the_new_authority_first_and_loses_the_old_one_when_that_expires(void **state)
{
    struct scene *scene = *state;
    _cleanup_(freep) char *late = authorities_bundle(&scene->new, NOW + 365 * DAY);

    assert_true(str_starts_with(scene->new_bundle, scene->new.current.certificate));
    assert_true(authority_among(scene->old.current.certificate, scene->new_bundle));
    assert_string_equal(late, scene->new.current.certificate);
}

static void a_leaf_is_kept_until_both_configurations_have_shown_the_new_authority_for_a_while(void **state)
{
    struct scene *scene = *state;
    struct rotation_view *view = &scene->view;

    assert_int_equal(rotation_shown_since(view), 0);
    assert_false(rotation_sign(view));
    assert_null(rotation_missing(view));

    view->bundles[0] = scene->new_bundle;
    assert_int_equal(rotation_shown_since(view), 0);
    view->bundles[1] = scene->new_bundle;
    view->shown_since_s = rotation_shown_since(view);
    assert_int_equal(view->shown_since_s, NOW);
    assert_false(rotation_sign(view));

    view->wall_s = NOW + SETTLE - 1;
    assert_int_equal(rotation_shown_since(view), NOW);
    assert_false(rotation_sign(view));
    view->wall_s = NOW + SETTLE;
    assert_true(rotation_sign(view));
    assert_null(rotation_missing(view));
}

static void a_bundle_that_is_reverted_meanwhile_starts_the_while_again(void **state)
{
    struct scene *scene = *state;
    struct rotation_view *view = &scene->view;

    view->shown_since_s = NOW - SETTLE + 1;
    view->bundles[0] = scene->new_bundle;
    assert_int_equal(rotation_shown_since(view), 0);
}

static void a_leaf_that_nobody_trusts_is_replaced_at_once(void **state)
{
    struct scene *scene = *state;
    struct rotation_view *view = &scene->view;

    view->bundles[1] = scene->new.current.certificate;
    assert_true(rotation_sign(view));
    assert_non_null(rotation_missing(view));
    view->bundles[1] = NULL;
    assert_true(rotation_sign(view));
    view->bundles[1] = scene->old_bundle;
    assert_false(rotation_sign(view));
    view->leaf = NULL;
    assert_true(rotation_sign(view));
}

static void an_expired_leaf_is_replaced_whatever_the_configurations_show(void **state)
{
    struct scene *scene = *state;

    scene->view.wall_s = NOW + 30 * DAY;
    assert_true(rotation_sign(&scene->view));
}

static void a_leaf_of_the_current_authority_is_renewed_in_its_last_third(void **state)
{
    struct scene *scene = *state;
    struct rotation_view *view = &scene->view;

    view->authorities = &scene->old;
    view->wall_s = NOW + 19 * DAY;
    assert_false(rotation_sign(view));
    view->wall_s = NOW + 20 * DAY;
    assert_true(rotation_sign(view));
}

static void a_reverted_bundle_does_not_replace_a_leaf_of_the_current_authority(void **state)
{
    struct scene *scene = *state;
    struct rotation_view *view = &scene->view;

    view->authorities = &scene->old;
    view->bundles[0] = view->bundles[1] = "rubbish";
    assert_false(rotation_sign(view));
    assert_string_equal(rotation_missing(view),
                        "the webhook configurations do not trust our certificate yet");
}

static void a_replica_that_starts_in_the_middle_of_a_change_waits_for_its_end(void **state)
{
    struct scene *scene = *state;
    struct rotation_view *view = &scene->view;
    struct pem_pair leaf = sign(&scene->new, NOW);

    view->leaf = leaf.certificate;
    view->bundles[0] = view->bundles[1] = scene->new_bundle;
    view->shown_since_s = NOW;
    assert_string_equal(rotation_missing(view),
                        "the new certificate authority is not known for long enough yet");
    view->wall_s = NOW + SETTLE;
    assert_null(rotation_missing(view));

    view->wall_s = NOW + 2 * SETTLE; /* and one that starts later does not */
    view->shown_since_s = NOW + 2 * SETTLE;
    assert_null(rotation_missing(view));
    pem_pair_done(&leaf);
}

static void at_the_very_first_start_nothing_is_waited_for(void **state)
{
    struct scene *scene = *state;
    struct rotation_view *view = &scene->view;

    view->authorities = &scene->old;
    assert_null(rotation_missing(view));
}

int main(void)
{
#define IN_SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_SCENE(a_young_authority_stays_and_one_in_its_last_third_or_expired_goes),
        IN_SCENE(an_authority_that_a_clock_ahead_of_ours_made_goes_when_it_is_not_valid_yet),
        IN_SCENE(a_new_authority_stands_beside_all_that_are_valid_and_trusted),
        IN_SCENE(a_foreign_certificate_in_a_bundle_is_not_taken_over),
        IN_SCENE(a_bundle_has_the_new_authority_first_and_loses_the_old_one_when_that_expires),
        IN_SCENE(a_leaf_is_kept_until_both_configurations_have_shown_the_new_authority_for_a_while),
        IN_SCENE(a_bundle_that_is_reverted_meanwhile_starts_the_while_again),
        IN_SCENE(a_leaf_that_nobody_trusts_is_replaced_at_once),
        IN_SCENE(an_expired_leaf_is_replaced_whatever_the_configurations_show),
        IN_SCENE(a_leaf_of_the_current_authority_is_renewed_in_its_last_third),
        IN_SCENE(a_reverted_bundle_does_not_replace_a_leaf_of_the_current_authority),
        IN_SCENE(a_replica_that_starts_in_the_middle_of_a_change_waits_for_its_end),
        IN_SCENE(at_the_very_first_start_nothing_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

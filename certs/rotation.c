/* The rules of rotation.h, each a few lines over certs/authority. */
#include "certs/rotation.h"

#include "common/base/mem.h"

void authorities_done(struct authorities *authorities)
{
    pem_pair_done(&authorities->current);
    free(authorities->previous);
    authorities->previous = NULL;
}

char *authorities_bundle(const struct authorities *authorities, int64_t wall_s)
{
    const char *const trusted[] = {authorities->previous};
    _cleanup_(freep) char *previous =
        authority_valid_of(trusted, 1, authorities->current.certificate, wall_s);

    return xasprintf("%s%s", authorities->current.certificate, previous ? previous : "");
}

int64_t rotation_renew_s(const struct pem_pair *pair)
{
    return pair->not_after_s - (pair->not_after_s - pair->not_before_s) / 3;
}

const char *rotation_reason(const struct authorities *authorities, int64_t wall_s)
{
    if (wall_s < authorities->current.not_before_s) /* made by a clock that was far ahead */
        return "is not valid yet";
    if (wall_s >= authorities->current.not_after_s)
        return "has expired";
    if (wall_s >= rotation_renew_s(&authorities->current))
        return "is in the last third of its life";
    return NULL;
}

int rotation_succeed(const char *const *trusted, size_t count, int64_t wall_s,
                     struct authorities *ret_authorities, struct err *err)
{
    struct authorities made = {0};
    int r = authority_make(wall_s, &made.current, err);

    if (r < 0)
        return r;
    made.previous = authority_valid_of(trusted, count, NULL, wall_s);
    *ret_authorities = made;
    return 0;
}

static bool shown(const struct rotation_view *view)
{
    for (size_t i = 0; i < ROTATION_BUNDLES; i++)
        if (!view->bundles[i] || !authority_among(view->authorities->current.certificate, view->bundles[i]))
            return false;
    return true;
}

int64_t rotation_shown_since(const struct rotation_view *view)
{
    if (!shown(view))
        return 0;
    return view->shown_since_s ? view->shown_since_s : view->wall_s;
}

static bool settled(const struct rotation_view *view)
{
    return view->shown_since_s && view->wall_s >= view->shown_since_s + view->settle_s;
}

static bool is_by_current(const struct rotation_view *view)
{
    return view->leaf && authority_verifies(view->authorities->current.certificate, view->leaf, view->wall_s);
}

/* Do both configurations accept the leaf? */
static bool accepted(const struct rotation_view *view)
{
    for (size_t i = 0; i < ROTATION_BUNDLES; i++)
        if (!view->leaf || !view->bundles[i] ||
            !authority_verifies(view->bundles[i], view->leaf, view->wall_s))
            return false;
    return true;
}

const char *rotation_sign(const struct rotation_view *view)
{
    if (is_by_current(view))
        return view->wall_s >= view->leaf_renew_s ? "two thirds of its life are over" : NULL;
    return settled(view) || !accepted(view) ? "there is a new authority" : NULL;
}

/* A replica that starts in the middle of a change has a leaf of the new authority alone: API servers that
 * have not heard of that yet would refuse it. */
static bool in_change(const struct rotation_view *view)
{
    const struct authorities *authorities = view->authorities;
    int64_t age_s = view->wall_s - authorities->current.not_before_s - AUTHORITY_EARLIER_S;

    return authorities->previous && age_s < 2 * view->settle_s && !settled(view) && is_by_current(view);
}

const char *rotation_missing(const struct rotation_view *view)
{
    if (!accepted(view))
        return "the webhook configurations do not trust our certificate yet";
    return in_change(view) ? "the new certificate authority is not known for long enough yet" : NULL;
}

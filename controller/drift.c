/* The search for drift. What it knows of functions and sites is locked; a site's place in the list belongs
 * to the one worker that has the site's key. */
#include "controller/drift.h"

#include "common/aws/lambda.h"
#include "common/base/log.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/function/plan.h"
#include "controller/references.h"
#include "controller/resource.h"

#include <pthread.h>

enum {
    PAGE_ITEMS = 50,  /* AWS never lists more in one answer */
    PAGES_MAX = 4000, /* against a list without an end */
    FAILURES_MAX = 3, /* in a row; then the search begins anew */
    JITTER_PERCENT = 10,
};

#define KEY_PREFIX ":drift " /* no resource's key begins like that */

struct site {
    char *name, *key; /* as for drift_follow; in the queue */
    size_t count;     /* of our functions there */
    bool queued;

    uint64_t search;   /* number of this search */
    size_t pages;      /* of this search so far */
    size_t last_pages; /* of the one before */

    /* Not locked: of the worker that has the key. */
    char *marker; /* where the list goes on; NULL: at its beginning */
    unsigned failures;
};

struct followed {
    char *key, *place; /* "site/function" */
    struct site *site;
    uint64_t seen; /* in that search, or not yet missed in it */
    bool suspect;
};

struct drift {
    struct drift_options with;
    pthread_mutex_t lock;
    struct map by_key, by_place; /* of struct followed; a place is the first one's who claims it */
    struct map sites;            /* by name; never removed: there are few */
};

struct drift *drift_new(const struct drift_options *options)
{
    struct drift *drift = xcalloc(1, sizeof(*drift));

    drift->with = *options;
    pthread_mutex_init(&drift->lock, NULL);
    return drift;
}

static void followed_free(struct followed *followed)
{
    free(followed->key);
    free(followed->place);
    free(followed);
}

void drift_free(struct drift *drift)
{
    size_t cursor = 0;

    if (!drift)
        return;
    for (const struct map_slot *slot; (slot = map_next(&drift->by_key, &cursor));)
        followed_free(slot->value);
    cursor = 0;
    for (const struct map_slot *slot; (slot = map_next(&drift->sites, &cursor));) {
        struct site *site = slot->value;

        free(site->name);
        free(site->key);
        free(site->marker);
        free(site);
    }
    map_done(&drift->by_key);
    map_done(&drift->by_place);
    map_done(&drift->sites);
    pthread_mutex_destroy(&drift->lock);
    free(drift);
}

/* --- whom we look for, under the lock -------------------------------------------------------- */

static struct site *find_site(struct drift *drift, const char *name)
{
    struct site *site = map_get(&drift->sites, name);

    if (!site) {
        site = xcalloc(1, sizeof(*site));
        site->name = xstrdup(name);
        site->key = xasprintf(KEY_PREFIX "%s", name);
        site->last_pages = 1;
        map_put(&drift->sites, name, site);
    }
    return site;
}

/* How long until the next page: all of them in one interval. */
static int64_t pause_ms(const struct drift *drift, const struct site *site)
{
    size_t pages = (site->count + PAGE_ITEMS - 1) / PAGE_ITEMS;

    if (pages < site->last_pages)
        pages = site->last_pages;
    if (pages <= site->pages)
        pages = site->pages + 1;
    int64_t ms = queue_jitter(drift->with.resync_ms / (int64_t)pages, JITTER_PERCENT);

    return ms > 0 ? ms : 1;
}

static void forget(struct drift *drift, const char *key)
{
    struct followed *followed = map_remove(&drift->by_key, key);

    if (!followed)
        return;
    followed->site->count--;
    if (map_get(&drift->by_place, followed->place) == followed)
        map_remove(&drift->by_place, followed->place);
    followed_free(followed);
}

static void add(struct drift *drift, const char *key, const char *site_name, char *place)
{
    struct followed *followed = xcalloc(1, sizeof(*followed));

    followed->key = xstrdup(key);
    followed->place = place;
    followed->site = find_site(drift, site_name);
    followed->seen = followed->site->search;
    followed->site->count++;
    map_put(&drift->by_key, key, followed);
    if (!map_get(&drift->by_place, place))
        map_put(&drift->by_place, place, followed);
    if (followed->site->queued)
        return;
    followed->site->queued = true;
    queue_add_upkeep_after(drift->with.queue, followed->site->key, pause_ms(drift, followed->site));
}

void drift_follow(struct drift *drift, const char *key, const char *site, const char *function_name)
{
    _cleanup_(freep) char *place = site && function_name ? xasprintf("%s/%s", site, function_name) : NULL;

    pthread_mutex_lock(&drift->lock);
    const struct followed *followed = map_get(&drift->by_key, key);

    if (!followed || !str_equal(followed->place, place)) {
        forget(drift, key);
        if (place)
            add(drift, key, site, take(place));
    }
    pthread_mutex_unlock(&drift->lock);
}

void drift_forget(struct drift *drift, const char *key)
{
    pthread_mutex_lock(&drift->lock);
    forget(drift, key);
    pthread_mutex_unlock(&drift->lock);
}

bool drift_suspects(struct drift *drift, const char *key)
{
    bool suspect;

    pthread_mutex_lock(&drift->lock);
    struct followed *followed = map_get(&drift->by_key, key);

    suspect = followed && followed->suspect;
    if (followed)
        followed->suspect = false;
    pthread_mutex_unlock(&drift->lock);
    return suspect;
}

static void suspect(struct drift *drift, const char *key, int64_t after_ms)
{
    pthread_mutex_lock(&drift->lock);
    struct followed *followed = map_get(&drift->by_key, key);

    if (followed)
        followed->suspect = true;
    pthread_mutex_unlock(&drift->lock);
    if (followed)
        queue_add_upkeep_after(drift->with.queue, key, after_ms);
}

/* --- comparing -------------------------------------------------------------------------------- */

/* What has not come into force, or is not to be touched, is not the search's business. */
static bool is_in_force(const struct resource *resource)
{
    return !resource->deleting && resource->finalizer &&
           status_is(resource->status, "Ready", resource->generation) &&
           !json_is_true(json_get(resource->spec, "suspend"));
}

/* What was reported, and is right again, has to be looked at just as what is wrong. */
static bool was_reported(const struct json *status)
{
    return str_equal(status_drift(status), STATUS_DRIFTED);
}

static bool differs(const struct drift *drift, const struct resource *resource, const struct json *listed)
{
    _cleanup_(json_freep) struct json *resolved = NULL;
    const char *reason;
    struct err err;

    if (!listed || was_reported(resource->status) ||
        references_resolve(drift->with.kube, resource->namespace, resource->spec, &resolved, &reason, &err) <
            0)
        return true;
    return plan_listed_differs(&(struct plan_input){.spec = resolved ? resolved : resource->spec,
                                                    .deployed = json_get(resource->status, "deployed"),
                                                    .managed = json_get(resource->status, "managed")},
                               listed);
}

/* `listed` NULL: AWS does not list it, or nobody asked. */
static void compare(struct drift *drift, const char *key, const struct json *listed, int64_t after_ms)
{
    _cleanup_(kube_object_unrefp) struct kube_object *object = informer_get(drift->with.functions, key);
    struct resource resource;
    struct err err;

    if (!object || resource_init(&resource, object, &err) < 0)
        return;
    if (is_in_force(&resource) && differs(drift, &resource, listed))
        suspect(drift, key, after_ms);
    resource_done(&resource);
}

static void compare_listed(struct drift *drift, const struct site *site, const struct json *listed)
{
    const char *name = json_str_at(listed, "FunctionName");
    _cleanup_(freep) char *place = name ? xasprintf("%s/%s", site->name, name) : NULL;
    _cleanup_(freep) char *key = NULL;

    if (!place)
        return;
    pthread_mutex_lock(&drift->lock);
    struct followed *followed = map_get(&drift->by_place, place);

    if (followed) {
        followed->seen = site->search;
        key = xstrdup(followed->key);
    }
    pthread_mutex_unlock(&drift->lock);
    if (key)
        compare(drift, key, listed, 1);
}

/* --- searching -------------------------------------------------------------------------------- */

/* A new array, ended by NULL, of the keys in the site: all, or those that were not seen in this search. */
static char **keys_of(struct drift *drift, const struct site *site, bool all)
{
    size_t cursor = 0, count = 0;

    pthread_mutex_lock(&drift->lock);
    char **keys = xcalloc(site->count + 1, sizeof(*keys));

    for (const struct map_slot *slot; (slot = map_next(&drift->by_key, &cursor));) {
        const struct followed *followed = slot->value;

        if (followed->site == site && (all || followed->seen != site->search))
            keys[count++] = xstrdup(followed->key);
    }
    pthread_mutex_unlock(&drift->lock);
    return keys;
}

static void keys_free(char **keys)
{
    for (char **key = keys; *key; key++)
        free(*key);
    free(keys);
}

static void begin_anew(struct drift *drift, struct site *site)
{
    pthread_mutex_lock(&drift->lock);
    site->search++;
    site->pages = 0;
    pthread_mutex_unlock(&drift->lock);
    site->failures = 0;
    free(take(site->marker));
}

static void end_search(struct drift *drift, struct site *site)
{
    char **missing = keys_of(drift, site, false);

    for (char **key = missing; *key; key++)
        compare(drift, *key, NULL, 1);
    keys_free(missing);
    pthread_mutex_lock(&drift->lock);
    site->last_pages = site->pages;
    pthread_mutex_unlock(&drift->lock);
    begin_anew(drift, site);
}

/* We have so few functions there that a look at each costs no more calls, and shows more. */
static void look_at_each(struct drift *drift, const struct site *site)
{
    char **keys = keys_of(drift, site, true);
    int64_t count = 0;

    for (char **key = keys; *key; key++)
        count++;
    for (int64_t i = 0; i < count; i++)
        compare(drift, keys[i], NULL, 1 + drift->with.resync_ms * i / count);
    keys_free(keys);
}

static int list_page(const struct drift *drift, const struct site *site, struct json **ret_page,
                     struct err *err)
{
    const struct sign_query query[] = {{"MaxItems", "50"}, {"Marker", site->marker}};
    _cleanup_(freep) char *name = xstrndup(site->name, strcspn(site->name, " "));
    const char *role = strchr(site->name, ' ');

    return lambda_call(role ? aws_for_role(drift->with.aws, role + 1) : drift->with.aws,
                       &(struct lambda_call){.operation = LAMBDA_LIST_FUNCTIONS,
                                             .region = name,
                                             .query = query,
                                             .query_count = site->marker ? 2 : 1,
                                             .priority = LIMITER_UPKEEP,
                                             .stop = drift->with.stopping},
                       ret_page, err);
}

static void page_failed(struct drift *drift, struct site *site, const struct err *err)
{
    if (atomic_load(drift->with.stopping))
        return;
    if (err->class == ERR_THROTTLED) {
        log_debug("the search for drift waits", "site", site->name, "error", err->msg);
        return;
    }
    log_warn("the search for drift failed", "site", site->name, "error", err->msg, "hint",
             err->class == ERR_DENIED
                 ? "allow lambda:ListFunctions; until then a change in AWS is noticed in the rotation only"
                 : NULL);
    if (err->class == ERR_DENIED || ++site->failures >= FAILURES_MAX)
        begin_anew(drift, site);
}

static void search_page(struct drift *drift, struct site *site)
{
    _cleanup_(json_freep) struct json *page = NULL;
    struct err err;

    if (list_page(drift, site, &page, &err) < 0) {
        page_failed(drift, site, &err);
        return;
    }
    site->failures = 0;
    pthread_mutex_lock(&drift->lock);
    site->pages++;
    pthread_mutex_unlock(&drift->lock);
    for (const struct json *item = json_first(json_get(page, "Functions")); item; item = json_next(item))
        compare_listed(drift, site, item);
    const char *next = json_str_at(page, "NextMarker");

    if (json_type(json_get(page, "Functions")) != JSON_ARRAY || site->pages >= PAGES_MAX) {
        log_warn("the search for drift was given up: the list of functions makes no sense", "site",
                 site->name);
        begin_anew(drift, site);
    } else if (next && *next && !str_equal(next, site->marker)) {
        free(site->marker);
        site->marker = xstrdup(next);
    } else {
        end_search(drift, site);
    }
}

bool drift_is_key(const char *key)
{
    return str_starts_with(key, KEY_PREFIX);
}

void drift_search(struct drift *drift, const char *key)
{
    pthread_mutex_lock(&drift->lock);
    struct site *site = find_site(drift, key + strlen(KEY_PREFIX));
    bool few = !site->marker && site->count <= site->last_pages;
    bool goes_on = site->count > 0;

    site->queued = goes_on;
    pthread_mutex_unlock(&drift->lock);
    if (!goes_on)
        return;
    if (few)
        look_at_each(drift, site);
    else
        search_page(drift, site);
    pthread_mutex_lock(&drift->lock);
    int64_t ms = few ? queue_jitter(drift->with.resync_ms, JITTER_PERCENT) : pause_ms(drift, site);

    pthread_mutex_unlock(&drift->lock);
    queue_add_upkeep_after(drift->with.queue, site->key, ms > 0 ? ms : 1);
}

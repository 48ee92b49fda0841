/* Two maps behind one lock: from a resource to the name it holds, and from a name to its holders. Usually
 * that is one; where the webhook was bypassed it may be more. */
#include "common/function/registry.h"

#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/function/arn.h"

#include <pthread.h>

struct registry {
    pthread_mutex_t lock;
    struct map names;   /* key of a resource -> its name, owned */
    struct map holders; /* name -> struct holder, the first of a list, owned */
};

struct holder {
    char *key;
    struct holder *next;
};

struct registry *registry_new(void)
{
    struct registry *registry = xcalloc(1, sizeof(*registry));

    pthread_mutex_init(&registry->lock, NULL);
    return registry;
}

static struct holder *holder_free(struct holder *holder)
{
    struct holder *next = holder->next;

    free(holder->key);
    free(holder);
    return next;
}

void registry_free(struct registry *registry)
{
    const struct map_slot *slot;

    if (!registry)
        return;
    for (size_t cursor = 0; (slot = map_next(&registry->names, &cursor));)
        free(slot->value);
    for (size_t cursor = 0; (slot = map_next(&registry->holders, &cursor));)
        for (struct holder *holder = slot->value; holder;)
            holder = holder_free(holder);
    map_done(&registry->names);
    map_done(&registry->holders);
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

/* "account region functionName", none of which may hold a blank; NULL when one is missing. */
static char *name_of(const struct json *spec)
{
    const char *role = json_str_at(spec, "role"), *region = json_str_at(spec, "region");
    const char *function = json_str_at(spec, "functionName");
    struct str_view account = arn_part(role ? role : "", ARN_PART_ACCOUNT);

    return account.len && region && *region && function && *function
               ? xasprintf("%.*s %s %s", (int)account.len, account.ptr, region, function)
               : NULL;
}

static void let_go(struct registry *registry, const char *key)
{
    _cleanup_(freep) char *name = map_remove(&registry->names, key);
    struct holder *first = name ? map_remove(&registry->holders, name) : NULL;

    for (struct holder **at = &first; *at;)
        if (str_equal((*at)->key, key))
            *at = holder_free(*at);
        else
            at = &(*at)->next;
    if (first)
        map_put(&registry->holders, name, first);
}

void registry_follow(struct registry *registry, const char *key, const struct json *spec)
{
    _cleanup_(freep) char *name = name_of(spec);

    pthread_mutex_lock(&registry->lock);
    if (!str_equal(name, map_get(&registry->names, key))) {
        let_go(registry, key);
        if (name) {
            struct holder *holder = xcalloc(1, sizeof(*holder));

            holder->key = xstrdup(key);
            holder->next = map_get(&registry->holders, name);
            map_put(&registry->holders, name, holder);
            map_put(&registry->names, key, take(name));
        }
    }
    pthread_mutex_unlock(&registry->lock);
}

char *registry_holder(struct registry *registry, const char *key, const struct json *spec)
{
    _cleanup_(freep) char *name = name_of(spec);
    char *found = NULL;

    if (!name)
        return NULL;
    pthread_mutex_lock(&registry->lock);
    for (const struct holder *holder = map_get(&registry->holders, name); holder && !found;
         holder = holder->next)
        if (!str_equal(holder->key, key))
            found = xstrdup(holder->key);
    pthread_mutex_unlock(&registry->lock);
    return found;
}

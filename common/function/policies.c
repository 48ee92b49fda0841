/* The policies in order, and a memory of what they say, by labels; both behind one lock. */
#include "common/function/policies.h"

#include "common/base/map.h"
#include "common/base/mem.h"

#include <pthread.h>

enum { REMEMBERED = 4096, KEY_BYTES = 1 << 20 };

struct policies {
    pthread_mutex_t lock;
    struct policy **list; /* in policy_compare's order */
    size_t count;
    struct map remembered; /* labels as text to struct policy_effective, of which it holds a reference */
};

struct policies *policies_new(void)
{
    struct policies *policies = xcalloc(1, sizeof(*policies));

    pthread_mutex_init(&policies->lock, NULL);
    return policies;
}

static void forget(struct policies *policies)
{
    const struct map_slot *slot;

    for (size_t cursor = 0; (slot = map_next(&policies->remembered, &cursor));)
        policy_effective_unref(slot->value);
    map_done(&policies->remembered);
    policies->remembered = (struct map){0};
}

void policies_free(struct policies *policies)
{
    if (!policies)
        return;
    forget(policies);
    for (size_t i = 0; i < policies->count; i++)
        policy_unref(policies->list[i]);
    free(policies->list);
    pthread_mutex_destroy(&policies->lock);
    free(policies);
}

static size_t find(const struct policies *policies, const char *name)
{
    size_t at = 0;

    while (at < policies->count && !str_equal(policies->list[at]->name, name))
        at++;
    return at;
}

static void take_out(struct policies *policies, size_t at)
{
    policy_unref(policies->list[at]);
    policies->count--;
    memmove(&policies->list[at], &policies->list[at + 1], (policies->count - at) * sizeof(struct policy *));
}

static void put_in(struct policies *policies, struct policy *policy)
{
    size_t at = policies->count;

    policies->list = xrealloc(policies->list, (policies->count + 1) * sizeof(struct policy *));
    for (; at > 0 && policy_compare(policy, policies->list[at - 1]) < 0; at--)
        policies->list[at] = policies->list[at - 1];
    policies->list[at] = policy;
    policies->count++;
}

bool policies_follow(struct policies *policies, const char *name, const struct json *spec)
{
    pthread_mutex_lock(&policies->lock);
    size_t at = find(policies, name);
    bool known = at < policies->count;
    /* A new status, or the same again after a relist, changes nothing. */
    bool changed = known ? !spec || !json_equal(spec, policies->list[at]->spec) : spec != NULL;

    if (changed) {
        if (known)
            take_out(policies, at);
        if (spec)
            put_in(policies, policy_new(name, spec));
        forget(policies);
    }
    pthread_mutex_unlock(&policies->lock);
    return changed;
}

bool policies_name_role(struct policies *policies, const char *role_arn)
{
    bool named = false;

    pthread_mutex_lock(&policies->lock);
    for (size_t i = 0; i < policies->count && !named; i++)
        named = str_equal(json_str_at(policies->list[i]->spec, "aws.assumeRoleArn"), role_arn);
    pthread_mutex_unlock(&policies->lock);
    return named;
}

struct policy_effective *policies_effective(struct policies *policies, const struct json *labels)
{
    _cleanup_(str_done) struct str key = STR_INIT(KEY_BYTES);

    if (json_type(labels) == JSON_OBJECT)
        json_print(labels, &key);
    pthread_mutex_lock(&policies->lock);
    struct policy_effective *effective = map_get(&policies->remembered, str_text(&key));

    if (!effective) {
        effective = policy_effect(policies->list, policies->count, labels);
        if (policies->remembered.count >= REMEMBERED)
            forget(policies); /* rare, and costs one look through the policies each */
        map_put(&policies->remembered, str_text(&key), effective);
    }
    policy_effective_ref(effective);
    pthread_mutex_unlock(&policies->lock);
    return effective;
}

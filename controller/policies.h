/* The status of LambdaPolicies: how many functions each governs, and how many of them break it. A thread of
 * its own counts a moment after something changed, and writes what became different. */
#pragma once

#include "common/function/policies.h"
#include "common/kube/informer.h"

struct policy_counter;

struct policy_counter_options { /* everything must outlive the counter */
    struct kube *kube;
    struct informer *functions, *namespaces, *policy_objects;
    struct policies *policies;
    const struct runtimes_now *runtimes;
    const char *default_environment; /* may be NULL */
};

struct policy_counter *policy_counter_start(const struct policy_counter_options *options);
void policy_counter_stop(struct policy_counter *counter); /* accepts NULL */

/* A function, a namespace or a policy changed. Any thread, does not block. */
void policy_counter_wake(struct policy_counter *counter);

struct policy_count {
    int64_t functions, violations;
    struct str names; /* of some that break it */
};

/* The whole status that follows `old` (may be NULL); the caller frees. `invalid`: what is wrong with the
 * policy itself, NULL or "" when nothing is. A condition that stays as it was keeps its time. Pure. */
struct json *policy_status(const struct json *old, int64_t generation, const struct policy_count *count,
                           const char *invalid, const char *now);

/* Takes part in a leader election by a Lease and keeps the lease once it is ours: lease.h with a thread
 * around it that does nothing else, so that neither a slow call nor a busy worker delays a renewal. */
#pragma once

#include "common/kube/client.h"

struct elector;

struct elector_options { /* strings are copied, the rest must outlive the elector */
    struct kube *kube;
    const char *namespace, *name;
    /* Until when we lead, by clock_boot_ms; 0: we do not. Whoever may only act while we lead looks here
     * right before. Moves with each renewal; it is in the past before anybody else may lead. */
    _Atomic int64_t *deadline_ms;
    /* Both on the elector's thread. `gained` must not block: nothing is renewed meanwhile. `lost` may: the
     * next election has to wait until what we started has ended. */
    void (*gained)(void *arg);
    void (*lost)(void *arg);
    void *arg;
};

struct elector *elector_start(const struct elector_options *options);

/* Calls `lost` if we lead, and lets go of the lease, so that somebody else can have it at once. Blocks for
 * these, and up to 4 s for a request that is under way. NULL is accepted. */
void elector_stop(struct elector *elector);

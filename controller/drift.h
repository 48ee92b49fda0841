/* Looks for drift in bulk: ListFunctions shows 50 functions in one call, and only those that differ from what
 * is declared, or are missing, are then looked at by themselves.
 *
 * A search of one site (a region of an account) is a chain of items in the work queue, in the line of what
 * nobody waits for: one page each, spread over the resync interval. Of the functions of several clusters and
 * people in an account only ours are compared. Where we have fewer than the list has pages, each is looked at
 * by itself instead.
 */
#pragma once

#include "common/aws/client.h"
#include "common/kube/informer.h"
#include "controller/queue.h"

#include <stdatomic.h>

struct drift;

struct drift_options { /* everything must outlive it */
    struct kube *kube;
    struct aws *aws;
    struct informer *functions;
    struct queue *queue;
    int64_t resync_ms; /* a search of a site takes that long and is followed by the next one */
    const atomic_bool *stopping;
};

struct drift *drift_new(const struct drift_options *options);
void drift_free(struct drift *drift); /* when no worker uses it any more; accepts NULL */

/* All of the following: any worker. */

/* The resource's function, to be looked for from now on; nothing where one of the two is NULL. `site`: its
 * region, and after a blank the role by which it is reached, where there is one. */
void drift_follow(struct drift *drift, const char *key, const char *site, const char *function_name);
void drift_forget(struct drift *drift, const char *key); /* the resource is gone */

/* Did a search find that the resource has to be looked at? Said once. */
bool drift_suspects(struct drift *drift, const char *key);

/* Is the key in the queue a search's rather than a resource's? */
bool drift_is_key(const char *key);

/* Goes on with the search; blocks. The search puts itself into the queue again. */
void drift_search(struct drift *drift, const char *key);

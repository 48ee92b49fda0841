/* One look at one LambdaFunction: what AWS has is compared with what is declared, at most the steps that
 * follow at once are run, and the status says how it went. Nothing waits here: what takes AWS time is
 * looked at again later, and everything that matters is then read anew from AWS and the status. */
#pragma once

#include "common/aws/client.h"
#include "common/function/policies.h"
#include "common/function/runtimes.h"
#include "common/kube/events.h"
#include "common/kube/informer.h"
#include "controller/queue.h"
#include "controller/status.h"

#include <stdatomic.h>

struct reconciler { /* everything must outlive its use */
    struct kube *kube;
    struct aws *aws;
    struct events *events; /* NULL: nobody is told */
    const char *cluster_id;
    const struct runtimes_now *runtimes;
    struct informer *namespaces, *policy_objects; /* for deletion protection; NULL: there is none */
    struct policies *policies;
    int64_t resync_ms;           /* what has stalled is tried again this often */
    int64_t rotation_ms;         /* all of what is in force is looked at this often */
    const atomic_bool *stopping; /* no further AWS write once it is true… */
    /* …or this time has come, by clock_boot_ms: the lead is over, perhaps before anybody noticed. NULL:
       there is no election. */
    const _Atomic int64_t *lead_until_ms;
};

/* No further AWS write? */
bool reconcile_is_over(const struct reconciler *with);

/* What is remembered of a resource from one look to the next; used by whoever has its key. Losing it (a
 * restart, another leader) costs calls, never correctness. */
struct memory;

struct memory *memory_new(void);
void memory_free(struct memory *memory);                     /* accepts NULL */
void memory_set_due(struct memory *memory, int64_t mono_ms); /* when the next look is wanted */

/* The gauge that the resource is counted in; NULL: none. Whoever counts sets it. */
struct series **memory_counted(struct memory *memory);

/* A list showed that AWS may differ from what is in force: the next look is wanted now. */
void memory_suspect(struct memory *memory);

/* The function of the resource that was looked at last; NULL where its spec does not name one. */
const char *memory_site(const struct memory *memory); /* as for drift_follow */
const char *memory_function_name(const struct memory *memory);

enum reconcile_result {
    RECONCILE_SUCCESS,
    RECONCILE_WAIT, /* AWS is busy with it */
    RECONCILE_ERROR,
};

struct reconcile_next {
    enum reconcile_result result;
    int64_t after_ms; /* look again then; 0: when something changes */
    const struct queue_backoff
        *backoff;            /* look again by queue_retry, `after_ms` at the earliest; else NULL */
    bool rests;              /* nothing was done, as that look is not due yet */
    bool upkeep;             /* that look is a resync, or repeats one: nobody waits for it */
    enum status_phase phase; /* which the status says; set by reconcile */
};

struct reconcile_next reconcile(const struct reconciler *with, const struct kube_object *object,
                                struct memory *memory);

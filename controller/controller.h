/* The controller: makes AWS Lambda match every accepted LambdaFunction and says so in its status.
 *
 * Whoever owns the informer tells it which keys changed; workers reconcile one key each, written as
 * straight-line code that blocks on its own requests. */
#pragma once

#include "common/aws/client.h"
#include "common/function/policies.h"
#include "common/function/runtimes.h"
#include "common/kube/events.h"
#include "common/kube/informer.h"

struct controller;

struct controller_options { /* everything must outlive the controller */
    struct kube *kube;
    struct aws *aws;
    struct events *events;
    struct informer *functions, *namespaces, *policy_objects;
    struct policies *policies;
    const char *default_environment; /* may be NULL */
    const char *cluster_id;          /* first part of the owner tag */
    const struct runtimes_now *runtimes;
    const _Atomic int64_t *lead_until_ms; /* as in struct reconciler */
    unsigned workers;                     /* 8 */
    int64_t resync_ms;                    /* AWS is searched for drift this often, jittered */
    int64_t rotation_ms;                  /* each function is looked at as a whole this often, jittered */
};

struct controller *controller_start(const struct controller_options *options);

/* Finishes the step under way of each worker, starts no other, joins, frees. */
void controller_stop(struct controller *controller);

/* The informer's `changed`: any thread, does not block. */
void controller_enqueue(struct controller *controller, const char *key);

/* A policy or a namespace (NULL: any) changed, so that policies may govern other functions, or govern them
 * otherwise: any thread, does not block. */
void controller_reconsider(struct controller *controller, const char *namespace);

/* Brings the metrics up to date that time changes: any thread. */
void controller_measure(struct controller *controller);

/* The policies' statuses are to be looked at: any thread, does not block. */
void controller_count(struct controller *controller);

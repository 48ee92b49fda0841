/* The controller, on the one replica that leads: started when the lease is won, stopped and freed when it
 * is lost, started again when it is regained. */
#pragma once

#include "controller/controller.h"

struct leader;

struct leader *leader_new(void);
void leader_free(struct leader *leader); /* after leader_stop; NULL is accepted */

struct leader_options {
    struct controller_options controller; /* cluster_id NULL: the UID of kube-system */
    const char *namespace;                /* of the Lease */
};

/* Joins the election, once; to be called when the informers have synced, so that whoever leads can work.
 * Blocks to read the cluster's id: errors by kube_call, and then it may be tried again. */
int leader_start(struct leader *leader, const struct leader_options *options, struct err *err)
    __attribute__((warn_unused_result));

/* As controller_stop, then lets somebody else lead. NULL is accepted. */
void leader_stop(struct leader *leader);

/* As the controller's, where there is one: it starts with all that the informers know. Any thread, does not
 * block; NULL is accepted. */
void leader_enqueue(struct leader *leader, const char *key);
void leader_reconsider(struct leader *leader, const char *namespace);
void leader_count(struct leader *leader);
void leader_measure(struct leader *leader);

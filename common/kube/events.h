/* Events: what was done with an object and why, where `kubectl describe` shows it.
 *
 * They are of core/v1: kubectl, Argo CD and exporters sort and count by its lastTimestamp and count, which
 * stay empty in what was written as events.k8s.io/v1. Recording never blocks and never fails: an event that
 * the API server does not take, or that there are too many of, is counted and dropped. */
#pragma once

#include "common/kube/client.h"

struct events;

struct event {                                   /* copied */
    const char *api_version, *kind, *name, *uid; /* of what it is about; uid may be NULL */
    const char *namespace;                       /* NULL: a cluster-scoped object */
    bool warning;
    const char *reason; /* CamelCase */
    const char *note;   /* for people, never a value that may be a secret; cut to 1024 bytes */
};

/* `kube` must outlive it. */
struct events *events_new(struct kube *kube);

/* Waits for what is under way, at most 5 s; nothing may be recorded any more. Not on the http thread. NULL is
 * accepted. */
void events_free(struct events *events);

/* Any thread. `events` NULL: nothing happens. */
void events_record(struct events *events, const struct event *event);

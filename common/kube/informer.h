/* A local copy of all objects of one kind, kept by a streaming list and watch.
 *
 * Objects are kept as compact text without apiVersion, kind, managedFields and other people's
 * annotations.
 * Reconnects with backoff, relists on 410, waits on 429, notices dead peers by a stall timer. */
#pragma once

#include "common/kube/client.h"

/* One version of one object: immutable, reference-counted. */
struct kube_object {
    char *key; /* "namespace/name", "name" for cluster-scoped ones */
    char *resource_version;
    char *json;          /* compact text of the trimmed object */
    struct json *parsed; /* the same; NULL unless informer_options asked for it */
    int references;
};
struct kube_object *kube_object_ref(struct kube_object *object);
void kube_object_unref(struct kube_object *object);
static inline void kube_object_unrefp(struct kube_object **object)
{
    kube_object_unref(*object);
}

struct informer;

struct informer_options {
    const char *path;              /* "/apis/kubelambda.io/v1alpha1/lambdafunctions", "/api/v1/namespaces" */
    const char *annotation_prefix; /* annotations to keep, e.g. "kubelambda.io/"; NULL: none */
    bool parsed;                   /* keep objects parsed as well: for a kind that is read often and few */
    /* On the http thread, after the copy changed; must not block. Also called for every object that
     * is still there after a relist. Deleted objects: `object` is NULL. May be NULL. */
    void (*changed)(void *arg, const char *key, const struct kube_object *object);
    void *arg;
    int64_t first_backoff_ms; /* before the first reconnect, doubled from there to 30 s; default 800 */
};

/* Starts at once and keeps trying; the kube client must outlive it. */
struct informer *informer_start(struct kube *kube, const struct informer_options *options);
void informer_stop(struct informer *informer); /* no `changed` runs afterwards; NULL is accepted */

bool informer_synced(const struct informer *informer); /* the first list was complete; stays true */

/* The latest known version with a reference for the caller, or NULL. */
struct kube_object *informer_get(struct informer *informer, const char *key);
struct json *informer_get_json(struct informer *informer, const char *key); /* parsed; the caller frees */

/* Calls `visit` for every object under the informer's lock: it must be short and not call back. */
void informer_each(struct informer *informer, void (*visit)(void *arg, const struct kube_object *object),
                   void *arg);

/* One LambdaFunction while a worker has it: its parts, and the two things that are written back to the
 * API server, the finalizer and the status. The spec is never written. */
#pragma once

#include "common/kube/informer.h"
#include "controller/status.h"

struct resource {
    struct json *object;                /* owned */
    const struct json *metadata, *spec; /* in the object */
    struct json *status;                /* owned; as last read or written */
    char *version;                      /* owned: resourceVersion as last read or written */
    const char *key, *name, *namespace, *uid;
    int64_t generation;
    bool deleting, finalizer; /* ours is on it */
};

/* `object` must outlive it. ERR_INVALID when it is no LambdaFunction. */
int resource_init(struct resource *resource, const struct kube_object *object, struct err *err)
    __attribute__((warn_unused_result));
void resource_done(struct resource *resource);

/* Puts our finalizer on, or takes it off, leaving other people's. Errors by kube_call: ERR_CONFLICT when
 * the object is not the one that was read any more, ERR_NOT_FOUND when it is gone. */
int resource_set_finalizer(struct resource *resource, struct kube *kube, bool on, struct err *err)
    __attribute__((warn_unused_result));

/* Makes the status say so; writes nothing when it does already. Errors as above. */
int resource_set_status(struct resource *resource, struct kube *kube, const struct status_change *change,
                        struct err *err) __attribute__((warn_unused_result));

/* The objects that an informer keeps: trimmed, reference-counted, found by key.
 *
 * Written by the http thread only; read by any. During a list (a round) every object that comes is
 * marked, and what is not marked at its end is gone. */
#pragma once

#include "common/base/map.h"
#include "common/kube/informer.h"

#include <pthread.h>

struct store {
    pthread_rwlock_t lock;
    struct map objects; /* key to struct stored, of which it holds a reference */
    unsigned round;
    char *annotation_prefix; /* or NULL */
    bool parsed;
    void (*changed)(void *arg, const char *key, const struct kube_object *object);
    void *arg;
    struct str text; /* where an object is written down before it is copied to its size */
};

void store_init(struct store *store, const struct informer_options *options);
void store_done(struct store *store);

/* On the http thread; each calls `changed`. An object without a name is passed over. */
void store_put(struct store *store, const struct json *object);
void store_remove(struct store *store, const struct json *object);
void store_start_round(struct store *store);
void store_end_round(struct store *store);

/* On any thread. */
struct kube_object *store_get(struct store *store, const char *key);
void store_each(struct store *store, void (*visit)(void *arg, const struct kube_object *object), void *arg);

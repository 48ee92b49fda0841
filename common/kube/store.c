/* The objects that an informer keeps. See store.h for the thread rule. */
#include "common/kube/store.h"

#include "common/base/mem.h"

enum { MAX_OBJECT_BYTES = 32 << 20, KEPT_BYTES = 64 << 10 };

/* An object and its strings in one allocation: there are thousands of them. */
struct stored {
    struct kube_object object; /* first, so that a pointer to it is a pointer to the whole */
    unsigned round;            /* in which a list or an event brought it last; under the store's lock */
    char strings[];
};

struct kube_object *kube_object_ref(struct kube_object *object)
{
    __atomic_add_fetch(&object->references, 1, __ATOMIC_RELAXED);
    return object;
}

void kube_object_unref(struct kube_object *object)
{
    if (!object || __atomic_sub_fetch(&object->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    json_free(object->parsed);
    free(object);
}

void store_init(struct store *store, const struct informer_options *options)
{
    *store = (struct store){.annotation_prefix = xstrdup(options->annotation_prefix),
                            .parsed = options->parsed,
                            .changed = options->changed,
                            .arg = options->arg,
                            .text = STR_INIT(MAX_OBJECT_BYTES)};
    pthread_rwlock_init(&store->lock, NULL);
}

void store_done(struct store *store)
{
    size_t cursor = 0;

    for (const struct map_slot *slot; (slot = map_next(&store->objects, &cursor));)
        kube_object_unref(slot->value);
    map_done(&store->objects);
    pthread_rwlock_destroy(&store->lock);
    free(store->annotation_prefix);
    str_done(&store->text);
}

/* --- trimming --- */

static void print_member(const struct json *member, bool *first, struct str *out)
{
    str_add(out, *first ? "" : ",");
    str_add_json(out, json_key(member));
    str_add(out, ":");
    *first = false;
}

static void print_annotations(const struct json *annotations, const char *prefix, struct str *out)
{
    bool first = true;

    str_add(out, "{");
    for (const struct json *member = json_first(annotations); member; member = json_next(member)) {
        if (!prefix || !str_starts_with(json_key(member), prefix))
            continue;
        print_member(member, &first, out);
        json_print(member, out);
    }
    str_add(out, "}");
}

static void print_metadata(const struct json *metadata, const char *prefix, struct str *out)
{
    bool first = true;

    str_add(out, "{");
    for (const struct json *member = json_first(metadata); member; member = json_next(member)) {
        if (str_equal(json_key(member), "managedFields"))
            continue;
        print_member(member, &first, out);
        if (str_equal(json_key(member), "annotations"))
            print_annotations(member, prefix, out);
        else
            json_print(member, out);
    }
    str_add(out, "}");
}

static void print_trimmed(const struct json *object, const char *prefix, struct str *out)
{
    bool first = true;

    str_add(out, "{");
    for (const struct json *member = json_first(object); member; member = json_next(member)) {
        if (str_equal(json_key(member), "apiVersion") || str_equal(json_key(member), "kind"))
            continue;
        print_member(member, &first, out);
        if (str_equal(json_key(member), "metadata"))
            print_metadata(member, prefix, out);
        else
            json_print(member, out);
    }
    str_add(out, "}");
}

/* --- changing --- */

static char *key_of(const struct json *object)
{
    const char *name = json_str_at(object, "metadata.name");
    const char *namespace = json_str_at(object, "metadata.namespace");

    if (!name)
        return NULL;
    return namespace ? xasprintf("%s/%s", namespace, name) : xstrdup(name);
}

static char *append(char **at, const char *text)
{
    char *copy = *at;
    size_t size = strlen(text) + 1;

    memcpy(copy, text, size);
    *at += size;
    return copy;
}

static struct stored *make(struct store *store, const char *key, const char *version,
                           const struct json *object)
{
    str_clear(&store->text);
    print_trimmed(object, store->annotation_prefix, &store->text);

    const char *json = str_text(&store->text);
    struct stored *stored = xmalloc(sizeof(*stored) + strlen(key) + strlen(version) + strlen(json) + 3);
    char *at = stored->strings;

    stored->object = (struct kube_object){.references = 1};
    stored->object.key = append(&at, key);
    stored->object.resource_version = append(&at, version);
    stored->object.json = append(&at, json);
    stored->round = store->round;
    if (store->parsed)
        (void)!json_parse(view(json), &stored->object.parsed, NULL); /* we have just written it */
    if (store->text.capacity > KEPT_BYTES)
        str_done(&store->text);
    return stored;
}

void store_put(struct store *store, const struct json *object)
{
    _cleanup_(freep) char *key = key_of(object);
    const char *version = json_str_at(object, "metadata.resourceVersion");

    if (!key)
        return;
    /* Nobody else writes, so what is found stays there between the locks. */
    struct stored *stored = map_get(&store->objects, key), *old = NULL;
    bool known = stored && version && str_equal(stored->object.resource_version, version);

    if (!known)
        stored = make(store, key, version ? version : "", object);
    pthread_rwlock_wrlock(&store->lock);
    if (known)
        stored->round = store->round;
    else
        old = map_put(&store->objects, key, stored);
    pthread_rwlock_unlock(&store->lock);
    kube_object_unref(old ? &old->object : NULL);
    if (store->changed)
        store->changed(store->arg, key, &stored->object);
}

static void forget(struct store *store, const char *key)
{
    pthread_rwlock_wrlock(&store->lock);
    struct stored *old = map_remove(&store->objects, key);
    pthread_rwlock_unlock(&store->lock);
    if (!old)
        return;
    if (store->changed)
        store->changed(store->arg, key, NULL);
    kube_object_unref(&old->object); /* `key` may be the object's own */
}

void store_remove(struct store *store, const struct json *object)
{
    _cleanup_(freep) char *key = key_of(object);

    if (key)
        forget(store, key);
}

void store_start_round(struct store *store)
{
    store->round++;
}

void store_end_round(struct store *store)
{
    struct stored **stale = xcalloc(store->objects.count, sizeof(*stale));
    size_t cursor = 0, count = 0;

    for (const struct map_slot *slot; (slot = map_next(&store->objects, &cursor));)
        if (((struct stored *)slot->value)->round != store->round)
            stale[count++] = slot->value;
    for (size_t i = 0; i < count; i++)
        forget(store, stale[i]->object.key);
    free(stale);
}

/* --- reading --- */

struct kube_object *store_get(struct store *store, const char *key)
{
    pthread_rwlock_rdlock(&store->lock);
    struct stored *stored = map_get(&store->objects, key);
    struct kube_object *object = stored ? kube_object_ref(&stored->object) : NULL;

    pthread_rwlock_unlock(&store->lock);
    return object;
}

void store_each(struct store *store, void (*visit)(void *arg, const struct kube_object *object), void *arg)
{
    size_t cursor = 0;

    pthread_rwlock_rdlock(&store->lock);
    for (const struct map_slot *slot; (slot = map_next(&store->objects, &cursor));)
        visit(arg, &((const struct stored *)slot->value)->object);
    pthread_rwlock_unlock(&store->lock);
}

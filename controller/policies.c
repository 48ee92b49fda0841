/* Counting for the status of policies. One thread counts; only the wish to count anew is shared. */
#include "controller/policies.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/thread.h"
#include "common/function/function.h"

enum {
    PAUSE_MS = 2000,  /* between two counts, at least… */
    PAUSE_TIMES = 20, /* …and so many times what the last one took */
    RETRY_MS = 10 * 1000,
    NAMES_BYTES = 300,
    MESSAGE_BYTES = 1024,
};

struct policy_counter {
    struct policy_counter_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool due, stopping;
};

/* --- the status ----------------------------------------------------------------------------- */

static struct json *condition(const struct json *old, const char *type, bool is_true, int64_t generation,
                              const char *reason, const char *message, const char *now)
{
    struct json *made = json_new_object();
    const char *status = is_true ? "True" : "False", *since = now;

    for (const struct json *one = json_first(json_get(old, "conditions")); one; one = json_next(one))
        if (str_equal(json_str_at(one, "type"), type) && str_equal(json_str_at(one, "status"), status) &&
            json_str_at(one, "lastTransitionTime"))
            since = json_str_at(one, "lastTransitionTime");
    json_set_str(made, "type", type);
    json_set_str(made, "status", status);
    json_set(made, "observedGeneration", json_new_int(generation));
    json_set_str(made, "lastTransitionTime", since);
    json_set_str(made, "reason", reason);
    json_set_str(made, "message", message);
    return made;
}

struct json *policy_status(const struct json *old, int64_t generation, const struct policy_count *count,
                           const char *invalid, const char *now)
{
    struct json *status = json_new_object(), *conditions = json_new_array();
    bool valid = !invalid || !*invalid, compliant = count->violations == 0;
    _cleanup_(str_done) struct str message = STR_INIT(MESSAGE_BYTES);

    if (compliant)
        str_addf(&message, "no function breaks it");
    else
        str_addf(&message, "%lld of %lld functions break it: %s", (long long)count->violations,
                 (long long)count->functions, str_text(&count->names));
    json_set(status, "observedGeneration", json_new_int(generation));
    json_set(status, "functions", json_new_int(count->functions));
    json_set(status, "violations", json_new_int(count->violations));
    json_append(conditions, condition(old, "Ready", valid, generation, valid ? "InForce" : "Invalid",
                                      valid ? "the policy is in force" : invalid, now));
    json_append(conditions, condition(old, "Compliant", compliant, generation,
                                      compliant ? "NoViolations" : "Violations", str_text(&message), now));
    json_set(status, "conditions", conditions);
    return status;
}

/* --- counting ------------------------------------------------------------------------------- */

struct objects {
    struct kube_object **items;
    size_t count;
};

static void collect(void *arg, const struct kube_object *object)
{
    struct objects *objects = arg;

    objects->items = xrealloc(objects->items, (objects->count + 1) * sizeof(struct kube_object *));
    objects->items[objects->count++] = kube_object_ref((struct kube_object *)object);
}

static void objects_done(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        kube_object_unref(objects->items[i]);
    free(objects->items);
}

/* What holds in a namespace, asked once for all its functions. */
struct place {
    struct policy_effective *effective;
    char *environment;
};

static struct place *place_of(const struct policy_counter *counter, struct map *places, const char *namespace)
{
    struct place *place = map_get(places, namespace);

    if (place)
        return place;
    _cleanup_(kube_object_unrefp) struct kube_object *object =
        informer_get(counter->options.namespaces, namespace);
    _cleanup_(json_freep) struct json *parsed = NULL;

    if (object && json_parse(view(object->json), &parsed, NULL) < 0)
        parsed = NULL;
    const struct json *labels = json_at(parsed, "metadata.labels");
    const char *environment = json_str(json_get(labels, FUNCTION_ENVIRONMENT_LABEL));

    place = xcalloc(1, sizeof(*place));
    place->effective = policies_effective(counter->options.policies, labels);
    if (place->effective->environment)
        environment = place->effective->environment;
    place->environment = xstrdup(environment ? environment : counter->options.default_environment);
    map_put(places, namespace, place);
    return place;
}

static void places_done(struct map *places)
{
    const struct map_slot *slot;

    for (size_t cursor = 0; (slot = map_next(places, &cursor));) {
        struct place *place = slot->value;

        policy_effective_unref(place->effective);
        free(place->environment);
        free(place);
    }
    map_done(places);
}

static struct policy_count *count_of(struct map *counts, const char *policy)
{
    struct policy_count *count = map_get(counts, policy);

    if (!count) {
        count = xcalloc(1, sizeof(*count));
        count->names = STR_INIT(MESSAGE_BYTES);
        map_put(counts, policy, count);
    }
    return count;
}

static void counts_done(struct map *counts)
{
    const struct map_slot *slot;

    for (size_t cursor = 0; (slot = map_next(counts, &cursor));) {
        str_done(&((struct policy_count *)slot->value)->names);
        free(slot->value);
    }
    map_done(counts);
}

static void add_violation(struct policy_count *count, const char *key)
{
    count->violations++;
    if (count->names.len < NAMES_BYTES)
        str_addf(&count->names, "%s%.320s", count->names.len ? ", " : "", key);
    else if (!str_equal(str_text(&count->names) + count->names.len - strlen("…"), "…"))
        str_add(&count->names, ", …");
}

static bool breaks(const struct findings *findings, const char *policy)
{
    for (size_t i = 0; i < findings->count; i++)
        if (str_equal(findings->items[i].policy, policy))
            return true;
    return false;
}

static void count_function(const struct policy_counter *counter, const struct kube_object *object,
                           struct map *places, struct map *counts)
{
    _cleanup_(json_freep) struct json *parsed = NULL;
    struct findings findings = {0};

    if (json_parse(view(object->json), &parsed, NULL) < 0)
        return;
    const char *namespace = json_str_at(parsed, "metadata.namespace");

    if (!namespace)
        return;
    const struct place *place = place_of(counter, places, namespace);
    const struct policy_subject subject = {json_get(parsed, "spec"), NULL, place->environment};

    policy_judge(place->effective, &subject, &findings);
    for (size_t i = 0; i < place->effective->count; i++) {
        const char *policy = place->effective->policies[i]->name;
        struct policy_count *count = count_of(counts, policy);

        count->functions++;
        if (breaks(&findings, policy))
            add_violation(count, object->key);
    }
    findings_done(&findings);
}

/* --- writing -------------------------------------------------------------------------------- */

static int write_status(const struct policy_counter *counter, const struct json *policy,
                        const struct json *status, struct err *err)
{
    static const char *const identity[] = {"name", "uid", "resourceVersion"};
    _cleanup_(json_freep) struct json *patch = json_new_object();
    struct json *metadata = json_make_object(patch, "metadata");
    const struct json *from = json_get(policy, "metadata");
    _cleanup_(freep) char *path = xasprintf(
        KUBE_POLICIES_PATH "/%s/status?fieldManager=kubelambda&force=true", json_str_at(from, "name"));

    json_set_str(patch, "apiVersion", KUBE_API_VERSION);
    json_set_str(patch, "kind", "LambdaPolicy");
    for (size_t i = 0; i < ARRAY_LEN(identity); i++) /* only ever on the object that was counted */
        json_set_str(metadata, identity[i], json_str_at(from, identity[i]));
    json_set(patch, "status", json_copy(status));
    _cleanup_(freep) char *body = json_text(patch);

    return kube_call(counter->options.kube,
                     &(struct kube_request){
                         .method = "PATCH", .path = path, .content_type = KUBE_APPLY, .body = view(body)},
                     NULL, err);
}

/* False when it has to be tried again. */
static bool keep_status(const struct policy_counter *counter, const struct kube_object *object,
                        struct map *counts)
{
    _cleanup_(json_freep) struct json *policy = NULL;
    _cleanup_(str_done) struct str invalid = STR_INIT(MESSAGE_BYTES);
    struct findings findings = {0};
    char now[CLOCK_TEXT_SIZE], today[CLOCK_TEXT_SIZE];
    struct err err;

    if (json_parse(view(object->json), &policy, NULL) < 0 || !json_str_at(policy, "metadata.name"))
        return true;
    clock_rfc3339(clock_wall_s(), now);
    clock_today(today);
    policy_check(json_get(policy, "spec"), NULL, runtimes_get(counter->options.runtimes), today, &findings);
    if (findings.errors)
        findings_summary(&findings, &invalid);
    findings_done(&findings);

    const struct json *old = json_get(policy, "status");
    _cleanup_(json_freep) struct json *status =
        policy_status(old, json_int_at(policy, "metadata.generation", 0), count_of(counts, object->key),
                      str_text(&invalid), now);

    if (json_equal(old, status))
        return true;
    int r = write_status(counter, policy, status, &err);

    if (r < 0 && r != ERR_CONFLICT && r != ERR_NOT_FOUND)
        log_warn("the status of a policy could not be written", "policy", object->key, "error", err.msg);
    return r == 0 || r == ERR_NOT_FOUND;
}

static bool is_stopping(struct policy_counter *counter)
{
    pthread_mutex_lock(&counter->lock);
    bool stopping = counter->stopping;

    pthread_mutex_unlock(&counter->lock);
    return stopping;
}

/* False when some of it has to be tried again. */
static bool count_all(struct policy_counter *counter)
{
    struct objects policies = {0}, functions = {0};
    struct map places = {0}, counts = {0};
    bool done = true;

    informer_each(counter->options.policy_objects, collect, &policies);
    if (policies.count > 0)
        informer_each(counter->options.functions, collect, &functions);
    for (size_t i = 0; i < functions.count; i++)
        count_function(counter, functions.items[i], &places, &counts);
    for (size_t i = 0; i < policies.count && !is_stopping(counter); i++)
        done = keep_status(counter, policies.items[i], &counts) && done;
    counts_done(&counts);
    places_done(&places);
    objects_done(&functions);
    objects_done(&policies);
    return done;
}

/* --- the thread ----------------------------------------------------------------------------- */

/* At least so long; true when the counter stops. Under the lock. */
static bool rest(struct policy_counter *counter, int64_t ms)
{
    int64_t due_ms = clock_mono_ms() + ms;

    while (!counter->stopping && thread_wait_until(&counter->wake, &counter->lock, due_ms))
        ;
    return counter->stopping;
}

static void *run(void *arg)
{
    struct policy_counter *counter = arg;

    pthread_mutex_lock(&counter->lock);
    for (;;) {
        while (!counter->due && !counter->stopping)
            pthread_cond_wait(&counter->wake, &counter->lock);
        if (counter->stopping)
            break;
        counter->due = false;
        pthread_mutex_unlock(&counter->lock);

        int64_t start_ms = clock_mono_ms();
        bool done = count_all(counter);
        int64_t pause_ms = PAUSE_TIMES * (clock_mono_ms() - start_ms);

        pthread_mutex_lock(&counter->lock);
        if (!done)
            counter->due = true;
        if (pause_ms < PAUSE_MS)
            pause_ms = PAUSE_MS;
        if (rest(counter, done || pause_ms > RETRY_MS ? pause_ms : RETRY_MS))
            break;
    }
    pthread_mutex_unlock(&counter->lock);
    return NULL;
}

struct policy_counter *policy_counter_start(const struct policy_counter_options *options)
{
    struct policy_counter *counter = xcalloc(1, sizeof(*counter));

    counter->options = *options;
    counter->due = true;
    pthread_mutex_init(&counter->lock, NULL);
    thread_cond_init(&counter->wake);
    thread_must_start(&counter->thread, "policies", run, counter);
    return counter;
}

void policy_counter_stop(struct policy_counter *counter)
{
    if (!counter)
        return;
    pthread_mutex_lock(&counter->lock);
    counter->stopping = true;
    pthread_cond_signal(&counter->wake);
    pthread_mutex_unlock(&counter->lock);
    pthread_join(counter->thread, NULL);
    pthread_cond_destroy(&counter->wake);
    pthread_mutex_destroy(&counter->lock);
    free(counter);
}

void policy_counter_wake(struct policy_counter *counter)
{
    pthread_mutex_lock(&counter->lock);
    if (!counter->due) {
        counter->due = true;
        pthread_cond_signal(&counter->wake);
    }
    pthread_mutex_unlock(&counter->lock);
}

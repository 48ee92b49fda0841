/* Workers around the queue. Each key's memory is used by the one worker that has the key; the map of
 * them is locked. */
#include "controller/controller.h"

#include "common/aws/lambda.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"
#include "common/base/thread.h"
#include "controller/drift.h"
#include "controller/policies.h"
#include "controller/queue.h"
#include "controller/reconcile.h"

#define NAME "lambdafunction" /* in labels of metrics */

struct controller {
    struct informer *functions;
    struct policy_counter *counter;
    struct drift *drift;
    struct reconciler with;
    char *cluster_id;
    atomic_bool stopping;
    struct queue *queue;
    pthread_mutex_t lock;
    struct map memories; /* by key */
    pthread_t *workers;
    unsigned worker_count;
    struct series *results[3], *errors, *seconds, *active;
    struct series *phases[3]; /* functions by condition */
};

static void register_metrics(struct controller *controller)
{
    static const char *const results[] = {
        [RECONCILE_SUCCESS] = "success", [RECONCILE_WAIT] = "requeue_after", [RECONCILE_ERROR] = "error"};
    struct metric *total = metric(METRIC_COUNTER, "controller_runtime_reconcile_total",
                                  "Looks at a resource, by result.", "controller,result");

    static const char *const phases[] = {
        [STATUS_READY] = "Ready", [STATUS_RECONCILING] = "Reconciling", [STATUS_STALLED] = "Stalled"};
    struct metric *functions =
        metric(METRIC_GAUGE, "kubelambda_functions",
               "LambdaFunctions by the condition that is True, as the leader knows them.", "condition");

    for (size_t i = 0; i < ARRAY_LEN(phases); i++)
        controller->phases[i] = metric_series(functions, phases[i], NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        controller->results[i] = metric_series(total, NAME, results[i], NULL);
    controller->errors = metric_series(metric(METRIC_COUNTER, "controller_runtime_reconcile_errors_total",
                                              "Looks that ended with an error.", "controller"),
                                       NAME, NULL, NULL);
    controller->seconds = metric_series(metric(METRIC_HISTOGRAM, "controller_runtime_reconcile_time_seconds",
                                               "How long a look takes.", "controller"),
                                        NAME, NULL, NULL);
    controller->active = metric_series(metric(METRIC_GAUGE, "controller_runtime_active_workers",
                                              "Workers that have a resource.", "controller"),
                                       NAME, NULL, NULL);
    series_set(metric_series(metric(METRIC_GAUGE, "controller_runtime_max_concurrent_reconciles",
                                    "Workers there are.", "controller"),
                             NAME, NULL, NULL),
               controller->worker_count);
}

static struct memory *memory_of(struct controller *controller, const char *key)
{
    pthread_mutex_lock(&controller->lock);
    struct memory *memory = map_get(&controller->memories, key);

    if (!memory) {
        memory = memory_new();
        map_put(&controller->memories, key, memory);
    }
    pthread_mutex_unlock(&controller->lock);
    return memory;
}

/* `series` NULL: it is counted no more. */
static void count_in(struct memory *memory, struct series *series)
{
    struct series **counted = memory_counted(memory);

    if (*counted != series && *counted)
        series_add(*counted, -1);
    if (*counted != series && series)
        series_add(series, 1);
    *counted = series;
}

static void drop(struct memory *memory)
{
    if (memory)
        count_in(memory, NULL);
    memory_free(memory);
}

static void forget(struct controller *controller, const char *key)
{
    pthread_mutex_lock(&controller->lock);
    struct memory *memory = map_remove(&controller->memories, key);

    pthread_mutex_unlock(&controller->lock);
    drop(memory);
    drift_forget(controller->drift, key);
    queue_forget(controller->queue, key);
}

static void schedule(struct controller *controller, const char *key, struct memory *memory,
                     const struct reconcile_next *next)
{
    int64_t now_ms = clock_mono_ms(), after_ms = next->after_ms;

    if (next->backoff) {
        after_ms = queue_retry(controller->queue, key, next->backoff, after_ms, next->upkeep);
    } else {
        if (!next->rests) /* the retries, which go on */
            queue_forget(controller->queue, key);
        if (after_ms > 0 && next->upkeep)
            queue_add_upkeep_after(controller->queue, key, after_ms);
        else if (after_ms > 0)
            queue_add_after(controller->queue, key, after_ms);
    }
    memory_set_due(memory, after_ms > 0 ? now_ms + after_ms : INT64_MAX);
}

static void work(struct controller *controller, const char *key)
{
    _cleanup_(kube_object_unrefp) struct kube_object *object = informer_get(controller->functions, key);

    if (!object) {
        forget(controller, key);
        return;
    }
    struct memory *memory = memory_of(controller, key);
    int64_t start_ms = clock_mono_ms();

    if (drift_suspects(controller->drift, key))
        memory_suspect(memory);
    series_add(controller->active, 1);
    struct reconcile_next next = reconcile(&controller->with, object, memory);

    series_add(controller->active, -1);
    series_add(controller->results[next.result], 1);
    if (next.result == RECONCILE_ERROR)
        series_add(controller->errors, 1);
    series_observe(controller->seconds, (double)(clock_mono_ms() - start_ms) / 1000);
    if (!reconcile_is_over(&controller->with))
        count_in(memory, controller->phases[next.phase]);
    schedule(controller, key, memory, &next);
    drift_follow(controller->drift, key, memory_site(memory), memory_function_name(memory));
}

static void *worker(void *arg)
{
    struct controller *controller = arg;

    for (const char *key; (key = queue_get(controller->queue));) {
        if (drift_is_key(key))
            drift_search(controller->drift, key);
        else
            work(controller, key);
        queue_done(controller->queue, key);
    }
    return NULL;
}

static void start_workers(struct controller *controller)
{
    controller->workers = xcalloc(controller->worker_count, sizeof(*controller->workers));
    for (unsigned i = 0; i < controller->worker_count; i++)
        thread_must_start(&controller->workers[i], "worker", worker, controller);
}

static void add_known(void *arg, const struct kube_object *object)
{
    controller_enqueue(arg, object->key);
}

struct controller *controller_start(const struct controller_options *options)
{
    struct controller *controller = xcalloc(1, sizeof(*controller));

    controller->functions = options->functions;
    controller->cluster_id = xstrdup(options->cluster_id);
    controller->with = (struct reconciler){
        .kube = options->kube,
        .aws = options->aws,
        .events = options->events,
        .cluster_id = controller->cluster_id,
        .runtimes = options->runtimes,
        .namespaces = options->namespaces,
        .policy_objects = options->policy_objects,
        .policies = options->policies,
        .resync_ms = options->resync_ms,
        .rotation_ms = options->rotation_ms,
        .stopping = &controller->stopping,
        .lead_until_ms = options->lead_until_ms,
    };
    controller->worker_count = options->workers;
    controller->queue = queue_new(NAME);
    controller->drift = drift_new(&(struct drift_options){.kube = options->kube,
                                                          .aws = options->aws,
                                                          .functions = options->functions,
                                                          .queue = controller->queue,
                                                          .resync_ms = options->resync_ms,
                                                          .stopping = &controller->stopping});
    pthread_mutex_init(&controller->lock, NULL);
    register_metrics(controller);
    informer_each(controller->functions, add_known, controller);
    start_workers(controller);
    controller->counter = policy_counter_start(
        &(struct policy_counter_options){.kube = options->kube,
                                         .functions = options->functions,
                                         .namespaces = options->namespaces,
                                         .policy_objects = options->policy_objects,
                                         .policies = options->policies,
                                         .runtimes = options->runtimes,
                                         .default_environment = options->default_environment});
    log_info("the controller has started", "cluster_id", controller->cluster_id);
    return controller;
}

void controller_stop(struct controller *controller)
{
    size_t cursor = 0;

    if (!controller)
        return;
    atomic_store(&controller->stopping, true);
    lambda_wake(controller->with.aws);
    queue_stop(controller->queue);
    policy_counter_stop(controller->counter);
    for (unsigned i = 0; i < controller->worker_count; i++)
        pthread_join(controller->workers[i], NULL);
    for (const struct map_slot *slot; (slot = map_next(&controller->memories, &cursor));)
        drop(slot->value);
    map_done(&controller->memories);
    drift_free(controller->drift);
    queue_free(controller->queue);
    pthread_mutex_destroy(&controller->lock);
    free(controller->workers);
    free(controller->cluster_id);
    free(controller);
    log_info("the controller has stopped");
}

void controller_enqueue(struct controller *controller, const char *key)
{
    queue_add(controller->queue, key);
    if (controller->counter)
        policy_counter_wake(controller->counter);
}

struct reconsidered {
    struct controller *controller;
    const char *namespace;
};

/* Nobody waits for it, and most will find nothing to do. */
static void reconsider(void *arg, const struct kube_object *object)
{
    const struct reconsidered *which = arg;
    size_t len = which->namespace ? strlen(which->namespace) : 0;

    if (!len || (strncmp(object->key, which->namespace, len) == 0 && object->key[len] == '/'))
        queue_add_upkeep_after(which->controller->queue, object->key, 1);
}

void controller_reconsider(struct controller *controller, const char *namespace)
{
    struct reconsidered which = {controller, namespace};

    informer_each(controller->functions, reconsider, &which);
    controller_count(controller);
}

void controller_measure(struct controller *controller)
{
    queue_measure(controller->queue);
}

void controller_count(struct controller *controller)
{
    policy_counter_wake(controller->counter);
}

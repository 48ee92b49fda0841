/* The work queue: three lines of keys that are due, a heap of those that are not yet, and a map of all. */
#include "controller/queue.h"

#include "common/base/clock.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"
#include "common/base/thread.h"

#include <sys/queue.h>
#include <sys/random.h>

enum rank { BEGUN, ADDED, UPKEEP, RANKS }; /* whose line comes before whose */

enum { OVERTAKINGS_MAX = 7 }; /* of a key that was added, by what was begun */

struct item {
    char *key;
    TAILQ_ENTRY(item) links; /* in line */
    bool in_line, at_work;
    bool again;       /* added while at work */
    enum rank rank;   /* of the line that it is in, or gets in `again` */
    unsigned retries; /* since it last went well */
    size_t place;     /* in the heap, from 1 on; 0: not there */
    int64_t due_ms;
    enum rank due_rank; /* its `rank` when it is due: the best that was asked for */
    int64_t since_ms;   /* when it got in line, or went to work */
};

TAILQ_HEAD(line, item);

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct map items; /* every item that has a place anywhere */
    struct line lines[RANKS];
    unsigned overtakings; /* since a key that was added had its turn */
    struct item **heap;   /* [1 … delayed], the earliest first */
    size_t delayed, heap_capacity;
    bool stopped;
    struct series *depth, *adds, *waited, *worked, *retries, *unfinished, *longest;
};

/* The usual dashboards select by either label. */
static struct series *series_of(enum metric_kind kind, const char *metric_name, const char *help,
                                const char *name)
{
    return metric_series(metric(kind, metric_name, help, "name,controller"), name, name, NULL);
}

struct queue *queue_new(const char *name)
{
    struct queue *queue = xcalloc(1, sizeof(*queue));

    pthread_mutex_init(&queue->lock, NULL);
    thread_cond_init(&queue->changed);
    for (size_t i = 0; i < RANKS; i++)
        TAILQ_INIT(&queue->lines[i]);

    queue->depth = series_of(METRIC_GAUGE, "workqueue_depth", "Keys that wait for a worker.", name);
    queue->adds = series_of(METRIC_COUNTER, "workqueue_adds_total", "Keys that were added.", name);
    queue->waited = series_of(METRIC_HISTOGRAM, "workqueue_queue_duration_seconds",
                              "How long a key waits for a worker.", name);
    queue->worked =
        series_of(METRIC_HISTOGRAM, "workqueue_work_duration_seconds", "How long a worker has a key.", name);
    queue->retries = series_of(METRIC_COUNTER, "workqueue_retries_total",
                               "Keys that were added again after a failure.", name);
    queue->unfinished = series_of(METRIC_GAUGE, "workqueue_unfinished_work_seconds",
                                  "How long all workers together have had their keys.", name);
    queue->longest = series_of(METRIC_GAUGE, "workqueue_longest_running_processor_seconds",
                               "How long a worker has had a key at the most.", name);
    return queue;
}

void queue_free(struct queue *queue)
{
    size_t cursor = 0;

    if (!queue)
        return;
    for (const struct map_slot *slot; (slot = map_next(&queue->items, &cursor));) {
        struct item *item = slot->value;

        free(item->key);
        free(item);
    }
    map_done(&queue->items);
    free(queue->heap);
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

/* --- the heap of delayed items ------------------------------------------------------------- */

static void put(struct queue *queue, size_t place, struct item *item)
{
    queue->heap[place] = item;
    item->place = place;
}

/* Moves the item at `place` to where its due time belongs. */
static void settle(struct queue *queue, size_t place)
{
    struct item *item = queue->heap[place];

    for (; place > 1 && queue->heap[place / 2]->due_ms > item->due_ms; place /= 2)
        put(queue, place, queue->heap[place / 2]);
    for (size_t child; (child = 2 * place) <= queue->delayed; place = child) {
        if (child < queue->delayed && queue->heap[child + 1]->due_ms < queue->heap[child]->due_ms)
            child++;
        if (queue->heap[child]->due_ms >= item->due_ms)
            break;
        put(queue, place, queue->heap[child]);
    }
    put(queue, place, item);
}

static void heap_add(struct queue *queue, struct item *item)
{
    if (queue->delayed + 2 > queue->heap_capacity) {
        queue->heap_capacity = queue->heap_capacity ? 2 * queue->heap_capacity : 64;
        queue->heap = xrealloc(queue->heap, queue->heap_capacity * sizeof(*queue->heap));
    }
    put(queue, ++queue->delayed, item);
    settle(queue, queue->delayed);
}

static struct item *heap_take_first(struct queue *queue)
{
    struct item *item = queue->heap[1], *last = queue->heap[queue->delayed--];

    item->place = 0;
    if (last != item) {
        put(queue, 1, last);
        settle(queue, 1);
    }
    return item;
}

/* --- items, all under the lock ------------------------------------------------------------- */

static struct item *find_or_make(struct queue *queue, const char *key)
{
    struct item *item = map_get(&queue->items, key);

    if (!item) {
        item = xcalloc(1, sizeof(*item));
        item->key = xstrdup(key);
        map_put(&queue->items, key, item);
    }
    return item;
}

static void drop_when_idle(struct queue *queue, struct item *item)
{
    if (item->in_line || item->at_work || item->place || item->retries)
        return;
    map_remove(&queue->items, item->key);
    free(item->key);
    free(item);
}

static void append(struct queue *queue, struct item *item)
{
    item->in_line = true;
    item->since_ms = clock_mono_ms();
    TAILQ_INSERT_TAIL(&queue->lines[item->rank], item, links);
    series_add(queue->depth, 1);
    pthread_cond_signal(&queue->changed);
}

/* One that is to come anyway comes earlier at the most. */
static void promote(struct queue *queue, struct item *item, enum rank rank)
{
    if (rank >= item->rank)
        return;
    if (item->in_line) {
        TAILQ_REMOVE(&queue->lines[item->rank], item, links);
        TAILQ_INSERT_TAIL(&queue->lines[rank], item, links);
    }
    item->rank = rank;
}

static void line_up(struct queue *queue, struct item *item, enum rank rank)
{
    if (item->in_line || item->again) {
        promote(queue, item, rank);
        return;
    }
    item->rank = rank;
    series_add(queue->adds, 1);
    if (item->at_work)
        item->again = true;
    else
        append(queue, item);
}

static void delay(struct queue *queue, struct item *item, int64_t ms, enum rank rank)
{
    int64_t due_ms = clock_mono_ms() + ms;

    if (ms <= 0) {
        line_up(queue, item, rank);
        return;
    }
    if (!item->place || rank < item->due_rank)
        item->due_rank = rank;
    if (item->place && item->due_ms <= due_ms)
        return;
    item->due_ms = due_ms;
    if (item->place)
        settle(queue, item->place);
    else
        heap_add(queue, item);
    if (item->place == 1) /* whoever sleeps until the due time that was the first one */
        pthread_cond_broadcast(&queue->changed);
}

/* --- adding -------------------------------------------------------------------------------- */

void queue_add(struct queue *queue, const char *key)
{
    pthread_mutex_lock(&queue->lock);
    line_up(queue, find_or_make(queue, key), ADDED);
    pthread_mutex_unlock(&queue->lock);
}

void queue_add_after(struct queue *queue, const char *key, int64_t ms)
{
    pthread_mutex_lock(&queue->lock);
    delay(queue, find_or_make(queue, key), ms, BEGUN);
    pthread_mutex_unlock(&queue->lock);
}

void queue_add_upkeep_after(struct queue *queue, const char *key, int64_t ms)
{
    pthread_mutex_lock(&queue->lock);
    delay(queue, find_or_make(queue, key), ms, UPKEEP);
    pthread_mutex_unlock(&queue->lock);
}

int64_t queue_jitter(int64_t ms, int percent)
{
    int64_t width = ms / 100 * percent + ms % 100 * percent / 100;
    uint64_t chance = 0;

    if (width <= 0 || getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
        return ms;
    return ms - width + (int64_t)(chance % (uint64_t)(2 * width + 1));
}

int64_t queue_retry(struct queue *queue, const char *key, const struct queue_backoff *backoff,
                    int64_t at_least_ms, bool upkeep)
{
    int64_t ms = backoff->first_ms;

    pthread_mutex_lock(&queue->lock);
    struct item *item = find_or_make(queue, key);

    for (unsigned i = 0; i < item->retries && ms < backoff->max_ms; i++)
        ms *= 2;
    item->retries++;
    ms = queue_jitter(ms, 25);
    if (ms > backoff->max_ms)
        ms = backoff->max_ms;
    if (ms < at_least_ms)
        ms = at_least_ms;
    series_add(queue->retries, 1);
    delay(queue, item, ms, upkeep ? UPKEEP : BEGUN);
    pthread_mutex_unlock(&queue->lock);
    return ms;
}

void queue_forget(struct queue *queue, const char *key)
{
    pthread_mutex_lock(&queue->lock);
    struct item *item = map_get(&queue->items, key);

    if (item) {
        item->retries = 0;
        drop_when_idle(queue, item);
    }
    pthread_mutex_unlock(&queue->lock);
}

/* --- taking -------------------------------------------------------------------------------- */

static void line_up_what_is_due(struct queue *queue)
{
    int64_t now_ms = clock_mono_ms();

    while (queue->delayed && queue->heap[1]->due_ms <= now_ms) {
        struct item *item = heap_take_first(queue);

        line_up(queue, item, item->due_rank);
    }
}

static void wait_for_change(struct queue *queue)
{
    thread_wait_until(&queue->changed, &queue->lock, queue->delayed ? queue->heap[1]->due_ms : INT64_MAX);
}

static double seconds_since(int64_t since_ms)
{
    return (double)(clock_mono_ms() - since_ms) / 1000;
}

/* What was begun goes before what was added, but not for ever. */
static struct item *choose(struct queue *queue)
{
    struct item *begun = TAILQ_FIRST(&queue->lines[BEGUN]), *added = TAILQ_FIRST(&queue->lines[ADDED]);

    if (begun && added && queue->overtakings < OVERTAKINGS_MAX) {
        queue->overtakings++;
        return begun;
    }
    queue->overtakings = 0;
    return added ? added : begun ? begun : TAILQ_FIRST(&queue->lines[UPKEEP]);
}

const char *queue_get(struct queue *queue)
{
    struct item *item = NULL;

    pthread_mutex_lock(&queue->lock);
    while (!queue->stopped) {
        line_up_what_is_due(queue);
        item = choose(queue);
        if (item)
            break;
        wait_for_change(queue);
    }
    if (queue->stopped)
        item = NULL;
    if (item) {
        TAILQ_REMOVE(&queue->lines[item->rank], item, links);
        series_observe(queue->waited, seconds_since(item->since_ms));
        series_add(queue->depth, -1);
        item->in_line = false;
        item->at_work = true;
        item->since_ms = clock_mono_ms();
    }
    pthread_mutex_unlock(&queue->lock);
    return item ? item->key : NULL;
}

void queue_done(struct queue *queue, const char *key)
{
    pthread_mutex_lock(&queue->lock);
    struct item *item = map_get(&queue->items, key);

    series_observe(queue->worked, seconds_since(item->since_ms));
    item->at_work = false;
    if (item->again) {
        item->again = false;
        append(queue, item);
    }
    drop_when_idle(queue, item);
    pthread_mutex_unlock(&queue->lock);
}

void queue_measure(struct queue *queue)
{
    double unfinished = 0, longest = 0;
    size_t cursor = 0;

    pthread_mutex_lock(&queue->lock);
    for (const struct map_slot *slot; (slot = map_next(&queue->items, &cursor));) {
        const struct item *item = slot->value;
        double seconds = item->at_work ? seconds_since(item->since_ms) : 0;

        unfinished += seconds;
        longest = seconds > longest ? seconds : longest;
    }
    pthread_mutex_unlock(&queue->lock);
    series_set(queue->unfinished, unfinished);
    series_set(queue->longest, longest);
}

void queue_stop(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->stopped = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

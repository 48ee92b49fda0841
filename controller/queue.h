/* A work queue of keys. A key is in it once, however often it is added; one worker has it at a time; one
 * that is added while a worker has it is handed out again afterwards.
 *
 * All functions may be called by any thread; only queue_get blocks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct queue;

/* `name` is the label of the workqueue_* metrics and must outlive the queue. */
struct queue *queue_new(const char *name);
void queue_free(struct queue *queue); /* when no thread uses it any more; accepts NULL */

void queue_add(struct queue *queue, const char *key);

/* Adds the key in `ms`, to go on with what was begun: it then lines up before all that queue_add added, which
 * still gets one turn in eight. Of two due times of a key the earlier one counts; queue_add changes none. */
void queue_add_after(struct queue *queue, const char *key, int64_t ms);

/* The same for what nobody waits for: it then lines up behind all that was added otherwise. */
void queue_add_upkeep_after(struct queue *queue, const char *key, int64_t ms);

struct queue_backoff {
    int64_t first_ms, max_ms;
};

/* As queue_add_after, or as queue_add_upkeep_after, after first_ms * 2^n, a quarter more or less by chance,
 * at most max_ms and at least `at_least_ms`; n is the number of retries since queue_forget. Returns the
 * delay. */
int64_t queue_retry(struct queue *queue, const char *key, const struct queue_backoff *backoff,
                    int64_t at_least_ms, bool upkeep);
void queue_forget(struct queue *queue, const char *key); /* of its retries: the key went well */

/* Waits for a key, which belongs to the queue and stays valid until queue_done. NULL once stopped. */
const char *queue_get(struct queue *queue);
void queue_done(struct queue *queue, const char *key);

void queue_stop(struct queue *queue);

/* Sets the metrics of what is at work now. */
void queue_measure(struct queue *queue);

/* `ms` changed by chance, by at most `percent` either way. */
int64_t queue_jitter(int64_t ms, int percent);

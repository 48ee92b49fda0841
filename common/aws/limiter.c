/* Buckets per account and region, and the line in front of each. Any thread; one lock. */
#include "common/aws/limiter.h"

#include "common/base/clock.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"
#include "common/base/thread.h"

enum {
    CALL = 1000 * 1000, /* one call, as a bucket's level counts */
    BURST_MS = 500,     /* what may be sent at once after silence: that long at the planned pace */
    SLOWED_EVERY_MS = 1000,
    SLOWEST = 16,            /* the lowest rate is this fraction of the pace */
    RECOVERY = 40,           /* so many answers bring the whole pace back */
    PATIENCE_MS = 10 * 1000, /* a worker has better things to do than to wait longer */
};

/* Below the limits (100 and 15): others use the account, too, and clocks differ. */
static const int64_t paces[LIMITER_KINDS] = {[LIMITER_GET_FUNCTION] = 95, [LIMITER_OTHER] = 14};
static const char *const kind_names[LIMITER_KINDS] = {
    [LIMITER_GET_FUNCTION] = "GetFunction", [LIMITER_OTHER] = "other"};

/* --- the pure part ------------------------------------------------------------------------ */

static int64_t burst(const struct limiter_bucket *bucket)
{
    int64_t level = bucket->pace * BURST_MS;

    return level < CALL ? CALL : level;
}

struct limiter_bucket limiter_bucket_make(int64_t calls_per_second, int64_t now_ms)
{
    struct limiter_bucket bucket = {
        .pace = calls_per_second * 1000, .rate = calls_per_second * 1000, .at_ms = now_ms};

    bucket.level = burst(&bucket);
    return bucket;
}

static void fill(struct limiter_bucket *bucket, int64_t now_ms)
{
    int64_t most = burst(bucket);

    if (now_ms <= bucket->at_ms)
        return;
    int64_t passed_ms = now_ms - bucket->at_ms;

    /* Long silence fills it, without an overflow. */
    bucket->level = passed_ms > most / bucket->rate ? most : bucket->level + passed_ms * bucket->rate;
    if (bucket->level > most)
        bucket->level = most;
    bucket->at_ms = now_ms;
}

int64_t limiter_take(struct limiter_bucket *bucket, int64_t now_ms)
{
    fill(bucket, now_ms);
    if (now_ms < bucket->closed_ms)
        return bucket->closed_ms - now_ms;
    if (bucket->level < CALL)
        return (CALL - bucket->level + bucket->rate - 1) / bucket->rate;
    bucket->level -= CALL;
    return 0;
}

void limiter_throttled(struct limiter_bucket *bucket, int64_t now_ms, int64_t retry_after_ms)
{
    fill(bucket, now_ms);
    if (now_ms + retry_after_ms > bucket->closed_ms)
        bucket->closed_ms = now_ms + retry_after_ms;
    if (bucket->slowed_ms && now_ms - bucket->slowed_ms < SLOWED_EVERY_MS)
        return;
    bucket->slowed_ms = now_ms;
    bucket->rate = bucket->rate / 2 > bucket->pace / SLOWEST ? bucket->rate / 2 : bucket->pace / SLOWEST;
    bucket->level = 0; /* AWS's own bucket is empty */
}

void limiter_answered(struct limiter_bucket *bucket)
{
    bucket->rate += bucket->pace / RECOVERY;
    if (bucket->rate > bucket->pace)
        bucket->rate = bucket->pace;
}

/* --- the line ----------------------------------------------------------------------------- */

struct waiter {
    struct waiter *next;
    enum limiter_priority priority;
    pthread_cond_t turn; /* it became the first, or shall look at its `stop` */
};

/* One bucket of one account and region. Only the first in line takes from it. */
struct line {
    struct limiter_bucket bucket;
    struct waiter *first;
    struct series *waited;
};

struct limiter {
    pthread_mutex_t lock;
    struct map lines; /* "account/region" -> struct line[LIMITER_KINDS] */
    struct metric *waited;
};

struct limiter *limiter_new(void)
{
    struct limiter *limiter = xcalloc(1, sizeof(*limiter));

    pthread_mutex_init(&limiter->lock, NULL);
    limiter->waited = metric(METRIC_HISTOGRAM, "kubelambda_aws_limiter_wait_seconds",
                             "How long calls to Lambda were held back to stay below AWS's limits.", "bucket");
    return limiter;
}

void limiter_free(struct limiter *limiter)
{
    size_t cursor = 0;

    if (!limiter)
        return;
    for (const struct map_slot *slot; (slot = map_next(&limiter->lines, &cursor));)
        free(slot->value);
    map_done(&limiter->lines);
    pthread_mutex_destroy(&limiter->lock);
    free(limiter);
}

static struct line *find_line(struct limiter *limiter, const char *account, const char *region,
                              enum limiter_kind kind)
{
    _cleanup_(freep) char *key = xasprintf("%s/%s", account ? account : "", region ? region : "");
    struct line *lines = map_get(&limiter->lines, key);

    if (!lines) {
        lines = xcalloc(LIMITER_KINDS, sizeof(*lines));
        for (size_t i = 0; i < LIMITER_KINDS; i++) {
            lines[i].bucket = limiter_bucket_make(paces[i], clock_mono_ms());
            lines[i].waited = metric_series(limiter->waited, kind_names[i], NULL, NULL);
        }
        map_put(&limiter->lines, key, lines);
    }
    return &lines[kind];
}

static void line_up(struct line *line, struct waiter *waiter)
{
    struct waiter **place = &line->first;

    thread_cond_init(&waiter->turn);
    while (*place && (*place)->priority <= waiter->priority)
        place = &(*place)->next;
    waiter->next = *place;
    *place = waiter;
}

static void leave(struct line *line, struct waiter *waiter)
{
    struct waiter **place = &line->first;

    while (*place != waiter)
        place = &(*place)->next;
    *place = waiter->next;
    if (line->first)
        pthread_cond_signal(&line->first->turn);
    pthread_cond_destroy(&waiter->turn);
}

static int too_long(int64_t wait_ms, struct err *err)
{
    err_set(err, ERR_THROTTLED, "not sent yet: AWS takes no more calls at the moment");
    if (err)
        err->retry_after_ms = (int)(wait_ms > 1000 ? wait_ms : 1000);
    return ERR_THROTTLED;
}

/* Under the lock, which is released while it waits. */
static int wait_in_line(struct limiter *limiter, struct line *line, struct waiter *waiter,
                        const atomic_bool *stop, struct err *err)
{
    int64_t start_ms = clock_mono_ms();

    for (;;) {
        int64_t now_ms = clock_mono_ms(), left_ms = start_ms + PATIENCE_MS - now_ms, wait_ms = left_ms;

        if (stop && atomic_load(stop))
            return err_set(err, ERR_RETRY, "not sent: we are stopping");
        if (line->first == waiter)
            wait_ms = limiter_take(&line->bucket, now_ms);
        if (line->first == waiter && wait_ms == 0) {
            series_observe(line->waited, (double)(now_ms - start_ms) / 1000);
            return 0;
        }
        if (left_ms <= 0 || wait_ms > left_ms)
            return too_long(wait_ms, err);
        thread_wait_until(&waiter->turn, &limiter->lock, now_ms + wait_ms);
    }
}

int limiter_wait(struct limiter *limiter, const char *account, const char *region, enum limiter_kind kind,
                 enum limiter_priority priority, const atomic_bool *stop, struct err *err)
{
    struct waiter waiter = {.priority = priority};

    pthread_mutex_lock(&limiter->lock);
    struct line *line = find_line(limiter, account, region, kind);

    line_up(line, &waiter);
    int result = wait_in_line(limiter, line, &waiter, stop, err);

    leave(line, &waiter);
    pthread_mutex_unlock(&limiter->lock);
    return result;
}

void limiter_note(struct limiter *limiter, const char *account, const char *region, enum limiter_kind kind,
                  bool throttled, int64_t retry_after_ms)
{
    pthread_mutex_lock(&limiter->lock);
    struct limiter_bucket *bucket = &find_line(limiter, account, region, kind)->bucket;

    if (throttled)
        limiter_throttled(bucket, clock_mono_ms(), retry_after_ms);
    else
        limiter_answered(bucket);
    pthread_mutex_unlock(&limiter->lock);
}

void limiter_wake(struct limiter *limiter)
{
    size_t cursor = 0;

    pthread_mutex_lock(&limiter->lock);
    for (const struct map_slot *slot; (slot = map_next(&limiter->lines, &cursor));) {
        const struct line *lines = slot->value;

        for (size_t i = 0; i < LIMITER_KINDS; i++)
            for (struct waiter *waiter = lines[i].first; waiter; waiter = waiter->next)
                pthread_cond_signal(&waiter->turn);
    }
    pthread_mutex_unlock(&limiter->lock);
}

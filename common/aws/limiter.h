/* Keeps our calls to the Lambda API below AWS's published limits: 100 GetFunction a second, 15 of all
 * others together, per account and region, for us and everybody else there.
 * Source: "Lambda quotas", API requests.
 *
 * The first part is pure: a bucket and a time. The second part lets threads wait for their turn, a
 * person's change before what only looks after things. */
#pragma once

#include "common/base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum limiter_kind { LIMITER_GET_FUNCTION, LIMITER_OTHER, LIMITER_KINDS };

struct limiter_bucket {
    int64_t pace, rate; /* thousandths of a call a second: as planned, and as AWS has it at the moment */
    int64_t level;      /* millionths of a call that may be sent at once */
    int64_t at_ms;      /* when that was so */
    int64_t closed_ms;  /* nothing is sent before */
    int64_t slowed_ms;  /* when the rate was lowered last; 0: never */
};

struct limiter_bucket limiter_bucket_make(int64_t calls_per_second, int64_t now_ms);

/* 0: the call may be sent and is counted. Otherwise so many ms are left to wait, then ask again. */
int64_t limiter_take(struct limiter_bucket *bucket, int64_t now_ms);

/* AWS said 429: half the rate, at most once a second (the calls that were under way together are one
 * warning), and silence for as long as it asked. */
void limiter_throttled(struct limiter_bucket *bucket, int64_t now_ms, int64_t retry_after_ms);

/* AWS answered something else: the rate grows back. */
void limiter_answered(struct limiter_bucket *bucket);

enum limiter_priority {
    LIMITER_PERSON, /* somebody changed something and waits */
    LIMITER_UPKEEP, /* a resync, drift */
};

struct limiter;

struct limiter *limiter_new(void);
void limiter_free(struct limiter *limiter); /* when nobody waits; accepts NULL */

/* Blocks until it is this call's turn. ERR_THROTTLED with retry_after_ms, at once, when that would take
 * too long; ERR_RETRY once *stop (may be NULL) is true, see limiter_wake. Any thread but http's. */
int limiter_wait(struct limiter *limiter, const char *account, const char *region, enum limiter_kind kind,
                 enum limiter_priority priority, const atomic_bool *stop, struct err *err)
    __attribute__((warn_unused_result));

/* How AWS answered the call that had waited. */
void limiter_note(struct limiter *limiter, const char *account, const char *region, enum limiter_kind kind,
                  bool throttled, int64_t retry_after_ms);

/* Lets those who wait look at their `stop`. */
void limiter_wake(struct limiter *limiter);

/* Leader election by a Lease: who may take it, who holds it, until when. Pure: no I/O, no clock.
 *
 * The times in the object are for people and never looked at. A lease is over when its record did not
 * change for its duration, as seen by us on our own clock; ours is over LEASE_DEADLINE_MS after we sent the
 * last renewal that was confirmed. That is five seconds before anybody else may take it.
 * All `now_ms` are by clock_boot_ms: while the machine or the process sleeps that clock goes on. */
#pragma once

#include "common/base/json.h"

enum {
    LEASE_DURATION_MS = 15 * 1000,
    LEASE_DEADLINE_MS = 10 * 1000,
    LEASE_RETRY_MS = 2 * 1000, /* between two renewals, and between two looks of those who wait */
    LEASE_CALL_MS = 4 * 1000,  /* a request's time limit: two fit before the deadline */
};

enum lease_action {
    LEASE_WAIT,      /* until lease_wake_ms */
    LEASE_READ,      /* then lease_follow or lease_failed */
    LEASE_CREATE,    /* by lease_body, then lease_wrote or lease_failed */
    LEASE_UPDATE,    /* the same: a merge patch */
    LEASE_STEP_DOWN, /* it is not ours any more; that has been noted */
};

struct lease {
    const char *identity; /* ours: of this process alone */

    bool known;          /* what follows is recent enough to write on it */
    bool absent;         /* there is no such object */
    char *version;       /* its resourceVersion */
    char *record;        /* its spec as text; NULL: never seen */
    char *holder;        /* NULL: nobody */
    int64_t seen_ms;     /* when that record was first seen */
    int64_t duration_ms; /* as its holder says */
    int64_t transitions; /* how often it changed hands */

    bool leads;
    bool stolen;        /* while we led, it was found with somebody else, or with nobody */
    int64_t renewed_ms; /* when the last renewal that was confirmed was sent */
    int64_t next_ms;    /* nothing is sent before */
    unsigned failures;  /* in a row */
};

void lease_init(struct lease *lease, const char *identity); /* which must outlive it */
void lease_done(struct lease *lease);

/* What to do now. A step down comes before everything else. */
enum lease_action lease_next(struct lease *lease, int64_t now_ms);

/* When lease_next has something else to say than LEASE_WAIT. */
int64_t lease_wake_ms(const struct lease *lease);

/* The object as it was read; NULL: there is none. */
void lease_follow(struct lease *lease, const struct json *object, int64_t now_ms);

/* A write that was sent at `sent_ms` went well; the object is the answer. */
void lease_wrote(struct lease *lease, const struct json *object, int64_t sent_ms, int64_t now_ms);

/* The request that was sent at `sent_ms` did not go well: `class` is an err_class. */
void lease_failed(struct lease *lease, int class, int64_t sent_ms, int64_t now_ms);

/* Until when we lead; 0: we do not. */
int64_t lease_deadline_ms(const struct lease *lease);

/* The body of LEASE_CREATE or LEASE_UPDATE. `now`: "2026-11-24T08:00:00.000000Z". An update can only meet the
 * version that was read. The caller frees. */
struct json *lease_body(const struct lease *lease, enum lease_action action, const char *name,
                        const char *now);

/* The merge patch by which the holder lets go of it; the caller frees. */
struct json *lease_release(const struct lease *lease, const char *now);

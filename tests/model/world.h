/* The world of the model: its time, the API server, AWS and two replicas, and what happens in it. The
 * replicas run the real reconcile; what it would send goes to the models, and what is to happen in the middle
 * of a call happens there. All in one thread and all by the schedule, so that every run can be repeated. */
#pragma once

#include "controller/reconcile.h"
#include "tests/model/api.h"
#include "tests/model/cloud.h"
#include "tests/model/dice.h"

enum { RESYNC_MS = 600 * 1000, ROTATION_MS = 1200 * 1000 };

#define CLUSTER_ID "cluster"

/* One resource in one replica. */
struct work {
    struct json *informed; /* the informer's copy; NULL: there is none */
    struct memory *memory; /* NULL: not looked at yet */
    bool ready;            /* it waits to be looked at */
    int64_t due_ms;        /* when it will be; INT64_MAX: not set */
    unsigned retries;
    bool suspect; /* the search for drift says so */
    /* During a look: */
    struct json *given; /* the object as it was handed to reconcile; NULL: nobody looks */
    bool blurred;       /* a read showed what was before */
    char *revision;     /* of its function, as at the last GetFunction */
    unsigned meddled;   /* of its function, as at the last GetFunction */
    unsigned listed; /* the same, as at the last ListAliases; also of an earlier look, as it is remembered */
};

struct replica {
    struct world *world;
    struct reconciler with;
    atomic_bool stopping;
    _Atomic int64_t until_ms;
    bool leads; /* its controller runs */
    bool crashed, frozen;
    int64_t back_ms;       /* after a crash */
    int64_t cut_until_ms;  /* off from the API server */
    int64_t lags_until_ms; /* its informer */
    int64_t search_ms;     /* when the search for drift has looked at all again */
    struct work works[RESOURCES];
    struct work *current;   /* that makes calls; NULL: none */
    enum action_kind fault; /* of the call that is under way; ACTION_KINDS: none */
};

struct armed {
    const struct action *action;
    unsigned calls; /* left */
};

struct world {
    int64_t now_ms;
    struct dice dice;
    const struct schedule *schedule;
    const bool *kept; /* which of its actions happen */
    size_t next;      /* action */
    struct armed armed[SCHEDULE_MAX];
    size_t armed_count, depth; /* depth: calls in calls */
    struct api api;
    struct cloud cloud;
    struct replica replicas[2];
    struct replica *leader;
    int64_t lease_ms; /* when somebody else may lead */
    unsigned calls, writes;
    struct str story; /* what happened, where it is wanted */
    bool tells;
    struct str complaint; /* the first rule that was broken */
};

/* Runs the actions of the schedule that are `kept`, then lets things settle. What is wrong, or NULL; the
 * caller frees. `story`: what happened, appended; may be NULL. */
char *world_run(const struct schedule *schedule, const bool *kept, struct str *story);

/* The world that is there now. */
struct world *world_now(void);

void world_complain(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_tell(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* In the middle of a replica's call; afterwards its `fault` and `crashed` say what becomes of the call. */
void world_in_call(struct world *world, struct replica *replica, bool after);

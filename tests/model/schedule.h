/* What happens in one run of the model, drawn from a seed: a list of small actions with their times. Any part
 * of the list is a schedule, too, so that one that fails can be made smaller. Pure. */
#pragma once

#include "common/base/str.h"

enum action_kind {
    /* Users of the API server; `which` is the resource. */
    USER_CREATES, /* `value`: the function that it declares */
    USER_EDITS,   /* `value`: one of schedule_edits */
    USER_DELETES,
    /* Somebody in AWS; `which` is the function. */
    SOMEBODY_CONFIGURES,
    SOMEBODY_DEPLOYS,
    SOMEBODY_DELETES,
    SOMEBODY_CREATES,
    SOMEBODY_TAKES_TAG,  /* the owner's */
    SOMEBODY_TAKES_OVER, /* with another owner's tag */
    SOMEBODY_SETS_TAG,   /* `value`: which one */
    SOMEBODY_RESERVES,   /* concurrency */
    SOMEBODY_OVERWRITES, /* `which` is the archive in S3 */
    SOMEBODY_BREAKS,     /* it fails until there is other code or configuration, as when its image is gone */
    SOMEBODY_MOVES_ALIAS,
    /* One call to AWS or the API server goes wrong. */
    FAULT_UNSENT, /* no connection */
    FAULT_LOST,   /* done, but the answer is lost */
    FAULT_5XX,
    FAULT_THROTTLED,
    FAULT_CONFLICT, /* "in progress" of AWS, a conflict of the API server */
    FAULT_DENIED,
    FAULT_PROXY, /* a page where an answer should be, with 404 */
    /* For `ms`. */
    AWS_LAGS, /* reads show what was before the last write */
    AWS_REFUSES_ROLE,
    AWS_IGNORES_UPDATES, /* although it accepts them */
    AWS_FAILS_UPDATES,   /* those that it accepted */
    AWS_FAILS_CREATIONS,
    /* The replica that leads. */
    REPLICA_CRASHES,    /* another leads later; it is there again after `ms` */
    REPLICA_STOPS,      /* SIGTERM: the other one leads at once */
    REPLICA_FREEZES,    /* nothing of it runs for `ms` */
    REPLICA_IS_SLOW,    /* the call takes `ms` */
    REPLICA_IS_CUT_OFF, /* from the API server, for `ms` */
    INFORMER_LAGS,      /* it shows what was, for `ms` */
    ACTION_KINDS
};

struct action {
    enum action_kind kind;
    int64_t at_ms;
    unsigned call; /* 0: then; n: in the middle of the n-th call that is sent from then on */
    bool after;    /* its effect; else before */
    size_t which, value;
    int64_t ms;
};

enum { SCHEDULE_MAX = 40, RESOURCES = 2, FUNCTIONS = 2, ARCHIVES = 3 };

struct schedule {
    uint64_t seed;
    size_t count;
    struct action actions[SCHEDULE_MAX]; /* by time */
};

/* Merge patches of the spec. */
extern const char *const schedule_edits[];

struct schedule schedule_of(uint64_t seed);

/* "12.5 s, after the 3rd call: the replica crashes, for 5000 ms" */
void action_print(const struct action *action, struct str *out);

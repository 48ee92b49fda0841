/* A worker's look at one resource, and the ways in which it can end. Private to the controller. */
#pragma once

#include "common/aws/lambda.h"
#include "common/aws/s3.h"
#include "common/function/plan.h"
#include "controller/reconcile.h"
#include "controller/resource.h"

enum { READ_LAG_MS = 3 * 1000 }; /* that long an answer may still show what was before a write */

struct ran {
    enum plan_step_kind kind;
    char *item; /* of the step; may be NULL */
    int64_t at_ms;
};

struct memory {
    struct series *counted; /* see memory_counted; no new start changes it */
    char *uid;
    int64_t generation;
    char *version; /* resourceVersion that was dealt with last */
    /* When the next look is wanted; 0: not known yet, INT64_MAX: when something changes. All times are
       monotonic. */
    int64_t due_ms;
    struct ran *ran; /* the steps that were run for this generation */
    size_t ran_count;
    int64_t role_ms;            /* since when AWS says that it cannot assume the role; 0: it does not */
    int64_t busy_ms;            /* since when AWS is busy; 0: it is not */
    bool resting;               /* that look is a resync: what was tried may be tried once more */
    bool routine;               /* that look repeats a resync that failed: nobody waits for it either */
    int64_t sent_ms;            /* when an AWS write was over last: the function may be there; 0: never */
    int64_t earlier_ms;         /* the same, for an earlier generation */
    unsigned failures;          /* in a row */
    unsigned releases;          /* tries to let go of a function that is left behind */
    struct json *deployed;      /* by a step of this generation; not yet in the status */
    char *published;            /* version, by a step of this generation; not yet in the status */
    struct json *sides;         /* answers of the side calls, by their names; NULL: nothing is known */
    int64_t sides_due_ms;       /* when they are asked for anew */
    int64_t rotation_ms;        /* when what a list does not show is looked at, too; 0: not known yet */
    bool full;                  /* that time has come */
    char *redeploy;             /* the annotation, as it was at the last look; NULL: there was none */
    bool governed;              /* of run.governed, as it was at the last look */
    char *role;                 /* of run.role, as it was at the last look */
    char *site, *function_name; /* see memory_site; NULL where the spec lacks them */
    int64_t missed_ms;          /* of a deletion: since when AWS shows nothing of ours; 0: it does */
    bool found;                 /* what is there, if anything, may not be of our making */
    int64_t recreated_ms;       /* when a function whose creation failed was deleted; 0: none was */
};

struct run {
    const struct reconciler *with;
    struct memory *memory;
    struct resource resource;
    bool governed;                      /* it is known which policies govern it: */
    struct policy_effective *policy;    /* NULL: there are none at all */
    const char *role;                   /* the policies' aws.assumeRoleArn; NULL: none */
    struct aws *aws;                    /* with that role, or our own credentials */
    struct json *resolved;              /* the spec with the values of environment.valueFrom in its variables;
                                           NULL: it has none. Never shown, logged or kept */
    const char *function_name, *region; /* in the spec; NULL when it lacks them */
    char *owner;
    int64_t now_ms;
    bool upkeep;           /* a resync of what has settled, or its repetition: nobody waits for it */
    struct json *observed; /* GetFunction's answer and the side calls'; NULL: there is no function */
    bool artifact_asked;
    struct s3_object artifact;  /* "" where S3 did not say */
    bool found_asked, is_found; /* what is under the key of what runs: */
    struct s3_object found;
    char *redeploy;                  /* the annotation, cut to a sensible length; NULL: there is none */
    bool retain;                     /* a policy protects it: its deletion leaves the function */
    bool was_in_force;               /* all of this generation: what AWS has otherwise is drift */
    enum lambda_operation operation; /* the last one that was called */
    bool vanished;                   /* a step found the function gone */
    bool seen;                       /* what the last step did is in `observed` already */
};

/* A new generation, another object of the same name, another role, or a new request to deploy is a new start.
 */
void memory_follow(struct memory *memory, const struct run *run);

/* When was the step run last for this generation? 0: not yet. */
int64_t memory_ran_ms(const struct memory *memory, enum plan_step_kind kind, const char *item);
void memory_note_step(struct memory *memory, const struct plan_step *step); /* it was run just now */
void memory_forget_steps(struct memory *memory);

/* What AWS is to have: the declared spec, with the values that it takes from elsewhere. */
const struct json *run_spec(const struct run *run);

/* What is known of the artifact that runs: from a step that the status does not tell of yet, or from the
 * status. NULL: nothing. */
const struct json *run_deployed(const struct run *run);

/* Is there a function that may not be of our making? The status remembers that, and it is never deleted for
 * having failed. */
bool run_found(const struct run *run);

/* The worker is to stop or does not lead any more: nothing is written, whoever leads next looks anew. */
struct reconcile_next end_over(void);

/* What status.deployed is to say when the code that is declared runs, perhaps since just now. The caller
 * frees. */
struct json *run_new_deployed(const struct run *run, const struct json *observed, bool just_now);

/* Each writes the status where it has to change, and says when to look again. */
struct reconcile_next end_in_force(struct run *run);
/* AWS differs from what was in force, and that stays so. `names`: the fields, or what would be done. */
struct reconcile_next end_drifted(struct run *run, const char *names);
struct reconcile_next end_stalled(struct run *run, const char *reason, const char *message);
/* Nothing is done before the spec says otherwise. */
struct reconcile_next end_suspended(struct run *run);
/* Something that the spec takes a value from is not there; tried again with growing pauses. */
struct reconcile_next end_unresolved(struct run *run, const char *reason, const char *message);
/* AWS works on it, or does not show yet what it did. Shown in the status only when it takes long. */
struct reconcile_next end_busy(struct run *run, const char *reason);
struct reconcile_next end_aws_failed(struct run *run, const struct err *err);
struct reconcile_next end_kube_failed(struct run *run, const struct err *err);
/* Deletion cannot go on; tried again with growing pauses. */
struct reconcile_next end_kept(struct run *run, const char *reason, const char *message);

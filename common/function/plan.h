/* What has to be done in AWS so that a function is as declared. Pure: no I/O, no clock, no threads.
 * Used by the controller, which runs the steps, and by whoever wants to know what applying would do. */
#pragma once

#include "common/function/fields.h"

/* Names the resource that owns a function: "<cluster-id>/<namespace>/<name>". */
#define PLAN_OWNER_TAG "kubelambda.io/owner"

struct plan_input {
    const struct json *spec;     /* complete: after defaults and checks */
    const struct json *deployed; /* status.deployed; NULL: nothing is known to have been deployed */
    const struct json *managed;  /* status.managed: list of field paths that were declared; may be NULL */
    const struct json *observed; /* GetFunction's answer and those of the side calls, each under its name;
                                    NULL: the function does not exist */
    const char *owner;           /* our value of the owner tag */
    const char *artifact_sha256; /* base64, of the declared object; NULL or "": not known */
    const char *version;         /* status.version: what was published of what is in force; NULL: not known */
    int64_t generation;          /* of the spec, which a published version tells; 0: not known */
    bool deleting;               /* the resource is being deleted */
    bool retain;                 /* then the function stays, whatever the spec says */
    bool was_applied;            /* some generation was in force, or it was there before: never made anew */
    bool recreated;              /* a function whose creation failed was made anew once already */
    bool redeploy;               /* the code is deployed once more, also where it is the same */
};

/* May a function that is nobody's be taken over? */
bool plan_adopts(const struct json *spec);

/* Is the function left in AWS when its resource goes? By its policy, or because it is suspended. */
bool plan_retains(const struct json *spec);

enum plan_step_kind {
    PLAN_CREATE,
    PLAN_UPDATE_CODE,
    PLAN_UPDATE_CONFIGURATION,
    PLAN_TAG,
    PLAN_UNTAG, /* body: list of keys */
    PLAN_DELETE,
    PLAN_PUT_CONCURRENCY,
    PLAN_CLEAR_CONCURRENCY,
    PLAN_PUT_EVENT_INVOKE,
    PLAN_CLEAR_EVENT_INVOKE,
    PLAN_PUT_RECURSION,
    PLAN_PUT_RUNTIME_MANAGEMENT,
    PLAN_PUT_CODE_SIGNING,
    PLAN_CLEAR_CODE_SIGNING,
    PLAN_CREATE_URL,
    PLAN_UPDATE_URL,
    PLAN_DELETE_URL,
    PLAN_ADD_PERMISSION,
    PLAN_REMOVE_PERMISSION,
    PLAN_CREATE_EVENT_SOURCE,
    PLAN_UPDATE_EVENT_SOURCE,
    PLAN_DELETE_EVENT_SOURCE,
    PLAN_TAG_EVENT_SOURCE,
    PLAN_UNTAG_EVENT_SOURCE, /* body: list of keys */
    PLAN_PUBLISH,
    PLAN_CREATE_ALIAS,
    PLAN_UPDATE_ALIAS,
    PLAN_PUT_PROVISIONED,
    PLAN_CLEAR_PROVISIONED,
    PLAN_PUT_ALIAS_INVOKE,
    PLAN_CLEAR_ALIAS_INVOKE,
    PLAN_DELETE_ALIAS,
    PLAN_DELETE_VERSION,
    PLAN_STEP_KINDS
};

struct plan_step {
    enum plan_step_kind kind;
    struct json *body; /* the request's members; NULL for what deletes or clears */
    char *item;        /* what of the function it is about: an alias, a version, a statement; NULL: itself */
    char *qualifier;   /* the alias or version whose URL or statement it is; NULL: the function's */
    char *summary;     /* "changes memorySize, timeout": names, never values */
    bool waits;        /* runs only once no step before it is left: what those bring about is part of it */
};

enum plan_outcome {
    PLAN_IN_FORCE, /* nothing to do: AWS is as declared, or the function is gone as wanted */
    PLAN_STEPS,    /* run steps[0], look again, plan again */
    PLAN_WAIT,     /* AWS is still busy with an earlier change */
    PLAN_BLOCKED,  /* only a person can help: reason and message say how */
};

struct plan {
    enum plan_outcome outcome;
    struct plan_step *steps;
    size_t step_count;
    bool foreign;       /* the function there is not ours, as far as its tags can be read */
    bool adopts;        /* steps[0] takes over a function that was nobody's */
    const char *reason; /* CamelCase, for conditions: "AlreadyExists" */
    char message[512];
};

/* What has calls of its own beside code and configuration. */
struct plan_side {
    enum field_call call;           /* of its fields in the table */
    const char *path;               /* the member of the spec that declares it */
    const char *answer;             /* in `observed`: what its GET answers, and its PUT, too */
    enum plan_step_kind put, clear; /* PLAN_STEP_KINDS: there is nothing to clear, AWS's default is put */
    bool at_creation;               /* CreateFunction carries it */
};

extern const struct plan_side plan_sides[];
extern const size_t plan_side_count;

/* Is it declared, or was it? Only then AWS has to be asked for it. */
bool plan_side_ours(const struct plan_side *side, const struct json *spec, const struct json *managed);

/* A new object: what its GET would answer right after the function was created. */
struct json *plan_side_created(const struct plan_side *side, const struct json *spec);

/* A new object: what AWS would answer if all of `spec` were in force, owned by `owner`. With it a plan says
 * what a change would do, without asking AWS. `code_sha256` NULL: not known. */
struct json *plan_observed_from(const struct json *spec, const char *owner, const char *code_sha256);

void plan_make(const struct plan_input *input, struct plan *ret_plan);

/* `listed` is the function's item in ListFunctions' answer, which shows the configuration and the code's
 * hash, but no tags, states or what has calls of its own: does it differ from what is wanted? `observed` of
 * the input is not read. */
bool plan_listed_differs(const struct plan_input *input, const struct json *listed);
void plan_done(struct plan *plan);

/* Is other code or configuration declared than AWS has? */
bool plan_changes_function(const struct plan_input *input);

/* "creates the function" or "deploys new code; changes memorySize": for warnings, events and people. */
void plan_summary(const struct plan *plan, struct str *out);

/* A new list of what the spec declares beyond the required fields, joined with `before` (may be NULL):
 * written to status.managed before AWS is changed, so that a removed field can be cleared. A map or list
 * whose entries are managed one by one is named entry by entry, with the optional members of an entry:
 * "tags.team", "aliases.live", "aliases.live.asyncInvoke". */
struct json *plan_managed(const struct json *spec, const struct json *before);

/* A new list of the names in a status.managed (may be NULL) that no row of the tables has. A newer version
 * wrote them, and needs them to clear its fields once it is back: what is in force is remembered beside them.
 */
struct json *plan_managed_by_newer(const struct json *managed);

/* A new object for status.deployed: the artifact as declared and as AWS shows it. */
struct json *plan_deployed(const struct json *spec, const struct json *observed, const char *version_id);

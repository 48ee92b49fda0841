/* What hangs on a function as things of their own, told apart by keys: its URL, the statements of its policy,
 * its event sources. A table beside that of the side calls: each kind is one row, its members are rows of the
 * table of fields. Pure. */
#pragma once

#include "common/function/plan.h"

/* Tags of an event source mapping, which say whose it is and which item of the spec it stands for. */
#define ATTACHED_NAME_TAG "kubelambda.io/event-source"

/* Why a plan waits for AWS: for a mapping to settle. */
#define ATTACHED_BUSY "EventSourcesBusy"

/* The key of a URL that has no qualifier. */
#define ATTACHED_LATEST "$LATEST"

/* In status.managed: a tag of a mapping, "eventSourceTags.orders.team". */
#define ATTACHED_TAGS "eventSourceTags."

struct plan_attached {
    enum field_call call;       /* of its members in the table of fields */
    const char *path;           /* in the spec: an object, or a list of them */
    const char *key;            /* member of an item that tells it apart; NULL: its qualifier does */
    const char *answer;         /* in `observed`: key → what AWS has, in the form of the requests */
    enum plan_step_kind create; /* body: the request's members */
    enum plan_step_kind update; /* body: those that change; PLAN_STEP_KINDS: it is removed and made anew */
    enum plan_step_kind remove; /* no body */
    bool by_tag;                /* a tag says that it is ours; else status.managed does */
    bool qualified_key;         /* "alias/key": each qualifier has keys of its own */
    void (*add)(const struct json *spec, struct json *want); /* what follows from other fields; may be NULL */
    void (*complete)(struct json *item); /* AWS's defaults that depend on it; may be NULL */
    /* Adds to `have` what the answer to a look at one qualifier ("": none) shows. ERR_RETRY: cannot be read.
     */
    int (*read)(const struct json *answer, const char *qualifier, const char *owner, struct json *have,
                struct err *err);
};

enum { ATTACHED_URL, ATTACHED_PERMISSIONS, ATTACHED_EVENT_SOURCES }; /* the rows */

extern const struct plan_attached plan_attached[];
extern const size_t plan_attached_count;

const struct plan_attached *plan_attached_of(enum field_call call);          /* NULL: it is none of these */
const struct plan_attached *plan_attached_by_step(enum plan_step_kind kind); /* NULL: as above */

/* Is one declared, or was one? Only then AWS has to be asked for them. */
bool plan_attached_ours(const struct plan_attached *kind, const struct json *spec,
                        const struct json *managed);

/* A new object: key → item in the form of the requests. */
struct json *plan_attached_wanted(const struct plan_attached *kind, const struct json *spec,
                                  const char *owner);

/* A new list of the qualifiers whose things are declared or were; "" stands for the function itself. */
struct json *plan_attached_qualifiers(const struct plan_attached *kind, const struct json *spec,
                                      const struct json *managed);

/* Adds "permissions.s3" for each that is declared: see plan_managed. */
void plan_attached_manage(const struct json *spec, struct json *list);

/* Is what has the key ours, because its tag or `managed` says so? */
bool plan_attached_is_ours(const struct plan_attached *kind, const char *key, const struct json *have,
                           const struct plan_input *input);

/* The member of `item`, or AWS's default, in the form that is compared; NULL: not known. The caller frees. */
struct json *plan_attached_value(const struct field *field, const struct json *item);
bool plan_attached_value_differs(const struct field *field, const struct json *want, const struct json *have);

/* The field's path in an item: "cors.maxAge". */
const char *plan_attached_path(const struct plan_attached *kind, const struct field *field);

/* Adds the steps. True: AWS is still busy with some of them. May block the plan. */
bool plan_add_attached(const struct plan_input *input, struct plan *plan);

/* Those that outlive the function are deleted with it, or left behind without our tags. True as above. */
bool plan_detach(const struct plan_input *input, bool retains, struct plan *plan);

/* A new object of members for the status, {} where there is nothing to say. */
struct json *plan_attached_status(const struct plan_input *input);

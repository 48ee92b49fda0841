/* What a LambdaFunction's status says, and when it has to be written. Pure: no I/O, no clock.
 *
 * The conditions follow kstatus, by which kubectl, Argo CD and Flux judge: Ready is True only when all of
 * the generation is in force, Reconciling while it is worked on or retried, Stalled when only a person can
 * help. Exactly one of them is True at any time. Drifted, which kstatus does not know, is beside them from
 * the first time that something drifted and was left as it was. */
#pragma once

#include "common/base/json.h"

enum status_phase { STATUS_READY, STATUS_RECONCILING, STATUS_STALLED };

enum { STATUS_MESSAGE_MAX_BYTES = 1024 };

#define STATUS_DRIFTED "Drifted"
#define STATUS_NO_DRIFT "InForce"

struct status_change {
    enum status_phase phase;
    const char *reason;          /* CamelCase: "InForce" */
    const char *message;         /* for people, never a declared value; cut to 1024 bytes */
    int64_t generation;          /* that all this is about */
    bool found;                  /* the function was there before: 0 is in force where no generation is */
    const struct json *observed; /* GetFunction's answer; NULL: what the status says of it stays */
    const struct json *deployed; /* NULL: stays */
    const struct json *managed;  /* NULL: stays */
    bool anew;                   /* the function is made, or its code deployed, anew: no generation is in
                                    force any more */
    const char *drift;           /* reason of the condition Drifted; STATUS_NO_DRIFT: False; NULL: stays */
    const char *drift_message;   /* as `message` */
};

/* The whole status that follows `old` (may be NULL); the caller frees. A condition that stays as it was
 * keeps its time; the others get `now` (RFC 3339). */
struct json *status_make(const struct json *old, const struct status_change *change, const char *now);

/* Does `status`, made from `old`, say anything else than it? Times aside. */
bool status_differs(const struct json *old, const struct json *status);

/* Is it another state than `old` (may be NULL) tells of, rather than the same in other words? */
bool status_is_news(const struct json *old, const struct status_change *change);

/* Is the condition True for this generation? */
bool status_is(const struct json *status, const char *type, int64_t generation);

/* The condition that is True; STATUS_RECONCILING when none is yet. */
enum status_phase status_phase(const struct json *status);

/* "InForce"; NULL when the status has no conditions yet. */
const char *status_reason(const struct json *status);

/* Why Drifted is True; NULL when it is not. */
const char *status_drift(const struct json *status);

/* The body of the server-side apply. It carries uid and version, so that it can only meet the object
 * that was read. The status is copied; the caller frees. */
struct json *status_patch(const struct json *metadata, const char *resource_version,
                          const struct json *status);

/* What a check found, in the terms of the Kubernetes API: a field path, a reason, a message. */
#pragma once

#include "common/base/str.h"

enum finding_reason { /* the API's cause types, by which kubectl and tools sort */
                      FINDING_REQUIRED,
                      FINDING_INVALID,
                      FINDING_UNSUPPORTED,
                      FINDING_FORBIDDEN,
                      FINDING_TOO_LONG,
                      FINDING_TOO_MANY,
                      FINDING_TYPE,
                      FINDING_NOT_FOUND,
};

struct finding {
    char *field; /* "spec.runtime" */
    enum finding_reason reason;
    bool warning;  /* said, but refuses nothing */
    char *message; /* "Unsupported value: \"x\": …" */
    char *policy;  /* name of the LambdaPolicy that says so; NULL: not a matter of policy */
};

struct findings {
    struct finding *items;
    size_t count;
    size_t errors; /* those that are not warnings */
};

/* The message is the reason's words (not for a warning: those must be short), the quoted value when there
 * is one (cut to 120 bytes, control characters escaped), and the text. `value` NULL: none, or secret. */
void findings_add(struct findings *findings, enum finding_reason reason, bool warning, const char *field,
                  const char *value, const char *format, ...) __attribute__((format(printf, 6, 7)));
void findings_move(struct findings *findings, struct finding *finding); /* takes over what is in it */
void findings_done(struct findings *findings);

bool findings_by_policies(const struct findings *findings); /* all errors, as far as there are any */

/* Keeps the first FINDINGS_SHOWN errors and as many warnings, and adds how many more there were of each. */
enum { FINDINGS_SHOWN = 100 };
void findings_cap(struct findings *findings);

const char *finding_cause(enum finding_reason reason); /* "FieldValueInvalid", … */

/* "spec.runtime: Unsupported value: …" for one, "[a, b]" for several errors: the API server's form. */
void findings_summary(const struct findings *findings, struct str *out);
